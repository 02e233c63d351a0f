#include "cluster.h"

TEST(reads_of_jobs_answer_as_the_api_does)
{
    static const struct {
        const char *label, *method, *path;
        int status;
        const char *want; /* part of the body */
    } rows[] = {
        {"no such job", "GET", "/v1/job/nope", 404, "job not found"},
        {"only a prefix of an id", "GET", "/v1/job/we", 404, "job not found"},
        {"no such summary", "GET", "/v1/job/nope/summary", 404, "job not found"},
        {"no such versions", "GET", "/v1/job/nope/versions", 404, "job versions not found"},
        {"no such scale", "GET", "/v1/job/nope/scale", 404, "job not found"},
        {"no deployment", "GET", "/v1/job/nope/deployment", 200, "null"},
        {"no allocs", "GET", "/v1/job/nope/allocations", 200, "[]"},
        {"no evals", "GET", "/v1/job/nope/evaluations", 200, "[]"},
        {"no services", "GET", "/v1/job/web/services", 200, "[]"},
        {"no actions", "GET", "/v1/job/web/actions", 200, "[]"},
        {"submission without version", "GET", "/v1/job/web/submission", 400,
         "Unable to parse job submission version parameter"},
        {"no submission", "GET", "/v1/job/web/submission?version=0", 404,
         "job source not found"},
        {"unknown sub-path", "GET", "/v1/job/web/bogus", 404, "job not found"},
        {"an id with a slash", "GET", "/v1/job/a/b", 200, "\"ID\":\"a/b\""},
        {"below an id with a slash", "GET", "/v1/job/a/b/summary", 200, "\"JobID\":\"a/b\""},
        {"reads take any method", "DELETE", "/v1/job/web/summary", 200, "\"JobID\":\"web\""},
        {"PATCH", "PATCH", "/v1/job/web", 405, "Invalid method"},
        {"plan is written", "GET", "/v1/job/web/plan", 405, "Invalid method"},
        {"dispatch is written", "GET", "/v1/job/web/dispatch", 405, "Invalid method"},
        {"no method for a list", "DELETE", "/v1/jobs", 405, "Invalid method"},
        {"bad page size", "GET", "/v1/jobs?per_page=x", 400,
         "Expect a number for `per_page` query string parameter"},
        {"bad stale", "GET", "/v1/jobs?stale=foo", 400, "Expect `true` or `false`"},
        {"bad index", "GET", "/v1/jobs?index=x", 400, "Invalid index"},
        {"bad wait", "GET", "/v1/jobs?index=1&wait=zz", 400, "Invalid wait time"},
        {"half a filter", "GET", "/v1/jobs?filter=ID", 400,
         "failed to create result paginator: failed to read filter expression: 1:3 (2): no "
         "match"},
        {"a filter of no such name", "GET", "/v1/jobs?filter=Bogus==1", 400,
         "failed to read result page: error finding value in datum: /Bogus at part 0: couldn't "
         "find key: struct field with name \"Bogus\""},
        {"a filter of a secret", "GET", "/v1/jobs?filter=VaultToken%20is%20empty", 400,
         "struct field with name"},
        {"a filter next to others", "GET", "/v1/evaluations?filter=ID==x&job=web", 400,
         "Filter expression cannot be used with other filter parameters"},
        {"other namespace", "GET", "/v1/jobs?namespace=none", 200, "[]"},
        {"other region", "GET", "/v1/jobs?region=mars", 500, "No path to region"},
        {"unknown path", "GET", "/v1/nosuch", 404, ""},
    };
    struct cluster cl;

    cluster_start(&cl, NULL);
    T_INT_EQ(ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 1, "null")).status, 200);
    T_INT_EQ(ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "a/b", 1, "null")).status, 200);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        struct answer a = ask(&cl, rows[i].method, rows[i].path, NULL);

        T_INT_EQ(a.status, rows[i].status);
        T_STR_HAS(a.body, rows[i].want);
    }
    T_ROW("");
    cluster_stop(&cl);
}

