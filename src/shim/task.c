#include "shim/shim_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

int64_t wall_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t mono_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Field `n` (from 1) of /proc/PID/stat; the second one, the name, may hold anything. */
static bool stat_field(pid_t pid, int n, uint64_t *ret)
{
    char path[64], text[1024];
    ssize_t len;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    len = read(fd, text, sizeof text - 1);
    if (len <= 0)
        return false;
    text[len] = '\0';

    char *p = strrchr(text, ')');

    for (int i = 2; p && i < n; i++)
        p = strchr(p + 1, ' ');
    if (!p)
        return false;
    struct str s = str_of(p + 1), head;

    return str_split(&s, ' ', &head) && str_to_u64(head, 10, ret);
}

/*
 * The child's side, between fork and exec: only async-signal-safe calls. What fails is told to
 * the parent as an errno through `report`.
 */
static int set_rlimit(const char *text)
{
    static const struct {
        const char *name;
        int resource;
    } known[] = {{"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},
                 {"core", RLIMIT_CORE},       {"fsize", RLIMIT_FSIZE},
                 {"memlock", RLIMIT_MEMLOCK}, {"stack", RLIMIT_STACK}};
    struct str rest = str_of(text), name, soft;
    uint64_t s, h;

    if (!str_split(&rest, '=', &name) || !str_split(&rest, ':', &soft) ||
        !str_to_u64(soft, 10, &s) || !str_to_u64(rest, 10, &h))
        return EINVAL;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct rlimit lim = {s, h};

        if (str_eqc(name, known[i].name))
            return setrlimit(known[i].resource, &lim) < 0 ? errno : 0;
    }
    return EINVAL;
}

static int join_cgroup(const char *dir)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/cgroup.procs", dir);

    if (n < 0 || (size_t)n >= sizeof path)
        return ENAMETOOLONG;
    auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        return errno;
    return 0;
}

static int become(const struct spec *s)
{
    sigset_t none;
    int r;

    if (s->cgroup && (r = join_cgroup(s->cgroup)))
        return r;
    for (size_t i = 0; i < s->n_rlimits; i++)
        if ((r = set_rlimit(s->rlimits[i])))
            return r;
    if (s->nice && setpriority(PRIO_PROCESS, 0, s->nice) < 0)
        return errno;
    if (s->set_ids &&
        (setgroups(s->n_groups, s->groups) < 0 || setgid(s->gid) < 0 || setuid(s->uid) < 0))
        return errno;
    if (s->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return errno;
    if (chdir(s->cwd) < 0)
        return errno;
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    return 0;
}

__attribute__((noreturn)) static void child(const struct spec *s, int out, int err, int report)
{
    int null = open("/dev/null", O_RDONLY);
    int failed;

    setpgid(0, 0);
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
        dup3(report, 3, O_CLOEXEC) < 0) {
        failed = errno;
    } else {
        report = 3;
        close_range(4, ~0U, 0);
        failed = become(s);
        if (!failed) {
            execve(s->path, (char *const *)s->argv, (char *const *)s->env);
            failed = errno;
        }
    }
    ssize_t n = write(report, &failed, sizeof failed);

    _exit(n == sizeof failed ? 127 : 126);
}

static int exec_result(int report, const struct spec *s, struct err *e)
{
    int failed = 0;
    ssize_t n;

    do
        n = read(report, &failed, sizeof failed);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return 0; /* closed by the exec */
    errno = n == sizeof failed ? failed : EIO;

    const char *why =
        strerrordesc_np(errno); /* "No such file ...": lower case inside a sentence */

    return err_set(e, failed == ENOENT ? ERR_NOTFOUND : ERR_DENIED, "fork/exec %s: %c%s",
                   s->path, why[0] | 0x20, why + 1);
}

int task_start(const struct spec *s, struct task *ret, struct err *e)
{
    int out[2], err[2], report[2];
    pid_t pid;
    int r;

    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 || pipe2(report, O_CLOEXEC) < 0)
        return err_set_errno(e, ERR_IO, "make pipes");
    pid = fork();
    if (pid < 0)
        return err_set_errno(e, ERR_IO, "fork");
    if (pid == 0)
        child(s, out[1], err[1], report[1]);

    close(out[1]);
    close(err[1]);
    close(report[1]);
    r = exec_result(report[0], s, e);
    close(report[0]);
    if (r < 0) {
        waitpid(pid, NULL, 0);
        return r;
    }
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    *ret = (struct task){.pid = pid, .started_ns = wall_ns(), .out = out[0], .err = err[0]};
    stat_field(pid, 22, &ret->start_time);
    return 0;
}

void task_reap(struct task *t)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != t->pid || t->ended)
            continue; /* an orphan of the task: we are the subreaper */
        t->ended = true;
        t->ended_ns = wall_ns();
        t->code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
        t->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
}

/* Up to `max` direct children of `pid`; returns how many. */
static size_t children_of(pid_t pid, pid_t *ret, size_t max)
{
    char path[96], text[4096];
    size_t n = 0;
    ssize_t len;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    len = read(fd, text, sizeof text - 1);
    struct str rest = str_n(text, len > 0 ? (size_t)len : 0), item;

    while (n < max && str_split(&rest, ' ', &item)) {
        uint64_t v;

        if (str_to_u64(item, 10, &v))
            ret[n++] = (pid_t)v;
    }
    return n;
}

void task_kill_rest(struct task *t)
{
    enum { ROUNDS = 16, KIDS = 256 };
    pid_t kids[KIDS];

    kill(-t->pid, SIGKILL); /* its process group */
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = children_of(getpid(), kids, KIDS);

        if (n == 0)
            return;
        for (size_t i = 0; i < n; i++)
            kill(kids[i], SIGKILL);
        usleep(1000);
        task_reap(t);
    }
}

static void add_usage(pid_t pid, int depth, uint64_t *ticks, uint64_t *pages,
                      unsigned *processes)
{
    enum { KIDS = 64, DEPTH = 8 };
    pid_t kids[KIDS];
    uint64_t v;

    if (stat_field(pid, 14, &v))
        *ticks += v;
    if (stat_field(pid, 15, &v))
        *ticks += v;
    if (stat_field(pid, 24, &v)) {
        *pages += v;
        ++*processes;
    }
    if (depth == DEPTH)
        return;
    size_t n = children_of(pid, kids, KIDS);

    for (size_t i = 0; i < n; i++)
        add_usage(kids[i], depth + 1, ticks, pages, processes);
}

void task_usage(const struct task *t, uint64_t *ret_cpu_ns, uint64_t *ret_rss,
                unsigned *ret_processes)
{
    uint64_t ticks = 0, pages = 0;

    *ret_processes = 0;
    if (!t->ended)
        add_usage(t->pid, 0, &ticks, &pages, ret_processes);
    *ret_cpu_ns = ticks * (1000000000 / (uint64_t)sysconf(_SC_CLK_TCK));
    *ret_rss = pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
