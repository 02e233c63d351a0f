#include "http/body.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/auto.h"

static size_t grown(size_t cap, size_t need)
{
    if (cap < BODY_FIRST_BYTES)
        cap = BODY_FIRST_BYTES;
    while (cap < need)
        cap *= 2;
    return cap;
}

static char *grow_mapped(const struct body *b, size_t cap)
{
    void *p;

    if (b->mapped)
        p = mremap(b->p, b->cap, cap, MREMAP_MAYMOVE);
    else
        p = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        abort();
    return p;
}

void body_reserve(struct body *b, size_t want)
{
    size_t need = b->len + want + 1, cap;
    char *p;

    if (need <= b->cap)
        return;
    cap = grown(b->cap, need);
    if (cap >= BODY_MAP_MIN && b->mapped) {
        b->p = grow_mapped(b, cap);
        b->cap = cap;
        return;
    }
    p = cap >= BODY_MAP_MIN ? grow_mapped(b, cap) : malloc(cap);
    if (!p)
        abort();
    if (b->len)
        memcpy(p, b->p, b->len);
    if (b->p) {
        explicit_bzero(b->p, b->len);
        free(b->p);
    }
    b->p = p;
    b->cap = cap;
    b->mapped = cap >= BODY_MAP_MIN;
}

void body_put(struct body *b, struct str data)
{
    if (data.len == 0)
        return;
    body_reserve(b, data.len);
    memcpy(b->p + b->len, data.p, data.len);
    b->len += data.len;
}

void body_done(struct body *b)
{
    if (b->mapped) {
        munmap(b->p, b->cap);
    } else if (b->p) {
        explicit_bzero(b->p, b->len);
        free(b->p);
    }
    *b = (struct body){0};
}
