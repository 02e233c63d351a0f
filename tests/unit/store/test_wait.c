#include "store_t.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/thread.h"

/* What fn has seen, and somebody who waits for it. */
struct seen {
    struct lock lock;
    struct cond changed;
    int runs;
};

static void seen_init(struct seen *x)
{
    lock_init(&x->lock, "seen", RANK_QUEUE);
    cond_init(&x->changed);
    x->runs = 0;
}

static void on_fire(void *arg)
{
    struct seen *x = arg;
    auto_lock struct lock *held = lock_scope(&x->lock);

    x->runs++;
    cond_broadcast(&x->changed);
}

static void expect_runs(struct seen *x, int runs)
{
    int64_t deadline = clock_mono_ms() + T_PATIENCE_MS;
    int got;

    lock_take(&x->lock);
    while (x->runs < runs && cond_wait_until(&x->changed, &x->lock, deadline))
        ;
    got = x->runs;
    lock_drop(&x->lock);
    T_INT_EQ(got, runs);
}

static struct store_wait *wait_for(struct store *s, const char *prefix, bool exact,
                                   uint64_t rev, struct seen *x)
{
    struct store_wait *w = NULL;
    struct err e = ERR_INIT;

    T_OK(store_wait_new(s, str_of(prefix), exact, rev, on_fire, x, &w, &e), &e);
    return w;
}

/* A sentinel wait on the same change tells when the notifier has been there. */
TEST(a_wait_fires_for_what_it_waits_for_and_nothing_else)
{
    static const struct {
        const char *label, *waits;
        bool exact;
        const char *change;
        int want;
    } rows[] = {
        {"the prefix", "t/", false, "t/a", 1},
        {"the whole store", "", false, "t/a", 1},
        {"another prefix", "u/", false, "t/a", 0},
        {"a longer prefix", "t/ab", false, "t/a", 0},
        {"exactly the key", "t/a", true, "t/a", 1},
        {"exactly another key", "t/", true, "t/a", 0},
        {"the key as a prefix", "t/a", false, "t/a", 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_store struct store *s = st_memory();
        struct seen x, sentinel;

        T_ROW(rows[i].label);
        seen_init(&x);
        seen_init(&sentinel);
        st_put(s, "t/0", "before");
        struct store_wait *w = wait_for(s, rows[i].waits, rows[i].exact, 1, &x);
        st_put(s, rows[i].change, "now");
        struct store_wait *after = wait_for(s, rows[i].change, true, 1, &sentinel);
        expect_runs(&sentinel, 1);
        if (rows[i].want)
            expect_runs(&x, rows[i].want);
        T_INT_EQ(store_wait_cancel(w), rows[i].want == 0);
        expect_runs(&x, rows[i].want);
        T_FALSE(store_wait_cancel(after));
    }
}

TEST(a_wait_for_the_past_fires_at_once_and_one_for_the_present_does_not)
{
    static const struct {
        const char *label, *waits;
        bool exact, registered;
        uint64_t rev;
        int want;
    } rows[] = {
        {"changed since, by history", "t/", false, false, 2, 1},
        {"not since, by history", "t/", false, false, 3, 0},
        {"a key changed since", "t/b", true, false, 2, 1},
        {"a key not changed since", "t/a", true, false, 2, 0},
        {"changed since, by the prefix's revision", "t/", false, true, 2, 1},
        {"not since, by the prefix's revision", "t/", false, true, 3, 0},
        {"a revision that is yet to come", "t/", false, true, 99, 0},
    };

    for (int restart = 0; restart < 2; restart++) {
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            char name[32];
            struct seen x;
            struct err e = ERR_INIT;
            struct store *s;

            T_ROW(rows[i].label);
            snprintf(name, sizeof name, "wait%d%zu", restart, i);
            s = st_open(st_dir(name), 0);
            if (rows[i].registered)
                T_OK(store_register_prefix(s, STR("t/"), &e), &e);
            st_put(s, "u/a", "1");
            st_put(s, "t/a", "2");
            st_put(s, "t/b", "3");
            st_put(s, "u/b", "4");
            if (restart) { /* history is gone then: records and prefixes must do */
                store_close(s);
                s = st_open(st_dir(name), 0);
                if (rows[i].registered)
                    T_OK(store_register_prefix(s, STR("t/"), &e), &e);
            }
            seen_init(&x);
            struct store_wait *w = wait_for(s, rows[i].waits, rows[i].exact, rows[i].rev, &x);
            /* After a restart an unregistered prefix may be woken once too often. */
            bool sure = !restart || rows[i].registered || rows[i].exact;
            if (rows[i].want)
                expect_runs(&x, 1);
            bool in_time = store_wait_cancel(w);
            if (sure)
                T_INT_EQ(in_time, !rows[i].want);
            store_close(s);
        }
    }
}

