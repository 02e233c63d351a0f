/* Is the alloc healthy? Deployments and drains wait for the answer, which is given once. */
#include "base/clock.h"
#include "lang/units.h"
#include "nomad/client/client_priv.h"

static void with_strategy(struct health_watch *h, const struct update_strategy *u,
                          const struct migrate_strategy *m)
{
    if (u) {
        h->check = u->health_check;
        h->min_healthy_ns = OPT(u->min_healthy_time_ns);
        h->limit_ns = OPT(u->healthy_deadline_ns);
    } else {
        h->check = m->health_check;
        h->min_healthy_ns = OPT(m->min_healthy_time_ns);
        h->limit_ns = OPT(m->healthy_deadline_ns);
    }
    h->active = !same(h->check, "manual");
    if (h->limit_ns > 0)
        h->deadline_ms = clock_mono_ms() + h->limit_ns / 1000000;
}

void health_begin(struct health_watch *h, struct alloc_run *ar)
{
    auto_object struct object *o = alloc_run_alloc(ar);
    const struct alloc *al = alloc_of(o);
    const struct task_group *g = alloc_group(al);
    bool known;

    *h = (struct health_watch){.deployment = !is_empty(al->deployment_id)};
    lock_take(&ar->lock);
    known = ar->health >= 0;
    lock_drop(&ar->lock);
    if (known || alloc_server_terminal(al) || !g || !same(al->job->type, "service") ||
        (al->deployment_status && al->deployment_status->healthy))
        return;
    if (h->deployment && g->update)
        with_strategy(h, g->update, NULL);
    else if (!h->deployment && g->migrate)
        with_strategy(h, NULL, g->migrate);
}

/* ---- looking ---------------------------------------------------------------------------- */

enum task_health { FINE, WAITING, FAILED, DEAD };

/* *ret_since: wall ns since when it is fine. */
static enum task_health task_health(struct task_run *t, const struct task *spec,
                                    int64_t *ret_since)
{
    const struct lifecycle *lc = spec ? spec->lifecycle : NULL;
    auto_lock struct lock *held = lock_scope(&t->lock);

    *ret_since = 0;
    if (t->st->failed)
        return FAILED;
    if (lc && same(lc->hook, "poststop"))
        return FINE;
    if (same(t->st->state, TASK_DEAD))
        return lc && !lc->sidecar ? FINE : DEAD;
    if (same(t->st->state, TASK_RUNNING)) {
        *ret_since = OPT(t->st->started_at);
        return lc && !lc->sidecar && same(lc->hook, "prestart") ? WAITING : FINE;
    }
    return WAITING;
}

static void decide(struct health_watch *h, struct alloc_run *ar, bool healthy)
{
    h->active = false;
    lock_take(&ar->lock);
    ar->health = healthy;
    ar->health_at = clock_wall_ns();
    lock_drop(&ar->lock);
    alloc_touch(ar, TELL_NOW);
}

static void tell(struct task_run *t, const char *why)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev = task_event_message(TE_UNHEALTHY, why, clock_wall_ns(), a);

    task_emit(t, &ev);
}

static void too_late(struct health_watch *h, struct alloc_run *ar, const struct task_group *g)
{
    char limit[DURATION_TEXT_SIZE], min[DURATION_TEXT_SIZE];
    auto_arena struct arena *a = arena_new(0);

    duration_format(h->limit_ns, limit);
    duration_format(h->min_healthy_ns, min);
    for (size_t i = 0; h->deployment && i < ar->n_tasks; i++) {
        int64_t since;
        enum task_health th =
            task_health(ar->tasks[i], group_task(g, ar->tasks[i]->name), &since);

        if (th == WAITING)
            tell(ar->tasks[i],
                 arena_printf(a, "Task not running by healthy_deadline of %s", limit));
        else if (since)
            tell(ar->tasks[i], arena_printf(a,
                                            "Task not running for min_healthy_time of %s by "
                                            "healthy_deadline of %s",
                                            min, limit));
    }
    decide(h, ar, false);
}

static void look(struct health_watch *h, struct alloc_run *ar, const struct task_group *g,
                 int64_t *ret_wake)
{
    int64_t newest = 0, now = clock_wall_ns(), left_ms;
    bool waiting = false;

    for (size_t i = 0; i < ar->n_tasks; i++) {
        struct task_run *t = ar->tasks[i];
        int64_t since;
        enum task_health th = task_health(t, group_task(g, t->name), &since);

        if (th == FAILED || th == DEAD) {
            if (h->deployment)
                tell(t, th == FAILED ? "Unhealthy because of failed task"
                                     : "Unhealthy because of dead task");
            decide(h, ar, false);
            return;
        }
        waiting = waiting || th == WAITING;
        newest = since > newest ? since : newest;
    }
    *ret_wake = h->deadline_ms;
    if (waiting)
        return;
    left_ms = (newest + h->min_healthy_ns - now + 999999) / 1000000;
    if (left_ms <= 0)
        decide(h, ar, true);
    else if (!h->deadline_ms || clock_mono_ms() + left_ms < h->deadline_ms)
        *ret_wake = clock_mono_ms() + left_ms;
}

void health_look(struct health_watch *h, struct alloc_run *ar, int64_t *ret_wake)
{
    auto_object struct object *o = alloc_run_alloc(ar);
    const struct task_group *g = alloc_group(alloc_of(o));
    bool stopping;

    *ret_wake = 0;
    lock_take(&ar->lock);
    stopping = ar->kill;
    lock_drop(&ar->lock);
    if (!h->active || stopping || !g)
        return;
    look(h, ar, g, ret_wake);
    if (h->active && h->deadline_ms && clock_mono_ms() >= h->deadline_ms)
        too_late(h, ar, g);
}
