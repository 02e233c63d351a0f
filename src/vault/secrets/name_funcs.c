/* The functions of name templates: Go's own that make sense without loops, and Vault's. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/random.h"
#include "crypto/crypto.h"
#include "vault/secrets/name_template.h"

enum { SHA256_BYTES = 32, SHA256_TAIL = 8 };

static int bad(struct err *e, const char *what)
{
    return err_set(e, ERR_INVALID, "%s", what);
}

static void set_text(struct name_value *v, struct str s)
{
    *v = (struct name_value){.type = NAME_STR, .s = s};
}

static void set_bool(struct name_value *v, bool b)
{
    *v = (struct name_value){.type = NAME_BOOL, .i = b};
}

bool name_is_true(const struct name_value *v)
{
    return v->type == NAME_STR ? v->s.len > 0 : v->i != 0;
}

struct str name_text(struct arena *a, const struct name_value *v)
{
    if (v->type == NAME_STR)
        return v->s;
    if (v->type == NAME_BOOL)
        return v->i ? STR("true") : STR("false");
    return str_of(arena_printf(a, "%lld", (long long)v->i));
}

static struct str text_arg(const struct name_call *c, size_t i)
{
    return name_text(c->a, &c->args[i]);
}

static int int_arg(const struct name_call *c, size_t i, int64_t *ret, struct err *e)
{
    if (c->args[i].type != NAME_INT)
        return bad(e, "a whole number is expected");
    *ret = c->args[i].i;
    return 0;
}

/* ---- text -------------------------------------------------------------------------------- */

static int put_quoted(struct buf *b, struct str s)
{
    buf_putc(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            buf_putc(b, '\\');
        buf_putc(b, s.p[i]);
    }
    buf_putc(b, '"');
    return 0;
}

static int put_verb(const struct name_call *c, struct buf *b, char verb, size_t i,
                    struct err *e)
{
    int64_t n = 0;
    int r;

    switch (verb) {
    case 's':
    case 'v':
        buf_put_str(b, text_arg(c, i));
        return 0;
    case 'q':
        return put_quoted(b, text_arg(c, i));
    case 'x':
        codec_hex_encode(b, text_arg(c, i));
        return 0;
    case 'd':
        r = int_arg(c, i, &n, e);
        buf_put_str(b, text_arg(c, i));
        return r;
    default:
        return err_set(e, ERR_INVALID,
                       "only %%s, %%v, %%q, %%d, %%x and %%%% may stand in the "
                       "format");
    }
}

static int fn_printf(const struct name_call *c, struct name_value *ret, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(NAME_VALUE_MAX);
    struct str format = text_arg(c, 0);
    size_t next = 1;
    int r = 0;

    for (size_t i = 0; i < format.len && r == 0; i++) {
        if (format.p[i] != '%') {
            buf_putc(&b, format.p[i]);
            continue;
        }
        if (++i == format.len)
            return bad(e, "the format ends in a lonely %");
        if (format.p[i] == '%')
            buf_putc(&b, '%');
        else if (next == c->n)
            return bad(e, "the format asks for more values than there are");
        else
            r = put_verb(c, &b, format.p[i], next++, e);
    }
    if (r == 0 && next != c->n)
        return bad(e, "there are more values than the format asks for");
    if (r == 0)
        r = buf_check(&b, "the result", e);
    set_text(ret, arena_str(c->a, buf_str(&b)));
    return r;
}

static int fn_print(const struct name_call *c, struct name_value *ret, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(NAME_VALUE_MAX);

    for (size_t i = 0; i < c->n; i++)
        buf_put_str(&b, text_arg(c, i));
    set_text(ret, arena_str(c->a, buf_str(&b)));
    return buf_check(&b, "the result", e);
}

static int change_case(const struct name_call *c, struct name_value *ret, int (*to)(int))
{
    struct str s = text_arg(c, 0);
    char *p = arena_strndup(c->a, s.p, s.len);

    for (size_t i = 0; i < s.len; i++)
        p[i] = (char)to((unsigned char)p[i]);
    set_text(ret, str_n(p, s.len));
    return 0;
}

static int fn_lowercase(const struct name_call *c, struct name_value *ret, struct err *e)
{
    (void)e;
    return change_case(c, ret, tolower);
}

static int fn_uppercase(const struct name_call *c, struct name_value *ret, struct err *e)
{
    (void)e;
    return change_case(c, ret, toupper);
}

/* replace FIND WITH TEXT */
static int fn_replace(const struct name_call *c, struct name_value *ret, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(NAME_VALUE_MAX);
    struct str find = text_arg(c, 0), with = text_arg(c, 1), rest = text_arg(c, 2);
    ptrdiff_t at;

    if (find.len == 0)
        return bad(e, "what is replaced must not be empty");
    while ((at = str_find(rest, find)) >= 0) {
        buf_put_str(&b, str_upto(rest, (size_t)at));
        buf_put_str(&b, with);
        rest = str_from(rest, (size_t)at + find.len);
    }
    buf_put_str(&b, rest);
    set_text(ret, arena_str(c->a, buf_str(&b)));
    return buf_check(&b, "the result", e);
}

