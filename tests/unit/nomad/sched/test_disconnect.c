/* Nodes that are not heard of: who is unknown, lost, replaced, and who stays afterwards. */
#include "sched_t.h"

#define GROUP(disconnect)                                                              \
    "{'ID':'j','Type':'service','Datacenters':['dc1'],'TaskGroups':[{'Name':'g'"       \
    ",'Count':2,'EphemeralDisk':{'SizeMB':10}," disconnect                             \
    ",'Tasks':[{'Name':'t','Driver':'raw_exec','Resources':{'CPU':100,'MemoryMB':100}" \
    "}]}]}"
#define LOST_AFTER(more) GROUP("'Disconnect':{'LostAfter':60000000000" more "}")

static int node_of(const struct alloc *al)
{
    int64_t n = 0;

    T_TRUE(str_to_i64(str_from(str_of(al->node_id), 24), 10, &n));
    return (int)n;
}

struct wanted {
    const char *id;
    const struct alloc *al;
};

static void take_wanted(void *ctx, const struct alloc *al)
{
    struct wanted *w = ctx;

    if (strcmp(w->id, al->id) == 0)
        w->al = al;
}

static const struct alloc *by_id(struct cluster *c, const char *id)
{
    struct wanted w = {.id = id};

    sched_each_job_alloc(c->sched, "default", "j", take_wanted, &w);
    T_TRUE(w.al != NULL);
    return w.al;
}

/* Two running allocs on three nodes; the node of j.g[0] becomes `status`. Its alloc's id. */
static const char *lose_node(struct cluster *c, const char *job, const char *status)
{
    const struct alloc *al;
    const char *id;

    cluster_init(c);
    cluster_nodes(c, 3);
    cluster_job(c, job);
    cluster_run(c);
    cluster_status(c, ALLOC_RUNNING);
    cluster_healthy(c);
    cluster_run(c);
    al = find_live(c, "j.g[0]");
    id = arena_strdup(c->a, al->id);
    cluster_node_status(c, node_of(al), status);
    cluster_eval(c, EVAL_BY_NODE_UPDATE);
    cluster_commit(c);
    return id;
}

static void come_back(struct cluster *c, const char *id, const char *client_status)
{
    const struct alloc *al = by_id(c, id);

    cluster_node_status(c, node_of(al), "ready");
    cluster_alloc(c, al, client_status, 0);
    cluster_eval(c, EVAL_BY_RECONNECT);
    cluster_commit(c);
}

TEST(what_becomes_of_a_running_alloc_whose_node_is_not_heard_of)
{
    static const struct {
        const char *label, *job, *status;
        const char *client_status, *desired;
        size_t placed;
        const char *eval_by;
    } rows[] = {
        {"no rule, down", GROUP("'Meta':null"), "down", ALLOC_LOST, ALLOC_STOP, 1, NULL},
        {"no rule, disconnected", GROUP("'Meta':null"), "disconnected", ALLOC_LOST, ALLOC_STOP,
         1, NULL},
        {"lost_after", LOST_AFTER(""), "disconnected", ALLOC_UNKNOWN, ALLOC_RUN, 1,
         EVAL_BY_DISCONNECT},
        {"lost_after, not replaced", LOST_AFTER(",'Replace':false"), "disconnected",
         ALLOC_UNKNOWN, ALLOC_RUN, 0, EVAL_BY_DISCONNECT},
        {"lost_after, but down", LOST_AFTER(""), "down", ALLOC_LOST, ALLOC_STOP, 1, NULL},
        {"the older argument", GROUP("'MaxClientDisconnect':60000000000"), "disconnected",
         ALLOC_UNKNOWN, ALLOC_RUN, 1, EVAL_BY_DISCONNECT},
        {"not replaced when lost", GROUP("'PreventRescheduleOnLost':true"), "down",
         ALLOC_UNKNOWN, ALLOC_RUN, 0, NULL},
        {"its client ends it first", GROUP("'Disconnect':{'StopOnClientAfter':60000000000}"),
         "down", ALLOC_RUNNING, ALLOC_RUN, 0, EVAL_BY_ALLOC_FAILURE},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_cluster struct cluster c;
        const char *id;

        T_ROW(rows[i].label);
        id = lose_node(&c, rows[i].job, rows[i].status);
        T_STR_EQ(by_id(&c, id)->client_status, rows[i].client_status);
        T_STR_EQ(by_id(&c, id)->desired_status, rows[i].desired);
        T_INT_EQ(c.plan.places.len, rows[i].placed);
        T_INT_EQ(c.plan.evals.len, rows[i].eval_by != NULL);
        if (rows[i].eval_by) {
            T_STR_EQ(c.plan.evals.at[0]->triggered_by, rows[i].eval_by);
            T_STR_EQ(by_id(&c, id)->followup_eval_id, c.plan.evals.at[0]->id);
        }
        cluster_eval(&c, EVAL_BY_NODE_UPDATE);
        T_TRUE(plan_is_empty(&c.plan)); /* nothing is done twice */
    }
}

