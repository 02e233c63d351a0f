/* kv version 1, and `generic`, which is the same under its first name. */
#include <string.h>

#include "lang/units.h"
#include "vault/secrets/kv.h"

static const struct schema_field record_fields[] = {
    {"mount", NULL, F_STR, offsetof(struct kv1_record, mount)},
    {"path", NULL, F_STR, offsetof(struct kv1_record, path)},
    {"value", NULL, F_STR, offsetof(struct kv1_record, value), .flags = FIELD_SECRET,
     .max = STORE_VALUE_MAX},
    {"ttl", NULL, F_INT, offsetof(struct kv1_record, ttl_s), .def = "-1"},
    {"written", NULL, F_INT, offsetof(struct kv1_record, written_ns)},
};
static SCHEMA(record_schema, "kv1", struct kv1_record, record_fields);

static void record_key(const void *body, struct key *k)
{
    const struct kv1_record *rec = body;

    key_addz(k, rec->mount);
    key_addz(k, rec->path);
}

const struct table kv1_table = {
    .name = "kv1", .schema = &record_schema, .key = record_key, .sealed = true};

static struct req *req_of(struct call *c)
{
    return c->state;
}

static void key_of(struct key *k, const struct req *r, struct str path)
{
    mount_key(k, &kv1_table, r->mount);
    key_add(k, path);
}

int kv1_get(struct req *r, struct str path, const struct kv1_record **ret, struct err *e)
{
    const struct object *o;
    struct key k;
    int got;

    if (path.len > KV_PATH_MAX)
        return err_set(e, ERR_NOTFOUND, "%s", "");
    key_of(&k, r, path);
    got = table_get(r->txn, &kv1_table, &k, &o, e);
    if (got == 0)
        *ret = o->body;
    return got == ERR_NOTFOUND ? err_set(e, ERR_NOTFOUND, "%s", "") : got;
}

int kv1_del(struct req *r, struct str path, struct err *e)
{
    struct key k;

    if (path.len == 0 || path.len > KV_PATH_MAX)
        return 0;
    key_of(&k, r, path);
    return table_del(r->txn, &kv1_table, &k, e);
}

/* ---- handlers ---------------------------------------------------------------------------- */

static const struct schema_field path_fields[] = {
    {"path", NULL, F_STR, 0},
};
static SCHEMA(path_schema, "kv1", char *, path_fields);

static int exists(struct req *r, bool *ret, struct err *e)
{
    const struct kv1_record *rec;
    int got = kv1_get(r, req_param(r, "path"), &rec, e);

    *ret = got == 0;
    return got == ERR_NOTFOUND ? 0 : got;
}

static int read_secret(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct kv1_record *rec;
    char *path;
    int ret = 0;

    if (r->data->len) /* warns of parameters nobody knows */
        ret = req_decode(r, &path_schema, &path, e);
    if (ret == 0)
        ret = kv1_get(r, req_param(r, "path"), &rec, e);
    if (ret < 0)
        return ret;
    req_data_raw(r, str_of(rec->value));
    req_lease_hint(r, rec->ttl_s >= 0 ? rec->ttl_s : mount_default_ttl_s(r->vault, r->mount));
    return 0;
}

/* How long the value says it is good for. */
static int64_t ttl_of(const struct json *data)
{
    static const char *const names[] = {"ttl", "lease"};
    int64_t s;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct json *v = json_get(data, names[i]);

        if (v && (v->type == JSON_STRING || v->type == JSON_NUMBER) &&
            ttl_from_json(v, &s, NULL) == 0 && s > 0)
            return s;
    }
    return -1;
}

