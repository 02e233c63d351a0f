#include "cluster.h"

static const char *node_path(struct cluster *cl, const char *id, const char *sub)
{
    return arena_printf(cl->arena, "/v1/node/%s%s", id, sub);
}

/* Messages of a node's events, one a line. */
static const char *events(struct cluster *cl, const char *id)
{
    struct answer n = ask(cl, "GET", node_path(cl, id, ""), NULL);
    const struct json *list = json_get(n.json, "Events");
    const char *all = "";

    for (uint32_t i = 0; i < list->len; i++)
        all = arena_printf(cl->arena, "%s%.*s\n", all,
                           STR_ARG(json_get(&list->items[i], "Message")->text));
    return all;
}

/* What still runs there and is wanted, of a job. */
static int on_node(struct cluster *cl, const char *node, const char *job)
{
    struct answer a = ask(cl, "GET", node_path(cl, node, "/allocations"), NULL);
    int n = 0;

    for (uint32_t i = 0; i < a.json->len; i++)
        n += str_eqc(json_get(&a.json->items[i], "JobID")->text, job) &&
             str_eqc(json_get(&a.json->items[i], "DesiredStatus")->text, "run");
    return n;
}

static void run_all(struct cluster *cl, const char *job, int n)
{
    const char **ids = allocs_of(cl, job, "pending", n);

    for (int i = 0; i < n; i++)
        report(cl, ids[i], "running", 1);
}

TEST(a_node_is_shown_without_its_secret)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    const char *id = node_up(&cl, "n");
    struct answer n = ask(&cl, "GET", node_path(&cl, id, ""), NULL);

    T_AT(&cl, &n, "SecretID", "");
    T_AT(&cl, &n, "Drain", "false");
    T_AT(&cl, &n, "DrainStrategy", "null");
    T_AT(&cl, &n, "Resources.CPU", "4000");
    T_AT(&cl, &n, "CSINodePlugins", "{}");
    T_TRUE(!strstr(n.body, "SecretIDHash"));
    struct answer l = ask(&cl, "GET", "/v1/nodes?os=true&resources=true", NULL);

    T_AT(&cl, &l, "0.Address", "127.0.0.1");
    T_AT(&cl, &l, "0.Version", "1.9.7");
    T_STR_HAS(l.body, "\"os.name\":\"debian\"");
    T_AT(&cl, &l, "0.NodeResources.Memory.MemoryMB", "4096");
    T_AT(&cl, &l, "0.HostVolumes", "null");
    l = ask(&cl, "GET", "/v1/node/pool/all/nodes", NULL);
    T_INT_EQ(l.json->len, 1);
    l = ask(&cl, "GET", "/v1/node/pool/nope", NULL);
    T_INT_EQ(l.status, 404);
    cluster_stop(&cl);
}

TEST(an_ineligible_node_gets_nothing_until_it_is_eligible_again)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    const char *id = node_up(&cl, "n");
    const char *path = node_path(&cl, id, "/eligibility");
    struct answer a = ask(&cl, "PUT", path, "{\"Eligibility\":\"bogus\"}");

    T_INT_EQ(a.status, 500);
    T_STR_EQ(a.body, "invalid scheduling eligibility \"bogus\"");
    a = ask(&cl, "PUT", path, "{\"Eligibility\":\"ineligible\"}");
    T_AT(&cl, &a, "EvalIDs", "null");
    T_AT(&cl, &a, "NodeModifyIndex", "0");
    struct answer reg = ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 1, "null"));

    wait_for(&cl, arena_printf(cl.arena, "/v1/evaluation/%s", at(&cl, &reg, "EvalID")),
             "Status", "complete");
    T_INT_EQ(count_allocs(&cl, "web", NULL, NULL), 0);
    ask(&cl, "PUT", path, "{\"Eligibility\":\"eligible\"}");
    allocs_of(&cl, "web", "pending", 1);
    T_STR_HAS(events(&cl, id), "Node marked as ineligible for scheduling\n"
                               "Node marked as eligible for scheduling\n");
    cluster_stop(&cl);
}

TEST(a_drain_moves_a_service_one_after_the_other)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    const char *old = node_up(&cl, "old");

    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 3, "null"));
    run_all(&cl, "web", 3);
    node_up(&cl, "new");
    struct answer a =
        ask(&cl, "PUT", node_path(&cl, old, "/drain"),
            "{\"DrainSpec\":{\"Deadline\":3600000000000},\"Meta\":{\"m\":\"x\"}}");

    T_INT_EQ(a.status, 200);
    for (int left = 2; left >= 0; left--) {
        /* one has been told to go, and the others wait for its successor */
        const char *next = allocs_of(&cl, "web", "pending", 1)[0];

        T_INT_EQ(on_node(&cl, old, "web"), left);
        report(&cl, next, "running", 1);
    }
    T_STR_EQ(events(&cl, old), "Node registered\nNode drain strategy set\n");
    struct answer all = ask(&cl, "GET", node_path(&cl, old, "/allocations"), NULL);

    for (uint32_t i = 0; i < all.json->len; i++) /* the drain waits for the last to end */
        report(&cl, arena_cstr(cl.arena, json_get(&all.json->items[i], "ID")->text), "complete",
               -1);
    wait_for(&cl, node_path(&cl, old, ""), "LastDrain.Status", "complete");
    struct answer n = ask(&cl, "GET", node_path(&cl, old, ""), NULL);

    T_AT(&cl, &n, "Drain", "false");
    T_AT(&cl, &n, "SchedulingEligibility", "ineligible");
    T_AT(&cl, &n, "LastDrain.Meta.m", "x");
    T_STR_HAS(events(&cl, old), "Node drain complete\n");
    cluster_stop(&cl);
}

