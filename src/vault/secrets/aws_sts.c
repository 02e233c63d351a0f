/* Sessions of STS. What limits them: the role's policies and those of its groups. */
#include <string.h>

#include "base/err.h"
#include "lang/units.h"
#include "vault/secrets/aws_priv.h"

enum { GROUP_POLICIES_MAX = 500 };

/* Policies in the answer are escaped as in an address. */
static int unescape(struct str s, struct arena *a, const char **ret, struct err *e)
{
    static const char digits[] = "0123456789abcdef";
    char *p = arena_alloc(a, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        int byte = 0;

        p[n] = s.p[i];
        for (size_t k = 1; k <= 2 && s.p[i] == '%'; k++) {
            const char *d =
                i + k < s.len && s.p[i + k] ? strchr(digits, s.p[i + k] | 0x20) : NULL;

            if (!d)
                return err_set(e, ERR_UPSTREAM, "a group's policy cannot be read");
            byte = byte << 4 | (int)(d - digits);
        }
        if (s.p[i] == '%') {
            p[n] = (char)byte;
            i += 2;
        }
        n++;
    }
    p[n] = '\0';
    *ret = p;
    return 0;
}

static int inline_policies(struct aws_client *iam, const char *group, struct strlist *ret,
                           struct err *e)
{
    struct aws_list l = {"ListGroupPolicies", "GroupName", group, "PolicyNames", ""};
    struct arena *a = aws_client_arena(iam);
    struct strlist names = {0};
    int r = aws_list_all(iam, &l, &names, e);

    for (size_t i = 0; i < names.len && r == 0; i++) {
        const struct aws_xml *x;
        const char *text = "";

        r = AWS_CALL(iam, "GetGroupPolicy", &x, e, {"GroupName", group},
                     {"PolicyName", names.at[i]});
        if (r == 0)
            r = unescape(aws_xml_text(x, "GetGroupPolicyResult/PolicyDocument"), a, &text, e);
        if (r == 0)
            list_push(a, ret, text);
    }
    return r;
}

static int group_policies(const struct aws_sts_ask *q, struct arena *a,
                          struct strlist *documents, struct strlist *arns, struct err *e)
{
    struct aws_client *iam;
    int r = aws_client_open(q->root, AWS_IAM, &q->limit, a, &iam, e);

    for (size_t i = 0; i < q->role->iam_groups.len && r == 0; i++) {
        struct aws_list attached = {"ListAttachedGroupPolicies", "GroupName",
                                    q->role->iam_groups.at[i], "AttachedPolicies", "PolicyArn"};

        r = aws_list_all(iam, &attached, arns, e);
        if (r == 0)
            r = inline_policies(iam, q->role->iam_groups.at[i], documents, e);
        if (r < 0)
            return aws_tell(iam,
                            err_wrap(e, r, "Error fetching policies of group %s",
                                     q->role->iam_groups.at[i]),
                            e);
        if (documents->len + arns->len > GROUP_POLICIES_MAX)
            return req_fail(e, "the role's groups have more than %d policies",
                            GROUP_POLICIES_MAX);
    }
    return r;
}

/* The session's policy and managed policies, as parameters. */
static int limits(const struct aws_sts_ask *q, struct arena *a, const char **ret_policy,
                  struct strlist *ret_arns, struct err *e)
{
    const struct aws_role *role = q->role;
    struct strlist documents = {0};
    int r = 0;

    if (role->policy_document && *role->policy_document)
        list_push(a, &documents, role->policy_document);
    for (size_t i = 0; i < role->policy_arns.len; i++)
        list_push(a, ret_arns, role->policy_arns.at[i]);
    if (role->iam_groups.len)
        r = group_policies(q, a, &documents, ret_arns, e);
    return r < 0 ? r : aws_policy_merge(&documents, a, ret_policy, e);
}

struct params {
    LIST(struct aws_param) list;
};

static void add(struct params *p, struct arena *a, const char *name, const char *value)
{
    list_push(a, &p->list, ((struct aws_param){name, value}));
}

static void take_answer(const struct aws_xml *x, struct arena *a, struct aws_sts_got *ret)
{
    const struct aws_xml *keys = aws_xml_at(x, "Credentials");
    struct str arn = aws_xml_text(x, "AssumedRoleUser/Arn");

    *ret = (struct aws_sts_got){
        .keys = {arena_cstr(a, aws_xml_text(keys, "AccessKeyId")),
                 arena_cstr(a, aws_xml_text(keys, "SecretAccessKey")),
                 arena_cstr(a, aws_xml_text(keys, "SessionToken"))},
        .arn = arn.len ? arn.p : NULL,
    };
    if (time_parse_rfc3339(aws_xml_text(keys, "Expiration"), &ret->expires_ns, NULL) < 0)
        ret->expires_ns = 0;
}

int aws_sts_get(const struct aws_sts_ask *q, struct arena *a, struct aws_sts_got *ret,
                struct err *e)
{
    bool assume = strcmp(q->type, "assumed_role") == 0;
    const char *action = assume ? "AssumeRole" : "GetFederationToken", *policy;
    const char *failed = assume ? "Error assuming role" : "Error generating STS keys";
    struct strlist arns = {0};
    const struct aws_xml *x;
    struct params p = {0};
    struct aws_client *sts;
    int r = limits(q, a, &policy, &arns, e);

    if (r < 0)
        return r;
    if (!assume && !*policy && arns.len == 0)
        return req_fail(e, "must specify at least one of policy_arns or policy_document with "
                           "federation_token credential_type");
    r = aws_client_open(q->root, AWS_STS, &q->limit, a, &sts, e);
    if (r < 0)
        return err_wrap(e, r, "%s", failed);
    add(&p, a, assume ? "RoleSessionName" : "Name", q->name);
    add(&p, a, "RoleArn", assume ? q->role_arn : NULL);
    add(&p, a, "DurationSeconds", arena_printf(a, "%lld", (long long)q->ttl_s));
    add(&p, a, "Policy", *policy ? policy : NULL);
    for (size_t i = 0; i < arns.len; i++)
        add(&p, a, arena_printf(a, "PolicyArns.member.%zu.arn", i + 1), arns.at[i]);
    add(&p, a, NULL, NULL);
    r = aws_call(sts, action, p.list.at, &x, e);
    if (r < 0)
        return aws_tell(sts, err_wrap(e, r, "%s", failed), e);
    take_answer(aws_xml_at(x, arena_printf(a, "%sResult", action)), a, ret);
    if (!*ret->keys.access_key || !*ret->keys.secret_key)
        return req_fail(e, "%s: the answer has no keys", failed);
    return 0;
}
