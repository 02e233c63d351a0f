/*
 * Orders: revocations too large for the transaction that asks for them.
 *
 * The asking transaction leaves one record; the loop then takes a batch at a time, each a
 * transaction that also says how far it came. So a million leases are revoked without a
 * transaction, a request or a start-up that is a million long, and a crash in between loses
 * nothing.
 */
#include <string.h>

#include "base/random.h"
#include "vault/core/lease_priv.h"

static const struct schema_field order_fields[] = {
    {"id", NULL, F_STR, offsetof(struct lease_order, id)},
    {"kind", NULL, F_STR, offsetof(struct lease_order, kind)},
    {"what", NULL, F_STR, offsetof(struct lease_order, what)},
    {"after", NULL, F_STR, offsetof(struct lease_order, after), .flags = FIELD_OMITEMPTY},
    {"force", NULL, F_BOOL, offsetof(struct lease_order, force)},
    {"issued_before", NULL, F_INT, offsetof(struct lease_order, issued_before_ns)},
};
SCHEMA(lease_order_schema, "order", struct lease_order, order_fields);

static void order_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct lease_order *)body)->id);
}

const struct table lease_order_table = {
    .name = "lease_order", .schema = &lease_order_schema, .key = order_key, .sealed = true};

static int put(struct txn *t, const struct lease_order *order, struct err *e)
{
    auto_object struct object *o = object_new(&lease_order_schema);

    memcpy(o->body, schema_copy(&lease_order_schema, order, o->arena), sizeof *order);
    return table_put(t, &lease_order_table, o, e);
}

static int del(struct txn *t, const struct lease_order *order, struct err *e)
{
    struct key k;

    key_init(&k, lease_order_table.name);
    order_key(order, &k);
    return table_del(t, &lease_order_table, &k, e);
}

int lease_order_put(struct txn *t, const char *kind, struct str what, bool force,
                    int64_t now_ns, struct err *e)
{
    struct arena *a = txn_arena(t);
    char id[UUID_SIZE];

    random_uuid(id);
    /* ids sort by time: the oldest order is served first */
    struct lease_order order = {.id = arena_printf(a, "%020lld-%s", (long long)now_ns, id),
                                .kind = kind,
                                .what = arena_cstr(a, what),
                                .force = force,
                                .issued_before_ns = now_ns};

    return put(t, &order, e);
}

/* ---- leases ------------------------------------------------------------------------------ */

struct batch {
    struct vault *vault;
    struct txn *txn;
    int64_t now_ns;
};

/* Up to a batch of what the scan finds; 1: there may be more. */
static int collect(struct table_scan *it, struct arena *a, struct lease_list *ret,
                   struct err *e)
{
    const struct object *o;
    int r = 0;

    while (ret->len < LEASE_ORDER_BATCH && (r = table_scan_next(it, &o, e)) > 0)
        list_push(a, ret, o->body);
    table_scan_end(it);
    return r < 0 ? r : ret->len == LEASE_ORDER_BATCH;
}

/* "tidy" walks everything, for leases whose token is gone without having taken them along. */
static int is_meant(struct batch *b, const struct lease_order *order, const struct lease *l,
                    struct err *e)
{
    const struct token *t;
    int r;

    if (l->issued_ns > order->issued_before_ns)
        return 0;
    if (strcmp(order->kind, "tidy") != 0)
        return 1;
    if (!l->token_hash || !*l->token_hash || !lease_is_in_state(l, ""))
        return 0;
    r = token_by_hash(b->vault, b->txn, l->token_hash, &t, e);
    return r == ERR_NOTFOUND ? 1 : r;
}

