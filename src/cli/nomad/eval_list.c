/* nomad eval list, delete. */
#include <string.h>

#include "base/str.h"
#include "cli/common/input.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

enum { DELETE_AT_ONCE = 7281 }; /* the API's limit for one request is a little above */

static struct {
    bool json, verbose, yes;
    const char *tmpl, *filter, *job, *status, *page_token;
    int64_t per_page;
} o;

static const struct flag list_flags[] = {
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"per-page", FLAG_INT, &o.per_page, NULL, "so many"},
    {"page-token", FLAG_STR, &o.page_token, NULL, "from here on, as the page before said"},
    {"filter", FLAG_STR, &o.filter, NULL, "only those this expression is true of"},
    {"job", FLAG_STR, &o.job, NULL, "only of this job"},
    {"status", FLAG_STR, &o.status, NULL, "only in this status"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static const char *list_path(struct cli_call *c)
{
    const struct {
        const char *key, *value;
    } wishes[] = {{"filter", o.filter},
                  {"job", o.job},
                  {"status", o.status},
                  {"next_token", o.page_token}};
    const char *path = "evaluations";
    char glue = '?';

    for (size_t i = 0; i < ARRAY_LEN(wishes); i++)
        if (wishes[i].value) {
            path =
                pathf(c, "%s%c%s=%s", path, glue, wishes[i].key, path_part(c, wishes[i].value));
            glue = '&';
        }
    return o.per_page > 0 ? pathf(c, "%s%cper_page=%lld", path, glue, (long long)o.per_page)
                          : path;
}

static void print_evals(struct cli_call *c, const struct json *list)
{
    struct table t = TABLE_NOMAD(c->arena);

    if (count_of(list) == 0) {
        printf("No evals found\n");
        return;
    }
    table_add(&t, "ID", "Priority", "Triggered By", "Job ID", "Namespace", "Node ID", "Status",
              "Placement Failures", NULL);
    for (uint32_t i = 0; i < list->len; i++) {
        const struct json *e = &list->items[i];
        const char *status = text_at(c, e, "Status");

        table_add(&t, short_id(c, text_at(c, e, "ID"), o.verbose), text_at(c, e, "Priority"),
                  text_at(c, e, "TriggeredBy"), text_at(c, e, "JobID"),
                  text_at(c, e, "Namespace"), short_id(c, text_at(c, e, "NodeID"), o.verbose),
                  status,
                  strcmp(status, "blocked") == 0      ? "N/A - In Progress"
                  : count_of(at(e, "FailedTGAllocs")) ? "true"
                                                      : "false",
                  NULL);
    }
    table_print(&t, stdout);
}

static int list_run(struct cli_call *c)
{
    struct nomad_reply r;
    int code;

    if (nomad_get(c, list_path(c), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying evaluations: %s", r.error);
    if (!print_as_asked(c, r.json, o.json, o.tmpl, &code))
        print_evals(c, r.json);
    return code;
}

const struct cli_command nomad_cmd_eval_list = {
    .name = "eval list",
    .synopsis = "List the set of evaluations",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = list_run,
};

/* ---- delete -------------------------------------------------------------------------------
 */

static const struct flag delete_flags[] = {
    {"filter", FLAG_STR, &o.filter, NULL, "all this expression is true of"},
    {"yes", FLAG_BOOL, &o.yes, NULL, "do not ask"},
};

static bool agreed(struct cli_call *c, size_t n)
{
    struct err e = ERR_INIT;
    char *answer;

    return o.yes ||
           (input_line(c->arena, stdout,
                       pathf(c, "Are you sure you want to delete %zu evals? [y/N] ", n),
                       &answer, &e) == 0 &&
            strcmp(answer, "y") == 0);
}

static int delete_ids(struct cli_call *c, struct json *ids)
{
    struct nomad_reply r;

    for (size_t from = 0; from < ids->len; from += DELETE_AT_ONCE) {
        struct json *body = json_new_object(c->arena), *some = json_new_array(c->arena);

        for (size_t i = from; i < ids->len && i < from + DELETE_AT_ONCE; i++)
            json_push(c->arena, some, ids->items[i]);
        json_set(c->arena, body, STR("EvalIDs"), *some);
        if (nomad_send(c, "DELETE", "evaluations", body, &r))
            return cli_fail(NOMAD_EXIT_FAILED, "Error deleting evaluations: %s", r.error);
    }
    printf("Successfully deleted %u evaluation%s\n", ids->len, ids->len == 1 ? "" : "s");
    return CLI_EXIT_OK;
}

static int delete_run(struct cli_call *c)
{
    struct json *ids = json_new_array(c->arena);
    struct nomad_reply r;

    if ((c->argc == 0) == (o.filter == NULL))
        return usage_error(c, NOMAD_EXIT_FAILED,
                           "Either a filter or at least one evaluation ID must be given, not "
                           "both");
    for (int i = 0; i < c->argc; i++)
        json_push(c->arena, ids, json_of_str(str_of(c->argv[i])));
    if (o.filter && nomad_get(c, list_path(c), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying evaluations: %s", r.error);
    for (size_t i = 0; o.filter && i < count_of(r.json); i++)
        json_push(c->arena, ids, *at(&r.json->items[i], "ID"));
    if (ids->len == 0)
        return cli_fail(NOMAD_EXIT_FAILED, "No evaluations found");
    if (o.filter && !agreed(c, ids->len)) {
        printf("Cancelling eval delete\n");
        return CLI_EXIT_OK;
    }
    return delete_ids(c, ids);
}

const struct cli_command nomad_cmd_eval_delete = {
    .name = "eval delete",
    .usage = "nomad eval delete [options] <evaluation>...",
    .synopsis = "Delete evaluations",
    .about = "Deletes evaluations by ID or by filter. The eval broker must be paused: nomad "
             "operator scheduler set-config -pause-eval-broker=true.",
    .flags = CLI_FLAGS(delete_flags),
    .sets = SET_CLIENT,
    .guess = {guess_eval},
    .run = delete_run,
};
