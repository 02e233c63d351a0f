/* kv version 2: metadata/. */
#include <string.h>

#include "lang/units.h"
#include "vault/secrets/kv2.h"

/* "metadata" without its slash is no path, but the folder of all. */
static bool is_root(const struct req *r)
{
    return str_eqc(r->path, "metadata");
}

static int refuse_root(struct req *r)
{
    r->status = 404;
    req_warn(r, "Non-listing operations on the root of a K/V v2 mount are not supported.");
    return 0;
}

/* ---- read, list, delete -------------------------------------------------------------------
 */

static void write_versions(struct json_out *w, const struct kv2_meta *m)
{
    json_key(w, "versions");
    json_obj(w);
    for (size_t i = 0; i < m->versions.len; i++) {
        const struct kv2_version *v = &m->versions.at[i];
        char name[32];

        snprintf(name, sizeof name, "%lld", (long long)v->version);
        json_key(w, name);
        json_obj(w);
        kv2_write_time(w, "created_time", v->created_ns);
        kv2_write_time(w, "deletion_time", v->deletion_ns);
        json_kv_bool(w, "destroyed", v->destroyed);
        json_obj_end(w);
    }
    json_obj_end(w);
}

static int read_metadata(struct call *c, struct err *e)
{
    struct req *r = kv2_req(c);
    char after[DURATION_TEXT_SIZE];
    const struct kv2_meta *m;
    struct json_out *w;
    int ret;

    if (is_root(r))
        return refuse_root(r);
    ret = kv2_peek(r, req_param(r, "path"), &m, e);
    if (ret < 0)
        return ret;
    duration_format(m->delete_after_s * 1000000000, after);
    w = req_data(r);
    json_kv_bool(w, "cas_required", m->cas_required);
    kv2_write_time(w, "created_time", m->created_ns);
    json_kv_i64(w, "current_version", m->current);
    kv2_write_custom(w, m);
    json_kv_str(w, "delete_version_after", after);
    json_kv_i64(w, "max_versions", m->max_versions);
    json_kv_i64(w, "oldest_version", m->oldest);
    kv2_write_time(w, "updated_time", m->updated_ns);
    write_versions(w, m);
    return 0;
}

static int list_metadata(struct call *c, struct err *e)
{
    static const struct table *const tables[] = {&kv2_meta_table, &kv1_table};
    struct req *r = kv2_req(c);
    struct strlist keys = {0};
    int ret = 0;

    for (size_t i = 0; i < ARRAY_LEN(tables) && ret == 0; i++) {
        struct key k;

        mount_key(&k, tables[i], r->mount);
        ret = list_level(r->txn, &k, req_param(r, "path"), r->a, &keys, e);
    }
    if (ret < 0)
        return ret;
    strlist_sort_unique(&keys);
    req_list_keys(r, &keys);
    return 0;
}

static int delete_metadata(struct call *c, struct err *e)
{
    struct req *r = kv2_req(c);
    struct kv2_meta *m;
    int ret;

    if (is_root(r))
        return refuse_root(r);
    ret = kv2_load(r, req_param(r, "path"), &m, e);
    if (ret < 0)
        return ret == ERR_NOTFOUND ? 0 : ret;
    return kv2_remove(r, m, e);
}

/* ---- custom metadata ----------------------------------------------------------------------
 */

#define CUSTOM "custom_metadata validation failed: "

static int not_text(const struct json *v, struct err *e)
{
    auto_buf struct buf shown = BUF_INIT(ERR_MSG_SIZE / 2);

    req_show_value(&shown, v);
    return req_fail(e,
                    CUSTOM "'' expected type 'string', got unconvertible type '%s', value: "
                           "'%.*s'",
                    v->type == JSON_ARRAY ? "[]interface {}" : "map[string]interface {}",
                    STR_ARG(buf_str(&shown)));
}

static const char *as_text(struct req *r, const struct json *v)
{
    if (v->type == JSON_BOOL)
        return v->b ? "1" : "0";
    return v->type == JSON_NULL ? "" : arena_cstr(r->a, v->text);
}

static int custom_from_json(struct req *r, const struct json *obj, struct strmap *ret,
                            struct err *e)
{
    for (uint32_t i = 0; i < obj->len; i++) {
        const struct json *v = &obj->members[i].value;

        if (v->type == JSON_OBJECT || v->type == JSON_ARRAY)
            return not_text(v, e);
        if (obj->len <= KV2_CUSTOM_KEYS_MAX)
            strmap_set(r->a, ret, arena_cstr(r->a, obj->members[i].key), as_text(r, v));
    }
    return 0;
}

