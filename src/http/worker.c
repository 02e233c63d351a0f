#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/err.h"
#include "http/http_priv.h"

enum { EVENTS = 128 };

static _Thread_local const struct worker *self;

bool worker_is_self(const struct worker *w)
{
    return self == w;
}

/*
 * The mailbox. The worker looks into it before it sleeps, so only others have to wake it, and
 * only the first of them.
 */
void worker_post(struct worker *w, struct post *p, bool *flag)
{
    bool wake = false;

    lock_take(&w->lock);
    if (flag)
        *flag = true;
    if (!p->queued) {
        p->queued = true;
        p->next = NULL;
        wake = !w->mail_first && !worker_is_self(w);
        *w->mail_last = p;
        w->mail_last = &p->next;
    }
    lock_drop(&w->lock);
    if (wake) {
        uint64_t one = 1;

        if (write(w->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
            abort();
    }
}

bool worker_saw(struct worker *w, const bool *flag)
{
    auto_lock struct lock *held = lock_scope(&w->lock);

    return *flag;
}

void worker_unpost(struct worker *w, struct post *p)
{
    auto_lock struct lock *held = lock_scope(&w->lock);
    struct post **at = &w->mail_first;

    if (!p->queued)
        return;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    if (!*at)
        w->mail_last = at;
    p->queued = false;
}

/* One at a time: what it does may free others that are still in the box. */
static struct post *mail_take(struct worker *w)
{
    auto_lock struct lock *held = lock_scope(&w->lock);
    struct post *p = w->mail_first;

    if (!p)
        return NULL;
    w->mail_first = p->next;
    if (!w->mail_first)
        w->mail_last = &w->mail_first;
    p->queued = false;
    return p;
}

static void mail_run(struct worker *w)
{
    struct post *p;

    while ((p = mail_take(w)))
        p->fn(p);
}

void timer_clear(struct conn *c)
{
    struct timers *t = c->timer;

    if (!t)
        return;
    *(c->tprev ? &c->tprev->tnext : &t->first) = c->tnext;
    *(c->tnext ? &c->tnext->tprev : &t->last) = c->tprev;
    c->tprev = c->tnext = NULL;
    c->timer = NULL;
}

void timer_set(struct conn *c, enum timer_kind kind)
{
    struct timers *t = &c->w->timers[kind];

    timer_clear(c);
    c->timer = t;
    c->deadline_ms = c->w->now_ms + t->ms;
    c->tprev = t->last;
    *(t->last ? &t->last->tnext : &t->first) = c;
    t->last = c;
}

static void timers_run(struct worker *w)
{
    for (size_t i = 0; i < TIMER_KINDS; i++) {
        struct conn *c;

        while ((c = w->timers[i].first) && c->deadline_ms <= w->now_ms) {
            timer_clear(c);
            conn_timed_out(c);
        }
    }
    if (w->paused && w->paused_until_ms <= w->now_ms)
        listener_resume(w);
}

/* For epoll_wait: until the nearest deadline, -1 if there is none. */
static int timers_wait_ms(const struct worker *w)
{
    int64_t next = w->paused ? w->paused_until_ms : INT64_MAX;

    for (size_t i = 0; i < TIMER_KINDS; i++)
        if (w->timers[i].first && w->timers[i].first->deadline_ms < next)
            next = w->timers[i].first->deadline_ms;
    return next == INT64_MAX ? -1 : clock_poll_ms(next > 0 ? next : 1);
}

const char *worker_date(struct worker *w)
{
    time_t now = (time_t)clock_wall_s();
    struct tm tm;

    if (now != w->date_s) {
        w->date_s = now;
        gmtime_r(&now, &tm);
        strftime(w->date, sizeof w->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    }
    return w->date;
}

struct arena *worker_arena(struct worker *w)
{
    struct arena *a;

    if (w->n_arenas)
        return w->arenas[--w->n_arenas];
    a = arena_new(ARENA_FIRST_BYTES);
    arena_set_wipe(a);
    return a;
}

void worker_arena_back(struct worker *w, struct arena *a)
{
    arena_reset(a);
    if (w->n_arenas == ARENAS_KEPT)
        arena_free(a);
    else
        w->arenas[w->n_arenas++] = a;
}

/* epoll's data is a pointer: the worker itself (wake_fd), a listener (lowest bit set) or a
 * connection. None of them is stale: what is closed is freed only at the end of the round. */
static void dispatch(struct worker *w, const struct epoll_event *ev)
{
    uintptr_t p = (uintptr_t)ev->data.ptr;
    uint64_t n;

    if (ev->data.ptr == w) {
        if (read(w->wake_fd, &n, sizeof n) < 0 && errno != EAGAIN)
            abort();
    } else if (p & 1) {
        listener_accept((struct listener *)(p - 1));
    } else {
        conn_event(ev->data.ptr, ev->events);
    }
}

static void bury(struct worker *w)
{
    struct conn *c;

    while ((c = w->buried)) {
        w->buried = c->next;
        conn_free(c);
    }
}

static void worker_run(void *arg)
{
    struct worker *w = arg;
    struct epoll_event events[EVENTS];

    self = w;
    while (!w->quit) {
        int n = epoll_wait(w->epoll_fd, events, EVENTS, timers_wait_ms(w));

        if (n < 0 && errno != EINTR)
            abort();
        w->now_ms = clock_mono_ms();
        for (int i = 0; i < n; i++)
            dispatch(w, &events[i]);
        mail_run(w);
        timers_run(w);
        mail_run(w);
        bury(w);
    }
}

static void on_stop(struct post *p)
{
    struct worker *w = (struct worker *)((char *)p - offsetof(struct worker, stop_post));

    for (struct conn *c = w->conns, *next; c; c = next) {
        next = c->next;
        conn_shut(c);
    }
}

static void on_kill(struct post *p)
{
    struct worker *w = (struct worker *)((char *)p - offsetof(struct worker, kill_post));

    for (struct conn *c = w->conns, *next; c; c = next) {
        next = c->next;
        conn_close(c);
    }
}

static void on_quit(struct post *p)
{
    struct worker *w = (struct worker *)((char *)p - offsetof(struct worker, quit_post));

    w->quit = true;
}

static void timers_init(struct worker *w, const struct http_limits *l)
{
    const uint32_t ms[TIMER_KINDS] = {
        [TIMER_HEAD] = l->head_timeout_ms,   [TIMER_BODY] = l->body_timeout_ms,
        [TIMER_WRITE] = l->write_timeout_ms, [TIMER_IDLE] = l->idle_timeout_ms,
        [TIMER_LINGER] = LINGER_MS,
    };

    for (size_t i = 0; i < TIMER_KINDS; i++)
        w->timers[i].ms = ms[i];
}

int worker_start(struct worker *w, struct http_server *s, unsigned index, struct err *e)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = w};
    char name[16];

    w->server = s;
    w->index = index;
    w->mail_last = &w->mail_first;
    w->now_ms = clock_mono_ms();
    lock_init(&w->lock, "http worker", RANK_HTTP);
    timers_init(w, &s->limits);
    w->stop_post.fn = on_stop;
    w->kill_post.fn = on_kill;
    w->quit_post.fn = on_quit;
    w->scratch = malloc(SCRATCH_BYTES);
    w->out = malloc(OUT_BYTES);
    if (!w->scratch || !w->out)
        abort();
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->epoll_fd < 0 || w->wake_fd < 0 ||
        epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->wake_fd, &ev) < 0)
        return err_set_errno(e, ERR_LIMIT, "epoll");
    snprintf(name, sizeof name, "http %u", index % 1000);
    return thread_start(&w->thread, name, worker_run, w, e);
}

void worker_join(struct worker *w)
{
    if (!w->server)
        return;
    if (w->thread.running) {
        worker_post(w, &w->quit_post, NULL);
        thread_join(&w->thread);
    }
    assert(!w->conns);
    while (w->n_arenas)
        arena_free(w->arenas[--w->n_arenas]);
    free(w->scratch);
    free(w->out);
    if (w->epoll_fd >= 0)
        close(w->epoll_fd);
    if (w->wake_fd >= 0)
        close(w->wake_fd);
    lock_done(&w->lock);
}
