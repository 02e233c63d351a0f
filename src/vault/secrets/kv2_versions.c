/* kv version 2: delete/, undelete/ and destroy/, each for a list of versions. */
#include <string.h>

#include "vault/secrets/kv2.h"

enum { VERSIONS_GIVEN_MAX = 10000 };

typedef LIST(int64_t) version_list;

static int bad_version(const struct json *all, size_t i, const struct json *v, struct err *e)
{
    auto_buf struct buf shown = BUF_INIT(ERR_MSG_SIZE / 3);
    auto_buf struct buf item = BUF_INIT(ERR_MSG_SIZE / 3);

    req_show_value(&shown, all);
    req_show_value(&item, v);
    return req_fail(e,
                    "Field validation failed: error converting input %.*s for field "
                    "\"versions\": 1 error(s) decoding:\n\n* cannot parse '[%zu]' as int: "
                    "strconv.ParseInt: parsing \"%.*s\": invalid syntax",
                    STR_ARG(buf_str(&shown)), i, STR_ARG(buf_str(&item)));
}

static int add_version(struct req *r, const struct json *all, size_t i, const struct json *v,
                       version_list *ret, struct err *e)
{
    int64_t n;

    if ((v->type != JSON_NUMBER && v->type != JSON_STRING) || !str_to_i64(v->text, 0, &n))
        return bad_version(all, i, v, e);
    list_push(r->a, ret, n);
    return 0;
}

/* A list, or one alone; numbers, or texts. */
static int read_versions(struct req *r, version_list *ret, struct err *e)
{
    const struct json *v = json_get(r->data, "versions");
    int got = 0;

    if (json_is(v, JSON_ARRAY)) {
        if (v->len > VERSIONS_GIVEN_MAX)
            return req_fail(e, "at most %d versions may be given", VERSIONS_GIVEN_MAX);
        for (uint32_t i = 0; i < v->len && got == 0; i++)
            got = add_version(r, v, i, &v->items[i], ret, e);
    } else if (v && v->type != JSON_NULL) {
        got = add_version(r, v, 0, v, ret, e);
    }
    if (got == 0 && ret->len == 0)
        return req_fail(e, "No version number provided");
    return got;
}

/* ---- what is done to one ----------------------------------------------------------------- */

typedef int change_fn(struct req *r, struct kv2_meta *m, struct kv2_version *v, struct err *e);

static int delete_one(struct req *r, struct kv2_meta *m, struct kv2_version *v, struct err *e)
{
    (void)m;
    (void)e;
    if (!v->destroyed && !kv2_is_deleted(v, r->now_ns))
        v->deletion_ns = r->now_ns;
    return 0;
}

/* Where versions end by themselves, the time begins anew. */
static int undelete_one(struct req *r, struct kv2_meta *m, struct kv2_version *v, struct err *e)
{
    const struct kv2_config *c;
    int ret;

    if (v->destroyed || v->deletion_ns == 0)
        return 0;
    ret = kv2_config_get(r, &c, e);
    if (ret == 0)
        v->deletion_ns = kv2_deletion_time(m, c, r->now_ns);
    return ret;
}

static int destroy_one(struct req *r, struct kv2_meta *m, struct kv2_version *v, struct err *e)
{
    v->destroyed = true;
    return kv2_del_value(r, m, v->version, e);
}

static int change_versions(struct req *r, change_fn *change, struct err *e)
{
    version_list versions = {0};
    struct kv2_meta *m;
    int ret = read_versions(r, &versions, e);

    if (ret < 0)
        return ret;
    ret = kv2_load(r, req_param(r, "path"), &m, e);
    if (ret < 0)
        return ret == ERR_NOTFOUND ? 0 : ret;
    for (size_t i = 0; i < versions.len && ret == 0; i++) {
        struct kv2_version *v = kv2_find(m, versions.at[i]);

        ret = v ? change(r, m, v, e) : 0;
    }
    return ret < 0 ? ret : kv2_put(r, m, e);
}

static int delete_versions(struct call *c, struct err *e)
{
    return change_versions(kv2_req(c), delete_one, e);
}

static int undelete_versions(struct call *c, struct err *e)
{
    return change_versions(kv2_req(c), undelete_one, e);
}

static int destroy_versions(struct call *c, struct err *e)
{
    return change_versions(kv2_req(c), destroy_one, e);
}

static const struct path_info info = {
    .help = "delete/, undelete/, destroy/: for the given `versions` of a secret. What is "
            "destroyed cannot be brought back."};

const struct route kv2_version_routes[] = {
    /* clang-format off */
    {M_WRITE, "delete/*path",   0, delete_versions,   &info},
    {M_LIST,  "delete/*path",   0, kv2_invalid_path,  NULL},
    {M_WRITE, "undelete/*path", 0, undelete_versions, &info},
    {M_LIST,  "undelete/*path", 0, kv2_invalid_path,  NULL},
    {M_WRITE, "destroy/*path",  0, destroy_versions,  &info},
    {M_LIST,  "destroy/*path",  0, kv2_invalid_path,  NULL},
    /* clang-format on */
};
const size_t n_kv2_version_routes = ARRAY_LEN(kv2_version_routes);
