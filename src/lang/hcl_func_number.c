/* Functions of numbers. Numbers are exact texts; log and pow go through a double, as users know
 * them. */
#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "lang/hcl_eval_priv.h"
#include "lang/hcl_funcs.h"

static struct json *undefined(const struct hcl_func_call *c)
{
    return hcl_call_failed(c, "the result is not a number");
}

/* The digits of %e as plain text: "-1.25e+03" is "-1250". */
static struct str plain_of(const char *e_form, struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(1024);
    struct str rest = str_of(e_form), mantissa, whole;
    int64_t exp = 0;
    bool neg = rest.p[0] == '-';

    if (neg)
        rest = str_from(rest, 1);
    str_split(&rest, 'e', &mantissa);
    (void)str_to_i64(rest.p[0] == '+' ? str_from(rest, 1) : rest, 10, &exp);
    str_split(&mantissa, '.', &whole);
    if (neg)
        buf_putc(&b, '-');
    buf_printf(&b, "%.*s%.*se%lld", STR_ARG(whole), STR_ARG(mantissa),
               (long long)(exp - (int64_t)mantissa.len));
    if (hcl_num_parse(buf_str(&b), a, &rest) != HCL_NUM_OK)
        return STR("0");
    return rest;
}

struct json *hcl_result_double(const struct hcl_func_call *c, double v)
{
    char text[40];

    if (isnan(v))
        return undefined(c);
    if (isinf(v)) /* no number with which one could go on */
        return hcl_result(c, json_of_str(v < 0 ? STR("-Inf") : STR("+Inf")));
    for (int digits = 0; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*e", digits, v);
        if (strtod(text, NULL) == v) /* the first that reads back */
            break;
    }
    return hcl_result_number(c, plain_of(text, c->arena));
}

static double double_of(const struct json *v)
{
    double d = 0;

    (void)str_to_double(v->text, &d);
    return d;
}

static struct json *fn_abs(const struct hcl_func_call *c)
{
    struct str text = c->args[0]->text;

    return hcl_result_number(c, text.p[0] == '-' ? str_from(text, 1) : text);
}

/* Down for dir -1, up for 1. */
static struct json *round_to(const struct hcl_func_call *c, int dir)
{
    struct str x = c->args[0]->text, rest, whole, r;
    int sign;

    if (hcl_num_op('%', x, STR("1"), c->arena, &rest) != HCL_NUM_OK ||
        hcl_num_op('-', x, rest, c->arena, &whole) != HCL_NUM_OK)
        return undefined(c);
    sign = hcl_num_cmp(rest, STR("0"));
    if (sign != dir)
        return hcl_result_number(c, whole);
    if (hcl_num_op(dir < 0 ? '-' : '+', whole, STR("1"), c->arena, &r) != HCL_NUM_OK)
        return undefined(c);
    return hcl_result_number(c, r);
}

static struct json *fn_ceil(const struct hcl_func_call *c)
{
    return round_to(c, 1);
}

static struct json *fn_floor(const struct hcl_func_call *c)
{
    return round_to(c, -1);
}

static struct json *fn_log(const struct hcl_func_call *c)
{
    return hcl_result_double(c, log(double_of(c->args[0])) / log(double_of(c->args[1])));
}

static struct json *fn_pow(const struct hcl_func_call *c)
{
    return hcl_result_double(c, pow(double_of(c->args[0]), double_of(c->args[1])));
}

static struct json *fn_signum(const struct hcl_func_call *c)
{
    int64_t v;

    if (!hcl_call_i64(c, 0, &v))
        return NULL;
    return hcl_result_i64(c, (v > 0) - (v < 0));
}

static struct json *extreme(const struct hcl_func_call *c, int sign)
{
    const struct json *best = c->n_args ? c->args[0] : NULL;

    if (!best)
        return hcl_call_failed(c, "must pass at least one number");
    for (size_t i = 1; i < c->n_args; i++)
        if (hcl_num_cmp(c->args[i]->text, best->text) == sign)
            best = c->args[i];
    return hcl_result(c, *best);
}

static struct json *fn_max(const struct hcl_func_call *c)
{
    return extreme(c, 1);
}

static struct json *fn_min(const struct hcl_func_call *c)
{
    return extreme(c, -1);
}

/* -1: no digit of that base. Beyond 36 upper and lower case differ. */
static int digit_of(char ch, int base)
{
    int d = -1;

    if (ch >= '0' && ch <= '9')
        d = ch - '0';
    else if (ch >= 'a' && ch <= 'z')
        d = ch - 'a' + 10;
    else if (ch >= 'A' && ch <= 'Z')
        d = ch - 'A' + (base <= 36 ? 10 : 36);
    return d < base ? d : -1;
}

/* Horner's rule on exact numbers. False: a character that is no digit, or too many. */
static bool read_int(struct str s, int base, struct arena *a, struct str *ret)
{
    struct str b = str_of(arena_printf(a, "%d", base));
    bool neg = s.len > 0 && s.p[0] == '-';
    size_t from = s.len > 0 && (s.p[0] == '-' || s.p[0] == '+');

    *ret = STR("0");
    if (s.len == from || s.len > 512)
        return false;
    for (size_t i = from; i < s.len; i++) {
        int d = digit_of(s.p[i], base);

        if (d < 0 || hcl_num_op('*', *ret, b, a, ret) != HCL_NUM_OK ||
            hcl_num_op('+', *ret, str_of(arena_printf(a, "%d", d)), a, ret) != HCL_NUM_OK)
            return false;
    }
    return !neg || hcl_num_op('-', STR("0"), *ret, a, ret) == HCL_NUM_OK;
}

static struct json *fn_parseint(const struct hcl_func_call *c)
{
    const struct json *s = c->args[0];
    struct str r;
    int64_t base;

    if (s->type != JSON_STRING)
        return hcl_arg_invalid(c, 0, "first argument must be a string, not %s",
                               hcl_type_name(s));
    if (!str_to_i64(c->args[1]->text, 10, &base) || base < 2 || base > 62)
        return hcl_arg_invalid(c, 1, "base must be a whole number between 2 and 62 inclusive");
    if (!hcl_call_spend(c, s->text.len * 4, s->text.len * 32))
        return NULL;
    if (!read_int(s->text, (int)base, c->arena, &r))
        return hcl_arg_invalid(c, 0, "cannot parse \"%.*s\" as a base %d integer",
                               STR_ARG(s->text), (int)base);
    return hcl_result_number(c, r);
}

void hcl_funcs_numbers(struct map *funcs)
{
    static const struct hcl_function rows[] = {
        {"abs", fn_abs, {{"num", HCL_NUMBER}}},
        {"ceil", fn_ceil, {{"num", HCL_NUMBER}}},
        {"floor", fn_floor, {{"num", HCL_NUMBER}}},
        {"log", fn_log, {{"num", HCL_NUMBER}, {"base", HCL_NUMBER}}},
        {"max", fn_max, .rest = {"numbers", HCL_NUMBER}},
        {"min", fn_min, .rest = {"numbers", HCL_NUMBER}},
        {"parseint", fn_parseint, {{"number", HCL_ANY}, {"base", HCL_NUMBER}}},
        {"pow", fn_pow, {{"num", HCL_NUMBER}, {"power", HCL_NUMBER}}},
        {"signum", fn_signum, {{"num", HCL_NUMBER}}},
    };

    hcl_funcs_add_rows(funcs, rows, ARRAY_LEN(rows));
}
