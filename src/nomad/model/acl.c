/* The policy language: from text to rules with their capabilities spelled out. */
#include "nomad/model/acl.h"

#include "base/err.h"
#include "lang/hcl.h"
#include "nomad/model/acl_priv.h"

/* ---- capabilities ----------------------------------------------------------------------- */

/* In the order of their enums, from 1. */
static const char *const namespace_caps[] = {"list-jobs",
                                             "parse-job",
                                             "read-job",
                                             "submit-job",
                                             "dispatch-job",
                                             "read-logs",
                                             "read-fs",
                                             "alloc-exec",
                                             "alloc-node-exec",
                                             "alloc-lifecycle",
                                             "csi-register-plugin",
                                             "csi-write-volume",
                                             "csi-read-volume",
                                             "csi-list-volume",
                                             "csi-mount-volume",
                                             "list-scaling-policies",
                                             "read-scaling-policy",
                                             "read-job-scaling",
                                             "scale-job",
                                             "submit-recommendation",
                                             "sentinel-override",
                                             NULL};
static const char *const variable_caps[] = {"list", "read", "write", "destroy", NULL};
static const char *const pool_caps[] = {"read", "write", "delete", NULL};
static const char *const volume_caps[] = {"mount-readonly", "mount-readwrite", NULL};

const char *const *const acl_cap_names[ACL_KINDS] = {
    [KIND_NAMESPACE] = namespace_caps,
    [KIND_VARIABLE] = variable_caps,
    [KIND_POOL] = pool_caps,
    [KIND_VOLUME] = volume_caps,
};

uint64_t acl_cap_bit(enum acl_kind kind, const char *name)
{
    const char *const *names = acl_cap_names[kind];

    if (same(name, "deny"))
        return ACL_DENY;
    for (unsigned i = 0; names[i]; i++)
        if (same(names[i], name))
            return (uint64_t)2 << i;
    return 0;
}

#define READ_NAMESPACE                                                               \
    "list-jobs parse-job read-job csi-list-volume csi-read-volume read-job-scaling " \
    "list-scaling-policies read-scaling-policy"
#define WRITE_NAMESPACE                                                               \
    "scale-job submit-job dispatch-job read-logs read-fs alloc-exec alloc-lifecycle " \
    "csi-mount-volume csi-write-volume submit-recommendation"
#define SCALE_NAMESPACE                                                              \
    "list-scaling-policies read-scaling-policy read-job-scaling scale-job read-job " \
    "submit-recommendation"

/* What a rule's `policy` stands for. */
static const struct {
    enum acl_kind kind;
    const char *policy, *caps;
} shorthands[] = {
    {KIND_NAMESPACE, "deny", "deny"},
    {KIND_NAMESPACE, "read", READ_NAMESPACE},
    {KIND_NAMESPACE, "write", READ_NAMESPACE " " WRITE_NAMESPACE},
    {KIND_NAMESPACE, "scale", SCALE_NAMESPACE},
    {KIND_POOL, "deny", "deny"},
    {KIND_POOL, "read", "read"},
    {KIND_POOL, "write", "delete read write"},
    {KIND_VOLUME, "deny", "deny"},
    {KIND_VOLUME, "read", "mount-readonly"},
    {KIND_VOLUME, "write", "mount-readonly mount-readwrite"},
};

/* false: no such policy of the kind. */
static bool expand(struct arena *a, enum acl_kind kind, const char *policy,
                   struct strlist *caps)
{
    for (size_t i = 0; i < ARRAY_LEN(shorthands); i++) {
        struct str rest = str_of(shorthands[i].caps), cap;

        if (shorthands[i].kind != kind || !same(shorthands[i].policy, policy))
            continue;
        while (str_split(&rest, ' ', &cap))
            if (!strlist_has(caps, arena_cstr(a, cap)))
                list_push(a, caps, arena_cstr(a, cap));
        return true;
    }
    return false;
}

/* ---- reading ---------------------------------------------------------------------------- */

static const struct schema_field path_fields[] = {
    {"PathSpec", "path", F_STR, AT(acl_path_rule, path), .flags = FIELD_LABEL},
    {"Capabilities", "capabilities", F_STRLIST, AT(acl_path_rule, capabilities),
     .flags = FIELD_NULLEMPTY, .max = ACL_RULES_MAX},
};
static SCHEMA(path_schema, "path", struct acl_path_rule, path_fields);

static const struct schema_field variables_fields[] = {
    {"Paths", "path", F_LIST, AT(acl_variables_rule, paths), .flags = FIELD_NULLEMPTY,
     .sub = &path_schema, .max = ACL_RULES_MAX},
};
static SCHEMA(variables_schema, "variables", struct acl_variables_rule, variables_fields);

