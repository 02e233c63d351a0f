/* sys/policy, sys/policies/acl, sys/policies/rgp|egp, sys/capabilities*, resultant-acl. */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "vault/core/core_priv.h"
#include "vault/core/policy_priv.h"

static struct req *req_of(struct call *c)
{
    return c->state;
}

/* sys/policy is the older form: `rules` for `policy`, and more in a list. */
static bool is_old_form(const struct req *r)
{
    return !str_starts(r->path, STR("policies/"));
}

/* ---- list ------------------------------------------------------------------------------- */

/* Names in order, then those with a '/', then root. */
static int list_names(struct req *r, struct strlist *ret, struct err *e)
{
    struct strlist nested = {0};
    const struct object *o;
    struct table_scan it;
    struct key prefix;
    int code;

    key_init(&prefix, policy_table.name);
    key_addz(&prefix, "root");
    code = table_scan_begin(r->txn, &it, &policy_table, &prefix, 0, e);
    if (code < 0)
        return code;
    while ((code = table_scan_next(&it, &o, e)) > 0) {
        const char *name = arena_strdup(r->a, ((const struct policy_row *)o->body)->name);

        if (strchr(name, '/'))
            list_push(r->a, &nested, name);
        else
            list_push(r->a, ret, name);
    }
    table_scan_end(&it);
    for (size_t i = 0; i < nested.len; i++)
        list_push(r->a, ret, nested.at[i]);
    list_push(r->a, ret, "root");
    return code;
}

static int list_policies(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct strlist names = {0};
    int ret = list_names(r, &names, e);

    if (ret < 0)
        return ret;
    req_list_keys(r, &names);
    if (is_old_form(r)) {
        json_key(r->out, "policies");
        json_strlist(r->out, &names);
    }
    return 0;
}

/* ---- read, write, delete ---------------------------------------------------------------- */

static int name_of(struct req *r, const char **ret, struct err *e)
{
    *ret = policy_name_canonical(r->a, req_param(r, "name"));
    if (**ret == '\0')
        return req_fail(e, "a policy name is required");
    if (strlen(*ret) > POLICY_NAME_MAX)
        return req_fail(e, "a policy name may have at most %d bytes", POLICY_NAME_MAX);
    return 0;
}

static int read_policy(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const char *name, *text;
    int ret = name_of(r, &name, e);

    if (ret < 0)
        return ret;
    ret = policy_text(r->txn, name, &text, e);
    if (ret == ERR_NOTFOUND)
        return 0; /* nothing made: 404 without a text */
    if (ret < 0)
        return ret;
    json_kv_str(req_data(r), "name", name);
    json_kv_str(r->out, is_old_form(r) ? "rules" : "policy", text);
    return 0;
}

struct policy_body {
    const char *name, *policy, *rules;
};

static const struct schema_field policy_fields[] = {
    {"name", NULL, F_STR, offsetof(struct policy_body, name)},
    {"policy", NULL, F_STR, offsetof(struct policy_body, policy), .max = 2 * POLICY_TEXT_MAX},
    {"rules", NULL, F_STR, offsetof(struct policy_body, rules), .max = 2 * POLICY_TEXT_MAX},
};
static SCHEMA(policy_schema, "policy", struct policy_body, policy_fields);

/* The text may come as base64. */
static const char *plain_text(struct req *r, const char *text)
{
    auto_buf struct buf b = BUF_INIT(2 * POLICY_TEXT_MAX);

    if (codec_base64_decode(&b, str_of(text), false, true, NULL) < 0 ||
        !str_is_utf8(buf_str(&b)) || memchr(buf_str(&b).p, '\0', b.len))
        return text;
    return arena_cstr(r->a, buf_str(&b));
}

static bool is_fixed(const char *name)
{
    return strcmp(name, "root") == 0 || strcmp(name, "response-wrapping") == 0 ||
           strcmp(name, "control-group") == 0;
}

static int store_policy(struct req *r, const char *name, const char *text, struct err *e)
{
    struct policy *parsed;
    struct err why = ERR_INIT;
    int ret;

    text = plain_text(r, text);
    ret = policy_parse(str_of(text), r->a, &parsed, &why);
    if (ret < 0)
        return req_fail(e, "failed to parse policy: %s", why.msg);
    return policy_put(r->txn, name, text, e);
}

