#include "agent/nomad_config.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/config.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "lang/units.h"

#define TEXT(type_, name)                          \
    {                                              \
#name, #name, F_STR, offsetof(type_, name) \
    }
#define NUMBER(type_, name)                        \
    {                                              \
#name, #name, F_INT, offsetof(type_, name) \
    }
#define YES_NO(type_, name)                         \
    {                                               \
#name, #name, F_BOOL, offsetof(type_, name) \
    }
#define MAYBE(type_, name)                                              \
    {                                                                   \
#name, #name, F_BOOL, offsetof(type_, name), .flags = FIELD_PTR \
    }
#define TIME(type_, key, name)                      \
    {                                               \
        key, key, F_DURATION, offsetof(type_, name) \
    }
#define TEXTS(type_, name)                             \
    {                                                  \
#name, #name, F_STRLIST, offsetof(type_, name) \
    }
#define MAP(type_, name)                                                    \
    {                                                                       \
#name, #name, F_STRMAP, offsetof(type_, name), .flags = FIELD_BLOCK \
    }
#define NO_EFFECT(type_, name)                                             \
    {                                                                      \
        name, name, F_JSON, offsetof(type_, ignored), .flags = FIELD_BLOCK \
    }

static const struct schema_field ports_fields[] = {NUMBER(struct nomad_ports, http),
                                                   NUMBER(struct nomad_ports, rpc),
                                                   NUMBER(struct nomad_ports, serf)};
static SCHEMA(ports_schema, "ports", struct nomad_ports, ports_fields);

static const struct schema_field addresses_fields[] = {TEXT(struct nomad_addresses, http),
                                                       TEXT(struct nomad_addresses, rpc),
                                                       TEXT(struct nomad_addresses, serf)};
static SCHEMA(addresses_schema, "addresses", struct nomad_addresses, addresses_fields);

typedef struct nomad_server_config server_t;
static const struct schema_field server_fields[] = {
    MAYBE(server_t, enabled),
    NUMBER(server_t, bootstrap_expect),
    TEXT(server_t, data_dir),
    TIME(server_t, "heartbeat_grace", heartbeat_grace_ns),
    TIME(server_t, "min_heartbeat_ttl", min_heartbeat_ttl_ns),
    {"max_heartbeats_per_second", "max_heartbeats_per_second", F_DOUBLE,
     offsetof(server_t, max_heartbeats_per_second)},
    TIME(server_t, "job_gc_interval", job_gc_interval_ns),
    TIME(server_t, "job_gc_threshold", job_gc_threshold_ns),
    TIME(server_t, "eval_gc_threshold", eval_gc_threshold_ns),
    TIME(server_t, "batch_eval_gc_threshold", batch_eval_gc_threshold_ns),
    TIME(server_t, "deployment_gc_threshold", deployment_gc_threshold_ns),
    TIME(server_t, "node_gc_threshold", node_gc_threshold_ns),
    TIME(server_t, "root_key_gc_interval", root_key_gc_interval_ns),
    TIME(server_t, "root_key_gc_threshold", root_key_gc_threshold_ns),
    TIME(server_t, "root_key_rotation_threshold", root_key_rotation_threshold_ns),
    TEXT(server_t, oidc_issuer),
    TEXT(server_t, job_max_source_size),
    NO_EFFECT(server_t, "raft_protocol"),
    NO_EFFECT(server_t, "raft_multiplier"),
    NO_EFFECT(server_t, "num_schedulers"),
    NO_EFFECT(server_t, "enabled_schedulers"),
    NO_EFFECT(server_t, "failover_heartbeat_ttl"),
    NO_EFFECT(server_t, "start_join"),
    NO_EFFECT(server_t, "retry_join"),
    NO_EFFECT(server_t, "retry_max"),
    NO_EFFECT(server_t, "retry_interval"),
    NO_EFFECT(server_t, "server_join"),
    NO_EFFECT(server_t, "rejoin_after_leave"),
    NO_EFFECT(server_t, "non_voting_server"),
    NO_EFFECT(server_t, "encrypt"),
    NO_EFFECT(server_t, "authoritative_region"),
    NO_EFFECT(server_t, "default_scheduler_config"),
    NO_EFFECT(server_t, "plan_rejection_tracker"),
    NO_EFFECT(server_t, "enable_event_broker"),
    NO_EFFECT(server_t, "event_buffer_size"),
    NO_EFFECT(server_t, "search"),
    NO_EFFECT(server_t, "raft_boltdb"),
    NO_EFFECT(server_t, "raft_snapshot_threshold"),
    NO_EFFECT(server_t, "raft_snapshot_interval"),
    NO_EFFECT(server_t, "raft_trailing_logs"),
    NO_EFFECT(server_t, "job_default_priority"),
    NO_EFFECT(server_t, "job_max_priority"),
    NO_EFFECT(server_t, "job_tracked_versions"),
    NO_EFFECT(server_t, "acl_token_gc_threshold"),
};
static SCHEMA(server_schema, "server", server_t, server_fields);

