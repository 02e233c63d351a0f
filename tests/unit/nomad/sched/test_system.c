#include "sched_t.h"

#define SYSTEM(type, group, task)                                                      \
    "{'ID':'j','Type':'" type "','Datacenters':['dc1'],'TaskGroups':[{'Name':'g'"      \
    ",'EphemeralDisk':{'SizeMB':10}" group ",'Tasks':[{'Name':'t','Driver':'raw_exec'" \
    ",'Resources':{'CPU':100,'MemoryMB':100}" task "}]}]}"

static void windows(struct node *n, struct arena *a)
{
    strmap_set(a, &n->attributes, "kernel.name", "windows");
}

static void full(struct node *n, struct arena *a)
{
    (void)a;
    n->resources.memory.memory_mb = 50;
}

TEST(a_system_job_runs_on_every_node_that_suits)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_nodes(&c, 3);
    cluster_node(&c, 3, windows);
    cluster_job(&c, SYSTEM("system",
                           ",'Constraints':[{'LTarget':'${attr.kernel.name}',"
                           "'RTarget':'linux','Operand':'='}]",
                           ""));
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 3);
    for (int i = 0; i < 3; i++)
        T_INT_EQ(count_on(&c, i), 1);
    T_INT_EQ(c.plan.failed.len, 0); /* not suiting is no failure */
    cluster_node(&c, 4, NULL);
    cluster_run(&c);
    T_INT_EQ(count_on(&c, 4), 1);
    cluster_eval(&c, EVAL_BY_NODE_UPDATE);
    T_TRUE(plan_is_empty(&c.plan));
}

TEST(a_node_without_room_is_told_and_waited_for)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_nodes(&c, 1);
    cluster_node(&c, 1, full);
    cluster_node(&c, 2, full);
    cluster_job(&c, SYSTEM("system", "", ""));
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 1);
    T_INT_EQ(queued(&c, "g"), 2);
    T_INT_EQ(c.plan.failed.at[0].nodes_exhausted, 2);
    T_STR_EQ(c.plan.evals.at[0]->status, EVAL_BLOCKED);
}

TEST(a_down_node_loses_its_alloc_for_good)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_nodes(&c, 2);
    cluster_job(&c, SYSTEM("system", "", ""));
    cluster_run(&c);
    cluster_node_status(&c, 0, "down");
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 1);
    T_INT_EQ(c.plan.places.len, 0);
    cluster_node_status(&c, 0, "ready");
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 2);
}

TEST(a_changed_system_job_is_replaced_node_by_node)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_nodes(&c, 3);
    cluster_job(&c, SYSTEM("system", ",'Update':{'MaxParallel':1,'Stagger':5000000000}", ""));
    cluster_run(&c);
    cluster_job(&c, SYSTEM("system", ",'Update':{'MaxParallel':1,'Stagger':5000000000}",
                           ",'Env':{'A':'1'}"));
    cluster_run(&c);
    T_INT_EQ(count_version(&c, 1), 1);
    T_INT_EQ(count_live(&c), 3);
    T_INT_EQ(c.plan.evals.len, 1);
    T_STR_EQ(c.plan.evals.at[0]->triggered_by, EVAL_BY_ROLLING);
    cluster_run(&c);
    cluster_run(&c);
    T_INT_EQ(count_version(&c, 1), 3);
    T_INT_EQ(c.plan.evals.len, 0);
}

TEST(sysbatch_work_that_is_done_is_not_done_again)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_nodes(&c, 2);
    cluster_job(&c, SYSTEM("sysbatch", "", ""));
    cluster_run(&c);
    cluster_status(&c, ALLOC_COMPLETE);
    cluster_eval(&c, EVAL_BY_NODE_UPDATE);
    T_TRUE(plan_is_empty(&c.plan));
    cluster_job(&c, SYSTEM("sysbatch", "", ",'Env':{'A':'1'}"));
    cluster_run(&c);
    T_INT_EQ(c.plan.places.len, 2);
}

TEST(a_stopped_system_job_stops_everywhere)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_nodes(&c, 3);
    cluster_job(&c, SYSTEM("system", "", ""));
    cluster_run(&c);
    cluster_job(&c, NULL);
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 0);
}
