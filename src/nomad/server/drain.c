/*
 * Drains: what runs on a draining node moves away, as gently as its jobs ask for.
 *
 *     service   as many at a time as `migrate` allows, the next when replacements are healthy
 *     batch     may end by itself until the deadline
 *     system    last, unless it is to be left alone
 *
 * At the deadline (or at once, when forced) everything that is left moves. An alloc is told by
 * its desired transition and the scheduler does the rest, so each look only needs the rows.
 */
#include <string.h>

#include "nomad/server/list.h"
#include "nomad/server/node_api.h"

enum { MARKS_MAX = 400 }; /* of one transaction; the next look goes on */

struct draining {
    struct nomad_server *server;
    struct txn *t;
    struct arena *a;
    int64_t now_ns;
    const struct node *node;
    bool forced;
    LIST(const struct object *) left; /* allocs that are not over on the client */
    struct strlist jobs;              /* "namespace\njob" of those that were told */
    size_t marked;
};

static bool is_system(const struct alloc *al)
{
    return strncmp(str_or_empty(al->job_type), "sys", 3) == 0;
}

static bool is_told(const struct alloc *al)
{
    return alloc_server_terminal(al) ||
           (al->desired_transition && OPT(al->desired_transition->migrate));
}

static int find_left(struct draining *d, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    table_index_key(&k, &alloc_table, "by_node");
    key_addz(&k, d->node->id);
    r = table_scan_index(d->t, &it, &alloc_table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        const struct alloc *al = o->body;

        if (alloc_client_terminal(al) ||
            (is_system(al) && d->node->drain_strategy->ignore_system_jobs))
            continue;
        list_push(d->a, &d->left, o);
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

/* ---- telling ------------------------------------------------------------------------------
 */

static int eval_for(struct draining *d, const struct alloc *al, struct err *e)
{
    const char *key = arena_printf(d->a, "%s\n%s", al->namespace, al->job_id);
    struct eval_new n = {.namespace = al->namespace,
                         .job_id = al->job_id,
                         .type = al->job_type,
                         .triggered_by = EVAL_BY_NODE_DRAIN,
                         .node_id = d->node->id,
                         .priority = JOB_PRIORITY_DEFAULT};
    const struct object *job;
    int r;

    if (strlist_has(&d->jobs, key))
        return 0;
    list_push(d->a, &d->jobs, key);
    r = state_job(d->t, al->namespace, al->job_id, &job, e);
    if (r == 0) {
        n.priority = OPT(((const struct job *)job->body)->priority);
        n.job_modify_index = job_spec_index(job);
    } else if (r != ERR_NOTFOUND) {
        return r;
    }
    return eval_create(d->t, d->a, d->now_ns, &n, NULL, e);
}

static int tell(struct draining *d, const struct object *o, struct err *e)
{
    int r;

    if (is_told(o->body) || d->marked >= MARKS_MAX)
        return 0;
    d->marked++;
    r = alloc_want_transition(d->t, o, true, false, false, d->now_ns, e);
    return r < 0 ? r : eval_for(d, o->body, e);
}

/* ---- how many of a group may leave now ------------------------------------------------------
 */

/* One that does its work, and nobody has told it to leave. */
static bool does_its_work(const struct alloc *al)
{
    const struct alloc_deployment_status *ds = al->deployment_status;

    if (alloc_terminal(al) || is_told(al) || strcmp(al->client_status, ALLOC_RUNNING) != 0)
        return false;
    if (ds && ds->healthy)
        return *ds->healthy;
    return !al->deployment_id || !*al->deployment_id;
}

static int count_working(struct draining *d, const struct alloc *like, int64_t *ret,
                         struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    *ret = 0;
    table_index_key(&k, &alloc_table, "by_job");
    key_addz(&k, like->namespace);
    key_addz(&k, like->job_id);
    r = table_scan_index(d->t, &it, &alloc_table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        const struct alloc *al = o->body;

        *ret += strcmp(al->task_group, like->task_group) == 0 && does_its_work(al);
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static int may_leave(struct draining *d, const struct alloc *al, bool *ret, struct err *e)
{
    const struct object *job;
    const struct task_group *g;
    int64_t working, at_once = 1;
    int r = state_job(d->t, al->namespace, al->job_id, &job, e);

    *ret = true;
    if (r == ERR_NOTFOUND)
        return 0; /* nobody asks for it any more */
    if (r < 0)
        return r;
    g = job_group(job->body, al->task_group);
    if (!g || job_is_stopped(job->body))
        return 0;
    if (g->migrate && OPT(g->migrate->max_parallel) > 0)
        at_once = OPT(g->migrate->max_parallel);
    r = count_working(d, al, &working, e);
    *ret = working > OPT(g->count) - at_once;
    return r;
}

/* ---- the look -------------------------------------------------------------------------------
 */

static int tell_services(struct draining *d, size_t *ret_others, struct err *e)
{
    *ret_others = 0;
    list_each (&d->left, it) {
        const struct alloc *al = (*it)->body;
        bool batch = strcmp(str_or_empty(al->job_type), "batch") == 0, leaves = d->forced;
        int r = 0;

        if (is_system(al))
            continue;
        (*ret_others)++;
        if (!leaves && !batch && !is_told(al))
            r = may_leave(d, al, &leaves, e);
        if (r == 0 && leaves)
            r = tell(d, *it, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int tell_system(struct draining *d, struct err *e)
{
    list_each (&d->left, it) {
        int r = is_system((*it)->body) ? tell(d, *it, e) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

static int finish(struct draining *d, const struct object *old, struct err *e)
{
    struct object *o = state_copy(old);
    struct node *n = o->body;

    n->drain_strategy = NULL;
    if (!n->last_drain) {
        n->last_drain = arena_new_of(o->arena, struct drain_metadata);
        n->last_drain->started_at = d->now_ns;
        n->last_drain->accessor_id = "";
    }
    n->last_drain->status = "complete";
    n->last_drain->updated_at = d->now_ns;
    node_event_add(n, "Node drain complete", "Drain", d->now_ns, o->arena);
    return state_put(d->t, &node_table, o, e);
}

int drain_node(struct nomad_server *s, struct txn *t, struct arena *a,
               const struct object *node, int64_t now_ns, int64_t *ret_again, struct err *e)
{
    struct draining d = {.server = s, .t = t, .a = a, .now_ns = now_ns, .node = node->body};
    const struct drain_strategy *ds = d.node->drain_strategy;
    size_t others;
    int r;

    *ret_again = 0;
    if (!ds)
        return 0;
    d.forced = ds->deadline_ns < 0 || (ds->force_deadline && ds->force_deadline <= now_ns);
    r = find_left(&d, e);
    if (r == 0 && d.left.len == 0) {
        r = finish(&d, node, e);
        return r < 0 ? r : 1;
    }
    if (r == 0)
        r = tell_services(&d, &others, e);
    if (r == 0 && others == 0)
        r = tell_system(&d, e);
    if (r < 0)
        return r;
    if (!d.forced)
        *ret_again = ds->force_deadline;
    return d.marked > 0;
}
