#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/codec.h"
#include "base/err.h"
#include "crypto/crypto_priv.h"
#include "crypto/pkey.h"

enum { NUMBER_MAX = PKEY_RSA_BITS_MAX / 8, THUMB_MAX = 4 << 10, POINT_MAX = 1 + 2 * 66 };

static const struct {
    const char *crv, *group, *alg;
    size_t coord_bytes;
} curves[] = {
    [PKEY_RSA] = {NULL, NULL, "RS256", 0},
    [PKEY_EC_P256] = {"P-256", "prime256v1", "ES256", 32},
    [PKEY_EC_P384] = {"P-384", "secp384r1", "ES384", 48},
    [PKEY_EC_P521] = {"P-521", "secp521r1", "ES512", 66},
    [PKEY_ED25519] = {"Ed25519", NULL, "EdDSA", 32},
};

/* A number of the key in base64url: `bytes` long, or as short as it goes with 0. */
static int put_number(const struct pkey *k, const char *param, size_t bytes, struct buf *b)
{
    auto_ossl_bn BIGNUM *n = NULL;
    uint8_t raw[NUMBER_MAX];

    if (EVP_PKEY_get_bn_param(pkey_evp(k), param, &n) != 1 || BN_num_bytes(n) > NUMBER_MAX)
        return -1;
    if (bytes == 0)
        bytes = (size_t)BN_num_bytes(n);
    if (BN_bn2binpad(n, raw, (int)bytes) < 0)
        return -1;
    codec_base64_encode(b, str_n(raw, bytes), true, false);
    return 0;
}

static int put_raw_public(const struct pkey *k, struct buf *b)
{
    uint8_t raw[32];
    size_t len = sizeof raw;

    if (EVP_PKEY_get_raw_public_key(pkey_evp(k), raw, &len) != 1)
        return -1;
    codec_base64_encode(b, str_n(raw, len), true, false);
    return 0;
}

