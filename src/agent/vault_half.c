#include "agent/vault_half.h"

#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/path.h"
#include "http/server.h"
#include "vault/auth/auth.h"
#include "vault/core/init.h"
#include "vault/core/seal.h"
#include "vault/core/vault.h"
#include "vault/secrets/secrets.h"

enum { STOP_MS = 4000, ENGINES_MAX = 64, TEXT_MAX = 4096 };

struct vault_half {
    struct arena *arena;
    struct vault_config config;
    struct store *store;
    struct api *api;
    struct vault *vault;
    struct http_server *server;
    struct api_mount mount;
    const struct engine *engines[ENGINES_MAX];
    const char *address, *unseal_key, *root_token;
};

/* ---- listeners -------------------------------------------------------------------------- */

static int split_address(struct arena *a, const char *address, const char **ret_host,
                         uint16_t *ret_port, struct err *e)
{
    struct str s = str_of(address ? address : "127.0.0.1:8200"), host;
    ptrdiff_t colon = str_rchr(s, ':');
    uint64_t port;

    if (colon < 0 || !str_to_u64(str_from(s, (size_t)colon + 1), 10, &port) || port > 65535)
        return err_set(e, ERR_INVALID, "listener address \"%s\" is not HOST:PORT", address);
    host = str_trim_chars(str_upto(s, (size_t)colon), "[]");
    if (str_eqc(host, "localhost"))
        host = STR("127.0.0.1");
    *ret_host = host.len ? arena_cstr(a, host) : "0.0.0.0";
    *ret_port = (uint16_t)port;
    return 0;
}

static int listen_tcp(struct vault_half *h, const struct vault_listener *l, struct err *e)
{
    struct http_tls tls = {.cert_file = l->tls_cert_file,
                           .key_file = l->tls_key_file,
                           .client_ca_file = l->tls_client_ca_file,
                           .require_client_cert = l->tls_require_and_verify_client_cert,
                           .min_version = l->tls_min_version};
    struct http_listener_opts o = {.tls = l->tls_disable ? NULL : &tls};
    uint16_t port = 0;
    int r = split_address(h->arena, l->address, &o.address, &o.port, e);

    if (r == 0 && o.tls && (!tls.cert_file || !tls.key_file))
        r = err_set(
            e, ERR_INVALID,
            "error loading TLS cert: open : no such file or directory (set tls_cert_file and "
            "tls_key_file, or tls_disable = true)");
    if (r == 0)
        r = http_server_listen(h->server, &o, &port, e);
    if (r == ERR_EXISTS)
        err_set(e, r, "listen tcp %s:%d: bind: address already in use", o.address, o.port);
    if (r < 0)
        return r;
    if (!h->address)
        h->address =
            arena_printf(h->arena, "http%s://%s:%u", o.tls ? "s" : "",
                         strcmp(o.address, "0.0.0.0") == 0 ? "127.0.0.1" : o.address, port);
    return 0;
}

static int listen_unix(struct vault_half *h, const struct vault_listener *l, struct err *e)
{
    struct http_listener_opts o = {.unix_path = l->address};
    uint64_t mode = 0;

    if (!l->address || !*l->address)
        return err_set(e, ERR_INVALID, "a unix listener needs 'address', the socket's path");
    if (l->socket_mode && !str_to_u64(str_of(l->socket_mode), 8, &mode))
        return err_set(e, ERR_INVALID, "socket_mode \"%s\" is not an octal number",
                       l->socket_mode);
    o.unix_mode = (uint32_t)mode;
    return http_server_listen(h->server, &o, NULL, e);
}

static int listen_all(struct vault_half *h, struct err *e)
{
    list_each (&h->config.listeners, l) {
        bool unix_socket = strcmp(l->type, "unix") == 0;
        int r;

        if (!unix_socket && strcmp(l->type, "tcp") != 0)
            return err_set(e, ERR_INVALID,
                           "Error initializing listener of type %s: unknown listener type",
                           l->type);
        r = unix_socket ? listen_unix(h, l, e) : listen_tcp(h, l, e);
        if (r < 0)
            return err_wrap(e, r, "Error initializing listener of type %s", l->type);
    }
    return 0;
}

/* ---- dev -------------------------------------------------------------------------------- */

struct dev_init {
    struct vault_half *half;
    const struct vault_dev *dev;
    struct secret share;
};

static int dev_init_txn(struct txn *t, void *arg, struct err *e)
{
    struct dev_init *d = arg;
    struct seal_config one = {1, 1};
    struct str root;
    int r;

    secret_done(&d->share);
    r = vault_init(d->half->vault, t, d->half->arena, clock_wall_ns(), &one,
                   d->dev->root_token_id, &d->share, &root, e);
    if (r == 0)
        d->half->root_token = arena_cstr(d->half->arena, root);
    return r;
}

static int dev_mount_kv(struct vault_half *h, const struct vault_dev *dev, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    const struct http_field token = {"X-Vault-Token", h->root_token};
    struct api_request q = {
        .method = "POST", .path = "/v1/sys/mounts/secret", .headers = &token, .n_headers = 1};
    struct api_response reply;
    int r;

    q.body =
        str_of(arena_printf(a,
                            "{\"type\":\"kv\",\"description\":\"key/value secret storage\","
                            "\"options\":{\"version\":\"%s\"}}",
                            dev->kv_v1 ? "1" : "2"));
    r = api_call(h->api, vault_service(h->vault), &q, a, &reply, e);
    if (r == 0 && reply.status != 204)
        r = err_set(e, ERR_INTERNAL, "mount secret/: %.*s", STR_ARG(reply.body));
    return r;
}

