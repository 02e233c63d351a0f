#include "lang/yaml.h"

static void put_value(struct buf *b, const struct json *v, unsigned indent);

static void put_text(struct buf *b, struct str s)
{
    struct json_out w;

    json_out_init(&w, b, NULL);
    json_strn(&w, s); /* JSON's escapes are YAML's too */
}

static void put_indent(struct buf *b, unsigned n)
{
    for (; n > 0; n--)
        buf_putc(b, ' ');
}

static bool is_block(const struct json *v)
{
    return v->type >= JSON_ARRAY && v->len > 0;
}

static void put_items(struct buf *b, const struct json *v, unsigned indent)
{
    for (uint32_t i = 0; i < v->len && buf_ok(b); i++) {
        if (i > 0)
            put_indent(b, indent);
        buf_puts(b, "- ");
        put_value(b, &v->items[i], indent + 2);
    }
}

/* A list below a key stands as deep as the key, everything else deeper. */
static void put_members(struct buf *b, const struct json *v, unsigned indent)
{
    for (uint32_t i = 0; i < v->len && buf_ok(b); i++) {
        const struct json *item = &v->members[i].value;
        unsigned deeper = item->type == JSON_OBJECT ? indent + 2 : indent;

        if (i > 0)
            put_indent(b, indent);
        put_text(b, v->members[i].key);
        buf_putc(b, ':');
        if (is_block(item)) {
            buf_putc(b, '\n');
            put_indent(b, deeper);
        } else {
            buf_putc(b, ' ');
        }
        put_value(b, item, deeper);
    }
}

/* From where the value begins, which is at `indent`, to behind its last newline. */
static void put_value(struct buf *b, const struct json *v, unsigned indent)
{
    if (is_block(v) && v->type == JSON_ARRAY) {
        put_items(b, v, indent);
        return;
    }
    if (is_block(v)) {
        put_members(b, v, indent);
        return;
    }
    if (v->type == JSON_STRING)
        put_text(b, v->text);
    else if (v->type == JSON_ARRAY)
        buf_puts(b, "[]");
    else if (v->type == JSON_OBJECT)
        buf_puts(b, "{}");
    else
        json_print(b, v, NULL);
    buf_putc(b, '\n');
}

void yaml_print(struct buf *b, const struct json *v)
{
    put_value(b, v, 0);
}
