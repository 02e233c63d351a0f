/*
 * creds/ROLE and sts/ROLE: credentials, leased.
 *
 * An IAM user is made between two transactions: the first leaves a write-ahead record with its
 * name, the second removes the record and makes the lease. A session of STS ends by itself and
 * needs no record.
 */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "vault/core/token.h"
#include "vault/secrets/aws_priv.h"

enum { TTL_DEFAULT_S = 3600 };

struct cred_body {
    const char *name, *role_arn, *role_session_name;
    int64_t ttl_s;
};

static const struct schema_field cred_fields[] = {
    {"name", NULL, F_STR, offsetof(struct cred_body, name), .doc = "Name of the role."},
    {"role_arn", NULL, F_STR, offsetof(struct cred_body, role_arn),
     .doc = "assumed_role: which of the role's role_arns."},
    {"role_session_name", NULL, F_STR, offsetof(struct cred_body, role_session_name),
     .doc = "assumed_role: name of the session."},
    {"ttl", NULL, F_TTL, offsetof(struct cred_body, ttl_s),
     .doc = "Life of a session; IAM users live as config/lease says."},
};
static SCHEMA(cred_schema, "aws_credentials", struct cred_body, cred_fields);

/* One request under way. */
struct cred_job {
    const struct aws_root *root;
    const struct aws_lease *lease; /* NULL: none configured */
    const struct aws_role *role;
    const char *name; /* of the user or the session */
    struct aws_limit limit;
    char wal_id[UUID_SIZE];
    struct aws_keys keys;
    struct err failed; /* the user was not made, for sure: tell it, and drop the record */
    struct aws_sts_ask ask;
    struct aws_sts_got got;
};

static const char *display_name(const struct req *r)
{
    return r->token && r->token->display_name ? r->token->display_name : "";
}

static int make_name(struct req *r, struct cred_job *j, enum aws_name_kind kind, struct err *e)
{
    struct err why = ERR_INIT;

    if (aws_name_make(j->root->username_template, kind, display_name(r), j->role->name,
                      r->now_ns, r->a, &j->name, &why) < 0)
        return req_fail(e, "%s", why.msg);
    return 0;
}

static const struct json *internal_data(struct req *r, const struct cred_job *j, bool sts)
{
    struct json *v = json_new_object(r->a);

    json_set(r->a, v, STR("is_sts"), json_of_bool(sts));
    json_set(r->a, v, STR("policy"), json_of_str(str_of(j->role->name)));
    if (!sts)
        json_set(r->a, v, STR("username"), json_of_str(str_of(j->name)));
    return v;
}

/* ---- IAM users
 * --------------------------------------------------------------------------------- */

static int make_user(struct req *r, void *arg, struct err *e)
{
    struct cred_job *j = arg;
    struct aws_client *iam = NULL;
    struct err why = ERR_INIT;
    bool not_made = true;
    int ret = aws_client_open(j->root, AWS_IAM, &j->limit, r->a, &iam, &why);

    if (ret < 0)
        err_wrap(&why, ret, "Error creating IAM user");
    else
        ret = aws_user_create(iam, j->role, j->name, &j->keys, &not_made, &why);
    if (ret == 0)
        return 0;
    aws_tell(iam, ret, &why);
    if (not_made) {
        j->failed = why;
        return 0;
    }
    if (e)
        *e = why;
    return ret;
}

static int hand_out_user(struct req *r, void *arg, struct err *e)
{
    struct cred_job *j = arg;
    struct secret_made *s = arena_new_of(r->a, struct secret_made);
    struct json_out *w;
    int ret = engine_wal_del(r, j->wal_id, e);

    if (ret < 0)
        return ret;
    if (j->failed.code) {
        r->call->commit_on_error = true;
        if (e)
            *e = j->failed;
        return j->failed.code;
    }
    w = req_data(r);
    json_kv_str(w, "access_key", j->keys.access_key);
    json_kv_str(w, "secret_key", j->keys.secret_key);
    json_kv_null(w, "security_token");
    *s = (struct secret_made){.renewable = true, .internal = internal_data(r, j, false)};
    if (j->lease) {
        s->ttl_s = j->lease->lease_s;
        s->max_ttl_s = j->lease->lease_max_s;
    }
    r->secret = s;
    return 0;
}

