#include "cli/common/text.h"

#include <stdlib.h>

enum { TEXT_VALUE_MAX = 64 << 20, TOO_LONG_COST = 100000 };

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

/* Where the line that begins with word i ends (the word behind it), and what it costs from
 * there to the end. */
struct line_break {
    size_t next;
    int64_t cost;
};

static void best_break(const struct strlist *words, const size_t *lengths, size_t i,
                       size_t width, struct line_break *at)
{
    size_t length = 0;

    at[i] = (struct line_break){.next = i + 1, .cost = INT64_MAX};
    for (size_t j = i; j < words->len; j++) {
        int64_t left, cost;

        length += lengths[j] + (j > i);
        left = (int64_t)width - (int64_t)length;
        if (j + 1 == words->len && left >= 0) {
            at[i] = (struct line_break){.next = words->len, .cost = 0};
            return;
        }
        cost = left * left + (left < 0 ? TOO_LONG_COST : 0);
        if (j + 1 < words->len)
            cost += at[j + 1].cost;
        if (cost < at[i].cost)
            at[i] = (struct line_break){.next = j + 1, .cost = cost};
        if (left < 0)
            return;
    }
}

static void wrap_line(struct arena *a, struct buf *b, struct str line, size_t width,
                      const char *indent)
{
    struct strlist words = {0};
    struct line_break *at;
    size_t *lengths;
    struct str word;

    while (str_split(&line, ' ', &word))
        list_push(a, &words, arena_cstr(a, word));
    at = arena_array(a, struct line_break, words.len + 1);
    lengths = arena_array(a, size_t, words.len + 1);
    for (size_t i = words.len; i-- > 0;) {
        lengths[i] = strlen(words.at[i]);
        best_break(&words, lengths, i, width, at);
    }
    for (size_t i = 0; i < words.len; i = at[i].next) {
        if (i > 0) {
            buf_putc(b, '\n');
            buf_puts(b, indent);
        }
        for (size_t k = i; k < at[i].next; k++) {
            if (k > i)
                buf_putc(b, ' ');
            buf_puts(b, words.at[k]);
        }
    }
}

char *text_wrap(struct arena *a, const char *text, size_t width, const char *indent)
{
    auto_buf struct buf b = BUF_INIT(TEXT_VALUE_MAX);
    struct str rest = str_of(text), line;
    size_t indented = strlen(indent);

    width = width > indented ? width - indented : 1;
    for (bool first = true; str_split(&rest, '\n', &line); first = false) {
        if (!first) {
            buf_putc(&b, '\n');
            if (line.len > 0)
                buf_puts(&b, indent);
        }
        wrap_line(a, &b, line, width, indent);
    }
    return arena_cstr(a, buf_str(&b));
}
