#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/err.h"

/* A failing pthread call on our own objects is a bug of ours, never an event. */
static void must(int r)
{
    if (r != 0)
        abort();
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define SERAI_LOCK_CHECK 1
#else
#define SERAI_LOCK_CHECK 0
#endif

/* What this thread holds, in the order it was taken (so by rising rank). */
static _Thread_local struct {
    const struct lock *at[LOCK_HELD_MAX];
    size_t len;
} held;

static void lock_bug(const struct lock *l, const char *what, const struct lock *other)
{
    fprintf(stderr, "lock '%s' (rank %d) %s '%s' (rank %d)\n", l->name, l->rank, what,
            other ? other->name : "-", other ? other->rank : 0);
    abort();
}

static void held_check(const struct lock *l)
{
    const struct lock *last = held.len ? held.at[held.len - 1] : NULL;

    if (last && last->rank >= l->rank)
        lock_bug(l, "taken while holding", last);
    if (held.len == LOCK_HELD_MAX)
        lock_bug(l, "is one lock too many, after", last);
}

static void held_remove(const struct lock *l)
{
    for (size_t i = held.len; i-- > 0;) {
        if (held.at[i] == l) {
            memmove(&held.at[i], &held.at[i + 1], (held.len - i - 1) * sizeof *held.at);
            held.len--;
            return;
        }
    }
    lock_bug(l, "dropped but not held", NULL);
}

void lock_init(struct lock *l, const char *name, int rank)
{
    must(pthread_mutex_init(&l->m, NULL));
    l->name = name;
    l->rank = rank;
}

void lock_done(struct lock *l)
{
    must(pthread_mutex_destroy(&l->m));
}

void lock_take(struct lock *l)
{
    if (SERAI_LOCK_CHECK)
        held_check(l);
    must(pthread_mutex_lock(&l->m));
    if (SERAI_LOCK_CHECK)
        held.at[held.len++] = l;
}

void lock_drop(struct lock *l)
{
    if (SERAI_LOCK_CHECK)
        held_remove(l);
    must(pthread_mutex_unlock(&l->m));
}

void lock_assert_held(const struct lock *l)
{
    if (!SERAI_LOCK_CHECK)
        return;
    for (size_t i = 0; i < held.len; i++)
        if (held.at[i] == l)
            return;
    lock_bug(l, "is not held", NULL);
}

bool lock_ranks_checked(void)
{
    return SERAI_LOCK_CHECK;
}

void cond_init(struct cond *c)
{
    pthread_condattr_t attr;

    must(pthread_condattr_init(&attr));
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
    must(pthread_cond_init(&c->c, &attr));
    must(pthread_condattr_destroy(&attr));
}

void cond_done(struct cond *c)
{
    must(pthread_cond_destroy(&c->c));
}

void cond_signal(struct cond *c)
{
    must(pthread_cond_signal(&c->c));
}

void cond_broadcast(struct cond *c)
{
    must(pthread_cond_broadcast(&c->c));
}

void cond_wait(struct cond *c, struct lock *l)
{
    lock_assert_held(l);
    must(pthread_cond_wait(&c->c, &l->m));
}

static struct timespec real_mono_in(int64_t ns)
{
    const int64_t second = 1000000000;
    struct timespec ts;

    must(clock_gettime(CLOCK_MONOTONIC, &ts));
    ns += ts.tv_nsec;
    ts.tv_sec += ns / second;
    ts.tv_nsec = ns % second;
    return ts;
}

bool cond_wait_ns(struct cond *c, struct lock *l, int64_t ns)
{
    struct timespec ts = real_mono_in(ns > 0 ? ns : 0);
    int r;

    lock_assert_held(l);
    r = pthread_cond_timedwait(&c->c, &l->m, &ts);
    if (r != 0 && r != ETIMEDOUT)
        abort();
    return r == 0;
}

bool cond_wait_until(struct cond *c, struct lock *l, int64_t deadline_ms)
{
    if (deadline_ms == 0) {
        cond_wait(c, l);
        return true;
    }
    lock_assert_held(l);
    for (;;) {
        int ms = clock_poll_ms(deadline_ms), r;

        if (ms == 0)
            return false;
        struct timespec ts = real_mono_in(ms * 1000000LL);

        r = pthread_cond_timedwait(&c->c, &l->m, &ts);
        /* A signal may come just as a fake clock's short wait ends: the caller looks again. */
        if (r == 0 || (r == ETIMEDOUT && clock_is_fake() && clock_poll_ms(deadline_ms) > 0))
            return true;
        if (r != ETIMEDOUT)
            abort();
    }
}

struct start {
    void (*fn)(void *arg);
    void *arg;
    char name[16];
};

static void *run_thread(void *p)
{
    struct start s = *(struct start *)p;

    free(p);
    pthread_setname_np(pthread_self(), s.name);
    s.fn(s.arg);
    return NULL;
}

static void signals_of_a_thread(sigset_t *set)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

    sigfillset(set);
    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        sigdelset(set, faults[i]);
}

