/*
 * YAML as Go's library writes it: block style, sorted keys, list items not indented below their
 * key; a string stands plain if it reads back as that string.
 */
#include "cli/common/print.h"
#include "cli/common/text.h"

static bool is_one_of(struct str s, const char *words)
{
    struct str rest = str_of(words), word;

    while (str_split(&rest, ' ', &word))
        if (str_eq(s, word))
            return true;
    return false;
}

static size_t digits(struct str s, size_t i)
{
    size_t n = 0;

    while (i + n < s.len && s.p[i + n] >= '0' && s.p[i + n] <= '9')
        n++;
    return n;
}

/* 12, -1.5, .5, 1e3; with '_' inside, as YAML 1.1 has it. */
static bool is_decimal(struct str s)
{
    size_t i = 0, whole, part = 0;

    if (i < s.len && (s.p[i] == '-' || s.p[i] == '+'))
        i++;
    whole = digits(s, i);
    i += whole;
    if (i < s.len && s.p[i] == '.') {
        part = digits(s, i + 1);
        i += 1 + part;
    }
    if (whole + part == 0)
        return false;
    if (i < s.len && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i++;
        if (i < s.len && (s.p[i] == '-' || s.p[i] == '+'))
            i++;
        if (digits(s, i) == 0)
            return false;
        i += digits(s, i);
    }
    return i == s.len;
}

static bool is_number(struct str s)
{
    char text[64];
    size_t n = 0;
    int64_t i;
    uint64_t u;

    if (s.len > sizeof text)
        return false;
    for (size_t k = 0; k < s.len; k++)
        if (s.p[k] != '_')
            text[n++] = s.p[k];
    s = str_n(text, n);
    return str_to_i64(s, 0, &i) || str_to_u64(s, 0, &u) || is_decimal(s);
}

/* 12:30:45, a number to base sixty. */
static bool is_sexagesimal(struct str s)
{
    size_t i = s.len > 0 && (s.p[0] == '-' || s.p[0] == '+') ? 1 : 0;
    size_t parts = 0;

    for (;;) {
        size_t n = digits(s, i);

        if (n == 0)
            return false;
        i += n;
        if (i == s.len || s.p[i] != ':')
            break;
        i++;
        parts++;
    }
    return parts > 0 && (i == s.len || s.p[i] == '.');
}

/* 2006-1-2, alone or with a time of day behind it. */
static bool is_date(struct str s)
{
    size_t month, day;

    if (digits(s, 0) != 4 || s.len < 8 || s.p[4] != '-')
        return false;
    month = digits(s, 5);
    if (month == 0 || month > 2 || 5 + month >= s.len || s.p[5 + month] != '-')
        return false;
    day = digits(s, 6 + month);
    if (day == 0 || day > 2)
        return false;
    return 6 + month + day == s.len || s.p[6 + month + day] == 'T' ||
           s.p[6 + month + day] == 't' || s.p[6 + month + day] == ' ';
}

static bool reads_as_something_else(struct str s)
{
    return s.len == 0 ||
           is_one_of(s,
                     "~ null Null NULL true True TRUE false False FALSE y Y yes Yes YES n N no "
                     "No NO on On ON off Off OFF << = .nan .NaN .NAN .inf .Inf .INF +.inf "
                     "+.Inf +.INF -.inf -.Inf -.INF") ||
           is_number(s) || is_sexagesimal(s) || is_date(s);
}

static bool is_special(struct str s) /* only double quotes can hold it */
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c < 0x20 && c != '\n') || c == 0x7f)
            return true;
        if (c == '\n' && i > 0 && s.p[i - 1] == ' ')
            return true;
    }
    return !str_is_utf8(s);
}

static bool is_plain(struct str s)
{
    if (strchr("#,[]{}&*!|>'\"%@`", s.p[0]) || s.p[0] == ' ' || s.p[s.len - 1] == ' ')
        return false;
    if (strchr("-?:", s.p[0]) && (s.len == 1 || s.p[1] == ' '))
        return false;
    if (str_starts(s, STR("---")) || str_starts(s, STR("...")))
        return false;
    return !str_has(s, STR(": ")) && !str_has(s, STR(" #")) && s.p[s.len - 1] != ':';
}

