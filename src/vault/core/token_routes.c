/* auth/token: lookup, renew, revoke, accessors, tidy; and the engine. */
#include <stdio.h>
#include <string.h>

#include "vault/core/token_priv.h"

static struct req *req_of(struct call *c)
{
    return c->state;
}

struct token_body {
    const char *token, *accessor;
    int64_t increment_s;
};

static const struct schema_field token_fields[] = {
    {"token", NULL, F_STR, offsetof(struct token_body, token)},
    {"accessor", NULL, F_STR, offsetof(struct token_body, accessor)},
    {"increment", NULL, F_TTL, offsetof(struct token_body, increment_s)},
};
static SCHEMA(token_body_schema, "token", struct token_body, token_fields);

static int decode(struct req *r, struct token_body *b, struct err *e)
{
    int ret = req_decode(r, &token_body_schema, b, e);
    struct str given;

    if (ret == 0 && b->increment_s < 0) {
        given = json_get(r->data, "increment")->text;
        return req_fail(e,
                        "Field validation failed: error converting input %.*s for field "
                        "\"increment\": cannot provide negative value '%.*s'",
                        STR_ARG(given), STR_ARG(given));
    }
    return ret;
}

static bool is_missing(const char *s)
{
    return !s || !*s;
}

/* The caller's token as it is now, this use of it counted. */
static int own_token(struct req *r, const struct token **ret, struct err *e)
{
    int got = token_again(r->vault, r->txn, r->token, ret, e);

    return got == ERR_NOTFOUND ? err_set(e, ERR_DENIED, "permission denied") : got;
}

/* By an id that was given. ERR_NOTFOUND: no good. */
static int given_token(struct req *r, const char *id, const struct token **ret, struct err *e)
{
    int got;

    if (str_eqc(r->client_token, id))
        return own_token(r, ret, e);
    got = token_lookup(r->vault, r->txn, str_of(id), r->now_ns, ret, e);
    return got == ERR_DENIED ? err_set(e, ERR_NOTFOUND, "bad token") : got;
}

static int by_accessor(struct req *r, const char *accessor, const struct token **ret,
                       struct err *e)
{
    int got;

    if (is_missing(accessor))
        return req_fail_multi(e, 400, "missing accessor");
    got = token_by_accessor(r->vault, r->txn, accessor, r->now_ns, ret, e);
    return got == ERR_NOTFOUND ? req_fail_multi(e, 400, "invalid accessor") : got;
}

/* ---- lookup ----------------------------------------------------------------------------- */

static int lookup_self(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct token *tok;
    int ret = own_token(r, &tok, e);

    if (ret == 0)
        token_lookup_json(tok, r->client_token, r->now_ns, req_data(r));
    return ret;
}

static int lookup(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct token *tok;
    struct token_body b;
    int ret = decode(r, &b, e);

    if (ret < 0)
        return ret;
    if (is_missing(b.token))
        return lookup_self(c, e);
    ret = given_token(r, b.token, &tok, e);
    if (ret == ERR_NOTFOUND)
        return err_set(e, ERR_DENIED, "bad token");
    if (ret == 0)
        token_lookup_json(tok, str_of(b.token), r->now_ns, req_data(r));
    return ret;
}

static int lookup_accessor(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct token *tok;
    struct token_body b;
    int ret = decode(r, &b, e);

    if (ret == 0)
        ret = by_accessor(r, b.accessor, &tok, e);
    if (ret == 0)
        token_lookup_json(tok, STR(""), r->now_ns, req_data(r));
    return ret;
}

/* ---- renew ------------------------------------------------------------------------------ */

/*
 * What the login method says: it may refuse, or want other limits. *ret NULL: the token is not
 * of a login. ERR_NOTFOUND: whom it was given to is gone.
 */
