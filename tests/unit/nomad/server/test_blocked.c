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

TEST(what_cannot_be_placed_waits_until_it_can)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    ask(&cl, "PUT", "/v1/jobs", job_on(&cl, "web", "b"));
    wait_for(&cl, "/v1/evaluations?status=blocked", "0.JobID", "web");
    node_up(&cl, "a"); /* it tries, and waits again */
    struct answer probe = ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "probe", 1, "null"));

    T_INT_EQ(probe.status, 200);
    allocs_of(&cl, "probe", "pending", 1);
    wait_for(&cl, "/v1/evaluations?status=blocked", "0.JobID", "web");
    T_INT_EQ(count_allocs(&cl, "web", NULL, NULL), 0);
    node_up(&cl, "b");
    allocs_of(&cl, "web", "pending", 1);
    wait_for(&cl, "/v1/evaluations?job=web&status=complete", "1.TriggeredBy", "queued-allocs");
    cluster_stop(&cl);
}

TEST(a_stopped_job_leaves_nothing_that_waits)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 1, "null"));
    wait_for(&cl, "/v1/evaluations?status=blocked", "0.JobID", "web");
    ask(&cl, "DELETE", "/v1/job/web", NULL);
    wait_for(&cl, "/v1/evaluations?status=canceled", "0.StatusDescription",
             "canceled after more recent eval was processed");
    wait_for(&cl, "/v1/job/web", "Status", "dead");
    cluster_stop(&cl);
}
