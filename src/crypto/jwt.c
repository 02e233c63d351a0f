#include "crypto/jwt.h"

#include "base/codec.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "crypto/crypto_priv.h"
#include "crypto/jwt_priv.h"
#include "crypto/pkey.h"

enum { BY_SECRET = -1 };

/* Which algorithms a key takes; the first one of a kind is what we sign with. */
static const struct alg {
    const char *name;
    int kind; /* enum pkey_kind or BY_SECRET */
    enum hash_alg hash;
} algs[] = {
    {"RS256", PKEY_RSA, HASH_SHA256},     {"RS384", PKEY_RSA, HASH_SHA384},
    {"RS512", PKEY_RSA, HASH_SHA512},     {"ES256", PKEY_EC_P256, HASH_SHA256},
    {"ES384", PKEY_EC_P384, HASH_SHA384}, {"ES512", PKEY_EC_P521, HASH_SHA512},
    {"EdDSA", PKEY_ED25519, HASH_SHA512}, {"HS256", BY_SECRET, HASH_SHA256},
    {"HS384", BY_SECRET, HASH_SHA384},    {"HS512", BY_SECRET, HASH_SHA512},
};

static const struct alg *alg_of_kind(int kind)
{
    for (size_t i = 0; i < ARRAY_LEN(algs); i++)
        if (algs[i].kind == kind)
            return &algs[i];
    abort(); /* the table lacks a kind */
}

/* ---- signing --------------------------------------------------------------------------- */

/* header.claims, what the signature is over. */
static int put_signed_part(const char *alg, struct str kid, struct str claims, struct buf *b,
                           struct err *e)
{
    auto_buf struct buf header = BUF_INIT(JWT_HEADER_MAX);

    if (!str_is_utf8(kid))
        return err_set(e, ERR_INVALID, "the key id is not UTF-8");
    buf_printf(&header, "{\"alg\":\"%s\"", alg);
    if (kid.len) {
        buf_puts(&header, ",\"kid\":");
        put_json_string(&header, kid);
    }
    buf_puts(&header, ",\"typ\":\"JWT\"}");
    if (!buf_ok(&header))
        return buf_check(&header, "the token's header", e);
    codec_base64_encode(b, buf_str(&header), true, false);
    buf_putc(b, '.');
    codec_base64_encode(b, claims, true, false);
    return buf_check(b, "the token", e);
}

static int put_token(struct buf *b, struct str signature, struct buf *out, struct err *e)
{
    buf_putc(b, '.');
    codec_base64_encode(b, signature, true, false);
    if (!buf_ok(b))
        return buf_check(b, "the token", e);
    buf_put_str(out, buf_str(b));
    return buf_check(out, "the token", e);
}

int jwt_sign(const struct pkey *key, struct str kid, struct str claims, struct buf *out,
             struct err *e)
{
    const struct alg *alg = alg_of_kind((int)pkey_kind_of(key));
    auto_buf struct buf b = BUF_INIT(JWT_MAX);
    auto_buf struct buf signature = BUF_INIT(PKEY_SIGNATURE_MAX);
    int r;

    b.secret = true;
    r = put_signed_part(alg->name, kid, claims, &b, e);
    if (r == 0)
        r = pkey_sign(key, alg->hash, buf_str(&b), &signature, e);
    return r < 0 ? r : put_token(&b, buf_str(&signature), out, e);
}

static int check_hmac_key(const struct secret *key, struct err *e)
{
    if (key->len >= JWT_HMAC_KEY_MIN)
        return 0;
    return err_set(e, ERR_INVALID, "a key for HS256 has at least %d bytes", JWT_HMAC_KEY_MIN);
}

int jwt_sign_hmac(const struct secret *key, struct str kid, struct str claims, struct buf *out,
                  struct err *e)
{
    const struct alg *alg = alg_of_kind(BY_SECRET);
    auto_buf struct buf b = BUF_INIT(JWT_MAX);
    uint8_t mac[HASH_MAX_BYTES];
    int r;

    b.secret = true;
    r = check_hmac_key(key, e);
    if (r == 0)
        r = put_signed_part(alg->name, kid, claims, &b, e);
    if (r < 0)
        return r;
    hmac_of(alg->hash, key, buf_str(&b), mac);
    return put_token(&b, str_n(mac, hash_bytes(alg->hash)), out, e);
}

