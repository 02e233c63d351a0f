/*
 * Waits: one-shot wake-ups, grouped by what they wait for, and the notifier's thread that runs
 * them (and signals watches, and lets mapped memory go).
 *
 * A wait is ARMED in its group, then QUEUED to be run, RUNNING, and DONE; its owner's cancel
 * takes it out of any of these and frees it.
 */
#include <assert.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/store_priv.h"

enum { NOTIFIER_BATCH = 256 }; /* changes looked at before others get the lock */

enum wait_state { WAIT_ARMED, WAIT_QUEUED, WAIT_RUNNING, WAIT_DONE };

struct store_wait {
    struct store *store;
    struct wait_group *group;
    struct store_wait *prev, *next; /* in the group or in the firing list */
    wait_fn *fn;
    void *arg;
    uint64_t rev;
    uint8_t state;
};

/* Those who wait for the same prefix (or key). */
struct wait_group {
    struct prefix_node node;
    struct store_wait *first;
    bool exact;
    unsigned refs; /* waits that name it, in whatever state */
    char bytes[];
};

static _Thread_local struct store *notifier_of; /* this thread is that store's notifier */

void waits_init(struct store *s)
{
    struct wait_table *w = &s->waits;

    lock_init(&w->lock, "parked", RANK_WATCH);
    cond_init(&w->wake);
    cond_init(&w->ran);
    w->seq = s->history.published;
}

void waits_done(struct store *s)
{
    struct wait_table *w = &s->waits;

    assert(atomic_load(&w->parked) == 0); /* a wait or watch outlives its store */
    prefix_set_done(&w->prefixes);
    prefix_set_done(&w->exacts);
    vec_done(&w->watches);
    cond_done(&w->ran);
    cond_done(&w->wake);
    lock_done(&w->lock);
}

static struct prefix_set *set_of(struct wait_table *w, bool exact)
{
    return exact ? &w->exacts : &w->prefixes;
}

/* The lists; parked lock held. */

static struct wait_group *group_get(struct wait_table *w, struct str prefix, bool exact)
{
    struct wait_group *g = (struct wait_group *)prefix_get(set_of(w, exact), prefix);

    if (!g) {
        g = calloc(1, sizeof *g + prefix.len);
        if (!g)
            abort();
        g->exact = exact;
        if (prefix.len)
            memcpy(g->bytes, prefix.p, prefix.len);
        g->node.bytes = str_n(g->bytes, prefix.len);
        prefix_add(set_of(w, exact), &g->node);
    }
    g->refs++;
    return g;
}

static void group_put(struct wait_table *w, struct wait_group *g)
{
    if (--g->refs > 0)
        return;
    prefix_del(set_of(w, g->exact), &g->node);
    free(g);
}

static void arm(struct store_wait *x)
{
    struct wait_group *g = x->group;

    x->state = WAIT_ARMED;
    x->prev = NULL;
    x->next = g->first;
    if (g->first)
        g->first->prev = x;
    g->first = x;
}

static void unlink_wait(struct store_wait *x, struct store_wait **first,
                        struct store_wait **last)
{
    if (x->prev)
        x->prev->next = x->next;
    else
        *first = x->next;
    if (x->next)
        x->next->prev = x->prev;
    else if (last)
        *last = x->prev;
}

static void fire(struct wait_table *w, struct store_wait *x)
{
    unlink_wait(x, &x->group->first, NULL);
    x->state = WAIT_QUEUED;
    x->next = NULL;
    x->prev = w->firing_tail;
    if (w->firing_tail)
        w->firing_tail->next = x;
    else
        w->firing = x;
    w->firing_tail = x;
}

static void fire_group(struct wait_table *w, struct wait_group *g, uint64_t rev)
{
    for (struct store_wait *x = g->first, *next; x; x = next) {
        next = x->next;
        if (x->rev < rev)
            fire(w, x);
    }
}

static void fire_for_key(struct wait_table *w, struct str key, uint64_t rev)
{
    struct prefix_node *n = prefix_get(&w->exacts, key);

    if (n)
        fire_group(w, (struct wait_group *)n, rev);
    for (size_t i = 0; (n = prefix_next(&w->prefixes, key, &i));)
        fire_group(w, (struct wait_group *)n, rev);
}

