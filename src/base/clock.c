#include "base/clock.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { FAKE_POLL_MS = 1 };

static atomic_bool fake;
static _Atomic int64_t fake_mono_ns, fake_wall_ns; /* where it began */
static _Atomic int64_t fake_passed_ns;

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;

    if (clock_gettime(id, &ts) < 0)
        abort();
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

int64_t clock_mono_ns(void)
{
    return atomic_load(&fake) ? atomic_load(&fake_mono_ns) + atomic_load(&fake_passed_ns)
                              : read_ns(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

int64_t clock_wall_ns(void)
{
    return atomic_load(&fake) ? atomic_load(&fake_wall_ns) + atomic_load(&fake_passed_ns)
                              : read_ns(CLOCK_REALTIME);
}

/* Monotonic time is frozen where it stands: deadlines taken before stay comparable. */
void clock_fake_start(int64_t wall_ns)
{
    atomic_store(&fake_mono_ns, clock_mono_ns());
    atomic_store(&fake_wall_ns, wall_ns);
    atomic_store(&fake_passed_ns, 0);
    atomic_store(&fake, true);
}

/* One step for both: whoever sees a deadline reached sees the wall clock moved as well. */
void clock_fake_advance(int64_t ns)
{
    atomic_fetch_add(&fake_passed_ns, ns);
}

void clock_fake_stop(void)
{
    atomic_store(&fake, false);
}

bool clock_is_fake(void)
{
    return atomic_load(&fake);
}

int clock_poll_ms(int64_t deadline_ms)
{
    int64_t left;

    if (deadline_ms == 0)
        return -1;
    left = deadline_ms - clock_mono_ms();
    if (left <= 0)
        return 0;
    if (clock_is_fake())
        return FAKE_POLL_MS;
    return left < INT_MAX ? (int)left : INT_MAX;
}
