/*
 * One task, from its turn in the group to its end. Its thread is straight-line code:
 *
 *     wait for its turn -> [ prestart -> start -> watch -> decide ] again and again -> over
 *
 * Other threads only leave wishes (kill, detach, restart, commands) under the lock and wake it.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/proc.h"
#include "nomad/client/task_priv.h"

enum { ASK_MS = 10000 };

/* What the task's thread is to do next. */
enum todo { GO_ON, DO_DETACH, DO_KILL, DO_RESTART };

/* ---- for other threads ------------------------------------------------------------------ */

struct task_run *task_run_new(struct alloc_run *ar, const char *name)
{
    struct task_run *t = calloc(1, sizeof *t);

    if (!t)
        abort();
    t->ar = ar;
    t->name = strdup(name);
    if (!t->name || stopper_init(&t->wake, NULL) < 0 || stopper_init(&t->keep_stop, NULL) < 0)
        abort(); /* no descriptor for it: nothing of this process works any more */
    lock_init(&t->lock, "client task", RANK_CLIENT_TASK);
    cond_init(&t->answered);
    task_state_init(t, NULL);
    return t;
}

void task_run_free(struct task_run *t)
{
    char *const texts[] = {t->secrets_dir,
                           t->task_dir,
                           t->local_dir,
                           t->private_dir,
                           t->shim_dir,
                           t->handle_text,
                           (char *)(uintptr_t)t->name};

    task_token_done(&t->token);
    if (t->handle)
        t->driver->handle_free(t->handle);
    object_unref(t->alloc);
    arena_free(t->st_arena);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    stopper_done(&t->wake);
    stopper_done(&t->keep_stop);
    cond_done(&t->answered);
    lock_done(&t->lock);
    free(t);
}

static void wish(struct task_run *t, bool *what)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    *what = true;
    task_wake_locked(t);
}

void task_allow(struct task_run *t)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    if (t->may_start)
        return;
    t->may_start = true;
    task_wake_locked(t);
}

void task_detach(struct task_run *t)
{
    wish(t, &t->detach);
}

void task_restart(struct task_run *t, const struct task_event *ev)
{
    task_emit(t, ev);
    wish(t, &t->restart);
}

int64_t task_kill_timeout_ns(const struct nomad_client *c, const struct task *spec)
{
    int64_t max = c->o.max_kill_timeout_ms * 1000000;
    int64_t asked = OPT(spec->kill_timeout_ns);

    return asked > max ? max : asked;
}

void task_kill(struct task_run *t, const struct task_event *why, const char *reason)
{
    auto_object struct object *o = alloc_run_alloc(t->ar);
    auto_arena struct arena *a = arena_new(0);
    const struct task *spec = group_task(alloc_group(alloc_of(o)), t->name);
    int64_t timeout = spec ? task_kill_timeout_ns(t->ar->c, spec) : 0;
    struct task_event ev = task_event_killing(timeout, reason, false, clock_wall_ns(), a);

    if (why)
        task_emit(t, why);
    task_emit(t, &ev);
    wish(t, &t->kill);
}

/* Hand a command to the task's thread and wait for its answer. */
int task_ask(struct task_run *t, struct task_cmd *cmd, struct err *e)
{
    int64_t deadline = clock_mono_ms() + ASK_MS;
    auto_lock struct lock *held = lock_scope(&t->lock);

    if (!t->running)
        return err_set(e, ERR_NOTFOUND, "Task not running");
    cmd->next = t->cmds;
    t->cmds = cmd;
    task_wake_locked(t);
    while (!cmd->done && cond_wait_until(&t->answered, &t->lock, deadline))
        ;
    if (!cmd->done) { /* take it back: it lives on this stack */
        for (struct task_cmd **p = &t->cmds; *p; p = &(*p)->next)
            if (*p == cmd) {
                *p = cmd->next;
                return err_set(e, ERR_TIMEOUT, "the task does not answer");
            }
        while (!cmd->done) /* it is being carried out just now */
            cond_wait(&t->answered, &t->lock);
    }
    if (cmd->result < 0)
        return err_set(e, cmd->result, "%s", cmd->err.msg);
    return 0;
}

/* ---- the task's thread ------------------------------------------------------------------ */

