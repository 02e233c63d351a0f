/* nomad job dispatch, job periodic force: new instances of a job. */
#include "base/codec.h"
#include "base/flags.h"
#include "base/str.h"
#include "cli/common/input.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool detach, verbose;
    struct flag_list meta;
    const char *token, *template;
} o;

static const struct flag dispatch_flags[] = {
    {"meta", FLAG_LIST, &o.meta, NULL, "key=value of the instance; may be repeated"},
    {"detach", FLAG_BOOL, &o.detach, NULL, "return at once"},
    {"idempotency-token", FLAG_STR, &o.token, NULL,
     "no second instance while one of this token is not garbage"},
    {"id-prefix-template", FLAG_STR, &o.template, NULL, "beginning of the instance's ID"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

static bool is_parameterized(const struct json *job)
{
    return bool_at(job, "ParameterizedJob");
}

static bool is_periodic(const struct json *job)
{
    return bool_at(job, "Periodic");
}

static int read_meta(struct cli_call *c, struct json *body)
{
    struct json *meta = json_new_object(c->arena);

    for (size_t i = 0; i < o.meta.len; i++) {
        struct str value = str_of(o.meta.at[i]), key;

        if (!str_split(&value, '=', &key) || !value.p)
            return cli_fail(NOMAD_EXIT_FAILED, "Error parsing meta value: %s", o.meta.at[i]);
        json_set(c->arena, meta, key, json_of_str(value));
    }
    json_set(c->arena, body, STR("Meta"), *meta);
    return CLI_EXIT_OK;
}

static int read_payload(struct cli_call *c, struct json *body)
{
    auto_buf struct buf b = BUF_INIT(2 * (size_t)INPUT_MAX);
    struct err e = ERR_INIT;
    struct str payload;

    if (c->argc < 2)
        return CLI_EXIT_OK;
    if (input_file_or_stdin(c->arena, c->argv[1], &payload, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error reading input data: %s", e.msg);
    codec_base64_encode(&b, payload, false, true);
    json_set(c->arena, body, STR("Payload"),
             json_of_str(str_of(arena_cstr(c->arena, buf_str(&b)))));
    return CLI_EXIT_OK;
}

static const char *dispatch_path(struct cli_call *c, const char *id, const char *ns)
{
    const char *path =
        pathf(c, "job/%s/dispatch?namespace=%s", path_part(c, id), path_part(c, ns));

    return o.token ? pathf(c, "%s&idempotency_token=%s", path, path_part(c, o.token)) : path;
}

static int dispatch_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    const char *id, *ns, *eval;
    struct nomad_reply r;
    int code = read_meta(c, body);

    if (code == CLI_EXIT_OK)
        code = read_payload(c, body);
    if (code == CLI_EXIT_OK)
        code = find_job_of(c, "", is_parameterized, c->argv[0], &id, &ns);
    if (code != CLI_EXIT_OK)
        return code;
    json_set(c->arena, body, STR("JobID"), json_of_str(str_of(id)));
    if (o.template)
        json_set(c->arena, body, STR("IdPrefixTemplate"), json_of_str(str_of(o.template)));
    if (nomad_send(c, "PUT", dispatch_path(c, id, ns), body, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Failed to dispatch job: %s", r.error);
    eval = text_at(c, r.json, "EvalID");
    {
        const struct kv_line lines[] = {
            {"Dispatched Job ID", text_at(c, r.json, "DispatchedJobID")},
            {*eval ? "Evaluation ID" : NULL, short_id(c, eval, o.verbose)}};

        print_kv(c, lines, ARRAY_LEN(lines));
    }
    if (o.detach || !*eval)
        return CLI_EXIT_OK;
    printf("\n");
    return monitor_eval(c, eval, o.verbose, MONITOR_DEPLOYMENT);
}

const struct cli_command nomad_cmd_job_dispatch = {
    .name = "job dispatch",
    .usage = "nomad job dispatch [options] <parameterized job> [input source]",
    .synopsis = "Dispatch an instance of a parameterized job",
    .about =
        "Starts an instance of a parameterized job. What it works on comes from a file or, "
        "with \"-\", from standard input.",
    .flags = CLI_FLAGS(dispatch_flags),
    .sets = SET_CLIENT,
    .args = {1, 2, "one or two argument: <parameterized job> [input source]"},
    .guess = {guess_job, cli_guess_files},
    .run = dispatch_run,
};

static const struct flag force_flags[] = {
    {"detach", FLAG_BOOL, &o.detach, NULL, "return at once, print the evaluation's ID"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

static int force_run(struct cli_call *c)
{
    const char *id, *ns, *eval;
    struct nomad_reply r;
    int code = find_job_of(c, "periodic ", is_periodic, c->argv[0], &id, &ns);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_send(
            c, "PUT",
            pathf(c, "job/%s/periodic/force?namespace=%s", path_part(c, id), path_part(c, ns)),
            NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error forcing periodic job \"%s\": %s", id,
                        r.error);
    eval = text_at(c, r.json, "EvalID");
    if (!o.detach && *eval)
        return monitor_eval(c, eval, o.verbose, MONITOR_DEPLOYMENT);
    printf("Force periodic successful\n");
    return follow_eval(c, eval, true, o.verbose);
}

const struct cli_command nomad_cmd_job_periodic_force = {
    .name = "job periodic force",
    .usage = "nomad job periodic force [options] <job id>",
    .synopsis = "Force the launch of a periodic job",
    .about = "Starts an instance of a periodic job now.",
    .flags = CLI_FLAGS(force_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <job id>"},
    .guess = {guess_job},
    .run = force_run,
};
