#include "base/queue.h"

#include <assert.h>

#include "base/err.h"
#include "base/thread.h"

/* A ring: items at[head], at[head + 1], ... modulo max. */
struct queue {
    struct lock lock;
    struct cond more;
    size_t max, head, len;
    bool closed;
    void *at[];
};

struct queue *queue_new(size_t max_items)
{
    struct queue *q;

    assert(max_items > 0 && max_items <= (SIZE_MAX - sizeof *q) / sizeof(void *));
    q = malloc(sizeof *q + max_items * sizeof(void *));
    if (!q)
        abort();
    q->max = max_items;
    q->head = q->len = 0;
    q->closed = false;
    lock_init(&q->lock, "queue", RANK_QUEUE);
    cond_init(&q->more);
    return q;
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    cond_done(&q->more);
    lock_done(&q->lock);
    free(q);
}

int queue_push(struct queue *q, void *item, struct err *e)
{
    auto_lock struct lock *held = lock_scope(&q->lock);

    assert(item);
    if (q->closed)
        return err_set(e, ERR_CANCELED, "the queue is closed");
    if (q->len == q->max)
        return err_set(e, ERR_LIMIT, "the queue is full (%zu items)", q->max);
    q->at[(q->head + q->len++) % q->max] = item;
    cond_signal(&q->more);
    return 0;
}

/* False: nothing came before the deadline, or nothing will come any more. */
static bool wait_for_item(struct queue *q, int64_t deadline_ms)
{
    while (q->len == 0) {
        if (q->closed || !cond_wait_until(&q->more, &q->lock, deadline_ms))
            return q->len > 0;
    }
    return true;
}

size_t queue_pop_many(struct queue *q, void **items, size_t max, int64_t deadline_ms)
{
    auto_lock struct lock *held = lock_scope(&q->lock);
    size_t n = 0;

    if (max == 0 || !wait_for_item(q, deadline_ms))
        return 0;
    while (n < max && q->len > 0) {
        items[n++] = q->at[q->head];
        q->head = (q->head + 1) % q->max;
        q->len--;
    }
    return n;
}

void *queue_pop(struct queue *q, int64_t deadline_ms)
{
    void *item;

    return queue_pop_many(q, &item, 1, deadline_ms) ? item : NULL;
}

void queue_close(struct queue *q)
{
    auto_lock struct lock *held = lock_scope(&q->lock);

    q->closed = true;
    cond_broadcast(&q->more);
}

size_t queue_len(const struct queue *q)
{
    auto_lock struct lock *held = lock_scope((struct lock *)&q->lock);

    return q->len;
}
