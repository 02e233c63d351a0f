#include "t.h"

#include <stdio.h>

#include "base/err.h"
#include "store/store.h"

static struct store *open_memory(void)
{
    struct store_opts opts = {0};
    struct store *s = NULL;
    struct err e = ERR_INIT;

    T_OK(store_open(&opts, &s, &e), &e);
    return s;
}

static struct txn *begin(struct store *s, unsigned flags)
{
    struct txn *t = NULL;
    struct err e = ERR_INIT;

    T_OK(txn_begin(s, flags, &t, &e), &e);
    return t;
}

static uint64_t put(struct store *s, const char *key, const char *value)
{
    struct txn *t = begin(s, 0);
    struct err e = ERR_INIT;
    uint64_t rev = 0;

    T_OK(txn_put(t, str_of(key), str_of(value), &e), &e);
    T_OK(txn_commit_wait(t, &rev, &e), &e);
    return rev;
}

static uint64_t del(struct store *s, const char *key)
{
    struct txn *t = begin(s, 0);
    struct err e = ERR_INIT;
    uint64_t rev = 0;

    T_OK(txn_del(t, str_of(key), &e), &e);
    T_OK(txn_commit_wait(t, &rev, &e), &e);
    return rev;
}

TEST(a_commit_is_read_back_with_its_revisions)
{
    auto_store struct store *s = open_memory();
    struct record rec;
    struct err e = ERR_INIT;
    uint64_t first = put(s, "a", "1"), second;

    T_INT_EQ(first, 1);
    T_INT_EQ(put(s, "b", "x"), 2);
    second = put(s, "a", "2");
    T_INT_EQ(second, 3);
    T_INT_EQ(store_rev(s), 3);

    auto_txn struct txn *t = begin(s, TXN_READ_ONLY);
    T_INT_EQ(txn_rev(t), 3);
    T_OK(txn_get(t, STR("a"), &rec, &e), &e);
    T_STRN_EQ(rec.value, STR("2"));
    T_INT_EQ(rec.create_rev, 1);
    T_INT_EQ(rec.mod_rev, 3);
    T_INT_EQ(txn_get(t, STR("c"), &rec, &e), ERR_NOTFOUND);
}

TEST(a_transaction_keeps_its_snapshot_and_sees_its_own_writes)
{
    auto_store struct store *s = open_memory();
    struct record rec;
    struct err e = ERR_INIT;

    put(s, "a", "old");
    auto_txn struct txn *t = begin(s, 0);
    put(s, "a", "new");
    put(s, "z", "new");
    T_OK(txn_peek(t, STR("a"), &rec, &e), &e);
    T_STRN_EQ(rec.value, STR("old"));
    T_INT_EQ(txn_peek(t, STR("z"), &rec, &e), ERR_NOTFOUND);
    T_OK(txn_put(t, STR("a"), STR("mine"), &e), &e);
    T_OK(txn_get(t, STR("a"), &rec, &e), &e);
    T_STRN_EQ(rec.value, STR("mine"));
    T_OK(txn_del(t, STR("a"), &e), &e);
    T_INT_EQ(txn_get(t, STR("a"), &rec, &e), ERR_NOTFOUND);
    T_TRUE(txn_has_writes(t));
}

/* What one transaction reads, what another changes meanwhile, and whether that is a conflict.
 */
