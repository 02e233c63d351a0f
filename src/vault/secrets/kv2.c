/* kv version 2: the engine, and what it says about paths it does not have. */
#include <string.h>

#include "vault/secrets/kv2.h"

bool kv2_is_bad_path(struct str path)
{
    return path.len == 0 || path.p[path.len - 1] == '/';
}

/* "data" without its slash is no path, but the folder of all. */
static bool is_root(struct str path)
{
    static const char *const roots[] = {"data", "metadata", "delete", "undelete", "destroy"};

    for (size_t i = 0; i < ARRAY_LEN(roots); i++)
        if (str_eqc(path, roots[i]))
            return true;
    return false;
}

/* A reply, not an error: clients of version 1 show its warning. */
int kv2_invalid_path(struct call *c, struct err *e)
{
    struct req *r = kv2_req(c);
    const char *command = "put";

    (void)e;
    if (r->op == OP_READ)
        command = "get";
    else if (r->op == OP_LIST)
        command = "list";
    else if (r->op == OP_DELETE)
        command = "delete";
    r->status = 404;
    if (r->op != OP_LIST && is_root(r->path)) {
        req_warn(r, "Non-listing operations on the root of a K/V v2 mount are not supported.");
        return 0;
    }
    req_warn(r,
             "Invalid path for a versioned K/V secrets engine. See the API docs for the "
             "appropriate API endpoints to use. If using the Vault CLI, use 'vault kv %s' for "
             "this operation.",
             command);
    return 0;
}

static const struct route routes[] = {
    {M_GET | M_LIST | M_WRITE | M_DELETE, "*path", 0, kv2_invalid_path, NULL},
};

static const struct route_part parts[] = {
    /* clang-format off */
    {kv2_config_routes,   &n_kv2_config_routes},
    {kv2_data_routes,     &n_kv2_data_routes},
    {kv2_metadata_routes, &n_kv2_metadata_routes},
    {kv2_version_routes,  &n_kv2_version_routes},
    {0},
    /* clang-format on */
};

/* The first is there for mounts that were upgraded. */
static const struct table *const tables[] = {&kv1_table, &kv2_meta_table, &kv2_value_table,
                                             &kv2_config_table, NULL};

const struct engine kv2_engine = {
    .type = "kv",
    .kind = ENGINE_SECRET,
    .plugin_version = "v0.15.0+builtin",
    .routes = routes,
    .n_routes = ARRAY_LEN(routes),
    .more_routes = parts,
    .tables = tables,
    .tune = kv_tune,
};
