#include "base/secret.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/log.h"
#include "t.h"

TEST(secrets_are_cleared_when_given_and_when_given_back)
{
    struct secret s = SECRET_INIT;
    struct err e = ERR_INIT;
    uint8_t *p;

    T_OK(secret_copy("hunter2", 7, &s, &e), &e);
    T_INT_EQ(memcmp(s.p, "hunter2", 7), 0);
    p = s.p;
    secret_done(&s);
    T_TRUE(s.p == NULL && s.len == 0);
    secret_done(&s);

    /* The same slot comes back, empty. */
    T_OK(secret_alloc(7, &s, &e), &e);
    T_TRUE(s.p == p);
    for (int i = 0; i < 7; i++)
        T_INT_EQ(s.p[i], 0);
    secret_done(&s);
}

TEST(secrets_of_all_sizes_live_side_by_side)
{
    enum { N = 400 };
    struct secret s[N];
    struct err e = ERR_INIT;

    for (size_t i = 0; i < N; i++) {
        T_OK(secret_alloc(i * 41 % 600, &s[i], &e), &e);
        memset(s[i].p, (int)i, s[i].len);
    }
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < s[i].len; j++)
            T_INT_EQ(s[i].p[j], (uint8_t)i);
    for (size_t i = 0; i < N; i++)
        secret_done(&s[i * 7 % N]);
}

TEST(secret_larger_than_the_maximum_is_refused)
{
    struct secret s = SECRET_INIT;
    struct err e = ERR_INIT;

    T_OK(secret_alloc(SECRET_MAX, &s, &e), &e);
    s.p[SECRET_MAX - 1] = 1;
    secret_done(&s);
    T_INT_EQ(secret_alloc(SECRET_MAX + 1, &s, &e), ERR_TOOBIG);
    T_STR_HAS(e.msg, "16384");
    T_TRUE(s.p == NULL);
}

TEST(secret_random_and_secret_eq)
{
    auto_secret struct secret a = SECRET_INIT, b = SECRET_INIT, c = SECRET_INIT,
                              d = SECRET_INIT;
    struct err e = ERR_INIT;

    T_OK(secret_random(32, &a, &e), &e);
    T_OK(secret_random(32, &b, &e), &e);
    T_OK(secret_copy(a.p, a.len, &c, &e), &e);
    T_OK(secret_copy(a.p, 31, &d, &e), &e);
    T_FALSE(secret_eq(&a, &b));
    T_TRUE(secret_eq(&a, &c));
    T_FALSE(secret_eq(&a, &d));
    c.p[31] ^= 1;
    T_FALSE(secret_eq(&a, &c));
}

/* How a forked child that runs `fn` ends: its signal, or 1000 + exit status. */
static int child_ends(int (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        const struct rlimit none = {0, 0};

        setrlimit(RLIMIT_CORE, &none);
        fclose(stderr);
        log_set_level(LOG_OFF);
        signal(SIGABRT, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        _exit(fn());
    }
    T_INT_EQ(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 1000 + WEXITSTATUS(status);
}

static int overrun_by_one(void)
{
    struct secret s = SECRET_INIT;

    if (secret_alloc(5, &s, NULL) < 0)
        return 9;
    s.p[5] ^= 1;
    secret_done(&s);
    return 0;
}

static int give_back_twice(void)
{
    struct secret s = SECRET_INIT, keep = SECRET_INIT, copy;

    if (secret_alloc(5, &keep, NULL) < 0 || secret_alloc(5, &s, NULL) < 0)
        return 9;
    copy = s;
    secret_done(&s);
    secret_done(&copy);
    return 0;
}

static int run_into_the_guard(void)
{
    struct secret s = SECRET_INIT;

    if (secret_alloc(SECRET_MAX, &s, NULL) < 0)
        return 9;
    for (volatile uint8_t *p = s.p;; p++)
        *p = 1;
}

static int use_it_all_up(void)
{
    struct secret s;

    for (int i = 0; i < 1024; i++)
        if (secret_alloc(SECRET_MAX, &s, NULL) == ERR_LIMIT)
            return 1;
    return 0;
}

static int lock_required_but_refused(void)
{
    const struct rlimit none = {0, 0};
    struct secret s;

    /* root may lock whatever the limit says: give the right away first */
    if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 || (geteuid() == 0 && setuid(65534) < 0))
        return 9;
    secret_require_lock(true);
    for (int i = 0; i < 8; i++)
        if (secret_alloc(SECRET_MAX, &s, NULL) == ERR_LIMIT)
            return 1;
    return 0;
}

static int lock_refused_but_not_required(void)
{
    const struct rlimit none = {0, 0};
    struct secret s;

    if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 || (geteuid() == 0 && setuid(65534) < 0))
        return 9;
    for (int i = 0; i < 8; i++) /* enough for chunks that are not locked yet */
        if (secret_alloc(SECRET_MAX, &s, NULL) < 0)
            return 8;
    return secret_is_locked() ? 0 : 1;
}

static int harden(void)
{
    struct rlimit core;

    secret_harden_process();
    getrlimit(RLIMIT_CORE, &core);
    return core.rlim_max == 0 && prctl(PR_GET_DUMPABLE) == 0;
}

TEST(secret_memory_defends_itself)
{
    static const struct {
        const char *label;
        int (*fn)(void);
        int want;
    } rows[] = {
        {"overrun by one byte", overrun_by_one, SIGABRT},
        {"given back twice", give_back_twice, SIGABRT},
        {"run into the guard page", run_into_the_guard, SIGSEGV},
        {"used up", use_it_all_up, 1001},
        {"lock required", lock_required_but_refused, 1001},
        {"lock not required", lock_refused_but_not_required, 1001},
        {"hardened process", harden, 1001},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        T_INT_EQ(child_ends(rows[i].fn), rows[i].want);
    }
}

static struct secret inherited;

static int secret_is_gone(void)
{
    for (size_t i = 0; i < inherited.len; i++)
        if (inherited.p[i])
            return 0;
    return 1;
}

TEST(secrets_do_not_reach_a_forked_child)
{
    struct err e = ERR_INIT;

    T_OK(secret_random(64, &inherited, &e), &e);
    T_INT_EQ(child_ends(secret_is_gone), 1001);
    secret_done(&inherited);
}

TEST(secret_wipe_leaves_nothing)
{
    char text[] = "hunter2";

    secret_wipe(text, sizeof text);
    for (size_t i = 0; i < sizeof text; i++)
        T_INT_EQ(text[i], 0);
    secret_wipe(NULL, 0);
}
