#include "crypto/pkey.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdatomic.h>
#include <string.h>

#include "base/err.h"
#include "crypto/crypto_priv.h"

enum { GROUP_NAME_SIZE = 64, COORD_MAX = 66 };

static const struct {
    const char *name, *group; /* group: OpenSSL's name of the curve */
    size_t coord_bytes;
} kinds[] = {
    [PKEY_RSA] = {"RSA", NULL, 0},
    [PKEY_EC_P256] = {"P-256", "prime256v1", 32},
    [PKEY_EC_P384] = {"P-384", "secp384r1", 48},
    [PKEY_EC_P521] = {"P-521", "secp521r1", 66},
    [PKEY_ED25519] = {"Ed25519", NULL, 0},
};

struct pkey {
    EVP_PKEY *evp;
    enum pkey_kind kind;
    bool has_private;
    atomic_uint refs;
};

static bool is_ec(enum pkey_kind kind)
{
    return kinds[kind].group != NULL;
}

static int kind_of_ec(const EVP_PKEY *evp, enum pkey_kind *ret, struct err *e)
{
    char group[GROUP_NAME_SIZE];

    if (EVP_PKEY_get_utf8_string_param(evp, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                       NULL) != 1)
        return ossl_err(e, ERR_INVALID, "an EC key without a named curve");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].group && strcmp(kinds[i].group, group) == 0) {
            *ret = (enum pkey_kind)i;
            return 0;
        }
    }
    return ossl_err(e, ERR_INVALID, "EC curve %s is not supported: use P-256, P-384 or P-521",
                    group);
}

static int kind_of(const EVP_PKEY *evp, enum pkey_kind *ret, struct err *e)
{
    int bits = EVP_PKEY_get_bits(evp);

    switch (EVP_PKEY_get_base_id(evp)) {
    case EVP_PKEY_RSA:
        if (bits < PKEY_RSA_BITS_MIN || bits > PKEY_RSA_BITS_MAX)
            return ossl_err(e, ERR_INVALID, "an RSA key has %d to %d bits, not %d",
                            PKEY_RSA_BITS_MIN, PKEY_RSA_BITS_MAX, bits);
        *ret = PKEY_RSA;
        return 0;
    case EVP_PKEY_EC:
        return kind_of_ec(evp, ret, e);
    case EVP_PKEY_ED25519:
        *ret = PKEY_ED25519;
        return 0;
    default:
        return ossl_err(e, ERR_INVALID, "neither an RSA, an EC nor an Ed25519 key");
    }
}

int pkey_adopt(EVP_PKEY **p, bool has_private, struct pkey **ret, struct err *e)
{
    enum pkey_kind kind = PKEY_RSA;
    struct pkey *k;
    int r = kind_of(*p, &kind, e);

    if (r < 0)
        return r;
    k = ossl_must(malloc(sizeof *k));
    *k = (struct pkey){.evp = TAKE_PTR(*p), .kind = kind, .has_private = has_private};
    atomic_init(&k->refs, 1);
    *ret = k;
    return 0;
}

int pkey_generate(enum pkey_kind kind, int rsa_bits, struct pkey **ret, struct err *e)
{
    auto_ossl_pkey EVP_PKEY *evp = NULL;

    if (kind == PKEY_RSA) {
        if (rsa_bits < PKEY_RSA_BITS_MIN || rsa_bits > PKEY_RSA_BITS_MAX)
            return err_set(e, ERR_INVALID, "an RSA key has %d to %d bits, not %d",
                           PKEY_RSA_BITS_MIN, PKEY_RSA_BITS_MAX, rsa_bits);
        evp = EVP_RSA_gen((size_t)rsa_bits);
    } else if (is_ec(kind)) {
        evp = EVP_EC_gen(kinds[kind].group);
    } else {
        evp = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
    if (!evp)
        return ossl_err(e, ERR_INTERNAL, "generate a key");
    return pkey_adopt(&evp, true, ret, e);
}

struct pkey *pkey_ref(struct pkey *k)
{
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return k;
}

void pkey_unref(struct pkey *k)
{
    if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
        return;
    EVP_PKEY_free(k->evp);
    free(k);
}

enum pkey_kind pkey_kind_of(const struct pkey *k)
{
    return k->kind;
}

int pkey_bits(const struct pkey *k)
{
    return EVP_PKEY_get_bits(k->evp);
}

bool pkey_has_private(const struct pkey *k)
{
    return k->has_private;
}

bool pkey_same_public(const struct pkey *a, const struct pkey *b)
{
    return a->kind == b->kind && EVP_PKEY_eq(a->evp, b->evp) == 1;
}

EVP_PKEY *pkey_evp(const struct pkey *k)
{
    return k->evp;
}

/* ---- PEM ------------------------------------------------------------------------------- */

/* An encrypted key must not make OpenSSL ask on the terminal. */
static int no_password(char *text, int size, int writing, void *arg)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

/* "-----BEGIN LABEL-----" -> LABEL of the first block, or empty. */
static struct str first_label(struct str pem)
{
    ptrdiff_t at = str_find(pem, STR("-----BEGIN ")), end;

    if (at < 0)
        return STR("");
    pem = str_from(pem, (size_t)at + strlen("-----BEGIN "));
    end = str_find(pem, STR("-----"));
    return end < 0 ? STR("") : str_upto(pem, (size_t)end);
}

int pkey_from_pem(struct str pem, struct pkey **ret, struct err *e)
{
    auto_ossl_pkey EVP_PKEY *evp = NULL;
    auto_ossl_bio BIO *bio = NULL;
    struct str label = first_label(pem);
    bool is_private = str_ends(label, STR("PRIVATE KEY")) || str_eqc(label, "EC PARAMETERS");

    if (pem.len > PKEY_PEM_MAX)
        return err_set(e, ERR_TOOBIG, "a PEM key is larger than %d bytes", PKEY_PEM_MAX);
    bio = bio_of(pem);
    if (is_private) {
        evp = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    } else if (str_eqc(label, "CERTIFICATE")) {
        auto_ossl_x509 X509 *x = PEM_read_bio_X509(bio, NULL, no_password, NULL);

        evp = x ? X509_get_pubkey(x) : NULL;
    } else if (label.len) {
        evp = PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
    }
    if (!evp)
        return ossl_err(e, ERR_INVALID,
                        "not a PEM key: want a key that is not encrypted, or a certificate");
    return pkey_adopt(&evp, is_private, ret, e);
}

int pkey_put_private_pem(const struct pkey *k, struct buf *out, struct err *e)
{
    auto_ossl_bio BIO *bio = NULL;

    assert(out->secret);
    if (!k->has_private)
        return err_set(e, ERR_DENIED, "the private half of this key is not here");
    bio = ossl_must(BIO_new(BIO_s_secmem()));
    if (PEM_write_bio_PrivateKey(bio, k->evp, NULL, NULL, 0, NULL, NULL) != 1)
        return ossl_err(e, ERR_INTERNAL, "write a private key");
    return bio_move(bio, out, e);
}

int pkey_put_public_pem(const struct pkey *k, struct buf *out, struct err *e)
{
    auto_ossl_bio BIO *bio = ossl_must(BIO_new(BIO_s_mem()));

    if (PEM_write_bio_PUBKEY(bio, k->evp) != 1)
        return ossl_err(e, ERR_INTERNAL, "write a public key");
    return bio_move(bio, out, e);
}

/* ---- signatures ------------------------------------------------------------------------ */

/* DER as OpenSSL has it -> r || s, each as long as the curve's coordinates. */
static int ec_to_raw(const uint8_t *der, size_t len, size_t coord, uint8_t *raw)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool good = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)coord) > 0 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + coord, (int)coord) > 0;

    ECDSA_SIG_free(sig);
    return good ? 0 : -1;
}

