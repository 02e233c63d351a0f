#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "crypto/crypto_priv.h"

void *ossl_must(void *p)
{
    if (!p)
        abort();
    return p;
}

int ossl_err(struct err *e, int code, const char *fmt, ...)
{
    char text[ERR_MSG_SIZE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ERR_clear_error();
    return err_set(e, code, "%s", text);
}

BIO *bio_of(struct str text)
{
    return ossl_must(BIO_new_mem_buf(text.p, text.len < INT32_MAX ? (int)text.len : INT32_MAX));
}

int bio_move(BIO *bio, struct buf *out, struct err *e)
{
    char *p = NULL;
    long len = BIO_get_mem_data(bio, &p);

    buf_put(out, p, (size_t)len);
    OPENSSL_cleanse(p, (size_t)len);
    return buf_check(out, "the output", e);
}

bool crypto_eq(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

bool crypto_str_eq(struct str a, struct str b)
{
    return a.len == b.len && crypto_eq(a.p, b.p, a.len);
}

void put_json_string(struct buf *b, struct str s)
{
    buf_putc(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else if (c < 0x20)
            buf_printf(b, "\\u%04x", c);
        else
            buf_putc(b, (char)c);
    }
    buf_putc(b, '"');
}
