#include "base/err.h"
#include "lang/hcl.h"
#include "t.h"

/* Texts and places as Vault's users see them (recorded from its API). "": it parses; what the
 * policy layer then says is not this one's. */
static const struct {
    const char *text, *want;
} policies[] = {
    /* clang-format off */
    {"path \"aws/*\" {/usr\n  capabilities = [ \"read\" ]\n}\n",
     "At 1:15: expected '/' for comment"},
    {"path \"aws/*\" {usr\n capabilities=[\"read\"]\n}",
     "At 2:14: nested object expected: LBRACE got: ASSIGN"},
    {"path \"a\" { capabilities = [\"bogus\"] }",
     ""},
    {"path \"a\" { capabilities = \"read\" }",
     ""},
    {"path \"a\" { capabilities = [\"read\" ",
     "At 1:35: error parsing list, expected comma or list end, got: EOF"},
    {"path \"a\" { capabilities = [\"read\"]",
     "At 1:36: object expected closing RBRACE got: EOF"},
    {"path \"a\" capabilities = [\"read\"]",
     "At 1:23: nested object expected: LBRACE got: ASSIGN"},
    {"path a { capabilities = [\"read\"] }",
     ""},
    {"path { capabilities = [\"read\"] }",
     ""},
    {"path \"a\" { policy = \"x\" }",
     ""},
    {"path \"a\" { policy = \"write\" }",
     ""},
    {"path \"a+*\" { capabilities = [\"read\"] }",
     ""},
    {"path \"a/+*\" { capabilities = [\"read\"] }",
     ""},
    {"path \"a/+/b*\" { bogus = 1 }",
     ""},
    {"foo = \"x\"",
     ""},
    {"path \"{{identity.entity.id\" { capabilities = [\"read\"] }",
     ""},
    {"path \"{{identity.entity.bogus}}\" { capabilities = [\"read\"] }",
     ""},
    {"path \"a\" { capabilities = [\"read\"] min_wrapping_ttl = \"2h\" max_wrapping_ttl = \"1h\" }",
     ""},
    {"path \"a\" { capabilities = [\"read\"] min_wrapping_ttl = \"zz\" }",
     ""},
    {"path \"a\" { capabilities = [\"root\"] }",
     ""},
    {"path \"a\" { allowed_parameters = \"x\" capabilities=[\"read\"] }",
     ""},
    {"path \"a\" { capabilities = [5] }",
     ""},
    {"path \"a\" { required_parameters = \"x\" capabilities=[\"update\"] }",
     ""},
    {"{\"path\": {\"a\": {\"capabilities\": [\"read\"]}}",
     ""},
    {"{\"path\": {\"a\": {\"capabilities\": [\"zap\"]}}}",
     ""},
    {"{\"path\": [{\"a\": {\"capabilities\": [\"read\"]}}]}",
     ""},
    {"path \"a\" { capabilities = [\"read\"] } path \"a\" { capabilities = [\"deny\"] }",
     ""},
    {"not hcl at all",
     "At 1:16: key 'not hcl at all' expected start of object ('{') or assignment ('=')"},
    {"\"",
     "At 1:2: literal not terminated"},
    {"path \"a\" { capabilities = [\"read\"]; }",
     "At 1:35: illegal char"},
    {"# only a comment",
     ""},
    {"   ",
     ""},
    {"name = \"x\"",
     ""},
    {"path \"\" { capabilities = [\"read\"] }",
     ""},
    {"path \"a\" {}",
     ""},
    {"path \"a\" { capabilities = [\"READ\"] }",
     ""},
    {"path 'a' { capabilities = ['read'] }",
     "At 1:6: illegal char"},
    {"path \"a\" = { capabilities = [\"read\"] }",
     "At 1:10: nested object expected: LBRACE got: ASSIGN"},
    {"path \"a\" { capabilities = [\"read\"] }\n}\n",
     "At 2:1: expected: IDENT | STRING | ASSIGN | LBRACE got: RBRACE"},
    {"path \"a\" {\n capabilities = [\"read\"\n \"list\"]\n}",
     "At 3:2: error parsing list, expected comma or list end, got: STRING"},
    {"path \"a\" \"b\" { capabilities = [\"read\"] }",
     ""},
    {"/* unclosed",
     "At 1:12: comment not terminated"},
    {"path \"a\\q\" { capabilities = [\"read\"] }",
     "At 1:9: illegal char escape"},
    {"path \"a\" { capabilities = [\"read\"], }",
     ""},
    {"path \"a\" { capabilities = <<EOF\nread\nEOF\n}",
     ""},
    {"path \"x/*/y\" { capabilities = [\"patch\",\"subscribe\"] }",
     ""},
    {"path \"a\" { control_group = { factor \"x\" {} } capabilities=[\"read\"] }",
     ""},
    {"path \"a\" { mfa_methods = [\"m\"] capabilities=[\"read\"] comment=\"c\" }",
     ""},
    {"cGF0aCAiYTY0IiB7IGNhcGFiaWxpdGllcyA9IFsicmVhZCJdIH0=",
     ""},
    {"path \"secret/*\" {\n  capabilities = [\"read\"]\n}\n",
     ""},
    {"cGF0aCAieCIge30=",
     ""},
    {"length=20\nrule \"charset\" { charset=\"abcdefghij\" min-chars=1 }\n",
     ""},
    /* clang-format on */
};

