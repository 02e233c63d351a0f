/* nomad acl policy apply, delete, info, list, self. */
#include <string.h>

#include "base/str.h"
#include "cli/common/input.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool json;
    const char *tmpl, *description, *job, *group, *task;
} o;

static const struct flag list_flags[] = {
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

/* ---- reading ---------------------------------------------------------------------------- */

static void print_policies(struct cli_call *c, const struct json *list)
{
    struct table t = TABLE_NOMAD(c->arena);

    if (count_of(list) == 0) {
        printf("No policies found\n");
        return;
    }
    table_add(&t, "Name", "Description", NULL);
    for (size_t i = 0; i < count_of(list); i++)
        table_add(&t, text_at(c, &list->items[i], "Name"),
                  text_at(c, &list->items[i], "Description"), NULL);
    table_print(&t, stdout);
}

static int list_run(struct cli_call *c)
{
    struct nomad_reply r;
    int code;

    if (nomad_get(c, "acl/policies", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error listing ACL policies: %s", r.error);
    if (!print_as_asked(c, r.json, o.json, o.tmpl, &code))
        print_policies(c, r.json);
    return code;
}

const struct cli_command nomad_cmd_acl_policy_list = {
    .name = "acl policy list",
    .synopsis = "List ACL policies",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = list_run,
};

static int self_run(struct cli_call *c)
{
    struct nomad_reply r;
    int code;

    if (nomad_get(c, "acl/policy/self", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error listing policies of the token: %s", r.error);
    if (!print_as_asked(c, r.json, o.json, o.tmpl, &code))
        print_policies(c, r.json);
    return code;
}

const struct cli_command nomad_cmd_acl_policy_self = {
    .name = "acl policy self",
    .synopsis = "Lookup the policies of the token that is used",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = self_run,
};

static void print_policy(struct cli_call *c, const struct json *p)
{
    const struct kv_line lines[] = {
        {"Name", text_at(c, p, "Name")},
        {"Description", text_at(c, p, "Description")},
        {"CreateIndex", text_at(c, p, "CreateIndex")},
        {"ModifyIndex", text_at(c, p, "ModifyIndex")},
    };
    const struct json *job = at(p, "JobACL");

    print_kv(c, lines, ARRAY_LEN(lines));
    if (json_is(job, JSON_OBJECT)) {
        const struct kv_line tasks[] = {
            {"Namespace", text_at(c, job, "Namespace")},
            {"JobID", text_at(c, job, "JobID")},
            {"Group", text_at(c, job, "Group")},
            {"Task", text_at(c, job, "Task")},
        };

        printf("\nAssociated Workload\n");
        print_kv(c, tasks, ARRAY_LEN(tasks));
    }
    printf("\nRules\n\n%s\n", text_at(c, p, "Rules"));
}

static int info_run(struct cli_call *c)
{
    struct nomad_reply r;
    int code;

    if (nomad_get(c, pathf(c, "acl/policy/%s", path_part(c, c->argv[0])), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error fetching info on ACL policy: %s", r.error);
    if (!print_as_asked(c, r.json, o.json, o.tmpl, &code))
        print_policy(c, r.json);
    return code;
}

const struct cli_command nomad_cmd_acl_policy_info = {
    .name = "acl policy info",
    .usage = "nomad acl policy info [options] <name>",
    .synopsis = "Fetch info on an existing ACL policy",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <name>"},
    .run = info_run,
};

/* ---- changing --------------------------------------------------------------------------- */

static const struct flag apply_flags[] = {
    {"description", FLAG_STR, &o.description, NULL, "what it is for"},
    {"job", FLAG_STR, &o.job, NULL, "tasks of this job have it too (in -namespace)"},
    {"group", FLAG_STR, &o.group, NULL, "only those of this group"},
    {"task", FLAG_STR, &o.task, NULL, "only this one"},
};

static void set_text(struct cli_call *c, struct json *v, const char *key, const char *text)
{
    json_set(c->arena, v, str_of(key), json_of_str(str_of(text)));
}

static struct json *job_acl(struct cli_call *c)
{
    struct json *j = json_new_object(c->arena);
    const char *ns = nomad_options.namespace;

    set_text(c, j, "Namespace", ns && *ns ? ns : "default");
    set_text(c, j, "JobID", o.job);
    set_text(c, j, "Group", o.group);
    set_text(c, j, "Task", o.task);
    return j;
}

static int apply_run(struct cli_call *c)
{
    const char *name = c->argv[0];
    struct json *p = json_new_object(c->arena);
    struct nomad_reply r;
    struct err e = ERR_INIT;
    struct str rules;

    if (input_file_or_stdin(c->arena, c->argv[1], &rules, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Failed to read file: %s", e.msg);
    if ((o.group && !o.job) || (o.task && !o.group))
        return cli_fail(NOMAD_EXIT_FAILED, "-task needs -group, and -group needs -job");
    set_text(c, p, "Name", name);
    set_text(c, p, "Description", o.description);
    json_set(c->arena, p, STR("Rules"), json_of_str(rules));
    if (o.job)
        json_set(c->arena, p, STR("JobACL"), *job_acl(c));
    if (nomad_send(c, "PUT", pathf(c, "acl/policy/%s", path_part(c, name)), p, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error writing ACL policy: %s", r.error);
    printf("Successfully wrote \"%s\" ACL policy!\n", name);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_acl_policy_apply = {
    .name = "acl policy apply",
    .usage = "nomad acl policy apply [options] <name> <path>",
    .synopsis = "Create or update an ACL policy",
    .about = "Reads the rules from a file, or from standard input for \"-\".",
    .flags = CLI_FLAGS(apply_flags),
    .sets = SET_CLIENT,
    .args = {2, 2, "two arguments: <name> <path>"},
    .run = apply_run,
};

static int delete_run(struct cli_call *c)
{
    const char *name = c->argv[0];
    struct nomad_reply r;

    if (nomad_send(c, "DELETE", pathf(c, "acl/policy/%s", path_part(c, name)), NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error deleting ACL policy: %s", r.error);
    printf("Successfully deleted %s policy!\n", name);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_acl_policy_delete = {
    .name = "acl policy delete",
    .usage = "nomad acl policy delete [options] <name>",
    .synopsis = "Delete an existing ACL policy",
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <name>"},
    .run = delete_run,
};
