/* nomad server members, system gc. */
#include "cli/nomad/nomad_priv.h"

static struct {
    bool json;
    const char *tmpl;
} o;

static const struct flag members_flags[] = {
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static int members_run(struct cli_call *c)
{
    struct table t = TABLE_NOMAD(c->arena);
    struct nomad_reply r, leader;
    const struct json *members;
    int code;

    if (nomad_get(c, "agent/members", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying servers: %s", r.error);
    members = at(r.json, "Members");
    if (print_as_asked(c, members, o.json, o.tmpl, &code))
        return code;
    if (nomad_get(c, "status/leader", &leader))
        return cli_fail(NOMAD_EXIT_FAILED, "Error determining leaders: %s", leader.error);
    table_add(&t, "Name", "Address", "Port", "Status", "Leader", "Raft Version", "Build",
              "Datacenter", "Region", NULL);
    for (size_t i = 0; i < count_of(members); i++) {
        const struct json *m = &members->items[i];
        const char *rpc = pathf(c, "%s:%s", text_at(c, m, "Addr"), text_at(c, m, "Tags.port"));
        bool leads = leader.json && str_eq(leader.json->text, str_of(rpc));

        table_add(&t, text_at(c, m, "Name"), text_at(c, m, "Addr"), text_at(c, m, "Port"),
                  text_at(c, m, "Status"), leads ? "true" : "false",
                  text_at(c, m, "Tags.raft_vsn"), text_at(c, m, "Tags.build"),
                  text_at(c, m, "Tags.dc"), text_at(c, m, "Tags.region"), NULL);
    }
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_server_members = {
    .name = "server members",
    .usage = "nomad server members [options]",
    .synopsis = "Display a list of known servers and their status",
    .flags = CLI_FLAGS(members_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = members_run,
};

static int gc_run(struct cli_call *c)
{
    struct nomad_reply r;

    if (nomad_send(c, "PUT", "system/gc", NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error running system garbage-collection: %s",
                        r.error);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_system_gc = {
    .name = "system gc",
    .usage = "nomad system gc [options]",
    .synopsis = "Run the system garbage collection process",
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = gc_run,
};
