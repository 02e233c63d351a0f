/* A disk that is full, broken or lost: ordinary errors, and everything goes on afterwards. */
#include "store_t.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "store/store_priv.h"

static int try_put(struct store *s, const char *key, struct str value, struct err *e)
{
    struct txn *t = st_begin(s, 0);

    T_OK(txn_put(t, str_of(key), value, e), e);
    return txn_commit_wait(t, NULL, e);
}

TEST(a_fault_fails_its_group_only)
{
    static const struct {
        const char *label;
        enum store_fault fault;
        int want;
        const char *says;
        bool applied;
    } rows[] = {
        {"disk full", FAULT_NOSPACE, ERR_NOSPACE, "no space left on the storage device", false},
        {"EIO", FAULT_IO, ERR_IO, "Input/output error", false},
        {"map full: grows and is run again", FAULT_MAP, 0, NULL, true},
        {"broken before it was applied", FAULT_BROKEN, ERR_IO, "Input/output error", false},
        {"broken, but it was applied", FAULT_UNSURE, 0, NULL, true},
    };

    for (int memory = 0; memory < 2; memory++) {
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            struct err e = ERR_INIT;
            struct store *s;
            char name[32];

            T_ROW(rows[i].label);
            snprintf(name, sizeof name, "fault%zu", i);
            s = memory ? st_memory() : st_open(st_dir(name), 16 << 20);
            T_OK(store_register_prefix(s, STR("t/"), &e), &e);
            st_put(s, "t/a", "before");
            struct watch *w = NULL;
            T_OK(watch_open(s, STR("t/"), 1, &w, &e), &e);

            store_test_fail_next(s, rows[i].fault);
            T_INT_EQ(try_put(s, "t/a", STR("during"), &e), rows[i].want);
            if (rows[i].want)
                T_STR_HAS(e.msg, rows[i].says);
            T_STR_EQ(st_get(s, "t/a"), rows[i].applied ? "during" : "before");
            T_INT_EQ(store_rev(s), rows[i].applied ? 2 : 1);
            struct txn *t = st_begin(s, TXN_READ_ONLY);
            T_INT_EQ(txn_rev(t), rows[i].applied ? 2 : 1);
            T_INT_EQ(txn_prefix_rev(t, STR("t/")), rows[i].applied ? 2 : 1);
            txn_drop(t);

            st_put(s, "t/a", "after");
            T_STR_EQ(st_get(s, "t/a"), "after");
            struct watch_event ev;
            if (rows[i].applied) {
                T_INT_EQ(watch_next(w, NULL, clock_mono_ms() + 1, &ev, &e), 1);
                T_STRN_EQ(ev.value, STR("during"));
            }
            T_INT_EQ(watch_next(w, NULL, clock_mono_ms() + T_PATIENCE_MS, &ev, &e), 1);
            T_STRN_EQ(ev.value, STR("after"));
            T_INT_EQ(ev.rev, rows[i].applied ? 3 : 2);
            watch_close(w);
            store_close(s);
        }
    }
}

TEST(a_failed_group_leaves_no_trace_for_validation)
{
    auto_store struct store *s = st_memory();
    struct txn *t = st_begin(s, 0);
    struct err e = ERR_INIT;
    struct record rec;

    txn_get(t, STR("a"), &rec, NULL);
    T_OK(txn_put(t, STR("b"), STR("x"), &e), &e);
    store_test_fail_next(s, FAULT_IO);
    T_INT_EQ(try_put(s, "a", STR("lost"), &e), ERR_IO);
    T_OK(txn_commit_wait(t, NULL, &e), &e); /* "a" has not changed after all */
}

/* Address space is bounded, so that doubling the map must fail; the store goes on as it is. */
TEST(a_map_that_cannot_grow_is_an_error_and_the_store_goes_on)
{
    struct store_opts o = {.dir = st_dir("nogrow"), .map_bytes = (uint64_t)65 << 40};
    struct store *s = NULL;
    struct err e = ERR_INIT;

    if (store_open(&o, &s, &e) < 0)
        skip(); /* a sanitizer has taken too much of it already */

    st_put(s, "a", "1");
    store_test_fail_next(s, FAULT_MAP);
    T_INT_EQ(try_put(s, "a", STR("2"), &e), ERR_NOSPACE);
    T_STR_HAS(e.msg, "cannot grow beyond");
    T_STR_EQ(st_get(s, "a"), "1");
    st_put(s, "a", "3");
    T_STR_EQ(st_get(s, "a"), "3");
    store_close(s);
}

