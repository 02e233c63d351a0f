#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/err.h"
#include "base/random.h"

enum { READ_STEP = 16384, OPEN_TRIES = 8, TEMP_NAME_SIZE = 32 };

/* errno of a call that took `path`, as one of our kinds. */
static int path_err(struct err *e, const char *what, const char *path)
{
    int code = ERR_IO;

    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        code = ERR_NOTFOUND;
        break;
    case EXDEV:
        return err_set(e, ERR_DENIED, "%s '%s': the path leaves its directory", what, path);
    case ELOOP:
        return err_set(e, ERR_DENIED, "%s '%s': a symbolic link is not allowed here", what,
                       path);
    case EACCES:
    case EPERM:
    case EROFS:
        code = ERR_DENIED;
        break;
    case EEXIST:
        code = ERR_EXISTS;
        break;
    case EISDIR:
        code = ERR_INVALID;
        break;
    case ENAMETOOLONG:
        code = ERR_TOOBIG;
        break;
    default:
        break;
    }
    return err_set_errno(e, code, "%s '%s'", what, path);
}

int path_open_beneath(int dirfd, const char *path, int flags, mode_t mode, unsigned path_flags,
                      struct err *e)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd = -1;

    if (!(path_flags & PATH_FOLLOW))
        how.resolve |= RESOLVE_NO_SYMLINKS;
    /* EAGAIN: something was renamed while the kernel looked at a "..". */
    for (int i = 0; i < OPEN_TRIES; i++) {
        fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return fd >= 0 ? (int)fd : path_err(e, "open", path);
}

int path_open_dir(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 ? fd : path_err(e, "open directory", path);
}

static int check_dir(int dirfd, const char *path, struct err *e)
{
    struct stat st;

    if (fstatat(dirfd, path, &st, 0) < 0)
        return path_err(e, "look at", path);
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return path_err(e, "create directory", path);
    }
    return 0;
}

int path_mkdirs(const char *path, mode_t mode, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    char *copy = arena_strdup(a, path);

    for (char *p = copy + 1; *copy; p++) {
        char c = *p;

        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            return path_err(e, "create directory", copy);
        *p = c;
        if (c == '\0')
            break;
    }
    return check_dir(AT_FDCWD, path, e);
}

int path_mkdirs_at(int dirfd, const char *path, mode_t mode, struct err *e)
{
    struct str rest = str_of(path), part;
    auto_fd int at = -1;

    if (path_is_absolute(path)) {
        errno = EXDEV;
        return path_err(e, "create directory", path);
    }
    while (str_split(&rest, '/', &part)) {
        int parent = at >= 0 ? at : dirfd, next;
        auto_arena struct arena *a = arena_new(0);
        const char *name = arena_cstr(a, part);

        if (part.len == 0 || str_eqc(part, "."))
            continue;
        if (str_eqc(part, "..")) {
            errno = EXDEV;
            return path_err(e, "create directory", path);
        }
        if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
            return path_err(e, "create directory", path);
        next = path_open_beneath(parent, name, O_PATH | O_DIRECTORY, 0, 0, e);
        if (next < 0)
            return next;
        if (at >= 0)
            close(at);
        at = next;
    }
    return 0;
}

