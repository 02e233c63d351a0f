/* /v1/allocations, /v1/allocation/... */
#include <string.h>

#include "nomad/server/list.h"

/* ---- the list --------------------------------------------------------------------------- */

static void write_asked_stub(struct list *l, struct json_out *w, const struct object *o)
{
    unsigned flags = 0;
    struct str states;
    bool yes;

    if (call_flag(l->c, "resources"))
        flags |= STUB_RESOURCES;
    if (call_query(l->c, "task_states", &states) && str_to_bool(states, &yes) && !yes)
        flags |= STUB_NO_TASK_STATES;
    write_alloc_stub_with(w, o, flags);
}

static int allocs_list(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&alloc_table};
    struct list l;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = read_tables(c, tables, 1, e);
    if (r == 0)
        r = list_scan_ids(&l, &alloc_table, "alloc", e);
    if (r == 0)
        list_reply(&l, LIST_BY_CREATION, write_asked_stub);
    return r;
}

/* ---- one, in full ----------------------------------------------------------------------- */

/* With the version of the job that it runs. */
void write_alloc(struct call *c, struct json_out *w, const struct object *o)
{
    struct alloc al = *(const struct alloc *)o->body;
    struct alloc_deployment_status ds;
    const struct object *version;
    struct job job;
    bool unproven = false;
    uint64_t spec, modified;

    al.create_index = o->create_rev;
    al.modify_index = o->mod_rev;
    al.alloc_modify_index = index_or(al.alloc_modify_index, o->mod_rev);
    if (al.deployment_status && al.deployment_status->healthy) {
        ds = *al.deployment_status;
        ds.modify_index = index_or(ds.modify_index, o->mod_rev);
        al.deployment_status = &ds;
    }
    if (state_job_version(c->txn, al.namespace, al.job_id, al.job_version, &version, NULL) ==
        0) {
        job = *(const struct job *)version->body;
        spec = job_spec_index(version);
        modified = version->mod_rev;
        if (o->create_rev < version->mod_rev) { /* as it was when the alloc was placed */
            modified = version->create_rev;
            job.stable = &unproven;
        }
        job.create_index = &al.job_create_index;
        job.job_modify_index = &spec;
        job.modify_index = &modified;
        alloc_fill_legacy(&al, &job, c->arena);
    } else {
        alloc_fill_legacy(&al, NULL, c->arena); /* the job is purged */
    }
    schema_encode(&alloc_schema, &al, 0, w);
}

/* *ret NULL: no such alloc. */
static int lookup(struct call *c, const char *id, enum acl_cap cap, const struct object **ret,
                  struct err *e)
{
    int r = call_need(c, "*", cap, e);

    *ret = NULL;
    if (r == 0)
        r = check_uuid(id, "alloc", e);
    if (r == 0)
        r = state_alloc(c->txn, id, ret, e);
    if (r < 0)
        return r == ERR_NOTFOUND ? 0 : r;
    return call_need(c, ((const struct alloc *)(*ret)->body)->namespace, cap, e);
}

static int read_one(struct call *c, const char *id, const struct object **ret, struct err *e)
{
    struct key k;
    int r = lookup(c, id, CAP_READ_JOB, ret, e);

    if (r < 0)
        return r;
    key_init(&k, alloc_table.name);
    key_addz(&k, id);
    return read_object(c, &alloc_table, &k, *ret, e);
}

static int alloc_read(struct call *c, const char *id, struct err *e)
{
    const struct object *o;
    int r = read_one(c, id, &o, e);

    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "alloc not found");
    write_alloc(c, nomad_json(c), o);
    return 0;
}

/* Services and their checks are registered nowhere yet: an alloc has none. */
static int alloc_services(struct call *c, const char *id, struct err *e)
{
    const struct object *o;
    struct json_out *w;
    int r = read_one(c, id, &o, e);

    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "alloc not found");
    w = nomad_json(c);
    json_arr(w);
    json_arr_end(w);
    return 0;
}

