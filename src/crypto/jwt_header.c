/*
 * A token's header is a small JSON object. This room stands below lang, so it reads it by
 * itself: strictly, in one pass over at most JWT_HEADER_MAX bytes, and it understands of the
 * values no more than their ends.
 */
#include <string.h>

#include "base/err.h"
#include "crypto/jwt_priv.h"

enum { DEPTH_MAX = 8 };

struct reader {
    struct str text;
    size_t at;
};

static void skip_space(struct reader *r)
{
    while (r->at < r->text.len && r->text.p[r->at] && strchr(" \t\r\n", r->text.p[r->at]))
        r->at++;
}

/* The next character after white space, 0 at the end. */
static char peek(struct reader *r)
{
    skip_space(r);
    return r->at < r->text.len ? r->text.p[r->at] : '\0';
}

static bool take(struct reader *r, char c)
{
    if (c == '\0' || peek(r) != c)
        return false;
    r->at++;
    return true;
}

/* "\uXXXX" after its backslash and u; surrogates and NUL are not for names and key ids. */
static bool read_unicode(struct reader *r, char *to, size_t *len)
{
    uint64_t c;

    if (r->text.len - r->at < 4 || !str_to_u64(str_n(r->text.p + r->at, 4), 16, &c) || c == 0 ||
        (c >= 0xD800 && c <= 0xDFFF))
        return false;
    r->at += 4;
    if (c < 0x80) {
        to[(*len)++] = (char)c;
    } else if (c < 0x800) {
        to[(*len)++] = (char)(0xC0 | c >> 6);
        to[(*len)++] = (char)(0x80 | (c & 0x3F));
    } else {
        to[(*len)++] = (char)(0xE0 | c >> 12);
        to[(*len)++] = (char)(0x80 | (c >> 6 & 0x3F));
        to[(*len)++] = (char)(0x80 | (c & 0x3F));
    }
    return true;
}

static bool read_escape(struct reader *r, char *to, size_t *len)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    const char *found;
    char c;

    if (r->at >= r->text.len)
        return false;
    c = r->text.p[r->at++];
    if (c == 'u')
        return read_unicode(r, to, len);
    found = c ? strchr(from, c) : NULL;
    if (!found)
        return false;
    to[(*len)++] = into[found - from];
    return true;
}

static bool read_string(struct reader *r, struct arena *a, struct str *ret)
{
    char *to = arena_alloc(a, r->text.len - r->at + 1); /* it never grows by unescaping */
    size_t len = 0;

    if (!take(r, '"'))
        return false;
    while (r->at < r->text.len) {
        unsigned char c = (unsigned char)r->text.p[r->at++];

        if (c == '"') {
            to[len] = '\0';
            *ret = str_n(to, len);
            return true;
        }
        if (c < 0x20)
            return false;
        if (c != '\\')
            to[len++] = (char)c;
        else if (!read_escape(r, to, &len))
            return false;
    }
    return false;
}

/* A value that is of no interest: strings whole, brackets in pairs, words and numbers by their
 * letters. */
static bool skip_value(struct reader *r, struct arena *a)
{
    char open[DEPTH_MAX];
    size_t depth = 0, start;
    struct str ignored;

    do {
        char c = peek(r);

        start = r->at;
        if (c == '"') {
            if (!read_string(r, a, &ignored))
                return false;
        } else if (c == '{' || c == '[') {
            if (depth == DEPTH_MAX)
                return false;
            open[depth++] = c == '{' ? '}' : ']';
            r->at++;
        } else if (depth && c == open[depth - 1]) {
            depth--;
            r->at++;
        } else if (depth && c && strchr(",:", c)) {
            r->at++;
        } else {
            while (r->at < r->text.len && r->text.p[r->at] &&
                   strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", r->text.p[r->at]))
                r->at++;
        }
        if (r->at == start)
            return false;
    } while (depth);
    return true;
}

static int read_member(struct reader *r, struct arena *a, struct jwt_header *h, struct err *e)
{
    struct str name, value;
    struct str *to;

    if (!read_string(r, a, &name) || !take(r, ':'))
        return err_set(e, ERR_INVALID, "token header: not JSON at byte %zu", r->at);
    if (str_eqc(name, "crit"))
        return err_set(e, ERR_INVALID, "token header: \"crit\" asks for what we do not know");
    to = str_eqc(name, "alg")   ? &h->alg
         : str_eqc(name, "kid") ? &h->kid
         : str_eqc(name, "typ") ? &h->typ
                                : NULL;
    if (to ? !read_string(r, a, &value) : !skip_value(r, a))
        return err_set(e, ERR_INVALID, "token header: not JSON at byte %zu", r->at);
    if (!to)
        return 0;
    if (to->p)
        return err_set(e, ERR_INVALID, "token header: \"%s\" stands there twice", name.p);
    *to = value;
    return 0;
}

int jwt_header_parse(struct str text, struct arena *a, struct jwt_header *ret, struct err *e)
{
    struct reader r = {.text = text};
    struct jwt_header h = {0};

    if (!str_is_utf8(text) || !take(&r, '{'))
        return err_set(e, ERR_INVALID, "token header: not a JSON object");
    do {
        int code = read_member(&r, a, &h, e);

        if (code < 0)
            return code;
    } while (take(&r, ','));
    if (!take(&r, '}') || peek(&r) || r.at != text.len)
        return err_set(e, ERR_INVALID, "token header: not JSON at byte %zu", r.at);
    if (!h.alg.p || h.alg.len == 0)
        return err_set(e, ERR_INVALID, "token header: \"alg\" is missing");
    ret->alg = h.alg;
    ret->kid = h.kid.p ? h.kid : STR("");
    ret->typ = h.typ.p ? h.typ : STR("");
    return 0;
}
