/*
 * reads -- what a transaction has read and wants unchanged
 *
 * Keys (present or not) and ranges. Ranges point into the snapshot while it is open;
 * reads_settle copies, sorts and merges them before it is closed.
 *
 * Thread: the transaction's, then the committer's.
 */
#ifndef STORE_READS_H
#define STORE_READS_H

#include "base/arena.h"
#include "store/store.h"

enum { READS_MAX = 1 << 20 };

struct history;

struct read_key {
    struct str key;
    uint64_t hash;
};

/* lo <= key < hi, or <= hi with `hi_in`; hi.p NULL: to the end of everything. */
struct read_range {
    struct str lo, hi;
    bool hi_in, any; /* any: something was walked */
    bool keys_only;  /* only a key that comes or goes matters */
};

struct reads {
    LIST(struct read_key) keys;
    LIST(struct read_range *) ranges;
    LIST(struct read_range) settled[2]; /* merged, in order; [keys_only] */
};

int reads_add_key(struct reads *r, struct arena *a, struct str key, struct err *e);
int reads_add_range(struct reads *r, struct arena *a, struct read_range **ret, struct err *e);
void reads_settle(struct reads *r, struct arena *a);
/* Has anything of it changed after `rev`? With history's lock held. */
bool reads_changed(const struct reads *r, const struct history *h, uint64_t rev);

#endif
