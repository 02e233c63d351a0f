#include <errno.h>
#include <sys/socket.h>

#include "http/http_priv.h"

/* Plain sockets: a short read means that the socket is empty, so the next call is spared. A FIN
 * behind it is not lost: it makes an event of its own. */
ptrdiff_t conn_recv(struct conn *c, void *p, size_t len)
{
    ptrdiff_t n;

    if (c->tls) {
        n = tls_recv(c->tls, p, len);
        if (n == IO_AGAIN)
            c->readable = false;
        return n;
    }
    do
        n = recv(c->fd, p, len, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        c->readable = false;
        return IO_AGAIN;
    }
    if (n > 0 && (size_t)n < len && !c->half_closed)
        c->readable = false;
    return n < 0 ? -1 : n;
}

static void out_forward(struct conn *c, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(c->out); i++) {
        size_t k = n < c->out[i].len ? n : c->out[i].len;

        c->out[i] = str_from(c->out[i], k);
        n -= k;
    }
}

static ptrdiff_t send_plain(struct conn *c)
{
    struct iovec iov[2];
    struct msghdr m = {.msg_iov = iov};
    ptrdiff_t n;

    for (size_t i = 0; i < ARRAY_LEN(c->out); i++)
        if (c->out[i].len)
            iov[m.msg_iovlen++] = (struct iovec){(void *)c->out[i].p, c->out[i].len};
    do
        n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? IO_AGAIN : -1;
    return n;
}

/* A small head and the beginning of its body share a record. */
static ptrdiff_t send_tls(struct conn *c)
{
    char *record = c->w->out + OUT_BYTES / 2;
    size_t n = 0;

    if (c->out[0].len == 0)
        return tls_send(c->tls, c->out[1].p, c->out[1].len);
    if (c->out[0].len >= OUT_BYTES / 2 || c->out[1].len == 0)
        return tls_send(c->tls, c->out[0].p, c->out[0].len);
    for (size_t i = 0; i < ARRAY_LEN(c->out); i++) {
        struct str part = str_upto(c->out[i], OUT_BYTES / 2 - n);

        memcpy(record + n, part.p, part.len);
        n += part.len;
    }
    return tls_send(c->tls, record, n);
}

int conn_flush(struct conn *c)
{
    while (c->out[0].len || c->out[1].len) {
        ptrdiff_t n = c->tls ? send_tls(c) : send_plain(c);

        if (n == IO_AGAIN) {
            c->writable = false;
            return 0;
        }
        if (n < 0)
            return -1;
        out_forward(c, (size_t)n);
    }
    return c->tls ? tls_flush(c->tls) : 1;
}

void conn_send_small(struct conn *c, struct str text)
{
    if (c->tls)
        (void)tls_send(c->tls, text.p, text.len);
    else
        (void)!send(c->fd, text.p, text.len, MSG_NOSIGNAL);
}

static void in_free(struct conn *c)
{
    if (c->in)
        explicit_bzero(c->in, c->in_len);
    if (!c->in_is_scratch)
        free(c->in);
    c->in = NULL;
    c->in_off = c->in_len = c->in_cap = c->in_scanned = 0;
    c->in_is_scratch = false;
}

bool conn_in_prepare(struct conn *c, size_t max)
{
    if (!c->in) {
        c->in = c->w->scratch;
        c->in_cap = SCRATCH_BYTES;
        c->in_is_scratch = true;
    }
    if (c->in_len < c->in_cap)
        return true;
    if (c->in_off > 0) {
        memmove(c->in, c->in + c->in_off, c->in_len - c->in_off);
        c->in_len -= c->in_off;
        c->in_off = 0;
        return true;
    }
    if (c->in_is_scratch || c->in_cap >= max)
        return false;
    c->in_cap = c->in_cap * 2 < max ? c->in_cap * 2 : max;
    c->in = realloc(c->in, c->in_cap);
    if (!c->in)
        abort();
    return true;
}

void conn_in_settle(struct conn *c)
{
    size_t left = c->in_len - c->in_off;
    char *kept;

    if (!c->in || (left && !c->in_is_scratch))
        return;
    if (left == 0) {
        in_free(c);
        return;
    }
    kept = malloc(left < 256 ? 256 : left);
    if (!kept)
        abort();
    memcpy(kept, c->in + c->in_off, left);
    explicit_bzero(c->in, c->in_len);
    c->in = kept;
    c->in_cap = left < 256 ? 256 : left;
    c->in_off = 0;
    c->in_len = left;
    c->in_is_scratch = false;
}

void conn_in_used(struct conn *c, size_t bytes)
{
    c->in_off += bytes;
    c->in_scanned = 0;
    if (c->in_off == c->in_len && c->in_is_scratch)
        in_free(c);
}
