#include "crypto/jwt.h"

#include "c.h"
#include "crypto/pkey.h"

/* RFC 7515, A.1 and A.3; RFC 8037, A.4. */
#define RFC_CLAIMS                                                                            \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp" \
    "0cnVlfQ"
#define RFC_HS256                                          \
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC_CLAIMS \
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define RFC_ES256                      \
    "eyJhbGciOiJFUzI1NiJ9." RFC_CLAIMS \
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define RFC_EDDSA                                               \
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." \
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

static const struct jwk rfc_ec = {
    .kty = STR("EC"),
    .crv = STR("P-256"),
    .x = STR("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
    .y = STR("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
};

static struct secret rfc_secret(void)
{
    auto_buf struct buf b = BUF_INIT(64);

    T_INT_EQ(codec_base64_decode(&b,
                                 STR("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
                                     "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"),
                                 true, false, NULL),
             0);
    return secret_of(buf_str(&b));
}

TEST(jwt_verifies_the_tokens_of_the_rfcs)
{
    static const struct jwk ed = {.kty = STR("OKP"),
                                  .crv = STR("Ed25519"),
                                  .x = STR("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")};
    auto_secret struct secret key = rfc_secret();
    auto_pkey struct pkey *ec = NULL, *okp = NULL;
    auto_buf struct buf out = BUF_INIT(1000);
    struct err e = ERR_INIT;

    T_OK(jwt_verify_hmac(&key, STR(RFC_HS256), &out, &e), &e);
    T_STR_HAS(out.p, "{\"iss\":\"joe\",");
    buf_reset(&out);
    T_OK(pkey_from_jwk(&rfc_ec, &ec, &e), &e);
    T_OK(jwt_verify(ec, STR(RFC_ES256), &out, &e), &e);
    T_STR_HAS(out.p, "{\"iss\":\"joe\",");
    buf_reset(&out);
    T_OK(pkey_from_jwk(&ed, &okp, &e), &e);
    T_OK(jwt_verify(okp, STR(RFC_EDDSA), &out, &e), &e);
    T_STR_EQ(out.p, "Example of Ed25519 signing");
}

TEST(jwt_round_trips_with_every_kind_of_key)
{
    static const struct {
        enum pkey_kind kind;
        const char *alg;
    } rows[] = {
        {PKEY_RSA, "RS256"},     {PKEY_EC_P256, "ES256"}, {PKEY_EC_P384, "ES384"},
        {PKEY_EC_P521, "ES512"}, {PKEY_ED25519, "EdDSA"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].alg);
        auto_pkey struct pkey *k = NULL, *other = NULL;
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf token = BUF_INIT(4000);
        auto_buf struct buf out = BUF_INIT(4000);
        struct jwt_header h;
        struct err e = ERR_INIT;

        T_OK(pkey_generate(rows[i].kind, 2048, &k, &e), &e);
        T_OK(pkey_generate(rows[i].kind, 2048, &other, &e), &e);
        T_OK(jwt_sign(k, STR("k\"1"), STR("{\"sub\":\"x\"}"), &token, &e), &e);
        T_OK(jwt_header(buf_str(&token), a, &h, &e), &e);
        T_STRN_EQ(h.alg, str_of(rows[i].alg));
        T_STRN_EQ(h.kid, STR("k\"1"));
        T_STRN_EQ(h.typ, STR("JWT"));
        T_OK(jwt_verify(k, buf_str(&token), &out, &e), &e);
        T_STR_EQ(out.p, "{\"sub\":\"x\"}");
        T_INT_EQ(jwt_verify(other, buf_str(&token), &out, &e), ERR_DENIED);
        T_STR_EQ(out.p, "{\"sub\":\"x\"}"); /* nothing added */
    }
}

TEST(jwt_hmac_round_trips_and_needs_a_long_key)
{
    auto_secret struct secret key = SECRET_INIT, other = SECRET_INIT, little = SECRET_INIT;
    auto_buf struct buf token = BUF_INIT(4000);
    auto_buf struct buf out = BUF_INIT(4000);
    struct err e = ERR_INIT;

    T_OK(secret_random(32, &key, &e), &e);
    T_OK(secret_random(32, &other, &e), &e);
    T_OK(secret_random(31, &little, &e), &e);
    T_OK(jwt_sign_hmac(&key, STR(""), STR("{}"), &token, &e), &e);
    T_TRUE(str_starts(buf_str(&token), STR("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.")));
    T_OK(jwt_verify_hmac(&key, buf_str(&token), &out, &e), &e);
    T_STR_EQ(out.p, "{}");
    T_INT_EQ(jwt_verify_hmac(&other, buf_str(&token), &out, &e), ERR_DENIED);
    T_INT_EQ(jwt_verify_hmac(&little, buf_str(&token), &out, &e), ERR_INVALID);
    T_INT_EQ(jwt_sign_hmac(&little, STR(""), STR("{}"), &token, &e), ERR_INVALID);
    token.p[token.len - 1] = token.p[token.len - 1] == 'A' ? 'E' : 'A';
    T_INT_EQ(jwt_verify_hmac(&key, buf_str(&token), &out, &e), ERR_DENIED);
}

/* header.claims.signature from plain texts. */
static void put_raw_token(struct buf *b, const char *header, const char *claims,
                          struct str signature)
{
    codec_base64_encode(b, str_of(header), true, false);
    buf_putc(b, '.');
    codec_base64_encode(b, str_of(claims), true, false);
    buf_putc(b, '.');
    codec_base64_encode(b, signature, true, false);
}

/* The classic: a token that names HMAC, signed with the public key's text; and "none". */
TEST(jwt_key_decides_the_algorithm)
{
    static const char *const headers[] = {
        "{\"alg\":\"HS256\"}", "{\"alg\":\"none\"}",  "{\"alg\":\"None\"}",
        "{\"alg\":\"NONE\"}",  "{\"alg\":\"RS256\"}", "{\"alg\":\"ES384\"}",
        "{\"alg\":\"es256\"}", "{\"alg\":\"PS256\"}",
    };
    auto_pkey struct pkey *k = NULL;
    auto_buf struct buf pem = BUF_INIT(4000);
    struct err e = ERR_INIT;

    T_OK(pkey_generate(PKEY_EC_P256, 0, &k, &e), &e);
    T_OK(pkey_put_public_pem(k, &pem, &e), &e);
    auto_secret struct secret pem_key = secret_of(buf_str(&pem));

    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        T_ROW(headers[i]);
        auto_buf struct buf signed_part = BUF_INIT(4000);
        auto_buf struct buf token = BUF_INIT(4000);
        auto_buf struct buf out = BUF_INIT(4000);
        uint8_t mac[HASH_MAX_BYTES];

        put_raw_token(&signed_part, headers[i], "{}", STR(""));
        hmac_of(HASH_SHA256, &pem_key, str_upto(buf_str(&signed_part), signed_part.len - 1),
                mac);
        put_raw_token(&token, headers[i], "{}", str_n(mac, i == 0 ? 32 : 0));
        T_INT_EQ(jwt_verify(k, buf_str(&token), &out, &e), ERR_INVALID);
        T_STR_HAS(e.msg, "is not this key's");
        if (i > 0) {
            T_INT_EQ(jwt_verify_hmac(&pem_key, buf_str(&token), &out, &e), ERR_INVALID);
            T_STR_HAS(e.msg, "is not this key's");
        }
        T_INT_EQ(out.len, 0);
    }
}

