/*
 * path -- files by directory descriptor, never past it
 *
 * Everything below a directory that a peer can name something in is opened through these:
 * openat2(2) with RESOLVE_BENEATH, and without following symbolic links unless asked.
 *
 * Thread: any.
 * Errors: ERR_NOTFOUND, ERR_DENIED (the path leaves its directory, is a link, or is not
 * allowed), ERR_EXISTS (O_EXCL), ERR_INVALID (a directory where a file is meant), ERR_TOOBIG,
 * ERR_IO, ERR_NOSPACE.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"

struct err;

enum path_flags {
    PATH_FOLLOW = 1 << 0, /* symbolic links that stay beneath are fine */
};

/* `flags`: open(2)'s, O_CLOEXEC is added. Returns the descriptor or ERR_*. */
int path_open_beneath(int dirfd, const char *path, int flags, mode_t mode, unsigned path_flags,
                      struct err *e);
/* Directory descriptor for `path` (absolute or relative to the working directory). */
int path_open_dir(const char *path, struct err *e);
int path_mkdirs(const char *path, mode_t mode, struct err *e); /* existing is fine */
int path_mkdirs_at(int dirfd, const char *path, mode_t mode, struct err *e);

/* Whole file into `b` (its max is the limit). dirfd may be AT_FDCWD. */
int path_read_file(int dirfd, const char *path, struct buf *b, struct err *e);
/* Write-new, fsync, rename, fsync of the directory: readers see the old file or the new one.
 * The mode is exactly `mode`, whatever the umask. */
int path_write_atomic(int dirfd, const char *name, struct str data, mode_t mode, struct err *e);
/* The same without waiting for the disk: whole for every reader and after the end of any
 * process, but not after that of the machine. For what means nothing then (a process's id). */
int path_replace(int dirfd, const char *name, struct str data, mode_t mode, struct err *e);
/* The directory (or file) `path` below dirfd and all in it, links not followed, of any depth;
 * missing is fine. */
int path_remove_tree(int dirfd, const char *path, struct err *e);

int fd_read_all(int fd, struct buf *b, struct err *e);
int fd_write_all(int fd, struct str data, struct err *e);

/* "/a//b/../c" -> "/a/c" (lexically). */
char *path_clean(struct arena *a, const char *path);
/* "dir/" + "/rest" -> "dir/rest": one slash, nothing else is touched. */
char *path_join(struct arena *a, const char *dir, const char *rest);
const char *path_base(const char *path); /* what follows the last slash, may be "" */
bool path_is_absolute(const char *path);

#endif
