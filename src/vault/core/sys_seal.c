/* sys/: init, unseal, seal, and what tells the state: seal-status, health, leader. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/wal.h"
#include "base/codec.h"
#include "lang/units.h"
#include "vault/core/core_priv.h"

enum { KEY_TEXT_MAX = 1024 };

static struct req *req_of(struct call *c)
{
    return c->state;
}

/* ---- init ------------------------------------------------------------------------------- */

struct init_body {
    int64_t secret_shares, secret_threshold, recovery_shares, recovery_threshold;
    struct strlist pgp_keys;
    const char *root_token_pgp_key;
};

static const struct schema_field init_fields[] = {
    {"secret_shares", NULL, F_INT, offsetof(struct init_body, secret_shares)},
    {"secret_threshold", NULL, F_INT, offsetof(struct init_body, secret_threshold)},
    {"recovery_shares", NULL, F_INT, offsetof(struct init_body, recovery_shares)},
    {"recovery_threshold", NULL, F_INT, offsetof(struct init_body, recovery_threshold)},
    {"pgp_keys", NULL, F_STRLIST, offsetof(struct init_body, pgp_keys)},
    {"root_token_pgp_key", NULL, F_STR, offsetof(struct init_body, root_token_pgp_key)},
};
static SCHEMA(init_schema, "init", struct init_body, init_fields);

/* The bare endpoints decode strictly: a number is a number. */
static int decode_bare(struct req *r, const struct schema *s, void *obj, struct err *e)
{
    struct err why = ERR_INIT;
    int ret;

    ret = schema_decode(s, r->data, SCHEMA_UNKNOWN_OK | SCHEMA_NOCASE, r->a, obj, &why);
    return ret < 0 ? req_fail(e, "failed to parse JSON input: %s", why.msg) : 0;
}

static int check_init(const struct init_body *b, struct err *e)
{
    if (b->recovery_shares || b->recovery_threshold)
        return req_fail(e,
                        "parameters recovery_shares,recovery_threshold not applicable to seal "
                        "type shamir");
    if (b->pgp_keys.len && (int64_t)b->pgp_keys.len != b->secret_shares)
        return req_fail(e, "incorrect number of PGP keys");
    if (b->pgp_keys.len || (b->root_token_pgp_key && *b->root_token_pgp_key))
        return err_set(
            e, ERR_UNSUPPORTED,
            "PGP keys are not supported yet: leave pgp_keys and root_token_pgp_key out");
    return 0;
}

static int clamp(int64_t n)
{
    return n < -1 ? -1 : n > SEAL_SHARES_MAX + 1 ? SEAL_SHARES_MAX + 1 : (int)n;
}

static void write_shares(struct json_out *w, const char *name, const struct secret *shares,
                         int n, bool base64)
{
    auto_buf struct buf text = BUF_INIT(KEY_TEXT_MAX);

    text.secret = true;
    json_key(w, name);
    json_arr(w);
    for (int i = 0; i < n; i++) {
        struct str raw = str_n(shares[i].p, shares[i].len);

        buf_reset(&text);
        if (base64)
            codec_base64_encode(&text, raw, false, true);
        else
            codec_hex_encode(&text, raw);
        json_strn(w, buf_str(&text));
    }
    json_arr_end(w);
}

static void seal_after_init(struct call *c, uint64_t rev, void *arg)
{
    (void)rev;
    (void)arg;
    seal_close(req_of(c)->vault->seal);
}

static int sys_init(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct secret shares[SEAL_SHARES_MAX] = {0};
    struct seal_config config;
    struct init_body body;
    struct seal_status st;
    struct str root = {0};
    int ret = decode_bare(r, &init_schema, &body, e);

    if (ret == 0)
        ret = seal_status(r->vault->seal, &st, e);
    if (ret == 0 && st.initialized)
        ret = req_fail(e, "Vault is already initialized");
    if (ret == 0)
        ret = check_init(&body, e);
    if (ret < 0)
        return ret;
    config = (struct seal_config){clamp(body.secret_shares), clamp(body.secret_threshold)};
    ret = vault_init(r->vault, r->txn, r->a, r->now_ns, &config, NULL, shares, &root, e);
    if (ret == 0) {
        struct json_out *w = call_json_out(c, 200);

        json_obj(w);
        write_shares(w, "keys", shares, config.shares, false);
        write_shares(w, "keys_base64", shares, config.shares, true);
        json_kv_strn(w, "root_token", root);
        json_obj_end(w);
        call_on_commit(c, seal_after_init, NULL);
    } else if (ret != ERR_CONFLICT) {
        seal_close(r->vault->seal);
    }
    for (size_t i = 0; i < SEAL_SHARES_MAX; i++)
        secret_done(&shares[i]);
    return ret;
}

static int sys_init_status(struct call *c, struct err *e)
{
    struct seal_status st;
    struct json_out *w;
    int ret = seal_status(req_of(c)->vault->seal, &st, e);

    if (ret < 0)
        return ret;
    w = call_json_out(c, 200);
    json_obj(w);
    json_kv_bool(w, "initialized", st.initialized);
    json_obj_end(w);
    return 0;
}

