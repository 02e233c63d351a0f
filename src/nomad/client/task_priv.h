/* What task_run.c and task_start.c share: how a run begins. */
#ifndef NOMAD_CLIENT_TASK_PRIV_H
#define NOMAD_CLIENT_TASK_PRIV_H

#include "nomad/client/client_priv.h"

enum start_result {
    START_OK,
    START_INTERRUPTED, /* somebody woke the task: look */
    START_FAILED,      /* dead, and its events say why */
    START_REFUSED,     /* by the restart policy: cannot help */
    START_LATER,       /* by the restart policy: may help */
};

/* Its directories' names and its driver; once. */
void task_paths(struct task_run *t);
/* Directories, checks, payload, token: everything before the driver. */
enum start_result task_prestart(struct task_run *t);
enum start_result task_start(struct task_run *t);
/* Find what an earlier client has started; t->handle then. */
bool task_reattach(struct task_run *t);
/* Is there a supervisor's directory of it, whatever the records say? */
bool task_left_behind(struct task_run *t);

#endif
