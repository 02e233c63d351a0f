/*
 * gather -- whether the committer waits for company before it writes and syncs
 *
 * Clients that wait for their commits ask again soon after they are answered. If the next group
 * begins at once it has only those who came meanwhile, and two halves take turns with the disk;
 * with a short wait all of them share one sync. How many will come back is known: as many as
 * have just been answered. The wait ends with them, or after a share of what a commit takes,
 * counted from the end of the last one; so a lone writer, and those who come now and then,
 * never wait. When it did not pay it is left alone for some groups.
 *
 * Pure: times come in. Thread: the committer's.
 */
#ifndef STORE_GATHER_H
#define STORE_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GATHER_SHARE = 2,         /* of the time that a commit takes, one part in this many */
    GATHER_MAX_NS = 10000000, /* and never longer */
    GATHER_WORTH_NS = 300000, /* a commit that is faster (in memory) is not waited for */
    GATHER_REST = 16,         /* groups without a try after one that did not pay */
};

struct gather {
    size_t answered;   /* by the last group */
    int64_t commit_ns; /* what it took to make durable */
    int64_t ended_ns;
    unsigned rest;
};

/* A group of `len` has been answered at `now_ns`. */
void gather_ended(struct gather *g, size_t len, int64_t commit_ns, int64_t now_ns);

/* With `waiting` in the queue as the last group ends: how many to wait for, until
 * *ret_until_ns. 0: nobody. */
size_t gather_want(struct gather *g, size_t waiting, int64_t *ret_until_ns);

/* There were `waiting` at first, `want` were waited for, `got` are there. */
void gather_got(struct gather *g, size_t waiting, size_t want, size_t got);

#endif
