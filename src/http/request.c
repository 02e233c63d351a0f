#include "http/http_priv.h"

/* More bytes into c->in. REQUEST_DONE: some came. */
static int read_some(struct conn *c, size_t max, int full_status)
{
    ptrdiff_t n;

    if (!c->readable)
        return REQUEST_MORE;
    if (!conn_in_prepare(c, max))
        return full_status;
    n = conn_recv(c, c->in + c->in_len, c->in_cap - c->in_len);
    if (n == IO_AGAIN)
        return REQUEST_MORE;
    if (n <= 0)
        return REQUEST_GONE;
    c->in_len += (size_t)n;
    return REQUEST_DONE;
}

/* RFC 9112 2.2: an empty line before a request is passed over. */
static void skip_empty_lines(struct conn *c)
{
    while (c->in_len - c->in_off >= 2 && memcmp(c->in + c->in_off, "\r\n", 2) == 0)
        conn_in_used(c, 2);
}

size_t http_usual_body_limit(const struct http_exchange *x)
{
    const struct http_limits *l = &x->c->w->server->limits;
    static const struct str proofs[] = {
        {"X-Vault-Token", 13}, {"X-Nomad-Token", 13}, {"Authorization", 13}};

    for (size_t i = 0; i < ARRAY_LEN(proofs); i++)
        if (head_get(&x->head, proofs[i]).p)
            return l->body;
    return l->body_anon;
}

static void exchange_new(struct conn *c, size_t head_len, const char **ret_head)
{
    struct arena *a = worker_arena(c->w);
    struct http_exchange *x = arena_new_of(a, struct http_exchange);

    x->c = c;
    x->arena = a;
    *ret_head = arena_strndup(a, c->in + c->in_off, head_len);
    c->x = x;
    conn_in_used(c, head_len);
    atomic_fetch_add_explicit(&c->w->requests, 1, memory_order_relaxed);
}

/* The head is good; does it announce a body that we take? */
static int begin_body(struct http_exchange *x, const char **why)
{
    struct conn *c = x->c;
    const struct http_server_opts *o = &c->w->server->opts;

    x->body_max = o->body_limit ? o->body_limit(x, o->arg) : http_usual_body_limit(x);
    if (x->head.content_length > 0 && (uint64_t)x->head.content_length > x->body_max) {
        *why = "the request body is too large";
        return 413;
    }
    if (x->head.expect_continue && c->in_len == c->in_off)
        conn_send_small(c, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    c->state = CONN_BODY;
    timer_set(c, TIMER_BODY);
    return REQUEST_DONE;
}

static int begin_exchange(struct conn *c, size_t head_len, const char **why)
{
    struct http_exchange *x;
    const char *head;
    int r;

    exchange_new(c, head_len, &head);
    x = c->x;
    r = head_parse(&x->head, head, head_len, x->arena);
    *why = x->head.why;
    if (r)
        return r;
    x->raw_target = x->head.target;
    target_parse(&x->target, x->raw_target, x->arena);
    if (target_query_too_many(x->target.query)) {
        *why = "too many query parameters";
        return 400;
    }
    if (x->head.chunked || x->head.content_length > 0)
        return begin_body(x, why);
    conn_dispatch(c);
    return REQUEST_DONE;
}

int request_head(struct conn *c, const char **why)
{
    for (;;) {
        ptrdiff_t end = HEAD_MORE;
        int r;

        skip_empty_lines(c);
        if (c->in_len > c->in_off)
            end = head_find_end(c->in + c->in_off, c->in_len - c->in_off, &c->in_scanned);
        if (end == HEAD_BAD) {
            *why = "a header line does not end in CRLF";
            return 400;
        }
        if (end > 0)
            return begin_exchange(c, (size_t)end, why);
        *why = "the request head is too large";
        r = read_some(c, HTTP_HEAD_MAX, 431);
        if (r != REQUEST_DONE)
            return r;
    }
}

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* With a stated length: first what is in the buffer, then straight from the socket. */
static int body_of_length(struct conn *c)
{
    struct body *b = &c->x->body;
    size_t length = (size_t)c->x->head.content_length;
    size_t here = at_most(c->in_len - c->in_off, length - b->len);

    if (here) {
        body_put(b, str_n(c->in + c->in_off, here));
        conn_in_used(c, here);
    }
    while (b->len < length) {
        ptrdiff_t n;

        if (!c->readable)
            return REQUEST_MORE;
        body_reserve(b, at_most(length - b->len, b->len < 4096 ? 4096 : b->len));
        n = conn_recv(c, b->p + b->len, at_most(length - b->len, b->cap - b->len - 1));
        if (n == IO_AGAIN)
            return REQUEST_MORE;
        if (n <= 0)
            return REQUEST_GONE;
        b->len += (size_t)n;
    }
    return REQUEST_DONE;
}

/* What is in the buffer, chunk by chunk. REQUEST_MORE: it is used up. */
static int take_chunks(struct conn *c, const char **why)
{
    struct http_exchange *x = c->x;
    size_t off = 0, len = c->in_len - c->in_off;
    const char *p = c->in + c->in_off;
    enum chunk_result r;
    struct str piece;

    while ((r = chunks_next(&x->chunks, p, len, &off, &piece)) == CHUNK_DATA) {
        if (piece.len > x->body_max - x->body.len) {
            *why = "the request body is too large";
            return 413;
        }
        body_put(&x->body, piece);
    }
    conn_in_used(c, off);
    if (r == CHUNK_BAD) {
        *why = "malformed chunk";
        return 400;
    }
    return r == CHUNK_END ? REQUEST_DONE : REQUEST_MORE;
}

static int body_of_chunks(struct conn *c, const char **why)
{
    for (;;) {
        int r = c->in_len > c->in_off ? take_chunks(c, why) : REQUEST_MORE;

        if (r == REQUEST_MORE)
            r = read_some(c, HTTP_HEAD_MAX, 431);
        else
            return r;
        if (r != REQUEST_DONE)
            return r;
    }
}

int request_body(struct conn *c, const char **why)
{
    struct http_exchange *x = c->x;
    int r = x->head.chunked ? body_of_chunks(c, why) : body_of_length(c);

    if (r != REQUEST_DONE)
        return r;
    if (x->body.p)
        x->body.p[x->body.len] = '\0';
    conn_dispatch(c);
    return REQUEST_DONE;
}
