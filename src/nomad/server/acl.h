/*
 * acl -- who asks, and what that one may
 *
 * Every route says in its table what it takes to be served (struct route, flags from bit 8 on).
 * A route that says nothing needs a management token: that is what forgetting costs. The frame
 * (http.c) asks acl_begin before the handler runs, and acl_end after it.
 *
 *   flags                 who may                                      what the handler does
 *   0                     management tokens                            -
 *   ROUTE_ANON            everybody; no token is looked at             -
 *   NEED_TOKEN            every valid token, and none at all           shows what it may
 *   NEED_NS(cap)          `cap` in ?namespace= ("*": in any)           -
 *   NEED_AREA(area, lvl)  that much of agent, node, operator, ...      -
 *   NEED_VARS             some variable in ?namespace= may be listed   -
 *   NEED_OBJECT(cap)      `cap` in some namespace                      call_need of the object
 *   NEED_CHECK            a token, or any right at all                 call_need, call_need_*
 *
 * After the last two an answer that shows something is held back unless the handler has asked
 * about the object that it found (acl_end). Lists leave out by themselves what the caller may
 * not see (list_offer).
 *
 * Thread:  any.
 * Memory:  what a call knows of its caller lives in the call's arena; compiled policies are
 *          shared and counted.
 * Errors:  403 "Permission denied"; ERR_UNAVAIL (the tokens' key does not open).
 * Limits:  ACL_*_MAX of nomad/model/acl.h, below.
 */
#ifndef NOMAD_SERVER_ACL_H
#define NOMAD_SERVER_ACL_H

#include "api/api.h"
#include "nomad/model/acl.h"

struct nomad_server;
struct table;

enum need_kind {
    NEED_KIND_MANAGEMENT,
    NEED_KIND_TOKEN,
    NEED_KIND_NS,
    NEED_KIND_OBJECT,
    NEED_KIND_CHECK,
    NEED_KIND_AREA,
    NEED_KIND_VARS,
};

#define NEED_FLAGS_(kind, x, y) \
    ((unsigned)(kind) << 8 | (unsigned)(x) << 12 | (unsigned)(y) << 18)
#define NEED_TOKEN NEED_FLAGS_(NEED_KIND_TOKEN, 0, 0)
#define NEED_NS(cap) NEED_FLAGS_(NEED_KIND_NS, cap, 0)
#define NEED_NS_OR(cap, other) NEED_FLAGS_(NEED_KIND_NS, cap, other) /* one of the two */
#define NEED_OBJECT(cap) NEED_FLAGS_(NEED_KIND_OBJECT, cap, 0)
#define NEED_CHECK NEED_FLAGS_(NEED_KIND_CHECK, 0, 0)
#define NEED_AREA(area, level) NEED_FLAGS_(NEED_KIND_AREA, area, level)
#define NEED_VARS NEED_FLAGS_(NEED_KIND_VARS, 0, 0)
#define NEED_ACLS (1u << 30) /* with any of these: 400 where ACLs are off */

enum {
    ACL_SETS_MAX = 256, /* compiled sets of policies that are kept */
    ACL_TOKEN_MIN_TTL_S = 60,
    ACL_TOKEN_MAX_TTL_S = 24 * 3600,
    ACL_ONE_TIME_S = 600,
    ACL_SECRET_CHARS = 36,
};

struct acl_opts {
    bool enabled;
    int64_t min_ttl_ns, max_ttl_ns; /* of tokens that expire; 0: the above */
    const char *reset_file;         /* lets bootstrap happen again; NULL: never */
};

/* ---- acl.c: for the frame ---------------------------------------------------------------- */

/* Who asks? Then what the flags say. 0, or the reply's error. */
int acl_begin(struct call *c, unsigned flags, struct err *e);
/* A table within the route's own (paths below a job): what its line says. */
int acl_gate(struct call *c, unsigned flags, struct err *e);
/* A caller that is no user: everything is allowed. */
void acl_trust(struct call *c);
/* The handler said `r`: the same, or 403 if it owes a question. */
int acl_end(struct call *c, int r, struct err *e);

/* ---- acl.c: for handlers ----------------------------------------------------------------- */

