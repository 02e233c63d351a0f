/* From what a login handler made to a token: an orphan, by the rules of its mount. */
#include <string.h>

#include "vault/core/token_priv.h"

/* The mount decides, or has a default for methods that leave it open. */
static const char *type_of(const struct mount *m, const char *asked)
{
    const char *rule = m->config.token_type ? m->config.token_type : "";

    if (strcmp(rule, "service") == 0 || strcmp(rule, "batch") == 0)
        return rule;
    if (asked && (strcmp(asked, "service") == 0 || strcmp(asked, "batch") == 0))
        return asked;
    if (asked && strcmp(asked, "default-batch") == 0)
        return "batch";
    if (asked && strcmp(asked, "default-service") == 0)
        return "service";
    return strcmp(rule, "default-batch") == 0 ? "batch" : "service";
}

/* "userpass-bob": where the method is mounted, and who. */
static const char *display_name(struct arena *a, const struct mount *m, const char *who)
{
    struct str path = str_trim_chars(str_from(str_of(m->path), strlen("auth/")), "/");
    char *name = arena_cstr(a, path);

    for (char *p = name; *p; p++)
        if (*p == '/')
            *p = '-';
    return who && *who ? arena_printf(a, "%s-%s", name, who) : name;
}

static int check(const struct token *tok, struct err *e)
{
    if (strlist_has(&tok->policies, "root"))
        return req_fail(e, "auth methods cannot create root tokens");
    if (strlist_has(&tok->policies, "response-wrapping") ||
        strlist_has(&tok->policies, "control-group"))
        return req_fail(e, "this policy cannot be given to a login");
    if (token_is_batch(tok) && tok->num_uses)
        return req_fail(e, "batch tokens cannot have \"num_uses\" set");
    if (token_is_batch(tok) && tok->period_s)
        return req_fail(e, "batch tokens cannot have \"period\" set");
    return 0;
}

static int decide_ttl(struct req *r, const struct auth_made *auth, int64_t *ret, struct err *e)
{
    struct ttl_input in = {.backend_ttl_s = auth->ttl_s,
                           .backend_max_s = auth->max_ttl_s,
                           .period_s = auth->period_s,
                           .explicit_max_s = auth->explicit_max_ttl_s,
                           .mount_default_s = mount_default_ttl_s(r->vault, r->mount),
                           .mount_max_s = mount_max_ttl_s(r->vault, r->mount),
                           .start_ns = r->now_ns,
                           .now_ns = r->now_ns};
    const char *warning;
    int ret_code = ttl_decide(&in, r->a, ret, &warning, e);

    if (ret_code == 0 && warning)
        req_warn(r, "%s", warning);
    return ret_code;
}

int token_from_auth(struct req *r, const struct auth_made *auth, struct err *e)
{
    struct token_new n = {0};
    const struct token *tok;
    struct str id;
    int ret;

    n.tok.type = type_of(r->mount, auth->token_type);
    n.tok.policies = auth->policies;
    policy_names_canonical(r->a, &n.tok.policies, !auth->no_default_policy);
    n.tok.meta = auth->metadata;
    n.tok.has_meta = auth->metadata.len > 0;
    n.tok.path = arena_cstr(r->a, r->full_path);
    n.tok.display_name = display_name(r->a, r->mount, auth->display_name);
    n.tok.period_s = auth->period_s;
    n.tok.explicit_max_ttl_s = auth->explicit_max_ttl_s;
    n.tok.num_uses = auth->num_uses;
    n.tok.bound_cidrs = auth->bound_cidrs;
    n.tok.mount_accessor = r->mount->accessor;
    n.tok.internal = json_copy(r->a, auth->internal);
    n.tok.has_lease = true;
    n.tok.renewable = auth->renewable && !token_is_batch(&n.tok);
    ret = check(&n.tok, e);
    if (ret == 0)
        ret = decide_ttl(r, auth, &n.ttl_s, e);
    if (ret == 0)
        ret = token_create(r->vault, r->txn, r->a, r->now_ns, &n, &id, &tok, e);
    if (ret < 0)
        return ret;
    r->auth_reply = token_auth_json(r->a, tok, id, r->now_ns);
    return 0;
}
