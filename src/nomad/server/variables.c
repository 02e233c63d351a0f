/* /v1/vars, /v1/var/... */
#include "nomad/server/variables.h"

#include <string.h>

#include "base/random.h"
#include "lang/units.h"
#include "nomad/server/keyring.h"

enum { PLAIN_MAX = 8 * VARIABLE_ITEMS_MAX }; /* as JSON: every byte may be escaped */

/* ---- rows ---------------------------------------------------------------------------------
 */

static void variable_key_of(struct key *k, const char *ns, const char *path)
{
    key_init(k, variable_table.name);
    key_addz(k, ns);
    key_addz(k, path);
}

int variable_get(struct txn *t, const char *ns, const char *path, const struct object **ret,
                 struct err *e)
{
    struct key k;

    variable_key_of(&k, ns, path);
    if (k.over)
        return err_set(e, ERR_NOTFOUND, "variable not found");
    return table_get(t, &variable_table, &k, ret, e);
}

int variable_put(struct txn *t, const struct variable *v, struct err *e)
{
    struct object *o = object_new(&variable_schema);

    memcpy(o->body, schema_copy(&variable_schema, v, o->arena), sizeof *v);
    return state_put(t, &variable_table, o, e);
}

/* ---- sealing ------------------------------------------------------------------------------
 */

/* What the box is bound to: it opens at no other path. */
static struct str box_name(struct arena *a, const struct variable *v)
{
    return str_of(arena_printf(a, "variable %s %s", v->namespace, v->path));
}

static int seal(struct nomad_server *s, struct txn *t, struct str plain, struct variable *v,
                struct err *e)
{
    auto_buf struct buf box = BUF_INIT(PLAIN_MAX + 64);
    struct arena *a = txn_arena(t);
    int r = root_keyring_seal(s->keyring, t, plain, box_name(a, v), &v->key_id, &box, e);

    if (r == 0)
        v->box = arena_str(a, buf_str(&box));
    return r;
}

static int unseal(struct nomad_server *s, struct txn *t, const struct variable *v,
                  struct buf *out, struct err *e)
{
    int r = root_keyring_unseal(s->keyring, t, v->key_id, v->box, box_name(txn_arena(t), v),
                                out, e);

    return r < 0 ? err_set_status(e, r, 500, "variable cannot be decrypted: %s", e->msg) : 0;
}

int variable_reseal(struct nomad_server *s, struct txn *t, const struct object *o,
                    struct err *e)
{
    auto_buf struct buf plain = {.max = PLAIN_MAX, .secret = true};
    struct variable v = *(const struct variable *)o->body;
    int r = unseal(s, t, &v, &plain, e);

    v.modify_index = index_or(v.modify_index, o->mod_rev);
    if (r == 0)
        r = seal(s, t, buf_str(&plain), &v, e);
    return r < 0 ? r : variable_put(t, &v, e);
}

/* The items, in the call's (wiped) arena. */
static int open_items(struct call *c, const struct variable *v, const struct json **ret,
                      struct err *e)
{
    auto_buf struct buf plain = {.max = PLAIN_MAX, .secret = true};
    struct json *items;
    int r = unseal(server_of(c), c->txn, v, &plain, e);

    if (r == 0)
        r = json_parse(arena_str(c->arena, buf_str(&plain)), NULL, 0, c->arena, &items, NULL);
    if (r < 0)
        return e->code ? r : err_set(e, r, "variable %s is damaged", v->path);
    *ret = items;
    return 0;
}

/* ---- what a request brings -----------------------------------------------------------------
 */

enum lock_op { LOCK_NONE, LOCK_ACQUIRE, LOCK_RENEW, LOCK_RELEASE };

struct asked {
    const char *namespace, *path;
    struct json *items, *lock;
    enum lock_op op;
    const char *lock_id; /* "": none */
    int64_t ttl_ns, delay_ns;
    bool checks; /* cas */
    uint64_t cas;
};

static const struct schema_field asked_fields[] = {
    {"Namespace", NULL, F_STR, offsetof(struct asked, namespace)},
    {"Path", NULL, F_STR, offsetof(struct asked, path)},
    {"Items", NULL, F_JSON, offsetof(struct asked, items)},
    {"Lock", NULL, F_JSON, offsetof(struct asked, lock)},
};
static SCHEMA(asked_schema, "variable", struct asked, asked_fields);

