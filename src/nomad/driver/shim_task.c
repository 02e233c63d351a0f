#include "nomad/driver/shim_task.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/thread.h"
#include "shim/protocol.h"

enum {
    MAGIC = 0x54534b48,
    ANSWER_MS = 5000,
    START_MS = 30000,
    LEAVE_MS = 5000,
    USER_BUF = 16384,
    GROUPS_MAX = 64
};

struct task_handle {
    unsigned magic;
    char *dir; /* the shim's */
    int dirfd;
    pid_t pid;   /* the shim, when it is a child of this process; else 0 */
    int wait_fd; /* connection that waits, -1: none */
    char line[SHIM_LINE_MAX];
    size_t line_len;
    uint64_t last_cpu_ns;
    int64_t last_usage_ms;
};

static struct task_handle *handle_new(const char *dir, int dirfd)
{
    struct task_handle *h = calloc(1, sizeof *h);

    if (!h)
        abort();
    *h =
        (struct task_handle){.magic = MAGIC, .dir = strdup(dir), .dirfd = dirfd, .wait_fd = -1};
    if (!h->dir)
        abort();
    return h;
}

void shim_task_free(struct task_handle *h)
{
    if (!h)
        return;
    if (h->wait_fd >= 0)
        close(h->wait_fd);
    close(h->dirfd);
    free(h->dir);
    free(h);
}

/* ---- asking the shim -------------------------------------------------------------------- */

/* Through the directory's descriptor: a socket path may be short only. */
static int connect_shim(const struct task_handle *h, struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return err_set_errno(e, ERR_UNAVAIL, "make a socket");
    snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/shim.sock", h->dirfd);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
        close(fd);
        return err_set_errno(e, ERR_UNAVAIL, "connect to the task's supervisor");
    }
    return fd;
}

static int send_line(int fd, const char *text, struct err *e)
{
    char line[SHIM_LINE_MAX];
    int n = snprintf(line, sizeof line, "%s\n", text);

    if (send(fd, line, (size_t)n, MSG_NOSIGNAL) != n)
        return err_set_errno(e, ERR_UNAVAIL, "ask the task's supervisor");
    return 0;
}

/* One line into ret (no newline). 1: got it; 0: not whole yet. */
static int take_line(int fd, char *buf, size_t *len, char ret[SHIM_LINE_MAX], struct err *e)
{
    ssize_t n = recv(fd, buf + *len, SHIM_LINE_MAX - *len, MSG_DONTWAIT);
    char *end;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return err_set(e, ERR_UNAVAIL, "the task's supervisor is gone");
    *len += (size_t)n;
    end = memchr(buf, '\n', *len);
    if (!end)
        return *len == SHIM_LINE_MAX
                   ? err_set(e, ERR_CORRUPT, "the supervisor's answer is too long")
                   : 0;
    memcpy(ret, buf, (size_t)(end - buf));
    ret[end - buf] = '\0';
    *len = 0;
    return 1;
}

static int ask(const struct task_handle *h, const char *request, char ret[SHIM_LINE_MAX],
               struct err *e)
{
    char buf[SHIM_LINE_MAX];
    size_t len = 0;
    int64_t deadline = clock_mono_ms() + ANSWER_MS;
    auto_fd int fd = connect_shim(h, e);
    int r = fd < 0 ? fd : send_line(fd, request, e);

    while (r == 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int left = (int)(deadline - clock_mono_ms());

        if (left <= 0)
            return err_set(e, ERR_TIMEOUT, "the task's supervisor does not answer");
        if (poll(&p, 1, left) > 0)
            r = take_line(fd, buf, &len, ret, e);
    }
    return r < 0 ? r : 0;
}

/* "exit <code> <signal> <oom> <time ns>" */
static bool parse_exit(const char *line, struct task_exit *ret)
{
    int code, signal, oom;
    long long at;

    if (sscanf(line, "exit %d %d %d %lld", &code, &signal, &oom, &at) != 4)
        return false;
    *ret = (struct task_exit){code, signal, oom != 0, at, ""};
    return true;
}

