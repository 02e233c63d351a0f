/* Jobs as they are: lists, one job, what belongs to it. */
#include <string.h>

#include "nomad/server/job_api.h"
#include "nomad/server/list.h"

void job_key_of(struct key *k, const struct table *t, const char *ns, const char *id)
{
    key_init(k, t->name);
    key_addz(k, ns);
    key_addz(k, id);
}

int job_find(struct call *c, const char *id, const struct object **ret, struct err *e)
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
    int r = job_find(c, id, &o, e);

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
        r = job_find(c, id, &job, e);
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

/* ---- services, actions ------------------------------------------------------------------ */

/* 1: it is there; 0: the call is answered, or parked. */
static int existing_job(struct call *c, const char *id, const struct object **ret, int *ret_r,
                        struct err *e)
{
    struct key k;

    *ret_r = job_find(c, id, ret, e);
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
