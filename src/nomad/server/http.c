/*
 * The public API's frame: from a request to its route, and what all handlers share.
 *
 * Errors are plain text; what is not said otherwise is a 500, as the API has it.
 */
#include <stdio.h>
#include <string.h>

#include "http/client.h"
#include "http/server.h"
#include "nomad/server/acl_priv.h"
#include "nomad/server/http.h"
#include "nomad/server/scale.h"
#include "nomad/server/server_priv.h"

int nomad_fail(struct err *e, int status, const char *fmt, ...)
{
    static const struct {
        int status, code;
    } kinds[] = {{400, ERR_INVALID},
                 {403, ERR_DENIED},
                 {404, ERR_NOTFOUND},
                 {405, ERR_METHOD},
                 {501, ERR_UNSUPPORTED}};
    char text[ERR_MSG_SIZE];
    int code = ERR_INTERNAL;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].status == status)
            code = kinds[i].code;
    return err_set_status(e, code, status, "%s", text);
}

/* ---- query ------------------------------------------------------------------------------ */

const char *call_text(const struct call *c, const char *name)
{
    struct str v;

    return call_query(c, name, &v) ? arena_cstr(c->arena, v) : "";
}

bool call_flag(const struct call *c, const char *name)
{
    struct str v;
    bool yes;

    return call_query(c, name, &v) && str_to_bool(v, &yes) && yes;
}

int call_bool(const struct call *c, const char *name, bool *ret, struct err *e)
{
    struct str v;

    *ret = false;
    if (!call_query(c, name, &v) || v.len == 0)
        return 0;
    if (!str_to_bool(v, ret))
        return nomad_fail(e, 500,
                          "Failed to parse value of \"%s\" (%.*s) as a bool: "
                          "strconv.ParseBool: parsing \"%.*s\": "
                          "invalid syntax",
                          name, STR_ARG(v), STR_ARG(v));
    return 0;
}

const char *call_namespace(const struct call *c)
{
    const char *ns = call_text(c, "namespace");

    return *ns ? ns : "default";
}

bool call_all_namespaces(const struct call *c)
{
    return strcmp(call_text(c, "namespace"), "*") == 0;
}

/* What every request may carry. */
static int check_common(const struct call *c, struct err *e)
{
    const char *region = call_text(c, "region");
    struct str stale;

    if (*region && strcmp(region, server_of(c)->opts.region) != 0)
        return nomad_fail(e, 500, "No path to region");
    if (call_query(c, "stale", &stale) && stale.len &&
        !(str_eqc(stale, "true") || str_eqc(stale, "false")))
        return nomad_fail(e, 400,
                          "Expect `true` or `false` for `stale` query string parameter");
    return 0;
}

/* ---- replies ---------------------------------------------------------------------------- */

struct json_out *nomad_json(struct call *c)
{
    struct json_out *w = call_json_out(c, 200);
    struct str pretty;

    if (call_query(c, "pretty", &pretty) && !str_eqc(pretty, "0"))
        w->indent = "    ";
    return w;
}

void nomad_index(struct call *c, uint64_t index)
{
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)index);
    call_field(c, "X-Nomad-KnownLeader", "true");
    call_field(c, "X-Nomad-LastContact", "0");
}

void nomad_schema(struct call *c, const struct schema *s, const void *body)
{
    schema_encode(s, body, 0, nomad_json(c));
}

int nomad_body(struct call *c, const struct schema *s, void *obj, struct err *e)
{
    const struct json *v;
    struct err why = ERR_INIT;
    int r = call_json(c, &v, e);

    if (r < 0)
        return r;
    if (!v || v->type == JSON_NULL)
        return nomad_fail(e, 400, "Request body is empty");
    if (schema_decode(s, v, SCHEMA_NOCASE | SCHEMA_UNKNOWN_OK, c->arena, obj, &why) < 0)
        return nomad_fail(e, 400, "%s", why.msg);
    return 0;
}

/* ---- reads ------------------------------------------------------------------------------ */

static int park_or_go(struct call *c, uint64_t index, struct err *e, bool *ret_park)
{
    int64_t deadline;
    int r = call_blocking_query(c, index, ret_park, &deadline, e);

    if (r < 0)
        return r;
    if (*ret_park)
        return call_park(c, deadline);
    nomad_index(c, index ? index : 1);
    return 0;
}

int read_tables(struct call *c, const struct table *const *tables, size_t n, struct err *e)
{
    uint64_t index = 0;
    bool park;

    for (size_t i = 0; i < n; i++) {
        uint64_t rev = table_rev(c->txn, tables[i]);

        index = rev > index ? rev : index;
    }
    for (size_t i = 0; i < n; i++) {
        struct key k;

        call_wait_on(c, table_prefix(tables[i], &k), false, index);
    }
    return park_or_go(c, index, e, &park);
}

int read_object(struct call *c, const struct table *t, const struct key *k,
                const struct object *o, struct err *e)
{
    uint64_t index = o ? o->mod_rev : table_rev(c->txn, t);
    struct key all;
    bool park;

    if (o)
        call_wait_on(c, key_str(k), true, index);
    else
        call_wait_on(c, table_prefix(t, &all), false, index);
    return park_or_go(c, index, e, &park);
}

/* ---- serving ---------------------------------------------------------------------------- */

