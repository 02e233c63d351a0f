#include "nomad/model/model_priv.h"

bool eval_terminal(const struct eval *ev)
{
    return same(ev->status, EVAL_COMPLETE) || same(ev->status, EVAL_FAILED) ||
           same(ev->status, EVAL_CANCELED);
}

bool deployment_active(const struct deployment *d)
{
    return d && (same(d->status, DEPLOYMENT_RUNNING) || same(d->status, DEPLOYMENT_PAUSED));
}

const struct deployment_group *deployment_group_of(const struct deployment *d,
                                                   const char *group)
{
    if (d)
        list_each (&d->groups, it)
            if (same(it->name, group))
                return it;
    return NULL;
}

bool deployment_needs_promotion(const struct deployment *d)
{
    if (!deployment_active(d))
        return false;
    list_each (&d->groups, it)
        if (it->desired_canaries > 0 && !it->promoted)
            return true;
    return false;
}

bool deployment_is_complete(const struct deployment *d)
{
    list_each (&d->groups, it)
        if (it->healthy_allocs < it->desired_total ||
            (it->desired_canaries > 0 && !it->promoted))
            return false;
    return true;
}

/*
 * Summaries.
 */
struct group_summary *summary_group(struct job_summary *s, const char *group, struct arena *a)
{
    struct group_summary *g;

    list_each (&s->groups, it)
        if (same(it->group, group))
            return it;
    g = list_add(a, &s->groups);
    *g = (struct group_summary){.group = arena_strdup(a, group)};
    return g;
}

static int64_t *summary_counter(struct group_summary *g, const char *status)
{
    if (same(status, ALLOC_PENDING))
        return &g->starting;
    if (same(status, ALLOC_RUNNING))
        return &g->running;
    if (same(status, ALLOC_COMPLETE))
        return &g->complete;
    if (same(status, ALLOC_FAILED))
        return &g->failed;
    if (same(status, ALLOC_LOST))
        return &g->lost;
    if (same(status, ALLOC_UNKNOWN))
        return &g->unknown;
    return NULL;
}

void summary_alloc_moved(struct group_summary *g, const char *from, const char *to)
{
    int64_t *less = from ? summary_counter(g, from) : NULL, *more = summary_counter(g, to);

    if (less == more)
        return;
    if (less && *less > 0)
        (*less)--;
    if (more)
        (*more)++;
}

bool plan_is_empty(const struct plan *p)
{
    return p->stops.len == 0 && p->places.len == 0 && p->in_place.len == 0 &&
           p->annotate.len == 0 && !p->deployment && p->deployment_updates.len == 0 &&
           p->evals.len == 0;
}
