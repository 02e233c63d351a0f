/*
 * nomad/model/eval -- work for the scheduler, deployments, plans, summaries
 */
#ifndef NOMAD_MODEL_EVAL_H
#define NOMAD_MODEL_EVAL_H

#include "lang/schema.h"
#include "nomad/model/alloc.h"

#define EVAL_PENDING "pending"
#define EVAL_BLOCKED "blocked"
#define EVAL_COMPLETE "complete"
#define EVAL_FAILED "failed"
#define EVAL_CANCELED "canceled"

/* TriggeredBy */
#define EVAL_BY_REGISTER "job-register"
#define EVAL_BY_DEREGISTER "job-deregister"
#define EVAL_BY_PERIODIC "periodic-job"
#define EVAL_BY_NODE_DRAIN "node-drain"
#define EVAL_BY_NODE_UPDATE "node-update"
#define EVAL_BY_ALLOC_STOP "alloc-stop"
#define EVAL_BY_SCHEDULED "scheduled"
#define EVAL_BY_ROLLING "rolling-update"
#define EVAL_BY_DEPLOYMENT "deployment-watcher"
#define EVAL_BY_FAILED_FOLLOWUP "failed-follow-up"
#define EVAL_BY_MAX_PLANS "max-plan-attempts"
#define EVAL_BY_ALLOC_FAILURE "alloc-failure"
#define EVAL_BY_QUEUED "queued-allocs"
#define EVAL_BY_PREEMPTION "preemption"
#define EVAL_BY_SCALING "job-scaling"
#define EVAL_BY_DISCONNECT "max-disconnect-timeout"
#define EVAL_BY_RECONNECT "reconnect"

struct desired_updates {
    const char *group; /* key of the map */
    uint64_t ignore, place, migrate, stop, in_place_update, destructive_update, canary,
        preemptions, disconnect, reconnect, reschedule_now, reschedule_later;
};

struct plan_annotations {
    LIST(struct desired_updates) updates;
    LIST(struct alloc) preempted_allocs;
};

struct queued_count {
    const char *group; /* key of the map */
    int64_t n;
};

struct eval {
    const char *id, *namespace;
    int64_t priority;
    const char *type, *triggered_by, *job_id;
    uint64_t job_modify_index;
    const char *node_id;
    uint64_t node_modify_index;
    const char *deployment_id, *status, *status_description;
    int64_t wait_ns, wait_until; /* wait_until: Unix ns, 0: none */
    const char *next_eval, *previous_eval, *blocked_eval;
    LIST(struct alloc_metric) failed_tg_allocs;
    struct json *class_eligibility; /* {"v1:...": true} */
    const char *quota_limit_reached;
    bool escaped_computed_class, annotate_plan;
    struct json *queued_allocations; /* {"group": 0} */
    uint64_t snapshot_index, create_index, modify_index;
    int64_t create_time, modify_time; /* Unix ns */
};

bool eval_terminal(const struct eval *ev); /* complete, failed, canceled */
bool eval_status_may_become(const char *from, const char *to);

/*
 * Deployments.
 */
#define DEPLOYMENT_RUNNING "running"
#define DEPLOYMENT_PAUSED "paused"
#define DEPLOYMENT_FAILED "failed"
#define DEPLOYMENT_SUCCESSFUL "successful"
#define DEPLOYMENT_CANCELLED "cancelled"

#define DEPLOYMENT_IS_RUNNING "Deployment is running"
#define DEPLOYMENT_NEEDS_PROMOTION "Deployment is running but requires manual promotion"
#define DEPLOYMENT_AUTO_PROMOTION "Deployment is running pending automatic promotion"
#define DEPLOYMENT_IS_PAUSED "Deployment is paused"
#define DEPLOYMENT_COMPLETED "Deployment completed successfully"
#define DEPLOYMENT_STOPPED_JOB "Cancelled because job is stopped"
#define DEPLOYMENT_NEWER_JOB "Cancelled due to newer version of job"
#define DEPLOYMENT_UNHEALTHY "Failed due to unhealthy allocations"
#define DEPLOYMENT_DEADLINE "Failed due to progress deadline"
#define DEPLOYMENT_FAILED_BY_USER "Deployment marked as failed"

