#include "cli/nomad/guess.h"

#include <string.h>

#include "base/str.h"
#include "cli/nomad/nomad_priv.h"

/* ---- lists by prefix ------------------------------------------------------------------- */

/* Only what the answer says counts: NULL for any failure. */
static const struct json *ask(struct cli_call *c, struct cli_guess *g, const char *path)
{
    struct nomad_reply r;

    return cli_guess_ready(c, g) && nomad_get(c, path, &r) == 0 ? r.json : NULL;
}

static void add_members(struct cli_call *c, struct cli_guess *g, const struct json *list,
                        const char *member)
{
    for (size_t i = 0; json_is(list, JSON_ARRAY) && i < list->len; i++)
        cli_guess_add(g, text_at(c, &list->items[i], member));
}

static void add_listed(struct cli_call *c, struct cli_guess *g, const char *route,
                       const char *member)
{
    add_members(c, g, ask(c, g, pathf(c, "%s?prefix=%s", route, path_part(c, g->word))),
                member);
}

/* Servers look identifiers up by whole bytes. */
static void add_ids(struct cli_call *c, struct cli_guess *g, const char *route)
{
    add_members(
        c, g, ask(c, g, pathf(c, "%s?prefix=%s", route, path_part(c, even_prefix(c, g->word)))),
        "ID");
}

void guess_job(struct cli_call *c, struct cli_guess *g)
{
    add_listed(c, g, "jobs", "ID");
}

void guess_alloc(struct cli_call *c, struct cli_guess *g)
{
    add_ids(c, g, "allocations");
}

void guess_node(struct cli_call *c, struct cli_guess *g)
{
    add_ids(c, g, "nodes");
}

void guess_eval(struct cli_call *c, struct cli_guess *g)
{
    add_ids(c, g, "evaluations");
}

void guess_deployment(struct cli_call *c, struct cli_guess *g)
{
    add_ids(c, g, "deployments");
}

void guess_namespace(struct cli_call *c, struct cli_guess *g)
{
    add_listed(c, g, "namespaces", "Name");
}

void guess_node_pool(struct cli_call *c, struct cli_guess *g)
{
    add_listed(c, g, "node/pools", "Name");
}

void guess_any(struct cli_call *c, struct cli_guess *g)
{
    guess_job(c, g);
    guess_alloc(c, g);
    guess_node(c, g);
    guess_eval(c, g);
    guess_deployment(c, g);
    guess_node_pool(c, g);
    guess_namespace(c, g);
}

/* [{"Namespace": ..., "Services": [{"ServiceName": ...}]}] */
void guess_service(struct cli_call *c, struct cli_guess *g)
{
    const struct json *spaces = ask(c, g, "services");

    for (size_t i = 0; json_is(spaces, JSON_ARRAY) && i < spaces->len; i++)
        add_members(c, g, json_get(&spaces->items[i], "Services"), "ServiceName");
}

/* ---- what belongs to the argument before ----------------------------------------------- */

static const struct json *named_alloc(struct cli_call *c, struct cli_guess *g)
{
    const struct json *found;
    const char *id;

    if (c->argc < 1)
        return NULL;
    found =
        ask(c, g, pathf(c, "allocations?prefix=%s", path_part(c, even_prefix(c, c->argv[0]))));
    if (count_of(found) != 1)
        return NULL;
    id = text_at(c, &found->items[0], "ID");
    return ask(c, g, pathf(c, "allocation/%s", path_part(c, id)));
}

void guess_task(struct cli_call *c, struct cli_guess *g)
{
    const struct json *states = json_get(named_alloc(c, g), "TaskStates");

    for (size_t i = 0; json_is(states, JSON_OBJECT) && i < states->len; i++)
        cli_guess_add(g, arena_cstr(c->arena, states->members[i].key));
}

void guess_group(struct cli_call *c, struct cli_guess *g)
{
    if (c->argc > 0)
        add_members(
            c, g,
            json_get(ask(c, g, pathf(c, "job/%s", path_part(c, c->argv[0]))), "TaskGroups"),
            "Name");
}