static int read_cas(struct call *c, struct asked *q, struct err *e)
{
    struct str text;

    q->checks = call_query(c, "cas", &text);
    if (q->checks && !str_to_u64(text, 10, &q->cas))
        return nomad_fail(
            e, 400, "can not parse cas: strconv.ParseUint: parsing \"%.*s\": invalid syntax",
            STR_ARG(text));
    return 0;
}

static int read_op(struct call *c, struct asked *q, struct err *e)
{
    static const struct {
        const char *name;
        enum lock_op op;
    } ops[] = {{"lock-acquire", LOCK_ACQUIRE},
               {"lock-renew", LOCK_RENEW},
               {"lock-release", LOCK_RELEASE}};
    struct str v;

    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        if (!call_query(c, ops[i].name, &v))
            continue;
        if (q->op != LOCK_NONE)
            return nomad_fail(e, 400, "multiple lock operations");
        q->op = ops[i].op;
    }
    return 0;
}

static int read_duration(struct call *c, const struct json *lock, const char *name,
                         int64_t *ret, struct err *e)
{
    const struct json *v = json_get_nocase(lock, name);

    if (!v || v->type == JSON_NULL || (v->type == JSON_STRING && v->text.len == 0))
        return 0;
    if (v->type == JSON_STRING ? duration_parse(v->text, ret, NULL) < 0 : !json_to_i64(v, ret))
        return nomad_fail(e, 400, "lock %s is not a duration: %s", name,
                          json_cstr_or(c->arena, v, "(no text)"));
    return 0;
}

static int read_lock(struct call *c, struct asked *q, struct err *e)
{
    int r;

    q->lock_id = json_cstr_or(c->arena, json_get_nocase(q->lock, "ID"), "");
    q->ttl_ns = q->delay_ns = 0;
    r = read_duration(c, q->lock, "TTL", &q->ttl_ns, e);
    if (r == 0)
        r = read_duration(c, q->lock, "LockDelay", &q->delay_ns, e);
    if (r < 0)
        return r;
    if (q->ttl_ns == 0)
        q->ttl_ns = LOCK_TTL_DEFAULT_NS;
    if (q->delay_ns == 0)
        q->delay_ns = LOCK_TTL_DEFAULT_NS;
    if (q->ttl_ns < LOCK_TTL_MIN_NS || q->ttl_ns > LOCK_TTL_MAX_NS)
        return nomad_fail(e, 400, "RPC Error:: 400,TTL must be between 10s and 24h");
    if (q->delay_ns < 0 || q->delay_ns > LOCK_TTL_MAX_NS)
        return nomad_fail(e, 400, "RPC Error:: 400,lock delay must be between 0s and 24h");
    if ((q->op == LOCK_RENEW || q->op == LOCK_RELEASE) && !*q->lock_id)
        return nomad_fail(e, 400, "RPC Error:: 400,missing lock ID");
    return 0;
}

static int check_items(const struct json *items, struct err *e)
{
    size_t bytes = 0;

    if (items->type != JSON_OBJECT)
        return nomad_fail(e, 400,
                          "json: cannot unmarshal %s into Go struct field "
                          "VariableDecrypted.Items of type structs.VariableItems",
                          json_type_name(items->type));
    for (uint32_t i = 0; i < items->len; i++) {
        const struct json *v = &items->members[i].value;

        if (v->type != JSON_STRING && v->type != JSON_NULL)
            return nomad_fail(e, 400,
                              "json: cannot unmarshal %s into Go struct field "
                              "VariableDecrypted.Items of type string",
                              json_type_name(v->type));
        bytes += items->members[i].key.len + v->text.len;
    }
    if (bytes > VARIABLE_ITEMS_MAX)
        return nomad_fail(e, 400,
                          "RPC Error:: 400,variables are limited to 64KiB in total size");
    return 0;
}

