/*
 * Following an evaluation, and the deployment it belongs to, until both are over.
 *
 * Long polls instead of a fixed pace: what happens is shown when it happens.
 */
#include <string.h>

#include "base/clock.h"
#include "cli/nomad/nomad_priv.h"

enum { WAIT_S = 10, DEPLOYMENT_WAIT_S = 1, EXIT_NOT_PLACED = 2, SEEN_MAX = 10000 };

struct seen_alloc {
    const char *id, *client, *desired;
    int64_t version_index;
};

struct monitor {
    struct cli_call *c;
    const char *eval_id;
    bool verbose, said_trigger, said_deployment;
    const char *status, *deployment;
    LIST(struct seen_alloc) allocs;
};

static const char *now_text(struct cli_call *c)
{
    return time_text(c, clock_wall_ns());
}

static void say(struct monitor *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct monitor *m, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("    %s: %s\n", now_text(m->c), arena_vprintf(m->c->arena, fmt, ap));
    va_end(ap);
    fflush(stdout);
}

static void head(struct monitor *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void head(struct monitor *m, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("==> %s: %s\n", now_text(m->c), arena_vprintf(m->c->arena, fmt, ap));
    va_end(ap);
    fflush(stdout);
}

/* ---- why something was not placed ----------------------------------------------------------
 */

static const char *number_text(struct cli_call *c, const struct json *v)
{
    return v && v->type == JSON_NUMBER ? arena_cstr(c->arena, v->text) : "0";
}

void print_metrics(struct cli_call *c, const struct json *metric, const char *indent)
{
    static const char *const filtered[] = {"ClassFiltered", "ConstraintFiltered"};
    const struct json *dcs = at(metric, "NodesAvailable");

    if (number_at(metric, "NodesEvaluated") == 0)
        printf("%s* No nodes were eligible for evaluation\n", indent);
    for (size_t i = 0; i < count_of(dcs); i++)
        if (json_i64_or(&dcs->members[i].value, 0) == 0)
            printf("%s* No nodes are available in datacenter \"%.*s\"\n", indent,
                   STR_ARG(dcs->members[i].key));
    for (size_t k = 0; k < ARRAY_LEN(filtered); k++) {
        const struct json *v = at(metric, filtered[k]);

        for (size_t i = 0; i < count_of(v); i++)
            printf("%s* %s \"%.*s\": %s nodes excluded by filter\n", indent,
                   k ? "Constraint" : "Class", STR_ARG(v->members[i].key),
                   number_text(c, &v->members[i].value));
    }
    if (number_at(metric, "NodesExhausted") > 0)
        printf("%s* Resources exhausted on %lld nodes\n", indent,
               (long long)number_at(metric, "NodesExhausted"));
    for (int k = 0; k < 2; k++) {
        const struct json *v = at(metric, k ? "DimensionExhausted" : "ClassExhausted");

        for (size_t i = 0; i < count_of(v); i++)
            printf("%s* %s \"%.*s\" exhausted on %s nodes\n", indent, k ? "Dimension" : "Class",
                   STR_ARG(v->members[i].key), number_text(c, &v->members[i].value));
    }
}

static void print_failed_groups(struct monitor *m, const struct json *eval)
{
    const struct json *failed = at(eval, "FailedTGAllocs");

    for (size_t i = 0; i < count_of(failed); i++) {
        const struct json *metric = &failed->members[i].value;
        long long n = number_at(metric, "CoalescedFailures") + 1;

        printf("    %s: Task Group \"%.*s\" (failed to place %lld allocation%s):\n",
               now_text(m->c), STR_ARG(failed->members[i].key), n, n == 1 ? "" : "s");
        print_metrics(m->c, metric, "      ");
    }
}

/* ---- the evaluation ------------------------------------------------------------------------
 */

static struct seen_alloc *seen(struct monitor *m, const char *id)
{
    list_each (&m->allocs, a)
        if (strcmp(a->id, id) == 0)
            return a;
    return NULL;
}

static void show_alloc(struct monitor *m, const struct json *al)
{
    struct cli_call *c = m->c;
    const char *id = text_at(c, al, "ID"), *status = text_at(c, al, "ClientStatus");
    struct seen_alloc *was = seen(m, id);

    if (!was) {
        bool created = strcmp(text_at(c, al, "EvalID"), m->eval_id) == 0;

        say(m, "Allocation \"%s\" %s: node \"%s\", group \"%s\"", short_id(c, id, m->verbose),
            created ? "created" : "modified", short_id(c, text_at(c, al, "NodeID"), m->verbose),
            text_at(c, al, "TaskGroup"));
        if (m->allocs.len < SEEN_MAX)
            list_push(c->arena, &m->allocs, ((struct seen_alloc){id, status, NULL, 0}));
        return;
    }
    if (strcmp(was->client, status) != 0) {
        const char *why = text_at(c, al, "ClientDescription");

        say(m, "Allocation \"%s\" status changed: \"%s\" -> \"%s\"%s",
            short_id(c, id, m->verbose), was->client, status,
            *why ? pathf(c, " (%s)", why) : "");
        was->client = status;
    }
}

static void show_allocs(struct monitor *m)
{
    struct nomad_reply r;

    if (nomad_get(m->c, pathf(m->c, "evaluation/%s/allocations", m->eval_id), &r))
        return;
    for (size_t i = 0; i < count_of(r.json); i++)
        show_alloc(m, &r.json->items[i]);
}

static bool is_over(const char *status)
{
    static const char *const over[] = {"complete", "failed", "canceled", "blocked"};

    for (size_t i = 0; i < ARRAY_LEN(over); i++)
        if (strcmp(status, over[i]) == 0)
            return true;
    return false;
}

static void show_eval(struct monitor *m, const struct json *eval)
{
    struct cli_call *c = m->c;
    const char *status = text_at(c, eval, "Status"),
               *deployment = text_at(c, eval, "DeploymentID");

    if (!m->said_trigger) {
        const char *node = text_at(c, eval, "NodeID");

        if (strcmp(text_at(c, eval, "TriggeredBy"), "node-update") == 0 && *node)
            say(m, "Evaluation triggered by node \"%s\"", short_id(c, node, m->verbose));
        else
            say(m, "Evaluation triggered by job \"%s\"", text_at(c, eval, "JobID"));
        m->said_trigger = true;
    }
    if (*deployment && !m->said_deployment) {
        say(m, "Evaluation within deployment: \"%s\"", short_id(c, deployment, m->verbose));
        m->said_deployment = true;
    }
    m->deployment = deployment;
    show_allocs(m);
    if (strcmp(m->status, status) != 0 && is_over(status))
        say(m, "Evaluation status changed: \"%s\" -> \"%s\"", m->status, status);
    m->status = status;
}

static int finish_eval(struct monitor *m, const struct json *eval)
{
    struct cli_call *c = m->c;
    const char *id = short_id(c, m->eval_id, m->verbose),
               *why = text_at(c, eval, "StatusDescription");
    const char *blocked = text_at(c, eval, "BlockedEval");

    if (count_of(at(eval, "FailedTGAllocs")) == 0) {
        head(m, "Evaluation \"%s\" finished with status \"%s\"%s", id, m->status,
             strcmp(m->status, "failed") == 0 && *why ? pathf(c, " (%s)", why) : "");
        return strcmp(m->status, "complete") == 0 ? CLI_EXIT_OK : NOMAD_EXIT_FAILED;
    }
    head(m,
         "Evaluation \"%s\" finished with status \"%s\" but failed to place all allocations:",
         id, m->status);
    print_failed_groups(m, eval);
    if (*blocked)
        say(m, "Evaluation \"%s\" waiting for additional capacity to place remainder",
            short_id(c, blocked, m->verbose));
    return EXIT_NOT_PLACED;
}

/* ---- the deployment ------------------------------------------------------------------------
 */

static bool has_any(const struct json *groups, const char *field)
{
    for (size_t i = 0; i < count_of(groups); i++) {
        const struct json *v = at(&groups->members[i].value, field);

        if (v && ((v->type == JSON_BOOL && v->b) || json_i64_or(v, 0) > 0))
            return true;
    }
    return false;
}

void print_deployed(struct cli_call *c, const struct json *d, bool verbose, const char *indent)
{
    const struct json *groups = at(d, "TaskGroups");
    struct table t = TABLE_NOMAD(c->arena);
    bool revert = has_any(groups, "AutoRevert"), canaries = has_any(groups, "DesiredCanaries"),
         progress = has_any(groups, "ProgressDeadline");
    struct buf b = BUF_INIT(PRINT_MAX);
    struct str rest, line;

    (void)verbose;
    for (size_t i = 0; i <= count_of(groups); i++) {
        const struct json *g = i ? &groups->members[i - 1].value : NULL;
        const char *cells[16];
        size_t n = 0;

        cells[n++] = g ? arena_cstr(c->arena, groups->members[i - 1].key) : "Task Group";
        if (revert)
            cells[n++] = g ? text_at(c, g, "AutoRevert") : "Auto Revert";
        if (canaries)
            cells[n++] = !g                                ? "Promoted"
                         : number_at(g, "DesiredCanaries") ? text_at(c, g, "Promoted")
                                                           : "N/A";
        cells[n++] = g ? text_at(c, g, "DesiredTotal") : "Desired";
        if (canaries)
            cells[n++] = g ? text_at(c, g, "DesiredCanaries") : "Canaries";
        cells[n++] = g ? text_at(c, g, "PlacedAllocs") : "Placed";
        cells[n++] = g ? text_at(c, g, "HealthyAllocs") : "Healthy";
        cells[n++] = g ? text_at(c, g, "UnhealthyAllocs") : "Unhealthy";
        if (progress)
            cells[n++] =
                g ? time_text(c, time_at(g, "RequireProgressBy")) : "Progress Deadline";
        table_add_cells(&t, cells, n);
    }
    table_format(&t, &b);
    rest = buf_str(&b);
    while (rest.len && str_split(&rest, '\n', &line))
        if (line.len)
            printf("%s%.*s\n", indent, STR_ARG(line));
    buf_done(&b);
}

static void show_deployment(struct monitor *m, const struct json *d)
{
    struct cli_call *c = m->c;
    printf("    \n%s\n", now_text(c));
    print_deployment(c, d, m->verbose);
    fflush(stdout);
}

static int follow_deployment(struct monitor *m, enum monitor_to to)
{
    struct nomad_reply r;
    uint64_t index = 0;

    head(m, "Monitoring deployment \"%s\"", short_id(m->c, m->deployment, m->verbose));
    for (;;) {
        const char *status, *why;

        if (nomad_get(m->c,
                      pathf(m->c, "deployment/%s?index=%llu&wait=%ds", m->deployment,
                            (unsigned long long)index, DEPLOYMENT_WAIT_S),
                      &r))
            return cli_fail(NOMAD_EXIT_FAILED, "Error fetching deployment: %s", r.error);
        status = text_at(m->c, r.json, "Status");
        if (r.index != index)
            show_deployment(m, r.json);
        index = r.index;
        if (strcmp(status, "running") != 0 && strcmp(status, "paused") != 0 &&
            strcmp(status, "pending") != 0)
            return strcmp(status, "successful") == 0 ||
                           (to == MONITOR_STOP && strcmp(status, "cancelled") == 0)
                       ? CLI_EXIT_OK
                       : NOMAD_EXIT_FAILED;
        if (to == MONITOR_DEPLOYMENT && ended_early(m->c, m->deployment, &why)) {
            head(m, "%s", why);
            return CLI_EXIT_OK;
        }
    }
}

int monitor_eval(struct cli_call *c, const char *eval_id, bool verbose, enum monitor_to to)
{
    struct monitor m = {
        .c = c, .eval_id = eval_id, .verbose = verbose, .status = "pending", .deployment = ""};
    struct nomad_reply r;
    uint64_t index = 0;
    int result;

    head(&m, "Monitoring evaluation \"%s\"", short_id(c, eval_id, verbose));
    do {
        if (nomad_get(c,
                      pathf(c, "evaluation/%s?index=%llu&wait=%ds", eval_id,
                            (unsigned long long)index, WAIT_S),
                      &r))
            return cli_fail(NOMAD_EXIT_FAILED, "Error reading evaluation: %s", r.error);
        index = r.index;
        show_eval(&m, r.json);
    } while (!is_over(m.status));
    result = finish_eval(&m, r.json);
    if (result == CLI_EXIT_OK && to != MONITOR_EVAL && *m.deployment)
        return follow_deployment(&m, to);
    return result;
}

int follow_eval(struct cli_call *c, const char *eval_id, bool detach, bool verbose)
{
    if (!*eval_id)
        return CLI_EXIT_OK;
    if (!detach)
        return monitor_eval(c, eval_id, verbose, MONITOR_DEPLOYMENT);
    printf("Evaluation ID: %s\n", eval_id);
    return CLI_EXIT_OK;
}

int monitor_deployment(struct cli_call *c, const char *id, bool verbose)
{
    struct monitor m = {.c = c, .deployment = id, .verbose = verbose};

    return follow_deployment(&m, MONITOR_DEPLOYMENT);
}
