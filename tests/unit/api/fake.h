/*
 * fake -- a service of a test's own routes, over a store in memory, with or without HTTP
 *
 *     struct fake f;
 *     fake_start(&f, routes, ARRAY_LEN(routes));
 *     struct api_response r = ask(&f, "PUT", "/kv/a", "1");
 *     fake_stop(&f);
 */
#ifndef TESTS_UNIT_API_FAKE_H
#define TESTS_UNIT_API_FAKE_H

#include "api/api.h"
#include "api/wal.h"
#include "t.h"

struct fake {
    struct store *store;
    struct api *api;
    struct api_service svc;
    struct router *router;
    struct arena *arena; /* of the replies */
    struct api_mount mount;
    struct http_server *http;
    uint16_t port;
    void (*finished)(struct call *c);
};

void fake_start(struct fake *f, const struct route *routes, size_t n);
void fake_start_with(struct fake *f, const struct route *routes, size_t n,
                     const struct api_opts *o); /* o->store may be NULL: in memory */
void fake_stop(struct fake *f);
void fake_listen(struct fake *f); /* HTTP on 127.0.0.1, f->port */

struct api_response ask(struct fake *f, const char *method, const char *path, const char *body);
struct api_response ask_in(struct fake *f, struct arena *a, const char *method,
                           const char *path, const char *body);

/* What a key holds now, as a string of f->arena; NULL: nothing. */
const char *fake_value(struct fake *f, const char *key);
void fake_write(struct fake *f, const char *key, const char *value);

/* A client's side of one connection. */
int wire_open(uint16_t port);
void wire_send(int fd, const char *text);
/* One reply with a Content-Length, head and body, into `ret` (NUL-terminated). */
void wire_read(int fd, char *ret, size_t size);
int wire_status(const char *reply);

#endif
