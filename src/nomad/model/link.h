/*
 * nomad/model/link -- what a client agent asks of its servers, and they of it
 *
 * The inner protocol as functions. Two implementations: over HTTP/1.1 + JSON to a server's
 * `ports.rpc` (nomad/client/link_http.c, answered by nomad/server/rpc.c), and straight calls
 * when server and client share a process (glue/link_local.c). A node proves itself with its
 * SecretID, chosen by it at first registration and kept hashed by the server; over TLS with a
 * role-bound certificate besides.
 *
 * The wire (all POST below /v1/internal/ on ports.rpc, header X-Nomad-Node-Secret, JSON bodies
 * by these structs' schemas): node/register   node                      -> {heartbeat_ttl_ms,
 * index, servers[]} node/heartbeat  {node_id, status}         -> {heartbeat_ttl_ms, index,
 * servers[]} node/allocs     {node_id, index, wait_ms} -> {index, allocs[] (with their jobs)}
 * parked until something is newer node/update     {node_id, allocs[]}       -> {index} (client
 * status, task states, deployment health; batched) node/derive     {node_id, alloc_id, tasks[]}
 * -> {tokens[]} node/events     {node_id, events[]}       -> {index} GET node/stream
 * (websocket)               -> what servers ask of the client (nomad/model/stream.h).
 * node/identities {node_id, alloc_id}          -> {identities[]} (each signed anew)
 * The bodies' schemas: nomad/model/link_wire.h.
 *
 * Errors: those of the wire map to ERR_*: ERR_UNAVAIL (no server can be asked now: try again,
 * for ever), ERR_DENIED (unknown node or wrong secret: register again), ERR_INVALID,
 * ERR_NOTFOUND.
 */
#ifndef NOMAD_MODEL_LINK_H
#define NOMAD_MODEL_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct alloc;
struct err;
struct node;
struct node_event;
struct object;
struct stopper;

enum {
    LINK_ALLOCS_MAX = 10000,
    LINK_UPDATE_BATCH = 256,
    LINK_WAIT_MS = 300000,
    LINK_HEARTBEAT_MIN_MS = 10000,
};

struct link_lease {
    int64_t heartbeat_ttl_ms;
    uint64_t index;
    struct strlist servers; /* "host:port" of servers known now */
};

/* What derive gives for one task; `err` non-empty: this task's failure. */
struct link_token {
    const char *task, *token, *accessor, *address, *namespace_;
    int64_t ttl_s;
    bool renewable;
    const char *err;
    bool err_recoverable;
};

struct link_tokens {
    LIST(struct link_token) list;
};

/* One task's identity, signed. */
struct link_identity {
    const char *task, *name, *token;
    int64_t expires_ns; /* Unix ns; 0: never */
};

struct link_identities {
    LIST(struct link_identity) list;
};

struct link_allocs {
    uint64_t index;
    LIST(const struct object *)
    list; /* bodies are struct alloc, job embedded; released with the arena */
};

struct server_link {
    void *ctx;
    int (*node_register)(void *ctx, const struct node *n, const char *secret_id,
                         struct arena *a, struct link_lease *ret, struct err *e);
    int (*heartbeat)(void *ctx, const char *node_id, const char *secret_id, const char *status,
                     struct arena *a, struct link_lease *ret, struct err *e);
    /* Waits up to wait_ms for something newer than `index`; then answers what is (maybe the
     * same). */
    int (*allocs)(void *ctx, const char *node_id, const char *secret_id, uint64_t index,
                  int64_t wait_ms, struct stopper *stop, struct arena *a,
                  struct link_allocs *ret, struct err *e);
    int (*update)(void *ctx, const char *node_id, const char *secret_id,
                  const struct alloc *const *allocs, size_t n, struct err *e);
    int (*derive)(void *ctx, const char *node_id, const char *secret_id, const char *alloc_id,
                  const struct strlist *tasks, struct stopper *stop, struct arena *a,
                  struct link_tokens *ret, struct err *e);
    int (*events)(void *ctx, const char *node_id, const char *secret_id,
                  const struct node_event *events, size_t n, struct err *e);
};

#endif