static int ask_method(struct req *r, const struct token *tok, struct auth_made *auth,
                      const struct auth_made **ret, struct err *e)
{
    const struct mount *m;
    struct err why = ERR_INIT;
    int got;

    *ret = NULL;
    if (*tok->mount_accessor == '\0')
        return 0;
    got = mount_by_accessor(r->vault, r->txn, tok->mount_accessor, &m, e);
    if (got == ERR_NOTFOUND)
        return req_fail_multi(e, 500, "failed to renew entry: its auth method is gone");
    if (got < 0 || !m->engine->renew_auth)
        return got;
    *auth = (struct auth_made){.period_s = tok->period_s};
    got = m->engine->renew_auth(r, tok, auth, &why);
    if (got == ERR_NOTFOUND || got == ERR_CONFLICT)
        return err_set(e, got, "%s", why.msg);
    if (got < 0)
        return req_fail_multi(e, 500, "failed to renew entry: %s", why.msg);
    *ret = auth;
    return 0;
}

static int renew(struct req *r, const struct token *tok, struct str id, int64_t increment_s,
                 struct err *e)
{
    const struct auth_made *said;
    const struct token *now;
    struct auth_made auth;
    int ret;

    if (token_is_batch(tok))
        return req_fail(e, "batch tokens cannot be renewed");
    if (!tok->renewable)
        return req_fail(e, "lease is not renewable");
    ret = ask_method(r, tok, &auth, &said, e);
    if (ret == ERR_NOTFOUND)
        return 0; /* nothing renewed, nothing said */
    if (ret == 0)
        ret = token_renew_as(r->vault, r->txn, tok, said, increment_s, r->now_ns, &r->warnings,
                             r->a, &now, e);
    if (ret == 0)
        r->auth_reply = token_auth_json(r->a, now, id, r->now_ns);
    return ret;
}

static int renew_self(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct token *tok;
    struct token_body b;
    int ret = decode(r, &b, e);

    if (ret == 0)
        ret = own_token(r, &tok, e);
    return ret < 0 ? ret : renew(r, tok, r->client_token, b.increment_s, e);
}

static int renew_token(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct token *tok;
    struct token_body b;
    int ret = decode(r, &b, e);

    if (ret < 0)
        return ret;
    if (is_missing(b.token))
        return req_fail(e, "missing token ID");
    ret = given_token(r, b.token, &tok, e);
    if (ret == ERR_NOTFOUND)
        return req_fail(e, "token not found");
    return ret < 0 ? ret : renew(r, tok, str_of(b.token), b.increment_s, e);
}

static int renew_accessor(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct token *tok;
    struct token_body b;
    int ret = decode(r, &b, e);

    if (ret == 0)
        ret = by_accessor(r, b.accessor, &tok, e);
    return ret < 0 ? ret : renew(r, tok, STR(""), b.increment_s, e);
}

/* ---- revoke ----------------------------------------------------------------------------- */

static int end_token(struct req *r, const struct token *tok, struct err *e)
{
    if (token_is_batch(tok))
        return req_fail(e, "batch tokens cannot be revoked");
    return token_revoke(r->vault, r->txn, tok, r->now_ns, e);
}

static int revoke_self(struct call *c, struct err *e)
{
    struct req *r = req_of(c);

    return end_token(r, r->token, e);
}

static int revoke_token(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct token *tok;
    struct token_body b;
    int ret = decode(r, &b, e);

    if (ret < 0)
        return ret;
    if (is_missing(b.token))
        return req_fail(e, "missing token ID");
    ret = given_token(r, b.token, &tok, e);
    if (ret == ERR_NOTFOUND)
        return 0;
    return ret < 0 ? ret : end_token(r, tok, e);
}

static int revoke_accessor(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct token *tok;
    struct token_body b;
    int ret = decode(r, &b, e);

    if (ret < 0)
        return ret;
    if (is_missing(b.accessor))
        return req_fail_multi(e, 400, "missing accessor");
    ret = token_by_accessor(r->vault, r->txn, b.accessor, r->now_ns, &tok, e);
    if (ret == ERR_NOTFOUND) {
        req_warn(r, "No token found with this accessor");
        return 0;
    }
    return ret < 0 ? ret : end_token(r, tok, e);
}

