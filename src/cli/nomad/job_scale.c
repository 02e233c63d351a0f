/* nomad job scale, scaling-events. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool detach, verbose, has_check_index;
    int64_t check_index;
} o;

static const struct flag scale_flags[] = {
    {"check-index", FLAG_INT, &o.check_index, &o.has_check_index,
     "only if the job's modify index is this"},
    {"detach", FLAG_BOOL, &o.detach, NULL, "return at once, print the evaluation's ID"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

/* The group named, or the only one. */
static int pick_group(struct cli_call *c, const char *id, const char *ns, const char *given,
                      const char **ret)
{
    const struct json *groups;
    struct nomad_reply r;

    if (nomad_get(c, pathf(c, "job/%s?namespace=%s", path_part(c, id), path_part(c, ns)), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying job: %s", r.error);
    groups = at(r.json, "TaskGroups");
    for (size_t i = 0; given && i < count_of(groups); i++)
        if (strcmp(text_at(c, &groups->items[i], "Name"), given) == 0) {
            *ret = given;
            return CLI_EXIT_OK;
        }
    if (given)
        return cli_fail(NOMAD_EXIT_FAILED, "Group %s not found within job", given);
    if (count_of(groups) != 1)
        return cli_fail(NOMAD_EXIT_FAILED, "Group name required");
    *ret = text_at(c, &groups->items[0], "Name");
    return CLI_EXIT_OK;
}

static struct json *scaling(struct cli_call *c, const char *group, int64_t count)
{
    struct json *body = json_new_object(c->arena), *target = json_new_object(c->arena);

    json_set(c->arena, target, STR("Group"), json_of_str(str_of(group)));
    json_set(c->arena, body, STR("Target"), *target);
    json_set(c->arena, body, STR("Count"), json_of_i64(c->arena, count));
    json_set(c->arena, body, STR("Message"), json_of_str(STR("submitted using the Nomad CLI")));
    json_set(c->arena, body, STR("PolicyOverride"), json_of_bool(false));
    if (o.has_check_index) {
        json_set(c->arena, body, STR("EnforceIndex"), json_of_bool(true));
        json_set(c->arena, body, STR("JobModifyIndex"), json_of_i64(c->arena, o.check_index));
    }
    return body;
}

static int scale_run(struct cli_call *c)
{
    const char *id, *ns, *group = NULL, *eval;
    struct nomad_reply r;
    int64_t count;
    int code;

    if (c->argc < 2 || c->argc > 3)
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Command requires at least two arguments and no more than three");
    if (!str_to_i64(str_of(c->argv[c->argc - 1]), 10, &count))
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Failed to convert count string to int: strconv.Atoi: parsing \"%s\": "
                        "invalid syntax",
                        c->argv[c->argc - 1]);
    code = find_job(c, c->argv[0], &id, &ns);
    if (code == CLI_EXIT_OK)
        code = pick_group(c, id, ns, c->argc == 3 ? c->argv[1] : NULL, &group);
    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_send(c, "PUT",
                   pathf(c, "job/%s/scale?namespace=%s", path_part(c, id), path_part(c, ns)),
                   scaling(c, group, count), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error submitting scaling request: %s", r.error);
    print_warnings(c, r.json);
    eval = text_at(c, r.json, "EvalID");
    if (!o.detach && *eval)
        return monitor_eval(c, eval, o.verbose, MONITOR_DEPLOYMENT);
    printf("Job scale successful\n");
    return follow_eval(c, eval, true, o.verbose);
}

const struct cli_command nomad_cmd_job_scale = {
    .name = "job scale",
    .usage = "nomad job scale [options] <job> [<group>] <count>",
    .synopsis = "Change the count of a Nomad job group",
    .flags = CLI_FLAGS(scale_flags),
    .sets = SET_CLIENT,
    .guess = {guess_job, guess_group},
    .run = scale_run,
};

/* ---- what was scaled ----------------------------------------------------------------------
 */

static const struct flag events_flags[] = {
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "with messages and evaluations"},
};

struct event {
    const struct json *event;
    const char *group;
};

static int newest_first(const void *a, const void *b)
{
    int64_t x = number_at(((const struct event *)a)->event, "Time"),
            y = number_at(((const struct event *)b)->event, "Time");

    return (x < y) - (x > y);
}

static void add_event(struct cli_call *c, struct table *t, const struct event *e)
{
    const struct json *v = e->event;
    const char *count = at(v, "Count") && at(v, "Count")->type == JSON_NUMBER
                            ? text_at(c, v, "Count")
                            : "",
               *when = time_text(c, number_at(v, "Time"));

    if (o.verbose)
        table_add(t, e->group, count, text_at(c, v, "PreviousCount"), text_at(c, v, "Error"),
                  text_at(c, v, "Message"), text_at(c, v, "EvalID"), when, NULL);
    else
        table_add(t, e->group, count, text_at(c, v, "PreviousCount"), when, NULL);
}

static int events_run(struct cli_call *c)
{
    struct table t = TABLE_NOMAD(c->arena);
    LIST(struct event) all = {0};
    const struct json *groups;
    const char *id, *ns;
    struct nomad_reply r;
    int code = find_job(c, c->argv[0], &id, &ns);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_get(c, pathf(c, "job/%s/scale?namespace=%s", path_part(c, id), path_part(c, ns)),
                  &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error listing scaling events: %s", r.error);
    groups = at(r.json, "TaskGroups");
    for (size_t i = 0; i < count_of(groups); i++) {
        const struct json *events = at(&groups->members[i].value, "Events");

        for (size_t k = 0; k < count_of(events); k++)
            list_push(c->arena, &all,
                      ((struct event){&events->items[k],
                                      arena_cstr(c->arena, groups->members[i].key)}));
    }
    if (all.len == 0) {
        printf("No events found\n");
        return CLI_EXIT_OK;
    }
    qsort(all.at, all.len, sizeof(all.at[0]), newest_first);
    if (o.verbose)
        table_add(&t, "Task Group", "Count", "PrevCount", "Error", "Message", "Eval ID", "Date",
                  NULL);
    else
        table_add(&t, "Task Group", "Count", "PrevCount", "Date", NULL);
    list_each (&all, e)
        add_event(c, &t, e);
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_job_scaling_events = {
    .name = "job scaling-events",
    .usage = "nomad job scaling-events [options] <job>",
    .synopsis = "Display the most recent scaling events for a job",
    .flags = CLI_FLAGS(events_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <job>"},
    .guess = {guess_job},
    .run = events_run,
};
