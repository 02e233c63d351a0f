/* Giving a share of the unseal key to an operation that collects them. */
#ifndef CLI_VAULT_OPERATOR_SHARE_H
#define CLI_VAULT_OPERATOR_SHARE_H

#include "cli/vault/vault_priv.h"

struct share {
    const char *key, *nonce;
};

/* From argv[0] ("-": standard input) and `nonce`, or asked for on the terminal; then the nonce
 * is that of `status_path`, which must have been started. 0 or the exit code, with the error
 * printed. `what`: "root generation". */
int share_of(struct cli_call *c, const char *nonce, const char *status_path, const char *what,
             struct share *ret);
/* {"key": ..., "nonce": ...} */
struct json *share_body(struct arena *a, const struct share *s);

#endif
