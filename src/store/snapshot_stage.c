/*
 * Restoring over what is there. A store that is in use cannot be replaced: too much of what
 * runs on it remembers what it has read. So a snapshot is staged, and taken over by the next
 * open, before anybody reads:
 *
 *     restore.snap.part   being written and checked
 *     restore.snap        staged
 *     restoring/          the new store, while it is loaded
 *
 * The staged file goes last. Whatever happens before, the next open does all of it again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/path.h"
#include "store/store_priv.h"

#define STAGED_PART STORE_STAGED ".part"
#define RESTORING "restoring"

/* ---- staging ---------------------------------------------------------------------------- */

static int write_part(int dirfd, struct str snapshot, struct err *e)
{
    auto_fd int fd =
        openat(dirfd, STAGED_PART, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r;

    if (fd < 0)
        return err_set_errno(e, ERR_IO, "create %s", STAGED_PART);
    r = fd_write_all(fd, snapshot, e);
    if (r == 0 && (lseek(fd, 0, SEEK_SET) != 0 || fsync(fd) != 0))
        r = err_set_errno(e, ERR_IO, "write %s", STAGED_PART);
    return r < 0 ? r : store_snapshot_read(fd, NULL, NULL, NULL, e);
}

int store_snapshot_stage(struct store *s, struct str snapshot, struct err *e)
{
    auto_fd int dirfd = -1;
    int r;

    if (!s->dir)
        return err_set(e, ERR_UNSUPPORTED,
                       "the state is in memory only: nothing can be restored into it");
    dirfd = path_open_dir(s->dir, e);
    if (dirfd < 0)
        return dirfd;
    r = write_part(dirfd, snapshot, e);
    if (r == 0 && (renameat(dirfd, STAGED_PART, dirfd, STORE_STAGED) != 0 || fsync(dirfd) != 0))
        r = err_set_errno(e, ERR_IO, "stage the snapshot");
    if (r < 0)
        unlinkat(dirfd, STAGED_PART, 0);
    return r;
}

/* ---- taking over ------------------------------------------------------------------------ */

/* The store that is replaced; NULL if it is not there (opening would make one) or damaged. */
static struct store *open_old(int dirfd, const char *dir)
{
    struct store *s = NULL;

    if (faccessat(dirfd, "data.mdb", F_OK, 0) == 0 &&
        store_open_as_is(&(struct store_opts){.dir = dir}, &s, NULL) < 0)
        return NULL;
    return s;
}

/* Into a store of its own beside the old one. */
static int load(int fd, const char *new_dir, struct store *old, struct err *e)
{
    auto_store struct store *s = NULL;
    uint64_t rev = 0, old_rev = old ? store_rev(old) : 0;
    int r = store_snapshot_read(fd, NULL, NULL, &rev, e);

    if (r < 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) != 0)
        return err_set_errno(e, ERR_IO, "read the snapshot");
    r = store_open_as_is(&(struct store_opts){.dir = new_dir}, &s, e);
    if (r < 0)
        return r;
    return store_snapshot_restore_above(s, fd, old, (old_rev > rev ? old_rev : rev) + 1, e);
}

static int load_beside(int dirfd, const char *dir, int fd, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    auto_store struct store *old = open_old(dirfd, dir);
    int r = path_remove_tree(dirfd, RESTORING, e);

    return r < 0 ? r : load(fd, path_join(a, dir, RESTORING), old, e);
}

/* The old file may be missing: a restore of before has come so far. */
static int swap(int dirfd, struct err *e)
{
    if (renameat(dirfd, "data.mdb", dirfd, STORE_BEFORE_RESTORE) != 0 && errno != ENOENT)
        return err_set_errno(e, ERR_IO, "keep the store that is replaced");
    if (renameat(dirfd, RESTORING "/data.mdb", dirfd, "data.mdb") != 0 || fsync(dirfd) != 0 ||
        unlinkat(dirfd, STORE_STAGED, 0) != 0 || fsync(dirfd) != 0)
        return err_set_errno(e, ERR_IO, "put the restored store into its place");
    return path_remove_tree(dirfd, RESTORING, e);
}

int store_take_staged(const char *dir, struct err *e)
{
    auto_fd int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
    int r;

    if (dirfd < 0)
        return 0; /* a new store, or one whose open says what is wrong */
    fd = openat(dirfd, STORE_STAGED, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_set_errno(e, ERR_IO, "open %s", STORE_STAGED);
    r = load_beside(dirfd, dir, fd, e);
    if (r == 0 && flock(dirfd, LOCK_EX | LOCK_NB) < 0)
        r = err_set(e, ERR_EXISTS, "another process has it open");
    return r < 0 ? r : swap(dirfd, e);
}
