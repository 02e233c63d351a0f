#include "nomad/sched/explain.h"

#include "nomad/sched/priv.h"

/*
 * Why there is no place. Asked when the first alloc of a group fails: then the ranker knows of
 * every candidate why it is out of the question.
 */
static struct explain_group *explain_group(struct eval_run *r, const char *name)
{
    list_each (&r->in->explain->groups, it)
        if (same(it->group, name))
            return it;
    list_push(r->a, &r->in->explain->groups,
              ((struct explain_group){.group = arena_strdup(r->a, name)}));
    return &r->in->explain->groups.at[r->in->explain->groups.len - 1];
}

/* One node's reason, before it is merged with those like it. */
struct finding {
    struct ranker *k;
    uint32_t slot;
    const struct node *node;
    struct explain_reason reason;
    double far; /* of the kind "resources": what is missing, as parts of what is asked */
};

/*
 * What a node is short of.
 */
static int64_t cores_asked(const struct task_group *g)
{
    int64_t n = 0;

    list_each (&g->tasks, it)
        n += it->resources ? OPT(it->resources->cores) : 0;
    return n;
}

static int64_t cores_in(const uint64_t *usable, const uint64_t *used)
{
    int64_t n = 0;

    for (size_t i = 0; i < 4; i++)
        n += __builtin_popcountll(usable[i] & ~(used ? used[i] : 0));
    return n;
}

static int64_t beyond(int64_t asked, int64_t there)
{
    return asked > there ? asked - there : 0;
}

static double part_of(int64_t missing, int64_t asked)
{
    return missing > 0 && asked > 0 ? (double)missing / (double)asked : 0;
}

static void find_shortage(struct finding *f)
{
    const struct sched *s = f->k->run->s;
    const struct hot *h = &s->hot.at[f->slot];
    const struct s_node *n = s->nodes.at[f->slot];
    const struct comparable *ask = &f->k->ask;
    struct shortage *m = &f->reason.missing;
    int64_t cores = cores_asked(f->k->group), cpu = ask->cpu + cores * n->mhz_per_core;

    *m = (struct shortage){
        .cpu = beyond(cpu, h->cpu - h->cpu_used),
        .memory_mb = beyond(ask->memory_mb, h->mem - h->mem_used),
        .disk_mb = beyond(ask->disk_mb, h->disk - h->disk_used),
        .cores = beyond(cores, cores_in(n->cores_usable, n->cores_used)),
        .too_small = cpu > h->cpu || ask->memory_mb > h->mem || ask->disk_mb > h->disk ||
                     cores > cores_in(n->cores_usable, NULL),
    };
    f->far = part_of(m->cpu, cpu) + part_of(m->memory_mb, ask->memory_mb) +
             part_of(m->disk_mb, ask->disk_mb) + part_of(m->cores, cores) +
             (m->too_small ? 1000 : 0);
}

static bool usage_has(const struct usage *u, uint16_t port)
{
    for (uint32_t i = 0; i < u->n_ports; i++)
        if (u->ports[i] == port)
            return true;
    return false;
}

static void find_holder(struct finding *f, const struct port *ask)
{
    struct arena *a = f->k->run->a;
    const struct sched *s = f->k->run->s;
    struct port_holder h = {
        .label = arena_strdup(a, ask->label), .port = ask->value, .alloc_id = "", .job_id = ""};

    for (size_t i = 0; i < s->nodes.at[f->slot]->allocs.len; i++) {
        const struct s_alloc *sa = &s->allocs.at[s->nodes.at[f->slot]->allocs.at[i]];

        if (!sa->counts || run_stops(f->k->run, sa->alloc) ||
            !usage_has(&sa->usage, (uint16_t)ask->value))
            continue;
        h.alloc_id = arena_strdup(a, sa->alloc->id);
        h.job_id = arena_strdup(a, sa->alloc->job_id);
    }
    list_each (&f->k->run->plan->places, it)
        list_each (&(*it)->resources->shared.ports, p)
            if (p->value == ask->value && same((*it)->node_id, f->node->id)) {
                h.alloc_id = (*it)->id;
                h.job_id = (*it)->job_id;
            }
    list_push(a, &f->reason.ports, h);
}

static void find_holders(struct finding *f)
{
    const struct s_node *n = f->k->run->s->nodes.at[f->slot];
    const network_list *l = &f->k->group->networks;

    if (l->len == 0)
        return;
    list_each (&l->at[0].reserved_ports, it)
        if (!it->ignore_collision && node_has_port(n, (uint16_t)it->value) &&
            f->reason.ports.len < EXPLAIN_HOLDERS_MAX)
            find_holder(f, it);
}

/*
 * What would have to change, in words.
 */
static void add_amount(struct buf *b, int64_t n, const char *unit)
{
    if (n > 0)
        buf_printf(b, "%s%lld %s", b->len ? ", " : "", (long long)n, unit);
}

