#include <assert.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/store_priv.h"

enum {
    TXN_MAGIC = 0x7478006e,
    TXN_ARENA_FIRST = 4096,
    TXN_POOL_MAX = 256, /* parked for reuse */
};

static struct txn *txn_new(struct store *s)
{
    struct txn *t = calloc(1, sizeof *t);

    if (!t)
        abort();
    t->magic = TXN_MAGIC;
    t->store = s;
    t->arena = arena_new(TXN_ARENA_FIRST);
    auto_lock struct lock *held = lock_scope(&s->pool_lock);
    t->all_next = s->all_txns;
    if (s->all_txns)
        s->all_txns->all_prev = t;
    s->all_txns = t;
    return t;
}

static void drop_handles(struct txn *t)
{
    scan_free_all(t);
    if (t->snap)
        t->store->driver->snap_free(t->snap);
    t->snap = NULL;
}

/* With the pool's lock held. */
static void txn_free(struct txn *t)
{
    if (t->all_prev)
        t->all_prev->all_next = t->all_next;
    else
        t->store->all_txns = t->all_next;
    if (t->all_next)
        t->all_next->all_prev = t->all_prev;
    drop_handles(t);
    arena_free(t->arena);
    free(t);
}

void txn_pool_init(struct store *s)
{
    lock_init(&s->pool_lock, "txn pool", RANK_STORE_POOL);
    cond_init(&s->gate_changed);
}

void txn_pool_done(struct store *s)
{
    assert(s->open_txns == 0); /* a txn outlives its store: a bug of the caller */
    lock_take(&s->pool_lock);
    while (s->all_txns)
        txn_free(s->all_txns);
    lock_drop(&s->pool_lock);
    cond_done(&s->gate_changed);
    lock_done(&s->pool_lock);
}

/*
 * The gate: growing the map or opening it anew needs every snapshot gone. New ones wait at the
 * gate, those that exist are waited for. Parked handles belong to the old map, so they go too,
 * also those of transactions that wait for their commit.
 */
int store_gate_close(struct store *s, int64_t deadline_ms, struct err *e)
{
    auto_lock struct lock *held = lock_scope(&s->pool_lock);

    s->gate = true;
    while (s->open_txns > 0)
        if (!cond_wait_until(&s->gate_changed, &s->pool_lock, deadline_ms)) {
            s->gate = false;
            cond_broadcast(&s->gate_changed);
            return err_set(e, ERR_UNAVAIL,
                           "the store needs a moment without open transactions, %u stay open",
                           s->open_txns);
        }
    for (struct txn *t = s->all_txns; t; t = t->all_next)
        drop_handles(t);
    return 0;
}

void store_gate_open(struct store *s)
{
    auto_lock struct lock *held = lock_scope(&s->pool_lock);

    s->gate = false;
    cond_broadcast(&s->gate_changed);
}

/* With the pool's lock held. */
static int pass_gate(struct store *s, struct err *e)
{
    int64_t deadline = clock_mono_ms() + STORE_GATE_MS;

    while (s->gate)
        if (!cond_wait_until(&s->gate_changed, &s->pool_lock, deadline))
            return err_set(e, ERR_UNAVAIL, "the store is being repaired, try again");
    return 0;
}

