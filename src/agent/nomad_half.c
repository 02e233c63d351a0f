#include "agent/nomad_half.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/nomad_http.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "glue/link_local.h"
#include "http/server.h"
#include "nomad/client/client.h"
#include "nomad/server/remote.h"
#include "nomad/server/server.h"

enum { STOP_MS = 3000, HTTP_PER_ADDRESS = 100 };

struct nomad_half {
    struct arena *arena;
    const struct nomad_config *config;
    struct store *own_store, *store;
    struct api *own_api, *api;
    struct task_secrets *secrets;
    bool own_secrets;
    struct nomad_server *server;
    struct nomad_client *client;
    struct link_local local;
    struct server_link link;
    struct nomad_http *http;
    struct api_mount http_mount, rpc_mount;
    struct http_server *http_server, *rpc_server;
    char dev_dir[64]; /* removed at the end */
};

/* ---- where things are ------------------------------------------------------------------- */

/* A -dev agent has a directory of its own that goes away with it. */
static int choose_dirs(struct nomad_half *h, const char **ret_data, struct err *e)
{
    *ret_data = h->config->data_dir;
    if (h->config->data_dir && *h->config->data_dir)
        return path_mkdirs(h->config->data_dir, 0710, e);
    snprintf(h->dev_dir, sizeof h->dev_dir, "/tmp/NomadClientXXXXXX");
    if (!mkdtemp(h->dev_dir))
        return err_set_errno(e, ERR_IO, "make a directory for the dev agent");
    *ret_data = h->dev_dir;
    return 0;
}

static const char *server_dir(struct nomad_half *h, const char *data)
{
    const char *own = h->config->server.data_dir;

    return own && *own ? own : path_join(h->arena, data, "server");
}

static int open_store(struct nomad_half *h, const char *data, struct err *e)
{
    struct store_opts o = {0};
    int r = 0;

    if (h->store)
        return 0;
    if (!h->config->dev) {
        o.dir = nomad_config_on(h->config->server.enabled) ? server_dir(h, data) : NULL;
        if (o.dir)
            r = path_mkdirs(o.dir, 0700, e);
    }
    if (r == 0)
        r = store_open(&o, &h->own_store, e);
    h->store = h->own_store;
    return r < 0 ? err_wrap(e, r, "server state") : 0;
}

/* ---- server ----------------------------------------------------------------------------- */

static const struct nomad_vault_config *vault_config(const struct nomad_config *c)
{
    return c->vaults.len && nomad_config_on(c->vaults.at[0].enabled) ? &c->vaults.at[0] : NULL;
}

static int make_secrets(struct nomad_half *h, struct err *e)
{
    const struct nomad_vault_config *v = vault_config(h->config);
    struct remote_opts o;

    if (h->secrets || !v)
        return 0;
    if (!v->token || !*v->token) {
        log_warn("vault", "vault is enabled but there is no token (vault { token } or "
                          "VAULT_TOKEN): jobs that ask for "
                          "Vault are refused");
        return 0;
    }
    o = (struct remote_opts){.address = v->address,
                             .token = v->token,
                             .namespace = v->namespace,
                             .create_from_role = v->create_from_role,
                             .ca_file = v->ca_file,
                             .ca_path = v->ca_path,
                             .cert_file = v->cert_file,
                             .key_file = v->key_file,
                             .tls_server_name = v->tls_server_name,
                             .skip_verify = nomad_config_on(v->tls_skip_verify),
                             .allow_unauthenticated =
                                 !v->allow_unauthenticated || *v->allow_unauthenticated,
                             .task_token_ttl = v->task_token_ttl};
    h->own_secrets = true;
    return remote_secrets_new(&o, &h->secrets, e);
}

/* Beside the store, not in it. A -dev agent's is in memory, as its store. */
static int key_file_of(struct nomad_half *h, const char *data, const char **ret, struct err *e)
{
    const char *dir = path_join(h->arena, server_dir(h, data), "keystore");
    int r;

    if (h->config->dev)
        return 0;
    r = path_mkdirs(dir, 0700, e);
    *ret = path_join(h->arena, dir, "root.key");
    return r < 0 ? err_wrap(e, r, "key file") : 0;
}

