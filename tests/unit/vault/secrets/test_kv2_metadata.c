#include "../vault_t.h"
#include "vault/secrets/secrets.h"

static void start(struct vault_t *v)
{
    vault_t_start(v, secrets_engines, n_secrets_engines);
    vault_expect(v, 204, "POST", "/v1/sys/mounts/secret",
                 "{\"type\":\"kv\",\"options\":{\"version\":\"2\"}}");
}

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
        r = vault_expect(v, steps[i].status, steps[i].method,
                         arena_printf(v->arena, "/v1/secret/%s", steps[i].path), steps[i].body);
        T_STR_HAS(arena_cstr(v->arena, r.body), steps[i].want);
    }
    T_ROW("");
}

TEST(settings_of_a_mount_are_kept)
{
    static const struct step steps[] = {
        {"at first", "GET", "config", NULL, 200,
         "{\"cas_required\":false,\"delete_version_after\":\"0s\",\"max_versions\":0}"},
        {"write", "POST", "config", "{\"max_versions\":3,\"delete_version_after\":\"1h30m\"}",
         204, ""},
        {"read", "GET", "config", NULL, 200,
         "{\"cas_required\":false,\"delete_version_after\":\"1h30m0s\",\"max_versions\":3}"},
        {"one alone", "POST", "config", "{\"delete_version_after\":\"0s\"}", 204, ""},
        {"the others stay", "GET", "config", NULL, 200, "\"max_versions\":3"},
        {"switched off", "POST", "config", "{\"delete_version_after\":\"-1s\"}", 204, ""},
        {"shown so", "GET", "config", NULL, 200, "\"delete_version_after\":\"-1s\""},
        {"no duration", "POST", "config", "{\"delete_version_after\":\"zz\"}", 400,
         "Field validation failed: error converting input zz for field "
         "\\\"delete_version_after\\\": time: invalid duration \\\"zz\\\""},
    };
    struct vault_t v;

    start(&v);
    run(&v, steps, ARRAY_LEN(steps));
    vault_t_stop(&v);
}

