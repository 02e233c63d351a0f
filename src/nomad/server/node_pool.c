/* /v1/node/pools, /v1/node/pool/... */
#include <string.h>

#include "nomad/server/data_api.h"

static void pool_key_of(struct key *k, const char *name)
{
    key_init(k, node_pool_table.name);
    key_addz(k, name);
}

static const struct node_pool *shown(struct arena *a, const struct object *o)
{
    struct node_pool *p = arena_new_of(a, struct node_pool);

    *p = *(const struct node_pool *)o->body;
    p->create_index = o->create_rev;
    p->modify_index = o->mod_rev;
    return p;
}

static int find(struct txn *t, const char *name, const struct object **ret_row,
                const struct node_pool **ret, struct err *e)
{
    struct node_pool *builtin;
    struct key k;
    int r;

    *ret_row = NULL;
    *ret = NULL;
    if (node_pool_is_builtin(name)) { /* these never have a row */
        builtin = arena_new_of(txn_arena(t), struct node_pool);
        node_pool_builtin(name, builtin);
        *ret = builtin;
        return 0;
    }
    pool_key_of(&k, name);
    if (k.over)
        return err_set(e, ERR_NOTFOUND, "node pool not found");
    r = table_get(t, &node_pool_table, &k, ret_row, e);
    if (r == 0)
        *ret = shown(txn_arena(t), *ret_row);
    return r;
}

int state_node_pool(struct txn *t, const char *name, const struct node_pool **ret,
                    struct err *e)
{
    const struct object *row;

    return find(t, name, &row, ret, e);
}

/* ---- reading ---------------------------------------------------------------------------- */

static int pool_read(struct call *c, struct err *e)
{
    const char *name = call_id(c, "name");
    const struct node_pool *p;
    const struct object *row;
    struct key k;
    int r = call_need_node_pool(c, name, POOL_READ, e);

    if (r < 0)
        return r;
    r = find(c->txn, name, &row, &p, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    pool_key_of(&k, name);
    r = read_object(c, &node_pool_table, &k, row, e);
    if (r != 0)
        return r;
    if (!p)
        return reply_not_found(c, "node pool not found");
    nomad_schema(c, &node_pool_schema, p);
    return 0;
}

static void write_one(struct list *l, struct json_out *w, const struct object *o)
{
    if (o->create_rev == 0)
        schema_encode(&node_pool_schema, o->body, 0, w);
    else
        schema_encode(&node_pool_schema, shown(l->c->arena, o), 0, w);
}

static int add_builtin(struct list *l, const char *name, struct err *e)
{
    struct object *o;

    if (!str_starts(str_of(name), str_of(l->prefix)))
        return 0;
    o = object_new(&node_pool_schema);
    node_pool_builtin(name, o->body);
    arena_on_end(l->c->arena, (void (*)(void *))object_unref, o);
    return list_offer(l, o, e);
}

static int pools_list(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&node_pool_table};
    struct list l;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = read_tables(c, tables, 1, e);
    if (r == 0)
        r = add_builtin(&l, POOL_ALL, e);
    if (r == 0)
        r = add_builtin(&l, POOL_DEFAULT, e);
    if (r == 0)
        r = list_scan_names(&l, &node_pool_table, NULL, e);
    if (r == 0)
        list_reply(&l, LIST_BY_NAME, write_one);
    return r;
}

/* ---- members ---------------------------------------------------------------------------- */

static bool in_pool(const struct object *o, const char *name)
{
    const char *pool = o->schema == &job_schema ? ((const struct job *)o->body)->node_pool
                                                : ((const struct node *)o->body)->node_pool;

    return strcmp(str_or_empty(pool), name) == 0;
}

static int pool_members(struct call *c, const struct table *t, bool every, list_write_fn *write,
                        struct err *e)
{
    const char *name = call_id(c, "name");
    const struct node_pool *p;
    struct list l;
    size_t n = 0;
    int r;

    r = call_need_node_pool(c, name, POOL_READ, e);
    if (r == 0 && t == &node_table)
        r = call_need_area(c, AREA_NODE, LEVEL_READ, e);
    if (r < 0)
        return r;
    if (*call_text(c, "prefix"))
        return nomad_fail(e, 400, "prefix argument not allowed");
    r = list_begin(c, &l, e);
    if (r == 0)
        r = read_tables(c, &t, 1, e);
    if (r != 0)
        return r;
    r = state_node_pool(c->txn, name, &p, e);
    if (r == ERR_NOTFOUND)
        return reply_not_found(c, "node pool not found");
    if (r == 0)
        r = list_scan(&l, t, NULL, NULL, NULL, e);
    if (r != 0)
        return r;
    for (size_t i = 0; i < l.at.len; i++)
        if ((every && strcmp(name, POOL_ALL) == 0) || in_pool(l.at.at[i], name))
            l.at.at[n++] = l.at.at[i];
    l.at.len = n;
    list_reply(&l, LIST_BY_KEY, write);
    return 0;
}

