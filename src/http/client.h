/*
 * http/client -- requests out, over libcurl
 *
 * A client is a base address with its TLS and limits; it keeps connections for reuse. Redirects
 * are not followed unless asked, and then only to the same scheme and host (or those of
 * `redirect_ok`).
 *
 * Thread:  a client from any thread, each request on the caller's, which it blocks.
 * Memory:  a response lives in the caller's arena. A client outlives its requests and
 * websockets. Errors:  ERR_UNAVAIL (no connection, name, TLS), ERR_TIMEOUT, ERR_CANCELED
 * (stopper), ERR_TOOBIG (reply), ERR_INVALID (address, header, TLS files). Messages are in Go's
 *          words: "dial tcp 127.0.0.1:8200: connect: connection refused", "dial tcp: lookup X:
 * no such host", "context deadline exceeded", "tls: failed to verify certificate: x509:
 *          certificate signed by unknown authority", "EOF"; a caller who wants Go's whole line
 *          puts `Get "URL": ` in front. Nothing of the request is in them.
 *          An HTTP error status is not an error here.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct err;
struct stopper;
struct http_client;
struct websocket;

enum {
    HTTP_REPLY_MAX = 64 << 20,
    HTTP_CLIENT_TIMEOUT_MS = 60000,
    HTTP_CONNECT_TIMEOUT_MS = 10000
};
#define HTTP_NO_TIMEOUT UINT32_MAX /* as timeout_ms: a request that may last */

struct http_client_opts {
    const char *address; /* "http://host:port", "https://...", "unix:///path" */
    const char *ca_file, *ca_dir, *cert_file, *key_file, *server_name;
    bool skip_verify;
    uint32_t timeout_ms, connect_timeout_ms; /* 0: the defaults */
    size_t reply_max;                        /* 0: HTTP_REPLY_MAX */
    bool follow_redirects; /* 301, 302, 307, 308: same method and body again, at most 5 times */
    /* Origins besides the address's own ("https://host:8200", NULL-terminated; "*": all) that a
     * redirect may lead to; never from https to http. Not copied. */
    const char *const *redirect_ok;
    const char *user_agent;
};

int http_client_new(const struct http_client_opts *o, struct http_client **ret, struct err *e);
void http_client_free(struct http_client *c); /* NULL is fine */
DEFINE_AUTO(struct http_client *, http_client_free)
#define auto_http_client AUTO(http_client_freep)

/* AWS signature version 4 for the request, whose query must be in the form "name=value",
 * escaped; it is put in order. The token travels, signed, as X-Amz-Security-Token. */
struct http_aws_sigv4 {
    const char *access_key, *secret_key, *session_token; /* token may be NULL */
    const char *region, *service;                        /* "us-east-1", "iam" */
};

struct http_header {
    const char *name, *value;
};

struct http_request {
    const char *method; /* NULL: GET */
    const char *path;   /* "/v1/x?y=z", already escaped (http_escape) */
    struct str body;    /* .p NULL: none */
    const struct http_header *headers;
    size_t n_headers;
    const struct http_aws_sigv4 *aws;
    uint32_t timeout_ms; /* 0: the client's */
    struct stopper *stop;
    /* Streaming: each piece of a 2xx reply as it comes; return false to stop (http_do then says
     * 0). Other replies are collected as usual. NULL: the body is collected. */
    bool (*on_data)(void *arg, struct str data);
    void *arg;
};

struct http_response {
    int status;
    struct str body; /* arena, NUL behind it */
    struct http_header *headers;
    size_t n_headers;
    const char *effective_url;
};

int http_do(struct http_client *c, const struct http_request *q, struct arena *a,
            struct http_response *ret, struct err *e);
const char *http_response_header(const struct http_response *r,
                                 const char *name); /* NULL: absent */

/* Escape one path segment or query value ("a/b c" -> "a%2Fb%20c"); http_escape_path keeps '/'.
 */
char *http_escape(struct arena *a, struct str s);
char *http_escape_path(struct arena *a, struct str s);

/* Open a websocket to `path` (method and body are not looked at). ERR_UPSTREAM with the reply's
 * status in e->status: "websocket: bad handshake: 403 Permission denied". */
int http_client_websocket(struct http_client *c, const struct http_request *q,
                          struct websocket **ret, struct err *e);

#endif
