/*
 * diff -- what differs between two versions of a job, as text
 *
 * `diff` is the API's JobDiff. Markers are "+ ", "- " and "+/- "; names and markers of one
 * object's members are aligned. What is only added or deleted is shown by name, with
 * `verbose` by every member. No blank lines around it.
 */
#ifndef CLI_NOMAD_DIFF_H
#define CLI_NOMAD_DIFF_H

#include "cli/nomad/nomad_priv.h"

const char *job_diff_text(struct cli_call *c, const struct json *diff, bool verbose);

#endif
