#include "store/reads.h"

#include "base/err.h"
#include "base/map.h"
#include "store/history.h"

static int too_many(struct err *e)
{
    return err_set(e, ERR_TOOBIG, "a transaction reads more than %d keys or ranges", READS_MAX);
}

int reads_add_key(struct reads *r, struct arena *a, struct str key, struct err *e)
{
    struct read_key *k;

    if (r->keys.len && str_eq(r->keys.at[r->keys.len - 1].key, key))
        return 0;
    if (r->keys.len >= READS_MAX)
        return too_many(e);
    k = list_add(a, &r->keys);
    k->key = arena_str(a, key);
    return 0;
}

int reads_add_range(struct reads *r, struct arena *a, struct read_range **ret, struct err *e)
{
    if (r->ranges.len >= READS_MAX)
        return too_many(e);
    *ret = arena_new_of(a, struct read_range);
    list_push(a, &r->ranges, *ret);
    return 0;
}

static int by_lo(const void *a, const void *b)
{
    return str_cmp(((const struct read_range *)a)->lo, ((const struct read_range *)b)->lo);
}

/* Does `a` reach at least to where `b` ends? */
static bool ends_not_before(const struct read_range *a, const struct read_range *b)
{
    int c;

    if (!a->hi.p || !b->hi.p)
        return !a->hi.p;
    c = str_cmp(a->hi, b->hi);
    return c > 0 || (c == 0 && (a->hi_in || !b->hi_in));
}

static bool range_has(const struct read_range *r, struct str key)
{
    int c;

    if (str_cmp(key, r->lo) < 0)
        return false;
    if (!r->hi.p)
        return true;
    c = str_cmp(key, r->hi);
    return c < 0 || (c == 0 && r->hi_in);
}

/* `at` is sorted by lo. Ranges that touch or overlap become one. */
static size_t merge(struct read_range *at, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        struct read_range *last = n ? &at[n - 1] : NULL;

        if (!last || !(range_has(last, at[i].lo) || (last->hi.p && str_eq(last->hi, at[i].lo))))
            at[n++] = at[i];
        else if (!ends_not_before(last, &at[i])) {
            last->hi = at[i].hi;
            last->hi_in = at[i].hi_in;
        }
    }
    return n;
}

void reads_settle(struct reads *r, struct arena *a)
{
    list_each (&r->keys, k)
        k->hash = map_hash(k->key);
    list_each (&r->ranges, it) {
        struct read_range *from = *it, *to;

        if (!from->any)
            continue;
        to = list_add(a, &r->settled[from->keys_only]);
        *to = *from;
        to->lo = arena_str(a, from->lo);
        if (from->hi.p)
            to->hi = arena_str(a, from->hi);
    }
    for (int i = 0; i < 2; i++) {
        if (r->settled[i].len > 1)
            qsort(r->settled[i].at, r->settled[i].len, sizeof *r->settled[i].at, by_lo);
        r->settled[i].len = merge(r->settled[i].at, r->settled[i].len);
    }
}

/* The ranges do not overlap: only the last that starts at or before `key` can hold it. */
static bool settled_has(const struct read_range *at, size_t len, struct str key)
{
    size_t lo = 0, hi = len;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (str_cmp(at[mid].lo, key) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && range_has(&at[lo - 1], key);
}

static bool ranges_changed(const struct reads *r, const struct history *h, uint64_t rev)
{
    for (uint64_t n = history_after(h, rev); n < h->end; n++) {
        const struct change *c = history_at(h, n);
        struct str key = change_key(c->data);

        if (settled_has(r->settled[0].at, r->settled[0].len, key))
            return true;
        if (c->effect != OP_UPDATED && settled_has(r->settled[1].at, r->settled[1].len, key))
            return true;
    }
    return false;
}

bool reads_changed(const struct reads *r, const struct history *h, uint64_t rev)
{
    bool ranges = r->settled[0].len || r->settled[1].len;

    if (r->keys.len == 0 && !ranges)
        return false;
    if (rev < h->base_rev)
        return true; /* too long ago to tell */
    for (size_t i = 0; i < r->keys.len; i++)
        if (history_key_changed(h, r->keys.at[i].hash, r->keys.at[i].key, rev))
            return true;
    return ranges && ranges_changed(r, h, rev);
}
