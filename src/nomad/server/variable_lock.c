/* Locks of variables: whose time is over when. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "nomad/server/keyring.h"
#include "nomad/server/variables.h"

struct held {
    struct arena *arena; /* of all of it */
    const char *id, *namespace, *path;
    int64_t lost_ms, free_ms; /* monotonic */
};

struct variable_locks {
    struct lock lock;
    struct map by_id;
};

static void held_free(struct held *h)
{
    if (h)
        arena_free(h->arena);
}

static struct held *held_new(const struct variable *v)
{
    struct arena *a = arena_new(0);
    struct held *h = arena_new_of(a, struct held);

    *h = (struct held){.arena = a,
                       .id = arena_strdup(a, v->lock->id),
                       .namespace = arena_strdup(a, v->namespace),
                       .path = arena_strdup(a, v->path)};
    return h;
}

int variable_lock_hold(struct nomad_server *s, const struct variable *v, struct err *e)
{
    struct variable_locks *l = s->locks;
    auto_lock struct lock *held = lock_scope(&l->lock);
    struct held *h = map_get(&l->by_id, str_of(v->lock->id));

    if (!h && l->by_id.len >= LOCKS_MAX)
        return err_set(e, ERR_LIMIT, "%d variables are locked already", LOCKS_MAX);
    if (!h) {
        h = held_new(v);
        map_put(&l->by_id, str_of(h->id), h);
    }
    h->lost_ms = clock_mono_ms() + v->lock->ttl_ns / 1000000;
    h->free_ms = h->lost_ms + v->lock->delay_ns / 1000000;
    return 0;
}

bool variable_locks_full(struct nomad_server *s)
{
    auto_lock struct lock *held = lock_scope(&s->locks->lock);

    return s->locks->by_id.len >= LOCKS_MAX;
}

bool variable_lock_alive(struct nomad_server *s, const char *lock_id)
{
    auto_lock struct lock *held = lock_scope(&s->locks->lock);
    const struct held *h = map_get(&s->locks->by_id, str_of(lock_id));

    return h && clock_mono_ms() < h->lost_ms;
}

void variable_lock_drop(struct nomad_server *s, const char *lock_id)
{
    auto_lock struct lock *held = lock_scope(&s->locks->lock);

    held_free(map_del(&s->locks->by_id, str_of(lock_id)));
}

/* ---- the end of one ------------------------------------------------------------------------
 */

/* One whose time is over, copied; false: none. *ret_wait_ms: until the first of the others. */
static bool find_due(struct variable_locks *l, struct arena *a, struct held *ret,
                     int64_t *ret_wait_ms)
{
    auto_lock struct lock *held = lock_scope(&l->lock);
    int64_t now_ms = clock_mono_ms();
    void *v;

    for (size_t i = 0; map_next(&l->by_id, &i, NULL, &v);) {
        const struct held *h = v;

        if (h->free_ms <= now_ms) {
            *ret = (struct held){.id = arena_strdup(a, h->id),
                                 .namespace = arena_strdup(a, h->namespace),
                                 .path = arena_strdup(a, h->path)};
            return true;
        }
        if (h->free_ms - now_ms < *ret_wait_ms)
            *ret_wait_ms = h->free_ms - now_ms;
    }
    return false;
}

static int free_row(struct txn *t, void *arg, struct err *e)
{
    const struct held *h = arg;
    const struct object *o;
    struct variable v;
    int r = variable_get(t, h->namespace, h->path, &o, e);

    if (r == ERR_NOTFOUND)
        return 0;
    if (r < 0)
        return r;
    v = *(const struct variable *)o->body;
    if (!v.lock || strcmp(v.lock->id, h->id) != 0)
        return 0;
    v.lock = NULL;
    v.modify_index = 0;
    return variable_put(t, &v, e);
}

int variable_locks_turn(struct nomad_server *s, int64_t *ret_wait_ms, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct held due;

    *ret_wait_ms = INT64_MAX;
    while (find_due(s->locks, a, &due, ret_wait_ms)) {
        int r = store_run(s->opts.store, free_row, &due, 0, NULL, e);

        if (r < 0)
            return r;
        variable_lock_drop(s, due.id);
        *ret_wait_ms = INT64_MAX;
    }
    return 0;
}

/* ---- start and stop ------------------------------------------------------------------------
 */

static int hold_all(struct txn *t, void *arg, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    table_index_key(&k, &variable_table, "locked");
    r = table_scan_index(t, &it, &variable_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        r = variable_lock_hold(arg, o->body, e);
        if (r < 0)
            break;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

int variable_locks_start(struct nomad_server *s, struct err *e)
{
    s->locks = calloc(1, sizeof *s->locks);
    if (!s->locks)
        abort();
    lock_init(&s->locks->lock, "variable locks", RANK_SERVER);
    return store_run(s->opts.store, hold_all, s, 0, NULL, e);
}

void variable_locks_stop(struct nomad_server *s)
{
    void *h;

    if (!s->locks)
        return;
    for (size_t i = 0; map_next(&s->locks->by_id, &i, NULL, &h);)
        held_free(h);
    map_done(&s->locks->by_id);
    lock_done(&s->locks->lock);
    free(s->locks);
    s->locks = NULL;
}
