#include "store_t.h"

TEST(a_commit_is_read_back_with_its_revisions)
{
    auto_store struct store *s = st_memory();
    struct record rec;
    struct err e = ERR_INIT;
    uint64_t first = st_put(s, "a", "1"), second;

    T_INT_EQ(first, 1);
    T_INT_EQ(st_put(s, "b", "x"), 2);
    second = st_put(s, "a", "2");
    T_INT_EQ(second, 3);
    T_INT_EQ(store_rev(s), 3);

    auto_txn struct txn *t = st_begin(s, TXN_READ_ONLY);
    T_INT_EQ(txn_rev(t), 3);
    T_OK(txn_get(t, STR("a"), &rec, &e), &e);
    T_STRN_EQ(rec.value, STR("2"));
    T_INT_EQ(rec.create_rev, 1);
    T_INT_EQ(rec.mod_rev, 3);
    T_INT_EQ(txn_get(t, STR("c"), &rec, &e), ERR_NOTFOUND);
}

TEST(a_transaction_keeps_its_snapshot_and_sees_its_own_writes)
{
    auto_store struct store *s = st_memory();
    struct record rec;
    struct err e = ERR_INIT;

    st_put(s, "a", "old");
    auto_txn struct txn *t = st_begin(s, 0);
    st_put(s, "a", "new");
    st_put(s, "z", "new");
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
        auto_store struct store *s = st_memory();
        struct err e = ERR_INIT;
        struct record rec;
        struct scan it;
        int r;

        T_ROW(rows[i].label);
        st_put(s, "k/a", "1");
        st_put(s, "k/b", "2");
        st_put(s, "k/c", "3");
        struct txn *t = st_begin(s, 0);
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
            st_del(s, rows[i].change);
        else
            st_put(s, rows[i].change, "changed");
        T_INT_EQ(txn_commit_wait(t, NULL, &e), rows[i].want);
        t = st_begin(s, TXN_READ_ONLY);
        T_INT_EQ(txn_get(t, STR("result"), &rec, NULL), rows[i].want ? ERR_NOTFOUND : 0);
        txn_drop(t);
    }
}

TEST(what_is_too_large_is_refused_with_its_limit)
{
    static char big[STORE_KEY_MAX + 2];
    auto_store struct store *s = st_memory();
    auto_free char *value = calloc(1, STORE_VALUE_MAX + 1);
    auto_txn struct txn *t = st_begin(s, 0);
    struct err e = ERR_INIT;
    struct record rec;
    struct key k;

    memset(big, 'k', sizeof big - 1);
    T_OK(txn_put(t, str_n(big, STORE_KEY_MAX), STR("v"), &e), &e);
    T_INT_EQ(txn_put(t, str_n(big, STORE_KEY_MAX + 1), STR("v"), &e), ERR_TOOBIG);
    T_STR_HAS(e.msg, "480");
    T_INT_EQ(txn_get(t, str_n(big, STORE_KEY_MAX + 1), &rec, &e), ERR_TOOBIG);
    T_INT_EQ(txn_put(t, STR(""), STR("v"), &e), ERR_INVALID);
    T_OK(txn_put(t, STR("v"), str_n(value, STORE_VALUE_MAX), &e), &e);
    T_INT_EQ(txn_put(t, STR("v"), str_n(value, STORE_VALUE_MAX + 1), &e), ERR_TOOBIG);
    key_init(&k, "t");
    key_add(&k, str_n("a\0b", 3));
    T_INT_EQ(txn_put(t, key_str(&k), STR("v"), &e), ERR_TOOBIG);
    for (int i = 0; i < 8; i++)
        txn_put(t, STR("v"), str_n(value, STORE_VALUE_MAX), &e);
    T_INT_EQ(txn_put(t, STR("v"), str_n(value, STORE_VALUE_MAX), &e), ERR_TOOBIG);
}

TEST(a_transaction_has_a_maximum_of_writes_and_commits_that_many)
{
    auto_store struct store *s = st_memory();
    struct txn *t = st_begin(s, 0);
    struct err e = ERR_INIT;
    char key[32];

    for (int i = 0; i < STORE_TXN_OPS_MAX; i++) {
        snprintf(key, sizeof key, "k%d", i);
        T_OK(txn_put(t, str_of(key), STR("v"), &e), &e);
    }
    T_INT_EQ(txn_put(t, STR("one more"), STR("v"), &e), ERR_TOOBIG);
    T_OK(txn_commit_wait(t, NULL, &e), &e);
    T_STR_EQ(st_get(s, "k99999"), "v");
}

