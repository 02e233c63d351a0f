/*
 * Files as streams: one file (fs/stream), or a task's log across its rotation (fs/logs).
 *
 * A frame is a JSON object {"Offset","Data","File","FileEvent"} without its empty fields;
 * frames follow each other without a separator, `{}` says that we are still here. With
 * plain=true the bytes come as they are. Following ends when the reader leaves, or, for a log,
 * when its task has ended and everything was sent.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/path.h"
#include "nomad/client/serve.h"

enum { FRAME_BYTES = 64 << 10, HEARTBEAT_MS = 1000, LOG_INDEX_NONE = -1 };
#define LOGS_DIR "alloc/logs"

struct tail {
    struct ask *q;
    struct alloc_run *ar;
    bool plain, follow;
    int fd;           /* of the file being read, -1: none */
    const char *path; /* its path, as frames show it */
    int64_t offset;
    int watch_fd; /* inotify, -1: only time tells */
    int64_t beat_at;
    char *bytes; /* FRAME_BYTES */
};

/* ---- frames ----------------------------------------------------------------------------- */

static int send_frame(struct tail *t, struct str data, const char *event, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(4 * FRAME_BYTES), text = BUF_INIT(2 * FRAME_BYTES);
    struct json_out w;

    t->beat_at = clock_mono_ms() + HEARTBEAT_MS;
    if (t->plain)
        return data.len ? t->q->w->piece(t->q->w, data, e) : 0;
    codec_base64_encode(&text, data, false, true);
    json_out_init(&w, &b, NULL);
    json_obj(&w);
    if (t->offset)
        json_kv_i64(&w, "Offset", t->offset);
    if (data.len)
        json_kv_strn(&w, "Data", buf_str(&text));
    json_kv_str(&w, "File", t->path);
    if (event)
        json_kv_str(&w, "FileEvent", event);
    json_obj_end(&w);
    return t->q->w->piece(t->q->w, buf_str(&b), e);
}

static int heartbeat(struct tail *t, struct err *e)
{
    if (clock_mono_ms() < t->beat_at)
        return 0;
    t->beat_at = clock_mono_ms() + HEARTBEAT_MS;
    return t->plain ? 0 : t->q->w->piece(t->q->w, STR("{}"), e);
}

/* Everything the file has now. ERR_CANCELED: the reader is gone. */
static int drain(struct tail *t, struct err *e)
{
    for (;;) {
        ssize_t n = pread(t->fd, t->bytes, FRAME_BYTES, t->offset);
        int r;

        if (n <= 0)
            return 0;
        r = send_frame(t, str_n(t->bytes, (size_t)n), NULL, e);
        if (r < 0)
            return r;
        t->offset += n;
    }
}

/* ---- waiting ---------------------------------------------------------------------------- */

static void begin_watch(struct tail *t, const char *dir)
{
    char path[64];
    auto_fd int fd = fs_open(t->ar, dir, O_RDONLY | O_DIRECTORY, NULL);

    t->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0 || t->watch_fd < 0)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    inotify_add_watch(t->watch_fd, path, IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVE);
}

/* Until something in the directory changed, or it is time for a heartbeat. False: give up. */
static bool wait_change(struct tail *t, struct err *e)
{
    struct pollfd p[] = {{.fd = t->q->c->stop.fd, .events = POLLIN},
                         {.fd = t->watch_fd, .events = POLLIN},
                         {.fd = t->q->w->wake_fd, .events = POLLIN}};
    char events[4096];

    poll(p, ARRAY_LEN(p), clock_poll_ms(t->beat_at));
    if (t->watch_fd >= 0)
        while (read(t->watch_fd, events, sizeof events) > 0)
            ;
    if (stopper_is_set(&t->q->c->stop) || t->q->w->is_gone(t->q->w))
        return false;
    return heartbeat(t, e) == 0;
}

static void done(struct tail *t)
{
    if (t->fd >= 0)
        close(t->fd);
    if (t->watch_fd >= 0)
        close(t->watch_fd);
    free(t->bytes);
}

/* ---- parameters ------------------------------------------------------------------------- */

static int bool_param(const struct ask *q, const char *name, bool *ret, struct err *e)
{
    const char *text = ask_cstr(q, name);

    if (*text && !str_to_bool(str_of(text), ret))
        return err_set(e, ERR_INVALID, "failed to parse %s field to boolean: %.64s", name,
                       text);
    return 0;
}

