#include "sched_t.h"

#define GROUP(count, group, task)                                                       \
    "{'ID':'j','Datacenters':['dc1'],'TaskGroups':[{'Name':'g','Count':" count          \
    ",'EphemeralDisk':{'SizeMB':10}" group ",'Tasks':[{'Name':'t','Driver':'raw_exec'," \
    "'Resources':{'CPU':500,'MemoryMB':100}" task "}]}]}"

static void windows(struct node *n, struct arena *a)
{
    strmap_set(a, &n->attributes, "kernel.name", "windows");
}

static void other_dc(struct node *n, struct arena *a)
{
    (void)a;
    n->datacenter = "dc2";
}

static void other_pool(struct node *n, struct arena *a)
{
    (void)a;
    n->node_pool = "gpu";
}

static void no_driver(struct node *n, struct arena *a)
{
    strmap_set(a, &n->attributes, "driver.raw_exec", "0");
}

static void tiny(struct node *n, struct arena *a)
{
    (void)a;
    n->resources.memory.memory_mb = 50;
}

static void ineligible(struct node *n, struct arena *a)
{
    (void)a;
    n->eligibility = "ineligible";
}

static void port_kept(struct node *n, struct arena *a)
{
    (void)a;
    n->reserved.networks.reserved_host_ports = "22,8000-8100";
}

TEST(a_node_that_does_not_suit_is_passed_over_with_its_reason)
{
    static const struct {
        const char *label, *job;
        void (*edit)(struct node *n, struct arena *a);
        const char *filter, *dimension;
        int64_t evaluated;
    } rows[] = {
        {"constraint",
         GROUP("1",
               ",'Constraints':[{'LTarget':'${attr.kernel.name}','RTarget':'linux',"
               "'Operand':'='}]",
               ""),
         windows, "${attr.kernel.name} = linux", NULL, 1},
        {"driver", GROUP("1", "", ""), no_driver, "missing drivers", NULL, 1},
        {"memory", GROUP("1", "", ""), tiny, NULL, "memory", 1},
        {"datacenter", GROUP("1", "", ""), other_dc, NULL, NULL, 0},
        {"pool", GROUP("1", "", ""), other_pool, NULL, NULL, 0},
        {"eligibility", GROUP("1", "", ""), ineligible, NULL, NULL, 0},
        {"volume", GROUP("1", ",'Volumes':{'d':{'Name':'d','Type':'host','Source':'s'}}", ""),
         NULL, "missing compatible host volumes", NULL, 1},
        {"vault", GROUP("1", "", ",'Vault':{'Policies':['p']}"), NULL,
         "${attr.vault.version} semver >= 0.6.1", NULL, 1},
        {"a port of the host",
         GROUP("1", ",'Networks':[{'ReservedPorts':[{'Label':'p','Value':8080}]}]", ""),
         port_kept, NULL, "network: reserved port collision p=8080", 1},
        {"host network",
         GROUP("1", ",'Networks':[{'DynamicPorts':[{'Label':'p','HostNetwork':'private'}]}]",
               ""),
         NULL, "missing host network \"private\" for port \"p\"", NULL, 1},
        {"cores", GROUP("1", "", ",'Resources':{'Cores':2,'MemoryMB':10}"), NULL, NULL, "cores",
         1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_cluster struct cluster c;
        const struct alloc_metric *m;

        T_ROW(rows[i].label);
        cluster_init(&c);
        cluster_node(&c, 0, rows[i].edit);
        cluster_job(&c, rows[i].job);
        cluster_eval(&c, EVAL_BY_REGISTER);
        T_INT_EQ(c.plan.places.len, 0);
        T_INT_EQ(c.plan.failed.len, 1);
        T_INT_EQ(queued(&c, "g"), 1);
        m = &c.plan.failed.at[0];
        T_INT_EQ(m->nodes_evaluated, rows[i].evaluated);
        if (rows[i].filter)
            T_INT_EQ(count_get(m->constraint_filtered, rows[i].filter), 1);
        if (rows[i].dimension)
            T_INT_EQ(count_get(m->dimension_exhausted, rows[i].dimension), 1);
        T_INT_EQ(c.plan.evals.len, 1);
        T_STR_EQ(c.plan.evals.at[0]->status, EVAL_BLOCKED);
        T_STR_EQ(c.plan.evals.at[0]->status_description,
                 "created to place remaining allocations");
    }
}

TEST(an_eval_that_was_blocked_waits_again)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_job(&c, GROUP("1", "", ""));
    cluster_eval(&c, EVAL_BY_QUEUED);
    T_TRUE(c.plan.reblock);
    T_INT_EQ(c.plan.evals.len, 0);
}

