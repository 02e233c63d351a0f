/* What rules allow: the API's recorded matrices of requests, merging, parameters, wrapping. */
#include "t.h"

#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "vault/core/policy_priv.h"

static struct acl *compile(struct arena *a, const char *const *texts, size_t n)
{
    const struct policy *ps[8];
    struct err e = ERR_INIT;

    for (size_t i = 0; i < n; i++) {
        struct policy *p;

        T_OK(policy_parse(str_of(texts[i]), a, &p, &e), &e);
        ps[i] = p;
    }
    return acl_new(a, ps, n, NULL, false);
}

static bool allows(const struct acl *acl, enum vault_op op, const char *path)
{
    struct acl_request q = {.op = op, .path = str_of(path)};

    return acl_allows(acl, &q);
}

struct ask {
    enum vault_op op;
    const char *path;
    bool want;
};

static void check(const struct acl *acl, const struct ask *asks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char label[128];

        snprintf(label, sizeof label, "op %d on %s", asks[i].op, asks[i].path);
        T_ROW(label);
        T_INT_EQ(allows(acl, asks[i].op, asks[i].path), asks[i].want);
    }
    T_ROW("");
}

TEST(prefixes_are_decided_as_recorded)
{
    static const char *const text = "path \"kv/a\" { capabilities = [\"read\"] }\n"
                                    "path \"kv/a/*\" { capabilities = [\"read\", \"list\"] }\n"
                                    "path \"kv/+/y\" { capabilities = [\"read\"] }\n"
                                    "path \"kv/x/*\" { capabilities = [\"deny\"] }\n"
                                    "path \"kv/deny*\" { capabilities = [\"deny\"] }\n"
                                    "path \"kv/*\" { capabilities = [\"list\"] }\n"
                                    "path \"kv/pre*\" { capabilities = [\"read\"] }\n"
                                    "path \"kv/new/*\" { capabilities = [\"create\"] }\n"
                                    "path \"kv/new/n\" { capabilities = [\"create\"] }\n"
                                    "path \"kv/lit*\" { capabilities = [\"read\"] }\n"
                                    "path \"/kv/a/b/c\" { capabilities = [\"deny\"] }";
    static const struct ask asks[] = {
        {OP_READ, "kv/a", true},       {OP_READ, "kv/a/b", true},
        {OP_READ, "kv/a/b/c", false},  {OP_READ, "kv/x/y", false},
        {OP_READ, "kv/x/y/z", false},  {OP_READ, "kv/deny/x", false},
        {OP_READ, "kv/deny", false},   {OP_LIST, "kv/", true},
        {OP_LIST, "kv/a/", false},     {OP_READ, "kv/pre-1", true},
        {OP_READ, "kv/pre", true},     {OP_READ, "kv/pre/1", true},
        {OP_DELETE, "kv/a/b", false},  {OP_UPDATE, "kv/a/b", false},
        {OP_CREATE, "kv/new/n", true}, {OP_UPDATE, "kv/new/n", false},
        {OP_PATCH, "kv/new/n", false}, {OP_READ, "kv/new/n", false},
        {OP_READ, "kv", false},        {OP_READ, "kv/", false},
        {OP_READ, "kv/lit*", true},    {OP_READ, "kv/lit", true},
        {OP_READ, "kv/A/b", false},    {OP_LIST, "kv/a/b/", true},
        {OP_HELP, "kv/x/y", true},
    };
    auto_arena struct arena *a = arena_new(0);

    check(compile(a, &text, 1), asks, ARRAY_LEN(asks));
}

