/*
 * priv -- what the files of the scheduler share
 *
 * mirror.c: the cluster. feasible.c: may a group run on a node. ports.c: ports and cores.
 * spread.c, rank.c: which node is best. preempt.c: room made by
 * evicting others. place.c: from a node to an alloc. explain.c: why there is none.
 * disconnect.c, reconcile.c: service and batch jobs. system.c: one per node. process.c: the
 * door.
 */
#ifndef NOMAD_SCHED_PRIV_H
#define NOMAD_SCHED_PRIV_H

#include "base/map.h"
#include "base/vec.h"
#include "nomad/sched/sched.h"

enum { NONE = -1, POW10_STEPS = 4096 };

static inline bool same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}
static inline bool empty(const char *s)
{
    return !s || !*s;
}

/* What an alloc takes of its node. */
struct usage {
    int64_t cpu, mem, disk;
    uint64_t cores[4];
    const uint16_t *ports;
    uint32_t n_ports;
};

/* What the inner loop looks at, one cache line for two nodes. */
struct hot {
    int32_t cpu, mem, disk; /* free of what is reserved for the host */
    int32_t cpu_used, mem_used, disk_used;
    uint32_t class; /* into sched.classes */
    uint16_t place; /* into sched.places: datacenter and pool */
    uint16_t flags; /* HOT_* */
};

enum hot_flags {
    HOT_USED = 1 << 0,
    HOT_READY = 1 << 1,
    HOT_DOWN = 1 << 2,
    HOT_DISCONNECTED = 1 << 3, /* not heard of, and some alloc there may come back */
};

struct port_range {
    uint16_t lo, hi;
};

struct s_node {
    const struct object *obj;
    const struct node *node;
    VEC(uint32_t) allocs;              /* slots in sched.allocs */
    VEC(uint16_t) ports;               /* taken ones, sorted; one may stand there twice */
    VEC(struct port_range) host_ports; /* reserved for the host */
    uint64_t cores_usable[4], cores_used[4];
    uint8_t core_users[256]; /* an alloc that stops and its successor may share one */
    int64_t mhz_per_core;
};

struct s_alloc {
    const struct object *obj; /* NULL: free slot */
    const struct alloc *alloc;
    int32_t node, job;        /* NONE: unknown node */
    uint32_t in_node, in_job; /* where its slot stands in their lists */
    struct usage usage;
    uint16_t *ports; /* usage.ports, owned */
    bool counts;     /* its usage is taken from the node */
};

struct s_job {
    char *key; /* namespace, NUL, id */
    size_t key_len;
    VEC(uint32_t) allocs;
};

/* Texts by number. */
struct names {
    VEC(char *) at;
    struct map by_text; /* number + 1 */
};

struct place_name {
    uint32_t dc, pool; /* into dcs, pools */
};

struct sched {
    VEC(struct hot) hot; /* parallel to nodes */
    VEC(struct s_node *) nodes;
    VEC(uint32_t) free_nodes;
    struct map node_by_id; /* slot + 1 */
    VEC(struct s_alloc) allocs;
    VEC(uint32_t) free_allocs;
    struct map alloc_by_id;
    VEC(struct s_job *) jobs;
    struct map job_by_key;
    VEC(uint32_t) free_jobs;
    struct names classes, dcs, pools;
    VEC(struct place_name) places;
    float pow10[POW10_STEPS + 2];
    size_t n_nodes, n_allocs, n_orphans; /* orphans: allocs whose node is not known */
};

/* mirror.c */
const struct s_job *mirror_job(const struct sched *s, const char *namespace, const char *id);
int32_t mirror_node(const struct sched *s, const char *id); /* NONE: unknown */
int32_t mirror_alloc(const struct sched *s, const char *id);
/* Take from or give back to a node. */
void node_take(struct sched *s, uint32_t node, const struct usage *u);
void node_give(struct sched *s, uint32_t node, const struct usage *u);
bool node_has_port(const struct s_node *n, uint16_t port); /* taken, or the host's */

/*
 * One evaluation.
 */
struct change { /* of the mirror, to be undone at the end */
    uint32_t node;
    bool taken;
    struct usage usage;
};

/* May a class of nodes, or one node, run the group? */
enum verdict { V_UNKNOWN, V_YES, V_NO };

struct feasible {
    const struct job *job;
    const struct task_group *group;
    bool escaped;      /* looks at what is unique: no memory by class */
    uint8_t *by_class; /* enum verdict */
    const char **why;  /* by class, for V_NO */
    size_t n_classes;
};

/* sum and parts are of what only changes with the node: score = (sum + rest) / (parts + rest).
 */