TEST(an_absent_job_still_tells_the_index)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    struct answer a = ask(&cl, "GET", "/v1/job/nope", NULL);

    T_INT_EQ(a.status, 404);
    T_TRUE(*answer_field(&a, "X-Nomad-Index"));
    T_STR_EQ(answer_field(&a, "X-Nomad-KnownLeader"), "true");
    T_STR_EQ(answer_field(&a, "X-Nomad-LastContact"), "0");
    cluster_stop(&cl);
}

TEST(lists_come_in_pages_both_ways)
{
    static const struct {
        const char *label, *query, *want, *next;
    } rows[] = {
        {"all", "", "bad bat par per", ""},
        {"prefix", "?prefix=p", "par per", ""},
        {"no such prefix", "?prefix=zz", "", ""},
        {"first page", "?per_page=2", "bad bat", "default.par"},
        {"second page", "?per_page=2&next_token=default.par", "par per", ""},
        {"a page larger than the rest", "?per_page=9&next_token=default.per", "per", ""},
        {"a token between two", "?next_token=default.bb", "par per", ""},
        {"reverse", "?reverse=true", "per par bat bad", ""},
        {"first page in reverse", "?reverse=true&per_page=3", "per par bat", "default.bad"},
        {"all namespaces", "?namespace=*", "bad bat par per", ""},
        {"filter", "?filter=ID%20contains%20a", "bad bat par", ""},
        {"filter with prefix", "?filter=ID%20contains%20a&prefix=b", "bad bat", ""},
        {"first filtered page", "?filter=ID%20!=%20bat&per_page=1", "bad", "default.par"},
        {"next filtered page", "?filter=ID!=bat&per_page=1&next_token=default.par", "par",
         "default.per"},
        {"filtered in reverse", "?filter=ID!=bat&reverse=true&per_page=2", "per par",
         "default.bad"},
        {"nested", "?filter=any%20TaskGroups%20as%20g%20%7B%20g.Name==g%20%7D",
         "bad bat par per", ""},
    };
    static const char *const ids[] = {"per", "bat", "bad", "par"};
    struct cluster cl;

    cluster_start(&cl, NULL);
    for (size_t i = 0; i < 4; i++)
        ask(&cl, "PUT", "/v1/jobs", job_text(&cl, ids[i], 1, "null"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        struct answer a =
            ask(&cl, "GET", arena_printf(cl.arena, "/v1/jobs%s", rows[i].query), NULL);
        const char *got = "";

        for (uint32_t k = 0; k < a.json->len; k++)
            got = arena_printf(cl.arena, "%s%s%.*s", got, *got ? " " : "",
                               STR_ARG(json_get(&a.json->items[k], "ID")->text));
        T_STR_EQ(got, rows[i].want);
        T_STR_EQ(answer_field(&a, "X-Nomad-NextToken"), rows[i].next);
    }
    T_ROW("");
    cluster_stop(&cl);
}

TEST(lists_by_creation_go_on_behind_their_token)
{
    struct cluster cl;
    char token[256];

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    for (int i = 0; i < 3; i++)
        ask(&cl, "PUT", "/v1/jobs", job_text(&cl, arena_printf(cl.arena, "j%d", i), 1, "null"));
    for (int i = 0; i < 3; i++)
        allocs_of(&cl, arena_printf(cl.arena, "j%d", i), NULL, 1);
    struct answer a = ask(&cl, "GET", "/v1/allocations?per_page=2", NULL);

    T_INT_EQ(a.json->len, 2);
    snprintf(token, sizeof token, "%s", answer_field(&a, "X-Nomad-NextToken"));
    T_STR_HAS(token, ".");
    a = ask(&cl, "GET", arena_printf(cl.arena, "/v1/allocations?next_token=%s", token), NULL);
    T_INT_EQ(a.json->len, 1);
    a = ask(&cl, "GET", "/v1/allocations?per_page=1&next_token=bogus", NULL);
    T_STR_EQ(a.body, "[]");
    a = ask(&cl, "GET", "/v1/allocations?reverse=true&per_page=1", NULL);
    T_AT(&cl, &a, "0.JobID", "j2");
    cluster_stop(&cl);
}

TEST(filters_see_what_is_filled_in_for_a_reply)
{
    struct cluster cl;
    struct answer a;
    const char *id, *index;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "a", 1, "null"));
    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "b", 1, "null"));
    allocs_of(&cl, "a", NULL, 1);
    id = allocs_of(&cl, "b", NULL, 1)[0];
    a = ask(&cl, "GET", "/v1/allocations?filter=Job.ID==b", NULL);
    T_INT_EQ(a.json->len, 1);
    T_AT(&cl, &a, "0.ID", id);
    index = at(&cl, &a, "0.CreateIndex");
    a = ask(&cl, "GET",
            arena_printf(cl.arena, "/v1/allocations?filter=CreateIndex==%s%%20and%%20JobID==b",
                         index),
            NULL);
    T_INT_EQ(a.json->len, 1);
    a = ask(&cl, "GET", "/v1/allocations?filter=CreateIndex==0", NULL);
    T_INT_EQ(a.json->len, 0);
    cluster_stop(&cl);
}

