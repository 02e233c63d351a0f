/*
 * http/server -- HTTP/1.1 in: epoll workers, a strict reader, TLS by GnuTLS
 *
 * A request arrives whole (head and body) as an *exchange* and is given to the handler on a
 * worker thread, which must not block. The handler, or anyone later from any thread, answers it
 * exactly once: http_reply, http_stream_start or http_upgrade. Returning without an answer
 * parks the connection: it costs a few KB and no thread.
 *
 * Conflicting or repeated Content-Length or Transfer-Encoding, folded headers, NUL, lines that
 * do not end in CRLF and malformed chunks are refused with 400 and the connection closed; head,
 * body and write have absolute deadlines; connections are limited in all and per address; a
 * parked client that leaves is noticed. How and why: docs/internals/http.md.
 *
 * Thread:  handlers run on the workers; the reply functions from any thread. One exchange, one
 *          thread at a time, but http_is_gone and http_on_gone from any.
 * Memory:  an exchange and its arena live until it is answered, whatever happens to its peer;
 *          whoever answers it does not touch it afterwards. `struct str` accessors point into
 *          it. What a reply points to must live in the arena or be static. The arena is wiped.
 * Errors:  ERR_INVALID, ERR_EXISTS, ERR_DENIED (listen), ERR_LIMIT, ERR_CANCELED (peer gone),
 *          ERR_TIMEOUT, ERR_TOOBIG.
 * Limits:  struct http_limits; the defaults are the HTTP_* values.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct err;
struct http_server;
struct http_exchange;

enum {
    HTTP_HEAD_MAX = 64 << 10, /* bytes of request line and headers */
    HTTP_HEADERS_MAX = 128,
    HTTP_TARGET_MAX = 16 << 10,
    HTTP_BODY_MAX = 32 << 20, /* of an authenticated caller */
    HTTP_BODY_ANON_MAX = 1 << 20,
    HTTP_HEAD_TIMEOUT_MS =
        10000, /* from the first byte (or the accept) to the end of the head */
    HTTP_BODY_TIMEOUT_MS = 60000,
    HTTP_WRITE_TIMEOUT_MS = 60000, /* for the reply, and for each quiet spell of a stream */
    HTTP_IDLE_TIMEOUT_MS = 300000, /* keep-alive between requests */
    HTTP_CONNECTIONS_MAX = 20000,
    HTTP_CONNECTIONS_PER_ADDRESS = 0, /* 0: no limit of its own (Nomad's agent sets 100) */
    HTTP_STREAM_BUFFER_MAX = 1 << 20, /* written but not yet taken by the peer */
    HTTP_PARAMS_MAX = 256,            /* query parameters; more: 400 */
    HTTP_WEBSOCKETS_MAX = 1024,       /* each has a thread */
};

struct http_limits {
    uint32_t head_timeout_ms, body_timeout_ms, write_timeout_ms, idle_timeout_ms;
    uint32_t connections, connections_per_address;
    size_t body, body_anon;
};

typedef void http_handler(struct http_exchange *x, void *arg);
/* Asked once the head is there, before the body is read: how many bytes may it have? */
typedef size_t http_body_limit(struct http_exchange *x, void *arg);
/* What holds without one: limits.body with a token's header, else limits.body_anon. */
size_t http_usual_body_limit(const struct http_exchange *x);

struct http_server_opts {
    unsigned workers;          /* 0: one per core */
    struct http_limits limits; /* zero fields: the defaults */
    http_handler *handle;
    http_body_limit *body_limit; /* NULL: limits.body_anon without, limits.body with an
                                    X-Vault-Token, X-Nomad-Token or Authorization header */
    void *arg;
    const char *too_many_text; /* body of the 429 for connections_per_address, text/plain */
};

int http_server_new(const struct http_server_opts *opts, struct http_server **ret,
                    struct err *e);
/* Stops listening, gives running requests until the deadline (0: no time), closes what is left.
 * NULL is fine. */
void http_server_stop(struct http_server *s, int64_t deadline_ms);
/* Stops at once if it has not been stopped, then waits until every exchange is answered and
 * every websocket freed: whoever holds some has to let them go first. NULL is fine. */
void http_server_free(struct http_server *s);
DEFINE_AUTO(struct http_server *, http_server_free)
#define auto_http_server AUTO(http_server_freep)

struct http_tls {
    const char *cert_file, *key_file; /* PEM; the chain in cert_file */
    const char *client_ca_file;       /* NULL: client certificates are not asked for */
    bool require_client_cert;
    const char *min_version; /* "tls12" (default), "tls13" */
};

struct http_listener_opts {
    const char *address; /* numeric IPv4 or IPv6; NULL with unix_path */
    uint16_t port;       /* 0: the kernel picks */
    const char *unix_path;
    uint32_t unix_mode; /* 0: 0600 */
    const struct http_tls *tls;
    unsigned tag; /* whatever the owner likes: http_listener_tag(x) */
};

