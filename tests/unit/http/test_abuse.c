/* Requests no honest client sends, over raw sockets. What is refused gets a 400, then the
 * connection ends, and nothing that followed is served. */
#include "http_t.h"

#define TAIL "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST "POST /a HTTP/1.1\r\nHost: x\r\n"

TEST(what_has_two_readings_is_refused_and_the_connection_closed)
{
    static const struct {
        const char *label;
        struct str ask;
        int want;
    } rows[] = {
        {"length and coding",
         STR(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" TAIL),
         400},
        {"coding and length",
         STR(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" TAIL),
         400},
        {"two lengths", STR(POST "Content-Length: 0\r\nContent-Length: 40\r\n\r\n" TAIL), 400},
        {"a list of lengths", STR(POST "Content-Length: 0, 0\r\n\r\n" TAIL), 400},
        {"a list of codings",
         STR(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" TAIL), 400},
        {"a hidden coding", STR(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" TAIL), 400},
        {"a folded coding", STR(POST "A: b\r\n Transfer-Encoding: chunked\r\n\r\n" TAIL), 400},
        {"a length behind a CR", STR(POST "A: b\rContent-Length: 40\r\n\r\n" TAIL), 400},
        {"a length behind a LF", STR(POST "A: b\nContent-Length: 40\r\n\r\n" TAIL), 400},
        {"a length behind a NUL", STR(POST "A: b\0Content-Length: 40\r\n\r\n" TAIL), 400},
        {"a head of bare LFs", STR("GET / HTTP/1.1\nHost: x\n\n" TAIL), 400},
        {"a chunk without its CRLF",
         STR(POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc0\r\n\r\n" TAIL), 400},
        {"a chunk with a bare LF",
         STR(POST "Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n" TAIL), 400},
        {"a chunk longer than said",
         STR(POST "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n" TAIL), 400},
        {"a negative chunk", STR(POST "Transfer-Encoding: chunked\r\n\r\n-1\r\n" TAIL), 400},
        {"two Hosts", STR("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" TAIL), 400},
        {"an unknown version", STR("GET / HTTP/3.0\r\nHost: x\r\n\r\n" TAIL), 505},
    };
    auto_t_server struct t_server t = t_server_start(NULL);
    struct http_server_stats stats;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf b = BUF_INIT(1 << 20);

        T_ROW(rows[i].label);
        T_INT_EQ(t_ask_raw(t.port, rows[i].ask, &b), rows[i].want);
        T_STR_HAS(b.p, "Connection: close\r\n");
        T_TRUE(strstr(b.p, "smuggled") == NULL);
    }
    http_server_stats(t.s, &stats);
    T_INT_EQ(stats.refused, ARRAY_LEN(rows));
}

TEST(the_bytes_behind_a_body_are_the_next_request_and_nothing_else)
{
    auto_t_server struct t_server t = t_server_start(NULL);
    auto_buf struct buf b = BUF_INIT(1 << 20);

    T_INT_EQ(t_ask_raw(t.port, STR(POST "Content-Length: 2\r\n\r\nabGARBAGE\r\n\r\n"), &b),
             200);
    T_STR_HAS(b.p, "[ab]");
    T_STR_HAS(b.p, "400 Bad Request");
}

TEST(a_head_that_is_too_large_is_refused)
{
    auto_t_server struct t_server t = t_server_start(NULL);
    auto_buf struct buf ask = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
    auto_fd int fd = t_connect(t.port);

    /* Just within the limit, in two pieces. */
    buf_puts(&ask, "GET /a HTTP/1.1\r\nHost: x\r\nX: ");
    while (ask.len < HTTP_HEAD_MAX - 4)
        buf_putc(&ask, 'a');
    t_send(fd, buf_str(&ask));
    t_send_c(fd, "\r\n\r\n");
    T_INT_EQ(t_read_reply(fd, &b), 200);

    buf_puts(&ask, "aaaaaaaa\r\n\r\n");
    T_INT_EQ(t_ask_raw(t.port, buf_str(&ask), &b), 431);
}

TEST(too_many_query_parameters_are_refused)
{
    auto_t_server struct t_server t = t_server_start(NULL);
    auto_buf struct buf ask = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);

    buf_puts(&ask, "GET /a?");
    for (int i = 0; i <= HTTP_PARAMS_MAX; i++)
        buf_puts(&ask, "a&");
    buf_puts(&ask, " HTTP/1.1\r\nHost: x\r\n\r\n");
    T_INT_EQ(t_ask_raw(t.port, buf_str(&ask), &b), 400);
    T_STR_HAS(b.p, "too many query parameters");
}

TEST(noise_gets_an_error_or_the_door)
{
    static const struct {
        const char *label;
        struct str ask;
    } rows[] = {
        {"a TLS hello", STR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n")},
        {"a lot of line ends", STR("\n\n\n\n\n\n")},
        {"binary", STR("\x00\xff\x00\xff\r\n\r\n")},
        {"http/0.9", STR("GET /\r\n\r\n")},
        {"a reply", STR("HTTP/1.1 200 OK\r\n\r\n")},
    };
    auto_t_server struct t_server t = t_server_start(NULL);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf b = BUF_INIT(1 << 20);

        T_ROW(rows[i].label);
        T_INT_EQ(t_ask_raw(t.port, rows[i].ask, &b), 400);
    }
}
