#include "t.h"
#include "base/buf.h"
#include "http/target.h"

TEST(a_path_is_decoded_once_and_normalised_once)
{
    static const struct {
        const char *raw, *path, *query;
        enum http_path_state state;
    } rows[] = {
        {"/", "/", "", HTTP_PATH_CLEAN},
        {"/v1/secret/data/x", "/v1/secret/data/x", "", HTTP_PATH_CLEAN},
        {"/v1/x/", "/v1/x/", "", HTTP_PATH_CLEAN},
        {"/v1/x?a=b?c", "/v1/x", "a=b?c", HTTP_PATH_CLEAN},
        {"/v1/x?a=//..%2f", "/v1/x", "a=//..%2f", HTTP_PATH_CLEAN},
        {"/a%20b", "/a b", "", HTTP_PATH_CLEAN},
        {"/a+b", "/a+b", "", HTTP_PATH_CLEAN},
        {"/a%2fb", "/a/b", "", HTTP_PATH_CLEAN},
        {"/a%252fb", "/a%2fb", "", HTTP_PATH_CLEAN},
        {"/%ff", "/\xff", "", HTTP_PATH_CLEAN},
        {"/.a/..b/c..", "/.a/..b/c..", "", HTTP_PATH_CLEAN},
        {"*", "*", "", HTTP_PATH_CLEAN},
        {"/a//b", "/a/b", "", HTTP_PATH_UNCLEAN},
        {"//a", "/a", "", HTTP_PATH_UNCLEAN},
        {"//", "/", "", HTTP_PATH_UNCLEAN},
        {"/a//", "/a/", "", HTTP_PATH_UNCLEAN},
        {"/a/%2fb", "/a/b", "", HTTP_PATH_UNCLEAN},
        {"/a/./b", "/a/b", "", HTTP_PATH_UNCLEAN},
        {"/a/.", "/a", "", HTTP_PATH_UNCLEAN},
        {"/a/..", "/", "", HTTP_PATH_UNCLEAN},
        {"/a/../b", "/b", "", HTTP_PATH_UNCLEAN},
        {"/a/b/../../c/", "/c/", "", HTTP_PATH_UNCLEAN},
        {"/../../etc", "/etc", "", HTTP_PATH_UNCLEAN},
        {"/..", "/", "", HTTP_PATH_UNCLEAN},
        {"/a/%2e%2e/x", "/x", "", HTTP_PATH_UNCLEAN},
        {"/a%2f..%2fb", "/b", "", HTTP_PATH_UNCLEAN},
        {"/secret/../sys/mounts?x=1", "/sys/mounts", "x=1", HTTP_PATH_UNCLEAN},
        {"/a%00b", NULL, "", HTTP_PATH_BAD},
        {"/a%0ab", NULL, "", HTTP_PATH_BAD},
        {"/a%7fb", NULL, "", HTTP_PATH_BAD},
        {"/a%zz", NULL, "", HTTP_PATH_BAD},
        {"/a%2", NULL, "", HTTP_PATH_BAD},
        {"/a%", NULL, "", HTTP_PATH_BAD},
        {"%2fa", "/a", "", HTTP_PATH_CLEAN},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct target t;

        T_ROW(rows[i].raw);
        target_parse(&t, str_of(rows[i].raw), a);
        T_INT_EQ(t.state, rows[i].state);
        if (rows[i].path)
            T_STRN_EQ(t.path, str_of(rows[i].path));
        T_STRN_EQ(t.query, str_of(rows[i].query));
    }
}

TEST(a_clean_path_stays_as_it_is)
{
    static const char *const raw[] = {"/a//b", "/a/../b/./", "/x/%2e%2e/y%2f"};

    for (size_t i = 0; i < ARRAY_LEN(raw); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct target once, twice;

        T_ROW(raw[i]);
        target_parse(&once, str_of(raw[i]), a);
        target_parse(&twice, once.path, a);
        T_INT_EQ(twice.state, HTTP_PATH_CLEAN);
        T_STRN_EQ(twice.path, once.path);
    }
}

TEST(a_query_is_read_as_go_does)
{
    static const struct {
        const char *query, *want; /* "name=value|..." */
    } rows[] = {
        {"a=b&c=d", "a=b|c=d|"},
        {"stale", "stale=|"},
        {"a=", "a=|"},
        {"=b", "=b|"},
        {"", ""},
        {"&&a=1&", "a=1|"},
        {"a=b=c", "a=b=c|"},
        {"a+b=c+d", "a b=c d|"},
        {"a%20b=%41%2b", "a b=A+|"},
        {"a=%zz&b=1", "b=1|"},
        {"a=1;b=2&c=3", "c=3|"},
        {"a=1&a=2", "a=1|a=2|"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf b = BUF_INIT(256);
        struct target_params *ps = target_params(str_of(rows[i].query), a);

        T_ROW(rows[i].query);
        for (size_t k = 0; k < ps->n; k++)
            buf_printf(&b, "%.*s=%.*s|", STR_ARG(ps->at[k].name), STR_ARG(ps->at[k].value));
        T_STRN_EQ(buf_str(&b), str_of(rows[i].want));
    }
}

TEST(the_number_of_parameters_is_bounded)
{
    auto_buf struct buf b = BUF_INIT(4096);

    for (int i = 1; i < HTTP_PARAMS_MAX; i++)
        buf_puts(&b, "a=1&");
    T_FALSE(target_query_too_many(buf_str(&b)));
    buf_puts(&b, "a=1&");
    T_TRUE(target_query_too_many(buf_str(&b)));
}