TEST(hcl1_policies_parse_or_fail_as_users_know)
{
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct hcl_diags d = {.arena = a};
        struct hcl_body *b;

        T_ROW(policies[i].text);
        T_INT_EQ(hcl_parse(str_of(policies[i].text), NULL, HCL1, a, &b, &d),
                 *policies[i].want ? ERR_INVALID : 0);
        T_STR_EQ(hcl_diags_text(a, &d), policies[i].want);
    }
}

/* A body as JSON, or the error. */
static const char *as_json(const char *text, struct arena *a)
{
    struct hcl_diags d = {.arena = a};
    auto_buf struct buf out = BUF_INIT(1 << 20);
    struct hcl_body *b;
    struct json *v;

    if (hcl_parse(str_of(text), NULL, HCL1, a, &b, &d) < 0)
        return hcl_diags_text(a, &d);
    v = hcl_body_to_json(b, NULL, a, &d);
    if (!v)
        return hcl_diags_text(a, &d);
    json_print(&out, v, NULL);
    return arena_cstr(a, buf_str(&out));
}

TEST(hcl1_values_are_read_as_written)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"a = 1\nb = -2.50\nc = true\nd = 0x1F\ne = 1e3",
         "{\"a\":1,\"b\":-2.5,\"c\":true,\"d\":31,\"e\":1000}"},
        {"a = \"${x \"y\"} \\n \\u00e9\\t\"", "{\"a\":\"${x \\\"y\\\"} \\n \303\251\\t\"}"},
        {"a.b-c = \"x\"", "{\"a.b-c\":\"x\"}"},
        {"a = [1, [2, \"x\",], {b = 1}]", "{\"a\":[1,[2,\"x\"],{\"b\":1}]}"},
        {"a = 1, b = 2", "{\"a\":1,\"b\":2}"},
        {"a { b = 1 }\na = { b = 2 }", "{\"a\":[{\"b\":1},{\"b\":2}]}"},
        {"a \"x\" \"y\" { b = 1 }", "{\"a\":[{\"x\":[{\"y\":[{\"b\":1}]}]}]}"},
        {"a = 1\na = 2", "{\"a\":2}"},
        {"a = <<EOF\n x\n\ty\nEOF\n", "{\"a\":\" x\\n\\ty\\n\"}"},
        {"a = <<-EOF\n  x\n    y\n  EOF\n", "{\"a\":\"x\\n  y\\n\"}"},
        {"a = <<-EOF\n  x\n y\n  EOF\n", "{\"a\":\"  x\\n y\\n\"}"},
        {"a = <<EOF\r\nx\r\nEOF\r\nb = 1\r\n", "{\"a\":\"x\\n\",\"b\":1}"},
        {"# c\n// c\n/* c\n */ a = 1 # d", "{\"a\":1}"},
        {"a =", "{}"},
        {"a = b", "At 1:5: Unknown token: 1:5 IDENT b"},
        {"a = [b]", "At 1:6: unexpected token while parsing list: IDENT"},
        {"a = [{b}]", "At 1:9: error while trying to parse object within list: "},
        {"a = \"x\nb = 1", "At 1:7: literal not terminated"},
        {"a = <<E F\nE\n", "At 1:8: invalid characters in heredoc anchor"},
        {"a = <<E\nx\n", "At 3:1: heredoc not terminated"},
        {"a = <E\nE\n", "At 1:6: heredoc expected second '<', didn't see it"},
        {"{\"a\": {\"b\": [1, {\"c\": null}]}}", "{\"a\":[{\"b\":[1,{\"c\":null}]}]}"},
        {"{\"a\": \"${x}\", \"b\": 1", "{\"a\":\"${x}\",\"b\":1}"},
        {"{", "{}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        const char *got = as_json(rows[i].text, a);

        T_ROW(rows[i].text);
        if (rows[i].want[0] == 'A')
            T_STR_HAS(got, rows[i].want);
        else
            T_STR_EQ(got, rows[i].want);
    }
}

