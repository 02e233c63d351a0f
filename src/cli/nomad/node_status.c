/* nomad node status. */
#include <string.h>

#include "base/str.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/node_resources.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool self, short_, verbose, json, os, allocs, stats;
    const char *tmpl, *filter;
} o;

static const struct flag status_flags[] = {
    {"self", FLAG_BOOL, &o.self, NULL, "the node of the agent that is asked"},
    {"short", FLAG_BOOL, &o.short_, NULL, "without events and resources"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs, attributes"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"os", FLAG_BOOL, &o.os, NULL, "the list with operating systems"},
    {"allocs", FLAG_BOOL, &o.allocs, NULL, "the list with numbers of running allocations"},
    {"stats", FLAG_BOOL, &o.stats, NULL, "how each processor and disk is used"},
    {"filter", FLAG_STR, &o.filter, NULL, "only nodes this expression is true of"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static const char *running_allocs(struct cli_call *c, const char *node)
{
    struct nomad_reply r;
    int n = 0;

    if (nomad_get(c, pathf(c, "node/%s/allocations", node), &r))
        return "?";
    for (size_t i = 0; i < count_of(r.json); i++)
        n += strcmp(text_at(c, &r.json->items[i], "ClientStatus"), "running") == 0;
    return pathf(c, "%d", n);
}

static void add_node(struct cli_call *c, struct table *t, const struct json *n)
{
    const char *cells[16];
    size_t k = 0;

    cells[k++] = n ? short_id(c, text_at(c, n, "ID"), o.verbose) : "ID";
    cells[k++] = n ? text_at(c, n, "NodePool") : "Node Pool";
    cells[k++] = n ? text_at(c, n, "Datacenter") : "DC";
    cells[k++] = n ? text_at(c, n, "Name") : "Name";
    cells[k++] = n ? text_at(c, n, "NodeClass") : "Class";
    if (o.os)
        cells[k++] = n ? text_at(c, n, "Attributes.os.name") : "OS";
    if (o.verbose) {
        cells[k++] = n ? text_at(c, n, "Address") : "Address";
        cells[k++] = n ? text_at(c, n, "Version") : "Version";
    }
    cells[k++] = n ? text_at(c, n, "Drain") : "Drain";
    cells[k++] = n ? text_at(c, n, "SchedulingEligibility") : "Eligibility";
    cells[k++] = n ? text_at(c, n, "Status") : "Status";
    if (o.allocs)
        cells[k++] = n ? running_allocs(c, text_at(c, n, "ID")) : "Running Allocs";
    table_add_cells(t, cells, k);
}

static int print_list(struct cli_call *c)
{
    struct table t = TABLE_NOMAD(c->arena);
    const char *path = pathf(c, "nodes?os=%s", o.os ? "true" : "false");
    struct nomad_reply r;
    int code;

    if (o.filter)
        path = pathf(c, "%s&filter=%s", path, path_part(c, o.filter));
    if (nomad_get(c, path, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying node status: %s", r.error);
    if (print_as_asked(c, r.json, o.json, o.tmpl, &code))
        return code;
    if (count_of(r.json) == 0) {
        printf("No nodes registered\n");
        return CLI_EXIT_OK;
    }
    add_node(c, &t, NULL);
    for (uint32_t i = 0; i < r.json->len; i++)
        add_node(c, &t, &r.json->items[i]);
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

static const char *drivers_text(struct cli_call *c, const struct json *n)
{
    const struct json *drivers = at(n, "Drivers");
    const char *text = "";

    for (size_t i = 0; i < count_of(drivers); i++)
        if (bool_at(&drivers->members[i].value, "Detected"))
            text =
                pathf(c, "%s%s%.*s%s", text, *text ? "," : "", STR_ARG(drivers->members[i].key),
                      bool_at(&drivers->members[i].value, "Healthy") ? "" : " (unhealthy)");
    return text;
}

static void print_node(struct cli_call *c, const struct json *n)
{
    const struct kv_line lines[] = {
        {"ID", text_at(c, n, "ID")},
        {"Name", text_at(c, n, "Name")},
        {"Node Pool", text_at(c, n, "NodePool")},
        {"Class", text_at(c, n, "NodeClass")},
        {"DC", text_at(c, n, "Datacenter")},
        {"Drain", text_at(c, n, "Drain")},
        {"Eligibility", text_at(c, n, "SchedulingEligibility")},
        {"Status", text_at(c, n, "Status")},
        {"CSI Controllers", ""},
        {"CSI Drivers", ""},
        {"Host Volumes", ""},
        {"Host Networks", ""},
        {"CSI Volumes", ""},
        {o.short_ ? "Drivers" : "Driver Status", drivers_text(c, n)},
    };

    print_kv(c, lines, ARRAY_LEN(lines));
}

static void print_events(struct cli_call *c, const struct json *n)
{
    const struct json *events = at(n, "Events");
    struct table t = TABLE_NOMAD(c->arena);

    table_add(&t, "Time", "Subsystem", "Message", NULL);
    for (size_t i = count_of(events); i-- > 0;) {
        const struct json *e = &events->items[i];

        table_add(&t, time_text(c, time_at(e, "Timestamp")), text_at(c, e, "Subsystem"),
                  text_at(c, e, "Message"), NULL);
    }
    printf("\nNode Events\n");
    table_print(&t, stdout);
}

static void print_allocs(struct cli_call *c, const struct json *allocs)
{
    struct table t = TABLE_NOMAD(c->arena);

    printf("\nAllocations\n");
    if (count_of(allocs) == 0) {
        printf("No allocations placed\n");
        return;
    }
    table_add(&t, "ID", "Node ID", "Task Group", "Version", "Desired", "Status", "Created",
              "Modified", NULL);
    for (uint32_t i = 0; i < allocs->len; i++) {
        const struct json *a = &allocs->items[i];

        table_add(&t, short_id(c, text_at(c, a, "ID"), o.verbose),
                  short_id(c, text_at(c, a, "NodeID"), o.verbose), text_at(c, a, "TaskGroup"),
                  text_at(c, a, "Job.Version"), text_at(c, a, "DesiredStatus"),
                  text_at(c, a, "ClientStatus"), ago(c, number_at(a, "CreateTime")),
                  ago(c, number_at(a, "ModifyTime")), NULL);
    }
    table_print(&t, stdout);
}

static void print_attributes(struct cli_call *c, const struct json *n)
{
    const struct json *attributes = at(n, "Attributes");

    printf("\nAttributes\n");
    for (size_t i = 0; i < count_of(attributes); i++) {
        const struct kv_line line = {arena_cstr(c->arena, attributes->members[i].key),
                                     text_at(c, &attributes->members[i].value, "")};

        print_kv(c, &line, 1);
    }
}

static int run(struct cli_call *c)
{
    const char *which = c->argc ? c->argv[0] : NULL;
    const struct json *node;
    struct nomad_reply allocs;
    int code;

    if (!which && !o.self)
        return print_list(c);
    if (o.self && (code = own_node(c, &which)) != CLI_EXIT_OK)
        return code;
    code = find_node(c, which, &node);
    if (code != CLI_EXIT_OK || print_as_asked(c, node, o.json, o.tmpl, &code))
        return code;
    if (nomad_get(c, pathf(c, "node/%s/allocations", text_at(c, node, "ID")), &allocs))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying node allocations: %s", allocs.error);
    print_node(c, node);
    if (!o.short_) {
        print_events(c, node);
        print_node_resources(c, node, allocs.json, o.stats);
    }
    print_allocs(c, allocs.json);
    if (o.verbose)
        print_attributes(c, node);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_node_status = {
    .name = "node status",
    .usage = "nomad node status [options] <node>",
    .synopsis = "Display status information about nodes",
    .about = "Shows a node with its allocations, or, without an argument, every node.",
    .flags = CLI_FLAGS(status_flags),
    .sets = SET_CLIENT,
    .args = {0, 1, "either one or no arguments"},
    .guess = {guess_node},
    .run = run,
};
