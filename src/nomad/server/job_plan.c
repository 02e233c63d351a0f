/*
 * `job plan`: what would registering this job do?
 *
 * The scheduler's own thread answers, on its mirror and in a snapshot that it begins then, with
 * the job put in place of the stored one. Nothing is written.
 */
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "nomad/model/cron.h"
#include "nomad/sched/sched.h"
#include "nomad/server/job_api.h"
#include "nomad/server/list.h"
#include "nomad/server/periodic.h"
#include "nomad/server/sched_config.h"

struct plan_reply {
    struct plan_annotations *annotations;
    LIST(struct alloc_metric) failed;
    uint64_t job_modify_index, index;
    struct json *created_evals;
    struct job_diff *diff;
    int64_t *next_launch;
    const char *warnings;
};

static const struct schema_field plan_reply_fields[] = {
    {"Annotations", NULL, F_OBJ, offsetof(struct plan_reply, annotations),
     .sub = &plan_annotations_schema},
    {"FailedTGAllocs", NULL, F_MAP, offsetof(struct plan_reply, failed),
     .flags = FIELD_NULLEMPTY, .sub = &alloc_metric_schema},
    {"JobModifyIndex", NULL, F_UINT, offsetof(struct plan_reply, job_modify_index)},
    {"CreatedEvals", NULL, F_JSON, offsetof(struct plan_reply, created_evals)},
    {"Diff", NULL, F_OBJ, offsetof(struct plan_reply, diff), .sub = &job_diff_schema},
    {"NextPeriodicLaunch", NULL, F_TIME, offsetof(struct plan_reply, next_launch),
     .flags = FIELD_PTR},
    {"Warnings", NULL, F_STR, offsetof(struct plan_reply, warnings)},
    {"Index", NULL, F_UINT, offsetof(struct plan_reply, index)},
};
static SCHEMA(plan_reply_schema, "plan", struct plan_reply, plan_reply_fields);

struct planning {
    struct call *c;
    struct registration g;
    struct txn *txn; /* while the scheduler runs */
    struct plan_reply reply;
};

/* The job as it would be stored by the next commit. A submitter's token makes it another one:
 * none is stored. */
static void place_in_line(struct planning *p, const struct job *old)
{
    struct job *j = &p->g.job;
    struct arena *a = p->c->arena;
    uint64_t next = txn_rev(p->txn) + 1;
    bool same = old && !job_is_stopped(old) && str_of(p->g.submitter_token).len == 0 &&
                job_spec_eq(old, j);

    opt_set(a, &j->stop, false);
    opt_set(a, &j->version, old ? OPT(old->version) + !same : (uint64_t)0);
    opt_set(a, &j->create_index, old ? OPT(old->create_index) : next);
    opt_set(a, &j->modify_index, next);
    opt_set(a, &j->job_modify_index, same ? OPT(old->job_modify_index) : next);
}

static int dry_run(struct planning *p, struct sched *sched, const struct deployment *d,
                   struct plan *plan, struct err *e)
{
    const struct job *j = &p->g.job;
    struct job_source src = {p->txn, p->c->arena, j->namespace, j->id};
    char id[UUID_SIZE];
    struct eval ev = {.id = id,
                      .namespace = j->namespace,
                      .priority = OPT(j->priority),
                      .type = j->type,
                      .triggered_by = EVAL_BY_REGISTER,
                      .job_id = j->id,
                      .job_modify_index = OPT(j->job_modify_index),
                      .status = EVAL_PENDING,
                      .annotate_plan = true};
    struct sched_input in = {.eval = &ev,
                             .job = j,
                             .deployment = d,
                             .now_ns = clock_wall_ns(),
                             .snapshot_index = txn_rev(p->txn),
                             .seed = {random_u64(), random_u64()}};
    int r = sched_input_fill(&in, &src, e);

    random_uuid(id);
    return r < 0 ? r : sched_process(sched, &in, p->c->arena, plan, e);
}

