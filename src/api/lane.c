#include <assert.h>

#include "api/api_priv.h"

/*
 * Under contention for one record each group of commits has one winner, and an unlucky call
 * could lose against newer ones until its tries are used up. So who has lost LANE_AFTER times
 * queues here, and one call of the lane at a time is between its serve and its commit. It may
 * still lose against a fresh call, but no longer against all the other losers.
 *
 * Fresh calls can win every time: they run on at once where the lane's is woken first. So when
 * it has lost LANE_PRESS times in all, calls that are about to commit give way: they are held
 * here, and served anew when it is through.
 */

void lane_init(struct lane *l)
{
    *l = (struct lane){0};
    l->last = &l->first;
    atomic_init(&l->pressing, false);
    lock_init(&l->lock, "api lane", RANK_API_LANE);
}

void lane_done(struct lane *l)
{
    lock_done(&l->lock);
}

/* True: the lane was free, the caller may go. */
static bool lane_queue(struct lane *l, struct call *c)
{
    auto_lock struct lock *held = lock_scope(&l->lock);

    if (!l->busy) {
        l->busy = true;
        return true;
    }
    c->priv->lane_next = NULL;
    *l->last = c;
    l->last = &c->priv->lane_next;
    return false;
}

void lane_enter(struct call *c)
{
    assert(!c->priv->in_lane);
    c->priv->in_lane = true;
    if (lane_queue(&c->api->lane, c))
        call_resume(c);
}

void lane_lost(struct call *c)
{
    if (c->priv->in_lane && c->priv->conflicts >= LANE_PRESS)
        atomic_store(&c->api->lane.pressing, true);
}

/* True: it is held. */
static bool lane_hold(struct lane *l, struct call *c)
{
    auto_lock struct lock *held = lock_scope(&l->lock);

    if (!atomic_load(&l->pressing))
        return false;
    c->priv->lane_next = l->held;
    l->held = c;
    return true;
}

bool lane_must_wait(const struct call *c)
{
    const struct call_priv *p = c->priv;

    return atomic_load_explicit(&c->api->lane.pressing, memory_order_relaxed) && !p->in_lane &&
           !p->in_finish;
}

void lane_wait(struct call *c)
{
    if (!lane_hold(&c->api->lane, c))
        call_resume(c);
}

static struct call *take_held(struct lane *l)
{
    auto_lock struct lock *held = lock_scope(&l->lock);

    atomic_store(&l->pressing, false);
    return TAKE_PTR(l->held);
}

static void release_held(struct lane *l)
{
    for (struct call *c = take_held(l), *next; c; c = next) {
        next = c->priv->lane_next; /* once resumed it is no longer ours */
        call_resume(c);
    }
}

static struct call *lane_next(struct lane *l)
{
    auto_lock struct lock *held = lock_scope(&l->lock);
    struct call *c = l->first;

    if (!c) {
        l->busy = false;
        return NULL;
    }
    l->first = c->priv->lane_next;
    if (!l->first)
        l->last = &l->first;
    return c;
}

void lane_leave(struct call *c)
{
    if (!c->priv->in_lane)
        return;
    c->priv->in_lane = false;
    if (atomic_load(&c->api->lane.pressing))
        release_held(&c->api->lane);
    struct call *next = lane_next(&c->api->lane);

    if (next)
        call_resume(next);
}