struct deployment_group {
    const char *name; /* key of the map */
    bool auto_revert, auto_promote, promoted;
    int64_t progress_deadline_ns, require_progress_by; /* Unix ns */
    struct strlist placed_canaries;
    int64_t desired_canaries, desired_total, placed_allocs, healthy_allocs, unhealthy_allocs;
};

struct deployment {
    const char *id, *namespace, *job_id;
    uint64_t job_version, job_modify_index, job_spec_modify_index, job_create_index;
    bool is_multiregion;
    LIST(struct deployment_group) groups;
    const char *status, *status_description;
    int64_t eval_priority;
    uint64_t create_index, modify_index;
    int64_t create_time, modify_time; /* Unix ns */
};

bool deployment_active(const struct deployment *d); /* NULL is not */
bool deployment_status_may_become(const char *from, const char *to);
const struct deployment_group *deployment_group_of(const struct deployment *d,
                                                   const char *group);
bool deployment_needs_promotion(const struct deployment *d);
/* Every group has its healthy allocs and its canaries are promoted. */
bool deployment_is_complete(const struct deployment *d);

/*
 * Job summary.
 */
struct group_summary {
    const char *group; /* key of the map */
    int64_t queued, complete, failed, running, starting, lost, unknown;
};

struct children_summary {
    int64_t pending, running, dead;
};

struct job_summary {
    const char *job_id, *namespace;
    LIST(struct group_summary) groups;
    struct children_summary children;
    uint64_t create_index, modify_index;
};

struct group_summary *summary_group(struct job_summary *s, const char *group,
                                    struct arena *a); /* added when missing */
/* An alloc of the group went from one client status to another (NULL: new). */
void summary_alloc_moved(struct group_summary *g, const char *from, const char *to);

/* The lists' short forms. */
struct job_submission {
    const char *source, *format;
    struct strmap variable_flags;
    const char *variables, *namespace, *job_id;
    uint64_t version, job_modify_index;
};

extern const struct schema eval_schema, deployment_schema, job_summary_schema,
    job_submission_schema, plan_annotations_schema;

/*
 * A plan: what the scheduler wants committed, as one transaction.
 */
struct plan_stop {
    const struct alloc *alloc; /* as it stands */
    const char *desired_status, *desired_description;
    const char *client_status;    /* NULL: unchanged; "lost", "unknown" */
    const char *followup_eval_id; /* NULL: unchanged */
    const char *preempted_by;     /* NULL: it is not evicted */
};

struct plan_deployment_update {
    const char *id, *status, *status_description;
};

struct plan {
    const char *eval_id;
    LIST(struct plan_stop) stops;  /* stopped, evicted, lost */
    LIST(struct alloc *) places;   /* new allocs: no indexes yet */
    LIST(struct alloc *) in_place; /* copies of existing ones with a newer job version */
    /* Copies of existing ones; what counts of them is followup_eval_id, alloc_states, and a
     * client_status that has become "unknown". */
    LIST(struct alloc *) annotate;
    struct deployment *deployment; /* new, or the current one with groups added; NULL: none */
    LIST(struct plan_deployment_update) deployment_updates;
    LIST(struct eval *) evals;            /* blocked and follow-up ones to create */
    struct plan_annotations *annotations; /* what would happen, by group */
    LIST(struct alloc_metric) failed;     /* groups that could not all be placed */
    LIST(struct queued_count) queued;
    /* The eval was a blocked one and is to wait again, with these. */
    bool reblock, escaped_computed_class;
    struct json *class_eligibility;
    const char *blocked_eval; /* of the one among `evals`, NULL: none */
};

/* Nothing would change. */
bool plan_is_empty(const struct plan *p);

/* A stored index is 0 when it is the revision of the commit that wrote it. */
static inline uint64_t index_or(uint64_t stored, uint64_t mod_rev)
{
    return stored ? stored : mod_rev;
}

#endif
