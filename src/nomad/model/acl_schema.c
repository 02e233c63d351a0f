/* Rows of policies, tokens and roles, and what they may hold. */
#include "base/err.h"
#include "nomad/model/acl_priv.h"

static const struct schema_field link_fields[] = {
    {"ID", NULL, F_STR, AT(acl_link, id), .flags = FIELD_OMITEMPTY},
    {"Name", NULL, F_STR, AT(acl_link, name), .def = "\"\""},
};
SCHEMA(acl_link_schema, "link", struct acl_link, link_fields);

static const struct schema_field job_fields[] = {
    {"Namespace", NULL, F_STR, AT(acl_job, namespace), .def = "\"\""},
    {"JobID", NULL, F_STR, AT(acl_job, job_id), .def = "\"\""},
    {"Group", NULL, F_STR, AT(acl_job, group), .def = "\"\""},
    {"Task", NULL, F_STR, AT(acl_job, task), .def = "\"\""},
};
static SCHEMA(job_schema_, "JobACL", struct acl_job, job_fields);

static const struct schema_field policy_fields[] = {
    {"Name", NULL, F_STR, AT(acl_policy, name), .def = "\"\""},
    {"Description", NULL, F_STR, AT(acl_policy, description), .def = "\"\""},
    {"Rules", NULL, F_STR, AT(acl_policy, rules), .def = "\"\"", .max = ACL_RULES_BYTES_MAX},
    {"JobACL", NULL, F_OBJ, AT(acl_policy, job_acl), .sub = &job_schema_},
    {"Hash", NULL, F_STR, AT(acl_policy, hash)},
    {"CreateIndex", NULL, F_UINT, AT(acl_policy, create_index)},
    {"ModifyIndex", NULL, F_UINT, AT(acl_policy, modify_index)},
};
SCHEMA(acl_policy_schema, "policy", struct acl_policy, policy_fields);

static const struct schema_field role_fields[] = {
    {"ID", NULL, F_STR, AT(acl_role, id), .def = "\"\""},
    {"Name", NULL, F_STR, AT(acl_role, name), .def = "\"\""},
    {"Description", NULL, F_STR, AT(acl_role, description), .def = "\"\""},
    {"Policies", NULL, F_LIST, AT(acl_role, policies), .flags = FIELD_NULLEMPTY,
     .sub = &acl_link_schema, .max = ACL_LINKS_MAX},
    {"Hash", NULL, F_STR, AT(acl_role, hash)},
    {"CreateIndex", NULL, F_UINT, AT(acl_role, create_index)},
    {"ModifyIndex", NULL, F_UINT, AT(acl_role, modify_index)},
};
SCHEMA(acl_role_schema, "role", struct acl_role, role_fields);

static const struct schema_field token_fields[] = {
    {"AccessorID", NULL, F_STR, AT(acl_token, accessor_id), .def = "\"\""},
    {"Name", NULL, F_STR, AT(acl_token, name), .def = "\"\""},
    {"Type", NULL, F_STR, AT(acl_token, type), .def = "\"\""},
    {"Policies", NULL, F_STRLIST, AT(acl_token, policies), .flags = FIELD_NULLEMPTY,
     .max = ACL_LINKS_MAX},
    {"Roles", NULL, F_LIST, AT(acl_token, roles), .flags = FIELD_NULLEMPTY,
     .sub = &acl_link_schema, .max = ACL_LINKS_MAX},
    {"Global", NULL, F_BOOL, AT(acl_token, global)},
    {"Hash", NULL, F_STR, AT(acl_token, hash)},
    {"Lookup", NULL, F_STR, AT(acl_token, lookup), .flags = FIELD_HIDDEN},
    {"SecretBox", NULL, F_BYTES, AT(acl_token, secret_box), .flags = FIELD_HIDDEN},
    {"CreateTime", NULL, F_TIME, AT(acl_token, create_time)},
    {"ExpirationTime", NULL, F_TIME, AT(acl_token, expiration_time), .flags = FIELD_PTR},
    {"TTL", NULL, F_INT, AT(acl_token, ttl_ns), .flags = FIELD_HIDDEN},
    {"CreateIndex", NULL, F_UINT, AT(acl_token, create_index)},
    {"ModifyIndex", NULL, F_UINT, AT(acl_token, modify_index)},
};
SCHEMA(acl_token_schema, "token", struct acl_token, token_fields);

static void check_description(const char *text, struct arena *a, struct strlist *ret)
{
    if (strlen(str_or_empty(text)) > ACL_DESCRIPTION_MAX)
        list_push(a, ret, arena_printf(a, "description longer than %d", ACL_DESCRIPTION_MAX));
}

static void check_name(const char *name, const char *also, struct arena *a, struct strlist *ret)
{
    if (!name_is_plain(name, also, ACL_NAME_MAX))
        list_push(a, ret, arena_printf(a, "invalid name '%.200s'", str_or_empty(name)));
}

void acl_policy_check(const struct acl_policy *p, struct arena *a, struct strlist *ret)
{
    struct err why = ERR_INIT;
    struct acl_rules rules;
    const struct acl_job *j = p->job_acl;

    check_name(p->name, "", a, ret);
    if (acl_rules_parse(str_of(p->rules), a, &rules, &why) < 0)
        list_push(a, ret, arena_printf(a, "failed to parse rules: %s", why.msg));
    check_description(p->description, a, ret);
    if (j && empty(j->job_id) && !(empty(j->group) && empty(j->task)))
        list_push(a, ret, "JobACL with a group or a task needs a JobID");
    else if (j && !empty(j->task) && empty(j->group))
        list_push(a, ret, "JobACL with a task needs a group");
}

void acl_role_check(const struct acl_role *r, struct arena *a, struct strlist *ret)
{
    check_name(r->name, "", a, ret);
    check_description(r->description, a, ret);
    if (r->policies.len == 0)
        list_push(a, ret, "at least one policy should be specified");
}
