#include "http/router.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { METHODS = 8 };

/*
 * A trie by segment. Each node has its text children (sorted, so that finding one is a binary
 * search), one child for ":name", and the routes that end here: as the path itself, as "*rest"
 * (which may be empty) and as "+rest" (not empty). Parameter names belong to the route, not to
 * the node, so that two routes may call the same segment differently.
 */
struct node {
    struct str text;
    struct node **kids;
    size_t n_kids;
    struct node *any;
    const struct route *here[METHODS], *rest[METHODS], *rest_plus[METHODS];
};

struct router {
    struct node root;
};

static const struct {
    struct str name;
    unsigned bit;
} methods[METHODS] = {
    {{"GET", 3}, M_GET},   {{"LIST", 4}, M_LIST},       {{"POST", 4}, M_POST},
    {{"PUT", 3}, M_PUT},   {{"DELETE", 6}, M_DELETE},   {{"PATCH", 5}, M_PATCH},
    {{"HEAD", 4}, M_HEAD}, {{"OPTIONS", 7}, M_OPTIONS},
};

unsigned http_method_bit(struct str method)
{
    for (size_t i = 0; i < METHODS; i++)
        if (str_eq(methods[i].name, method))
            return methods[i].bit;
    return 0;
}

const char *http_method_name(unsigned bit)
{
    for (size_t i = 0; i < METHODS; i++)
        if (methods[i].bit == bit)
            return methods[i].name.p;
    return "?";
}

/* A route table is ours: what is wrong with it is a bug, found by every start. */
static void table_bug(const struct route *rt, const char *what)
{
    fprintf(stderr, "router: route '%s' %s\n", rt->pattern, what);
    abort();
}

/* Index of the first child whose text is not less. */
static size_t kid_lower(const struct node *n, struct str text)
{
    size_t lo = 0, hi = n->n_kids;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (str_cmp(n->kids[mid]->text, text) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct node *kid_find(const struct node *n, struct str text)
{
    size_t i = kid_lower(n, text);

    return i < n->n_kids && str_eq(n->kids[i]->text, text) ? n->kids[i] : NULL;
}

static void *must_alloc(void *p)
{
    if (!p)
        abort();
    return p;
}

static struct node *kid_add(struct node *n, struct str text)
{
    size_t i = kid_lower(n, text);
    struct node *kid = must_alloc(calloc(1, sizeof *kid));

    n->kids = must_alloc(realloc(n->kids, (n->n_kids + 1) * sizeof(struct node *)));
    memmove(&n->kids[i + 1], &n->kids[i], (n->n_kids - i) * sizeof(struct node *));
    n->n_kids++;
    kid->text = text;
    n->kids[i] = kid;
    return kid;
}

static struct node *step_into(struct node *n, struct str seg)
{
    if (seg.len > 0 && seg.p[0] == ':') {
        if (!n->any)
            n->any = must_alloc(calloc(1, sizeof *n->any));
        return n->any;
    }
    struct node *kid = kid_find(n, seg);

    return kid ? kid : kid_add(n, seg);
}

static void set_routes(const struct route *rt, const struct route **slots)
{
    for (size_t i = 0; i < METHODS; i++) {
        if (!(rt->methods & (1U << i)))
            continue;
        if (slots[i])
            table_bug(rt, "is there twice for one method");
        slots[i] = rt;
    }
}

static void add(struct router *r, const struct route *rt)
{
    struct str rest = str_of(rt->pattern), seg;
    struct node *n = &r->root;
    size_t params = 0;

    if (rt->methods == 0 || (rt->methods & ~(unsigned)M_ANY))
        table_bug(rt, "has no or unknown methods");
    while (str_split(&rest, '/', &seg)) {
        if (seg.len > 0 && strchr(":*+", seg.p[0]) && ++params > ROUTE_PARAMS_MAX)
            table_bug(rt, "has too many parameters");
        if (seg.len > 0 && (seg.p[0] == '*' || seg.p[0] == '+')) {
            if (rest.p)
                table_bug(rt, "has something behind its last parameter");
            set_routes(rt, seg.p[0] == '*' ? n->rest : n->rest_plus);
            return;
        }
        n = step_into(n, seg);
    }
    set_routes(rt, n->here);
}

struct router *router_new(const struct route *routes, size_t n)
{
    struct router *r = must_alloc(calloc(1, sizeof *r));

    for (size_t i = 0; i < n; i++)
        add(r, &routes[i]);
    return r;
}

static void node_done(struct node *n)
{
    for (size_t i = 0; i < n->n_kids; i++) {
        node_done(n->kids[i]);
        free(n->kids[i]);
    }
    free(n->kids);
    if (n->any) {
        node_done(n->any);
        free(n->any);
    }
}

void router_free(struct router *r)
{
    if (!r)
        return;
    node_done(&r->root);
    free(r);
}

struct search {
    unsigned method, allowed;
    const struct route *found;
};

/* Note what is at a place that matches the path. An earlier find stands. */
static void take(struct search *s, const struct route *const *slots)
{
    for (size_t i = 0; i < METHODS; i++) {
        if (!slots[i])
            continue;
        s->allowed |= 1U << i;
        if (s->method == 1U << i && !s->found)
            s->found = slots[i];
    }
}

/*
 * Text before ":", ":" before the rest. The path alone decides about the place, then the method
 * is looked up there: a path that is text for one method never becomes a parameter for another.
 * `rest` is what is left of the path, its .p NULL at the end. True: the place was found. Each
 * node is visited at most once, so the work is bounded by the table, and so is the depth.
 */
static bool walk(const struct node *n, struct str rest, struct search *s)
{
    struct str seg, tail = rest;
    const struct node *kid;

    if (!rest.p) {
        take(s, n->here);
        take(s, n->rest);
        return s->allowed != 0;
    }
    str_split(&tail, '/', &seg);
    kid = kid_find(n, seg);
    if (kid && walk(kid, tail, s))
        return true;
    if (n->any && seg.len > 0 && walk(n->any, tail, s))
        return true;
    if (rest.len > 0)
        take(s, n->rest_plus);
    take(s, n->rest);
    return s->allowed != 0;
}

static void fill_params(const struct route *rt, struct str path, struct route_params *ret)
{
    struct str pattern = str_of(rt->pattern), seg, part;

    ret->n = 0;
    while (str_split(&pattern, '/', &seg)) {
        char kind = seg.len > 0 ? seg.p[0] : '\0';

        if (kind == '*' || kind == '+') {
            ret->name[ret->n] = str_from(seg, 1);
            ret->value[ret->n++] = path.p ? path : STR("");
            return;
        }
        if (!str_split(&path, '/', &part))
            return;
        if (kind == ':') {
            ret->name[ret->n] = str_from(seg, 1);
            ret->value[ret->n++] = part;
        }
    }
}

const struct route *router_find(const struct router *r, unsigned method, struct str path,
                                struct route_params *ret, unsigned *ret_allowed)
{
    struct search s = {.method = method};

    if (!path.p)
        path = STR("");
    ret->n = 0;
    walk(&r->root, path, &s);
    if (s.found)
        fill_params(s.found, path, ret);
    if (ret_allowed)
        *ret_allowed = s.allowed;
    return s.found;
}

struct str route_param(const struct route_params *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eqc(p->name[i], name))
            return p->value[i];
    return STR("");
}
