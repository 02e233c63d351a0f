/*
 * nomad/jobspec -- a job file becomes a job
 *
 * Reads HCL2 (or its JSON syntax): one `job` block and any number of `variable`, `variables`
 * and `locals` blocks. What only the file knows (shorthands of constraints, `port` and
 * `identity` blocks, vault blocks and tasks of the job) is folded into what the API knows, so
 * the result goes to job_canonicalize as it is. No defaults but those that belong to a block
 * that was written.
 *
 * Values of variables, the later ones win: default, environment (NOMAD_VAR_name), files in
 * order, flags in order.
 *
 * Memory: the arena's; texts must live as long as the job. Errors: ERR_INVALID, ERR_TOOBIG; all
 * findings in `d`, with the texts and places users know. Limits: HCL's, and JOBSPEC_*_MAX.
 */
#ifndef NOMAD_JOBSPEC_JOBSPEC_H
#define NOMAD_JOBSPEC_JOBSPEC_H

#include "lang/hcl.h"
#include "nomad/model/job.h"

enum {
    JOBSPEC_VARIABLES_MAX = 1000,
    JOBSPEC_LOCALS_MAX = 1000,
    JOBSPEC_TYPE_DEPTH_MAX = 16,
};

struct jobspec_file {
    const char *name; /* as errors call it */
    struct str text;
};

struct jobspec_opts {
    struct str vars; /* the API's Variables: HCL arguments; names nobody declared are ignored */
    const struct jobspec_file *var_files; /* -var-file */
    size_t n_var_files;
    const struct strpair *var_flags; /* -var key=val */
    size_t n_var_flags;
    const char *const *env; /* "NAME=value" ..., NULL-terminated; NULL: none is looked at */
    bool lenient;           /* -hcl2-strict=false: unknown names in files are no errors */
    bool files;             /* functions may read files, relative to the working directory */
};

/* `opts` may be NULL. `file`: as errors call it ("input.hcl" for the API). */
int jobspec_parse(struct str text, const char *file, const struct jobspec_opts *opts,
                  struct arena *a, struct job **ret, struct hcl_diags *d);

#endif
