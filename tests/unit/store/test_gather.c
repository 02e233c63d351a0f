/* When the committer waits for company. */
#include "store/gather.h"

#include "../t.h"

enum { MS = 1000000 };

TEST(a_group_waits_for_those_who_were_just_answered)
{
    static const struct {
        const char *label;
        size_t answered, waiting, want;
        int64_t commit_ns, until_ns;
    } rows[] = {
        {"nothing was committed yet", 0, 5, 0, 0, 0},
        {"a lone writer", 1, 0, 0, 4 * MS, 0},
        {"two in turn", 1, 1, 2, 4 * MS, 2 * MS},
        {"half of them", 32, 32, 64, 4 * MS, 2 * MS},
        {"all of them", 64, 0, 64, 4 * MS, 2 * MS},
        {"a fast commit", 32, 32, 0, GATHER_WORTH_NS - 1, 0},
        {"a slow disk", 32, 32, 64, 900 * MS, GATHER_MAX_NS},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct gather g = {0};
        int64_t until = 0;

        T_ROW(rows[i].label);
        gather_ended(&g, rows[i].answered, rows[i].commit_ns, 0);
        T_INT_EQ(gather_want(&g, rows[i].waiting, &until), rows[i].want);
        T_INT_EQ(until, rows[i].until_ns);
    }
}

TEST(a_wait_that_did_not_pay_is_not_tried_again_for_some_groups)
{
    static const struct {
        const char *label;
        size_t waiting, want, got;
        unsigned rest;
    } rows[] = {
        {"nobody came", 4, 8, 4, GATHER_REST}, {"one of four", 4, 8, 5, GATHER_REST},
        {"half of them", 4, 8, 6, 0},          {"all", 4, 8, 8, 0},
        {"the only one", 1, 2, 2, 0},          {"not the only one", 1, 2, 1, GATHER_REST},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct gather g = {0};
        int64_t until;
        unsigned n = 0;

        T_ROW(rows[i].label);
        gather_got(&g, rows[i].waiting, rows[i].want, rows[i].got);
        gather_ended(&g, 4, 4 * MS, 0);
        while (gather_want(&g, 4, &until) == 0)
            n++;
        T_INT_EQ(n, rows[i].rest);
    }
}
