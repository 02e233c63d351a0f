#include "lang/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "jansson_side.h"
#include "t.h"

static struct json *parse(struct arena *a, const char *text)
{
    struct err e = ERR_INIT;
    struct json *v = NULL;

    T_OK(json_parse(str_of(text), NULL, 0, a, &v, &e), &e);
    return v;
}

static char *print(struct arena *a, const struct json *v, const char *indent)
{
    auto_buf struct buf b = BUF_INIT(64 << 20);

    json_print(&b, v, indent);
    T_TRUE(buf_ok(&b));
    return arena_cstr(a, buf_str(&b));
}

TEST(what_is_valid_is_read_and_printed_the_same)
{
    static const char *const rows[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-12.5e+3",
        "1E400",
        "123456789012345678901234567890",
        "\"\"",
        "\"0123456789abcde\"",
        "\"0123456789abcdef\"",
        "\"0123456789abcdef0\"",
        "\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80\"",
        "[]",
        "{}",
        "[[],{},[[1]]]",
        "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"e\"}",
        "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u0000\"",
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i]);
        T_STR_EQ(print(a, parse(a, rows[i]), NULL), rows[i]);
    }
}

TEST(escapes_and_surrogates_are_resolved)
{
    static const struct {
        const char *text;
        struct str want;
    } rows[] = {
        {"\"\\/\\b\\f\"", STR("/\b\f")},
        {"\"\\u00e9\\u20AC\"", STR("\xC3\xA9\xE2\x82\xAC")},
        {"\"x\\u0000y\"", STR("x\0y")},
        {"\"\\ud83d\\ude00\"", STR("\xF0\x9F\x98\x80")},
        {"\"\\ud83d\"", STR("\xEF\xBF\xBD")},
        {"\"\\ude00\\ud83d!\"", STR("\xEF\xBF\xBD\xEF\xBF\xBD!")},
        {"\"\\ud83d\\n\"", STR("\xEF\xBF\xBD\n")},
        {"\"\\ud83d\\u0041\"", STR("\xEF\xBF\xBD"
                                   "A")},
        {"\"0123456789abcdefghij\\n0123456789abcdefghi\xC3\xA9\\t\"",
         STR("0123456789abcdefghij\n0123456789abcdefghi\xC3\xA9\t")},
        {"\"\\\"\\\\\"", STR("\"\\")},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].text);
        T_STRN_EQ(parse(a, rows[i].text)->text, rows[i].want);
    }
}

TEST(what_is_invalid_is_refused_with_its_place)
{
    static const struct {
        const char *label, *text, *error;
    } rows[] = {
        {"empty", "", "unexpected end, want a value at line 1, column 1"},
        {"blank", " \n ", "unexpected end, want a value at line 2, column 2"},
        {"BOM", "\xEF\xBB\xBF{}", "unexpected byte 0xef, want a value at line 1, column 1"},
        {"trailing comma, array", "[1,]", "unexpected ']', want a value at line 1, column 4"},
        {"trailing comma, object", "{\"a\":1,}", "unexpected '}', want a key in quotes"},
        {"bare key", "{a:1}", "unexpected 'a', want a key in quotes at line 1, column 2"},
        {"no colon", "{\"a\" 1}", "unexpected '1', want ':'"},
        {"no comma", "[1 2]", "unexpected '2', want ',' or ']'"},
        {"object without end", "{\"a\":1", "unexpected end, want ',' or '}'"},
        {"wrong bracket", "{\"a\":1]", "unexpected ']', want ',' or '}'"},
        {"NaN", "NaN", "unexpected 'N', want a value"},
        {"Infinity", "-Infinity", "unexpected 'I', want a digit at line 1, column 2"},
        {"leading zero", "[\n01]", "number with a leading zero at line 2, column 1"},
        {"leading plus", "+1", "unexpected '+'"},
        {"bare point", ".5", "unexpected '.'"},
        {"no digit behind the point", "1.", "unexpected end, want a digit"},
        {"no digit in the exponent", "1e+", "unexpected end, want a digit"},
        {"two values", "1 2", "unexpected '2', want the end"},
        {"control character", "\"a\tb\"", "control character in a string at line 1, column 3"},
        {"line break in a string", "\"a\nb\"", "control character in a string"},
        {"string without end", "\"abc", "unexpected end, want the string's closing quote"},
        {"string ends in a backslash", "\"abc\\", "unexpected end, want an escape"},
        {"unknown escape", "\"\\x41\"", "bad escape at line 1, column 2"},
        {"short \\u", "\"\\u12\"", "bad \\u escape at line 1, column 2"},
        {"\\u that is no hex", "\"\\u12g4\"", "bad \\u escape"},
        {"overlong UTF-8", "\"\xC0\x80\"", "invalid UTF-8 at line 1, column 2"},
        {"surrogate in UTF-8", "\"\xED\xA0\x80\"", "invalid UTF-8"},
        {"UTF-8 cut short", "\"\xE2\x82\"", "invalid UTF-8"},
        {"columns count characters", "[\"\xC3\xA9\xC3\xA9\",x]",
         "unexpected 'x', want a value at line 1, column 7"},
        {"word cut short", "tru", "unexpected 't', want a value"},
        {"word in capitals", "True", "unexpected 'T'"},
        {"comment", "// x\n1", "unexpected '/'"},
        {"single quotes", "'a'", "unexpected '''"},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;
        struct json *v = NULL;

        T_ROW(rows[i].label);
        T_INT_EQ(json_parse(str_of(rows[i].text), NULL, 0, a, &v, &e), ERR_INVALID);
        T_STR_HAS(e.msg, "invalid JSON: ");
        T_STR_HAS(e.msg, rows[i].error);
        T_TRUE(v == NULL);
    }
}

