/* sys/mounts and sys/auth: list, enable, disable. Both are one thing with two bases. */
#include <string.h>

#include "base/clock.h"
#include "lang/units.h"
#include "vault/core/core_priv.h"

enum { DELETE_BATCH = 2000 };

static struct req *req_of(struct call *c)
{
    return c->state;
}

static bool is_auth(const struct req *r)
{
    return str_starts(r->path, STR("auth"));
}

const char *mount_path_of(struct arena *a, const char *base, struct str name)
{
    while (name.len && name.p[0] == '/')
        name = str_from(name, 1);
    while (name.len && name.p[name.len - 1] == '/')
        name.len--;
    return arena_printf(a, "%s%.*s/", base, STR_ARG(name));
}

/* A mount's path may hold '/', so "+path" takes "a/b/tune" too. */
static bool is_tune(const struct req *r)
{
    return str_ends(req_param(r, "path"), STR("/tune"));
}

static const char *target_path(struct req *r)
{
    return mount_path_of(r->a, is_auth(r) ? "auth/" : "", req_param(r, "path"));
}

/* ---- list ------------------------------------------------------------------------------- */

static int list_mounts(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct mount *const *all;
    struct json_out *w;
    size_t n;
    int ret = mount_list(r->vault, r->txn, &all, &n, e);

    if (ret < 0)
        return ret;
    w = req_data(r);
    for (size_t i = 0; i < n; i++) {
        bool auth = str_starts(str_of(all[i]->path), STR("auth/"));

        if (auth != is_auth(r) || all[i]->tainted)
            continue;
        json_key(w, mount_shown_path(all[i]));
        mount_json(all[i], w);
    }
    return 0;
}

/* Members of one entry as the reply's data. */
static int read_mount(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const char *path = target_path(r);
    const struct mount *m;
    int ret;

    if (is_tune(r))
        return sys_read_tune(r, e);
    ret = mount_by_path(r->vault, r->txn, str_of(path), &m, e);
    if (ret == ERR_NOTFOUND)
        return req_fail(e, is_auth(r) ? "No auth engine at %s" : "No secret engine mount at %s",
                        is_auth(r) ? path + strlen("auth/") : path);
    if (ret < 0)
        return ret;
    mount_json_members(m, req_data(r));
    return 0;
}

/* ---- enable ----------------------------------------------------------------------------- */

struct enable_body {
    const char *path, *type, *description, *plugin_name, *plugin_version;
    struct json *config;
    struct strmap options;
    bool local, seal_wrap, external_entropy_access;
};

static const struct schema_field enable_fields[] = {
    {"path", NULL, F_STR, offsetof(struct enable_body, path)},
    {"type", NULL, F_STR, offsetof(struct enable_body, type)},
    {"description", NULL, F_STR, offsetof(struct enable_body, description)},
    {"plugin_name", NULL, F_STR, offsetof(struct enable_body, plugin_name)},
    {"plugin_version", NULL, F_STR, offsetof(struct enable_body, plugin_version)},
    {"config", NULL, F_JSON, offsetof(struct enable_body, config)},
    {"options", NULL, F_STRMAP, offsetof(struct enable_body, options)},
    {"local", NULL, F_BOOL, offsetof(struct enable_body, local)},
    {"seal_wrap", NULL, F_BOOL, offsetof(struct enable_body, seal_wrap)},
    {"external_entropy_access", NULL, F_BOOL,
     offsetof(struct enable_body, external_entropy_access)},
};
static SCHEMA(enable_schema, "mount", struct enable_body, enable_fields);

static int read_ttl(struct arena *a, const struct json *config, const char *name,
                    const char *what, int64_t *ret, struct err *e)
{
    const struct json *v = json_get(config, name);
    struct err why = ERR_INIT;

    *ret = 0;
    if (!v || v->type == JSON_NULL)
        return 0;
    if (ttl_from_json(v, ret, &why) < 0)
        return req_fail(e, "unable to parse %s TTL of %s: %s", what,
                        json_cstr_or(a, v, "value"), why.msg);
    return 0;
}