static int write_policy(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct policy_body b;
    const char *name = NULL, *text;
    int ret = req_decode(r, &policy_schema, &b, e);

    if (ret == 0)
        ret = name_of(r, &name, e);
    if (ret < 0)
        return ret;
    text = b.policy;
    if ((!text || !*text) && is_old_form(r) && b.rules && *b.rules) {
        text = b.rules;
        req_warn(r, "'rules' is deprecated, please use 'policy' instead");
    }
    if (!text || !*text)
        return req_fail(e, "'policy' parameter not supplied or empty");
    if (is_fixed(name))
        return req_fail(e, "cannot update \"%s\" policy", name);
    ret = store_policy(r, name, text, e);
    if (ret == 0 && !str_eqc(req_param(r, "name"), name))
        req_warn(r, "policy name was converted to %s", name);
    return ret;
}

static int delete_policy(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const char *name;
    struct key k;
    int ret = name_of(r, &name, e);

    if (ret < 0)
        return ret;
    if (strcmp(name, "default") == 0)
        return req_fail(e, "cannot delete default policy");
    if (is_fixed(name))
        return req_fail(e, "cannot delete \"%s\" policy", name);
    key_init(&k, policy_table.name);
    key_addz(&k, "root");
    key_addz(&k, name);
    return table_del(r->txn, &policy_table, &k, e);
}

static int enterprise_only(struct call *c, struct err *e)
{
    (void)c;
    return err_set(e, ERR_NOTFOUND, "enterprise-only feature");
}

/* ---- capabilities ----------------------------------------------------------------------- */

struct capabilities_body {
    const char *token, *accessor;
    struct strlist path, paths;
};

static const struct schema_field capabilities_fields[] = {
    {"token", NULL, F_STR, offsetof(struct capabilities_body, token)},
    {"accessor", NULL, F_STR, offsetof(struct capabilities_body, accessor)},
    {"path", NULL, F_STRLIST, offsetof(struct capabilities_body, path), .flags = FIELD_CSL},
    {"paths", NULL, F_STRLIST, offsetof(struct capabilities_body, paths), .flags = FIELD_CSL},
};
static SCHEMA(capabilities_schema, "capabilities", struct capabilities_body,
              capabilities_fields);

enum { CAPABILITY_PATHS_MAX = 10000 };

static int decode_capabilities(struct req *r, struct capabilities_body *b, struct err *e)
{
    int ret = req_decode(r, &capabilities_schema, b, e);

    if (ret < 0)
        return ret;
    if (b->paths.len == 0)
        b->paths = b->path;
    if (b->paths.len == 0)
        return req_fail(e, "paths must be supplied");
    if (b->paths.len > CAPABILITY_PATHS_MAX)
        return req_fail(e, "at most %d paths may be asked at once", CAPABILITY_PATHS_MAX);
    strlist_sort_unique(&b->paths);
    return 0;
}

static void write_names(struct req *r, const struct acl *acl, const char *key, const char *path)
{
    struct strlist names = {0};
    struct str p = str_of(path);

    if (str_starts(p, STR("/")))
        p = str_from(p, 1);
    capability_names(acl_capabilities(acl, p), r->a, &names);
    json_key(r->out, key);
    json_strlist(r->out, &names);
}

static int answer_capabilities(struct req *r, const struct acl *acl,
                               const struct strlist *paths)
{
    req_data(r);
    for (size_t i = 0; i < paths->len; i++)
        write_names(r, acl, paths->at[i], paths->at[i]);
    if (paths->len == 1 && strcmp(paths->at[0], "capabilities") != 0)
        write_names(r, acl, "capabilities", paths->at[0]);
    return 0;
}

static int answer_for_token(struct req *r, const struct token *t, const struct strlist *paths,
                            struct err *e)
{
    const struct acl *acl;
    int ret = token_acl(r->vault, r->txn, t, &acl, e);

    return ret < 0 ? ret : answer_capabilities(r, acl, paths);
}

