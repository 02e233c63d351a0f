/* nomad job allocs, deployments, eval. */
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool verbose, json, all, latest, detach, force_reschedule;
    const char *tmpl;
} o;

static const struct flag allocs_flags[] = {
    {"all", FLAG_BOOL, &o.all, NULL, "of earlier jobs of this name, too"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static const char *of_job(struct cli_call *c, const char *id, const char *what, const char *ns)
{
    return pathf(c, "job/%s/%s?namespace=%s&all=%s", path_part(c, id), what, path_part(c, ns),
                 o.all ? "true" : "false");
}

static int allocs_run(struct cli_call *c)
{
    const char *id, *ns;
    struct nomad_reply r;
    int code = find_job(c, c->argv[0], &id, &ns);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_get(c, of_job(c, id, "allocations", ns), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving allocations: %s", r.error);
    if (!print_as_asked(c, r.json, o.json, o.tmpl, &code))
        print_alloc_table(c, r.json, o.verbose);
    return code;
}

const struct cli_command nomad_cmd_job_allocs = {
    .name = "job allocs",
    .usage = "nomad job allocs [options] <job>",
    .synopsis = "List allocations for a job",
    .flags = CLI_FLAGS(allocs_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <job>"},
    .guess = {guess_job},
    .run = allocs_run,
};

static const struct flag deployments_flags[] = {
    {"latest", FLAG_BOOL, &o.latest, NULL, "only the newest, with its groups"},
    {"all", FLAG_BOOL, &o.all, NULL, "of earlier jobs of this name, too"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static int deployments_run(struct cli_call *c)
{
    const char *id, *ns;
    struct nomad_reply r;
    int code = find_job(c, c->argv[0], &id, &ns);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_get(c, of_job(c, id, o.latest ? "deployment" : "deployments", ns), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving deployments: %s", r.error);
    if (print_as_asked(c, r.json, o.json, o.tmpl, &code))
        return code;
    if (o.latest && count_of(r.json))
        print_deployment(c, r.json, o.verbose);
    else
        print_deployments(c, o.latest ? NULL : r.json, o.verbose);
    return code;
}

const struct cli_command nomad_cmd_job_deployments = {
    .name = "job deployments",
    .usage = "nomad job deployments [options] <job>",
    .synopsis = "List deployments for a job",
    .flags = CLI_FLAGS(deployments_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <job>"},
    .guess = {guess_job},
    .run = deployments_run,
};

static const struct flag eval_flags[] = {
    {"force-reschedule", FLAG_BOOL, &o.force_reschedule, NULL,
     "replace failed allocations now, whatever their policy says"},
    {"detach", FLAG_BOOL, &o.detach, NULL, "return at once"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

static int eval_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena), *opts = json_new_object(c->arena);
    const char *id, *ns, *eval;
    struct nomad_reply r;
    int code = find_job(c, c->argv[0], &id, &ns);

    if (code != CLI_EXIT_OK)
        return code;
    json_set(c->arena, opts, STR("ForceReschedule"), json_of_bool(o.force_reschedule));
    json_set(c->arena, body, STR("JobID"), json_of_str(str_of(id)));
    json_set(c->arena, body, STR("EvalOptions"), *opts);
    if (nomad_send(c, "PUT",
                   pathf(c, "job/%s/evaluate?namespace=%s", path_part(c, id), path_part(c, ns)),
                   body, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error evaluating job: %s", r.error);
    eval = text_at(c, r.json, "EvalID");
    if (!o.detach)
        return monitor_eval(c, eval, o.verbose, MONITOR_DEPLOYMENT);
    printf("Created eval ID: \"%s\" \n", short_id(c, eval, o.verbose));
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_job_eval = {
    .name = "job eval",
    .usage = "nomad job eval [options] <job>",
    .synopsis = "Force an evaluation for the job",
    .about = "Has the scheduler look at the job again.",
    .flags = CLI_FLAGS(eval_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <job>"},
    .guess = {guess_job},
    .run = eval_run,
};