int fd_read_all(int fd, struct buf *b, struct err *e)
{
    char extra;

    for (;;) {
        size_t room = b->max - b->len;
        size_t step = room < READ_STEP ? room : READ_STEP;
        char *to = room ? buf_reserve(b, step) : &extra;
        ssize_t n;

        if (!to)
            return buf_check(b, "the file", e);
        n = read(fd, to, room ? step : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set_errno(e, ERR_IO, "read");
        if (n == 0)
            break;
        if (!room) {
            b->over = true;
            return buf_check(b, "the file", e);
        }
        b->len += (size_t)n;
    }
    buf_put(b, "", 0); /* the NUL */
    return 0;
}

int fd_write_all(int fd, struct str data, struct err *e)
{
    while (data.len) {
        ssize_t n = write(fd, data.p, data.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set_errno(e, ERR_IO, "write");
        data = str_from(data, (size_t)n);
    }
    return 0;
}

int path_read_file(int dirfd, const char *path, struct buf *b, struct err *e)
{
    auto_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int r;

    if (fd < 0)
        return path_err(e, "open", path);
    r = fd_read_all(fd, b, e);
    if (r < 0 && errno == EISDIR && r == ERR_IO) {
        errno = EISDIR;
        return path_err(e, "read", path);
    }
    return r < 0 ? err_wrap(e, r, "read '%s'", path) : 0;
}

static int write_new(int dirfd, const char *temp, struct str data, mode_t mode, bool sync,
                     struct err *e)
{
    auto_fd int fd =
        openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r;

    if (fd < 0)
        return path_err(e, "create", temp);
    if (fchmod(fd, mode) < 0)
        return path_err(e, "set the mode of", temp);
    r = fd_write_all(fd, data, e);
    if (r < 0)
        return r;
    if (sync && fsync(fd) < 0)
        return err_set_errno(e, ERR_IO, "fsync");
    if (close(TAKE_FD(fd)) < 0)
        return err_set_errno(e, ERR_IO, "close");
    return 0;
}

/* The directory that `name` stands in, opened. */
static int open_parent(int dirfd, const char *name, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    size_t len = (size_t)(path_base(name) - name);
    const char *dir = len ? arena_strndup(a, name, len) : ".";
    int fd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 ? fd : path_err(e, "open directory", dir);
}

static int replace(int dirfd, const char *name, struct str data, mode_t mode, bool sync,
                   struct err *e)
{
    char temp[TEMP_NAME_SIZE] = ".new-";
    const char *last = path_base(name);
    auto_fd int dir = open_parent(dirfd, name, e);
    int r;

    if (dir < 0)
        return dir;
    random_hex(temp + strlen(temp), 16);
    r = write_new(dir, temp, data, mode, sync, e);
    if (r == 0 && renameat(dir, temp, dir, last) < 0)
        r = path_err(e, "rename to", name);
    if (r < 0) {
        (void)unlinkat(dir, temp, 0);
        return err_wrap(e, r, "write '%s'", name);
    }
    if (sync && fsync(dir) < 0)
        return err_set_errno(e, ERR_IO, "write '%s': fsync of its directory", name);
    return 0;
}

int path_write_atomic(int dirfd, const char *name, struct str data, mode_t mode, struct err *e)
{
    return replace(dirfd, name, data, mode, true, e);
}

int path_replace(int dirfd, const char *name, struct str data, mode_t mode, struct err *e)
{
    return replace(dirfd, name, data, mode, false, e);
}

char *path_clean(struct arena *a, const char *path)
{
    bool rooted = path_is_absolute(path);
    char *out = arena_alloc(a, strlen(path) + 2);
    size_t len = 0, floor = 0; /* ".." goes no further back than floor */
    struct str rest = str_of(path), part;

    if (rooted)
        out[len++] = '/', floor = 1;
    while (str_split(&rest, '/', &part)) {
        if (part.len == 0 || str_eqc(part, "."))
            continue;
        if (str_eqc(part, "..") && len > floor) {
            while (len > floor && out[--len] != '/')
                ;
            continue;
        }
        if (str_eqc(part, "..") && rooted)
            continue;
        if (len > rooted)
            out[len++] = '/';
        memcpy(out + len, part.p, part.len);
        len += part.len;
        if (str_eqc(part, ".."))
            floor = len;
    }
    if (len == 0)
        out[len++] = '.';
    out[len] = '\0';
    return out;
}

char *path_join(struct arena *a, const char *dir, const char *rest)
{
    size_t len = strlen(dir);

    while (len > 1 && dir[len - 1] == '/')
        len--;
    while (*rest == '/')
        rest++;
    if (len == 0)
        return arena_strdup(a, rest);
    if (dir[len - 1] == '/')
        return arena_printf(a, "/%s", rest);
    return arena_printf(a, "%.*s/%s", (int)len, dir, rest);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

bool path_is_absolute(const char *path)
{
    return path[0] == '/';
}
