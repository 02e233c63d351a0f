#include "vault/core/lease.h"

#include <string.h>

#include "base/random.h"
#include "vault/core/lease_priv.h"

/* ---- the table -------------------------------------------------------------------------- */

static const struct schema_field lease_fields[] = {
    {"id", NULL, F_STR, offsetof(struct lease, id)},
    {"token", NULL, F_STR, offsetof(struct lease, token_hash)},
    {"mount", NULL, F_STR, offsetof(struct lease, mount_uuid)},
    {"issued", NULL, F_INT, offsetof(struct lease, issued_ns)},
    {"expires", NULL, F_INT, offsetof(struct lease, expires_ns)},
    {"renewed", NULL, F_INT, offsetof(struct lease, renewed_ns), .flags = FIELD_OMITEMPTY},
    {"renewable", NULL, F_BOOL, offsetof(struct lease, renewable)},
    {"ttl", NULL, F_INT, offsetof(struct lease, ttl_s)},
    {"max_ttl", NULL, F_INT, offsetof(struct lease, max_ttl_s), .flags = FIELD_OMITEMPTY},
    {"internal", NULL, F_JSON, offsetof(struct lease, internal),
     .flags = FIELD_SECRET | FIELD_OMITEMPTY},
    {"data", NULL, F_JSON, offsetof(struct lease, data),
     .flags = FIELD_SECRET | FIELD_OMITEMPTY},
    {"state", NULL, F_STR, offsetof(struct lease, state), .flags = FIELD_OMITEMPTY},
    {"next_try", NULL, F_INT, offsetof(struct lease, next_try_ns), .flags = FIELD_OMITEMPTY},
    {"tries", NULL, F_INT, offsetof(struct lease, tries), .flags = FIELD_OMITEMPTY},
    {"last_error", NULL, F_STR, offsetof(struct lease, last_error), .flags = FIELD_OMITEMPTY},
};
SCHEMA(lease_schema, "lease", struct lease, lease_fields);

static void table_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct lease *)body)->id);
}

bool lease_is_in_state(const struct lease *l, const char *state)
{
    return strcmp(l->state ? l->state : "", state) == 0;
}

/* Expiry, or the next try. */
int64_t lease_due_ns(const struct lease *l)
{
    return lease_is_in_state(l, "") ? l->expires_ns : l->next_try_ns;
}

static bool expires_parts(const void *body, struct key *k)
{
    key_add_u64(k, (uint64_t)lease_due_ns(body));
    return true;
}

/* In the order of their making, so that those of a busy token share a page when they are
 * written: ids are random and would touch a page each. */
static bool token_parts(const void *body, struct key *k)
{
    const struct lease *l = body;

    if (!l->token_hash || !*l->token_hash)
        return false;
    key_addz(k, l->token_hash);
    key_add_u64(k, (uint64_t)l->issued_ns);
    return true;
}

static bool irrevocable_parts(const void *body, struct key *k)
{
    (void)k;
    return lease_is_in_state(body, LEASE_IRREVOCABLE);
}

const struct table lease_table = {.name = "lease",
                                  .schema = &lease_schema,
                                  .key = table_key,
                                  .indexes = {{"expires", expires_parts},
                                              {"token", token_parts},
                                              {"irrevocable", irrevocable_parts}},
                                  .sealed = true};

/* ---- records ---------------------------------------------------------------------------- */

static void lease_key(struct key *k, struct str id)
{
    key_init(k, lease_table.name);
    key_add(k, id);
}

int lease_get(struct txn *t, struct str id, const struct lease **ret, struct err *e)
{
    const struct object *o;
    struct key k;
    int r;

    if (id.len > LEASE_ID_MAX)
        return err_set(e, ERR_NOTFOUND, "no such lease");
    lease_key(&k, id);
    r = table_get(t, &lease_table, &k, &o, e);
    if (r == 0)
        *ret = o->body;
    return r;
}

