/*
 * proc -- starting other programs
 *
 * The child gets a clean environment (exactly `env`), only the descriptors it is given, default
 * signal handlers and an empty signal mask. No shell. posix_spawn where it can, so that it is
 * safe from any thread.
 *
 * Thread: any.
 * Errors: ERR_NOTFOUND (no such program, directory or process), ERR_DENIED, ERR_LIMIT, ERR_IO,
 * ERR_TIMEOUT, ERR_TOOBIG (more output than `out` takes).
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct err;

struct proc_spec {
    const char *path;                   /* program file; searched in PATH when it has no '/' */
    const char *const *argv;            /* argv[0] included, NULL-terminated */
    const char *const *env;             /* "K=V", NULL-terminated; NULL: this process's own */
    const char *cwd;                    /* NULL: stays */
    int stdin_fd, stdout_fd, stderr_fd; /* -1: /dev/null */
    bool new_session;                   /* setsid */
};

int proc_start(const struct proc_spec *spec, pid_t *ret_pid, struct err *e);
int proc_pidfd(pid_t pid, struct err *e); /* descriptor or ERR_* */
/* Exit status as of waitpid(2). deadline in clock_mono_ms, 0: none. */
int proc_wait(pid_t pid, int64_t deadline_ms, int *ret_status, struct err *e);
/* Run, feed nothing, collect stdout (bounded by `out`); killed at the deadline or when the
 * output is too large, with its whole session if it has one of its own. */
int proc_run(const struct proc_spec *spec, struct buf *out, int64_t deadline_ms,
             int *ret_status, struct err *e);
/* "SIGTERM", "TERM", "sigterm", "15" -> number; 0: unknown. */
int proc_signal_number(const char *name);
const char *proc_signal_name(int sig); /* "SIGTERM"; NULL: unknown */
/* Start time of a process in clock ticks since boot (/proc/PID/stat), 0: gone. A pid with
 * its start time names a process for good. */
uint64_t proc_start_time(pid_t pid);

#endif
