/* nomad job run, validate, plan's submission: a job file to a request. */
#include <stdlib.h>
#include <string.h>

#include "cli/common/input.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/job_children.h"
#include "cli/nomad/job_file.h"
#include "cli/nomad/nomad_priv.h"
#include "lang/units.h"

static struct {
    struct job_file_flags file;
    bool detach, verbose, output, policy_override, preserve_counts, preserve_resources;
    int64_t eval_priority;
    const char *check_index;
    uint64_t index;
    const char *vault_token, *vault_namespace, *ignored;
} o;

static const struct flag run_flags[] = {
    JOB_FILE_FLAGS(&o.file),
    {"detach", FLAG_BOOL, &o.detach, NULL, "return at once, print the evaluation's ID"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"output", FLAG_BOOL, &o.output, NULL, "print the job as JSON, do not submit it"},
    {"check-index", FLAG_STR, &o.check_index, NULL, "only if the job's modify index is this"},
    {"eval-priority", FLAG_INT, &o.eval_priority, NULL, "priority of the evaluation"},
    {"policy-override", FLAG_BOOL, &o.policy_override, NULL, "accepted"},
    {"preserve-counts", FLAG_BOOL, &o.preserve_counts, NULL, "keep the counts the job has now"},
    {"preserve-resources", FLAG_BOOL, &o.preserve_resources, NULL, "accepted"},
    {"vault-token", FLAG_STR, &o.vault_token, NULL,
     "the submitter's Vault token (VAULT_TOKEN)"},
    {"vault-namespace", FLAG_STR, &o.vault_namespace, NULL, "the job's Vault namespace"},
    {"consul-token", FLAG_STR, &o.ignored, NULL, "accepted"},
    {"consul-namespace", FLAG_STR, &o.ignored, NULL, "accepted"},
};

static void set_member(struct cli_call *c, struct json *obj, const char *key, struct json v)
{
    json_set(c->arena, obj, str_of(key), v);
}

static struct json *request(struct cli_call *c, const struct job_file *f)
{
    struct json *body = json_new_object(c->arena), *submission = json_new_object(c->arena);

    set_member(c, body, "Job", *f->job);
    if (o.check_index) {
        set_member(c, body, "EnforceIndex", json_of_bool(true));
        set_member(c, body, "JobModifyIndex", json_of_i64(c->arena, (int64_t)o.index));
    }
    if (o.eval_priority)
        set_member(c, body, "EvalPriority", json_of_i64(c->arena, o.eval_priority));
    set_member(c, body, "PreserveCounts", json_of_bool(o.preserve_counts));
    set_member(c, submission, "Source", json_of_str(f->source));
    set_member(c, submission, "Format", json_of_str(str_of(f->format)));
    set_member(c, submission, "Variables", json_of_str(STR("")));
    set_member(c, body, "Submission", *submission);
    return body;
}

void print_warnings(struct cli_call *c, const struct json *reply)
{
    const char *warnings = text_at(c, reply, "Warnings");

    if (*warnings)
        printf("Job Warnings:\n%s\n\n", warnings);
}

static int submit(struct cli_call *c, const struct job_file *f)
{
    struct nomad_reply r;
    const char *eval;

    if (nomad_send(c, "PUT", "jobs", request(c, f), &r)) {
        if (o.check_index && str_starts(r.body, STR("Enforcing job modify index")))
            return cli_fail(NOMAD_EXIT_FAILED, "%.*s\nJob not updated",
                            STR_ARG(str_trim_chars(r.body, "\n")));
        return cli_fail(NOMAD_EXIT_FAILED, "Error submitting job: %s", r.error);
    }
    print_warnings(c, r.json);
    eval = text_at(c, r.json, "EvalID");
    if (!*eval) {
        const char *next = next_launch(c, f->job);

        printf("Job registration successful\n");
        if (*next)
            printf("Approximate next launch time: %s\n", next);
        return CLI_EXIT_OK;
    }
    if (o.detach) {
        printf("Job registration successful\nEvaluation ID: %s\n", eval);
        return CLI_EXIT_OK;
    }
    return monitor_eval(c, eval, o.verbose, MONITOR_DEPLOYMENT);
}

