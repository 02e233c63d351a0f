/* BLAKE2b (RFC 7693) with a digest of 32 bytes and no key: OpenSSL 3.0 has only that of 64. */
#include <string.h>

#include "crypto/crypto.h"

enum { BLOCK = 128, ROUNDS = 12 };

struct blake2b {
    uint64_t h[8], counted; /* bytes so far; 2^64 of them are never reached here */
};

static const uint64_t iv[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                               0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                               0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

static const uint8_t sigma[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                      {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                      {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                      {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                      {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                      {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                      {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                      {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                      {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                      {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

static uint64_t rotated(uint64_t x, unsigned by)
{
    return x >> by | x << (64 - by);
}

static void mix(uint64_t v[16], size_t a, size_t b, size_t c, size_t d, uint64_t x, uint64_t y)
{
    v[a] += v[b] + x;
    v[d] = rotated(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotated(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 63);
}

static void compress(struct blake2b *s, const uint8_t block[BLOCK], bool last)
{
    uint64_t v[16], m[16];

    for (size_t i = 0; i < 16; i++) {
        m[i] = 0;
        for (size_t k = 8; k-- > 0;)
            m[i] = m[i] << 8 | block[8 * i + k];
    }
    memcpy(v, s->h, sizeof s->h);
    memcpy(v + 8, iv, sizeof iv);
    v[12] ^= s->counted;
    if (last)
        v[14] = ~v[14];
    for (size_t r = 0; r < ROUNDS; r++) {
        const uint8_t *p = sigma[r % 10];

        for (size_t i = 0; i < 4; i++) /* columns */
            mix(v, i, 4 + i, 8 + i, 12 + i, m[p[2 * i]], m[p[2 * i + 1]]);
        for (size_t i = 0; i < 4; i++) /* diagonals */
            mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[p[8 + 2 * i]],
                m[p[9 + 2 * i]]);
    }
    for (size_t i = 0; i < 8; i++)
        s->h[i] ^= v[i] ^ v[i + 8];
}

void blake2b_256(struct str data, uint8_t ret[BLAKE2B_256_BYTES])
{
    struct blake2b s;
    uint8_t block[BLOCK] = {0};
    size_t at = 0;

    memcpy(s.h, iv, sizeof iv);
    s.h[0] ^= 0x01010000 ^ BLAKE2B_256_BYTES; /* fanout 1, depth 1, no key */
    for (s.counted = 0; data.len - at > BLOCK; at += BLOCK) {
        s.counted += BLOCK;
        compress(&s, (const uint8_t *)data.p + at, false);
    }
    if (data.len > at)
        memcpy(block, data.p + at, data.len - at);
    s.counted = data.len;
    compress(&s, block, true);
    for (size_t i = 0; i < BLAKE2B_256_BYTES; i++)
        ret[i] = (uint8_t)(s.h[i / 8] >> (8 * (i % 8)));
}
