/* Watches: each has a place in the history's ring and an eventfd that says "look". */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/store_priv.h"

enum { WATCH_BATCH = 1024 }; /* changes looked at before others get the history's lock */

struct watch {
    struct store *store;
    struct str prefix;
    uint64_t seq; /* next change to look at */
    uint64_t rev; /* changes up to here are behind us */
    int fd;
    bool signaled;               /* parked lock */
    struct change_data *current; /* what the caller looks at */
    char *value;                 /* the same, when it had to be read again */
    char bytes[];
};

/* Parked lock held. */
static void signal_watch(struct watch *w)
{
    uint64_t one = 1;

    if (w->signaled)
        return;
    w->signaled = true;
    while (write(w->fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

void watches_signal(struct store *s, const struct change *c)
{
    for (size_t i = 0; i < s->waits.watches.len; i++)
        if (str_starts(change_key(c->data), s->waits.watches.at[i]->prefix))
            signal_watch(s->waits.watches.at[i]);
}

void watches_signal_all(struct store *s)
{
    for (size_t i = 0; i < s->waits.watches.len; i++)
        signal_watch(s->waits.watches.at[i]);
}

bool watches_want(struct store *s, struct str key)
{
    for (size_t i = 0; i < s->waits.watches.len; i++)
        if (str_starts(key, s->waits.watches.at[i]->prefix))
            return true;
    return false;
}

int watch_open(struct store *s, struct str prefix, uint64_t from_rev, struct watch **ret,
               struct err *e)
{
    struct watch *w;

    if (prefix.len > STORE_KEY_MAX)
        return store_key_check(prefix, e);
    w = calloc(1, sizeof *w + prefix.len);
    if (!w)
        abort();
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->fd < 0) {
        free(w);
        return err_set_errno(e, ERR_IO, "open a watch");
    }
    if (prefix.len)
        memcpy(w->bytes, prefix.p, prefix.len);
    w->store = s;
    w->prefix = str_n(w->bytes, prefix.len);
    w->rev = from_rev;

    auto_lock struct lock *held = lock_scope(&s->waits.lock);
    parked_add(s);
    vec_push(&s->waits.watches, w);
    auto_lock struct lock *history = lock_scope(&s->history.lock);
    w->seq = from_rev < s->history.base_rev ? 0 : history_after(&s->history, from_rev);
    if (w->seq > s->history.published)
        w->seq = s->history.published;
    if (w->seq < s->history.published)
        signal_watch(w);
    *ret = w;
    return 0;
}

static void forget_current(struct watch *w)
{
    change_unref(w->current);
    w->current = NULL;
    free(w->value);
    w->value = NULL;
}

void watch_close(struct watch *w)
{
    if (!w)
        return;
    struct store *s = w->store;

    lock_take(&s->waits.lock);
    for (size_t i = 0; i < s->waits.watches.len; i++)
        if (s->waits.watches.at[i] == w) {
            vec_remove_swap(&s->waits.watches, i);
            break;
        }
    parked_del(s);
    lock_drop(&s->waits.lock);
    forget_current(w);
    close(w->fd);
    free(w);
}

int watch_fd(struct watch *w)
{
    return w->fd;
}

static int resync(struct watch *w, uint64_t rev, uint64_t seq, struct watch_event *ret)
{
    forget_current(w);
    w->seq = seq;
    w->rev = rev;
    *ret = (struct watch_event){.kind = WATCH_RESYNC, .rev = rev};
    return 1;
}

/* The next change that matters, with its data in w->current: 1; none yet: 0; 2: look again. */
static int take_change(struct watch *w, struct change *ret_c, struct watch_event *ret)
{
    struct history *h = &w->store->history;
    auto_lock struct lock *held = lock_scope(&h->lock);
    uint64_t stop;

    if (w->seq < h->oldest)
        return resync(w, h->rev, h->published, ret);
    stop = h->published - w->seq > WATCH_BATCH ? w->seq + WATCH_BATCH : h->published;
    while (w->seq < stop) {
        const struct change *c = history_at(h, w->seq++);

        if (c->rev > w->rev && str_starts(change_key(c->data), w->prefix)) {
            *ret_c = *c;
            w->current = change_ref(c->data);
            return 1;
        }
    }
    return w->seq < h->published ? 2 : 0;
}

/* The change happened before anybody watched, so its value was not kept: it is the record's, if
 * that has not changed again. 1: found, 0: it has. */
static int read_value(struct watch *w, const struct change *c, struct str *ret, struct err *e)
{
    auto_txn struct txn *t = NULL;
    struct record rec;
    int r = txn_begin(w->store, TXN_READ_ONLY, &t, e);

    if (r == 0)
        r = txn_get(t, change_key(c->data), &rec, e);
    if (r == ERR_NOTFOUND || (r == 0 && rec.mod_rev != c->rev))
        return 0;
    if (r < 0)
        return r;
    w->value = malloc(rec.value.len + 1);
    if (!w->value)
        abort();
    if (rec.value.len)
        memcpy(w->value, rec.value.p, rec.value.len);
    *ret = str_n(w->value, rec.value.len);
    return 1;
}

static int resync_to_now(struct watch *w, struct watch_event *ret)
{
    struct history *h = &w->store->history;
    auto_lock struct lock *held = lock_scope(&h->lock);

    return resync(w, h->rev, h->published, ret);
}

/* 1: *ret is an event; 0: nothing waits; < 0: error, the change will be tried again. */
static int next_event(struct watch *w, struct watch_event *ret, struct err *e)
{
    struct change c = {0};
    int r;

    forget_current(w);
    while ((r = take_change(w, &c, ret)) == 2)
        ;
    if (r == 0 || !w->current)
        return r;
    *ret = (struct watch_event){
        .kind = c.effect == OP_DELETED ? WATCH_DEL : WATCH_PUT,
        .rev = c.rev,
        .create_rev = c.create_rev,
        .key = change_key(w->current),
        .value = change_value(w->current),
    };
    if (w->current->has_value)
        return 1;
    r = read_value(w, &c, &ret->value, e);
    if (r == 0)
        return resync_to_now(w, ret);
    if (r < 0) {
        w->seq--;
        return r;
    }
    return 1;
}

static void clear_signal(struct watch *w)
{
    auto_lock struct lock *held = lock_scope(&w->store->waits.lock);
    uint64_t n;

    w->signaled = false;
    while (read(w->fd, &n, sizeof n) < 0 && errno == EINTR)
        ;
}

/* 1: readable, 0: the deadline, or ERR_CANCELED. */
static int wait_readable(struct watch *w, struct stopper *stop, int64_t deadline_ms,
                         struct err *e)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};

    if (stop)
        return stopper_poll(stop, w->fd, deadline_ms, e);
    for (;;) {
        int r = poll(&p, 1, clock_poll_ms(deadline_ms));

        if (r > 0)
            return 1;
        if (r < 0 && errno != EINTR)
            return err_set_errno(e, ERR_IO, "wait for changes");
        if (deadline_ms && clock_mono_ms() >= deadline_ms)
            return 0;
    }
}

int watch_next(struct watch *w, struct stopper *stop, int64_t deadline_ms,
               struct watch_event *ret, struct err *e)
{
    for (;;) {
        int r;

        if (stop && stopper_is_set(stop))
            return err_set(e, ERR_CANCELED, "stopped");
        r = next_event(w, ret, e);
        if (r != 0)
            return r;
        clear_signal(w);
        r = next_event(w, ret, e); /* what came before the signal was cleared */
        if (r != 0)
            return r;
        r = wait_readable(w, stop, deadline_ms, e);
        if (r <= 0)
            return r;
    }
}
