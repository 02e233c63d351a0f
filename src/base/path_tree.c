/*
 * Removing a tree that somebody else made: links are never followed, and however deep it is,
 * two descriptors and no recursion suffice. A directory inside a directory is moved up beside
 * its parent first, so every directory comes to stand at the top, where it can be emptied.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/path.h"
#include "base/random.h"

enum { PASSES_MAX = 1 << 20 };

static inline void closedirp(DIR **d)
{
    if (*d)
        closedir(*d);
}
#define auto_dir AUTO(closedirp)

static DIR *dir_open(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d;

    /* Whoever made it may have shut it; it is ours to open if it is ours at all. */
    if (fd < 0 && errno == EACCES && fchmodat(at, name, 0700, 0) == 0)
        fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    (void)fchmod(fd, 0700);
    d = fdopendir(fd);
    if (!d)
        close(fd);
    return d;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* 1: removed, 0: it is a directory with something in it, negative: ERR_*. */
static int remove_one(int at, const char *name, struct err *e)
{
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return 1;
    if (errno != EISDIR && errno != EPERM)
        return err_set_errno(e, errno == EACCES ? ERR_DENIED : ERR_IO, "remove '%s'", name);
    if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 1;
    if (errno == ENOTEMPTY || errno == EEXIST)
        return 0;
    return err_set_errno(e, errno == EACCES || errno == EPERM ? ERR_DENIED : ERR_IO,
                         "remove '%s'", name);
}

static int move_up(int from, const char *name, int top, struct err *e)
{
    char to[40] = ".gone-";

    random_hex(to + strlen(to), 24);
    if (renameat(from, name, top, to) == 0)
        return 0;
    if (errno == EACCES && fchmodat(from, name, 0700, 0) == 0 &&
        renameat(from, name, top, to) == 0)
        return 0;
    return err_set_errno(e, errno == EACCES || errno == EPERM ? ERR_DENIED : ERR_IO,
                         "remove '%s'", name);
}

/* Take everything out of `name`: its files are removed, its directories moved to `top`. */
static int empty_into(int top, const char *name, struct err *e)
{
    auto_dir DIR *d = dir_open(top, name);
    struct dirent *entry;

    if (!d)
        return errno == ENOENT ? 0 : err_set_errno(e, ERR_DENIED, "open '%s'", name);
    while (errno = 0, (entry = readdir(d)) != NULL) {
        int r;

        if (is_dots(entry->d_name))
            continue;
        r = remove_one(dirfd(d), entry->d_name, e);
        if (r == 0)
            r = move_up(dirfd(d), entry->d_name, top, e);
        if (r < 0)
            return r;
    }
    return errno ? err_set_errno(e, ERR_IO, "read directory '%s'", name) : 0;
}

/* One look at all that stands in `top`; the number of entries found. */
static int pass(DIR *top, struct err *e)
{
    struct dirent *entry;
    int found = 0;

    rewinddir(top);
    while (errno = 0, (entry = readdir(top)) != NULL) {
        int r;

        if (is_dots(entry->d_name))
            continue;
        found = 1;
        r = remove_one(dirfd(top), entry->d_name, e);
        if (r == 0)
            r = empty_into(dirfd(top), entry->d_name, e);
        if (r < 0)
            return r;
    }
    return errno ? err_set_errno(e, ERR_IO, "read directory") : found;
}

static int empty_top(DIR *top, struct err *e)
{
    for (int i = 0; i < PASSES_MAX; i++) {
        int r = pass(top, e);

        if (r <= 0)
            return r;
    }
    return err_set(e, ERR_IO, "the directory is filled while it is being removed");
}

int path_remove_tree(int dirfd, const char *path, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    const char *clean = path_clean(a, path), *last = path_base(clean);
    const char *dir = last == clean ? "." : arena_strndup(a, clean, (size_t)(last - clean));
    auto_fd int parent = -1;
    struct err why = ERR_INIT;
    int r;

    if (is_dots(clean) || !*last)
        return err_set(e, ERR_DENIED, "remove '%s': not a name below the directory", path);
    parent = path_open_beneath(dirfd, dir, O_RDONLY | O_DIRECTORY, 0, 0, &why);
    if (parent == ERR_NOTFOUND)
        return 0;
    if (parent < 0)
        return err_set(e, parent, "remove '%s': %s", path, why.msg);

    r = remove_one(parent, last, e);
    if (r == 0) {
        auto_dir DIR *top = dir_open(parent, last);

        r = top ? empty_top(top, e) : err_set_errno(e, ERR_DENIED, "open");
        if (r == 0)
            r = remove_one(parent, last, e);
    }
    if (r == 0)
        r = err_set(e, ERR_IO, "the directory is filled while it is being removed");
    return r < 0 ? err_wrap(e, r, "remove '%s'", path) : 0;
}
