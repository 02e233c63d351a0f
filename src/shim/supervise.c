#include "shim/shim_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"

/* How long a pipe that an orphan holds open may delay the end: its output until then is kept.
 */
enum { DRAIN_MS = 100, CHUNK = 16384 };

struct client {
    int fd; /* -1: free */
    bool waiting;
    char line[SHIM_LINE_MAX];
    size_t len;
};

/*
 *      running --the task ends--> draining --pipes closed or DRAIN_MS--> ended --forget /
 * linger--> gone
 *         \--stop: signal, after the grace SIGKILL--/
 */
struct shim {
    struct task *task;
    struct log_file out, err;
    struct client clients[SHIM_CLIENTS_MAX];
    int dirfd, listen_fd, signal_fd;
    int64_t kill_at_ms, drain_until_ms, leave_at_ms; /* 0: not set */
    bool told, recorded, done; /* told: the end was tried to be put on disk, clients may know */
};

static char chunk[CHUNK];
static struct shim self; /* one task per process */

static void reply(struct client *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void reply(struct client *c, const char *fmt, ...)
{
    char text[SHIM_LINE_MAX];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text - 1, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof text - 1)
        n = (int)sizeof text - 2;
    text[n++] = '\n';
    if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n) {
        close(c->fd);
        c->fd = -1;
    }
}

static void reply_exit(struct client *c, const struct task *t)
{
    c->waiting = false;
    reply(c, "exit %d %d %d %lld", t->code, t->signal, t->oom_killed, (long long)t->ended_ns);
}

/*
 * The end is in the file before anybody is told: it outlives this process and any agent. It is
 * not waited for the disk: with the machine's end the task's is known anyway, and whoever has
 * not heard of the exit by then starts anew. A full disk is tried again each second.
 */
static void record_end(struct shim *s)
{
    const struct task *t = s->task;
    char text[SHIM_LINE_MAX];
    int n = snprintf(text, sizeof text, "exit %d %d %d %lld\n", t->code, t->signal,
                     t->oom_killed, (long long)t->ended_ns);

    s->recorded = path_replace(s->dirfd, "status", str_n(text, (size_t)n), 0600, NULL) == 0;
    s->told = true;
    if (!s->leave_at_ms)
        s->leave_at_ms = mono_ms() + SHIM_LINGER_MS;
    for (size_t i = 0; i < SHIM_CLIENTS_MAX; i++)
        if (s->clients[i].fd >= 0 && s->clients[i].waiting)
            reply_exit(&s->clients[i], t);
}

static bool ended(const struct shim *s)
{
    return s->task->ended && s->task->out < 0 && s->task->err < 0;
}

static void do_signal(struct shim *s, struct client *c, struct str arg)
{
    int64_t sig;

    if (!str_to_i64(arg, 10, &sig) || sig < 1 || sig >= NSIG)
        reply(c, "error not a signal number");
    else if (s->task->ended || kill(s->task->pid, (int)sig) < 0)
        reply(c, "error the task has ended");
    else
        reply(c, "ok");
}

static void do_stop(struct shim *s, struct client *c, struct str args)
{
    int64_t sig, grace;
    struct str first;

    if (!str_split(&args, ' ', &first) || !str_to_i64(first, 10, &sig) || sig < 1 ||
        sig >= NSIG || !str_to_i64(args, 10, &grace) || grace < 0) {
        reply(c, "error stop <signal> <grace ms>");
        return;
    }
    if (!s->task->ended) {
        kill(s->task->pid, (int)sig);
        s->kill_at_ms = mono_ms() + grace;
    }
    reply(c, "ok");
}

static void do_status(const struct shim *s, struct client *c)
{
    const struct task *t = s->task;

    if (s->told)
        reply_exit(c, t);
    else
        reply(c, "running %d %llu %lld", (int)t->pid, (unsigned long long)t->start_time,
              (long long)t->started_ns);
}

static void do_stats(const struct shim *s, struct client *c)
{
    uint64_t cpu, rss;
    unsigned n;

    task_usage(s->task, &cpu, &rss, &n);
    reply(c, "%llu %llu %u", (unsigned long long)cpu, (unsigned long long)rss, n);
}

static void do_forget(struct shim *s, struct client *c)
{
    if (!s->told) {
        reply(c, "error the task is running");
        return;
    }
    reply(c, "ok");
    unlinkat(s->dirfd, "status", 0);
    unlinkat(s->dirfd, "pid", 0);
    s->done = true;
}

static void do_line(struct shim *s, struct client *c, struct str line)
{
    struct str word;

    if (!str_split(&line, ' ', &word))
        return;
    if (str_eqc(word, "status"))
        do_status(s, c);
    else if (str_eqc(word, "signal"))
        do_signal(s, c, line);
    else if (str_eqc(word, "stop"))
        do_stop(s, c, line);
    else if (str_eqc(word, "stats"))
        do_stats(s, c);
    else if (str_eqc(word, "forget"))
        do_forget(s, c);
    else if (!str_eqc(word, "wait"))
        reply(c, "error unknown request");
    else if (s->told)
        reply_exit(c, s->task);
    else
        c->waiting = true;
}

