/*
 * The loop: what expires is revoked, what was ordered is done.
 *
 * It sleeps until the front of the expiry indexes is due, or until one of them or the orders
 * change (the store wakes it), so nothing is loaded at start and nobody has to tell it
 * anything. While the vault is sealed it rests.
 */
#include <string.h>

#include "base/clock.h"
#include "vault/core/lease_priv.h"

enum {
    ROUND_GAP_MS = 20,      /* between rounds that changes of the store ask for */
    LOOK_AGAIN_MS = 60000,  /* the wall clock may have been set */
    AFTER_ERROR_MS = 1000,  /* full disk, full pool */
    EXPIRED_TOKENS_MAX = 32 /* per transaction: each takes along what it owns */
};

enum { WAIT_LEASES, WAIT_TOKENS, WAIT_ORDERS, WAIT_TOKEN_QUEUE, WAITS_ };

struct lease_loop {
    struct vault *vault;
    struct thread thread;
    struct lock lock;
    struct cond wake; /* a wake, or an engine call that ended */
    bool stop, asked, changed;
    struct lease_jobs *jobs;
    struct store_wait *waits[WAITS_];
    /* A front of leases that wait for a slow backend is looked behind now and then. */
    struct key behind; /* of the expiry index: where the next round goes on; len 0: its front */
    int64_t next_deep_ms; /* when it may */
};

/* An engine call to begin. */
struct start {
    const char *id, *mount_uuid;
};

/* What a round leaves: when the next is wanted. */
struct round {
    struct lease_loop *loop;
    int64_t now_ns;
    int64_t next_ns; /* 0: nothing is waiting */
    bool more;       /* at once */
    bool stuck;      /* work is there, but no room for it now */
    uint64_t rev;    /* what was looked at */
    /* due leases */
    struct key from; /* len 0: the front of the index */
    size_t looked_at;
    bool at_end;
    struct start starts[LEASE_REVOKES_AT_ONCE];
    size_t n_starts;
    struct arena *arena;
};

struct lease_jobs *lease_loop_jobs(struct lease_loop *l)
{
    return l ? l->jobs : NULL;
}

static void next_is(struct round *o, int64_t at_ns)
{
    if (o->next_ns == 0 || at_ns < o->next_ns)
        o->next_ns = at_ns;
}

/* ---- leases ------------------------------------------------------------------------------ */

/* False: it has no place now. */
static bool note_start(struct round *o, const struct lease *l)
{
    size_t of_mount = 0;

    for (size_t i = 0; i < o->n_starts; i++)
        of_mount += strcmp(o->starts[i].mount_uuid, l->mount_uuid) == 0;
    if (!lease_jobs_have_room(o->loop->jobs, l->mount_uuid, o->n_starts, of_mount))
        return false;
    o->starts[o->n_starts++] =
        (struct start){arena_strdup(o->arena, l->id), arena_strdup(o->arena, l->mount_uuid)};
    return true;
}

/* 1: it has nothing to undo. 0: an engine call is needed, and noted if there may be room. */
static int sort_out(struct round *o, struct txn *t, const struct object *obj, struct err *e)
{
    const struct lease *l = obj->body;
    struct vault *v = o->loop->vault;
    const struct mount *m;
    int r = mount_by_uuid(v, t, l->mount_uuid, &m, e);

    if (r == ERR_NOTFOUND) {
        log_warn("lease", "mount_is_gone id=%s", l->id);
        return 1;
    }
    if (r < 0)
        return r;
    if (!m->engine->revoke)
        return 1;
    if (lease_jobs_has(o->loop->jobs, l->id))
        return 0;
    if (!note_start(o, l))
        o->stuck = true;
    return 0;
}

/* What lies behind so many that must wait: at once if it is time for that, else later. */
static void go_on_behind(struct round *o, struct str index_key, size_t done)
{
    struct lease_loop *l = o->loop;

    o->more = done > 0;
    if (clock_mono_ms() < l->next_deep_ms)
        return;
    o->more = true;
    memcpy(l->behind.p, index_key.p, index_key.len);
    l->behind.len = index_key.len;
}

/* Walks what is due in the expiry index; what has nothing to undo is deleted on the spot. */
static int walk_due(struct round *o, struct txn *t, struct table_scan *it, size_t skip,
                    struct err *e)
{
    LIST(const char *) done = {0};
    const struct object *obj;
    int r;