static int capabilities_of_token(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct capabilities_body b;
    const struct token *t;
    int ret = decode_capabilities(r, &b, e);

    if (ret < 0)
        return ret;
    if (!b.token || !*b.token)
        return req_fail_multi(e, 500, "no token found");
    ret = token_lookup(r->vault, r->txn, str_of(b.token), r->now_ns, &t, e);
    if (ret == ERR_DENIED || ret == ERR_NOTFOUND)
        return req_fail_multi(e, 400, "invalid token");
    return ret < 0 ? ret : answer_for_token(r, t, &b.paths, e);
}

static int capabilities_of_accessor(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct capabilities_body b;
    const struct token *t;
    int ret = decode_capabilities(r, &b, e);

    if (ret < 0)
        return ret;
    if (!b.accessor || !*b.accessor)
        return req_fail(e, "missing accessor");
    ret = token_by_accessor(r->vault, r->txn, b.accessor, r->now_ns, &t, e);
    if (ret == ERR_DENIED || ret == ERR_NOTFOUND)
        return req_fail_multi(e, 400, "invalid accessor");
    return ret < 0 ? ret : answer_for_token(r, t, &b.paths, e);
}

static int capabilities_self(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct capabilities_body b;
    int ret = decode_capabilities(r, &b, e);

    return ret < 0 ? ret : answer_capabilities(r, r->acl, &b.paths);
}

static int resultant_acl(struct call *c, struct err *e)
{
    struct req *r = req_of(c);

    (void)e;
    acl_json_members(r->acl, req_data(r));
    return 0;
}

/* ---- the table -------------------------------------------------------------------------- */

static const struct path_info policy_info = {
    .fields = &policy_schema,
    .help = "A policy: which paths a token may use, and how. Its text is HCL or JSON."};
static const struct path_info capabilities_info = {
    .fields = &capabilities_schema,
    .help = "What a token may do on each of the paths that are asked."};

const struct route policy_routes[] = {
    /* clang-format off */
    {M_GET | M_LIST, "policy",                         ROUTE_TOPLEVEL, list_policies,  NULL},
    {M_LIST,         "policy/",                        ROUTE_TOPLEVEL, list_policies,  NULL},
    {M_GET,          "policy/+name",                   ROUTE_TOPLEVEL, read_policy,    NULL},
    {M_WRITE,        "policy/+name",                   ROUTE_TOPLEVEL, write_policy,   &policy_info},
    {M_DELETE,       "policy/+name",                   ROUTE_TOPLEVEL, delete_policy,  NULL},
    {M_LIST,         "policies/acl",                   0, list_policies,               NULL},
    {M_LIST,         "policies/acl/",                  0, list_policies,               NULL},
    {M_GET,          "policies/acl/+name",             0, read_policy,                 NULL},
    {M_WRITE,        "policies/acl/+name",             0, write_policy,                &policy_info},
    {M_DELETE,       "policies/acl/+name",             0, delete_policy,               NULL},
    {M_LIST,         "policies/password",              0, password_policy_list,        NULL},
    {M_LIST,         "policies/password/",             0, password_policy_list,        NULL},
    {M_GET,          "policies/password/:name",        0, password_policy_read,        NULL},
    {M_WRITE,        "policies/password/:name",        0, password_policy_write,       NULL},
    {M_DELETE,       "policies/password/:name",        0, password_policy_delete,      NULL},
    {M_GET,          "policies/password/:name/generate", 0, password_policy_generate,  NULL},
    {M_ANY,          "policies/rgp/*name",             0, enterprise_only,             NULL},
    {M_ANY,          "policies/egp/*name",             0, enterprise_only,             NULL},
    {M_WRITE,        "capabilities",                   ROUTE_TOPLEVEL, capabilities_of_token,    &capabilities_info},
    {M_WRITE,        "capabilities-accessor",          ROUTE_TOPLEVEL, capabilities_of_accessor, &capabilities_info},
    {M_WRITE,        "capabilities-self",              ROUTE_TOPLEVEL, capabilities_self,        &capabilities_info},
    {M_GET,          "internal/ui/resultant-acl",      0, resultant_acl,               NULL},
    /* clang-format on */
};
const size_t n_policy_routes = ARRAY_LEN(policy_routes);
