/*
 * job_file -- a job file (HCL, or JSON with -json) as the API's job
 */
#ifndef CLI_NOMAD_JOB_FILE_H
#define CLI_NOMAD_JOB_FILE_H

#include "cli/nomad/nomad_priv.h"

struct job_file_flags {
    bool json, hcl2_strict, hcl1;
    bool has_hcl2_strict;
    struct flag_list vars, var_files;
};

#define JOB_FILE_FLAGS(f)                                                                  \
    {"json", FLAG_BOOL, &(f)->json, NULL, "the file is the API's JSON"},                   \
        {"hcl1", FLAG_BOOL, &(f)->hcl1, NULL, "accepted"},                                 \
        {"hcl2-strict", FLAG_BOOL, &(f)->hcl2_strict, &(f)->has_hcl2_strict,               \
         "unknown variables of files are errors"},                                         \
        {"var", FLAG_LIST, &(f)->vars, NULL, "key=value of a variable; may be repeated"},  \
    {                                                                                      \
        "var-file", FLAG_LIST, &(f)->var_files, NULL, "file of variables; may be repeated" \
    }

struct job_file {
    struct str source;
    const char *format; /* "hcl2", "json" */
    struct json *job;   /* the API's object */
};

/* CLI_EXIT_OK, or the exit code after a message. */
int job_file_read(struct cli_call *c, const struct job_file_flags *f, const char *path,
                  struct job_file *ret);

#endif
