/* Functions of texts. Positions and lengths count grapheme clusters. */
#include <stdlib.h>

#include "base/err.h"
#include "lang/hcl_eval_priv.h"
#include "lang/hcl_funcs.h"
#include "lang/regex.h"

static struct str arg(const struct hcl_func_call *c, size_t i)
{
    return c->args[i]->text;
}

static struct json *text(const struct hcl_func_call *c, struct str s)
{
    return hcl_result(c, json_of_str(s));
}

/*
 * Case
 */

enum casing { LOWER, UPPER, TITLE };

static struct json *in_case(const struct hcl_func_call *c, enum casing casing)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    struct str s = arg(c, 0);
    uint32_t before = ' ', cp;
    char out[4];

    for (size_t at = 0, n; at < s.len; at += n) {
        n = hcl_utf8(s, at, &cp);
        if (n == 0) {
            buf_putc(&b, s.p[at]);
            n = 1;
            continue;
        }
        if (casing != TITLE)
            cp = hcl_case(cp, casing == UPPER);
        else if (!hcl_is_word_char(before))
            cp = hcl_case(cp, true);
        before = cp;
        buf_put(&b, out, hcl_utf8_put(cp, out));
    }
    return hcl_call_text(c, &b);
}

static struct json *fn_lower(const struct hcl_func_call *c)
{
    return in_case(c, LOWER);
}

static struct json *fn_upper(const struct hcl_func_call *c)
{
    return in_case(c, UPPER);
}

static struct json *fn_title(const struct hcl_func_call *c)
{
    return in_case(c, TITLE);
}

/*
 * Pieces
 */

static struct json *fn_reverse(const struct hcl_func_call *c)
{
    struct str s = arg(c, 0);
    char *out = arena_alloc(c->arena, s.len + 1);

    for (size_t at = 0, n; at < s.len; at += n) {
        n = hcl_grapheme(s, at);
        memcpy(out + s.len - at - n, s.p + at, n);
    }
    return text(c, str_n(out, s.len));
}

static struct json *fn_strlen(const struct hcl_func_call *c)
{
    return hcl_result_i64(c, (int64_t)hcl_graphemes(arg(c, 0)));
}

/* The first `n` clusters' bytes, or all there are. */
static size_t bytes_of(struct str s, int64_t n)
{
    size_t at = 0;

    for (; n > 0 && at < s.len; n--)
        at += hcl_grapheme(s, at);
    return at;
}

/* A negative offset counts from the end, a negative length is "all that follows". */
static struct json *fn_substr(const struct hcl_func_call *c)
{
    struct str s = arg(c, 0);
    int64_t offset, length;

    if (!hcl_call_i64(c, 1, &offset) || !hcl_call_i64(c, 2, &length))
        return NULL;
    if (offset < 0)
        offset += (int64_t)hcl_graphemes(s);
    s = str_from(s, bytes_of(s, offset));
    return text(c, length < 0 ? s : str_upto(s, bytes_of(s, length)));
}

static bool has_char(struct str set, struct str ch)
{
    for (size_t at = 0, n; at < set.len; at += n) {
        n = str_utf8_at(set, at);
        n = n ? n : 1;
        if (str_eq(str_n(set.p + at, n), ch))
            return true;
    }
    return false;
}

static struct json *fn_trim(const struct hcl_func_call *c)
{
    struct str s = arg(c, 0), set = arg(c, 1);
    size_t end = s.len, from;

    if (!hcl_call_spend(c, (s.len / 16 + 1) * (set.len / 16 + 1), 0))
        return NULL;
    while (s.len > 0 && has_char(set, str_upto(s, str_utf8_at(s, 0) ? str_utf8_at(s, 0) : 1)))
        s = str_from(s, str_utf8_at(s, 0) ? str_utf8_at(s, 0) : 1);
    for (end = s.len; end > 0; end = from) {
        for (from = end - 1; from > 0 && (s.p[from] & 0xC0) == 0x80; from--)
            ;
        if (!has_char(set, str_n(s.p + from, end - from)))
            break;
    }
    return text(c, str_upto(s, end));
}

