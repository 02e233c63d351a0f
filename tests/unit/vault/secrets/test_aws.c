/* The AWS engine's configuration and roles, asked as clients do. No AWS is needed. */
#include "../vault_t.h"
#include "vault/secrets/secrets.h"

#define POLICY "{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[]}"
#define BAD(text) \
    "error(s) validating supplied role data: \"1 error occurred:\\n\\t* " text "\\n\\n\""

static void start(struct vault_t *v)
{
    vault_t_start(v, secrets_engines, n_secrets_engines);
    vault_expect(v, 204, "POST", "/v1/sys/mounts/aws", "{\"type\":\"aws\"}");
}

TEST(aws_roles_are_checked)
{
    static const struct {
        const char *label, *body;
        int status;
        const char *want; /* the one error, or NULL */
    } rows[] = {
        {"nothing", "{}", 400, BAD("did not supply credential_type")},
        {"unknown type", "{\"credential_type\":\"zz\"}", 400,
         BAD("unrecognized credential type: zz")},
        {"session_token", "{\"credential_type\":\"session_token\"}", 400,
         BAD("unrecognized credential type: session_token")},
        {"two types", "{\"credential_type\":\"iam_user,assumed_role\"}", 400,
         BAD("unrecognized credential type: iam_user,assumed_role")},
        {"a user", "{\"credential_type\":\"iam_user\"}", 204, NULL},
        {"a policy", "{\"credential_type\":\"iam_user\",\"policy_document\":\"" POLICY "\"}",
         204, NULL},
        {"no policy", "{\"credential_type\":\"iam_user\",\"policy_document\":\"{\"}", 400,
         "cannot parse policy document: \"{\""},
        {"role_arns of a user", "{\"credential_type\":\"iam_user\",\"role_arns\":\"x\"}", 400,
         BAD("cannot supply role_arns when credential_type isn't assumed_role")},
        {"default_sts_ttl of a user",
         "{\"credential_type\":\"iam_user\",\"default_sts_ttl\":\"1h\"}", 400,
         BAD("default_sts_ttl parameter only valid for assumed_role and federation_token "
             "credential types")},
        {"max_sts_ttl of a user", "{\"credential_type\":\"iam_user\",\"max_sts_ttl\":\"1h\"}",
         400,
         BAD("max_sts_ttl parameter only valid for assumed_role and federation_token "
             "credential "
             "types")},
        {"ttls of a session",
         "{\"credential_type\":\"assumed_role\",\"default_sts_ttl\":\"1h\",\"max_sts_ttl\":"
         "7200}",
         204, NULL},
        {"ttls the wrong way round",
         "{\"credential_type\":\"assumed_role\",\"default_sts_ttl\":\"2h\",\"max_sts_ttl\":"
         "\"1h\"}",
         400,
         BAD("\\\"default_sts_ttl\\\" value must be less than or equal to \\\"max_sts_ttl\\\" "
             "value")},
        {"a path", "{\"credential_type\":\"iam_user\",\"user_path\":\"/a/\"}", 204, NULL},
        {"the shortest path", "{\"credential_type\":\"iam_user\",\"user_path\":\"/\"}", 204,
         NULL},
        {"no path", "{\"credential_type\":\"iam_user\",\"user_path\":\"a\"}", 400,
         BAD("The specified value for user_path is invalid. It must match "
             "\\\"^\\\\\\\\/([\\\\\\\\x21-\\\\\\\\x7F]{0,510}\\\\\\\\/)?$\\\" regexp")},
        {"a path with a blank", "{\"credential_type\":\"iam_user\",\"user_path\":\"/a b/\"}",
         400, NULL},
        {"path of a session", "{\"credential_type\":\"assumed_role\",\"user_path\":\"/a/\"}",
         400, BAD("user_path parameter only valid for iam_user credential type")},
        {"a boundary",
         "{\"credential_type\":\"iam_user\",\"permissions_boundary_arn\":"
         "\"arn:aws:iam::aws:policy/x\"}",
         204, NULL},
        {"no boundary",
         "{\"credential_type\":\"iam_user\",\"permissions_boundary_arn\":\"zz\"}", 400,
         BAD("invalid permissions_boundary_arn parameter: arn: invalid prefix")},
        {"a short boundary",
         "{\"credential_type\":\"iam_user\",\"permissions_boundary_arn\":\"arn:aws:iam\"}", 400,
         BAD("invalid permissions_boundary_arn parameter: arn: not enough sections")},
        {"a boundary of another service",
         "{\"credential_type\":\"iam_user\",\"permissions_boundary_arn\":\"arn:aws:s3:::x\"}",
         400,
         BAD("invalid permissions_boundary_arn parameter: expected a service of iam but got "
             "s3")},
        {"a boundary that is a role",
         "{\"credential_type\":\"iam_user\",\"permissions_boundary_arn\":"
         "\"arn:aws:iam::1:role/x\"}",
         400,
         BAD("invalid permissions_boundary_arn parameter: expected a resource type of policy "
             "but "
             "got role/x")},
        {"boundary of a session",
         "{\"credential_type\":\"assumed_role\",\"permissions_boundary_arn\":"
         "\"arn:aws:iam::aws:policy/x\"}",
         400,
         BAD("cannot supply permissions_boundary_arn when credential_type isn't iam_user")},
        {"a wrong ttl", "{\"credential_type\":\"assumed_role\",\"max_sts_ttl\":\"zz\"}", 400,
         "Field validation failed: error converting input zz for field \"max_sts_ttl\": time: "
         "invalid duration \"zz\""},
        {"unknown parameters", "{\"credential_type\":\"iam_user\",\"bogus\":1}", 204, NULL},
        {"old and new", "{\"credential_type\":\"iam_user\",\"policy\":\"{}\"}", 400,
         "cannot supply deprecated role or policy parameters with an explicit credential_type"},
        {"old and role_arns", "{\"role_arns\":\"x\",\"policy\":\"{}\"}", 400,
         "cannot supply deprecated role or policy parameters with role_arns"},
        {"both old ones", "{\"arn\":\"x\",\"policy\":\"{}\"}", 500,
         "1 error occurred:\n\t* only one of policy or arn should be provided\n\n"},
        {"neither policy nor arn", "{\"arn\":\"zz\"}", 400,
         "unable to parse supplied data: \"zz\""},
        {"an arn of something else", "{\"arn\":\"arn:aws:iam::1:user/x\"}", 400,
         "unable to parse supplied data: \"arn:aws:iam::1:user/x\""},
    };
    struct vault_t v;

    start(&v);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_response r;

        T_ROW(rows[i].label);
        vault_expect(&v, 204, "DELETE", "/v1/aws/roles/r", NULL);
        r = vault_expect(&v, rows[i].status, "POST", "/v1/aws/roles/r", rows[i].body);
        if (rows[i].want)
            T_STR_EQ(vault_text(&v, &r, "errors.0"), rows[i].want);
    }
    T_ROW("");
    vault_t_stop(&v);
}

