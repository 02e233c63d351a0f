#include "base/buf.h"
#include "base/err.h"
#include "lang/hcl_eval_priv.h"

/*
 * Every expression costs a step, every value that becomes part of another one as many as it has
 * nodes, and texts their bytes; so neither a loop nor a value that holds another many times can
 * take more than the budget. Recursion is as deep as the tree, which the parser bounds.
 */

enum { VALUE_DEPTH_MAX = 64 };

/*
 * Budget
 */

bool hcl_ev_spend(struct hcl_ev *ev, const struct hcl_expr *x, size_t steps, size_t bytes)
{
    struct hcl_budget *b = ev->budget;
    struct str head = str_upto(x->source, 60);

    if (ev->spent)
        return false;
    if (steps <= b->steps_left && bytes <= b->bytes_left) {
        b->steps_left -= (uint32_t)steps;
        b->bytes_left -= bytes;
        return true;
    }
    ev->spent = true;
    hcl_diag_add(ev->diags, x->at, "Expression too expensive",
                 "Evaluating \"%.*s%s\" takes more steps or memory than a file is allowed.",
                 STR_ARG(head), head.len < x->source.len ? "..." : "");
    return false;
}

/* Nodes of a value, counted up to `max`; SIZE_MAX: nested too deeply. */
static size_t weigh(const struct json *v, size_t max, unsigned depth)
{
    size_t n = 1;

    if (depth > VALUE_DEPTH_MAX)
        return SIZE_MAX;
    if (v->type != JSON_ARRAY && v->type != JSON_OBJECT)
        return n;
    for (uint32_t i = 0; i < v->len && n <= max; i++) {
        const struct json *item = v->type == JSON_ARRAY ? &v->items[i] : &v->members[i].value;
        size_t w = weigh(item, max, depth + 1);

        if (w == SIZE_MAX)
            return w;
        n += w;
    }
    return n;
}

/* `v` is about to become part of a new value. */
bool hcl_ev_pay(struct hcl_ev *ev, const struct hcl_expr *x, const struct json *v)
{
    size_t n = weigh(v, ev->budget->steps_left, 1);

    return hcl_ev_spend(ev, x, n, n == SIZE_MAX ? n : n * sizeof(struct json_member));
}

struct json *hcl_ev_text(struct hcl_ev *ev, const struct hcl_expr *x, const struct buf *b)
{
    if (!hcl_ev_spend(ev, x, 0, b->len))
        return NULL;
    return hcl_new_value(ev->arena, json_of_str(arena_str(ev->arena, buf_str(b))));
}

/*
 * References
 */

static const struct json *get_member(const struct json *obj, struct str key)
{
    if (!json_is(obj, JSON_OBJECT))
        return NULL;
    for (uint32_t i = 0; i < obj->len; i++)
        if (str_eq(obj->members[i].key, key))
            return &obj->members[i].value;
    return NULL;
}

static const struct json *find_var(const struct hcl_eval_ctx *ctx, struct str name)
{
    const struct json *v = NULL;

    for (; ctx && !v; ctx = ctx->parent)
        v = get_member(ctx->vars, name);
    return v;
}

static bool is_runtime(const struct hcl_eval_ctx *ctx)
{
    for (; ctx; ctx = ctx->parent)
        if (ctx->flags & HCL_EVAL_RUNTIME)
            return true;
    return false;
}

static bool has_vars(const struct hcl_eval_ctx *ctx)
{
    for (; ctx; ctx = ctx->parent)
        if (ctx->vars)
            return true;
    return false;
}

/* The name that a chain of steps with fixed keys begins with, NULL: something else. */
static const struct hcl_expr *root_of(const struct hcl_expr *x)
{
    while (x->kind == HCL_ATTR || (x->kind == HCL_INDEX && x->items[1]->kind == HCL_LITERAL))
        x = x->items[0];
    return x->kind == HCL_VARIABLE ? x : NULL;
}

/* A reference whose root nobody knows here is text for those who will. */
static struct json *runtime_text(struct hcl_ev *ev, const struct hcl_expr *x,
                                 const struct hcl_eval_ctx *ctx)
{
    const struct hcl_expr *root = root_of(x);
    auto_buf struct buf b = BUF_INIT(HCL_TEXT_MAX);

    if (!root || !is_runtime(ctx) || find_var(ctx, root->name))
        return NULL;
    buf_printf(&b, "${%.*s}", STR_ARG(x->source));
    return hcl_ev_text(ev, x, &b);
}

static struct json *eval_variable(struct hcl_ev *ev, const struct hcl_expr *x,
                                  const struct hcl_eval_ctx *ctx)
{
    const struct json *v = find_var(ctx, x->name);

    if (v)
        return (struct json *)v;
    if (!has_vars(ctx))
        hcl_diag_add(ev->diags, x->at, "Variables not allowed",
                     "Variables may not be used here.");
    else
        hcl_diag_add(ev->diags, x->at, "Unknown variable",
                     "There is no variable named \"%.*s\".", STR_ARG(x->name));
    return NULL;
}

