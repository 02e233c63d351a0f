/*
 * What deployments do by themselves: one look at one deployment.
 *
 * Healths are reported by clients into their allocs' rows, and alloc_write moves the counters
 * of the deployment in the same transaction; so a look at the deployment's row tells whether
 * there is something to do.
 *
 * Success is not said here: only the scheduler knows that nothing is left to stop or to place.
 * It gets an evaluation for each health that becomes known, and ends the deployment with its
 * plan.
 */
#include <string.h>

#include "nomad/server/deployment.h"
#include "nomad/server/list.h"

static const struct deployment *body(const struct deploy *d)
{
    return d->o->body;
}

/* ---- time ------------------------------------------------------------------------------- */

static bool group_waits(const struct deployment_group *g)
{
    if (g->desired_canaries > 0 && !g->promoted)
        return g->healthy_allocs < g->desired_canaries;
    return g->healthy_allocs < g->desired_total;
}

static int64_t next_deadline(const struct deployment *dep)
{
    int64_t least = 0;

    list_each (&dep->groups, g)
        if (g->require_progress_by && group_waits(g) &&
            (least == 0 || g->require_progress_by < least))
            least = g->require_progress_by;
    return least;
}

/* ---- allocs that are not healthy --------------------------------------------------------- */

static const struct task_group *group_of(const struct object *job, const char *name)
{
    return job ? job_group(job->body, name) : NULL;
}

/* May this failed attempt be replaced within the deployment? */
static bool may_try_again(struct deploy *d, const struct object *job, const struct alloc *al)
{
    const struct deployment_group *g = deployment_group_of(body(d), al->task_group);
    const struct task_group *tg = group_of(job, al->task_group);
    struct reschedule_decision dec = {0};

    if (!g || g->progress_deadline_ns == 0 || !tg || !tg->reschedule)
        return false;
    reschedule_next(tg->reschedule, al, d->now_ns, &dec);
    return dec.eligible;
}

static bool is_unhealthy(const struct alloc *al)
{
    const struct alloc_deployment_status *ds = al->deployment_status;

    return ds && ds->healthy && !*ds->healthy;
}

static bool has_transition(const struct alloc *al)
{
    return al->desired_transition && OPT(al->desired_transition->reschedule);
}

/* Each unhealthy alloc gets another try, or the deployment ends: *ret_failed. */
static int judge_unhealthy(struct deploy *d, bool *ret_failed, struct err *e)
{
    LIST(const struct object *) again = {0};
    const struct object *o, *job = NULL;
    struct table_scan it;
    struct key k;
    int r = state_job(d->txn, body(d)->namespace, body(d)->job_id, &job, e);

    *ret_failed = false;
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    job = r == 0 ? job : NULL;
    table_index_key(&k, &alloc_table, "by_deployment");
    key_addz(&k, body(d)->id);
    r = table_scan_index(d->txn, &it, &alloc_table, &k, 0, e);
    if (r < 0)
        return r;
    while (!*ret_failed && (r = table_scan_next(&it, &o, e)) > 0) {
        const struct alloc *al = o->body;

        if (!is_unhealthy(al) || has_transition(al) ||
            (al->next_allocation && *al->next_allocation))
            continue;
        if (may_try_again(d, job, al))
            list_push(d->arena, &again, o);
        else
            *ret_failed = true;
    }
    table_scan_end(&it);
    for (size_t i = 0; r >= 0 && !*ret_failed && i < again.len; i++)
        r = alloc_want_transition(d->txn, again.at[i], false, true, false, d->now_ns, e);
    return r < 0 ? r : 0;
}

static bool any_unhealthy(const struct deployment *dep)
{
    list_each (&dep->groups, g)
        if (g->unhealthy_allocs > 0)
            return true;
    return false;
}

/* ---- promotion by itself ------------------------------------------------------------------
 */

static bool promotes_itself(const struct deployment *dep)
{
    bool any = false;

    list_each (&dep->groups, g) {
        if (g->desired_canaries == 0 || g->promoted)
            continue;
        if (!g->auto_promote || g->healthy_allocs < g->desired_canaries)
            return false;
        any = true;
    }
    return any;
}

/* ---- the look -----------------------------------------------------------------------------
 */

static int on_moved(struct deploy *d, struct err *e)
{
    bool failed = false;
    int r = any_unhealthy(body(d)) ? judge_unhealthy(d, &failed, e) : 0;

    if (r < 0)
        return r;
    if (failed)
        return deploy_fail(d, DEPLOYMENT_UNHEALTHY, e);
    if (promotes_itself(body(d)))
        return deploy_promote(d, NULL, e);
    return deploy_eval(d, e);
}

int deploy_watch(struct deploy *d, bool moved, int64_t *ret_deadline, struct err *e)
{
    int64_t deadline = next_deadline(body(d));
    int r;

    *ret_deadline = 0;
    if (strcmp(body(d)->status, DEPLOYMENT_RUNNING) != 0)
        return 0;
    if (deadline && deadline <= d->now_ns) {
        r = deploy_fail(d, DEPLOYMENT_DEADLINE, e);
    } else {
        *ret_deadline = deadline;
        if (!moved)
            return 0;
        r = on_moved(d, e);
    }
    return r < 0 ? r : 1;
}