TEST(segments_are_decided_as_recorded)
{
    static const char *const texts[] = {
        "path \"kv/+/+\" { capabilities = [\"read\"] }\n"
        "path \"kv/a/+\" { capabilities = [\"delete\"] }\n"
        "path \"kv/+/b\" { capabilities = [\"list\"] }\n"
        "path \"kv/a*\" { capabilities = [\"update\", \"create\"] }",
        "path \"kv/x/+/z\" { capabilities = [\"read\"] }\n"
        "path \"kv/+/y/z\" { capabilities = [\"deny\"] }\n"
        "path \"kv/+\" { capabilities = [\"read\"] }\n"
        "path \"kv/a/b\" { capabilities = [\"read\"] }\n"
        "path \"kv\" { capabilities = [\"list\", \"read\"] }",
    };
    static const struct ask asks[] = {
        {OP_READ, "kv/a", false},       {OP_READ, "kv/a/b", true},
        {OP_READ, "kv/a/b/c", false},   {OP_READ, "kv/x/y", true},
        {OP_READ, "kv/x/y/z", true},    {OP_READ, "kv/deny/x", true},
        {OP_READ, "kv/deny", true},     {OP_LIST, "kv/", true},
        {OP_LIST, "kv/a/", false},      {OP_READ, "kv/pre-1", true},
        {OP_READ, "kv/pre", true},      {OP_READ, "kv/pre/1", true},
        {OP_DELETE, "kv/a/b", false},   {OP_UPDATE, "kv/a/b", false},
        {OP_UPDATE, "kv/new/n", false}, {OP_CREATE, "kv/new/n", false},
        {OP_READ, "kv/new/n", true},    {OP_READ, "kv", true},
        {OP_READ, "kv/", true},         {OP_READ, "kv/lit*", true},
        {OP_READ, "kv/A/b", false},     {OP_LIST, "kv/a/b/", false},
    };
    auto_arena struct arena *a = arena_new(0);

    check(compile(a, texts, 2), asks, ARRAY_LEN(asks));
}

TEST(of_several_patterns_the_best_decides_alone)
{
    static const struct {
        const char *label, *text, *path;
        bool reads;
    } rows[] = {
        {"later first wildcard",
         "path \"a/+/c\" {capabilities=[\"deny\"]} path \"a/b*\" "
         "{capabilities=[\"read\"]}",
         "a/b/c", true},
        {"no star at the end",
         "path \"a/+/c*\" {capabilities=[\"deny\"]} path \"a/+/c\" "
         "{capabilities=[\"read\"]}",
         "a/b/c", true},
        {"fewer plus",
         "path \"a/+/+/d\" {capabilities=[\"deny\"]} path \"a/+/c/d\" "
         "{capabilities=[\"read\"]}",
         "a/b/c/d", true},
        {"longer",
         "path \"a/+/*\" {capabilities=[\"deny\"]} path \"a/+/c*\" "
         "{capabilities=[\"read\"]}",
         "a/b/cc", true},
        {"larger",
         "path \"a/+/c/+\" {capabilities=[\"read\"]} path \"a/+/+/d\" "
         "{capabilities=[\"deny\"]}",
         "a/b/c/d", true},
        {"exact over all",
         "path \"a/b\" {capabilities=[\"read\"]} path \"a/*\" "
         "{capabilities=[\"deny\"]}",
         "a/b", true},
        {"no union",
         "path \"a/*\" {capabilities=[\"read\"]} path \"a/b*\" "
         "{capabilities=[\"list\"]}",
         "a/bc", false},
        {"a prefix inside prefixes",
         "path \"a*\" {capabilities=[\"read\"]} path \"ab*\" "
         "{capabilities=[\"deny\"]} path \"abc*\" "
         "{capabilities=[\"deny\"]}",
         "aZ", true},
        {"past a longer sibling",
         "path \"a*\" {capabilities=[\"read\"]} path \"abc*\" "
         "{capabilities=[\"deny\"]}",
         "abd", true},
        {"plus is a whole segment", "path \"a/+b\" {capabilities=[\"read\"]}", "a/xb", false},
        {"a literal plus", "path \"a/+b\" {capabilities=[\"read\"]}", "a/+b", true},
        {"plus at the start", "path \"+/b\" {capabilities=[\"read\"]}", "x/b", true},
        {"plus does not cross", "path \"a/+\" {capabilities=[\"read\"]}", "a/b/c", false},
        {"no capabilities grant nothing", "path \"a\" {}", "a", false},
        {"star everywhere", "path \"*\" {capabilities=[\"read\"]}", "any/thing", true},
        {"unfilled template", "path \"a/{{identity.entity.id}}\" {capabilities=[\"read\"]}",
         "a/{{identity.entity.id}}", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].label);
        T_INT_EQ(allows(compile(a, &rows[i].text, 1), OP_READ, rows[i].path), rows[i].reads);
    }
    T_ROW("");
}

