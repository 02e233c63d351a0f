#include "crypto/pkey.h"

#include <stdio.h>

#include "c.h"
#include "fixtures.h"

static const struct kind_row {
    const char *label;
    enum pkey_kind kind;
    int bits;
    size_t signature;
} kinds[] = {
    {"RSA", PKEY_RSA, 2048, 256},       {"P-256", PKEY_EC_P256, 256, 64},
    {"P-384", PKEY_EC_P384, 384, 96},   {"P-521", PKEY_EC_P521, 521, 132},
    {"Ed25519", PKEY_ED25519, 256, 64},
};

TEST(pkey_signs_verifies_and_travels_as_pem)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        T_ROW(kinds[i].label);
        auto_pkey struct pkey *k = NULL, *again = NULL, *public = NULL;
        auto_buf struct buf priv = BUF_INIT(8000);
        auto_buf struct buf pub = BUF_INIT(8000);
        auto_buf struct buf sig = BUF_INIT(1000);
        struct err e = ERR_INIT;

        priv.secret = true;
        T_OK(pkey_generate(kinds[i].kind, 2048, &k, &e), &e);
        T_INT_EQ(pkey_kind_of(k), kinds[i].kind);
        T_INT_EQ(pkey_bits(k), kinds[i].bits);
        T_OK(pkey_put_private_pem(k, &priv, &e), &e);
        T_OK(pkey_put_public_pem(k, &pub, &e), &e);
        T_STR_HAS(priv.p, "-----BEGIN PRIVATE KEY-----\n");
        T_STR_HAS(pub.p, "-----BEGIN PUBLIC KEY-----\n");
        T_OK(pkey_from_pem(buf_str(&priv), &again, &e), &e);
        T_OK(pkey_from_pem(buf_str(&pub), &public, &e), &e);
        T_TRUE(pkey_has_private(again) && !pkey_has_private(public));
        T_TRUE(pkey_same_public(k, again) && pkey_same_public(k, public));

        T_OK(pkey_sign(again, HASH_SHA256, STR("data"), &sig, &e), &e);
        T_INT_EQ(sig.len, kinds[i].signature);
        T_OK(pkey_verify(public, HASH_SHA256, STR("data"), buf_str(&sig), &e), &e);
        T_INT_EQ(pkey_verify(public, HASH_SHA256, STR("date"), buf_str(&sig), &e), ERR_DENIED);
        sig.p[sig.len - 1] ^= 1;
        T_INT_EQ(pkey_verify(public, HASH_SHA256, STR("data"), buf_str(&sig), &e), ERR_DENIED);
        T_TRUE(pkey_verify(public, HASH_SHA256, STR("data"), STR("short"), &e) < 0);
        T_INT_EQ(pkey_sign(public, HASH_SHA256, STR("data"), &sig, &e), ERR_DENIED);
        T_INT_EQ(pkey_put_private_pem(public, &priv, &e), ERR_DENIED);
    }
}

TEST(pkey_signature_must_have_the_curves_length)
{
    auto_pkey struct pkey *k = NULL;
    struct err e = ERR_INIT;
    char zeros[66] = {0};

    T_OK(pkey_generate(PKEY_EC_P256, 0, &k, &e), &e);
    T_INT_EQ(pkey_verify(k, HASH_SHA256, STR("x"), str_n(zeros, 65), &e), ERR_INVALID);
    T_STR_HAS(e.msg, "64 bytes");
    T_INT_EQ(pkey_verify(k, HASH_SHA256, STR("x"), str_n(zeros, 64), &e), ERR_DENIED);
}

