/*
 * api -- one request is one transaction (idea 2)
 *
 * A *service* (the vault half, the nomad half) answers calls. For each request the pipeline
 * begins a transaction, lets the service serve it, commits what was written and sends the reply
 * only once that is durable; on a conflict it serves the same request again in a new
 * transaction. So a handler is a function of (request, snapshot) to (writes, reply): it does
 * not lock, wait or send.
 *
 *     serve -> reply                        reads: answered from the worker at once
 *     serve -> writes -> commit -> reply    writes
 *     serve -> park -> serve ...            long polls: call_park, woken by the store
 *     serve -> writes -> commit -> act -> finish -> commit -> reply
 *                                           routes that ask the outside world: call_then
 *     serve -> (commit) -> take             streams and websockets: call_take
 *
 * Thread:  serve runs on an HTTP worker (or, after a conflict or a wake-up, on an api thread);
 *          act and finish on the blocking pool. One at a time for one call.
 * Memory:  everything about a call lives in c->arena (the exchange's).
 * Errors:  what serve, act and finish return goes through the service's render_error. Of its
 * own the pipeline adds ERR_UNAVAIL (API_TRIES_MAX conflicts, stopping), ERR_LIMIT (pool or
 *          parking places full), ERR_TOOBIG (API_REPLY_MAX), ERR_CANCELED (a parked peer left)
 *          and those of store/store.h. ERR_CONFLICT from serve or finish means "run me again".
 * Limits:  below.
 */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/router.h"
#include "http/server.h"
#include "lang/json.h"
#include "store/store.h"

struct api;
struct call;
struct stopper;

enum {
    API_TRIES_MAX = 50,       /* conflicts of one request before 503 */
    API_POOL_THREADS = 16,    /* blocking pool */
    API_POOL_QUEUE_MAX = 256, /* waiting for it; above: 503 at once */
    API_PARKED_MAX = 100000,
    API_PARKED_GROWTH_MAX = 1 << 20, /* arena bytes of one parked call's wake-ups: then it is
                                        answered as if its time were over */
    API_REPLY_MAX = 64 << 20,
    API_WAIT_DEFAULT_MS = 300000, /* long poll without ?wait= (Nomad API) */
    API_WAIT_MAX_MS = 300000,     /* a longer ?wait= is cut to this (Nomad API) */
    API_FIELDS_MAX = 24,          /* reply headers */
    API_GZIP_MIN = 1024,          /* bodies from this size ... */
    API_GZIP_MAX = 4 << 20,       /* ... to this are compressed where the service allows it */
    API_QUERY_MAX = 32,           /* query parameters of an inner call */
};

/* Flags of struct route, shared by both halves (bits below 8); a half adds its own from bit 8
 * on. */
enum route_flags {
    ROUTE_ANON = 1 << 0,     /* without a token */
    ROUTE_SEALED = 1 << 1,   /* while the vault is sealed */
    ROUTE_BLOCKING = 1 << 2, /* may call_then: a place in the blocking pool is claimed first */
};

struct api_service {
    const char *name; /* "vault", "nomad" */
    /* Find the route, authenticate, authorise, run the handler. 0 or ERR_*; CALL_PARKED. */
    int (*serve)(struct call *c, struct err *e);
    /* Turn an error into the API's form of reply (call_reply*). */
    void (*render_error)(struct call *c, const struct err *e);
    /* After the reply was decided, before it is sent (no transaction is open); NULL: none.
     * (audit, metrics) */
    void (*finished)(struct call *c);
    http_body_limit *body_limit; /* NULL: the server's default */
    void *ctx;
    bool json_strict; /* bytes after the body's JSON value are ERR_INVALID (else ignored) */
    bool gzip;        /* compress replies for clients that take it; secret ones never are */
};

enum { CALL_PARKED = 1 };

struct call {
    struct api *api;
    const struct api_service *service;
    struct http_exchange *x; /* NULL: an inner call (api_call) */
    struct arena *arena;
    struct store *store;
    struct txn *txn; /* of this attempt; NULL in act */
    int64_t now_ns;  /* wall clock, read once per request */
    int attempt;     /* 0, 1, ... on conflicts and wake-ups */
    unsigned method; /* one of http_methods */
    struct str path; /* normalised */
    const struct route *route;
    struct route_params params;
    void *state;        /* the service's; reset to NULL before each attempt of serve */
    bool authenticated; /* set by the service: the larger JSON budget */

    /* The reply so far; reset before each attempt. */
    int status;
    const char *content_type;
    struct buf *body;
    struct http_field fields[API_FIELDS_MAX];
    size_t n_fields;
    bool commit_on_error; /* what was written counts even if serve fails (a use of a token) */
    bool timed_out;       /* the deadline of its long poll is over: answer now */
    bool peer_gone;       /* as known when this attempt began */

    struct call_priv *priv;
};

/*
 * For handlers.
 */
struct str call_param(const struct call *c, const char *name); /* of the route's pattern */
bool call_query(const struct call *c, const char *name, struct str *ret);
/* The i-th query parameter, as sent; false: there are no more. */
bool call_query_at(const struct call *c, size_t i, struct str *ret_name, struct str *ret_value);
struct str call_header(const struct call *c, const char *name); /* .p NULL: absent */
/* The body as JSON, of whatever type, parsed once per request. Empty body or `null`: *ret NULL.
 * ERR_INVALID, ERR_TOOBIG. */