/* The file that a shim leaves behind. */
static bool read_status(const struct task_handle *h, struct task_exit *ret)
{
    auto_buf struct buf text = BUF_INIT(SHIM_LINE_MAX);

    return path_read_file(h->dirfd, "status", &text, NULL) == 0 && text.p &&
           parse_exit(text.p, ret);
}

/* ---- start ------------------------------------------------------------------------------ */

static void put(struct buf *b, const char *key, const char *value)
{
    buf_put(b, key, strlen(key) + 1);
    buf_put(b, value, strlen(value) + 1);
}

static void put_number(struct buf *b, const char *key, int64_t n)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", (long long)n);
    put(b, key, text);
}

/* 0: found; `text` (USER_BUF) holds what *ret points to. */
static int find_user(const char *user, struct passwd *ret, char *text, struct err *e)
{
    struct passwd *found = NULL;

    if (getpwnam_r(user, ret, text, USER_BUF, &found) != 0 || !found)
        return err_set(e, ERR_INVALID, "failed to identify user \"%s\": user: unknown user %s",
                       user, user);
    return 0;
}

int shim_task_check_user(const char *user, struct err *e)
{
    auto_free char *text = malloc(USER_BUF);
    struct passwd pw;

    if (!text)
        abort();
    return user && *user ? find_user(user, &pw, text, e) : 0;
}

static int put_user(struct buf *b, const char *user, struct err *e)
{
    auto_free char *text = malloc(USER_BUF);
    gid_t groups[GROUPS_MAX];
    int n = GROUPS_MAX, r;
    struct passwd pw;

    if (!text)
        abort();
    if (!user || !*user)
        return 0;
    r = find_user(user, &pw, text, e);
    if (r < 0)
        return r;
    put_number(b, "uid", pw.pw_uid);
    put_number(b, "gid", pw.pw_gid);
    if (getgrouplist(user, pw.pw_gid, groups, &n) >= 0)
        for (int i = 0; i < n; i++)
            put_number(b, "group", groups[i]);
    return 0;
}

static int write_spec(const struct driver_start *s, const struct shim_spec *spec, struct buf *b,
                      struct err *e)
{
    char stem[256];

    put(b, "path", spec->path);
    for (size_t i = 0; i < spec->args.len; i++)
        put(b, "arg", spec->args.at[i]);
    for (size_t i = 0; i < s->env->len; i++) {
        buf_puts(b, "env");
        buf_putc(b, '\0');
        buf_printf(b, "%s=%s", s->env->at[i].key, s->env->at[i].val);
        buf_putc(b, '\0');
    }
    put(b, "cwd", s->task_dir);
    put(b, "log_dir", s->log_dir);
    snprintf(stem, sizeof stem, "%s.stdout", s->task_name);
    put(b, "stdout", stem);
    snprintf(stem, sizeof stem, "%s.stderr", s->task_name);
    put(b, "stderr", stem);
    put_number(b, "log_files", s->log_files);
    put_number(b, "log_bytes", s->log_file_bytes);
    if (spec->no_new_privs)
        put(b, "no_new_privs", "1");
    if (s->cgroup_parent)
        put(b, "cgroup", s->cgroup_parent);
    buf_putc(b, '\0');
    return buf_check(b, "the task's specification", e);
}

/* Collect a shim that ends, or has ended, if it is ours to collect. */
static void reap(pid_t pid, int64_t patience_ms)
{
    if (pid)
        proc_wait(pid, clock_mono_ms() + patience_ms, NULL, NULL);
}