static const struct schema_field reserved_fields[] = {
    NUMBER(struct nomad_reserved, cpu),        NUMBER(struct nomad_reserved, memory),
    NUMBER(struct nomad_reserved, disk),       TEXT(struct nomad_reserved, reserved_ports),
    NO_EFFECT(struct nomad_reserved, "cores"),
};
static SCHEMA(reserved_schema, "reserved", struct nomad_reserved, reserved_fields);

static const struct schema_field join_fields[] = {
    TEXTS(struct nomad_server_join, retry_join),
    TEXTS(struct nomad_server_join, start_join),
    NO_EFFECT(struct nomad_server_join, "retry_max"),
    NO_EFFECT(struct nomad_server_join, "retry_interval"),
};
static SCHEMA(join_schema, "server_join", struct nomad_server_join, join_fields);

static const struct schema_field drain_fields[] = {
    TIME(struct nomad_drain_on_shutdown, "deadline", deadline_ns),
    YES_NO(struct nomad_drain_on_shutdown, force),
    YES_NO(struct nomad_drain_on_shutdown, ignore_system_jobs),
};
static SCHEMA(drain_schema, "drain_on_shutdown", struct nomad_drain_on_shutdown, drain_fields);

typedef struct nomad_client_config client_t;
static const struct schema_field client_fields[] = {
    MAYBE(client_t, enabled),
    TEXT(client_t, state_dir),
    TEXT(client_t, alloc_dir),
    TEXT(client_t, node_class),
    TEXT(client_t, node_pool),
    TEXT(client_t, network_interface),
    TEXTS(client_t, servers),
    {"server_join", "server_join", F_EMBED, offsetof(client_t, server_join),
     .sub = &join_schema},
    MAP(client_t, meta),
    MAP(client_t, options),
    NUMBER(client_t, cpu_total_compute),
    NUMBER(client_t, memory_total_mb),
    NUMBER(client_t, disk_total_mb),
    TIME(client_t, "gc_interval", gc_interval_ns),
    NUMBER(client_t, gc_max_allocs),
    NUMBER(client_t, gc_disk_usage_threshold),
    NUMBER(client_t, gc_inode_usage_threshold),
    TIME(client_t, "max_kill_timeout", max_kill_timeout_ns),
    NUMBER(client_t, min_dynamic_port),
    NUMBER(client_t, max_dynamic_port),
    {"reserved", "reserved", F_EMBED, offsetof(client_t, reserved), .sub = &reserved_schema},
    {"drain_on_shutdown", "drain_on_shutdown", F_OBJ, offsetof(client_t, drain_on_shutdown),
     .sub = &drain_schema},
    NO_EFFECT(client_t, "alloc_mounts_dir"),
    NO_EFFECT(client_t, "chroot_env"),
    NO_EFFECT(client_t, "network_speed"),
    NO_EFFECT(client_t, "preferred_address_family"),
    NO_EFFECT(client_t, "disk_free_mb"),
    NO_EFFECT(client_t, "cpu_disable_dmidecode"),
    NO_EFFECT(client_t, "reservable_cores"),
    NO_EFFECT(client_t, "client_min_port"),
    NO_EFFECT(client_t, "client_max_port"),
    NO_EFFECT(client_t, "gc_parallel_destroys"),
    NO_EFFECT(client_t, "no_host_uuid"),
    NO_EFFECT(client_t, "disable_remote_exec"),
    NO_EFFECT(client_t, "host_volume"),
    NO_EFFECT(client_t, "host_network"),
    NO_EFFECT(client_t, "cni_path"),
    NO_EFFECT(client_t, "cni_config_dir"),
    NO_EFFECT(client_t, "bridge_network_name"),
    NO_EFFECT(client_t, "bridge_network_subnet"),
    NO_EFFECT(client_t, "cgroup_parent"),
    NO_EFFECT(client_t, "nomad_service_discovery"),
    NO_EFFECT(client_t, "bind_wildcard_default_host_network"),
    NO_EFFECT(client_t, "users"),
    NO_EFFECT(client_t, "artifact"),
    NO_EFFECT(client_t, "template"),
};
static SCHEMA(client_schema, "client", client_t, client_fields);