/* All that is wrong at once, in the API's form of a list. */
static int check_custom(size_t n, const struct strmap *m, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(ERR_MSG_SIZE);
    int problems = 0;

    if (n > KV2_CUSTOM_KEYS_MAX) {
        buf_printf(&b, "\t* " CUSTOM "payload must contain at most %d keys, provided %zu\n",
                   KV2_CUSTOM_KEYS_MAX, n);
        problems++;
    }
    for (size_t i = 0; i < m->len; i++) {
        size_t key = strlen(m->at[i].key), val = strlen(m->at[i].val);

        if (key == 0 || key > KV2_CUSTOM_KEY_MAX) {
            buf_printf(&b,
                       "\t* " CUSTOM "length of key \"%s\" is %zu but must be 0 < len(key) "
                       "<= %d\n",
                       m->at[i].key, key, KV2_CUSTOM_KEY_MAX);
            problems++;
        }
        if (val == 0 || val > KV2_CUSTOM_VALUE_MAX) {
            buf_printf(&b,
                       "\t* " CUSTOM "length of value for key \"%s\" is %zu but must be 0 < "
                       "len(value) <= %d\n",
                       m->at[i].key, val, KV2_CUSTOM_VALUE_MAX);
            problems++;
        }
    }
    if (problems == 0)
        return 0;
    return req_fail(e, "%d error%s occurred:\n%.*s\n", problems, problems == 1 ? "" : "s",
                    STR_ARG(buf_str(&b)));
}

static int set_custom(struct req *r, const struct json *obj, struct kv2_meta *m, struct err *e)
{
    struct strmap map = {0};
    int ret = custom_from_json(r, obj, &map, e);

    if (ret == 0)
        ret = check_custom(obj->len, &map, e);
    if (ret < 0)
        return ret;
    m->custom = map;
    m->has_custom = map.len > 0;
    return 0;
}

/* ---- write, patch -------------------------------------------------------------------------
 */

struct metadata_body {
    const char *path;
    int64_t max_versions;
    bool cas_required;
    struct json *delete_version_after, *custom_metadata;
};

static const struct schema_field metadata_fields[] = {
    {"path", NULL, F_STR, offsetof(struct metadata_body, path)},
    {"max_versions", NULL, F_INT, offsetof(struct metadata_body, max_versions)},
    {"cas_required", NULL, F_BOOL, offsetof(struct metadata_body, cas_required)},
    {"delete_version_after", NULL, F_JSON,
     offsetof(struct metadata_body, delete_version_after)},
    {"custom_metadata", NULL, F_JSON, offsetof(struct metadata_body, custom_metadata)},
};
static SCHEMA(metadata_schema, "metadata", struct metadata_body, metadata_fields);

/* What a write gives; what a patch names, null (its zero) included. */
static bool is_meant(const struct req *r, const char *field)
{
    return r->op == OP_PATCH ? json_get(r->data, field) != NULL : req_has(r, field);
}

static int change(struct req *r, const struct metadata_body *b, struct kv2_meta *m,
                  struct err *e)
{
    const struct json *custom = b->custom_metadata;
    int ret = 0;

    if (is_meant(r, "max_versions"))
        m->max_versions = (uint32_t)b->max_versions;
    if (is_meant(r, "cas_required"))
        m->cas_required = b->cas_required;
    if (is_meant(r, "delete_version_after"))
        ret = kv2_read_duration("delete_version_after", b->delete_version_after, "",
                                &m->delete_after_s, e);
    if (ret < 0 || !is_meant(r, "custom_metadata"))
        return ret;
    if (!custom) {
        m->custom = (struct strmap){0};
        m->has_custom = false;
        return 0;
    }
    ret = kv_object(r, "custom_metadata", custom, "", &custom, e);
    if (ret == 0 && r->op == OP_PATCH) {
        struct json *now = json_new_object(r->a), merged;

        for (size_t i = 0; i < m->custom.len; i++)
            json_set(r->a, now, str_of(m->custom.at[i].key),
                     json_of_str(str_of(m->custom.at[i].val)));
        merged = kv_merge(r->a, now, custom);
        return set_custom(r, &merged, m, e);
    }
    return ret < 0 ? ret : set_custom(r, custom, m, e);
}

static int write_metadata(struct call *c, struct err *e)
{
    struct req *r = kv2_req(c);
    struct str path = req_param(r, "path");
    struct metadata_body b;
    struct kv2_meta *m;
    int ret;

    if (is_root(r) || path.len == 0)
        return refuse_root(r);
    ret = kv_decode(r, &metadata_schema, &b, e);
    if (ret == 0)
        ret = kv_check_path(path, e);
    if (ret < 0)
        return ret;
    ret = kv2_load(r, path, &m, e);
    if (ret == ERR_NOTFOUND && r->op == OP_PATCH) {
        r->status = 404;
        return 0;
    }
    if (ret == ERR_NOTFOUND)
        m = kv2_new(r, path);
    else if (ret < 0)
        return ret;
    ret = change(r, &b, m, e);
    if (ret < 0)
        return ret;
    m->updated_ns = r->now_ns;
    return kv2_put(r, m, e);
}

static const struct path_info info = {
    .exists = kv2_exists,
    .fields = &metadata_schema,
    .help = "Versions and settings of a secret; LIST shows what lies below."};

const struct route kv2_metadata_routes[] = {
    /* clang-format off */
    {M_GET,             "metadata/*path", 0, read_metadata,   &info},
    {M_WRITE | M_PATCH, "metadata/*path", 0, write_metadata,  &info},
    {M_DELETE,          "metadata/*path", 0, delete_metadata, &info},
    {M_LIST,            "metadata/*path", 0, list_metadata,   &info},
    /* clang-format on */
};
const size_t n_kv2_metadata_routes = ARRAY_LEN(kv2_metadata_routes);
