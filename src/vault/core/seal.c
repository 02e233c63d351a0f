#include "vault/core/seal.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/random.h"
#include "base/thread.h"
#include "crypto/shamir.h"
#include "lang/json.h"
#include "store/table.h"
#include "vault/core/keyring.h"

/*
 * At rest, outside the barrier (they open it):
 *     core\0seal\0     the slots: JSON, the root key wrapped under each slot's key
 *     core\0keyring\0  the keyring, sealed with the root key
 *
 * The keyring in use is guarded by a reader-writer lock: every sealed value that is read or
 * written takes it for reading, sealing takes it for writing and wipes.
 */
enum { BOX_TERM_BYTES = 4, SLOT_TEXT_MAX = 64 << 10 };

struct seal {
    struct store *store;
    struct store_codec codec;
    pthread_rwlock_t ring_lock;
    struct keyring *ring;   /* NULL: sealed */
    atomic_ullong reserved; /* encryptions of its newest term that are stored as made */
    struct secret root_key; /* while open: rotation writes the keyring again */
    atomic_bool open;

    struct lock lock; /* the attempt under way */
    struct secret shares[SEAL_SHARES_MAX];
    size_t n_shares;
    char nonce[UUID_SIZE];
};

/* The seal's stored configuration. */
struct slots {
    bool found;
    struct seal_config config;
    struct str wrapped; /* root key under the Shamir slot's key */
};

static void core_key(struct key *k, const char *name)
{
    key_init(k, "core");
    key_addz(k, name);
}

/* ---- the barrier: the store's codec ---------------------------------------------------- */

static int box_value(void *ctx, struct str key, struct str plain, struct buf *out,
                     struct err *e)
{
    struct seal *s = ctx;
    int r = ERR_SEALED;

    pthread_rwlock_rdlock(&s->ring_lock);
    if (s->ring) {
        const struct keyring_term *t = keyring_newest(s->ring);
        uint8_t term[BOX_TERM_BYTES] = {(uint8_t)(t->term >> 24), (uint8_t)(t->term >> 16),
                                        (uint8_t)(t->term >> 8), (uint8_t)t->term};

        atomic_fetch_add_explicit(&s->ring->encryptions, 1, memory_order_relaxed);
        buf_put(out, term, sizeof term);
        r = aead_seal(&t->key, plain, key, out, e);
    }
    pthread_rwlock_unlock(&s->ring_lock);
    return r == ERR_SEALED ? err_set(e, ERR_SEALED, "Vault is sealed") : r;
}

static int open_value(void *ctx, struct str key, struct str boxed, struct buf *out,
                      struct err *e)
{
    struct seal *s = ctx;
    const struct keyring_term *t = NULL;
    uint32_t term;
    int r;

    if (boxed.len < BOX_TERM_BYTES)
        return err_set(e, ERR_CORRUPT, "a sealed value is too short");
    const uint8_t *p = (const uint8_t *)boxed.p;

    term = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    pthread_rwlock_rdlock(&s->ring_lock);
    if (!s->ring)
        r = err_set(e, ERR_SEALED, "Vault is sealed");
    else if (!(t = keyring_find(s->ring, term)))
        r = err_set(e, ERR_CORRUPT, "a value is sealed with unknown key term %u", term);
    else
        r = aead_open(&t->key, str_from(boxed, BOX_TERM_BYTES), key, out, e);
    pthread_rwlock_unlock(&s->ring_lock);
    return r;
}

/* ---- life ------------------------------------------------------------------------------ */

int seal_new(struct store *store, struct seal **ret, struct err *e)
{
    struct seal *s = calloc(1, sizeof *s);

    (void)e;
    if (!s)
        abort();
    s->store = store;
    s->codec = (struct store_codec){.ctx = s, .encode = box_value, .decode = open_value};
    pthread_rwlock_init(&s->ring_lock, NULL);
    lock_init(&s->lock, "seal", RANK_VAULT);
    store_set_codec(store, &s->codec);
    *ret = s;
    return 0;
}

static void give_back(struct seal *s, const struct keyring *ring,
                      const struct secret *root_key);

