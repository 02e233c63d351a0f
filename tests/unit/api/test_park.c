#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "fake.h"

static atomic_int attempts, gone_seen;

static uint64_t rev_of(struct call *c, struct str key)
{
    struct record rec;

    return txn_get(c->txn, key, &rec, NULL) >= 0 ? rec.mod_rev : 0;
}

/* A blocking query for one key. */
static int watch_key(struct call *c, struct err *e)
{
    struct str key = call_param(c, "key");
    uint64_t rev = rev_of(c, key);
    int64_t deadline;
    bool park;
    int r = call_blocking_query(c, rev, &park, &deadline, e);

    if (r < 0)
        return r;
    atomic_fetch_add(&attempts, 1);
    if (park) {
        call_wait_on(c, key, true, rev);
        return call_park(c, deadline);
    }
    buf_printf(c->body, "%s at %llu, attempt %d", c->timed_out ? "same" : "new",
               (unsigned long long)rev, c->attempt);
    call_reply(c, 200, "text/plain");
    return 0;
}

/* Waits on several prefixes until "go" is there; forgets what it writes while parking. */
static int watch_prefixes(struct call *c, struct err *e)
{
    int r;

    if (rev_of(c, STR("p2/go")) || c->timed_out) {
        buf_puts(c->body, c->timed_out ? "timed out" : "went");
        call_reply(c, 200, "text/plain");
        return 0;
    }
    if ((r = txn_put(c->txn, STR("scribble"), STR("x"), e)) < 0)
        return r;
    call_wait_on(c, STR("p1/"), false, txn_rev(c->txn));
    call_wait_on(c, STR("p2/"), false, txn_rev(c->txn));
    atomic_fetch_add(&attempts, 1);
    return call_park(c, clock_mono_ms() + 60000);
}

static int park_for_ever(struct call *c, struct err *e)
{
    (void)e;
    atomic_fetch_add(&attempts, 1);
    return call_park(c, clock_mono_ms() + 10);
}

static int grow_and_park(struct call *c, struct err *e)
{
    (void)e;
    if (c->timed_out) {
        call_reply(c, 200, "text/plain");
        return 0;
    }
    (void)arena_alloc(c->arena, 100000);
    call_wait_on(c, STR("busy"), true, txn_rev(c->txn));
    atomic_fetch_add(&attempts, 1);
    return call_park(c, 0);
}

static const struct route routes[] = {
    {M_GET, "/watch/:key", 0, watch_key, NULL},
    {M_GET, "/prefixes", 0, watch_prefixes, NULL},
    {M_GET, "/for-ever", 0, park_for_ever, NULL},
    {M_GET, "/grow", 0, grow_and_park, NULL},
};

/* One call in the background. */
struct asker {
    struct fake *f;
    const char *path;
    struct arena *arena;
    struct api_response reply;
    atomic_bool done;
    struct thread thread;
};

static void asker_main(void *arg)
{
    struct asker *k = arg;

    k->reply = ask_in(k->f, k->arena, "GET", k->path, NULL);
    atomic_store(&k->done, true);
}

static void asker_start(struct asker *k, struct fake *f, const char *path)
{
    struct err e = ERR_INIT;

    *k = (struct asker){.f = f, .path = path, .arena = arena_new(0)};
    T_OK(thread_start(&k->thread, "asker", asker_main, k, &e), &e);
}

static void asker_end(struct asker *k)
{
    thread_join(&k->thread);
    arena_free(k->arena);
}

static uint64_t parked(struct fake *f)
{
    struct api_stats s;

    api_stats(f->api, &s);
    return s.parked;
}

static void start(struct fake *f)
{
    fake_start(f, routes, ARRAY_LEN(routes));
    atomic_store(&attempts, 0);
}

static const char *watch_path(struct fake *f, const char *key, const char *wait)
{
    return arena_printf(f->arena, "/watch/%s?index=%llu&wait=%s", key,
                        (unsigned long long)store_rev(f->store), wait);
}

TEST(a_parked_call_is_served_again_when_its_key_changes)
{
    struct fake f;
    struct asker k;

    start(&f);
    fake_write(&f, "a", "1");
    asker_start(&k, &f, watch_path(&f, "a", "60s"));
    T_UNTIL(parked(&f) == 1);
    fake_write(&f, "b", "not its key");
    fake_write(&f, "a", "2");
    T_UNTIL(atomic_load(&k.done));
    T_STR_EQ(k.reply.body.p, "new at 3, attempt 1");
    T_INT_EQ(atomic_load(&attempts), 2);
    T_INT_EQ(parked(&f), 0);
    asker_end(&k);
    fake_stop(&f);
}

