/* ACLs: tokens and what they may, over the whole API. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cluster.h"
#include "http/router.h"

static void start(struct cluster *cl)
{
    struct nomad_server_opts o = {.acl = {.enabled = true}};

    cluster_start(cl, &o);
}

static const char *bootstrapped(struct cluster *cl)
{
    struct answer a = ask(cl, "PUT", "/v1/acl/bootstrap", NULL);

    T_INT_EQ(a.status, 200);
    return at(cl, &a, "SecretID");
}

/* A token with one policy of these rules; asked for with the token that is in use. */
static const char *token_for(struct cluster *cl, const char *name, const char *rules)
{
    struct buf b = BUF_INIT(4096);
    struct json_out w;
    struct answer a;

    json_out_init(&w, &b, NULL);
    json_obj(&w);
    json_kv_str(&w, "Name", name);
    json_kv_str(&w, "Rules", rules);
    json_obj_end(&w);
    a = ask(cl, "PUT", arena_printf(cl->arena, "/v1/acl/policy/%s", name),
            arena_cstr(cl->arena, buf_str(&b)));
    buf_done(&b);
    T_STR_EQ(a.status == 200 ? "" : a.body, "");
    a = ask(cl, "PUT", "/v1/acl/token",
            arena_printf(cl->arena, "{\"Type\":\"client\",\"Policies\":[\"%s\"]}", name));
    T_STR_EQ(a.status == 200 ? "" : a.body, "");
    return at(cl, &a, "SecretID");
}

/* ---- every route ------------------------------------------------------------------------ */

/* Served without a token, whatever they then say. */
static const char *const open_routes[] = {
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/v1/acl/auth-methods",
    "/v1/acl/bootstrap",
    "/v1/acl/policies",
    "/v1/acl/policy/self",
    "/v1/acl/roles",
    "/v1/acl/token/onetime/exchange",
    "/v1/acl/token/self",
    "/v1/agent/health",
    "/v1/deployment/:update/:id",
    "/v1/metrics",
    "/v1/namespaces",
    "/v1/node/pools",
    "/v1/quota",
    "/v1/quota-usages",
    "/v1/quota/+rest",
    "/v1/quotas",
    "/v1/recommendation",
    "/v1/recommendation/+rest",
    "/v1/recommendations",
    "/v1/regions",
    "/v1/sentinel/policies",
    "/v1/sentinel/policy/+rest",
    "/v1/status/leader",
    "/v1/status/peers",
};

static bool is_open(const char *pattern)
{
    for (size_t i = 0; i < sizeof open_routes / sizeof *open_routes; i++)
        if (strcmp(open_routes[i], pattern) == 0)
            return true;
    return false;
}

/* The pattern with a UUID wherever it has a name. */
static const char *filled(struct cluster *cl, const char *pattern)
{
    const char *path = "";
    struct str rest = str_of(pattern), part;

    (void)str_split(&rest, '/', &part);
    while (str_split(&rest, '/', &part)) {
        bool named = part.len && strchr(":*+", part.p[0]);

        path = named ? arena_printf(cl->arena, "%s/11111111-2222-3333-4444-555555555555", path)
                     : arena_printf(cl->arena, "%s/%.*s", path, STR_ARG(part));
    }
    return path;
}

struct tour {
    struct cluster *cl;
    int want; /* 403, or 0: not 403 */
    size_t seen, open;
};

static void visit(void *arg, unsigned methods, const char *pattern)
{
    static const char *const names[] = {"GET", "PUT", "POST", "DELETE"};
    struct tour *t = arg;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct answer a;

        if (!(methods & http_method_bit(str_of(names[i]))))
            continue;
        T_ROW(arena_printf(t->cl->arena, "%s %s", names[i], pattern));
        t->seen++;
        if (is_open(pattern)) {
            t->open++;
            continue;
        }
        a = ask(t->cl, names[i], filled(t->cl, pattern), NULL);
        T_INT_EQ(a.status, t->want);
        T_STR_EQ(a.body, "Permission denied");
    }
    T_ROW("");
}

