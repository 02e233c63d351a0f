/* Agents come and go; tasks, tokens and their files stay. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "client_t.h"

enum { TASKS = 20, ROUNDS = 10 };

static const char *id_of(struct world *w, int i)
{
    return arena_printf(w->arena, "00000000-0000-0000-0000-%012d", i);
}

#define SCRIPT "echo $$ >> $NOMAD_ALLOC_DIR/data/pids; exec sleep 900"
#define VAULT "\"Vault\":{\"Policies\":[\"p\"],\"ChangeMode\":\"restart\"}"

static void run_tasks(struct world *w)
{
    for (int i = 0; i < TASKS; i++)
        world_run(w, id_of(w, i), SCRIPT, VAULT, NULL);
}

struct token_file {
    ino_t inode;
    struct timespec changed;
    char pid[32];
};

static void note(struct world *w, int i, struct token_file *ret)
{
    struct stat st;

    T_INT_EQ(stat(world_path(w, id_of(w, i), "t/secrets/vault_token"), &st), 0);
    *ret = (struct token_file){.inode = st.st_ino, .changed = st.st_ctim};
    snprintf(ret->pid, sizeof ret->pid, "%s", world_file(w, id_of(w, i), "alloc/data/pids"));
}

static void check(struct world *w, int i, const struct token_file *was)
{
    struct token_file is;
    pid_t pid = 0;

    note(w, i, &is);
    T_INT_EQ(is.inode, was->inode);
    T_INT_EQ(is.changed.tv_sec, was->changed.tv_sec);
    T_INT_EQ(is.changed.tv_nsec, was->changed.tv_nsec);
    T_STR_EQ(is.pid, was->pid); /* one line: it has started once */
    T_INT_EQ(sscanf(is.pid, "%d", &pid), 1);
    T_INT_EQ(kill(pid, 0), 0);
}

