/*
 * store -- revisioned keys, transactions, watches: the model of etcd (idea 1)
 *
 * An ordered map of byte keys to byte values. Every commit gets the next *revision*; every
 * record carries the revision that created it and the one that last changed it. What Nomad's
 * API calls an index is a revision.
 *
 * A transaction reads one consistent snapshot (and its own writes), collects writes and
 * remembers what it read: keys (also absent ones) and ranges. Commit succeeds only if none of
 * that has changed since, else ERR_CONFLICT: the caller begins again. One committer thread
 * validates, orders and makes durable; what is waiting shares one fsync.
 *
 * Two drivers, one model: `local` (LMDB; a directory, or memory) and, later, `etcd`.
 * docs/internals/store.md maps each operation to etcd's txn, range, watch and lease.
 *
 * Thread:  a store from any thread; a txn belongs to one thread at a time (it may move).
 * Memory:  values returned from a txn stay valid until the txn ends or is committed.
 * Errors:  ERR_NOSPACE, ERR_IO, ERR_CORRUPT, ERR_CONFLICT, ERR_TOOBIG, ERR_LIMIT (commit queue
 * full), ERR_CANCELED (store is closing). Disk-full and EIO are ordinary: nothing of the group
 * is visible, and the store works again as soon as the disk does. Limits:  below.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

struct err;
struct store;
struct txn;

enum {
    STORE_KEY_MAX = 480,        /* bytes of a key */
    STORE_VALUE_MAX = 8 << 20,  /* bytes of a value */
    STORE_TXN_OPS_MAX = 100000, /* writes of one transaction */
    STORE_TXN_BYTES_MAX = 64 << 20,
    STORE_TXNS_MAX = 1024,  /* open at one time; those waiting for their commit not counted */
    STORE_QUEUE_MAX = 8192, /* commits waiting */
    STORE_HISTORY_MAX = 65536, /* recent changes kept for validation and watches */
};

struct store_opts {
    const char *dir;    /* NULL: in memory, gone at close */
    uint64_t map_bytes; /* first size of the map, 0: the usual; it grows by itself */
    bool no_sync;       /* tests and benchmarks only */
};

int store_open(const struct store_opts *opts, struct store **ret, struct err *e);
void store_close(struct store *s); /* waits for commits under way; NULL is fine */
DEFINE_AUTO(struct store *, store_close)
#define auto_store AUTO(store_closep)

uint64_t store_rev(struct store *s); /* newest durable revision */

struct store_stats {
    uint64_t rev, records, used_bytes, map_bytes, commits, conflicts, groups;
};
void store_stats(struct store *s, struct store_stats *ret);

/*
 * Transactions.
 */
struct record {
    struct str key, value;
    uint64_t create_rev, mod_rev;
};

enum txn_flags {
    TXN_READ_ONLY = 1 << 0, /* no writes will come: nothing is remembered */
};

/* Begins on the newest durable snapshot. ERR_LIMIT when STORE_TXNS_MAX are open, ERR_UNAVAIL
 * when a repair takes too long. An open snapshot keeps old pages in the file: do not park one.
 */
int txn_begin(struct store *s, unsigned flags, struct txn **ret, struct err *e);
void txn_drop(struct txn *t); /* NULL is fine */
DEFINE_AUTO(struct txn *, txn_drop)
#define auto_txn AUTO(txn_dropp)
struct store *txn_store(const struct txn *t);
uint64_t txn_rev(const struct txn *t); /* of its snapshot */
bool txn_has_writes(const struct txn *t);
size_t txn_writes(const struct txn *t); /* keys written so far; STORE_TXN_OPS_MAX of them fit */
struct arena *txn_arena(struct txn *t); /* ends with the txn */

int txn_get(struct txn *t, struct str key, struct record *ret,
            struct err *e); /* ERR_NOTFOUND */
/* The same without remembering: for reads whose change must not make the transaction run again.
 */
int txn_peek(struct txn *t, struct str key, struct record *ret, struct err *e);
int txn_put(struct txn *t, struct str key, struct str value, struct err *e); /* copies both */
int txn_del(struct txn *t, struct str key, struct err *e); /* absent is fine */

/*
 * Scans, in key order, own writes included.
 *     struct scan it;
 *     scan_begin(t, &it, prefix, SCAN_...);
 *     while ((r = scan_next(&it, &rec, e)) > 0) ...
 *     scan_end(&it);      // before the txn ends
 * With a tracked scan the range that was really walked is remembered.
 */
enum scan_flags {
    SCAN_REVERSE = 1 << 0,
    SCAN_PEEK = 1 << 1,      /* do not remember */
    SCAN_KEYS_ONLY = 1 << 2, /* value is empty; cheaper for validation by key set only */
};
struct scan {
    void *priv[8];
};
int scan_begin(struct txn *t, struct scan *it, struct str prefix, unsigned flags,
               struct err *e);
/* Move so that the next record is the first with key >= `key` (reverse: <= `key`). */
int scan_seek(struct scan *it, struct str key, struct err *e);
int scan_next(struct scan *it, struct record *ret, struct err *e); /* 1: a record, 0: the end */
void scan_end(struct scan *it);

/*
 * Commit. The txn is consumed whatever happens. `done` runs once, on the committer's thread (be
 * quick: hand over), with the revision or an ERR_*. A txn without writes needs no commit; then,
 * and when the queue is full or the store is closing, `done` runs before txn_commit returns.
 */