static struct json *get_attr(struct hcl_ev *ev, const struct hcl_expr *x, const struct json *of)
{
    const struct json *v = get_member(of, x->name);
    static const char summary[] = "Unsupported attribute";

    if (v)
        return (struct json *)v;
    if (of->type == JSON_NULL)
        hcl_diag_add(ev->diags, x->name_at, "Attempt to get attribute from null value",
                     "This value is null, so it does not have any attributes.");
    else if (of->type == JSON_OBJECT)
        hcl_diag_add(ev->diags, x->name_at, summary,
                     "This object does not have an attribute named \"%.*s\".",
                     STR_ARG(x->name));
    else if (of->type == JSON_ARRAY)
        hcl_diag_add(ev->diags, x->name_at, summary,
                     "This value does not have any attributes.");
    else
        hcl_diag_add(ev->diags, x->name_at, summary,
                     "Can't access attributes on a primitive-typed value (%s).",
                     hcl_type_name(of));
    return NULL;
}

static struct json *no_index(struct hcl_ev *ev, const struct hcl_expr *x, const char *detail)
{
    hcl_diag_add(ev->diags, x->name_at, "Invalid index", "%s", detail);
    return NULL;
}

static struct json *get_index(struct hcl_ev *ev, const struct hcl_expr *x,
                              const struct json *of, const struct json *key)
{
    static const char missing[] =
        "The given key does not identify an element in this collection value.";
    const struct json *k, *v;
    uint64_t i;

    if (of->type == JSON_NULL) {
        hcl_diag_add(ev->diags, x->name_at, "Attempt to index null value",
                     "This value is null, so it does not have any indices.");
        return NULL;
    }
    if (of->type != JSON_ARRAY && of->type != JSON_OBJECT)
        return no_index(ev, x, "This value does not have any indices.");
    if (key->type == JSON_NULL)
        return no_index(ev, x, "Can't use a null value as an indexing key.");
    if (of->type == JSON_OBJECT) {
        k = hcl_to_string(key, ev->arena);
        if (!k)
            return no_index(ev, x,
                            "The given key does not identify an element in this collection "
                            "value: string required.");
        v = get_member(of, k->text);
        return v ? (struct json *)v : no_index(ev, x, missing);
    }
    k = hcl_to_number(key, ev->arena);
    if (!k)
        return no_index(ev, x,
                        "The given key does not identify an element in this collection value: "
                        "number required.");
    if (!str_to_u64(k->text, 10, &i) || i >= of->len)
        return no_index(ev, x, missing);
    return &of->items[i];
}

static struct json *eval_step(struct hcl_ev *ev, const struct hcl_expr *x,
                              const struct hcl_eval_ctx *ctx)
{
    const struct json *of = hcl_ev_eval(ev, x->items[0], ctx), *key = NULL;

    if (x->kind == HCL_INDEX)
        key = hcl_ev_eval(ev, x->items[1], ctx);
    if (!of || (x->kind == HCL_INDEX && !key))
        return NULL;
    if (!hcl_ev_spend(ev, x, of->type == JSON_OBJECT ? of->len / 16 : 0, 0))
        return NULL;
    return x->kind == HCL_ATTR ? get_attr(ev, x, of) : get_index(ev, x, of, key);
}

/*
 * Templates
 */

bool hcl_ev_append(struct hcl_ev *ev, struct buf *b, const struct hcl_expr *part,
                   const struct json *v)
{
    static const char summary[] = "Invalid template interpolation value";
    const struct json *s = hcl_to_string(v, ev->arena);

    if (!s)
        hcl_diag_add(ev->diags, part->at, summary,
                     "Cannot include the given value in a string template: string required.");
    else if (s->type == JSON_NULL)
        hcl_diag_add(ev->diags, part->at, summary,
                     "The expression result is null. Cannot include a null value in a string "
                     "template.");
    else if (b->len + s->text.len > ev->budget->bytes_left)
        hcl_ev_spend(ev, part, 0, SIZE_MAX);
    else
        buf_put_str(b, s->text);
    return s && s->type != JSON_NULL && !ev->spent;
}

static bool is_wrapper(const struct hcl_expr *x)
{
    const struct hcl_expr *only = x->n_items == 1 ? x->items[0] : NULL;

    return only && only->kind != HCL_IF && !(only->kind == HCL_FOR && only->for_->template);
}

static struct json *eval_template(struct hcl_ev *ev, const struct hcl_expr *x,
                                  const struct hcl_eval_ctx *ctx)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    bool failed = false;

    if (is_wrapper(x))
        return hcl_ev_eval(ev, x->items[0], ctx); /* "${x}" is x, whatever its type */
    for (size_t i = 0; i < x->n_items && !ev->spent; i++) {
        const struct json *v = hcl_ev_eval(ev, x->items[i], ctx);

        if (!v || !hcl_ev_append(ev, &b, x->items[i], v))
            failed = true;
    }
    return failed ? NULL : hcl_ev_text(ev, x, &b);
}

