#include "http/target.h"

#include <string.h>

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo %XX, and '+' with `plus`. False: an invalid escape. */
static bool decode(struct str s, bool plus, struct arena *a, struct str *ret)
{
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (c == '%') {
            int hi = i + 2 < s.len ? hex_value((unsigned char)s.p[i + 1]) : -1;
            int lo = i + 2 < s.len ? hex_value((unsigned char)s.p[i + 2]) : -1;

            if (hi < 0 || lo < 0)
                return false;
            c = (char)(hi << 4 | lo);
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        out[n++] = c;
    }
    out[n] = '\0';
    *ret = str_n(out, n);
    return true;
}

/* Nothing in it that needs decoding, cleaning or refusing: by far the usual case. */
static bool is_plain(struct str path)
{
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.p[i];

        if (c == '%' || c < 0x20 || c == 0x7f)
            return false;
        if (c == '/' && i + 1 < path.len && (path.p[i + 1] == '/' || path.p[i + 1] == '.'))
            return false;
    }
    return path.len > 0 && path.p[0] == '/';
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

/* Lexical clean-up of a path that begins with '/'; never longer than its input. */
static struct str clean(struct str path, struct arena *a)
{
    char *out = arena_alloc(a, path.len + 2);
    struct str rest = str_from(path, 1), seg;
    size_t n = 0;

    while (str_split(&rest, '/', &seg)) {
        if (seg.len == 0 || str_eq(seg, STR(".")))
            continue;
        if (str_eq(seg, STR(".."))) {
            while (n > 0 && out[--n] != '/')
                ;
            continue;
        }
        out[n++] = '/';
        memcpy(out + n, seg.p, seg.len);
        n += seg.len;
    }
    if (n == 0 || path.p[path.len - 1] == '/')
        out[n++] = '/';
    out[n] = '\0';
    return str_n(out, n);
}

void target_parse(struct target *t, struct str raw, struct arena *a)
{
    ptrdiff_t mark = str_chr(raw, '?');
    struct str path = mark < 0 ? raw : str_upto(raw, (size_t)mark), cleaned;

    t->query = mark < 0 ? STR("") : str_from(raw, (size_t)mark + 1);
    t->path = path;
    t->state = HTTP_PATH_CLEAN;
    if (is_plain(path) || str_eq(path, STR("*")))
        return;
    t->state = HTTP_PATH_BAD;
    if (!decode(path, false, a, &path) || path.len == 0 || path.p[0] != '/' ||
        has_control(path))
        return;
    cleaned = clean(path, a);
    t->state = str_eq(cleaned, path) ? HTTP_PATH_CLEAN : HTTP_PATH_UNCLEAN;
    t->path = cleaned;
}

static size_t count_pairs(struct str query)
{
    size_t n = 1;

    for (size_t i = 0; i < query.len; i++)
        n += query.p[i] == '&';
    return n;
}

bool target_query_too_many(struct str query)
{
    return count_pairs(query) > HTTP_PARAMS_MAX;
}

struct target_params *target_params(struct str query, struct arena *a)
{
    struct target_params *ps =
        arena_alloc(a, sizeof *ps + count_pairs(query) * sizeof ps->at[0]);
    struct str value, name;

    ps->n = 0;
    while (str_split(&query, '&', &value)) {
        struct target_param *p = &ps->at[ps->n];

        if (value.len == 0 || str_chr(value, ';') >= 0)
            continue;
        str_split(&value, '=', &name);
        if (decode(name, true, a, &p->name) && decode(value, true, a, &p->value))
            ps->n++;
    }
    return ps;
}