TEST(a_nul_byte_between_values_is_refused)
{
    auto_arena struct arena *a = arena_new(0);
    struct err e = ERR_INIT;
    struct json *v;

    T_INT_EQ(json_parse(STR("[1,\0 2]"), NULL, 0, a, &v, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "unexpected byte 0x00");
}

TEST(budgets_end_with_toobig_exactly_one_past_the_limit)
{
    static const struct {
        const char *label, *fits, *not ;
        struct json_limits lim;
        const char *error;
    } rows[] = {
        {"bytes", "[1]", "[12]", {3, 9, 9}, "larger than 3 bytes"},
        {"depth", "[[1]]", "[[[1]]]", {99, 2, 9}, "deeper than 2 levels"},
        {"depth of objects", "{\"a\":{}}", "{\"a\":{\"b\":[]}}", {99, 2, 9}, "deeper than 2"},
        {"values", "[1,2]", "[1,2,3]", {99, 9, 3}, "more than 3 values and keys"},
        {"keys count", "{\"a\":1}", "{\"a\":1,\"b\":2}", {99, 9, 3}, "more than 3 values"},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;
        struct json *v;

        T_ROW(rows[i].label);
        T_OK(json_parse(str_of(rows[i].fits), &rows[i].lim, 0, a, &v, &e), &e);
        T_INT_EQ(json_parse(str_of(rows[i].not ), &rows[i].lim, 0, a, &v, &e), ERR_TOOBIG);
        T_STR_HAS(e.msg, rows[i].error);
    }
}

TEST(depth_is_bounded_whatever_the_caller_allows)
{
    enum { N = 100000 };
    static char text[N];
    auto_arena struct arena *a = arena_new(0);
    struct json_limits lim = {N, UINT32_MAX, UINT32_MAX};
    struct err e = ERR_INIT;
    struct json *v;

    memset(text, '[', N);
    T_INT_EQ(json_parse(str_n(text, N), &lim, 0, a, &v, &e), ERR_TOOBIG);
}

TEST(the_last_of_equal_keys_wins_in_the_place_of_the_first)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_EQ(print(a, parse(a, "{\"a\":1,\"b\":2,\"a\":3,\"\":4,\"\":5}"), NULL),
             "{\"a\":3,\"b\":2,\"\":5}");
}

TEST(equal_keys_in_a_large_object_are_merged_too)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(1 << 20);
    const struct json *v;

    buf_puts(&b, "{\"k0\":0");
    for (int i = 1; i < 3000; i++)
        buf_printf(&b, ",\"k%d\":%d", i % 1000, i);
    buf_puts(&b, "}");
    v = parse(a, buf_str(&b).p);
    T_INT_EQ(v->len, 1000);
    T_INT_EQ(json_i64_or(json_get(v, "k7"), -1), 2007);
    T_STRN_EQ(v->members[7].key, STR("k7"));
}

TEST(trailing_text_is_ignored_only_when_asked)
{
    auto_arena struct arena *a = arena_new(0);
    struct err e = ERR_INIT;
    struct json *v;

    T_INT_EQ(json_parse(STR("{\"a\":1} x"), NULL, 0, a, &v, &e), ERR_INVALID);
    T_OK(json_parse(STR("{\"a\":1}{\"b\":2}"), NULL, JSON_TRAILING, a, &v, &e), &e);
    T_STR_EQ(print(a, v, NULL), "{\"a\":1}");
}

