/* nomad operator autopilot health. */
#include "cli/nomad/nomad_priv.h"

static bool as_json;

static const struct flag health_flags[] = {
    {"json", FLAG_BOOL, &as_json, NULL, "as JSON"},
};

static void print_servers(struct cli_call *c, const struct json *servers)
{
    static const char *const members[] = {
        "ID",    "Name",    "Address",     "SerfStatus", "Version",   "Leader",
        "Voter", "Healthy", "LastContact", "LastTerm",   "LastIndex", "StableSince"};
    struct table t = TABLE_NOMAD(c->arena);

    table_add_cells(&t, members, ARRAY_LEN(members));
    for (size_t i = 0; i < count_of(servers); i++) {
        const char *cells[ARRAY_LEN(members)];

        for (size_t k = 0; k < ARRAY_LEN(members); k++)
            cells[k] = text_at(c, &servers->items[i], members[k]);
        table_add_cells(&t, cells, ARRAY_LEN(members));
    }
    table_print(&t, stdout);
}

static int run(struct cli_call *c)
{
    const struct json *voters;
    struct nomad_reply r;

    if (nomad_get(c, "operator/autopilot/health", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying Autopilot health: %s", r.error);
    if (as_json) {
        print_value(r.json, FORMAT_JSON, c->arena);
        return CLI_EXIT_OK;
    }
    printf("Healthy: %s\nFailureTolerance: %s\nLeader: %s\nVoters:  \n",
           text_at(c, r.json, "Healthy"), text_at(c, r.json, "FailureTolerance"),
           text_at(c, r.json, "Leader"));
    voters = at(r.json, "Voters");
    for (size_t i = 0; i < count_of(voters); i++)
        printf("\t%s\n", text_at(c, &voters->items[i], ""));
    printf("Servers: \n");
    print_servers(c, at(r.json, "Servers"));
    putchar('\n');
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_autopilot_health = {
    .name = "operator autopilot health",
    .synopsis = "Display the current Autopilot health",
    .about = "Shows the servers as the leader sees them.",
    .flags = CLI_FLAGS(health_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = run,
};
