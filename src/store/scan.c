/* Scans: the snapshot's records and the transaction's own writes, merged in key order. */
#include <assert.h>

#include "base/err.h"
#include "store/store_priv.h"

struct scan_state {
    struct txn *txn;
    struct scan_state *next; /* parked or in use */
    void *cur;               /* the driver's cursor */
    unsigned flags;
    struct str prefix, end; /* keys are >= prefix and < end; end.p NULL: no bound */
    struct str seek; /* where the walk is to start; seek.p NULL: at its end of the prefix */
    bool placed;     /* `snap` is where it should be */
    bool have_snap;
    struct record snap; /* the snapshot's candidate */
    struct str last;    /* the last key returned */
    struct read_range *range;
};

static struct scan_state *state_of(struct scan *it)
{
    return it->priv[0];
}

static bool is_reverse(const struct scan_state *s)
{
    return s->flags & SCAN_REVERSE;
}

/* Is `key` further along than `than`? */
static bool is_beyond(const struct scan_state *s, struct str key, struct str than)
{
    int c = str_cmp(key, than);

    return is_reverse(s) ? c < 0 : c > 0;
}

static bool in_bounds(const struct scan_state *s, struct str key)
{
    return str_starts(key, s->prefix);
}

static int state_take(struct txn *t, struct scan_state **ret, struct err *e)
{
    struct scan_state *s = t->free_scans;
    int r;

    if (s) {
        t->free_scans = s->next;
    } else {
        s = calloc(1, sizeof *s);
        if (!s)
            abort();
    }
    *s = (struct scan_state){.txn = t, .cur = s->cur};
    r = t->store->driver->cursor_open(t->snap, &s->cur, e);
    if (r < 0) {
        s->next = t->free_scans;
        t->free_scans = s;
        return r;
    }
    s->next = t->scans;
    t->scans = s;
    *ret = s;
    return 0;
}

void scan_drop_all(struct txn *t)
{
    while (t->scans) {
        struct scan_state *s = t->scans;

        t->scans = s->next;
        s->next = t->free_scans;
        t->free_scans = s;
    }
}

void scan_free_all(struct txn *t)
{
    scan_drop_all(t);
    while (t->free_scans) {
        struct scan_state *s = t->free_scans;

        t->free_scans = s->next;
        if (s->cur)
            t->store->driver->cursor_free(s->cur);
        free(s);
    }
}

/* Start to remember what is walked from here on. */
static int begin_range(struct scan_state *s, struct err *e)
{
    struct txn *t = s->txn;
    int r;

    if ((s->flags & SCAN_PEEK) || (t->flags & TXN_READ_ONLY))
        return 0;
    r = reads_add_range(&t->reads, t->arena, &s->range, e);
    if (r < 0)
        return r;
    s->range->keys_only = (s->flags & SCAN_KEYS_ONLY) != 0;
    s->range->lo = s->prefix;
    s->range->hi = s->end;
    if (s->seek.p && is_reverse(s)) {
        s->range->hi = s->seek;
        s->range->hi_in = true;
    } else if (s->seek.p) {
        s->range->lo = s->seek;
    }
    return 0;
}

/* The walk has come to `key`, or with NULL to its end. */
static void extend_range(struct scan_state *s, const struct str *key)
{
    struct read_range *r = s->range;

    if (!r)
        return;
    r->any = true;
    if (is_reverse(s)) {
        r->lo = key ? *key : s->prefix;
    } else {
        r->hi = key ? *key : s->end;
        r->hi_in = key != NULL;
    }
}

int scan_begin(struct txn *t, struct scan *it, struct str prefix, unsigned flags, struct err *e)
{
    struct scan_state *s;
    int r;

    *it = (struct scan){0};
    if (prefix.len > STORE_KEY_MAX)
        return store_key_check(prefix, e);
    r = state_take(t, &s, e);
    if (r < 0)
        return r;
    it->priv[0] = s;
    s->flags = flags;
    s->prefix = arena_str(t->arena, prefix);
    if (!prefix_end(t->arena, prefix, &s->end))
        s->end = str_n(NULL, 0);
    return 0;
}

