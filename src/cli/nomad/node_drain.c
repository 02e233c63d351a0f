/* nomad node drain, eligibility. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/common/input.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"
#include "lang/units.h"

enum { POLL_S = 1, SEEN_ALLOCS_MAX = 10000 };

#define HOUR_NS (3600 * (int64_t)1000000000)

static struct {
    bool enable, disable, monitor, detach, force, no_deadline, ignore_system, keep_ineligible,
        self, yes, verbose;
    const char *deadline, *message;
    struct flag_list meta;
} o;

static const struct flag drain_flags[] = {
    {"enable", FLAG_BOOL, &o.enable, NULL, "move everything away from the node"},
    {"disable", FLAG_BOOL, &o.disable, NULL, "stop doing so"},
    {"monitor", FLAG_BOOL, &o.monitor, NULL, "only follow a drain"},
    {"deadline", FLAG_STR, &o.deadline, NULL, "when all are stopped at once (1h)"},
    {"force", FLAG_BOOL, &o.force, NULL, "stop all at once now"},
    {"no-deadline", FLAG_BOOL, &o.no_deadline, NULL, "wait as long as it takes"},
    {"ignore-system", FLAG_BOOL, &o.ignore_system, NULL, "leave system jobs alone"},
    {"keep-ineligible", FLAG_BOOL, &o.keep_ineligible, NULL,
     "with -disable: place nothing there all the same"},
    {"detach", FLAG_BOOL, &o.detach, NULL, "do not follow it"},
    {"self", FLAG_BOOL, &o.self, NULL, "the node of the agent that is asked"},
    {"yes", FLAG_BOOL, &o.yes, NULL, "do not ask"},
    {"m", FLAG_STR, &o.message, NULL, "why, for the node's events"},
    {"meta", FLAG_LIST, &o.meta, NULL, "key=value for the node's events; may be repeated"},
};

struct seen {
    const char *id, *status;
    bool marked, draining;
};

struct drain {
    struct cli_call *c;
    const char *node;
    LIST(struct seen) allocs;
    const char *strategy; /* its deadline, to see that it changed */
    bool complete, stopped;
};

static void say(struct drain *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct drain *d, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("%s: %s\n", time_text(d->c, clock_wall_ns()), arena_vprintf(d->c->arena, fmt, ap));
    va_end(ap);
    fflush(stdout);
}

static struct seen *seen(struct drain *d, const char *id)
{
    list_each (&d->allocs, s)
        if (strcmp(s->id, id) == 0)
            return s;
    if (d->allocs.len == SEEN_ALLOCS_MAX)
        return NULL;
    list_push(d->c->arena, &d->allocs, ((struct seen){.id = id}));
    return &d->allocs.at[d->allocs.len - 1];
}

static bool is_terminal(const char *status)
{
    return strcmp(status, "complete") == 0 || strcmp(status, "failed") == 0 ||
           strcmp(status, "lost") == 0;
}

static void show_alloc(struct drain *d, const struct json *al)
{
    const char *status = text_at(d->c, al, "ClientStatus");
    struct seen *s = seen(d, text_at(d->c, al, "ID"));
    bool stops = strcmp(text_at(d->c, al, "DesiredStatus"), "run") != 0;

    if (!s)
        return;
    if (!s->status) { /* what was over before is no news */
        s->draining = stops && is_terminal(status);
        s->marked = s->draining;
    }
    if (!s->marked && bool_at(al, "DesiredTransition.Migrate")) {
        say(d, "Alloc \"%s\" marked for migration", s->id);
        s->marked = true;
    }
    if (!s->draining && stops) {
        say(d, "Alloc \"%s\" draining", s->id);
        s->draining = true;
    }
    if (s->status && strcmp(s->status, status) != 0)
        say(d, "Alloc \"%s\" status %s -> %s", s->id, s->status, status);
    s->status = status;
}

static bool all_over(struct drain *d, const struct json *allocs, bool ignore_system)
{
    for (size_t i = 0; i < count_of(allocs); i++) {
        const struct json *al = &allocs->items[i];
        const char *type = text_at(d->c, al, "Job.Type");
        bool system = strcmp(type, "system") == 0 || strcmp(type, "sysbatch") == 0;

        if (!is_terminal(text_at(d->c, al, "ClientStatus")) && !(system && ignore_system))
            return false;
    }
    return true;
}