/* ---- unseal ----------------------------------------------------------------------------- */

static int reply_status(struct call *c, struct err *e)
{
    const struct vault *v = req_of(c)->vault;
    struct seal_status st;
    struct json_out *w;
    int ret = seal_status(v->seal, &st, e);

    if (ret < 0)
        return ret;
    w = call_json_out(c, 200);
    json_obj(w);
    json_kv_str(w, "type", st.type);
    json_kv_bool(w, "initialized", st.initialized);
    json_kv_bool(w, "sealed", st.sealed);
    json_kv_i64(w, "t", st.threshold);
    json_kv_i64(w, "n", st.shares);
    json_kv_i64(w, "progress", st.progress);
    json_kv_str(w, "nonce", st.nonce);
    json_kv_str(w, "version", VAULT_API_VERSION);
    json_kv_str(w, "build_date", "");
    json_kv_bool(w, "migration", false);
    if (!st.sealed) {
        json_kv_str(w, "cluster_name", st.cluster_name);
        json_kv_str(w, "cluster_id", st.cluster_id);
    }
    json_kv_bool(w, "recovery_seal", false);
    json_kv_str(w, "storage_type", v->opts.storage_type);
    json_obj_end(w);
    return 0;
}

static int sys_seal_status(struct call *c, struct err *e)
{
    return reply_status(c, e);
}

struct unseal_body {
    const char *key;
    bool reset, migrate;
};

static const struct schema_field unseal_fields[] = {
    {"key", NULL, F_STR, offsetof(struct unseal_body, key), .flags = FIELD_SECRET},
    {"reset", NULL, F_BOOL, offsetof(struct unseal_body, reset)},
    {"migrate", NULL, F_BOOL, offsetof(struct unseal_body, migrate)},
};
static SCHEMA(unseal_schema, "unseal", struct unseal_body, unseal_fields);

/* Hex if it is, else base64. */
static int decode_share(const char *text, struct buf *ret, struct err *e)
{
    struct str s = str_of(text);

    if (codec_hex_decode(ret, s, NULL) == 0)
        return 0;
    buf_reset(ret);
    if (codec_base64_decode(ret, s, false, true, NULL) == 0)
        return 0;
    return req_fail(e, "'key' must be a valid hex or base64 string");
}

/* What a stop or a crash has interrupted goes on. */
static void go_on(struct vault *v)
{
    log_info("core", "vault is unsealed");
    lease_loop_wake(v);
    mount_resume_disables(v);
    wal_wake(v->opts.api);
}

static int give_share(struct vault *v, const char *text, struct err *e)
{
    auto_buf struct buf share = BUF_INIT(KEY_TEXT_MAX);
    bool opened = false;
    int ret;

    share.secret = true;
    ret = decode_share(text, &share, e);
    if (ret == 0)
        ret = seal_unseal(v->seal, (const uint8_t *)share.p, share.len, &opened, e);
    if (ret < 0)
        return ret;
    if (opened)
        go_on(v);
    return 0;
}

static int sys_unseal(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct unseal_body body;
    int ret = decode_bare(r, &unseal_schema, &body, e);

    if (ret < 0)
        return ret;
    if (body.reset) {
        if (seal_is_open(r->vault->seal))
            return req_fail(e, "vault is unsealed");
        seal_reset_progress(r->vault->seal);
        return reply_status(c, e);
    }
    if (!body.key || !*body.key)
        return req_fail(
            e, "'key' must be specified in request body as JSON, or 'reset' set to true");
    ret = give_share(r->vault, body.key, e);
    return ret < 0 ? ret : reply_status(c, e);
}

static int sys_seal(struct call *c, struct err *e)
{
    (void)e;
    if (seal_is_open(req_of(c)->vault->seal)) {
        seal_close(req_of(c)->vault->seal);
        log_info("core", "vault is sealed");
    }
    call_reply(c, 204, NULL);
    return 0;
}

static int sys_step_down(struct call *c, struct err *e)
{
    (void)e;
    call_reply(c, 204, NULL); /* one server: there is nobody to step down for */
    return 0;
}

/* ---- health, leader --------------------------------------------------------------------- */

static int code_from_query(const struct call *c, const char *name, int code, int *ret,
                           struct err *e)
{
    struct str text;
    int64_t n;

    *ret = code;
    if (!call_query(c, name, &text))
        return 0;
    if (!str_to_i64(text, 10, &n) || n < 100 || n > 999)
        return err_set(e, ERR_INVALID, "%s", "");
    *ret = (int)n;
    return 0;
}