TEST(a_copied_text_may_go_away)
{
    auto_arena struct arena *a = arena_new(0);
    char text[] = "{\"key\":\"value\"}";
    struct err e = ERR_INIT;
    struct json *v;

    T_OK(json_parse(str_of(text), NULL, JSON_COPY, a, &v, &e), &e);
    memset(text, 'x', sizeof text - 1);
    T_STRN_EQ(json_str_or(json_get(v, "key"), STR("")), STR("value"));
}

TEST(long_lists_come_out_whole)
{
    enum { N = 20000 };
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(1 << 20);
    const struct json *v;

    buf_puts(&b, "[[0");
    for (int i = 1; i < N; i++)
        buf_printf(&b, ",%d", i);
    buf_puts(&b, "],[1,[2,[3]]]]");
    v = parse(a, buf_str(&b).p);
    T_INT_EQ(v->len, 2);
    T_INT_EQ(v->items[0].len, N);
    for (int i = 0; i < N; i++)
        T_INT_EQ(json_i64_or(&v->items[0].items[i], -1), i);
    T_STR_EQ(print(a, &v->items[1], NULL), "[1,[2,[3]]]");
}

TEST(members_are_found_by_name_path_and_any_case)
{
    auto_arena struct arena *a = arena_new(0);
    const struct json *v =
        parse(a, "{\"Data\":{\"keys\":[\"x\",\"y\"]},\"n\":5,\"N\":6,\"b\":true}");

    T_STRN_EQ(json_str_or(json_path(v, "Data.keys.1"), STR("")), STR("y"));
    T_TRUE(json_path(v, "Data.keys.2") == NULL);
    T_TRUE(json_path(v, "Data.none.x") == NULL);
    T_TRUE(json_path(v, "Data.keys.x") == NULL);
    T_TRUE(json_get_nocase(v, "dATA") == json_get(v, "Data"));
    T_INT_EQ(json_i64_or(json_get_nocase(v, "N"), 0), 6); /* the exact one first */
    T_TRUE(json_get(NULL, "x") == NULL);
    T_TRUE(json_get(json_get(v, "n"), "x") == NULL);
    T_TRUE(json_bool_or(json_get(v, "b"), false));
    T_TRUE(json_bool_or(json_get(v, "n"), true));
    T_STR_EQ(json_cstr_or(a, json_get(v, "n"), "other"), "other");
}

TEST(integers_are_exact_or_refused)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t want;
    } rows[] = {
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"1e3", true, 1000},
        {"5.0", true, 5},
        {"-0", true, 0},
        {"5.5", false, 0},
        {"1e300", false, 0},
        {"1e17", false, 0},
        {"\"5\"", false, 0},
        {"true", false, 0},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t got = 0;

        T_ROW(rows[i].text);
        T_INT_EQ(json_to_i64(parse(a, rows[i].text), &got), rows[i].ok);
        T_INT_EQ(got, rows[i].want);
    }
}

TEST(equality_ignores_member_order_but_not_item_order)
{
    static const struct {
        const char *a, *b;
        bool want;
    } rows[] = {
        {"{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}", true},
        {"[1,2]", "[2,1]", false},
        {"1", "1.0", true},
        {"10", "1e1", true},
        {"0", "-0", true},
        {"12345678901234567890", "12345678901234567891", false},
        {"1", "-1", false},
        {"1", "\"1\"", false},
        {"null", "false", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].a);
        T_INT_EQ(json_eq(parse(a, rows[i].a), parse(a, rows[i].b)), rows[i].want);
    }
    T_TRUE(json_eq(NULL, NULL));
    T_FALSE(json_eq(NULL, parse(a, "1")));
}

TEST(large_objects_compare_in_any_order)
{
    auto_arena struct arena *a = arena_new(0);
    struct json *up = json_new_object(a), *down = json_new_object(a);

    for (int i = 0; i < 100; i++) {
        json_set(a, up, str_of(arena_printf(a, "k%d", i)), json_of_i64(a, i));
        json_set(a, down, str_of(arena_printf(a, "k%d", 99 - i)), json_of_i64(a, 99 - i));
    }
    T_TRUE(json_eq(up, down));
    json_set(a, down, STR("k50"), json_of_bool(true));
    T_FALSE(json_eq(up, down));
}

TEST(parsed_trees_can_be_extended)
{
    auto_arena struct arena *a = arena_new(0);

    for (int n = 0; n < 20; n++) {
        struct json *arr = json_new_array(a), *again;

        for (int i = 0; i < n; i++)
            json_push(a, arr, json_of_i64(a, i));
        again = parse(a, print(a, arr, NULL));
        struct json *copy = json_copy(a, again);

        for (int i = n; i < 40; i++) {
            json_push(a, again, json_of_i64(a, i));
            json_push(a, copy, json_of_i64(a, i));
        }
        T_INT_EQ(copy->len, 40);
        for (int i = 0; i < 40; i++)
            T_INT_EQ(json_i64_or(&again->items[i], -1), i);
        T_TRUE(json_eq(again, copy));
    }
}

