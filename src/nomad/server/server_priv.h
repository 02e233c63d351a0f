/* What the files of nomad/server share. */
#ifndef NOMAD_SERVER_SERVER_PRIV_H
#define NOMAD_SERVER_SERVER_PRIV_H

#include "base/log.h"
#include "base/thread.h"
#include "base/vec.h"
#include "nomad/server/acl.h"
#include "nomad/server/server.h"
#include "nomad/server/state.h"

enum {
    LIST_PER_PAGE_MAX = 100000,
    REGISTER_BODY_MAX = 16 << 20,
    EVAL_DELIVERIES_MAX = 3,
};

struct acl_state;
struct client_streams;
struct events;
struct monitors;
struct heartbeats;
struct root_keyring;
struct keyring_loop;
struct periodic_loop;
struct scheduler;
struct variable_locks;
struct watcher;

struct nomad_server {
    struct nomad_server_opts opts;
    struct api_service http, rpc;
    struct router *http_router, *rpc_router;
    struct route *http_routes;
    struct scheduler *scheduler;
    struct heartbeats *heartbeats;
    struct watcher *watcher; /* deployments, garbage, revocations: everything by the clock */
    struct periodic_loop *periodic;
    struct client_streams *streams;
    struct events *events;     /* readers of changes */
    struct monitors *monitors; /* readers of the log */
    struct root_keyring *keyring;
    struct keyring_loop *keyring_loop;
    struct variable_locks *locks;
    struct acl_state *acl;
    struct stopper stop;
    uint64_t start_rev; /* the store's when the server was started */
};

/* ---- http.c: what every handler uses ----------------------------------------------------- */

static inline struct nomad_server *server_of(const struct call *c)
{
    return c->service->ctx;
}