static const char *resources_change(const struct finding *f)
{
    auto_buf struct buf b = BUF_INIT(256);
    const struct shortage *m = &f->reason.missing;
    struct arena *a = f->k->run->a;

    add_amount(&b, m->cpu, "MHz of CPU");
    add_amount(&b, m->memory_mb, "MB of memory");
    add_amount(&b, m->disk_mb, "MB of disk");
    add_amount(&b, m->cores, m->cores == 1 ? "core" : "cores");
    if (b.len == 0)
        return arena_printf(a, "more free dynamic ports on %s", f->reason.node_name);
    if (m->too_small)
        return arena_printf(a, "a larger node: %s lacks %.*s and is too small even when empty",
                            f->reason.node_name, STR_ARG(buf_str(&b)));
    return arena_printf(a, "%.*s more free on %s", STR_ARG(buf_str(&b)), f->reason.node_name);
}

static const char *ports_change(const struct finding *f)
{
    auto_buf struct buf b = BUF_INIT(4096);

    list_each (&f->reason.ports, it) {
        buf_printf(&b, "%sport %lld free on %s: ", b.len ? "; " : "", (long long)it->port,
                   f->reason.node_name);
        if (*it->alloc_id)
            buf_printf(&b, "allocation %.8s of job %s has it", it->alloc_id, it->job_id);
        else
            buf_puts(&b, "it is reserved for the host");
    }
    return arena_str(f->k->run->a, buf_str(&b)).p;
}

/* The constraint of this text, as the filter wrote it; NULL: it was none. */
static const struct constraint *constraint_in(struct arena *a, const constraint_list *l,
                                              const char *text)
{
    list_each (l, it)
        if (same(arena_printf(a, "%s %s %s", it->ltarget, it->operand, it->rtarget), text))
            return it;
    return NULL;
}

static const struct constraint *constraint_of(const struct finding *f, const char *text)
{
    struct arena *a = f->k->run->a;
    const struct constraint *c = constraint_in(a, &f->k->run->job->constraints, text);

    if (!c)
        c = constraint_in(a, &f->k->group->constraints, text);
    list_each (&f->k->group->tasks, it)
        if (!c)
            c = constraint_in(a, &it->constraints, text);
    return c;
}

static const char *constraint_change(const struct finding *f, const struct constraint *c)
{
    struct arena *a = f->k->run->a;
    const char *value = node_target(f->node, c->ltarget, a);

    if (!value)
        return arena_printf(a, "a node that has %s (%s has none)", c->ltarget,
                            f->reason.node_name);
    return arena_printf(a, "a node whose %s %s %s (on %s it is \"%s\")", c->ltarget, c->operand,
                        c->rtarget, f->reason.node_name, value);
}

static const char *drivers_change(const struct finding *f)
{
    auto_buf struct buf b = BUF_INIT(4096);

    list_each (&f->k->group->tasks, it)
        if (!node_has_driver(f->node, it->driver))
            buf_printf(&b, "%s%s", b.len ? ", " : "", it->driver);
    return arena_printf(f->k->run->a, "driver %.*s found and healthy on %s",
                        STR_ARG(buf_str(&b)), f->reason.node_name);
}

static const char *not_ready_change(const struct finding *f)
{
    const struct node *n = f->node;
    struct arena *a = f->k->run->a;

    if (!same(n->status, "ready"))
        return arena_printf(a, "node %s ready again: it is %s", f->reason.node_name,
                            empty(n->status) ? "unknown" : n->status);
    if (n->drain_strategy)
        return arena_printf(a, "the end of the drain of node %s", f->reason.node_name);
    return arena_printf(a, "node %s eligible again: nomad node eligibility -enable %.8s",
                        f->reason.node_name, f->reason.node_id);
}

/*
 * What stands against a node.
 */
static void say(struct finding *f, const char *kind, const char *reason, const char *change)
{
    f->reason.kind = kind;
    f->reason.reason = reason;
    f->reason.change = change;
}

static void find_no_candidate(struct finding *f)
{
    struct arena *a = f->k->run->a;
    const struct job *j = f->k->run->job;
    const struct node *n = f->node;

    if (!same(j->node_pool, "all") && !same(j->node_pool, n->node_pool))
        say(f, "node-pool", arena_printf(a, "in node pool %s", str_or_empty(n->node_pool)),
            arena_printf(a, "the job's node_pool to be %s", str_or_empty(n->node_pool)));
    else if (!node_is_ready(n))
        say(f, "not-ready",
            n->drain_strategy          ? "draining"
            : same(n->status, "ready") ? "ineligible"
                                       : arena_strdup(a, str_or_empty(n->status)),
            not_ready_change(f));
    else
        say(f, "datacenter", arena_printf(a, "in datacenter %s", str_or_empty(n->datacenter)),
            arena_printf(a, "the job's datacenters to hold %s", str_or_empty(n->datacenter)));
}

