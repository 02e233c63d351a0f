/*
 * The inner protocol over HTTP (nomad/model/link.h): one server at a time, the next one when it
 * cannot be asked. Which it is stays until it fails, so its connections are reused.
 */
#include <stdio.h>

#include "http/client.h"
#include "nomad/client/client_priv.h"
#include "nomad/client/link_http.h"

enum {
    RPC_PORT = 4647,
    CALL_MS = 30000,
    LAST_CALL_MS = 1000, /* when the agent ends */
    WAIT_SLACK_MS = 10000,
    SERVERS_MAX = 100
};

/* ---- the list of servers ---------------------------------------------------------------- */

static char *with_port(const char *server)
{
    struct str s = str_of(server);
    ptrdiff_t colon = str_rchr(s, ':');
    bool bare = colon < 0 || (s.len > 0 && s.p[s.len - 1] == ']') ||
                (str_chr(s, ':') != colon && s.p[0] != '[');
    char *ret = NULL;

    if (asprintf(&ret, bare ? "%s:%d" : "%s", server, RPC_PORT) < 0)
        abort();
    return ret;
}

/* Under the lock. */
static void add_server(struct link_http *l, const char *server)
{
    char *address = with_port(server);

    for (size_t i = 0; i < l->servers.len; i++) {
        if (strcmp(l->servers.at[i].address, address) == 0) {
            free(address);
            return;
        }
    }
    if (l->servers.len == SERVERS_MAX) {
        free(address);
        return;
    }
    vec_push(&l->servers, ((struct link_server){.address = address}));
}

void link_http_add_servers(struct link_http *l, const struct strlist *servers)
{
    auto_lock struct lock *held = lock_scope(&l->lock);

    for (size_t i = 0; i < servers->len; i++)
        add_server(l, servers->at[i]);
}

/* A client that is in use is freed by whoever drops the last reference. */
static void unref_http(struct link_peer *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    http_client_free(p->http);
    free(p->address);
    free(p);
}

static void clear_servers(struct link_http *l)
{
    for (size_t i = 0; i < l->servers.len; i++) {
        free(l->servers.at[i].address);
        unref_http(l->servers.at[i].peer);
    }
    l->servers.len = 0;
    l->current = 0;
}

void link_http_set_servers(struct link_http *l, const struct strlist *servers)
{
    auto_lock struct lock *held = lock_scope(&l->lock);

    clear_servers(l);
    for (size_t i = 0; i < servers->len; i++)
        add_server(l, servers->at[i]);
}

int link_http_new(const struct link_http_opts *o, struct link_http **ret, struct err *e)
{
    struct link_http *l = calloc(1, sizeof *l);
    int r;

    if (!l)
        abort();
    r = stopper_init(&l->hurry, e);
    if (r < 0) {
        free(l);
        return r;
    }
    atomic_init(&l->call_ms, CALL_MS);
    lock_init(&l->lock, "client link", RANK_CLIENT_LINK);
    l->tls = o->tls;
    snprintf(l->server_name, sizeof l->server_name, "server.%s.nomad", o->region);
    link_http_set_servers(l, &o->servers);
    *ret = l;
    return 0;
}

void link_http_free(struct link_http *l)
{
    if (!l)
        return;
    clear_servers(l);
    vec_done(&l->servers);
    lock_done(&l->lock);
    stopper_done(&l->hurry);
    free(l);
}

void link_http_hurry(struct link_http *l)
{
    atomic_store(&l->call_ms, LAST_CALL_MS);
    stopper_stop(&l->hurry);
}

void link_http_last_calls(struct link_http *l)
{
    stopper_reset(&l->hurry);
}

static int new_peer(struct link_http *l, const char *address, struct link_peer **ret,
                    struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct link_peer *p = calloc(1, sizeof *p);
    struct http_client_opts o = {
        .address = arena_printf(a, "%s://%s", l->tls.enabled ? "https" : "http", address),
        .ca_file = l->tls.ca_file,
        .cert_file = l->tls.cert_file,
        .key_file = l->tls.key_file,
        .server_name = l->tls.enabled ? l->server_name : NULL,
        .timeout_ms = CALL_MS,
    };
    int r;

    if (!p || !(p->address = strdup(address)))
        abort();
    atomic_init(&p->refs, 1);
    r = http_client_new(&o, &p->http, e);
    if (r < 0) {
        unref_http(p);
        return r;
    }
    *ret = p;
    return 0;
}