typedef struct nomad_acl_config acl_t;
static const struct schema_field acl_fields[] = {
    MAYBE(acl_t, enabled),
    TIME(acl_t, "token_min_expiration_ttl", token_min_ttl_ns),
    TIME(acl_t, "token_max_expiration_ttl", token_max_ttl_ns),
    NO_EFFECT(acl_t, "token_ttl"),
    NO_EFFECT(acl_t, "policy_ttl"),
    NO_EFFECT(acl_t, "role_ttl"),
    NO_EFFECT(acl_t, "replication_token"),
};
static SCHEMA(acl_schema, "acl", acl_t, acl_fields);

typedef struct nomad_vault_config vault_t;
static const struct schema_field vault_fields[] = {
    TEXT(vault_t, name),
    MAYBE(vault_t, enabled),
    MAYBE(vault_t, allow_unauthenticated),
    MAYBE(vault_t, tls_skip_verify),
    TEXT(vault_t, address),
    {"token", "token", F_STR, offsetof(vault_t, token), .flags = FIELD_SECRET},
    TEXT(vault_t, create_from_role),
    TEXT(vault_t, task_token_ttl),
    TEXT(vault_t, namespace),
    TEXT(vault_t, ca_file),
    TEXT(vault_t, ca_path),
    TEXT(vault_t, cert_file),
    TEXT(vault_t, key_file),
    TEXT(vault_t, tls_server_name),
    NO_EFFECT(vault_t, "jwt_auth_backend_path"),
    NO_EFFECT(vault_t, "default_identity"),
};
static SCHEMA(vault_schema, "vault", vault_t, vault_fields);

static const struct schema_field plugin_fields[] = {
    {"name", "name", F_STR, offsetof(struct nomad_plugin_config, name), .flags = FIELD_LABEL},
    {"config", "config", F_JSON, offsetof(struct nomad_plugin_config, config),
     .flags = FIELD_BLOCK},
    NO_EFFECT(struct nomad_plugin_config, "args"),
};
static SCHEMA(plugin_schema, "plugin", struct nomad_plugin_config, plugin_fields);

typedef struct nomad_tls_config tls_t;
static const struct schema_field tls_fields[] = {
    YES_NO(tls_t, http),
    YES_NO(tls_t, rpc),
    YES_NO(tls_t, verify_https_client),
    YES_NO(tls_t, verify_server_hostname),
    TEXT(tls_t, ca_file),
    TEXT(tls_t, cert_file),
    TEXT(tls_t, key_file),
    TEXT(tls_t, tls_min_version),
    NO_EFFECT(tls_t, "rpc_upgrade_mode"),
    NO_EFFECT(tls_t, "tls_cipher_suites"),
    NO_EFFECT(tls_t, "tls_prefer_server_cipher_suites"),
};
static SCHEMA(tls_schema, "tls", tls_t, tls_fields);

/* One file. */
struct file_body {
    struct nomad_config c;
    struct json *ignored;
};

#define TOP(name, type_)                                        \
    {                                                           \
#name, #name, type_, offsetof(struct file_body, c.name) \
    }
#define SUB(name, type_, sub_)                                                 \
    {                                                                          \
#name, #name, type_, offsetof(struct file_body, c.name), .sub = (sub_) \
    }

