#include "store_t.h"

TEST(key_parts_come_back_in_order)
{
    struct key k;
    struct str rest, part;
    uint64_t n;

    key_init(&k, "table");
    key_addz(&k, "");
    key_add_u64(&k, 0x0100);
    key_add(&k, STR("x"));
    T_FALSE(k.over);
    rest = key_str(&k);
    T_TRUE(key_next(&rest, &part));
    T_STRN_EQ(part, STR("table"));
    T_TRUE(key_next(&rest, &part));
    T_INT_EQ(part.len, 0);
    T_TRUE(key_next_u64(&rest, &n));
    T_INT_EQ(n, 0x0100);
    T_TRUE(key_next(&rest, &part));
    T_STRN_EQ(part, STR("x"));
    T_FALSE(key_next(&rest, &part));
    T_FALSE(key_next_u64(&rest, &n));
}

TEST(numbers_sort_as_numbers_and_parts_like_themselves)
{
    static const uint64_t numbers[] = {0, 1, 255, 256, 65536, UINT64_MAX - 1, UINT64_MAX};
    static const char *const texts[] = {"", "a", "a!", "aa", "b"};
    struct key k[2];

    for (size_t i = 1; i < ARRAY_LEN(numbers); i++) {
        for (int j = 0; j < 2; j++) {
            key_init(&k[j], "t");
            key_add_u64(&k[j], numbers[i - 1 + (size_t)j]);
        }
        T_TRUE(str_cmp(key_str(&k[0]), key_str(&k[1])) < 0);
    }
    for (size_t i = 1; i < ARRAY_LEN(texts); i++) {
        for (int j = 0; j < 2; j++) {
            key_init(&k[j], "t");
            key_addz(&k[j], texts[i - 1 + (size_t)j]);
            key_addz(&k[j], j ? "" : "\xff");
        }
        T_TRUE(str_cmp(key_str(&k[0]), key_str(&k[1])) < 0);
    }
}

TEST(a_key_that_cannot_be_is_marked_and_stays_so)
{
    static char part[STORE_KEY_MAX];
    struct key k;

    memset(part, 'p', sizeof part);
    key_init(&k, "");
    key_add(&k, str_n(part, STORE_KEY_MAX - 2));
    T_FALSE(k.over);
    T_INT_EQ(key_str(&k).len, STORE_KEY_MAX);
    key_add(&k, STR(""));
    T_TRUE(k.over);
    key_init(&k, "t");
    key_add_open(&k, str_n("\0", 1));
    T_TRUE(k.over);
    key_addz(&k, "x");
    T_TRUE(key_str(&k).len > STORE_KEY_MAX);
}
