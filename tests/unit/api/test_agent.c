#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/agent.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/thread.h"
#include "fake.h"

/* Each test's agent lives in a child that says by letters on a pipe what happens to it. */
struct child {
    pid_t pid;
    int says;
    char pid_file[256];
};

static void say(char c)
{
    if (write(STDOUT_FILENO, &c, 1) != 1)
        _exit(7);
}

static void on_reload(void *arg)
{
    (void)arg;
    say('r');
}

static void on_usr1(void *arg)
{
    (void)arg;
    say('u');
}

static void quit_soon(void *arg)
{
    (void)arg;
    agent_quit();
}

static void restart_soon(void *arg)
{
    (void)arg;
    agent_restart();
}

static void child_main(const struct child *c, bool quits)
{
    struct agent_opts o = {"nomad-test", c->pid_file, on_reload, on_usr1, NULL};
    struct thread t = {0};
    struct err e = ERR_INIT;
    struct rlimit l;

    if (agent_init(&o, &e) < 0) {
        fprintf(stderr, "%s\n", e.msg);
        _exit(9);
    }
    getrlimit(RLIMIT_NOFILE, &l);
    say(l.rlim_cur == l.rlim_max ? 'i' : 'l');
    if (quits)
        (void)thread_start(&t, "quitter", quit_soon, NULL, &e);
    int sig = agent_run();

    thread_join(&t);
    say(sig == SIGTERM ? 't' : sig == SIGINT ? 'n' : '?');
    if (quits)
        exit(0); /* the ordinary way: removes the pid file */
    for (;;)
        pause(); /* an orderly stop that takes its time */
}

static void child_start(struct child *c, const char *name, bool quits)
{
    int p[2];

    T_INT_EQ(pipe2(p, O_CLOEXEC), 0);
    snprintf(c->pid_file, sizeof c->pid_file, "%s/%s.pid", t_tmpdir(), name);
    c->pid = fork();
    if (c->pid == 0) {
        dup2(p[1], STDOUT_FILENO);
        child_main(c, quits);
    }
    close(p[1]);
    c->says = p[0];
}

static char child_says(const struct child *c)
{
    struct pollfd p = {.fd = c->says, .events = POLLIN};
    char ch = 0;

    T_INT_EQ(poll(&p, 1, 20000), 1);
    T_INT_EQ(read(c->says, &ch, 1), 1);
    return ch;
}

static int child_end(struct child *c)
{
    int status;

    T_INT_EQ(waitpid(c->pid, &status, 0), c->pid);
    close(c->says);
    return status;
}

static const char *file_text(const char *path, struct buf *b)
{
    struct err e = ERR_INIT;

    buf_reset(b);
    T_OK(path_read_file(AT_FDCWD, path, b, &e), &e);
    return buf_str(b).p;
}

TEST(an_agent_reloads_reports_and_stops_by_signals_and_at_once_by_a_second_one)
{
    struct child c;
    auto_buf struct buf b = BUF_INIT(4096);
    char path[64], want[32];

    child_start(&c, "signals", false);
    T_INT_EQ(child_says(&c), 'i'); /* as many files as allowed */
    snprintf(path, sizeof path, "/proc/%d/comm", (int)c.pid);
    T_STR_EQ(file_text(path, &b), "nomad-test\n");
    snprintf(want, sizeof want, "%d", (int)c.pid);
    T_STR_HAS(file_text(c.pid_file, &b), want);

    kill(c.pid, SIGUSR1);
    T_INT_EQ(child_says(&c), 'u');
    kill(c.pid, SIGHUP);
    T_INT_EQ(child_says(&c), 'r');
    kill(c.pid, SIGPIPE); /* ignored */
    kill(c.pid, SIGINT);
    T_INT_EQ(child_says(&c), 'n');
    kill(c.pid, SIGHUP); /* too late: no reload, and no end either */
    kill(c.pid, SIGTERM);
    int status = child_end(&c);

    T_TRUE(WIFSIGNALED(status));
    T_INT_EQ(WTERMSIG(status), SIGTERM);
}

TEST(agent_quit_stops_as_sigterm_does_and_an_ordinary_end_removes_the_pid_file)
{
    struct child c;

    child_start(&c, "quit", true);
    T_INT_EQ(child_says(&c), 'i');
    T_INT_EQ(child_says(&c), 't');
    T_INT_EQ(child_end(&c), 0);
    T_INT_EQ(access(c.pid_file, F_OK), -1);
}

static void again_main(void)
{
    struct agent_opts o = {"nomad-test", NULL, NULL, NULL, NULL};
    struct thread t = {0};
    struct err e = ERR_INIT;

    if (agent_init(&o, &e) < 0 || thread_start(&t, "restarter", restart_soon, NULL, &e) < 0)
        _exit(9);
    say(agent_run() == 0 ? '0' : '?');
    thread_join(&t);
    kill(getpid(), SIGINT); /* comes between two runs: the second one takes it */
    say(agent_run() == SIGINT ? 'n' : '?');
    exit(0);
}

TEST(agent_restart_returns_with_nothing_and_the_next_run_goes_on)
{
    struct child c = {.pid_file = ""};
    int p[2];

    T_INT_EQ(pipe2(p, O_CLOEXEC), 0);
    c.pid = fork();
    if (c.pid == 0) {
        dup2(p[1], STDOUT_FILENO);
        again_main();
    }
    close(p[1]);
    c.says = p[0];
    T_INT_EQ(child_says(&c), '0');
    T_INT_EQ(child_says(&c), 'n');
    T_INT_EQ(child_end(&c), 0);
}

TEST(a_pid_file_of_a_living_process_refuses_a_second_agent)
{
    struct child c, second;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC), err = dup(STDERR_FILENO);

    child_start(&c, "twice", false);
    T_INT_EQ(child_says(&c), 'i');
    dup2(null, STDERR_FILENO);
    child_start(&second, "twice", false);
    dup2(err, STDERR_FILENO);
    close(null);
    close(err);
    int status = child_end(&second);

    T_TRUE(WIFEXITED(status));
    T_INT_EQ(WEXITSTATUS(status), 9);
    kill(c.pid, SIGKILL);
    (void)child_end(&c);
}

static void expect_notice(int fd, const char *want)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char text[512];

    T_INT_EQ(poll(&p, 1, 20000), 1);
    ssize_t n = recv(fd, text, sizeof text - 1, 0);

    T_TRUE(n > 0);
    text[n] = '\0';
    T_STR_HAS(text, want);
}

TEST(the_service_manager_is_told)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct child c;

    snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", t_tmpdir());
    T_INT_EQ(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    child_start(&c, "notify", false);
    unsetenv("NOTIFY_SOCKET");
    expect_notice(fd, "READY=1");
    kill(c.pid, SIGHUP);
    expect_notice(fd, "RELOADING=1");
    expect_notice(fd, "READY=1");
    kill(c.pid, SIGTERM);
    expect_notice(fd, "STOPPING=1");
    kill(c.pid, SIGKILL);
    (void)child_end(&c);
    close(fd);
}
