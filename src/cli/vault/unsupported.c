/* Commands that exist and are not done here: they say so, and what to do instead. */
#include "cli/vault/commands.h"

static int not_supported(struct cli_call *c)
{
    say(c, stderr,
        arena_printf(c->arena, "\"vault %s\" is not supported yet. %s", c->command->name,
                     c->command->about));
    return CLI_EXIT_USAGE;
}

static int needs_config(struct cli_call *c)
{
    if (c->argc > 0)
        return not_supported(c);
    puts("Must specify exactly at least one config path using -config");
    return CLI_EXIT_USAGE;
}

static int debug_run(struct cli_call *c)
{
    static const struct cli_args none = {0, 0, "0"};

    if (c->argc > 0 && c->argv[0][0] != '-' && !cli_count_args(c, &none))
        return CLI_EXIT_USAGE;
    return not_supported(c);
}

static int ssh_run(struct cli_call *c)
{
    if (c->argc == 0)
        return cli_fail(CLI_EXIT_USAGE, "Not enough arguments, (expected 1-n, got 0)");
    return not_supported(c);
}

static int subscribe_run(struct cli_call *c)
{
    static const struct cli_args one = {1, -1, "1"};

    return cli_count_args(c, &one) ? not_supported(c) : CLI_EXIT_USAGE;
}

const struct cli_command cmd_agent = {
    .name = "agent",
    .synopsis = "Agent (not supported yet)",
    .about =
        "Jobs get their tokens and rendered secrets from the agent of Nomad; other programs "
        "can use any Vault agent against this server.",
    .any_flags = true,
    .run = needs_config,
};

const struct cli_command cmd_proxy = {
    .name = "proxy",
    .synopsis = "Proxy (not supported yet)",
    .about = "Any Vault proxy works against this server.",
    .any_flags = true,
    .run = needs_config,
};

const struct cli_command cmd_debug = {
    .name = "debug",
    .synopsis = "Collect a debug archive (not supported yet)",
    .about =
        "What it collects can be read one by one: `vault status`, `vault read sys/metrics`, "
        "`vault monitor`.",
    .any_flags = true,
    .run = debug_run,
};

const struct cli_command cmd_ssh = {
    .name = "ssh",
    .synopsis = "Open an ssh session (not supported yet)",
    .about =
        "Get what the session needs with `vault write ssh/creds/ROLE ip=ADDRESS` or `vault "
        "write ssh/sign/ROLE public_key=@FILE`, and call ssh with it.",
    .any_flags = true,
    .run = ssh_run,
};

const struct cli_command cmd_events = {
    .name = "events",
    .synopsis = "What happens, as it happens",
    .about = "Notifications of what happens in the server.",
};

const struct cli_command cmd_events_subscribe = {
    .name = "events subscribe",
    .synopsis = "Follow it (not supported yet)",
    .about = "An audit device tells of every request.",
    .any_flags = true,
    .run = subscribe_run,
};

const struct cli_command cmd_pki = {
    .name = "pki",
    .synopsis = "Helpers for the pki engine (not supported yet)",
    .about = "Its subcommands are not supported yet: the engine is used with `vault read` and "
             "`vault "
             "write`.",
};

const struct cli_command cmd_transit = {
    .name = "transit",
    .synopsis = "Helpers for the transit engine (not supported yet)",
    .about = "Its subcommands are not supported yet: the engine is used with `vault read` and "
             "`vault "
             "write`.",
};

const struct cli_command cmd_operator_diagnose = {
    .name = "operator diagnose",
    .synopsis = "Check a configuration (not supported yet)",
    .about = "`vault server` says what is wrong with its configuration, and where.",
    .any_flags = true,
    .run = not_supported,
};

const struct cli_command cmd_operator_migrate = {
    .name = "operator migrate",
    .synopsis = "Move data to other storage (not supported yet)",
    .about = "A snapshot of one server can be restored by another.",
    .any_flags = true,
    .run = not_supported,
};

/* The program's main takes this one away; the row is for the help. */
const struct cli_command cmd_server = {
    .name = "server",
    .usage = "vault server [options]",
    .synopsis = "Start a server",
    .about =
        "Starts a server with -config=FILE, or with -dev one for a try: in memory, unsealed, "
        "its root token on the screen.",
    .any_flags = true,
    .flag_names = "config dev dev-root-token-id dev-listen-address dev-no-store-token "
                  "dev-skip-init log-level log-format",
    .run = not_supported,
};
