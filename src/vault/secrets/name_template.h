/*
 * name_template -- the templates that name what an engine makes outside (users, sessions)
 *
 * The part of Go's text/template that such names need:
 *
 *     {{ printf "vault-%s-%s" (.DisplayName | truncate 20) (unix_time) }}
 *
 * text, {{ pipeline }}, {{ if }} {{ else if }} {{ else }} {{ end }}, {{- trimming -}},
 * comments, .Fields, strings, whole numbers, parentheses, and the functions of name_funcs.c. No
 * variables, no range, no with. A branch that is not taken is read, but calls nothing.
 *
 * Thread:  any.
 * Memory:  the name lives in the arena.
 * Errors:  ERR_INVALID "character 12: function \"foo\" is not known"; ERR_TOOBIG.
 * Limits:  below. Without loops the work is bounded by the text's length.
 */
#ifndef VAULT_SECRETS_NAME_TEMPLATE_H
#define VAULT_SECRETS_NAME_TEMPLATE_H

#include "base/arena.h"

struct err;

enum {
    NAME_TEMPLATE_MAX = 8192, /* bytes of the template */
    NAME_VALUE_MAX = 4096,    /* bytes of the name and of every value on the way */
    NAME_ARGS_MAX = 16,
    NAME_DEPTH_MAX = 16, /* parentheses and ifs within each other */
};

struct name_input {
    const struct strmap *fields; /* "DisplayName": what .DisplayName is */
    int64_t now_ns;              /* wall clock */
};

int name_render(struct str text, const struct name_input *in, struct arena *a, const char **ret,
                struct err *e);

/*
 * Between the files of the template.
 */
enum name_type { NAME_STR, NAME_INT, NAME_BOOL };

struct name_value {
    enum name_type type;
    struct str s;
    int64_t i; /* NAME_INT, NAME_BOOL */
};

struct name_call {
    struct arena *a;
    int64_t now_ns;
    const struct name_value *args;
    size_t n;
};

typedef int name_fn(const struct name_call *c, struct name_value *ret, struct err *e);

/* NULL: not known. */
name_fn *name_function(struct str name, size_t *ret_min_args, size_t *ret_max_args);
bool name_is_true(const struct name_value *v);
struct str name_text(struct arena *a, const struct name_value *v); /* as printed */

#endif
