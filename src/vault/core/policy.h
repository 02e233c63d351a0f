/*
 * policy -- what a token may do where
 *
 * Pure: text in, compiled rules out; evaluation is a function of (rules, operation, path,
 * parameters). The rules of matching are the Vault API's (contract: policies): exact path, then
 * the best of prefix and `+` rules by priority, deny wins, parameters, wrapping TTLs.
 */
#ifndef VAULT_CORE_POLICY_H
#define VAULT_CORE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "lang/json.h"
#include "store/table.h"
#include "vault/core/engine.h"

enum {
    POLICY_TEXT_MAX = 1 << 20,
    POLICY_PATHS_MAX = 10000,
    POLICY_PARAMS_MAX = 1000, /* names in one allowed_parameters or denied_parameters */
    POLICY_NAME_MAX = 256,
};

enum capability {
    CAP_CREATE = 1 << 0,
    CAP_READ = 1 << 1,
    CAP_UPDATE = 1 << 2,
    CAP_DELETE = 1 << 3,
    CAP_LIST = 1 << 4,
    CAP_SUDO = 1 << 5,
    CAP_PATCH = 1 << 6,
    CAP_DENY = 1 << 7,
    CAP_ROOT = 1 << 8, /* the root policy; never written */
};

struct policy;

/* Parsed form of one policy text. Errors: ERR_INVALID with the API's texts, without the prefix
 * "failed to parse policy: ". */
int policy_parse(struct str text, struct arena *a, struct policy **ret, struct err *e);

/* What templates in paths are filled with; NULL: no entity, templated paths are dropped. */
struct policy_identity {
    const char *entity_id, *entity_name;
    const struct json *entity; /* {"metadata":{}, "aliases":{accessor:{...}}, "groups":{...}} */
};

/* Merge policies (which live as long as the arena) into an ACL. `root`: everything allowed. */
struct acl *acl_new(struct arena *a, const struct policy *const *policies, size_t n,
                    const struct policy_identity *id, bool root);
bool acl_is_root(const struct acl *acl);

struct acl_request {
    enum vault_op op;
    struct str path;
    const struct json *data; /* parameters, may be NULL */
    bool needs_sudo;
    int64_t wrap_ttl_s; /* 0: not wrapped */
};
bool acl_allows(const struct acl *acl, const struct acl_request *q);
bool acl_has_sudo(const struct acl *acl, struct str path);
/* Bits of enum capability on a path, as `capabilities` shows them (CAP_ROOT, CAP_DENY alone).
 */
unsigned acl_capabilities(const struct acl *acl, struct str path);
/* Any capability at all on something below this prefix? (internal/ui/mounts) */
bool acl_touches_prefix(const struct acl *acl, struct str prefix);
/* exact_paths, glob_paths and root of resultant-acl, inside an object that is open. */
void acl_json_members(const struct acl *acl, struct json_out *w);
/* Sorted names: "create", "list", ... */
void capability_names(unsigned caps, struct arena *a, struct strlist *ret);

/*
 * Stored policies.
 */
struct policy_row {
    const char *namespace_id, *name, *text;
};
extern const struct schema policy_row_schema;
extern const struct table policy_table;

/* Trim, lower-case, sort, unique; "root" alone if it is in; `default` added if asked. One
 * canonical form, here and nowhere else (threat D-11). */
void policy_names_canonical(struct arena *a, struct strlist *names, bool add_default);
const char *policy_name_canonical(struct arena *a, struct str name);
/* The text of a policy, built-ins included; ERR_NOTFOUND. */
int policy_text(struct txn *t, const char *name, const char **ret, struct err *e);
bool policy_exists(struct txn *t, const char *name);
/* The compiled ACL of a token: cached by (names, policy table revision, entity). */
int acl_for_policies(struct vault *v, struct txn *t, const struct strlist *names,
                     const struct policy_identity *id, const struct acl **ret, struct err *e);
/* Store the default policy at init. */
int policy_init(struct txn *t, struct err *e);

extern const struct route
    policy_routes[]; /* part of sys/: policy, policies/acl, capabilities* */
extern const size_t n_policy_routes;

#endif
