#include "nomad/sched/priv.h"

/*
 * Service and batch jobs: what is there against what shall be, group by group.
 *
 *   1. sort the group's allocs: lost, unknown, to be moved, to be tried again, fine
 *   2. stop what is too much
 *   3. of those that are fine: current, changed where they stand, or to be replaced
 *   4. a deployment, if this is a new version of a job that rolls
 *   5. canaries, replacements, missing ones, and as many updates as may run at once
 */
typedef LIST(const struct alloc *) alloc_list;

struct later { /* a failed alloc that is tried again then */
    const struct alloc *al;
    int64_t at;
};

struct group_state {
    struct eval_run *r;
    const struct task_group *g;
    int64_t count;
    alloc_list all, keep, canaries, lost, migrate, again, update;
    alloc_list canaries_again; /* failed and to be tried again */
    alloc_list away;           /* unknown and replaced; they may come back */
    alloc_list back;           /* came back, and may have been replaced */
    LIST(struct later) later;
    uint8_t *used; /* names by index */
    int64_t next_free;
    bool had_running, in_place;
    bool pending; /* something of it is not done yet */
};

const struct s_alloc *job_alloc(const struct eval_run *r, size_t i)
{
    const struct s_job *j = mirror_job(r->s, r->in->eval->namespace, r->in->eval->job_id);

    return j && i < j->allocs.len ? &r->s->allocs.at[j->allocs.at[i]] : NULL;
}

void group_notes(struct eval_run *r, const char *group)
{
    struct plan_annotations *notes = r->plan->annotations;

    list_each (&notes->updates, it)
        if (same(it->group, group)) {
            r->notes = it;
            return;
        }
    r->notes = list_add(r->a, &notes->updates);
    *r->notes = (struct desired_updates){.group = group};
}

/*
 * 1. Sorting.
 */
static int by_name_then_age(const void *x, const void *y)
{
    const struct alloc *a = *(const struct alloc *const *)x,
                       *b = *(const struct alloc *const *)y;
    int64_t i = alloc_name_index(a->name), k = alloc_name_index(b->name);

    if (i != k)
        return i < k ? -1 : 1;
    if (a->create_time != b->create_time)
        return a->create_time < b->create_time ? -1 : 1;
    return strcmp(a->id, b->id);
}

static void collect(struct group_state *s, const char *group)
{
    const struct s_alloc *sa;

    for (size_t i = 0; (sa = job_alloc(s->r, i)); i++)
        if (same(sa->alloc->task_group, group))
            list_push(s->r->a, &s->all, sa->alloc);
    if (s->all.len > 1)
        qsort(s->all.at, s->all.len, sizeof *s->all.at, by_name_then_age);
}

static bool node_is_gone(const struct eval_run *r, const struct alloc *al)
{
    int32_t node = mirror_node(r->s, al->node_id);

    return node == NONE || r->s->hot.at[node].flags & HOT_DOWN;
}

static bool is_canary(const struct alloc *al)
{
    return al->deployment_status && al->deployment_status->canary;
}

static bool of_deployment(const struct eval_run *r, const struct alloc *al)
{
    return r->deployment && same(al->deployment_id, r->deployment->id);
}

static bool wants_move(const struct alloc *al)
{
    return al->desired_transition && OPT(al->desired_transition->migrate);
}

/* A failed alloc: now, later, or (false) never. */
static bool try_again(struct group_state *s, const struct alloc *al)
{
    const struct desired_transition *t = al->desired_transition;
    struct eval_run *r = s->r;
    struct reschedule_decision d;

    if (t && OPT(t->force_reschedule))
        return true;
    /* While a deployment runs, its watcher says which of its allocs are tried again. */
    if (deployment_active(r->deployment) && of_deployment(r, al) && !(t && OPT(t->reschedule)))
        return false;
    reschedule_next(s->g->reschedule, al, r->in->now_ns, &d);
    if (!d.eligible)
        return false;
    if (d.at - r->in->now_ns <= SCHED_RESCHEDULE_WINDOW_NS ||
        same(al->followup_eval_id, r->in->eval->id))
        return true;
    if (empty(al->followup_eval_id))
        list_push(r->a, &s->later, ((struct later){al, d.at}));
    return false;
}

