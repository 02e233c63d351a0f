/* Nodes that miss their heartbeat, and what becomes of their allocs. */
#include "cluster.h"

static const struct nomad_server_opts quick = {.min_heartbeat_ttl_ms = 300,
                                               .heartbeat_grace_ms = 1};

static const char *job_with(struct cluster *cl, const char *disconnect)
{
    return arena_printf(
        cl->arena,
        "{\"Job\":{\"ID\":\"web\",\"Datacenters\":[\"dc1\"],\"TaskGroups\":[{\"Name\":\"g\","
        "\"Disconnect\":%s,\"Tasks\":[{\"Name\":\"t\",\"Driver\":\"raw_exec\","
        "\"Config\":{\"command\":\"/bin/true\"}}]}]}}",
        disconnect);
}

/* One running alloc on a node that is heard of until then. */
static const char *one_running(struct cluster *cl, const char *node, const char *disconnect)
{
    const char *id;

    T_INT_EQ(ask(cl, "PUT", "/v1/jobs", job_with(cl, disconnect)).status, 200);
    T_UNTIL((node_beat(cl, node), count_allocs(cl, "web", "pending", "run")) == 1);
    id = allocs_of(cl, "web", "pending", 1)[0];
    node_beat(cl, node);
    report(cl, id, "running", -1);
    return id;
}

static const char *node_path(struct cluster *cl, const char *node)
{
    return arena_printf(cl->arena, "/v1/node/%s", node);
}

static const char *alloc_path(struct cluster *cl, const char *id)
{
    return arena_printf(cl->arena, "/v1/allocation/%s", id);
}

TEST(a_node_that_misses_its_heartbeat_is_down_until_it_is_heard_of_again)
{
    struct cluster cl;
    const char *node, *id;

    cluster_start(&cl, &quick);
    node = node_up(&cl, "n");
    id = one_running(&cl, node, "null");
    wait_for(&cl, node_path(&cl, node), "Status", "down");
    wait_for(&cl, alloc_path(&cl, id), "ClientStatus", "lost");
    wait_for(&cl, alloc_path(&cl, id), "DesiredStatus", "stop");
    T_STR_HAS(ask(&cl, "GET", node_path(&cl, node), NULL).body, "Node heartbeat missed");
    node_beat(&cl, node);
    wait_for(&cl, node_path(&cl, node), "Status", "ready");
    cluster_stop(&cl);
}

TEST(a_node_whose_alloc_may_come_back_is_disconnected)
{
    struct cluster cl;
    const char *node, *id;
    struct answer a;

    cluster_start(&cl, &quick);
    node = node_up(&cl, "n");
    id = one_running(&cl, node, "{\"LostAfter\":3600000000000,\"Replace\":false}");
    wait_for(&cl, node_path(&cl, node), "Status", "disconnected");
    wait_for(&cl, alloc_path(&cl, id), "ClientStatus", "unknown");
    wait_for(&cl, alloc_path(&cl, id), "DesiredStatus", "run");
    a = ask(&cl, "GET", "/v1/job/web/summary", NULL);
    T_AT(&cl, &a, "Summary.g.Unknown", "1");
    node_beat(&cl, node);
    wait_for(&cl, node_path(&cl, node), "Status", "ready");
    report(&cl, id, "running", -1);
    T_UNTIL((node_beat(&cl, node),
             strstr(ask(&cl, "GET", alloc_path(&cl, id), NULL).body, "\"Value\":\"running\"")));
    T_STR_HAS(ask(&cl, "GET", "/v1/job/web/evaluations", NULL).body, "reconnect");
    T_INT_EQ(count_allocs(&cl, "web", "running", "run"), 1);
    cluster_stop(&cl);
}

TEST(a_disconnected_node_is_down_when_nothing_on_it_may_come_back)
{
    struct cluster cl;
    const char *node, *id;

    cluster_start(&cl, &quick);
    node = node_up(&cl, "n");
    id = one_running(&cl, node, "{\"LostAfter\":1000000000}");
    wait_for(&cl, alloc_path(&cl, id), "ClientStatus", "lost");
    wait_for(&cl, node_path(&cl, node), "Status", "down");
    T_STR_HAS(ask(&cl, "GET", alloc_path(&cl, id), NULL).body, "\"Value\":\"unknown\"");
    cluster_stop(&cl);
}
