/*
 * The end of tokens.
 *
 * A revocation removes the token's record, its leases (they become due), its cubbyhole, and the
 * same of everything below it, in the transaction that asks for it, up to TOKEN_INLINE_REVOKES
 * tokens. What is beyond is left as rows of a queue, each naming a token whose children have
 * still to go; the lease loop works through them, a transaction each. Nothing of it can be used
 * meanwhile: a lookup goes up the chain of parents.
 */
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "vault/core/token_priv.h"

enum { SWEEP_WRITES_MAX = STORE_TXN_OPS_MAX / 8 }; /* then no further token in this one */

struct queue_row {
    const char *id;
    const char *mode; /* "children", "orphans", "owner" */
    const char *what; /* hash of a token; prefix of an owner */
};

static const struct schema_field queue_fields[] = {
    {"id", NULL, F_STR, offsetof(struct queue_row, id)},
    {"mode", NULL, F_STR, offsetof(struct queue_row, mode)},
    {"what", NULL, F_STR, offsetof(struct queue_row, what)},
};
static SCHEMA(queue_schema, "token revocation", struct queue_row, queue_fields);

static void queue_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct queue_row *)body)->id);
}

const struct table token_queue_table = {
    .name = "token_queue", .schema = &queue_schema, .key = queue_key, .sealed = true};

/* Ids sort by time: the oldest is served first. */
static int enqueue(struct txn *t, const char *mode, const char *what, int64_t now_ns,
                   struct err *e)
{
    auto_object struct object *o = object_new(&queue_schema);
    struct queue_row *row = o->body;
    char uuid[UUID_SIZE];

    random_uuid(uuid);
    row->id = arena_printf(o->arena, "%020lld-%s", (long long)now_ns, uuid);
    row->mode = arena_strdup(o->arena, mode);
    row->what = arena_strdup(o->arena, what);
    return table_put(t, &token_queue_table, o, e);
}

static int dequeue(struct txn *t, const struct queue_row *row, struct err *e)
{
    struct key k;

    key_init(&k, token_queue_table.name);
    queue_key(row, &k);
    return table_del(t, &token_queue_table, &k, e);
}

/* ---- one token -------------------------------------------------------------------------- */

static int end_belongings(struct vault *v, struct txn *t, const char *hash, int64_t now_ns,
                          struct err *e)
{
    int r = lease_revoke_of_token(v, t, hash, now_ns, e);

    return r < 0 ? r : cubbyhole_delete(v, t, hash, e);
}

static int remove_record(struct txn *t, const char *hash, struct err *e)
{
    struct key k;

    token_key(&k, hash);
    return table_del(t, &token_table, &k, e);
}

struct children {
    const struct token **at;
    size_t len;
};

/* At most `max` children; *ret_more: there are others. */
static int find_children(struct txn *t, const char *hash, size_t max, struct children *ret,
                         bool *ret_more, struct err *e)
{
    LIST(const struct token *) found = {0};
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    *ret_more = false;
    table_index_key(&k, &token_table, "parent");
    key_addz(&k, hash);
    r = table_scan_index(t, &it, &token_table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        if (found.len == max) {
            *ret_more = true;
            break;
        }
        list_push(txn_arena(t), &found, o->body);
    }
    table_scan_end(&it);
    *ret = (struct children){found.at, found.len};
    return r < 0 ? r : 0;
}

/* ---- a token and all below it ----------------------------------------------------------- */

struct sweep {
    struct vault *vault;
    struct txn *txn;
    int64_t now_ns;
    size_t done;
    LIST(const char *) waiting; /* hashes */
};

static bool is_full(const struct sweep *s)
{
    return s->done >= TOKEN_INLINE_REVOKES || txn_writes(s->txn) > SWEEP_WRITES_MAX;
}

/* How many more may wait, so that what is left over is a bounded number of rows. */
static size_t room(const struct sweep *s)
{
    size_t taken = s->done + s->waiting.len;

    return taken < TOKEN_INLINE_REVOKES ? TOKEN_INLINE_REVOKES - taken : 0;
}

static int sweep_one(struct sweep *s, const char *hash, struct err *e)
{
    struct children kids = {0};
    bool more;
    int r = end_belongings(s->vault, s->txn, hash, s->now_ns, e);

    if (r == 0)
        r = remove_record(s->txn, hash, e);
    if (r == 0)
        r = find_children(s->txn, hash, room(s), &kids, &more, e);
    if (r < 0)
        return r;
    s->done++;
    for (size_t i = 0; i < kids.len; i++)
        list_push(txn_arena(s->txn), &s->waiting, kids.at[i]->hash);
    return more ? enqueue(s->txn, "children", hash, s->now_ns, e) : 0;
}

static int sweep(struct vault *v, struct txn *t, const char *hash, int64_t now_ns,
                 struct err *e)
{
    struct sweep s = {.vault = v, .txn = t, .now_ns = now_ns};
    int r = sweep_one(&s, hash, e);

