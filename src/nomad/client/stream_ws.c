/*
 * What servers ask over the websocket that this client keeps open (nomad/model/stream.h), and
 * the same for a server in this process (nomad_client_ask).
 */
#include "base/clock.h"
#include "http/client.h"
#include "http/websocket.h"
#include "nomad/client/link_http.h"
#include "nomad/client/serve.h"
#include "nomad/model/stream.h"

enum { RECONNECT_MS = 15000 };

/* ---- one request from a server ---------------------------------------------------------- */

struct stream {
    struct nomad_client *c;
    struct websocket *ws;
    struct lock lock; /* the list, the windows */
    struct cond changed;
    struct ws_exchange *list;
    unsigned n;
};

struct ws_exchange {
    struct answer w;
    struct stream *s;
    uint64_t id;
    struct arena *a;
    const char *method, *target;
    struct str body;
    struct stopper gone;
    int64_t window; /* bytes that may still be sent; the stream's lock */
    struct ws_exchange *next;
};

static int send_frame(struct stream *s, const struct stream_frame *f, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(WS_MESSAGE_MAX);

    stream_frame_write(f, &b);
    return ws_send(s->ws, WS_TEXT, buf_str(&b), e);
}

static int ws_head(struct answer *w, int status, const char *type, struct err *e)
{
    struct ws_exchange *x = (struct ws_exchange *)w;
    struct stream_frame f = {
        .id = x->id, .kind = STREAM_HEAD, .status = status, .type = str_or_empty(type)};

    return send_frame(x->s, &f, e);
}

/* How much may be sent now; waits until it is something. 0: gone. */
static size_t take_window(struct ws_exchange *x, size_t want)
{
    auto_lock struct lock *held = lock_scope(&x->s->lock);

    while (x->window <= 0 && !stopper_is_set(&x->gone))
        cond_wait(&x->s->changed, &x->s->lock);
    if (stopper_is_set(&x->gone))
        return 0;
    if (want > STREAM_PIECE_MAX)
        want = STREAM_PIECE_MAX;
    if ((int64_t)want > x->window)
        want = (size_t)x->window;
    x->window -= (int64_t)want;
    return want;
}

static int ws_piece(struct answer *w, struct str data, struct err *e)
{
    struct ws_exchange *x = (struct ws_exchange *)w;
    int r = 0;

    while (r == 0 && data.len > 0) {
        auto_buf struct buf b = BUF_INIT(STREAM_PIECE_MAX + STREAM_ID_BYTES);
        size_t n = take_window(x, data.len);

        if (n == 0)
            return err_set(e, ERR_CANCELED, "nobody reads any more");
        stream_piece_write(x->id, str_upto(data, n), &b);
        r = ws_send(x->s->ws, WS_BINARY, buf_str(&b), e);
        data = str_from(data, n);
    }
    return r;
}

static int ws_whole(struct answer *w, int status, const char *type, struct str body,
                    struct err *e)
{
    int r = ws_head(w, status, type, e);

    return r < 0 ? r : ws_piece(w, body, e);
}

static bool ws_gone(struct answer *w)
{
    return stopper_is_set(&((struct ws_exchange *)w)->gone);
}

static void free_exchange(struct ws_exchange *x)
{
    stopper_done(&x->gone);
    arena_free(x->a);
    free(x);
}

static void unlink_exchange(struct stream *s, struct ws_exchange *x)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    for (struct ws_exchange **p = &s->list; *p; p = &(*p)->next) {
        if (*p == x) {
            *p = x->next;
            break;
        }
    }
    s->n--;
    cond_broadcast(&s->changed);
}

static void request_main(void *arg)
{
    struct ws_exchange *x = arg;
    struct stream *s = x->s;
    struct stream_frame f = {.id = x->id, .kind = STREAM_END};

    serve_run(s->c, x->method, str_of(x->target), x->body, &x->w);
    if (!stopper_is_set(&x->gone))
        send_frame(s, &f, NULL);
    unlink_exchange(s, x); /* the stream may be gone from here on */
    free_exchange(x);
}

static struct ws_exchange *new_exchange(struct stream *s, const struct stream_frame *f)
{
    struct ws_exchange *x = calloc(1, sizeof *x);

