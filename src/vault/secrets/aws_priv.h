/*
 * aws_priv -- what the files of the AWS engine share
 *
 * The way of `creds/ROLE`: aws_creds.c reads the configuration and the role and leaves a
 * write-ahead record in the first transaction; on the blocking pool aws_user.c or aws_sts.c ask
 * AWS through aws_client.c; the second transaction removes the record and makes the lease.
 * docs/internals/aws.md tells the whole.
 *
 * Thread:  handlers as vault/core/engine.h says; everything else on the caller's.
 * Memory:  results live in the arena that was given.
 */
#ifndef VAULT_SECRETS_AWS_PRIV_H
#define VAULT_SECRETS_AWS_PRIV_H

#include "api/wal.h"
#include "http/client.h"
#include "vault/core/mount.h"
#include "vault/core/vault.h"

enum {
    AWS_OPERATION_MS = 45000, /* all calls of one request, retries included */
    AWS_CALL_MS = 15000,      /* one attempt */
    AWS_CONNECT_MS = 5000,
    AWS_REPLY_MAX = 1 << 20,
    AWS_RETRIES_DEFAULT = 3, /* max_retries -1 */
    AWS_RETRIES_MAX = 20,
    AWS_PAGES_MAX = 20,   /* of one listing */
    AWS_ITEMS_MAX = 1000, /* of one page */
    AWS_SETTLE_S = 300,   /* so long AWS may answer NoSuchEntity about what was just made */
    AWS_POLICY_MAX = 128 << 10,
    AWS_ROLE_LIST_MAX = 1000, /* arns, groups or tags of a role */
    AWS_ROLE_NAME_MAX = 256,
    AWS_KEYS_FILE_MAX = 1 << 20,
    AWS_CODE_SIZE = 64,
    AWS_USERNAME_MAX = 64, /* IAM's limit; also of a session's name */
    AWS_STS_NAME_MAX = 32, /* of a federated user's name */
};

/* A request must be over before its write-ahead record counts as left behind. */
_Static_assert((int)AWS_OPERATION_MS < (int)WAL_AGE_MS,
               "a slow request would be undone under its feet");

#define AWS_USERNAME_TEMPLATE                                                               \
    "{{ if (eq .Type \"STS\") }}{{ printf \"vault-%s-%s\"  (unix_time) (random 20) | "      \
    "truncate 32 }}{{ else }}{{ printf \"vault-%s-%s-%s\" (printf \"%s-%s\" (.DisplayName)" \
    " (.PolicyName) | truncate 42) (unix_time) (random 20) | truncate 64 }}{{ end }}"

static inline struct req *aws_req(struct call *c)
{
    return c->state;
}

/*
 * Configuration (aws_config.c).
 */
struct aws_root {
    const char *mount;
    const char *access_key, *secret_key, *region, *iam_endpoint, *sts_endpoint;
    int64_t max_retries;
    const char *username_template;
};

struct aws_lease {
    const char *mount;
    int64_t lease_s, lease_max_s;
};

extern const struct table aws_root_table, aws_lease_table, aws_role_table;
extern const struct route aws_config_routes[], aws_role_routes[], aws_cred_routes[];
extern const size_t n_aws_config_routes, n_aws_role_routes, n_aws_cred_routes;

/* A copy in the arena; without a configuration the defaults, and *ret_found (may be NULL)
 * false. */
int aws_root_load(struct txn *t, const char *mount_uuid, struct arena *a,
                  const struct aws_root **ret, bool *ret_found, struct err *e);
int aws_root_store(struct txn *t, const struct aws_root *root, struct err *e);
int aws_lease_load(struct txn *t, const char *mount_uuid, struct arena *a,
                   const struct aws_lease **ret, struct err *e);
int aws_rotate_root(struct call *c, struct err *e); /* aws_rotate.c */

/*
 * Roles (aws_roles.c, and the pure parts in aws_role_check.c).
 */
struct aws_role {
    const char *mount, *name;
    struct strlist credential_types;
    struct strlist role_arns, policy_arns, iam_groups;
    const char *policy_document; /* compacted */
    struct strmap iam_tags;
    int64_t default_sts_ttl_s, max_sts_ttl_s;
    const char *user_path, *permissions_boundary_arn;
    bool legacy; /* made by `policy` or `arn`: creds/ and sts/ are not interchangeable */
};

/* The route's `name`; 404 when no role can be called so. */
int aws_role_name(struct req *r, struct str *ret, struct err *e);
/* ERR_NOTFOUND. A copy in the arena. */
int aws_role_load(struct txn *t, const char *mount_uuid, struct str name, struct arena *a,
                  const struct aws_role **ret, struct err *e);
/* Sentences about what is wrong with it. */
void aws_role_check(const struct aws_role *role, struct arena *a, struct strlist *problems);
/* From the old `policy` or `arn` parameter; false: it is neither a policy nor an ARN of one. */
bool aws_role_from_legacy(struct str text, struct arena *a, struct aws_role *ret);
/* "1 error occurred:\n\t* ...\n\n", quoted. */
const char *aws_problems_text(const struct strlist *problems, struct arena *a);

/*
 * Policies, as text (aws_policy.c). ERR_INVALID, ERR_TOOBIG.
 */
/* White space goes, everything else stays as it is, the order of keys included. */
int aws_policy_compact(struct str text, struct arena *a, const char **ret, struct err *e);
/* One document with the statements of all; "" without any, the same text with one. */
int aws_policy_merge(const struct strlist *documents, struct arena *a, const char **ret,
                     struct err *e);

/*
 * Names (aws_name.c).
 */
