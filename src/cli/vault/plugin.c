/* vault plugin ...: the catalogue of engines and methods. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"
#include "http/client.h"

const struct cli_command cmd_plugin = {
    .name = "plugin",
    .synopsis = "The catalogue of engines and methods",
    .about = "Shows which engines and methods there are.",
};

static struct {
    const char *sha256, *command, *version, *plugin, *scope;
    struct flag_list args, mounts;
} o;

/* "unknown" for a command that names the plugin alone. False, with the error printed. */
static bool is_type(const char *type)
{
    static const char *const types[] = {"auth", "database", "secret"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    cli_fail(0, "Error parsing type: \"%s\" is not a supported plugin type", type);
    return false;
}

static const char *catalog_path(struct cli_call *c, const char *type, const char *name)
{
    return arena_printf(c->arena, "sys/plugins/catalog/%s/%s", type, name);
}

/* ---- list ------------------------------------------------------------------------------- */

static void add_plugin(struct table *t, const struct json *p, bool typed)
{
    struct arena *a = t->arena;
    const char *cells[TABLE_COLUMNS_MAX];
    size_t n = 0;

    cells[n++] = member_text(a, p, "name");
    if (!typed || vault_cli_options.detailed)
        cells[n++] = member_text(a, p, "type");
    cells[n++] = member_text(a, p, "version");
    if (vault_cli_options.detailed)
        cells[n++] = member_text(a, p, "deprecation_status");
    table_add_cells(t, cells, n);
}

static void print_plugins(struct cli_call *c, const struct json *list, const char *type)
{
    struct table t = TABLE_VAULT(c->arena);

    if (vault_cli_options.detailed)
        table_add(&t, "Name", "Type", "Version", "Deprecation Status", NULL);
    else if (type)
        table_add(&t, "Name", "Version", NULL);
    else
        table_add(&t, "Name", "Type", "Version", NULL);
    table_underline(&t);
    for (uint32_t i = 0; i < list->len; i++)
        add_plugin(&t, &list->items[i], type != NULL);
    table_print(&t, stdout);
}

static struct json *of_type(struct arena *a, const struct json *list, const char *type)
{
    struct json *v = json_new_array(a);

    for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->len; i++)
        if (!type || strcmp(member_text(a, &list->items[i], "type"), type) == 0)
            json_push(a, v, list->items[i]);
    return v;
}

static int list_run(struct cli_call *c)
{
    const char *type = c->argc > 0 ? c->argv[0] : NULL;
    const struct json *list;
    struct remote_reply r;
    int code;

    if (type && !is_type(type))
        return CLI_EXIT_FAILED;
    if (remote_call(c, "GET", "sys/plugins/catalog", NULL, &r) < 0)
        return remote_failed(&r, "Error listing available plugins");
    list = of_type(c->arena, json_path(r.json, "data.detailed"), type);
    if (!print_formatted(c, list, &code)) {
        print_plugins(c, list, type);
        code = CLI_EXIT_OK;
    }
    return code;
}

const struct cli_command cmd_plugin_list = {
    .name = "plugin list",
    .usage = "vault plugin list [options] [TYPE]",
    .synopsis = "Show all",
    .about = "Lists engines and methods; those of a type: auth, database or secret.",
    .sets = SET_HTTP | SET_FORMAT | SET_DETAILED,
    .args = {0, 1, "0 or 1"},
    .guess = {guess_plugin_type},
    .run = list_run,
};

/* ---- info ------------------------------------------------------------------------------- */

static const struct flag version_flags[] = {
    {"version", FLAG_STR, &o.version, NULL, "this version of it"},
};

