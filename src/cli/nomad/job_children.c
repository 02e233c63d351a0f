/* The parts of nomad job status about periodic and parameterized jobs: their instances. */
#include "cli/nomad/job_children.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "lang/units.h"
#include "nomad/model/cron.h"

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

static void sooner(struct str spec, const struct zone *z, int64_t now_s, int64_t *next)
{
    struct cron cron;
    int64_t t;

    if (cron_parse(spec, &cron, NULL) < 0)
        return;
    t = cron_next(&cron, z, now_s);
    *next = t < *next ? t : *next;
}

const char *next_launch(struct cli_call *c, const struct json *job)
{
    const struct json *p = at(job, "Periodic"), *specs = at(p, "Specs"),
                      *enabled = at(p, "Enabled");
    int64_t now_s = clock_wall_s(), next = CRON_NEVER;
    auto_zone struct zone *z = NULL;
    char left[DURATION_TEXT_SIZE];

    if (!count_of(p) || bool_at(job, "Stop") ||
        (enabled && enabled->type == JSON_BOOL && !enabled->b) ||
        (count_of(at(job, "ParameterizedJob")) && !bool_at(job, "Dispatched")) ||
        zone_load(text_at(c, p, "TimeZone"), &z, NULL) < 0)
        return "";
    sooner(str_of(text_at(c, p, "Spec")), z, now_s, &next);
    for (size_t i = 0; i < count_of(specs); i++)
        sooner(specs->items[i].text, z, now_s, &next);
    if (next == CRON_NEVER)
        return "";
    duration_format((next - now_s) * 1000000000, left);
    return pathf(c, "%s (%s from now)", time_text(c, next * 1000000000), left);
}
