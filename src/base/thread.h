/*
 * thread -- threads with names, locks with ranks, waits that end
 *
 * A lock has a rank; a thread may only take a lock of a higher rank than those it holds
 * (checked in debug and sanitizer builds, aborts with both names). No lock is held across a
 * call out of its room. Deadlines are absolute, in clock_mono_ms; 0 is "none". Waits look at
 * the fake clock of base/clock.h too.
 *
 * Errors: ERR_LIMIT (no more threads or descriptors), ERR_CANCELED, ERR_IO.
 * Limits: LOCK_HELD_MAX locks held by one thread.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"

struct err;

enum { LOCK_HELD_MAX = 16 };

/* Outer locks first. Rooms keep their ranks together here so that the order can be read. */
enum lock_rank {
    RANK_AGENT = 10,  /* main, config reload */
    RANK_CLIENT = 20, /* nomad/client */
    RANK_SERVER = 30, /* nomad/server */
    RANK_VAULT = 40,  /* vault/core */
    RANK_API = 50,    /* api: pool, parked polls */
    RANK_WATCH = 60,  /* store: watchers */
    RANK_STORE = 70,  /* store: commit queue */
    RANK_STORE_CACHE = 75,
    RANK_HTTP = 80,
    RANK_QUEUE = 90,
    RANK_SECRET = 95, /* base/secret */
    RANK_LOG = 100,
    RANK_LOG_TAP = 110, /* what a log tap takes */
};

struct lock {
    pthread_mutex_t m;
    const char *name;
    int rank;
};

#define LOCK_INIT(name_, rank_)                                          \
    {                                                                    \
        .m = PTHREAD_MUTEX_INITIALIZER, .name = (name_), .rank = (rank_) \
    }

void lock_init(struct lock *l, const char *name, int rank);
void lock_done(struct lock *l);
void lock_take(struct lock *l);
void lock_drop(struct lock *l);
void lock_assert_held(const struct lock *l);
bool lock_ranks_checked(void); /* is this a build that checks? */

/* `auto_lock struct lock *held = lock_scope(&x->lock);` */
static inline struct lock *lock_scope(struct lock *l)
{
    lock_take(l);
    return l;
}
static inline void lock_dropp_(struct lock **l)
{
    if (*l)
        lock_drop(*l);
}
#define auto_lock AUTO(lock_dropp_) __attribute__((unused))

struct cond {
    pthread_cond_t c; /* on CLOCK_MONOTONIC */
};

void cond_init(struct cond *c);
void cond_done(struct cond *c);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);
void cond_wait(struct cond *c, struct lock *l);
/* False: the deadline has passed. True: something may have happened, look again. */
bool cond_wait_until(struct cond *c, struct lock *l, int64_t deadline_ms);
/* For waits too short for milliseconds, in real time whatever clock.h says. False: it is over.
 */
bool cond_wait_ns(struct cond *c, struct lock *l, int64_t ns);

struct thread {
    pthread_t t;
    bool running;
};

/* `name` at most 15 characters shows in ps and logs. All signals are blocked in the thread but
 * those that a fault raises. */
int thread_start(struct thread *t, const char *name, void (*fn)(void *arg), void *arg,
                 struct err *e);
void thread_join(struct thread *t); /* not running is fine */

/*
 * stopper -- one "please end" that every wait of a thread can see
 *
 * stopper_fd becomes readable when stopped, to put beside other descriptors in poll(2).
 */
struct stopper {
    atomic_bool stopped;
    int fd; /* eventfd */
};

int stopper_init(struct stopper *s, struct err *e);
void stopper_done(struct stopper *s);
void stopper_stop(struct stopper *s); /* from any thread; async-signal-safe */
/* It can be stopped anew: for waits that are only interrupted. Not at the same time as
 * stopper_stop: the owner has a lock around both. */
void stopper_reset(struct stopper *s);
static inline bool stopper_is_set(const struct stopper *s)
{
    return atomic_load(&s->stopped);
}
/* True when stopped, false when the deadline passed. */
bool stopper_wait_until(struct stopper *s, int64_t deadline_ms);
/* Wait until `fd` is readable (or hung up): 1, the deadline passed: 0, stopped: ERR_CANCELED.
 */
int stopper_poll(struct stopper *s, int fd, int64_t deadline_ms, struct err *e);

#endif
