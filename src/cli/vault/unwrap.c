/* vault unwrap, print token, path-help, version-history: small commands about nothing else. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"

/* ---- unwrap ----------------------------------------------------------------------------- */

static int unwrap_run(struct cli_call *c)
{
    const char *wrapping = c->argc == 1 ? c->argv[0] : "";
    struct remote_request q = {
        .method = "PUT", .path = "sys/wrapping/unwrap", .null_body = true, .aside = false};
    struct json *body;
    struct vault_secret s;
    struct remote_reply r;

    vault_cli_options.wrap_ttl_ns = 0;
    if (*wrapping && !*remote_token()) {
        remote_set_token(c, wrapping);
    } else if (*wrapping && strcmp(wrapping, remote_token()) != 0) {
        body = json_new_object(c->arena);
        set_str(c->arena, body, "token", wrapping);
        q.body = body;
        q.null_body = false;
    }
    if (remote_do(c, &q, &r) < 0 && !(r.status == 404 && r.json))
        return remote_failed(&r, "Error unwrapping");
    if (secret_of(c, &r, &s))
        return secret_print(c, &s);
    return cli_fail(CLI_EXIT_FAILED, "Could not find wrapped response");
}

const struct cli_command cmd_unwrap = {
    .name = "unwrap",
    .usage = "vault unwrap [options] [TOKEN]",
    .synopsis = "Show a wrapped answer",
    .about =
        "Shows the answer that was wrapped in a token; that works once. Without an argument "
        "the token in use is the wrapping token.",
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {0, 1, "0-1"},
    .run = unwrap_run,
};

/* ---- print token ------------------------------------------------------------------------ */

static int print_token_run(struct cli_call *c)
{
    (void)c;
    puts(remote_token());
    return CLI_EXIT_OK;
}

const struct cli_command cmd_print = {
    .name = "print",
    .usage = "vault print <subcommand>",
    .synopsis = "What other commands use",
    .about = "Prints values the other commands use.",
};

const struct cli_command cmd_print_token = {
    .name = "print token",
    .usage = "vault print token",
    .synopsis = "The token in use",
    .about = "Prints the token that other commands would send: VAULT_TOKEN, or the one a login "
             "stored.",
    .sets = SET_HTTP,
    .args = {0, 0, "0"},
    .run = print_token_run,
};

/* ---- path-help -------------------------------------------------------------------------- */

static int path_help_run(struct cli_call *c)
{
    const char *path = clean_path(c->arena, c->argv[0]);
    struct remote_request q = {.method = "GET", .path = path, .query = "help=1"};
    struct remote_reply r;
    int code;

    if (remote_do(c, &q, &r) < 0)
        return remote_failed(&r, "Error retrieving help");
    if (print_formatted(c, r.json, &code))
        return code;
    puts(member_text(c->arena, r.json, "help"));
    return CLI_EXIT_OK;
}

const struct cli_command cmd_path_help = {
    .name = "path-help",
    .usage = "vault path-help [options] PATH",
    .synopsis = "What an engine says about a path",
    .about = "Shows what the engine behind a path says about it.",
    .sets = SET_HTTP | SET_FORMAT,
    .args = {1, 1, "1"},
    .guess = {guess_path},
    .run = path_help_run,
};

/* ---- version-history -------------------------------------------------------------------- */

static int version_history_run(struct cli_call *c)
{
    struct remote_request q = {
        .method = "GET", .path = "sys/version-history", .query = "list=true"};
    struct table t = {.arena = c->arena, .glue = "  ", .empty = "n/a"};
    const struct json *keys, *info;
    struct remote_reply r;
    int code;

    if (remote_do(c, &q, &r) < 0)
        return remote_failed(&r, "Error reading version history");
    if (print_formatted(c, json_get(r.json, "data"), &code))
        return code;
    keys = json_path(r.json, "data.keys");
    info = json_path(r.json, "data.key_info");
    fprintf(stderr, "\nNote:\nUse of this command requires a server running Vault 1.10.0 or "
                    "greater.\nVersion tracking was added in 1.9.0. Earlier versions have not "
                    "been tracked.\n\n\n");
    table_add(&t, "Version", "Installation Time", "Build Date", NULL);
    table_underline(&t);
    for (uint32_t i = 0; json_is(keys, JSON_ARRAY) && i < keys->len; i++) {
        const char *version = text_go_cstr(c->arena, &keys->items[i]);
        const struct json *v = json_get(info, version);

        table_add(&t, version, member_text(c->arena, v, "timestamp_installed"),
                  member_text(c->arena, v, "build_date"), NULL);
    }
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_version_history = {
    .name = "version-history",
    .synopsis = "Versions the server has run as",
    .about = "Lists the versions the server has run as, and since when.",
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 0, "0"},
    .run = version_history_run,
};
