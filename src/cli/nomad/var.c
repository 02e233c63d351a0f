/* Variables: how one is shown, read from files, and what a conflict says. */
#include "cli/nomad/var.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/common/input.h"
#include "cli/common/term.h"
#include "cli/common/text.h"
#include "cli/nomad/spec_file.h"
#include "cli/nomad/template.h"
#include "lang/units.h"

enum { VAR_TEXT_MAX = 4 << 20, CONFLICT_WIDTH = 78 };

const char *var_path(struct cli_call *c, const char *path)
{
    struct str rest = str_of(path), part;
    const char *full = "var";

    while (str_split(&rest, '/', &part))
        full = pathf(c, "%s/%s", full, path_part(c, arena_cstr(c->arena, part)));
    return full;
}

/* ---- showing -------------------------------------------------------------------------------
 */

int var_check_out(struct cli_call *c, const char *out, const char *tmpl, const char *formats)
{
    struct str rest = str_of(formats), word;

    if (tmpl && strcmp(out, "go-template") != 0)
        return usage_error(c, NOMAD_EXIT_FAILED,
                           "The -template flag is only valid when using \"go-template\" "
                           "formatting");
    if (!tmpl && strcmp(out, "go-template") == 0)
        return usage_error(
            c, NOMAD_EXIT_FAILED,
            "A template must be supplied using '-template' when using go-template "
            "formatting");
    while (str_split(&rest, ' ', &word))
        if (str_eqc(word, out))
            return CLI_EXIT_OK;
    if (!*out || strcmp(out, "go-template") == 0)
        return CLI_EXIT_OK;
    return usage_error(
        c, NOMAD_EXIT_FAILED,
        pathf(c, "Invalid value for \"-out\"; valid values are [go-template, %s]", formats));
}

/* The members in the order that people read, Items sorted. */
static const struct json *in_order(struct cli_call *c, const struct json *v)
{
    static const char *const names[] = {"Namespace",   "Path",       "CreateIndex",
                                        "ModifyIndex", "CreateTime", "ModifyTime",
                                        "Lock",        "Items"};
    struct json *sorted = json_new_object(c->arena);

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct json *m = json_get(v, names[i]);

        if (m)
            json_set(c->arena, sorted, str_of(names[i]), *text_sorted(c->arena, m));
    }
    return sorted;
}

static void print_ordered(struct cli_call *c, const struct json *v)
{
    auto_buf struct buf b = {.max = VAR_TEXT_MAX, .secret = true};

    json_print(&b, in_order(c, v), "  ");
    printf("%.*s\n", STR_ARG(buf_str(&b)));
}

static void print_items(struct cli_call *c, const struct json *items)
{
    const struct json *sorted = count_of(items) ? text_sorted(c->arena, items) : NULL;
    struct table t = {.arena = c->arena, .glue = " = ", .empty = "<none>"};

    for (size_t i = 0; i < count_of(sorted); i++)
        table_add(&t, arena_cstr(c->arena, sorted->members[i].key),
                  text_at(c, &sorted->members[i].value, ""), NULL);
    table_print(&t, stdout);
}

static void print_table(struct cli_call *c, const struct json *v)
{
    int64_t created = number_at(v, "CreateTime"), modified = number_at(v, "ModifyTime");
    const struct kv_line lines[] = {
        {"Namespace", text_at(c, v, "Namespace")},
        {"Path", text_at(c, v, "Path")},
        {"Create Time", time_text(c, created)},
        {modified != created ? "Modify Time" : NULL, time_text(c, modified)},
        {"Check Index", text_at(c, v, "ModifyIndex")},
        {at(v, "Lock") ? "Lock ID" : NULL, text_at(c, v, "Lock.ID")},
    };

    print_kv(c, lines, ARRAY_LEN(lines));
    printf("\nItems\n");
    print_items(c, at(v, "Items"));
}

static void print_hcl(struct cli_call *c, const struct json *v)
{
    const struct json *items = at(v, "Items");
    const struct json *sorted = count_of(items) ? text_sorted(c->arena, items) : NULL;
    struct table t = {.arena = c->arena, .glue = " = ", .empty = "\"\""};

    printf("namespace = \"%s\"\npath      = \"%s\"\n\n", text_at(c, v, "Namespace"),
           text_at(c, v, "Path"));
    printf("create_index = %-19s # Set by server\n", text_at(c, v, "CreateIndex"));
    printf("create_time  = %-19s # Set by server\n", text_at(c, v, "CreateTime"));
    printf("modify_index = %-19s # Set by server; consulted for check-and-set\n",
           text_at(c, v, "ModifyIndex"));
    printf("modify_time  = %-19s # Set by server\n\nitems = {\n", text_at(c, v, "ModifyTime"));
    for (size_t i = 0; i < count_of(sorted); i++) {
        auto_buf struct buf text = {.max = VAR_TEXT_MAX, .secret = true};

        json_print(&text, &sorted->members[i].value, NULL);
        table_add(&t, pathf(c, "  %.*s", STR_ARG(sorted->members[i].key)),
                  arena_cstr(c->arena, buf_str(&text)), NULL);
    }
    for (size_t i = 0; i < t.rows.len; i++)
        printf("%s = %s\n", t.rows.at[i].cells[0], t.rows.at[i].cells[1]);
    printf("}\n");
}

