#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"

enum { STAT_MAX = 4096, PIPE_STEP = 16384 };

/* What posix_spawn is given, released together. */
struct spawn {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int moved[3]; /* copies of descriptors that stood in the way, or -1 */
};

static void spawn_init(struct spawn *s)
{
    if (posix_spawn_file_actions_init(&s->files) != 0 || posix_spawnattr_init(&s->attr) != 0)
        abort();
    for (int i = 0; i < 3; i++)
        s->moved[i] = -1;
}

static void spawn_done(struct spawn *s)
{
    posix_spawn_file_actions_destroy(&s->files);
    posix_spawnattr_destroy(&s->attr);
    for (int i = 0; i < 3; i++)
        if (s->moved[i] >= 0)
            close(s->moved[i]);
}

/* 0, 1 and 2 are about to be overwritten one after the other: one of them that is also a source
 * for another is copied out of the way first. */
static int set_fd(struct spawn *s, int target, int fd)
{
    if (fd < 0)
        return posix_spawn_file_actions_addopen(&s->files, target, "/dev/null",
                                                target ? O_WRONLY : O_RDONLY, 0);
    if (fd < 3 && fd != target) {
        s->moved[target] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (s->moved[target] < 0)
            return errno;
        fd = s->moved[target];
    }
    return posix_spawn_file_actions_adddup2(&s->files, fd, target);
}

static int set_files(struct spawn *s, const struct proc_spec *spec)
{
    int r = set_fd(s, 0, spec->stdin_fd);

    if (r == 0)
        r = set_fd(s, 1, spec->stdout_fd);
    if (r == 0)
        r = set_fd(s, 2, spec->stderr_fd);
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(&s->files, 3);
    if (r == 0 && spec->cwd)
        r = posix_spawn_file_actions_addchdir_np(&s->files, spec->cwd);
    return r;
}

static void set_attr(struct spawn *s, const struct proc_spec *spec)
{
    int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    if (spec->new_session)
        flags |= POSIX_SPAWN_SETSID;
    if (posix_spawnattr_setsigmask(&s->attr, &none) != 0 ||
        posix_spawnattr_setsigdefault(&s->attr, &all) != 0 ||
        posix_spawnattr_setflags(&s->attr, (short)flags) != 0)
        abort();
}

static int start_err(const struct proc_spec *spec, int sys, struct err *e)
{
    int code = ERR_IO;

    if (spec->cwd && access(spec->cwd, X_OK) < 0)
        return err_set_errno(e, errno == EACCES ? ERR_DENIED : ERR_NOTFOUND,
                             "start '%s': working directory '%s'", spec->path, spec->cwd);
    if (sys == ENOENT || sys == ENOTDIR)
        code = ERR_NOTFOUND;
    else if (sys == EACCES || sys == EPERM || sys == ENOEXEC)
        code = ERR_DENIED;
    else if (sys == EAGAIN || sys == ENOMEM)
        code = ERR_LIMIT;
    errno = sys;
    return err_set_errno(e, code, "start '%s'", spec->path);
}

int proc_start(const struct proc_spec *spec, pid_t *ret_pid, struct err *e)
{
    char *const *argv = (char *const *)spec->argv;
    char *const *env = spec->env ? (char *const *)spec->env : environ;
    AUTO(spawn_done) struct spawn s;
    pid_t pid;
    int r;

    spawn_init(&s);
    set_attr(&s, spec);
    r = set_files(&s, spec);
    if (r == 0)
        r = posix_spawnp(&pid, spec->path, &s.files, &s.attr, argv, env);
    if (r != 0)
        return start_err(spec, r, e);
    *ret_pid = pid;
    return 0;
}

int proc_pidfd(pid_t pid, struct err *e)
{
    long fd = syscall(SYS_pidfd_open, pid, 0);

    if (fd >= 0)
        return (int)fd;
    return err_set_errno(e, errno == ESRCH ? ERR_NOTFOUND : ERR_IO, "process %d", (int)pid);
}

int proc_wait(pid_t pid, int64_t deadline_ms, int *ret_status, struct err *e)
{
    auto_fd int fd = proc_pidfd(pid, e);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int status;

    if (fd < 0)
        return fd;
    for (;;) {
        int ms = clock_poll_ms(deadline_ms);
        int n = poll(&p, 1, ms);

        if (n > 0)
            break;
        if (n < 0 && errno != EINTR)
            return err_set_errno(e, ERR_IO, "wait for process %d", (int)pid);
        if (ms == 0)
            return err_set(e, ERR_TIMEOUT, "process %d has not ended in time", (int)pid);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_set_errno(e, errno == ECHILD ? ERR_NOTFOUND : ERR_IO,
                                 "wait for process %d", (int)pid);
    if (ret_status)
        *ret_status = status;
    return 0;
}

/* 1: more may come, 0: the end, or ERR_*. */
static int drain(int fd, struct buf *out, struct err *e)
{
    char piece[PIPE_STEP];
    ssize_t n = read(fd, piece, sizeof piece);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 1;
    if (n < 0)
        return err_set_errno(e, ERR_IO, "read its output");
    buf_put(out, piece, (size_t)n);
    if (!buf_ok(out))
        return buf_check(out, "its output", e);
    return n > 0;
}

/* Until the program has ended (a child of its own may keep the pipe open longer) or closed its
 * output. */
static int collect(int fd, int pidfd, struct buf *out, int64_t deadline_ms, struct err *e)
{
    struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};

    for (;;) {
        int ms = clock_poll_ms(deadline_ms);
        int n = poll(p, ARRAY_LEN(p), ms), r;

        if (n < 0 && errno != EINTR)
            return err_set_errno(e, ERR_IO, "poll");
        if (n > 0 && p[0].revents) {
            r = drain(fd, out, e);
            if (r <= 0)
                return r;
        } else if (n > 0 && p[1].revents) {
            return 0; /* and the pipe is empty */
        }
        if (ms == 0)
            return err_set(e, ERR_TIMEOUT, "it has not ended in time");
    }
}

