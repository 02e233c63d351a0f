#include "sched_t.h"

#include <stdio.h>

/*
 * A random life: nodes come and go, allocs end in every way, the job changes. After every
 * evaluation no node holds more than it has, no name is live twice outside an update, and when
 * the noise stops the cluster comes to rest with what the job asks for.
 */
struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *d, uint64_t sides)
{
    d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (d->state >> 33) % sides;
}

struct totals {
    int64_t cpu, mem;
    bool ports[12000];
    bool port_twice;
};

static void add_up(void *ctx, const struct alloc *al)
{
    struct totals *t = ctx;
    struct comparable c;

    if (alloc_terminal(al))
        return;
    alloc_comparable(al->resources, &c);
    t->cpu += c.cpu;
    t->mem += c.memory_mb;
    list_each (&al->resources->shared.ports, it) {
        size_t i = (size_t)it->value - 20000;

        t->port_twice = t->port_twice || (i < ARRAY_LEN(t->ports) && t->ports[i]);
        if (i < ARRAY_LEN(t->ports))
            t->ports[i] = true;
    }
}

static void check_nodes(struct cluster *c, int nodes)
{
    for (int i = 0; i < nodes; i++) {
        struct totals *t = arena_new_of(c->a, struct totals);
        const char *id = arena_printf(c->a, "00000000-0000-4000-8000-%012d", i);

        sched_each_node_alloc(c->sched, id, add_up, t);
        T_TRUE(t->cpu <= 4000);
        T_TRUE(t->mem <= 8000);
        T_FALSE(t->port_twice);
    }
}

struct names {
    struct arena *a;
    LIST(const struct alloc *) live;
};

static void note(void *ctx, const struct alloc *al)
{
    struct names *n = ctx;

    if (!alloc_terminal(al))
        list_push(n->a, &n->live, al);
}

static bool is_canary(const struct alloc *al)
{
    return al->deployment_status && al->deployment_status->canary;
}

static struct names live(struct cluster *c)
{
    struct names n = {.a = c->a};

    sched_each_job_alloc(c->sched, "default", "j", note, &n);
    return n;
}

static void check_names(struct cluster *c)
{
    struct names n = live(c);

    for (size_t i = 0; i < n.live.len; i++)
        for (size_t k = 0; k < i; k++)
            if (!is_canary(n.live.at[i]) && !is_canary(n.live.at[k]))
                T_TRUE(strcmp(n.live.at[i]->name, n.live.at[k]->name) != 0);
}

static void random_job(struct cluster *c, struct dice *d, bool batch)
{
    char text[1024];

    if (c->n_versions >= ARRAY_LEN(c->versions))
        return;
    snprintf(text, sizeof text,
             "{'ID':'j','Type':'%s','Datacenters':['dc1'],'TaskGroups':[{'Name':'g','Count':%d,"
             "'EphemeralDisk':{'SizeMB':10}%s,'Networks':[{'DynamicPorts':[{'Label':'p'}]}],"
             "'Tasks':[{'Name':'t','Driver':'raw_exec','Env':{'V':'%d'},"
             "'Resources':{'CPU':%d,'MemoryMB':%d}}]}]}",
             batch ? "batch" : "service", (int)roll(d, 20),
             batch        ? ""
             : roll(d, 2) ? ",'Update':{'MaxParallel':3}"
                          : ",'Update':{'MaxParallel':0,'Stagger':1}",
             (int)roll(d, 3), 100 + (int)roll(d, 900), 50 + (int)roll(d, 1500));
    cluster_job(c, text);
}

static void noise(struct cluster *c, struct dice *d, int nodes)
{
    struct names n = live(c);
    static const char *const ends[] = {ALLOC_RUNNING, ALLOC_FAILED, ALLOC_COMPLETE};

    c->now += (int64_t)roll(d, 90) * T_SECOND;
    if (n.live.len && roll(d, 2))
        cluster_alloc(c, n.live.at[roll(d, n.live.len)], ends[roll(d, 3)], c->now);
    if (n.live.len && roll(d, 4) == 0) {
        const struct alloc *al = live(c).live.len ? live(c).live.at[0] : NULL;

        if (al)
            cluster_transition(c, al, true, false);
    }
    if (roll(d, 3) == 0)
        cluster_node_status(c, (int)roll(d, (uint64_t)nodes), roll(d, 2) ? "down" : "ready");
    if (c->deployment && roll(d, 2))
        cluster_healthy(c);
}

/* Everything the server stopped ends on the client too. */
static void let_stopped_end(void *ctx, const struct alloc *al)
{
    struct names *n = ctx;

    if (alloc_server_terminal(al) && !alloc_client_terminal(al))
        list_push(n->a, &n->live, al);
}

static void settle_stopped(struct cluster *c)
{
    struct names n = {.a = c->a};

    sched_each_job_alloc(c->sched, "default", "j", let_stopped_end, &n);
    list_each (&n.live, it)
        cluster_alloc(c, *it, ALLOC_COMPLETE, 0);
}

static void waiting(void *ctx, const struct alloc *al)
{
    struct names *n = ctx;

    if (!alloc_server_terminal(al) && strcmp(al->client_status, ALLOC_FAILED) == 0)
        list_push(n->a, &n->live, al);
}

/* The evals that failed allocs wait for come, and the deployment's watcher agrees. */
static void let_failed_go_on(struct cluster *c)
{
    struct names n = {.a = c->a};

    sched_each_job_alloc(c->sched, "default", "j", waiting, &n);
    list_each (&n.live, it) {
        struct alloc *copy = schema_copy(&alloc_schema, *it, c->a);

        copy->followup_eval_id = NULL;
        cluster_transition(c, copy, false, true);
    }
}

static void comes_to_rest(struct cluster *c, int nodes)
{
    bool rest = false;

    for (int i = 0; i < nodes; i++)
        cluster_node_status(c, i, "ready");
    for (int i = 0; i < 60 && !rest; i++) {
        c->now += 7200LL * T_SECOND;
        settle_stopped(c);
        let_failed_go_on(c);
        if (c->deployment)
            cluster_healthy(c);
        cluster_run(c);
        rest = plan_is_empty(&c->plan);
    }
    T_TRUE(rest);
}

static void one_life(uint64_t seed, bool batch)
{
    enum { NODES = 8, STEPS = 60 };
    struct dice d = {seed};
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_nodes(&c, NODES);
    random_job(&c, &d, batch);
    for (int i = 0; i < STEPS; i++) {
        if (roll(&d, 8) == 0)
            random_job(&c, &d, batch);
        if (roll(&d, 3) == 0)
            settle_stopped(&c);
        cluster_run(&c);
        check_nodes(&c, NODES);
        check_names(&c);
        noise(&c, &d, NODES);
    }
    comes_to_rest(&c, NODES);
    if (!batch && c.plan.failed.len == 0)
        T_INT_EQ(count_live(&c), OPT(c.job->groups.at[0].count));
}

TEST(whatever_happens_nothing_is_overbooked_or_doubled_and_it_comes_to_rest)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        char label[64];

        snprintf(label, sizeof label, "seed %d", (int)seed);
        T_ROW(label);
        one_life(seed, seed % 3 == 0);
    }
    T_ROW("");
}