static int fn_truncate(const struct name_call *c, struct name_value *ret, struct err *e)
{
    int64_t max = 0;
    int r = int_arg(c, 0, &max, e);

    if (r < 0)
        return r;
    if (max <= 0)
        return err_set(e, ERR_INVALID, "max length must be > 0 but was %lld", (long long)max);
    set_text(ret, str_upto(text_arg(c, 1), (size_t)max));
    return 0;
}

static struct str sha256_hex(struct arena *a, struct str s)
{
    auto_buf struct buf b = BUF_INIT(SHA256_BYTES * 2);
    uint8_t sum[SHA256_BYTES];

    hash_of(HASH_SHA256, s, sum);
    codec_hex_encode(&b, str_n(sum, sizeof sum));
    return arena_str(a, buf_str(&b));
}

/* What is cut off lives on in eight digits, so that long names with one beginning differ. */
static int fn_truncate_sha256(const struct name_call *c, struct name_value *ret, struct err *e)
{
    struct str s = text_arg(c, 1), tail;
    int64_t max = 0;
    int r = int_arg(c, 0, &max, e);

    if (r < 0)
        return r;
    if (max <= SHA256_TAIL)
        return err_set(e, ERR_INVALID, "max length must be > %d but was %lld", SHA256_TAIL,
                       (long long)max);
    if (s.len <= (size_t)max) {
        set_text(ret, s);
        return 0;
    }
    tail = str_upto(sha256_hex(c->a, str_from(s, (size_t)max - SHA256_TAIL)), SHA256_TAIL);
    set_text(ret, str_of(arena_printf(c->a, "%.*s%.*s", (int)max - SHA256_TAIL, s.p,
                                      STR_ARG(tail))));
    return 0;
}

static int fn_sha256(const struct name_call *c, struct name_value *ret, struct err *e)
{
    (void)e;
    set_text(ret, sha256_hex(c->a, text_arg(c, 0)));
    return 0;
}

static int fn_base64(const struct name_call *c, struct name_value *ret, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(NAME_VALUE_MAX);

    codec_base64_encode(&b, text_arg(c, 0), false, true);
    set_text(ret, arena_str(c->a, buf_str(&b)));
    return buf_check(&b, "the result", e);
}

static int fn_len(const struct name_call *c, struct name_value *ret, struct err *e)
{
    (void)e;
    *ret = (struct name_value){.type = NAME_INT, .i = (int64_t)text_arg(c, 0).len};
    return 0;
}

/* ---- chance and time ----------------------------------------------------------------------
 */

static int fn_random(const struct name_call *c, struct name_value *ret, struct err *e)
{
    int64_t n = 0;
    int r = int_arg(c, 0, &n, e);
    char *p;

    if (r < 0)
        return r;
    if (n <= 0 || n > NAME_VALUE_MAX)
        return err_set(e, ERR_INVALID, "the length must be between 1 and %d", NAME_VALUE_MAX);
    p = arena_alloc(c->a, (size_t)n + 1);
    random_base62(p, (size_t)n);
    set_text(ret, str_n(p, (size_t)n));
    return 0;
}

static int fn_uuid(const struct name_call *c, struct name_value *ret, struct err *e)
{
    char uuid[UUID_SIZE];

    (void)e;
    random_uuid(uuid);
    set_text(ret, str_of(arena_strdup(c->a, uuid)));
    return 0;
}

static int fn_unix_time(const struct name_call *c, struct name_value *ret, struct err *e)
{
    (void)e;
    set_text(ret, str_of(arena_printf(c->a, "%lld", (long long)(c->now_ns / 1000000000))));
    return 0;
}

static int fn_unix_time_millis(const struct name_call *c, struct name_value *ret, struct err *e)
{
    (void)e;
    set_text(ret, str_of(arena_printf(c->a, "%lld", (long long)(c->now_ns / 1000000))));
    return 0;
}

/* timestamp LAYOUT: Go's layouts, of which the numeric parts are known. */
static int fn_timestamp(const struct name_call *c, struct name_value *ret, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(NAME_VALUE_MAX);
    struct str rest = text_arg(c, 0);
    time_t s = (time_t)(c->now_ns / 1000000000);
    struct tm tm;

    gmtime_r(&s, &tm);
    const struct {
        const char *text;
        int value, width;
    } parts[] = {
        {"2006", tm.tm_year + 1900, 4}, {"01", tm.tm_mon + 1, 2}, {"02", tm.tm_mday, 2},
        {"15", tm.tm_hour, 2},          {"04", tm.tm_min, 2},     {"05", tm.tm_sec, 2},
        {"06", tm.tm_year % 100, 2},
    };

    while (rest.len) {
        size_t i = 0;

        while (i < ARRAY_LEN(parts) && !str_starts(rest, str_of(parts[i].text)))
            i++;
        if (i < ARRAY_LEN(parts)) {
            buf_printf(&b, "%0*d", parts[i].width, parts[i].value);
            rest = str_from(rest, strlen(parts[i].text));
        } else if (isdigit((unsigned char)rest.p[0])) {
            return bad(e, "only 2006, 06, 01, 02, 15, 04 and 05 may stand in the layout");
        } else {
            buf_putc(&b, rest.p[0]);
            rest = str_from(rest, 1);
        }
    }
    set_text(ret, arena_str(c->a, buf_str(&b)));
    return buf_check(&b, "the result", e);
}

