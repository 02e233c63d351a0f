/*
 * json_scan -- what the JSON reader and writer have in common; inside lang only
 *
 * Both spend their time looking for the next byte of a string that needs attention, sixteen
 * bytes at a time where the machine can (SSE2), else eight.
 */
#ifndef LANG_JSON_SCAN_H
#define LANG_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Capacity that base/arena.h's lists imply for n items (n > 0). */
static inline size_t json_room(size_t n)
{
    return n <= 1 ? 1 : (size_t)1 << (64 - __builtin_clzll(n - 1));
}

/* Printable ASCII but for quote and backslash. */
static inline bool json_is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

#ifdef __SSE2__

enum { JSON_SCAN_STEP = 16 };

/* Bit i is set when byte i of 16 is not plain. Signed comparison: bytes from 0x80 on are
 * negative, so one comparison finds them and the control characters. */
static inline unsigned json_vector_mask(__m128i v)
{
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), low));
}

/* The same for <, > and &; '<' and '>' differ in one bit. */
static inline unsigned json_html_mask(__m128i v)
{
    __m128i angle =
        _mm_cmpeq_epi8(_mm_and_si128(v, _mm_set1_epi8((char)0xFD)), _mm_set1_epi8('<'));
    __m128i amp = _mm_cmpeq_epi8(v, _mm_set1_epi8('&'));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(angle, amp));
}

static inline unsigned json_special_mask(const char *p)
{
    return json_vector_mask(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline size_t json_first_special(unsigned mask)
{
    return (size_t)__builtin_ctz(mask);
}

static inline bool json_all_plain(__m128i v, bool html)
{
    return !(json_vector_mask(v) || (html && json_html_mask(v)));
}

/* 4 to 15 bytes as two halves that overlap: true when all of them are plain, and copied. */
static inline bool json_copy_short(char *to, const char *p, size_t len, bool html)
{
    if (len >= 8) {
        uint64_t low, high;

        memcpy(&low, p, 8);
        memcpy(&high, p + len - 8, 8);
        memcpy(to, &low, 8);
        memcpy(to + len - 8, &high, 8);
        return json_all_plain(_mm_set_epi64x((long long)high, (long long)low), html);
    }
    uint32_t low, high;

    memcpy(&low, p, 4);
    memcpy(&high, p + len - 4, 4);
    memcpy(to, &low, 4);
    memcpy(to + len - 4, &high, 4);
    return json_all_plain(_mm_set1_epi64x((long long)((uint64_t)high << 32 | low)), html);
}

#else

enum { JSON_SCAN_STEP = 8 };

/* The high bit of each byte that may not be plain. A borrow can only reach a byte behind one
 * that is truly not plain, so "none" is exact and the first one found is too. */
static inline uint64_t json_special_mask(const char *p)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t v, quote, slash;

    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    quote = v ^ ones * '"';
    slash = v ^ ones * '\\';
    return (v | (v - ones * 0x20) | (quote - ones) | (slash - ones)) & high;
}

static inline size_t json_first_special(uint64_t mask)
{
    return (size_t)__builtin_ctzll(mask) / 8;
}

#endif

/* Copies what is plain, and with `html` none of <, >, &; returns how much that is. Bytes behind
 * it may be written too, never beyond to[len]. */
static inline size_t json_copy_plain(char *to, const char *p, size_t len, bool html)
{
    size_t i = 0;

#ifdef __SSE2__
    for (; len - i >= JSON_SCAN_STEP; i += JSON_SCAN_STEP) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        unsigned mask = json_vector_mask(v) | (html ? json_html_mask(v) : 0);

        _mm_storeu_si128((__m128i *)(void *)(to + i), v);
        if (mask)
            return i + json_first_special(mask);
    }
    if (len - i >= 4 && json_copy_short(to + i, p + i, len - i, html))
        return len;
#endif
    for (; i < len; i++) {
        unsigned char c = (unsigned char)p[i];

        if (!json_is_plain(c) || (html && (c == '<' || c == '>' || c == '&')))
            break;
        to[i] = p[i];
    }
    return i;
}

/* First byte in [p, end) that is not plain, or `end`. */
static inline const char *json_scan_plain(const char *p, const char *end)
{
    while (end - p >= JSON_SCAN_STEP) {
        __auto_type mask = json_special_mask(p);

        if (mask)
            return p + json_first_special(mask);
        p += JSON_SCAN_STEP;
    }
    while (p < end && json_is_plain((unsigned char)*p))
        p++;
    return p;
}

#endif
