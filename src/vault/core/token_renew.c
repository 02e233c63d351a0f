/* Tokens live on: new expiry by the rules of TTLs, of the role, of the login method. */
#include <string.h>

#include "vault/core/token_priv.h"

int64_t token_lesser(int64_t a, int64_t b)
{
    if (a <= 0 || b <= 0)
        return a > 0 ? a : b > 0 ? b : 0;
    return a < b ? a : b;
}

/* The mount it came from; tokens of auth/token/create have none noted. */
static int find_mount(struct vault *v, struct txn *t, const struct token *tok,
                      const struct mount **ret, struct err *e)
{
    if (*tok->mount_accessor)
        return mount_by_accessor(v, t, tok->mount_accessor, ret, e);
    return mount_by_path(v, t, STR("auth/token/"), ret, e);
}

/* A role limits its tokens for as long as they live. */
static int apply_role(struct txn *t, const struct mount *m, const struct token *tok,
                      struct ttl_input *in, struct err *e)
{
    const struct token_role *role;
    int r;

    if (*tok->role == '\0')
        return 0;
    r = token_role_get(t, m->uuid, str_of(tok->role), &role, e);
    if (r == ERR_NOTFOUND)
        return req_fail_multi(e, 500,
                              "failed to renew entry: original token role \"%s\" could not be "
                              "found, not renewing",
                              tok->role);
    if (r < 0)
        return r;
    in->period_s = token_lesser(in->period_s, role->token_period_s);
    in->explicit_max_s = token_lesser(in->explicit_max_s, role->token_explicit_max_ttl_s);
    return 0;
}

int token_renew_as(struct vault *v, struct txn *t, const struct token *tok,
                   const struct auth_made *auth, int64_t increment_s, int64_t now_ns,
                   struct strlist *warnings, struct arena *a, const struct token **ret,
                   struct err *e)
{
    struct ttl_input in = {.increment_s = increment_s,
                           .backend_ttl_s = auth && auth->ttl_s ? auth->ttl_s : tok->ttl_s,
                           .backend_max_s = auth ? auth->max_ttl_s : 0,
                           .period_s = auth ? auth->period_s : tok->period_s,
                           .explicit_max_s = tok->explicit_max_ttl_s,
                           .start_ns = tok->issued_ns,
                           .now_ns = now_ns};
    const struct mount *m;
    const char *warning;
    struct token copy = *tok;
    int64_t ttl_s;
    int r;

    if (token_is_batch(tok))
        return req_fail(e, "batch tokens cannot be renewed");
    if (!tok->renewable || tok->expires_ns == 0)
        return req_fail(e, "lease is not renewable");
    r = find_mount(v, t, tok, &m, e);
    if (r == 0)
        r = apply_role(t, m, tok, &in, e);
    if (r < 0)
        return r;
    in.mount_default_s = mount_default_ttl_s(v, m);
    in.mount_max_s = mount_max_ttl_s(v, m);
    r = ttl_decide(&in, a, &ttl_s, &warning, e);
    if (r < 0)
        return r;
    if (warning)
        list_push(a, warnings, warning);
    copy.ttl_s = ttl_s;
    copy.renewed_ns = now_ns;
    if (copy.num_uses < 0)
        copy.spent_expires_ns = now_ns + ttl_s * TOKEN_NS_PER_S;
    else
        copy.expires_ns = now_ns + ttl_s * TOKEN_NS_PER_S;
    r = token_put(t, &copy, e);
    if (r == 0)
        *ret = schema_copy(&token_schema, &copy, a);
    return r;
}

int token_renew(struct vault *v, struct txn *t, const struct token *tok, int64_t increment_s,
                int64_t now_ns, struct strlist *warnings, struct arena *a,
                const struct token **ret, struct err *e)
{
    return token_renew_as(v, t, tok, NULL, increment_s, now_ns, warnings, a, ret, e);
}
