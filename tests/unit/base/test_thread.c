#include "base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "t.h"

struct counter {
    struct lock lock;
    int n;
};

static void count_up(void *arg)
{
    struct counter *c = arg;

    for (int i = 0; i < 10000; i++) {
        auto_lock struct lock *held = lock_scope(&c->lock);

        lock_assert_held(&c->lock);
        c->n++;
    }
}

TEST(locks_keep_threads_apart)
{
    struct counter c = {.lock = LOCK_INIT("counter", RANK_API)};
    struct thread t[4] = {0};
    struct err e = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        T_OK(thread_start(&t[i], "counting", count_up, &c, &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        thread_join(&t[i]);
    T_INT_EQ(c.n, 40000);
    thread_join(&t[0]); /* once more is fine */
}

/* How a forked child that runs `fn` ends: its signal, 0 if it exits. */
static int ends_with_signal(void (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        const struct rlimit none = {0, 0};

        setrlimit(RLIMIT_CORE, &none);
        fclose(stderr);
        signal(SIGABRT, SIG_DFL);
        fn();
        _exit(0);
    }
    T_INT_EQ(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static struct lock outer = LOCK_INIT("outer", RANK_AGENT);
static struct lock inner = LOCK_INIT("inner", RANK_STORE);

static void take_in_order(void)
{
    lock_take(&outer);
    lock_take(&inner);
    lock_drop(&outer);
    lock_drop(&inner);
}

static void take_out_of_order(void)
{
    lock_take(&inner);
    lock_take(&outer);
}

static void take_an_equal_rank(void)
{
    struct lock twin = LOCK_INIT("twin", RANK_STORE);

    lock_take(&inner);
    lock_take(&twin);
}

static void drop_what_is_not_held(void)
{
    lock_drop(&inner);
}

static void assert_what_is_not_held(void)
{
    lock_assert_held(&inner);
}

static void take_too_many(void)
{
    static struct lock l[LOCK_HELD_MAX + 1];

    for (int i = 0; i <= LOCK_HELD_MAX; i++) {
        lock_init(&l[i], "many", i + 1);
        lock_take(&l[i]);
    }
}

TEST(lock_misuse_ends_the_program_where_it_is_checked)
{
    static const struct {
        const char *label;
        void (*fn)(void);
        int want;
    } rows[] = {
        {"in order", take_in_order, 0},
        {"out of order", take_out_of_order, SIGABRT},
        {"equal rank", take_an_equal_rank, SIGABRT},
        {"drop unheld", drop_what_is_not_held, SIGABRT},
        {"assert unheld", assert_what_is_not_held, SIGABRT},
        {"too many", take_too_many, SIGABRT},
    };

    if (!lock_ranks_checked())
        skip();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        T_INT_EQ(ends_with_signal(rows[i].fn), rows[i].want);
    }
}

struct look {
    char name[16];
    bool term_blocked, segv_blocked;
};

static void look_around(void *arg)
{
    struct look *l = arg;
    sigset_t set;

    pthread_getname_np(pthread_self(), l->name, sizeof l->name);
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    l->term_blocked = sigismember(&set, SIGTERM);
    l->segv_blocked = sigismember(&set, SIGSEGV);
}

TEST(threads_have_names_and_take_no_signals)
{
    struct thread t = {0};
    struct look l = {0};
    struct err e = ERR_INIT;
    sigset_t before, after;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    T_OK(thread_start(&t, "a-name-that-is-too-long", look_around, &l, &e), &e);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    thread_join(&t);
    T_STR_EQ(l.name, "a-name-that-is-");
    T_TRUE(l.term_blocked);
    T_FALSE(l.segv_blocked);
    T_INT_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

struct waiting {
    struct lock lock;
    struct cond cond;
    bool ready, woken;
    int64_t deadline_ms;
    bool result;
};

static void wait_for_it(void *arg)
{
    struct waiting *w = arg;
    auto_lock struct lock *held = lock_scope(&w->lock);

    w->ready = true;
    cond_broadcast(&w->cond);
    w->result = true;
    while (!w->woken && w->result)
        w->result = cond_wait_until(&w->cond, &w->lock, w->deadline_ms);
}

static void run_waiting(struct waiting *w, bool wake, int64_t advance_ns)
{
    struct thread t = {0};
    struct err e = ERR_INIT;

    lock_init(&w->lock, "waiting", RANK_API);
    cond_init(&w->cond);
    T_OK(thread_start(&t, "waiting", wait_for_it, w, &e), &e);
    lock_take(&w->lock);
    while (!w->ready)
        cond_wait(&w->cond, &w->lock);
    w->woken = wake;
    cond_signal(&w->cond);
    lock_drop(&w->lock);
    if (advance_ns)
        clock_fake_advance(advance_ns);
    thread_join(&t);
    cond_done(&w->cond);
    lock_done(&w->lock);
}

TEST(cond_wait_until_ends_by_signal_or_by_deadline)
{
    struct waiting signalled = {.deadline_ms = clock_mono_ms() + 60000};
    struct waiting no_deadline = {.deadline_ms = 0};
    struct waiting late = {.deadline_ms = clock_mono_ms() + 20};

    run_waiting(&signalled, true, 0);
    T_TRUE(signalled.result);
    run_waiting(&no_deadline, true, 0);
    T_TRUE(no_deadline.result);
    run_waiting(&late, false, 0);
    T_FALSE(late.result);
}

TEST(cond_wait_until_sees_the_fake_clock_move)
{
    clock_fake_start(0);
    struct waiting w = {.deadline_ms = clock_mono_ms() + 3600000};

    run_waiting(&w, false, INT64_C(3600000000000));
    clock_fake_stop();
    T_FALSE(w.result);
}

struct stopping {
    struct stopper stop;
    int64_t deadline_ms;
    bool result;
};

static void wait_for_stop(void *arg)
{
    struct stopping *s = arg;

    s->result = stopper_wait_until(&s->stop, s->deadline_ms);
}

TEST(stopper_ends_a_wait_at_once)
{
    struct stopping s = {.deadline_ms = clock_mono_ms() + 60000};
    struct thread t = {0};
    struct err e = ERR_INIT;

    T_OK(stopper_init(&s.stop, &e), &e);
    T_FALSE(stopper_is_set(&s.stop));
    T_FALSE(stopper_wait_until(&s.stop, clock_mono_ms() + 5));
    T_OK(thread_start(&t, "stopping", wait_for_stop, &s, &e), &e);
    stopper_stop(&s.stop);
    thread_join(&t);
    T_TRUE(s.result);
    stopper_stop(&s.stop); /* again is fine */
    T_TRUE(stopper_wait_until(&s.stop, 0));
    stopper_done(&s.stop);
}

TEST(a_stopper_that_was_reset_waits_again)
{
    struct err e = ERR_INIT;
    struct stopper s;

    T_OK(stopper_init(&s, &e), &e);
    stopper_stop(&s);
    stopper_stop(&s);
    stopper_reset(&s);
    T_FALSE(stopper_is_set(&s));
    T_FALSE(stopper_wait_until(&s, clock_mono_ms() + 1));
    stopper_stop(&s);
    T_TRUE(stopper_wait_until(&s, 0));
    stopper_done(&s);
}

TEST(stopper_wait_sees_the_fake_clock_move)
{
    struct stopping s = {0};
    struct thread t = {0};
    struct err e = ERR_INIT;

    clock_fake_start(0);
    s.deadline_ms = clock_mono_ms() + 3600000;
    T_OK(stopper_init(&s.stop, &e), &e);
    T_OK(thread_start(&t, "stopping", wait_for_stop, &s, &e), &e);
    clock_fake_advance(INT64_C(3600000000000));
    thread_join(&t);
    clock_fake_stop();
    T_FALSE(s.result);
    stopper_done(&s.stop);
}

TEST(stopper_poll_tells_readable_from_late_from_stopped)
{
    struct stopper s;
    struct err e = ERR_INIT;
    int fds[2];

    T_OK(stopper_init(&s, &e), &e);
    T_INT_EQ(pipe(fds), 0);
    T_INT_EQ(stopper_poll(&s, fds[0], clock_mono_ms() + 5, &e), 0);
    T_INT_EQ(write(fds[1], "x", 1), 1);
    T_INT_EQ(stopper_poll(&s, fds[0], 0, &e), 1);
    close(fds[1]);
    T_INT_EQ(stopper_poll(&s, fds[0], 0, &e), 1);
    stopper_stop(&s);
    T_INT_EQ(stopper_poll(&s, fds[0], 0, &e), ERR_CANCELED);
    stopper_done(&s);

    T_OK(stopper_init(&s, &e), &e);
    close(fds[0]);
    T_INT_EQ(stopper_poll(&s, fds[0], 0, &e), ERR_IO);
    stopper_done(&s);
}

static void start_without_descriptors(void)
{
    const struct rlimit none = {0, 0};
    struct stopper s;

    setrlimit(RLIMIT_NOFILE, &none);
    if (stopper_init(&s, NULL) == ERR_LIMIT)
        abort();
}

TEST(stopper_init_says_when_descriptors_are_used_up)
{
    T_INT_EQ(ends_with_signal(start_without_descriptors), SIGABRT);
}
