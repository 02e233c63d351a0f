/*
 * One alloc: its directory, its tasks' turns, its end.
 *
 *     prestart tasks -> main tasks -> poststart tasks      (sidecars run beside, to the end)
 *     leader dead, a task failed, all main dead, stopped -> the others are killed -> poststop
 *
 * The alloc's thread looks whenever something changed (alloc_touch) and decides from the tasks'
 * states alone, so it decides the same after a restart of the agent.
 */
#include <stdio.h>

#include "base/clock.h"
#include "nomad/client/client_priv.h"

/* What must be on disk at a certain moment is written by whoever needs that (a task before its
 * start and after its end, a new token); the rest may wait a moment for more of its kind. */
enum { JOURNAL_QUIET_MS = 50 };

/* ---- making and ending ------------------------------------------------------------------ */

const struct task_group *alloc_group(const struct alloc *al)
{
    return al->job ? job_group(al->job, str_or_empty(al->task_group)) : NULL;
}

struct object *alloc_object(const struct alloc *al)
{
    struct object *o = object_new(&alloc_schema);

    o->body = schema_copy(&alloc_schema, al, o->arena);
    return o;
}

static char *join(const char *a, const char *b)
{
    char *p = NULL;

    if (asprintf(&p, "%s/%s", a, b) < 0)
        abort();
    return p;
}

struct alloc_run *alloc_run_new(struct nomad_client *c, struct object *alloc)
{
    struct alloc_run *ar = calloc(1, sizeof *ar);
    const struct task_group *g = alloc_group(alloc_of(alloc));

    if (!ar || stopper_init(&ar->wake, NULL) < 0)
        abort();
    ar->c = c;
    ar->alloc = alloc;
    ar->health = -1;
    atomic_init(&ar->refs, 1);
    snprintf(ar->id, sizeof ar->id, "%s", alloc_of(alloc)->id);
    ar->dir = join(c->o.alloc_dir, ar->id);
    ar->shared_dir = join(ar->dir, "alloc");
    ar->logs_dir = join(ar->shared_dir, "logs");
    ar->shim_dir = join(c->o.state_dir, "tasks");
    char *shim_dir = join(ar->shim_dir, ar->id);
    free(ar->shim_dir);
    ar->shim_dir = shim_dir;
    lock_init(&ar->lock, "client alloc", RANK_CLIENT_ALLOC);
    lock_init(&ar->journal, "client journal", RANK_CLIENT_JOURNAL);
    ar->n_tasks = g->tasks.len;
    ar->tasks = calloc(ar->n_tasks + 1, sizeof *ar->tasks);
    if (!ar->tasks)
        abort();
    for (size_t i = 0; i < ar->n_tasks; i++)
        ar->tasks[i] = task_run_new(ar, g->tasks.at[i].name);
    return ar;
}

struct alloc_run *alloc_run_ref(struct alloc_run *ar)
{
    atomic_fetch_add(&ar->refs, 1);
    return ar;
}

void alloc_run_unref(struct alloc_run *ar)
{
    if (!ar || atomic_fetch_sub(&ar->refs, 1) != 1)
        return;
    for (size_t i = 0; i < ar->n_tasks; i++)
        task_run_free(ar->tasks[i]);
    free(ar->tasks);
    object_unref(ar->alloc);
    free(ar->dir);
    free(ar->shared_dir);
    free(ar->logs_dir);
    free(ar->shim_dir);
    stopper_done(&ar->wake);
    lock_done(&ar->lock);
    lock_done(&ar->journal);
    free(ar);
}

struct object *alloc_run_alloc(struct alloc_run *ar)
{
    auto_lock struct lock *held = lock_scope(&ar->lock);

    return object_ref(ar->alloc);
}

struct task_run *alloc_run_task(struct alloc_run *ar, struct str name)
{
    for (size_t i = 0; i < ar->n_tasks; i++)
        if (str_eqc(name, ar->tasks[i]->name))
            return ar->tasks[i];
    return NULL;
}

/* ---- wishes ----------------------------------------------------------------------------- */

