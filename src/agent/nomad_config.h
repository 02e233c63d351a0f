/*
 * nomad_config -- the configuration of a nomad agent: defaults or -dev, files in order, flags,
 * environment
 *
 * Nomad's own keys (contract: agent configuration). Scalars: the later one that is set wins; a
 * true bool stays true; maps merge by key; lists of addresses add up; `plugin` blocks merge by
 * name.
 */
#ifndef AGENT_NOMAD_CONFIG_H
#define AGENT_NOMAD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/vault_config.h"
#include "base/arena.h"
#include "base/flags.h"
#include "lang/schema.h"

struct err;

struct nomad_ports {
    int64_t http, rpc, serf;
};

struct nomad_addresses {
    const char *http, *rpc, *serf;
};

/* A body is no longer than that. */
enum { NOMAD_SOURCE_SIZE_MAX = 32 << 20 };

struct nomad_server_config {
    bool *enabled;
    int64_t bootstrap_expect;
    const char *data_dir;
    int64_t heartbeat_grace_ns, min_heartbeat_ttl_ns;
    double max_heartbeats_per_second;
    int64_t job_gc_interval_ns, job_gc_threshold_ns, eval_gc_threshold_ns,
        batch_eval_gc_threshold_ns, deployment_gc_threshold_ns, node_gc_threshold_ns,
        root_key_gc_interval_ns, root_key_gc_threshold_ns, root_key_rotation_threshold_ns;
    const char *oidc_issuer;
    const char *job_max_source_size; /* "1M" */
    int64_t job_max_source_bytes;    /* the same; 0: not given, <0: none is kept */
    struct json *ignored;
};

struct nomad_reserved {
    int64_t cpu, memory, disk;
    const char *reserved_ports;
    struct json *ignored;
};

struct nomad_server_join {
    struct strlist retry_join, start_join;
    struct json *ignored;
};

struct nomad_drain_on_shutdown {
    int64_t deadline_ns;
    bool force, ignore_system_jobs;
};

struct nomad_client_config {
    bool *enabled;
    const char *state_dir, *alloc_dir, *node_class, *node_pool, *network_interface;
    struct strlist servers;
    struct nomad_server_join server_join;
    struct strmap meta, options;
    int64_t cpu_total_compute, memory_total_mb, disk_total_mb, gc_interval_ns, gc_max_allocs,
        gc_disk_usage_threshold, gc_inode_usage_threshold, max_kill_timeout_ns,
        min_dynamic_port, max_dynamic_port;
    struct nomad_reserved reserved;
    struct nomad_drain_on_shutdown *drain_on_shutdown;
    struct json *ignored;
};

struct nomad_vault_config {
    const char *name;
    bool *enabled, *allow_unauthenticated, *tls_skip_verify;
    const char *address, *token, *create_from_role, *task_token_ttl, *namespace;
    const char *ca_file, *ca_path, *cert_file, *key_file, *tls_server_name;
    struct json *ignored;
};

struct nomad_plugin_config {
    const char *name;
    struct json *config, *ignored;
};

struct nomad_tls_config {
    bool http, rpc, verify_https_client, verify_server_hostname;
    const char *ca_file, *cert_file, *key_file, *tls_min_version;
    struct json *ignored;
};

struct nomad_acl_config {
    bool *enabled;
    int64_t token_min_ttl_ns, token_max_ttl_ns;
    struct json *ignored;
};

struct nomad_config {
    const char *region, *datacenter, *name, *data_dir, *bind_addr, *log_level, *pid_file;
    bool log_json, leave_on_interrupt, leave_on_terminate, enable_debug;
    struct nomad_ports ports;
    struct nomad_addresses addresses, advertise;
    struct nomad_server_config server;
    struct nomad_client_config client;
    LIST(struct nomad_vault_config) vaults;
    LIST(struct nomad_plugin_config) plugins;
    LIST(struct vault_config_file) vault_servers; /* serai agent only */
    struct nomad_tls_config tls;
    struct nomad_acl_config acl;
    bool dev;
    struct strlist files; /* that were loaded */
};

/* `base` holds defaults and, after it, what the flags say is applied by the caller. */
void nomad_config_defaults(struct arena *a, struct nomad_config *c, bool dev);
int nomad_config_load(struct arena *a, const struct flag_list *paths, struct nomad_config *c,
                      struct err *e);
/* Environment and what follows from the rest: addresses, advertised addresses, vault token.
 * Then what must hold. */
int nomad_config_finish(struct arena *a, struct nomad_config *c, struct err *e);
static inline bool nomad_config_on(const bool *b)
{
    return b && *b;
}

#endif
