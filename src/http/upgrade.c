#include <errno.h>
#include <sys/socket.h>

#include "base/err.h"
#include "http/http_priv.h"
#include "http/websocket.h"
#include "http/ws_priv.h"

/*
 * A websocket and the thread that serves it. The thread is started by http_upgrade, so that
 * "no more threads" is an error of its own; then it waits until the worker has answered 101 and
 * handed the connection over. Two own this: the thread and the websocket.
 */
struct upgraded {
    struct upgraded *prev, *next; /* http_server.sockets */
    struct http_server *server;
    int fd; /* server.lock; -1: none (yet, or any more) */
    struct lock lock;
    struct cond ready;
    struct websocket *ws; /* lock; NULL until handed over */
    atomic_int refs;
    void (*fn)(struct websocket *ws, void *arg);
    void *arg;
    char accept[WS_ACCEPT_SIZE];
};

/* What the websocket keeps of the connection. */
struct carried {
    int fd;
    struct tls_conn *tls;
};

static void sockets_add(struct http_server *s, struct upgraded *u)
{
    u->next = s->sockets;
    if (u->next)
        u->next->prev = u;
    s->sockets = u;
    s->n_sockets++;
}

static void upgraded_unref(struct upgraded *u)
{
    struct http_server *s = u->server;

    if (atomic_fetch_sub(&u->refs, 1) > 1)
        return;
    lock_take(&s->lock);
    *(u->prev ? &u->prev->next : &s->sockets) = u->next;
    if (u->next)
        u->next->prev = u->prev;
    cond_done(&u->ready);
    lock_done(&u->lock);
    free(u);
    if (--s->n_sockets == 0)
        cond_broadcast(&s->changed);
    lock_drop(&s->lock);
}

static void on_ws_free(void *arg)
{
    struct upgraded *u = arg;

    lock_take(&u->server->lock);
    u->fd = -1;
    lock_drop(&u->server->lock);
    upgraded_unref(u);
}

static ptrdiff_t carried_recv(void *arg, void *p, size_t len)
{
    struct carried *k = arg;
    ptrdiff_t n;

    if (k->tls)
        return tls_recv(k->tls, p, len);
    n = recv(k->fd, p, len, 0);
    return n < 0 ? (errno == EAGAIN || errno == EINTR ? WS_AGAIN : -1) : n;
}

static ptrdiff_t carried_send(void *arg, const void *p, size_t len)
{
    struct carried *k = arg;
    ptrdiff_t n;

    if (k->tls)
        return tls_send(k->tls, p, len);
    n = send(k->fd, p, len, MSG_NOSIGNAL);
    return n < 0 ? (errno == EAGAIN || errno == EINTR ? WS_AGAIN : -1) : n;
}

static void carried_done(void *arg)
{
    struct carried *k = arg;

    if (k->tls) {
        tls_flush(k->tls);
        tls_conn_bye(k->tls);
        tls_conn_free(k->tls);
    }
    if (k->fd >= 0)
        close(k->fd);
    free(k);
}

static struct websocket *carried_ws(int fd, struct tls_conn *tls, struct str early,
                                    struct upgraded *u)
{
    struct carried *k = malloc(sizeof *k);

    if (!k)
        abort();
    *k = (struct carried){fd, tls};
    return ws_new(&(struct ws_transport){k, fd, carried_recv, carried_send, carried_done},
                  false, early, on_ws_free, u);
}

static void hand_over(struct upgraded *u, int fd, struct websocket *ws)
{
    struct http_server *s = u->server;

    lock_take(&s->lock);
    u->fd = fd;
    if (s->sockets_stopped && fd >= 0)
        shutdown(fd, SHUT_RDWR);
    lock_drop(&s->lock);

    lock_take(&u->lock);
    u->ws = ws;
    cond_signal(&u->ready);
    lock_drop(&u->lock);
}

