/* nomad acl role create, delete, info, list, update. */
#include <string.h>

#include "base/str.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool json, by_name, no_merge, has_name, has_description;
    const char *tmpl, *name, *description;
    struct flag_list policies;
} o;

#define FORMAT_FLAGS                                                      \
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},                        \
    {                                                                     \
        "t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template" \
    }
#define ROLE_FLAGS                                                                 \
    {"name", FLAG_STR, &o.name, &o.has_name, "its name"},                          \
        {"description", FLAG_STR, &o.description, &o.has_description, "what for"}, \
    {                                                                              \
        "policy", FLAG_LIST, &o.policies, NULL, "a policy; may be given again"     \
    }

static const struct flag list_flags[] = {FORMAT_FLAGS};
static const struct flag info_flags[] = {
    {"by-name", FLAG_BOOL, &o.by_name, NULL, "the argument is its name, not its ID"},
    FORMAT_FLAGS,
};
static const struct flag create_flags[] = {ROLE_FLAGS, FORMAT_FLAGS};
static const struct flag update_flags[] = {
    ROLE_FLAGS,
    {"no-merge", FLAG_BOOL, &o.no_merge, NULL, "what is not given is not kept"},
    FORMAT_FLAGS,
};

/* ---- printing --------------------------------------------------------------------------- */

static const char *policies_of(struct cli_call *c, const struct json *role)
{
    const struct json *list = at(role, "Policies");
    const char *text = "";

    for (size_t i = 0; i < count_of(list); i++)
        text = pathf(c, "%s%s%s", text, i ? "," : "", text_at(c, &list->items[i], "Name"));
    return text;
}

static int show(struct cli_call *c, const struct json *role)
{
    const struct kv_line lines[] = {
        {"ID", text_at(c, role, "ID")},
        {"Name", text_at(c, role, "Name")},
        {"Description", text_at(c, role, "Description")},
        {"Policies", policies_of(c, role)},
        {"Create Index", text_at(c, role, "CreateIndex")},
        {"Modify Index", text_at(c, role, "ModifyIndex")},
    };
    int code;

    if (!print_as_asked(c, role, o.json, o.tmpl, &code))
        print_kv(c, lines, ARRAY_LEN(lines));
    return code;
}

static void print_list(struct cli_call *c, const struct json *list)
{
    struct table t = TABLE_NOMAD(c->arena);

    if (count_of(list) == 0) {
        printf("No ACL roles found\n");
        return;
    }
    table_add(&t, "ID", "Name", "Description", "Policies", NULL);
    for (size_t i = 0; i < count_of(list); i++) {
        const struct json *role = &list->items[i];

        table_add(&t, text_at(c, role, "ID"), text_at(c, role, "Name"),
                  text_at(c, role, "Description"), policies_of(c, role), NULL);
    }
    table_print(&t, stdout);
}

/* ---- reading ---------------------------------------------------------------------------- */

static int list_run(struct cli_call *c)
{
    struct nomad_reply r;
    int code;

    if (nomad_get(c, "acl/roles", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error listing ACL roles: %s", r.error);
    if (!print_as_asked(c, r.json, o.json, o.tmpl, &code))
        print_list(c, r.json);
    return code;
}

const struct cli_command nomad_cmd_acl_role_list = {
    .name = "acl role list",
    .synopsis = "List ACL roles",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = list_run,
};

static int info_run(struct cli_call *c)
{
    struct nomad_reply r;

    if (nomad_get(c,
                  pathf(c, "acl/role/%s%s", o.by_name ? "name/" : "", path_part(c, c->argv[0])),
                  &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error reading ACL role: %s", r.error);
    return show(c, r.json);
}

const struct cli_command nomad_cmd_acl_role_info = {
    .name = "acl role info",
    .usage = "nomad acl role info [options] <acl_role_id>",
    .synopsis = "Fetch information on an existing ACL role",
    .flags = CLI_FLAGS(info_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <acl_role_id>"},
    .run = info_run,
};

/* ---- changing --------------------------------------------------------------------------- */

static void push_policy(struct cli_call *c, struct json *list, const char *name)
{
    struct json *link = json_new_object(c->arena);

    json_set(c->arena, link, STR("Name"), json_of_str(str_of(name)));
    json_push(c->arena, list, *link);
}

/* What was given, over what is there. */
static void fill_role(struct cli_call *c, struct json *role)
{
    const struct json *had = at(role, "Policies");
    struct json *policies = json_new_array(c->arena);

    if (o.has_name)
        json_set(c->arena, role, STR("Name"), json_of_str(str_of(o.name)));
    if (o.has_description)
        json_set(c->arena, role, STR("Description"), json_of_str(str_of(o.description)));
    for (size_t i = 0; i < count_of(had); i++)
        push_policy(c, policies, text_at(c, &had->items[i], "Name"));
    for (size_t i = 0; i < o.policies.len; i++)
        push_policy(c, policies, o.policies.at[i]);
    json_set(c->arena, role, STR("Policies"), *policies);
}

static int create_run(struct cli_call *c)
{
    struct json *role = json_new_object(c->arena);
    struct nomad_reply r;

    if (!o.name || !*o.name)
        return cli_fail(NOMAD_EXIT_FAILED, "ACL role name must be specified using the -name "
                                           "flag");
    if (o.policies.len == 0)
        return cli_fail(NOMAD_EXIT_FAILED, "At least one policy name must be specified using "
                                           "the -policy flag");
    fill_role(c, role);
    if (nomad_send(c, "PUT", "acl/role", role, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error creating ACL role: %s", r.error);
    return show(c, r.json);
}

const struct cli_command nomad_cmd_acl_role_create = {
    .name = "acl role create",
    .synopsis = "Create a new ACL role",
    .flags = CLI_FLAGS(create_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = create_run,
};

static int update_run(struct cli_call *c)
{
    const char *path = pathf(c, "acl/role/%s", path_part(c, c->argv[0]));
    struct json *role = json_new_object(c->arena);
    struct nomad_reply r;

    if (!o.has_name && !o.has_description && o.policies.len == 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Please provide at least one flag to update the ACL "
                                           "role");
    if (nomad_get(c, path, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error reading ACL role: %s", r.error);
    if (o.no_merge)
        json_set(c->arena, role, STR("ID"), json_of_str(str_of(text_at(c, r.json, "ID"))));
    else
        role = json_copy(c->arena, r.json);
    fill_role(c, role);
    if (nomad_send(c, "PUT", path, role, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error updating ACL role: %s", r.error);
    return show(c, r.json);
}

const struct cli_command nomad_cmd_acl_role_update = {
    .name = "acl role update",
    .usage = "nomad acl role update [options] <acl_role_id>",
    .synopsis = "Update an existing ACL role",
    .flags = CLI_FLAGS(update_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <acl_role_id>"},
    .run = update_run,
};

static int delete_run(struct cli_call *c)
{
    const char *id = c->argv[0];
    struct nomad_reply r;

    if (nomad_send(c, "DELETE", pathf(c, "acl/role/%s", path_part(c, id)), NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error deleting ACL role: %s", r.error);
    printf("ACL role %s successfully deleted\n", id);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_acl_role_delete = {
    .name = "acl role delete",
    .usage = "nomad acl role delete [options] <acl_role_id>",
    .synopsis = "Delete an existing ACL role",
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <acl_role_id>"},
    .run = delete_run,
};
