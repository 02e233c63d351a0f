#include "cli/common/text.h"

#include "t.h"

static struct json *parse(struct arena *a, const char *text)
{
    struct err e = ERR_INIT;
    struct json *v = NULL;

    T_OK(json_parse(str_of(text), NULL, 0, a, &v, &e), &e);
    return v;
}

TEST(values_look_as_go_prints_them)
{
    static const struct {
        const char *label, *json, *want;
    } rows[] = {
        {"string", "\"a b\"", "a b"},
        {"number as it stands", "12.50", "12.50"},
        {"null", "null", "<nil>"},
        {"bool", "true", "true"},
        {"list", "[1,\"x\",null]", "[1 x <nil>]"},
        {"empty list", "[]", "[]"},
        {"map with sorted keys", "{\"z\":1,\"a\":{\"k\":[1]}}", "map[a:map[k:[1]] z:1]"},
        {"empty map", "{}", "map[]"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].label);
        T_STR_EQ(text_go_cstr(a, parse(a, rows[i].json)), rows[i].want);
    }
}

TEST(a_missing_value_is_nil_and_a_missing_list_is_empty)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_EQ(text_go_cstr(a, NULL), "<nil>");
    T_STR_EQ(text_go_quoted(a, NULL), "[]");
    T_STR_EQ(text_go_quoted(a, parse(a, "[\"default\",\"p\"]")), "[\"default\" \"p\"]");
}

TEST(sorting_goes_all_the_way_down_and_leaves_lists_in_order)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(1000);

    json_print(&b, text_sorted(a, parse(a, "{\"b\":[{\"d\":1,\"c\":2},0],\"a\":1}")), NULL);
    T_STR_EQ(b.p, "{\"a\":1,\"b\":[{\"c\":2,\"d\":1},0]}");
}

TEST(paragraphs_are_broken_evenly)
{
    static const struct {
        const char *label, *text, *indent, *want;
        size_t width;
    } rows[] = {
        {"fits", "one two", "", "one two", 78},
        {"even, not greedy", "aaa bb cc ddddd", "", "aaa\nbb cc\nddddd", 6},
        {"the last line does not count", "aa bb c", "", "aa bb\nc", 5},
        {"a word longer than the line stays whole", "a bbbbbbbbbb c", "", "a\nbbbbbbbbbb\nc",
         4},
        {"the indent counts", "* aaaa bbbb", "  ", "* aaaa\n  bbbb", 10},
        {"line ends stay", "a b\n\nc", "", "a b\n\nc", 10},
        {"two blanks stay", "a:  b", "", "a:  b", 10},
        {"nothing", "", "", "", 10},
        {"as the original breaks it",
         "* TTL of \"768h\" exceeded the effective max_ttl of \"2h\"; TTL value is capped "
         "accordingly",
         "  ",
         "* TTL of \"768h\" exceeded the effective max_ttl of \"2h\"; TTL value is capped\n"
         "  accordingly",
         78},
        {"a line that would have fitted more",
         "Success! You are now authenticated. The token information displayed below is already "
         "stored in the token helper. You do NOT need to run \"vault login\" again. Future "
         "Vault "
         "requests will automatically use this token.",
         "",
         "Success! You are now authenticated. The token information displayed below\n"
         "is already stored in the token helper. You do NOT need to run \"vault login\"\n"
         "again. Future Vault requests will automatically use this token.",
         78},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].label);
        T_STR_EQ(text_wrap(a, rows[i].text, rows[i].width, rows[i].indent), rows[i].want);
    }
}
