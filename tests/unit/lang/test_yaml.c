#include "base/err.h"
#include "lang/yaml.h"
#include "t.h"

/* The value as JSON, or the error. */
static const char *read_yaml(const char *text, struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;
    struct json *v;

    if (yaml_parse(str_of(text), a, &v, &e) < 0)
        return arena_strdup(a, e.msg);
    json_print(&b, v, NULL);
    return arena_cstr(a, buf_str(&b));
}

TEST(yaml_is_read_as_the_value_it_says)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"nothing", "", "null"},
        {"a comment", "# x\n", "null"},
        {"a text", "a b", "\"a b\""},
        {"scalars", "[a, 1, 1.5, true, null, ~, 0x10, 1e3, 'it''s', \"\\u00e9\\n\"]",
         "[\"a\",1,1.5,true,null,null,16,1e3,\"it's\",\"é\\n\"]"},
        {"a map", "a: 1\nb: x # c\n", "{\"a\":1,\"b\":\"x\"}"},
        {"nested", "a:\n  b:\n    c: 1\n  d: 2\n", "{\"a\":{\"b\":{\"c\":1},\"d\":2}}"},
        {"a list below its key", "a:\n- 1\n- 2\nb: 3", "{\"a\":[1,2],\"b\":3}"},
        {"an indented list", "a:\n  - 1\n  - 2\n", "{\"a\":[1,2]}"},
        {"maps in a list", "- a: 1\n  b: 2\n- c: 3\n", "[{\"a\":1,\"b\":2},{\"c\":3}]"},
        {"lists in a list", "- - 1\n  - 2\n- 3\n", "[[1,2],3]"},
        {"empty values", "a:\nb:\n- \n", "{\"a\":null,\"b\":[null]}"},
        {"flow", "{a: [1, {b: 2}], \"c\":3, d}", "{\"a\":[1,{\"b\":2}],\"c\":3,\"d\":null}"},
        {"flow over lines", "a: [1,\n  2,\n]", "{\"a\":[1,2]}"},
        {"literal", "a: |\n  x\n   y\n\n  z\nb: 1", "{\"a\":\"x\\n y\\n\\nz\\n\",\"b\":1}"},
        {"folded", "a: >-\n  x\n  y\n\n  z\n", "{\"a\":\"x y\\nz\"}"},
        {"kept", "a: |+\n  x\n\n", "{\"a\":\"x\\n\\n\"}"},
        {"plain over lines", "a: x\n  y\n\n  z\nb: 1", "{\"a\":\"x y\\nz\",\"b\":1}"},
        {"anchors", "a: &x [1]\nb: *x\n", "{\"a\":[1],\"b\":[1]}"},
        {"tags", "[!!str 1, !!int \"2\"]", "[\"1\",2]"},
        {"a document", "---\na: 1\n...\n", "{\"a\":1}"},
        {"a colon in a text", "a: http://x:1/y", "{\"a\":\"http://x:1/y\"}"},
        {"windows", "a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}"},
        {"keys of all kinds", "\"a b\": 1\n'c': 2\n3: x", "{\"a b\":1,\"c\":2,\"3\":\"x\"}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].label);
        T_STR_EQ(read_yaml(rows[i].text, a), rows[i].want);
    }
}

TEST(yaml_that_is_wrong_is_told_with_its_place)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"a list that does not end", "[1, 2", "did not find expected"},
        {"a text that does not end", "\"a", "unexpected end of stream"},
        {"two values", "a: 1\n b: 2", "on line 2"},
        {"a key in a value", "a: b: c", "mapping values are not allowed"},
        {"an unknown alias", "*x", "reference to undefined anchor"},
        {"an alias of itself", "&x [*x]", "reference to undefined anchor"},
        {"a complex key", "? a\n: b", "complex keys are not supported"},
        {"a list as key", "{[1]: 2}", "only texts may be keys"},
        {"a tag", "!mine 1", "unsupported tag"},
        {"an escape", "\"\\q\"", "unknown escape"},
        {"two documents", "a\n---\nb", "expected end of the document"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].label);
        T_STR_HAS(read_yaml(rows[i].text, a), rows[i].want);
    }
}

TEST(yaml_cannot_grow_without_end)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(1 << 20);

    buf_puts(&b, "- &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++) {
        buf_printf(&b, "- &a%d [", i);
        for (int k = 0; k < 10; k++)
            buf_printf(&b, "*a%d, ", i - 1);
        buf_puts(&b, "]\n");
    }
    T_STR_HAS(read_yaml(b.p, a), "YAML has more than");
    buf_reset(&b);
    for (int i = 0; i < 1000; i++)
        buf_putc(&b, '[');
    T_STR_HAS(read_yaml(b.p, a), "YAML has more than");
    buf_reset(&b);
    for (int i = 0; i < 1000; i++)
        buf_puts(&b, "- ");
    T_STR_HAS(read_yaml(b.p, a), "YAML has more than");
}

TEST(values_are_written_as_yaml)
{
    static const struct {
        const char *json, *want;
    } rows[] = {
        {"{\"a\":[1,\"x\"],\"b\":{\"c\":true}}",
         "\"a\":\n- 1\n- \"x\"\n\"b\":\n  \"c\": true\n"},
        {"[]", "[]\n"},
        {"{\"a\":{},\"b\":null}", "\"a\": {}\n\"b\": null\n"},
        {"[[1,2],{\"a\":1,\"b\":[3]}]", "- - 1\n  - 2\n- \"a\": 1\n  \"b\":\n  - 3\n"},
        {"\"x\\n\"", "\"x\\n\"\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf b = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
        struct json *v, *back;

        T_ROW(rows[i].json);
        T_INT_EQ(json_parse(str_of(rows[i].json), NULL, 0, a, &v, NULL), 0);
        yaml_print(&b, v);
        T_STR_EQ(b.p, rows[i].want);
        T_INT_EQ(yaml_parse(buf_str(&b), a, &back, NULL), 0);
        json_print(&again, back, NULL);
        T_STR_EQ(again.p, rows[i].json);
    }
}
