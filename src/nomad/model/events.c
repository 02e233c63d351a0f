#include <inttypes.h>

#include "lang/units.h"
#include "nomad/model/model_priv.h"

/*
 * Display messages.
 */
static const char *or_else(const char *text, const char *other)
{
    return empty(text) ? other : text;
}

static const char *restarting_text(const struct task_event *ev, struct arena *a)
{
    char delay[DURATION_TEXT_SIZE];

    duration_format(ev->start_delay_ns, delay);
    if (empty(ev->restart_reason) || same(ev->restart_reason, "Restart within policy"))
        return arena_printf(a, "Task restarting in %s", delay);
    return arena_printf(a, "%s - Task restarting in %s", ev->restart_reason, delay);
}

static const char *terminated_text(const struct task_event *ev, struct arena *a)
{
    const char *text = arena_printf(a, "Exit Code: %" PRId64, ev->exit_code);

    if (ev->signal)
        text = arena_printf(a, "%s, Signal: %" PRId64, text, ev->signal);
    if (!empty(ev->message))
        text = arena_printf(a, "%s, Exit Message: \"%s\"", text, ev->message);
    return text;
}

static const char *signaling_text(const struct task_event *ev, struct arena *a)
{
    const char *text = "Task being sent a signal";

    if (!empty(ev->task_signal))
        text = arena_printf(a, "Task being sent signal %s", ev->task_signal);
    if (!empty(ev->task_signal_reason))
        text = arena_printf(a, "%s: %s", text, ev->task_signal_reason);
    return text;
}

static const char *killing_text(const struct task_event *ev, struct arena *a)
{
    char timeout[DURATION_TEXT_SIZE];

    if (!empty(ev->kill_reason))
        return ev->kill_reason;
    if (ev->kill_timeout_ns == 0)
        return "Sent interrupt";
    duration_format(ev->kill_timeout_ns, timeout);
    return arena_printf(a, "Sent interrupt. Waiting %s before force killing", timeout);
}

static const char *sibling_text(const struct task_event *ev, struct arena *a)
{
    if (empty(ev->failed_sibling))
        return "Task's sibling failed";
    return arena_printf(a, "Task's sibling \"%s\" failed", ev->failed_sibling);
}

/* Either a fixed text, or a field with a text for when it is empty, or a function. */
static const struct display {
    const char *type, *text;
    size_t field; /* 0: none (type stands at offset 0) */
    const char *(*fn)(const struct task_event *ev, struct arena *a);
} displays[] = {
    {TE_RECEIVED, "Task received by client", 0, NULL},
    {TE_STARTED, "Task started by client", 0, NULL},
    {TE_DOWNLOADING, "Client is downloading artifacts", 0, NULL},
    {TE_LEADER_DEAD, "Leader Task in Group dead", 0, NULL},
    {TE_MAIN_DEAD, "Main tasks in the group died", 0, NULL},
    {TE_SETUP_FAILURE, "Task setup failed", offsetof(struct task_event, setup_error), NULL},
    {TE_DRIVER_FAILURE, "Failed to start task", offsetof(struct task_event, driver_error),
     NULL},
    {TE_VALIDATION, "Validation of task failed", offsetof(struct task_event, validation_error),
     NULL},
    {TE_DOWNLOAD_FAILED, "Failed to download artifacts",
     offsetof(struct task_event, download_error), NULL},
    {TE_NOT_RESTARTING, "Task exceeded restart policy",
     offsetof(struct task_event, restart_reason), NULL},
    {TE_RESTART_SIGNALED, "Task signaled to restart",
     offsetof(struct task_event, restart_reason), NULL},
    {TE_DRIVER, "", offsetof(struct task_event, driver_message), NULL},
    {TE_KILLED, "Task successfully killed", offsetof(struct task_event, kill_error), NULL},
    {TE_RESTARTING, NULL, 0, restarting_text},
    {TE_TERMINATED, NULL, 0, terminated_text},
    {TE_SIGNALING, NULL, 0, signaling_text},
    {TE_KILLING, NULL, 0, killing_text},
    {TE_SIBLING_FAILED, NULL, 0, sibling_text},
};

const char *task_event_display(const struct task_event *ev, struct arena *a)
{
    for (size_t i = 0; i < ARRAY_LEN(displays); i++) {
        const struct display *d = &displays[i];

        if (!same(ev->type, d->type))
            continue;
        if (d->fn)
            return d->fn(ev, a);
        if (d->field == 0)
            return d->text;
        return or_else(*(const char *const *)((const char *)ev + d->field), d->text);
    }
    return str_or_empty(ev->message);
}

/*
 * Constructors.
 */
static void detail(struct task_event *ev, struct arena *a, const char *key, const char *value)
{
    strmap_set(a, &ev->details, key, arena_strdup(a, value));
}

static struct task_event done(struct task_event ev, struct arena *a)
{
    if (ev.fails_task)
        detail(&ev, a, "fails_task", "true");
    fill_nulls(&task_event_schema, &ev, a);
    ev.display_message = task_event_display(&ev, a);
    return ev;
}

struct task_event task_event_new(const char *type, int64_t now_ns, struct arena *a)
{
    return done((struct task_event){.type = type, .time = now_ns}, a);
}

/* An event that carries one text, in a field and under a name in its details. */
static struct task_event with_text(const char *type, size_t field, const char *key,
                                   const char *text, bool fails, int64_t now_ns,
                                   struct arena *a)
{
    struct task_event ev = {.type = type, .time = now_ns, .fails_task = fails};
    const char *copy = arena_strdup(a, str_or_empty(text));

