/* A small cluster to schedule on: nodes, a job, and what a server would do with a plan. */
#ifndef SCHED_T_H
#define SCHED_T_H

#include "nomad/sched/sched.h"
#include "t.h"

enum { T_SECOND = 1000000000 };

struct cluster {
    struct arena *a; /* of the test */
    struct sched *sched;
    struct job *job, *versions[16];
    size_t n_versions;
    struct deployment *deployment;
    struct eval eval;
    struct plan plan;
    int64_t now;
    uint64_t seed, index;
    bool spread_algorithm, preempt;
    struct explanation *explain; /* NULL: not asked */
    struct job *others[16];      /* by cluster_other */
    size_t n_others;
};

void cluster_init(struct cluster *c);
void cluster_done(struct cluster *c);
static inline void cluster_donep_(struct cluster *c)
{
    cluster_done(c);
}
#define auto_cluster AUTO(cluster_donep_)

/* A ready node "n<i>" of 4000 MHz, 8000 MB, 100000 MB with raw_exec; `edit` may change it. */
const char *cluster_node(struct cluster *c, int i,
                         void (*edit)(struct node *n, struct arena *a));
void cluster_nodes(struct cluster *c, int n);
void cluster_node_status(struct cluster *c, int i, const char *status);
void cluster_node_drain(struct cluster *c, int i, bool drains); /* else it is eligible */
/* The job of this text (with ' for "), as the next version. NULL: stopped. */
void cluster_job(struct cluster *c, const char *text);
/* Run an evaluation; commit: apply its plan. */
void cluster_eval(struct cluster *c, const char *triggered_by);
void cluster_commit(struct cluster *c);
void cluster_run(struct cluster *c); /* eval by job-register, and commit */

/* A running alloc of another job, made with that priority when it is not there yet. */
struct other {
    const char *id, *job;
    int node;
    int64_t cpu, mem, priority, max_parallel;
    uint16_t port;
};
void cluster_other(struct cluster *c, const struct other *o);

/* Counting the job's allocs. */
size_t count_live(const struct cluster *c);         /* not terminal on either side */
size_t count_on(const struct cluster *c, int node); /* live ones there */
size_t count_version(const struct cluster *c, uint64_t version);
/* Change every live alloc of the job: its client status, its health. */
void cluster_status(struct cluster *c, const char *status);
void cluster_healthy(struct cluster *c);
/* One live alloc by name; NULL: none. */
const struct alloc *find_live(const struct cluster *c, const char *name);
void cluster_alloc(struct cluster *c, const struct alloc *al, const char *client_status,
                   int64_t finished_at);
void cluster_transition(struct cluster *c, const struct alloc *al, bool migrate,
                        bool reschedule);
int64_t queued(const struct cluster *c, const char *group);

#endif
