/* Prefixes of identifiers: to the one object that is meant, or a word about why not. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "cli/nomad/nomad_priv.h"

const char *even_prefix(struct cli_call *c, const char *prefix)
{
    size_t hex = 0, len = strlen(prefix);

    for (size_t i = 0; i < len; i++)
        hex += prefix[i] != '-';
    return hex % 2 ? arena_strndup(c->arena, prefix, len - 1) : prefix;
}

struct kind {
    const char *list, *one; /* "allocations", "allocation" */
    const char *none, *too_short, *many, *failed;
};

static int fetch_one(struct cli_call *c, const struct kind *k, const char *id,
                     const struct json **ret)
{
    struct nomad_reply r;

    if (nomad_get(c, pathf(c, "%s/%s", k->one, path_part(c, id)), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "%s: %s", k->failed, r.error);
    *ret = r.json;
    return CLI_EXIT_OK;
}

static void print_many(struct cli_call *c, const struct kind *k, const struct json *list)
{
    struct table t = TABLE_NOMAD(c->arena);

    table_add(&t, "ID", "Name", "Status", NULL);
    for (uint32_t i = 0; i < list->len; i++) {
        const struct json *x = &list->items[i];
        const char *status = text_at(c, x, "ClientStatus");

        table_add(&t, short_id(c, text_at(c, x, "ID"), false),
                  *text_at(c, x, "Name") ? text_at(c, x, "Name") : text_at(c, x, "JobID"),
                  *status ? status : text_at(c, x, "Status"), NULL);
    }
    printf("Prefix matched multiple %s\n\n", k->many);
    table_print(&t, stdout);
}

static int find(struct cli_call *c, const struct kind *k, const char *prefix,
                const struct json **ret)
{
    struct nomad_reply r;

    if (strlen(prefix) < 2)
        return cli_fail(NOMAD_EXIT_FAILED, "%s", k->too_short);
    if (nomad_get(c, pathf(c, "%s?prefix=%s", k->list, path_part(c, even_prefix(c, prefix))),
                  &r))
        return cli_fail(NOMAD_EXIT_FAILED, "%s: %s", k->failed, r.error);
    if (count_of(r.json) == 0)
        return cli_fail(NOMAD_EXIT_FAILED, "%s \"%s\" found", k->none, prefix);
    if (count_of(r.json) > 1) {
        print_many(c, k, r.json);
        return NOMAD_EXIT_FAILED;
    }
    return fetch_one(c, k, text_at(c, &r.json->items[0], "ID"), ret);
}

int find_alloc(struct cli_call *c, const char *prefix, const char *what_failed,
               const struct json **ret)
{
    const struct kind k = {"allocations",
                           "allocation",
                           "No allocation(s) with prefix or id",
                           "Identifier must contain at least two characters.",
                           "allocations",
                           what_failed};

    return find(c, &k, prefix, ret);
}

static const struct kind shown_node = {"nodes",
                                       "node",
                                       "No node(s) with prefix",
                                       "Identifier must contain at least two characters.",
                                       "nodes",
                                       "Error querying node info"};
static const struct kind changed_node = {"nodes",
                                         "node",
                                         "No node(s) with prefix or id",
                                         "Identifier must contain at least two characters.",
                                         "nodes",
                                         "Error querying node info"};

int find_node(struct cli_call *c, const char *prefix, const struct json **ret)
{
    return find(c, &shown_node, prefix, ret);
}

int own_node(struct cli_call *c, const char **ret)
{
    struct nomad_reply r;

    if (nomad_get(c, "agent/self", &r))
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error querying agent info: failed querying self endpoint: %s",
                        r.error);
    *ret = text_at(c, r.json, "stats.client.node_id");
    if (!**ret)
        return cli_fail(NOMAD_EXIT_FAILED, "The agent at %s is not a client: it has no node",
                        nomad_address());
    return CLI_EXIT_OK;
}

