/*
 * nomad/client -- a machine that runs tasks: the client agent
 *
 * A client registers its node with the servers, keeps a parked request for "my allocations",
 * and runs what it is told: one thread per alloc, one per task, each straight-line code. Tasks
 * belong to serai-shim (shim/protocol.h), not to this process: a client that ends or is killed
 * leaves them running, and the next one over the same state directory takes them up again with
 * the tokens they have. No server and no vault is needed to start or to keep tasks running;
 * what cannot be asked now is asked again, for ever.
 *
 *     servers --allocs--> watch -> alloc thread -> task threads -> driver -> serai-shim -> task
 *     servers <--update-- batch <-------'  (journal: what must survive this process, sealed)
 *
 * Thread:  any, after nomad_client_start; the service as api/api.h says.
 * Memory:  options are copied.
 * Errors:  new: ERR_INVALID, ERR_IO, ERR_DENIED (directories, identity, key). A record that
 *          cannot be read costs that alloc's record, never the start.
 * Limits:  below, and in nomad/model/link.h, nomad/model/stream.h.
 */
#ifndef NOMAD_CLIENT_CLIENT_H
#define NOMAD_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "nomad/model/link.h"
#include "nomad/model/model.h"

struct nomad_client;

enum {
    CLIENT_REQUESTS_MAX = 128,    /* fs, logs and the like under way at once; more: 429 */
    CLIENT_JOURNAL_MAX = 8 << 20, /* bytes of one alloc's record */
    CLIENT_FS_READ_MAX = 1 << 30, /* `limit` of one readat */
    CLIENT_FS_LIST_MAX = 100000,  /* entries of one directory that are listed */
    CLIENT_BODY_MAX = 64 << 10,   /* of a request to /v1/client/... */
    CLIENT_META_MAX = 1000,       /* keys of the node's dynamic metadata */
};

struct nomad_client_vault {
    bool enabled;
    const char *address; /* NULL: not looked for; tokens that bring their address still renew */
    const char *ca_file, *ca_path, *cert_file, *key_file, *tls_server_name;
    bool tls_skip_verify;
};

/* How to reach servers without `link`: TLS for ports.rpc. */
struct nomad_client_tls {
    bool enabled;
    const char *ca_file, *cert_file, *key_file;
};

struct nomad_client_drain { /* drain_on_shutdown */
    bool enabled, force, ignore_system_jobs;
    int64_t deadline_ms; /* 0: an hour */
};

struct nomad_client_opts {
    const char *state_dir, *alloc_dir; /* absolute; NULL: data_dir + "/client", "/alloc" */
    const char *data_dir;
    const char *shim_path; /* the serai-shim program; NULL: beside this program, or libexec */
    const char *region, *datacenter, *name; /* NULL: "global", "dc1", the host's name */
    const char *node_class, *node_pool;
    struct strmap meta, options;
    struct strlist servers;         /* "host[:4647]" */
    const struct server_link *link; /* NULL: HTTP to `servers` */
    struct nomad_client_tls tls;
    const char *http_addr; /* advertised, "host:port" */
    bool http_tls;
    bool dev;
    bool kill_on_stop;             /* -dev: the data directory goes away, so the tasks do */
    const char *network_interface; /* NULL: the default route's */
    int64_t cpu_total_compute, memory_total_mb, disk_total_mb; /* 0: found out */
    int64_t reserved_cpu, reserved_memory_mb, reserved_disk_mb;
    const char *reserved_ports;
    int64_t min_dynamic_port, max_dynamic_port; /* 0: the API's defaults */
    int64_t max_kill_timeout_ms;                /* 0: 30 s */
    int64_t gc_interval_ms, gc_max_allocs, gc_disk_usage, gc_inode_usage; /* 0: 1 m 50 80 70 */
    struct nomad_client_vault vault;
    const struct json *plugins; /* {"raw_exec": {"enabled": true}, ...} or NULL */
    struct nomad_client_drain drain;
};

int nomad_client_new(const struct nomad_client_opts *o, struct nomad_client **ret,
                     struct err *e);
/* Takes up what an earlier client left, then starts the loops. Does not wait for a server. */
int nomad_client_start(struct nomad_client *c, struct err *e);
/* Ends the loops. Tasks run on, unless `leaving` (leave_on_interrupt, leave_on_terminate) with
 * drain_on_shutdown, or kill_on_stop. Later requests are answered with 503. */
void nomad_client_stop(struct nomad_client *c, bool leaving);
/* What of it needs the servers: tasks end if they are to, what is new is told. From then on
 * nothing is asked for, and a server in this process may stop before nomad_client_stop waits
 * for the loops. */
void nomad_client_leave(struct nomad_client *c, bool leaving);
void nomad_client_free(struct nomad_client *c); /* NULL is fine; stops first */
DEFINE_AUTO(struct nomad_client *, nomad_client_free)
#define auto_nomad_client AUTO(nomad_client_freep)

const char *nomad_client_id(const struct nomad_client *c);
/* The node as last sent; lives in the arena. */
const struct node *nomad_client_node(struct nomad_client *c, struct arena *a);
bool nomad_client_has_alloc(struct nomad_client *c, const char *alloc_id);

struct nomad_client_stats {
    int64_t heartbeat_ttl_ms, last_heartbeat_ms; /* age of the last good one, -1: none yet */
    uint64_t allocs, running;                    /* records, of them not ended */
    uint64_t known_servers;
    bool registered;
};
void nomad_client_stats(struct nomad_client *c, struct nomad_client_stats *ret);

/* SIGHUP: the servers to ask from now on (HTTP only). */
void nomad_client_set_servers(struct nomad_client *c, const struct strlist *servers);

/*
 * /v1/client/...: fs/{ls,stat,cat,readat,stream,logs}, stats, gc, metadata,
 * allocation/<id>/{stats,restart,signal,checks,gc}. Who may ask is decided before it (the
 * agent's service, a server). Inner calls (api_call) get followed streams without following.
 */
const struct api_service *nomad_client_service(struct nomad_client *c);

/*
 * The same for a server in this process (nomad_server_ask_client's shape): on_reply gets the
 * head (status > 0), pieces of the body, then an end (data.p NULL), on a thread of the client.
 * It may block (that slows this exchange only). After cancel has returned it is not called any
 * more. ERR_LIMIT, ERR_UNAVAIL (stopped).
 */
struct client_ask;
typedef void client_ask_reply(void *arg, int status, const char *content_type, struct str data);
int nomad_client_ask(struct nomad_client *c, const char *method, const char *target,
                     struct str body, client_ask_reply *on_reply, void *arg,
                     struct client_ask **ret, struct err *e);
/* Exactly once for each ask that was begun, after its end or before. Not from on_reply. */
void client_ask_done(struct client_ask *ask);

#endif
