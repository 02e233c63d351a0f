/*
 * engine -- a secrets engine or an auth method, and the request it handles
 *
 * An engine is one `const struct engine`: its type, its routes (patterns below the mount's
 * path), its tables, and what to do when a lease of its ends. A handler gets a `struct req`,
 * reads and writes through r->txn, and says what it made: data, a leased secret, or an
 * authentication. Everything else (token, policy, lease, wrapping, envelope) is core's.
 *
 * Adding one: a file in vault/secrets or vault/auth and a line in its table (secrets.c,
 * auth.c).
 */
#ifndef VAULT_CORE_ENGINE_H
#define VAULT_CORE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "lang/schema.h"
#include "store/table.h"

struct acl;
struct mount;
struct req;
struct token;
struct vault;

enum engine_kind { ENGINE_SECRET, ENGINE_AUTH };

/* Flags of an engine's routes, beside api's ROUTE_ANON, ROUTE_SEALED, ROUTE_BLOCKING. */
enum vault_route_flags {
    ROUTE_SUDO = 1 << 8,     /* root-protected: needs sudo besides */
    ROUTE_TOPLEVEL = 1 << 9, /* data's members also stand beside the envelope's */
    ROUTE_BARE = 1 << 10,    /* the reply is what the handler wrote, no envelope */
    ROUTE_NO_WRAP = 1 << 11, /* X-Vault-Wrap-TTL is ignored (unwrap and friends) */
    ROUTE_SELF =
        1 << 12, /* a valid token is enough: no policy check (capabilities-self is not one) */
};

enum vault_op { OP_READ, OP_LIST, OP_CREATE, OP_UPDATE, OP_DELETE, OP_PATCH, OP_HELP };

/* `extra` of an engine's route; may be NULL. */
struct path_info {
    /* Does the object exist? Chooses between create and update; NULL: always update. */
    int (*exists)(struct req *r, bool *ret, struct err *e);
    const struct schema *fields; /* known parameters: help, unknown-parameter warnings */
    const char *help;
};

/*
 * A leased secret made by a handler. `internal` is kept, sealed, for renew and revoke.
 */
struct secret_made {
    int64_t ttl_s, max_ttl_s; /* 0: the mount's */
    bool renewable;
    const struct json *internal;
};

/*
 * An authentication made by a login handler; core turns it into a token.
 */
struct auth_made {
    const char *display_name;
    struct strlist policies; /* token policies asked for */
    struct strmap metadata;
    const char *alias_name; /* identity alias; NULL: none */
    struct strmap alias_metadata;
    int64_t ttl_s, max_ttl_s, period_s, explicit_max_ttl_s;
    int64_t num_uses;
    bool renewable, no_default_policy;
    const char *token_type; /* "service", "batch", "default", ... NULL: the mount's */
    struct strlist bound_cidrs;
    const struct json *internal; /* for the method's renew */
};

struct req {
    struct call *call;
    struct vault *vault;
    struct arena *a;
    struct txn *txn;
    int64_t now_ns;
    enum vault_op op;
    const struct mount *mount;
    struct str path;      /* below the mount, no leading '/' */
    struct str full_path; /* without "/v1/" */
    const struct route *route;
    const struct json *data;   /* parameters: body, or query; never NULL (an empty object) */
    const struct token *token; /* NULL on anonymous routes without one */
    const struct acl *acl;     /* the token's policies, compiled */
    struct str client_token;   /* as sent; never stored, never logged */
    char request_id[37];

    /* What the handler made. */
    struct json_out *out; /* NULL until req_data() */
    struct strlist warnings;
    struct secret_made *secret;
    struct auth_made *auth;
    const struct json *auth_reply; /* finished `auth` object (token create, renew) */
    int status;                    /* 0: 200 with data, else 204 / 404 as the API's rules say */
    struct req_priv *priv;
};

