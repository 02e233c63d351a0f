#include "shim/shim_priv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static int read_all(int fd, char **ret, size_t *ret_len, struct err *e)
{
    auto_free char *p = malloc(SHIM_SPEC_MAX + 1);
    size_t len = 0;

    if (!p)
        abort();
    for (;;) {
        ssize_t n = read(fd, p + len, SHIM_SPEC_MAX + 1 - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set_errno(e, ERR_IO, "read the spec");
        if (n == 0)
            break;
        len += (size_t)n;
        if (len > SHIM_SPEC_MAX)
            return err_set(e, ERR_TOOBIG, "the spec is larger than %d bytes", SHIM_SPEC_MAX);
    }
    *ret = TAKE_PTR(p);
    *ret_len = len;
    return 0;
}

static int push(const char **list, size_t *n, size_t max, const char *value, const char *key,
                struct err *e)
{
    if (*n == max)
        return err_set(e, ERR_TOOBIG, "more than %zu of '%s'", max, key);
    list[(*n)++] = value;
    return 0;
}

static int number(const char *key, const char *value, int64_t *ret, struct err *e)
{
    if (!str_to_i64(str_of(value), 10, ret))
        return err_set(e, ERR_INVALID, "'%s' is not a number: %s", key, value);
    return 0;
}

static int set_number(struct spec *s, const char *key, const char *value, struct err *e)
{
    int64_t n = 0;
    int r = number(key, value, &n, e);

    if (r < 0)
        return r;
    if (strcmp(key, "log_files") == 0) {
        s->log_files = n;
    } else if (strcmp(key, "log_bytes") == 0) {
        s->log_bytes = n;
    } else if (strcmp(key, "nice") == 0) {
        s->nice = (int)n;
    } else if (strcmp(key, "no_new_privs") == 0) {
        s->no_new_privs = n != 0;
    } else if (strcmp(key, "uid") == 0) {
        s->uid = (uid_t)n;
        s->set_ids = true;
    } else if (strcmp(key, "gid") == 0) {
        s->gid = (gid_t)n;
        s->set_ids = true;
    } else if (strcmp(key, "group") == 0) {
        if (s->n_groups == SHIM_GROUPS_MAX)
            return err_set(e, ERR_TOOBIG, "more than %d groups", SHIM_GROUPS_MAX);
        s->groups[s->n_groups++] = (gid_t)n;
    } else {
        return err_set(e, ERR_INVALID, "unknown key '%s'", key);
    }
    return 0;
}

static int set_field(struct spec *s, const char *key, const char *value, struct err *e)
{
    const struct {
        const char *key, **to;
    } texts[] = {
        {"path", &s->path},       {"cwd", &s->cwd},         {"stdout", &s->out_stem},
        {"stderr", &s->err_stem}, {"log_dir", &s->log_dir}, {"cgroup", &s->cgroup},
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strcmp(key, texts[i].key) == 0) {
            *texts[i].to = value;
            return 0;
        }
    }
    if (strcmp(key, "arg") == 0)
        return push(s->argv, &s->n_argv, SHIM_ARGS_MAX, value, key, e);
    if (strcmp(key, "env") == 0)
        return push(s->env, &s->n_env, SHIM_ARGS_MAX, value, key, e);
    if (strcmp(key, "rlimit") == 0)
        return push(s->rlimits, &s->n_rlimits, SHIM_RLIMITS_MAX, value, key, e);
    return set_number(s, key, value, e);
}

static bool is_stem(const char *s)
{
    return s && *s && !strchr(s, '/') && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

static int check(const struct spec *s, struct err *e)
{
    if (!s->path || !s->path[0] || s->n_argv == 0)
        return err_set(e, ERR_INVALID, "the spec names no program");
    if (!s->cwd || s->cwd[0] != '/' || !s->log_dir || s->log_dir[0] != '/')
        return err_set(e, ERR_INVALID, "'cwd' and 'log_dir' must be absolute paths");
    if (!is_stem(s->out_stem) || !is_stem(s->err_stem))
        return err_set(e, ERR_INVALID, "'stdout' and 'stderr' must be plain file names");
    if (s->log_files < 1 || s->log_files > SHIM_LOG_FILES_MAX || s->log_bytes < 1)
        return err_set(e, ERR_INVALID, "'log_files' must be 1 to %d, 'log_bytes' positive",
                       SHIM_LOG_FILES_MAX);
    return 0;
}

int spec_read(int fd, struct spec *ret, struct err *e)
{
    size_t len = 0;
    int r = read_all(fd, &ret->text, &len, e);
    char *p = ret->text;
    char *end;

    if (r < 0)
        return r;
    ret->log_files = 10;
    ret->log_bytes = 10 << 20;
    end = p + len;
    for (;;) {
        const char *key = p;
        char *stop = memchr(p, '\0', (size_t)(end - p));

        if (!stop)
            return err_set(e, ERR_INVALID, "the spec is cut short");
        if (stop == p)
            return check(ret, e);
        p = stop + 1;
        stop = memchr(p, '\0', (size_t)(end - p));
        if (!stop)
            return err_set(e, ERR_INVALID, "the spec is cut short after '%s'", key);
        r = set_field(ret, key, p, e);
        if (r < 0)
            return r;
        p = stop + 1;
    }
}
