/*
 * shim_task -- one task behind a serai-shim, from the agent's side (shim/protocol.h)
 *
 * Drivers that run ordinary processes fill a `struct shim_spec` and get their start, wait,
 * signal, stop, usage and recover from here. The connection to the shim is made anew for each
 * request, but for `wait`, which keeps one open.
 *
 * Thread:  the task's own; stop and signal from any.
 * Errors:  ERR_INVALID / ERR_NOTFOUND / ERR_DENIED (the task cannot be started; the shim's
 * text), ERR_UNAVAIL (the shim does not answer), ERR_CANCELED.
 */
#ifndef NOMAD_DRIVER_SHIM_TASK_H
#define NOMAD_DRIVER_SHIM_TASK_H

#include "nomad/driver/driver.h"

struct shim_spec {
    const char *path;
    struct strlist args; /* args.at[0] is argv[0] */
    bool no_new_privs;
};

/* Can a task run as this user ("" is fine)? */
int shim_task_check_user(const char *user, struct err *e);
int shim_task_start(const struct driver_env *env, const struct driver_start *s,
                    const struct shim_spec *spec, struct task_handle **ret, struct err *e);
int shim_task_recover(const struct driver_env *env, const struct json *state,
                      struct task_handle **ret, struct err *e);
const struct json *shim_task_state(const struct task_handle *h, struct arena *a);
int shim_task_wait(struct task_handle *h, struct stopper *stop, int64_t deadline_ms,
                   struct task_exit *ret, struct err *e);
int shim_task_signal(struct task_handle *h, int sig, struct err *e);
int shim_task_stop(struct task_handle *h, int sig, int64_t grace_ms, struct err *e);
int shim_task_usage(struct task_handle *h, struct task_usage *ret, struct err *e);
void shim_task_forget(struct task_handle *h);
void shim_task_free(struct task_handle *h);

#endif