static struct json *fn_trimspace(const struct hcl_func_call *c)
{
    struct str s = arg(c, 0);
    size_t end = 0, from = 0;
    bool begun = false;
    uint32_t cp;

    for (size_t at = 0, n; at < s.len; at += n) {
        bool space;

        n = hcl_utf8(s, at, &cp);
        space = n > 0 && hcl_is_space(cp);
        n = n ? n : 1;
        if (space)
            continue;
        from = begun ? from : at;
        begun = true;
        end = at + n;
    }
    return text(c, str_from(str_upto(s, end), from));
}

static struct json *fn_trimprefix(const struct hcl_func_call *c)
{
    struct str s = arg(c, 0), prefix = arg(c, 1);

    return text(c, str_starts(s, prefix) ? str_from(s, prefix.len) : s);
}

static struct json *fn_trimsuffix(const struct hcl_func_call *c)
{
    struct str s = arg(c, 0), suffix = arg(c, 1);

    return text(c, str_ends(s, suffix) ? str_upto(s, s.len - suffix.len) : s);
}

static struct json *fn_chomp(const struct hcl_func_call *c)
{
    struct str s = arg(c, 0);

    while (s.len > 0 && (s.p[s.len - 1] == '\n' || s.p[s.len - 1] == '\r'))
        s.len--;
    return text(c, s);
}

/*
 * New texts
 */

/* `with` for each `from`; an empty `from` stands before each character and at the end. */
static struct json *replaced(const struct hcl_func_call *c, struct str s, struct str from,
                             struct str with)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);

    while (s.len > 0 && buf_ok(&b)) {
        ptrdiff_t at = from.len ? str_find(s, from) : 0;
        size_t step = from.len ? from.len : str_utf8_at(s, 0);

        if (at < 0)
            break;
        buf_put_str(&b, str_upto(s, (size_t)at));
        buf_put_str(&b, with);
        step = step ? step : 1;
        if (from.len == 0)
            buf_put_str(&b, str_upto(s, step));
        s = str_from(s, (size_t)at + step);
    }
    buf_put_str(&b, s);
    if (from.len == 0)
        buf_put_str(&b, with);
    return hcl_call_text(c, &b);
}

static struct json *fn_replace(const struct hcl_func_call *c)
{
    return replaced(c, arg(c, 0), arg(c, 1), arg(c, 2));
}

static struct json *fn_indent(const struct hcl_func_call *c)
{
    char *pad;
    int64_t n;

    if (!hcl_call_i64(c, 0, &n))
        return NULL;
    if (n < 0)
        return hcl_arg_invalid(c, 0, "the number of spaces must not be negative");
    if (!hcl_call_spend(c, 0, (size_t)n + 2))
        return NULL;
    pad = arena_alloc(c->arena, (size_t)n + 2);
    memset(pad, ' ', (size_t)n + 1);
    pad[0] = '\n';
    return replaced(c, arg(c, 1), STR("\n"), str_n(pad, (size_t)n + 1));
}

static struct json *fn_regex_replace(const struct hcl_func_call *c)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    struct err e = ERR_INIT;
    uint64_t steps = 0;
    int r = regex_replace(arg(c, 1), arg(c, 0), arg(c, 2), &b, &steps, &e);

    if (!hcl_call_spend(c, (size_t)(steps / 16), 0))
        return NULL;
    if (r == ERR_INVALID)
        return hcl_call_failed(c, "%s", e.msg);
    if (r < 0) {
        hcl_call_spend(c, SIZE_MAX, 0);
        return NULL;
    }
    return hcl_call_text(c, &b);
}

static struct json *fn_join(const struct hcl_func_call *c)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    bool first = true;

    if (c->n_args < 2)
        return hcl_call_failed(c, "at least one list is required");
    for (size_t i = 1; i < c->n_args; i++) {
        for (uint32_t k = 0; k < c->args[i]->len; k++) {
            const struct json *item = &c->args[i]->items[k];

            if (item->type == JSON_NULL)
                return hcl_arg_invalid(
                    c, i, "element %u of list %zu is null; cannot concatenate null values", k,
                    i);
            if (!first)
                buf_put_str(&b, arg(c, 0));
            first = false;
            buf_put_str(&b, item->text);
        }
    }
    return hcl_call_text(c, &b);
}

