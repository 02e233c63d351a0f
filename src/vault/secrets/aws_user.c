/* IAM users: made step by step, removed in the opposite spirit (first what can be used). */
#include "base/err.h"
#include "vault/secrets/aws_priv.h"

/* ---- making
 * ----------------------------------------------------------------------------------- */

static int create_user(struct aws_client *iam, const struct aws_role *role,
                       const char *username, struct err *e)
{
    const char *path = role->user_path && *role->user_path ? role->user_path : "/";
    const char *boundary = role->permissions_boundary_arn;

    return AWS_CALL(iam, "CreateUser", NULL, e, {"UserName", username}, {"Path", path},
                    {"PermissionsBoundary", boundary && *boundary ? boundary : NULL});
}

static int attach_policies(struct aws_client *iam, const struct aws_role *role,
                           const char *username, struct err *e)
{
    for (size_t i = 0; i < role->policy_arns.len; i++) {
        int r = AWS_CALL(iam, "AttachUserPolicy", NULL, e, {"UserName", username},
                         {"PolicyArn", role->policy_arns.at[i]});

        if (r < 0)
            return err_wrap(e, r, "Error attaching user policy");
    }
    if (role->policy_document && *role->policy_document) {
        int r = AWS_CALL(iam, "PutUserPolicy", NULL, e, {"UserName", username},
                         {"PolicyName", role->name}, {"PolicyDocument", role->policy_document});

        if (r < 0)
            return err_wrap(e, r, "Error putting user policy");
    }
    return 0;
}

static int join_groups(struct aws_client *iam, const struct aws_role *role,
                       const char *username, struct err *e)
{
    for (size_t i = 0; i < role->iam_groups.len; i++) {
        int r = AWS_CALL(iam, "AddUserToGroup", NULL, e, {"UserName", username},
                         {"GroupName", role->iam_groups.at[i]});

        if (r < 0)
            return err_wrap(e, r, "Error adding user to group");
    }
    return 0;
}

static int tag_user(struct aws_client *iam, const struct aws_role *role, const char *username,
                    struct err *e)
{
    struct arena *a = aws_client_arena(iam);
    LIST(struct aws_param) params = {0};
    int r;

    if (role->iam_tags.len == 0)
        return 0;
    list_push(a, &params, ((struct aws_param){"UserName", username}));
    for (size_t i = 0; i < role->iam_tags.len; i++) {
        const struct strpair *tag = &role->iam_tags.at[i];

        list_push(
            a, &params,
            ((struct aws_param){arena_printf(a, "Tags.member.%zu.Key", i + 1), tag->key}));
        list_push(
            a, &params,
            ((struct aws_param){arena_printf(a, "Tags.member.%zu.Value", i + 1), tag->val}));
    }
    list_push(a, &params, ((struct aws_param){NULL, NULL}));
    r = aws_call(iam, "TagUser", params.at, NULL, e);
    return r < 0 ? err_wrap(e, r, "Error adding tags to user") : 0;
}

static int create_key(struct aws_client *iam, const char *username, struct aws_keys *ret,
                      struct err *e)
{
    struct arena *a = aws_client_arena(iam);
    const struct aws_xml *x;
    int r = AWS_CALL(iam, "CreateAccessKey", &x, e, {"UserName", username});

    if (r < 0)
        return err_wrap(e, r, "Error creating access keys");
    x = aws_xml_at(x, "CreateAccessKeyResult/AccessKey");
    ret->access_key = arena_cstr(a, aws_xml_text(x, "AccessKeyId"));
    ret->secret_key = arena_cstr(a, aws_xml_text(x, "SecretAccessKey"));
    if (!*ret->access_key || !*ret->secret_key)
        return err_set(e, ERR_UPSTREAM, "Error creating access keys: the answer has none");
    return 0;
}

int aws_user_create(struct aws_client *iam, const struct aws_role *role, const char *username,
                    struct aws_keys *ret, bool *ret_not_made, struct err *e)
{
    int r = create_user(iam, role, username, e);

