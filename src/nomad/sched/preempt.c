#include <math.h>
#include <stdlib.h>

#include "nomad/sched/priv.h"

/*
 * Pushing out: when an alloc fits nowhere, allocs of jobs whose priority is at least
 * PRIORITY_GAP lower may be evicted for it. On each node that suits but for its room the
 * victims are chosen by priority, the lowest first, among equals those nearest to what is
 * missing; then whoever is not needed after all is spared. The node whose mean score, with that
 * of the victims, is best wins.
 */
enum { PRIORITY_GAP = 10, MIGRATE_PENALTY = 50 };

struct need {
    int64_t cpu, mem, disk; /* what is missing; <= 0: enough */
};

struct prey {
    const struct s_alloc *sa;
    int64_t priority;
    int64_t max_parallel; /* of its group's migrate block */
    bool chosen, must;    /* must: it holds a port that is asked for */
};

struct hunt {
    struct ranker *k;
    uint32_t node;
    struct prey *at;
    size_t n;
};

static int64_t group_parallel(const struct job *j, const char *group)
{
    const struct task_group *g = job_group(j, group);

    return g && g->migrate ? OPT(g->migrate->max_parallel) : 0;
}

/* Of other jobs, still there, and far enough below. */
static bool is_prey(struct eval_run *r, const struct s_alloc *sa, struct prey *ret)
{
    const struct alloc *al = sa->alloc;
    const struct job *j;

    if (!sa->counts || alloc_server_terminal(al) || run_stops(r, al) ||
        (same(al->job_id, r->job->id) && same(al->namespace, r->job->namespace)))
        return false;
    j = r->in->job_of(r->in->ctx, al);
    if (!j || OPT(j->priority) > OPT(r->job->priority) - PRIORITY_GAP)
        return false;
    *ret = (struct prey){.sa = sa,
                         .priority = OPT(j->priority),
                         .max_parallel = group_parallel(j, al->task_group)};
    return true;
}

static int by_priority(const void *a, const void *b)
{
    const struct prey *x = a, *y = b;

    return (x->priority > y->priority) - (x->priority < y->priority);
}

static void find_prey(struct hunt *h)
{
    const struct s_node *n = h->k->run->s->nodes.at[h->node];

    h->at = arena_array(h->k->run->a, struct prey, n->allocs.len + 1);
    for (size_t i = 0; i < n->allocs.len; i++)
        h->n += is_prey(h->k->run, &h->k->run->s->allocs.at[n->allocs.at[i]], &h->at[h->n]);
    if (h->n > 1)
        qsort(h->at, h->n, sizeof *h->at, by_priority);
}

static bool holds_port(const struct s_alloc *sa, int64_t port)
{
    for (uint32_t i = 0; i < sa->usage.n_ports; i++)
        if (sa->usage.ports[i] == port)
            return true;
    return false;
}

/* Whoever holds a static port that is asked for must go. False: it is none of them. */
static bool free_ports(struct hunt *h)
{
    const struct task_group *g = h->k->group;
    const struct s_node *n = h->k->run->s->nodes.at[h->node];

    if (g->networks.len == 0)
        return true;
    list_each (&g->networks.at[0].reserved_ports, it) {
        bool found = it->ignore_collision || !node_has_port(n, (uint16_t)it->value);

        for (size_t i = 0; i < h->n; i++)
            if (holds_port(h->at[i].sa, it->value))
                found = h->at[i].chosen = h->at[i].must = true;
        if (!found)
            return false;
    }
    return true;
}

static struct need missing(const struct hunt *h)
{
    const struct hot *hot = &h->k->run->s->hot.at[h->node];
    const struct comparable *ask = &h->k->ask;
    struct need n = {hot->cpu_used + ask->cpu - hot->cpu,
                     hot->mem_used + ask->memory_mb - hot->mem,
                     hot->disk_used + ask->disk_mb - hot->disk};

    for (size_t i = 0; i < h->n; i++)
        if (h->at[i].chosen) {
            n.cpu -= h->at[i].sa->usage.cpu;
            n.mem -= h->at[i].sa->usage.mem;
            n.disk -= h->at[i].sa->usage.disk;
        }
    return n;
}

static bool is_enough(const struct need *n)
{
    return n->cpu <= 0 && n->mem <= 0 && n->disk <= 0;
}

static double coordinate(int64_t need, int64_t used)
{
    return need > 0 ? (double)(need - used) / (double)need : 0;
}

static int64_t chosen_of_group(const struct hunt *h, const struct alloc *al)
{
    int64_t n = 0;

    for (size_t i = 0; i < h->n; i++)
        n += h->at[i].chosen && same(h->at[i].sa->alloc->job_id, al->job_id) &&
             same(h->at[i].sa->alloc->namespace, al->namespace) &&
             same(h->at[i].sa->alloc->task_group, al->task_group);
    return n;
}

