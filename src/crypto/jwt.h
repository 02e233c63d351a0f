/*
 * jwt -- signed claims (RFC 7519 in the compact form of RFC 7515)
 *
 * The key decides the algorithm, never the token: an RSA key takes RS256, RS384 and RS512, a
 * P-256 key ES256, P-384 ES384, P-521 ES512, an Ed25519 key EdDSA, a secret HS256, HS384 and
 * HS512. "none" does not exist here. Claims are JSON text in and out; what they mean (exp, aud,
 * ...) is the caller's to check.
 *
 * Thread:  any.
 * Errors:  ERR_INVALID (not a token, a `crit` header, an `alg` that is not the key's),
 *          ERR_DENIED (the signature is wrong), ERR_TOOBIG (JWT_MAX; the buf).
 *          On an error nothing has been added to the buf.
 * Limits:  JWT_MAX bytes a token, JWT_HEADER_MAX its decoded header.
 */
#ifndef CRYPTO_JWT_H
#define CRYPTO_JWT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/str.h"

struct err;
struct pkey;

enum { JWT_MAX = 32 << 10, JWT_HEADER_MAX = 4 << 10, JWT_HMAC_KEY_MIN = 32 };

/* Append a token over `claims` (a JSON object, taken as it stands): RS256, ES256/384/512 or
 * EdDSA. An empty `kid` is left out. */
int jwt_sign(const struct pkey *key, struct str kid, struct str claims, struct buf *out,
             struct err *e);
/* HS256; the key has at least JWT_HMAC_KEY_MIN bytes (RFC 7518, 3.2). */
int jwt_sign_hmac(const struct secret *key, struct str kid, struct str claims, struct buf *out,
                  struct err *e);

/* Check the signature; append the claims' JSON text. */
int jwt_verify(const struct pkey *key, struct str token, struct buf *out, struct err *e);
int jwt_verify_hmac(const struct secret *key, struct str token, struct buf *out, struct err *e);

/* What the header says, *unverified*: to choose the key by `kid`. Absent members are empty. */
struct jwt_header {
    struct str alg, kid, typ; /* in the arena */
};
int jwt_header(struct str token, struct arena *a, struct jwt_header *ret, struct err *e);
/* The claims, *unverified*: to choose whom to ask (`iss`). */
int jwt_claims_unverified(struct str token, struct buf *out, struct err *e);

#endif