/* ---- comparisons ---------------------------------------------------------------------------
 */

static bool same(const struct name_call *c, size_t i, size_t k)
{
    return c->args[i].type == c->args[k].type && str_eq(text_arg(c, i), text_arg(c, k));
}

/* eq A B C: is A one of B, C? */
static int fn_eq(const struct name_call *c, struct name_value *ret, struct err *e)
{
    bool found = false;

    (void)e;
    for (size_t i = 1; i < c->n; i++)
        found |= same(c, 0, i);
    set_bool(ret, found);
    return 0;
}

static int fn_ne(const struct name_call *c, struct name_value *ret, struct err *e)
{
    (void)e;
    set_bool(ret, !same(c, 0, 1));
    return 0;
}

static int compare(const struct name_call *c, int *ret, struct err *e)
{
    const struct name_value *x = &c->args[0], *y = &c->args[1];

    if (x->type != y->type || x->type == NAME_BOOL)
        return bad(e, "these values cannot be compared");
    *ret = x->type == NAME_INT ? (x->i > y->i) - (x->i < y->i) : str_cmp(x->s, y->s);
    return 0;
}

static int fn_lt(const struct name_call *c, struct name_value *ret, struct err *e)
{
    int order = 0, r = compare(c, &order, e);

    set_bool(ret, order < 0);
    return r;
}

static int fn_gt(const struct name_call *c, struct name_value *ret, struct err *e)
{
    int order = 0, r = compare(c, &order, e);

    set_bool(ret, order > 0);
    return r;
}

static int fn_le(const struct name_call *c, struct name_value *ret, struct err *e)
{
    int order = 0, r = compare(c, &order, e);

    set_bool(ret, order <= 0);
    return r;
}

static int fn_ge(const struct name_call *c, struct name_value *ret, struct err *e)
{
    int order = 0, r = compare(c, &order, e);

    set_bool(ret, order >= 0);
    return r;
}

/* The first argument that decides, as in Go. */
static int choose(const struct name_call *c, struct name_value *ret, bool decisive)
{
    size_t i = 0;

    while (i + 1 < c->n && name_is_true(&c->args[i]) != decisive)
        i++;
    *ret = c->args[i];
    return 0;
}

static int fn_and(const struct name_call *c, struct name_value *ret, struct err *e)
{
    (void)e;
    return choose(c, ret, false);
}

static int fn_or(const struct name_call *c, struct name_value *ret, struct err *e)
{
    (void)e;
    return choose(c, ret, true);
}

static int fn_not(const struct name_call *c, struct name_value *ret, struct err *e)
{
    (void)e;
    set_bool(ret, !name_is_true(&c->args[0]));
    return 0;
}

/* ---- by name ------------------------------------------------------------------------------
 */

name_fn *name_function(struct str name, size_t *ret_min_args, size_t *ret_max_args)
{
    static const struct {
        const char *name;
        name_fn *fn;
        size_t min, max;
    } all[] = {
        /* clang-format off */
        {"and",              fn_and,              1, NAME_ARGS_MAX},
        {"base64",           fn_base64,           1, 1},
        {"eq",               fn_eq,               2, NAME_ARGS_MAX},
        {"ge",               fn_ge,               2, 2},
        {"gt",               fn_gt,               2, 2},
        {"le",               fn_le,               2, 2},
        {"len",              fn_len,              1, 1},
        {"lowercase",        fn_lowercase,        1, 1},
        {"lt",               fn_lt,               2, 2},
        {"ne",               fn_ne,               2, 2},
        {"not",              fn_not,              1, 1},
        {"or",               fn_or,               1, NAME_ARGS_MAX},
        {"print",            fn_print,            1, NAME_ARGS_MAX},
        {"printf",           fn_printf,           1, NAME_ARGS_MAX},
        {"random",           fn_random,           1, 1},
        {"replace",          fn_replace,          3, 3},
        {"sha256",           fn_sha256,           1, 1},
        {"timestamp",        fn_timestamp,        1, 1},
        {"truncate",         fn_truncate,         2, 2},
        {"truncate_sha256",  fn_truncate_sha256,  2, 2},
        {"unix_time",        fn_unix_time,        0, 0},
        {"unix_time_millis", fn_unix_time_millis, 0, 0},
        {"uppercase",        fn_uppercase,        1, 1},
        {"uuid",             fn_uuid,             0, 0},
        /* clang-format on */
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (str_eqc(name, all[i].name)) {
            *ret_min_args = all[i].min;
            *ret_max_args = all[i].max;
            return all[i].fn;
        }
    }
    return NULL;
}