const struct rights *call_rights(const struct call *c);
/* NULL: nobody said who asks, or ACLs are off. */
const struct acl_token *call_token(const struct call *c);
/* About the object at hand: 0, or 403. They answer the question that NEED_OBJECT and NEED_CHECK
 * leave open. */
int call_need(struct call *c, const char *ns, enum acl_cap cap, struct err *e);
int call_need_one(struct call *c, const char *ns, enum acl_cap cap, enum acl_cap other,
                  struct err *e);
int call_need_area(struct call *c, enum acl_area area, enum acl_level level, struct err *e);
int call_need_variable(struct call *c, const char *ns, const char *path, enum acl_var_cap cap,
                       struct err *e);
int call_need_node_pool(struct call *c, const char *pool, enum acl_pool_cap cap, struct err *e);
/* `yes`: it may; else 403. For what no other question fits. */
int call_need_that(struct call *c, bool yes, struct err *e);
int acl_denied(struct err *e); /* 403 "Permission denied" */
/* May the caller see that this object of a list is there? */
bool call_sees(const struct call *c, const struct object *o);

/* ---- acl_store.c ------------------------------------------------------------------------- */

/*   acl_policy   name           -
 *   acl_role     id             by_name
 *   acl_token    accessor id    by_secret (keyed hash), expires
 *   acl_one_time keyed hash     expires
 *   acl_mark     name           by_key (root key)    "key": what tokens are hashed and sealed
 *                                                    with, sealed; "bootstrap": it has happened
 */
extern const struct table acl_policy_table, acl_role_table, acl_token_table, acl_one_time_table,
    acl_mark_table;

struct acl_one_time {
    const char *lookup, *accessor_id;
    int64_t expires; /* Unix ns */
};

struct acl_keys;
int acl_start(struct nomad_server *s, struct err *e); /* after the keyring: there is a key */
void acl_stop(struct nomad_server *s);
/* The key itself under the active root key, if `root_key` sealed it. */
int acl_key_reseal(struct nomad_server *s, struct txn *t, const char *root_key, struct err *e);
int acl_key_is_sealed_by(struct txn *t, const char *root_key, struct err *e); /* 1: yes */

/* A token's secret as its rows know it: hash (in hex, arena), box, and the way back. */
int acl_secret_hash(struct nomad_server *s, struct txn *t, struct str secret, const char **ret,
                    struct err *e);
int acl_secret_seal(struct nomad_server *s, struct txn *t, const char *accessor,
                    struct str secret, struct str *ret, struct err *e);
int acl_secret_open(struct nomad_server *s, struct txn *t, const struct acl_token *tok,
                    struct buf *out, struct err *e);

/* ERR_NOTFOUND. */
int acl_policy_get(struct txn *t, const char *name, const struct object **ret, struct err *e);
int acl_role_get(struct txn *t, const char *id, const struct object **ret, struct err *e);
int acl_role_by_name(struct txn *t, const char *name, const struct object **ret, struct err *e);
int acl_token_get(struct txn *t, const char *accessor, const struct object **ret,
                  struct err *e);
int acl_token_by_secret(struct nomad_server *s, struct txn *t, struct str secret,
                        const struct object **ret, struct err *e);
int acl_mark_get(struct txn *t, const char *name, const struct object **ret, struct err *e);
int acl_mark_put(struct txn *t, const char *name, struct err *e);
bool acl_token_expired(const struct acl_token *tok, int64_t now_ns);
/* Names of the policies that a token has by itself and by its roles. */
int acl_token_policies(struct txn *t, const struct acl_token *tok, struct strlist *ret,
                       struct err *e);
/* Tokens and one-time secrets whose time is over go; for the garbage collector. */
int acl_collect(struct nomad_server *s, int64_t now_ns, struct err *e);

/* ---- acl_sets.c -------------------------------------------------------------------------- */

/* What these policies allow; those that are not there allow nothing. Valid as long as `c`. */
int acl_rights_of(struct call *c, const struct strlist *policies, const struct rights **ret,
                  struct err *e);
/* What the caller's rights rest upon, as text in the call's arena: its token and the revisions
 * of its policies. Whoever answers for a long time asks now and then whether it still holds. */
int acl_grant(struct call *c, const char **ret, struct err *e);
bool acl_grant_holds(struct nomad_server *s, const char *grant);

#endif