/* May be called before or while the server runs. ERR_INVALID, ERR_EXISTS "address already in
 * use". */
int http_server_listen(struct http_server *s, const struct http_listener_opts *l,
                       uint16_t *ret_port, struct err *e);
/* Read certificates again from their files; the old ones stay on failure. */
int http_server_reload_tls(struct http_server *s, struct err *e);

struct http_server_stats {
    uint64_t connections, requests, parked, refused;
};
void http_server_stats(struct http_server *s, struct http_server_stats *ret);

/*
 * The request.
 */
struct arena *http_arena(struct http_exchange *x);
unsigned http_listener_tag(const struct http_exchange *x);
struct str http_method(const struct http_exchange *x); /* "GET", "LIST", ... */
struct str http_target(const struct http_exchange *x); /* as sent: "/v1/a%20b?x=1" */
/* Percent-decoded once, normalised once; nobody else looks at target. See http_path_state. */
struct str http_path(const struct http_exchange *x);
struct str http_query(const struct http_exchange *x); /* raw, without '?' */

enum http_path_state {
    HTTP_PATH_CLEAN,
    HTTP_PATH_UNCLEAN, /* had "//", "/./" or "/../" (encoded or not): answer 301 to http_path */
    HTTP_PATH_BAD,     /* control characters or NUL, invalid %-escape: answer 400 */
};
enum http_path_state http_path_state(const struct http_exchange *x);

/* First value of a query parameter; false: absent. A bare "?stale" has the empty value. */
bool http_param(const struct http_exchange *x, const char *name, struct str *ret);
size_t http_param_count(const struct http_exchange *x);
void http_param_at(const struct http_exchange *x, size_t i, struct str *ret_name,
                   struct str *ret_value);
/* First value of a header, case-insensitive; .p NULL: absent. http_header_at lists all. */
struct str http_header(const struct http_exchange *x, const char *name);
size_t http_header_count(const struct http_exchange *x);
void http_header_at(const struct http_exchange *x, size_t i, struct str *ret_name,
                    struct str *ret_value);
struct str http_body(const struct http_exchange *x);
const char *
http_peer_address(const struct http_exchange *x); /* "127.0.0.1"; "@" for a unix socket */
uint16_t http_peer_port(const struct http_exchange *x);
bool http_is_tls(const struct http_exchange *x);
/* Verified client certificate, DER; empty: none. Valid as long as the connection. */
struct str http_peer_cert(const struct http_exchange *x);
/* Owner's pointer, travels with the exchange. */
void http_set_user(struct http_exchange *x, void *user);
void *http_user(const struct http_exchange *x);

/*
 * The answer, exactly once.
 */
struct http_field {
    const char *name, *value;
};

struct http_reply {
    int status;
    const char *content_type;        /* NULL: none */
    struct str body;                 /* in the exchange's arena, or static */
    const struct http_field *fields; /* further headers, arena or static */
    size_t n_fields;
    bool close;
};
void http_reply(struct http_exchange *x, const struct http_reply *r);

/* Called at most once, on a server thread, when the peer of a parked, streaming or not yet
 * answered exchange is gone (a half-closed connection counts as gone, as in Go's server). The
 * exchange must still be answered (the reply goes nowhere, or to whoever still reads). It is
 * whole while fn runs, even if someone else answers it meanwhile. fn must not block. */
void http_on_gone(struct http_exchange *x, void (*fn)(struct http_exchange *x, void *arg),
                  void *arg);
bool http_is_gone(const struct http_exchange *x);

/*
 * A reply that is written piece by piece. The exchange belongs to the stream from here on: it
 * lives until http_stream_end. When start fails (ERR_CANCELED), answer with http_reply.
 */
struct http_stream;
int http_stream_start(struct http_exchange *x, const struct http_reply *head,
                      struct http_stream **ret,
                      struct err *e); /* head->body is the first piece */
/* ERR_LIMIT: more than HTTP_STREAM_BUFFER_MAX wait (http_stream_wait helps); ERR_CANCELED: peer
 * gone. */
int http_stream_write(struct http_stream *s, struct str data, struct err *e);
/* Wait until less than half the buffer waits. Not on a worker. */
int http_stream_wait(struct http_stream *s, int64_t deadline_ms, struct err *e);
bool http_stream_is_gone(const struct http_stream *s);
void http_stream_end(struct http_stream *s); /* frees it */

/* Take the connection over after "101 Switching Protocols"; see http/websocket.h. `fn` runs on
 * a thread of its own and owns `ws` (ws_free, there or later). Once this has returned 0 it is
 * called in any case, with a websocket that says ERR_CANCELED if the peer has left meanwhile.
 * ERR_INVALID: not a websocket request; ERR_LIMIT: answer with http_reply. */
struct websocket;
int http_upgrade(struct http_exchange *x, void (*fn)(struct websocket *ws, void *arg),
                 void *arg, struct err *e);

#endif
