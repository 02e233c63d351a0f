#include <assert.h>

#include "base/buf.h"
#include "base/err.h"
#include "lang/hcl_priv.h"

/*
 * Every expression costs a step, every value that becomes part of another one as many as it has
 * nodes, and texts their bytes; so neither a loop nor a value that holds another many times can
 * take more than the budget. Recursion is as deep as the tree, which the parser bounds.
 */

enum { VALUE_DEPTH_MAX = 64, NUMBER_STEPS = 16 };

struct eval {
    struct arena *arena;
    struct hcl_diags *diags;
    struct hcl_budget *budget;
    struct json *each; /* HCL_EACH */
    bool spent;
};

static struct json *eval(struct eval *ev, const struct hcl_expr *x,
                         const struct hcl_eval_ctx *ctx);

/*
 * Budget
 */

static bool spend(struct eval *ev, const struct hcl_expr *x, size_t steps, size_t bytes)
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
static bool pay_for(struct eval *ev, const struct hcl_expr *x, const struct json *v)
{
    size_t n = weigh(v, ev->budget->steps_left, 1);

    return spend(ev, x, n, n == SIZE_MAX ? n : n * sizeof(struct json_member));
}

static struct json *text_value(struct eval *ev, const struct hcl_expr *x, const struct buf *b)
{
    if (!spend(ev, x, 0, b->len))
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
static struct json *runtime_text(struct eval *ev, const struct hcl_expr *x,
                                 const struct hcl_eval_ctx *ctx)
{
    const struct hcl_expr *root = root_of(x);
    auto_buf struct buf b = BUF_INIT(HCL_TEXT_MAX);

    if (!root || !is_runtime(ctx) || find_var(ctx, root->name))
        return NULL;
    buf_printf(&b, "${%.*s}", STR_ARG(x->source));
    return text_value(ev, x, &b);
}

static struct json *eval_variable(struct eval *ev, const struct hcl_expr *x,
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

static struct json *get_attr(struct eval *ev, const struct hcl_expr *x, const struct json *of)
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

static struct json *no_index(struct eval *ev, const struct hcl_expr *x, const char *detail)
{
    hcl_diag_add(ev->diags, x->name_at, "Invalid index", "%s", detail);
    return NULL;
}

static struct json *get_index(struct eval *ev, const struct hcl_expr *x, const struct json *of,
                              const struct json *key)
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

static struct json *eval_step(struct eval *ev, const struct hcl_expr *x,
                              const struct hcl_eval_ctx *ctx)
{
    const struct json *of = eval(ev, x->items[0], ctx), *key = NULL;

    if (x->kind == HCL_INDEX)
        key = eval(ev, x->items[1], ctx);
    if (!of || (x->kind == HCL_INDEX && !key))
        return NULL;
    if (!spend(ev, x, of->type == JSON_OBJECT ? of->len / 16 : 0, 0))
        return NULL;
    return x->kind == HCL_ATTR ? get_attr(ev, x, of) : get_index(ev, x, of, key);
}

/*
 * Collections
 */

static struct json *new_array(struct eval *ev, size_t room)
{
    struct json v = {.type = JSON_ARRAY};

    v.items = arena_array(ev->arena, struct json, room ? room : 1);
    return hcl_new_value(ev->arena, v);
}

static struct json *eval_tuple(struct eval *ev, const struct hcl_expr *x,
                               const struct hcl_eval_ctx *ctx)
{
    struct json *r = new_array(ev, x->n_items);
    bool failed = false;

    for (size_t i = 0; i < x->n_items && !ev->spent; i++) {
        const struct json *v = eval(ev, x->items[i], ctx);

        if (v && pay_for(ev, x, v))
            r->items[r->len++] = *v;
        else
            failed = true;
    }
    return failed ? NULL : r;
}

/* False: said. */
static bool eval_key(struct eval *ev, const struct hcl_expr *key,
                     const struct hcl_eval_ctx *ctx, struct str *ret)
{
    const struct json *v = eval(ev, key, ctx), *s;

    if (!v)
        return false;
    s = hcl_to_string(v, ev->arena);
    if (s && s->type == JSON_STRING) {
        *ret = s->text;
        return true;
    }
    if (s)
        hcl_diag_add(ev->diags, key->at, "Null value as key",
                     "Can't use a null value as a key.");
    else
        hcl_diag_add(ev->diags, key->at, "Incorrect key type",
                     "Can't use this value as a key: string required.");
    return false;
}

static struct json *new_object(struct eval *ev, size_t room)
{
    struct json v = {.type = JSON_OBJECT};

    v.members = arena_array(ev->arena, struct json_member, room ? room : 1);
    return hcl_new_value(ev->arena, v);
}

static struct json *eval_object(struct eval *ev, const struct hcl_expr *x,
                                const struct hcl_eval_ctx *ctx)
{
    struct json *r = new_object(ev, x->n_items);
    bool failed = false;

    for (size_t i = 0; i < x->n_items && !ev->spent; i++) {
        struct json_member *m = &r->members[r->len];
        const struct json *v;
        bool ok = eval_key(ev, x->keys[i], ctx, &m->key);

        v = eval(ev, x->items[i], ctx);
        if (ok && v && pay_for(ev, x, v)) {
            m->value = *v;
            r->len++;
        } else {
            failed = true;
        }
    }
    if (failed)
        return NULL;
    hcl_sort_members(r->members, &r->len);
    return r;
}

static struct json *eval_splat(struct eval *ev, const struct hcl_expr *x,
                               const struct hcl_eval_ctx *ctx)
{
    struct json *of = eval(ev, x->items[0], ctx), *outer = ev->each, *r;
    bool is_list, failed = false;
    uint32_t n;

    if (!of)
        return NULL;
    is_list = of->type == JSON_ARRAY;
    n = is_list ? of->len : of->type != JSON_NULL;
    r = new_array(ev, n);
    for (uint32_t i = 0; i < n && !failed; i++) {
        const struct json *v;

        ev->each = is_list ? &of->items[i] : of;
        v = eval(ev, x->items[1], ctx);
        failed = !v || !pay_for(ev, x, v);
        if (!failed)
            r->items[r->len++] = *v;
    }
    ev->each = outer;
    return failed ? NULL : r;
}

/*
 * for
 */

/* What a loop makes: a list, an object (groups: lists per key), or text. */
struct loop {
    const struct hcl_expr *x;
    struct json *list, *object;
    struct map keys; /* of the object: to struct json_member */
    struct buf text;
    bool failed;
};

/* True: the item is wanted. */
static bool passes(struct eval *ev, struct loop *l, const struct hcl_eval_ctx *ctx)
{
    const struct hcl_expr *cond = l->x->for_->cond;
    const struct json *v, *b;

    if (!cond)
        return true;
    v = eval(ev, cond, ctx);
    b = v ? hcl_to_bool(v, ev->arena) : NULL;
    if (b && b->type == JSON_BOOL)
        return b->b;
    l->failed = true;
    if (b)
        hcl_diag_add(ev->diags, cond->at, "Condition is null",
                     "The value of the 'if' clause must not be null.");
    else if (v)
        hcl_diag_add(ev->diags, cond->at, "Invalid 'for' condition",
                     "The 'if' clause value is invalid: a bool is required.");
    return false;
}

static void loop_member(struct eval *ev, struct loop *l, struct str key, const struct json *v)
{
    const struct hcl_for *f = l->x->for_;
    struct json_member *m = map_get(&l->keys, key);

    if (m && !f->group) {
        hcl_diag_add(
            ev->diags, f->key->at, "Duplicate object key",
            "Two different items produced the key \"%.*s\" in this 'for' expression. If "
            "duplicates are expected, use the ellipsis (...) after the value expression "
            "to enable grouping by key.",
            STR_ARG(key));
        return;
    }
    if (!m) {
        m = &l->object->members[l->object->len++];
        *m = (struct json_member){.key = key, .value = *v};
        if (f->group)
            m->value = (struct json){.type = JSON_ARRAY};
        map_put(&l->keys, m->key, m);
    }
    if (f->group) {
        LIST(struct json) items = {m->value.items, m->value.len};

        list_push(ev->arena, &items, *v);
        m->value.items = items.at;
        m->value.len = (uint32_t)items.len;
    }
}

static bool append_text(struct eval *ev, struct buf *b, const struct hcl_expr *part,
                        const struct json *v);

static void loop_item(struct eval *ev, struct loop *l, const struct hcl_eval_ctx *ctx)
{
    const struct hcl_for *f = l->x->for_;
    const struct json *v;
    struct str key;

    if (!passes(ev, l, ctx))
        return;
    if (f->key && !eval_key(ev, f->key, ctx, &key)) {
        l->failed = true;
        return;
    }
    v = eval(ev, f->val, ctx);
    if (!v || !pay_for(ev, l->x, v))
        l->failed = true;
    else if (f->template)
        l->failed = !append_text(ev, &l->text, f->val, v);
    else if (f->key)
        loop_member(ev, l, key, v);
    else
        l->list->items[l->list->len++] = *v;
}

static void loop_all(struct eval *ev, struct loop *l, const struct json *in,
                     const struct hcl_eval_ctx *ctx)
{
    const struct hcl_for *f = l->x->for_;
    bool has_key = f->key_var.len > 0;
    struct json_member scope[2];
    struct json vars = {.type = JSON_OBJECT, .len = has_key ? 2 : 1, .members = scope};
    struct hcl_eval_ctx inner = {.parent = ctx, .vars = &vars};

    scope[0].key = f->val_var;
    scope[1].key = f->key_var;
    for (uint32_t i = 0; i < in->len && !l->failed; i++) {
        if (in->type == JSON_ARRAY) {
            scope[0].value = in->items[i];
            if (has_key)
                scope[1].value = json_of_i64(ev->arena, i);
        } else {
            scope[0].value = in->members[i].value;
            scope[1].value = json_of_str(in->members[i].key);
        }
        loop_item(ev, l, &inner);
    }
}

static struct json *loop_result(struct eval *ev, struct loop *l)
{
    if (l->failed)
        return NULL;
    if (l->x->for_->template)
        return text_value(ev, l->x, &l->text);
    if (!l->x->for_->key)
        return l->list;
    hcl_sort_members(l->object->members, &l->object->len);
    return l->object;
}

static struct json *eval_for(struct eval *ev, const struct hcl_expr *x,
                             const struct hcl_eval_ctx *ctx)
{
    const struct hcl_for *f = x->for_;
    struct loop l = {.x = x, .text = BUF_INIT(HCL_EVAL_BYTES_MAX)};
    const struct json *in = eval(ev, f->in, ctx);
    struct json *r;

    if (!in)
        return NULL;
    if (in->type == JSON_NULL) {
        hcl_diag_add(ev->diags, f->in->at, "Iteration over null value",
                     "A null value cannot be used as the collection in a 'for' expression.");
        return NULL;
    }
    if (in->type != JSON_ARRAY && in->type != JSON_OBJECT) {
        hcl_diag_add(ev->diags, f->in->at, "Iteration over non-iterable value",
                     "A value of type %s cannot be used as the collection in a 'for' "
                     "expression.",
                     hcl_type_name(in));
        return NULL;
    }
    if (!spend(ev, x, in->len, in->len * sizeof(struct json_member)))
        return NULL;
    l.list = new_array(ev, f->key || f->template ? 0 : in->len);
    l.object = new_object(ev, f->key ? in->len : 0);
    loop_all(ev, &l, in, ctx);
    r = loop_result(ev, &l);
    map_done(&l.keys);
    buf_done(&l.text);
    return r;
}

/*
 * Templates
 */

static bool append_text(struct eval *ev, struct buf *b, const struct hcl_expr *part,
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
        spend(ev, part, 0, SIZE_MAX);
    else
        buf_put_str(b, s->text);
    return s && s->type != JSON_NULL && !ev->spent;
}

static bool is_wrapper(const struct hcl_expr *x)
{
    const struct hcl_expr *only = x->n_items == 1 ? x->items[0] : NULL;

    return only && only->kind != HCL_IF && !(only->kind == HCL_FOR && only->for_->template);
}

static struct json *eval_template(struct eval *ev, const struct hcl_expr *x,
                                  const struct hcl_eval_ctx *ctx)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    bool failed = false;

    if (is_wrapper(x))
        return eval(ev, x->items[0], ctx); /* "${x}" is x, whatever its type */
    for (size_t i = 0; i < x->n_items && !ev->spent; i++) {
        const struct json *v = eval(ev, x->items[i], ctx);

        if (!v || !append_text(ev, &b, x->items[i], v))
            failed = true;
    }
    return failed ? NULL : text_value(ev, x, &b);
}

/*
 * Conditions
 */

/* -1: said. */
static int eval_condition(struct eval *ev, const struct hcl_expr *cond,
                          const struct hcl_eval_ctx *ctx)
{
    const struct json *v = eval(ev, cond, ctx), *b;

    if (!v)
        return -1;
    b = hcl_to_bool(v, ev->arena);
    if (b && b->type == JSON_BOOL)
        return b->b;
    if (b)
        hcl_diag_add(ev->diags, cond->at, "Null condition",
                     "The condition value is null. Conditions must either be true or false.");
    else
        hcl_diag_add(ev->diags, cond->at, "Incorrect condition type",
                     "The condition expression must be of type bool.");
    return -1;
}

static bool is_primitive(const struct json *v)
{
    return v->type == JSON_BOOL || v->type == JSON_NUMBER || v->type == JSON_STRING;
}

/* The chosen value in the type that both have in common. */
static struct json *unify(struct eval *ev, const struct hcl_expr *x, struct json *chosen,
                          const struct json *on_true, const struct json *on_false)
{
    if (!on_true || !on_false || on_true->type == on_false->type ||
        on_true->type == JSON_NULL || on_false->type == JSON_NULL)
        return chosen;
    if (is_primitive(on_true) && is_primitive(on_false) &&
        (on_true->type == JSON_STRING || on_false->type == JSON_STRING))
        return hcl_to_string(chosen, ev->arena);
    hcl_diag_add(ev->diags,
                 (struct hcl_range){x->at.file, x->items[1]->at.start, x->items[2]->at.end},
                 "Inconsistent conditional result types",
                 "The true and false result expressions must have consistent types. The 'true' "
                 "value is %s, but the 'false' value is %s.",
                 hcl_type_name(on_true), hcl_type_name(on_false));
    return NULL;
}

/* Both branches are computed, for their types; what the other one says does not matter. */
static struct json *eval_cond(struct eval *ev, const struct hcl_expr *x,
                              const struct hcl_eval_ctx *ctx)
{
    int cond = eval_condition(ev, x->items[0], ctx);
    struct hcl_diags unheard = {.arena = ev->arena, .dialect = HCL2}, *heard = ev->diags;
    struct json *chosen, *other;

    if (cond < 0)
        return NULL;
    chosen = eval(ev, x->items[cond ? 1 : 2], ctx);
    if (!chosen || ev->spent)
        return NULL;
    ev->diags = &unheard;
    other = eval(ev, x->items[cond ? 2 : 1], ctx);
    ev->diags = heard;
    if (ev->spent) {
        ev->spent = false;
        spend(ev, x, SIZE_MAX, 0);
        return NULL;
    }
    return cond ? unify(ev, x, chosen, chosen, other) : unify(ev, x, chosen, other, chosen);
}

/*
 * Operators
 */

static struct json *bad_operand(struct eval *ev, const struct hcl_expr *operand,
                                const char *which, const char *type)
{
    hcl_diag_add(ev->diags, operand->at, "Invalid operand",
                 "Unsuitable value for %s operand: a %s is required.", which, type);
    return NULL;
}

static struct json *bad_operation(struct eval *ev, const struct hcl_expr *x, const char *why)
{
    hcl_diag_add(ev->diags, x->at, "Operation failed", "Error during operation: %s.", why);
    return NULL;
}

static struct json *operand(struct eval *ev, const struct hcl_expr *x, const struct json *v,
                            bool as_bool, const char *which)
{
    struct json *r = as_bool ? hcl_to_bool(v, ev->arena) : hcl_to_number(v, ev->arena);

    if (!r)
        return bad_operand(ev, x, which, as_bool ? "bool" : "number");
    if (r->type == JSON_NULL)
        return bad_operation(ev, x, "argument must not be null");
    return r;
}

static struct json *arithmetic(struct eval *ev, const struct hcl_expr *x, struct str a,
                               struct str b)
{
    struct json r = {.type = JSON_NUMBER};

