/*
 * c -- what the tests of this room share
 */
#ifndef TESTS_UNIT_CRYPTO_C_H
#define TESTS_UNIT_CRYPTO_C_H

#include "base/codec.h"
#include "base/secret.h"
#include "t.h"

/* Bytes from hex, in static storage that lasts for eight calls. */
static inline struct str unhex(const char *hex)
{
    static char room[8][512];
    static unsigned turn;
    struct buf b = BUF_INIT(sizeof room[0] - 1);
    struct err e = ERR_INIT;
    char *to = room[turn++ % 8];
    size_t len;

    T_OK(codec_hex_decode(&b, str_of(hex), &e), &e);
    len = b.len;
    if (len)
        memcpy(to, b.p, len);
    buf_done(&b);
    return str_n(to, len);
}

static inline struct secret secret_of(struct str s)
{
    struct secret ret = SECRET_INIT;
    struct err e = ERR_INIT;

    T_OK(secret_copy(s.p, s.len, &ret, &e), &e);
    return ret;
}

#define T_HEX_EQ(bytes, len, want)                  \
    do {                                            \
        auto_buf struct buf hex_ = BUF_INIT(4096);  \
        codec_hex_encode(&hex_, str_n(bytes, len)); \
        T_STRN_EQ(buf_str(&hex_), str_of(want));    \
    } while (0)

#endif