void guess_alloc_path(struct cli_call *c, struct cli_guess *g)
{
    struct str word = str_of(g->word);
    const char *folder =
        arena_cstr(c->arena, str_upto(word, (size_t)(str_rchr(word, '/') + 1)));
    const struct json *files, *alloc = named_alloc(c, g);

    if (!alloc)
        return;
    files = ask(c, g,
                pathf(c, "client/fs/ls/%s?path=%s", text_at(c, alloc, "ID"),
                      path_part(c, *folder ? folder : "/")));
    for (size_t i = 0; json_is(files, JSON_ARRAY) && i < files->len; i++) {
        const struct json *f = &files->items[i];

        cli_guess_add(g, pathf(c, "%s%s%s", folder, text_at(c, f, "Name"),
                               bool_at(f, "IsDir") ? "/" : ""));
    }
}

/* ---- words and files -------------------------------------------------------------------- */

void guess_job_file(struct cli_call *c, struct cli_guess *g)
{
    (void)c;
    cli_guess_files_named(g, ".hcl .nomad .json .vars");
}

void guess_api_path(struct cli_call *c, struct cli_guess *g)
{
    (void)c;
    cli_guess_add_words(
        g, "/v1/agent/health /v1/agent/members /v1/agent/self /v1/allocation/ /v1/allocations "
           "/v1/deployment/ /v1/deployments /v1/evaluation/ /v1/evaluations /v1/job/ /v1/jobs "
           "/v1/metrics /v1/namespace/ /v1/namespaces /v1/node/ /v1/nodes /v1/node/pools "
           "/v1/operator/autopilot/configuration /v1/operator/raft/configuration "
           "/v1/operator/scheduler/configuration /v1/regions /v1/services /v1/status/leader "
           "/v1/status/peers /v1/system/gc /v1/validate/job /v1/var/ /v1/vars");
}

static void guess_region(struct cli_call *c, struct cli_guess *g)
{
    const struct json *names = ask(c, g, "regions");

    for (size_t i = 0; json_is(names, JSON_ARRAY) && i < names->len; i++)
        cli_guess_add(g, arena_cstr(c->arena, json_str_or(&names->items[i], STR(""))));
}

const struct cli_flag_guess nomad_flag_guesses[] = {
    {"namespace", .guess = guess_namespace},
    {"region", .guess = guess_region},
    {"node-id", .guess = guess_node},
    {"job", .guess = guess_job, .command = "eval list"},
    {"status", "blocked pending complete failed canceled", .command = "eval list"},
    {"task", .guess = guess_task, .command = "alloc"},
    {"task", .guess = guess_task, .command = "logs"},
    {"group", .guess = guess_group, .command = "job"},
    {"on-error", "ask fail"},
    {"scheduler-algorithm", "binpack spread"},
    {"memory-oversubscription", "true false"},
    {"reject-job-registration", "true false"},
    {"pause-eval-broker", "true false"},
    {"preempt-system-scheduler", "true false"},
    {"preempt-service-scheduler", "true false"},
    {"preempt-batch-scheduler", "true false"},
    {"preempt-sysbatch-scheduler", "true false"},
    {"s", "SIGHUP SIGINT SIGKILL SIGQUIT SIGTERM SIGUSR1 SIGUSR2", .command = "alloc signal"},
    {"X", "DELETE GET POST PUT", .command = "operator api"},
    {"log-level", "TRACE DEBUG INFO WARN ERROR"},
    {"config", .guess = cli_guess_files},
    {"data-dir", .guess = cli_guess_files},
    {"var-file", .guess = guess_job_file},
    {"ca-cert", .guess = cli_guess_files},
    {"ca-path", .guess = cli_guess_files},
    {"client-cert", .guess = cli_guess_files},
    {"client-key", .guess = cli_guess_files},
    {NULL},
};
