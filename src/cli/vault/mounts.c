#include "cli/vault/mounts.h"

#include <string.h>
#include <unistd.h>

#include "base/str.h"

enum { MOVE_POLL_S = 1 };

const struct mount_kind mount_secrets = {
    .api = "sys/mounts", .tune = "", .noun = "secrets engine", .is_auth = false};
const struct mount_kind mount_auth = {
    .api = "sys/auth", .tune = "auth/", .noun = "auth method", .is_auth = true};

struct mounts_options mounts_options;

#define O mounts_options

/* ---- enable and tune -------------------------------------------------------------------- */

static void set_some(struct arena *a, struct json *to, const char *key,
                     const struct flag_list *l)
{
    if (l->len > 0)
        set_list(a, to, key, l);
}

static void set_given(struct arena *a, struct json *to, const char *key, const char *value)
{
    if (value)
        set_str(a, to, key, value);
}

static void fill_config(struct arena *a, struct json *to)
{
    set_bool(a, to, "force_no_cache", O.force_no_cache);
    set_some(a, to, "audit_non_hmac_request_keys", &O.audit_request_keys);
    set_some(a, to, "audit_non_hmac_response_keys", &O.audit_response_keys);
    set_given(a, to, "listing_visibility", O.listing_visibility);
    set_some(a, to, "passthrough_request_headers", &O.request_headers);
    set_some(a, to, "allowed_response_headers", &O.response_headers);
    set_some(a, to, "allowed_managed_keys", &O.managed_keys);
    set_given(a, to, "token_type", O.token_type);
    set_given(a, to, "plugin_version", O.plugin_version);
}

static void set_options(struct arena *a, struct json *to)
{
    struct json *options = json_new_object(a);

    for (size_t i = 0; i < O.options.len; i++)
        set_str(a, options, O.options.at[i].key, O.options.at[i].val);
    if (O.has_version && O.version > 0)
        set_str(a, options, "version", arena_printf(a, "%lld", (long long)O.version));
    if (options->len > 0)
        json_set(a, to, STR("options"), *text_sorted(a, options));
    else
        set_null(a, to, "options");
}

static struct json *enable_body(struct arena *a, const char *type)
{
    struct json *body = json_new_object(a), *config = json_new_object(a);

    set_str(a, body, "type", type);
    set_str(a, body, "description", O.description);
    set_null(a, config, "options");
    set_str(a, config, "default_lease_ttl", seconds_text(a, O.default_lease_ttl));
    set_str(a, config, "max_lease_ttl", seconds_text(a, O.max_lease_ttl));
    fill_config(a, config);
    json_set(a, body, STR("config"), *config);
    set_bool(a, body, "local", O.local);
    set_bool(a, body, "seal_wrap", O.seal_wrap);
    set_bool(a, body, "external_entropy_access", O.external_entropy_access);
    set_options(a, body);
    return body;
}

int mounts_enable(struct cli_call *c, const struct mount_kind *k)
{
    const char *type =
        str_eqc(str_of(c->argv[0]), "plugin") && O.plugin_name ? O.plugin_name : c->argv[0];
    const char *path = clean_path(c->arena, O.path && *O.path ? O.path : type);
    struct remote_reply r;

    if (remote_call(c, "POST", arena_printf(c->arena, "%s/%s", k->api, path),
                    enable_body(c->arena, type), &r) < 0)
        return k->is_auth ? remote_failed(&r, "Error enabling %s auth", type)
                          : remote_failed(&r, "Error enabling");
    if (k->is_auth)
        printf("Success! Enabled %s auth method at: %s/\n", type, path);
    else
        printf("Success! Enabled the %s secrets engine at: %s/\n", type, path);
    return CLI_EXIT_OK;
}

int mounts_tune(struct cli_call *c, const struct mount_kind *k)
{
    struct arena *a = c->arena;
    const char *path = clean_path(a, c->argv[0]);
    struct json *body = json_new_object(a);
    struct remote_reply r;

    if (O.options.len > 0 || O.has_version)
        set_options(a, body);
    else
        set_null(a, body, "options");
    set_str(a, body, "default_lease_ttl",
            O.has_default ? seconds_text(a, O.default_lease_ttl) : "");
    set_str(a, body, "max_lease_ttl", O.has_max ? seconds_text(a, O.max_lease_ttl) : "");
    if (O.has_description)
        set_str(a, body, "description", O.description);
    fill_config(a, body);
    if (remote_call(c, "POST", arena_printf(a, "sys/mounts/%s%s/tune", k->tune, path), body,
                    &r) < 0)
        return remote_failed(&r, "Error tuning %s %s/", k->noun, path);
    printf("Success! Tuned the %s at: %s/\n", k->noun, path);
    return CLI_EXIT_OK;
}

