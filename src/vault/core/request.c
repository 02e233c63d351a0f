/*
 * The way of a request through the vault:
 *
 *     path -> (method, list, patch rules) -> seal -> mount -> engine's route -> token ->
 * operation
 *          -> policies -> use of the token -> handler -> req_complete (reply.c)
 *
 * A token is asked before it is said whether a path exists: who may not look learns nothing.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "http/client.h"
#include "http/server.h"
#include "vault/core/core_priv.h"

/* ---- before anything is looked up ------------------------------------------------------ */

static bool has_bad_escape(struct str target)
{
    for (size_t i = 0; i < target.len && target.p[i] != '?'; i++)
        if (target.p[i] == '%' && (i + 2 >= target.len || !isxdigit((uint8_t)target.p[i + 1]) ||
                                   !isxdigit((uint8_t)target.p[i + 2])))
            return true;
    return false;
}

/* 1: answered. */
static int answer_path(struct call *c)
{
    if (c->x && http_path_state(c->x) == HTTP_PATH_BAD) {
        bool plain = has_bad_escape(http_target(c->x));

        buf_puts(c->body, plain ? "400 Bad Request" : "");
        call_reply(c, 400, plain ? "text/plain; charset=utf-8" : NULL);
        return 1;
    }
    if (c->x && http_path_state(c->x) == HTTP_PATH_UNCLEAN) {
        char *to = http_escape_path(c->arena, c->path);

        call_field(c, "Location", to);
        buf_printf(c->body, "<a href=\"%s\">Moved Permanently</a>.\n\n", to);
        call_reply(c, 301, "text/html; charset=utf-8");
        return 1;
    }
    if (str_eqc(c->path, "/") || str_eqc(c->path, "/ui")) {
        call_field(c, "Location", "/ui/");
        buf_puts(c->body, "<a href=\"/ui/\">Temporary Redirect</a>.\n\n");
        call_reply(c, 307, "text/html; charset=utf-8");
        return 1;
    }
    return 0;
}

static int check_patch_type(struct call *c, struct err *e)
{
    struct str type = call_header(c, "Content-Type"), media = type;

    if (c->method != M_PATCH)
        return 0;
    if (type.len == 0)
        return err_set(e, ERR_INVALID, "mime: no media type");
    if (str_chr(media, ';') >= 0)
        media = str_upto(media, (size_t)str_chr(media, ';'));
    media = str_trim(media);
    if (str_chr(media, '/') < 0 || str_ends(media, STR("/")))
        return err_set(e, ERR_INVALID, "mime: expected token after slash");
    if (!str_eq_nocase(media, STR("application/merge-patch+json")))
        return err_set_status(e, ERR_INVALID, 415,
                              "PATCH requires Content-Type of application/merge-patch+json, "
                              "provided %.*s",
                              STR_ARG(media));
    return 0;
}

/* GET with ?list=true is LIST. */
static int effective_method(struct call *c, unsigned *ret, struct err *e)
{
    struct str list;
    bool yes;

    *ret = c->method;
    if (c->method != M_GET || !call_query(c, "list", &list))
        return 0;
    if (!str_to_bool(list, &yes))
        return err_set_status(e, ERR_INVALID, 400, "%s", "");
    if (yes)
        *ret = M_LIST;
    return 0;
}

/* ---- who is asking --------------------------------------------------------------------- */

static struct str token_of(const struct call *c)
{
    struct str t = call_header(c, "X-Vault-Token"), auth;

    if (t.len)
        return t;
    auth = call_header(c, "Authorization");
    return str_starts(auth, STR("Bearer ")) ? str_trim(str_from(auth, 7)) : (struct str){"", 0};
}

