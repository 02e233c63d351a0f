/* "My allocations": a parked request, and what follows from each answer. */
#include "base/clock.h"
#include "nomad/client/client_priv.h"

enum { WATCH_BACKOFF_MS = 15000 };

static void start_new(struct nomad_client *c, const struct alloc *al)
{
    struct alloc_run *ar;
    struct err e = ERR_INIT;

    if (alloc_client_terminal(al))
        return; /* ended here once, and its record is gone */
    if (!alloc_group(al) || strlen(al->id) != UUID_SIZE - 1 || strchr(al->id, '/')) {
        log_error(CLIENT_ROOM, "alloc without its job or id ignored");
        return;
    }
    ar = alloc_run_new(c, alloc_object(al));
    ar->kill = alloc_server_terminal(al);
    client_add(c, alloc_run_ref(ar));
    client_gc_room(c);
    if (alloc_run_start(ar, &e) < 0)
        log_error(CLIENT_ROOM, "alloc not started alloc=%s error=%s", ar->id, e.msg);
    alloc_run_unref(ar);
}

static void apply_one(struct nomad_client *c, const struct alloc *al)
{
    auto_alloc_run struct alloc_run *ar = client_alloc(c, str_of(al->id));
    auto_object struct object *have = ar ? alloc_run_alloc(ar) : NULL;

    if (!ar)
        start_new(c, al);
    else if (al->alloc_modify_index > alloc_of(have)->alloc_modify_index)
        alloc_run_update(ar, alloc_object(al));
    if (ar && same(al->client_status, ALLOC_UNKNOWN))
        update_queue(ar, TELL_NOW); /* we had not been heard of: say how it stands */
}

/* What a server does not name any more has been collected there. */
static void drop_missing(struct nomad_client *c, const struct link_allocs *list)
{
    struct map named = MAP_INIT;
    struct alloc_run **all;
    size_t n = client_allocs(c, &all);

    for (size_t i = 0; i < list->list.len; i++) {
        const struct alloc *al = list->list.at[i]->body;

        map_put(&named, str_of(al->id), (void *)(uintptr_t)al);
    }
    for (size_t i = 0; i < n; i++) {
        if (!map_get(&named, str_of(all[i]->id)))
            client_destroy_alloc(all[i]);
        alloc_run_unref(all[i]);
    }
    free(all);
    map_done(&named);
}

static void apply(struct nomad_client *c, const struct link_allocs *list)
{
    for (size_t i = 0; i < list->list.len; i++)
        apply_one(c, list->list.at[i]->body);
    drop_missing(c, list);
    if (!stopper_is_set(&c->contact))
        stopper_stop(&c->contact);
}

static bool wait_registered(struct nomad_client *c)
{
    auto_lock struct lock *held = lock_scope(&c->lock);

    while (!c->stopping && !c->registered)
        cond_wait(&c->changed, &c->lock);
    return !c->stopping;
}

void watch_loop(void *arg)
{
    struct nomad_client *c = arg;
    uint64_t index = 0;
    unsigned tries = 0;

    while (wait_registered(c)) {
        auto_arena struct arena *a = arena_new(0);
        struct link_allocs got = {0};
        struct err e = ERR_INIT;
        int r = c->link.allocs(c->link.ctx, c->id, c->secret_id, index, LINK_WAIT_MS, &c->stop,
                               a, &got, &e);

        if (r == 0) {
            tries = 0;
            if (got.index != index || index == 0)
                apply(c, &got);
            if (index == 0)
                orphans_end(c);
            index = got.index;
            continue;
        }
        if (stopper_is_set(&c->stop))
            break;
        log_warn(CLIENT_ROOM, "allocs not fetched, retrying error=%s", e.msg);
        if (r == ERR_DENIED)
            client_denied(c);
        stopper_wait_until(&c->stop, clock_mono_ms() + backoff_ms(tries++, WATCH_BACKOFF_MS));
    }
}
