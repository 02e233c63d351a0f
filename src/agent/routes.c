/* serai routes: every endpoint of both halves, as JSON; the tests walk it. */
#include <stdio.h>

#include "agent/agent.h"
#include "api/api.h"
#include "base/log.h"
#include "nomad/server/server.h"
#include "vault/auth/auth.h"
#include "vault/core/vault.h"
#include "vault/secrets/secrets.h"

enum { TEXT_MAX = 4 << 20, ENGINES_MAX = 64 };

static void write_route(struct json_out *w, const char *service, unsigned methods,
                        const char *path)
{
    json_obj(w);
    json_kv_str(w, "service", service);
    json_key(w, "methods");
    json_arr(w);
    for (unsigned bit = 1; bit <= M_OPTIONS; bit <<= 1)
        if (methods & bit)
            json_str(w, http_method_name(bit));
    json_arr_end(w);
    json_kv_str(w, "path", path);
    json_obj_end(w);
}

static void vault_route(void *arg, unsigned methods, const char *mount_path,
                        const char *pattern)
{
    char path[512];

    snprintf(path, sizeof path, "/v1/%s%s", mount_path, pattern);
    write_route(arg, "vault", methods, path);
}

static void nomad_route(void *arg, unsigned methods, const char *pattern)
{
    write_route(arg, "nomad", methods, pattern);
}

/* A vault that never serves: its tables are all we want. */
static int vault_routes(struct json_out *w, struct err *e)
{
    const struct engine *engines[ENGINES_MAX];
    struct vault_opts o = {.engines = engines, .storage_type = "inmem"};
    auto_store struct store *store = NULL;
    struct api *api = NULL;
    struct vault *v = NULL;
    int r = store_open(&(struct store_opts){0}, &store, e);

    for (size_t i = 0; i < n_secrets_engines; i++)
        engines[o.n_engines++] = secrets_engines[i];
    for (size_t i = 0; i < n_auth_methods; i++)
        engines[o.n_engines++] = auth_methods[i];
    if (r == 0)
        r = api_new(&(struct api_opts){.store = store}, &api, e);
    o.store = store;
    o.api = api;
    if (r == 0)
        r = vault_new(&o, &v, e);
    if (r == 0)
        vault_each_route(v, vault_route, w);
    if (api)
        api_stop(api);
    api_free(api);
    vault_free(v);
    return r;
}

int routes_main(int argc, char **argv)
{
    auto_buf struct buf text = BUF_INIT(TEXT_MAX);
    struct err e = ERR_INIT;
    struct json_out w;
    int r;

    (void)argc;
    (void)argv;
    json_out_init(&w, &text, NULL);
    json_arr(&w);
    r = vault_routes(&w, &e);
    nomad_server_each_route(nomad_route, &w);
    json_arr_end(&w);
    if (r < 0) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    printf("%.*s\n", STR_ARG(buf_str(&text)));
    return 0;
}