static int prefix_step(struct batch *b, struct lease_order *order, struct err *e)
{
    struct arena *a = txn_arena(b->txn);
    struct lease_list found = {0}, meant = {0};
    struct table_scan it;
    struct key k, from;
    int r, more;

    key_init(&k, lease_table.name);
    key_add_open(&k, str_of(order->what));
    r = table_scan_begin(b->txn, &it, &lease_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    if (order->after && *order->after) {
        key_init(&from, lease_table.name);
        key_add_open(&from, str_of(arena_printf(a, "%s\x01", order->after)));
        r = scan_seek(&it.scan, key_str(&from), e);
    }
    more = r < 0 ? r : collect(&it, a, &found, e);
    for (size_t i = 0; i < found.len && r == 0; i++) {
        r = is_meant(b, order, found.at[i], e);
        if (r == 1)
            list_push(a, &meant, found.at[i]);
        r = r < 0 ? r : 0;
    }
    if (r == 0)
        r = lease_revoke_all(b->vault, b->txn, &meant, order->force, false, b->now_ns, e);
    if (r < 0 || more < 0)
        return r < 0 ? r : more;
    if (found.len)
        order->after = found.at[found.len - 1]->id;
    return more ? put(b->txn, order, e) : del(b->txn, order, e);
}

/* What was revoked has left the index, so every step begins at its front. */
static int token_step(struct batch *b, struct lease_order *order, struct err *e)
{
    struct lease_list found = {0};
    struct table_scan it;
    struct key k;
    int r, more;

    table_index_key(&k, &lease_table, "token");
    key_addz(&k, order->what);
    r = table_scan_index(b->txn, &it, &lease_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    more = collect(&it, txn_arena(b->txn), &found, e);
    if (more >= 0)
        r = lease_revoke_all(b->vault, b->txn, &found, order->force, true, b->now_ns, e);
    if (r < 0 || more < 0)
        return r < 0 ? r : more;
    return more ? 0 : del(b->txn, order, e);
}

/* ---- tokens ------------------------------------------------------------------------------ */

/* The tokens that `k`, leading parts of the index of paths, finds; 1: there are more. */
static int revoke_tokens(struct vault *v, struct txn *t, const struct key *k, int64_t now_ns,
                         struct err *e)
{
    LIST(const struct token *) found = {0};
    struct arena *a = txn_arena(t);
    const struct object *o;
    struct table_scan it;
    int r = table_scan_index(t, &it, &token_table, k, 0, e);

    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0 && found.len < LEASE_ORDER_TOKENS)
        list_push(a, &found, o->body);
    table_scan_end(&it);
    for (size_t i = 0; i < found.len && r >= 0; i++) {
        int done = token_revoke(v, t, found.at[i], now_ns, e);

        r = done < 0 ? done : r;
    }
    return r;
}

/* A token's lease is "<path>/h<hash>": below "a/b/" lie those of path "a/b" and of "a/b/...".
 */
static int revoke_below(struct vault *v, struct txn *t, struct str prefix, int64_t now_ns,
                        struct err *e)
{
    struct key exact, below;
    int r = 0, more;

    table_index_key(&exact, &token_table, "path");
    key_add(&exact, str_upto(prefix, prefix.len ? prefix.len - 1 : 0));
    table_index_key(&below, &token_table, "path");
    key_add_open(&below, prefix);
    if (prefix.len)
        r = revoke_tokens(v, t, &exact, now_ns, e);
    more = r < 0 ? r : revoke_tokens(v, t, &below, now_ns, e);
    return more < 0 || r == 0 ? more : r;
}

int lease_order_tokens(struct vault *v, struct txn *t, struct str prefix, int64_t now_ns,
                       struct err *e)
{
    int more = revoke_below(v, t, prefix, now_ns, e);

    return more <= 0 ? more : lease_order_put(t, "path", prefix, false, now_ns, e);
}

static int path_step(struct batch *b, const struct lease_order *order, struct err *e)
{
    int more = revoke_below(b->vault, b->txn, str_of(order->what), b->now_ns, e);

    return more == 0 ? del(b->txn, order, e) : more < 0 ? more : 0;
}

/* ---- one step ---------------------------------------------------------------------------- */

static int cubbyhole_step(struct batch *b, const struct lease_order *order, struct err *e)
{
    int r = del(b->txn, order, e);

    /* leaves a new order if it is still too much */
    return r < 0 ? r : cubbyhole_delete(b->vault, b->txn, order->what, e);
}

static int do_step(struct batch *b, const struct lease_order *oldest, struct err *e)
{
    struct lease_order order = *oldest;

    if (strcmp(order.kind, "prefix") == 0 || strcmp(order.kind, "tidy") == 0)
        return prefix_step(b, &order, e);
    if (strcmp(order.kind, "token") == 0)
        return token_step(b, &order, e);
    if (strcmp(order.kind, "path") == 0)
        return path_step(b, &order, e);
    if (strcmp(order.kind, "cubbyhole") == 0)
        return cubbyhole_step(b, &order, e);
    return err_set(e, ERR_CORRUPT, "an order to revoke has the unknown kind \"%s\"",
                   order.kind);
}

int lease_order_step(struct vault *v, struct txn *t, int64_t now_ns, bool *ret_more,
                     struct err *e)
{
    struct batch b = {.vault = v, .txn = t, .now_ns = now_ns};
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    *ret_more = false;
    key_init(&k, lease_order_table.name);
    r = table_scan_begin(t, &it, &lease_order_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    r = table_scan_next(&it, &o, e);
    table_scan_end(&it);
    if (r <= 0)
        return r;
    *ret_more = true;
    return do_step(&b, o->body, e);
}
