#include <errno.h>
#include <sys/statvfs.h>

#include "base/err.h"
#include "store/local/local.h"

enum { DISK_IS_FULL_BELOW = 1 << 20 }; /* LMDB calls a short write EIO: look at the disk */

/* Faults for tests. */

static bool take_fault(struct local *l, int which)
{
    return atomic_compare_exchange_strong(&l->fault, &which, FAULT_NONE);
}

/* Errors of the group under way: what LMDB says about space becomes a request to grow. */
static int group_err(struct local *l, int rc, const char *what, struct err *e)
{
    if (rc == MDB_MAP_FULL) {
        l->grow = true;
        return DRIVER_AGAIN;
    }
    return local_err(l, rc, what, e);
}

int local_group_begin(void *d, struct err *e)
{
    struct local *l = d;
    int rc;

    if (l->broken)
        return DRIVER_AGAIN;
    rc = mdb_txn_begin(l->env, NULL, 0, &l->txn);
    if (rc == 0) {
        rc = mdb_cursor_open(l->txn, l->dbi, &l->cursor);
        if (rc != 0)
            local_group_abort(l);
    }
    if (rc == MDB_PANIC) {
        l->broken = true;
        return DRIVER_AGAIN;
    }
    return rc ? group_err(l, rc, "begin a group", e) : 0;
}

void local_group_abort(void *d)
{
    struct local *l = d;

    if (l->txn)
        mdb_txn_abort(l->txn); /* closes the cursor */
    l->txn = NULL;
    l->cursor = NULL;
}

/* Room for a record, its head written. */
static int put_record(struct local *l, MDB_val k, const struct record *rec, struct err *e)
{
    MDB_val v = {.mv_size = LOCAL_HEAD + rec->value.len};
    int rc = mdb_cursor_put(l->cursor, &k, &v, MDB_RESERVE);
    char *p = v.mv_data;

    if (rc != 0)
        return group_err(l, rc, "write", e);
    local_put_u64(p, rec->create_rev);
    local_put_u64(p + 8, rec->mod_rev);
    if (rec->value.len)
        memcpy(p + LOCAL_HEAD, rec->value.p, rec->value.len);
    return 0;
}

static int apply_op(struct local *l, struct op *op, uint64_t rev, struct err *e)
{
    struct local_key k;
    MDB_val mk = local_key(&k, LOCAL_DATA, op->key), old;
    MDB_val found = mk;
    int rc = mdb_cursor_get(l->cursor, &found, &old, MDB_SET);
    bool had = rc == 0;

    if (rc != 0 && rc != MDB_NOTFOUND)
        return group_err(l, rc, "look up", e);
    if (had && old.mv_size < LOCAL_HEAD)
        return local_err(l, MDB_CORRUPTED, "look up", e);
    op->create_rev = had ? local_u64(old.mv_data) : rev;
    op->effect = (uint8_t)(op->del ? had ? OP_DELETED : OP_NONE
                           : had   ? OP_UPDATED
                                   : OP_CREATED);
    if (op->del) {
        rc = had ? mdb_cursor_del(l->cursor, 0) : 0;
        return rc ? group_err(l, rc, "delete", e) : 0;
    }
    struct record rec = {.value = op->value, .create_rev = op->create_rev, .mod_rev = rev};
    return put_record(l, mk, &rec, e);
}

int local_group_add(void *d, struct op *first, uint64_t rev, struct err *e)
{
    struct local *l = d;

    if (take_fault(l, FAULT_MAP))
        return group_err(l, MDB_MAP_FULL, "write", e);
    for (struct op *op = first; op; op = op->next[0]) {
        int r = apply_op(l, op, rev, e);

        if (r != 0)
            return r;
    }
    return 0;
}

int local_put_meta(struct local *l, const void *key, size_t len, uint64_t n, struct err *e)
{
    char b[8];
    MDB_val k = {len, (void *)key}, v = {sizeof b, b};
    int rc;

    local_put_u64(b, n);
    rc = mdb_cursor_put(l->cursor, &k, &v, 0);
    return rc ? group_err(l, rc, "write", e) : 0;
}

int local_group_prefix(void *d, struct str prefix, uint64_t rev, struct err *e)
{
    char k[STORE_KEY_MAX + 2] = LOCAL_PREFIX;

    memcpy(k + 2, prefix.p, prefix.len);
    return local_put_meta(d, k, prefix.len + 2, rev, e);
}

/* Before LMDB shows the commit, so that no snapshot finds its slot empty or another's. */
static void note_rev(struct local *l, uint64_t txnid, uint64_t rev)
{
    struct rev_slot *s = &l->revs[txnid % LOCAL_REVS];

    atomic_store_explicit(&s->txnid, 0, memory_order_release);
    atomic_store_explicit(&s->rev, rev, memory_order_release);
    atomic_store_explicit(&s->txnid, txnid, memory_order_release);
}

static bool disk_is_full(const struct local *l)
{
    struct statvfs fs;

    return l->dirfd >= 0 && fstatvfs(l->dirfd, &fs) == 0 &&
           (uint64_t)fs.f_bavail * fs.f_frsize < DISK_IS_FULL_BELOW;
}

/* LMDB gives up for good when it cannot write its last page; then it says so to readers too. */
static bool env_is_dead(struct local *l)
{
    MDB_txn *probe;
    int rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &probe);

    if (rc == 0)
        mdb_txn_abort(probe);
    return rc == MDB_PANIC;
}