static int start_server(struct nomad_half *h, const char *data, struct err *e)
{
    const struct nomad_config *c = h->config;
    const struct nomad_server_config *s = &c->server;
    struct nomad_server_opts o = {
        .store = h->store,
        .api = h->api,
        .region = c->region,
        .datacenter = c->datacenter,
        .name = c->name,
        .http_addr = c->advertise.http,
        .rpc_addr = c->advertise.rpc,
        .dev = c->dev,
        .with_client = nomad_config_on(c->client.enabled),
        .heartbeat_grace_ms = s->heartbeat_grace_ns / 1000000,
        .min_heartbeat_ttl_ms = s->min_heartbeat_ttl_ns / 1000000,
        .max_heartbeats_per_second = s->max_heartbeats_per_second,
        .job_gc_threshold_ms = s->job_gc_threshold_ns / 1000000,
        .eval_gc_threshold_ms = s->eval_gc_threshold_ns / 1000000,
        .batch_eval_gc_threshold_ms = s->batch_eval_gc_threshold_ns / 1000000,
        .deployment_gc_threshold_ms = s->deployment_gc_threshold_ns / 1000000,
        .node_gc_threshold_ms = s->node_gc_threshold_ns / 1000000,
        .job_gc_interval_ms = s->job_gc_interval_ns / 1000000,
        .snapshot_dir = c->dev ? NULL : data,
        .oidc_issuer = s->oidc_issuer,
        .job_max_source_size = s->job_max_source_bytes,
        .root_key_rotation_ms = s->root_key_rotation_threshold_ns / 1000000,
        .root_key_gc_ms = s->root_key_gc_threshold_ns / 1000000,
        .root_key_gc_interval_ms = s->root_key_gc_interval_ns / 1000000,
        .acl = {.enabled = nomad_config_on(c->acl.enabled),
                .min_ttl_ns = c->acl.token_min_ttl_ns,
                .max_ttl_ns = c->acl.token_max_ttl_ns,
                .reset_file = path_join(h->arena, server_dir(h, data), "acl-bootstrap-reset")}};
    int r = make_secrets(h, e);

    o.secrets = h->secrets;
    if (r == 0)
        r = key_file_of(h, data, &o.key_file, e);
    if (r == 0)
        r = nomad_server_new(&o, &h->server, e);
    if (r == 0)
        r = nomad_server_start(h->server, e);
    if (r == 0)
        log_info("nomad", "cluster leadership acquired");
    return r;
}

/* ---- client ----------------------------------------------------------------------------- */

static const struct json *plugin_configs(struct nomad_half *h)
{
    struct json *all = json_new_object(h->arena);
    const char *legacy = strmap_get(&h->config->client.options, "driver.raw_exec.enable");

    if (legacy && (strcmp(legacy, "1") == 0 || strcmp(legacy, "true") == 0)) {
        struct json *on = json_new_object(h->arena);

        json_set(h->arena, on, STR("enabled"), json_of_bool(true));
        json_set(h->arena, all, STR("raw_exec"), *on);
    }
    for (size_t i = 0; i < h->config->plugins.len; i++)
        if (h->config->plugins.at[i].config)
            json_set(h->arena, all, str_of(h->config->plugins.at[i].name),
                     *h->config->plugins.at[i].config);
    return all;
}

