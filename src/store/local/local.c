#include "store/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/err.h"

/*
 * The map is address space, not memory: it costs nothing until it is used, and the file grows
 * as it is written. So it is large from the start, and growing it (which needs every reader
 * gone) is rare. Where address space is limited (ulimit -v, some sanitizers) it starts smaller.
 */
static const size_t map_sizes[] = {(size_t)1 << 40, (size_t)1 << 37, (size_t)1 << 33,
                                   (size_t)1 << 30, (size_t)1 << 27};
enum {
    MAP_MIN = 64 << 10,
    TRIM_ABOVE = 32 << 20, /* bytes of files mapped in by this process */
};

int local_err(const struct local *l, int rc, const char *what, struct err *e)
{
    const char *where = l->dir ? l->dir : "memory";

    switch (rc) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return err_set(e, ERR_NOSPACE, "store %s: %s: no space left on the storage device",
                       where, what);
    case MDB_READERS_FULL:
        return err_set(e, ERR_LIMIT, "store %s: %s: too many snapshots", where, what);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
        return err_set(e, ERR_CORRUPT, "store %s: %s: damaged or not a store (%s)", where, what,
                       mdb_strerror(rc));
    default:
        return err_set(e, ERR_IO, "store %s: %s: %s", where, what, mdb_strerror(rc));
    }
}

int local_meta(struct local *l, MDB_txn *txn, const void *key, size_t len, uint64_t *ret,
               struct err *e)
{
    MDB_val k = {len, (void *)key}, v;
    int rc = mdb_get(txn, l->dbi, &k, &v);

    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc == 0 && v.mv_size != 8)
        rc = MDB_CORRUPTED;
    if (rc != 0)
        return local_err(l, rc, "read", e);
    *ret = local_u64(v.mv_data);
    return 1;
}

/* Opening. */

/* A directory of our own whose data file is the memfd: LMDB opens files by name only. */
static int memory_dir(struct local *l, char *dir, size_t size, struct err *e)
{
    static const char *const places[] = {"/dev/shm", NULL /* TMPDIR */, "/tmp"};
    char link[160], to[64];

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const char *place = places[i] ? places[i] : getenv("TMPDIR");

        if (!place || (size_t)snprintf(dir, size, "%s/serai-XXXXXX", place) >= size)
            continue;
        if (!mkdtemp(dir))
            continue;
        snprintf(link, sizeof link, "%s/data.mdb", dir);
        snprintf(to, sizeof to, "/proc/self/fd/%d", l->memfd);
        if (symlink(to, link) == 0)
            return 0;
        rmdir(dir);
    }
    return err_set_errno(e, ERR_IO, "no place for a temporary directory");
}

static void memory_dir_remove(const char *dir)
{
    char path[160];

    snprintf(path, sizeof path, "%s/data.mdb", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/lock.mdb", dir);
    unlink(path);
    rmdir(dir);
}

static int env_create(struct local *l, size_t map_bytes)
{
    int rc = mdb_env_create(&l->env);

    if (rc == 0)
        rc = mdb_env_set_mapsize(l->env, map_bytes);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(l->env, LOCAL_READERS_MAX);
    return rc;
}

/* The largest of the usual maps that fits the address space, or the wanted one. */
static int env_open_sized(struct local *l, const char *dir)
{
    int rc = ENOMEM;

    for (size_t i = 0; i < ARRAY_LEN(map_sizes) && rc == ENOMEM; i++) {
        size_t bytes = l->map_bytes ? l->map_bytes : map_sizes[i];

        rc = env_create(l, bytes);
        if (rc == 0)
            rc = mdb_env_open(l->env, dir, l->env_flags, 0600);
        if (rc != 0)
            local_env_close(l);
        else
            l->map_bytes = bytes;
        if (l->map_bytes)
            break;
    }
    return rc;
}

/* A file shorter than its tree would be a SIGBUS at the first read of what is missing. */
static int check_size(struct local *l, struct err *e)
{
    MDB_envinfo info;
    MDB_stat st;
    struct stat file;
    int fd;

    mdb_env_info(l->env, &info);
    mdb_env_stat(l->env, &st);
    if (mdb_env_get_fd(l->env, &fd) != 0 || fstat(fd, &file) < 0)
        return err_set_errno(e, ERR_IO, "look at the store's file");
    if ((uint64_t)file.st_size < (uint64_t)(info.me_last_pgno + 1) * st.ms_psize)
        return err_set(e, ERR_CORRUPT,
                       "store %s: data.mdb is cut off: it has %lld bytes and needs %llu",
                       l->dir ? l->dir : "memory", (long long)file.st_size,
                       (unsigned long long)(info.me_last_pgno + 1) * st.ms_psize);
    return 0;
}

static int open_dbi(struct local *l, struct err *e)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn);

    if (rc == 0) {
        rc = mdb_dbi_open(txn, NULL, 0, &l->dbi);
        if (rc == 0)
            rc = mdb_txn_commit(txn); /* keeps the handle */
        else
            mdb_txn_abort(txn);
    }
    return rc ? local_err(l, rc, "open", e) : 0;
}

