#include "agent/vault_config.h"

#include <string.h>
#include <sys/stat.h>

#include "api/config.h"
#include "base/err.h"

#define IGNORED(name, type_)                                               \
    {                                                                      \
        name, name, F_JSON, offsetof(type_, ignored), .flags = FIELD_BLOCK \
    }

static const struct schema_field listener_fields[] = {
    {"type", "type", F_STR, offsetof(struct vault_listener, type), .flags = FIELD_LABEL},
    {"address", "address", F_STR, offsetof(struct vault_listener, address)},
    {"cluster_address", "cluster_address", F_STR,
     offsetof(struct vault_listener, cluster_address)},
    {"tls_disable", "tls_disable", F_BOOL, offsetof(struct vault_listener, tls_disable)},
    {"tls_cert_file", "tls_cert_file", F_STR, offsetof(struct vault_listener, tls_cert_file)},
    {"tls_key_file", "tls_key_file", F_STR, offsetof(struct vault_listener, tls_key_file)},
    {"tls_client_ca_file", "tls_client_ca_file", F_STR,
     offsetof(struct vault_listener, tls_client_ca_file)},
    {"tls_min_version", "tls_min_version", F_STR,
     offsetof(struct vault_listener, tls_min_version), .one_of = "tls10|tls11|tls12|tls13"},
    {"tls_require_and_verify_client_cert", "tls_require_and_verify_client_cert", F_BOOL,
     offsetof(struct vault_listener, tls_require_and_verify_client_cert)},
    {"tls_disable_client_certs", "tls_disable_client_certs", F_BOOL,
     offsetof(struct vault_listener, tls_disable_client_certs)},
    {"max_request_size", "max_request_size", F_INT,
     offsetof(struct vault_listener, max_request_size)},
    {"socket_mode", "socket_mode", F_STR, offsetof(struct vault_listener, socket_mode)},
    IGNORED("socket_user", struct vault_listener),
    IGNORED("socket_group", struct vault_listener),
    IGNORED("tls_max_version", struct vault_listener),
    IGNORED("tls_cipher_suites", struct vault_listener),
    IGNORED("tls_prefer_server_cipher_suites", struct vault_listener),
    IGNORED("max_request_duration", struct vault_listener),
    IGNORED("http_read_timeout", struct vault_listener),
    IGNORED("http_read_header_timeout", struct vault_listener),
    IGNORED("http_write_timeout", struct vault_listener),
    IGNORED("http_idle_timeout", struct vault_listener),
    IGNORED("proxy_protocol_behavior", struct vault_listener),
    IGNORED("proxy_protocol_authorized_addrs", struct vault_listener),
    IGNORED("x_forwarded_for_authorized_addrs", struct vault_listener),
    IGNORED("x_forwarded_for_hop_skips", struct vault_listener),
    IGNORED("x_forwarded_for_reject_not_authorized", struct vault_listener),
    IGNORED("x_forwarded_for_reject_not_present", struct vault_listener),
    IGNORED("telemetry", struct vault_listener),
    IGNORED("profiling", struct vault_listener),
    IGNORED("require_request_header", struct vault_listener),
    IGNORED("custom_response_headers", struct vault_listener),
};
static SCHEMA(listener_schema, "listener", struct vault_listener, listener_fields);

static const struct schema_field storage_fields[] = {
    {"type", "type", F_STR, offsetof(struct vault_storage, type), .flags = FIELD_LABEL},
    {"path", "path", F_STR, offsetof(struct vault_storage, path)},
    {"node_id", "node_id", F_STR, offsetof(struct vault_storage, node_id)},
    IGNORED("performance_multiplier", struct vault_storage),
    IGNORED("trailing_logs", struct vault_storage),
    IGNORED("snapshot_threshold", struct vault_storage),
    IGNORED("snapshot_interval", struct vault_storage),
    IGNORED("retry_join", struct vault_storage),
    IGNORED("retry_join_as_non_voter", struct vault_storage),
    IGNORED("max_entry_size", struct vault_storage),
    IGNORED("autopilot_reconcile_interval", struct vault_storage),
    IGNORED("autopilot_update_interval", struct vault_storage),
};
static SCHEMA(storage_schema, "storage", struct vault_storage, storage_fields);

#define NO_EFFECT(name)                                                                       \
    {                                                                                         \
        name, name, F_JSON, offsetof(struct vault_config_file, ignored), .flags = FIELD_BLOCK \
    }

/* Absent members keep what an earlier file said. */
#define TOP(name, type_, member)                                      \
    {                                                                 \
        name, name, type_, offsetof(struct vault_config_file, member) \
    }

