/* nomad deployment list, status, fail, pause, promote, resume. */
#include <string.h>

#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool verbose, json, monitor, detach;
    const char *tmpl, *filter;
    struct flag_list groups;
} o;

static const struct flag list_flags[] = {
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"filter", FLAG_STR, &o.filter, NULL, "only deployments this expression is true of"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

void print_deployments(struct cli_call *c, const struct json *list, bool verbose)
{
    struct table t = TABLE_NOMAD(c->arena);

    if (count_of(list) == 0) {
        printf("No deployments found\n");
        return;
    }
    table_add(&t, "ID", "Job ID", "Job Version", "Status", "Description", NULL);
    for (uint32_t i = 0; i < list->len; i++) {
        const struct json *d = &list->items[i];

        table_add(&t, short_id(c, text_at(c, d, "ID"), verbose), text_at(c, d, "JobID"),
                  text_at(c, d, "JobVersion"), text_at(c, d, "Status"),
                  text_at(c, d, "StatusDescription"), NULL);
    }
    table_print(&t, stdout);
}

void print_deployment(struct cli_call *c, const struct json *d, bool verbose)
{
    const struct kv_line lines[] = {{"ID", short_id(c, text_at(c, d, "ID"), verbose)},
                                    {"Job ID", text_at(c, d, "JobID")},
                                    {"Job Version", text_at(c, d, "JobVersion")},
                                    {"Status", text_at(c, d, "Status")},
                                    {"Description", text_at(c, d, "StatusDescription")}};

    print_kv(c, lines, ARRAY_LEN(lines));
    if (count_of(at(d, "TaskGroups")) == 0)
        return;
    printf("\nDeployed\n");
    print_deployed(c, d, verbose, "");
}

static int list_run(struct cli_call *c)
{
    const char *path = "deployments";
    struct nomad_reply r;
    int code;

    if (o.filter)
        path = pathf(c, "%s?filter=%s", path, path_part(c, o.filter));
    if (nomad_get(c, path, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving deployments: %s", r.error);
    if (!print_as_asked(c, r.json, o.json, o.tmpl, &code))
        print_deployments(c, r.json, o.verbose);
    return code;
}

const struct cli_command nomad_cmd_deployment_list = {
    .name = "deployment list",
    .usage = "nomad deployment list [options]",
    .synopsis = "List all deployments",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = list_run,
};

static const struct flag status_flags[] = {
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"monitor", FLAG_BOOL, &o.monitor, NULL, "follow it to its end"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static int status_run(struct cli_call *c)
{
    const struct json *d;
    int code;

    if (c->argc == 0 && (o.json || o.tmpl))
        return list_run(c);
    if (c->argc != 1)
        return usage_error(c, NOMAD_EXIT_FAILED,
                           "This command takes one argument: <deployment id>");
    code = find_deployment(c, c->argv[0], &d);
    if (code != CLI_EXIT_OK || print_as_asked(c, d, o.json, o.tmpl, &code))
        return code;
    if (o.monitor)
        return monitor_deployment(c, text_at(c, d, "ID"), o.verbose);
    print_deployment(c, d, o.verbose);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_deployment_status = {
    .name = "deployment status",
    .usage = "nomad deployment status [options] <deployment id>",
    .synopsis = "Display the status of a deployment",
    .flags = CLI_FLAGS(status_flags),
    .sets = SET_CLIENT,
    .guess = {guess_deployment},
    .run = status_run,
};

/* ---- changing one -------------------------------------------------------------------------
 */

static const struct flag change_flags[] = {
    {"detach", FLAG_BOOL, &o.detach, NULL, "return at once, print the evaluation's ID"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

static const struct flag promote_flags[] = {
    {"group", FLAG_LIST, &o.groups, NULL, "only this group; may be repeated"},
    {"detach", FLAG_BOOL, &o.detach, NULL, "return at once, print the evaluation's ID"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

/* PUT deployment/<verb>/<id>; `doing` is for the error. */
static int change(struct cli_call *c, const char *verb, const char *doing, struct json *body,
                  const char **ret_id, struct nomad_reply *r)
{
    const struct json *d;
    int code = find_deployment(c, c->argv[0], &d);

    if (code != CLI_EXIT_OK)
        return code;
    *ret_id = text_at(c, d, "ID");
    json_set(c->arena, body, STR("DeploymentID"), json_of_str(str_of(*ret_id)));
    if (nomad_send(c, "PUT", pathf(c, "deployment/%s/%s", verb, *ret_id), body, r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error %s deployment: %s", doing, r->error);
    return CLI_EXIT_OK;
}

static int follow(struct cli_call *c, const struct nomad_reply *r)
{
    const char *eval = text_at(c, r->json, "EvalID");

    if (*eval && !o.detach)
        printf("\n");
    return follow_eval(c, eval, o.detach, o.verbose);
}

static int fail_run(struct cli_call *c)
{
    struct nomad_reply r;
    const char *id;
    int code = change(c, "fail", "failing", json_new_object(c->arena), &id, &r);

    if (code != CLI_EXIT_OK)
        return code;
    printf("Deployment \"%s\" failed\n", id);
    if (at(r.json, "RevertedJobVersion") && at(r.json, "RevertedJobVersion")->type != JSON_NULL)
        printf("Auto-reverted to job version %s\n", text_at(c, r.json, "RevertedJobVersion"));
    return follow(c, &r);
}

static int pause_or_resume(struct cli_call *c, bool pause)
{
    struct json *body = json_new_object(c->arena);
    struct nomad_reply r;
    const char *id;
    int code;

    json_set(c->arena, body, STR("Pause"), json_of_bool(pause));
    code = change(c, "pause", pause ? "pausing" : "resuming", body, &id, &r);
    if (code != CLI_EXIT_OK)
        return code;
    printf("Deployment \"%s\" %s\n", id, pause ? "paused" : "resumed");
    return pause ? CLI_EXIT_OK : follow(c, &r);
}

static int pause_run(struct cli_call *c)
{
    return pause_or_resume(c, true);
}

static int resume_run(struct cli_call *c)
{
    return pause_or_resume(c, false);
}

static struct json *promotion(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena), *groups = json_new_array(c->arena);

    for (size_t i = 0; i < o.groups.len; i++)
        json_push(c->arena, groups, json_of_str(str_of(o.groups.at[i])));
    json_set(c->arena, body, STR("All"), json_of_bool(o.groups.len == 0));
    if (o.groups.len)
        json_set(c->arena, body, STR("Groups"), *groups);
    return body;
}

static int promote_run(struct cli_call *c)
{
    struct nomad_reply r;
    const char *id;
    int code = change(c, "promote", "promoting", promotion(c), &id, &r);

    return code == CLI_EXIT_OK
               ? follow_eval(c, text_at(c, r.json, "EvalID"), o.detach, o.verbose)
               : code;
}

#define CHANGE_ROW(var, name_, flags_, synopsis_, run_)       \
    const struct cli_command var = {                          \
        .name = (name_),                                      \
        .usage = "nomad " name_ " [options] <deployment id>", \
        .synopsis = (synopsis_),                              \
        .flags = CLI_FLAGS(flags_),                           \
        .sets = SET_CLIENT,                                   \
        .args = {1, 1, "one argument: <deployment id>"},      \
        .guess = {guess_deployment},                          \
        .run = (run_),                                        \
    }

CHANGE_ROW(nomad_cmd_deployment_fail, "deployment fail", change_flags,
           "Manually fail a deployment", fail_run);
CHANGE_ROW(nomad_cmd_deployment_pause, "deployment pause", change_flags, "Pause a deployment",
           pause_run);
CHANGE_ROW(nomad_cmd_deployment_promote, "deployment promote", promote_flags,
           "Promote a deployment's canaries", promote_run);
CHANGE_ROW(nomad_cmd_deployment_resume, "deployment resume", change_flags,
           "Resume a paused deployment", resume_run);

/* ---- of a job -----------------------------------------------------------------------------
 */

static int job_promote_run(struct cli_call *c)
{
    struct json *body = promotion(c);
    const char *job, *ns, *id;
    struct nomad_reply r;
    int code = find_job(c, c->argv[0], &job, &ns);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_get(
            c, pathf(c, "job/%s/deployment?namespace=%s", path_part(c, job), path_part(c, ns)),
            &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving latest deployment: %s", r.error);
    id = text_at(c, r.json, "ID");
    if (!*id)
        return cli_fail(NOMAD_EXIT_FAILED, "Unable to find a deployment to promote");
    json_set(c->arena, body, STR("DeploymentID"), json_of_str(str_of(id)));
    if (nomad_send(c, "PUT",
                   pathf(c, "deployment/promote/%s?namespace=%s", id, path_part(c, ns)), body,
                   &r))
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error promoting deployment \"%s\" for job \"%s\": %s", id, job,
                        r.error);
    return follow_eval(c, text_at(c, r.json, "EvalID"), o.detach, o.verbose);
}

const struct cli_command nomad_cmd_job_promote = {
    .name = "job promote",
    .usage = "nomad job promote [options] <job id>",
    .synopsis = "Promote a job's canaries",
    .about = "Promotes the canaries of the job's newest deployment.",
    .flags = CLI_FLAGS(promote_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <job id>"},
    .guess = {guess_job},
    .run = job_promote_run,
};
