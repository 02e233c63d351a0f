/*
 * cubbyhole/: a place of its own for every token, gone with it. Wrapped responses lie there
 * too.
 */
#include <string.h>

#include "vault/core/lease_priv.h"

enum { CUBBYHOLE_PATH_MAX = 350, CUBBYHOLE_DELETE_BATCH = 256 };

struct cubby {
    const char *token_hash, *path;
    const char *object; /* JSON text */
};

static const struct schema_field cubby_fields[] = {
    {"token", NULL, F_STR, offsetof(struct cubby, token_hash)},
    {"path", NULL, F_STR, offsetof(struct cubby, path)},
    {"object", NULL, F_STR, offsetof(struct cubby, object), .flags = FIELD_SECRET,
     .max = STORE_VALUE_MAX},
};
static SCHEMA(cubby_schema, "cubbyhole", struct cubby, cubby_fields);

static void cubby_key(const void *body, struct key *k)
{
    const struct cubby *c = body;

    key_addz(k, c->token_hash);
    key_addz(k, c->path);
}

static const struct table cubby_table = {
    .name = "cubbyhole", .schema = &cubby_schema, .key = cubby_key, .sealed = true};

static void key_of(struct key *k, const char *token_hash, struct str path)
{
    key_init(k, cubby_table.name);
    key_addz(k, token_hash);
    key_add(k, path);
}

/* ---- for core ---------------------------------------------------------------------------- */

int cubbyhole_put(struct txn *t, const char *token_hash, const char *path, struct str object,
                  struct err *e)
{
    auto_object struct object *o = object_new(&cubby_schema);
    struct cubby *c = o->body;

    arena_set_wipe(o->arena);
    c->token_hash = arena_strdup(o->arena, token_hash);
    c->path = arena_strdup(o->arena, path);
    c->object = arena_cstr(o->arena, object);
    return table_put(t, &cubby_table, o, e);
}

int cubbyhole_get(struct txn *t, const char *token_hash, const char *path, struct str *ret,
                  struct err *e)
{
    const struct object *o;
    struct key k;
    int r;

    key_of(&k, token_hash, str_of(path));
    r = table_get(t, &cubby_table, &k, &o, e);
    if (r == 0)
        *ret = str_of(((const struct cubby *)o->body)->object);
    return r;
}

int cubbyhole_delete(struct vault *v, struct txn *t, const char *token_hash, struct err *e)
{
    LIST(struct str) found = {0};
    struct arena *a = txn_arena(t);
    const struct object *o;
    struct table_scan it;
    struct key k;
    bool more = false;
    int r;

    (void)v;
    key_init(&k, cubby_table.name);
    key_addz(&k, token_hash);
    r = table_scan_begin(t, &it, &cubby_table, &k, SCAN_KEYS_ONLY, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        more = found.len == CUBBYHOLE_DELETE_BATCH;
        if (more)
            break;
        list_push(a, &found, arena_str(a, it.index_key));
    }
    table_scan_end(&it);
    for (size_t i = 0; i < found.len && r >= 0; i++)
        r = txn_del(t, found.at[i], e);
    if (r < 0 || !more)
        return r < 0 ? r : 0;
    return lease_order_put(t, "cubbyhole", str_of(token_hash), false, 0, e);
}

/* ---- for callers ------------------------------------------------------------------------- */

static struct req *req_of(struct call *c)
{
    return c->state;
}

static int check_owner(struct req *r, struct err *e)
{
    if (!r->token || !r->token->type || strcmp(r->token->type, "service") != 0)
        return req_fail(e,
                        "cubbyhole operations are only supported by \"service\" type tokens");
    return 0;
}

static int check(struct req *r, struct err *e)
{
    struct str path = req_param(r, "path");
    int ret = check_owner(r, e);

    if (ret < 0)
        return ret;
    if (path.len == 0)
        return req_fail_multi(e, 500, "missing path");
    if (path.len > CUBBYHOLE_PATH_MAX)
        return req_fail(e, "a path in the cubbyhole may have at most %d bytes",
                        CUBBYHOLE_PATH_MAX);
    return 0;
}

static bool is_wrapping(const struct token *t)
{
    return t->wrap_path && *t->wrap_path;
}

static int read_cubby(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct str text, path = req_param(r, "path");
    int ret = check(r, e);

    if (ret == 0)
        ret = cubbyhole_get(r->txn, r->token->hash, arena_cstr(r->a, path), &text, e);
    if (ret == ERR_NOTFOUND)
        return err_set(e, ERR_NOTFOUND, "%s", "");
    if (ret < 0)
        return ret;
    if (str_eqc(path, "response") && is_wrapping(r->token)) {
        req_warn(r, "Reading from 'cubbyhole/response' is deprecated. Please use "
                    "sys/wrapping/unwrap to unwrap responses, as it provides additional "
                    "security checks and other benefits.");
        json_kv_strn(req_data(r), "response", text);
        return 0;
    }
    req_data_raw(r, text);
    return 0;
}

static int write_cubby(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    auto_buf struct buf text = BUF_INIT(STORE_VALUE_MAX);
    struct json_out w;
    int ret = check(r, e);

    if (ret < 0)
        return ret;
    if (r->data->len == 0)
        return req_fail_multi(e, 500, "missing data fields");
    text.secret = true;
    json_out_init(&w, &text, NULL);
    w.escape_html = true;
    json_value(&w, r->data);
    ret = buf_check(&text, "the data", e);
    return ret < 0 ? ret
                   : cubbyhole_put(r->txn, r->token->hash,
                                   arena_cstr(r->a, req_param(r, "path")), buf_str(&text), e);
}

static int delete_cubby(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct key k;
    int ret = check(r, e);

    if (ret < 0)
        return ret;
    key_of(&k, r->token->hash, req_param(r, "path"));
    return table_del(r->txn, &cubby_table, &k, e);
}

static int list_cubby(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct strlist keys = {0};
    struct key k;
    int ret = check_owner(r, e);

    if (ret < 0)
        return ret;
    key_init(&k, cubby_table.name);
    key_addz(&k, r->token->hash);
    ret = list_level(r->txn, &k, req_param(r, "path"), r->a, &keys, e);
    if (ret == 0)
        req_list_keys(r, &keys);
    return ret;
}

static int cubby_exists(struct req *r, bool *ret, struct err *e)
{
    struct str text;
    int got = ERR_NOTFOUND;

    if (r->token && r->token->hash)
        got = cubbyhole_get(r->txn, r->token->hash, arena_cstr(r->a, req_param(r, "path")),
                            &text, e);
    *ret = got == 0;
    return got == ERR_NOTFOUND ? 0 : got;
}

static const struct path_info cubby_info = {
    .exists = cubby_exists,
    .help =
        "A place of its own for every token: what is written here can be read with the same "
        "token only, and ends with it."};

static const struct route routes[] = {
    /* clang-format off */
    {M_GET,    "*path", 0, read_cubby,   &cubby_info},
    {M_LIST,   "*path", 0, list_cubby,   &cubby_info},
    {M_WRITE,  "*path", 0, write_cubby,  &cubby_info},
    {M_DELETE, "*path", 0, delete_cubby, &cubby_info},
    /* clang-format on */
};

static const struct table *const tables[] = {&cubby_table, NULL};

const struct engine cubbyhole_engine = {
    .type = "cubbyhole",
    .kind = ENGINE_SECRET,
    .routes = routes,
    .n_routes = ARRAY_LEN(routes),
    .tables = tables,
    .singleton = true,
};
