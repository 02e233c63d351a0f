/* nomad job status (also: nomad status). */
#include <stdlib.h>
#include <string.h>

#include "cli/nomad/guess.h"
#include "cli/nomad/job_children.h"

static struct {
    bool short_, evals, all_allocs, verbose, json;
    const char *tmpl;
} o;

static const struct flag status_flags[] = {
    {"short", FLAG_BOOL, &o.short_, NULL, "only the job itself"},
    {"evals", FLAG_BOOL, &o.evals, NULL, "its evaluations, too"},
    {"all-allocs", FLAG_BOOL, &o.all_allocs, NULL,
     "allocations of earlier jobs of this name, too"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

void print_job_table(struct cli_call *c, const struct json *list)
{
    struct table t = TABLE_NOMAD(c->arena);

    table_add(&t, "ID", "Type", "Priority", "Status", "Submit Date", NULL);
    for (uint32_t i = 0; i < list->len; i++) {
        const struct json *j = &list->items[i];
        const char *status = text_at(c, j, "Status");

        table_add(&t, text_at(c, j, "ID"),
                  pathf(c, "%s%s%s", text_at(c, j, "Type"),
                        bool_at(j, "Periodic") ? "/periodic" : "",
                        bool_at(j, "ParameterizedJob") ? "/parameterized" : ""),
                  text_at(c, j, "Priority"),
                  bool_at(j, "Stop") ? pathf(c, "%s (stopped)", status) : status,
                  time_text(c, number_at(j, "SubmitTime")), NULL);
    }
    table_print(&t, stdout);
}

static int print_list(struct cli_call *c)
{
    struct nomad_reply r;
    int code;

    if (nomad_get(c, "jobs", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying jobs: %s", r.error);
    if (print_as_asked(c, r.json, o.json, o.tmpl, &code))
        return code;
    if (count_of(r.json) == 0) {
        printf("No running jobs\n");
        return CLI_EXIT_OK;
    }
    print_job_table(c, r.json);
    return CLI_EXIT_OK;
}

static const char *comma_list(struct cli_call *c, const struct json *list)
{
    const char *text = "";

    for (size_t i = 0; i < count_of(list); i++)
        text = pathf(c, "%s%s%.*s", text, i ? "," : "", STR_ARG(list->items[i].text));
    return text;
}

static void print_job(struct cli_call *c, const struct json *job)
{
    const char *status = text_at(c, job, "Status");
    const struct json *periodic = at(job, "Periodic"),
                      *parameterized = at(job, "ParameterizedJob");
    const struct kv_line lines[] = {
        {"ID", text_at(c, job, "ID")},
        {"Name", text_at(c, job, "Name")},
        {"Submit Date", time_text(c, number_at(job, "SubmitTime"))},
        {"Type", text_at(c, job, "Type")},
        {"Priority", text_at(c, job, "Priority")},
        {"Datacenters", comma_list(c, at(job, "Datacenters"))},
        {"Namespace", text_at(c, job, "Namespace")},
        {"Node Pool", text_at(c, job, "NodePool")},
        {"Status", bool_at(job, "Stop") ? pathf(c, "%s (stopped)", status) : status},
        {"Periodic", periodic && periodic->type == JSON_OBJECT ? "true" : "false"},
        {"Parameterized",
         parameterized && parameterized->type == JSON_OBJECT && !bool_at(job, "Dispatched")
             ? "true"
             : "false"},
        {"Next Periodic Launch", next_launch(c, job)},
    };
    size_t n = ARRAY_LEN(lines);

    print_kv(c, lines, *lines[n - 1].value ? n : n - 1);
}

static void print_summary(struct cli_call *c, const struct json *groups)
{
    static const char *const states[] = {"Queued",   "Starting", "Running", "Failed",
                                         "Complete", "Lost",     "Unknown"};
    struct table t = TABLE_NOMAD(c->arena);

    table_add(&t, "Task Group", states[0], states[1], states[2], states[3], states[4],
              states[5], states[6], NULL);
    for (size_t i = 0; i < count_of(groups); i++) {
        const char *cells[1 + ARRAY_LEN(states)] = {
            arena_cstr(c->arena, groups->members[i].key)};

        for (size_t k = 0; k < ARRAY_LEN(states); k++)
            cells[k + 1] = text_at(c, &groups->members[i].value, states[k]);
        table_add_cells(&t, cells, ARRAY_LEN(cells));
    }
    printf("\nSummary\n");
    table_print(&t, stdout);
}

static void print_evals(struct cli_call *c, const struct json *evals)
{
    struct table t = TABLE_NOMAD(c->arena);

    table_add(&t, "ID", "Priority", "Triggered By", "Status", "Placement Failures", NULL);
    for (size_t i = 0; i < count_of(evals); i++) {
        const struct json *e = &evals->items[i];
        const char *status = text_at(c, e, "Status");
        bool failures = count_of(at(e, "FailedTGAllocs")) > 0;

        table_add(&t, short_id(c, text_at(c, e, "ID"), o.verbose), text_at(c, e, "Priority"),
                  text_at(c, e, "TriggeredBy"), status,
                  strcmp(status, "blocked") == 0 ? "N/A - In Progress"
                  : failures                     ? "true"
                                                 : "false",
                  NULL);
    }
    printf("\nEvaluations\n");
    table_print(&t, stdout);
}

/* What the newest evaluation that could not place everything says; only when a blocked one
 * still waits. */
static void print_placement_failures(struct cli_call *c, const struct json *evals)
{
    const struct json *latest = NULL;
    bool blocked = false;

    for (size_t i = 0; i < count_of(evals); i++) {
        const struct json *e = &evals->items[i];

        blocked |= strcmp(text_at(c, e, "Status"), "blocked") == 0;
        if (count_of(at(e, "FailedTGAllocs")) &&
            (!latest || number_at(e, "CreateIndex") > number_at(latest, "CreateIndex")))
            latest = e;
    }
    if (!blocked || !latest)
        return;
    printf("\nPlacement Failure\n");
    for (size_t i = 0; i < count_of(at(latest, "FailedTGAllocs")); i++) {
        const struct json_member *m = &at(latest, "FailedTGAllocs")->members[i];

        printf("Task Group \"%.*s\":\n", STR_ARG(m->key));
        print_metrics(c, &m->value, "  ");
    }
}

static void print_latest_deployment(struct cli_call *c, const struct json *d)
{
    const struct kv_line lines[] = {{"ID", short_id(c, text_at(c, d, "ID"), o.verbose)},
                                    {"Status", text_at(c, d, "Status")},
                                    {"Description", text_at(c, d, "StatusDescription")}};

    if (count_of(d) == 0)
        return;
    printf("\nLatest Deployment\n");
    print_kv(c, lines, ARRAY_LEN(lines));
    printf("\nDeployed\n");
    print_deployed(c, d, o.verbose, "");
}

/* Newest first. */
static int by_creation(const void *a, const void *b)
{
    int64_t x = number_at(a, "CreateIndex"), y = number_at(b, "CreateIndex");

    return x < y ? 1 : x > y ? -1 : 0;
}

void print_alloc_table(struct cli_call *c, const struct json *allocs, bool verbose)
{
    struct table t = TABLE_NOMAD(c->arena);
    struct json *sorted;

    if (count_of(allocs) == 0) {
        printf("No allocations placed\n");
        return;
    }
    if (verbose)
        table_add(&t, "ID", "Eval ID", "Node ID", "Node Name", "Task Group", "Version",
                  "Desired", "Status", "Created", "Modified", NULL);
    else
        table_add(&t, "ID", "Node ID", "Task Group", "Version", "Desired", "Status", "Created",
                  "Modified", NULL);
    sorted = json_copy(c->arena, allocs);
    qsort(sorted->items, sorted->len, sizeof *sorted->items, by_creation);
    for (uint32_t i = 0; i < sorted->len; i++) {
        const struct json *a = &sorted->items[i];
        int64_t created = number_at(a, "CreateTime"), modified = number_at(a, "ModifyTime");
        const char *id = short_id(c, text_at(c, a, "ID"), verbose),
                   *node = short_id(c, text_at(c, a, "NodeID"), verbose),
                   *group = text_at(c, a, "TaskGroup"), *version = text_at(c, a, "JobVersion"),
                   *desired = text_at(c, a, "DesiredStatus"),
                   *status = text_at(c, a, "ClientStatus");

        if (verbose)
            table_add(&t, id, text_at(c, a, "EvalID"), node, text_at(c, a, "NodeName"), group,
                      version, desired, status, time_text(c, created), time_text(c, modified),
                      NULL);
        else
            table_add(&t, id, node, group, version, desired, status, ago(c, created),
                      ago(c, modified), NULL);
    }
    table_print(&t, stdout);
}

struct parts {
    struct nomad_reply job, summary, evals, deployment, allocs;
};

/* Everything shown is asked for first: no half of a page. */
static int fetch(struct cli_call *c, const char *id, const char *ns, struct parts *p)
{
    const char *job = path_part(c, id), *in = path_part(c, ns);

    if (nomad_get(c, pathf(c, "job/%s?namespace=%s", job, in), &p->job))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying job: %s", p->job.error);
    if (o.short_ && !o.json && !o.tmpl)
        return CLI_EXIT_OK;
    if (nomad_get(c, pathf(c, "job/%s/summary?namespace=%s", job, in), &p->summary))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying job summary: %s", p->summary.error);
    if (nomad_get(c, pathf(c, "job/%s/evaluations?namespace=%s", job, in), &p->evals))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying job evaluations: %s",
                        p->evals.error);
    if (nomad_get(c, pathf(c, "job/%s/deployment?namespace=%s", job, in), &p->deployment))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying latest job deployment: %s",
                        p->deployment.error);
    if (nomad_get(c,
                  pathf(c, "job/%s/allocations?namespace=%s&all=%s", job, in,
                        o.all_allocs ? "true" : "false"),
                  &p->allocs))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying job allocations: %s",
                        p->allocs.error);
    return CLI_EXIT_OK;
}

static const struct json *as_one(struct cli_call *c, const struct parts *p)
{
    const struct {
        const char *key;
        const struct json *value;
    } members[] = {{"Summary", p->summary.json},
                   {"Allocations", p->allocs.json},
                   {"LatestDeployment", p->deployment.json},
                   {"Evaluations", p->evals.json}};
    struct json *list = json_new_array(c->arena), *one = json_new_object(c->arena);

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_set(c->arena, one, str_of(members[i].key),
                 members[i].value ? *members[i].value : (struct json){.type = JSON_NULL});
    json_push(c->arena, list, *one);
    return list;
}

static int run(struct cli_call *c)
{
    struct parts p = {0};
    const char *id, *ns;
    int code;

    if (c->argc == 0)
        return print_list(c);
    code = find_job(c, c->argv[0], &id, &ns);
    if (code == CLI_EXIT_OK)
        code = fetch(c, id, ns, &p);
    if (code != CLI_EXIT_OK)
        return code;
    if ((o.json || o.tmpl) && print_as_asked(c, as_one(c, &p), o.json, o.tmpl, &code))
        return code;
    print_job(c, p.job.json);
    if (o.short_)
        return CLI_EXIT_OK;
    if (count_of(at(p.job.json, "ParameterizedJob")) && !bool_at(p.job.json, "Dispatched"))
        return print_parameterized(c, p.job.json, at(p.summary.json, "Children"));
    if (count_of(at(p.job.json, "Periodic")))
        return print_periodic(c, p.job.json, at(p.summary.json, "Children"));
    print_summary(c, at(p.summary.json, "Summary"));
    if (o.evals || o.verbose)
        print_evals(c, p.evals.json);
    print_placement_failures(c, p.evals.json);
    print_latest_deployment(c, p.deployment.json);
    printf("\nAllocations\n");
    print_alloc_table(c, p.allocs.json, o.verbose);
    return CLI_EXIT_OK;
}

/* Both are called "status" in messages. */
#define STATUS_ROW(var, name_, synopsis_, about_, guess_, run_) \
    const struct cli_command var = {                            \
        .name = (name_),                                        \
        .named = "status",                                      \
        .usage = "nomad " name_ " [options] <job>",             \
        .synopsis = (synopsis_),                                \
        .about = (about_),                                      \
        .flags = CLI_FLAGS(status_flags),                       \
        .sets = SET_CLIENT,                                     \
        .args = {0, 1, "either no arguments or one: <job>"},    \
        .guess = {guess_},                                      \
        .run = (run_),                                          \
    }

STATUS_ROW(nomad_cmd_job_status, "job status", "Display status information about a job",
           "Shows a job with its allocations, or, without an argument, every job.", guess_job,
           run);
STATUS_ROW(
    nomad_cmd_status, "status", "Display the status output for a resource",
    "Shows the job, allocation, node, evaluation, deployment, namespace or node pool whose "
    "name or ID begins so; without an argument, every job.",
    guess_any, status_of_any);