static int health_status(const struct call *c, const struct seal_status *st, int *ret,
                         struct err *e)
{
    static const struct {
        const char *name;
        int code;
    } others[] = {
        {"standbycode", 429}, {"drsecondarycode", 472}, {"performancestandbycode", 473}};
    int uninit = 0, sealed = 0, active = 0, unused, r;

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        r = code_from_query(c, others[i].name, others[i].code, &unused, e);
        if (r < 0)
            return r;
    }
    r = code_from_query(c, "uninitcode", 501, &uninit, e);
    if (r == 0)
        r = code_from_query(c, "sealedcode", 503, &sealed, e);
    if (r == 0)
        r = code_from_query(c, "activecode", 200, &active, e);
    if (r < 0)
        return r;
    *ret = !st->initialized ? uninit : st->sealed ? sealed : active;
    return 0;
}

static int sys_health(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct seal_status st;
    struct json_out *w;
    int code = 0, ret = seal_status(r->vault->seal, &st, e);
    const char *mode;

    if (ret == 0)
        ret = health_status(c, &st, &code, e);
    if (ret < 0)
        return ret;
    mode = st.sealed ? "unknown" : "disabled";
    w = call_json_out(c, code);
    json_obj(w);
    json_kv_bool(w, "initialized", st.initialized);
    json_kv_bool(w, "sealed", st.sealed);
    json_kv_bool(w, "standby", st.sealed);
    json_kv_bool(w, "performance_standby", false);
    json_kv_str(w, "replication_performance_mode", mode);
    json_kv_str(w, "replication_dr_mode", mode);
    json_kv_i64(w, "server_time_utc", r->now_ns / 1000000000);
    json_kv_str(w, "version", VAULT_API_VERSION);
    if (!st.sealed) {
        json_kv_str(w, "cluster_name", st.cluster_name);
        json_kv_str(w, "cluster_id", st.cluster_id);
    }
    json_obj_end(w);
    buf_putc(c->body, '\n');
    return 0;
}

static int sys_leader(struct call *c, struct err *e)
{
    struct json_out *w = call_json_out(c, 200);

    (void)e;
    json_obj(w);
    json_kv_bool(w, "ha_enabled", false);
    json_kv_bool(w, "is_self", false);
    json_kv_str(w, "active_time", "0001-01-01T00:00:00Z");
    json_kv_str(w, "leader_address", "");
    json_kv_str(w, "leader_cluster_address", "");
    json_kv_bool(w, "performance_standby", false);
    json_kv_i64(w, "performance_standby_last_remote_wal", 0);
    json_obj_end(w);
    return 0;
}

/* Where other servers would find this one: what is configured, or the API's port plus one. */
static const char *cluster_address(const struct req *r, const struct vault_opts *o)
{
    struct str api = str_of(o->api_addr ? o->api_addr : ""), rest;
    ptrdiff_t colon;
    int64_t port;

    if (o->cluster_addr && *o->cluster_addr)
        return o->cluster_addr;
    if (!str_starts(api, STR("http://")) && !str_starts(api, STR("https://")))
        return "";
    rest = str_from(api, str_starts(api, STR("https://")) ? 8 : 7);
    colon = str_rchr(rest, ':');
    if (colon < 0 || !str_to_i64(str_from(rest, (size_t)colon + 1), 10, &port))
        return "";
    return arena_printf(r->a, "https://%.*s:%lld", (int)colon, rest.p, (long long)port + 1);
}

static int sys_ha_status(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct vault_opts *o = vault_options(r->vault);
    struct json_out *w = req_data(r);
    char host[256] = "";

    (void)e;
    gethostname(host, sizeof host - 1);
    json_key(w, "nodes");
    json_arr(w);
    json_obj(w);
    json_kv_str(w, "hostname", host);
    json_kv_str(w, "api_address", o->api_addr ? o->api_addr : "");
    json_kv_str(w, "cluster_address", cluster_address(r, o));
    json_kv_bool(w, "active_node", true);
    json_kv_null(w, "last_echo");
    json_kv_str(w, "version", VAULT_API_VERSION);
    json_obj_end(w);
    json_arr_end(w);
    return 0;
}

enum { BARE = ROUTE_ANON | ROUTE_SEALED | ROUTE_BARE };

const struct route sys_seal_routes[] = {
    /* clang-format off */
    {M_GET,          "init",        BARE,                                 sys_init_status},
    {M_WRITE,        "init",        BARE,                                 sys_init},
    {M_GET,          "seal-status", BARE,                                 sys_seal_status},
    {M_WRITE,        "unseal",      BARE,                                 sys_unseal},
    {M_WRITE,        "seal",        ROUTE_SEALED | ROUTE_BARE | ROUTE_SUDO, sys_seal},
    {M_WRITE,        "step-down",   BARE,                                 sys_step_down},
    {M_GET | M_HEAD, "health",      BARE,                                 sys_health},
    {M_GET,          "leader",      BARE,                                 sys_leader},
    {M_GET,          "ha-status",   ROUTE_TOPLEVEL,                       sys_ha_status},
    /* clang-format on */
};
const size_t n_sys_seal_routes = ARRAY_LEN(sys_seal_routes);