/* ---- disable ---------------------------------------------------------------------------- */

int mounts_disable(struct cli_call *c, const struct mount_kind *k)
{
    const char *path = clean_path(c->arena, c->argv[0]);
    struct remote_reply r;

    if (remote_call(c, "DELETE", arena_printf(c->arena, "%s/%s", k->api, path), NULL, &r) < 0)
        return remote_failed(&r, "Error disabling %s at %s/", k->noun, path);
    printf("Success! Disabled the %s (if it existed) at: %s/\n", k->noun, path);
    return CLI_EXIT_OK;
}

/* ---- move ------------------------------------------------------------------------------- */

static int await_move(struct cli_call *c, const struct mount_kind *k, const char *what,
                      const char *id)
{
    const char *path = arena_printf(c->arena, "sys/remount/status/%s", id);
    struct remote_request q = {.method = "GET", .path = path};
    struct remote_reply r;

    for (;;) {
        const char *status;

        if (remote_do(c, &q, &r) < 0)
            return remote_failed(
                &r, "Error checking migration status of %s %s, with migration ID %s", k->noun,
                what, id);
        status = text_go_cstr(c->arena, json_path(r.json, "data.migration_info.status"));
        if (strcmp(status, "success") == 0) {
            printf("Success! Finished moving %s %s, with migration ID %s\n", k->noun, what, id);
            return CLI_EXIT_OK;
        }
        if (strcmp(status, "failure") == 0)
            return cli_fail(CLI_EXIT_OK,
                            "Failure! Error encountered moving %s %s, with migration "
                            "ID %s",
                            k->noun, what, id);
        printf("Waiting for terminal status in migration of %s %s, with migration ID %s\n",
               k->noun, what, id);
        fflush(stdout);
        sleep(MOVE_POLL_S);
    }
}

int mounts_move(struct cli_call *c, const struct mount_kind *k)
{
    const char *from = with_slash(c->arena, c->argv[0]), *to = with_slash(c->arena, c->argv[1]);
    const char *what = arena_printf(c->arena, "%s to %s", from, to), *id;
    struct json *body = json_new_object(c->arena);
    struct remote_reply r;

    set_str(c->arena, body, "from", from);
    set_str(c->arena, body, "to", to);
    if (remote_call(c, "POST", "sys/remount", body, &r) < 0)
        return remote_failed(&r, "Error moving %s %s", k->noun, what);
    id = member_text(c->arena, json_get(r.json, "data"), "migration_id");
    if (!*id) { /* a server from before 1.10: it is done */
        printf("Success! Moved %s %s to: %s\n", k->noun, from, to);
        return CLI_EXIT_OK;
    }
    printf("Started moving %s %s, with migration ID %s\n", k->noun, what, id);
    fflush(stdout);
    return await_move(c, k, what, id);
}

/* ---- list ------------------------------------------------------------------------------- */

static const char *ttl_cell(struct arena *a, const struct json *mount, const char *key)
{
    const char *type = member_text(a, mount, "type");
    int64_t ttl = json_i64_or(json_get(json_get(mount, "config"), key), 0);

    if (strcmp(type, "system") == 0 || strcmp(type, "cubbyhole") == 0 ||
        strcmp(type, "ns_system") == 0 || strcmp(type, "ns_cubbyhole") == 0)
        return "n/a";
    return ttl == 0 ? "system" : arena_printf(a, "%lld", (long long)ttl);
}

static const char *options_cell(struct arena *a, const struct json *mount)
{
    const struct json *options = json_get(mount, "options");

    return json_is(options, JSON_OBJECT) ? text_go_cstr(a, options) : "map[]";
}

