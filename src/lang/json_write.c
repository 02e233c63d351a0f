#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lang/json.h"
#include "lang/json_scan.h"

void json_out_init(struct json_out *w, struct buf *b, const char *indent)
{
    *w = (struct json_out){.b = b, .indent = indent, .first = true};
}

/* Room for n bytes and the NUL behind them; NULL once the buffer is over. */
static inline char *room(struct buf *b, size_t n)
{
    if (__builtin_expect(
            !b->over && b->cap > b->len && b->cap - b->len > n && b->max - b->len >= n, 1))
        return b->p + b->len;
    return buf_reserve(b, n);
}

static inline void advance(struct buf *b, size_t n)
{
    b->len += n;
    b->p[b->len] = '\0';
}

static inline void put(struct buf *b, const char *p, size_t n)
{
    char *to = room(b, n);

    if (!to)
        return;
    memcpy(to, p, n);
    advance(b, n);
}

static inline void put1(struct buf *b, char c)
{
    put(b, &c, 1);
}

static void newline(struct json_out *w)
{
    put1(w->b, '\n');
    for (uint32_t i = 0; i < w->depth; i++)
        buf_puts(w->b, w->indent);
}

static inline bool in_array(const struct json_out *w)
{
    uint32_t d = w->depth - 1;

    return d >= JSON_WRITE_DEPTH_MAX || w->is_array[d / 8] >> (d % 8) & 1;
}

static inline void separate(struct json_out *w)
{
    if (!w->first)
        put1(w->b, ',');
    w->first = false;
    if (w->indent)
        newline(w);
}

/* Before every value. */
static inline void begin(struct json_out *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth == 0)
        return;
    assert(in_array(w)); /* a value inside an object has a key */
    separate(w);
}

/* Too deep is what data may be, not a bug: it counts as overflow. */
static void open_level(struct json_out *w, char c, bool array)
{
    begin(w);
    put1(w->b, c);
    if (w->depth < JSON_WRITE_DEPTH_MAX) {
        uint8_t bit = (uint8_t)(1u << (w->depth % 8));
        uint8_t *at = &w->is_array[w->depth / 8];

        *at = (uint8_t)(array ? *at | bit : *at & ~bit);
    } else {
        w->b->over = true;
    }
    w->depth++;
    w->first = true;
}

static void close_level(struct json_out *w, char c)
{
    bool empty = w->first;

    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    if (w->indent && !empty)
        newline(w);
    put1(w->b, c);
    w->first = false;
}

void json_obj(struct json_out *w)
{
    open_level(w, '{', false);
}

void json_obj_end(struct json_out *w)
{
    close_level(w, '}');
}

void json_arr(struct json_out *w)
{
    open_level(w, '[', true);
}

void json_arr_end(struct json_out *w)
{
    close_level(w, ']');
}

/*
 * Strings.
 */
static size_t escape_byte(char *to, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char shorthand = 0;

    switch (c) {
    case '"':
    case '\\':
        shorthand = (char)c;
        break;
    case '\n':
        shorthand = 'n';
        break;
    case '\r':
        shorthand = 'r';
        break;
    case '\t':
        shorthand = 't';
        break;
    default:
        break;
    }
    if (shorthand) {
        to[0] = '\\';
        to[1] = shorthand;
        return 2;
    }
    memcpy(to, "\\u00", 4);
    to[4] = hex[c >> 4];
    to[5] = hex[c & 15];
    return 6;
}

static bool is_line_separator(const char *p)
{
    return (unsigned char)p[0] == 0xE2 && (unsigned char)p[1] == 0x80 &&
           ((unsigned char)p[2] & 0xFE) == 0xA8; /* U+2028, U+2029 */
}

/* One character at s.p[i] that the fast scan stopped at. Returns its length. */
static size_t put_special(struct json_out *w, struct str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    char esc[8];
    size_t n;

    if (c < 0x80) {
        put(w->b, esc, escape_byte(esc, c));
        return 1;
    }
    n = str_utf8_at(s, i);
    if (n == 0) {
        put(w->b, "\\ufffd", 6);
        return 1;
    }
    if (w->escape_html && n == 3 && is_line_separator(s.p + i))
        put(w->b, s.p[i + 2] & 1 ? "\\u2029" : "\\u2028", 6);
    else
        put(w->b, s.p + i, n);
    return n;
}

/* The rest of a string, from the first character that does not go out as it is. */
__attribute__((noinline)) static void put_escaped(struct json_out *w, struct str s, size_t i)
{
    while (i < s.len) {
        char *to = room(w->b, s.len - i); /* no character's form is shorter than itself */
        size_t n;

        if (!to)
            return;
        n = json_copy_plain(to, s.p + i, s.len - i, w->escape_html);
        advance(w->b, n);
        i += n;
        if (i < s.len)
            i += put_special(w, s, i);
    }
}

/* `before` (at most one character), the string in quotes, `after`. */
static inline void put_string(struct json_out *w, char before, struct str s, struct str after)
{
    char *from = room(w->b, (before != 0) + s.len + 2 + after.len), *to = from;
    size_t n;

    if (!to)
        return;
    if (before)
        *to++ = before;
    *to++ = '"';
    n = json_copy_plain(to, s.p, s.len, w->escape_html);
    to += n;
    if (n < s.len) {
        advance(w->b, (size_t)(to - from));
        put_escaped(w, s, n);
        put1(w->b, '"');
        put(w->b, after.p, after.len);
        return;
    }
    *to++ = '"';
    for (size_t i = 0; i < after.len; i++)
        *to++ = after.p[i];
    advance(w->b, (size_t)(to - from));
}

