/*
 * A task's supervisor outlives its agent by design, so it would outlive a test that crashes, is
 * interrupted or runs into its timeout, too. t_guard splits the program: the tests go on in a
 * child, and the parent waits for its end and then ends all that it has left behind.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t.h"

enum { KIDS_TEXT = 4096, LEAVE_MS = 5000 };

/* Our children: the tests' orphans, since we are the subreaper. False: there are none. */
static bool first_child(pid_t *ret)
{
    char path[64], text[KIDS_TEXT];
    FILE *f;
    size_t n = 0;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    f = fopen(path, "r");
    if (f) {
        n = fread(text, 1, sizeof text - 1, f);
        fclose(f);
    }
    text[n] = '\0';
    *ret = (pid_t)strtol(text, NULL, 10);
    return *ret > 0;
}

/* What ends by itself in a moment was not left behind. */
static int end_the_rest(int patience_ms)
{
    int64_t until = t_real_ms() + patience_ms;
    int killed = 0;
    pid_t pid;

    while (first_child(&pid)) {
        if (t_real_ms() >= until) {
            kill(pid, SIGKILL);
            killed += waitpid(pid, NULL, 0) == pid;
            continue;
        }
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        t_pause();
    }
    return killed;
}

/* Until it ends; being told to end, we end it. */
static int watch_over(pid_t tests, const sigset_t *set)
{
    int status = 0, sig;

    for (;;) {
        if (sigwait(set, &sig) != 0)
            abort();
        if (sig != SIGCHLD)
            kill(tests, SIGKILL);
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            if (pid == tests)
                return status;
    }
}

void t_guard(void)
{
    static const int ends[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    pid_t us = getpid(), tests;
    sigset_t set, old;
    int status, left;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        sigaddset(&set, ends[i]);
    if (sigprocmask(SIG_BLOCK, &set, &old) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        abort();
    tests = fork();
    if (tests < 0)
        abort();
    if (tests == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != us)
            _exit(1);
        sigprocmask(SIG_SETMASK, &old, NULL);
        return;
    }
    status = watch_over(tests, &set);
    left = end_the_rest(status == 0 ? LEAVE_MS : 0);
    if (status == 0 && left)
        fprintf(stderr, "the tests passed, but left %d processes behind\n", left);
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status) ?: left > 0);
}
