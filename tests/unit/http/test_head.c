#include "base/buf.h"
#include "http/head.h"
#include "http/server.h"
#include "t.h"

static int parse(struct arena *a, struct head *h, struct str text)
{
    size_t scanned = 0;
    ptrdiff_t end = head_find_end(text.p, text.len, &scanned);

    if (end <= 0)
        return end == HEAD_BAD ? 400 : -1;
    return head_parse(h, text.p, (size_t)end, a);
}

#define GET "GET /a HTTP/1.1\r\nHost: x\r\n"
#define POST "POST /a HTTP/1.1\r\nHost: x\r\n"

TEST(a_head_has_one_reading_or_none)
{
    static const struct {
        const char *label;
        struct str text;
        int want; /* 0: accepted, -1: more is needed */
    } rows[] = {
        {"plain", STR(GET "\r\n"), 0},
        {"any verb", STR("LIST /a HTTP/1.1\r\nHost: x\r\n\r\n"), 0},
        {"HTTP/1.0 without Host", STR("GET / HTTP/1.0\r\n\r\n"), 0},
        {"absolute form", STR("GET http://h/x?y HTTP/1.1\r\nHost: h\r\n\r\n"), 0},
        {"options *", STR("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 0},
        {"a header without a value", STR(GET "A:\r\n\r\n"), 0},
        {"a header with blanks around", STR(GET "A: \t b c \t\r\n\r\n"), 0},
        {"bytes above ASCII in a value", STR(GET "A: \xc3\xa4\r\n\r\n"), 0},
        {"a length", STR(POST "Content-Length: 12\r\n\r\n"), 0},
        {"chunked", STR(POST "Transfer-Encoding: chunked\r\n\r\n"), 0},
        {"chunked in capitals", STR(POST "TRANSFER-ENCODING: Chunked\r\n\r\n"), 0},

        {"not yet whole", STR(GET), -1},
        {"cut in the last line", STR(GET "\r"), -1},

        {"bare LF in the first line", STR("GET /a HTTP/1.1\nHost: x\r\n\r\n"), 400},
        {"bare LF behind a header", STR("GET /a HTTP/1.1\r\nHost: x\n\r\n"), 400},
        {"bare LF as the end", STR(GET "\n"), 400},
        {"bare CR in a value", STR(GET "A: b\rC: d\r\n\r\n"), 400},
        {"bare CR in the target", STR("GET /a\rb HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"CR CR LF", STR(GET "A: b\r\r\n\r\n"), 400},
        {"NUL in a value", STR(GET "A: b\0c\r\n\r\n"), 400},
        {"NUL in a name", STR(GET "A\0: b\r\n\r\n"), 400},
        {"NUL in the target", STR("GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"DEL in a value", STR(GET "A: \x7f\r\n\r\n"), 400},
        {"folded line", STR(GET "A: b\r\n c\r\n\r\n"), 400},
        {"folded line with a tab", STR(GET "A: b\r\n\tc: d\r\n\r\n"), 400},
        {"folded first header", STR("GET /a HTTP/1.1\r\n Host: x\r\n\r\n"), 400},
        {"no colon", STR(GET "A\r\n\r\n"), 400},
        {"empty name", STR(GET ": b\r\n\r\n"), 400},
        {"blank before the colon", STR(GET "A : b\r\n\r\n"), 400},
        {"blank in a name", STR(GET "A B: c\r\n\r\n"), 400},
        {"no Host", STR("GET / HTTP/1.1\r\n\r\n"), 400},
        {"two Hosts", STR(GET "Host: y\r\n\r\n"), 400},

        {"both lengths", STR(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
         400},
        {"both lengths, the other way",
         STR(POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"), 400},
        {"two lengths", STR(POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400},
        {"the same length twice", STR(POST "Content-Length: 1\r\ncontent-length: 1\r\n\r\n"),
         400},
        {"a list of lengths", STR(POST "Content-Length: 1, 1\r\n\r\n"), 400},
        {"a signed length", STR(POST "Content-Length: +1\r\n\r\n"), 400},
        {"a negative length", STR(POST "Content-Length: -1\r\n\r\n"), 400},
        {"a hexadecimal length", STR(POST "Content-Length: 0x1\r\n\r\n"), 400},
        {"an empty length", STR(POST "Content-Length:\r\n\r\n"), 400},
        {"a length that overflows", STR(POST "Content-Length: 18446744073709551617\r\n\r\n"),
         400},
        {"two codings", STR(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 400},
        {"chunked twice",
         STR(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
        {"chunked twice in a list", STR(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
         400},
        {"another coding", STR(POST "Transfer-Encoding: identity\r\n\r\n"), 400},
        {"a coding with a vertical tab",
         STR(POST "Transfer-Encoding: \x0b"
                  "chunked\r\n\r\n"),
         400},
        {"chunked in HTTP/1.0", STR("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
         400},

        {"no version", STR("GET /a\r\nHost: x\r\n\r\n"), 400},
        {"two blanks", STR("GET  /a HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"blank in the target", STR("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"no path", STR("GET a HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"get *", STR("GET * HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"connect", STR("CONNECT h:1 HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"a verb that is no token", STR("G<T /a HTTP/1.1\r\nHost: x\r\n\r\n"), 400},
        {"HTTP/2.0", STR("PRI * HTTP/2.0\r\n\r\n"), 400},
        {"HTTP/1.2", STR("GET / HTTP/1.2\r\nHost: x\r\n\r\n"), 505},
        {"http/1.1", STR("GET / http/1.1\r\nHost: x\r\n\r\n"), 400},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct head h = {0};

        T_ROW(rows[i].label);
        T_INT_EQ(parse(a, &h, rows[i].text), rows[i].want);
        if (rows[i].want >= 400 && h.method.p)
            T_TRUE(h.why != NULL);
    }
}

TEST(the_connection_stays_open_as_version_and_header_say)
{
    static const struct {
        const char *label;
        struct str text;
        bool want;
    } rows[] = {
        {"1.1", STR(GET "\r\n"), true},
        {"1.1 close", STR(GET "Connection: Close\r\n\r\n"), false},
        {"1.1 close in a list", STR(GET "Connection: te, close\r\n\r\n"), false},
        {"1.0", STR("GET / HTTP/1.0\r\n\r\n"), false},
        {"1.0 keep-alive", STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct head h;

        T_ROW(rows[i].label);
        T_INT_EQ(parse(a, &h, rows[i].text), 0);
        T_INT_EQ(h.keep_alive, rows[i].want);
    }
}

TEST(fields_are_found_whatever_their_case_and_the_first_one_wins)
{
    auto_arena struct arena *a = arena_new(0);
    struct head h;

    T_INT_EQ(parse(a, &h, STR(GET "X-A:  1 \r\nx-a: 2\r\n\r\n")), 0);
    T_INT_EQ(h.n_fields, 3);
    T_STRN_EQ(head_get(&h, STR("x-A")), STR("1"));
    T_TRUE(head_get(&h, STR("x-b")).p == NULL);
}

TEST(a_head_is_found_however_its_bytes_arrive)
{
    struct str text = STR(GET "A: b\r\n\r\nrest");
    size_t scanned = 0;

    for (size_t n = 0; n < text.len - 4; n++)
        T_INT_EQ(head_find_end(text.p, n, &scanned), HEAD_MORE);
    T_INT_EQ(head_find_end(text.p, text.len, &scanned), text.len - 4);
}

TEST(too_many_headers_and_too_long_targets_are_refused)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(HTTP_HEAD_MAX);
    struct head h;

    buf_puts(&b, GET);
    for (int i = 0; i < HTTP_HEADERS_MAX - 1; i++)
        buf_puts(&b, "A: b\r\n");
    buf_puts(&b, "\r\n");
    T_INT_EQ(parse(a, &h, buf_str(&b)), 0);
    b.len -= 2;
    buf_puts(&b, "A: b\r\n\r\n");
    T_INT_EQ(parse(a, &h, buf_str(&b)), 431);

    buf_reset(&b);
    buf_puts(&b, "GET /");
    for (int i = 0; i < HTTP_TARGET_MAX; i++)
        buf_putc(&b, 'a');
    buf_puts(&b, " HTTP/1.1\r\nHost: x\r\n\r\n");
    T_INT_EQ(parse(a, &h, buf_str(&b)), 414);
}