static int pool_take(struct store *s, struct txn **ret, bool *ret_trim, struct err *e)
{
    auto_lock struct lock *held = lock_scope(&s->pool_lock);

    if (s->gate) {
        int r = pass_gate(s, e);

        if (r < 0)
            return r;
    }
    if (s->open_txns >= STORE_TXNS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d transactions are open", STORE_TXNS_MAX);
    s->open_txns++;
    *ret = s->pool;
    if (s->pool) {
        s->pool = s->pool->next;
        s->pool_len--;
    }
    *ret_trim = ++s->begins % STORE_TRIM_EVERY == 0; /* readers map pages in */
    return 0;
}

/* Give `t` back. `open`: it still counted as an open snapshot. */
static void pool_put(struct txn *t, bool open)
{
    struct store *s = t->store;
    auto_lock struct lock *held = lock_scope(&s->pool_lock);

    if (open && --s->open_txns == 0 && s->gate)
        cond_broadcast(&s->gate_changed);
    if (s->pool_len >= TXN_POOL_MAX) {
        txn_free(t);
        return;
    }
    t->next = s->pool;
    s->pool = t;
    s->pool_len++;
}

int txn_begin(struct store *s, unsigned flags, struct txn **ret, struct err *e)
{
    struct txn *t = NULL;
    bool trim = false;
    int r;

    r = pool_take(s, &t, &trim, e);
    if (r < 0)
        return r;
    if (!t)
        t = txn_new(s);
    r = s->driver->snap_begin(s->d, &t->snap, &t->rev, e);
    if (r < 0) {
        pool_put(t, true);
        return err_wrap(e, r, "begin a transaction");
    }
    t->flags = flags;
    t->magic = TXN_MAGIC;
    if (trim)
        notifier_trim(s);
    *ret = t;
    return 0;
}

/* Everything of the use that ends goes; handles and the arena's first block stay. */
static void txn_reset(struct txn *t)
{
    arena_reset(t->arena);
    t->magic = 0;
    t->writes = (struct overlay){0};
    t->reads = (struct reads){0};
    t->write_bytes = 0;
    t->done = NULL;
}

void txn_drop(struct txn *t)
{
    if (!t)
        return;
    assert(t->magic == TXN_MAGIC);
    scan_drop_all(t);
    t->store->driver->snap_end(t->snap);
    txn_reset(t);
    pool_put(t, true);
}

void txn_close_snapshot(struct txn *t)
{
    struct store *s = t->store;

    scan_drop_all(t);
    s->driver->snap_end(t->snap);
    auto_lock struct lock *held = lock_scope(&s->pool_lock);
    if (--s->open_txns == 0 && s->gate)
        cond_broadcast(&s->gate_changed);
}

void txn_recycle(struct txn *t)
{
    txn_reset(t);
    pool_put(t, false);
}

struct store *txn_store(const struct txn *t)
{
    return t->store;
}

uint64_t txn_rev(const struct txn *t)
{
    return t->rev;
}

bool txn_has_writes(const struct txn *t)
{
    return t->writes.len > 0;
}

size_t txn_writes(const struct txn *t)
{
    return t->writes.len;
}

struct arena *txn_arena(struct txn *t)
{
    return t->arena;
}

static int get(struct txn *t, struct str key, bool remember, struct record *ret, struct err *e)
{
    struct op *own;
    int r;

    assert(t->magic == TXN_MAGIC);
    r = store_key_check(key, e);
    if (r < 0)
        return r;
    own = t->writes.len ? overlay_find(&t->writes, key) : NULL;
    if (own) {
        if (own->del)
            return ERR_NOTFOUND;
        *ret = (struct record){.key = own->key, .value = own->value};
        return 0;
    }
    if (remember && !(t->flags & TXN_READ_ONLY)) {
        r = reads_add_key(&t->reads, t->arena, key, e);
        if (r < 0)
            return r;
    }
    r = t->store->driver->get(t->snap, key, ret, e);
    if (r < 0)
        return r;
    return r ? 0 : ERR_NOTFOUND;
}

/* "Not found" is an ordinary answer here, often asked for: a caller that shows it to a person
 * words it itself, so no message is formatted beyond the kind's. */
static int not_found(int r, struct err *e)
{
    if (r == ERR_NOTFOUND && e) {
        e->code = ERR_NOTFOUND;
        e->sys = e->status = 0;
        memcpy(e->msg, "no such record", sizeof "no such record");
    }
    return r;
}

int txn_get(struct txn *t, struct str key, struct record *ret, struct err *e)
{
    return not_found(get(t, key, true, ret, e), e);
}

int txn_peek(struct txn *t, struct str key, struct record *ret, struct err *e)
{
    return not_found(get(t, key, false, ret, e), e);
}

static int write_op(struct txn *t, struct str key, size_t bytes, struct op **ret, struct err *e)
{
    int r;

    assert(t->magic == TXN_MAGIC);
    assert(!(t->flags & TXN_READ_ONLY));
    r = store_key_check(key, e);
    if (r < 0)
        return r;
    if (t->writes.len >= STORE_TXN_OPS_MAX)
        return err_set(e, ERR_TOOBIG, "a transaction writes more than %d records",
                       STORE_TXN_OPS_MAX);
    if (t->write_bytes + key.len + bytes > STORE_TXN_BYTES_MAX)
        return err_set(e, ERR_TOOBIG, "a transaction writes more than %d bytes",
                       STORE_TXN_BYTES_MAX);
    t->write_bytes += key.len + bytes;
    *ret = overlay_at(&t->writes, t->arena, key);
    (*ret)->object = NULL;
    return 0;
}

int txn_put(struct txn *t, struct str key, struct str value, struct err *e)
{
    struct op *op = NULL;
    int r;

    if (value.len > STORE_VALUE_MAX)
        return err_set(e, ERR_TOOBIG, "a value is longer than %d bytes", STORE_VALUE_MAX);
    r = write_op(t, key, value.len, &op, e);
    if (r < 0)
        return r;
    op->value = arena_str(t->arena, value);
    op->del = false;
    return 0;
}

int txn_del(struct txn *t, struct str key, struct err *e)
{
    struct op *op = NULL;
    int r;

    r = write_op(t, key, 0, &op, e);
    if (r < 0)
        return r;
    op->value = STR("");
    op->del = true;
    return 0;
}

uint64_t txn_prefix_rev(struct txn *t, struct str prefix)
{
    return t->store->driver->prefix_rev(t->snap, prefix);
}