/*
 * The tree
 */

struct json *hcl_ev_eval(struct hcl_ev *ev, const struct hcl_expr *x,
                         const struct hcl_eval_ctx *ctx)
{
    struct json *text;

    if (!hcl_ev_spend(ev, x, 1, sizeof(struct json)))
        return NULL;
    switch (x->kind) {
    case HCL_LITERAL:
        return x->value;
    case HCL_TEMPLATE:
        return eval_template(ev, x, ctx);
    case HCL_TUPLE:
        return hcl_eval_tuple(ev, x, ctx);
    case HCL_OBJECT:
        return hcl_eval_object(ev, x, ctx);
    case HCL_VARIABLE:
        text = runtime_text(ev, x, ctx);
        return text ? text : eval_variable(ev, x, ctx);
    case HCL_ATTR:
    case HCL_INDEX:
        text = runtime_text(ev, x, ctx);
        return text ? text : eval_step(ev, x, ctx);
    case HCL_SPLAT:
        return hcl_eval_splat(ev, x, ctx);
    case HCL_EACH:
        return ev->each;
    case HCL_CALL:
        return hcl_eval_call(ev, x, ctx);
    case HCL_UNARY:
        return hcl_eval_unary(ev, x, ctx);
    case HCL_BINARY:
        return hcl_eval_binary(ev, x, ctx);
    case HCL_COND:
        return hcl_eval_cond(ev, x, ctx);
    case HCL_FOR:
        return hcl_eval_for(ev, x, ctx);
    case HCL_PAREN:
        return hcl_ev_eval(ev, x->items[0], ctx);
    case HCL_IF:
        return hcl_eval_branch(ev, x, ctx);
    }
    return NULL;
}

static struct hcl_budget *find_budget(const struct hcl_eval_ctx *ctx)
{
    for (; ctx; ctx = ctx->parent)
        if (ctx->budget)
            return ctx->budget;
    return NULL;
}

struct json *hcl_eval(const struct hcl_expr *x, const struct hcl_eval_ctx *ctx, struct arena *a,
                      struct hcl_diags *d)
{
    struct hcl_budget own = {HCL_EVAL_STEPS_MAX, HCL_EVAL_BYTES_MAX};
    struct hcl_ev ev = {.arena = a, .diags = d, .budget = find_budget(ctx)};

    if (!d->arena)
        d->arena = a;
    if (!ev.budget)
        ev.budget = &own;
    return hcl_ev_eval(&ev, x, ctx);
}

/*
 * Bodies as JSON
 */

struct members {
    struct json *object;
    struct map index; /* name -> its place, plus one */
    LIST(struct json_member) list;
};

static struct json *member(struct members *m, struct str name, struct arena *a)
{
    size_t i = (size_t)map_get(&m->index, name);

    if (i == 0) {
        *list_add(a, &m->list) = (struct json_member){.key = name};
        i = m->list.len;
        map_put(&m->index, name, (void *)i);
    }
    return &m->list.at[i - 1].value;
}

static void append_item(struct arena *a, struct json *list, const struct json *v)
{
    LIST(struct json) items = {0};

    if (list->type == JSON_ARRAY) {
        items.at = list->items;
        items.len = list->len;
    }
    list_push(a, &items, *v);
    *list = (struct json){.type = JSON_ARRAY, .len = (uint32_t)items.len, .items = items.at};
}

/* Labels become objects around the body, each in a list, as several blocks may share one. */
static struct json *block_to_json(const struct hcl_block *b, const struct hcl_eval_ctx *ctx,
                                  struct arena *a, struct hcl_diags *d)
{
    struct json *v = hcl_body_to_json(b->body, ctx, a, d);

    for (size_t i = b->n_labels; v && i-- > 0;) {
        struct json *outer = json_new_object(a), list = {0};

        append_item(a, &list, v);
        json_set(a, outer, b->labels[i].text, list);
        v = outer;
    }
    return v;
}

struct json *hcl_body_to_json(const struct hcl_body *b, const struct hcl_eval_ctx *ctx,
                              struct arena *a, struct hcl_diags *d)
{
    struct members m = {0};
    struct json r = {.type = JSON_OBJECT};
    bool failed = false;

    for (size_t i = 0; i < b->items.len; i++) {
        const struct hcl_item *it = &b->items.at[i];
        const struct json *v = it->attr ? hcl_eval(it->attr->expr, ctx, a, d)
                                        : block_to_json(it->block, ctx, a, d);

        if (!v)
            failed = true;
        else if (it->attr)
            *member(&m, it->attr->name, a) = *v;
        else
            append_item(a, member(&m, it->block->type, a), v);
    }
    map_done(&m.index);
    r.members = m.list.at;
    r.len = (uint32_t)m.list.len;
    return failed ? NULL : hcl_new_value(a, r);
}
