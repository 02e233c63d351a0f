#include <stdarg.h>

#include "base/err.h"
#include "lang/hcl_eval_priv.h"
#include "lang/hcl_funcs.h"

/* A text of an argument costs a step for so many bytes. */
enum { BYTES_PER_STEP = 16, VALUE_DEPTH_MAX = 64 };

/*
 * What functions say
 */

struct json *hcl_call_failed(const struct hcl_func_call *c, const char *fmt, ...)
{
    const char *why;
    va_list ap;

    va_start(ap, fmt);
    why = arena_vprintf(c->arena, fmt, ap);
    va_end(ap);
    hcl_diag_add(c->diags, c->expr->start_at, "Error in function call",
                 "Call to function \"%.*s\" failed: %s.", STR_ARG(c->expr->name), why);
    return NULL;
}

/* The expression of an argument; those of an expanded list share the last one. */
static const struct hcl_expr *arg_expr(const struct hcl_func_call *c, size_t i)
{
    const struct hcl_expr *x = c->expr;

    if (x->n_items == 0)
        return x;
    return x->items[i < x->n_items ? i : x->n_items - 1];
}

static size_t count_params(const struct hcl_function *fn)
{
    size_t n = 0;

    while (n < HCL_PARAMS_MAX && fn->params[n].name)
        n++;
    return n;
}

static const struct hcl_param *param_of(const struct hcl_function *fn, size_t arg)
{
    return arg < count_params(fn) ? &fn->params[arg] : &fn->rest;
}

struct json *hcl_arg_invalid(const struct hcl_func_call *c, size_t arg, const char *fmt, ...)
{
    const char *why;
    va_list ap;

    va_start(ap, fmt);
    why = arena_vprintf(c->arena, fmt, ap);
    va_end(ap);
    hcl_diag_add(c->diags, arg_expr(c, arg)->start_at, "Invalid function argument",
                 "Invalid value for \"%s\" parameter: %s.", param_of(c->fn, arg)->name, why);
    return NULL;
}

/*
 * What functions ask for
 */

bool hcl_call_spend(const struct hcl_func_call *c, size_t steps, size_t bytes)
{
    return hcl_ev_spend(c->ev, c->expr, steps, bytes);
}

struct json *hcl_call_text(const struct hcl_func_call *c, const struct buf *b)
{
    if (!buf_ok(b)) {
        hcl_call_spend(c, SIZE_MAX, 0);
        return NULL;
    }
    return hcl_ev_text(c->ev, c->expr, b);
}

const struct json *hcl_call_eval(const struct hcl_func_call *c, size_t arg)
{
    return hcl_ev_eval(c->ev, c->expr->items[arg], c->ctx);
}

bool hcl_call_i64(const struct hcl_func_call *c, size_t arg, int64_t *ret)
{
    if (str_to_i64(c->args[arg]->text, 10, ret))
        return true;
    hcl_arg_invalid(c, arg,
                    "value must be a whole number, between -9223372036854775808 and "
                    "9223372036854775807 inclusive");
    return false;
}

struct json *hcl_result(const struct hcl_func_call *c, struct json v)
{
    return hcl_new_value(c->arena, v);
}

struct json *hcl_result_number(const struct hcl_func_call *c, struct str text)
{
    return hcl_result(c, (struct json){.type = JSON_NUMBER, .text = text});
}

struct json *hcl_result_i64(const struct hcl_func_call *c, int64_t v)
{
    return hcl_result(c, json_of_i64(c->arena, v));
}

struct json *hcl_result_list(const struct hcl_func_call *c, enum hcl_kind kind, size_t room)
{
    struct json v = {.type = JSON_ARRAY, .kind = kind};

    v.items = arena_array(c->arena, struct json, room ? room : 1);
    return hcl_result(c, v);
}

/*
 * Calling
 */

static const struct map *find_funcs(const struct hcl_eval_ctx *ctx)
{
    for (; ctx; ctx = ctx->parent)
        if (ctx->funcs)
            return ctx->funcs;
    return NULL;
}

/* try(a, b, ...): the first that has a value; can(x): whether x has one. */
static struct json *eval_try(struct hcl_ev *ev, const struct hcl_expr *x,
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
        v = hcl_ev_eval(ev, x->items[i], ctx);
        if (unheard.list.len > 0)
            v = NULL;
    }
    ev->diags = heard;
    if (ev->spent) {
        ev->spent = false;
        hcl_ev_spend(ev, x, SIZE_MAX, 0);
        return NULL;
    }
    if (is_can)
        return hcl_new_value(ev->arena, json_of_bool(v != NULL));
    return v ? v : hcl_call_failed(&c, "no expression succeeded");
}

/* All arguments as values; the items of an expanded last one for itself. */
static bool eval_args(struct hcl_ev *ev, const struct hcl_expr *x,
                      const struct hcl_eval_ctx *ctx, struct hcl_func_call *c)
{
    LIST(const struct json *) args = {0};
    bool ok = true;

    for (size_t i = 0; i < x->n_items; i++) {
        const struct json *v = hcl_ev_eval(ev, x->items[i], ctx);

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
            ok = ok && hcl_ev_spend(ev, x, v->len, v->len * sizeof v);
            for (uint32_t k = 0; ok && k < v->len; k++)
                list_push(ev->arena, &args, &v->items[k]);
        }
    }
    c->args = args.at;
    c->n_args = args.len;
    return ok;
}