int link_http_peer(struct link_http *l, struct link_peer **ret, struct err *e)
{
    auto_lock struct lock *held = lock_scope(&l->lock);
    struct link_server *s;
    int r = 0;

    if (l->servers.len == 0)
        return err_set(e, ERR_UNAVAIL, "no servers are known");
    s = &l->servers.at[l->current % l->servers.len];
    if (!s->peer)
        r = new_peer(l, s->address, &s->peer, e);
    if (r < 0)
        return r;
    atomic_fetch_add(&s->peer->refs, 1);
    *ret = s->peer;
    return 0;
}

void link_http_peer_done(struct link_http *l, struct link_peer *p, bool failed)
{
    lock_take(&l->lock);
    if (failed && l->servers.len > 0 && l->servers.at[l->current % l->servers.len].peer == p)
        l->current++;
    lock_drop(&l->lock);
    unref_http(p);
}

/* ---- calls ------------------------------------------------------------------------------ */

static int status_error(const struct http_response *reply, struct err *e)
{
    struct str why = str_upto(reply->body, ERR_MSG_SIZE / 2);
    int code = ERR_UNAVAIL;

    if (reply->status == 200)
        return 0;
    if (reply->status == 403 || reply->status == 401)
        code = ERR_DENIED;
    else if (reply->status == 404)
        code = ERR_NOTFOUND;
    else if (reply->status == 400 || reply->status == 413)
        code = ERR_INVALID;
    return err_set(e, code, "server answers %d: %.*s", reply->status, STR_ARG(str_trim(why)));
}

struct rpc {
    const char *name; /* "register" */
    const char *secret_id;
    struct str body;
    uint32_t timeout_ms;
    struct stopper *stop;
};

static int try_call(struct link_http *l, const struct rpc *q, struct arena *a,
                    struct http_response *ret, struct err *e)
{
    struct link_peer *p;
    struct http_header headers[] = {{LINK_SECRET_HEADER, q->secret_id},
                                    {"Content-Type", "application/json"}};
    struct http_request req = {
        .method = "POST",
        .path = arena_printf(a, LINK_PATH "%s", q->name),
        .body = q->body,
        .headers = headers,
        .n_headers = ARRAY_LEN(headers),
        .timeout_ms = q->timeout_ms ? q->timeout_ms : atomic_load(&l->call_ms),
        .stop = q->stop ? q->stop : &l->hurry,
    };
    int r = link_http_peer(l, &p, e);

    if (r < 0)
        return r;
    r = http_do(p->http, &req, a, ret, e);
    if (r < 0)
        err_wrap(e, r, "server %s", p->address);
    else
        r = status_error(ret, e);
    link_http_peer_done(l, p, r == ERR_UNAVAIL || r == ERR_TIMEOUT);
    return r;
}

/* Each server that is known gets one try. */
static int call(struct link_http *l, const struct rpc *q, struct arena *a,
                struct http_response *ret, struct err *e)
{
    size_t n;
    int r;

    lock_take(&l->lock);
    n = l->servers.len;
    lock_drop(&l->lock);
    do {
        r = try_call(l, q, a, ret, e);
        if (r != ERR_UNAVAIL && r != ERR_TIMEOUT)
            return r;
    } while (n-- > 1 && !stopper_is_set(q->stop ? q->stop : &l->hurry));
    return r == ERR_TIMEOUT ? err_wrap(e, ERR_UNAVAIL, "no answer") : r;
}

/* Encode, call, decode. in_schema/out_schema NULL: nothing. */
static int exchange(struct link_http *l, struct rpc *q, const struct schema *in_schema,
                    const void *in, const struct schema *out_schema, void *out, struct arena *a,
                    struct err *e)
{
    auto_buf struct buf b = BUF_INIT(HTTP_REPLY_MAX);
    struct http_response reply;
    struct json_out w;
    struct json *v;
    int r;

