/*
 * keyring -- the root keys: what seals variables, and what signs tasks' identities
 *
 *     rotate ---> active --- the next rotation -----------------> inactive
 *       |           ^                                                ^
 *       |           | its time has come                              | nothing is sealed with
 * it
 *       +----> prepublished            --- the next full rotation -> rekeying
 *
 * A root key is an AES-256 key and an RSA-2048 key, made together, stored in a row of their
 * own, each sealed with the *key file* (docs/internals/keyring.md). Exactly one is active: it
 * seals and it signs. The others open and verify for as long as they are there.
 *
 * Thread:  any; opened keys are kept in memory under a lock and counted.
 * Memory:  plain key bytes live in struct secret and in OpenSSL's wiped memory only.
 * Errors:  ERR_UNAVAIL (no active key, a key that the key file does not open), ERR_CORRUPT (a
 * box that does not open), ERR_NOTFOUND, ERR_LIMIT (ROOT_KEYS_MAX). Limits:  below.
 */
#ifndef NOMAD_SERVER_KEYRING_H
#define NOMAD_SERVER_KEYRING_H

#include "nomad/server/data_api.h"

struct root_keyring;
struct pkey;

enum {
    ROOT_KEYS_MAX = 100,
    FILE_KEYS_MAX = 16, /* lines of the key file; the first one seals, all of them open */
    SIGNER_BITS = 2048,
};

#define KEY_ACTIVE "active"
#define KEY_INACTIVE "inactive"
#define KEY_PREPUBLISHED "prepublished"
#define KEY_REKEYING "rekeying"

struct root_key {
    const char *id, *algorithm, *state;
    int64_t create_time, publish_time; /* Unix ns */
    struct str key_box, signer_box;    /* sealed */
    const char *jwk;                   /* the signer's public half; "": it is being made */
    uint64_t create_index, modify_index;
};

extern const struct schema root_key_schema;

/* The key file is read, or made unless it `must_exist` (NULL: a key in memory, for one life);
 * no row is looked at. */
int root_keyring_open(const char *file, bool must_exist, struct root_keyring **ret,
                      struct err *e);
void root_keyring_free(struct root_keyring *k); /* NULL is fine */

/* ---- rows ------------------------------------------------------------------------------- */

/* A new root key, in the arena. Slow with a signer (RSA): not on a request's thread. */
int root_key_make(struct root_keyring *k, bool with_signer, int64_t now_ns, struct arena *a,
                  struct root_key *ret, struct err *e);
int root_key_add_signer(struct root_keyring *k, struct root_key *row, struct arena *a,
                        struct err *e);
int root_key_put(struct txn *t, const struct root_key *row, struct err *e);
int root_key_del(struct txn *t, const char *id, struct err *e);
int root_key_get(struct txn *t, const char *id, const struct object **ret, struct err *e);

typedef LIST(const struct object *) root_key_list;
int root_keys(struct txn *t, unsigned scan_flags, struct arena *a, root_key_list *ret,
              struct err *e);
/* ERR_UNAVAIL: there is none. */
int root_key_active(struct txn *t, unsigned scan_flags, const struct root_key **ret,
                    struct err *e);
/* Does the key file open it? */
bool root_key_opens(struct root_keyring *k, const struct root_key *row);
/* Makes `id` the active one; the active one becomes `old_state`. */
int root_key_activate(struct txn *t, const char *id, const char *old_state, struct err *e);
/* 1: a variable is sealed with it, or a live alloc's identities name it. */
int root_key_in_use(struct txn *t, const char *id, struct err *e);

/* ---- using ------------------------------------------------------------------------------ */

/* Its opened form is dropped from memory. */
void root_keyring_forget(struct root_keyring *k, const char *id);
/* With the active key; its id goes into *ret_id (the txn's arena). */
int root_keyring_seal(struct root_keyring *k, struct txn *t, struct str plain, struct str aad,
                      const char **ret_id, struct buf *out, struct err *e);
int root_keyring_unseal(struct root_keyring *k, struct txn *t, const char *id, struct str box,
                        struct str aad, struct buf *out, struct err *e);
/* A JWT by key `id`, or by the active one if that is gone. */
int root_keyring_sign(struct root_keyring *k, struct txn *t, const char *id, struct str claims,
                      struct buf *out, struct err *e);
/* ERR_DENIED: not signed by a key that is here. Appends the claims. */
int root_keyring_verify(struct root_keyring *k, struct txn *t, struct str token,
                        struct buf *out, struct err *e);

/* ---- keyring_loop.c --------------------------------------------------------------------- */

/* There is an active key when it returns. */
int root_keyring_start(struct nomad_server *s, struct err *e);
void root_keyring_stop(struct nomad_server *s);
void root_keyring_wake(struct nomad_server *s);

#endif
