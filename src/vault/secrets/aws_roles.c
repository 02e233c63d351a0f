/* roles/: what credentials look like. */
#include <ctype.h>
#include <string.h>

#include "base/err.h"
#include "vault/secrets/aws_priv.h"

#define ROLE_FIELDS                                                                    \
    {"role_arns",                                                                      \
     NULL,                                                                             \
     F_STRLIST,                                                                        \
     offsetof(struct aws_role, role_arns),                                             \
     .flags = FIELD_CSL | FIELD_NULLEMPTY,                                             \
     .doc = "assumed_role: what may be assumed."},                                     \
        {"policy_arns",                                                                \
         NULL,                                                                         \
         F_STRLIST,                                                                    \
         offsetof(struct aws_role, policy_arns),                                       \
         .flags = FIELD_CSL | FIELD_NULLEMPTY,                                         \
         .doc = "Managed policies."},                                                  \
        {"iam_groups",                                                                 \
         NULL,                                                                         \
         F_STRLIST,                                                                    \
         offsetof(struct aws_role, iam_groups),                                        \
         .flags = FIELD_CSL | FIELD_NULLEMPTY,                                         \
         .doc = "Groups of the user, or whose policies "                               \
                "limit a session."},                                                   \
        {"policy_document", NULL, F_STR, offsetof(struct aws_role, policy_document),   \
         .doc = "A policy, as JSON."},                                                 \
        {"iam_tags",                                                                   \
         NULL,                                                                         \
         F_STRMAP,                                                                     \
         offsetof(struct aws_role, iam_tags),                                          \
         .flags = FIELD_NULLEMPTY,                                                     \
         .doc = "Tags of the user."},                                                  \
        {"default_sts_ttl", NULL, F_TTL, offsetof(struct aws_role, default_sts_ttl_s), \
         .doc = "Life of a session that asks for no ttl."},                            \
        {"max_sts_ttl", NULL, F_TTL, offsetof(struct aws_role, max_sts_ttl_s),         \
         .doc = "The longest life of a session."},                                     \
        {"user_path", NULL, F_STR, offsetof(struct aws_role, user_path),               \
         .doc = "iam_user: path of the user."},                                        \
    {                                                                                  \
        "permissions_boundary_arn", NULL, F_STR,                                       \
            offsetof(struct aws_role, permissions_boundary_arn),                       \
            .doc = "iam_user: managed policy that bounds the user's permissions."      \
    }

static const struct schema_field role_fields[] = {
    {"mount", NULL, F_STR, offsetof(struct aws_role, mount)},
    {"name", NULL, F_STR, offsetof(struct aws_role, name)},
    {"credential_types", NULL, F_STRLIST, offsetof(struct aws_role, credential_types)},
    {"legacy", NULL, F_BOOL, offsetof(struct aws_role, legacy)},
    ROLE_FIELDS,
};
static SCHEMA(role_schema, "aws_role", struct aws_role, role_fields);

static void role_key(const void *body, struct key *k)
{
    const struct aws_role *role = body;

    key_addz(k, role->mount);
    key_addz(k, role->name);
}

const struct table aws_role_table = {
    .name = "aws_role", .schema = &role_schema, .key = role_key, .sealed = true};

/* What a write may say: the role's own fields (they stand first in the struct), and others. */
struct role_body {
    struct aws_role role;
    const char *credential_type, *policy, *arn;
};

static const struct schema_field body_fields[] = {
    {"name", NULL, F_STR, offsetof(struct aws_role, name), .doc = "Name of the role."},
    ROLE_FIELDS,
    {"credential_type", NULL, F_STR, offsetof(struct role_body, credential_type),
     .doc = "iam_user, assumed_role or federation_token."},
    {"policy", NULL, F_STR, offsetof(struct role_body, policy),
     .doc = "Deprecated: policy_document."},
    {"arn", NULL, F_STR, offsetof(struct role_body, arn),
     .doc = "Deprecated: role_arns or policy_arns."},
};
static SCHEMA(body_schema, "aws_role", struct role_body, body_fields);

/* ---- names and records
 * ------------------------------------------------------------------------ */

/* Letters, digits, '_'; inside also '-', '.', '@'. */
static bool is_role_name(struct str s)
{
    if (s.len == 0 || s.len > AWS_ROLE_NAME_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool edge = i == 0 || i == s.len - 1;

        if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '_' &&
            (edge || !s.p[i] || !strchr("-.@", s.p[i])))
            return false;
    }
    return true;
}

