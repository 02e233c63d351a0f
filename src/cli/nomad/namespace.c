/* nomad namespace list, status, inspect, apply, delete. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/common/text.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/spec_file.h"

static struct {
    bool json;
    const char *tmpl, *filter, *description, *quota;
    bool has_description, has_quota;
} o;

static const struct flag list_flags[] = {
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"filter", FLAG_STR, &o.filter, NULL, "only those this expression is true of"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static void print_namespaces(struct cli_call *c, const struct json *list)
{
    struct table t = TABLE_NOMAD(c->arena);

    table_add(&t, "Name", "Description", NULL);
    for (size_t i = 0; i < count_of(list); i++)
        table_add(&t, text_at(c, &list->items[i], "Name"),
                  text_at(c, &list->items[i], "Description"), NULL);
    table_print(&t, stdout);
}

/* Newest first. */
static int by_creation(const void *a, const void *b)
{
    int64_t x = number_at(a, "CreateIndex"), y = number_at(b, "CreateIndex");

    return x < y ? 1 : x > y ? -1 : 0;
}

static const struct json *newest_first(struct cli_call *c, const struct json *list)
{
    struct json *copy = json_copy(c->arena, list);

    if (count_of(copy))
        qsort(copy->items, copy->len, sizeof *copy->items, by_creation);
    return copy;
}

