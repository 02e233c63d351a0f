#include <assert.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "http/http_priv.h"

static void conn_start(struct conn *c)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                             .data.ptr = c};

    c->started = true;
    c->next = c->w->conns;
    if (c->next)
        c->next->prev = c;
    c->w->conns = c;
    if (c->l->is_tls && !(c->tls = tls_conn_new(c->l->tls, c->fd))) {
        conn_close(c);
        return;
    }
    if (epoll_ctl(c->w->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0) {
        conn_close(c);
        return;
    }
    timer_set(c, c->state == CONN_LINGER ? TIMER_LINGER : TIMER_HEAD);
    if (c->state == CONN_LINGER)
        shutdown(c->fd, SHUT_WR);
    else if (atomic_load(&c->w->server->stopping))
        conn_close(c);
}

/* Word from another thread, or from a handler about a connection that is not its own. */
static void on_post(struct post *p)
{
    struct conn *c = (struct conn *)p;
    struct http_exchange *x = c->x;

    if (!c->started) {
        conn_start(c);
        return;
    }
    if (!x)
        return;
    if (!x->answer_ready && worker_saw(c->w, &x->posted)) {
        x->answer_ready = true;
        answer_begin(c);
        conn_advance(c);
        return;
    }
    if (c->state == CONN_STREAM)
        stream_pump(c);
    else if (c->state == CONN_DEAD)
        conn_release(c);
    if (c->x && atomic_load(&c->x->gone))
        exchange_tell_gone(c->x);
}

void conn_new(struct listener *l, struct worker *w, int fd, const struct conn_peer *peer,
              struct peer_count *count)
{
    struct conn *c = calloc(1, sizeof *c);

    if (!c)
        abort();
    c->post.fn = on_post;
    c->w = w;
    c->l = l;
    c->fd = fd;
    c->peer = *peer;
    c->peer_count = count;
    c->state = l->is_tls ? CONN_TLS : CONN_HEAD;
    if (w->server->limits.connections_per_address && !count && !l->is_unix)
        c->state = CONN_LINGER; /* it was told why */
    atomic_fetch_add(&w->load, 1);
    atomic_fetch_add(&w->server->n_conns, 1);
    if (worker_is_self(w))
        conn_start(c);
    else
        worker_post(w, &c->post, NULL);
}

void conn_free(struct conn *c)
{
    struct http_server *s = c->w->server;

    worker_unpost(c->w, &c->post);
    atomic_fetch_sub(&c->w->load, 1);
    if (c->peer_count)
        peer_drop(s, c->peer_count);
    free(c);
    if (atomic_fetch_sub(&s->n_conns, 1) == 1 && atomic_load(&s->stopping)) {
        lock_take(&s->lock);
        cond_broadcast(&s->changed);
        lock_drop(&s->lock);
    }
}

static void conn_bury(struct conn *c)
{
    struct worker *w = c->w;

    *(c->prev ? &c->prev->next : &w->conns) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    c->prev = NULL;
    c->next = w->buried;
    w->buried = c;
}

void conn_release(struct conn *c)
{
    struct http_exchange *x = c->x;

    assert(c->state == CONN_DEAD);
    if (x) {
        if (!x->answer_ready)
            return;
        if (x->stream && !stream_ended(x->stream))
            return;
        stream_free(x->stream);
        if (x->upgrade)
            upgrade_gone(x);
        exchange_free(x);
        c->x = NULL;
    }
    conn_bury(c);
}

static void conn_end(struct conn *c)
{
    struct http_exchange *x = c->x;

    timer_clear(c);
    conn_in_used(c, c->in_len - c->in_off);
    conn_in_settle(c);
    c->out[0] = c->out[1] = (struct str){0};
    c->state = CONN_DEAD;
    if (x && !(x->answer_ready && atomic_load(&x->answer) == ANSWER_REPLY)) {
        exchange_tell_gone(x);
        if (x->stream)
            stream_gone(x->stream);
    }
    conn_release(c);
}

