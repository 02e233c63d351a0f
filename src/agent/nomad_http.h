/*
 * nomad_http -- the HTTP API of one agent: its server's, its client's, or another server's
 *
 *      /v1/client/... of an alloc or node that is here  -> the client in this process
 *      everything else, with a server here              -> the server
 *      a few /v1/agent/..., without a server            -> answered here
 *      the rest, without a server                       -> asked of a server this client knows
 */
#ifndef AGENT_NOMAD_HTTP_H
#define AGENT_NOMAD_HTTP_H

#include "agent/nomad_config.h"
#include "api/api.h"

struct nomad_client;
struct nomad_http;
struct nomad_server;

struct nomad_http_opts {
    struct api *api;
    const struct nomad_config *config;
    struct nomad_server *server; /* NULL: only a client */
    struct nomad_client *client; /* NULL: only a server */
};

struct nomad_http *nomad_http_new(const struct nomad_http_opts *o);
void nomad_http_free(struct nomad_http *h); /* NULL is fine */
const struct api_service *nomad_http_service(struct nomad_http *h);
/* For ports.rpc, where clients' agents ask: the inner protocol and all of the above. */
const struct api_service *nomad_http_rpc_service(struct nomad_http *h);

#endif
