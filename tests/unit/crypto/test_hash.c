#include "c.h"
#include "crypto/crypto.h"

/* FIPS 180-4 and FIPS 202 examples: "abc". */
TEST(hash_knows_the_digests_of_abc)
{
    static const struct {
        enum hash_alg alg;
        const char *name, *other, *want;
    } rows[] = {
        {HASH_SHA1, "sha1", "sha-1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {HASH_SHA224, "sha2-224", "sha-224",
         "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
        {HASH_SHA256, "sha2-256", "sha256",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {HASH_SHA384, "sha2-384", "sha384",
         "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358ba"
         "eca134c825a7"},
        {HASH_SHA512, "sha2-512", "sha-512",
         "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba"
         "3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
        {HASH_SHA3_224, "sha3-224", "sha3-224",
         "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"},
        {HASH_SHA3_256, "sha3-256", "sha3-256",
         "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
        {HASH_SHA3_384, "sha3-384", "sha3-384",
         "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1"
         "edf228376d25"},
        {HASH_SHA3_512, "sha3-512", "sha3-512",
         "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7e"
         "c57647e3934057340b4cf408d5a56592f8274eec53f0"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].name);
        uint8_t got[HASH_MAX_BYTES];
        enum hash_alg alg = HASH_ALGS_;
        struct hash *h = hash_new(rows[i].alg);

        hash_of(rows[i].alg, STR("abc"), got);
        T_HEX_EQ(got, hash_bytes(rows[i].alg), rows[i].want);
        hash_add(h, STR("a"));
        hash_add(h, STR(""));
        hash_add(h, STR("bc"));
        hash_end(h, got);
        T_HEX_EQ(got, hash_bytes(rows[i].alg), rows[i].want);
        T_STR_EQ(hash_name(rows[i].alg), rows[i].name);
        T_TRUE(hash_parse(str_of(rows[i].name), &alg) && alg == rows[i].alg);
        T_TRUE(hash_parse(str_of(rows[i].other), &alg) && alg == rows[i].alg);
    }
}

/* RFC 7693's "abc" is of 64 bytes; these are of 32, as Python's hashlib has them. */
TEST(blake2b_knows_its_digests)
{
    static const struct {
        const char *label, *text;
        int times;
        const char *want;
    } rows[] = {
        {"nothing", "", 0, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"},
        {"abc", "abc", 1, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"},
        {"one block", "x", 128,
         "164ffb7089bae6f5a62fb0795e751dc9e88eac92e1a5b2fafe93a25abf2d9c3b"},
        {"a byte more", "x", 129,
         "03b0758fa71d249c846c2304a2b9996e6ae66ffa7e5528f9e612e089a360fc8d"},
        {"many blocks", "serai", 500,
         "6f3a796b2955204f1b9a56689086134dfecfb510fbcc35c3bd03cf189a2558f4"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_buf struct buf text = BUF_INIT(4096);
        uint8_t got[BLAKE2B_256_BYTES];

        for (int k = 0; k < rows[i].times; k++)
            buf_puts(&text, rows[i].text);
        blake2b_256(buf_str(&text), got);
        T_HEX_EQ(got, sizeof got, rows[i].want);
    }
}

TEST(hash_of_unknown_name_is_none)
{
    enum hash_alg alg;

    T_FALSE(hash_parse(STR("md5"), &alg));
    T_FALSE(hash_parse(STR(""), &alg));
    hash_free(hash_new(HASH_SHA1)); /* given up */
    hash_free(NULL);
}

/* RFC 4231, cases 1, 2, 6 and 7; RFC 2202, case 2 for SHA-1; the empty key. */
TEST(hmac_knows_the_vectors_of_rfc_4231)
{
    static const struct {
        const char *label;
        enum hash_alg alg;
        const char *key, *data, *want;
        size_t repeat; /* the key is one byte so often, if not 0 */
    } rows[] = {
        {"case 1", HASH_SHA256, "0b", "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", 20},
        {"case 2", HASH_SHA256, "4a656665", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", 0},
        {"case 2, SHA-512", HASH_SHA512, "4a656665", "what do ya want for nothing?",
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d03"
         "4f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
         0},
        {"case 6", HASH_SHA256, "aa", "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", 131},
        {"SHA-1", HASH_SHA1, "4a656665", "what do ya want for nothing?",
         "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", 0},
        {"empty key", HASH_SHA256, "", "",
         "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_secret struct secret key = SECRET_INIT;
        uint8_t got[HASH_MAX_BYTES];

        if (rows[i].repeat) {
            T_INT_EQ(secret_alloc(rows[i].repeat, &key, NULL), 0);
            memset(key.p, unhex(rows[i].key).p[0], key.len);
        } else {
            key = secret_of(unhex(rows[i].key));
        }
        hmac_of(rows[i].alg, &key, str_of(rows[i].data), got);
        T_HEX_EQ(got, hash_bytes(rows[i].alg), rows[i].want);
    }
}

TEST(hkdf_knows_the_vectors_of_rfc_5869)
{
    static const struct {
        const char *label;
        enum hash_alg alg;
        const char *ikm, *salt, *info, *want;
    } rows[] = {
        {"case 1", HASH_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
         "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b88718586"
         "5"},
        {"case 3", HASH_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c"
         "8"},
        {"case 4", HASH_SHA1, "0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
         "f0f1f2f3f4f5f6f7f8f9",
         "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f89"
         "6"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_secret struct secret ikm = secret_of(unhex(rows[i].ikm)), okm = SECRET_INIT;
        struct err e = ERR_INIT;

        T_OK(hkdf(rows[i].alg, &ikm, unhex(rows[i].salt), unhex(rows[i].info), 42, &okm, &e),
             &e);
        T_HEX_EQ(okm.p, okm.len, rows[i].want);
    }
}

TEST(hkdf_gives_as_much_as_the_rfc_allows)
{
    auto_secret struct secret ikm = SECRET_INIT, okm = SECRET_INIT, none = SECRET_INIT;
    struct err e = ERR_INIT;

    T_OK(secret_random(32, &ikm, &e), &e);
    T_OK(hkdf(HASH_SHA256, &ikm, STR(""), STR(""), 255 * 32, &okm, &e), &e);
    T_INT_EQ(okm.len, 255 * 32);
    T_INT_EQ(hkdf(HASH_SHA256, &ikm, STR(""), STR(""), 255 * 32 + 1, &none, &e), ERR_TOOBIG);
    T_TRUE(none.p == NULL);
}
