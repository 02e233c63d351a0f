#include "nomad/server/scale.h"

#include <string.h>

#include "base/random.h"
#include "nomad/server/job_api.h"
#include "nomad/server/list.h"

/* ---- what is kept ----------------------------------------------------------------------- */

#define AT(f) offsetof(struct scaling_event, f)

static const struct schema_field event_fields[] = {
    {"Count", NULL, F_INT, AT(count), .flags = FIELD_PTR},
    {"CreateIndex", NULL, F_UINT, AT(create_index)},
    {"Error", NULL, F_BOOL, AT(error)},
    {"EvalID", NULL, F_STR, AT(eval_id)},
    {"Message", NULL, F_STR, AT(message)},
    {"Meta", NULL, F_JSON, AT(meta)},
    {"PreviousCount", NULL, F_INT, AT(previous_count)},
    {"Time", NULL, F_INT, AT(time_ns)},
};
static SCHEMA(event_schema, "scaling event", struct scaling_event, event_fields);

static const struct schema_field events_fields[] = {
    {"group", NULL, F_STR, offsetof(struct scaling_events, group)},
    {"at", NULL, F_LIST, offsetof(struct scaling_events, at), .sub = &event_schema},
};
static SCHEMA(events_schema, "scaling events", struct scaling_events, events_fields);

static const struct schema_field history_fields[] = {
    {"namespace", NULL, F_STR, offsetof(struct scaling_history, namespace)},
    {"job_id", NULL, F_STR, offsetof(struct scaling_history, job_id)},
    {"groups", NULL, F_LIST, offsetof(struct scaling_history, groups), .sub = &events_schema},
};
SCHEMA(scaling_history_schema, "scaling history", struct scaling_history, history_fields);

static struct scaling_events *events_of(const struct scaling_history *h, const char *group)
{
    list_each (&h->groups, g)
        if (strcmp(g->group, group) == 0)
            return g;
    return NULL;
}

