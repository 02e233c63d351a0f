/* sys/mounts/PATH/tune and sys/auth/PATH/tune. */
#include <string.h>

#include "lang/units.h"
#include "vault/core/core_priv.h"

static const char *target_path(struct req *r)
{
    struct str rest = req_param(r, "path"); /* "kv/tune" */

    rest.len -= strlen("/tune");
    return mount_path_of(r->a, str_starts(r->path, STR("auth")) ? "auth/" : "", rest);
}

static bool is_auth_mount(const struct mount *m)
{
    return str_starts(str_of(m->path), STR("auth/"));
}

/* ---- read ------------------------------------------------------------------------------- */

static void write_list(struct json_out *w, const char *name, const struct strlist *l)
{
    if (l->len) {
        json_key(w, name);
        json_strlist(w, l);
    }
}

static void write_lockout(struct json_out *w, const struct json *c)
{
    static const char *const names[] = {"lockout_counter_reset_duration", "lockout_disable",
                                        "lockout_duration", "lockout_threshold"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct json *v = json_get(c, names[i]);
        char name[64];

        if (!v)
            continue;
        snprintf(name, sizeof name, "user_%s", names[i]);
        json_key(w, name);
        json_value(w, v);
    }
}

/* As set, or the server's; a default above the maximum is shown as it is. */
static int64_t shown_ttl(int64_t own, int64_t of_server)
{
    return own ? own : of_server;
}

int sys_read_tune(struct req *r, struct err *e)
{
    const char *path = target_path(r);
    const struct mount *m;
    struct json_out *w;
    int ret = mount_by_path(r->vault, r->txn, str_of(path), &m, e);

    if (ret == ERR_NOTFOUND)
        return req_fail(e, "cannot fetch sysview for path \"%s\"", path);
    if (ret < 0)
        return ret;
    w = req_data(r);
    write_list(w, "allowed_managed_keys", &m->config.allowed_managed_keys);
    write_list(w, "allowed_response_headers", &m->config.allowed_response_headers);
    write_list(w, "audit_non_hmac_request_keys", &m->config.audit_non_hmac_request_keys);
    write_list(w, "audit_non_hmac_response_keys", &m->config.audit_non_hmac_response_keys);
    json_kv_i64(w, "default_lease_ttl",
                shown_ttl(m->config.default_lease_ttl_s, r->vault->opts.default_lease_ttl_s));
    json_kv_str(w, "description", m->description ? m->description : "");
    json_kv_bool(w, "force_no_cache", m->config.force_no_cache);
    if (m->config.listing_visibility && *m->config.listing_visibility)
        json_kv_str(w, "listing_visibility", m->config.listing_visibility);
    json_kv_i64(w, "max_lease_ttl",
                shown_ttl(m->config.max_lease_ttl_s, r->vault->opts.max_lease_ttl_s));
    if (m->options.len) {
        json_key(w, "options");
        json_strmap(w, &m->options);
    }
    write_list(w, "passthrough_request_headers", &m->config.passthrough_request_headers);
    if (is_auth_mount(m))
        json_kv_str(w, "token_type", m->config.token_type ? m->config.token_type : "");
    write_lockout(w, m->config.user_lockout_config);
    return 0;
}

/* ---- write ------------------------------------------------------------------------------ */

struct tune_body {
    const char *path, *description, *listing_visibility, *token_type, *plugin_version;
    struct json *default_lease_ttl, *max_lease_ttl, *user_lockout_config;
    struct strmap options;
    struct strlist request_keys, response_keys, passthrough, response_headers, managed_keys;
};

static const struct schema_field tune_fields[] = {
    {"path", NULL, F_STR, offsetof(struct tune_body, path)},
    {"description", NULL, F_STR, offsetof(struct tune_body, description)},
    {"listing_visibility", NULL, F_STR, offsetof(struct tune_body, listing_visibility)},
    {"token_type", NULL, F_STR, offsetof(struct tune_body, token_type)},
    {"plugin_version", NULL, F_STR, offsetof(struct tune_body, plugin_version)},
    {"default_lease_ttl", NULL, F_JSON, offsetof(struct tune_body, default_lease_ttl)},
    {"max_lease_ttl", NULL, F_JSON, offsetof(struct tune_body, max_lease_ttl)},
    {"user_lockout_config", NULL, F_JSON, offsetof(struct tune_body, user_lockout_config)},
    {"options", NULL, F_STRMAP, offsetof(struct tune_body, options)},
    {"audit_non_hmac_request_keys", NULL, F_STRLIST, offsetof(struct tune_body, request_keys),
     .flags = FIELD_CSL},
    {"audit_non_hmac_response_keys", NULL, F_STRLIST, offsetof(struct tune_body, response_keys),
     .flags = FIELD_CSL},
    {"passthrough_request_headers", NULL, F_STRLIST, offsetof(struct tune_body, passthrough),
     .flags = FIELD_CSL},
    {"allowed_response_headers", NULL, F_STRLIST, offsetof(struct tune_body, response_headers),
     .flags = FIELD_CSL},
    {"allowed_managed_keys", NULL, F_STRLIST, offsetof(struct tune_body, managed_keys),
     .flags = FIELD_CSL},
};
static SCHEMA(tune_schema, "tune", struct tune_body, tune_fields);

/* "" keeps, "system" goes back to the default. */
static int tune_ttl(const struct json *v, int64_t *ttl, struct err *e)
{
    struct err why = ERR_INIT;

    if (!v || (v->type == JSON_STRING && v->text.len == 0))
        return 0;
    if (v->type == JSON_STRING && str_eqc(v->text, "system")) {
        *ttl = 0;
        return 0;
    }
    return ttl_from_json(v, ttl, &why) < 0 ? req_fail(e, "%s", why.msg) : 0;
}