static void sort_failed(struct group_state *s, const struct alloc *al)
{
    struct arena *a = s->r->a;

    if (!empty(al->next_allocation))
        return; /* replaced already */
    if (try_again(s, al))
        list_push(a, is_canary(al) ? &s->canaries_again : &s->again, al);
    else /* it keeps its place: nothing replaces it */
        list_push(a, is_canary(al) ? &s->canaries : &s->keep, al);
}

static void stop_noted(struct group_state *s, const struct alloc *al, const char *why)
{
    stop_alloc(s->r, al, why, NULL);
    s->r->notes->stop++;
}

static void sort_live(struct group_state *s, const struct alloc *al)
{
    struct arena *a = s->r->a;

    switch (away_look(s->r, s->g, al)) {
    case AWAY_LOST:
        list_push(a, &s->lost, al);
        return;
    case AWAY_REPLACED:
        list_push(a, &s->away, al);
        return;
    case AWAY_KEPT:
        list_push(a, &s->keep, al);
        return;
    case AWAY_NOT:
        break;
    }
    if (wants_move(al) && is_canary(al)) /* another canary takes its place */
        stop_noted(s, al, ALLOC_MIGRATING);
    else if (wants_move(al))
        list_push(a, &s->migrate, al);
    else if (is_canary(al))
        list_push(a, &s->canaries, al);
    else if (alloc_reconnecting(al))
        list_push(a, &s->back, al);
    else
        list_push(a, &s->keep, al);
}

static void sort_alloc(struct group_state *s, const struct alloc *al)
{
    struct eval_run *r = s->r;
    bool complete = same(al->client_status, ALLOC_COMPLETE);

    s->had_running = s->had_running || is_current(r, al);
    if (alloc_server_terminal(al) || same(al->client_status, ALLOC_LOST))
        return;
    if (is_canary(al) && (!of_deployment(r, al) || r->deployment_failed)) {
        if (!alloc_client_terminal(al))
            stop_noted(s, al, ALLOC_NOT_NEEDED);
        return;
    }
    if (r->batch && alloc_client_terminal(al) && !is_current(r, al))
        return; /* the new version runs it anew */
    if (complete) {
        if (r->batch)
            list_push(r->a, &s->keep, al);
        return;
    }
    if (same(al->client_status, ALLOC_FAILED))
        sort_failed(s, al);
    else
        sort_live(s, al);
}

/*
 * 2. Too much.
 */
static const struct alloc *take_out(alloc_list *l, size_t i)
{
    const struct alloc *al = l->at[i];

    l->len--;
    memmove(&l->at[i], &l->at[i + 1], (l->len - i) * sizeof *l->at);
    return al;
}

static void drop(struct group_state *s, alloc_list *from, size_t i)
{
    const struct alloc *al = take_out(from, i);

    if (s->r->batch && alloc_client_terminal(al) && from != &s->again)
        return; /* it has ended by itself */
    stop_noted(s, al, ALLOC_NOT_NEEDED);
}

static bool placed_as_canary(const struct group_state *s, const struct alloc *al)
{
    const struct deployment_group *dg = deployment_group_of(s->r->deployment, s->g->name);

    return dg && strlist_has(&dg->placed_canaries, al->id);
}

/* It is back: it takes its place again, or what replaced it stays. */
static void settle_back(struct group_state *s, const struct alloc *back)
{
    struct eval_run *r = s->r;

    list_each (&s->keep, it)
        if (same((*it)->name, back->name) && !reconnect_prefers(r, s->g, back, *it)) {
            stop_noted(s, back, ALLOC_RECONNECTED);
            return;
        }
    for (size_t i = s->keep.len; i-- > 0;)
        if (same(s->keep.at[i]->name, back->name))
            stop_noted(s, take_out(&s->keep, i), ALLOC_RECONNECTED);
    alloc_state_add(restate(r, back), back->client_status, r->in->now_ns, r->a);
    r->notes->reconnect++;
    list_push(r->a, &s->keep, back);
}

