#include "nomad/server/job_store.h"

#include <string.h>

#include "nomad/server/job_api.h"
#include "nomad/server/scale.h"

/* ---- versions --------------------------------------------------------------------------- */

static int del_version(struct txn *t, const struct job *v, struct err *e)
{
    const struct table *const tables[] = {&job_version_table, &job_submission_table};
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(tables); i++) {
        struct key k;

        key_init(&k, tables[i]->name);
        key_addz(&k, v->namespace);
        key_addz(&k, v->id);
        key_add_u64(&k, OPT(v->version));
        r = table_del(t, tables[i], &k, e);
    }
    return r;
}

/* Versions beyond the newest few go, but for those that are tagged or that an alloc still
 * runs. */
static int trim_versions(struct txn *t, const struct job *j, struct err *e)
{
    uint64_t newest = OPT(j->version);
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    if (newest < JOB_VERSIONS_KEPT)
        return 0;
    key_init(&k, job_version_table.name);
    key_addz(&k, j->namespace);
    key_addz(&k, j->id);
    r = table_scan_begin(t, &it, &job_version_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        const struct job *v = o->body;

        if (OPT(v->version) + JOB_VERSIONS_KEPT > newest || v->version_tag)
            continue;
        r = job_version_in_use(t, v, e);
        if (r == 0)
            r = del_version(t, v, e);
        if (r < 0)
            break;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

/* 1: an alloc that is not over runs this version. */
int job_version_in_use(struct txn *t, const struct job *v, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    bool used = false;
    int r;

    table_index_key(&k, &alloc_table, "by_job");
    key_addz(&k, v->namespace);
    key_addz(&k, v->id);
    r = table_scan_index(t, &it, &alloc_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while (!used && (r = table_scan_next(&it, &o, e)) > 0) {
        const struct alloc *al = o->body;

        used = al->job_version == OPT(v->version) && !alloc_client_terminal(al);
    }
    table_scan_end(&it);
    return r < 0 ? r : used;
}

/* A version that is followed by another keeps the status that the job had as it. */
static int close_version(struct txn *t, const struct object *old, struct err *e)
{
    const struct job *was = old->body;
    const struct object *v;
    struct object *copy;
    int r = state_job_version(t, was->namespace, was->id, OPT(was->version), &v, e);

    if (r == ERR_NOTFOUND)
        return 0;
    if (r < 0)
        return r;
    if (strcmp(str_or_empty(((const struct job *)v->body)->status),
               str_or_empty(was->status)) == 0)
        return 0;
    copy = state_copy(v);
    ((struct job *)copy->body)->status = arena_strdup(copy->arena, was->status);
    return state_put(t, &job_version_table, copy, e);
}

int job_set_stable(struct txn *t, const struct object *version, bool stable, struct err *e)
{
    struct object *o = state_copy(version);
    struct job *v = o->body;
    const struct object *now;
    int r;

    opt_set(o->arena, &v->stable, stable);
    r = state_job(t, v->namespace, v->id, &now, e);
    if (r == 0 && OPT(((const struct job *)now->body)->version) == OPT(v->version)) {
        struct object *copy = state_copy(now);

        opt_set(copy->arena, &((struct job *)copy->body)->stable, stable);
        r = state_put(t, &job_table, copy, e);
    }
    if (r < 0 && r != ERR_NOTFOUND) {
        object_unref(o);
        return r;
    }
    return state_put(t, &job_version_table, o, e);
}

/* ---- writing ---------------------------------------------------------------------------- */

bool job_periodic_active(const struct job *j)
{
    return job_is_periodic(j) && !job_is_parameterized(j) && !job_is_stopped(j) &&
           (!j->periodic->enabled || *j->periodic->enabled);
}

/* A new version's times count from now on: what another one would have launched is not made up
 * for. The row is written at every change, so that the launcher looks at it again. */
static int note_periodic(const struct job_tx *x, const struct job *j, struct err *e)
{
    struct object *o;
    struct periodic_launch *l;

    if (!job_is_periodic(j))
        return 0;
    o = object_new(&periodic_launch_schema);
    l = o->body;
    l->namespace = arena_strdup(o->arena, j->namespace);
    l->job_id = arena_strdup(o->arena, j->id);
    l->at_s = x->now_ns / 1000000000;
    return state_put(x->txn, &periodic_launch_table, o, e);
}

/* Consumes `o`, the job's new row. */
static int put_version(const struct job_tx *x, struct object *o, const struct object *old,
                       struct err *e)
{
    struct object *version = object_new(&job_schema);
    const struct job *j = o->body;
    int r = old ? close_version(x->txn, old, e) : 0;

    /* a row of its own: its indexes are this commit's too */
    memcpy(version->body, schema_copy(&job_schema, j, version->arena), sizeof *j);
    if (r == 0)
        r = table_put(x->txn, &job_table, o, e);
    if (r == 0)
        r = table_put(x->txn, &job_version_table, version, e);
    if (r == 0)
        r = note_periodic(x, j, e);
    if (r == 0)
        r = trim_versions(x->txn, j, e);
    object_unref(version);
    object_unref(o);
    return r;
}

int job_put(const struct job_tx *x, const struct job *j, const struct object *old,
            uint64_t *ret_spec_index, struct err *e)
{
    const struct job *was = old ? old->body : NULL;
    bool same = was && !job_is_stopped(was) && job_spec_eq(was, j);
    struct object *o = object_new(&job_schema);
    struct job *n = o->body;
    int r;

    memcpy(n, schema_copy(&job_schema, j, o->arena), sizeof *n);
    opt_set(o->arena, &n->stop, false);
    opt_set(o->arena, &n->version, was ? OPT(was->version) + !same : 0);
    opt_set(o->arena, &n->stable, same && OPT(was->stable));
    opt_set(o->arena, &n->job_modify_index, same ? job_spec_index(old) : 0);
    opt_set(o->arena, &n->create_index, (uint64_t)0);
    opt_set(o->arena, &n->modify_index, (uint64_t)0);
    opt_set(o->arena, &n->submit_time, same ? OPT(was->submit_time) : x->now_ns);
    n->version_tag = same ? n->version_tag : NULL;
    n->status = was ? arena_strdup(o->arena, was->status) : "pending";
    if (job_is_periodic(n) || job_is_parameterized(n))
        n->status = "running";
    n->vault_token = n->consul_token = "";
    *ret_spec_index = OPT(n->job_modify_index);
    r = children_moved(x->txn, n, was ? was->status : NULL, n->status, e);
    if (r == 0)
        r = scaling_policies_put(x->txn, n, o->arena, e);
    if (r < 0) {
        object_unref(o);
        return r;
    }
    return same ? state_put(x->txn, &job_table, o, e) : put_version(x, o, old, e);
}

int job_put_stopped(const struct job_tx *x, const struct object *old, struct err *e)
{
    struct object *o = state_copy(old);
    struct job *j = o->body;

    opt_set(o->arena, &j->stop, true);
    opt_set(o->arena, &j->version, OPT(j->version) + 1);
    opt_set(o->arena, &j->job_modify_index, (uint64_t)0);
    opt_set(o->arena, &j->submit_time, x->now_ns);
    j->version_tag = NULL;
    return put_version(x, o, old, e);
}

int job_put_summary(const struct job_tx *x, const struct job *j, struct err *e)
{
    struct object *s;
    int r = summary_load(x->txn, j->namespace, j->id, &s, e);

    if (r < 0)
        return r;
    list_each (&j->groups, g)
        summary_group(s->body, g->name, s->arena);
    return state_put(x->txn, &job_summary_table, s, e);
}

int job_make_eval(const struct job_tx *x, const struct job *j, int64_t priority, const char *by,
                  uint64_t spec_index, const char **ret_id, struct err *e)
{
    struct eval_new n = {.namespace = j->namespace,
                         .job_id = j->id,
                         .type = j->type,
                         .triggered_by = by,
                         .priority = priority > 0 ? priority : OPT(j->priority),
                         .job_modify_index = spec_index};

    *ret_id = "";
    if (job_is_periodic(j) || job_is_parameterized(j))
        return 0;
    return eval_create(x->txn, x->arena, x->now_ns, &n, ret_id, e);
}

int job_put_child(const struct job_tx *x, const struct job *child, const char *by,
                  const char **ret_eval_id, struct err *e)
{
    uint64_t spec_index;
    int r = job_put(x, child, NULL, &spec_index, e);

    if (r == 0)
        r = job_put_summary(x, child, e);
    if (r == 0)
        r = job_make_eval(x, child, 0, by, spec_index, ret_eval_id, e);
    return r < 0 ? r : job_refresh_status(x->txn, child->namespace, child->id, e);
}

/* ---- purging ---------------------------------------------------------------------------- */

static int delete_below(struct txn *t, const struct table *table, const char *index,
                        const char *ns, const char *id, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    if (index)
        table_index_key(&k, table, index);
    else
        key_init(&k, table->name);
    key_addz(&k, ns);
    key_addz(&k, id);
    r = index ? table_scan_index(t, &it, table, &k, 0, e)
              : table_scan_begin(t, &it, table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        key_init(&k, table->name);
        table->key(o->body, &k);
        r = table_del(t, table, &k, e);
        if (r < 0)
            break;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

int job_purge(struct txn *t, const char *ns, const char *id, struct err *e)
{
    static const struct {
        const struct table *table;
        const char *index;
    } rows[] = {{&job_table, NULL},
                {&job_version_table, NULL},
                {&job_summary_table, NULL},
                {&job_submission_table, NULL},
                {&periodic_launch_table, NULL},
                {&scaling_event_table, NULL},
                {&scaling_policy_table, "by_job"}};
    const struct object *o;
    int r = state_job(t, ns, id, &o, e);

    if (r == 0)
        r = children_moved(t, o->body, ((const struct job *)o->body)->status, NULL, e);
    else if (r == ERR_NOTFOUND)
        r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(rows); i++)
        r = delete_below(t, rows[i].table, rows[i].index, ns, id, e);
    return r;
}