static const char *const parameters_text =
    "path \"kv/req\" { capabilities=[\"create\",\"update\"] required_parameters=[\"a\",\"b\"] "
    "}\n"
    "path \"kv/allow\" { capabilities=[\"create\",\"update\",\"read\"] allowed_parameters={ "
    "\"a\"=[] \"b\"=[\"1\",\"2*\"] \"c\"=[5,true] } }\n"
    "path \"kv/deny\" { capabilities=[\"create\",\"update\"] denied_parameters={ \"a\"=[] "
    "\"b\"=[\"x\",\"*y\"] } }\n"
    "path \"kv/denyall\" { capabilities=[\"create\",\"update\"] denied_parameters={ \"*\"=[] } "
    "}\n"
    "path \"kv/allowall\" { capabilities=[\"create\",\"update\"] allowed_parameters={ \"*\"=[] "
    "\"z\"=[\"1\"] } denied_parameters={\"q\"=[]} }\n"
    "path \"kv/mid\" { capabilities=[\"update\"] allowed_parameters={ \"m\"=[\"*mid*\",\"*\"] "
    "\"l\"=[[\"a\",true]] } }\n"
    "path \"kv/wrap\" { capabilities=[\"create\",\"update\",\"read\"] min_wrapping_ttl=\"10s\" "
    "max_wrapping_ttl=\"1m\" }\n";

TEST(parameters_are_decided_as_recorded)
{
    static const struct {
        const char *path, *data;
        bool want;
    } rows[] = {
        {"kv/req", "{\"a\":1,\"b\":2}", true},
        {"kv/req", "{\"a\":1}", false},
        {"kv/req", "{}", false},
        {"kv/req", "{\"A\":1,\"B\":1,\"c\":3}", false},
        {"kv/allow", "{\"a\":\"any\"}", true},
        {"kv/allow", "{\"b\":\"1\"}", true},
        {"kv/allow", "{\"b\":\"2xyz\"}", true},
        {"kv/allow", "{\"b\":\"3\"}", false},
        {"kv/allow", "{\"c\":5}", false},
        {"kv/allow", "{\"c\":true}", true},
        {"kv/allow", "{\"c\":\"5\"}", false},
        {"kv/allow", "{\"d\":1}", false},
        {"kv/allow", "{\"A\":\"x\"}", true},
        {"kv/allow", "{}", true},
        {"kv/deny", "{\"a\":1}", false},
        {"kv/deny", "{\"b\":\"x\"}", false},
        {"kv/deny", "{\"b\":\"zy\"}", false},
        {"kv/deny", "{\"b\":\"z\"}", true},
        {"kv/deny", "{\"c\":1}", true},
        {"kv/deny", "{\"A\":1}", false},
        {"kv/deny", "{}", true},
        {"kv/denyall", "{\"a\":1}", false},
        {"kv/denyall", "{}", true},
        {"kv/allowall", "{\"a\":1}", true},
        {"kv/allowall", "{\"z\":\"1\"}", true},
        {"kv/allowall", "{\"z\":\"2\"}", false},
        {"kv/allowall", "{\"q\":1}", false},
        {"kv/mid", "{\"m\":\"a mid b\"}", true},
        {"kv/mid", "{\"m\":\"a\"}", false}, /* "*" alone is a literal value */
        {"kv/mid", "{\"m\":\"*\"}", true},
        {"kv/mid", "{\"l\":[\"a\",true]}", true},
        {"kv/mid", "{\"l\":[\"a\",false]}", false},
        {"kv/mid", "{\"l\":[\"a\"]}", false},
    };
    auto_arena struct arena *a = arena_new(0);
    const struct acl *acl = compile(a, &parameters_text, 1);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct acl_request q = {.op = OP_UPDATE, .path = str_of(rows[i].path)};
        struct err e = ERR_INIT;
        char label[128];
        struct json *v;

        snprintf(label, sizeof label, "%s %s", rows[i].path, rows[i].data);
        T_ROW(label);
        T_OK(json_parse(str_of(rows[i].data), NULL, 0, a, &v, &e), &e);
        q.data = v;
        T_INT_EQ(acl_allows(acl, &q), rows[i].want);
    }
    T_ROW("");
}