    if (!spend(ev, x, a.len + b.len > 36 ? NUMBER_STEPS : 1, a.len + b.len))
        return NULL;
    switch (hcl_num_op(x->op[0], a, b, ev->arena, &r.text)) {
    case HCL_NUM_OK:
        break;
    case HCL_NUM_UNDEFINED:
        return bad_operation(ev, x, "can't divide zero by zero or infinity by infinity");
    default:
        return bad_operation(ev, x, "the result is too large");
    }
    if (r.text.p[r.text.len - 1] == 'f') /* infinity is no number that could go on */
        r.type = JSON_STRING;
    return hcl_new_value(ev->arena, r);
}

static bool compare(const char *op, int c)
{
    if (op[0] == '<')
        return op[1] ? c <= 0 : c < 0;
    return op[1] ? c >= 0 : c > 0;
}

static struct json *eval_binary(struct eval *ev, const struct hcl_expr *x,
                                const struct hcl_eval_ctx *ctx)
{
    const struct json *a = eval(ev, x->items[0], ctx), *b = eval(ev, x->items[1], ctx);
    const char *op = x->op;
    bool logic = op[0] == '&' || op[0] == '|', r;

    if (!a || !b)
        return NULL;
    if (op[1] == '=' && (op[0] == '=' || op[0] == '!')) {
        if (!pay_for(ev, x, a) || !pay_for(ev, x, b))
            return NULL;
        r = hcl_values_equal(a, b) == (op[0] == '=');
        return hcl_new_value(ev->arena, json_of_bool(r));
    }
    a = operand(ev, x->items[0], a, logic, "left");
    b = operand(ev, x->items[1], b, logic, "right");
    if (!a || !b)
        return NULL;
    if (logic)
        r = op[0] == '&' ? a->b && b->b : a->b || b->b;
    else if (op[0] == '<' || op[0] == '>')
        r = compare(op, hcl_num_cmp(a->text, b->text));
    else
        return arithmetic(ev, x, a->text, b->text);
    return hcl_new_value(ev->arena, json_of_bool(r));
}

static struct json *eval_unary(struct eval *ev, const struct hcl_expr *x,
                               const struct hcl_eval_ctx *ctx)
{
    const struct json *v = eval(ev, x->items[0], ctx);
    bool is_not = x->op[0] == '!';

    v = v ? operand(ev, x->items[0], v, is_not, "unary") : NULL;
    if (!v)
        return NULL;
    if (is_not)
        return hcl_new_value(ev->arena, json_of_bool(!v->b));
    return arithmetic(ev, x, STR("0"), v->text);
}

/*
 * Calls
 */

static const struct map *find_funcs(const struct hcl_eval_ctx *ctx)
{
    for (; ctx; ctx = ctx->parent)
        if (ctx->funcs)
            return ctx->funcs;
    return NULL;
}

/* try(a, b, ...): the first that has a value; can(x): whether x has one. */
static struct json *eval_try(struct eval *ev, const struct hcl_expr *x,
                             const struct hcl_eval_ctx *ctx)
{
    struct hcl_diags unheard = {.arena = ev->arena, .dialect = HCL2}, *heard = ev->diags;
    struct hcl_func_call c = {.ctx = ctx, .arena = ev->arena, .expr = x, .diags = heard};
    bool is_can = str_eqc(x->name, "can");
    struct json *v = NULL;

    if (x->n_items == 0 || (is_can && x->n_items > 1))
        return hcl_call_failed(&c, is_can ? "exactly one argument is required"
                                          : "at least one argument is required");
    ev->diags = &unheard;
    for (size_t i = 0; i < x->n_items && !v && !ev->spent; i++) {
        unheard.list.len = 0;
        v = eval(ev, x->items[i], ctx);
        if (unheard.list.len > 0)
            v = NULL;
    }
    ev->diags = heard;
    if (ev->spent) {
        ev->spent = false;
        spend(ev, x, SIZE_MAX, 0);
        return NULL;
    }
    if (is_can)
        return hcl_new_value(ev->arena, json_of_bool(v != NULL));
    return v ? v : hcl_call_failed(&c, "no expression succeeded");
}

/* All arguments as values; the items of an expanded last one for itself. */
static bool eval_args(struct eval *ev, const struct hcl_expr *x, const struct hcl_eval_ctx *ctx,
                      struct hcl_func_call *c)
{
    LIST(const struct json *) args = {0};
    bool ok = true;