int local_env_open(struct local *l, struct err *e)
{
    char temp[128];
    int rc, r;

    if (!l->dir) {
        r = memory_dir(l, temp, sizeof temp, e);
        if (r < 0)
            return r;
    }
    rc = env_open_sized(l, l->dir ? l->dir : temp);
    if (!l->dir)
        memory_dir_remove(temp);
    if (rc != 0)
        return local_err(l, rc, "open", e);
    r = check_size(l, e);
    if (r == 0)
        r = open_dbi(l, e);
    if (r < 0)
        local_env_close(l);
    return r;
}

void local_env_close(struct local *l)
{
    if (l->env)
        mdb_env_close(l->env);
    l->env = NULL;
}

/* One process at a time; LMDB would allow more, the revisions would not. */
static int take_dir(struct local *l, const char *dir, struct err *e)
{
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return err_set_errno(e, ERR_IO, "make the directory");
    l->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->dirfd < 0)
        return err_set_errno(e, ERR_IO, "open the directory");
    if (flock(l->dirfd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return err_set(e, ERR_EXISTS, "another process has it open");
        return err_set_errno(e, ERR_IO, "lock the directory");
    }
    return 0;
}

/* First use writes the format; what an interrupted restore left is thrown away. */
static int settle_format(struct local *l, struct err *e)
{
    uint64_t format = 0, restoring = 0;
    bool fresh;
    int r = local_group_begin(l, e);

    if (r != 0)
        return r < 0 ? r : err_set(e, ERR_IO, "store %s: cannot begin", l->dir);
    r = local_meta(l, l->txn, LOCAL_KEY_FORMAT, sizeof LOCAL_KEY_FORMAT - 1, &format, e);
    fresh = r == 0;
    if (r >= 0)
        r = local_meta(l, l->txn, LOCAL_KEY_RESTORE, sizeof LOCAL_KEY_RESTORE - 1, &restoring,
                       e);
    if (r >= 0 && format > LOCAL_FORMAT)
        r = err_set(e, ERR_UNSUPPORTED,
                    "store %s has format %llu, this program knows %d: use a newer one", l->dir,
                    (unsigned long long)format, LOCAL_FORMAT);
    if (r < 0 || (!fresh && !restoring)) {
        local_group_abort(l);
        return r < 0 ? r : 0;
    }
    r = local_empty(l, e);
    if (r == 0)
        return local_group_end(l, e);
    local_group_abort(l);
    return r < 0 ? r : err_set(e, ERR_NOSPACE, "the store's map is too small");
}

static void local_close(void *d)
{
    struct local *l = d;

    local_env_close(l);
    if (l->dirfd >= 0)
        close(l->dirfd);
    if (l->memfd >= 0)
        close(l->memfd);
    free(l->dir);
    lock_done(&l->env_lock);
    free(l);
}

static int open_files(struct local *l, const struct store_opts *o, struct err *e)
{
    int r;

    if (o->dir) {
        l->dir = strdup(o->dir);
        if (!l->dir)
            abort();
        r = take_dir(l, o->dir, e);
        if (r < 0)
            return r;
    } else {
        l->memfd = memfd_create("serai-store", MFD_CLOEXEC);
        if (l->memfd < 0)
            return err_set_errno(e, ERR_IO, "make a memory file");
    }
    r = local_env_open(l, e);
    if (r == 0)
        r = settle_format(l, e);
    if (r == 0 && l->dirfd >= 0 && fsync(l->dirfd) < 0) /* the names of new files */
        r = err_set_errno(e, ERR_IO, "sync the directory");
    return r;
}

