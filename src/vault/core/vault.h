/*
 * vault/core -- seal, barrier, mounts, tokens, policies, leases: what every engine stands on
 *
 * `struct vault` is one vault: it owns the seal state and the loops, and is an api service.
 * Engines (vault/secrets, vault/auth) are given to it as a table, so that core knows none by
 * name.
 *
 * The way of a request (request.c):
 *     path -> seal check -> mount -> engine's route -> token -> policies -> handler
 *          -> lease or token for what it made -> wrapping -> envelope -> (commit, send: api/)
 *
 * Thread:  see api/api.h; everything that outlives a request is in the store, or an immutable
 *          snapshot behind a pointer that is swapped (mount table, compiled policies).
 */
#ifndef VAULT_CORE_VAULT_H
#define VAULT_CORE_VAULT_H

#include "api/api.h"
#include "vault/core/engine.h"

struct seal;
struct vault;

enum {
    VAULT_DEFAULT_LEASE_TTL_S = 2764800, /* 768h */
    VAULT_MAX_LEASE_TTL_S = 2764800,
    VAULT_REQUEST_TIMEOUT_S = 90,
};

#define VAULT_API_VERSION "1.14.9" /* what clients compare with */

struct vault_opts {
    struct store *store;
    struct api *api;
    const struct engine *const *engines; /* beside core's own; n_engines */
    size_t n_engines;
    const char *storage_type;                     /* as configured: "inmem", "file", "raft" */
    int64_t default_lease_ttl_s, max_lease_ttl_s; /* 0: the defaults */
    const char *cluster_name; /* NULL: "vault-cluster-<8 hex>", made at init */
    const char *api_addr, *cluster_addr;
    bool dev, ui, raw_endpoint;
};

int vault_new(const struct vault_opts *o, struct vault **ret, struct err *e);
/* Loops: lease expiry, queued revocations, roll-backs. They rest while sealed. */
int vault_start(struct vault *v, struct err *e);
void vault_stop(struct vault *v);
void vault_free(struct vault *v); /* NULL is fine */
const struct api_service *vault_service(struct vault *v);
struct store *vault_store(const struct vault *v);
struct api *vault_api(const struct vault *v);
const struct vault_opts *vault_options(const struct vault *v);
struct seal *vault_seal(const struct vault *v);
const struct engine *vault_engine(const struct vault *v, const char *type,
                                  enum engine_kind kind); /* NULL: unknown */

/* Routes of every engine and of core, for `serai routes`: fn(service, methods, path pattern).
 */
void vault_each_route(const struct vault *v,
                      void (*fn)(void *arg, unsigned methods, const char *mount_path,
                                 const char *pattern),
                      void *arg);

#endif
