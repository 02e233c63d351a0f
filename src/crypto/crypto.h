/*
 * crypto -- sealing, hashing and deriving, over OpenSSL 3
 *
 * The other doors of this room: crypto/shamir.h, crypto/pkey.h, crypto/x509.h, crypto/jwt.h.
 * Algorithms are fetched once per process, contexts are kept per thread and hold no key between
 * two calls.
 *
 * Thread:  any.
 * Memory:  keys come in as `const struct secret *` and are not kept. What comes out is appended
 *          to the caller's buf; set buf.secret if it is one.
 * Errors:  ERR_CORRUPT (a box that does not open: wrong key, wrong associated data or changed
 *          bytes; it does not say which), ERR_TOOBIG (the buf), ERR_INVALID (a key of the wrong
 *          length). On an error nothing has been added to the buf. OpenSSL failing for want of
 *          memory aborts.
 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"
#include "base/str.h"

struct err;

/* Equal in a time that depends on `len` only. */
bool crypto_eq(const void *a, const void *b, size_t len);
/* The same for texts; their lengths are not secret. */
bool crypto_str_eq(struct str a, struct str b);

/* ---- sealing: AES-256-GCM -------------------------------------------------------------- */

enum { AEAD_KEY_BYTES = 32, AEAD_NONCE_BYTES = 12, AEAD_TAG_BYTES = 16, AEAD_OVERHEAD = 28 };

/*
 * Append nonce (random) || ciphertext || tag to `out`: plain.len + AEAD_OVERHEAD bytes. `aad`
 * is bound to the box but not in it. With random nonces of 96 bits one key seals at most 2^32
 * boxes (NIST SP 800-38D, 8.3): rotate before.
 */
int aead_seal(const struct secret *key, struct str plain, struct str aad, struct buf *out,
              struct err *e);
int aead_open(const struct secret *key, struct str box, struct str aad, struct buf *out,
              struct err *e);
/* The same into locked memory. ERR_TOOBIG above SECRET_MAX. */
int aead_open_secret(const struct secret *key, struct str box, struct str aad,
                     struct secret *ret, struct err *e);

/* ---- hashes ---------------------------------------------------------------------------- */

enum hash_alg {
    HASH_SHA1,
    HASH_SHA224,
    HASH_SHA256,
    HASH_SHA384,
    HASH_SHA512,
    HASH_SHA3_224,
    HASH_SHA3_256,
    HASH_SHA3_384,
    HASH_SHA3_512,
    HASH_ALGS_
};

enum { HASH_MAX_BYTES = 64 };

size_t hash_bytes(enum hash_alg alg);
/* The names of Vault's API: "sha1", "sha2-224" ... "sha3-512". */
const char *hash_name(enum hash_alg alg);
bool hash_parse(struct str name, enum hash_alg *ret); /* "sha2-256", "sha256", "sha-256" */

/* hash_bytes(alg) bytes into `ret`. */
void hash_of(enum hash_alg alg, struct str data, uint8_t *ret);
void hmac_of(enum hash_alg alg, const struct secret *key, struct str data, uint8_t *ret);

/* In pieces: hash_new, hash_add as often as needed, hash_end (frees it too). */
struct hash;
struct hash *hash_new(enum hash_alg alg);
void hash_add(struct hash *h, struct str data);
void hash_end(struct hash *h, uint8_t *ret);
void hash_free(struct hash *h); /* of one that is given up; NULL is fine */

/* BLAKE2b of 32 bytes: what Nomad's API shows as the Hash of an object. */
enum { BLAKE2B_256_BYTES = 32 };
void blake2b_256(struct str data, uint8_t ret[BLAKE2B_256_BYTES]);

/* RFC 5869. At most 255 * hash_bytes(alg) bytes: ERR_TOOBIG. */
int hkdf(enum hash_alg alg, const struct secret *ikm, struct str salt, struct str info,
         size_t len, struct secret *ret, struct err *e);

#endif
