#include "base/buf.h"
#include "base/err.h"
#include "lang/hcl_priv.h"

/*
 * JSON syntax of the language. Every member is an attribute; which of them are blocks, and with
 * how many labels, is known to who reads the tree (hcl_blocks). In HCL2 strings are templates.
 * HCL1 accepts that closing braces are missing at the end of the text.
 */

struct jreader {
    struct hcl_parser *p;
    struct hcl_pos at;
    enum hcl_dialect dialect;
    bool broken;
};

static struct hcl_expr *parse_value(struct jreader *j);

static char cur(const struct jreader *j)
{
    return j->at.byte < j->p->text.len ? j->p->text.p[j->at.byte] : '\0';
}

static bool at_end(const struct jreader *j)
{
    return j->at.byte >= j->p->text.len;
}

static void step(struct jreader *j)
{
    uint8_t c = (uint8_t)j->p->text.p[j->at.byte++];

    if (c == '\n') {
        j->at.line++;
        j->at.col = 1;
    } else if ((c & 0xc0) != 0x80) {
        j->at.col++;
    }
}

static void skip_blank(struct jreader *j)
{
    while (!at_end(j) && strchr(" \t\r\n", cur(j)) && cur(j))
        step(j);
}

static struct hcl_range from(const struct jreader *j, struct hcl_pos start)
{
    return (struct hcl_range){j->p->file, start, j->at};
}

static struct hcl_range here(const struct jreader *j)
{
    struct jreader after = *j;

    if (!at_end(j))
        step(&after);
    return from(&after, j->at);
}

/* The first error is the one that is shown; what it leads to is only counted. */
static void fail(struct jreader *j, struct hcl_range at, const char *summary,
                 const char *detail)
{
    if (!j->broken && j->dialect == HCL1)
        hcl_diag_add(j->p->diags, at, arena_printf(j->p->arena, "%s. %s", summary, detail),
                     "%s", "");
    else if (!j->broken)
        hcl_diag_add(j->p->diags, at, summary, "%s", detail);
    j->broken = true;
}

static void fail_early_end(struct jreader *j, struct hcl_range open)
{
    if (j->dialect == HCL1 || j->broken)
        return;
    fail(j, here(j), "Missing value", "The JSON data ends prematurely.");
    hcl_diag_add(j->p->diags, open, "Unclosed object",
                 "No closing brace was found for this JSON object.");
}

static struct hcl_expr *new_expr(struct jreader *j, enum hcl_expr_kind kind,
                                 struct hcl_range at)
{
    struct hcl_expr *x = hcl_new_expr(j->p, kind, at);

    if (j->p->spent)
        j->broken = true;
    if (kind == HCL_LITERAL)
        x->value = arena_new_of(j->p->arena, struct json);
    return x;
}

static bool is_nested_too_deep(struct jreader *j, struct hcl_range at)
{
    if (++j->p->depth <= HCL_DEPTH_MAX)
        return false;
    fail(j, at, "Configuration too complex", "Objects and arrays are nested too deeply.");
    return true;
}

/*
 * Strings
 */

static size_t put_unicode(struct jreader *j, struct str s, size_t i, struct buf *b)
{
    char utf8[4];
    uint32_t cp, low;
    size_t n = 6;

    if (i + 6 > s.len || !hcl_hex(s.p + i + 2, 4, &cp)) {
        fail(j, here(j), "Invalid JSON string", "\\u is followed by four hexadecimal digits.");
        return 2;
    }
    if (cp >= 0xd800 && cp < 0xdc00 && i + 12 <= s.len && s.p[i + 6] == '\\' &&
        s.p[i + 7] == 'u' && hcl_hex(s.p + i + 8, 4, &low) && low >= 0xdc00 && low < 0xe000) {
        cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
        n = 12;
    }
    buf_put(b, utf8, hcl_utf8_put(cp, utf8));
    return n;
}

