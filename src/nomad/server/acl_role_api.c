/* /v1/acl/roles, /v1/acl/role/... */
#include <string.h>

#include "base/random.h"
#include "nomad/server/acl_priv.h"

static void role_key_of(struct key *k, const char *id)
{
    key_init(k, acl_role_table.name);
    key_addz(k, id);
}

static bool is_own(const struct call *c, const struct acl_role *r)
{
    const struct acl_token *tok = call_token(c);

    if (rights_is_management(call_rights(c)))
        return true;
    if (tok)
        list_each (&tok->roles, link)
            if (strcmp(str_or_empty(link->id), r->id) == 0)
                return true;
    return false;
}

/* ---- reading ---------------------------------------------------------------------------- */

static void encode_role(struct json_out *w, const struct acl_role *role, uint64_t created,
                        uint64_t modified)
{
    struct acl_role r = *role;

    r.create_index = created;
    r.modify_index = modified;
    schema_encode(&acl_role_schema, &r, 0, w);
}

static void write_role(struct list *l, struct json_out *w, const struct object *o)
{
    (void)l;
    encode_role(w, o->body, o->create_rev, o->mod_rev);
}

static int roles_list(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&acl_role_table, &acl_token_table};
    const struct object *o;
    struct table_scan it;
    struct list l;
    struct key k;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = read_tables(c, tables, ARRAY_LEN(tables), e);
    if (r != 0)
        return r;
    key_init(&k, acl_role_table.name);
    key_add_open(&k, str_of(l.prefix));
    r = table_scan_begin(c->txn, &it, &acl_role_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        if (is_own(c, o->body))
            list_push(c->arena, &l.at, o);
    table_scan_end(&it);
    if (r < 0)
        return r;
    list_reply(&l, LIST_AS_FOUND, write_role);
    return 0;
}

static int reply_role(struct call *c, const struct object *o, struct err *e)
{
    struct key k;
    int r =
        call_need_that(c, rights_is_management(call_rights(c)) || (o && is_own(c, o->body)), e);

    if (r < 0)
        return r;
    role_key_of(&k, o ? ((const struct acl_role *)o->body)->id : "");
    r = read_object(c, &acl_role_table, &k, o, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "ACL role not found");
    encode_role(nomad_json(c), o->body, o->create_rev, o->mod_rev);
    return 0;
}

static int role_read(struct call *c, struct err *e)
{
    const struct object *o = NULL;
    int r = acl_role_get(c->txn, call_id(c, "id"), &o, e);

    return r < 0 && r != ERR_NOTFOUND ? r : reply_role(c, r < 0 ? NULL : o, e);
}

static int role_read_by_name(struct call *c, struct err *e)
{
    const struct object *o = NULL;
    int r = acl_role_by_name(c->txn, call_id(c, "name"), &o, e);

    return r < 0 && r != ERR_NOTFOUND ? r : reply_role(c, r < 0 ? NULL : o, e);
}

/* ---- changing --------------------------------------------------------------------------- */

struct role_written {
    const struct acl_role *role;
    uint64_t created; /* 0: by this commit */
};

