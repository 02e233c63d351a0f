#include <assert.h>

#include "api/api_priv.h"
#include "base/clock.h"

/*
 * A parked call holds no thread and no transaction. What is left of it is its call in the
 * exchange's arena and a `struct parked`: an entry in the heap of deadlines, and one store wait
 * for each prefix it waits on. Whoever comes first wakes it, once:
 *
 *     the store's notifier (a change), the timer thread (the deadline), a server thread (the
 *     peer has left), park_stop.
 *
 * ARMING: its waits are being registered; wakers only leave their reason.
 * WAITING: the first waker takes it out of heap and list and hands the call to an api thread.
 * WOKEN: later wakers find it so and do nothing.
 *
 * A store wait that could not be cancelled may still be on its way into its function, so each
 * holds a reference on the record; the call itself is only reached in the state WAITING.
 */
enum park_state { PARK_ARMING, PARK_WAITING, PARK_WOKEN };

enum park_reason { WHY_CHANGED = 1 << 0, WHY_DEADLINE = 1 << 1, WHY_LEFT = 1 << 2 };

enum { TIMER_BATCH = 256 };

struct parked {
    struct park *park;
    struct call *call;
    struct parked *prev, *next; /* park->list */
    int64_t deadline_ms;        /* 0: none, not in the heap */
    uint32_t heap_at;
    uint16_t refs, why, state, n_waits;
    struct store_wait *waits[CALL_WAITS_MAX];
};

/*
 * The heap, under the lock.
 */
static void heap_set(struct park *k, size_t i, struct parked *pk)
{
    k->heap.at[i] = pk;
    pk->heap_at = (uint32_t)i;
}