    for (size_t i = 0; i < x->n_items; i++) {
        const struct json *v = eval(ev, x->items[i], ctx);

        if (!v) {
            ok = false;
        } else if (!x->expand || i + 1 < x->n_items) {
            list_push(ev->arena, &args, v);
        } else if (v->type != JSON_ARRAY) {
            hcl_diag_add(ev->diags, x->items[i]->at, "Invalid expanding argument value",
                         v->type == JSON_NULL
                             ? "The expanding argument (indicated by ...) must not be null."
                             : "The expanding argument (indicated by ...) must be of a tuple, "
                               "list, or set type.");
            ok = false;
        } else {
            ok = ok && spend(ev, x, v->len, v->len * sizeof v);
            for (uint32_t k = 0; ok && k < v->len; k++)
                list_push(ev->arena, &args, &v->items[k]);
        }
    }
    c->args = args.at;
    c->n_args = args.len;
    return ok;
}

static struct json *eval_call(struct eval *ev, const struct hcl_expr *x,
                              const struct hcl_eval_ctx *ctx)
{
    struct hcl_func_call c = {.ctx = ctx, .arena = ev->arena, .expr = x, .diags = ev->diags};
    const struct map *funcs = find_funcs(ctx);
    hcl_func *fn;

    if (!funcs) {
        hcl_diag_add(ev->diags, x->name_at, "Function calls not allowed",
                     "Functions may not be called here.");
        return NULL;
    }
    if (str_eqc(x->name, "try") || str_eqc(x->name, "can"))
        return eval_try(ev, x, ctx);
    fn = (hcl_func *)map_get(funcs, x->name);
    if (!fn) {
        hcl_diag_add(ev->diags, x->name_at, "Call to unknown function",
                     "There is no function named \"%.*s\".", STR_ARG(x->name));
        return NULL;
    }
    if (!eval_args(ev, x, ctx, &c))
        return NULL;
    return fn(&c);
}

/*
 * The tree
 */

static struct json *eval_branch(struct eval *ev, const struct hcl_expr *x,
                                const struct hcl_eval_ctx *ctx)
{
    int cond = eval_condition(ev, x->items[0], ctx);

    return cond < 0 ? NULL : eval(ev, x->items[cond ? 1 : 2], ctx);
}

static struct json *eval(struct eval *ev, const struct hcl_expr *x,
                         const struct hcl_eval_ctx *ctx)
{
    struct json *text;

    if (!spend(ev, x, 1, sizeof(struct json)))
        return NULL;
    switch (x->kind) {
    case HCL_LITERAL:
        return x->value;
    case HCL_TEMPLATE:
        return eval_template(ev, x, ctx);
    case HCL_TUPLE:
        return eval_tuple(ev, x, ctx);
    case HCL_OBJECT:
        return eval_object(ev, x, ctx);
    case HCL_VARIABLE:
        text = runtime_text(ev, x, ctx);
        return text ? text : eval_variable(ev, x, ctx);
    case HCL_ATTR:
    case HCL_INDEX:
        text = runtime_text(ev, x, ctx);
        return text ? text : eval_step(ev, x, ctx);
    case HCL_SPLAT:
        return eval_splat(ev, x, ctx);
    case HCL_EACH:
        return ev->each;
    case HCL_CALL:
        return eval_call(ev, x, ctx);
    case HCL_UNARY:
        return eval_unary(ev, x, ctx);
    case HCL_BINARY:
        return eval_binary(ev, x, ctx);
    case HCL_COND:
        return eval_cond(ev, x, ctx);
    case HCL_FOR:
        return eval_for(ev, x, ctx);
    case HCL_PAREN:
        return eval(ev, x->items[0], ctx);
    case HCL_IF:
        return eval_branch(ev, x, ctx);
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
    struct eval ev = {.arena = a, .diags = d, .budget = find_budget(ctx)};

    if (!d->arena)
        d->arena = a;
    if (!ev.budget)
        ev.budget = &own;
    return eval(&ev, x, ctx);
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

/* Labels become objects around the body. */
static struct json *block_to_json(const struct hcl_block *b, const struct hcl_eval_ctx *ctx,
                                  struct arena *a, struct hcl_diags *d)
{
    struct json *v = hcl_body_to_json(b->body, ctx, a, d);

    for (size_t i = b->n_labels; v && i-- > 0;) {
        struct json *outer = json_new_object(a);

        json_set(a, outer, b->labels[i].text, *v);
        v = outer;
    }
    return v;
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
