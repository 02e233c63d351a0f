/* Functions of the file system, for the command line only: what a server's disk holds is
 * nobody's business who may submit a job. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/err.h"
#include "nomad/jobspec/jobspec_priv.h"

enum {
    FILE_BYTES_MAX = 4 << 20,
    FILESET_MAX = 10000, /* names looked at */
    FILESET_DEPTH_MAX = 32,
};

static struct json *text(const struct hcl_func_call *c, const char *s)
{
    return hcl_result(c, json_of_str(str_of(s)));
}

static struct json *fn_disabled(const struct hcl_func_call *c)
{
    return hcl_call_failed(c, "filesystem function disabled");
}

/* The path with "~" for the home directory. NULL: said. */
static const char *expand(const struct hcl_func_call *c, struct str path)
{
    const char *home = getenv("HOME");

    if (str_chr(path, '\0') >= 0) {
        hcl_arg_invalid(c, 0, "a path must not hold a NUL");
        return NULL;
    }
    if (path.len == 0 || path.p[0] != '~')
        return arena_cstr(c->arena, path);
    if (path.len > 1 && path.p[1] != '/') {
        hcl_call_failed(c, "failed to expand ~: cannot expand user-specific home dir");
        return NULL;
    }
    return arena_printf(c->arena, "%s%.*s", home ? home : "", STR_ARG(str_from(path, 1)));
}

static int read_file(int fd, struct buf *b)
{
    char piece[16 << 10];
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) > 0 && buf_ok(b))
        buf_put(b, piece, (size_t)n);
    return n < 0 ? ERR_IO : 0;
}

/* False: said. */
static bool load(const struct hcl_func_call *c, struct buf *b)
{
    const char *path = expand(c, c->args[0]->text);
    auto_fd int fd = -1;
    struct stat st;

    if (!path)
        return false;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        hcl_call_failed(c, "no file exists at %s", path);
    } else if (fd < 0) {
        hcl_call_failed(c, "failed to open %s: %s", path, strerror(errno));
    } else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        hcl_call_failed(c, "%s is not a regular file", path);
    } else if (read_file(fd, b) < 0) {
        hcl_call_failed(c, "failed to read %s: %s", path, strerror(errno));
    } else if (!buf_ok(b)) {
        hcl_call_failed(c, "%s is larger than %d bytes", path, FILE_BYTES_MAX);
    } else {
        return true;
    }
    return false;
}

static struct json *fn_file(const struct hcl_func_call *c)
{
    auto_buf struct buf b = BUF_INIT(FILE_BYTES_MAX);

    if (!load(c, &b))
        return NULL;
    if (!str_is_utf8(buf_str(&b)))
        return hcl_call_failed(
            c,
            "contents of %.*s are not valid UTF-8; use the filebase64 function to obtain the "
            "Base64 encoded contents",
            STR_ARG(c->args[0]->text));
    return hcl_call_text(c, &b);
}

static struct json *fn_filebase64(const struct hcl_func_call *c)
{
    auto_buf struct buf b = BUF_INIT(FILE_BYTES_MAX), out = BUF_INIT(2 * FILE_BYTES_MAX);

    if (!load(c, &b))
        return NULL;
    codec_base64_encode(&out, buf_str(&b), false, true);
    return hcl_call_text(c, &out);
}

static struct json *fn_fileexists(const struct hcl_func_call *c)
{
    const char *path = expand(c, c->args[0]->text);
    struct stat st;

    if (!path)
        return NULL;
    if (stat(path, &st) < 0 && errno == ENOENT)
        return hcl_result(c, json_of_bool(false));
    if (stat(path, &st) < 0)
        return hcl_call_failed(c, "failed to stat %s", path);
    if (!S_ISREG(st.st_mode))
        return hcl_call_failed(c, "%s is not a regular file, but %s", path,
                               S_ISDIR(st.st_mode) ? "a directory" : "something else");
    return hcl_result(c, json_of_bool(true));
}

/*
 * Names
 */

static struct json *fn_pathexpand(const struct hcl_func_call *c)
{
    const char *path = expand(c, c->args[0]->text);

    return path ? text(c, path) : NULL;
}

static struct str without_slashes(struct str s)
{
    while (s.len > 1 && s.p[s.len - 1] == '/')
        s.len--;
    return s;
}

static struct json *fn_basename(const struct hcl_func_call *c)
{
    struct str s = without_slashes(c->args[0]->text);
    ptrdiff_t slash = str_rchr(s, '/');

    if (s.len == 0)
        return text(c, ".");
    if (s.len > 1 && slash >= 0)
        s = str_from(s, (size_t)slash + 1);
    return hcl_result(c, json_of_str(s));
}

/* Cleaned: no empty and no "." parts, ".." taken back where that is possible. */
static const char *clean(struct arena *a, struct str path)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    bool rooted = path.len > 0 && path.p[0] == '/';
    struct str rest = path, part;
    LIST(struct str) parts = {0};

    while (str_split(&rest, '/', &part)) {
        bool up = str_eqc(part, "..");

        if (part.len == 0 || str_eqc(part, "."))
            continue;
        if (up && parts.len > 0 && !str_eqc(parts.at[parts.len - 1], ".."))
            parts.len--;
        else if (!up || !rooted)
            list_push(a, &parts, part);
    }
    if (rooted)
        buf_putc(&b, '/');
    for (size_t i = 0; i < parts.len; i++) {
        if (i > 0)
            buf_putc(&b, '/');
        buf_put_str(&b, parts.at[i]);
    }
    return b.len > 0 ? arena_cstr(a, buf_str(&b)) : ".";
}