void alloc_touch(struct alloc_run *ar, enum tell when)
{
    lock_take(&ar->lock);
    if (!ar->dirty_ms)
        ar->dirty_ms = clock_mono_ms();
    stopper_stop(&ar->wake);
    lock_drop(&ar->lock);
    update_queue(ar, when);
}

void alloc_wake(struct alloc_run *ar)
{
    auto_lock struct lock *held = lock_scope(&ar->lock);

    stopper_stop(&ar->wake);
}

static void wish(struct alloc_run *ar, bool *what)
{
    auto_lock struct lock *held = lock_scope(&ar->lock);

    *what = true;
    stopper_stop(&ar->wake);
}

void alloc_run_kill(struct alloc_run *ar)
{
    wish(ar, &ar->kill);
}

void alloc_run_detach(struct alloc_run *ar)
{
    wish(ar, &ar->detach);
}

void alloc_run_update(struct alloc_run *ar, struct object *alloc)
{
    auto_object struct object *old = NULL;
    auto_lock struct lock *held = lock_scope(&ar->lock);
    const struct alloc *was = alloc_of(ar->alloc), *is = alloc_of(alloc);

    if (!same(was->deployment_id, is->deployment_id)) {
        ar->health = -1; /* another deployment wants to know anew */
        ar->health_watched = false;
    }
    old = ar->alloc;
    ar->alloc = alloc;
    ar->kill = ar->kill || alloc_server_terminal(is);
    if (!ar->dirty_ms)
        ar->dirty_ms = clock_mono_ms();
    stopper_stop(&ar->wake);
}

/* ---- whose turn it is ------------------------------------------------------------------- */

enum phase { MAIN, PRESTART, POSTSTART, POSTSTOP };

struct member {
    struct task_run *t;
    enum phase phase;
    bool sidecar, leader, dead, failed, running;
};

/* What the alloc's thread remembers between two looks. */
struct life {
    bool others_killed; /* once: whoever is to end has been told */
    bool leader_told;
    struct health_watch health;
};

static void look_at(struct task_run *t, const struct task *spec, struct member *m)
{
    const char *hook = spec && spec->lifecycle ? str_or_empty(spec->lifecycle->hook) : "";
    auto_lock struct lock *held = lock_scope(&t->lock);

    *m = (struct member){
        .t = t,
        .phase = strcmp(hook, "prestart") == 0    ? PRESTART
                 : strcmp(hook, "poststart") == 0 ? POSTSTART
                 : strcmp(hook, "poststop") == 0  ? POSTSTOP
                                                  : MAIN,
        .sidecar = spec && spec->lifecycle && spec->lifecycle->sidecar,
        .leader = spec && spec->leader,
        .dead = same(t->st->state, TASK_DEAD),
        .failed = t->st->failed,
        .running = same(t->st->state, TASK_RUNNING),
    };
}

/* Has everything that stands before `m` come far enough? */
static bool its_turn(const struct member *m, const struct member *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct member *o = &all[i];

        if (m->phase == MAIN && o->phase == PRESTART &&
            (o->sidecar ? !o->running && !o->dead : !o->dead || o->failed))
            return false;
        if (m->phase == POSTSTART && o->phase == MAIN && !o->running && !o->dead)
            return false;
        if (m->phase == POSTSTOP && o->phase != POSTSTOP && !o->dead)
            return false;
    }
    return true;
}

static bool all_main_dead(const struct member *all, size_t n)
{
    size_t mains = 0;

    for (size_t i = 0; i < n; i++) {
        if (all[i].phase != MAIN)
            continue;
        mains++;
        if (!all[i].dead)
            return false;
    }
    return mains > 0;
}

static bool some_live(const struct member *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!all[i].dead && all[i].phase != POSTSTOP)
            return true;
    return false;
}

/* Everybody but the poststop tasks; `why` goes to those that live. */
static void kill_members(struct member *all, size_t n, const struct task_event *why)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].phase != POSTSTOP)
            task_kill(all[i].t, all[i].dead ? NULL : why, NULL);
}

