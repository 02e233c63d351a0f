/*
 * store_priv -- what the files of this room share: the driver's table, a transaction from
 * inside
 *
 * The common part (this folder) owns transactions, their read sets and own writes, validation,
 * the commit queue, history, waits and watches. A driver owns the records: it serves snapshots
 * and makes groups durable. `local/` is one; docs/internals/store.md says how etcd is another.
 *
 * Locks, outer first: parked (RANK_WATCH) > queue (RANK_STORE) > pool > history > prefixes.
 */
#ifndef STORE_STORE_PRIV_H
#define STORE_STORE_PRIV_H

#include "base/thread.h"
#include "base/vec.h"
#include "store/gather.h"
#include "store/history.h"
#include "store/overlay.h"
#include "store/prefix.h"
#include "store/reads.h"
#include "store/store.h"

enum {
    RANK_STORE_POOL = RANK_STORE + 2,
    RANK_STORE_HISTORY = RANK_STORE + 3,
    RANK_STORE_PREFIX = RANK_STORE + 4,
    RANK_STORE_ENV = RANK_STORE + 6, /* local driver; 5 is the table cache */
};

enum {
    STORE_GROUP_OPS = 4096,       /* writes that share one fsync; a larger txn goes alone */
    STORE_GROUP_BYTES = 16 << 20, /* the same in bytes */
    STORE_GATE_MS = 5000,         /* how long a begin waits while the store is repaired */
    STORE_QUIET_MS = 2000,        /* how long a repair waits for open snapshots */
    STORE_TRIM_MS = 1000,         /* how long what was read stays mapped */
    STORE_PARKED_MAX = 1 << 20,   /* waits and watches */
    STORE_TRIM_EVERY = 256,       /* begins, or writes, that are worth a look */
};

/* group_add and group_commit may say that they need the store to themselves: no snapshot open.
 */
enum driver_result {
    DRIVER_AGAIN = 1,  /* nothing was applied: recover, then run the group again */
    DRIVER_BROKEN = 2, /* recover, then the newest revision tells whether it was applied */
};

/*
 * A driver. Snapshots and cursors are handles that are parked between uses (`*snap` and `*cur`
 * are NULL the first time), so that beginning again is cheap. One group at a time.
 */
struct store_driver {
    const char *name;
    int (*open)(const struct store_opts *o, void **ret, uint64_t *ret_rev, struct err *e);
    void (*close)(void *d);

    int (*snap_begin)(void *d, void **snap, uint64_t *ret_rev, struct err *e);
    void (*snap_end)(void *snap);
    void (*snap_free)(void *snap);
    int (*get)(void *snap, struct str key, struct record *ret,
               struct err *e); /* 1, 0: absent */
    uint64_t (*prefix_rev)(void *snap, struct str prefix);
    int (*cursor_open)(void *snap, void **cur, struct err *e);
    void (*cursor_free)(void *cur);
    /* The first record >= key, or in reverse the last <= key (key.p NULL: the very last). 1, 0
     */
    int (*cursor_seek)(void *cur, struct str key, bool reverse, struct record *ret,
                       struct err *e);
    int (*cursor_next)(void *cur, bool reverse, struct record *ret, struct err *e);

    int (*group_begin)(void *d, struct err *e);
    /* Apply one transaction's writes; fills each op's `effect` and `create_rev`. */
    int (*group_add)(void *d, struct op *first, uint64_t rev, struct err *e);
    int (*group_prefix)(void *d, struct str prefix, uint64_t rev, struct err *e);
    int (*group_commit)(void *d, uint64_t rev, struct err *e); /* durable when it returns 0 */
    void (*group_abort)(void *d);
    int (*recover)(void *d, uint64_t *ret_rev, struct err *e); /* no snapshot is open */

    /* Restore: begin empties and marks; loads are put into groups; a crash before end leaves an
     * empty store behind. */
    int (*restore_begin)(void *d, struct err *e);
    int (*restore_load)(void *d, const struct record *rec, struct err *e);
    int (*restore_end)(void *d, struct err *e);                /* in the last group */
    int (*restore_undo)(void *d, uint64_t rev, struct err *e); /* empty again, at `rev` */

    /* Of the saved revisions of prefixes, the first with prefix >= `from`. 1, 0: none */
    int (*prefix_seek)(void *snap, struct str from, struct str *ret, uint64_t *ret_rev,
                       struct err *e);
    void (*stats)(void *d, struct store_stats *ret);
    void (*trim)(void *d); /* give back memory that can be had again */
    /* Tests: the next group meets this fault. */
    void (*fail_next)(void *d, int fault);
};

extern const struct store_driver store_driver_local;

enum store_fault {
    FAULT_NONE,
    FAULT_NOSPACE, /* the disk is full */
    FAULT_IO,      /* the disk says EIO */
    FAULT_MAP,     /* the map is full */
    FAULT_BROKEN,  /* EIO on the last page: not applied, environment unusable */
    FAULT_UNSURE,  /* the same, but it was applied */
};

