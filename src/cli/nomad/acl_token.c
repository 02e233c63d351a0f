/* nomad acl bootstrap; nomad acl token create, delete, info, list, self, update. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/common/input.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool json, global, has_name, has_type, has_global;
    const char *tmpl, *name, *type, *ttl;
    struct flag_list policies, role_ids, role_names;
} o;

static const struct flag list_flags[] = {
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

/* ---- printing --------------------------------------------------------------------------- */

/* "2026-11-22T04:57:52.6Z" as "2026-11-22 04:57:52.6 +0000 UTC". */
static const char *token_time(struct cli_call *c, const struct json *token, const char *key)
{
    struct str text = str_of(text_at(c, token, key)), day;

    if (!str_split(&text, 'T', &day) || text.len == 0)
        return "<none>";
    return pathf(c, "%.*s %.*s +0000 UTC", STR_ARG(day), STR_ARG(str_trim_chars(text, "Z")));
}

static const char *policies_of(struct cli_call *c, const struct json *token)
{
    const struct json *list = at(token, "Policies");
    const char *text = "";

    for (size_t i = 0; i < count_of(list); i++)
        text = pathf(c, "%s%s%.*s", text, i ? " " : "", STR_ARG(list->items[i].text));
    return pathf(c, "[%s]", text);
}

static void print_roles(struct cli_call *c, const struct json *roles)
{
    struct table t = TABLE_NOMAD(c->arena);

    printf("\nRoles\n");
    if (count_of(roles) == 0) {
        printf("<none>\n");
        return;
    }
    table_add(&t, "ID", "Name", NULL);
    for (size_t i = 0; i < count_of(roles); i++)
        table_add(&t, text_at(c, &roles->items[i], "ID"), text_at(c, &roles->items[i], "Name"),
                  NULL);
    table_print(&t, stdout);
}

static void print_token(struct cli_call *c, const struct json *tok)
{
    bool all = strcmp(text_at(c, tok, "Type"), "management") == 0;
    const struct kv_line lines[] = {
        {"Accessor ID", text_at(c, tok, "AccessorID")},
        {"Secret ID", text_at(c, tok, "SecretID")},
        {"Name", text_at(c, tok, "Name")},
        {"Type", text_at(c, tok, "Type")},
        {"Global", bool_at(tok, "Global") ? "true" : "false"},
        {"Create Time", token_time(c, tok, "CreateTime")},
        {"Expiry Time", token_time(c, tok, "ExpirationTime")},
        {"Create Index", text_at(c, tok, "CreateIndex")},
        {"Modify Index", text_at(c, tok, "ModifyIndex")},
        {"Policies", all ? "n/a" : policies_of(c, tok)},
        {all ? "Roles" : NULL, "n/a"},
    };

    print_kv(c, lines, ARRAY_LEN(lines));
    if (!all)
        print_roles(c, at(tok, "Roles"));
}

static int show(struct cli_call *c, const struct json *tok)
{
    int code;

    if (!print_as_asked(c, tok, o.json, o.tmpl, &code))
        print_token(c, tok);
    return code;
}

/* ---- bootstrap -------------------------------------------------------------------------- */

