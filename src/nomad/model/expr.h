/*
 * nomad/model/expr -- constraints and run-time names
 *
 * Both are pure: a constraint is a function of two texts, interpolation a function of a text
 * and a lookup.
 */
#ifndef NOMAD_MODEL_EXPR_H
#define NOMAD_MODEL_EXPR_H

#include "base/arena.h"
#include "base/buf.h"
#include "lang/regex.h"
#include "nomad/model/node.h"

struct err;

enum {
    CONSTRAINT_TEXT_MAX = 4096,
    INTERPOLATE_MAX = 4 << 20, /* bytes of a result */
    VERSION_CONSTRAINTS_MAX = 32,
};

/* Is `operand` known (for a constraint; for an affinity)? */
bool constraint_operand_ok(const char *operand);

/* Does `l operand r` hold? l_found, r_found: the name on that side had a value. A pattern or a
 * version that does not parse holds never. distinct_* are not decided here (true). */
bool constraint_holds(const char *operand, const char *l, bool l_found, const char *r,
                      bool r_found);

/* Why a version constraint (">= 1.2, < 2") cannot be used; 0 or ERR_INVALID. `semver`: strict,
 * and prereleases are ordinary versions. Otherwise a prerelease satisfies only a constraint
 * that names one of the same version. */
int version_constraint_check(const char *text, bool semver, struct err *e);
bool version_matches(const char *version, const char *constraint, bool semver);

/* The value of a constraint's side on a node: "${attr.kernel.name}", "${node.class}",
 * "${meta.rack}", a literal. NULL: the node has no such thing. */
const char *node_target(const struct node *n, const char *target, struct arena *a);
/* Does it look at something unique to a node, so that its class says nothing? */
bool target_is_unique(const char *target);

/*
 * Run-time interpolation: ${name}. A name that `lookup` does not know stays as it is written.
 * `env["X"]` and `env.X` are handed over as "env.X".
 */
typedef const char *interpolate_lookup(void *ctx, struct str name);
char *interpolate(const char *text, interpolate_lookup *lookup, void *ctx, struct arena *a);
/* Every string inside. */
struct json *interpolate_json(const struct json *v, interpolate_lookup *lookup, void *ctx,
                              struct arena *a);

/* Names of a node (node.*, attr.*, meta.*) and of a task's environment, in one lookup. */
struct task_names {
    const struct node *node;
    const struct strmap *env;
    const char *region;
};
const char *task_names_lookup(void *ctx /* struct task_names */, struct str name);

#endif