TEST(a_change_before_the_call_parks_is_not_missed)
{
    struct fake f;

    start(&f);
    fake_write(&f, "a", "1");
    fake_write(&f, "a", "2");
    T_STR_EQ(ask(&f, "GET", "/watch/a?index=1&wait=60s", NULL).body.p, "new at 2, attempt 0");
    fake_stop(&f);
}

TEST(at_its_deadline_a_call_answers_with_what_there_is)
{
    struct fake f;
    struct asker k;

    start(&f);
    fake_write(&f, "a", "1");
    clock_fake_start(1000000000);
    asker_start(&k, &f, watch_path(&f, "a", "16s"));
    T_UNTIL(parked(&f) == 1);
    clock_fake_advance(15999LL * 1000000);
    T_INT_EQ(parked(&f), 1);
    clock_fake_advance(1002LL * 1000000); /* the wait and all of its jitter */
    T_UNTIL(atomic_load(&k.done));
    T_STR_EQ(k.reply.body.p, "same at 1, attempt 1");
    clock_fake_stop();
    asker_end(&k);
    fake_stop(&f);
}

TEST(deadlines_end_in_their_order_whatever_order_they_came_in)
{
    static const char *const waits[] = {"50s", "20s", "40s", "10s", "30s"};
    static const int order[] = {3, 1, 4, 2, 0};
    struct fake f;
    struct asker k[ARRAY_LEN(waits)];

    start(&f);
    fake_write(&f, "a", "1");
    clock_fake_start(1000000000);
    for (size_t i = 0; i < ARRAY_LEN(waits); i++)
        asker_start(&k[i], &f, watch_path(&f, "a", waits[i]));
    T_UNTIL(parked(&f) == ARRAY_LEN(waits));
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        clock_fake_advance((i == 0 ? 10700LL : 10630LL) * 1000000); /* with the jitter */
        T_UNTIL(atomic_load(&k[order[i]].done));
        T_INT_EQ(parked(&f), ARRAY_LEN(waits) - 1 - i);
    }
    clock_fake_stop();
    for (size_t i = 0; i < ARRAY_LEN(waits); i++)
        asker_end(&k[i]);
    fake_stop(&f);
}

TEST(several_prefixes_and_what_a_parking_attempt_wrote_is_dropped)
{
    struct fake f;
    struct asker k;

    start(&f);
    asker_start(&k, &f, "/prefixes");
    T_UNTIL(parked(&f) == 1);
    fake_write(&f, "p1/x", "1");
    T_UNTIL(atomic_load(&attempts) == 2 && parked(&f) == 1);
    fake_write(&f, "p2/go", "1");
    T_UNTIL(atomic_load(&k.done));
    T_STR_EQ(k.reply.body.p, "went");
    T_TRUE(fake_value(&f, "scribble") == NULL);
    asker_end(&k);
    fake_stop(&f);
}

TEST(who_parks_again_after_the_deadline_times_out)
{
    struct fake f;

    start(&f);
    struct api_response r = ask(&f, "GET", "/for-ever", NULL);

    T_INT_EQ(r.status, 504);
    T_STR_HAS(r.body.p, "nothing has changed in time");
    T_INT_EQ(atomic_load(&attempts), 2);
    fake_stop(&f);
}

TEST(a_call_woken_again_and_again_is_answered_before_it_grows_too_large)
{
    struct fake f;
    struct asker k;

    start(&f);
    asker_start(&k, &f, "/grow");
    for (int i = 0; !atomic_load(&k.done); i++) {
        T_UNTIL(parked(&f) == 1 || atomic_load(&k.done));
        fake_write(&f, "busy", "x");
        T_TRUE(i < 1000);
        T_UNTIL(atomic_load(&attempts) > i + 1 || atomic_load(&k.done));
    }
    T_INT_EQ(k.reply.status, 200);
    T_TRUE(atomic_load(&attempts) >= API_PARKED_GROWTH_MAX / (4 * 100000));
    asker_end(&k);
    fake_stop(&f);
}

TEST(stop_answers_parked_calls_with_what_there_is)
{
    struct fake f;
    struct asker k[3];

    start(&f);
    fake_write(&f, "a", "1");
    for (int i = 0; i < 3; i++)
        asker_start(&k[i], &f, watch_path(&f, "a", "60s"));
    T_UNTIL(parked(&f) == 3);
    api_stop(f.api);
    for (int i = 0; i < 3; i++) {
        asker_end(&k[i]);
        T_INT_EQ(k[i].reply.status, 200);
    }
    fake_stop(&f);
}

