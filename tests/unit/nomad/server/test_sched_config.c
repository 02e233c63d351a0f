/* What operators say about scheduling, and what follows. */
#include "cluster.h"

#define CONFIG "/v1/operator/scheduler/configuration"

static const char *job(struct cluster *cl, const char *id, int priority, int cpu)
{
    return arena_printf(
        cl->arena,
        "{\"Job\":{\"ID\":\"%s\",\"Priority\":%d,\"Datacenters\":[\"dc1\"],\"TaskGroups\":[{"
        "\"Name\":\"g\",\"Tasks\":[{\"Name\":\"t\",\"Driver\":\"raw_exec\",\"Config\":{"
        "\"command\":\"/bin/true\"},\"Resources\":{\"CPU\":%d,\"MemoryMB\":16}}]}]}}",
        id, priority, cpu);
}

TEST(who_is_evicted_hears_for_whom_and_looks_for_another_place)
{
    struct cluster cl;
    struct answer a;
    const char *low, *high, *path;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    T_INT_EQ(ask(&cl, "PUT", "/v1/jobs", job(&cl, "low", 20, 3900)).status, 200);
    low = allocs_of(&cl, "low", "pending", 1)[0];
    report(&cl, low, "running", -1);
    a = ask(&cl, "PUT", CONFIG, "{\"PreemptionConfig\":{\"ServiceSchedulerEnabled\":true}}");
    T_INT_EQ(a.status, 200);

    a = ask(&cl, "PUT", "/v1/job/high/plan", job(&cl, "high", 80, 3000));
    T_AT(&cl, &a, "Annotations.DesiredTGUpdates.g.Preemptions", "1");
    T_STR_HAS(a.body, low);

    T_INT_EQ(ask(&cl, "PUT", "/v1/jobs", job(&cl, "high", 80, 3000)).status, 200);
    high = allocs_of(&cl, "high", "pending", 1)[0];
    path = arena_printf(cl.arena, "/v1/allocation/%s", low);
    wait_for(&cl, path, "DesiredStatus", "evict");
    wait_for(&cl, path, "PreemptedByAllocation", high);
    a = ask(&cl, "GET", arena_printf(cl.arena, "/v1/allocation/%s", high), NULL);
    T_STR_HAS(a.body, arena_printf(cl.arena, "\"PreemptedAllocations\":[\"%s\"]", low));
    T_UNTIL(strstr(ask(&cl, "GET", "/v1/job/low/evaluations", NULL).body, "\"preemption\""));
    cluster_stop(&cl);
}

TEST(services_evict_nobody_unless_operators_want_it)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    ask(&cl, "PUT", "/v1/jobs", job(&cl, "low", 20, 3900));
    allocs_of(&cl, "low", "pending", 1);
    ask(&cl, "PUT", "/v1/jobs", job(&cl, "high", 80, 3000));
    wait_for(&cl, "/v1/job/high/summary", "Summary.g.Queued", "1");
    T_INT_EQ(count_allocs(&cl, "low", NULL, "run"), 1);
    cluster_stop(&cl);
}

TEST(while_operators_pause_it_evaluations_wait)
{
    struct cluster cl;
    struct answer a;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    T_INT_EQ(ask(&cl, "PUT", CONFIG, "{\"PauseEvalBroker\":true}").status, 200);
    T_INT_EQ(ask(&cl, "PUT", "/v1/jobs", job(&cl, "web", 50, 20)).status, 200);
    for (int i = 0; i < 3; i++) /* each answer is a turn of the scheduler */
        T_INT_EQ(ask(&cl, "PUT", "/v1/job/other/plan", job(&cl, "other", 50, 20)).status, 200);
    a = ask(&cl, "GET", "/v1/job/web/evaluations", NULL);
    T_STR_HAS(a.body, "\"Status\":\"pending\"");
    T_INT_EQ(count_allocs(&cl, "web", NULL, NULL), 0);
    T_INT_EQ(ask(&cl, "PUT", CONFIG, "{\"PauseEvalBroker\":false}").status, 200);
    allocs_of(&cl, "web", "pending", 1);
    cluster_stop(&cl);
}
