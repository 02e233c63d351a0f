#include <stdarg.h>

#include "base/err.h"
#include "lang/hcl_priv.h"

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

struct json *hcl_arg_invalid(const struct hcl_func_call *c, size_t arg, const char *param,
                             const char *fmt, ...)
{
    const char *why;
    va_list ap;

    va_start(ap, fmt);
    why = arena_vprintf(c->arena, fmt, ap);
    va_end(ap);
    hcl_diag_add(c->diags, arg_expr(c, arg)->start_at, "Invalid function argument",
                 "Invalid value for \"%s\" parameter: %s.", param, why);
    return NULL;
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

bool hcl_call_arity(const struct hcl_func_call *c, const char *const *params, size_t n_params,
                    bool variadic)
{
    size_t need = n_params - variadic;

    if (c->n_args < need) {
        hcl_diag_add(c->diags, closing_paren(c->expr), "Not enough function arguments",
                     "Function \"%.*s\" expects %s%zu argument(s). Missing value for \"%s\".",
                     STR_ARG(c->expr->name), variadic ? "at least " : "", need,
                     params[c->n_args]);
        return false;
    }
    if (c->n_args > n_params && !variadic) {
        hcl_diag_add(c->diags, arg_expr(c, n_params)->start_at, "Too many function arguments",
                     "Function \"%.*s\" expects only %zu argument(s).", STR_ARG(c->expr->name),
                     n_params);
        return false;
    }
    return true;
}
