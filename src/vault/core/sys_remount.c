/* sys/remount: the same mount (uuid, accessor, data) below another path. */
#include <string.h>

#include "base/random.h"
#include "vault/core/core_priv.h"

struct remount {
    const char *id, *source, *target, *status;
};

static const struct schema_field remount_fields[] = {
    {"id", NULL, F_STR, offsetof(struct remount, id)},
    {"source", NULL, F_STR, offsetof(struct remount, source)},
    {"target", NULL, F_STR, offsetof(struct remount, target)},
    {"status", NULL, F_STR, offsetof(struct remount, status)},
};
static SCHEMA(remount_schema, "remount", struct remount, remount_fields);

static void remount_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct remount *)body)->id);
}

const struct table remount_table = {
    .name = "remount", .schema = &remount_schema, .key = remount_key, .sealed = true};

static struct req *req_of(struct call *c)
{
    return c->state;
}

struct remount_body {
    const char *from, *to;
};

static const struct schema_field body_fields[] = {
    {"from", NULL, F_STR, offsetof(struct remount_body, from)},
    {"to", NULL, F_STR, offsetof(struct remount_body, to)},
};
static SCHEMA(body_schema, "remount", struct remount_body, body_fields);

static bool is_fixed(const char *path)
{
    static const char *const fixed[] = {"sys/", "cubbyhole/", "identity/", "audit/",
                                        "auth/token/"};

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (str_starts(str_of(path), str_of(fixed[i])))
            return true;
    return false;
}

static bool ends_blank(const char *s)
{
    return !str_eq(str_trim(str_of(s)), str_of(s));
}

static int check_paths(struct req *r, const struct remount_body *b, const char **ret_from,
                       const char **ret_to, struct err *e)
{
    bool from_auth, to_auth;

    if (!b->from || !*b->from || !b->to || !*b->to)
        return req_fail(e, "both 'from' and 'to' path must be specified as a string");
    if (ends_blank(b->from))
        return req_fail(e, "'from' path cannot contain trailing whitespace");
    if (ends_blank(b->to))
        return req_fail(e, "'to' path cannot contain trailing whitespace");
    *ret_from = mount_path_of(r->a, "", str_of(b->from));
    *ret_to = mount_path_of(r->a, "", str_of(b->to));
    if (is_fixed(*ret_from))
        return req_fail(e, "cannot remount \"%s\"", *ret_from);
    from_auth = str_starts(str_of(*ret_from), STR("auth/"));
    to_auth = str_starts(str_of(*ret_to), STR("auth/"));
    if (is_fixed(*ret_to) || from_auth != to_auth)
        return req_fail(e, "cannot remount to destination %s", *ret_to);
    return 0;
}

static int store_status(struct req *r, const char *id, const char *from, const char *to,
                        struct err *e)
{
    auto_object struct object *o = object_new(&remount_schema);
    struct remount *m = o->body;

    m->id = arena_strdup(o->arena, id);
    m->source = arena_strdup(o->arena, from);
    m->target = arena_strdup(o->arena, to);
    m->status = "success"; /* moving is one transaction with this record */
    return table_put(r->txn, &remount_table, o, e);
}

static int move(struct req *r, const struct mount *old, const char *to, struct err *e)
{
    struct mount *m = schema_copy(&mount_schema, old, r->a);
    int ret = lease_revoke_prefix(r->vault, r->txn, str_of(old->path), true, r->now_ns, e);

    if (ret == 0)
        ret = mount_del(r->txn, old, e);
    if (ret < 0)
        return ret;
    m->path = to;
    return mount_put(r->txn, m, e);
}

static int remount(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct mount *const *all;
    const struct mount *old;
    struct remount_body b;
    const char *from = "", *to = "", *other;
    char id[UUID_SIZE];
    size_t n;
    int ret = req_decode(r, &body_schema, &b, e);

    if (ret == 0)
        ret = check_paths(r, &b, &from, &to, e);
    if (ret == 0)
        ret = mount_list(r->vault, r->txn, &all, &n, e);
    if (ret < 0)
        return ret;
    ret = mount_by_path(r->vault, r->txn, str_of(from), &old, e);
    if (ret == ERR_NOTFOUND)
        return req_fail(e, "no matching mount at \"%s\"", from);
    if (ret == 0 && mount_path_taken(all, n, to, &other))
        return req_fail(e, "path already in use at \"%s\"", other);
    random_uuid(id);
    if (ret == 0)
        ret = move(r, old, to, e);
    if (ret == 0)
        ret = store_status(r, id, from, to, e);
    if (ret < 0)
        return ret;
    req_warn(r, "Mount move has been queued. Progress will be reported in Vault's server log, "
                "tagged with the returned migration_id");
    json_kv_str(req_data(r), "migration_id", id);
    log_info("core", "mount moved from=%s to=%s migration_id=%s", from, to, id);
    lease_loop_wake(r->vault);
    return 0;
}

static int remount_status(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct object *o;
    const struct remount *m;
    struct json_out *w;
    struct key k;
    int ret;

    key_init(&k, remount_table.name);
    key_add(&k, req_param(r, "id"));
    ret = table_get(r->txn, &remount_table, &k, &o, e);
    if (ret == ERR_NOTFOUND)
        return err_set(e, ERR_NOTFOUND, "%s", "");
    if (ret < 0)
        return ret;
    m = o->body;
    w = req_data(r);
    json_kv_str(w, "migration_id", m->id);
    json_key(w, "migration_info");
    json_obj(w);
    json_kv_str(w, "source_mount", m->source);
    json_kv_str(w, "target_mount", m->target);
    json_kv_str(w, "status", m->status);
    json_obj_end(w);
    return 0;
}

const struct route sys_remount_routes[] = {
    /* clang-format off */
    {M_WRITE, "remount",            ROUTE_SUDO | ROUTE_TOPLEVEL, remount},
    {M_GET,   "remount/status/:id", 0,                           remount_status},
    /* clang-format on */
};
const size_t n_sys_remount_routes = ARRAY_LEN(sys_remount_routes);