static int begin_user(struct req *r, struct cred_job *j, struct err *e)
{
    struct json *record = json_new_object(r->a);
    int ret = make_name(r, j, AWS_NAME_IAM, e);

    if (ret < 0)
        return ret;
    json_set(r->a, record, STR("username"), json_of_str(str_of(j->name)));
    json_set(r->a, record, STR("made"), json_of_i64(r->a, r->now_ns / 1000000000));
    ret = engine_wal_put(r, "user", record, j->wal_id, e);
    if (ret < 0)
        return ret;
    req_then(r, make_user, hand_out_user, j);
    return 0;
}

/* ---- sessions
 * ----------------------------------------------------------------------------------- */

static int ask_sts(struct req *r, void *arg, struct err *e)
{
    struct cred_job *j = arg;
    int ret = aws_sts_get(&j->ask, r->a, &j->got, e);

    return ret < 0 && e && !e->status ? aws_tell(NULL, ret, e) : ret;
}

/* Seconds until it expires, rounded as the API does: what was asked for, not one less. */
static int64_t rest_s(const struct cred_job *j, int64_t now_ns, int64_t round_ns)
{
    int64_t s = (j->got.expires_ns - now_ns + round_ns) / 1000000000;

    if (!j->got.expires_ns)
        return j->ask.ttl_s;
    return s > 0 ? s : 1;
}

static int hand_out_session(struct req *r, void *arg, struct err *e)
{
    const struct cred_job *j = arg;
    struct secret_made *s = arena_new_of(r->a, struct secret_made);
    int64_t now_ns = clock_wall_ns();
    struct json_out *w = req_data(r);

    (void)e;
    json_kv_str(w, "access_key", j->got.keys.access_key);
    if (j->got.arn)
        json_kv_str(w, "arn", j->got.arn);
    json_kv_str(w, "secret_key", j->got.keys.secret_key);
    json_kv_str(w, "security_token", j->got.keys.session_token);
    json_kv_i64(w, "ttl", rest_s(j, now_ns, 0));
    *s = (struct secret_made){.ttl_s = rest_s(j, now_ns, 500000000),
                              .internal = internal_data(r, j, true)};
    r->secret = s;
    return 0;
}

static int choose_role_arn(struct req *r, const struct cred_body *b, struct cred_job *j,
                           struct err *e)
{
    const struct strlist *allowed = &j->role->role_arns;

    (void)r;
    if (!b->role_arn || !*b->role_arn) {
        if (allowed->len != 1)
            return req_fail(e,
                            "did not supply a role_arn parameter and unable to determine one");
        j->ask.role_arn = allowed->at[0];
        return 0;
    }
    if (!strlist_has(allowed, b->role_arn))
        return req_fail(e, "role_arn \"%s\" not in allowed role arns for Vault role \"%s\"",
                        b->role_arn, j->role->name);
    j->ask.role_arn = b->role_arn;
    return 0;
}

static int session_name(struct req *r, const struct cred_body *b, struct cred_job *j,
                        struct err *e)
{
    if (!b->role_session_name || !*b->role_session_name)
        return make_name(r, j, AWS_NAME_IAM, e);
    j->name = aws_name_clean(r->a, str_of(b->role_session_name));
    if (strlen(j->name) > AWS_USERNAME_MAX) {
        j->name = arena_strndup(r->a, j->name, AWS_USERNAME_MAX);
        req_warn(r, "the role session name was truncated to %d characters", AWS_USERNAME_MAX);
    }
    return 0;
}

