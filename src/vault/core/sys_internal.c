/* sys/internal and small things that clients ask: what may this token see, which version. */
#include <string.h>

#include "lang/units.h"
#include "vault/core/core_priv.h"

static struct req *req_of(struct call *c)
{
    return c->state;
}

/* ---- mounts for user interfaces --------------------------------------------------------- */

static bool is_auth_mount(const struct mount *m)
{
    return str_starts(str_of(m->path), STR("auth/"));
}

/* With a token: what it may touch, whole. Without: what is listed to everybody, in short. */
static void write_ui_mounts(struct req *r, const struct mount *const *all, size_t n, bool auth,
                            struct json_out *w)
{
    json_key(w, auth ? "auth" : "secret");
    json_obj(w);
    for (size_t i = 0; i < n; i++) {
        const struct mount *m = all[i];
        const char *visible = m->config.listing_visibility;
        bool open = visible && strcmp(visible, "unauth") == 0;

        if (is_auth_mount(m) != auth || m->tainted)
            continue;
        if (r->token && (open || acl_touches_prefix(r->acl, str_of(m->path)))) {
            json_key(w, mount_shown_path(m));
            mount_json(m, w);
        } else if (!r->token && open) {
            json_key(w, mount_shown_path(m));
            json_obj(w);
            json_kv_str(w, "description", m->description ? m->description : "");
            json_key(w, "options");
            json_strmap(w, &m->options);
            json_kv_str(w, "type", m->type);
            json_obj_end(w);
        }
    }
    json_obj_end(w);
}

static int ui_mounts(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct mount *const *all;
    struct json_out *w;
    size_t n;
    int ret;

    if (r->priv->bad_token)
        return err_set(e, ERR_DENIED, "permission denied");
    ret = mount_list(r->vault, r->txn, &all, &n, e);
    if (ret < 0)
        return ret;
    w = req_data(r);
    write_ui_mounts(r, all, n, true, w);
    write_ui_mounts(r, all, n, false, w);
    return 0;
}

static int ui_mount(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const char *path = mount_path_of(r->a, "", req_param(r, "path"));
    const struct mount *m;
    struct json_out *w;
    struct str rest;
    int ret;

    if (!r->token)
        return err_set(e, ERR_DENIED, "permission denied");
    ret = mount_find(r->vault, r->txn, str_of(path), &m, &rest, e);
    if (ret < 0 && ret != ERR_NOTFOUND)
        return ret;
    if (ret == ERR_NOTFOUND || !acl_touches_prefix(r->acl, str_of(m->path)))
        return err_set(
            e, ERR_DENIED,
            "preflight capability check returned 403, please ensure client's policies "
            "grant access to path \"%s\"",
            path);
    w = req_data(r);
    mount_json_members(m, w);
    json_kv_str(w, "path", m->path);
    return 0;
}

static int ui_feature_flags(struct call *c, struct err *e)
{
    struct json_out *w = call_json_out(c, 200);

    (void)e;
    json_obj(w);
    json_kv_null(w, "feature_flags");
    json_obj_end(w);
    return 0;
}

static int ui_namespaces(struct call *c, struct err *e)
{
    struct json_out *w = req_data(req_of(c));

    (void)e;
    json_key(w, "keys");
    json_arr(w);
    json_str(w, "");
    json_arr_end(w);
    return 0;
}

/* ---- about this server ------------------------------------------------------------------ */

static int version_history(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct json_out *w = req_data(r);
    char time[TIME_TEXT_SIZE];

    (void)e;
    time_format_utc(r->vault->started_ns / 1000000000 * 1000000000, time);
    json_key(w, "key_info");
    json_obj(w);
    json_key(w, VAULT_API_VERSION);
    json_obj(w);
    json_kv_str(w, "build_date", "");
    json_kv_null(w, "previous_version");
    json_kv_str(w, "timestamp_installed", time);
    json_obj_end(w);
    json_obj_end(w);
    json_key(w, "keys");
    json_arr(w);
    json_str(w, VAULT_API_VERSION);
    json_arr_end(w);
    return 0;
}

static int replication_status(struct call *c, struct err *e)
{
    (void)e;
    json_kv_str(req_data(req_of(c)), "mode", "disabled");
    return 0;
}

static int enterprise_only(struct call *c, struct err *e)
{
    (void)c;
    return err_set(e, ERR_NOTFOUND, "enterprise-only feature");
}

/* There are no audit devices, so none is listed. */
static int audit_list(struct call *c, struct err *e)
{
    (void)e;
    req_data(req_of(c));
    return 0;
}

/* Known, not there: that is said to who has sudo. */
static int not_here(struct call *c, struct err *e)
{
    (void)c;
    return req_fail_multi(e, 404, "unsupported path");
}

static int raft_join(struct call *c, struct err *e)
{
    (void)c;
    return err_set(e, ERR_INTERNAL, "raft backend not in use");
}

const struct route sys_internal_routes[] = {
    /* clang-format off */
    {M_GET,   "internal/ui/mounts",        ROUTE_ANON,              ui_mounts},
    {M_GET,   "internal/ui/mounts/+path",  ROUTE_ANON,              ui_mount},
    {M_GET,   "internal/ui/feature-flags", ROUTE_ANON | ROUTE_BARE, ui_feature_flags},
    {M_GET,   "internal/ui/namespaces",    ROUTE_SELF,              ui_namespaces},
    {M_LIST,  "version-history/",          0,                       version_history},
    {M_LIST,  "version-history",           0,                       version_history},
    {M_GET,   "replication/status",        ROUTE_ANON,              replication_status},
    {M_GET,   "audit",                     ROUTE_TOPLEVEL | ROUTE_SUDO, audit_list},
    {M_GET | M_LIST | M_WRITE | M_DELETE, "raw/*path", ROUTE_SUDO,    not_here},
    {M_LIST,  "namespaces",                0,                       enterprise_only},
    {M_GET,   "license/status",            0,                       enterprise_only},
    {M_WRITE, "storage/raft/join",         ROUTE_ANON | ROUTE_SEALED | ROUTE_BARE, raft_join},
    /* clang-format on */
};
const size_t n_sys_internal_routes = ARRAY_LEN(sys_internal_routes);