TEST(pkey_reads_the_forms_of_pem_that_are_about)
{
    static const struct {
        const char *label, *pem;
        int want;
        const char *msg;
    } rows[] = {
        {"SEC 1 with parameters", FIXTURE_EC_SEC1, 0, ""},
        {"public", FIXTURE_EC_PUBLIC, 0, ""},
        {"PKCS#1", FIXTURE_RSA_PKCS1, 0, ""},
        {"text before it", "Key of me\n" FIXTURE_EC_PUBLIC, 0, ""},
        {"encrypted", FIXTURE_EC_ENCRYPTED, ERR_INVALID, "not encrypted"},
        {"RSA of 1024 bits", FIXTURE_RSA_1024, ERR_INVALID, "2048 to 8192 bits, not 1024"},
        {"another curve", FIXTURE_SECP256K1, ERR_INVALID, "secp256k1 is not supported"},
        {"another kind", FIXTURE_X25519, ERR_INVALID, "neither an RSA"},
        {"empty", "", ERR_INVALID, "not a PEM key"},
        {"no key", "hello", ERR_INVALID, "not a PEM key"},
        {"no end", "-----BEGIN PUBLIC KEY-----\nAAAA", ERR_INVALID, "not a PEM key"},
        {"no label's end", "-----BEGIN PUBLIC", ERR_INVALID, "not a PEM key"},
        {"rubbish inside", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
         ERR_INVALID, "not a PEM key"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_pkey struct pkey *k = NULL;
        struct err e = ERR_INIT;

        T_INT_EQ(pkey_from_pem(str_of(rows[i].pem), &k, &e), rows[i].want);
        T_STR_HAS(e.msg, rows[i].msg);
        T_INT_EQ(k != NULL, rows[i].want == 0);
    }
}

TEST(pkey_limits_are_kept)
{
    static char big[PKEY_PEM_MAX + 1];
    auto_pkey struct pkey *k = NULL;
    auto_buf struct buf tight = BUF_INIT(10);
    struct err e = ERR_INIT;

    T_INT_EQ(pkey_from_pem(str_n(big, sizeof big), &k, &e), ERR_TOOBIG);
    T_INT_EQ(pkey_generate(PKEY_RSA, 1024, &k, &e), ERR_INVALID);
    T_INT_EQ(pkey_generate(PKEY_RSA, 16384, &k, &e), ERR_INVALID);
    T_OK(pkey_generate(PKEY_ED25519, 0, &k, &e), &e);
    T_INT_EQ(pkey_put_public_pem(k, &tight, &e), ERR_TOOBIG);
    buf_reset(&tight);
    T_INT_EQ(pkey_put_jwk(k, STR(""), &tight, &e), ERR_TOOBIG);
    buf_reset(&tight);
    T_INT_EQ(pkey_put_thumbprint(k, &tight, &e), ERR_TOOBIG);
    buf_reset(&tight);
    T_INT_EQ(pkey_sign(k, HASH_SHA256, STR("x"), &tight, &e), ERR_TOOBIG);

    struct pkey *second = pkey_ref(k);

    pkey_unref(second);
    pkey_unref(NULL);
}

/* RFC 7638, 3.1 and RFC 8037, A.3. */
TEST(pkey_thumbprints_are_those_of_the_rfcs)
{
    static const struct jwk rsa = {
        .kty = STR("RSA"),
        .n = STR(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR"
            "1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0"
            "h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91"
            "CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44"
            "-csFCur-kEgU8awapJzKnqDKgw"),
        .e = STR("AQAB"),
    };
    static const struct jwk ed = {
        .kty = STR("OKP"),
        .crv = STR("Ed25519"),
        .x = STR("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
    };
    static const struct {
        const char *label;
        const struct jwk *jwk;
        const char *want;
    } rows[] = {
        {"RSA", &rsa, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
        {"Ed25519", &ed, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_pkey struct pkey *k = NULL;
        auto_buf struct buf b = BUF_INIT(100);
        struct err e = ERR_INIT;

        T_OK(pkey_from_jwk(rows[i].jwk, &k, &e), &e);
        T_FALSE(pkey_has_private(k));
        T_OK(pkey_put_thumbprint(k, &b, &e), &e);
        T_STR_EQ(b.p, rows[i].want);
    }
}

/* The text between "NAME":" and the next quote. */
static struct str member(const struct buf *jwk, const char *name)
{
    char key[32];
    struct str s = buf_str(jwk);
    ptrdiff_t at;

    snprintf(key, sizeof key, "\"%s\":\"", name);
    at = str_find(s, str_of(key));
    if (at < 0)
        return STR("");
    s = str_from(s, (size_t)at + strlen(key));
    return str_upto(s, (size_t)str_chr(s, '"'));
}

TEST(pkey_travels_as_jwk)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        T_ROW(kinds[i].label);
        auto_pkey struct pkey *k = NULL, *again = NULL;
        auto_buf struct buf b = BUF_INIT(4000);
        struct err e = ERR_INIT;

        T_OK(pkey_generate(kinds[i].kind, 2048, &k, &e), &e);
        T_OK(pkey_put_jwk(k, STR("a\"b\n"), &b, &e), &e);
        T_STR_HAS(b.p, ",\"use\":\"sig\",\"alg\":\"");
        T_STR_HAS(b.p, ",\"kid\":\"a\\\"b\\u000a\"}");

        struct jwk j = {member(&b, "kty"), member(&b, "crv"), member(&b, "n"),
                        member(&b, "e"),   member(&b, "x"),   member(&b, "y")};

        T_OK(pkey_from_jwk(&j, &again, &e), &e);
        T_TRUE(pkey_same_public(k, again));
        buf_reset(&b);
        T_OK(pkey_put_jwk(k, STR(""), &b, &e), &e);
        T_FALSE(str_has(buf_str(&b), STR("kid")));
        T_INT_EQ(pkey_put_jwk(k, STR("\xff"), &b, &e), ERR_INVALID);
    }
}

TEST(pkey_from_jwk_refuses_what_is_no_key)
{
    static const struct {
        const char *label;
        struct jwk j;
        const char *msg;
    } rows[] = {
        {"no type", {.kty = STR("")}, "not supported"},
        {"symmetric", {.kty = STR("oct")}, "kty \"oct\""},
        {"unknown curve", {.kty = STR("EC"), .crv = STR("secp256k1")}, "secp256k1"},
        {"no x", {.kty = STR("EC"), .crv = STR("P-256")}, "\"x\" is missing"},
        {"bad base64", {.kty = STR("EC"), .crv = STR("P-256"), .x = STR("a=b")}, "\"x\""},
        {"short x", {.kty = STR("EC"), .crv = STR("P-256"), .x = STR("AAAA")}, "32 bytes"},
        {"not on the curve",
         {.kty = STR("EC"),
          .crv = STR("P-256"),
          .x = STR("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
          .y = STR("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5b0")},
         "not a valid EC"},
        {"point at infinity",
         {.kty = STR("EC"),
          .crv = STR("P-256"),
          .x = STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
          .y = STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")},
         "not a valid EC"},
        {"short Ed25519",
         {.kty = STR("OKP"), .crv = STR("Ed25519"), .x = STR("AAAA")},
         "Ed25519"},
        {"RSA exponent 1", {.kty = STR("RSA"), .n = STR("____"), .e = STR("AQ")}, "valid RSA"},
        {"RSA tiny", {.kty = STR("RSA"), .n = STR("____"), .e = STR("AQAB")}, "not 24"},
        {"RSA without e", {.kty = STR("RSA"), .n = STR("____")}, "\"e\" is missing"},
        {"RSA huge exponent",
         {.kty = STR("RSA"), .n = STR("____"), .e = STR("AQABAQABAQABAQAB")},
         "\"e\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_pkey struct pkey *k = NULL;
        struct err e = ERR_INIT;

        T_INT_EQ(pkey_from_jwk(&rows[i].j, &k, &e), ERR_INVALID);
        T_STR_HAS(e.msg, rows[i].msg);
        T_TRUE(k == NULL);
    }
}
