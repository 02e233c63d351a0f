#include "base/buf.h"
#include "http/router.h"
#include "t.h"

static const struct route table[] = {
    {.methods = M_GET, .pattern = "/v1/jobs", .flags = 1},
    {.methods = M_WRITE, .pattern = "/v1/jobs", .flags = 2},
    {.methods = M_WRITE, .pattern = "/v1/jobs/parse", .flags = 3},
    {.methods = M_GET, .pattern = "/v1/job/:id", .flags = 4},
    {.methods = M_GET, .pattern = "/v1/job/:job/plan", .flags = 5},
    {.methods = M_GET, .pattern = "/v1/job/*rest", .flags = 6},
    {.methods = M_GET, .pattern = "/v1/allocs/:id", .flags = 7},
    {.methods = M_PUT, .pattern = "/v1/allocs/gc", .flags = 8},
    {.methods = M_GET | M_LIST, .pattern = "data/+path", .flags = 9},
    {.methods = M_LIST, .pattern = "meta/*path", .flags = 10},
    {.methods = M_GET, .pattern = "meta/+path", .flags = 11},
    {.methods = M_GET, .pattern = "", .flags = 12},
    {.methods = M_GET, .pattern = "a/:x/c", .flags = 13},
    {.methods = M_GET, .pattern = "a/b/d", .flags = 14},
};

TEST(a_path_finds_its_route_or_the_methods_it_has)
{
    static const struct {
        unsigned method;
        const char *path;
        unsigned want, allowed; /* flags of the route, 0: none */
        const char *params;     /* "name=value|" */
    } rows[] = {
        {M_GET, "/v1/jobs", 1, M_GET | M_WRITE, ""},
        {M_PUT, "/v1/jobs", 2, M_GET | M_WRITE, ""},
        {M_POST, "/v1/jobs", 2, M_GET | M_WRITE, ""},
        {M_DELETE, "/v1/jobs", 0, M_GET | M_WRITE, ""},
        {M_PUT, "/v1/jobs/parse", 3, M_WRITE, ""},
        {M_GET, "/v1/jobs/", 0, 0, ""},
        {M_GET, "/v1/nope", 0, 0, ""},
        {M_GET, "/v1", 0, 0, ""},
        {M_GET, "v1/jobs", 0, 0, ""},
        {M_GET, "/v1/job/web", 4, M_GET, "id=web|"},
        {M_GET, "/v1/job/web/plan", 5, M_GET, "job=web|"},
        {M_GET, "/v1/job/a/b/c", 6, M_GET, "rest=a/b/c|"},
        {M_GET, "/v1/job/", 6, M_GET, "rest=|"},
        {M_GET, "/v1/job", 6, M_GET, "rest=|"},
        {M_GET, "/v1/allocs/x", 7, M_GET, "id=x|"},
        /* Text for one method never becomes a parameter for another. */
        {M_GET, "/v1/allocs/gc", 0, M_PUT, ""},
        {M_PUT, "/v1/allocs/gc", 8, M_PUT, ""},
        {M_GET, "/v1/allocs/", 0, 0, ""},
        {M_GET, "data/a/b", 9, M_GET | M_LIST, "path=a/b|"},
        {M_GET, "data/", 0, 0, ""},
        {M_GET, "data", 0, 0, ""},
        {M_LIST, "meta/", 10, M_LIST, "path=|"},
        {M_LIST, "meta", 10, M_LIST, "path=|"},
        {M_LIST, "meta/a/", 10, M_LIST | M_GET, "path=a/|"},
        {M_GET, "meta/a", 11, M_LIST | M_GET, "path=a|"},
        {M_GET, "meta", 0, M_LIST, ""},
        {M_GET, "", 12, M_GET, ""},
        {M_GET, "a/b/c", 13, M_GET, "x=b|"},
        {M_GET, "a/b/d", 14, M_GET, ""},
        {M_GET, "a/x/d", 0, 0, ""},
    };
    struct router *r = router_new(table, ARRAY_LEN(table));

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf b = BUF_INIT(256);
        struct route_params ps;
        unsigned allowed = 99;
        const struct route *rt =
            router_find(r, rows[i].method, str_of(rows[i].path), &ps, &allowed);

        T_ROW(rows[i].path);
        T_INT_EQ(rt ? rt->flags : 0, rows[i].want);
        T_INT_EQ(allowed, rows[i].allowed);
        for (size_t k = 0; k < ps.n; k++)
            buf_printf(&b, "%.*s=%.*s|", STR_ARG(ps.name[k]), STR_ARG(ps.value[k]));
        T_STRN_EQ(buf_str(&b), str_of(rows[i].params));
    }
    router_free(r);
}

TEST(parameters_are_found_by_name)
{
    struct router *r = router_new(table, ARRAY_LEN(table));
    struct route_params ps;

    T_TRUE(router_find(r, M_GET, STR("/v1/job/web"), &ps, NULL) != NULL);
    T_STRN_EQ(route_param(&ps, "id"), STR("web"));
    T_STRN_EQ(route_param(&ps, "nope"), STR(""));
    router_free(r);
}

TEST(methods_have_names)
{
    static const char *const names[] = {"GET",    "LIST",  "POST", "PUT",
                                        "DELETE", "PATCH", "HEAD", "OPTIONS"};
    unsigned all = 0;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        unsigned bit = http_method_bit(str_of(names[i]));

        T_STR_EQ(http_method_name(bit), names[i]);
        all |= bit;
    }
    T_INT_EQ(all, M_ANY);
    T_INT_EQ(http_method_bit(STR("get")), 0);
    T_INT_EQ(http_method_bit(STR("TRACE")), 0);
}
