/* config/root and config/lease. */
#include <string.h>

#include "base/err.h"
#include "lang/units.h"
#include "vault/secrets/aws_priv.h"

static const struct schema_field root_fields[] = {
    {"mount", NULL, F_STR, offsetof(struct aws_root, mount), .flags = FIELD_HIDDEN},
    {"access_key", NULL, F_STR, offsetof(struct aws_root, access_key),
     .doc = "Access key with permission to create what roles ask for."},
    {"secret_key", NULL, F_STR, offsetof(struct aws_root, secret_key), .flags = FIELD_SECRET,
     .doc = "Its secret."},
    {"region", NULL, F_STR, offsetof(struct aws_root, region),
     .doc = "Region of the endpoints; else AWS_REGION, AWS_DEFAULT_REGION, us-east-1."},
    {"iam_endpoint", NULL, F_STR, offsetof(struct aws_root, iam_endpoint),
     .doc = "Where IAM is asked instead of AWS's own place."},
    {"sts_endpoint", NULL, F_STR, offsetof(struct aws_root, sts_endpoint),
     .doc = "Where STS is asked instead of AWS's own place."},
    {"max_retries", NULL, F_INT, offsetof(struct aws_root, max_retries), .def = "-1",
     .doc = "How often a call that failed is tried again; -1: 3 times."},
    {"username_template", NULL, F_STR, offsetof(struct aws_root, username_template),
     .doc = "Template of the names of users and sessions."},
};
static SCHEMA(root_schema, "aws_root", struct aws_root, root_fields);

static void root_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct aws_root *)body)->mount);
}

const struct table aws_root_table = {
    .name = "aws_root", .schema = &root_schema, .key = root_key, .sealed = true};

static const struct schema_field lease_fields[] = {
    {"mount", NULL, F_STR, offsetof(struct aws_lease, mount), .flags = FIELD_HIDDEN},
    {"lease", NULL, F_TTL, offsetof(struct aws_lease, lease_s)},
    {"lease_max", NULL, F_TTL, offsetof(struct aws_lease, lease_max_s)},
};
static SCHEMA(lease_schema, "aws_lease", struct aws_lease, lease_fields);

static void lease_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct aws_lease *)body)->mount);
}

const struct table aws_lease_table = {
    .name = "aws_lease", .schema = &lease_schema, .key = lease_key, .sealed = true};

/* ---- records --------------------------------------------------------------------------------
 */

/* The one record of a mount, copied; NULL without one. */
static int load(struct txn *t, const struct table *table, const char *mount_uuid,
                struct arena *a, void **ret, struct err *e)
{
    const struct object *o;
    struct key k;
    int r;

    *ret = NULL;
    key_init(&k, table->name);
    key_addz(&k, mount_uuid);
    r = table_get(t, table, &k, &o, e);
    if (r == 0)
        *ret = schema_copy(table->schema, o->body, a);
    return r == ERR_NOTFOUND ? 0 : r;
}

static int store(struct txn *t, const struct table *table, const void *body, struct err *e)
{
    auto_object struct object *o = object_new(table->schema);

    arena_set_wipe(o->arena);
    memcpy(o->body, schema_copy(table->schema, body, o->arena), table->schema->size);
    return table_put(t, table, o, e);
}

int aws_root_load(struct txn *t, const char *mount_uuid, struct arena *a,
                  const struct aws_root **ret, bool *ret_found, struct err *e)
{
    static const struct aws_root none = {.max_retries = -1,
                                         .username_template = AWS_USERNAME_TEMPLATE};
    void *found;
    int r = load(t, &aws_root_table, mount_uuid, a, &found, e);

    *ret = found ? found : &none;
    if (ret_found)
        *ret_found = found != NULL;
    return r;
}

int aws_root_store(struct txn *t, const struct aws_root *root, struct err *e)
{
    return store(t, &aws_root_table, root, e);
}

int aws_lease_load(struct txn *t, const char *mount_uuid, struct arena *a,
                   const struct aws_lease **ret, struct err *e)
{
    void *found;
    int r = load(t, &aws_lease_table, mount_uuid, a, &found, e);

    *ret = found;
    return r;
}

/* ---- config/root ----------------------------------------------------------------------------
 */