int lease_put(struct txn *t, const struct lease *l, struct err *e)
{
    auto_object struct object *o = object_new(&lease_schema);

    memcpy(o->body, schema_copy(&lease_schema, l, o->arena), sizeof *l);
    return table_put(t, &lease_table, o, e);
}

int lease_del(struct txn *t, const char *id, struct err *e)
{
    struct key k;

    lease_key(&k, str_of(id));
    return table_del(t, &lease_table, &k, e);
}

int lease_make_due(struct txn *t, const struct lease *l, bool force, bool forget_token,
                   int64_t now_ns, struct err *e)
{
    struct lease due = *l;

    due.state = force || lease_is_in_state(l, LEASE_FORCED) ? LEASE_FORCED : LEASE_DUE;
    due.next_try_ns = now_ns;
    due.tries = 0;
    if (due.expires_ns > now_ns)
        due.expires_ns = now_ns;
    if (forget_token)
        due.token_hash = "";
    return lease_put(t, &due, e);
}

bool lease_needs_engine(struct vault *v, struct txn *t, const struct lease *l)
{
    const struct mount *m;

    return mount_by_uuid(v, t, l->mount_uuid, &m, NULL) == 0 && m->engine->revoke;
}

/* All questions about mounts come before the first write: a transaction with writes of its own
 * cannot use the shared snapshot of the mounts. */
int lease_revoke_all(struct vault *v, struct txn *t, const struct lease_list *all, bool force,
                     bool forget_token, int64_t now_ns, struct err *e)
{
    bool *needs = arena_array(txn_arena(t), bool, all->len + 1);
    int r = 0;

    for (size_t i = 0; i < all->len; i++)
        needs[i] = i > 0 && strcmp(all->at[i]->mount_uuid, all->at[i - 1]->mount_uuid) == 0
                       ? needs[i - 1]
                       : lease_needs_engine(v, t, all->at[i]);
    for (size_t i = 0; i < all->len && r == 0; i++)
        r = needs[i] ? lease_make_due(t, all->at[i], force, forget_token, now_ns, e)
                     : lease_del(t, all->at[i]->id, e);
    return r;
}

/* ---- the leases of tokens: their own records, seen as leases ------------------------------
 */

bool lease_id_of_token(struct str id, struct str *ret_path, struct str *ret_hash)
{
    size_t tail = strlen("/h") + SEAL_HASH_SIZE - 1;
    struct str hash;

    if (id.len <= tail)
        return false;
    hash = str_from(id, id.len - tail);
    if (!str_starts(hash, STR("/h")))
        return false;
    *ret_path = str_upto(id, id.len - tail);
    *ret_hash = str_from(hash, strlen("/h"));
    return true;
}

int lease_find_token(struct vault *v, struct txn *t, struct str id, const struct token **ret,
                     struct err *e)
{
    struct str path, hash;
    int r;

    if (!lease_id_of_token(id, &path, &hash))
        return err_set(e, ERR_NOTFOUND, "no such lease");
    r = token_by_hash(v, t, arena_cstr(txn_arena(t), hash), ret, e);
    if (r == 0 && !str_eqc(path, (*ret)->path))
        return err_set(e, ERR_NOTFOUND, "no such lease");
    return r;
}

/* ---- registering ------------------------------------------------------------------------ */

/*
 * A handler that asked the outside world finishes in a transaction of its own: its token may
 * have been revoked since. A lease must not outlive what it hangs on, and the write-ahead
 * record undoes what was made.
 */
static int check_token(struct req *r, struct err *e)
{
    const struct token *t = r->token, *now;
    int ret;

    if (!t || !t->type || strcmp(t->type, "batch") == 0)
        return 0;
    ret = token_by_hash(r->vault, r->txn, t->hash, &now, e);
    return ret == ERR_NOTFOUND ? err_set(e, ERR_DENIED, "permission denied") : ret;
}

