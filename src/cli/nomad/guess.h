/* What the words of `nomad`'s commands may be, for the shell's completion. */
#ifndef CLI_NOMAD_GUESS_H
#define CLI_NOMAD_GUESS_H

#include "cli/common/complete.h"

cli_guess_fn guess_job, guess_alloc, guess_node, guess_eval, guess_deployment;
cli_guess_fn guess_namespace, guess_node_pool, guess_service;
cli_guess_fn guess_any;        /* of all of them: `nomad status` */
cli_guess_fn guess_job_file;   /* and other files of that language */
cli_guess_fn guess_task;       /* of the allocation before it */
cli_guess_fn guess_group;      /* of the job before it */
cli_guess_fn guess_alloc_path; /* in the allocation before it */
cli_guess_fn guess_api_path;

extern const struct cli_flag_guess nomad_flag_guesses[];

#endif
