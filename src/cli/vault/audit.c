/* vault audit ...: where requests are recorded. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"

const struct cli_command cmd_audit = {
    .name = "audit",
    .synopsis = "Where requests are recorded",
    .about = "Enables, lists and disables audit devices.",
};

static struct {
    const char *path, *description;
    bool local;
} o;

/* ---- enable ----------------------------------------------------------------------------- */

static const struct flag enable_flags[] = {
    {"path", FLAG_STR, &o.path, NULL, "its name, if not its type"},
    {"description", FLAG_STR, &o.description, NULL, "a sentence for people"},
    {"local", FLAG_BOOL, &o.local, NULL, "not replicated"},
};

static int enable_run(struct cli_call *c)
{
    struct arena *a = c->arena;
    struct json *body = json_new_object(a), *options;
    const char *type, *path;
    struct remote_reply r;

    if (c->argc < 1)
        return cli_fail(CLI_EXIT_USAGE,
                        "Error enabling audit device: audit type missing. Valid "
                        "types include 'file', 'socket' and 'syslog'.");
    type = c->argv[0];
    path = clean_path(a, o.path && *o.path ? o.path : type);
    options = data_of(c, c->argc - 1, c->argv + 1);
    if (!options)
        return CLI_EXIT_USAGE;
    set_str(a, body, "type", type);
    set_str(a, body, "description", o.description);
    json_set(a, body, STR("options"), *options);
    set_bool(a, body, "local", o.local);
    if (remote_call(c, "PUT", arena_printf(a, "sys/audit/%s", path), body, &r) < 0)
        return remote_failed(&r, "Error enabling audit device");
    printf("Success! Enabled the %s audit device at: %s/\n", type, path);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_audit_enable = {
    .name = "audit enable",
    .usage = "vault audit enable [options] TYPE [CONFIG K=V...]",
    .synopsis = "Start recording to a device",
    .about = "Begins to record every request and answer: `vault audit enable file "
             "file_path=/var/log/vault.log`.",
    .flags = CLI_FLAGS(enable_flags),
    .sets = SET_HTTP,
    .guess = {guess_device_type, guess_data},
    .run = enable_run,
};

/* ---- disable ---------------------------------------------------------------------------- */

static int disable_run(struct cli_call *c)
{
    const char *path = clean_path(c->arena, c->argv[0]);
    struct remote_reply r;

    if (remote_call(c, "DELETE", arena_printf(c->arena, "sys/audit/%s", path), NULL, &r) < 0)
        return remote_failed(&r, "Error disabling audit device");
    printf("Success! Disabled audit device (if it was enabled) at: %s/\n", path);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_audit_disable = {
    .name = "audit disable",
    .usage = "vault audit disable [options] PATH",
    .synopsis = "Stop recording to a device",
    .about = "Ends recording to a device.",
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {guess_device},
    .run = disable_run,
};

/* ---- list ------------------------------------------------------------------------------- */

static const char *options_cell(struct arena *a, const struct json *device)
{
    const struct json *options = text_sorted(a, json_get(device, "options"));
    const char *text = "";

    for (uint32_t i = 0; json_is(options, JSON_OBJECT) && i < options->len; i++)
        text = arena_printf(a, "%s%s%.*s=%s", text, i > 0 ? " " : "",
                            STR_ARG(options->members[i].key),
                            text_go_cstr(a, &options->members[i].value));
    return text;
}

static void print_devices(struct cli_call *c, const struct json *devices)
{
    struct table t = TABLE_VAULT(c->arena);

    if (vault_cli_options.detailed)
        table_add(&t, "Path", "Type", "Description", "Replication", "Options", NULL);
    else
        table_add(&t, "Path", "Type", "Description", NULL);
    table_underline(&t);
    for (uint32_t i = 0; i < devices->len; i++) {
        const struct json *d = &devices->members[i].value;
        const char *local = json_bool_or(json_get(d, "local"), false) ? "local" : "replicated";

        table_add(&t, arena_cstr(c->arena, devices->members[i].key),
                  member_text(c->arena, d, "type"), member_text(c->arena, d, "description"),
                  vault_cli_options.detailed ? local : NULL, options_cell(c->arena, d), NULL);
    }
    table_print(&t, stdout);
}

static struct json *devices_tree(struct arena *a, const struct json *devices)
{
    static const char *const order[] = {"type", "description", "options", "local", "path"};
    struct json *tree = json_new_object(a);

    for (uint32_t i = 0; i < devices->len; i++)
        json_set(a, tree, devices->members[i].key,
                 *in_order(a, &devices->members[i].value, order, ARRAY_LEN(order)));
    return tree;
}

static int list_run(struct cli_call *c)
{
    const struct json *devices;
    struct remote_reply r;
    int code;

    if (remote_call(c, "GET", "sys/audit", NULL, &r) < 0)
        return remote_failed(&r, "Error listing audits");
    devices = text_sorted(c->arena, json_get(r.json, "data"));
    if (!json_is(devices, JSON_OBJECT))
        devices = json_new_object(c->arena);
    if (print_formatted(c, devices_tree(c->arena, devices), &code))
        return code;
    if (devices->len == 0) {
        puts("No audit devices are enabled.");
        return CLI_EXIT_FAILED;
    }
    print_devices(c, devices);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_audit_list = {
    .name = "audit list",
    .usage = "vault audit list [options]",
    .synopsis = "Show the devices",
    .about = "Shows which devices record requests.",
    .sets = SET_HTTP | SET_FORMAT | SET_DETAILED,
    .args = {0, 0, "0"},
    .run = list_run,
};
