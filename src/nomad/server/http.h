/*
 * http -- the frame of Nomad's HTTP API, for the server and for agents without one
 *
 * An agent that is only a client answers the same way (plain-text errors, redirects of unclean
 * paths), with a table of its own.
 */
#ifndef NOMAD_SERVER_HTTP_H
#define NOMAD_SERVER_HTTP_H

#include "api/api.h"

struct nomad_server;

int nomad_serve_with(struct call *c, const struct router *router, struct err *e);
void nomad_render_error(struct call *c, const struct err *e);
void http_services_init(struct nomad_server *s);
void http_services_done(struct nomad_server *s);

#endif
