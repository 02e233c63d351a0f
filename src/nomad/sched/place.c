#include "nomad/sched/priv.h"

struct ranker *group_ranker(struct eval_run *r, const struct task_group *g)
{
    struct ranker *k;

    if (r->ranker && r->ranker->group == g)
        return r->ranker;
    k = arena_new_of(r->a, struct ranker);
    ranker_init(r, k, g);
    r->ranker = k;
    return k;
}

/*
 * Ending an alloc.
 */
bool run_stops(const struct eval_run *r, const struct alloc *al)
{
    return map_get(&r->stopped, str_of(al->id)) != NULL;
}

static const struct s_alloc *mirror_of(const struct eval_run *r, const struct alloc *al)
{
    int32_t slot = mirror_alloc(r->s, al->id);

    return slot == NONE ? NULL : &r->s->allocs.at[slot];
}

static void drop_object(void *o)
{
    object_unref(o);
}

/* What the plan points to lives as long as the plan, whatever becomes of the mirror. */
static void keep_alive(struct eval_run *r, const struct object *o)
{
    arena_on_end(r->a, drop_object, object_ref(o));
}

void stop_alloc(struct eval_run *r, const struct alloc *al, const char *why,
                const char *client_status)
{
    const struct s_alloc *sa = mirror_of(r, al);

    if (run_stops(r, al))
        return;
    map_put(&r->stopped, str_of(al->id), (void *)(uintptr_t)al);
    list_push(r->a, &r->plan->stops,
              ((struct plan_stop){.alloc = al,
                                  .desired_status = ALLOC_STOP,
                                  .desired_description = why,
                                  .client_status = client_status}));
    if (!sa)
        return;
    keep_alive(r, sa->obj);
    if (sa->node == NONE)
        return;
    if (sa->counts)
        run_give(r, (uint32_t)sa->node, &sa->usage);
    if (r->ranker && !alloc_terminal(al))
        ranker_moved(r->ranker, sa->node, al->task_group, -1);
}

void unstop_last(struct eval_run *r)
{
    const struct alloc *al = r->plan->stops.at[--r->plan->stops.len].alloc;
    const struct s_alloc *sa = mirror_of(r, al);

    map_del(&r->stopped, str_of(al->id));
    if (!sa || sa->node == NONE)
        return;
    if (sa->counts)
        run_take(r, (uint32_t)sa->node, &sa->usage);
    if (r->ranker && !alloc_terminal(al))
        ranker_moved(r->ranker, sa->node, al->task_group, 1);
}

/*
 * A new alloc.
 */
static struct json *lifecycles(struct eval_run *r, const struct task_group *g)
{
    struct json *all = json_new_object(r->a);

    list_each (&g->tasks, t) {
        struct json one = {.type = JSON_NULL};

        if (t->lifecycle) {
            one = *json_new_object(r->a);
            json_set(r->a, &one, STR("Hook"), json_of_str(str_of(t->lifecycle->hook)));
            json_set(r->a, &one, STR("Sidecar"), json_of_bool(t->lifecycle->sidecar));
        }
        json_set(r->a, all, str_of(t->name), one);
    }
    return all;
}

static struct alloc_resources *resources_of(struct eval_run *r, const struct task_group *g,
                                            const struct offer *o)
{
    struct alloc_resources *res = arena_new_of(r->a, struct alloc_resources);
    size_t i = 0;

    list_each (&g->tasks, t) {
        struct alloc_task_resources *tr = list_add(r->a, &res->tasks);

        *tr = (struct alloc_task_resources){.name = t->name};
        tr->cpu.cpu_shares = o->task_cpu[i];
        tr->cpu.reserved_cores = (struct json *)(uintptr_t)o->task_cores[i];
        if (t->resources) {
            tr->memory.memory_mb = OPT(t->resources->memory_mb);
            tr->memory.memory_max_mb = OPT(t->resources->memory_max_mb);
        }
        i++;
    }
    res->task_lifecycles = lifecycles(r, g);
    res->shared = o->shared;
    return res;
}