void conn_close(struct conn *c)
{
    if (c->state == CONN_DEAD)
        return;
    if (c->tls) {
        tls_conn_bye(c->tls);
        tls_conn_free(c->tls);
        c->tls = NULL;
    }
    /* A process that is just being started may hold the socket too: closing alone would leave
     * it in the epoll set, with a pointer to us. */
    epoll_ctl(c->w->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    c->fd = -1;
    conn_end(c);
}

void conn_moved(struct conn *c)
{
    epoll_ctl(c->w->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
    c->fd = -1;
    c->tls = NULL;
    conn_end(c);
}

void conn_shut(struct conn *c)
{
    bool idle = c->state == CONN_HEAD && c->in_len == c->in_off;

    if (idle || c->state == CONN_TLS)
        conn_close(c);
}

static void linger_read(struct conn *c)
{
    ptrdiff_t n = 1;

    while (c->readable && n > 0)
        n = conn_recv(c, c->w->scratch, SCRATCH_BYTES);
    if (n == 0 || n == -1)
        conn_close(c);
}

void conn_linger(struct conn *c)
{
    conn_in_used(c, c->in_len - c->in_off);
    conn_in_settle(c);
    if (c->tls)
        tls_conn_bye(c->tls);
    shutdown(c->fd, SHUT_WR);
    c->state = CONN_LINGER;
    timer_set(c, TIMER_LINGER);
    linger_read(c);
}

void conn_timed_out(struct conn *c)
{
    if (c->state == CONN_BODY || (c->state == CONN_HEAD && c->in_len > c->in_off))
        reply_refuse(c, 408, "the request took too long");
    else
        conn_close(c);
}

void conn_finished(struct conn *c)
{
    bool more = c->in_len > c->in_off;

    exchange_free(c->x);
    c->x = NULL;
    if (!c->close_after) {
        c->state = CONN_HEAD;
        timer_set(c, more ? TIMER_HEAD : TIMER_IDLE);
    } else if (more || c->readable) {
        conn_linger(c);
    } else {
        conn_close(c);
    }
}

void conn_dispatch(struct conn *c)
{
    struct http_exchange *x = c->x;
    struct worker *w = c->w;

    timer_clear(c);
    c->state = CONN_RUN;
    w->running = c;
    w->server->opts.handle(x, w->server->opts.arg);
    w->running = NULL;
    if (x->answer_ready) {
        answer_begin(c);
        return;
    }
    x->parked = true;
    atomic_fetch_add(&w->parked, 1);
    if (c->half_closed)
        exchange_tell_gone(x);
}

/* Go on with what is there: heads, bodies, handlers, until bytes are missing or someone else
 * has the connection. */
void conn_advance(struct conn *c)
{
    while (c->state == CONN_HEAD || c->state == CONN_BODY) {
        const char *why = NULL;
        int r = c->state == CONN_HEAD ? request_head(c, &why) : request_body(c, &why);

        if (r == REQUEST_MORE)
            break;
        if (r == REQUEST_GONE)
            conn_close(c);
        else if (r != REQUEST_DONE)
            reply_refuse(c, r, why);
    }
    conn_in_settle(c);
    if (c->state == CONN_HEAD && c->in_len > 0 && c->timer == &c->w->timers[TIMER_IDLE])
        timer_set(c, TIMER_HEAD);
}

/* "GET ..." where a TLS hello should be: say so in plain text, as Go's server does. */
static bool is_plain_http(const struct conn *c)
{
    unsigned char first;

    return recv(c->fd, &first, 1, MSG_PEEK) == 1 && first >= 'A' && first <= 'Z';
}

static void handshake_step(struct conn *c)
{
    struct str text = STR("HTTP/1.0 400 Bad Request\r\n\r\n"
                          "Client sent an HTTP request to an HTTPS server.\n");
    int r;

    if (is_plain_http(c)) {
        (void)!send(c->fd, text.p, text.len, MSG_NOSIGNAL);
        tls_conn_free(c->tls);
        c->tls = NULL;
        conn_linger(c);
        return;
    }
    r = tls_handshake(c->tls);
    if (r < 0) {
        conn_close(c);
    } else if (r > 0) {
        c->state = CONN_HEAD;
        conn_advance(c);
    }
}

static void write_more(struct conn *c)
{
    int r = conn_flush(c);

    if (r < 0)
        conn_close(c);
    if (r <= 0)
        return;
    conn_finished(c);
    conn_advance(c);
}

void conn_event(struct conn *c, uint32_t events)
{
    bool broken = events & (EPOLLHUP | EPOLLERR);

    if (events & EPOLLOUT)
        c->writable = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->readable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->half_closed = true;

    switch (c->state) {
    case CONN_TLS:
        handshake_step(c);
        break;
    case CONN_HEAD:
    case CONN_BODY:
        conn_advance(c);
        break;
    case CONN_RUN:
        if (broken)
            conn_close(c);
        else if (c->half_closed)
            exchange_tell_gone(c->x);
        break;
    case CONN_WRITE:
        if (broken)
            conn_close(c);
        else
            write_more(c);
        break;
    case CONN_STREAM:
        if (c->half_closed)
            conn_close(c);
        else
            stream_pump(c);
        break;
    case CONN_LINGER:
        linger_read(c);
        break;
    default:
        break;
    }
}
