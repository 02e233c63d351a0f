/*
 * The committer: one thread that takes what is waiting, checks each transaction against what
 * changed since its snapshot, gives the accepted ones to the driver as one group (one fsync),
 * then tells everybody.
 */
#include <assert.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/store_priv.h"

enum { GROW_TRIES = 8 };

/* A group under way: transactions in the order of their revisions. */
struct group {
    struct txn *first, **tail;
    size_t len, ops, bytes;
    uint64_t rev; /* of the last one accepted */
    int64_t commit_ns;
};

static void finish(struct txn *t, int result, uint64_t rev, const struct err *e)
{
    if (t->done)
        t->done(t->done_arg, result, rev, e);
    txn_recycle(t);
}

/* The queue. */

static void settle(struct txn *t)
{
    reads_settle(&t->reads, t->arena);
    for (struct op *op = overlay_first(&t->writes); op; op = op->next[0])
        op->hash = map_hash(op->key);
}

static int enqueue(struct store *s, struct txn *t, struct err *e)
{
    auto_lock struct lock *held = lock_scope(&s->queue_lock);

    if (s->closing)
        return err_set(e, ERR_CANCELED, "the store is closing");
    if (s->queue_len >= STORE_QUEUE_MAX)
        return err_set(e, ERR_LIMIT, "%d commits are waiting already", STORE_QUEUE_MAX);
    t->next = NULL;
    *s->queue_tail = t;
    s->queue_tail = &t->next;
    if (++s->queue_len == 1 || s->queue_len == s->queue_want)
        cond_signal(&s->queue_changed);
    return 0;
}

void txn_commit(struct txn *t, commit_done *done, void *arg)
{
    struct store *s = t->store;
    struct err e = ERR_INIT;
    int r = 0;

    t->done = done;
    t->done_arg = arg;
    settle(t);
    txn_close_snapshot(t);
    if (t->writes.len == 0) {
        finish(t, 0, t->rev, NULL); /* it read one snapshot: there is nothing to check */
        return;
    }
    r = enqueue(s, t, &e);
    if (r < 0)
        finish(t, r, 0, &e);
}

struct commit_wait {
    struct lock lock;
    struct cond changed;
    bool done;
    int result;
    uint64_t rev;
    struct err err;
};

static void wait_done(void *arg, int result, uint64_t rev, const struct err *e)
{
    struct commit_wait *w = arg;
    auto_lock struct lock *held = lock_scope(&w->lock);

    w->result = result;
    w->rev = rev;
    if (e)
        w->err = *e;
    w->done = true;
    cond_signal(&w->changed);
}

int txn_commit_wait(struct txn *t, uint64_t *ret_rev, struct err *e)
{
    struct commit_wait w = {.result = 0};

    lock_init(&w.lock, "commit wait", RANK_QUEUE);
    cond_init(&w.changed);
    txn_commit(t, wait_done, &w);
    lock_take(&w.lock);
    while (!w.done)
        cond_wait(&w.changed, &w.lock);
    lock_drop(&w.lock);
    cond_done(&w.changed);
    lock_done(&w.lock);
    if (w.result < 0 && e)
        *e = w.err;
    if (w.result == 0 && ret_rev)
        *ret_rev = w.rev;
    return w.result;
}

/* The queue is not empty: let those come who are about to. */
static void wait_for_company(struct store *s, size_t waiting, size_t want, int64_t until_ns)
{
    s->queue_want = (unsigned)want;
    while (s->queue_len < want && !s->closing && !s->paused) {
        int64_t left = until_ns - clock_mono_ns();

        if (left <= 0 || !cond_wait_ns(&s->queue_changed, &s->queue_lock, left))
            break;
    }
    s->queue_want = 0;
    gather_got(&s->gather, waiting, want, s->queue_len);
}

/* Moves a group's worth of the queue into `g`; false when the store is closing and it is empty.
 */
