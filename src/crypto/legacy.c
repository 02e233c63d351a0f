#include "crypto/legacy.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/rsa.h>

#include "base/err.h"
#include "base/random.h"
#include "crypto/crypto_priv.h"
#include "crypto/pkey.h"

void crypto_md5(struct str data, uint8_t ret[MD5_BYTES])
{
    unsigned n = 0;

    if (EVP_Digest(data.p, data.len, ret, &n, EVP_md5(), NULL) != 1 || n != MD5_BYTES)
        abort();
}

int crypto_bcrypt(struct str text, int cost, char ret[BCRYPT_SIZE], struct err *e)
{
    char plain[BCRYPT_TEXT_MAX + 1], salt[CRYPT_GENSALT_OUTPUT_SIZE], chance[16];
    struct crypt_data *data;
    const char *hash;

    if (cost < BCRYPT_COST_MIN || cost > BCRYPT_COST_MAX)
        return err_set(e, ERR_INVALID, "cost %d is outside allowed range (%d,%d)", cost,
                       BCRYPT_COST_MIN, BCRYPT_COST_MAX);
    if (text.len > BCRYPT_TEXT_MAX)
        return err_set(e, ERR_INVALID, "password length exceeds %d bytes", BCRYPT_TEXT_MAX);
    if (str_chr(text, '\0') >= 0)
        return err_set(e, ERR_INVALID, "the password holds a NUL");
    memcpy(plain, text.p, text.len);
    plain[text.len] = '\0';
    random_bytes(chance, sizeof chance);
    data = ossl_must(calloc(1, sizeof *data));
    hash =
        crypt_gensalt_rn("$2a$", (unsigned long)cost, chance, sizeof chance, salt, sizeof salt)
            ? crypt_rn(plain, salt, data, sizeof *data)
            : NULL;
    if (hash)
        (void)snprintf(ret, BCRYPT_SIZE, "%s", hash);
    OPENSSL_cleanse(plain, sizeof plain);
    OPENSSL_cleanse(data, sizeof *data);
    free(data);
    return hash ? 0 : err_set(e, ERR_INTERNAL, "this system's libcrypt has no bcrypt");
}

int crypto_rsa_decrypt(const struct pkey *k, struct str box, struct buf *out, struct err *e)
{
    auto_ossl_pkey_ctx EVP_PKEY_CTX *ctx = NULL;
    size_t len = 0;
    char *to;

    if (pkey_kind_of(k) != PKEY_RSA || !pkey_has_private(k))
        return err_set(e, ERR_INVALID, "the key is no private RSA key");
    ctx = ossl_must(EVP_PKEY_CTX_new(pkey_evp(k), NULL));
    if (EVP_PKEY_decrypt_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_decrypt(ctx, NULL, &len, (const uint8_t *)box.p, box.len) != 1)
        return ossl_err(e, ERR_CORRUPT, "decryption error");
    to = buf_reserve(out, len);
    if (!to)
        return buf_check(out, "the decrypted text", e);
    if (EVP_PKEY_decrypt(ctx, (uint8_t *)to, &len, (const uint8_t *)box.p, box.len) != 1)
        return ossl_err(e, ERR_CORRUPT, "decryption error");
    out->len += len;
    return 0;
}
