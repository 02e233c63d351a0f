/*
 * table_cache -- decoded objects, found by key and revision
 *
 * Sharded; each shard is bounded by what its objects hold and evicts by CLOCK: an object that
 * was used since the hand last passed stays for another round.
 *
 * Thread: any.
 */
#ifndef STORE_TABLE_CACHE_H
#define STORE_TABLE_CACHE_H

#include "lang/schema.h"
#include "store/store.h"

struct table_cache;

struct table_cache *table_cache_new(size_t max_bytes);
void table_cache_free(struct table_cache *c); /* NULL is fine */

/* A new reference to the object of exactly that revision, or NULL. */
const struct object *table_cache_get(struct table_cache *c, struct str key, uint64_t mod_rev);
/* `epoch` is what table_cache_epoch said before the record was decoded: a clear in between
 * wins. */
uint64_t table_cache_epoch(struct table_cache *c);
void table_cache_put(struct table_cache *c, struct str key, const struct object *o,
                     uint64_t epoch);
void table_cache_clear(struct table_cache *c);

struct table_cache_stats {
    uint64_t objects, bytes, hits, misses;
};
void table_cache_stats(struct table_cache *c, struct table_cache_stats *ret);

#endif