    while ((r = table_scan_next(it, &obj, e)) > 0) {
        struct str rest = str_from(it->index_key, skip);
        uint64_t due_ns;

        if (!key_next_u64(&rest, &due_ns))
            return err_set(e, ERR_CORRUPT, "the index of lease expiry is damaged");
        if ((int64_t)due_ns > o->now_ns) {
            next_is(o, (int64_t)due_ns);
            break;
        }
        if (done.len == LEASE_BATCH) {
            o->more = true;
            break;
        }
        if (++o->looked_at == LEASE_SCAN_MAX) {
            go_on_behind(o, it->index_key, done.len);
            break;
        }
        r = sort_out(o, t, obj, e);
        if (r < 0)
            return r;
        if (r == 1)
            list_push(txn_arena(t), &done, ((const struct lease *)obj->body)->id);
    }
    o->at_end = done.len < LEASE_BATCH && o->looked_at < LEASE_SCAN_MAX;
    for (size_t i = 0; i < done.len && r >= 0; i++)
        r = lease_del(t, done.at[i], e);
    return r < 0 ? r : 0;
}

static int due_leases(struct txn *t, void *arg, struct err *e)
{
    struct round *o = arg;
    struct table_scan it;
    struct key k;
    int r;

    o->n_starts = o->looked_at = 0;
    o->more = o->at_end = false;
    o->rev = txn_rev(t);
    table_index_key(&k, &lease_table, "expires");
    r = table_scan_index(t, &it, &lease_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    if (o->from.len)
        r = scan_seek(&it.scan, key_str(&o->from), e);
    if (r == 0)
        r = walk_due(o, t, &it, k.len, e);
    table_scan_end(&it);
    return r;
}

static void start_engine_calls(struct round *o)
{
    for (size_t i = 0; i < o->n_starts; i++)
        if (!lease_jobs_start(o->loop->jobs, o->starts[i].id, o->starts[i].mount_uuid))
            o->stuck = true;
}

/* ---- tokens and orders ------------------------------------------------------------------- */

static int expired_tokens(struct txn *t, void *arg, struct err *e)
{
    LIST(const struct token *) found = {0};
    struct round *o = arg;
    const struct object *obj;
    struct table_scan it;
    struct key k;
    int r;

    table_index_key(&k, &token_table, "expires");
    r = table_scan_index(t, &it, &token_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &obj, e)) > 0) {
        const struct token *tok = obj->body;

        if (tok->expires_ns > o->now_ns) {
            next_is(o, tok->expires_ns);
            break;
        }
        if (found.len == EXPIRED_TOKENS_MAX) {
            o->more = true;
            break;
        }
        list_push(txn_arena(t), &found, tok);
    }
    table_scan_end(&it);
    for (size_t i = 0; i < found.len && r >= 0; i++)
        r = token_revoke(o->loop->vault, t, found.at[i], o->now_ns, e);
    return r < 0 ? r : 0;
}

static int orders(struct txn *t, void *arg, struct err *e)
{
    struct round *o = arg;
    bool more_leases = false, more_tokens = false;
    int r = lease_order_step(o->loop->vault, t, o->now_ns, &more_leases, e);

    if (r == 0)
        r = token_revoke_queued(o->loop->vault, t, o->now_ns, &more_tokens, e);
    o->more = o->more || more_leases || more_tokens;
    return r;
}

/* ---- a round ----------------------------------------------------------------------------- */

typedef int step_fn(struct txn *t, void *arg, struct err *e);

static void look_around(struct round *o)
{
    static step_fn *const steps[] = {due_leases, orders, expired_tokens};
    struct store *s = o->loop->vault->opts.store;

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct err e = ERR_INIT;
        int r = store_run(s, steps[i], o, 0, NULL, &e);

        if (r == ERR_SEALED || r == ERR_CANCELED)
            return;
        if (r < 0 && r != ERR_CONFLICT)
            log_warn("lease", "loop error=\"%s\", retrying", e.msg);
        o->stuck = o->stuck || r < 0;
    }
    start_engine_calls(o);
}

static void on_change(void *arg)
{
    struct lease_loop *l = arg;

    lock_take(&l->lock);
    l->changed = true;
    cond_broadcast(&l->wake);
    lock_drop(&l->lock);
}

