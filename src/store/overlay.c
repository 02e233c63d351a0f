#include "store/overlay.h"

static struct op *op_new(struct arena *a, unsigned height)
{
    struct op *op = arena_zalloc(a, sizeof *op + height * sizeof op->next[0]);

    op->height = (uint8_t)height;
    return op;
}

/* A quarter of the nodes reach the next level. The order of a peer's keys cannot steer it. */
static unsigned draw_height(struct overlay *o)
{
    unsigned h = 1;

    o->seed = o->seed * 1664525u + 1013904223u;
    for (uint32_t bits = o->seed >> 8; h < OVERLAY_HEIGHT_MAX && (bits & 3) == 0; bits >>= 2)
        h++;
    return h;
}

/* `before[level]` is the last node on that level with a key < `key`. Returns the one below. */
static struct op *descend(const struct overlay *o, struct str key, bool equal,
                          struct op *before[OVERLAY_HEIGHT_MAX])
{
    struct op *at = o->head;

    for (int level = OVERLAY_HEIGHT_MAX - 1; level >= 0; level--) {
        struct op *next;

        while ((next = at->next[level])) {
            int c = str_cmp(next->key, key);

            if (c > 0 || (c == 0 && !equal))
                break;
            at = next;
        }
        if (before)
            before[level] = at;
    }
    return at;
}

struct op *overlay_before(const struct overlay *o, struct str key, bool equal)
{
    return o->head ? descend(o, key, equal, NULL) : NULL;
}

struct op *overlay_last(const struct overlay *o)
{
    struct op *at = o->head;

    if (!at)
        return NULL;
    for (int level = OVERLAY_HEIGHT_MAX - 1; level >= 0; level--)
        while (at->next[level])
            at = at->next[level];
    return at;
}

struct op *overlay_find(const struct overlay *o, struct str key)
{
    struct op *op;

    if (!o->head)
        return NULL;
    op = descend(o, key, false, NULL)->next[0];
    return op && str_eq(op->key, key) ? op : NULL;
}

struct op *overlay_at(struct overlay *o, struct arena *a, struct str key)
{
    struct op *before[OVERLAY_HEIGHT_MAX];
    struct op *op;

    if (!o->head) {
        o->head = op_new(a, OVERLAY_HEIGHT_MAX);
        o->seed = (uint32_t)((uintptr_t)o->head >> 4);
    }
    op = descend(o, key, false, before)->next[0];
    if (op && str_eq(op->key, key))
        return op;

    op = op_new(a, draw_height(o));
    op->key = arena_str(a, key);
    for (unsigned level = 0; level < op->height; level++) {
        op->next[level] = before[level]->next[level];
        before[level]->next[level] = op;
    }
    op->prev = before[0];
    if (op->next[0])
        op->next[0]->prev = op;
    o->len++;
    return op;
}