TEST(the_oldest_versions_go_first)
{
    struct api_response r;
    struct vault_t v;

    start(&v);
    vault_expect(&v, 204, "POST", "/v1/secret/config", "{\"max_versions\":3}");
    for (int i = 0; i < 5; i++)
        vault_expect(&v, 200, "POST", "/v1/secret/data/foo", "{\"data\":{\"a\":1}}");
    r = vault_expect(&v, 200, "GET", "/v1/secret/metadata/foo", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.oldest_version"), "3");
    T_STR_EQ(vault_text(&v, &r, "data.current_version"), "5");
    T_STR_EQ(vault_text(&v, &r, "data.versions.2"), "");
    vault_expect(&v, 404, "GET", "/v1/secret/data/foo?version=2", NULL);
    /* the larger of mount and path counts */
    vault_expect(&v, 204, "POST", "/v1/secret/metadata/foo", "{\"max_versions\":2}");
    vault_expect(&v, 200, "POST", "/v1/secret/data/foo", "{\"data\":{\"a\":1}}");
    vault_expect(&v, 200, "GET", "/v1/secret/data/foo?version=4", NULL);
    vault_expect(&v, 404, "GET", "/v1/secret/data/foo?version=3", NULL);
    vault_t_stop(&v);
}

TEST(ten_versions_are_kept_when_nobody_says_otherwise)
{
    struct api_response r;
    struct vault_t v;

    start(&v);
    for (int i = 0; i < 11; i++)
        vault_expect(&v, 200, "POST", "/v1/secret/data/foo", "{\"data\":{\"a\":1}}");
    r = vault_expect(&v, 200, "GET", "/v1/secret/metadata/foo", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.oldest_version"), "2");
    T_STR_EQ(vault_text(&v, &r, "data.max_versions"), "0");
    vault_t_stop(&v);
}

TEST(metadata_can_be_written_and_patched)
{
    static const struct step steps[] = {
        {"a path without versions", "POST", "metadata/f", "{\"max_versions\":4}", 204, ""},
        {"has none", "GET", "metadata/f", NULL, 200, "\"current_version\":0"},
        {"shown so", "GET", "metadata/f", NULL, 200, "\"versions\":{}"},
        {"and no data", "GET", "data/f", NULL, 404, "{\"errors\":[]}"},
        {"its first version", "POST", "data/f", "{\"data\":{\"a\":1},\"options\":{\"cas\":0}}",
         200, "\"version\":1"},
        {"custom", "POST", "metadata/f", "{\"custom_metadata\":{\"a\":\"b\",\"c\":1}}", 204,
         ""},
        {"shown with the data", "GET", "data/f", NULL, 200,
         "\"custom_metadata\":{\"a\":\"b\",\"c\":\"1\"}"},
        {"patch", "PATCH", "metadata/f",
         "{\"custom_metadata\":{\"z\":\"1\",\"a\":null},\"max_versions\":9}", 204, ""},
        {"patched", "GET", "metadata/f", NULL, 200,
         "\"custom_metadata\":{\"c\":\"1\",\"z\":\"1\"}"},
        {"the number too", "GET", "metadata/f", NULL, 200, "\"max_versions\":9"},
        {"patch to nothing", "PATCH", "metadata/f", "{\"custom_metadata\":null}", 204, ""},
        {"nothing", "GET", "metadata/f", NULL, 200, "\"custom_metadata\":null"},
        {"unknown parameters", "PATCH", "metadata/f", "{\"bogus\":1}", 204, ""},
        {"patch of nothing", "PATCH", "metadata/none", "{\"max_versions\":9}", 404, ""},
        {"a negative number", "POST", "metadata/f", "{\"max_versions\":-5}", 204, ""},
        {"has no sign", "GET", "metadata/f", NULL, 200, "\"max_versions\":4294967291"},
    };
    struct vault_t v;

    start(&v);
    run(&v, steps, ARRAY_LEN(steps));
    vault_t_stop(&v);
}

TEST(wrong_metadata_is_told_what_is_wrong)
{
    static const struct step steps[] = {
        {"custom that is none", "POST", "metadata/f", "{\"custom_metadata\":\"x\"}", 400,
         "[\"error converting input x for field \\\"custom_metadata\\\": '' expected a map, "
         "got "
         "'string'\"]"},
        {"a map inside", "POST", "metadata/f", "{\"custom_metadata\":{\"a\":{\"b\":1}}}", 400,
         "[\"custom_metadata validation failed: '' expected type 'string', got unconvertible "
         "type "
         "'map[string]interface {}', value: 'map[b:1]'\"]"},
        {"an empty value", "POST", "metadata/f", "{\"custom_metadata\":{\"a\":\"\"}}", 400,
         "1 error occurred:\\n\\t* custom_metadata validation failed: length of value for key "
         "\\\"a\\\" is 0 but must be 0 \\u003c len(value) \\u003c= 512\\n\\n"},
        {"no number", "POST", "metadata/f", "{\"max_versions\":\"x\"}", 400,
         "[\"error converting input x for field \\\"max_versions\\\": cannot parse '' as int: "
         "strconv.ParseInt: parsing \\\"x\\\": invalid syntax\"]"},
        {"no truth", "POST", "metadata/f", "{\"cas_required\":\"zz\"}", 400,
         "[\"error converting input zz for field \\\"cas_required\\\": cannot parse '' as "
         "bool: "
         "strconv.ParseBool: parsing \\\"zz\\\": invalid syntax\"]"},
        {"no duration", "POST", "metadata/f", "{\"delete_version_after\":\"zz\"}", 400,
         "[\"error converting input zz for field \\\"delete_version_after\\\": time: invalid "
         "duration \\\"zz\\\"\"]"},
    };
    auto_buf struct buf many = BUF_INIT(8192);
    struct api_response r;
    struct vault_t v;

    start(&v);
    run(&v, steps, ARRAY_LEN(steps));
    buf_puts(&many, "{\"custom_metadata\":{");
    for (int i = 0; i < 70; i++)
        buf_printf(&many, "%s\"k%d\":\"v\"", i ? "," : "", i);
    buf_puts(&many, "}}");
    r = vault_expect(&v, 400, "POST", "/v1/secret/metadata/f", many.p);
    T_STR_HAS(
        arena_cstr(v.arena, r.body),
        "custom_metadata validation failed: payload must contain at most 64 keys, provided "
        "70");
    vault_expect(&v, 404, "GET", "/v1/secret/metadata/f", NULL);
    vault_t_stop(&v);
}

TEST(check_and_set_can_be_made_a_must)
{
    static const struct step steps[] = {
        {"for a path", "POST", "metadata/f", "{\"cas_required\":true}", 204, ""},
        {"without", "POST", "data/f", "{\"data\":{}}", 400,
         "check-and-set parameter required for this call"},
        {"with", "POST", "data/f", "{\"data\":{},\"options\":{\"cas\":0}}", 200,
         "\"version\":1"},
        {"elsewhere", "POST", "data/g", "{\"data\":{}}", 200, "\"version\":1"},
        {"for all", "POST", "config", "{\"cas_required\":true}", 204, ""},
        {"elsewhere too", "POST", "data/g", "{\"data\":{}}", 400,
         "check-and-set parameter required for this call"},
        {"patches too", "PATCH", "data/g", "{\"data\":{\"a\":2}}", 400,
         "check-and-set parameter required for this call"},
    };
    struct vault_t v;

    start(&v);
    run(&v, steps, ARRAY_LEN(steps));
    vault_t_stop(&v);
}

TEST(versions_end_by_themselves_where_that_was_asked_for)
{
    struct api_response r;
    struct vault_t v;

    start(&v);
    vault_expect(&v, 204, "POST", "/v1/secret/metadata/f", "{\"delete_version_after\":\"1h\"}");
    r = vault_expect(&v, 200, "POST", "/v1/secret/data/f", "{\"data\":{\"a\":1}}");
    T_TRUE(*vault_text(&v, &r, "data.deletion_time"));
    vault_expect(&v, 200, "GET", "/v1/secret/data/f", NULL); /* not yet */
    vault_expect(&v, 204, "POST", "/v1/secret/config", "{\"delete_version_after\":1}");
    vault_expect(&v, 200, "POST", "/v1/secret/data/f", "{\"data\":{\"a\":1}}");
    T_UNTIL(vault_ask(&v, v.root, "GET", "/v1/secret/data/f", NULL).status == 404);
    vault_expect(&v, 204, "POST", "/v1/secret/config", "{\"delete_version_after\":\"-1s\"}");
    r = vault_expect(&v, 200, "POST", "/v1/secret/data/f", "{\"data\":{\"a\":1}}");
    T_STR_EQ(vault_text(&v, &r, "data.deletion_time"), "");
    vault_t_stop(&v);
}
