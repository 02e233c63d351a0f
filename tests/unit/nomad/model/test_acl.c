/* The policy language, and what a set of policies allows. */
#include "base/buf.h"
#include "nomad/model/acl.h"
#include "t.h"

static int parse(struct arena *a, const char *text, struct acl_rules *ret, struct err *e)
{
    return acl_rules_parse(str_of(text), a, ret, e);
}

TEST(a_policy_that_is_wrong_says_where_and_what)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"no end", "namespace \"default\" {\n",
         "Failed to parse ACL Policy: At 2:2: object expected closing RBRACE got: EOF"},
        {"nothing that counts", "/* no rule */", "Invalid policy: /* no rule */"},
        {"unknown block", "namespce \"default\" { policy = \"read\" }",
         "Failed to parse ACL Policy: "},
        {"policy", "namespace \"default\" { policy = \"bogus\" }",
         "Invalid namespace policy: &acl.NamespacePolicy{Name:\"default\", Policy:\"bogus\", "
         "Capabilities:[]string(nil), Variables:(*acl.VariablesPolicy)(nil)}"},
        {"policy of a plugin", "namespace \"default\" { policy = \"list\" }",
         "Invalid namespace policy"},
        {"capability", "namespace \"default\" { capabilities = [\"fly\"] }",
         "Invalid namespace capability 'fly'"},
        {"name", "namespace \"a b\" { policy = \"read\" }", "Invalid namespace name: \"a b\""},
        {"variable capability",
         "namespace \"d\" { variables { path \"x\" { capabilities = [\"fly\"] } } }",
         "Invalid variable capability 'fly'"},
        {"variable without any", "namespace \"d\" { variables { path \"x\" { } } }",
         "Invalid variable path 'x': no capabilities"},
        {"pool", "node_pool \"p\" { policy = \"scale\" }", "Invalid node pool policy"},
        {"volume", "host_volume \"v\" { capabilities = [\"read\"] }",
         "Invalid host volume capability 'read'"},
        {"node", "node { policy = \"list\" }", "Invalid node policy: \"list\""},
        {"plugin", "plugin { policy = \"write\" }", "Invalid plugin policy: \"write\""},
        {"empty area", "agent { }", "Invalid agent policy: \"\""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_arena struct arena *a = arena_new(0);
        struct err e = ERR_INIT;
        struct acl_rules r;

        T_ROW(rows[i].label);
        T_INT_EQ(parse(a, rows[i].text, &r, &e), ERR_INVALID);
        T_STR_HAS(e.msg, rows[i].want);
    }
    T_ROW("");
}

