/*
 * client_priv -- what the files of the client share
 */
#ifndef CLIENT_PRIV_H
#define CLIENT_PRIV_H

#include <curl/curl.h>
#include <netinet/in.h>

#include "base/thread.h"
#include "http/body.h"
#include "http/client.h"

enum {
    SLOTS_KEPT = 16, /* idle, per client */
    REPLY_HEADERS_MAX = 256,
    REPLY_HEADER_BYTES_MAX = 256 << 10,
    REDIRECTS_MAX = 5,
};

struct http_client {
    struct http_client_opts o; /* own copies */
    char *base;                /* "https://host:port" without a slash at the end */
    char *unix_path;           /* NULL: TCP */
    char *host, *port;         /* of base; host without brackets */
    char *connect_to;          /* "NAME:PORT:host:port" when server_name differs, else NULL */
    bool is_loopback;
    struct lock lock;
    struct slot *idle; /* lock */
    size_t n_idle;     /* lock */
};

/* An easy handle with a multi handle of its own: the multi keeps the connections, and can be
 * waited for together with a stopper. One thread at a time. */
struct slot {
    struct slot *next;
    struct http_client *client;
    CURLM *multi;
    CURL *easy;
    char error[CURL_ERROR_SIZE];
    char dialed[INET6_ADDRSTRLEN + 16]; /* "127.0.0.1:8200": last address tried */
};

struct slot *slot_take(struct http_client *c);
void slot_back(struct slot *s); /* for reuse */
void slot_free(struct slot *s);

/* Address, TLS, limits of the client; `path` behind its base. */
void slot_prepare(struct slot *s, const char *url);
/* Run what was prepared: 0 or ERR_*, with Go's words in `e`. */
int slot_perform(struct slot *s, struct stopper *stop, struct err *e);

/* What libcurl's code means to us. */
int client_error(const struct slot *s, CURLcode code, struct err *e);

#endif