static void settle_reconnected(struct group_state *s)
{
    list_each (&s->back, it)
        settle_back(s, *it);
    if (s->back.len && s->keep.len > 1)
        qsort(s->keep.at, s->keep.len, sizeof *s->keep.at, by_name_then_age);
}

/* Which of two goes: an ended one, else the one that a promoted canary made superfluous, else
 * the younger (the second). */
static bool first_goes(const struct group_state *s, const struct alloc *a,
                       const struct alloc *b)
{
    if (alloc_client_terminal(a) != alloc_client_terminal(b))
        return alloc_client_terminal(a);
    return placed_as_canary(s, b) && !placed_as_canary(s, a);
}

/* One of two with the same name (they stand side by side). l->len: there are none. */
static size_t double_name(const struct group_state *s, const alloc_list *l)
{
    for (size_t i = 1; i < l->len; i++) {
        const struct alloc *a = l->at[i - 1], *b = l->at[i];

        if (same(a->name, b->name))
            return first_goes(s, a, b) ? i - 1 : i;
    }
    return l->len;
}

/* Nobody waits for one whose place is no longer there. */
static void stop_away(struct group_state *s)
{
    for (size_t i = s->away.len; i-- > 0;)
        if (alloc_name_index(s->away.at[i]->name) >= s->count)
            drop(s, &s->away, i);
}

static bool is_named(const alloc_list *l, const char *name)
{
    list_each (l, it)
        if (same((*it)->name, name))
            return true;
    return false;
}

/* Those whose name somebody else has. */
static void drop_named(struct group_state *s, alloc_list *from, const alloc_list *others)
{
    for (size_t i = from->len; i-- > 0;)
        if (is_named(others, from->at[i]->name))
            drop(s, from, i);
}

/*
 * Of one name one stays, even when another is missing. There can be two after canaries: while
 * they waited, a lost one was replaced by one of the name that a canary had.
 */
static void stop_doubles(struct group_state *s)
{
    alloc_list *const lists[] = {&s->keep, &s->migrate, &s->again};
    size_t i;

    for (size_t l = 0; l < ARRAY_LEN(lists); l++)
        while ((i = double_name(s, lists[l])) < lists[l]->len)
            drop(s, lists[l], i);
    drop_named(s, &s->migrate, &s->keep);
    drop_named(s, &s->again, &s->keep);
    drop_named(s, &s->again, &s->migrate);
}

static void stop_surplus(struct group_state *s)
{
    int64_t surplus = (int64_t)(s->keep.len + s->migrate.len + s->again.len) - s->count;

    for (size_t i = s->keep.len; surplus > 0 && !s->r->batch && i-- > 0;)
        if (alloc_client_terminal(s->keep.at[i])) { /* a failed one rather than one that runs */
            drop(s, &s->keep, i);
            surplus--;
        }
    for (; surplus > 0 && s->migrate.len; surplus--)
        drop(s, &s->migrate, s->migrate.len - 1);
    for (; surplus > 0 && s->again.len; surplus--)
        drop(s, &s->again, s->again.len - 1);
    for (; surplus > 0 && s->keep.len; surplus--)
        drop(s, &s->keep, s->keep.len - 1);
}

/*
 * 3. Updates.
 */
static void sort_updates(struct group_state *s)
{
    alloc_list kept = {0};
    struct eval_run *r = s->r;

    list_each (&s->keep, it) {
        bool ended = alloc_client_terminal(*it);

        if (is_current(r, *it) || (ended && r->batch)) {
            r->notes->ignore++;
            list_push(r->a, &kept, *it);
        } else if (needs_restart(r, s->g, *it)) {
            list_push(r->a, &s->update, *it);
        } else {
            s->in_place = true;
            list_push(r->a, &kept, *it);
        }
    }
    s->keep = kept;
}

