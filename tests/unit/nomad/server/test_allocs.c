#include "cluster.h"

#define NOBODY "00000000-0000-0000-0000-000000000000"

TEST(ids_that_are_none_are_refused_as_the_api_does)
{
    static const struct {
        const char *label, *method, *path;
        int status;
        const char *want;
    } rows[] = {
        {"short alloc", "GET", "/v1/allocation/nope", 500,
         "alloc lookup failed: index error: UUID must be 36 characters"},
        {"no alloc id", "GET", "/v1/allocation/", 500, "UUID must be 36 characters"},
        {"unknown alloc", "GET", "/v1/allocation/" NOBODY, 404, "alloc not found"},
        {"unknown alloc stopped", "PUT", "/v1/allocation/" NOBODY "/stop", 404,
         "allocation not found"},
        {"stop is written", "GET", "/v1/allocation/" NOBODY "/stop", 405, "Invalid method"},
        {"alloc sub-path", "GET", "/v1/allocation/" NOBODY "/bogus", 404, "resource not found"},
        {"alloc DELETE", "DELETE", "/v1/allocation/" NOBODY, 405, "Invalid method"},
        {"prefix of no UUID", "GET", "/v1/allocations?prefix=zz", 500,
         "alloc lookup failed: index error: Invalid UUID: encoding/hex: invalid byte: U+007A "
         "'z'"},
        {"odd last digit is compared only", "GET", "/v1/allocations?prefix=0az", 200, "[]"},
        {"bad second digit", "GET", "/v1/allocations?prefix=0z", 500, "U+007A 'z'"},
        {"short eval", "GET", "/v1/evaluation/nope", 500,
         "failed to lookup eval: eval lookup failed: index error: UUID must be 36 characters"},
        {"unknown eval", "GET", "/v1/evaluation/" NOBODY, 404, "eval not found"},
        {"eval filter and status", "GET", "/v1/evaluations?status=complete&filter=x", 400,
         "Filter expression cannot be used with other filter parameters"},
        {"delete evals", "DELETE", "/v1/evaluations", 400, "Request body is empty"},
        {"short deployment", "GET", "/v1/deployment/nope", 500,
         "deployment lookup failed: index error: UUID must be 36 characters"},
        {"unknown deployment", "GET", "/v1/deployment/" NOBODY, 404, "deployment not found"},
        {"unknown update", "POST", "/v1/deployment/bogus/" NOBODY, 405, "Invalid method"},
        {"fail is written", "GET", "/v1/deployment/fail/" NOBODY, 405, "Invalid method"},
        {"short node", "GET", "/v1/node/nope", 500,
         "node lookup failed: index error: UUID must be 36 characters"},
        {"unknown node", "GET", "/v1/node/" NOBODY, 404, "node not found"},
        {"node sub-path", "GET", "/v1/node/" NOBODY "/bogus", 500,
         "UUID must be 36 characters"},
    };
    struct cluster cl;

    cluster_start(&cl, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        struct answer a = ask(&cl, rows[i].method, rows[i].path, NULL);

        T_INT_EQ(a.status, rows[i].status);
        T_STR_HAS(a.body, rows[i].want);
    }
    T_ROW("");
    cluster_stop(&cl);
}

TEST(an_alloc_shows_the_version_of_its_job)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    struct answer reg = ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 1, "null"));
    const char *id = allocs_of(&cl, "web", NULL, 1)[0];
    struct answer al = ask(&cl, "GET", arena_printf(cl.arena, "/v1/allocation/%s", id), NULL);

    T_AT(&cl, &al, "Name", "web.g[0]");
    T_AT(&cl, &al, "Job.Version", "0");
    T_AT(&cl, &al, "Job.CreateIndex", at(&cl, &reg, "JobModifyIndex"));
    T_AT(&cl, &al, "Resources.CPU", "20");
    T_AT(&cl, &al, "TaskResources.t.MemoryMB", "16");
    T_AT(&cl, &al, "AllocModifyIndex", at(&cl, &al, "CreateIndex"));
    T_STR_EQ(answer_field(&al, "X-Nomad-Index"), at(&cl, &al, "ModifyIndex"));

    struct answer list = ask(&cl, "GET", "/v1/allocations?resources=true", NULL);

    T_AT(&cl, &list, "0.AllocatedResources.Tasks.t.Cpu.CpuShares", "20");
    T_AT(&cl, &list, "0.DesiredTransition.Migrate", "null");
    T_AT(&cl, &list, "0.TaskStates", "null");
    T_AT(&cl, &list, "0.JobType", "service");

    ask(&cl, "PUT", "/v1/job/web/stable",
        "{\"JobID\":\"web\",\"JobVersion\":0,\"Stable\":true}");
    al = ask(&cl, "GET", arena_printf(cl.arena, "/v1/allocation/%s", id), NULL);
    T_AT(&cl, &al, "Job.Stable", "false"); /* it was not when the alloc was placed */
    list = ask(&cl, "GET", arena_printf(cl.arena, "/v1/allocations?prefix=%.7s", id), NULL);
    T_INT_EQ(list.json->len, 1);
    cluster_stop(&cl);
}

TEST(a_stopped_alloc_is_replaced)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 1, "null"));
    const char *id = allocs_of(&cl, "web", NULL, 1)[0];

    report(&cl, id, "running", -1);
    struct answer stop =
        ask(&cl, "PUT", arena_printf(cl.arena, "/v1/allocation/%s/stop", id), NULL);
    const char *eval = at(&cl, &stop, "EvalID");

    T_INT_EQ(stop.status, 200);
    wait_for(&cl, arena_printf(cl.arena, "/v1/evaluation/%s", eval), "Status", "complete");
    struct answer ev = ask(&cl, "GET", arena_printf(cl.arena, "/v1/evaluation/%s", eval), NULL);

    T_AT(&cl, &ev, "TriggeredBy", "alloc-stop");
    wait_for(&cl, arena_printf(cl.arena, "/v1/allocation/%s", id), "DesiredStatus", "stop");
    T_TRUE(strcmp(allocs_of(&cl, "web", "pending", 1)[0], id) != 0);
    cluster_stop(&cl);
}

TEST(evaluations_are_found_by_status_and_job)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    struct answer reg = ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "a", 1, "null"));

    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "b", 1, "null"));
    allocs_of(&cl, "a", NULL, 1);
    allocs_of(&cl, "b", NULL, 1);
    struct answer l = ask(&cl, "GET", "/v1/evaluations?job=a&status=complete", NULL);

    T_INT_EQ(l.json->len, 1);
    T_AT(&cl, &l, "0.ID", at(&cl, &reg, "EvalID"));
    l = ask(&cl, "GET", "/v1/evaluations/count", NULL);
    T_AT(&cl, &l, "Count", "2");
    l = ask(&cl, "GET",
            arena_printf(cl.arena, "/v1/evaluation/%s/allocations", at(&cl, &reg, "EvalID")),
            NULL);
    T_AT(&cl, &l, "0.JobID", "a");
    l = ask(&cl, "GET",
            arena_printf(cl.arena, "/v1/evaluation/%s?related=true", at(&cl, &reg, "EvalID")),
            NULL);
    T_AT(&cl, &l, "RelatedEvals", "[]");
    cluster_stop(&cl);
}
