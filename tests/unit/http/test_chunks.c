#include "base/buf.h"
#include "http/head.h"
#include "t.h"

/* Decode, `step` bytes at a time. */
static enum chunk_result decode(struct str text, size_t step, struct buf *out, size_t *ret_used)
{
    struct chunks c = {0};
    size_t off = 0;

    for (size_t end = step; off < text.len; end += step) {
        size_t upto = end < text.len ? end : text.len;
        enum chunk_result r;
        struct str piece;

        while ((r = chunks_next(&c, text.p, upto, &off, &piece)) == CHUNK_DATA)
            buf_put_str(out, piece);
        *ret_used = off;
        if (r != CHUNK_MORE)
            return r;
        T_INT_EQ(off, upto);
    }
    return CHUNK_MORE;
}

TEST(chunks_are_read_strictly)
{
    static const struct {
        const char *label;
        struct str text;
        enum chunk_result want;
        const char *body;
    } rows[] = {
        {"one", STR("3\r\nabc\r\n0\r\n\r\nGET"), CHUNK_END, "abc"},
        {"two", STR("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"), CHUNK_END, "abc0123456789"},
        {"none", STR("0\r\n\r\n"), CHUNK_END, ""},
        {"leading zeros", STR("0003\r\nabc\r\n00\r\n\r\n"), CHUNK_END, "abc"},
        {"an extension", STR("3;a=\"b\"\r\nabc\r\n0\r\n\r\n"), CHUNK_END, "abc"},
        {"trailers", STR("0\r\nA: b\r\nC: d\r\n\r\n"), CHUNK_END, ""},
        {"unfinished", STR("3\r\nab"), CHUNK_MORE, "ab"},
        {"no size", STR("\r\nabc\r\n"), CHUNK_BAD, ""},
        {"no CRLF behind the data", STR("3\r\nabc0\r\n\r\n"), CHUNK_BAD, "abc"},
        {"only LF behind the data", STR("3\r\nabc\n0\r\n\r\n"), CHUNK_BAD, "abc"},
        {"only LF behind the size", STR("3\nabc\r\n0\r\n\r\n"), CHUNK_BAD, ""},
        {"only CR behind the size", STR("3\rabc\r\n0\r\n\r\n"), CHUNK_BAD, ""},
        {"more data than said", STR("2\r\nabc\r\n0\r\n\r\n"), CHUNK_BAD, "ab"},
        {"0x", STR("0x3\r\nabc\r\n0\r\n\r\n"), CHUNK_BAD, ""},
        {"a sign", STR("+3\r\nabc\r\n0\r\n\r\n"), CHUNK_BAD, ""},
        {"a blank behind the size", STR("3 \r\nabc\r\n0\r\n\r\n"), CHUNK_BAD, ""},
        {"a huge size", STR("fffffffffffffffff\r\n"), CHUNK_BAD, ""},
        {"CR in an extension", STR("3;a\rb\r\nabc\r\n0\r\n\r\n"), CHUNK_BAD, ""},
        {"NUL in an extension", STR("3;\0\r\nabc\r\n0\r\n\r\n"), CHUNK_BAD, ""},
        {"LF in an extension", STR("3;a\nabc\r\n0\r\n\r\n"), CHUNK_BAD, ""},
        {"a trailer without a colon", STR("0\r\nA\r\n\r\n"), CHUNK_BAD, ""},
        {"a folded trailer", STR("0\r\nA: b\r\n c\r\n\r\n"), CHUNK_BAD, ""},
        {"a trailer with a control", STR("0\r\nA: \x01\r\n\r\n"), CHUNK_BAD, ""},
        {"only LF at the end", STR("0\r\n\n"), CHUNK_BAD, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t step = 1; step <= rows[i].text.len; step++) {
            auto_buf struct buf out = BUF_INIT(1024);
            size_t used = 0;

            T_ROW(rows[i].label);
            T_INT_EQ(decode(rows[i].text, step, &out, &used), rows[i].want);
            T_STRN_EQ(buf_str(&out), str_of(rows[i].body));
        }
    }
}

TEST(what_follows_the_last_chunk_is_left_alone)
{
    struct str text = STR("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1");
    auto_buf struct buf out = BUF_INIT(16);
    size_t used = 0;

    T_INT_EQ(decode(text, text.len, &out, &used), CHUNK_END);
    T_STRN_EQ(str_from(text, used), STR("GET / HTTP/1.1"));
}

TEST(lines_and_trailers_of_chunks_are_bounded)
{
    auto_buf struct buf b = BUF_INIT(1 << 20), out = BUF_INIT(16);
    size_t used;

    buf_puts(&b, "1;");
    for (int i = 0; i < HEAD_CHUNK_LINE_MAX; i++)
        buf_putc(&b, 'x');
    T_INT_EQ(decode(buf_str(&b), b.len, &out, &used), CHUNK_BAD);

    buf_reset(&b);
    buf_puts(&b, "0\r\n");
    while (b.len < HEAD_TRAILER_MAX + 16)
        buf_puts(&b, "A: b\r\n");
    T_INT_EQ(decode(buf_str(&b), b.len, &out, &used), CHUNK_BAD);
}