static bool in_network(const struct in6_addr *addr, const char *cidr)
{
    char text[INET6_ADDRSTRLEN + 4];
    struct str rest = str_of(cidr), host;
    struct in6_addr net = {0};
    struct in_addr v4;
    uint64_t bits = 128;
    bool is_v4;

    if (!str_split(&rest, '/', &host) || host.len >= sizeof text)
        return false;
    memcpy(text, host.p, host.len);
    text[host.len] = '\0';
    is_v4 = inet_pton(AF_INET, text, &v4) == 1;
    if (is_v4) {
        net.s6_addr[10] = net.s6_addr[11] = 0xff;
        memcpy(&net.s6_addr[12], &v4, 4);
    } else if (inet_pton(AF_INET6, text, &net) != 1) {
        return false;
    }
    if (rest.p && (!str_to_u64(rest, 10, &bits) || bits > (is_v4 ? 32 : 128)))
        return false;
    if (rest.p && is_v4)
        bits += 96;
    for (uint64_t i = 0; i < bits; i++)
        if (((addr->s6_addr[i / 8] ^ net.s6_addr[i / 8]) >> (7 - i % 8)) & 1)
            return false;
    return true;
}

/* A token bound to networks is good from there only. */
static bool peer_may_use(const struct call *c, const struct token *t)
{
    struct in6_addr addr = {0};
    struct in_addr v4;
    const char *peer = c->x ? http_peer_address(c->x) : "127.0.0.1";

    if (t->bound_cidrs.len == 0)
        return true;
    if (inet_pton(AF_INET, peer, &v4) == 1) {
        addr.s6_addr[10] = addr.s6_addr[11] = 0xff;
        memcpy(&addr.s6_addr[12], &v4, 4);
    } else if (inet_pton(AF_INET6, peer, &addr) != 1) {
        return false;
    }
    for (size_t i = 0; i < t->bound_cidrs.len; i++)
        if (in_network(&addr, t->bound_cidrs.at[i]))
            return true;
    return false;
}

static int authenticate(struct req *r, struct err *e)
{
    int ret;

    if (r->client_token.len == 0)
        return err_set(e, ERR_DENIED, "permission denied");
    ret = token_lookup(r->vault, r->txn, r->client_token, r->now_ns, &r->token, e);
    if (ret == ERR_DENIED || ret == ERR_NOTFOUND)
        return err_set(e, ERR_DENIED, "permission denied");
    if (ret < 0)
        return ret;
    if (!peer_may_use(r->call, r->token))
        return err_set(e, ERR_DENIED, "permission denied");
    r->call->authenticated = true;
    return token_acl(r->vault, r->txn, r->token, &r->acl, e);
}

/* ---- where it goes --------------------------------------------------------------------- */

/* Finds mount and route; *ret_allowed as router_find. A missing one is told later. */
static int find_route(struct req *r, unsigned method, unsigned *ret_allowed, struct err *e)
{
    const struct engine *engine;
    int ret = 0;

    *ret_allowed = 0;
    if (!seal_is_open(r->vault->seal)) { /* the mount table cannot be read: only sys/ answers */
        engine = &sys_engine;
        r->path = str_starts(r->full_path, STR("sys/")) ? str_from(r->full_path, 4) : STR("");
    } else {
        ret = mount_find(r->vault, r->txn, r->full_path, &r->mount, &r->path, e);
        if (ret == ERR_NOTFOUND)
            return 0;
        if (ret < 0)
            return ret;
        engine = r->mount->engine;
    }
    r->route = router_find(engine_routes(r->vault, engine)->router, method, r->path,
                           &r->call->params, ret_allowed);
    r->call->route = r->route;
    if (!r->route && *ret_allowed) {
        struct route_params params;
        unsigned any;

        r->priv->sibling = router_find(engine_routes(r->vault, engine)->router,
                                       *ret_allowed & -*ret_allowed, r->path, &params, &any);
    }
    return 0;
}

static int no_route(const struct req *r, unsigned allowed, struct err *e)
{
    if (!r->mount)
        return err_set(e, ERR_NOTFOUND, "no handler for route \"%.*s\". route entry not found.",
                       STR_ARG(r->full_path));
    if (allowed == 0)
        return req_fail_multi(e, 404, "unsupported path");
    return req_fail_multi(e, 405, "unsupported operation");
}