TEST(a_drain_leaves_batch_work_until_its_deadline)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    const char *old = node_up(&cl, "old");

    ask(&cl, "PUT", "/v1/jobs", job_text_with(&cl, "bat", "batch", 1, "null", "/bin/sleep"));
    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 1, "null"));
    run_all(&cl, "bat", 1);
    run_all(&cl, "web", 1);
    node_up(&cl, "new");
    ask(&cl, "PUT", node_path(&cl, old, "/drain"),
        "{\"DrainSpec\":{\"Deadline\":3600000000000}}");
    allocs_of(&cl, "web", "pending", 1);
    T_INT_EQ(on_node(&cl, old, "bat"), 1);
    ask(&cl, "PUT", node_path(&cl, old, "/drain"), "{\"DrainSpec\":{\"Deadline\":-1}}");
    allocs_of(&cl, "bat", "pending", 1);
    T_INT_EQ(on_node(&cl, old, "bat"), 0);
    T_STR_HAS(events(&cl, old), "Node drain strategy updated\n");
    cluster_stop(&cl);
}

TEST(system_jobs_leave_last_or_not_at_all)
{
    static const struct {
        const char *label, *spec, *status;
        int left;
    } rows[] = {
        {"last", "{\"DrainSpec\":{\"Deadline\":-1}}", "draining", 0},
        {"ignored", "{\"DrainSpec\":{\"Deadline\":-1,\"IgnoreSystemJobs\":true}}", "complete",
         1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        struct cluster cl;

        cluster_start(&cl, NULL);
        const char *node = node_up(&cl, "n");

        ask(&cl, "PUT", "/v1/jobs",
            job_text_with(&cl, "sys", "system", 1, "null", "/bin/sleep"));
        run_all(&cl, "sys", 1);
        ask(&cl, "PUT", node_path(&cl, node, "/drain"), rows[i].spec);
        wait_for(&cl, node_path(&cl, node, ""), "LastDrain.Status", rows[i].status);
        if (rows[i].left == 0)
            wait_for(&cl, node_path(&cl, node, "/allocations"), "0.DesiredStatus", "stop");
        T_INT_EQ(on_node(&cl, node, "sys"), rows[i].left);
        cluster_stop(&cl);
    }
    T_ROW("");
}

TEST(a_drain_can_be_called_off)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    const char *node = node_up(&cl, "n");

    ask(&cl, "PUT", "/v1/jobs", job_text_with(&cl, "bat", "batch", 1, "null", "/bin/sleep"));
    run_all(&cl, "bat", 1);
    ask(&cl, "PUT", node_path(&cl, node, "/drain"), "{\"DrainSpec\":{\"Deadline\":0}}");
    struct answer a =
        ask(&cl, "PUT", node_path(&cl, node, "/eligibility"), "{\"Eligibility\":\"eligible\"}");

    T_INT_EQ(a.status, 500);
    T_STR_HAS(a.body, "while it is draining");
    a = ask(&cl, "PUT", node_path(&cl, node, "/drain"),
            "{\"DrainSpec\":null,\"MarkEligible\":true}");
    T_TRUE(*at(&cl, &a, "EvalIDs.0"));
    struct answer n = ask(&cl, "GET", node_path(&cl, node, ""), NULL);

    T_AT(&cl, &n, "LastDrain.Status", "canceled");
    T_AT(&cl, &n, "SchedulingEligibility", "eligible");
    T_INT_EQ(on_node(&cl, node, "bat"), 1);
    cluster_stop(&cl);
}

TEST(a_purged_nodes_work_moves)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    const char *old = node_up(&cl, "old");

    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 1, "null"));
    run_all(&cl, "web", 1);
    struct answer ev = ask(&cl, "PUT", node_path(&cl, old, "/evaluate"), NULL);

    T_AT(&cl, &ev, "NumNodes", "1");
    node_up(&cl, "new");
    struct answer a = ask(&cl, "PUT", node_path(&cl, old, "/purge"), NULL);

    T_TRUE(*at(&cl, &a, "EvalIDs.0"));
    T_INT_EQ(ask(&cl, "GET", node_path(&cl, old, ""), NULL).status, 404);
    allocs_of(&cl, "web", "pending", 1);
    T_INT_EQ(count_allocs(&cl, "web", "lost", "stop"), 1);
    cluster_stop(&cl);
}
