/* nomad job explain: why allocations of a job have no place. */
#include <string.h>

#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool verbose, json;
    const char *tmpl;
} o;

static const struct flag explain_flags[] = {
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "every name that has no place"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static const char *number(struct cli_call *c, const struct json *v, const char *name)
{
    return arena_printf(c->arena, "%lld", (long long)number_at(v, name));
}

enum { NAMES_SHOWN = 5 };

static void print_names(struct cli_call *c, const struct json *group)
{
    const struct json *names = at(group, "UnplacedNames");
    size_t n = count_of(names), shown = o.verbose || n <= NAMES_SHOWN ? n : NAMES_SHOWN;
    int64_t all = number_at(group, "Unplaced");

    printf("Without a place: ");
    for (size_t i = 0; i < shown; i++)
        printf("%s%s", i ? ", " : "", text_at(c, &names->items[i], ""));
    if (all > (int64_t)shown)
        printf(" and %lld more", (long long)all - (long long)shown);
    printf("\n\n");
}

static void print_reasons(struct cli_call *c, const struct json *reasons)
{
    struct table t = TABLE_NOMAD(c->arena);

    table_add(&t, "Node Class", "Nodes", "Kind", "Reason", "What Would Have To Change", NULL);
    for (size_t i = 0; i < count_of(reasons); i++) {
        const struct json *r = &reasons->items[i];

        table_add(&t, text_at(c, r, "NodeClass"), number(c, r, "Nodes"), text_at(c, r, "Kind"),
                  text_at(c, r, "Reason"), text_at(c, r, "Change"), NULL);
    }
    table_print(&t, stdout);
}

static void print_group(struct cli_call *c, const struct json *g)
{
    int64_t count = number_at(g, "Count"), live = number_at(g, "Live"),
            unplaced = number_at(g, "Unplaced"), soon = number_at(g, "WouldPlace");

    printf("\nTask Group \"%s\": %lld of %lld live", text_at(c, g, "Name"), (long long)live,
           (long long)count);
    if (soon)
        printf(", %lld about to be placed", (long long)soon);
    printf("\n");
    if (unplaced == 0) {
        if (live + soon < count)
            printf("None waits for a place: the others are done, or wait for their time or "
                   "the deployment\n");
        return;
    }
    print_names(c, g);
    if (count_of(at(g, "Reasons")))
        print_reasons(c, at(g, "Reasons"));
    else
        printf("There are no nodes.\n");
}

static void print_explanation(struct cli_call *c, const struct json *v)
{
    const struct json *groups = at(v, "Groups");
    const char *id = text_at(c, v, "JobID");
    int64_t unplaced = 0;

    for (size_t i = 0; i < count_of(groups); i++)
        unplaced += number_at(&groups->items[i], "Unplaced");
    if (bool_at(v, "Stopped"))
        printf("Job \"%s\" is stopped: nothing is to be placed\n", id);
    else if (bool_at(v, "FullyPlaced"))
        printf("Job \"%s\" is fully placed\n", id);
    else if (unplaced == 0)
        printf("Job \"%s\" is being placed\n", id);
    else
        printf("Job \"%s\" has %lld allocation%s without a place\n", id, (long long)unplaced,
               unplaced == 1 ? "" : "s");
    for (size_t i = 0; !bool_at(v, "Stopped") && i < count_of(groups); i++)
        print_group(c, &groups->items[i]);
}

static int explain_run(struct cli_call *c)
{
    const char *id, *ns;
    struct nomad_reply r;
    int code = find_job(c, c->argv[0], &id, &ns);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_get(
            c, pathf(c, "job/%s/explain?namespace=%s", path_part(c, id), path_part(c, ns)), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error explaining job: %s", r.error);
    if (!print_as_asked(c, r.json, o.json, o.tmpl, &code))
        print_explanation(c, r.json);
    return code;
}

const struct cli_command nomad_cmd_job_explain = {
    .name = "job explain",
    .usage = "nomad job explain [options] <job>",
    .synopsis = "Tell why allocations of a job have no place",
    .about = "For each class of nodes: what filters or exhausts it, how many nodes that are, "
             "and what would have to change on the nearest of them.",
    .flags = CLI_FLAGS(explain_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <job>"},
    .guess = {guess_job},
    .run = explain_run,
};