/* The event that tells the others why they end; type NULL: no reason for them to. */
static struct task_event why_end(const struct member *all, size_t n, struct arena *a)
{
    int64_t now = clock_wall_ns();

    for (size_t i = 0; i < n; i++)
        if (all[i].dead && all[i].failed && all[i].phase != POSTSTOP)
            return task_event_sibling_failed(all[i].t->name, now, a);
    for (size_t i = 0; i < n; i++)
        if (all[i].dead && all[i].leader)
            return task_event_new(TE_LEADER_DEAD, now, a);
    if (all_main_dead(all, n))
        return task_event_new(TE_MAIN_DEAD, now, a);
    return (struct task_event){0};
}

/* Stopped from outside: the leader first, then the others. */
static void stop_members(struct life *l, struct member *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!all[i].leader || all[i].dead)
            continue;
        if (!l->leader_told)
            task_kill(all[i].t, NULL, NULL);
        l->leader_told = true;
        return;
    }
    l->others_killed = true;
    for (size_t i = 0; i < n; i++)
        if (all[i].phase != POSTSTOP && !(all[i].leader && l->leader_told))
            task_kill(all[i].t, NULL, NULL);
}

static void end_members(struct life *l, struct member *all, size_t n, bool kill)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event why;

    if (l->others_killed || !some_live(all, n))
        return;
    if (kill) {
        stop_members(l, all, n);
        return;
    }
    why = why_end(all, n, a);
    if (!why.type)
        return;
    l->others_killed = true;
    kill_members(all, n, &why);
}

/* One look at everybody. True: all are dead. */
static bool life_step(struct life *l, struct alloc_run *ar, bool kill, bool destroy)
{
    auto_object struct object *o = alloc_run_alloc(ar);
    const struct task_group *g = alloc_group(alloc_of(o));
    auto_free struct member *all = calloc(ar->n_tasks + 1, sizeof *all);
    bool dead = true;

    if (!all)
        abort();
    for (size_t i = 0; i < ar->n_tasks; i++)
        look_at(ar->tasks[i], g ? group_task(g, ar->tasks[i]->name) : NULL, &all[i]);
    end_members(l, all, ar->n_tasks, kill || destroy);
    for (size_t i = 0; i < ar->n_tasks; i++) {
        dead = dead && all[i].dead;
        if (all[i].dead)
            continue;
        if (destroy && all[i].phase == POSTSTOP)
            task_kill(all[i].t, NULL, NULL);
        else if (its_turn(&all[i], all, ar->n_tasks))
            task_allow(all[i].t);
    }
    return dead;
}

/* ---- its thread ------------------------------------------------------------------------- */

static void received(struct alloc_run *ar)
{
    for (size_t i = 0; i < ar->n_tasks; i++) {
        auto_arena struct arena *a = arena_new(0);
        struct task_event ev = task_event_new(TE_RECEIVED, clock_wall_ns(), a);

        task_emit(ar->tasks[i], &ev);
    }
}

static void setup_failed(struct alloc_run *ar, const struct err *e)
{
    for (size_t i = 0; i < ar->n_tasks; i++) {
        auto_arena struct arena *a = arena_new(0);
        struct task_event ev = task_event_setup_failure(
            arena_printf(a, "failed to setup alloc: %s", e->msg), clock_wall_ns(), a);

        task_become(ar->tasks[i], TASK_DEAD, &ev);
    }
}

/* Those that the server evicted for it. */
static bool some_preempted_live(struct alloc_run *ar)
{
    auto_object struct object *o = alloc_run_alloc(ar);
    bool live = false;

    list_each (&alloc_of(o)->preempted_allocations, id) {
        auto_alloc_run struct alloc_run *other = client_alloc(ar->c, str_of(*id));

        if (!other)
            continue;
        lock_take(&other->lock);
        live = live || !other->over;
        lock_drop(&other->lock);
    }
    return live;
}

