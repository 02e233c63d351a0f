#include "store_t.h"

#include <stdlib.h>

TEST(scans_go_both_ways_and_see_own_writes)
{
    static const struct {
        const char *label, *prefix;
        unsigned flags;
        const char *want;
    } rows[] = {
        {"forward", "k/", 0, "k/a k/aa k/c k/e"},
        {"backward", "k/", SCAN_REVERSE, "k/e k/c k/aa k/a"},
        {"everything", "", 0, "j k/a k/aa k/c k/e l"},
        {"everything backward", "", SCAN_REVERSE, "l k/e k/c k/aa k/a j"},
        {"nothing", "m", 0, ""},
        {"nothing backward", "m", SCAN_REVERSE, ""},
        {"one whole key", "k/c", 0, "k/c"},
        {"deleted by us", "k/b", 0, ""},
        {"a last byte of 0xff", "\xff", SCAN_REVERSE, ""},
    };
    auto_store struct store *s = st_memory();
    struct err e = ERR_INIT;

    st_put(s, "j", "1");
    st_put(s, "k/a", "1");
    st_put(s, "k/b", "1");
    st_put(s, "k/c", "1");
    st_put(s, "l", "1");
    auto_txn struct txn *t = st_begin(s, 0);
    T_OK(txn_del(t, STR("k/b"), &e), &e);
    T_OK(txn_put(t, STR("k/aa"), STR("2"), &e), &e);
    T_OK(txn_put(t, STR("k/c"), STR("2"), &e), &e);
    T_OK(txn_put(t, STR("k/e"), STR("2"), &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        T_STR_EQ(st_keys(t, rows[i].prefix, rows[i].flags), rows[i].want);
    }
}

TEST(seek_moves_a_scan_in_both_directions)
{
    static const struct {
        const char *label, *to;
        unsigned flags;
        const char *want;
    } rows[] = {
        {"to a key", "k/b", 0, "k/b"},
        {"between keys", "k/aa", 0, "k/b"},
        {"before the prefix", "a", 0, "k/a"},
        {"behind the prefix", "z", 0, "-"},
        {"back to a key", "k/b", SCAN_REVERSE, "k/b"},
        {"back between keys", "k/bb", SCAN_REVERSE, "k/b"},
        {"back from behind", "z", SCAN_REVERSE, "k/c"},
        {"back before the prefix", "a", SCAN_REVERSE, "-"},
    };
    auto_store struct store *s = st_memory();
    struct err e = ERR_INIT;

    st_put(s, "k/a", "1");
    st_put(s, "k/c", "1");
    auto_txn struct txn *t = st_begin(s, 0);
    T_OK(txn_put(t, STR("k/b"), STR("own"), &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct record rec = {.key = STR("-")};
        struct scan it;

        T_ROW(rows[i].label);
        T_OK(scan_begin(t, &it, STR("k/"), rows[i].flags, &e), &e);
        T_OK(scan_next(&it, &rec, &e), &e);
        T_OK(scan_seek(&it, str_of(rows[i].to), &e), &e);
        rec.key = STR("-");
        T_OK(scan_next(&it, &rec, &e), &e);
        T_STRN_EQ(rec.key, str_of(rows[i].want));
        scan_end(&it);
    }
}

TEST(a_scan_survives_writes_of_its_own_transaction)
{
    auto_store struct store *s = st_memory();
    auto_txn struct txn *t = NULL;
    struct err e = ERR_INIT;
    struct record rec;
    struct scan it;
    char key[16];
    int n = 0, r;

    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof key, "k/%02d", i);
        st_put(s, key, "1");
    }
    t = st_begin(s, 0);
    T_OK(scan_begin(t, &it, STR("k/"), 0, &e), &e);
    while ((r = scan_next(&it, &rec, &e)) > 0) {
        n++;
        T_OK(txn_del(t, rec.key, &e), &e); /* behind us */
        if (n == 10) {
            T_OK(txn_put(t, STR("k/20a"), STR("new"), &e), &e); /* before us: seen */
            T_OK(txn_put(t, STR("k/01a"), STR("new"), &e), &e); /* behind us: not */
        }
    }
    scan_end(&it);
    T_INT_EQ(r, 0);
    T_INT_EQ(n, 51);
    T_STR_EQ(st_keys(t, "k/", 0), "k/01a");
}

/* Random writes, half of them committed, against a plain array. */
enum { KEYS = 64, ROUNDS = 300 };

struct model {
    int value[KEYS]; /* 0: absent */
};

static void key_of(char *to, size_t size, int i)
{
    snprintf(to, size, "m/%c%c", 'a' + i / 8, 'a' + i % 8);
}

static void check_scan(struct txn *t, const struct model *m, bool reverse)
{
    struct err e = ERR_INIT;
    struct record rec;
    struct scan it;
    char key[16], value[16];

    T_OK(scan_begin(t, &it, STR("m/"), reverse ? SCAN_REVERSE : 0, &e), &e);
    for (int n = 0; n < KEYS; n++) {
        int i = reverse ? KEYS - 1 - n : n;

        if (!m->value[i])
            continue;
        key_of(key, sizeof key, i);
        snprintf(value, sizeof value, "%d", m->value[i]);
        T_INT_EQ(scan_next(&it, &rec, &e), 1);
        T_STRN_EQ(rec.key, str_of(key));
        T_STRN_EQ(rec.value, str_of(value));
    }
    T_INT_EQ(scan_next(&it, &rec, &e), 0);
    scan_end(&it);
}

TEST(scans_agree_with_a_model_under_random_writes)
{
    auto_store struct store *s = st_memory();
    struct model committed = {0};
    struct err e = ERR_INIT;
    unsigned seed = 7;
    char key[16], value[16];

    for (int round = 0; round < ROUNDS; round++) {
        struct txn *t = st_begin(s, 0);
        struct model m = committed;
        int writes = rand_r(&seed) % 20;

        for (int w = 1; w <= writes; w++) {
            int i = rand_r(&seed) % KEYS;

            key_of(key, sizeof key, i);
            m.value[i] = rand_r(&seed) % 3 ? round * 100 + w : 0;
            snprintf(value, sizeof value, "%d", m.value[i]);
            if (m.value[i])
                T_OK(txn_put(t, str_of(key), str_of(value), &e), &e);
            else
                T_OK(txn_del(t, str_of(key), &e), &e);
        }
        check_scan(t, &m, false);
        check_scan(t, &m, true);
        if (rand_r(&seed) % 2) {
            T_OK(txn_commit_wait(t, NULL, &e), &e);
            committed = m;
        } else {
            txn_drop(t);
        }
    }
}
