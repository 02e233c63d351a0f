/* kv version 2: data/ (read, write, patch, delete) and subkeys/. */
#include <string.h>

#include "vault/secrets/kv2.h"

#define VALIDATION "Field validation failed: "

/* ---- read -------------------------------------------------------------------------------- */

struct read_query {
    const char *path;
    int64_t version, depth;
};

static const struct schema_field read_fields[] = {
    {"path", NULL, F_STR, offsetof(struct read_query, path)},
    {"version", NULL, F_INT, offsetof(struct read_query, version)},
};
static SCHEMA(read_schema, "data", struct read_query, read_fields);

static const struct schema_field subkeys_fields[] = {
    {"path", NULL, F_STR, offsetof(struct read_query, path)},
    {"version", NULL, F_INT, offsetof(struct read_query, version)},
    {"depth", NULL, F_INT, offsetof(struct read_query, depth)},
};
static SCHEMA(subkeys_schema, "subkeys", struct read_query, subkeys_fields);

/* What a reader asked for. *ret_text .p NULL: deleted or destroyed, the reply's status is 404.
 */
struct found {
    const struct kv2_meta *meta;
    const struct kv2_version *version;
    struct str text;
};

static int find_version(struct req *r, const struct schema *s, struct read_query *q,
                        struct found *ret, struct err *e)
{
    int got = 0;

    *q = (struct read_query){0};
    *ret = (struct found){0};
    if (r->data->len)
        got = req_decode(r, s, q, e);
    if (got == 0)
        got = kv2_peek(r, req_param(r, "path"), &ret->meta, e);
    if (got < 0)
        return got;
    ret->version = kv2_find(ret->meta, q->version > 0 ? q->version : ret->meta->current);
    if (!ret->version)
        return err_set(e, ERR_NOTFOUND, "%s", "");
    if (ret->version->destroyed || kv2_is_deleted(ret->version, r->now_ns)) {
        r->status = 404;
        return 0;
    }
    return kv2_value(r, ret->meta, ret->version->version, &ret->text, e);
}

static void write_metadata(struct json_out *w, const struct found *f)
{
    json_key(w, "metadata");
    json_obj(w);
    kv2_write_version(w, f->meta, f->version);
    json_obj_end(w);
}

static int read_data(struct call *c, struct err *e)
{
    struct req *r = kv2_req(c);
    struct read_query q;
    struct json_out *w;
    struct found f;
    int ret;

    if (kv2_is_bad_path(req_param(r, "path")))
        return kv2_invalid_path(c, e);
    ret = find_version(r, &read_schema, &q, &f, e);
    if (ret < 0)
        return ret;
    w = req_data(r);
    json_key(w, "data");
    if (f.text.p)
        json_raw(w, f.text);
    else
        json_null(w);
    write_metadata(w, &f);
    return 0;
}

/* The shape without the values: leaves are null; depth 0: all of it. */
static void write_shape(struct json_out *w, const struct json *v, int64_t depth, int64_t max)
{
    if (!json_is(v, JSON_OBJECT) || v->len == 0 || (max > 0 && depth == max)) {
        json_null(w);
        return;
    }
    json_obj(w);
    for (uint32_t i = 0; i < v->len; i++) {
        json_keyn(w, v->members[i].key);
        write_shape(w, &v->members[i].value, depth + 1, max);
    }
    json_obj_end(w);
}

static int read_subkeys(struct call *c, struct err *e)
{
    struct req *r = kv2_req(c);
    struct json *value = NULL;
    struct read_query q;
    struct json_out *w;
    struct found f;
    int ret;

    if (kv2_is_bad_path(req_param(r, "path")))
        return kv2_invalid_path(c, e);
    ret = find_version(r, &subkeys_schema, &q, &f, e);
    if (ret == 0 && f.text.p)
        ret = json_parse(f.text, &json_limits_file, 0, r->a, &value, e);
    if (ret < 0)
        return ret;
    w = req_data(r);
    write_metadata(w, &f);
    json_key(w, "subkeys");
    if (json_is(value, JSON_OBJECT) && value->len == 0) {
        json_obj(w);
        json_obj_end(w);
    } else {
        write_shape(w, value, 0, q.depth);
    }
    return 0;
}

/* ---- write ------------------------------------------------------------------------------- */

struct write {
    const struct json *data, *options;
    const struct kv2_config *config;
    struct kv2_meta *meta; /* NULL: a new path */
};

static int read_write(struct req *r, const char *prefix, struct write *ret, struct err *e)
{
    const struct json *data = json_get(r->data, "data");
    int got;

    *ret = (struct write){0};
    if (!data)
        return req_fail(e, "no data provided");
    got = kv_check_path(req_param(r, "path"), e);
    if (got == 0)
        got = kv_object(r, "data", data, prefix, &ret->data, e);
    if (got == 0)
        got = kv_object(r, "options", json_get(r->data, "options"), prefix, &ret->options, e);
    if (got == 0)
        got = kv2_config_get(r, &ret->config, e);
    if (got == 0)
        got = kv2_load(r, req_param(r, "path"), &ret->meta, e);
    return got == ERR_NOTFOUND ? 0 : got;
}

