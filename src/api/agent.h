/*
 * api/agent -- the life of a server process: signals, reload, ready, stop
 *
 * SIGINT and SIGTERM stop in order (a second one at once), SIGHUP reloads. The main thread runs
 * agent_run; everything else has its own threads.
 */
#ifndef API_AGENT_H
#define API_AGENT_H

#include <stdbool.h>

struct err;

struct agent_opts {
    const char *name;          /* "nomad": shown by ps and pgrep, whatever the file is called */
    const char *pid_file;      /* NULL: none */
    void (*reload)(void *arg); /* SIGHUP; NULL: ignored */
    void (*usr1)(void *arg);   /* SIGUSR1: dump metrics; NULL: ignored */
    void *arg;
};

/* Before any thread is started: blocks the signals, hardens the process, raises RLIMIT_NOFILE.
 */
int agent_init(const struct agent_opts *o, struct err *e);
/* Tell the service manager we are ready, then wait. Returns the signal that asks to end, or 0
 * when agent_restart has asked: then everything is stopped and started again, and this called
 * again. */
int agent_run(void);
/* Ask agent_run to return as if SIGTERM had come (tests, fatal errors). */
void agent_quit(void);
/* Stop and start again, with the same configuration: a snapshot has been staged. */
void agent_restart(void);

#endif