struct candidate {
    uint32_t node;
    bool infeasible, dirty;
    bool short_of, apart; /* does not fit; distinct_hosts forbids it. why says what */
    uint8_t parts;
    uint16_t same_group; /* allocs of this group on it */
    uint16_t same_job;
    float affinity, sum;
    const char *why;
};

/* Counts of reasons; they are few and mostly the same pointer. */
enum { TALLY_MAX = 64 };

struct tally {
    const char *why[TALLY_MAX];
    int64_t n[TALLY_MAX], total;
    uint32_t len, last;
};

struct spread_use { /* one value of a spread's attribute */
    const char *value;
    double desired; /* < 0: even spread */
    int64_t used;
    double boost; /* of one more there; by spread_prepare */
};

struct spread_state {
    const struct spread *spread;
    const char *attribute;
    double share, rest; /* rest: desired of a value that is not listed; < 0: none */
    bool targets;
    LIST(struct spread_use) values;
    int32_t *by_class; /* value by a node's class, + 1; 0: not looked at. NULL: it is unique */
    int32_t *value_of; /* by candidate; NONE: no such attribute */
};

/* distinct_property: at most `limit` allocs on nodes with one value. */
struct distinct {
    const struct constraint *c;
    bool whole_job;
    int64_t limit;
    struct spread_state by_value;
};

/*
 * Candidates with the same value of every spread's attribute get the same boost; so what makes
 * a final score of one without it is computed once per such combination and number of parts:
 * final = score * mul + add.
 */
enum { PARTS_MAX = 8, COMBINATIONS_MAX = 65536 };

struct blend {
    float mul, add;
};

struct combinations {
    uint32_t *of;        /* by candidate */
    uint32_t *like;      /* a candidate of each */
    uint32_t len;        /* 0: there are too many */
    struct blend *blend; /* by combination * PARTS_MAX + parts */
};

enum { NUMBER_TEXTS_BITS = 7 };

struct number_text {
    uint64_t bits; /* of a double that is not 0 */
    struct str text;
};

/* Ranking one group over all nodes. */
struct ranker {
    struct eval_run *run;
    const struct task_group *group;
    struct comparable ask;
    struct feasible feas;
    struct candidate *at;
    float *score;                     /* by candidate; NOWHERE: out of the question */
    uint32_t *cell;                   /* by candidate: which blend */
    struct combinations combinations; /* of the spreads' values */
    VEC(uint32_t) dirty;              /* candidates whose score must be computed again */
    struct tally filtered, exhausted; /* as things stand */
    int32_t *cand_of;                 /* by node; NONE */
    uint32_t len, start;
    bool has_affinities, distinct_hosts_job, distinct_hosts_group;
    bool no_prey;           /* nobody could be evicted for it: nobody can */
    const char **collision; /* text for each static port */
    LIST(struct spread_state) spreads;
    LIST(struct distinct) distincts;
    struct json *nodes_available;
    struct number_text texts[1 << NUMBER_TEXTS_BITS];
    int64_t nodes_in_pool;
};

struct select_opts {
    const struct strlist *avoid; /* node ids with a penalty */
    int32_t only_node;           /* NONE: any */
};

struct selection {
    int32_t cand; /* NONE: nowhere */
    struct alloc_metric metric;
};

struct eval_run {
    struct sched *s;
    const struct sched_input *in;
    const struct job *job; /* NULL or stopped: everything stops */
    struct arena *a;
    struct plan *plan;
    VEC(struct change) changes;
    uint64_t rng[2];
    bool batch, system, stopping;
    struct deployment *deployment; /* working copy of the current one, NULL: none */
    bool deployment_changed, deployment_new, deployment_failed;
    struct desired_updates *notes;    /* of the group at hand */
    struct ranker *ranker;            /* of the group at hand; NULL: not made yet */
    LIST(struct feasible *) all_feas; /* for the blocked eval */
    struct map stopped;               /* ids of allocs that the plan ends */
};

uint64_t run_choice(struct eval_run *r); /* among equals */
uint64_t run_random(struct eval_run *r);
const char *run_uuid(struct eval_run *r);
void run_take(struct eval_run *r, uint32_t node, const struct usage *u);
void run_give(struct eval_run *r, uint32_t node, const struct usage *u);
void run_undo(struct eval_run *r);
bool run_stops(const struct eval_run *r, const struct alloc *al); /* the plan ends it */

/* feasible.c */
void feasible_init(struct eval_run *r, struct feasible *f, const struct task_group *g);
bool feasible_node(struct eval_run *r, struct feasible *f, uint32_t node, const char **ret_why);
bool node_has_driver(const struct node *n, const char *driver);

