/* nomad alloc status. */
#include <string.h>

#include "base/str.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool short_, stats, verbose, json;
    const char *tmpl;
} o;

static const struct flag status_flags[] = {
    {"short", FLAG_BOOL, &o.short_, NULL, "only the states of its tasks"},
    {"stats", FLAG_BOOL, &o.stats, NULL, "what its tasks use, in detail"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs, and how it was placed"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static const char *instant(struct cli_call *c, int64_t ns)
{
    return o.verbose ? time_text(c, ns) : ago(c, ns);
}

/* "healthy" once it is known. */
static const char *health(struct cli_call *c, const struct json *al)
{
    const struct json *healthy = at(al, "DeploymentStatus.Healthy");

    if (!*text_at(c, al, "DeploymentID"))
        return NULL;
    if (!healthy || healthy->type != JSON_BOOL)
        return bool_at(al, "DeploymentStatus.Canary") ? "canary" : "unset";
    return healthy->b ? "healthy" : "unhealthy";
}

static void print_basic(struct cli_call *c, const struct json *al)
{
    const char *deployed = health(c, al);
    const char *created = instant(c, number_at(al, "CreateTime")),
               *modified = instant(c, number_at(al, "ModifyTime"));
    const struct kv_line brief[] = {{"ID", text_at(c, al, "ID")},
                                    {"Name", text_at(c, al, "Name")},
                                    {"Created", created},
                                    {"Modified", modified}};
    const struct kv_line lines[] = {
        {"ID", text_at(c, al, "ID")},
        {"Eval ID", short_id(c, text_at(c, al, "EvalID"), o.verbose)},
        {"Name", text_at(c, al, "Name")},
        {"Node ID", short_id(c, text_at(c, al, "NodeID"), o.verbose)},
        {"Node Name", text_at(c, al, "NodeName")},
        {"Job ID", text_at(c, al, "JobID")},
        {"Job Version", text_at(c, al, "Job.Version")},
        {"Client Status", text_at(c, al, "ClientStatus")},
        {"Client Description", text_at(c, al, "ClientDescription")},
        {"Desired Status", text_at(c, al, "DesiredStatus")},
        {"Desired Description", text_at(c, al, "DesiredDescription")},
        {"Created", created},
        {"Modified", modified},
        {deployed ? "Deployment ID" : NULL,
         short_id(c, text_at(c, al, "DeploymentID"), o.verbose)},
        {deployed ? "Deployment Health" : NULL, deployed},
        {*text_at(c, al, "NextAllocation") ? "Replacement Alloc ID" : NULL,
         short_id(c, text_at(c, al, "NextAllocation"), o.verbose)},
    };

    if (o.short_)
        print_kv(c, brief, ARRAY_LEN(brief));
    else
        print_kv(c, lines, ARRAY_LEN(lines));
}

static const struct json *task_of(const struct json *al, struct str name)
{
    const struct json *groups = at(al, "Job.TaskGroups");

    for (size_t i = 0; i < count_of(groups); i++) {
        const struct json *tasks = at(&groups->items[i], "Tasks");

        for (size_t k = 0; k < count_of(tasks); k++) {
            const struct json *task_name = at(&tasks->items[k], "Name");

            if (task_name && str_eq(task_name->text, name))
                return &tasks->items[k];
        }
    }
    return NULL;
}

static const char *lifecycle(struct cli_call *c, const struct json *task)
{
    const char *hook = text_at(c, task, "Lifecycle.Hook");

    if (!*hook)
        return "main";
    return bool_at(task, "Lifecycle.Sidecar") ? pathf(c, "%s_sidecar", hook) : hook;
}

static void print_tasks_brief(struct cli_call *c, const struct json *al)
{
    const struct json *states = at(al, "TaskStates");
    struct table t = TABLE_NOMAD(c->arena);

    table_add(&t, "Name", "State", "Last Event", "Time", "Lifecycle", NULL);
    for (size_t i = 0; i < count_of(states); i++) {
        const struct json *s = &states->members[i].value, *events = at(s, "Events");
        const struct json *last = count_of(events) ? &events->items[events->len - 1] : NULL;

        table_add(&t, arena_cstr(c->arena, states->members[i].key), text_at(c, s, "State"),
                  text_at(c, last, "Type"), time_text(c, number_at(last, "Time")),
                  lifecycle(c, task_of(al, states->members[i].key)), NULL);
    }
    printf("\nTasks\n");
    table_print(&t, stdout);
}

static double double_of(const struct json *v)
{
    double d = 0;

    return v && json_to_double(v, &d) ? d : 0;
}

static const char *ports_text(struct cli_call *c, const struct json *al, size_t i)
{
    const struct json *ports = at(al, "AllocatedResources.Shared.Ports");

    if (i >= count_of(ports))
        return " ";
    return pathf(c, "%s: %s:%s", text_at(c, &ports->items[i], "Label"),
                 text_at(c, &ports->items[i], "HostIP"), text_at(c, &ports->items[i], "Value"));
}

static void print_resources(struct cli_call *c, const struct json *al, struct str name,
                            const struct json *usage)
{
    const char *task = arena_cstr(c->arena, name);
    const struct json *all = at(al, "AllocatedResources.Tasks"),
                      *got = all ? json_get(all, task) : NULL,
                      *used = usage ? json_get(usage, task) : NULL;
    const char *cpu = pathf(c, "%s MHz", text_at(c, got, "Cpu.CpuShares")),
               *memory = bytes_text(c, (double)number_at(got, "Memory.MemoryMB") * (1 << 20));
    struct table t = TABLE_NOMAD(c->arena);

    t.empty = "";
    if (usage) {
        double ticks = double_of(at(used, "ResourceUsage.CpuStats.TotalTicks")),
               rss = double_of(at(used, "ResourceUsage.MemoryStats.RSS"));

        cpu = pathf(c, "%.0f/%s", ticks, cpu);
        memory = pathf(c, "%s/%s", bytes_text(c, rss), memory);
    }
    table_add(&t, "CPU", "Memory", "Disk", "Addresses", NULL);
    table_add(
        &t, cpu, memory,
        bytes_text(c, (double)number_at(al, "AllocatedResources.Shared.DiskMB") * (1 << 20)),
        ports_text(c, al, 0), NULL);
    for (size_t i = 1; i < count_of(at(al, "AllocatedResources.Shared.Ports")); i++)
        table_add(&t, " ", " ", " ", ports_text(c, al, i), NULL);
    printf("Task Resources:\n");
    table_print(&t, stdout);
    printf("\n");
}

static void print_events(struct cli_call *c, const struct json *state)
{
    const struct kv_line lines[] = {
        {"Started At", time_text(c, time_at(state, "StartedAt"))},
        {"Finished At", time_text(c, time_at(state, "FinishedAt"))},
        {"Total Restarts", text_at(c, state, "Restarts")},
        {"Last Restart", time_text(c, time_at(state, "LastRestart"))},
    };
    const struct json *events = at(state, "Events");
    struct table t = TABLE_NOMAD(c->arena);

    printf("Task Events:\n");
    print_kv(c, lines, ARRAY_LEN(lines));
    printf("\nRecent Events:\n");
    table_add(&t, "Time", "Type", "Description", NULL);
    for (size_t i = count_of(events); i-- > 0;) {
        const struct json *e = &events->items[i];
        const char *what = text_at(c, e, "DisplayMessage");

        table_add(&t, time_text(c, number_at(e, "Time")), text_at(c, e, "Type"),
                  *what ? what : " ", NULL);
    }
    table_print(&t, stdout);
}

static void print_tasks(struct cli_call *c, const struct json *al, const struct json *usage)
{
    const struct json *states = at(al, "TaskStates");

    for (size_t i = 0; i < count_of(states); i++) {
        const struct json_member *m = &states->members[i];
        const char *kind = lifecycle(c, task_of(al, m->key));
        const char *about = strcmp(kind, "main") == 0 ? "" : pathf(c, " (%s)", kind);

        printf("\nTask \"%.*s\"%s is \"%s\"\n", STR_ARG(m->key), about,
               text_at(c, &m->value, "State"));
        print_resources(c, al, m->key, usage);
        print_events(c, &m->value);
    }
}

static void print_scores(struct cli_call *c, const struct json *al)
{
    const struct json *scores = at(al, "Metrics.ScoreMetaData");
    struct table t = TABLE_NOMAD(c->arena);

    printf("\nPlacement Metrics\n");
    for (size_t i = 0; i < count_of(scores); i++) {
        const struct json *by = at(&scores->items[i], "Scores");
        const char *cells[TABLE_COLUMNS_MAX];
        size_t n = 0;

        for (int head = i == 0; head >= 0; head--) {
            n = 0;
            cells[n++] = head ? "Node" : text_at(c, &scores->items[i], "NodeID");
            for (size_t k = 0; k < count_of(by) && n < TABLE_COLUMNS_MAX - 1; k++)
                cells[n++] = head ? arena_cstr(c->arena, by->members[k].key)
                                  : pathf(c, "%.3g", double_of(&by->members[k].value));
            cells[n++] = head ? "final score"
                              : pathf(c, "%.3g", double_of(at(&scores->items[i], "NormScore")));
            table_add_cells(&t, cells, n);
        }
    }
    table_print(&t, stdout);
}

static const struct json *usage_of(struct cli_call *c, const struct json *al)
{
    struct nomad_reply r;
    bool runs = strcmp(text_at(c, al, "ClientStatus"), "running") == 0;

    if (strcmp(text_at(c, al, "ClientStatus"), "pending") == 0)
        return NULL;
    if (nomad_get(c, pathf(c, "client/allocation/%s/stats", text_at(c, al, "ID")), &r)) {
        if (runs) /* what is over may be garbage on its node by now */
            printf("\nCouldn't retrieve stats: %s\n", r.error);
        return NULL;
    }
    return at(r.json, "Tasks");
}

static int status_run(struct cli_call *c)
{
    const struct json *al;
    int code;

    if (c->argc == 0) {
        struct nomad_reply r;

        if (nomad_get(c, "allocations", &r))
            return cli_fail(NOMAD_EXIT_FAILED, "Error querying allocations: %s", r.error);
        print_as_asked(c, r.json, !o.tmpl, o.tmpl, &code);
        return code;
    }
    code = find_alloc(c, c->argv[0], "Error querying allocation", &al);
    if (code != CLI_EXIT_OK || print_as_asked(c, whole_alloc(c, al), o.json, o.tmpl, &code))
        return code;
    print_basic(c, al);
    if (o.short_)
        print_tasks_brief(c, al);
    else
        print_tasks(c, al, usage_of(c, al));
    if (o.verbose)
        print_scores(c, al);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_alloc_status = {
    .name = "alloc status",
    .usage = "nomad alloc status [options] <allocation>",
    .synopsis = "Display allocation status information and metadata",
    .about = "Shows an allocation: where it is, its tasks, and what happened to them.",
    .flags = CLI_FLAGS(status_flags),
    .sets = SET_CLIENT,
    .args = {0, 1,
             "one of the following argument conditions:\n * A single <allocation>\n"
             " * No arguments, with output format specified"},
    .guess = {guess_alloc},
    .run = status_run,
};
