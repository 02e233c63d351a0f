/*
 * nomad/model/acl -- Nomad's policy language, and what a set of policies allows
 *
 *     policy text -- acl_rules_parse --> struct acl_rules (as written, expanded, for RulesJSON)
 *     several rules -- rights_new --> struct rights -- rights_*() --> yes or no
 *
 * Nothing is allowed that no rule allows. Rules of one name add up over all policies, and a
 * `deny` among them takes everything they gave. Of several patterns that match a name only the
 * most specific one counts: the name itself, else the one that leaves the fewest characters to
 * its stars.
 *
 * Thread:  any; nothing changes once made.
 * Memory:  the arena's that was given.
 * Errors:  ERR_INVALID with the API's texts.
 * Limits:  ACL_*_MAX.
 */
#ifndef NOMAD_MODEL_ACL_H
#define NOMAD_MODEL_ACL_H

#include "lang/schema.h"

enum {
    ACL_RULES_BYTES_MAX = 256 << 10, /* one policy's text */
    ACL_RULES_MAX = 1000,            /* blocks of one kind in one policy; paths likewise */
    ACL_NAME_MAX = 128,
    ACL_DESCRIPTION_MAX = 256,
    ACL_TOKEN_NAME_MAX = 256,
    ACL_LINKS_MAX = 100, /* policies or roles that one token or role names */
};

/* What may be done in a namespace. The numbers stand in route tables: below 32, 0 is none. */
enum acl_cap {
    CAP_LIST_JOBS = 1,
    CAP_PARSE_JOB,
    CAP_READ_JOB,
    CAP_SUBMIT_JOB,
    CAP_DISPATCH_JOB,
    CAP_READ_LOGS,
    CAP_READ_FS,
    CAP_ALLOC_EXEC,
    CAP_ALLOC_NODE_EXEC,
    CAP_ALLOC_LIFECYCLE,
    CAP_CSI_REGISTER_PLUGIN,
    CAP_CSI_WRITE_VOLUME,
    CAP_CSI_READ_VOLUME,
    CAP_CSI_LIST_VOLUME,
    CAP_CSI_MOUNT_VOLUME,
    CAP_LIST_SCALING_POLICIES,
    CAP_READ_SCALING_POLICY,
    CAP_READ_JOB_SCALING,
    CAP_SCALE_JOB,
    CAP_SUBMIT_RECOMMENDATION,
    CAP_SENTINEL_OVERRIDE,
};

/* Of variables, by path in a namespace. */
enum acl_var_cap { VAR_LIST = 1, VAR_READ, VAR_WRITE, VAR_DESTROY };
enum acl_pool_cap { POOL_READ = 1, POOL_WRITE, POOL_DELETE };
enum acl_volume_cap { VOLUME_READONLY = 1, VOLUME_READWRITE };
/* What has no names of its own. */
enum acl_area { AREA_AGENT, AREA_NODE, AREA_OPERATOR, AREA_QUOTA, AREA_PLUGIN, AREAS };
enum acl_level { LEVEL_NONE, LEVEL_LIST, LEVEL_READ, LEVEL_WRITE, LEVEL_DENY };

/* ---- one policy ------------------------------------------------------------------------- */

struct acl_path_rule {
    const char *path;
    struct strlist capabilities;
};

struct acl_variables_rule {
    LIST(struct acl_path_rule) paths;
};

struct acl_named_rule {
    const char *name, *policy;
    struct strlist capabilities;          /* expanded: those of `policy` behind those written */
    struct acl_variables_rule *variables; /* of a namespace only */
};

struct acl_area_rule {
    const char *policy;
};

struct acl_rules {
    LIST(struct acl_named_rule) namespaces, node_pools, host_volumes;
    struct acl_area_rule *agent, *node, *operator, * quota, *plugin;
};

/* The empty text is a policy that allows nothing. */
int acl_rules_parse(struct str text, struct arena *a, struct acl_rules *ret, struct err *e);
/* The API's RulesJSON. */
void acl_rules_json(const struct acl_rules *r, const char *text, struct json_out *w);

/* ---- what several allow ----------------------------------------------------------------- */

struct rights;

const struct rights *rights_new(const struct acl_rules *const *rules, size_t n,
                                struct arena *a);
const struct rights *rights_everything(void); /* of a management token */
bool rights_is_management(const struct rights *r);
/* "*": in any namespace at all. */
bool rights_namespace(const struct rights *r, const char *ns, enum acl_cap cap);
bool rights_any_in_namespace(const struct rights *r, const char *ns);
bool rights_variable(const struct rights *r, const char *ns, const char *path,
                     enum acl_var_cap cap);
/* Is there a path in the namespace ("*": in any) with it? */
bool rights_any_variable(const struct rights *r, const char *ns, enum acl_var_cap cap);
bool rights_node_pool(const struct rights *r, const char *pool, enum acl_pool_cap cap);
bool rights_host_volume(const struct rights *r, const char *volume, enum acl_volume_cap cap);
bool rights_area(const struct rights *r, enum acl_area area, enum acl_level level);
bool rights_none(const struct rights *r); /* nothing at all is allowed */

/* ---- rows: acl_schema.c ----------------------------------------------------------------- */

struct acl_link {
    const char *id, *name;
};
typedef LIST(struct acl_link) acl_link_list;

struct acl_job {
    const char *namespace, *job_id, *group, *task;
};

struct acl_policy {
    const char *name, *description, *rules, *hash;
    struct acl_job *job_acl; /* identities of these tasks have it too */
    uint64_t create_index, modify_index;
};

struct acl_role {
    const char *id, *name, *description, *hash;
    acl_link_list policies; /* by name */
    uint64_t create_index, modify_index;
};

#define ACL_TOKEN_CLIENT "client"
#define ACL_TOKEN_MANAGEMENT "management"

struct acl_token {
    const char *accessor_id, *name, *type, *hash;
    const char *lookup;    /* keyed hash of the secret, in hex */
    struct str secret_box; /* the secret, sealed */
    struct strlist policies;
    acl_link_list roles; /* stored by id */
    bool global;
    int64_t create_time;
    int64_t *expiration_time; /* NULL: never */
    int64_t ttl_ns;           /* as it was asked for, 0: it was not */
    uint64_t create_index, modify_index;
};

extern const struct schema acl_policy_schema, acl_role_schema, acl_token_schema,
    acl_link_schema;

/* What is wrong with it: one error text a line of `ret`; nothing: fine. */
void acl_policy_check(const struct acl_policy *p, struct arena *a, struct strlist *ret);
void acl_role_check(const struct acl_role *r, struct arena *a, struct strlist *ret);

#endif
