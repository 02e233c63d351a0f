/* What the lease files share: records, orders (what is to be revoked later), the loop. */
#ifndef VAULT_CORE_LEASE_PRIV_H
#define VAULT_CORE_LEASE_PRIV_H

#include "vault/core/core_priv.h"

enum {
    LEASE_SUFFIX_CHARS = 24,
    LEASE_INLINE_REVOKES = 256,  /* in the caller's transaction; what is beyond is an order */
    LEASE_ORDER_BATCH = 1000,    /* per transaction of the loop, nothing to undo outside */
    LEASE_ORDER_TOKENS = 32,     /* the same for tokens: each may take others along */
    LEASE_SCAN_MAX = 2000,       /* due leases looked at in one round */
    LEASE_DEEP_MS = 2000,        /* how often a round goes on behind those that wait */
    LEASE_PER_MOUNT_AT_ONCE = 6, /* one dead backend does not stop the others */
    LEASE_IRREVOCABLE_SHOWN_MAX = 10000,
};
static const int64_t LEASE_IRREVOCABLE_RETRY_NS = 24LL * 3600 * 1000000000;

#define LEASE_DUE "due"
#define LEASE_FORCED "forced" /* due; what the engine says does not matter */
#define LEASE_IRREVOCABLE "irrevocable"

/*
 * A revocation that is too large for its caller's transaction. The loop works through it in
 * batches; `after` is how far it came.
 */
struct lease_order {
    const char *id;
    const char *kind;  /* "prefix", "path" (tokens below a prefix), "token", "cubbyhole",
                        * "tidy" */
    const char *what;  /* prefix, path or token hash */
    const char *after; /* prefix: id of the last lease that was looked at */
    bool force;
    int64_t issued_before_ns; /* what was made later is not meant */
};

extern const struct schema lease_order_schema;

/* lease.c */
int lease_get(struct txn *t, struct str id, const struct lease **ret, struct err *e);
int lease_put(struct txn *t, const struct lease *l, struct err *e);
int lease_del(struct txn *t, const char *id, struct err *e);
bool lease_is_in_state(const struct lease *l, const char *state);
int64_t lease_due_ns(const struct lease *l); /* when something is to be done about it */
/* Its turn is now. `forget_token`: it no longer stands in its token's index. */
int lease_make_due(struct txn *t, const struct lease *l, bool force, bool forget_token,
                   int64_t now_ns, struct err *e);
/* Is there something outside to undo? A mount that is gone: no. */
bool lease_needs_engine(struct vault *v, struct txn *t, const struct lease *l);
struct lease_list {
    const struct lease **at;
    size_t len;
};
/* Those with something to undo become due, the others go. */
int lease_revoke_all(struct vault *v, struct txn *t, const struct lease_list *all, bool force,
                     bool forget_token, int64_t now_ns, struct err *e);
/* The hash of a token lease's id ("auth/token/create/h<64 hex>"), if it looks like one. */
bool lease_id_of_token(struct str id, struct str *ret_path, struct str *ret_hash);
int lease_find_token(struct vault *v, struct txn *t, struct str id, const struct token **ret,
                     struct err *e);

/* lease_order.c */
int lease_order_put(struct txn *t, const char *kind, struct str what, bool force,
                    int64_t now_ns, struct err *e);
/* The tokens whose lease ids lie below `prefix` (which ends in '/'). */
int lease_order_tokens(struct vault *v, struct txn *t, struct str prefix, int64_t now_ns,
                       struct err *e);
/* One batch of the oldest order. *ret_more: there is more to do. */
int lease_order_step(struct vault *v, struct txn *t, int64_t now_ns, bool *ret_more,
                     struct err *e);

/* lease_revoke.c: engine calls under way. */
struct lease_jobs;
/* When one ends, *poke becomes true and `changed` is signalled, under `lock`. */
struct lease_jobs *lease_jobs_new(struct vault *v, struct lock *lock, struct cond *changed,
                                  bool *poke);
void lease_jobs_free(struct lease_jobs *j); /* none may be under way */
/* Begin revoking a lease that is due, on the blocking pool. False: no room now, or under way.
 */
bool lease_jobs_start(struct lease_jobs *j, const char *id, const char *mount_uuid);
bool lease_jobs_has(struct lease_jobs *j, const char *id);
/* For one of this mount, when `others` (`others_of_mount` of them) are about to begin. */
bool lease_jobs_have_room(struct lease_jobs *j, const char *mount_uuid, size_t others,
                          size_t others_of_mount);
void lease_jobs_wait(struct lease_jobs *j); /* until none is under way */
/* Revoke on this thread (one that may block), and say what the engine said. */
int lease_jobs_revoke_now(struct lease_jobs *j, const char *id, struct err *e);

/* lease_irrevocable.c: routes */
int lease_tidy(struct call *c, struct err *e);
int lease_count(struct call *c, struct err *e);
int lease_irrevocable(struct call *c, struct err *e);

/* lease_loop.c */
struct lease_jobs *lease_loop_jobs(struct lease_loop *l);

#endif
