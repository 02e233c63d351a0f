#include "../vault_t.h"
#include "vault/secrets/secrets.h"

static void start(struct vault_t *v)
{
    vault_t_start(v, secrets_engines, n_secrets_engines);
    vault_expect(v, 204, "POST", "/v1/sys/mounts/kv1", "{\"type\":\"kv\"}");
}

TEST(kv1_gives_back_what_it_was_given)
{
    static const struct {
        const char *label, *body, *want, *duration;
    } rows[] = {
        {"members come sorted", "{\"x\":\"1\",\"n\":5,\"a\":{\"k\":null,\"b\":1}}",
         "{\"a\":{\"b\":1,\"k\":null},\"n\":5,\"x\":\"1\"}", "2764800"},
        {"numbers stay exact", "{\"a\":1234567890123456789012,\"f\":12.50}",
         "{\"a\":1234567890123456789012,\"f\":12.50}", "2764800"},
        {"the last of two wins", "{\"a\":1,\"a\":2}", "{\"a\":2}", "2764800"},
        {"what follows the value does not count", "{\"a\":1} trailing", "{\"a\":1}", "2764800"},
        {"a NUL is a character", "{\"a\":\"\\u0000\"}", "{\"a\":\"\\u0000\"}", "2764800"},
        {"a ttl is shown", "{\"ttl\":\"1h\"}", "{\"ttl\":\"1h\"}", "3600"},
        {"so is a lease", "{\"lease\":60}", "{\"lease\":60}", "60"},
        {"a ttl that is none", "{\"ttl\":\"zz\"}", "{\"ttl\":\"zz\"}", "2764800"},
    };
    struct vault_t v;

    start(&v);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_response r;

        T_ROW(rows[i].label);
        vault_expect(&v, 204, "POST", "/v1/kv1/a", rows[i].body);
        r = vault_expect(&v, 200, "GET", "/v1/kv1/a", NULL);
        T_STR_EQ(vault_text(&v, &r, "data"), rows[i].want);
        T_STR_EQ(vault_text(&v, &r, "lease_duration"), rows[i].duration);
        T_STR_EQ(vault_text(&v, &r, "lease_id"), "");
        T_STR_EQ(vault_text(&v, &r, "renewable"), "false");
    }
    T_ROW("");
    vault_t_stop(&v);
}

TEST(kv1_answers_requests_that_are_wrong)
{
    static const struct {
        const char *label, *method, *path, *body;
        int status;
        const char *want;
    } rows[] = {
        {"nothing there", "GET", "/v1/kv1/none", NULL, 404, "{\"errors\":[]}"},
        {"nothing below", "LIST", "/v1/kv1/none", NULL, 404, "{\"errors\":[]}"},
        {"no members", "POST", "/v1/kv1/e", "{}", 400, "missing data fields"},
        {"null", "POST", "/v1/kv1/e", "null", 400, "missing data fields"},
        {"no body", "POST", "/v1/kv1/e", "", 400, "missing data fields"},
        {"a list", "POST", "/v1/kv1/e", "[1]", 400, "error parsing JSON"},
        {"a folder", "POST", "/v1/kv1/x/", "{\"a\":1}", 400,
         "cannot write to a path ending in '/'"},
        {"patch", "PATCH", "/v1/kv1/t", "{\"a\":1}", 405, "unsupported operation"},
        {"delete of nothing", "DELETE", "/v1/kv1/none", NULL, 204, ""},
    };
    struct vault_t v;

    start(&v);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_response r;

        T_ROW(rows[i].label);
        r = vault_expect(&v, rows[i].status, rows[i].method, rows[i].path, rows[i].body);
        T_STR_HAS(arena_cstr(v.arena, r.body), rows[i].want);
    }
    T_ROW("a path that is too long");
    char path[600];

    snprintf(path, sizeof path, "/v1/kv1/%0500d", 0);
    T_STR_HAS(arena_cstr(v.arena, vault_expect(&v, 400, "POST", path, "{\"a\":1}").body),
              "may have at most 400 bytes");
    vault_expect(&v, 404, "GET", path, NULL);
    T_ROW("");
    vault_t_stop(&v);
}