static int read_asked(struct call *c, struct asked *q, struct err *e)
{
    int r = nomad_body(c, &asked_schema, q, e);

    if (r == 0)
        r = read_op(c, q, e);
    if (r == 0 && json_is(q->items, JSON_NULL))
        q->items = NULL;
    if (r == 0 && q->items)
        r = check_items(q->items, e);
    if (r == 0 && q->op == LOCK_NONE && (!q->items || q->items->len == 0))
        r = nomad_fail(e, 400, "variable missing required Items object");
    if (r == 0)
        r = read_cas(c, q, e);
    if (r == 0)
        r = read_lock(c, q, e);
    return r;
}

/* ---- replies -------------------------------------------------------------------------------
 */

static void write_lock(struct json_out *w, const struct variable_lock *l)
{
    char text[DURATION_TEXT_SIZE];

    json_key(w, "Lock");
    json_obj(w);
    json_kv_str(w, "ID", l->id);
    duration_format(l->delay_ns, text);
    json_kv_str(w, "LockDelay", text);
    duration_format(l->ttl_ns, text);
    json_kv_str(w, "TTL", text);
    json_obj_end(w);
}

/* `items` NULL: what may be seen without opening it. */
static void write_variable(struct json_out *w, const struct variable *v, uint64_t created,
                           uint64_t modified, const struct json *items)
{
    json_obj(w);
    json_kv_u64(w, "CreateIndex", created);
    json_kv_i64(w, "CreateTime", v->create_time);
    if (items) {
        json_key(w, "Items");
        json_value(w, items);
    }
    if (v->lock)
        write_lock(w, v->lock);
    json_kv_u64(w, "ModifyIndex", modified);
    json_kv_i64(w, "ModifyTime", v->modify_time);
    json_kv_str(w, "Namespace", v->namespace);
    json_kv_str(w, "Path", v->path);
    json_obj_end(w);
}

static void write_stored(struct call *c, const struct object *o, const struct json *items)
{
    const struct variable *v = o->body;

    write_variable(nomad_json(c), v, o->create_rev, index_or(v->modify_index, o->mod_rev),
                   items);
}

/* Who may write it need not know what it holds. */
static bool may_read(const struct call *c, const struct variable *v)
{
    return rights_variable(call_rights(c), v->namespace, v->path, VAR_READ);
}

/* 409 with what is there; `o` NULL: nothing, or nothing that may be told. */
static int reply_conflict(struct call *c, const struct asked *q, const struct object *o,
                          struct err *e)
{
    const struct variable none = {.namespace = q->namespace, .path = q->path};
    const struct json *items = NULL;
    int r = o && may_read(c, o->body) ? open_items(c, o->body, &items, e) : 0;

    if (r < 0)
        return r;
    if (o)
        write_stored(c, o, items);
    else
        write_variable(nomad_json(c), &none, 0, 0, NULL);
    call_reply(c, 409, "text/plain; charset=utf-8");
    return 0;
}

struct written {
    struct variable v;
    uint64_t created; /* 0: by this commit */
    const struct json *items;
};

static void reply_variable(struct call *c, uint64_t rev, void *arg)
{
    const struct written *d = arg;

    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
    write_variable(nomad_json(c), &d->v, index_or(d->created, rev), rev,
                   may_read(c, &d->v) ? d->items : NULL);
}

/* ---- reading -------------------------------------------------------------------------------
 */

static int variable_read(struct call *c, const char *path, struct err *e)
{
    const struct object *o = NULL;
    const struct json *items;
    struct key k;
    int r = call_need_variable(c, call_namespace(c), path, VAR_READ, e);

    if (r < 0)
        return r;
    r = variable_get(c->txn, call_namespace(c), path, &o, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    variable_key_of(&k, call_namespace(c), path);
    r = read_object(c, &variable_table, &k, o, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "variable not found");
    r = open_items(c, o->body, &items, e);
    if (r == 0)
        write_stored(c, o, items);
    return r;
}

static void write_stub(struct list *l, struct json_out *w, const struct object *o)
{
    const struct variable *v = o->body;

    (void)l;
    write_variable(w, v, o->create_rev, index_or(v->modify_index, o->mod_rev), NULL);
}

/* Of every namespace: the prefix is the path's. */
static int scan_everywhere(struct list *l, struct err *e)
{
    size_t n = 0;
    int r = list_scan(l, &variable_table, NULL, NULL, NULL, e);

    for (size_t i = 0; r == 0 && i < l->at.len; i++) {
        const struct variable *v = l->at.at[i]->body;

        if (str_starts(str_of(v->path), str_of(l->prefix)))
            l->at.at[n++] = l->at.at[i];
    }
    l->at.len = n;
    return r;
}

static int variables_list(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&variable_table};
    struct list l;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = read_tables(c, tables, 1, e);
    if (r == 0)
        r = l.namespace ? list_scan_names(&l, &variable_table, l.namespace, e)
                        : scan_everywhere(&l, e);
    if (r == 0)
        list_reply(&l, LIST_BY_KEY, write_stub);
    return r;
}

