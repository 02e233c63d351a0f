#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/wal.h"
#include "base/clock.h"
#include "fake.h"
#include "store/table.h"

/* The outside world: what was created there and not undone. */
static struct {
    char users[8][64];
    int n, fail_left, rollbacks;
} world;

static void world_reset(void)
{
    memset(&world, 0, sizeof world);
}

static int undo_user(void *ctx, const struct json *payload, struct arena *a, struct err *e)
{
    const char *name = json_cstr_or(a, json_get(payload, "user"), "?");

    T_TRUE(ctx == &world);
    world.rollbacks++;
    if (world.fail_left > 0) {
        world.fail_left--;
        return err_set(e, ERR_UNAVAIL, "nobody answers");
    }
    for (int i = 0; i < world.n; i++) {
        if (strcmp(world.users[i], name) == 0)
            memmove(world.users[i], world.users[--world.n], sizeof world.users[i]);
    }
    return 0;
}

static const struct wal_kind user_kind = {"fake/user", undo_user, &world};

static int create_user(struct call *c, void *arg, struct err *e)
{
    struct str fail;

    (void)arg;
    snprintf(world.users[world.n++], sizeof world.users[0], "%.*s",
             STR_ARG(call_param(c, "name")));
    if (call_query(c, "die", &fail))
        _exit(0);
    return call_query(c, "fail", &fail) ? err_set(e, ERR_UPSTREAM, "half done") : 0;
}

static int keep_user(struct call *c, void *id, struct err *e)
{
    int r = wal_del(c->txn, id, e);

    if (r >= 0)
        r = txn_put(c->txn, STR("lease"), call_param(c, "name"), e);
    call_reply(c, 200, NULL);
    return r;
}

static int put_record(struct txn *t, const char *kind, struct str user, char *id,
                      struct arena *a, struct err *e)
{
    struct json *payload = json_new_object(a);

    json_set(a, payload, STR("user"), json_of_str(user));
    return wal_put(t, kind, payload, id, e);
}

static int user(struct call *c, struct err *e)
{
    char *id = arena_alloc(c->arena, UUID_SIZE);

    call_then(c, create_user, keep_user, id);
    return put_record(c->txn, "fake/user", call_param(c, "name"), id, c->arena, e);
}

static const struct route routes[] = {
    {M_POST, "/user/:name", ROUTE_BLOCKING, user, NULL},
};

static int records(struct fake *f)
{
    struct txn *t;
    struct scan it;
    struct record rec;
    struct err e = ERR_INIT;
    int n = 0;

    T_OK(txn_begin(f->store, TXN_READ_ONLY, &t, &e), &e);
    T_OK(scan_begin(t, &it, STR("wal\0"), 0, &e), &e);
    while (scan_next(&it, &rec, &e) > 0)
        n++;
    scan_end(&it);
    txn_drop(t);
    return n;
}

static void start(struct fake *f, struct store *store)
{
    fake_start_with(f, routes, ARRAY_LEN(routes), &(struct api_opts){.store = store});
    wal_register(f->api, &user_kind);
}

static void add_record(struct fake *f, const char *kind, const char *name, char *ret_id)
{
    struct txn *t;
    struct err e = ERR_INIT;

    T_OK(txn_begin(f->store, 0, &t, &e), &e);
    T_OK(put_record(t, kind, str_of(name), ret_id, f->arena, &e), &e);
    T_OK(txn_commit_wait(t, NULL, &e), &e);
}

TEST(what_finished_leaves_no_record)
{
    struct fake f;
    struct err e = ERR_INIT;

    world_reset();
    start(&f, NULL);
    T_INT_EQ(ask(&f, "POST", "/user/ann", NULL).status, 200);
    T_STR_EQ(fake_value(&f, "lease"), "ann");
    T_INT_EQ(records(&f), 0);
    T_INT_EQ(wal_sweep(f.api, 0, &e), 0);
    T_INT_EQ(world.n, 1);
    fake_stop(&f);
}

TEST(a_failed_act_leaves_its_record_and_the_sweep_undoes_it)
{
    struct fake f;
    struct err e = ERR_INIT;

    world_reset();
    start(&f, NULL);
    T_INT_EQ(ask(&f, "POST", "/user/ann?fail", NULL).status, 502);
    T_INT_EQ(records(&f), 1);
    T_INT_EQ(wal_sweep(f.api, WAL_AGE_MS, &e), 0); /* too young */
    T_INT_EQ(world.n, 1);
    world.fail_left = 1;
    T_INT_EQ(wal_sweep(f.api, 0, &e), 1);
    T_INT_EQ(records(&f), 1);
    T_INT_EQ(wal_sweep(f.api, 0, &e), 0);
    T_INT_EQ(world.n, 0);
    T_INT_EQ(world.rollbacks, 2);
    T_INT_EQ(records(&f), 0);
    fake_stop(&f);
}

