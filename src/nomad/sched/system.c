#include "nomad/sched/priv.h"

/*
 * System and sysbatch jobs: one alloc of each group on every node that suits. A node that does
 * not suit is no failure; one that has no room is.
 */
static void queued_add(struct eval_run *r, const char *group)
{
    list_each (&r->plan->queued, it)
        if (same(it->group, group))
            it->n++;
}

static bool draining_away(const struct alloc *al)
{
    return al->desired_transition && OPT(al->desired_transition->migrate);
}

static bool place_on(struct eval_run *r, const struct task_group *g, int32_t node,
                     const struct alloc *previous)
{
    struct want w = {.name = alloc_name(r->a, r->job->id, g->name, 0),
                     .previous = previous,
                     .only_node = node};

    r->notes->place++;
    if (place_one(r, g, &w))
        return true;
    queued_add(r, g->name);
    return false;
}

/* Updates beyond max_parallel wait for the next evaluation, a stagger later. */
static void update(struct eval_run *r, const struct task_group *g, const struct s_alloc *sa,
                   int64_t *limit, bool *ret_more)
{
    struct ranker *k = group_ranker(r, g);

    if (!needs_restart(r, g, sa->alloc)) {
        if (update_in_place(r, g, sa->alloc)) {
            r->notes->in_place_update++;
            return;
        }
    }
    if (*limit <= 0) {
        *ret_more = true;
        return;
    }
    (*limit)--;
    r->notes->destructive_update++;
    stop_alloc(r, sa->alloc, ALLOC_UPDATING, NULL);
    if (k->cand_of[sa->node] != NONE && !place_on(r, g, sa->node, sa->alloc))
        unstop_last(r);
}

/* An alloc that is there; true: the node has its alloc (of this group). */
static bool settle(struct eval_run *r, const struct task_group *g, const struct s_alloc *sa,
                   int64_t *limit, bool *ret_more)
{
    const struct alloc *al = sa->alloc;

    if (alloc_server_terminal(al))
        return false;
    if (alloc_client_terminal(al))
        return same(r->job->type, "sysbatch") && is_current(r, al);
    switch (away_look(r, g, al)) {
    case AWAY_NOT:
        break;
    case AWAY_KEPT:
    case AWAY_REPLACED: /* there is no other place for it */
        r->notes->ignore++;
        return true;
    case AWAY_LOST:
        stop_alloc(r, al, ALLOC_IS_LOST, ALLOC_LOST);
        r->notes->stop++;
        return true;
    }
    if (alloc_reconnecting(al))
        alloc_state_add(restate(r, al), al->client_status, r->in->now_ns, r->a);
    if (draining_away(al)) {
        stop_alloc(r, al, ALLOC_NODE_TAINTED, NULL);
        r->notes->stop++;
        return true;
    }
    if (is_current(r, al))
        r->notes->ignore++;
    else
        update(r, g, sa, limit, ret_more);
    return true;
}

static void rolling_eval(struct eval_run *r)
{
    int64_t stagger = r->job->update ? OPT(r->job->update->stagger_ns) : 0;

    followup_at(r, r->in->now_ns + stagger, EVAL_BY_ROLLING, "");
}

static void system_group(struct eval_run *r, const struct task_group *g)
{
    uint8_t *has = arena_array(r->a, uint8_t, r->s->hot.len + 1);
    int64_t limit = update_is_rolling(g->update ? g->update : r->job->update)
                        ? OPT((g->update ? g->update : r->job->update)->max_parallel)
                        : INT64_MAX;
    const struct s_alloc *sa;
    struct ranker *k;
    bool more = false;

    group_notes(r, g->name);
    list_push(r->a, &r->plan->queued, ((struct queued_count){g->name, 0}));
    r->ranker = NULL;
    k = group_ranker(r, g);
    for (size_t i = 0; (sa = job_alloc(r, i)); i++)
        if (same(sa->alloc->task_group, g->name) && settle(r, g, sa, &limit, &more) &&
            sa->node != NONE)
            has[sa->node] = 1;
    for (uint32_t i = 0; i < k->len && OPT(g->count) > 0; i++)
        if (!has[k->at[i].node] && !k->at[i].infeasible)
            place_on(r, g, (int32_t)k->at[i].node, NULL);
    if (more)
        rolling_eval(r);
}

void system_job(struct eval_run *r)
{
    deployment_start(r);
    stop_everything(r);
    if (r->stopping)
        return;
    list_each (&r->job->groups, it)
        system_group(r, it);
}
