/*
 * Rows of policies, roles and tokens, and the key that keeps tokens' secrets.
 *
 * A token's secret is stored twice: hashed (HMAC-SHA256), to find the token that a request
 * brings, and sealed, to be shown again to whom may see it. Both keys come from one random key,
 * which stands in a row of its own, sealed with the keyring's active root key.
 */
#include <string.h>

#include "base/codec.h"
#include "crypto/crypto.h"
#include "nomad/server/acl_priv.h"
#include "nomad/server/keyring.h"

enum { KEY_BYTES = 32, TEXT_MAX = 256, COLLECT_MAX = 500 };
#define KEY_NAME "key"

/* ---- tables ----------------------------------------------------------------------------- */

struct acl_mark {
    const char *name, *key_id; /* of the root key that seals it */
    struct str box;
};

#define AT(type, member) .offset = offsetof(struct type, member)

static const struct schema_field mark_fields[] = {
    {"Name", NULL, F_STR, AT(acl_mark, name)},
    {"KeyID", NULL, F_STR, AT(acl_mark, key_id), .def = "\"\""},
    {"Box", NULL, F_BYTES, AT(acl_mark, box)},
};
static SCHEMA(mark_schema, "mark", struct acl_mark, mark_fields);

static const struct schema_field one_time_fields[] = {
    {"Lookup", NULL, F_STR, AT(acl_one_time, lookup)},
    {"AccessorID", NULL, F_STR, AT(acl_one_time, accessor_id)},
    {"Expires", NULL, F_INT, AT(acl_one_time, expires)},
};
static SCHEMA(one_time_schema, "one-time token", struct acl_one_time, one_time_fields);

static void policy_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct acl_policy *)body)->name);
}

static void role_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct acl_role *)body)->id);
}

static bool role_by_name(const void *body, struct key *k)
{
    key_addz(k, ((const struct acl_role *)body)->name);
    return true;
}

static void token_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct acl_token *)body)->accessor_id);
}

static bool token_by_secret(const void *body, struct key *k)
{
    key_addz(k, ((const struct acl_token *)body)->lookup);
    return true;
}

static bool token_expires(const void *body, struct key *k)
{
    const int64_t *at = ((const struct acl_token *)body)->expiration_time;

    if (at)
        key_add_u64(k, (uint64_t)*at);
    return at != NULL;
}

static void one_time_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct acl_one_time *)body)->lookup);
}

static bool one_time_expires(const void *body, struct key *k)
{
    key_add_u64(k, (uint64_t)((const struct acl_one_time *)body)->expires);
    return true;
}

static void mark_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct acl_mark *)body)->name);
}

const struct table acl_policy_table = {
    .name = "acl_policy", .schema = &acl_policy_schema, .key = policy_key};
const struct table acl_role_table = {.name = "acl_role",
                                     .schema = &acl_role_schema,
                                     .key = role_key,
                                     .indexes = {{"by_name", role_by_name}}};
const struct table acl_token_table = {
    .name = "acl_token",
    .schema = &acl_token_schema,
    .key = token_key,
    .indexes = {{"by_secret", token_by_secret}, {"expires", token_expires}}};
const struct table acl_one_time_table = {.name = "acl_one_time",
                                         .schema = &one_time_schema,
                                         .key = one_time_key,
                                         .indexes = {{"expires", one_time_expires}}};
const struct table acl_mark_table = {
    .name = "acl_mark", .schema = &mark_schema, .key = mark_key};

/* ---- reading ---------------------------------------------------------------------------- */

static int get(struct txn *t, const struct table *table, const char *name,
               const struct object **ret, struct err *e)
{
    struct key k;

    key_init(&k, table->name);
    key_addz(&k, name);
    return k.over ? err_set(e, ERR_NOTFOUND, "not found") : table_get(t, table, &k, ret, e);
}

/* The one row of an index's part. */
static int get_by(struct txn *t, const struct table *table, const char *index, const char *part,
                  const struct object **ret, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    table_index_key(&k, table, index);
    key_addz(&k, part);
    if (k.over)
        return err_set(e, ERR_NOTFOUND, "not found");
    r = table_scan_index(t, &it, table, &k, 0, e);
    if (r < 0)
        return r;
    r = table_scan_next(&it, &o, e);
    if (r > 0)
        *ret = o;
    table_scan_end(&it);
    return r == 0 ? err_set(e, ERR_NOTFOUND, "not found") : r < 0 ? r : 0;
}

int acl_policy_get(struct txn *t, const char *name, const struct object **ret, struct err *e)
{
    return get(t, &acl_policy_table, name, ret, e);
}

int acl_role_get(struct txn *t, const char *id, const struct object **ret, struct err *e)
{
    return get(t, &acl_role_table, id, ret, e);
}

int acl_role_by_name(struct txn *t, const char *name, const struct object **ret, struct err *e)
{
    return get_by(t, &acl_role_table, "by_name", name, ret, e);
}

