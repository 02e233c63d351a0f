#include "nomad/model/validate.h"

enum { SECOND = 1000000000 };

static void validate_restart(const struct restart_policy *r, struct problem_list *p)
{
    int64_t attempts = OPT(r->attempts), interval = OPT(r->interval_ns),
            delay = OPT(r->delay_ns);

    if (!same(r->mode, "fail") && !same(r->mode, "delay"))
        bad(p, "Unsupported restart mode: \"%s\"", r->mode);
    if (attempts == 0 && !same(r->mode, "fail") && same(r->mode, "delay"))
        bad(p, "Restart policy \"%s\" with 0 attempts is ambiguous", r->mode);
    if (attempts < 0 || delay < 0)
        bad(p, "Restart policy attempts and delay can not be negative");
    if (interval < 5LL * SECOND)
        bad(p, "Interval can not be less than 5s (got %s)", duration_text(p->arena, interval));
    if (attempts > 0 && delay > 0 && attempts > interval / delay)
        bad(p,
            "Nomad can't restart the TaskGroup %lld times in an interval of %s with a delay of "
            "%s",
            (long long)attempts, duration_text(p->arena, interval),
            duration_text(p->arena, delay));
}

/* How long `attempts` tries take, and how many fit into the interval. */
static void reschedule_span(const struct reschedule_policy *r, int64_t *fit, int64_t *needed)
{
    int64_t prev = 0, delay = OPT(r->delay_ns), sum = 0, max = OPT(r->max_delay_ns);
    bool fib = same(r->delay_function, "fibonacci"),
         expo = same(r->delay_function, "exponential");

    *fit = 0;
    for (int64_t i = 0; i < OPT(r->attempts) && i < 10000; i++) {
        int64_t next = expo ? delay * 2 : fib ? delay + prev : delay;

        if (sum > INT64_MAX / 4)
            break;
        sum += delay;
        if (sum <= OPT(r->interval_ns))
            *fit = i + 1;
        prev = delay;
        delay = max > 0 && next > max ? max : next;
    }
    *needed = sum;
}

static void validate_reschedule_attempts(const struct reschedule_policy *r, bool delay_ok,
                                         struct problem_list *p)
{
    int64_t fit, needed;

    if (OPT(r->interval_ns) < 15LL * SECOND) {
        bad(p, "Interval cannot be less than 15s (got %s)",
            duration_text(p->arena, OPT(r->interval_ns)));
        return;
    }
    if (!delay_ok)
        return;
    reschedule_span(r, &fit, &needed);
    if (fit >= OPT(r->attempts))
        return;
    bad(p,
        "Nomad can only make %lld attempts in %s with initial delay %s and delay function "
        "\"%s\"%s%s",
        (long long)fit, duration_text(p->arena, OPT(r->interval_ns)),
        duration_text(p->arena, OPT(r->delay_ns)), r->delay_function,
        same(r->delay_function, "constant") ? "" : ", and max delay ",
        same(r->delay_function, "constant") ? ""
                                            : duration_text(p->arena, OPT(r->max_delay_ns)));
    bad(p, "Set the interval to at least %s to accommodate %lld attempts",
        duration_text(p->arena, needed), (long long)OPT(r->attempts));
}

static void validate_reschedule(const struct job *j, const struct task_group *g,
                                struct problem_list *p)
{
    const struct reschedule_policy *r = g->reschedule;
    bool unlimited, delay_ok = true;

    if (same(j->type, "system") || same(j->type, "sysbatch")) {
        if (r && !all_zero(&reschedule_policy_schema, r))
            bad(p, "System or sysbatch jobs should not have a reschedule policy");
        return;
    }
    if (!r) {
        bad(p, "Task Group %s should have a reschedule policy", g->name);
        return;
    }
    unlimited = OPT(r->unlimited);
    if (!unlimited && OPT(r->attempts) <= 0)
        return; /* never rescheduled: the rest does not matter */
    if (OPT(r->delay_ns) < 5LL * SECOND) {
        delay_ok = false;
        bad(p, "Delay cannot be less than 5s (got %s)",
            duration_text(p->arena, OPT(r->delay_ns)));
    }
    if (unlimited && OPT(r->attempts) > 0)
        bad(p,
            "Reschedule Policy with Attempts = %lld, Interval = %s, and Unlimited = true is "
            "ambiguous",
            (long long)OPT(r->attempts), duration_text(p->arena, OPT(r->interval_ns)));
    if (!same(r->delay_function, "constant") && !same(r->delay_function, "exponential") &&
        !same(r->delay_function, "fibonacci")) {
        delay_ok = false;
        bad(p,
            "Invalid delay function \"%s\", must be one of [\"constant\" \"exponential\" "
            "\"fibonacci\"]",
            r->delay_function);
    } else if (!same(r->delay_function, "constant") && OPT(r->max_delay_ns) < 5LL * SECOND) {
        delay_ok = false;
        bad(p, "Max Delay cannot be less than 5s (got %s)",
            duration_text(p->arena, OPT(r->max_delay_ns)));
    }
    if (!unlimited)
        validate_reschedule_attempts(r, delay_ok, p);
}