static int decide_operation(struct req *r, unsigned method, struct err *e)
{
    const struct path_info *info = r->route ? r->route->extra : NULL;
    bool exists = true;
    int ret;

    switch (method) {
    case M_GET:
    case M_HEAD:
        r->op = OP_READ;
        return 0;
    case M_LIST:
        r->op = OP_LIST;
        return 0;
    case M_DELETE:
        r->op = OP_DELETE;
        return 0;
    case M_PATCH:
        r->op = OP_PATCH;
        return 0;
    default:
        break;
    }
    if (info && info->exists) {
        ret = info->exists(r, &exists, e);
        if (ret < 0)
            return ret;
    }
    r->op = exists ? OP_UPDATE : OP_CREATE;
    return 0;
}

static int authorise(struct req *r, struct err *e)
{
    struct acl_request q = {.op = r->op,
                            .path = r->full_path,
                            .data = r->data,
                            .needs_sudo = r->route && (r->route->flags & ROUTE_SUDO),
                            .wrap_ttl_s = r->priv->wrap_ttl_s};

    if (r->route && (r->route->flags & ROUTE_SELF))
        return 0;
    if (!acl_allows(r->acl, &q))
        return req_fail_multi(e, 403, "permission denied");
    return 0;
}

/* A use counts even if the request is refused afterwards. Anonymous routes use none: whoever
 * asks about a wrapping token has not opened it. */
static int spend_use(struct req *r, struct err *e)
{
    int ret;

    if (!r->token || r->token->num_uses == 0 || (r->route && (r->route->flags & ROUTE_ANON)))
        return 0;
    r->priv->last_use = r->token->num_uses == 1;
    ret = token_use(r->vault, r->txn, r->token, e);
    if (ret == 0)
        r->call->commit_on_error = true;
    return ret;
}

/* ---- the outside world ----------------------------------------------------------------- */

static int run_act(struct call *c, void *arg, struct err *e)
{
    struct req *r = arg;

    (void)c;
    r->txn = NULL;
    return r->priv->act(r, r->priv->step_arg, e);
}

static int run_finish(struct call *c, void *arg, struct err *e)
{
    struct req *r = arg;
    int ret;

    r->txn = c->txn;
    if (!r->priv->finish_ran)
        r->priv->warnings_before = r->warnings.len;
    r->priv->finish_ran = true;
    r->warnings.len = r->priv->warnings_before;
    r->out = NULL;
    r->secret = NULL;
    r->auth = NULL;
    ret = r->priv->finish ? r->priv->finish(r, r->priv->step_arg, e) : 0;
    return ret < 0 ? ret : req_complete(r, e);
}

void req_then(struct req *r, req_step *act, req_step *finish, void *arg)
{
    r->priv->act = act;
    r->priv->finish = finish;
    r->priv->step_arg = arg;
    call_then(r->call, act ? run_act : NULL, run_finish, r);
}

/* ---- the whole ------------------------------------------------------------------------- */

static void free_data(void *arg)
{
    buf_done(arg);
}

static struct req *req_new(struct call *c, struct vault *v)
{
    struct req *r = arena_new_of(c->arena, struct req);

    *r = (struct req){.call = c, .vault = v, .a = c->arena, .txn = c->txn, .now_ns = c->now_ns};
    r->priv = arena_new_of(c->arena, struct req_priv);
    buf_init(&r->priv->data, REQ_DATA_MAX);
    r->priv->data.secret = true;
    arena_on_end(c->arena, free_data, &r->priv->data);
    random_uuid(r->request_id);
    r->full_path = str_from(c->path, strlen("/v1/"));
    r->client_token = token_of(c);
    c->state = r;
    call_set_secret(c);
    return r;
}

/* Anonymous routes take a good token along, and remember a bad one. */
static int authenticate_as_needed(struct req *r, struct err *e)
{
    bool anonymous = r->route && (r->route->flags & ROUTE_ANON);
    int ret;

    if (!seal_is_open(
            r->vault->seal)) /* only what may be asked of a sealed vault came this far */
        return 0;
    if (!anonymous)
        return authenticate(r, e);
    if (r->client_token.len == 0)
        return 0;
    ret = authenticate(r, NULL);
    r->priv->bad_token = ret < 0;
    if (ret < 0)
        r->token = NULL;
    return ret == ERR_DENIED || ret == 0 ? 0 : err_set(e, ret, "%s", err_kind_text(ret));
}

