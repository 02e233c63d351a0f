/* Disabling a mount that a stop has interrupted goes on with the next unsealing. */
#include <stdatomic.h>
#include <sys/stat.h>

#include "../vault_t.h"
#include "vault/core/core_priv.h"

/* ---- an engine with records and leases -----------------------------------------------------
 */

struct thing {
    const char *mount_uuid, *name;
};

static const struct schema_field thing_fields[] = {
    {"mount_uuid", NULL, F_STR, offsetof(struct thing, mount_uuid)},
    {"name", NULL, F_STR, offsetof(struct thing, name)},
};
static SCHEMA(thing_schema, "thing", struct thing, thing_fields);

static void thing_key(const void *body, struct key *k)
{
    const struct thing *x = body;

    key_addz(k, x->mount_uuid);
    key_addz(k, x->name);
}

static const struct table thing_table = {
    .name = "thing", .schema = &thing_schema, .key = thing_key, .sealed = true};

static atomic_int undone;
static atomic_bool backend_is_down;

static int put_thing(struct txn *t, const char *mount_uuid, const char *name, struct err *e)
{
    auto_object struct object *o = object_new(&thing_schema);

    *(struct thing *)o->body =
        (struct thing){arena_strdup(o->arena, mount_uuid), arena_strdup(o->arena, name)};
    return table_put(t, &thing_table, o, e);
}

static int make(struct call *c, struct err *e)
{
    struct req *r = c->state;
    struct secret_made *s = arena_new_of(r->a, struct secret_made);

    s->ttl_s = 3600;
    json_kv_str(req_data(r), "password", "x");
    r->secret = s;
    return put_thing(r->txn, r->mount->uuid, "one", e);
}

static int undo(struct lease_env *env, struct err *e)
{
    (void)env;
    if (atomic_load(&backend_is_down))
        return err_set(e, ERR_UNAVAIL, "the backend is down");
    atomic_fetch_add(&undone, 1);
    return 0;
}

static const struct route routes[] = {{M_WRITE, "make/:name", 0, make, NULL}};
static const struct table *const tables[] = {&thing_table, NULL};
static const struct engine things = {.type = "things",
                                     .kind = ENGINE_SECRET,
                                     .routes = routes,
                                     .n_routes = ARRAY_LEN(routes),
                                     .tables = tables,
                                     .revoke = undo};
static const struct engine *const engines[] = {&things};

/* ---- helpers ------------------------------------------------------------------------------
 */

static size_t count(struct vault_t *v, const struct table *table)
{
    struct err e = ERR_INIT;
    struct record rec;
    struct scan it;
    struct txn *t;
    struct key k;
    size_t n = 0;

    T_OK(txn_begin(v->store, TXN_READ_ONLY, &t, &e), &e);
    key_init(&k, table->name);
    T_OK(scan_begin(t, &it, key_str(&k), SCAN_KEYS_ONLY, &e), &e);
    while (scan_next(&it, &rec, &e) > 0)
        n++;
    scan_end(&it);
    txn_drop(t);
    return n;
}

struct interrupted {
    struct vault *vault;
    size_t things;
    bool leases_gone;
};

static int taint(struct txn *t, void *arg, struct err *e)
{
    struct interrupted *at = arg;
    const struct mount *m;
    struct mount gone;
    struct key k;
    int r = mount_by_path(at->vault, t, STR("x/"), &m, e);

    if (r < 0)
        return r;
    gone = *m;
    gone.tainted = true;
    for (size_t i = 0; i < at->things && r == 0; i++)
        r = put_thing(t, m->uuid, arena_printf(txn_arena(t), "t%zu", i), e);
    if (r == 0 && at->leases_gone) {
        const struct object *o;
        struct table_scan it;
        const struct lease *l;

        key_init(&k, lease_table.name);
        r = table_scan_begin(t, &it, &lease_table, &k, 0, e);
        if (r < 0)
            return r;
        while ((r = table_scan_next(&it, &o, e)) > 0) {
            struct key lk;

            l = o->body;
            key_init(&lk, lease_table.name);
            key_addz(&lk, l->id);
            r = table_del(t, &lease_table, &lk, e);
            if (r < 0)
                break;
        }
        table_scan_end(&it);
    }
    return r < 0 ? r : mount_put(t, &gone, e);
}

/* The mounts' rows, tainted ones too. */
static bool has_row(struct vault_t *v)
{
    return count(v, &mount_table) > 4; /* sys, identity, cubbyhole, auth/token */
}

/* Up to where a stop may have come, in a store of its own; then the next start. */
static void interrupt(struct vault_t *v, const char *dir, const struct interrupted *row)
{
    struct interrupted at = *row;
    struct err e = ERR_INIT;

    atomic_store(&undone, 0);
    atomic_store(&backend_is_down, false);
    vault_t_start_in(v, dir, engines, ARRAY_LEN(engines));
    vault_expect(v, 204, "POST", "/v1/sys/mounts/x", "{\"type\":\"things\"}");
    vault_expect(v, 200, "PUT", "/v1/x/make/a", "{}");
    at.vault = v->vault;
    T_OK(store_run(v->store, taint, &at, 0, NULL, &e), &e);
    vault_t_stop(v);
    vault_t_start_in(v, dir, engines, ARRAY_LEN(engines));
    vault_expect(v, 404, "PUT", "/v1/x/make/a", "{}");
    T_TRUE(has_row(v));
}

static const char *new_dir(struct vault_t *v, const char *name)
{
    const char *dir = arena_printf(v->arena, "%s/%s", t_tmpdir(), name);

    T_INT_EQ(mkdir(dir, 0700), 0);
    return dir;
}

/* ---- tests --------------------------------------------------------------------------------
 */

TEST(an_interrupted_disabling_goes_on_wherever_it_stopped)
{
    static const struct {
        const char *label;
        struct interrupted at;
        int undone;
    } rows[] = {
        {"before the leases", {.things = 0}, 1},
        {"before the records", {.things = 5000, .leases_gone = true}, 0},
        {"before the row", {.leases_gone = true}, 0},
    };
    auto_arena struct arena *a = arena_new(0);
    struct vault_t v = {.arena = a};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        v.arena = a;
        interrupt(&v, new_dir(&v, arena_printf(a, "stop%zu", i)), &rows[i].at);
        mount_resume_disables(v.vault);
        T_UNTIL(!has_row(&v));
        T_INT_EQ(count(&v, &thing_table), 0);
        T_INT_EQ(count(&v, &lease_table), 0);
        T_INT_EQ(atomic_load(&undone), rows[i].undone);
        /* the path is free again, and nothing of the old mount is seen there */
        vault_expect(&v, 204, "POST", "/v1/sys/mounts/x", "{\"type\":\"things\"}");
        vault_t_stop(&v);
    }
    T_ROW("");
}

TEST(an_interrupted_disabling_that_cannot_end_gives_the_mount_back)
{
    auto_arena struct arena *a = arena_new(0);
    struct vault_t v = {.arena = a};
    struct interrupted at = {.things = 3};

    interrupt(&v, new_dir(&v, "back"), &at);
    atomic_store(&backend_is_down, true);
    mount_resume_disables(v.vault);
    T_UNTIL(vault_ask(&v, v.root, "GET", "/v1/sys/mounts/x", NULL).status == 200);
    T_INT_EQ(count(&v, &thing_table), 4);
    T_INT_EQ(count(&v, &lease_table), 1);
    vault_t_stop(&v);
}
