#include "../vault_t.h"
#include "store/table.h"
#include "vault/secrets/kv2.h"
#include "vault/secrets/secrets.h"

static void start(struct vault_t *v)
{
    vault_t_start(v, secrets_engines, n_secrets_engines);
    vault_expect(v, 204, "POST", "/v1/sys/mounts/secret",
                 "{\"type\":\"kv\",\"options\":{\"version\":\"2\"}}");
}

/* One request after another; `want` is in the reply's text. */
struct step {
    const char *label, *method, *path, *body;
    int status;
    const char *want;
};

static void run(struct vault_t *v, const struct step *steps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct api_response r;

        T_ROW(steps[i].label);
        r = vault_ask(v, v->root, steps[i].method,
                      arena_printf(v->arena, "/v1/secret/%s", steps[i].path), steps[i].body);
        T_STR_HAS(arena_printf(v->arena, "%d %.*s", r.status, STR_ARG(r.body)),
                  arena_printf(v->arena, "%d ", steps[i].status));
        T_STR_HAS(arena_cstr(v->arena, r.body), steps[i].want);
    }
    T_ROW("");
}

TEST(every_write_is_a_version)
{
    static const struct step steps[] = {
        {"nothing yet", "GET", "data/foo", NULL, 404, "{\"errors\":[]}"},
        {"first", "POST", "data/foo", "{\"data\":{\"a\":\"1\"}}", 200,
         "\"custom_metadata\":null,\"deletion_time\":\"\",\"destroyed\":false,\"version\":1}"},
        {"read", "GET", "data/foo", NULL, 200,
         "\"data\":{\"data\":{\"a\":\"1\"},\"metadata\":{"},
        {"second", "PUT", "data/foo", "{\"data\":{\"a\":\"2\"},\"options\":{\"cas\":1}}", 200,
         "\"version\":2}"},
        {"cas did not match", "POST", "data/foo",
         "{\"data\":{\"a\":\"3\"},\"options\":{\"cas\":1}}", 400,
         "check-and-set parameter did not match the current version"},
        {"cas of a new path", "POST", "data/foo",
         "{\"data\":{\"a\":\"3\"},\"options\":{\"cas\":0}}", 400,
         "check-and-set parameter did not match the current version"},
        {"cas as text", "POST", "data/foo",
         "{\"data\":{\"a\":\"3\"},\"options\":{\"cas\":\"2\"}}", 200, "\"version\":3}"},
        {"cas that is none", "POST", "data/foo",
         "{\"data\":{\"a\":\"3\"},\"options\":{\"cas\":\"x\"}}", 400,
         "error parsing check-and-set parameter"},
        {"options that are none", "POST", "data/foo",
         "{\"data\":{\"a\":\"3\"},\"options\":\"x\"}", 400,
         "\"error converting input x for field \\\"options\\\": '' expected a map, got "
         "'string'\""},
        {"no data", "POST", "data/foo", "{\"a\":1}", 400, "no data provided"},
        {"null", "POST", "data/foo", "{\"data\":null}", 200, "\"version\":4}"},
        {"a number", "POST", "data/foo", "{\"data\":5}", 400,
         "\"error converting input 5 for field \\\"data\\\": '' expected a map, got "
         "'string'\""},
        {"an empty list", "POST", "data/foo", "{\"data\":[]}", 200, "\"version\":5}"},
        {"version 1", "GET", "data/foo?version=1", NULL, 200, "{\"data\":{\"a\":\"1\"}"},
        {"version 4", "GET", "data/foo?version=4", NULL, 200, "{\"data\":null"},
        {"version 0 is the current", "GET", "data/foo?version=0", NULL, 200, "{\"data\":{}"},
        {"so is a negative one", "GET", "data/foo?version=-1", NULL, 200, "\"version\":5"},
        {"an unknown one", "GET", "data/foo?version=99", NULL, 404, "{\"errors\":[]}"},
        {"one that is none", "GET", "data/foo?version=x", NULL, 400,
         "Field validation failed: error converting input x for field \\\"version\\\": cannot "
         "parse '' as int: strconv.ParseInt: parsing \\\"x\\\": invalid syntax"},
    };
    struct vault_t v;

    start(&v);
    run(&v, steps, ARRAY_LEN(steps));
    vault_t_stop(&v);
}

