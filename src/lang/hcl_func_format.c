/*
 * format and formatlist
 *
 *   verb = "%" { "-" | "+" | " " | "0" | "#" } [width] ["." [precision]] ["[" number "]"]
 * letter
 *
 * Numbers are exact texts, so every digit of them can be shown.
 */
#include <stdlib.h>

#include "base/err.h"
#include "lang/hcl_eval_priv.h"
#include "lang/hcl_funcs.h"

enum {
    WIDTH_MAX = 1 << 20, /* and precision */
    DIGITS_KEPT = 2 * HCL_NUM_DIGITS_MAX + 16,
};

struct verb {
    struct str raw;
    size_t offset;
    char letter;
    bool minus, plus, space, zero, sharp;
    int64_t width, precision; /* -1: none */
    size_t arg;               /* from 0 */
};

struct formatter {
    const struct hcl_func_call *c;
    struct str text;
    const struct json *const *args;
    size_t n_args, next, used;
    struct buf out;
};

/*
 * Reading a verb
 */

static bool failed(struct formatter *f, const char *why)
{
    hcl_call_failed(f->c, "%s", why);
    return false;
}

static bool read_number(struct str s, size_t *at, int64_t *ret)
{
    *ret = 0;
    for (; *at < s.len && s.p[*at] >= '0' && s.p[*at] <= '9'; (*at)++) {
        *ret = *ret * 10 + (s.p[*at] - '0');
        if (*ret > WIDTH_MAX)
            return false;
    }
    return true;
}

static void read_flags(struct verb *v, struct str s, size_t *at)
{
    for (; *at < s.len; (*at)++) {
        switch (s.p[*at]) {
        case '-':
            v->minus = true;
            break;
        case '+':
            v->plus = true;
            break;
        case ' ':
            v->space = true;
            break;
        case '0':
            v->zero = true;
            break;
        case '#':
            v->sharp = true;
            break;
        default:
            return;
        }
    }
}

/* At a "%"; moves *at behind the verb. False: said. */
static bool read_verb(struct formatter *f, size_t *at, struct verb *v)
{
    struct arena *a = f->c->arena;
    struct str s = f->text;
    size_t i = *at + 1;
    int64_t n = 0;

    *v = (struct verb){.offset = *at, .width = -1, .precision = -1, .arg = f->next};
    read_flags(v, s, &i);
    if (i < s.len && s.p[i] >= '1' && s.p[i] <= '9' && !read_number(s, &i, &v->width))
        return hcl_call_spend(f->c, SIZE_MAX, 0);
    if (i < s.len && s.p[i] == '.') {
        i++;
        if (!read_number(s, &i, &v->precision))
            return hcl_call_spend(f->c, SIZE_MAX, 0);
    }
    if (i < s.len && s.p[i] == '[') {
        i++;
        if (!read_number(s, &i, &n) || n == 0 || i >= s.len || s.p[i] != ']')
            return failed(f, arena_printf(a, "invalid argument index at offset %zu", i));
        v->arg = (size_t)n - 1;
        i++;
    }
    if (i >= s.len)
        return failed(
            f, arena_printf(a, "unterminated format verb starting at offset %zu", v->offset));
    v->letter = s.p[i];
    v->raw = str_n(s.p + *at, i + 1 - *at);
    *at = i + 1;
    return true;
}

/*
 * Writing
 */

static void pad(struct buf *b, int64_t n, char with)
{
    for (; n > 0; n--)
        buf_putc(b, with);
}

static void put_padded(struct formatter *f, const struct verb *v, struct str s)
{
    int64_t missing = v->width < 0 ? 0 : v->width - (int64_t)hcl_graphemes(s);

    if (!v->minus)
        pad(&f->out, missing, v->zero ? '0' : ' ');
    buf_put_str(&f->out, s);
    if (v->minus)
        pad(&f->out, missing, ' ');
}

/* A sign, what stands before the digits, and the digits; zeros go between. */
static void put_number(struct formatter *f, const struct verb *v, bool neg, const char *prefix,
                       struct str digits, bool may_zero)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    const char *sign = neg ? "-" : v->plus ? "+" : v->space ? " " : "";
    int64_t len = (int64_t)(strlen(sign) + strlen(prefix) + digits.len);
    struct verb plain = *v;

    plain.zero = false;
    buf_puts(&b, sign);
    buf_puts(&b, prefix);
    if (v->zero && !v->minus && may_zero)
        pad(&b, v->width - len, '0');
    buf_put_str(&b, digits);
    put_padded(f, &plain, buf_str(&b));
}

