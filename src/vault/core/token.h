/*
 * token -- who is asking
 *
 * A token is stored under the keyed hash of its id (seal_hash), never the id itself. It is its
 * own lease: one record with the expiry index beside it. Revocation removes the record in the
 * caller's transaction, so the token is unusable at once; what it owned (leases, children,
 * cubbyhole) goes in the same transaction while it is little, else through the durable
 * revocation queue (lease.h).
 *
 * Batch tokens are not stored: they are sealed with a key derived from the keyring, and carry
 * their entry.
 */
#ifndef VAULT_CORE_TOKEN_H
#define VAULT_CORE_TOKEN_H

#include "lang/schema.h"
#include "store/table.h"
#include "vault/core/engine.h"

enum { TOKEN_ID_MAX = 4096, TOKEN_INLINE_REVOKES = 1000, TOKEN_META_MAX = 64 };

struct token {
    const char *namespace_id;
    const char *hash;                   /* of the id; the key */
    const char *accessor, *parent_hash; /* parent "": orphan */
    struct strlist policies;
    struct strmap meta;
    bool has_meta; /* meta null or {} */
    const char *path, *display_name, *type /* service, batch */, *role, *entity_id;
    int64_t created_s, creation_ttl_s, explicit_max_ttl_s, period_s;
    int64_t num_uses; /* remaining; 0: unlimited; -1: the last one is being used */
    int64_t issued_ns, expires_ns /* 0: never */, renewed_ns;
    bool has_lease, renewable, no_identity_policies;
    struct strlist bound_cidrs;
    const char *mount_accessor; /* of the auth mount it came from */
    const char *owner; /* orchestrator: "alloc/<id>/<task>" ties it to an allocation; else "" */
    struct json *internal; /* login method's */
    const char *wrap_path; /* wrapping tokens: creation path; else "" */
    int64_t wrap_ttl_s;
    int64_t ttl_s;            /* granted last: what a renewal without increment asks for */
    int64_t spent_expires_ns; /* num_uses -1: expires_ns as it was; it is due at once now */
    bool ending; /* revoked, but there are still children who name it and become orphans */
};

extern const struct schema token_schema;
extern const struct table token_table; /* indexes: accessor, parent, expires, path, owner */
extern const struct table token_queue_table; /* revocations under way */
extern const struct engine token_engine;     /* auth/token */

/* The token of an id as sent. ERR_DENIED: unknown, revoked, expired (checked against now_ns),
 * wrong address is the caller's business. Batch tokens are opened. The object lives as long as
 * the txn. */
int token_lookup(struct vault *v, struct txn *t, struct str id, int64_t now_ns,
                 const struct token **ret, struct err *e);
int token_by_accessor(struct vault *v, struct txn *t, const char *accessor, int64_t now_ns,
                      const struct token **ret, struct err *e);
/* Spend one use, if it counts; the caller's transaction commits it even when the request fails.
 */
int token_use(struct vault *v, struct txn *t, const struct token *tok, struct err *e);

/* Everything a new token needs, already decided (no policy questions here). Fills id, accessor,
 * hash, times. */
struct token_new {
    struct token tok; /* as wanted; hash, accessor, times are made */
    int64_t ttl_s;    /* 0: never expires */
    const char *id;   /* own id, NULL: made */
};
int token_create(struct vault *v, struct txn *t, struct arena *a, int64_t now_ns,
                 struct token_new *n, struct str *ret_id, const struct token **ret,
                 struct err *e);
/* Remove a token and everything below it. Unknown is fine. */
int token_revoke(struct vault *v, struct txn *t, const struct token *tok, int64_t now_ns,
                 struct err *e);
/* This one alone: its children become orphans. */
int token_revoke_orphan(struct vault *v, struct txn *t, const struct token *tok, int64_t now_ns,
                        struct err *e);
/* All tokens of an owner ("alloc/<id>/"): for the orchestrator. */
int token_revoke_owner(struct vault *v, struct txn *t, struct str owner_prefix, int64_t now_ns,
                       struct err *e);
/* New expiry by the TTL rules (lease.h ttl_decide). */
int token_renew(struct vault *v, struct txn *t, const struct token *tok, int64_t increment_s,
                int64_t now_ns, struct strlist *warnings, struct arena *a,
                const struct token **ret, struct err *e);
/* The `auth` object of a reply. */
const struct json *token_auth_json(struct arena *a, const struct token *tok, struct str id,
                                   int64_t now_ns);
/* Policies of token and (later) identity; the compiled ACL. */
int token_acl(struct vault *v, struct txn *t, const struct token *tok, const struct acl **ret,
              struct err *e);
/* Addresses and networks as roles take them: checked, "a.b.c.d/32" as "a.b.c.d". ERR_INVALID
 * "error parsing address ...". */
int token_parse_cidrs(struct arena *a, struct strlist *cidrs, struct err *e);
/* Login: turn an auth_made into a token, by the mount's rules. Sets r->auth_reply. */
int token_from_auth(struct req *r, const struct auth_made *auth, struct err *e);
/* The first root token (init), and dev mode's with a chosen id. */
int token_create_root(struct vault *v, struct txn *t, struct arena *a, int64_t now_ns,
                      const char *id, struct str *ret_id, struct err *e);

#endif
