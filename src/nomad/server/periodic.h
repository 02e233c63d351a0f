/*
 * periodic -- jobs that are launched by the clock
 *
 *     registered, started, updated ---> periodic_launch row: "up to now" --+
 *                                                                          |  watch
 *          +---------------- the first time behind the row's <-------------+
 *          |                                                               ^
 *          | the clock reaches it                                          | row written
 *          v                                                               |
 *     one transaction: the last time that is due -> child "<id>/periodic-<time>", its
 *     evaluation, and the row "up to that time"; with prohibit_overlap and a child that is not
 *     dead: the row alone
 *
 * Properties: a time is launched at most once, whatever dies when, since the child and the row
 * that says so are one commit, and the child's id is the time. Of times that passed while no
 * server ran the last one is launched, once. Nothing that matters is kept in memory.
 *
 * Thread: its own; the API's for force.
 */
#ifndef NOMAD_SERVER_PERIODIC_H
#define NOMAD_SERVER_PERIODIC_H

#include "nomad/server/job_store.h"

struct periodic_loop;

int periodic_start(struct nomad_server *s, struct err *e);
void periodic_stop(struct nomad_server *s);
/* The first time behind after_s; CRON_NEVER (nomad/model/cron.h): none, or it is not one that
 * launches. */
int64_t periodic_next(const struct job *j, int64_t after_s);

#endif