int call_json(struct call *c, const struct json **ret, struct err *e);
struct str call_body(const struct call *c);

/* Reply helpers. The writer writes into c->body. */
void call_reply(struct call *c, int status,
                const char *content_type);                  /* body as it stands in c->body */
struct json_out *call_json_out(struct call *c, int status); /* status + application/json */
/* A header, copied; the same name again replaces it; control characters become spaces. */
void call_field(struct call *c, const char *name, const char *value);
void call_fieldf(struct call *c, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Once the writes are durable, before the reply is sent: the commit's revision is known now, so
 * replies that show an index are written here. Runs in order; must not fail. */
void call_on_commit(struct call *c, void (*fn)(struct call *c, uint64_t rev, void *arg),
                    void *arg);
/* From here on this request's reply buffer and arena are wiped before they are given back. */
void call_set_secret(struct call *c);
/*
 * A reply that is not a reply: once the writes (if any) are durable, `fn` gets the call and
 * must answer c->x by http_stream_start or http_upgrade (or http_reply). It must not block, and
 * the call is over with the exchange. Inner calls get ERR_UNSUPPORTED instead.
 */
void call_take(struct call *c, void (*fn)(struct call *c, void *arg), void *arg);

/*
 * Long polls. The handler found nothing newer than `rev` under the prefix: return
 * call_park(...). It is served again (attempt + 1) when something changed, or with
 * c->timed_out at the deadline (clock_mono_ms; 0: none). Up to CALL_WAITS_MAX prefixes by
 * repeated call_wait_on before. What a parking attempt wrote is dropped.
 */
enum { CALL_WAITS_MAX = 4 };
void call_wait_on(struct call *c, struct str prefix, bool exact, uint64_t rev);
int call_park(struct call *c, int64_t deadline_ms);
/* The Nomad API's ?index= and ?wait= (default, maximum, jitter of wait/16): true if this
 * attempt must park because `current` <= the asked index and time is left; then `return
 * call_park(c, deadline)`. */
int call_blocking_query(const struct call *c, uint64_t current, bool *ret_park,
                        int64_t *ret_deadline_ms, struct err *e);

/*
 * The outside world (ROUTE_BLOCKING). After the writes of this attempt are durable, `act` runs
 * on the blocking pool without a transaction, then `finish` in one (again on conflict). Each
 * may fail: the error is the reply; what must be undone is found by the write-ahead record that
 * the first transaction left and `finish` removes. act may be NULL.
 */
typedef int call_act(struct call *c, void *arg, struct err *e);
/* For the service, as soon as it knows that the route is ROUTE_BLOCKING and before the handler:
 * a place in the blocking pool, kept until the reply. ERR_LIMIT with status 503: all are taken.
 * Again is fine. */
int call_claim_pool(struct call *c, struct err *e);
/* Only with a claimed place. finish writes the reply (it is reset before each run of it);
 * without one the reply is what the handler or act has left. */
void call_then(struct call *c, call_act *act, call_act *finish, void *arg);

/*
 * A call without HTTP: tests, and one half asking the other. Waits for the result, so not from
 * serve. `x` fields are given by struct api_request. ERR_INVALID (method, path), ERR_UNAVAIL
 * (stopping); an error status is not an error here.
 */
struct api_request {
    const char *method, *path; /* path may carry ?query */
    struct str body;
    const struct http_field *headers;
    size_t n_headers;
};
struct api_response {
    int status;
    struct str body; /* arena */
    uint64_t rev;    /* of its commit, 0: none */
    const char *content_type;
    const struct http_field *fields; /* arena */
    size_t n_fields;
};
int api_call(struct api *api, const struct api_service *svc, const struct api_request *q,
             struct arena *a, struct api_response *ret, struct err *e);

/*
 * The frame.
 */
struct api_opts {
    struct store *store;
    unsigned pool_threads, pool_queue; /* 0: the defaults */
};
int api_new(const struct api_opts *o, struct api **ret, struct err *e);
/* Parked calls are answered, the pool is drained, new calls get ERR_UNAVAIL; returns when no
 * call is left. Before http_server_stop, so that the answers still go out. */
void api_stop(struct api *api);
void api_free(struct api *api); /* NULL is fine; after http_server_free */
/* Stopped when api_stop begins: what waits on the blocking pool gives up then. */
struct stopper *api_stopper(struct api *api);
/* The http_handler of a server whose exchanges this service answers: arg is an api_mount. */
struct api_mount {
    struct api *api;
    const struct api_service *service;
};
void api_handle(struct http_exchange *x, void *mount);
/* Run something on the blocking pool; ERR_LIMIT when full. For service-internal jobs. */
int api_pool_run(struct api *api, void (*fn)(void *arg), void *arg, struct err *e);

struct api_stats {
    uint64_t calls;     /* under way now, parked ones included */
    uint64_t parked;    /* waiting for a change now */
    uint64_t pool;      /* places of the blocking pool in use now */
    uint64_t conflicts; /* attempts run again, since the start */
};
void api_stats(struct api *api, struct api_stats *ret);

#endif
