#include "nomad/server/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "crypto/crypto.h"
#include "crypto/jwt.h"
#include "crypto/pkey.h"
#include "nomad/server/key_file.h"

#define ALGORITHM "aes256-gcm"

static const struct schema_field root_key_fields[] = {
    {"Algorithm", NULL, F_STR, offsetof(struct root_key, algorithm)},
    {"CreateIndex", NULL, F_UINT, offsetof(struct root_key, create_index)},
    {"CreateTime", NULL, F_INT, offsetof(struct root_key, create_time)},
    {"KeyID", NULL, F_STR, offsetof(struct root_key, id)},
    {"ModifyIndex", NULL, F_UINT, offsetof(struct root_key, modify_index)},
    {"PublishTime", NULL, F_INT, offsetof(struct root_key, publish_time)},
    {"State", NULL, F_STR, offsetof(struct root_key, state)},
    {"KeyBox", NULL, F_BYTES, offsetof(struct root_key, key_box), .flags = FIELD_HIDDEN},
    {"SignerBox", NULL, F_BYTES, offsetof(struct root_key, signer_box), .flags = FIELD_HIDDEN},
    {"Jwk", NULL, F_STR, offsetof(struct root_key, jwk), .flags = FIELD_HIDDEN, .def = "\"\""},
};
SCHEMA(root_key_schema, "root key", struct root_key, root_key_fields);

static void root_key_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct root_key *)body)->id);
}

static void root_key_key_of(struct key *k, const char *id)
{
    key_init(k, root_key_table.name);
    key_addz(k, id);
}

const struct table root_key_table = {
    .name = "root_key", .schema = &root_key_schema, .key = root_key_key};

/* ---- keys that are open ------------------------------------------------------------------ */

struct opened {
    atomic_uint refs;
    char id[UUID_SIZE];
    struct secret key;
    struct pkey *signer; /* NULL: it was not made yet */
};

struct root_keyring {
    struct lock lock; /* of `at` */
    VEC(struct opened *) at;
    struct secret file_keys[FILE_KEYS_MAX];
    size_t n_file_keys;
};

static void opened_unref(struct opened *o)
{
    if (!o || atomic_fetch_sub(&o->refs, 1) != 1)
        return;
    secret_done(&o->key);
    pkey_unref(o->signer);
    free(o);
}
DEFINE_AUTO(struct opened *, opened_unref)
#define auto_opened AUTO(opened_unrefp)

int root_keyring_open(const char *file, bool must_exist, struct root_keyring **ret,
                      struct err *e)
{
    struct root_keyring *k = calloc(1, sizeof *k);
    int r;

    if (!k)
        abort();
    lock_init(&k->lock, "keyring", RANK_SERVER);
    r = key_file_load(file, must_exist, k->file_keys, FILE_KEYS_MAX, &k->n_file_keys, e);
    if (r < 0) {
        root_keyring_free(k);
        return r;
    }
    *ret = k;
    return 0;
}

void root_keyring_free(struct root_keyring *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < k->at.len; i++)
        opened_unref(k->at.at[i]);
    vec_done(&k->at);
    for (size_t i = 0; i < FILE_KEYS_MAX; i++)
        secret_done(&k->file_keys[i]);
    lock_done(&k->lock);
    free(k);
}

/* ---- sealed with the key file ------------------------------------------------------------ */

/* What a box is bound to: it opens nowhere else. */
static struct str box_name(struct arena *a, const char *what, const char *id)
{
    return str_of(arena_printf(a, "root key %s %s", what, id));
}

static struct str secret_str(const struct secret *s)
{
    return str_n((const char *)s->p, s->len);
}

static int open_box(const struct root_keyring *k, struct str box, struct str aad,
                    struct secret *ret, struct err *e)
{
    for (size_t i = 0; i < k->n_file_keys; i++)
        if (aead_open_secret(&k->file_keys[i], box, aad, ret, NULL) == 0)
            return 0;
    return err_set(e, ERR_UNAVAIL,
                   "a root key was sealed with another key file than this server has");
}

static int seal_into(const struct root_keyring *k, struct str plain, const char *what,
                     const char *id, struct arena *a, struct str *ret, struct err *e)
{
    auto_buf struct buf box = BUF_INIT(SECRET_MAX + AEAD_OVERHEAD);
    int r = aead_seal(&k->file_keys[0], plain, box_name(a, what, id), &box, e);

    if (r == 0)
        *ret = arena_str(a, buf_str(&box));
    return r;
}

/* ---- making ------------------------------------------------------------------------------ */

int root_key_add_signer(struct root_keyring *k, struct root_key *row, struct arena *a,
                        struct err *e)
{
    auto_buf struct buf pem = {.max = PKEY_PEM_MAX, .secret = true};
    auto_buf struct buf jwk = BUF_INIT(PKEY_PEM_MAX);
    auto_pkey struct pkey *pair = NULL;
    int r = pkey_generate(PKEY_RSA, SIGNER_BITS, &pair, e);