static struct str unescape(struct jreader *j, struct str s)
{
    static const char codes[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    auto_buf struct buf b = BUF_INIT(HCL_TEXT_MAX);
    size_t i = 0;

    if (str_chr(s, '\\') < 0)
        return s;
    while (i < s.len) {
        const char *code;

        if (s.p[i] != '\\') {
            buf_putc(&b, s.p[i++]);
            continue;
        }
        code = s.p[i + 1] ? strchr(codes, s.p[i + 1]) : NULL;
        if (s.p[i + 1] == 'u') {
            i += put_unicode(j, s, i, &b);
            continue;
        }
        if (code)
            buf_putc(&b, values[code - codes]);
        else
            fail(j, here(j), "Invalid JSON string", "There is no such escape sequence.");
        i += 2;
    }
    return arena_str(j->p->arena, buf_str(&b));
}

/* At a quote. *ret_at: with both quotes. */
static struct str parse_string(struct jreader *j, struct hcl_range *ret_at)
{
    struct hcl_pos start = j->at;
    struct str s;

    step(j);
    while (!at_end(j) && cur(j) != '"' && (uint8_t)cur(j) >= 0x20) {
        if (cur(j) == '\\')
            step(j);
        if (!at_end(j))
            step(j);
    }
    s = str_n(j->p->text.p + start.byte + 1, j->at.byte - start.byte - 1);
    if (cur(j) != '"') {
        *ret_at = from(j, start);
        fail(j, *ret_at, "Invalid JSON string", "There is no closing quote on this line.");
        return STR("");
    }
    step(j);
    *ret_at = from(j, start);
    if (!str_is_utf8(s)) {
        fail(j, *ret_at, "Invalid character encoding",
             "All input files must be UTF-8 encoded.");
        return STR("");
    }
    return unescape(j, s);
}

static struct hcl_expr *parse_string_value(struct jreader *j)
{
    struct hcl_range at;
    struct str s = parse_string(j, &at);

    if (j->dialect == HCL2)
        return hcl_template_of_text(j->p, s, at);
    return hcl_new_string(j->p, s, at);
}

/*
 * Numbers and words
 */

static struct hcl_expr *parse_word(struct jreader *j)
{
    struct hcl_pos start = j->at;
    struct hcl_expr *x;
    struct str s;

    while (!at_end(j) && !strchr(" \t\r\n,:[]{}\"", cur(j)))
        step(j);
    if (j->at.byte == start.byte && !at_end(j))
        step(j);
    x = new_expr(j, HCL_LITERAL, from(j, start));
    s = x->source;
    if (str_eqc(s, "true") || str_eqc(s, "false"))
        *x->value = json_of_bool(s.len == 4);
    else if (s.len > 0 && (s.p[0] == '-' || (s.p[0] >= '0' && s.p[0] <= '9')) &&
             hcl_num_parse(s, j->p->arena, &x->value->text) == HCL_NUM_OK)
        x->value->type = JSON_NUMBER;
    else if (!str_eqc(s, "null"))
        fail(j, x->at, "Invalid JSON value",
             "A value is an object, an array, a string, a number, true, false or null.");
    if (x->value->type == JSON_NUMBER)
        hcl_count_nodes(j->p, (uint32_t)(x->value->text.len / HCL_NODE_DIGITS));
    j->broken = j->broken || j->p->spent;
    return x;
}

/*
 * Arrays and objects
 */

/* After an item: true if another one follows. */
static bool next_item(struct jreader *j, char closer, const char *what)
{
    skip_blank(j);
    if (cur(j) == ',') {
        step(j);
        skip_blank(j);
        if (cur(j) == closer && j->dialect == HCL2)
            fail(j, here(j), "Trailing comma", "JSON does not permit a trailing comma.");
        return cur(j) != closer && !at_end(j);
    }
    if (cur(j) != closer && !at_end(j))
        fail(j, here(j), "Missing separator", what);
    return false;
}

static struct hcl_expr *parse_array(struct jreader *j)
{
    struct hcl_expr *x = new_expr(j, HCL_TUPLE, here(j));
    struct hcl_pos start = j->at;

