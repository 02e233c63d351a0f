/*
 * keyring -- the data keys by term, and what else is derived from the vault's secret
 *
 * Plain form (in locked memory only): version, cluster name and id, hash key, then each term.
 * At rest it is sealed with the root key. Version 1 had no counts; it is read, and never
 * written.
 *
 * Thread: immutable once made, but for the counter of the newest term (atomic).
 * Errors: ERR_CORRUPT, ERR_LIMIT (KEYRING_TERMS_MAX, locked memory).
 */
#ifndef VAULT_CORE_KEYRING_H
#define VAULT_CORE_KEYRING_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/secret.h"

struct err;

enum {
    KEYRING_TERMS_MAX = 256,
    KEYRING_KEY_BYTES = 32,
    KEYRING_NAME_SIZE = 64,
    KEYRING_ID_SIZE = 37
};

struct keyring_term {
    uint32_t term;
    int64_t installed_ns;
    uint64_t reserved; /* as stored: so many encryptions may have been made under it */
    struct secret key;
};

struct keyring {
    char cluster_name[KEYRING_NAME_SIZE], cluster_id[KEYRING_ID_SIZE];
    struct secret hash_key; /* tokens are stored as HMACs under it; never rotated */
    struct keyring_term terms[KEYRING_TERMS_MAX];
    size_t n_terms; /* the last one seals */
    atomic_ullong
        encryptions; /* of the newest term; what is stored as `reserved` is never less */
};

int keyring_new(const char *cluster_name, const char *cluster_id, int64_t now_ns,
                struct keyring **ret, struct err *e);
/* A copy with one more term. */
int keyring_with_term(const struct keyring *k, int64_t now_ns, struct keyring **ret,
                      struct err *e);
void keyring_free(struct keyring *k); /* wipes; NULL is fine */
DEFINE_AUTO(struct keyring *, keyring_free)
#define auto_keyring AUTO(keyring_freep)

int keyring_encode(const struct keyring *k, struct secret *ret, struct err *e);
int keyring_decode(const struct secret *plain, struct keyring **ret, struct err *e);

const struct keyring_term *keyring_find(const struct keyring *k,
                                        uint32_t term); /* NULL: unknown */
static inline const struct keyring_term *keyring_newest(const struct keyring *k)
{
    return &k->terms[k->n_terms - 1];
}

#endif
