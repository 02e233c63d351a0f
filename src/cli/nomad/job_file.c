#include "cli/nomad/job_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/common/input.h"
#include "cli/common/term.h"
#include "cli/nomad/snippet.h"
#include "nomad/jobspec/jobspec.h"
#include "nomad/model/job.h"

extern char **environ;

static int failed(struct cli_call *c, const char *why)
{
    (void)c;
    return cli_fail(NOMAD_EXIT_FAILED, "Error getting job struct: %s", why);
}

static int read_json(struct cli_call *c, struct job_file *ret)
{
    struct err e = ERR_INIT;
    struct json *v;
    const struct json *job;

    if (json_parse(ret->source, &json_limits_file, 0, c->arena, &v, &e) < 0)
        return failed(c, pathf(c, "Error parsing job file: %s", e.msg));
    job = json_get_nocase(v, "Job");
    ret->job = json_copy(c->arena, job ? job : v);
    ret->format = "json";
    if (!json_is(ret->job, JSON_OBJECT))
        return failed(c, "Error parsing job file: the file holds no job");
    return CLI_EXIT_OK;
}

static int read_var_files(struct cli_call *c, const struct job_file_flags *f, const char *path,
                          struct jobspec_opts *opts)
{
    struct jobspec_file *files =
        arena_array(c->arena, struct jobspec_file, f->var_files.len + 1);
    struct err e = ERR_INIT;

    for (size_t i = 0; i < f->var_files.len; i++) {
        files[i].name = f->var_files.at[i];
        if (input_file(c->arena, files[i].name, &files[i].text, &e) < 0)
            return failed(c, pathf(c,
                                   "Error parsing job file from %s:\nunable to parse var file: "
                                   "<nil>: Failed to read file; failed to read \"%s\": %s",
                                   path, files[i].name, e.msg));
    }
    opts->var_files = files;
    opts->n_var_files = f->var_files.len;
    return CLI_EXIT_OK;
}

static int read_var_flags(struct cli_call *c, const struct job_file_flags *f,
                          struct jobspec_opts *opts)
{
    struct strpair *pairs = arena_array(c->arena, struct strpair, f->vars.len + 1);

    for (size_t i = 0; i < f->vars.len; i++) {
        struct str value = str_of(f->vars.at[i]), key;

        if (!str_split(&value, '=', &key) || !value.p)
            return failed(c, pathf(c,
                                   "Invalid -var option; the given -var option \"%s\" is not "
                                   "correctly specified. "
                                   "Must be a variable name and value separated by an equals "
                                   "sign, like -var key=value",
                                   f->vars.at[i]));
        pairs[i] = (struct strpair){arena_cstr(c->arena, key), arena_cstr(c->arena, value)};
    }
    opts->var_flags = pairs;
    opts->n_var_flags = f->vars.len;
    return CLI_EXIT_OK;
}

static struct json *job_to_json(struct cli_call *c, const struct job *j)
{
    struct buf b = BUF_INIT(PRINT_MAX);
    struct json_out w;
    struct json *v = NULL;

    json_out_init(&w, &b, NULL);
    schema_encode(&job_schema, j, 0, &w);
    (void)json_parse(buf_str(&b), &json_limits_file, JSON_COPY, c->arena, &v, NULL);
    buf_done(&b);
    return v;
}

/* The lines that the diagnostics are about, of the job file and of files of variables. Only for
 * people: what reads a pipe knows the text without them. */
static const char *diag_lines(struct cli_call *c, const struct hcl_diags *d,
                              const struct jobspec_opts *opts, const char *path,
                              struct str text)
{
    const char *lines = "";

    if (!term_is_tty(STDERR_FILENO))
        return "";
    lines = snippets_text(c->arena, d, path, text);
    for (size_t i = 0; i < opts->n_var_files; i++)
        lines =
            pathf(c, "%s%s", lines,
                  snippets_text(c->arena, d, opts->var_files[i].name, opts->var_files[i].text));
    return *lines ? pathf(c, "\n%s", lines) : "";
}

static int read_hcl(struct cli_call *c, const struct job_file_flags *f, const char *path,
                    struct job_file *ret)
{
    struct hcl_diags d = {.arena = c->arena};
    struct jobspec_opts opts = {.env = (const char *const *)environ,
                                .lenient = f->has_hcl2_strict && !f->hcl2_strict,
                                .files = true};
    struct job *j;
    int r = read_var_files(c, f, path, &opts);

    if (r == CLI_EXIT_OK)
        r = read_var_flags(c, f, &opts);
    if (r != CLI_EXIT_OK)
        return r;
    ret->format = "hcl2";
    if (jobspec_parse(ret->source, path, &opts, c->arena, &j, &d) < 0)
        return failed(c, pathf(c, "Error parsing job file from %s:\n%s%s", path,
                               hcl_diags_text(c->arena, &d),
                               diag_lines(c, &d, &opts, path, ret->source)));
    ret->job = job_to_json(c, j);
    return CLI_EXIT_OK;
}

static const char *cannot_open(struct cli_call *c, const char *path)
{
    const char *whole = whole_path(c, path);

    if (access(path, F_OK) < 0)
        return pathf(c, "Error getting jobfile from \"%s\": source path error: stat %s: %s",
                     path, whole,
                     errno == ENOENT ? "no such file or directory" : strerror(errno));
    return NULL;
}

int job_file_read(struct cli_call *c, const struct job_file_flags *f, const char *path,
                  struct job_file *ret)
{
    struct err e = ERR_INIT;
    const char *missing;

    *ret = (struct job_file){0};
    if (strcmp(path, "-") != 0 && (missing = cannot_open(c, path)))
        return failed(c, missing);
    if (input_file_or_stdin(c->arena, path, &ret->source, &e) < 0)
        return failed(c, pathf(c, "Error opening file \"%s\": %s", path, e.msg));
    return f->json ? read_json(c, ret)
                   : read_hcl(c, f, strcmp(path, "-") == 0 ? "stdin.nomad" : path, ret);
}
