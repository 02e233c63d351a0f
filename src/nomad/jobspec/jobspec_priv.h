/*
 * jobspec_priv -- what the files of jobspec share
 */
#ifndef NOMAD_JOBSPEC_JOBSPEC_PRIV_H
#define NOMAD_JOBSPEC_JOBSPEC_PRIV_H

#include "lang/hcl_funcs.h"
#include "nomad/jobspec/jobspec.h"

/* types.c: the type that a variable is declared with. */
enum type_kind {
    TYPE_ANY,
    TYPE_STRING,
    TYPE_NUMBER,
    TYPE_BOOL,
    TYPE_LIST,
    TYPE_SET,
    TYPE_MAP,
    TYPE_OBJECT,
    TYPE_TUPLE
};

struct var_type {
    enum type_kind kind;
    const struct var_type *elem;         /* list, set, map */
    const struct var_type *const *items; /* object, tuple */
    const struct str *names;             /* object */
    size_t n_items;
};

/* NULL: said. */
const struct var_type *type_parse(const struct hcl_expr *x, struct arena *a,
                                  struct hcl_diags *d);
/* The value in that type; NULL: not convertible, *ret_why is what is required. */
const struct json *type_convert(const struct json *v, const struct var_type *t, struct arena *a,
                                const char **ret_why);
bool type_is_primitive(const struct var_type *t);

/* What reading one job file knows. */
struct jobspec {
    const struct jobspec_opts *opts;
    struct arena *arena;
    struct hcl_diags *diags;
    const struct hcl_body *root;
    struct hcl_budget budget; /* of all expressions together */
    struct hcl_eval_ctx ctx;  /* vars: {"var": {...}, "local": {...}} */
    struct json *var, *local;
};

/*
 * funcs.c: every function of job files, put together once per process. `files`: those of the
 * file system work (of the command line), else they are there and say that they do not.
 */
const struct map *jobspec_funcs(bool files);
/* The rows that need more than their arguments: funcs_hash.c, funcs_file.c. */
void jobspec_hash_funcs(struct map *funcs);
void jobspec_file_funcs(struct map *funcs, bool enabled);

/* variables.c, locals.c: false: said. */
bool jobspec_read_variables(struct jobspec *js);
bool jobspec_read_locals(struct jobspec *js);

/* Only these arguments and blocks (NULL-terminated) may stand in the body. */
void jobspec_only(struct jobspec *js, const struct hcl_body *b, const char *const *arguments,
                  const char *const *blocks);
/* What decoding cannot see any more. */
void jobspec_check(struct jobspec *js, const struct hcl_body *job);

/* fold.c */
void jobspec_fold(struct job *j, struct arena *a);

#endif
