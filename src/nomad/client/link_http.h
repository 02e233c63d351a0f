/* The HTTP link's servers, shared with the stream that servers ask this client over. */
#ifndef NOMAD_CLIENT_LINK_HTTP_H
#define NOMAD_CLIENT_LINK_HTTP_H

#include "nomad/client/client_priv.h"
#include "nomad/model/link_wire.h"

struct http_client;

struct link_peer {
    atomic_uint refs;
    struct http_client *http;
    char *address;
};

struct link_server {
    char *address; /* "host:port" */
    struct link_peer *peer;
};

struct link_http {
    struct nomad_client_tls tls; /* the client's options */
    char server_name[300];
    struct stopper hurry; /* ends calls that have no stopper of their own */
    atomic_uint call_ms;  /* how long such a call may take */
    struct lock lock;     /* the rest */
    VEC(struct link_server) servers;
    size_t current;
};

/* The server of the moment: a reference. Give it back, saying whether it could not be asked. */
int link_http_peer(struct link_http *l, struct link_peer **ret, struct err *e);
void link_http_peer_done(struct link_http *l, struct link_peer *p, bool failed);

#endif
