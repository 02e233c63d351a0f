/* auth/token/create, create-orphan, create/ROLE. */
#include <stdio.h>
#include <string.h>

#include "lang/units.h"
#include "vault/core/token_priv.h"

struct create_body {
    const char *id, *ttl, *lease, *explicit_max_ttl, *period, *display_name, *type;
    const char *entity_alias, *role;
    struct strlist policies;
    struct strmap meta;
    bool no_parent, no_default_policy, renewable;
    int64_t num_uses;
};

#define TEXT(name)                                                          \
    {                                                                       \
#name, NULL, F_STR, offsetof(struct create_body, name), .max = 4096 \
    }

static const struct schema_field create_fields[] = {
    TEXT(id),
    TEXT(ttl),
    TEXT(lease),
    TEXT(explicit_max_ttl),
    TEXT(period),
    {"display_name", NULL, F_STR, offsetof(struct create_body, display_name),
     .max = TOKEN_DISPLAY_MAX},
    TEXT(type),
    TEXT(entity_alias),
    TEXT(role),
    {"policies", NULL, F_STRLIST, offsetof(struct create_body, policies)},
    {"meta", NULL, F_STRMAP, offsetof(struct create_body, meta)},
    {"no_parent", NULL, F_BOOL, offsetof(struct create_body, no_parent)},
    {"no_default_policy", NULL, F_BOOL, offsetof(struct create_body, no_default_policy)},
    {"renewable", NULL, F_BOOL, offsetof(struct create_body, renewable)},
    {"num_uses", NULL, F_INT, offsetof(struct create_body, num_uses)},
};
static SCHEMA(create_schema, "token", struct create_body, create_fields);

struct create {
    struct req *r;
    struct create_body b;
    const struct token *parent;
    const struct token_role *role; /* NULL: none */
    bool sudo;
    struct token_new n;
    int64_t ttl_s, explicit_max_s, period_s; /* as asked */
};

/* ---- what is asked ---------------------------------------------------------------------- */

static int read_duration(const char *text, const char *name, int64_t *ret, struct err *e)
{
    struct err why = ERR_INIT;

    if (!text || !*text)
        return 0;
    if (ttl_parse(str_of(text), ret, &why) < 0)
        return req_fail(e, "%s", why.msg);
    return *ret < 0 ? req_fail(e, "%s must be positive", name) : 0;
}

static int read_durations(struct create *c, struct err *e)
{
    const char *ttl = c->b.ttl && *c->b.ttl ? c->b.ttl : c->b.lease;
    int r = read_duration(c->b.explicit_max_ttl, "explicit_max_ttl", &c->explicit_max_s, e);

    if (r == 0)
        r = read_duration(c->b.period, "period", &c->period_s, e);
    if (r == 0)
        r = read_duration(ttl, "ttl", &c->ttl_s, e);
    if (r == 0 && c->period_s > 0 && !c->sudo)
        return req_fail(e, "root or sudo privileges required to create periodic token");
    return r;
}

/* A role may leave the type open, or not. */
static int decide_type(struct create *c, struct err *e)
{
    const char *asked = c->b.type ? c->b.type : "";
    const char *rule = c->role ? c->role->token_type : "default-service";

    if (*asked && strcmp(asked, "service") != 0 && strcmp(asked, "batch") != 0)
        return req_fail(e, "invalid 'token_type' value");
    if (strcmp(rule, "service") == 0 || strcmp(rule, "batch") == 0)
        c->n.tok.type = rule;
    else if (*asked)
        c->n.tok.type = arena_strdup(c->r->a, asked);
    else
        c->n.tok.type = strcmp(rule, "default-batch") == 0 ? "batch" : "service";
    return 0;
}

static int check_id(struct create *c, struct err *e)
{
    struct str id = str_of(c->b.id);

    if (id.len == 0)
        return 0;
    if (!c->sudo)
        return req_fail(e, "root or sudo privileges required to specify token id");
    if (str_starts(id, STR("hvs.")))
        return req_fail(e, "custom token ID cannot have the 'hvs.' prefix");
    if (str_starts(id, STR("s.")))
        return req_fail(e, "custom token ID cannot have the 's.' prefix");
    if (str_chr(id, '.') >= 0)
        return req_fail(e, "custom token ID cannot have a '.' in the value");
    c->n.id = c->b.id;
    req_warn(c->r,
             "Supplying a custom ID for the token uses the weaker SHA1 hashing instead of the "
             "more secure SHA2-256 HMAC for token obfuscation. SHA1 hashed tokens on the wire "
             "leads to less secure lookups.");
    return 0;
}