/* The whole part of a decimal text in another base, by long division. */
static struct str in_base(struct str digits, unsigned base, bool upper, struct arena *a)
{
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char *from = arena_strndup(a, digits.p, digits.len);
    size_t n = digits.len, room = n * 4 + 1, at = room, first = 0;
    char *out = arena_alloc(a, room);

    while (first < n) {
        unsigned rest = 0;

        for (size_t i = first; i < n; i++) {
            unsigned cur = rest * 10 + (unsigned)(from[i] - '0');

            from[i] = (char)('0' + cur / base);
            rest = cur % base;
        }
        out[--at] = alphabet[rest];
        while (first < n && from[first] == '0')
            first++;
    }
    return at < room ? str_n(out + at, room - at) : STR("0");
}

static void put_integer(struct formatter *f, const struct verb *v, struct str number)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    bool neg = number.p[0] == '-', upper = v->letter == 'X';
    struct str digits, rest = str_from(number, neg);
    const char *prefix = "";
    unsigned base = v->letter == 'b' ? 2 : v->letter == 'o' ? 8 : v->letter == 'd' ? 10 : 16;

    str_split(&rest, '.', &digits);
    neg = neg && !str_eqc(digits, "0");
    if (base != 10)
        digits = in_base(digits, base, upper, f->c->arena);
    if (v->sharp && base != 10)
        prefix = base == 2 ? "0b" : base == 8 ? "0" : upper ? "0X" : "0x";
    pad(&b, v->precision - (int64_t)digits.len, '0');
    buf_put_str(&b, digits);
    put_number(f, v, neg, prefix, buf_str(&b), v->precision < 0);
}

/*
 * A decimal: 0.d1d2d3... * 10^point.
 */
struct decimal {
    char digits[DIGITS_KEPT];
    int64_t n, point;
};

static void decimal_of(struct decimal *d, struct str number)
{
    bool fraction = false;

    d->n = d->point = 0;
    for (size_t i = 0; i < number.len; i++) {
        char ch = number.p[i];

        fraction = fraction || ch == '.';
        if (ch < '0' || ch > '9')
            continue;
        if (d->n == 0 && ch == '0') {
            d->point -= fraction;
            continue;
        }
        d->point += !fraction;
        if (d->n < DIGITS_KEPT)
            d->digits[d->n++] = ch;
    }
    while (d->n > 0 && d->digits[d->n - 1] == '0')
        d->n--;
    if (d->n == 0)
        d->point = 0;
}

/* To `n` digits, to the nearest, ties to even. */
static void round_decimal(struct decimal *d, int64_t n)
{
    bool up;

    if (n >= d->n)
        return;
    if (n < 0) {
        d->n = d->point = 0;
        return;
    }
    up = d->digits[n] > '5' || (d->digits[n] == '5' && n + 1 < d->n) ||
         (d->digits[n] == '5' && n > 0 && (d->digits[n - 1] & 1));
    for (d->n = n; up && d->n > 0; d->n--) {
        if (d->digits[d->n - 1] < '9') {
            d->digits[d->n - 1]++;
            return;
        }
    }
    if (up) {
        d->digits[0] = '1';
        d->n = 1;
        d->point++;
    }
}

static char digit_at(const struct decimal *d, int64_t i)
{
    return i >= 0 && i < d->n ? d->digits[i] : '0';
}

static void put_fixed(struct buf *b, const struct decimal *d, int64_t precision)
{
    if (d->point <= 0)
        buf_putc(b, '0');
    for (int64_t i = 0; i < d->point; i++)
        buf_putc(b, digit_at(d, i));
    if (precision > 0)
        buf_putc(b, '.');
    for (int64_t i = 0; i < precision; i++)
        buf_putc(b, digit_at(d, d->point + i));
}

static void put_exponent(struct buf *b, const struct decimal *d, int64_t precision, char letter)
{
    int64_t exp = d->n ? d->point - 1 : 0;

    buf_putc(b, digit_at(d, 0));
    if (precision > 0)
        buf_putc(b, '.');
    for (int64_t i = 1; i <= precision; i++)
        buf_putc(b, digit_at(d, i));
    buf_printf(b, "%c%c%02lld", letter, exp < 0 ? '-' : '+', (long long)(exp < 0 ? -exp : exp));
}

