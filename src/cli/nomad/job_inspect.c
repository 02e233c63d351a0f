/* nomad job inspect. */
#include <string.h>

#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool json, hcl, with_vars;
    const char *tmpl, *version;
} o;

static const struct flag inspect_flags[] = {
    {"version", FLAG_STR, &o.version, NULL, "this version"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON (it is anyway)"},
    {"hcl", FLAG_BOOL, &o.hcl, NULL, "the file it was submitted as"},
    {"with-vars", FLAG_BOOL, &o.with_vars, NULL, "with -hcl: and its variables"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static const char *in_namespace(struct cli_call *c, const char *id, const char *what,
                                const char *ns)
{
    return pathf(c, "job/%s%s?namespace=%s", path_part(c, id), what, path_part(c, ns));
}

static int fetch(struct cli_call *c, const char *id, const char *ns, const struct json **ret)
{
    const struct json *all;
    struct nomad_reply r;

    if (nomad_get(c, in_namespace(c, id, o.version ? "/versions" : "", ns), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error inspecting job: %s", r.error);
    *ret = r.json;
    if (!o.version)
        return CLI_EXIT_OK;
    all = at(r.json, "Versions");
    for (size_t i = 0; i < count_of(all); i++)
        if (strcmp(text_at(c, &all->items[i], "Version"), o.version) == 0) {
            *ret = &all->items[i];
            return CLI_EXIT_OK;
        }
    return cli_fail(NOMAD_EXIT_FAILED, "Error inspecting job: version %s not found", o.version);
}

static int print_source(struct cli_call *c, const char *id, const char *ns)
{
    const struct json *job;
    struct nomad_reply r;
    int code = fetch(c, id, ns, &job);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_get(c,
                  pathf(c, "%s&version=%s", in_namespace(c, id, "/submission", ns),
                        text_at(c, job, "Version")),
                  &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error inspecting job: %s", r.error);
    if (o.with_vars && *text_at(c, r.json, "Variables"))
        printf("Variables:\n%s\n\n", text_at(c, r.json, "Variables"));
    printf("%s\n", text_at(c, r.json, "Source"));
    return CLI_EXIT_OK;
}

static int inspect_run(struct cli_call *c)
{
    struct json *wrapped = json_new_object(c->arena);
    const struct json *job;
    const char *id, *ns;
    int code;

    if (o.hcl && (o.json || o.tmpl))
        return cli_fail(NOMAD_EXIT_FAILED, "-hcl can not be used with -json or -t");
    code = find_job(c, c->argv[0], &id, &ns);
    if (code != CLI_EXIT_OK)
        return code;
    if (o.hcl)
        return print_source(c, id, ns);
    code = fetch(c, id, ns, &job);
    if (code != CLI_EXIT_OK || (o.tmpl && print_as_asked(c, job, o.json, o.tmpl, &code)))
        return code;
    json_set(c->arena, wrapped, STR("Job"), *job);
    print_as_asked(c, wrapped, true, NULL, &code);
    return code;
}

#define INSPECT_ROW(var, name_, synopsis_)            \
    const struct cli_command var = {                  \
        .name = (name_),                              \
        .usage = "nomad job inspect [options] <job>", \
        .synopsis = (synopsis_),                      \
        .about = "Prints a job as the API has it.",   \
        .flags = CLI_FLAGS(inspect_flags),            \
        .sets = SET_CLIENT,                           \
        .args = {1, 1, "one argument: <job>"},        \
        .guess = {guess_job},                         \
        .run = inspect_run,                           \
    }

INSPECT_ROW(nomad_cmd_job_inspect, "job inspect", "Inspect a submitted job");
INSPECT_ROW(nomad_cmd_inspect, "inspect", "");