static struct json *fn_dirname(const struct hcl_func_call *c)
{
    struct str s = c->args[0]->text;
    ptrdiff_t slash = str_rchr(s, '/');

    return text(c, clean(c->arena, str_upto(s, slash < 0 ? 0 : (size_t)slash + 1)));
}

static struct json *fn_abspath(const struct hcl_func_call *c)
{
    auto_free char *cwd = getcwd(NULL, 0);
    struct str s = c->args[0]->text;

    if (s.len > 0 && s.p[0] == '/')
        return text(c, clean(c->arena, s));
    if (!cwd)
        return hcl_call_failed(c, "the working directory is gone");
    return text(c, clean(c->arena, str_of(arena_printf(c->arena, "%s/%.*s", cwd, STR_ARG(s)))));
}

/*
 * fileset(path, pattern): "*" and "?" within a name, "**" any number of directories.
 */

struct walk {
    const struct hcl_func_call *c;
    struct str pattern;
    LIST(struct json) found;
    size_t looked_at;
    bool over;
};

static bool matches(struct str pattern, struct str path)
{
    ptrdiff_t p = str_chr(pattern, '/'), s = str_chr(path, '/');
    struct str head = str_upto(pattern, p < 0 ? SIZE_MAX : (size_t)p);
    struct str name = str_upto(path, s < 0 ? SIZE_MAX : (size_t)s);
    struct str more = p < 0 ? (struct str){0} : str_from(pattern, (size_t)p + 1);
    struct str rest = s < 0 ? (struct str){0} : str_from(path, (size_t)s + 1);

    if (str_eqc(head, "**"))
        return (p >= 0 && matches(more, path)) || (s >= 0 && matches(pattern, rest)) ||
               (p < 0 && s < 0);
    if (!str_glob(head, name) || (p < 0) != (s < 0))
        return false;
    return p < 0 || matches(more, rest);
}

static void walk(struct walk *w, const char *dir, const char *prefix, unsigned depth)
{
    DIR *d = depth < FILESET_DEPTH_MAX ? opendir(dir) : NULL;
    struct dirent *entry;

    while (d && !w->over && (entry = readdir(d))) {
        struct arena *a = w->c->arena;
        const char *path = arena_printf(a, "%s/%s", dir, entry->d_name);
        const char *name = arena_printf(a, "%s%s", prefix, entry->d_name);
        struct stat st;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        w->over = ++w->looked_at > FILESET_MAX;
        if (lstat(path, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode))
            walk(w, path, arena_printf(a, "%s/", name), depth + 1);
        else if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
                 matches(w->pattern, str_of(name)))
            list_push(a, &w->found, json_of_str(str_of(name)));
    }
    if (d)
        closedir(d);
}

static struct json *fn_fileset(const struct hcl_func_call *c)
{
    struct walk w = {.c = c, .pattern = c->args[1]->text};
    const char *dir = expand(c, c->args[0]->text);
    struct json *r;
    size_t stars = 0;

    if (!dir)
        return NULL;
    for (struct str s = w.pattern; str_has(s, STR("**")); stars++)
        s = str_from(s, (size_t)str_find(s, STR("**")) + 2);
    if (stars > 4)
        return hcl_arg_invalid(c, 1, "a pattern may hold ** four times at most");
    walk(&w, *dir ? dir : ".", "", 0);
    if (w.over)
        return hcl_call_failed(c, "there are more than %d files under %s", FILESET_MAX, dir);
    r = hcl_result_list(c, HCL_IS_SET, 0);
    r->items = w.found.at;
    r->len = (uint32_t)w.found.len;
    hcl_make_set(r);
    return r;
}

void jobspec_file_funcs(struct map *funcs, bool enabled)
{
    static const struct hcl_function rows[] = {
        {"abspath", fn_abspath, {{"path", HCL_STRING}}},
        {"basename", fn_basename, {{"path", HCL_STRING}}},
        {"dirname", fn_dirname, {{"path", HCL_STRING}}},
        {"file", fn_file, {{"path", HCL_STRING}}},
        {"filebase64", fn_filebase64, {{"path", HCL_STRING}}},
        {"fileexists", fn_fileexists, {{"path", HCL_STRING}}},
        {"fileset", fn_fileset, {{"path", HCL_STRING}, {"pattern", HCL_STRING}}},
        {"pathexpand", fn_pathexpand, {{"path", HCL_STRING}}},
    };
    static struct hcl_function disabled[ARRAY_LEN(rows)];

    if (enabled) {
        hcl_funcs_add_rows(funcs, rows, ARRAY_LEN(rows));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        disabled[i] = rows[i];
        disabled[i].fn = fn_disabled;
    }
    hcl_funcs_add_rows(funcs, disabled, ARRAY_LEN(rows));
}
