/*
 * vault_half -- a vault in this process: store, service, listeners
 *
 * Used by `vault server` and by `serai agent`. Start order: store, api, vault, (dev: init,
 * unseal, first mounts), listeners. Stop order: the reverse; the vault is sealed last.
 */
#ifndef AGENT_VAULT_HALF_H
#define AGENT_VAULT_HALF_H

#include <stdbool.h>

#include "agent/vault_config.h"
#include "base/secret.h"

struct err;
struct vault_half;

struct vault_dev {
    const char *root_token_id; /* NULL: made */
    bool kv_v1, leased_kv, skip_init;
};

struct vault_half_opts {
    const struct vault_config *config;
    const struct vault_dev *dev; /* NULL: not a dev server */
};

int vault_half_start(const struct vault_half_opts *o, struct vault_half **ret, struct err *e);
void vault_half_stop(struct vault_half *h);   /* NULL is fine */
void vault_half_reload(struct vault_half *h); /* SIGHUP: certificates */
struct vault *vault_half_vault(const struct vault_half *h);
struct api *vault_half_api(const struct vault_half *h);
struct store *vault_half_store(const struct vault_half *h);

/* Dev server: what it prints. Valid as long as the half. */
const char *vault_half_unseal_key(const struct vault_half *h); /* base64 */
const char *vault_half_root_token(const struct vault_half *h);
/* "http://127.0.0.1:8200" of the first TCP listener, with the port the kernel chose. */
const char *vault_half_address(const struct vault_half *h);

#endif
