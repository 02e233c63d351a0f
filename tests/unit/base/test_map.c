#include "base/map.h"

#include <stdio.h>

#include "t.h"

TEST(map_holds_what_a_plain_array_holds)
{
    enum { KEYS = 500, STEPS = 20000 };
    static char names[KEYS][8];
    static int values[STEPS];
    int *model[KEYS] = {0};
    struct map m = MAP_INIT;
    size_t want = 0, seen = 0, at = 0;
    unsigned rng = 12345;
    struct str key;
    void *value;

    for (int i = 0; i < KEYS; i++)
        snprintf(names[i], sizeof names[i], "k%d", i);
    for (int i = 0; i < STEPS; i++) {
        rng = rng * 1103515245 + 12345;
        size_t k = rng / 65536 % KEYS;

        if (rng >> 30) {
            T_TRUE(map_put(&m, str_of(names[k]), &values[i]) == model[k]);
            want += model[k] == NULL;
            model[k] = &values[i];
        } else {
            T_TRUE(map_del(&m, str_of(names[k])) == model[k]);
            want -= model[k] != NULL;
            model[k] = NULL;
        }
        T_INT_EQ(m.len, want);
    }
    for (int i = 0; i < KEYS; i++)
        T_TRUE(map_get(&m, str_of(names[i])) == model[i]);
    while (map_next(&m, &at, &key, &value)) {
        T_TRUE(map_get(&m, key) == value);
        seen++;
    }
    T_INT_EQ(seen, want);
    map_done(&m);
}

TEST(map_lets_items_go_while_looping)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e"};
    struct map m = MAP_INIT;
    struct str key;
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        map_put(&m, str_of(keys[i]), (void *)keys[i]);
    for (size_t i = 0; map_next(&m, &i, &key, NULL); n++)
        T_TRUE(map_del(&m, key) != NULL);
    T_INT_EQ(n, ARRAY_LEN(keys));
    T_INT_EQ(m.len, 0);
    T_TRUE(map_get(&m, STR("a")) == NULL);
    T_TRUE(map_del(&m, STR("a")) == NULL);
    map_done(&m);
}

TEST(map_takes_the_empty_key_and_binary_keys)
{
    struct map m = MAP_INIT;
    int a, b, c;

    map_put(&m, (struct str){NULL, 0}, &a);
    map_put(&m, STR("x\0y"), &b);
    map_put(&m, STR("x\0z"), &c);
    T_TRUE(map_get(&m, STR("")) == &a);
    T_TRUE(map_get(&m, STR("x\0y")) == &b);
    T_TRUE(map_get(&m, STR("x\0z")) == &c);
    T_TRUE(map_get(&m, STR("x")) == NULL);
    map_done(&m);
}

TEST(map_hash_tells_lengths_and_bytes_apart)
{
    char zeros[40] = {0};

    for (size_t i = 0; i < sizeof zeros; i++)
        for (size_t j = 0; j < i; j++)
            T_TRUE(map_hash(str_n(zeros, i)) != map_hash(str_n(zeros, j)));
    T_TRUE(map_hash(STR("abc")) == map_hash(str_of("abc")));
}