/* r || s -> DER; its length, 0 if that failed. */
static size_t ec_to_der(struct str raw, size_t coord, uint8_t der[PKEY_SIGNATURE_MAX])
{
    const uint8_t *p = (const uint8_t *)raw.p;
    BIGNUM *r = ossl_must(BN_bin2bn(p, (int)coord, NULL));
    BIGNUM *s = ossl_must(BN_bin2bn(p + coord, (int)coord, NULL));
    ECDSA_SIG *sig = ossl_must(ECDSA_SIG_new());
    uint8_t *to = der;
    int len;

    ECDSA_SIG_set0(sig, r, s); /* takes both */
    len = i2d_ECDSA_SIG(sig, &to);
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

static const EVP_MD *md_for(const struct pkey *k, enum hash_alg alg)
{
    return k->kind == PKEY_ED25519 ? NULL : hash_md(alg);
}

int pkey_sign(const struct pkey *k, enum hash_alg alg, struct str data, struct buf *out,
              struct err *e)
{
    auto_ossl_md_ctx EVP_MD_CTX *ctx = ossl_must(EVP_MD_CTX_new());
    size_t coord = kinds[k->kind].coord_bytes, len = PKEY_SIGNATURE_MAX;
    uint8_t sig[PKEY_SIGNATURE_MAX], raw[2 * COORD_MAX];

    if (!k->has_private)
        return err_set(e, ERR_DENIED, "the private half of this key is not here");
    if (EVP_DigestSignInit(ctx, NULL, md_for(k, alg), NULL, k->evp) != 1 ||
        EVP_DigestSign(ctx, sig, &len, (const uint8_t *)data.p, data.len) != 1)
        return ossl_err(e, ERR_INTERNAL, "sign");
    if (!is_ec(k->kind)) {
        buf_put(out, sig, len);
    } else {
        if (ec_to_raw(sig, len, coord, raw) < 0)
            return ossl_err(e, ERR_INTERNAL, "sign");
        buf_put(out, raw, 2 * coord);
    }
    return buf_check(out, "the signature", e);
}

int pkey_verify(const struct pkey *k, enum hash_alg alg, struct str data, struct str signature,
                struct err *e)
{
    auto_ossl_md_ctx EVP_MD_CTX *ctx = ossl_must(EVP_MD_CTX_new());
    size_t coord = kinds[k->kind].coord_bytes;
    uint8_t der[PKEY_SIGNATURE_MAX];

    if (is_ec(k->kind)) {
        if (signature.len != 2 * coord)
            return err_set(e, ERR_INVALID, "a %s signature has %zu bytes, not %zu",
                           kinds[k->kind].name, 2 * coord, signature.len);
        signature = str_n(der, ec_to_der(signature, coord, der));
    }
    if (EVP_DigestVerifyInit(ctx, NULL, md_for(k, alg), NULL, k->evp) != 1)
        return ossl_err(e, ERR_INTERNAL, "verify");
    if (EVP_DigestVerify(ctx, (const uint8_t *)signature.p, signature.len,
                         (const uint8_t *)data.p, data.len) != 1)
        return ossl_err(e, ERR_DENIED, "the signature is wrong");
    return 0;
}
