#include "base/vec.h"

#include "t.h"

TEST(vec_grows_and_removes)
{
    VEC(int) v = {0};

    for (int i = 0; i < 100; i++)
        vec_push(&v, i);
    T_INT_EQ(v.len, 100);
    vec_remove(&v, 0);
    T_INT_EQ(v.at[0], 1);
    T_INT_EQ(v.at[98], 99);
    vec_remove_swap(&v, 0);
    T_INT_EQ(v.at[0], 99);
    T_INT_EQ(v.len, 98);
    vec_remove(&v, 97);
    T_INT_EQ(v.len, 97);
    T_INT_EQ(v.at[96], 97);
    vec_done(&v);
    T_INT_EQ(v.len, 0);
    T_TRUE(v.at == NULL);
}

TEST(vec_reserve_makes_room_at_once)
{
    VEC(char) v = {0};

    vec_reserve(&v, 1000);
    T_TRUE(v.cap >= 1000);
    T_INT_EQ(v.len, 0);
    vec_done(&v);
}
