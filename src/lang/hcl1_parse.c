#include <stdarg.h>

#include "base/err.h"
#include "lang/hcl_priv.h"

/*
 * HCL1: `key = value`, `key "label" {}`, and lists and objects as values. Commas between items
 * are allowed and mean nothing. An error ends the reading, with two oddities that texts in use
 * depend on: a key without a value at the end of the text is dropped, and so is an error at a
 * closing brace if the object is closed all the same.
 */

enum outcome { GOOD, AT_END, BROKEN };

struct hcl1 {
    struct hcl_parser *p;
    struct hcl1_scanner scan;
    struct hcl1_tok tok; /* read last */
    bool pushed_back;    /* tok is to be read again */
    const char *error;
    struct hcl_pos error_at;
};

static struct hcl1_tok *read_tok(struct hcl1 *h)
{
    if (!h->pushed_back)
        h->tok = hcl1_scan(&h->scan);
    h->pushed_back = false;
    return &h->tok;
}

static void push_back(struct hcl1 *h)
{
    h->pushed_back = true;
}

static enum outcome fail_at(struct hcl1 *h, struct hcl_pos at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static enum outcome fail_at(struct hcl1 *h, struct hcl_pos at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    h->error = arena_vprintf(h->p->arena, fmt, ap);
    va_end(ap);
    h->error_at = at;
    return BROKEN;
}

static struct hcl_range tok_range(const struct hcl1 *h)
{
    return (struct hcl_range){h->p->file, h->tok.start, h->tok.end};
}

static bool count_nodes(struct hcl1 *h, uint32_t n)
{
    h->p->nodes += n;
    if (h->p->nodes <= HCL_NODES_MAX)
        return true;
    h->p->spent = true;
    fail_at(h, h->tok.start, "more than %d items in one text", HCL_NODES_MAX);
    return false;
}

static bool enter(struct hcl1 *h)
{
    if (++h->p->depth <= HCL_DEPTH_MAX)
        return true;
    h->p->spent = true;
    fail_at(h, h->tok.start, "objects and lists are nested more than %d deep", HCL_DEPTH_MAX);
    return false;
}

static enum outcome parse_items(struct hcl1 *h, struct hcl_body *b, bool in_object);

static struct hcl_body *new_body(struct hcl1 *h)
{
    struct hcl_body *b = arena_new_of(h->p->arena, struct hcl_body);

    b->loose = true;
    b->at = tok_range(h);
    b->end_at = (struct hcl_range){h->p->file, h->tok.start, h->tok.start};
    return b;
}

/* The brace is read. */
static enum outcome parse_object(struct hcl1 *h, struct hcl_body **ret)
{
    struct hcl_body *b = *ret = new_body(h);
    enum outcome r;

    if (!enter(h))
        return BROKEN;
    r = parse_items(h, b, true);
    if (h->p->spent || (r == BROKEN && h->tok.type != H1_RBRACE))
        return BROKEN;
    read_tok(h);
    if (h->tok.type != H1_RBRACE)
        return fail_at(h, h->tok.start, "object expected closing RBRACE got: %s",
                       hcl1_tok_name(h->tok.type));
    h->error = NULL;
    b->at.end = h->tok.start;
    h->p->depth--;
    return GOOD;
}

static struct hcl_expr *new_expr(struct hcl1 *h, enum hcl_expr_kind kind)
{
    struct hcl_expr *x = arena_new_of(h->p->arena, struct hcl_expr);

    x->kind = kind;
    x->at = x->start_at = tok_range(h);
    x->source = h->tok.text;
    return x;
}

static void end_expr(struct hcl1 *h, struct hcl_expr *x)
{
    x->at.end = h->tok.end;
    x->source = str_n(x->source.p, (size_t)(h->tok.text.p + h->tok.text.len - x->source.p));
}

static struct json number_value(struct hcl1 *h)
{
    struct json v = {.type = JSON_NUMBER};
    struct str text = h->tok.text;
    int64_t n;

    if (str_to_i64(text, 0, &n))
        return json_of_i64(h->p->arena, n);
    if (hcl_num_parse(text, h->p->arena, &v.text) != HCL_NUM_OK)
        return json_of_str(text);
    (void)count_nodes(h, (uint32_t)(v.text.len / HCL_NODE_DIGITS)); /* the next item fails */
    return v;
}

static struct hcl_expr *parse_literal(struct hcl1 *h)
{
    struct hcl_expr *x = new_expr(h, HCL_LITERAL);
    struct str text = h->tok.text;

    x->value = arena_new_of(h->p->arena, struct json);
    switch (h->tok.type) {
    case H1_BOOL:
        *x->value = json_of_bool(str_eqc(text, "true"));
        break;
    case H1_STRING:
        *x->value = json_of_str(hcl1_string_value(text, h->p->arena));
        break;
    case H1_HEREDOC:
        *x->value = json_of_str(hcl1_heredoc_value(text, h->p->arena));
        x->heredoc = true;
        break;
    default:
        *x->value = number_value(h);
    }
    return x;
}

static enum outcome parse_list(struct hcl1 *h, struct hcl_expr **ret);

/* The token of an item is read. */
static enum outcome parse_list_item(struct hcl1 *h, struct hcl_expr **ret)
{
    struct hcl_body *b;

    switch (h->tok.type) {
    case H1_BOOL:
    case H1_NUMBER:
    case H1_FLOAT:
    case H1_STRING:
    case H1_HEREDOC:
        *ret = parse_literal(h);
        return GOOD;
    case H1_LBRACE:
        *ret = new_expr(h, HCL_OBJECT);
        if (parse_object(h, &b) != GOOD)
            return fail_at(h, h->tok.start,
                           "error while trying to parse object within list: %s",
                           h->error ? h->error : "not terminated");
        end_expr(h, *ret);
        hcl_object_of_body(h->p, *ret, b);
        return GOOD;
    case H1_LBRACK:
        if (parse_list(h, ret) != GOOD)
            return fail_at(h, h->tok.start, "error while trying to parse list within list: %s",
                           h->error ? h->error : "not terminated");
        return GOOD;
    default:
        return fail_at(h, h->tok.start, "unexpected token while parsing list: %s",
                       hcl1_tok_name(h->tok.type));
    }
}

/* The bracket is read. */
static enum outcome parse_list(struct hcl1 *h, struct hcl_expr **ret)
{
    struct hcl_expr *x = *ret = new_expr(h, HCL_TUPLE), *item;
    bool need_comma = false;

    if (!enter(h))
        return BROKEN;
    for (;;) {
        read_tok(h);
        if (h->tok.type == H1_RBRACK)
            break;
        if (h->tok.type == H1_COMMA) {
            need_comma = false;
            continue;
        }
        if (need_comma)
            return fail_at(h, h->tok.start,
                           "error parsing list, expected comma or list end, got: %s",
                           hcl1_tok_name(h->tok.type));
        if (!count_nodes(h, 1) || parse_list_item(h, &item) != GOOD)
            return BROKEN;
        hcl_add_item(h->p, x, item);
        need_comma = true;
    }
    end_expr(h, x);
    h->p->depth--;
    return GOOD;
}

struct keys {
    struct hcl1_tok at[HCL_LABELS_MAX + 1];
    size_t n;
};

/* Keys up to "=" or "{", which is read. AT_END: the text ended. */
static enum outcome parse_keys(struct hcl1 *h, struct keys *k)
{
    for (;;) {
        read_tok(h);
        switch (h->tok.type) {
        case H1_EOF:
            return AT_END;
        case H1_ASSIGN:
            if (k->n > 1)
                return fail_at(h, h->tok.start, "nested object expected: LBRACE got: ASSIGN");
            if (k->n == 0)
                return fail_at(h, h->tok.start, "no object keys found!");
            return GOOD;
        case H1_LBRACE:
            if (k->n == 0)
                return fail_at(h, h->tok.start, "expected: IDENT | STRING got: LBRACE");
            return GOOD;
        case H1_IDENT:
        case H1_STRING:
            if (k->n > HCL_LABELS_MAX)
                return fail_at(h, h->tok.start, "more than %d labels", HCL_LABELS_MAX);
            k->at[k->n++] = h->tok;
            break;
        case H1_ILLEGAL:
            return fail_at(h, h->tok.start, "illegal character");
        default:
            return fail_at(h, h->tok.start,
                           "expected: IDENT | STRING | ASSIGN | LBRACE got: %s",
                           hcl1_tok_name(h->tok.type));
        }
    }
}

static struct str key_text(struct hcl1 *h, const struct hcl1_tok *t)
{
    return t->type == H1_STRING ? hcl1_string_value(t->text, h->p->arena) : t->text;
}

static enum outcome add_block(struct hcl1 *h, struct hcl_body *b, const struct keys *k)
{
    struct hcl_block *blk = arena_new_of(h->p->arena, struct hcl_block);
    struct hcl_item *item;
    const char *file = h->p->file;
    enum outcome r;

    blk->type = key_text(h, &k->at[0]);
    blk->type_at = (struct hcl_range){file, k->at[0].start, k->at[0].end};
    blk->open_at = (struct hcl_range){file, k->at[0].start, k->at[k->n - 1].end};
    blk->brace_at = tok_range(h);
    for (size_t i = 1; i < k->n; i++)
        blk->labels[blk->n_labels++] = (struct hcl_label){
            key_text(h, &k->at[i]),
            {file, k->at[i].start, k->at[i].end},
            k->at[i].type == H1_STRING,
        };
    r = parse_object(h, &blk->body);
    if (r != GOOD)
        return r;
    blk->at = (struct hcl_range){file, k->at[0].start, h->tok.end};
    item = list_add(h->p->arena, &b->items);
    item->block = blk;
    return GOOD;
}

static enum outcome add_attr(struct hcl1 *h, struct hcl_body *b, const struct keys *k)
{
    struct hcl_attr *attr = arena_new_of(h->p->arena, struct hcl_attr);
    const char *file = h->p->file;
    struct hcl_item *item;
    enum outcome r;

    attr->name = key_text(h, &k->at[0]);
    attr->name_at = (struct hcl_range){file, k->at[0].start, k->at[0].end};
    if (h->tok.type == H1_LBRACK) {
        r = parse_list(h, &attr->expr);
        if (r != GOOD)
            return r;
    } else {
        attr->expr = parse_literal(h);
    }
    attr->at = (struct hcl_range){file, k->at[0].start, h->tok.end};
    item = list_add(h->p->arena, &b->items);
    item->attr = attr;
    return GOOD;
}

/* "=" is read. */
static enum outcome parse_value(struct hcl1 *h, struct hcl_body *b, const struct keys *k)
{
    read_tok(h);
    switch (h->tok.type) {
    case H1_NUMBER:
    case H1_FLOAT:
    case H1_BOOL:
    case H1_STRING:
    case H1_HEREDOC:
    case H1_LBRACK:
        return add_attr(h, b, k);
    case H1_LBRACE:
        return add_block(h, b, k);
    case H1_EOF:
        return AT_END;
    default:
        return fail_at(h, h->tok.start, "Unknown token: %u:%u %s %.*s", h->tok.start.line,
                       h->tok.start.col, hcl1_tok_name(h->tok.type), STR_ARG(h->tok.text));
    }
}

static enum outcome say_no_value(struct hcl1 *h, const struct keys *k)
{
    const char *names = "";

    for (size_t i = 0; i < k->n; i++)
        names =
            arena_printf(h->p->arena, "%s%s%.*s", names, i ? " " : "", STR_ARG(k->at[i].text));
    return fail_at(h, h->tok.start,
                   "key '%s' expected start of object ('{') or assignment ('=')", names);
}

static enum outcome parse_item(struct hcl1 *h, struct hcl_body *b)
{
    struct keys k = {.n = 0};
    enum outcome r = parse_keys(h, &k);

    if (k.n > 0 && (r == AT_END || (r == BROKEN && h->tok.type == H1_RBRACE)))
        return say_no_value(h, &k);
    if (r != GOOD)
        return r;
    if (!count_nodes(h, h->tok.type == H1_ASSIGN ? 1 : HCL_BLOCK_NODES))
        return BROKEN;
    return h->tok.type == H1_ASSIGN ? parse_value(h, b, &k) : add_block(h, b, &k);
}

static enum outcome parse_items(struct hcl1 *h, struct hcl_body *b, bool in_object)
{
    for (;;) {
        enum outcome r;

        if (in_object) {
            read_tok(h);
            push_back(h);
            if (h->tok.type == H1_RBRACE)
                return GOOD;
        }
        r = parse_item(h, b);
        if (r != GOOD)
            return r;
        read_tok(h);
        if (h->tok.type != H1_COMMA)
            push_back(h);
    }
}

int hcl1_parse(struct hcl_parser *p, struct hcl_body **ret)
{
    struct hcl1 h = {.p = p, .scan = {.text = p->text, .at = {1, 0, 0}}};
    enum outcome r;

    *ret = new_body(&h);
    (*ret)->at.start = (struct hcl_pos){1, 1, 0};
    r = parse_items(&h, *ret, false);
    (*ret)->at.end = h.tok.end;
    if (h.scan.error && !p->spent)
        hcl_diag_add(p->diags, (struct hcl_range){p->file, h.scan.error_at, h.scan.error_at},
                     h.scan.error, "%s", "");
    else if (r == BROKEN)
        hcl_diag_add(p->diags, (struct hcl_range){p->file, h.error_at, h.error_at}, h.error,
                     "%s", "");
    else
        return 0;
    return p->spent ? ERR_TOOBIG : ERR_INVALID;
}
