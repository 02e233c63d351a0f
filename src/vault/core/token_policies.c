/* Which policies a new token gets. Pure. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "vault/core/policy_priv.h"
#include "vault/core/token_priv.h"

bool token_role_limits_policies(const struct token_role *role)
{
    return role->allowed_policies.len || role->disallowed_policies.len ||
           role->allowed_policies_glob.len || role->disallowed_policies_glob.len;
}

bool token_glob_any(const struct strlist *globs, const char *s)
{
    for (size_t i = 0; i < globs->len; i++)
        if (str_glob(str_of(globs->at[i]), str_of(s)))
            return true;
    return false;
}

static struct strlist copy_of(struct arena *a, const struct strlist *l)
{
    struct strlist copy = {0};

    for (size_t i = 0; i < l->len; i++)
        list_push(a, &copy, l->at[i]);
    return copy;
}

static bool is_subset(const struct strlist *part, const struct strlist *whole)
{
    for (size_t i = 0; i < part->len; i++)
        if (!strlist_has(whole, part->at[i]))
            return false;
    return true;
}

/* ["a" "b"] */
static void quoted(struct buf *b, const struct strlist *l)
{
    buf_putc(b, '[');
    for (size_t i = 0; i < l->len; i++)
        buf_printf(b, "%s\"%s\"", i ? " " : "", l->at[i]);
    buf_putc(b, ']');
}

static int not_allowed(const struct strlist *got, const struct strlist *allowed,
                       const struct strlist *globs, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(ERR_MSG_SIZE);

    buf_puts(&b, "token policies (");
    quoted(&b, got);
    buf_puts(&b, ") must be subset of the role's allowed policies (");
    quoted(&b, allowed);
    buf_puts(&b, ") or glob policies (");
    quoted(&b, globs);
    buf_puts(&b, ")");
    return req_fail(e, "%.*s", STR_ARG(buf_str(&b)));
}

/* ---- by a role that limits policies ------------------------------------------------------ */

static bool is_disallowed(const struct token_role *role, const char *name)
{
    return strlist_has(&role->disallowed_policies, name) ||
           token_glob_any(&role->disallowed_policies_glob, name);
}

static int check_allowed(struct arena *a, const struct token_role *role,
                         const struct strlist *policies, bool add_default, struct err *e)
{
    struct strlist allowed = copy_of(a, &role->allowed_policies);

    if (role->allowed_policies.len == 0 && role->allowed_policies_glob.len == 0)
        return 0;
    policy_names_canonical(a, &allowed, add_default);
    for (size_t i = 0; i < policies->len; i++)
        if (!strlist_has(&allowed, policies->at[i]) &&
            !token_glob_any(&role->allowed_policies_glob, policies->at[i]))
            return not_allowed(policies, &allowed, &role->allowed_policies_glob, e);
    return 0;
}

static int decide_by_role(struct arena *a, const struct token_policy_ask *q,
                          struct strlist *ret, struct err *e)
{
    const struct token_role *role = q->role;
    bool add_default =
        !q->no_default && !role->token_no_default_policy && !is_disallowed(role, "default");
    const struct strlist *start = &q->asked;
    int r;

    if (q->asked.len == 0)
        start = role->allowed_policies.len || role->allowed_policies_glob.len
                    ? &role->allowed_policies
                    : q->parent;
    *ret = copy_of(a, start);
    policy_names_canonical(a, ret, add_default);
    r = check_allowed(a, role, ret, add_default, e);
    for (size_t i = 0; r == 0 && i < ret->len; i++)
        if (is_disallowed(role, ret->at[i]))
            return req_fail(e, "token policy \"%s\" is disallowed by this role", ret->at[i]);
    return r;
}

/* ---- by the caller's own ----------------------------------------------------------------- */

static int decide_by_parent(struct arena *a, const struct token_policy_ask *q,
                            struct strlist *ret, struct err *e)
{
    *ret = copy_of(a, q->asked.len ? &q->asked : q->parent);
    if (q->asked.len == 0) {
        policy_names_canonical(a, ret, false);
        return 0;
    }
    if (q->sudo) {
        policy_names_canonical(a, ret, !q->no_default);
        return 0;
    }
    policy_names_canonical(a, ret, false);
    if (!is_subset(ret, q->parent))
        return req_fail(e, "child policies must be subset of parent");
    if (strlist_has(q->parent, "default"))
        policy_names_canonical(a, ret, true);
    return 0;
}

/* Reserved names are looked at after the one canonical form was made of them. */
static int check_reserved(const struct token_policy_ask *q, const struct strlist *policies,
                          struct err *e)
{
    static const char *const never[] = {"response-wrapping", "control-group"};

    if (strlist_has(policies, "root") && !strlist_has(q->parent, "root"))
        return req_fail(e, "root tokens may not be created without parent token being root");
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        if (strlist_has(policies, never[i]))
            return req_fail(e, "cannot assign policy \"%s\"", never[i]);
    return 0;
}

static void drop(struct strlist *l, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < l->len; i++)
        if (strcmp(l->at[i], name) != 0)
            l->at[n++] = l->at[i];
    l->len = n;
}

int token_policies_decide(struct arena *a, const struct token_policy_ask *q,
                          struct strlist *ret, struct err *e)
{
    int r;

    if (q->asked.len > TOKEN_POLICIES_MAX)
        return req_fail(e, "a token may have at most %d policies", TOKEN_POLICIES_MAX);
    for (size_t i = 0; i < q->asked.len; i++)
        if (strlen(q->asked.at[i]) > POLICY_NAME_MAX)
            return req_fail(e, "a policy name may have at most %d bytes", POLICY_NAME_MAX);
    r = q->role && token_role_limits_policies(q->role) ? decide_by_role(a, q, ret, e)
                                                       : decide_by_parent(a, q, ret, e);
    if (r < 0)
        return r;
    if (q->no_default)
        drop(ret, "default");
    return check_reserved(q, ret, e);
}