/* After the deployment is there, so that it counts them. */
static void do_in_place(struct group_state *s)
{
    alloc_list kept = {0};
    struct eval_run *r = s->r;

    list_each (&s->keep, it) {
        if (is_current(r, *it) || (alloc_client_terminal(*it) && r->batch)) {
            list_push(r->a, &kept, *it);
        } else if (update_in_place(r, s->g, *it)) {
            r->notes->in_place_update++;
            s->pending = true;
            list_push(r->a, &kept, *it);
        } else {
            list_push(r->a, &s->update, *it);
        }
    }
    s->keep = kept;
}

/*
 * Names.
 */
static void use_names(struct group_state *s, const alloc_list *l)
{
    list_each (l, it) {
        int64_t i = alloc_name_index((*it)->name);

        if (i >= 0 && i < s->count)
            s->used[i] = 1;
    }
}

static int64_t take_free_index(struct group_state *s)
{
    while (s->next_free < s->count && s->used[s->next_free])
        s->next_free++;
    return s->next_free < s->count ? s->next_free++ : -1;
}

/* Whom a new one of that name replaces. */
static const struct alloc *former_named(struct group_state *s, const char *name)
{
    for (size_t i = 0; i < s->away.len; i++)
        if (same(s->away.at[i]->name, name))
            return s->away.at[i];
    for (size_t i = 0; i < s->lost.len; i++)
        if (same(s->lost.at[i]->name, name))
            return take_out(&s->lost, i);
    return s->lost.len ? take_out(&s->lost, s->lost.len - 1) : NULL;
}

static void queue_one(struct group_state *s)
{
    s->pending = true;
    list_each (&s->r->plan->queued, it)
        if (same(it->group, s->g->name)) {
            it->n++;
            return;
        }
}

static bool put(struct group_state *s, const struct want *w)
{
    s->pending = true;
    if (place_one(s->r, s->g, w))
        return true;
    queue_one(s);
    return false;
}

/*
 * 5. Placing.
 */
static void place_again(struct group_state *s)
{
    list_each (&s->again, it) {
        struct want w = {
            .name = (*it)->name, .previous = *it, .reschedule = true, .only_node = NONE};

        s->r->notes->place++;
        s->r->notes->reschedule_now++;
        if (put(s, &w))
            stop_alloc(s->r, *it, ALLOC_RESCHEDULED, NULL);
    }
}

/* Stop one and start its successor, or leave it be when there is no room. */
static bool replace(struct group_state *s, const struct alloc *al, const char *why)
{
    struct want w = {.name = al->name, .previous = al, .only_node = NONE};

    stop_alloc(s->r, al, why, NULL);
    if (put(s, &w))
        return true;
    unstop_last(s->r);
    return false;
}

/* It leaves its node whether or not there is room elsewhere yet: a drain has an end. */
static void place_migrations(struct group_state *s)
{
    list_each (&s->migrate, it) {
        struct want w = {.name = (*it)->name, .previous = *it, .only_node = NONE};

        s->r->notes->migrate++;
        stop_alloc(s->r, *it, ALLOC_MIGRATING, NULL);
        put(s, &w);
    }
}

static int64_t missing(const struct group_state *s)
{
    return s->count - (int64_t)(s->keep.len + s->migrate.len + s->again.len + s->update.len);
}

/* Lost ones are replaced whatever a deployment does; the rest only if it lets us. */
static void place_missing(struct group_state *s, bool allowed)
{
    int64_t n = missing(s);

    if (!allowed && n > (int64_t)(s->lost.len + s->away.len))
        n = (int64_t)(s->lost.len + s->away.len);
    for (; n > 0; n--) {
        int64_t i = take_free_index(s);
        struct want w = {.only_node = NONE};

        if (i < 0)
            break;
        w.name = alloc_name(s->r->a, s->r->job->id, s->g->name, (uint32_t)i);
        w.previous = former_named(s, w.name);
        s->r->notes->place++;
        put(s, &w);
    }
}

static void place_updates(struct group_state *s, int64_t limit)
{
    list_each (&s->update, it) {
        s->pending = true;
        if (limit-- <= 0) {
            s->r->notes->ignore++;
            continue;
        }
        s->r->notes->destructive_update++;
        replace(s, *it, ALLOC_UPDATING);
    }
}

