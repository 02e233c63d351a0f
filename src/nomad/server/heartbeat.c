/*
 * Heartbeats: a deadline per node; who misses it is down, or disconnected while an alloc on it
 * may come back (its group's lost_after), and its jobs are evaluated.
 *
 *      ready --no heartbeat until TTL + grace--> down ---------+--heartbeat or
 *        |                                        ^            |  registration--> ready
 *        +--the same, an alloc may come back--> disconnected --+
 *                                     (down when none may any more)
 *
 * Deadlines live in memory: after a start every node gets one whole TTL before it is missed.
 */
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/random.h"
#include "nomad/server/node_api.h"

enum {
    MIN_TTL_MS = 10000,
    GRACE_MS = 10000,
    RATE_PER_SECOND = 50,
    DOWN_BATCH = 64,
    TURN_MS = 500,
};

struct beat {
    char id[UUID_SIZE];
    int64_t deadline_ms;
};

struct heartbeats {
    struct nomad_server *server;
    struct thread thread;
    struct stopper stop;
    struct lock lock; /* the map */
    struct map by_id;
};

static int64_t or_default(int64_t given, int64_t other)
{
    return given > 0 ? given : other;
}

/* So that all nodes together stay below the wanted rate. */
static int64_t ttl_for(const struct nomad_server *s, size_t nodes)
{
    double rate = s->opts.max_heartbeats_per_second > 0 ? s->opts.max_heartbeats_per_second
                                                        : RATE_PER_SECOND;
    int64_t min = or_default(s->opts.min_heartbeat_ttl_ms, MIN_TTL_MS);
    int64_t ttl = (int64_t)((double)nodes * 1000 / rate);

    ttl = ttl < min ? min : ttl;
    return ttl + (int64_t)random_below((uint64_t)ttl);
}

int64_t heartbeat_reset(struct nomad_server *s, const char *node_id)
{
    struct heartbeats *h = s->heartbeats;
    struct beat *b;
    int64_t ttl;

    if (!h || strlen(node_id) >= UUID_SIZE)
        return MIN_TTL_MS;
    lock_take(&h->lock);
    b = map_get(&h->by_id, str_of(node_id));
    if (!b) {
        b = calloc(1, sizeof *b);
        if (!b)
            abort();
        memcpy(b->id, node_id, strlen(node_id) + 1);
        map_put(&h->by_id, str_of(b->id), b);
    }
    ttl = ttl_for(s, h->by_id.len);
    b->deadline_ms = clock_mono_ms() + ttl + or_default(s->opts.heartbeat_grace_ms, GRACE_MS);
    lock_drop(&h->lock);
    return ttl;
}

void heartbeat_forget(struct nomad_server *s, const char *node_id)
{
    struct heartbeats *h = s->heartbeats;

    if (!h)
        return;
    lock_take(&h->lock);
    free(map_del(&h->by_id, str_of(node_id)));
    lock_drop(&h->lock);
}

/* ---- those who missed it ---------------------------------------------------------------- */

static size_t take_late(struct heartbeats *h, char ret[DOWN_BATCH][UUID_SIZE])
{
    int64_t now = clock_mono_ms();
    void *value;
    size_t n = 0;

    lock_take(&h->lock);
    for (size_t i = 0; n < DOWN_BATCH && map_next(&h->by_id, &i, NULL, &value);) {
        struct beat *b = value;

        if (b->deadline_ms <= now)
            memcpy(ret[n++], b->id, UUID_SIZE);
    }
    for (size_t i = 0; i < n; i++)
        free(map_del(&h->by_id, str_of(ret[i])));
    lock_drop(&h->lock);
    return n;
}

struct missed {
    struct nomad_server *server;
    const char *id;
    bool disconnected; /* answer: not down, look again */
    bool changed;
};

static int may_come_back(struct txn *t, const struct alloc *al, int64_t now_ns, bool *ret,
                         struct err *e)
{
    const struct task_group *g;
    const struct object *job;
    struct disconnect_rules d;
    int64_t since = alloc_unknown_since(al);
    int r;

