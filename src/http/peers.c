#include "http/http_priv.h"

/* One per address with connections; only kept while there is a limit. */
struct peer_count {
    char address[PEER_TEXT_SIZE];
    uint32_t n;
};

struct peer_count *peer_take(struct http_server *s, const char *address)
{
    auto_lock struct lock *held = lock_scope(&s->lock);
    struct peer_count *p = map_get(&s->peers, str_of(address));

    if (p && p->n >= s->limits.connections_per_address)
        return NULL;
    if (!p) {
        p = calloc(1, sizeof *p);
        if (!p)
            abort();
        snprintf(p->address, sizeof p->address, "%s", address);
        map_put(&s->peers, str_of(p->address), p);
    }
    p->n++;
    return p;
}

void peer_drop(struct http_server *s, struct peer_count *p)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    if (--p->n > 0)
        return;
    map_del(&s->peers, str_of(p->address));
    free(p);
}
