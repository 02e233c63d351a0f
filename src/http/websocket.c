#include "http/websocket.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <wslay/wslay.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/random.h"
#include "base/thread.h"
#include "http/ws_priv.h"

struct message {
    struct message *next;
    enum ws_kind kind;
    size_t len;
    char data[];
};

/*
 * One lock for wslay and the transport; it is held only while bytes that are there are moved,
 * never while waiting. Waiting is poll(2) outside of it.
 */
struct websocket {
    struct lock lock;
    struct ws_transport t;
    wslay_event_context_ptr ctx;
    struct message *first, **last; /* received, not yet fetched */
    char *early;
    size_t early_off, early_len;
    int64_t heard_ms, pinged_ms;
    bool broken;
    void (*on_free)(void *arg);
    void *on_free_arg;
};

static ptrdiff_t take_early(struct websocket *ws, uint8_t *buf, size_t len)
{
    size_t n = ws->early_len - ws->early_off;

    n = n < len ? n : len;
    memcpy(buf, ws->early + ws->early_off, n);
    ws->early_off += n;
    return (ptrdiff_t)n;
}

/* Stops reading while a message waits to be fetched, so a flood stays in the socket. */
static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags,
                       void *user)
{
    struct websocket *ws = user;
    ptrdiff_t n = WS_AGAIN;

    (void)flags;
    if (ws->early_off < ws->early_len)
        n = take_early(ws, buf, len);
    else if (!ws->first)
        n = ws->t.recv(ws->t.arg, buf, len);
    if (n > 0) {
        ws->heard_ms = clock_mono_ms();
        return n;
    }
    ws->broken |= n != WS_AGAIN;
    wslay_event_set_error(ctx,
                          n == WS_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t len, int flags,
                       void *user)
{
    struct websocket *ws = user;
    ptrdiff_t n = ws->t.send(ws->t.arg, data, len);

    (void)flags;
    if (n > 0)
        return n;
    ws->broken |= n != WS_AGAIN;
    wslay_event_set_error(ctx,
                          n == WS_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static int on_genmask(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, void *user)
{
    (void)ctx;
    (void)user;
    random_bytes(buf, len);
    return 0;
}

static void on_message(wslay_event_context_ptr ctx,
                       const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
    struct websocket *ws = user;
    struct message *m;

    (void)ctx;
    if (arg->opcode != WSLAY_TEXT_FRAME && arg->opcode != WSLAY_BINARY_FRAME)
        return;
    m = malloc(sizeof *m + arg->msg_length);
    if (!m)
        abort();
    m->next = NULL;
    m->kind = arg->opcode == WSLAY_TEXT_FRAME ? WS_TEXT : WS_BINARY;
    m->len = arg->msg_length;
    if (m->len)
        memcpy(m->data, arg->msg, m->len);
    *ws->last = m;
    ws->last = &m->next;
}

struct websocket *ws_new(const struct ws_transport *t, bool client, struct str early,
                         void (*on_free)(void *arg), void *on_free_arg)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .genmask_callback = on_genmask,
        .on_msg_recv_callback = on_message,
    };
    struct websocket *ws = calloc(1, sizeof *ws);
    int r;

    if (!ws)
        abort();
    lock_init(&ws->lock, "websocket", RANK_HTTP);
    ws->t = *t;
    ws->last = &ws->first;
    ws->on_free = on_free;
    ws->on_free_arg = on_free_arg;
    ws->heard_ms = ws->pinged_ms = clock_mono_ms();
    ws->broken = t->fd < 0;
    if (early.len) {
        ws->early = malloc(early.len);
        if (!ws->early)
            abort();
        memcpy(ws->early, early.p, early.len);
        ws->early_len = early.len;
    }
    r = client ? wslay_event_context_client_init(&ws->ctx, &callbacks, ws)
               : wslay_event_context_server_init(&ws->ctx, &callbacks, ws);
    if (r != 0)
        abort();
    wslay_event_config_set_max_recv_msg_length(ws->ctx, WS_MESSAGE_MAX);
    return ws;
}

static bool wants_write(struct websocket *ws)
{
    auto_lock struct lock *held = lock_scope(&ws->lock);

    return !ws->broken && wslay_event_want_write(ws->ctx);
}

/* Push out what is queued, as far as it goes. */
static void flush(struct websocket *ws)
{
    if (!ws->broken && wslay_event_want_write(ws->ctx) && wslay_event_send(ws->ctx) != 0)
        ws->broken = true;
}

static int queue_message(struct websocket *ws, enum ws_kind kind, struct str data,
                         struct err *e)
{
    auto_lock struct lock *held = lock_scope(&ws->lock);
    struct wslay_event_msg m = {.opcode =
                                    kind == WS_TEXT ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME,
                                .msg = (const uint8_t *)data.p,
                                .msg_length = data.len};
    int r;

    if (ws->broken)
        return err_set(e, ERR_CANCELED, "the peer has gone");
    r = wslay_event_queue_msg(ws->ctx, &m);
    if (r == WSLAY_ERR_NO_MORE_MSG)
        return err_set(e, ERR_CANCELED, "the websocket is closed");
    if (r != 0)
        abort();
    flush(ws);
    return ws->broken ? err_set(e, ERR_CANCELED, "the peer has gone") : 0;
}

int ws_send(struct websocket *ws, enum ws_kind kind, struct str data, struct err *e)
{
    int64_t deadline_ms = clock_mono_ms() + WS_DEAD_MS;
    int r;

    if (data.len > WS_MESSAGE_MAX)
        return err_set(e, ERR_TOOBIG, "a message of %zu bytes is larger than %d", data.len,
                       WS_MESSAGE_MAX);
    r = queue_message(ws, kind, data, e);
    while (r == 0 && wants_write(ws)) {
        struct pollfd p = {.fd = ws->t.fd, .events = POLLOUT};
        int ms = clock_poll_ms(deadline_ms);

        if (ms == 0) {
            ws_shutdown(ws);
            return err_set(e, ERR_TIMEOUT, "the peer reads too slowly");
        }
        if (poll(&p, 1, ms) < 0 && errno != EINTR)
            return err_set_errno(e, ERR_IO, "poll");
        lock_take(&ws->lock);
        flush(ws);
        if (ws->broken)
            r = err_set(e, ERR_CANCELED, "the peer has gone");
        lock_drop(&ws->lock);
    }
    return r;
}

static int take_message(struct websocket *ws, struct buf *b)
{
    struct message *m = ws->first;
    int kind = (int)m->kind;

    ws->first = m->next;
    if (!ws->first)
        ws->last = &ws->first;
    buf_put(b, m->data, m->len);
    free(m);
    return kind;
}

/* Ask a quiet peer whether it lives; true: it has been silent for too long. */
static bool check_alive(struct websocket *ws)
{
    int64_t now = clock_mono_ms(), quiet = now - ws->heard_ms;
    struct wslay_event_msg ping = {.opcode = WSLAY_PING};

    if (quiet >= WS_DEAD_MS)
        return true;
    if (quiet >= WS_PING_MS && now - ws->pinged_ms >= WS_PING_MS) {
        ws->pinged_ms = now;
        wslay_event_queue_msg(ws->ctx, &ping);
    }
    return false;
}

enum { GO_ON = -1000 };

/* One look at what is there: a kind, 0 (closed), ERR_* or GO_ON. */
static int look(struct websocket *ws, struct buf *b, bool *ret_wants_write, struct err *e)
{
    auto_lock struct lock *held = lock_scope(&ws->lock);
    bool dead = check_alive(ws);

    if (!ws->first && !ws->broken && wslay_event_want_read(ws->ctx) &&
        wslay_event_recv(ws->ctx) != 0)
        ws->broken = true;
    flush(ws);
    *ret_wants_write = !ws->broken && wslay_event_want_write(ws->ctx);
    if (ws->first)
        return take_message(ws, b);
    if (wslay_event_get_close_received(ws->ctx))
        return 0;
    if (wslay_event_get_status_code_sent(ws->ctx) == WSLAY_CODE_MESSAGE_TOO_BIG)
        return err_set(e, ERR_TOOBIG, "a message is larger than %d bytes", WS_MESSAGE_MAX);
    if (ws->broken || (!wslay_event_want_read(ws->ctx) && !*ret_wants_write))
        return err_set(e, ERR_CANCELED, "the peer has gone");
    if (dead)
        return err_set(e, ERR_TIMEOUT, "the peer has not answered for %d s", WS_DEAD_MS / 1000);
    return GO_ON;
}

static int64_t next_look_ms(const struct websocket *ws, int64_t deadline_ms)
{
    int64_t check = clock_mono_ms() + WS_PING_MS / 3;

    (void)ws;
    return deadline_ms && deadline_ms < check ? deadline_ms : check;
}

int ws_recv(struct websocket *ws, struct stopper *stop, int64_t deadline_ms, struct buf *b,
            struct err *e)
{
    buf_reset(b);
    for (;;) {
        struct pollfd p[2] = {{.fd = ws->t.fd, .events = POLLIN},
                              {.fd = stop ? stop->fd : -1, .events = POLLIN}};
        bool wants_write;
        int r = look(ws, b, &wants_write, e);

        if (r != GO_ON)
            return r > 0 && !buf_ok(b) ? buf_check(b, "the message", e) : r;
        if (stop && stopper_is_set(stop))
            return err_set(e, ERR_CANCELED, "stopped");
        if (deadline_ms && clock_mono_ms() >= deadline_ms)
            return err_set(e, ERR_TIMEOUT, "no message came in time");
        if (wants_write)
            p[0].events |= POLLOUT;
        if (poll(p, 2, clock_poll_ms(next_look_ms(ws, deadline_ms))) < 0 && errno != EINTR)
            return err_set_errno(e, ERR_IO, "poll");
    }
}

void ws_close(struct websocket *ws, uint16_t code, const char *reason)
{
    auto_lock struct lock *held = lock_scope(&ws->lock);
    size_t len = reason ? strnlen(reason, 123) : 0; /* RFC 6455 5.5: control frames are small */

    if (ws->broken)
        return;
    wslay_event_queue_close(ws->ctx, code, (const uint8_t *)reason, len);
    flush(ws);
}

void ws_shutdown(struct websocket *ws)
{
    if (ws->t.fd >= 0)
        shutdown(ws->t.fd, SHUT_RDWR);
}

void ws_free(struct websocket *ws)
{
    if (!ws)
        return;
    if (ws->on_free)
        ws->on_free(ws->on_free_arg);
    ws_close(ws, WSLAY_CODE_NORMAL_CLOSURE, "");
    wslay_event_context_free(ws->ctx);
    if (ws->t.done)
        ws->t.done(ws->t.arg);
    while (ws->first) {
        struct message *m = ws->first;

        ws->first = m->next;
        free(m);
    }
    free(ws->early);
    lock_done(&ws->lock);
    free(ws);
}

void ws_accept_key(struct str key, char ret[WS_ACCEPT_SIZE])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[128];
    unsigned char sha1[20];
    auto_buf struct buf b = BUF_INIT(WS_ACCEPT_SIZE);
    int n = snprintf(text, sizeof text, "%.*s%s", STR_ARG(str_upto(key, 64)), guid);

    if (gnutls_hash_fast(GNUTLS_DIG_SHA1, text, (size_t)n, sha1) < 0)
        abort();
    codec_base64_encode(&b, str_n(sha1, sizeof sha1), false, true);
    memcpy(ret, b.p, WS_ACCEPT_SIZE);
}

void ws_random_key(char ret[WS_KEY_SIZE])
{
    unsigned char bytes[16];
    auto_buf struct buf b = BUF_INIT(WS_KEY_SIZE);

    random_bytes(bytes, sizeof bytes);
    codec_base64_encode(&b, str_n(bytes, sizeof bytes), false, true);
    memcpy(ret, b.p, WS_KEY_SIZE);
}