/* 1: answered. */
static int answer_path(struct call *c)
{
    if (c->x && http_path_state(c->x) == HTTP_PATH_BAD) {
        call_reply(c, 400, NULL);
        return 1;
    }
    if (c->x && http_path_state(c->x) == HTTP_PATH_UNCLEAN) {
        call_field(c, "Location", http_escape_path(c->arena, c->path));
        call_reply(c, 301, NULL);
        return 1;
    }
    if (str_eqc(c->path, "/")) {
        call_field(c, "Location", "/ui/");
        call_reply(c, 307, "text/html; charset=utf-8");
        buf_puts(c->body, "<a href=\"/ui/\">Temporary Redirect</a>.\n\n");
        return 1;
    }
    return 0;
}

/* 1: c->route is the one. 0: answered. */
static int find_route(struct call *c, const struct router *router, struct err *e)
{
    unsigned allowed;

    if (answer_path(c))
        return 0;
    c->route = router_find(router, c->method, c->path, &c->params, &allowed);
    if (!c->route && allowed)
        return nomad_fail(e, 405, "Invalid method");
    if (!c->route)
        call_reply(c, 404, NULL);
    return c->route != NULL;
}

static int run_handler(struct call *c, struct err *e)
{
    int r = c->route->flags & ROUTE_BLOCKING ? call_claim_pool(c, e) : 0;

    return r < 0 ? r : c->route->handle(c, e);
}

int nomad_serve_with(struct call *c, const struct router *router, struct err *e)
{
    int r = find_route(c, router, e);

    c->authenticated = true;
    return r > 0 ? run_handler(c, e) : r;
}

static int serve_http(struct call *c, struct err *e)
{
    int r = find_route(c, server_of(c)->http_router, e);

    if (r <= 0)
        return r;
    r = check_common(c, e);
    if (r == 0)
        r = acl_begin(c, c->route->flags, e);
    return r < 0 ? r : acl_end(c, run_handler(c, e), e);
}

/* Nodes prove themselves by their secrets; ACLs are of users. */
static int serve_rpc(struct call *c, struct err *e)
{
    int r = find_route(c, server_of(c)->rpc_router, e);

    if (r <= 0)
        return r;
    acl_trust(c);
    r = check_common(c, e);
    return r < 0 ? r : run_handler(c, e);
}

int nomad_server_may(struct nomad_server *s, struct call *c, struct err *e)
{
    const struct api_service *asked = c->service;
    unsigned allowed;
    int r = 0;

    c->service = &s->http; /* whose callers and objects these are */
    c->route = router_find(s->http_router, c->method, c->path, &c->params, &allowed);
    if (c->route) {
        r = acl_begin(c, c->route->flags, e);
        if (r == 0)
            r = client_need(c, e);
    } else if (s->opts.acl.enabled && c->method != M_OPTIONS) {
        r = acl_denied(e);
    }
    c->service = asked;
    return r;
}

void nomad_render_error(struct call *c, const struct err *e)
{
    buf_reset(c->body);
    buf_puts(c->body, e->msg);
    call_reply(c, err_http_status(e), "text/plain; charset=utf-8");
}

/* ---- the two services ------------------------------------------------------------------- */

const struct route_part http_parts[] = {
    {acl_bootstrap_routes, &n_acl_bootstrap_routes},
    {acl_policy_routes, &n_acl_policy_routes},
    {acl_role_routes, &n_acl_role_routes},
    {acl_token_routes, &n_acl_token_routes},
    {agent_routes, &n_agent_routes},
    {alloc_routes, &n_alloc_routes},
    {client_routes, &n_client_routes},
    {scale_routes, &n_scale_routes},
    {deployment_routes, &n_deployment_routes},
    {eval_routes, &n_eval_routes},
    {event_routes, &n_event_routes},
    {job_routes, &n_job_routes},
    {keyring_routes, &n_keyring_routes},
    {namespace_routes, &n_namespace_routes},
    {node_pool_routes, &n_node_pool_routes},
    {node_routes, &n_node_routes},
    {search_routes, &n_search_routes},
    {variable_routes, &n_variable_routes},
    {NULL, NULL},
};

static struct router *make_router(const struct route_part *parts, struct route **ret_all)
{
    size_t total = 0;
    struct route *all;

    for (const struct route_part *p = parts; p->routes; p++)
        total += *p->n;
    all = calloc(total + 1, sizeof *all);
    if (!all)
        abort();
    total = 0;
    for (const struct route_part *p = parts; p->routes; p++) {
        memcpy(all + total, p->routes, *p->n * sizeof *all);
        total += *p->n;
    }
    *ret_all = all;
    return router_new(all, total);
}

void http_services_init(struct nomad_server *s)
{
    s->http = (struct api_service){.name = "nomad",
                                   .serve = serve_http,
                                   .render_error = nomad_render_error,
                                   .ctx = s,
                                   .json_strict = true,
                                   .gzip = true};
    s->rpc = (struct api_service){.name = "nomad-rpc",
                                  .serve = serve_rpc,
                                  .render_error = nomad_render_error,
                                  .ctx = s,
                                  .json_strict = true};
    s->http_router = make_router(http_parts, &s->http_routes);
    s->rpc_router = router_new(rpc_routes, n_rpc_routes);
}

void http_services_done(struct nomad_server *s)
{
    router_free(s->http_router);
    router_free(s->rpc_router);
    free(s->http_routes);
}