static void serve(void *arg)
{
    struct upgraded *u = arg;
    struct websocket *ws;

    lock_take(&u->lock);
    while (!u->ws)
        cond_wait(&u->ready, &u->lock);
    ws = u->ws;
    lock_drop(&u->lock);
    u->fn(ws, u->arg);
    upgraded_unref(u);
}

static int check_request(const struct http_exchange *x, struct str *ret_key, struct err *e)
{
    struct str key = http_header(x, "Sec-WebSocket-Key");

    if (!str_eq(x->head.method, STR("GET")) || x->head.minor != 1 ||
        !head_list_has(http_header(x, "Upgrade"), STR("websocket")) ||
        !head_list_has(http_header(x, "Connection"), STR("upgrade")))
        return err_set(e, ERR_INVALID, "not a websocket request");
    if (!str_eq(http_header(x, "Sec-WebSocket-Version"), STR("13")))
        return err_set(e, ERR_INVALID, "unsupported websocket version");
    if (key.len != WS_KEY_SIZE - 1)
        return err_set(e, ERR_INVALID, "invalid Sec-WebSocket-Key");
    *ret_key = key;
    return 0;
}

static int claim(struct http_server *s, struct upgraded *u, struct err *e)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    if (s->n_sockets == HTTP_WEBSOCKETS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d websockets", HTTP_WEBSOCKETS_MAX);
    sockets_add(s, u);
    return 0;
}

int http_upgrade(struct http_exchange *x, void (*fn)(struct websocket *ws, void *arg),
                 void *arg, struct err *e)
{
    struct thread thread = {0};
    struct upgraded *u;
    struct str key;
    int r = check_request(x, &key, e);

    if (r < 0)
        return r;
    u = calloc(1, sizeof *u);
    if (!u)
        abort();
    *u = (struct upgraded){.server = x->c->w->server, .fd = -1, .fn = fn, .arg = arg};
    atomic_init(&u->refs, 2);
    lock_init(&u->lock, "http upgrade", RANK_HTTP);
    cond_init(&u->ready);
    ws_accept_key(key, u->accept);
    r = claim(u->server, u, e);
    if (r < 0) {
        cond_done(&u->ready);
        lock_done(&u->lock);
        free(u);
        return r;
    }
    r = thread_start(&thread, "websocket", serve, u, e);
    if (r < 0) {
        atomic_store(&u->refs, 1);
        upgraded_unref(u);
        return r;
    }
    pthread_detach(thread.t);
    x->upgrade = u;
    exchange_answer(x, ANSWER_UPGRADE);
    return 0;
}

void upgrade_begin(struct conn *c)
{
    struct http_exchange *x = c->x;
    struct upgraded *u = x->upgrade;
    struct websocket *ws;
    int fd = c->fd;
    char head[256];

    snprintf(head, sizeof head,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
             u->accept);
    c->out[0] = str_of(head);
    if (conn_flush(c) <= 0) { /* earlier replies fill the socket: nobody there */
        conn_close(c);
        return;
    }
    ws =
        carried_ws(fd, c->tls, str_n(c->in ? c->in + c->in_off : "", c->in_len - c->in_off), u);
    exchange_free(x);
    c->x = NULL;
    conn_moved(c);
    hand_over(u, fd, ws);
}

/* The peer left before it was told. The thread has to end all the same. */
void upgrade_gone(struct http_exchange *x)
{
    struct upgraded *u = x->upgrade;

    x->upgrade = NULL;
    hand_over(u, -1, carried_ws(-1, NULL, STR(""), u));
}

/* Only the sockets are shut down; each thread then finds out, ends and frees its own. A
 * descriptor is taken off the list before it is closed, so none of these is somebody else's. */
void upgrade_stop_all(struct http_server *s)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    s->sockets_stopped = true;
    for (struct upgraded *u = s->sockets; u; u = u->next)
        if (u->fd >= 0)
            shutdown(u->fd, SHUT_RDWR);
}
