#include "model_t.h"

enum { SECOND = 1000000000 };

static struct restart_policy *policy(struct arena *a, int64_t attempts, const char *mode)
{
    struct restart_policy *p = arena_new_of(a, struct restart_policy);

    opt_set(a, &p->attempts, attempts);
    opt_set(a, &p->interval_ns, 60LL * SECOND);
    opt_set(a, &p->delay_ns, 15LL * SECOND);
    p->mode = mode;
    return p;
}

TEST(the_restart_policy_decides)
{
    static const struct {
        const char *label;
        int64_t attempts, count;
        const char *mode;
        bool on_success, ok;
        enum restart_cause cause;
        enum restart_verdict want;
        const char *reason;
    } rows[] = {
        {"first failure", 2, 0, "fail", false, false, RESTART_EXIT, RESTART_AGAIN,
         "Restart within policy"},
        {"batch task ends well", 2, 0, "fail", false, true, RESTART_EXIT, RESTART_DONE,
         "Restart unnecessary"},
        {"service task ends well", 2, 0, "fail", true, true, RESTART_EXIT, RESTART_AGAIN,
         "Restart within policy"},
        {"used up", 2, 2, "fail", true, false, RESTART_EXIT, RESTART_GIVE_UP,
         "Exceeded allowed attempts 2 in interval 1m0s and mode is \"fail\""},
        {"used up, delay", 2, 2, "delay", true, false, RESTART_EXIT, RESTART_AGAIN,
         "Exceeded allowed attempts, applying a delay"},
        {"none allowed", 0, 0, "fail", true, false, RESTART_EXIT, RESTART_GIVE_UP,
         "Policy allows no restarts"},
        {"killed", 2, 0, "fail", true, false, RESTART_KILLED, RESTART_DONE, ""},
        {"asked for, though used up", 2, 2, "fail", true, false, RESTART_ASKED, RESTART_AGAIN,
         ""},
        {"cannot start", 2, 0, "fail", true, false, RESTART_START_REFUSED, RESTART_GIVE_UP,
         "Error was unrecoverable"},
        {"could not start this time", 2, 0, "fail", true, false, RESTART_START_FAILED,
         RESTART_AGAIN, "Restart within policy"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct restart_tracker rt = {rows[i].on_success, 100LL * SECOND, rows[i].count};
        struct restart_decision d;

        T_ROW(rows[i].label);
        restart_next(&rt, policy(a, rows[i].attempts, rows[i].mode), rows[i].cause, rows[i].ok,
                     110LL * SECOND, 0.5, a, &d);
        T_INT_EQ(d.verdict, rows[i].want);
        T_STR_HAS(d.reason, rows[i].reason);
    }
}

TEST(the_restart_delay_has_jitter_and_the_window_ends)
{
    auto_arena struct arena *a = arena_new(0);
    struct restart_policy *p = policy(a, 1, "fail");
    struct restart_tracker rt = {
        .on_success = true, .window_start = 100LL * SECOND, .count = 1};
    struct restart_decision d;

    restart_next(&rt, p, RESTART_EXIT, false, 161LL * SECOND, 0.5, a, &d); /* a new window */
    T_INT_EQ(d.verdict, RESTART_AGAIN);
    T_INT_EQ(d.delay_ns, 16875000000);
    restart_next(&rt, p, RESTART_EXIT, false, 170LL * SECOND, 0, a, &d);
    T_INT_EQ(d.verdict, RESTART_GIVE_UP);
    p->mode = "delay";
    restart_next(&rt, p, RESTART_EXIT, false, 171LL * SECOND, 0, a, &d);
    T_INT_EQ(d.delay_ns, 50LL * SECOND); /* to the window's end */
}

static struct alloc failed_alloc(struct arena *a, const int64_t *delays_s, size_t n)
{
    struct alloc al = {.id = "old", .node_id = "n1", .modify_time = 1000LL * SECOND};

    if (n)
        al.reschedule_tracker = arena_new_of(a, struct reschedule_tracker);
    for (size_t i = 0; i < n; i++)
        list_push(a, &al.reschedule_tracker->events,
                  ((struct reschedule_event){990LL * SECOND, "x", "n0", delays_s[i] * SECOND}));
    return al;
}

TEST(reschedule_delays_grow_as_the_policy_says)
{
    static const struct {
        const char *label, *fn;
        int64_t past[4];
        size_t n;
        int64_t want_s;
    } rows[] = {
        {"first", "exponential", {0}, 0, 30},
        {"constant", "constant", {30, 30}, 2, 30},
        {"second", "exponential", {30}, 1, 60},
        {"third", "exponential", {30, 60}, 2, 120},
        {"fibonacci", "fibonacci", {30, 30, 60}, 3, 90},
        {"at the ceiling", "exponential", {240}, 1, 300},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct reschedule_policy p = {.delay_function = rows[i].fn};
        struct alloc al = failed_alloc(a, rows[i].past, rows[i].n);
        struct reschedule_decision d;

        T_ROW(rows[i].label);
        opt_set(a, &p.delay_ns, 30LL * SECOND);
        opt_set(a, &p.max_delay_ns, 300LL * SECOND);
        opt_set(a, &p.unlimited, true);
        reschedule_next(&p, &al, 1001LL * SECOND, &d);
        T_TRUE(d.eligible);
        T_INT_EQ(d.delay_ns, rows[i].want_s * SECOND);
        T_INT_EQ(d.at, 1000LL * SECOND + rows[i].want_s * SECOND);
    }
}

TEST(reschedule_attempts_are_counted_within_the_interval)
{
    auto_arena struct arena *a = arena_new(0);
    struct reschedule_policy p = {.delay_function = "constant"};
    struct alloc al = failed_alloc(a, (int64_t[]){5, 5}, 2);
    struct reschedule_decision d;

    opt_set(a, &p.delay_ns, 5LL * SECOND);
    opt_set(a, &p.attempts, 2);
    opt_set(a, &p.interval_ns, 100LL * SECOND);
    reschedule_next(&p, &al, 1001LL * SECOND, &d);
    T_FALSE(d.eligible);
    opt_set(a, &p.attempts, 3);
    reschedule_next(&p, &al, 1001LL * SECOND, &d);
    T_TRUE(d.eligible);
    opt_set(a, &p.attempts, 1);
    opt_set(a, &p.interval_ns, 5LL * SECOND); /* both tries are older */
    reschedule_next(&p, &al, 1001LL * SECOND, &d);
    T_TRUE(d.eligible);
}

TEST(the_tracker_keeps_the_last_few)
{
    auto_arena struct arena *a = arena_new(0);
    struct alloc al = failed_alloc(a, (int64_t[]){1, 2, 3, 4, 5, 6, 7}, 7);
    struct reschedule_policy p = {0};
    struct reschedule_tracker *t;

    opt_set(a, &p.unlimited, true);
    t = reschedule_tracker_next(&al, &p, 9LL * SECOND, 1005LL * SECOND, a);
    T_INT_EQ(t->events.len, RESCHEDULE_EVENTS_KEPT);
    T_STR_EQ(t->events.at[4].prev_alloc_id, "old");
    T_INT_EQ(t->events.at[4].delay_ns, 9LL * SECOND);
    T_INT_EQ(t->events.at[3].delay_ns, 7LL * SECOND);
}

TEST(tasks_that_never_run_together_share_their_room)
{
    auto_arena struct arena *a = arena_new(0);
    struct job *j =
        job_text(a, "{'ID':'j','TaskGroups':[{'Name':'g','Tasks':["
                    "{'Name':'init','Driver':'x','Lifecycle':{'Hook':'prestart'},'Resources':{'"
                    "CPU':500,'MemoryMB':50}},"
                    "{'Name':'side','Driver':'x','Lifecycle':{'Hook':'prestart','Sidecar':true}"
                    ",'Resources':{'CPU':10,'MemoryMB':20}},"
                    "{'Name':'main','Driver':'x','Resources':{'CPU':100,'MemoryMB':300}}]}]}");
    struct comparable c;

    group_ask(&j->groups.at[0], &c);
    T_INT_EQ(c.cpu, 510);
    T_INT_EQ(c.memory_mb, 320);
    T_INT_EQ(c.disk_mb, 300);
}

TEST(summaries_count_moves)
{
    auto_arena struct arena *a = arena_new(0);
    struct job_summary s = {0};
    struct group_summary *g = summary_group(&s, "g", a);

    summary_alloc_moved(g, NULL, ALLOC_PENDING);
    summary_alloc_moved(g, ALLOC_PENDING, ALLOC_RUNNING);
    summary_alloc_moved(g, ALLOC_RUNNING, ALLOC_FAILED);
    summary_alloc_moved(g, ALLOC_FAILED, ALLOC_FAILED);
    T_INT_EQ(g->starting, 0);
    T_INT_EQ(g->running, 0);
    T_INT_EQ(g->failed, 1);
    T_TRUE(summary_group(&s, "g", a) == g);
}