static void client_options(struct nomad_half *h, const char *data,
                           const struct nomad_half_opts *in, struct nomad_client_opts *o)
{
    const struct nomad_config *c = h->config;
    const struct nomad_client_config *cl = &c->client;
    const struct nomad_vault_config *v = vault_config(c);

    *o = (struct nomad_client_opts){.data_dir = data,
                                    .state_dir = cl->state_dir,
                                    .alloc_dir = cl->alloc_dir,
                                    .region = c->region,
                                    .datacenter = c->datacenter,
                                    .name = c->name,
                                    .node_class = cl->node_class,
                                    .node_pool = cl->node_pool,
                                    .meta = cl->meta,
                                    .options = cl->options,
                                    .servers = cl->servers,
                                    .http_addr = c->advertise.http,
                                    .http_tls = c->tls.http,
                                    .dev = c->dev,
                                    .kill_on_stop = c->dev,
                                    .network_interface = cl->network_interface,
                                    .cpu_total_compute = cl->cpu_total_compute,
                                    .memory_total_mb = cl->memory_total_mb,
                                    .disk_total_mb = cl->disk_total_mb,
                                    .reserved_cpu = cl->reserved.cpu,
                                    .reserved_memory_mb = cl->reserved.memory,
                                    .reserved_disk_mb = cl->reserved.disk,
                                    .reserved_ports = cl->reserved.reserved_ports,
                                    .min_dynamic_port = cl->min_dynamic_port,
                                    .max_dynamic_port = cl->max_dynamic_port,
                                    .max_kill_timeout_ms = cl->max_kill_timeout_ns / 1000000,
                                    .gc_interval_ms = cl->gc_interval_ns / 1000000,
                                    .gc_max_allocs = cl->gc_max_allocs,
                                    .gc_disk_usage = cl->gc_disk_usage_threshold,
                                    .gc_inode_usage = cl->gc_inode_usage_threshold,
                                    .plugins = plugin_configs(h)};
    for (size_t i = 0; i < cl->server_join.retry_join.len; i++)
        list_push(h->arena, &o->servers, cl->server_join.retry_join.at[i]);
    if (c->tls.rpc) {
        o->tls =
            (struct nomad_client_tls){true, c->tls.ca_file, c->tls.cert_file, c->tls.key_file};
    }
    if (v)
        o->vault =
            (struct nomad_client_vault){.enabled = true,
                                        .address = v->address,
                                        .ca_file = v->ca_file,
                                        .ca_path = v->ca_path,
                                        .cert_file = v->cert_file,
                                        .key_file = v->key_file,
                                        .tls_server_name = v->tls_server_name,
                                        .tls_skip_verify = nomad_config_on(v->tls_skip_verify)};
    else if (in->vault_address)
        o->vault = (struct nomad_client_vault){.enabled = true, .address = in->vault_address};
    if (cl->drain_on_shutdown)
        o->drain = (struct nomad_client_drain){true, cl->drain_on_shutdown->force,
                                               cl->drain_on_shutdown->ignore_system_jobs,
                                               cl->drain_on_shutdown->deadline_ns / 1000000};
}

static int start_client(struct nomad_half *h, const char *data,
                        const struct nomad_half_opts *in, struct err *e)
{
    struct nomad_client_opts o;
    int r;

    client_options(h, data, in, &o);
    if (h->server) {
        h->local = (struct link_local){h->api, nomad_server_rpc(h->server)};
        h->link = link_local(&h->local);
        o.link = &h->link;
    }
    r = nomad_client_new(&o, &h->client, e);
    if (r == 0)
        r = nomad_client_start(h->client, e);
    if (r == 0)
        log_info("client", "started client: node_id=%s", nomad_client_id(h->client));
    if (r == 0 && h->server)
        nomad_server_set_client(h->server, nomad_client_id(h->client));
    return r;
}

/* ---- listeners -------------------------------------------------------------------------- */

static int listen_one(struct http_server *s, const char *what, const char *address,
                      int64_t port, const struct http_tls *tls, struct err *e)
{
    struct http_listener_opts o = {.address = strcmp(address, "localhost") == 0 ? "127.0.0.1"
                                                                                : address,
                                   .port = (uint16_t)port,
                                   .tls = tls};
    int r = http_server_listen(s, &o, NULL, e);

    if (r == ERR_EXISTS)
        return err_set(
            e, r,
            "failed to start %s listener: listen tcp %s:%lld: bind: address already in use",
            what, address, (long long)port);
    return r < 0 ? err_wrap(e, r, "failed to start %s listener on %s:%lld", what, address,
                            (long long)port)
                 : 0;
}

/* A snapshot is large whoever sends it; without ACLs nobody has a token. */
static size_t body_limit(struct http_exchange *x, void *arg)
{
    (void)arg;
    return str_eq(http_path(x), STR("/v1/operator/snapshot")) ? HTTP_BODY_MAX
                                                              : http_usual_body_limit(x);
}

