#include <stdlib.h>

#include "base/err.h"
#include "store/local/local.h"

/* The revision of a snapshot: the committer notes it before LMDB lets anyone see the commit. */
static bool noted_rev(struct local *l, uint64_t txnid, uint64_t *ret)
{
    struct rev_slot *s = &l->revs[txnid % LOCAL_REVS];

    if (atomic_load_explicit(&s->txnid, memory_order_acquire) != txnid)
        return false;
    *ret = atomic_load_explicit(&s->rev, memory_order_acquire);
    return atomic_load_explicit(&s->txnid, memory_order_acquire) == txnid;
}

static int snap_rev(struct local_snap *s, uint64_t *ret, struct err *e)
{
    int r;

    if (noted_rev(s->l, mdb_txn_id(s->txn), ret))
        return 0;
    *ret = 0;
    r = local_meta(s->l, s->txn, LOCAL_KEY_REV, sizeof LOCAL_KEY_REV - 1, ret, e);
    return r < 0 ? r : 0;
}

/*
 * LMDB has two meta pages and takes the one for the newest transaction T by turns. A reader
 * that is held up between learning T and copying its page may copy what T + 2 writes there, or
 * half of it. So it is looked afterwards whether that commit has begun; then the snapshot is
 * taken again.
 */
static bool is_overtaken(struct local_snap *s)
{
#ifndef __SANITIZE_THREAD__ /* which knows no fences, and does not see into LMDB anyway */
    atomic_thread_fence(memory_order_acquire);
#endif
    return atomic_load(&s->l->committing) >= mdb_txn_id(s->txn) + 2;
}

static int take_snapshot(struct local_snap *s)
{
    int rc =
        s->txn ? mdb_txn_renew(s->txn) : mdb_txn_begin(s->l->env, NULL, MDB_RDONLY, &s->txn);

    while (rc == 0 && is_overtaken(s)) {
        mdb_txn_reset(s->txn);
        rc = mdb_txn_renew(s->txn);
    }
    return rc;
}

int local_snap_begin(void *d, void **snap, uint64_t *ret_rev, struct err *e)
{
    struct local *l = d;
    struct local_snap *s = *snap;
    int rc, r;

    if (!s) {
        s = calloc(1, sizeof *s);
        if (!s)
            abort();
        s->l = l;
        *snap = s;
    }
    if (!l->env)
        return err_set(e, ERR_IO, "the store could not be opened anew, trying again");
    rc = take_snapshot(s);
    if (rc != 0)
        return local_err(l, rc, "take a snapshot", e);
    r = snap_rev(s, ret_rev, e);
    if (r < 0)
        mdb_txn_reset(s->txn);
    return r;
}

void local_snap_end(void *snap)
{
    mdb_txn_reset(((struct local_snap *)snap)->txn);
}

void local_snap_free(void *snap)
{
    struct local_snap *s = snap;

    if (s->txn)
        mdb_txn_abort(s->txn);
    free(s);
}

/* `v` is a stored record. */
static int take_record(struct local *l, struct str key, MDB_val v, struct record *ret,
                       struct err *e)
{
    if (v.mv_size < LOCAL_HEAD)
        return local_err(l, MDB_CORRUPTED, "read a record", e);
    *ret = (struct record){
        .key = key,
        .value = str_n((char *)v.mv_data + LOCAL_HEAD, v.mv_size - LOCAL_HEAD),
        .create_rev = local_u64(v.mv_data),
        .mod_rev = local_u64((char *)v.mv_data + 8),
    };
    return 1;
}

int local_get(void *snap, struct str key, struct record *ret, struct err *e)
{
    struct local_snap *s = snap;
    struct local_key k;
    MDB_val mk = local_key(&k, LOCAL_DATA, key), v;
    int rc = mdb_get(s->txn, s->l->dbi, &mk, &v);

    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc != 0)
        return local_err(s->l, rc, "read", e);
    return take_record(s->l, key, v, ret, e);
}

/* A prefix's key is the meta kind, 'p', and its bytes. */
static MDB_val prefix_key(struct local_key *k, struct str prefix)
{
    k->p[0] = LOCAL_META;
    k->p[1] = 'p';
    memcpy(k->p + 2, prefix.p, prefix.len);
    return (MDB_val){prefix.len + 2, k->p};
}