static const struct schema_field config_fields[] = {
    TOP(region, F_STR),
    TOP(datacenter, F_STR),
    TOP(name, F_STR),
    TOP(data_dir, F_STR),
    TOP(bind_addr, F_STR),
    TOP(log_level, F_STR),
    TOP(log_json, F_BOOL),
    TOP(leave_on_interrupt, F_BOOL),
    TOP(leave_on_terminate, F_BOOL),
    TOP(enable_debug, F_BOOL),
    SUB(ports, F_EMBED, &ports_schema),
    SUB(addresses, F_EMBED, &addresses_schema),
    SUB(advertise, F_EMBED, &addresses_schema),
    SUB(server, F_EMBED, &server_schema),
    SUB(client, F_EMBED, &client_schema),
    SUB(tls, F_EMBED, &tls_schema),
    SUB(acl, F_EMBED, &acl_schema),
    {"vault", "vault", F_LIST, offsetof(struct file_body, c.vaults), .sub = &vault_schema},
    {"plugin", "plugin", F_LIST, offsetof(struct file_body, c.plugins), .sub = &plugin_schema},
    {"vault_server", "vault_server", F_LIST, offsetof(struct file_body, c.vault_servers),
     .sub = &vault_config_schema},
    NO_EFFECT(struct file_body, "plugin_dir"),
    NO_EFFECT(struct file_body, "log_file"),
    NO_EFFECT(struct file_body, "log_include_location"),
    NO_EFFECT(struct file_body, "log_rotate_bytes"),
    NO_EFFECT(struct file_body, "log_rotate_duration"),
    NO_EFFECT(struct file_body, "log_rotate_max_files"),
    NO_EFFECT(struct file_body, "enable_syslog"),
    NO_EFFECT(struct file_body, "syslog_facility"),
    NO_EFFECT(struct file_body, "disable_update_check"),
    NO_EFFECT(struct file_body, "disable_anonymous_signature"),
    NO_EFFECT(struct file_body, "http_api_response_headers"),
    NO_EFFECT(struct file_body, "limits"),
    NO_EFFECT(struct file_body, "ui"),
    NO_EFFECT(struct file_body, "rpc"),
    NO_EFFECT(struct file_body, "telemetry"),
    NO_EFFECT(struct file_body, "consul"),
    NO_EFFECT(struct file_body, "autopilot"),
    NO_EFFECT(struct file_body, "audit"),
    NO_EFFECT(struct file_body, "sentinel"),
    NO_EFFECT(struct file_body, "reporting"),
    NO_EFFECT(struct file_body, "keyring"),
};
static SCHEMA(file_schema, "configuration", struct file_body, config_fields);

/* ---- merging ---------------------------------------------------------------------------- */

static void merge_map(struct arena *a, struct strmap *to, const struct strmap *from)
{
    for (size_t i = 0; i < from->len; i++)
        strmap_set(a, to, from->at[i].key, from->at[i].val);
}

static void merge_list(struct arena *a, struct strlist *to, const struct strlist *from)
{
    for (size_t i = 0; i < from->len; i++)
        list_push(a, to, from->at[i]);
}

/* By the table: what is set in `from` wins; maps and lists as the header says. */
static void merge_by_schema(struct arena *a, const struct schema *s, void *to, const void *from)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        char *t = (char *)to + f->offset;
        const char *v = (const char *)from + f->offset;

        if (f->type == F_EMBED)
            merge_by_schema(a, f->sub, t, v);
        else if (f->type == F_STRMAP)
            merge_map(a, (struct strmap *)t, (const struct strmap *)v);
        else if (f->type == F_STRLIST)
            merge_list(a, (struct strlist *)t, (const struct strlist *)v);
        else if (f->type == F_STR || f->type == F_OBJ || f->type == F_JSON ||
                 (f->flags & FIELD_PTR)) {
            if (*(void *const *)v)
                memcpy(t, v, sizeof(void *));
        } else if (f->type == F_BOOL) {
            *(bool *)t = *(bool *)t || *(const bool *)v;
        } else if (f->type == F_INT || f->type == F_DURATION) {
            if (*(const int64_t *)v)
                memcpy(t, v, sizeof(int64_t));
        } else if (f->type == F_DOUBLE) {
            if (*(const double *)v > 0)
                memcpy(t, v, sizeof(double));
        }
    }
}

