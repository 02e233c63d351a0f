#include "base/clock.h"
#include "base/err.h"
#include "http/http_priv.h"

/*
 * Writers put into `pending`; the worker swaps it with its own empty `sending` and sends that.
 * Both together are what the peer has not taken yet.
 */
struct http_stream {
    struct lock lock;
    struct cond less; /* room was made, or the peer is gone */
    struct conn *c;
    struct buf pending; /* lock */
    size_t waiting;     /* lock: bytes in pending and not yet sent of sending */
    bool gone;          /* lock */
    bool ended;         /* worker.lock */
    bool chunked, silent;
    struct buf sending; /* the worker's */
    size_t sent;        /* of sending, already subtracted from waiting */
};

/* A chunk's frame, and the end, come on top of what the limit allows. */
enum { FRAMES_MAX = HTTP_STREAM_BUFFER_MAX * 8 + 1024 };

static struct http_stream *stream_new(struct http_exchange *x, bool chunked)
{
    struct http_stream *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    lock_init(&s->lock, "http stream", RANK_HTTP);
    cond_init(&s->less);
    s->c = x->c;
    s->chunked = chunked;
    s->silent = str_eq(x->head.method, STR("HEAD"));
    buf_init(&s->pending, FRAMES_MAX);
    buf_init(&s->sending, FRAMES_MAX);
    s->pending.secret = s->sending.secret = true;
    return s;
}

void stream_free(struct http_stream *s)
{
    if (!s)
        return;
    buf_done(&s->pending);
    buf_done(&s->sending);
    cond_done(&s->less);
    lock_done(&s->lock);
    free(s);
}

static void put_piece(struct http_stream *s, struct str data)
{
    size_t before = s->pending.len;

    if (data.len == 0 || s->silent)
        return;
    if (s->chunked)
        buf_printf(&s->pending, "%zx\r\n", data.len);
    buf_put_str(&s->pending, data);
    if (s->chunked)
        buf_puts(&s->pending, "\r\n");
    s->waiting += s->pending.len - before;
}

int http_stream_start(struct http_exchange *x, const struct http_reply *head,
                      struct http_stream **ret, struct err *e)
{
    bool chunked = x->head.minor == 1;
    struct http_stream *s;

    if (http_is_gone(x))
        return err_set(e, ERR_CANCELED, "the peer has gone");
    s = stream_new(x, chunked);
    x->reply = *head;
    put_piece(s, head->body);
    x->stream = s;
    *ret = s; /* before the worker may see it */
    exchange_answer(x, ANSWER_STREAM);
    return 0;
}

int http_stream_write(struct http_stream *s, struct str data, struct err *e)
{
    struct conn *c = s->c;
    int r = 0;

    lock_take(&s->lock);
    if (s->gone)
        r = err_set(e, ERR_CANCELED, "the peer has gone");
    else if (s->waiting > 0 && s->waiting + data.len > HTTP_STREAM_BUFFER_MAX)
        r = err_set(e, ERR_LIMIT, "the peer reads too slowly: %zu bytes wait", s->waiting);
    else if (data.len > HTTP_STREAM_BUFFER_MAX)
        r = err_set(e, ERR_TOOBIG, "a piece of %zu bytes is larger than the buffer", data.len);
    else
        put_piece(s, data);
    lock_drop(&s->lock);
    if (r == 0)
        worker_post(c->w, &c->post, NULL);
    return r;
}

int http_stream_wait(struct http_stream *s, int64_t deadline_ms, struct err *e)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    while (!s->gone && s->waiting > HTTP_STREAM_BUFFER_MAX / 2)
        if (!cond_wait_until(&s->less, &s->lock, deadline_ms))
            return err_set(e, ERR_TIMEOUT, "the peer reads too slowly");
    return s->gone ? err_set(e, ERR_CANCELED, "the peer has gone") : 0;
}

bool http_stream_is_gone(const struct http_stream *s)
{
    auto_lock struct lock *held = lock_scope((struct lock *)&s->lock);

    return s->gone;
}

void http_stream_end(struct http_stream *s)
{
    struct conn *c = s->c;

    lock_take(&s->lock);
    if (s->chunked && !s->silent) {
        buf_puts(&s->pending, "0\r\n\r\n");
        s->waiting += 5;
    }
    lock_drop(&s->lock);
    worker_post(c->w, &c->post, &s->ended);
}

bool stream_ended(struct http_stream *s)
{
    return worker_saw(s->c->w, &s->ended);
}

void stream_gone(struct http_stream *s)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    s->gone = true;
    cond_broadcast(&s->less);
}

/* Account for what the socket took, and get the next lot. False: nothing is there to send. */
static bool refill(struct http_stream *s)
{
    auto_lock struct lock *held = lock_scope(&s->lock);
    size_t sent_now = s->sending.len - s->c->out[1].len - s->sent;
    struct buf swap;

    s->waiting -= sent_now;
    s->sent += sent_now;
    if (sent_now && s->waiting <= HTTP_STREAM_BUFFER_MAX / 2)
        cond_broadcast(&s->less);
    if (s->c->out[0].len || s->c->out[1].len)
        return true;
    buf_reset(&s->sending);
    swap = s->sending;
    s->sending = s->pending;
    s->pending = swap;
    s->sent = 0;
    s->c->out[1] = buf_str(&s->sending);
    return s->c->out[1].len > 0;
}

static void begin(struct conn *c)
{
    struct http_exchange *x = c->x;
    enum reply_framing framing = x->stream->chunked ? FRAME_CHUNKED : FRAME_UNTIL_CLOSE;
    struct str head;

    c->close_after = !x->head.keep_alive || x->reply.close || framing == FRAME_UNTIL_CLOSE ||
                     atomic_load(&c->w->server->stopping);
    head = reply_head(c, &x->reply, framing);
    c->out[0] = arena_str(x->arena, head);
    x->reply.status = 0; /* the head is on its way */
}

void stream_pump(struct conn *c)
{
    struct http_stream *s = c->x->stream;
    bool ended = stream_ended(s); /* before looking whether all is sent */
    int r = 1;

    if (c->x->reply.status)
        begin(c);
    while (refill(s) && r > 0) {
        size_t before = c->out[0].len + c->out[1].len;

        r = conn_flush(c);
        if (r < 0) {
            conn_close(c);
            return;
        }
        if (r == 0) {
            if (!c->timer || c->out[0].len + c->out[1].len < before)
                timer_set(c, TIMER_WRITE);
            refill(s);
            return;
        }
    }
    if (conn_flush(c) == 0) { /* TLS holds a record back */
        timer_set(c, TIMER_WRITE);
        return;
    }
    timer_clear(c);
    if (ended) {
        stream_free(s);
        c->x->stream = NULL;
        conn_finished(c);
        conn_advance(c);
    }
}
