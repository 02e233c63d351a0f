/*
 * What servers are told about allocs. A new state goes at once, or with the next batch if one
 * is under way; an event alone waits UPDATE_QUIET_MS, since what it announces is about to
 * follow and each call is a commit on the server's disk.
 */
#include "base/clock.h"
#include "nomad/client/client_priv.h"

enum { UPDATE_BACKOFF_MS = 15000, UPDATE_QUIET_MS = 100 };

void update_queue(struct alloc_run *ar, enum tell when)
{
    struct nomad_client *c = ar->c;
    int64_t due = when == TELL_SOON ? clock_mono_ms() + UPDATE_QUIET_MS : 0;
    auto_lock struct lock *held = lock_scope(&c->lock);
    bool sooner = c->updates.len == 0 || due < c->updates_due_ms;

    if (!ar->update_queued)
        vec_push(&c->updates, alloc_run_ref(ar));
    ar->update_queued = true;
    if (!sooner)
        return;
    c->updates_due_ms = due;
    cond_broadcast(&c->changed);
}

/* Up to a batch off the queue. */
static size_t take_batch(struct nomad_client *c, struct alloc_run **batch)
{
    auto_lock struct lock *held = lock_scope(&c->lock);
    size_t n = c->updates.len < LINK_UPDATE_BATCH ? c->updates.len : LINK_UPDATE_BATCH;

    for (size_t i = 0; i < n; i++) {
        batch[i] = c->updates.at[i];
        batch[i]->update_queued = false; /* a change from now on queues it anew */
    }
    c->updates.len -= n;
    memmove(c->updates.at, c->updates.at + n, c->updates.len * sizeof *c->updates.at);
    return n;
}

static int send_batch(struct nomad_client *c, struct alloc_run **batch, size_t n, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    const struct alloc **list = arena_array(a, const struct alloc *, n);

    for (size_t i = 0; i < n; i++) {
        struct alloc *al = arena_new_of(a, struct alloc);

        alloc_view(batch[i], a, al);
        list[i] = al;
    }
    return c->link.update(c->link.ctx, c->id, c->secret_id, list, n, e);
}

/* 0: nothing is left of the batch (sent, or refused for good); else it is queued again. */
static int turn(struct nomad_client *c)
{
    struct alloc_run *batch[LINK_UPDATE_BATCH];
    size_t n = take_batch(c, batch);
    struct err e = ERR_INIT;
    int r = n ? send_batch(c, batch, n, &e) : 0;

    if (r == ERR_INVALID || r == ERR_NOTFOUND) {
        log_error(CLIENT_ROOM, "server refuses alloc updates error=%s", e.msg);
        r = 0;
    }
    if (r == ERR_DENIED)
        client_denied(c);
    if (r < 0 && !stopper_is_set(&c->stop))
        log_warn(CLIENT_ROOM, "alloc updates not sent, retrying error=%s", e.msg);
    for (size_t i = 0; i < n; i++) {
        if (r < 0)
            update_queue(batch[i], TELL_NOW);
        alloc_run_unref(batch[i]);
    }
    return r;
}

static bool wait_for_work(struct nomad_client *c)
{
    auto_lock struct lock *held = lock_scope(&c->lock);

    while (!c->stopping) {
        if (c->updates.len == 0 || !c->registered)
            cond_wait(&c->changed, &c->lock);
        else if (c->updates_due_ms <= clock_mono_ms())
            break;
        else
            cond_wait_until(&c->changed, &c->lock, c->updates_due_ms);
    }
    return !c->stopping;
}

void update_loop(void *arg)
{
    struct nomad_client *c = arg;
    unsigned tries = 0;

    while (wait_for_work(c)) {
        if (turn(c) == 0)
            tries = 0;
        else
            stopper_wait_until(&c->stop,
                               clock_mono_ms() + backoff_ms(tries++, UPDATE_BACKOFF_MS));
    }
}

void update_flush(struct nomad_client *c, int64_t deadline_ms)
{
    for (;;) {
        size_t left;

        lock_take(&c->lock);
        left = c->registered ? c->updates.len : 0;
        lock_drop(&c->lock);
        if (left == 0 || clock_mono_ms() >= deadline_ms || turn(c) < 0)
            return;
    }
}
