#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/thread.h"
#include "fake.h"

static int kv_get(struct call *c, struct err *e)
{
    struct record rec;
    int r = txn_get(c->txn, call_param(c, "key"), &rec, e);

    if (r < 0)
        return r;
    buf_put_str(c->body, rec.value);
    call_reply(c, 200, "text/plain");
    return 0;
}

static void show_rev(struct call *c, uint64_t rev, void *arg)
{
    call_fieldf(c, "X-Rev", "%llu", (unsigned long long)rev);
    buf_printf(c->body, "%s %llu", (const char *)arg, (unsigned long long)rev);
}

static int kv_put(struct call *c, struct err *e)
{
    call_on_commit(c, show_rev, "written at");
    call_reply(c, 200, "text/plain");
    return txn_put(c->txn, call_param(c, "key"), call_body(c), e);
}

static int kv_put_and_fail(struct call *c, struct err *e)
{
    struct str keep;
    int r = txn_put(c->txn, call_param(c, "key"), call_body(c), e);

    if (r < 0)
        return r;
    call_on_commit(c, show_rev, "never shown");
    c->commit_on_error = call_query(c, "keep", &keep);
    return err_set(e, ERR_DENIED, "not you");
}

static atomic_int add_runs;

/* Read, give others time to get in between, write. */
static int add_one(struct call *c, struct err *e)
{
    struct record rec = {0};
    int64_t n = 0;
    char text[32];
    int r = txn_get(c->txn, STR("counter"), &rec, e);

    if (r >= 0)
        (void)str_to_i64(rec.value, 10, &n);
    else if (r != ERR_NOTFOUND)
        return r;
    atomic_fetch_add(&add_runs, 1);
    sched_yield();
    snprintf(text, sizeof text, "%lld", (long long)n + 1);
    call_reply(c, 204, NULL);
    return txn_put(c->txn, STR("counter"), str_of(text), e);
}

static int always_conflict(struct call *c, struct err *e)
{
    call_reply(c, 200, NULL);
    return err_set(e, ERR_CONFLICT, "attempt %d", c->attempt);
}

static atomic_int in_lane, most_in_lane;

static void leave_lane(struct call *c, uint64_t rev, void *arg)
{
    (void)c;
    (void)rev;
    (void)arg;
    atomic_fetch_sub(&in_lane, 1);
}

/* Loses three times; then it should be alone until its commit. */
static int unlucky(struct call *c, struct err *e)
{
    if (c->attempt < 3)
        return err_set(e, ERR_CONFLICT, "lost");
    int now = atomic_fetch_add(&in_lane, 1) + 1;

    if (now > atomic_load(&most_in_lane))
        atomic_store(&most_in_lane, now);
    for (int i = 0; i < 100; i++)
        sched_yield();
    call_on_commit(c, leave_lane, NULL);
    call_reply(c, 204, NULL);
    return txn_put(c->txn, STR("lucky"), STR("1"), e);
}

static atomic_bool pressed, fresh_held, fresh_written;

static bool is_held(struct lane *l)
{
    auto_lock struct lock *held = lock_scope(&l->lock);

    return l->held;
}

/* Loses until the others have to wait for it, and then takes as long as one of them needs to
 * be held, or to be written. */
static int pressing(struct call *c, struct err *e)
{
    struct fake *f = c->service->ctx;

    if (c->attempt < LANE_PRESS)
        return err_set(e, ERR_CONFLICT, "lost");
    atomic_store(&pressed, true);
    while (!is_held(&f->api->lane) && !fake_value(f, "fresh"))
        sched_yield();
    atomic_store(&fresh_held, is_held(&f->api->lane));
    atomic_store(&fresh_written, fake_value(f, "fresh"));
    call_reply(c, 204, NULL);
    return txn_put(c->txn, STR("pressing"), STR("1"), e);
}

static int too_much(struct call *c, struct err *e)
{
    int r = txn_put(c->txn, STR("big"), STR("x"), e);

    c->commit_on_error = true;
    for (int i = 0; i < 65; i++)
        (void)(buf_reserve(c->body, 1 << 20) && (c->body->len += 1 << 20));
    call_reply(c, 200, NULL);
    return r;
}

