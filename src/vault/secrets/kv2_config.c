/* kv version 2: the mount's settings. */
#include <string.h>

#include "lang/units.h"
#include "vault/secrets/kv2.h"

static int read_config(struct call *c, struct err *e)
{
    struct req *r = kv2_req(c);
    char after[DURATION_TEXT_SIZE];
    const struct kv2_config *cf;
    struct json_out *w;
    int ret = kv2_config_get(r, &cf, e);

    if (ret < 0)
        return ret;
    duration_format(cf->delete_after_s * 1000000000, after);
    w = req_data(r);
    json_kv_bool(w, "cas_required", cf->cas_required);
    json_kv_str(w, "delete_version_after", after);
    json_kv_i64(w, "max_versions", cf->max_versions);
    return 0;
}

struct config_body {
    int64_t max_versions;
    bool cas_required;
    struct json *delete_version_after;
};

static const struct schema_field config_body_fields[] = {
    {"max_versions", NULL, F_INT, offsetof(struct config_body, max_versions)},
    {"cas_required", NULL, F_BOOL, offsetof(struct config_body, cas_required)},
    {"delete_version_after", NULL, F_JSON, offsetof(struct config_body, delete_version_after)},
};
static SCHEMA(config_body_schema, "config", struct config_body, config_body_fields);

static int write_config(struct call *c, struct err *e)
{
    struct req *r = kv2_req(c);
    auto_object struct object *o = NULL;
    const struct kv2_config *old;
    struct config_body b;
    struct kv2_config *cf;
    int64_t after = 0;
    int ret = req_decode(r, &config_body_schema, &b, e);

    if (ret == 0)
        ret = kv2_config_get(r, &old, e);
    if (ret == 0 && b.delete_version_after)
        ret = kv2_read_duration("delete_version_after", b.delete_version_after,
                                "Field validation failed: ", &after, e);
    if (ret < 0)
        return ret;
    o = object_new(&kv2_config_schema);
    cf = o->body;
    *cf = *old;
    cf->mount = arena_strdup(o->arena, r->mount->uuid);
    if (req_has(r, "max_versions"))
        cf->max_versions = (uint32_t)b.max_versions;
    if (req_has(r, "cas_required"))
        cf->cas_required = b.cas_required;
    if (b.delete_version_after)
        cf->delete_after_s = after;
    return table_put(r->txn, &kv2_config_table, o, e);
}

static const struct path_info config_info = {
    .fields = &config_body_schema,
    .help = "Settings of all paths: max_versions, cas_required, delete_version_after."};

const struct route kv2_config_routes[] = {
    /* clang-format off */
    {M_GET,   "config", 0, read_config,  &config_info},
    {M_WRITE, "config", 0, write_config, &config_info},
    /* clang-format on */
};
const size_t n_kv2_config_routes = ARRAY_LEN(kv2_config_routes);