static int start_listeners(struct nomad_half *h, struct err *e)
{
    const struct nomad_config *c = h->config;
    struct http_tls http_tls = {.cert_file = c->tls.cert_file,
                                .key_file = c->tls.key_file,
                                .client_ca_file =
                                    c->tls.verify_https_client ? c->tls.ca_file : NULL,
                                .require_client_cert = c->tls.verify_https_client,
                                .min_version = c->tls.tls_min_version};
    struct http_tls rpc_tls = {.cert_file = c->tls.cert_file,
                               .key_file = c->tls.key_file,
                               .client_ca_file = c->tls.ca_file,
                               .require_client_cert = true,
                               .min_version = c->tls.tls_min_version};
    struct http_server_opts http = {
        .handle = api_handle,
        .body_limit = body_limit,
        .arg = &h->http_mount,
        .limits = {.connections_per_address = HTTP_PER_ADDRESS},
        .too_many_text = "Your IP is issuing too many concurrent connections, please rate "
                         "limit your calls\n"};
    struct http_server_opts rpc = {.handle = api_handle, .arg = &h->rpc_mount};
    int r = http_server_new(&http, &h->http_server, e);

    h->http_mount = (struct api_mount){h->api, nomad_http_service(h->http)};
    if (r == 0)
        r = listen_one(h->http_server, "HTTP", c->addresses.http, c->ports.http,
                       c->tls.http ? &http_tls : NULL, e);
    if (r < 0 || !h->server)
        return r;
    h->rpc_mount = (struct api_mount){h->api, nomad_http_rpc_service(h->http)};
    r = http_server_new(&rpc, &h->rpc_server, e);
    return r < 0 ? r
                 : listen_one(h->rpc_server, "RPC", c->addresses.rpc, c->ports.rpc,
                              c->tls.rpc ? &rpc_tls : NULL, e);
}

/* ---- life ------------------------------------------------------------------------------- */

static int start(struct nomad_half *h, const struct nomad_half_opts *o, struct err *e)
{
    const struct nomad_config *c = o->config;
    const char *data = NULL;
    int r = choose_dirs(h, &data, e);

    if (r == 0)
        r = open_store(h, data, e);
    if (r == 0 && !h->api) {
        r = api_new(&(struct api_opts){.store = h->store}, &h->own_api, e);
        h->api = h->own_api;
    }
    if (r == 0 && nomad_config_on(c->server.enabled))
        r = start_server(h, data, e);
    if (r == 0 && nomad_config_on(c->client.enabled))
        r = start_client(h, data, o, e);
    if (r < 0)
        return r;
    h->http = nomad_http_new(&(struct nomad_http_opts){
        .api = h->api, .config = c, .server = h->server, .client = h->client});
    return start_listeners(h, e);
}

int nomad_half_start(const struct nomad_half_opts *o, struct nomad_half **ret, struct err *e)
{
    struct nomad_half *h = calloc(1, sizeof *h);
    int r;

    if (!h)
        abort();
    h->arena = arena_new(0);
    h->config = o->config;
    h->store = o->store;
    h->api = o->api;
    h->secrets = o->secrets;
    r = start(h, o, e);
    if (r < 0) {
        nomad_half_stop(h, false);
        return r;
    }
    *ret = h;
    return 0;
}

static void remove_dev_dir(struct nomad_half *h)
{
    if (h->dev_dir[0])
        path_remove_tree(AT_FDCWD, h->dev_dir, NULL);
}

void nomad_half_stop(struct nomad_half *h, bool leaving)
{
    int64_t deadline;

    if (!h)
        return;
    if (h->client)
        nomad_client_leave(h->client, leaving);
    if (h->api) /* also a shared one: it wakes what the client has parked there */
        api_stop(h->api);
    if (h->client)
        nomad_client_stop(h->client, leaving);
    deadline = clock_mono_ms() + STOP_MS;
    if (h->server)
        nomad_server_stopping(h->server);
    http_server_stop(h->http_server, deadline);
    http_server_stop(h->rpc_server, deadline);
    if (h->server)
        nomad_server_stop(h->server);
    http_server_free(h->http_server);
    http_server_free(h->rpc_server);
    nomad_client_free(h->client);
    nomad_http_free(h->http);
    nomad_server_free(h->server);
    if (h->own_secrets && h->secrets)
        h->secrets->free(h->secrets->ctx);
    api_free(h->own_api);
    store_close(h->own_store);
    remove_dev_dir(h);
    arena_free(h->arena);
    free(h);
}

void nomad_half_reload(struct nomad_half *h)
{
    struct err e = ERR_INIT;

    if (h->config->tls.http && http_server_reload_tls(h->http_server, &e) < 0)
        log_error("agent", "certificates are not reloaded: %s", e.msg);
    if (h->rpc_server && h->config->tls.rpc && http_server_reload_tls(h->rpc_server, &e) < 0)
        log_error("agent", "certificates are not reloaded: %s", e.msg);
    log_info("agent", "reloaded");
}

const char *nomad_half_node_id(const struct nomad_half *h)
{
    return h->client ? nomad_client_id(h->client) : NULL;
}
