#include "store/prefix.h"

#include <assert.h>

struct prefix_node *prefix_get(const struct prefix_set *p, struct str bytes)
{
    return map_get(&p->map, bytes);
}

static void list_lens(struct prefix_set *p)
{
    p->n_lens = 0;
    for (size_t len = STORE_KEY_MAX + 1; len-- > 0;)
        if (p->by_len[len])
            p->lens[p->n_lens++] = (uint16_t)len;
}

void prefix_add(struct prefix_set *p, struct prefix_node *n)
{
    assert(n->bytes.len <= STORE_KEY_MAX);
    map_put(&p->map, n->bytes, n);
    if (p->by_len[n->bytes.len]++ == 0)
        list_lens(p);
}

void prefix_del(struct prefix_set *p, struct prefix_node *n)
{
    map_del(&p->map, n->bytes);
    if (--p->by_len[n->bytes.len] == 0)
        list_lens(p);
}

struct prefix_node *prefix_next(const struct prefix_set *p, struct str key, size_t *i)
{
    while (*i < p->n_lens) {
        size_t len = p->lens[(*i)++];
        struct prefix_node *n = len <= key.len ? map_get(&p->map, str_upto(key, len)) : NULL;

        if (n)
            return n;
    }
    return NULL;
}

void prefix_set_done(struct prefix_set *p)
{
    map_done(&p->map);
}
