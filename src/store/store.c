#include <assert.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "store/store_priv.h"
#include "store/table.h"
#include "store/table_cache.h"

enum {
    PREFIXES_MAX = 4096,
    RUN_TRIES = 64,      /* of store_run, when the caller has no opinion */
    RUN_PATIENCE = 4,    /* conflicts before it waits a little */
    RUN_PAUSE_US = 2000, /* at most, per further conflict */
};

static int start_threads(struct store *s, struct err *e)
{
    int r = thread_start(&s->committer, "store-commit", committer_run, s, e);

    if (r == 0)
        r = thread_start(&s->notifier, "store-notify", notifier_run, s, e);
    return r;
}

static void store_init(struct store *s)
{
    txn_pool_init(s);
    lock_init(&s->queue_lock, "commit queue", RANK_STORE);
    cond_init(&s->queue_changed);
    cond_init(&s->idle);
    s->queue_tail = &s->queue;
    lock_init(&s->prefix_lock, "prefixes", RANK_STORE_PREFIX);
    waits_init(s);
}

int store_open_as_is(const struct store_opts *opts, struct store **ret, struct err *e)
{
    struct store *s = calloc(1, sizeof *s);
    uint64_t rev = 0;
    int r;

    if (!s)
        abort();
    s->driver = &store_driver_local;
    r = s->driver->open(opts, &s->d, &rev, e);
    if (r < 0) {
        free(s);
        return err_wrap(e, r, "open the store %s", opts->dir ? opts->dir : "in memory");
    }
    atomic_store(&s->rev, rev);
    s->dir = opts->dir ? strdup(opts->dir) : NULL;
    s->cache = table_cache_new(TABLE_CACHE_BYTES);
    history_init(&s->history, rev);
    store_init(s);
    r = start_threads(s, e);
    if (r < 0) {
        store_close(s);
        return r;
    }
    *ret = s;
    return 0;
}

int store_open(const struct store_opts *opts, struct store **ret, struct err *e)
{
    int r = opts->dir ? store_take_staged(opts->dir, e) : 0;

    return r < 0 ? err_wrap(e, r, "restore the store %s", opts->dir)
                 : store_open_as_is(opts, ret, e);
}

static void stop_committer(struct store *s)
{
    lock_take(&s->queue_lock);
    s->closing = true;
    cond_signal(&s->queue_changed);
    lock_drop(&s->queue_lock);
    thread_join(&s->committer);
}

static void stop_notifier(struct store *s)
{
    lock_take(&s->waits.lock);
    s->waits.stop = true;
    cond_signal(&s->waits.wake);
    lock_drop(&s->waits.lock);
    thread_join(&s->notifier);
}

static void prefixes_done(struct store *s)
{
    struct prefix_index *p;
    struct str key;

    for (size_t i = 0; map_next(&s->prefixes.map, &i, &key, (void **)&p);)
        free(p);
    prefix_set_done(&s->prefixes);
    lock_done(&s->prefix_lock);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    stop_committer(s);
    stop_notifier(s);
    waits_done(s);
    table_cache_free(s->cache);
    txn_pool_done(s);
    history_done(&s->history);
    prefixes_done(s);
    cond_done(&s->queue_changed);
    cond_done(&s->idle);
    lock_done(&s->queue_lock);
    s->driver->close(s->d);
    free(s->dir);
    free(s);
}

uint64_t store_rev(struct store *s)
{
    return atomic_load(&s->rev);
}

void store_stats(struct store *s, struct store_stats *ret)
{
    *ret = (struct store_stats){
        .rev = atomic_load(&s->rev),
        .commits = atomic_load(&s->commits),
        .conflicts = atomic_load(&s->conflicts),
        .groups = atomic_load(&s->groups),
    };
    s->driver->stats(s->d, ret);
}

void store_test_fail_next(struct store *s, enum store_fault fault)
{
    s->driver->fail_next(s->d, (int)fault);
}

