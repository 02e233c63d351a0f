#include "base/codec.h"

#include "base/err.h"

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void codec_base64_encode(struct buf *b, struct str bytes, bool url, bool pad)
{
    const char *digits = url ? url_safe : plain;
    size_t tail = bytes.len % 3;
    size_t len = bytes.len / 3 * 4 + (tail ? (pad ? 4 : tail + 1) : 0);
    char *to = bytes.len > SIZE_MAX / 2 ? NULL : buf_reserve(b, len);

    if (!to) {
        b->over = true;
        return;
    }
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t v = 0;

        for (size_t j = 0; j < 3; j++)
            v = v << 8 | (j < n ? (unsigned char)bytes.p[i + j] : 0);
        for (size_t j = 0; j < 4; j++) {
            if (j <= n)
                *to++ = digits[v >> (18 - 6 * j) & 63];
            else if (pad)
                *to++ = '=';
        }
    }
    b->len += len;
    b->p[b->len] = '\0';
}

static int digit64(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    return c == (url ? '_' : '/') ? 63 : -1;
}

/* Take the padding off; false if there is too much, too little or any where none belongs. */
static bool strip_padding(struct str *text, bool pad)
{
    size_t n = 0;

    if (!pad)
        return true; /* a '=' is then a foreign letter */
    if (text->len % 4 != 0)
        return false;
    while (n < 2 && n < text->len && text->p[text->len - 1 - n] == '=')
        n++;
    *text = str_upto(*text, text->len - n);
    return true;
}

static int no_room(struct buf *b, struct err *e)
{
    return err_set(e, ERR_TOOBIG, "the decoded text is larger than %zu bytes", b->max);
}

static void *room_for(struct buf *b, size_t len)
{
    if (!buf_ok(b) || len > b->max - b->len)
        return NULL;
    return buf_reserve(b, len);
}

int codec_base64_decode(struct buf *b, struct str text, bool url, bool pad, struct err *e)
{
    unsigned char *to;
    size_t len = 0;
    uint32_t v = 0;
    int bits = 0;

    if (!strip_padding(&text, pad) || text.len % 4 == 1)
        return err_set(e, ERR_INVALID, "base64: cut short or badly padded (%zu characters)",
                       text.len);
    to = room_for(b, text.len / 4 * 3 + text.len % 4 * 3 / 4);
    if (!to)
        return no_room(b, e);
    for (size_t i = 0; i < text.len; i++) {
        int d = digit64(text.p[i], url);

        if (d < 0)
            return err_set(e, ERR_INVALID, "base64: unexpected character at byte %zu", i);
        v = v << 6 | (uint32_t)d;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            to[len++] = (unsigned char)(v >> bits);
            v &= (1u << bits) - 1;
        }
    }
    if (v != 0)
        return err_set(e, ERR_INVALID, "base64: the last character carries stray bits");
    b->len += len;
    b->p[b->len] = '\0';
    return 0;
}

void codec_hex_encode(struct buf *b, struct str bytes)
{
    static const char digits[] = "0123456789abcdef";
    char *to = bytes.len > SIZE_MAX / 2 ? NULL : buf_reserve(b, bytes.len * 2);

    if (!to) {
        b->over = true;
        return;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        *to++ = digits[(unsigned char)bytes.p[i] >> 4];
        *to++ = digits[(unsigned char)bytes.p[i] & 15];
    }
    b->len += bytes.len * 2;
    b->p[b->len] = '\0';
}

static int digit16(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int codec_hex_decode(struct buf *b, struct str text, struct err *e)
{
    unsigned char *to;

    if (text.len % 2)
        return err_set(e, ERR_INVALID, "hex: an odd number of digits (%zu)", text.len);
    to = room_for(b, text.len / 2);
    if (!to)
        return no_room(b, e);
    for (size_t i = 0; i < text.len; i++) {
        int d = digit16(text.p[i]);

        if (d < 0)
            return err_set(e, ERR_INVALID, "hex: unexpected character at byte %zu", i);
        to[i / 2] = (unsigned char)(i % 2 ? to[i / 2] | d : d << 4);
    }
    b->len += text.len / 2;
    b->p[b->len] = '\0';
    return 0;
}