/* Open the reply's data object (once); write members with json_kv_*; core closes it. */
struct json_out *req_data(struct req *r);
/* The whole data object, as finished JSON text, copied as it stands. */
void req_data_raw(struct req *r, struct str object);
/* lease_duration of the envelope for a reply that has no lease (kv version 1). */
void req_lease_hint(struct req *r, int64_t ttl_s);
void req_warn(struct req *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* `{"keys":[...]}`; core answers 404 when it is empty. */
void req_list_keys(struct req *r, const struct strlist *keys);
/* Names one level below `folder` ("a/b/", or empty) in a tree of paths: `start` is the table's
 * key up to the path. Costs what the answer is long, not what lies below. */
int list_level(struct txn *t, const struct key *start, struct str folder, struct arena *a,
               struct strlist *ret, struct err *e);
/* Decode r->data and the route's parameters into a struct (SCHEMA_LENIENT, unknown ones warned
 * about as the API does). Errors as the API words them: `Field validation failed: error
 * converting input zz for field "ttl": ...` */
int req_decode(struct req *r, const struct schema *s, void *obj, struct err *e);
/* A value as the API's messages show it: map[a:1], [1 2], text bare. */
void req_show_value(struct buf *b, const struct json *v);
bool req_has(const struct req *r, const char *field);        /* was it given (not null)? */
struct str req_param(const struct req *r, const char *name); /* of the route's pattern */
/* An error whose text is the reply's, status 400 ("backend error response"). */
int req_fail(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "1 error occurred:\n\t* text\n\n" */
int req_fail_multi(struct err *e, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The outside world (route has ROUTE_BLOCKING): see call_then. What core does after a handler
 * (lease, token, envelope) is done after `finish`. */
typedef int req_step(struct req *r, void *arg, struct err *e);
void req_then(struct req *r, req_step *act, req_step *finish, void *arg);

/* What an engine's renew and revoke get: they run on the blocking pool, without a transaction.
 */
struct lease_env {
    struct vault *vault;
    const struct mount *mount;
    struct arena *a;
    int64_t now_ns;
    const char *lease_id;
    int64_t issued_ns;
    const struct json *internal; /* as made */
    const struct json *data;     /* the secret's data as it was given out */
    int64_t increment_s;         /* renew: as asked, 0: none */
};

struct route_part {
    const struct route *routes;
    const size_t *n;
};

struct engine {
    const char *type; /* "aws", "kv" */
    enum engine_kind kind;
    const char *plugin_version; /* NULL: builtin of our version */
    const struct route *routes;
    size_t n_routes;
    const struct route_part
        *more_routes;                  /* further tables of the same engine, ended by {NULL} */
    const struct table *const *tables; /* NULL-terminated; first key part is the mount's uuid */
    bool singleton; /* not mountable by users (sys, token, cubbyhole, identity) */
    /* All optional. Mount's life, inside the transaction that changes it. */
    int (*enable)(struct req *r, struct mount *m,
                  struct err *e); /* check options; m may be changed */
    int (*tune)(struct req *r, const struct mount *old, struct mount *m, struct err *e);
    int (*disable)(struct req *r, const struct mount *m,
                   struct err *e); /* tables are emptied by core */
    /* Leases. `revoke`: "already gone" is success. NULL: nothing to undo. */
    int (*renew)(struct lease_env *env, int64_t *ret_ttl_s, int64_t *ret_max_ttl_s,
                 struct err *e);
    int (*revoke)(struct lease_env *env, struct err *e);
    /* Auth methods: may the token live on, and how long? ttl etc. into *auth. Inside a
     * transaction. */
    int (*renew_auth)(struct req *r, const struct token *t, struct auth_made *auth,
                      struct err *e);
    /* Write-ahead roll-backs: NULL-terminated names and functions, registered at start as
     * "<type>/<name>". */
    const struct engine_wal *wals;
    /* Other shapes of the same type (kv version 2): NULL-terminated, and which one a mount is
     * (the engine itself included). NULL: only this one. */
    const struct engine *const *variants;
    const struct engine *(*variant)(const struct mount *m);
};

struct engine_wal {
    const char *name;
    int (*rollback)(struct lease_env *env, const struct json *payload, struct err *e);
};
/* Put a record for this mount; the payload is sealed. See api/wal.h for the rules. */
int engine_wal_put(struct req *r, const char *name, const struct json *payload, char ret_id[37],
                   struct err *e);
int engine_wal_del(struct req *r, const char *id, struct err *e);

#endif
