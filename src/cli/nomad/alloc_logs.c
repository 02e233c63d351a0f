/* nomad alloc logs (also: nomad logs): what a task printed. */
#include <string.h>

#include "base/str.h"
#include "cli/nomad/alloc_files.h"
#include "cli/nomad/guess.h"

static struct {
    bool stdout_, stderr_, tail, follow, job, verbose;
    int64_t lines, bytes;
    bool has_lines, has_bytes;
    const char *task;
} o;

static const struct flag logs_flags[] = {
    {"stdout", FLAG_BOOL, &o.stdout_, NULL, "standard output (the default)"},
    {"stderr", FLAG_BOOL, &o.stderr_, NULL, "standard error"},
    {"task", FLAG_STR, &o.task, NULL, "of this task"},
    {"tail", FLAG_BOOL, &o.tail, NULL, "only the end"},
    {"f", FLAG_BOOL, &o.follow, NULL, "and what comes, until interrupted"},
    {"n", FLAG_INT, &o.lines, &o.has_lines, "with -tail: this many lines"},
    {"c", FLAG_INT, &o.bytes, &o.has_bytes, "with -tail: this many bytes"},
    {"job", FLAG_BOOL, &o.job, NULL, "the argument is a job: one of its allocations"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

/* The only task, or a word that one has to be named. */
static int only_task(struct cli_call *c, const struct json *al, const char **ret)
{
    const struct json *tasks = at(al, "AllocatedResources.Tasks");
    const char *names = "";

    for (size_t i = 0; i < count_of(tasks); i++)
        names = pathf(c, "%s\n  * %.*s", names, STR_ARG(tasks->members[i].key));
    if (count_of(tasks) != 1)
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Failed to validate task: Allocation \"%s\" is running the following "
                        "tasks:%s\n\nPlease specify the task.",
                        short_id(c, text_at(c, al, "ID"), o.verbose), names);
    *ret = arena_cstr(c->arena, tasks->members[0].key);
    return CLI_EXIT_OK;
}

static int run(struct cli_call *c)
{
    const char *task = c->argc > 1 ? c->argv[1] : o.task;
    const char *type = o.stderr_ && !o.stdout_ ? "stderr" : "stdout";
    struct tail tail = {0};
    struct alloc_files f;
    struct nomad_reply r;
    const char *query;
    int code = alloc_files_open(c, c->argc ? c->argv[0] : NULL, o.job, &f);

    if (code == CLI_EXIT_OK && !task)
        code = only_task(c, f.alloc, &task);
    if (code != CLI_EXIT_OK)
        return code;
    if (o.tail)
        tail = (struct tail){o.has_bytes ? 0 : o.has_lines ? o.lines : TAIL_LINES, o.bytes};
    query = pathf(c, "task=%s&type=%s&plain=true&follow=%s&origin=%s&offset=%lld",
                  path_part(c, task), type, o.follow ? "true" : "false",
                  o.tail ? "end" : "start", (long long)tail_offset(&tail));
    if (alloc_files_stream(c, &f, "logs", query, &tail, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Failed to read %s file: error reading file: %s",
                        type, r.error);
    return CLI_EXIT_OK;
}

#define LOGS_ROW(var, name_, synopsis_)                                   \
    const struct cli_command var = {                                      \
        .name = (name_),                                                  \
        .usage = "nomad " name_ " [options] <allocation> <task>",         \
        .synopsis = (synopsis_),                                          \
        .about = "Prints what a task wrote to standard output or error.", \
        .flags = CLI_FLAGS(logs_flags),                                   \
        .sets = SET_CLIENT,                                               \
        .args = {0, 2, "one or two arguments: <allocation> [<task>]"},    \
        .guess = {guess_alloc, guess_task},                               \
        .run = run,                                                       \
    }

LOGS_ROW(nomad_cmd_alloc_logs, "alloc logs", "Streams the logs of a task.");
LOGS_ROW(nomad_cmd_logs, "logs", "");