static const struct schema_field config_fields[] = {
    {"listener", "listener", F_LIST, offsetof(struct vault_config_file, c.listeners),
     .sub = &listener_schema},
    {"storage", "storage", F_LIST, offsetof(struct vault_config_file, c.storage),
     .sub = &storage_schema},
    {"backend", "backend", F_LIST, offsetof(struct vault_config_file, backend),
     .sub = &storage_schema},
    TOP("api_addr", F_STR, c.api_addr),
    TOP("cluster_addr", F_STR, c.cluster_addr),
    TOP("cluster_name", F_STR, c.cluster_name),
    TOP("log_level", F_STR, c.log_level),
    TOP("log_format", F_STR, c.log_format),
    TOP("pid_file", F_STR, c.pid_file),
    TOP("default_lease_ttl", F_TTL, c.default_lease_ttl_s),
    TOP("max_lease_ttl", F_TTL, c.max_lease_ttl_s),
    {"ui", "ui", F_BOOL, offsetof(struct vault_config_file, ui), .flags = FIELD_PTR},
    {"disable_mlock", "disable_mlock", F_BOOL,
     offsetof(struct vault_config_file, disable_mlock), .flags = FIELD_PTR},
    {"raw_storage_endpoint", "raw_storage_endpoint", F_BOOL,
     offsetof(struct vault_config_file, raw_storage_endpoint), .flags = FIELD_PTR},
    NO_EFFECT("disable_clustering"),
    NO_EFFECT("cluster_cipher_suites"),
    NO_EFFECT("plugin_directory"),
    NO_EFFECT("enable_response_header_hostname"),
    NO_EFFECT("enable_response_header_raft_node_id"),
    NO_EFFECT("default_max_request_duration"),
    NO_EFFECT("cache_size"),
    NO_EFFECT("disable_cache"),
    NO_EFFECT("disable_printable_check"),
    NO_EFFECT("disable_sealwrap"),
    NO_EFFECT("disable_performance_standby"),
    NO_EFFECT("disable_indexing"),
    NO_EFFECT("license_path"),
    NO_EFFECT("log_file"),
    NO_EFFECT("log_rotate_bytes"),
    NO_EFFECT("log_rotate_duration"),
    NO_EFFECT("log_rotate_max_files"),
    NO_EFFECT("telemetry"),
    NO_EFFECT("ha_storage"),
    NO_EFFECT("service_registration"),
    NO_EFFECT("user_lockout"),
};
SCHEMA(vault_config_schema, "configuration", struct vault_config_file, config_fields);

/* ---- merging ---------------------------------------------------------------------------- */

#define TAKE_TEXT(to, from, name) ((to)->name = (from)->name ? (from)->name : (to)->name)

void vault_config_merge(struct arena *a, struct vault_config *to,
                        const struct vault_config_file *f)
{
    const struct vault_config *from = &f->c;

    list_each (&from->listeners, l)
        list_push(a, &to->listeners, *l);
    list_each (&from->storage, s)
        list_push(a, &to->storage, *s);
    list_each (&f->backend, s)
        list_push(a, &to->storage, *s);
    TAKE_TEXT(to, from, api_addr);
    TAKE_TEXT(to, from, cluster_addr);
    TAKE_TEXT(to, from, cluster_name);
    TAKE_TEXT(to, from, log_level);
    TAKE_TEXT(to, from, log_format);
    TAKE_TEXT(to, from, pid_file);
    if (from->default_lease_ttl_s)
        to->default_lease_ttl_s = from->default_lease_ttl_s;
    if (from->max_lease_ttl_s)
        to->max_lease_ttl_s = from->max_lease_ttl_s;
    if (f->ui)
        to->ui = *f->ui;
    if (f->disable_mlock)
        to->disable_mlock = *f->disable_mlock;
    if (f->raw_storage_endpoint)
        to->raw_storage_endpoint = *f->raw_storage_endpoint;
}

static void from_environment(struct vault_config *c)
{
    const struct {
        const char *name, **to;
    } texts[] = {{"VAULT_API_ADDR", &c->api_addr},
                 {"VAULT_CLUSTER_ADDR", &c->cluster_addr},
                 {"VAULT_LOG_LEVEL", &c->log_level},
                 {"VAULT_LOG_FORMAT", &c->log_format}};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const char *v = getenv(texts[i].name);

        if (v && *v)
            *texts[i].to = v;
    }
}

struct merging {
    struct arena *arena;
    struct vault_config *into;
};

static void take_file(void *ctx, const char *file, const void *body)
{
    const struct merging *m = ctx;

    (void)file;
    vault_config_merge(m->arena, m->into, body);
}

int vault_config_load(struct arena *a, const struct flag_list *paths, struct vault_config *ret,
                      struct err *e)
{
    struct merging m = {a, ret};

    for (size_t i = 0; i < paths->len; i++) {
        int n = config_load(a, paths->at[i], &vault_config_schema,
                            "error loading configuration", take_file, &m, e);

        if (n < 0)
            return n;
    }
    from_environment(ret);
    return 0;
}

int vault_config_check(const struct vault_config *c, struct err *e)
{
    static const char *const types[] = {"file", "raft", "inmem", "inmem_ha"};
    const struct vault_storage *s = c->storage.len ? &c->storage.at[0] : NULL;
    bool known = false;

    if (!s)
        return err_set(e, ERR_INVALID, "A storage backend must be specified");
    if (c->storage.len > 1)
        return err_set(e, ERR_INVALID, "only one 'storage' block is permitted");
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        known = known || strcmp(s->type, types[i]) == 0;
    if (!known)
        return err_set(
            e, ERR_INVALID,
            "Unknown storage type %s: use \"file\", \"raft\" or \"inmem\" (all are kept "
            "by our own store)",
            s->type);
    if (strncmp(s->type, "inmem", 5) != 0 && (!s->path || !*s->path))
        return err_set(e, ERR_INVALID,
                       "Error initializing storage of type %s: 'path' must be set", s->type);
    if (c->listeners.len == 0)
        return err_set(e, ERR_INVALID, "at least one 'listener' block must be specified");
    if (c->max_lease_ttl_s && c->default_lease_ttl_s > c->max_lease_ttl_s)
        return err_set(e, ERR_INVALID, "cannot have DefaultLeaseTTL larger than MaxLeaseTTL");
    return 0;
}