/* Nothing here can be overridden, but what is sent must be a truth value. */
static int check_override(const struct req *r, struct err *e)
{
    struct str text = call_header(r->call, "X-Vault-Policy-Override");
    bool yes;

    if (text.len == 0 || str_to_bool(text, &yes))
        return 0;
    return req_fail(e,
                    "failed to parse X-Vault-Policy-Override header: cannot parse '' as bool: "
                    "strconv.ParseBool: parsing \"%.*s\": invalid syntax",
                    STR_ARG(text));
}

static int handle(struct req *r, unsigned method, unsigned allowed, struct err *e)
{
    int ret = authenticate_as_needed(r, e);

    if (ret == 0)
        ret = req_read_data(r, e);
    if (ret == 0)
        ret = wrap_ttl_from_header(r, &r->priv->wrap_ttl_s, e);
    if (ret == 0)
        ret = check_override(r, e);
    if (ret == 0)
        ret = decide_operation(r, method, e);
    if (ret == 0)
        ret = spend_use(r, e);
    if (ret == 0 && r->token && !(r->route && (r->route->flags & ROUTE_ANON)))
        ret = authorise(r, e);
    if (ret == 0 && !r->route)
        ret = no_route(r, allowed, e);
    if (ret == 0 && (r->route->flags & ROUTE_BLOCKING))
        ret = call_claim_pool(r->call, e);
    if (ret == 0)
        ret = r->route->handle(r->call, e);
    if (ret < 0 || r->priv->act || r->priv->finish || ret == CALL_PARKED)
        return ret;
    return req_complete(r, e);
}

int vault_serve(struct call *c, struct err *e)
{
    struct vault *v = c->service->ctx;
    unsigned method, allowed;
    struct req *r;
    int ret;

    if (answer_path(c))
        return 0;
    if (!str_starts(c->path, STR("/v1/")))
        return err_set(e, ERR_NOTFOUND, "%s", "");
    if (c->method == 0)
        return err_set(e, ERR_METHOD, "%s", "");
    ret = check_patch_type(c, e);
    if (ret == 0)
        ret = effective_method(c, &method, e);
    if (ret < 0)
        return ret;

    r = req_new(c, v);
    if ((method & M_WRITE) && str_ends(r->full_path, STR("/")))
        return req_fail(e, "cannot write to a path ending in '/'");
    if (method == M_LIST && !str_ends(r->full_path, STR("/")))
        r->full_path = str_of(arena_printf(r->a, "%.*s/", STR_ARG(r->full_path)));
    ret = find_route(r, method, &allowed, e);
    if (ret < 0)
        return ret;
    if (r->priv->sibling && (r->priv->sibling->flags & ROUTE_BARE))
        return err_set(e, ERR_METHOD, "%s", "");
    if (!seal_is_open(v->seal) && !(r->route && (r->route->flags & ROUTE_SEALED)))
        return err_set(e, ERR_SEALED, "Vault is sealed");
    if (method == M_HEAD && !r->route)
        return err_set(e, ERR_METHOD, "%s", "");
    return handle(r, method, allowed, e);
}

void vault_render_error(struct call *c, const struct err *e)
{
    struct json_out w;

    buf_reset(c->body);
    json_out_init(&w, c->body, NULL);
    w.escape_html = true;
    json_obj(&w);
    json_key(&w, "errors");
    json_arr(&w);
    if (e->msg[0])
        json_str(&w, e->msg);
    json_arr_end(&w);
    json_obj_end(&w);
    buf_putc(c->body, '\n');
    call_field(c, "Cache-Control", "no-store");
    call_reply(c, err_http_status(e), "application/json");
}

int req_fail(struct err *e, const char *fmt, ...)
{
    char text[ERR_MSG_SIZE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set_status(e, ERR_INVALID, 400, "%s", text);
}

int req_fail_multi(struct err *e, int status, const char *fmt, ...)
{
    static const struct {
        int status, code;
    } kinds[] = {
        {403, ERR_DENIED}, {404, ERR_NOTFOUND}, {405, ERR_METHOD}, {500, ERR_INTERNAL}};
    char text[ERR_MSG_SIZE];
    int code = ERR_INVALID;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].status == status)
            code = kinds[i].code;
    return err_set_status(e, code, status, "1 error occurred:\n\t* %s\n\n", text);
}
