/* Tasks from their start to their end, and what is told about them. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client_t.h"

#define HEAD "Received|Task Setup|"
#define HEAD_TEXT "Task received by client|Building Task Directory|"
#define ENDING "Received|Task Setup|Started|Killing|Terminated|Killed"

static unsigned told(struct world *w)
{
    auto_lock struct lock *held = lock_scope(&w->server.lock);

    return w->server.allocs[0].n_updates;
}

TEST(a_new_state_is_told_at_once_and_an_event_with_it_or_a_moment_later)
{
    struct world w;

    clock_fake_start(INT64_C(1700000000000000000));
    clock_fake_advance(INT64_C(1000000000)); /* from here on no moment passes */
    world_start(&w, NULL);
    world_run(&w, ID1, "exec sleep 600", NULL, NULL);
    world_wait(&w, ID1, "running");
    T_STR_EQ(world_types(&w, ID1, "t"), HEAD "Started");
    T_INT_EQ(told(&w), 1);
    world_desire(&w, ID1, "stop");
    world_wait(&w, ID1, "complete");
    T_STR_EQ(world_types(&w, ID1, "t"), ENDING);
    T_INT_EQ(told(&w), 2);

    T_ROW("an event alone");
    w.server.derive_fails = UINT_MAX;
    world_run(&w, ID2, "true", "\"Vault\":{\"Policies\":[\"p\"]}", NULL);
    T_UNTIL(atomic_load(&w.server.derives) > 0); /* its first events are there */
    T_TRUE(!world_alloc(&w, ID2));
    clock_fake_advance(INT64_C(1000000000));
    T_UNTIL(world_alloc(&w, ID2));
    clock_fake_stop();
    world_stop(&w);
}