void json_keyn(struct json_out *w, struct str key)
{
    assert(w->depth > 0 && !w->after_key);
    assert(w->depth > JSON_WRITE_DEPTH_MAX || !in_array(w));
    if (w->indent) {
        separate(w);
        put_string(w, 0, key, STR(": "));
    } else {
        put_string(w, w->first ? 0 : ',', key, STR(":"));
        w->first = false;
    }
    w->after_key = true;
}

void json_key(struct json_out *w, const char *key)
{
    json_keyn(w, str_of(key));
}

/*
 * Values.
 */
static void put_word(struct json_out *w, const char *p, size_t n)
{
    begin(w);
    put(w->b, p, n);
}

void json_null(struct json_out *w)
{
    put_word(w, "null", 4);
}

void json_bool(struct json_out *w, bool v)
{
    put_word(w, v ? "true" : "false", v ? 4 : 5);
}

static char *digits(char *end, uint64_t v)
{
    do
        *--end = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    return end;
}

void json_u64(struct json_out *w, uint64_t v)
{
    char text[24], *end = text + sizeof text, *p = digits(end, v);

    put_word(w, p, (size_t)(end - p));
}

void json_i64(struct json_out *w, int64_t v)
{
    char text[24], *end = text + sizeof text, *p;

    p = digits(end, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
    if (v < 0)
        *--p = '-';
    put_word(w, p, (size_t)(end - p));
}

/* "1e-07" is "1e-7" in Go; "1e+21" stays. */
static void short_exponent(char *text)
{
    char *e = strchr(text, 'e');

    if (e && e[1] == '-' && e[2] == '0')
        memmove(e + 2, e + 3, strlen(e + 3) + 1);
}

/* How many digits behind the first one v needs to read back, and its power of ten. */
static int shortest(double v, int *ret_power)
{
    int n = fabs(v) < DBL_MIN ? 0 : 14;
    char text[40]; /* "-d.ddde+xxx", without a point when n is 0 */

    for (;; n++) {
        snprintf(text, sizeof text, "%.*e", n, v);
        if (n >= 16 || strtod(text, NULL) == v)
            break;
    }
    const char *e = strchr(text, 'e'), *point = strchr(text, '.'), *last = e - 1;

    *ret_power = (int)strtol(e + 1, NULL, 10);
    if (!point)
        return 0;
    while (*last == '0')
        last--;
    return (int)(last - point);
}

/* Go's choice between plain and exponent form. */
static void format_double(double v, char *ret, size_t size)
{
    double magnitude = fabs(v);
    int power, decimals = shortest(v, &power);

    if (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21)) {
        snprintf(ret, size, "%.*e", decimals, v);
        short_exponent(ret);
    } else {
        snprintf(ret, size, "%.*f", decimals > power ? decimals - power : 0, v);
    }
}

void json_double(struct json_out *w, double v)
{
    char text[64];

    if (!isfinite(v)) { /* JSON has no such number */
        json_null(w);
        return;
    }
    format_double(v, text, sizeof text);
    put_word(w, text, strlen(text));
}

void json_strn(struct json_out *w, struct str s)
{
    begin(w);
    put_string(w, 0, s, STR(""));
}

void json_str(struct json_out *w, const char *s)
{
    if (s)
        json_strn(w, str_of(s));
    else
        json_null(w);
}

void json_raw(struct json_out *w, struct str text)
{
    put_word(w, text.p, text.len);
}

static void put_array(struct json_out *w, const struct json *v)
{
    json_arr(w);
    for (uint32_t i = 0; i < v->len && !w->b->over; i++)
        json_value(w, &v->items[i]);
    json_arr_end(w);
}

static void put_object(struct json_out *w, const struct json *v)
{
    json_obj(w);
    for (uint32_t i = 0; i < v->len && !w->b->over; i++) {
        json_keyn(w, v->members[i].key);
        json_value(w, &v->members[i].value);
    }
    json_obj_end(w);
}

void json_value(struct json_out *w, const struct json *v)
{
    switch (v ? v->type : JSON_NULL) {
    case JSON_NULL:
        json_null(w);
        break;
    case JSON_BOOL:
        json_bool(w, v->b);
        break;
    case JSON_NUMBER:
        json_raw(w, v->text);
        break;
    case JSON_STRING:
        json_strn(w, v->text);
        break;
    case JSON_ARRAY:
        put_array(w, v);
        break;
    case JSON_OBJECT:
        put_object(w, v);
        break;
    }
}

void json_strlist(struct json_out *w, const struct strlist *l)
{
    json_arr(w);
    for (size_t i = 0; i < l->len; i++)
        json_str(w, l->at[i]);
    json_arr_end(w);
}

void json_strmap(struct json_out *w, const struct strmap *m)
{
    json_obj(w);
    for (size_t i = 0; i < m->len; i++)
        json_kv_str(w, m->at[i].key, m->at[i].val);
    json_obj_end(w);
}

void json_kv_str(struct json_out *w, const char *key, const char *v)
{
    json_key(w, key);
    json_str(w, v);
}

void json_kv_strn(struct json_out *w, const char *key, struct str v)
{
    json_key(w, key);
    json_strn(w, v);
}

void json_kv_i64(struct json_out *w, const char *key, int64_t v)
{
    json_key(w, key);
    json_i64(w, v);
}

void json_kv_u64(struct json_out *w, const char *key, uint64_t v)
{
    json_key(w, key);
    json_u64(w, v);
}

void json_kv_bool(struct json_out *w, const char *key, bool v)
{
    json_key(w, key);
    json_bool(w, v);
}

void json_kv_null(struct json_out *w, const char *key)
{
    json_key(w, key);
    json_null(w);
}

void json_print(struct buf *b, const struct json *v, const char *indent)
{
    struct json_out w;

    json_out_init(&w, b, indent);
    json_value(&w, v);
}