static const char *name_or_default(const char *name)
{
    return name && *name ? name : "default";
}

static void merge_vault(struct arena *a, struct nomad_config *c,
                        const struct nomad_vault_config *v)
{
    list_each (&c->vaults, old) {
        if (strcmp(name_or_default(old->name), name_or_default(v->name)) == 0) {
            merge_by_schema(a, &vault_schema, old, v);
            return;
        }
    }
    list_push(a, &c->vaults, *v);
}

static void merge_plugin(struct arena *a, struct nomad_config *c,
                         const struct nomad_plugin_config *p)
{
    list_each (&c->plugins, old) {
        if (strcmp(old->name, p->name) == 0) {
            old->config = p->config ? p->config : old->config;
            return;
        }
    }
    list_push(a, &c->plugins, *p);
}

static void merge_file(struct arena *a, struct nomad_config *c, const struct file_body *f)
{
    struct file_body to;

    list_each (&f->c.vaults, v)
        merge_vault(a, c, v);
    list_each (&f->c.plugins, p)
        merge_plugin(a, c, p);
    list_each (&f->c.vault_servers, v)
        list_push(a, &c->vault_servers, *v);
    to = (struct file_body){.c = *c};
    merge_by_schema(a, &file_schema, &to, f);
    *c = to.c;
}

struct merging {
    struct arena *arena;
    struct nomad_config *into;
};

static void take_file(void *ctx, const char *file, const void *body)
{
    const struct merging *m = ctx;

    merge_file(m->arena, m->into, body);
    list_push(m->arena, &m->into->files, file);
}

int nomad_config_load(struct arena *a, const struct flag_list *paths, struct nomad_config *c,
                      struct err *e)
{
    struct merging m = {a, c};

    for (size_t i = 0; i < paths->len; i++) {
        int n = config_load(a, paths->at[i], &file_schema, "Error loading configuration",
                            take_file, &m, e);

        if (n < 0)
            return n;
        if (n == 0)
            log_warn("agent", "No configuration loaded from %s", paths->at[i]);
    }
    return 0;
}

/* ---- what follows ------------------------------------------------------------------------ */

static bool *yes(struct arena *a)
{
    bool *b = arena_alloc(a, sizeof *b);

    *b = true;
    return b;
}

void nomad_config_defaults(struct arena *a, struct nomad_config *c, bool dev)
{
    *c = (struct nomad_config){.region = "global",
                               .datacenter = "dc1",
                               .bind_addr = dev ? "127.0.0.1" : "0.0.0.0",
                               .log_level = dev ? "DEBUG" : "INFO",
                               .ports = {4646, 4647, 4648},
                               .dev = dev};
    if (!dev)
        return;
    c->server.enabled = yes(a);
    c->client.enabled = yes(a);
    c->server.bootstrap_expect = 1;
    c->enable_debug = true;
    c->client.gc_max_allocs = 50;
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
           strcmp(address, "localhost") == 0;
}

/* "host" or "host:port"; without a port ours is added. */
static const char *with_port(struct arena *a, const char *address, int64_t port)
{
    struct str s = str_of(address);
    ptrdiff_t colon = str_rchr(s, ':');

    if (colon >= 0 && str_chr(s, ':') == colon)
        return address;
    return arena_printf(a, "%s:%lld", address, (long long)port);
}

static int advertise_one(struct arena *a, const struct nomad_config *c, const char *what,
                         const char *bind, int64_t port, const char **to, struct err *e)
{
    if (*to && **to) {
        *to = with_port(a, *to, port);
        return 0;
    }
    if (!c->dev && is_loopback(bind))
        return err_set(e, ERR_INVALID,
                       "Failed to parse %s advertise address: Defaulting advertise to "
                       "localhost is unsafe, please set "
                       "advertise manually",
                       what);
    *to = with_port(a, strcmp(bind, "0.0.0.0") == 0 ? "127.0.0.1" : bind, port);
    return 0;
}