static void read_client(struct shim *s, struct client *c)
{
    ssize_t n = recv(c->fd, c->line + c->len, sizeof c->line - c->len, MSG_DONTWAIT);
    char *end;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        close(c->fd);
        c->fd = -1;
        return;
    }
    c->len += (size_t)n;
    while (c->fd >= 0 && (end = memchr(c->line, '\n', c->len))) {
        size_t used = (size_t)(end - c->line) + 1;

        do_line(s, c, str_n(c->line, used - 1));
        c->len -= used;
        memmove(c->line, end + 1, c->len);
    }
    if (c->fd >= 0 && c->len == sizeof c->line) {
        close(c->fd);
        c->fd = -1;
    }
}

static void accept_client(struct shim *s)
{
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    for (size_t i = 0; fd >= 0 && i < SHIM_CLIENTS_MAX; i++) {
        if (s->clients[i].fd < 0) {
            s->clients[i] = (struct client){.fd = fd};
            return;
        }
    }
    if (fd >= 0)
        close(fd);
}

static void pump(int *fd, struct log_file *to)
{
    ssize_t n = read(*fd, chunk, sizeof chunk);

    if (n > 0) {
        log_append(to, chunk, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
}

static void close_pipe(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void on_child(struct shim *s)
{
    struct signalfd_siginfo info;
    bool was = s->task->ended;

    if (read(s->signal_fd, &info, sizeof info) < 0)
        return;
    task_reap(s->task);
    if (!was && s->task->ended) {
        task_kill_rest(s->task);
        s->kill_at_ms = 0;
        s->drain_until_ms = mono_ms() + DRAIN_MS;
    }
}

static void on_time(struct shim *s, int64_t now)
{
    if (s->kill_at_ms && now >= s->kill_at_ms) {
        s->kill_at_ms = 0;
        task_kill_rest(s->task);
        if (s->task->ended)
            s->drain_until_ms = now + DRAIN_MS;
    }
    if (s->drain_until_ms && now >= s->drain_until_ms) {
        s->drain_until_ms = 0;
        close_pipe(&s->task->out);
        close_pipe(&s->task->err);
    }
    if (s->leave_at_ms && now >= s->leave_at_ms && s->recorded)
        s->done = true;
}

static int next_timeout(const struct shim *s, int64_t now)
{
    const int64_t at[] = {s->kill_at_ms, s->drain_until_ms, s->recorded ? s->leave_at_ms : 0,
                          ended(s) && !s->recorded ? now + 1000 : 0};
    int64_t left = -1;

    for (size_t i = 0; i < ARRAY_LEN(at); i++)
        if (at[i] && (left < 0 || at[i] - now < left))
            left = at[i] > now ? at[i] - now : 0;
    return (int)left;
}

static void turn(struct shim *s)
{
    enum { FIXED = 4 };
    struct pollfd fds[FIXED + SHIM_CLIENTS_MAX] = {
        {.fd = s->listen_fd, .events = POLLIN},
        {.fd = s->signal_fd, .events = POLLIN},
        {.fd = s->task->out, .events = POLLIN},
        {.fd = s->task->err, .events = POLLIN},
    };

    for (size_t i = 0; i < SHIM_CLIENTS_MAX; i++)
        fds[FIXED + i] = (struct pollfd){.fd = s->clients[i].fd, .events = POLLIN};
    if (poll(fds, ARRAY_LEN(fds), next_timeout(s, mono_ms())) > 0) {
        if (fds[2].revents)
            pump(&s->task->out, &s->out);
        if (fds[3].revents)
            pump(&s->task->err, &s->err);
        if (fds[1].revents)
            on_child(s);
        for (size_t i = 0; i < SHIM_CLIENTS_MAX && !s->done; i++)
            if (fds[FIXED + i].revents && s->clients[i].fd >= 0)
                read_client(s, &s->clients[i]);
        if (fds[0].revents)
            accept_client(s);
    }
    on_time(s, mono_ms());
    if (ended(s) && !s->recorded)
        record_end(s);
}

int supervise_prepare(const struct spec *spec, int dirfd, int listen_fd, struct err *e)
{
    sigset_t set;
    int r;

    self = (struct shim){.dirfd = dirfd, .listen_fd = listen_fd};
    for (size_t i = 0; i < SHIM_CLIENTS_MAX; i++)
        self.clients[i].fd = -1;

    int log_dir = path_open_dir(spec->log_dir, e); /* kept: rotation opens in it */
    if (log_dir < 0)
        return log_dir;
    r = log_open(&self.out, log_dir, spec->out_stem, spec->log_files, spec->log_bytes, e);
    if (r == 0)
        r = log_open(&self.err, log_dir, spec->err_stem, spec->log_files, spec->log_bytes, e);
    if (r < 0)
        return r;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    self.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (self.signal_fd < 0)
        return err_set_errno(e, ERR_IO, "watch for the task's end");
    return 0;
}

void supervise(struct task *t)
{
    self.task = t;
    while (!self.done)
        turn(&self);
}