static struct json *fn_split(const struct hcl_func_call *c)
{
    struct str sep = arg(c, 0), s = arg(c, 1);
    struct json *r = hcl_result_list(c, HCL_IS_LIST, 0);
    LIST(struct json) items = {0};
    bool more = sep.len > 0 || s.len > 0;

    if (!hcl_call_spend(c, s.len / 8, s.len * sizeof(struct json) / 4))
        return NULL;
    while (more) {
        ptrdiff_t at = sep.len ? str_find(s, sep) : (ptrdiff_t)str_utf8_at(s, 0);

        if (sep.len == 0) {
            at = at ? at : 1;
            more = (size_t)at < s.len;
        } else if (at < 0) {
            at = (ptrdiff_t)s.len;
            more = false;
        }
        list_push(c->arena, &items, json_of_str(str_upto(s, (size_t)at)));
        s = str_from(s, (size_t)at + sep.len);
    }
    if (!hcl_call_spend(c, items.len, items.len * sizeof(struct json)))
        return NULL;
    r->items = items.at;
    r->len = (uint32_t)items.len;
    return r;
}

static int cmp_texts(const void *a, const void *b)
{
    const struct json *x = a, *y = b;

    return str_cmp(x->text, y->text);
}

static struct json *fn_sort(const struct hcl_func_call *c)
{
    struct json *r = hcl_result_list(c, HCL_IS_LIST, c->args[0]->len);

    for (; r->len < c->args[0]->len; r->len++) {
        if (c->args[0]->items[r->len].type == JSON_NULL)
            return hcl_arg_invalid(
                c, 0, "given list element %u is null; a null string cannot be sorted", r->len);
        r->items[r->len] = c->args[0]->items[r->len];
    }
    if (r->len > 1)
        qsort(r->items, r->len, sizeof *r->items, cmp_texts);
    return r;
}

void hcl_funcs_texts(struct map *funcs)
{
    static const struct hcl_function rows[] = {
        {"chomp", fn_chomp, {{"str", HCL_STRING}}},
        {"indent", fn_indent, {{"spaces", HCL_NUMBER}, {"str", HCL_STRING}}},
        {"join", fn_join, {{"separator", HCL_STRING}}, .rest = {"lists", HCL_LIST_STRING}},
        {"lower", fn_lower, {{"str", HCL_STRING}}},
        {"regex_replace",
         fn_regex_replace,
         {{"str", HCL_STRING}, {"pattern", HCL_STRING}, {"replace", HCL_STRING}}},
        {"replace",
         fn_replace,
         {{"str", HCL_STRING}, {"substr", HCL_STRING}, {"replace", HCL_STRING}}},
        {"reverse", fn_reverse, {{"str", HCL_STRING}}},
        {"sort", fn_sort, {{"list", HCL_LIST_STRING}}},
        {"split", fn_split, {{"separator", HCL_STRING}, {"str", HCL_STRING}}},
        {"strlen", fn_strlen, {{"str", HCL_STRING}}},
        {"strrev", fn_reverse, {{"str", HCL_STRING}}},
        {"substr",
         fn_substr,
         {{"str", HCL_STRING}, {"offset", HCL_NUMBER}, {"length", HCL_NUMBER}}},
        {"title", fn_title, {{"str", HCL_STRING}}},
        {"trim", fn_trim, {{"str", HCL_STRING}, {"cutset", HCL_STRING}}},
        {"trimprefix", fn_trimprefix, {{"str", HCL_STRING}, {"prefix", HCL_STRING}}},
        {"trimspace", fn_trimspace, {{"str", HCL_STRING}}},
        {"trimsuffix", fn_trimsuffix, {{"str", HCL_STRING}, {"suffix", HCL_STRING}}},
        {"upper", fn_upper, {{"str", HCL_STRING}}},
    };

    hcl_funcs_add_rows(funcs, rows, ARRAY_LEN(rows));
}
