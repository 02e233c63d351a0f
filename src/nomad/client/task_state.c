/*
 * What is known about a task, as the API shows it. A change makes a new state in an arena of
 * its own and drops the old one, so memory does not grow with the number of events.
 */
#include "base/clock.h"
#include "nomad/client/client_priv.h"

int task_state_init(struct task_run *t, const struct task_state *from)
{
    struct arena *a = arena_new(0);
    struct task_state fresh = {.name = t->name, .state = TASK_PENDING, .paused = ""};

    if (t->st_arena)
        arena_free(t->st_arena);
    t->st_arena = a;
    t->st = schema_copy(&task_state_schema, from ? from : &fresh, a);
    return 0;
}

struct task_state *task_state_copy(struct task_run *t, struct arena *a)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    return schema_copy(&task_state_schema, t->st, a);
}

/* Under the lock: the old state's copy in a new arena, to be changed and then put in place. */
static struct task_state *begin(struct task_run *t, struct arena **ret)
{
    *ret = arena_new(0);
    return schema_copy(&task_state_schema, t->st, *ret);
}

static void replace(struct task_run *t, struct task_state *st, struct arena *a)
{
    arena_free(t->st_arena);
    t->st_arena = a;
    t->st = st;
}

/* True: it is another one now. */
static bool set_state(struct task_state *st, const char *state, struct arena *a)
{
    int64_t now = clock_wall_ns();

    if (same(st->state, state))
        return false;
    st->state = state;
    if (same(state, TASK_RUNNING))
        opt_set(a, &st->started_at, now);
    else if (same(state, TASK_DEAD))
        opt_set(a, &st->finished_at, now);
    return true;
}

static void change(struct task_run *t, const char *state, const struct task_event *ev,
                   bool restart)
{
    lock_take(&t->lock);
    struct arena *a;
    struct task_state *st = begin(t, &a);
    bool moved = state && set_state(st, state, a);

    if (ev)
        task_state_add_event(st, ev, a);
    if (restart) {
        st->restarts++;
        opt_set(a, &st->last_restart, clock_wall_ns());
    }
    replace(t, st, a);
    lock_drop(&t->lock);
    alloc_touch(t->ar, moved || restart ? TELL_NOW : TELL_SOON);
}

void task_emit(struct task_run *t, const struct task_event *ev)
{
    change(t, NULL, ev, false);
}

void task_become(struct task_run *t, const char *state, const struct task_event *ev)
{
    change(t, state, ev, false);
}

void task_count_restart(struct task_run *t, const struct task_event *ev)
{
    change(t, TASK_PENDING, ev, true);
}

/* ---- the alloc as a whole --------------------------------------------------------------- */

static void view_health(struct alloc_run *ar, struct arena *a, struct alloc *ret)
{
    if (ar->health < 0)
        return;
    ret->deployment_status = arena_new_of(a, struct alloc_deployment_status);
    opt_set(a, &ret->deployment_status->healthy, ar->health != 0);
    ret->deployment_status->timestamp = ar->health_at;
    if (alloc_of(ar->alloc)->deployment_status)
        ret->deployment_status->canary = alloc_of(ar->alloc)->deployment_status->canary;
}

void alloc_view(struct alloc_run *ar, struct arena *a, struct alloc *ret)
{
    auto_object struct object *o = alloc_run_alloc(ar);
    const struct alloc *al = alloc_of(o);

    *ret = (struct alloc){
        .id = arena_strdup(a, ar->id),
        .namespace = arena_strdup(a, str_or_empty(al->namespace)),
        .node_id = arena_strdup(a, ar->c->id),
        .job_id = arena_strdup(a, str_or_empty(al->job_id)),
        .task_group = arena_strdup(a, str_or_empty(al->task_group)),
        .modify_time = clock_wall_ns(),
        .network_status = arena_new_of(a, struct alloc_network_status),
    };
    *ret->network_status =
        (struct alloc_network_status){.interface_name = "", .address = "", .address_ipv6 = ""};
    for (size_t i = 0; i < ar->n_tasks; i++)
        list_push(a, &ret->task_states, *task_state_copy(ar->tasks[i], a));
    alloc_status_from_tasks(ret->task_states.at, ret->task_states.len, &ret->client_status,
                            &ret->client_description);
    auto_lock struct lock *held = lock_scope(&ar->lock);
    view_health(ar, a, ret);
}