static int run(struct cli_call *c)
{
    const char *token = o.vault_token && *o.vault_token ? o.vault_token : getenv("VAULT_TOKEN");
    struct job_file f;
    int r = job_file_read(c, &o.file, c->argv[0], &f);

    if (r != CLI_EXIT_OK)
        return r;
    if (o.check_index && !str_to_u64(str_of(o.check_index), 10, &o.index))
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error parsing check-index value \"%s\": strconv.ParseUint: parsing "
                        "\"%s\": invalid syntax",
                        o.check_index, o.check_index);
    if (token && *token)
        set_member(c, f.job, "VaultToken", json_of_str(str_of(token)));
    if (o.vault_namespace)
        set_member(c, f.job, "VaultNamespace", json_of_str(str_of(o.vault_namespace)));
    if (o.output) {
        struct json *body = json_new_object(c->arena);
        int code;

        set_member(c, body, "Job", *f.job);
        print_as_asked(c, body, true, NULL, &code);
        return code;
    }
    return submit(c, &f);
}

#define RUN_ROW(var, name_, synopsis_)                                                      \
    const struct cli_command var = {                                                        \
        .name = (name_),                                                                    \
        .usage = "nomad job run [options] <path>",                                          \
        .synopsis = (synopsis_),                                                            \
        .about = "Registers a job, or a new version of it, and follows what comes of it.\n" \
                 "\"-\" reads the job from standard input.",                                \
        .flags = CLI_FLAGS(run_flags),                                                      \
        .sets = SET_CLIENT,                                                                 \
        .args = {1, 1, "one argument: <path>"},                                             \
        .guess = {guess_job_file},                                                          \
        .run = run,                                                                         \
    }

RUN_ROW(nomad_cmd_job_run, "job run", "Run a new job or update an existing job");
RUN_ROW(nomad_cmd_run, "run", "");

/* ---- validate -----------------------------------------------------------------------------
 */

static int validate(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    struct nomad_reply r;
    struct job_file f;
    const char *error;
    int code = job_file_read(c, &o.file, c->argv[0], &f);

    if (code != CLI_EXIT_OK)
        return code;
    set_member(c, body, "Job", *f.job);
    if (nomad_send(c, "PUT", "validate/job", body, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error validating job: %s", r.error);
    error = text_at(c, r.json, "Error");
    if (*error)
        return cli_fail(NOMAD_EXIT_FAILED, "Job validation errors:\n%s", error);
    if (*text_at(c, r.json, "Warnings"))
        printf("Job Warnings:\n%s\n\n", text_at(c, r.json, "Warnings"));
    printf("Job validation successful\n");
    return CLI_EXIT_OK;
}

static const struct flag validate_flags[] = {
    JOB_FILE_FLAGS(&o.file),
    {"vault-token", FLAG_STR, &o.vault_token, NULL, "the submitter's Vault token"},
    {"vault-namespace", FLAG_STR, &o.vault_namespace, NULL, "the job's Vault namespace"},
};

#define VALIDATE_ROW(var, name_, synopsis_)                                   \
    const struct cli_command var = {                                          \
        .name = (name_),                                                      \
        .usage = "nomad job validate [options] <path>",                       \
        .synopsis = (synopsis_),                                              \
        .about = "Reads a job file and says whether it could be registered.", \
        .flags = CLI_FLAGS(validate_flags),                                   \
        .sets = SET_CLIENT,                                                   \
        .args = {1, 1, "one argument: <path>"},                               \
        .guess = {guess_job_file},                                            \
        .run = validate,                                                      \
    }

VALIDATE_ROW(nomad_cmd_job_validate, "job validate",
             "Checks if a given job specification is valid");
VALIDATE_ROW(nomad_cmd_validate, "validate", "");
