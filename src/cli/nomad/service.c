/* nomad service list, info, delete. */
#include <string.h>

#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool json, verbose;
    const char *tmpl, *filter;
} o;

static const struct flag service_flags[] = {
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"filter", FLAG_STR, &o.filter, NULL, "only those this expression is true of"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static const char *tags_text(struct cli_call *c, const struct json *tags)
{
    const char *text = "";

    for (size_t i = 0; i < count_of(tags); i++)
        text = pathf(c, "%s%s%.*s", text, i ? "," : "", STR_ARG(tags->items[i].text));
    return pathf(c, "[%s]", text);
}

static int list_run(struct cli_call *c)
{
    bool all = nomad_options.namespace && strcmp(nomad_options.namespace, "*") == 0;
    struct table t = TABLE_NOMAD(c->arena);
    struct nomad_reply r;
    int code;

    if (nomad_get(c, "services", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error listing service registrations: %s", r.error);
    if (count_of(r.json) == 0) {
        printf("No service registrations found\n");
        return CLI_EXIT_OK;
    }
    if (print_as_asked(c, r.json, o.json, o.tmpl, &code))
        return code;
    if (all)
        table_add(&t, "Service Name", "Namespace", "Tags", NULL);
    else
        table_add(&t, "Service Name", "Tags", NULL);
    for (uint32_t i = 0; i < r.json->len; i++) {
        const struct json *ns = &r.json->items[i], *services = at(ns, "Services");

        for (size_t k = 0; k < count_of(services); k++) {
            const char *name = text_at(c, &services->items[k], "ServiceName"),
                       *tags = tags_text(c, at(&services->items[k], "Tags"));

            if (all)
                table_add(&t, name, text_at(c, ns, "Namespace"), tags, NULL);
            else
                table_add(&t, name, tags, NULL);
        }
    }
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_service_list = {
    .name = "service list",
    .synopsis = "Display all registered Nomad services",
    .flags = CLI_FLAGS(service_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = list_run,
};

static void print_instances(struct cli_call *c, const struct json *list)
{
    struct table t = TABLE_NOMAD(c->arena);

    table_add(&t, "Job ID", "Address", "Tags", "Node ID", "Alloc ID", NULL);
    for (uint32_t i = 0; i < list->len; i++) {
        const struct json *s = &list->items[i];
        const char *address = text_at(c, s, "Address"), *port = text_at(c, s, "Port");

        table_add(&t, text_at(c, s, "JobID"),
                  strcmp(port, "0") == 0 ? address : pathf(c, "%s:%s", address, port),
                  tags_text(c, at(s, "Tags")), short_id(c, text_at(c, s, "NodeID"), o.verbose),
                  short_id(c, text_at(c, s, "AllocID"), o.verbose), NULL);
    }
    table_print(&t, stdout);
}

static int info_run(struct cli_call *c)
{
    const char *path = pathf(c, "service/%s", path_part(c, c->argv[0]));
    struct nomad_reply r;
    int code;

    if (o.filter)
        path = pathf(c, "%s?filter=%s", path, path_part(c, o.filter));
    if (nomad_get(c, path, &r) && r.status != 404)
        return cli_fail(NOMAD_EXIT_FAILED, "Error listing service registrations: %s", r.error);
    if (r.error || count_of(r.json) == 0)
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error listing service registrations: No service registrations with "
                        "prefix \"%s\" found",
                        c->argv[0]);
    if (!print_as_asked(c, r.json, o.json, o.tmpl, &code))
        print_instances(c, r.json);
    return code;
}

const struct cli_command nomad_cmd_service_info = {
    .name = "service info",
    .usage = "nomad service info [options] <service>",
    .synopsis = "Display an individual Nomad service registration",
    .flags = CLI_FLAGS(service_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <service>"},
    .guess = {guess_service},
    .run = info_run,
};

static int delete_run(struct cli_call *c)
{
    struct nomad_reply r;

    if (nomad_send(
            c, "DELETE",
            pathf(c, "service/%s/%s", path_part(c, c->argv[0]), path_part(c, c->argv[1])), NULL,
            &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error deleting service registration: %s", r.error);
    printf("Successfully deleted service registration\n");
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_service_delete = {
    .name = "service delete",
    .usage = "nomad service delete [options] <service> <id>",
    .synopsis = "Deletes a registered service",
    .sets = SET_CLIENT,
    .args = {2, 2, "two arguments: <service_name> and <service_id>"},
    .guess = {guess_service},
    .run = delete_run,
};
