/*
 * token_priv -- what the files of tokens share
 *
 * token_store.c: records, ids, lookup, use. token_batch.c: tokens that are not stored.
 * token_revoke.c: the end of tokens and of what hangs on them. token_renew.c, token_login.c,
 * token_create.c: how they come to be and live on; token_policies.c (pure): which policies one
 * may have. token_roles.c, token_routes.c: the endpoints. token_json.c: how they are shown.
 */
#ifndef VAULT_CORE_TOKEN_PRIV_H
#define VAULT_CORE_TOKEN_PRIV_H

#include "vault/core/core_priv.h"

enum {
    TOKEN_CHAIN_MAX = 64,      /* ancestors that are looked at */
    TOKEN_POLICIES_MAX = 1000, /* of one token */
    TOKEN_META_BYTES_MAX = 64 << 10,
    TOKEN_DISPLAY_MAX = 1024,
    TOKEN_CIDRS_MAX = 1000,
    TOKEN_PATH_INDEXED_MAX = 256, /* bytes of a path that its index keeps */
    TOKEN_ROLE_NAME_MAX = 256,
};

static const int64_t TOKEN_NS_PER_S = 1000000000;

/* token_store.c */
bool token_is_batch(const struct token *tok);
int token_put(struct txn *t, const struct token *tok, struct err *e);
void token_key(struct key *k, const char *hash);
/* The record as this transaction sees it now: uses spent in it, renewals. */
int token_again(struct vault *v, struct txn *t, const struct token *tok,
                const struct token **ret, struct err *e);

/* token_batch.c */
bool token_id_is_batch(struct str id);
int token_batch_seal(struct vault *v, struct arena *a, const struct token *tok, struct str *ret,
                     struct err *e);
/* ERR_DENIED: not made by this vault. */
int token_batch_open(struct vault *v, struct txn *t, struct str id, const struct token **ret,
                     struct err *e);

/*
 * A role: what those who may use auth/token/create/NAME get.
 */
struct token_role {
    const char *mount_uuid, *name;
    struct strlist allowed_policies, disallowed_policies;
    struct strlist allowed_policies_glob, disallowed_policies_glob;
    struct strlist allowed_entity_aliases;
    bool has_entity_aliases; /* ever set: [] rather than null */
    bool orphan, renewable;
    const char *path_suffix;
    int64_t period_s, explicit_max_ttl_s; /* as set by their old names */
    struct strlist bound_cidrs;           /* the same */
    int64_t token_period_s, token_explicit_max_ttl_s;
    struct strlist token_bound_cidrs;
    int64_t token_num_uses;
    bool token_no_default_policy;
    const char *token_type;
};

extern const struct schema token_role_schema;
extern const struct table token_role_table;
/* ERR_NOTFOUND */
int token_role_get(struct txn *t, const char *mount_uuid, struct str name,
                   const struct token_role **ret, struct err *e);
bool token_role_limits_policies(const struct token_role *role);
bool token_glob_any(const struct strlist *globs, const char *s); /* any case */
extern const struct route token_role_routes[];
extern const size_t n_token_role_routes;

/* The lesser of what is given (> 0). */
int64_t token_lesser(int64_t a, int64_t b);

/*
 * token_policies.c, pure: the policies of a new token.
 */
struct token_policy_ask {
    struct strlist asked;          /* as the request has them */
    bool no_default, sudo;         /* sudo: the caller has it on the path */
    const struct strlist *parent;  /* policies of the caller */
    const struct token_role *role; /* NULL: none */
};
int token_policies_decide(struct arena *a, const struct token_policy_ask *q,
                          struct strlist *ret, struct err *e);

/* token_renew.c. `auth`: what the login method says now, NULL: a token of the token store. */
int token_renew_as(struct vault *v, struct txn *t, const struct token *tok,
                   const struct auth_made *auth, int64_t increment_s, int64_t now_ns,
                   struct strlist *warnings, struct arena *a, const struct token **ret,
                   struct err *e);

/* token_json.c: members of `lookup`, into an open object. */
void token_lookup_json(const struct token *tok, struct str id, int64_t now_ns,
                       struct json_out *w);

/* token_create.c */
int token_create_route(struct call *c, struct err *e);

#endif
