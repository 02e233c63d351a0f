/*
 * vault_config -- the configuration of a vault server: files and directories, merged in order
 *
 * Vault's own keys (contract: config file). Later files win over earlier ones; listeners add
 * up. What is accepted without effect (ha_storage, telemetry, cluster settings) is named in
 * docs/compatibility.md.
 */
#ifndef AGENT_VAULT_CONFIG_H
#define AGENT_VAULT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/flags.h"
#include "lang/schema.h"

struct err;

struct vault_listener {
    const char *type; /* "tcp", "unix" */
    const char *address, *cluster_address;
    const char *tls_cert_file, *tls_key_file, *tls_client_ca_file, *tls_min_version;
    bool tls_disable, tls_require_and_verify_client_cert, tls_disable_client_certs;
    int64_t max_request_size;
    const char *socket_mode;
    struct json *ignored;
};

struct vault_storage {
    const char *type, *path, *node_id;
    struct json *ignored;
};

struct vault_config {
    LIST(struct vault_listener) listeners;
    LIST(struct vault_storage) storage;
    const char *api_addr, *cluster_addr, *cluster_name, *log_level, *log_format, *pid_file;
    int64_t default_lease_ttl_s, max_lease_ttl_s;
    bool ui, disable_mlock, raw_storage_endpoint;
};

/* One file's content, or a nomad configuration's `vault_server` block: NULL is not said, and
 * `backend` is the old name of `storage`. */
struct vault_config_file {
    struct vault_config c;
    LIST(struct vault_storage) backend;
    bool *ui, *disable_mlock, *raw_storage_endpoint;
    struct json *ignored;
};
extern const struct schema vault_config_schema;
void vault_config_merge(struct arena *a, struct vault_config *to,
                        const struct vault_config_file *f);

/* Read and merge `paths`; the environment's VAULT_* on top. ERR_INVALID, ERR_NOTFOUND. */
int vault_config_load(struct arena *a, const struct flag_list *paths, struct vault_config *ret,
                      struct err *e);
/* What has to be there and fit together before a start. */
int vault_config_check(const struct vault_config *c, struct err *e);

#endif
