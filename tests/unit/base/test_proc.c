#include "base/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "t.h"

static struct proc_spec shell(const char *const argv[4], const char *const *env)
{
    return (struct proc_spec){.path = "/bin/sh",
                              .argv = argv,
                              .env = env,
                              .stdin_fd = -1,
                              .stdout_fd = -1,
                              .stderr_fd = -1};
}

static int run(const char *script, struct buf *out, int64_t deadline_ms, int *status,
               struct err *e)
{
    const char *argv[4] = {"sh", "-c", script, NULL};
    static const char *const env[] = {"PATH=/usr/bin:/bin", "WHO=me", NULL};
    struct proc_spec spec = shell(argv, env);

    return proc_run(&spec, out, deadline_ms, status, e);
}

TEST(proc_run_collects_output_and_status)
{
    static const struct {
        const char *label, *script, *want;
        int status;
    } rows[] = {
        {"output", "echo one; echo two >&2; echo three", "one\nthree\n", 0},
        {"exit status", "exit 7", "", 7},
        {"clean environment", "echo $WHO-$HOME-$USER", "me--\n", 0},
        {"no input", "cat; echo end", "end\n", 0},
        {"only three descriptors", "ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 ", 0},
        {"no signals ignored", "sh -c 'kill -PIPE $$; echo survived'; true", "", 0},
        {"no signals blocked", "grep SigBlk /proc/self/status", "SigBlk:\t0000000000000000\n",
         0},
        {"a grandchild that keeps the pipe", "sleep 100 & echo $!", "", 0},
    };
    sigset_t block, old;

    auto_fd int leak = open("/dev/null", O_RDONLY); /* not O_CLOEXEC */

    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &block, &old);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_buf struct buf out = BUF_INIT(1000);
        struct err e = ERR_INIT;
        uint64_t grandchild;
        int status = -1;

        T_OK(run(rows[i].script, &out, clock_mono_ms() + 30000, &status, &e), &e);
        T_TRUE(WIFEXITED(status));
        T_INT_EQ(WEXITSTATUS(status), rows[i].status);
        if (i < ARRAY_LEN(rows) - 1)
            T_STRN_EQ(buf_str(&out), str_of(rows[i].want));
        else if (str_to_u64(str_trim(buf_str(&out)), 10, &grandchild))
            kill((pid_t)grandchild, SIGKILL);
    }
    signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

TEST(proc_run_ends_what_is_late_or_too_loud)
{
    auto_buf struct buf out = BUF_INIT(1000);
    struct err e = ERR_INIT;
    int status;

    T_INT_EQ(run("sleep 100", &out, clock_mono_ms() + 20, &status, &e), ERR_TIMEOUT);
    T_STR_HAS(e.msg, "run '/bin/sh': it has not ended in time");
    T_INT_EQ(run("yes", &out, clock_mono_ms() + 30000, &status, &e), ERR_TOOBIG);
    T_STR_HAS(e.msg, "its output is larger than 1000 bytes");
    T_INT_EQ(waitpid(-1, &status, WNOHANG), -1); /* nothing is left behind */
}

TEST(proc_start_says_why_not)
{
    static const char *const argv[4] = {"x", NULL};
    struct proc_spec spec = shell(argv, NULL);
    struct err e = ERR_INIT;
    pid_t pid;

    setenv("PATH", "/usr/bin:/bin", 1); /* no directory that we may not search */
    spec.path = "/no/such/program";
    T_INT_EQ(proc_start(&spec, &pid, &e), ERR_NOTFOUND);
    T_STR_HAS(e.msg, "start '/no/such/program': No such file or directory");
    spec.path = "no-such-program-anywhere";
    T_INT_EQ(proc_start(&spec, &pid, &e), ERR_NOTFOUND);
    spec.path = "/etc/passwd";
    T_INT_EQ(proc_start(&spec, &pid, &e), ERR_DENIED);
    spec.path = "true";
    spec.cwd = "/no/such/dir";
    T_INT_EQ(proc_start(&spec, &pid, &e), ERR_NOTFOUND);
    T_STR_HAS(e.msg, "working directory '/no/such/dir'");
}

/* In a child of our own: the limit is for good. */
TEST(proc_run_says_when_descriptors_are_used_up)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        const struct rlimit few = {3, 3};
        struct buf out = BUF_INIT(10);

        setrlimit(RLIMIT_NOFILE, &few);
        _exit(run("true", &out, 0, NULL, NULL) == ERR_LIMIT ? 1 : 0);
    }
    T_INT_EQ(waitpid(pid, &status, 0), pid);
    T_INT_EQ(WEXITSTATUS(status), 1);
}