static int64_t session_ttl(const struct req *r, const struct cred_body *b,
                           const struct aws_role *role)
{
    int64_t max =
        role->max_sts_ttl_s > 0 ? role->max_sts_ttl_s : mount_max_ttl_s(r->vault, r->mount);
    int64_t ttl = req_has(r, "ttl")             ? b->ttl_s
                  : role->default_sts_ttl_s > 0 ? role->default_sts_ttl_s
                                                : TTL_DEFAULT_S;

    return ttl > max ? max : ttl;
}

static int begin_session(struct req *r, const struct cred_body *b, const char *type,
                         struct cred_job *j, struct err *e)
{
    bool assume = strcmp(type, "assumed_role") == 0;
    int ret = assume ? choose_role_arn(r, b, j, e) : 0;

    if (ret == 0)
        ret = assume ? session_name(r, b, j, e) : make_name(r, j, AWS_NAME_STS, e);
    if (ret < 0)
        return ret;
    j->ask.root = j->root;
    j->ask.role = j->role;
    j->ask.type = type;
    j->ask.name = j->name;
    j->ask.ttl_s = session_ttl(r, b, j->role);
    j->ask.limit = j->limit;
    req_then(r, ask_sts, hand_out_session, j);
    return 0;
}

/* ---- which of the two
 * ---------------------------------------------------------------------------- */

/* A role of the old form may have two types: users at creds/, sessions at sts/. */
static int choose_type(const struct aws_role *role, bool sts_path, const char **ret,
                       struct err *e)
{
    const char *type = role->credential_types.at[0];
    bool is_user;

    if (role->credential_types.len > 1 && sts_path)
        type = role->credential_types.at[1];
    is_user = strcmp(type, "iam_user") == 0;
    if (role->legacy && is_user == sts_path)
        return req_fail(e,
                        "attempted to retrieve %s credentials through the %s path; this is not "
                        "allowed for legacy roles",
                        type, sts_path ? "sts" : "creds");
    *ret = type;
    return 0;
}

static int load_job(struct req *r, struct str name, struct cred_job *j, struct err *e)
{
    int ret = aws_role_load(r->txn, r->mount->uuid, name, r->a, &j->role, e);

    if (ret == ERR_NOTFOUND)
        return req_fail(e, "Role \"%.*s\" not found", STR_ARG(name));
    if (ret == 0)
        ret = aws_root_load(r->txn, r->mount->uuid, r->a, &j->root, NULL, e);
    if (ret == 0)
        ret = aws_lease_load(r->txn, r->mount->uuid, r->a, &j->lease, e);
    return ret;
}

static int credentials(struct req *r, bool sts_path, struct err *e)
{
    struct cred_job *j = arena_new_of(r->a, struct cred_job);
    struct cred_body b;
    const char *type = "";
    struct str name;
    int ret = aws_role_name(r, &name, e);

    if (ret == 0)
        ret = req_decode(r, &cred_schema, &b, e);
    if (ret == 0)
        ret = load_job(r, name, j, e);
    if (ret == 0)
        ret = choose_type(j->role, sts_path, &type, e);
    if (ret < 0)
        return ret;
    j->limit = aws_limit_of(r->vault);
    return strcmp(type, "iam_user") == 0 ? begin_user(r, j, e)
                                         : begin_session(r, &b, type, j, e);
}

static int creds(struct call *c, struct err *e)
{
    return credentials(aws_req(c), false, e);
}

static int sts(struct call *c, struct err *e)
{
    return credentials(aws_req(c), true, e);
}

static const struct path_info creds_info = {
    .fields = &cred_schema, .help = "Credentials of a role: a new IAM user's, or a session's."};

const struct route aws_cred_routes[] = {
    /* clang-format off */
    {M_GET | M_WRITE, "creds/:name", ROUTE_BLOCKING, creds, &creds_info},
    {M_GET | M_WRITE, "sts/:name",   ROUTE_BLOCKING, sts,   &creds_info},
    /* clang-format on */
};
const size_t n_aws_cred_routes = ARRAY_LEN(aws_cred_routes);
