#include "vault_t.h"

#include "vault/core/init.h"
#include "vault/core/seal.h"

static const char unseal_key[] = "vault_t.key"; /* beside the store, for the second start */

struct first {
    struct vault_t *v;
    struct secret share;
};

static int init_txn(struct txn *t, void *arg, struct err *e)
{
    struct seal_config one = {1, 1};
    struct first *f = arg;
    struct str root;
    int r;

    secret_done(&f->share);
    r = vault_init(f->v->vault, t, f->v->arena, clock_wall_ns(), &one, "root", &f->share, &root,
                   e);
    if (r == 0)
        f->v->root = arena_cstr(f->v->arena, root);
    return r;
}

static void keep_share(struct vault_t *v, const struct secret *s)
{
    FILE *f = fopen(arena_printf(v->arena, "%s/%s", v->dir, unseal_key), "w");

    T_TRUE(f && fwrite(s->p, 1, s->len, f) == s->len);
    fclose(f);
}

static bool find_share(struct vault_t *v, struct secret *ret)
{
    FILE *f = v->dir ? fopen(arena_printf(v->arena, "%s/%s", v->dir, unseal_key), "r") : NULL;
    char bytes[64];
    size_t n;

    if (!f)
        return false;
    n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return secret_copy(bytes, n, ret, NULL) == 0;
}

static void open_seal(struct vault_t *v)
{
    struct first f = {v, SECRET_INIT};
    struct err e = ERR_INIT;

    v->root = "root";
    if (!find_share(v, &f.share)) {
        T_OK(store_run(v->store, init_txn, &f, 0, NULL, &e), &e);
        seal_close(vault_seal(v->vault));
        if (v->dir)
            keep_share(v, &f.share);
    }
    T_OK(seal_open_with_shares(vault_seal(v->vault), &f.share, 1, &e), &e);
    secret_done(&f.share);
}

void vault_t_start_in(struct vault_t *v, const char *dir, const struct engine *const *engines,
                      size_t n)
{
    struct store_opts so = {.dir = dir, .no_sync = true};
    struct api_opts ao = {0};
    struct vault_opts vo = {.engines = engines, .n_engines = n, .storage_type = "inmem"};
    struct err e = ERR_INIT;

    *v = (struct vault_t){.arena = arena_new(0), .dir = dir};
    T_OK(store_open(&so, &v->store, &e), &e);
    ao.store = v->store;
    T_OK(api_new(&ao, &v->api, &e), &e);
    vo.store = v->store;
    vo.api = v->api;
    T_OK(vault_new(&vo, &v->vault, &e), &e);
    open_seal(v);
    T_OK(vault_start(v->vault, &e), &e);
}

void vault_t_start(struct vault_t *v, const struct engine *const *engines, size_t n)
{
    vault_t_start_in(v, NULL, engines, n);
}

void vault_t_stop(struct vault_t *v)
{
    api_stop(v->api);
    vault_stop(v->vault);
    vault_free(v->vault);
    api_free(v->api);
    store_close(v->store);
    arena_free(v->arena);
}

struct api_response vault_ask_with(struct vault_t *v, const char *token, const char *method,
                                   const char *path, const char *body,
                                   const struct http_field *field)
{
    struct http_field fields[3] = {0};
    struct api_request q = {
        .method = method, .path = path, .body = str_of(body), .headers = fields};
    struct api_response ret;
    struct err e = ERR_INIT;

    if (token)
        fields[q.n_headers++] = (struct http_field){"X-Vault-Token", token};
    if (field)
        fields[q.n_headers++] = *field;
    if (strcmp(method, "PATCH") == 0)
        fields[q.n_headers++] =
            (struct http_field){"Content-Type", "application/merge-patch+json"};
    T_OK(api_call(v->api, vault_service(v->vault), &q, v->arena, &ret, &e), &e);
    return ret;
}

struct api_response vault_ask(struct vault_t *v, const char *token, const char *method,
                              const char *path, const char *body)
{
    return vault_ask_with(v, token, method, path, body, NULL);
}

const char *vault_text(struct vault_t *v, const struct api_response *r, const char *dotted)
{
    auto_buf struct buf b = BUF_INIT(1 << 20);
    const struct json *at;
    struct json *all;

    if (r->body.len == 0 ||
        json_parse(r->body, &json_limits_file, JSON_COPY, v->arena, &all, NULL) < 0)
        return "";
    at = json_path(all, dotted);
    if (!at)
        return "";
    if (at->type == JSON_STRING)
        return arena_cstr(v->arena, at->text);
    json_print(&b, at, NULL);
    return arena_cstr(v->arena, buf_str(&b));
}

struct api_response vault_expect(struct vault_t *v, int status, const char *method,
                                 const char *path, const char *body)
{
    struct api_response r = vault_ask(v, v->root, method, path, body);

    if (r.status != status)
        t_fail(__FILE__, __LINE__, "%s %s answers %d, not %d: %.*s", method, path, r.status,
               status, STR_ARG(r.body));
    return r;
}