/* A small value stands in the path's own record while it is current, a large one does not. */
TEST(small_and_large_values_take_turns_as_versions)
{
    enum { SHELL = sizeof "{\"a\":\"\"}" - 1, N = 6 };
    static const size_t sizes[N] = {SHELL + 1,          KV2_INLINE_MAX, KV2_INLINE_MAX + 1,
                                    KV2_INLINE_MAX + 1, SHELL + 2,      3 * KV2_INLINE_MAX};
    static const struct step after[] = {
        {"destroy a small and a large one", "PUT", "destroy/v", "{\"versions\":[2,6]}", 204,
         ""},
        {"the current one is gone", "GET", "data/v", NULL, 404, "\"destroyed\":true"},
        {"a small one is current", "POST", "data/v", "{\"data\":{\"a\":\"7\"}}", 200,
         "\"version\":7"},
        {"destroyed while current", "PUT", "destroy/v", "{\"versions\":[7]}", 204, ""},
        {"gone", "GET", "data/v", NULL, 404, "\"destroyed\":true"},
        {"not brought back", "POST", "undelete/v", "{\"versions\":[7]}", 204, ""},
        {"nor by a new one", "POST", "data/v", "{\"data\":{\"a\":\"8\"}}", 200,
         "\"version\":8"},
        {"still gone", "GET", "data/v?version=7", NULL, 404, "\"destroyed\":true"},
        {"the others are there", "GET", "data/v?version=5", NULL, 200, "\"version\":5"},
        {"settings keep the value", "POST", "metadata/v", "{\"max_versions\":3}", 204, ""},
        {"read", "GET", "data/v", NULL, 200, "{\"a\":\"8\"}"},
        {"delete and undelete keep it", "DELETE", "data/v", NULL, 204, ""},
        {"back", "POST", "undelete/v", "{\"versions\":[8]}", 204, ""},
        {"read again", "GET", "data/v", NULL, 200, "{\"a\":\"8\"}"},
    };
    char *text[N];
    struct vault_t v;

    start(&v);
    for (int i = 0; i < N; i++) {
        text[i] = arena_printf(v.arena, "{\"a\":\"%0*d\"}", (int)(sizes[i] - SHELL), i + 1);
        vault_expect(&v, 200, "POST", "/v1/secret/data/v",
                     arena_printf(v.arena, "{\"data\":%s}", text[i]));
    }
    for (int i = 0; i < N; i++) {
        struct api_response r =
            vault_ask(&v, v.root, "GET",
                      arena_printf(v.arena, "/v1/secret/data/v?version=%d", i + 1), NULL);

        T_STR_HAS(arena_cstr(v.arena, r.body), arena_printf(v.arena, "\"data\":%s", text[i]));
    }
    run(&v, after, ARRAY_LEN(after));
    vault_t_stop(&v);
}

