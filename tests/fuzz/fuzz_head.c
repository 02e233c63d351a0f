/*
 * A request's head and a chunked body. The first byte says how the rest is cut into pieces: the
 * result must not depend on it, and an accepted head has one reading only.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "http/head.h"
#include "http/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static ptrdiff_t find_end(struct str s, size_t step)
{
    ptrdiff_t r = HEAD_MORE;
    size_t scanned = 0;

    for (size_t n = step; r == HEAD_MORE; n += step) {
        r = head_find_end(s.p, n < s.len ? n : s.len, &scanned);
        if (n >= s.len)
            break;
    }
    return r;
}

static bool is_line(struct str s)
{
    return !str_has(s, STR("\r")) && !str_has(s, STR("\n")) && !memchr(s.p, 0, s.len);
}

static void check_head(const struct head *h)
{
    size_t lengths = 0;

    must(h->n_fields <= HTTP_HEADERS_MAX && is_line(h->method) && is_line(h->target));
    for (size_t i = 0; i < h->n_fields; i++) {
        must(h->fields[i].name.len > 0 && is_line(h->fields[i].name));
        must(h->fields[i].value.len == 0 || is_line(h->fields[i].value));
        lengths += str_eq_nocase(h->fields[i].name, STR("content-length"));
        lengths += str_eq_nocase(h->fields[i].name, STR("transfer-encoding"));
    }
    must(lengths <= 1);
    must(lengths == (h->chunked || h->content_length >= 0));
}

static enum chunk_result decode(struct str s, size_t step, struct buf *out, size_t *ret_used)
{
    struct chunks c = {0};
    enum chunk_result r = CHUNK_MORE;
    size_t off = 0;

    for (size_t n = step; off < s.len && r == CHUNK_MORE; n += step) {
        struct str piece;

        while ((r = chunks_next(&c, s.p, n < s.len ? n : s.len, &off, &piece)) == CHUNK_DATA)
            buf_put_str(out, piece);
    }
    *ret_used = off;
    return r;
}

static void check_chunks(struct str s, size_t step)
{
    auto_buf struct buf whole = BUF_INIT(1 << 20), pieces = BUF_INIT(1 << 20);
    size_t used_whole, used_pieces;
    enum chunk_result r = decode(s, s.len ? s.len : 1, &whole, &used_whole);

    must(decode(s, step, &pieces, &used_pieces) == r);
    must(str_eq(buf_str(&whole), buf_str(&pieces)) && used_whole == used_pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    auto_arena struct arena *a = arena_new(0);
    struct str s;
    struct head h;
    size_t step;
    ptrdiff_t end;

    if (len < 2 || len > HTTP_HEAD_MAX)
        return 0;
    step = data[0] % 16 + 1u;
    s = str_n(data + 1, len - 1);
    end = find_end(s, s.len);
    must(find_end(s, step) == end);
    if (end > 0 && head_parse(&h, s.p, (size_t)end, a) == 0)
        check_head(&h);
    check_chunks(end > 0 ? str_from(s, (size_t)end) : s, step);
    return 0;
}
