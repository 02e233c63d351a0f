#include "base/arena.h"

#include "t.h"

TEST(arena_memory_is_aligned_and_apart)
{
    auto_arena struct arena *a = arena_new(64);
    char *last = NULL;

    for (size_t n = 1; n < 3000; n += 7) {
        char *p = arena_zalloc(a, n);

        T_INT_EQ((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++)
            T_INT_EQ(p[i], 0);
        memset(p, 0xAA, n);
        if (last)
            T_INT_EQ(last[0], (char)0xAA);
        last = p;
    }
}

static int ended[4], n_ended;

static void end_with(void *arg)
{
    ended[n_ended++] = *(int *)arg;
}

TEST(arena_ends_run_in_reverse_order_on_free_and_on_reset)
{
    static int one = 1, two = 2;
    struct arena *a = arena_new(0);

    n_ended = 0;
    arena_on_end(a, end_with, &one);
    arena_on_end(a, end_with, &two);
    arena_reset(a);
    T_INT_EQ(n_ended, 2);
    T_INT_EQ(ended[0], 2);
    T_INT_EQ(ended[1], 1);
    arena_on_end(a, end_with, &one);
    arena_free(a);
    T_INT_EQ(n_ended, 3);
    arena_free(NULL);
}

TEST(arena_reset_gives_back_all_but_the_first_block)
{
    auto_arena struct arena *a = arena_new(0);
    size_t start = arena_bytes(a);

    (void)arena_alloc(a, 1 << 20);
    T_TRUE(arena_bytes(a) > start + (1 << 20));
    arena_reset(a);
    T_INT_EQ(arena_bytes(a), start);
    T_TRUE(arena_alloc(a, 100) != NULL);
}

TEST(arena_wipes_what_it_held_when_asked)
{
    auto_arena struct arena *a = arena_new(4096);
    arena_set_wipe(a);
    char *p = arena_strdup(a, "hunter2");

    arena_reset(a);
    for (size_t i = 0; i < 7; i++)
        T_INT_EQ(p[i], 0);
}

TEST(arena_printf_takes_any_length)
{
    auto_arena struct arena *a = arena_new(0);
    char wide[1001];

    memset(wide, 'x', 1000);
    wide[1000] = '\0';
    T_STR_EQ(arena_printf(a, "%s-%d", "a", 7), "a-7");
    T_INT_EQ(strlen(arena_printf(a, "%s%s", wide, wide)), 2000);
    T_TRUE(arena_strdup(a, NULL) == NULL);
    T_STR_EQ(arena_strndup(a, "abcdef", 3), "abc");
    T_STRN_EQ(arena_str(a, STR("view")), STR("view"));
}

TEST(arena_lists_keep_their_items_while_growing)
{
    auto_arena struct arena *a = arena_new(0);
    LIST(int) l = {0};
    int sum = 0;

    for (int i = 0; i < 1000; i++) {
        int *p = list_add(a, &l);

        T_INT_EQ(*p, 0);
        *p = i;
    }
    T_INT_EQ(l.len, 1000);
    list_each (&l, it)
        sum += *it;
    T_INT_EQ(sum, 499500);
}

TEST(strlist_sorts_and_drops_doubles)
{
    auto_arena struct arena *a = arena_new(0);
    struct strlist l = {0};

    strlist_sort_unique(&l);
    T_INT_EQ(l.len, 0);
    list_push(a, &l, "b");
    list_push(a, &l, "a");
    list_push(a, &l, "b");
    strlist_sort_unique(&l);
    T_INT_EQ(l.len, 2);
    T_STR_EQ(l.at[0], "a");
    T_STR_EQ(l.at[1], "b");
    T_TRUE(strlist_has(&l, "b"));
    T_FALSE(strlist_has(&l, "c"));
}

TEST(strmap_stays_sorted_and_replaces)
{
    auto_arena struct arena *a = arena_new(0);
    struct strmap m = {0};
    static const char *const keys[] = {"m", "a", "z", "k", "b", "a"};

    T_TRUE(strmap_get(&m, "a") == NULL);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        strmap_set(a, &m, keys[i], arena_printf(a, "v%zu", i));
    T_INT_EQ(m.len, 5);
    for (size_t i = 1; i < m.len; i++)
        T_TRUE(strcmp(m.at[i - 1].key, m.at[i].key) < 0);
    T_STR_EQ(strmap_get(&m, "a"), "v5");
    T_STR_EQ(strmap_get(&m, "z"), "v2");
    T_TRUE(strmap_get(&m, "q") == NULL);
}