    if (!x || stopper_init(&x->gone, NULL) < 0)
        abort();
    x->a = arena_new(0);
    x->w = (struct answer){.head = ws_head,
                           .whole = ws_whole,
                           .piece = ws_piece,
                           .is_gone = ws_gone,
                           .wake_fd = x->gone.fd,
                           .follows = true};
    x->s = s;
    x->id = f->id;
    x->method = arena_strdup(x->a, f->method);
    x->target = arena_strdup(x->a, f->target);
    x->body = arena_str(x->a, f->body);
    x->window = STREAM_WINDOW;
    return x;
}

static void refuse(struct stream *s, uint64_t id, const struct err *e)
{
    auto_buf struct buf b = BUF_INIT(STREAM_PIECE_MAX);
    struct stream_frame head = {
        .id = id, .kind = STREAM_HEAD, .status = err_http_status(e), .type = TYPE_TEXT};
    struct stream_frame end = {.id = id, .kind = STREAM_END};

    stream_piece_write(id, str_of(e->msg), &b);
    if (send_frame(s, &head, NULL) == 0 && ws_send(s->ws, WS_BINARY, buf_str(&b), NULL) == 0)
        send_frame(s, &end, NULL);
}

static void on_request(struct stream *s, const struct stream_frame *f)
{
    struct ws_exchange *x = new_exchange(s, f);
    struct err e = ERR_INIT;
    bool full;

    lock_take(&s->lock);
    full = s->n == STREAM_REQUESTS_MAX;
    if (!full) {
        x->next = s->list;
        s->list = x;
        s->n++;
    }
    lock_drop(&s->lock);
    if (full) {
        err_set(&e, ERR_LIMIT, "the client agent answers %d requests already, try again",
                STREAM_REQUESTS_MAX);
    } else if (serve_spawn(s->c, request_main, x, &e) == 0) {
        return;
    } else {
        unlink_exchange(s, x);
    }
    free_exchange(x);
    refuse(s, f->id, &e);
}

static void on_frame(struct stream *s, const struct stream_frame *f)
{
    if (f->kind == STREAM_REQUEST) {
        on_request(s, f);
        return;
    }
    auto_lock struct lock *held = lock_scope(&s->lock);
    for (struct ws_exchange *x = s->list; x; x = x->next) {
        if (x->id != f->id)
            continue;
        if (f->kind == STREAM_CANCEL)
            stopper_stop(&x->gone);
        else if (f->kind == STREAM_MORE)
            x->window += f->bytes;
    }
    cond_broadcast(&s->changed);
}

/* ---- the websocket ---------------------------------------------------------------------- */

static int read_frames(struct stream *s, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(WS_MESSAGE_MAX);

    for (;;) {
        auto_arena struct arena *a = arena_new(0);
        struct stream_frame f;
        int r = ws_recv(s->ws, &s->c->stop, 0, &b, e);

        if (r <= 0)
            return r;
        if (r != WS_TEXT)
            return err_set(e, ERR_INVALID, "stream: a server sends text only");
        r = stream_frame_read(buf_str(&b), a, &f, e);
        if (r < 0)
            return r;
        on_frame(s, &f);
    }
}

/* Nobody reads the answers any more: their threads end. */
static void end_exchanges(struct stream *s)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    for (struct ws_exchange *x = s->list; x; x = x->next)
        stopper_stop(&x->gone);
    cond_broadcast(&s->changed);
    while (s->n > 0)
        cond_wait(&s->changed, &s->lock);
}

static int one_stream(struct nomad_client *c, struct link_peer *p, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct http_header headers[] = {{LINK_SECRET_HEADER, c->secret_id}};
    struct http_request q = {
        .path = arena_printf(a, LINK_PATH "stream?node_id=%s", c->id),
        .headers = headers,
        .n_headers = 1,
        .stop = &c->stop,
    };
    struct stream s = {.c = c};
    int r = http_client_websocket(p->http, &q, &s.ws, e);

    if (r < 0)
        return r;
    lock_init(&s.lock, "client stream", RANK_CLIENT_LINK);
    cond_init(&s.changed);
    r = read_frames(&s, e);
    ws_close(s.ws, 1000, "");
    end_exchanges(&s);
    ws_free(s.ws);
    cond_done(&s.changed);
    lock_done(&s.lock);
    return r;
}

/* Only servers that know the node take its stream. */
static bool wait_registered(struct nomad_client *c)
{
    auto_lock struct lock *held = lock_scope(&c->lock);

    while (!c->stopping && !c->registered)
        cond_wait(&c->changed, &c->lock);
    return !c->stopping;
}