static int list_run(struct cli_call *c)
{
    const char *path = "namespaces";
    struct nomad_reply r;
    int code;

    if (o.filter)
        path = pathf(c, "%s?filter=%s", path, path_part(c, o.filter));
    if (nomad_get(c, path, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving namespaces: %s", r.error);
    r.json = newest_first(c, r.json);
    if (!print_as_asked(c, r.json, o.json, o.tmpl, &code))
        print_namespaces(c, r.json);
    return code;
}

const struct cli_command nomad_cmd_namespace_list = {
    .name = "namespace list",
    .synopsis = "List namespaces",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = list_run,
};

static int find_namespace(struct cli_call *c, const char *name, const struct json **ret)
{
    struct nomad_reply r;

    if (nomad_get(c, pathf(c, "namespaces?prefix=%s", path_part(c, name)), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving namespaces: %s", r.error);
    for (size_t i = 0; i < count_of(r.json); i++)
        if (r.json->len == 1 || strcmp(text_at(c, &r.json->items[i], "Name"), name) == 0) {
            *ret = &r.json->items[i];
            return CLI_EXIT_OK;
        }
    if (count_of(r.json) == 0)
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error retrieving namespaces: Namespace \"%s\" matched no namespaces",
                        name);
    fprintf(stderr, "Prefix matched multiple namespaces\n\n");
    print_namespaces(c, r.json);
    return NOMAD_EXIT_FAILED;
}

static const char *names_or(struct cli_call *c, const struct json *list, const char *other)
{
    const char *text = "";

    for (size_t i = 0; i < count_of(list); i++)
        text = pathf(c, "%s%s%.*s", text, i ? "," : "", STR_ARG(list->items[i].text));
    return *text ? text : other;
}

static void print_pairs(struct cli_call *c, const struct json *object)
{
    const struct json *sorted = text_sorted(c->arena, object);
    struct table t = {.arena = c->arena, .glue = " = ", .empty = "<none>"};

    for (size_t i = 0; i < count_of(sorted); i++)
        table_add(&t, arena_cstr(c->arena, sorted->members[i].key),
                  text_at(c, &sorted->members[i].value, ""), NULL);
    table_print(&t, stdout);
}

static int status_run(struct cli_call *c)
{
    const struct json *n;
    int code = find_namespace(c, c->argv[0], &n);

    if (code != CLI_EXIT_OK || print_as_asked(c, n, o.json, o.tmpl, &code))
        return code;
    {
        const struct json *caps = at(n, "Capabilities");
        const struct kv_line lines[] = {
            {"Name", text_at(c, n, "Name")},
            {"Description", text_at(c, n, "Description")},
            {"Quota", text_at(c, n, "Quota")},
            {"Enabled Drivers", names_or(c, at(caps, "EnabledTaskDrivers"), "*")},
            {"Disabled Drivers", names_or(c, at(caps, "DisabledTaskDrivers"), "")},
            {"Enabled Network Modes", names_or(c, at(caps, "EnabledNetworkModes"), "*")},
            {"Disabled Network Modes", names_or(c, at(caps, "DisabledNetworkModes"), "")},
        };

        print_kv(c, lines, ARRAY_LEN(lines));
    }
    if (count_of(at(n, "Meta"))) {
        printf("\nMetadata\n");
        print_pairs(c, at(n, "Meta"));
    }
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_namespace_status = {
    .name = "namespace status",
    .usage = "nomad namespace status [options] <namespace>",
    .synopsis = "Display a namespace's status",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <namespace>"},
    .guess = {guess_namespace},
    .run = status_run,
};

static int inspect_run(struct cli_call *c)
{
    const struct json *n;
    int code = find_namespace(c, c->argv[0], &n);

    if (code == CLI_EXIT_OK)
        print_as_asked(c, n, !o.tmpl, o.tmpl, &code);
    return code;
}

const struct cli_command nomad_cmd_namespace_inspect = {
    .name = "namespace inspect",
    .usage = "nomad namespace inspect [options] <namespace>",
    .synopsis = "Inspect a namespace",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <namespace>"},
    .guess = {guess_namespace},
    .run = inspect_run,
};

/* ---- changing one -------------------------------------------------------------------------
 */

static const struct flag apply_flags[] = {
    {"description", FLAG_STR, &o.description, &o.has_description, "what it is for"},
    {"quota", FLAG_STR, &o.quota, &o.has_quota, "its quota"},
    {"json", FLAG_BOOL, &o.json, NULL, "the file is JSON"},
};

static const struct spec_name capability_names[] = {
    {"enabled_task_drivers", "EnabledTaskDrivers", NULL},
    {"disabled_task_drivers", "DisabledTaskDrivers", NULL},
    {"enabled_network_modes", "EnabledNetworkModes", NULL},
    {"disabled_network_modes", "DisabledNetworkModes", NULL},
    {NULL, NULL, NULL},
};
static const struct spec_name pool_names[] = {
    {"default", "Default", NULL},
    {"allowed", "Allowed", NULL},
    {"denied", "Denied", NULL},
    {NULL, NULL, NULL},
};
static const struct spec_name namespace_names[] = {
    {"name", "Name", NULL},
    {"description", "Description", NULL},
    {"quota", "Quota", NULL},
    {"meta", "Meta", NULL},
    {"capabilities", "Capabilities", capability_names},
    {"node_pool_config", "NodePoolConfiguration", pool_names},
    {"vault", "VaultConfiguration", pool_names},
    {"consul", "ConsulConfiguration", pool_names},
    {NULL, NULL, NULL},
};

/* A file, or the name itself: what is there stays but for the flags. */
static int read_namespace(struct cli_call *c, const char *input, struct json **ret)
{
    struct nomad_reply r;

    if (strcmp(input, "-") == 0 || access(input, F_OK) == 0)
        return spec_file_read(c, input, o.json, NULL, namespace_names, ret);
    if (nomad_get(c, pathf(c, "namespace/%s", path_part(c, input)), &r) == 0) {
        *ret = json_copy(c->arena, r.json);
        return CLI_EXIT_OK;
    }
    if (r.status != 404)
        return cli_fail(NOMAD_EXIT_FAILED, "Error looking up namespace: %s", r.error);
    *ret = json_new_object(c->arena);
    json_set(c->arena, *ret, STR("Name"), json_of_str(str_of(input)));
    return CLI_EXIT_OK;
}

static int apply_run(struct cli_call *c)
{
    struct nomad_reply r;
    struct json *n;
    int code = read_namespace(c, c->argv[0], &n);

    if (code != CLI_EXIT_OK)
        return code;
    if (o.has_description)
        json_set(c->arena, n, STR("Description"), json_of_str(str_of(o.description)));
    if (o.has_quota)
        json_set(c->arena, n, STR("Quota"), json_of_str(str_of(o.quota)));
    if (nomad_send(c, "PUT", "namespace", n, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error applying namespace: %s", r.error);
    printf("Successfully applied namespace \"%s\"!\n", text_at(c, n, "Name"));
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_namespace_apply = {
    .name = "namespace apply",
    .usage = "nomad namespace apply [options] <input>",
    .synopsis = "Create or update a namespace",
    .about = "Creates or changes a namespace. The argument is its name, or a file that "
             "describes it; \"-\" reads that from standard input.",
    .flags = CLI_FLAGS(apply_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <input>"},
    .guess = {guess_job_file},
    .run = apply_run,
};

static int delete_run(struct cli_call *c)
{
    struct nomad_reply r;

    if (nomad_send(c, "DELETE", pathf(c, "namespace/%s", path_part(c, c->argv[0])), NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error deleting namespace: %s", r.error);
    printf("Successfully deleted namespace \"%s\"!\n", c->argv[0]);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_namespace_delete = {
    .name = "namespace delete",
    .usage = "nomad namespace delete [options] <namespace>",
    .synopsis = "Delete a namespace",
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <namespace>"},
    .guess = {guess_namespace},
    .run = delete_run,
};