TEST(datacenters_may_be_globs)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_node(&c, 0, other_dc);
    cluster_job(&c, "{'ID':'j','Datacenters':['dc*'],'TaskGroups':[{'Name':'g','Tasks':"
                    "[{'Name':'t','Driver':'raw_exec'}]}]}");
    cluster_eval(&c, EVAL_BY_REGISTER);
    T_INT_EQ(c.plan.places.len, 1);
}

TEST(an_alloc_says_what_it_is_and_why_it_stands_there)
{
    auto_cluster struct cluster c;
    const struct alloc *al;

    cluster_init(&c);
    cluster_nodes(&c, 8);
    cluster_job(&c, GROUP("1", "", ""));
    cluster_eval(&c, EVAL_BY_REGISTER);
    al = c.plan.places.at[0];
    T_STR_EQ(al->name, "j.g[0]");
    T_INT_EQ(strlen(al->id), 36);
    T_STR_EQ(al->desired_status, ALLOC_RUN);
    T_STR_EQ(al->client_status, ALLOC_PENDING);
    T_INT_EQ(al->resources->tasks.at[0].cpu.cpu_shares, 500);
    T_INT_EQ(al->resources->shared.disk_mb, 10);
    T_INT_EQ(al->metrics->nodes_evaluated, 8);
    T_INT_EQ(al->metrics->nodes_in_pool, 8);
    T_INT_EQ(count_get(al->metrics->nodes_available, "dc1"), 8);
    T_INT_EQ(al->metrics->score_meta.len, SCHED_SCORES_SHOWN);
    T_TRUE(json_get(al->metrics->score_meta.at[0].scores, "binpack") != NULL);
    T_STR_EQ(al->metrics->score_meta.at[0].node_id, al->node_id);
}

TEST(distinct_hosts_keeps_allocs_apart)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_nodes(&c, 3);
    cluster_job(
        &c, GROUP("5", ",'Constraints':[{'Operand':'distinct_hosts','RTarget':'true'}]", ""));
    cluster_eval(&c, EVAL_BY_REGISTER);
    cluster_commit(&c);
    T_INT_EQ(count_live(&c), 3);
    for (int i = 0; i < 3; i++)
        T_INT_EQ(count_on(&c, i), 1);
    T_INT_EQ(queued(&c, "g"), 2);
    T_INT_EQ(count_get(c.plan.failed.at[0].constraint_filtered, "distinct_hosts"), 3);
    T_INT_EQ(c.plan.failed.at[0].coalesced_failures, 1);
}

static void rack(struct node *n, struct arena *a)
{
    strmap_set(a, &n->meta, "rack", n->name[1] < '2' ? "r1" : "r2");
}

TEST(distinct_property_counts_by_value)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    for (int i = 0; i < 4; i++)
        cluster_node(&c, i, rack);
    cluster_job(&c, GROUP("5",
                          ",'Constraints':[{'LTarget':'${meta.rack}','Operand':"
                          "'distinct_property','RTarget':'2'}]",
                          ""));
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 4);
    T_INT_EQ(queued(&c, "g"), 1);
}