TEST(a_pending_alloc_of_a_disconnected_node_is_lost)
{
    auto_cluster struct cluster c;
    const struct alloc *al;

    cluster_init(&c);
    cluster_nodes(&c, 3);
    cluster_job(&c, LOST_AFTER(""));
    cluster_run(&c);
    al = find_live(&c, "j.g[0]");
    cluster_node_status(&c, node_of(al), "disconnected");
    cluster_eval(&c, EVAL_BY_NODE_UPDATE);
    T_INT_EQ(c.plan.stops.len, 1);
    T_STR_EQ(c.plan.stops.at[0].client_status, ALLOC_LOST);
    T_STR_EQ(c.plan.stops.at[0].desired_description, ALLOC_IS_LOST);
}

TEST(an_unknown_alloc_is_lost_when_its_time_is_over)
{
    auto_cluster struct cluster c;
    const char *id = lose_node(&c, LOST_AFTER(""), "disconnected");

    T_STR_EQ(by_id(&c, id)->client_description, ALLOC_IS_UNKNOWN);
    T_INT_EQ(c.plan.evals.at[0]->wait_until, c.now + 60LL * T_SECOND);
    c.now += 59LL * T_SECOND;
    cluster_eval(&c, EVAL_BY_DISCONNECT);
    T_TRUE(plan_is_empty(&c.plan));
    c.now += 1LL * T_SECOND;
    cluster_eval(&c, EVAL_BY_DISCONNECT);
    cluster_commit(&c);
    T_STR_EQ(by_id(&c, id)->client_status, ALLOC_LOST);
    T_INT_EQ(c.plan.places.len, 0); /* it was replaced already */
    T_INT_EQ(count_live(&c), 2);
}

TEST(one_that_was_not_replaced_takes_its_place_again)
{
    auto_cluster struct cluster c;
    const char *id = lose_node(&c, LOST_AFTER(",'Replace':false"), "disconnected");

    come_back(&c, id, ALLOC_RUNNING);
    T_INT_EQ(c.plan.stops.len + c.plan.places.len, 0);
    T_INT_EQ(c.plan.annotations->updates.at[0].reconnect, 1);
    T_INT_EQ(alloc_unknown_since(by_id(&c, id)), 0);
    cluster_eval(&c, EVAL_BY_NODE_UPDATE);
    T_TRUE(plan_is_empty(&c.plan));
}

static void score(struct cluster *c, const struct alloc *al, double norm)
{
    struct alloc *copy = schema_copy(&alloc_schema, al, c->a);

    copy->metrics = arena_new_of(c->a, struct alloc_metric);
    list_push(c->a, &copy->metrics->score_meta,
              ((struct score_meta){.node_id = copy->node_id, .norm_score = norm}));
    copy->task_states.len = 0;
    struct task_state ts = {.name = "t", .state = TASK_RUNNING};
    opt_set(c->a, &ts.started_at, (int64_t)(norm * 1000));
    list_push(c->a, &copy->task_states, ts);
    cluster_alloc(c, copy, copy->client_status, 0);
}

