#include "api/agent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/notify.h"
#include "base/secret.h"

/* One per process; written by agent_init alone, before any thread. */
static struct {
    struct agent_opts opts;
    sigset_t signals;
    int signal_fd, quit_fd;
    atomic_bool quit, restart; /* what quit_fd is about */
} agent = {.signal_fd = -1, .quit_fd = -1};

static void raise_nofile(void)
{
    struct rlimit l;

    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
        l.rlim_cur = l.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &l);
    }
}

static void pick_signals(sigset_t *set)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};

    sigemptyset(set);
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        sigaddset(set, ours[i]);
}

static int open_fds(struct err *e)
{
    if (agent.quit_fd < 0)
        agent.quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (agent.quit_fd < 0)
        return err_set_errno(e, ERR_IO, "eventfd");
    agent.signal_fd = signalfd(agent.signal_fd, &agent.signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (agent.signal_fd < 0)
        return err_set_errno(e, ERR_IO, "signalfd");
    return 0;
}

int agent_init(const struct agent_opts *o, struct err *e)
{
    int r;

    agent.opts = *o;
    pick_signals(&agent.signals);
    (void)signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &agent.signals, NULL);
    secret_harden_process();
    raise_nofile();
    (void)prctl(PR_SET_NAME, o->name, 0, 0, 0);
    if ((r = open_fds(e)) < 0)
        return r;
    return o->pid_file ? pidfile_write(o->pid_file, e) : 0;
}

/* From here on the next SIGINT or SIGTERM ends the process at once. */
static void begin_stop(void)
{
    sigset_t end;

    notify_stopping();
    sigemptyset(&end);
    sigaddset(&end, SIGINT);
    sigaddset(&end, SIGTERM);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &end, NULL);
}

static void reload(void)
{
    if (!agent.opts.reload)
        return;
    notify_reloading();
    agent.opts.reload(agent.opts.arg);
    notify_ready();
}

/* The signal that asks to end, or 0 when it was another. */
static int take_signal(void)
{
    struct signalfd_siginfo si;

    if (read(agent.signal_fd, &si, sizeof si) != sizeof si)
        return 0;
    switch (si.ssi_signo) {
    case SIGHUP:
        reload();
        return 0;
    case SIGUSR1:
        if (agent.opts.usr1)
            agent.opts.usr1(agent.opts.arg);
        return 0;
    default:
        return (int)si.ssi_signo;
    }
}

int agent_run(void)
{
    struct pollfd fds[] = {{.fd = agent.signal_fd, .events = POLLIN},
                           {.fd = agent.quit_fd, .events = POLLIN}};
    uint64_t n;
    int sig = 0;

    notify_ready();
    while (sig == 0) {
        if (poll(fds, ARRAY_LEN(fds), -1) < 0)
            continue; /* EINTR: a signal that is not ours */
        if (fds[1].revents && read(agent.quit_fd, &n, sizeof n) == sizeof n) {
            if (!atomic_load(&agent.quit) && atomic_exchange(&agent.restart, false)) {
                notify_reloading();
                return 0;
            }
            sig = SIGTERM;
        }
        if (sig == 0 && fds[0].revents)
            sig = take_signal();
    }
    begin_stop();
    return sig;
}

static void ask(atomic_bool *what)
{
    const uint64_t one = 1;

    atomic_store(what, true);
    if (agent.quit_fd >= 0)
        (void)!write(agent.quit_fd, &one, sizeof one);
}

void agent_quit(void)
{
    ask(&agent.quit);
}

void agent_restart(void)
{
    ask(&agent.restart);
}