static void drop_waits(struct lease_loop *l)
{
    for (size_t i = 0; i < WAITS_; i++) {
        if (l->waits[i])
            store_wait_cancel(l->waits[i]);
        l->waits[i] = NULL;
    }
}

static void arm_waits(struct lease_loop *l, uint64_t rev)
{
    struct key keys[WAITS_];

    table_index_key(&keys[WAIT_LEASES], &lease_table, "expires");
    table_index_key(&keys[WAIT_TOKENS], &token_table, "expires");
    table_prefix(&lease_order_table, &keys[WAIT_ORDERS]);
    table_prefix(&token_queue_table, &keys[WAIT_TOKEN_QUEUE]);
    for (size_t i = 0; i < WAITS_; i++)
        if (store_wait_new(l->vault->opts.store, key_str(&keys[i]), false, rev, on_change, l,
                           &l->waits[i], NULL) < 0)
            l->waits[i] = NULL;
}

static int64_t deadline_of(const struct round *o)
{
    int64_t now_ms = clock_mono_ms(), in_ms = LOOK_AGAIN_MS;

    if (o->more)
        return now_ms;
    if (o->next_ns) {
        int64_t ms = (o->next_ns - clock_wall_ns()) / 1000000 + 1;

        in_ms = ms < 0 ? 0 : ms < in_ms ? ms : in_ms;
    }
    if (o->stuck && in_ms > AFTER_ERROR_MS)
        in_ms = AFTER_ERROR_MS;
    return now_ms + in_ms;
}

static int64_t one_round(struct lease_loop *l)
{
    struct round o = {.loop = l, .now_ns = clock_wall_ns(), .arena = arena_new(0)};
    int64_t deadline;

    drop_waits(l);
    o.from = l->behind;
    l->behind.len = 0;
    o.stuck = o.from.len > 0; /* the front still waits */
    look_around(&o);
    if (o.at_end && o.from.len)
        l->next_deep_ms = clock_mono_ms() + LEASE_DEEP_MS;
    if (!o.more)
        arm_waits(l, o.rev);
    deadline = deadline_of(&o);
    arena_free(o.arena);
    return deadline;
}

/* False: the loop is to end. */
static bool sleep_until(struct lease_loop *l, int64_t deadline_ms)
{
    auto_lock struct lock *held = lock_scope(&l->lock);
    int64_t gap_ends = clock_mono_ms() + ROUND_GAP_MS;

    while (!l->stop && !l->asked) {
        if (l->changed && gap_ends < deadline_ms)
            deadline_ms = gap_ends;
        if (!cond_wait_until(&l->wake, &l->lock, deadline_ms))
            break;
    }
    l->asked = l->changed = false;
    return !l->stop;
}

static void loop_main(void *arg)
{
    struct lease_loop *l = arg;
    int64_t deadline = 0;

    do {
        deadline =
            seal_is_open(l->vault->seal) ? one_round(l) : clock_mono_ms() + LOOK_AGAIN_MS;
        rotation_upkeep(l->vault);
    } while (sleep_until(l, deadline));
    drop_waits(l);
}

/* ---- life -------------------------------------------------------------------------------- */

int lease_loop_start(struct vault *v, struct err *e)
{
    struct lease_loop *l = calloc(1, sizeof *l);
    int r;

    if (!l)
        abort();
    l->vault = v;
    lock_init(&l->lock, "leases", RANK_VAULT);
    cond_init(&l->wake);
    l->jobs = lease_jobs_new(v, &l->lock, &l->wake, &l->asked);
    v->loop = l;
    r = thread_start(&l->thread, "leases", loop_main, l, e);
    if (r < 0)
        lease_loop_stop(v);
    return r;
}

void lease_loop_stop(struct vault *v)
{
    struct lease_loop *l = v->loop;

    if (!l)
        return;
    lock_take(&l->lock);
    l->stop = true;
    cond_broadcast(&l->wake);
    lock_drop(&l->lock);
    thread_join(&l->thread);
    lease_jobs_wait(l->jobs);
    v->loop = NULL;
    lease_jobs_free(l->jobs);
    cond_done(&l->wake);
    lock_done(&l->lock);
    free(l);
}

void lease_loop_wake(struct vault *v)
{
    struct lease_loop *l = v->loop;

    if (!l)
        return;
    lock_take(&l->lock);
    l->asked = true;
    cond_broadcast(&l->wake);
    lock_drop(&l->lock);
}
