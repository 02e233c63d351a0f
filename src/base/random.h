/*
 * random -- bytes from the kernel, and the spellings made from them
 *
 * getrandom(2) only. Errors: none; without randomness the process aborts.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { UUID_SIZE = 37 };

void random_bytes(void *p, size_t len);
uint64_t random_u64(void);
uint64_t random_below(uint64_t n); /* uniform in [0, n), n > 0 */
void random_uuid(
    char ret[UUID_SIZE]); /* 8-4-4-4-12 lower hex, random (as go-uuid: no version bits) */
void random_base62(char *ret,
                   size_t chars); /* 0-9A-Za-z without bias; ret has chars + 1 bytes */
void random_hex(char *ret, size_t chars);

#endif
