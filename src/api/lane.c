#include <assert.h>

#include "api/api_priv.h"

/*
 * Under contention for one record each group of commits has one winner, and an unlucky call
 * could lose against newer ones until its tries are used up. So who has lost LANE_AFTER times
 * queues here, and one call of the lane at a time is between its serve and its commit. It may
 * still lose against a fresh call, but no longer against all the other losers.
 */

void lane_init(struct lane *l)
{
    *l = (struct lane){0};
    l->last = &l->first;
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
    struct call *next = lane_next(&c->api->lane);

    if (next)
        call_resume(next);
}