/* The same for the mount: it may be on its way out by now. Reading the row, not the snapshot,
 * makes a disabling that commits first send us round again. */
static int check_mount(struct req *r, struct err *e)
{
    const struct object *o;
    struct key k;
    int ret;

    mount_row_key(&k, r->mount);
    ret = table_get(r->txn, &mount_table, &k, &o, e);
    if (ret == ERR_NOTFOUND || (ret == 0 && ((const struct mount *)o->body)->tainted))
        return err_set(e, ERR_NOTFOUND, "no handler for route \"%.*s\". route entry not found.",
                       STR_ARG(r->full_path));
    return ret;
}

/* Batch tokens have no record: what they make is their parent's, and ends with them. */
static const char *owner_of(const struct token *t)
{
    if (!t)
        return "";
    return strcmp(t->type, "batch") == 0 ? t->parent_hash : t->hash;
}

static int64_t cap_to_token(const struct req *r, int64_t ttl_s)
{
    const struct token *t = r->token;
    int64_t left;

    if (!t || !t->expires_ns || strcmp(t->type, "batch") != 0)
        return ttl_s;
    left = (t->expires_ns - r->now_ns) / 1000000000;
    return left < ttl_s ? left : ttl_s;
}

/* The data object as it was written so far; core closes it only later. */
static int data_as_json(struct req *r, struct json **ret, struct err *e)
{
    struct str text = buf_str(&r->priv->data);

    *ret = NULL;
    if (!r->out)
        return 0;
    text = str_of(arena_printf(r->a, "%.*s}", STR_ARG(text)));
    return json_parse(text, &json_limits_file, 0, r->a, ret, e);
}

static int lease_id(struct req *r, const char **ret, struct err *e)
{
    struct str path = r->full_path;
    char suffix[LEASE_SUFFIX_CHARS + 1];

    while (path.len && path.p[path.len - 1] == '/')
        path.len--;
    if (!str_is_utf8(path)) /* an id is text: it is asked for in JSON */
        return req_fail(e, "the path of a leased secret must be UTF-8");
    if (path.len + 1 + LEASE_SUFFIX_CHARS > LEASE_ID_MAX)
        return req_fail(e, "the path of a leased secret may have at most %d bytes",
                        LEASE_ID_MAX - 1 - LEASE_SUFFIX_CHARS);
    random_base62(suffix, LEASE_SUFFIX_CHARS);
    *ret = arena_printf(r->a, "%.*s/%s", STR_ARG(path), suffix);
    return 0;
}

static int decide_ttl(struct req *r, const struct secret_made *s, int64_t *ret, struct err *e)
{
    struct ttl_input in = {.backend_ttl_s = s->ttl_s,
                           .backend_max_s = s->max_ttl_s,
                           .mount_default_s = mount_default_ttl_s(r->vault, r->mount),
                           .mount_max_s = mount_max_ttl_s(r->vault, r->mount),
                           .start_ns = r->now_ns,
                           .now_ns = r->now_ns};
    const char *warning;
    int ret_code = ttl_decide(&in, r->a, ret, &warning, e);

    if (ret_code < 0)
        return ret_code;
    if (warning)
        req_warn(r, "%s", warning);
    *ret = cap_to_token(r, *ret);
    return 0;
}

int lease_register(struct req *r, const struct secret_made *s, const struct lease **ret,
                   struct err *e)
{
    struct lease *l = arena_new_of(r->a, struct lease);
    int ret_code = check_token(r, e);

