#include "agent/nomad_http.h"

#include <stdio.h>
#include <string.h>

#include "http/client.h"
#include "http/server.h"
#include "nomad/client/client.h"
#include "nomad/server/http.h"
#include "nomad/server/server.h"

enum { PROXY_TIMEOUT_MS = 330000, PROXY_REPLY_MAX = 64 << 20 };

struct nomad_http {
    struct nomad_http_opts opts;
    struct api_service service, rpc_service;
    struct router *local; /* of an agent without a server */
};

static struct nomad_http *http_of(const struct call *c)
{
    return c->service->ctx;
}

/* ---- which one? ------------------------------------------------------------------------- */

/* "/v1/client/fs/cat/<alloc>" and "/v1/client/allocation/<alloc>/stats": the alloc, or nothing.
 */
static struct str alloc_in_path(struct str path)
{
    struct str rest, part;
    int skip;

    if (str_starts(path, STR("/v1/client/fs/"))) {
        rest = str_from(path, strlen("/v1/client/fs/"));
        skip = 1;
    } else if (str_starts(path, STR("/v1/client/allocation/"))) {
        rest = str_from(path, strlen("/v1/client/allocation/"));
        skip = 0;
    } else {
        return (struct str){0};
    }
    while (skip-- > 0)
        if (!str_split(&rest, '/', &part))
            return (struct str){0};
    return str_split(&rest, '/', &part) ? part : (struct str){0};
}

static bool is_here(struct call *c, struct nomad_client *client)
{
    struct str alloc = alloc_in_path(c->path), node;

    if (alloc.len)
        return nomad_client_has_alloc(client, arena_cstr(c->arena, alloc));
    if (!call_query(c, "node_id", &node) || node.len == 0)
        return true;
    return str_eqc(node, nomad_client_id(client));
}

static int serve_by(struct call *c, const struct api_service *target, struct err *e)
{
    c->service = target; /* from here on the call is the other's, its errors too */
    return target->serve(c, e);
}

/* Who may is for a server to say: without one here, it is asked by way of it. */
static bool has_acls(const struct nomad_http *h)
{
    return nomad_config_on(h->opts.config->acl.enabled);
}

static int serve(struct call *c, struct err *e)
{
    struct nomad_http *h = http_of(c);

    if (h->opts.client && str_starts(c->path, STR("/v1/client/")) &&
        is_here(c, h->opts.client) && (h->opts.server || !has_acls(h))) {
        int r = h->opts.server ? nomad_server_may(h->opts.server, c, e) : 0;

        return r < 0 ? r : serve_by(c, nomad_client_service(h->opts.client), e);
    }
    if (h->opts.server)
        return serve_by(c, nomad_server_service(h->opts.server), e);
    return nomad_serve_with(c, h->local, e);
}

static int serve_rpc(struct call *c, struct err *e)
{
    struct nomad_http *h = http_of(c);

    return str_starts(c->path, STR("/v1/internal/"))
               ? serve_by(c, nomad_server_rpc(h->opts.server), e)
               : serve(c, e);
}

/* ---- without a server: what the agent knows itself --------------------------------------- */

static int agent_health(struct call *c, struct err *e)
{
    struct nomad_client_stats st;
    struct json_out *w;
    bool ok;

    (void)e;
    nomad_client_stats(http_of(c)->opts.client, &st);
    ok = st.known_servers > 0;
    w = call_json_out(c, ok ? 200 : 500);
    json_obj(w);
    json_key(w, "client");
    json_obj(w);
    json_kv_str(w, "message", ok ? "ok" : "no known servers");
    json_kv_bool(w, "ok", ok);
    json_obj_end(w);
    json_obj_end(w);
    return 0;
}

static int write_self(struct call *c)
{
    const struct nomad_config *cfg = http_of(c)->opts.config;
    struct nomad_client_stats st;
    struct json_out *w = call_json_out(c, 200);
    char n[32];

    nomad_client_stats(http_of(c)->opts.client, &st);
    json_obj(w);
    json_key(w, "config");
    json_obj(w);
    json_kv_str(w, "Region", cfg->region);
    json_kv_str(w, "Datacenter", cfg->datacenter);
    json_kv_str(w, "NodeName", cfg->name);
    json_kv_str(w, "DataDir", cfg->data_dir);
    json_key(w, "Version");
    json_obj(w);
    json_kv_str(w, "Version", NOMAD_API_VERSION);
    json_obj_end(w);
    json_key(w, "Server");
    json_obj(w);
    json_kv_bool(w, "Enabled", false);
    json_obj_end(w);
    json_key(w, "Client");
    json_obj(w);
    json_kv_bool(w, "Enabled", true);
    json_obj_end(w);
    json_obj_end(w);
    json_key(w, "member");
    json_obj(w);
    json_obj_end(w);
    json_key(w, "stats");
    json_obj(w);
    json_key(w, "client");
    json_obj(w);
    json_kv_str(w, "node_id", nomad_client_id(http_of(c)->opts.client));
    snprintf(n, sizeof n, "%llu", (unsigned long long)st.known_servers);
    json_kv_str(w, "known_servers", n);
    snprintf(n, sizeof n, "%llu", (unsigned long long)st.allocs);
    json_kv_str(w, "num_allocations", n);
    json_obj_end(w);
    json_obj_end(w);
    json_obj_end(w);
    return 0;
}

