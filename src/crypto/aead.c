#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"
#include "crypto/crypto_priv.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ctx_key;
static EVP_CIPHER *gcm;

static void ctx_end(void *ctx)
{
    EVP_CIPHER_CTX_free(ctx);
}

static void fetch(void)
{
    gcm = ossl_must(EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL));
    if (pthread_key_create(&ctx_key, ctx_end) != 0)
        abort();
}

/* This thread's context. */
static EVP_CIPHER_CTX *ctx_get(void)
{
    EVP_CIPHER_CTX *ctx;

    pthread_once(&once, fetch);
    ctx = pthread_getspecific(ctx_key);
    if (!ctx) {
        ctx = ossl_must(EVP_CIPHER_CTX_new());
        /* Later calls give no cipher: naming it again would build the context anew. */
        if (EVP_EncryptInit_ex2(ctx, gcm, NULL, NULL, NULL) != 1)
            abort();
        if (pthread_setspecific(ctx_key, ctx) != 0)
            abort();
    }
    return ctx;
}

/* Overwrite the expanded key that the context holds. */
static void ctx_forget(EVP_CIPHER_CTX *ctx)
{
    static const uint8_t zero[AEAD_KEY_BYTES];

    if (EVP_EncryptInit_ex2(ctx, NULL, zero, NULL, NULL) != 1)
        abort();
}

static int check_input(const struct secret *key, struct str text, struct str aad, struct err *e)
{
    if (key->len != AEAD_KEY_BYTES)
        return err_set(e, ERR_INVALID, "a sealing key has %d bytes, not %zu", AEAD_KEY_BYTES,
                       key->len);
    if (text.len > INT_MAX - AEAD_OVERHEAD || aad.len > INT_MAX)
        return err_set(e, ERR_TOOBIG, "too large to seal: %zu bytes", text.len);
    return 0;
}

int aead_seal(const struct secret *key, struct str plain, struct str aad, struct buf *out,
              struct err *e)
{
    EVP_CIPHER_CTX *ctx = ctx_get();
    uint8_t *nonce, *text, *tag;
    int n, r;

    r = check_input(key, plain, aad, e);
    if (r < 0)
        return r;
    nonce = (uint8_t *)buf_reserve(out, plain.len + AEAD_OVERHEAD);
    if (!nonce)
        return buf_check(out, "the sealed data", e);
    text = nonce + AEAD_NONCE_BYTES;
    tag = text + plain.len;
    random_bytes(nonce, AEAD_NONCE_BYTES);
    /* Sealing cannot fail for any input: what fails is a broken library. */
    if (EVP_EncryptInit_ex2(ctx, NULL, key->p, nonce, NULL) != 1 ||
        EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)aad.p, (int)aad.len) != 1 ||
        EVP_EncryptUpdate(ctx, text, &n, (const uint8_t *)plain.p, (int)plain.len) != 1 ||
        EVP_EncryptFinal_ex(ctx, tag, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, tag) != 1)
        abort();
    ctx_forget(ctx);
    out->len += plain.len + AEAD_OVERHEAD;
    out->p[out->len] = '\0';
    return 0;
}

/* The plain text into `to`, box.len - AEAD_OVERHEAD bytes; none of it stays if the tag is
 * wrong. */
static int open_into(const struct secret *key, struct str box, struct str aad, uint8_t *to,
                     struct err *e)
{
    EVP_CIPHER_CTX *ctx = ctx_get();
    const uint8_t *nonce = (const uint8_t *)box.p, *text = nonce + AEAD_NONCE_BYTES;
    size_t len = box.len - AEAD_OVERHEAD;
    uint8_t tag[AEAD_TAG_BYTES];
    bool good;
    int n;

    memcpy(tag, text + len, sizeof tag);
    good = EVP_DecryptInit_ex2(ctx, NULL, key->p, nonce, NULL) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)aad.p, (int)aad.len) == 1 &&
           EVP_DecryptUpdate(ctx, to, &n, text, (int)len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_BYTES, tag) == 1 &&
           EVP_DecryptFinal_ex(ctx, to + len, &n) == 1;
    ctx_forget(ctx);
    if (good)
        return 0;
    secret_wipe(to, len);
    return ossl_err(e, ERR_CORRUPT, "cannot be decrypted: wrong key or changed data");
}

static int check_box(const struct secret *key, struct str box, struct str aad, struct err *e)
{
    if (box.len < AEAD_OVERHEAD)
        return err_set(e, ERR_CORRUPT, "sealed data is cut short: %zu bytes", box.len);
    return check_input(key, str_n(NULL, box.len - AEAD_OVERHEAD), aad, e);
}

int aead_open(const struct secret *key, struct str box, struct str aad, struct buf *out,
              struct err *e)
{
    int r = check_box(key, box, aad, e);
    uint8_t *to;

    if (r < 0)
        return r;
    to = (uint8_t *)buf_reserve(out, box.len - AEAD_OVERHEAD);
    if (!to)
        return buf_check(out, "the opened data", e);
    r = open_into(key, box, aad, to, e);
    if (r == 0)
        out->len += box.len - AEAD_OVERHEAD;
    out->p[out->len] = '\0';
    return r;
}

int aead_open_secret(const struct secret *key, struct str box, struct str aad,
                     struct secret *ret, struct err *e)
{
    auto_secret struct secret plain = SECRET_INIT;
    int r = check_box(key, box, aad, e);

    if (r == 0)
        r = secret_alloc(box.len - AEAD_OVERHEAD, &plain, e);
    if (r == 0)
        r = open_into(key, box, aad, plain.p, e);
    if (r < 0)
        return r;
    *ret = plain;
    plain = (struct secret)SECRET_INIT;
    return 0;
}