TEST(members_are_set_replaced_and_unset)
{
    auto_arena struct arena *a = arena_new(0);
    struct json *o = parse(a, "{\"a\":1,\"b\":2,\"c\":3}");

    json_set(a, o, STR("b"), json_of_str(STR("x")));
    json_set(a, o, STR("d"), json_of_bool(false));
    T_TRUE(json_unset(o, "a"));
    T_FALSE(json_unset(o, "a"));
    T_STR_EQ(print(a, o, NULL), "{\"b\":\"x\",\"c\":3,\"d\":false}");
}

TEST(a_copy_owns_all_its_text)
{
    auto_arena struct arena *a = arena_new(0);
    char text[] = "{\"k\":[\"v\",12,{\"n\":null}]}";
    struct json *copy = json_copy(a, parse(a, text));

    memset(text, 'x', sizeof text - 1);
    T_STR_EQ(print(a, copy, NULL), "{\"k\":[\"v\",12,{\"n\":null}]}");
    T_TRUE(json_copy(a, NULL) == NULL);
}

TEST(the_writer_places_commas_and_indents)
{
    auto_arena struct arena *a = arena_new(0);
    struct json *v = parse(a, "{\"a\":[1,{\"b\":[]}],\"c\":{},\"d\":\"e\"}");

    T_STR_EQ(print(a, v, "  "), "{\n"
                                "  \"a\": [\n"
                                "    1,\n"
                                "    {\n"
                                "      \"b\": []\n"
                                "    }\n"
                                "  ],\n"
                                "  \"c\": {},\n"
                                "  \"d\": \"e\"\n"
                                "}");
}

TEST(the_writer_streams_every_kind_of_value)
{
    auto_buf struct buf b = BUF_INIT(1 << 16);
    const char *names[] = {"x", "y"};
    struct strlist list = {names, 2};
    struct strpair pairs[] = {{"k", "v"}};
    struct strmap map = {pairs, 1};
    struct json_out w;

    json_out_init(&w, &b, NULL);
    json_obj(&w);
    json_kv_str(&w, "s", "t");
    json_kv_str(&w, "none", NULL);
    json_kv_i64(&w, "min", INT64_MIN);
    json_kv_u64(&w, "max", UINT64_MAX);
    json_kv_bool(&w, "yes", true);
    json_kv_null(&w, "nil");
    json_key(&w, "list");
    json_strlist(&w, &list);
    json_key(&w, "map");
    json_strmap(&w, &map);
    json_key(&w, "raw");
    json_raw(&w, STR("[0]"));
    json_key(&w, "arr");
    json_arr(&w);
    json_double(&w, 0.5);
    json_double(&w, INFINITY);
    json_value(&w, NULL);
    json_arr_end(&w);
    json_obj_end(&w);
    T_STR_EQ(b.p, "{\"s\":\"t\",\"none\":null,\"min\":-9223372036854775808,"
                  "\"max\":18446744073709551615,\"yes\":true,\"nil\":null,"
                  "\"list\":[\"x\",\"y\"],\"map\":{\"k\":\"v\"},\"raw\":[0],"
                  "\"arr\":[0.5,null,null]}");
}