static int write_secret(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    auto_buf struct buf text = BUF_INIT(KV_TEXT_MAX);
    auto_object struct object *o = NULL;
    struct str path = req_param(r, "path");
    struct kv1_record *rec;
    int ret;

    if (path.len == 0)
        return req_fail_multi(e, 500, "missing path");
    if (r->data->len == 0)
        return req_fail(e, "missing data fields");
    text.secret = true;
    ret = kv_check_path(path, e);
    if (ret == 0)
        ret = kv_print(&text, r->data, e);
    if (ret < 0)
        return ret;
    o = object_new(&record_schema);
    arena_set_wipe(o->arena);
    rec = o->body;
    rec->mount = arena_strdup(o->arena, r->mount->uuid);
    rec->path = arena_cstr(o->arena, path);
    rec->value = arena_cstr(o->arena, buf_str(&text));
    rec->ttl_s = ttl_of(r->data);
    rec->written_ns = r->now_ns;
    return table_put(r->txn, &kv1_table, o, e);
}

static int delete_secret(struct call *c, struct err *e)
{
    struct req *r = req_of(c);

    return kv1_del(r, req_param(r, "path"), e);
}

static int list_secrets(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct strlist keys = {0};
    struct key k;
    int ret;

    mount_key(&k, &kv1_table, r->mount);
    ret = list_level(r->txn, &k, req_param(r, "path"), r->a, &keys, e);
    if (ret == 0)
        req_list_keys(r, &keys);
    return ret;
}

static const struct path_info info = {
    .exists = exists,
    .help = "Stores whatever it is given at whatever path, and gives it back. A member \"ttl\" "
            "(or \"lease\") is shown as the reply's lease_duration; nothing is revoked."};

static const struct route routes[] = {
    /* clang-format off */
    {M_GET,    "*path", 0, read_secret,   &info},
    {M_LIST,   "*path", 0, list_secrets,  &info},
    {M_WRITE,  "*path", 0, write_secret,  &info},
    {M_DELETE, "*path", 0, delete_secret, &info},
    /* clang-format on */
};

/* ---- which version a mount has ----------------------------------------------------------- */

static const char *version_of(const struct mount *m)
{
    const char *v = strmap_get(&m->options, "version");

    return v ? v : "";
}

static const struct engine *variant(const struct mount *m)
{
    return strcmp(version_of(m), "2") == 0 ? &kv2_engine : &kv_engine;
}

static bool is_version(const char *v)
{
    return strcmp(v, "") == 0 || strcmp(v, "1") == 0 || strcmp(v, "2") == 0;
}

static int enable(struct req *r, struct mount *m, struct err *e)
{
    (void)r;
    if (!is_version(version_of(m)))
        return req_fail(e, "nil backend of type \"%s\" returned from factory", m->type);
    return 0;
}

static int number_of(const struct mount *m)
{
    const char *v = version_of(m);

    return *v ? v[0] - '0' : 0;
}

int kv_tune(struct req *r, const struct mount *old, struct mount *m, struct err *e)
{
    int was, is;

    if (!is_version(version_of(m)))
        return req_fail(e, "invalid version provided: %s", version_of(m));
    was = number_of(old);
    is = number_of(m);
    if (is < was)
        return req_fail(e, "cannot downgrade mount from version %d", was);
    if (is > was)
        req_warn(
            r,
            "Upgrading mount from version %d to version %d. This mount will be unavailable "
            "for a brief period and will resume service shortly.",
            was, is);
    return 0;
}

static const struct table *const tables[] = {&kv1_table, NULL};
static const struct engine *const variants[] = {&kv2_engine, NULL};

const struct engine kv_engine = {
    .type = "kv",
    .kind = ENGINE_SECRET,
    .plugin_version = "v0.15.0+builtin",
    .routes = routes,
    .n_routes = ARRAY_LEN(routes),
    .tables = tables,
    .enable = enable,
    .tune = kv_tune,
    .variants = variants,
    .variant = variant,
};

const struct engine generic_engine = {
    .type = "generic",
    .kind = ENGINE_SECRET,
    .routes = routes,
    .n_routes = ARRAY_LEN(routes),
    .tables = tables,
};