static int revoke_orphan(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct token *tok;
    struct token_body b;
    int ret = decode(r, &b, e);

    if (ret < 0)
        return ret;
    if (is_missing(b.token))
        return req_fail(e, "missing token ID");
    if (!acl_has_sudo(r->acl, r->full_path))
        return req_fail(e, "root or sudo privileges required to revoke and orphan");
    ret = given_token(r, b.token, &tok, e);
    if (ret == ERR_NOTFOUND)
        return req_fail(e, "token to revoke not found");
    if (ret == 0 && token_is_batch(tok))
        return req_fail(e, "batch tokens cannot be revoked");
    return ret < 0 ? ret : token_revoke_orphan(r->vault, r->txn, tok, r->now_ns, e);
}

/* ---- accessors, tidy -------------------------------------------------------------------- */

static int list_accessors(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct strlist keys = {0};
    const struct object *o;
    struct table_scan it;
    struct key k;
    int ret;

    table_index_key(&k, &token_table, "accessor");
    ret = table_scan_index(r->txn, &it, &token_table, &k, SCAN_KEYS_ONLY | SCAN_PEEK, e);
    if (ret < 0)
        return ret;
    while ((ret = table_scan_next(&it, &o, e)) > 0) {
        struct str rest = str_from(it.index_key, k.len), accessor;

        if (key_next(&rest, &accessor))
            list_push(r->a, &keys, arena_cstr(r->a, accessor));
    }
    table_scan_end(&it);
    if (ret == 0)
        req_list_keys(r, &keys);
    return ret;
}

/* Records, indexes and leases change in one transaction: nothing can dangle. */
static int tidy(struct call *c, struct err *e)
{
    struct req *r = req_of(c);

    (void)e;
    r->status = 202;
    req_warn(r, "Tidy operation successfully started. Any information from the operation will "
                "be printed to Vault's server logs.");
    return 0;
}

/* ---- the engine ------------------------------------------------------------------------- */

static const struct path_info body_info = {
    .fields = &token_body_schema,
    .help = "Tokens by id, by accessor, or the one that asks: look at them, let them live "
            "longer, end them."};
static const struct path_info create_info = {
    .help = "A new token: policies, ttl, period, explicit_max_ttl, num_uses, renewable, meta, "
            "display_name, type, no_parent, no_default_policy, id, entity_alias."};

static const struct route routes[] = {
    /* clang-format off */
    {M_WRITE,         "create",           0, token_create_route, &create_info},
    {M_WRITE,         "create-orphan",    0, token_create_route, &create_info},
    {M_WRITE,         "create/:role",     0, token_create_route, &create_info},
    {M_GET | M_WRITE, "lookup",           0, lookup,             &body_info},
    {M_GET | M_WRITE, "lookup-self",      0, lookup_self,        &body_info},
    {M_WRITE,         "lookup-accessor",  0, lookup_accessor,    &body_info},
    {M_WRITE,         "renew",            0, renew_token,        &body_info},
    {M_WRITE,         "renew-self",       0, renew_self,         &body_info},
    {M_WRITE,         "renew-accessor",   0, renew_accessor,     &body_info},
    {M_WRITE,         "revoke",           0, revoke_token,       &body_info},
    {M_WRITE,         "revoke-self",      0, revoke_self,        &body_info},
    {M_WRITE,         "revoke-accessor",  0, revoke_accessor,    &body_info},
    {M_WRITE,         "revoke-orphan",    0, revoke_orphan,      &body_info},
    {M_LIST,          "accessors",        ROUTE_SUDO, list_accessors, NULL},
    {M_LIST,          "accessors/",       ROUTE_SUDO, list_accessors, NULL},
    {M_WRITE,         "tidy",             0, tidy,               NULL},
    /* clang-format on */
};

static const struct route_part parts[] = {{token_role_routes, &n_token_role_routes}, {0}};
static const struct table *const tables[] = {&token_role_table, &token_queue_table, NULL};

const struct engine token_engine = {
    .type = "token",
    .kind = ENGINE_AUTH,
    .routes = routes,
    .n_routes = ARRAY_LEN(routes),
    .more_routes = parts,
    .tables = tables,
    .singleton = true,
};
