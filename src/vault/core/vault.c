#include "vault/core/vault.h"

#include <string.h>

#include "api/wal.h"
#include "base/clock.h"
#include "vault/core/core_priv.h"

/* ---- engines ---------------------------------------------------------------------------- */

static void add_routes(struct engine_routes *er, const struct route *routes, size_t n)
{
    er->routes = reallocarray(er->routes, er->n_routes + n + 1, sizeof *routes);
    if (!er->routes)
        abort();
    if (n)
        memcpy(er->routes + er->n_routes, routes, n * sizeof *routes);
    er->n_routes += n;
}

static void engine_routes_done(struct engine_routes *er)
{
    router_free(er->router);
    free(er->routes);
}

static void add_engine(struct vault *v, const struct engine *engine)
{
    struct engine_routes *er = &v->engines[v->n_engines];

    if (v->n_engines == VAULT_ENGINES_MAX)
        abort(); /* ours: the tables are constant */
    v->n_engines++;
    er->engine = engine;
    add_routes(er, engine->routes, engine->n_routes);
    for (const struct route_part *p = engine->more_routes; p && p->routes; p++)
        add_routes(er, p->routes, *p->n);
    er->router = router_new(er->routes, er->n_routes);
    for (size_t i = 0; engine->variants && engine->variants[i]; i++)
        add_engine(v, engine->variants[i]);
}

const struct engine_routes *engine_routes(const struct vault *v, const struct engine *e)
{
    for (size_t i = 0; i < v->n_engines; i++)
        if (v->engines[i].engine == e)
            return &v->engines[i];
    abort(); /* every engine was added at start */
}

const struct engine *vault_engine(const struct vault *v, const char *type,
                                  enum engine_kind kind)
{
    for (size_t i = 0; i < v->n_engines; i++)
        if (v->engines[i].engine->kind == kind && strcmp(v->engines[i].engine->type, type) == 0)
            return v->engines[i].engine;
    return NULL;
}

static int open_tables(struct vault *v, struct err *e)
{
    const struct table *own[] = {&mount_table,           &policy_table,      &token_table,
                                 &lease_table,           &lease_order_table, &remount_table,
                                 &password_policy_table, &rotation_table};

    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        int r = table_open(v->opts.store, own[i], e);

        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < v->n_engines; i++) {
        const struct table *const *tables = v->engines[i].engine->tables;

        for (size_t k = 0; tables && tables[k]; k++) {
            int r = table_open(v->opts.store, tables[k], e);

            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* ---- life ------------------------------------------------------------------------------- */

int vault_new(const struct vault_opts *o, struct vault **ret, struct err *e)
{
    static const struct engine *const own[] = {&sys_engine, &cubbyhole_engine, &identity_engine,
                                               &token_engine};
    struct vault *v = calloc(1, sizeof *v);
    int r;

    if (!v)
        abort();
    v->opts = *o;
    if (v->opts.default_lease_ttl_s == 0)
        v->opts.default_lease_ttl_s = VAULT_DEFAULT_LEASE_TTL_S;
    if (v->opts.max_lease_ttl_s == 0)
        v->opts.max_lease_ttl_s = VAULT_MAX_LEASE_TTL_S;
    v->started_ns = clock_wall_ns();
    lock_init(&v->lock, "vault", RANK_VAULT);
    v->service = (struct api_service){.name = "vault",
                                      .serve = vault_serve,
                                      .render_error = vault_render_error,
                                      .ctx = v,
                                      .gzip = false};
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        add_engine(v, own[i]);
    for (size_t i = 0; i < o->n_engines; i++)
        add_engine(v, o->engines[i]);
    r = seal_new(o->store, &v->seal, e);
    if (r == 0)
        r = open_tables(v, e);
    if (r < 0) {
        vault_free(v);
        return r;
    }
    wal_register_engines(v);
    *ret = v;
    return 0;
}

int vault_start(struct vault *v, struct err *e)
{
    return lease_loop_start(v, e);
}

void vault_stop(struct vault *v)
{
    lease_loop_stop(v);
}

void vault_free(struct vault *v)
{
    if (!v)
        return;
    lease_loop_stop(v);
    seal_free(v->seal);
    mount_snapshot_free(v->mounts);
    policy_cache_free(v->policies);
    for (size_t i = 0; i < v->n_engines; i++)
        engine_routes_done(&v->engines[i]);
    wal_kinds_free(v);
    lock_done(&v->lock);
    free(v);
}

const struct api_service *vault_service(struct vault *v)
{
    return &v->service;
}

struct store *vault_store(const struct vault *v)
{
    return v->opts.store;
}

struct api *vault_api(const struct vault *v)
{
    return v->opts.api;
}

const struct vault_opts *vault_options(const struct vault *v)
{
    return &v->opts;
}

struct seal *vault_seal(const struct vault *v)
{
    return v->seal;
}

void vault_each_route(const struct vault *v,
                      void (*fn)(void *arg, unsigned methods, const char *mount_path,
                                 const char *pattern),
                      void *arg)
{
    for (size_t i = 0; i < v->n_engines; i++) {
        const struct engine *en = v->engines[i].engine;
        const char *path = strcmp(en->type, "system") == 0 ? "sys" : en->type;
        char mount[128];

        snprintf(mount, sizeof mount, "%s%s/", en->kind == ENGINE_AUTH ? "auth/" : "", path);
        for (size_t k = 0; k < v->engines[i].n_routes; k++)
            fn(arg, v->engines[i].routes[k].methods, mount, v->engines[i].routes[k].pattern);
    }
}
