/* nomad agent (its row), agent-info, system reconcile summaries, ui. */
#include <string.h>

#include "cli/common/text.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool json, show_url;
    const char *tmpl;
} o;

static const struct flag info_flags[] = {
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static int info_run(struct cli_call *c)
{
    const struct json *stats;
    struct nomad_reply r;
    int code;

    if (nomad_get(c, "agent/self", &r))
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error querying agent info: failed querying self endpoint: %s",
                        r.error);
    if (print_as_asked(c, r.json, o.json, o.tmpl, &code))
        return code;
    stats = text_sorted(c->arena, at(r.json, "stats"));
    for (size_t i = 0; i < count_of(stats); i++) {
        const struct json *part = &stats->members[i].value;

        printf("%.*s\n", STR_ARG(stats->members[i].key));
        for (size_t k = 0; k < count_of(part); k++)
            printf("  %.*s = %s\n", STR_ARG(part->members[k].key),
                   text_at(c, &part->members[k].value, ""));
    }
    return CLI_EXIT_OK;
}

/* The program's main takes these two away; the rows are for the help and the shell. */
static int agent_run(struct cli_call *c)
{
    (void)c;
    return cli_fail(NOMAD_EXIT_FAILED, "The agent is not part of this program");
}

const struct cli_command nomad_cmd_agent = {
    .name = "agent",
    .usage = "nomad agent [options]",
    .synopsis = "Runs a Nomad agent",
    .about =
        "Runs an agent with -config=FILE, or with -dev one for a try: a server and a client "
        "in one, nothing kept.",
    .any_flags = true,
    .flag_names = "config dev server client bind data-dir state-dir alloc-dir dc region node "
                  "log-level log-json node-class node-pool servers meta network-interface "
                  "retry-join vault-address vault-enabled",
    .run = agent_run,
};

const struct cli_command nomad_cmd_config_validate = {
    .name = "config validate",
    .usage = "nomad config validate <config_path> [<config_path...>]",
    .synopsis = "Validate config files/directories",
    .about = "Reads files and directories as an agent would, in this order, and says what is "
             "wrong with them. No agent is needed.",
    .guess = {cli_guess_files},
    .run = agent_run,
};

const struct cli_command nomad_cmd_agent_info = {
    .name = "agent-info",
    .synopsis = "Display status information about the local agent",
    .flags = CLI_FLAGS(info_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = info_run,
};

static int reconcile_run(struct cli_call *c)
{
    struct nomad_reply r;

    if (nomad_send(c, "PUT", "system/reconcile/summaries", NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error running system summary reconciliation: %s",
                        r.error);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_system_reconcile_summaries = {
    .name = "system reconcile summaries",
    .synopsis = "Reconciles the summaries of all registered jobs",
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = reconcile_run,
};

static const struct flag ui_flags[] = {
    {"show-url", FLAG_BOOL, &o.show_url, NULL, "print the address (it is printed anyway)"},
};

/* "/ui/jobs/web@default"; without an argument the first page. */
static int ui_run(struct cli_call *c)
{
    const char *id, *ns, *page = "";
    int code;

    if (c->argc == 1) {
        code = find_job(c, c->argv[0], &id, &ns);
        if (code != CLI_EXIT_OK)
            return code;
        page = pathf(c, "/ui/jobs/%s%%40%s", path_part(c, id), path_part(c, ns));
    }
    printf("URL for web UI: %s%s\n", nomad_address(), page);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_ui = {
    .name = "ui",
    .usage = "nomad ui [options] <job>",
    .synopsis = "Open the Nomad Web UI",
    .about = "Prints where the web UI shows a job, or its first page. No browser is started.",
    .flags = CLI_FLAGS(ui_flags),
    .sets = SET_CLIENT,
    .args = {0, 1, "either no arguments or one: <job>"},
    .guess = {guess_job},
    .run = ui_run,
};