int thread_start(struct thread *t, const char *name, void (*fn)(void *arg), void *arg,
                 struct err *e)
{
    struct start *s = malloc(sizeof *s);
    sigset_t block, old;
    int r;

    assert(!t->running);
    if (!s)
        abort();
    *s = (struct start){.fn = fn, .arg = arg};
    snprintf(s->name, sizeof s->name, "%s", name);

    signals_of_a_thread(&block);
    must(pthread_sigmask(SIG_SETMASK, &block, &old));
    r = pthread_create(&t->t, NULL, run_thread, s);
    must(pthread_sigmask(SIG_SETMASK, &old, NULL));
    if (r != 0) {
        free(s);
        errno = r;
        return err_set_errno(e, ERR_LIMIT, "start thread '%s'", name);
    }
    t->running = true;
    return 0;
}

void thread_join(struct thread *t)
{
    if (!t->running)
        return;
    must(pthread_join(t->t, NULL));
    t->running = false;
}

int stopper_init(struct stopper *s, struct err *e)
{
    atomic_init(&s->stopped, false);
    s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->fd < 0)
        return err_set_errno(e, ERR_IO, "eventfd");
    return 0;
}

void stopper_done(struct stopper *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

void stopper_stop(struct stopper *s)
{
    uint64_t one = 1;
    int saved = errno;

    atomic_store(&s->stopped, true);
    if (write(s->fd, &one, sizeof one) < 0 && errno != EAGAIN)
        abort();
    errno = saved;
}

void stopper_reset(struct stopper *s)
{
    uint64_t n;

    if (read(s->fd, &n, sizeof n) < 0 && errno != EAGAIN && errno != EINTR)
        abort();
    atomic_store(&s->stopped, false);
}

bool stopper_wait_until(struct stopper *s, int64_t deadline_ms)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};

    while (!stopper_is_set(s)) {
        int ms = clock_poll_ms(deadline_ms);

        if (ms == 0)
            return false;
        if (poll(&p, 1, ms) < 0 && errno != EINTR)
            abort();
    }
    return true;
}

int stopper_poll(struct stopper *s, int fd, int64_t deadline_ms, struct err *e)
{
    struct pollfd p[] = {{.fd = s->fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

    for (;;) {
        int ms = clock_poll_ms(deadline_ms);
        int n = poll(p, ARRAY_LEN(p), ms);

        if (n < 0 && errno != EINTR)
            return err_set_errno(e, ERR_IO, "poll");
        if (stopper_is_set(s))
            return err_set(e, ERR_CANCELED, "stopped");
        if (n > 0 && (p[1].revents & POLLNVAL))
            return err_set(e, ERR_IO, "poll: descriptor %d is not open", fd);
        if (n > 0 && p[1].revents)
            return 1;
        if (ms == 0)
            return 0;
    }
}
