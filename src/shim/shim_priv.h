/* What the files of serai-shim share. One process, one thread, one task. */
#ifndef SHIM_PRIV_H
#define SHIM_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "shim/protocol.h"

enum { SHIM_GROUPS_MAX = 64, SHIM_RLIMITS_MAX = 16 };

/* The spec, read in place: every string points into `text`. */
struct spec {
    char *text;
    const char *path, *cwd, *out_stem, *err_stem, *log_dir, *cgroup;
    const char *argv[SHIM_ARGS_MAX + 1], *env[SHIM_ARGS_MAX + 1];
    size_t n_argv, n_env;
    bool set_ids, no_new_privs;
    uid_t uid;
    gid_t gid, groups[SHIM_GROUPS_MAX];
    size_t n_groups;
    const char *rlimits[SHIM_RLIMITS_MAX];
    size_t n_rlimits;
    int64_t log_files, log_bytes;
    int nice;
};

int spec_read(int fd, struct spec *ret, struct err *e);

/* One stream of the task's output, written into "<stem>.<n>" with rotation. */
struct log_file {
    int dirfd, fd;
    const char *stem;
    int64_t index, bytes, max_files, max_bytes;
};

int log_open(struct log_file *l, int dirfd, const char *stem, int64_t max_files,
             int64_t max_bytes, struct err *e);
void log_append(struct log_file *l, const char *p,
                size_t len); /* a full disk loses output, never the task */

struct task {
    pid_t pid;
    uint64_t start_time;
    int64_t started_ns, ended_ns;
    bool ended, oom_killed;
    int code, signal;
    int out, err; /* our ends of its pipes, -1 once closed */
};

/* Fork and exec; the exec's own failure comes back here. */
int task_start(const struct spec *s, struct task *ret, struct err *e);
void task_reap(struct task *t);      /* collect the dead; fills the end when it is the task's */
void task_kill_rest(struct task *t); /* SIGKILL to whatever of it still lives */
void task_usage(const struct task *t, uint64_t *ret_cpu_ns, uint64_t *ret_rss,
                unsigned *ret_processes);

/* Open the logs and what the loop waits on; then serve `t` until forgotten. */
int supervise_prepare(const struct spec *s, int dirfd, int listen_fd, struct err *e);
void supervise(struct task *t);

int64_t wall_ns(void);
int64_t mono_ms(void);

#endif