/* One look at the node and at its allocations; news of these are waited for. Exit code. */
static int look(struct drain *d, uint64_t *index, bool *ignore_system)
{
    struct nomad_reply node, allocs;
    const struct json *strategy;

    if (nomad_get(d->c, pathf(d->c, "node/%s", d->node), &node))
        return cli_fail(NOMAD_EXIT_FAILED, "Error monitoring node: %s", node.error);
    if (nomad_get(d->c,
                  pathf(d->c, "node/%s/allocations?index=%llu&wait=%ds", d->node,
                        (unsigned long long)*index, POLL_S),
                  &allocs))
        return cli_fail(NOMAD_EXIT_FAILED, "Error monitoring allocations: %s", allocs.error);
    *index = allocs.index;
    strategy = at(node.json, "DrainStrategy");
    if (count_of(strategy)) {
        const char *deadline = text_at(d->c, strategy, "ForceDeadline");

        *ignore_system = bool_at(strategy, "IgnoreSystemJobs");
        if (d->strategy && strcmp(d->strategy, deadline) != 0)
            say(d, "Node \"%s\" drain updated: deadline %s", d->node, deadline);
        d->strategy = deadline;
    }
    for (size_t i = 0; i < count_of(allocs.json); i++)
        show_alloc(d, &allocs.json->items[i]);
    if (!d->stopped && all_over(d, allocs.json, *ignore_system)) {
        say(d, "All allocations on node \"%s\" have stopped", d->node);
        d->stopped = true;
    }
    if (!d->complete && count_of(strategy) == 0) {
        say(d, "Drain complete for node %s", d->node);
        d->complete = true;
    }
    return CLI_EXIT_OK;
}

static int follow(struct cli_call *c, const char *node)
{
    struct drain d = {.c = c, .node = node};
    bool ignore_system = o.ignore_system;
    uint64_t index = 0;
    int code = CLI_EXIT_OK;

    while (code == CLI_EXIT_OK && !(d.complete && d.stopped))
        code = look(&d, &index, &ignore_system);
    return code;
}

