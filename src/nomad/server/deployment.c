/* Deployments: each change as one transaction. */
#include "nomad/server/deployment.h"

#include <string.h>

#include "nomad/server/job_api.h"

static const struct deployment *body(const struct deploy *d)
{
    return d->o->body;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(str_or_empty(a), str_or_empty(b)) == 0;
}

/* *ret NULL: purged. */
static int find_job(struct deploy *d, const struct object **ret, struct err *e)
{
    int r = state_job(d->txn, body(d)->namespace, body(d)->job_id, ret, e);

    if (r != ERR_NOTFOUND)
        return r;
    *ret = NULL;
    return 0;
}

/* After an alloc was written its deployment's row is a newer one. */
static int reload(struct deploy *d, struct err *e)
{
    return state_deployment(d->txn, body(d)->id, &d->o, e);
}

static int put(struct deploy *d, struct object *o, struct err *e)
{
    ((struct deployment *)o->body)->modify_time = d->now_ns;
    return state_put(d->txn, &deployment_table, o, e);
}

static int put_status(struct deploy *d, const char *status, const char *why, struct err *e)
{
    struct object *o = state_copy(d->o);
    struct deployment *n = o->body;
    int r;

    n->status = arena_strdup(o->arena, status);
    n->status_description = arena_strdup(o->arena, why);
    r = put(d, o, e);
    return r < 0 ? r : job_refresh_status(d->txn, body(d)->namespace, body(d)->job_id, e);
}

int deploy_eval(struct deploy *d, struct err *e)
{
    const struct object *job;
    struct eval_new n = {.namespace = body(d)->namespace,
                         .job_id = body(d)->job_id,
                         .type = "service",
                         .triggered_by = EVAL_BY_DEPLOYMENT,
                         .deployment_id = body(d)->id,
                         .priority = body(d)->eval_priority};
    int r = find_job(d, &job, e);

    if (r == 0 && job) {
        const struct job *j = job->body;

        n.type = j->type;
        n.job_modify_index = job_spec_index(job);
        n.priority = n.priority ? n.priority : OPT(j->priority);
    }
    return r < 0 ? r : eval_create(d->txn, d->arena, d->now_ns, &n, &d->eval_id, e);
}

/* ---- success ---------------------------------------------------------------------------- */

int deployment_mark_stable(struct txn *t, const struct deployment *dep, struct err *e)
{
    const struct object *version;
    int r = state_job_version(t, dep->namespace, dep->job_id, dep->job_version, &version, e);

    if (r == ERR_NOTFOUND || (r == 0 && OPT(((const struct job *)version->body)->stable)))
        return 0;
    return r < 0 ? r : job_set_stable(t, version, true, e);
}

/* ---- failure, and the way back ----------------------------------------------------------- */