TEST(jwt_refuses_what_is_not_a_token)
{
    static const struct {
        const char *label, *token;
    } rows[] = {
        {"empty", ""},
        {"one part", "abc"},
        {"two parts", "e30.e30"},
        {"four parts", RFC_HS256 ".x"},
        {"five parts (encrypted)", "a.b.c.d.e"},
        {"padded header", "e30=.e30.x"},
        {"white space", " " RFC_HS256},
        {"line end", RFC_HS256 "\n"},
        {"signature cut", "eyJhbGciOiJIUzI1NiJ9.e30.dBjft"},
        {"signature with stray bits", "eyJhbGciOiJIUzI1NiJ9.e30.dB"},
        {"no signature", "eyJhbGciOiJIUzI1NiJ9.e30."},
        {"empty header", ".e30.AAAA"},
    };
    auto_secret struct secret key = rfc_secret();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_buf struct buf out = BUF_INIT(1000);
        struct err e = ERR_INIT;
        int r = jwt_verify_hmac(&key, str_of(rows[i].token), &out, &e);

        T_TRUE(r == ERR_INVALID || r == ERR_DENIED);
        T_INT_EQ(out.len, 0);
    }
}

TEST(jwt_header_is_read_strictly)
{
    static const struct {
        const char *label, *header;
        int want;
        const char *kid;
    } rows[] = {
        {"plain", "{\"alg\":\"ES256\",\"kid\":\"a\"}", 0, "a"},
        {"spaces", " { \"alg\" : \"ES256\" , \"kid\" : \"a\" } ", 0, "a"},
        {"escapes", "{\"alg\":\"ES256\",\"kid\":\"\\u0041\\n\\/\\u00e9\\u20ac\"}", 0,
         "A\n/\xc3\xa9\xe2\x82\xac"},
        {"others", "{\"x\":[1,{\"a\":null}],\"alg\":\"ES256\",\"y\":-1.5e3,\"z\":\"\\\"}\"}", 0,
         ""},
        {"escaped name", "{\"\\u0061lg\":\"ES256\"}", 0, ""},
        {"alg twice", "{\"alg\":\"ES256\",\"alg\":\"none\"}", ERR_INVALID, ""},
        {"alg twice, hidden", "{\"alg\":\"ES256\",\"\\u0061lg\":\"none\"}", ERR_INVALID, ""},
        {"crit", "{\"alg\":\"ES256\",\"crit\":[\"b64\"]}", ERR_INVALID, ""},
        {"no alg", "{\"kid\":\"a\"}", ERR_INVALID, ""},
        {"empty alg", "{\"alg\":\"\"}", ERR_INVALID, ""},
        {"alg is a number", "{\"alg\":1}", ERR_INVALID, ""},
        {"alg is null", "{\"alg\":null}", ERR_INVALID, ""},
        {"kid is a list", "{\"alg\":\"ES256\",\"kid\":[]}", ERR_INVALID, ""},
        {"a list", "[]", ERR_INVALID, ""},
        {"nothing", "", ERR_INVALID, ""},
        {"empty object", "{}", ERR_INVALID, ""},
        {"trailing comma", "{\"alg\":\"ES256\",}", ERR_INVALID, ""},
        {"something behind", "{\"alg\":\"ES256\"}x", ERR_INVALID, ""},
        {"no end", "{\"alg\":\"ES256\"", ERR_INVALID, ""},
        {"no end of string", "{\"alg\":\"ES256", ERR_INVALID, ""},
        {"bad escape", "{\"alg\":\"ES256\",\"kid\":\"\\x\"}", ERR_INVALID, ""},
        {"escaped NUL", "{\"alg\":\"ES256\",\"kid\":\"\\u0000\"}", ERR_INVALID, ""},
        {"control character", "{\"alg\":\"ES256\",\"kid\":\"\n\"}", ERR_INVALID, ""},
        {"not UTF-8", "{\"alg\":\"ES256\",\"kid\":\"\xff\"}", ERR_INVALID, ""},
        {"too deep", "{\"x\":[[[[[[[[[[1]]]]]]]]]],\"alg\":\"ES256\"}", ERR_INVALID, ""},
        {"brackets crossed", "{\"x\":[{]},\"alg\":\"ES256\"}", ERR_INVALID, ""},
        {"no value", "{\"x\":,\"alg\":\"ES256\"}", ERR_INVALID, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf token = BUF_INIT(4000);
        struct jwt_header h = {0};
        struct err e = ERR_INIT;

        put_raw_token(&token, rows[i].header, "{}", STR("x"));
        T_INT_EQ(jwt_header(buf_str(&token), a, &h, &e), rows[i].want);
        if (rows[i].want == 0) {
            T_STRN_EQ(h.alg, STR("ES256"));
            T_STRN_EQ(h.kid, str_of(rows[i].kid));
        }
    }
}

TEST(jwt_limits_are_kept)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf token = BUF_INIT(1 << 20);
    auto_buf struct buf out = BUF_INIT(1 << 20);
    auto_buf struct buf tight = BUF_INIT(10);
    auto_secret struct secret key = rfc_secret();
    static char wide[JWT_MAX];
    struct jwt_header h;
    struct err e = ERR_INIT;

    memset(wide, ' ', sizeof wide);
    T_INT_EQ(jwt_sign_hmac(&key, STR(""), str_n(wide, sizeof wide), &out, &e), ERR_TOOBIG);
    T_INT_EQ(jwt_sign_hmac(&key, str_n(wide, JWT_HEADER_MAX), STR("{}"), &out, &e), ERR_TOOBIG);
    T_INT_EQ(jwt_sign_hmac(&key, STR("\xff"), STR("{}"), &out, &e), ERR_INVALID);
    T_INT_EQ(out.len, 0);

    codec_base64_encode(&token, str_n(wide, JWT_HEADER_MAX + 1), true, false);
    buf_puts(&token, ".e30.AAAA");
    T_INT_EQ(jwt_header(buf_str(&token), a, &h, &e), ERR_TOOBIG);
    codec_base64_encode(&token, str_n(wide, sizeof wide), true, false);
    T_INT_EQ(jwt_header(buf_str(&token), a, &h, &e), ERR_TOOBIG);

    T_INT_EQ(jwt_verify_hmac(&key, STR(RFC_HS256), &tight, &e), ERR_TOOBIG);
    T_INT_EQ(tight.len, 0);
}

TEST(jwt_claims_can_be_looked_at_before)
{
    auto_buf struct buf out = BUF_INIT(1000);
    struct err e = ERR_INIT;

    T_OK(jwt_claims_unverified(STR(RFC_ES256), &out, &e), &e);
    T_STR_HAS(out.p, "\"iss\":\"joe\"");
    T_INT_EQ(jwt_claims_unverified(STR("a.b"), &out, &e), ERR_INVALID);
    T_INT_EQ(jwt_claims_unverified(STR("e30.e3.x"), &out, &e), ERR_INVALID);
}