static int print_template(struct cli_call *c, const struct json *v, const char *tmpl)
{
    auto_buf struct buf b = {.max = VAR_TEXT_MAX, .secret = true};
    struct err e = ERR_INIT;

    if (template_print(tmpl, v, c->arena, &b, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "%s", e.msg);
    printf("%.*s\n", STR_ARG(buf_str(&b)));
    return CLI_EXIT_OK;
}

int var_print(struct cli_call *c, const struct json *v, const char *out, const char *tmpl)
{
    if (!*out)
        out = term_is_tty(STDOUT_FILENO) ? "table" : "json";
    if (strcmp(out, "go-template") == 0)
        return print_template(c, v, tmpl);
    if (strcmp(out, "json") == 0)
        print_ordered(c, v);
    else if (strcmp(out, "table") == 0)
        print_table(c, v);
    else if (strcmp(out, "hcl") == 0)
        print_hcl(c, v);
    return CLI_EXIT_OK;
}

int var_conflict(struct cli_call *c, const struct nomad_reply *r, uint64_t check_index)
{
    const char *index = text_at(c, r->json, "ModifyIndex");
    int64_t changed = number_at(r->json, "ModifyTime");
    struct str rest, line;
    const char *text;

    if (changed == 0)
        text =
            pathf(c,
                  "Your provided check-index (%llu) does not match the server-side state: the "
                  "item does not exist, or its lock is held by somebody else.",
                  (unsigned long long)check_index);
    else
        text = pathf(c,
                     "Your provided check-index (%llu) does not match the server-side index "
                     "(%s). The server-side item was last updated on %s. If you are sure you "
                     "want to perform this operation, add the -force or -check-index=%s flag "
                     "before the positional arguments.",
                     (unsigned long long)check_index, index, time_text(c, changed), index);
    fprintf(stderr, "\nCheck-and-Set conflict\n\n");
    rest = str_of(text_wrap(c->arena, text, CONFLICT_WIDTH, ""));
    while (str_split(&rest, '\n', &line))
        fprintf(stderr, "    %.*s\n", STR_ARG(line));
    fprintf(stderr, "\n");
    return NOMAD_EXIT_FAILED;
}

/* ---- reading -------------------------------------------------------------------------------
 */

static const struct spec_name lock_names[] = {{"id", "ID", NULL},
                                              {"ttl", "TTL", NULL},
                                              {"lock_delay", "LockDelay", NULL},
                                              {NULL, NULL, NULL}};
static const struct spec_name var_names[] = {{"namespace", "Namespace", NULL},
                                             {"path", "Path", NULL},
                                             {"items", "Items", NULL},
                                             {"lock", "Lock", lock_names},
                                             {"create_index", "CreateIndex", NULL},
                                             {"modify_index", "ModifyIndex", NULL},
                                             {"create_time", "CreateTime", NULL},
                                             {"modify_time", "ModifyTime", NULL},
                                             {NULL, NULL, NULL}};

int var_read_spec(struct cli_call *c, const char *file, const char *format, struct json **ret)
{
    size_t len = strlen(file);
    struct err e = ERR_INIT;
    struct str text;

    if (!*format)
        format = len > 4 && strcmp(file + len - 4, ".hcl") == 0 ? "hcl" : "json";
    if (strcmp(file, "-") != 0 && input_file(c->arena, file, &text, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "error reading \"%s\": %s", file, e.msg);
    return spec_file_read(c, file, strcmp(format, "json") == 0, NULL, var_names, ret);
}

int var_add_item(struct cli_call *c, struct json *items, const char *pair)
{
    const char *eq = strchr(pair, '=');
    struct err e = ERR_INIT;
    struct str value;

    if (!eq || eq == pair)
        return cli_fail(
            NOMAD_EXIT_FAILED,
            "Failed to parse K=V data: invalid key/value pair \"%s\": format must be "
            "key=value",
            pair);
    value = str_of(eq + 1);
    if (eq[1] == '@' && input_file(c->arena, eq + 2, &value, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Failed to parse K=V data: error reading file: %s",
                        e.msg);
    if (strcmp(eq + 1, "-") == 0 && input_stdin(c->arena, &value, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Failed to parse K=V data: %s", e.msg);
    json_set(c->arena, items, str_n(pair, (size_t)(eq - pair)), json_of_str(value));
    return CLI_EXIT_OK;
}