/* The closing parenthesis: where a missing argument is reported. */
static struct hcl_range closing_paren(const struct hcl_expr *x)
{
    struct hcl_range r = x->at;

    r.start = r.end;
    r.start.col--;
    r.start.byte--;
    return r;
}

static bool check_count(const struct hcl_func_call *c, size_t n_args)
{
    size_t need = count_params(c->fn);
    bool variadic = c->fn->rest.name;

    if (n_args < need) {
        hcl_diag_add(c->diags, closing_paren(c->expr), "Not enough function arguments",
                     "Function \"%s\" expects %s%zu argument(s). Missing value for \"%s\".",
                     c->fn->name, variadic ? "at least " : "", need,
                     c->fn->params[n_args].name);
        return false;
    }
    if (n_args > need && !variadic) {
        hcl_diag_add(c->diags, arg_expr(c, need)->start_at, "Too many function arguments",
                     "Function \"%s\" expects only %zu argument(s).", c->fn->name, need);
        return false;
    }
    return true;
}

/* What reading the whole value takes: more than its nodes, since texts may be shared. */
static size_t cost_of(const struct json *v, size_t max, unsigned depth)
{
    size_t n = 1;

    if (depth > VALUE_DEPTH_MAX)
        return SIZE_MAX / 2;
    if (v->type == JSON_STRING || v->type == JSON_NUMBER)
        return 1 + v->text.len / BYTES_PER_STEP;
    if (v->type != JSON_ARRAY && v->type != JSON_OBJECT)
        return n;
    for (uint32_t i = 0; i < v->len && n <= max; i++) {
        if (v->type == JSON_OBJECT)
            n += v->members[i].key.len / BYTES_PER_STEP;
        n += cost_of(v->type == JSON_ARRAY ? &v->items[i] : &v->members[i].value, max,
                     depth + 1);
    }
    return n;
}

/* NULL: not convertible, *ret_why is what is required. */
static const struct json *convert(const struct json *v, enum hcl_want want, struct arena *a,
                                  const char **ret_why)
{
    switch (want) {
    case HCL_STRING:
        *ret_why = "string required";
        return hcl_to_string(v, a);
    case HCL_NUMBER:
        *ret_why = "a number is required";
        return hcl_to_number(v, a);
    case HCL_BOOL:
        *ret_why = "a bool is required";
        return hcl_to_bool(v, a);
    case HCL_LIST:
    case HCL_LIST_STRING:
    case HCL_SET:
        return hcl_to_list(v, want, a, ret_why);
    default:
        return v;
    }
}

static bool convert_args(struct hcl_func_call *c)
{
    const struct json **args = arena_array(c->arena, const struct json *, c->n_args + 1);

    for (size_t i = 0; i < c->n_args; i++) {
        const struct hcl_param *p = param_of(c->fn, i);
        const char *why = "";

        if (!hcl_call_spend(c, cost_of(c->args[i], c->ev->budget->steps_left, 1), 0))
            return false;
        args[i] = convert(c->args[i], p->want, c->arena, &why);
        if (args[i] && args[i]->type == JSON_NULL && !p->null) {
            args[i] = NULL;
            why = "argument must not be null";
        }
        if (!args[i]) {
            hcl_arg_invalid(c, i, "%s", why);
            return false;
        }
        if ((p->want == HCL_LIST || p->want == HCL_LIST_STRING || p->want == HCL_SET) &&
            !hcl_ev_pay(c->ev, c->expr, args[i]))
            return false;
    }
    c->args = args;
    return true;
}

struct json *hcl_eval_call(struct hcl_ev *ev, const struct hcl_expr *x,
                           const struct hcl_eval_ctx *ctx)
{
    struct hcl_func_call c = {
        .ctx = ctx, .arena = ev->arena, .expr = x, .diags = ev->diags, .ev = ev};
    const struct map *funcs = find_funcs(ctx);
    struct json *r;

    if (!funcs) {
        hcl_diag_add(ev->diags, x->name_at, "Function calls not allowed",
                     "Functions may not be called here.");
        return NULL;
    }
    if (str_eqc(x->name, "try") || str_eqc(x->name, "can"))
        return eval_try(ev, x, ctx);
    c.fn = map_get(funcs, x->name);
    if (!c.fn) {
        hcl_diag_add(ev->diags, x->name_at, "Call to unknown function",
                     "There is no function named \"%.*s\".", STR_ARG(x->name));
        return NULL;
    }
    if (!x->expand && !check_count(&c, x->n_items))
        return NULL;
    if (!c.fn->raw && (!eval_args(ev, x, ctx, &c) ||
                       (x->expand && !check_count(&c, c.n_args)) || !convert_args(&c)))
        return NULL;
    r = c.fn->fn(&c);
    if (!r || ev->spent)
        return NULL;
    return hcl_ev_pay(ev, x, r) ? r : NULL;
}

void hcl_funcs_add_rows(struct map *funcs, const struct hcl_function *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        map_put(funcs, str_of(rows[i].name), (void *)&rows[i]);
}

void hcl_funcs_add(struct map *funcs)
{
    hcl_funcs_numbers(funcs);
    hcl_funcs_texts(funcs);
    hcl_funcs_format(funcs);
    hcl_funcs_lists(funcs);
    hcl_funcs_maps(funcs);
    hcl_funcs_codecs(funcs);
    hcl_funcs_yaml(funcs);
    hcl_funcs_times(funcs);
    hcl_funcs_ip(funcs);
}