static void find_infeasible(struct finding *f, const char *why)
{
    static const struct {
        const char *begin, *kind, *change;
    } rows[] = {
        {"missing host network", "network", "a node that has this host network"},
        {"missing network", "network", "a node that can make this network"},
        {"missing compatible host volumes", "volume", "a node that has these host volumes"},
        {"missing CSI", "volume", "a node that runs the plugins of these volumes"},
        {"missing devices", "device", "a node that has these devices"},
    };
    struct arena *a = f->k->run->a;
    const struct constraint *c = constraint_of(f, why);

    say(f, "constraint", why, "a node that suits");
    if (same(why, "missing drivers"))
        say(f, "driver", why, drivers_change(f));
    else if (c)
        say(f, "constraint", why, constraint_change(f, c));
    for (size_t i = 0; !c && i < ARRAY_LEN(rows); i++)
        if (str_starts(str_of(why), str_of(rows[i].begin)))
            say(f, rows[i].kind, why,
                arena_printf(a, "%s: %s lacks them", rows[i].change, f->reason.node_name));
}

static void find_exhausted(struct finding *f, const char *why)
{
    find_shortage(f);
    find_holders(f);
    if (str_starts(str_of(why), STR("network: reserved port")) && f->reason.ports.len)
        say(f, "port", why, ports_change(f));
    else
        say(f, "resources", why, resources_change(f));
}

/* False: nothing stands against it. */
static bool find_reason(struct finding *f)
{
    struct arena *a = f->k->run->a;
    int32_t cand = f->k->cand_of[f->slot];
    const struct candidate *c = cand == NONE ? NULL : &f->k->at[cand];
    const char *why;

    f->reason = (struct explain_reason){
        .node_class = arena_strdup(a, str_or_empty(f->node->node_class)),
        .nodes = 1,
        .node_id = arena_strdup(a, f->node->id),
        .node_name = arena_strdup(a, empty(f->node->name) ? f->node->id : f->node->name)};
    if (!c)
        find_no_candidate(f);
    else if (c->infeasible)
        find_infeasible(f, c->why);
    else if (c->apart)
        say(f, "distinct_hosts", "distinct_hosts", "one more node without an allocation of it");
    else if (c->short_of)
        find_exhausted(f, c->why);
    else if ((why = distinct_problem(f->k, (uint32_t)cand)))
        say(f, "distinct_property", why,
            str_starts(str_of(why), STR("missing"))
                ? "a node that has this property"
                : "a node with another value of it, or a higher limit");
    else
        return false;
    return true;
}

/*
 * All of them, those alike together.
 */
struct merge {
    struct explain_group *group;
    double far[EXPLAIN_REASONS_MAX];
};

static void merge(struct arena *a, struct merge *m, const struct finding *f)
{
    size_t i = 0;

    for (; i < m->group->reasons.len; i++) {
        const struct explain_reason *r = &m->group->reasons.at[i];

        if (same(r->node_class, f->reason.node_class) && same(r->kind, f->reason.kind) &&
            same(r->reason, f->reason.reason))
            break;
    }
    if (i == EXPLAIN_REASONS_MAX) {
        m->group->reasons.at[i - 1].nodes++;
        return;
    }
    if (i == m->group->reasons.len) {
        list_push(a, &m->group->reasons, f->reason);
        m->far[i] = f->far;
        return;
    }
    if (f->far < m->far[i]) {
        int64_t nodes = m->group->reasons.at[i].nodes;

        m->group->reasons.at[i] = f->reason;
        m->group->reasons.at[i].nodes = nodes;
        m->far[i] = f->far;
    }
    m->group->reasons.at[i].nodes++;
}

static void look_at_nodes(struct ranker *k, struct explain_group *g, int32_t only_node)
{
    const struct sched *s = k->run->s;
    struct merge *m = arena_new_of(k->run->a, struct merge);

    m->group = g;
    for (uint32_t i = 0; i < s->hot.len; i++) {
        struct finding f = {.k = k, .slot = i};

        if (!(s->hot.at[i].flags & HOT_USED) || (only_node != NONE && (uint32_t)only_node != i))
            continue;
        f.node = s->nodes.at[i]->node;
        if (find_reason(&f))
            merge(k->run->a, m, &f);
    }
}

void explain_failure(struct ranker *k, const struct want *w)
{
    struct eval_run *r = k->run;
    struct explain_group *g;

    if (!r->in->explain)
        return;
    g = explain_group(r, k->group->name);
    if (g->unplaced == 0 || r->system) /* a system job fails node by node */
        look_at_nodes(k, g, r->system ? w->only_node : NONE);
    g->unplaced++;
    if (g->names.len < EXPLAIN_NAMES_MAX)
        list_push(r->a, &g->names, arena_strdup(r->a, w->name));
}

void explain_finish(struct eval_run *r)
{
    const struct s_alloc *sa;

    if (!r->in->explain || !r->job)
        return;
    list_each (&r->job->groups, it)
        explain_group(r, it->name)->count = r->stopping ? 0 : OPT(it->count);
    list_each (&r->plan->places, it)
        explain_group(r, (*it)->task_group)->would_place++;
    for (size_t i = 0; (sa = job_alloc(r, i)); i++)
        if (!alloc_terminal(sa->alloc) && !run_stops(r, sa->alloc))
            explain_group(r, sa->alloc->task_group)->live++;
}
