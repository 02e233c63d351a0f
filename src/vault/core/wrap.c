#include "vault/core/wrap.h"

#include <string.h>

#include "lang/units.h"
#include "vault/core/core_priv.h"

#define BAD_WRAPPING_TOKEN "wrapping token is not valid or does not exist"

static struct req *req_of(struct call *c)
{
    return c->state;
}

int wrap_ttl_from_header(struct req *r, int64_t *ret_s, struct err *e)
{
    struct str text = str_trim(call_header(r->call, "X-Vault-Wrap-TTL"));
    struct err why = ERR_INIT;
    int64_t s;

    *ret_s = 0;
    if (text.len == 0)
        return 0;
    if (ttl_parse(text, &s, &why) < 0)
        return req_fail(e, "error parsing X-Vault-Wrap-TTL header: %s", why.msg);
    if (s < 0)
        return req_fail(
            e, "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative");
    *ret_s = s;
    return 0;
}

/* ---- wrapping ---------------------------------------------------------------------------- */

static const struct json *wrap_info(struct req *r, struct str id, const struct token *t,
                                    const char *wrapped_accessor)
{
    struct json *info = json_new_object(r->a);
    char time[TIME_TEXT_SIZE];

    time_format_local(t->issued_ns, time);
    json_set(r->a, info, STR("token"), json_of_str(id));
    json_set(r->a, info, STR("accessor"), json_of_str(str_of(t->accessor)));
    json_set(r->a, info, STR("ttl"), json_of_i64(r->a, t->wrap_ttl_s));
    json_set(r->a, info, STR("creation_time"), json_of_str(str_of(arena_strdup(r->a, time))));
    json_set(r->a, info, STR("creation_path"), json_of_str(str_of(t->wrap_path)));
    if (wrapped_accessor)
        json_set(r->a, info, STR("wrapped_accessor"), json_of_str(str_of(wrapped_accessor)));
    return info;
}

/* A token that can do one thing once: read this response. */
static int wrap_as(struct req *r, const char *path, struct str envelope, int64_t ttl_s,
                   const char *wrapped_accessor, const struct json **ret, struct err *e)
{
    struct token_new n = {.ttl_s = ttl_s};
    const struct token *t;
    struct str id;
    int ret_code;

    list_push(r->a, &n.tok.policies, "response-wrapping");
    n.tok.namespace_id = "root";
    n.tok.parent_hash = "";
    n.tok.path = n.tok.wrap_path = path;
    n.tok.display_name = "";
    n.tok.type = "service";
    n.tok.num_uses = 1;
    n.tok.creation_ttl_s = n.tok.explicit_max_ttl_s = n.tok.wrap_ttl_s = ttl_s;
    ret_code = token_create(r->vault, r->txn, r->a, r->now_ns, &n, &id, &t, e);
    if (ret_code == 0)
        ret_code = cubbyhole_put(r->txn, t->hash, "response", str_trim(envelope), e);
    if (ret_code < 0)
        return ret_code;
    *ret = wrap_info(r, id, t, wrapped_accessor);
    return 0;
}

/* A path may hold any bytes, a token's record and its index hold text. */
static const char *path_as_text(struct arena *a, struct str path)
{
    char *text = arena_strndup(a, path.p, path.len);

    for (size_t i = 0; i < path.len;) {
        size_t n = str_utf8_at(path, i);

        if (n == 0)
            text[i] = '?';
        i += n ? n : 1;
    }
    return text;
}

int wrap_response(struct req *r, struct str envelope, int64_t ttl_s,
                  const char *wrapped_accessor, const struct json **ret, struct err *e)
{
    return wrap_as(r, path_as_text(r->a, r->full_path), envelope, ttl_s, wrapped_accessor, ret,
                   e);
}

/* The data given is the response; reply.c wraps it. */
static int wrap_data(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct json_out *w;

    if (r->priv->wrap_ttl_s == 0)
        return req_fail(e, "endpoint requires response wrapping to be used");
    w = req_data(r);
    for (uint32_t i = 0; i < r->data->len; i++) {
        json_keyn(w, r->data->members[i].key);
        json_value(w, &r->data->members[i].value);
    }
    return 0;
}

/* ---- what a wrapping token opens --------------------------------------------------------- */