static bool one_of(const char *value, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(value, list[i]) == 0)
            return true;
    return false;
}

int mount_check_config(const struct mount_config *c, struct err *e)
{
    static const char *const visible[] = {"", "hidden", "unauth"};
    static const char *const types[] = {"", "default-service", "default-batch", "service",
                                        "batch"};

    if (c->listing_visibility && !one_of(c->listing_visibility, visible, ARRAY_LEN(visible)))
        return req_fail(e, "invalid listing_visibility %s", c->listing_visibility);
    if (c->token_type && !one_of(c->token_type, types, ARRAY_LEN(types)))
        return req_fail(e, "invalid value for 'token_type'");
    return 0;
}

static int read_config(struct req *r, const struct json *config, struct mount *m, struct err *e)
{
    struct json *rest;
    int64_t def, max;
    int ret;

    if (!config)
        return 0;
    if (config->type != JSON_OBJECT)
        return req_fail(e,
                        "Field validation failed: error converting input %s for field "
                        "\"config\": '' expected a map, got '%s'",
                        json_cstr_or(r->a, config, "value"), json_type_name(config->type));
    ret = read_ttl(r->a, config, "default_lease_ttl", "default", &def, e);
    if (ret == 0)
        ret = read_ttl(r->a, config, "max_lease_ttl", "max", &max, e);
    if (ret < 0)
        return ret;
    rest = json_copy(r->a, config);
    json_unset(rest, "default_lease_ttl");
    json_unset(rest, "max_lease_ttl");
    ret = schema_decode(&mount_config_schema, rest, SCHEMA_LENIENT | SCHEMA_UNKNOWN_OK, r->a,
                        &m->config, e);
    if (ret < 0)
        return req_fail(e, "unable to convert given mount config information");
    m->config.default_lease_ttl_s = def;
    m->config.max_lease_ttl_s = max;
    if (max != 0 && def > max)
        return req_fail(e, "given default lease TTL greater than given max lease TTL");
    return mount_check_config(&m->config, e);
}

static const char *const protected_paths[] = {"sys/", "auth/", "cubbyhole/", "identity/",
                                              "audit/"};

static int check_path(const struct req *r, const char *path, struct err *e)
{
    if (is_auth(r))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(protected_paths); i++)
        if (str_starts(str_of(path), str_of(protected_paths[i])))
            return req_fail(e, "cannot mount \"%s\"", path);
    return 0;
}

/* The names that stand for a type with an option. */
static int resolve_type(struct req *r, const struct enable_body *b, struct mount *m,
                        struct err *e)
{
    const char *type = b->type;

    if (type && strcmp(type, "plugin") == 0)
        type = b->plugin_name;
    if (!type || !*type)
        return req_fail(e, "backend type must be specified as a string");
    if (strcmp(type, "kv-v1") == 0 || strcmp(type, "kv-v2") == 0) {
        strmap_set(r->a, &m->options, "version", type + strlen("kv-v"));
        type = "kv";
    }
    if (strcmp(type, "token") == 0 && is_auth(r) && strcmp(m->path, "auth/token/") != 0)
        return req_fail(e, "token credential backend cannot be instantiated");
    if (strcmp(type, "app-id") == 0)
        return req_fail(
            e, "could not mount \"app-id\": mount entry associated with removed builtin");
    if (!is_auth(r)) {
        const struct engine *en = vault_engine(r->vault, type, ENGINE_SECRET);

        if (en && en->singleton)
            return req_fail(e, "mount type of \"%s\" is not mountable", type);
    }
    m->type = type;
    return 0;
}