struct self {
    struct seen seen;
    struct store_wait *w;
    bool in_time;
};

static void cancel_itself(void *arg)
{
    struct self *x = arg;

    x->in_time = store_wait_cancel(x->w);
    on_fire(&x->seen);
}

TEST(a_wait_may_be_cancelled_from_its_own_function)
{
    auto_store struct store *s = st_memory();
    struct self x = {.in_time = true};
    struct err e = ERR_INIT;

    seen_init(&x.seen);
    T_OK(store_wait_new(s, STR("t/"), false, 0, cancel_itself, &x, &x.w, &e), &e);
    st_put(s, "t/a", "1");
    expect_runs(&x.seen, 1);
    T_FALSE(x.in_time);
}

/* One thread writes, four park and cancel as fast as they can: each wait either was cancelled
 * in time or has run, never both, never after its cancel returned. */
struct racer {
    struct thread thread;
    struct store *s;
    atomic_bool *stop;
    int bad, fired;
};

struct one {
    atomic_int runs;
    atomic_bool gone;
    atomic_bool late;
};

static void on_race(void *arg)
{
    struct one *x = arg;

    if (atomic_load(&x->gone))
        atomic_store(&x->late, true);
    atomic_fetch_add(&x->runs, 1);
}

static void race(void *arg)
{
    struct racer *r = arg;
    struct err e = ERR_INIT;

    while (!atomic_load(r->stop)) {
        struct one x = {0};
        struct store_wait *w;
        bool in_time;

        if (store_wait_new(r->s, STR("t/"), false, store_rev(r->s), on_race, &x, &w, &e) < 0)
            break;
        for (int spin = 0; spin < 50 && !atomic_load(&x.runs); spin++)
            sched_yield();
        in_time = store_wait_cancel(w);
        atomic_store(&x.gone, true);
        r->bad += atomic_load(&x.runs) != !in_time;
        r->bad += atomic_load(&x.late);
        r->fired += !in_time;
    }
}

TEST(cancel_races_with_firing_and_one_of_them_wins)
{
    auto_store struct store *s = st_memory();
    struct racer r[4] = {0};
    atomic_bool stop = false;
    struct err e = ERR_INIT;

    for (int i = 0; i < 4; i++) {
        r[i].s = s;
        r[i].stop = &stop;
        T_OK(thread_start(&r[i].thread, "racer", race, &r[i], &e), &e);
    }
    for (int i = 0; i < 3000; i++)
        st_put(s, "t/a", "x");
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++) {
        thread_join(&r[i].thread);
        T_INT_EQ(r[i].bad, 0);
    }
}

TEST(ten_thousand_waits_are_woken_by_one_write)
{
    enum { N = 10000 };
    static struct store_wait *w[N];
    auto_store struct store *s = st_memory();
    struct seen x;

    seen_init(&x);
    for (int i = 0; i < N; i++)
        w[i] = wait_for(s, i % 2 ? "t/" : "t/a", i % 2 == 0, 0, &x);
    st_put(s, "t/a", "1");
    expect_runs(&x, N);
    for (int i = 0; i < N; i++)
        T_FALSE(store_wait_cancel(w[i]));
}