static bool cas_value(const struct json *v, int64_t *ret)
{
    if (v->type == JSON_BOOL) {
        *ret = v->b;
        return true;
    }
    return (v->type == JSON_NUMBER || v->type == JSON_STRING) && str_to_i64(v->text, 10, ret);
}

/* 0 means: only if there is no version yet. */
static int check_cas(const struct write *w, struct err *e)
{
    const struct json *given = json_get(w->options, "cas");
    int64_t cas;

    if (!given) {
        if (w->config->cas_required || (w->meta && w->meta->cas_required))
            return req_fail(e, "check-and-set parameter required for this call");
        return 0;
    }
    if (!cas_value(given, &cas))
        return req_fail(e, "error parsing check-and-set parameter");
    if (cas != (w->meta ? w->meta->current : 0))
        return req_fail(e, "check-and-set parameter did not match the current version");
    return 0;
}

static int store(struct req *r, struct write *wr, const struct json *value, struct err *e)
{
    auto_buf struct buf text = BUF_INIT(KV_TEXT_MAX);
    struct kv2_meta *m = wr->meta ? wr->meta : kv2_new(r, req_param(r, "path"));
    int ret;

    text.secret = true;
    ret = kv_print(&text, value, e);
    if (ret == 0)
        ret = kv2_add(r, m, wr->config, buf_str(&text), e);
    if (ret < 0)
        return ret;
    kv2_write_version(req_data(r), m, kv2_find(m, m->current));
    return 0;
}

static int write_data(struct call *c, struct err *e)
{
    struct req *r = kv2_req(c);
    struct write wr;
    int ret;

    if (kv2_is_bad_path(req_param(r, "path")))
        return kv2_invalid_path(c, e);
    ret = read_write(r, "", &wr, e);
    if (ret == 0)
        ret = check_cas(&wr, e);
    return ret < 0 ? ret : store(r, &wr, wr.data, e);
}

/* Nothing there: 404 without a body, or with what is known of a version that is gone. */
static int patch_nothing(struct req *r, const struct kv2_meta *m, const struct kv2_version *v)
{
    r->status = 404;
    if (v)
        kv2_write_version(req_data(r), m, v);
    return 0;
}

static int patch_data(struct call *c, struct err *e)
{
    struct req *r = kv2_req(c);
    const struct kv2_version *v;
    struct json *old, merged;
    struct write wr;
    struct str text;
    int ret;

    if (kv2_is_bad_path(req_param(r, "path")))
        return kv2_invalid_path(c, e);
    ret = read_write(r, VALIDATION, &wr, e);
    if (ret < 0)
        return ret;
    if (!wr.meta)
        return patch_nothing(r, NULL, NULL);
    ret = check_cas(&wr, e);
    if (ret < 0)
        return ret;
    v = kv2_find(wr.meta, wr.meta->current);
    if (!v || v->destroyed || kv2_is_deleted(v, r->now_ns))
        return patch_nothing(r, wr.meta, v);
    if (!json_is(wr.data, JSON_OBJECT))
        return req_fail_multi(e, 500, "Invalid JSON Patch");
    ret = kv2_value(r, wr.meta, v->version, &text, e);
    if (ret == 0)
        ret = json_parse(text, &json_limits_file, 0, r->a, &old, e);
    if (ret < 0)
        return ret;
    merged = kv_merge(r->a, old, wr.data);
    return store(r, &wr, &merged, e);
}

static int delete_data(struct call *c, struct err *e)
{
    struct req *r = kv2_req(c);
    struct kv2_version *v;
    struct kv2_meta *m;
    int ret;

    if (kv2_is_bad_path(req_param(r, "path")))
        return kv2_invalid_path(c, e);
    ret = kv2_load(r, req_param(r, "path"), &m, e);
    if (ret < 0)
        return ret == ERR_NOTFOUND ? 0 : ret;
    v = kv2_find(m, m->current);
    if (!v || v->destroyed || kv2_is_deleted(v, r->now_ns))
        return 0;
    v->deletion_ns = r->now_ns;
    return kv2_put(r, m, e);
}

static const struct path_info data_info = {
    .exists = kv2_exists,
    .help = "The versions of a secret: read one, write the next, patch or delete the current."};
static const struct path_info subkeys_info = {.help =
                                                  "The shape of a secret, without its values."};

const struct route kv2_data_routes[] = {
    /* clang-format off */
    {M_GET,    "data/*path",    0, read_data,        &data_info},
    {M_WRITE,  "data/*path",    0, write_data,       &data_info},
    {M_PATCH,  "data/*path",    0, patch_data,       &data_info},
    {M_DELETE, "data/*path",    0, delete_data,      &data_info},
    {M_LIST,   "data/*path",    0, kv2_invalid_path, NULL},
    {M_GET,    "subkeys/*path", 0, read_subkeys,     &subkeys_info},
    {M_LIST,   "subkeys/*path", 0, kv2_invalid_path, NULL},
    /* clang-format on */
};
const size_t n_kv2_data_routes = ARRAY_LEN(kv2_data_routes);