static void drop_shares(struct seal *s)
{
    for (size_t i = 0; i < s->n_shares; i++)
        secret_done(&s->shares[i]);
    s->n_shares = 0;
    s->nonce[0] = '\0';
}

void seal_close(struct seal *s)
{
    auto_secret struct secret root_key = SECRET_INIT;
    auto_keyring struct keyring *ring = NULL;

    pthread_rwlock_wrlock(&s->ring_lock);
    atomic_store(&s->open, false);
    ring = TAKE_PTR(s->ring);
    root_key = s->root_key;
    s->root_key = (struct secret)SECRET_INIT;
    pthread_rwlock_unlock(&s->ring_lock);
    if (ring)
        give_back(s, ring, &root_key);
    store_cache_clear(s->store);
    seal_reset_progress(s);
}

void seal_free(struct seal *s)
{
    if (!s)
        return;
    seal_close(s);
    pthread_rwlock_destroy(&s->ring_lock);
    lock_done(&s->lock);
    free(s);
}

bool seal_is_open(const struct seal *s)
{
    return atomic_load_explicit(&s->open, memory_order_acquire);
}

void seal_reset_progress(struct seal *s)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    drop_shares(s);
}

/* ---- slots ----------------------------------------------------------------------------- */

static int slots_decode(struct str text, struct arena *a, struct slots *ret, struct err *e)
{
    struct json *v;
    int r = json_parse(text, &json_limits_file, JSON_COPY, a, &v, e);
    struct buf raw = BUF_INIT(SLOT_TEXT_MAX);

    if (r < 0)
        return err_wrap(e, ERR_CORRUPT, "seal configuration");
    ret->config.shares = (int)json_i64_or(json_get(v, "shares"), 0);
    ret->config.threshold = (int)json_i64_or(json_get(v, "threshold"), 0);
    r = codec_base64_decode(&raw, json_str_or(json_path(v, "slots.0.root_key"), STR("")), false,
                            true, e);
    if (r == 0)
        ret->wrapped = arena_str(a, buf_str(&raw));
    buf_done(&raw);
    if (r < 0 || ret->config.threshold < 1 || ret->config.shares < ret->config.threshold)
        return err_set(e, ERR_CORRUPT, "the seal configuration is damaged");
    ret->found = true;
    return 0;
}

static int slots_load(struct seal *s, struct arena *a, struct slots *ret,
                      struct str *ret_keyring, struct err *e)
{
    auto_txn struct txn *t = NULL;
    struct record rec;
    struct key k;
    int r = txn_begin(s->store, TXN_READ_ONLY, &t, e);

    *ret = (struct slots){0};
    if (r < 0)
        return r;
    core_key(&k, "seal");
    r = txn_get(t, key_str(&k), &rec, e);
    if (r == ERR_NOTFOUND)
        return 0;
    if (r == 0)
        r = slots_decode(rec.value, a, ret, e);
    if (r < 0 || !ret_keyring)
        return r;
    core_key(&k, "keyring");
    r = txn_get(t, key_str(&k), &rec, e);
    if (r < 0)
        return err_wrap(e, ERR_CORRUPT, "keyring");
    *ret_keyring = arena_str(a, rec.value);
    return 0;
}

static int slots_store(struct txn *t, const struct seal_config *c, struct str wrapped,
                       struct err *e)
{
    auto_buf struct buf text = BUF_INIT(SLOT_TEXT_MAX);
    auto_buf struct buf b64 = BUF_INIT(SLOT_TEXT_MAX);
    struct json_out w;
    struct key k;

    codec_base64_encode(&b64, wrapped, false, true);
    json_out_init(&w, &text, NULL);
    json_obj(&w);
    json_kv_i64(&w, "_v", 1);
    json_kv_i64(&w, "shares", c->shares);
    json_kv_i64(&w, "threshold", c->threshold);
    json_key(&w, "slots");
    json_arr(&w);
    json_obj(&w);
    json_kv_str(&w, "type", "shamir");
    json_kv_strn(&w, "root_key", buf_str(&b64));
    json_obj_end(&w);
    json_arr_end(&w);
    json_obj_end(&w);
    core_key(&k, "seal");
    return txn_put(t, key_str(&k), buf_str(&text), e);
}