/* %g: as %e if the exponent is small or large; `precision` -1: as many digits as there are. */
static void put_general(struct buf *b, struct decimal *d, int64_t precision, char e)
{
    int64_t limit = precision;

    precision = precision == 0 ? 1 : precision;
    if (precision > 0)
        round_decimal(d, precision);
    if (limit > d->n && d->n >= d->point)
        limit = d->n;
    if (precision < 0)
        limit = 6;
    if (d->point - 1 < -4 || d->point - 1 >= limit)
        put_exponent(b, d, d->n > 0 ? d->n - 1 : 0, e);
    else
        put_fixed(b, d, d->n > d->point ? d->n - d->point : 0);
}

static void put_float(struct formatter *f, const struct verb *v, struct str number)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    int64_t precision = v->precision < 0 ? 6 : v->precision;
    struct decimal d;

    decimal_of(&d, number);
    switch (v->letter) {
    case 'f':
        round_decimal(&d, d.point + precision);
        put_fixed(&b, &d, precision);
        break;
    case 'e':
    case 'E':
        round_decimal(&d, precision + 1);
        put_exponent(&b, &d, precision, v->letter);
        break;
    default:
        put_general(&b, &d, v->precision, v->letter == 'G' ? 'E' : 'e');
    }
    put_number(f, v, number.p[0] == '-', "", buf_str(&b), true);
}

/* Whatever it is: texts as they are, numbers short, everything else as JSON. */
static void put_any(struct formatter *f, const struct verb *v, const struct json *arg)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    struct decimal d;

    if (arg->type == JSON_STRING && !v->sharp) {
        put_padded(f, v, arg->text);
        return;
    }
    if (arg->type == JSON_NUMBER && !v->sharp) {
        decimal_of(&d, arg->text);
        if (arg->text.p[0] == '-')
            buf_putc(&b, '-');
        put_general(&b, &d, -1, 'e');
    } else {
        hcl_put_json(&b, arg, f->c->arena);
    }
    put_padded(f, v, buf_str(&b));
}

static bool unsupported(struct formatter *f, const struct verb *v, const char *why)
{
    return failed(f, arena_printf(f->c->arena, "unsupported value for \"%.*s\" at %zu: %s",
                                  STR_ARG(v->raw), v->offset, why));
}

static bool put_text(struct formatter *f, const struct verb *v, const struct json *arg)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    const struct json *s = hcl_to_string(arg, f->c->arena);
    struct str text;
    size_t end = 0;

    if (!s)
        return unsupported(f, v, "string required");
    text = s->text;
    for (int64_t n = v->precision; n > 0 && end < text.len; n--)
        end += hcl_grapheme(text, end);
    if (v->precision >= 0)
        text = str_upto(text, end);
    if (v->letter == 'q') {
        struct json quoted = json_of_str(text);

        hcl_put_json(&b, &quoted, f->c->arena);
        text = buf_str(&b);
    }
    put_padded(f, v, text);
    return true;
}

static bool put_verb(struct formatter *f, const struct verb *v, const struct json *arg)
{
    const struct json *conv;

    if (v->letter != 'v' && arg->type == JSON_NULL)
        return unsupported(f, v, "null value cannot be formatted");
    switch (v->letter) {
    case 'v':
        put_any(f, v, arg);
        return true;
    case 't':
        conv = hcl_to_bool(arg, f->c->arena);
        if (!conv)
            return unsupported(f, v, "a bool is required");
        put_padded(f, v, conv->b ? STR("true") : STR("false"));
        return true;
    case 's':
    case 'q':
        return put_text(f, v, arg);
    default:
        conv = hcl_to_number(arg, f->c->arena);
        if (!conv)
            return unsupported(f, v, "a number is required");
        if (strchr("bdoxX", v->letter))
            put_integer(f, v, conv->text);
        else
            put_float(f, v, conv->text);
        return true;
    }
}