    if (r == 0)
        r = pkey_put_private_pem(pair, &pem, e);
    if (r == 0)
        r = pkey_put_jwk(pair, str_of(row->id), &jwk, e);
    if (r == 0)
        r = seal_into(k, buf_str(&pem), "signer", row->id, a, &row->signer_box, e);
    if (r == 0)
        row->jwk = arena_cstr(a, buf_str(&jwk));
    return r;
}

int root_key_make(struct root_keyring *k, bool with_signer, int64_t now_ns, struct arena *a,
                  struct root_key *ret, struct err *e)
{
    auto_secret struct secret key = SECRET_INIT;
    char id[UUID_SIZE];
    int r;

    random_uuid(id);
    *ret = (struct root_key){.id = arena_strdup(a, id),
                             .algorithm = ALGORITHM,
                             .state = KEY_INACTIVE,
                             .create_time = now_ns,
                             .jwk = ""};
    r = secret_random(AEAD_KEY_BYTES, &key, e);
    if (r == 0)
        r = seal_into(k, secret_str(&key), "key", ret->id, a, &ret->key_box, e);
    if (r == 0 && with_signer)
        r = root_key_add_signer(k, ret, a, e);
    return r;
}

/* ---- opening ----------------------------------------------------------------------------- */

static struct opened *find_opened(struct root_keyring *k, const char *id, bool need_signer)
{
    auto_lock struct lock *held = lock_scope(&k->lock);

    for (size_t i = 0; i < k->at.len; i++) {
        struct opened *o = k->at.at[i];

        if (strcmp(o->id, id) == 0 && (o->signer || !need_signer)) {
            atomic_fetch_add(&o->refs, 1);
            return o;
        }
    }
    return NULL;
}

/* In the place of the same key without a signer, or of the oldest when there are many. */
static void keep_opened(struct root_keyring *k, struct opened *o)
{
    auto_lock struct lock *held = lock_scope(&k->lock);
    size_t i = 0;

    atomic_fetch_add(&o->refs, 1);
    while (i < k->at.len && strcmp(k->at.at[i]->id, o->id) != 0)
        i++;
    if (i == k->at.len && k->at.len < ROOT_KEYS_MAX) {
        vec_push(&k->at, o);
        return;
    }
    i = i == k->at.len ? 0 : i;
    opened_unref(k->at.at[i]);
    k->at.at[i] = o;
}

void root_keyring_forget(struct root_keyring *k, const char *id)
{
    auto_lock struct lock *held = lock_scope(&k->lock);

    for (size_t i = 0; i < k->at.len; i++)
        if (strcmp(k->at.at[i]->id, id) == 0) {
            opened_unref(k->at.at[i]);
            k->at.at[i] = k->at.at[--k->at.len];
            return;
        }
}

static int open_row(struct root_keyring *k, const struct root_key *row, struct opened **ret,
                    struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    auto_opened struct opened *o = calloc(1, sizeof *o);
    auto_secret struct secret pem = SECRET_INIT;
    int r;

    if (!o)
        abort();
    atomic_init(&o->refs, 1);
    memcpy(o->id, row->id, strnlen(row->id, UUID_SIZE - 1));
    r = open_box(k, row->key_box, box_name(a, "key", row->id), &o->key, e);
    if (r == 0 && row->signer_box.len) {
        r = open_box(k, row->signer_box, box_name(a, "signer", row->id), &pem, e);
        if (r == 0)
            r = pkey_from_pem(secret_str(&pem), &o->signer, e);
    }
    if (r < 0)
        return err_wrap(e, r, "root key %s", row->id);
    keep_opened(k, o);
    *ret = TAKE_PTR(o);
    return 0;
}

bool root_key_opens(struct root_keyring *k, const struct root_key *row)
{
    auto_opened struct opened *o = NULL;

    return open_row(k, row, &o, NULL) == 0;
}

/* Only as long as its row is there. */
static int opened_key(struct root_keyring *k, struct txn *t, const char *id, bool need_signer,
                      struct opened **ret, struct err *e)
{
    const struct object *o;
    struct key key;
    int r;

    root_key_key_of(&key, id);
    r = table_peek(t, &root_key_table, &key, &o, e);
    if (r == ERR_NOTFOUND)
        return err_set(e, ERR_UNAVAIL, "root key %s is gone", id);
    if (r < 0)
        return r;
    *ret = find_opened(k, id, need_signer);
    if (*ret)
        return 0;
    r = open_row(k, o->body, ret, e);
    if (r == 0 && need_signer && !(*ret)->signer)
        r = err_set(e, ERR_UNAVAIL, "the signing key is being made: try again");
    return r;
}

/* ---- rows -------------------------------------------------------------------------------- */

int root_key_put(struct txn *t, const struct root_key *row, struct err *e)
{
    struct object *o = object_new(&root_key_schema);
    struct root_key *n = o->body;

    memcpy(n, schema_copy(&root_key_schema, row, o->arena), sizeof *n);
    n->create_index = n->modify_index = 0;
    return state_put(t, &root_key_table, o, e);
}

int root_key_get(struct txn *t, const char *id, const struct object **ret, struct err *e)
{
    struct key k;

    root_key_key_of(&k, id);
    return table_get(t, &root_key_table, &k, ret, e);
}

