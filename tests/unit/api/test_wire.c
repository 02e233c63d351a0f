#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "fake.h"

static int put(struct call *c, struct err *e)
{
    call_reply(c, 204, NULL);
    return txn_put(c->txn, call_param(c, "key"), call_body(c), e);
}

static int get(struct call *c, struct err *e)
{
    struct record rec;
    int r = txn_get(c->txn, call_param(c, "key"), &rec, e);

    if (r < 0)
        return r;
    call_field(c, "X-Query", call_query(c, "q", &(struct str){0}) ? "yes" : "no");
    buf_put_str(c->body, rec.value);
    call_reply(c, 200, "text/plain");
    return 0;
}

/* `n` letters, compressible. */
static int letters(struct call *c, struct err *e)
{
    uint64_t n = 0;
    struct str how;

    (void)e;
    (void)str_to_u64(call_param(c, "n"), 10, &n);
    for (uint64_t i = 0; i < n; i++)
        buf_putc(c->body, "abcdefgh"[i % 8]);
    if (call_query(c, "secret", &how))
        call_set_secret(c);
    if (call_query(c, "encoded", &how))
        call_field(c, "Content-Encoding", "identity");
    call_reply(c, 200, "text/plain");
    return 0;
}

static void answer_itself(struct call *c, void *arg)
{
    http_reply(c->x, &(struct http_reply){.status = 200, .body = str_of(arg)});
}

static int take(struct call *c, struct err *e)
{
    call_take(c, answer_itself, "taken");
    return txn_put(c->txn, STR("taken"), STR("1"), e);
}

static int take_and_fail(struct call *c, struct err *e)
{
    call_take(c, answer_itself, "taken");
    return err_set(e, ERR_DENIED, "no stream for you");
}

static const struct route routes[] = {
    {M_PUT, "/kv/:key", 0, put, NULL},        {M_GET, "/kv/:key", 0, get, NULL},
    {M_GET, "/letters/:n", 0, letters, NULL}, {M_POST, "/take", 0, take, NULL},
    {M_GET, "/take", 0, take_and_fail, NULL},
};

enum { REPLY_MAX = 256 << 10 };
static char reply[REPLY_MAX];

static const char *talk(int fd, const char *text)
{
    wire_send(fd, text);
    wire_read(fd, reply, sizeof reply);
    return reply;
}

TEST(writes_and_reads_over_one_connection)
{
    struct fake f;

    fake_start(&f, routes, ARRAY_LEN(routes));
    fake_listen(&f);
    int fd = wire_open(f.port);

    for (int i = 0; i < 20; i++) {
        T_INT_EQ(wire_status(talk(fd, "PUT /kv/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                                      "\r\nhello")),
                 204);
        T_STR_EQ(fake_value(&f, "a"), "hello");
        talk(fd, "GET /kv/a?q HTTP/1.1\r\nHost: a\r\n\r\n");
        T_INT_EQ(wire_status(reply), 200);
        T_STR_HAS(reply, "X-Query: yes");
        T_STR_HAS(reply, "\r\n\r\nhello");
    }
    T_INT_EQ(wire_status(talk(fd, "GET /kv/none HTTP/1.1\r\nHost: a\r\n\r\n")), 404);
    close(fd);
    fake_stop(&f);
}

TEST(a_taken_exchange_is_answered_by_its_taker_after_the_commit)
{
    struct fake f;
    struct api_request q = {.method = "POST", .path = "/take"};
    struct api_response r;
    struct err e = ERR_INIT;

    fake_start(&f, routes, ARRAY_LEN(routes));
    fake_listen(&f);
    int fd = wire_open(f.port);

    T_STR_HAS(talk(fd, "POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
              "\r\n\r\ntaken");
    T_STR_EQ(fake_value(&f, "taken"), "1");
    T_STR_HAS(talk(fd, "GET /take HTTP/1.1\r\nHost: a\r\n\r\n"), "error: no stream for you");
    T_INT_EQ(wire_status(reply), 403);
    T_INT_EQ(api_call(f.api, &f.svc, &q, f.arena, &r, &e), ERR_UNSUPPORTED);
    close(fd);
    fake_stop(&f);
}

static void check_unzipped(const char *http, size_t n)
{
    const char *body = strstr(http, "\r\n\r\n") + 4;
    z_stream z = {.next_in = (Bytef *)body, .avail_in = REPLY_MAX};
    auto_free char *plain = calloc(1, n + 1);

    z.next_out = (Bytef *)plain;
    z.avail_out = (uInt)n + 1;
    T_INT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
    T_INT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
    T_INT_EQ(z.total_out, n);
    for (size_t i = 0; i < n; i++)
        T_INT_EQ(plain[i], "abcdefgh"[i % 8]);
    inflateEnd(&z);
}

TEST(large_replies_are_compressed_for_those_who_take_it)
{
    static const struct {
        const char *label, *target, *header;
        int n;
        bool zipped;
    } rows[] = {
        {"asked", "/letters/5000", "Accept-Encoding: gzip\r\n", 5000, true},
        {"among others", "/letters/5000", "Accept-Encoding: br, GZIP;q=0.5\r\n", 5000, true},
        {"any", "/letters/5000", "Accept-Encoding: *\r\n", 5000, true},
        {"not asked", "/letters/5000", "", 5000, false},
        {"something else", "/letters/5000", "Accept-Encoding: br, xgzip\r\n", 5000, false},
        {"refused", "/letters/5000", "Accept-Encoding: gzip;q=0, *\r\n", 5000, false},
        {"exactly long enough", "/letters/1024", "Accept-Encoding: gzip\r\n", 1024, true},
        {"too short", "/letters/1023", "Accept-Encoding: gzip\r\n", 1023, false},
        {"secret", "/letters/5000?secret", "Accept-Encoding: gzip\r\n", 5000, false},
        {"encoded", "/letters/5000?encoded", "Accept-Encoding: gzip\r\n", 5000, false},
    };
    struct fake f;
    char text[512];

    fake_start(&f, routes, ARRAY_LEN(routes));
    f.svc.gzip = true;
    fake_listen(&f);
    int fd = wire_open(f.port);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].target,
                 rows[i].header);
        talk(fd, text);
        T_INT_EQ(wire_status(reply), 200);
        T_INT_EQ(strcasestr(reply, "Content-Encoding: gzip") != NULL, rows[i].zipped);
        if (rows[i].zipped) {
            T_STR_HAS(reply, "Vary: Accept-Encoding");
            check_unzipped(reply, (size_t)rows[i].n);
        } else {
            T_INT_EQ(strlen(strstr(reply, "\r\n\r\n") + 4), rows[i].n);
        }
    }
    f.svc.gzip = false;
    T_ROW("the service does not");
    talk(fd, "GET /letters/5000 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    T_TRUE(!strcasestr(reply, "Content-Encoding"));
    close(fd);
    fake_stop(&f);
}

TEST(once_the_api_has_stopped_requests_are_answered_503)
{
    struct fake f;

    fake_start(&f, routes, ARRAY_LEN(routes));
    fake_listen(&f);
    int fd = wire_open(f.port);

    api_stop(f.api);
    T_INT_EQ(wire_status(talk(fd, "GET /kv/a HTTP/1.1\r\nHost: a\r\n\r\n")), 503);
    T_STR_HAS(reply, "error: the server is stopping");
    close(fd);
    fake_stop(&f);
}