/* Feed it the spec and hear what it says: that the task runs, or why not. */
static int converse(int in, int err, struct str spec, struct err *e)
{
    auto_buf struct buf said = BUF_INIT(ERR_MSG_SIZE);
    int r = fd_write_all(in, spec, e), heard;

    close(in);
    heard = fd_read_all(err, &said, r < 0 ? NULL : e);
    if (heard == 0 && str_eqc(buf_str(&said), SHIM_STARTED))
        return 0;
    if (heard == 0 && said.len > 0)
        return err_set(e, ERR_INVALID, "%.*s", STR_ARG(str_trim(buf_str(&said))));
    if (r == 0 && heard == 0)
        r = err_set(e, ERR_IO, "it ended without a word");
    return err_wrap(e, r < 0 ? r : heard, "start serai-shim");
}

static int run_shim(const char *program, const char *dir, struct str spec, pid_t *ret_pid,
                    struct err *e)
{
    const char *argv[] = {program, dir, NULL};
    int in[2], err[2], r;
    struct proc_spec p = {.path = program, .argv = argv, .stdout_fd = -1, .new_session = true};
    pid_t pid;

    if (pipe2(in, O_CLOEXEC) < 0)
        return err_set_errno(e, ERR_IO, "make a pipe");
    if (pipe2(err, O_CLOEXEC) < 0) {
        close(in[0]);
        close(in[1]);
        return err_set_errno(e, ERR_IO, "make a pipe");
    }
    p.stdin_fd = in[0];
    p.stderr_fd = err[1];
    r = proc_start(&p, &pid, e);
    close(in[0]);
    close(err[1]);
    if (r < 0) {
        close(in[1]);
        close(err[0]);
        return err_wrap(e, r, "start serai-shim");
    }
    r = converse(in[1], err[0], spec, e);
    close(err[0]);
    if (r < 0)
        reap(pid, START_MS);
    else
        *ret_pid = pid;
    return r;
}

int shim_task_start(const struct driver_env *env, const struct driver_start *s,
                    const struct shim_spec *spec, struct task_handle **ret, struct err *e)
{
    auto_buf struct buf text = BUF_INIT(SHIM_SPEC_MAX);
    auto_fd int dirfd = -1;
    pid_t pid = 0;
    int r = path_mkdirs(s->state_dir, 0700, e);

    text.secret = true; /* the environment may hold tokens */
    if (r < 0)
        return r;
    dirfd = path_open_dir(s->state_dir, e);
    if (dirfd < 0)
        return dirfd;
    r = put_user(&text, s->user, e);
    if (r == 0)
        r = write_spec(s, spec, &text, e);
    if (r == 0)
        r = run_shim(env->shim_path, s->state_dir, buf_str(&text), &pid, e);
    if (r < 0)
        return r;
    *ret = handle_new(s->state_dir, TAKE_FD(dirfd));
    (*ret)->pid = pid;
    return 0;
}

/* ---- finding it again ------------------------------------------------------------------- */

const struct json *shim_task_state(const struct task_handle *h, struct arena *a)
{
    struct json *v = json_new_object(a);

    json_set(a, v, STR("shim_dir"), json_of_str(arena_str(a, str_of(h->dir))));
    return v;
}

/* A shim that answers, or the exit status it left. */
int shim_task_recover(const struct driver_env *env, const struct json *state,
                      struct task_handle **ret, struct err *e)
{
    struct str dir = json_str_or(json_get(state, "shim_dir"),
                                 json_str_or(json_get(state, "state_dir"), STR("")));
    char path[4096], line[SHIM_LINE_MAX];
    struct task_handle *h;
    struct task_exit end;
    int dirfd;

    (void)env;
    if (dir.len == 0 || dir.len >= sizeof path)
        return err_set(e, ERR_NOTFOUND, "no supervisor is recorded");
    memcpy(path, dir.p, dir.len);
    path[dir.len] = '\0';
    dirfd = path_open_dir(path, e);
    if (dirfd < 0)
        return err_set(e, ERR_NOTFOUND, "the supervisor's directory is gone");
    h = handle_new(path, dirfd);
    if (ask(h, "status", line, NULL) < 0 && !read_status(h, &end)) {
        shim_task_free(h);
        return err_set(e, ERR_NOTFOUND, "the task and its supervisor are gone");
    }
    *ret = h;
    return 0;
}