/* The newest stable version before the one that is deployed. *ret NULL: there is none. */
static int find_stable(struct deploy *d, const struct object **ret, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    *ret = NULL;
    key_init(&k, job_version_table.name);
    key_addz(&k, body(d)->namespace);
    key_addz(&k, body(d)->job_id);
    r = table_scan_begin(d->txn, &it, &job_version_table, &k, SCAN_REVERSE, e);
    if (r < 0)
        return r;
    while (!*ret && (r = table_scan_next(&it, &o, e)) > 0) {
        const struct job *j = o->body;

        if (OPT(j->stable) && OPT(j->version) < body(d)->job_version)
            *ret = o;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

/* The older specification as the job's newest version. */
static int put_reverted(struct deploy *d, const struct object *now, const struct object *to,
                        struct err *e)
{
    const struct job_tx x = {d->txn, d->arena, d->now_ns};
    uint64_t spec_index;

    return job_put(&x, to->body, now, &spec_index, e);
}

static bool wants_revert(const struct deployment *dep)
{
    list_each (&dep->groups, g)
        if (g->auto_revert)
            return true;
    return false;
}

/* *ret_what: what to add to the description, "" if nobody asked for a way back. */
static int revert(struct deploy *d, const char **ret_what, struct err *e)
{
    const struct object *now, *to;
    unsigned long long version;
    int r = find_job(d, &now, e);

    *ret_what = "";
    if (r < 0 || !now || !wants_revert(body(d)))
        return r;
    if (job_is_stopped(now->body) ||
        OPT(((const struct job *)now->body)->version) != body(d)->job_version)
        return 0; /* somebody has changed it since */
    r = find_stable(d, &to, e);
    if (r < 0)
        return r;
    if (!to) {
        *ret_what = " - no stable job version to auto revert to";
        return 0;
    }
    version = OPT(((const struct job *)to->body)->version);
    if (job_spec_eq(to->body, now->body)) {
        *ret_what = arena_printf(d->arena,
                                 " - not rolling back to stable job version %llu as current "
                                 "job has same specification",
                                 version);
        return 0;
    }
    *ret_what = arena_printf(d->arena, " - rolling back to job version %llu", version);
    opt_set(d->arena, (uint64_t **)&d->reverted_to, (uint64_t)version);
    return put_reverted(d, now, to, e);
}

int deploy_fail(struct deploy *d, const char *why, struct err *e)
{
    const char *more;
    int r = revert(d, &more, e);

    if (r == 0)
        r = put_status(d, DEPLOYMENT_FAILED, arena_printf(d->arena, "%s%s", why, more), e);
    return r < 0 ? r : deploy_eval(d, e);
}

/* ---- promotion -------------------------------------------------------------------------- */

static bool chosen(const struct strlist *groups, const char *name)
{
    return !groups || strlist_has(groups, name);
}

static int healthy_canaries(struct deploy *d, const struct deployment_group *g, int64_t *ret,
                            struct err *e)
{
    *ret = 0;
    for (size_t i = 0; i < g->placed_canaries.len; i++) {
        const struct object *o;
        int r = state_alloc(d->txn, g->placed_canaries.at[i], &o, e);
        const struct alloc *al = r == 0 ? o->body : NULL;

        if (r < 0 && r != ERR_NOTFOUND)
            return r;
        if (al && !alloc_terminal(al) && al->deployment_status &&
            OPT(al->deployment_status->healthy))
            (*ret)++;
    }
    return 0;
}

/* 500 naming every chosen group whose canaries are not all healthy. */
static int check_canaries(struct deploy *d, const struct strlist *groups, struct err *e)
{
    struct problem_list p = {.arena = d->arena};

    list_each (&body(d)->groups, g) {
        int64_t healthy;
        int r;

        if (!chosen(groups, g->name) || g->promoted || g->desired_canaries == 0)
            continue;
        r = healthy_canaries(d, g, &healthy, e);
        if (r < 0)
            return r;
        if (healthy < g->desired_canaries)
            list_push(
                d->arena, &p.at,
                arena_printf(d->arena, "Task group \"%s\" has %lld/%lld healthy allocations",
                             g->name, (long long)healthy, (long long)g->desired_canaries));
    }
    if (p.at.len == 0)
        return 0;
    return nomad_fail(e, 500, "%s", problem_list_text(d->arena, &p));
}

/* A promoted canary is an alloc like any other. */
static int end_canary(struct deploy *d, const char *id, struct err *e)
{
    const struct object *old;
    struct object *o;
    struct alloc *al;
    int r = state_alloc(d->txn, id, &old, e);

    if (r == ERR_NOTFOUND)
        return 0;
    if (r < 0)
        return r;
    o = state_copy(old);
    al = o->body;
    if (al->deployment_status)
        al->deployment_status->canary = false;
    al->modify_time = d->now_ns;
    return state_put(d->txn, &alloc_table, o, e);
}

static int promote_groups(struct deploy *d, struct deployment *n, const struct strlist *groups,
                          struct err *e)
{
    list_each (&n->groups, g) {
        if (!chosen(groups, g->name) || g->promoted || g->desired_canaries == 0)
            continue;
        g->promoted = true;
        if (g->progress_deadline_ns)
            g->require_progress_by = d->now_ns + g->progress_deadline_ns;
        for (size_t i = 0; i < g->placed_canaries.len; i++) {
            int r = end_canary(d, g->placed_canaries.at[i], e);

            if (r < 0)
                return r;
        }
    }
    return 0;
}

int deploy_promote(struct deploy *d, const struct strlist *groups, struct err *e)
{
    struct object *o;
    struct deployment *n;
    int r;

    if (!deployment_active(body(d)))
        return nomad_fail(e, 500, "can't promote terminal deployment");
    r = check_canaries(d, groups, e);
    if (r < 0)
        return r;
    o = state_copy(d->o);
    n = o->body;
    r = promote_groups(d, n, groups, e);
    if (r < 0) {
        object_unref(o);
        return r;
    }
    if (!deployment_needs_promotion(n) && same_text(n->status, DEPLOYMENT_RUNNING))
        n->status_description = DEPLOYMENT_IS_RUNNING;
    r = put(d, o, e);
    return r < 0 ? r : deploy_eval(d, e);
}

/* ---- pause, health ---------------------------------------------------------------------- */

static const char *running_text(const struct deployment *n)
{
    if (!deployment_needs_promotion(n))
        return DEPLOYMENT_IS_RUNNING;
    list_each (&n->groups, g)
        if (g->desired_canaries > 0 && !g->promoted && !g->auto_promote)
            return DEPLOYMENT_NEEDS_PROMOTION;
    return DEPLOYMENT_AUTO_PROMOTION;
}

int deploy_pause(struct deploy *d, bool pause, struct err *e)
{
    struct object *o;
    struct deployment *n;
    int r;

    if (!deployment_active(body(d)))
        return nomad_fail(e, 500, "can't %s terminal deployment", pause ? "pause" : "resume");
    o = state_copy(d->o);
    n = o->body;
    n->status = pause ? DEPLOYMENT_PAUSED : DEPLOYMENT_RUNNING;
    n->status_description = pause ? DEPLOYMENT_IS_PAUSED : running_text(n);
    list_each (&n->groups, g) /* the pause is not held against it */
        if (!pause && g->require_progress_by && g->progress_deadline_ns)
            g->require_progress_by = d->now_ns + g->progress_deadline_ns;
    r = put(d, o, e);
    if (r == 0 && !pause)
        r = deploy_eval(d, e);
    return r;
}

static int set_one_health(struct deploy *d, const char *id, bool healthy, struct err *e)
{
    const struct object *old;
    struct object *o;
    struct alloc *al;
    int r = state_alloc(d->txn, id, &old, e);

    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 500, "unknown alloc \"%s\"", id);
    if (r < 0)
        return r;
    if (!same_text(((const struct alloc *)old->body)->deployment_id, body(d)->id))
        return nomad_fail(e, 500, "alloc \"%s\" is not part of deployment \"%s\"", id,
                          body(d)->id);
    o = state_copy(old);
    al = o->body;
    if (!al->deployment_status)
        al->deployment_status = arena_new_of(o->arena, struct alloc_deployment_status);
    opt_set(o->arena, &al->deployment_status->healthy, healthy);
    al->deployment_status->timestamp = d->now_ns;
    al->deployment_status->modify_index = 0;
    al->modify_time = d->now_ns;
    return alloc_write(d->server, d->txn, o, old, d->now_ns, e);
}

int deploy_set_health(struct deploy *d, const struct strlist *healthy,
                      const struct strlist *unhealthy, struct err *e)
{
    int r = 0;

    if (!deployment_active(body(d)))
        return nomad_fail(e, 500, "can't set health of allocations for a terminal deployment");
    for (size_t i = 0; r == 0 && i < healthy->len; i++)
        r = set_one_health(d, healthy->at[i], true, e);
    for (size_t i = 0; r == 0 && i < unhealthy->len; i++)
        r = set_one_health(d, unhealthy->at[i], false, e);
    if (r == 0)
        r = reload(d, e);
    if (r < 0)
        return r;
    return unhealthy->len ? deploy_fail(d, DEPLOYMENT_UNHEALTHY, e) : deploy_eval(d, e);
}