void store_test_fail_next(struct store *s, enum store_fault fault);

struct txn {
    uint32_t magic;
    unsigned flags;
    struct store *store;
    struct arena *arena;
    uint64_t rev;
    void *snap;
    struct overlay writes;
    struct reads reads;
    size_t write_bytes;
    struct scan_state *free_scans, *scans; /* parked, in use */
    struct txn *next;                      /* in the pool or in the queue */
    struct txn *all_prev, *all_next;       /* under the pool's lock */
    commit_done *done;
    void *done_arg;
    int result;
    uint64_t commit_rev;
};

struct wait_table {
    struct lock lock; /* "parked" */
    struct cond wake;
    struct prefix_set prefixes, exacts; /* of struct wait_group */
    struct store_wait *firing, *firing_tail;
    struct store_wait *running; /* its fn runs; NULL too if fn has cancelled it */
    struct cond ran;            /* a wait's fn has come to its end */
    unsigned n_cancelers;       /* who wait for that */
    VEC(struct watch *) watches;
    uint64_t seq; /* history up to here has been looked at */
    bool notify, stop;
    int64_t trim_at_ms; /* 0: nothing to let go */
    atomic_uint parked; /* waits and watches */
};

struct store {
    const struct store_driver *driver;
    void *d;
    char *dir;                /* NULL: in memory */
    atomic_uint_fast64_t rev; /* newest durable */

    struct lock pool_lock;
    struct txn *pool, *all_txns;
    unsigned open_txns, pool_len;
    bool gate; /* begins wait */
    struct cond gate_changed;
    uint64_t begins;

    struct lock queue_lock;
    struct cond queue_changed;
    struct txn *queue, **queue_tail;
    unsigned queue_len, queue_want; /* there are; the committer is to be told of so many */
    bool closing;
    struct gather gather; /* committer */
    size_t trim_ops;      /* writes since the last look; committer */
    bool busy, paused;    /* the committer has a group; it is to take none */
    struct cond idle;     /* either has changed */

    struct history history;
    struct lock prefix_lock;
    struct prefix_set prefixes; /* of struct prefix_index */

    struct wait_table waits;
    struct thread committer, notifier;
    atomic_uint_fast64_t commits, conflicts, groups;

    struct table_cache *cache; /* table_cache.c */
    _Atomic(const struct store_codec *) codec;
};

/* A registered prefix and the newest revision below it. Never freed before the store. */
struct prefix_index {
    struct prefix_node node;
    atomic_uint_fast64_t rev;
    uint64_t pending; /* the group under way changed it: at this revision */
    char bytes[];
};

/* txn.c */
void txn_pool_init(struct store *s);
void txn_pool_done(struct store *s);
void txn_recycle(struct txn *t); /* to the pool; its snapshot is closed already */
void txn_close_snapshot(struct txn *t);
int store_gate_close(struct store *s, int64_t deadline_ms, struct err *e);
void store_gate_open(struct store *s);

/* scan.c */
void scan_drop_all(struct txn *t); /* park every scan that is in use */
void scan_free_all(struct txn *t);

/* commit.c */
void committer_run(void *store);
void committer_pause(struct store *s); /* returns when it is idle */
void committer_resume(struct store *s);
void adopt(struct store *s, uint64_t rev); /* the driver stands at `rev`, whatever we thought */

/* wait.c */
void waits_init(struct store *s);
void waits_done(struct store *s);
void notifier_run(void *store);
void notifier_wake(struct store *s);
void notifier_trim(struct store *s); /* soon, let mapped memory go */
void waits_fire_all(struct store *s);
void parked_add(struct store *s); /* parked lock held */
void parked_del(struct store *s);

/* watch.c; parked lock held */
void watches_signal(struct store *s, const struct change *c);
void watches_signal_all(struct store *s);
bool watches_want(struct store *s, struct str key);

/* store.c: the registered prefixes; newest revision below the longest one that covers `key`,
 * UINT64_MAX if none does. *ret_exact: it is the key itself. */
void store_reload_prefixes(struct store *s);
uint64_t store_prefix_covering(struct store *s, struct str key, bool *ret_exact);

/* key.c */
void key_add_raw(struct key *k, struct str bytes); /* finished parts */
int store_key_check(struct str key, struct err *e);
/* The first key after all that begin with `prefix`: false if there is none. */
bool prefix_end(struct arena *a, struct str prefix, struct str *ret);

/* store.c: without a look at what is staged. */
int store_open_as_is(const struct store_opts *opts, struct store **ret, struct err *e);
/* snapshot.c: the store's revision and that of every prefix, also of those of `old` (may be
 * NULL), is `floor` at least. */
int store_snapshot_restore_above(struct store *s, int fd, struct store *old, uint64_t floor,
                                 struct err *e);
/* snapshot_stage.c: make `dir` what is staged in it; nothing staged is fine. Nobody has it
 * open. */
int store_take_staged(const char *dir, struct err *e);

#endif
