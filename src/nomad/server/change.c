/*
 * Changes that several calls and loops make. Each keeps what hangs on it right inside the same
 * transaction:
 *
 *     alloc row -> summary counters of its group
 *               -> counters of its deployment
 *               -> the end of its tasks' tokens, when it becomes terminal on the client
 *               -> status of its job -> its parent's count of children
 */
#include <string.h>

#include "base/random.h"
#include "nomad/server/job_store.h"

int eval_create(struct txn *t, struct arena *a, int64_t now_ns, const struct eval_new *n,
                const char **ret_id, struct err *e)
{
    struct object *o = object_new(&eval_schema);
    struct eval *ev = o->body;
    char id[UUID_SIZE];

    random_uuid(id);
    ev->id = arena_strdup(o->arena, id);
    ev->namespace = arena_strdup(o->arena, n->namespace);
    ev->priority = n->priority;
    ev->type = arena_strdup(o->arena, n->type);
    ev->triggered_by = arena_strdup(o->arena, n->triggered_by);
    ev->job_id = arena_strdup(o->arena, n->job_id);
    ev->job_modify_index = n->job_modify_index;
    ev->node_id = arena_strdup(o->arena, str_or_empty(n->node_id));
    ev->node_modify_index = n->node_modify_index;
    ev->deployment_id = arena_strdup(o->arena, str_or_empty(n->deployment_id));
    ev->status = EVAL_PENDING;
    ev->status_description = arena_strdup(o->arena, str_or_empty(n->status_description));
    ev->wait_until = n->wait_until;
    ev->create_time = ev->modify_time = now_ns;
    if (ret_id)
        *ret_id = arena_strdup(a, id);
    return state_put(t, &eval_table, o, e);
}

/* ---- job status ------------------------------------------------------------------------- */

static int scan_index(struct txn *t, struct table_scan *it, const struct table *table,
                      const char *index, const char *ns, const char *id, struct err *e)
{
    struct key k;

    table_index_key(&k, table, index);
    key_addz(&k, ns);
    key_addz(&k, id);
    return table_scan_index(t, it, table, &k, 0, e);
}