int acl_token_get(struct txn *t, const char *accessor, const struct object **ret, struct err *e)
{
    return get(t, &acl_token_table, accessor, ret, e);
}

int acl_mark_get(struct txn *t, const char *name, const struct object **ret, struct err *e)
{
    return get(t, &acl_mark_table, name, ret, e);
}

static int put_mark(struct txn *t, const struct acl_mark *m, struct err *e)
{
    struct object *o = object_new(&mark_schema);

    memcpy(o->body, schema_copy(&mark_schema, m, o->arena), sizeof *m);
    return state_put(t, &acl_mark_table, o, e);
}

int acl_mark_put(struct txn *t, const char *name, struct err *e)
{
    return put_mark(t, &(struct acl_mark){.name = name, .key_id = ""}, e);
}

bool acl_token_expired(const struct acl_token *tok, int64_t now_ns)
{
    return tok->expiration_time && *tok->expiration_time <= now_ns;
}

int acl_token_policies(struct txn *t, const struct acl_token *tok, struct strlist *ret,
                       struct err *e)
{
    struct arena *a = txn_arena(t);
    const struct object *o;

    for (size_t i = 0; i < tok->policies.len; i++)
        list_push(a, ret, tok->policies.at[i]);
    list_each (&tok->roles, link) {
        int r = acl_role_get(t, str_or_empty(link->id), &o, e);

        if (r < 0 && r != ERR_NOTFOUND)
            return r;
        if (r == 0)
            list_each (&((const struct acl_role *)o->body)->policies, p)
                list_push(a, ret, p->name);
    }
    if (ret->len)
        strlist_sort_unique(ret);
    return 0;
}

/* ---- the key ---------------------------------------------------------------------------- */

static struct str secret_text(const struct secret *s)
{
    return str_n((const char *)s->p, s->len);
}

static int seal_key(struct nomad_server *s, struct txn *t, const struct secret *key,
                    struct err *e)
{
    auto_buf struct buf box = BUF_INIT(TEXT_MAX);
    struct acl_mark m = {.name = KEY_NAME};
    int r =
        root_keyring_seal(s->keyring, t, secret_text(key), STR("acl key"), &m.key_id, &box, e);

    if (r < 0)
        return r;
    m.box = buf_str(&box);
    return put_mark(t, &m, e);
}

static int open_key(struct nomad_server *s, struct txn *t, const struct acl_mark *m,
                    struct secret *ret, struct err *e)
{
    auto_buf struct buf plain = {.max = TEXT_MAX, .secret = true};
    int r = root_keyring_unseal(s->keyring, t, m->key_id, m->box, STR("acl key"), &plain, e);

    return r < 0 ? err_wrap(e, r, "the key of ACL tokens")
                 : secret_copy(plain.p, plain.len, ret, e);
}

static int ensure_key(struct txn *t, void *arg, struct err *e)
{
    auto_secret struct secret key = SECRET_INIT;
    const struct object *o;
    int r = acl_mark_get(t, KEY_NAME, &o, e);

    if (r != ERR_NOTFOUND)
        return r;
    r = secret_random(KEY_BYTES, &key, e);
    return r < 0 ? r : seal_key(arg, t, &key, e);
}

int acl_start(struct nomad_server *s, struct err *e)
{
    struct acl_state *st = calloc(1, sizeof *st);

    if (!st)
        abort();
    lock_init(&st->lock, "acl", RANK_SERVER + 6);
    s->acl = st;
    return s->opts.acl.enabled ? store_run(s->opts.store, ensure_key, s, 0, NULL, e) : 0;
}

void acl_stop(struct nomad_server *s)
{
    struct acl_state *st = s->acl;

    if (!st)
        return;
    acl_sets_done(st);
    secret_done(&st->hash);
    secret_done(&st->seal);
    lock_done(&st->lock);
    free(st);
    s->acl = NULL;
}

int acl_key_is_sealed_by(struct txn *t, const char *root_key, struct err *e)
{
    const struct object *o;
    int r = acl_mark_get(t, KEY_NAME, &o, e);

    if (r < 0)
        return r == ERR_NOTFOUND ? 0 : r;
    return strcmp(((const struct acl_mark *)o->body)->key_id, root_key) == 0;
}

int acl_key_reseal(struct nomad_server *s, struct txn *t, const char *root_key, struct err *e)
{
    auto_secret struct secret key = SECRET_INIT;
    const struct object *o;
    int r = acl_key_is_sealed_by(t, root_key, e);

    if (r <= 0)
        return r;
    r = acl_mark_get(t, KEY_NAME, &o, e);
    if (r == 0)
        r = open_key(s, t, o->body, &key, e);
    return r < 0 ? r : seal_key(s, t, &key, e);
}