static int read_deadline(int64_t *ret)
{
    struct err e = ERR_INIT;

    *ret = o.force ? -1000000000 : o.no_deadline ? 0 : HOUR_NS;
    if (!o.deadline)
        return CLI_EXIT_OK;
    if (duration_parse(str_of(o.deadline), ret, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Failed to parse deadline \"%s\": %s", o.deadline,
                        e.msg);
    return *ret > 0 ? CLI_EXIT_OK
                    : cli_fail(NOMAD_EXIT_FAILED, "A positive drain duration must be given");
}

static int check_drain_flags(const struct cli_call *c)
{
    bool one = o.enable != o.disable;

    if ((!one && !o.monitor) || (o.enable && o.disable))
        return usage_error(
            c, NOMAD_EXIT_FAILED,
            "Either the '-enable' or '-disable' flag must be set, unless using '-monitor'");
    if (c->argc != (o.self ? 0 : 1))
        return usage_error(c, NOMAD_EXIT_FAILED,
                           o.self
                               ? "Node ID can not be specified if '-self' flag is being used"
                               : "Node ID must be specified if '-self' flag is not being used");
    if (o.force && o.no_deadline)
        return usage_error(c, NOMAD_EXIT_FAILED,
                           "-force and -no-deadline are mutually exclusive");
    if (o.deadline && (o.force || o.no_deadline))
        return usage_error(c, NOMAD_EXIT_FAILED,
                           "-deadline can't be combined with -force or -no-deadline");
    return CLI_EXIT_OK;
}

static struct json *drain_request(struct cli_call *c, const char *node, int64_t deadline)
{
    struct json *body = json_new_object(c->arena), *spec = json_new_object(c->arena),
                *meta = json_new_object(c->arena);

    json_set(c->arena, spec, STR("Deadline"), json_of_i64(c->arena, deadline));
    json_set(c->arena, spec, STR("IgnoreSystemJobs"), json_of_bool(o.ignore_system));
    for (size_t i = 0; i < o.meta.len; i++) {
        struct str value = str_of(o.meta.at[i]), key;

        if (str_split(&value, '=', &key))
            json_set(c->arena, meta, key, json_of_str(value));
    }
    if (o.message)
        json_set(c->arena, meta, STR("message"), json_of_str(str_of(o.message)));
    json_set(c->arena, body, STR("NodeID"), json_of_str(str_of(node)));
    json_set(c->arena, body, STR("DrainSpec"),
             o.enable ? *spec : (struct json){.type = JSON_NULL});
    json_set(c->arena, body, STR("MarkEligible"),
             json_of_bool(o.disable && !o.keep_ineligible));
    json_set(c->arena, body, STR("Meta"), *meta);
    return body;
}

static bool agreed(struct cli_call *c, const char *node)
{
    const char *question =
        pathf(c, "Are you sure you want to %s drain mode for node \"%s\"? [y/N] ",
              o.enable ? "enable" : "disable", node);
    struct err e = ERR_INIT;
    char *answer;

    if (o.yes || o.self || strcmp(c->argv[0], node) == 0)
        return true;
    return input_line(c->arena, stdout, question, &answer, &e) == 0 && strcmp(answer, "y") == 0;
}

static int monitor_only(struct cli_call *c, const struct json *n, const char *node)
{
    if (count_of(at(n, "DrainStrategy")) == 0) {
        printf("No drain strategy set for node %s\n", node);
        return CLI_EXIT_OK;
    }
    printf("%s: Monitoring node \"%s\": Ctrl-C to detach monitoring\n",
           time_text(c, clock_wall_ns()), node);
    fflush(stdout);
    return follow(c, node);
}

static int drain_run(struct cli_call *c)
{
    const struct json *n;
    const char *node, *prefix = "";
    struct nomad_reply r;
    int64_t deadline;
    int code = check_drain_flags(c);

    if (code == CLI_EXIT_OK)
        code = read_deadline(&deadline);
    if (code == CLI_EXIT_OK)
        code = find_node_or_own(c, o.self, &n);
    if (code != CLI_EXIT_OK)
        return code;
    node = text_at(c, n, "ID");
    if (o.monitor && !o.enable && !o.disable)
        return monitor_only(c, n, node);
    if (!agreed(c, node)) {
        printf("Cancelling drain toggle\n");
        return CLI_EXIT_OK;
    }
    if (nomad_send(c, "PUT", pathf(c, "node/%s/drain", node), drain_request(c, node, deadline),
                   &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error updating drain specification: %s", r.error);
    if (o.enable && !o.detach) {
        prefix = pathf(c, "%s: ", time_text(c, clock_wall_ns()));
        printf("%sCtrl-C to stop monitoring: will not cancel the node drain\n", prefix);
    }
    printf("%sNode \"%s\" drain strategy %sset\n", prefix, node, o.enable ? "" : "un");
    fflush(stdout);
    return o.enable && !o.detach ? follow(c, node) : CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_node_drain = {
    .name = "node drain",
    .usage = "nomad node drain [options] <node>",
    .synopsis = "Toggle drain mode on a given node",
    .about = "Moves everything that runs on a node to other nodes, and follows that.",
    .flags = CLI_FLAGS(drain_flags),
    .sets = SET_CLIENT,
    .guess = {guess_node},
    .run = drain_run,
};

/* ---- eligibility --------------------------------------------------------------------------
 */

static const struct flag eligibility_flags[] = {
    {"enable", FLAG_BOOL, &o.enable, NULL, "allocations may be placed there"},
    {"disable", FLAG_BOOL, &o.disable, NULL, "no new ones are"},
    {"self", FLAG_BOOL, &o.self, NULL, "the node of the agent that is asked"},
};

static int eligibility_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    const struct json *n;
    const char *node, *what = o.enable ? "eligible" : "ineligible";
    struct nomad_reply r;
    int code;

    if (o.enable == o.disable)
        return usage_error(c, NOMAD_EXIT_FAILED,
                           "Either the '-enable' or '-disable' flag must be set");
    if (c->argc != (o.self ? 0 : 1))
        return usage_error(c, NOMAD_EXIT_FAILED,
                           "Node ID must be specified if '-self' flag is not being used");
    code = find_node_or_own(c, o.self, &n);
    if (code != CLI_EXIT_OK)
        return code;
    node = text_at(c, n, "ID");
    json_set(c->arena, body, STR("NodeID"), json_of_str(str_of(node)));
    json_set(c->arena, body, STR("Eligibility"), json_of_str(str_of(what)));
    if (nomad_send(c, "PUT", pathf(c, "node/%s/eligibility", node), body, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error updating scheduling eligibility: %s",
                        r.error);
    printf("Node \"%s\" scheduling eligibility set: %s for scheduling\n", node, what);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_node_eligibility = {
    .name = "node eligibility",
    .usage = "nomad node eligibility [options] <node>",
    .synopsis = "Toggle scheduling eligibility for a given node",
    .flags = CLI_FLAGS(eligibility_flags),
    .sets = SET_CLIENT,
    .guess = {guess_node},
    .run = eligibility_run,
};
