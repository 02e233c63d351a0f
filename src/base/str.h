/*
 * str -- a borrowed view of bytes, passed by value
 *
 * A view owns nothing and need not end in NUL. It is valid as long as what it looks at.
 * For printf: "%.*s" with STR_ARG(s).
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"

struct str {
    const char *p;
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_ARG(s) (int)(s).len, (s).p

static inline struct str str_of(const char *cstr) /* NULL is the empty view */
{
    return (struct str){cstr ? cstr : "", cstr ? strlen(cstr) : 0};
}

static inline struct str str_n(const void *p, size_t len)
{
    return (struct str){p, len};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool str_eqc(struct str a, const char *cstr)
{
    return str_eq(a, str_of(cstr));
}

int str_cmp(struct str a, struct str b);        /* bytewise; a prefix sorts first */
bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_has(struct str s, struct str part);
ptrdiff_t str_find(struct str s, struct str part); /* -1: not there */
ptrdiff_t str_chr(struct str s, char c);
ptrdiff_t str_rchr(struct str s, char c);
struct str str_from(struct str s, size_t start); /* s[start:], clamped */
struct str str_upto(struct str s, size_t end);   /* s[:end], clamped */
struct str str_trim(struct str s);               /* ASCII white space at both ends */
struct str str_trim_chars(struct str s, const char *set);

/* Split at the first `sep`: *ret_head is what stands before it, *rest what follows. Without a
 * `sep` all of it is the head. False when *rest is exhausted, so it drives a loop:
 *     while (str_split(&rest, ',', &item)) ... */
bool str_split(struct str *rest, char sep, struct str *ret_head);

/* Whole text as a number; false if it is not one or does not fit. base 0 takes 0x, 0o, 0b, 0.
 */
bool str_to_i64(struct str s, int base, int64_t *ret);
bool str_to_u64(struct str s, int base, uint64_t *ret);
bool str_to_double(struct str s, double *ret);
/* Go's strconv.ParseBool: 1 t T true TRUE True / 0 f F false FALSE False. */
bool str_to_bool(struct str s, bool *ret);

bool str_is_utf8(struct str s);
/* Bytes of the UTF-8 sequence that starts at s.p[i] (i < s.len), 0 if there is none: no
 * overlong forms, no surrogates, nothing above U+10FFFF. */
size_t str_utf8_at(struct str s, size_t i);
bool str_is_printable(
    struct str s); /* no control character (Go's unicode.IsPrint for ASCII), UTF-8 */

/* `*` matches any run of characters, nothing else is special (ryanuber/go-glob, as used by
 * Vault's role globs and Nomad). */
bool str_glob(struct str pattern, struct str s);

/* Edit distance, for "did you mean"; counts up to `max` + 1. */
size_t str_distance(struct str a, struct str b, size_t max);

#endif
