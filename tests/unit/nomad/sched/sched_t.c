#include "sched_t.h"

#include <stdio.h>

void cluster_init(struct cluster *c)
{
    *c = (struct cluster){.a = arena_new(0),
                          .sched = sched_new(),
                          .now = 1000LL * T_SECOND,
                          .seed = 1,
                          .index = 10};
}

void cluster_done(struct cluster *c)
{
    sched_free(c->sched);
    arena_free(c->a);
}

/*
 * Nodes.
 */
static const char *node_id(struct arena *a, int i)
{
    return arena_printf(a, "00000000-0000-4000-8000-%012d", i);
}

static void put_node(struct cluster *c, struct node *body)
{
    auto_object struct object *o = object_new(&node_schema);
    struct err e = ERR_INIT;

    body->computed_class = node_computed_class(body, c->a);
    *(struct node *)o->body = *(struct node *)schema_copy(&node_schema, body, o->arena);
    T_OK(sched_node_put(c->sched, o, &e), &e);
}

const char *cluster_node(struct cluster *c, int i,
                         void (*edit)(struct node *n, struct arena *a))
{
    struct node n = {.id = node_id(c->a, i),
                     .name = arena_printf(c->a, "n%d", i),
                     .datacenter = "dc1",
                     .node_pool = "default",
                     .eligibility = "eligible",
                     .status = "ready"};

    n.resources.cpu.cpu_shares = 4000;
    n.resources.cpu.total_cores = 4;
    n.resources.memory.memory_mb = 8000;
    n.resources.disk.disk_mb = 100000;
    n.resources.min_dynamic_port = 20000;
    n.resources.max_dynamic_port = 32000;
    strmap_set(c->a, &n.attributes, "kernel.name", "linux");
    strmap_set(c->a, &n.attributes, "driver.raw_exec", "1");
    if (edit)
        edit(&n, c->a);
    put_node(c, &n);
    return n.id;
}

void cluster_nodes(struct cluster *c, int n)
{
    for (int i = 0; i < n; i++)
        cluster_node(c, i, NULL);
}

void cluster_node_status(struct cluster *c, int i, const char *status)
{
    struct node *n = schema_copy(&node_schema, sched_node(c->sched, node_id(c->a, i)), c->a);

    n->status = status;
    n->status_updated_at = c->now / T_SECOND;
    put_node(c, n);
}

void cluster_node_drain(struct cluster *c, int i, bool drains)
{
    struct node *n = schema_copy(&node_schema, sched_node(c->sched, node_id(c->a, i)), c->a);

    n->eligibility = drains ? "ineligible" : "eligible";
    n->drain_strategy = drains ? arena_new_of(c->a, struct drain_strategy) : NULL;
    put_node(c, n);
}

/*
 * Jobs.
 */
static struct json *parse(struct arena *a, const char *text)
{
    char *copy = arena_strdup(a, text);
    struct err e = ERR_INIT;
    struct json *v;

    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    T_OK(json_parse(str_of(copy), NULL, 0, a, &v, &e), &e);
    return v;
}

void cluster_job(struct cluster *c, const char *text)
{
    struct job *j = arena_new_of(c->a, struct job);
    struct err e = ERR_INIT;

    if (text) {
        T_OK(job_from_json(parse(c->a, text), c->a, j, &e), &e);
        job_canonicalize(j, c->a);
        job_finish(j, NULL, c->a);
    } else {
        j = schema_copy(&job_schema, c->job, c->a);
        opt_set(c->a, &j->stop, true);
    }
    opt_set(c->a, &j->version, c->n_versions);
    opt_set(c->a, &j->create_index, 10);
    opt_set(c->a, &j->job_modify_index, ++c->index);
    opt_set(c->a, &j->modify_index, c->index);
    T_TRUE(c->n_versions < ARRAY_LEN(c->versions));
    c->versions[c->n_versions++] = j;
    c->job = j;
}

static const struct job *job_version(void *ctx, uint64_t version)
{
    const struct cluster *c = ctx;

    return version < c->n_versions ? c->versions[version] : NULL;
}

static struct job *other_job(const struct cluster *c, const char *id)
{
    for (size_t i = 0; i < c->n_others; i++)
        if (strcmp(c->others[i]->id, id) == 0)
            return c->others[i];
    return NULL;
}

static const struct job *job_of(void *ctx, const struct alloc *al)
{
    const struct cluster *c = ctx;

    return strcmp(al->job_id, c->versions[0]->id) == 0 ? job_version(ctx, al->job_version)
                                                       : other_job(c, al->job_id);
}