/* spread.c */
void spread_init(struct ranker *k);
void spread_prepare(struct ranker *k); /* before the candidates are looked at */
double spread_boost(const struct ranker *k, uint32_t cand);
void spread_blend(struct ranker *k);                           /* fills combinations.blend */
const char *distinct_problem(struct ranker *k, uint32_t cand); /* NULL: fine */
/* One more or less on the node (it need not be a candidate). same_group: of this group. */
void spread_count(struct ranker *k, int32_t node, bool same_group, int by);

/* rank.c */
void ranker_done(void *ranker);
void ranker_short(struct ranker *k, uint32_t cand, const char *why);
void ranker_init(struct eval_run *r, struct ranker *k, const struct task_group *g);
void ranker_select(struct ranker *k, const struct select_opts *opts, struct selection *ret);
/* The plan puts one more (by 1) or one less (-1) of the job there. */
void ranker_moved(struct ranker *k, int32_t node, const char *group, int by);

/* What the candidate's score is as its node stands now: the mean of so many parts. */
double ranker_score(struct ranker *k, uint32_t cand, const struct select_opts *o,
                    int *ret_parts);
/* It was chosen, with victims that score so. */
void ranker_chose(struct ranker *k, uint32_t cand, double score, double victims_score,
                  const struct select_opts *o, struct selection *ret);

/* ports.c: what the group gets on this node; false: *ret_dim says what is short. */
struct offer {
    struct usage usage;
    struct alloc_shared_resources shared;
    const struct json **task_cores; /* by task */
    int64_t *task_cpu;
};
bool offer_make(struct ranker *k, uint32_t node, struct offer *ret, const char **ret_dim);

/* preempt.c: a node where there is room once the victims are gone. True: their room is given
 * back to the node already. */
struct victims {
    LIST(const struct s_alloc *) at;
};
bool preempt_find(struct ranker *k, const struct select_opts *o, struct selection *ret,
                  struct offer *offer, struct victims *victims);

/* place.c */
struct want {
    const char *name;
    const struct alloc *previous; /* the one it replaces, NULL: none */
    bool canary;
    bool reschedule; /* because previous failed */
    int32_t only_node;
};
/* The ranker of a group; made when first needed, kept while r->ranker is of that group. */
struct ranker *group_ranker(struct eval_run *r, const struct task_group *g);
/* Place one; false: nowhere (noted in the plan). */
bool place_one(struct eval_run *r, const struct task_group *g, const struct want *w);
void stop_alloc(struct eval_run *r, const struct alloc *al, const char *why,
                const char *client_status);
void unstop_last(struct eval_run *r);
/* Does the running alloc's group have to be started anew to be what the job says now? */
bool needs_restart(struct eval_run *r, const struct task_group *g, const struct alloc *al);
/* Give it the job's new version where it stands; false: the node does not suit any more. */
bool update_in_place(struct eval_run *r, const struct task_group *g, const struct alloc *al);
bool is_current(const struct eval_run *r, const struct alloc *al); /* of this job version */

/* The plan's copy of an alloc that stays, to be told something. */
struct alloc *restate(struct eval_run *r, const struct alloc *al);

/* disconnect.c: an alloc whose node is not heard of (AWAY_NOT: it is). */
enum away {
    AWAY_NOT,
    AWAY_LOST,
    AWAY_KEPT,     /* it keeps its place, now or for ever */
    AWAY_REPLACED, /* it may come back, but somebody else takes its place */
};
enum away away_look(struct eval_run *r, const struct task_group *g, const struct alloc *al);
/* Two with one name, `back` was unknown for a while: does it stay rather than the other? */
bool reconnect_prefers(const struct eval_run *r, const struct task_group *g,
                       const struct alloc *back, const struct alloc *other);

/* deployment.c */
void deployment_start(struct eval_run *r); /* cancel what is of another version or job */
bool deployment_wanted(const struct eval_run *r, const struct task_group *g);
struct deployment_group *deployment_for(struct eval_run *r, const struct task_group *g,
                                        bool create, int64_t canaries);
void deployment_placed(struct eval_run *r, const struct task_group *g, struct alloc *al,
                       bool canary);
void deployment_finish(struct eval_run *r, bool nothing_left);

/* explain.c; both do nothing unless it is asked for */
void explain_failure(struct ranker *k, const struct want *w); /* no place for this one */
void explain_finish(struct eval_run *r);

/* followup.c */
/* The id of the eval that comes back then. */
const char *followup_at(struct eval_run *r, int64_t at, const char *by, const char *why);
void blocked_eval(struct eval_run *r);

/* reconcile.c, system.c */
void reconcile_job(struct eval_run *r);
void system_job(struct eval_run *r);
void stop_everything(struct eval_run *r);
const struct s_alloc *job_alloc(const struct eval_run *r, size_t i); /* NULL: past the end */
void group_notes(struct eval_run *r, const char *group);

#endif
