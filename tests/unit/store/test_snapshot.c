#include "store_t.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

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
        auto_fd int fd = temp_file(), dirfd = -1;
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

TEST(a_staged_snapshot_replaces_the_store_at_its_next_open)
{
    const char *dir = st_dir("staged");
    auto_store struct store *a = st_memory();
    struct store *b = st_open(dir, 0);
    auto_buf struct buf text = BUF_INIT(64 << 20);
    auto_fd int fd = temp_file();
    struct err e = ERR_INIT;
    uint64_t rev_a = 0, rev_b;

    fill(a, 100);
    T_OK(store_snapshot_write(a, fd, &rev_a, &e), &e);
    lseek(fd, 0, SEEK_SET);
    T_OK(fd_read_all(fd, &text, &e), &e);
    T_OK(store_register_prefix(b, STR("v/"), &e), &e);
    for (size_t i = 0; i < 500; i++)
        rev_b = st_put(b, "v/only here", "1");
    T_INT_EQ(store_snapshot_stage(a, buf_str(&text), &e), ERR_UNSUPPORTED);
    T_INT_EQ(store_snapshot_stage(b, str_upto(buf_str(&text), text.len - 1), &e), ERR_CORRUPT);
    T_OK(store_snapshot_stage(b, buf_str(&text), &e), &e);
    T_STR_EQ(st_get(b, "v/only here"), "1"); /* not before it is opened again */
    store_close(b);

    b = st_open(dir, 0);
    T_STR_EQ(st_get(b, "t/first"), "changed");
    T_TRUE(store_rev(b) > rev_a && store_rev(b) > rev_b);
    {
        auto_txn struct txn *t = st_begin(b, TXN_READ_ONLY);
        struct record rec;

        T_INT_EQ(txn_get(t, STR("v/only here"), &rec, &e), ERR_NOTFOUND);
        T_INT_EQ(txn_prefix_rev(t, STR("v/")), store_rev(b)); /* who waits hears of it */
        T_INT_EQ(txn_prefix_rev(t, STR("t/")), store_rev(b));
    }
    store_close(b);
    b = st_open(dir, 0); /* once only */
    T_STR_EQ(st_get(b, "t/first"), "changed");
    store_close(b);
}

static void while_loaded(int dirfd)
{
    T_INT_EQ(mkdirat(dirfd, "restoring", 0700), 0);
    T_INT_EQ(path_write_atomic(dirfd, "restoring/data.mdb", STR("x"), 0600, NULL), 0);
}

static void between_renames(int dirfd)
{
    T_INT_EQ(renameat(dirfd, "data.mdb", dirfd, STORE_BEFORE_RESTORE), 0);
}

static void before_end(int dirfd)
{
    T_INT_EQ(linkat(dirfd, "data.mdb", dirfd, STORE_BEFORE_RESTORE, 0), 0);
}

static void while_staged(int dirfd)
{
    T_INT_EQ(path_write_atomic(dirfd, STORE_STAGED ".part", STR("x"), 0600, NULL), 0);
}

/* Each place where a restore may have been cut off: the next open brings it to its end. */
TEST(a_restore_that_was_cut_off_is_brought_to_its_end)
{
    static const struct {
        const char *label;
        void (*cut)(int dirfd);
    } rows[] = {
        {"while it was loaded", while_loaded},
        {"between the two renames", between_renames},
        {"before the staged file went", before_end},
        {"while it was staged", while_staged},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *dir = st_dir(rows[i].label);
        auto_store struct store *a = st_memory();
        struct store *b = st_open(dir, 0);
        auto_buf struct buf text = BUF_INIT(64 << 20);
        auto_fd int fd = temp_file(), dirfd = -1;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        fill(a, 100);
        T_OK(store_snapshot_write(a, fd, NULL, &e), &e);
        lseek(fd, 0, SEEK_SET);
        T_OK(fd_read_all(fd, &text, &e), &e);
        st_put(b, "old", "1");
        T_OK(store_snapshot_stage(b, buf_str(&text), &e), &e);
        store_close(b);
        dirfd = path_open_dir(dir, &e);
        rows[i].cut(dirfd);
        b = st_open(dir, 0);
        T_STR_EQ(st_get(b, "t/first"), "changed");
        store_close(b);
    }
    T_ROW("");
}

static void count(void *arg, const struct record *rec)
{
    T_TRUE(rec->key.len > 0);
    ++*(size_t *)arg;
}

TEST(a_snapshot_is_read_without_a_store)
{
    auto_store struct store *a = st_memory();
    auto_fd int fd = temp_file();
    struct err e = ERR_INIT;
    uint64_t rev = 0;
    size_t n = 0;

    fill(a, 100);
    T_OK(store_snapshot_write(a, fd, NULL, &e), &e);
    lseek(fd, 0, SEEK_SET);
    T_OK(store_snapshot_read(fd, count, &n, &rev, &e), &e);
    T_INT_EQ(rev, store_rev(a));
    T_INT_EQ(n, 103);
}