/* An error whose text is the whole reply. */
int nomad_fail(struct err *e, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* 200, application/json, ?pretty; close with nothing: the writer's last value ends the reply.
 */
struct json_out *nomad_json(struct call *c);
void nomad_index(struct call *c, uint64_t index); /* the three headers of a read */
void nomad_schema(struct call *c, const struct schema *s,
                  const void *body);                    /* nomad_json of one object */
const char *call_namespace(const struct call *c);       /* ?namespace=, "default" */
bool call_all_namespaces(const struct call *c);         /* ?namespace=* */
bool call_flag(const struct call *c, const char *name); /* ?name=true */
const char *call_text(const struct call *c,
                      const char *name); /* query parameter in the arena, "" */
int call_bool(const struct call *c, const char *name, bool *ret, struct err *e);
/* Body decoded (any case, unknown ignored). Empty body: ERR_INVALID "Request body is empty". */
int nomad_body(struct call *c, const struct schema *s, void *obj, struct err *e);

/* Reads: answers with what is newer than ?index=, or parks. 1 (CALL_PARKED): return it. 0: go
 * on; the index header is set. */
int read_tables(struct call *c, const struct table *const *tables, size_t n, struct err *e);
/* One object's own revision; NULL: it is not there, then the table's counts. */
int read_object(struct call *c, const struct table *t, const struct key *k,
                const struct object *o, struct err *e);

/* ---- changes that several calls make ------------------------------------------------------
 */

/* New evaluation, written into the transaction. Index fields are "this commit's". */
struct eval_new {
    const char *namespace, *job_id, *type, *triggered_by, *node_id, *deployment_id,
        *status_description;
    int64_t priority;
    uint64_t job_modify_index, node_modify_index;
    int64_t wait_until;
};
int eval_create(struct txn *t, struct arena *a, int64_t now_ns, const struct eval_new *n,
                const char **ret_id, struct err *e);

/* Write an alloc and keep what hangs on it right: summary, deployment counters, job status,
 * tokens. `old`: as it was, NULL: new. Consumes the reference. */
int alloc_write(struct nomad_server *s, struct txn *t, struct object *o,
                const struct object *old, int64_t now_ns, struct err *e);
/* Job status from its allocs, evals and deployment; writes the row only if it changes. */
int job_refresh_status(struct txn *t, const char *ns, const char *id, struct err *e);
int summary_load(struct txn *t, const char *ns, const char *job_id, struct object **ret,
                 struct err *e);
int job_latest_deployment(struct txn *t, const char *ns, const char *id,
                          const struct object **ret, struct err *e);

/* plan.c */
int plan_commit(struct nomad_server *s, struct txn *t, const struct object *eval,
                const struct plan *p, int64_t now_ns, struct err *e);

/* rpc.c: the hash under which a node's SecretID is kept */
enum { NODE_SECRET_HASH_SIZE = 65 };
void node_secret_hash(struct str secret, char ret[NODE_SECRET_HASH_SIZE]);

/* monitor.c */
int agent_monitor(struct call *c, struct err *e);
void monitors_start(struct nomad_server *s);
void monitors_stop(struct nomad_server *s); /* ends them all */

/* streams.c */
/* The call is answered by that node's client. */
int forward_to_node(struct call *c, const char *node_id, struct err *e);
int rpc_stream(struct call *c, struct err *e);
int streams_start(struct nomad_server *s, struct err *e);
void streams_end(struct nomad_server *s); /* all of them; does not wait */
void streams_stop(struct nomad_server *s);
int client_need(struct call *c, struct err *e); /* of "/v1/client/...": may the caller? */
extern const struct route client_routes[]; /* /v1/client/...: answered by the alloc's node */
extern const size_t n_client_routes;

/* secrets_queue.c: the remote variant's accessors */
void secrets_queue_turn(
    struct nomad_server *s); /* from the watcher, each turn and when woken */
int accessors_queue_revocation(struct txn *t, const char *alloc_id, int64_t now_ns,
                               struct err *e);
int accessor_put(struct txn *t, const struct link_token *tok, const struct token_ask *q,
                 const struct json *record, struct err *e);

/* ---- tables of routes ---------------------------------------------------------------------
 */

extern const struct route job_routes[], eval_routes[], alloc_routes[], node_routes[],
    deployment_routes[], agent_routes[], rpc_routes[];
extern const size_t n_job_routes, n_eval_routes, n_alloc_routes, n_node_routes,
    n_deployment_routes, n_agent_routes, n_rpc_routes;
extern const struct route keyring_routes[], namespace_routes[], node_pool_routes[],
    event_routes[], search_routes[], variable_routes[];
extern const size_t n_event_routes, n_keyring_routes, n_namespace_routes, n_node_pool_routes,
    n_search_routes, n_variable_routes;

/* The public API's tables, ended by one without routes. */
struct route_part {
    const struct route *routes;
    const size_t *n;
};
extern const struct route_part http_parts[];

/* ---- short forms in lists ------------------------------------------------------------------
 */
void write_alloc_stub(struct json_out *w, const struct object *o, struct arena *a);
void write_eval(struct json_out *w, const struct object *o, struct arena *a);
void write_deployment(struct json_out *w, const struct object *o, struct arena *a);

/* ---- loops ----------------------------------------------------------------------------------
 */
int scheduler_start(struct nomad_server *s, struct err *e);
void scheduler_stop(struct nomad_server *s);
void scheduler_stats(struct nomad_server *s, struct nomad_server_stats *ret);
void scheduler_wake(struct nomad_server *s); /* to look at its configuration anew */
/* What sched_process would do, for `job plan`: run on the scheduler's mirror. Waits; not from
 * serve. */
typedef int sched_ask_fn(struct nomad_server *s, void *sched, void *arg, struct err *e);
int scheduler_ask(struct nomad_server *s, sched_ask_fn *fn, void *arg, struct err *e);

int heartbeats_start(struct nomad_server *s, struct err *e);
void heartbeats_stop(struct nomad_server *s);
int64_t heartbeat_reset(struct nomad_server *s, const char *node_id); /* TTL in ms */
void heartbeat_forget(struct nomad_server *s, const char *node_id);

int watcher_start(struct nomad_server *s, struct err *e);
void watcher_stop(struct nomad_server *s);
void watcher_gc_now(struct nomad_server *s); /* system gc */

#endif
