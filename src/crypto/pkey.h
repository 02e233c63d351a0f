/*
 * pkey -- key pairs and public keys: RSA, ECDSA, Ed25519
 *
 * A pkey is immutable and counted; it may hold the private half or only the public one. Its
 * memory is OpenSSL's, wiped when freed but not locked.
 *
 * Thread:  any, also one key in many threads at once.
 * Errors:  ERR_INVALID (text that is not such a key, a key too small or of a kind that we do
 * not take, a signature of the wrong form), ERR_DENIED (the signature is not this key's over
 *          this data; the private half is needed and not there), ERR_TOOBIG.
 * Limits:  RSA of 2048 to 8192 bits; P-256, P-384, P-521; texts of PKEY_PEM_MAX bytes.
 */
#ifndef CRYPTO_PKEY_H
#define CRYPTO_PKEY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "crypto/crypto.h"

struct err;
struct pkey;

enum {
    PKEY_PEM_MAX = 32 << 10,
    PKEY_RSA_BITS_MIN = 2048,
    PKEY_RSA_BITS_MAX = 8192,
    PKEY_SIGNATURE_MAX = 1024,
};

enum pkey_kind { PKEY_RSA, PKEY_EC_P256, PKEY_EC_P384, PKEY_EC_P521, PKEY_ED25519 };

/* `rsa_bits` for PKEY_RSA only: 2048, 3072 or 4096. */
int pkey_generate(enum pkey_kind kind, int rsa_bits, struct pkey **ret, struct err *e);
struct pkey *pkey_ref(struct pkey *k);
void pkey_unref(struct pkey *k); /* NULL is fine */
DEFINE_AUTO(struct pkey *, pkey_unref)
#define auto_pkey AUTO(pkey_unrefp)

enum pkey_kind pkey_kind_of(const struct pkey *k);
int pkey_bits(const struct pkey *k);
bool pkey_has_private(const struct pkey *k);
bool pkey_same_public(const struct pkey *a, const struct pkey *b);

/* The first key or certificate in `pem`: PKCS#8, PKCS#1, SEC 1, SubjectPublicKeyInfo, X.509.
 * Encrypted keys are refused. */
int pkey_from_pem(struct str pem, struct pkey **ret, struct err *e);
/* PKCS#8; `out` must be marked secret. ERR_DENIED without a private half. */
int pkey_put_private_pem(const struct pkey *k, struct buf *out, struct err *e);
int pkey_put_public_pem(const struct pkey *k, struct buf *out, struct err *e); /* SPKI */

/* A public key as RFC 7517 has it, its numbers in base64url. Unused members are empty. */
struct jwk {
    struct str kty, crv, n, e, x, y;
};
int pkey_from_jwk(const struct jwk *j, struct pkey **ret, struct err *e);
/* One JSON object, members in the order of RFC 7638; with "use":"sig", "alg" and, if `kid` is
 * not empty, "kid". */
int pkey_put_jwk(const struct pkey *k, struct str kid, struct buf *out, struct err *e);
/* RFC 7638, SHA-256, base64url: a `kid` that follows from the key. */
int pkey_put_thumbprint(const struct pkey *k, struct buf *out, struct err *e);

/*
 * Signatures as JWS has them (RFC 7518): RSASSA-PKCS1-v1_5 with `alg`; ECDSA as r || s in fixed
 * length; Ed25519 (RFC 8037), which has no `alg` and ignores it.
 */
int pkey_sign(const struct pkey *k, enum hash_alg alg, struct str data, struct buf *out,
              struct err *e);
int pkey_verify(const struct pkey *k, enum hash_alg alg, struct str data, struct str signature,
                struct err *e);

#endif
