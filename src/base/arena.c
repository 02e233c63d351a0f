#include "base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Blocks double from the first one up to this, then stay; a larger request gets its own. */
enum { BLOCK_FIRST = 2048, BLOCK_MAX = 256 << 10, ALIGN = 16 };

struct block {
    struct block *prev;
    size_t cap, used;
    char data[] __attribute__((aligned(ALIGN)));
};

struct on_end {
    struct on_end *prev;
    void (*fn)(void *);
    void *arg;
};

struct arena {
    struct block *top;
    struct on_end *ends;
    size_t bytes;
    bool wipe;
};

static struct block *block_new(size_t cap)
{
    struct block *b = malloc(sizeof *b + cap);

    if (!b)
        abort();
    b->prev = NULL;
    b->cap = cap;
    b->used = 0;
    return b;
}

static void block_free(const struct arena *a, struct block *b)
{
    if (a->wipe)
        explicit_bzero(b->data, b->used);
    free(b);
}

/* The arena itself lives in its first block: one malloc for a small request. */
struct arena *arena_new(size_t first_bytes)
{
    struct block *b =
        block_new((first_bytes ? first_bytes : BLOCK_FIRST) + sizeof(struct arena));
    struct arena *a = (struct arena *)b->data;

    b->used = (sizeof *a + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    *a = (struct arena){.top = b, .bytes = sizeof *b + b->cap};
    return a;
}

static void run_ends(struct arena *a)
{
    while (a->ends) {
        struct on_end *end = a->ends;

        a->ends = end->prev;
        end->fn(end->arg);
    }
}

static struct block *drop_to_first(struct arena *a)
{
    run_ends(a);
    while (a->top->prev) {
        struct block *b = a->top;

        a->top = b->prev;
        a->bytes -= sizeof *b + b->cap;
        block_free(a, b);
    }
    return a->top;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    struct block *first = drop_to_first(a);

    if (a->wipe)
        explicit_bzero(first->data, first->used); /* `a` with it */
    free(first);
}

void arena_reset(struct arena *a)
{
    struct block *first = drop_to_first(a);
    size_t head = (sizeof *a + ALIGN - 1) & ~(size_t)(ALIGN - 1);

    if (a->wipe)
        explicit_bzero(first->data + head, first->used - head);
    first->used = head;
}

void arena_set_wipe(struct arena *a)
{
    a->wipe = true;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    struct block *b = a->top;
    size_t need = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);

    if (need < bytes)
        abort();
    if (b->cap - b->used < need) {
        size_t cap = b->cap < BLOCK_MAX / 2 ? b->cap * 2 : BLOCK_MAX;
        struct block *fresh = block_new(need > cap ? need : cap);

        a->bytes += sizeof *fresh + fresh->cap;
        fresh->prev = b;
        a->top = b = fresh;
    }
    void *p = b->data + b->used;

    b->used += need;
    return p;
}

void *arena_zalloc(struct arena *a, size_t bytes)
{
    return memset(arena_alloc(a, bytes), 0, bytes);
}

void arena_on_end(struct arena *a, void (*fn)(void *), void *arg)
{
    struct on_end *end = arena_alloc(a, sizeof *end);

    *end = (struct on_end){.prev = a->ends, .fn = fn, .arg = arg};
    a->ends = end;
}

size_t arena_bytes(const struct arena *a)
{
    return a->bytes;
}

char *arena_strndup(struct arena *a, const char *p, size_t len)
{
    char *s = arena_alloc(a, len + 1);

    if (len)
        memcpy(s, p, len);
    s[len] = '\0';
    return s;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

struct str arena_str(struct arena *a, struct str s)
{
    return str_n(arena_strndup(a, s.p, s.len), s.len);
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    char small[256];
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(small, sizeof small, fmt, ap);
    assert(n >= 0);
    char *s = arena_alloc(a, (size_t)n + 1);

    if ((size_t)n < sizeof small)
        memcpy(s, small, (size_t)n + 1);
    else
        vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    char *s;

    va_start(ap, fmt);
    s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}

/* The capacity is implied: a list of `len` items has room up to the next power of two. */
void *arena_list_grow_(struct arena *a, void *at, size_t len, size_t item_bytes)
{
    if (len == 0 || (len & (len - 1)) == 0) {
        size_t cap = len ? len * 2 : 1;
        char *fresh;

        if (cap > SIZE_MAX / item_bytes)
            abort();
        fresh = arena_alloc(a, cap * item_bytes);
        if (len)
            memcpy(fresh, at, len * item_bytes);
        at = fresh;
    }
    memset((char *)at + len * item_bytes, 0, item_bytes);
    return at;
}

bool strlist_has(const struct strlist *l, const char *s)
{
    for (size_t i = 0; i < l->len; i++)
        if (strcmp(l->at[i], s) == 0)
            return true;
    return false;
}

static int cmp_cstr(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void strlist_sort_unique(struct strlist *l)
{
    size_t n = 0;

    if (l->len == 0)
        return;
    qsort(l->at, l->len, sizeof *l->at, cmp_cstr);
    for (size_t i = 0; i < l->len; i++)
        if (n == 0 || strcmp(l->at[n - 1], l->at[i]) != 0)
            l->at[n++] = l->at[i];
    l->len = n;
}

/* Index of the first key not less than `key`. */
static size_t strmap_lower(const struct strmap *m, const char *key)
{
    size_t lo = 0, hi = m->len;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(m->at[mid].key, key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const char *strmap_get(const struct strmap *m, const char *key)
{
    size_t i = strmap_lower(m, key);

    return i < m->len && strcmp(m->at[i].key, key) == 0 ? m->at[i].val : NULL;
}

void strmap_set(struct arena *a, struct strmap *m, const char *key, const char *val)
{
    size_t i = strmap_lower(m, key);

    if (i < m->len && strcmp(m->at[i].key, key) == 0) {
        m->at[i].val = arena_strdup(a, val);
        return;
    }
    (void)list_add(a, m);
    memmove(&m->at[i + 1], &m->at[i], (m->len - 1 - i) * sizeof *m->at);
    m->at[i] = (struct strpair){arena_strdup(a, key), arena_strdup(a, val)};
}
