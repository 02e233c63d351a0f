/* Jobs as they are: lists, one job, what belongs to it. */
#include <string.h>

#include "nomad/server/job_api.h"
#include "nomad/server/list.h"

static void job_key_of(struct key *k, const struct table *t, const char *ns, const char *id)
{
    key_init(k, t->name);
    key_addz(k, ns);
    key_addz(k, id);
}

/* *ret NULL: no such job. */
static int find_job(struct call *c, const char *id, const struct object **ret, struct err *e)
{
    int r = state_job(c->txn, call_namespace(c), id, ret, e);

    if (r != ERR_NOTFOUND)
        return r;
    *ret = NULL;
    return 0;
}

static int find_summary(struct txn *t, const char *ns, const char *id,
                        const struct object **ret, struct err *e)
{
    struct key k;
    int r;

    job_key_of(&k, &job_summary_table, ns, id);
    r = table_peek(t, &job_summary_table, &k, ret, e);
    if (r != ERR_NOTFOUND)
        return r;
    *ret = NULL;
    return 0;
}

/* ---- the list --------------------------------------------------------------------------- */

void list_job_stub(struct list *l, struct json_out *w, const struct object *o)
{
    const struct job *j = o->body;
    const struct object *summary;

    if (find_summary(l->c->txn, j->namespace, j->id, &summary, NULL) < 0)
        summary = NULL;
    json_obj(w);
    json_kv_str(w, "ID", j->id);
    json_kv_str(w, "ParentID", str_or_empty(j->parent_id));
    json_kv_str(w, "Name", j->name);
    json_kv_str(w, "Namespace", j->namespace);
    json_key(w, "Datacenters");
    json_strlist(w, &j->datacenters);
    json_kv_str(w, "NodePool", j->node_pool);
    json_kv_null(w, "Multiregion");
    json_kv_str(w, "Type", j->type);
    json_kv_i64(w, "Priority", OPT(j->priority));
    json_kv_bool(w, "Periodic", job_is_periodic(j));
    json_kv_bool(w, "ParameterizedJob", job_is_parameterized(j));
    json_kv_bool(w, "Stop", OPT(j->stop));
    json_kv_str(w, "Status", str_or_empty(j->status));
    json_kv_str(w, "StatusDescription", str_or_empty(j->status_description));
    json_key(w, "JobSummary");
    write_summary(w, summary);
    json_kv_u64(w, "CreateIndex", index_or(OPT(j->create_index), o->create_rev));
    json_kv_u64(w, "ModifyIndex", o->mod_rev);
    json_kv_u64(w, "JobModifyIndex", job_spec_index(o));
    json_kv_i64(w, "SubmitTime", OPT(j->submit_time));
    if (j->meta.len && call_flag(l->c, "meta")) {
        json_key(w, "Meta");
        json_strmap(w, &j->meta);
    }
    json_obj_end(w);
}