static int empty(struct call *c, struct err *e)
{
    (void)c;
    (void)e;
    return 0;
}

static int echo_json(struct call *c, struct err *e)
{
    const struct json *v, *again;
    struct str who;
    int r;

    c->authenticated = call_query(c, "who", &who);
    if ((r = call_json(c, &v, e)) < 0 || (r = call_json(c, &again, e)) < 0)
        return r;
    T_TRUE(v == again);
    json_value(call_json_out(c, 200), v);
    return 0;
}

static int fields(struct call *c, struct err *e)
{
    (void)e;
    call_field(c, "X-A", "1");
    call_field(c, "x-a", "2");
    call_fieldf(c, "X-B", "%d", 3);
    call_fieldf(c, "X-C", "a%sb", "\r\nX-Evil: 1\t\x7f");
    buf_put_str(c->body, call_header(c, "x-ASKED"));
    call_reply(c, 200, "text/plain");
    return 0;
}

static const struct route routes[] = {
    {M_GET, "/kv/:key", 0, kv_get, NULL},
    {M_PUT, "/kv/:key", 0, kv_put, NULL},
    {M_POST, "/fail/:key", 0, kv_put_and_fail, NULL},
    {M_POST, "/add", 0, add_one, NULL},
    {M_POST, "/conflict", 0, always_conflict, NULL},
    {M_POST, "/unlucky", 0, unlucky, NULL},
    {M_POST, "/pressing", 0, pressing, NULL},
    {M_POST, "/too-much", 0, too_much, NULL},
    {M_GET, "/empty", 0, empty, NULL},
    {M_POST, "/json", 0, echo_json, NULL},
    {M_GET, "/fields", 0, fields, NULL},
};

static atomic_int seen_durable, seen_missing;

/* Runs before each reply is sent. */
static void look_in_store(struct call *c)
{
    struct fake *f = c->service->ctx;
    const char *v = fake_value(f, "a");

    T_TRUE(c->txn == NULL);
    atomic_fetch_add(v && strcmp(v, "1") == 0 ? &seen_durable : &seen_missing, 1);
}

TEST(what_was_written_is_durable_before_the_reply_is_sent)
{
    struct fake f;

    fake_start(&f, routes, ARRAY_LEN(routes));
    atomic_store(&seen_durable, 0);
    atomic_store(&seen_missing, 0);
    f.finished = look_in_store;
    struct api_response r = ask(&f, "PUT", "/kv/a", "1");

    T_INT_EQ(r.status, 200);
    T_INT_EQ(atomic_load(&seen_durable), 1);
    T_INT_EQ(atomic_load(&seen_missing), 0);
    fake_stop(&f);
}

TEST(a_reply_may_show_the_revision_of_its_own_commit)
{
    struct fake f;
    char want[64];

    fake_start(&f, routes, ARRAY_LEN(routes));
    struct api_response r = ask(&f, "PUT", "/kv/a", "1");

    snprintf(want, sizeof want, "written at %llu", (unsigned long long)store_rev(f.store));
    T_STR_EQ(r.body.p, want);
    T_INT_EQ(r.rev, store_rev(f.store));
    T_INT_EQ(r.n_fields, 1);
    T_STR_EQ(r.fields[0].name, "X-Rev");
    r = ask(&f, "GET", "/kv/a", NULL);
    T_STR_EQ(r.body.p, "1");
    T_STR_EQ(r.content_type, "text/plain");
    T_INT_EQ(r.rev, 0);
    fake_stop(&f);
}

