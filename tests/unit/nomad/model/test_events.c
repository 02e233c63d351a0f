#include "model_t.h"

TEST(events_display_what_is_recorded)
{
    auto_arena struct arena *a = arena_new(0);
    const struct {
        const char *label;
        struct task_event ev;
        const char *want;
    } rows[] = {
        {"received", task_event_new(TE_RECEIVED, 1, a), "Task received by client"},
        {"setup", task_event_setup("Building Task Directory", 1, a), "Building Task Directory"},
        {"exit", task_event_terminated(0, 0, NULL, false, 1, a), "Exit Code: 0"},
        {"signal", task_event_terminated(137, 9, NULL, false, 1, a),
         "Exit Code: 137, Signal: 9"},
        {"exit message", task_event_terminated(1, 0, "boom", false, 1, a),
         "Exit Code: 1, Exit Message: \"boom\""},
        {"restarting", task_event_restarting(1021024298, "Restart within policy", 1, a),
         "Task restarting in 1.021024298s"},
        {"delayed",
         task_event_restarting(5000000000, "Exceeded allowed attempts, applying a delay", 1, a),
         "Exceeded allowed attempts, applying a delay - Task restarting in 5s"},
        {"not restarting", task_event_not_restarting("Policy allows no restarts", 1, a),
         "Policy allows no restarts"},
        {"killing", task_event_killing(2000000000, NULL, false, 1, a),
         "Sent interrupt. Waiting 2s before force killing"},
        {"killing why", task_event_killing(0, "Template failed: x", true, 1, a),
         "Template failed: x"},
        {"killed", task_event_killed(NULL, 1, a), "Task successfully killed"},
        {"sibling", task_event_sibling_failed("bad", 1, a), "Task's sibling \"bad\" failed"},
        {"leader", task_event_new(TE_LEADER_DEAD, 1, a), "Leader Task in Group dead"},
        {"driver", task_event_driver_failure("no such binary", 1, a), "no such binary"},
        {"signal sent", task_event_signaling("SIGHUP", "Vault: new Vault token acquired", 1, a),
         "Task being sent signal SIGHUP: Vault: new Vault token acquired"},
        {"restart", task_event_restart_signaled("User requested task to restart", 1, a),
         "User requested task to restart"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        T_STR_EQ(rows[i].ev.display_message, rows[i].want);
        T_STR_EQ(task_event_display(&rows[i].ev, a), rows[i].want);
    }
}

TEST(details_are_those_recorded)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev = task_event_terminated(9, 0, NULL, false, 1, a);

    T_STR_EQ(strmap_get(&ev.details, "exit_code"), "9");
    T_STR_EQ(strmap_get(&ev.details, "signal"), "0");
    T_STR_EQ(strmap_get(&ev.details, "oom_killed"), "false");
    ev = task_event_not_restarting("Policy allows no restarts", 1, a);
    T_STR_EQ(strmap_get(&ev.details, "fails_task"), "true");
    T_TRUE(ev.fails_task);
}

TEST(only_the_newest_events_are_kept)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_state ts = {.name = "t", .state = TASK_RUNNING};

    for (int i = 0; i < 25; i++) {
        struct task_event ev = task_event_new(TE_STARTED, i, a);

        task_state_add_event(&ts, &ev, a);
    }
    T_INT_EQ(ts.events.len, TASK_EVENTS_MAX);
    T_INT_EQ(ts.events.at[0].time, 15);
    T_INT_EQ(ts.events.at[9].time, 24);
    T_FALSE(ts.failed);
}

TEST(an_alloc_is_what_its_tasks_are)
{
    static const struct {
        const char *label, *a, *b;
        bool a_failed;
        const char *status, *text;
    } rows[] = {
        {"none yet", "pending", "pending", false, "pending", "No tasks have started"},
        {"one runs", "pending", "running", false, "running", "Tasks are running"},
        {"one done", "dead", "running", false, "running", "Tasks are running"},
        {"one failed", "dead", "running", true, "failed", "Failed tasks"},
        {"all done", "dead", "dead", false, "complete", "All tasks have completed"},
        {"one waits", "dead", "pending", false, "pending", "No tasks have started"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct task_state ts[2] = {{.state = rows[i].a, .failed = rows[i].a_failed},
                                   {.state = rows[i].b}};
        const char *status, *text;

        T_ROW(rows[i].label);
        alloc_status_from_tasks(ts, 2, &status, &text);
        T_STR_EQ(status, rows[i].status);
        T_STR_EQ(text, rows[i].text);
    }
}

TEST(states_only_move_along_their_edges)
{
    T_TRUE(alloc_status_may_become(ALLOC_PENDING, ALLOC_RUNNING));
    T_TRUE(alloc_status_may_become(ALLOC_UNKNOWN, ALLOC_RUNNING));
    T_FALSE(alloc_status_may_become(ALLOC_COMPLETE, ALLOC_RUNNING));
    T_FALSE(alloc_status_may_become(ALLOC_FAILED, ALLOC_PENDING));
    T_TRUE(task_status_may_become(TASK_RUNNING, TASK_DEAD));
    T_TRUE(node_status_may_become("ready", "down"));
    T_FALSE(node_status_may_become("disconnected", ""));
    T_TRUE(eval_status_may_become(EVAL_BLOCKED, EVAL_PENDING));
    T_FALSE(eval_status_may_become(EVAL_COMPLETE, EVAL_PENDING));
    T_FALSE(deployment_status_may_become(DEPLOYMENT_SUCCESSFUL, DEPLOYMENT_RUNNING));
}
