#include "cli/common/print.h"

#include "t.h"

static const char *yaml_of(struct arena *a, const char *json)
{
    auto_buf struct buf b = BUF_INIT(PRINT_MAX);
    struct err e = ERR_INIT;
    struct json *v = NULL;

    T_OK(json_parse(str_of(json), NULL, 0, a, &v, &e), &e);
    print_yaml(&b, v, a);
    return arena_cstr(a, buf_str(&b));
}

TEST(yaml_has_sorted_keys_and_lists_at_the_level_of_their_key)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_EQ(
        yaml_of(a, "{\"b\":{\"y\":1,\"l\":[1,\"x\",[2,3],{\"k\":null,\"j\":[]}]},\"a\":{}}"),
        "a: {}\n"
        "b:\n"
        "  l:\n"
        "  - 1\n"
        "  - x\n"
        "  - - 2\n"
        "    - 3\n"
        "  - j: []\n"
        "    k: null\n"
        "  \"y\": 1\n");
}

TEST(yaml_quotes_what_would_read_back_as_something_else)
{
    static const struct {
        const char *json, *want;
    } rows[] = {
        {"\"a\"", "a\n"},
        {"\"1\"", "\"1\"\n"},
        {"\"1e3\"", "\"1e3\"\n"},
        {"\"0x1f\"", "\"0x1f\"\n"},
        {"\"1_000\"", "\"1_000\"\n"},
        {"\"1.14.9\"", "1.14.9\n"},
        {"\"3h0m0s\"", "3h0m0s\n"},
        {"\"12:30:45\"", "\"12:30:45\"\n"},
        {"\"\"", "\"\"\n"},
        {"\"true\"", "\"true\"\n"},
        {"\"No\"", "\"No\"\n"},
        {"\"n\"", "\"n\"\n"},
        {"\"~\"", "\"~\"\n"},
        {"\"2026-11-22T04:53:15.3Z\"", "\"2026-11-22T04:53:15.3Z\"\n"},
        {"\"2026-1-2\"", "\"2026-1-2\"\n"},
        {"\"2026-1-2x\"", "2026-1-2x\n"},
        {"\"@lit\"", "'@lit'\n"},
        {"\"it's: so\"", "'it''s: so'\n"},
        {"\"a: b\"", "'a: b'\n"},
        {"\"a:b\"", "a:b\n"},
        {"\"a #b\"", "'a #b'\n"},
        {"\"- a\"", "'- a'\n"},
        {"\"-a\"", "-a\n"},
        {"\" a\"", "' a'\n"},
        {"\"path \\\"x\\\" { capabilities = [\\\"read\\\"] }\"",
         "path \"x\" { capabilities = [\"read\"] }\n"},
        {"\"a\\tb\"", "\"a\\tb\"\n"},
        {"\"a\\nb\"", "|-\n  a\n  b\n"},
        {"\"a\\n\\nb\\n\"", "|\n  a\n\n  b\n"},
        {"\"a\\n\\n\"", "|+\n  a\n\n"},
        {"\" a\\nb\"", "|2-\n   a\n  b\n"},
        {"\"a \\nb\"", "\"a \\nb\"\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].json);
        T_STR_EQ(yaml_of(a, rows[i].json), rows[i].want);
    }
}

TEST(json_is_indented_and_escapes_what_html_knows)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(PRINT_MAX);
    struct err e = ERR_INIT;
    struct json *v = NULL;

    T_OK(json_parse(STR("{\"b\":[1],\"a\":\"<&>\",\"c\":[],\"d\":{}}"), NULL, 0, a, &v, &e),
         &e);
    print_json(&b, v);
    T_STR_EQ(b.p, "{\n  \"b\": [\n    1\n  ],\n  \"a\": \"\\u003c\\u0026\\u003e\",\n"
                  "  \"c\": [],\n  \"d\": {}\n}");
}

TEST(formats_have_names_in_any_case)
{
    static const struct {
        const char *name;
        bool known;
        enum output_format want;
    } rows[] = {
        {"", true, FORMAT_TABLE},        {"table", true, FORMAT_TABLE},
        {"JSON", true, FORMAT_JSON},     {"yml", true, FORMAT_YAML},
        {"pretty", true, FORMAT_PRETTY}, {"raw", true, FORMAT_RAW},
        {"zz", false, FORMAT_TABLE},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum output_format f = FORMAT_TABLE;

        T_ROW(rows[i].name);
        T_INT_EQ(format_parse(rows[i].name, &f), rows[i].known);
        T_INT_EQ(f, rows[i].want);
    }
}
