/*
 * overlay -- a transaction's own writes, in key order
 *
 * A skip list in the transaction's arena. Nothing is ever taken out: a deletion is an op too,
 * so that a scan may hold a node while its owner writes on.
 *
 * Thread: the transaction's.
 */
#ifndef STORE_OVERLAY_H
#define STORE_OVERLAY_H

#include "base/arena.h"

enum { OVERLAY_HEIGHT_MAX = 12 };

struct object;

enum op_effect { OP_NONE, OP_CREATED, OP_UPDATED, OP_DELETED };

struct op {
    struct str key, value;
    bool del;
    uint8_t effect; /* enum op_effect: the driver's finding when it was applied */
    uint8_t height;
    const struct object
        *object;         /* table.c: what `value` was made from, the arena's reference */
    uint64_t create_rev; /* the driver's too */
    uint64_t hash;       /* of the key, set before the commit is queued */
    struct op *prev;
    struct op *next[];
};

struct overlay {
    struct op *head; /* no key; NULL: nothing written */
    size_t len;
    uint32_t seed;
};

/* The op for `key`, made (with a copy of the key) if it is not there. */
struct op *overlay_at(struct overlay *o, struct arena *a, struct str key);
struct op *overlay_find(const struct overlay *o, struct str key);
/* The last op with a key < `key` (or <= with `equal`); the head if there is none. */
struct op *overlay_before(const struct overlay *o, struct str key, bool equal);
struct op *overlay_last(const struct overlay *o); /* the head if empty */

static inline struct op *overlay_first(const struct overlay *o)
{
    return o->head ? o->head->next[0] : NULL;
}

#endif