    while (r == 0 && s.waiting.len && !is_full(&s))
        r = sweep_one(&s, s.waiting.at[--s.waiting.len], e);
    for (size_t i = 0; r == 0 && i < s.waiting.len; i++)
        r = enqueue(t, "children", s.waiting.at[i], now_ns, e);
    return r;
}

int token_revoke(struct vault *v, struct txn *t, const struct token *tok, int64_t now_ns,
                 struct err *e)
{
    return token_is_batch(tok) ? 0 : sweep(v, t, tok->hash, now_ns, e);
}

/* ---- a token alone ---------------------------------------------------------------------- */

/* The children become orphans; *ret_more: some of them still are none. */
static int release_children(struct txn *t, const char *hash, bool *ret_more, struct err *e)
{
    struct children kids;
    int r = find_children(t, hash, TOKEN_INLINE_REVOKES, &kids, ret_more, e);

    for (size_t i = 0; r == 0 && i < kids.len; i++) {
        struct token copy = *kids.at[i];

        copy.parent_hash = "";
        r = token_put(t, &copy, e);
    }
    return r;
}

int token_revoke_orphan(struct vault *v, struct txn *t, const struct token *tok, int64_t now_ns,
                        struct err *e)
{
    struct token last = *tok;
    bool more;
    int r;

    if (token_is_batch(tok))
        return 0;
    r = end_belongings(v, t, tok->hash, now_ns, e);
    if (r == 0)
        r = release_children(t, tok->hash, &more, e);
    if (r < 0)
        return r;
    if (!more)
        return remove_record(t, tok->hash, e);
    last.ending = true;
    last.parent_hash = ""; /* whoever ends its parent must not find it */
    r = token_put(t, &last, e);
    return r < 0 ? r : enqueue(t, "orphans", tok->hash, now_ns, e);
}

/* ---- by owner --------------------------------------------------------------------------- */

int token_revoke_owner(struct vault *v, struct txn *t, struct str owner_prefix, int64_t now_ns,
                       struct err *e)
{
    LIST(const char *) found = {0};
    struct arena *a = txn_arena(t);
    const struct object *o;
    struct table_scan it;
    struct key k;
    size_t i = 0;
    int r;

    if (owner_prefix.len == 0)
        return 0; /* nobody owns what has no owner */
    table_index_key(&k, &token_table, "owner");
    key_add_open(&k, owner_prefix);
    r = table_scan_index(t, &it, &token_table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0 && found.len < TOKEN_INLINE_REVOKES)
        list_push(a, &found, ((const struct token *)o->body)->hash);
    table_scan_end(&it);
    if (r < 0)
        return r;
    for (; i < found.len && txn_writes(t) <= SWEEP_WRITES_MAX; i++) {
        int done = sweep(v, t, found.at[i], now_ns, e);

        if (done < 0)
            return done;
    }
    if (r > 0 || i < found.len)
        return enqueue(t, "owner", arena_cstr(a, owner_prefix), now_ns, e);
    return 0;
}

/* ---- the queue -------------------------------------------------------------------------- */

static int step_orphans(struct txn *t, const struct queue_row *row, int64_t now_ns,
                        struct err *e)
{
    bool more;
    int r = release_children(t, row->what, &more, e);

    if (r < 0)
        return r;
    return more ? enqueue(t, "orphans", row->what, now_ns, e) : remove_record(t, row->what, e);
}

static int do_step(struct vault *v, struct txn *t, const struct queue_row *row, int64_t now_ns,
                   struct err *e)
{
    int r = dequeue(t, row, e);

    if (r < 0)
        return r;
    if (strcmp(row->mode, "orphans") == 0)
        return step_orphans(t, row, now_ns, e);
    if (strcmp(row->mode, "owner") == 0)
        return token_revoke_owner(v, t, str_of(row->what), now_ns, e);
    return sweep(v, t, row->what, now_ns, e);
}

int token_revoke_queued(struct vault *v, struct txn *t, int64_t now_ns, bool *ret_more,
                        struct err *e)
{
    LIST(const struct queue_row *) rows = {0};
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    key_init(&k, token_queue_table.name);
    r = table_scan_begin(t, &it, &token_queue_table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0 && rows.len < TOKEN_INLINE_REVOKES)
        list_push(txn_arena(t), &rows, o->body);
    table_scan_end(&it);
    *ret_more = r > 0;
    for (size_t i = 0; r >= 0 && i < rows.len; i++) {
        if (i > 0 && txn_writes(t) > SWEEP_WRITES_MAX) {
            *ret_more = true;
            break;
        }
        r = do_step(v, t, rows.at[i], now_ns, e);
    }
    /* what a step has put off stands behind all rows that were there */
    if (r >= 0 && rows.len)
        *ret_more = true;
    return r < 0 ? r : 0;
}