const struct task *task_spec(const struct task_run *t)
{
    const struct task_group *g = alloc_group(alloc_of(t->alloc));

    return g ? group_task(g, t->name) : NULL;
}

static struct task_cmd *take_cmd(struct task_run *t)
{
    auto_lock struct lock *held = lock_scope(&t->lock);
    struct task_cmd *cmd = t->cmds;

    if (cmd)
        t->cmds = cmd->next;
    return cmd;
}

static void answer(struct task_run *t, struct task_cmd *cmd, int result)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    cmd->result = result;
    cmd->done = true;
    cond_broadcast(&t->answered);
}

static void do_cmds(struct task_run *t)
{
    struct task_cmd *cmd;
    int r;

    while ((cmd = take_cmd(t))) {
        if (!t->handle)
            r = err_set(&cmd->err, ERR_NOTFOUND, "Task not running");
        else if (cmd->kind == CMD_SIGNAL)
            r = t->driver->signal(t->handle, cmd->sig, &cmd->err);
        else
            r = t->driver->usage(t->handle, cmd->usage, &cmd->err);
        answer(t, cmd, r);
    }
}

/* What is wished now; from here on a new wish wakes again. A restart is taken, the others stay.
 */
static enum todo look(struct task_run *t)
{
    enum todo todo = GO_ON;

    lock_take(&t->lock);
    stopper_reset(&t->wake);
    if (t->detach)
        todo = DO_DETACH;
    else if (t->kill)
        todo = DO_KILL;
    else if (t->restart)
        todo = DO_RESTART;
    t->restart = false;
    lock_drop(&t->lock);
    do_cmds(t);
    return todo;
}

/* GO_ON once its turn has come. */
static enum todo wait_turn(struct task_run *t)
{
    for (;;) {
        enum todo todo = look(t);
        bool may;

        lock_take(&t->lock);
        may = t->may_start;
        lock_drop(&t->lock);
        if (todo == DO_DETACH || todo == DO_KILL)
            return todo;
        if (may)
            return GO_ON;
        stopper_wait_until(&t->wake, 0);
    }
}

/* GO_ON when the time is over, or somebody asked for a restart now. */
static enum todo wait_delay(struct task_run *t, int64_t delay_ns)
{
    int64_t until = clock_mono_ms() + delay_ns / 1000000;

    while (clock_mono_ms() < until) {
        enum todo todo;

        if (!stopper_wait_until(&t->wake, until))
            break;
        todo = look(t);
        if (todo == DO_DETACH || todo == DO_KILL)
            return todo;
        if (todo == DO_RESTART)
            break;
    }
    return GO_ON;
}

static void set_running(struct task_run *t, bool running, const char *handle_text)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    t->running = running;
    free(t->handle_text);
    t->handle_text = handle_text ? strdup(handle_text) : NULL;
}

/* The run is under way: what finds it again is kept, its token is renewed. */
static void run_begins(struct task_run *t)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(64 << 10);

    json_print(&b, t->driver->handle_state(t->handle, a), NULL);
    set_running(t, true, b.p);
    vault_keep_start(t);
}

static void started_event(struct task_run *t)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev = task_event_new(TE_STARTED, clock_wall_ns(), a);

    task_become(t, TASK_RUNNING, &ev);
}

/* ---- watching it ------------------------------------------------------------------------ */

struct watch_state {
    bool killing, restarting, asked; /* asked: the driver was told to stop it */
    int64_t stop_at;                 /* mono ms: when to tell it, after the shutdown delay */
};

static void ask_to_stop(struct task_run *t)
{
    const struct task *spec = task_spec(t);
    int sig = proc_signal_number(str_or_empty(spec->kill_signal));
    struct err e = ERR_INIT;

    if (t->driver->stop(t->handle, sig ? sig : SIGINT,
                        task_kill_timeout_ns(t->ar->c, spec) / 1000000, &e) < 0)
        log_warn(CLIENT_ROOM, "task cannot be told to stop alloc=%s task=%s error=%s",
                 t->ar->id, t->name, e.msg);
}

