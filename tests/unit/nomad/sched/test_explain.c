/* Why an alloc has no place: kinds, counts, the nearest node, what is missing, in words. */
#include "nomad/sched/explain.h"
#include "sched_t.h"

#define JOB(group) "{'ID':'j','Datacenters':['dc1'],'TaskGroups':[{'Name':'g'," group "}]}"
#define TASK(resources) "'Tasks':[{'Name':'t','Driver':'raw_exec','Resources':{" resources "}}]"

static const struct explain_group *explain(struct cluster *c, const char *text)
{
    c->explain = arena_new_of(c->a, struct explanation);
    cluster_job(c, text);
    cluster_eval(c, EVAL_BY_REGISTER);
    T_INT_EQ(c->explain->groups.len, 1);
    return &c->explain->groups.at[0];
}

static void to_windows(struct node *n, struct arena *a)
{
    strmap_set(a, &n->attributes, "kernel.name", "windows");
    n->node_class = "desk";
}

static void to_dc2(struct node *n, struct arena *a)
{
    (void)a;
    n->datacenter = "dc2";
}

static void to_pool(struct node *n, struct arena *a)
{
    (void)a;
    n->node_pool = "gpu";
}

static void without_driver(struct node *n, struct arena *a)
{
    strmap_set(a, &n->attributes, "driver.raw_exec", "0");
}

static void ineligible(struct node *n, struct arena *a)
{
    (void)a;
    n->eligibility = "ineligible";
}

static void ssh_reserved(struct node *n, struct arena *a)
{
    (void)a;
    n->reserved.networks.reserved_host_ports = "22";
}