static bool take_group(struct store *s, struct group *g)
{
    auto_lock struct lock *held = lock_scope(&s->queue_lock);
    size_t waiting = s->queue_len, want;
    int64_t until_ns = 0;

    s->busy = false;
    cond_broadcast(&s->idle);
    want = gather_want(&s->gather, waiting, &until_ns);
    do {
        while (s->paused || (!s->queue && !s->closing))
            cond_wait(&s->queue_changed, &s->queue_lock);
        if (want)
            wait_for_company(s, waiting, want, until_ns);
        want = 0;
    } while (s->paused);
    *g = (struct group){0};
    g->tail = &g->first;
    while (s->queue) {
        struct txn *t = s->queue;

        if (g->len && (g->ops + t->writes.len > STORE_GROUP_OPS ||
                       g->bytes + t->write_bytes > STORE_GROUP_BYTES))
            break;
        s->queue = t->next;
        s->queue_len--;
        t->next = NULL;
        *g->tail = t;
        g->tail = &t->next;
        g->len++;
        g->ops += t->writes.len;
        g->bytes += t->write_bytes;
    }
    if (!s->queue)
        s->queue_tail = &s->queue;
    s->busy = g->len > 0;
    return s->busy;
}

void committer_pause(struct store *s)
{
    auto_lock struct lock *held = lock_scope(&s->queue_lock);

    while (s->paused || s->busy)
        cond_wait(&s->idle, &s->queue_lock);
    s->paused = true;
}

void committer_resume(struct store *s)
{
    auto_lock struct lock *held = lock_scope(&s->queue_lock);

    s->paused = false;
    cond_signal(&s->queue_changed);
    cond_broadcast(&s->idle);
}

/* Applying. */

static bool is_stale(struct store *s, const struct txn *t)
{
    auto_lock struct lock *held = lock_scope(&s->history.lock);

    return reads_changed(&t->reads, &s->history, t->rev);
}

static void mark_prefixes(struct store *s, struct str key, uint64_t rev)
{
    struct prefix_node *n;

    for (size_t i = 0; (n = prefix_next(&s->prefixes, key, &i));)
        ((struct prefix_index *)n)->pending = rev;
}

static bool any_watch(struct store *s)
{
    return atomic_load(&s->waits.parked) > 0;
}

/* What `t` changed becomes part of history (not yet published). */
static void remember(struct store *s, const struct txn *t, uint64_t rev)
{
    struct op *first = overlay_first(&t->writes);
    bool watched = any_watch(s);
    auto_lock struct lock *parked = watched ? lock_scope(&s->waits.lock) : NULL;
    auto_lock struct lock *held = lock_scope(&s->history.lock);
    auto_lock struct lock *prefixes = lock_scope(&s->prefix_lock);

    for (struct op *op = first; op; op = op->next[0]) {
        if (op->effect == OP_NONE)
            continue;
        history_append(&s->history, op, rev, watched && watches_want(s, op->key));
        mark_prefixes(s, op->key, rev);
    }
}

static int save_prefixes(struct store *s, struct err *e)
{
    auto_lock struct lock *held = lock_scope(&s->prefix_lock);
    struct prefix_index *p;
    struct str key;

    for (size_t i = 0; map_next(&s->prefixes.map, &i, &key, (void **)&p);) {
        int r = p->pending ? s->driver->group_prefix(s->d, key, p->pending, e) : 0;

        if (r != 0)
            return r;
    }
    return 0;
}

/* Each accepted transaction gets its revision; those in conflict leave the group with an
 * answer. 0, a DRIVER_* or an error. */
static int apply(struct store *s, struct group *g, struct err *e)
{
    struct txn **at = &g->first;
    int r;

    g->rev = atomic_load(&s->rev);
    while (*at) {
        struct txn *t = *at;

        if (is_stale(s, t)) {
            struct err why = ERR_INIT;

            *at = t->next;
            g->len--;
            err_set(&why, ERR_CONFLICT, "something that was read has changed since");
            atomic_fetch_add(&s->conflicts, 1);
            finish(t, ERR_CONFLICT, 0, &why);
            continue;
        }
        t->commit_rev = g->rev + 1;
        r = s->driver->group_add(s->d, overlay_first(&t->writes), t->commit_rev, e);
        if (r != 0)
            return r;
        g->rev++;
        remember(s, t, g->rev);
        at = &t->next;
    }
    return g->len ? save_prefixes(s, e) : 0;
}