TEST(ends_of_a_task_are_told_in_the_words_of_the_api)
{
    static const struct {
        const char *label, *script, *more, *status, *types, *texts;
        bool failed;
    } rows[] = {
        {"exit 0", "true", NULL, "complete", HEAD "Started|Terminated",
         HEAD_TEXT "Task started by client|Exit Code: 0", false},
        {"exit 3", "exit 3", NULL, "failed", HEAD "Started|Terminated|Not Restarting",
         HEAD_TEXT "Task started by client|Exit Code: 3|Policy allows no restarts", true},
        {"its own SIGKILL", "kill -9 $$", NULL, "failed",
         HEAD "Started|Terminated|Not Restarting",
         HEAD_TEXT "Task started by client|Exit Code: 137, Signal: 9|Policy allows no restarts",
         true},
        {"unknown user", "true", "\"User\":\"nosuchuser\"", "failed",
         HEAD "Driver Failure|Not Restarting",
         HEAD_TEXT "failed driver config validation: failed to identify user \"nosuchuser\": "
                   "user: unknown user nosuchuser|Policy allows no restarts",
         true},
        {"no such program", "true", "\"Config\":{\"command\":\"/no/such/binary\"}", "failed",
         HEAD "Driver Failure|Not Restarting",
         HEAD_TEXT "failed to launch command with executor: rpc error: code = Unknown desc = "
                   "binary \"/no/such/binary\" could not be found|Policy allows no restarts",
         true},
        {"unknown config key", "true", "\"Config\":{\"bogus\":1}", "failed",
         HEAD "Failed Validation|Not Restarting",
         HEAD_TEXT "3 errors occurred:\n\t* failed to parse config: \n\t* Missing required "
                   "argument: The argument \"command\" is required, but no definition was "
                   "found.\n\t* Invalid label: No argument or block type is named \"bogus\"."
                   "\n\n|Policy allows no restarts",
         true},
        {"empty config", "true", "\"Config\":{}", "failed",
         HEAD "Failed Validation|Not Restarting",
         HEAD_TEXT "2 errors occurred:\n\t* failed to parse config: \n\t* Root value must be "
                   "object: The root value in a JSON-based configuration must be either a JSON "
                   "object or a JSON array of objects.\n\n|Policy allows no restarts",
         true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;

        T_ROW(rows[i].label);
        world_start(&w, NULL);
        world_run(&w, ID1, rows[i].script, rows[i].more, NULL);
        world_wait(&w, ID1, rows[i].status);
        T_STR_EQ(world_types(&w, ID1, "t"), rows[i].types);
        T_STR_EQ(world_texts(&w, ID1, "t"), rows[i].texts);
        T_INT_EQ(world_task(&w, ID1, "t")->failed, rows[i].failed);
        world_stop(&w);
    }
}

TEST(what_the_client_cannot_run_is_refused_by_name)
{
    static const struct {
        const char *label, *more, *group, *text;
    } rows[] = {
        {"template", "\"Templates\":[{\"EmbeddedTmpl\":\"x\",\"DestPath\":\"local/x\"}]", NULL,
         "block template yet (driver \"raw_exec\")"},
        {"artifact", "\"Artifacts\":[{\"GetterSource\":\"http://127.0.0.1:1/x\"}]", NULL,
         "block artifact yet"},
        {"bridge", NULL, "\"Networks\":[{\"Mode\":\"bridge\"}]", "network (mode \"bridge\")"},
        {"mesh", NULL, "\"Services\":[{\"Name\":\"s\",\"Connect\":{\"Native\":true}}]",
         "block connect yet"},
        {"csi plugin", "\"CSIPluginConfig\":{\"ID\":\"p\",\"Type\":\"node\"}", NULL,
         "block csi_plugin yet"},
        {"sticky", NULL, "\"EphemeralDisk\":{\"Sticky\":true}", "ephemeral_disk (with sticky"},
        {"logs", "\"LogConfig\":{\"Disabled\":true}", NULL, "logs (disabled)"},
        {"driver", "\"Driver\":\"exec\"", NULL, "driver \"exec\" is not one of this client's"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;

        T_ROW(rows[i].label);
        world_start(&w, NULL);
        world_run(&w, ID1, "true", rows[i].more, rows[i].group);
        world_wait(&w, ID1, "failed");
        T_STR_HAS(world_texts(&w, ID1, "t"), rows[i].text);
        world_stop(&w);
    }
}

TEST(a_stopped_task_gets_its_signal_and_its_time)
{
    static const struct {
        const char *label, *script, *more, *texts;
    } rows[] = {
        {"obeys", "echo up; exec sleep 900", "\"KillTimeout\":2000000000",
         "Sent interrupt. Waiting 2s before force killing|Exit Code: 130, Signal: 2|"
         "Task successfully killed"},
        {"stubborn", "trap '' INT; echo up; while true; do sleep 0.1; done",
         "\"KillTimeout\":300000000",
         "Sent interrupt. Waiting 300ms before force killing|Exit Code: 137, Signal: 9|"
         "Task successfully killed"},
        {"its own signal", "trap 'exit 5' TERM; echo up; while true; do sleep 0.1; done",
         "\"KillSignal\":\"SIGTERM\"",
         "Sent interrupt. Waiting 5s before force killing|Exit Code: 5|Task successfully "
         "killed"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;

        T_ROW(rows[i].label);
        world_start(&w, NULL);
        world_run(&w, ID1, rows[i].script, rows[i].more, NULL);
        world_wait(&w, ID1, "running");
        T_UNTIL(*world_file(&w, ID1, "alloc/logs/t.stdout.0"));
        world_desire(&w, ID1, ALLOC_STOP);
        world_wait(&w, ID1, "complete");
        T_STR_EQ(world_types(&w, ID1, "t"), ENDING);
        T_STR_HAS(world_texts(&w, ID1, "t"), rows[i].texts);
        T_FALSE(world_task(&w, ID1, "t")->failed);
        world_stop(&w);
    }
}

TEST(max_kill_timeout_bounds_what_a_job_asks)
{
    struct world w;

    world_start(&w, NULL);
    nomad_client_free(w.client);
    w.opts.max_kill_timeout_ms = 200;
    world_begin_client(&w);
    world_run(&w, ID1, "trap '' INT; echo up; while true; do sleep 0.1; done",
              "\"KillTimeout\":600000000000", NULL);
    T_UNTIL(*world_file(&w, ID1, "alloc/logs/t.stdout.0"));
    world_desire(&w, ID1, ALLOC_STOP);
    world_wait(&w, ID1, "complete");
    T_STR_HAS(world_texts(&w, ID1, "t"), "Waiting 200ms before force killing");
    world_stop(&w);
}

#define POLICY(attempts, delay)                                                              \
    "\"RestartPolicy\":{\"Attempts\":" attempts ",\"Interval\":60000000000,\"Delay\":" delay \
    ",\"Mode\":\"fail\"}"

TEST(the_restart_policy_is_kept)
{
    struct world w;

    world_start(&w, NULL);
    world_run(&w, ID1, "exit 1", NULL, POLICY("2", "10000000"));
    world_wait(&w, ID1, "failed");
    T_STR_EQ(world_types(&w, ID1, "t"),
             "Task Setup|Started|Terminated|Restarting|Started|Terminated|Restarting|Started|"
             "Terminated|Not Restarting");
    T_STR_HAS(world_texts(&w, ID1, "t"),
              "Exceeded allowed attempts 2 in interval 1m0s and mode is \"fail\"");
    T_INT_EQ(world_task(&w, ID1, "t")->restarts, 2);
    T_TRUE(world_task(&w, ID1, "t")->last_restart != NULL);
    world_stop(&w);
}

TEST(a_task_that_waits_for_its_restart_can_be_stopped)
{
    struct world w;

    world_start(&w, NULL);
    world_run(&w, ID1, "exit 1", NULL, POLICY("2", "60000000000"));
    world_wait_task(&w, ID1, "t", TASK_PENDING);
    T_UNTIL(world_has_event(&w, ID1, "t", TE_RESTARTING));
    world_desire(&w, ID1, ALLOC_STOP);
    world_wait(&w, ID1, "complete");
    world_stop(&w);
}

#define TASK(name, script, more)                                                          \
    "{\"Name\":\"" name "\",\"Driver\":\"raw_exec\",\"Config\":{\"command\":\"/bin/sh\"," \
    "\"args\":[\"-c\",\"" script "\"]}" more "}"
#define JOB(type, tasks, group)                                           \
    "{\"ID\":\"j\",\"Name\":\"j\",\"Type\":\"" type                       \
    "\",\"Datacenters\":[\"dc1\"],\"TaskGroups\":[{\"Name\":\"g\"," group \
    "\"RestartPolicy\":{\"Attempts\":0,\"Mode\":\"fail\"},\"Tasks\":[" tasks "]}]}"
#define HOOK(name, sidecar) ",\"Lifecycle\":{\"Hook\":\"" name "\",\"Sidecar\":" sidecar "}"

#define ONCE_TOLD "until test -e $NOMAD_ALLOC_DIR/go; do sleep 0.02; done"

/* The task with ONCE_TOLD goes on when both run. */
static void tell(struct world *w, const char *a, const char *b)
{
    world_wait_task(w, ID1, a, TASK_RUNNING);
    world_wait_task(w, ID1, b, TASK_RUNNING);
    FILE *f = fopen(world_path(w, ID1, "alloc/go"), "w");

    T_TRUE(f);
    fclose(f);
}

TEST(the_group_ends_with_its_leader)
{
    struct world w;

    world_start(&w, NULL);
    world_put(&w, ID1,
              JOB("batch",
                  TASK("lead", ONCE_TOLD, ",\"Leader\":true") "," TASK("follow",
                                                                       "exec sleep 900", ""),
                  ""));
    tell(&w, "lead", "follow");
    world_wait(&w, ID1, "complete");
    T_STR_EQ(world_types(&w, ID1, "lead"), HEAD "Started|Terminated|Killing");
    T_STR_EQ(world_types(&w, ID1, "follow"),
             HEAD "Started|Leader Task Dead|Killing|Terminated|Killed");
    world_stop(&w);
}

TEST(a_failed_task_takes_its_siblings_along)
{
    struct world w;

    world_start(&w, NULL);
    world_put(&w, ID1,
              JOB("batch",
                  TASK("bad", ONCE_TOLD "; exit 2", "") "," TASK("good", "exec sleep 900", ""),
                  ""));
    tell(&w, "bad", "good");
    world_wait_task(&w, ID1, "good", TASK_DEAD);
    world_wait(&w, ID1, "failed");
    T_STR_EQ(world_types(&w, ID1, "bad"), HEAD "Started|Terminated|Not Restarting|Killing");
    T_STR_EQ(world_types(&w, ID1, "good"),
             HEAD "Started|Sibling Task Failed|Killing|Terminated|Killed");
    T_STR_HAS(world_texts(&w, ID1, "good"), "Task's sibling \"bad\" failed");
    T_FALSE(world_task(&w, ID1, "good")->failed);
    world_stop(&w);
}

TEST(life_cycle_hooks_run_in_their_order)
{
    struct world w;
    const char *log;

    world_start(&w, NULL);
    world_put(
        &w, ID1,
        JOB("batch",
            TASK("post", "echo post >> $NOMAD_ALLOC_DIR/data/log",
                 HOOK("poststop",
                      "false")) "," TASK("main", "echo main >> $NOMAD_ALLOC_DIR/data/log",
                                         "") "," TASK("side", "exec sleep 900",
                                                      HOOK("prestart",
                                                           "true")) "," TASK("pre",
                                                                             "sleep 0.1; echo "
                                                                             "pre >> "
                                                                             "$NOMAD_ALLOC_DIR/"
                                                                             "data/log",
                                                                             HOOK("prestart",
                                                                                  "false")),
            ""));
    world_wait(&w, ID1, "complete");
    log = world_file(&w, ID1, "alloc/data/log");
    T_STR_EQ(log, "pre\nmain\npost\n");
    T_STR_EQ(world_types(&w, ID1, "side"),
             HEAD "Started|Main Tasks Dead|Killing|Terminated|Killed");
    world_stop(&w);
}

TEST(a_failed_prestart_task_stops_the_others_before_they_start)
{
    struct world w;

    world_start(&w, NULL);
    world_put(
        &w, ID1,
        JOB("batch",
            TASK("pre", "exit 1", HOOK("prestart", "false")) "," TASK("main", "sleep 1", ""),
            ""));
    world_wait_task(&w, ID1, "main", TASK_DEAD);
    world_wait(&w, ID1, "failed");
    T_UNTIL(strcmp(world_types(&w, ID1, "main"), "Received|Sibling Task Failed|Killing") == 0);
    T_STR_EQ(world_types(&w, ID1, "pre"), HEAD "Started|Terminated|Not Restarting|Killing");
    world_stop(&w);
}

TEST(the_environment_is_the_documented_one)
{
    struct world w;
    const char *env, *rows[][2] = {
                         {"NOMAD_ALLOC_ID=", ID1},
                         {"NOMAD_SHORT_ALLOC_ID=", "11111111"},
                         {"NOMAD_ALLOC_INDEX=", "0"},
                         {"NOMAD_ALLOC_NAME=", "j.g[0]"},
                         {"NOMAD_JOB_NAME=", "j"},
                         {"NOMAD_GROUP_NAME=", "g"},
                         {"NOMAD_TASK_NAME=", "t"},
                         {"NOMAD_DC=", "dc1"},
                         {"NOMAD_REGION=", "global"},
                         {"NOMAD_NAMESPACE=", "default"},
                         {"NOMAD_CPU_LIMIT=", "30"},
                         {"NOMAD_MEMORY_LIMIT=", "20"},
                         {"NOMAD_META_foo=", "bar"},
                         {"NOMAD_META_FOO=", "bar"},
                         {"NOMAD_PARENT_CGROUP=", "nomad.slice"},
                         {"X_A=", "t-dc1-${meta.none}-bar"},
                         {"FROM_HOST=", "yes"},
                         {"OVER=", "job"},
                     };

    setenv("FROM_HOST", "yes", 1);
    setenv("OVER", "host", 1);
    setenv("VAULT_TOKEN", "the-agents-own", 1);
    world_start(&w, NULL);
    world_run(&w, ID1, "env; pwd",
              "\"Resources\":{\"CPU\":30,\"MemoryMB\":20},\"Env\":{\"OVER\":\"job\",\"X_A\":"
              "\"${NOMAD_TASK_NAME}-${node.datacenter}-${meta.none}-${NOMAD_META_foo}\"}",
              NULL);
    world_wait(&w, ID1, "complete");
    env = arena_printf(w.arena, "\n%s", world_file(&w, ID1, "alloc/logs/t.stdout.0"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i][0]);
        T_STR_HAS(env, arena_printf(w.arena, "\n%s%s\n", rows[i][0], rows[i][1]));
    }
    T_ROW("directories");
    T_STR_HAS(env,
              arena_printf(w.arena, "NOMAD_SECRETS_DIR=%s", world_path(&w, ID1, "t/secrets")));
    T_STR_HAS(env, arena_printf(w.arena, "\n%s\n", world_path(&w, ID1, "t")));
    T_ROW("the agent's own token stays with the agent");
    T_TRUE(!strstr(env, "the-agents-own"));
    unsetenv("VAULT_TOKEN");
    world_stop(&w);
}

TEST(directories_have_their_layout_and_modes)
{
    static const struct {
        const char *path;
        mode_t mode;
    } rows[] = {
        {"", 0755},          {"alloc", 0777},     {"alloc/data", 0777}, {"alloc/logs", 0777},
        {"alloc/tmp", 0777}, {"t", 0777},         {"t/local", 0777},    {"t/tmp", 01777},
        {"t/secrets", 0700}, {"t/private", 0700},
    };
    struct world w;

    world_start(&w, NULL);
    world_run(&w, ID1, "true", NULL, NULL);
    world_wait(&w, ID1, "complete");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stat st;

        T_ROW(rows[i].path);
        T_INT_EQ(stat(world_path(&w, ID1, rows[i].path), &st), 0);
        T_INT_EQ(st.st_mode & 07777, rows[i].mode);
    }
    T_ROW("nothing is left");
    world_forget(&w, ID1);
    T_UNTIL(access(world_path(&w, ID1, ""), F_OK) < 0);
    T_ROW("");
    world_stop(&w);
}

TEST(logs_rotate_and_keep_their_number)
{
    struct world w;

    world_start(&w, NULL);
    world_run(&w, ID1,
              "i=0; while [ $i -lt 40 ]; do head -c 100000 /dev/zero; i=$((i+1)); done",
              "\"LogConfig\":{\"MaxFiles\":2,\"MaxFileSizeMB\":1}", NULL);
    world_wait(&w, ID1, "complete");
    T_STR_EQ(world_file(&w, ID1, "alloc/logs/t.stdout.0"), "");
    T_INT_EQ(access(world_path(&w, ID1, "alloc/logs/t.stdout.3"), F_OK), 0);
    T_INT_EQ(access(world_path(&w, ID1, "alloc/logs/t.stdout.2"), F_OK), 0);
    T_TRUE(access(world_path(&w, ID1, "alloc/logs/t.stdout.1"), F_OK) < 0);
    world_stop(&w);
}

#define UPDATE(min, deadline)                        \
    "\"Update\":{\"MaxParallel\":1,\"HealthCheck\":" \
    "\"task_states\",\"MinHealthyTime\":" min ",\"HealthyDeadline\":" deadline "},"

static const struct alloc_deployment_status *health_of(struct world *w)
{
    const struct alloc *al = world_alloc(w, ID1);

    return al ? al->deployment_status : NULL;
}

TEST(a_deployment_hears_once_whether_the_alloc_is_healthy)
{
    static const struct {
        const char *label, *job, *text;
        bool healthy;
    } rows[] = {
        {"at once", JOB("service", TASK("t", "exec sleep 900", ""), UPDATE("0", "5000000000")),
         "", true},
        {"after its time",
         JOB("service", TASK("t", "exec sleep 900", ""), UPDATE("300000000", "5000000000")), "",
         true},
        {"failed", JOB("service", TASK("t", "exit 1", ""), UPDATE("5000000000", "9000000000")),
         "Unhealthy because of failed task", false},
        {"too late",
         JOB("service", TASK("t", "exec sleep 900", ""), UPDATE("9000000000", "3000000000")),
         "Task not running for min_healthy_time of 9s by healthy_deadline of 3s", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;

        T_ROW(rows[i].label);
        world_start(&w, NULL);
        w.server.deploy = true;
        world_put(&w, ID1, rows[i].job);
        T_UNTIL(health_of(&w) && health_of(&w)->healthy);
        T_INT_EQ(*health_of(&w)->healthy, rows[i].healthy);
        if (*rows[i].text)
            T_UNTIL(strstr(world_texts(&w, ID1, "t"), rows[i].text));
        world_stop(&w);
    }
}

TEST(an_alloc_that_is_to_stop_before_it_was_seen_never_starts)
{
    struct world w;

    world_start(&w, NULL);
    lock_take(&w.server.lock);
    w.server.down = true;
    lock_drop(&w.server.lock);
    world_run(&w, ID1, "touch $NOMAD_ALLOC_DIR/data/ran", NULL, NULL);
    world_desire(&w, ID1, ALLOC_STOP);
    lock_take(&w.server.lock);
    w.server.down = false;
    lock_drop(&w.server.lock);
    world_wait(&w, ID1, "complete");
    T_TRUE(access(world_path(&w, ID1, "alloc/data/ran"), F_OK) < 0);
    T_FALSE(world_has_event(&w, ID1, "t", TE_STARTED));
    world_stop(&w);
}

TEST(a_server_that_forgot_the_node_gets_it_registered_again)
{
    struct world w;

    world_start(&w, NULL);
    T_UNTIL(w.server.heartbeats > 0);
    lock_take(&w.server.lock);
    w.server.unknown = true;
    w.server.down = true; /* the parked watch ends, and what follows is denied */
    cond_broadcast(&w.server.changed);
    w.server.registers = 0;
    lock_drop(&w.server.lock);
    poll(NULL, 0, 20);
    lock_take(&w.server.lock);
    w.server.down = false;
    w.server.deny_watch = true;
    lock_drop(&w.server.lock);
    T_UNTIL(w.server.registers > 0);
    world_run(&w, ID1, "true", NULL, NULL);
    world_wait(&w, ID1, "complete");
    world_stop(&w);
}

TEST(what_must_not_run_unheard_of_is_ended_by_the_client_itself)
{
    static const char script[] =
        "trap 'echo gone > local/gone; exit' INT; while :; do sleep 0.05; done";
    struct world w;

    world_start(&w, NULL);
    world_run(&w, ID1, script, NULL, "\"Disconnect\":{\"StopOnClientAfter\":200000000}");
    world_run(&w, ID2, script, NULL, NULL);
    world_wait(&w, ID1, "running");
    world_wait(&w, ID2, "running");
    lock_take(&w.server.lock);
    w.server.down = true;
    cond_broadcast(&w.server.changed);
    lock_drop(&w.server.lock);
    T_UNTIL(*world_file(&w, ID1, "t/local/gone"));
    T_STR_EQ(world_file(&w, ID2, "t/local/gone"), "");
    lock_take(&w.server.lock);
    w.server.down = false;
    lock_drop(&w.server.lock);
    world_wait(&w, ID1, "complete");
    T_STR_EQ(world_alloc(&w, ID2)->client_status, "running");
    world_desire(&w, ID2, ALLOC_STOP);
    world_wait(&w, ID2, "complete");
    world_stop(&w);
}

TEST(an_alloc_waits_for_those_that_were_evicted_for_it)
{
    struct world w;

    world_start(&w, NULL);
    world_run(&w, ID1,
              "trap 'echo > $NOMAD_ALLOC_DIR/told' INT; echo > $NOMAD_ALLOC_DIR/up; "
              "until [ -e $NOMAD_ALLOC_DIR/go ]; do sleep 0.02; done",
              "\"KillTimeout\":30000000000", NULL);
    T_UNTIL(access(world_path(&w, ID1, "alloc/up"), F_OK) == 0);
    lock_take(&w.server.lock);
    w.server.down = true;
    lock_drop(&w.server.lock);
    world_run(&w, ID2, "true", NULL, NULL);
    world_preempts(&w, ID2, ID1);
    world_desire(&w, ID1, ALLOC_EVICT);
    lock_take(&w.server.lock);
    w.server.down = false;
    lock_drop(&w.server.lock);
    T_UNTIL(access(world_path(&w, ID1, "alloc/told"), F_OK) == 0); /* it takes its time */
    T_UNTIL(nomad_client_has_alloc(w.client, ID2));
    T_FALSE(world_has_event(&w, ID2, "t", TE_STARTED));
    T_INT_EQ(close(creat(world_path(&w, ID1, "alloc/go"), 0600)), 0);
    world_wait(&w, ID1, "complete");
    world_wait(&w, ID2, "complete");
    world_stop(&w);
}

TEST(the_node_tells_what_the_scheduler_needs)
{
    static const char *const keys[] = {
        "cpu.arch",
        "cpu.numcores",
        "cpu.totalcompute",
        "kernel.name",
        "kernel.version",
        "memory.totalbytes",
        "os.name",
        "os.signals",
        "nomad.version",
        "driver.raw_exec",
        "unique.hostname",
        "unique.storage.volume",
        "unique.network.ip-address",
    };
    struct world w;
    const struct node *n;

    world_start(&w, NULL);
    n = nomad_client_node(w.client, w.arena);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        T_ROW(keys[i]);
        T_TRUE(strmap_get(&n->attributes, keys[i]) != NULL);
    }
    T_STR_EQ(strmap_get(&n->attributes, "driver.raw_exec"), "1");
    T_INT_EQ(n->drivers.len, 1);
    T_TRUE(n->drivers.at[0].healthy);
    T_TRUE(n->resources.cpu.cpu_shares > 0 && n->resources.memory.memory_mb > 0 &&
           n->resources.disk.disk_mb > 0);
    T_INT_EQ(n->resources.networks.len > 0, 1);
    world_stop(&w);
}

TEST(ready_and_started_within_the_blink_of_an_eye)
{
    struct world w;
    int64_t began = clock_mono_ms(), took;

    world_start(&w, NULL);
    T_UNTIL(w.server.heartbeats > 0);
    took = clock_mono_ms() - began;
    T_TRUE(took < 1000); /* 100 ms on a quiet machine; a busy one has tests too */
    world_stop(&w);
}
