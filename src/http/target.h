/*
 * http/target -- a request's path and query, decoded once and normalised once
 *
 * Pure. Whoever authorises and whoever acts both see what comes out here, and nobody else looks
 * at the bytes that were sent.
 */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "base/arena.h"
#include "base/str.h"
#include "http/server.h"

struct target {
    struct str path, query;
    enum http_path_state state;
};

/* Split at '?', decode the path's %XX, resolve "//", "/./" and "/../" as Go's path.Clean does
 * (a slash at the end stays). The result points into `raw` or the arena. */
void target_parse(struct target *t, struct str raw, struct arena *a);

struct target_param {
    struct str name, value;
};

struct target_params {
    size_t n;
    struct target_param at[];
};

/* More than HTTP_PARAMS_MAX parameters? */
bool target_query_too_many(struct str query);
/* `+` is a space, %XX decoded. As in Go's url.ParseQuery a pair with an invalid escape or a ';'
 * is left out. */
struct target_params *target_params(struct str query, struct arena *a);

#endif
