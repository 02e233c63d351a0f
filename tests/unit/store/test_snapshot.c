#include "store_t.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int temp_file(void)
{
    int fd = memfd_create("snapshot", MFD_CLOEXEC);

    T_TRUE(fd >= 0);
    return fd;
}

static void fill(struct store *s, int records)
{
    auto_free char *big = malloc(300000);
    struct err e = ERR_INIT;
    struct txn *t;
    char key[32];

    memset(big, 'x', 300000);
    T_OK(store_register_prefix(s, STR("t/"), &e), &e);
    T_OK(store_register_prefix(s, STR("u/"), &e), &e);
    st_put(s, "t/first", "1");
    st_put(s, "u/gone", "2");
    st_del(s, "u/gone");
    t = st_begin(s, 0);
    for (int i = 0; i < records; i++) {
        snprintf(key, sizeof key, "t/%d", i);
        T_OK(txn_put(t, str_of(key), str_of(key), &e), &e);
    }
    T_OK(txn_put(t, STR("v"), str_n(big, 300000), &e), &e);
    T_OK(txn_put(t, STR("w"), STR(""), &e), &e);
    T_OK(txn_commit_wait(t, NULL, &e), &e);
    st_put(s, "t/first", "changed");
}

static void expect_same(struct store *a, struct store *b)
{
    auto_txn struct txn *ta = st_begin(a, TXN_READ_ONLY);
    auto_txn struct txn *tb = st_begin(b, TXN_READ_ONLY);
    struct scan ia, ib;
    struct record ra, rb;
    struct err e = ERR_INIT;
    int r;

    T_OK(scan_begin(ta, &ia, STR(""), 0, &e), &e);
    T_OK(scan_begin(tb, &ib, STR(""), 0, &e), &e);
    while ((r = scan_next(&ia, &ra, &e)) > 0) {
        T_INT_EQ(scan_next(&ib, &rb, &e), 1);
        T_STRN_EQ(rb.key, ra.key);
        T_TRUE(str_eq(rb.value, ra.value));
        T_INT_EQ(rb.create_rev, ra.create_rev);
        T_INT_EQ(rb.mod_rev, ra.mod_rev);
    }
    T_INT_EQ(scan_next(&ib, &rb, &e), 0);
    T_INT_EQ(txn_prefix_rev(tb, STR("t/")), txn_prefix_rev(ta, STR("t/")));
    T_INT_EQ(txn_prefix_rev(tb, STR("u/")), txn_prefix_rev(ta, STR("u/")));
}

TEST(a_restored_store_is_the_same_and_goes_on_where_it_was)
{
    auto_store struct store *a = st_memory();
    struct store *b = st_open(st_dir("restored"), 0);
    auto_fd int fd = temp_file();
    struct err e = ERR_INIT;
    uint64_t rev = 0;

    fill(a, 9000);
    T_OK(store_snapshot_write(a, fd, &rev, &e), &e);
    T_INT_EQ(rev, store_rev(a));
    lseek(fd, 0, SEEK_SET);
    T_OK(store_register_prefix(b, STR("t/"), &e), &e);
    struct txn *before = st_begin(b, 0);
    struct record rec;
    txn_get(before, STR("t/first"), &rec, NULL);
    T_OK(txn_put(before, STR("x"), STR("x"), &e), &e);
    struct txn *parked = before; /* it must not be open while the store is replaced */
    txn_drop(parked);
    T_OK(store_snapshot_restore(b, fd, &e), &e);
    T_INT_EQ(store_rev(b), rev);
    expect_same(a, b);
    T_INT_EQ(st_put(b, "t/new", "1"), rev + 1);
    T_INT_EQ(store_snapshot_restore(b, fd, &e), ERR_EXISTS);
    store_close(b);
    b = st_open(st_dir("restored"), 0);
    T_INT_EQ(store_rev(b), rev + 1);
    T_STR_EQ(st_get(b, "t/first"), "changed");
    store_close(b);
}

/* What a stream is damaged by, and that the store is empty and usable afterwards. */
TEST(a_damaged_snapshot_is_refused_whole)
{
    static const struct {
        const char *label;
        off_t cut, flip; /* from the end if negative, 0: not */
        const char *says;
    } rows[] = {
        {"empty", 1, 0, "ends early"},
        {"another file", 0, 2, "does not begin like one"},
        {"cut off in the last item", -3, 0, "ends early"},
        {"cut off before it", -40, 0, "ends early"},
        {"a bit of the last value", 0, -60, NULL},
        {"a bit of the checksum", 0, -1, "checksum"},
    };
    auto_store struct store *a = st_memory();
    struct err e = ERR_INIT;

    fill(a, 9000);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_store struct store *b = st_memory();
        auto_fd int fd = temp_file();
        off_t size;

        T_ROW(rows[i].label);
        T_OK(store_snapshot_write(a, fd, NULL, &e), &e);
        size = lseek(fd, 0, SEEK_END);
        if (rows[i].cut)
            T_INT_EQ(ftruncate(fd, rows[i].cut > 0 ? rows[i].cut : size + rows[i].cut), 0);
        if (rows[i].flip) {
            off_t at = rows[i].flip > 0 ? rows[i].flip : size + rows[i].flip;
            char c;

            T_INT_EQ(pread(fd, &c, 1, at), 1);
            c = (char)(c ^ 4);
            T_INT_EQ(pwrite(fd, &c, 1, at), 1);
        }
        lseek(fd, 0, SEEK_SET);
        T_INT_EQ(store_snapshot_restore(b, fd, &e), ERR_CORRUPT);
        if (rows[i].says)
            T_STR_HAS(e.msg, rows[i].says);
        T_INT_EQ(store_rev(b), 0);
        T_INT_EQ(st_put(b, "a", "1"), 1);
        auto_txn struct txn *t = st_begin(b, TXN_READ_ONLY);
        T_STR_EQ(st_keys(t, "", 0), "a");
    }
}
