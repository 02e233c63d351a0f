/*
 * job_store -- a job's rows, and what hangs on them
 *
 *     job row -> a row of the version, when it is a new one; older ones are trimmed
 *             -> the summary's groups, or the parent's count of children
 *             -> periodic_launch: from when on its times count (periodic.c)
 *             -> scaling_policy: one per scaling block (scale.c)
 *
 * Whoever writes a job goes through here: registrations, reverts, stops, scaling, dispatches,
 * periodic launches.
 *
 * Thread: whoever has the transaction.
 */
#ifndef NOMAD_SERVER_JOB_STORE_H
#define NOMAD_SERVER_JOB_STORE_H

#include "nomad/server/server_priv.h"

/* What every change of a job needs. */
struct job_tx {
    struct txn *txn;
    struct arena *arena;
    int64_t now_ns;
};

static inline struct job_tx job_tx_of(const struct call *c)
{
    return (struct job_tx){c->txn, c->arena, c->now_ns};
}

/* The job's new row: a higher version if the specification changed. `old`: as it is stored,
 * NULL: new. *ret_spec_index 0: this commit. Not consumed. */
int job_put(const struct job_tx *x, const struct job *j, const struct object *old,
            uint64_t *ret_spec_index, struct err *e);
/* A stop is a new version of the job. */
int job_put_stopped(const struct job_tx *x, const struct object *old, struct err *e);
int job_put_summary(const struct job_tx *x, const struct job *j, struct err *e);
/* *ret_id "": jobs that others are made of are never evaluated themselves. */
int job_make_eval(const struct job_tx *x, const struct job *j, int64_t priority, const char *by,
                  uint64_t spec_index, const char **ret_id, struct err *e);
/* A job made of another one: rows, evaluation, status, all of it. */
int job_put_child(const struct job_tx *x, const struct job *child, const char *by,
                  const char **ret_eval_id, struct err *e);
/* Every row of the job but for its evaluations and allocs. */
int job_purge(struct txn *t, const char *ns, const char *id, struct err *e);
int job_set_stable(struct txn *t, const struct object *version, bool stable, struct err *e);
int job_version_in_use(struct txn *t, const struct job *v, struct err *e); /* 1: yes */
bool job_periodic_active(const struct job *j); /* launches by itself */

/* A child of a job appeared (from NULL), went on, or is gone (to NULL). change.c */
int children_moved(struct txn *t, const struct job *child, const char *from, const char *to,
                   struct err *e);

#endif
