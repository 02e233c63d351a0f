/*
 * sched_config -- what operators say about scheduling
 *
 * One record. As long as nobody has stored one the defaults hold.
 */
#ifndef NOMAD_SERVER_SCHED_CONFIG_H
#define NOMAD_SERVER_SCHED_CONFIG_H

#include "nomad/server/server_priv.h"

struct preemption_config {
    bool system, sysbatch, batch, service; /* kept for clients: nothing is preempted yet */
};

struct sched_config {
    const char *algorithm; /* "binpack" "spread" */
    struct preemption_config preemption;
    bool memory_oversubscription, reject_job_registration, pause_eval_broker;
    uint64_t create_index, modify_index;
};

int sched_config_load(struct txn *t, struct arena *a, struct sched_config *ret, struct err *e);

/* /v1/operator/scheduler/configuration */
int sched_config_read(struct call *c, struct err *e);
int sched_config_write(struct call *c, struct err *e);

#endif