/* In a child: die inside act, as by a crash between it and finish. */
static void die_outside(const char *dir)
{
    struct store *store;
    struct fake f;
    struct err e = ERR_INIT;

    if (store_open(&(struct store_opts){.dir = dir}, &store, &e) < 0)
        _exit(9);
    start(&f, store);
    (void)ask(&f, "POST", "/user/ann?die", NULL);
    _exit(8);
}

TEST(after_a_crash_between_act_and_finish_a_restart_undoes_it)
{
    char dir[256];
    struct store *store;
    struct fake f;
    struct err e = ERR_INIT;
    int status;

    snprintf(dir, sizeof dir, "%s/crash", t_tmpdir());
    pid_t pid = fork();

    if (pid == 0)
        die_outside(dir);
    T_INT_EQ(waitpid(pid, &status, 0), pid);
    T_INT_EQ(status, 0);

    world_reset();
    snprintf(world.users[world.n++], sizeof world.users[0], "ann"); /* it was created */
    T_OK(store_open(&(struct store_opts){.dir = dir}, &store, &e), &e);
    start(&f, store);
    T_INT_EQ(records(&f), 1);
    T_INT_EQ(wal_sweep(f.api, 0, &e), 0);
    T_INT_EQ(world.n, 0);
    T_INT_EQ(records(&f), 0);
    fake_stop(&f);
}

TEST(a_request_whose_record_was_undone_meanwhile_fails)
{
    struct fake f;
    struct txn *t;
    struct err e = ERR_INIT;
    char id[UUID_SIZE];

    world_reset();
    start(&f, NULL);
    add_record(&f, "fake/user", "ann", id);
    world.fail_left = 1; /* being undone, not yet gone */
    T_INT_EQ(wal_sweep(f.api, 0, &e), 1);
    for (int i = 0; i < 2; i++) {
        T_ROW(i == 0 ? "being undone" : "gone");
        T_OK(txn_begin(f.store, 0, &t, &e), &e);
        T_INT_EQ(wal_del(t, id, &e), ERR_TIMEOUT);
        T_STR_HAS(e.msg, "longer than 60 s");
        txn_drop(t);
        T_INT_EQ(wal_sweep(f.api, 0, &e), 0);
    }
    fake_stop(&f);
}

TEST(many_records_are_swept_and_unknown_kinds_stay)
{
    struct fake f;
    struct err e = ERR_INIT;
    char id[UUID_SIZE];

    world_reset();
    start(&f, NULL);
    for (int i = 0; i < 3 * WAL_BATCH; i++)
        add_record(&f, i % WAL_BATCH == 7 ? "other" : "fake/user", "ann", id);
    T_INT_EQ(wal_sweep(f.api, 0, &e), 3);
    T_INT_EQ(world.rollbacks, 3 * WAL_BATCH - 3);
    T_INT_EQ(records(&f), 3);
    fake_stop(&f);
}

static void sweep_in_pool(void *arg)
{
    struct fake *f = arg;
    struct err e = ERR_INIT;

    T_INT_EQ(wal_sweep(f->api, 0, &e), 0);
}

TEST(a_sweep_may_itself_run_on_the_pool)
{
    struct fake f;
    struct err e = ERR_INIT;
    char id[UUID_SIZE];

    world_reset();
    fake_start_with(&f, routes, ARRAY_LEN(routes), &(struct api_opts){.pool_threads = 1});
    wal_register(f.api, &user_kind);
    add_record(&f, "fake/user", "ann", id);
    T_OK(api_pool_run(f.api, sweep_in_pool, &f, &e), &e);
    T_UNTIL(records(&f) == 0);
    fake_stop(&f);
}

TEST(old_records_are_swept_by_themselves)
{
    struct fake f;
    char id[UUID_SIZE];

    world_reset();
    clock_fake_start(1000000000);
    start(&f, NULL);
    add_record(&f, "fake/user", "ann", id);
    clock_fake_advance((WAL_AGE_MS + WAL_PERIOD_MS) * 1000000LL);
    T_UNTIL(records(&f) == 0);
    clock_fake_stop();
    T_INT_EQ(world.rollbacks, 1);
    fake_stop(&f);
}

