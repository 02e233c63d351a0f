/*
 * lease -- which secrets are out, until when, and how they end
 *
 * One record per lease, with two on-disk indexes: by expiry and by token. Nothing is loaded at
 * start: the expiry loop looks at the front of the index, so start-up cost does not grow with
 * the number of leases.
 *
 *      live --renew--> live --expiry/revoke--> due --engine revoke--> gone
 *                                    due --failure--> due (later, base 10 s, x2, +-50 %)
 *                                    due --6 failures or "unsupported"--> irrevocable --retried
 * daily--> gone
 *
 * `due` is a state of the record and a place in the expiry index, so it survives a restart.
 */
#ifndef VAULT_CORE_LEASE_H
#define VAULT_CORE_LEASE_H

#include "lang/schema.h"
#include "store/table.h"
#include "vault/core/engine.h"
#include "vault/core/token.h"

enum {
    LEASE_ID_MAX = 392,
    LEASE_REVOKE_TRIES = 6,
    LEASE_RETRY_BASE_MS = 10000,
    LEASE_BATCH = 256,         /* per transaction of the loops */
    LEASE_REVOKES_AT_ONCE = 8, /* engine calls under way */
};

struct lease {
    const char *id; /* "aws/creds/s3-role/<24 base62>" */
    const char *token_hash;
    const char *mount_uuid;
    int64_t issued_ns, expires_ns, renewed_ns;
    bool renewable;
    int64_t ttl_s, max_ttl_s;
    struct json *internal, *data;
    const char *state;   /* "", "due", "forced" (errors ignored), "irrevocable" */
    int64_t next_try_ns; /* due: when; the expiry index uses it */
    int64_t tries;
    const char *last_error;
};

extern const struct schema lease_schema;
extern const struct table lease_table; /* indexes: expires, token, irrevocable */

/*
 * TTL arithmetic, pure (contract: expiration manager). All in seconds, start and now in ns.
 */
struct ttl_input {
    int64_t increment_s, backend_ttl_s, backend_max_s, period_s, explicit_max_s;
    int64_t mount_default_s, mount_max_s;
    int64_t start_ns, now_ns;
};
/* *ret_warning: NULL, or a text in the arena ("TTL of ... exceeded ..."). ERR_INVALID "past the
 * max TTL, cannot renew". */
int ttl_decide(const struct ttl_input *in, struct arena *a, int64_t *ret_ttl_s,
               const char **ret_warning, struct err *e);

/* Register what a handler made (r->secret): id, record, reply fields. */
int lease_register(struct req *r, const struct secret_made *s, const struct lease **ret,
                   struct err *e);
/* Everything a token owns becomes due now. Bounded work: beyond `max` it leaves a queue record.
 */
int lease_revoke_of_token(struct vault *v, struct txn *t, const char *token_hash,
                          int64_t now_ns, struct err *e);
/* Everything below a prefix of lease ids (tokens by their path included) becomes due now.
 * `force`: engine errors are ignored. */
int lease_revoke_prefix(struct vault *v, struct txn *t, struct str prefix, bool force,
                        int64_t now_ns, struct err *e);

/* On a thread that may block, after the above is durable: until each lease below `prefix`
 * (which ends in '/') that was issued before is gone or was tried in vain. *ret_error: NULL, or
 * which one was and why, in `a`. ERR_TIMEOUT; ERR_UNAVAIL: the server is stopping. */
int lease_wait_revoked(struct vault *v, struct str prefix, int64_t before_ns, struct arena *a,
                       const char **ret_error, struct err *e);

/* The loop, from vault_start: expiry of leases and tokens, queue of large revocations. */
int lease_loop_start(struct vault *v, struct err *e);
void lease_loop_stop(struct vault *v);
void lease_loop_wake(struct vault *v);

extern const struct route lease_routes[]; /* part of sys/: leases/..., renew, revoke... */
extern const size_t n_lease_routes;

#endif