TEST(aws_roles_are_read_back)
{
    static const struct {
        const char *label, *body;
        int status;
        const char *want;
    } rows[] = {
        {"a user", "{\"credential_type\":\"iam_user\"}", 204,
         "{\"credential_type\":\"iam_user\",\"default_sts_ttl\":0,\"iam_groups\":null,"
         "\"iam_tags\":null,\"max_sts_ttl\":0,\"permissions_boundary_arn\":\"\","
         "\"policy_arns\":null,\"policy_document\":\"\",\"role_arns\":null,\"user_path\":"
         "\"\"}"},
        {"lists, tags, a policy",
         "{\"credential_type\":\"iam_user\",\"policy_arns\":\"a,a\",\"iam_groups\":[\"g\"],"
         "\"iam_tags\":[\"k=v\"],\"policy_document\":\"{ \\\"b\\\" : 1 }\"}",
         204,
         "{\"credential_type\":\"iam_user\",\"default_sts_ttl\":0,\"iam_groups\":[\"g\"],"
         "\"iam_tags\":{\"k\":\"v\"},\"max_sts_ttl\":0,\"permissions_boundary_arn\":\"\","
         "\"policy_arns\":[\"a\",\"a\"],\"policy_document\":\"{\\\"b\\\":1}\",\"role_arns\":"
         "null,"
         "\"user_path\":\"\"}"},
        {"an old policy", "{\"policy\":\"{ }\"}", 200,
         "{\"credential_type\":\"iam_user,federation_token\",\"default_sts_ttl\":0,"
         "\"iam_groups\":null,\"iam_tags\":null,\"max_sts_ttl\":0,"
         "\"permissions_boundary_arn\":\"\",\"policy_arns\":null,\"policy_document\":\"{}\","
         "\"role_arns\":null,\"user_path\":\"\"}"},
        {"an old role", "{\"arn\":\"arn:aws:iam::1:role/x\"}", 200,
         "{\"credential_type\":\"assumed_role\",\"default_sts_ttl\":0,\"iam_groups\":null,"
         "\"iam_tags\":null,\"max_sts_ttl\":0,\"permissions_boundary_arn\":\"\","
         "\"policy_arns\":null,\"policy_document\":\"\",\"role_arns\":[\"arn:aws:iam::1:role/"
         "x\"],"
         "\"user_path\":\"\"}"},
    };
    struct vault_t v;

    start(&v);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_response r;

        T_ROW(rows[i].label);
        vault_expect(&v, 204, "DELETE", "/v1/aws/roles/r", NULL);
        vault_expect(&v, rows[i].status, "POST", "/v1/aws/roles/r", rows[i].body);
        r = vault_expect(&v, 200, "GET", "/v1/aws/roles/r", NULL);
        T_STR_EQ(vault_text(&v, &r, "data"), rows[i].want);
    }
    T_ROW("");
    vault_t_stop(&v);
}

