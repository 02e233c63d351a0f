#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

int str_cmp(struct str a, struct str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.p, b.p, n) : 0;

    if (c)
        return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.p, prefix.p, prefix.len) == 0);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.p + s.len - suffix.len, suffix.p, suffix.len) == 0);
}

ptrdiff_t str_find(struct str s, struct str part)
{
    const char *at;

    if (part.len == 0)
        return 0;
    if (s.len == 0)
        return -1;
    at = memmem(s.p, s.len, part.p, part.len);
    return at ? at - s.p : -1;
}

bool str_has(struct str s, struct str part)
{
    return str_find(s, part) >= 0;
}

ptrdiff_t str_chr(struct str s, char c)
{
    const char *at = s.len ? memchr(s.p, c, s.len) : NULL;

    return at ? at - s.p : -1;
}

ptrdiff_t str_rchr(struct str s, char c)
{
    const char *at = s.len ? memrchr(s.p, c, s.len) : NULL;

    return at ? at - s.p : -1;
}

struct str str_from(struct str s, size_t start)
{
    if (start > s.len)
        start = s.len;
    return str_n(s.p + start, s.len - start);
}

struct str str_upto(struct str s, size_t end)
{
    return str_n(s.p, end < s.len ? end : s.len);
}

struct str str_trim_chars(struct str s, const char *set)
{
    while (s.len && strchr(set, s.p[0]) && s.p[0]) {
        s.p++;
        s.len--;
    }
    while (s.len && strchr(set, s.p[s.len - 1]) && s.p[s.len - 1])
        s.len--;
    return s;
}

struct str str_trim(struct str s)
{
    return str_trim_chars(s, " \t\r\n\v\f");
}

bool str_split(struct str *rest, char sep, struct str *ret_head)
{
    ptrdiff_t i;

    if (!rest->p)
        return false;
    i = str_chr(*rest, sep);
    if (i < 0) {
        *ret_head = *rest;
        *rest = (struct str){NULL, 0};
    } else {
        *ret_head = str_upto(*rest, (size_t)i);
        *rest = str_from(*rest, (size_t)i + 1);
    }
    return true;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

static struct str take_base(struct str s, int *base)
{
    if (*base != 0)
        return s;
    *base = 10;
    if (s.len < 2 || s.p[0] != '0')
        return s;
    switch (lower(s.p[1])) {
    case 'x':
        *base = 16;
        return str_from(s, 2);
    case 'b':
        *base = 2;
        return str_from(s, 2);
    case 'o':
        *base = 8;
        return str_from(s, 2);
    default:
        *base = 8;
        return str_from(s, 1);
    }
}

bool str_to_u64(struct str s, int base, uint64_t *ret)
{
    uint64_t v = 0;

    s = take_base(s, &base);
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int d = digit(s.p[i]);

        if (d >= base || __builtin_mul_overflow(v, (uint64_t)base, &v) ||
            __builtin_add_overflow(v, (uint64_t)d, &v))
            return false;
    }
    *ret = v;
    return true;
}

bool str_to_i64(struct str s, int base, int64_t *ret)
{
    bool neg = s.len && s.p[0] == '-';
    uint64_t v;

    if (s.len && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_from(s, 1);
    if (!str_to_u64(s, base, &v) || v > (uint64_t)INT64_MAX + neg)
        return false;
    *ret = neg ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

bool str_to_double(struct str s, double *ret)
{
    char text[64], *end;
    double d;

    if (s.len == 0 || s.len >= sizeof text)
        return false;
    memcpy(text, s.p, s.len);
    text[s.len] = '\0';
    if (strspn(text, "0123456789.eE+-") != s.len)
        return false;
    d = strtod(text, &end);
    if (*end || !isfinite(d))
        return false;
    *ret = d;
    return true;
}

bool str_to_bool(struct str s, bool *ret)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (str_eqc(s, yes[i]) || str_eqc(s, no[i])) {
            *ret = str_eqc(s, yes[i]);
            return true;
        }
    }
    return false;
}

size_t str_utf8_at(struct str s, size_t i)
{
    const unsigned char *p = (const unsigned char *)s.p + i;
    size_t left = s.len - i;

    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        return left >= 2 && (p[1] & 0xC0) == 0x80 ? 2 : 0;
    if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        if (left < 3 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80)
            return 0;
        if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F))
            return 0;
        return 3;
    }
    if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        if (left < 4 || (p[1] & 0xC0) != 0x80 || (p[2] & 0xC0) != 0x80 || (p[3] & 0xC0) != 0x80)
            return 0;
        if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
            return 0;
        return 4;
    }
    return 0;
}

bool str_is_utf8(struct str s)
{
    for (size_t i = 0; i < s.len;) {
        size_t n = str_utf8_at(s, i);

        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

bool str_is_printable(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x20 || c == 0x7F)
            return false;
    }
    return str_is_utf8(s);
}

bool str_glob(struct str pattern, struct str s)
{
    size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;

    while (i < s.len) {
        if (p < pattern.len && pattern.p[p] == '*') {
            star = p++;
            mark = i;
        } else if (p < pattern.len && pattern.p[p] == s.p[i]) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.p[p] == '*')
        p++;
    return p == pattern.len;
}

size_t str_distance(struct str a, struct str b, size_t max)
{
    enum { DISTANCE_LEN_MAX = 64 };
    size_t row[DISTANCE_LEN_MAX + 1];

    if (a.len > DISTANCE_LEN_MAX || b.len > DISTANCE_LEN_MAX)
        return max + 1;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diag = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t swap = diag + (a.p[i - 1] != b.p[j - 1]);
            size_t edit = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diag = row[j];
            row[j] = swap < edit ? swap : edit;
        }
    }
    return row[b.len] <= max ? row[b.len] : max + 1;
}