int aws_role_name(struct req *r, struct str *ret, struct err *e)
{
    *ret = req_param(r, "name");
    return is_role_name(*ret) ? 0 : req_fail_multi(e, 404, "unsupported path");
}

static void key_of(struct key *k, const char *mount_uuid, struct str name)
{
    key_init(k, aws_role_table.name);
    key_addz(k, mount_uuid);
    key_add(k, name);
}

int aws_role_load(struct txn *t, const char *mount_uuid, struct str name, struct arena *a,
                  const struct aws_role **ret, struct err *e)
{
    const struct object *o;
    struct key k;
    int r;

    key_of(&k, mount_uuid, name);
    r = table_get(t, &aws_role_table, &k, &o, e);
    if (r == 0)
        *ret = schema_copy(&role_schema, o->body, a);
    return r;
}

static int store(struct req *r, const struct aws_role *role, struct err *e)
{
    auto_object struct object *o = object_new(&role_schema);

    memcpy(o->body, schema_copy(&role_schema, role, o->arena), sizeof *role);
    return table_put(r->txn, &aws_role_table, o, e);
}

/* ---- writing
 * ---------------------------------------------------------------------------------- */

static bool given(const char *s)
{
    return s && *s;
}

/* The old form says everything by itself. */
static int write_legacy(struct req *r, const struct role_body *b, struct aws_role *role,
                        struct err *e)
{
    const char *text = given(b->policy) ? b->policy : b->arn;
    const struct {
        const char *field, *text;
    } others[] = {
        {"credential_type", "an explicit credential_type"},
        {"role_arns", "role_arns"},
        {"policy_arns", "policy_arns"},
        {"policy_document", "policy_document"},
    };
    const char *mount = role->mount, *name = role->name;

    if (given(b->policy) && given(b->arn))
        return req_fail_multi(e, 500, "only one of policy or arn should be provided");
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (req_has(r, others[i].field))
            return req_fail(e, "cannot supply deprecated role or policy parameters with %s",
                            others[i].text);
    if (!aws_role_from_legacy(str_of(text), r->a, role))
        return req_fail(e, "unable to parse supplied data: \"%s\"", text);
    role->mount = mount;
    role->name = name;
    req_warn(r,
             "Detected use of legacy role or policy parameter. Please upgrade to use the new "
             "parameters.");
    return 0;
}

static int take_policy(struct req *r, const char *text, struct aws_role *role, struct err *e)
{
    struct err why = ERR_INIT;
    int ret;

    role->policy_document = text;
    if (!given(text))
        return 0;
    ret = aws_policy_compact(str_of(text), r->a, &role->policy_document, &why);
    if (ret == ERR_TOOBIG)
        return req_fail(e, "cannot parse policy document: %s", why.msg);
    return ret < 0 ? req_fail(e, "cannot parse policy document: \"%s\"", text) : 0;
}

/* What was given replaces what was there; the rest stays. */
static int take_fields(struct req *r, const struct role_body *b, struct aws_role *role,
                       struct err *e)
{
    role->legacy = false;
    if (req_has(r, "credential_type")) {
        role->credential_types = (struct strlist){0};
        list_push(r->a, &role->credential_types, b->credential_type);
    }
    if (req_has(r, "role_arns"))
        role->role_arns = b->role.role_arns;
    if (req_has(r, "policy_arns"))
        role->policy_arns = b->role.policy_arns;
    if (req_has(r, "iam_groups"))
        role->iam_groups = b->role.iam_groups;
    if (req_has(r, "iam_tags"))
        role->iam_tags = b->role.iam_tags;
    if (req_has(r, "default_sts_ttl"))
        role->default_sts_ttl_s = b->role.default_sts_ttl_s;
    if (req_has(r, "max_sts_ttl"))
        role->max_sts_ttl_s = b->role.max_sts_ttl_s;
    if (req_has(r, "user_path"))
        role->user_path = b->role.user_path;
    if (req_has(r, "permissions_boundary_arn"))
        role->permissions_boundary_arn = b->role.permissions_boundary_arn;
    return req_has(r, "policy_document") ? take_policy(r, b->role.policy_document, role, e) : 0;
}

