#include "cluster.h"

static const char *plan_text(struct cluster *cl, const char *job)
{
    return arena_printf(cl->arena, "%.*s,\"Diff\":true}", (int)strlen(job) - 1, job);
}

TEST(plans_say_what_registering_would_do)
{
    static const struct {
        const char *label;
        int count;
        const char *command;
        const char *key, *want; /* of DesiredTGUpdates.g */
        const char *diff, *updates;
    } rows[] = {
        {"nothing changes", 1, "/bin/true", "Ignore", "1", "None", "{\"ignore\":1}"},
        {"one more", 2, "/bin/true", "Place", "1", "Edited",
         "{\"create\":1,\"in-place update\":1}"},
        {"another command", 1, "/bin/false", "DestructiveUpdate", "1", "Edited",
         "{\"create/destroy update\":1}"},
    };
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    struct answer reg = ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 1, "null"));

    report(&cl, allocs_of(&cl, "web", NULL, 1)[0], "running", -1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        uint64_t rev = store_rev(cl.store);
        struct answer p = ask(&cl, "PUT", "/v1/job/web/plan",
                              plan_text(&cl, job_text_with(&cl, "web", "service", rows[i].count,
                                                           "null", rows[i].command)));

        T_STR_EQ(p.status == 200 ? "" : p.body, "");
        T_AT(&cl, &p, arena_printf(cl.arena, "Annotations.DesiredTGUpdates.g.%s", rows[i].key),
             rows[i].want);
        T_AT(&cl, &p, "Diff.Type", rows[i].diff);
        T_AT(&cl, &p, "Diff.TaskGroups.0.Updates", rows[i].updates);
        T_AT(&cl, &p, "JobModifyIndex", at(&cl, &reg, "JobModifyIndex"));
        T_AT(&cl, &p, "FailedTGAllocs", "null");
        T_AT(&cl, &p, "CreatedEvals", "null");
        T_AT(&cl, &p, "NextPeriodicLaunch", "null");
        T_INT_EQ(store_rev(cl.store), rev); /* nothing is written */
    }
    T_ROW("");
    cluster_stop(&cl);
}

TEST(a_plan_of_a_new_job_has_no_modify_index)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    struct answer p =
        ask(&cl, "POST", "/v1/job/web/plan", plan_text(&cl, job_text(&cl, "web", 1, "null")));

    T_AT(&cl, &p, "JobModifyIndex", "0");
    T_AT(&cl, &p, "Diff.Type", "Added");
    T_AT(&cl, &p, "Annotations.DesiredTGUpdates.g.Place", "1");
    T_INT_EQ(ask(&cl, "GET", "/v1/job/web", NULL).status, 404);
    cluster_stop(&cl);
}

TEST(a_plan_names_what_cannot_be_placed)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    struct answer p =
        ask(&cl, "POST", "/v1/job/web/plan", plan_text(&cl, job_text(&cl, "web", 1, "null")));

    T_AT(&cl, &p, "FailedTGAllocs.g.NodesEvaluated", "0");
    cluster_stop(&cl);
}

TEST(plans_that_cannot_be_made_say_why)
{
    static const struct {
        const char *label, *path, *body, *want;
        int status;
    } rows[] = {
        {"no job", "/v1/job/web/plan", "{}", "Job must be specified", 400},
        {"empty body", "/v1/job/web/plan", NULL, "Request body is empty", 400},
        {"another id", "/v1/job/web/plan", "{\"Job\":{\"ID\":\"x\"}}", "Job ID does not match",
         400},
        {"not valid", "/v1/job/x/plan", "{\"Job\":{\"ID\":\"x\"}}", "Missing job task groups",
         500},
    };
    struct cluster cl;

    cluster_start(&cl, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        struct answer a = ask(&cl, "PUT", rows[i].path, rows[i].body);

        T_INT_EQ(a.status, rows[i].status);
        T_STR_HAS(a.body, rows[i].want);
    }
    T_ROW("");
    cluster_stop(&cl);
}
