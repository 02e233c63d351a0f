/*
 * sched_config -- what operators say about scheduling
 *
 * One record. As long as nobody has stored one the defaults hold.
 */
#ifndef NOMAD_SERVER_SCHED_CONFIG_H
#define NOMAD_SERVER_SCHED_CONFIG_H

#include "nomad/server/server_priv.h"

struct sched_input;

struct preemption_config {
    bool system, sysbatch, batch, service; /* may such jobs push out others? */
};

struct sched_config {
    const char *algorithm; /* "binpack" "spread" */
    struct preemption_config preemption;
    bool memory_oversubscription, reject_job_registration, pause_eval_broker;
    uint64_t create_index, modify_index;
};

int sched_config_load(struct txn *t, struct arena *a, struct sched_config *ret, struct err *e);

/* sched_input.c: where the scheduler's questions about jobs are answered from. */
struct job_source {
    struct txn *t;
    struct arena *a;
    const char *ns, *id; /* of the job at hand */
};
/* All of the input that hangs on the store but its job and deployment; `src` outlives it. */
int sched_input_fill(struct sched_input *in, struct job_source *src, struct err *e);

/* /v1/operator/scheduler/configuration */
int sched_config_read(struct call *c, struct err *e);
int sched_config_write(struct call *c, struct err *e);

#endif