static void heap_up(struct park *k, size_t i)
{
    struct parked *pk = k->heap.at[i];

    while (i > 0 && k->heap.at[(i - 1) / 2]->deadline_ms > pk->deadline_ms) {
        heap_set(k, i, k->heap.at[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_set(k, i, pk);
}

static void heap_down(struct park *k, size_t i)
{
    struct parked *pk = k->heap.at[i];

    for (;;) {
        size_t kid = 2 * i + 1;

        if (kid >= k->heap.len)
            break;
        if (kid + 1 < k->heap.len &&
            k->heap.at[kid + 1]->deadline_ms < k->heap.at[kid]->deadline_ms)
            kid++;
        if (k->heap.at[kid]->deadline_ms >= pk->deadline_ms)
            break;
        heap_set(k, i, k->heap.at[kid]);
        i = kid;
    }
    heap_set(k, i, pk);
}

static void heap_add(struct park *k, struct parked *pk)
{
    if (pk->deadline_ms == 0)
        return;
    vec_push(&k->heap, pk);
    heap_up(k, k->heap.len - 1);
    if (pk->heap_at == 0)
        cond_signal(&k->timer);
}

static void heap_remove(struct park *k, struct parked *pk)
{
    size_t i = pk->heap_at;

    if (pk->deadline_ms == 0)
        return;
    struct parked *last = k->heap.at[--k->heap.len];

    if (last == pk)
        return;
    heap_set(k, i, last);
    heap_up(k, i);
    heap_down(k, last->heap_at);
}

/*
 * Waking.
 */
static void unref_locked(struct parked *pk)
{
    if (--pk->refs == 0)
        free(pk);
}

static void take_out(struct park *k, struct parked *pk)
{
    heap_remove(k, pk);
    *(pk->prev ? &pk->prev->next : &k->list) = pk->next;
    if (pk->next)
        pk->next->prev = pk->prev;
    k->n--;
    pk->state = PARK_WOKEN;
}

/* The call to resume once the lock is dropped, NULL: not this waker's. */
static struct call *wake_locked(struct parked *pk, unsigned why)
{
    pk->why |= (uint16_t)why;
    if (pk->state != PARK_WAITING)
        return NULL;
    take_out(pk->park, pk);
    return pk->call;
}

/* On the store's notifier. */
static void on_change(void *arg)
{
    struct parked *pk = arg;
    struct park *k = pk->park;

    lock_take(&k->lock);
    struct call *c = wake_locked(pk, WHY_CHANGED);

    unref_locked(pk);
    lock_drop(&k->lock);
    if (c)
        call_resume(c);
}

/* On a server thread: the peer of a call that once parked is gone, whatever it does now. */
static void on_gone(struct http_exchange *x, void *arg)
{
    struct call *c = arg, *woken;
    struct park *k = &c->api->park;

    (void)x;
    atomic_store(&c->priv->gone, true);
    lock_take(&k->lock);
    woken = c->priv->parked ? wake_locked(c->priv->parked, WHY_LEFT) : NULL;
    lock_drop(&k->lock);
    if (woken)
        call_resume(woken);
}

/* Up to TIMER_BATCH calls whose time is over. */
static size_t take_expired(struct park *k, struct call **ret)
{
    size_t n = 0;
    int64_t now = clock_mono_ms();

    while (n < TIMER_BATCH && k->heap.len > 0 && k->heap.at[0]->deadline_ms <= now) {
        struct parked *pk = k->heap.at[0];
        struct call *c = wake_locked(pk, WHY_DEADLINE);

        if (c) {
            ret[n++] = c;
        } else { /* still arming: it finds its reason itself */
            heap_remove(k, pk);
            pk->deadline_ms = 0;
        }
    }
    return n;
}

static void timer_main(void *arg)
{
    struct park *k = arg;
    struct call *batch[TIMER_BATCH];

    lock_take(&k->lock);
    while (!k->ending) {
        size_t n = take_expired(k, batch);

        if (n > 0) {
            lock_drop(&k->lock);
            for (size_t i = 0; i < n; i++)
                call_resume(batch[i]);
            lock_take(&k->lock);
            continue;
        }
        if (k->heap.len > 0)
            (void)cond_wait_until(&k->timer, &k->lock, k->heap.at[0]->deadline_ms);
        else
            cond_wait(&k->timer, &k->lock);
    }
    lock_drop(&k->lock);
}

/*
 * Parking.
 */
static struct parked *parked_new(struct park *k, struct call *c)
{
    struct parked *pk = calloc(1, sizeof *pk);

    if (!pk)
        abort();
    pk->park = k;
    pk->call = c;
    pk->refs = 1;
    pk->deadline_ms = c->priv->park_deadline_ms;
    return pk;
}

/* False: stopping, or no place is left. */
static bool put_in(struct park *k, struct parked *pk)
{
    auto_lock struct lock *held = lock_scope(&k->lock);

    if (k->closing || k->n == API_PARKED_MAX)
        return false;
    pk->next = k->list;
    if (pk->next)
        pk->next->prev = pk;
    k->list = pk;
    k->n++;
    heap_add(k, pk);
    pk->call->priv->parked = pk;
    return true;
}

static void ref(struct parked *pk)
{
    auto_lock struct lock *held = lock_scope(&pk->park->lock);

    pk->refs++;
}

static void unref(struct parked *pk)
{
    struct park *k = pk->park;
    auto_lock struct lock *held = lock_scope(&k->lock);

    unref_locked(pk);
}

static int register_waits(struct parked *pk, struct err *e)
{
    const struct call_priv *p = pk->call->priv;

    for (size_t i = 0; i < p->n_waits; i++) {
        const struct call_wait *w = &p->waits[i];

        ref(pk); /* on_change's */
        int r = store_wait_new(pk->call->store, w->prefix, w->exact, w->rev, on_change, pk,
                               &pk->waits[i], e);

        if (r < 0) {
            unref(pk);
            return r;
        }
        pk->n_waits++;
    }
    return 0;
}

static void watch_peer(struct call *c)
{
    struct call_priv *p = c->priv;

    if (!c->x || p->gone_watched)
        return;
    p->gone_watched = true;
    http_on_gone(c->x, on_gone, c);
    if (http_is_gone(c->x))
        on_gone(c->x, c);
}

/* All waits are registered: from here on the first waker has the call. */
static void arm(struct parked *pk, bool failed)
{
    struct park *k = pk->park;
    struct call *c = pk->call;

    lock_take(&k->lock);
    bool now = failed || pk->why != 0 || k->closing;

    if (now)
        take_out(k, pk);
    else
        pk->state = PARK_WAITING;
    lock_drop(&k->lock);
    if (now)
        call_resume(c);
}

static void refuse(struct call *c, const struct err *e)
{
    struct call_priv *p = c->priv;

    p->commit_err = arena_alloc(c->arena, sizeof *e);
    *p->commit_err = *e;
    p->commit_result = e->code;
    p->phase = PHASE_COMMITTED;
    call_resume(c);
}

void park_enter(struct call *c)
{
    struct park *k = &c->api->park;
    struct call_priv *p = c->priv;
    struct err e = ERR_INIT;

    if (c->timed_out) { /* asked to answer, and parks again */
        err_set(&e, ERR_TIMEOUT, "nothing has changed in time");
        refuse(c, &e);
        return;
    }
    buf_done(c->body);
    if (p->park_floor == 0)
        p->park_floor = arena_bytes(c->arena);
    p->phase = PHASE_PARKED;
    struct parked *pk = parked_new(k, c);

    if (!put_in(k, pk)) {
        free(pk);
        if (!atomic_load(&c->api->stopping)) {
            err_set_status(&e, ERR_LIMIT, 503, "%d requests wait for changes already",
                           (int)API_PARKED_MAX);
            refuse(c, &e);
            return;
        }
        call_resume(c); /* without a record: park_leave takes it as the deadline */
        return;
    }
    watch_peer(c);
    bool failed = register_waits(pk, &e) < 0;

    if (failed) {
        p->commit_err = arena_alloc(c->arena, sizeof e);
        *p->commit_err = e;
    }
    arm(pk, failed);
}

void park_leave(struct call *c)
{
    struct park *k = &c->api->park;
    struct call_priv *p = c->priv;
    struct parked *pk = p->parked;
    unsigned why = WHY_DEADLINE;

    if (pk) {
        unsigned idle_waits = 0;

        for (size_t i = 0; i < pk->n_waits; i++)
            idle_waits += store_wait_cancel(pk->waits[i]);
        lock_take(&k->lock);
        p->parked = NULL;
        why = pk->why;
        pk->refs = (uint16_t)(pk->refs - idle_waits);
        unref_locked(pk);
        lock_drop(&k->lock);
    }
    c->peer_gone = atomic_load(&p->gone);
    c->timed_out = (why & WHY_DEADLINE) != 0 || atomic_load(&c->api->stopping) ||
                   arena_bytes(c->arena) - p->park_floor > API_PARKED_GROWTH_MAX;
}

/*
 * Life.
 */
int park_init(struct api *api, struct err *e)
{
    struct park *k = &api->park;

    lock_init(&k->lock, "api park", RANK_API_PARK);
    cond_init(&k->timer);
    k->ready = true;
    return thread_start(&k->thread, "api-timer", timer_main, k, e);
}

static size_t take_any(struct park *k, struct call **ret)
{
    auto_lock struct lock *held = lock_scope(&k->lock);
    size_t n = 0;

    k->closing = true;
    for (struct parked *pk = k->list, *next; pk && n < TIMER_BATCH; pk = next) {
        next = pk->next;
        struct call *c = wake_locked(pk, WHY_DEADLINE);

        if (c)
            ret[n++] = c;
    }
    return n;
}

void park_stop(struct api *api)
{
    struct call *batch[TIMER_BATCH];
    size_t n;

    if (!api->park.ready)
        return;
    while ((n = take_any(&api->park, batch)) > 0) {
        for (size_t i = 0; i < n; i++)
            call_resume(batch[i]);
    }
}

void park_done(struct api *api)
{
    struct park *k = &api->park;

    if (!k->ready)
        return;
    lock_take(&k->lock);
    k->ending = true;
    cond_broadcast(&k->timer);
    lock_drop(&k->lock);
    thread_join(&k->thread);
    assert(k->n == 0);
    vec_done(&k->heap);
    cond_done(&k->timer);
    lock_done(&k->lock);
}