/* ---- while it runs ---------------------------------------------------------------------- */

static int open_wait(struct task_handle *h, struct err *e)
{
    int fd = connect_shim(h, e);
    int r = fd < 0 ? fd : send_line(fd, "wait", e);

    if (r < 0) {
        if (fd >= 0)
            close(fd);
        return r;
    }
    h->wait_fd = fd;
    h->line_len = 0;
    return 0;
}

/* The supervisor cannot be reached: what it left is the answer, if it left something. */
static int exit_without_shim(struct task_handle *h, struct task_exit *ret)
{
    if (!read_status(h, ret))
        *ret = (struct task_exit){
            .code = -1, .ended_ns = clock_wall_ns(), .err = "the task's supervisor was killed"};
    return 1;
}

int shim_task_wait(struct task_handle *h, struct stopper *stop, int64_t deadline_ms,
                   struct task_exit *ret, struct err *e)
{
    char line[SHIM_LINE_MAX];
    int r;

    if (h->wait_fd < 0 && open_wait(h, NULL) < 0)
        return exit_without_shim(h, ret);
    for (;;) {
        r = stopper_poll(stop, h->wait_fd, deadline_ms, e);
        if (r <= 0)
            return r;
        r = take_line(h->wait_fd, h->line, &h->line_len, line, NULL);
        if (r == 0)
            continue;
        close(h->wait_fd);
        h->wait_fd = -1;
        return r > 0 && parse_exit(line, ret) ? 1 : exit_without_shim(h, ret);
    }
}

static int expect_ok(const char *line, struct err *e)
{
    if (strcmp(line, "ok") == 0)
        return 0;
    return err_set(e, ERR_INVALID, "%s", strncmp(line, "error ", 6) == 0 ? line + 6 : line);
}

int shim_task_signal(struct task_handle *h, int sig, struct err *e)
{
    char request[64], line[SHIM_LINE_MAX];
    int r;

    snprintf(request, sizeof request, "signal %d", sig);
    r = ask(h, request, line, e);
    return r < 0 ? r : expect_ok(line, e);
}

int shim_task_stop(struct task_handle *h, int sig, int64_t grace_ms, struct err *e)
{
    char request[64], line[SHIM_LINE_MAX];
    int r;

    snprintf(request, sizeof request, "stop %d %lld", sig, (long long)grace_ms);
    r = ask(h, request, line, e);
    return r < 0 ? r : expect_ok(line, e);
}

int shim_task_usage(struct task_handle *h, struct task_usage *ret, struct err *e)
{
    char line[SHIM_LINE_MAX];
    unsigned long long cpu, rss;
    int64_t now = clock_mono_ms();
    unsigned n;
    int r = ask(h, "stats", line, e);

    if (r < 0)
        return r;
    if (sscanf(line, "%llu %llu %u", &cpu, &rss, &n) != 3)
        return err_set(e, ERR_CORRUPT, "the supervisor's answer is not understood");
    *ret = (struct task_usage){.cpu_ns = cpu, .rss_bytes = rss, .processes = n};
    if (h->last_usage_ms && now > h->last_usage_ms && cpu >= h->last_cpu_ns)
        ret->cpu_percent =
            (double)(cpu - h->last_cpu_ns) / (double)((now - h->last_usage_ms) * 10000);
    h->last_cpu_ns = cpu;
    h->last_usage_ms = now;
    return 0;
}

void shim_task_forget(struct task_handle *h)
{
    char line[SHIM_LINE_MAX];

    if (ask(h, "forget", line, NULL) < 0) {
        unlinkat(h->dirfd, "status", 0);
        unlinkat(h->dirfd, "pid", 0);
        unlinkat(h->dirfd, "shim.sock", 0);
    }
    reap(h->pid, LEAVE_MS);
    h->pid = 0;
}