TEST(errors_go_through_the_service_and_drop_the_writes_unless_those_count)
{
    static const struct {
        const char *label, *method, *path;
        int status;
        const char *text, *key, *value; /* value NULL: not written */
    } rows[] = {
        {"no such route", "GET", "/nothing", 404, "error: no route for /nothing", "a", NULL},
        {"wrong method", "DELETE", "/kv/a", 405, "error: no route for /kv/a", "a", NULL},
        {"handler fails", "POST", "/fail/a", 403, "error: not you", "a", NULL},
        {"the use of a token counts", "POST", "/fail/a?keep", 403, "error: not you", "a", "v"},
        {"not found", "GET", "/kv/none", 404, "error: ", "none", NULL},
        {"conflict for ever", "POST", "/conflict", 503,
         "error: gave way to other writers 50 times", "a", NULL},
        {"reply too large", "POST", "/too-much", 500,
         "error: the reply is larger than 67108864 bytes", "big", NULL},
        {"nothing said", "GET", "/empty", 204, "", "a", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake f;

        T_ROW(rows[i].label);
        fake_start(&f, routes, ARRAY_LEN(routes));
        struct api_response r = ask(&f, rows[i].method, rows[i].path, "v");

        T_INT_EQ(r.status, rows[i].status);
        T_STR_HAS(r.body.p, rows[i].text);
        T_TRUE(!strstr(r.body.p, "never shown"));
        const char *v = fake_value(&f, rows[i].key);

        T_STR_EQ(v ? v : "(none)", rows[i].value ? rows[i].value : "(none)");
        fake_stop(&f);
    }
}

enum { RACERS = 12, RACES = 40 };

static void race(void *arg)
{
    auto_arena struct arena *a = arena_new(0);

    for (int i = 0; i < RACES; i++)
        T_INT_EQ(ask_in(arg, a, "POST", "/add", NULL).status, 204);
}

TEST(counters_that_race_end_exact)
{
    struct fake f;
    struct thread threads[RACERS] = {0};
    struct err e = ERR_INIT;
    struct api_stats s;

    fake_start(&f, routes, ARRAY_LEN(routes));
    atomic_store(&add_runs, 0);
    for (int i = 0; i < RACERS; i++)
        T_OK(thread_start(&threads[i], "racer", race, &f, &e), &e);
    for (int i = 0; i < RACERS; i++)
        thread_join(&threads[i]);
    T_STR_EQ(fake_value(&f, "counter"), "480");
    api_stats(f.api, &s);
    T_INT_EQ(atomic_load(&add_runs), RACERS * RACES + (int)s.conflicts);
    T_TRUE(s.conflicts > 0); /* else this test shows nothing */
    T_INT_EQ(s.calls, 0);
    fake_stop(&f);
}

static void be_unlucky(void *arg)
{
    auto_arena struct arena *a = arena_new(0);

    for (int i = 0; i < RACES; i++)
        T_INT_EQ(ask_in(arg, a, "POST", "/unlucky", NULL).status, 204);
}

TEST(who_has_lost_often_goes_one_at_a_time)
{
    struct fake f;
    struct thread threads[RACERS] = {0};
    struct err e = ERR_INIT;

    fake_start(&f, routes, ARRAY_LEN(routes));
    atomic_store(&in_lane, 0);
    atomic_store(&most_in_lane, 0);
    for (int i = 0; i < RACERS; i++)
        T_OK(thread_start(&threads[i], "unlucky", be_unlucky, &f, &e), &e);
    for (int i = 0; i < RACERS; i++)
        thread_join(&threads[i]);
    T_INT_EQ(atomic_load(&most_in_lane), 1);
    T_INT_EQ(atomic_load(&in_lane), 0);
    fake_stop(&f);
}

static void be_pressing(void *arg)
{
    auto_arena struct arena *a = arena_new(0);

    T_INT_EQ(ask_in(arg, a, "POST", "/pressing", NULL).status, 204);
}

TEST(who_always_loses_makes_fresh_writers_wait)
{
    auto_arena struct arena *a = arena_new(0);
    struct fake f;
    struct thread t = {0};
    struct err e = ERR_INIT;

    fake_start(&f, routes, ARRAY_LEN(routes));
    atomic_store(&pressed, false);
    T_OK(thread_start(&t, "pressing", be_pressing, &f, &e), &e);
    T_UNTIL(atomic_load(&pressed));
    T_INT_EQ(ask_in(&f, a, "PUT", "/kv/fresh", "1").status, 200);
    thread_join(&t);
    T_TRUE(atomic_load(&fresh_held));
    T_FALSE(atomic_load(&fresh_written));
    T_STR_EQ(fake_value(&f, "fresh"), "1");
    fake_stop(&f);
}

TEST(bodies_are_read_as_json_once_and_within_budgets)
{
    static const char deep[] = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]"
                               "]]]]]]]]]]]]]]]]]]]]";
    static const struct {
        const char *label, *path, *body;
        bool strict;
        int status;
        const char *want;
    } rows[] = {
        {"object", "/json", "{\"a\":1}", false, 200, "{\"a\":1}"},
        {"null", "/json", "null", false, 200, "null"},
        {"empty", "/json", "", false, 200, "null"},
        {"white space", "/json", " \n", false, 200, "null"},
        {"scalar is the service's to judge", "/json", "5", false, 200, "5"},
        {"what follows is ignored", "/json", "{} x", false, 200, "{}"},
        {"or refused", "/json", "{} x", true, 400, "error: invalid JSON"},
        {"broken", "/json", "{", false, 400, "error: invalid JSON"},
        {"40 deep, nobody", "/json", deep, false, 413, "error: "},
        {"40 deep, somebody", "/json?who=me", deep, false, 200, deep},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake f;

        T_ROW(rows[i].label);
        fake_start(&f, routes, ARRAY_LEN(routes));
        f.svc.json_strict = rows[i].strict;
        struct api_response r = ask(&f, "POST", rows[i].path, rows[i].body);

        T_INT_EQ(r.status, rows[i].status);
        T_STR_HAS(r.body.p, rows[i].want);
        fake_stop(&f);
    }
}