TEST(a_wrapping_window_makes_wrapping_a_duty)
{
    static const struct {
        int64_t ttl_s;
        bool want;
    } rows[] = {{0, false}, {5, false}, {10, true}, {30, true}, {60, true}, {120, false}};
    auto_arena struct arena *a = arena_new(0);
    const struct acl *acl = compile(a, &parameters_text, 1);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct acl_request q = {
            .op = OP_READ, .path = STR("kv/wrap"), .wrap_ttl_s = rows[i].ttl_s};

        T_INT_EQ(acl_allows(acl, &q), rows[i].want);
    }
}

TEST(rules_for_one_path_merge)
{
    static const char *const texts[] = {
        "path \"a\" {capabilities=[\"read\"]} path \"d\" {capabilities=[\"read\"]} "
        "path \"p\" {capabilities=[\"update\"] allowed_parameters={\"x\"=[\"1\"] "
        "\"y\"=[\"1\"]} "
        "min_wrapping_ttl=\"1m\"}",
        "path \"a\" {capabilities=[\"list\"]} path \"d\" {capabilities=[\"deny\"]} "
        "path \"p\" {capabilities=[\"update\"] allowed_parameters={\"x\"=[\"2\"] \"y\"=[]} "
        "min_wrapping_ttl=\"10s\"}",
        "path \"p\" {capabilities=[\"update\"]}",
    };
    static const struct {
        const char *data;
        bool want;
    } rows[] = {{"{\"x\":\"1\"}", true},
                {"{\"x\":\"2\"}", true},
                {"{\"x\":\"3\"}", false},
                {"{\"y\":\"9\"}", true},
                {"{\"z\":\"1\"}", false}};
    auto_arena struct arena *a = arena_new(0);
    const struct acl *acl = compile(a, texts, 3);

    T_INT_EQ(acl_capabilities(acl, STR("a")), CAP_READ | CAP_LIST);
    T_INT_EQ(acl_capabilities(acl, STR("d")), CAP_DENY);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct acl_request q = {.op = OP_UPDATE, .path = STR("p"), .wrap_ttl_s = 10};
        struct err e = ERR_INIT;
        struct json *v;

        T_ROW(rows[i].data);
        T_OK(json_parse(str_of(rows[i].data), NULL, 0, a, &v, &e), &e);
        q.data = v;
        T_INT_EQ(acl_allows(acl, &q), rows[i].want);
    }
    T_ROW("");
}

TEST(capabilities_are_shown_as_recorded)
{
    static const char *const text =
        "path \"secret/*\" { capabilities = [\"read\", \"list\"] }\n"
        "path \"secret/data/deny\" { capabilities = [\"deny\"] }\n"
        "path \"kv/+/x\" { capabilities = [\"update\", \"create\", \"delete\"] }\n"
        "path \"exact\" { capabilities = [\"read\", \"sudo\"] }\n"
        "path \"nothing\" { }\n"
        "path \"kv/a/*\" { capabilities = [\"patch\"] }";
    static const struct {
        const char *path, *want;
    } rows[] = {
        {"secret/data/a", "list read"},
        {"secret/data/deny", "deny"},
        {"kv/z/x", "create delete update"},
        {"exact", "read sudo"},
        {"exact/", "read sudo"},
        {"kv/a/x", "patch"},
        {"none", "deny"},
        {"nothing", "deny"},
    };
    auto_arena struct arena *a = arena_new(0);
    const struct acl *acl = compile(a, &text, 1), *root = acl_new(a, NULL, 0, NULL, true);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf b = BUF_INIT(256);
        struct strlist names = {0};

        T_ROW(rows[i].path);
        capability_names(acl_capabilities(acl, str_of(rows[i].path)), a, &names);
        for (size_t k = 0; k < names.len; k++)
            buf_printf(&b, "%s%s", k ? " " : "", names.at[k]);
        T_STRN_EQ(buf_str(&b), str_of(rows[i].want));
    }
    T_ROW("");
    T_INT_EQ(acl_capabilities(root, STR("x")), CAP_ROOT);
    T_TRUE(acl_has_sudo(root, STR("x")) && acl_has_sudo(acl, STR("exact")));
    T_FALSE(acl_has_sudo(acl, STR("secret/x")) || acl_has_sudo(acl, STR("none")));
}

