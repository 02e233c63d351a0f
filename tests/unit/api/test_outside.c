#include <poll.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/thread.h"
#include "fake.h"

/* Acts wait here until a test lets them go. */
static struct {
    atomic_int waiting, ran, finished;
    atomic_bool open;
} gate;

static int act(struct call *c, void *arg, struct err *e)
{
    T_TRUE(c->txn == NULL);
    T_TRUE(arg == &gate);
    T_STR_EQ(fake_value(c->service->ctx, "begun"), "1"); /* durable before */
    atomic_fetch_add(&gate.waiting, 1);
    T_UNTIL(atomic_load(&gate.open));
    atomic_fetch_sub(&gate.waiting, 1);
    atomic_fetch_add(&gate.ran, 1);
    struct str fail;

    if (call_query(c, "act", &fail))
        return err_set(e, ERR_UPSTREAM, "they said no");
    buf_puts(c->body, "from act");
    call_reply(c, 200, "text/plain");
    return 0;
}

static int finish(struct call *c, void *arg, struct err *e)
{
    struct str fail;
    int runs = atomic_fetch_add(&gate.finished, 1);
    int r;

    (void)arg;
    if ((r = txn_put(c->txn, STR("done"), STR("1"), e)) < 0)
        return r;
    if (call_query(c, "finish", &fail)) {
        if (str_eqc(fail, "conflict") && runs < 3)
            return err_set(e, ERR_CONFLICT, "again");
        if (str_eqc(fail, "park"))
            return call_park(c, 0);
        if (str_eqc(fail, "fail"))
            return err_set(e, ERR_INVALID, "cannot keep it");
    }
    buf_puts(c->body, "from finish");
    call_reply(c, 201, "text/plain");
    return 0;
}

static int outside(struct call *c, struct err *e)
{
    struct str what;

    if (!call_query(c, "parts", &what))
        what = STR("both");
    buf_puts(c->body, "from serve");
    call_reply(c, 202, "text/plain");
    call_then(c, str_eqc(what, "finish") ? NULL : act, str_eqc(what, "act") ? NULL : finish,
              &gate);
    return txn_put(c->txn, STR("begun"), STR("1"), e);
}

static const struct route routes[] = {
    {M_POST, "/outside", ROUTE_BLOCKING, outside, NULL},
};

static void start(struct fake *f, const struct api_opts *o)
{
    fake_start_with(f, routes, ARRAY_LEN(routes), o);
    atomic_store(&gate.open, true);
    atomic_store(&gate.ran, 0);
    atomic_store(&gate.finished, 0);
}

TEST(writes_then_act_then_finish_or_an_error_that_says_which)
{
    static const struct {
        const char *label, *query;
        int status;
        const char *body;
        int ran, finished;
        bool done;
    } rows[] = {
        {"both", "", 201, "from finish", 1, 1, true},
        {"only act", "?parts=act", 200, "from act", 1, 0, false},
        {"only finish", "?parts=finish", 201, "from finish", 0, 1, true},
        {"act fails", "?act=fail", 502, "error: they said no", 1, 0, false},
        {"finish fails", "?finish=fail", 400, "error: cannot keep it", 1, 1, false},
        {"finish conflicts", "?finish=conflict", 201, "from finish", 1, 4, true},
        {"finish parks", "?finish=park", 500, "error: a call cannot park", 1, 1, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake f;
        struct api_stats s;

        T_ROW(rows[i].label);
        start(&f, NULL);
        struct api_response r =
            ask(&f, "POST", arena_printf(f.arena, "/outside%s", rows[i].query), NULL);

        T_INT_EQ(r.status, rows[i].status);
        T_STR_HAS(r.body.p, rows[i].body);
        T_INT_EQ(atomic_load(&gate.ran), rows[i].ran);
        T_INT_EQ(atomic_load(&gate.finished), rows[i].finished);
        T_STR_EQ(fake_value(&f, "begun"), "1");
        T_INT_EQ(fake_value(&f, "done") != NULL, rows[i].done);
        api_stats(f.api, &s);
        T_INT_EQ(s.pool, 0);
        fake_stop(&f);
    }
}

static void ask_outside(void *arg)
{
    auto_arena struct arena *a = arena_new(0);

    T_INT_EQ(ask_in(arg, a, "POST", "/outside", NULL).status, 201);
}

static void nothing(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

TEST(a_full_pool_is_an_answer_at_once_and_nothing_was_written)
{
    struct fake f;
    struct thread t[3] = {0};
    struct api_stats s;
    struct err e = ERR_INIT;
    atomic_int ran = 0;

    start(&f, &(struct api_opts){.pool_threads = 1, .pool_queue = 2});
    atomic_store(&gate.open, false);
    for (int i = 0; i < 3; i++)
        T_OK(thread_start(&t[i], "asker", ask_outside, &f, &e), &e);
    T_UNTIL((api_stats(f.api, &s), s.pool) == 3 && atomic_load(&gate.waiting) == 1);
    uint64_t rev = store_rev(f.store);
    struct api_response r = ask(&f, "POST", "/outside", NULL);

    T_INT_EQ(r.status, 503);
    T_STR_HAS(r.body.p, "too many requests wait for other servers");
    T_TRUE(store_rev(f.store) <= rev + 3); /* the three's own writes at most */
    T_INT_EQ(api_pool_run(f.api, nothing, &ran, &e), ERR_LIMIT);
    atomic_store(&gate.open, true);
    for (int i = 0; i < 3; i++)
        thread_join(&t[i]);
    T_INT_EQ(atomic_load(&gate.ran), 3);
    T_OK(api_pool_run(f.api, nothing, &ran, &e), &e);
    api_stop(f.api); /* drains */
    T_INT_EQ(atomic_load(&ran), 1);
    T_INT_EQ(api_pool_run(f.api, nothing, &ran, &e), ERR_UNAVAIL);
    fake_stop(&f);
}

TEST(stop_waits_for_what_is_under_way_outside)
{
    struct fake f;
    struct thread t = {0};
    struct err e = ERR_INIT;

    start(&f, NULL);
    atomic_store(&gate.open, false);
    T_OK(thread_start(&t, "asker", ask_outside, &f, &e), &e);
    T_UNTIL(atomic_load(&gate.waiting) == 1);
    atomic_store(&gate.open, true);
    api_stop(f.api);
    T_INT_EQ(atomic_load(&gate.finished), 1);
    thread_join(&t);
    fake_stop(&f);
}