/* How long to wait before it is told. */
static int64_t shutdown_delay_ms(struct task_run *t)
{
    auto_object struct object *o = alloc_run_alloc(t->ar);
    const struct desired_transition *want = alloc_of(o)->desired_transition;
    auto_arena struct arena *a = arena_new(0);
    int64_t delay = task_spec(t)->shutdown_delay_ns;
    struct task_event ev;

    if (delay <= 0)
        return 0;
    if (want && OPT(want->no_shutdown_delay)) {
        ev = task_event_message(TE_SKIP_SHUTDOWN_DELAY, "Skipping shutdown_delay per request",
                                clock_wall_ns(), a);
        delay = 0;
    } else {
        ev = task_event_message(TE_SHUTDOWN_DELAY,
                                arena_printf(a,
                                             "Waiting for shutdown_delay of %" PRId64
                                             "ms before killing the task.",
                                             delay / 1000000),
                                clock_wall_ns(), a);
    }
    task_emit(t, &ev);
    return delay / 1000000;
}

static void take_wish(struct task_run *t, struct watch_state *w, enum todo todo)
{
    if (todo == DO_KILL && !w->killing) {
        w->killing = true;
        if (!w->asked)
            w->stop_at = clock_mono_ms() + shutdown_delay_ms(t);
    } else if (todo == DO_RESTART && !w->killing && !w->restarting) {
        w->restarting = true;
        w->stop_at = clock_mono_ms();
    }
    if (!w->asked && w->stop_at && clock_mono_ms() >= w->stop_at) {
        ask_to_stop(t);
        w->asked = true;
        w->stop_at = 0;
    }
}

/* Until it ends: 0. ERR_CANCELED: let it run, we go. */
static int watch(struct task_run *t, struct watch_state *w, struct task_exit *ret)
{
    for (;;) {
        struct err e = ERR_INIT;
        enum todo todo = GO_ON;
        int r = t->driver->wait(t->handle, &t->wake, w->stop_at, ret, &e);

        if (r == 1)
            return 0;
        if (r < 0 && r != ERR_CANCELED) {
            *ret = (struct task_exit){.code = -1, .ended_ns = clock_wall_ns(), .err = "lost"};
            log_error(CLIENT_ROOM, "task cannot be watched alloc=%s task=%s error=%s",
                      t->ar->id, t->name, e.msg);
            return 0;
        }
        if (r == ERR_CANCELED)
            todo = look(t);
        if (todo == DO_DETACH)
            return ERR_CANCELED;
        take_wish(t, w, todo);
    }
}

/* ---- what follows from its end ---------------------------------------------------------- */

static bool ended_well(const struct task_exit *x)
{
    return x->code == 0 && x->signal == 0 && !x->oom_killed && is_empty(x->err);
}

static struct task_event terminated(const struct task_exit *x, struct arena *a)
{
    const char *message = x->oom_killed ? "OOM Killed" : x->err;

    return task_event_terminated(x->signal ? 128 + x->signal : x->code, x->signal, message,
                                 x->oom_killed, x->ended_ns ? x->ended_ns : clock_wall_ns(), a);
}

/* The policy's word, told in events. *ret_delay_ns: how long to wait when it runs again. */
static bool runs_again(struct task_run *t, enum restart_cause cause, bool ok,
                       const struct task_event *end, int64_t *ret_delay_ns)
{
    auto_arena struct arena *a = arena_new(0);
    const struct restart_policy none = {0};
    const struct restart_policy *p = task_spec(t)->restart;
    struct restart_tracker tracker = t->tracker;
    struct restart_decision d;
    struct task_event ev;

    if (!p)
        p = alloc_group(alloc_of(t->alloc))->restart;
    restart_next(&tracker, p ? p : &none, cause, ok, clock_wall_ns(),
                 (double)random_below(1000) / 1000.0, a, &d);
    lock_take(&t->lock);
    t->tracker = tracker;
    lock_drop(&t->lock);
    if (d.verdict == RESTART_DONE) {
        task_become(t, TASK_DEAD, end);
        return false;
    }
    if (end)
        task_emit(t, end);
    if (d.verdict == RESTART_GIVE_UP) {
        ev = task_event_not_restarting(d.reason, clock_wall_ns(), a);
        task_become(t, TASK_DEAD, &ev);
        return false;
    }
    ev = task_event_restarting(d.delay_ns, d.reason, clock_wall_ns(), a);
    task_count_restart(t, &ev);
    *ret_delay_ns = d.delay_ns;
    return true;
}

