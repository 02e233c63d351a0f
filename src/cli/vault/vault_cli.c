#include "cli/vault/vault_cli.h"

#include "cli/vault/commands.h"
#include "cli/vault/guess.h"

static const struct cli_command *const commands[] = {
#define VAULT_COMMAND(name) &name,
#include "cli/vault/commands.def"
#undef VAULT_COMMAND
};

static int begin(struct cli_call *c)
{
    int r = vault_options_finish(c->command->sets);

    if (r == CLI_EXIT_OK && c->command->sets & SET_HTTP)
        r = remote_open(c);
    return r;
}

static int print_version(void)
{
    printf("Vault v1.14.9 (serai " SERAI_VERSION ")\n");
    return CLI_EXIT_OK;
}

static int version_run(struct cli_call *c)
{
    (void)c;
    return print_version();
}

const struct cli_command cmd_version = {
    .name = "version",
    .synopsis = "Print the version",
    .run = version_run,
};

int vault_cli_main(int argc, char **argv)
{
    static const struct cli_program program = {
        .name = "vault",
        .commands = commands,
        .n_commands = ARRAY_LEN(commands),
        .sets = vault_flag_sets,
        .n_sets = ARRAY_LEN(vault_flag_sets),
        .common = "read write delete list login server status unwrap",
        .begin = begin,
        .version = print_version,
        .flag_guesses = vault_flag_guesses,
    };
    int r = cli_run(&program, argc, argv);

    remote_close();
    return r;
}
