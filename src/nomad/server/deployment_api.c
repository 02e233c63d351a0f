/* /v1/deployments, /v1/deployment/... */
#include <string.h>

#include "nomad/server/deployment.h"
#include "nomad/server/list.h"

static int deployments_list(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&deployment_table};
    struct list l;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = read_tables(c, tables, 1, e);
    if (r == 0)
        r = list_scan_ids(&l, &deployment_table, "deployment", e);
    if (r == 0)
        list_reply(&l, LIST_BY_CREATION, list_deployment);
    return r;
}

static int need_of(struct call *c, const struct object *o, enum acl_cap cap, struct err *e)
{
    return call_need(c, ((const struct deployment *)o->body)->namespace, cap, e);
}

static int deployment_read(struct call *c, struct err *e)
{
    const struct object *o = NULL;
    const char *id = call_id(c, "id");
    struct key k;
    int r = check_uuid(id, "deployment", e);

    if (r == 0)
        r = state_deployment(c->txn, id, &o, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    if (r == 0 && need_of(c, o, CAP_READ_JOB, e) < 0)
        return ERR_DENIED;
    key_init(&k, deployment_table.name);
    key_addz(&k, id);
    r = read_object(c, &deployment_table, &k, r == 0 ? o : NULL, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "deployment not found");
    write_deployment(nomad_json(c), o, c->arena);
    return 0;
}

static int deployment_allocations(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&alloc_table};
    struct list l = {.c = c, .next_token = ""};
    const char *id = call_id(c, "id");
    const struct object *o;
    int r = check_uuid(id, "deployment", e);

    if (r == 0)
        r = state_deployment(c->txn, id, &o, e);
    if (r == 0)
        r = need_of(c, o, CAP_READ_JOB, e);
    else if (r == ERR_NOTFOUND) /* one that is gone: of its allocs those in sight */
        r = call_need(c, "*", CAP_READ_JOB, e);
    if (r == 0)
        r = read_tables(c, tables, 1, e);
    if (r == 0)
        r = list_scan(&l, &alloc_table, "by_deployment", id, NULL, e);
    if (r == 0)
        list_reply(&l, LIST_BY_CREATION, list_alloc_stub);
    return r;
}

/* ---- what users do to one -----------------------------------------------------------------
 */

struct update_body {
    const char *id;
    bool pause, all;
    struct strlist groups, healthy, unhealthy;
};

static const struct schema_field update_fields[] = {
    {"DeploymentID", NULL, F_STR, offsetof(struct update_body, id)},
    {"Pause", NULL, F_BOOL, offsetof(struct update_body, pause)},
    {"All", NULL, F_BOOL, offsetof(struct update_body, all)},
    {"Groups", NULL, F_STRLIST, offsetof(struct update_body, groups)},
    {"HealthyAllocationIDs", NULL, F_STRLIST, offsetof(struct update_body, healthy)},
    {"UnhealthyAllocationIDs", NULL, F_STRLIST, offsetof(struct update_body, unhealthy)},
};
static SCHEMA(update_schema, "request", struct update_body, update_fields);