static void link_previous(struct eval_run *r, const struct task_group *g, struct alloc *al,
                          const struct want *w)
{
    const struct s_alloc *prev;
    struct reschedule_decision d;

    if (!w->previous)
        return;
    prev = mirror_of(r, w->previous);
    if (prev)
        keep_alive(r, prev->obj);
    al->previous_allocation = w->previous->id;
    al->reschedule_tracker = w->previous->reschedule_tracker;
    if (!w->reschedule)
        return;
    reschedule_next(g->reschedule, w->previous, r->in->now_ns, &d);
    al->reschedule_tracker =
        reschedule_tracker_next(w->previous, g->reschedule, d.delay_ns, r->in->now_ns, r->a);
}

static struct alloc *alloc_new(struct eval_run *r, const struct task_group *g,
                               const struct want *w, const struct node *n,
                               const struct offer *o, const struct alloc_metric *m)
{
    const struct job *j = r->job;
    struct alloc *al = arena_new_of(r->a, struct alloc);

    *al = (struct alloc){
        .id = run_uuid(r),
        .namespace = j->namespace,
        .eval_id = r->in->eval->id,
        .name = arena_strdup(r->a, w->name),
        .node_id = arena_strdup(r->a, n->id),
        .node_name = arena_strdup(r->a, n->name),
        .job_id = j->id,
        .task_group = g->name,
        .job_version = OPT(j->version),
        .job_create_index = OPT(j->create_index),
        .job_modify_index = OPT(j->job_modify_index),
        .job_type = j->type,
        .resources = resources_of(r, g, o),
        .metrics = arena_new_of(r->a, struct alloc_metric),
        .desired_status = ALLOC_RUN,
        .desired_description = "",
        .client_status = ALLOC_PENDING,
        .client_description = "",
        .create_time = r->in->now_ns,
        .modify_time = r->in->now_ns,
    };
    *al->metrics = *m;
    link_previous(r, g, al, w);
    return al;
}

static void avoid_of(struct eval_run *r, const struct want *w, struct strlist *ret)
{
    if (!w->reschedule)
        return;
    list_push(r->a, ret, w->previous->node_id);
    if (w->previous->reschedule_tracker)
        list_each (&w->previous->reschedule_tracker->events, it)
            list_push(r->a, ret, it->prev_node_id);
}

/* Best node on which ports and cores can be had too. */
static bool find_node(struct ranker *k, const struct select_opts *o, struct selection *sel,
                      struct offer *offer)
{
    const char *dim = NULL;

    for (;;) {
        struct candidate *c;

        ranker_select(k, o, sel);
        if (sel->cand == NONE)
            return false;
        c = &k->at[sel->cand];
        if (offer_make(k, c->node, offer, &dim))
            return true;
        ranker_short(k, (uint32_t)sel->cand, dim); /* until something there changes */
    }
}

/* A job on every node: what is short is told for all of them together. */
static void merge_metric(struct arena *a, struct alloc_metric *to, const struct alloc_metric *m)
{
    const struct json *dims = m->dimension_exhausted;

    to->nodes_evaluated += m->nodes_evaluated;
    to->nodes_filtered += m->nodes_filtered;
    to->nodes_exhausted += m->nodes_exhausted;
    for (uint32_t i = 0; dims && i < dims->len; i++)
        count_add(a, &to->dimension_exhausted, arena_cstr(a, dims->members[i].key),
                  json_i64_or(&dims->members[i].value, 0));
}

static void note_failure(struct eval_run *r, const struct task_group *g,
                         const struct alloc_metric *m)
{
    list_each (&r->plan->failed, it)
        if (same(it->group, g->name)) {
            if (r->system)
                merge_metric(r->a, it, m);
            else
                it->coalesced_failures++;
            return;
        }
    list_push(r->a, &r->plan->failed, *m);
}