/* The end is on disk before the supervisor forgets it. */
static void let_go(struct task_run *t)
{
    journal_write(t->ar);
    t->driver->forget(t->handle);
    t->driver->handle_free(t->handle);
    t->handle = NULL;
}

/* GO_ON: once more. */
static enum todo after_end(struct task_run *t, const struct watch_state *w,
                           const struct task_exit *x)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event end = terminated(x, a), ev;
    int64_t delay_ns = 0;
    bool again = false;

    set_running(t, false, NULL);
    do_cmds(t); /* whoever still asks hears that it does not run; the keeper may be one */
    vault_keep_stop(t);
    if (w->killing) {
        ev = task_event_killed("", clock_wall_ns(), a);
        task_emit(t, &end);
        task_become(t, TASK_DEAD, &ev);
    } else {
        again = runs_again(t, w->restarting ? RESTART_ASKED : RESTART_EXIT, ended_well(x), &end,
                           &delay_ns);
    }
    let_go(t);
    return again ? wait_delay(t, delay_ns) : DO_KILL;
}

/* Watch it to its end, whoever started it. `tell`: that it has started. */
static enum todo see_through(struct task_run *t, bool tell)
{
    struct watch_state w = {0};
    struct task_exit x = {0};

    run_begins(t);
    if (tell)
        started_event(t);
    if (watch(t, &w, &x) == 0)
        return after_end(t, &w, &x);
    lock_take(&t->lock);
    t->running = false; /* for this process: what finds it again stays */
    lock_drop(&t->lock);
    do_cmds(t);
    vault_keep_stop(t);
    return DO_DETACH;
}

/* ---- its life --------------------------------------------------------------------------- */

/* One start. GO_ON: it ended and runs again; DO_KILL: it is dead; DO_DETACH: we go. */
static enum todo one_run(struct task_run *t)
{
    enum start_result r = task_prestart(t);
    int64_t delay_ns = 0;

    if (r == START_OK)
        r = task_start(t);
    switch (r) {
    case START_OK:
        return see_through(t, true);
    case START_INTERRUPTED:
        return look(t) == DO_DETACH ? DO_DETACH : GO_ON; /* a kill is seen at the turn */
    case START_FAILED:
        return DO_KILL;
    case START_REFUSED:
    case START_LATER:
        break;
    }
    if (!runs_again(t, r == START_LATER ? RESTART_START_FAILED : RESTART_START_REFUSED, false,
                    NULL, &delay_ns))
        return DO_KILL;
    return wait_delay(t, delay_ns);
}

/* What an earlier client left: found again, or to be started once a server has spoken. */
static enum todo restored_run(struct task_run *t, bool was_running)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev;

    if (task_reattach(t))
        return see_through(t, !was_running);
    if (!was_running)
        return GO_ON;
    ev = task_event_message(TE_RESTORE_FAILED,
                            "failed to restore task; will not run until server is contacted",
                            clock_wall_ns(), a);
    set_running(t, false, NULL);
    task_become(t, TASK_PENDING, &ev);
    while (!stopper_is_set(&t->ar->c->contact)) {
        enum todo todo = look(t);
        struct err e = ERR_INIT;

        if (todo == DO_DETACH || todo == DO_KILL)
            return todo;
        stopper_poll(&t->wake, t->ar->c->contact.fd, 0, &e);
    }
    return GO_ON;
}

static bool state_is(struct task_run *t, const char *state)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    return same(t->st->state, state);
}

static enum todo live(struct task_run *t)
{
    enum todo todo = GO_ON;

    if (state_is(t, TASK_DEAD))
        return DO_KILL;
    task_paths(t);
    if (t->restored || task_left_behind(t))
        todo = restored_run(t, state_is(t, TASK_RUNNING));
    while (todo == GO_ON) {
        todo = wait_turn(t);
        if (todo == GO_ON)
            todo = one_run(t);
    }
    return todo;
}

static void task_main(void *arg)
{
    struct task_run *t = arg;
    enum todo todo = live(t);

    if (todo == DO_KILL && !state_is(t, TASK_DEAD))
        task_become(t, TASK_DEAD, NULL);
    lock_take(&t->lock);
    t->over = true;
    lock_drop(&t->lock);
    do_cmds(t);
    alloc_wake(t->ar);
}

int task_run_start(struct task_run *t, struct err *e)
{
    return thread_start(&t->thread, "task", task_main, t, e);
}