TEST(a_policy_longer_than_its_limit_is_refused)
{
    auto_arena struct arena *a = arena_new(0);
    char *text = arena_zalloc(a, ACL_RULES_BYTES_MAX + 2);
    struct err e = ERR_INIT;
    struct acl_rules r;

    memset(text, '#', ACL_RULES_BYTES_MAX + 1);
    T_INT_EQ(parse(a, text, &r, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "longer than");
}

TEST(the_empty_policy_allows_nothing)
{
    auto_arena struct arena *a = arena_new(0);
    struct acl_rules r;
    const struct acl_rules *one = &r;

    T_INT_EQ(parse(a, "", &r, NULL), 0);
    T_INT_EQ(rights_none(rights_new(&one, 1, a)), true);
    T_INT_EQ(rights_none(rights_new(NULL, 0, a)), true);
    T_INT_EQ(rights_none(rights_everything()), false);
}

/* What is asked: "ns CAP namespace", "var CAP namespace path", "pool CAP name", "vol CAP name",
 * "area LEVEL number". */
struct question {
    char kind; /* n, v, p, h, a */
    int cap;
    const char *name, *path;
};

static bool ask(const struct rights *r, const struct question *q)
{
    switch (q->kind) {
    case 'n':
        return rights_namespace(r, q->name, (enum acl_cap)q->cap);
    case 'v':
        return rights_variable(r, q->name, q->path, (enum acl_var_cap)q->cap);
    case 's':
        return rights_any_variable(r, q->name, (enum acl_var_cap)q->cap);
    case 'p':
        return rights_node_pool(r, q->name, (enum acl_pool_cap)q->cap);
    case 'h':
        return rights_host_volume(r, q->name, (enum acl_volume_cap)q->cap);
    case 'i':
        return rights_any_in_namespace(r, q->name);
    default:
        return rights_area(r, (enum acl_area)(q->name[0] - '0'), (enum acl_level)q->cap);
    }
}

#define NS(name, body) "namespace \"" name "\" { " body " }\n"
#define READ "policy = \"read\""
#define WRITE "policy = \"write\""
#define DENY "policy = \"deny\""
#define PATH(path, caps) "variables { path \"" path "\" { capabilities = [" caps "] } }"

TEST(what_a_set_of_policies_allows)
{
    static const struct {
        const char *label, *policies[3];
        struct question q;
        bool want;
    } rows[] = {
        {"read reads", {NS("d", READ)}, {'n', CAP_READ_JOB, "d", 0}, true},
        {"read does not submit", {NS("d", READ)}, {'n', CAP_SUBMIT_JOB, "d", 0}, false},
        {"not elsewhere", {NS("d", READ)}, {'n', CAP_READ_JOB, "other", 0}, false},
        {"somewhere", {NS("d", READ)}, {'n', CAP_READ_JOB, "*", 0}, true},
        {"nowhere", {NS("d", READ)}, {'n', CAP_SUBMIT_JOB, "*", 0}, false},
        {"write submits", {NS("d", WRITE)}, {'n', CAP_SUBMIT_JOB, "d", 0}, true},
        {"write has no shell on the node",
         {NS("d", WRITE)},
         {'n', CAP_ALLOC_NODE_EXEC, "d", 0},
         false},
        {"scale scales", {NS("d", "policy = \"scale\"")}, {'n', CAP_SCALE_JOB, "d", 0}, true},
        {"scale does not list",
         {NS("d", "policy = \"scale\"")},
         {'n', CAP_LIST_JOBS, "d", 0},
         false},
        {"a capability alone",
         {NS("d", "capabilities = [\"read-logs\"]")},
         {'n', CAP_READ_LOGS, "d", 0},
         true},
        {"two policies add up",
         {NS("d", READ), NS("d", "capabilities = [\"read-logs\"]")},
         {'n', CAP_READ_LOGS, "d", 0},
         true},
        {"deny takes all", {NS("d", WRITE), NS("d", DENY)}, {'n', CAP_READ_JOB, "d", 0}, false},
        {"in either order",
         {NS("d", DENY), NS("d", WRITE)},
         {'n', CAP_READ_JOB, "d", 0},
         false},
        {"a denied one is not anywhere", {NS("d", DENY)}, {'n', CAP_READ_JOB, "*", 0}, false},
        {"a glob matches", {NS("prod-*", READ)}, {'n', CAP_READ_JOB, "prod-a", 0}, true},
        {"a glob does not", {NS("prod-*", READ)}, {'n', CAP_READ_JOB, "dev-a", 0}, false},
        {"the name itself wins",
         {NS("*", WRITE), NS("prod", READ)},
         {'n', CAP_SUBMIT_JOB, "prod", 0},
         false},
        {"the closer glob wins",
         {NS("*", WRITE), NS("prod-*", READ)},
         {'n', CAP_SUBMIT_JOB, "prod-a", 0},
         false},
        {"a closer deny wins",
         {NS("*", WRITE), NS("prod-*", DENY)},
         {'n', CAP_READ_JOB, "prod-a", 0},
         false},
        {"a wider deny does not",
         {NS("*", DENY), NS("prod-*", READ)},
         {'n', CAP_READ_JOB, "prod-a", 0},
         true},
        {"fewer stars are closer",
         {NS("*-api-*", WRITE), NS("prod-api-*", READ)},
         {'n', CAP_SUBMIT_JOB, "prod-api-a", 0},
         false},
        {"in sight", {NS("d", READ)}, {'i', 0, "d", 0}, true},
        {"out of sight", {NS("d", READ)}, {'i', 0, "e", 0}, false},
        {"denied is out of sight", {NS("d", DENY)}, {'i', 0, "d", 0}, false},
        {"a namespace's policy gives no variables",
         {NS("d", WRITE)},
         {'v', VAR_READ, "d", "a"},
         false},
        {"a path", {NS("d", PATH("a", "\"read\""))}, {'v', VAR_READ, "d", "a"}, true},
        {"who reads may list",
         {NS("d", PATH("a", "\"read\""))},
         {'v', VAR_LIST, "d", "a"},
         true},
        {"who writes may not read",
         {NS("d", PATH("a", "\"write\""))},
         {'v', VAR_READ, "d", "a"},
         false},
        {"another path", {NS("d", PATH("a", "\"read\""))}, {'v', VAR_READ, "d", "b"}, false},
        {"another namespace",
         {NS("d", PATH("a", "\"read\""))},
         {'v', VAR_READ, "e", "a"},
         false},
        {"a path's glob",
         {NS("d", PATH("app/*", "\"write\""))},
         {'v', VAR_WRITE, "d", "app/x/y"},
         true},
        {"a closer path",
         {NS("d", PATH("*", "\"write\"")), NS("d", PATH("app/*", "\"read\""))},
         {'v', VAR_WRITE, "d", "app/x"},
         false},
        {"a denied path",
         {NS("d", PATH("*", "\"write\"")), NS("d", PATH("app/x", "\"deny\""))},
         {'v', VAR_WRITE, "d", "app/x"},
         false},
        {"a separator in the path is no way around",
         {NS("*", PATH("a", "\"read\""))},
         {'v', VAR_READ, "d",
          "x\x1f"
          "a"},
         false},
        {"some variable", {NS("d", PATH("a", "\"read\""))}, {'s', VAR_LIST, "d", 0}, true},
        {"none there", {NS("d", PATH("a", "\"read\""))}, {'s', VAR_LIST, "e", 0}, false},
        {"some anywhere", {NS("d", PATH("a", "\"read\""))}, {'s', VAR_LIST, "*", 0}, true},
        {"a pool read",
         {"node_pool \"gpu*\" { policy = \"read\" }"},
         {'p', POOL_READ, "gpu1", 0},
         true},
        {"a pool not written",
         {"node_pool \"gpu*\" { policy = \"read\" }"},
         {'p', POOL_WRITE, "gpu1", 0},
         false},
        {"a volume",
         {"host_volume \"db\" { policy = \"write\" }"},
         {'h', VOLUME_READWRITE, "db", 0},
         true},
        {"a volume for reading",
         {"host_volume \"db\" { policy = \"read\" }"},
         {'h', VOLUME_READWRITE, "db", 0},
         false},
        {"node read", {"node { policy = \"read\" }"}, {'a', LEVEL_READ, "1", 0}, true},
        {"node not write", {"node { policy = \"read\" }"}, {'a', LEVEL_WRITE, "1", 0}, false},
        {"write reads", {"agent { policy = \"write\" }"}, {'a', LEVEL_READ, "0", 0}, true},
        {"deny beats write",
         {"agent { policy = \"write\" }", "agent { policy = \"deny\" }"},
         {'a', LEVEL_READ, "0", 0},
         false},
        {"plugins listed", {"plugin { policy = \"list\" }"}, {'a', LEVEL_LIST, "4", 0}, true},
        {"plugins not read",
         {"plugin { policy = \"list\" }"},
         {'a', LEVEL_READ, "4", 0},
         false},
        {"nothing of another area",
         {"node { policy = \"write\" }"},
         {'a', LEVEL_READ, "2", 0},
         false},
        {"JSON is the same",
         {"{\"namespace\":{\"d\":{\"policy\":\"read\"}}}"},
         {'n', CAP_READ_JOB, "d", 0},
         true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        auto_arena struct arena *a = arena_new(0);
        struct acl_rules rules[3];
        const struct acl_rules *all[3];
        struct err e = ERR_INIT;
        size_t n = 0;

        T_ROW(rows[i].label);
        for (; n < 3 && rows[i].policies[n]; n++) {
            T_OK(parse(a, rows[i].policies[n], &rules[n], &e), &e);
            all[n] = &rules[n];
        }
        T_INT_EQ(ask(rights_new(all, n, a), &rows[i].q), rows[i].want);
        T_INT_EQ(ask(rights_everything(), &rows[i].q), true);
        T_INT_EQ(ask(rights_new(NULL, 0, a), &rows[i].q), false);
    }
    T_ROW("");
}

TEST(rules_are_shown_with_their_capabilities_spelled_out)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(4096);
    struct acl_rules r;
    struct json_out w;

    T_INT_EQ(parse(a, NS("*", READ " capabilities = [\"submit-job\"]"), &r, NULL), 0);
    json_out_init(&w, &b, NULL);
    acl_rules_json(&r, "x", &w);
    T_STR_HAS(b.p, "\"Capabilities\":[\"submit-job\",\"list-jobs\",\"parse-job\",\"read-job\","
                   "\"csi-list-volume\",\"csi-read-volume\",\"read-job-scaling\","
                   "\"list-scaling-policies\",\"read-scaling-policy\"]");
    T_STR_HAS(b.p, "\"Node\":null");
    T_STR_HAS(b.p, "\"Raw\":\"x\"");
}