/* ---- writing -------------------------------------------------------------------------------
 */

static bool holds(const struct asked *q, const struct variable *v)
{
    return !v->lock || strcmp(v->lock->id, q->lock_id) == 0;
}

static bool cas_fits(const struct asked *q, const struct object *o)
{
    const struct variable *v = o ? o->body : NULL;

    return !q->checks || q->cas == (v ? index_or(v->modify_index, o->mod_rev) : 0);
}

static void take_lock(struct call *c, const struct asked *q, struct variable *v)
{
    char id[UUID_SIZE];

    if (v->lock) /* who holds it may write; what it is stays */
        return;
    random_uuid(id);
    v->lock = arena_new_of(c->arena, struct variable_lock);
    *v->lock = (struct variable_lock){arena_strdup(c->arena, id), q->ttl_ns, q->delay_ns};
}

static void hold_lock(struct call *c, uint64_t rev, void *arg)
{
    (void)rev;
    variable_lock_hold(server_of(c), arg, NULL);
    root_keyring_wake(server_of(c));
}

static int seal_items(struct call *c, struct variable *v, const struct json *items,
                      struct err *e)
{
    auto_buf struct buf plain = {.max = PLAIN_MAX, .secret = true};
    struct json_out w;

    json_out_init(&w, &plain, NULL);
    json_obj(&w);
    for (uint32_t i = 0; i < items->len; i++) {
        json_keyn(&w, items->members[i].key);
        json_strn(&w, items->members[i].value.text);
    }
    json_obj_end(&w);
    if (buf_check(&plain, "the variable", e) < 0)
        return ERR_TOOBIG;
    return seal(server_of(c), c->txn, buf_str(&plain), v, e);
}

static int write_row(struct call *c, const struct asked *q, const struct object *old,
                     struct err *e)
{
    struct written *d = arena_new_of(c->arena, struct written);
    int r = 0;

    if (old) {
        memcpy(&d->v, schema_copy(&variable_schema, old->body, c->arena), sizeof d->v);
        d->created = old->create_rev;
    } else {
        d->v = (struct variable){
            .namespace = q->namespace, .path = q->path, .create_time = c->now_ns};
    }
    d->v.modify_index = 0;
    d->v.modify_time = c->now_ns;
    if (q->op == LOCK_ACQUIRE && !d->v.lock && variable_locks_full(server_of(c)))
        return nomad_fail(e, 429, "%d variables are locked already", LOCKS_MAX);
    if (q->op == LOCK_ACQUIRE)
        take_lock(c, q, &d->v);
    d->items = q->items && q->items->len ? q->items : NULL;
    if (!d->items && old)
        r = open_items(c, &d->v, &d->items, e);
    else if (!d->items)
        d->items = json_new_object(c->arena);
    if (r == 0)
        r = seal_items(c, &d->v, d->items, e);
    if (r == 0)
        r = variable_put(c->txn, &d->v, e);
    if (r < 0)
        return r;
    if (q->op == LOCK_ACQUIRE)
        call_on_commit(c, hold_lock, &d->v);
    call_on_commit(c, reply_variable, d);
    return 0;
}

static void drop_lock(struct call *c, uint64_t rev, void *arg)
{
    (void)rev;
    variable_lock_drop(server_of(c), arg);
}

/* Renewing writes nothing: the time of a lock is in memory. */
static int renew_or_release(struct call *c, const struct asked *q, const struct object *o,
                            struct err *e)
{
    struct written *d = arena_new_of(c->arena, struct written);
    const struct variable *v = o->body;
    int r;

