/* nomad status: of anything, by the beginning of its name or ID. */
#include <string.h>

#include "base/str.h"
#include "cli/nomad/nomad_priv.h"

enum { KIND_MATCHES_MAX = 20 };

static const struct kind {
    const char *title, *list, *member;
    const struct cli_command *command;
    bool ids; /* whole bytes of hex digits */
} kinds[] = {
    {"Allocations", "allocations", "ID", &nomad_cmd_alloc_status, true},
    {"Deployments", "deployments", "ID", &nomad_cmd_deployment_status, true},
    {"Evaluations", "evaluations", "ID", &nomad_cmd_eval_status, true},
    {"Jobs", "jobs", "ID", &nomad_cmd_job_status, false},
    {"Namespaces", "namespaces", "Name", &nomad_cmd_namespace_status, false},
    {"Node Pools", "node/pools", "Name", &nomad_cmd_node_pool_info, false},
    {"Nodes", "nodes", "ID", &nomad_cmd_node_status, true},
};

struct matches {
    struct strlist names[ARRAY_LEN(kinds)];
    const struct kind *exact, *last; /* a whole name; where the last one was found */
    size_t total;
};

static void gather(struct cli_call *c, const char *given, const struct kind *k,
                   struct matches *m)
{
    const char *prefix = k->ids ? even_prefix(c, given) : given;
    struct strlist *names = &m->names[k - kinds];
    struct nomad_reply r;

    if (nomad_get(c, pathf(c, "%s?prefix=%s", k->list, path_part(c, prefix)), &r))
        return; /* no right to this kind, or the server does not know it */
    for (size_t i = 0; i < count_of(r.json) && names->len < KIND_MATCHES_MAX; i++) {
        const char *name = text_at(c, &r.json->items[i], k->member);

        if (!str_starts(str_of(name), str_of(given)))
            continue;
        list_push(c->arena, names, name);
        m->total++;
        m->last = k;
        if (strcmp(name, given) == 0 && (!m->exact || k->command == &nomad_cmd_job_status))
            m->exact = k;
    }
}

static int print_many(const char *given, const struct matches *m)
{
    fprintf(stderr, "Multiple matches found for id \"%s\"\n", given);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        const struct strlist *names = &m->names[k];

        if (names->len == 0)
            continue;
        fprintf(stderr, "\n%s:\n", kinds[k].title);
        for (size_t i = 0; i < names->len; i++)
            fprintf(stderr, "%s%s", i ? ", " : "", names->at[i]);
        fputc('\n', stderr);
    }
    return NOMAD_EXIT_FAILED;
}

int status_of_any(struct cli_call *c)
{
    const struct cli_command *chosen = &nomad_cmd_job_status;
    struct matches m = {0};

    if (c->argc == 1) {
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
            gather(c, c->argv[0], &kinds[k], &m);
        if (!m.exact && m.total > 1)
            return print_many(c->argv[0], &m);
        if (m.exact || m.last)
            chosen = (m.exact ? m.exact : m.last)->command;
    }
    c->command = chosen;
    return chosen->run(c); /* without a match, too: it says that there is no such job */
}
