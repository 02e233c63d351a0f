#include "cluster.h"

static struct answer search(struct cluster *cl, const char *path, const char *body)
{
    return ask(cl, "PUT", path, body);
}

TEST(a_search_finds_ids_by_their_start)
{
    struct cluster cl;
    struct answer a;
    const char *node;

    cluster_start(&cl, NULL);
    node = node_up(&cl, "n");
    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "svc", 1, "null"));
    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "svd", 1, "null"));
    a = search(&cl, "/v1/search", "{\"Prefix\":\"sv\",\"Context\":\"jobs\"}");
    T_INT_EQ(a.status, 200);
    T_AT(&cl, &a, "Matches.jobs.0", "svc");
    T_AT(&cl, &a, "Matches.jobs.1", "svd");
    T_AT(&cl, &a, "Truncations.jobs", "false");
    a = search(&cl, "/v1/search",
               arena_printf(cl.arena, "{\"Prefix\":\"%.9s\",\"Context\":\"all\"}", node));
    T_AT(&cl, &a, "Matches.nodes.0", node);
    a = search(&cl, "/v1/search", "{\"Prefix\":\"sv\",\"Context\":\"all\"}");
    T_STR_EQ(at(&cl, &a, "Truncations.allocs"), ""); /* no UUID begins so */
    a = search(&cl, "/v1/search", "{\"Prefix\":\"d\",\"Context\":\"namespaces\"}");
    T_AT(&cl, &a, "Matches.namespaces.0", "default");
    a = search(&cl, "/v1/search?namespace=other", "{\"Prefix\":\"sv\",\"Context\":\"jobs\"}");
    T_STR_HAS(a.body, "\"jobs\":null");
    a = search(&cl, "/v1/search", "{\"Prefix\":\"sv\",\"Context\":\"bogus\"}");
    T_INT_EQ(a.status, 500);
    T_STR_HAS(a.body, "or 'all' for all contexts; got \"bogus\"");
    cluster_stop(&cl);
}

TEST(a_long_search_says_that_it_is_cut)
{
    struct cluster cl;
    struct answer a;

    cluster_start(&cl, NULL);
    for (int i = 0; i < 21; i++)
        ask(&cl, "PUT", "/v1/jobs",
            job_text(&cl, arena_printf(cl.arena, "job-%02d", i), 0, "null"));
    a = search(&cl, "/v1/search", "{\"Prefix\":\"job-\",\"Context\":\"jobs\"}");
    T_AT(&cl, &a, "Truncations.jobs", "true");
    T_INT_EQ(json_path(a.json, "Matches.jobs")->len, 20);
    a = search(&cl, "/v1/search", "{\"Prefix\":\"job-1\",\"Context\":\"jobs\"}");
    T_AT(&cl, &a, "Truncations.jobs", "false");
    cluster_stop(&cl);
}

TEST(a_fuzzy_search_finds_names_and_what_is_inside_jobs)
{
    static const struct {
        const char *label, *text, *context, *at, *want;
    } rows[] = {
        {"in the middle", "eb", "jobs", "Matches.jobs.0.ID", "web"},
        {"any case", "WEB", "jobs", "Matches.jobs.0.Scope.0", "default"},
        {"its scope", "web", "all", "Matches.jobs.0.Scope.1", "web"},
        {"earlier is better", "eb", "all", "Matches.jobs.1.ID", "a-web"},
        {"commands", "/bin/da", "commands", "Matches.commands.0.ID", "/bin/date"},
        {"a command's scope", "/bin/da", "commands", "Matches.commands.0.Scope.2", "g"},
        {"nodes by name", "chine", "nodes", "Matches.nodes.0.ID", "machine"},
        {"pools", "efau", "all", "Matches.node_pools.0.ID", "default"},
        {"nothing", "zzz", "jobs", "Truncations.jobs", "false"},
    };
    struct cluster cl;
    struct answer a;

    cluster_start(&cl, NULL);
    node_up(&cl, "machine");
    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "a-web", 0, "null"));
    ask(&cl, "PUT", "/v1/jobs", job_text_with(&cl, "web", "service", 0, "null", "/bin/date"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        a = search(&cl, "/v1/search/fuzzy",
                   arena_printf(cl.arena, "{\"Text\":\"%s\",\"Context\":\"%s\"}", rows[i].text,
                                rows[i].context));
        T_INT_EQ(a.status, 200);
        T_AT(&cl, &a, rows[i].at, rows[i].want);
    }
    a = search(&cl, "/v1/search/fuzzy", "{\"Text\":\"v\",\"Context\":\"jobs\"}");
    T_INT_EQ(a.status, 500);
    T_STR_EQ(a.body, "fuzzy search query must be at least 2 characters, got 1");
    cluster_stop(&cl);
}
