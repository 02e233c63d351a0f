#include "cluster.h"

/* A job that only the node of this name may run. */
static const char *job_on(struct cluster *cl, const char *id, const char *node)
{
    static const char head[] = "{\"Job\":{";
    const char *text = job_text(cl, id, 1, "null");

    return arena_printf(cl->arena,
                        "%s\"Constraints\":[{\"LTarget\":\"${node.unique.name}\","
                        "\"RTarget\":\"%s\",\"Operand\":\"=\"}],%s",
                        head, node, text + sizeof head - 1);
}

TEST(a_job_is_explained_until_it_is_placed)
{
    struct cluster cl;
    struct answer a;
    uint64_t rev;

    cluster_start(&cl, NULL);
    node_up(&cl, "a");
    ask(&cl, "PUT", "/v1/jobs", job_on(&cl, "web", "b"));
    wait_for(&cl, "/v1/evaluations?status=blocked", "0.JobID", "web");
    rev = store_rev(cl.store);
    a = ask(&cl, "GET", "/v1/job/web/explain", NULL);
    T_INT_EQ(a.status, 200);
    T_AT(&cl, &a, "FullyPlaced", "false");
    T_AT(&cl, &a, "Groups.0.Name", "g");
    T_AT(&cl, &a, "Groups.0.Unplaced", "1");
    T_AT(&cl, &a, "Groups.0.UnplacedNames.0", "web.g[0]");
    T_AT(&cl, &a, "Groups.0.Reasons.0.Kind", "constraint");
    T_AT(&cl, &a, "Groups.0.Reasons.0.Nodes", "1");
    T_AT(&cl, &a, "Groups.0.Reasons.0.Reason", "${node.unique.name} = b");
    T_STR_HAS(at(&cl, &a, "Groups.0.Reasons.0.Change"), "on a it is \"a\"");
    T_INT_EQ(store_rev(cl.store), rev); /* nothing is written */
    node_up(&cl, "b");
    wait_for(&cl, "/v1/job/web/explain", "FullyPlaced", "true");
    wait_for(&cl, "/v1/job/web/explain", "Groups.0.Live", "1");
    ask(&cl, "DELETE", "/v1/job/web", NULL);
    a = ask(&cl, "GET", "/v1/job/web/explain", NULL);
    T_AT(&cl, &a, "Stopped", "true");
    cluster_stop(&cl);
}

TEST(only_jobs_that_are_there_are_explained_and_only_by_reading)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    T_INT_EQ(ask(&cl, "GET", "/v1/job/web/explain", NULL).status, 404);
    T_STR_EQ(ask(&cl, "GET", "/v1/job/web/explain", NULL).body, "job not found");
    T_INT_EQ(ask(&cl, "PUT", "/v1/job/web/explain", "{}").status, 405);
    cluster_stop(&cl);
}
