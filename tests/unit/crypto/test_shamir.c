#include "c.h"
#include "crypto/shamir.h"

enum { MANY = 8 };

static void done(struct secret *shares, size_t n)
{
    for (size_t i = 0; i < n; i++)
        secret_done(&shares[i]);
}

/* "serai" under the polynomials s + (0x11 i + 3) x + (0xf0 ^ i) x^2, reckoned by hand with
 * another multiplication: whoever changes the field or the share's form hears of it here. */
TEST(shamir_combines_known_shares)
{
    static const char *const hex[] = {"8080a5a4da01", "98a4ddec1a02", "8fc980942753",
                                      "fb5c3a49c3ff"};

    for (size_t skip = 0; skip < 4; skip++) {
        struct secret shares[4];
        auto_secret struct secret got = SECRET_INIT;
        struct err e = ERR_INIT;
        size_t n = 0;

        for (size_t i = 0; i < 4; i++)
            if (i != skip)
                shares[n++] = secret_of(unhex(hex[i]));
        T_OK(shamir_combine(shares, n, &got, &e), &e);
        T_STRN_EQ(str_n(got.p, got.len), STR("serai"));
        done(shares, n);
    }
}

/* Every subset of every split of up to MANY shares: it opens exactly if it is large enough. */
TEST(shamir_needs_the_threshold_and_no_particular_shares)
{
    auto_secret struct secret s = SECRET_INIT;
    struct err e = ERR_INIT;

    T_OK(secret_random(16, &s, &e), &e);
    for (size_t n = 2; n <= MANY; n++) {
        for (size_t t = 2; t <= n; t++) {
            struct secret all[MANY];

            T_OK(shamir_split(&s, n, t, all, &e), &e);
            for (unsigned set = 0; set < 1u << n; set++) {
                auto_secret struct secret got = SECRET_INIT;
                struct secret some[MANY];
                size_t k = 0;

                for (size_t i = 0; i < n; i++)
                    if (set & 1u << i)
                        some[k++] = all[i];
                if (k < 2)
                    continue;
                T_OK(shamir_combine(some, k, &got, &e), &e);
                T_INT_EQ(secret_eq(&got, &s), k >= t);
            }
            done(all, n);
        }
    }
}

TEST(shamir_shares_have_vaults_form)
{
    auto_secret struct secret s = SECRET_INIT;
    static struct secret all[SHAMIR_SHARES_MAX];
    bool seen[256] = {false};

    T_INT_EQ(secret_random(32, &s, NULL), 0);
    T_INT_EQ(shamir_split(&s, SHAMIR_SHARES_MAX, SHAMIR_SHARES_MAX, all, NULL), 0);
    for (size_t i = 0; i < SHAMIR_SHARES_MAX; i++) {
        uint8_t x = all[i].p[32];

        T_INT_EQ(all[i].len, 33);
        T_TRUE(x != 0 && !seen[x]);
        seen[x] = true;
    }
    auto_secret struct secret got = SECRET_INIT;

    T_INT_EQ(shamir_combine(all, SHAMIR_SHARES_MAX, &got, NULL), 0);
    T_TRUE(secret_eq(&got, &s));
    done(all, SHAMIR_SHARES_MAX);
}

TEST(shamir_wrong_share_gives_another_secret)
{
    auto_secret struct secret s = SECRET_INIT, got = SECRET_INIT;
    struct secret all[5];

    T_INT_EQ(secret_random(32, &s, NULL), 0);
    T_INT_EQ(shamir_split(&s, 5, 3, all, NULL), 0);
    all[1].p[7] ^= 0x20;
    T_INT_EQ(shamir_combine(all, 3, &got, NULL), 0);
    T_FALSE(secret_eq(&got, &s));
    T_INT_EQ(memcmp(got.p, s.p, 7), 0); /* only that byte */
    T_TRUE(got.p[7] != s.p[7]);
    done(all, 5);
}

/* One share fewer than needed says nothing: each of its bytes is uniform whatever the secret.
 * Chi-square with 255 degrees of freedom; 400 comes by chance once in some 10^8 runs. */
TEST(shamir_shares_below_the_threshold_are_noise)
{
    enum { ROUNDS = 256 * 40, LEN = 4 };
    auto_secret struct secret s = SECRET_INIT;
    unsigned count[256] = {0};
    double chi = 0, want = ROUNDS * LEN / 256.0;

    T_INT_EQ(secret_alloc(LEN, &s, NULL), 0); /* all zeros */
    for (int i = 0; i < ROUNDS; i++) {
        struct secret all[2];

        T_INT_EQ(shamir_split(&s, 2, 2, all, NULL), 0);
        for (size_t b = 0; b < LEN; b++)
            count[all[0].p[b]]++;
        done(all, 2);
    }
    for (int v = 0; v < 256; v++)
        chi += (count[v] - want) * (count[v] - want) / want;
    T_TRUE(chi < 400);
}

TEST(shamir_split_refuses_impossible_numbers)
{
    static const struct {
        const char *label;
        size_t len, shares, threshold;
        int want;
        const char *msg;
    } rows[] = {
        {"empty", 0, 5, 3, ERR_INVALID, "empty secret"},
        {"one of one", 8, 1, 1, ERR_INVALID, "threshold must be at least 2"},
        {"threshold above shares", 8, 2, 3, ERR_INVALID, "parts cannot be less than threshold"},
        {"too many shares", 8, 256, 3, ERR_INVALID, "parts cannot exceed 255"},
        {"largest", SHAMIR_SECRET_MAX, 2, 2, 0, ""},
        {"too large", SHAMIR_SECRET_MAX + 1, 2, 2, ERR_TOOBIG, "4096"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        static struct secret all[256];
        auto_secret struct secret s = SECRET_INIT;
        struct err e = ERR_INIT;

        T_INT_EQ(secret_alloc(rows[i].len, &s, NULL), 0);
        T_INT_EQ(shamir_split(&s, rows[i].shares, rows[i].threshold, all, &e), rows[i].want);
        T_STR_HAS(e.msg, rows[i].msg);
        if (rows[i].want == 0)
            done(all, rows[i].shares);
    }
}

TEST(shamir_combine_refuses_what_are_no_shares)
{
    static const struct {
        const char *label, *a, *b;
        size_t n;
        const char *msg;
    } rows[] = {
        {"one only", "0102", "0203", 1, "less than two parts"},
        {"too short", "01", "02", 2, "at least two bytes"},
        {"different lengths", "010203", "0102", 2, "same length"},
        {"twice the same", "0102", "0302", 2, "duplicate part"},
        {"point zero", "0102", "0300", 2, "ends in zero"},
    };
    struct secret many[SHAMIR_SHARES_MAX + 1] = {0};
    struct secret got = SECRET_INIT;
    struct err e = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        struct secret shares[2] = {secret_of(unhex(rows[i].a)), secret_of(unhex(rows[i].b))};

        T_INT_EQ(shamir_combine(shares, rows[i].n, &got, &e), ERR_INVALID);
        T_STR_HAS(e.msg, rows[i].msg);
        T_TRUE(got.p == NULL);
        done(shares, 2);
    }
    T_ROW("too many");
    T_INT_EQ(shamir_combine(many, ARRAY_LEN(many), &got, &e), ERR_INVALID);
    T_ROW("too long");
    T_INT_EQ(secret_alloc(SHAMIR_SECRET_MAX + 2, &many[0], NULL), 0);
    T_INT_EQ(shamir_combine(many, 2, &got, &e), ERR_TOOBIG);
    secret_done(&many[0]);
}