TEST(a_snapshot_that_stays_open_delays_a_repair_but_does_not_stop_the_store)
{
    struct store *s = st_open(st_dir("stays"), 16 << 20);
    struct txn *reader = st_begin(s, TXN_READ_ONLY);
    struct err e = ERR_INIT;

    store_test_fail_next(s, FAULT_MAP);
    T_INT_EQ(try_put(s, "a", STR("1"), &e), ERR_UNAVAIL);
    T_STR_HAS(e.msg, "1 stay open");
    txn_drop(reader);
    st_put(s, "a", "2");
    T_INT_EQ(store_rev(s), 1);
    store_close(s);
}

/* A real full disk: a small tmpfs, where we may mount one. */
static bool mount_small(const char *dir)
{
    return mkdir(dir, 0700) == 0 && mount("none", dir, "tmpfs", 0, "size=2m") == 0;
}

TEST(a_full_disk_is_an_error_until_there_is_room_again)
{
    auto_free char *dir = strdup(st_dir("small"));
    auto_free char *value = calloc(1, 100000);
    struct err e = ERR_INIT;
    char key[32], ballast[300];
    int r = 0, n = 0;

    if (geteuid() != 0 || !mount_small(dir))
        skip();
    snprintf(ballast, sizeof ballast, "%s/ballast", dir);
    int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    T_INT_EQ(ftruncate(fd, 1 << 20) | posix_fallocate(fd, 0, 1 << 20), 0);
    close(fd);
    char sub[300];
    snprintf(sub, sizeof sub, "%s/store", dir);
    struct store *s = st_open(sub, 0);
    while (r == 0 && n < 100) {
        snprintf(key, sizeof key, "fill/%d", n);
        r = try_put(s, key, str_n(value, 100000), &e);
        n += r == 0;
    }
    int full = r;
    char says[ERR_MSG_SIZE];
    snprintf(says, sizeof says, "%s", e.msg);
    uint64_t rev = store_rev(s);
    int again = try_put(s, "still", str_n(value, 100000), &e);
    unlink(ballast);
    int after = try_put(s, "after", str_n(value, 100000), &e);
    store_close(s);
    s = st_open(sub, 0); /* what was there is there, what failed is not */
    uint64_t rev_after = store_rev(s);
    bool still = strcmp(st_get(s, "still"), "-") != 0;
    store_close(s);
    umount(dir);

    T_INT_EQ(full, ERR_NOSPACE);
    T_STR_HAS(says, "no space left on the storage device");
    T_INT_EQ(again, ERR_NOSPACE);
    T_INT_EQ(after, 0);
    T_INT_EQ(rev_after, rev + 1);
    T_FALSE(still);
}

/* The same by a limit of the process, for those who may not mount. */
TEST(a_file_size_limit_is_an_error_until_it_is_lifted)
{
    struct store *s = st_open(st_dir("rlimit"), 0);
    auto_free char *value = calloc(1, 100000);
    struct rlimit old, small = {.rlim_cur = 300000};
    struct err e = ERR_INIT;
    char key[32];
    int r = 0, n = 0;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    while (r == 0 && n < 100) {
        snprintf(key, sizeof key, "fill/%d", n++);
        r = try_put(s, key, str_n(value, 100000), &e);
    }
    setrlimit(RLIMIT_FSIZE, &old);
    T_TRUE(r == ERR_NOSPACE || r == ERR_IO);
    st_put(s, "after", "1");
    T_INT_EQ(store_rev(s), n);
    store_close(s);
}

TEST(what_is_not_a_store_is_refused_with_a_reason)
{
    static const struct {
        const char *label;
        const char *text;
        off_t cut;
        const char *says;
    } rows[] = {
        {"another file", "this is not LMDB at all, but it is long enough to be looked at", 0,
         "damaged or not a store"},
        {"a file cut off", NULL, 8192, "cut off"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct store_opts o = {.dir = st_dir(i ? "cut" : "alien")};
        struct store *s;
        struct err e = ERR_INIT;
        char file[300];

        T_ROW(rows[i].label);
        s = st_open(o.dir, 0);
        for (int n = 0; n < 20; n++)
            st_put(s, n % 2 ? "a" : "b", "some value");
        store_close(s);
        snprintf(file, sizeof file, "%s/data.mdb", o.dir);
        int fd = open(file, O_WRONLY | O_CLOEXEC);
        if (rows[i].text) {
            for (int n = 0; n < 500; n++)
                T_TRUE(write(fd, rows[i].text, strlen(rows[i].text)) > 0);
        } else {
            T_INT_EQ(ftruncate(fd, rows[i].cut), 0);
        }
        close(fd);
        T_INT_EQ(store_open(&o, &s, &e), ERR_CORRUPT);
        T_STR_HAS(e.msg, rows[i].says);
        T_STR_HAS(e.msg, o.dir);
    }
}