int local_group_end(struct local *l, struct err *e)
{
    MDB_txn *txn = l->txn;
    int rc;

    l->txn = NULL;
    mdb_cursor_close(l->cursor);
    l->cursor = NULL;
    atomic_store(&l->committing, mdb_txn_id(txn));
    rc = mdb_txn_commit(txn);
    if (rc == 0)
        return 0;
    if (rc == EIO && disk_is_full(l))
        rc = ENOSPC;
    if (env_is_dead(l)) {
        l->broken = true;
        local_err(l, rc, "commit", e);
        return DRIVER_BROKEN;
    }
    return group_err(l, rc, "commit", e);
}

/* Stands in for commit_txn when a test wants a fault. 0: none wanted. */
static int commit_with_fault(struct local *l, struct err *e)
{
    int fault = atomic_exchange(&l->fault, FAULT_NONE);

    switch (fault) {
    case FAULT_NOSPACE:
    case FAULT_IO:
        local_group_abort(l);
        return local_err(l, fault == FAULT_IO ? EIO : ENOSPC, "commit", e);
    case FAULT_BROKEN:
    case FAULT_UNSURE:
        if (fault == FAULT_UNSURE)
            local_group_end(l, NULL);
        else
            local_group_abort(l);
        l->broken = true;
        local_err(l, EIO, "commit", e);
        return DRIVER_BROKEN;
    default:
        return 0;
    }
}

int local_group_commit(void *d, uint64_t rev, struct err *e)
{
    struct local *l = d;
    uint64_t txnid = mdb_txn_id(l->txn);
    int r = local_put_meta(l, LOCAL_KEY_REV, sizeof LOCAL_KEY_REV - 1, rev, e);

    if (r != 0) {
        local_group_abort(l);
        return r;
    }
    note_rev(l, txnid, rev);
    if (atomic_load_explicit(&l->fault, memory_order_relaxed) != FAULT_NONE)
        r = commit_with_fault(l, e);
    if (r == 0)
        r = local_group_end(l, e);
    if (r != 0) /* the next attempt may have the same number */
        atomic_store(&l->revs[txnid % LOCAL_REVS].txnid, 0);
    return r;
}

static int open_anew(struct local *l, struct err *e)
{
    int r;

    local_env_close(l);
    r = local_env_open(l, e);
    if (r < 0)
        return r;
    r = mdb_env_sync(l->env, 1); /* what is there now must be so after a power cut too */
    if (r != 0)
        return local_err(l, r, "sync", e);
    l->broken = false;
    return 0;
}

/* A map that could not be made larger is gone altogether: the old size is opened anew. */
static int grow_map(struct local *l, struct err *e)
{
    size_t bytes = l->map_bytes * 2;
    int rc = mdb_env_set_mapsize(l->env, bytes), r;

    l->grow = false;
    if (rc == 0) {
        l->map_bytes = bytes;
        return 0;
    }
    l->broken = true;
    r = open_anew(l, e);
    if (r < 0)
        return r;
    return err_set(e, ERR_NOSPACE, "the store's map cannot grow beyond %zu bytes: %s",
                   l->map_bytes, mdb_strerror(rc));
}

int local_recover(void *d, uint64_t *ret_rev, struct err *e)
{
    struct local *l = d;
    MDB_txn *txn;
    int r;

    lock_take(&l->env_lock);
    r = l->broken ? open_anew(l, e) : l->grow ? grow_map(l, e) : 0;
    lock_drop(&l->env_lock);
    if (r < 0)
        return r;
    r = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn);
    if (r != 0)
        return local_err(l, r, "read the revision", e);
    *ret_rev = 0;
    r = local_meta(l, txn, LOCAL_KEY_REV, sizeof LOCAL_KEY_REV - 1, ret_rev, e);
    mdb_txn_abort(txn);
    return r < 0 ? r : 0;
}

/* Restore. */

int local_restore_begin(void *d, struct err *e)
{
    struct local *l = d;
    int r = local_group_begin(l, e);

    if (r != 0)
        return r;
    r = local_put_meta(l, LOCAL_KEY_RESTORE, sizeof LOCAL_KEY_RESTORE - 1, 1, e);
    if (r == 0)
        return local_group_end(l, e);
    local_group_abort(l);
    return r;
}

int local_restore_load(void *d, const struct record *rec, struct err *e)
{
    struct local *l = d;
    struct local_key k;

    return put_record(l, local_key(&k, LOCAL_DATA, rec->key), rec, e);
}

/* In the last group. */
int local_restore_end(void *d, struct err *e)
{
    struct local *l = d;
    MDB_val k = {sizeof LOCAL_KEY_RESTORE - 1, (void *)LOCAL_KEY_RESTORE};
    int rc = mdb_del(l->txn, l->dbi, &k, NULL);

    return rc && rc != MDB_NOTFOUND ? group_err(l, rc, "write", e) : 0;
}

int local_empty(struct local *l, struct err *e)
{
    int rc = mdb_drop(l->txn, l->dbi, 0);

    if (rc != 0)
        return group_err(l, rc, "empty the store", e);
    return local_put_meta(l, LOCAL_KEY_FORMAT, sizeof LOCAL_KEY_FORMAT - 1, LOCAL_FORMAT, e);
}

int local_restore_undo(void *d, uint64_t rev, struct err *e)
{
    struct local *l = d;
    int r = local_group_begin(l, e);

    if (r != 0)
        return r;
    r = local_empty(l, e);
    if (r == 0)
        return local_group_commit(l, rev, e);
    local_group_abort(l);
    return r;
}
