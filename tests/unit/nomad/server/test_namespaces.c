#include "cluster.h"

struct row {
    const char *label, *method, *path, *body;
    int status;
    const char *want;
};

static void play(struct cluster *cl, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        T_ROW(rows[i].label);
        struct answer a = ask(cl, rows[i].method, rows[i].path, rows[i].body);

        T_INT_EQ(a.status, rows[i].status);
        T_STR_HAS(a.body, rows[i].want);
    }
    T_ROW("");
}

#define LONG_TEXT                                                                              \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "x"

TEST(namespaces_are_made_changed_and_removed)
{
    static const struct row rows[] = {
        {"the first one", "GET", "/v1/namespaces", NULL, 200, "\"Name\":\"default\""},
        {"none such", "GET", "/v1/namespace/none", NULL, 404, "Namespace not found"},
        {"no name", "PUT", "/v1/namespace", "{}", 500, "invalid name \"\""},
        {"bad name", "PUT", "/v1/namespace", "{\"Name\":\"a b\"}", 500,
         "Invalid namespace \"a b\": 1 error occurred:"},
        {"underscore", "PUT", "/v1/namespace", "{\"Name\":\"a_b\"}", 500, "Must match regex"},
        {"long description", "PUT", "/v1/namespace",
         "{\"Name\":\"a\",\"Description\":\"" LONG_TEXT LONG_TEXT LONG_TEXT "\"}", 500,
         "description longer than 256"},
        {"quota", "PUT", "/v1/namespace", "{\"Name\":\"a\",\"Quota\":\"q\"}", 500,
         "Nomad Enterprise"},
        {"two names", "PUT", "/v1/namespace/a", "{\"Name\":\"b\"}", 400,
         "Namespace name does not match request path"},
        {"no body", "PUT", "/v1/namespace", NULL, 400, "Request body is empty"},
        {"made", "PUT", "/v1/namespace", "{\"Name\":\"team\",\"Description\":\"a team\"}", 200,
         ""},
        {"read", "GET", "/v1/namespace/team", NULL, 200, "\"Description\":\"a team\""},
        {"changed", "POST", "/v1/namespace/team", "{\"Description\":\"ours\"}", 200, ""},
        {"read again", "GET", "/v1/namespace/team", NULL, 200, "\"Description\":\"ours\""},
        {"by prefix", "GET", "/v1/namespaces?prefix=te", NULL, 200, "[{\"Capabilities\":null"},
        {"no such prefix", "GET", "/v1/namespaces?prefix=zz", NULL, 200, "[]"},
        {"default stays", "DELETE", "/v1/namespace/default", NULL, 500,
         "can not delete default namespace"},
        {"removed", "DELETE", "/v1/namespace/team", NULL, 200, ""},
        {"removed again", "DELETE", "/v1/namespace/team", NULL, 500, "namespace not found"},
    };
    struct cluster cl;

    cluster_start(&cl, NULL);
    play(&cl, rows, sizeof rows / sizeof *rows);
    cluster_stop(&cl);
}

TEST(a_namespace_shows_the_hash_that_every_server_shows)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    ask(&cl, "PUT", "/v1/namespace",
        "{\"Name\":\"team\",\"Description\":\"a team\",\"Meta\":{\"a\":\"b\"}}");
    struct answer a = ask(&cl, "GET", "/v1/namespace/team", NULL);

    T_AT(&cl, &a, "Hash", "an3xb1ObnosqdTL7Q/K8E2oCIMFBXtL5KsPKwMs9xCY=");
    T_AT(&cl, &a, "Meta.a", "b");
    T_AT(&cl, &a, "ModifyIndex", at(&cl, &a, "CreateIndex"));
    cluster_stop(&cl);
}

static const char *job_in(struct cluster *cl, const char *ns, const char *pool)
{
    return arena_printf(cl->arena,
                        "{\"Job\":{\"ID\":\"j\",\"Namespace\":\"%s\",\"NodePool\":\"%s\","
                        "\"Datacenters\":[\"dc1\"],\"TaskGroups\":[{\"Name\":\"g\",\"Tasks\":"
                        "[{\"Name\":\"t\",\"Driver\":\"raw_exec\",\"Config\":{\"command\":"
                        "\"/bin/true\"}}]}]}}",
                        ns, pool);
}

