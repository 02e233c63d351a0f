/*
 * clock -- the one place that knows what time it is
 *
 * Monotonic time for deadlines, wall time for what people and records see. Pure cores take time
 * as an argument and never include this. Tests freeze and move both with clock_fake_*.
 *
 * Thread: any.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_ns(void);
int64_t clock_wall_ns(void); /* Unix time */
static inline int64_t clock_wall_ms(void)
{
    return clock_wall_ns() / 1000000;
}
static inline int64_t clock_wall_s(void)
{
    return clock_wall_ns() / 1000000000;
}

/* Tests only. While fake, time stands still but for clock_fake_advance; waits in base/thread.h
 * look at it too. */
void clock_fake_start(int64_t wall_ns);
void clock_fake_advance(int64_t ns);
void clock_fake_stop(void);
bool clock_is_fake(void);

/* For poll(2) and its like: how long to sleep now towards a deadline in clock_mono_ms (0: none,
 * answers -1). While the clock is fake never more than a moment, so that a wait which looks
 * again sees the clock being moved. */
int clock_poll_ms(int64_t deadline_ms);

#endif
