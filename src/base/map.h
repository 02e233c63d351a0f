/*
 * map -- from byte keys to pointers, by hash
 *
 * Keys are borrowed: they must live and stay unchanged as long as they are in the map (usually
 * they are a field of the value). The hash is keyed per process, so that a peer who chooses the
 * keys cannot make them collide.
 *
 * Thread: the owner's. Order: none.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map {
    struct map_slot *slots;
    size_t len, cap, used;
};

#define MAP_INIT \
    {            \
        0        \
    }

void map_done(struct map *m);
void *map_get(const struct map *m, struct str key); /* NULL: not there */
/* Returns what was there before under `key` (its key is replaced too), or NULL. */
void *map_put(struct map *m, struct str key, void *value);
void *map_del(struct map *m, struct str key); /* returns the removed value */

/* for (size_t i = 0; map_next(m, &i, &key, &value);) ...; no put while looping, del is fine. */
bool map_next(const struct map *m, size_t *i, struct str *ret_key, void **ret_value);

uint64_t map_hash(struct str key); /* SipHash-1-3 under the process's key */

#endif