static const struct schema_field namespace_fields[] = {
    {"Name", "name", F_STR, AT(acl_named_rule, name), .flags = FIELD_LABEL},
    {"Policy", "policy", F_STR, AT(acl_named_rule, policy), .def = "\"\""},
    {"Capabilities", "capabilities", F_STRLIST, AT(acl_named_rule, capabilities),
     .flags = FIELD_NULLEMPTY, .max = ACL_RULES_MAX},
    {"Variables", "variables", F_OBJ, AT(acl_named_rule, variables), .sub = &variables_schema},
};
static SCHEMA(namespace_rule_schema, "namespace", struct acl_named_rule, namespace_fields);

static const struct schema_field named_fields[] = {
    {"Name", "name", F_STR, AT(acl_named_rule, name), .flags = FIELD_LABEL},
    {"Policy", "policy", F_STR, AT(acl_named_rule, policy), .def = "\"\""},
    {"Capabilities", "capabilities", F_STRLIST, AT(acl_named_rule, capabilities),
     .flags = FIELD_NULLEMPTY, .max = ACL_RULES_MAX},
};
static SCHEMA(pool_rule_schema, "node_pool", struct acl_named_rule, named_fields);
static SCHEMA(volume_rule_schema, "host_volume", struct acl_named_rule, named_fields);

static const struct schema_field area_fields[] = {
    {"Policy", "policy", F_STR, AT(acl_area_rule, policy), .def = "\"\""},
};
static SCHEMA(area_schema, "rule", struct acl_area_rule, area_fields);

static const struct schema_field rules_fields[] = {
    {"Agent", "agent", F_OBJ, AT(acl_rules, agent), .sub = &area_schema},
    {"HostVolumes", "host_volume", F_LIST, AT(acl_rules, host_volumes),
     .flags = FIELD_NULLEMPTY, .sub = &volume_rule_schema, .max = ACL_RULES_MAX},
    {"Namespaces", "namespace", F_LIST, AT(acl_rules, namespaces), .flags = FIELD_NULLEMPTY,
     .sub = &namespace_rule_schema, .max = ACL_RULES_MAX},
    {"Node", "node", F_OBJ, AT(acl_rules, node), .sub = &area_schema},
    {"NodePools", "node_pool", F_LIST, AT(acl_rules, node_pools), .flags = FIELD_NULLEMPTY,
     .sub = &pool_rule_schema, .max = ACL_RULES_MAX},
    {"Operator", "operator", F_OBJ, AT(acl_rules, operator), .sub = &area_schema},
    {"Plugin", "plugin", F_OBJ, AT(acl_rules, plugin), .sub = &area_schema},
    {"Quota", "quota", F_OBJ, AT(acl_rules, quota), .sub = &area_schema},
};
static SCHEMA(rules_schema, "policy", struct acl_rules, rules_fields);

void acl_rules_json(const struct acl_rules *r, const char *text, struct json_out *w)
{
    json_obj(w);
    schema_encode_fields(&rules_schema, r, 0, w);
    json_kv_str(w, "Raw", text);
    json_obj_end(w);
}

/* ---- checking --------------------------------------------------------------------------- */

/* The API prints the rule as its authors' language does. */
static const char *list_shown(struct arena *a, const struct strlist *l)
{
    const char *text = "";

    if (l->len == 0)
        return "[]string(nil)";
    for (size_t i = 0; i < l->len; i++)
        text = arena_printf(a, "%s%s\"%s\"", text, i ? ", " : "", l->at[i]);
    return arena_printf(a, "[]string{%s}", text);
}

static int bad_policy(const struct acl_named_rule *n, enum acl_kind kind, struct arena *a,
                      struct err *e)
{
    static const char *const names[][2] = {[KIND_NAMESPACE] = {"namespace", "NamespacePolicy"},
                                           [KIND_POOL] = {"node pool", "NodePoolPolicy"},
                                           [KIND_VOLUME] = {"host volume", "HostVolumePolicy"}};
    const char *more = "";

    if (kind == KIND_NAMESPACE)
        more = n->variables ? ", Variables:(*acl.VariablesPolicy)(set)"
                            : ", Variables:(*acl.VariablesPolicy)(nil)";
    return err_set(e, ERR_INVALID,
                   "Invalid %s policy: &acl.%s{Name:\"%s\", Policy:\"%s\", Capabilities:%s%s}",
                   names[kind][0], names[kind][1], str_or_empty(n->name),
                   str_or_empty(n->policy), list_shown(a, &n->capabilities), more);
}

static int check_caps(const struct strlist *caps, enum acl_kind kind, const char *what,
                      struct err *e)
{
    for (size_t i = 0; i < caps->len; i++)
        if (!acl_cap_bit(kind, caps->at[i]))
            return err_set(e, ERR_INVALID, "Invalid %s capability '%.100s'", what, caps->at[i]);
    return 0;
}