/* More changes than history keeps: it cannot be told any more, so it is a conflict. */
TEST(a_snapshot_older_than_history_conflicts)
{
    auto_store struct store *s = st_memory();
    struct txn *old = st_begin(s, 0), *blind = st_begin(s, 0), *t;
    struct err e = ERR_INIT;
    struct record rec;
    char key[32];

    T_INT_EQ(txn_get(old, STR("a"), &rec, &e), ERR_NOTFOUND);
    T_OK(txn_put(old, STR("b"), STR("x"), &e), &e);
    T_OK(txn_put(blind, STR("c"), STR("x"), &e), &e);
    t = st_begin(s, 0);
    for (int i = 0; i < STORE_HISTORY_MAX + 10; i++) {
        snprintf(key, sizeof key, "k%d", i);
        T_OK(txn_put(t, str_of(key), STR("v"), &e), &e);
    }
    T_OK(txn_commit_wait(t, NULL, &e), &e);
    T_INT_EQ(txn_commit_wait(old, NULL, &e), ERR_CONFLICT);
    T_OK(txn_commit_wait(blind, NULL, &e), &e);
}

TEST(too_many_open_transactions_are_refused)
{
    static struct txn *open[2000];
    auto_store struct store *s = st_memory();
    struct err e = ERR_INIT;
    size_t n = 0;
    int r;

    while ((r = txn_begin(s, TXN_READ_ONLY, &open[n], &e)) == 0 && n < 1999)
        n++;
    T_INT_EQ(r, ERR_LIMIT);
    T_INT_EQ(n, 1024);
    while (n > 0)
        txn_drop(open[--n]);
    txn_drop(st_begin(s, 0));
}

TEST(a_deleted_and_recreated_record_has_a_new_create_rev)
{
    auto_store struct store *s = st_memory();
    struct err e = ERR_INIT;
    struct record rec;

    st_put(s, "a", "1");
    st_del(s, "a");
    T_STR_EQ(st_get(s, "a"), "-");
    st_put(s, "a", "2");
    auto_txn struct txn *t = st_begin(s, TXN_READ_ONLY);
    T_OK(txn_get(t, STR("a"), &rec, &e), &e);
    T_INT_EQ(rec.create_rev, 3);
}

TEST(records_and_revisions_survive_a_restart)
{
    struct store *s = st_open(st_dir("restart"), 0);
    struct err e = ERR_INIT;

    T_OK(store_register_prefix(s, STR("t/"), &e), &e);
    st_put(s, "t/a", "1");
    st_put(s, "u/a", "2");
    store_close(s);
    s = st_open(st_dir("restart"), 0);
    T_INT_EQ(store_rev(s), 2);
    T_STR_EQ(st_get(s, "u/a"), "2");
    T_OK(store_register_prefix(s, STR("t/"), &e), &e);
    struct txn *t = st_begin(s, TXN_READ_ONLY);
    T_INT_EQ(txn_prefix_rev(t, STR("t/")), 1);
    txn_drop(t);
    T_INT_EQ(st_put(s, "t/b", "3"), 3);
    t = st_begin(s, TXN_READ_ONLY);
    T_INT_EQ(txn_prefix_rev(t, STR("t/")), 3);
    txn_drop(t);
    store_close(s);
}

TEST(a_prefix_revision_belongs_to_the_snapshot)
{
    auto_store struct store *s = st_memory();
    struct err e = ERR_INIT;

    T_OK(store_register_prefix(s, STR("t/"), &e), &e);
    st_put(s, "t/a", "1");
    auto_txn struct txn *before = st_begin(s, TXN_READ_ONLY);
    st_put(s, "t/a", "2");
    st_put(s, "x", "2");
    auto_txn struct txn *after = st_begin(s, TXN_READ_ONLY);
    T_INT_EQ(txn_prefix_rev(before, STR("t/")), 1);
    T_INT_EQ(txn_prefix_rev(after, STR("t/")), 2);
    T_INT_EQ(txn_prefix_rev(after, STR("nobody/")), 0);
}

TEST(one_process_at_a_time_has_a_directory)
{
    auto_store struct store *s = st_open(st_dir("locked"), 0);
    struct store_opts again = {.dir = st_dir("locked")};
    struct store *second = NULL;
    struct err e = ERR_INIT;

    T_INT_EQ(store_open(&again, &second, &e), ERR_EXISTS);
    T_STR_HAS(e.msg, "another process has it open");
}

static int bump(struct txn *t, void *arg, struct err *e)
{
    struct store *s = txn_store(t);
    struct record rec;
    int *runs = arg;

    txn_get(t, STR("n"), &rec, NULL);
    if (++*runs < 3)
        st_put(s, "n", "somebody else");
    return txn_put(t, STR("n"), STR("mine"), e);
}

TEST(run_repeats_until_there_is_no_conflict_but_not_for_ever)
{
    auto_store struct store *s = st_memory();
    struct err e = ERR_INIT;
    int runs = 0;

    T_OK(store_run(s, bump, &runs, 0, NULL, &e), &e);
    T_INT_EQ(runs, 3);
    T_STR_EQ(st_get(s, "n"), "mine");
    runs = 0;
    T_INT_EQ(store_run(s, bump, &runs, 2, NULL, &e), ERR_CONFLICT);
    T_INT_EQ(runs, 2);
}
