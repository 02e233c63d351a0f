/*
 * Whom a change of a node concerns: each job with an alloc on it, over or not, and every system
 * job, gets an evaluation "node-update".
 */
#include <string.h>

#include "nomad/server/node_api.h"

struct concerned {
    struct txn *t;
    struct arena *a;
    int64_t now_ns;
    const char *node_id;
    struct strlist done, *ids; /* done: "namespace\njob" */
};

static int eval_for(struct concerned *k, const struct object *job, struct err *e)
{
    const struct job *j = job->body;
    struct eval_new n = {.namespace = j->namespace,
                         .job_id = j->id,
                         .type = j->type,
                         .triggered_by = EVAL_BY_NODE_UPDATE,
                         .node_id = k->node_id,
                         .priority = OPT(j->priority),
                         .job_modify_index = job_spec_index(job)};
    const char *key = arena_printf(k->a, "%s\n%s", j->namespace, j->id), *id;
    int r;

    if (strlist_has(&k->done, key))
        return 0;
    list_push(k->a, &k->done, key);
    r = eval_create(k->t, k->a, k->now_ns, &n, &id, e);
    if (r == 0)
        list_push(k->a, k->ids, id);
    return r;
}

static int for_allocs(struct concerned *c, struct err *e)
{
    const struct object *o, *job;
    struct table_scan it;
    struct key k;
    int r;

    table_index_key(&k, &alloc_table, "by_node");
    key_addz(&k, c->node_id);
    r = table_scan_index(c->t, &it, &alloc_table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        const struct alloc *al = o->body;

        r = state_job(c->t, al->namespace, al->job_id, &job, e);
        if (r == 0)
            r = eval_for(c, job, e);
        if (r < 0 && r != ERR_NOTFOUND)
            break;
    }
    table_scan_end(&it);
    return r < 0 && r != ERR_NOTFOUND ? r : 0;
}

static bool runs_everywhere(const struct job *j)
{
    bool system = strcmp(j->type, "system") == 0 || strcmp(j->type, "sysbatch") == 0;

    return system && !job_is_stopped(j) && !job_is_periodic(j) && !job_is_parameterized(j);
}

static int for_system_jobs(struct concerned *c, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    table_prefix(&job_table, &k);
    r = table_scan_begin(c->t, &it, &job_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        r = runs_everywhere(o->body) ? eval_for(c, o, e) : 0;
        if (r < 0)
            break;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

int node_evals_create(struct txn *t, struct arena *a, int64_t now_ns, const char *node_id,
                      struct strlist *ret_ids, struct err *e)
{
    struct concerned c = {t, a, now_ns, node_id, {0}, ret_ids};
    int r = for_allocs(&c, e);

    return r < 0 ? r : for_system_jobs(&c, e);
}