/* Anything but letters, digits and '-' becomes '-', one at the end is cut. */
static const char *clean_name(struct arena *a, const char *name)
{
    struct str s = str_of(name);
    auto_buf struct buf b = BUF_INIT(TOKEN_DISPLAY_MAX + 16);
    size_t n;

    if (s.len == 0)
        return "token";
    buf_puts(&b, "token-");
    for (size_t i = 0; i < s.len; i += n) {
        char ch = s.p[i];
        bool plain = (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') ||
                     (ch >= 'A' && ch <= 'Z') || ch == '-';

        n = str_utf8_at(s, i);
        n = n ? n : 1;
        buf_putc(&b, plain ? ch : '-');
    }
    if (str_ends(buf_str(&b), STR("-")))
        b.len--;
    return arena_cstr(a, buf_str(&b));
}

static int check_meta(struct create *c, struct err *e)
{
    size_t bytes = 0;

    if (c->b.meta.len > TOKEN_META_MAX)
        return req_fail(e, "a token may have at most %d pairs of metadata", TOKEN_META_MAX);
    for (size_t i = 0; i < c->b.meta.len; i++)
        bytes += strlen(c->b.meta.at[i].key) + strlen(c->b.meta.at[i].val);
    if (bytes > TOKEN_META_BYTES_MAX)
        return req_fail(e, "a token may have at most %d bytes of metadata",
                        TOKEN_META_BYTES_MAX);
    c->n.tok.meta = c->b.meta;
    c->n.tok.has_meta = req_has(c->r, "meta");
    return 0;
}

static int check_entity_alias(struct create *c, struct err *e)
{
    const char *alias = c->b.entity_alias;

    if (!alias || !*alias)
        return 0;
    if (!c->role)
        return req_fail(e, "'entity_alias' is only allowed in combination with token role");
    if (!token_glob_any(&c->role->allowed_entity_aliases,
                        policy_name_canonical(c->r->a, str_of(alias))))
        return req_fail(e, "invalid 'entity_alias' value");
    return 0;
}

/* ---- what comes of it ------------------------------------------------------------------- */

static int decide_uses(struct create *c, struct err *e)
{
    if (c->b.num_uses < 0)
        return req_fail(e, "number of uses cannot be negative");
    c->n.tok.num_uses = token_lesser(c->b.num_uses, c->role ? c->role->token_num_uses : 0);
    return 0;
}

static int decide_policies(struct create *c, struct err *e)
{
    struct token_policy_ask q = {.asked = c->b.policies,
                                 .no_default = c->b.no_default_policy,
                                 .sudo = c->sudo,
                                 .parent = &c->parent->policies,
                                 .role = c->role};
    int r = token_policies_decide(c->r->a, &q, &c->n.tok.policies, e);

    for (size_t i = 0; r == 0 && i < c->n.tok.policies.len; i++)
        if (!policy_exists(c->r->txn, c->n.tok.policies.at[i]))
            req_warn(c->r, "Policy \"%s\" does not exist", c->n.tok.policies.at[i]);
    return r;
}

/* Orphans hang on nobody; others take networks and entity from their parent. */
static int decide_parent(struct create *c, bool orphan_path, struct err *e)
{
    struct token *tok = &c->n.tok;
    bool orphan = orphan_path || (c->role && c->role->orphan);

    if (!c->role && c->b.no_parent) {
        if (!c->sudo)
            return req_fail(e, "root or sudo privileges required to create orphan token");
        orphan = true;
    }
    tok->parent_hash = orphan ? "" : c->parent->hash;
    tok->entity_id = orphan ? "" : c->parent->entity_id;
    tok->bound_cidrs = c->role ? c->role->token_bound_cidrs : c->parent->bound_cidrs;
    return 0;
}

static int check_batch(struct create *c, struct err *e)
{
    const struct token_role *role = c->role;

    if (!token_is_batch(&c->n.tok))
        return 0;
    if (c->explicit_max_s || (role && role->token_explicit_max_ttl_s))
        return req_fail(e, "batch tokens cannot have \"explicit_max_ttl\" set");
    if (c->n.tok.num_uses)
        return req_fail(e, "batch tokens cannot have \"num_uses\" set");
    if (c->period_s || (role && role->token_period_s))
        return req_fail(e, "batch tokens cannot have \"period\" set");
    if (strlist_has(&c->n.tok.policies, "root"))
        return req_fail(e, "batch tokens cannot be root tokens");
    return 0;
}

/* Of request and role the lesser. */
static int64_t lesser_of(struct create *c, int64_t asked, int64_t rule, const char *what)
{
    int64_t both = token_lesser(asked, rule);

    if (asked > 0 && rule > 0)
        req_warn(c->r,
                 "%s specified both during creation call and in role; using the lesser value "
                 "of %lld seconds",
                 what, (long long)both);
    return both;
}

static int compute_ttl(struct create *c, int64_t explicit_max_s, int64_t period_s,
                       struct err *e)
{
    struct ttl_input in = {.backend_ttl_s = c->ttl_s,
                           .period_s = period_s,
                           .explicit_max_s = explicit_max_s,
                           .mount_default_s = mount_default_ttl_s(c->r->vault, c->r->mount),
                           .mount_max_s = mount_max_ttl_s(c->r->vault, c->r->mount),
                           .start_ns = c->r->now_ns,
                           .now_ns = c->r->now_ns};
    const char *warning;
    int r = ttl_decide(&in, c->r->a, &c->n.ttl_s, &warning, e);

    if (r == 0 && warning)
        req_warn(c->r, "%s", warning);
    return r;
}

/* A root token lives for ever unless it is told otherwise, or its parent does not. */
static int decide_ttl(struct create *c, struct err *e)
{
    bool root = strlist_has(&c->n.tok.policies, "root");
    int64_t explicit_max_s =
        lesser_of(c, c->explicit_max_s, c->role ? c->role->token_explicit_max_ttl_s : 0,
                  "Explicit max TTL");
    int64_t period_s =
        lesser_of(c, c->period_s, c->role ? c->role->token_period_s : 0, "Period");
    int r = 0;

    c->n.tok.explicit_max_ttl_s = c->explicit_max_s;
    c->n.tok.period_s = c->period_s;
    c->n.tok.renewable =
        c->b.renewable && (!c->role || c->role->renewable) && !token_is_batch(&c->n.tok);
    if (period_s > 0 || c->ttl_s > 0 || !root)
        r = compute_ttl(c, explicit_max_s, period_s, e);
    else if (explicit_max_s > 0)
        c->n.ttl_s = token_lesser(explicit_max_s, mount_max_ttl_s(c->r->vault, c->r->mount));
    if (r < 0 || c->n.ttl_s > 0)
        return r;
    if (c->parent->expires_ns != 0)
        return req_fail(e, "expiring root tokens cannot create non-expiring root tokens");
    c->n.tok.renewable = false;
    c->n.tok.bound_cidrs = (struct strlist){0};
    return 0;
}

static void decide_path(struct create *c)
{
    struct arena *a = c->r->a;
    const char *suffix = c->role ? c->role->path_suffix : "";

    if (!c->role)
        c->n.tok.path = arena_cstr(a, c->r->full_path);
    else
        c->n.tok.path = arena_printf(a, "%screate/%s%s%s", c->r->mount->path, c->role->name,
                                     *suffix ? "/" : "", suffix);
    c->n.tok.role = c->role ? c->role->name : "";
}

/* ---- the whole -------------------------------------------------------------------------- */

static int check_parent(const struct token *parent, struct err *e)
{
    if (token_is_batch(parent))
        return req_fail(e, "batch tokens cannot create more tokens");
    if (parent->num_uses != 0)
        return req_fail(e, "restricted use token cannot generate child tokens");
    return 0;
}

static int find_role(struct create *c, struct err *e)
{
    struct str name = req_param(c->r, "role");
    int r;

    if (name.len == 0)
        return 0;
    r = token_role_get(c->r->txn, c->r->mount->uuid, name, &c->role, e);
    return r == ERR_NOTFOUND ? req_fail(e, "unknown role %.*s", STR_ARG(name)) : r;
}

static int decide(struct create *c, bool orphan_path, struct err *e)
{
    int r = decide_type(c, e);

    if (r == 0)
        r = decide_uses(c, e);
    if (r == 0)
        r = check_entity_alias(c, e);
    if (r == 0)
        r = check_id(c, e);
    if (r == 0)
        r = check_meta(c, e);
    if (r == 0)
        r = decide_policies(c, e);
    if (r == 0)
        r = decide_parent(c, orphan_path, e);
    if (r == 0)
        r = read_durations(c, e);
    if (r == 0)
        r = check_batch(c, e);
    if (r == 0)
        r = decide_ttl(c, e);
    return r;
}

int token_create_route(struct call *call, struct err *e)
{
    struct req *req = call->state;
    struct create c = {.r = req, .parent = req->token};
    const struct token *tok;
    struct str id;
    int r = check_parent(req->token, e);

    if (r == 0)
        r = req_decode(req, &create_schema, &c.b, e);
    if (r == 0)
        r = find_role(&c, e);
    if (r < 0)
        return r;
    if (!req_has(req, "renewable"))
        c.b.renewable = true;
    c.sudo = acl_has_sudo(req->acl, req->full_path);
    c.n.tok.has_lease = true;
    r = decide(&c, str_eqc(req->path, "create-orphan"), e);
    if (r < 0)
        return r;
    c.n.tok.display_name = clean_name(req->a, c.b.display_name);
    decide_path(&c);
    r = token_create(req->vault, req->txn, req->a, req->now_ns, &c.n, &id, &tok, e);
    if (r == 0)
        req->auth_reply = token_auth_json(req->a, tok, id, req->now_ns);
    return r;
}
