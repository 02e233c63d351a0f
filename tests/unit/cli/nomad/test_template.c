#include "cli/nomad/template.h"

#include "base/err.h"
#include "t.h"

static const char data[] =
    "{\"ID\":\"web\",\"Version\":3,\"Groups\":[{\"Count\":1,\"Name\":\"a\"},"
    "{\"Count\":2,\"Name\":\"b\"}],\"Meta\":{\"k\":\"v\"},\"None\":null}";

TEST(a_template_prints_what_it_names)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"fields", "{{.ID}} {{.Version}}", "web 3"},
        {"an element", "{{(index .Groups 1).Name}}", "b"},
        {"parentheses in parentheses", "{{(index (index .Groups 0)  \"Name\")}}", "a"},
        {"length of a group", "{{len (index .Groups 0).Name}}", "1"},
        {"a member of a map", "{{index .Meta \"k\"}}", "v"},
        {"every one", "{{range .Groups}}{{.Name}}={{.Count}};{{end}}", "a=1;b=2;"},
        {"either", "{{if .None}}yes{{else}}no{{end}}", "no"},
        {"text and blanks", "a {{- \"b\" -}} c", "abc"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf b = BUF_INIT(1 << 16);
        struct err e = ERR_INIT;
        struct json *v = NULL;

        T_ROW(rows[i].label);
        T_OK(json_parse(str_of(data), &json_limits_file, 0, a, &v, &e), &e);
        T_OK(template_print(rows[i].text, v, a, &b, &e), &e);
        T_STRN_EQ(buf_str(&b), str_of(rows[i].want));
    }
}

TEST(what_a_template_may_not_say_is_told)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"open action", "{{.ID", "unclosed action"},
        {"open parenthesis", "{{(index .Groups 1}}", "unclosed left paren"},
        {"a field of a text", "{{.ID.X}}", "can't evaluate field X"},
        {"no such function", "{{nope}}", "function \"nope\" not defined"},
        {"no end", "{{if .ID}}x", "unexpected EOF"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf b = BUF_INIT(1 << 16);
        struct err e = ERR_INIT;
        struct json *v = NULL;

        T_ROW(rows[i].label);
        T_OK(json_parse(str_of(data), &json_limits_file, 0, a, &v, &e), &e);
        T_TRUE(template_print(rows[i].text, v, a, &b, &e) < 0);
        T_STR_HAS(e.msg, rows[i].want);
    }
}