/* Every wait that is older than `rev`: what it waits for may have been missed. */
static void fire_older(struct wait_table *w, uint64_t rev)
{
    struct str key;
    void *g;

    for (int exact = 0; exact < 2; exact++)
        for (size_t i = 0; map_next(&set_of(w, exact)->map, &i, &key, &g);)
            fire_group(w, g, rev);
}

void waits_fire_all(struct store *s)
{
    auto_lock struct lock *held = lock_scope(&s->waits.lock);

    fire_older(&s->waits, UINT64_MAX);
    watches_signal_all(s);
    s->waits.notify = true;
    cond_signal(&s->waits.wake);
}

/* The notifier. */

void notifier_wake(struct store *s)
{
    if (atomic_load(&s->waits.parked) == 0)
        return;
    auto_lock struct lock *held = lock_scope(&s->waits.lock);
    if (!s->waits.notify) {
        s->waits.notify = true;
        cond_signal(&s->waits.wake);
    }
}

void notifier_trim(struct store *s)
{
    auto_lock struct lock *held = lock_scope(&s->waits.lock);

    if (s->waits.trim_at_ms)
        return;
    s->waits.trim_at_ms = clock_mono_ms() + STORE_TRIM_MS;
    cond_signal(&s->waits.wake);
}

/* Looks at the next published changes; true while there may be more. Both locks are taken. */
static bool look_at_changes(struct store *s)
{
    struct wait_table *w = &s->waits;
    auto_lock struct lock *held = lock_scope(&s->history.lock);
    struct history *h = &s->history;
    uint64_t stop;

    if (w->seq < h->oldest) { /* fell behind: wake rather than miss */
        fire_older(w, h->base_rev);
        watches_signal_all(s);
        w->seq = h->oldest;
    }
    if (w->seq > h->published)
        w->seq = h->published;
    stop = h->published - w->seq > NOTIFIER_BATCH ? w->seq + NOTIFIER_BATCH : h->published;
    for (; w->seq < stop; w->seq++) {
        const struct change *c = history_at(h, w->seq);

        fire_for_key(w, change_key(c->data), c->rev);
        watches_signal(s, c);
    }
    return w->seq < h->published;
}

/* Runs the first of the firing list; parked lock held, but not while fn runs. */
static void run_one(struct wait_table *w)
{
    struct store_wait *x = w->firing;
    wait_fn *fn = x->fn;
    void *arg = x->arg;

    unlink_wait(x, &w->firing, &w->firing_tail);
    x->state = WAIT_RUNNING;
    w->running = x;
    lock_drop(&w->lock);
    fn(arg);
    lock_take(&w->lock);
    if (w->running) { /* else fn itself has cancelled, which freed it */
        x->state = WAIT_DONE;
        w->running = NULL;
    }
    if (w->n_cancelers)
        cond_broadcast(&w->ran);
}

/* Parked lock held, but not while the driver trims. */
static void trim_if_due(struct store *s)
{
    struct wait_table *w = &s->waits;

    if (w->trim_at_ms == 0 || clock_mono_ms() < w->trim_at_ms)
        return;
    w->trim_at_ms = 0;
    lock_drop(&w->lock);
    s->driver->trim(s->d);
    lock_take(&w->lock);
}

static void notifier_sleep(struct store *s)
{
    struct wait_table *w = &s->waits;

    while (!w->notify && !w->stop && !w->firing) {
        if (w->trim_at_ms)
            cond_wait_until(&w->wake, &w->lock, w->trim_at_ms);
        else
            cond_wait(&w->wake, &w->lock);
        trim_if_due(s);
    }
    w->notify = false;
}

void notifier_run(void *store)
{
    struct store *s = store;
    struct wait_table *w = &s->waits;
    bool more = false;

    notifier_of = s;
    lock_take(&w->lock);
    while (!w->stop) {
        if (!more)
            notifier_sleep(s);
        trim_if_due(s);
        more = look_at_changes(s);
        while (w->firing && !w->stop)
            run_one(w);
    }
    lock_drop(&w->lock);
}

/* The door. */

/* Has anything under `prefix` changed after `rev`, as far as can be told without the records?
 */
enum answer { NO, YES, UNKNOWN };