TEST(each_kind_of_obstacle_is_named_with_what_would_have_to_change)
{
    static const struct {
        const char *label, *job;
        void (*edit)(struct node *n, struct arena *a);
        const char *kind, *reason, *change, *class;
    } rows[] = {
        {"too little", JOB("'Count':1," TASK("'CPU':4300,'MemoryMB':100")), NULL, "resources",
         "cpu", "a larger node: n0 lacks 300 MHz of CPU", ""},
        {"constraint",
         JOB("'Count':1,'Constraints':[{'LTarget':'${attr.kernel.name}','RTarget':'linux',"
             "'Operand':'='}]," TASK("'CPU':100")),
         to_windows, "constraint", "${attr.kernel.name} = linux",
         "a node whose ${attr.kernel.name} = linux (on n0 it is \"windows\")", "desk"},
        {"constraint on what is absent",
         JOB("'Count':1,'Constraints':[{'LTarget':'${meta.rack}','RTarget':'r1',"
             "'Operand':'='}]," TASK("'CPU':100")),
         NULL, "constraint", "${meta.rack} = r1", "a node that has ${meta.rack}", ""},
        {"driver", JOB("'Count':1," TASK("'CPU':100")), without_driver, "driver",
         "missing drivers", "driver raw_exec found and healthy on n0", ""},
        {"datacenter", JOB("'Count':1," TASK("'CPU':100")), to_dc2, "datacenter",
         "in datacenter dc2", "the job's datacenters to hold dc2", ""},
        {"pool", JOB("'Count':1," TASK("'CPU':100")), to_pool, "node-pool", "in node pool gpu",
         "the job's node_pool to be gpu", ""},
        {"ineligible", JOB("'Count':1," TASK("'CPU':100")), ineligible, "not-ready",
         "ineligible", "nomad node eligibility -enable", ""},
        {"volume",
         JOB("'Count':1,'Volumes':{'v':{'Name':'v','Type':'host','Source':'data'}}," TASK(
             "'CPU':100")),
         NULL, "volume", "missing compatible host volumes", "host volumes", ""},
        {"host network",
         JOB("'Count':1,'Networks':[{'DynamicPorts':[{'Label':'p','HostNetwork':'x'}]}]," TASK(
             "'CPU':100")),
         NULL, "network", "missing host network \"x\" for port \"p\"", "host network", ""},
        {"a port of the host's",
         JOB("'Count':1,'Networks':[{'ReservedPorts':[{'Label':'p','Value':22}]}]," TASK(
             "'CPU':100")),
         ssh_reserved, "port", "network: reserved port collision p=22",
         "port 22 free on n0: it is reserved for the host", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_cluster struct cluster c;
        const struct explain_group *g;

        T_ROW(rows[i].label);
        cluster_init(&c);
        cluster_node(&c, 0, rows[i].edit);
        g = explain(&c, rows[i].job);
        T_INT_EQ(g->count, 1);
        T_INT_EQ(g->live, 0);
        T_INT_EQ(g->unplaced, 1);
        T_STR_EQ(g->names.at[0], "j.g[0]");
        T_INT_EQ(g->reasons.len, 1);
        T_INT_EQ(g->reasons.at[0].nodes, 1);
        T_STR_EQ(g->reasons.at[0].kind, rows[i].kind);
        T_STR_EQ(g->reasons.at[0].reason, rows[i].reason);
        T_STR_EQ(g->reasons.at[0].node_class, rows[i].class);
        T_STR_HAS(g->reasons.at[0].change, rows[i].change);
    }
    T_ROW("");
}

TEST(the_nearest_node_of_those_alike_is_named_and_what_it_lacks)
{
    auto_cluster struct cluster c;
    const struct explain_reason *r;
    const struct explain_group *g;

    cluster_init(&c);
    cluster_nodes(&c, 3);
    cluster_other(&c, &(struct other){"a", "o0", .node = 0, .cpu = 3900, .mem = 100});
    cluster_other(&c, &(struct other){"b", "o1", .node = 1, .cpu = 3300, .mem = 100});
    cluster_other(&c, &(struct other){"d", "o2", .node = 2, .cpu = 3800, .mem = 100});
    g = explain(&c, JOB("'Count':2," TASK("'CPU':1000,'MemoryMB':100")));
    T_INT_EQ(g->unplaced, 2);
    T_INT_EQ(g->reasons.len, 1);
    r = &g->reasons.at[0];
    T_INT_EQ(r->nodes, 3);
    T_STR_EQ(r->node_name, "n1");
    T_INT_EQ(r->missing.cpu, 300);
    T_INT_EQ(r->missing.memory_mb, 0);
    T_FALSE(r->missing.too_small);
    T_STR_EQ(r->change, "300 MHz of CPU more free on n1");
}

TEST(who_holds_a_port_is_named)
{
    auto_cluster struct cluster c;
    const struct explain_reason *r;

    cluster_init(&c);
    cluster_node(&c, 0, NULL);
    cluster_other(&c, &(struct other){"holder", "web", .cpu = 10, .mem = 10, .port = 8080});
    r = &explain(
             &c,
             JOB("'Count':1,'Networks':[{'ReservedPorts':[{'Label':'p','Value':8080}]}]," TASK(
                 "'CPU':100")))
             ->reasons.at[0];
    T_STR_EQ(r->kind, "port");
    T_INT_EQ(r->ports.len, 1);
    T_STR_EQ(r->ports.at[0].alloc_id, "holder");
    T_STR_EQ(r->ports.at[0].job_id, "web");
    T_STR_HAS(r->change, "port 8080 free on n0: allocation holder of job web has it");
}

TEST(what_the_plan_itself_places_counts_as_taken)
{
    auto_cluster struct cluster c;
    const struct explain_group *g;

    cluster_init(&c);
    cluster_nodes(&c, 2);
    g = explain(
        &c, JOB("'Count':3,'Constraints':[{'Operand':'distinct_hosts'}]," TASK("'CPU':100")));
    T_INT_EQ(g->would_place, 2);
    T_INT_EQ(g->unplaced, 1);
    T_STR_EQ(g->reasons.at[0].kind, "distinct_hosts");
    T_INT_EQ(g->reasons.at[0].nodes, 2);
}

TEST(a_placed_job_has_nothing_to_explain)
{
    auto_cluster struct cluster c;
    const struct explain_group *g;

    cluster_init(&c);
    cluster_nodes(&c, 2);
    cluster_job(&c, JOB("'Count':3," TASK("'CPU':100")));
    cluster_run(&c);
    c.explain = arena_new_of(c.a, struct explanation);
    cluster_eval(&c, EVAL_BY_QUEUED);
    g = &c.explain->groups.at[0];
    T_INT_EQ(g->live, 3);
    T_INT_EQ(g->would_place + g->unplaced, 0);
    T_INT_EQ(g->reasons.len, 0);
}

TEST(a_system_job_is_explained_node_by_node)
{
    auto_cluster struct cluster c;
    const struct explain_group *g;

    cluster_init(&c);
    cluster_nodes(&c, 3);
    cluster_other(&c, &(struct other){"a", "o", .node = 1, .cpu = 3950, .mem = 10});
    g = explain(&c, "{'ID':'j','Type':'system','Datacenters':['dc1'],'TaskGroups':[{'Name':'g',"
                    "'Count':1," TASK("'CPU':100") "}]}");
    T_INT_EQ(g->would_place, 2);
    T_INT_EQ(g->unplaced, 1);
    T_INT_EQ(g->reasons.len, 1);
    T_STR_EQ(g->reasons.at[0].node_name, "n1");
    T_INT_EQ(g->reasons.at[0].missing.cpu, 50);
}
