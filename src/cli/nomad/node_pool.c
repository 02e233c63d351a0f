/* nomad node pool list, info, nodes, jobs, apply, delete, init. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/path.h"
#include "cli/common/text.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/spec_file.h"

static struct {
    bool json, verbose;
    const char *tmpl, *filter;
} o;

static const struct flag list_flags[] = {
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"filter", FLAG_STR, &o.filter, NULL, "only those this expression is true of"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static const char *filtered(struct cli_call *c, const char *path)
{
    return o.filter ? pathf(c, "%s?filter=%s", path, path_part(c, o.filter)) : path;
}

static int list_run(struct cli_call *c)
{
    struct table t = TABLE_NOMAD(c->arena);
    struct nomad_reply r;
    int code;

    if (nomad_get(c, filtered(c, "node/pools"), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying node pools: %s", r.error);
    if (print_as_asked(c, r.json, o.json, o.tmpl, &code))
        return code;
    table_add(&t, "Name", "Description", NULL);
    for (size_t i = 0; i < count_of(r.json); i++)
        table_add(&t, text_at(c, &r.json->items[i], "Name"),
                  text_at(c, &r.json->items[i], "Description"), NULL);
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

static int find_pool(struct cli_call *c, const char *name, const struct json **ret)
{
    struct nomad_reply r;

    if (nomad_get(c, pathf(c, "node/pools?prefix=%s", path_part(c, name)), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving node pool: %s", r.error);
    for (size_t i = 0; i < count_of(r.json); i++)
        if (r.json->len == 1 || strcmp(text_at(c, &r.json->items[i], "Name"), name) == 0) {
            *ret = &r.json->items[i];
            return CLI_EXIT_OK;
        }
    return cli_fail(NOMAD_EXIT_FAILED,
                    "Error retrieving node pool: %s node pool%s with prefix "
                    "\"%s\" found",
                    count_of(r.json) ? "Several" : "No", count_of(r.json) ? "s" : "", name);
}

static void print_part(struct cli_call *c, const char *title, const struct json *object,
                       const char *none)
{
    const struct json *sorted = count_of(object) ? text_sorted(c->arena, object) : NULL;
    struct table t = {.arena = c->arena, .glue = " = ", .empty = "<none>"};

    printf("\n%s\n", title);
    if (!sorted)
        printf("%s\n", none);
    for (size_t i = 0; i < count_of(sorted); i++)
        table_add(&t, arena_cstr(c->arena, sorted->members[i].key),
                  text_at(c, &sorted->members[i].value, ""), NULL);
    table_print(&t, stdout);
}

static int info_run(struct cli_call *c)
{
    const struct json *pool;
    int code = find_pool(c, c->argv[0], &pool);

    if (code != CLI_EXIT_OK || print_as_asked(c, pool, o.json, o.tmpl, &code))
        return code;
    {
        const struct kv_line lines[] = {{"Name", text_at(c, pool, "Name")},
                                        {"Description", text_at(c, pool, "Description")}};

        print_kv(c, lines, ARRAY_LEN(lines));
    }
    print_part(c, "Metadata", at(pool, "Meta"), "No metadata");
    print_part(c, "Scheduler Configuration", at(pool, "SchedulerConfiguration"),
               "No scheduler configuration");
    return CLI_EXIT_OK;
}

static int nodes_run(struct cli_call *c)
{
    struct table t = TABLE_NOMAD(c->arena);
    const struct json *pool;
    struct nomad_reply r;
    int code = find_pool(c, c->argv[0], &pool);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_get(
            c,
            filtered(c, pathf(c, "node/pool/%s/nodes", path_part(c, text_at(c, pool, "Name")))),
            &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying nodes: %s", r.error);
    if (print_as_asked(c, r.json, o.json, o.tmpl, &code))
        return code;
    if (count_of(r.json) == 0) {
        printf("No nodes\n");
        return CLI_EXIT_OK;
    }
    table_add(&t, "ID", "DC", "Name", "Class", "Drain", "Eligibility", "Status", NULL);
    for (uint32_t i = 0; i < r.json->len; i++) {
        const struct json *n = &r.json->items[i];

        table_add(&t, short_id(c, text_at(c, n, "ID"), o.verbose), text_at(c, n, "Datacenter"),
                  text_at(c, n, "Name"), text_at(c, n, "NodeClass"), text_at(c, n, "Drain"),
                  text_at(c, n, "SchedulingEligibility"), text_at(c, n, "Status"), NULL);
    }
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

static int jobs_run(struct cli_call *c)
{
    const struct json *pool;
    struct nomad_reply r;
    int code = find_pool(c, c->argv[0], &pool);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_get(
            c,
            filtered(c, pathf(c, "node/pool/%s/jobs", path_part(c, text_at(c, pool, "Name")))),
            &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying jobs: %s", r.error);
    if (print_as_asked(c, r.json, o.json, o.tmpl, &code))
        return code;
    if (count_of(r.json) == 0)
        printf("No jobs\n");
    else
        print_job_table(c, r.json);
    return CLI_EXIT_OK;
}

/* ---- changing one -------------------------------------------------------------------------
 */

