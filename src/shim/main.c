/*
 * serai-shim DIR -- supervise one task (see shim/protocol.h)
 *
 * The program that the agent starts reads the spec, forks the supervisor, waits until the task
 * runs, and ends with 0; if it cannot, it says why on standard error and ends with 2. The
 * supervisor has no parent left that could take it down.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "shim/shim_priv.h"

static int listen_here(struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "shim.sock"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return err_set_errno(e, ERR_IO, "make a socket");
    unlink(a.sun_path);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, SHIM_CLIENTS_MAX) < 0) {
        close(fd);
        return err_set_errno(e, ERR_IO, "listen on shim.sock");
    }
    return fd;
}

static uint64_t own_start_time(void)
{
    char text[1024];
    auto_fd int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    char *p;

    if (n <= 0)
        return 0;
    text[n] = '\0';
    p = strrchr(text, ')');
    for (int i = 2; p && i < 22; i++)
        p = strchr(p + 1, ' ');
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

static int write_pids(int dirfd, const struct task *t, struct err *e)
{
    char text[128];
    int n = snprintf(text, sizeof text, "%d %llu %d %llu\n", (int)t->pid,
                     (unsigned long long)t->start_time, (int)getpid(),
                     (unsigned long long)own_start_time());

    return path_replace(dirfd, "pid", str_n(text, (size_t)n), 0600, e);
}

static void detach_stdio(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
}

/* In the supervisor. Tells through `ready`: nothing when all is well, else the error's text. */
static int run(const struct spec *s, int dirfd, int ready, struct err *e)
{
    struct task task;
    sigset_t all;
    int r, listen_fd;

    setsid();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        return err_set_errno(e, ERR_IO, "become the task's reaper");
    listen_fd = listen_here(e);
    if (listen_fd < 0)
        return listen_fd;
    unlinkat(dirfd, "status", 0);
    r = supervise_prepare(s, dirfd, listen_fd, e);
    if (r == 0)
        r = task_start(s, &task, e);
    if (r < 0) {
        unlinkat(dirfd, "shim.sock", 0);
        return r;
    }
    r = write_pids(dirfd, &task, e);
    if (r < 0) {
        task_kill_rest(&task); /* a task that nobody can find again must not run */
        return r;
    }
    detach_stdio();
    close(ready);
    supervise(&task);
    unlinkat(dirfd, "shim.sock", 0);
    return 0;
}

static int wait_ready(int ready)
{
    char text[ERR_MSG_SIZE];
    ssize_t n, len = 0;

    while ((n = read(ready, text + len, sizeof text - (size_t)len)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        len += n;
    }
    if (len == 0)
        return 0;
    fprintf(stderr, "%.*s\n", (int)len, text);
    return 2;
}

static int start(const char *dir, struct err *e)
{
    static struct spec spec;
    int ready[2], dirfd, r;
    pid_t pid;

    dirfd = path_open_dir(dir, e);
    if (dirfd < 0)
        return dirfd;
    if (fchdir(dirfd) < 0)
        return err_set_errno(e, ERR_IO, "enter %s", dir);
    r = spec_read(0, &spec, e);
    if (r < 0)
        return r;
    if (pipe2(ready, O_CLOEXEC) < 0)
        return err_set_errno(e, ERR_IO, "make a pipe");
    pid = fork();
    if (pid < 0)
        return err_set_errno(e, ERR_IO, "fork");
    if (pid == 0) {
        close(ready[0]);
        r = run(&spec, dirfd, ready[1], e);
        if (r < 0 && write(ready[1], e->msg, strlen(e->msg)) < 0)
            _exit(3);
        _exit(r < 0 ? 2 : 0);
    }
    close(ready[1]);
    _exit(wait_ready(ready[0]));
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;

    prctl(PR_SET_DUMPABLE, 0);
    umask(022);
    if (argc != 2) {
        fprintf(stderr, "usage: serai-shim DIR (started by the agent; see shim/protocol.h)\n");
        return 2;
    }
    if (start(argv[1], &e) < 0)
        fprintf(stderr, "%s\n", e.msg);
    return 2;
}
