/* What parses as a policy, and the text of the error when it does not. */
#include "t.h"

#include <stdio.h>

#include "base/buf.h"
#include "vault/core/policy_priv.h"

#define SLICE "unknown slice type: *ast.LiteralType"
#define UNBALANCED "failed to validate policy templating: unbalanced templating characters"

TEST(policy_texts_parse_or_say_where_they_are_wrong)
{
    static const struct {
        const char *text, *want; /* NULL: parses */
    } rows[] = {
        {"path \"aws/*\" {/usr\n  capabilities = [ \"read\" ]\n}\n",
         "At 1:15: expected '/' for comment"},
        {"path \"aws/*\" {usr\n capabilities=[\"read\"]\n}",
         "At 2:14: nested object expected: LBRACE got: ASSIGN"},
        {"path \"a\" { capabilities = [\"bogus\"] }",
         "path \"a\": invalid capability \"bogus\""},
        {"path \"a\" { capabilities = \"read\" }", "path \"a\": At 1:27: " SLICE},
        {"path \"a\" { capabilities = [\"read\" ",
         "At 1:35: error parsing list, expected comma or list end, got: EOF"},
        {"path \"a\" { capabilities = [\"read\"]",
         "At 1:36: object expected closing RBRACE got: EOF"},
        {"path \"a\" capabilities = [\"read\"]",
         "At 1:23: nested object expected: LBRACE got: ASSIGN"},
        {"path a { capabilities = [\"read\"] }", NULL},
        {"path { capabilities = [\"read\"] }", NULL},
        {"path \"a\" { policy = \"x\" }", "path \"a\": invalid policy \"x\""},
        {"path \"a\" { policy = \"write\" }", NULL},
        {"path \"a+*\" { capabilities = [\"read\"] }",
         "path \"a+*\": invalid use of wildcards ('+*' is forbidden)"},
        {"path \"a/+*\" { capabilities = [\"read\"] }",
         "path \"a/+*\": invalid use of wildcards ('+*' is forbidden)"},
        {"path \"a/+/b*\" { bogus = 1 }",
         "1 error occurred:\n\t* path \"a/+/b*\": invalid key \"bogus\" on line 1\n\n"},
        {"foo = \"x\"", "1 error occurred:\n\t* invalid key \"foo\" on line 1\n\n"},
        {"foo = \"x\"\nbar = 1", "2 errors occurred:\n\t* invalid key \"foo\" on line 1\n"
                                 "\t* invalid key \"bar\" on line 2\n\n"},
        {"path \"{{identity.entity.id\" { capabilities = [\"read\"] }", UNBALANCED},
        {"path \"}}{{identity.entity.id\" { capabilities = [\"read\"] }", UNBALANCED},
        {"path \"{{identity.entity.bogus}}\" { capabilities = [\"read\"] }", NULL},
        {"path \"a\" { capabilities = [\"read\"] min_wrapping_ttl = \"2h\" "
         "max_wrapping_ttl = \"1h\" }",
         "max_wrapping_ttl cannot be less than min_wrapping_ttl"},
        {"path \"a\" { capabilities = [\"read\"] min_wrapping_ttl = \"zz\" }",
         "error parsing min_wrapping_ttl: time: invalid duration \"zz\""},
        {"path \"a\" { capabilities = [\"root\"] }", "path \"a\": invalid capability \"root\""},
        {"path \"a\" { allowed_parameters = \"x\" capabilities=[\"read\"] }",
         "path \"a\": At 1:33: root.allowed_parameters: not an object type for map "
         "(*ast.LiteralType)"},
        {"path \"a\" { capabilities = [5] }", "path \"a\": invalid capability \"5\""},
        {"path \"a\" { required_parameters = \"x\" capabilities=[\"update\"] }",
         "path \"a\": At 1:34: " SLICE},
        {"{\"path\": {\"a\": {\"capabilities\": [\"read\"]}}", NULL},
        {"{\"path\": {\"a\": {\"capabilities\": [\"zap\"]}}}",
         "path \"a\": invalid capability \"zap\""},
        {"{\"path\": [{\"a\": {\"capabilities\": [\"read\"]}}]}", NULL},
        {"path \"a\" { capabilities = [\"read\"] } path \"a\" { capabilities = [\"deny\"] }",
         NULL},
        {"not hcl at all", "At 1:16: key 'not hcl at all' expected start of object ('{') or "
                           "assignment ('=')"},
        {"\"", "At 1:2: literal not terminated"},
        {"path \"a\" { capabilities = [\"read\"]; }", "At 1:35: illegal char"},
        {"# only a comment", NULL},
        {"   ", NULL},
        {"name = \"x\"", NULL},
        {"path \"\" { capabilities = [\"read\"] }", NULL},
        {"path \"a\" {}", NULL},
        {"path \"a\" { capabilities = [\"READ\"] }", "path \"a\": invalid capability \"READ\""},
        {"path 'a' { capabilities = ['read'] }", "At 1:6: illegal char"},
        {"path \"a\" = { capabilities = [\"read\"] }",
         "At 1:10: nested object expected: LBRACE got: ASSIGN"},
        {"path \"a\" { capabilities = [\"read\"] }\n}\n",
         "At 2:1: expected: IDENT | STRING | ASSIGN | LBRACE got: RBRACE"},
        {"path \"a\" {\n capabilities = [\"read\"\n \"list\"]\n}",
         "At 3:2: error parsing list, expected comma or list end, got: STRING"},
        {"path \"a\" \"b\" { capabilities = [\"read\"] }", NULL},
        {"/* unclosed", "At 1:12: comment not terminated"},
        {"path \"a\\q\" { capabilities = [\"read\"] }", "At 1:9: illegal char escape"},
        {"path \"a\" { capabilities = [\"read\"], }", NULL},
        {"path \"a\" { capabilities = <<EOF\nread\nEOF\n}", "path \"a\": At 1:27: " SLICE},
        {"path \"x/*/y\" { capabilities = [\"patch\",\"subscribe\"] }",
         "path \"x/*/y\": invalid capability \"subscribe\""},
        {"path \"a\" { control_group = { factor \"x\" {} } capabilities=[\"read\"] }",
         "no control_group factor provided"},
        {"path \"a\" { control_group = { factor \"x\" { identity { approvals = 1 } } } }",
         NULL},
        {"path \"a\" { mfa_methods = [\"m\"] capabilities=[\"read\"] comment=\"c\" }", NULL},
        {"5", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: NUMBER"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct policy *p = NULL;
        struct err e = ERR_INIT;
        int r;

        T_ROW(rows[i].text);
        r = policy_parse(str_of(rows[i].text), a, &p, &e);
        T_STR_EQ(e.msg, rows[i].want ? rows[i].want : "");
        T_INT_EQ(r, rows[i].want ? ERR_INVALID : 0);
        T_TRUE(!rows[i].want == !!p);
    }
    T_ROW("");
}

TEST(a_rule_is_what_was_written)
{
    static const struct {
        const char *text, *path;
        bool prefix;
        unsigned caps;
    } rows[] = {
        {"path \"/a/b\" { capabilities=[\"read\",\"list\"] }", "a/b", false,
         CAP_READ | CAP_LIST},
        {"path \"a*\" { capabilities=[\"read\",\"deny\",\"zz\"] }", "a", true, CAP_DENY},
        {"path \"a*b\" { policy=\"read\" }", "a*b", false, CAP_READ | CAP_LIST},
        {"path \"*\" { policy=\"sudo\" }", "", true,
         CAP_CREATE | CAP_READ | CAP_UPDATE | CAP_DELETE | CAP_LIST | CAP_SUDO},
        {"path \"a\" { policy=\"deny\" capabilities=[\"read\"] }", "a", false, CAP_DENY},
        {"path { capabilities=[\"patch\"] }", "path", false, CAP_PATCH},
        {"path \"a\" \"b\" { capabilities=[\"patch\"] }", "a", false, CAP_PATCH},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct err e = ERR_INIT;
        struct policy *p;

        T_ROW(rows[i].text);
        T_OK(policy_parse(str_of(rows[i].text), a, &p, &e), &e);
        T_INT_EQ(p->rules.len, 1);
        T_STRN_EQ(p->rules.at[0].path, str_of(rows[i].path));
        T_INT_EQ(p->rules.at[0].prefix, rows[i].prefix);
        T_INT_EQ(p->rules.at[0].caps, rows[i].caps);
    }
    T_ROW("");
}

static int parse_many(const char *before, const char *each, size_t n, const char *after,
                      struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(8 << 20);
    struct policy *p;

    buf_puts(&b, before);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s%zu%s", each, i, after);
    if (*before)
        buf_puts(&b, "} }");
    return policy_parse(buf_str(&b), a, &p, e);
}

TEST(what_is_too_large_is_refused_by_its_limit)
{
    auto_buf struct buf b = BUF_INIT(4 << 20);
    auto_arena struct arena *a = arena_new(0);
    struct err e = ERR_INIT;
    struct policy *p;

    T_INT_EQ(parse_many("", "path \"", POLICY_PATHS_MAX, "\" {}\n", &e), 0);
    T_INT_EQ(parse_many("", "path \"", POLICY_PATHS_MAX + 1, "\" {}\n", &e), ERR_TOOBIG);
    T_STR_HAS(e.msg, "at most 10000 paths");
    T_INT_EQ(parse_many("path \"x\" { allowed_parameters = {", "\"p", POLICY_PARAMS_MAX,
                        "\" = []\n", &e),
             0);
    T_INT_EQ(parse_many("path \"x\" { allowed_parameters = {", "\"p", POLICY_PARAMS_MAX + 1,
                        "\" = []\n", &e),
             ERR_TOOBIG);
    T_STR_HAS(e.msg, "more than 1000 parameters");
    while (b.len <= POLICY_TEXT_MAX)
        buf_puts(&b, "# a comment that goes on and on\n");
    T_INT_EQ(policy_parse(buf_str(&b), a, &p, &e), ERR_TOOBIG);
    T_STR_HAS(e.msg, "at most 1048576 bytes");
}

TEST(templates_take_single_literal_segments_only)
{
    static const char entity[] =
        "{\"metadata\":{\"team\":\"red\",\"star\":\"*\",\"glob\":\"a*\",\"plus\":\"+\","
        "\"slash\":\"a/b\",\"comma\":\"a,b\",\"empty\":\"\",\"dots\":\"..\",\"a.b\":\"dot\","
        "\"braces\":\"{{identity.entity.id}}\"},"
        "\"aliases\":{\"acc_1\":{\"id\":\"ai\",\"name\":\"bob\",\"metadata\":{\"k\":\"v\"},"
        "\"custom_metadata\":{\"c\":\"cv\"}}},"
        "\"groups\":{\"ids\":{\"gid\":{\"name\":\"grp\"}},\"names\":{\"grp\":{\"id\":\"gid\","
        "\"metadata\":{\"k\":\"gv\"}}}}}";
    static const struct {
        const char *path, *want; /* NULL: dropped */
    } rows[] = {
        {"kv/{{identity.entity.id}}/*", "kv/e-1/*"},
        {"kv/{{ identity.entity.name }}", "kv/bobent"},
        {"{{identity.entity.id}}{{identity.entity.name}}", "e-1bobent"},
        {"m/{{identity.entity.metadata.team}}/x", "m/red/x"},
        {"m/{{identity.entity.metadata.a.b}}", "m/dot"},
        {"a/{{identity.entity.aliases.acc_1.id}}", "a/ai"},
        {"a/{{identity.entity.aliases.acc_1.name}}", "a/bob"},
        {"a/{{identity.entity.aliases.acc_1.metadata.k}}", "a/v"},
        {"a/{{identity.entity.aliases.acc_1.custom_metadata.c}}", "a/cv"},
        {"g/{{identity.groups.ids.gid.name}}", "g/grp"},
        {"g/{{identity.groups.names.grp.id}}", "g/gid"},
        {"g/{{identity.groups.names.grp.metadata.k}}", "g/gv"},
        {"none/{{identity.entity.metadata.nope}}", NULL},
        {"none/{{identity.entity.aliases.acc_2.name}}", NULL},
        {"none/{{identity.entity.bogus}}", NULL},
        {"none/{{time.now}}", NULL},
        {"none/{{}}", NULL},
        {"none/{{identity.entity.metadata.star}}", NULL},
        {"none/{{identity.entity.metadata.glob}}", NULL},
        {"none/{{identity.entity.metadata.plus}}", NULL},
        {"none/{{identity.entity.metadata.slash}}", NULL},
        {"none/{{identity.entity.metadata.comma}}", NULL},
        {"none/{{identity.entity.metadata.empty}}", NULL},
        {"none/{{identity.entity.metadata.dots}}", NULL},
        {"none/{{identity.entity.metadata.braces}}", NULL},
    };
    auto_arena struct arena *a = arena_new(0);
    struct policy_identity id = {"e-1", "bobent", NULL};
    struct err e = ERR_INIT;
    struct json *v;

    T_OK(json_parse(str_of(entity), NULL, 0, a, &v, &e), &e);
    id.entity = v;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str got = STR("");

        T_ROW(rows[i].path);
        T_INT_EQ(policy_template_fill(a, str_of(rows[i].path), &id, &got), !!rows[i].want);
        T_STRN_EQ(got, str_of(rows[i].want));
        T_FALSE(policy_template_fill(a, str_of(rows[i].path), NULL, &got));
    }
    T_ROW("");
}

TEST(names_have_one_canonical_form)
{
    static const struct {
        const char *in, *want; /* joined by '|' */
        bool add_default;
    } rows[] = {
        {"b|a|b", "a|b", false},
        {"b|a", "a|b|default", true},
        {" A |a|", "a", false},
        {"a|ROOT\t", "root", true},
        {"Root", "root", false},
        {"", "", false},
        {"", "default", true},
        {"ro ot|\xc2\xa0root", "ro ot|\xc2\xa0root", false}, /* a no-break space stays */
        {"ｒｏｏｔ", "ｒｏｏｔ", false},                     /* and so do other letters */
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf b = BUF_INIT(1024);
        struct strlist names = {0};
        struct str rest = str_of(rows[i].in), name;

        T_ROW(rows[i].in);
        while (str_split(&rest, '|', &name))
            list_push(a, &names, arena_cstr(a, name));
        policy_names_canonical(a, &names, rows[i].add_default);
        for (size_t k = 0; k < names.len; k++)
            buf_printf(&b, "%s%s", k ? "|" : "", names.at[k]);
        T_STRN_EQ(buf_str(&b), str_of(rows[i].want));
    }
    T_ROW("");
}
