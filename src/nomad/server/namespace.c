/* /v1/namespaces, /v1/namespace/... */
#include <string.h>

#include "base/codec.h"
#include "crypto/crypto.h"
#include "nomad/server/data_api.h"

/* ---- common ----------------------------------------------------------------------------- */

static void put_index(struct call *c, uint64_t rev, void *arg)
{
    (void)arg;
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

void reply_written(struct call *c)
{
    call_reply(c, 200, NULL);
    call_on_commit(c, put_index, NULL);
}

const char *object_hash(struct arena *a, const char *const *parts, size_t n,
                        const struct strmap *meta)
{
    auto_buf struct buf all = BUF_INIT(REGISTER_BODY_MAX);
    auto_buf struct buf text = BUF_INIT(64);
    uint8_t sum[BLAKE2B_256_BYTES];

    for (size_t i = 0; i < n; i++)
        buf_puts(&all, str_or_empty(parts[i]));
    for (size_t i = 0; i < meta->len; i++) {
        buf_puts(&all, meta->at[i].key);
        buf_puts(&all, str_or_empty(meta->at[i].val));
    }
    blake2b_256(buf_str(&all), sum);
    codec_base64_encode(&text, str_n((const char *)sum, sizeof sum), false, true);
    return arena_cstr(a, buf_str(&text));
}

int any_row(struct txn *t, const struct table *table, const char *part, unsigned flags,
            is_one_fn *is_one, const void *arg, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    bool found = false;
    int r;

    key_init(&k, table->name);
    if (part)
        key_addz(&k, part);
    r = table_scan_begin(t, &it, table, &k, flags, e);
    if (r < 0)
        return r;
    while (!found && (r = table_scan_next(&it, &o, e)) > 0)
        found = is_one(o->body, arg);
    table_scan_end(&it);
    return r < 0 ? r : found;
}

/* ---- reading ---------------------------------------------------------------------------- */

static void namespace_key_of(struct key *k, const char *name)
{
    key_init(k, namespace_table.name);
    key_addz(k, name);
}

static const struct namespace_body *shown(struct arena *a, const struct object *o)
{
    struct namespace_body *n = arena_new_of(a, struct namespace_body);

    *n = *(const struct namespace_body *)o->body;
    n->create_index = o->create_rev;
    n->modify_index = o->mod_rev;
    return n;
}

/* *ret_row NULL: there is none (it may be the one that needs none). */
static int find(struct txn *t, const char *name, const struct object **ret_row,
                const struct namespace_body **ret, struct err *e)
{
    struct namespace_body *builtin;
    struct key k;
    int r;

    *ret_row = NULL;
    namespace_key_of(&k, name);
    r = table_get(t, &namespace_table, &k, ret_row, e);
    if (r == 0) {
        *ret = shown(txn_arena(t), *ret_row);
        return 0;
    }
    if ((r != ERR_NOTFOUND && r != ERR_TOOBIG) || strcmp(name, DEFAULT_NAMESPACE) != 0)
        return r == ERR_TOOBIG ? ERR_NOTFOUND : r;
    builtin = arena_new_of(txn_arena(t), struct namespace_body);
    namespace_default(builtin);
    *ret_row = NULL;
    *ret = builtin;
    return 0;
}

int state_namespace(struct txn *t, const char *name, const struct namespace_body **ret,
                    struct err *e)
{
    const struct object *row;

    return find(t, name, &row, ret, e);
}

static int namespace_read(struct call *c, struct err *e)
{
    const char *name = call_id(c, "name");
    const struct namespace_body *n = NULL;
    const struct object *row;
    struct key k;
    int r = call_need_that(c, rights_any_in_namespace(call_rights(c), name), e);

    if (r < 0)
        return r;
    r = find(c->txn, name, &row, &n, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    namespace_key_of(&k, name);
    r = read_object(c, &namespace_table, &k, row, e);
    if (r != 0)
        return r;
    if (!n)
        return reply_not_found(c, "Namespace not found");
    nomad_schema(c, &namespace_schema, n);
    return 0;
}

/* ---- the list --------------------------------------------------------------------------- */

static void write_one(struct list *l, struct json_out *w, const struct object *o)
{
    if (o->create_rev == 0) /* the one without a row */
        schema_encode(&namespace_schema, o->body, 0, w);
    else
        schema_encode(&namespace_schema, shown(l->c->arena, o), 0, w);
}

static struct object *builtin_object(struct arena *a)
{
    struct object *o = object_new(&namespace_schema);

    namespace_default(o->body);
    arena_on_end(a, (void (*)(void *))object_unref, o);
    return o;
}

static int namespaces_list(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&namespace_table};
    const struct namespace_body *n;
    const struct object *row;
    struct list l;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = read_tables(c, tables, 1, e);
    if (r == 0)
        r = find(c->txn, DEFAULT_NAMESPACE, &row, &n, e);
    if (r == 0 && !row && str_starts(STR(DEFAULT_NAMESPACE), str_of(l.prefix)))
        r = list_offer(&l, builtin_object(c->arena), e);
    if (r == 0)
        r = list_scan_names(&l, &namespace_table, NULL, e);
    if (r == 0)
        list_reply(&l, LIST_BY_NAME, write_one);
    return r;
}

/* ---- changing --------------------------------------------------------------------------- */

static const char *hash_of_namespace(const struct namespace_body *n, struct arena *a)
{
    const char *parts[3] = {n->name, n->description, n->quota};

    return object_hash(a, parts, ARRAY_LEN(parts), &n->meta);
}

static int store_namespace(struct call *c, const struct namespace_body *given, struct err *e)
{
    struct object *o = object_new(&namespace_schema);
    struct namespace_body *n = o->body;

    memcpy(n, schema_copy(&namespace_schema, given, o->arena), sizeof *n);
    n->hash = hash_of_namespace(n, o->arena);
    n->create_index = n->modify_index = 0;
    return state_put(c->txn, &namespace_table, o, e);
}

static int namespace_write(struct call *c, struct err *e)
{
    const char *name = call_id(c, "name");
    struct namespace_body n;
    int r = nomad_body(c, &namespace_schema, &n, e);

    if (r < 0)
        return r;
    if (*name && !*str_or_empty(n.name))
        n.name = name;
    if (*name && strcmp(name, n.name) != 0)
        return nomad_fail(e, 400, "Namespace name does not match request path");
    r = namespace_check(&n, e);
    if (r < 0)
        return err_set_status(e, r, 500, "%s", e->msg);
    r = store_namespace(c, &n, e);
    if (r == 0)
        reply_written(c);
    return r;
}

static bool is_live_job(const void *body, const void *arg)
{
    (void)arg;
    return strcmp(str_or_empty(((const struct job *)body)->status), "dead") != 0;
}

static bool is_any(const void *body, const void *arg)
{
    (void)body;
    (void)arg;
    return true;
}

static int namespace_in_use(struct call *c, const char *name, struct err *e)
{
    int r = any_row(c->txn, &job_table, name, 0, is_live_job, NULL, e);

    if (r > 0)
        return nomad_fail(e, 500, "namespace \"%s\" has non-terminal jobs in regions: [%s]",
                          name, server_of(c)->opts.region);
    if (r == 0)
        r = any_row(c->txn, &variable_table, name, 0, is_any, NULL, e);
    if (r > 0)
        return nomad_fail(e, 500,
                          "namespace \"%s\" contains at least one variable. All variables in "
                          "namespace must be deleted before it can be deleted",
                          name);
    return r;
}

static int namespace_delete(struct call *c, struct err *e)
{
    const char *name = call_id(c, "name");
    const struct namespace_body *n;
    const struct object *row;
    struct key k;
    int r;

    if (strcmp(name, DEFAULT_NAMESPACE) == 0)
        return nomad_fail(e, 500, "can not delete default namespace");
    r = find(c->txn, name, &row, &n, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 500, "namespace not found");
    if (r == 0)
        r = namespace_in_use(c, name, e);
    namespace_key_of(&k, name);
    if (r == 0)
        r = table_del(c->txn, &namespace_table, &k, e);
    if (r == 0)
        reply_written(c);
    return r;
}

/* ---- a job's place ---------------------------------------------------------------------- */

static int one_problem(struct err *e, struct arena *a, const char *text)
{
    struct problem_list p = {.arena = a};

    list_push(a, &p.at, text);
    return nomad_fail(e, 500, "%s", problem_list_text(a, &p));
}

int registration_place(struct call *c, const struct job *j, struct err *e)
{
    const struct namespace_body *n;
    const struct node_pool *pool;
    const char *why;
    int r = state_namespace(c->txn, j->namespace, &n, e);

    if (r == ERR_NOTFOUND)
        return one_problem(e, c->arena,
                           arena_printf(c->arena,
                                        "job \"%s\" is in nonexistent namespace \"%s\"", j->id,
                                        j->namespace));
    if (r < 0)
        return r;
    r = state_node_pool(c->txn, j->node_pool, &pool, e);
    if (r == ERR_NOTFOUND)
        return one_problem(e, c->arena,
                           arena_printf(c->arena,
                                        "job \"%s\" is in nonexistent node pool \"%s\"", j->id,
                                        j->node_pool));
    if (r < 0)
        return r;
    why = namespace_refusal(n, j, c->arena);
    return why ? one_problem(e, c->arena, why) : 0;
}

const struct route namespace_routes[] = {
    {M_GET, "/v1/namespaces", NEED_TOKEN, namespaces_list, NULL},
    {M_WRITE, "/v1/namespace", 0, namespace_write, NULL},
    {M_GET, "/v1/namespace/:name", NEED_CHECK, namespace_read, NULL},
    {M_WRITE, "/v1/namespace/:name", 0, namespace_write, NULL},
    {M_DELETE, "/v1/namespace/:name", 0, namespace_delete, NULL},
};
const size_t n_namespace_routes = ARRAY_LEN(namespace_routes);
