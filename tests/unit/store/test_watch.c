#include "store_t.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"

static struct watch *open_watch(struct store *s, const char *prefix, uint64_t from)
{
    struct watch *w = NULL;
    struct err e = ERR_INIT;

    T_OK(watch_open(s, str_of(prefix), from, &w, &e), &e);
    return w;
}

/* The next event as text: "put t/a=1 @3", "del t/a @4", "resync @9", "-" for none. */
static const char *next(struct watch *w)
{
    static char text[256];
    struct watch_event ev;
    struct err e = ERR_INIT;
    int r = watch_next(w, NULL, clock_mono_ms() + 1, &ev, &e);

    T_OK(r, &e);
    if (r == 0)
        snprintf(text, sizeof text, "-");
    else if (ev.kind == WATCH_RESYNC)
        snprintf(text, sizeof text, "resync @%llu", (unsigned long long)ev.rev);
    else if (ev.kind == WATCH_DEL)
        snprintf(text, sizeof text, "del %.*s @%llu", STR_ARG(ev.key),
                 (unsigned long long)ev.rev);
    else
        snprintf(text, sizeof text, "put %.*s=%.*s @%llu", STR_ARG(ev.key), STR_ARG(ev.value),
                 (unsigned long long)ev.rev);
    return text;
}

TEST(a_watch_reports_every_change_under_its_prefix_in_order)
{
    auto_store struct store *s = st_memory();
    auto_watch struct watch *w = open_watch(s, "t/", 0);

    T_STR_EQ(next(w), "-");
    st_put(s, "t/a", "1");
    st_put(s, "u/a", "other");
    st_put(s, "t/a", "2");
    st_del(s, "t/a");
    st_del(s, "t/nothing");
    st_put(s, "t/b", "");
    T_STR_EQ(next(w), "put t/a=1 @1");
    T_STR_EQ(next(w), "put t/a=2 @3");
    T_STR_EQ(next(w), "del t/a @4");
    T_STR_EQ(next(w), "put t/b= @6");
    T_STR_EQ(next(w), "-");
}

TEST(a_watch_from_the_past_reads_it_again_or_asks_to_resync)
{
    auto_store struct store *s = st_memory();

    st_put(s, "t/a", "1");
    st_put(s, "t/b", "2");
    st_put(s, "t/a", "3");
    {
        auto_watch struct watch *w = open_watch(s, "t/", 1);
        T_STR_EQ(next(w), "put t/b=2 @2");
        T_STR_EQ(next(w), "put t/a=3 @3");
        T_STR_EQ(next(w), "-");
    }
    {
        auto_watch struct watch *w = open_watch(s, "t/", 0); /* t/a=1 is nowhere any more */
        T_STR_EQ(next(w), "resync @3");
        st_put(s, "t/c", "4");
        T_STR_EQ(next(w), "put t/c=4 @4");
    }
    {
        auto_watch struct watch *w = open_watch(s, "t/", 3);
        T_STR_EQ(next(w), "put t/c=4 @4");
        T_STR_EQ(next(w), "-");
    }
}

TEST(a_slow_watcher_is_told_to_resync_once)
{
    auto_store struct store *s = st_memory();
    auto_watch struct watch *w = open_watch(s, "t/", 0);
    char key[32], want[32];
    uint64_t rev = 0;

    for (int i = 0; i <= STORE_HISTORY_MAX / 1000; i++) {
        struct txn *t = st_begin(s, 0);
        struct err e = ERR_INIT;

        for (int j = 0; j < 1000; j++) {
            snprintf(key, sizeof key, "t/%d", i * 1000 + j);
            T_OK(txn_put(t, str_of(key), STR("v"), &e), &e);
        }
        T_OK(txn_commit_wait(t, &rev, &e), &e);
    }
    snprintf(want, sizeof want, "resync @%llu", (unsigned long long)rev);
    T_STR_EQ(next(w), want);
    T_STR_EQ(next(w), "-");
    st_put(s, "t/x", "after");
    T_STR_HAS(next(w), "put t/x=after");
}