int scan_seek(struct scan *it, struct str key, struct err *e)
{
    struct scan_state *s = state_of(it);

    if (key.len > STORE_KEY_MAX)
        return store_key_check(key, e);
    s->placed = false;
    s->range = NULL;
    s->last = str_n(NULL, 0);
    if (is_reverse(s) ? s->end.p && str_cmp(key, s->end) >= 0 : str_cmp(key, s->prefix) < 0)
        s->seek = str_n(NULL, 0); /* before the start: all of it */
    else
        s->seek = arena_str(s->txn->arena, key);
    return 0;
}

/* Put the driver's cursor on the first candidate. */
static int place_snap(struct scan_state *s, struct err *e)
{
    const struct store_driver *d = s->txn->store->driver;
    struct str from = s->seek.p ? s->seek : is_reverse(s) ? s->end : s->prefix;
    int r = d->cursor_seek(s->cur, from, is_reverse(s), &s->snap, e);

    /* The prefix's end is no part of it. */
    if (r > 0 && is_reverse(s) && !s->seek.p && s->end.p && str_eq(s->snap.key, s->end))
        r = d->cursor_next(s->cur, true, &s->snap, e);
    if (r < 0)
        return r;
    s->have_snap = r > 0 && in_bounds(s, s->snap.key);
    return 0;
}

static int place(struct scan_state *s, struct err *e)
{
    int r = begin_range(s, e);

    if (r == 0)
        r = place_snap(s, e);
    s->placed = true;
    return r;
}

/* The next own write in the walk's direction. The caller may have written since the last step,
 * so it is looked up afresh, from the last key returned on. */
static struct op *next_own(const struct scan_state *s)
{
    const struct overlay *o = &s->txn->writes;
    struct str from = s->last.p ? s->last : s->seek;
    struct op *op;

    if (o->len == 0)
        return NULL;
    if (is_reverse(s)) {
        if (from.p)
            op = overlay_before(o, from, !s->last.p);
        else
            op = s->end.p ? overlay_before(o, s->end, false) : overlay_last(o);
        if (op == o->head)
            op = NULL;
    } else {
        op = overlay_before(o, from.p ? from : s->prefix, s->last.p != NULL)->next[0];
    }
    return op && in_bounds(s, op->key) ? op : NULL;
}

static int step_snap(struct scan_state *s, struct err *e)
{
    int r = s->txn->store->driver->cursor_next(s->cur, is_reverse(s), &s->snap, e);

    if (r < 0)
        return r;
    s->have_snap = r > 0 && in_bounds(s, s->snap.key);
    return 0;
}

/* One candidate in order: 1 a record, 0 the end, 2 a deletion to pass over. */
static int step(struct scan_state *s, struct record *ret, struct err *e)
{
    struct op *own = next_own(s);
    int r;

    if (!s->have_snap && !own)
        return 0;
    if (!own || (s->have_snap && is_beyond(s, own->key, s->snap.key))) {
        *ret = s->snap;
        s->last = ret->key;
        r = step_snap(s, e);
        return r < 0 ? r : 1;
    }
    if (s->have_snap && str_eq(own->key, s->snap.key)) {
        r = step_snap(s, e);
        if (r < 0)
            return r;
    }
    s->last = own->key;
    if (own->del)
        return 2;
    *ret = (struct record){.key = own->key, .value = own->value};
    return 1;
}

int scan_next(struct scan *it, struct record *ret, struct err *e)
{
    struct scan_state *s = state_of(it);
    int r = 2;

    if (!s->placed) {
        r = place(s, e);
        if (r < 0)
            return r;
        r = 2;
    }
    while (r == 2)
        r = step(s, ret, e);
    if (r < 0)
        return r;
    extend_range(s, r ? &ret->key : NULL);
    if (r && (s->flags & SCAN_KEYS_ONLY))
        ret->value = STR("");
    return r;
}

void scan_end(struct scan *it)
{
    struct scan_state *s = state_of(it);

    if (!s)
        return;
    for (struct scan_state **p = &s->txn->scans; *p; p = &(*p)->next)
        if (*p == s) {
            *p = s->next;
            s->next = s->txn->free_scans;
            s->txn->free_scans = s;
            break;
        }
    it->priv[0] = NULL;
}
