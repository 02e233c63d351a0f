/* nomad alloc restart, signal, checks. */
#include <string.h>

#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    const char *task, *signal, *tmpl;
    bool all_tasks, verbose, json;
} o;

static const struct flag restart_flags[] = {
    {"task", FLAG_STR, &o.task, NULL, "only this task"},
    {"all-tasks", FLAG_BOOL, &o.all_tasks, NULL, "those that ended, too"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

static const struct flag signal_flags[] = {
    {"s", FLAG_STR, &o.signal, NULL, "the signal (SIGKILL)"},
    {"task", FLAG_STR, &o.task, NULL, "only this task"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

/* The allocation of the first argument and the task of -task or the second; "" is all. */
static int find_target(struct cli_call *c, const struct json **al, const char **task)
{
    const char *names = "";
    const struct json *states;
    int code = find_alloc(c, c->argv[0], "Error querying allocation", al);

    if (code != CLI_EXIT_OK)
        return code;
    *task = o.task ? o.task : c->argc > 1 ? c->argv[1] : "";
    if (!**task)
        return CLI_EXIT_OK;
    states = at(*al, "TaskStates");
    for (size_t i = 0; i < count_of(states); i++) {
        if (str_eqc(states->members[i].key, *task))
            return CLI_EXIT_OK;
        names = pathf(c, "%s\n%.*s", names, STR_ARG(states->members[i].key));
    }
    return cli_fail(NOMAD_EXIT_FAILED, "Could not find task named: %s, found:%s", *task, names);
}

static const char *action(struct cli_call *c, const struct json *al, const char *what)
{
    return pathf(c, "client/allocation/%s/%s?namespace=%s", text_at(c, al, "ID"), what,
                 path_part(c, text_at(c, al, "Namespace")));
}

static int restart_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    const struct json *al;
    struct nomad_reply r;
    const char *task;
    int code;

    if (o.all_tasks && (o.task || c->argc > 1))
        return cli_fail(
            NOMAD_EXIT_FAILED,
            "The -all-tasks option is not allowed when restarting a specific task.");
    code = find_target(c, &al, &task);
    if (code != CLI_EXIT_OK)
        return code;
    json_set(c->arena, body, STR("TaskName"), json_of_str(str_of(task)));
    json_set(c->arena, body, STR("AllTasks"), json_of_bool(o.all_tasks));
    if (nomad_send(c, "PUT", action(c, al, "restart"), body, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Failed to restart allocation:\n\n%s", r.error);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_alloc_restart = {
    .name = "alloc restart",
    .usage = "nomad alloc restart [options] <alloc-id> <task-name>",
    .synopsis = "Restart a running allocation",
    .about = "Restarts the running tasks of an allocation, or one of them, where it is.",
    .flags = CLI_FLAGS(restart_flags),
    .sets = SET_CLIENT,
    .args = {1, 2, "one or two arguments: <alloc-id> <task-name>"},
    .guess = {guess_alloc, guess_task},
    .run = restart_run,
};

static int signal_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    const struct json *al;
    struct nomad_reply r;
    const char *task;
    int code = find_target(c, &al, &task);

    if (code != CLI_EXIT_OK)
        return code;
    json_set(c->arena, body, STR("Task"), json_of_str(str_of(task)));
    json_set(c->arena, body, STR("Signal"),
             json_of_str(str_of(o.signal ? o.signal : "SIGKILL")));
    if (nomad_send(c, "PUT", action(c, al, "signal"), body, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error signalling allocation: %s", r.error);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_alloc_signal = {
    .name = "alloc signal",
    .usage = "nomad alloc signal [options] <alloc-id> <task>",
    .synopsis = "Signal a running allocation",
    .about = "Sends a signal to the tasks of an allocation, or to one of them.",
    .flags = CLI_FLAGS(signal_flags),
    .sets = SET_CLIENT,
    .args = {1, 2, "up to two arguments: <alloc-id> <task>"},
    .guess = {guess_alloc, guess_task},
    .run = signal_run,
};

/* ---- checks -------------------------------------------------------------------------------
 */

static const struct flag checks_flags[] = {
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static void print_check(struct cli_call *c, const struct json *k)
{
    const char *code = text_at(c, k, "StatusCode");
    const struct kv_line lines[] = {
        {"ID", text_at(c, k, "ID")},
        {"Name", text_at(c, k, "Check")},
        {"Group", text_at(c, k, "Group")},
        {*text_at(c, k, "Task") ? "Task" : NULL, text_at(c, k, "Task")},
        {"Service", text_at(c, k, "Service")},
        {"Status", text_at(c, k, "Status")},
        {*code && strcmp(code, "0") != 0 ? "StatusCode" : NULL, code},
        {"Mode", text_at(c, k, "Mode")},
        {"Timestamp", time_text(c, number_at(k, "Timestamp") * 1000000000)},
        {"Output", text_at(c, k, "Output")},
    };

    print_kv(c, lines, ARRAY_LEN(lines));
}

static int checks_run(struct cli_call *c)
{
    const struct json *al;
    struct nomad_reply r;
    int code = find_alloc(c, c->argv[0], "Error querying allocation", &al);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_get(c, action(c, al, "checks"), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying allocation health checks: %s",
                        r.error);
    if (print_as_asked(c, r.json, o.json, o.tmpl, &code))
        return code;
    printf("Status of %zu Nomad Service Checks\n", count_of(r.json));
    for (size_t i = 0; i < count_of(r.json); i++) {
        printf("\n");
        print_check(c, &r.json->members[i].value);
    }
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_alloc_checks = {
    .name = "alloc checks",
    .usage = "nomad alloc checks [options] <allocation>",
    .synopsis = "Outputs service health check status information",
    .flags = CLI_FLAGS(checks_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <allocation>"},
    .guess = {guess_alloc},
    .run = checks_run,
};