static int local_open(const struct store_opts *o, void **ret, uint64_t *ret_rev, struct err *e)
{
    struct local *l = calloc(1, sizeof *l);
    int r;

    if (!l)
        abort();
    l->dirfd = l->memfd = -1;
    lock_init(&l->env_lock, "store env", RANK_STORE_ENV);
    l->env_flags = MDB_NOTLS;
    if (!o->dir || o->no_sync)
        l->env_flags |= MDB_NOSYNC | MDB_NOMETASYNC;
    if (o->map_bytes)
        l->map_bytes = o->map_bytes < MAP_MIN ? (size_t)MAP_MIN : o->map_bytes;
    r = open_files(l, o, e);
    if (r == 0)
        r = local_recover(l, ret_rev, e);
    if (r < 0) {
        local_close(l);
        return r;
    }
    *ret = l;
    return 0;
}

/* Figures, memory, faults. */

static void local_stats(void *d, struct store_stats *ret)
{
    struct local *l = d;
    MDB_envinfo info;
    MDB_stat st;

    auto_lock struct lock *held = lock_scope(&l->env_lock);
    if (!l->env)
        return;
    mdb_env_info(l->env, &info);
    mdb_env_stat(l->env, &st);
    ret->records = st.ms_entries; /* the few meta entries among them */
    ret->used_bytes = (uint64_t)(info.me_last_pgno + 1) * st.ms_psize;
    ret->map_bytes = info.me_mapsize;
}

/* Bytes of files and shared memory that are mapped into this process now. */
static size_t mapped_bytes(void)
{
    unsigned long size, resident, shared = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return 0;
    if (fscanf(f, "%lu %lu %lu", &size, &resident, &shared) != 3)
        shared = 0;
    fclose(f);
    return shared * (size_t)sysconf(_SC_PAGESIZE);
}

/* Where the data file is mapped: LMDB does not tell, the kernel does. False: not found. */
static bool find_map(const struct local *l, void **ret_p, size_t *ret_len)
{
    auto_free char *line = NULL;
    size_t cap = 0;
    struct stat file;
    bool found = false;
    FILE *f;
    int fd;

    if (mdb_env_get_fd(l->env, &fd) != 0 || fstat(fd, &file) < 0)
        return false;
    f = fopen("/proc/self/maps", "re");
    while (f && !found && getline(&line, &cap, f) > 0) {
        unsigned long from, to, offset, inode;
        unsigned major, minor;

        found = sscanf(line, "%lx-%lx %*s %lx %x:%x %lu", &from, &to, &offset, &major, &minor,
                       &inode) == 6 &&
                offset == 0 && inode == file.st_ino && makedev(major, minor) == file.st_dev;
        if (found) {
            *ret_p = (void *)from;
            *ret_len = to - from;
        }
    }
    if (f)
        fclose(f);
    return found;
}

/* What was read stays in the kernel's cache; only our page tables let it go, and find it again
 * at the price of a soft fault. So a store of any size does not make the process large. (In
 * memory there is nothing to gain: the pages are ours either way.) */
static void local_trim(void *d)
{
    struct local *l = d;
    size_t len;
    void *p;

    if (!l->dir || mapped_bytes() < TRIM_ABOVE)
        return;
    lock_take(&l->env_lock); /* the map stays where it is meanwhile */
    if (l->env && find_map(l, &p, &len))
        madvise(p, len, MADV_DONTNEED);
    lock_drop(&l->env_lock);
}

static void local_fail_next(void *d, int fault)
{
    atomic_store(&((struct local *)d)->fault, fault);
}

const struct store_driver store_driver_local = {
    .name = "local",
    .open = local_open,
    .close = local_close,
    .snap_begin = local_snap_begin,
    .snap_end = local_snap_end,
    .snap_free = local_snap_free,
    .get = local_get,
    .prefix_rev = local_prefix_rev,
    .prefix_seek = local_prefix_seek,
    .cursor_open = local_cursor_open,
    .cursor_free = local_cursor_free,
    .cursor_seek = local_cursor_seek,
    .cursor_next = local_cursor_next,
    .group_begin = local_group_begin,
    .group_add = local_group_add,
    .group_prefix = local_group_prefix,
    .group_commit = local_group_commit,
    .group_abort = local_group_abort,
    .recover = local_recover,
    .restore_begin = local_restore_begin,
    .restore_load = local_restore_load,
    .restore_end = local_restore_end,
    .restore_undo = local_restore_undo,
    .stats = local_stats,
    .trim = local_trim,
    .fail_next = local_fail_next,
};
