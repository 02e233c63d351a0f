#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/err.h"
#include "http/client_priv.h"
#include "http/head.h"
#include "http/server.h"
#include "http/ws_priv.h"

enum { REFUSAL_MAX = 512 };

/* The connection is libcurl's (CURLOPT_CONNECT_ONLY): it has dialed and done TLS, from there on
 * only bytes go through it. The slot stays with the websocket and is never reused. */
static ptrdiff_t slot_recv(void *arg, void *p, size_t len)
{
    struct slot *s = arg;
    size_t n = 0;
    CURLcode code = curl_easy_recv(s->easy, p, len, &n);

    if (code == CURLE_OK)
        return (ptrdiff_t)n;
    return code == CURLE_AGAIN ? WS_AGAIN : -1;
}

static ptrdiff_t slot_send(void *arg, const void *p, size_t len)
{
    struct slot *s = arg;
    size_t n = 0;
    CURLcode code = curl_easy_send(s->easy, p, len, &n);

    if (code == CURLE_OK && n > 0)
        return (ptrdiff_t)n;
    return code == CURLE_OK || code == CURLE_AGAIN ? WS_AGAIN : -1;
}

static void slot_done(void *arg)
{
    struct slot *s = arg;

    if (!s)
        return;
    curl_multi_remove_handle(s->multi, s->easy);
    slot_free(s);
}
DEFINE_AUTO(struct slot *, slot_done)

static int slot_fd(const struct slot *s)
{
    curl_socket_t fd = -1;

    curl_easy_getinfo(s->easy, CURLINFO_ACTIVESOCKET, &fd);
    return fd;
}

struct opening {
    struct slot *slot;
    const struct http_request *q;
    int64_t deadline_ms;
    char key[WS_KEY_SIZE];
};

static int wait_for(const struct opening *o, short events, struct err *e)
{
    struct pollfd p[2] = {{.fd = slot_fd(o->slot), .events = events},
                          {.fd = o->q->stop ? o->q->stop->fd : -1, .events = POLLIN}};
    int ms = clock_poll_ms(o->deadline_ms);

    if (ms == 0)
        return err_set(e, ERR_TIMEOUT, "context deadline exceeded");
    if (poll(p, 2, ms) < 0 && errno != EINTR)
        return err_set_errno(e, ERR_IO, "poll");
    if (o->q->stop && stopper_is_set(o->q->stop))
        return err_set(e, ERR_CANCELED, "context canceled");
    return 0;
}

static int send_all(const struct opening *o, struct str s, struct err *e)
{
    while (s.len) {
        ptrdiff_t n = slot_send(o->slot, s.p, s.len);
        int r;

        if (n == WS_AGAIN) {
            if ((r = wait_for(o, POLLOUT, e)) < 0)
                return r;
        } else if (n < 0) {
            return err_set(e, ERR_UNAVAIL, "EOF");
        } else {
            s = str_from(s, (size_t)n);
        }
    }
    return 0;
}

static int send_request(struct opening *o, struct err *e)
{
    const struct http_client *c = o->slot->client;
    auto_buf struct buf b = BUF_INIT(HTTP_HEAD_MAX);

    ws_random_key(o->key);
    b.secret = true;
    buf_printf(&b, "GET %s HTTP/1.1\r\n", o->q->path);
    buf_printf(&b, strchr(c->host, ':') ? "Host: [%s]:%s\r\n" : "Host: %s:%s\r\n", c->host,
               c->port);
    buf_printf(&b,
               "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: %s\r\n",
               o->key);
    for (size_t i = 0; i < o->q->n_headers; i++) {
        const struct http_header *h = &o->q->headers[i];

        if (strpbrk(h->name, "\r\n: ") || strpbrk(h->value, "\r\n"))
            return err_set(e, ERR_INVALID, "header '%.64s' contains a line break", h->name);
        buf_printf(&b, "%s: %s\r\n", h->name, h->value);
    }
    buf_puts(&b, "\r\n");
    if (!buf_ok(&b))
        return buf_check(&b, "the request", e);
    return send_all(o, buf_str(&b), e);
}

