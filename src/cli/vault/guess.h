/* What the words of `vault`'s commands may be, for the shell's completion. */
#ifndef CLI_VAULT_GUESS_H
#define CLI_VAULT_GUESS_H

#include "cli/common/complete.h"

/* Paths of the API: mounts, and what the engines list. */
cli_guess_fn guess_path, guess_folder;
/* Paths of `vault kv`, below -mount if that is given. */
cli_guess_fn guess_key, guess_key_folder;
cli_guess_fn guess_data; /* k=@file, @file */
cli_guess_fn guess_engine, guess_method, guess_device;
cli_guess_fn guess_engine_type, guess_method_type, guess_device_type, guess_plugin_type;
cli_guess_fn guess_policy, guess_lease, guess_token_role;

extern const struct cli_flag_guess vault_flag_guesses[];

#endif
