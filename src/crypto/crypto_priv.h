/*
 * crypto_priv -- what the files of this room share
 */
#ifndef CRYPTO_CRYPTO_PRIV_H
#define CRYPTO_CRYPTO_PRIV_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/crypto.h"

struct err;
struct pkey;

/* OpenSSL's objects end with their scope too. */
static inline void ossl_pkey_freep(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}
static inline void ossl_pkey_ctx_freep(EVP_PKEY_CTX **p)
{
    EVP_PKEY_CTX_free(*p);
}
static inline void ossl_md_ctx_freep(EVP_MD_CTX **p)
{
    EVP_MD_CTX_free(*p);
}
static inline void ossl_bio_freep(BIO **p)
{
    BIO_free(*p);
}
static inline void ossl_bn_freep(BIGNUM **p)
{
    BN_free(*p);
}
static inline void ossl_x509_freep(X509 **p)
{
    X509_free(*p);
}
#define auto_ossl_pkey AUTO(ossl_pkey_freep)
#define auto_ossl_pkey_ctx AUTO(ossl_pkey_ctx_freep)
#define auto_ossl_md_ctx AUTO(ossl_md_ctx_freep)
#define auto_ossl_bio AUTO(ossl_bio_freep)
#define auto_ossl_bn AUTO(ossl_bn_freep)
#define auto_ossl_x509 AUTO(ossl_x509_freep)

/* Abort if OpenSSL could not even allocate. */
void *ossl_must(void *p);
/* The fetched algorithm. */
const EVP_MD *hash_md(enum hash_alg alg);
/* err_set, and OpenSSL's own queue of errors emptied: nothing in it may surprise a later call.
 */
int ossl_err(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Text read from memory; the caller's bytes are not copied. */
BIO *bio_of(struct str text);
/* What was written to `bio`, appended to `out`; wiped in the bio. ERR_TOOBIG. */
int bio_move(BIO *bio, struct buf *out, struct err *e);

/* A JSON string with its quotes. The text is UTF-8. */
void put_json_string(struct buf *b, struct str s);

/* Make a pkey of `*p`, which it takes; ERR_INVALID if its kind or size is not ours. */
int pkey_adopt(EVP_PKEY **p, bool has_private, struct pkey **ret, struct err *e);
EVP_PKEY *pkey_evp(const struct pkey *k);

#endif
