/*
 * job_children -- what `nomad job status` shows of jobs that are started as instances
 *
 * `children` is the summary's "Children". Exit code; on failure a message was printed.
 */
#ifndef CLI_NOMAD_JOB_CHILDREN_H
#define CLI_NOMAD_JOB_CHILDREN_H

#include "cli/nomad/nomad_priv.h"

int print_parameterized(struct cli_call *c, const struct json *job,
                        const struct json *children);
int print_periodic(struct cli_call *c, const struct json *job, const struct json *children);

/* "2027-01-01T00:00:00Z (954h56m30s from now)"; "": the job is not launched by the clock. */
const char *next_launch(struct cli_call *c, const struct json *job);

#endif
