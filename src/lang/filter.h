/*
 * lang/filter -- filter expressions of list requests (`?filter=Status == "running"`)
 *
 * A small language over the fields an object shows in the API:
 *
 *     Status == "running"        ID != web             Priority == 50
 *     "dc1" in Datacenters       Name contains "web"   TaskGroups is not empty
 *     Meta.owner matches "^ops"  Meta["a.b"] == "c"    "/Meta/a.b" == "c"   TaskGroups.0.Name
 * == g any TaskGroups as g { g.Name == "web" }          all Meta as k, v { v != "" }
 *
 * with `and`, `or`, `not` and parentheses. Values are reached through the object's schema, so
 * every schema can be filtered; what is hidden or secret in it does not exist here.
 *
 * A path that leads through a map's missing key or through something null is "not there": it
 * equals nothing, is in nothing, matches nothing and is empty. A name that no struct has is an
 * error.
 *
 * Thread: a filter is one thread's. Memory: the arena's.
 * Errors: ERR_INVALID, for the expression with Go's texts ("1:8 (7): no match found, expected:
 * ..."); ERR_TOOBIG for a limit.
 * Limits: below. FILTER_STEPS_MAX counts what all of a filter's matches look at.
 */
#ifndef LANG_FILTER_H
#define LANG_FILTER_H

#include "lang/schema.h"

struct err;
struct filter;

enum {
    FILTER_TEXT_MAX = 16 << 10,
    FILTER_DEPTH_MAX = 64,   /* parentheses, `not` and any/all within each other */
    FILTER_NODES_MAX = 1000, /* comparisons and what joins them */
    FILTER_PARTS_MAX = 32,   /* of one selector */
    FILTER_STEPS_MAX = 20000000,
};

int filter_parse(struct str text, struct arena *a, struct filter **ret, struct err *e);
/* 1: the object matches; 0: it does not. */
int filter_match(struct filter *f, const struct schema *s, const void *obj, struct err *e);
/* Does a selector begin with a name that ends so? For fields that cost something to fill in. */
bool filter_asks(const struct filter *f, struct str ending);

#endif