TEST(no_route_but_the_open_ones_answers_without_a_token)
{
    struct tour t = {.want = 403};
    struct cluster cl;

    start(&cl);
    t.cl = &cl;
    nomad_server_each_route(visit, &t);
    T_TRUE(t.seen > 100 && t.open < t.seen / 2);
    cl.token = "99999999-0000-0000-0000-000000000000"; /* nobody's */
    nomad_server_each_route(visit, &t);
    cl.token = "garbage";
    nomad_server_each_route(visit, &t);
    cluster_stop(&cl);
}

TEST(what_is_below_a_job_answers_nobody_without_a_token)
{
    static const char *const paths[] = {"",
                                        "/evaluate",
                                        "/allocations",
                                        "/evaluations",
                                        "/deployments",
                                        "/deployment",
                                        "/plan",
                                        "/summary",
                                        "/periodic/force",
                                        "/dispatch",
                                        "/versions",
                                        "/revert",
                                        "/stable",
                                        "/scale",
                                        "/versions/a/tag",
                                        "/services",
                                        "/submission",
                                        "/actions",
                                        "/explain"};
    static const char *const methods[] = {"GET", "PUT", "DELETE"};
    struct cluster cl;

    start(&cl);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (size_t k = 0; k < 3; k++) {
            T_ROW(arena_printf(cl.arena, "%s %s", methods[k], paths[i]));
            T_INT_EQ(ask(&cl, methods[k], arena_printf(cl.arena, "/v1/job/x%s", paths[i]), "{}")
                         .status,
                     403);
        }
    T_ROW("");
    cluster_stop(&cl);
}

/* ---- objects of another namespace ------------------------------------------------------- */

