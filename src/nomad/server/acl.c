/* Who asks, what a route takes, and the questions that handlers ask about what they found. */
#include "nomad/server/acl.h"

#include <ctype.h>
#include <string.h>

#include "nomad/server/list.h"
#include "nomad/server/scale.h"

/* What a call knows of its caller: c->state. */
struct caller {
    const struct rights *rights;
    const struct acl_token *token; /* NULL: anonymous */
    bool owes;                     /* a question about the object is still to be asked */
};

static struct caller *caller_of(const struct call *c)
{
    return c->state;
}

const struct rights *call_rights(const struct call *c)
{
    return caller_of(c) ? caller_of(c)->rights : NULL;
}

const struct acl_token *call_token(const struct call *c)
{
    return caller_of(c) ? caller_of(c)->token : NULL;
}

int acl_denied(struct err *e)
{
    return nomad_fail(e, 403, "Permission denied");
}

/* ---- who? ------------------------------------------------------------------------------- */

/* The header of its own, else "Authorization: Bearer ..." in any case. */
static struct str token_of(const struct call *c)
{
    struct str own = str_trim(call_header(c, "X-Nomad-Token"));
    struct str rest = str_trim(call_header(c, "Authorization")), scheme;

    if (own.len || !str_split(&rest, ' ', &scheme) || !str_eq_nocase(scheme, STR("bearer")))
        return own;
    return str_trim(rest);
}

static bool has_secret_shape(struct str s)
{
    if (s.len != ACL_SECRET_CHARS)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] != '-' && !isxdigit((unsigned char)s.p[i]))
            return false;
    return true;
}

static int identify(struct call *c, struct caller *who, struct err *e)
{
    struct strlist policies = {0};
    struct str secret = token_of(c);
    const struct object *o;
    int r = 0;

    if (secret.len == 0) {
        list_push(c->arena, &policies, "anonymous");
        return acl_rights_of(c, &policies, &who->rights, e);
    }
    if (!has_secret_shape(secret))
        return acl_denied(e);
    r = acl_token_by_secret(server_of(c), c->txn, secret, &o, e);
    if (r == ERR_NOTFOUND)
        return acl_denied(e);
    if (r < 0)
        return r;
    who->token = o->body;
    if (acl_token_expired(who->token, c->now_ns))
        return nomad_fail(e, 403, "ACL token expired");
    if (strcmp(who->token->type, ACL_TOKEN_MANAGEMENT) == 0) {
        who->rights = rights_everything();
        return 0;
    }
    r = acl_token_policies(c->txn, who->token, &policies, e);
    return r < 0 ? r : acl_rights_of(c, &policies, &who->rights, e);
}

/* ---- what the route takes --------------------------------------------------------------- */

static unsigned first_of(unsigned flags)
{
    return flags >> 12 & 63;
}

static unsigned second_of(unsigned flags)
{
    return flags >> 18 & 63;
}

static bool may_one(const struct rights *r, const char *ns, unsigned cap, unsigned other)
{
    return rights_namespace(r, ns, (enum acl_cap)cap) ||
           (other && rights_namespace(r, ns, (enum acl_cap)other));
}

int acl_gate(struct call *c, unsigned flags, struct err *e)
{
    struct caller *who = caller_of(c);
    bool yes = false;

    who->owes = false;
    if (rights_is_management(who->rights))
        return 0;
    switch ((enum need_kind)(flags >> 8 & 15)) {
    case NEED_KIND_MANAGEMENT:
        break;
    case NEED_KIND_TOKEN:
        yes = true;
        break;
    case NEED_KIND_NS:
        yes = may_one(who->rights, call_namespace(c), first_of(flags), second_of(flags));
        break;
    case NEED_KIND_OBJECT:
        yes = may_one(who->rights, "*", first_of(flags), 0);
        who->owes = true;
        break;
    case NEED_KIND_CHECK:
        yes = who->token || !rights_none(who->rights);
        who->owes = true;
        break;
    case NEED_KIND_AREA:
        yes = rights_area(who->rights, (enum acl_area)first_of(flags),
                          (enum acl_level)second_of(flags));
        break;
    case NEED_KIND_VARS:
        yes = rights_any_variable(who->rights, call_namespace(c), VAR_LIST);
        break;
    }
    return yes ? 0 : acl_denied(e);
}

