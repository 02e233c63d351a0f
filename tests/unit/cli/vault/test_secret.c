#include "cli/vault/vault_priv.h"

#include "t.h"

static struct json *parse(struct arena *a, const char *text)
{
    struct err e = ERR_INIT;
    struct json *v = NULL;

    T_OK(json_parse(str_of(text), NULL, 0, a, &v, &e), &e);
    return v;
}

TEST(numbers_that_are_times_are_shown_as_durations)
{
    static const struct {
        const char *key, *json, *want;
    } rows[] = {
        {"ttl", "3599", "59m59s"},
        {"ttl", "259164", "71h59m24s"},
        {"period", "259200", "72h"},
        {"creation_ttl", "0", "0s"},
        {"explicit_max_ttl", "5400", "1h30m"},
        {"token_period", "60", "1m"},
        {"lease_duration", "2764800", "768h"},
        {"creation_time", "1581687393", "1581687393"},
        {"num_uses", "0", "0"},
        {"ttl", "\"1h\"", "1h"},
        {"ttls", "60", "60"},
        {"policies", "[\"a\",\"b\"]", "[a b]"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].key);
        T_STR_EQ(secret_cell(a, str_of(rows[i].key), parse(a, rows[i].json)), rows[i].want);
    }
}

TEST(an_answer_is_a_secret_when_it_holds_something)
{
    static const struct {
        const char *label;
        int status;
        const char *body;
        bool want;
        const char *data; /* NULL: none */
    } rows[] = {
        {"an envelope", 200, "{\"request_id\":\"x\",\"data\":{\"a\":1}}", true, "{\"a\":1}"},
        {"no envelope: all of it", 200, "{\"sealed\":false}", true, "{\"sealed\":false}"},
        {"no body", 204, "null", false, NULL},
        {"404 with nothing", 404, "{\"errors\":[]}", false, NULL},
        {"404 with data", 404, "{\"data\":{\"metadata\":{}}}", true, "{\"metadata\":{}}"},
        {"404 with warnings", 404, "{\"warnings\":[\"w\"]}", true, NULL},
        {"another error", 400, "{\"data\":{\"a\":1}}", false, NULL},
        {"data that is no object", 200, "{\"request_id\":\"x\",\"data\":[1]}", true, NULL},
        {"a list", 200, "[1]", false, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct remote_reply r = {.status = rows[i].status, .json = parse(a, rows[i].body)};
        struct vault_secret s = {0};
        auto_buf struct buf b = BUF_INIT(1000);

        T_ROW(rows[i].label);
        T_INT_EQ(secret_of(NULL, &r, &s), rows[i].want);
        if (!rows[i].data) {
            T_TRUE(!s.data);
            continue;
        }
        json_print(&b, s.data, NULL);
        T_STR_EQ(b.p, rows[i].data);
    }
}

TEST(the_tree_has_every_member_in_order)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(4000);
    struct vault_secret s = {.request_id = STR("r"),
                             .auth = parse(a, "{\"policies\":[\"p\"],\"client_token\":\"t\","
                                              "\"token_type\":\"service\"}")};

    json_print(&b, secret_tree(a, &s), NULL);
    T_STR_EQ(
        b.p,
        "{\"request_id\":\"r\",\"lease_id\":\"\",\"lease_duration\":0,\"renewable\":false,"
        "\"data\":null,\"warnings\":null,\"auth\":{\"client_token\":\"t\",\"accessor\":\"\","
        "\"policies\":[\"p\"],\"token_policies\":null,\"identity_policies\":null,"
        "\"metadata\":null,\"orphan\":false,\"entity_id\":\"\",\"lease_duration\":0,"
        "\"renewable\":false,\"mfa_requirement\":null}}");
}

TEST(paths_lose_what_surrounds_them)
{
    static const struct {
        const char *path, *want;
    } rows[] = {{"/kv1/a/", "kv1/a"}, {" x ", "x"}, {"a", "a"}, {"//", ""}, {"a//b", "a//b"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].path);
        T_STR_EQ(clean_path(a, rows[i].path), rows[i].want);
    }
}