/* Registered prefixes. */

/* With the prefix lock held and the prefix not there yet. */
static void prefix_insert(struct store *s, struct str prefix, uint64_t rev)
{
    struct prefix_index *p = calloc(1, sizeof *p + prefix.len);

    if (!p)
        abort();
    if (prefix.len)
        memcpy(p->bytes, prefix.p, prefix.len);
    p->node.bytes = str_n(p->bytes, prefix.len);
    atomic_init(&p->rev, rev);
    prefix_add(&s->prefixes, &p->node);
}

/* Its revision is read and entered while no group is under way, so no change falls between. */
int store_register_prefix(struct store *s, struct str prefix, struct err *e)
{
    struct txn *t;
    int r;

    if (prefix.len > STORE_KEY_MAX)
        return store_key_check(prefix, e);
    committer_pause(s);
    r = txn_begin(s, TXN_READ_ONLY, &t, e);
    if (r == 0) {
        uint64_t rev = txn_prefix_rev(t, prefix);
        auto_lock struct lock *held = lock_scope(&s->prefix_lock);

        if (prefix_get(&s->prefixes, prefix))
            ; /* twice is fine */
        else if (s->prefixes.map.len >= PREFIXES_MAX)
            r = err_set(e, ERR_LIMIT, "more than %d prefixes are registered", PREFIXES_MAX);
        else
            prefix_insert(s, prefix, rev);
    }
    if (r == 0 || r == ERR_LIMIT)
        txn_drop(t);
    committer_resume(s);
    return r;
}

/* What memory says of them is not to be trusted any more. */
void store_reload_prefixes(struct store *s)
{
    struct prefix_index *p;
    struct txn *t;
    struct str key;

    if (txn_begin(s, TXN_READ_ONLY, &t, NULL) < 0)
        return;
    lock_take(&s->prefix_lock);
    for (size_t i = 0; map_next(&s->prefixes.map, &i, &key, (void **)&p);)
        atomic_store(&p->rev, txn_prefix_rev(t, key));
    lock_drop(&s->prefix_lock);
    txn_drop(t);
}

uint64_t store_prefix_covering(struct store *s, struct str key, bool *ret_exact)
{
    auto_lock struct lock *held = lock_scope(&s->prefix_lock);
    size_t i = 0;
    struct prefix_index *p = (struct prefix_index *)prefix_next(&s->prefixes, key, &i);

    *ret_exact = p && p->node.bytes.len == key.len;
    return p ? atomic_load(&p->rev) : UINT64_MAX;
}

/* Run until it commits. */

static void pause_a_little(int conflicts)
{
    uint64_t most = (uint64_t)RUN_PAUSE_US * 1000 * (uint64_t)(conflicts - RUN_PATIENCE);
    struct timespec ts = {.tv_nsec = (long)random_below(most < 50000000 ? most : 50000000)};

    nanosleep(&ts, NULL);
}

static int run_once(struct store *s, int (*fn)(struct txn *t, void *arg, struct err *e),
                    void *arg, uint64_t *ret_rev, struct err *e)
{
    struct txn *t;
    int r = txn_begin(s, 0, &t, e);

    if (r < 0)
        return r;
    r = fn(t, arg, e);
    if (r < 0) {
        txn_drop(t);
        return r;
    }
    return txn_commit_wait(t, ret_rev, e);
}

int store_run(struct store *s, int (*fn)(struct txn *t, void *arg, struct err *e), void *arg,
              int tries, uint64_t *ret_rev, struct err *e)
{
    int r = ERR_CONFLICT;

    if (tries <= 0)
        tries = RUN_TRIES;
    for (int i = 1; i <= tries && r == ERR_CONFLICT; i++) {
        if (i > RUN_PATIENCE + 1)
            pause_a_little(i - 1);
        err_reset(e);
        r = run_once(s, fn, arg, ret_rev, e);
    }
    return r;
}
