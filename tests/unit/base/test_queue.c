#include "base/queue.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/thread.h"
#include "t.h"

TEST(queue_is_first_in_first_out_and_bounded)
{
    auto_queue struct queue *q = queue_new(3);
    int item[4];
    struct err e = ERR_INIT;

    for (int round = 0; round < 5; round++) { /* around the ring's end */
        for (int i = 0; i < 3; i++)
            T_OK(queue_push(q, &item[i], &e), &e);
        T_INT_EQ(queue_push(q, &item[3], &e), ERR_LIMIT);
        T_STR_HAS(e.msg, "3 items");
        T_INT_EQ(queue_len(q), 3);
        T_TRUE(queue_pop(q, 0) == &item[0]);
        T_TRUE(queue_pop(q, 0) == &item[1]);
        T_OK(queue_push(q, &item[3], &e), &e);
        T_TRUE(queue_pop(q, 0) == &item[2]);
        T_TRUE(queue_pop(q, 0) == &item[3]);
    }
    T_TRUE(queue_pop(q, clock_mono_ms() + 5) == NULL);
    queue_free(NULL);
}

TEST(queue_pop_many_takes_what_is_there)
{
    auto_queue struct queue *q = queue_new(10);
    int item[5];
    void *got[4];

    for (int i = 0; i < 5; i++)
        T_INT_EQ(queue_push(q, &item[i], NULL), 0);
    T_INT_EQ(queue_pop_many(q, got, 0, 0), 0);
    T_INT_EQ(queue_pop_many(q, got, 4, 0), 4);
    T_TRUE(got[0] == &item[0] && got[3] == &item[3]);
    T_INT_EQ(queue_pop_many(q, got, 4, 0), 1);
    T_TRUE(got[0] == &item[4]);
}

TEST(queue_closed_takes_nothing_and_gives_the_rest)
{
    auto_queue struct queue *q = queue_new(2);
    int item;

    T_INT_EQ(queue_push(q, &item, NULL), 0);
    queue_close(q);
    T_INT_EQ(queue_push(q, &item, NULL), ERR_CANCELED);
    T_TRUE(queue_pop(q, 0) == &item);
    T_TRUE(queue_pop(q, 0) == NULL);
}

struct reader {
    struct queue *q;
    atomic_size_t sum;
    int64_t deadline_ms;
};

static void read_all(void *arg)
{
    struct reader *r = arg;
    size_t *p;

    while ((p = queue_pop(r->q, r->deadline_ms)) != NULL)
        atomic_fetch_add(&r->sum, *p);
}

TEST(queue_hands_each_item_to_one_reader)
{
    enum { ITEMS = 5000 };
    static size_t items[ITEMS];
    auto_queue struct queue *q = queue_new(64);
    struct reader r = {.q = q};
    struct thread t[3] = {0};
    struct err e = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        T_OK(thread_start(&t[i], "reader", read_all, &r, &e), &e);
    for (size_t i = 0; i < ITEMS; i++) {
        items[i] = i;
        while (queue_push(q, &items[i], NULL) == ERR_LIMIT)
            sched_yield();
    }
    queue_close(q);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        thread_join(&t[i]);
    T_INT_EQ(r.sum, (size_t)ITEMS * (ITEMS - 1) / 2);
}

TEST(queue_pop_sees_the_fake_clock_move)
{
    auto_queue struct queue *q = queue_new(1);
    struct reader r = {.q = q};
    struct thread t = {0};
    struct err e = ERR_INIT;

    clock_fake_start(0);
    r.deadline_ms = clock_mono_ms() + 3600000;
    T_OK(thread_start(&t, "reader", read_all, &r, &e), &e);
    clock_fake_advance(INT64_C(3600000000000));
    thread_join(&t);
    clock_fake_stop();
    T_INT_EQ(r.sum, 0);
}