/* ---- verifying ------------------------------------------------------------------------- */

/* A token taken apart; the texts lie in the token. */
struct parts {
    struct str header, claims, signature, signed_part;
};

static int take_apart(struct str token, struct parts *ret, struct err *e)
{
    struct str rest = token, dots = token, piece;
    size_t n = 0;

    if (token.len > JWT_MAX)
        return err_set(e, ERR_TOOBIG, "a token is larger than %d bytes", JWT_MAX);
    while (str_split(&dots, '.', &piece))
        n++;
    if (n != 3)
        return err_set(e, ERR_INVALID, "not a signed token: want three parts, not %zu", n);
    str_split(&rest, '.', &ret->header);
    str_split(&rest, '.', &ret->claims);
    ret->signature = rest;
    ret->signed_part = str_upto(token, ret->header.len + 1 + ret->claims.len);
    return 0;
}

static int read_header(const struct parts *p, struct arena *a, struct jwt_header *ret,
                       struct err *e)
{
    auto_buf struct buf text = BUF_INIT(JWT_HEADER_MAX);
    int r = codec_base64_decode(&text, p->header, true, false, e);

    return r < 0 ? err_wrap(e, r, "token header") : jwt_header_parse(buf_str(&text), a, ret, e);
}

int jwt_header(struct str token, struct arena *a, struct jwt_header *ret, struct err *e)
{
    struct parts p;
    int r = take_apart(token, &p, e);

    return r < 0 ? r : read_header(&p, a, ret, e);
}

static int put_claims(const struct parts *p, struct buf *out, struct err *e)
{
    int r = codec_base64_decode(out, p->claims, true, false, e);

    return r < 0 ? err_wrap(e, r, "token claims") : 0;
}

int jwt_claims_unverified(struct str token, struct buf *out, struct err *e)
{
    struct parts p;
    int r = take_apart(token, &p, e);

    return r < 0 ? r : put_claims(&p, out, e);
}

/* Take the token apart and find its algorithm among those of `kind`. */
static int open_token(struct str token, int kind, struct parts *ret, struct buf *ret_signature,
                      const struct alg **ret_alg, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct jwt_header header;
    int r;

    r = take_apart(token, ret, e);
    if (r == 0)
        r = read_header(ret, a, &header, e);
    if (r < 0)
        return r;
    r = codec_base64_decode(ret_signature, ret->signature, true, false, e);
    if (r < 0)
        return err_wrap(e, ERR_INVALID, "token signature");
    for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
        if (algs[i].kind == kind && str_eqc(header.alg, algs[i].name)) {
            *ret_alg = &algs[i];
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "the token's algorithm \"%.*s\" is not this key's",
                   (int)(header.alg.len < 32 ? header.alg.len : 32), header.alg.p);
}

int jwt_verify(const struct pkey *key, struct str token, struct buf *out, struct err *e)
{
    auto_buf struct buf signature = BUF_INIT(PKEY_SIGNATURE_MAX);
    const struct alg *alg;
    struct parts p;
    int r;

    r = open_token(token, (int)pkey_kind_of(key), &p, &signature, &alg, e);
    if (r == 0)
        r = pkey_verify(key, alg->hash, p.signed_part, buf_str(&signature), e);
    return r < 0 ? r : put_claims(&p, out, e);
}

int jwt_verify_hmac(const struct secret *key, struct str token, struct buf *out, struct err *e)
{
    auto_buf struct buf signature = BUF_INIT(HASH_MAX_BYTES);
    const struct alg *alg;
    uint8_t mac[HASH_MAX_BYTES];
    struct parts p;
    int r;

    r = check_hmac_key(key, e);
    if (r == 0)
        r = open_token(token, BY_SECRET, &p, &signature, &alg, e);
    if (r < 0)
        return r;
    hmac_of(alg->hash, key, p.signed_part, mac);
    if (!crypto_str_eq(buf_str(&signature), str_n(mac, hash_bytes(alg->hash))))
        return err_set(e, ERR_DENIED, "the signature is wrong");
    return put_claims(&p, out, e);
}
