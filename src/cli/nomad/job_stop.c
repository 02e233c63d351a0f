/* nomad job stop. */
#include <string.h>

#include "cli/common/input.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool detach, purge, global, yes, verbose, no_shutdown_delay;
    int64_t eval_priority;
} o;

static const struct flag stop_flags[] = {
    {"detach", FLAG_BOOL, &o.detach, NULL, "return at once, print the evaluation's ID"},
    {"purge", FLAG_BOOL, &o.purge, NULL, "forget the job, too"},
    {"global", FLAG_BOOL, &o.global, NULL, "in all regions"},
    {"yes", FLAG_BOOL, &o.yes, NULL, "do not ask"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"eval-priority", FLAG_INT, &o.eval_priority, NULL, "priority of the evaluation"},
    {"no-shutdown-delay", FLAG_BOOL, &o.no_shutdown_delay, NULL,
     "ignore the tasks' shutdown delays"},
};

/* A prefix that is not the whole name is asked about. */
static bool agreed(struct cli_call *c, const char *given, const char *id)
{
    struct err e = ERR_INIT;
    char *answer;

    if (o.yes || strcmp(given, id) == 0)
        return true;
    if (input_line(c->arena, stdout,
                   pathf(c, "Are you sure you want to stop job \"%s\"? [y/N] ", id), &answer,
                   &e) < 0)
        return false;
    return strcmp(answer, "y") == 0;
}

static const char *bool_text(bool b)
{
    return b ? "true" : "false";
}

static int stop_one(struct cli_call *c, const char *given)
{
    const char *id, *ns, *eval, *path;
    struct nomad_reply r;
    int code = find_job(c, given, &id, &ns);

    if (code != CLI_EXIT_OK)
        return code;
    if (!agreed(c, given, id)) {
        printf("Cancelling job stop\n");
        return CLI_EXIT_OK;
    }
    path = pathf(c, "job/%s?namespace=%s&purge=%s&global=%s&no_shutdown_delay=%s",
                 path_part(c, id), path_part(c, ns), bool_text(o.purge), bool_text(o.global),
                 bool_text(o.no_shutdown_delay));
    if (o.eval_priority)
        path = pathf(c, "%s&eval_priority=%lld", path, (long long)o.eval_priority);
    if (nomad_send(c, "DELETE", path, NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error deregistering job with id \"%s\" err: %s", id,
                        r.error);
    eval = text_at(c, r.json, "EvalID");
    if (!*eval)
        return CLI_EXIT_OK;
    if (o.detach) {
        printf("%s\n", eval);
        return CLI_EXIT_OK;
    }
    return monitor_eval(c, eval, o.verbose, MONITOR_STOP);
}

static int run(struct cli_call *c)
{
    int worst = CLI_EXIT_OK;

    for (int i = 0; i < c->argc; i++) {
        int code = stop_one(c, c->argv[i]);

        worst = code > worst ? code : worst;
    }
    return worst;
}

#define STOP_ROW(var, name_, synopsis_)                                              \
    const struct cli_command var = {                                                 \
        .name = (name_),                                                             \
        .usage = "nomad job stop [options] <job>",                                   \
        .synopsis = (synopsis_),                                                     \
        .about = "Stops jobs and follows their end; what their tasks were given is " \
                 "revoked.",                                                         \
        .flags = CLI_FLAGS(stop_flags),                                              \
        .sets = SET_CLIENT,                                                          \
        .args = {1, -1, "at least one argument: <job>"},                             \
        .guess = {guess_job},                                                        \
        .run = run,                                                                  \
    }

STOP_ROW(nomad_cmd_job_stop, "job stop", "Stop a running job");
STOP_ROW(nomad_cmd_stop, "stop", "");