    if (ret_code == 0)
        ret_code = check_mount(r, e);
    if (ret_code == 0)
        ret_code = lease_id(r, &l->id, e);
    if (ret_code == 0)
        ret_code = decide_ttl(r, s, &l->ttl_s, e);
    if (ret_code == 0)
        ret_code = data_as_json(r, &l->data, e);
    if (ret_code < 0)
        return ret_code;
    l->token_hash = owner_of(r->token);
    l->mount_uuid = r->mount->uuid;
    l->issued_ns = r->now_ns;
    l->expires_ns = r->now_ns + l->ttl_s * 1000000000;
    l->renewable = s->renewable;
    l->max_ttl_s = s->max_ttl_s;
    l->internal = json_copy(r->a, s->internal);
    l->state = "";
    ret_code = lease_put(r->txn, l, e);
    if (ret_code == 0)
        *ret = l;
    return ret_code;
}

/* ---- revoking in the caller's transaction ------------------------------------------------ */

/*
 * A few leases are dealt with here, so that what depends on the order of things is one
 * transaction; the loop's wait on the expiry index wakes it once that is durable. The walk is
 * tracked: a lease that is registered beside it makes the caller run again.
 */
static int revoke_walked(struct vault *v, struct txn *t, struct table_scan *it, bool force,
                         bool forget_token, int64_t now_ns, bool *ret_all, struct err *e)
{
    struct lease_list found = {0};
    struct arena *a = txn_arena(t);
    const struct object *o;
    int r;

    while ((r = table_scan_next(it, &o, e)) > 0) {
        if (found.len == LEASE_INLINE_REVOKES)
            break;
        list_push(a, &found, o->body);
    }
    *ret_all = r == 0;
    table_scan_end(it);
    return r < 0 ? r : lease_revoke_all(v, t, &found, force, forget_token, now_ns, e);
}

int lease_revoke_of_token(struct vault *v, struct txn *t, const char *token_hash,
                          int64_t now_ns, struct err *e)
{
    struct table_scan it;
    struct key k;
    bool all;
    int r;

    table_index_key(&k, &lease_table, "token");
    key_addz(&k, token_hash);
    r = table_scan_index(t, &it, &lease_table, &k, 0, e);
    if (r == 0)
        r = revoke_walked(v, t, &it, false, true, now_ns, &all, e);
    if (r == 0 && !all)
        r = lease_order_put(t, "token", str_of(token_hash), false, now_ns, e);
    return r;
}

/* "ssh" means what lies below "ssh/", and a lease that is called so. */
static int revoke_exact(struct vault *v, struct txn *t, struct str id, bool force,
                        int64_t now_ns, struct err *e)
{
    const struct lease *l;
    const struct token *tok;
    int r = lease_get(t, id, &l, NULL);

    if (r == 0)
        return lease_needs_engine(v, t, l) ? lease_make_due(t, l, force, false, now_ns, e)
                                           : lease_del(t, l->id, e);
    if (r != ERR_NOTFOUND)
        return err_set(e, r, "%s", err_kind_text(r));
    r = lease_find_token(v, t, id, &tok, NULL);
    if (r == ERR_NOTFOUND)
        return 0;
    return r < 0 ? err_set(e, r, "%s", err_kind_text(r)) : token_revoke(v, t, tok, now_ns, e);
}

int lease_revoke_prefix(struct vault *v, struct txn *t, struct str prefix, bool force,
                        int64_t now_ns, struct err *e)
{
    struct table_scan it;
    struct key k;
    bool all;
    int r = 0;

    if (prefix.len && prefix.p[prefix.len - 1] != '/') {
        r = revoke_exact(v, t, prefix, force, now_ns, e);
        prefix = str_of(arena_printf(txn_arena(t), "%.*s/", STR_ARG(prefix)));
    }
    if (r < 0)
        return r;
    key_init(&k, lease_table.name);
    key_add_open(&k, prefix);
    r = table_scan_begin(t, &it, &lease_table, &k, 0, e);
    if (r == 0)
        r = revoke_walked(v, t, &it, force, false, now_ns, &all, e);
    if (r == 0 && !all)
        r = lease_order_put(t, "prefix", prefix, force, now_ns, e);
    if (r == 0)
        r = lease_order_tokens(v, t, prefix, now_ns, e);
    return r;
}
