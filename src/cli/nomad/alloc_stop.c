/* nomad alloc stop. */
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool detach, verbose, no_shutdown_delay;
} o;

static const struct flag stop_flags[] = {
    {"detach", FLAG_BOOL, &o.detach, NULL, "return at once, print the evaluation's ID"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"no-shutdown-delay", FLAG_BOOL, &o.no_shutdown_delay, NULL,
     "ignore the tasks' shutdown delays"},
};

static int run(struct cli_call *c)
{
    const struct json *al;
    struct nomad_reply r;
    const char *eval;
    int code = find_alloc(c, c->argv[0], "Error querying allocation", &al);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_send(c, "PUT",
                   pathf(c, "allocation/%s/stop?no_shutdown_delay=%s", text_at(c, al, "ID"),
                         o.no_shutdown_delay ? "true" : "false"),
                   NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error stopping allocation: %s", r.error);
    eval = text_at(c, r.json, "EvalID");
    if (o.detach) {
        printf("%s\n", eval);
        return CLI_EXIT_OK;
    }
    return monitor_eval(c, eval, o.verbose, MONITOR_DEPLOYMENT);
}

const struct cli_command nomad_cmd_alloc_stop = {
    .name = "alloc stop",
    .usage = "nomad alloc stop [options] <allocation>",
    .synopsis = "Stop and reschedule a running allocation",
    .about = "Stops an allocation; the job gets another in its place.",
    .flags = CLI_FLAGS(stop_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <alloc-id>"},
    .guess = {guess_alloc},
    .run = run,
};
