/* /v1/acl/policies, /v1/acl/policy/... */
#include <string.h>

#include "nomad/server/acl_priv.h"

/* ---- what the files of /v1/acl share ---------------------------------------------------- */

int acl_reply_400(struct call *c, const char *text)
{
    buf_reset(c->body);
    buf_puts(c->body, text);
    call_reply(c, 400, "text/plain; charset=utf-8");
    return 0;
}

int acl_reply_problems(struct call *c, const char *kind, const struct strlist *problems)
{
    struct problem_list p = {.arena = c->arena};

    for (size_t i = 0; i < problems->len; i++)
        list_push(c->arena, &p.at, problems->at[i]);
    return acl_reply_400(
        c, arena_printf(c->arena, "%s 0 invalid: %s", kind, problem_list_text(c->arena, &p)));
}

/* ---- who sees what ---------------------------------------------------------------------- */

/* The caller's own policies; a management token's are all of them. */
static int own_policies(struct call *c, struct strlist *ret, struct err *e)
{
    *ret = (struct strlist){0};
    if (call_token(c))
        return acl_token_policies(c->txn, call_token(c), ret, e);
    list_push(c->arena, ret, "anonymous");
    return 0;
}

static bool sees_all(const struct call *c)
{
    return rights_is_management(call_rights(c));
}

/* ---- reading ---------------------------------------------------------------------------- */

static void write_policy_stub(struct list *l, struct json_out *w, const struct object *o)
{
    const struct acl_policy *p = o->body;

    (void)l;
    json_obj(w);
    json_kv_str(w, "Name", p->name);
    json_kv_str(w, "Description", p->description);
    json_kv_str(w, "Hash", p->hash);
    json_kv_u64(w, "CreateIndex", o->create_rev);
    json_kv_u64(w, "ModifyIndex", o->mod_rev);
    json_obj_end(w);
}

static void write_policy(struct call *c, struct json_out *w, const struct object *o)
{
    struct acl_policy p = *(const struct acl_policy *)o->body;
    struct acl_rules rules;

    if (acl_rules_parse(str_of(p.rules), c->arena, &rules, NULL) < 0)
        rules = (struct acl_rules){0};
    p.create_index = o->create_rev;
    p.modify_index = o->mod_rev;
    json_obj(w);
    schema_encode_fields(&acl_policy_schema, &p, 0, w);
    json_key(w, "RulesJSON");
    acl_rules_json(&rules, p.rules, w);
    json_obj_end(w);
}

/* All of the table whose names begin with the prefix; `only` NULL: whatever they are. */
static int scan_policies(struct list *l, const struct strlist *only, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    key_init(&k, acl_policy_table.name);
    key_add_open(&k, str_of(l->prefix));
    r = table_scan_begin(l->c->txn, &it, &acl_policy_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        if (!only || strlist_has(only, ((const struct acl_policy *)o->body)->name))
            list_push(l->c->arena, &l->at, o);
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static int policies_list(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&acl_policy_table, &acl_token_table};
    struct strlist own = {0};
    struct list l;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = read_tables(c, tables, ARRAY_LEN(tables), e);
    if (r == 0 && !sees_all(c))
        r = own_policies(c, &own, e);
    if (r == 0)
        r = scan_policies(&l, sees_all(c) ? NULL : &own, e);
    if (r == 0)
        list_reply(&l, LIST_AS_FOUND, write_policy_stub);
    return r;
}

static void write_whole(struct list *l, struct json_out *w, const struct object *o)
{
    write_policy(l->c, w, o);
}

static int policies_own(struct call *c, struct err *e)
{
    struct strlist own = {0};
    struct list l;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = own_policies(c, &own, e);
    if (r == 0)
        r = scan_policies(&l, &own, e);
    if (r == 0) {
        nomad_index(c, table_rev(c->txn, &acl_policy_table));
        list_reply(&l, LIST_AS_FOUND, write_whole);
    }
    return r;
}

static int policy_read(struct call *c, struct err *e)
{
    const char *name = call_id(c, "name");
    const struct object *o = NULL;
    struct strlist own = {0};
    struct key k;
    int r = sees_all(c) ? 0 : own_policies(c, &own, e);

    if (r == 0)
        r = call_need_that(c, sees_all(c) || strlist_has(&own, name), e);
    if (r < 0)
        return r;
    r = acl_policy_get(c->txn, name, &o, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    key_init(&k, acl_policy_table.name);
    key_addz(&k, name);
    r = read_object(c, &acl_policy_table, &k, r < 0 ? NULL : o, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "ACL policy not found");
    write_policy(c, nomad_json(c), o);
    return 0;
}

/* ---- changing --------------------------------------------------------------------------- */

static const char *hash_of_policy(const struct acl_policy *p, struct arena *a)
{
    const struct acl_job *j = p->job_acl;
    const char *parts[7] = {p->name, p->description, p->rules};
    const struct strmap none = {0};

    if (j) {
        parts[3] = j->namespace;
        parts[4] = j->job_id;
        parts[5] = j->group;
        parts[6] = j->task;
    }
    return object_hash(a, parts, ARRAY_LEN(parts), &none);
}

static int policy_write(struct call *c, struct err *e)
{
    const char *name = call_id(c, "name");
    struct object *o = object_new(&acl_policy_schema);
    struct acl_policy p, *stored = o->body;
    struct strlist problems = {0};
    int r = nomad_body(c, &acl_policy_schema, &p, e);

    if (r == 0 && strcmp(name, str_or_empty(p.name)) != 0)
        r = nomad_fail(e, 400, "ACL policy name does not match request path");
    if (r == 0)
        acl_policy_check(&p, c->arena, &problems);
    if (r < 0 || problems.len) {
        object_unref(o);
        return r < 0 ? r : acl_reply_problems(c, "policy", &problems);
    }
    memcpy(stored, schema_copy(&acl_policy_schema, &p, o->arena), sizeof *stored);
    stored->hash = hash_of_policy(stored, o->arena);
    stored->create_index = stored->modify_index = 0;
    r = state_put(c->txn, &acl_policy_table, o, e);
    if (r == 0)
        reply_written(c);
    return r;
}

static int policy_delete(struct call *c, struct err *e)
{
    struct key k;
    int r;

    key_init(&k, acl_policy_table.name);
    key_addz(&k, call_id(c, "name"));
    r = k.over ? 0 : table_del(c->txn, &acl_policy_table, &k, e);
    if (r == 0)
        reply_written(c);
    return r;
}

const struct route acl_policy_routes[] = {
    /* clang-format off */
    {M_GET,    "/v1/acl/policies",     NEED_ACLS | NEED_TOKEN, policies_list, NULL},
    {M_GET,    "/v1/acl/policy/self",  NEED_ACLS | NEED_TOKEN, policies_own,  NULL},
    {M_GET,    "/v1/acl/policy/:name", NEED_ACLS | NEED_CHECK, policy_read,   NULL},
    {M_WRITE,  "/v1/acl/policy/:name", NEED_ACLS,              policy_write,  NULL},
    {M_DELETE, "/v1/acl/policy/:name", NEED_ACLS,              policy_delete, NULL},
    /* clang-format on */
};
const size_t n_acl_policy_routes = ARRAY_LEN(acl_policy_routes);