void cluster_eval(struct cluster *c, const char *triggered_by)
{
    struct err e = ERR_INIT;
    struct sched_input in = {.eval = &c->eval,
                             .job = c->job,
                             .deployment = c->deployment,
                             .now_ns = c->now,
                             .snapshot_index = c->index,
                             .seed = {c->n_versions, c->seed},
                             .explain = c->explain,
                             .spread_algorithm = c->spread_algorithm,
                             .preempt = c->preempt,
                             .job_version = job_version,
                             .job_of = job_of,
                             .ctx = c};

    c->seed++;
    if (!c->eval.id)
        c->eval.id = arena_printf(c->a, "eval-%llu", (unsigned long long)c->seed);
    c->eval.namespace = "default";
    c->eval.job_id = c->job->id;
    c->eval.type = c->job->type;
    c->eval.priority = 50;
    c->eval.triggered_by = triggered_by;
    T_OK(sched_process(c->sched, &in, c->a, &c->plan, &e), &e);
    c->eval.id = NULL;
}

static void cluster_other_job(struct cluster *c, const struct other *o)
{
    struct job *j = arena_new_of(c->a, struct job);
    struct task_group *g = list_add(c->a, &j->groups);

    j->id = o->job;
    opt_set(c->a, &j->priority, o->priority);
    *g = (struct task_group){.name = "g",
                             .migrate = arena_new_of(c->a, struct migrate_strategy)};
    opt_set(c->a, &g->migrate->max_parallel, o->max_parallel);
    c->others[c->n_others++] = j;
}

/*
 * What the server does with a plan.
 */
static void put_alloc(struct cluster *c, const struct alloc *al)
{
    auto_object struct object *o = object_new(&alloc_schema);
    struct err e = ERR_INIT;

    *(struct alloc *)o->body = *(struct alloc *)schema_copy(&alloc_schema, al, o->arena);
    T_OK(sched_alloc_put(c->sched, o, &e), &e);
}

void cluster_other(struct cluster *c, const struct other *o)
{
    struct alloc al = {.id = o->id,
                       .namespace = "default",
                       .name = arena_printf(c->a, "%s.g[0]", o->job),
                       .job_id = o->job,
                       .task_group = "g",
                       .node_id = node_id(c->a, o->node),
                       .desired_status = ALLOC_RUN,
                       .client_status = ALLOC_RUNNING,
                       .resources = arena_new_of(c->a, struct alloc_resources)};
    struct alloc_task_resources *tr = list_add(c->a, &al.resources->tasks);

    *tr = (struct alloc_task_resources){.name = "t"};
    tr->cpu.cpu_shares = o->cpu;
    tr->memory.memory_mb = o->mem;
    if (o->port)
        list_push(c->a, &al.resources->shared.ports,
                  ((struct alloc_port){.label = "p", .value = o->port}));
    put_alloc(c, &al);
    if (!other_job(c, o->job)) {
        T_TRUE(c->n_others < ARRAY_LEN(c->others));
        cluster_other_job(c, o);
    }
}

struct finding {
    const char *id, *name;
    const struct alloc *al;
    size_t n;
    int64_t version;
    bool all;
};

static void look(void *ctx, const struct alloc *al)
{
    struct finding *f = ctx;

    if (!f->all && alloc_terminal(al))
        return;
    if (f->id && strcmp(f->id, al->id) != 0)
        return;
    if (f->name && strcmp(f->name, al->name) != 0)
        return;
    if (f->version >= 0 && al->job_version != (uint64_t)f->version)
        return;
    f->al = al;
    f->n++;
}

static struct finding find(const struct cluster *c, struct finding f)
{
    sched_each_job_alloc(c->sched, "default", c->versions[0]->id, look, &f);
    return f;
}

static void commit_stop(struct cluster *c, const struct plan_stop *s)
{
    struct alloc *al = schema_copy(&alloc_schema, s->alloc, c->a);

    al->desired_status = s->desired_status;
    al->desired_description = s->desired_description;
    if (s->client_status)
        al->client_status = s->client_status;
    put_alloc(c, al);
}

static void link_next(struct cluster *c, const struct alloc *al)
{
    struct finding f;
    struct alloc *old;

    if (!al->previous_allocation)
        return;
    f = find(c, (struct finding){.id = al->previous_allocation, .version = -1, .all = true});
    if (!f.al)
        return;
    old = schema_copy(&alloc_schema, f.al, c->a);
    old->next_allocation = al->id;
    put_alloc(c, old);
}

