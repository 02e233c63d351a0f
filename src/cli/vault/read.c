/* vault read, list, delete, write, patch: any path of the API. */
#include <string.h>

#include "cli/vault/commands.h"
#include "cli/vault/guess.h"

/* ---- read ------------------------------------------------------------------------------- */

static int nothing_at(const char *path)
{
    return cli_fail(CLI_EXIT_FAILED, "No value found at %s", path);
}

static int read_run(struct cli_call *c)
{
    const char *path = clean_path(c->arena, c->argv[0]);
    const char *query = query_of(c, c->argc - 1, c->argv + 1);
    struct remote_request q = {.method = "GET", .path = path, .query = query};
    struct remote_reply r;
    struct vault_secret s;

    if (!query)
        return CLI_EXIT_USAGE;
    if (remote_do(c, &q, &r) < 0 && r.status != 404)
        return remote_failed(&r, "Error reading %s", path);
    return secret_of(c, &r, &s) ? secret_print(c, &s) : nothing_at(path);
}

const struct cli_command cmd_read = {
    .name = "read",
    .usage = "vault read [options] PATH",
    .synopsis = "Show what is at a path",
    .about =
        "Reads what is at a path: a secret, a configuration, fresh credentials. What that is "
        "depends on the engine the path belongs to. Words of the form k=v behind the path "
        "are sent as parameters.",
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {1, -1, "1"},
    .guess = {guess_path, guess_data},
    .run = read_run,
};

/* ---- list ------------------------------------------------------------------------------- */

static int empty_list(const char *path)
{
    if (vault_cli_options.format == FORMAT_JSON) {
        puts("{}");
        return CLI_EXIT_FAILED;
    }
    return nothing_at(path);
}

static int list_run(struct cli_call *c)
{
    const char *path = clean_path(c->arena, c->argv[0]);
    const char *query = query_of(c, c->argc - 1, c->argv + 1);
    struct remote_request q = {.method = "GET", .path = path};
    const struct json *keys;
    struct remote_reply r;
    struct vault_secret s;

    if (!query)
        return CLI_EXIT_USAGE;
    q.query = *query ? arena_printf(c->arena, "list=true&%s", query) : "list=true";
    if (remote_do(c, &q, &r) < 0 && r.status != 404)
        return remote_failed(&r, "Error listing %s", path);
    if (!secret_of(c, &r, &s))
        return empty_list(path);
    if (s.wrap_info)
        return secret_print(c, &s);
    keys = json_get(s.data, "keys");
    if (!json_is(keys, JSON_ARRAY) || keys->len == 0) {
        secret_print_warnings(c, &s);
        return s.data || s.warnings ? cli_fail(CLI_EXIT_FAILED, "No entries found at %s", path)
                                    : empty_list(path);
    }
    return secret_print_list(c, &s);
}

const struct cli_command cmd_list = {
    .name = "list",
    .usage = "vault list [options] PATH",
    .synopsis = "Names below a path",
    .about = "Lists the names below a path, where the engine has any.",
    .sets = SET_HTTP | SET_FORMAT | SET_DETAILED,
    .args = {1, -1, "1"},
    .guess = {guess_folder},
    .run = list_run,
};

/* ---- delete ----------------------------------------------------------------------------- */

static int delete_run(struct cli_call *c)
{
    const char *path = clean_path(c->arena, c->argv[0]);
    const char *query = query_of(c, c->argc - 1, c->argv + 1);
    struct remote_request q = {.method = "DELETE", .path = path, .query = query};
    struct remote_reply r;
    struct vault_secret s;

    if (!query)
        return CLI_EXIT_USAGE;
    if (remote_do(c, &q, &r) < 0)
        return remote_failed(&r, "Error deleting %s", path);
    if (secret_of(c, &r, &s))
        secret_print_warnings(c, &s);
    if (format_is_table())
        printf("Success! Data deleted (if it existed) at: %s\n", path);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_delete = {
    .name = "delete",
    .usage = "vault delete [options] PATH",
    .synopsis = "Delete what is at a path",
    .about = "Deletes what is at a path. It is no error when nothing is there.",
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {1, -1, "at least 1"},
    .guess = {guess_path},
    .run = delete_run,
};

/* ---- write and patch -------------------------------------------------------------------- */

static bool force;

static const struct flag write_flags[] = {
    {"force", FLAG_BOOL, &force, NULL, "send the request though there is no data for it"},
    {"f", FLAG_BOOL, &force, NULL, "the same"},
};

static int show_written(struct cli_call *c, const char *path, const struct remote_reply *r)
{
    struct vault_secret s;

    if (secret_of(c, r, &s))
        return secret_print(c, &s);
    if (format_is_table())
        printf("Success! Data written to: %s\n", path);
    return CLI_EXIT_OK;
}

static int send_data(struct cli_call *c, const char *method, const char *content_type)
{
    const char *path = clean_path(c->arena, c->argv[0]);
    const struct json *data = data_of(c, c->argc - 1, c->argv + 1);
    struct remote_request q = {.method = method, .path = path, .content_type = content_type};
    struct vault_secret s;
    struct remote_reply r;
    int code;

    if (!data)
        return CLI_EXIT_USAGE;
    if (c->argc == 1 && !force)
        return cli_fail(CLI_EXIT_USAGE, "Must supply data or use -force");
    q.body = data;
    q.null_body = c->argc == 1;
    if (remote_do(c, &q, &r) == 0)
        return show_written(c, path, &r);
    code = remote_failed(&r, "Error writing data to %s", path);
    if (r.status == 404 && secret_of(c, &r, &s))
        secret_print(c, &s);
    return code;
}

static int write_run(struct cli_call *c)
{
    return send_data(c, "PUT", NULL);
}

static int patch_run(struct cli_call *c)
{
    return send_data(c, "PATCH", "application/merge-patch+json");
}

const struct cli_command cmd_write = {
    .name = "write",
    .usage = "vault write [options] PATH [DATA K=V...]",
    .synopsis = "Write to a path",
    .about =
        "Writes data to a path. Data is k=v, k=@file, k=- (standard input), @file.json or - "
        "for a JSON object; a key that comes twice makes a list.",
    .flags = CLI_FLAGS(write_flags),
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {1, -1, "1"},
    .guess = {guess_path, guess_data},
    .run = write_run,
};

const struct cli_command cmd_patch = {
    .name = "patch",
    .usage = "vault patch [options] PATH [DATA K=V...]",
    .synopsis = "Change some fields at a path",
    .about =
        "Changes some fields of what is at a path, where the engine can do that. Data as for "
        "`vault write`.",
    .flags = CLI_FLAGS(write_flags),
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {1, -1, "1"},
    .guess = {guess_path, guess_data},
    .run = patch_run,
};
