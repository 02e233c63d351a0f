/*
 * Which path below /v1/job is which call
 *
 * A job's id may hold '/', so nothing can be said by counting segments: what the path ends
 * with decides, and what stands before it is the id. A path that ends with none of them is an
 * id as a whole.
 */
#include "nomad/server/job_api.h"
#include "nomad/server/list.h"

/* The API's reads of what belongs to a job take any method. */
static const struct sub_path {
    const char *ends;
    unsigned methods;
    unsigned flags;
    int (*handle)(struct call *c, const char *id, struct err *e);
} sub_paths[] = {
    /* clang-format off */
    {"/evaluate",         M_WRITE, NEED_NS(CAP_SUBMIT_JOB),                        job_evaluate},
    {"/allocations",      M_ANY,   NEED_NS(CAP_READ_JOB),                          job_allocations},
    {"/evaluations",      M_ANY,   NEED_NS(CAP_READ_JOB),                          job_evaluations},
    {"/deployments",      M_ANY,   NEED_NS(CAP_READ_JOB),                          job_deployments},
    {"/deployment",       M_ANY,   NEED_NS(CAP_READ_JOB),                          job_deployment},
    {"/explain",          M_GET,   ROUTE_BLOCKING | NEED_NS(CAP_READ_JOB),         job_explain},
    {"/periodic/force",   M_WRITE, NEED_NS_OR(CAP_DISPATCH_JOB, CAP_SUBMIT_JOB),   job_periodic_force},
    {"/plan",             M_WRITE, ROUTE_BLOCKING | NEED_OBJECT(CAP_SUBMIT_JOB),   job_plan},
    {"/summary",          M_ANY,   NEED_NS(CAP_READ_JOB),                          job_summary},
    {"/dispatch",         M_WRITE, NEED_NS(CAP_DISPATCH_JOB),                      job_dispatch},
    {"/versions",         M_ANY,   NEED_NS(CAP_READ_JOB),                          job_versions},
    {"/revert",           M_WRITE, NEED_NS(CAP_SUBMIT_JOB),                        job_revert},
    {"/stable",           M_WRITE, NEED_NS(CAP_SUBMIT_JOB),                        job_stable},
    {"/scale",            M_GET,   NEED_NS_OR(CAP_READ_JOB_SCALING, CAP_READ_JOB), job_scale_status},
    {"/scale",            M_WRITE, NEED_NS_OR(CAP_SCALE_JOB, CAP_SUBMIT_JOB),      job_scale},
    {"/services",         M_ANY,   NEED_NS(CAP_READ_JOB),                          job_services},
    {"/submission",       M_ANY,   NEED_NS(CAP_READ_JOB),                          job_submission},
    {"/actions",          M_ANY,   NEED_NS(CAP_READ_JOB),                          job_actions},
    /* clang-format on */
};

/* Only registrations that have to ask outside need a place in the pool. */
static int claim_for_registration(struct call *c, struct err *e)
{
    const struct task_secrets *ts = server_of(c)->opts.secrets;

    return ts && ts->outside ? call_claim_pool(c, e) : 0;
}

static unsigned need_on_job(unsigned method)
{
    if (method & (M_GET | M_HEAD))
        return NEED_NS(CAP_READ_JOB);
    return method & M_DELETE  ? NEED_NS(CAP_SUBMIT_JOB)
           : method & M_WRITE ? NEED_OBJECT(CAP_SUBMIT_JOB)
                              : NEED_TOKEN;
}

static int on_job(struct call *c, const char *id, struct err *e)
{
    int r = acl_gate(c, need_on_job(c->method), e);

    if (r < 0)
        return r;
    if (c->method & (M_GET | M_HEAD))
        return job_read(c, id, e);
    if (c->method & M_DELETE)
        return job_deregister(c, id, e);
    if (!(c->method & M_WRITE))
        return nomad_fail(e, 405, "Invalid method");
    r = claim_for_registration(c, e);
    return r < 0 ? r : job_register(c, id, e);
}

/* ".../versions/NAME/tag": 1: that is the path, and *ret what the call returns. */
static int route_tag(struct call *c, struct str rest, int *ret, struct err *e)
{
    static const struct str middle = {"/versions/", 10}, end = {"/tag", 4};
    const char *id, *name;
    ptrdiff_t slash;

    if (!str_ends(rest, end))
        return 0;
    rest = str_upto(rest, rest.len - end.len);
    slash = str_rchr(rest, '/');
    if (slash <= 0 || !str_ends(str_upto(rest, (size_t)slash + 1), middle) ||
        (size_t)slash + 1 <= middle.len)
        return 0;
    name = arena_cstr(c->arena, str_from(rest, (size_t)slash + 1));
    id = arena_cstr(c->arena, str_upto(rest, (size_t)slash + 1 - middle.len));
    *ret = acl_gate(c, NEED_NS(CAP_SUBMIT_JOB), e);
    if (*ret < 0)
        return 1;
    *ret = c->method & M_WRITE    ? job_tag(c, id, name, e)
           : c->method & M_DELETE ? job_untag(c, id, name, e)
                                  : nomad_fail(e, 405, "Invalid method");
    return 1;
}

static int route_job(struct call *c, struct err *e)
{
    struct str rest = call_param(c, "rest");
    bool known = false;
    int tag;

    if (route_tag(c, rest, &tag, e))
        return tag;

    for (size_t i = 0; i < ARRAY_LEN(sub_paths); i++) {
        const struct sub_path *s = &sub_paths[i];
        struct str ends = str_of(s->ends);
        int r;

        if (!str_ends(rest, ends) || rest.len == ends.len)
            continue;
        known = true;
        if (!(s->methods & c->method))
            continue;
        r = acl_gate(c, s->flags, e);
        if (r == 0 && (s->flags & ROUTE_BLOCKING))
            r = call_claim_pool(c, e);
        return r < 0
                   ? r
                   : s->handle(c, arena_cstr(c->arena, str_upto(rest, rest.len - ends.len)), e);
    }
    if (known)
        return nomad_fail(e, 405, "Invalid method");
    return on_job(c, arena_cstr(c->arena, rest), e);
}

static int route_register(struct call *c, struct err *e)
{
    int r = claim_for_registration(c, e);

    return r < 0 ? r : jobs_register(c, e);
}

const struct route job_routes[] = {
    {M_GET, "/v1/jobs", NEED_NS(CAP_LIST_JOBS), jobs_list, NULL},
    {M_WRITE, "/v1/jobs", NEED_OBJECT(CAP_SUBMIT_JOB), route_register, NULL},
    {M_WRITE, "/v1/jobs/parse", NEED_NS_OR(CAP_PARSE_JOB, CAP_SUBMIT_JOB), jobs_parse, NULL},
    {M_GET | M_POST, "/v1/jobs/statuses", NEED_NS(CAP_READ_JOB), jobs_statuses, NULL},
    {M_WRITE, "/v1/validate/job", NEED_OBJECT(CAP_READ_JOB), job_validate_call, NULL},
    {M_ANY, "/v1/job/+rest", NEED_CHECK, route_job, NULL},
};
const size_t n_job_routes = ARRAY_LEN(job_routes);