static int alloc_checks(struct call *c, const char *id, struct err *e)
{
    const struct object *o;
    int r = read_one(c, id, &o, e);

    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "alloc not found");
    json_null(nomad_json(c));
    return 0;
}

/* ---- stop ------------------------------------------------------------------------------- */

static void reply_stopped(struct call *c, uint64_t rev, void *arg)
{
    struct json_out *w = nomad_json(c);

    json_obj(w);
    json_kv_str(w, "EvalID", arg);
    json_kv_u64(w, "Index", rev);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

int alloc_want_transition(struct txn *t, const struct object *old, bool migrate,
                          bool reschedule, bool no_shutdown_delay, int64_t now_ns,
                          struct err *e)
{
    struct object *o = state_copy(old);
    struct alloc *al = o->body;

    if (!al->desired_transition)
        al->desired_transition = arena_new_of(o->arena, struct desired_transition);
    if (migrate)
        opt_set(o->arena, &al->desired_transition->migrate, true);
    if (reschedule)
        opt_set(o->arena, &al->desired_transition->reschedule, true);
    if (no_shutdown_delay)
        opt_set(o->arena, &al->desired_transition->no_shutdown_delay, true);
    al->modify_time = now_ns;
    return state_put(t, &alloc_table, o, e);
}

/* Its end is wanted; the scheduler stops it and starts another. */
static int alloc_stop(struct call *c, const char *id, struct err *e)
{
    const struct object *o, *job;
    const struct alloc *al;
    const char *eval_id;
    struct eval_new n = {.triggered_by = EVAL_BY_ALLOC_STOP, .priority = JOB_PRIORITY_DEFAULT};
    int r = lookup(c, id, CAP_ALLOC_LIFECYCLE, &o, e);

    if (r < 0)
        return r;
    if (!o)
        return nomad_fail(e, 404, "allocation not found");
    al = o->body;
    n.namespace = al->namespace;
    n.job_id = al->job_id;
    n.type = *al->job_type ? al->job_type : "service";
    r = state_job(c->txn, al->namespace, al->job_id, &job, e);
    if (r == 0) {
        n.priority = OPT(((const struct job *)job->body)->priority);
        n.job_modify_index = job_spec_index(job);
    } else if (r != ERR_NOTFOUND) {
        return r;
    }
    r = alloc_want_transition(c->txn, o, true, false, call_flag(c, "no_shutdown_delay"),
                              c->now_ns, e);
    if (r == 0)
        r = eval_create(c->txn, c->arena, c->now_ns, &n, &eval_id, e);
    if (r == 0)
        call_on_commit(c, reply_stopped, (void *)(uintptr_t)eval_id);
    return r;
}

/* ---- routes ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned methods;
    int (*handle)(struct call *c, const char *id, struct err *e);
} alloc_calls[] = {
    {"", M_GET, alloc_read},
    {"stop", M_WRITE, alloc_stop},
    {"services", M_GET, alloc_services},
    {"checks", M_GET, alloc_checks},
};

static int route_alloc(struct call *c, struct err *e)
{
    struct str rest = call_param(c, "rest"), id = STR("");

    (void)str_split(&rest, '/', &id);
    for (size_t i = 0; i < ARRAY_LEN(alloc_calls); i++) {
        if (!str_eqc(rest, alloc_calls[i].name))
            continue;
        if (!(alloc_calls[i].methods & c->method))
            return nomad_fail(e, 405, "Invalid method");
        return alloc_calls[i].handle(c, arena_cstr(c->arena, id), e);
    }
    return nomad_fail(e, 404, "resource not found");
}

const struct route alloc_routes[] = {
    {M_GET, "/v1/allocations", NEED_NS(CAP_READ_JOB), allocs_list, NULL},
    {M_ANY, "/v1/allocation/*rest", NEED_CHECK, route_alloc, NULL},
};
const size_t n_alloc_routes = ARRAY_LEN(alloc_routes);
