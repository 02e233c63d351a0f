/* nomad job history, revert and tag: the versions of a job. */
#include <string.h>

#include "base/str.h"
#include "cli/nomad/diff.h"
#include "cli/nomad/guess.h"

static struct {
    bool p, full, json, detach, verbose;
    const char *version, *tmpl, *diff_version, *diff_tag, *vault_token, *ignored, *tag_name,
        *tag_text, *tag_version;
} o;

static const struct flag history_flags[] = {
    {"p", FLAG_BOOL, &o.p, NULL, "with what differs from the version before"},
    {"full", FLAG_BOOL, &o.full, NULL, "whole jobs"},
    {"version", FLAG_STR, &o.version, NULL, "only this version"},
    {"diff-version", FLAG_STR, &o.diff_version, NULL, "compare with this version"},
    {"diff-tag", FLAG_STR, &o.diff_tag, NULL, "compare with the version of this tag"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static void print_version(struct cli_call *c, const struct json *job, const struct json *diff)
{
    const char *tag = text_at(c, job, "VersionTag.Name");
    const struct kv_line lines[] = {
        {"Version", text_at(c, job, "Version")},
        {"Stable", text_at(c, job, "Stable")},
        {"Submit Date", time_text(c, number_at(job, "SubmitTime"))},
        {*tag ? "Tag Name" : NULL, tag},
        {*tag ? "Tag Description" : NULL, text_at(c, job, "VersionTag.Description")},
    };

    print_kv(c, lines, ARRAY_LEN(lines));
    if (count_of(diff))
        printf("%-*s = \n%s\n", *tag ? 15 : 11, "Diff", job_diff_text(c, diff, false));
}

static int print_jobs(struct cli_call *c, const struct json *versions, const struct json *diffs)
{
    const char *glue = "";
    int code = CLI_EXIT_OK;

    for (size_t i = 0; i < count_of(versions); i++) {
        const struct json *job = &versions->items[i];

        if (o.version && strcmp(text_at(c, job, "Version"), o.version) != 0)
            continue;
        printf("%s", glue);
        glue = "\n";
        if (o.full)
            print_as_asked(c, job, true, NULL, &code);
        else
            print_version(c, job, i < count_of(diffs) ? &diffs->items[i] : NULL);
    }
    if (!*glue)
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error printing job history for non-existing job or job version");
    return code;
}

static int print_raw(struct cli_call *c, const struct json *versions)
{
    int code = CLI_EXIT_OK;

    for (size_t i = 0; o.version && i < count_of(versions); i++)
        if (strcmp(text_at(c, &versions->items[i], "Version"), o.version) == 0) {
            print_as_asked(c, &versions->items[i], o.json, o.tmpl, &code);
            return code;
        }
    if (o.version)
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error printing job history for non-existing job or job version");
    print_as_asked(c, versions, o.json, o.tmpl, &code);
    return code;
}

static int history_run(struct cli_call *c)
{
    bool diffs = o.p || o.diff_version || o.diff_tag;
    const char *id, *ns, *path;
    struct nomad_reply r;
    uint64_t n;
    int code;

    if ((o.json || o.tmpl) && (o.p || o.full))
        return cli_fail(NOMAD_EXIT_FAILED, "-json and -t are exclusive with -p and -full");
    if (o.version && !str_to_u64(str_of(o.version), 10, &n))
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error parsing version value \"%s\": strconv.ParseUint: parsing "
                        "\"%s\": invalid syntax",
                        o.version, o.version);
    code = find_job(c, c->argv[0], &id, &ns);
    if (code != CLI_EXIT_OK)
        return code;
    path = pathf(c, "job/%s/versions?namespace=%s&diffs=%s", path_part(c, id), path_part(c, ns),
                 diffs ? "true" : "false");
    if (o.diff_version)
        path = pathf(c, "%s&diff_version=%s", path, path_part(c, o.diff_version));
    if (o.diff_tag)
        path = pathf(c, "%s&diff_tag=%s", path, path_part(c, o.diff_tag));
    if (nomad_get(c, path, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving job versions: %s", r.error);
    if (o.json || o.tmpl)
        return print_raw(c, at(r.json, "Versions"));
    return print_jobs(c, at(r.json, "Versions"), diffs ? at(r.json, "Diffs") : NULL);
}

const struct cli_command nomad_cmd_job_history = {
    .name = "job history",
    .usage = "nomad job history [options] <job>",
    .synopsis = "Display all tracked versions of a job",
    .about = "Shows the versions of a job that the servers keep, newest first.",
    .flags = CLI_FLAGS(history_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <job>"},
    .guess = {guess_job},
    .run = history_run,
};

/* ---- revert -------------------------------------------------------------------------------
 */

static const struct flag revert_flags[] = {
    {"detach", FLAG_BOOL, &o.detach, NULL, "return at once, print the evaluation's ID"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"vault-token", FLAG_STR, &o.vault_token, NULL, "the submitter's Vault token"},
    {"consul-token", FLAG_STR, &o.ignored, NULL, "accepted"},
};

/* A number is a version; anything else is a tag. */
static int version_of(struct cli_call *c, const char *id, const char *ns, const char *given,
                      uint64_t *ret)
{
    struct nomad_reply r;
    const struct json *all;

    if (str_to_u64(str_of(given), 10, ret))
        return CLI_EXIT_OK;
    if (nomad_get(c,
                  pathf(c, "job/%s/versions?namespace=%s", path_part(c, id), path_part(c, ns)),
                  &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving job versions: %s", r.error);
    all = at(r.json, "Versions");
    for (size_t i = 0; i < count_of(all); i++)
        if (strcmp(text_at(c, &all->items[i], "VersionTag.Name"), given) == 0) {
            *ret = (uint64_t)number_at(&all->items[i], "Version");
            return CLI_EXIT_OK;
        }
    return cli_fail(NOMAD_EXIT_FAILED,
                    "Error retrieving job versions: tag \"%s\" not found on job \"%s\"", given,
                    id);
}

static int revert_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    const char *id, *ns;
    struct nomad_reply r;
    uint64_t version = 0;
    int code = find_job(c, c->argv[0], &id, &ns);

    if (code == CLI_EXIT_OK)
        code = version_of(c, id, ns, c->argv[1], &version);
    if (code != CLI_EXIT_OK)
        return code;
    json_set(c->arena, body, STR("JobID"), json_of_str(str_of(id)));
    json_set(c->arena, body, STR("JobVersion"), json_of_i64(c->arena, (int64_t)version));
    if (o.vault_token && *o.vault_token)
        json_set(c->arena, body, STR("VaultToken"), json_of_str(str_of(o.vault_token)));
    if (nomad_send(c, "PUT",
                   pathf(c, "job/%s/revert?namespace=%s", path_part(c, id), path_part(c, ns)),
                   body, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving job versions: %s", r.error);
    print_warnings(c, r.json);
    return follow_eval(c, text_at(c, r.json, "EvalID"), o.detach, o.verbose);
}

const struct cli_command nomad_cmd_job_revert = {
    .name = "job revert",
    .usage = "nomad job revert [options] <job> <version|tag>",
    .synopsis = "Revert to a prior version of the job",
    .about = "Registers an earlier version of a job again, as a new one.",
    .flags = CLI_FLAGS(revert_flags),
    .sets = SET_CLIENT,
    .args = {2, 2, "two arguments: <job> <version|tag>"},
    .guess = {guess_job},
    .run = revert_run,
};

/* ---- tags ---------------------------------------------------------------------------------
 */

static const struct flag tag_flags[] = {
    {"name", FLAG_STR, &o.tag_name, NULL, "of the tag"},
    {"description", FLAG_STR, &o.tag_text, NULL, "of the tag"},
    {"version", FLAG_STR, &o.tag_version, NULL, "version to tag (the newest)"},
};

static int tag_send(struct cli_call *c, const char *method, const struct json *body,
                    const char *id, const char *ns, struct nomad_reply *r)
{
    if (nomad_send(c, method,
                   pathf(c, "job/%s/versions/%s/tag?namespace=%s", path_part(c, id),
                         path_part(c, o.tag_name), path_part(c, ns)),
                   body, r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error tagging job version: %s", r->error);
    return CLI_EXIT_OK;
}

static int newest_version(struct cli_call *c, const char *id, const char *ns, uint64_t *ret)
{
    struct nomad_reply r;

    if (o.tag_version) {
        if (str_to_u64(str_of(o.tag_version), 10, ret))
            return CLI_EXIT_OK;
        return cli_fail(NOMAD_EXIT_FAILED, "Error parsing version value \"%s\": not a number",
                        o.tag_version);
    }
    if (nomad_get(c, pathf(c, "job/%s?namespace=%s", path_part(c, id), path_part(c, ns)), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving job: %s", r.error);
    *ret = (uint64_t)number_at(r.json, "Version");
    return CLI_EXIT_OK;
}

static int tag_target(struct cli_call *c, const char **id, const char **ns)
{
    if (!o.tag_name || !*o.tag_name)
        return usage_error(c, NOMAD_EXIT_FAILED, "A version tag name is required");
    return find_job(c, c->argv[0], id, ns);
}

static int tag_apply_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    const char *id, *ns;
    struct nomad_reply r;
    uint64_t version = 0;
    int code = tag_target(c, &id, &ns);

    if (code == CLI_EXIT_OK)
        code = newest_version(c, id, ns, &version);
    if (code != CLI_EXIT_OK)
        return code;
    json_set(c->arena, body, STR("Version"), json_of_i64(c->arena, (int64_t)version));
    json_set(c->arena, body, STR("Description"),
             json_of_str(str_of(o.tag_text ? o.tag_text : "")));
    if ((code = tag_send(c, "PUT", body, id, ns, &r)) != CLI_EXIT_OK)
        return code;
    printf("Job version %llu tagged with name \"%s\"\n", (unsigned long long)version,
           o.tag_name);
    return CLI_EXIT_OK;
}

static int tag_unset_run(struct cli_call *c)
{
    const char *id, *ns;
    struct nomad_reply r;
    int code = tag_target(c, &id, &ns);

    if (code == CLI_EXIT_OK)
        code = tag_send(c, "DELETE", NULL, id, ns, &r);
    if (code == CLI_EXIT_OK)
        printf("Tag \"%s\" removed from job \"%s\"\n", o.tag_name, id);
    return code;
}

#define TAG_ROW(var, name_, synopsis_, run_)                    \
    const struct cli_command var = {                            \
        .name = (name_),                                        \
        .usage = "nomad " name_ " [options] -name <tag> <job>", \
        .synopsis = (synopsis_),                                \
        .flags = CLI_FLAGS(tag_flags),                          \
        .sets = SET_CLIENT,                                     \
        .args = {1, 1, "one argument: <job>"},                  \
        .guess = {guess_job},                                   \
        .run = (run_),                                          \
    }

TAG_ROW(nomad_cmd_job_tag_apply, "job tag apply", "Save a job version with a tag",
        tag_apply_run);
TAG_ROW(nomad_cmd_job_tag_unset, "job tag unset", "Remove a tag from a job version",
        tag_unset_run);