uint64_t local_prefix_rev(void *snap, struct str prefix)
{
    struct local_snap *s = snap;
    struct local_key k;
    MDB_val mk;
    uint64_t rev = 0;

    if (prefix.len > STORE_KEY_MAX)
        return 0;
    mk = prefix_key(&k, prefix);
    if (local_meta(s->l, s->txn, mk.mv_data, mk.mv_size, &rev, NULL) <= 0)
        return 0;
    return rev;
}

int local_prefix_seek(void *snap, struct str from, struct str *ret, uint64_t *ret_rev,
                      struct err *e)
{
    struct local_snap *s = snap;
    struct local_key k;
    MDB_val mk = prefix_key(&k, from), v;
    MDB_cursor *c;
    int rc = mdb_cursor_open(s->txn, s->l->dbi, &c);

    if (rc == 0) {
        rc = mdb_cursor_get(c, &mk, &v, MDB_SET_RANGE);
        mdb_cursor_close(c);
    }
    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc != 0)
        return local_err(s->l, rc, "read", e);
    if (mk.mv_size < 2 || memcmp(mk.mv_data, LOCAL_PREFIX, 2) != 0)
        return 0;
    if (v.mv_size != 8)
        return local_err(s->l, MDB_CORRUPTED, "read a prefix's revision", e);
    *ret = str_n((char *)mk.mv_data + 2, mk.mv_size - 2);
    *ret_rev = local_u64(v.mv_data);
    return 1;
}

/* Cursors. */

struct local_cursor {
    struct local *l;
    MDB_cursor *c;
};

int local_cursor_open(void *snap, void **cur, struct err *e)
{
    struct local_snap *s = snap;
    struct local_cursor *c = *cur;
    int rc;

    if (!c) {
        c = calloc(1, sizeof *c);
        if (!c)
            abort();
        c->l = s->l;
        *cur = c;
    }
    rc = c->c ? mdb_cursor_renew(s->txn, c->c) : mdb_cursor_open(s->txn, s->l->dbi, &c->c);
    return rc ? local_err(s->l, rc, "open a cursor", e) : 0;
}

void local_cursor_free(void *cur)
{
    struct local_cursor *c = cur;

    if (c->c)
        mdb_cursor_close(c->c);
    free(c);
}

/* What the cursor stands on, if it is a record and not below them. */
static int current(struct local_cursor *c, int rc, MDB_val k, MDB_val v, struct record *ret,
                   struct err *e)
{
    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc != 0)
        return local_err(c->l, rc, "scan", e);
    if (k.mv_size < 2 || *(char *)k.mv_data != LOCAL_DATA)
        return 0;
    return take_record(c->l, str_n((char *)k.mv_data + 1, k.mv_size - 1), v, ret, e);
}

int local_cursor_seek(void *cur, struct str key, bool reverse, struct record *ret,
                      struct err *e)
{
    struct local_cursor *c = cur;
    struct local_key k;
    MDB_val mk, v;
    int rc;

    if (!key.p) { /* the very last */
        rc = mdb_cursor_get(c->c, &mk, &v, MDB_LAST);
        return current(c, rc, mk, v, ret, e);
    }
    mk = local_key(&k, LOCAL_DATA, key);
    rc = mdb_cursor_get(c->c, &mk, &v, MDB_SET_RANGE);
    if (!reverse)
        return current(c, rc, mk, v, ret, e);
    if (rc == MDB_NOTFOUND)
        rc = mdb_cursor_get(c->c, &mk, &v, MDB_LAST);
    else if (rc == 0 && (mk.mv_size != k.len || memcmp(mk.mv_data, k.p, k.len) != 0))
        rc = mdb_cursor_get(c->c, &mk, &v, MDB_PREV);
    return current(c, rc, mk, v, ret, e);
}

int local_cursor_next(void *cur, bool reverse, struct record *ret, struct err *e)
{
    struct local_cursor *c = cur;
    MDB_val mk, v;
    int rc = mdb_cursor_get(c->c, &mk, &v, reverse ? MDB_PREV : MDB_NEXT);

    return current(c, rc, mk, v, ret, e);
}