static int bootstrap_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    struct nomad_reply r;
    struct err e = ERR_INIT;
    struct str secret = {0};

    if (c->argc && input_file_or_stdin(c->arena, c->argv[0], &secret, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error reading input: %s", e.msg);
    json_set(c->arena, body, STR("BootstrapSecret"), json_of_str(str_trim(secret)));
    if (nomad_send(c, "POST", "acl/bootstrap", body, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error bootstrapping: %s", r.error);
    return show(c, r.json);
}

const struct cli_command nomad_cmd_acl_bootstrap = {
    .name = "acl bootstrap",
    .usage = "nomad acl bootstrap [options] [<path>]",
    .synopsis = "Bootstrap the ACL system for initial token",
    .about = "Makes the first management token. A file, or \"-\" for standard input, may hold "
             "the secret (a UUID) that it is to have.",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {0, 1, "no arguments or one: <path>"},
    .run = bootstrap_run,
};

/* ---- reading ---------------------------------------------------------------------------- */

static int self_run(struct cli_call *c)
{
    struct nomad_reply r;

    if (nomad_get(c, "acl/token/self", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error fetching self token: %s", r.error);
    return show(c, r.json);
}

const struct cli_command nomad_cmd_acl_token_self = {
    .name = "acl token self",
    .synopsis = "Lookup self ACL token",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = self_run,
};

static int info_run(struct cli_call *c)
{
    struct nomad_reply r;

    if (nomad_get(c, pathf(c, "acl/token/%s", path_part(c, c->argv[0])), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error fetching token: %s", r.error);
    return show(c, r.json);
}

const struct cli_command nomad_cmd_acl_token_info = {
    .name = "acl token info",
    .usage = "nomad acl token info [options] <token_accessor_id>",
    .synopsis = "Fetch information on an existing ACL token",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <token_accessor_id>"},
    .run = info_run,
};

static void print_tokens(struct cli_call *c, const struct json *list)
{
    struct table t = TABLE_NOMAD(c->arena);

    if (count_of(list) == 0) {
        printf("No tokens found\n");
        return;
    }
    table_add(&t, "Name", "Type", "Global", "Accessor ID", "Expired", NULL);
    for (size_t i = 0; i < count_of(list); i++) {
        const struct json *tok = &list->items[i];
        int64_t ends = time_at(tok, "ExpirationTime");

        table_add(&t, text_at(c, tok, "Name"), text_at(c, tok, "Type"),
                  bool_at(tok, "Global") ? "true" : "false", text_at(c, tok, "AccessorID"),
                  ends && ends <= clock_wall_ns() ? "true" : "false", NULL);
    }
    table_print(&t, stdout);
}

static int list_run(struct cli_call *c)
{
    struct nomad_reply r;
    int code;

    if (nomad_get(c, "acl/tokens", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error listing ACL tokens: %s", r.error);
    if (!print_as_asked(c, r.json, o.json, o.tmpl, &code))
        print_tokens(c, r.json);
    return code;
}

const struct cli_command nomad_cmd_acl_token_list = {
    .name = "acl token list",
    .synopsis = "List ACL tokens",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = list_run,
};

/* ---- changing --------------------------------------------------------------------------- */

#define TOKEN_FLAGS                                                                         \
    {"name", FLAG_STR, &o.name, &o.has_name, "a name to know it by"},                       \
        {"type", FLAG_STR, &o.type, &o.has_type, "client or management"},                   \
        {"global", FLAG_BOOL, &o.global, &o.has_global, "valid in all regions"},            \
        {"policy", FLAG_LIST, &o.policies, NULL, "a policy; may be given again"},           \
        {"role-id", FLAG_LIST, &o.role_ids, NULL, "a role's ID; may be given again"},       \
        {"role-name", FLAG_LIST, &o.role_names, NULL, "a role's name; may be given again"}, \
        {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},                                      \
    {                                                                                       \
        "t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"                   \
    }

static const struct flag create_flags[] = {
    TOKEN_FLAGS,
    {"ttl", FLAG_STR, &o.ttl, NULL, "how long it is valid (\"1h\")"},
};
static const struct flag update_flags[] = {TOKEN_FLAGS};

static void set_text(struct cli_call *c, struct json *v, const char *key, const char *text)
{
    json_set(c->arena, v, str_of(key), json_of_str(str_of(text)));
}

static void push_roles(struct cli_call *c, struct json *to, const char *key,
                       const struct flag_list *from)
{
    for (size_t i = 0; i < from->len; i++) {
        struct json *link = json_new_object(c->arena);

        set_text(c, link, key, from->at[i]);
        json_push(c->arena, to, *link);
    }
}

/* Policies and roles that were given, over those that are there. */
static void set_links(struct cli_call *c, struct json *tok)
{
    struct json *policies = json_new_array(c->arena), *roles = json_new_array(c->arena);

    for (size_t i = 0; i < o.policies.len; i++)
        json_push(c->arena, policies, json_of_str(str_of(o.policies.at[i])));
    push_roles(c, roles, "ID", &o.role_ids);
    push_roles(c, roles, "Name", &o.role_names);
    if (o.policies.len)
        json_set(c->arena, tok, STR("Policies"), *policies);
    if (roles->len)
        json_set(c->arena, tok, STR("Roles"), *roles);
}

static int create_run(struct cli_call *c)
{
    struct json *tok = json_new_object(c->arena);
    struct nomad_reply r;

    set_text(c, tok, "Name", o.name);
    set_text(c, tok, "Type", o.has_type ? o.type : "client");
    json_set(c->arena, tok, STR("Global"), json_of_bool(o.global));
    if (o.ttl)
        set_text(c, tok, "ExpirationTTL", o.ttl);
    set_links(c, tok);
    if (nomad_send(c, "PUT", "acl/token", tok, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error creating token: %s", r.error);
    return show(c, r.json);
}

const struct cli_command nomad_cmd_acl_token_create = {
    .name = "acl token create",
    .synopsis = "Create a new ACL token",
    .flags = CLI_FLAGS(create_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = create_run,
};

static int update_run(struct cli_call *c)
{
    const char *path = pathf(c, "acl/token/%s", path_part(c, c->argv[0]));
    struct nomad_reply r;
    struct json *tok;

    if (nomad_get(c, path, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error fetching token: %s", r.error);
    tok = json_copy(c->arena, r.json);
    if (o.has_name)
        set_text(c, tok, "Name", o.name);
    if (o.has_type)
        set_text(c, tok, "Type", o.type);
    if (o.has_global)
        json_set(c->arena, tok, STR("Global"), json_of_bool(o.global));
    set_links(c, tok);
    if (nomad_send(c, "PUT", path, tok, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error updating token: %s", r.error);
    return show(c, r.json);
}

const struct cli_command nomad_cmd_acl_token_update = {
    .name = "acl token update",
    .usage = "nomad acl token update [options] <token_accessor_id>",
    .synopsis = "Update an existing ACL token",
    .flags = CLI_FLAGS(update_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <token_accessor_id>"},
    .run = update_run,
};

static int delete_run(struct cli_call *c)
{
    const char *id = c->argv[0];
    struct nomad_reply r;

    if (nomad_send(c, "DELETE", pathf(c, "acl/token/%s", path_part(c, id)), NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error deleting token: %s", r.error);
    printf("Token %s successfully deleted\n", id);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_acl_token_delete = {
    .name = "acl token delete",
    .usage = "nomad acl token delete [options] <token_accessor_id>",
    .synopsis = "Delete an existing ACL token",
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <token_accessor_id>"},
    .run = delete_run,
};
