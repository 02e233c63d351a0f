/*
 * serai-shim DIR -- supervise one task (see shim/protocol.h)
 *
 * It reads the spec, starts the task, says so on standard error and closes that; from then on
 * it supervises in a session of its own, and nothing ties it to the agent whose child it is. If
 * it cannot start the task, it says why on standard error and ends with 2.
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

/* The agent hears that the task runs, and from then on nothing of it is held open. */
static void tell_started(void)
{
    if (write(STDERR_FILENO, SHIM_STARTED, strlen(SHIM_STARTED)) < 0)
        return detach_stdio(); /* it is gone: the next one finds the task */
    detach_stdio();
}

/* 0: the task has run to its end and is forgotten. */
static int run(const struct spec *s, int dirfd, struct err *e)
{
    struct task task;
    sigset_t all;
    int r, listen_fd;

    setsid(); /* fails when the agent has made the session already */
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
    tell_started();
    supervise(&task);
    unlinkat(dirfd, "shim.sock", 0);
    return 0;
}

static int start(const char *dir, struct err *e)
{
    static struct spec spec;
    int dirfd, r;

    dirfd = path_open_dir(dir, e);
    if (dirfd < 0)
        return dirfd;
    if (fchdir(dirfd) < 0)
        return err_set_errno(e, ERR_IO, "enter %s", dir);
    r = spec_read(STDIN_FILENO, &spec, e);
    return r < 0 ? r : run(&spec, dirfd, e);
}

/* An agent has none of its memory in a core; its tasks' cores are the kernel's usual ones. The
 * file is ours only as long as we are dumpable. */
static void usual_cores(void)
{
    auto_fd int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, "0x33", 4) < 0)
        return; /* a kernel without cores */
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;

    usual_cores();
    prctl(PR_SET_DUMPABLE, 0);
    umask(022);
    if (argc != 2) {
        fprintf(stderr, "usage: serai-shim DIR (started by the agent; see shim/protocol.h)\n");
        return 2;
    }
    if (start(argv[1], &e) == 0)
        return 0;
    fprintf(stderr, "%s\n", e.msg);
    return 2;
}
