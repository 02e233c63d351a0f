/*
 * deployment -- what may happen to a deployment
 *
 *                 +--------- paused <---------+
 *      resume     v                           | pause
 *     running --------------------------------+
 *        | healthy everywhere, nothing left to do ---> successful (its job version is stable;
 *        |                                             the scheduler says so in its plan)
 *        | unhealthy for good, no progress in time,
 *        | or a user says so -----------------------> failed (maybe the job is reverted)
 *        | a newer job, the job is stopped ----------> cancelled (the scheduler does that)
 *
 * Each of these is one transaction, whoever asks for it: the API or the watcher. What changes
 * a job's course leaves an evaluation "deployment-watcher" for the scheduler.
 *
 * Errors: status 500 with the API's texts where a user asked for what cannot be.
 */
#ifndef NOMAD_SERVER_DEPLOYMENT_H
#define NOMAD_SERVER_DEPLOYMENT_H

#include "nomad/server/server_priv.h"

struct deploy {
    struct nomad_server *server;
    struct txn *txn;
    struct arena *arena;
    int64_t now_ns;
    const struct object *o; /* the deployment as it stands */
    /* What was done. */
    const char *eval_id;         /* "": none */
    const uint64_t *reverted_to; /* NULL: the job was not reverted */
};

/* NULL: all groups. With canaries that are not healthy: 500 "Task group \"g\" has 0/1 ...". */
int deploy_promote(struct deploy *d, const struct strlist *groups, struct err *e);
/* `why`: DEPLOYMENT_*; what came of auto_revert is added to it. */
int deploy_fail(struct deploy *d, const char *why, struct err *e);
int deploy_pause(struct deploy *d, bool pause, struct err *e);
int deploy_set_health(struct deploy *d, const struct strlist *healthy,
                      const struct strlist *unhealthy, struct err *e);
int deploy_eval(struct deploy *d, struct err *e);

/* Its job's version is one to come back to. */
int deployment_mark_stable(struct txn *t, const struct deployment *dep, struct err *e);

/*
 * What is due now, by itself: 1: something was done, 0: nothing. *ret_deadline: when the clock
 * alone may ask for something (Unix ns, 0: never). `moved`: its healths are not those that were
 * last looked at.
 */
int deploy_watch(struct deploy *d, bool moved, int64_t *ret_deadline, struct err *e);

#endif
