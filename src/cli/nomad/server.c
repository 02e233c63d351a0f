/* nomad server members, join, force-leave; system gc. */
#include "cli/nomad/nomad_priv.h"

static struct {
    bool json, verbose, prune;
    const char *tmpl;
} o;

static const struct flag members_flags[] = {
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"detailed", FLAG_BOOL, &o.verbose, NULL, "as -verbose"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "with protocols and tags"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static const char *tags_text(struct cli_call *c, const struct json *tags)
{
    const char *text = "";

    for (size_t i = 0; i < count_of(tags); i++)
        text = pathf(c, "%s%s%.*s=%s", text, i ? "," : "", STR_ARG(tags->members[i].key),
                     text_at(c, &tags->members[i].value, ""));
    return text;
}

/* NULL is the header. */
static void add_member(struct cli_call *c, struct table *t, const struct json *m,
                       const struct json *leader)
{
    const char *rpc = pathf(c, "%s:%s", text_at(c, m, "Addr"), text_at(c, m, "Tags.port"));
    bool leads = m && leader && str_eq(leader->text, str_of(rpc));
    const char *cells[16];
    size_t n = 0;

    cells[n++] = m ? text_at(c, m, "Name") : "Name";
    cells[n++] = m ? text_at(c, m, "Addr") : "Address";
    cells[n++] = m ? text_at(c, m, "Port") : "Port";
    cells[n++] = m ? text_at(c, m, "Status") : "Status";
    cells[n++] = !m ? "Leader" : leads ? "true" : "false";
    if (o.verbose)
        cells[n++] = m ? text_at(c, m, "ProtocolCur") : "Protocol";
    cells[n++] = m ? text_at(c, m, "Tags.raft_vsn") : "Raft Version";
    cells[n++] = m ? text_at(c, m, "Tags.build") : "Build";
    cells[n++] = m ? text_at(c, m, "Tags.dc") : "Datacenter";
    cells[n++] = m ? text_at(c, m, "Tags.region") : "Region";
    if (o.verbose)
        cells[n++] = m ? tags_text(c, at(m, "Tags")) : "Tags";
    table_add_cells(t, cells, n);
}

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
    add_member(c, &t, NULL, NULL);
    for (size_t i = 0; i < count_of(members); i++)
        add_member(c, &t, &members->items[i], leader.json);
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

static int join_run(struct cli_call *c)
{
    const char *path = "agent/join";
    struct nomad_reply r;

    if (c->argc == 0)
        return usage_error(c, NOMAD_EXIT_FAILED,
                           "One or more node addresses must be given as arguments");
    for (int i = 0; i < c->argc; i++)
        path = pathf(c, "%s%caddress=%s", path, i ? '&' : '?', path_part(c, c->argv[i]));
    if (nomad_send(c, "PUT", path, NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error joining: %s", r.error);
    if (*text_at(c, r.json, "error"))
        return cli_fail(NOMAD_EXIT_FAILED, "Error joining: %s", text_at(c, r.json, "error"));
    printf("Joined %s servers successfully\n", text_at(c, r.json, "num_joined"));
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_server_join = {
    .name = "server join",
    .usage = "nomad server join [options] <addr>...",
    .synopsis = "Join server nodes together",
    .sets = SET_CLIENT,
    .run = join_run,
};

static const struct flag leave_flags[] = {
    {"prune", FLAG_BOOL, &o.prune, NULL, "forget the member, too"},
};

static int leave_run(struct cli_call *c)
{
    struct nomad_reply r;

    if (nomad_send(c, "PUT",
                   pathf(c, "agent/force-leave?node=%s%s", path_part(c, c->argv[0]),
                         o.prune ? "&prune=1" : ""),
                   NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error force-leaving server %s: %s", c->argv[0],
                        r.error);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_server_force_leave = {
    .name = "server force-leave",
    .usage = "nomad server force-leave [options] <node>",
    .synopsis = "Force a server into the 'left' state",
    .flags = CLI_FLAGS(leave_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <node>"},
    .run = leave_run,
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