static void validate_health(const char *check, int64_t min_healthy, int64_t deadline,
                            struct problem_list *p)
{
    if (!same(check, "checks") && !same(check, "task_states") && !same(check, "manual"))
        bad(p, "Invalid health check given: \"%s\"", check);
    if (min_healthy < 0)
        bad(p, "Minimum healthy time may not be less than zero: %s",
            duration_text(p->arena, min_healthy));
    if (deadline <= 0)
        bad(p, "Healthy deadline must be greater than zero: %s",
            duration_text(p->arena, deadline));
    if (min_healthy >= deadline)
        bad(p, "Minimum healthy time must be less than healthy deadline: %s > %s",
            duration_text(p->arena, min_healthy), duration_text(p->arena, deadline));
}

static void validate_update(const struct job *j, const struct task_group *g,
                            struct problem_list *p)
{
    const struct update_strategy *u = g->update;
    int64_t deadline, progress;

    if (!u || same(j->type, "system"))
        return;
    if (!same(j->type, "service")) {
        bad(p, "Job type \"%s\" does not allow update block", j->type);
        return;
    }
    deadline = OPT(u->healthy_deadline_ns);
    progress = OPT(u->progress_deadline_ns);
    if (OPT(u->max_parallel) < 0)
        bad(p, "Max parallel can not be less than zero: %lld < 0",
            (long long)OPT(u->max_parallel));
    if (OPT(u->canary) < 0)
        bad(p, "Canary count can not be less than zero: %lld < 0", (long long)OPT(u->canary));
    if (OPT(u->canary) == 0 && OPT(u->auto_promote))
        bad(p, "Auto Promote requires a Canary count greater than zero");
    validate_health(u->health_check, OPT(u->min_healthy_time_ns), deadline, p);
    if (progress < 0)
        bad(p, "Progress deadline must be zero or greater: %s",
            duration_text(p->arena, progress));
    if (progress != 0 && deadline >= progress)
        bad(p, "Healthy deadline must be less than progress deadline: %s > %s",
            duration_text(p->arena, deadline), duration_text(p->arena, progress));
    if (OPT(u->stagger_ns) <= 0)
        bad(p, "Stagger must be greater than zero: %s",
            duration_text(p->arena, OPT(u->stagger_ns)));
}

static void validate_migrate(const struct job *j, const struct task_group *g,
                             struct problem_list *p)
{
    const struct migrate_strategy *m = g->migrate;

    if (!m)
        return;
    if (!same(j->type, "service")) {
        bad(p, "Job type \"%s\" does not allow migrate block", j->type);
        return;
    }
    if (OPT(m->max_parallel) < 0)
        bad(p, "MaxParallel must be >= 0 but found %lld", (long long)OPT(m->max_parallel));
    if (same(m->health_check, "manual"))
        bad(p, "Invalid health check \"manual\": must be \"checks\" or \"task_states\"");
    else
        validate_health(m->health_check, OPT(m->min_healthy_time_ns),
                        OPT(m->healthy_deadline_ns), p);
}

static void validate_disconnect(const struct job *j, const struct task_group *g,
                                struct problem_list *p)
{
    const struct disconnect_strategy *d = g->disconnect;

    if (OPT(g->max_client_disconnect_ns) < 0)
        bad(p, "max_client_disconnect cannot be negative");
    if (g->max_client_disconnect_ns && g->stop_after_client_disconnect_ns)
        bad(p, "Task group cannot be configured with both max_client_disconnect and "
               "stop_after_client_disconnect");
    if (!d)
        return;
    if (OPT(d->lost_after_ns) < 0)
        bad(p, "lost_after cannot be a negative duration");
    if (OPT(d->stop_on_client_after_ns) < 0)
        bad(p, "stop_on_client_after cannot be a negative duration");
    if (d->stop_on_client_after_ns && !same(j->type, "service") && !same(j->type, "batch"))
        bad(p, "stop_on_client_after can only be used with service and batch job types");
}

