#include "cli/vault/login.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"

#include <string.h>

#include "base/str.h"

static struct {
    const char *method, *path;
    bool no_store, no_print, token_only;
} o = {.method = "token"};

static const struct flag flags[] = {
    {"method", FLAG_STR, &o.method, NULL,
     "token (the default), userpass, ldap, approle, cert, github, jwt, ..."},
    {"path", FLAG_STR, &o.path, NULL, "where the method is mounted, if not under its own name"},
    {"no-store", FLAG_BOOL, &o.no_store, NULL, "do not keep the token in ~/.vault-token"},
    {"no-print", FLAG_BOOL, &o.no_print, NULL, "print nothing"},
    {"token-only", FLAG_BOOL, &o.token_only, NULL,
     "print the token alone; it is not stored nor looked up"},
};

/* The arguments as k=v. For the token method the first may be the token itself, or "-". */
static int config_of(struct cli_call *c, struct strmap *ret)
{
    int argc = c->argc;
    char **argv = c->argv;
    struct err e = ERR_INIT;
    struct str token;

    if (strcmp(o.method, "token") == 0 && argc > 0 && !strchr(argv[0], '=')) {
        token = str_of(argv[0]);
        if (str_eqc(token, "-") && input_stdin(c->arena, &token, &e) < 0)
            return cli_fail(CLI_EXIT_USAGE, "Error parsing configuration: %s", e.msg);
        strmap_set(c->arena, ret, "token", arena_cstr(c->arena, str_trim(token)));
        argc--;
        argv++;
    }
    if (kv_parse_strings(c->arena, argc, argv, ret, &e) < 0)
        return cli_fail(CLI_EXIT_USAGE, "Error parsing configuration: %s", e.msg);
    return 0;
}

/* A login that was asked to be wrapped: unwrap it, unless the wrapping itself is wanted. */
static int unwrap_login(struct cli_call *c, struct vault_secret *s, const char **ret_error)
{
    struct remote_request q = {
        .method = "PUT", .path = "sys/wrapping/unwrap", .null_body = true, .aside = true};
    struct remote_reply r;

    remote_set_token(c, member_text(c->arena, s->wrap_info, "token"));
    if (remote_do(c, &q, &r) < 0) {
        *ret_error = arena_printf(c->arena, "error unwrapping: %s", r.error);
        return -1;
    }
    if (!secret_of(c, &r, s) || !s->auth) {
        *ret_error = "the wrapped answer is not that of a login";
        return -1;
    }
    return 0;
}

static int store(struct cli_call *c, const char *token)
{
    const char *set = getenv("VAULT_TOKEN");
    struct err e = ERR_INIT;

    if (token_file_write(token, &e) < 0)
        return cli_fail(CLI_EXIT_FAILED,
                        "Error storing token: %s\n\nThe login itself has worked; the token was "
                        "not kept. Use -no-store and set VAULT_TOKEN.",
                        e.msg);
    if (set && *set)
        say(c, stderr,
            "WARNING! The VAULT_TOKEN environment variable is set! The value of this variable "
            "will take precedence; if this is unwanted please unset VAULT_TOKEN or update its "
            "value accordingly.\n");
    return 0;
}

static int show(struct cli_call *c, const struct vault_secret *s)
{
    if (o.no_print)
        return CLI_EXIT_OK;
    if (vault_cli_options.field || !format_is_table())
        return secret_print(c, s);
    say(c, stdout,
        "Success! You are now authenticated. The token information displayed below is already "
        "stored in the token helper. You do NOT need to run \"vault login\" again. Future "
        "Vault "
        "requests will automatically use this token.\n");
    return secret_print(c, s);
}

static int finish(struct cli_call *c, struct vault_secret *s)
{
    const char *token = member_text(c->arena, s->auth, "client_token"), *error;
    int r = 0;

    if (s->wrap_info && !o.no_store) {
        if (unwrap_login(c, s, &error) < 0)
            return cli_fail(CLI_EXIT_FAILED, "Error authenticating: %s", error);
        token = member_text(c->arena, s->auth, "client_token");
    }
    if (s->wrap_info)
        return secret_print(c, s);
    if (!*token)
        return cli_fail(CLI_EXIT_FAILED,
                        "Vault returned a login without a token. Does the login "
                        "need a second factor? Pass it with -mfa.");
    if (!o.no_store)
        r = store(c, token);
    else if (!o.token_only)
        say(c, stderr,
            "The token was not stored in token helper. Set the VAULT_TOKEN environment "
            "variable "
            "or pass the token below with each request to Vault.\n");
    return r ? r : show(c, s);
}

static int run(struct cli_call *c)
{
    const struct login_method *m = login_method_find(o.method);
    const char *path = clean_path(c->arena, o.path && *o.path ? o.path : o.method);
    struct strmap config = {0};
    struct vault_secret s = {0};
    const char *error = NULL;

    if (!m) {
        say(c, stderr,
            arena_printf(c->arena,
                         "Unknown auth method: %s. Use \"vault auth list\" to see the complete "
                         "list of auth methods. Additionally, some auth methods are only "
                         "available via the HTTP API.",
                         o.method));
        return CLI_EXIT_USAGE;
    }
    if (o.token_only) {
        o.no_store = true;
        vault_cli_options.field = "token";
    }
    if (config_of(c, &config) != 0)
        return CLI_EXIT_USAGE;
    if (m->login(c, m, path, &config, &s, &error) < 0)
        return error ? cli_fail(CLI_EXIT_FAILED, "Error authenticating: %s", error)
                     : CLI_EXIT_OK;
    return finish(c, &s);
}

const struct cli_command cmd_login = {
    .name = "login",
    .usage = "vault login [options] [AUTH K=V...]",
    .synopsis = "Log in, keep the token",
    .about =
        "Logs in and keeps the token in ~/.vault-token for the commands that follow. With a "
        "token (or \"-\" for one on standard input) it is only verified; other methods are "
        "chosen with -method and get what they need as k=v. What is secret and not given is "
        "asked for on the terminal.",
    .flags = CLI_FLAGS(flags),
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .guess = {guess_data},
    .run = run,
};
