#include "http/http_priv.h"

static const struct {
    int status;
    const char *text;
} statuses[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Request Entity Too Large"},
    {414, "Request URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Requested Range Not Satisfiable"},
    {422, "Unprocessable Entity"},
    {424, "Failed Dependency"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *reply_status_text(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].text;
    return "Status";
}

/* Writes into a block whose size was computed beforehand (reply_bound). */
struct put {
    char *p;
    size_t len;
};

static void put(struct put *o, struct str s)
{
    memcpy(o->p + o->len, s.p, s.len);
    o->len += s.len;
}

/* What an owner puts into a header never ends the line, whoever chose it. */
static void put_clean(struct put *o, const char *s)
{
    for (; *s; s++)
        o->p[o->len++] = (unsigned char)*s < 0x20 && *s != '\t' ? ' ' : *s;
}

static void put_number(struct put *o, uint64_t n)
{
    char digits[20];
    size_t i = sizeof digits;

    do
        digits[--i] = (char)('0' + n % 10);
    while (n /= 10);
    put(o, str_n(digits + i, sizeof digits - i));
}

static void put_field(struct put *o, const char *name, const char *value)
{
    put_clean(o, name);
    put(o, STR(": "));
    put_clean(o, value);
    put(o, STR("\r\n"));
}

static size_t reply_bound(const struct http_reply *r)
{
    size_t n = 256 + (r->content_type ? strlen(r->content_type) : 0);

    for (size_t i = 0; i < r->n_fields; i++)
        n += strlen(r->fields[i].name) + strlen(r->fields[i].value) + 4;
    return n;
}

static void put_status_line(struct put *o, int status)
{
    put(o, STR("HTTP/1.1 "));
    put_number(o, (uint64_t)(status < 100 || status > 999 ? 500 : status));
    put(o, STR(" "));
    put(o, str_of(reply_status_text(status)));
    put(o, STR("\r\n"));
}

static void put_connection(struct put *o, const struct conn *c)
{
    if (c->close_after)
        put(o, STR("Connection: close\r\n"));
    else if (c->x && c->x->head.minor == 0)
        put(o, STR("Connection: keep-alive\r\n"));
}

struct str reply_head(struct conn *c, const struct http_reply *r, enum reply_framing framing)
{
    size_t bound = reply_bound(r);
    struct put o = {bound <= OUT_BYTES / 2 ? c->w->out : arena_alloc(c->x->arena, bound), 0};

    put_status_line(&o, r->status);
    if (r->content_type)
        put_field(&o, "Content-Type", r->content_type);
    for (size_t i = 0; i < r->n_fields; i++)
        put_field(&o, r->fields[i].name, r->fields[i].value);
    put(&o, STR("Date: "));
    put(&o, str_of(worker_date(c->w)));
    put(&o, STR("\r\n"));
    if (framing == FRAME_LENGTH) {
        put(&o, STR("Content-Length: "));
        put_number(&o, r->body.len);
        put(&o, STR("\r\n"));
    } else if (framing == FRAME_CHUNKED) {
        put(&o, STR("Transfer-Encoding: chunked\r\n"));
    }
    put_connection(&o, c);
    put(&o, STR("\r\n"));
    return str_n(o.p, o.len);
}

static bool has_no_body(int status)
{
    return status < 200 || status == 204 || status == 304;
}

/* The head stands in the worker's buffer, which the next connection uses: keep what is left. */
static void keep_head(struct conn *c)
{
    if (c->out[0].len && c->out[0].p >= c->w->out && c->out[0].p < c->w->out + OUT_BYTES)
        c->out[0] = arena_str(c->x->arena, c->out[0]);
}

void reply_begin(struct conn *c)
{
    struct http_exchange *x = c->x;
    const struct http_reply *r = &x->reply;
    bool bare = has_no_body(r->status);
    int done;

    c->close_after = !x->head.keep_alive || r->close || c->half_closed ||
                     atomic_load_explicit(&c->w->server->stopping, memory_order_relaxed);
    c->out[0] = reply_head(c, r, bare ? FRAME_NONE : FRAME_LENGTH);
    c->out[1] = bare || str_eq(x->head.method, STR("HEAD")) ? STR("") : r->body;
    c->state = CONN_WRITE;
    done = conn_flush(c);
    if (done > 0) {
        conn_finished(c);
    } else if (done < 0) {
        conn_close(c);
    } else {
        keep_head(c);
        timer_set(c, TIMER_WRITE);
    }
}

void reply_refuse(struct conn *c, int status, const char *why)
{
    struct put o = {c->w->out, 0};
    const char *text = reply_status_text(status);

    atomic_fetch_add_explicit(&c->w->refused, 1, memory_order_relaxed);
    put_status_line(&o, status);
    put(&o, STR("Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
                "Content-Length: "));
    put_number(&o, 4 + strlen(text) + 2 + strlen(why) + 1);
    put(&o, STR("\r\n\r\n"));
    put_number(&o, (uint64_t)status);
    put(&o, STR(" "));
    put(&o, str_of(text));
    put(&o, STR(": "));
    put(&o, str_of(why));
    put(&o, STR("\n"));
    conn_send_small(c, str_n(o.p, o.len));
    if (c->x) {
        exchange_free(c->x);
        c->x = NULL;
    }
    conn_linger(c);
}

void http_reply(struct http_exchange *x, const struct http_reply *r)
{
    x->reply = *r;
    exchange_answer(x, ANSWER_REPLY);
}
