/* Room made by evicting allocs of jobs of a lower priority. Nodes have 4000 MHz and 8000 MB. */
#include "sched_t.h"

#define JOB(priority, group)                                                             \
    "{'ID':'j','Priority':" priority                                                     \
    ",'Datacenters':['dc1'],'TaskGroups':[{'Name':'g','Count':1,'EphemeralDisk':"        \
    "{'SizeMB':10}" group ",'Tasks':[{'Name':'t','Driver':'raw_exec','Resources':{'CPU'" \
    ":2000,'MemoryMB':2000}}]}]}"

static const char *victims(struct cluster *c)
{
    auto_buf struct buf b = BUF_INIT(4096);
    const char *ids[16];
    size_t n = 0;

    list_each (&c->plan.stops, it)
        ids[n++] = it->alloc->id;
    for (size_t i = 0; i < n; i++) /* in order of their names */
        for (size_t k = i + 1; k < n; k++)
            if (strcmp(ids[k], ids[i]) < 0) {
                const char *id = ids[i];

                ids[i] = ids[k];
                ids[k] = id;
            }
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%s", i ? " " : "", ids[i]);
    return arena_cstr(c->a, buf_str(&b));
}

TEST(who_is_evicted)
{
    static const struct {
        const char *label, *job;
        bool off;
        struct other others[6];
        const char *victims; /* "": nobody, and it is not placed */
    } rows[] = {
        {"one is enough",
         JOB("50", ""),
         false,
         {{"a", "low", 0, 2000, 2000, 20, 1}, {"b", "low", 0, 2000, 2000, 20, 1}},
         "a"},
        {"switched off", JOB("50", ""), true, {{"a", "low", 0, 4000, 4000, 20, 1}}, ""},
        {"too near in priority",
         JOB("50", ""),
         false,
         {{"a", "low", 0, 4000, 4000, 41, 1}},
         ""},
        {"just far enough", JOB("50", ""), false, {{"a", "low", 0, 4000, 4000, 40, 1}}, "a"},
        {"the lowest priority first",
         JOB("80", ""),
         false,
         {{"a", "mid", 0, 2000, 2000, 40, 1}, {"b", "low", 0, 2000, 2000, 10, 1}},
         "b"},
        {"the nearest in size",
         JOB("50", ""),
         false,
         {{"a", "one", 0, 800, 800, 20, 1},
          {"b", "two", 0, 1000, 500, 20, 1},
          {"c", "six", 0, 2000, 2000, 20, 1}},
         "c"},
        {"several, and the needless one is spared",
         JOB("50", ""),
         false,
         {{"a", "low", 0, 100, 100, 10, 1},
          {"c", "six", 0, 2000, 2000, 20, 1},
          {"d", "big", 0, 1900, 1900, 90, 1}},
         "c"},
        {"not more of a group at once than it migrates",
         JOB("50", ""),
         false,
         {{"a", "one", 0, 1000, 1000, 20, 1},
          {"b", "one", 0, 1000, 1000, 20, 1},
          {"c", "two", 0, 1000, 1000, 20, 1},
          {"d", "big", 0, 1000, 1000, 90, 1}},
         "a c"},
        {"whoever holds the port",
         JOB("50", ",'Networks':[{'ReservedPorts':[{'Label':'p','Value':8080}]}]"),
         false,
         {{"a", "one", 0, 100, 100, 20, 1, 8080}, {"b", "two", 0, 100, 100, 10, 1}},
         "a"},
        {"the port of a job of more priority",
         JOB("50", ",'Networks':[{'ReservedPorts':[{'Label':'p','Value':8080}]}]"),
         false,
         {{"a", "one", 0, 100, 100, 60, 1, 8080}, {"b", "two", 0, 100, 100, 10, 1}},
         ""},
        {"the node whose victims matter least",
         JOB("90", ""),
         false,
         {{"a", "mid", 0, 4000, 4000, 80, 1}, {"b", "low", 1, 4000, 4000, 10, 1}},
         "b"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_cluster struct cluster c;
        int last = 0;

        T_ROW(rows[i].label);
        cluster_init(&c);
        c.preempt = !rows[i].off;
        for (size_t k = 0; rows[i].others[k].id; k++)
            last = rows[i].others[k].node > last ? rows[i].others[k].node : last;
        cluster_nodes(&c, last + 1);
        cluster_job(&c, rows[i].job);
        for (size_t k = 0; rows[i].others[k].id; k++)
            cluster_other(&c, &rows[i].others[k]);
        cluster_eval(&c, EVAL_BY_REGISTER);
        T_STR_EQ(victims(&c), rows[i].victims);
        T_INT_EQ(c.plan.places.len, *rows[i].victims != 0);
        T_INT_EQ(queued(&c, "g"), !*rows[i].victims);
    }
}

TEST(an_eviction_says_for_whom)
{
    auto_cluster struct cluster c;
    const struct alloc *al;

    cluster_init(&c);
    c.preempt = true;
    cluster_nodes(&c, 1);
    cluster_job(&c, JOB("50", ""));
    cluster_other(&c, &(struct other){"a", "low", 0, 4000, 4000, 20, 1, 0});
    cluster_eval(&c, EVAL_BY_REGISTER);
    T_INT_EQ(c.plan.places.len, 1);
    al = c.plan.places.at[0];
    T_STR_EQ(al->preempted_allocations.at[0], "a");
    T_STR_EQ(c.plan.stops.at[0].desired_status, ALLOC_EVICT);
    T_STR_EQ(c.plan.stops.at[0].preempted_by, al->id);
    T_STR_HAS(c.plan.stops.at[0].desired_description, "Preempted by alloc ID");
    T_STR_EQ(c.plan.annotations->preempted_allocs.at[0].job_id, "low");
    T_INT_EQ(c.plan.annotations->updates.at[0].preemptions, 1);
    T_TRUE(json_get(al->metrics->score_meta.at[0].scores, "preemption") != NULL);
    cluster_commit(&c);
    cluster_eval(&c, EVAL_BY_NODE_UPDATE);
    T_TRUE(plan_is_empty(&c.plan));
}

TEST(a_system_job_evicts_on_each_node)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    c.preempt = true;
    cluster_nodes(&c, 2);
    cluster_job(&c, "{'ID':'j','Type':'system','Priority':60,'Datacenters':['dc1'],"
                    "'TaskGroups':[{'Name':'g','Tasks':[{'Name':'t','Driver':'raw_exec',"
                    "'Resources':{'CPU':2000,'MemoryMB':2000}}]}]}");
    cluster_other(&c, &(struct other){"a", "low", 0, 4000, 4000, 20, 1, 0});
    cluster_other(&c, &(struct other){"b", "low", 1, 4000, 4000, 20, 1, 0});
    cluster_eval(&c, EVAL_BY_REGISTER);
    T_STR_EQ(victims(&c), "a b");
    T_INT_EQ(c.plan.places.len, 2);
}