/* How far it is from being just what is missing. */
static double distance(const struct hunt *h, const struct need *n, const struct prey *p)
{
    double cpu = coordinate(n->cpu, p->sa->usage.cpu),
           mem = coordinate(n->mem, p->sa->usage.mem),
           disk = coordinate(n->disk, p->sa->usage.disk);
    int64_t gone = chosen_of_group(h, p->sa->alloc);
    double penalty = p->max_parallel > 0 && gone >= p->max_parallel
                         ? (double)(MIGRATE_PENALTY * (gone + 1 - p->max_parallel))
                         : 0;

    return sqrt(cpu * cpu + mem * mem + disk * disk) + penalty;
}

/* The nearest one of the lowest priority that is left; NULL: none. */
static struct prey *next_prey(const struct hunt *h, const struct need *n)
{
    struct prey *best = NULL;
    double least = 0;

    for (size_t i = 0; i < h->n; i++) {
        struct prey *p = &h->at[i];
        double d;

        if (p->chosen)
            continue;
        if (best && p->priority > best->priority)
            break;
        d = distance(h, n, p);
        if (!best || d < least) {
            best = p;
            least = d;
        }
    }
    return best;
}

static void spare_needless(struct hunt *h)
{
    for (size_t i = h->n; i-- > 0;) {
        struct need n;

        if (!h->at[i].chosen || h->at[i].must)
            continue;
        h->at[i].chosen = false;
        n = missing(h);
        if (!is_enough(&n))
            h->at[i].chosen = true;
    }
}

static bool choose_victims(struct hunt *h)
{
    struct need n;

    find_prey(h);
    if (h->n == 0 || !free_ports(h))
        return false;
    for (n = missing(h); !is_enough(&n); n = missing(h)) {
        struct prey *p = next_prey(h, &n);

        if (!p)
            return false;
        p->chosen = true;
    }
    spare_needless(h);
    return true;
}

/* 1 for victims of no priority, falling with the highest of them and their number. */
static double victims_score(const struct hunt *h)
{
    int64_t most = 0, sum = 0;
    double net;

    for (size_t i = 0; i < h->n; i++)
        if (h->at[i].chosen) {
            most = h->at[i].priority > most ? h->at[i].priority : most;
            sum += h->at[i].priority;
        }
    net = (double)most + (most ? (double)sum / (double)most : 0);
    return 1 / (1 + exp(0.0048 * (net - 2048)));
}

static void move_victims(const struct hunt *h, bool out)
{
    struct eval_run *r = h->k->run;

    for (size_t i = 0; i < h->n; i++) {
        if (!h->at[i].chosen)
            continue;
        if (out)
            run_give(r, h->node, &h->at[i].sa->usage);
        else
            run_take(r, h->node, &h->at[i].sa->usage);
    }
}

static double score_of(const struct hunt *h, uint32_t cand, const struct select_opts *o)
{
    double score;
    int parts;

    move_victims(h, true);
    score = ranker_score(h->k, cand, o, &parts);
    move_victims(h, false);
    return (score * parts + victims_score(h)) / (parts + 1);
}

static bool is_open(struct ranker *k, uint32_t i, const struct select_opts *o)
{
    const struct candidate *c = &k->at[i];

    return !c->infeasible && !c->apart && c->short_of &&
           (o->only_node == NONE || o->only_node == (int32_t)c->node) &&
           !(k->distincts.len && distinct_problem(k, i));
}

/* The best node that has victims and was not tried yet. */
static bool best_node(struct ranker *k, const struct select_opts *o, const uint8_t *tried,
                      uint32_t *ret_cand, struct hunt *ret, double *ret_score)
{
    bool found = false;

    *ret_score = 0;
    for (uint32_t i = 0; i < k->len; i++) {
        struct hunt h = {.k = k, .node = k->at[i].node};
        double score;

        if (tried[i] || !is_open(k, i, o) || !choose_victims(&h))
            continue;
        score = score_of(&h, i, o);
        if (!found || score > *ret_score) {
            found = true;
            *ret_cand = i;
            *ret = h;
            *ret_score = score;
        }
    }
    return found;
}

bool preempt_find(struct ranker *k, const struct select_opts *o, struct selection *ret,
                  struct offer *offer, struct victims *victims)
{
    struct eval_run *r = k->run;
    uint8_t *tried;
    struct hunt h;
    uint32_t cand;
    double score;

    if (!r->in->preempt || !r->in->job_of || (k->no_prey && o->only_node == NONE))
        return false;
    tried = arena_array(r->a, uint8_t, k->len + 1);
    while (best_node(k, o, tried, &cand, &h, &score)) {
        const char *dim;

        tried[cand] = 1;
        move_victims(&h, true);
        if (offer_make(k, h.node, offer, &dim)) {
            for (size_t i = 0; i < h.n; i++)
                if (h.at[i].chosen)
                    list_push(r->a, &victims->at, h.at[i].sa);
            ranker_chose(k, cand, score, victims_score(&h), o, ret);
            return true;
        }
        move_victims(&h, false);
    }
    k->no_prey = k->no_prey || o->only_node == NONE;
    return false;
}