static void kill_and_reap(const struct proc_spec *spec, pid_t pid)
{
    (void)kill(spec->new_session ? -pid : pid, SIGKILL);
    (void)kill(pid, SIGKILL); /* in case it was too young to lead a session */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

int proc_run(const struct proc_spec *spec, struct buf *out, int64_t deadline_ms,
             int *ret_status, struct err *e)
{
    struct proc_spec with_pipe = *spec;
    auto_fd int from = -1, to = -1;
    auto_fd int pidfd = -1;
    int fds[2], r;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_set_errno(e, ERR_IO, "pipe");
    from = fds[0];
    to = fds[1];
    with_pipe.stdin_fd = -1;
    with_pipe.stdout_fd = to;
    r = proc_start(&with_pipe, &pid, e);
    if (r < 0)
        return r;
    close(TAKE_FD(to));
    (void)fcntl(from, F_SETFL, O_NONBLOCK);

    r = pidfd = proc_pidfd(pid, e);
    if (r >= 0)
        r = collect(from, pidfd, out, deadline_ms, e);
    if (r >= 0)
        r = proc_wait(pid, deadline_ms, ret_status, e);
    if (r < 0) {
        kill_and_reap(spec, pid);
        return err_wrap(e, r, "run '%s'", spec->path);
    }
    return 0;
}

static const struct {
    const char *name;
    int sig;
} signals[] = {
    {"SIGHUP", SIGHUP},       {"SIGINT", SIGINT},       {"SIGQUIT", SIGQUIT},
    {"SIGILL", SIGILL},       {"SIGTRAP", SIGTRAP},     {"SIGABRT", SIGABRT},
    {"SIGBUS", SIGBUS},       {"SIGFPE", SIGFPE},       {"SIGKILL", SIGKILL},
    {"SIGUSR1", SIGUSR1},     {"SIGSEGV", SIGSEGV},     {"SIGUSR2", SIGUSR2},
    {"SIGPIPE", SIGPIPE},     {"SIGALRM", SIGALRM},     {"SIGTERM", SIGTERM},
    {"SIGSTKFLT", SIGSTKFLT}, {"SIGCHLD", SIGCHLD},     {"SIGCONT", SIGCONT},
    {"SIGSTOP", SIGSTOP},     {"SIGTSTP", SIGTSTP},     {"SIGTTIN", SIGTTIN},
    {"SIGTTOU", SIGTTOU},     {"SIGURG", SIGURG},       {"SIGXCPU", SIGXCPU},
    {"SIGXFSZ", SIGXFSZ},     {"SIGVTALRM", SIGVTALRM}, {"SIGPROF", SIGPROF},
    {"SIGWINCH", SIGWINCH},   {"SIGIO", SIGIO},         {"SIGPWR", SIGPWR},
    {"SIGSYS", SIGSYS},       {"SIGIOT", SIGIOT},       {"SIGPOLL", SIGPOLL},
};

int proc_signal_number(const char *name)
{
    uint64_t n;

    if (str_to_u64(str_of(name), 10, &n))
        return n > 0 && n < (uint64_t)SIGRTMAX + 1 ? (int)n : 0;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        if (strcasecmp(name, signals[i].name) == 0 ||
            strcasecmp(name, signals[i].name + strlen("SIG")) == 0)
            return signals[i].sig;
    return 0;
}

const char *proc_signal_name(int sig)
{
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        if (signals[i].sig == sig)
            return signals[i].name;
    return NULL;
}

/* Field 22; the second one is the program's name in parentheses and may hold anything. */
uint64_t proc_start_time(pid_t pid)
{
    auto_buf struct buf b = BUF_INIT(STAT_MAX);
    char path[64];
    struct str rest, field;
    ptrdiff_t close_paren;
    uint64_t ticks;
    int n = 2;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (path_read_file(AT_FDCWD, path, &b, NULL) < 0)
        return 0;
    close_paren = str_rchr(buf_str(&b), ')');
    if (close_paren < 0)
        return 0;
    rest = str_from(buf_str(&b), (size_t)close_paren + 2);
    while (str_split(&rest, ' ', &field))
        if (++n == 22)
            return str_to_u64(field, 10, &ticks) ? ticks : 0;
    return 0;
}
