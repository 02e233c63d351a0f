/* Many threads at once: what must hold whatever the order. */
#include "store_t.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/thread.h"

enum { ACCOUNTS = 8, THREADS = 6, TRANSFERS = 300, START = 100 };

struct mover {
    struct thread thread;
    struct store *s;
    unsigned seed;
    int bad;
};

static void account_key(char *to, size_t size, int i)
{
    snprintf(to, size, "acc/%d", i);
}

static int balance(struct txn *t, int i, long *ret, struct err *e)
{
    struct record rec;
    char key[16], text[32];
    int r;

    account_key(key, sizeof key, i);
    r = txn_get(t, str_of(key), &rec, e);
    if (r < 0)
        return r;
    snprintf(text, sizeof text, "%.*s", STR_ARG(rec.value));
    *ret = strtol(text, NULL, 10);
    return 0;
}

static int set_balance(struct txn *t, int i, long n, struct err *e)
{
    char key[16], text[32];

    account_key(key, sizeof key, i);
    snprintf(text, sizeof text, "%ld", n);
    return txn_put(t, str_of(key), str_of(text), e);
}

struct transfer {
    int from, to;
    long sum; /* of all accounts, as one snapshot shows it */
};

static int move(struct txn *t, void *arg, struct err *e)
{
    struct transfer *x = arg;
    long from, to;
    int r = balance(t, x->from, &from, e);

    if (r == 0)
        r = balance(t, x->to, &to, e);
    if (r == 0)
        r = set_balance(t, x->from, from - 1, e);
    if (r == 0)
        r = set_balance(t, x->to, to + 1, e);
    return r;
}

static int add_up(struct txn *t, void *arg, struct err *e)
{
    struct transfer *x = arg;
    struct record rec;
    struct scan it;
    int r = scan_begin(t, &it, STR("acc/"), 0, e);

    x->sum = 0;
    while (r >= 0 && (r = scan_next(&it, &rec, e)) > 0) {
        char text[32];

        snprintf(text, sizeof text, "%.*s", STR_ARG(rec.value));
        x->sum += strtol(text, NULL, 10);
    }
    scan_end(&it);
    return r < 0 ? r : txn_put(t, STR("sum"), STR("checked"), e);
}

static void move_much(void *arg)
{
    struct mover *m = arg;
    struct err e = ERR_INIT;

    for (int i = 0; i < TRANSFERS; i++) {
        struct transfer x = {.from = rand_r(&m->seed) % ACCOUNTS};

        x.to = (x.from + 1 + rand_r(&m->seed) % (ACCOUNTS - 1)) % ACCOUNTS;
        if (store_run(m->s, move, &x, 10000, NULL, &e) < 0)
            m->bad++;
        if (i % 16 == 0 && (store_run(m->s, add_up, &x, 10000, NULL, &e) < 0 ||
                            x.sum != (long)ACCOUNTS * START))
            m->bad++;
    }
}

TEST(money_is_moved_by_many_threads_and_none_is_lost)
{
    auto_store struct store *s = st_memory();
    struct mover m[THREADS] = {0};
    struct transfer x;
    struct store_stats st;
    struct err e = ERR_INIT;
    struct txn *t = st_begin(s, 0);

    for (int i = 0; i < ACCOUNTS; i++)
        T_OK(set_balance(t, i, START, &e), &e);
    T_OK(txn_commit_wait(t, NULL, &e), &e);
    for (int i = 0; i < THREADS; i++) {
        m[i].s = s;
        m[i].seed = (unsigned)i + 1;
        T_OK(thread_start(&m[i].thread, "mover", move_much, &m[i], &e), &e);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(&m[i].thread);
        T_INT_EQ(m[i].bad, 0);
    }
    T_OK(store_run(s, add_up, &x, 0, NULL, &e), &e);
    T_INT_EQ(x.sum, ACCOUNTS * START);
    store_stats(s, &st);
    T_TRUE(st.conflicts > 0); /* else nothing was tried */
}

/* "At most LIMIT of them": each thread counts a range and adds one if there is room. Without
 * range validation two could both see room for the last. */