TEST(a_payload_has_a_maximum)
{
    struct fake f;
    struct txn *t;
    struct err e = ERR_INIT;
    char id[UUID_SIZE];
    auto_free char *big = calloc(1, WAL_PAYLOAD_MAX + 1);

    memset(big, 'x', WAL_PAYLOAD_MAX);
    start(&f, NULL);
    T_OK(txn_begin(f.store, 0, &t, &e), &e);
    T_INT_EQ(put_record(t, "fake/user", str_of(big), id, f.arena, &e), ERR_TOOBIG);
    T_STR_HAS(e.msg, "write-ahead record of fake/user");
    txn_drop(t);
    fake_stop(&f);
}

/* A codec that can be locked: every byte is turned over. */
static int turn(void *locked, struct str in, struct buf *out, struct err *e)
{
    if (*(bool *)locked)
        return err_set(e, ERR_SEALED, "locked");
    for (size_t i = 0; i < in.len; i++)
        buf_putc(out, (char)~in.p[i]);
    return 0;
}

static int encode(void *ctx, struct str key, struct str in, struct buf *out, struct err *e)
{
    (void)key;
    return turn(ctx, in, out, e);
}

TEST(records_are_sealed_and_left_alone_while_the_codec_is_locked)
{
    bool locked = false;
    const struct store_codec codec = {&locked, encode, encode};
    struct fake f;
    struct txn *t;
    struct scan it;
    struct record rec;
    struct err e = ERR_INIT;
    char id[UUID_SIZE];

    world_reset();
    start(&f, NULL);
    store_set_codec(f.store, &codec);
    add_record(&f, "fake/user", "ann", id);
    T_OK(txn_begin(f.store, TXN_READ_ONLY, &t, &e), &e);
    T_OK(scan_begin(t, &it, STR("wal\0"), 0, &e), &e);
    T_INT_EQ(scan_next(&it, &rec, &e), 1);
    T_FALSE(str_has(rec.value, STR("ann")));
    scan_end(&it);
    txn_drop(t);

    locked = true;
    T_INT_EQ(wal_sweep(f.api, 0, &e), ERR_SEALED);
    T_INT_EQ(records(&f), 1);
    T_INT_EQ(world.rollbacks, 0);
    locked = false;
    T_INT_EQ(wal_sweep(f.api, 0, &e), 0);
    T_INT_EQ(records(&f), 0);
    store_set_codec(f.store, NULL);
    fake_stop(&f);
}

TEST(a_wake_sweeps_at_once)
{
    const struct str old =
        STR("pn\0\0\0\0\0\0\0\0{\"kind\":\"fake/user\",\"payload\":{\"user\":\"ann\"}}");
    struct fake f;
    struct txn *t;
    struct err e = ERR_INIT;

    world_reset();
    clock_fake_start(INT64_C(1795536000000000000)); /* no sweep comes by itself */
    start(&f, NULL);
    T_OK(txn_begin(f.store, 0, &t, &e), &e);
    T_OK(txn_put(t, STR("wal\0x\0"), old, &e), &e);
    T_OK(txn_commit_wait(t, NULL, &e), &e);
    wal_wake(f.api);
    T_UNTIL(records(&f) == 0);
    clock_fake_stop();
    T_INT_EQ(world.rollbacks, 1);
    fake_stop(&f);
}

TEST(damaged_records_are_left_and_counted)
{
    static const struct {
        const char *label;
        struct str value;
    } rows[] = {
        {"short", STR("pn")},
        {"no JSON", STR("pn\0\0\0\0\0\0\0\0{")},
        {"no kind", STR("pn\0\0\0\0\0\0\0\0{}")},
        {"kind is no text", STR("pn\0\0\0\0\0\0\0\0{\"kind\":1}")},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake f;
        struct txn *t;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        world_reset();
        start(&f, NULL);
        T_OK(txn_begin(f.store, 0, &t, &e), &e);
        T_OK(txn_put(t, STR("wal\0x\0"), rows[i].value, &e), &e);
        T_OK(txn_commit_wait(t, NULL, &e), &e);
        T_INT_EQ(wal_sweep(f.api, 0, &e), 1);
        T_INT_EQ(records(&f), 1);
        fake_stop(&f);
    }
}
