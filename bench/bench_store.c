/*
 * bench_store -- what the store costs, beside bare LMDB on the same disk in one run
 *
 *     bench_store                 the figures; in the working directory
 *     bench_store lmdb SECONDS    only bare LMDB's records per second, as a number
 */
#include <dirent.h>
#include <lmdb.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/thread.h"
#include "figure.h"
#include "store/store.h"

enum {
    WRITERS = 64,
    WRITE_MS = 3000,
    VALUE_BYTES = 256,
    READ_MS = 1000,
    WAITS = 10000,
    LOAD_BATCH = 2000,
};

static char value[VALUE_BYTES];

static void must(int r, const struct err *e)
{
    if (r < 0) {
        fprintf(stderr, "%s\n", e->msg);
        exit(1);
    }
}

static void must_mdb(int rc)
{
    if (rc != 0) {
        fprintf(stderr, "%s\n", mdb_strerror(rc));
        exit(1);
    }
}

static size_t resident_bytes(void)
{
    unsigned long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * 4096;
}

static void remove_files(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *f;

    while (d && (f = readdir(d)))
        unlinkat(dirfd(d), f->d_name, 0);
    if (d)
        closedir(d);
    rmdir(dir);
}

/* Bare LMDB: one thread that commits groups of as many records as there are writers. */
static double bare_lmdb(const char *dir, int64_t ms)
{
    int64_t end = clock_mono_ms() + ms, begin = clock_mono_ns();
    uint64_t n = 0;
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *t;

    mkdir(dir, 0700);
    must_mdb(mdb_env_create(&env));
    must_mdb(mdb_env_set_mapsize(env, (size_t)1 << 33));
    must_mdb(mdb_env_open(env, dir, MDB_NOTLS, 0600));
    while (clock_mono_ms() < end) {
        must_mdb(mdb_txn_begin(env, NULL, 0, &t));
        must_mdb(mdb_dbi_open(t, NULL, 0, &dbi));
        for (int i = 0; i < WRITERS; i++) {
            char key[64];
            MDB_val v = {sizeof value, value};
            MDB_val k = {(size_t)snprintf(key, sizeof key, "kv/%016llx",
                                          (unsigned long long)random_u64()),
                         key};

            must_mdb(mdb_put(t, dbi, &k, &v, 0));
        }
        must_mdb(mdb_txn_commit(t));
        n += WRITERS;
    }
    mdb_env_close(env);
    remove_files(dir);
    return (double)n * 1e9 / (double)(clock_mono_ns() - begin);
}

struct writer {
    struct thread thread;
    struct store *s;
    int64_t end_ms;
    uint64_t n;
};

static void writer_run(void *arg)
{
    struct writer *w = arg;
    struct err e = ERR_INIT;

    while (clock_mono_ms() < w->end_ms) {
        struct record rec;
        struct txn *t;
        char key[64];

        snprintf(key, sizeof key, "kv/%016llx", (unsigned long long)random_u64());
        must(txn_begin(w->s, 0, &t, &e), &e);
        txn_get(t, str_of(key), &rec, NULL);
        must(txn_put(t, str_of(key), str_n(value, sizeof value), &e), &e);
        must(txn_commit_wait(t, NULL, &e), &e);
        w->n++;
    }
}

static double durable_puts(const char *dir)
{
    struct store_opts o = {.dir = dir};
    struct writer w[WRITERS] = {0};
    int64_t begin = clock_mono_ns(), end = clock_mono_ms() + WRITE_MS;
    struct store_stats st;
    struct store *s;
    struct err e = ERR_INIT;
    uint64_t n = 0;

    must(store_open(&o, &s, &e), &e);
    for (int i = 0; i < WRITERS; i++) {
        w[i].s = s;
        w[i].end_ms = end;
        must(thread_start(&w[i].thread, "writer", writer_run, &w[i], &e), &e);
    }
    for (int i = 0; i < WRITERS; i++) {
        thread_join(&w[i].thread);
        n += w[i].n;
    }
    store_stats(s, &st);
    figure("commits per fsync", (double)st.commits / (double)st.groups, "", "", "");
    store_close(s);
    remove_files(dir);
    return (double)n * 1e9 / (double)(clock_mono_ns() - begin);
}

static void load(struct store *s, uint64_t from, uint64_t to)
{
    struct err e = ERR_INIT;

    for (uint64_t i = from; i < to;) {
        struct txn *t;

        must(txn_begin(s, 0, &t, &e), &e);
        for (int n = 0; n < LOAD_BATCH && i < to; n++, i++) {
            char key[64];

            /* spread, as hashed ids are */
            snprintf(key, sizeof key, "kv/%016llx",
                     (unsigned long long)(i * 0x9e3779b97f4a7c15u));
            must(txn_put(t, str_of(key), str_n(value, sizeof value), &e), &e);
        }
        must(txn_commit_wait(t, NULL, &e), &e);
    }
}

