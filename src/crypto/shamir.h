/*
 * shamir -- a secret in shares, of which a threshold is needed
 *
 * Over GF(2^8) with the polynomial x^8 + x^4 + x^3 + x + 1, byte by byte. A share is what Vault
 * makes it: the secret's length in y bytes, then one x byte, which is not zero and differs
 * between the shares of one split. The arithmetic has no tables and no branches that depend on
 * secrets (bench/bench_timing.c measures it).
 *
 * Shamir's scheme does not tell whether the shares were right: wrong ones give wrong bytes.
 * Check the result against what it opens.
 *
 * Thread:  any.
 * Memory:  the shares and the result are the caller's (secret_done).
 * Errors:  ERR_INVALID, ERR_TOOBIG, ERR_LIMIT (locked memory); on an error nothing is returned.
 * Limits:  SHAMIR_SHARES_MAX shares, secrets of 1 to SHAMIR_SECRET_MAX bytes.
 */
#ifndef CRYPTO_SHAMIR_H
#define CRYPTO_SHAMIR_H

#include <stddef.h>

#include "base/secret.h"

struct err;

enum { SHAMIR_SHARES_MAX = 255, SHAMIR_SECRET_MAX = 4096 };

/* Fill ret[0..shares). 2 <= threshold <= shares: a secret in one share is that secret, and no
 * business of this door. */
int shamir_split(const struct secret *s, size_t shares, size_t threshold, struct secret *ret,
                 struct err *e);

/* All of the given shares are used: give exactly as many as the threshold, or more. */
int shamir_combine(const struct secret *shares, size_t n, struct secret *ret, struct err *e);

#endif