    json_out_init(&w, &b, NULL);
    schema_encode(in_schema, in, SCHEMA_ALL, &w);
    r = buf_check(&b, "a request to the server", e);
    if (r < 0)
        return r;
    q->body = buf_str(&b);
    r = call(l, q, a, &reply, e);
    if (r < 0 || !out_schema)
        return r;
    r = json_parse(reply.body, &json_limits_file, 0, a, &v, e);
    if (r == 0)
        r = schema_decode(out_schema, v, LINK_WIRE, a, out, e);
    return r < 0 ? err_wrap(e, ERR_UNAVAIL, "server's answer to %s", q->name) : 0;
}

static int link_register(void *ctx, const struct node *n, const char *secret_id,
                         struct arena *a, struct link_lease *ret, struct err *e)
{
    struct rpc q = {.name = "register", .secret_id = secret_id};

    return exchange(ctx, &q, &node_schema, n, &link_lease_schema, ret, a, e);
}

static int link_heartbeat(void *ctx, const char *node_id, const char *secret_id,
                          const char *status, struct arena *a, struct link_lease *ret,
                          struct err *e)
{
    struct rpc q = {.name = "heartbeat", .secret_id = secret_id};
    struct link_request in = {.node_id = node_id, .status = status};

    return exchange(ctx, &q, &link_request_schema, &in, &link_lease_schema, ret, a, e);
}

static int link_allocs(void *ctx, const char *node_id, const char *secret_id, uint64_t index,
                       int64_t wait_ms, struct stopper *stop, struct arena *a,
                       struct link_allocs *ret, struct err *e)
{
    struct rpc q = {.name = "allocs",
                    .secret_id = secret_id,
                    .timeout_ms = (uint32_t)(wait_ms + WAIT_SLACK_MS),
                    .stop = stop};
    struct link_request in = {.node_id = node_id, .index = index, .wait_ms = wait_ms};
    struct link_allocs_wire got = {0};
    int r = exchange(ctx, &q, &link_request_schema, &in, &link_allocs_wire_schema, &got, a, e);

    if (r < 0)
        return r;
    ret->index = got.index;
    for (size_t i = 0; i < got.allocs.len; i++) {
        struct object *o = arena_new_of(a, struct object);

        *o = (struct object){.schema = &alloc_schema, .arena = a, .body = &got.allocs.at[i]};
        atomic_init(&o->refs, 1); /* the arena's: never dropped by a reference */
        list_push(a, &ret->list, o);
    }
    return 0;
}

static int link_update(void *ctx, const char *node_id, const char *secret_id,
                       const struct alloc *const *allocs, size_t n, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct rpc q = {.name = "update", .secret_id = secret_id};
    struct link_request in = {.node_id = node_id};

    for (size_t i = 0; i < n; i++)
        list_push(a, &in.allocs, *allocs[i]);
    return exchange(ctx, &q, &link_request_schema, &in, NULL, NULL, a, e);
}

static int link_derive(void *ctx, const char *node_id, const char *secret_id,
                       const char *alloc_id, const struct strlist *tasks, struct stopper *stop,
                       struct arena *a, struct link_tokens *ret, struct err *e)
{
    struct rpc q = {.name = "derive", .secret_id = secret_id, .stop = stop};
    struct link_request in = {.node_id = node_id, .alloc_id = alloc_id, .tasks = *tasks};

    return exchange(ctx, &q, &link_request_schema, &in, &link_tokens_schema, ret, a, e);
}

static int link_events(void *ctx, const char *node_id, const char *secret_id,
                       const struct node_event *events, size_t n, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct rpc q = {.name = "events", .secret_id = secret_id};
    struct link_request in = {.node_id = node_id};

    for (size_t i = 0; i < n; i++)
        list_push(a, &in.events, events[i]);
    return exchange(ctx, &q, &link_request_schema, &in, NULL, NULL, a, e);
}

struct server_link link_http_link(struct link_http *l)
{
    return (struct server_link){
        .ctx = l,
        .node_register = link_register,
        .heartbeat = link_heartbeat,
        .allocs = link_allocs,
        .update = link_update,
        .derive = link_derive,
        .events = link_events,
    };
}