static int dev_setup(struct vault_half *h, const struct vault_dev *dev, struct err *e)
{
    auto_buf struct buf key = BUF_INIT(TEXT_MAX);
    struct dev_init d = {h, dev, SECRET_INIT};
    int r = store_run(h->store, dev_init_txn, &d, 0, NULL, e);

    if (r == 0)
        r = seal_open_with_shares(vault_seal(h->vault), &d.share, 1, e);
    if (r == 0) {
        codec_base64_encode(&key, str_n(d.share.p, d.share.len), false, true);
        h->unseal_key = arena_cstr(h->arena, buf_str(&key));
        r = dev_mount_kv(h, dev, e);
    }
    secret_done(&d.share);
    return r < 0 ? err_wrap(e, r, "Error initializing Dev mode") : 0;
}

/* ---- life ------------------------------------------------------------------------------- */

static int open_store(struct vault_half *h, struct err *e)
{
    const struct vault_storage *s = &h->config.storage.at[0];
    struct store_opts o = {0};
    int r = 0;

    if (strncmp(s->type, "inmem", 5) != 0) {
        o.dir = s->path;
        r = path_mkdirs(s->path, 0700, e);
        log_info("storage", "storage \"%s\" is served by the local store path=%s", s->type,
                 s->path);
    }
    if (r == 0)
        r = store_open(&o, &h->store, e);
    return r < 0 ? err_wrap(e, r, "Error initializing storage of type %s", s->type) : 0;
}

static int make_vault(struct vault_half *h, const struct vault_half_opts *o, struct err *e)
{
    struct vault_opts v = {.store = h->store,
                           .api = h->api,
                           .engines = h->engines,
                           .storage_type = h->config.storage.at[0].type,
                           .default_lease_ttl_s = h->config.default_lease_ttl_s,
                           .max_lease_ttl_s = h->config.max_lease_ttl_s,
                           .cluster_name = h->config.cluster_name,
                           .api_addr = h->config.api_addr,
                           .cluster_addr = h->config.cluster_addr,
                           .dev = o->dev != NULL,
                           .ui = h->config.ui,
                           .raw_endpoint = h->config.raw_storage_endpoint};

    for (size_t i = 0; i < n_secrets_engines; i++)
        h->engines[v.n_engines++] = secrets_engines[i];
    for (size_t i = 0; i < n_auth_methods; i++)
        h->engines[v.n_engines++] = auth_methods[i];
    return vault_new(&v, &h->vault, e);
}

static int start(struct vault_half *h, const struct vault_half_opts *o, struct err *e)
{
    struct http_server_opts so = {.handle = api_handle, .arg = &h->mount};
    struct api_opts ao = {0};
    int r = open_store(h, e);

    ao.store = h->store;
    if (r == 0)
        r = api_new(&ao, &h->api, e);
    if (r == 0)
        r = make_vault(h, o, e);
    if (r == 0 && o->dev && !o->dev->skip_init)
        r = dev_setup(h, o->dev, e);
    if (r == 0)
        r = vault_start(h->vault, e);
    if (r < 0)
        return r;
    h->mount = (struct api_mount){h->api, vault_service(h->vault)};
    r = http_server_new(&so, &h->server, e);
    return r < 0 ? r : listen_all(h, e);
}

int vault_half_start(const struct vault_half_opts *o, struct vault_half **ret, struct err *e)
{
    struct vault_half *h = calloc(1, sizeof *h);
    int r;

    if (!h)
        abort();
    h->arena = arena_new(0);
    arena_set_wipe(h->arena);
    h->config = *o->config;
    r = start(h, o, e);
    if (r < 0) {
        vault_half_stop(h);
        return r;
    }
    *ret = h;
    return 0;
}

void vault_half_stop(struct vault_half *h)
{
    if (!h)
        return;
    if (h->api)
        api_stop(h->api);
    http_server_stop(h->server, clock_mono_ms() + STOP_MS);
    http_server_free(h->server);
    if (h->vault)
        vault_stop(h->vault);
    api_free(h->api);
    vault_free(h->vault);
    store_close(h->store);
    arena_free(h->arena);
    free(h);
}

void vault_half_reload(struct vault_half *h)
{
    struct err e = ERR_INIT;

    if (http_server_reload_tls(h->server, &e) < 0)
        log_error("core", "certificates are not reloaded: %s", e.msg);
}

struct vault *vault_half_vault(const struct vault_half *h)
{
    return h->vault;
}

struct api *vault_half_api(const struct vault_half *h)
{
    return h->api;
}

struct store *vault_half_store(const struct vault_half *h)
{
    return h->store;
}

const char *vault_half_unseal_key(const struct vault_half *h)
{
    return h->unseal_key;
}

const char *vault_half_root_token(const struct vault_half *h)
{
    return h->root_token;
}

const char *vault_half_address(const struct vault_half *h)
{
    return h->address;
}
