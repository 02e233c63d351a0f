/* vault auth ...: the methods of logging in. */
#include <string.h>

#include "cli/vault/commands.h"
#include "cli/vault/guess.h"
#include "cli/vault/login.h"
#include "cli/vault/mounts.h"

const struct cli_command cmd_auth = {
    .name = "auth",
    .synopsis = "Ways to log in",
    .about = "Enables, tunes, moves and disables auth methods. To log in: `vault login`.",
};

static const struct flag enable_flags[] = {
    {"path", FLAG_STR, &mounts_options.path, NULL, "where to mount it, if not under its type"},
    MOUNT_FLAGS,
    {"token-type", FLAG_STR, &mounts_options.token_type, NULL,
     "service, batch, default-service or default-batch"},
    {"plugin-name", FLAG_STR, &mounts_options.plugin_name, NULL, "name of the plugin to run"},
    {"local", FLAG_BOOL, &mounts_options.local, NULL, "not replicated"},
    {"seal-wrap", FLAG_BOOL, &mounts_options.seal_wrap, NULL, "wrap its values with the seal"},
    {"external-entropy-access", FLAG_BOOL, &mounts_options.external_entropy_access, NULL,
     "accepted"},
};

static const struct flag tune_flags[] = {
    MOUNT_FLAGS,
    {"token-type", FLAG_STR, &mounts_options.token_type, NULL,
     "service, batch, default-service or default-batch"},
};

static int enable_run(struct cli_call *c)
{
    return mounts_enable(c, &mount_auth);
}

static int disable_run(struct cli_call *c)
{
    return mounts_disable(c, &mount_auth);
}

static int tune_run(struct cli_call *c)
{
    return mounts_tune(c, &mount_auth);
}

static int move_run(struct cli_call *c)
{
    return mounts_move(c, &mount_auth);
}

static int list_run(struct cli_call *c)
{
    return mounts_list(c, &mount_auth);
}

/* The type of what is mounted at `path`, or the word itself. */
static const char *type_at(struct cli_call *c, const char *path)
{
    struct remote_request q = {.method = "GET", .path = "sys/auth", .aside = true};
    const struct json *m;
    struct remote_reply r;

    if (login_method_find(path) || remote_do(c, &q, &r) < 0)
        return path;
    m = json_get(json_get(r.json, "data"), with_slash(c->arena, path));
    return m ? member_text(c->arena, m, "type") : path;
}

static int help_run(struct cli_call *c)
{
    const char *path = clean_path(c->arena, c->argv[0]);
    const struct login_method *m = login_method_find(type_at(c, path));

    if (!m)
        return cli_fail(CLI_EXIT_FAILED,
                        "No help for the auth method %s. It may be one that is "
                        "used through the API: `vault path-help auth/%s`.",
                        path, path);
    printf("Usage: %s\n", m->help);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_auth_enable = {
    .name = "auth enable",
    .usage = "vault auth enable [options] TYPE",
    .synopsis = "Mount a method",
    .about = "Mounts an auth method: approle, userpass, jwt, cert, kubernetes, ...",
    .flags = CLI_FLAGS(enable_flags),
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {guess_method_type},
    .run = enable_run,
};

const struct cli_command cmd_auth_disable = {
    .name = "auth disable",
    .usage = "vault auth disable [options] PATH",
    .synopsis = "Unmount a method",
    .about = "Unmounts a method; the tokens it gave out are revoked.",
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {guess_method},
    .run = disable_run,
};

const struct cli_command cmd_auth_tune = {
    .name = "auth tune",
    .usage = "vault auth tune [options] PATH",
    .synopsis = "Change a method's settings",
    .about = "Changes the settings that are given; the others stay.",
    .flags = CLI_FLAGS(tune_flags),
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {guess_method},
    .run = tune_run,
};

const struct cli_command cmd_auth_move = {
    .name = "auth move",
    .usage = "vault auth move [options] SOURCE DESTINATION",
    .synopsis = "Mount a method elsewhere",
    .about = "Moves a method; paths begin with auth/. The tokens it gave out are revoked.",
    .sets = SET_HTTP,
    .args = {2, 2, "2"},
    .guess = {guess_method},
    .run = move_run,
};

const struct cli_command cmd_auth_list = {
    .name = "auth list",
    .usage = "vault auth list [options]",
    .synopsis = "Show the mounted methods",
    .about = "Shows which methods are mounted where.",
    .sets = SET_HTTP | SET_FORMAT | SET_DETAILED,
    .args = {0, 0, "0"},
    .run = list_run,
};

const struct cli_command cmd_auth_help = {
    .name = "auth help",
    .usage = "vault auth help [options] TYPE | PATH",
    .synopsis = "How to log in with a method",
    .about = "Shows how to log in with a method.",
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {guess_method},
    .run = help_run,
};
