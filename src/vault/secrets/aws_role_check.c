/* What a role may say, and what the old parameters meant. Pure. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "vault/secrets/aws_priv.h"

struct arn {
    struct str partition, service, region, account, resource;
};

/* NULL: fine. "arn:aws:iam::123456789012:role/x" */
static const char *read_arn(struct str text, struct arn *ret)
{
    struct str *parts[] = {&ret->partition, &ret->service, &ret->region, &ret->account};

    if (!str_starts(text, STR("arn:")))
        return "arn: invalid prefix";
    text = str_from(text, 4);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (str_chr(text, ':') < 0)
            return "arn: not enough sections";
        str_split(&text, ':', parts[i]);
    }
    ret->resource = text;
    return NULL;
}

static bool has_type(const struct aws_role *role, const char *type)
{
    return strlist_has(&role->credential_types, type);
}

static bool given(const char *s)
{
    return s && *s;
}

static void add(struct arena *a, struct strlist *problems, const char *text)
{
    list_push(a, problems, text);
}

static void check_types(const struct aws_role *role, struct arena *a, struct strlist *problems)
{
    const char *names[] = {"iam_user", "assumed_role", "federation_token"};
    const struct strlist known = {names, ARRAY_LEN(names)};

    if (role->credential_types.len == 0)
        add(a, problems, "did not supply credential_type");
    for (size_t i = 0; i < role->credential_types.len; i++)
        if (!strlist_has(&known, role->credential_types.at[i]))
            add(a, problems,
                arena_printf(a, "unrecognized credential type: %s",
                             role->credential_types.at[i]));
}

static void check_ttls(const struct aws_role *role, struct arena *a, struct strlist *problems)
{
    bool sts = has_type(role, "assumed_role") || has_type(role, "federation_token");

    if (role->default_sts_ttl_s > 0 && !sts)
        add(a, problems,
            "default_sts_ttl parameter only valid for assumed_role and federation_token "
            "credential types");
    if (role->max_sts_ttl_s > 0 && !sts)
        add(a, problems,
            "max_sts_ttl parameter only valid for assumed_role and federation_token credential "
            "types");
    if (role->max_sts_ttl_s > 0 && role->default_sts_ttl_s > role->max_sts_ttl_s)
        add(a, problems,
            "\"default_sts_ttl\" value must be less than or equal to \"max_sts_ttl\" value");
}

/* "/", or "/" and up to 510 visible characters and "/". */
static bool is_user_path(struct str s)
{
    if (str_eqc(s, "/"))
        return true;
    if (s.len < 2 || s.len > 512 || s.p[0] != '/' || s.p[s.len - 1] != '/')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < 0x21 || s.p[i] > 0x7e)
            return false;
    return true;
}

static void check_path(const struct aws_role *role, struct arena *a, struct strlist *problems)
{
    if (!given(role->user_path))
        return;
    if (!has_type(role, "iam_user"))
        add(a, problems, "user_path parameter only valid for iam_user credential type");
    else if (!is_user_path(str_of(role->user_path)))
        add(a, problems,
            "The specified value for user_path is invalid. It must match "
            "\"^\\\\/([\\\\x21-\\\\x7F]{0,510}\\\\/)?$\" regexp");
}

static void check_boundary(const struct aws_role *role, struct arena *a,
                           struct strlist *problems)
{
    struct arn arn;
    const char *why;

    if (!given(role->permissions_boundary_arn))
        return;
    if (!has_type(role, "iam_user")) {
        add(a, problems,
            "cannot supply permissions_boundary_arn when credential_type isn't iam_user");
        return;
    }
    why = read_arn(str_of(role->permissions_boundary_arn), &arn);
    if (!why && !str_eqc(arn.service, "iam"))
        why = arena_printf(a, "expected a service of iam but got %.*s", STR_ARG(arn.service));
    if (!why && !str_starts(arn.resource, STR("policy/")))
        why = arena_printf(a, "expected a resource type of policy but got %.*s",
                           STR_ARG(arn.resource));
    if (why)
        add(a, problems,
            arena_printf(a, "invalid permissions_boundary_arn parameter: %s", why));
}

static void check_sizes(const struct aws_role *role, struct arena *a, struct strlist *problems)
{
    const struct {
        const char *name;
        size_t n;
    } lists[] = {
        {"role_arns", role->role_arns.len},
        {"policy_arns", role->policy_arns.len},
        {"iam_groups", role->iam_groups.len},
        {"iam_tags", role->iam_tags.len},
    };

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (lists[i].n > AWS_ROLE_LIST_MAX)
            add(a, problems,
                arena_printf(a, "%s has more than %d entries", lists[i].name,
                             AWS_ROLE_LIST_MAX));
}

void aws_role_check(const struct aws_role *role, struct arena *a, struct strlist *problems)
{
    check_types(role, a, problems);
    check_ttls(role, a, problems);
    check_path(role, a, problems);
    check_boundary(role, a, problems);
    if (role->role_arns.len && !has_type(role, "assumed_role"))
        add(a, problems, "cannot supply role_arns when credential_type isn't assumed_role");
    check_sizes(role, a, problems);
}

bool aws_role_from_legacy(struct str text, struct arena *a, struct aws_role *ret)
{
    struct arn arn;
    const char *policy;

    *ret = (struct aws_role){.legacy = true};
    text = str_trim(text);
    if (str_starts(text, STR("arn:"))) {
        if (read_arn(text, &arn))
            return false;
        if (str_starts(arn.resource, STR("policy/"))) {
            list_push(a, &ret->policy_arns, arena_cstr(a, text));
            list_push(a, &ret->credential_types, "iam_user");
        } else if (str_starts(arn.resource, STR("role/"))) {
            list_push(a, &ret->role_arns, arena_cstr(a, text));
            list_push(a, &ret->credential_types, "assumed_role");
        } else {
            return false;
        }
        return true;
    }
    if (aws_policy_compact(text, a, &policy, NULL) < 0)
        return false;
    ret->policy_document = policy;
    list_push(a, &ret->credential_types, "iam_user");
    list_push(a, &ret->credential_types, "federation_token");
    return true;
}

static void put_quoted(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (c == '\n')
            buf_puts(b, "\\n");
        else if (c == '\t')
            buf_puts(b, "\\t");
        else if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else
            buf_putc(b, c);
    }
}

const char *aws_problems_text(const struct strlist *problems, struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(64 << 10);

    if (problems->len == 1)
        buf_puts(&b, "\"1 error occurred:\\n");
    else
        buf_printf(&b, "\"%zu errors occurred:\\n", problems->len);
    for (size_t i = 0; i < problems->len; i++) {
        buf_puts(&b, "\\t* ");
        put_quoted(&b, str_of(problems->at[i]));
        buf_puts(&b, "\\n");
    }
    buf_puts(&b, "\\n\"");
    return arena_cstr(a, buf_str(&b));
}