/* They still use what it is to use. Whoever ends wakes those that wait. */
static void await_preempted(struct alloc_run *ar)
{
    for (;;) {
        bool leave;

        lock_take(&ar->lock);
        stopper_reset(&ar->wake);
        leave = ar->detach || ar->destroy || ar->kill;
        lock_drop(&ar->lock);
        if (leave || !some_preempted_live(ar))
            return;
        stopper_wait_until(&ar->wake, 0);
    }
}

static void wake_waiting(struct nomad_client *c)
{
    struct alloc_run **all;
    size_t n = client_allocs(c, &all);

    for (size_t i = 0; i < n; i++) {
        lock_take(&all[i]->lock);
        if (alloc_of(all[i]->alloc)->preempted_allocations.len)
            stopper_stop(&all[i]->wake);
        lock_drop(&all[i]->lock);
        alloc_run_unref(all[i]);
    }
    free(all);
}

static bool begin(struct alloc_run *ar)
{
    struct err e = ERR_INIT;

    if (!ar->restored)
        received(ar);
    await_preempted(ar);
    if (alloc_dir_make(ar, &e) < 0) {
        setup_failed(ar, &e);
        return false;
    }
    for (size_t i = 0; i < ar->n_tasks; i++) {
        if (task_run_start(ar->tasks[i], &e) < 0) {
            setup_failed(ar, &e);
            for (size_t k = 0; k < i; k++)
                task_kill(ar->tasks[k], NULL, e.msg);
            break;
        }
    }
    return true;
}

static void end(struct alloc_run *ar, bool detached)
{
    if (detached)
        for (size_t i = 0; i < ar->n_tasks; i++)
            task_detach(ar->tasks[i]);
    for (size_t i = 0; i < ar->n_tasks; i++)
        thread_join(&ar->tasks[i]->thread);
    lock_take(&ar->lock);
    ar->over = !detached;
    if (ar->over && !ar->over_ns)
        ar->over_ns = clock_wall_ns();
    lock_drop(&ar->lock);
    journal_write(ar);
    if (detached)
        return;
    client_wake_gc(ar->c); /* it may be waited for */
    wake_waiting(ar->c);
}

static void watch_health(struct life *l, struct alloc_run *ar, int64_t *ret_wake)
{
    bool fresh;

    lock_take(&ar->lock);
    fresh = !ar->health_watched;
    ar->health_watched = true;
    lock_drop(&ar->lock);
    if (fresh)
        health_begin(&l->health, ar);
    health_look(&l->health, ar, ret_wake);
}

static void alloc_main(void *arg)
{
    struct alloc_run *ar = arg;
    struct life life = {0};
    int64_t wake_at = 0;
    bool dead = !begin(ar), detached = false;

    while (!dead && !detached) {
        bool kill, destroy;
        int64_t write_at;

        lock_take(&ar->lock);
        stopper_reset(&ar->wake);
        detached = ar->detach;
        destroy = ar->destroy;
        kill = ar->kill;
        write_at = ar->dirty_ms;
        lock_drop(&ar->lock);
        if (detached)
            break;
        dead = life_step(&life, ar, kill, destroy);
        watch_health(&life, ar, &wake_at);
        if (dead)
            break;
        if (write_at && clock_mono_ms() >= write_at + JOURNAL_QUIET_MS)
            journal_write(ar);
        else if (write_at && (!wake_at || write_at + JOURNAL_QUIET_MS < wake_at))
            wake_at = write_at + JOURNAL_QUIET_MS;
        stopper_wait_until(&ar->wake, wake_at);
    }
    end(ar, detached);
}

/* Nothing of it is left to do: it is kept for its files and for what it can tell. */
static bool was_over(struct alloc_run *ar)
{
    for (size_t i = 0; i < ar->n_tasks; i++)
        if (!same(ar->tasks[i]->st->state, TASK_DEAD))
            return false;
    return ar->restored;
}

int alloc_run_start(struct alloc_run *ar, struct err *e)
{
    if (was_over(ar)) {
        ar->over = true;
        return 0;
    }
    return thread_start(&ar->thread, "alloc", alloc_main, ar, e);
}

void alloc_run_join(struct alloc_run *ar)
{
    thread_join(&ar->thread);
}
