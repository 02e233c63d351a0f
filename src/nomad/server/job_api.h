/*
 * job_api -- handlers of /v1/jobs and /v1/job/...
 *
 * A job's id may hold '/', so the paths below a job are matched by their end (job_routes.c):
 * handlers get the id.
 */
#ifndef NOMAD_SERVER_JOB_API_H
#define NOMAD_SERVER_JOB_API_H

#include "nomad/server/job_store.h"

/* What a registration, a validation or a plan brings. */
struct register_body {
    struct json *job;
    bool enforce_index, preserve_counts, diff;
    uint64_t job_modify_index;
    int64_t eval_priority;
    struct job_submission *submission;
    const char *namespace;
};

struct registration {
    struct register_body body;
    struct job job;
    const char *submitter_token, *warnings;
};

/* Body to job. ERR_INVALID with the API's texts. */
int registration_decode(struct call *c, struct registration *g, struct err *e);
/* Namespace, defaults, what the server adds. */
void registration_complete(struct call *c, struct registration *g);
/* Everything that can be said without asking somebody outside. */
int registration_check(struct call *c, struct registration *g, struct err *e);
const char *registration_warnings(struct call *c, const struct registration *g);

/* job_fits.c: the numbers into the API's types (400); the job into this region (500). */
int registration_fits(const struct job *j, struct err *e);
int registration_region(struct call *c, const struct job *j, struct err *e);

/* What a write of a job answers. */
struct registered {
    const char *eval_id, *warnings;
    uint64_t job_modify_index; /* 0: this commit */
    bool known_leader;         /* what the API says depends on the call */
};
void reply_registered(struct call *c, uint64_t rev, void *arg); /* struct registered */
void reply_index(struct call *c, uint64_t rev, void *arg);
/* Check against what is stored, write, answer. arg: struct registration. */
int registration_store(struct call *c, void *arg, struct err *e);

/* job_write.c */
int jobs_register(struct call *c, struct err *e);
int job_register(struct call *c, const char *id, struct err *e);
int job_validate_call(struct call *c, struct err *e);
int jobs_parse(struct call *c, struct err *e);
int job_evaluate(struct call *c, const char *id, struct err *e);

/* job_stop.c */
int job_deregister(struct call *c, const char *id, struct err *e);

/* job_versions.c */
int job_versions(struct call *c, const char *id, struct err *e);
int job_submission(struct call *c, const char *id, struct err *e);
int job_revert(struct call *c, const char *id, struct err *e);
int job_stable(struct call *c, const char *id, struct err *e);
int job_tag(struct call *c, const char *id, const char *name, struct err *e);
int job_untag(struct call *c, const char *id, const char *name, struct err *e);

/* dispatch.c, periodic.c, scale.c */
int job_dispatch(struct call *c, const char *id, struct err *e);
int job_periodic_force(struct call *c, const char *id, struct err *e);
int job_scale(struct call *c, const char *id, struct err *e);
int job_scale_status(struct call *c, const char *id, struct err *e);

/* job_plan.c */
int job_plan(struct call *c, const char *id, struct err *e);

/* job_explain.c */
int job_explain(struct call *c, const char *id, struct err *e);

/* job_read.c */
/* *ret NULL: no such job. */
int job_find(struct call *c, const char *id, const struct object **ret, struct err *e);
void job_key_of(struct key *k, const struct table *t, const char *ns, const char *id);
int jobs_list(struct call *c, struct err *e);
int job_read(struct call *c, const char *id, struct err *e);
int job_summary(struct call *c, const char *id, struct err *e);
int job_allocations(struct call *c, const char *id, struct err *e);
int job_evaluations(struct call *c, const char *id, struct err *e);
int job_deployments(struct call *c, const char *id, struct err *e);
int job_deployment(struct call *c, const char *id, struct err *e);
int job_services(struct call *c, const char *id, struct err *e);
int job_actions(struct call *c, const char *id, struct err *e);
int jobs_statuses(struct call *c, struct err *e);

#endif
