/* /v1/jobs/statuses: what the web page shows of each job. */
#include <stdlib.h>
#include <string.h>

#include "nomad/server/job_api.h"
#include "nomad/server/list.h"

struct wanted_job {
    const char *id, *namespace;
};

struct statuses_body {
    LIST(struct wanted_job) jobs;
    bool include_children;
};

static const struct schema_field wanted_fields[] = {
    {"ID", NULL, F_STR, offsetof(struct wanted_job, id)},
    {"Namespace", NULL, F_STR, offsetof(struct wanted_job, namespace)},
};
static SCHEMA(wanted_schema, "job", struct wanted_job, wanted_fields);

static const struct schema_field statuses_fields[] = {
    {"Jobs", NULL, F_LIST, offsetof(struct statuses_body, jobs), .sub = &wanted_schema},
    {"IncludeChildren", NULL, F_BOOL, offsetof(struct statuses_body, include_children)},
};
static SCHEMA(statuses_schema, "request", struct statuses_body, statuses_fields);

static bool is_wanted(const struct statuses_body *b, const struct job *j,
                      const struct rights *r)
{
    bool child = j->parent_id && *j->parent_id;

    if (!rights_namespace(r, j->namespace, CAP_READ_JOB))
        return false;
    if (b->jobs.len == 0)
        return !child || b->include_children;
    list_each (&b->jobs, it) {
        const char *ns = it->namespace && *it->namespace ? it->namespace : "default";

        if (strcmp(ns, j->namespace) == 0 && it->id &&
            (strcmp(it->id, j->id) == 0 ||
             (b->include_children && child && strcmp(it->id, j->parent_id) == 0)))
            return true;
    }
    return false;
}

static void keep_wanted(struct list *l, const struct statuses_body *b)
{
    size_t n = 0;

    for (size_t i = 0; i < l->at.len; i++)
        if (is_wanted(b, l->at.at[i]->body, call_rights(l->c)))
            l->at.at[n++] = l->at.at[i];
    l->at.len = n;
}

static int newest_first(const void *a, const void *b)
{
    const struct object *x = *(const struct object *const *)a;
    const struct object *y = *(const struct object *const *)b;

    return x->mod_rev == y->mod_rev ? 0 : x->mod_rev > y->mod_rev ? -1 : 1;
}

static void write_status_alloc(struct json_out *w, const struct alloc *al)
{
    const struct alloc_deployment_status *ds = al->deployment_status;

    json_obj(w);
    json_kv_str(w, "ClientStatus", al->client_status);
    json_key(w, "DeploymentStatus");
    json_obj(w);
    json_kv_bool(w, "Canary", ds && ds->canary);
    if (ds && ds->healthy)
        json_kv_bool(w, "Healthy", *ds->healthy);
    else
        json_kv_null(w, "Healthy");
    json_obj_end(w);
    json_kv_str(w, "FollowupEvalID", str_or_empty(al->followup_eval_id));
    json_kv_str(w, "Group", al->task_group);
    json_kv_bool(w, "HasPausedTask", false);
    json_kv_str(w, "ID", al->id);
    json_kv_u64(w, "JobVersion", al->job_version);
    json_kv_str(w, "NodeID", al->node_id);
    json_obj_end(w);
}

static void write_allocs(struct list *l, struct json_out *w, const struct job *j)
{
    struct list allocs = {.c = l->c};

    json_key(w, "Allocs");
    json_arr(w);
    if (list_scan(&allocs, &alloc_table, "by_job", j->namespace, j->id, NULL) == 0)
        for (size_t i = 0; i < allocs.at.len; i++)
            write_status_alloc(w, allocs.at.at[i]->body);
    json_arr_end(w);
}

static void write_children(struct list *l, struct json_out *w, const struct job *j)
{
    struct list all = {.c = l->c};

    json_key(w, "ChildStatuses");
    if (!job_is_periodic(j) && !job_is_parameterized(j)) {
        json_null(w);
        return;
    }
    json_arr(w);
    if (list_scan(&all, &job_table, NULL, j->namespace, NULL, NULL) == 0)
        for (size_t i = 0; i < all.at.len; i++) {
            const struct job *child = all.at.at[i]->body;

            if (child->parent_id && strcmp(child->parent_id, j->id) == 0)
                json_str(w, child->status);
        }
    json_arr_end(w);
}

static void write_latest_deployment(struct list *l, struct json_out *w, const struct job *j)
{
    const struct object *o = NULL;
    const struct deployment *d;
    bool promotes = true;

    json_key(w, "LatestDeployment");
    if (job_latest_deployment(l->c->txn, j->namespace, j->id, &o, NULL) < 0 || !o) {
        json_null(w);
        return;
    }
    d = o->body;
    list_each (&d->groups, g)
        promotes = promotes && g->auto_promote;
    json_obj(w);
    json_kv_bool(w, "AllAutoPromote", promotes);
    json_kv_str(w, "ID", d->id);
    json_kv_bool(w, "IsActive", deployment_active(d));
    json_kv_u64(w, "JobVersion", d->job_version);
    json_kv_bool(w, "RequiresPromotion", deployment_needs_promotion(d));
    json_kv_str(w, "Status", d->status);
    json_kv_str(w, "StatusDescription", d->status_description);
    json_obj_end(w);
}

static void write_status(struct list *l, struct json_out *w, const struct object *o)
{
    const struct job *j = o->body;
    int64_t sum = 0;

    list_each (&j->groups, g)
        sum += OPT(g->count);
    json_obj(w);
    write_allocs(l, w, j);
    write_children(l, w, j);
    json_key(w, "Datacenters");
    json_strlist(w, &j->datacenters);
    json_kv_i64(w, "GroupCountSum", sum);
    json_kv_str(w, "ID", j->id);
    json_kv_bool(w, "IsPack", strmap_get(&j->meta, "pack.name") != NULL);
    write_latest_deployment(l, w, j);
    json_kv_u64(w, "ModifyIndex", o->mod_rev);
    json_kv_str(w, "Name", j->name);
    json_kv_str(w, "Namespace", j->namespace);
    json_kv_str(w, "NodePool", j->node_pool);
    json_kv_str(w, "ParentID", str_or_empty(j->parent_id));
    json_kv_i64(w, "Priority", OPT(j->priority));
    json_kv_str(w, "Status", str_or_empty(j->status));
    json_kv_bool(w, "Stop", OPT(j->stop));
    json_kv_i64(w, "SubmitTime", OPT(j->submit_time));
    json_kv_str(w, "Type", j->type);
    json_kv_u64(w, "Version", OPT(j->version));
    json_obj_end(w);
}

int jobs_statuses(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&job_table, &alloc_table, &deployment_table};
    struct statuses_body b = {0};
    const struct json *body;
    struct list l;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = call_json(c, &body, e);
    if (r == 0 && body)
        r = nomad_body(c, &statuses_schema, &b, e);
    b.include_children = b.include_children || call_flag(c, "include_children");
    if (r == 0)
        r = read_tables(c, tables, ARRAY_LEN(tables), e);
    if (r == 0)
        r = list_scan(&l, &job_table, NULL, l.namespace, NULL, e);
    if (r != 0)
        return r;
    keep_wanted(&l, &b);
    if (l.at.len)
        qsort(l.at.at, l.at.len, sizeof *l.at.at, newest_first);
    l.next_token = "";
    list_reply(&l, LIST_AS_FOUND, write_status);
    return 0;
}