/* A client in a process of its own, which is killed with SIGKILL once it has everything. */
static void killed_client(struct world *w)
{
    int ready[2];
    char byte;
    pid_t pid;

    T_INT_EQ(pipe2(ready, O_CLOEXEC), 0);
    pid = fork();
    T_TRUE(pid >= 0);
    if (pid == 0) {
        struct nomad_client_stats st;

        world_begin_client(w);
        do {
            poll(NULL, 0, 1);
            nomad_client_stats(w->client, &st);
        } while (st.running < TASKS || !st.registered);
        if (write(ready[1], "r", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    close(ready[1]);
    T_INT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    T_INT_EQ(kill(pid, SIGKILL), 0);
    T_INT_EQ(waitpid(pid, NULL, 0), pid);
}

TEST(ten_restarts_of_the_agent_touch_no_task_and_no_token)
{
    struct world w;
    struct token_file files[TASKS];

    world_start(&w, NULL);
    w.server.token_ttl_s = 3600;
    run_tasks(&w);
    for (int i = 0; i < TASKS; i++)
        world_wait(&w, id_of(&w, i), "running");
    for (int i = 0; i < TASKS; i++) {
        T_UNTIL(*world_file(&w, id_of(&w, i), "alloc/data/pids"));
        note(&w, i, &files[i]);
    }
    T_INT_EQ(w.server.derives, TASKS);
    for (int round = 0; round < ROUNDS; round++) {
        world_end_client(&w);
        if (round % 2)
            killed_client(&w);
        world_begin_client(&w);
        for (int i = 0; i < TASKS; i++)
            check(&w, i, &files[i]);
    }
    T_INT_EQ(w.server.derives, TASKS);
    for (int i = 0; i < TASKS; i++) {
        T_STR_EQ(world_types(&w, id_of(&w, i), "t"), "Received|Task Setup|Started");
        T_INT_EQ(world_task(&w, id_of(&w, i), "t")->restarts, 0);
        world_desire(&w, id_of(&w, i), ALLOC_STOP);
    }
    for (int i = 0; i < TASKS; i++)
        world_wait(&w, id_of(&w, i), "complete");
    world_stop(&w);
}

TEST(an_agent_that_is_killed_while_it_starts_a_task_finds_it_again)
{
    struct world w;
    pid_t pid;

    world_start(&w, NULL);
    world_end_client(&w);
    world_run(&w, ID1, SCRIPT, NULL, NULL);
    pid = fork();
    T_TRUE(pid >= 0);
    if (pid == 0) { /* dies as soon as the task itself is seen, whatever is on disk by then */
        world_begin_client(&w);
        while (!*world_file(&w, ID1, "alloc/data/pids"))
            ;
        kill(getpid(), SIGKILL);
    }
    T_INT_EQ(waitpid(pid, NULL, 0), pid);
    world_begin_client(&w);
    world_wait(&w, ID1, "running");
    T_TRUE(!strchr(world_file(&w, ID1, "alloc/data/pids") + 1, '\n') ||
           strchr(world_file(&w, ID1, "alloc/data/pids"), '\n')[1] == '\0');
    world_desire(&w, ID1, ALLOC_STOP);
    world_wait(&w, ID1, "complete");
    world_stop(&w);
}

TEST(what_ended_while_no_agent_ran_is_told_by_the_next)
{
    struct world w;

    world_start(&w, NULL);
    world_run(&w, ID1, "while [ ! -e $NOMAD_ALLOC_DIR/data/go ]; do sleep 0.02; done; exit 7",
              NULL, NULL);
    world_wait(&w, ID1, "running");
    world_end_client(&w);
    T_TRUE(close(open(world_path(&w, ID1, "alloc/data/go"), O_CREAT | O_WRONLY, 0644)) == 0);
    T_UNTIL(access(arena_printf(w.arena, "%s/client/tasks/" ID1 "/t/status", w.dir), F_OK) ==
            0);
    world_begin_client(&w);
    world_wait(&w, ID1, "failed");
    T_STR_HAS(world_texts(&w, ID1, "t"), "Exit Code: 7|Policy allows no restarts");
    world_stop(&w);
}

static pid_t shim_pid(struct world *w, const char *id, pid_t *ret_task)
{
    auto_buf struct buf b = BUF_INIT(256);
    int task = 0, shim = 0;

    T_INT_EQ(path_read_file(AT_FDCWD,
                            arena_printf(w->arena, "%s/client/tasks/%s/t/pid", w->dir, id), &b,
                            NULL),
             0);
    T_INT_EQ(sscanf(b.p, "%d %*s %d", &task, &shim), 2);
    *ret_task = task;
    return shim;
}

TEST(a_task_that_is_gone_without_a_trace_waits_for_a_server)
{
    struct world w;
    pid_t task, shim;

    world_start(&w, NULL);
    world_run(&w, ID1, SCRIPT, NULL, NULL);
    world_wait(&w, ID1, "running");
    T_UNTIL(*world_file(&w, ID1, "alloc/data/pids"));
    world_end_client(&w);
    shim = shim_pid(&w, ID1, &task);
    kill(shim, SIGKILL);
    kill(task, SIGKILL);
    T_UNTIL(kill(task, 0) < 0 || kill(shim, 0) < 0);
    lock_take(&w.server.lock);
    w.server.down = true;
    lock_drop(&w.server.lock);
    world_begin_client(&w);
    poll(NULL, 0, 50);
    T_TRUE(!strchr(strchr(world_file(&w, ID1, "alloc/data/pids"), '\n') + 1, '\n'));
    lock_take(&w.server.lock);
    w.server.down = false;
    lock_drop(&w.server.lock);
    T_UNTIL(world_has_event(&w, ID1, "t", "Failed Restoring Task"));
    world_wait(&w, ID1, "running");
    world_desire(&w, ID1, ALLOC_STOP);
    world_wait(&w, ID1, "complete");
    world_stop(&w);
}

TEST(a_record_that_cannot_be_read_costs_that_record_only)
{
    struct world w;
    const char *path;
    int fd;

    world_start(&w, NULL);
    world_run(&w, ID1, SCRIPT, NULL, NULL);
    world_run(&w, ID2, SCRIPT, NULL, NULL);
    world_wait(&w, ID1, "running");
    world_wait(&w, ID2, "running");
    T_UNTIL(*world_file(&w, ID1, "alloc/data/pids"));
    world_end_client(&w);
    path = arena_printf(w.arena, "%s/client/allocs/" ID1, w.dir);
    fd = open(path, O_WRONLY);
    T_INT_EQ(pwrite(fd, "garbage", 7, 20), 7);
    close(fd);
    world_begin_client(&w);
    T_UNTIL(access(arena_printf(w.arena, "%s.unreadable", path), F_OK) == 0);
    T_UNTIL(nomad_client_has_alloc(w.client, ID1));
    world_wait(&w, ID1, "running");
    world_wait(&w, ID2, "running");
    T_ROW("the server names the alloc again, and its task is found");
    T_INT_EQ(strchr(world_file(&w, ID1, "alloc/data/pids"), '\n')[1], '\0');
    T_ROW("");
    world_stop(&w);
}

TEST(a_task_without_a_record_that_no_server_names_is_ended)
{
    int64_t pid = 0;
    struct world w;

    world_start(&w, NULL);
    world_run(&w, ID1, SCRIPT, NULL, NULL);
    world_wait(&w, ID1, "running");
    T_UNTIL(str_to_i64(str_trim(str_of(world_file(&w, ID1, "alloc/data/pids"))), 10, &pid));
    world_end_client(&w);
    T_INT_EQ(unlink(arena_printf(w.arena, "%s/client/allocs/" ID1, w.dir)), 0);
    world_forget(&w, ID1);
    world_begin_client(&w);
    T_UNTIL(kill((pid_t)pid, 0) < 0);
    T_UNTIL(access(arena_printf(w.arena, "%s/client/tasks/" ID1, w.dir), F_OK) < 0);
    T_TRUE(access(world_path(&w, ID1, "alloc"), F_OK) < 0);
    world_stop(&w);
}

TEST(identity_stays_and_is_private)
{
    struct world w;
    struct stat st;
    char id[37];

    world_start(&w, NULL);
    snprintf(id, sizeof id, "%s", nomad_client_id(w.client));
    world_end_client(&w);
    world_begin_client(&w);
    T_STR_EQ(nomad_client_id(w.client), id);
    for (size_t i = 0; i < 2; i++) {
        const char *file[] = {"secret-id", "node-key"};

        T_INT_EQ(stat(arena_printf(w.arena, "%s/client/%s", w.dir, file[i]), &st), 0);
        T_INT_EQ(st.st_mode & 0777, 0600);
    }
    world_stop(&w);
}

static void kill_on_stop(struct nomad_client_opts *o)
{
    o->kill_on_stop = true;
}

TEST(an_agent_told_so_ends_its_tasks_when_it_ends)
{
    struct world w;
    pid_t task = 0;

    world_start(&w, kill_on_stop);
    world_run(&w, ID1, SCRIPT, NULL, NULL);
    world_wait(&w, ID1, "running");
    shim_pid(&w, ID1, &task);
    nomad_client_stop(w.client, false);
    T_INT_EQ(kill(task, 0), -1);
    world_wait(&w, ID1, "complete");
    nomad_client_free(w.client);
    w.client = NULL;
    world_stop(&w);
}
