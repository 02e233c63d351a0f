#include "vault/core/keyring.h"

#include <string.h>

#include "base/err.h"

/* Plain form: all numbers big endian. */
enum {
    FORMAT_UNCOUNTED = 1,
    FORMAT = 2,
    HEAD_BYTES = 1 + KEYRING_NAME_SIZE + KEYRING_ID_SIZE + KEYRING_KEY_BYTES + 4,
    COUNT_BYTES = 8,
    TERM_BYTES = 4 + 8 + COUNT_BYTES + KEYRING_KEY_BYTES,
};
_Static_assert(HEAD_BYTES + KEYRING_TERMS_MAX * TERM_BYTES <= SECRET_MAX,
               "fits in locked memory");

static struct keyring *keyring_alloc(void)
{
    struct keyring *k = calloc(1, sizeof *k);

    if (!k)
        abort();
    return k;
}

void keyring_free(struct keyring *k)
{
    if (!k)
        return;
    secret_done(&k->hash_key);
    for (size_t i = 0; i < k->n_terms; i++)
        secret_done(&k->terms[i].key);
    free(k);
}

static int add_term(struct keyring *k, int64_t now_ns, struct err *e)
{
    struct keyring_term *t = &k->terms[k->n_terms];
    int r;

    if (k->n_terms == KEYRING_TERMS_MAX)
        return err_set(e, ERR_LIMIT, "the keyring is full: %d terms", KEYRING_TERMS_MAX);
    r = secret_random(KEYRING_KEY_BYTES, &t->key, e);
    if (r < 0)
        return r;
    t->term = k->n_terms ? k->terms[k->n_terms - 1].term + 1 : 1;
    t->installed_ns = now_ns;
    k->n_terms++;
    return 0;
}

int keyring_new(const char *cluster_name, const char *cluster_id, int64_t now_ns,
                struct keyring **ret, struct err *e)
{
    auto_keyring struct keyring *k = keyring_alloc();
    int r;

    snprintf(k->cluster_name, sizeof k->cluster_name, "%s", cluster_name);
    snprintf(k->cluster_id, sizeof k->cluster_id, "%s", cluster_id);
    r = secret_random(KEYRING_KEY_BYTES, &k->hash_key, e);
    if (r == 0)
        r = add_term(k, now_ns, e);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(k);
    return 0;
}

int keyring_with_term(const struct keyring *k, int64_t now_ns, struct keyring **ret,
                      struct err *e)
{
    auto_keyring struct keyring *next = NULL;
    auto_secret struct secret plain = SECRET_INIT;
    int r = keyring_encode(k, &plain, e);

    if (r == 0)
        r = keyring_decode(&plain, &next, e);
    if (r == 0)
        r = add_term(next, now_ns, e);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(next);
    return 0;
}

static uint8_t *put(uint8_t *p, const void *from, size_t len)
{
    memcpy(p, from, len);
    return p + len;
}

static uint8_t *put_number(uint8_t *p, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    return p + bytes;
}

static uint64_t take_number(const uint8_t **p, size_t bytes)
{
    uint64_t v = 0;

    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | *(*p)++;
    return v;
}

int keyring_encode(const struct keyring *k, struct secret *ret, struct err *e)
{
    struct secret out = SECRET_INIT;
    int r = secret_alloc(HEAD_BYTES + k->n_terms * TERM_BYTES, &out, e);
    uint8_t *p = out.p;

    if (r < 0)
        return r;
    *p++ = FORMAT;
    p = put(p, k->cluster_name, KEYRING_NAME_SIZE);
    p = put(p, k->cluster_id, KEYRING_ID_SIZE);
    p = put(p, k->hash_key.p, KEYRING_KEY_BYTES);
    p = put_number(p, k->n_terms, 4);
    for (size_t i = 0; i < k->n_terms; i++) {
        p = put_number(p, k->terms[i].term, 4);
        p = put_number(p, (uint64_t)k->terms[i].installed_ns, 8);
        p = put_number(p, k->terms[i].reserved, COUNT_BYTES);
        p = put(p, k->terms[i].key.p, KEYRING_KEY_BYTES);
    }
    *ret = out;
    return 0;
}

int keyring_decode(const struct secret *plain, struct keyring **ret, struct err *e)
{
    auto_keyring struct keyring *k = keyring_alloc();
    const uint8_t *p = plain->p;
    size_t n, count_bytes = plain->len && *p == FORMAT_UNCOUNTED ? 0 : COUNT_BYTES;
    size_t term_bytes = TERM_BYTES - COUNT_BYTES + count_bytes;
    int r;

    if (plain->len < HEAD_BYTES + term_bytes || *p < FORMAT_UNCOUNTED || *p++ > FORMAT)
        return err_set(e, ERR_CORRUPT, "the keyring has an unknown form");
    memcpy(k->cluster_name, p, KEYRING_NAME_SIZE - 1);
    p += KEYRING_NAME_SIZE;
    memcpy(k->cluster_id, p, KEYRING_ID_SIZE - 1);
    p += KEYRING_ID_SIZE;
    r = secret_copy(p, KEYRING_KEY_BYTES, &k->hash_key, e);
    if (r < 0)
        return r;
    p += KEYRING_KEY_BYTES;
    n = take_number(&p, 4);
    if (n == 0 || n > KEYRING_TERMS_MAX || plain->len != HEAD_BYTES + n * term_bytes)
        return err_set(e, ERR_CORRUPT, "the keyring has a wrong length");
    for (; k->n_terms < n; p += KEYRING_KEY_BYTES) {
        struct keyring_term *t = &k->terms[k->n_terms];

        t->term = (uint32_t)take_number(&p, 4);
        t->installed_ns = (int64_t)take_number(&p, 8);
        t->reserved = take_number(&p, count_bytes);
        r = secret_copy(p, KEYRING_KEY_BYTES, &t->key, e);
        if (r < 0)
            return r;
        k->n_terms++;
    }
    atomic_init(&k->encryptions, keyring_newest(k)->reserved);
    *ret = TAKE_PTR(k);
    return 0;
}

const struct keyring_term *keyring_find(const struct keyring *k, uint32_t term)
{
    for (size_t i = k->n_terms; i > 0; i--)
        if (k->terms[i - 1].term == term)
            return &k->terms[i - 1];
    return NULL;
}