static enum answer changed_in_history(struct store *s, struct str prefix, bool exact,
                                      uint64_t rev)
{
    auto_lock struct lock *held = lock_scope(&s->history.lock);
    const struct history *h = &s->history;

    if (rev < h->base_rev)
        return UNKNOWN;
    for (uint64_t n = history_after(h, rev); n < h->published; n++) {
        struct str key = change_key(history_at(h, n)->data);

        if (exact ? str_eq(key, prefix) : str_starts(key, prefix))
            return YES;
    }
    return NO;
}

/* What history has forgotten is asked of the record itself; if that is gone too, or it is about
 * a whole prefix, better a wake-up too many. */
static bool changed_in_record(struct store *s, struct str prefix, bool exact, uint64_t rev)
{
    auto_txn struct txn *t = NULL;
    struct record rec;

    if (!exact || txn_begin(s, TXN_READ_ONLY, &t, NULL) < 0)
        return true;
    return txn_get(t, prefix, &rec, NULL) < 0 || rec.mod_rev > rev;
}

static bool changed_already(struct store *s, struct str prefix, bool exact, uint64_t rev)
{
    bool is_it;
    uint64_t known;
    enum answer a;

    if (atomic_load(&s->rev) <= rev)
        return false;
    known = store_prefix_covering(s, prefix, &is_it);
    if (known <= rev)
        return false;
    if (is_it && !exact && known != UINT64_MAX)
        return true;
    a = changed_in_history(s, prefix, exact, rev);
    return a == UNKNOWN ? changed_in_record(s, prefix, exact, rev) : a == YES;
}

/* The first to park finds a notifier that has slept through older changes: none are for it. */
static void skip_history(struct store *s)
{
    auto_lock struct lock *held = lock_scope(&s->history.lock);

    s->waits.seq = s->history.published;
}

void parked_add(struct store *s)
{
    lock_assert_held(&s->waits.lock);
    if (atomic_fetch_add(&s->waits.parked, 1) == 0)
        skip_history(s);
}

void parked_del(struct store *s)
{
    lock_assert_held(&s->waits.lock);
    atomic_fetch_sub(&s->waits.parked, 1);
}

int store_wait_new(struct store *s, struct str prefix, bool exact, uint64_t rev, wait_fn *fn,
                   void *arg, struct store_wait **ret, struct err *e)
{
    struct wait_table *w = &s->waits;
    struct store_wait *x;
    uint64_t seen;
    bool now;

    if (prefix.len > STORE_KEY_MAX)
        return store_key_check(prefix, e);
    x = calloc(1, sizeof *x);
    if (!x)
        abort();
    *x = (struct store_wait){.store = s, .fn = fn, .arg = arg, .rev = rev};

    seen = atomic_load(&s->rev);
    now = changed_already(s, prefix, exact, rev);

    auto_lock struct lock *held = lock_scope(&w->lock);
    if (atomic_load(&w->parked) >= STORE_PARKED_MAX) {
        free(x);
        return err_set(e, ERR_LIMIT, "%d waits are parked already", STORE_PARKED_MAX);
    }
    parked_add(s);
    x->group = group_get(w, prefix, exact);
    arm(x);
    /* From here on the notifier sees every change; what came since we asked is asked again. */
    if (now || changed_in_history(s, prefix, exact, seen > rev ? seen : rev) != NO) {
        fire(w, x);
        cond_signal(&w->wake);
    }
    *ret = x;
    return 0;
}

bool store_wait_cancel(struct store_wait *x)
{
    struct store *s = x->store;
    struct wait_table *w = &s->waits;
    auto_lock struct lock *held = lock_scope(&w->lock);
    bool in_time = x->state == WAIT_ARMED || x->state == WAIT_QUEUED;

    if (x->state == WAIT_ARMED)
        unlink_wait(x, &x->group->first, NULL);
    else if (x->state == WAIT_QUEUED)
        unlink_wait(x, &w->firing, &w->firing_tail);
    else if (x->state == WAIT_RUNNING && notifier_of == s)
        w->running = NULL; /* from fn itself */
    w->n_cancelers++;
    while (x->state == WAIT_RUNNING && notifier_of != s)
        cond_wait(&w->ran, &w->lock);
    w->n_cancelers--;
    group_put(w, x->group);
    parked_del(s);
    free(x);
    return in_time;
}