static int common_params(const struct ask *q, struct tail *t, bool *ret_from_end, struct err *e)
{
    const char *origin = ask_cstr(q, "origin"), *offset = ask_cstr(q, "offset");
    int r = bool_param(q, "follow", &t->follow, e);

    if (r < 0)
        return r;
    if (*origin && strcmp(origin, "start") != 0 && strcmp(origin, "end") != 0)
        return err_set(e, ERR_INVALID, "origin must be start or end");
    *ret_from_end = strcmp(origin, "end") == 0;
    if (*offset && (!str_to_i64(str_of(offset), 10, &t->offset) || t->offset < 0))
        return err_set(e, ERR_INVALID, "error parsing offset: %.64s", offset);
    t->follow = t->follow && q->w->follows;
    return 0;
}

static void tail_init(struct tail *t, struct ask *q)
{
    *t = (struct tail){.q = q, .fd = -1, .watch_fd = -1, .bytes = malloc(FRAME_BYTES)};
    if (!t->bytes)
        abort();
    t->beat_at = clock_mono_ms() + HEARTBEAT_MS;
}

/* ---- one file --------------------------------------------------------------------------- */

static int open_regular(struct tail *t, const char *path, struct err *e)
{
    struct stat st;

    t->fd = fs_open(t->ar, path, O_RDONLY, e);
    if (t->fd < 0)
        return t->fd;
    if (fstat(t->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, "%s is not a file", path);
    t->path = path;
    return 0;
}

static void place(struct tail *t, bool from_end)
{
    struct stat st;

    if (!from_end || fstat(t->fd, &st) < 0)
        return;
    t->offset = t->offset < st.st_size ? st.st_size - t->offset : 0;
}

static int follow_file(struct tail *t, struct err *e)
{
    char dir[DIR_TEXT_MAX];
    struct str whole = str_of(t->path);
    ptrdiff_t slash = str_rchr(whole, '/');
    struct stat st;
    int r;

    snprintf(dir, sizeof dir, "%.*s", slash < 0 ? 0 : (int)slash, t->path);
    begin_watch(t, dir);
    while ((r = drain(t, e)) == 0 && t->follow) {
        if (fstat(t->fd, &st) == 0 && st.st_nlink == 0)
            return send_frame(t, STR(""), "file deleted", e);
        if (st.st_size < t->offset) {
            t->offset = 0;
            r = send_frame(t, STR(""), "file truncated", e);
            if (r < 0)
                return r;
            continue;
        }
        if (!wait_change(t, e))
            return 0;
    }
    return r;
}

int serve_stream(struct ask *q, struct err *e)
{
    auto_alloc_run struct alloc_run *ar = NULL;
    struct tail t;
    bool from_end = false;
    struct str path;
    const char *clean;
    int r = ask_alloc(q, &ar, e);

    if (r < 0)
        return r;
    if (!ask_param(q, "path", &path) || path.len == 0)
        return err_set(e, ERR_INVALID, "must provide a file name");
    r = fs_clean(q->a, path, &clean, e);
    if (r == 0)
        r = fs_check_readable(clean, e);
    if (r < 0)
        return r;
    tail_init(&t, q);
    t.ar = ar;
    t.follow = true;
    r = common_params(q, &t, &from_end, e);
    if (r == 0)
        r = open_regular(&t, clean, e);
    if (r == 0)
        r = answer_head(q->w, 200, NULL, e);
    if (r == 0) {
        place(&t, from_end);
        r = follow_file(&t, e);
    }
    done(&t);
    return r;
}

/* ---- a task's log ----------------------------------------------------------------------- */

struct log_files {
    char stem[300]; /* "<task>.stdout" */
    VEC(int64_t) index;
};

static int compare_index(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void list_logs(const struct alloc_run *ar, struct log_files *l)
{
    int fd = fs_open(ar, LOGS_DIR, O_RDONLY | O_DIRECTORY, NULL);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    size_t len = strlen(l->stem);

    l->index.len = 0;
    if (!dir)
        return;
    for (struct dirent *d; (d = readdir(dir));) {
        int64_t n;

        if (strncmp(d->d_name, l->stem, len) == 0 && d->d_name[len] == '.' &&
            str_to_i64(str_of(d->d_name + len + 1), 10, &n) && n >= 0)
            vec_push(&l->index, n);
    }
    closedir(dir);
    if (l->index.len > 1)
        qsort(l->index.at, l->index.len, sizeof *l->index.at, compare_index);
}

static const char *log_path(struct arena *a, const struct log_files *l, int64_t index)
{
    return arena_printf(a, LOGS_DIR "/%s.%lld", l->stem, (long long)index);
}

static int64_t log_size(struct tail *t, const struct log_files *l, int64_t index)
{
    auto_fd int fd = fs_open(t->ar, log_path(t->q->a, l, index), O_RDONLY, NULL);
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 ? st.st_size : 0;
}

/* Where to begin: t->offset becomes one within the file that is returned. */
static int64_t find_start(struct tail *t, struct log_files *l, bool from_end)
{
    list_logs(t->ar, l);
    if (l->index.len == 0)
        return LOG_INDEX_NONE;
    for (size_t i = 0; i < l->index.len; i++) {
        int64_t index = l->index.at[from_end ? l->index.len - 1 - i : i];
        int64_t size = log_size(t, l, index);
        bool last = i + 1 == l->index.len;

        if (t->offset <= size || last) {
            if (t->offset > size)
                t->offset = size;
            if (from_end)
                t->offset = size - t->offset;
            return index;
        }
        t->offset -= size;
    }
    return LOG_INDEX_NONE;
}

/* The file after `index`, LOG_INDEX_NONE: none yet. */
static int64_t next_log(struct tail *t, struct log_files *l, int64_t index)
{
    list_logs(t->ar, l);
    for (size_t i = 0; i < l->index.len; i++)
        if (l->index.at[i] > index)
            return l->index.at[i];
    return LOG_INDEX_NONE;
}

static int open_log(struct tail *t, const struct log_files *l, int64_t index, struct err *e)
{
    if (t->fd >= 0)
        close(t->fd);
    return open_regular(t, log_path(t->q->a, l, index), e);
}

static bool task_is_dead(struct task_run *task)
{
    auto_lock struct lock *held = lock_scope(&task->lock);

    return same(task->st->state, TASK_DEAD);
}

static int follow_log(struct tail *t, struct log_files *l, struct task_run *task, int64_t index,
                      struct err *e)
{
    begin_watch(t, LOGS_DIR);
    for (;;) {
        /* Asked first: what it wrote last is then on disk before the last look. */
        bool dead = task_is_dead(task);
        int64_t next;
        int r = 0;

        if (t->fd >= 0)
            r = drain(t, e);
        if (r < 0)
            return r;
        next = next_log(t, l, index);
        if (next != LOG_INDEX_NONE) {
            /* It may have grown between the look and its successor's birth. */
            if (t->fd >= 0 && (r = drain(t, e)) < 0)
                return r;
            if (open_log(t, l, next, NULL) < 0) {
                t->fd = -1;
            }
            index = next;
            t->offset = 0;
            continue;
        }
        if (!t->follow || dead || !wait_change(t, e))
            return 0;
    }
}

/* The task and stream that the parameters name. */
static int log_params(struct ask *q, struct log_files *l, const char **ret_task, struct err *e)
{
    const char *task = ask_cstr(q, "task"), *type = ask_cstr(q, "type");

    if (!*task)
        return err_set(e, ERR_INVALID, "must provide task name");
    if (strcmp(type, "stdout") != 0 && strcmp(type, "stderr") != 0)
        return err_set(e, ERR_INVALID, "must provide log type (stdout/stderr)");
    snprintf(l->stem, sizeof l->stem, "%s.%s", task, type);
    *ret_task = task;
    return 0;
}

static int known_task(struct alloc_run *ar, const char *name, struct task_run **ret,
                      struct err *e)
{
    struct task_run *t = alloc_run_task(ar, str_of(name));
    bool started;

    if (!t)
        return err_set(e, ERR_INVALID, "unknown task name \"%.128s\"", name);
    lock_take(&t->lock);
    started = OPT(t->st->started_at) != 0;
    lock_drop(&t->lock);
    if (!started)
        return err_set(e, ERR_NOTFOUND, "task \"%s\" not started yet. No logs available", name);
    *ret = t;
    return 0;
}

int serve_logs(struct ask *q, struct err *e)
{
    auto_alloc_run struct alloc_run *ar = NULL;
    struct log_files l = {.stem = ""};
    struct task_run *task = NULL;
    bool from_end = false;
    const char *name = NULL;
    struct tail t;
    int64_t index;
    int r = ask_alloc(q, &ar, e);

    if (r == 0)
        r = log_params(q, &l, &name, e);
    if (r < 0)
        return r;
    tail_init(&t, q);
    t.ar = ar;
    r = common_params(q, &t, &from_end, e);
    if (r == 0)
        r = bool_param(q, "plain", &t.plain, e);
    if (r == 0)
        r = known_task(ar, name, &task, e);
    if (r == 0)
        r = answer_head(q->w, 200, t.plain ? "text/plain" : NULL, e);
    if (r == 0) {
        index = find_start(&t, &l, from_end);
        if (index == LOG_INDEX_NONE || open_log(&t, &l, index, NULL) < 0)
            t.fd = -1;
        r = follow_log(&t, &l, task, index, e);
    }
    vec_done(&l.index);
    done(&t);
    return r;
}