static int enable_mount(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct enable_body b;
    struct mount m = {0};
    int ret;

    if (is_tune(r))
        return sys_write_tune(r, e);
    ret = req_decode(r, &enable_schema, &b, e);
    if (ret < 0)
        return ret;
    m.path = target_path(r);
    m.description = b.description;
    m.options = b.options;
    m.has_options = true;
    m.local = b.local;
    m.seal_wrap = b.seal_wrap;
    m.external_entropy_access = b.external_entropy_access;
    ret = check_path(r, m.path, e);
    if (ret == 0)
        ret = resolve_type(r, &b, &m, e);
    if (ret == 0)
        ret = read_config(r, b.config, &m, e);
    if (ret < 0)
        return ret;
    if (is_auth(r) && (!m.config.token_type || !*m.config.token_type))
        m.config.token_type = "default-service";
    return mount_enable(r, &m, e);
}

/* ---- disable ---------------------------------------------------------------------------- */

/*
 *      enabled --> tainted: no requests --> leases revoked --> records deleted --> row gone
 *         ^                 |
 *         +-- a lease that cannot be revoked: its backend needs what the mount knows
 *
 * Each arrow is a commit of its own, so a stop in between only leaves work for the next start.
 */
struct disable {
    struct vault *vault;
    const struct mount *mount;
    size_t deleted;
};

static int revoke_all(struct txn *t, void *arg, struct err *e)
{
    struct disable *d = arg;

    return lease_revoke_prefix(d->vault, t, str_of(d->mount->path), false, clock_wall_ns(), e);
}

static int delete_some(struct txn *t, void *arg, struct err *e)
{
    struct disable *d = arg;
    const struct table *const *tables = d->mount->engine->tables;
    int r = 0;

    d->deleted = 0;
    for (size_t i = 0; tables && tables[i] && r >= 0; i++) {
        const struct object *o;
        struct table_scan it;
        struct key k;

        mount_key(&k, tables[i], d->mount);
        r = table_scan_begin(t, &it, tables[i], &k, SCAN_PEEK | SCAN_KEYS_ONLY, e);
        if (r < 0)
            return r;
        while (d->deleted < DELETE_BATCH && (r = table_scan_next(&it, &o, e)) > 0) {
            struct key at;

            memcpy(at.p, it.index_key.p, it.index_key.len);
            at.len = it.index_key.len;
            at.over = false;
            r = table_del(t, tables[i], &at, e);
            if (r < 0)
                break;
            d->deleted++;
        }
        table_scan_end(&it);
    }
    return r < 0 ? r : 0;
}

/* The row as it is now, without its mark. */
static int enable_again(struct txn *t, void *arg, struct err *e)
{
    const struct mount *m = arg;
    const struct object *o;
    struct mount back;
    struct key k;
    int r;

    mount_row_key(&k, m);
    r = table_get(t, &mount_table, &k, &o, e);
    if (r < 0)
        return r;
    back = *(const struct mount *)o->body;
    if (strcmp(back.uuid, m->uuid) != 0)
        return 0;
    back.tainted = false;
    return mount_put(t, &back, e);
}

static int refuse(struct vault *v, struct mount *m, const char *why, struct err *e)
{
    int r = store_run(v->opts.store, enable_again, m, 0, NULL, e);

    if (r < 0)
        return r;
    return req_fail(e,
                    "cannot disable \"%s\", which stays as it was: %s; "
                    "sys/leases/revoke-force/%.*s gives its leases up",
                    m->path, why, (int)strlen(m->path) - 1, m->path);
}

/* Whatever goes wrong but a lease that cannot be revoked leaves the mount tainted. */
static int finish_off(struct vault *v, struct mount *m, struct arena *a, struct err *e)
{
    struct disable d = {v, m, 0};
    const char *why = NULL;
    int r = store_run(v->opts.store, revoke_all, &d, 0, NULL, e);

    if (r == 0)
        r = lease_wait_revoked(v, str_of(m->path), INT64_MAX, a, &why, e);
    if (r == ERR_TIMEOUT)
        return refuse(v, m, "leases are still being revoked", e);
    if (r < 0)
        return r;
    if (why)
        return refuse(v, m, why, e);
    do
        r = store_run(v->opts.store, delete_some, &d, 0, NULL, e);
    while (r == 0 && d.deleted == DELETE_BATCH);
    return r;
}