/* Nothing but this; the plan may end it as well. */
static void commit_annotation(struct cluster *c, const struct alloc *said)
{
    const struct alloc *now =
        find(c, (struct finding){.id = said->id, .version = -1, .all = true}).al;
    struct alloc *al = schema_copy(&alloc_schema, now, c->a);

    al->followup_eval_id = said->followup_eval_id;
    al->alloc_states = said->alloc_states;
    if (strcmp(said->client_status, ALLOC_UNKNOWN) == 0 && !alloc_client_terminal(al)) {
        al->client_status = said->client_status;
        al->client_description = said->client_description;
    }
    put_alloc(c, al);
}

void cluster_commit(struct cluster *c)
{
    struct plan *p = &c->plan;

    list_each (&p->stops, it)
        commit_stop(c, it);
    list_each (&p->in_place, it)
        put_alloc(c, *it);
    list_each (&p->annotate, it)
        commit_annotation(c, *it);
    list_each (&p->places, it) {
        put_alloc(c, *it);
        link_next(c, *it);
    }
    if (p->deployment)
        c->deployment = schema_copy(&deployment_schema, p->deployment, c->a);
    list_each (&p->deployment_updates, it)
        if (c->deployment && strcmp(c->deployment->id, it->id) == 0) {
            c->deployment->status = it->status;
            c->deployment->status_description = it->status_description;
        }
    c->index++;
}

void cluster_run(struct cluster *c)
{
    cluster_eval(c, EVAL_BY_REGISTER);
    cluster_commit(c);
}

/*
 * Looking and changing.
 */
size_t count_live(const struct cluster *c)
{
    return find(c, (struct finding){.version = -1}).n;
}

size_t count_version(const struct cluster *c, uint64_t version)
{
    return find(c, (struct finding){.version = (int64_t)version}).n;
}

static void look_node(void *ctx, const struct alloc *al)
{
    *(size_t *)ctx += !alloc_terminal(al);
}

size_t count_on(const struct cluster *c, int node)
{
    size_t n = 0;

    sched_each_node_alloc(c->sched, node_id(c->a, node), look_node, &n);
    return n;
}

const struct alloc *find_live(const struct cluster *c, const char *name)
{
    return find(c, (struct finding){.name = name, .version = -1}).al;
}

struct ids {
    struct arena *a;
    LIST(const struct alloc *) at;
};

static void gather(void *ctx, const struct alloc *al)
{
    struct ids *ids = ctx;

    if (!alloc_terminal(al))
        list_push(ids->a, &ids->at, al);
}

static struct ids live_allocs(struct cluster *c)
{
    struct ids ids = {.a = c->a};

    sched_each_job_alloc(c->sched, "default", c->versions[0]->id, gather, &ids);
    return ids;
}

void cluster_alloc(struct cluster *c, const struct alloc *al, const char *client_status,
                   int64_t finished_at)
{
    struct alloc *copy = schema_copy(&alloc_schema, al, c->a);

    copy->client_status = client_status;
    if (finished_at) {
        struct task_state ts = {.name = "t", .state = TASK_DEAD, .failed = true};

        opt_set(c->a, &ts.finished_at, finished_at);
        list_push(c->a, &copy->task_states, ts);
    }
    put_alloc(c, copy);
}

void cluster_transition(struct cluster *c, const struct alloc *al, bool migrate,
                        bool reschedule)
{
    struct alloc *copy = schema_copy(&alloc_schema, al, c->a);

    copy->desired_transition = arena_new_of(c->a, struct desired_transition);
    opt_set(c->a, &copy->desired_transition->migrate, migrate);
    opt_set(c->a, &copy->desired_transition->reschedule, reschedule);
    put_alloc(c, copy);
}

void cluster_status(struct cluster *c, const char *status)
{
    struct ids ids = live_allocs(c);

    list_each (&ids.at, it)
        cluster_alloc(c, *it, status, 0);
}

void cluster_healthy(struct cluster *c)
{
    struct ids ids = live_allocs(c);

    list_each (&c->deployment->groups, g)
        g->healthy_allocs = 0;
    list_each (&ids.at, it) {
        struct alloc *copy = schema_copy(&alloc_schema, *it, c->a);

        if (!copy->deployment_id || strcmp(copy->deployment_id, c->deployment->id) != 0)
            continue;
        if (!copy->deployment_status)
            copy->deployment_status = arena_new_of(c->a, struct alloc_deployment_status);
        opt_set(c->a, &copy->deployment_status->healthy, true);
        copy->client_status = ALLOC_RUNNING;
        put_alloc(c, copy);
        list_each (&c->deployment->groups, g)
            if (strcmp(g->name, copy->task_group) == 0)
                g->healthy_allocs++;
    }
}

int64_t queued(const struct cluster *c, const char *group)
{
    list_each (&c->plan.queued, it)
        if (strcmp(it->group, group) == 0)
            return it->n;
    return -1;
}
