/*
 * A random life with everything that happens to a service: versions that roll or have canaries,
 * health and the lack of it, promotions, pauses, drains, nodes that are cut off and come back.
 * After every evaluation the invariants below hold, the plan that was shown is the one that
 * runs, and when events stop the job comes to rest as it is asked for.
 */
#include "sched_t.h"

#include <stdio.h>

enum { NODES = 8, STEPS = 60, LIVES = 150, PORTS = 12001 };

struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *d, uint64_t sides)
{
    d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (d->state >> 33) % sides;
}

struct allocs {
    struct arena *a;
    LIST(const struct alloc *) at;
};

static void note(void *ctx, const struct alloc *al)
{
    struct allocs *l = ctx;

    list_push(l->a, &l->at, al);
}

static struct allocs every(struct cluster *c)
{
    struct allocs l = {.a = c->a};

    sched_each_job_alloc(c->sched, "default", "j", note, &l);
    return l;
}

static struct allocs live(struct cluster *c)
{
    struct allocs all = every(c), l = {.a = c->a};

    list_each (&all.at, it)
        if (!alloc_terminal(*it))
            list_push(c->a, &l.at, *it);
    return l;
}

static bool is(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_canary(const struct alloc *al)
{
    return al->deployment_status && al->deployment_status->canary;
}

static int health(const struct alloc *al) /* 1, 0, -1: not known */
{
    return al->deployment_status && al->deployment_status->healthy
               ? *al->deployment_status->healthy
               : -1;
}

static const struct task_group *group(const struct cluster *c)
{
    return &c->job->groups.at[0];
}

static const struct node *node_at(struct cluster *c, int i)
{
    return sched_node(c->sched, arena_printf(c->a, "00000000-0000-4000-8000-%012d", i));
}

/*
 * Invariants.
 */
struct totals {
    const struct plan *plan; /* NULL: of what shall run, else of all that is not over */
    int64_t cpu, mem;
    bool ports[PORTS]; /* from the lowest dynamic one on */
    bool port_twice;
};

static bool stops(const struct plan *p, const struct alloc *al)
{
    list_each (&p->stops, it)
        if (is(it->alloc->id, al->id))
            return true;
    return false;
}

static void add_up(void *ctx, const struct alloc *al)
{
    struct totals *t = ctx;
    struct comparable c;

    if (t->plan ? alloc_client_terminal(al) || stops(t->plan, al) : alloc_terminal(al))
        return;
    alloc_comparable(al->resources, &c);
    t->cpu += c.cpu;
    t->mem += c.memory_mb;
    list_each (&al->resources->shared.ports, it) {
        bool *taken = &t->ports[it->value - NODE_MIN_DYNAMIC_PORT];

        t->port_twice = t->port_twice || *taken;
        *taken = true;
    }
}

static void check_node(struct cluster *c, const char *id, const struct plan *p)
{
    struct totals t = {.plan = p};

    sched_each_node_alloc(c->sched, id, add_up, &t);
    T_TRUE(t.cpu <= 4000);
    T_TRUE(t.mem <= 8000);
    T_FALSE(t.port_twice);
}

/* A plan may use the room of what it stops itself; that of others is taken until their client
 * says that they are over. */
static void nothing_is_overbooked(struct cluster *c)
{
    for (int i = 0; i < NODES; i++)
        check_node(c, node_at(c, i)->id, NULL);
    list_each (&c->plan.places, it)
        check_node(c, (*it)->node_id, &c->plan);
}

/* Canaries may have the name of whom they may replace, replacements that of an unknown one. */
static void no_name_is_live_twice(struct cluster *c)
{
    struct allocs l = live(c);

    for (size_t i = 0; i < l.at.len; i++)
        for (size_t k = 0; k < i; k++) {
            const struct alloc *x = l.at.at[i], *y = l.at.at[k];

            if (is_canary(x) == is_canary(y) && !is(x->client_status, ALLOC_UNKNOWN) &&
                !is(y->client_status, ALLOC_UNKNOWN))
                T_FALSE(is(x->name, y->name));
        }
}

/* A successor has the name of whom it replaces, which may be left from a larger count. */
static void new_names_are_below_the_count(const struct cluster *c)
{
    list_each (&c->plan.places, it)
        if (!is_canary(*it) && !(*it)->previous_allocation)
            T_TRUE(alloc_name_index((*it)->name) < OPT(group(c)->count));
}

static void only_ready_nodes_get_allocs(const struct cluster *c)
{
    list_each (&c->plan.places, it)
        T_TRUE(node_is_ready(sched_node(c->sched, (*it)->node_id)));
}

static size_t updated(const struct cluster *c)
{
    size_t n = 0;

    list_each (&c->plan.stops, it)
        n += is(it->desired_description, ALLOC_UPDATING);
    return n;
}

/* Once the plan is committed: what of this deployment is to run and is not healthy yet. */
static size_t not_yet_healthy(struct cluster *c)
{
    struct allocs l = live(c);
    size_t n = 0;

    list_each (&l.at, it)
        n += is((*it)->deployment_id, c->deployment->id) && health(*it) != 1 &&
             is((*it)->next_allocation, NULL) && !stops(&c->plan, *it);
    list_each (&c->plan.places, it)
        n += is((*it)->deployment_id, c->deployment->id);
    return n;
}

static bool deployment_is_of_job(const struct cluster *c)
{
    return c->deployment && c->deployment->job_version == OPT(c->job->version);
}

static void no_more_are_updated_than_may_be(struct cluster *c)
{
    const struct deployment_group *g;
    size_t n = updated(c), limit;

    if (n == 0 || !group(c)->update)
        return;
    limit = (size_t)OPT(group(c)->update->max_parallel);
    if (limit == 0)
        return;
    T_TRUE(n <= limit);
    if (!deployment_is_of_job(c) || !deployment_active(c->deployment))
        return;
    g = deployment_group_of(c->deployment, "g");
    T_STR_EQ(c->deployment->status, DEPLOYMENT_RUNNING);
    T_TRUE(g->desired_canaries == 0 || g->promoted);
    T_TRUE(not_yet_healthy(c) <= limit);
}

/* The plan that `job plan` shows, and what a run of it does. */
struct effects {
    int64_t place, stop, update, in_place;
    size_t failed;
};

static struct effects shown(const struct cluster *c)
{
    struct effects e = {.failed = c->plan.failed.len};

    list_each (&c->plan.annotations->updates, it) {
        e.place += it->place + it->canary + it->migrate;
        e.stop += it->stop;
        e.update += it->destructive_update;
        e.in_place += it->in_place_update;
    }
    return e;
}

static int64_t failures(const struct cluster *c)
{
    int64_t n = 0;

    list_each (&c->plan.failed, it)
        n += 1 + it->coalesced_failures;
    return n;
}

/* What the mirror shows of it after the commit. */
static void the_run_does_what_the_plan_said(struct cluster *c, const struct effects *plan)
{
    int64_t placed = (int64_t)c->plan.places.len + failures(c);

    T_INT_EQ(placed, plan->place + plan->update);
    T_INT_EQ(c->plan.in_place.len, plan->in_place);
    T_INT_EQ(c->plan.failed.len, plan->failed);
}

static bool same_places(const struct plan *x, const struct plan *y)
{
    if (x->places.len != y->places.len || x->stops.len != y->stops.len)
        return false;
    for (size_t i = 0; i < x->places.len; i++)
        if (!is(x->places.at[i]->name, y->places.at[i]->name) ||
            !is(x->places.at[i]->node_id, y->places.at[i]->node_id))
            return false;
    for (size_t i = 0; i < x->stops.len; i++)
        if (!is(x->stops.at[i].alloc->id, y->stops.at[i].alloc->id))
            return false;
    return true;
}

static void run_checked(struct cluster *c)
{
    struct plan dry;
    struct effects e;

    cluster_eval(c, EVAL_BY_REGISTER);
    dry = c->plan;
    e = shown(c);
    cluster_eval(c, EVAL_BY_REGISTER); /* other ids and ports */
    T_TRUE(same_places(&dry, &c->plan));
    the_run_does_what_the_plan_said(c, &e);
    only_ready_nodes_get_allocs(c);
    new_names_are_below_the_count(c);
    no_more_are_updated_than_may_be(c);
    cluster_commit(c);
    nothing_is_overbooked(c);
    no_name_is_live_twice(c);
}

/*
 * Events.
 */
static void new_version(struct cluster *c, struct dice *d)
{
    static const char *const away[] = {
        "",
        "",
        ",'Disconnect':{'LostAfter':60000000000}",
        ",'Disconnect':{'LostAfter':60000000000,'Replace':false}",
        ",'Disconnect':{'LostAfter':60000000000,'Reconcile':'keep_original'}",
        ",'Disconnect':{'LostAfter':60000000000,'Reconcile':'longest_running'}"};
    char text[1024];

    if (c->n_versions >= ARRAY_LEN(c->versions))
        return;
    snprintf(text, sizeof text,
             "{'ID':'j','Type':'service','Datacenters':['dc1'],'Priority':%d,'TaskGroups':[{"
             "'Name':'g','Count':%d,'EphemeralDisk':{'SizeMB':10},"
             "'Update':{'MaxParallel':%d,'Canary':%d}%s,"
             "'Networks':[{'DynamicPorts':[{'Label':'p'}]}],"
             "'Tasks':[{'Name':'t','Driver':'raw_exec','Env':{'V':'%d'},"
             "'Resources':{'CPU':%d,'MemoryMB':100}}]}]}",
             40 + (int)roll(d, 20), (int)roll(d, 12), (int)roll(d, 4),
             roll(d, 3) ? 0 : (int)roll(d, 3), away[roll(d, ARRAY_LEN(away))], (int)roll(d, 2),
             roll(d, 4) ? 300 : 1100);
    cluster_job(c, text);
}

static void set_node(struct cluster *c, int i, const char *status, bool drains)
{
    cluster_node_drain(c, i, drains);
    cluster_node_status(c, i, status);
}

/* What the client of a node that is heard of again says: it has gone on. */
static void come_back(struct cluster *c)
{
    struct allocs l = live(c);

    list_each (&l.at, it)
        if (is((*it)->client_status, ALLOC_UNKNOWN) &&
            is(sched_node(c->sched, (*it)->node_id)->status, "ready"))
            cluster_alloc(c, *it, ALLOC_RUNNING, 0);
}

static void move_node(struct cluster *c, struct dice *d)
{
    static const char *const status[] = {"ready", "ready", "down", "disconnected"};
    int i = (int)roll(d, NODES);
    bool drains = roll(d, 4) == 0;
    struct allocs l = live(c);

    set_node(c, i, status[roll(d, ARRAY_LEN(status))], drains);
    list_each (&l.at, it)
        if (drains && is((*it)->node_id, node_at(c, i)->id) &&
            !is((*it)->client_status, ALLOC_UNKNOWN))
            cluster_transition(c, *it, true, false);
    come_back(c);
}

/* What the server does with a health: it moves the deployment's counters. */
static void count_health(struct cluster *c)
{
    struct allocs all = every(c);

    list_each (&c->deployment->groups, g) {
        g->healthy_allocs = g->unhealthy_allocs = 0;
        list_each (&all.at, it) {
            if (!is((*it)->deployment_id, c->deployment->id))
                continue;
            g->healthy_allocs += health(*it) == 1;
            g->unhealthy_allocs += health(*it) == 0;
        }
    }
}

static void tell_health(struct cluster *c, const struct alloc *al, bool healthy)
{
    struct alloc *copy;

    if (!c->deployment || !is(al->deployment_id, c->deployment->id) || health(al) >= 0 ||
        is(al->client_status, ALLOC_UNKNOWN))
        return;
    copy = schema_copy(&alloc_schema, al, c->a);
    if (!copy->deployment_status)
        copy->deployment_status = arena_new_of(c->a, struct alloc_deployment_status);
    opt_set(c->a, &copy->deployment_status->healthy, healthy);
    cluster_alloc(c, copy, ALLOC_RUNNING, 0);
    count_health(c);
}

/* An unhealthy one is tried again, or its deployment fails: the watcher's choice. */
static void judge(struct cluster *c, struct dice *d)
{
    struct allocs l = live(c);

    list_each (&l.at, it)
        if (health(*it) == 0 && is((*it)->deployment_id, c->deployment->id)) {
            if (roll(d, 2))
                cluster_transition(c, *it, false, true);
            else if (deployment_active(c->deployment))
                c->deployment->status = DEPLOYMENT_FAILED;
        }
}

static void promote(struct cluster *c)
{
    struct allocs all = every(c);

    list_each (&c->deployment->groups, g) {
        if (g->desired_canaries == 0 || g->promoted || g->healthy_allocs < g->desired_canaries)
            continue;
        g->promoted = true;
        list_each (&all.at, it) {
            struct alloc *copy;

            if (!is_canary(*it) || !is((*it)->deployment_id, c->deployment->id))
                continue;
            copy = schema_copy(&alloc_schema, *it, c->a);
            copy->deployment_status->canary = false;
            cluster_alloc(c, copy, copy->client_status, 0);
        }
    }
}

static void move_deployment(struct cluster *c, struct dice *d)
{
    if (!c->deployment || !deployment_active(c->deployment))
        return;
    switch (roll(d, 4)) {
    case 0:
        c->deployment->status = is(c->deployment->status, DEPLOYMENT_PAUSED)
                                    ? DEPLOYMENT_RUNNING
                                    : DEPLOYMENT_PAUSED;
        break;
    case 1:
        promote(c);
        break;
    case 2:
        judge(c, d);
        break;
    default:
        break;
    }
}

static void end_stopped(struct cluster *c)
{
    struct allocs all = every(c);

    list_each (&all.at, it)
        if (alloc_server_terminal(*it) && !alloc_client_terminal(*it) &&
            is(sched_node(c->sched, (*it)->node_id)->status, "ready"))
            cluster_alloc(c, *it, ALLOC_COMPLETE, 0);
}

static void move_alloc(struct cluster *c, struct dice *d)
{
    struct allocs l = live(c);
    const struct alloc *al = l.at.len ? l.at.at[roll(d, l.at.len)] : NULL;

    if (!al || is(al->client_status, ALLOC_UNKNOWN))
        return;
    switch (roll(d, 8)) {
    case 0:
        cluster_alloc(c, al, ALLOC_FAILED, c->now);
        break;
    case 1:
        tell_health(c, al, false);
        break;
    case 2:
        cluster_alloc(c, al, ALLOC_RUNNING, 0);
        break;
    default:
        tell_health(c, al, true);
    }
}

static void something_happens(struct cluster *c, struct dice *d)
{
    c->now += (int64_t)roll(d, 90) * T_SECOND;
    if (roll(d, 10) == 0)
        new_version(c, d);
    if (roll(d, 4) == 0)
        move_node(c, d);
    for (uint64_t i = roll(d, 6); i > 0; i--)
        move_alloc(c, d);
    if (roll(d, 3) == 0)
        move_deployment(c, d);
    if (roll(d, 2))
        end_stopped(c);
}

/*
 * Rest.
 */
static void fail_the_unhealthy(struct cluster *c)
{
    struct allocs l = live(c);

    list_each (&l.at, it)
        if (health(*it) == 0 && !is((*it)->client_status, ALLOC_UNKNOWN))
            cluster_alloc(c, *it, ALLOC_FAILED, c->now);
}

/* What is not well ends, and may be tried again. */
static void everything_is_well(struct cluster *c)
{
    struct allocs l = live(c), all;

    list_each (&l.at, it)
        if (!is((*it)->client_status, ALLOC_UNKNOWN))
            tell_health(c, *it, true);
    fail_the_unhealthy(c);
    all = every(c);
    list_each (&all.at, it)
        if (!alloc_server_terminal(*it) && is((*it)->client_status, ALLOC_FAILED)) {
            struct alloc *copy = schema_copy(&alloc_schema, *it, c->a);

            copy->followup_eval_id = NULL;
            cluster_transition(c, copy, false, true);
        }
    if (!c->deployment)
        return;
    if (is(c->deployment->status, DEPLOYMENT_PAUSED))
        c->deployment->status = DEPLOYMENT_RUNNING;
    promote(c);
}

static void comes_to_rest(struct cluster *c)
{
    bool rest = false;

    for (int i = 0; i < NODES; i++)
        set_node(c, i, "ready", false);
    for (int i = 0; i < 80 && !rest; i++) {
        c->now += 7200LL * T_SECOND;
        come_back(c);
        end_stopped(c);
        everything_is_well(c);
        run_checked(c);
        rest = plan_is_empty(&c->plan);
    }
    T_TRUE(rest);
    if (c->plan.failed.len ||
        (deployment_is_of_job(c) && is(c->deployment->status, DEPLOYMENT_FAILED)))
        return;
    T_INT_EQ(count_live(c), OPT(group(c)->count));
    T_INT_EQ(count_version(c, OPT(c->job->version)), OPT(group(c)->count));
    if (deployment_is_of_job(c) && OPT(group(c)->count))
        T_STR_EQ(c->deployment->status, DEPLOYMENT_SUCCESSFUL);
}

static void one_life(uint64_t seed)
{
    struct dice d = {seed};
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_nodes(&c, NODES);
    new_version(&c, &d);
    for (int i = 0; i < STEPS; i++) {
        run_checked(&c);
        something_happens(&c, &d);
    }
    comes_to_rest(&c);
}

TEST(a_service_keeps_its_limits_whatever_happens_and_becomes_what_is_asked_for)
{
    for (uint64_t seed = 1; seed <= LIVES; seed++) {
        char label[64];

        snprintf(label, sizeof label, "seed %d", (int)seed);
        T_ROW(label);
        one_life(seed);
    }
    T_ROW("");
}