/* *ret: a copy to change, with its indexes written out. */
static int load_history(struct txn *t, const struct job *j, struct object **ret, struct err *e)
{
    struct scaling_history *h;
    const struct object *o;
    struct key k;
    int r;

    job_key_of(&k, &scaling_event_table, j->namespace, j->id);
    r = table_get(t, &scaling_event_table, &k, &o, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    *ret = r == 0 ? state_copy(o) : object_new(&scaling_history_schema);
    h = (*ret)->body;
    if (r == ERR_NOTFOUND) {
        h->namespace = arena_strdup((*ret)->arena, j->namespace);
        h->job_id = arena_strdup((*ret)->arena, j->id);
        return 0;
    }
    list_each (&h->groups, g)
        list_each (&g->at, ev)
            ev->create_index = index_or(ev->create_index, o->mod_rev);
    return 0;
}

/* Newest first; groups that the job no longer has are forgotten. */
static int add_event(struct txn *t, const struct job *j, const char *group,
                     const struct scaling_event *ev, struct err *e)
{
    struct scaling_history *h;
    struct scaling_events *g, fresh = {0};
    struct object *o;
    size_t n = 0;
    int r = load_history(t, j, &o, e);

    if (r < 0)
        return r;
    h = o->body;
    list_each (&h->groups, it)
        if (job_group(j, it->group))
            h->groups.at[n++] = *it;
    h->groups.len = n;
    if (!events_of(h, group)) {
        fresh.group = arena_strdup(o->arena, group);
        list_push(o->arena, &h->groups, fresh);
    }
    g = events_of(h, group);
    list_push(o->arena, &g->at, *ev);
    memmove(g->at.at + 1, g->at.at, (g->at.len - 1) * sizeof g->at.at[0]);
    memcpy(&g->at.at[0], schema_copy(&event_schema, ev, o->arena), sizeof g->at.at[0]);
    if (g->at.len > SCALING_EVENTS_MAX)
        g->at.len = SCALING_EVENTS_MAX;
    return state_put(t, &scaling_event_table, o, e);
}

/* ---- status ----------------------------------------------------------------------------- */

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

static void write_events(struct json_out *w, const struct object *history, const char *group)
{
    const struct scaling_events *g = history ? events_of(history->body, group) : NULL;

    json_key(w, "Events");
    if (!g) {
        json_null(w);
        return;
    }
    json_arr(w);
    list_each (&g->at, it) {
        struct scaling_event ev = *it;

        ev.create_index = index_or(ev.create_index, history->mod_rev);
        schema_encode(&event_schema, &ev, 0, w);
    }
    json_arr_end(w);
}

static void write_scale(struct json_out *w, const struct list *l, const struct task_group *g,
                        const struct object *history)
{
    struct scale_counts n;

    count_scale(l, g->name, &n);
    json_key(w, g->name);
    json_obj(w);
    json_kv_i64(w, "Desired", OPT(g->count));
    write_events(w, history, g->name);
    json_kv_i64(w, "Healthy", n.healthy);
    json_kv_i64(w, "Placed", n.placed);
    json_kv_i64(w, "Running", n.running);
    json_kv_i64(w, "Unhealthy", n.unhealthy);
    json_obj_end(w);
}

static void write_status(struct call *c, const struct object *o, const struct list *l,
                         const struct object *history)
{
    const struct job *j = o->body;
    struct json_out *w = nomad_json(c);

    json_obj(w);
    json_kv_u64(w, "JobCreateIndex", index_or(OPT(j->create_index), o->create_rev));
    json_kv_str(w, "JobID", j->id);
    json_kv_u64(w, "JobModifyIndex", o->mod_rev);
    json_kv_bool(w, "JobStopped", OPT(j->stop));
    json_kv_str(w, "Namespace", j->namespace);
    json_key(w, "TaskGroups");
    json_obj(w);
    list_each (&j->groups, g)
        write_scale(w, l, g, history);
    json_obj_end(w);
    json_obj_end(w);
}

int job_scale_status(struct call *c, const char *id, struct err *e)
{
    const struct table *const tables[] = {&job_table, &alloc_table, &scaling_event_table};
    const struct object *o, *history = NULL;
    struct list l = {.c = c};
    struct key k;
    int r = read_tables(c, tables, ARRAY_LEN(tables), e);

    if (r == 0)
        r = job_find(c, id, &o, e);
    if (r == 0 && o)
        r = list_scan(&l, &alloc_table, "by_job", call_namespace(c), id, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "job not found");
    job_key_of(&k, &scaling_event_table, call_namespace(c), id);
    r = table_get(c->txn, &scaling_event_table, &k, &history, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    write_status(c, o, &l, r == 0 ? history : NULL);
    return 0;
}

/* ---- scaling ---------------------------------------------------------------------------- */

struct scale_body {
    int64_t *count;
    struct strmap target;
    const char *message;
    bool error, enforce_index;
    uint64_t job_modify_index;
    struct json *meta;
};

static const struct schema_field scale_fields[] = {
    {"Count", NULL, F_INT, offsetof(struct scale_body, count), .flags = FIELD_PTR},
    {"Target", NULL, F_STRMAP, offsetof(struct scale_body, target)},
    {"Message", NULL, F_STR, offsetof(struct scale_body, message), .max = SCALING_NOTE_MAX},
    {"Error", NULL, F_BOOL, offsetof(struct scale_body, error)},
    {"EnforceIndex", NULL, F_BOOL, offsetof(struct scale_body, enforce_index)},
    {"JobModifyIndex", NULL, F_UINT, offsetof(struct scale_body, job_modify_index)},
    {"Meta", NULL, F_JSON, offsetof(struct scale_body, meta)},
};
static SCHEMA(scale_schema, "scaling request", struct scale_body, scale_fields);

static const char *map_text(const struct strmap *m, const char *key)
{
    const char *v = strmap_get(m, key);

    return v ? v : "";
}

static bool meta_fits(const struct json *meta)
{
    auto_buf struct buf b;

    buf_init(&b, SCALING_NOTE_MAX);
    if (meta)
        json_print(&b, meta, NULL);
    return buf_ok(&b);
}

static int check_body(const struct scale_body *b, const char *group, struct err *e)
{
    if (!*group)
        return nomad_fail(e, 400, "missing task group name for scaling action");
    if (b->error && b->count)
        return nomad_fail(e, 400, "scaling action should not contain count if error is true");
    if (b->count && *b->count < 0)
        return nomad_fail(e, 400, "scaling action count can't be negative");
    if (b->count && *b->count > INT32_MAX)
        return nomad_fail(e, 400, "scaling action count can't be greater than %d", INT32_MAX);
    return meta_fits(b->meta)
               ? 0
               : nomad_fail(e, 400, "scaling action meta is larger than %d bytes",
                            SCALING_NOTE_MAX);
}

/* May the count be changed to this one now? */
static int check_count(struct call *c, const struct object *o, const struct task_group *g,
                       const struct scale_body *b, struct err *e)
{
    const struct job *j = o->body;
    long long count = *b->count, min = g->scaling ? OPT(g->scaling->min) : 0;
    const struct object *d;
    int r = job_latest_deployment(c->txn, j->namespace, j->id, &d, e);

    if (r < 0)
        return r;
    if (b->enforce_index && b->job_modify_index != job_spec_index(o))
        return nomad_fail(e, 500,
                          "Enforcing job modify index %llu: job exists with conflicting job "
                          "modify index: %llu",
                          (unsigned long long)b->job_modify_index,
                          (unsigned long long)job_spec_index(o));
    if (d && deployment_active(d->body) &&
        ((const struct deployment *)d->body)->job_create_index ==
            index_or(OPT(j->create_index), o->create_rev))
        return nomad_fail(e, 400, "job scaling blocked due to active deployment");
    if (g->scaling && count < min)
        return nomad_fail(e, 400,
                          "group count was less than scaling policy minimum: %lld < %lld",
                          count, min);
    if (g->scaling && g->scaling->max && count > *g->scaling->max)
        return nomad_fail(e, 400,
                          "group count was greater than scaling policy maximum: %lld > %lld",
                          count, (long long)*g->scaling->max);
    return 0;
}

/* A new version of the job with the group's count. */
static int put_count(struct call *c, const struct object *old, const char *group, int64_t count,
                     struct registered *d, struct err *e)
{
    struct job *j = schema_copy(&job_schema, old->body, c->arena);
    struct job_tx x = job_tx_of(c);
    int r;

    list_each (&j->groups, g)
        if (strcmp(g->name, group) == 0)
            opt_set(c->arena, &g->count, count);
    r = job_put(&x, j, old, &d->job_modify_index, e);
    if (r == 0)
        r = job_make_eval(&x, j, 0, EVAL_BY_SCALING, d->job_modify_index, &d->eval_id, e);
    return r < 0 ? r : job_refresh_status(c->txn, j->namespace, j->id, e);
}

int job_scale(struct call *c, const char *id, struct err *e)
{
    struct registered *d = arena_new_of(c->arena, struct registered);
    struct scaling_event ev = {.time_ns = c->now_ns};
    const struct task_group *g;
    const struct object *o;
    const char *group;
    struct scale_body b;
    int r = nomad_body(c, &scale_schema, &b, e);

    if (r < 0)
        return r;
    *d = (struct registered){.eval_id = "", .warnings = "", .known_leader = true};
    group = map_text(&b.target, "Group");
    r = check_body(&b, group, e);
    if (r == 0)
        r = job_find(c, id, &o, e);
    if (r < 0)
        return r;
    if (!o)
        return nomad_fail(e, 404, "job \"%s\" not found", id);
    g = job_group(o->body, group);
    if (!g)
        return nomad_fail(
            e, 400, "task group \"%s\" specified for scaling does not exist in job", group);
    ev.count = b.count;
    ev.previous_count = OPT(g->count);
    ev.message = str_or_empty(b.message);
    ev.error = b.error;
    ev.meta = b.meta;
    d->job_modify_index = job_spec_index(o);
    if (b.count) {
        r = check_count(c, o, g, &b, e);
        if (r == 0)
            r = put_count(c, o, group, *b.count, d, e);
        ev.eval_id = *d->eval_id ? d->eval_id : NULL;
    }
    if (r == 0)
        r = add_event(c->txn, o->body, group, &ev, e);
    if (r == 0)
        call_on_commit(c, reply_registered, d);
    return r;
}

/* ---- policies --------------------------------------------------------------------------- */

const char *scaling_target(const struct scaling_policy *p, const char *key)
{
    return map_text(&p->target, key);
}

static int policies_of(struct txn *t, struct arena *a, const struct job *j, struct list *ret,
                       struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    table_index_key(&k, &scaling_policy_table, "by_job");
    key_addz(&k, j->namespace);
    key_addz(&k, j->id);
    r = table_scan_index(t, &it, &scaling_policy_table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        list_push(a, &ret->at, o);
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

/* A policy keeps its id as long as the job has its group's block. */
static const char *policy_id(const struct list *had, const char *group, struct arena *a)
{
    char id[UUID_SIZE];

    for (size_t i = 0; i < had->at.len; i++) {
        const struct scaling_policy *p = had->at.at[i]->body;

        if (strcmp(scaling_target(p, "Group"), group) == 0)
            return arena_strdup(a, p->id);
    }
    random_uuid(id);
    return arena_strdup(a, id);
}

static int put_policy(struct txn *t, const struct scaling_policy *p, struct err *e)
{
    struct object *o = object_new(&scaling_policy_schema);

    memcpy(o->body, schema_copy(&scaling_policy_schema, p, o->arena), sizeof *p);
    return state_put(t, &scaling_policy_table, o, e);
}

static int drop_former(struct txn *t, const struct list *had, const struct job *j,
                       struct err *e)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < had->at.len; i++) {
        const struct scaling_policy *p = had->at.at[i]->body;
        const struct task_group *g = job_group(j, scaling_target(p, "Group"));
        struct key k;

        if (g && g->scaling)
            continue;
        key_init(&k, scaling_policy_table.name);
        key_addz(&k, p->id);
        r = table_del(t, &scaling_policy_table, &k, e);
    }
    return r;
}

int scaling_policies_put(struct txn *t, struct job *j, struct arena *a, struct err *e)
{
    struct list had = {0};
    int r = policies_of(t, a, j, &had, e);

    if (r == 0)
        r = drop_former(t, &had, j, e);
    list_each (&j->groups, g) {
        if (r < 0 || !g->scaling)
            continue;
        g->scaling->id = policy_id(&had, g->name, a);
        r = put_policy(t, g->scaling, e);
    }
    return r;
}

static void write_policy_stub(struct list *l, struct json_out *w, const struct object *o)
{
    const struct scaling_policy *p = o->body;

    (void)l;
    json_obj(w);
    json_kv_u64(w, "CreateIndex", o->create_rev);
    json_kv_bool(w, "Enabled", OPT(p->enabled));
    json_kv_str(w, "ID", p->id);
    json_kv_u64(w, "ModifyIndex", o->mod_rev);
    json_key(w, "Target");
    json_strmap(w, &p->target);
    json_kv_str(w, "Type", p->type);
    json_obj_end(w);
}

/* Of the namespace, the job (?job=) and the type (?type=) that are asked for. */
static void keep_wanted(struct call *c, struct list *l)
{
    const char *job = call_text(c, "job"), *type = call_text(c, "type");
    size_t n = 0;

    for (size_t i = 0; i < l->at.len; i++) {
        const struct scaling_policy *p = l->at.at[i]->body;

        if ((*job && strcmp(scaling_target(p, "Job"), job) != 0) ||
            (*type && strcmp(str_or_empty(p->type), type) != 0) ||
            (!call_all_namespaces(c) &&
             strcmp(scaling_target(p, "Namespace"), call_namespace(c)) != 0))
            continue;
        l->at.at[n++] = l->at.at[i];
    }
    l->at.len = n;
}

static int policies_list(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&scaling_policy_table};
    struct list l;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = read_tables(c, tables, 1, e);
    if (r == 0)
        r = list_scan(&l, &scaling_policy_table, NULL, NULL, NULL, e);
    if (r != 0)
        return r;
    keep_wanted(c, &l);
    list_reply(&l, LIST_BY_KEY, write_policy_stub);
    return 0;
}

static int policy_read(struct call *c, struct err *e)
{
    const char *id = call_id(c, "id");
    const struct object *o = NULL;
    struct scaling_policy p;
    struct key k;
    int r;

    key_init(&k, scaling_policy_table.name);
    key_addz(&k, id);
    r = table_get(c->txn, &scaling_policy_table, &k, &o, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    r = read_object(c, &scaling_policy_table, &k, r < 0 ? NULL : o, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "policy not found");
    r = call_need_one(c, scaling_target(o->body, "Namespace"), CAP_READ_SCALING_POLICY,
                      CAP_READ_JOB, e);
    if (r < 0)
        return r;
    p = *(const struct scaling_policy *)o->body;
    p.create_index = o->create_rev;
    p.modify_index = o->mod_rev;
    nomad_schema(c, &scaling_policy_schema, &p);
    return 0;
}

const struct route scale_routes[] = {
    {M_GET, "/v1/scaling/policies", NEED_NS_OR(CAP_LIST_SCALING_POLICIES, CAP_LIST_JOBS),
     policies_list, NULL},
    {M_GET, "/v1/scaling/policy/:id", NEED_CHECK, policy_read, NULL},
};
const size_t n_scale_routes = ARRAY_LEN(scale_routes);