TEST(what_is_in_another_namespace_stays_there)
{
    static const struct {
        const char *label, *method, *path, *body;
    } rows[] = {
        {"job", "GET", "/v1/job/web?namespace=other", NULL},
        {"job stopped", "DELETE", "/v1/job/web?namespace=other", NULL},
        {"jobs", "GET", "/v1/jobs?namespace=other", NULL},
        {"alloc", "GET", "/v1/allocation/ALLOC", NULL},
        {"alloc, with a namespace that is its own", "GET",
         "/v1/allocation/ALLOC?namespace=default", NULL},
        {"alloc stopped", "PUT", "/v1/allocation/ALLOC/stop", NULL},
        {"alloc's services", "GET", "/v1/allocation/ALLOC/services", NULL},
        {"alloc's checks", "GET", "/v1/allocation/ALLOC/checks", NULL},
        {"its files", "GET", "/v1/client/fs/ls/ALLOC?path=/", NULL},
        {"its logs", "GET", "/v1/client/fs/logs/ALLOC?task=t&type=stdout", NULL},
        {"its stats", "GET", "/v1/client/allocation/ALLOC/stats", NULL},
        {"a restart", "PUT", "/v1/client/allocation/ALLOC/restart", "{}"},
        {"a shell", "GET", "/v1/client/allocation/ALLOC/exec?task=t", NULL},
        {"eval", "GET", "/v1/evaluation/EVAL", NULL},
        {"eval's allocs", "GET", "/v1/evaluation/EVAL/allocations", NULL},
        {"deployment", "GET", "/v1/deployment/DEPLOY", NULL},
        {"deployment's allocs", "GET", "/v1/deployment/allocations/DEPLOY", NULL},
        {"deployment failed", "PUT", "/v1/deployment/fail/DEPLOY", "{}"},
        {"deployment paused", "PUT", "/v1/deployment/pause/DEPLOY",
         "{\"DeploymentID\":\"DEPLOY\",\"Pause\":true}"},
        {"deployment promoted", "PUT", "/v1/deployment/promote/DEPLOY",
         "{\"DeploymentID\":\"DEPLOY\",\"All\":true}"},
        {"a job registered there", "PUT", "/v1/jobs", "JOB"},
        {"and by its path", "PUT", "/v1/job/web", "JOB"},
        {"planned", "PUT", "/v1/job/web/plan", "JOB"},
        {"validated", "PUT", "/v1/validate/job", "JOB"},
        {"variable", "GET", "/v1/var/a?namespace=other", NULL},
        {"variable written", "PUT", "/v1/var/a",
         "{\"Namespace\":\"other\",\"Items\":{\"k\":\"v\"}}"},
        {"variable removed", "DELETE", "/v1/var/a?namespace=other", NULL},
        {"variables", "GET", "/v1/vars?namespace=other", NULL},
        {"the namespace", "GET", "/v1/namespace/other", NULL},
        {"management", "PUT", "/v1/namespace", "{\"Name\":\"x\"}"},
        {"nodes", "GET", "/v1/nodes", NULL},
    };
    struct cluster cl;
    const char *boot, *own, *job, *deploy;
    struct answer a, evals;
    const char *alloc;

    start(&cl);
    boot = cl.token = bootstrapped(&cl);
    T_INT_EQ(ask(&cl, "PUT", "/v1/namespace", "{\"Name\":\"other\"}").status, 200);
    node_up(&cl, "a");
    job = arena_printf(cl.arena, "{\"Job\":{\"Namespace\":\"other\",%s",
                       job_text(&cl, "web", 1, UPDATE_ONE) + strlen("{\"Job\":{"));
    T_INT_EQ(ask(&cl, "PUT", "/v1/jobs", job).status, 200);
    wait_for(&cl, "/v1/job/web/summary?namespace=other", "Summary.g.Starting", "1");
    a = ask(&cl, "GET", "/v1/job/web/allocations?namespace=other", NULL);
    alloc = at(&cl, &a, "0.ID");
    evals = ask(&cl, "GET", "/v1/job/web/evaluations?namespace=other", NULL);
    a = ask(&cl, "GET", "/v1/job/web/deployment?namespace=other", NULL);
    deploy = at(&cl, &a, "ID");
    T_INT_EQ(ask(&cl, "PUT", "/v1/var/a?namespace=other", "{\"Items\":{\"k\":\"v\"}}").status,
             200);

    own = token_for(&cl, "mine",
                    "namespace \"default\" { policy = \"write\" capabilities = "
                    "[\"alloc-node-exec\"] variables { path \"*\" { capabilities = "
                    "[\"write\", \"read\", \"destroy\"] } } }");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static const char *const names[] = {"ALLOC", "EVAL", "DEPLOY", "JOB"};
        const char *values[] = {alloc, at(&cl, &evals, "0.ID"), deploy, job};
        const char *texts[] = {rows[i].path, rows[i].body};

        for (size_t k = 0; k < 2; k++)
            for (size_t n = 0; texts[k] && n < 4; n++) {
                const char *found = strstr(texts[k], names[n]);

                if (found && strcmp(texts[k], job) != 0)
                    texts[k] = arena_printf(cl.arena, "%.*s%s%s", (int)(found - texts[k]),
                                            texts[k], values[n], found + strlen(names[n]));
            }
        T_ROW(rows[i].label);
        cl.token = own;
        a = ask(&cl, rows[i].method, texts[0], texts[1]);
        T_INT_EQ(a.status, 403);
        T_STR_EQ(a.body, "Permission denied");
    }
    T_ROW("");
    cl.token = own;
    for (size_t i = 0; i < 4; i++) {
        static const char *const lists[] = {
            "/v1/jobs?namespace=*", "/v1/allocations?namespace=*",
            "/v1/evaluations?namespace=*", "/v1/vars?namespace=*"};

        T_ROW(lists[i]);
        T_STR_EQ(ask(&cl, "GET", lists[i], NULL).body, "[]");
    }
    T_ROW("");
    a = ask(&cl, "PUT", "/v1/search?namespace=*", "{\"Prefix\":\"\",\"Context\":\"all\"}");
    T_AT(&cl, &a, "Matches.jobs", "null");
    T_AT(&cl, &a, "Matches.nodes", "null");
    T_AT(&cl, &a, "Matches.namespaces", "[\"default\"]");
    cl.token = boot;
    T_INT_EQ(ask(&cl, "GET", arena_printf(cl.arena, "/v1/allocation/%s", alloc), NULL).status,
             200);
    cluster_stop(&cl);
}

/* ---- tokens ----------------------------------------------------------------------------- */

