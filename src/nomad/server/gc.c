/* Garbage collection: what may go, and the sweep. */
#include "nomad/server/gc.h"

#include <string.h>

#include "base/clock.h"
#include "nomad/server/job_api.h"

#define HOUR_MS INT64_C(3600000)

struct slice {
    struct gc *g;
    struct txn *t;
    struct arena *a;
    int64_t now_ns;
    size_t writes;
    bool full; /* no more writes in this one: stay on the row */
};

static int64_t or_default(int64_t ms, int64_t def_ms)
{
    return ms > 0 ? ms : def_ms;
}

/* Is what happened at `at_ns` old enough? */
static bool is_old(const struct slice *s, int64_t at_ns, int64_t threshold_ms)
{
    return s->g->force || (s->now_ns - at_ns) / 1000000 >= threshold_ms;
}

static bool same(const char *a, const char *b)
{
    return strcmp(str_or_empty(a), str_or_empty(b)) == 0;
}

/* ---- collecting and deleting ----------------------------------------------------------------
 */

typedef LIST(const struct object *) objects;

static int by_index(struct slice *s, const struct table *t, const char *index, const char *p1,
                    const char *p2, objects *ret, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    table_index_key(&k, t, index);
    key_addz(&k, p1);
    if (p2)
        key_addz(&k, p2);
    r = table_scan_index(s->t, &it, t, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        list_push(s->a, ret, o);
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static int delete_row(struct slice *s, const struct table *t, const struct object *o,
                      struct err *e)
{
    struct key k;

    if (s->writes >= GC_WRITES_MAX) {
        s->full = true;
        return 0;
    }
    s->writes++;
    key_init(&k, t->name);
    t->key(o->body, &k);
    return table_del(s->t, t, &k, e);
}

static int delete_all(struct slice *s, const struct table *t, const objects *l, struct err *e)
{
    int r = 0;

    for (size_t i = 0; r == 0 && !s->full && i < l->len; i++)
        r = delete_row(s, t, l->at[i], e);
    return r;
}

/* *ret NULL: purged. */
static int find_job(struct slice *s, const char *ns, const char *id, const struct job **ret,
                    struct err *e)
{
    const struct object *o;
    int r = state_job(s->t, ns, id, &o, e);

    *ret = r == 0 ? o->body : NULL;
    return r == ERR_NOTFOUND ? 0 : r;
}

static bool is_dead(const struct job *j)
{
    return same(j->status, "dead");
}

/* ---- jobs
 * ------------------------------------------------------------------------------------ */

static bool job_may_go(const struct slice *s, const struct job *j)
{
    bool batch = same(j->type, "batch") || same(j->type, "sysbatch");
    int64_t threshold = or_default(s->g->server->opts.job_gc_threshold_ms, 4 * HOUR_MS);

    if (!is_dead(j) || j->version_tag || (!OPT(j->stop) && !batch))
        return false;
    return is_old(s, OPT(j->submit_time), threshold);
}

/* Everything of the job is over, and has been for as long as the job must be. */
static bool all_over(const struct slice *s, const objects *evals, const objects *allocs)
{
    int64_t threshold = or_default(s->g->server->opts.job_gc_threshold_ms, 4 * HOUR_MS);

    list_each (evals, it) {
        const struct eval *ev = (*it)->body;

        if (!eval_terminal(ev) || !is_old(s, ev->modify_time, threshold))
            return false;
    }
    list_each (allocs, it) {
        const struct alloc *al = (*it)->body;

        if (!alloc_client_terminal(al) || !is_old(s, al->modify_time, threshold))
            return false;
    }
    return true;
}

static int collect_job(struct slice *s, const struct object *o, struct err *e)
{
    const struct job *j = o->body;
    objects evals = {0}, allocs = {0}, deployments = {0};
    int r;

    if (!job_may_go(s, j))
        return 0;
    r = by_index(s, &eval_table, "by_job", j->namespace, j->id, &evals, e);
    if (r == 0)
        r = by_index(s, &alloc_table, "by_job", j->namespace, j->id, &allocs, e);
    if (r == 0)
        r = by_index(s, &deployment_table, "by_job", j->namespace, j->id, &deployments, e);
    if (r < 0 || !all_over(s, &evals, &allocs))
        return r;
    r = delete_all(s, &alloc_table, &allocs, e);
    if (r == 0)
        r = delete_all(s, &deployment_table, &deployments, e);
    if (r == 0)
        r = delete_all(s, &eval_table, &evals, e);
    return r < 0 || s->full ? r : job_purge(s->t, j->namespace, j->id, e);
}

/* ---- evaluations
 * ------------------------------------------------------------------------------ */

/* A failed alloc that was not replaced shows why its job does not run: it stays. */
static bool alloc_may_go(const struct slice *s, const struct alloc *al, const struct job *j,
                         int64_t threshold)
{
    if (!alloc_client_terminal(al) || !is_old(s, al->modify_time, threshold))
        return false;
    return !j || job_is_stopped(j) || is_dead(j) || alloc_server_terminal(al) ||
           !same(al->next_allocation, "");
}

/* What a finished batch job has run is known by its allocs: they stay as long as it may run. */
static bool eval_may_go(const struct slice *s, const struct eval *ev, const struct job *j,
                        int64_t *ret_threshold)
{
    const struct nomad_server_opts *o = &s->g->server->opts;
    bool batch = same(ev->type, "batch") || same(ev->type, "sysbatch");

    *ret_threshold = or_default(o->eval_gc_threshold_ms, HOUR_MS);
    if (batch && j && !OPT(j->stop)) {
        *ret_threshold = or_default(o->batch_eval_gc_threshold_ms, 24 * HOUR_MS);
        if (!is_dead(j))
            return false;
    }
    return eval_terminal(ev) && is_old(s, ev->modify_time, *ret_threshold);
}

static int collect_eval(struct slice *s, const struct object *o, struct err *e)
{
    const struct eval *ev = o->body;
    objects allocs = {0}, gone = {0};
    const struct job *j;
    int64_t threshold;
    int r;

    if (!eval_terminal(ev))
        return 0;
    r = find_job(s, ev->namespace, ev->job_id, &j, e);
    if (r < 0 || !eval_may_go(s, ev, j, &threshold))
        return r;
    r = by_index(s, &alloc_table, "by_eval", ev->id, NULL, &allocs, e);
    if (r < 0)
        return r;
    list_each (&allocs, it)
        if (alloc_may_go(s, (*it)->body, j, threshold))
            list_push(s->a, &gone, *it);
    r = delete_all(s, &alloc_table, &gone, e);
    if (r < 0 || s->full || gone.len < allocs.len)
        return r;
    return delete_row(s, &eval_table, o, e);
}

/* ---- deployments, nodes
 * ------------------------------------------------------------------------ */

static int collect_deployment(struct slice *s, const struct object *o, struct err *e)
{
    const struct deployment *d = o->body;
    int64_t threshold = or_default(s->g->server->opts.deployment_gc_threshold_ms, HOUR_MS);
    objects allocs = {0};
    int r;

    if (deployment_active(d) || !is_old(s, d->modify_time, threshold))
        return 0;
    r = by_index(s, &alloc_table, "by_deployment", d->id, NULL, &allocs, e);
    if (r < 0)
        return r;
    list_each (&allocs, it)
        if (!alloc_client_terminal((*it)->body))
            return 0;
    return delete_row(s, &deployment_table, o, e);
}

static int collect_node(struct slice *s, const struct object *o, struct err *e)
{
    const struct node *n = o->body;
    int64_t threshold = or_default(s->g->server->opts.node_gc_threshold_ms, 24 * HOUR_MS);
    objects allocs = {0};
    int r;

    if (!same(n->status, "down") || !is_old(s, n->status_updated_at * 1000000000, threshold))
        return 0;
    r = by_index(s, &alloc_table, "by_node", n->id, NULL, &allocs, e);
    if (r < 0)
        return r;
    list_each (&allocs, it)
        if (!alloc_terminal((*it)->body))
            return 0;
    return delete_row(s, &node_table, o, e);
}

/* ---- the sweep
 * --------------------------------------------------------------------------------- */

static const struct phase {
    const struct table *table;
    int (*collect)(struct slice *s, const struct object *o, struct err *e);
} phases[] = {{&job_table, collect_job},
              {&eval_table, collect_eval},
              {&deployment_table, collect_deployment},
              {&node_table, collect_node}};

struct attempt {
    struct gc *g;
    struct gc next; /* where the sweep stands if it commits */
};

static int begin_scan(struct slice *s, const struct table *t, struct table_scan *it,
                      struct err *e)
{
    struct key k;
    int r;

    table_prefix(t, &k);
    r = table_scan_begin(s->t, it, t, &k, SCAN_PEEK, e);
    if (r == 0 && s->g->cursor_len) {
        /* the next key after it */
        r = scan_seek(&it->scan, str_n(s->g->cursor, s->g->cursor_len + 1), e);
        if (r < 0)
            table_scan_end(it);
    }
    return r;
}

/* The row again, so that the commit depends on it. */
static int look_at(struct slice *s, const struct phase *p, const struct object *seen,
                   struct err *e)
{
    const struct object *o;
    struct key k;
    int r;

    key_init(&k, p->table->name);
    p->table->key(seen->body, &k);
    r = table_get(s->t, p->table, &k, &o, e);
    if (r == ERR_NOTFOUND)
        return 0;
    return r < 0 ? r : p->collect(s, o, e);
}

static void remember(struct gc *next, const struct table_scan *it)
{
    next->cursor_len = it->index_key.len;
    memcpy(next->cursor, it->index_key.p, it->index_key.len);
    next->cursor[it->index_key.len] = '\0'; /* counted when the scan goes on behind it */
}

static void next_phase(struct gc *next)
{
    next->phase++;
    next->cursor_len = 0;
    next->running = next->phase < (int)ARRAY_LEN(phases);
}

static int sweep_rows(struct slice *s, struct gc *next, struct err *e)
{
    const struct phase *p = &phases[s->g->phase];
    const struct object *o;
    struct table_scan it;
    int r = begin_scan(s, p->table, &it, e);

    if (r < 0)
        return r;
    for (size_t looked = 0; looked < GC_LOOK_MAX && !s->full; looked++) {
        r = table_scan_next(&it, &o, e);
        if (r == 0)
            next_phase(next);
        if (r <= 0)
            break;
        r = look_at(s, p, o, e);
        if (r < 0)
            break;
        if (!s->full)
            remember(next, &it);
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static int run_slice(struct txn *t, void *arg, struct err *e)
{
    struct attempt *at = arg;
    auto_arena struct arena *a = arena_new(0);
    struct slice s = {.g = at->g, .t = t, .a = a, .now_ns = clock_wall_ns()};

    at->next = *at->g;
    return sweep_rows(&s, &at->next, e);
}

void gc_start(struct gc *g, bool force)
{
    g->running = true;
    g->force = force;
    g->phase = 0;
    g->cursor_len = 0;
}

int gc_slice(struct gc *g, struct err *e)
{
    struct attempt at = {.g = g};
    int r;

    if (!g->running)
        return 0;
    r = store_run(g->server->opts.store, run_slice, &at, 0, NULL, e);
    if (r < 0)
        return r;
    *g = at.next;
    return g->running;
}
