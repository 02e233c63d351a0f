#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "base/err.h"
#include "crypto/crypto_priv.h"

enum { BLOCK_MAX = 144 }; /* SHA3-224's */

static const struct {
    const char *name, *ossl;
    size_t bytes;
} algs[HASH_ALGS_] = {
    [HASH_SHA1] = {"sha1", "SHA1", 20},
    [HASH_SHA224] = {"sha2-224", "SHA2-224", 28},
    [HASH_SHA256] = {"sha2-256", "SHA2-256", 32},
    [HASH_SHA384] = {"sha2-384", "SHA2-384", 48},
    [HASH_SHA512] = {"sha2-512", "SHA2-512", 64},
    [HASH_SHA3_224] = {"sha3-224", "SHA3-224", 28},
    [HASH_SHA3_256] = {"sha3-256", "SHA3-256", 32},
    [HASH_SHA3_384] = {"sha3-384", "SHA3-384", 48},
    [HASH_SHA3_512] = {"sha3-512", "SHA3-512", 64},
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ctx_key;
static EVP_MD *mds[HASH_ALGS_];

static void ctx_end(void *ctx)
{
    EVP_MD_CTX_free(ctx);
}

static void fetch(void)
{
    for (size_t i = 0; i < HASH_ALGS_; i++)
        mds[i] = ossl_must(EVP_MD_fetch(NULL, algs[i].ossl, NULL));
    if (pthread_key_create(&ctx_key, ctx_end) != 0)
        abort();
}

const EVP_MD *hash_md(enum hash_alg alg)
{
    pthread_once(&once, fetch);
    return mds[alg];
}

/* This thread's context. */
static EVP_MD_CTX *ctx_get(void)
{
    EVP_MD_CTX *ctx;

    pthread_once(&once, fetch);
    ctx = pthread_getspecific(ctx_key);
    if (!ctx) {
        ctx = ossl_must(EVP_MD_CTX_new());
        if (pthread_setspecific(ctx_key, ctx) != 0)
            abort();
    }
    return ctx;
}

size_t hash_bytes(enum hash_alg alg)
{
    return algs[alg].bytes;
}

const char *hash_name(enum hash_alg alg)
{
    return algs[alg].name;
}

bool hash_parse(struct str name, enum hash_alg *ret)
{
    static const struct {
        const char *name;
        enum hash_alg alg;
    } others[] = {
        {"sha-1", HASH_SHA1},     {"sha224", HASH_SHA224},  {"sha-224", HASH_SHA224},
        {"sha256", HASH_SHA256},  {"sha-256", HASH_SHA256}, {"sha384", HASH_SHA384},
        {"sha-384", HASH_SHA384}, {"sha512", HASH_SHA512},  {"sha-512", HASH_SHA512},
    };

    for (size_t i = 0; i < HASH_ALGS_; i++) {
        if (str_eqc(name, algs[i].name)) {
            *ret = (enum hash_alg)i;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (str_eqc(name, others[i].name)) {
            *ret = others[i].alg;
            return true;
        }
    }
    return false;
}

/* Hashing cannot fail for any input: what fails is a broken library. */
static void begin(EVP_MD_CTX *ctx, enum hash_alg alg)
{
    if (EVP_DigestInit_ex2(ctx, mds[alg], NULL) != 1)
        abort();
}

static void add(EVP_MD_CTX *ctx, const void *p, size_t len)
{
    if (len && EVP_DigestUpdate(ctx, p, len) != 1)
        abort();
}

static void end(EVP_MD_CTX *ctx, uint8_t *ret)
{
    if (EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
        abort();
}

void hash_of(enum hash_alg alg, struct str data, uint8_t *ret)
{
    EVP_MD_CTX *ctx = ctx_get();

    begin(ctx, alg);
    add(ctx, data.p, data.len);
    end(ctx, ret);
}

/* RFC 2104 over the concatenation of `parts`. */
static void hmac_parts(enum hash_alg alg, struct str key, const struct str *parts, size_t n,
                       uint8_t *ret)
{
    EVP_MD_CTX *ctx = ctx_get();
    size_t block = (size_t)EVP_MD_get_block_size(mds[alg]), bytes = algs[alg].bytes;
    uint8_t pad[BLOCK_MAX] = {0}, inner[HASH_MAX_BYTES];

    assert(block <= sizeof pad);
    if (key.len > block)
        hash_of(alg, key, pad);
    else if (key.len)
        memcpy(pad, key.p, key.len);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    begin(ctx, alg);
    add(ctx, pad, block);
    for (size_t i = 0; i < n; i++)
        add(ctx, parts[i].p, parts[i].len);
    end(ctx, inner);

    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    begin(ctx, alg);
    add(ctx, pad, block);
    add(ctx, inner, bytes);
    end(ctx, ret);
    EVP_MD_CTX_reset(ctx); /* its state follows from the key */
    secret_wipe(pad, sizeof pad);
    secret_wipe(inner, sizeof inner);
}

void hmac_of(enum hash_alg alg, const struct secret *key, struct str data, uint8_t *ret)
{
    hmac_parts(alg, str_n(key->p, key->len), &data, 1, ret);
}

int hkdf(enum hash_alg alg, const struct secret *ikm, struct str salt, struct str info,
         size_t len, struct secret *ret, struct err *e)
{
    auto_secret struct secret okm = SECRET_INIT;
    size_t bytes = hash_bytes(alg), have = 0;
    uint8_t prk[HASH_MAX_BYTES], t[HASH_MAX_BYTES];
    struct str input = str_n(ikm->p, ikm->len);
    int r;

    if (len > 255 * bytes)
        return err_set(e, ERR_TOOBIG, "HKDF with %s gives at most %zu bytes, not %zu",
                       hash_name(alg), 255 * bytes, len);
    r = secret_alloc(len, &okm, e);
    if (r < 0)
        return r;
    hmac_parts(alg, salt, &input, 1, prk);
    for (uint8_t i = 1; have < len; i++) {
        struct str parts[] = {str_n(t, i > 1 ? bytes : 0), info, str_n(&i, 1)};
        size_t n = len - have < bytes ? len - have : bytes;

        hmac_parts(alg, str_n(prk, bytes), parts, ARRAY_LEN(parts), t);
        memcpy(okm.p + have, t, n);
        have += n;
    }
    secret_wipe(prk, sizeof prk);
    secret_wipe(t, sizeof t);
    *ret = okm;
    okm = (struct secret)SECRET_INIT;
    return 0;
}

struct hash {
    EVP_MD_CTX *ctx;
};

struct hash *hash_new(enum hash_alg alg)
{
    struct hash *h = ossl_must(malloc(sizeof *h));

    (void)hash_md(alg);
    h->ctx = ossl_must(EVP_MD_CTX_new());
    begin(h->ctx, alg);
    return h;
}

void hash_add(struct hash *h, struct str data)
{
    add(h->ctx, data.p, data.len);
}

void hash_end(struct hash *h, uint8_t *ret)
{
    end(h->ctx, ret);
    hash_free(h);
}

void hash_free(struct hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}
