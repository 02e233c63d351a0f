#include "base/buf.h"
#include "base/err.h"
#include "lang/hcl_eval_priv.h"
#include "lang/hcl_funcs.h"

/*
 * Lists and objects
 */

static struct json *new_array(struct hcl_ev *ev, size_t room)
{
    struct json v = {.type = JSON_ARRAY};

    v.items = arena_array(ev->arena, struct json, room ? room : 1);
    return hcl_new_value(ev->arena, v);
}

struct json *hcl_eval_tuple(struct hcl_ev *ev, const struct hcl_expr *x,
                            const struct hcl_eval_ctx *ctx)
{
    struct json *r = new_array(ev, x->n_items);
    bool failed = false;

    for (size_t i = 0; i < x->n_items && !ev->spent; i++) {
        const struct json *v = hcl_ev_eval(ev, x->items[i], ctx);

        if (v && hcl_ev_pay(ev, x, v))
            r->items[r->len++] = *v;
        else
            failed = true;
    }
    return failed ? NULL : r;
}

/* False: said. */
static bool eval_key(struct hcl_ev *ev, const struct hcl_expr *key,
                     const struct hcl_eval_ctx *ctx, struct str *ret)
{
    const struct json *v = hcl_ev_eval(ev, key, ctx), *s;

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

static struct json *new_object(struct hcl_ev *ev, size_t room)
{
    struct json v = {.type = JSON_OBJECT};

    v.members = arena_array(ev->arena, struct json_member, room ? room : 1);
    return hcl_new_value(ev->arena, v);
}

struct json *hcl_eval_object(struct hcl_ev *ev, const struct hcl_expr *x,
                             const struct hcl_eval_ctx *ctx)
{
    struct json *r = new_object(ev, x->n_items);
    bool failed = false;

    for (size_t i = 0; i < x->n_items && !ev->spent; i++) {
        struct json_member *m = &r->members[r->len];
        const struct json *v;
        bool ok = eval_key(ev, x->keys[i], ctx, &m->key);

        v = hcl_ev_eval(ev, x->items[i], ctx);
        if (ok && v && hcl_ev_pay(ev, x, v)) {
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

struct json *hcl_eval_splat(struct hcl_ev *ev, const struct hcl_expr *x,
                            const struct hcl_eval_ctx *ctx)
{
    struct json *of = hcl_ev_eval(ev, x->items[0], ctx), *outer = ev->each, *r;
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
        v = hcl_ev_eval(ev, x->items[1], ctx);
        failed = !v || !hcl_ev_pay(ev, x, v);
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
static bool passes(struct hcl_ev *ev, struct loop *l, const struct hcl_eval_ctx *ctx)
{
    const struct hcl_expr *cond = l->x->for_->cond;
    const struct json *v, *b;

    if (!cond)
        return true;
    v = hcl_ev_eval(ev, cond, ctx);
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

static void loop_member(struct hcl_ev *ev, struct loop *l, struct str key, const struct json *v)
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

static void loop_item(struct hcl_ev *ev, struct loop *l, const struct hcl_eval_ctx *ctx)
{
    const struct hcl_for *f = l->x->for_;
    const struct json *v;
    struct str key = {0};

    if (!passes(ev, l, ctx))
        return;
    if (f->key && !eval_key(ev, f->key, ctx, &key)) {
        l->failed = true;
        return;
    }
    v = hcl_ev_eval(ev, f->val, ctx);
    if (!v || !hcl_ev_pay(ev, l->x, v))
        l->failed = true;
    else if (f->template)
        l->failed = !hcl_ev_append(ev, &l->text, f->val, v);
    else if (f->key)
        loop_member(ev, l, key, v);
    else
        l->list->items[l->list->len++] = *v;
}

static void loop_all(struct hcl_ev *ev, struct loop *l, const struct json *in,
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

static struct json *loop_result(struct hcl_ev *ev, struct loop *l)
{
    if (l->failed)
        return NULL;
    if (l->x->for_->template)
        return hcl_ev_text(ev, l->x, &l->text);
    if (!l->x->for_->key)
        return l->list;
    hcl_sort_members(l->object->members, &l->object->len);
    return l->object;
}

struct json *hcl_eval_for(struct hcl_ev *ev, const struct hcl_expr *x,
                          const struct hcl_eval_ctx *ctx)
{
    const struct hcl_for *f = x->for_;
    struct loop l = {.x = x, .text = BUF_INIT(HCL_EVAL_BYTES_MAX)};
    const struct json *in = hcl_ev_eval(ev, f->in, ctx);
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
    if (!hcl_ev_spend(ev, x, in->len, in->len * sizeof(struct json_member)))
        return NULL;
    l.list = new_array(ev, f->key || f->template ? 0 : in->len);
    l.object = new_object(ev, f->key ? in->len : 0);
    loop_all(ev, &l, in, ctx);
    r = loop_result(ev, &l);
    map_done(&l.keys);
    buf_done(&l.text);
    return r;
}
