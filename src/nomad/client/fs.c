/*
 * An alloc's files, for whoever may read them.
 *
 * A task writes below its alloc's directory what it likes, links included, also while we look.
 * So a path is cleaned as text once, and the kernel is told to stay beneath the directory and
 * to follow no link; what lies in secrets/ or private/ has a name and a size here, never
 * content.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "lang/units.h"
#include "nomad/client/serve.h"

enum { COPY_BYTES = 64 << 10, SNIFF_BYTES = 512, MODE_TEXT = 16 };

/* ---- paths ------------------------------------------------------------------------------ */

int fs_clean(struct arena *a, struct str path, const char **ret, struct err *e)
{
    const char **parts = arena_array(a, const char *, path.len + 2);
    auto_buf struct buf b = BUF_INIT(DIR_TEXT_MAX);
    struct str part;
    size_t n = 0;

    while (str_split(&path, '/', &part)) {
        if (part.len == 0 || str_eqc(part, "."))
            continue;
        if (!str_eqc(part, "..")) {
            parts[n++] = arena_cstr(a, part);
            continue;
        }
        if (n == 0)
            return err_set_status(e, ERR_DENIED, 500, "Path escapes the alloc directory");
        n--;
    }
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s", i ? "/" : "", parts[i]);
    if (!buf_ok(&b))
        return err_set(e, ERR_INVALID, "the path is longer than %d bytes", DIR_TEXT_MAX);
    *ret = arena_cstr(a, buf_str(&b));
    return 0;
}

/* "secrets" of "<task>/secrets/...", whatever the case; NULL: nothing hidden. */
static const char *hidden_part(const char *clean)
{
    struct str rest = str_of(clean), task, dir;

    if (!str_split(&rest, '/', &task) || str_eqc(task, "alloc") || !str_split(&rest, '/', &dir))
        return NULL;
    if (str_eq_nocase(dir, STR("secrets")))
        return "secret";
    return str_eq_nocase(dir, STR("private")) ? "private" : NULL;
}

int fs_check_readable(const char *clean, struct err *e)
{
    const char *what = hidden_part(clean);

    if (what)
        return err_set_status(e, ERR_DENIED, 500, "Reading %s file prohibited: %s", what,
                              clean);
    return 0;
}

int fs_open(const struct alloc_run *ar, const char *clean, int flags, struct err *e)
{
    struct err why = ERR_INIT;
    auto_fd int top =
        path_open_beneath(ar->c->alloc_fd, ar->id, O_RDONLY | O_DIRECTORY, 0, 0, &why);
    int fd = top < 0
                 ? top
                 : path_open_beneath(top, *clean ? clean : ".",
                                     flags & O_PATH ? flags : flags | O_NONBLOCK, 0, 0, &why);

    if (fd >= 0)
        return fd;
    if (fd == ERR_NOTFOUND)
        return err_set(e, fd, "stat %s/%s: no such file or directory", ar->dir, clean);
    if (fd == ERR_DENIED)
        return err_set(e, fd,
                       "cannot open %s: links are not followed, and what this agent may "
                       "not read is not shown",
                       clean);
    return err_set(e, fd, "%s", why.msg);
}

/* The path asked for, cleaned. */
static int path_of(const struct ask *q, bool required, const char **ret, struct err *e)
{
    struct str path;

    if (!ask_param(q, "path", &path) || path.len == 0) {
        if (required)
            return err_set(e, ERR_INVALID, "must provide a file name");
        path = STR("/");
    }
    return fs_clean(q->a, path, ret, e);
}

/* ---- ls and stat ------------------------------------------------------------------------ */

/* Go's os.FileMode.String: "drwxrwxrwx", "dtrwxrwxrwx", "-rw-r--r--", "Lrwxrwxrwx". */
static void mode_text(mode_t mode, char ret[MODE_TEXT])
{
    static const char bits[] = "rwxrwxrwx";
    size_t n = 0;

    if (S_ISDIR(mode))
        ret[n++] = 'd';
    if (S_ISLNK(mode))
        ret[n++] = 'L';
    if (S_ISFIFO(mode))
        ret[n++] = 'p';
    if (S_ISSOCK(mode))
        ret[n++] = 'S';
    if (mode & S_ISUID)
        ret[n++] = 'u';
    if (mode & S_ISGID)
        ret[n++] = 'g';
    if (mode & S_ISVTX)
        ret[n++] = 't';
    if (n == 0)
        ret[n++] = '-';
    for (int i = 0; i < 9; i++)
        ret[n++] = mode & (1u << (8 - i)) ? bits[i] : '-';
    ret[n] = '\0';
}

