/*
 * local -- the driver on LMDB: a directory, or memory
 *
 * One tree for everything. The first byte of a stored key says what it is: LOCAL_META (format,
 * revision, prefix revisions: they sort first, so a commit touches one extra leaf) or
 * LOCAL_DATA (a record: create_rev, mod_rev, value). Snapshots are LMDB read transactions,
 * reset and renewed; values point into the map.
 *
 * In memory it is the same tree in a memfd, never synced.
 *
 * Thread: snapshots from any, one each; groups from one at a time.
 * Limits: the file grows up to the map, the map doubles when it is full.
 */
#ifndef STORE_LOCAL_LOCAL_H
#define STORE_LOCAL_LOCAL_H

#include <lmdb.h>

#include "store/store_priv.h"

enum {
    LOCAL_META = 0,
    LOCAL_DATA = 1,
    LOCAL_FORMAT = 1,
    LOCAL_READERS_MAX = 1100, /* more than transactions may be open */
    LOCAL_REVS = 64,          /* power of two */
    LOCAL_HEAD = 16,          /* create_rev, mod_rev */
};

/* Which revision an LMDB transaction's snapshot stands at, so that a begin need not look it up.
 */
struct rev_slot {
    atomic_uint_fast64_t txnid, rev;
};

struct local {
    struct lock env_lock; /* env and its map are replaced under it */
    MDB_env *env;
    MDB_dbi dbi;
    char *dir; /* NULL: in memory */
    int dirfd; /* holds the lock on the directory */
    int memfd;
    unsigned env_flags;
    size_t map_bytes;
    struct rev_slot revs[LOCAL_REVS];
    atomic_uint_fast64_t committing; /* newest LMDB transaction whose commit has begun */
    /* the group under way */
    MDB_txn *txn;
    MDB_cursor *cursor;
    bool broken; /* LMDB refuses further work until it is opened anew */
    bool grow;
    atomic_int fault;
};

struct local_snap {
    struct local *l;
    MDB_txn *txn;
};

/* A stored key: the kind in front. */
struct local_key {
    char p[STORE_KEY_MAX + 3];
    size_t len;
};

static inline MDB_val local_key(struct local_key *k, char kind, struct str key)
{
    k->p[0] = kind;
    memcpy(k->p + 1, key.p, key.len);
    k->len = key.len + 1;
    return (MDB_val){k->len, k->p};
}

/* Meta keys. */
#define LOCAL_KEY_FORMAT "\0format"
#define LOCAL_KEY_REV "\0rev"
#define LOCAL_KEY_RESTORE "\0restoring"
#define LOCAL_PREFIX "\0p" /* and the prefix */

static inline uint64_t local_u64(const void *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return le64toh(v);
}
static inline void local_put_u64(void *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof v);
}

int local_err(const struct local *l, int rc, const char *what, struct err *e);
/* A meta number: 1, 0: not there, or ERR_*. */
int local_meta(struct local *l, MDB_txn *txn, const void *key, size_t len, uint64_t *ret,
               struct err *e);
int local_env_open(struct local *l, struct err *e);
void local_env_close(struct local *l);

/* write.c */
int local_group_begin(void *d, struct err *e);
int local_group_add(void *d, struct op *first, uint64_t rev, struct err *e);
int local_group_prefix(void *d, struct str prefix, uint64_t rev, struct err *e);
int local_group_commit(void *d, uint64_t rev, struct err *e);
void local_group_abort(void *d);
int local_recover(void *d, uint64_t *ret_rev, struct err *e);
int local_restore_begin(void *d, struct err *e);
int local_restore_load(void *d, const struct record *rec, struct err *e);
int local_restore_end(void *d, struct err *e);
int local_restore_undo(void *d, uint64_t rev, struct err *e);
int local_empty(struct local *l, struct err *e); /* within a group: all but the format goes */
int local_group_end(struct local *l, struct err *e); /* commit what is in it, no more */
int local_put_meta(struct local *l, const void *key, size_t len, uint64_t v, struct err *e);

/* read.c */
int local_snap_begin(void *d, void **snap, uint64_t *ret_rev, struct err *e);
void local_snap_end(void *snap);
void local_snap_free(void *snap);
int local_get(void *snap, struct str key, struct record *ret, struct err *e);
uint64_t local_prefix_rev(void *snap, struct str prefix);
int local_prefix_seek(void *snap, struct str from, struct str *ret, uint64_t *ret_rev,
                      struct err *e);
int local_cursor_open(void *snap, void **cur, struct err *e);
void local_cursor_free(void *cur);
int local_cursor_seek(void *cur, struct str key, bool reverse, struct record *ret,
                      struct err *e);
int local_cursor_next(void *cur, bool reverse, struct record *ret, struct err *e);

#endif
