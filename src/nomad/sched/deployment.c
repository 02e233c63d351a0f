#include "nomad/sched/priv.h"

static void end_deployment(struct eval_run *r, const struct deployment *d, const char *status,
                           const char *why)
{
    list_push(r->a, &r->plan->deployment_updates,
              ((struct plan_deployment_update){d->id, status, why}));
}

void deployment_start(struct eval_run *r)
{
    const struct deployment *d = r->in->deployment;

    if (!d)
        return;
    if (r->stopping) {
        if (deployment_active(d))
            end_deployment(r, d, DEPLOYMENT_CANCELLED, DEPLOYMENT_STOPPED_JOB);
        return;
    }
    if (d->job_create_index != OPT(r->job->create_index) ||
        d->job_version != OPT(r->job->version)) {
        if (deployment_active(d))
            end_deployment(r, d, DEPLOYMENT_CANCELLED, DEPLOYMENT_NEWER_JOB);
        return;
    }
    r->deployment_failed = same(d->status, DEPLOYMENT_FAILED);
    if (deployment_active(d) || r->deployment_failed)
        r->deployment = schema_copy(&deployment_schema, d, r->a);
}

/* Jobs that roll: services whose group has an update block that is not switched off. */
bool deployment_wanted(const struct eval_run *r, const struct task_group *g)
{
    return same(r->job->type, "service") && update_is_rolling(g->update) &&
           !job_is_periodic(r->job) && !job_is_parameterized(r->job);
}

static struct deployment *deployment_new(struct eval_run *r)
{
    struct deployment *d = arena_new_of(r->a, struct deployment);
    const struct job *j = r->job;

    *d = (struct deployment){
        .id = run_uuid(r),
        .namespace = j->namespace,
        .job_id = j->id,
        .job_version = OPT(j->version),
        .job_modify_index = OPT(j->modify_index),
        .job_spec_modify_index = OPT(j->job_modify_index),
        .job_create_index = OPT(j->create_index),
        .status = DEPLOYMENT_RUNNING,
        .status_description = DEPLOYMENT_IS_RUNNING,
        .eval_priority = r->in->eval->priority,
        .create_time = r->in->now_ns,
        .modify_time = r->in->now_ns,
    };
    r->deployment_new = true;
    return d;
}

struct deployment_group *deployment_for(struct eval_run *r, const struct task_group *g,
                                        bool create, int64_t canaries)
{
    struct deployment_group *dg =
        (struct deployment_group *)(uintptr_t)deployment_group_of(r->deployment, g->name);

    if (dg || !create)
        return dg;
    if (!r->deployment)
        r->deployment = deployment_new(r);
    dg = list_add(r->a, &r->deployment->groups);
    *dg = (struct deployment_group){
        .name = g->name,
        .auto_revert = OPT(g->update->auto_revert),
        .auto_promote = OPT(g->update->auto_promote),
        .progress_deadline_ns = OPT(g->update->progress_deadline_ns),
        .desired_canaries = canaries,
        .desired_total = OPT(g->count),
    };
    if (canaries)
        r->deployment->status_description =
            dg->auto_promote ? DEPLOYMENT_AUTO_PROMOTION : DEPLOYMENT_NEEDS_PROMOTION;
    r->deployment_changed = true;
    return dg;
}

void deployment_placed(struct eval_run *r, const struct task_group *g, struct alloc *al,
                       bool canary)
{
    struct deployment_group *dg;

    if (!deployment_active(r->deployment))
        return;
    dg = deployment_for(r, g, false, 0);
    if (!dg)
        return;
    al->deployment_id = r->deployment->id;
    dg->placed_allocs++;
    if (canary) {
        al->deployment_status = arena_new_of(r->a, struct alloc_deployment_status);
        al->deployment_status->canary = true;
        list_push(r->a, &dg->placed_canaries, al->id);
    }
    if (dg->require_progress_by == 0 && dg->progress_deadline_ns)
        dg->require_progress_by = r->in->now_ns + dg->progress_deadline_ns;
    r->deployment_changed = true;
}

void deployment_finish(struct eval_run *r, bool nothing_left)
{
    if (r->deployment_changed)
        r->plan->deployment = r->deployment;
    if (nothing_left && r->deployment && !r->deployment_changed &&
        same(r->deployment->status, DEPLOYMENT_RUNNING) &&
        deployment_is_complete(r->deployment))
        end_deployment(r, r->deployment, DEPLOYMENT_SUCCESSFUL, DEPLOYMENT_COMPLETED);
}
