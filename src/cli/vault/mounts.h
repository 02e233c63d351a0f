/*
 * Secrets engines and auth methods are mounted alike; what differs is in a mount_kind.
 */
#ifndef CLI_VAULT_MOUNTS_H
#define CLI_VAULT_MOUNTS_H

#include "cli/vault/vault_priv.h"

struct mount_kind {
    const char *api;  /* "sys/mounts" */
    const char *tune; /* what stands between "sys/mounts/" and the path: "", "auth/" */
    const char *noun; /* "secrets engine" */
    bool is_auth;
};

extern const struct mount_kind mount_secrets, mount_auth;

/* Flags that `enable` and `tune` share, and what they were set to. */
struct mounts_options {
    const char *path, *description, *listing_visibility, *token_type, *plugin_name,
        *plugin_version;
    int64_t default_lease_ttl, max_lease_ttl, version;
    bool has_default, has_max, has_description, has_version, force_no_cache, local, seal_wrap,
        external_entropy_access;
    struct flag_list audit_request_keys, audit_response_keys, request_headers, response_headers,
        managed_keys;
    struct cli_pairs options;
};
extern struct mounts_options mounts_options;

#define MOUNT_FLAGS                                                                            \
    {"description", FLAG_STR, &mounts_options.description, &mounts_options.has_description,    \
     "a sentence for people"},                                                                 \
        {"default-lease-ttl", FLAG_CALL, &CLI_DURATION(&mounts_options.default_lease_ttl),     \
         &mounts_options.has_default, "how long its leases last if nothing else says so"},     \
        {"max-lease-ttl", FLAG_CALL, &CLI_DURATION(&mounts_options.max_lease_ttl),             \
         &mounts_options.has_max, "how long its leases last at most"},                         \
        {"audit-non-hmac-request-keys", FLAG_LIST, &mounts_options.audit_request_keys, NULL,   \
         "field of requests that audit devices write in clear; may be repeated"},              \
        {"audit-non-hmac-response-keys", FLAG_LIST, &mounts_options.audit_response_keys, NULL, \
         "the same of responses"},                                                             \
        {"listing-visibility", FLAG_STR, &mounts_options.listing_visibility, NULL,             \
         "unauth: shown to those who have not logged in; hidden"},                             \
        {"passthrough-request-headers", FLAG_LIST, &mounts_options.request_headers, NULL,      \
         "header that reaches the engine; may be repeated"},                                   \
        {"allowed-response-headers", FLAG_LIST, &mounts_options.response_headers, NULL,        \
         "header that the engine may set; may be repeated"},                                   \
        {"allowed-managed-keys", FLAG_LIST, &mounts_options.managed_keys, NULL,                \
         "name of a managed key it may use; may be repeated"},                                 \
        {"plugin-version", FLAG_STR, &mounts_options.plugin_version, NULL, "version to run"},  \
        {"options", FLAG_CALL, &CLI_PAIRS(&mounts_options.options), NULL,                      \
         "key=value for the engine; may be repeated"},                                         \
    {                                                                                          \
        "version", FLAG_INT, &mounts_options.version, &mounts_options.has_version,             \
            "version of the engine (kv: 1 or 2)"                                               \
    }

int mounts_enable(struct cli_call *c, const struct mount_kind *k);
int mounts_disable(struct cli_call *c, const struct mount_kind *k);
int mounts_tune(struct cli_call *c, const struct mount_kind *k);
int mounts_move(struct cli_call *c, const struct mount_kind *k);
int mounts_list(struct cli_call *c, const struct mount_kind *k);

#endif