static void note_launch(struct planning *p)
{
    int64_t next = periodic_next(&p->g.job, clock_wall_s());

    if (next != CRON_NEVER)
        opt_set(p->c->arena, &p->reply.next_launch, next * 1000000000);
}

static void note_outcome(struct planning *p, const struct job *old, const struct plan *plan)
{
    struct arena *a = p->c->arena;
    struct plan_reply *r = &p->reply;

    if (plan->annotations) /* the mirror's names do not outlive the question */
        r->annotations = schema_copy(&plan_annotations_schema, plan->annotations, a);
    list_each (&plan->failed, f) {
        struct alloc_metric *m = schema_copy(&alloc_metric_schema, f, a);

        m->group = arena_strdup(a, f->group);
        list_push(a, &r->failed, *m);
    }
    r->job_modify_index = r->index = old ? OPT(old->job_modify_index) : 0;
    r->warnings = p->g.warnings;
    note_launch(p);
    if (!p->g.body.diff)
        return;
    r->diff = arena_new_of(a, struct job_diff);
    job_diff_make(old, &p->g.job, true, a, r->diff);
    if (r->annotations)
        job_diff_annotate(r->diff, r->annotations, a);
}

/* On the scheduler's thread; the call's own waits. */
static int ask_scheduler(struct nomad_server *s, void *sched, void *arg, struct err *e)
{
    struct planning *p = arg;
    const struct job *j = &p->g.job, *old = NULL;
    const struct object *o = NULL, *d = NULL;
    struct plan plan = {0};
    auto_txn struct txn *t = NULL;
    int r = txn_begin(s->opts.store, TXN_READ_ONLY, &t, e);

    if (r < 0)
        return r;
    p->txn = t;
    r = state_job(t, j->namespace, j->id, &o, e);
    if (r == 0)
        old = state_body(o, p->c->arena);
    else if (r == ERR_NOTFOUND)
        r = 0;
    if (r == 0 && old && job_check_update(old, j, e) < 0)
        r = err_set_status(e, ERR_INTERNAL, 500, "%s", e->msg);
    if (r == 0)
        r = job_latest_deployment(t, j->namespace, j->id, &d, e);
    if (r < 0)
        return r;
    place_in_line(p, old);
    r = dry_run(p, sched, d ? state_body(d, p->c->arena) : NULL, &plan, e);
    if (r == 0)
        note_outcome(p, old, &plan);
    return r;
}

static int act_plan(struct call *c, void *arg, struct err *e)
{
    const struct task_secrets *ts = server_of(c)->opts.secrets;
    struct planning *p = arg;
    bool vault = false;
    int r = 0;

    list_each (&p->g.job.groups, g)
        list_each (&g->tasks, t)
            vault = vault || t->vault;
    if (vault && ts && ts->outside)
        r = ts->check_job(ts->ctx, &p->g.job, p->g.submitter_token, c->arena, e);
    if (r == 0)
        r = scheduler_ask(server_of(c), ask_scheduler, p, e);
    if (r < 0)
        return r;
    nomad_schema(c, &plan_reply_schema, &p->reply);
    nomad_index(c, p->reply.index);
    return 0;
}

int job_plan(struct call *c, const char *id, struct err *e)
{
    struct planning *p = arena_new_of(c->arena, struct planning);
    int r = registration_decode(c, &p->g, e);

    if (r < 0)
        return r;
    if (strcmp(p->g.job.id, id) != 0)
        return nomad_fail(e, 400, "Job ID does not match");
    p->c = c;
    registration_complete(c, &p->g);
    r = call_need(c, p->g.job.namespace, CAP_SUBMIT_JOB, e);
    if (r < 0)
        return r;
    p->g.warnings = registration_warnings(c, &p->g);
    r = registration_check(c, &p->g, e);
    if (r < 0)
        return r;
    call_then(c, act_plan, NULL, p);
    return 0;
}
