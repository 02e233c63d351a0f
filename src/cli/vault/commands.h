#ifndef CLI_VAULT_COMMANDS_H
#define CLI_VAULT_COMMANDS_H

#include "cli/vault/vault_priv.h"

#define VAULT_COMMAND(name) extern const struct cli_command name;
#include "cli/vault/commands.def"
#undef VAULT_COMMAND

#endif