static int alloc_facts(struct txn *t, const char *ns, const char *id,
                       struct job_status_facts *f, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    int r = scan_index(t, &it, &alloc_table, "by_job", ns, id, e);

    if (r < 0)
        return r;
    while (!f->has_live_alloc && (r = table_scan_next(&it, &o, e)) > 0) {
        f->has_alloc = true;
        f->has_live_alloc = !alloc_terminal(o->body);
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static int eval_facts(struct txn *t, const char *ns, const char *id, struct job_status_facts *f,
                      struct err *e)
{
    const struct object *o;
    struct table_scan it;
    int r = scan_index(t, &it, &eval_table, "by_job", ns, id, e);

    if (r < 0)
        return r;
    while (!f->has_live_eval && (r = table_scan_next(&it, &o, e)) > 0) {
        f->has_eval = true;
        f->has_live_eval = !eval_terminal(o->body);
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

int job_latest_deployment(struct txn *t, const char *ns, const char *id,
                          const struct object **ret, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    int r = scan_index(t, &it, &deployment_table, "by_job", ns, id, e);

    *ret = NULL;
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        if (!*ret || o->create_rev > (*ret)->create_rev)
            *ret = o;
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static int job_facts(struct txn *t, const char *ns, const char *id, struct job_status_facts *f,
                     struct err *e)
{
    const struct object *d;
    int r = alloc_facts(t, ns, id, f, e);

    if (r == 0 && !f->has_live_alloc)
        r = eval_facts(t, ns, id, f, e);
    if (r == 0)
        r = job_latest_deployment(t, ns, id, &d, e);
    if (r == 0)
        f->has_live_deployment = d && deployment_active(d->body);
    return r;
}

static void count_child(struct children_summary *c, const char *status, int64_t by)
{
    int64_t *n = strcmp(status, "dead") == 0      ? &c->dead
                 : strcmp(status, "running") == 0 ? &c->running
                                                  : &c->pending;

    *n = *n + by > 0 ? *n + by : 0;
}

int children_moved(struct txn *t, const struct job *child, const char *from, const char *to,
                   struct err *e)
{
    const struct object *o;
    struct object *s;
    struct key k;
    int r;

    if (!child->parent_id || !*child->parent_id || (from && to && strcmp(from, to) == 0))
        return 0;
    key_init(&k, job_summary_table.name);
    key_addz(&k, child->namespace);
    key_addz(&k, child->parent_id);
    r = table_get(t, &job_summary_table, &k, &o, e);
    if (r == ERR_NOTFOUND) /* the parent was purged */
        return 0;
    if (r < 0)
        return r;
    s = state_copy(o);
    if (from)
        count_child(&((struct job_summary *)s->body)->children, from, -1);
    if (to)
        count_child(&((struct job_summary *)s->body)->children, to, 1);
    return state_put(t, &job_summary_table, s, e);
}

int job_refresh_status(struct txn *t, const char *ns, const char *id, struct err *e)
{
    struct job_status_facts f = {0};
    const struct object *o;
    struct object *copy;
    const char *status, *was;
    int r = state_job(t, ns, id, &o, e);

    if (r == ERR_NOTFOUND)
        return 0;
    if (r == 0)
        r = job_facts(t, ns, id, &f, e);
    if (r < 0)
        return r;
    status = job_status(o->body, &f);
    was = str_or_empty(((const struct job *)o->body)->status);
    if (strcmp(was, status) == 0)
        return 0;
    r = children_moved(t, o->body, was, status, e);
    if (r < 0)
        return r;
    copy = state_copy(o);
    ((struct job *)copy->body)->status = status;
    return state_put(t, &job_table, copy, e);
}

/* ---- summary ---------------------------------------------------------------------------- */

int summary_load(struct txn *t, const char *ns, const char *job_id, struct object **ret,
                 struct err *e)
{
    const struct object *o;
    struct key k;
    int r;

    key_init(&k, job_summary_table.name);
    key_addz(&k, ns);
    key_addz(&k, job_id);
    r = table_get(t, &job_summary_table, &k, &o, e);
    if (r == ERR_NOTFOUND) {
        struct object *fresh = object_new(&job_summary_schema);
        struct job_summary *s = fresh->body;

        s->namespace = arena_strdup(fresh->arena, ns);
        s->job_id = arena_strdup(fresh->arena, job_id);
        *ret = fresh;
        return 0;
    }
    if (r == 0)
        *ret = state_copy(o);
    return r;
}

static int move_summary(struct txn *t, const struct alloc *al, const struct alloc *old,
                        struct err *e)
{
    struct object *s;
    int r;

    if (old && strcmp(old->client_status, al->client_status) == 0)
        return 0;
    r = summary_load(t, al->namespace, al->job_id, &s, e);
    if (r < 0)
        return r;
    summary_alloc_moved(summary_group(s->body, al->task_group, s->arena),
                        old ? old->client_status : NULL, al->client_status);
    return state_put(t, &job_summary_table, s, e);
}

/* ---- deployment ------------------------------------------------------------------------- */

static int healthy_of(const struct alloc *al) /* 1, 0, -1: not known */
{
    if (!al || !al->deployment_status || !al->deployment_status->healthy)
        return -1;
    return *al->deployment_status->healthy;
}

static struct deployment_group *group_of(struct deployment *d, const char *name)
{
    list_each (&d->groups, g)
        if (strcmp(g->name, name) == 0)
            return g;
    return NULL;
}

/* A health that becomes known moves the counters and gives the group new time. */
static int move_deployment(struct txn *t, const struct alloc *al, const struct alloc *old,
                           int64_t now_ns, struct err *e)
{
    int is = healthy_of(al), was = healthy_of(old);
    struct deployment_group *g;
    const struct object *o;
    struct object *copy;
    int r;

    if (is == was || is < 0 || !al->deployment_id || !*al->deployment_id)
        return 0;
    r = state_deployment(t, al->deployment_id, &o, e);
    if (r == ERR_NOTFOUND)
        return 0;
    if (r < 0)
        return r;
    copy = state_copy(o);
    g = group_of(copy->body, al->task_group);
    if (g) {
        g->healthy_allocs += is == 1;
        g->unhealthy_allocs += is == 0;
        g->healthy_allocs -= was == 1 && g->healthy_allocs > 0;
        g->unhealthy_allocs -= was == 0 && g->unhealthy_allocs > 0;
        if (is == 1 && g->progress_deadline_ns)
            g->require_progress_by = now_ns + g->progress_deadline_ns;
    }
    ((struct deployment *)copy->body)->modify_time = now_ns;
    return state_put(t, &deployment_table, copy, e);
}

/* ---- allocs ----------------------------------------------------------------------------- */

static int end_tokens(struct nomad_server *s, struct txn *t, const struct alloc *al,
                      int64_t now_ns, struct err *e)
{
    const struct task_secrets *ts = s->opts.secrets;
    int r = ts && ts->alloc_ended ? ts->alloc_ended(ts->ctx, t, al->id, e) : 0;

    return r < 0 ? r : accessors_queue_revocation(t, al->id, now_ns, e);
}

int alloc_write(struct nomad_server *s, struct txn *t, struct object *o,
                const struct object *old, int64_t now_ns, struct err *e)
{
    const struct alloc *al = o->body, *was = old ? old->body : NULL;
    bool ended = alloc_client_terminal(al) && !(was && alloc_client_terminal(was));
    int r = move_summary(t, al, was, e);

    if (r == 0)
        r = move_deployment(t, al, was, now_ns, e);
    if (r == 0 && ended)
        r = end_tokens(s, t, al, now_ns, e);
    if (r == 0 && al->alloc_modify_index == 0)
        r = node_mark(t, al->node_id, e);
    if (r == 0)
        r = table_put(t, &alloc_table, o, e);
    if (r == 0 && (!was || alloc_terminal(al) != alloc_terminal(was)))
        r = job_refresh_status(t, al->namespace, al->job_id, e);
    object_unref(o);
    return r;
}