static int drop_row(struct txn *t, void *arg, struct err *e)
{
    return mount_del(t, arg, e);
}

static int disable_act(struct req *r, void *arg, struct err *e)
{
    return finish_off(r->vault, arg, r->a, e);
}

static int disable_finish(struct req *r, void *arg, struct err *e)
{
    return mount_del(r->txn, arg, e);
}

static int check_disable(const struct req *r, const char *path, struct err *e)
{
    if (is_auth(r))
        return strcmp(path, "auth/token/") == 0
                   ? req_fail(e, "token credential backend cannot be disabled")
                   : 0;
    for (size_t i = 0; i < ARRAY_LEN(protected_paths); i++)
        if (strcmp(path, protected_paths[i]) == 0)
            return req_fail(e, "cannot unmount \"%s\"", path);
    return 0;
}

static int disable_mount(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const char *path = target_path(r);
    const struct mount *m;
    struct mount *gone;
    int ret = check_disable(r, path, e);

    if (ret < 0)
        return ret;
    ret = mount_by_path(r->vault, r->txn, str_of(path), &m, NULL);
    if (ret == ERR_NOTFOUND)
        return 0;
    gone = schema_copy(&mount_schema, m, r->a);
    gone->engine = m->engine;
    gone->tainted = true;
    ret = m->engine->disable ? m->engine->disable(r, m, e) : 0;
    if (ret == 0)
        ret = mount_put(r->txn, gone, e);
    if (ret == 0)
        req_then(r, disable_act, disable_finish, gone);
    return ret;
}

static void resume(void *arg)
{
    struct vault *v = arg;
    auto_arena struct arena *a = arena_new(0);
    const struct mount *const *all;
    VEC(struct mount *) gone = {0};
    struct err e = ERR_INIT;
    struct txn *t;
    size_t n;

    if (txn_begin(v->opts.store, TXN_READ_ONLY, &t, &e) < 0)
        return;
    if (mount_list(v, t, &all, &n, &e) == 0) {
        for (size_t i = 0; i < n; i++) {
            if (all[i]->tainted) {
                struct mount *m = schema_copy(&mount_schema, all[i], a);

                m->engine = all[i]->engine;
                vec_push(&gone, m);
            }
        }
    }
    txn_drop(t);
    for (size_t i = 0; i < gone.len; i++)
        if (finish_off(v, gone.at[i], a, &e) < 0 ||
            store_run(v->opts.store, drop_row, gone.at[i], 0, NULL, &e) < 0)
            log_warn("core", "disabling of mount %s that was interrupted does not end now: %s",
                     gone.at[i]->path, e.msg);
    vec_done(&gone);
}

void mount_resume_disables(struct vault *v)
{
    struct err e = ERR_INIT;

    if (api_pool_run(v->opts.api, resume, v, &e) < 0)
        log_warn("core", "interrupted disabling of mounts goes on after the next unseal: %s",
                 e.msg);
}

const struct route sys_mount_routes[] = {
    /* clang-format off */
    {M_GET,    "mounts",       ROUTE_TOPLEVEL,               list_mounts},
    {M_GET,    "mounts/+path", ROUTE_TOPLEVEL,               read_mount},
    {M_WRITE,  "mounts/+path", 0,                            enable_mount},
    {M_DELETE, "mounts/+path", ROUTE_BLOCKING,               disable_mount},
    {M_GET,    "auth",         ROUTE_TOPLEVEL, list_mounts},
    {M_GET,    "auth/+path",   ROUTE_TOPLEVEL | ROUTE_SUDO,  read_mount},
    {M_WRITE,  "auth/+path",   ROUTE_SUDO,                   enable_mount},
    {M_DELETE, "auth/+path",   ROUTE_SUDO | ROUTE_BLOCKING,  disable_mount},
    /* clang-format on */
};
const size_t n_sys_mount_routes = ARRAY_LEN(sys_mount_routes);