TEST(commit_fails_exactly_when_something_read_has_changed)
{
    enum how { GET, PEEK, SCAN, SCAN_KEYS, SCAN_TWO, SEEK, REVERSE_ONE, OWN };
    static const struct {
        const char *label;
        enum how how;
        const char *read, *change;
        bool delete;
        int want;
    } rows[] = {
        {"the key itself", GET, "k/b", "k/b", false, ERR_CONFLICT},
        {"the key deleted", GET, "k/b", "k/b", true, ERR_CONFLICT},
        {"another key", GET, "k/b", "k/c", false, 0},
        {"an absent key that comes", GET, "k/x", "k/x", false, ERR_CONFLICT},
        {"an absent key deleted", GET, "k/x", "k/x", true, 0},
        {"peeked only", PEEK, "k/b", "k/b", false, 0},
        {"own write read back", OWN, "k/b", "k/b", false, 0},
        {"changed in the range", SCAN, "k/", "k/b", false, ERR_CONFLICT},
        {"a phantom in the range", SCAN, "k/", "k/bb", false, ERR_CONFLICT},
        {"a phantom behind the last", SCAN, "k/", "k/zz", false, ERR_CONFLICT},
        {"gone from the range", SCAN, "k/", "k/c", true, ERR_CONFLICT},
        {"outside of the range", SCAN, "k/", "l", false, 0},
        {"before the range", SCAN, "k/", "k", false, 0},
        {"an empty range that fills", SCAN, "m/", "m/1", false, ERR_CONFLICT},
        {"keys only, value changed", SCAN_KEYS, "k/", "k/b", false, 0},
        {"keys only, a phantom", SCAN_KEYS, "k/", "k/bb", false, ERR_CONFLICT},
        {"keys only, gone", SCAN_KEYS, "k/", "k/b", true, ERR_CONFLICT},
        {"walked two, third changed", SCAN_TWO, "k/", "k/c", false, 0},
        {"walked two, second changed", SCAN_TWO, "k/", "k/b", false, ERR_CONFLICT},
        {"walked two, a phantom between", SCAN_TWO, "k/", "k/ab", false, ERR_CONFLICT},
        {"sought past the change", SEEK, "k/", "k/a", false, 0},
        {"sought, then changed", SEEK, "k/", "k/b", false, ERR_CONFLICT},
        {"last one only, first changed", REVERSE_ONE, "k/", "k/a", false, 0},
        {"last one only, it changed", REVERSE_ONE, "k/", "k/c", false, ERR_CONFLICT},
        {"last one only, a later one comes", REVERSE_ONE, "k/", "k/d", false, ERR_CONFLICT},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_store struct store *s = open_memory();
        struct err e = ERR_INIT;
        struct record rec;
        struct scan it;
        int r;

        T_ROW(rows[i].label);
        put(s, "k/a", "1");
        put(s, "k/b", "2");
        put(s, "k/c", "3");
        struct txn *t = begin(s, 0);
        struct str read = str_of(rows[i].read);
        unsigned flags = rows[i].how == SCAN_KEYS     ? SCAN_KEYS_ONLY
                         : rows[i].how == REVERSE_ONE ? SCAN_REVERSE
                                                      : 0;

        switch (rows[i].how) {
        case OWN:
            T_OK(txn_put(t, read, STR("mine"), &e), &e);
            /* fallthrough */
        case GET:
            txn_get(t, read, &rec, &e);
            break;
        case PEEK:
            txn_peek(t, read, &rec, &e);
            break;
        default:
            T_OK(scan_begin(t, &it, read, flags, &e), &e);
            if (rows[i].how == SEEK)
                T_OK(scan_seek(&it, STR("k/b"), &e), &e);
            for (int n = 0; (r = scan_next(&it, &rec, &e)) > 0;)
                if ((++n == 2 && rows[i].how == SCAN_TWO) || rows[i].how == REVERSE_ONE)
                    break;
            scan_end(&it);
        }
        T_OK(txn_put(t, STR("result"), STR("x"), &e), &e);
        if (rows[i].delete)
            del(s, rows[i].change);
        else
            put(s, rows[i].change, "changed");
        T_INT_EQ(txn_commit_wait(t, NULL, &e), rows[i].want);
        t = begin(s, TXN_READ_ONLY);
        T_INT_EQ(txn_get(t, STR("result"), &rec, NULL), rows[i].want ? ERR_NOTFOUND : 0);
        txn_drop(t);
    }
}