enum aws_name_kind { AWS_NAME_IAM, AWS_NAME_STS };
/* Characters that AWS refuses in a name become '_'. */
const char *aws_name_clean(struct arena *a, struct str s);
int aws_name_make(const char *template, enum aws_name_kind kind, const char *display_name,
                  const char *role, int64_t now_ns, struct arena *a, const char **ret,
                  struct err *e);

/*
 * Keys (aws_keys.c).
 */
struct aws_keys {
    const char *access_key, *secret_key, *session_token; /* token may be NULL */
};
/* Configured ones, else the environment's, else those of the shared credentials file. */
int aws_keys_find(const struct aws_root *root, struct arena *a, struct aws_keys *ret,
                  struct err *e);
/* A profile of a credentials file's text; false: not there or not complete. */
bool aws_keys_from_file(struct str text, struct str profile, struct arena *a,
                        struct aws_keys *ret);

/*
 * Answers (aws_xml.c): a small tree without attributes.
 */
enum { AWS_XML_DEPTH_MAX = 32, AWS_XML_NODES_MAX = 100000 };

struct aws_xml {
    const char *name;
    struct str text; /* of the element itself, NUL behind it */
    struct aws_xml *first, *last, *next;
};

/* ERR_INVALID, ERR_TOOBIG. A document type (entities) is refused. */
int aws_xml_parse(struct str text, struct arena *a, const struct aws_xml **ret, struct err *e);
/* "CreateUserResult/User/Path" below x; NULL: not there (or x is NULL). */
const struct aws_xml *aws_xml_at(const struct aws_xml *x, const char *path);
struct str aws_xml_text(const struct aws_xml *x, const char *path); /* empty: not there */

/*
 * Asking AWS (aws_client.c).
 */
enum aws_service { AWS_IAM, AWS_STS };

struct aws_fault {
    char code[AWS_CODE_SIZE]; /* "NoSuchEntity"; "": no answer of AWS's */
    bool throttled;
    bool not_done; /* it is sure that nothing was done: refused, or never sent */
};

struct aws_client;

struct aws_param {
    const char *name, *value; /* value NULL: left out */
};

/* Where a service is asked, and for which region requests are signed. */
struct aws_place {
    const char *origin, *path, *region;
};
int aws_place_find(const struct aws_root *root, enum aws_service s, struct arena *a,
                   struct aws_place *ret, struct err *e);

/* How long all calls of one operation may take together. */
struct aws_limit {
    int64_t deadline_ms; /* clock_mono_ms */
    struct stopper *stop;
};
struct aws_limit aws_limit_of(const struct vault *v); /* AWS_OPERATION_MS from now */

/* Lives as long as the arena. */
int aws_client_open(const struct aws_root *root, enum aws_service s,
                    const struct aws_limit *limit, struct arena *a, struct aws_client **ret,
                    struct err *e);
/* `params` end in {NULL}. *ret (may be NULL): the answer's root. ERR_NOTFOUND (NoSuchEntity),
 * ERR_UPSTREAM (refused, throttled, nonsense), ERR_UNAVAIL, ERR_TIMEOUT, ERR_CANCELED. Messages
 * as AWS's own tools word them: "CODE: message\n\tstatus code: 404, request id: ID". */
int aws_call(struct aws_client *c, const char *action, const struct aws_param *params,
             const struct aws_xml **ret, struct err *e);
#define AWS_CALL(c, action, ret, e, ...) \
    aws_call((c), (action), (const struct aws_param[]){__VA_ARGS__, {NULL, NULL}}, (ret), (e))
const struct aws_fault *aws_client_fault(const struct aws_client *c); /* of the last call */
struct arena *aws_client_arena(const struct aws_client *c);
/* What came of it as the API's reply: 502 when throttled, else 400. */
int aws_tell(const struct aws_client *c, int result, struct err *e);

/* All pages of a listing: one text of each member, or the member itself when `member` is "". */
struct aws_list {
    const char *action, *param, *value; /* "ListGroupsForUser", "UserName", ... */
    const char *items, *member;         /* "Groups", "GroupName" */
};
int aws_list_all(struct aws_client *c, const struct aws_list *l, struct strlist *ret,
                 struct err *e);

/*
 * IAM users (aws_user.c) and STS (aws_sts.c).
 */
int aws_user_create(struct aws_client *iam, const struct aws_role *role, const char *username,
                    struct aws_keys *ret, bool *ret_not_made, struct err *e);
/* In an order that leaves no usable key behind; ERR_NOTFOUND: there is no such user. */
int aws_user_remove(struct aws_client *iam, const char *username, struct err *e);
/* Open a client for a mount's IAM and remove the user; "no such user" is success once `made_s`
 * is AWS_SETTLE_S ago. */
int aws_user_forget(struct vault *v, const struct mount *m, const char *username,
                    int64_t made_s, int64_t now_ns, struct arena *a, struct err *e);

struct aws_sts_ask {
    const struct aws_root *root;
    const struct aws_role *role;
    const char *type; /* "assumed_role", "federation_token" */
    const char *role_arn, *name;
    int64_t ttl_s;
    struct aws_limit limit;
};
struct aws_sts_got {
    struct aws_keys keys;
    const char *arn;    /* NULL: none */
    int64_t expires_ns; /* 0: not said */
};
int aws_sts_get(const struct aws_sts_ask *q, struct arena *a, struct aws_sts_got *ret,
                struct err *e);

/* Leases (aws_revoke.c). */
int aws_renew(struct lease_env *env, int64_t *ret_ttl_s, int64_t *ret_max_ttl_s, struct err *e);
int aws_revoke(struct lease_env *env, struct err *e);
extern const struct engine_wal aws_wals[];

#endif
