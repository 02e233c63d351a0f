#include "jansson_side.h"

#include <jansson.h>

static json_t *load(struct str text, json_error_t *e)
{
    return json_loadb(text.p, text.len,
                      JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, e);
}

/* Not JSON's fault: it refuses lone surrogates and keys with a NUL, and has a depth of its own.
 */
static bool own_limit(const json_error_t *e)
{
    switch (json_error_code(e)) {
    case json_error_numeric_overflow:
    case json_error_stack_overflow:
    case json_error_out_of_memory:
    case json_error_null_byte_in_key:
        return true;
    default:
        return strstr(e->text, "invalid Unicode");
    }
}

enum jansson_says jansson_reads(struct str text)
{
    json_error_t e;
    json_t *v;

    if (str_chr(text, '\0') >= 0) /* behind a number it takes a NUL for white space */
        return JANSSON_CANNOT;
    v = load(text, &e);
    if (!v)
        return own_limit(&e) ? JANSSON_CANNOT : JANSSON_NO;
    json_decref(v);
    return JANSSON_YES;
}

bool jansson_same(struct str a, struct str b)
{
    json_error_t e;
    json_t *x = load(a, &e), *y = load(b, &e);
    bool same = x && y && json_equal(x, y);

    json_decref(x);
    json_decref(y);
    return same;
}

size_t jansson_read_print(struct str text, bool print)
{
    json_error_t e;
    json_t *v = json_loadb(text.p, text.len, JSON_DECODE_ANY, &e);
    char *out = print ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    size_t n = out ? strlen(out) : 0;

    free(out);
    json_decref(v);
    return n;
}