static int keyring_store(struct txn *t, const struct keyring *ring,
                         const struct secret *root_key, struct err *e)
{
    auto_secret struct secret plain = SECRET_INIT;
    auto_buf struct buf box = BUF_INIT(SECRET_MAX + AEAD_OVERHEAD);
    struct key k;
    int r = keyring_encode(ring, &plain, e);

    core_key(&k, "keyring");
    if (r == 0)
        r = aead_seal(root_key, str_n(plain.p, plain.len), key_str(&k), &box, e);
    return r < 0 ? r : txn_put(t, key_str(&k), buf_str(&box), e);
}

static int keyring_open(const struct secret *root_key, struct str box, struct keyring **ret,
                        struct err *e)
{
    auto_secret struct secret plain = SECRET_INIT;
    struct key k;
    int r;

    core_key(&k, "keyring");
    r = aead_open_secret(root_key, box, key_str(&k), &plain, e);
    return r < 0 ? r : keyring_decode(&plain, ret, e);
}

/* Under ring_lock. Takes both over. */
static void use_keys(struct seal *s, struct keyring **ring, struct secret *root_key)
{
    keyring_free(s->ring);
    secret_done(&s->root_key);
    s->ring = TAKE_PTR(*ring);
    s->root_key = *root_key;
    *root_key = (struct secret)SECRET_INIT;
    atomic_store(&s->reserved, keyring_newest(s->ring)->reserved);
}

/* ---- init ------------------------------------------------------------------------------ */

static int check_config(const struct seal_config *c, struct err *e)
{
    const char *why = NULL;

    if (c->shares < 1)
        why = "shares must be at least one";
    else if (c->threshold < 1)
        why = "threshold must be at least one";
    else if (c->shares > 1 && c->threshold == 1)
        why = "threshold must be greater than one for multiple shares";
    else if (c->shares > SEAL_SHARES_MAX)
        why = "shares must be less than 256";
    else if (c->threshold > c->shares)
        why = "threshold cannot be larger than shares";
    return why ? err_set(e, ERR_INVALID, "invalid seal configuration: %s", why) : 0;
}

static int make_shares(const struct secret *slot_key, const struct seal_config *c,
                       struct secret *ret_shares, struct err *e)
{
    if (c->shares == 1)
        return secret_copy(slot_key->p, slot_key->len, &ret_shares[0], e);
    return shamir_split(slot_key, (size_t)c->shares, (size_t)c->threshold, ret_shares, e);
}

int seal_init(struct seal *s, struct txn *t, const struct seal_config *c,
              const char *cluster_name, struct secret *ret_shares, struct err *e)
{
    auto_secret struct secret slot_key = SECRET_INIT, root_key = SECRET_INIT;
    auto_keyring struct keyring *ring = NULL;
    auto_buf struct buf wrapped = BUF_INIT(SECRET_MAX);
    char id[UUID_SIZE], name[KEYRING_NAME_SIZE];
    struct record rec;
    struct key k;
    int r = check_config(c, e);

    if (r < 0)
        return r;
    core_key(&k, "seal");
    if (txn_get(t, key_str(&k), &rec, NULL) == 0)
        return err_set(e, ERR_INVALID, "Vault is already initialized");
    random_uuid(id);
    snprintf(name, sizeof name, "%s", cluster_name ? cluster_name : "vault-cluster-");
    if (!cluster_name)
        random_hex(name + strlen(name), 8);
    r = keyring_new(name, id, clock_wall_ns(), &ring, e);
    if (r == 0)
        r = secret_random(SEAL_KEY_BYTES, &slot_key, e);
    if (r == 0)
        r = secret_random(SEAL_KEY_BYTES, &root_key, e);
    if (r == 0)
        r = aead_seal(&slot_key, str_n(root_key.p, root_key.len), STR("root key"), &wrapped, e);
    if (r == 0)
        r = slots_store(t, c, buf_str(&wrapped), e);
    if (r == 0)
        r = keyring_store(t, ring, &root_key, e);
    if (r == 0)
        r = make_shares(&slot_key, c, ret_shares, e);
    if (r < 0)
        return r;
    pthread_rwlock_wrlock(&s->ring_lock);
    use_keys(s, &ring, &root_key);
    pthread_rwlock_unlock(&s->ring_lock);
    return 0;
}