/* st->hash and st->seal are those of the row as the transaction sees it. */
static int load_keys(struct nomad_server *s, struct txn *t, struct err *e)
{
    auto_secret struct secret key = SECRET_INIT, hash = SECRET_INIT, seal = SECRET_INIT;
    struct acl_state *st = s->acl;
    const struct object *o;
    int r = acl_mark_get(t, KEY_NAME, &o, e);

    if (r == ERR_NOTFOUND)
        return err_set(e, ERR_UNAVAIL, "there is no key for ACL tokens");
    if (r < 0)
        return r;
    {
        auto_lock struct lock *held = lock_scope(&st->lock);

        if (st->key_rev == o->mod_rev)
            return 0;
    }
    r = open_key(s, t, o->body, &key, e);
    if (r == 0)
        r = hkdf(HASH_SHA256, &key, STR(""), STR("acl token hash"), KEY_BYTES, &hash, e);
    if (r == 0)
        r = hkdf(HASH_SHA256, &key, STR(""), STR("acl token seal"), KEY_BYTES, &seal, e);
    if (r < 0)
        return r;
    auto_lock struct lock *held = lock_scope(&st->lock);

    secret_done(&st->hash);
    secret_done(&st->seal);
    st->hash = hash;
    st->seal = seal;
    hash = seal = (struct secret)SECRET_INIT;
    st->key_rev = o->mod_rev;
    return 0;
}

/* ---- secrets ---------------------------------------------------------------------------- */

int acl_secret_hash(struct nomad_server *s, struct txn *t, struct str secret, const char **ret,
                    struct err *e)
{
    auto_buf struct buf text = BUF_INIT(TEXT_MAX);
    uint8_t sum[HASH_MAX_BYTES];
    int r = load_keys(s, t, e);

    if (r < 0)
        return r;
    lock_take(&s->acl->lock);
    hmac_of(HASH_SHA256, &s->acl->hash, secret, sum);
    lock_drop(&s->acl->lock);
    codec_hex_encode(&text, str_n(sum, hash_bytes(HASH_SHA256)));
    *ret = arena_cstr(txn_arena(t), buf_str(&text));
    return 0;
}

static struct str box_name(struct txn *t, const char *accessor)
{
    return str_of(arena_printf(txn_arena(t), "acl token %s", accessor));
}

int acl_secret_seal(struct nomad_server *s, struct txn *t, const char *accessor,
                    struct str secret, struct str *ret, struct err *e)
{
    auto_buf struct buf box = BUF_INIT(TEXT_MAX);
    int r = load_keys(s, t, e);

    if (r < 0)
        return r;
    lock_take(&s->acl->lock);
    r = aead_seal(&s->acl->seal, secret, box_name(t, accessor), &box, e);
    lock_drop(&s->acl->lock);
    if (r == 0)
        *ret = arena_str(txn_arena(t), buf_str(&box));
    return r;
}

int acl_secret_open(struct nomad_server *s, struct txn *t, const struct acl_token *tok,
                    struct buf *out, struct err *e)
{
    int r = load_keys(s, t, e);

    if (r < 0)
        return r;
    lock_take(&s->acl->lock);
    r = aead_open(&s->acl->seal, tok->secret_box, box_name(t, tok->accessor_id), out, e);
    lock_drop(&s->acl->lock);
    return r;
}

int acl_token_by_secret(struct nomad_server *s, struct txn *t, struct str secret,
                        const struct object **ret, struct err *e)
{
    const char *hash;
    int r = acl_secret_hash(s, t, secret, &hash, e);

    return r < 0 ? r : get_by(t, &acl_token_table, "by_secret", hash, ret, e);
}

/* ---- what is over ----------------------------------------------------------------------- */

struct collection {
    const struct table *table;
    int64_t now_ns;
};

/* By the index the earliest comes first. */
static int collect_some(struct txn *t, void *arg, struct err *e)
{
    const struct collection *col = arg;
    const struct object *o;
    LIST(const struct object *) over = {0};
    struct table_scan it;
    struct key k;
    int r;

    table_index_key(&k, col->table, "expires");
    r = table_scan_index(t, &it, col->table, &k, 0, e);
    if (r < 0)
        return r;
    while (over.len < COLLECT_MAX && (r = table_scan_next(&it, &o, e)) > 0) {
        int64_t at = col->table == &acl_token_table
                         ? *((const struct acl_token *)o->body)->expiration_time
                         : ((const struct acl_one_time *)o->body)->expires;

        if (at > col->now_ns)
            break;
        list_push(txn_arena(t), &over, o);
    }
    table_scan_end(&it);
    for (size_t i = 0; r >= 0 && i < over.len; i++) {
        key_init(&k, col->table->name);
        col->table->key(over.at[i]->body, &k);
        r = table_del(t, col->table, &k, e);
    }
    return r < 0 ? r : 0;
}

int acl_collect(struct nomad_server *s, int64_t now_ns, struct err *e)
{
    struct collection tokens = {&acl_token_table, now_ns}, once = {&acl_one_time_table, now_ns};
    int r =
        s->opts.acl.enabled ? store_run(s->opts.store, collect_some, &tokens, 0, NULL, e) : 0;

    return r < 0 || !s->opts.acl.enabled
               ? r
               : store_run(s->opts.store, collect_some, &once, 0, NULL, e);
}