    *(const char **)((char *)&ev + field) = copy;
    if (*copy)
        detail(&ev, a, key, copy);
    return done(ev, a);
}

#define FIELD(name) offsetof(struct task_event, name)

struct task_event task_event_message(const char *type, const char *message, int64_t now_ns,
                                     struct arena *a)
{
    return with_text(type, FIELD(message), "message", message, false, now_ns, a);
}

struct task_event task_event_setup(const char *message, int64_t now_ns, struct arena *a)
{
    return task_event_message(TE_SETUP, message, now_ns, a);
}

struct task_event task_event_setup_failure(const char *error, int64_t now_ns, struct arena *a)
{
    return with_text(TE_SETUP_FAILURE, FIELD(setup_error), "setup_error", error, true, now_ns,
                     a);
}

struct task_event task_event_driver_failure(const char *error, int64_t now_ns, struct arena *a)
{
    return with_text(TE_DRIVER_FAILURE, FIELD(driver_error), "driver_error", error, false,
                     now_ns, a);
}

struct task_event task_event_failed_validation(const char *error, int64_t now_ns,
                                               struct arena *a)
{
    return with_text(TE_VALIDATION, FIELD(validation_error), "validation_error", error, false,
                     now_ns, a);
}

struct task_event task_event_download_failed(const char *error, int64_t now_ns, struct arena *a)
{
    return with_text(TE_DOWNLOAD_FAILED, FIELD(download_error), "download_error", error, false,
                     now_ns, a);
}

struct task_event task_event_sibling_failed(const char *sibling, int64_t now_ns,
                                            struct arena *a)
{
    return with_text(TE_SIBLING_FAILED, FIELD(failed_sibling), "failed_sibling", sibling, false,
                     now_ns, a);
}

struct task_event task_event_not_restarting(const char *reason, int64_t now_ns, struct arena *a)
{
    return with_text(TE_NOT_RESTARTING, FIELD(restart_reason), "restart_reason", reason, true,
                     now_ns, a);
}

struct task_event task_event_restart_signaled(const char *reason, int64_t now_ns,
                                              struct arena *a)
{
    return with_text(TE_RESTART_SIGNALED, FIELD(restart_reason), "restart_reason", reason,
                     false, now_ns, a);
}

struct task_event task_event_killed(const char *error, int64_t now_ns, struct arena *a)
{
    return with_text(TE_KILLED, FIELD(kill_error), "kill_error", error, false, now_ns, a);
}

struct task_event task_event_terminated(int64_t exit_code, int64_t signal, const char *message,
                                        bool oom_killed, int64_t now_ns, struct arena *a)
{
    struct task_event ev = {.type = TE_TERMINATED,
                            .time = now_ns,
                            .exit_code = exit_code,
                            .signal = signal,
                            .message = arena_strdup(a, str_or_empty(message))};

    detail(&ev, a, "exit_code", arena_printf(a, "%" PRId64, exit_code));
    detail(&ev, a, "signal", arena_printf(a, "%" PRId64, signal));
    detail(&ev, a, "oom_killed", oom_killed ? "true" : "false");
    if (*ev.message)
        detail(&ev, a, "exit_message", ev.message);
    return done(ev, a);
}

struct task_event task_event_restarting(int64_t delay_ns, const char *reason, int64_t now_ns,
                                        struct arena *a)
{
    struct task_event ev = {.type = TE_RESTARTING,
                            .time = now_ns,
                            .start_delay_ns = delay_ns,
                            .restart_reason = arena_strdup(a, str_or_empty(reason))};

    detail(&ev, a, "start_delay", arena_printf(a, "%" PRId64, delay_ns));
    if (*ev.restart_reason)
        detail(&ev, a, "restart_reason", ev.restart_reason);
    return done(ev, a);
}

struct task_event task_event_signaling(const char *signal, const char *reason, int64_t now_ns,
                                       struct arena *a)
{
    struct task_event ev = {.type = TE_SIGNALING,
                            .time = now_ns,
                            .task_signal = arena_strdup(a, str_or_empty(signal)),
                            .task_signal_reason = arena_strdup(a, str_or_empty(reason))};

    if (*ev.task_signal)
        detail(&ev, a, "task_signal", ev.task_signal);
    if (*ev.task_signal_reason)
        detail(&ev, a, "task_signal_reason", ev.task_signal_reason);
    return done(ev, a);
}

struct task_event task_event_killing(int64_t timeout_ns, const char *reason, bool fails_task,
                                     int64_t now_ns, struct arena *a)
{
    struct task_event ev = {.type = TE_KILLING,
                            .time = now_ns,
                            .kill_timeout_ns = timeout_ns,
                            .kill_reason = arena_strdup(a, str_or_empty(reason)),
                            .fails_task = fails_task};
    char text[DURATION_TEXT_SIZE];

    if (timeout_ns) {
        duration_format(timeout_ns, text);
        detail(&ev, a, "kill_timeout", text);
    }
    if (*ev.kill_reason)
        detail(&ev, a, "kill_reason", ev.kill_reason);
    return done(ev, a);
}

void task_state_add_event(struct task_state *ts, const struct task_event *ev, struct arena *a)
{
    struct task_event *copy = schema_copy(&task_event_schema, ev, a);

    ts->failed = ts->failed || ev->fails_task;
    if (ts->events.len >= TASK_EVENTS_MAX) {
        memmove(ts->events.at, ts->events.at + 1,
                (TASK_EVENTS_MAX - 1) * sizeof *ts->events.at);
        ts->events.len = TASK_EVENTS_MAX - 1;
    }
    list_push(a, &ts->events, *copy);
}
