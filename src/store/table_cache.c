#include "store/table_cache.h"

#include "base/map.h"
#include "base/thread.h"

enum { SHARDS = 16 };

struct entry {
    struct entry *prev, *next; /* the shard's ring */
    const struct object *o;
    size_t bytes;
    bool used;
    struct str key;
    char key_bytes[];
};

struct shard {
    struct lock lock;
    struct map map;
    struct entry *hand; /* NULL: empty */
    size_t bytes, max_bytes;
    uint64_t hits, misses;
} __attribute__((aligned(64)));

struct table_cache {
    struct shard shards[SHARDS];
    atomic_uint_fast64_t epoch;
};

struct table_cache *table_cache_new(size_t max_bytes)
{
    struct table_cache *c = aligned_alloc(64, sizeof *c);

    if (!c)
        abort();
    memset(c, 0, sizeof *c);
    for (int i = 0; i < SHARDS; i++) {
        lock_init(&c->shards[i].lock, "table cache", RANK_STORE_CACHE);
        c->shards[i].max_bytes = max_bytes / SHARDS;
    }
    return c;
}

static struct shard *shard_of(struct table_cache *c, struct str key)
{
    return &c->shards[map_hash(key) >> 60];
}

/* With the shard's lock held. The caller releases e->o, outside of it. */
static void take_out(struct shard *s, struct entry *e)
{
    map_del(&s->map, e->key);
    s->bytes -= e->bytes;
    if (e->next == e) {
        s->hand = NULL;
    } else {
        if (s->hand == e)
            s->hand = e->next;
        e->prev->next = e->next;
        e->next->prev = e->prev;
    }
}

static void entries_free(struct entry *list)
{
    while (list) {
        struct entry *e = list;

        list = e->next;
        object_unref(e->o);
        free(e);
    }
}

/* Until `bytes` more fit; what goes is put in front of *gone. */
static void make_room(struct shard *s, size_t bytes, struct entry **gone)
{
    while (s->hand && s->bytes + bytes > s->max_bytes) {
        struct entry *e = s->hand;

        if (e->used) {
            e->used = false;
            s->hand = e->next;
            continue;
        }
        take_out(s, e);
        e->next = *gone;
        *gone = e;
    }
}

static void put_in(struct shard *s, struct entry *e)
{
    map_put(&s->map, e->key, e);
    s->bytes += e->bytes;
    if (!s->hand) {
        s->hand = e->prev = e->next = e;
        return;
    }
    e->next = s->hand; /* behind the hand: the last it will come to */
    e->prev = s->hand->prev;
    e->prev->next = e;
    s->hand->prev = e;
}

const struct object *table_cache_get(struct table_cache *c, struct str key, uint64_t mod_rev)
{
    struct shard *s = shard_of(c, key);
    auto_lock struct lock *held = lock_scope(&s->lock);
    struct entry *e = map_get(&s->map, key);

    if (!e || e->o->mod_rev != mod_rev) {
        s->misses++;
        return NULL;
    }
    s->hits++;
    e->used = true;
    return object_ref(e->o);
}

uint64_t table_cache_epoch(struct table_cache *c)
{
    return atomic_load(&c->epoch);
}

static struct entry *entry_new(struct str key, const struct object *o)
{
    struct entry *e = malloc(sizeof *e + key.len);

    if (!e)
        abort();
    memcpy(e->key_bytes, key.p, key.len);
    *e = (struct entry){.o = object_ref(o), .key = str_n(e->key_bytes, key.len)};
    e->bytes = sizeof *e + key.len + sizeof *o + arena_bytes(o->arena);
    return e;
}

void table_cache_put(struct table_cache *c, struct str key, const struct object *o,
                     uint64_t epoch)
{
    struct shard *s = shard_of(c, key);
    struct entry *e = entry_new(key, o), *gone = NULL, *old;

    lock_take(&s->lock);
    old = map_get(&s->map, key);
    if (atomic_load(&c->epoch) != epoch || e->bytes > s->max_bytes / 4 ||
        (old && old->o->mod_rev >= o->mod_rev)) {
        e->next = NULL;
        gone = e; /* a clear came between, too large, or a newer one is there */
    } else {
        if (old) {
            take_out(s, old);
            old->next = NULL;
            gone = old;
        }
        make_room(s, e->bytes, &gone);
        put_in(s, e);
    }
    lock_drop(&s->lock);
    entries_free(gone);
}

static struct entry *shard_empty(struct shard *s)
{
    struct entry *gone = NULL;

    while (s->hand) {
        struct entry *e = s->hand;

        take_out(s, e);
        e->next = gone;
        gone = e;
    }
    return gone;
}

void table_cache_clear(struct table_cache *c)
{
    atomic_fetch_add(&c->epoch, 1);
    for (int i = 0; i < SHARDS; i++) {
        struct entry *gone;

        lock_take(&c->shards[i].lock);
        gone = shard_empty(&c->shards[i]);
        lock_drop(&c->shards[i].lock);
        entries_free(gone);
    }
}

void table_cache_free(struct table_cache *c)
{
    if (!c)
        return;
    table_cache_clear(c);
    for (int i = 0; i < SHARDS; i++) {
        map_done(&c->shards[i].map);
        lock_done(&c->shards[i].lock);
    }
    free(c);
}

void table_cache_stats(struct table_cache *c, struct table_cache_stats *ret)
{
    *ret = (struct table_cache_stats){0};
    for (int i = 0; i < SHARDS; i++) {
        struct shard *s = &c->shards[i];
        auto_lock struct lock *held = lock_scope(&s->lock);

        ret->objects += s->map.len;
        ret->bytes += s->bytes;
        ret->hits += s->hits;
        ret->misses += s->misses;
    }
}
