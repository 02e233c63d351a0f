#include "cli/common/text.h"

#include <stdlib.h>

enum { TEXT_VALUE_MAX = 64 << 20 };

static int by_key(const void *a, const void *b)
{
    const struct json_member *x = a, *y = b;

    return str_cmp(x->key, y->key);
}

struct json *text_sorted(struct arena *a, const struct json *v)
{
    struct json *copy = json_copy(a, v);

    if (json_is(copy, JSON_OBJECT)) {
        if (copy->len > 1)
            qsort(copy->members, copy->len, sizeof *copy->members, by_key);
        for (uint32_t i = 0; i < copy->len; i++)
            copy->members[i].value = *text_sorted(a, &copy->members[i].value);
    } else if (json_is(copy, JSON_ARRAY)) {
        for (uint32_t i = 0; i < copy->len; i++)
            copy->items[i] = *text_sorted(a, &copy->items[i]);
    }
    return copy;
}

static void go_object(struct buf *b, const struct json *v)
{
    auto_free struct json_member *sorted = calloc(v->len + 1, sizeof *sorted);

    if (!sorted)
        abort();
    if (v->len > 0)
        memcpy(sorted, v->members, v->len * sizeof *sorted);
    qsort(sorted, v->len, sizeof *sorted, by_key);
    buf_puts(b, "map[");
    for (uint32_t i = 0; i < v->len; i++) {
        if (i > 0)
            buf_putc(b, ' ');
        buf_put_str(b, sorted[i].key);
        buf_putc(b, ':');
        text_go_value(b, &sorted[i].value);
    }
    buf_putc(b, ']');
}

static void go_array(struct buf *b, const struct json *v)
{
    buf_putc(b, '[');
    for (uint32_t i = 0; i < v->len; i++) {
        if (i > 0)
            buf_putc(b, ' ');
        text_go_value(b, &v->items[i]);
    }
    buf_putc(b, ']');
}

void text_go_value(struct buf *b, const struct json *v)
{
    if (!v) {
        buf_puts(b, "<nil>");
        return;
    }
    switch (v->type) {
    case JSON_NULL:
        buf_puts(b, "<nil>");
        break;
    case JSON_BOOL:
        buf_puts(b, v->b ? "true" : "false");
        break;
    case JSON_NUMBER:
    case JSON_STRING:
        buf_put_str(b, v->text);
        break;
    case JSON_ARRAY:
        go_array(b, v);
        break;
    case JSON_OBJECT:
        go_object(b, v);
        break;
    }
}

const char *text_go_cstr(struct arena *a, const struct json *v)
{
    auto_buf struct buf b = BUF_INIT(TEXT_VALUE_MAX);

    b.secret = true;
    text_go_value(&b, v);
    return arena_cstr(a, buf_str(&b));
}

const char *text_go_quoted(struct arena *a, const struct json *list)
{
    auto_buf struct buf b = BUF_INIT(TEXT_VALUE_MAX);

    buf_putc(&b, '[');
    for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->len; i++) {
        if (i > 0)
            buf_putc(&b, ' ');
        json_print(&b, &list->items[i], NULL);
    }
    buf_putc(&b, ']');
    return arena_cstr(a, buf_str(&b));
}

static void wrap_line(struct buf *b, struct str line, size_t width, const char *indent)
{
    size_t column = 0;
    struct str word;

    while (line.len > 0 && line.p[0] == ' ') { /* what leads the line is no word */
        buf_putc(b, ' ');
        column++;
        line = str_from(line, 1);
    }
    for (bool first = true; str_split(&line, ' ', &word); first = false) {
        if (!first && column + 1 + word.len > width) {
            buf_putc(b, '\n');
            buf_puts(b, indent);
            column = strlen(indent);
        } else if (!first) {
            buf_putc(b, ' ');
            column++;
        }
        buf_put_str(b, word);
        column += word.len;
    }
}

char *text_wrap(struct arena *a, const char *text, size_t width, const char *indent)
{
    auto_buf struct buf b = BUF_INIT(TEXT_VALUE_MAX);
    struct str rest = str_of(text), line;

    for (bool first = true; str_split(&rest, '\n', &line); first = false) {
        if (!first) {
            buf_putc(&b, '\n');
            if (line.len > 0)
                buf_puts(&b, indent);
        }
        wrap_line(&b, line, width, indent);
    }
    return arena_cstr(a, buf_str(&b));
}
