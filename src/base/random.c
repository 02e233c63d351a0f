#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_bytes(void *p, size_t len)
{
    char *to = p;

    while (len) {
        ssize_t n = getrandom(to, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            abort();
        to += n;
        len -= (size_t)n;
    }
}

uint64_t random_u64(void)
{
    uint64_t v;

    random_bytes(&v, sizeof v);
    return v;
}

/* Draws below 2^64 mod n are thrown away: the rest divides evenly. */
uint64_t random_below(uint64_t n)
{
    uint64_t v, skip;

    assert(n > 0);
    skip = (0 - n) % n;
    do
        v = random_u64();
    while (v < skip);
    return v % n;
}

void random_hex(char *ret, size_t chars)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[64];

    for (size_t i = 0; i < chars; i++) {
        if (i % sizeof raw == 0)
            random_bytes(raw, sizeof raw);
        ret[i] = digits[raw[i % sizeof raw] & 15];
    }
    ret[chars] = '\0';
    explicit_bzero(raw, sizeof raw);
}

void random_uuid(char ret[UUID_SIZE])
{
    random_hex(ret, UUID_SIZE - 1);
    ret[8] = ret[13] = ret[18] = ret[23] = '-';
}

/* 248 is the largest multiple of 62 in a byte; what is above would favour the first letters. */
void random_base62(char *ret, size_t chars)
{
    static const char digits[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    unsigned char raw[64];
    size_t n = 0;

    while (n < chars) {
        random_bytes(raw, sizeof raw);
        for (size_t i = 0; i < sizeof raw && n < chars; i++)
            if (raw[i] < 248)
                ret[n++] = digits[raw[i] % 62];
    }
    ret[chars] = '\0';
    explicit_bzero(raw, sizeof raw);
}
