/*
 * nomad/server -- the orchestrator's server: jobs in, allocations out
 *
 * State lives in the store's tables (state.h); every API call is one transaction on them. What
 * happens by itself is done by loops, each a plain run_until(stop): the scheduler, heartbeats,
 * deployments, garbage collection, the queue of token revocations. All of them start from what
 * the store holds, so a restart at any point only resumes.
 *
 *     API write -> job, eval (one transaction) -> watch -> scheduler loop -> plan (one
 * transaction) -> allocs
 *         -> the client's parked request wakes -> runs -> status updates (batched) -> next
 * evals
 *
 * Thread:  see api/api.h for calls; each loop has its own thread.
 */
#ifndef NOMAD_SERVER_SERVER_H
#define NOMAD_SERVER_SERVER_H

#include "api/api.h"
#include "nomad/model/link.h"
#include "nomad/model/model.h"
#include "nomad/server/acl.h"
#include "nomad/server/secrets.h"

struct nomad_server;

#define NOMAD_API_VERSION "1.9.7" /* what clients compare with */

enum { JOB_SOURCE_MAX = 1000000 };

struct nomad_server_opts {
    struct store *store;
    struct api *api;
    const char *region, *datacenter, *name; /* "global", "dc1", host name */
    const char *http_addr, *rpc_addr;       /* "127.0.0.1:4646", as advertised */
    bool dev;
    bool with_client;                   /* this agent runs a client too */
    const char *client_id;              /* its node, once known: nomad_server_set_client */
    const struct task_secrets *secrets; /* where tasks' tokens come from; NULL: nowhere */
    int64_t heartbeat_grace_ms, min_heartbeat_ttl_ms; /* 0: 10 s each */
    double max_heartbeats_per_second;                 /* 0: 50 */
    int64_t job_gc_threshold_ms, eval_gc_threshold_ms, batch_eval_gc_threshold_ms,
        deployment_gc_threshold_ms, node_gc_threshold_ms,
        job_gc_interval_ms; /* 0: the contract's defaults */
    const char *key_file;   /* what root keys are sealed with; NULL: in memory, for one life */
    const char *snapshot_dir; /* where there is room for one; NULL: in memory */
    const char *oidc_issuer;  /* NULL, "": no OpenID discovery */
    struct acl_opts acl;
    int64_t root_key_rotation_ms, root_key_gc_ms, root_key_gc_interval_ms; /* 0: the same */
    int64_t job_max_source_size; /* of a job's kept text; 0: JOB_SOURCE_MAX, <0: none is kept */
};

int nomad_server_new(const struct nomad_server_opts *o, struct nomad_server **ret,
                     struct err *e);
/* The node of this agent's client, for `nomad node status -self`; before requests come. */
void nomad_server_set_client(struct nomad_server *s, const char *node_id);
int nomad_server_start(struct nomad_server *s, struct err *e); /* the loops */
/* What it streams from nodes to its callers ends, so that their connections can; no more
 * begins. */
void nomad_server_stopping(struct nomad_server *s);
void nomad_server_stop(struct nomad_server *s);
void nomad_server_free(struct nomad_server *s); /* NULL is fine */

/* The public API ("/v1/jobs", ...) and the inner protocol ("/v1/internal/...": ports.rpc). */
const struct api_service *nomad_server_service(struct nomad_server *s);
const struct api_service *nomad_server_rpc(struct nomad_server *s);
/* Before this agent's own client answers "/v1/client/...": may the caller? 0, or 403 and the
 * errors of looking up what it asks about. */
int nomad_server_may(struct nomad_server *s, struct call *c, struct err *e);
/* Every route, for `serai routes`. */
void nomad_server_each_route(void (*fn)(void *arg, unsigned methods, const char *pattern),
                             void *arg);

/* What the agent's own endpoints need to know. */
struct nomad_server_stats {
    uint64_t index, nodes, jobs, allocs, evals_pending, evals_blocked;
};
void nomad_server_stats(struct nomad_server *s, struct nomad_server_stats *ret);

#endif
