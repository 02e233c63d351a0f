#include "cluster.h"

TEST(the_agent_answers_for_itself)
{
    static const struct {
        const char *label, *method, *path;
        int status;
        const char *want;
    } rows[] = {
        {"leader", "GET", "/v1/status/leader", 200, "\"127.0.0.1:4647\""},
        {"peers", "GET", "/v1/status/peers", 200, "[\"127.0.0.1:4647\"]"},
        {"regions", "GET", "/v1/regions", 200, "[\"global\"]"},
        {"leader is read", "POST", "/v1/status/leader", 405, "Invalid method"},
        {"health", "GET", "/v1/agent/health", 200,
         "{\"server\":{\"message\":\"ok\",\"ok\":true}}"},
        {"health of no client", "GET", "/v1/agent/health?type=client", 500,
         "client not enabled"},
        {"health of neither", "GET", "/v1/agent/health?type=x", 200, "{}"},
        {"servers without client", "GET", "/v1/agent/servers", 501, "Invalid method"},
        {"join nobody", "PUT", "/v1/agent/join", 400, "missing address to join"},
        {"join", "PUT", "/v1/agent/join?address=x", 200, "\"num_joined\":0"},
        {"leave nobody", "PUT", "/v1/agent/force-leave", 400, "missing node to force leave"},
        {"leave", "PUT", "/v1/agent/force-leave?node=x", 200, ""},
        {"unknown", "GET", "/v1/agent/bogus", 404, ""},
        {"gc is written", "GET", "/v1/system/gc", 405, "Invalid method"},
        {"license", "GET", "/v1/operator/license", 204, ""},
        {"quotas", "GET", "/v1/quotas", 501, "Nomad Enterprise only endpoint"},
        {"sentinel", "GET", "/v1/sentinel/policies", 501, "Nomad Enterprise only endpoint"},
        {"acl", "GET", "/v1/acl/tokens", 400, "ACL support disabled"},
        {"prometheus", "GET", "/v1/metrics?format=prometheus", 415,
         "Prometheus is not enabled"},
        {"metrics", "GET", "/v1/metrics", 200, "nomad.state.latest_index"},
        {"no peer", "DELETE", "/v1/operator/raft/peer", 400, "Must specify either ?id"},
        {"unknown peer", "DELETE", "/v1/operator/raft/peer?id=nope", 500,
         "id \"nope\" was not found in the Raft configuration"},
        {"namespaces", "GET", "/v1/namespaces", 200, "\"Name\":\"default\""},
        {"no namespace", "GET", "/v1/namespace/none", 404, "Namespace not found"},
        {"no volume", "GET", "/v1/volume/csi/none", 404, "volume not found"},
        {"volumes", "GET", "/v1/volumes?type=csi", 200, "[]"},
        {"autopilot", "GET", "/v1/operator/autopilot/health", 200, "\"Healthy\":true"},
    };
    struct cluster cl;

    cluster_start(&cl, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        struct answer a = ask(&cl, rows[i].method, rows[i].path, NULL);

        T_INT_EQ(a.status, rows[i].status);
        T_STR_HAS(a.body, rows[i].want);
    }
    T_ROW("");
    cluster_stop(&cl);
}

TEST(self_and_members_name_one_server)
{
    struct nomad_server_opts o = {.with_client = true};
    struct cluster cl;

    cluster_start(&cl, &o);
    struct answer self = ask(&cl, "GET", "/v1/agent/self", NULL);
    struct answer members = ask(&cl, "GET", "/v1/agent/members", NULL);
    struct answer raft = ask(&cl, "GET", "/v1/operator/raft/configuration", NULL);

    T_AT(&cl, &self, "member.Name", "server1.global");
    T_AT(&cl, &self, "member.Tags.port", "4647");
    T_AT(&cl, &self, "config.Version.Version", "1.9.7");
    T_AT(&cl, &self, "config.Client.Enabled", "true");
    T_AT(&cl, &self, "stats.raft.state", "Leader");
    T_AT(&cl, &self, "stats.client.known_servers", "127.0.0.1:4647");
    T_AT(&cl, &members, "Members.0.Status", "alive");
    T_AT(&cl, &raft, "Servers.0.ID", at(&cl, &self, "member.Tags.id"));
    T_INT_EQ(strlen(at(&cl, &self, "member.Tags.id")), 36);
    cluster_stop(&cl);
}

TEST(scheduler_configuration_is_kept_and_compared)
{
    static const struct {
        const char *label, *query, *body;
        int status;
        const char *want;
    } rows[] = {
        {"bad algorithm", "", "{\"SchedulerAlgorithm\":\"bogus\"}", 400,
         "invalid scheduler algorithm: bogus"},
        {"bad index", "?cas=x", "{}", 400, "Error parsing cas value"},
        {"another index", "?cas=77", "{}", 200, "\"Updated\":false"},
        {"the first index", "?cas=1", "{\"SchedulerAlgorithm\":\"spread\"}", 200,
         "\"Updated\":true"},
        {"the first index again", "?cas=1", "{}", 200, "\"Updated\":false"},
    };
    static const char path[] = "/v1/operator/scheduler/configuration";
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n"); /* so that the next index is not the first one */
    struct answer now = ask(&cl, "GET", path, NULL);

    T_AT(&cl, &now, "SchedulerConfig.SchedulerAlgorithm", "binpack");
    T_AT(&cl, &now, "SchedulerConfig.PreemptionConfig.SystemSchedulerEnabled", "true");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        struct answer a =
            ask(&cl, "PUT", arena_printf(cl.arena, "%s%s", path, rows[i].query), rows[i].body);

        T_INT_EQ(a.status, rows[i].status);
        T_STR_HAS(a.body, rows[i].want);
    }
    T_ROW("");
    now = ask(&cl, "GET", path, NULL);
    T_AT(&cl, &now, "SchedulerConfig.SchedulerAlgorithm", "spread");
    T_AT(&cl, &now, "SchedulerConfig.ModifyIndex", at(&cl, &now, "Index"));
    cluster_stop(&cl);
}

TEST(summaries_are_counted_again)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 2, "null"));
    const char **ids = allocs_of(&cl, "web", "pending", 2);

    report(&cl, ids[0], "running", -1);
    T_INT_EQ(ask(&cl, "PUT", "/v1/system/reconcile/summaries", NULL).status, 200);
    struct answer s = ask(&cl, "GET", "/v1/job/web/summary", NULL);

    T_AT(&cl, &s, "Summary.g.Running", "1");
    T_AT(&cl, &s, "Summary.g.Starting", "1");
    cluster_stop(&cl);
}