int acl_begin(struct call *c, unsigned flags, struct err *e)
{
    struct caller *who = arena_new_of(c->arena, struct caller);
    bool enabled = server_of(c)->opts.acl.enabled;
    int r = 0;

    c->state = who;
    if (!enabled && (flags & NEED_ACLS))
        return nomad_fail(e, 400, "ACL support disabled");
    if (!enabled)
        who->rights = rights_everything();
    else if (flags & ROUTE_ANON)
        who->rights = rights_new(NULL, 0, c->arena);
    else
        r = identify(c, who, e);
    c->authenticated = r == 0 && !rights_none(who->rights);
    return r < 0 || (flags & ROUTE_ANON) ? r : acl_gate(c, flags, e);
}

void acl_trust(struct call *c)
{
    struct caller *who = arena_new_of(c->arena, struct caller);

    who->rights = rights_everything();
    c->state = who;
    c->authenticated = true;
}

int acl_end(struct call *c, int r, struct err *e)
{
    const struct caller *who = caller_of(c);
    bool says_no = c->status >= 400 && c->status != 409;

    return r == 0 && who->owes && !says_no ? acl_denied(e) : r;
}

/* ---- what handlers ask ------------------------------------------------------------------ */

int call_need_that(struct call *c, bool yes, struct err *e)
{
    caller_of(c)->owes = false;
    return yes ? 0 : acl_denied(e);
}

int call_need_one(struct call *c, const char *ns, enum acl_cap cap, enum acl_cap other,
                  struct err *e)
{
    return call_need_that(c, may_one(call_rights(c), str_or_empty(ns), cap, other), e);
}

int call_need(struct call *c, const char *ns, enum acl_cap cap, struct err *e)
{
    return call_need_that(c, may_one(call_rights(c), str_or_empty(ns), cap, 0), e);
}

int call_need_area(struct call *c, enum acl_area area, enum acl_level level, struct err *e)
{
    return call_need_that(c, rights_area(call_rights(c), area, level), e);
}

int call_need_variable(struct call *c, const char *ns, const char *path, enum acl_var_cap cap,
                       struct err *e)
{
    return call_need_that(c, rights_variable(call_rights(c), ns, path, cap), e);
}

int call_need_node_pool(struct call *c, const char *pool, enum acl_pool_cap cap, struct err *e)
{
    return call_need_that(c, rights_node_pool(call_rights(c), pool, cap), e);
}

/* ---- lists ------------------------------------------------------------------------------ */

bool call_sees(const struct call *c, const struct object *o)
{
    const struct rights *r = call_rights(c);

    if (!r || rights_is_management(r))
        return r != NULL;
    if (o->schema == &job_schema)
        return may_one(r, ((const struct job *)o->body)->namespace, CAP_LIST_JOBS,
                       CAP_READ_JOB);
    if (o->schema == &alloc_schema)
        return rights_namespace(r, ((const struct alloc *)o->body)->namespace, CAP_READ_JOB);
    if (o->schema == &eval_schema)
        return rights_namespace(r, ((const struct eval *)o->body)->namespace, CAP_READ_JOB);
    if (o->schema == &deployment_schema)
        return rights_namespace(r, ((const struct deployment *)o->body)->namespace,
                                CAP_READ_JOB);
    if (o->schema == &variable_schema) {
        const struct variable *v = o->body;

        return rights_variable(r, v->namespace, v->path, VAR_LIST);
    }
    if (o->schema == &namespace_schema)
        return rights_any_in_namespace(r, ((const struct namespace_body *)o->body)->name);
    if (o->schema == &node_pool_schema)
        return rights_node_pool(r, ((const struct node_pool *)o->body)->name, POOL_READ);
    if (o->schema == &scaling_policy_schema)
        return may_one(r, scaling_target(o->body, "Namespace"), CAP_LIST_SCALING_POLICIES,
                       CAP_LIST_JOBS);
    if (o->schema == &node_schema)
        return rights_area(r, AREA_NODE, LEVEL_READ);
    return false;
}
