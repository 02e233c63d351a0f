/* nomad job plan: what a job file would change, before it does. */
#include <string.h>

#include "cli/nomad/diff.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/job_file.h"

enum { EXIT_CHANGES = 1, EXIT_PLAN_FAILED = 255 };

static struct {
    struct job_file_flags file;
    bool diff, has_diff, verbose, policy_override;
    const char *vault_token, *vault_namespace;
} o;

static const struct flag plan_flags[] = {
    JOB_FILE_FLAGS(&o.file),
    {"diff", FLAG_BOOL, &o.diff, &o.has_diff, "show what differs (true)"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "every field of what is new or gone"},
    {"policy-override", FLAG_BOOL, &o.policy_override, NULL, "accepted"},
    {"vault-token", FLAG_STR, &o.vault_token, NULL,
     "the submitter's Vault token (VAULT_TOKEN)"},
    {"vault-namespace", FLAG_STR, &o.vault_namespace, NULL, "the job's Vault namespace"},
};

static void print_failed(struct cli_call *c, const struct json *failed, bool system)
{
    printf("- WARNING: Failed to place %s.\n",
           system ? "allocations on all nodes" : "all allocations");
    for (uint32_t i = 0; i < failed->len; i++) {
        const struct json *metric = &failed->members[i].value;
        long long n = number_at(metric, "CoalescedFailures") + 1;

        printf("  Task Group \"%.*s\" (failed to place %lld allocation%s):\n",
               STR_ARG(failed->members[i].key), n, n == 1 ? "" : "s");
        print_metrics(c, metric, "    ");
    }
}

static void print_dry_run(struct cli_call *c, const struct json *plan, const char *type)
{
    const struct json *failed = at(plan, "FailedTGAllocs"), *evals = at(plan, "CreatedEvals");
    int64_t next = time_at(plan, "NextPeriodicLaunch");

    printf("Scheduler dry-run:\n");
    if (count_of(failed))
        print_failed(c, failed, strcmp(type, "system") == 0 || strcmp(type, "sysbatch") == 0);
    else
        printf("- All tasks successfully allocated.\n");
    for (size_t i = 0; i < count_of(evals); i++)
        if (strcmp(text_at(c, &evals->items[i], "TriggeredBy"), "rolling-update") == 0)
            printf("- Rolling update, next evaluation will be in %llds.\n",
                   (long long)(number_at(&evals->items[i], "Wait") / 1000000000));
    if (next > 0)
        printf("- If submitted now, next periodic launch would be at %s (%s).\n",
               time_text(c, next), ago(c, next));
    printf("\n");
}

static void print_preemptions(struct cli_call *c, const struct json *plan)
{
    const struct json *list = at(plan, "Annotations.PreemptedAllocs");
    struct table t = TABLE_NOMAD(c->arena);

    if (count_of(list) == 0)
        return;
    table_add(&t, "Alloc ID", "Job ID", "Task Group", NULL);
    for (uint32_t i = 0; i < list->len; i++)
        table_add(&t, text_at(c, &list->items[i], "ID"), text_at(c, &list->items[i], "JobID"),
                  text_at(c, &list->items[i], "TaskGroup"), NULL);
    printf("Preemptions:\n\n");
    table_print(&t, stdout);
    printf("\n");
}

static void print_hint(struct cli_call *c, const struct json *plan)
{
    const char *index = text_at(c, plan, "JobModifyIndex"), *flags = "";

    for (size_t i = 0; i < o.file.vars.len; i++)
        flags = pathf(c, "%s-var=\"%s\" ", flags, o.file.vars.at[i]);
    for (size_t i = 0; i < o.file.var_files.len; i++)
        flags = pathf(c, "%s-var-file=\"%s\" ", flags, o.file.var_files.at[i]);
    printf("Job Modify Index: %s\n"
           "To submit the job with version verification run:\n\n"
           "nomad job run -check-index %s %s%s%s\n\n"
           "When running the job with the check-index flag, the job will only be run if the\n"
           "job modify index given matches the server-side version. If the index has\n"
           "changed, another user has modified the job and the plan's results are\n"
           "potentially invalid.\n",
           index, index, o.file.json ? "-json " : "", flags, c->argv[0]);
}