static int pool_nodes(struct call *c, struct err *e)
{
    return pool_members(c, &node_table, true, list_node_stub, e);
}

static int pool_jobs(struct call *c, struct err *e)
{
    return pool_members(c, &job_table, false, list_job_stub, e);
}

/* ---- changing --------------------------------------------------------------------------- */

static int store_pool(struct txn *t, const struct node_pool *given, struct err *e)
{
    struct object *o = object_new(&node_pool_schema);
    struct node_pool *p = o->body;
    const char *parts[2];

    memcpy(p, schema_copy(&node_pool_schema, given, o->arena), sizeof *p);
    parts[0] = p->name;
    parts[1] = p->description;
    p->hash = object_hash(o->arena, parts, ARRAY_LEN(parts), &p->meta);
    p->create_index = p->modify_index = 0;
    return state_put(t, &node_pool_table, o, e);
}

int node_pool_ensure(struct txn *t, const char *name, struct err *e)
{
    struct node_pool made = {.name = name, .description = ""};
    const struct node_pool *p;
    int r = state_node_pool(t, name, &p, e);

    if (r != ERR_NOTFOUND)
        return r;
    r = node_pool_check(&made, e);
    return r < 0 ? r : store_pool(t, &made, e);
}

static int pool_write(struct call *c, struct err *e)
{
    const char *name = call_id(c, "name");
    struct node_pool p;
    int r = nomad_body(c, &node_pool_schema, &p, e);

    if (r < 0)
        return r;
    if (*name && !*str_or_empty(p.name))
        p.name = name;
    if (*name && strcmp(name, p.name) != 0)
        return nomad_fail(e, 400, "Node pool name does not match request path");
    r = call_need_node_pool(c, str_or_empty(p.name), POOL_WRITE, e);
    if (r < 0)
        return r;
    if (node_pool_is_builtin(p.name))
        return nomad_fail(e, 500, "modifying node pool \"%s\" is not allowed", p.name);
    r = node_pool_check(&p, e);
    if (r < 0)
        return err_set_status(e, r, 500, "%s", e->msg);
    r = store_pool(c->txn, &p, e);
    if (r == 0)
        reply_written(c);
    return r;
}

static bool is_node_of(const void *body, const void *name)
{
    return strcmp(str_or_empty(((const struct node *)body)->node_pool), name) == 0;
}

static bool is_live_job_of(const void *body, const void *name)
{
    const struct job *j = body;

    return strcmp(str_or_empty(j->node_pool), name) == 0 &&
           strcmp(str_or_empty(j->status), "dead") != 0;
}

static int pool_in_use(struct call *c, const char *name, struct err *e)
{
    const char *region = server_of(c)->opts.region;
    int r = any_row(c->txn, &node_table, NULL, 0, is_node_of, name, e);

    if (r > 0)
        return nomad_fail(e, 500, "node pool \"%s\" has nodes in regions: [%s]", name, region);
    if (r == 0)
        r = any_row(c->txn, &job_table, NULL, 0, is_live_job_of, name, e);
    if (r > 0)
        return nomad_fail(e, 500, "node pool \"%s\" has non-terminal jobs in regions: [%s]",
                          name, region);
    return r;
}

static int pool_delete(struct call *c, struct err *e)
{
    const char *name = call_id(c, "name");
    const struct node_pool *p;
    struct key k;
    int r = call_need_node_pool(c, name, POOL_DELETE, e);

    if (r < 0)
        return r;
    if (node_pool_is_builtin(name))
        return nomad_fail(e, 500, "deleting node pool \"%s\" is not allowed", name);
    r = state_node_pool(c->txn, name, &p, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 500, "node pool \"%s\" not found", name);
    if (r == 0)
        r = pool_in_use(c, name, e);
    pool_key_of(&k, name);
    if (r == 0)
        r = table_del(c->txn, &node_pool_table, &k, e);
    if (r == 0)
        reply_written(c);
    return r;
}

const struct route node_pool_routes[] = {
    {M_GET, "/v1/node/pools", NEED_TOKEN, pools_list, NULL},
    {M_WRITE, "/v1/node/pools", NEED_CHECK, pool_write, NULL},
    {M_GET, "/v1/node/pool/:name", NEED_CHECK, pool_read, NULL},
    {M_WRITE, "/v1/node/pool/:name", NEED_CHECK, pool_write, NULL},
    {M_DELETE, "/v1/node/pool/:name", NEED_CHECK, pool_delete, NULL},
    {M_GET, "/v1/node/pool/:name/nodes", NEED_CHECK, pool_nodes, NULL},
    {M_GET, "/v1/node/pool/:name/jobs", NEED_CHECK, pool_jobs, NULL},
};
const size_t n_node_pool_routes = ARRAY_LEN(node_pool_routes);
