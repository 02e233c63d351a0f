/*
 * prefix -- which of many prefixes does a key begin with?
 *
 * A set of byte strings by hash, with a count per length: a key is looked up once per length
 * that is in use, whatever the number of prefixes.
 *
 * Thread: the owner's lock. Memory: nodes and their bytes are the owner's.
 */
#ifndef STORE_PREFIX_H
#define STORE_PREFIX_H

#include "base/map.h"
#include "store/store.h"

struct prefix_node {
    struct str bytes;
};

struct prefix_set {
    struct map map;
    uint32_t by_len[STORE_KEY_MAX + 1];
    uint16_t lens[STORE_KEY_MAX + 1]; /* those in use, longest first */
    size_t n_lens;
};

struct prefix_node *prefix_get(const struct prefix_set *p, struct str bytes);
void prefix_add(struct prefix_set *p, struct prefix_node *n); /* not in it yet */
void prefix_del(struct prefix_set *p, struct prefix_node *n);
void prefix_set_done(struct prefix_set *p);

/* for (size_t i = 0; (n = prefix_next(p, key, &i));) ...: every node whose bytes `key` begins
 * with, longest first. No add or del while looping. */
struct prefix_node *prefix_next(const struct prefix_set *p, struct str key, size_t *i);

#endif