static void count_gone(struct call *c)
{
    if (c->peer_gone)
        atomic_fetch_add(&gone_seen, 1);
}

TEST(a_client_that_leaves_while_parked_is_noticed_and_let_go)
{
    struct fake f;
    struct api_stats s;

    start(&f);
    fake_write(&f, "a", "1");
    f.finished = count_gone;
    atomic_store(&gone_seen, 0);
    fake_listen(&f);
    int fd = wire_open(f.port);

    wire_send(fd, "GET /watch/a?index=1&wait=60s HTTP/1.1\r\nHost: a\r\n\r\n");
    T_UNTIL(parked(&f) == 1);
    close(fd);
    T_UNTIL(parked(&f) == 0);
    T_UNTIL((api_stats(f.api, &s), s.calls) == 0);
    T_INT_EQ(atomic_load(&gone_seen), 1);
    T_INT_EQ(atomic_load(&attempts), 1);
    fake_stop(&f);
}

enum { CROWD = 300 };

TEST(a_crowd_is_released_by_one_write)
{
    struct fake f;
    int fds[CROWD];
    char reply[1024];

    start(&f);
    fake_write(&f, "a", "1");
    fake_listen(&f);
    for (int i = 0; i < CROWD; i++) {
        fds[i] = wire_open(f.port);
        wire_send(fds[i], "GET /watch/a?index=1&wait=60s HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    T_UNTIL(parked(&f) == CROWD);
    fake_write(&f, "a", "2");
    for (int i = 0; i < CROWD; i++) {
        wire_read(fds[i], reply, sizeof reply);
        T_STR_HAS(reply, "new at 2, attempt 1");
        close(fds[i]);
    }
    T_INT_EQ(atomic_load(&attempts), 2 * CROWD);
    fake_stop(&f);
}

TEST(blocking_queries_take_index_and_wait_as_the_nomad_api_does)
{
    static const struct {
        const char *label, *query;
        int status;
        const char *want;
    } rows[] = {
        {"neither", "", 200, "new at 1"},
        {"empty", "?index=&wait=", 200, "new at 1"},
        {"zero does not block", "?index=0&wait=60s", 200, "new at 1"},
        {"a wait alone does not block", "?wait=60s", 200, "new at 1"},
        {"no number", "?index=x", 400, "error: Invalid index"},
        {"negative", "?index=-1", 400, "error: Invalid index"},
        {"too large", "?index=18446744073709551616", 400, "error: Invalid index"},
        {"no duration", "?index=1&wait=x", 400, "error: Invalid wait time"},
        {"no unit", "?index=1&wait=5", 400, "error: Invalid wait time"},
        {"the wait is read first", "?index=x&wait=x", 400, "error: Invalid wait time"},
        {"short", "?index=1&wait=1ms", 200, "same at 1, attempt 1"},
        {"ahead of us", "?index=99&wait=1ms", 200, "same at 1, attempt 1"},
    };
    struct fake f;

    start(&f);
    fake_write(&f, "a", "1");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        struct api_response r =
            ask(&f, "GET", arena_printf(f.arena, "/watch/a%s", rows[i].query), NULL);

        T_INT_EQ(r.status, rows[i].status);
        T_STR_HAS(r.body.p, rows[i].want);
    }
    fake_stop(&f);
}

TEST(a_wait_is_at_most_300_seconds_and_the_same_when_none_is_given)
{
    static const char *const queries[] = {"", "&wait=0s", "&wait=-5s", "&wait=20m"};

    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        struct fake f;
        struct asker k;

        T_ROW(queries[i][0] ? queries[i] : "none");
        start(&f);
        fake_write(&f, "a", "1");
        clock_fake_start(1000000000);
        asker_start(&k, &f, arena_printf(f.arena, "/watch/a?index=1%s", queries[i]));
        T_UNTIL(parked(&f) == 1);
        clock_fake_advance(299999LL * 1000000);
        T_INT_EQ(parked(&f), 1);
        clock_fake_advance(18760LL * 1000000); /* and a sixteenth */
        T_UNTIL(atomic_load(&k.done));
        T_STR_HAS(k.reply.body.p, "same");
        clock_fake_stop();
        asker_end(&k);
        fake_stop(&f);
    }
}
