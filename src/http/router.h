/*
 * http/router -- from (method, normalised path) to a route, by table
 *
 * One kind of table for everything: Nomad's API, and each Vault engine's own paths. A pattern
 * is made of segments: "text" matches itself; ":name" one non-empty segment; "*name" at the end
 * the rest, which may be empty or missing with its slash (a "+name" at the end: not empty).
 * Text wins over ":", ":" over "*"; the path alone decides which, then the method is looked up
 * there. Flags belong to the table's owner; no flag is the strict case.
 *
 * Thread:  a router does not change once made: any.
 * Memory:  parameters point into the path that was looked up, names into the table.
 * Errors:  none; a wrong table is a bug and aborts with its pattern.
 * Limits:  ROUTE_PARAMS_MAX.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct call;
struct err;
struct router;

enum http_methods {
    M_GET = 1 << 0,
    M_LIST = 1 << 1,
    M_POST = 1 << 2,
    M_PUT = 1 << 3,
    M_DELETE = 1 << 4,
    M_PATCH = 1 << 5,
    M_HEAD = 1 << 6,
    M_OPTIONS = 1 << 7,
    M_WRITE = M_POST | M_PUT,
    M_ANY = 0xff,
};

typedef int route_fn(struct call *c, struct err *e);

struct route {
    unsigned methods;
    const char *pattern;
    unsigned flags;
    route_fn *handle;
    const void *extra; /* owner's: a capability, help text, ... */
};

enum { ROUTE_PARAMS_MAX = 8 };

struct route_params {
    struct str name[ROUTE_PARAMS_MAX], value[ROUTE_PARAMS_MAX];
    size_t n;
};

/* The table must outlive the router. Two routes that match the same way are a bug: aborts. */
struct router *router_new(const struct route *routes, size_t n);
void router_free(struct router *r);

/* NULL: no such path (*ret_allowed 0) or not with this method (*ret_allowed: the methods it
 * has). */
const struct route *router_find(const struct router *r, unsigned method, struct str path,
                                struct route_params *ret, unsigned *ret_allowed);
struct str route_param(const struct route_params *p, const char *name); /* empty: absent */

unsigned http_method_bit(struct str method); /* 0: unknown */
const char *http_method_name(unsigned bit);

#endif