TEST(a_list_does_not_get_round_a_deny_below)
{
    static const char *const text =
        "path \"*\" {capabilities=[\"list\",\"read\"]} path \"a/*\" {capabilities=[\"deny\"]} "
        "path \"b\" {capabilities=[\"list\"]} path \"b/*\" {capabilities=[\"deny\"]}";
    static const struct ask asks[] = {{OP_LIST, "a/", false},
                                      {OP_LIST, "a/x/", false},
                                      {OP_LIST, "c/", true},
                                      {OP_LIST, "b/", true}}; /* said of this very path */
    auto_arena struct arena *a = arena_new(0);

    check(compile(a, &text, 1), asks, ARRAY_LEN(asks));
}

TEST(protected_paths_need_sudo_in_the_rule_that_decides)
{
    static const char *const text = "path \"auth/token/accessors\" {capabilities=[\"list\","
                                    "\"sudo\"]} path \"sys/*\" {capabilities=[\"read\"]}";
    auto_arena struct arena *a = arena_new(0);
    const struct acl *acl = compile(a, &text, 1);
    struct acl_request q = {
        .op = OP_LIST, .path = STR("auth/token/accessors/"), .needs_sudo = true};

    T_TRUE(acl_allows(acl, &q));
    q = (struct acl_request){.op = OP_READ, .path = STR("sys/audit"), .needs_sudo = true};
    T_FALSE(acl_allows(acl, &q));
    q.needs_sudo = false;
    T_TRUE(acl_allows(acl, &q));
}

TEST(a_prefix_is_touched_by_any_grant_below_it)
{
    static const struct {
        const char *text, *prefix;
        bool want;
    } rows[] = {
        {"path \"secret/data/x\" {capabilities=[\"read\"]}", "secret/", true},
        {"path \"secret/data/x\" {capabilities=[\"deny\"]}", "secret/", false},
        {"path \"secret/*\" {capabilities=[\"list\"]}", "secret/", true},
        {"path \"secret/a/*\" {capabilities=[\"list\"]}", "secret/", true},
        {"path \"*\" {capabilities=[\"read\"]}", "secret/", true},
        {"path \"*\" {capabilities=[\"read\"]} path \"secret/*\" {capabilities=[\"deny\"]}",
         "secret/", false},
        {"path \"secret\" {capabilities=[\"read\"]}", "secret/", true},
        {"path \"secre\" {capabilities=[\"read\"]}", "secret/", false},
        {"path \"other/*\" {capabilities=[\"read\"]}", "secret/", false},
        {"path \"+/x\" {capabilities=[\"read\"]}", "secret/", true},
        {"path \"+/x\" {capabilities=[\"read\"]}", "a/b/", false},
        {"path \"a/+/c\" {capabilities=[\"read\"]}", "a/b/", true},
        {"path \"a/+/c\" {capabilities=[\"deny\"]}", "a/b/", false},
        {"path \"a/+/c*\" {capabilities=[\"read\"]}", "b/", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].text);
        T_INT_EQ(acl_touches_prefix(compile(a, &rows[i].text, 1), str_of(rows[i].prefix)),
                 rows[i].want);
    }
    T_ROW("");
}

TEST(the_shown_form_has_exact_paths_and_prefixes)
{
    static const char *const text = "path \"e\" {capabilities=[\"read\"]} path \"p/*\" "
                                    "{capabilities=[\"list\"]} path \"+/s\" "
                                    "{capabilities=[\"list\"]}";
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(1024);
    struct json_out w;

    json_out_init(&w, &b, NULL);
    json_obj(&w);
    acl_json_members(compile(a, &text, 1), &w);
    json_obj_end(&w);
    T_STR_EQ(b.p, "{\"exact_paths\":{\"e\":{\"capabilities\":[\"read\"]}},\"glob_paths\":{"
                  "\"p/\":{\"capabilities\":[\"list\"]}},\"root\":false}");
}

/* A reference that shares nothing with acl.c: all rules, one after the other. */
struct plain_rule {
    char path[16];
    unsigned caps;
};