/* ---- unseal ---------------------------------------------------------------------------- */

/* The root key out of `n` shares; wrong ones cannot open the slot. */
static int root_key_of(const struct slots *sl, const struct secret *shares, size_t n,
                       struct secret *ret, struct err *e)
{
    auto_secret struct secret slot_key = SECRET_INIT;
    int r = n == 1 ? secret_copy(shares[0].p, shares[0].len, &slot_key, e)
                   : shamir_combine(shares, n, &slot_key, e);

    if (r == 0 && slot_key.len != SEAL_KEY_BYTES)
        r = ERR_CORRUPT;
    if (r == 0)
        r = aead_open_secret(&slot_key, sl->wrapped, STR("root key"), ret, e);
    if (r < 0)
        return err_set(
            e, ERR_INVALID,
            "unable to retrieve stored keys: invalid key: failed to decrypt keys from "
            "storage: cipher: message authentication failed");
    return 0;
}

static int open_with(struct seal *s, const struct slots *sl, struct str keyring_box,
                     const struct secret *shares, size_t n, struct err *e)
{
    auto_secret struct secret root_key = SECRET_INIT;
    auto_keyring struct keyring *ring = NULL;
    int r = root_key_of(sl, shares, n, &root_key, e);

    if (r < 0)
        return r;
    r = keyring_open(&root_key, keyring_box, &ring, e);
    if (r < 0)
        return err_wrap(e, ERR_CORRUPT, "open the keyring");

    pthread_rwlock_wrlock(&s->ring_lock);
    if (!atomic_load(&s->open)) {
        use_keys(s, &ring, &root_key);
        atomic_store(&s->open, true);
    }
    pthread_rwlock_unlock(&s->ring_lock);
    return 0;
}

int seal_open_with_shares(struct seal *s, const struct secret *shares, size_t n, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct slots sl;
    struct str box = {0};
    int r = slots_load(s, a, &sl, &box, e);

    if (r == 0 && !sl.found)
        r = err_set(e, ERR_INVALID, "Vault is not initialized");
    return r < 0 ? r : open_with(s, &sl, box, shares, n, e);
}

int seal_verify_shares(struct seal *s, const struct secret *shares, size_t n, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    auto_secret struct secret root_key = SECRET_INIT;
    struct slots sl;
    int r = slots_load(s, a, &sl, NULL, e);

    if (r == 0 && !sl.found)
        r = err_set(e, ERR_INVALID, "Vault is not initialized");
    return r < 0 ? r : root_key_of(&sl, shares, n, &root_key, e);
}

static int check_share(const struct slots *sl, size_t len, struct err *e)
{
    size_t min = SEAL_KEY_BYTES / 2, max = SEAL_KEY_BYTES + 1;

    if (!sl->found)
        return err_set(e, ERR_INVALID, "Vault is not initialized");
    if (len < min)
        return err_set(e, ERR_INVALID, "invalid key: key is shorter than minimum %zu bytes",
                       min);
    if (len > max)
        return err_set(e, ERR_INVALID, "invalid key: key is longer than maximum %zu bytes",
                       max);
    return 0;
}

/* Under s->lock. 1: new, 0: had it already. */
static int remember_share(struct seal *s, const uint8_t *share, size_t len, struct err *e)
{
    for (size_t i = 0; i < s->n_shares; i++)
        if (s->shares[i].len == len && crypto_eq(s->shares[i].p, share, len))
            return 0;
    if (s->n_shares == SEAL_SHARES_MAX)
        return err_set(e, ERR_LIMIT, "too many shares");
    if (s->n_shares == 0)
        random_uuid(s->nonce);
    int r = secret_copy(share, len, &s->shares[s->n_shares], e);

    if (r < 0)
        return r;
    s->n_shares++;
    return 1;
}

