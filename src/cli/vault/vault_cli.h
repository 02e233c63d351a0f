/*
 * cli/vault -- the commands of `vault`, all but the server
 *
 * argv[0] is the program's name. The answer is the process's exit code: 0, 1 (wrong use, a
 * local error), 2 (the server or the network said no; `status`: sealed), 127 (no such command).
 * Adding a command is a file (or a few lines in its family's) and a line in commands.def.
 */
#ifndef CLI_VAULT_VAULT_CLI_H
#define CLI_VAULT_VAULT_CLI_H

int vault_cli_main(int argc, char **argv);

#endif
