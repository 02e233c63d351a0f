#include <pthread.h>

#include "base/random.h"
#include "base/thread.h"
#include "c.h"
#include "crypto/crypto.h"

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13, 14 and 16. */
TEST(aead_opens_the_known_boxes_of_gcm)
{
    static const struct {
        const char *label, *key, *box, *aad, *plain;
    } rows[] = {
        {"case 13", "0000000000000000000000000000000000000000000000000000000000000000",
         "000000000000000000000000530f8afbc74536b9a963b4f1c4cb738b", "", ""},
        {"case 14", "0000000000000000000000000000000000000000000000000000000000000000",
         "000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48a"
         "b919",
         "", "00000000000000000000000000000000"},
        {"case 16", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
         "cafebabefacedbaddecaf888522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555"
         "d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853"
         "bb2d551b",
         "feedfacedeadbeeffeedfacedeadbeefabaddad2",
         "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf"
         "0e2449a6b525b16aedf5aa0de657ba637b39"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_secret struct secret key = secret_of(unhex(rows[i].key));
        auto_buf struct buf out = BUF_INIT(1000);
        struct err e = ERR_INIT;

        T_OK(aead_open(&key, unhex(rows[i].box), unhex(rows[i].aad), &out, &e), &e);
        T_HEX_EQ(out.p, out.len, rows[i].plain);
    }
}

TEST(aead_round_trips_every_length)
{
    auto_secret struct secret key = SECRET_INIT;
    static char plain[300];
    struct err e = ERR_INIT;

    T_OK(secret_random(AEAD_KEY_BYTES, &key, &e), &e);
    random_bytes(plain, sizeof plain);
    for (size_t n = 0; n <= sizeof plain; n++) {
        auto_buf struct buf box = BUF_INIT(n + AEAD_OVERHEAD);
        auto_buf struct buf out = BUF_INIT(n);
        auto_secret struct secret secret = SECRET_INIT;
        struct str aad = str_n(plain, n % 40);

        T_OK(aead_seal(&key, str_n(plain, n), aad, &box, &e), &e);
        T_INT_EQ(box.len, n + AEAD_OVERHEAD);
        T_OK(aead_open(&key, buf_str(&box), aad, &out, &e), &e);
        T_TRUE(str_eq(buf_str(&out), str_n(plain, n)));
        T_OK(aead_open_secret(&key, buf_str(&box), aad, &secret, &e), &e);
        T_TRUE(str_eq(str_n(secret.p, secret.len), str_n(plain, n)));
    }
}

TEST(aead_never_uses_a_nonce_twice)
{
    auto_secret struct secret key = SECRET_INIT;
    auto_buf struct buf a = BUF_INIT(100);
    auto_buf struct buf b = BUF_INIT(100);

    T_INT_EQ(secret_random(AEAD_KEY_BYTES, &key, NULL), 0);
    T_INT_EQ(aead_seal(&key, STR("same"), STR(""), &a, NULL), 0);
    T_INT_EQ(aead_seal(&key, STR("same"), STR(""), &b, NULL), 0);
    T_TRUE(memcmp(a.p, b.p, AEAD_NONCE_BYTES) != 0);
    T_TRUE(memcmp(a.p + AEAD_NONCE_BYTES, b.p + AEAD_NONCE_BYTES, 4) != 0);
}

TEST(aead_sees_every_changed_bit)
{
    auto_secret struct secret key = SECRET_INIT, out_secret = SECRET_INIT;
    auto_buf struct buf box = BUF_INIT(100);
    struct err e = ERR_INIT;

    T_OK(secret_random(AEAD_KEY_BYTES, &key, &e), &e);
    T_OK(aead_seal(&key, STR("attack at dawn"), STR("path"), &box, &e), &e);
    for (size_t bit = 0; bit < box.len * 8; bit++) {
        auto_buf struct buf out = BUF_INIT(100);

        box.p[bit / 8] = (char)(box.p[bit / 8] ^ 1 << bit % 8);
        buf_puts(&out, "before");
        T_INT_EQ(aead_open(&key, buf_str(&box), STR("path"), &out, &e), ERR_CORRUPT);
        T_STRN_EQ(buf_str(&out), STR("before"));
        box.p[bit / 8] = (char)(box.p[bit / 8] ^ 1 << bit % 8);
    }
    T_INT_EQ(aead_open_secret(&key, buf_str(&box), STR("patH"), &out_secret, &e), ERR_CORRUPT);
    T_TRUE(out_secret.p == NULL);
    key.p[31] ^= 1;
    T_INT_EQ(aead_open_secret(&key, buf_str(&box), STR("path"), &out_secret, &e), ERR_CORRUPT);
}

TEST(aead_refuses_what_does_not_fit)
{
    auto_secret struct secret key = SECRET_INIT, shorter = SECRET_INIT, got = SECRET_INIT;
    auto_buf struct buf box = BUF_INIT(50);
    auto_buf struct buf big = BUF_INIT(100000);
    auto_buf struct buf tight = BUF_INIT(4 + AEAD_OVERHEAD - 1);
    auto_buf struct buf small = BUF_INIT(3);
    static char plain[SECRET_MAX + 1];
    struct err e = ERR_INIT;

    T_OK(secret_random(AEAD_KEY_BYTES, &key, &e), &e);
    T_OK(secret_random(16, &shorter, &e), &e);
    T_INT_EQ(aead_seal(&shorter, STR("x"), STR(""), &box, &e), ERR_INVALID);
    T_INT_EQ(aead_seal(&key, STR("four"), STR(""), &tight, &e), ERR_TOOBIG);
    T_OK(aead_seal(&key, STR("four"), STR(""), &box, &e), &e);
    T_INT_EQ(aead_open(&key, buf_str(&box), STR(""), &small, &e), ERR_TOOBIG);
    T_INT_EQ(aead_open(&shorter, buf_str(&box), STR(""), &big, &e), ERR_INVALID);
    for (size_t n = 0; n < AEAD_OVERHEAD; n++)
        T_INT_EQ(aead_open(&key, str_upto(buf_str(&box), n), STR(""), &big, &e), ERR_CORRUPT);
    T_OK(aead_seal(&key, str_n(plain, sizeof plain), STR(""), &big, &e), &e);
    T_INT_EQ(aead_open_secret(&key, buf_str(&big), STR(""), &got, &e), ERR_TOOBIG);
}

static void seal_and_open(void *arg)
{
    const struct secret *key = arg;

    for (int i = 0; i < 500; i++) {
        auto_buf struct buf box = BUF_INIT(1000);
        auto_buf struct buf out = BUF_INIT(1000);
        uint8_t mac[HASH_MAX_BYTES];

        T_INT_EQ(aead_seal(key, STR("in a thread"), STR("a"), &box, NULL), 0);
        T_INT_EQ(aead_open(key, buf_str(&box), STR("a"), &out, NULL), 0);
        hmac_of(HASH_SHA256, key, buf_str(&out), mac);
    }
}

TEST(aead_works_in_many_threads_with_one_key)
{
    auto_secret struct secret key = SECRET_INIT;
    struct thread t[4] = {0};

    T_INT_EQ(secret_random(AEAD_KEY_BYTES, &key, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        T_INT_EQ(thread_start(&t[i], "sealing", seal_and_open, &key, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        thread_join(&t[i]);
}

TEST(crypto_eq_tells_equal_from_not)
{
    T_TRUE(crypto_eq("abc", "abc", 3));
    T_FALSE(crypto_eq("abc", "abd", 3));
    T_TRUE(crypto_eq("", "", 0));
    T_TRUE(crypto_str_eq(STR("abc"), STR("abc")));
    T_FALSE(crypto_str_eq(STR("abc"), STR("abcd")));
}