static void put_single(struct buf *b, struct str s)
{
    buf_putc(b, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\'')
            buf_putc(b, '\'');
        buf_putc(b, s.p[i]);
    }
    buf_putc(b, '\'');
}

static void put_indent(struct buf *b, size_t level)
{
    for (size_t i = 0; i < level; i++)
        buf_puts(b, "  ");
}

static void put_literal(struct buf *b, struct str s, size_t level)
{
    struct str rest = s, line;

    buf_putc(b, '|');
    if (s.p[0] == ' ' || s.p[0] == '\n')
        buf_putc(b, '2');
    if (!str_ends(s, STR("\n")))
        buf_putc(b, '-');
    else if (str_ends(s, STR("\n\n")) || s.len == 1)
        buf_putc(b, '+');
    if (str_ends(s, STR("\n")))
        rest = str_upto(s, s.len - 1);
    buf_putc(b, '\n');
    while (str_split(&rest, '\n', &line)) {
        if (line.len > 0)
            put_indent(b, level + 1);
        buf_put_str(b, line);
        buf_putc(b, '\n');
    }
}

/* Ends the line. */
static void put_string(struct buf *b, struct str s, size_t level)
{
    bool lines = str_has(s, STR("\n"));

    if (is_special(s) || (!lines && reads_as_something_else(s))) {
        struct json v = json_of_str(s);

        json_print(b, &v, NULL); /* JSON's escapes are YAML's */
    } else if (lines) {
        put_literal(b, s, level);
        return;
    } else if (is_plain(s)) {
        buf_put_str(b, s);
    } else {
        put_single(b, s);
    }
    buf_putc(b, '\n');
}

static void put_key(struct buf *b, struct str key)
{
    if (is_special(key) || str_has(key, STR("\n")) || reads_as_something_else(key)) {
        struct json v = json_of_str(key);

        json_print(b, &v, NULL);
    } else if (is_plain(key)) {
        buf_put_str(b, key);
    } else {
        put_single(b, key);
    }
}

static void put_value(struct buf *b, const struct json *v, size_t level);

/* A block that begins on the line it stands on: the first entry is not indented. */
static void put_object(struct buf *b, const struct json *v, size_t level)
{
    for (uint32_t i = 0; i < v->len; i++) {
        const struct json *item = &v->members[i].value;

        if (i > 0)
            put_indent(b, level);
        put_key(b, v->members[i].key);
        buf_putc(b, ':');
        if (item->type == JSON_ARRAY && item->len > 0) {
            buf_putc(b, '\n');
            put_indent(b, level);
            put_value(b, item, level);
        } else if (item->type == JSON_OBJECT && item->len > 0) {
            buf_putc(b, '\n');
            put_indent(b, level + 1);
            put_value(b, item, level + 1);
        } else {
            buf_putc(b, ' ');
            put_value(b, item, level);
        }
    }
}

static void put_array(struct buf *b, const struct json *v, size_t level)
{
    for (uint32_t i = 0; i < v->len; i++) {
        if (i > 0)
            put_indent(b, level);
        buf_puts(b, "- ");
        put_value(b, &v->items[i], level + 1);
    }
}

static void put_value(struct buf *b, const struct json *v, size_t level)
{
    switch (v->type) {
    case JSON_NULL:
        buf_puts(b, "null\n");
        break;
    case JSON_BOOL:
        buf_puts(b, v->b ? "true\n" : "false\n");
        break;
    case JSON_NUMBER:
        buf_put_str(b, v->text);
        buf_putc(b, '\n');
        break;
    case JSON_STRING:
        put_string(b, v->text, level);
        break;
    case JSON_ARRAY:
        if (v->len > 0)
            put_array(b, v, level);
        else
            buf_puts(b, "[]\n");
        break;
    case JSON_OBJECT:
        if (v->len > 0)
            put_object(b, v, level);
        else
            buf_puts(b, "{}\n");
        break;
    }
}

void print_yaml(struct buf *b, const struct json *v, struct arena *a)
{
    if (v)
        put_value(b, text_sorted(a, v), 0);
    else
        buf_puts(b, "null\n");
}