typedef void commit_done(void *arg, int result, uint64_t rev, const struct err *e);
void txn_commit(struct txn *t, commit_done *done, void *arg);
/* Waits. Not from the committer's thread. */
int txn_commit_wait(struct txn *t, uint64_t *ret_rev, struct err *e);

/*
 * Run `fn` in a transaction until it commits: at most `tries` conflicts (0: the usual), then
 * ERR_CONFLICT. For loops; requests go through api/.
 */
int store_run(struct store *s, int (*fn)(struct txn *t, void *arg, struct err *e), void *arg,
              int tries, uint64_t *ret_rev, struct err *e);

/*
 * A group's index: the newest revision that changed anything under a registered prefix (0: none
 * yet). A prefix is registered once, at start (tables do it); its value survives a restart.
 */
int store_register_prefix(struct store *s, struct str prefix, struct err *e);
uint64_t txn_prefix_rev(struct txn *t, struct str prefix);

/*
 * Waits: one-shot wake-ups, cheap enough for tens of thousands (long polls). `fn` runs once, on
 * the notifier's thread, as soon as a change under `prefix` (or of exactly that key) with a
 * revision above `rev` is durable; at once if that is so already. Cancel is safe at any time;
 * after it returns, fn will not run (returns false if it already has or is running to its end).
 * It waits for a running fn, so hold no lock that fn takes; fn itself may cancel its own wait.
 * Every wait is cancelled once, also one that has fired. Where history is too short to tell (an
 * unregistered prefix, an old `rev`) fn may run once without need.
 */
struct store_wait;
typedef void wait_fn(void *arg);
int store_wait_new(struct store *s, struct str prefix, bool exact, uint64_t rev, wait_fn *fn,
                   void *arg, struct store_wait **ret, struct err *e);
bool store_wait_cancel(struct store_wait *w); /* frees it */

/*
 * Watches: every change under a prefix, in order, exactly once, from `from_rev` + 1 on. A
 * watcher that falls behind STORE_HISTORY_MAX changes gets one WATCH_RESYNC (read everything
 * again at event.rev, then go on) and never slows the committer.
 */
enum watch_kind { WATCH_PUT, WATCH_DEL, WATCH_RESYNC };
struct watch_event {
    enum watch_kind kind;
    uint64_t rev, create_rev;
    struct str key, value; /* value of a PUT; valid until the next call */
};
struct watch;
struct stopper;
int watch_open(struct store *s, struct str prefix, uint64_t from_rev, struct watch **ret,
               struct err *e);
void watch_close(struct watch *w); /* NULL is fine */
DEFINE_AUTO(struct watch *, watch_close)
#define auto_watch AUTO(watch_closep)
/* 1: an event; 0: the deadline (clock_mono_ms, 0: none) passed; ERR_CANCELED: stopped. */
int watch_next(struct watch *w, struct stopper *stop, int64_t deadline_ms,
               struct watch_event *ret, struct err *e);
int watch_fd(struct watch *w); /* readable while events wait */

/*
 * A consistent copy of everything, for backups: written as a stream; restored into an empty
 * store (else ERR_EXISTS) with no transaction open. A damaged stream is ERR_CORRUPT and leaves
 * it empty. Afterwards every watch gets WATCH_RESYNC and every wait fires.
 */
int store_snapshot_write(struct store *s, int fd, uint64_t *ret_rev, struct err *e);
int store_snapshot_restore(struct store *s, int fd, struct err *e);
/* Without a store: each record to `fn` (may be NULL), valid during the call only; *ret_rev may
 * be NULL. 0 says that it is whole; ERR_CORRUPT comes after what could be read. */
typedef void store_snapshot_fn(void *arg, const struct record *rec);
int store_snapshot_read(int fd, store_snapshot_fn *fn, void *arg, uint64_t *ret_rev,
                        struct err *e);
/*
 * Replace everything, at the next start: the snapshot is checked and put beside the store as
 * STORE_STAGED (one may also be put there by hand), and the next store_open of the directory
 * begins with what is in it. What was there is kept as STORE_BEFORE_RESTORE. The revision goes
 * on above both, so nobody who waits for a change waits for ever. ERR_CORRUPT, ERR_IO,
 * ERR_NOSPACE; ERR_UNSUPPORTED for a store in memory.
 */
#define STORE_STAGED "restore.snap"
#define STORE_BEFORE_RESTORE "data.mdb.before-restore"
int store_snapshot_stage(struct store *s, struct str snapshot, struct err *e);

/*
 * Keys are tuples: parts in order, each ended by 0x00, so that a prefix of parts is a prefix of
 * bytes and parts sort like themselves. Text parts contain no NUL (checked). Numbers sort as
 * numbers. struct buf k = key_start(arena?, "alloc"); ...
 */
struct key {
    char p[STORE_KEY_MAX + 1];
    size_t len;
    bool over; /* too long or a NUL inside: the operation that uses it fails with ERR_TOOBIG */
};
void key_init(struct key *k, const char *table);
void key_add(struct key *k, struct str part);
void key_addz(struct key *k, const char *part);
void key_add_u64(struct key *k, uint64_t n);
void key_add_open(struct key *k,
                  struct str start); /* unended last part: for prefix scans within a part */
static inline struct str key_str(const struct key *k)
{
    return str_n(k->p, k->over ? STORE_KEY_MAX + 1 : k->len);
}
/* Take the next part off the front of `rest`. False at the end. */
bool key_next(struct str *rest, struct str *ret_part);
bool key_next_u64(struct str *rest, uint64_t *ret_n);

#endif
