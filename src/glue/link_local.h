/*
 * glue/link_local -- the inner protocol when server and client share a process: no socket
 * between them
 *
 * Each call is an inner call of the server's rpc service: the same handlers, the same checks,
 * the same bodies.
 */
#ifndef GLUE_LINK_LOCAL_H
#define GLUE_LINK_LOCAL_H

#include "api/api.h"
#include "nomad/model/link.h"

struct link_local {
    struct api *api;
    const struct api_service *rpc;
};

/* `l` must outlive it. */
struct server_link link_local(struct link_local *l);

#endif