static int info_run(struct cli_call *c)
{
    struct remote_request q = {.method = "GET"};
    struct vault_secret s;
    struct remote_reply r;

    if (!is_type(c->argv[0]))
        return CLI_EXIT_FAILED;
    q.path = catalog_path(c, c->argv[0], c->argv[1]);
    if (o.version)
        q.query =
            arena_printf(c->arena, "version=%s", http_escape(c->arena, str_of(o.version)));
    if (remote_do(c, &q, &r) < 0)
        return remote_failed(&r, "Error reading plugin named %s", c->argv[1]);
    if (!secret_of(c, &r, &s) || !s.data)
        return cli_fail(CLI_EXIT_FAILED, "No plugin named %s", c->argv[1]);
    s = (struct vault_secret){.data = s.data, .raw = s.raw};
    if (format_is_table() || vault_cli_options.field)
        return secret_print(c, &s);
    print_value(text_sorted(c->arena, s.data), vault_cli_options.format, c->arena);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_plugin_info = {
    .name = "plugin info",
    .usage = "vault plugin info [options] TYPE NAME",
    .synopsis = "Show one",
    .about = "Shows what is known about an engine or method.",
    .flags = CLI_FLAGS(version_flags),
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {2, 2, "2"},
    .guess = {guess_plugin_type},
    .run = info_run,
};

/* ---- register, deregister --------------------------------------------------------------- */

static const struct flag register_flags[] = {
    {"sha256", FLAG_STR, &o.sha256, NULL, "SHA-256 of the program, in hex"},
    {"command", FLAG_STR, &o.command, NULL, "the program, below the plugin directory"},
    {"args", FLAG_LIST, &o.args, NULL, "argument for it; may be repeated"},
    {"version", FLAG_STR, &o.version, NULL, "its version"},
};

static int register_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    const char *type = c->argv[0], *name = c->argv[1];
    struct remote_reply r;

    if (!is_type(type))
        return CLI_EXIT_FAILED;
    set_list(c->arena, body, "args", &o.args);
    set_str(c->arena, body, "command", o.command ? o.command : name);
    set_str(c->arena, body, "sha256", o.sha256);
    set_str(c->arena, body, "version", o.version);
    if (remote_call(c, "PUT", catalog_path(c, type, name), body, &r) < 0)
        return remote_failed(&r, "Error registering plugin %s", name);
    printf("Success! Registered plugin: %s\n", name);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_plugin_register = {
    .name = "plugin register",
    .usage = "vault plugin register [options] TYPE NAME",
    .synopsis = "Add one",
    .about =
        "Adds a program to a server's catalogue. (This server runs no foreign plugins; others "
        "do.)",
    .flags = CLI_FLAGS(register_flags),
    .sets = SET_HTTP,
    .args = {2, 2, "2"},
    .guess = {guess_plugin_type},
    .run = register_run,
};

static int deregister_run(struct cli_call *c)
{
    struct remote_reply r;

    if (!is_type(c->argv[0]))
        return CLI_EXIT_FAILED;
    if (remote_call(c, "DELETE", catalog_path(c, c->argv[0], c->argv[1]), NULL, &r) < 0)
        return remote_failed(&r, "Error deregistering plugin named %s", c->argv[1]);
    printf("Success! Deregistered plugin (if it was registered): %s\n", c->argv[1]);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_plugin_deregister = {
    .name = "plugin deregister",
    .usage = "vault plugin deregister [options] TYPE NAME",
    .synopsis = "Take one out",
    .about = "Takes a program out of the catalogue.",
    .flags = CLI_FLAGS(version_flags),
    .sets = SET_HTTP,
    .args = {2, 2, "2"},
    .guess = {guess_plugin_type},
    .run = deregister_run,
};

/* ---- reload ----------------------------------------------------------------------------- */

static const struct flag reload_flags[] = {
    {"plugin", FLAG_STR, &o.plugin, NULL, "its name, wherever it is mounted"},
    {"mounts", FLAG_LIST, &o.mounts, NULL, "path where it is mounted; may be repeated"},
    {"scope", FLAG_STR, &o.scope, NULL, "global: on every server of the cluster"},
};

static int reload_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    struct remote_reply r;

    if (!o.plugin == (o.mounts.len == 0))
        return cli_fail(CLI_EXIT_USAGE,
                        o.plugin ? "Must specify exactly one of -plugin or -mounts"
                                 : "Not enough arguments: one of -plugin or -mounts is needed");
    if (o.plugin)
        set_str(c->arena, body, "plugin", o.plugin);
    if (o.mounts.len > 0)
        set_list(c->arena, body, "mounts", &o.mounts);
    if (o.scope)
        set_str(c->arena, body, "scope", o.scope);
    if (remote_call(c, "PUT", "sys/plugins/reload/backend", body, &r) < 0)
        return remote_failed(&r, "Error reloading plugin/mounts");
    if (o.plugin)
        printf("Success! Reloaded plugin: %s\n", o.plugin);
    for (size_t i = 0; i < o.mounts.len; i++)
        printf("%s%s%s", i == 0 ? "Success! Reloaded mounts: [" : " ", o.mounts.at[i],
               i + 1 == o.mounts.len ? "]\n" : "");
    return CLI_EXIT_OK;
}

const struct cli_command cmd_plugin_reload = {
    .name = "plugin reload",
    .usage = "vault plugin reload [options]",
    .synopsis = "Start one anew",
    .about = "Starts an engine or method anew.",
    .flags = CLI_FLAGS(reload_flags),
    .sets = SET_HTTP,
    .args = {0, 1, "0-1"},
    .run = reload_run,
};

static int reload_status_run(struct cli_call *c)
{
    struct remote_request q = {.method = "GET", .path = "sys/plugins/reload/backend/status"};
    struct remote_reply r;

    q.query = arena_printf(c->arena, "reload_id=%s", http_escape(c->arena, str_of(c->argv[0])));
    if (remote_do(c, &q, &r) < 0)
        return remote_failed(&r, "Error retrieving plugin reload status");
    return secret_print_reply(c, &r);
}

const struct cli_command cmd_plugin_reload_status = {
    .name = "plugin reload-status",
    .usage = "vault plugin reload-status RELOAD_ID",
    .synopsis = "How far a reload is",
    .about = "Shows how far a reload on all servers is.",
    .sets = SET_HTTP | SET_FORMAT,
    .args = {1, 1, "1"},
    .run = reload_status_run,
};