TEST(a_watch_descriptor_is_readable_exactly_while_events_wait)
{
    auto_store struct store *s = st_memory();
    auto_watch struct watch *w = open_watch(s, "t/", 0);
    struct pollfd p = {.fd = watch_fd(w), .events = POLLIN};

    T_INT_EQ(poll(&p, 1, 0), 0);
    st_put(s, "t/a", "1");
    T_INT_EQ(poll(&p, 1, T_PATIENCE_MS), 1);
    T_STR_EQ(next(w), "put t/a=1 @1");
    T_STR_EQ(next(w), "-");
    T_INT_EQ(poll(&p, 1, 0), 0);
}

struct stop_later {
    struct stopper stop;
    struct thread thread;
};

static void stop_it(void *arg)
{
    stopper_stop(&((struct stop_later *)arg)->stop);
}

TEST(a_watch_ends_when_it_is_stopped)
{
    auto_store struct store *s = st_memory();
    auto_watch struct watch *w = open_watch(s, "t/", 0);
    struct stop_later x = {0};
    struct watch_event ev;
    struct err e = ERR_INIT;

    T_OK(stopper_init(&x.stop, &e), &e);
    T_OK(thread_start(&x.thread, "stop", stop_it, &x, &e), &e);
    T_INT_EQ(watch_next(w, &x.stop, 0, &ev, &e), ERR_CANCELED);
    thread_join(&x.thread);
    stopper_done(&x.stop);
}

/* Writers and watchers at once: each watcher rebuilds the state from events alone and must see
 * each revision's counter go up by one, none twice, none missing. */
enum { WRITERS = 3, WATCHERS = 3, WRITES = 700 };

struct follower {
    struct thread thread;
    struct store *s;
    struct watch *w;
    int last[WRITERS], bad;
};

static int number_of(struct str s)
{
    uint64_t n = 0;

    return str_to_u64(s, 10, &n) ? (int)n : -1;
}

static void follow(void *arg)
{
    struct follower *f = arg;
    uint64_t last_rev = 0;
    struct err e = ERR_INIT;

    for (int left = WRITERS; left > 0;) {
        struct watch_event ev;
        int r = watch_next(f->w, NULL, clock_mono_ms() + T_PATIENCE_MS, &ev, &e), who, n;

        if (r <= 0 || ev.kind != WATCH_PUT) {
            f->bad++;
            return;
        }
        who = ev.key.p[2] - '0';
        n = number_of(ev.value);
        f->bad += n != f->last[who] + 1 || ev.rev < last_rev;
        f->last[who] = n;
        last_rev = ev.rev;
        left -= n == WRITES;
    }
}

struct scribe {
    struct thread thread;
    struct store *s;
    int who, bad;
};

static void scribble(void *arg)
{
    struct scribe *x = arg;
    struct err e = ERR_INIT;

    for (int i = 1; i <= WRITES; i++) {
        char key[8], value[16];
        struct txn *t;

        snprintf(key, sizeof key, "t/%d", x->who);
        snprintf(value, sizeof value, "%d", i);
        if (txn_begin(x->s, 0, &t, &e) < 0 || txn_put(t, str_of(key), str_of(value), &e) < 0 ||
            txn_put(t, STR("elsewhere"), STR("x"), &e) < 0 || txn_commit_wait(t, NULL, &e) < 0)
            x->bad++;
    }
}

TEST(every_watcher_sees_each_of_many_concurrent_changes_once)
{
    auto_store struct store *s = st_memory();
    struct follower f[WATCHERS] = {0};
    struct scribe x[WRITERS] = {0};
    struct err e = ERR_INIT;

    for (int i = 0; i < WATCHERS; i++) {
        f[i].s = s;
        f[i].w = open_watch(s, "t/", 0);
        T_OK(thread_start(&f[i].thread, "follow", follow, &f[i], &e), &e);
    }
    for (int i = 0; i < WRITERS; i++) {
        x[i].s = s;
        x[i].who = i;
        T_OK(thread_start(&x[i].thread, "scribe", scribble, &x[i], &e), &e);
    }
    for (int i = 0; i < WRITERS; i++) {
        thread_join(&x[i].thread);
        T_INT_EQ(x[i].bad, 0);
    }
    for (int i = 0; i < WATCHERS; i++) {
        thread_join(&f[i].thread);
        T_INT_EQ(f[i].bad, 0);
        watch_close(f[i].w);
    }
}
