#include <inttypes.h>

#include "lang/units.h"
#include "nomad/model/model_priv.h"

bool restart_on_success(const struct job *j, const struct task *t)
{
    if (t->lifecycle)
        return !same(t->lifecycle->hook, "poststop") && t->lifecycle->sidecar;
    return !same(j->type, "batch") && !same(j->type, "sysbatch");
}

static void decide(struct restart_decision *ret, enum restart_verdict verdict, int64_t delay_ns,
                   const char *reason)
{
    *ret = (struct restart_decision){verdict, delay_ns, reason};
}

static const char *attempts_text(const struct restart_policy *p, struct arena *a)
{
    char interval[DURATION_TEXT_SIZE];

    duration_format(OPT(p->interval_ns), interval);
    return arena_printf(
        a, "Exceeded allowed attempts %" PRId64 " in interval %s and mode is \"%s\"",
        OPT(p->attempts), interval, str_or_empty(p->mode));
}

/* One more try within the window, if the policy has one left. */
static void count_try(struct restart_tracker *rt, const struct restart_policy *p,
                      int64_t now_ns, double jitter, struct arena *a,
                      struct restart_decision *ret)
{
    int64_t interval = OPT(p->interval_ns), delay = OPT(p->delay_ns);

    if (rt->window_start == 0 || now_ns - rt->window_start > interval) {
        rt->window_start = now_ns;
        rt->count = 0;
    }
    rt->count++;
    if (rt->count <= OPT(p->attempts)) {
        decide(ret, RESTART_AGAIN, delay + (int64_t)((double)delay * 0.25 * jitter),
               "Restart within policy");
    } else if (same(p->mode, "delay")) {
        int64_t rest = rt->window_start + interval - now_ns;

        decide(ret, RESTART_AGAIN, rest > 0 ? rest : 0,
               "Exceeded allowed attempts, applying a delay");
    } else {
        decide(ret, RESTART_GIVE_UP, 0, attempts_text(p, a));
    }
}

void restart_next(struct restart_tracker *rt, const struct restart_policy *p,
                  enum restart_cause cause, bool ok, int64_t now_ns, double jitter,
                  struct arena *a, struct restart_decision *ret)
{
    if (cause == RESTART_KILLED)
        decide(ret, RESTART_DONE, 0, "");
    else if (cause == RESTART_ASKED)
        decide(ret, RESTART_AGAIN, 0, "");
    else if (cause == RESTART_EXIT && ok && !rt->on_success)
        decide(ret, RESTART_DONE, 0, "Restart unnecessary as task terminated successfully");
    else if (OPT(p->attempts) == 0)
        decide(ret, RESTART_GIVE_UP, 0, "Policy allows no restarts");
    else if (cause == RESTART_START_REFUSED)
        decide(ret, RESTART_GIVE_UP, 0, "Error was unrecoverable");
    else
        count_try(rt, p, now_ns, jitter, a, ret);
}

/*
 * Rescheduling.
 */
static int64_t last_delay(const struct reschedule_tracker *t, size_t back)
{
    return t->events.len > back ? t->events.at[t->events.len - 1 - back].delay_ns : 0;
}

static int64_t next_delay(const struct reschedule_policy *p, const struct alloc *failed)
{
    const struct reschedule_tracker *t = failed->reschedule_tracker;
    int64_t base = OPT(p->delay_ns), max = OPT(p->max_delay_ns), delay;

    if (!t || t->events.len == 0 || same(p->delay_function, "constant"))
        return base;
    if (same(p->delay_function, "fibonacci"))
        delay = last_delay(t, 0) + (t->events.len > 1 ? last_delay(t, 1) : 0);
    else
        delay = last_delay(t, 0) * 2;
    if (max <= 0 || delay <= max)
        return delay > base ? delay : base;
    /* At the ceiling: an alloc that has lived longer than that starts over. */
    if (alloc_last_finish(failed) - t->events.at[t->events.len - 1].reschedule_time > max)
        return base;
    return max;
}

static int64_t tries_within(const struct reschedule_tracker *t, int64_t since)
{
    int64_t n = 0;

    if (t)
        list_each (&t->events, it)
            n += it->reschedule_time > since;
    return n;
}

void reschedule_next(const struct reschedule_policy *p, const struct alloc *failed,
                     int64_t now_ns, struct reschedule_decision *ret)
{
    int64_t at = alloc_last_finish(failed);

    *ret = (struct reschedule_decision){0};
    if (!p)
        return;
    if (at == 0)
        at = failed->modify_time ? failed->modify_time : now_ns;
    ret->delay_ns = next_delay(p, failed);
    ret->at = at + ret->delay_ns;
    ret->eligible =
        OPT(p->unlimited) ||
        (OPT(p->attempts) > 0 &&
         tries_within(failed->reschedule_tracker, at - OPT(p->interval_ns)) < OPT(p->attempts));
}

struct reschedule_tracker *reschedule_tracker_next(const struct alloc *failed,
                                                   const struct reschedule_policy *p,
                                                   int64_t delay_ns, int64_t now_ns,
                                                   struct arena *a)
{
    struct reschedule_tracker *t = arena_new_of(a, struct reschedule_tracker);
    const struct reschedule_tracker *old = failed->reschedule_tracker;
    size_t n = old ? old->events.len : 0, from = 0;

    if (!p || OPT(p->unlimited)) {
        from = n >= RESCHEDULE_EVENTS_KEPT ? n - RESCHEDULE_EVENTS_KEPT + 1 : 0;
    } else {
        while (from < n && old->events.at[from].reschedule_time <= now_ns - OPT(p->interval_ns))
            from++;
    }
    for (size_t i = from; i < n; i++)
        list_push(a, &t->events, old->events.at[i]);
    list_push(a, &t->events,
              ((struct reschedule_event){now_ns, failed->id, failed->node_id, delay_ns}));
    t->last_reschedule = "ok";
    return t;
}