int seal_unseal(struct seal *s, const uint8_t *share, size_t len, bool *ret_opened,
                struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct slots sl;
    struct str box = {0};
    int r;

    if (seal_is_open(s)) {
        *ret_opened = false;
        return 0;
    }
    r = slots_load(s, a, &sl, &box, e);
    if (r == 0)
        r = check_share(&sl, len, e);
    if (r < 0)
        return r;

    auto_lock struct lock *held = lock_scope(&s->lock);

    r = remember_share(s, share, len, e);
    if (r < 0)
        return r;
    if (s->n_shares < (size_t)sl.config.threshold) {
        *ret_opened = false;
        return 0;
    }
    r = open_with(s, &sl, box, s->shares, s->n_shares, e);
    drop_shares(s);
    if (r < 0)
        return r;
    *ret_opened = true;
    return 0;
}

/* ---- what it tells --------------------------------------------------------------------- */

int seal_status(struct seal *s, struct seal_status *ret, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct slots sl;
    int r = slots_load(s, a, &sl, NULL, e);

    if (r < 0)
        return r;
    *ret = (struct seal_status){.initialized = sl.found,
                                .sealed = true,
                                .type = "shamir",
                                .shares = sl.config.shares,
                                .threshold = sl.config.threshold};
    lock_take(&s->lock);
    ret->progress = (int)s->n_shares;
    memcpy(ret->nonce, s->nonce, sizeof ret->nonce);
    lock_drop(&s->lock);

    pthread_rwlock_rdlock(&s->ring_lock);
    if (s->ring) {
        ret->sealed = false;
        snprintf(ret->cluster_name, sizeof ret->cluster_name, "%s", s->ring->cluster_name);
        snprintf(ret->cluster_id, sizeof ret->cluster_id, "%s", s->ring->cluster_id);
    }
    pthread_rwlock_unlock(&s->ring_lock);
    return 0;
}

void seal_key_status(struct seal *s, struct key_status *ret)
{
    *ret = (struct key_status){0};
    pthread_rwlock_rdlock(&s->ring_lock);
    if (s->ring) {
        const struct keyring_term *t = keyring_newest(s->ring);

        *ret =
            (struct key_status){t->term, t->installed_ns, atomic_load(&s->ring->encryptions)};
    }
    pthread_rwlock_unlock(&s->ring_lock);
}

/* The new ring goes into use only when its record is durable: the caller's on-commit hook calls
 * seal_reload. Until then the old term seals. */
int seal_rotate(struct seal *s, struct txn *t, int64_t now_ns, struct err *e)
{
    auto_keyring struct keyring *now = NULL, *next = NULL;
    struct record rec;
    struct key k;
    int r;

    core_key(&k, "keyring");
    r = txn_get(t, key_str(&k), &rec, e);
    if (r < 0)
        return r;
    pthread_rwlock_rdlock(&s->ring_lock);
    r = s->ring ? keyring_open(&s->root_key, rec.value, &now, e) : ERR_SEALED;
    if (r == 0)
        r = keyring_with_term(now, now_ns, &next, e);
    if (r == 0)
        r = keyring_store(t, next, &s->root_key, e);
    pthread_rwlock_unlock(&s->ring_lock);
    return r == ERR_SEALED ? err_set(e, ERR_SEALED, "Vault is sealed") : r;
}

int seal_reload(struct seal *s, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    auto_keyring struct keyring *ring = NULL;
    struct slots sl;
    struct str box = {0};
    int r = slots_load(s, a, &sl, &box, e);

    if (r < 0)
        return r;
    pthread_rwlock_wrlock(&s->ring_lock);
    if (s->ring) {
        r = keyring_open(&s->root_key, box, &ring, e);
        if (r == 0 && keyring_newest(ring)->term > keyring_newest(s->ring)->term) {
            struct keyring *old = s->ring;

            atomic_store(&ring->encryptions, 1); /* its own record */
            atomic_store(&s->reserved, keyring_newest(ring)->reserved);
            s->ring = TAKE_PTR(ring);
            keyring_free(old);
        }
    }
    pthread_rwlock_unlock(&s->ring_lock);
    return r;
}

/* ---- how often the newest term has encrypted -------------------------------------------- */

struct count {
    const struct secret *root_key;
    uint32_t term;
    uint64_t n;
};

/* The stored number of a term, in the stored keyring; a newer term than `c` knows stays alone.
 */