/* Begin, get a random key, drop: ns each. */
static double read_cost(struct store *s, uint64_t keys)
{
    int64_t begin = clock_mono_ns(), now;
    uint64_t n = 0, x = 88172645463325252u;
    struct err e = ERR_INIT;

    do {
        for (int i = 0; i < 1000; i++, n++) {
            struct record rec;
            struct txn *t;
            char key[64];

            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            snprintf(key, sizeof key, "kv/%016llx",
                     (unsigned long long)(x % keys * 0x9e3779b97f4a7c15u));
            must(txn_begin(s, TXN_READ_ONLY, &t, &e), &e);
            must(txn_get(t, str_of(key), &rec, &e), &e);
            txn_drop(t);
        }
        now = clock_mono_ns();
    } while (now - begin < (int64_t)READ_MS * 1000000);
    return (double)(now - begin) / (double)n;
}

static double begin_cost(struct store *s)
{
    int64_t begin = clock_mono_ns();
    struct err e = ERR_INIT;

    for (int i = 0; i < 1000000; i++) {
        struct txn *t;

        must(txn_begin(s, TXN_READ_ONLY, &t, &e), &e);
        txn_drop(t);
    }
    return (double)(clock_mono_ns() - begin) / 1e6;
}

/* The store lets go of what it mapped a moment after its last use: that is what stays. */
static void wait_trimmed(void)
{
    struct timespec moment = {.tv_sec = 1, .tv_nsec = 500000000};

    nanosleep(&moment, NULL);
}

static void reads(const char *dir)
{
    struct store_opts o = {.dir = dir, .no_sync = true};
    struct store *s;
    struct err e = ERR_INIT;
    double few, many;
    size_t before;

    must(store_open(&o, &s, &e), &e);
    figure("snapshot begin and drop", begin_cost(s), "ns", "", "");
    load(s, 0, 1000);
    few = read_cost(s, 1000);
    figure("read at 1,000 records", few, "ns", "", "begin, get, drop");
    before = resident_bytes();
    load(s, 1000, 1000000);
    wait_trimmed();
    figure("RSS per record after 1,000,000", ((double)resident_bytes() - (double)before) / 1e6,
           "bytes", "", "");
    many = read_cost(s, 1000000);
    figure("read at 1,000,000 records", many, "ns", "", "begin, get, drop");
    wait_trimmed();
    figure("RSS after reading them", (double)resident_bytes() / 1e6, "MB", "", "");
    store_close(s);

    int64_t at = clock_mono_ns();
    must(store_open(&o, &s, &e), &e);
    figure("open with 1,000,000", (double)(clock_mono_ns() - at) / 1e6, "ms", "", "");
    store_close(s);
    remove_files(dir);
}

static atomic_int woken;
static _Atomic int64_t last_ns;

static void on_wake(void *arg)
{
    (void)arg;
    if (atomic_fetch_add(&woken, 1) + 1 == WAITS)
        atomic_store(&last_ns, clock_mono_ns());
}

static void waits(void)
{
    static struct store_wait *w[WAITS];
    struct store_opts o = {0};
    struct store *s;
    struct txn *t;
    struct err e = ERR_INIT;
    size_t before;
    int64_t begin;

    must(store_open(&o, &s, &e), &e);
    load(s, 0, 1);
    before = resident_bytes();
    for (int i = 0; i < WAITS; i++)
        must(store_wait_new(s, STR("kv/"), false, store_rev(s), on_wake, NULL, &w[i], &e), &e);
    figure("a parked wait", (double)(resident_bytes() - before) / WAITS, "bytes", "", "");
    begin = clock_mono_ns();
    must(txn_begin(s, 0, &t, &e), &e);
    must(txn_put(t, STR("kv/x"), STR("y"), &e), &e);
    must(txn_commit_wait(t, NULL, &e), &e);
    while (!atomic_load(&last_ns))
        sched_yield();
    figure("10,000 waits woken", (double)(atomic_load(&last_ns) - begin) / 1e6, "ms", "",
           "one write");
    for (int i = 0; i < WAITS; i++)
        store_wait_cancel(w[i]);
    store_close(s);
}

int main(int argc, char **argv)
{
    static const char dir[] = "bench-store.tmp";
    double bare, ours;
    uint64_t seconds;

    random_bytes(value, sizeof value);
    if (argc == 3 && strcmp(argv[1], "lmdb") == 0 &&
        str_to_u64(str_of(argv[2]), 10, &seconds)) {
        printf("%.0f\n", bare_lmdb(dir, (int64_t)seconds * 1000));
        return 0;
    }
    if (argc != 1) {
        fprintf(stderr, "usage: bench_store [lmdb SECONDS]\n");
        return 2;
    }
    bare = bare_lmdb(dir, WRITE_MS);
    figure("bare LMDB", bare, "records/s", "", "one thread, groups of 64, 256 bytes each");
    ours = durable_puts(dir);
    figure("durable puts", ours / bare, "of bare LMDB", "", "64 threads, a transaction each");
    reads(dir);
    waits();
    return 0;
}