TEST(a_token_does_what_its_policies_say_until_they_change)
{
    struct cluster cl;
    const char *boot, *tok;

    start(&cl);
    boot = cl.token = bootstrapped(&cl);
    tok = token_for(&cl, "p", "namespace \"default\" { policy = \"read\" }");
    cl.token = tok;
    T_INT_EQ(ask(&cl, "GET", "/v1/jobs", NULL).status, 200);
    T_INT_EQ(ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 1, "null")).status, 403);
    T_INT_EQ(ask(&cl, "GET", "/v1/nodes", NULL).status, 403);
    cl.token = boot;
    T_INT_EQ(ask(&cl, "PUT", "/v1/acl/policy/p",
                 "{\"Name\":\"p\",\"Rules\":\"node { policy = \\\"read\\\" }\"}")
                 .status,
             200);
    cl.token = tok;
    T_INT_EQ(ask(&cl, "GET", "/v1/jobs", NULL).status, 403);
    T_INT_EQ(ask(&cl, "GET", "/v1/nodes", NULL).status, 200);
    cl.token = boot;
    T_INT_EQ(ask(&cl, "DELETE", "/v1/acl/policy/p", NULL).status, 200);
    cl.token = tok;
    T_INT_EQ(ask(&cl, "GET", "/v1/nodes", NULL).status, 403);
    T_INT_EQ(ask(&cl, "GET", "/v1/acl/token/self", NULL).status, 200);
    cluster_stop(&cl);
}

TEST(who_brings_no_token_has_the_policy_called_anonymous)
{
    struct cluster cl;

    start(&cl);
    cl.token = bootstrapped(&cl);
    token_for(&cl, "anonymous", "namespace \"default\" { policy = \"read\" }");
    cl.token = NULL;
    T_INT_EQ(ask(&cl, "GET", "/v1/jobs", NULL).status, 200);
    T_INT_EQ(ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 1, "null")).status, 403);
    T_STR_HAS(ask(&cl, "GET", "/v1/acl/policies", NULL).body, "\"anonymous\"");
    cluster_stop(&cl);
}

TEST(tokens_outlive_the_root_key_that_sealed_their_key)
{
    struct cluster cl;
    const char *old, *tok;
    struct answer a;

    start(&cl);
    cl.token = bootstrapped(&cl);
    tok = token_for(&cl, "p", "namespace \"default\" { policy = \"read\" }");
    a = ask(&cl, "GET", "/v1/operator/keyring/keys", NULL);
    old = arena_printf(cl.arena, "/v1/operator/keyring/key/%s", at(&cl, &a, "0.KeyID"));
    T_INT_EQ(ask(&cl, "DELETE", old, NULL).status, 500); /* it is the active one */
    T_INT_EQ(ask(&cl, "PUT", "/v1/operator/keyring/rotate?full=true", NULL).status, 200);
    T_UNTIL(ask(&cl, "DELETE", old, NULL).status == 200); /* once nothing is sealed with it */
    cl.token = tok;
    T_INT_EQ(ask(&cl, "GET", "/v1/jobs", NULL).status, 200);
    a = ask(&cl, "GET", "/v1/acl/token/self", NULL);
    T_AT(&cl, &a, "SecretID", tok);
    cluster_stop(&cl);
}