/* Would allocations come, go or move because of the file? What is updated in place does not
 * count, nor what waits to be placed anyway. */
static bool moves_allocs(const struct json *plan)
{
    const struct json *type = at(plan, "Diff.Type");
    static const char *const moves[] = {"Stop", "Place", "Migrate", "DestructiveUpdate",
                                        "Canary"};
    const struct json *groups = at(plan, "Annotations.DesiredTGUpdates");

    if (type && str_eqc(type->text, "None"))
        return false;
    for (size_t i = 0; i < count_of(groups); i++)
        for (size_t k = 0; k < ARRAY_LEN(moves); k++)
            if (number_at(&groups->members[i].value, moves[k]) > 0)
                return true;
    return false;
}

static struct json *plan_request(struct cli_call *c, struct json *job, bool diff)
{
    struct json *body = json_new_object(c->arena);
    const char *token = o.vault_token && *o.vault_token ? o.vault_token : getenv("VAULT_TOKEN");

    if (token && *token)
        json_set(c->arena, job, STR("VaultToken"), json_of_str(str_of(token)));
    if (o.vault_namespace)
        json_set(c->arena, job, STR("VaultNamespace"), json_of_str(str_of(o.vault_namespace)));
    json_set(c->arena, body, STR("Job"), *job);
    json_set(c->arena, body, STR("Diff"), json_of_bool(diff));
    json_set(c->arena, body, STR("PolicyOverride"), json_of_bool(o.policy_override));
    return body;
}

static int plan_run(struct cli_call *c)
{
    bool diff = o.diff || !o.has_diff;
    struct nomad_reply r;
    struct job_file f;
    const char *path, *ns;

    if (c->argc != 1)
        return usage_error(c, EXIT_PLAN_FAILED, "This command takes one argument: <path>");
    if (job_file_read(c, &o.file, c->argv[0], &f) != CLI_EXIT_OK)
        return EXIT_PLAN_FAILED;
    ns = text_at(c, f.job, "Namespace");
    path = pathf(c, "job/%s/plan", path_part(c, text_at(c, f.job, "ID")));
    if (*ns)
        path = pathf(c, "%s?namespace=%s", path, path_part(c, ns));
    if (nomad_send(c, "PUT", path, plan_request(c, f.job, diff), &r))
        return cli_fail(EXIT_PLAN_FAILED, "Error during plan: %s", r.error);
    if (diff && count_of(at(r.json, "Diff")))
        printf("%s\n\n", job_diff_text(c, at(r.json, "Diff"), o.verbose));
    print_dry_run(c, r.json, text_at(c, f.job, "Type"));
    print_warnings(c, r.json);
    print_preemptions(c, r.json);
    print_hint(c, r.json);
    return moves_allocs(r.json) ? EXIT_CHANGES : CLI_EXIT_OK;
}

#define PLAN_ROW(var, name_, synopsis_)                                                     \
    const struct cli_command var = {                                                        \
        .name = (name_),                                                                    \
        .usage = "nomad job plan [options] <path>",                                         \
        .synopsis = (synopsis_),                                                            \
        .about = "Shows what running a job file would change, without running it. Ends "    \
                 "with 0 when no allocation would come or go, with 1 when some would, and " \
                 "with 255 when the plan could not be made.",                               \
        .flags = CLI_FLAGS(plan_flags),                                                     \
        .sets = SET_CLIENT,                                                                 \
        .guess = {guess_job_file},                                                          \
        .run = plan_run,                                                                    \
    }

PLAN_ROW(nomad_cmd_job_plan, "job plan", "Dry-run a job update to determine its changes");
PLAN_ROW(nomad_cmd_plan, "plan", "");