static int store_count(struct txn *t, void *arg, struct err *e)
{
    auto_keyring struct keyring *stored = NULL;
    const struct count *c = arg;
    struct record rec;
    struct key k;
    int r;

    core_key(&k, "keyring");
    r = txn_get(t, key_str(&k), &rec, e);
    if (r == 0)
        r = keyring_open(c->root_key, rec.value, &stored, e);
    if (r < 0 || keyring_newest(stored)->term != c->term)
        return r;
    stored->terms[stored->n_terms - 1].reserved = c->n;
    return keyring_store(t, stored, c->root_key, e);
}

/* Nothing encrypts any more: the number is what it is. */
static void give_back(struct seal *s, const struct keyring *ring, const struct secret *root_key)
{
    struct count c = {root_key, keyring_newest(ring)->term, atomic_load(&ring->encryptions)};

    if (c.n != atomic_load(&s->reserved))
        store_run(s->store, store_count, &c, 0, NULL, NULL); /* failed: the larger one stays */
    atomic_store(&s->reserved, 0);
}

/* *ret_due: there is to be a larger number; then *c is it, with a root key of its own. */
static int count_ahead(struct seal *s, struct secret *root_key, struct count *c, bool *ret_due,
                       struct err *e)
{
    int r = 0;

    *ret_due = false;
    pthread_rwlock_rdlock(&s->ring_lock);
    if (atomic_load(&s->open)) {
        uint64_t n = atomic_load(&s->ring->encryptions);

        *ret_due = n + SEAL_COUNT_STEP > atomic_load(&s->reserved);
        *c = (struct count){root_key, keyring_newest(s->ring)->term, n + 2 * SEAL_COUNT_STEP};
        if (*ret_due)
            r = secret_copy(s->root_key.p, s->root_key.len, root_key, e);
    }
    pthread_rwlock_unlock(&s->ring_lock);
    return r;
}

int seal_reserve_count(struct seal *s, struct err *e)
{
    auto_secret struct secret root_key = SECRET_INIT;
    struct count c;
    bool due;
    int r = count_ahead(s, &root_key, &c, &due, e);

    if (r < 0 || !due)
        return r;
    r = store_run(s->store, store_count, &c, 0, NULL, e);
    pthread_rwlock_rdlock(&s->ring_lock);
    if (r == 0 && s->ring && keyring_newest(s->ring)->term == c.term)
        atomic_store(&s->reserved, c.n);
    pthread_rwlock_unlock(&s->ring_lock);
    return r;
}

int seal_hash(struct seal *s, const char *domain, struct str value, char ret[SEAL_HASH_SIZE],
              struct err *e)
{
    enum { INLINE = 512 };
    uint8_t mac[HASH_MAX_BYTES];
    char text[INLINE];
    size_t dlen = strlen(domain) + 1, len = dlen + value.len;
    auto_free char *big = len > sizeof text ? malloc(len) : NULL;
    char *p = big ? big : text;
    bool open;

    assert(big || len <= sizeof text);
    memcpy(p, domain, dlen);
    if (value.len)
        memcpy(p + dlen, value.p, value.len);
    pthread_rwlock_rdlock(&s->ring_lock);
    open = s->ring != NULL;
    if (open)
        hmac_of(HASH_SHA256, &s->ring->hash_key, str_n(p, len), mac);
    pthread_rwlock_unlock(&s->ring_lock);
    secret_wipe(p, len);
    if (!open)
        return err_set(e, ERR_SEALED, "Vault is sealed");
    for (size_t i = 0; i < SEAL_HASH_SIZE - 1; i++)
        ret[i] = "0123456789abcdef"[i % 2 ? mac[i / 2] & 15 : mac[i / 2] >> 4];
    ret[SEAL_HASH_SIZE - 1] = '\0';
    return 0;
}

int seal_derive(struct seal *s, const char *purpose, size_t len, struct secret *ret,
                struct err *e)
{
    int r = ERR_SEALED;

    pthread_rwlock_rdlock(&s->ring_lock);
    if (s->ring)
        r = hkdf(HASH_SHA256, &s->ring->hash_key, STR("serai"), str_of(purpose), len, ret, e);
    pthread_rwlock_unlock(&s->ring_lock);
    return r == ERR_SEALED ? err_set(e, ERR_SEALED, "Vault is sealed") : r;
}
