/* The few calls that a client makes to a vault itself. */
#include "http/client.h"
#include "nomad/client/client_priv.h"

enum { VAULT_TIMEOUT_MS = 10000, VAULT_REPLY_MAX = 1 << 20 };

static int client_for(const struct nomad_client *c, const char *address,
                      struct http_client **ret, struct err *e)
{
    const struct nomad_client_vault *v = &c->o.vault;
    struct http_client_opts o = {
        .address = is_empty(address) ? v->address : address,
        .ca_file = v->ca_file,
        .ca_dir = v->ca_path,
        .cert_file = v->cert_file,
        .key_file = v->key_file,
        .server_name = v->tls_server_name,
        .skip_verify = v->tls_skip_verify,
        .timeout_ms = VAULT_TIMEOUT_MS,
        .connect_timeout_ms = VAULT_TIMEOUT_MS,
        .reply_max = VAULT_REPLY_MAX,
    };

    if (is_empty(o.address))
        return err_set(e, ERR_UNAVAIL, "no Vault address is configured");
    return http_client_new(&o, ret, e);
}

/* Vault's words, never the token's. */
static const char *reason_of(struct arena *a, struct str body)
{
    struct json *v = NULL;

    if (json_parse(body, &json_limits_anon, 0, a, &v, NULL) < 0)
        return "no reason given";
    return json_cstr_or(a, json_path(v, "errors.0"), "no reason given");
}

int vault_renew_self(struct nomad_client *c, const struct task_token *tok, int64_t increment_s,
                     struct stopper *stop, int64_t *ret_ttl_s, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    auto_http_client struct http_client *http = NULL;
    struct http_header headers[] = {
        {"X-Vault-Token", tok->token},
        {"X-Vault-Request", "true"},
        {"X-Vault-Namespace", tok->namespace_},
    };
    struct http_request q = {
        .method = "PUT", .path = "/v1/auth/token/renew-self", .headers = headers, .stop = stop};
    struct http_response reply;
    struct json *v = NULL;
    int r = client_for(c, tok->address, &http, e);

    arena_set_wipe(a);
    if (r < 0)
        return r;
    q.n_headers = is_empty(tok->namespace_) ? 2 : 3;
    q.body = str_of(arena_printf(a, "{\"increment\":%lld}", (long long)increment_s));
    r = http_do(http, &q, a, &reply, e);
    if (r < 0)
        return r;
    if (reply.status == 400 || reply.status == 403 || reply.status == 404)
        return err_set(e, ERR_DENIED, "Code: %d: %s", reply.status, reason_of(a, reply.body));
    if (reply.status != 200)
        return err_set(e, ERR_UNAVAIL, "Code: %d: %s", reply.status, reason_of(a, reply.body));
    r = json_parse(reply.body, &json_limits_anon, 0, a, &v, e);
    if (r < 0)
        return err_set(e, ERR_UNAVAIL, "Vault's answer is not JSON");
    *ret_ttl_s = json_i64_or(json_path(v, "auth.lease_duration"), 0);
    return 0;
}

static void copy_field(const struct json *v, const char *key, char *ret, size_t size)
{
    struct str s = json_str_or(json_get(v, key), STR(""));

    if (s.len >= size)
        s.len = size - 1;
    memcpy(ret, s.p, s.len);
    ret[s.len] = '\0';
}

int vault_look(struct nomad_client *c, struct vault_seen *ret, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    auto_http_client struct http_client *http = NULL;
    struct http_request q = {.path = "/v1/sys/seal-status", .stop = &c->stop};
    struct http_response reply;
    struct json *v = NULL;
    int r = client_for(c, NULL, &http, e);

    if (r == 0)
        r = http_do(http, &q, a, &reply, e);
    if (r < 0)
        return r;
    if (reply.status != 200)
        return err_set(e, ERR_UNAVAIL, "Code: %d", reply.status);
    r = json_parse(reply.body, &json_limits_anon, 0, a, &v, e);
    if (r < 0)
        return r;
    *ret = (struct vault_seen){.accessible = true};
    copy_field(v, "version", ret->version, sizeof ret->version);
    copy_field(v, "cluster_id", ret->cluster_id, sizeof ret->cluster_id);
    copy_field(v, "cluster_name", ret->cluster_name, sizeof ret->cluster_name);
    return 0;
}
