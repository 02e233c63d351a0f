/* nomad var list, get, put, purge, init. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cli/common/term.h"
#include "cli/nomad/template.h"
#include "cli/nomad/var.h"

static struct {
    const char *out, *in, *tmpl, *item, *filter, *page_token;
    int64_t check_index, per_page;
    bool has_check_index, force, quiet, verbose;
} o = {.out = "", .in = ""};

/* ---- list ----------------------------------------------------------------------------------
 */

static const struct flag list_flags[] = {
    {"out", FLAG_STR, &o.out, NULL, "go-template, json, table or terse"},
    {"template", FLAG_STR, &o.tmpl, NULL, "the Go template of -out go-template"},
    {"filter", FLAG_STR, &o.filter, NULL, "only those this expression is true of"},
    {"page-token", FLAG_STR, &o.page_token, NULL, "where the page begins"},
    {"per-page", FLAG_INT, &o.per_page, NULL, "how many on a page"},
};

static const char *list_path(struct cli_call *c)
{
    const char *path = "vars";
    char glue = '?';
    const struct {
        const char *name, *value;
    } rows[] = {{"prefix", c->argc ? c->argv[0] : NULL},
                {"filter", o.filter},
                {"next_token", o.page_token},
                {"per_page", o.per_page > 0 ? pathf(c, "%lld", (long long)o.per_page) : NULL}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].value && *rows[i].value) {
            path = pathf(c, "%s%c%s=%s", path, glue, rows[i].name, path_part(c, rows[i].value));
            glue = '&';
        }
    return path;
}

static void list_table(struct cli_call *c, const struct json *list)
{
    struct table t = TABLE_NOMAD(c->arena);

    if (count_of(list) == 0) {
        printf("No variables found\n");
        return;
    }
    table_add(&t, "Namespace", "Path", "Last Updated", NULL);
    for (size_t i = 0; i < count_of(list); i++)
        table_add(&t, text_at(c, &list->items[i], "Namespace"),
                  text_at(c, &list->items[i], "Path"),
                  time_text(c, number_at(&list->items[i], "ModifyTime")), NULL);
    table_print(&t, stdout);
}