/* Labels of all blocks of type "path", one line per block. */
static const char *labels_of(const char *text, size_t n_labels, enum hcl_dialect dialect,
                             struct arena *a)
{
    struct hcl_diags d = {.arena = a};
    struct hcl_blocks found;
    struct hcl_body *b;
    const char *s = "";

    T_INT_EQ(hcl_parse(str_of(text), "x", dialect, a, &b, &d), 0);
    hcl_blocks(b, "path", n_labels, "name", a, &d, &found);
    if (d.list.len > 0)
        return hcl_diags_text(a, &d);
    for (size_t i = 0; i < found.len; i++) {
        for (size_t k = 0; k < found.at[i]->n_labels; k++)
            s = arena_printf(a, "%s%.*s,", s, STR_ARG(found.at[i]->labels[k].text));
        s = arena_printf(a, "%s%zu;", s, found.at[i]->body->items.len);
    }
    return s;
}

TEST(blocks_are_found_however_their_labels_are_written)
{
    static const struct {
        const char *text, *want;
        size_t n_labels;
        enum hcl_dialect dialect;
    } rows[] = {
        {"path \"a\" { x = 1 }\npath \"b\" {}", "a,1;b,0;", 1, HCL1},
        {"path { \"a\" { x = 1 } \"b\" {} }", "a,1;b,0;", 1, HCL1},
        {"path = { a = { x = 1 } }", "a,1;", 1, HCL1},
        {"path = [{ a { x = 1 } }]", "a,1;", 1, HCL1},
        {"path { x = [1] }", "1;", 1, HCL1},
        {"path { \"a\" \"b\" { x = 1 } }", "a,b,1;", 2, HCL1},
        {"{\"path\": {\"a\": {\"x\": 1}, \"b\": {}}}", "a,1;b,0;", 1, HCL1},
        {"{\"path\": [{\"a\": {\"x\": 1}}, {\"b\": {}}]}", "a,1;b,0;", 1, HCL1},
        {"path \"a\" {\n}\npath {\n}", "a,0;0;", 1, HCL2},
        {"{\"path\": {\"//\": \"note\", \"a\": [{\"x\": 1}, {}]}}", "a,1;a,0;", 1, HCL2},
        {"{\"path\": {}}",
         "x:1,10-11: Missing block label; At least one object property is "
         "required, whose name represents the path block's name.",
         1, HCL2},
        {"{\"path\": 5}",
         "x:1,10-11: Incorrect JSON value type; Either a JSON object or a JSON "
         "array of objects is required here, to define arguments and child "
         "blocks.",
         1, HCL2},
        {"{\"path\": null}", "", 1, HCL2},
        {"{\"path\": [{\"x\": 1}, {}]}", "1;0;", 0, HCL2},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].text);
        T_STR_EQ(labels_of(rows[i].text, rows[i].n_labels, rows[i].dialect, a), rows[i].want);
    }
}