    if (alloc_terminal(al) || strcmp(al->client_status, ALLOC_PENDING) == 0)
        return 0;
    r = state_job_version(t, al->namespace, al->job_id, al->job_version, &job, e);
    if (r < 0)
        return r == ERR_NOTFOUND ? 0 : r;
    g = job_group(job->body, al->task_group);
    if (!g)
        return 0;
    group_disconnect(g, &d);
    *ret = d.lost_after_ns > 0 && (!since || since + d.lost_after_ns > now_ns);
    return 0;
}

static int some_may_come_back(struct txn *t, const char *node_id, int64_t now_ns, bool *ret,
                              struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    *ret = false;
    table_index_key(&k, &alloc_table, "by_node");
    key_addz(&k, node_id);
    r = table_scan_index(t, &it, &alloc_table, &k, 0, e);
    if (r < 0)
        return r;
    while (!*ret && (r = table_scan_next(&it, &o, e)) > 0) {
        r = may_come_back(t, o->body, now_ns, ret, e);
        if (r < 0)
            break;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static int mark_missed(struct txn *t, void *arg, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct strlist ids = {0};
    struct missed *d = arg;
    const struct object *old;
    const char *status;
    struct object *o;
    struct node *n;
    int64_t now = clock_wall_ns();
    int r;

    d->changed = false;
    r = state_node(t, d->id, &old, e);

    if (r == ERR_NOTFOUND)
        return 0;
    if (r == 0)
        r = some_may_come_back(t, d->id, now, &d->disconnected, e);
    status = d->disconnected ? "disconnected" : "down";
    if (r < 0 || strcmp(((const struct node *)old->body)->status, status) == 0)
        return r;
    o = state_copy(old);
    n = o->body;
    n->status = status;
    d->changed = true;
    n->status_updated_at = now / 1000000000;
    node_event_add(n, "Node heartbeat missed", "Cluster", now, o->arena);
    r = state_put(t, &node_table, o, e);
    return r < 0 ? r : node_evals_create(t, a, now, d->id, &ids, e);
}

static void miss(struct heartbeats *h, const char *id)
{
    struct missed d = {h->server, id, false, false};
    struct err e = ERR_INIT;
    int r = store_run(h->server->opts.store, mark_missed, &d, 0, NULL, &e);

    if (d.changed)
        log_warn("heartbeat", "node TTL expired node_id=%s", id);
    if (r < 0)
        log_error("heartbeat", "node %s is not marked down, retrying: %s", id, e.msg);
    if (r < 0 || d.disconnected)
        heartbeat_reset(h->server, id);
}

static void run(void *arg)
{
    struct heartbeats *h = arg;
    char late[DOWN_BATCH][UUID_SIZE];

    while (!stopper_wait_until(&h->stop, clock_mono_ms() + TURN_MS)) {
        size_t n = take_late(h, late);

        for (size_t i = 0; i < n; i++) {
            miss(h, late[i]);
        }
    }
}

/* ---- life ------------------------------------------------------------------------------- */

static int load_nodes(struct nomad_server *s, struct err *e)
{
    auto_txn struct txn *t = NULL;
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r = txn_begin(s->opts.store, TXN_READ_ONLY, &t, e);

    if (r < 0)
        return r;
    table_prefix(&node_table, &k);
    r = table_scan_begin(t, &it, &node_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        if (strcmp(((const struct node *)o->body)->status, "ready") == 0 ||
            strcmp(((const struct node *)o->body)->status, "disconnected") == 0)
            heartbeat_reset(s, ((const struct node *)o->body)->id);
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

int heartbeats_start(struct nomad_server *s, struct err *e)
{
    struct heartbeats *h = calloc(1, sizeof *h);
    int r;

    if (!h)
        abort();
    s->heartbeats = h;
    h->server = s;
    lock_init(&h->lock, "heartbeats", RANK_SERVER + 1);
    r = stopper_init(&h->stop, e);
    if (r == 0)
        r = load_nodes(s, e);
    return r < 0 ? r : thread_start(&h->thread, "heartbeats", run, h, e);
}

void heartbeats_stop(struct nomad_server *s)
{
    struct heartbeats *h = s->heartbeats;
    void *value;

    if (!h)
        return;
    stopper_stop(&h->stop);
    thread_join(&h->thread);
    for (size_t i = 0; map_next(&h->by_id, &i, NULL, &value);)
        free(value);
    map_done(&h->by_id);
    lock_done(&h->lock);
    stopper_done(&h->stop);
    free(h);
    s->heartbeats = NULL;
}