/* Read until the head of the reply is there; *ret_head bytes of `b` are it. */
static int read_head(const struct opening *o, struct buf *b, size_t *ret_head, struct err *e)
{
    size_t scanned = 0;

    for (;;) {
        ptrdiff_t end = head_find_end(b->p ? b->p : "", b->len, &scanned), n;
        char *room;
        int r;

        if (end > 0) {
            *ret_head = (size_t)end;
            return 0;
        }
        room = end == HEAD_BAD ? NULL : buf_reserve(b, 1024);
        if (!room)
            return err_set(e, ERR_UNAVAIL, "malformed HTTP response");
        n = slot_recv(o->slot, room, 1024);
        if (n > 0)
            b->len += (size_t)n;
        else if (n != WS_AGAIN)
            return err_set(e, ERR_UNAVAIL, "EOF");
        else if ((r = wait_for(o, POLLIN, e)) < 0)
            return r;
    }
}

static struct str field(struct str head, const char *name)
{
    struct str line, key;

    while (str_split(&head, '\n', &line))
        if (str_chr(line, ':') > 0 && str_split(&line, ':', &key) &&
            str_eq_nocase(key, str_of(name)))
            return str_trim(line);
    return STR("");
}

static int refused(struct str head, struct str body, struct err *e)
{
    struct str line;
    uint64_t status = 0;

    str_split(&head, '\n', &line);
    if (!str_starts(line, STR("HTTP/1.")) || line.len < 12 ||
        !str_to_u64(str_n(line.p + 9, 3), 10, &status))
        return err_set(e, ERR_UNAVAIL, "malformed HTTP response");
    body = str_trim(str_upto(body, REFUSAL_MAX));
    return err_set_status(e, ERR_UPSTREAM, (int)status, "websocket: bad handshake: %u %.*s",
                          (unsigned)status, STR_ARG(str_is_printable(body) ? body : STR("")));
}

static int handshake(struct opening *o, struct buf *b, size_t *ret_head, struct err *e)
{
    char want[WS_ACCEPT_SIZE];
    struct str head;
    int r = send_request(o, e);

    if (r < 0 || (r = read_head(o, b, ret_head, e)) < 0)
        return r;
    head = str_n(b->p, *ret_head);
    if (!str_starts(head, STR("HTTP/1.1 101 ")))
        return refused(head, str_from(buf_str(b), *ret_head), e);
    ws_accept_key(str_of(o->key), want);
    if (!str_eqc(field(head, "Sec-WebSocket-Accept"), want))
        return err_set(e, ERR_UPSTREAM, "websocket: bad handshake: wrong accept key");
    return 0;
}

int http_client_websocket(struct http_client *c, const struct http_request *q,
                          struct websocket **ret, struct err *e)
{
    AUTO(slot_donep) struct slot *s = NULL;
    auto_buf struct buf b = BUF_INIT(HTTP_HEAD_MAX);
    struct opening o = {.q = q};
    struct curl_slist *place = NULL;
    uint32_t timeout_ms = q->timeout_ms ? q->timeout_ms : c->o.timeout_ms;
    size_t head = 0;
    int r;

    if (q->path[0] != '/' || strpbrk(q->path, " \r\n"))
        return err_set(e, ERR_INVALID, "a request's path must begin with '/' and be escaped");
    s = o.slot = slot_take(c);
    slot_prepare(s, c->base);
    curl_easy_setopt(s->easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(s->easy, CURLOPT_FRESH_CONNECT, 1L);
    if (c->connect_to) {
        place = curl_slist_append(NULL, c->connect_to);
        curl_easy_setopt(s->easy, CURLOPT_CONNECT_TO, place);
    }
    o.deadline_ms = timeout_ms == HTTP_NO_TIMEOUT ? 0 : clock_mono_ms() + timeout_ms;
    r = slot_perform(s, q->stop, e);
    curl_slist_free_all(place);
    if (r < 0 || (r = handshake(&o, &b, &head, e)) < 0)
        return r;
    *ret = ws_new(&(struct ws_transport){s, slot_fd(s), slot_recv, slot_send, slot_done}, true,
                  str_from(buf_str(&b), head), NULL, NULL);
    s = NULL;
    return 0;
}
