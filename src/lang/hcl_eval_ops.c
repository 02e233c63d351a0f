#include "base/err.h"
#include "lang/hcl_eval_priv.h"

/* An operation on numbers with more digits costs more, and reading each of them does. */
enum { NUMBER_SMALL = 36, NUMBER_STEPS = 16 };

/*
 * Conditions
 */

/* -1: said. */
int hcl_ev_condition(struct hcl_ev *ev, const struct hcl_expr *cond,
                     const struct hcl_eval_ctx *ctx)
{
    const struct json *v = hcl_ev_eval(ev, cond, ctx), *b;

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
static struct json *unify(struct hcl_ev *ev, const struct hcl_expr *x, struct json *chosen,
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
struct json *hcl_eval_cond(struct hcl_ev *ev, const struct hcl_expr *x,
                           const struct hcl_eval_ctx *ctx)
{
    int cond = hcl_ev_condition(ev, x->items[0], ctx);
    struct hcl_diags unheard = {.arena = ev->arena, .dialect = HCL2}, *heard = ev->diags;
    struct json *chosen, *other;

    if (cond < 0)
        return NULL;
    chosen = hcl_ev_eval(ev, x->items[cond ? 1 : 2], ctx);
    if (!chosen || ev->spent)
        return NULL;
    ev->diags = &unheard;
    other = hcl_ev_eval(ev, x->items[cond ? 2 : 1], ctx);
    ev->diags = heard;
    if (ev->spent) {
        ev->spent = false;
        hcl_ev_spend(ev, x, SIZE_MAX, 0);
        return NULL;
    }
    return cond ? unify(ev, x, chosen, chosen, other) : unify(ev, x, chosen, other, chosen);
}

struct json *hcl_eval_branch(struct hcl_ev *ev, const struct hcl_expr *x,
                             const struct hcl_eval_ctx *ctx)
{
    int cond = hcl_ev_condition(ev, x->items[0], ctx);

    return cond < 0 ? NULL : hcl_ev_eval(ev, x->items[cond ? 1 : 2], ctx);
}

/*
 * Operators
 */

static struct json *bad_operand(struct hcl_ev *ev, const struct hcl_expr *operand,
                                const char *which, const char *type)
{
    hcl_diag_add(ev->diags, operand->at, "Invalid operand",
                 "Unsuitable value for %s operand: a %s is required.", which, type);
    return NULL;
}

static struct json *bad_operation(struct hcl_ev *ev, const struct hcl_expr *x, const char *why)
{
    hcl_diag_add(ev->diags, x->at, "Operation failed", "Error during operation: %s.", why);
    return NULL;
}

static struct json *operand(struct hcl_ev *ev, const struct hcl_expr *x, const struct json *v,
                            bool as_bool, const char *which)
{
    size_t digits = v->type == JSON_NUMBER || v->type == JSON_STRING ? v->text.len : 0;
    struct json *r;

    if (!hcl_ev_spend(ev, x, digits > NUMBER_SMALL ? digits : 0, digits))
        return NULL;
    r = as_bool ? hcl_to_bool(v, ev->arena) : hcl_to_number(v, ev->arena);
    if (!r)
        return bad_operand(ev, x, which, as_bool ? "bool" : "number");
    if (r->type == JSON_NULL)
        return bad_operation(ev, x, "argument must not be null");
    return r;
}

static struct json *arithmetic(struct hcl_ev *ev, const struct hcl_expr *x, struct str a,
                               struct str b)
{
    struct json r = {.type = JSON_NUMBER};

    if (!hcl_ev_spend(ev, x, a.len + b.len > NUMBER_SMALL ? NUMBER_STEPS : 1, a.len + b.len))
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

struct json *hcl_eval_binary(struct hcl_ev *ev, const struct hcl_expr *x,
                             const struct hcl_eval_ctx *ctx)
{
    const struct json *a = hcl_ev_eval(ev, x->items[0], ctx),
                      *b = hcl_ev_eval(ev, x->items[1], ctx);
    const char *op = x->op;
    bool logic = op[0] == '&' || op[0] == '|', r;

    if (!a || !b)
        return NULL;
    if (op[1] == '=' && (op[0] == '=' || op[0] == '!')) {
        if (!hcl_ev_pay(ev, x, a) || !hcl_ev_pay(ev, x, b))
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

struct json *hcl_eval_unary(struct hcl_ev *ev, const struct hcl_expr *x,
                            const struct hcl_eval_ctx *ctx)
{
    const struct json *v = hcl_ev_eval(ev, x->items[0], ctx);
    bool is_not = x->op[0] == '!';

    v = v ? operand(ev, x->items[0], v, is_not, "unary") : NULL;
    if (!v)
        return NULL;
    if (is_not)
        return hcl_new_value(ev->arena, json_of_bool(!v->b));
    return arithmetic(ev, x, STR("0"), v->text);
}