TEST(proc_start_sets_directory_session_and_descriptors)
{
    static const char *const argv[4] = {"sh", "-c", "pwd; ps -o sid= -p $$; echo err >&2",
                                        NULL};
    struct proc_spec spec = shell(argv, NULL);
    struct err e = ERR_INIT;
    char text[200] = "", want[64];
    int fds[2], status;
    size_t len = 0;
    ssize_t n;
    pid_t pid;

    T_INT_EQ(pipe(fds), 0);
    spec.cwd = "/";
    spec.new_session = true;
    spec.stdout_fd = spec.stderr_fd = fds[1];
    T_OK(proc_start(&spec, &pid, &e), &e);
    close(fds[1]);
    while ((n = read(fds[0], text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    close(fds[0]);
    T_OK(proc_wait(pid, 0, &status, &e), &e);
    T_STR_HAS(text, "/\n");
    T_STR_HAS(text, "err\n");
    snprintf(want, sizeof want, "%d\n", (int)pid);
    T_STR_HAS(text, want);
}

TEST(proc_start_can_swap_the_standard_descriptors)
{
    int status, fds[2];
    char got[16] = "";
    pid_t pid = fork();

    T_INT_EQ(pipe(fds), 0);
    if (pid != 0) {
        close(fds[0]);
        close(fds[1]);
        T_INT_EQ(waitpid(pid, &status, 0), pid);
        T_INT_EQ(WEXITSTATUS(status), 1);
        return;
    }
    /* 0 is where output goes, 1 and 2 come from elsewhere. */
    static const char *const argv[4] = {"sh", "-c", "cat; echo out", NULL};
    struct proc_spec spec = shell(argv, NULL);
    int in[2];

    if (pipe(in) != 0 || write(in[1], "in ", 3) != 3)
        _exit(2);
    close(in[1]);
    dup2(fds[1], 0);
    dup2(in[0], 1);
    spec.stdin_fd = 1;
    spec.stdout_fd = 0;
    if (proc_start(&spec, &pid, NULL) < 0 || proc_wait(pid, 0, &status, NULL) < 0)
        _exit(3);
    _exit(read(fds[0], got, sizeof got - 1) > 0 && strcmp(got, "in out\n") == 0);
}

TEST(proc_wait_has_a_deadline_and_knows_strangers)
{
    static const char *const argv[4] = {"sh", "-c", "exec sleep 100", NULL};
    struct proc_spec spec = shell(argv, NULL);
    struct err e = ERR_INIT;
    int status;
    pid_t pid;

    T_OK(proc_start(&spec, &pid, &e), &e);
    T_INT_EQ(proc_wait(pid, clock_mono_ms() + 5, &status, &e), ERR_TIMEOUT);
    auto_fd int fd = proc_pidfd(pid, &e);
    T_OK(fd, &e);
    kill(pid, SIGTERM);
    T_OK(proc_wait(pid, clock_mono_ms() + 30000, &status, &e), &e);
    T_TRUE(WIFSIGNALED(status));
    T_INT_EQ(WTERMSIG(status), SIGTERM);
    T_INT_EQ(proc_wait(pid, 0, &status, &e), ERR_NOTFOUND);
    T_INT_EQ(proc_pidfd(-5, &e), ERR_IO);
}

TEST(proc_signals_have_names_in_many_spellings)
{
    static const struct {
        const char *text;
        int want;
    } rows[] = {
        {"SIGTERM", SIGTERM},
        {"TERM", SIGTERM},
        {"sigterm", SIGTERM},
        {"15", 15},
        {"hup", SIGHUP},
        {"SIGUSR1", SIGUSR1},
        {"0", 0},
        {"65", 0},
        {"", 0},
        {"SIG", 0},
        {"SIGNONE", 0},
        {"-9", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].text);
        T_INT_EQ(proc_signal_number(rows[i].text), rows[i].want);
    }
    T_STR_EQ(proc_signal_name(SIGTERM), "SIGTERM");
    T_STR_EQ(proc_signal_name(SIGABRT), "SIGABRT");
    T_TRUE(proc_signal_name(0) == NULL);
}

TEST(proc_start_time_names_a_process_for_good)
{
    uint64_t mine = proc_start_time(getpid());

    T_TRUE(mine > 0);
    T_INT_EQ(proc_start_time(getpid()), mine);
    T_TRUE(proc_start_time(1) <= mine);
    T_INT_EQ(proc_start_time(INT32_MAX), 0);
}