static int tune_ttls(struct req *r, const struct tune_body *b, struct mount *m, struct err *e)
{
    int ret = tune_ttl(b->default_lease_ttl, &m->config.default_lease_ttl_s, e);

    if (ret == 0)
        ret = tune_ttl(b->max_lease_ttl, &m->config.max_lease_ttl_s, e);
    if (ret < 0)
        return ret;
    if (m->config.default_lease_ttl_s > mount_max_ttl_s(r->vault, m))
        return req_fail(
            e,
            "backend max lease TTL of %lld would be less than backend default lease "
            "TTL of %lld",
            (long long)mount_max_ttl_s(r->vault, m), (long long)m->config.default_lease_ttl_s);
    return 0;
}

/* Durations are kept in seconds, the threshold as a number. */
static int tune_lockout(struct req *r, const struct json *given, struct mount *m, struct err *e)
{
    static const char *const types[] = {"userpass", "approle", "ldap"};
    static const char *const durations[] = {"lockout_duration",
                                            "lockout_counter_reset_duration"};
    struct json *kept = json_new_object(r->a);
    const struct json *v = json_get(given, "lockout_threshold");
    bool allowed = false;
    int64_t n;

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        allowed = allowed || (is_auth_mount(m) && strcmp(m->type, types[i]) == 0);
    if (!allowed)
        return req_fail(e,
                        "tuning of user lockout configuration for auth type \"%s\" not allowed",
                        m->type);
    if (m->config.user_lockout_config)
        kept = json_copy(r->a, m->config.user_lockout_config);
    if (v) {
        if (!str_to_i64(v->type == JSON_STRING || v->type == JSON_NUMBER ? v->text : STR(""),
                        10, &n) ||
            n < 0)
            return req_fail_multi(e, 500,
                                  "unable to parse user lockout threshold: strconv.ParseUint: "
                                  "parsing \"%s\": invalid syntax",
                                  json_cstr_or(r->a, v, ""));
        json_set(r->a, kept, STR("lockout_threshold"), json_of_i64(r->a, n));
    }
    for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
        v = json_get(given, durations[i]);
        if (!v)
            continue;
        if (ttl_from_json(v, &n, NULL) < 0)
            return req_fail_multi(e, 500, "unable to parse user %s", durations[i]);
        json_set(r->a, kept, str_of(durations[i]), json_of_i64(r->a, n));
    }
    v = json_get(given, "lockout_disable");
    if (v)
        json_set(r->a, kept, STR("lockout_disable"), json_of_bool(json_bool_or(v, false)));
    m->config.user_lockout_config = kept;
    return 0;
}

static int tune_names(struct req *r, const struct tune_body *b, struct mount *m, struct err *e)
{
    if (b->token_type) {
        if (!is_auth_mount(m))
            return req_fail(e, "'token_type' can only be modified on auth mounts");
        if (strcmp(m->type, "token") == 0)
            return req_fail(e,
                            "'token_type' cannot be set for 'token' or 'ns_token' auth mounts");
        m->config.token_type = b->token_type;
    }
    if (b->plugin_version && *b->plugin_version)
        return req_fail(e, "plugin not found in the catalog: %s, version=%s", m->type,
                        b->plugin_version);
    if (b->listing_visibility)
        m->config.listing_visibility = b->listing_visibility;
    if (b->description)
        m->description = b->description;
    if (req_has(r, "audit_non_hmac_request_keys"))
        m->config.audit_non_hmac_request_keys = b->request_keys;
    if (req_has(r, "audit_non_hmac_response_keys"))
        m->config.audit_non_hmac_response_keys = b->response_keys;
    if (req_has(r, "passthrough_request_headers"))
        m->config.passthrough_request_headers = b->passthrough;
    if (req_has(r, "allowed_response_headers"))
        m->config.allowed_response_headers = b->response_headers;
    if (req_has(r, "allowed_managed_keys"))
        m->config.allowed_managed_keys = b->managed_keys;
    return mount_check_config(&m->config, e);
}

static int tune_options(struct req *r, const struct tune_body *b, const struct mount *old,
                        struct mount *m, struct err *e)
{
    if (!req_has(r, "options"))
        return 0;
    for (size_t i = 0; i < b->options.len; i++)
        strmap_set(r->a, &m->options, b->options.at[i].key, b->options.at[i].val);
    m->has_options = true;
    return old->engine->tune ? old->engine->tune(r, old, m, e) : 0;
}

int sys_write_tune(struct req *r, struct err *e)
{
    static const char *const fixed[] = {"sys/", "cubbyhole/", "identity/", "audit/"};
    const char *path = target_path(r);
    const struct mount *old;
    struct tune_body b;
    struct mount *m;
    int ret;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (strcmp(path, fixed[i]) == 0)
            return req_fail(e, "cannot tune \"%s\"", path);
    ret = req_decode(r, &tune_schema, &b, e);
    if (ret == 0)
        ret = mount_by_path(r->vault, r->txn, str_of(path), &old, e);
    if (ret == ERR_NOTFOUND)
        return req_fail(e, "tune of path \"%s\" failed: no mount entry found", path);
    if (ret < 0)
        return ret;
    m = schema_copy(&mount_schema, old, r->a);
    m->engine = old->engine;
    ret = tune_ttls(r, &b, m, e);
    if (ret == 0)
        ret = tune_names(r, &b, m, e);
    if (ret == 0 && b.user_lockout_config)
        ret = tune_lockout(r, b.user_lockout_config, m, e);
    if (ret == 0)
        ret = tune_options(r, &b, old, m, e);
    return ret < 0 ? ret : mount_put(r->txn, m, e);
}
