#include "nomad/sched/priv.h"

static struct eval *eval_new(struct eval_run *r, const char *by, const char *status,
                             const char *why)
{
    const struct eval *from = r->in->eval;
    struct eval *ev = arena_new_of(r->a, struct eval);

    *ev = (struct eval){
        .id = run_uuid(r),
        .namespace = from->namespace,
        .priority = from->priority,
        .type = from->type,
        .triggered_by = by,
        .job_id = from->job_id,
        .job_modify_index = r->job ? OPT(r->job->job_modify_index) : from->job_modify_index,
        .status = status,
        .status_description = why,
        .previous_eval = from->id,
        .create_time = r->in->now_ns,
        .modify_time = r->in->now_ns,
    };
    list_push(r->a, &r->plan->evals, ev);
    return ev;
}

/* Those that are due within a few seconds of each other come back together. */
const char *followup_at(struct eval_run *r, int64_t at, const char *by, const char *why)
{
    static const int64_t batch = SCHED_FOLLOWUP_BATCH_S * INT64_C(1000000000);
    struct eval *ev;

    list_each (&r->plan->evals, it)
        if (same((*it)->triggered_by, by) && (*it)->wait_until >= at &&
            (*it)->wait_until - at < batch)
            return (*it)->id;
    ev = eval_new(r, by, EVAL_PENDING, why);
    ev->wait_until = at;
    return ev->id;
}

static struct json *eligibility(struct eval_run *r, bool *ret_escaped)
{
    struct json *classes = NULL;

    list_each (&r->all_feas, it) {
        const struct feasible *f = *it;

        *ret_escaped = *ret_escaped || f->escaped;
        for (size_t i = 0; i < f->n_classes && !f->escaped; i++)
            if (f->by_class[i] != V_UNKNOWN) {
                if (!classes)
                    classes = json_new_object(r->a);
                json_set(r->a, classes, str_of(r->s->classes.at.at[i]),
                         json_of_bool(
                             f->by_class[i] == V_YES ||
                             json_bool_or(json_get(classes, r->s->classes.at.at[i]), false)));
            }
    }
    return classes;
}

/* What could not be placed waits for capacity: in a new blocked eval, or in this one if it was
 * one itself. */
void blocked_eval(struct eval_run *r)
{
    struct eval *ev;

    if (r->plan->failed.len == 0)
        return;
    r->plan->class_eligibility = eligibility(r, &r->plan->escaped_computed_class);
    if (same(r->in->eval->triggered_by, EVAL_BY_QUEUED)) {
        r->plan->reblock = true;
        return;
    }
    ev = eval_new(r, EVAL_BY_QUEUED, EVAL_BLOCKED, "created to place remaining allocations");
    ev->class_eligibility = r->plan->class_eligibility;
    ev->escaped_computed_class = r->plan->escaped_computed_class;
    ev->snapshot_index = r->in->snapshot_index;
    r->plan->blocked_eval = ev->id;
}
