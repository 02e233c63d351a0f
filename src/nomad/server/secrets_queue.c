/*
 * Accessors of tasks' tokens, and the durable queue of their ends (the remote variant of
 * secrets.h).
 *
 *      created: accessor row (before the token leaves the server)
 *      alloc terminal: the rows move into the queue, in that transaction
 *      queue: revoked outside -> row gone;  failure -> later, base 1 s, x2, at most 60 s, for
 * ever
 *
 * Bounded per turn, and never on the way of a request.
 */
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "nomad/server/server_priv.h"

enum {
    TURN_MAX = 64, /* revocations per turn */
    RETRY_BASE_MS = 1000,
    RETRY_MAX_MS = 60000,
};

int accessor_put(struct txn *t, const struct link_token *tok, const struct token_ask *q,
                 const struct json *record, struct err *e)
{
    struct object *o = object_new(accessor_table.schema);
    struct accessor *x = o->body;

    x->alloc_id = arena_strdup(o->arena, q->alloc->id);
    x->task = arena_strdup(o->arena, tok->task);
    x->node_id = arena_strdup(o->arena, q->alloc->node_id);
    x->record = json_copy(o->arena, record);
    return state_put(t, &accessor_table, o, e);
}

static int queue_one(struct txn *t, const struct accessor *x, int64_t now_ns, struct err *e)
{
    struct object *o = object_new(revocation_table.schema);
    struct revocation *v = o->body;
    char id[UUID_SIZE];

    random_uuid(id);
    v->at_ns = now_ns;
    v->id = arena_strdup(o->arena, id);
    v->alloc_id = arena_strdup(o->arena, x->alloc_id);
    v->task = arena_strdup(o->arena, x->task);
    v->record = json_copy(o->arena, x->record);
    return state_put(t, &revocation_table, o, e);
}

int accessors_queue_revocation(struct txn *t, const char *alloc_id, int64_t now_ns,
                               struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    key_init(&k, accessor_table.name);
    key_addz(&k, alloc_id);
    r = table_scan_begin(t, &it, &accessor_table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        r = queue_one(t, o->body, now_ns, e);
        key_init(&k, accessor_table.name);
        accessor_table.key(o->body, &k);
        if (r == 0)
            r = table_del(t, &accessor_table, &k, e);
        if (r < 0)
            break;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

/* ---- the queue -------------------------------------------------------------------------- */

static size_t take_due(struct nomad_server *s, struct arena *a, const struct revocation **ret)
{
    auto_txn struct txn *t = NULL;
    const struct object *o;
    struct table_scan it;
    struct key k;
    size_t n = 0;

    if (txn_begin(s->opts.store, TXN_READ_ONLY, &t, NULL) < 0)
        return 0;
    table_prefix(&revocation_table, &k);
    if (table_scan_begin(t, &it, &revocation_table, &k, SCAN_PEEK, NULL) < 0)
        return 0;
    while (n < TURN_MAX && table_scan_next(&it, &o, NULL) > 0) {
        const struct revocation *v = o->body;

        if (v->at_ns > clock_wall_ns())
            break; /* sorted by time */
        ret[n++] = schema_copy(revocation_table.schema, v, a);
    }
    table_scan_end(&it);
    return n;
}

struct outcome {
    const struct revocation *v;
    const char *error; /* NULL: revoked */
};

static int record_outcome(struct txn *t, void *arg, struct err *e)
{
    const struct outcome *out = arg;
    struct object *o;
    struct revocation *v;
    int64_t wait_ms = RETRY_BASE_MS;
    struct key k;
    int r;

    key_init(&k, revocation_table.name);
    revocation_table.key(out->v, &k);
    r = table_del(t, &revocation_table, &k, e);
    if (r < 0 || !out->error)
        return r;
    o = object_new(revocation_table.schema);
    v = o->body;
    memcpy(v, schema_copy(revocation_table.schema, out->v, o->arena), sizeof *v);
    for (int64_t i = 0; i < v->tries && wait_ms < RETRY_MAX_MS; i++)
        wait_ms *= 2;
    wait_ms = wait_ms > RETRY_MAX_MS ? RETRY_MAX_MS : wait_ms;
    v->tries++;
    v->last_error = arena_strdup(o->arena, out->error);
    v->at_ns = clock_wall_ns() +
               (wait_ms + (int64_t)random_below((uint64_t)wait_ms / 4 + 1)) * 1000000;
    return state_put(t, &revocation_table, o, e);
}

void secrets_queue_turn(struct nomad_server *s)
{
    const struct task_secrets *ts = s->opts.secrets;
    auto_arena struct arena *a = arena_new(0);
    const struct revocation *due[TURN_MAX];
    size_t n;

    if (!ts || !ts->revoke)
        return;
    n = take_due(s, a, due);
    for (size_t i = 0; i < n && !stopper_is_set(&s->stop); i++) {
        struct outcome out = {due[i], NULL};
        struct err e = ERR_INIT;

        if (ts->revoke(ts->ctx, due[i]->record, a, &e) < 0) {
            out.error = arena_strdup(a, e.msg);
            log_warn("vault", "token of alloc=%s task=%s is not revoked, retrying: %s",
                     due[i]->alloc_id, due[i]->task, e.msg);
        }
        if (store_run(s->opts.store, record_outcome, &out, 0, NULL, &e) < 0)
            log_error("vault", "revocation is not recorded, retrying: %s", e.msg);
        if (out.error)
            return; /* the others would most likely fare the same: after the wait */
    }
}