int find_node_or_own(struct cli_call *c, bool own, const struct json **ret)
{
    const char *id = c->argc ? c->argv[0] : "";
    int code = own ? own_node(c, &id) : CLI_EXIT_OK;

    return code == CLI_EXIT_OK ? find(c, &changed_node, id, ret) : code;
}

int find_eval(struct cli_call *c, const char *prefix, const struct json **ret)
{
    static const struct kind k = {"evaluations",
                                  "evaluation",
                                  "No evaluation(s) with prefix or id",
                                  "Identifier must contain at least two characters.",
                                  "evaluations",
                                  "Error querying evaluation"};

    return find(c, &k, prefix, ret);
}

static void print_jobs(struct cli_call *c, const struct json *list)
{
    struct table t = TABLE_NOMAD(c->arena);

    table_add(&t, "ID", "Type", "Priority", "Status", "Submit Date", NULL);
    for (uint32_t i = 0; i < list->len; i++) {
        const struct json *j = &list->items[i];

        table_add(&t, text_at(c, j, "ID"), text_at(c, j, "Type"), text_at(c, j, "Priority"),
                  text_at(c, j, "Status"), time_text(c, number_at(j, "SubmitTime")), NULL);
    }
    table_print(&t, stderr);
}

/* A list of those `j` that fit; the list itself without a wish. */
static const struct json *only(struct cli_call *c, const struct json *list,
                               bool (*wanted)(const struct json *job))
{
    struct json *some = json_new_array(c->arena);

    if (!wanted)
        return list;
    for (size_t i = 0; i < count_of(list); i++)
        if (wanted(&list->items[i]))
            json_push(c->arena, some, list->items[i]);
    return some;
}

int find_job_of(struct cli_call *c, const char *kind, bool (*wanted)(const struct json *job),
                const char *prefix, const char **ret_id, const char **ret_ns)
{
    struct nomad_reply r;
    const struct json *list, *found;

    if (nomad_get(c, pathf(c, "jobs?prefix=%s", path_part(c, prefix)), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying job prefix \"%s\": %s", prefix,
                        r.error);
    list = only(c, r.json, wanted);
    if (count_of(list) == 0)
        return cli_fail(NOMAD_EXIT_FAILED, "No %sjob(s) with prefix or ID \"%s\" found", kind,
                        prefix);
    found = &list->items[0];
    for (uint32_t i = 0; i < list->len; i++)
        if (strcmp(text_at(c, &list->items[i], "ID"), prefix) == 0)
            found = &list->items[i];
    if (list->len > 1 && strcmp(text_at(c, found, "ID"), prefix) != 0) {
        fprintf(stderr, "Prefix \"%s\" matched multiple %sjobs\n\n", prefix, kind);
        print_jobs(c, list);
        return NOMAD_EXIT_FAILED;
    }
    *ret_id = text_at(c, found, "ID");
    *ret_ns = text_at(c, found, "Namespace");
    return CLI_EXIT_OK;
}

int find_job(struct cli_call *c, const char *prefix, const char **ret_id, const char **ret_ns)
{
    return find_job_of(c, "", NULL, prefix, ret_id, ret_ns);
}

int find_deployment(struct cli_call *c, const char *prefix, const struct json **ret)
{
    struct nomad_reply r;

    if (strlen(prefix) < 2)
        return cli_fail(
            NOMAD_EXIT_FAILED,
            "Error retrieving deployment: Identifier must contain at least two characters.");
    if (nomad_get(c, pathf(c, "deployments?prefix=%s", path_part(c, even_prefix(c, prefix))),
                  &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error retrieving deployment: %s", r.error);
    if (count_of(r.json) == 0)
        return cli_fail(
            NOMAD_EXIT_FAILED,
            "Error retrieving deployment: Deployment ID \"%s\" matched no deployments", prefix);
    if (r.json->len > 1) {
        printf("Prefix matched multiple deployments\n\n");
        print_deployments(c, r.json, false);
        return NOMAD_EXIT_FAILED;
    }
    *ret = &r.json->items[0];
    return CLI_EXIT_OK;
}