/* Names of those that canaries may replace, then more; none that a canary has. */
struct canary_names {
    size_t update;
    int64_t more;
};

static const char *canary_name(const struct group_state *s, struct canary_names *n)
{
    const char *name;
    bool taken;

    do {
        bool replaces = n->update < s->update.len;

        if (replaces)
            name = s->update.at[n->update++]->name;
        else
            name = alloc_name(s->r->a, s->r->job->id, s->g->name,
                              (uint32_t)(s->count + n->more++));
        taken = is_named(&s->canaries, name) || is_named(&s->canaries_again, name) ||
                (!replaces && is_named(&s->update, name));
    } while (taken);
    return name;
}

static void place_canary(struct group_state *s, const struct want *w)
{
    s->r->notes->canary++;
    if (put(s, w) && w->previous)
        stop_alloc(s->r, w->previous, ALLOC_RESCHEDULED, NULL);
}

static void place_canaries(struct group_state *s, int64_t wanted)
{
    int64_t n = wanted - (int64_t)s->canaries.len;
    struct canary_names names = {0};

    list_each (&s->canaries_again, it)
        if (n-- > 0)
            place_canary(s, &(struct want){.name = (*it)->name,
                                           .previous = *it,
                                           .canary = true,
                                           .reschedule = true,
                                           .only_node = NONE});
    for (; n > 0; n--)
        place_canary(s, &(struct want){
                            .name = canary_name(s, &names), .canary = true, .only_node = NONE});
}

static bool is_listed(const alloc_list *l, const struct alloc *al)
{
    list_each (l, it)
        if (*it == al)
            return true;
    return false;
}

static int health(const struct alloc *al) /* 1, 0, -1: not known */
{
    const struct alloc_deployment_status *ds = al->deployment_status;

    return ds && ds->healthy ? *ds->healthy : -1;
}

/*
 * How many of the deployment run, or are to, and are not known to be healthy; NONE: one of them
 * is unhealthy and stays. Allocs that have been replaced count no more, or a lost one would
 * hold the rollout for ever.
 */
static int64_t not_yet_healthy(const struct group_state *s)
{
    const struct eval_run *r = s->r;
    int64_t n = 0;

    list_each (&s->all, it) {
        const struct alloc *al = *it;

        if (!of_deployment(r, al) || alloc_server_terminal(al) || run_stops(r, al) ||
            same(al->client_status, ALLOC_LOST) || !empty(al->next_allocation) ||
            is_listed(&s->again, al) || is_listed(&s->canaries_again, al))
            continue;
        if (health(al) == 0)
            return NONE;
        n += health(al) < 0;
    }
    list_each (&r->plan->in_place, it)
        n += same((*it)->task_group, s->g->name) && of_deployment(r, *it);
    return n;
}

/* What this plan has started, or could not start. */
static int64_t started(const struct group_state *s)
{
    int64_t n = 0;

    list_each (&s->r->plan->places, it)
        n += same((*it)->task_group, s->g->name);
    list_each (&s->r->plan->queued, it)
        n += same(it->group, s->g->name) ? it->n : 0;
    return n;
}

/* How many more may be updated; after all else is placed. */
static int64_t update_limit(const struct group_state *s, const struct deployment_group *dg)
{
    int64_t limit, waiting;

    if (!update_is_rolling(s->g->update) || s->r->batch)
        return INT64_MAX;
    limit = OPT(s->g->update->max_parallel) - started(s);
    if (!dg)
        return limit;
    if (!same(s->r->deployment->status, DEPLOYMENT_RUNNING))
        return 0;
    waiting = not_yet_healthy(s);
    return waiting == NONE ? 0 : limit - waiting;
}

static void place_all(struct group_state *s, const struct deployment_group *dg)
{
    struct eval_run *r = s->r;
    int64_t canaries = s->g->update && !r->batch ? OPT(s->g->update->canary) : 0;
    bool held = r->deployment && !same(r->deployment->status, DEPLOYMENT_RUNNING);
    bool canary_phase = canaries > 0 && dg && dg->desired_canaries > 0 && !dg->promoted;

    if (canary_phase && !held)
        place_canaries(s, canaries);
    place_again(s);
    place_migrations(s);
    place_missing(s, !held && !canary_phase);
    place_updates(s, canary_phase || held ? 0 : update_limit(s, dg));
}