static int check_path(struct acl_path_rule *p, struct arena *a, struct err *e)
{
    int r;

    if (empty(p->path))
        return err_set(e, ERR_INVALID, "Invalid variable path: it is empty");
    if (strlen(p->path) > ACL_NAME_MAX)
        return err_set(e, ERR_INVALID, "Invalid variable path '%.100s...': longer than %d",
                       p->path, ACL_NAME_MAX);
    if (p->capabilities.len == 0)
        return err_set(e, ERR_INVALID, "Invalid variable path '%s': no capabilities", p->path);
    r = check_caps(&p->capabilities, KIND_VARIABLE, "variable", e);
    if (r == 0 && strlist_has(&p->capabilities, "read") &&
        !strlist_has(&p->capabilities, "list"))
        list_push(a, &p->capabilities, "list"); /* who may read it may see that it is there */
    return r;
}

static int check_named(struct acl_named_rule *n, enum acl_kind kind, const char *what,
                       struct arena *a, struct err *e)
{
    int r;

    if (!name_is_plain(n->name, kind == KIND_POOL ? "_*" : "*", ACL_NAME_MAX))
        return err_set(e, ERR_INVALID, "Invalid %s name: \"%.200s\"", what,
                       str_or_empty(n->name));
    if (!empty(n->policy)) {
        struct strlist all = {0};

        for (size_t i = 0; i < n->capabilities.len; i++)
            list_push(a, &all, n->capabilities.at[i]);
        if (!expand(a, kind, n->policy, &all))
            return bad_policy(n, kind, a, e);
        r = check_caps(&n->capabilities, kind, what, e);
        n->capabilities = all;
    } else {
        r = check_caps(&n->capabilities, kind, what, e);
    }
    if (r == 0 && n->variables)
        list_each (&n->variables->paths, p)
            if (r == 0)
                r = check_path(p, a, e);
    return r;
}

enum acl_level acl_level_of(const char *policy)
{
    static const char *const names[] = {"", "list", "read", "write", "deny"};

    for (unsigned i = 1; i < ARRAY_LEN(names); i++)
        if (same(names[i], policy))
            return (enum acl_level)i;
    return LEVEL_NONE;
}

static int check_area(const struct acl_area_rule *rule, const char *what, struct err *e)
{
    enum acl_level level = rule ? acl_level_of(rule->policy) : LEVEL_READ;
    bool plugin = strcmp(what, "plugin") == 0;

    if (level == LEVEL_NONE || level == (plugin ? LEVEL_WRITE : LEVEL_LIST))
        return err_set(e, ERR_INVALID, "Invalid %s policy: \"%.100s\"", what,
                       str_or_empty(rule->policy));
    return 0;
}

static int check_rules(struct acl_rules *p, struct arena *a, struct err *e)
{
    int r = 0;

    list_each (&p->namespaces, n)
        if (r == 0)
            r = check_named(n, KIND_NAMESPACE, "namespace", a, e);
    list_each (&p->node_pools, n)
        if (r == 0)
            r = check_named(n, KIND_POOL, "node pool", a, e);
    list_each (&p->host_volumes, n)
        if (r == 0)
            r = check_named(n, KIND_VOLUME, "host volume", a, e);
    if (r == 0)
        r = check_area(p->agent, "agent", e);
    if (r == 0)
        r = check_area(p->node, "node", e);
    if (r == 0)
        r = check_area(p->operator, "operator", e);
    if (r == 0)
        r = check_area(p->quota, "quota", e);
    return r < 0 ? r : check_area(p->plugin, "plugin", e);
}

static bool says_nothing(const struct acl_rules *p)
{
    return p->namespaces.len + p->node_pools.len + p->host_volumes.len == 0 && !p->agent &&
           !p->node && !p->operator&& !p->quota && !p->plugin;
}

int acl_rules_parse(struct str text, struct arena *a, struct acl_rules *ret, struct err *e)
{
    struct hcl_diags d = {.arena = a, .dialect = HCL1};
    struct hcl_body *body = NULL;

    *ret = (struct acl_rules){0};
    if (text.len == 0)
        return 0;
    if (text.len > ACL_RULES_BYTES_MAX)
        return err_set(e, ERR_INVALID, "policy rules are longer than %d bytes",
                       ACL_RULES_BYTES_MAX);
    if (hcl_parse(text, NULL, HCL1, a, &body, &d) == 0)
        schema_decode_hcl(&rules_schema, body, NULL, a, ret, &d);
    if (d.list.len || !body)
        return err_set(e, ERR_INVALID, "Failed to parse ACL Policy: %s", hcl_diags_text(a, &d));
    if (says_nothing(ret))
        return err_set(e, ERR_INVALID, "Invalid policy: %.*s", STR_ARG(str_upto(text, 150)));
    return check_rules(ret, a, e);
}
