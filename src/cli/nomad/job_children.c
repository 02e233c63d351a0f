/* The parts of nomad job status about periodic and parameterized jobs: their instances. */
#include "cli/nomad/job_children.h"

#include <string.h>

#include "base/str.h"

static const char *comma_list(struct cli_call *c, const struct json *list)
{
    const char *text = "";

    for (size_t i = 0; i < count_of(list); i++)
        text = pathf(c, "%s%s%.*s", text, i ? ", " : "", STR_ARG(list->items[i].text));
    return text;
}

static void print_summary(struct cli_call *c, const char *title, const struct json *children)
{
    struct table t = TABLE_NOMAD(c->arena);

    table_add(&t, "Pending", "Running", "Dead", NULL);
    table_add(&t, pathf(c, "%lld", (long long)number_at(children, "Pending")),
              pathf(c, "%lld", (long long)number_at(children, "Running")),
              pathf(c, "%lld", (long long)number_at(children, "Dead")), NULL);
    printf("\n%s\n", title);
    table_print(&t, stdout);
}

static int print_instances(struct cli_call *c, const struct json *job, const char *title,
                           const char *none)
{
    const char *id = text_at(c, job, "ID"), *ns = text_at(c, job, "Namespace");
    struct table t = TABLE_NOMAD(c->arena);
    struct nomad_reply r;
    size_t n = 0;

    if (nomad_get(c,
                  pathf(c, "jobs?prefix=%s&namespace=%s", path_part(c, pathf(c, "%s/", id)),
                        path_part(c, ns)),
                  &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying child jobs: %s", r.error);
    table_add(&t, "ID", "Status", NULL);
    for (size_t i = 0; i < count_of(r.json); i++) {
        const struct json *child = &r.json->items[i];

        if (strcmp(text_at(c, child, "ParentID"), id) != 0)
            continue;
        table_add(&t, text_at(c, child, "ID"), text_at(c, child, "Status"), NULL);
        n++;
    }
    printf("\n%s\n", n ? title : none);
    if (n)
        table_print(&t, stdout);
    return CLI_EXIT_OK;
}

int print_parameterized(struct cli_call *c, const struct json *job, const struct json *children)
{
    const struct json *p = at(job, "ParameterizedJob");
    const struct kv_line lines[] = {
        {"Payload", text_at(c, p, "Payload")},
        {"Required Metadata", comma_list(c, at(p, "MetaRequired"))},
        {"Optional Metadata", comma_list(c, at(p, "MetaOptional"))},
    };

    printf("\nParameterized Job\n");
    print_kv(c, lines, ARRAY_LEN(lines));
    print_summary(c, "Parameterized Job Summary", children);
    return print_instances(c, job, "Dispatched Jobs",
                           "No dispatched instances of parameterized job found");
}

int print_periodic(struct cli_call *c, const struct json *job, const struct json *children)
{
    print_summary(c, "Children Job Summary", children);
    return print_instances(c, job, "Previously Launched Jobs",
                           "No instances of periodic job found");
}