static void reply_role_written(struct call *c, uint64_t rev, void *arg)
{
    const struct role_written *d = arg;

    encode_role(nomad_json(c), d->role, d->created ? d->created : rev, rev);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

/* Each policy once, and only such as there are; by name, in order. */
static int settle_policies(struct call *c, struct acl_role *role, struct err *e)
{
    struct strlist names = {0};
    const struct object *o;

    list_each (&role->policies, link)
        list_push(c->arena, &names, str_or_empty(link->name));
    strlist_sort_unique(&names);
    role->policies.len = 0;
    for (size_t i = 0; i < names.len; i++) {
        struct acl_link link = {NULL, names.at[i]};
        int r = acl_policy_get(c->txn, names.at[i], &o, e);

        if (r == ERR_NOTFOUND)
            return nomad_fail(e, 400, "cannot find policy %.150s", names.at[i]);
        if (r < 0)
            return r;
        list_push(c->arena, &role->policies, link);
    }
    return 0;
}

static int check_role_name(struct call *c, const struct acl_role *role, struct err *e)
{
    const struct object *o;
    int r = acl_role_by_name(c->txn, role->name, &o, e);

    if (r < 0)
        return r == ERR_NOTFOUND ? 0 : r;
    return strcmp(((const struct acl_role *)o->body)->id, role->id) == 0
               ? 0
               : nomad_fail(e, 400, "role with name %s already exists", role->name);
}

static const char *hash_of_role(const struct acl_role *role, struct arena *a)
{
    const struct strmap none = {0};
    const char **parts = arena_array(a, const char *, role->policies.len + 2);
    size_t n = 0;

    parts[n++] = role->name;
    parts[n++] = role->description;
    list_each (&role->policies, link)
        parts[n++] = link->name;
    return object_hash(a, parts, n, &none);
}

static int store_role(struct call *c, const struct acl_role *role, uint64_t created,
                      struct err *e)
{
    struct object *o = object_new(&acl_role_schema);
    struct role_written *d = arena_new_of(c->arena, struct role_written);
    struct acl_role *stored = o->body;
    int r;

    memcpy(stored, schema_copy(&acl_role_schema, role, o->arena), sizeof *stored);
    stored->hash = hash_of_role(stored, o->arena);
    stored->create_index = stored->modify_index = 0;
    *d = (struct role_written){schema_copy(&acl_role_schema, stored, c->arena), created};
    r = state_put(c->txn, &acl_role_table, o, e);
    if (r == 0)
        call_on_commit(c, reply_role_written, d);
    return r;
}

static int role_write(struct call *c, struct err *e)
{
    const char *id = call_id(c, "id");
    const struct object *old = NULL;
    struct strlist problems = {0};
    char made[UUID_SIZE];
    struct acl_role role;
    int r = nomad_body(c, &acl_role_schema, &role, e);

    if (r < 0)
        return r;
    if (*id && *role.id && strcmp(id, role.id) != 0)
        return nomad_fail(e, 400, "ACL role ID does not match request path");
    if (*id)
        role.id = id;
    acl_role_check(&role, c->arena, &problems);
    if (problems.len)
        return acl_reply_problems(c, "role", &problems);
    if (*role.id) {
        r = acl_role_get(c->txn, role.id, &old, e);
        if (r == ERR_NOTFOUND)
            return nomad_fail(e, 400, "cannot find role %.150s", role.id);
    } else {
        random_uuid(made);
        role.id = arena_strdup(c->arena, made);
    }
    if (r == 0)
        r = settle_policies(c, &role, e);
    if (r == 0)
        r = check_role_name(c, &role, e);
    return r < 0 ? r : store_role(c, &role, old ? old->create_rev : 0, e);
}

static int role_delete(struct call *c, struct err *e)
{
    const char *id = call_id(c, "id");
    const struct object *o;
    struct key k;
    int r = acl_role_get(c->txn, id, &o, e);

    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 400, "Cannot delete nonexistent roles: %.150s", id);
    role_key_of(&k, id);
    if (r == 0)
        r = table_del(c->txn, &acl_role_table, &k, e);
    if (r == 0)
        reply_written(c);
    return r;
}

const struct route acl_role_routes[] = {
    /* clang-format off */
    {M_GET,    "/v1/acl/roles",           NEED_ACLS | NEED_TOKEN, roles_list,        NULL},
    {M_WRITE,  "/v1/acl/role",            NEED_ACLS,              role_write,        NULL},
    {M_GET,    "/v1/acl/role/:id",        NEED_ACLS | NEED_CHECK, role_read,         NULL},
    {M_WRITE,  "/v1/acl/role/:id",        NEED_ACLS,              role_write,        NULL},
    {M_DELETE, "/v1/acl/role/:id",        NEED_ACLS,              role_delete,       NULL},
    {M_GET,    "/v1/acl/role/name/:name", NEED_ACLS | NEED_CHECK, role_read_by_name, NULL},
    /* clang-format on */
};
const size_t n_acl_role_routes = ARRAY_LEN(acl_role_routes);