TEST(bootstrap_happens_again_where_the_reset_file_names_its_index)
{
    char dir[] = "/tmp/serai-acl-XXXXXX", file[64];
    struct nomad_server_opts o = {.acl = {.enabled = true, .reset_file = file}};
    struct cluster cl;
    const char *index;
    FILE *f;

    T_TRUE(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/reset", dir);
    cluster_start(&cl, &o);
    bootstrapped(&cl);
    index = strstr(ask(&cl, "PUT", "/v1/acl/bootstrap", NULL).body, "index: ");
    T_TRUE(index);
    for (int right = 0; right < 2; right++) {
        f = fopen(file, "w");
        T_TRUE(f);
        fprintf(f, "%ld\n", strtol(index + strlen("index: "), NULL, 10) + !right);
        fclose(f);
        T_INT_EQ(ask(&cl, "PUT", "/v1/acl/bootstrap", NULL).status, right ? 200 : 400);
    }
    T_INT_EQ(access(file, F_OK), -1); /* it counts once */
    T_INT_EQ(ask(&cl, "PUT", "/v1/acl/bootstrap", NULL).status, 400);
    cluster_stop(&cl);
    T_INT_EQ(rmdir(dir), 0);
}

TEST(a_role_gives_its_policies_and_takes_them_when_it_goes)
{
    struct cluster cl;
    const char *boot, *role;
    struct answer a;

    start(&cl);
    boot = cl.token = bootstrapped(&cl);
    token_for(&cl, "p", "namespace \"default\" { policy = \"read\" }");
    a = ask(&cl, "PUT", "/v1/acl/role", "{\"Name\":\"r\",\"Policies\":[{\"Name\":\"none\"}]}");
    T_STR_EQ(a.body, "cannot find policy none");
    a = ask(&cl, "PUT", "/v1/acl/role", "{\"Name\":\"r\",\"Policies\":[{\"Name\":\"p\"}]}");
    role = at(&cl, &a, "ID");
    a = ask(&cl, "PUT", "/v1/acl/role", "{\"Name\":\"r\",\"Policies\":[{\"Name\":\"p\"}]}");
    T_STR_EQ(a.body, "role with name r already exists");
    a = ask(&cl, "PUT", "/v1/acl/token",
            "{\"Type\":\"client\",\"Roles\":[{\"Name\":\"r\"}],\"ExpirationTTL\":\"1h\"}");
    T_AT(&cl, &a, "Roles.0.Name", "r");
    T_AT(&cl, &a, "ExpirationTTL", "1h0m0s");
    cl.token = at(&cl, &a, "SecretID");
    T_INT_EQ(ask(&cl, "GET", "/v1/jobs", NULL).status, 200);
    T_INT_EQ(ask(&cl, "GET", "/v1/acl/role/name/r", NULL).status, 200);
    cl.token = boot;
    T_INT_EQ(ask(&cl, "DELETE", arena_printf(cl.arena, "/v1/acl/role/%s", role), NULL).status,
             200);
    cl.token = at(&cl, &a, "SecretID");
    T_INT_EQ(ask(&cl, "GET", "/v1/jobs", NULL).status, 403);
    cluster_stop(&cl);
}

TEST(a_one_time_secret_is_exchanged_once)
{
    struct cluster cl;
    const char *body, *boot;
    struct answer a;

    start(&cl);
    boot = cl.token = bootstrapped(&cl);
    a = ask(&cl, "POST", "/v1/acl/token/onetime", NULL);
    body = arena_printf(cl.arena, "{\"OneTimeSecretID\":\"%s\"}",
                        at(&cl, &a, "OneTimeToken.OneTimeSecretID"));
    cl.token = NULL;
    a = ask(&cl, "POST", "/v1/acl/token/onetime/exchange", body);
    T_AT(&cl, &a, "Token.SecretID", boot);
    T_INT_EQ(ask(&cl, "POST", "/v1/acl/token/onetime/exchange", body).status, 403);
    cluster_stop(&cl);
}

TEST(bootstrap_takes_a_secret_that_is_a_uuid)
{
    struct cluster cl;

    start(&cl);
    T_INT_EQ(ask(&cl, "PUT", "/v1/acl/bootstrap", "{\"BootstrapSecret\":\"secret\"}").status,
             400);
    T_INT_EQ(ask(&cl, "PUT", "/v1/acl/bootstrap",
                 "{\"BootstrapSecret\":\"2b778dd9-f5f1-6f29-b4b4-9a5fa948757a\"}")
                 .status,
             200);
    cl.token = "2b778dd9-f5f1-6f29-b4b4-9a5fa948757a";
    T_INT_EQ(ask(&cl, "GET", "/v1/nodes", NULL).status, 200);
    cluster_stop(&cl);
}

TEST(without_acls_everything_is_allowed_and_there_are_no_tokens)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    cl.token = "garbage";
    T_INT_EQ(ask(&cl, "GET", "/v1/nodes", NULL).status, 200);
    T_STR_EQ(ask(&cl, "PUT", "/v1/acl/bootstrap", NULL).body, "ACL support disabled");
    T_STR_EQ(ask(&cl, "GET", "/v1/acl/auth-methods", NULL).body, "ACL support disabled");
    cluster_stop(&cl);
}