TEST(a_write_changes_what_it_names)
{
    struct api_response r;
    struct vault_t v;

    start(&v);
    vault_expect(
        &v, 204, "POST", "/v1/aws/roles/a@b",
        "{\"credential_type\":\"iam_user\",\"iam_groups\":\"g\",\"user_path\":\"/x/\"}");
    vault_expect(&v, 204, "POST", "/v1/aws/roles/a@b", "{\"user_path\":\"/y/\"}");
    r = vault_expect(&v, 200, "GET", "/v1/aws/roles/a@b", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.iam_groups"), "[\"g\"]");
    T_STR_EQ(vault_text(&v, &r, "data.user_path"), "/y/");
    r = vault_expect(&v, 200, "LIST", "/v1/aws/roles", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.keys"), "[\"a@b\"]");
    vault_expect(&v, 204, "DELETE", "/v1/aws/roles/a@b", NULL);
    vault_expect(&v, 404, "GET", "/v1/aws/roles/a@b", NULL);
    vault_expect(&v, 404, "LIST", "/v1/aws/roles", NULL);
    vault_t_stop(&v);
}

TEST(aws_roles_have_proper_names)
{
    static const char *const bad[] = {"bad%20x", "-a", "a-", ".a", "a%2Fb", "a:b", "%C3%A4"};
    struct vault_t v;

    start(&v);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *path = arena_printf(v.arena, "/v1/aws/roles/%s", bad[i]);

        T_ROW(bad[i]);
        vault_expect(&v, 404, "POST", path, "{\"credential_type\":\"iam_user\"}");
        vault_expect(&v, 404, "GET", path, NULL);
    }
    T_ROW("");
    vault_expect(&v, 204, "POST", "/v1/aws/roles/a.b-c@d_1",
                 "{\"credential_type\":\"iam_user\"}");
    vault_t_stop(&v);
}

TEST(aws_root_configuration_is_kept_whole)
{
    struct api_response r;
    struct vault_t v;

    start(&v);
    vault_expect(&v, 404, "GET", "/v1/aws/config/root", NULL);
    vault_expect(
        &v, 204, "POST", "/v1/aws/config/root",
        "{\"access_key\":\"AK\",\"secret_key\":\"canary-7\",\"region\":\"eu-west-1\"}");
    r = vault_expect(&v, 200, "GET", "/v1/aws/config/root", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.access_key"), "AK");
    T_STR_EQ(vault_text(&v, &r, "data.max_retries"), "-1");
    T_STR_EQ(vault_text(&v, &r, "data.iam_endpoint"), "");
    T_STR_HAS(vault_text(&v, &r, "data.username_template"), "| truncate 64 }}{{ end }}");
    T_FALSE(str_has(r.body, STR("canary-7")));

    vault_expect(&v, 204, "POST", "/v1/aws/config/root",
                 "{\"max_retries\":5,\"username_template\":\"{{ bogus\"}");
    r = vault_expect(&v, 200, "GET", "/v1/aws/config/root", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.access_key"), "");
    T_STR_EQ(vault_text(&v, &r, "data.max_retries"), "5");
    T_STR_EQ(vault_text(&v, &r, "data.username_template"), "{{ bogus");
    r = vault_expect(&v, 400, "POST", "/v1/aws/config/root", "{\"max_retries\":\"zz\"}");
    T_STR_HAS(vault_text(&v, &r, "errors.0"), "for field \"max_retries\"");
    vault_expect(&v, 405, "DELETE", "/v1/aws/config/root", NULL);
    vault_t_stop(&v);
}

TEST(aws_lease_configuration_takes_durations)
{
    static const struct {
        const char *label, *body;
        int status;
        const char *want;
    } rows[] = {
        {"nothing", "{}", 400, "'lease' is a required parameter"},
        {"no lease_max", "{\"lease\":\"1h\"}", 400, "'lease_max' is a required parameter"},
        {"no lease", "{\"lease_max\":\"1h\"}", 400, "'lease' is a required parameter"},
        {"a wrong lease", "{\"lease\":\"zz\",\"lease_max\":\"1h\"}", 400,
         "Invalid lease: time: invalid duration \"zz\""},
        {"a wrong lease_max", "{\"lease\":\"1h\",\"lease_max\":\"zz\"}", 400,
         "Invalid lease_max: time: invalid duration \"zz\""},
        {"hours", "{\"lease\":\"48h\",\"lease_max\":\"72h\"}", 204, "48h0m0s"},
        {"a number", "{\"lease\":3600,\"lease_max\":\"1h\"}", 204, "1h0m0s"},
        {"days", "{\"lease\":\"1d\",\"lease_max\":\"2d\"}", 204, "24h0m0s"},
        {"the wrong way round", "{\"lease\":\"72h\",\"lease_max\":\"1h\"}", 204, "72h0m0s"},
    };
    struct api_response r;
    struct vault_t v;

    start(&v);
    vault_expect(&v, 404, "GET", "/v1/aws/config/lease", NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        r = vault_expect(&v, rows[i].status, "POST", "/v1/aws/config/lease", rows[i].body);
        if (rows[i].status == 400) {
            T_STR_EQ(vault_text(&v, &r, "errors.0"), rows[i].want);
            continue;
        }
        r = vault_expect(&v, 200, "GET", "/v1/aws/config/lease", NULL);
        T_STR_EQ(vault_text(&v, &r, "data.lease"), rows[i].want);
    }
    T_ROW("");
    vault_t_stop(&v);
}

TEST(aws_credentials_that_cannot_be_made_say_why)
{
    static const struct {
        const char *label, *role, *method, *path, *body;
        int status;
        const char *want;
    } rows[] = {
        {"unknown role", NULL, "GET", "/v1/aws/creds/none", NULL, 400,
         "Role \"none\" not found"},
        {"unknown role of sts", NULL, "GET", "/v1/aws/sts/none", NULL, 400,
         "Role \"none\" not found"},
        {"nobody listens", "{\"credential_type\":\"iam_user\"}", "GET", "/v1/aws/creds/r", NULL,
         400,
         "Error creating IAM user: RequestError: send request failed\ncaused by: Post "
         "\"http://127.0.0.1:1/\": dial tcp 127.0.0.1:1: connect: connection refused"},
        {"a session, nobody listens",
         "{\"credential_type\":\"assumed_role\",\"role_arns\":\"arn:aws:iam::1:role/x\"}",
         "GET", "/v1/aws/sts/r", NULL, 400,
         "Error assuming role: RequestError: send request failed\ncaused by: Post "
         "\"http://127.0.0.1:1/\": dial tcp 127.0.0.1:1: connect: connection refused"},
        {"a role_arn that is not allowed",
         "{\"credential_type\":\"assumed_role\",\"role_arns\":\"a\"}", "POST", "/v1/aws/sts/r",
         "{\"role_arn\":\"b\"}", 400,
         "role_arn \"b\" not in allowed role arns for Vault role \"r\""},
        {"none of two named", "{\"credential_type\":\"assumed_role\",\"role_arns\":\"a,b\"}",
         "GET", "/v1/aws/sts/r", NULL, 400,
         "did not supply a role_arn parameter and unable to determine one"},
        {"nothing that limits a federated user", "{\"credential_type\":\"federation_token\"}",
         "GET", "/v1/aws/sts/r", NULL, 400,
         "must specify at least one of policy_arns or policy_document with federation_token "
         "credential_type"},
        {"a wrong ttl", "{\"credential_type\":\"iam_user\"}", "POST", "/v1/aws/creds/r",
         "{\"ttl\":\"zz\"}", 400,
         "Field validation failed: error converting input zz for field \"ttl\": time: invalid "
         "duration \"zz\""},
        {"an old role at creds", "{\"arn\":\"arn:aws:iam::1:role/x\"}", "GET",
         "/v1/aws/creds/r", NULL, 400,
         "attempted to retrieve assumed_role credentials through the creds path; this is not "
         "allowed for legacy roles"},
        {"an old user at sts", "{\"arn\":\"arn:aws:iam::aws:policy/x\"}", "GET",
         "/v1/aws/sts/r", NULL, 400,
         "attempted to retrieve iam_user credentials through the sts path; this is not allowed "
         "for legacy roles"},
        {"no static role", NULL, "GET", "/v1/aws/static-roles/x", NULL, 404, ""},
        {"no such path", NULL, "LIST", "/v1/aws/creds", NULL, 404,
         "1 error occurred:\n\t* unsupported path\n\n"},
    };
    struct vault_t v;

    start(&v);
    vault_expect(&v, 204, "POST", "/v1/aws/config/root",
                 "{\"access_key\":\"AK\",\"secret_key\":\"SK\",\"max_retries\":0,\"region\":"
                 "\"us-east-1\",\"iam_endpoint\":\"http://127.0.0.1:1\",\"sts_endpoint\":"
                 "\"http://127.0.0.1:1\"}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_response r;

        T_ROW(rows[i].label);
        vault_expect(&v, 204, "DELETE", "/v1/aws/roles/r", NULL);
        if (rows[i].role)
            vault_ask(&v, v.root, "POST", "/v1/aws/roles/r", rows[i].role);
        r = vault_expect(&v, rows[i].status, rows[i].method, rows[i].path, rows[i].body);
        T_STR_EQ(vault_text(&v, &r, "errors.0"), rows[i].want);
    }
    T_ROW("");
    vault_t_stop(&v);
}

TEST(aws_root_rotation_needs_a_key)
{
    struct api_response r;
    struct vault_t v;

    start(&v);
    r = vault_expect(&v, 500, "POST", "/v1/aws/config/rotate-root", NULL);
    T_STR_HAS(vault_text(&v, &r, "errors.0"), "no configuration found");
    vault_expect(&v, 204, "POST", "/v1/aws/config/root", "{}");
    r = vault_expect(&v, 400, "POST", "/v1/aws/config/rotate-root", NULL);
    T_STR_EQ(vault_text(&v, &r, "errors.0"),
             "Cannot call config/rotate-root when either access_key or secret_key is empty");
    vault_expect(&v, 405, "GET", "/v1/aws/config/rotate-root", NULL);
    vault_t_stop(&v);
}