static void add_detailed(struct table *t, const struct mount_kind *k, const char *path,
                         const struct json *m)
{
    struct arena *a = t->arena;
    const char *cells[TABLE_COLUMNS_MAX];
    const struct json *config = json_get(m, "config");
    size_t n = 0;

    cells[n++] = path;
    cells[n++] = member_text(a, m, "type");
    cells[n++] = member_text(a, m, "accessor");
    cells[n++] = ttl_cell(a, m, "default_lease_ttl");
    cells[n++] = ttl_cell(a, m, "max_lease_ttl");
    cells[n++] = member_text(a, config, k->is_auth ? "token_type" : "force_no_cache");
    cells[n++] = json_bool_or(json_get(m, "local"), false) ? "local" : "replicated";
    cells[n++] = member_text(a, m, "seal_wrap");
    cells[n++] = member_text(a, m, "external_entropy_access");
    cells[n++] = options_cell(a, m);
    cells[n++] = member_text(a, m, "description");
    cells[n++] = member_text(a, m, "uuid");
    cells[n++] = member_text(a, m, "plugin_version");
    cells[n++] = member_text(a, m, "running_plugin_version");
    cells[n++] = member_text(a, m, "running_sha256");
    cells[n++] = member_text(a, m, "deprecation_status");
    table_add_cells(t, cells, n);
}

static void add_header(struct table *t, const struct mount_kind *k)
{
    if (vault_cli_options.detailed)
        table_add(t, "Path", "Plugin", "Accessor", "Default TTL", "Max TTL",
                  k->is_auth ? "Token Type" : "Force No Cache", "Replication", "Seal Wrap",
                  "External Entropy Access", "Options", "Description", "UUID", "Version",
                  "Running Version", "Running SHA256", "Deprecation Status", NULL);
    else if (k->is_auth)
        table_add(t, "Path", "Type", "Accessor", "Description", "Version", NULL);
    else
        table_add(t, "Path", "Type", "Accessor", "Description", NULL);
    table_underline(t);
}

static void add_mount(struct table *t, const struct mount_kind *k, const char *path,
                      const struct json *m)
{
    struct arena *a = t->arena;

    if (vault_cli_options.detailed)
        add_detailed(t, k, path, m);
    else
        table_add(t, path, member_text(a, m, "type"), member_text(a, m, "accessor"),
                  member_text(a, m, "description"),
                  k->is_auth ? member_text(a, m, "plugin_version") : NULL, NULL);
}

static struct json *mounts_tree(struct arena *a, const struct json *mounts)
{
    static const char *const order[] = {
        "uuid",
        "type",
        "description",
        "accessor",
        "config",
        "options",
        "local",
        "seal_wrap",
        "external_entropy_access",
        "plugin_version",
        "running_plugin_version",
        "running_sha256",
        "deprecation_status",
    };
    static const char *const config_order[] = {"default_lease_ttl", "max_lease_ttl",
                                               "force_no_cache"};
    struct json *tree = json_new_object(a);

    for (uint32_t i = 0; i < mounts->len; i++) {
        struct json *m = in_order(a, &mounts->members[i].value, order, ARRAY_LEN(order));
        const struct json *config = json_get(m, "config");

        if (config)
            json_set(a, m, STR("config"),
                     *in_order(a, config, config_order, ARRAY_LEN(config_order)));
        json_set(a, tree, mounts->members[i].key, *m);
    }
    return tree;
}

int mounts_list(struct cli_call *c, const struct mount_kind *k)
{
    struct table t = TABLE_VAULT(c->arena);
    const struct json *mounts;
    struct remote_reply r;
    int code;

    if (remote_call(c, "GET", k->api, NULL, &r) < 0)
        return remote_failed(&r, "Error listing %s",
                             k->is_auth ? "enabled authentications" : "secrets engines");
    mounts = text_sorted(c->arena, json_get(r.json, "data"));
    if (!json_is(mounts, JSON_OBJECT))
        return cli_fail(CLI_EXIT_FAILED, "Error listing %ss: the server's answer has no data",
                        k->noun);
    if (print_formatted(c, mounts_tree(c->arena, mounts), &code))
        return code;
    add_header(&t, k);
    for (uint32_t i = 0; i < mounts->len; i++)
        add_mount(&t, k, arena_cstr(c->arena, mounts->members[i].key),
                  &mounts->members[i].value);
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}