/* The members that make the key, without the braces: what RFC 7638 hashes. */
static int put_members(const struct pkey *k, struct buf *b)
{
    enum pkey_kind kind = pkey_kind_of(k);
    size_t coord = curves[kind].coord_bytes;
    int r;

    if (kind == PKEY_RSA) {
        buf_puts(b, "\"e\":\"");
        r = put_number(k, OSSL_PKEY_PARAM_RSA_E, 0, b);
        buf_puts(b, "\",\"kty\":\"RSA\",\"n\":\"");
        r |= put_number(k, OSSL_PKEY_PARAM_RSA_N, 0, b);
    } else if (kind == PKEY_ED25519) {
        buf_puts(b, "\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
        r = put_raw_public(k, b);
    } else {
        buf_printf(b, "\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"", curves[kind].crv);
        r = put_number(k, OSSL_PKEY_PARAM_EC_PUB_X, coord, b);
        buf_puts(b, "\",\"y\":\"");
        r |= put_number(k, OSSL_PKEY_PARAM_EC_PUB_Y, coord, b);
    }
    buf_putc(b, '"');
    return r;
}

int pkey_put_jwk(const struct pkey *k, struct str kid, struct buf *out, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(THUMB_MAX);

    if (!str_is_utf8(kid))
        return err_set(e, ERR_INVALID, "the key id is not UTF-8");
    buf_putc(&b, '{');
    if (put_members(k, &b) < 0)
        return ossl_err(e, ERR_INTERNAL, "write a public key");
    buf_printf(&b, ",\"use\":\"sig\",\"alg\":\"%s\"", curves[pkey_kind_of(k)].alg);
    if (kid.len) {
        buf_puts(&b, ",\"kid\":");
        put_json_string(&b, kid);
    }
    buf_putc(&b, '}');
    if (!buf_ok(&b))
        return buf_check(&b, "the JWK", e);
    buf_put_str(out, buf_str(&b));
    return buf_check(out, "the JWK", e);
}

int pkey_put_thumbprint(const struct pkey *k, struct buf *out, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(THUMB_MAX);
    uint8_t digest[32];

    buf_putc(&b, '{');
    if (put_members(k, &b) < 0)
        return ossl_err(e, ERR_INTERNAL, "write a public key");
    buf_putc(&b, '}');
    hash_of(HASH_SHA256, buf_str(&b), digest);
    codec_base64_encode(out, str_n(digest, sizeof digest), true, false);
    return buf_check(out, "the thumbprint", e);
}

/* ---- the other way --------------------------------------------------------------------- */

static void param_bld_freep(OSSL_PARAM_BLD **b)
{
    OSSL_PARAM_BLD_free(*b);
}

static void param_freep(OSSL_PARAM **p)
{
    OSSL_PARAM_free(*p);
}

static int number(struct str text, const char *name, struct buf *raw, struct err *e)
{
    int r;

    if (text.len == 0)
        return err_set(e, ERR_INVALID, "JWK: \"%s\" is missing", name);
    r = codec_base64_decode(raw, text, true, false, e);
    return r < 0 ? err_wrap(e, ERR_INVALID, "JWK: \"%s\"", name) : 0;
}

static int from_params(const char *type, OSSL_PARAM_BLD *bld, struct pkey **ret, struct err *e)
{
    AUTO(param_freep) OSSL_PARAM *params = ossl_must(OSSL_PARAM_BLD_to_param(bld));
    auto_ossl_pkey_ctx EVP_PKEY_CTX *ctx =
        ossl_must(EVP_PKEY_CTX_new_from_name(NULL, type, NULL));
    auto_ossl_pkey EVP_PKEY *evp = NULL;

    if (EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return ossl_err(e, ERR_INVALID, "JWK: not a valid %s public key", type);
    return pkey_adopt(&evp, false, ret, e);
}

static int rsa_from_jwk(const struct jwk *j, struct pkey **ret, struct err *e)
{
    AUTO(param_bld_freep) OSSL_PARAM_BLD *bld = ossl_must(OSSL_PARAM_BLD_new());
    auto_buf struct buf raw_n = BUF_INIT(NUMBER_MAX + 1);
    auto_buf struct buf raw_e = BUF_INIT(8);
    auto_ossl_bn BIGNUM *bn_n = NULL;
    auto_ossl_bn BIGNUM *bn_e = NULL;
    int r;

    r = number(j->n, "n", &raw_n, e);
    if (r == 0)
        r = number(j->e, "e", &raw_e, e);
    if (r < 0)
        return r;
    bn_n = ossl_must(BN_bin2bn((const uint8_t *)raw_n.p, (int)raw_n.len, NULL));
    bn_e = ossl_must(BN_bin2bn((const uint8_t *)raw_e.p, (int)raw_e.len, NULL));
    if (!BN_is_odd(bn_n) || !BN_is_odd(bn_e) || BN_is_one(bn_e))
        return err_set(e, ERR_INVALID, "JWK: not a valid RSA public key");
    if (OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn_n) != 1 ||
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, bn_e) != 1)
        abort();
    return from_params("RSA", bld, ret, e);
}

static int ec_from_jwk(const struct jwk *j, enum pkey_kind kind, struct pkey **ret,
                       struct err *e)
{
    AUTO(param_bld_freep) OSSL_PARAM_BLD *bld = ossl_must(OSSL_PARAM_BLD_new());
    auto_buf struct buf point = BUF_INIT(POINT_MAX); /* uncompressed: 4 || x || y */
    size_t coord = curves[kind].coord_bytes;
    int r;

    buf_putc(&point, 4);
    r = number(j->x, "x", &point, e);
    if (r == 0 && point.len != 1 + coord)
        r = err_set(e, ERR_INVALID, "JWK: \"x\" has not %zu bytes", coord);
    if (r == 0)
        r = number(j->y, "y", &point, e);
    if (r == 0 && point.len != 1 + 2 * coord)
        r = err_set(e, ERR_INVALID, "JWK: \"y\" has not %zu bytes", coord);
    if (r < 0)
        return r;
    if (OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, curves[kind].group,
                                        0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.len) != 1)
        abort();
    return from_params("EC", bld, ret, e);
}

static int ed25519_from_jwk(const struct jwk *j, struct pkey **ret, struct err *e)
{
    auto_buf struct buf raw = BUF_INIT(64);
    auto_ossl_pkey EVP_PKEY *evp = NULL;
    int r = number(j->x, "x", &raw, e);

    if (r < 0)
        return r;
    evp =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, (const uint8_t *)raw.p, raw.len);
    if (!evp)
        return ossl_err(e, ERR_INVALID, "JWK: not a valid Ed25519 public key");
    return pkey_adopt(&evp, false, ret, e);
}

int pkey_from_jwk(const struct jwk *j, struct pkey **ret, struct err *e)
{
    if (str_eqc(j->kty, "RSA"))
        return rsa_from_jwk(j, ret, e);
    if (str_eqc(j->kty, "OKP") && str_eqc(j->crv, "Ed25519"))
        return ed25519_from_jwk(j, ret, e);
    for (size_t i = 0; i < ARRAY_LEN(curves); i++)
        if (str_eqc(j->kty, "EC") && curves[i].group && str_eqc(j->crv, curves[i].crv))
            return ec_from_jwk(j, (enum pkey_kind)i, ret, e);
    return err_set(e, ERR_INVALID, "JWK: kty \"%.*s\" with crv \"%.*s\" is not supported",
                   (int)(j->kty.len < 32 ? j->kty.len : 32), j->kty.p,
                   (int)(j->crv.len < 32 ? j->crv.len : 32), j->crv.p);
}
