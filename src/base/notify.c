#include "base/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/path.h"

enum { PID_TEXT_MAX = 32 };

static void notify_send(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    auto_fd int fd = -1;
    size_t len;

    if (!path || (path[0] != '/' && path[0] != '@'))
        return;
    len = strlen(path);
    if (len >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* the abstract namespace */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    len += offsetof(struct sockaddr_un, sun_path);
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, (socklen_t)len);
}

void notify_ready(void)
{
    notify_send("READY=1");
}

void notify_stopping(void)
{
    notify_send("STOPPING=1");
}

/* Type=notify-reload wants the time of the kernel, not of clock.h. */
void notify_reloading(void)
{
    struct timespec now;
    char text[64];

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
             now.tv_sec * 1000000LL + now.tv_nsec / 1000);
    notify_send(text);
}

void notify_status(const char *fmt, ...)
{
    char text[NOTIFY_STATUS_MAX] = "STATUS=";
    size_t len = strlen(text);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text + len, sizeof text - len, fmt, ap);
    va_end(ap);
    for (char *p = text; *p; p++)
        if (*p == '\n')
            *p = ' '; /* a line end would begin another field */
    notify_send(text);
}

static char *pidfile;     /* absolute, or NULL */
static pid_t pidfile_pid; /* a forked child must not remove its parent's */

/* The process that `path` names, 0 if none. */
static pid_t read_pid(const char *path)
{
    auto_buf struct buf b = BUF_INIT(PID_TEXT_MAX);
    uint64_t pid;

    if (path_read_file(AT_FDCWD, path, &b, NULL) < 0 ||
        !str_to_u64(str_trim(buf_str(&b)), 10, &pid) || pid > INT32_MAX)
        return 0;
    return (pid_t)pid;
}

void pidfile_remove(void)
{
    if (!pidfile)
        return;
    if (pidfile_pid == getpid() && read_pid(pidfile) == pidfile_pid)
        (void)unlink(pidfile);
    free(pidfile);
    pidfile = NULL;
}

static char *absolute(const char *path)
{
    auto_arena struct arena *a = arena_new(0);
    auto_free char *cwd = path_is_absolute(path) ? NULL : getcwd(NULL, 0);
    char *copy = strdup(cwd ? path_join(a, cwd, path) : path);

    if (!copy)
        abort();
    return copy;
}

int pidfile_write(const char *path, struct err *e)
{
    static bool at_exit;
    pid_t me = getpid(), other = read_pid(path);
    char text[PID_TEXT_MAX];
    int n, r;

    if (other > 0 && other != me && (kill(other, 0) == 0 || errno == EPERM))
        return err_set(e, ERR_EXISTS, "pid file '%s': process %d is running", path, (int)other);
    n = snprintf(text, sizeof text, "%d\n", (int)me);
    r = path_write_atomic(AT_FDCWD, path, str_n(text, (size_t)n), 0644, e);
    if (r < 0)
        return err_wrap(e, r, "pid file");
    free(pidfile);
    pidfile = absolute(path);
    pidfile_pid = me;
    if (!at_exit) {
        at_exit = true;
        atexit(pidfile_remove);
    }
    return 0;
}