static void put_entry(struct json_out *w, const char *name, const struct stat *st,
                      const char *type)
{
    char mode[MODE_TEXT], when[TIME_TEXT_SIZE];

    mode_text(st->st_mode, mode);
    time_format_local((int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec, when);
    json_obj(w);
    json_kv_str(w, "Name", name);
    json_kv_bool(w, "IsDir", S_ISDIR(st->st_mode));
    json_kv_i64(w, "Size", st->st_size);
    json_kv_str(w, "FileMode", mode);
    json_kv_str(w, "ModTime", when);
    if (type)
        json_kv_str(w, "ContentType", type);
    json_obj_end(w);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_names(struct arena *a, int fd, struct strlist *ret, struct err *e)
{
    int own = dup(fd);
    DIR *dir = own < 0 ? NULL : fdopendir(own);

    if (!dir)
        return err_set_errno(e, ERR_IO, "read directory");
    for (struct dirent *d; (d = readdir(dir)) && ret->len < CLIENT_FS_LIST_MAX;)
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            list_push(a, ret, arena_strdup(a, d->d_name));
    closedir(dir);
    if (ret->len > 1)
        qsort(ret->at, ret->len, sizeof *ret->at, compare_names);
    return 0;
}

int serve_ls(struct ask *q, struct err *e)
{
    auto_alloc_run struct alloc_run *ar = NULL;
    auto_buf struct buf b = BUF_INIT(API_REPLY_MAX);
    auto_fd int fd = -1;
    struct strlist names = {0};
    struct json_out w;
    const char *path;
    int r = ask_alloc(q, &ar, e);

    if (r == 0)
        r = path_of(q, false, &path, e);
    if (r < 0)
        return r;
    fd = fs_open(ar, path, O_RDONLY | O_DIRECTORY, e);
    if (fd < 0)
        return fd;
    r = list_names(q->a, fd, &names, e);
    if (r < 0)
        return r;
    json_out_init(&w, &b, NULL);
    json_arr(&w);
    for (size_t i = 0; i < names.len; i++) {
        struct stat st;

        if (fstatat(fd, names.at[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
            put_entry(&w, names.at[i], &st, NULL);
    }
    json_arr_end(&w);
    r = buf_check(&b, "the directory's listing", e);
    return r < 0 ? r : answer_whole(q->w, 200, TYPE_JSON, buf_str(&b), e);
}

/* What the first bytes look like. */
static const char *sniff(int fd)
{
    static const struct {
        const char *magic;
        size_t len;
        const char *type;
    } rows[] = {
        {"\x1f\x8b\x08", 3, "application/x-gzip"}, {"PK\x03\x04", 4, "application/zip"},
        {"%PDF-", 5, "application/pdf"},           {"\x89PNG\r\n\x1a\n", 8, "image/png"},
        {"\xff\xd8\xff", 3, "image/jpeg"},         {"GIF8", 4, "image/gif"},
    };
    unsigned char p[SNIFF_BYTES];
    ssize_t n = pread(fd, p, sizeof p, 0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (n >= (ssize_t)rows[i].len && memcmp(p, rows[i].magic, rows[i].len) == 0)
            return rows[i].type;
    for (ssize_t i = 0; i < n; i++)
        if (p[i] < 0x20 && !strchr("\t\n\f\r\x1b", p[i]))
            return "application/octet-stream";
    return n > 0 ? TYPE_TEXT : "application/octet-stream";
}

int serve_stat(struct ask *q, struct err *e)
{
    auto_alloc_run struct alloc_run *ar = NULL;
    auto_buf struct buf b = BUF_INIT(64 << 10);
    auto_fd int fd = -1;
    const char *path, *type = NULL;
    struct json_out w;
    struct stat st;
    int r = ask_alloc(q, &ar, e);

    if (r == 0)
        r = path_of(q, true, &path, e);
    if (r < 0)
        return r;
    fd = fs_open(ar, path, hidden_part(path) ? O_PATH : O_RDONLY, e);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return err_set_errno(e, ERR_IO, "stat %s", path);
    if (S_ISREG(st.st_mode))
        type = hidden_part(path) ? "application/octet-stream" : sniff(fd);
    json_out_init(&w, &b, NULL);
    put_entry(&w, *path ? path_base(path) : ar->id, &st, type);
    return answer_whole(q->w, 200, TYPE_JSON, buf_str(&b), e);
}

/* ---- reading ---------------------------------------------------------------------------- */

/* The original reads with 200 and the error as the file's content: a caller cannot tell them
 * apart. Here each error has its status. */
static int refused(int r, int status, struct err *e)
{
    if (r == ERR_DENIED && e)
        e->status = status;
    return r;
}

/* What is missing is said before what may not be read: a name and a size are no secret. */
static int open_file(const struct ask *q, struct alloc_run *ar, int *ret, struct err *e)
{
    auto_fd int fd = -1;
    const char *path;
    struct stat st;
    int r = path_of(q, true, &path, e);

    if (r < 0)
        return refused(r, 400, e);
    fd = fs_open(ar, path, hidden_part(path) ? O_PATH : O_RDONLY, e);
    if (fd < 0)
        return fd;
    r = fs_check_readable(path, e);
    if (r < 0)
        return refused(r, 403, e);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, "file \"%s\" is a directory", path);
    *ret = fd;
    fd = -1;
    return 0;
}

/* From `at`, up to `limit` bytes, as they are. */
static int send_bytes(struct ask *q, int fd, int64_t at, int64_t limit, struct err *e)
{
    auto_free char *p = malloc(COPY_BYTES);
    int r = answer_head(q->w, 200, TYPE_TEXT, e);

    if (!p)
        abort();
    while (r == 0 && limit > 0) {
        ssize_t n = pread(fd, p, limit < COPY_BYTES ? (size_t)limit : COPY_BYTES, at);

        if (n <= 0)
            break;
        at += n;
        limit -= n;
        r = q->w->piece(q->w, str_n(p, (size_t)n), e);
    }
    return r;
}

int serve_cat(struct ask *q, struct err *e)
{
    auto_alloc_run struct alloc_run *ar = NULL;
    auto_fd int fd = -1;
    int r = ask_alloc(q, &ar, e);

    if (r == 0)
        r = open_file(q, ar, &fd, e);
    return r < 0 ? r : send_bytes(q, fd, 0, INT64_MAX, e);
}

static int number_param(const struct ask *q, const char *name, int64_t *ret, struct err *e)
{
    const char *text = ask_cstr(q, name);

    if (!str_to_i64(str_of(text), 10, ret) || *ret < 0)
        return err_set(e, ERR_INVALID,
                       "error parsing %s: strconv.ParseInt: parsing \"%.64s\": invalid syntax",
                       name, text);
    return 0;
}

static int range_of(const struct ask *q, int64_t *ret_offset, int64_t *ret_limit, struct err *e)
{
    int r = number_param(q, "offset", ret_offset, e);

    if (r == 0)
        r = number_param(q, "limit", ret_limit, e);
    if (r == 0 && *ret_limit > CLIENT_FS_READ_MAX)
        r = err_set(e, ERR_INVALID, "limit must be at most %d", CLIENT_FS_READ_MAX);
    return r;
}

int serve_readat(struct ask *q, struct err *e)
{
    auto_alloc_run struct alloc_run *ar = NULL;
    auto_fd int fd = -1;
    int64_t offset = 0, limit = 0;
    int r = ask_alloc(q, &ar, e);

    if (r == 0)
        r = range_of(q, &offset, &limit, e);
    if (r == 0)
        r = open_file(q, ar, &fd, e);
    return r < 0 ? r : send_bytes(q, fd, offset, limit, e);
}