TEST(a_job_needs_a_namespace_and_a_pool_that_are_there_and_let_it_in)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    ask(&cl, "PUT", "/v1/namespace",
        "{\"Name\":\"strict\",\"Capabilities\":{\"EnabledTaskDrivers\":[\"docker\"]}}");
    ask(&cl, "PUT", "/v1/namespace",
        "{\"Name\":\"barred\",\"Capabilities\":{\"DisabledTaskDrivers\":[\"raw_exec\"]}}");
    ask(&cl, "PUT", "/v1/namespace", "{\"Name\":\"team\"}");
    ask(&cl, "PUT", "/v1/node/pool/np", "{\"Name\":\"np\"}");
    const struct row rows[] = {
        {"no namespace", "PUT", "/v1/jobs", job_in(&cl, "none", "default"), 500,
         "1 error occurred:\n\t* job \"j\" is in nonexistent namespace \"none\"\n\n"},
        {"no pool", "PUT", "/v1/jobs", job_in(&cl, "team", "none"), 500,
         "job \"j\" is in nonexistent node pool \"none\""},
        {"not enabled", "PUT", "/v1/jobs", job_in(&cl, "strict", "default"), 500,
         "used task driver \"raw_exec\" is not allowed in namespace \"strict\""},
        {"disabled", "PUT", "/v1/jobs", job_in(&cl, "barred", "default"), 500,
         "used task driver \"raw_exec\" is not allowed in namespace \"barred\""},
        {"let in", "PUT", "/v1/jobs", job_in(&cl, "team", "np"), 200, "EvalID"},
        {"not elsewhere", "GET", "/v1/jobs", NULL, 200, "[]"},
        {"there", "GET", "/v1/jobs?namespace=team", NULL, 200, "\"ID\":\"j\""},
        {"everywhere", "GET", "/v1/jobs?namespace=*", NULL, 200, "\"ID\":\"j\""},
        {"of the pool", "GET", "/v1/node/pool/np/jobs?namespace=*", NULL, 200, "\"ID\":\"j\""},
        {"in use", "DELETE", "/v1/namespace/team", NULL, 500,
         "namespace \"team\" has non-terminal jobs in regions: [global]"},
        {"pool in use", "DELETE", "/v1/node/pool/np", NULL, 500,
         "node pool \"np\" has non-terminal jobs in regions: [global]"},
        {"stopped", "DELETE", "/v1/job/j?namespace=team&purge=true", NULL, 200, "EvalID"},
        {"free", "DELETE", "/v1/namespace/team", NULL, 200, ""},
        {"pool free", "DELETE", "/v1/node/pool/np", NULL, 200, ""},
    };

    play(&cl, rows, sizeof rows / sizeof *rows);
    cluster_stop(&cl);
}

TEST(node_pools_are_made_changed_and_removed)
{
    static const struct row rows[] = {
        {"the two", "GET", "/v1/node/pools", NULL, 200, "\"Name\":\"all\""},
        {"none such", "GET", "/v1/node/pool/none", NULL, 404, "node pool not found"},
        {"bad name", "PUT", "/v1/node/pools", "{\"Name\":\"a b\"}", 500,
         "invalid name \"a b\""},
        {"bad algorithm", "PUT", "/v1/node/pools",
         "{\"Name\":\"a\",\"SchedulerConfiguration\":{\"SchedulerAlgorithm\":\"x\"}}", 500,
         "invalid scheduler algorithm: x"},
        {"two names", "PUT", "/v1/node/pool/a", "{\"Name\":\"b\"}", 400, "does not match"},
        {"built in", "PUT", "/v1/node/pool/default", "{}", 500,
         "modifying node pool \"default\" is not allowed"},
        {"made", "PUT", "/v1/node/pools",
         "{\"Name\":\"np\",\"Description\":\"d\",\"SchedulerConfiguration\":{"
         "\"SchedulerAlgorithm\":\"spread\"}}",
         200, ""},
        {"read", "GET", "/v1/node/pool/np", NULL, 200, "\"SchedulerAlgorithm\":\"spread\""},
        {"hash", "GET", "/v1/node/pool/np", NULL, 200,
         "vdX3GJ8Tdy2RLUjUfVmw7pfRDOjj1aVJtCqfI5dm2EU="},
        {"nodes", "GET", "/v1/node/pool/np/nodes", NULL, 200, "[]"},
        {"nodes of none", "GET", "/v1/node/pool/x/nodes", NULL, 404, "node pool not found"},
        {"removed", "DELETE", "/v1/node/pool/np", NULL, 200, ""},
        {"removed again", "DELETE", "/v1/node/pool/np", NULL, 500, "not found"},
        {"built in stays", "DELETE", "/v1/node/pool/all", NULL, 500,
         "deleting node pool \"all\" is not allowed"},
    };
    struct cluster cl;

    cluster_start(&cl, NULL);
    play(&cl, rows, sizeof rows / sizeof *rows);
    cluster_stop(&cl);
}