static void stop_lost(struct group_state *s)
{
    list_each (&s->lost, it) {
        stop_alloc(s->r, *it, ALLOC_IS_LOST, ALLOC_LOST);
        s->r->notes->stop++;
    }
}

/* 4. A new version of a job that rolls gets a deployment. */
static struct deployment_group *start_deployment(struct group_state *s)
{
    struct eval_run *r = s->r;
    bool news = s->in_place || s->update.len || !s->had_running;
    int64_t canaries = s->update.len ? OPT(s->g->update->canary) : 0;

    if (r->deployment && !r->deployment_new)
        return deployment_for(r, s->g, false, 0);
    return deployment_for(r, s->g, news && s->count > 0, canaries);
}

static void prepare(struct group_state *s)
{
    group_notes(s->r, s->g->name);
    list_push(s->r->a, &s->r->plan->queued, ((struct queued_count){s->g->name, 0}));
    collect(s, s->g->name);
    list_each (&s->all, it)
        sort_alloc(s, *it);
    settle_reconnected(s);
    stop_away(s);
    stop_doubles(s);
    stop_surplus(s);
    sort_updates(s);
    s->used = arena_array(s->r->a, uint8_t, (size_t)s->count + 1);
    use_names(s, &s->keep);
    use_names(s, &s->migrate);
    use_names(s, &s->again);
    use_names(s, &s->update);
}

/* Those that nothing else happened to wait for an eval that comes back. */
static void schedule_later(struct group_state *s)
{
    struct eval_run *r = s->r;

    list_each (&s->later, it) {
        if (!run_stops(r, it->al))
            restate(r, it->al)->followup_eval_id = followup_at(
                r, it->at, EVAL_BY_ALLOC_FAILURE, "created for delayed rescheduling");
    }
}

static bool reconcile_group(struct eval_run *r, const struct task_group *g)
{
    struct group_state s = {.r = r, .g = g, .count = OPT(g->count)};
    struct deployment_group *dg = NULL;

    r->ranker = NULL;
    prepare(&s);
    if (deployment_wanted(r, g))
        dg = start_deployment(&s);
    stop_lost(&s);
    do_in_place(&s);
    place_all(&s, dg);
    schedule_later(&s);
    return !s.pending;
}

/*
 * Groups that are gone, and whole jobs.
 */
static void stop_group(struct eval_run *r, const char *group)
{
    const struct s_alloc *sa;

    group_notes(r, group);
    for (size_t i = 0; (sa = job_alloc(r, i)); i++) {
        const struct alloc *al = sa->alloc;

        if (!same(al->task_group, group) || alloc_terminal(al) || run_stops(r, al))
            continue;
        if (node_is_gone(r, al))
            stop_alloc(r, al, ALLOC_IS_LOST, ALLOC_LOST);
        else
            stop_alloc(r, al, ALLOC_NOT_NEEDED, NULL);
        r->notes->stop++;
    }
}

void stop_everything(struct eval_run *r)
{
    struct strlist seen = {0};
    const struct s_alloc *sa;

    for (size_t i = 0; (sa = job_alloc(r, i)); i++) {
        const char *group = sa->alloc->task_group;

        if (strlist_has(&seen, group))
            continue;
        list_push(r->a, &seen, group);
        if (r->stopping || !job_group(r->job, group))
            stop_group(r, group);
    }
}

void reconcile_job(struct eval_run *r)
{
    bool nothing_left = true;

    deployment_start(r);
    stop_everything(r);
    if (r->stopping) {
        if (r->job)
            list_each (&r->job->groups, it) {
                group_notes(r, it->name);
                list_push(r->a, &r->plan->queued, ((struct queued_count){it->name, 0}));
            }
        return;
    }
    list_each (&r->job->groups, it)
        if (!reconcile_group(r, it))
            nothing_left = false;
    deployment_finish(r, nothing_left);
}