TEST(fields_are_copied_replaced_by_name_and_stay_on_their_line)
{
    struct fake f;
    const struct http_field asked = {"X-Asked", "yes"};
    struct api_request q = {"GET", "/fields", {0}, &asked, 1};
    struct api_response r;
    struct err e = ERR_INIT;

    fake_start(&f, routes, ARRAY_LEN(routes));
    T_OK(api_call(f.api, &f.svc, &q, f.arena, &r, &e), &e);
    T_STR_EQ(r.body.p, "yes");
    T_INT_EQ(r.n_fields, 3);
    T_STR_EQ(r.fields[0].value, "2");
    T_STR_EQ(r.fields[1].value, "3");
    T_STR_EQ(r.fields[2].value, "a  X-Evil: 1  b");
    fake_stop(&f);
}

TEST(inner_calls_refuse_what_is_no_request)
{
    static const struct {
        const char *label, *method, *path, *want;
    } rows[] = {
        {"method", "BREW", "/empty", "unknown method BREW"},
        {"path", "GET", "empty", "does not begin with '/'"},
        {"escape", "GET", "/a%2", "invalid %-escape"},
        {"escape is no hex", "GET", "/a%zz", "invalid %-escape"},
        {"NUL", "GET", "/a%00", "invalid %-escape"},
        {"query escape", "GET", "/empty?a=%", "invalid %-escape"},
    };
    struct fake f;

    fake_start(&f, routes, ARRAY_LEN(routes));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_request q = {.method = rows[i].method, .path = rows[i].path};
        struct api_response r;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_INT_EQ(api_call(f.api, &f.svc, &q, f.arena, &r, &e), ERR_INVALID);
        T_STR_HAS(e.msg, rows[i].want);
    }
    fake_stop(&f);
}

TEST(a_path_is_unescaped_once)
{
    struct fake f;

    fake_start(&f, routes, ARRAY_LEN(routes));
    (void)ask(&f, "PUT", "/kv/a%20b%2Bc+d", "1");
    T_STR_EQ(fake_value(&f, "a b+c+d"), "1");
    fake_stop(&f);
}

TEST(after_stop_calls_are_unavailable)
{
    struct fake f;
    struct api_request q = {.method = "GET", .path = "/empty"};
    struct api_response r;
    struct err e = ERR_INIT;

    fake_start(&f, routes, ARRAY_LEN(routes));
    api_stop(f.api);
    T_INT_EQ(api_call(f.api, &f.svc, &q, f.arena, &r, &e), ERR_UNAVAIL);
    T_STR_HAS(e.msg, "stopping");
    fake_stop(&f);
}