int root_key_del(struct txn *t, const char *id, struct err *e)
{
    struct key k;

    root_key_key_of(&k, id);
    return table_del(t, &root_key_table, &k, e);
}

int root_keys(struct txn *t, unsigned scan_flags, struct arena *a, root_key_list *ret,
              struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    table_prefix(&root_key_table, &k);
    r = table_scan_begin(t, &it, &root_key_table, &k, scan_flags, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        list_push(a, ret, o);
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

int root_key_active(struct txn *t, unsigned scan_flags, const struct root_key **ret,
                    struct err *e)
{
    root_key_list all = {0};
    int r = root_keys(t, scan_flags, txn_arena(t), &all, e);

    if (r < 0)
        return r;
    for (size_t i = 0; i < all.len; i++) {
        *ret = all.at[i]->body;
        if (strcmp((*ret)->state, KEY_ACTIVE) == 0)
            return 0;
    }
    return err_set(e, ERR_UNAVAIL, "keyring has no active key");
}

static int set_state(struct txn *t, const struct root_key *row, const char *state,
                     struct err *e)
{
    struct root_key n = *row;

    n.state = state;
    return root_key_put(t, &n, e);
}

int root_key_activate(struct txn *t, const char *id, const char *old_state, struct err *e)
{
    root_key_list all = {0};
    int r = root_keys(t, 0, txn_arena(t), &all, e);

    for (size_t i = 0; r == 0 && i < all.len; i++) {
        const struct root_key *row = all.at[i]->body;

        if (strcmp(row->id, id) == 0)
            r = set_state(t, row, KEY_ACTIVE, e);
        else if (strcmp(row->state, KEY_ACTIVE) == 0)
            r = set_state(t, row, old_state, e);
        else if (strcmp(old_state, KEY_REKEYING) == 0 && strcmp(row->state, KEY_INACTIVE) == 0)
            r = set_state(t, row, KEY_REKEYING, e);
    }
    return r;
}

static int seals_something(struct txn *t, const char *id, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    table_index_key(&k, &variable_table, "by_key");
    key_addz(&k, id);
    r = table_scan_index(t, &it, &variable_table, &k, SCAN_KEYS_ONLY, e);
    if (r < 0)
        return r;
    r = table_scan_next(&it, &o, e);
    table_scan_end(&it);
    return r;
}

static bool is_signed_by(const void *body, const void *id)
{
    const struct alloc *al = body;

    return !alloc_client_terminal(al) && strcmp(str_or_empty(al->signing_key_id), id) == 0;
}

int root_key_in_use(struct txn *t, const char *id, struct err *e)
{
    int r = acl_key_is_sealed_by(t, id, e);

    if (r == 0)
        r = seals_something(t, id, e);
    /* Allocs change all the time, and one that is placed meanwhile signs with the active key.
     */
    return r != 0 ? r : any_row(t, &alloc_table, NULL, SCAN_PEEK, is_signed_by, id, e);
}

/* ---- using ------------------------------------------------------------------------------- */

int root_keyring_seal(struct root_keyring *k, struct txn *t, struct str plain, struct str aad,
                      const char **ret_id, struct buf *out, struct err *e)
{
    auto_opened struct opened *o = NULL;
    const struct root_key *active;
    int r = root_key_active(t, 0, &active, e);

    if (r == 0)
        r = opened_key(k, t, active->id, false, &o, e);
    if (r == 0)
        r = aead_seal(&o->key, plain, aad, out, e);
    if (r == 0)
        *ret_id = active->id;
    return r;
}

int root_keyring_unseal(struct root_keyring *k, struct txn *t, const char *id, struct str box,
                        struct str aad, struct buf *out, struct err *e)
{
    auto_opened struct opened *o = NULL;
    int r = opened_key(k, t, id, false, &o, e);

    return r < 0 ? r : aead_open(&o->key, box, aad, out, e);
}

int root_keyring_sign(struct root_keyring *k, struct txn *t, const char *id, struct str claims,
                      struct buf *out, struct err *e)
{
    auto_opened struct opened *o = NULL;
    const struct root_key *active;
    const struct object *row;
    int r = *id ? root_key_get(t, id, &row, e) : ERR_NOTFOUND;

    if (r == ERR_NOTFOUND) {
        r = root_key_active(t, SCAN_PEEK, &active, e);
        if (r == 0)
            id = active->id;
    }
    if (r == 0)
        r = opened_key(k, t, id, true, &o, e);
    return r < 0 ? r : jwt_sign(o->signer, str_of(id), claims, out, e);
}

int root_keyring_verify(struct root_keyring *k, struct txn *t, struct str token,
                        struct buf *out, struct err *e)
{
    auto_opened struct opened *o = NULL;
    struct jwt_header h;
    const char *id;
    int r = jwt_header(token, txn_arena(t), &h, e);

    if (r < 0)
        return err_set(e, ERR_DENIED, "not a token of this server");
    id = arena_cstr(txn_arena(t), h.kid);
    r = opened_key(k, t, id, true, &o, e);
    return r < 0 ? err_set(e, ERR_DENIED, "no key of this server is named %s", id)
                 : jwt_verify(o->signer, token, out, e);
}