    if (!v->lock || !holds(q, v) || !variable_lock_alive(server_of(c), q->lock_id))
        return reply_conflict(c, q, NULL, e);
    if (q->op == LOCK_RENEW) {
        r = variable_lock_hold(server_of(c), v, e);
        if (r == 0)
            write_stored(c, o, NULL);
        return r;
    }
    memcpy(&d->v, schema_copy(&variable_schema, v, c->arena), sizeof d->v);
    d->v.lock = NULL;
    d->v.modify_index = 0;
    d->v.modify_time = c->now_ns;
    d->created = o->create_rev;
    r = open_items(c, &d->v, &d->items, e);
    if (r == 0)
        r = variable_put(c->txn, &d->v, e);
    if (r < 0)
        return r;
    call_on_commit(c, drop_lock, arena_strdup(c->arena, q->lock_id));
    call_on_commit(c, reply_variable, d);
    return 0;
}

static int check_place(struct call *c, const struct asked *q, struct err *e)
{
    const struct namespace_body *n;
    int r = variable_path_check(q->path, e);

    if (r < 0)
        return err_set_status(e, r, 400, "RPC Error:: 400,%s", e->msg);
    r = state_namespace(c->txn, q->namespace, &n, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 500, "variable \"%s\" is in nonexistent namespace \"%s\"", q->path,
                          q->namespace);
    return r;
}

static int find_old(struct call *c, const struct asked *q, const struct object **ret,
                    struct err *e)
{
    int r = variable_get(c->txn, q->namespace, q->path, ret, e);

    if (r == ERR_NOTFOUND)
        *ret = NULL;
    return r == ERR_NOTFOUND ? 0 : r;
}

static int variable_write(struct call *c, const char *path, struct err *e)
{
    struct asked q;
    const struct object *old;
    const char *ns = call_text(c, "namespace");
    int r = read_asked(c, &q, e);

    if (r < 0)
        return r;
    q.path = path;
    q.namespace = *ns ? ns : *str_or_empty(q.namespace) ? q.namespace : DEFAULT_NAMESPACE;
    r = call_need_variable(c, q.namespace, path, VAR_WRITE, e);
    if (r == 0)
        r = check_place(c, &q, e);
    if (r == 0)
        r = find_old(c, &q, &old, e);
    if (r < 0)
        return r;
    if (q.op == LOCK_RENEW || q.op == LOCK_RELEASE)
        return old ? renew_or_release(c, &q, old, e) : nomad_fail(e, 404, "variable not found");
    if (old && !holds(&q, old->body))
        return reply_conflict(c, &q, NULL, e);
    if (!cas_fits(&q, old))
        return reply_conflict(c, &q, old, e);
    return write_row(c, &q, old, e);
}

static int variable_delete(struct call *c, const char *path, struct err *e)
{
    struct asked q = {.namespace = call_namespace(c), .path = path, .lock_id = ""};
    const struct object *old;
    struct key k;
    int r = call_need_variable(c, q.namespace, path, VAR_DESTROY, e);

    if (r == 0)
        r = read_cas(c, &q, e);
    if (r == 0)
        r = find_old(c, &q, &old, e);
    if (r < 0)
        return r;
    if (old && !holds(&q, old->body))
        return reply_conflict(c, &q, NULL, e);
    if (!cas_fits(&q, old))
        return reply_conflict(c, &q, old, e);
    variable_key_of(&k, q.namespace, q.path);
    if (old)
        r = table_del(c->txn, &variable_table, &k, e);
    if (r == 0) {
        reply_written(c);
        call_reply(c, 204, NULL);
    }
    return r;
}

/* Any other method is a bad request here, not a 405. */
static int variable_call(struct call *c, struct err *e)
{
    const char *path = call_id(c, "path");

    call_set_secret(c);
    if (!*path)
        return nomad_fail(e, 400, "missing variable path");
    if (c->method == M_GET)
        return variable_read(c, path, e);
    if (c->method & M_WRITE)
        return variable_write(c, path, e);
    if (c->method == M_DELETE)
        return variable_delete(c, path, e);
    return nomad_fail(e, 400, "Invalid method");
}

const struct route variable_routes[] = {
    {M_GET, "/v1/vars", NEED_VARS, variables_list, NULL},
    {M_ANY, "/v1/var/*path", NEED_CHECK, variable_call, NULL},
};
const size_t n_variable_routes = ARRAY_LEN(variable_routes);