static int write_role(struct call *c, struct err *e)
{
    struct req *r = aws_req(c);
    struct strlist problems = {0};
    const struct aws_role *old = NULL;
    struct aws_role role = {0};
    struct role_body b;
    struct str name;
    int ret = aws_role_name(r, &name, e);

    if (ret == 0)
        ret = req_decode(r, &body_schema, &b, e);
    if (ret < 0)
        return ret;
    ret = aws_role_load(r->txn, r->mount->uuid, name, r->a, &old, e);
    if (ret < 0 && ret != ERR_NOTFOUND)
        return ret;
    if (old)
        role = *old;
    role.mount = r->mount->uuid;
    role.name = arena_cstr(r->a, name);
    ret = given(b.policy) || given(b.arn) ? write_legacy(r, &b, &role, e)
                                          : take_fields(r, &b, &role, e);
    if (ret < 0)
        return ret;
    aws_role_check(&role, r->a, &problems);
    if (problems.len)
        return req_fail(e, "error(s) validating supplied role data: %s",
                        aws_problems_text(&problems, r->a));
    return store(r, &role, e);
}

/* ---- reading
 * ---------------------------------------------------------------------------------- */

static const char *joined(struct arena *a, const struct strlist *l)
{
    const char *s = l->len ? l->at[0] : "";

    for (size_t i = 1; i < l->len; i++)
        s = arena_printf(a, "%s,%s", s, l->at[i]);
    return s;
}

static void put_list(struct json_out *w, const char *key, const struct strlist *l)
{
    json_key(w, key);
    if (l->len)
        json_strlist(w, l);
    else
        json_null(w);
}

static int read_role(struct call *c, struct err *e)
{
    struct req *r = aws_req(c);
    const struct aws_role *role;
    struct json_out *w;
    struct str name;
    int ret = aws_role_name(r, &name, e);

    if (ret == 0)
        ret = aws_role_load(r->txn, r->mount->uuid, name, r->a, &role, e);
    if (ret == ERR_NOTFOUND && is_role_name(name))
        return err_set(e, ERR_NOTFOUND, "%s", "");
    if (ret < 0)
        return ret;
    w = req_data(r);
    json_kv_str(w, "credential_type", joined(r->a, &role->credential_types));
    json_kv_i64(w, "default_sts_ttl", role->default_sts_ttl_s);
    put_list(w, "iam_groups", &role->iam_groups);
    json_key(w, "iam_tags");
    if (role->iam_tags.len)
        json_strmap(w, &role->iam_tags);
    else
        json_null(w);
    json_kv_i64(w, "max_sts_ttl", role->max_sts_ttl_s);
    json_kv_str(w, "permissions_boundary_arn",
                role->permissions_boundary_arn ? role->permissions_boundary_arn : "");
    put_list(w, "policy_arns", &role->policy_arns);
    json_kv_str(w, "policy_document", role->policy_document ? role->policy_document : "");
    put_list(w, "role_arns", &role->role_arns);
    json_kv_str(w, "user_path", role->user_path ? role->user_path : "");
    return 0;
}

static int list_roles(struct call *c, struct err *e)
{
    struct req *r = aws_req(c);
    struct strlist names = {0};
    struct key start;
    int ret;

    mount_key(&start, &aws_role_table, r->mount);
    ret = list_level(r->txn, &start, STR(""), r->a, &names, e);
    if (ret == 0)
        req_list_keys(r, &names);
    return ret;
}

static int delete_role(struct call *c, struct err *e)
{
    struct req *r = aws_req(c);
    struct str name;
    struct key k;
    int ret = aws_role_name(r, &name, e);

    if (ret < 0)
        return ret;
    key_of(&k, r->mount->uuid, name);
    return table_del(r->txn, &aws_role_table, &k, e);
}

static const struct path_info role_info = {.fields = &body_schema,
                                           .help = "What the credentials of a role may do."};
static const struct path_info list_info = {.help = "The roles' names."};

const struct route aws_role_routes[] = {
    /* clang-format off */
    {M_LIST,   "roles",       0, list_roles,  &list_info},
    {M_LIST,   "roles/",      0, list_roles,  &list_info},
    {M_GET,    "roles/:name", 0, read_role,   &role_info},
    {M_WRITE,  "roles/:name", 0, write_role,  &role_info},
    {M_DELETE, "roles/:name", 0, delete_role, &role_info},
    /* clang-format on */
};
const size_t n_aws_role_routes = ARRAY_LEN(aws_role_routes);