TEST(versions_are_deleted_brought_back_and_destroyed)
{
    static const struct step steps[] = {
        {"first", "POST", "data/foo", "{\"data\":{\"a\":\"1\"}}", 200, ""},
        {"second", "POST", "data/foo", "{\"data\":{\"a\":\"2\"}}", 200, ""},
        {"delete the current", "DELETE", "data/foo", NULL, 204, ""},
        {"it is gone", "GET", "data/foo", NULL, 404, "{\"data\":null,\"metadata\":{"},
        {"the other is not", "GET", "data/foo?version=1", NULL, 200, "{\"a\":\"1\"}"},
        {"undelete, in any form", "POST", "undelete/foo", "{\"versions\":[1,\"2\"]}", 204, ""},
        {"it is back", "GET", "data/foo", NULL, 200, "\"deletion_time\":\"\""},
        {"delete by number", "POST", "delete/foo", "{\"versions\":1}", 204, ""},
        {"gone", "GET", "data/foo?version=1", NULL, 404, "\"destroyed\":false"},
        {"no versions", "POST", "delete/foo", "{}", 400, "No version number provided"},
        {"an empty list", "POST", "destroy/foo", "{\"versions\":[]}", 400,
         "No version number provided"},
        {"no number", "POST", "delete/foo", "{\"versions\":\"x\"}", 400,
         "error converting input x for field \\\"versions\\\": 1 error(s) decoding:\\n\\n* "
         "cannot "
         "parse '[0]' as int: strconv.ParseInt: parsing \\\"x\\\": invalid syntax"},
        {"destroy", "PUT", "destroy/foo", "{\"versions\":[2]}", 204, ""},
        {"for good", "POST", "undelete/foo", "{\"versions\":[2]}", 204, ""},
        {"destroyed", "GET", "data/foo", NULL, 404, "\"destroyed\":true"},
        {"unknown version", "POST", "destroy/foo", "{\"versions\":[77]}", 204, ""},
        {"unknown path", "POST", "delete/none", "{\"versions\":[1]}", 204, ""},
        {"delete of nothing", "DELETE", "data/none", NULL, 204, ""},
        {"all of it", "DELETE", "metadata/foo", NULL, 204, ""},
        {"nothing is left", "GET", "metadata/foo", NULL, 404, "{\"errors\":[]}"},
        {"really", "GET", "data/foo?version=1", NULL, 404, "{\"errors\":[]}"},
    };
    struct vault_t v;

    start(&v);
    run(&v, steps, ARRAY_LEN(steps));
    vault_t_stop(&v);
}

TEST(a_patch_is_merged_into_the_current_version)
{
    static const struct step steps[] = {
        {"nothing to patch", "PATCH", "data/p", "{\"data\":{\"a\":\"2\"}}", 404, ""},
        {"first", "POST", "data/p", "{\"data\":{\"a\":{\"b\":1,\"l\":[1]},\"x\":\"y\"}}", 200,
         ""},
        {"merge", "PATCH", "data/p", "{\"data\":{\"a\":{\"b\":null,\"n\":1}}}", 200,
         "\"version\":2"},
        {"merged", "GET", "data/p", NULL, 200,
         "{\"data\":{\"a\":{\"l\":[1],\"n\":1},\"x\":\"y\"}"},
        {"cas did not match", "PATCH", "data/p",
         "{\"data\":{\"a\":\"1\"},\"options\":{\"cas\":1}}", 400,
         "check-and-set parameter did not match the current version"},
        {"no data", "PATCH", "data/p", "{}", 400, "no data provided"},
        {"no body", "PATCH", "data/p", "", 400, "no data provided"},
        {"null", "PATCH", "data/p", "{\"data\":null}", 500, "Invalid JSON Patch"},
        {"a text", "PATCH", "data/p", "{\"data\":\"x\"}", 400,
         "Field validation failed: error converting input x for field \\\"data\\\": '' "
         "expected a "
         "map, got 'string'"},
        {"delete", "DELETE", "data/p", NULL, 204, ""},
        {"nothing to patch now", "PATCH", "data/p", "{\"data\":{\"a\":\"2\"}}", 404,
         "\"destroyed\":false,\"version\":2}"},
    };
    struct vault_t v;

    start(&v);
    run(&v, steps, ARRAY_LEN(steps));
    vault_t_stop(&v);
}

TEST(subkeys_are_the_shape_without_the_values)
{
    static const struct step steps[] = {
        {"write", "POST", "data/s",
         "{\"data\":{\"a\":{\"b\":{\"c\":1},\"l\":[1]},\"x\":\"y\"}}", 200, ""},
        {"all", "GET", "subkeys/s", NULL, 200,
         "\"subkeys\":{\"a\":{\"b\":{\"c\":null},\"l\":null},\"x\":null}"},
        {"one level", "GET", "subkeys/s?depth=1", NULL, 200,
         "\"subkeys\":{\"a\":null,\"x\":null}"},
        {"two levels", "GET", "subkeys/s?depth=2", NULL, 200,
         "\"subkeys\":{\"a\":{\"b\":null,\"l\":null},\"x\":null}"},
        {"a version", "GET", "subkeys/s?version=1&depth=1", NULL, 200, "\"version\":1"},
        {"an unknown version", "GET", "subkeys/s?version=9", NULL, 404, "{\"errors\":[]}"},
        {"an unknown path", "GET", "subkeys/none", NULL, 404, "{\"errors\":[]}"},
        {"no depth", "GET", "subkeys/s?depth=x", NULL, 400,
         "error converting input x for field \\\"depth\\\""},
        {"delete", "DELETE", "data/s", NULL, 204, ""},
        {"of what is gone", "GET", "subkeys/s", NULL, 404, "\"subkeys\":null"},
    };
    struct vault_t v;

    start(&v);
    run(&v, steps, ARRAY_LEN(steps));
    vault_t_stop(&v);
}

