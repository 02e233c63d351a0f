/*
 * buf -- bytes that grow, up to a maximum that is named at the start
 *
 * Always NUL-terminated once something was put. Overflow is sticky: puts after it do nothing,
 * so a chain of puts is checked once at the end (buf_ok). With `secret` set, memory is wiped
 * when given back.
 *
 * Thread: one thread at a time.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

struct buf {
    char *p;
    size_t len, cap, max;
    bool over, secret;
};

#define BUF_INIT(max_bytes) \
    {                       \
        .max = (max_bytes)  \
    }

void buf_init(struct buf *b, size_t max_bytes);
void buf_done(struct buf *b); /* frees the contents; usable again */
static inline void buf_donep_(struct buf *b)
{
    buf_done(b);
}
#define auto_buf AUTO(buf_donep_)
void buf_reset(struct buf *b); /* length 0, memory kept (wiped if secret) */

void buf_put(struct buf *b, const void *p, size_t len);
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *s);
void buf_put_str(struct buf *b, struct str s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
void buf_put_u64be(struct buf *b, uint64_t v); /* 8 bytes, big endian: sorts as a number */
char *buf_reserve(struct buf *b,
                  size_t len); /* room for `len` more, NULL if over; then b->len += n */

static inline bool buf_ok(const struct buf *b)
{
    return !b->over;
}
/* 0, or ERR_TOOBIG with "WHAT is larger than MAX bytes". */
int buf_check(const struct buf *b, const char *what, struct err *e);

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p ? b->p : "", b->len};
}
char *buf_take(struct buf *b); /* the heap string, never NULL; b is empty then */

#endif