static int finish_addresses(struct arena *a, struct nomad_config *c, struct err *e)
{
    struct nomad_addresses *b = &c->addresses;
    int r;

    b->http = b->http && *b->http ? b->http : c->bind_addr;
    b->rpc = b->rpc && *b->rpc ? b->rpc : c->bind_addr;
    b->serf = b->serf && *b->serf ? b->serf : c->bind_addr;
    r = advertise_one(a, c, "HTTP", b->http, c->ports.http, &c->advertise.http, e);
    if (r == 0)
        r = advertise_one(a, c, "RPC", b->rpc, c->ports.rpc, &c->advertise.rpc, e);
    if (r == 0 && nomad_config_on(c->server.enabled))
        r = advertise_one(a, c, "Serf", b->serf, c->ports.serf, &c->advertise.serf, e);
    return r;
}

static void finish_vault(struct nomad_config *c)
{
    const char *token = getenv("VAULT_TOKEN"), *ns = getenv("VAULT_NAMESPACE");

    list_each (&c->vaults, v) {
        if ((!v->token || !*v->token) && token && *token)
            v->token = token;
        if ((!v->namespace || !*v->namespace) && ns && *ns)
            v->namespace = ns;
        if (!v->address || !*v->address)
            v->address = "https://vault.service.consul:8200";
    }
}

static int check_dirs(const struct nomad_config *c, struct err *e)
{
    const struct {
        const char *name, *value;
    } dirs[] = {{"data-dir", c->data_dir},
                {"alloc-dir", c->client.alloc_dir},
                {"state-dir", c->client.state_dir}};

    for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
        if (dirs[i].value && *dirs[i].value && !path_is_absolute(dirs[i].value))
            return err_set(e, ERR_INVALID, "%s must be given as an absolute path: got %s",
                           dirs[i].name, dirs[i].value);
    if (!c->dev && (!c->data_dir || !*c->data_dir))
        return err_set(e, ERR_INVALID,
                       "Must specify \"data_dir\" config option or \"data-dir\" CLI flag");
    return 0;
}

/* How much of a job's text is kept: a size, 0 for none at all. */
static int finish_source_size(struct nomad_server_config *s, struct err *e)
{
    int64_t bytes;

    if (!s->job_max_source_size || !*s->job_max_source_size)
        return 0;
    if (size_parse(str_of(s->job_max_source_size), &bytes, e) < 0)
        return err_set(e, ERR_INVALID, "server.job_max_source_size: %s", e->msg);
    if (bytes > NOMAD_SOURCE_SIZE_MAX)
        return err_set(e, ERR_INVALID,
                       "server.job_max_source_size must not be above 32 MiB, got %s",
                       s->job_max_source_size);
    s->job_max_source_bytes = bytes > 0 ? bytes : -1;
    return 0;
}

static int check_rest(const struct nomad_config *c, struct err *e)
{
    enum log_level level;

    if (!nomad_config_on(c->server.enabled) && !nomad_config_on(c->client.enabled))
        return err_set(e, ERR_INVALID,
                       "Must specify either server, client or dev mode for the agent.");
    if (strchr(c->datacenter, '*'))
        return err_set(e, ERR_INVALID,
                       "Datacenter name %s contains invalid characters (null or '*')",
                       c->datacenter);
    if (!log_level_parse(str_of(c->log_level), &level))
        return err_set(
            e, ERR_INVALID,
            "Invalid log level: %s. Valid log levels are: TRACE, DEBUG, INFO, WARN, ERROR, OFF",
            c->log_level);
    list_each (&c->vaults, v) {
        int64_t ttl;

        if (v->task_token_ttl && *v->task_token_ttl &&
            (duration_parse(str_of(v->task_token_ttl), &ttl, e) < 0 ||
             ttl < 300LL * 1000000000))
            return err_set(e, ERR_INVALID,
                           "task_token_ttl is less than minimum allowed of 5m0s");
    }
    return 0;
}

int nomad_config_finish(struct arena *a, struct nomad_config *c, struct err *e)
{
    int r = check_rest(c, e);

    if (r == 0)
        r = check_dirs(c, e);
    if (r == 0)
        r = finish_source_size(&c->server, e);
    if (r == 0)
        r = finish_addresses(a, c, e);
    if (r < 0)
        return r;
    finish_vault(c);
    if (!c->name || !*c->name) {
        char host[256] = "nomad";

        gethostname(host, sizeof host - 1);
        c->name = arena_strdup(a, host);
    }
    return 0;
}