TEST(paths_of_version_1_are_told_the_new_ones)
{
#define TOLD(command)                                                                        \
    "\"data\":null,\"wrap_info\":null,\"warnings\":[\"Invalid path for a versioned K/V "     \
    "secrets "                                                                               \
    "engine. See the API docs for the appropriate API endpoints to use. If using the Vault " \
    "CLI, "                                                                                  \
    "use 'vault kv " command "' for this operation.\"]"
    static const struct step steps[] = {
        {"read", "GET", "dir/a", NULL, 404, TOLD("get")},
        {"write", "POST", "dir/a", "{\"data\":{}}", 404, TOLD("put")},
        {"delete", "DELETE", "dir/a", NULL, 404, TOLD("delete")},
        {"list", "LIST", "dir", NULL, 404, TOLD("list")},
        {"list of data", "LIST", "data/dir", NULL, 404, TOLD("list")},
        {"data without a path", "GET", "data/", NULL, 404, TOLD("get")},
        {"the mount itself", "GET", "", NULL, 404, TOLD("get")},
        {"the metadata of nothing", "GET", "metadata", NULL, 404,
         "Non-listing operations on the root of a K/V v2 mount are not supported."},
        {"with a slash", "GET", "metadata/", NULL, 404, "{\"errors\":[]}"},
        {"delete of the settings", "DELETE", "config", NULL, 405, "unsupported operation"},
    };
    struct vault_t v;

    start(&v);
    run(&v, steps, ARRAY_LEN(steps));
    vault_t_stop(&v);
}

TEST(a_path_that_is_no_text_is_a_path)
{
    struct api_response r;
    struct vault_t v;

    start(&v);
    vault_expect(&v, 200, "POST", "/v1/secret/data/a%ff", "{\"data\":{\"a\":1}}");
    store_cache_clear(v.store); /* read as stored */
    vault_expect(&v, 200, "POST", "/v1/secret/data/a%ff", "{\"data\":{\"a\":2}}");
    store_cache_clear(v.store);
    r = vault_expect(&v, 200, "GET", "/v1/secret/data/a%ff?version=1", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.data"), "{\"a\":1}");
    vault_expect(&v, 204, "DELETE", "/v1/secret/metadata/a%ff", NULL);
    vault_expect(&v, 404, "LIST", "/v1/secret/metadata", NULL);
    vault_t_stop(&v);
}

TEST(what_hangs_on_a_mount_goes_with_it)
{
    struct err e = ERR_INIT;
    struct record rec;
    struct vault_t v;
    struct scan it;
    struct txn *t;
    struct key k;

    start(&v);
    for (int i = 0; i < 3; i++)
        vault_expect(&v, 200, "POST", "/v1/secret/data/foo", "{\"data\":{\"a\":1}}");
    vault_expect(&v, 204, "DELETE", "/v1/sys/mounts/secret", NULL);
    T_OK(txn_begin(v.store, TXN_READ_ONLY, &t, &e), &e);
    static const char *const tables[] = {"kv1", "kv2", "kv2v", "kv2c"};

    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        key_init(&k, tables[i]);
        T_OK(scan_begin(t, &it, key_str(&k), SCAN_KEYS_ONLY, &e), &e);
        T_INT_EQ(scan_next(&it, &rec, &e), 0);
        scan_end(&it);
    }
    txn_drop(t);
    vault_t_stop(&v);
}