    if (is_nested_too_deep(j, x->at))
        return x;
    step(j);
    skip_blank(j);
    if (cur(j) != ']') {
        do {
            hcl_add_item(j->p, x, parse_value(j));
        } while (!j->broken && next_item(j, ']', "A comma separates the items of an array."));
    }
    if (cur(j) == ']')
        step(j);
    else if (at_end(j))
        fail_early_end(j, x->start_at);
    j->p->depth--;
    x->at = from(j, start);
    x->source = str_n(j->p->text.p + start.byte, j->at.byte - start.byte);
    return x;
}

static void parse_member(struct jreader *j, struct hcl_body *b)
{
    struct hcl_attr *attr = arena_new_of(j->p->arena, struct hcl_attr);
    struct hcl_item *item;

    skip_blank(j);
    if (cur(j) != '"') {
        fail(j, here(j), "Invalid object property name",
             "A JSON object property name must be a string.");
        return;
    }
    attr->name = parse_string(j, &attr->name_at);
    skip_blank(j);
    if (j->broken || (at_end(j) && j->dialect == HCL1))
        return;
    if (cur(j) != ':') {
        fail(j, here(j), "Missing property value colon",
             "A colon must appear between an object property's name and its value.");
        return;
    }
    step(j);
    attr->expr = parse_value(j);
    attr->at = hcl_range_between(attr->name_at, attr->expr->at);
    item = list_add(j->p->arena, &b->items);
    item->attr = attr;
}

/* HCL1 has no attributes whose value is an object: they are blocks. */
static void members_to_blocks(struct jreader *j, struct hcl_body *b)
{
    list_each (&b->items, it) {
        struct hcl_block *blk;

        if (it->attr->expr->kind != HCL_OBJECT)
            continue;
        blk = arena_new_of(j->p->arena, struct hcl_block);
        blk->type = it->attr->name;
        blk->type_at = blk->open_at = it->attr->name_at;
        blk->at = it->attr->at;
        blk->brace_at = it->attr->expr->start_at;
        blk->body = it->attr->expr->body;
        *it = (struct hcl_item){.block = blk};
    }
}

static struct hcl_expr *parse_object(struct jreader *j)
{
    struct hcl_expr *x = new_expr(j, HCL_OBJECT, here(j));
    struct hcl_body *b = arena_new_of(j->p->arena, struct hcl_body);
    struct hcl_pos start = j->at;

    x->body = b;
    b->loose = true;
    b->end_at = (struct hcl_range){j->p->file, start, start};
    if (is_nested_too_deep(j, x->at))
        return x;
    step(j);
    skip_blank(j);
    if (cur(j) != '}' && !at_end(j)) {
        do {
            parse_member(j, b);
        } while (!j->broken &&
                 next_item(j, '}', "A comma separates the properties of an object."));
    }
    if (cur(j) == '}')
        step(j);
    else if (at_end(j))
        fail_early_end(j, x->start_at);
    j->p->depth--;
    x->at = b->at = from(j, start);
    x->source = str_n(j->p->text.p + start.byte, j->at.byte - start.byte);
    hcl_object_of_body(j->p, x, b);
    if (j->dialect == HCL1)
        members_to_blocks(j, b);
    return x;
}

static struct hcl_expr *parse_value(struct jreader *j)
{
    skip_blank(j);
    switch (cur(j)) {
    case '{':
        return parse_object(j);
    case '[':
        return parse_array(j);
    case '"':
        return parse_string_value(j);
    default:
        if (!at_end(j))
            return parse_word(j);
        if (j->dialect == HCL2)
            fail_early_end(j, here(j));
        return new_expr(j, HCL_LITERAL, here(j));
    }
}

int hcl_json_parse(struct hcl_parser *p, enum hcl_dialect dialect, struct hcl_body **ret)
{
    struct jreader j = {.p = p, .at = {1, 1, 0}, .dialect = dialect};
    struct hcl_range root;
    struct hcl_expr *x;

    if (str_starts(p->text, STR("\xef\xbb\xbf")))
        j.at.byte = 3;
    skip_blank(&j);
    root = here(&j);
    x = parse_object(&j);
    skip_blank(&j);
    if (!j.broken && !at_end(&j))
        fail(&j, here(&j), "Extraneous data after value",
             "Extra characters appear after the JSON value.");
    if (j.broken && dialect == HCL2)
        hcl_diag_add(
            p->diags, root, "Root value must be object",
            "The root value in a JSON-based configuration must be either a JSON object "
            "or a JSON array of objects.");
    *ret = x->body;
    if (p->spent || p->depth > HCL_DEPTH_MAX)
        return ERR_TOOBIG;
    return j.broken ? ERR_INVALID : 0;
}