void stream_loop(void *arg)
{
    struct nomad_client *c = arg;
    unsigned tries = 0;

    while (wait_registered(c)) {
        int64_t began = clock_mono_ms();
        struct link_peer *p = NULL;
        struct err e = ERR_INIT;
        int r = link_http_peer(c->link_http, &p, &e);

        if (r == 0) {
            r = one_stream(c, p, &e);
            link_http_peer_done(c->link_http, p, r == ERR_UNAVAIL || r == ERR_TIMEOUT);
        }
        if (stopper_is_set(&c->stop))
            break;
        if (clock_mono_ms() - began > RECONNECT_MS)
            tries = 0;
        log_debug(CLIENT_ROOM, "stream to server ended, retrying error=%s", e.msg);
        stopper_wait_until(&c->stop, clock_mono_ms() + backoff_ms(tries++, RECONNECT_MS));
    }
}

/* ---- a server in this process ----------------------------------------------------------- */

struct client_ask {
    struct answer w;
    struct nomad_client *c;
    struct arena *a;
    const char *method, *target;
    struct str body;
    client_ask_reply *on_reply;
    void *arg;
    struct stopper gone;
    struct lock lock;
    struct cond changed;
    bool ended;
};

static int local_head(struct answer *w, int status, const char *type, struct err *e)
{
    struct client_ask *k = (struct client_ask *)w;

    if (stopper_is_set(&k->gone))
        return err_set(e, ERR_CANCELED, "nobody reads any more");
    k->on_reply(k->arg, status, str_or_empty(type), STR(""));
    return 0;
}

static int local_piece(struct answer *w, struct str data, struct err *e)
{
    struct client_ask *k = (struct client_ask *)w;

    if (stopper_is_set(&k->gone))
        return err_set(e, ERR_CANCELED, "nobody reads any more");
    if (data.len > 0)
        k->on_reply(k->arg, 0, NULL, data);
    return 0;
}

static int local_whole(struct answer *w, int status, const char *type, struct str body,
                       struct err *e)
{
    int r = local_head(w, status, type, e);

    return r < 0 ? r : local_piece(w, body, e);
}

static bool local_gone(struct answer *w)
{
    return stopper_is_set(&((struct client_ask *)w)->gone);
}

static void local_main(void *arg)
{
    struct client_ask *k = arg;

    serve_run(k->c, k->method, str_of(k->target), k->body, &k->w);
    if (!stopper_is_set(&k->gone))
        k->on_reply(k->arg, 0, NULL, (struct str){0});
    auto_lock struct lock *held = lock_scope(&k->lock);
    k->ended = true;
    cond_broadcast(&k->changed);
}

static void free_ask(struct client_ask *k)
{
    stopper_done(&k->gone);
    cond_done(&k->changed);
    lock_done(&k->lock);
    arena_free(k->a);
    free(k);
}

int nomad_client_ask(struct nomad_client *c, const char *method, const char *target,
                     struct str body, client_ask_reply *on_reply, void *arg,
                     struct client_ask **ret, struct err *e)
{
    struct client_ask *k = calloc(1, sizeof *k);
    int r;

    if (!k || stopper_init(&k->gone, NULL) < 0)
        abort();
    k->w = (struct answer){.head = local_head,
                           .whole = local_whole,
                           .piece = local_piece,
                           .is_gone = local_gone,
                           .wake_fd = k->gone.fd,
                           .follows = true};
    k->c = c;
    k->a = arena_new(0);
    k->method = arena_strdup(k->a, method);
    k->target = arena_strdup(k->a, target);
    k->body = arena_str(k->a, body);
    k->on_reply = on_reply;
    k->arg = arg;
    lock_init(&k->lock, "client ask", RANK_CLIENT_LINK);
    cond_init(&k->changed);
    *ret = k; /* before its first reply */
    r = serve_spawn(c, local_main, k, e);
    if (r < 0) {
        *ret = NULL;
        free_ask(k);
    }
    return r;
}

void client_ask_done(struct client_ask *k)
{
    stopper_stop(&k->gone);
    lock_take(&k->lock);
    while (!k->ended)
        cond_wait(&k->changed, &k->lock);
    lock_drop(&k->lock);
    free_ask(k);
}