static const struct flag apply_flags[] = {
    {"json", FLAG_BOOL, &o.json, NULL, "the file is JSON"},
};

static const struct spec_name scheduler_names[] = {
    {"scheduler_algorithm", "SchedulerAlgorithm", NULL},
    {"memory_oversubscription_enabled", "MemoryOversubscriptionEnabled", NULL},
    {NULL, NULL, NULL},
};
static const struct spec_name pool_names[] = {
    {"description", "Description", NULL},
    {"meta", "Meta", NULL},
    {"scheduler_config", "SchedulerConfiguration", scheduler_names},
    {NULL, NULL, NULL},
};

static int apply_run(struct cli_call *c)
{
    struct nomad_reply r;
    struct json *pool;
    int code = spec_file_read(c, c->argv[0], o.json, "node_pool", pool_names, &pool);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_send(c, "PUT", "node/pools", pool, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error applying node pool: %s", r.error);
    printf("Successfully applied node pool \"%s\"!\n", text_at(c, pool, "Name"));
    return CLI_EXIT_OK;
}

static int delete_run(struct cli_call *c)
{
    struct nomad_reply r;

    if (nomad_send(c, "DELETE", pathf(c, "node/pool/%s", path_part(c, c->argv[0])), NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error deleting node pool: %s", r.error);
    printf("Successfully deleted node pool \"%s\"!\n", c->argv[0]);
    return CLI_EXIT_OK;
}

/* `apply` takes a file, the others a name. */
static void guess_pool_or_file(struct cli_call *c, struct cli_guess *g)
{
    if (c->command == &nomad_cmd_node_pool_apply)
        guess_job_file(c, g);
    else
        guess_node_pool(c, g);
}

#define POOL_ROW(var, verb_, flags_, synopsis_, run_, ...)      \
    const struct cli_command var = {                            \
        .name = "node pool " verb_,                             \
        .usage = "nomad node pool " verb_ " [options] [input]", \
        .synopsis = (synopsis_),                                \
        .flags = CLI_FLAGS(flags_),                             \
        .sets = SET_CLIENT,                                     \
        .args = {__VA_ARGS__},                                  \
        .guess = {guess_pool_or_file},                          \
        .run = (run_),                                          \
    }

POOL_ROW(nomad_cmd_node_pool_list, "list", list_flags, "List node pools", list_run, 0, 0,
         "no arguments");
POOL_ROW(nomad_cmd_node_pool_info, "info", list_flags, "Fetch information on a node pool",
         info_run, 1, 1, "one argument: <node-pool>");
POOL_ROW(nomad_cmd_node_pool_nodes, "nodes", list_flags, "Fetch a list of nodes in a node pool",
         nodes_run, 1, 1, "one argument: <node-pool>");
POOL_ROW(nomad_cmd_node_pool_jobs, "jobs", list_flags, "Fetch a list of jobs in a node pool",
         jobs_run, 1, 1, "one argument: <node-pool>");
POOL_ROW(nomad_cmd_node_pool_apply, "apply", apply_flags, "Create or update a node pool",
         apply_run, 1, 1, "one argument: <input>");
POOL_ROW(nomad_cmd_node_pool_delete, "delete", apply_flags, "Delete a node pool", delete_run, 1,
         1, "one argument: <node-pool>");

/* ---- init ---------------------------------------------------------------------------------
 */

static const char example[] =
    "# A node pool: nodes that say `node_pool = \"example\"` belong to it, "
    "and jobs that say so\n"
    "# run there.\n"
    "node_pool \"example\" {\n"
    "  description = \"Example node pool\"\n"
    "\n"
    "  # Anything worth knowing about it.\n"
    "  meta {\n"
    "    environment = \"prod\"\n"
    "    owner       = \"sre\"\n"
    "  }\n"
    "}\n";

static int init_run(struct cli_call *c)
{
    const char *path = c->argc ? c->argv[0] : "pool.nomad.hcl";
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0660);

    if (fd < 0 && errno == EEXIST)
        return cli_fail(NOMAD_EXIT_FAILED, "File \"%s\" already exists", path);
    if (fd < 0 || fd_write_all(fd, str_of(example), NULL) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Failed to write \"%s\": %s", path, strerror(errno));
    printf("Example node pool specification written to %s\n", path);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_node_pool_init = {
    .name = "node pool init",
    .usage = "nomad node pool init [filename]",
    .synopsis = "Create an example node pool specification file",
    .args = {0, 1, "either no arguments or one: <filename>"},
    .run = init_run,
};
