/* nomad eval status. */
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool verbose, json;
    const char *tmpl;
} o;

static const struct flag status_flags[] = {
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs and times"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static int run(struct cli_call *c)
{
    const struct json *e, *failed;
    int code = find_eval(c, c->argv[0], &e);

    if (code != CLI_EXIT_OK || print_as_asked(c, e, o.json, o.tmpl, &code))
        return code;
    failed = at(e, "FailedTGAllocs");
    {
        int64_t created = number_at(e, "CreateTime"), modified = number_at(e, "ModifyTime");
        const char *description = text_at(c, e, "StatusDescription");
        const struct kv_line lines[] = {
            {"ID", short_id(c, text_at(c, e, "ID"), o.verbose)},
            {"Create Time", o.verbose ? time_text(c, created) : ago(c, created)},
            {"Modify Time", o.verbose ? time_text(c, modified) : ago(c, modified)},
            {"Status", text_at(c, e, "Status")},
            {"Status Description", *description ? description : text_at(c, e, "Status")},
            {"Type", text_at(c, e, "Type")},
            {"TriggeredBy", text_at(c, e, "TriggeredBy")},
            {"Job ID", text_at(c, e, "JobID")},
            {"Namespace", text_at(c, e, "Namespace")},
            {"Priority", text_at(c, e, "Priority")},
            {"Placement Failures", count_of(failed) ? "true" : "false"},
            {o.verbose ? "Previous Eval" : NULL, text_at(c, e, "PreviousEval")},
            {o.verbose ? "Next Eval" : NULL, text_at(c, e, "NextEval")},
            {o.verbose ? "Blocked Eval" : NULL, text_at(c, e, "BlockedEval")},
        };

        print_kv(c, lines, ARRAY_LEN(lines));
    }
    if (count_of(failed))
        printf("\nFailed Placements\n");
    for (size_t i = 0; i < count_of(failed); i++) {
        printf("Task Group \"%.*s\" (failed to place %lld allocations):\n",
               STR_ARG(failed->members[i].key),
               (long long)(number_at(&failed->members[i].value, "CoalescedFailures") + 1));
        print_metrics(c, &failed->members[i].value, "  ");
        printf("\n");
    }
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_eval_status = {
    .name = "eval status",
    .usage = "nomad eval status [options] <evaluation>",
    .synopsis = "Display evaluation status and placement failure reasons",
    .about = "Shows an evaluation and, if something could not be placed, why.",
    .flags = CLI_FLAGS(status_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument"},
    .guess = {guess_eval},
    .run = run,
};
