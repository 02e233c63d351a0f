/*
 * init -- everything a new vault begins with, in one transaction
 *
 * Keys and slots (seal.h), the first mounts, the default policy, the root token. The barrier
 * works when it returns, but the vault counts as sealed: commit, then open it with the shares
 * or seal_close it.
 */
#ifndef VAULT_CORE_INIT_H
#define VAULT_CORE_INIT_H

#include "vault/core/seal.h"

struct vault;

/* ret_shares: c->shares of them, the caller's (secret_done). root_token_id NULL: made.
 * ERR_INVALID with the API's texts. */
int vault_init(struct vault *v, struct txn *t, struct arena *a, int64_t now_ns,
               const struct seal_config *c, const char *root_token_id,
               struct secret *ret_shares, struct str *ret_root_token, struct err *e);

#endif