static int write_root(struct call *c, struct err *e)
{
    struct req *r = aws_req(c);
    struct aws_root root;
    int ret = req_decode(r, &root_schema, &root, e);

    if (ret < 0)
        return ret;
    root.mount = r->mount->uuid;
    if (!root.username_template || !*root.username_template)
        root.username_template = AWS_USERNAME_TEMPLATE;
    return aws_root_store(r->txn, &root, e);
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

static int read_root(struct call *c, struct err *e)
{
    struct req *r = aws_req(c);
    const struct aws_root *root;
    struct json_out *w;
    bool found;
    int ret = aws_root_load(r->txn, r->mount->uuid, r->a, &root, &found, e);

    if (ret < 0 || !found)
        return ret;
    w = req_data(r);
    json_kv_str(w, "access_key", or_empty(root->access_key));
    json_kv_str(w, "iam_endpoint", or_empty(root->iam_endpoint));
    json_kv_i64(w, "max_retries", root->max_retries);
    json_kv_str(w, "region", or_empty(root->region));
    json_kv_str(w, "sts_endpoint", or_empty(root->sts_endpoint));
    json_kv_str(w, "username_template", root->username_template);
    return 0;
}

/* ---- config/lease
 * ---------------------------------------------------------------------------- */

struct lease_body {
    const char *lease, *lease_max;
};

static const struct schema_field lease_body_fields[] = {
    {"lease", NULL, F_STR, offsetof(struct lease_body, lease),
     .doc = "How long users live at first, like 48h."},
    {"lease_max", NULL, F_STR, offsetof(struct lease_body, lease_max),
     .doc = "How long they may live when renewed."},
};
static SCHEMA(lease_body_schema, "aws_lease", struct lease_body, lease_body_fields);

static int read_ttl(const char *name, const char *text, int64_t *ret, struct err *e)
{
    struct err why = ERR_INIT;

    if (ttl_parse(str_of(text), ret, &why) < 0)
        return req_fail(e, "Invalid %s: %s", name, why.msg);
    return 0;
}

static int write_lease(struct call *c, struct err *e)
{
    struct req *r = aws_req(c);
    struct aws_lease lease = {.mount = r->mount->uuid};
    struct lease_body b;
    int ret = req_decode(r, &lease_body_schema, &b, e);

    if (ret < 0)
        return ret;
    if (!b.lease || !*b.lease)
        return req_fail(e, "'lease' is a required parameter");
    if (!b.lease_max || !*b.lease_max)
        return req_fail(e, "'lease_max' is a required parameter");
    ret = read_ttl("lease", b.lease, &lease.lease_s, e);
    if (ret == 0)
        ret = read_ttl("lease_max", b.lease_max, &lease.lease_max_s, e);
    return ret < 0 ? ret : store(r->txn, &aws_lease_table, &lease, e);
}

static void put_duration(struct json_out *w, const char *key, int64_t seconds)
{
    char text[DURATION_TEXT_SIZE];

    duration_format(seconds * 1000000000, text);
    json_kv_str(w, key, text);
}

static int read_lease(struct call *c, struct err *e)
{
    struct req *r = aws_req(c);
    const struct aws_lease *lease;
    int ret = aws_lease_load(r->txn, r->mount->uuid, r->a, &lease, e);

    if (ret < 0 || !lease)
        return ret;
    put_duration(req_data(r), "lease", lease->lease_s);
    put_duration(req_data(r), "lease_max", lease->lease_max_s);
    return 0;
}

static const struct path_info root_info = {.fields = &root_schema,
                                           .help = "How AWS is reached, and with which keys."};
static const struct path_info lease_info = {
    .fields = &lease_body_schema, .help = "How long the IAM users of this mount live."};
static const struct path_info rotate_info = {
    .help = "Exchange the access key of config/root for a new one of the same user."};

const struct route aws_config_routes[] = {
    /* clang-format off */
    {M_GET,   "config/root",        0,              read_root,       &root_info},
    {M_WRITE, "config/root",        0,              write_root,      &root_info},
    {M_GET,   "config/lease",       0,              read_lease,      &lease_info},
    {M_WRITE, "config/lease",       0,              write_lease,     &lease_info},
    {M_WRITE, "config/rotate-root", ROUTE_BLOCKING, aws_rotate_root, &rotate_info},
    /* clang-format on */
};
const size_t n_aws_config_routes = ARRAY_LEN(aws_config_routes);