TEST(an_even_spread_uses_all_values_alike)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    for (int i = 0; i < 4; i++)
        cluster_node(&c, i, rack);
    cluster_job(&c, GROUP("6", ",'Spreads':[{'Attribute':'${meta.rack}','Weight':100}]", ""));
    cluster_run(&c);
    T_INT_EQ(count_on(&c, 0) + count_on(&c, 1), 3);
    T_INT_EQ(count_on(&c, 2) + count_on(&c, 3), 3);
}

TEST(a_spread_with_targets_follows_them)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    for (int i = 0; i < 4; i++)
        cluster_node(&c, i, rack);
    cluster_job(&c, GROUP("10",
                          ",'Spreads':[{'Attribute':'${meta.rack}','Weight':100,"
                          "'SpreadTarget':[{'Value':'r1','Percent':80},"
                          "{'Value':'r2','Percent':20}]}]",
                          ""));
    cluster_run(&c);
    T_INT_EQ(count_on(&c, 0) + count_on(&c, 1), 8);
    T_INT_EQ(count_on(&c, 2) + count_on(&c, 3), 2);
}

TEST(an_affinity_draws_and_a_negative_one_repels)
{
    static const struct {
        const char *label, *weight;
        size_t on_r1;
    } rows[] = {{"draws", "100", 1}, {"repels", "-100", 0}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_cluster struct cluster c;
        char job[512];

        T_ROW(rows[i].label);
        cluster_init(&c);
        for (int k = 0; k < 4; k++)
            cluster_node(&c, k, rack);
        snprintf(job, sizeof job, "%s%s%s",
                 "{'ID':'j','Datacenters':['dc1'],'Affinities':[{'LTarget':'${meta.rack}',"
                 "'RTarget':'r1','Operand':'=','Weight':",
                 rows[i].weight,
                 "}],'TaskGroups':[{'Name':'g','Tasks':[{'Name':'t','Driver':'raw_exec'}]}]}");
        cluster_job(&c, job);
        cluster_run(&c);
        T_INT_EQ(count_on(&c, 0) + count_on(&c, 1), rows[i].on_r1);
    }
}

TEST(allocs_are_packed_or_spread_as_the_algorithm_says)
{
    for (int spread = 0; spread < 2; spread++) {
        auto_cluster struct cluster c;
        size_t used = 0;

        T_ROW(spread ? "spread" : "binpack");
        cluster_init(&c);
        c.spread_algorithm = spread;
        cluster_nodes(&c, 4);
        for (int i = 0; i < 4; i++) { /* four jobs: no anti-affinity between them */
            char job[300];

            snprintf(job, sizeof job,
                     "{'ID':'j%d','Datacenters':['dc1'],'TaskGroups':[{'Name':"
                     "'g','Tasks':[{'Name':'t','Driver':'raw_exec'}]}]}",
                     i);
            c.n_versions = 0;
            c.deployment = NULL;
            cluster_job(&c, job);
            cluster_run(&c);
        }
        for (int i = 0; i < 4; i++)
            used += count_on(&c, i) > 0;
        T_INT_EQ(used, spread ? 4 : 1);
    }
}

TEST(ports_are_given_out_once)
{
    auto_cluster struct cluster c;
    const struct alloc *al;

    cluster_init(&c);
    cluster_nodes(&c, 2);
    cluster_job(&c, GROUP("3",
                          ",'Networks':[{'ReservedPorts':[{'Label':'a','Value':8080,'To':80}],"
                          "'DynamicPorts':[{'Label':'b','To':-1},{'Label':'c'}]}]",
                          ""));
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 2); /* one per node */
    al = find_live(&c, "j.g[0]");
    T_INT_EQ(al->resources->shared.ports.len, 3);
    T_INT_EQ(al->resources->shared.ports.at[0].value, 8080);
    T_INT_EQ(al->resources->shared.ports.at[0].to, 80);
    T_INT_EQ(al->resources->shared.ports.at[1].to, al->resources->shared.ports.at[1].value);
    T_TRUE(al->resources->shared.ports.at[1].value >= 20000);
    T_TRUE(al->resources->shared.ports.at[1].value <= 32000);
    T_TRUE(al->resources->shared.ports.at[1].value != al->resources->shared.ports.at[2].value);
    T_INT_EQ(count_get(c.plan.failed.at[0].dimension_exhausted,
                       "network: reserved port collision a=8080"),
             2);
}

