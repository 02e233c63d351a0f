/* Public PGP keys on the command line: files, binary or with ASCII armour. */
#ifndef CLI_VAULT_PGP_FILES_H
#define CLI_VAULT_PGP_FILES_H

#include <stdbool.h>

struct cli_call;
struct flag_list;
struct json;

enum { PGP_KEYS_MAX = 255 };

/* Set `member` to the keys as a list in base64 (nothing when the flag was not given). False,
 * with the error printed, when a file cannot be read. */
bool pgp_set_keys(struct cli_call *c, struct json *body, const char *member,
                  const struct flag_list *files);
bool pgp_set_key(struct cli_call *c, struct json *body, const char *member, const char *file);

#endif
