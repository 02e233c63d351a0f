#include "store/history.h"

#include <assert.h>
#include <stdlib.h>

#include "store/store_priv.h"

_Static_assert((STORE_HISTORY_MAX & (STORE_HISTORY_MAX - 1)) == 0,
               "chains and ring are masked");

void history_init(struct history *h, uint64_t rev)
{
    lock_init(&h->lock, "history", RANK_STORE_HISTORY);
    h->ring = calloc(STORE_HISTORY_MAX, sizeof *h->ring);
    h->heads = calloc(STORE_HISTORY_MAX, sizeof *h->heads);
    if (!h->ring || !h->heads)
        abort();
    h->oldest = h->published = h->end = 1; /* 0 on a chain: nothing */
    h->base_rev = h->rev = rev;
    h->bytes = 0;
}

struct change_data *change_ref(struct change_data *d)
{
    atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    return d;
}

void change_unref(struct change_data *d)
{
    if (d && atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) == 1)
        free(d);
}

static size_t data_bytes(const struct change_data *d)
{
    return sizeof *d + d->key_len + d->value_len;
}

static struct change *slot(struct history *h, uint64_t n)
{
    return &h->ring[n % STORE_HISTORY_MAX];
}

static void drop_data(struct history *h, struct change *c)
{
    h->bytes -= data_bytes(c->data);
    change_unref(c->data);
    c->data = NULL;
}

static void drop_oldest(struct history *h)
{
    struct change *c = slot(h, h->oldest);

    h->base_rev = c->rev;
    drop_data(h, c);
    c->seq = 0;
    h->oldest++;
}

void history_done(struct history *h)
{
    while (h->oldest < h->end)
        drop_oldest(h);
    free(h->ring);
    free(h->heads);
    lock_done(&h->lock);
}

static struct change_data *data_new(const struct op *op, bool keep_value)
{
    size_t value_len = keep_value && !op->del ? op->value.len : 0;
    struct change_data *d = malloc(sizeof *d + op->key.len + value_len);

    if (!d)
        abort();
    atomic_init(&d->refs, 1);
    d->has_value = keep_value || op->del;
    d->key_len = (uint32_t)op->key.len;
    d->value_len = (uint32_t)value_len;
    memcpy(d->bytes, op->key.p, op->key.len);
    if (value_len)
        memcpy(d->bytes + op->key.len, op->value.p, value_len);
    return d;
}

void history_append(struct history *h, const struct op *op, uint64_t rev, bool keep_value)
{
    struct change_data *d = data_new(op, keep_value);
    uint64_t *head = &h->heads[op->hash % STORE_HISTORY_MAX];

    lock_assert_held(&h->lock);
    while (h->end - h->oldest >= STORE_HISTORY_MAX ||
           (h->oldest < h->end && h->bytes + data_bytes(d) > HISTORY_BYTES))
        drop_oldest(h);
    *slot(h, h->end) = (struct change){
        .rev = rev,
        .create_rev = op->create_rev,
        .hash = op->hash,
        .data = d,
        .seq = h->end,
        .older = *head,
        .effect = op->effect,
    };
    *head = h->end;
    h->end++;
    h->bytes += data_bytes(d);
}

/* Newest first, so that each chain's head comes back to what it was. */
void history_take_back(struct history *h)
{
    uint64_t stop = h->published > h->oldest ? h->published : h->oldest;

    lock_assert_held(&h->lock);
    while (h->end > stop) {
        struct change *c = slot(h, --h->end);

        h->heads[c->hash % STORE_HISTORY_MAX] = c->older;
        drop_data(h, c);
        c->seq = 0;
    }
    if (h->base_rev > h->rev) { /* a group so large that it pushed out all before it */
        h->base_rev = h->rev;
        h->published = h->oldest = h->end;
    }
}

void history_publish(struct history *h, uint64_t rev)
{
    lock_assert_held(&h->lock);
    h->published = h->end;
    h->rev = rev;
}

void history_forget(struct history *h, uint64_t rev)
{
    lock_assert_held(&h->lock);
    while (h->oldest < h->end)
        drop_oldest(h);
    h->published = h->oldest = ++h->end; /* a gap: every watcher is behind it */
    h->base_rev = h->rev = rev;
}

/* A chain ends where a number no longer names the change that sits in its slot. */
bool history_key_changed(const struct history *h, uint64_t hash, struct str key, uint64_t rev)
{
    uint64_t n = h->heads[hash % STORE_HISTORY_MAX];

    while (n != 0) {
        const struct change *c = &h->ring[n % STORE_HISTORY_MAX];

        if (c->seq != n || c->rev <= rev)
            return false;
        if (c->hash == hash && str_eq(change_key(c->data), key))
            return true;
        n = c->older;
    }
    return false;
}

uint64_t history_after(const struct history *h, uint64_t rev)
{
    uint64_t lo = h->oldest, hi = h->end;

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;

        if (history_at(h, mid)->rev <= rev)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}
