/*
 * sched -- where the allocs of a job shall run
 *
 * A `struct sched` is a compact mirror of the cluster: a flat array of nodes with what each has
 * and what is taken, and the allocs by node and by job. The server feeds it every change of a
 * node or an alloc (sched_node_put, sched_alloc_put); sched_process reads it and says in a
 * `struct plan` what to stop, to place, to update. It does not change the mirror: the server
 * commits the plan and feeds the allocs back (it may do so before the commit is durable, and so
 * pipeline many).
 *
 * Pure: no I/O, no clock, no locks. Time and chance come with the input; the same mirror and
 * input give the same plan.
 *
 * Thread:  one, the scheduler's.
 * Memory:  the mirror holds references to the node and alloc objects it was given. A plan and
 * all it points to live in the caller's arena, but for the allocs in `stops` (the mirror's:
 *          valid until its next change).
 * Limits:  SCHED_NODES_MAX nodes, SCHED_ALLOCS_MAX allocs, a group's count (GROUP_COUNT_MAX).
 */
#ifndef NOMAD_SCHED_SCHED_H
#define NOMAD_SCHED_SCHED_H

#include "nomad/model/model.h"

struct err;
struct explanation;
struct object;
struct sched;

enum {
    SCHED_NODES_MAX = 100000,
    SCHED_ALLOCS_MAX = 5000000,
    SCHED_SCORES_SHOWN = 5, /* nodes in an alloc's ScoreMetaData */
    SCHED_RESCHEDULE_WINDOW_NS = 1000000000,
    SCHED_FOLLOWUP_BATCH_S = 5, /* delayed reschedules share one eval within it */
};

struct sched *sched_new(void);
void sched_free(struct sched *s); /* NULL is fine */
DEFINE_AUTO(struct sched *, sched_free)
#define auto_sched AUTO(sched_freep)

/* `o`: body is a struct node / struct alloc; a new reference is kept. Insert or replace. A
 * node's computed_class must be set. ERR_LIMIT when full. */
int sched_node_put(struct sched *s, const struct object *o, struct err *e);
void sched_node_del(struct sched *s, const char *id);
int sched_alloc_put(struct sched *s, const struct object *o, struct err *e);
void sched_alloc_del(struct sched *s, const char *id);

size_t sched_node_count(const struct sched *s);
size_t sched_alloc_count(const struct sched *s);
const struct node *sched_node(const struct sched *s, const char *id); /* NULL: unknown */

/* Every alloc of a job / on a node, in no order. */
typedef void sched_alloc_fn(void *ctx, const struct alloc *al);
void sched_each_job_alloc(const struct sched *s, const char *namespace, const char *job_id,
                          sched_alloc_fn *fn, void *ctx);
void sched_each_node_alloc(const struct sched *s, const char *node_id, sched_alloc_fn *fn,
                           void *ctx);
/* Jobs (one alloc of each) that have a live alloc on the node: whom a change of it concerns. */
void sched_each_node_job(const struct sched *s, const char *node_id, sched_alloc_fn *fn,
                         void *ctx);

struct sched_input {
    const struct eval *eval;
    const struct job *job;               /* NULL: purged. Indexes resolved */
    const struct deployment *deployment; /* the job's latest, NULL: none */
    int64_t now_ns;
    uint64_t snapshot_index;
    /* Of equal nodes the first word decides; ids and ports come from the second, which is
     * random. With the first made of the job and its version, planning it and running it agree.
     */
    uint64_t seed[2];
    bool spread_algorithm;
    bool preempt; /* allocs of jobs of a lower priority may be evicted for this one */
    /* The job that another job's alloc is of; NULL: gone, the alloc is left alone. Asked only
     * when preempt is set. */
    const struct job *(*job_of)(void *ctx, const struct alloc *al);
    /* An older version of the job, for comparing; NULL: not kept (then it counts as different).
     */
    const struct job *(*job_version)(void *ctx, uint64_t version);
    void *ctx;
    struct explanation *explain; /* NULL: not asked. Empty before (explain.h) */
};

/* ERR_INVALID when the eval is of no known type. */
int sched_process(struct sched *s, const struct sched_input *in, struct arena *a,
                  struct plan *ret, struct err *e);

#endif
