#include "inner.h"

#include <stdio.h>

#include "base/clock.h"
#include "vault/core/init.h"

void inner_check(int r, const struct err *e, const char *what)
{
    if (r < 0) {
        fprintf(stderr, "bench: %s: %s\n", what, e->msg);
        exit(1);
    }
}

void inner_open(struct inner *v, bool durable)
{
    struct store_opts so = {.dir = v->dir, .no_sync = !durable};
    struct err e = ERR_INIT;

    inner_check(store_open(&so, &v->store, &e), &e, "store");
    struct api_opts ao = {.store = v->store};

    inner_check(api_new(&ao, &v->api, &e), &e, "api");
    struct vault_opts vo = {.store = v->store,
                            .api = v->api,
                            .engines = v->engines,
                            .n_engines = v->n_engines,
                            .storage_type = "file"};

    inner_check(vault_new(&vo, &v->vault, &e), &e, "vault");
}

void inner_close(struct inner *v)
{
    api_stop(v->api);
    vault_stop(v->vault);
    vault_free(v->vault);
    api_free(v->api);
    store_close(v->store);
}

void inner_done(struct inner *v)
{
    secret_done(&v->share);
    arena_free(v->arena);
}

static int first_txn(struct txn *t, void *arg, struct err *e)
{
    struct seal_config one = {1, 1};
    struct inner *v = arg;
    struct str root;

    secret_done(&v->share);
    return vault_init(v->vault, t, v->arena, clock_wall_ns(), &one, "root", &v->share, &root,
                      e);
}

void inner_unseal(struct inner *v)
{
    struct err e = ERR_INIT;

    inner_check(seal_open_with_shares(vault_seal(v->vault), &v->share, 1, &e), &e, "unseal");
    inner_check(vault_start(v->vault, &e), &e, "start");
}

void inner_init(struct inner *v, bool durable)
{
    struct err e = ERR_INIT;

    v->arena = arena_new(0);
    inner_open(v, durable);
    inner_check(store_run(v->store, first_txn, v, 0, NULL, &e), &e, "init");
    seal_close(vault_seal(v->vault));
    inner_unseal(v);
}

void inner_ask(struct inner *v, const char *method, const char *path, const char *body)
{
    struct http_field token = {"X-Vault-Token", "root"};
    struct api_request q = {.method = method,
                            .path = path,
                            .body = str_of(body),
                            .headers = &token,
                            .n_headers = 1};
    struct err e = ERR_INIT;
    struct api_response ret;

    inner_check(api_call(v->api, vault_service(v->vault), &q, v->arena, &ret, &e), &e, path);
    if (ret.status >= 300) {
        fprintf(stderr, "bench: %s %s: %d %.*s\n", method, path, ret.status, STR_ARG(ret.body));
        exit(1);
    }
}

const struct mount *inner_mount(struct inner *v, const char *path)
{
    struct err e = ERR_INIT;
    const struct mount *m;
    struct mount *ret;
    struct txn *t;

    inner_check(txn_begin(v->store, TXN_READ_ONLY, &t, &e), &e, path);
    inner_check(mount_by_path(v->vault, t, str_of(path), &m, &e), &e, path);
    ret = schema_copy(&mount_schema, m, v->arena);
    txn_drop(t);
    return ret;
}