TEST(who_stays_when_an_alloc_comes_back_to_its_replacement)
{
    static const struct {
        const char *label, *job, *replacement;
        double was, is; /* scores; their thousandfold the starts */
        bool original_stays;
    } rows[] = {
        {"default, better", LOST_AFTER(""), ALLOC_RUNNING, 0.7, 0.5, true},
        {"default, worse", LOST_AFTER(""), ALLOC_RUNNING, 0.5, 0.7, false},
        {"default, the other does not run yet", LOST_AFTER(""), ALLOC_PENDING, 0.5, 0.7, true},
        {"original", LOST_AFTER(",'Reconcile':'keep_original'"), ALLOC_RUNNING, 0.5, 0.7, true},
        {"replacement", LOST_AFTER(",'Reconcile':'keep_replacement'"), ALLOC_RUNNING, 0.7, 0.5,
         false},
        {"longest, the first", LOST_AFTER(",'Reconcile':'longest_running'"), ALLOC_RUNNING, 0.5,
         0.7, true},
        {"longest, the second", LOST_AFTER(",'Reconcile':'longest_running'"), ALLOC_RUNNING,
         0.7, 0.5, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_cluster struct cluster c;
        const char *id, *other;

        T_ROW(rows[i].label);
        id = lose_node(&c, rows[i].job, "disconnected");
        T_INT_EQ(c.plan.places.len, 1);
        T_STR_EQ(c.plan.places.at[0]->name, "j.g[0]");
        T_STR_EQ(c.plan.places.at[0]->previous_allocation, id);
        other = arena_strdup(c.a, c.plan.places.at[0]->id);
        cluster_alloc(&c, by_id(&c, other), rows[i].replacement, 0);
        score(&c, by_id(&c, id), rows[i].was);
        score(&c, by_id(&c, other), rows[i].is);
        come_back(&c, id, ALLOC_RUNNING);
        T_INT_EQ(c.plan.places.len, 0);
        T_INT_EQ(c.plan.stops.len, 1);
        T_STR_EQ(c.plan.stops.at[0].alloc->id, rows[i].original_stays ? other : id);
        T_STR_EQ(c.plan.stops.at[0].desired_description, ALLOC_RECONNECTED);
        T_INT_EQ(count_live(&c), 2);
        cluster_eval(&c, EVAL_BY_NODE_UPDATE);
        T_TRUE(plan_is_empty(&c.plan));
    }
}

TEST(one_that_comes_back_of_an_older_version_goes)
{
    auto_cluster struct cluster c;
    const char *id = lose_node(&c, LOST_AFTER(",'Reconcile':'keep_original'"), "disconnected");

    cluster_job(&c, "{'ID':'j','Type':'service','Datacenters':['dc1'],'TaskGroups':[{'Name':'g'"
                    ",'Count':2,'Disconnect':{'LostAfter':60000000000},'Tasks':[{'Name':'t',"
                    "'Driver':'raw_exec','Env':{'a':'b'}}]}]}");
    for (int i = 0; i < 4; i++) {
        cluster_status(&c, ALLOC_RUNNING);
        cluster_alloc(&c, by_id(&c, id), ALLOC_UNKNOWN, 0);
        cluster_healthy(&c);
        cluster_run(&c);
    }
    come_back(&c, id, ALLOC_RUNNING);
    T_STR_EQ(by_id(&c, id)->desired_status, ALLOC_STOP);
    T_INT_EQ(count_live(&c), 2);
}

TEST(a_smaller_count_does_not_wait_for_the_unknown)
{
    auto_cluster struct cluster c;
    const char *id = lose_node(&c, LOST_AFTER(""), "disconnected");

    cluster_job(&c, "{'ID':'j','Type':'service','Datacenters':['dc1'],'TaskGroups':[{'Name':'g'"
                    ",'Count':0,'Disconnect':{'LostAfter':60000000000},'Tasks':[{'Name':'t',"
                    "'Driver':'raw_exec'}]}]}");
    cluster_run(&c);
    T_STR_EQ(by_id(&c, id)->desired_status, ALLOC_STOP);
    T_INT_EQ(count_live(&c), 0);
}
