#include "cli/nomad/snippet.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

enum { SNIPPETS_BYTES_MAX = 64 << 10, TAB = 4 };

/* The line that byte `at` is in. */
static struct str line_at(struct str text, size_t at)
{
    size_t start = at < text.len ? at : text.len, end = start;

    while (start > 0 && text.p[start - 1] != '\n')
        start--;
    while (end < text.len && text.p[end] != '\n' && text.p[end] != '\r')
        end++;
    return str_n(text.p + start, end - start);
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/* As it is shown; the width of what stands before byte `from`, and of what is up to `to`. */
static void put_line(struct buf *b, struct str line, size_t from, size_t to, size_t *ret_from,
                     size_t *ret_to)
{
    size_t width = 0;

    *ret_from = *ret_to = 0;
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.p[i];
        bool first = begins_character(line.p[i]);

        if (first && width >= SNIPPET_LINE_MAX)
            break;
        if (c == '\t')
            buf_printf(b, "%*s", TAB, "");
        else
            buf_putc(b, c < 0x20 || c == 0x7F ? '?' : line.p[i]);
        width += c == '\t' ? TAB : first;
        *ret_from = i < from ? width : *ret_from;
        *ret_to = i < to ? width : *ret_to;
    }
}

static void put_snippet(struct buf *b, struct hcl_range at, struct str text)
{
    struct str line = line_at(text, at.start.byte);
    size_t begin = (size_t)(line.p - text.p), from = at.start.byte - begin, to = line.len;
    size_t left, right;

    if (at.end.line == at.start.line && at.end.byte >= at.start.byte)
        to = at.end.byte - begin;
    buf_printf(b, "\n%5u | ", at.start.line);
    put_line(b, line, from, to, &left, &right);
    buf_printf(b, "\n      | %*s^", (int)left, "");
    for (size_t i = left + 1; i < right; i++)
        buf_putc(b, '^');
    buf_putc(b, '\n');
}

const char *snippets_text(struct arena *a, const struct hcl_diags *d, const char *file,
                          struct str text)
{
    auto_buf struct buf b = BUF_INIT(SNIPPETS_BYTES_MAX);
    uint32_t last = 0;
    int shown = 0;

    list_each (&d->list, it) {
        bool here = it->at.file && strcmp(it->at.file, file) == 0 && it->at.start.line > 0;

        if (!here || it->at.start.byte > text.len || it->at.start.line == last)
            continue;
        put_snippet(&b, it->at, text);
        last = it->at.start.line;
        if (++shown == SNIPPETS_MAX || d->syntax)
            break;
    }
    return arena_cstr(a, buf_str(&b));
}
