#include "model_t.h"

TEST(operators_compare)
{
    static const struct {
        const char *l, *op, *r;
        bool want;
    } rows[] = {
        {"linux", "=", "linux", true},
        {"linux", "is", "windows", false},
        {"linux", "!=", "windows", true},
        {NULL, "!=", "windows", true}, /* not there is different */
        {NULL, "=", "", false},
        {"10", ">", "9", true}, /* numbers as numbers */
        {"1.5", "<", "1.25", false},
        {"b", ">=", "a", true},
        {NULL, "<", "5", false},
        {"a,b, c", "set_contains", "c,a", true},
        {"a,b", "set_contains", "c,a", false},
        {"a,b", "set_contains_any", "c,a", true},
        {"a,b", "set_contains_any", "x,y", false},
        {"x", "is_set", "", true},
        {NULL, "is_set", "", false},
        {NULL, "is_not_set", "", true},
        {"linux", "regexp", "^lin", true},
        {"linux", "regexp", "[", false},
        {"1.14.9", "semver", ">= 0.6.1", true},
        {"x", "bogus", "x", false},
        {NULL, "distinct_hosts", "true", true}, /* decided elsewhere */
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char label[64];

        snprintf(label, sizeof label, "%s %s %s", str_or_empty(rows[i].l), rows[i].op,
                 rows[i].r);
        T_ROW(label);
        T_INT_EQ(constraint_holds(rows[i].op, rows[i].l, rows[i].l != NULL, rows[i].r, true),
                 rows[i].want);
    }
    T_ROW("");
}

TEST(targets_are_read_from_the_node)
{
    auto_arena struct arena *a = arena_new(0);
    struct node n = {.id = "the-id", .datacenter = "dc1", .node_class = "big"};

    strmap_set(a, &n.attributes, "kernel.name", "linux");
    strmap_set(a, &n.meta, "rack", "r1");
    T_STR_EQ(node_target(&n, "${attr.kernel.name}", a), "linux");
    T_STR_EQ(node_target(&n, "${meta.rack}", a), "r1");
    T_STR_EQ(node_target(&n, "${node.class}", a), "big");
    T_STR_EQ(node_target(&n, "${node.unique.id}", a), "the-id");
    T_STR_EQ(node_target(&n, "literal", a), "literal");
    T_TRUE(node_target(&n, "${attr.none}", a) == NULL);
    T_TRUE(node_target(&n, "${nothing", a) == NULL);
    T_TRUE(target_is_unique("${attr.unique.hostname}"));
    T_FALSE(target_is_unique("${attr.kernel.name}"));
}

TEST(names_are_replaced_and_unknown_ones_stay)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"plain", "plain"},
        {"${NOMAD_TASK_NAME}!", "t!"},
        {"a${attr.kernel.name}b${meta.rack}", "alinuxbr1"},
        {"${env[\"NOMAD_TASK_NAME\"]}", "t"},
        {"${node.datacenter}/${node.region}", "dc1/global"},
        {"${UNKNOWN} ${attr.none}", "${UNKNOWN} ${attr.none}"},
        {"${unfinished", "${unfinished"},
        {"${}", "${}"},
        {"$${NOMAD_TASK_NAME}", "$t"},
    };
    auto_arena struct arena *a = arena_new(0);
    struct node n = {.datacenter = "dc1"};
    struct strmap env = {0};
    struct task_names names = {&n, &env, "global"};
    struct json *v;

    strmap_set(a, &env, "NOMAD_TASK_NAME", "t");
    strmap_set(a, &n.attributes, "kernel.name", "linux");
    strmap_set(a, &n.meta, "rack", "r1");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].text);
        T_STR_EQ(interpolate(rows[i].text, task_names_lookup, &names, a), rows[i].want);
    }
    T_ROW("");
    v = interpolate_json(json_of(a, "{'a':['${meta.rack}',5],'${meta.rack}':true}"),
                         task_names_lookup, &names, a);
    T_TRUE(json_eq(v, json_of(a, "{'a':['r1',5],'r1':true}")));
}
