/*
 * crypto/legacy -- what job files may ask for and nothing of ours relies on
 *
 * Thread:  any. Memory: what comes out is the caller's buf's.
 * Errors:  ERR_INVALID (a cost, a text or a key that cannot be used), ERR_CORRUPT (does not
 *          decrypt).
 */
#ifndef CRYPTO_LEGACY_H
#define CRYPTO_LEGACY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct err;
struct pkey;

enum {
    MD5_BYTES = 16,
    BCRYPT_TEXT_MAX = 72,
    BCRYPT_COST_MIN = 4,
    BCRYPT_COST_DEFAULT = 10,
    BCRYPT_COST_MAX = 31, /* takes days: the caller bounds it */
    BCRYPT_SIZE = 64,
};

void crypto_md5(struct str data, uint8_t ret[MD5_BYTES]);
/* "$2a$10$..." with a salt of chance. Takes 2^cost steps, 10 some 50 ms. */
int crypto_bcrypt(struct str text, int cost, char ret[BCRYPT_SIZE], struct err *e);
/* RSA, PKCS #1 v1.5 padding; `k` has its private half. Appends to `out`. */
int crypto_rsa_decrypt(const struct pkey *k, struct str box, struct buf *out, struct err *e);

#endif