/* ---- without a server: ask one ------------------------------------------------------------
 */

struct proxy {
    struct http_request q;
    struct http_header headers[4];
};

static int ask_server(struct call *c, const char *server, struct proxy *p,
                      struct http_response *reply, struct err *e)
{
    const struct nomad_tls_config *tls = &http_of(c)->opts.config->tls;
    auto_http_client struct http_client *http = NULL;
    struct http_client_opts o = {.address = arena_printf(c->arena, "http%s://%s%s",
                                                         tls->rpc ? "s" : "", server,
                                                         strchr(server, ':') ? "" : ":4647"),
                                 .timeout_ms = PROXY_TIMEOUT_MS,
                                 .reply_max = PROXY_REPLY_MAX};
    int r;

    if (tls->rpc) {
        o.ca_file = tls->ca_file;
        o.cert_file = tls->cert_file;
        o.key_file = tls->key_file;
        o.skip_verify = !tls->verify_server_hostname;
    }
    r = http_client_new(&o, &http, e);
    return r < 0 ? r : http_do(http, &p->q, c->arena, reply, e);
}

static int proxy_act(struct call *c, void *arg, struct err *e)
{
    const struct strlist *servers = &http_of(c)->opts.config->client.servers;
    static const char *const passed[] = {"X-Nomad-Index", "X-Nomad-KnownLeader",
                                         "X-Nomad-LastContact", "X-Nomad-NextToken"};
    struct http_response reply;
    int r = err_set_status(e, ERR_UNAVAIL, 500, "No known servers");

    for (size_t i = 0; r < 0 && i < servers->len; i++)
        r = ask_server(c, servers->at[i], arg, &reply, e);
    if (r < 0)
        return err_set_status(e, ERR_UNAVAIL, 500, "rpc error: %s", e->msg);
    buf_reset(c->body);
    buf_put_str(c->body, reply.body);
    for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
        const char *v = http_response_header(&reply, passed[i]);

        if (v)
            call_field(c, passed[i], v);
    }
    call_reply(c, reply.status, http_response_header(&reply, "Content-Type"));
    return 0;
}

static struct proxy *proxy_new(struct call *c)
{
    struct proxy *p = arena_new_of(c->arena, struct proxy);
    struct str token = call_header(c, "X-Nomad-Token");
    struct str bearer = call_header(c, "Authorization");

    p->q = (struct http_request){.method = http_method_name(c->method),
                                 .path = c->x ? arena_cstr(c->arena, http_target(c->x)) : "/",
                                 .body = call_body(c),
                                 .headers = p->headers};
    p->headers[p->q.n_headers++] = (struct http_header){"Content-Type", "application/json"};
    if (token.len)
        p->headers[p->q.n_headers++] =
            (struct http_header){"X-Nomad-Token", arena_cstr(c->arena, token)};
    if (bearer.len)
        p->headers[p->q.n_headers++] =
            (struct http_header){"Authorization", arena_cstr(c->arena, bearer)};
    if (p->q.body.len == 0)
        p->q.body.p = NULL;
    return p;
}

static int proxy(struct call *c, struct err *e)
{
    (void)e;
    call_then(c, proxy_act, NULL, proxy_new(c));
    return 0;
}

/* With ACLs: a server that would tell this caller about itself says yes. */
static int self_act(struct call *c, void *arg, struct err *e)
{
    int r = proxy_act(c, arg, e);

    if (r < 0 || c->status != 200)
        return r;
    buf_reset(c->body);
    return write_self(c);
}

static int agent_self(struct call *c, struct err *e)
{
    int r;

    if (!has_acls(http_of(c)))
        return write_self(c);
    r = call_claim_pool(c, e);
    if (r == 0)
        call_then(c, self_act, NULL, proxy_new(c));
    return r;
}

static const struct route local_routes[] = {
    /* clang-format off */
    {M_GET,                                              "/v1/agent/health", 0,              agent_health},
    {M_GET,                                              "/v1/agent/self",   0,              agent_self},
    {M_GET | M_PUT | M_POST | M_DELETE,                  "/v1/*path",        ROUTE_BLOCKING, proxy},
    /* clang-format on */
};

/* ---- life ------------------------------------------------------------------------------- */

struct nomad_http *nomad_http_new(const struct nomad_http_opts *o)
{
    struct nomad_http *h = calloc(1, sizeof *h);

    if (!h)
        abort();
    h->opts = *o;
    h->local = router_new(local_routes, ARRAY_LEN(local_routes));
    h->service = (struct api_service){.name = "nomad",
                                      .serve = serve,
                                      .render_error = nomad_render_error,
                                      .ctx = h,
                                      .json_strict = true,
                                      .gzip = true};
    h->rpc_service = h->service;
    h->rpc_service.serve = serve_rpc;
    return h;
}

void nomad_http_free(struct nomad_http *h)
{
    if (!h)
        return;
    router_free(h->local);
    free(h);
}

const struct api_service *nomad_http_service(struct nomad_http *h)
{
    return &h->service;
}

const struct api_service *nomad_http_rpc_service(struct nomad_http *h)
{
    return &h->rpc_service;
}