    *ret_not_made = r < 0 && aws_client_fault(iam)->not_done;
    if (r < 0)
        return err_wrap(e, r, "Error creating IAM user");
    r = attach_policies(iam, role, username, e);
    if (r == 0)
        r = join_groups(iam, role, username, e);
    if (r == 0)
        r = tag_user(iam, role, username, e);
    return r < 0 ? r : create_key(iam, username, ret, e);
}

/* ---- removing
 * --------------------------------------------------------------------------------- */

/* What hangs on a user: how it is listed, and how each is taken away. Listed in this order,
 * removed in removal_order: keys first, so that the user can do nothing from then on. */
static const struct {
    struct aws_list list;
    const char *remove, *param;
} belongings[] = {
    {{"ListGroupsForUser", "UserName", NULL, "Groups", "GroupName"},
     "RemoveUserFromGroup",
     "GroupName"},
    {{"ListUserPolicies", "UserName", NULL, "PolicyNames", ""},
     "DeleteUserPolicy",
     "PolicyName"},
    {{"ListAttachedUserPolicies", "UserName", NULL, "AttachedPolicies", "PolicyArn"},
     "DetachUserPolicy",
     "PolicyArn"},
    {{"ListAccessKeys", "UserName", NULL, "AccessKeyMetadata", "AccessKeyId"},
     "DeleteAccessKey",
     "AccessKeyId"},
};
enum { GROUPS, POLICIES, ATTACHED, KEYS, BELONGINGS };
static const int removal_order[BELONGINGS] = {KEYS, ATTACHED, POLICIES, GROUPS};

static int list_belongings(struct aws_client *iam, const char *username,
                           struct strlist found[BELONGINGS], struct err *e)
{
    for (int i = 0; i < BELONGINGS; i++) {
        struct aws_list l = belongings[i].list;
        int r;

        l.value = username;
        r = aws_list_all(iam, &l, &found[i], e);
        if (r < 0)
            return r;
    }
    return 0;
}

int aws_user_remove(struct aws_client *iam, const char *username, struct err *e)
{
    struct strlist found[BELONGINGS] = {0};
    int r = list_belongings(iam, username, found, e);

    if (r < 0)
        return r;
    for (int turn = 0; turn < BELONGINGS; turn++) {
        int kind = removal_order[turn];

        for (size_t i = 0; i < found[kind].len; i++) {
            r = AWS_CALL(iam, belongings[kind].remove, NULL, e, {"UserName", username},
                         {belongings[kind].param, found[kind].at[i]});
            if (r < 0 && r != ERR_NOTFOUND) /* somebody else was quicker: fine */
                return r;
        }
    }
    r = AWS_CALL(iam, "DeleteUser", NULL, e, {"UserName", username});
    return r == ERR_NOTFOUND ? 0 : r;
}

static int load_root(struct vault *v, const char *mount_uuid, struct arena *a,
                     const struct aws_root **ret, struct err *e)
{
    auto_txn struct txn *t = NULL;
    int r = txn_begin(vault_store(v), TXN_READ_ONLY, &t, e);

    return r < 0 ? r : aws_root_load(t, mount_uuid, a, ret, NULL, e);
}

int aws_user_forget(struct vault *v, const struct mount *m, const char *username,
                    int64_t made_s, int64_t now_ns, struct arena *a, struct err *e)
{
    struct aws_limit limit = aws_limit_of(v);
    const struct aws_root *root;
    struct aws_client *iam;
    int r = load_root(v, m->uuid, a, &root, e);

    if (r == 0)
        r = aws_client_open(root, AWS_IAM, &limit, a, &iam, e);
    if (r == 0)
        r = aws_user_remove(iam, username, e);
    /* AWS is consistent only after a while: what was made a moment ago may still turn up. */
    if (r == ERR_NOTFOUND && now_ns / 1000000000 - made_s >= AWS_SETTLE_S)
        return 0;
    return r;
}