static int list_run(struct cli_call *c)
{
    struct nomad_reply r;
    int code = var_check_out(c, o.out, o.tmpl, "json table terse");
    const char *out = *o.out ? o.out : term_is_tty(STDOUT_FILENO) ? "table" : "json";

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_get(c, list_path(c), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving vars: %s", r.error);
    if (print_as_asked(c, r.json, strcmp(out, "json") == 0, o.tmpl, &code))
        return code;
    if (strcmp(out, "table") == 0) {
        list_table(c, r.json);
        return CLI_EXIT_OK;
    }
    for (size_t i = 0; i < count_of(r.json); i++)
        printf("%s\n", text_at(c, &r.json->items[i], "Path"));
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_var_list = {
    .name = "var list",
    .usage = "nomad var list [options] <prefix>",
    .synopsis = "List variable metadata",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {0, 1, "flags and either no arguments or one: <prefix>"},
    .run = list_run,
};

/* ---- get -----------------------------------------------------------------------------------
 */

static const struct flag get_flags[] = {
    {"item", FLAG_STR, &o.item, NULL, "this item's value and nothing else"},
    {"out", FLAG_STR, &o.out, NULL, "go-template, hcl, json, none or table"},
    {"template", FLAG_STR, &o.tmpl, NULL, "the Go template of -out go-template"},
};

static int get_run(struct cli_call *c)
{
    struct nomad_reply r;
    const struct json *item;
    int code = o.item ? CLI_EXIT_OK : var_check_out(c, o.out, o.tmpl, "hcl json none table");

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_get(c, var_path(c, c->argv[0]), &r))
        return r.status == 404
                   ? cli_fail(NOMAD_EXIT_FAILED, "Variable not found")
                   : cli_fail(NOMAD_EXIT_FAILED, "Error retrieving variable: %s", r.error);
    if (!o.item)
        return var_print(c, r.json, o.out, o.tmpl);
    item = json_get(at(r.json, "Items"), o.item);
    if (!item)
        return cli_fail(NOMAD_EXIT_FAILED, "Variable does not contain item \"%s\"", o.item);
    printf("%.*s", STR_ARG(item->text));
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_var_get = {
    .name = "var get",
    .usage = "nomad var get [options] <path>",
    .synopsis = "Read a variable",
    .flags = CLI_FLAGS(get_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <path>"},
    .run = get_run,
};

/* ---- put -----------------------------------------------------------------------------------
 */

static const struct flag put_flags[] = {
    {"check-index", FLAG_INT, &o.check_index, &o.has_check_index,
     "only if the variable stands at this index; 0: only if it is not there"},
    {"force", FLAG_BOOL, &o.force, NULL, "whatever is there"},
    {"in", FLAG_STR, &o.in, NULL, "hcl or json: what the specification is"},
    {"out", FLAG_STR, &o.out, NULL, "go-template, hcl, json, none or table"},
    {"template", FLAG_STR, &o.tmpl, NULL, "the Go template of -out go-template"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "say what is done, on stderr"},
};

/* "path k=v...", "path @spec k=v...", "@spec k=v...", "-". */
static int read_put(struct cli_call *c, struct json **ret, const char **ret_path)
{
    struct json *spec = json_new_object(c->arena), *items;
    int i = 0, code = CLI_EXIT_OK;

    *ret_path = NULL;
    if (*c->argv[0] != '@' && strcmp(c->argv[0], "-") != 0)
        *ret_path = c->argv[i++];
    if (i < c->argc && (*c->argv[i] == '@' || strcmp(c->argv[i], "-") == 0)) {
        const char *file = *c->argv[i] == '@' ? c->argv[i] + 1 : c->argv[i];

        i++;
        code = var_read_spec(c, file, o.in, &spec);
        if (code != CLI_EXIT_OK)
            return code;
    }
    items = json_is(json_get(spec, "Items"), JSON_OBJECT)
                ? json_copy(c->arena, json_get(spec, "Items"))
                : json_new_object(c->arena);
    for (; code == CLI_EXIT_OK && i < c->argc; i++)
        code = var_add_item(c, items, c->argv[i]);
    json_set(c->arena, spec, STR("Items"), *items);
    if (!*ret_path)
        *ret_path = text_at(c, spec, "Path");
    *ret = spec;
    return code;
}

static int put_run(struct cli_call *c)
{
    const char *path, *query;
    struct nomad_reply r;
    struct json *spec;
    uint64_t index;
    int code;

    if (c->argc < 1)
        return usage_error(c, NOMAD_EXIT_FAILED, "Not enough arguments (expected >1, got 0)");
    code = var_check_out(c, o.out, o.tmpl, "hcl json none table");
    if (code == CLI_EXIT_OK && *o.in && strcmp(o.in, "hcl") != 0 && strcmp(o.in, "json") != 0)
        code = usage_error(c, NOMAD_EXIT_FAILED,
                           "Invalid value for \"-in\"; valid values are [hcl, json]");
    if (code == CLI_EXIT_OK)
        code = read_put(c, &spec, &path);
    if (code != CLI_EXIT_OK)
        return code;
    if (!*path)
        return usage_error(c, NOMAD_EXIT_FAILED, "Must specify a path for the variable");
    index = (uint64_t)(o.has_check_index ? o.check_index : number_at(spec, "ModifyIndex"));
    query = o.force ? "" : pathf(c, "?cas=%llu", (unsigned long long)index);
    if (nomad_send(c, "PUT", pathf(c, "%s%s", var_path(c, path), query), spec, &r))
        return r.status == 409
                   ? var_conflict(c, &r, index)
                   : cli_fail(NOMAD_EXIT_FAILED, "Error creating variable: %s", r.error);
    if (strcmp(o.out, "none") == 0 || o.verbose)
        fprintf(strcmp(o.out, "none") == 0 ? stdout : stderr,
                "Created variable \"%s\" with modify index %s\n", text_at(c, r.json, "Path"),
                text_at(c, r.json, "ModifyIndex"));
    return var_print(c, r.json, o.out, o.tmpl);
}

const struct cli_command nomad_cmd_var_put = {
    .name = "var put",
    .usage = "nomad var put [options] <path> [<key>=<value>]...\n"
             "       nomad var put [options] [<path>] @<specification> [<key>=<value>]...",
    .synopsis = "Create or update a variable",
    .about = "Creates a variable, or changes the one there is at -check-index or with -force. "
             "A value of @file is that file's, one of - what standard input gives.",
    .flags = CLI_FLAGS(put_flags),
    .sets = SET_CLIENT,
    .run = put_run,
};

/* ---- purge ---------------------------------------------------------------------------------
 */

static const struct flag purge_flags[] = {
    {"check-index", FLAG_INT, &o.check_index, &o.has_check_index,
     "only if the variable stands at this index"},
};

static int purge_run(struct cli_call *c)
{
    const char *path = c->argv[0], *query = "";
    struct nomad_reply r;

    if (o.has_check_index)
        query = pathf(c, "?cas=%llu", (unsigned long long)o.check_index);
    if (nomad_send(c, "DELETE", pathf(c, "%s%s", var_path(c, path), query), NULL, &r))
        return r.status == 409
                   ? var_conflict(c, &r, (uint64_t)o.check_index)
                   : cli_fail(NOMAD_EXIT_FAILED, "Error purging variable: %s", r.error);
    printf("Successfully purged variable \"%s\"!\n", path);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_var_purge = {
    .name = "var purge",
    .usage = "nomad var purge [options] <path>",
    .synopsis = "Purge a variable",
    .flags = CLI_FLAGS(purge_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <path>"},
    .run = purge_run,
};

/* ---- init ----------------------------------------------------------------------------------
 */

static const struct flag init_flags[] = {
    {"out", FLAG_STR, &o.out, NULL, "hcl or json"},
    {"quiet", FLAG_BOOL, &o.quiet, NULL, "say nothing"},
};

static const char example_hcl[] =
    "# A variable specification, for `nomad var put @spec.nv.hcl`.\n"
    "\n"
    "# Where it is stored, if the command line does not say so.\n"
    "path = \"path/to/variable\"\n"
    "\n"
    "# namespace = \"default\"\n"
    "\n"
    "# Its items: keys and values are strings, 64 KiB together.\n"
    "items {\n"
    "  key1 = \"value 1\"\n"
    "  key2 = \"value 2\"\n"
    "}\n";
static const char example_json[] = "{\n"
                                   "  \"Path\": \"path/to/variable\",\n"
                                   "  \"Items\": {\n"
                                   "    \"key1\": \"value 1\",\n"
                                   "    \"key2\": \"value 2\"\n"
                                   "  }\n"
                                   "}\n";

static int init_run(struct cli_call *c)
{
    bool json = strcmp(o.out, "json") == 0;
    const char *path = c->argc ? c->argv[0] : json ? "spec.nv.json" : "spec.nv.hcl";
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0660);

    if (fd < 0 && errno == EEXIST)
        return cli_fail(NOMAD_EXIT_FAILED, "File \"%s\" already exists", path);
    if (fd < 0 || fd_write_all(fd, str_of(json ? example_json : example_hcl), NULL) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Failed to write \"%s\": %s", path, strerror(errno));
    if (!o.quiet)
        printf("Example variable specification written to %s\n", path);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_var_init = {
    .name = "var init",
    .usage = "nomad var init [options] <filename>",
    .synopsis = "Create an example variable specification file",
    .flags = CLI_FLAGS(init_flags),
    .args = {0, 1, "either no arguments or one: <filename>"},
    .run = init_run,
};