static bool plain_match(const char *p, const char *s)
{
    size_t n = strlen(p);
    bool prefix = n && p[n - 1] == '*';

    for (;;) {
        size_t pn = strcspn(p, "/"), sn = strcspn(s, "/");

        if (!(pn == 1 && *p == '+')) {
            if (prefix && p[pn] == '\0')
                return sn >= pn - 1 && memcmp(p, s, pn - 1) == 0;
            if (pn != sn || memcmp(p, s, pn) != 0)
                return false;
        }
        if (!p[pn] || !s[sn])
            return !p[pn] && !s[sn];
        p += pn + 1;
        s += sn + 1;
    }
}

/* < 0: a decides over b. */
static int plain_order(const char *a, const char *b)
{
    const char *ends[2] = {a, b};
    size_t first[2], plus[2] = {0}, len[2];
    bool star[2];

    for (int i = 0; i < 2; i++) {
        const char *s = ends[i];

        len[i] = strlen(s);
        star[i] = len[i] && s[len[i] - 1] == '*';
        first[i] = star[i] ? len[i] - 1 : len[i];
        for (size_t k = 0; k < len[i]; k++) {
            if (s[k] == '+' && (k == 0 || s[k - 1] == '/') && (!s[k + 1] || s[k + 1] == '/')) {
                plus[i]++;
                first[i] = k < first[i] ? k : first[i];
            }
        }
        if (!star[i] && !plus[i])
            first[i] = 1000; /* exact */
    }
    if (first[0] != first[1])
        return first[0] > first[1] ? -1 : 1;
    if (star[0] != star[1])
        return star[0] ? 1 : -1;
    if (plus[0] != plus[1])
        return plus[0] < plus[1] ? -1 : 1;
    if (len[0] != len[1])
        return len[0] > len[1] ? -1 : 1;
    return -strcmp(a, b);
}

static void random_path(unsigned *seed, char *out, bool pattern)
{
    static const char plain[] = "ab/ab/", wild[] = "ab/+a/";
    size_t n = 1 + (unsigned)rand_r(seed) % 9;

    for (size_t i = 0; i < n; i++)
        out[i] = (pattern ? wild : plain)[(unsigned)rand_r(seed) % 6];
    if (out[0] == '/')
        out[0] = 'a';
    if (pattern && rand_r(seed) % 3 == 0 && out[n - 1] != '+')
        out[n++] = '*';
    out[n] = '\0';
}

TEST(random_rules_are_decided_as_by_trying_them_all)
{
    unsigned seed = 20240611;

    for (int round = 0; round < 2000; round++) {
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf text = BUF_INIT(4096);
        struct plain_rule rules[12];
        const char *one;
        const struct acl *acl;

        for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
            struct strlist names = {0};

            random_path(&seed, rules[i].path, true);
            rules[i].caps = 1u << (unsigned)rand_r(&seed) % 5;
            for (size_t k = 0; k < i; k++)
                if (strcmp(rules[k].path, rules[i].path) == 0)
                    rules[i].caps |= rules[k].caps, rules[k].caps = rules[i].caps;
            capability_names(rules[i].caps, a, &names);
            buf_printf(&text, "path \"%s\" { capabilities = [", rules[i].path);
            for (size_t k = 0; k < names.len; k++)
                buf_printf(&text, "\"%s\",", names.at[k]);
            buf_puts(&text, "] }\n");
        }
        one = buf_str(&text).p;
        acl = compile(a, &one, 1);
        for (int ask = 0; ask < 40; ask++) {
            const struct plain_rule *best = NULL;
            char path[16];

            random_path(&seed, path, false);
            for (size_t i = 0; i < ARRAY_LEN(rules); i++)
                if (plain_match(rules[i].path, path) &&
                    (!best || plain_order(rules[i].path, best->path) < 0))
                    best = &rules[i];
            T_ROW(arena_printf(a, "path %s\n%s", path, one));
            T_INT_EQ(allows(acl, OP_READ, path), best && (best->caps & CAP_READ));
            T_INT_EQ(allows(acl, OP_CREATE, path), best && (best->caps & CAP_CREATE));
        }
    }
    T_ROW("");
}
