#include "sched_t.h"

#define JOB(count, extra)                                                      \
    "{'ID':'j','Datacenters':['dc1'],'TaskGroups':[{'Name':'g','Count':" count \
    ",'EphemeralDisk':{'SizeMB':10},'Tasks':[{'Name':'t','Driver':'raw_exec'," \
    "'Resources':{'CPU':1000,'MemoryMB':100}" extra "}]}]}"

TEST(an_evaluation_leaves_the_mirror_as_it_was)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_nodes(&c, 2);
    cluster_job(&c, JOB("8", ""));
    cluster_eval(&c, EVAL_BY_REGISTER);
    T_INT_EQ(c.plan.places.len, 8);
    cluster_eval(&c, EVAL_BY_REGISTER); /* there is still room for as many */
    T_INT_EQ(c.plan.places.len, 8);
    T_INT_EQ(sched_alloc_count(c.sched), 0);
}

TEST(the_same_input_gives_the_same_plan)
{
    auto_cluster struct cluster c;
    const char *first;

    cluster_init(&c);
    cluster_nodes(&c, 20);
    cluster_job(&c, JOB("5", ""));
    cluster_eval(&c, EVAL_BY_REGISTER);
    first = c.plan.places.at[4]->node_id;
    c.seed--;
    cluster_eval(&c, EVAL_BY_REGISTER);
    T_STR_EQ(c.plan.places.at[4]->node_id, first);
}

TEST(an_alloc_that_ends_gives_its_room_back)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_nodes(&c, 1);
    cluster_job(&c, JOB("4", ""));
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 4);
    cluster_job(&c, NULL);
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 0);
    cluster_job(&c, JOB("4", ",'Env':{'A':'1'}"));
    cluster_run(&c);
    T_INT_EQ(c.plan.places.len, 0); /* stopped, but still running there */
    T_STR_EQ(c.plan.evals.at[0]->status, EVAL_BLOCKED);
}

TEST(allocs_of_an_unknown_node_find_it_when_it_comes)
{
    auto_cluster struct cluster c;
    const char *id;

    cluster_init(&c);
    cluster_nodes(&c, 1);
    cluster_job(&c, JOB("4", ""));
    cluster_run(&c);
    id = arena_strdup(c.a, find_live(&c, "j.g[0]")->node_id);
    sched_node_del(c.sched, id);
    T_INT_EQ(sched_node_count(c.sched), 0);
    T_INT_EQ(count_live(&c), 4);
    cluster_nodes(&c, 1);
    T_INT_EQ(count_on(&c, 0), 4);
    cluster_eval(&c, EVAL_BY_NODE_UPDATE);
    T_INT_EQ(c.plan.stops.len, 0);
}

static void count_one(void *ctx, const struct alloc *al)
{
    (void)al;
    ++*(size_t *)ctx;
}

TEST(jobs_of_a_node_are_named_once)
{
    auto_cluster struct cluster c;
    size_t n = 0;

    cluster_init(&c);
    cluster_nodes(&c, 1);
    cluster_job(&c, JOB("3", ""));
    cluster_run(&c);
    sched_each_node_job(c.sched, find_live(&c, "j.g[0]")->node_id, count_one, &n);
    T_INT_EQ(n, 1);
}