TEST(doubles_are_short_and_read_back)
{
    static const struct {
        double v;
        const char *want;
    } rows[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {-2.5, "-2.5"},
        {100, "100"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {1e-6, "0.000001"},
        {1e-7, "1e-7"},
        {1.5e-7, "1.5e-7"},
        {1e100, "1e+100"},
        {1.0 / 3, "0.3333333333333333"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {123456.789, "123456.789"},
        {0.30000000000000004, "0.30000000000000004"},
        {1e-10, "1e-10"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf b = BUF_INIT(100);
        struct json_out w;

        T_ROW(rows[i].want);
        json_out_init(&w, &b, NULL);
        json_double(&w, rows[i].v);
        T_STR_EQ(b.p, rows[i].want);
        T_TRUE(strtod(b.p, NULL) == rows[i].v);
    }
}

TEST(strings_are_escaped_as_go_escapes_them)
{
    static const struct {
        const char *label;
        struct str in;
        bool html;
        const char *want;
    } rows[] = {
        {"short forms", STR("\"\\\n\r\t"), false, "\"\\\"\\\\\\n\\r\\t\""},
        {"control", STR("\b\f\0\x1f\x7f"), false, "\"\\u0008\\u000c\\u0000\\u001f\x7f\""},
        {"html off", STR("<&>\xE2\x80\xA8"), false, "\"<&>\xE2\x80\xA8\""},
        {"html on", STR("<&>\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA"), true,
         "\"\\u003c\\u0026\\u003e\\u2028\\u2029\xE2\x80\xAA\""},
        {"html far in", STR("0123456789abcdef0123<5"), true,
         "\"0123456789abcdef0123\\u003c5\""},
        {"invalid UTF-8",
         STR("a\xFF\xC3"
             "b\xE2\x82"),
         false, "\"a\\ufffd\\ufffdb\\ufffd\\ufffd\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf b = BUF_INIT(1000);
        struct json_out w;

        T_ROW(rows[i].label);
        json_out_init(&w, &b, NULL);
        w.escape_html = rows[i].html;
        json_strn(&w, rows[i].in);
        T_STR_EQ(b.p, rows[i].want);
    }
}

TEST(overflow_and_too_many_levels_end_up_in_the_buffer_s_flag)
{
    auto_buf struct buf small = BUF_INIT(10), deep = BUF_INIT(1 << 20);
    auto_arena struct arena *a = arena_new(0);
    struct json_out w;
    struct json v = {.type = JSON_NULL};

    json_out_init(&w, &small, NULL);
    json_str(&w, "0123456789");
    T_FALSE(buf_ok(&small));
    for (int i = 0; i < JSON_WRITE_DEPTH_MAX + 5; i++) {
        struct json *outer = json_new_array(a);

        json_push(a, outer, v);
        v = *outer;
    }
    json_print(&deep, &v, NULL);
    T_FALSE(buf_ok(&deep));
}

/*
 * Against jansson: the same texts are taken, and they mean the same.
 */
static uint64_t lcg;

static unsigned chance(unsigned n)
{
    lcg = lcg * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(lcg >> 33) % n;
}

static void make_string(struct buf *b)
{
    static const char *const bits[] = {"a",
                                       "key",
                                       "\\n",
                                       "\\u00e9",
                                       "\xC3\xA9",
                                       "\\\"",
                                       "\\\\",
                                       "\\ud83d\\ude00",
                                       "0123456789abcdef",
                                       " ",
                                       "/"};

    buf_putc(b, '"');
    for (unsigned n = chance(6); n; n--)
        buf_puts(b, bits[chance(ARRAY_LEN(bits))]);
    buf_putc(b, '"');
}

static void make_value(struct buf *b, unsigned depth)
{
    static const char *const plain[] = {"null", "true", "false", "0",
                                        "-1",   "1.5",  "2e3",   "\"\""};
    unsigned kind = chance(depth ? 5 : 3), n = chance(5);

    if (kind < 2) {
        buf_puts(b, plain[chance(ARRAY_LEN(plain))]);
    } else if (kind == 2) {
        make_string(b);
    } else {
        buf_putc(b, kind == 3 ? '[' : '{');
        for (unsigned i = 0; i < n; i++) {
            buf_puts(b, i ? ", " : "");
            if (kind == 4) {
                make_string(b);
                buf_putc(b, ':');
            }
            make_value(b, depth - 1);
        }
        buf_putc(b, kind == 3 ? ']' : '}');
    }
}

static void damage(struct buf *b)
{
    static const char junk[] = "{}[],:\"\\0e.-x \n\x01\xC3\xFF";

    for (unsigned n = chance(3); n && b->len; n--)
        b->p[chance((unsigned)b->len)] = junk[chance(sizeof junk - 1)];
}

static void same_as_jansson(struct str text)
{
    auto_arena struct arena *a = arena_new(0);
    enum jansson_says theirs = jansson_reads(text);
    struct json *v = NULL;
    int r = json_parse(text, NULL, 0, a, &v, NULL);

    if (theirs == JANSSON_CANNOT)
        return;
    if ((r == 0) != (theirs == JANSSON_YES))
        t_fail(__FILE__, __LINE__, "we say %d, jansson %d: %.*s", r, theirs, STR_ARG(text));
    if (r == 0 && !jansson_same(text, str_of(print(a, v, NULL))))
        t_fail(__FILE__, __LINE__, "%.*s became %s", STR_ARG(text), print(a, v, NULL));
}

TEST(generated_texts_mean_the_same_to_jansson)
{
    for (unsigned i = 0; i < 20000; i++) {
        auto_buf struct buf b = BUF_INIT(1 << 20);

        lcg = i;
        make_value(&b, 4);
        damage(&b);
        same_as_jansson(buf_str(&b));
    }
}
