/*
 * queue -- pointers handed from threads to threads, with a bound
 *
 * Full is an answer (ERR_LIMIT), never an unbounded wait. Closing wakes everybody; what is
 * still inside can be popped. Items are not NULL.
 *
 * Thread: any.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

struct err;
struct queue;

struct queue *queue_new(size_t max_items);
void queue_free(struct queue *q); /* NULL is fine; items are the caller's */
DEFINE_AUTO(struct queue *, queue_free)
#define auto_queue AUTO(queue_freep)

int queue_push(struct queue *q, void *item,
               struct err *e); /* ERR_LIMIT full, ERR_CANCELED closed */
/* NULL when the deadline (clock_mono_ms, 0: none) passed, or closed and empty. */
void *queue_pop(struct queue *q, int64_t deadline_ms);
/* Up to `max` items at once, waits for the first; returns how many. */
size_t queue_pop_many(struct queue *q, void **items, size_t max, int64_t deadline_ms);
void queue_close(struct queue *q);
size_t queue_len(const struct queue *q);

#endif
