/* vault secrets ...: the engines. */
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"
#include "cli/vault/mounts.h"

const struct cli_command cmd_secrets = {
    .name = "secrets",
    .synopsis = "Secrets engines",
    .about = "Enables, tunes, moves and disables secrets engines.",
};

static const struct flag enable_flags[] = {
    {"path", FLAG_STR, &mounts_options.path, NULL, "where to mount it, if not under its type"},
    MOUNT_FLAGS,
    {"force-no-cache", FLAG_BOOL, &mounts_options.force_no_cache, NULL, "accepted"},
    {"plugin-name", FLAG_STR, &mounts_options.plugin_name, NULL, "name of the plugin to run"},
    {"local", FLAG_BOOL, &mounts_options.local, NULL, "not replicated"},
    {"seal-wrap", FLAG_BOOL, &mounts_options.seal_wrap, NULL, "wrap its values with the seal"},
    {"external-entropy-access", FLAG_BOOL, &mounts_options.external_entropy_access, NULL,
     "accepted"},
};

static const struct flag tune_flags[] = {MOUNT_FLAGS};

static int enable_run(struct cli_call *c)
{
    return mounts_enable(c, &mount_secrets);
}

static int disable_run(struct cli_call *c)
{
    return mounts_disable(c, &mount_secrets);
}

static int tune_run(struct cli_call *c)
{
    return mounts_tune(c, &mount_secrets);
}

static int move_run(struct cli_call *c)
{
    return mounts_move(c, &mount_secrets);
}

static int list_run(struct cli_call *c)
{
    return mounts_list(c, &mount_secrets);
}

const struct cli_command cmd_secrets_enable = {
    .name = "secrets enable",
    .usage = "vault secrets enable [options] TYPE",
    .synopsis = "Mount an engine",
    .about = "Mounts an engine: aws, kv, database, pki, ssh, transit, totp, ...",
    .flags = CLI_FLAGS(enable_flags),
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {guess_engine_type},
    .run = enable_run,
};

const struct cli_command cmd_secrets_disable = {
    .name = "secrets disable",
    .usage = "vault secrets disable [options] PATH",
    .synopsis = "Unmount an engine",
    .about = "Unmounts an engine; what it gave out is revoked, what it keeps is deleted.",
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {guess_engine},
    .run = disable_run,
};

const struct cli_command cmd_secrets_tune = {
    .name = "secrets tune",
    .usage = "vault secrets tune [options] PATH",
    .synopsis = "Change an engine's settings",
    .about = "Changes the settings that are given; the others stay.",
    .flags = CLI_FLAGS(tune_flags),
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {guess_engine},
    .run = tune_run,
};

const struct cli_command cmd_secrets_move = {
    .name = "secrets move",
    .usage = "vault secrets move [options] SOURCE DESTINATION",
    .synopsis = "Mount an engine elsewhere",
    .about = "Moves an engine; its leases are revoked first.",
    .sets = SET_HTTP,
    .args = {2, 2, "2"},
    .guess = {guess_engine},
    .run = move_run,
};

const struct cli_command cmd_secrets_list = {
    .name = "secrets list",
    .usage = "vault secrets list [options]",
    .synopsis = "Show the mounted engines",
    .about = "Shows what is mounted where.",
    .sets = SET_HTTP | SET_FORMAT | SET_DETAILED,
    .args = {0, 0, "0"},
    .run = list_run,
};
