/*
 * history -- the recent changes, for validation and for watches
 *
 * A ring of the last STORE_HISTORY_MAX changes (fewer when their bytes pass HISTORY_BYTES),
 * each also on a chain by the hash of its key, so that "was this key changed after revision R?"
 * costs a lookup. The committer appends a transaction's changes as soon as it is accepted, so
 * that later ones of its group are checked against it, and takes them back if the disk refuses
 * the group; only what is published is shown to watchers.
 *
 * Thread: appended by the committer, read by anyone, under `lock`.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include <stdatomic.h>

#include "base/thread.h"
#include "store/overlay.h"
#include "store/store.h"

enum { HISTORY_BYTES = 32 << 20 };

/* A change's bytes: shared by the ring and by watchers that read it. */
struct change_data {
    atomic_uint refs;
    bool has_value; /* kept only if somebody was watching */
    uint32_t key_len, value_len;
    char bytes[];
};

struct change {
    uint64_t rev, create_rev, hash;
    struct change_data *data;
    uint64_t seq, older; /* its own number and the chain's next */
    uint8_t effect;      /* enum op_effect */
};

struct history {
    struct lock lock;
    struct change *ring;
    uint64_t *heads;                 /* by hash: number of the newest change on that chain */
    uint64_t oldest, published, end; /* numbers of changes */
    uint64_t base_rev;               /* changes up to this revision may be missing */
    uint64_t rev;                    /* newest published revision */
    size_t bytes;
};

void history_init(struct history *h, uint64_t rev);
void history_done(struct history *h);

static inline struct str change_key(const struct change_data *d)
{
    return str_n(d->bytes, d->key_len);
}
static inline struct str change_value(const struct change_data *d)
{
    return str_n(d->bytes + d->key_len, d->value_len);
}
struct change_data *change_ref(struct change_data *d);
void change_unref(struct change_data *d); /* NULL is fine */

/* All with the lock held. */
void history_append(struct history *h, const struct op *op, uint64_t rev, bool keep_value);
void history_take_back(struct history *h); /* what is not published */
void history_publish(struct history *h, uint64_t rev);
void history_forget(struct history *h, uint64_t rev); /* everything: a restore */
static inline const struct change *history_at(const struct history *h, uint64_t n)
{
    return &h->ring[n % STORE_HISTORY_MAX];
}
/* Was `key` changed after `rev`? Only meaningful for rev >= base_rev. */
bool history_key_changed(const struct history *h, uint64_t hash, struct str key, uint64_t rev);
/* Number of the first change after `rev` (<= end). */
uint64_t history_after(const struct history *h, uint64_t rev);

#endif
