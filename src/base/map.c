#include "base/map.h"

#include <pthread.h>
#include <sys/random.h>

/* Linear probing, at most 3/4 full, slots of removed keys kept as tombstones until the next
 * growth. */
struct map_slot {
    struct str key; /* p == NULL: free; p == tombstone: removed */
    void *value;
    uint64_t hash;
};

static const char tombstone[1];
static uint64_t hash_key[2];

static void hash_key_init(void)
{
    if (getrandom(hash_key, sizeof hash_key, 0) != (ssize_t)sizeof hash_key)
        abort();
}

static inline uint64_t rotl(uint64_t x, int b)
{
    return (x << b) | (x >> (64 - b));
}

#define SIP_ROUND               \
    do {                        \
        v0 += v1;               \
        v1 = rotl(v1, 13) ^ v0; \
        v0 = rotl(v0, 32);      \
        v2 += v3;               \
        v3 = rotl(v3, 16) ^ v2; \
        v0 += v3;               \
        v3 = rotl(v3, 21) ^ v0; \
        v2 += v1;               \
        v1 = rotl(v1, 17) ^ v2; \
        v2 = rotl(v2, 32);      \
    } while (0)

uint64_t map_hash(struct str key)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, hash_key_init);

    uint64_t v0 = hash_key[0] ^ 0x736f6d6570736575, v1 = hash_key[1] ^ 0x646f72616e646f6d;
    uint64_t v2 = hash_key[0] ^ 0x6c7967656e657261, v3 = hash_key[1] ^ 0x7465646279746573;
    uint64_t m, last = (uint64_t)key.len << 56;
    size_t i;

    for (i = 0; i + 8 <= key.len; i += 8) {
        memcpy(&m, key.p + i, 8);
        v3 ^= m;
        SIP_ROUND;
        v0 ^= m;
    }
    for (size_t j = 0; i + j < key.len; j++)
        last |= (uint64_t)(unsigned char)key.p[i + j] << (8 * j);
    v3 ^= last;
    SIP_ROUND;
    v0 ^= last;
    v2 ^= 0xff;
    SIP_ROUND;
    SIP_ROUND;
    SIP_ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

void map_done(struct map *m)
{
    free(m->slots);
    *m = (struct map)MAP_INIT;
}

static bool slot_holds(const struct map_slot *s)
{
    return s->key.p && s->key.p != tombstone;
}

/* The key's slot, or the free slot that ends its probe. */
static struct map_slot *probe(const struct map *m, struct str key, uint64_t hash)
{
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *s = &m->slots[i];

        if (!s->key.p)
            return s;
        if (s->hash == hash && slot_holds(s) && str_eq(s->key, key))
            return s;
    }
}

static void grow(struct map *m)
{
    struct map old = *m;

    m->cap = 8;
    while (m->cap * 3 / 4 <= old.len + 1)
        m->cap *= 2;
    m->slots = calloc(m->cap, sizeof *m->slots);
    if (!m->slots)
        abort();
    m->used = m->len;
    for (size_t i = 0; i < old.cap; i++)
        if (slot_holds(&old.slots[i]))
            *probe(m, old.slots[i].key, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

void *map_get(const struct map *m, struct str key)
{
    if (m->len == 0)
        return NULL;
    struct map_slot *s = probe(m, key, map_hash(key));

    return s->key.p ? s->value : NULL;
}

void *map_put(struct map *m, struct str key, void *value)
{
    uint64_t hash = map_hash(key);
    struct map_slot *s;
    void *old;

    if (!key.p)
        key.p = "";
    if (m->used + 1 > m->cap * 3 / 4)
        grow(m);
    s = probe(m, key, hash);
    old = s->key.p ? s->value : NULL;
    if (!s->key.p) {
        m->len++;
        m->used++;
    }
    *s = (struct map_slot){.key = key, .value = value, .hash = hash};
    return old;
}

void *map_del(struct map *m, struct str key)
{
    struct map_slot *s;

    if (m->len == 0)
        return NULL;
    s = probe(m, key, map_hash(key));
    if (!s->key.p)
        return NULL;
    s->key = (struct str){tombstone, 0};
    m->len--;
    return s->value;
}

bool map_next(const struct map *m, size_t *i, struct str *ret_key, void **ret_value)
{
    while (*i < m->cap) {
        const struct map_slot *s = &m->slots[(*i)++];

        if (slot_holds(s)) {
            if (ret_key)
                *ret_key = s->key;
            if (ret_value)
                *ret_value = s->value;
            return true;
        }
    }
    return false;
}