TEST(a_job_shows_its_indexes_and_state)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    struct answer reg = ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 1, "null"));
    struct answer j = ask(&cl, "GET", "/v1/job/web", NULL);

    T_AT(&cl, &j, "JobModifyIndex", at(&cl, &reg, "JobModifyIndex"));
    T_AT(&cl, &j, "CreateIndex", at(&cl, &reg, "JobModifyIndex"));
    T_AT(&cl, &j, "Version", "0");
    T_AT(&cl, &j, "Stable", "false");
    T_STR_EQ(answer_field(&j, "X-Nomad-Index"), at(&cl, &j, "ModifyIndex"));

    ask(&cl, "PUT", "/v1/jobs", job_text_with(&cl, "web", "service", 2, "null", "/bin/true"));
    struct answer v = ask(&cl, "GET", "/v1/job/web/versions?diffs=true", NULL);

    T_AT(&cl, &v, "Versions.0.Version", "1");
    T_AT(&cl, &v, "Versions.1.Version", "0");
    T_AT(&cl, &v, "Versions.0.CreateIndex", at(&cl, &reg, "JobModifyIndex"));
    T_AT(&cl, &v, "Diffs.0.Type", "Edited");
    T_AT(&cl, &v, "Diffs.0.TaskGroups.0.Fields.0.Name", "Count");
    T_AT(&cl, &v, "Diffs.1", "");
    v = ask(&cl, "GET", "/v1/job/web/versions", NULL);
    T_AT(&cl, &v, "Diffs", "null");
    cluster_stop(&cl);
}

TEST(a_submission_is_kept_with_its_version)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    const char *job = job_text(&cl, "web", 1, "null");
    const char *with = arena_printf(cl.arena,
                                    "%.*s,\"Submission\":{\"Source\":\"job {}\",\"Format\":"
                                    "\"hcl2\",\"VariableFlags\":{\"a\":\"b\"}}}",
                                    (int)strlen(job) - 1, job);

    T_INT_EQ(ask(&cl, "PUT", "/v1/jobs", with).status, 200);
    struct answer s = ask(&cl, "GET", "/v1/job/web/submission?version=0", NULL);

    T_AT(&cl, &s, "Source", "job {}");
    T_AT(&cl, &s, "VariableFlags.a", "b");
    T_AT(&cl, &s, "JobID", "web");
    cluster_stop(&cl);
}

TEST(statuses_show_what_the_page_needs)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 1, UPDATE_ONE));
    const char *alloc = allocs_of(&cl, "web", NULL, 1)[0];
    struct answer s = ask(&cl, "GET", "/v1/jobs/statuses", NULL);

    T_AT(&cl, &s, "0.ID", "web");
    T_AT(&cl, &s, "0.Allocs.0.ID", alloc);
    T_AT(&cl, &s, "0.LatestDeployment.IsActive", "true");
    T_AT(&cl, &s, "0.ChildStatuses", "null");
    T_AT(&cl, &s, "0.GroupCountSum", "1");
    s = ask(&cl, "POST", "/v1/jobs/statuses", "{\"Jobs\":[{\"ID\":\"other\"}]}");
    T_STR_EQ(s.body, "[]");
    cluster_stop(&cl);
}