static int scan_jobs(struct list *l, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    key_init(&k, job_table.name);
    if (l->namespace) {
        key_addz(&k, l->namespace);
        key_add_open(&k, str_of(l->prefix));
    }
    r = table_scan_begin(l->c->txn, &it, &job_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        if (str_starts(str_of(((const struct job *)o->body)->id), str_of(l->prefix)) &&
            (r = list_offer(l, o, e)) < 0)
            break;
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

int jobs_list(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&job_table, &job_summary_table};
    struct list l;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = read_tables(c, tables, ARRAY_LEN(tables), e);
    if (r == 0)
        r = scan_jobs(&l, e);
    if (r == 0)
        list_reply(&l, LIST_BY_KEY, list_job_stub);
    return r;
}

/* ---- one job ---------------------------------------------------------------------------- */

int job_read(struct call *c, const char *id, struct err *e)
{
    const struct object *o;
    struct key k;
    int r = find_job(c, id, &o, e);

    if (r < 0)
        return r;
    job_key_of(&k, &job_table, call_namespace(c), id);
    r = read_object(c, &job_table, &k, o, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "job not found");
    write_job(nomad_json(c), o);
    return 0;
}

int job_summary(struct call *c, const char *id, struct err *e)
{
    const struct object *o;
    struct key k;
    int r = find_summary(c->txn, call_namespace(c), id, &o, e);

    if (r < 0)
        return r;
    job_key_of(&k, &job_summary_table, call_namespace(c), id);
    r = read_object(c, &job_summary_table, &k, o, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "job not found");
    write_summary(nomad_json(c), o);
    return 0;
}

/* ---- what belongs to it ----------------------------------------------------------------- */

/* Objects of a table by its job, newest page parameters ignored as the API does. */
static int list_of_job(struct call *c, struct list *l, const struct table *t, const char *id,
                       struct err *e)
{
    int r = read_tables(c, &t, 1, e);

    *l = (struct list){.c = c, .next_token = "", .prefix = ""};
    return r != 0 ? r : list_scan(l, t, "by_job", call_namespace(c), id, e);
}

/* Without ?all= only those of the job as it was last created. */
static void drop_former(struct list *l, const struct object *job)
{
    const struct job *j = job->body;
    uint64_t created = index_or(OPT(j->create_index), job->create_rev);
    size_t n = 0;

    for (size_t i = 0; i < l->at.len; i++) {
        const struct object *o = l->at.at[i];
        uint64_t of = o->schema == &alloc_schema
                          ? ((const struct alloc *)o->body)->job_create_index
                          : ((const struct deployment *)o->body)->job_create_index;

        if (of == created)
            l->at.at[n++] = o;
    }
    l->at.len = n;
}

static int list_incarnation(struct call *c, struct list *l, const struct table *t,
                            const char *id, struct err *e)
{
    const struct object *job;
    bool all;
    int r = call_bool(c, "all", &all, e);

    if (r == 0)
        r = list_of_job(c, l, t, id, e);
    if (r == 0)
        r = find_job(c, id, &job, e);
    if (r == 0 && job && !all)
        drop_former(l, job);
    return r;
}

int job_allocations(struct call *c, const char *id, struct err *e)
{
    struct list l;
    int r = list_incarnation(c, &l, &alloc_table, id, e);

    if (r == 0)
        list_reply(&l, LIST_BY_CREATION, list_alloc_stub);
    return r;
}

int job_evaluations(struct call *c, const char *id, struct err *e)
{
    struct list l;
    int r = list_of_job(c, &l, &eval_table, id, e);

    if (r == 0)
        list_reply(&l, LIST_BY_CREATION, list_eval);
    return r;
}

int job_deployments(struct call *c, const char *id, struct err *e)
{
    struct list l;
    int r = list_incarnation(c, &l, &deployment_table, id, e);

    if (r == 0)
        list_reply(&l, LIST_BY_CREATION, list_deployment);
    return r;
}

int job_deployment(struct call *c, const char *id, struct err *e)
{
    const struct table *const tables[] = {&deployment_table};
    const struct object *o;
    int r = read_tables(c, tables, 1, e);

    if (r == 0)
        r = job_latest_deployment(c->txn, call_namespace(c), id, &o, e);
    if (r != 0)
        return r;
    if (o)
        write_deployment(nomad_json(c), o, c->arena);
    else
        json_null(nomad_json(c));
    return 0;
}

/* ---- versions --------------------------------------------------------------------------- */

static int find_versions(struct call *c, const char *id, struct list *l, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    *l = (struct list){.c = c};
    job_key_of(&k, &job_version_table, call_namespace(c), id);
    r = table_scan_begin(c->txn, &it, &job_version_table, &k, SCAN_PEEK | SCAN_REVERSE, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        list_push(c->arena, &l->at, o);
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

/* A version's row is younger than its job. */
static void write_version(struct json_out *w, const struct object *o, uint64_t created)
{
    struct job j = *(const struct job *)o->body;
    uint64_t spec = job_spec_index(o), modified = o->mod_rev;

    j.create_index = &created;
    j.job_modify_index = &spec;
    j.modify_index = &modified;
    schema_encode(&job_schema, &j, 0, w);
}

static void write_diffs(struct call *c, struct json_out *w, const struct list *l)
{
    json_key(w, "Diffs");
    if (l->at.len < 2 || !call_flag(c, "diffs")) {
        json_null(w);
        return;
    }
    json_arr(w);
    for (size_t i = 0; i + 1 < l->at.len; i++) {
        struct job_diff d = {0};

        job_diff_make(l->at.at[i + 1]->body, l->at.at[i]->body, true, c->arena, &d);
        schema_encode(&job_diff_schema, &d, 0, w);
    }
    json_arr_end(w);
}

int job_versions(struct call *c, const char *id, struct err *e)
{
    const struct table *const tables[] = {&job_version_table};
    const struct object *job;
    struct json_out *w;
    struct list l;
    uint64_t created;
    int r = read_tables(c, tables, 1, e);

    if (r == 0)
        r = find_versions(c, id, &l, e);
    if (r == 0)
        r = find_job(c, id, &job, e);
    if (r != 0)
        return r;
    if (l.at.len == 0)
        return reply_not_found(c, "job versions not found");
    created =
        job ? index_or(OPT(((const struct job *)job->body)->create_index), job->create_rev) : 0;
    w = nomad_json(c);
    json_obj(w);
    write_diffs(c, w, &l);
    json_query_meta(w, table_rev(c->txn, &job_version_table));
    json_key(w, "Versions");
    json_arr(w);
    for (size_t i = 0; i < l.at.len; i++)
        write_version(w, l.at.at[i], created);
    json_arr_end(w);
    json_obj_end(w);
    return 0;
}

int job_submission(struct call *c, const char *id, struct err *e)
{
    const struct object *o = NULL;
    struct job_submission s;
    uint64_t version;
    struct key k;
    int r;

    if (!str_to_u64(str_of(call_text(c, "version")), 10, &version))
        return nomad_fail(e, 400, "Unable to parse job submission version parameter");
    job_key_of(&k, &job_submission_table, call_namespace(c), id);
    key_add_u64(&k, version);
    r = table_get(c->txn, &job_submission_table, &k, &o, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    r = read_object(c, &job_submission_table, &k, o, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "job source not found");
    s = *(const struct job_submission *)o->body;
    s.job_modify_index = index_or(s.job_modify_index, o->mod_rev);
    nomad_schema(c, &job_submission_schema, &s);
    return 0;
}

/* ---- services, actions, scale ----------------------------------------------------------- */

/* 1: it is there; 0: the call is answered, or parked. */
static int existing_job(struct call *c, const char *id, const struct object **ret, int *ret_r,
                        struct err *e)
{
    struct key k;

    *ret_r = find_job(c, id, ret, e);
    if (*ret_r < 0)
        return 0;
    job_key_of(&k, &job_table, call_namespace(c), id);
    *ret_r = read_object(c, &job_table, &k, *ret, e);
    if (*ret_r == 0 && !*ret)
        *ret_r = reply_not_found(c, "job not found");
    return *ret_r == 0 && *ret;
}

int job_services(struct call *c, const char *id, struct err *e)
{
    const struct object *o;
    struct json_out *w;
    int r;

    if (!existing_job(c, id, &o, &r, e))
        return r;
    w = nomad_json(c);
    json_arr(w);
    json_arr_end(w);
    return 0;
}

static void write_action(struct json_out *w, const struct action *a, const char *task,
                         const char *group)
{
    json_obj(w);
    json_kv_str(w, "Name", a->name);
    json_kv_str(w, "Command", a->command);
    json_key(w, "Args");
    json_strlist(w, &a->args);
    json_kv_str(w, "TaskName", task);
    json_kv_str(w, "TaskGroupName", group);
    json_obj_end(w);
}

int job_actions(struct call *c, const char *id, struct err *e)
{
    const struct object *o;
    struct json_out *w;
    int r;

    if (!existing_job(c, id, &o, &r, e))
        return r;
    w = nomad_json(c);
    json_arr(w);
    list_each (&((const struct job *)o->body)->groups, g)
        list_each (&g->tasks, t)
            list_each (&t->actions, a)
                write_action(w, a, t->name, g->name);
    json_arr_end(w);
    return 0;
}

struct scale_counts {
    int64_t placed, running, healthy, unhealthy;
};

static void count_scale(const struct list *l, const char *group, struct scale_counts *n)
{
    *n = (struct scale_counts){0};
    for (size_t i = 0; i < l->at.len; i++) {
        const struct alloc *al = l->at.at[i]->body;
        const struct alloc_deployment_status *ds = al->deployment_status;

        if (alloc_terminal(al) || strcmp(al->task_group, group) != 0)
            continue;
        n->placed++;
        n->running += strcmp(al->client_status, ALLOC_RUNNING) == 0;
        n->healthy += ds && ds->healthy && *ds->healthy;
        n->unhealthy += ds && ds->healthy && !*ds->healthy;
    }
}

static void write_scale(struct json_out *w, const struct list *l, const struct task_group *g)
{
    struct scale_counts n;

    count_scale(l, g->name, &n);
    json_key(w, g->name);
    json_obj(w);
    json_kv_i64(w, "Desired", OPT(g->count));
    json_kv_null(w, "Events");
    json_kv_i64(w, "Healthy", n.healthy);
    json_kv_i64(w, "Placed", n.placed);
    json_kv_i64(w, "Running", n.running);
    json_kv_i64(w, "Unhealthy", n.unhealthy);
    json_obj_end(w);
}

int job_scale_status(struct call *c, const char *id, struct err *e)
{
    const struct table *const tables[] = {&job_table, &alloc_table};
    const struct object *o;
    const struct job *j;
    struct json_out *w;
    struct list l = {.c = c};
    int r = read_tables(c, tables, ARRAY_LEN(tables), e);

    if (r == 0)
        r = find_job(c, id, &o, e);
    if (r == 0 && o)
        r = list_scan(&l, &alloc_table, "by_job", call_namespace(c), id, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "job not found");
    j = o->body;
    w = nomad_json(c);
    json_obj(w);
    json_kv_u64(w, "JobCreateIndex", index_or(OPT(j->create_index), o->create_rev));
    json_kv_str(w, "JobID", j->id);
    json_kv_u64(w, "JobModifyIndex", o->mod_rev);
    json_kv_bool(w, "JobStopped", OPT(j->stop));
    json_kv_str(w, "Namespace", j->namespace);
    json_key(w, "TaskGroups");
    json_obj(w);
    list_each (&j->groups, g)
        write_scale(w, &l, g);
    json_obj_end(w);
    json_obj_end(w);
    return 0;
}