static void validate_scaling(const struct job *j, const struct task_group *g,
                             struct problem_list *p)
{
    const struct scaling_policy *s = g->scaling;
    struct problem_list inner = below(p);

    if (!s)
        return;
    if (same(j->type, "system"))
        bad(&inner, "Task groups with job type system do not support scaling blocks");
    if (OPT(s->max) < OPT(s->min))
        bad(&inner,
            "Scaling policy invalid: maximum count must not be less than minimum count");
    if (OPT(g->count) < OPT(s->min))
        bad(&inner, "Scaling policy invalid: task group count must not be less than minimum "
                    "count in scaling policy");
    if (OPT(s->max) >= OPT(s->min) && OPT(g->count) > OPT(s->max))
        bad(&inner, "Scaling policy invalid: task group count must not be greater than maximum "
                    "count in scaling policy");
    bad_below(p, &inner, "Task group scaling policy validation failed: ");
}

static void validate_volumes(const struct task_group *g, struct problem_list *p)
{
    list_each (&g->volumes, it) {
        const char *why = name_problem(it->name, NAME_MAX_BYTES, false);

        if (why)
            bad(p, "Task group volume \"%.64s\": the name %s", it->name, why);
        if (!same(it->type, "host") && !same(it->type, "csi"))
            bad(p,
                "Task group volume validation for %s failed: Volume type \"%s\" is not "
                "supported",
                it->name, it->type);
        else if (empty(it->source))
            bad(p, "Task group volume validation for %s failed: volume has an empty source",
                it->name);
    }
}

static void validate_task_names(const struct task_group *g, struct problem_list *p)
{
    size_t leaders = 0;

    for (size_t i = 0; i < g->tasks.len; i++) {
        const struct task *t = &g->tasks.at[i];

        leaders += t->leader;
        if (empty(t->name)) {
            bad(p, "Task %zu missing name", i + 1);
            continue;
        }
        for (size_t k = 0; k < i; k++)
            if (same(t->name, g->tasks.at[k].name)) {
                bad(p, "Task %zu redefines '%s' from task %zu", i + 1, t->name, k + 1);
                break;
            }
    }
    if (leaders > 1)
        bad(p, "Only one task may be marked as leader");
}

static void validate_group_self(const struct task_group *g, struct problem_list *p)
{
    const char *why = name_problem(g->name, JOB_NAME_MAX, false);

    if (empty(g->name))
        bad(p, "Missing task group name");
    else if (why)
        bad(p, "Task group name %s", why);
    if (OPT(g->count) < 0)
        bad(p, "Task group count can't be negative");
    else if (OPT(g->count) > GROUP_COUNT_MAX)
        bad(p, "Task group count can't be greater than %d", GROUP_COUNT_MAX);
    if (g->tasks.len == 0)
        bad(p, "Missing tasks for task group");
    if (OPT(g->shutdown_delay_ns) < 0)
        bad(p, "ShutdownDelay must be a positive value");
}

void validate_group(const struct job *j, const struct task_group *g, struct problem_list *p)
{
    bool system = same(j->type, "system");

    validate_group_self(g, p);
    validate_disconnect(j, g, p);
    validate_constraints(&g->constraints, false, p);
    if (system && g->affinities.len)
        bad(p, "System jobs may not have an affinity block");
    else
        validate_affinities(&g->affinities, p);
    if (system && g->spreads.len)
        bad(p, "System jobs may not have a spread block");
    else
        validate_spreads(&g->spreads, p);
    validate_meta(&g->meta, "meta", p);
    if (g->restart)
        validate_restart(g->restart, p);
    else
        bad(p, "Task Group %s should have a restart policy", g->name);
    if (g->ephemeral_disk && OPT(g->ephemeral_disk->size_mb) < 10)
        bad(p, "minimum DiskMB value is 10; got %lld",
            (long long)OPT(g->ephemeral_disk->size_mb));
    validate_reschedule(j, g, p);
    validate_update(j, g, p);
    validate_migrate(j, g, p);
    validate_task_names(g, p);
    validate_volumes(g, p);
    validate_networks(g, p);
    validate_services(g, NULL, &g->services, p);
    validate_scaling(j, g, p);
    list_each (&g->tasks, it) {
        struct problem_list inner = below(p);

        validate_task(j, g, it, &inner);
        bad_below(p, &inner, "Task %s validation failed: ", it->name);
    }
}