static bool one_verb(struct formatter *f, size_t *at)
{
    struct arena *a = f->c->arena;
    struct verb v;

    if (!read_verb(f, at, &v))
        return false;
    if (v.letter == '%') {
        buf_putc(&f->out, '%');
        return true;
    }
    if (!strchr("vtbdoxXeEfgGsq", v.letter))
        return failed(f,
                      arena_printf(a, "unsupported format verb '%c' in \"%.*s\" at offset %zu",
                                   v.letter, STR_ARG(v.raw), v.offset));
    if (v.arg >= f->n_args)
        return failed(f, arena_printf(a,
                                      "not enough arguments for \"%.*s\" at %zu: need index "
                                      "%zu but have %zu total",
                                      STR_ARG(v.raw), v.offset, v.arg + 1, f->n_args));
    f->next = v.arg + 1;
    f->used = f->next > f->used ? f->next : f->used;
    if (!hcl_call_spend(f->c,
                        4 + (v.width > 0 ? (size_t)v.width / 16 : 0) +
                            (v.precision > 0 ? (size_t)v.precision / 16 : 0),
                        0))
        return false;
    return put_verb(f, &v, f->args[v.arg]);
}

/* NULL: said. */
static struct json *format(const struct hcl_func_call *c, const struct json *const *args,
                           size_t n_args)
{
    struct formatter f = {
        c, c->args[0]->text, args, n_args, 0, 0, BUF_INIT(HCL_EVAL_BYTES_MAX)};
    struct json *r = NULL;
    bool ok = true;

    for (size_t at = 0; at < f.text.len && ok;) {
        ptrdiff_t next = str_chr(str_from(f.text, at), '%');

        buf_put_str(&f.out, str_upto(str_from(f.text, at), next < 0 ? SIZE_MAX : (size_t)next));
        at = next < 0 ? f.text.len : at + (size_t)next;
        ok = next < 0 || (one_verb(&f, &at) && buf_ok(&f.out));
    }
    if (!buf_ok(&f.out))
        hcl_call_spend(c, SIZE_MAX, 0);
    else if (ok && f.used < n_args)
        hcl_call_failed(c, "%s",
                        f.used == 0 ? "too many arguments; no verbs in format string"
                                    : arena_printf(c->arena,
                                                   "too many arguments; only %zu used by "
                                                   "format string",
                                                   f.used));
    else if (ok)
        r = hcl_call_text(c, &f.out);
    buf_done(&f.out);
    return r;
}

static struct json *fn_format(const struct hcl_func_call *c)
{
    return format(c, c->args + 1, c->n_args - 1);
}

/* How many texts formatlist makes: as long as its lists; -1: said. */
static int64_t list_length(const struct hcl_func_call *c)
{
    int64_t n = -1;
    size_t of = 0;

    for (size_t i = 1; i < c->n_args; i++) {
        if (c->args[i]->type != JSON_ARRAY)
            continue;
        if (n >= 0 && n != c->args[i]->len) {
            hcl_arg_invalid(c, i,
                            "argument %zu has length %u, which is inconsistent with "
                            "argument %zu of length %lld",
                            i, c->args[i]->len, of, (long long)n);
            return -1;
        }
        n = c->args[i]->len;
        of = i;
    }
    return n < 0 ? 1 : n;
}

static struct json *fn_formatlist(const struct hcl_func_call *c)
{
    const struct json **row = arena_array(c->arena, const struct json *, c->n_args);
    int64_t n = list_length(c);
    struct json *r;

    if (n < 0 || !hcl_call_spend(c, (size_t)n * c->n_args, (size_t)n * sizeof *r))
        return NULL;
    r = hcl_result_list(c, HCL_IS_LIST, (size_t)n);
    for (; r->len < n; r->len++) {
        const struct json *item;

        for (size_t i = 1; i < c->n_args; i++)
            row[i - 1] =
                c->args[i]->type == JSON_ARRAY ? &c->args[i]->items[r->len] : c->args[i];
        if (!hcl_call_spend(c, c->args[0]->text.len / 16 + 1, 0))
            return NULL;
        item = format(c, row, c->n_args - 1);
        if (!item)
            return NULL;
        r->items[r->len] = *item;
    }
    return r;
}

void hcl_funcs_format(struct map *funcs)
{
    static const struct hcl_function rows[] = {
        {"format", fn_format, {{"format", HCL_STRING}}, .rest = {"args", HCL_ANY, true}},
        {"formatlist",
         fn_formatlist,
         {{"format", HCL_STRING}},
         .rest = {"args", HCL_ANY, true}},
    };

    hcl_funcs_add_rows(funcs, rows, ARRAY_LEN(rows));
}