/* The token in question: in the body, or the caller's own. */
static int wrapping_token(struct req *r, const struct token **ret, struct err *e)
{
    const struct json *given = json_get(r->data, "token");
    struct str id = json_str_or(given, STR(""));
    int got;

    if (!given || given->type == JSON_NULL)
        id = r->client_token;
    else if (id.len == 0)
        return err_set_status(e, ERR_DENIED, 403,
                              "error validating wrapping token: empty token in request body");
    if (id.len == 0)
        return err_set_status(e, ERR_DENIED, 403,
                              "error validating wrapping token: token is empty");
    got = token_lookup(r->vault, r->txn, id, r->now_ns, ret, e);
    if (got == ERR_DENIED || got == ERR_NOTFOUND)
        return req_fail(e, BAD_WRAPPING_TOKEN);
    if (got == 0 && (!(*ret)->wrap_path || !*(*ret)->wrap_path))
        return req_fail(e, BAD_WRAPPING_TOKEN);
    return got;
}

/* Takes the response out, and the token with it. */
static int open_wrapping(struct req *r, const struct token **ret_token, struct str *ret,
                         struct err *e)
{
    int got = wrapping_token(r, ret_token, e);

    if (got == 0)
        got = cubbyhole_get(r->txn, (*ret_token)->hash, "response", ret, e);
    if (got == ERR_NOTFOUND)
        return req_fail(e, BAD_WRAPPING_TOKEN);
    if (got < 0)
        return got;
    *ret = arena_str(r->a, *ret);
    return token_revoke(r->vault, r->txn, *ret_token, r->now_ns, e);
}

static void reply_with(struct call *c, struct str text)
{
    buf_reset(c->body);
    buf_put_str(c->body, text);
    buf_putc(c->body, '\n');
    call_reply(c, 200, "application/json");
}

static int unwrap(struct call *c, struct err *e)
{
    const struct token *t;
    struct str text;
    int ret = open_wrapping(req_of(c), &t, &text, e);

    if (ret < 0)
        return ret;
    reply_with(c, text);
    return 0;
}

static int lookup(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct token *t;
    char time[TIME_TEXT_SIZE];
    struct json_out *w;
    int ret = wrapping_token(r, &t, e);

    if (ret < 0)
        return ret;
    w = req_data(r);
    json_kv_str(w, "creation_path", t->wrap_path);
    time_format_local(t->issued_ns, time);
    json_kv_str(w, "creation_time", time);
    json_kv_i64(w, "creation_ttl", t->wrap_ttl_s);
    return 0;
}

/* An empty envelope around `info`, as every wrapped response has it. */
static void reply_wrap_info(struct call *c, const struct json *info)
{
    struct json_out *w = call_json_out(c, 200);

    w->escape_html = true;
    json_obj(w);
    json_kv_str(w, "request_id", "");
    json_kv_str(w, "lease_id", "");
    json_kv_bool(w, "renewable", false);
    json_kv_i64(w, "lease_duration", 0);
    json_kv_null(w, "data");
    json_key(w, "wrap_info");
    json_value(w, info);
    json_kv_null(w, "warnings");
    json_kv_null(w, "auth");
    json_obj_end(w);
    buf_putc(c->body, '\n');
}

static int rewrap(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct json *info;
    const struct token *t;
    struct json *inner;
    struct str text;
    int ret = open_wrapping(r, &t, &text, e);

    if (ret == 0)
        ret = json_parse(text, &json_limits_file, 0, r->a, &inner, e);
    if (ret == 0)
        ret = wrap_as(r, arena_strdup(r->a, t->wrap_path), text, t->wrap_ttl_s,
                      json_cstr_or(r->a, json_path(inner, "auth.accessor"), NULL), &info, e);
    if (ret < 0)
        return ret;
    reply_wrap_info(c, info);
    return 0;
}

static const struct path_info wrap_help = {
    .help = "Response wrapping: put a response where only a single-use token finds it, look at "
            "such a token, take the response out, or wrap it anew."};

/* The token is asked about, not used: nothing of it is spent by the way here. */
const struct route wrap_routes[] = {
    /* clang-format off */
    {M_WRITE,         "wrapping/wrap",   0,                                      wrap_data, &wrap_help},
    {M_WRITE | M_GET, "wrapping/unwrap", ROUTE_ANON | ROUTE_BARE | ROUTE_NO_WRAP, unwrap,   &wrap_help},
    {M_WRITE | M_GET, "wrapping/lookup", ROUTE_ANON,                             lookup,    &wrap_help},
    {M_WRITE,         "wrapping/rewrap", ROUTE_BARE | ROUTE_NO_WRAP,             rewrap,    &wrap_help},
    /* clang-format on */
};
const size_t n_wrap_routes = ARRAY_LEN(wrap_routes);