static void clear_marks(struct store *s, bool applied)
{
    auto_lock struct lock *held = lock_scope(&s->prefix_lock);
    struct prefix_index *p;
    struct str key;

    for (size_t i = 0; map_next(&s->prefixes.map, &i, &key, (void **)&p);) {
        if (p->pending && applied)
            atomic_store(&p->rev, p->pending);
        p->pending = 0;
    }
}

/* Make what history holds up to `rev` visible, then wake who waits for it. */
static void publish(struct store *s, uint64_t rev)
{
    lock_take(&s->history.lock);
    history_publish(&s->history, rev);
    lock_drop(&s->history.lock);
    atomic_store(&s->rev, rev);
    notifier_wake(s);
}

static void take_back(struct store *s)
{
    lock_take(&s->history.lock);
    history_take_back(&s->history);
    lock_drop(&s->history.lock);
    clear_marks(s, false);
}

static int try_group(struct store *s, struct group *g, struct err *e)
{
    int r = s->driver->group_begin(s->d, e);

    if (r != 0)
        return r;
    r = apply(s, g, e);
    if (r == 0 && g->len) {
        int64_t begun = clock_mono_ns();

        r = s->driver->group_commit(s->d, g->rev, e); /* ends the group whatever it says */
        g->commit_ns = clock_mono_ns() - begun;
        return r;
    }
    s->driver->group_abort(s->d);
    return r;
}

/* The driver stands elsewhere than we thought: what happened in between is not known. */
void adopt(struct store *s, uint64_t rev)
{
    lock_take(&s->history.lock);
    history_forget(&s->history, rev);
    lock_drop(&s->history.lock);
    store_reload_prefixes(s);
    atomic_store(&s->rev, rev);
    waits_fire_all(s);
}

/* The driver wants the store to itself. *ret_applied: the group turned out to have been
 * applied. */
static int recover(struct store *s, const struct group *g, int need, bool *ret_applied,
                   struct err *e)
{
    struct err why = ERR_INIT;
    uint64_t rev = 0;
    int r = store_gate_close(s, clock_mono_ms() + STORE_QUIET_MS, &why);

    *ret_applied = false;
    if (r == 0) {
        r = s->driver->recover(s->d, &rev, &why);
        store_gate_open(s);
    }
    if (r < 0) {
        if (need == DRIVER_AGAIN || !e->code)
            *e = why; /* else what broke it says more */
        return e->code;
    }
    *ret_applied = need == DRIVER_BROKEN && rev == g->rev;
    if (!*ret_applied && rev != atomic_load(&s->rev)) {
        take_back(s);
        adopt(s, rev);
    }
    return 0;
}

/* 0: durable. Otherwise nothing of the group is. */
static int run_group(struct store *s, struct group *g, struct err *e)
{
    for (int tries = 0; tries < GROW_TRIES; tries++) {
        bool applied = false;
        int need, r;

        err_reset(e);
        need = try_group(s, g, e);
        if (need == 0)
            return 0;
        r = need > 0 ? recover(s, g, need, &applied, e) : need;
        if (applied)
            return 0;
        take_back(s);
        if (r < 0)
            return r;
        if (need == DRIVER_BROKEN)
            return e->code;
    }
    return err_set(e, ERR_NOSPACE, "the store's map cannot grow any more");
}

static void answer(struct store *s, struct group *g, int result, const struct err *e)
{
    while (g->first) {
        struct txn *t = g->first;

        g->first = t->next;
        if (result == 0)
            atomic_fetch_add(&s->commits, 1);
        finish(t, result, result == 0 ? t->commit_rev : 0, result == 0 ? NULL : e);
    }
}

static void commit_group(struct store *s, struct group *g)
{
    size_t len = g->len;
    struct err e = ERR_INIT;
    int r;

    r = run_group(s, g, &e);
    if (r == 0 && g->len) {
        clear_marks(s, true);
        publish(s, g->rev);
        atomic_fetch_add(&s->groups, 1);
        s->trim_ops += g->ops;
        if (s->trim_ops >= STORE_TRIM_EVERY) {
            s->trim_ops = 0;
            notifier_trim(s);
        }
    }
    answer(s, g, r, &e);
    gather_ended(&s->gather, len, g->commit_ns, clock_mono_ns());
}

void committer_run(void *store)
{
    struct store *s = store;
    struct group g;

    while (take_group(s, &g))
        commit_group(s, &g);
}
