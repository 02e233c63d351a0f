/* nomad job restart: a job's allocations anew, some at a time. */
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#include "cli/common/input.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"
#include "lang/units.h"

static struct {
    bool all_tasks, reschedule, yes, verbose, no_shutdown_delay;
    const char *batch_size, *batch_wait, *on_error;
    struct flag_list groups, tasks;
} o;

static const struct flag restart_flags[] = {
    {"all-tasks", FLAG_BOOL, &o.all_tasks, NULL, "those that ended, too"},
    {"batch-size", FLAG_STR, &o.batch_size, NULL, "so many at once: 3, or 20% (1)"},
    {"batch-wait", FLAG_STR, &o.batch_wait, NULL, "between batches: a duration, or \"ask\""},
    {"group", FLAG_LIST, &o.groups, NULL, "only this group; may be repeated"},
    {"no-shutdown-delay", FLAG_BOOL, &o.no_shutdown_delay, NULL,
     "ignore the tasks' shutdown delays"},
    {"on-error", FLAG_STR, &o.on_error, NULL, "\"ask\" or \"fail\""},
    {"reschedule", FLAG_BOOL, &o.reschedule, NULL, "replace allocations, even elsewhere"},
    {"task", FLAG_LIST, &o.tasks, NULL, "only this task; may be repeated"},
    {"yes", FLAG_BOOL, &o.yes, NULL, "do not ask"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

struct restart {
    struct cli_call *c;
    const char *ns;
    LIST(const struct json *) allocs;
    size_t batch;
    int64_t wait_ns; /* -1: ask */
    size_t failed;
};

static void say(struct restart *x, const char *mark, const char *text)
{
    printf("%s%s: %s\n", mark, time_text(x->c, clock_wall_ns()), text);
    fflush(stdout);
}

static bool has(const struct flag_list *list, const char *name)
{
    for (size_t i = 0; i < list->len; i++)
        if (strcmp(list->at[i], name) == 0)
            return true;
    return list->len == 0;
}

/* "3", or "20%" of `total`, at least one. */
static int read_batch(struct restart *x)
{
    struct str text = str_of(o.batch_size ? o.batch_size : "1");
    bool percent = text.len && text.p[text.len - 1] == '%';
    int64_t n;

    if (percent)
        text.len--;
    if (!str_to_i64(text, 10, &n) || n < 1 || (percent && n > 100))
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Invalid -batch-size value \"%s\": it must be a number greater than "
                        "zero or a percentage",
                        o.batch_size);
    x->batch = percent ? (x->allocs.len * (size_t)n + 99) / 100 : (size_t)n;
    x->batch = x->batch ? x->batch : 1;
    return CLI_EXIT_OK;
}

static int read_wait(struct restart *x)
{
    struct err e = ERR_INIT;

    x->wait_ns = 0;
    if (o.batch_wait && strcmp(o.batch_wait, "ask") == 0)
        x->wait_ns = -1;
    else if (o.batch_wait && duration_parse(str_of(o.batch_wait), &x->wait_ns, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Invalid -batch-wait value \"%s\": %s", o.batch_wait,
                        e.msg);
    if (o.on_error && strcmp(o.on_error, "ask") != 0 && strcmp(o.on_error, "fail") != 0)
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Invalid -on-error value \"%s\": it must be \"ask\" or \"fail\"",
                        o.on_error);
    if (o.reschedule && (o.all_tasks || o.tasks.len))
        return cli_fail(NOMAD_EXIT_FAILED,
                        "-reschedule replaces whole allocations: it can not be used with "
                        "-all-tasks or -task");
    return CLI_EXIT_OK;
}

static int gather(struct restart *x, const char *id)
{
    struct nomad_reply r;

    if (nomad_get(x->c,
                  pathf(x->c, "job/%s/allocations?namespace=%s", path_part(x->c, id),
                        path_part(x->c, x->ns)),
                  &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving allocations: %s", r.error);
    for (size_t i = 0; i < count_of(r.json); i++) {
        const struct json *al = &r.json->items[i];

        if (strcmp(text_at(x->c, al, "ClientStatus"), "running") == 0 &&
            strcmp(text_at(x->c, al, "DesiredStatus"), "run") == 0 &&
            has(&o.groups, text_at(x->c, al, "TaskGroup")))
            list_push(x->c->arena, &x->allocs, al);
    }
    return CLI_EXIT_OK;
}

static bool send_restart(struct restart *x, const char *id, const char *task,
                         struct nomad_reply *r)
{
    struct json *body = json_new_object(x->c->arena);

    json_set(x->c->arena, body, STR("TaskName"), json_of_str(str_of(task)));
    json_set(x->c->arena, body, STR("AllTasks"), json_of_bool(o.all_tasks));
    return nomad_send(x->c, "PUT",
                      pathf(x->c, "client/allocation/%s/restart?namespace=%s", id,
                            path_part(x->c, x->ns)),
                      body, r) == 0;
}

static bool replace(struct restart *x, const char *id, struct nomad_reply *r)
{
    return nomad_send(x->c, "PUT",
                      pathf(x->c, "allocation/%s/stop?namespace=%s&no_shutdown_delay=%s", id,
                            path_part(x->c, x->ns), o.no_shutdown_delay ? "true" : "false"),
                      NULL, r) == 0;
}

static bool restart_one(struct restart *x, const struct json *al)
{
    struct cli_call *c = x->c;
    const char *id = text_at(c, al, "ID"), *shown = short_id(c, id, o.verbose),
               *group = text_at(c, al, "TaskGroup");
    struct nomad_reply r;
    bool ok = true;

    say(x, "    ",
        pathf(c, "%s allocation \"%s\" for group \"%s\"",
              o.reschedule  ? "Rescheduling"
              : o.all_tasks ? "Restarting all tasks in"
              : o.tasks.len ? "Restarting selected tasks in"
                            : "Restarting running tasks in",
              shown, group));
    if (o.reschedule)
        ok = replace(x, id, &r);
    else if (o.tasks.len == 0)
        ok = send_restart(x, id, "", &r);
    for (size_t i = 0; ok && i < o.tasks.len; i++)
        ok = send_restart(x, id, o.tasks.at[i], &r);
    if (!ok)
        cli_fail(0, "    %s: Error restarting allocation \"%s\": %s",
                 time_text(c, clock_wall_ns()), shown, r.error);
    return ok;
}

static bool ask(struct restart *x, const char *question)
{
    struct err e = ERR_INIT;
    char *answer;

    return o.yes || (input_line(x->c->arena, stdout, question, &answer, &e) == 0 &&
                     (strcmp(answer, "y") == 0 || strcmp(answer, "Y") == 0));
}

/* Between two batches. False: it ends here. */
static bool go_on(struct restart *x)
{
    if (x->failed && (!o.on_error || strcmp(o.on_error, "ask") == 0) && !o.yes &&
        !ask(x, "==> Some allocations could not be restarted. Go on? [y/N] "))
        return false;
    if (x->failed && o.on_error && strcmp(o.on_error, "fail") == 0)
        return false;
    if (x->wait_ns < 0)
        return ask(x, "==> Go on with the next batch? [y/N] ");
    if (x->wait_ns > 0) {
        say(x, "==> ", "Waiting before restarting the next batch");
        poll(NULL, 0, x->wait_ns / 1000000 > INT_MAX ? INT_MAX : (int)(x->wait_ns / 1000000));
    }
    return true;
}

static int restart_all(struct restart *x)
{
    size_t n = x->allocs.len, i = 0;

    say(x, "==> ", pathf(x->c, "Restarting %zu allocation%s", n, n == 1 ? "" : "s"));
    while (i < n) {
        for (size_t k = 0; k < x->batch && i < n; k++, i++)
            x->failed += !restart_one(x, x->allocs.at[i]);
        if (i < n && !go_on(x))
            break;
    }
    if (x->failed || i < n)
        return cli_fail(NOMAD_EXIT_FAILED,
                        "\nJob restart did not finish: %zu of %zu allocations restarted",
                        i - x->failed, n);
    say(x, "==> ", "Job restart finished");
    printf("\nJob restarted successfully!\n");
    return CLI_EXIT_OK;
}

static int restart_run(struct cli_call *c)
{
    struct restart x = {.c = c};
    const char *id;
    int code = find_job(c, c->argv[0], &id, &x.ns);

    if (code == CLI_EXIT_OK)
        code = read_wait(&x);
    if (code == CLI_EXIT_OK)
        code = gather(&x, id);
    if (code == CLI_EXIT_OK)
        code = read_batch(&x);
    if (code != CLI_EXIT_OK)
        return code;
    if (x.allocs.len == 0) {
        printf("No allocations to restart\n");
        return CLI_EXIT_OK;
    }
    if (strcmp(id, c->argv[0]) != 0 &&
        !ask(&x, pathf(c, "Are you sure you want to restart job \"%s\"? [y/N] ", id))) {
        printf("\nJob restart canceled.\n");
        return CLI_EXIT_OK;
    }
    return restart_all(&x);
}

const struct cli_command nomad_cmd_job_restart = {
    .name = "job restart",
    .usage = "nomad job restart [options] <job>",
    .synopsis = "Restart or reschedule allocations for a job",
    .about = "Restarts the tasks of a job's running allocations, a batch at a time.",
    .flags = CLI_FLAGS(restart_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <job>"},
    .guess = {guess_job},
    .run = restart_run,
};