enum { LIMIT = 50 };

static int add_one(struct txn *t, void *arg, struct err *e)
{
    struct mover *m = arg;
    struct record rec;
    struct scan it;
    char key[32];
    int n = 0, r = scan_begin(t, &it, STR("room/"), SCAN_KEYS_ONLY, e);

    while (r >= 0 && (r = scan_next(&it, &rec, e)) > 0)
        n++;
    scan_end(&it);
    if (r < 0)
        return r;
    if (n >= LIMIT)
        return ERR_LIMIT;
    snprintf(key, sizeof key, "room/%d", rand_r(&m->seed));
    return txn_put(t, str_of(key), STR("x"), e);
}

static void fill_room(void *arg)
{
    struct mover *m = arg;
    struct err e = ERR_INIT;
    int r;

    while ((r = store_run(m->s, add_one, m, 10000, NULL, &e)) == 0)
        ;
    m->bad += r != ERR_LIMIT;
}

TEST(phantoms_cannot_pass_a_counted_limit)
{
    auto_store struct store *s = st_memory();
    struct mover m[THREADS] = {0};
    struct err e = ERR_INIT;
    struct record rec;
    struct scan it;
    int n = 0;

    for (int i = 0; i < THREADS; i++) {
        m[i].s = s;
        m[i].seed = (unsigned)i + 77;
        T_OK(thread_start(&m[i].thread, "filler", fill_room, &m[i], &e), &e);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(&m[i].thread);
        T_INT_EQ(m[i].bad, 0);
    }
    auto_txn struct txn *t = st_begin(s, TXN_READ_ONLY);
    T_OK(scan_begin(t, &it, STR("room/"), 0, &e), &e);
    while (scan_next(&it, &rec, &e) > 0)
        n++;
    T_INT_EQ(n, LIMIT);
}

/* Two keys written together are always read together, while files grow and readers come and go.
 */
struct pair_reader {
    struct thread thread;
    struct store *s;
    atomic_bool *stop;
    int bad;
};

static void read_pairs(void *arg)
{
    struct pair_reader *p = arg;
    struct err e = ERR_INIT;

    while (!atomic_load(p->stop)) {
        struct record a, b;
        struct txn *t;

        if (txn_begin(p->s, TXN_READ_ONLY, &t, &e) < 0) {
            p->bad++;
            return;
        }
        if (txn_get(t, STR("pair/a"), &a, &e) == 0 &&
            (txn_get(t, STR("pair/b"), &b, &e) < 0 || !str_eq(a.value, b.value) ||
             a.mod_rev != b.mod_rev || a.mod_rev > txn_rev(t)))
            p->bad++;
        txn_drop(t);
    }
}

TEST(readers_never_see_half_a_commit_while_the_map_grows)
{
    struct store *s = st_open(st_dir("grow"), 128 << 10);
    struct pair_reader p[3] = {0};
    auto_free char *value = calloc(1, 20000);
    atomic_bool stop = false;
    struct store_stats st;
    struct err e = ERR_INIT;

    for (int i = 0; i < 3; i++) {
        p[i].s = s;
        p[i].stop = &stop;
        T_OK(thread_start(&p[i].thread, "reader", read_pairs, &p[i], &e), &e);
    }
    for (int i = 0; i < 200; i++) {
        struct txn *t = st_begin(s, 0);
        char key[32];

        memset(value, 'a' + i % 26, 20000);
        snprintf(key, sizeof key, "fill/%d", i);
        T_OK(txn_put(t, STR("pair/a"), str_n(value, 100), &e), &e);
        T_OK(txn_put(t, STR("pair/b"), str_n(value, 100), &e), &e);
        T_OK(txn_put(t, str_of(key), str_n(value, 20000), &e), &e);
        T_OK(txn_commit_wait(t, NULL, &e), &e);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++) {
        thread_join(&p[i].thread);
        T_INT_EQ(p[i].bad, 0);
    }
    store_stats(s, &st);
    T_TRUE(st.map_bytes >= 4 << 20);
    T_INT_EQ(st.rev, 200);
    store_close(s);
}
