/*
 * mount -- which engine answers below which path
 *
 * The table is stored one row per mount; an immutable snapshot of it, keyed by the table's
 * revision, is what requests look up (longest path wins). Auth methods are mounts below
 * "auth/".
 */
#ifndef VAULT_CORE_MOUNT_H
#define VAULT_CORE_MOUNT_H

#include "lang/schema.h"
#include "store/table.h"
#include "vault/core/engine.h"

struct vault;

enum { MOUNTS_MAX = 10000, MOUNT_PATH_MAX = 256 };

struct mount_config {
    int64_t default_lease_ttl_s, max_lease_ttl_s; /* 0: the system's */
    bool force_no_cache;
    const char *listing_visibility, *token_type;
    struct strlist passthrough_request_headers, allowed_response_headers;
    struct strlist audit_non_hmac_request_keys, audit_non_hmac_response_keys,
        allowed_managed_keys;
    struct json *user_lockout_config;
    const char *plugin_version;
};

struct mount {
    const char *namespace_id; /* "root" */
    const char *path;         /* "aws/", "auth/userpass/"; ends in '/' */
    const char *uuid, *accessor, *type, *description;
    struct mount_config config;
    struct strmap options;
    bool has_options; /* options is {} or more, not null */
    bool local, seal_wrap, external_entropy_access;
    bool tainted; /* being disabled: no requests, its leases still end */
    int64_t created_ns;
    const struct engine *engine; /* filled when loaded */
};

extern const struct schema mount_schema, mount_config_schema;
extern const struct table mount_table;

/* Tainted mounts are found by uuid and accessor only. */
/* The mount whose path is the longest prefix of `path` (without "/v1/"); *ret_rest is what
 * follows. ERR_NOTFOUND. */
int mount_find(struct vault *v, struct txn *t, struct str path, const struct mount **ret,
               struct str *ret_rest, struct err *e);
/* By exact path ("aws/"), uuid or accessor. */
int mount_by_path(struct vault *v, struct txn *t, struct str path, const struct mount **ret,
                  struct err *e);
int mount_by_uuid(struct vault *v, struct txn *t, const char *uuid, const struct mount **ret,
                  struct err *e);
int mount_by_accessor(struct vault *v, struct txn *t, const char *accessor,
                      const struct mount **ret, struct err *e);
/* All, sorted by path; valid as long as the txn's arena. */
int mount_list(struct vault *v, struct txn *t, const struct mount *const **ret, size_t *ret_n,
               struct err *e);
int64_t mount_default_ttl_s(const struct vault *v, const struct mount *m); /* effective */
int64_t mount_max_ttl_s(const struct vault *v, const struct mount *m);
/* The first mounts (sys, cubbyhole, identity, auth/token), inside init's transaction. */
int mount_init(struct vault *v, struct txn *t, int64_t now_ns, struct err *e);
/* Add one: checks path conflicts, type, options; calls the engine's enable. */
int mount_enable(struct req *r, struct mount *m, struct err *e);
int mount_put(struct txn *t, const struct mount *m, struct err *e);
/* A mount entry as sys/mounts shows it. */
void mount_json(const struct mount *m, struct json_out *w);
void mount_json_members(const struct mount *m, struct json_out *w); /* inside an open object */
int mount_check_config(const struct mount_config *c, struct err *e);
/* The path as users write it: auth mounts without "auth/". */
const char *mount_shown_path(const struct mount *m);
int mount_del(struct txn *t, const struct mount *m, struct err *e); /* the row alone */
/* New uuid and accessor. */
void mount_identify(struct arena *a, struct mount *m, int64_t now_ns);
bool mount_path_taken(const struct mount *const *all, size_t n, const char *path,
                      const char **ret_other);
void mount_row_key(struct key *k, const struct mount *m);
/* Key prefix helper for an engine's tables. */
void mount_key(struct key *k, const struct table *t, const struct mount *m);

#endif
