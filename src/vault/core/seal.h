/*
 * seal -- is the barrier open, and how is it opened
 *
 *      uninitialised --init--> sealed --unseal (threshold of shares)--> unsealed
 * --seal/restart--> sealed
 *
 * The root key encrypts the keyring; it is itself kept wrapped in *slots*, one per way of
 * opening (a Shamir slot now; a KMS or a peer later). The keyring holds the data keys by term
 * and the key for token hashes. None of them is ever in memory outside `struct secret`.
 * Unsealing writes nothing, so it works on a full disk.
 *
 * The barrier is the store's codec while unsealed: value = 4 bytes term (big endian), 12 bytes
 * nonce, ciphertext, 16 bytes tag; associated data = the record's whole key.
 *
 * Thread: any; own lock.
 */
#ifndef VAULT_CORE_SEAL_H
#define VAULT_CORE_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/secret.h"
#include "crypto/crypto.h"

struct err;
struct seal;
struct store;
struct txn;

enum { SEAL_SHARES_MAX = 255, SEAL_KEY_BYTES = 32, SEAL_MAX_ENCRYPTIONS = 1 << 30 };

struct seal_config {
    int shares, threshold;
};

struct seal_status {
    bool initialized, sealed;
    const char *type; /* "shamir" */
    int shares, threshold, progress;
    char nonce[37];                        /* of the attempt under way, "" none */
    char cluster_name[64], cluster_id[37]; /* "" while sealed */
};

int seal_new(struct store *s, struct seal **ret, struct err *e);
void seal_free(struct seal *s); /* wipes everything; NULL is fine */
int seal_status(struct seal *s, struct seal_status *ret, struct err *e);
bool seal_is_open(const struct seal *s); /* cheap: one atomic load */

/* First set-up: makes keys, stores slots and keyring in `t` (committed by the caller);
 * ret_shares[i] are the shares (one alone is the key itself). The barrier works from here on,
 * so that the first records go into the same transaction, but the vault counts as sealed: end
 * with seal_close (or open it with the shares). */
int seal_init(struct seal *s, struct txn *t, const struct seal_config *c,
              const char *cluster_name, struct secret *ret_shares, struct err *e);
/* One share. Opens when the threshold is reached: *ret_opened. */
int seal_unseal(struct seal *s, const uint8_t *share, size_t len, bool *ret_opened,
                struct err *e);
void seal_reset_progress(struct seal *s);
void seal_close(struct seal *s); /* seal: wipes keys, clears the object cache */
/* Inside the sequence of `init` in dev mode and tests: open with the root key at hand. */
int seal_open_with_shares(struct seal *s, const struct secret *shares, size_t n, struct err *e);

/* Shares that were given prove themselves against the slot (generate-root, rekey, later). */
int seal_verify_shares(struct seal *s, const struct secret *shares, size_t n, struct err *e);

struct key_status {
    uint32_t term;
    int64_t installed_ns;
    uint64_t encryptions;
};
void seal_key_status(struct seal *s, struct key_status *ret);
/* Store a keyring with a new term in `t`; it comes into use by seal_reload, once `t` is
 * durable. */
int seal_rotate(struct seal *s, struct txn *t, int64_t now_ns, struct err *e);
int seal_reload(struct seal *s, struct err *e);

/*
 * How often a term has encrypted survives a restart: what is stored is a number that it has not
 * reached yet, written ahead in steps, so that no request pays for it. An orderly close stores
 * the number itself; after a crash the term counts as used up to what was reserved.
 */
enum { SEAL_COUNT_STEP = 1 << 22 };
/* Store a larger number if the present one is nearer than a step. The caller comes by once a
 * minute. Blocks for a commit if it writes. */
int seal_reserve_count(struct seal *s, struct err *e);

/* HMAC-SHA256 under the keyring's hash key, hex: how tokens are stored and logged. ERR_SEALED.
 */
enum { SEAL_HASH_SIZE = 65 };
int seal_hash(struct seal *s, const char *domain, struct str value, char ret[SEAL_HASH_SIZE],
              struct err *e);
/* A further key for one purpose (batch tokens, ...), derived with HKDF; ERR_SEALED. */
int seal_derive(struct seal *s, const char *purpose, size_t len, struct secret *ret,
                struct err *e);

#endif
