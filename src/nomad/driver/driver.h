/*
 * nomad/driver -- how a task is run
 *
 * A driver is one `const struct driver` in one file and one line in drivers.c. It turns a task
 * and its directory into a running process (through serai-shim, or another supervisor of its
 * own), and can find it again after the agent was restarted. Blocking calls run on the task's
 * own thread.
 *
 * Errors: ERR_INVALID (the task's config; the text becomes a `Driver Failure` event),
 * ERR_NOTFOUND, ERR_UNAVAIL (try again: recoverable), ERR_DENIED, ERR_IO, ERR_CANCELED.
 */
#ifndef NOMAD_DRIVER_DRIVER_H
#define NOMAD_DRIVER_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lang/schema.h"

struct err;
struct stopper;
struct task_handle;

/* What the agent knows about itself and its `plugin "<driver>" { config {} }` blocks. */
struct driver_env {
    const char *shim_path;            /* the serai-shim program */
    const struct json *plugin_config; /* of this driver; NULL: none given */
    bool is_root;
    bool dev; /* -dev: raw_exec is on */
};

/* What a driver finds out about itself (the node shows it as a struct driver_info). */
struct driver_facts {
    bool detected, healthy;
    const char *health_description;
    struct strmap attributes; /* "driver.raw_exec": "1", ... */
};

/* Everything about one run of one task, already interpolated. Borrowed for the call. */
struct driver_start {
    const char *alloc_id, *task_name, *job_name;
    const struct json *config; /* the task's `config` */
    const struct strmap *env;
    const char *user;                                           /* "" keeps the agent's */
    const char *task_dir, *local_dir, *secrets_dir, *alloc_dir; /* absolute */
    const char *log_dir; /* absolute; "<task>.stdout", "<task>.stderr" are the stems */
    int64_t log_files, log_file_bytes;
    const char *state_dir; /* absolute, private to this task on this client (0700) */
    int64_t cpu_shares, memory_mb, memory_max_mb;
    const char *cgroup_parent; /* NULL: none */
};

struct task_exit {
    int code, signal;
    bool oom_killed;
    int64_t ended_ns;
    const char *err; /* "" or why it could not be known */
};

struct task_usage {
    uint64_t cpu_ns, rss_bytes;
    uint32_t processes;
    double cpu_percent;
};

struct driver {
    const char *name;
    const struct schema
        *config_schema; /* of the task's config block: checked at registration too */
    bool can_exec, can_signal;
    const char *fs_isolation; /* "none", "chroot", "image" */
    int (*fingerprint)(const struct driver_env *env, struct arena *a, struct driver_facts *ret,
                       struct err *e);
    int (*start)(const struct driver_env *env, const struct driver_start *s,
                 struct task_handle **ret, struct err *e);
    /* From what handle_state wrote, after an agent restart; or, when the agent died before it
     * could keep that, from {"state_dir": what start was given}. ERR_NOTFOUND: it is gone
     * without a trace. */
    int (*recover)(const struct driver_env *env, const struct json *state,
                   struct task_handle **ret, struct err *e);
    const struct json *(*handle_state)(const struct task_handle *h, struct arena *a);
    /* 1: ended, *ret filled; 0: deadline (clock_mono_ms); ERR_CANCELED: stopped waiting (the
     * task runs on). */
    int (*wait)(struct task_handle *h, struct stopper *stop, int64_t deadline_ms,
                struct task_exit *ret, struct err *e);
    int (*signal)(struct task_handle *h, int sig, struct err *e);
    /* Ask, then kill after the grace. Returns at once; wait tells the end. */
    int (*stop)(struct task_handle *h, int sig, int64_t grace_ms, struct err *e);
    int (*usage)(struct task_handle *h, struct task_usage *ret, struct err *e);
    /* The exit was recorded: let go of it (and of what the driver kept for it). */
    void (*forget)(struct task_handle *h);
    void (*handle_free)(struct task_handle *h); /* only ours: the task runs on */
};

extern const struct driver *const drivers[]; /* NULL-terminated */
const struct driver *driver_find(const char *name);

#endif
