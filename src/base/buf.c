#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max = max_bytes};
}

void buf_done(struct buf *b)
{
    if (b->secret && b->p)
        explicit_bzero(b->p, b->cap);
    free(b->p);
    b->p = NULL;
    b->len = b->cap = 0;
    b->over = false;
}

void buf_reset(struct buf *b)
{
    if (b->secret && b->p)
        explicit_bzero(b->p, b->len);
    b->len = 0;
    b->over = false;
    if (b->p)
        b->p[0] = '\0';
}

/* A secret is never left behind in a block that realloc moved away from. */
static void grow(struct buf *b, size_t cap)
{
    char *p;

    if (b->secret) {
        p = malloc(cap);
        if (p && b->p) {
            memcpy(p, b->p, b->len);
            explicit_bzero(b->p, b->cap);
            free(b->p);
        }
    } else {
        p = realloc(b->p, cap);
    }
    if (!p)
        abort();
    b->p = p;
    b->cap = cap;
}

char *buf_reserve(struct buf *b, size_t len)
{
    if (b->over || len > b->max || b->len > b->max - len) {
        b->over = true;
        return NULL;
    }
    if (b->cap < b->len + len + 1) {
        size_t cap = b->cap ? b->cap : 64;

        while (cap < b->len + len + 1)
            cap *= 2;
        grow(b, cap);
    }
    return b->p + b->len;
}

void buf_put(struct buf *b, const void *p, size_t len)
{
    char *to = buf_reserve(b, len);

    if (!to)
        return;
    if (len)
        memcpy(to, p, len);
    b->len += len;
    b->p[b->len] = '\0';
}

void buf_putc(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_puts(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}

void buf_put_str(struct buf *b, struct str s)
{
    buf_put(b, s.p, s.len);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    char small[256];
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(small, sizeof small, fmt, ap);
    if (n >= 0 && (size_t)n < sizeof small) {
        buf_put(b, small, (size_t)n);
    } else if (n >= 0) {
        char *to = buf_reserve(b, (size_t)n);

        if (to) {
            vsnprintf(to, (size_t)n + 1, fmt, again);
            b->len += (size_t)n;
        }
    }
    if (b->secret)
        explicit_bzero(small, sizeof small);
    va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_put_u64be(struct buf *b, uint64_t v)
{
    unsigned char x[8];

    for (int i = 7; i >= 0; i--) {
        x[i] = (unsigned char)v;
        v >>= 8;
    }
    buf_put(b, x, sizeof x);
}

int buf_check(const struct buf *b, const char *what, struct err *e)
{
    if (!b->over)
        return 0;
    return err_set(e, ERR_TOOBIG, "%s is larger than %zu bytes", what, b->max);
}

char *buf_take(struct buf *b)
{
    char *p;

    if (!b->p)
        grow(b, 1);
    b->p[b->len] = '\0';
    p = b->p;
    b->p = NULL;
    b->len = b->cap = 0;
    b->over = false;
    return p;
}