TEST(kv1_lists_one_level)
{
    static const char *const paths[] = {"a", "dir", "dir/b", "dir/sub/c", "dir/sub/d", "dir-x"};
    static const struct {
        const char *path, *want;
    } rows[] = {
        {"/v1/kv1", "[\"a\",\"dir\",\"dir-x\",\"dir/\"]"},
        {"/v1/kv1/dir", "[\"b\",\"sub/\"]"},
        {"/v1/kv1/dir/sub/", "[\"c\",\"d\"]"},
    };
    struct vault_t v;

    start(&v);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        vault_expect(&v, 204, "POST", arena_printf(v.arena, "/v1/kv1/%s", paths[i]),
                     "{\"a\":1}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_response r = vault_expect(&v, 200, "LIST", rows[i].path, NULL);

        T_STR_EQ(vault_text(&v, &r, "data.keys"), rows[i].want);
    }
    vault_expect(&v, 204, "DELETE", "/v1/kv1/dir", NULL);
    vault_expect(&v, 200, "LIST", "/v1/kv1/dir", NULL);
    vault_t_stop(&v);
}

TEST(kv_mounts_have_a_version)
{
    static const struct {
        const char *label, *path, *body;
        int status;
        const char *want;
    } rows[] = {
        {"one that is none", "mounts/k5", "{\"type\":\"kv\",\"options\":{\"version\":\"x\"}}",
         400, "nil backend of type \\\"kv\\\" returned from factory"},
        {"version 2 by name", "mounts/k6",
         "{\"type\":\"kv-v2\",\"options\":{\"version\":\"1\"}}", 204, ""},
        {"the first name", "mounts/k7", "{\"type\":\"generic\"}", 204, ""},
        {"no way back", "mounts/k6/tune", "{\"options\":{\"version\":\"1\"}}", 400,
         "cannot downgrade mount from version 2"},
        {"no version 3", "mounts/k6/tune", "{\"options\":{\"version\":\"3\"}}", 400,
         "invalid version provided: 3"},
        {"the same again", "mounts/k6/tune", "{\"options\":{\"version\":\"2\"}}", 204, ""},
        {"upgrade", "mounts/kv1/tune", "{\"options\":{\"version\":\"2\"}}", 200,
         "Upgrading mount from version 0 to version 2."},
    };
    struct vault_t v;

    start(&v);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_response r;

        T_ROW(rows[i].label);
        r = vault_expect(&v, rows[i].status, "POST",
                         arena_printf(v.arena, "/v1/sys/%s", rows[i].path), rows[i].body);
        T_STR_HAS(arena_cstr(v.arena, r.body), rows[i].want);
    }
    T_ROW("");
    vault_t_stop(&v);
}

TEST(an_upgrade_to_version_2_keeps_every_secret)
{
    struct api_response r;
    struct vault_t v;

    start(&v);
    vault_expect(&v, 204, "POST", "/v1/kv1/a", "{\"x\":\"y\"}");
    vault_expect(&v, 204, "POST", "/v1/kv1/d/b", "{\"x\":\"z\"}");
    vault_expect(&v, 204, "POST", "/v1/kv1/gone", "{\"x\":\"z\"}");
    vault_expect(&v, 200, "POST", "/v1/sys/mounts/kv1/tune",
                 "{\"options\":{\"version\":\"2\"}}");

    r = vault_expect(&v, 200, "GET", "/v1/kv1/data/a", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.data"), "{\"x\":\"y\"}");
    T_STR_EQ(vault_text(&v, &r, "data.metadata.version"), "1");
    r = vault_expect(&v, 200, "GET", "/v1/kv1/metadata/a", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.oldest_version"), "1");
    vault_expect(&v, 404, "GET", "/v1/kv1/a", NULL);

    r = vault_expect(&v, 200, "POST", "/v1/kv1/data/a", "{\"data\":{\"x\":\"2\"}}");
    T_STR_EQ(vault_text(&v, &r, "data.version"), "2");
    r = vault_expect(&v, 200, "GET", "/v1/kv1/data/a?version=1", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.data"), "{\"x\":\"y\"}");
    vault_expect(&v, 204, "DELETE", "/v1/kv1/metadata/gone", NULL);
    vault_expect(&v, 404, "GET", "/v1/kv1/data/gone", NULL);
    r = vault_expect(&v, 200, "LIST", "/v1/kv1/metadata", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.keys"), "[\"a\",\"d/\"]");
    vault_expect(&v, 204, "POST", "/v1/kv1/destroy/d/b", "{\"versions\":[1]}");
    vault_expect(&v, 404, "GET", "/v1/kv1/data/d/b", NULL);
    vault_t_stop(&v);
}