static void few_ports(struct node *n, struct arena *a)
{
    (void)a;
    n->resources.min_dynamic_port = 20000;
    n->resources.max_dynamic_port = 20004;
}

TEST(dynamic_ports_run_out)
{
    auto_cluster struct cluster c;

    cluster_init(&c);
    cluster_node(&c, 0, few_ports);
    cluster_job(&c, GROUP("6", ",'Networks':[{'DynamicPorts':[{'Label':'b'}]}]", ""));
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 5);
    T_INT_EQ(count_get(c.plan.failed.at[0].dimension_exhausted,
                       "network: dynamic port selection failed"),
             1);
}

static void four_cores(struct node *n, struct arena *a)
{
    n->resources.cpu.reservable_cores = json_new_array(a);
    for (int i = 0; i < 4; i++)
        json_push(a, n->resources.cpu.reservable_cores, json_of_i64(a, i));
}

TEST(cores_are_given_to_one_alloc_each)
{
    auto_cluster struct cluster c;
    uint64_t seen = 0;

    cluster_init(&c);
    cluster_node(&c, 0, four_cores);
    cluster_job(&c, "{'ID':'j','Datacenters':['dc1'],'TaskGroups':[{'Name':'g','Count':3,"
                    "'EphemeralDisk':{'SizeMB':10},'Tasks':[{'Name':'t','Driver':'raw_exec',"
                    "'Resources':{'Cores':2,'MemoryMB':10}}]}]}");
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 2);
    for (int i = 0; i < 2; i++) {
        const struct alloc *al = find_live(&c, i ? "j.g[1]" : "j.g[0]");
        struct comparable k;

        alloc_comparable(al->resources, &k);
        T_INT_EQ(k.n_cores, 2);
        T_INT_EQ(k.cpu, 2000);
        T_TRUE((seen & k.cores[0]) == 0);
        seen |= k.cores[0];
    }
}

/* A distinct_property that forbids nothing makes every candidate be looked at exactly. */
TEST(the_fast_look_at_spreads_finds_what_the_exact_one_finds)
{
    static const char text[] =
        "{'ID':'j','Datacenters':['dc1'],'Constraints':[{'LTarget':'${meta.rack}',"
        "'Operand':'%s','RTarget':'%s'}],'TaskGroups':[{'Name':'g','Count':40,"
        "'Spreads':[{'Attribute':'${meta.rack}','Weight':70},"
        "{'Attribute':'${node.unique.name}','Weight':30}],"
        "'Tasks':[{'Name':'t','Driver':'raw_exec','Resources':{'CPU':300,'MemoryMB':100}}]}]}";
    static const char *const how[][2] = {{"is_set", ""}, {"distinct_property", "1000"}};
    const char *nodes[2][40];

    for (size_t i = 0; i < 2; i++) {
        auto_cluster struct cluster c;

        cluster_init(&c);
        for (int n = 0; n < 15; n++)
            cluster_node(&c, n, rack);
        cluster_job(&c, arena_printf(c.a, text, how[i][0], how[i][1]));
        cluster_eval(&c, EVAL_BY_REGISTER);
        T_INT_EQ(c.plan.places.len, 40);
        for (size_t k = 0; k < 40; k++)
            nodes[i][k] = strdup(c.plan.places.at[k]->node_id);
    }
    for (size_t k = 0; k < 40; k++) {
        T_STR_EQ(nodes[0][k], nodes[1][k]);
        free((void *)(uintptr_t)nodes[0][k]);
        free((void *)(uintptr_t)nodes[1][k]);
    }
}
