#include "base/clock.h"

#include "t.h"

TEST(clock_fake_stands_still_until_it_is_moved)
{
    int64_t mono;

    clock_fake_start(INT64_C(1700000000123456789));
    mono = clock_mono_ns();
    T_TRUE(clock_is_fake());
    T_INT_EQ(clock_wall_ns(), INT64_C(1700000000123456789));
    T_INT_EQ(clock_wall_ms(), INT64_C(1700000000123));
    T_INT_EQ(clock_wall_s(), 1700000000);
    T_INT_EQ(clock_mono_ns(), mono);
    clock_fake_advance(5000000);
    T_INT_EQ(clock_mono_ns(), mono + 5000000);
    T_INT_EQ(clock_wall_ns(), INT64_C(1700000000128456789));
    clock_fake_stop();
    T_FALSE(clock_is_fake());
}

TEST(clock_real_time_moves_forward)
{
    int64_t a = clock_mono_ns(), b = clock_mono_ns();

    T_TRUE(b >= a);
    T_INT_EQ(clock_mono_ms() >= a / 1000000, true);
    T_TRUE(clock_wall_s() > 1700000000);
}

TEST(clock_poll_ms_counts_down_to_the_deadline)
{
    T_INT_EQ(clock_poll_ms(0), -1);
    T_INT_EQ(clock_poll_ms(1), 0);
    T_TRUE(clock_poll_ms(clock_mono_ms() + 100000) > 90000);
    T_INT_EQ(clock_poll_ms(INT64_MAX), INT32_MAX);
    clock_fake_start(0);
    T_TRUE(clock_poll_ms(clock_mono_ms() + 100000) < 10);
    clock_fake_stop();
}
