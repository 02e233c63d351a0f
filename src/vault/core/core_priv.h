/* What the files of vault/core share. */
#ifndef VAULT_CORE_CORE_PRIV_H
#define VAULT_CORE_CORE_PRIV_H

#include "base/log.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/vec.h"
#include "vault/core/init.h"
#include "vault/core/lease.h"
#include "vault/core/mount.h"
#include "vault/core/policy.h"
#include "vault/core/seal.h"
#include "vault/core/token.h"
#include "vault/core/vault.h"
#include "vault/core/wrap.h"

enum { VAULT_ENGINES_MAX = 64, REQ_DATA_MAX = API_REPLY_MAX };

/* An engine with its routes compiled (variants of one type are engines of their own here). */
struct engine_routes {
    const struct engine *engine;
    struct route *routes; /* of all its tables */
    size_t n_routes;
    struct router *router;
};

struct mount_snapshot;
struct engine_wal_kind;
struct lease_loop;
struct policy_cache;

struct vault {
    struct vault_opts opts;
    struct api_service service;
    struct seal *seal;
    struct engine_routes engines[VAULT_ENGINES_MAX];
    size_t n_engines;
    struct lock lock; /* the swaps of mounts and policies */
    struct mount_snapshot *mounts;
    struct policy_cache *policies;
    struct lease_loop *loop;
    int64_t started_ns;
    int64_t rotation_look_ms; /* the lease loop's: when rotation_upkeep looks again */
    VEC(struct engine_wal_kind *) wal_kinds;
};

/* Beside what a handler sees of its request. */
struct req_priv {
    struct buf data; /* text of the reply's data object */
    struct json_out out;
    struct strlist notes;        /* warnings that do not make a reply of nothing */
    bool list_empty;             /* a list without keys */
    const struct route *sibling; /* same path, another method */
    bool bad_token;              /* one was sent with an anonymous request, and is no good */
    bool last_use;               /* of the token: what it would lease is withheld */
    int64_t wrap_ttl_s;
    req_step *act, *finish;
    void *step_arg;
    size_t warnings_before; /* finish: how many there were when it first ran */
    bool finish_ran;
    const char *lease_id;
    int64_t lease_duration_s;
    bool lease_renewable;
};

const struct engine_routes *engine_routes(const struct vault *v, const struct engine *e);

/* request.c */
int vault_serve(struct call *c, struct err *e);
void vault_render_error(struct call *c, const struct err *e);
/* data.c: parameters of the request into r->data. */
int req_read_data(struct req *r, struct err *e);
/* reply.c: lease or token, wrapping, envelope, status. */
int req_complete(struct req *r, struct err *e);

/* sys_*.c: the tables of sys/. */
extern const struct route sys_seal_routes[], sys_mount_routes[], sys_tool_routes[],
    sys_internal_routes[], sys_rotate_routes[];
extern const size_t n_sys_rotate_routes, n_sys_seal_routes, n_sys_mount_routes,
    n_sys_tool_routes, n_sys_internal_routes;

/* engine.c: the engines' write-ahead roll-backs. */
void wal_register_engines(struct vault *v);
void wal_kinds_free(struct vault *v);

/* Core's own engines. */
extern const struct engine sys_engine, cubbyhole_engine,
    identity_engine; /* token_engine: token.h */

/* sys_mounts.c: go on with disabling that a stop has interrupted. */
void mount_resume_disables(struct vault *v);
/* "kv" of "kv/" or "kv": with one '/' at the end, below `base` ("" or "auth/"). */
const char *mount_path_of(struct arena *a, const char *base, struct str name);

/* sys_rotate.c */
extern const struct table rotation_table;
/* A new key for the barrier if one is due; looks once a minute. The lease loop's thread. */
void rotation_upkeep(struct vault *v);

/* sys_tune.c */
int sys_read_tune(struct req *r, struct err *e);
int sys_write_tune(struct req *r, struct err *e);

/* sys_remount.c */
extern const struct table remount_table;
extern const struct route sys_remount_routes[];
extern const size_t n_sys_remount_routes;

/* mount.c */
void mount_snapshot_free(struct mount_snapshot *s);
/* lease*.c */
extern const struct table lease_order_table;
/* cubbyhole.c: everything of a token, with it. Many records go in the background. */
int cubbyhole_delete(struct vault *v, struct txn *t, const char *token_hash, struct err *e);
/* What a response wrapped for a token holds; ERR_NOTFOUND. */
int cubbyhole_put(struct txn *t, const char *token_hash, const char *path, struct str object,
                  struct err *e);
int cubbyhole_get(struct txn *t, const char *token_hash, const char *path, struct str *ret,
                  struct err *e);

/* token*.c, for the lease files: a stored token whether or not it has expired; ERR_NOTFOUND. */
int token_by_hash(struct vault *v, struct txn *t, const char *hash, const struct token **ret,
                  struct err *e);
/* One bounded step of the durable queue of token revocations; *ret_more: there is more. */
int token_revoke_queued(struct vault *v, struct txn *t, int64_t now_ns, bool *ret_more,
                        struct err *e);
extern const struct table token_queue_table; /* that queue: a change of it wakes the loop */

/* policy_password.c */
extern const struct table password_policy_table;
/* policy_store.c */
void policy_cache_free(struct policy_cache *c);

#endif