static void reply_updated(struct call *c, uint64_t rev, void *arg)
{
    const struct deploy *d = arg;
    struct json_out *w = nomad_json(c);

    json_obj(w);
    json_kv_u64(w, "DeploymentModifyIndex", rev);
    json_kv_u64(w, "EvalCreateIndex", *d->eval_id ? rev : 0);
    json_kv_str(w, "EvalID", d->eval_id);
    json_kv_u64(w, "Index", rev);
    if (d->reverted_to)
        json_kv_u64(w, "RevertedJobVersion", *d->reverted_to);
    else
        json_kv_null(w, "RevertedJobVersion");
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

/* The deployment of the path, to be changed. */
static int begin_update(struct call *c, struct deploy **ret, struct err *e)
{
    struct deploy *d = arena_new_of(c->arena, struct deploy);
    const char *id = call_id(c, "id");
    int r = check_uuid(id, "deployment", e);

    *d = (struct deploy){.server = server_of(c),
                         .txn = c->txn,
                         .arena = c->arena,
                         .now_ns = c->now_ns,
                         .eval_id = ""};
    if (r == 0)
        r = state_deployment(c->txn, id, &d->o, e);
    if (r == 0)
        r = need_of(c, d->o, CAP_SUBMIT_JOB, e);
    *ret = d;
    return r == ERR_NOTFOUND ? nomad_fail(e, 404, "deployment not found") : r;
}

static int end_update(struct call *c, struct deploy *d, int r)
{
    if (r == 0)
        call_on_commit(c, reply_updated, d);
    return r;
}

static int update_body(struct call *c, struct update_body *b, struct err *e)
{
    int r = nomad_body(c, &update_schema, b, e);

    if (r < 0)
        return r;
    if (!b->id || !*b->id)
        return nomad_fail(e, 400, "DeploymentID must be specified");
    if (!str_eqc(call_param(c, "id"), b->id))
        return nomad_fail(e, 400, "Deployment ID does not match");
    return 0;
}

static int fail_call(struct call *c, struct err *e)
{
    struct deploy *d = NULL;
    int r = begin_update(c, &d, e);

    if (r < 0)
        return r;
    if (!deployment_active(d->o->body))
        return nomad_fail(e, 500, "can't fail terminal deployment");
    return end_update(c, d, deploy_fail(d, DEPLOYMENT_FAILED_BY_USER, e));
}

static int pause_call(struct call *c, struct err *e)
{
    struct update_body b;
    struct deploy *d = NULL;
    int r = update_body(c, &b, e);

    if (r == 0)
        r = begin_update(c, &d, e);
    return r < 0 ? r : end_update(c, d, deploy_pause(d, b.pause, e));
}

static int promote_call(struct call *c, struct err *e)
{
    struct update_body b;
    struct deploy *d = NULL;
    int r = update_body(c, &b, e);

    if (r < 0)
        return r;
    if (!b.all && b.groups.len == 0)
        return nomad_fail(e, 400, "Must specify either `All` or `Groups`");
    r = begin_update(c, &d, e);
    return r < 0 ? r : end_update(c, d, deploy_promote(d, b.all ? NULL : &b.groups, e));
}

static int health_call(struct call *c, struct err *e)
{
    struct update_body b;
    struct deploy *d = NULL;
    int r = update_body(c, &b, e);

    if (r < 0)
        return r;
    if (b.healthy.len == 0 && b.unhealthy.len == 0)
        return nomad_fail(e, 400, "Must specify at least one healthy or unhealthy allocation");
    r = begin_update(c, &d, e);
    return r < 0 ? r : end_update(c, d, deploy_set_health(d, &b.healthy, &b.unhealthy, e));
}

/* Only deployments over several regions are ever blocked. */
static int unblock_call(struct call *c, struct err *e)
{
    struct update_body b;
    struct deploy *d = NULL;
    int r = update_body(c, &b, e);

    if (r == 0)
        r = begin_update(c, &d, e);
    if (r < 0)
        return r;
    if (!deployment_active(d->o->body))
        return nomad_fail(e, 500, "can't unblock terminal deployment");
    return nomad_fail(e, 500, "deployment is not blocked: it is of one region only");
}

static int no_such_update(struct call *c, struct err *e)
{
    (void)c;
    return nomad_fail(e, 405, "Invalid method");
}

const struct route deployment_routes[] = {
    {M_GET, "/v1/deployments", NEED_NS(CAP_READ_JOB), deployments_list, NULL},
    {M_GET, "/v1/deployment/*id", NEED_OBJECT(CAP_READ_JOB), deployment_read, NULL},
    {M_GET, "/v1/deployment/allocations/:id", NEED_OBJECT(CAP_READ_JOB), deployment_allocations,
     NULL},
    {M_WRITE, "/v1/deployment/fail/:id", NEED_OBJECT(CAP_SUBMIT_JOB), fail_call, NULL},
    {M_WRITE, "/v1/deployment/pause/:id", NEED_OBJECT(CAP_SUBMIT_JOB), pause_call, NULL},
    {M_WRITE, "/v1/deployment/promote/:id", NEED_OBJECT(CAP_SUBMIT_JOB), promote_call, NULL},
    {M_WRITE, "/v1/deployment/allocation-health/:id", NEED_OBJECT(CAP_SUBMIT_JOB), health_call,
     NULL},
    {M_WRITE, "/v1/deployment/unblock/:id", NEED_OBJECT(CAP_SUBMIT_JOB), unblock_call, NULL},
    {M_ANY, "/v1/deployment/:update/:id", NEED_TOKEN, no_such_update, NULL},
};
const size_t n_deployment_routes = ARRAY_LEN(deployment_routes);