static bool stays_with_disk(const struct task_group *g, const struct want *w)
{
    return w->previous && !w->reschedule && g->ephemeral_disk && OPT(g->ephemeral_disk->sticky);
}

/* Its room was given back by whoever chose it. */
static void evict(struct eval_run *r, const struct s_alloc *sa, struct alloc *by)
{
    const struct alloc *al = sa->alloc;
    const char *why = arena_printf(r->a, "Preempted by alloc ID %s", by->id);

    map_put(&r->stopped, str_of(al->id), (void *)(uintptr_t)al);
    keep_alive(r, sa->obj);
    list_push(r->a, &r->plan->stops,
              ((struct plan_stop){.alloc = al,
                                  .desired_status = ALLOC_EVICT,
                                  .desired_description = why,
                                  .preempted_by = by->id}));
    list_push(r->a, &by->preempted_allocations, al->id);
    list_push(r->a, &r->plan->annotations->preempted_allocs, *al);
    r->notes->preemptions++;
}

bool place_one(struct eval_run *r, const struct task_group *g, const struct want *w)
{
    struct ranker *k = group_ranker(r, g);
    struct strlist avoid = {0};
    struct select_opts o = {.only_node = w->only_node};
    struct selection sel;
    struct victims victims = {0};
    struct offer offer, *kept;
    struct alloc *al;
    bool found = false;
    uint32_t node;

    avoid_of(r, w, &avoid);
    o.avoid = avoid.len ? &avoid : NULL;
    if (o.only_node == NONE && stays_with_disk(g, w)) {
        o.only_node = mirror_node(r->s, w->previous->node_id);
        found = o.only_node != NONE && find_node(k, &o, &sel, &offer);
        o.only_node = NONE;
    }
    if (!found && !find_node(k, &o, &sel, &offer) &&
        !preempt_find(k, &o, &sel, &offer, &victims)) {
        note_failure(r, g, &sel.metric);
        explain_failure(k, w);
        return false;
    }
    node = k->at[sel.cand].node;
    al = alloc_new(r, g, w, r->s->nodes.at[node]->node, &offer, &sel.metric);
    list_each (&victims.at, it)
        evict(r, *it, al);
    kept = arena_new_of(r->a, struct offer);
    *kept = offer;
    run_take(r, node, &kept->usage);
    ranker_moved(k, (int32_t)node, g->name, 1);
    deployment_placed(r, g, al, w->canary);
    list_push(r->a, &r->plan->places, al);
    return true;
}

/*
 * Updates.
 */
bool is_current(const struct eval_run *r, const struct alloc *al)
{
    return al->job_create_index == OPT(r->job->create_index) &&
           al->job_version == OPT(r->job->version);
}

bool needs_restart(struct eval_run *r, const struct task_group *g, const struct alloc *al)
{
    const struct job *old = NULL;
    const struct task_group *old_group;

    if (al->job_create_index == OPT(r->job->create_index) && r->in->job_version)
        old = r->in->job_version(r->in->ctx, al->job_version);
    old_group = old ? job_group(old, g->name) : NULL;
    return !old_group || group_needs_restart(r->job, g, old, old_group);
}

bool update_in_place(struct eval_run *r, const struct task_group *g, const struct alloc *al)
{
    int32_t node = mirror_node(r->s, al->node_id);
    struct ranker *k = group_ranker(r, g);
    const char *why;
    struct alloc *copy;

    if (node == NONE || !feasible_node(r, &k->feas, (uint32_t)node, &why))
        return false;
    copy = schema_copy(&alloc_schema, al, r->a);
    copy->eval_id = r->in->eval->id;
    copy->job_version = OPT(r->job->version);
    copy->job_modify_index = OPT(r->job->job_modify_index);
    copy->modify_time = r->in->now_ns;
    copy->deployment_id = NULL;
    copy->deployment_status = NULL;
    deployment_placed(r, g, copy, false);
    list_push(r->a, &r->plan->in_place, copy);
    return true;
}
