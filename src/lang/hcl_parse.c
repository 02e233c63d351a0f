#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/vec.h"
#include "lang/hcl_priv.h"

/*
 * Tokens.
 */

/* The index of the token that a read would return. */
static size_t next_index(const struct hcl_parser *p)
{
    size_t i = p->next;

    if (p->spent)
        return p->toks.len - 1;
    while (!p->newlines && p->toks.at[i].type == T_NEWLINE)
        i++;
    return i;
}

const struct hcl_tok *hcl_peek(struct hcl_parser *p)
{
    return &p->toks.at[next_index(p)];
}

const struct hcl_tok *hcl_read(struct hcl_parser *p)
{
    size_t i = next_index(p);

    p->prev = i;
    p->next = p->toks.at[i].type == T_EOF ? i : i + 1; /* the end stays */
    return &p->toks.at[i];
}

struct hcl_range hcl_tok_range(const struct hcl_parser *p, const struct hcl_tok *t)
{
    return (struct hcl_range){p->file, t->start, t->end};
}

struct str hcl_tok_text(const struct hcl_parser *p, const struct hcl_tok *t)
{
    return str_n(p->text.p + t->start.byte, t->end.byte - t->start.byte);
}

struct hcl_range hcl_range_between(struct hcl_range first, struct hcl_range last)
{
    return (struct hcl_range){first.file, first.start, last.end};
}

static struct hcl_range prev_range(const struct hcl_parser *p)
{
    return hcl_tok_range(p, &p->toks.at[p->prev]);
}

void hcl_expected(struct hcl_parser *p, struct hcl_range at, const char *summary,
                  const char *detail)
{
    if (!p->recovering)
        hcl_diag_add(p->diags, at, summary, "%s", detail);
    p->recovering = true;
}

static void spend(struct hcl_parser *p, const char *detail)
{
    struct hcl_range at = {p->file, {1, 1, 0}, {1, 1, 0}};

    if (p->toks.len > 0) /* JSON syntax has none */
        at = hcl_tok_range(p, hcl_peek(p));
    if (!p->spent)
        hcl_diag_add(p->diags, at, "Configuration too complex", "%s", detail);
    p->spent = p->recovering = true;
}

bool hcl_enter(struct hcl_parser *p)
{
    if (++p->depth > HCL_DEPTH_MAX)
        spend(p, "Blocks and expressions are nested too deeply.");
    return !p->spent;
}

void hcl_leave(struct hcl_parser *p)
{
    p->depth--;
}

void hcl_count_nodes(struct hcl_parser *p, uint32_t n)
{
    p->nodes += n;
    if (p->nodes > HCL_NODES_MAX)
        spend(p, "There are more blocks, arguments and expressions than are accepted in one "
                 "file.");
}

struct hcl_expr *hcl_new_expr(struct hcl_parser *p, enum hcl_expr_kind kind,
                              struct hcl_range at)
{
    struct hcl_expr *x = arena_new_of(p->arena, struct hcl_expr);

    hcl_count_nodes(p, 1);
    x->kind = kind;
    x->at = x->start_at = at;
    x->source = str_n(p->text.p + at.start.byte, at.end.byte - at.start.byte);
    return x;
}

struct hcl_expr *hcl_new_string(struct hcl_parser *p, struct str value, struct hcl_range at)
{
    struct hcl_expr *x = hcl_new_expr(p, HCL_LITERAL, at);

    x->value = arena_new_of(p->arena, struct json);
    *x->value = json_of_str(value);
    return x;
}

void hcl_expr_ends(struct hcl_parser *p, struct hcl_expr *x, struct hcl_range first)
{
    struct hcl_range last = prev_range(p);

    if (last.end.byte < first.end.byte)
        last = first;
    x->at = hcl_range_between(first, last);
    x->source = str_n(p->text.p + first.start.byte, last.end.byte - first.start.byte);
}

void hcl_add_item(struct hcl_parser *p, struct hcl_expr *x, struct hcl_expr *item)
{
    LIST(struct hcl_expr *) items = {x->items, x->n_items};

    list_push(p->arena, &items, item);
    x->items = items.at;
    x->n_items = items.len;
}

static enum hcl_tok_type closer_of(enum hcl_tok_type t)
{
    switch (t) {
    case T_OBRACE:
        return T_CBRACE;
    case T_OBRACK:
        return T_CBRACK;
    case T_OPAREN:
        return T_CPAREN;
    case T_OQUOTE:
        return T_CQUOTE;
    case T_OHEREDOC:
        return T_CHEREDOC;
    case T_INTERP:
    case T_CONTROL:
        return T_SEQ_END;
    default:
        return T_EOF;
    }
}

/* Read the next token, counting what it opens and closes. */
static const struct hcl_tok *skip_one(struct hcl_parser *p, size_t *open)
{
    const struct hcl_tok *t = hcl_read(p);

    if (closer_of(t->type) != T_EOF)
        ++*open;
    else if (*open > 0 &&
             (t->type == T_CBRACE || t->type == T_CBRACK || t->type == T_CPAREN ||
              t->type == T_CQUOTE || t->type == T_CHEREDOC || t->type == T_SEQ_END))
        --*open;
    return t;
}

void hcl_recover(struct hcl_parser *p, enum hcl_tok_type closer)
{
    size_t open = 0;

    p->recovering = true;
    while (hcl_next_type(p) != T_EOF) {
        bool here = open == 0 && hcl_next_type(p) == closer;

        skip_one(p, &open);
        if (here)
            return;
    }
}

static void recover_before(struct hcl_parser *p, enum hcl_tok_type closer)
{
    hcl_recover(p, closer);
    if (hcl_next_type(p) != T_EOF || p->toks.at[p->prev].type == closer)
        p->next = p->prev;
}

/* To after the newline that ends the broken item, or before the brace that ends its block. */
static void recover_item(struct hcl_parser *p)
{
    size_t open = 0;
    bool newlines = p->newlines;

    p->recovering = true;
    p->newlines = true;
    while (hcl_next_type(p) != T_EOF) {
        enum hcl_tok_type t = hcl_next_type(p);

        if (open == 0 && t == T_CBRACE)
            break;
        skip_one(p, &open);
        if (open == 0 && t == T_NEWLINE)
            break;
    }
    p->newlines = newlines;
}

/*
 * Bodies.
 */

static const char item_required[] = "Argument or block definition required";
static const char item_detail[] = "An argument or block definition is required here.";
static const char set_detail[] =
    "An argument or block definition is required here. To set an argument, use the equals sign "
    "\"=\" to introduce the argument value.";

static struct hcl_body *new_body(struct hcl_parser *p, struct hcl_range open)
{
    struct hcl_body *b = arena_new_of(p->arena, struct hcl_body);

    b->at = (struct hcl_range){p->file, open.end, open.end};
    b->end_at = (struct hcl_range){p->file, open.start, open.start};
    return b;
}

static struct hcl_attr *parse_attr(struct hcl_parser *p, struct hcl_range name_at)
{
    struct hcl_attr *a = arena_new_of(p->arena, struct hcl_attr);

    hcl_read(p); /* = */
    a->name = str_n(p->text.p + name_at.start.byte, name_at.end.byte - name_at.start.byte);
    a->name_at = name_at;
    a->expr = hcl_parse_expr(p);
    a->at = hcl_range_between(name_at, a->expr->at);
    return a;
}

/* In a body over several lines an argument has its line for itself. */
static struct hcl_attr *parse_attr_line(struct hcl_parser *p, struct hcl_range name_at)
{
    bool was_recovering = p->recovering;
    struct hcl_attr *a = parse_attr(p, name_at);
    const struct hcl_tok *end = hcl_peek(p);

    if (p->recovering && !was_recovering) {
        recover_item(p);
    } else if (end->type == T_COMMA) {
        hcl_expected(p, hcl_tok_range(p, end), "Unexpected comma after argument",
                     "Argument definitions must be separated by newlines, not commas. An "
                     "argument definition must end with a newline.");
        recover_item(p);
    } else if (end->type != T_NEWLINE && end->type != T_EOF) {
        hcl_expected(p, hcl_tok_range(p, end), "Missing newline after argument",
                     "An argument definition must end with a newline.");
        recover_item(p);
    } else {
        hcl_read(p);
    }
    return a;
}

static void add_attr(struct hcl_parser *p, struct hcl_body *b, struct hcl_attr *a,
                     struct map *seen)
{
    const struct hcl_attr *first = map_get(seen, a->name);
    struct hcl_item *item;

    if (first) {
        hcl_diag_add(
            p->diags, a->name_at, "Attribute redefined",
            "The argument \"%.*s\" was already set at %s. Each argument may be set only "
            "once.",
            STR_ARG(a->name), hcl_range_text(p->arena, first->name_at));
        return;
    }
    map_put(seen, a->name, a);
    item = list_add(p->arena, &b->items);
    item->attr = a;
}

static void say_not_single(struct hcl_parser *p, const struct hcl_tok *t, struct hcl_range open)
{
    static const char summary[] = "Invalid single-argument block definition";
    struct hcl_range at = hcl_tok_range(p, t);

    if (t->type == T_EOF)
        hcl_expected(
            p, open, "Unclosed configuration block",
            "There is no closing brace for this block before the end of the file. This "
            "may be caused by incorrect brace nesting elsewhere in this file.");
    else if (t->type == T_COMMA)
        hcl_expected(p, at, summary,
                     "Single-line block syntax can include only one argument definition. To "
                     "define multiple arguments, use the multi-line block syntax with one "
                     "argument definition per line.");
    else if (t->type == T_NEWLINE)
        hcl_expected(p, at, summary,
                     "An argument definition on the same line as its containing block creates "
                     "a single-line block definition, which must also be closed on the same "
                     "line. Place the block's closing brace immediately after the argument "
                     "definition.");
    else
        hcl_expected(p, at, summary,
                     "A single-line block definition must end with a closing brace immediately "
                     "after its single argument definition.");
}

static void say_no_single_argument(struct hcl_parser *p, struct hcl_range name_at,
                                   const struct hcl_tok *next)
{
    struct str name =
        str_n(p->text.p + name_at.start.byte, name_at.end.byte - name_at.start.byte);

    if (next->type != T_OQUOTE && next->type != T_OBRACE && next->type != T_IDENT) {
        hcl_expected(p, name_at, item_required, set_detail);
        return;
    }
    hcl_expected(
        p, hcl_range_between(name_at, hcl_tok_range(p, next)), "Argument definition required",
        arena_printf(p->arena,
                     "A single-line block definition can contain only a single "
                     "argument. If you meant to define argument \"%.*s\", use an equals "
                     "sign to assign it a value. To define a nested block, place it on "
                     "a line of its own within its parent block.",
                     STR_ARG(name)));
}

/* `{ name = value }` on one line; the brace is read. */
static void parse_single(struct hcl_parser *p, struct hcl_body *b, struct hcl_range open)
{
    const struct hcl_tok *t = hcl_read(p);
    struct hcl_range name_at = hcl_tok_range(p, t);
    struct hcl_item *item;
    bool was_recovering = p->recovering;

    if (t->type != T_IDENT) {
        hcl_expected(p, name_at, item_required, item_detail);
        recover_item(p);
        return;
    }
    if (hcl_next_type(p) != T_EQUAL) {
        say_no_single_argument(p, name_at, hcl_peek(p));
        recover_item(p);
        return;
    }
    item = list_add(p->arena, &b->items);
    item->attr = parse_attr(p, name_at);
    if (hcl_next_type(p) == T_CBRACE)
        return;
    if (!p->recovering || was_recovering)
        say_not_single(p, hcl_peek(p), open);
    recover_before(p, T_CBRACE); /* the caller reads it */
}

static bool parse_labels(struct hcl_parser *p, struct hcl_block *b)
{
    static const char summary[] = "Invalid block definition";

    for (;;) {
        const struct hcl_tok *t = hcl_peek(p);
        struct hcl_range at = hcl_tok_range(p, t);
        struct hcl_label label = {.at = at};

        switch (t->type) {
        case T_OBRACE:
            return true;
        case T_OQUOTE:
            label.quoted = true;
            label.text = hcl_parse_plain_string(p, &label.at);
            break;
        case T_IDENT:
            label.text = hcl_tok_text(p, hcl_read(p));
            break;
        case T_EQUAL:
            hcl_expected(p, at, summary,
                         "The equals sign \"=\" indicates an argument definition, and must not "
                         "be used when defining a block.");
            return false;
        case T_NEWLINE:
            hcl_expected(p, at, summary,
                         "A block definition must have block content delimited by \"{\" and "
                         "\"}\", starting on the same line as the block header.");
            return false;
        default:
            hcl_expected(p, at, summary,
                         "Either a quoted string block label or an opening brace (\"{\") is "
                         "expected here.");
            return false;
        }
        if (b->n_labels >= HCL_LABELS_MAX) {
            hcl_expected(p, at, summary, "The block has too many labels.");
            return false;
        }
        b->labels[b->n_labels++] = label;
    }
}

static struct hcl_body *parse_body(struct hcl_parser *p, enum hcl_tok_type end,
                                   struct hcl_range open);

static void parse_block_end(struct hcl_parser *p)
{
    const struct hcl_tok *t = hcl_peek(p);

    if (t->type == T_NEWLINE || t->type == T_EOF) {
        hcl_read(p);
        return;
    }
    hcl_expected(p, hcl_tok_range(p, t), "Missing newline after block definition",
                 "A block definition must end with a newline.");
    recover_item(p);
}

/* The type is read; what follows is a label or a brace. */
static struct hcl_block *parse_block(struct hcl_parser *p, struct hcl_range type_at)
{
    struct hcl_block *b = arena_new_of(p->arena, struct hcl_block);
    struct hcl_range open;

    hcl_count_nodes(p, HCL_BLOCK_NODES);
    b->type = str_n(p->text.p + type_at.start.byte, type_at.end.byte - type_at.start.byte);
    b->type_at = b->at = b->open_at = b->brace_at = type_at;
    if (!parse_labels(p, b) || !hcl_enter(p)) {
        recover_item(p);
        b->body = new_body(p, type_at);
        return b;
    }
    b->open_at = b->n_labels ? hcl_range_between(type_at, prev_range(p)) : type_at;
    b->brace_at = open = hcl_tok_range(p, hcl_read(p));
    if (hcl_next_type(p) == T_NEWLINE || hcl_next_type(p) == T_EOF) {
        b->body = parse_body(p, T_CBRACE, open);
    } else {
        b->body = new_body(p, open);
        if (hcl_next_type(p) != T_CBRACE)
            parse_single(p, b->body, open);
        b->body->at.end = hcl_peek(p)->start;
        if (hcl_next_type(p) == T_CBRACE)
            hcl_read(p);
    }
    b->at = hcl_range_between(type_at, prev_range(p));
    hcl_leave(p);
    parse_block_end(p);
    return b;
}

static void parse_item(struct hcl_parser *p, struct hcl_body *b, struct map *seen)
{
    struct hcl_range name_at = hcl_tok_range(p, hcl_read(p));
    struct hcl_item *item;

    hcl_count_nodes(p, 1);
    switch (hcl_next_type(p)) {
    case T_EQUAL:
        add_attr(p, b, parse_attr_line(p, name_at), seen);
        break;
    case T_OQUOTE:
    case T_OBRACE:
    case T_IDENT:
        item = list_add(p->arena, &b->items);
        item->block = parse_block(p, name_at);
        break;
    default:
        hcl_diag_add(p->diags, name_at, item_required, "%s", set_detail);
        recover_item(p);
    }
}

/* What stands where an item should begin is not one. */
static void say_no_item(struct hcl_parser *p, const struct hcl_tok *t)
{
    if (t->type == T_OQUOTE)
        hcl_expected(p, hcl_tok_range(p, t), "Invalid argument name",
                     "Argument names must not be quoted.");
    else
        hcl_expected(p, hcl_tok_range(p, t), item_required, item_detail);
}

/* Up to and including `end`; `open` is the brace that began it. */
static struct hcl_body *parse_body(struct hcl_parser *p, enum hcl_tok_type end,
                                   struct hcl_range open)
{
    struct hcl_body *b = new_body(p, open);
    struct map seen = MAP_INIT;
    const struct hcl_tok *t;

    p->newlines = true;
    while ((t = hcl_peek(p))->type != end && t->type != T_EOF) {
        if (t->type == T_NEWLINE) {
            hcl_read(p);
        } else if (t->type == T_IDENT) {
            parse_item(p, b, &seen);
        } else {
            say_no_item(p, t);
            recover_before(p, end);
            break;
        }
    }
    map_done(&seen);
    t = hcl_read(p);
    if (t->type != end)
        hcl_expected(
            p, open, "Unclosed configuration block",
            "There is no closing brace for this block before the end of the file. This "
            "may be caused by incorrect brace nesting elsewhere in this file.");
    b->at.end = t->start;
    return b;
}

/*
 * The door.
 */

static bool begins_with_brace(struct str text)
{
    struct str rest = str_starts(text, STR("\xef\xbb\xbf")) ? str_from(text, 3) : text;

    rest = str_trim(rest);
    return rest.len > 0 && rest.p[0] == '{';
}

static int parse_native(struct hcl_parser *p, struct hcl_body **ret)
{
    struct hcl_range start = {p->file, {1, 1, 0}, {1, 1, 0}};
    int r = hcl_lex(p->text, p->file, &p->toks, p->diags);

    if (r == 0) {
        *ret = parse_body(p, T_EOF, start);
        if (p->spent)
            r = ERR_TOOBIG;
    }
    vec_done(&p->toks);
    return r;
}

int hcl_parse(struct str text, const char *file, enum hcl_dialect dialect, struct arena *a,
              struct hcl_body **ret, struct hcl_diags *d)
{
    struct hcl_parser p = {
        .text = text, .file = file ? file : "", .arena = a, .diags = d, .newlines = true};
    size_t before = d->list.len;
    int r;

    if (!d->arena)
        d->arena = a;
    d->dialect = dialect;
    *ret = NULL;
    if (text.len > HCL_TEXT_MAX) {
        hcl_diag_add(d, (struct hcl_range){p.file, {1, 1, 0}, {1, 1, 0}},
                     "Configuration too large", "At most %d bytes are accepted in one file.",
                     HCL_TEXT_MAX);
        return ERR_TOOBIG;
    }
    if (begins_with_brace(text))
        r = hcl_json_parse(&p, dialect, ret);
    else if (dialect == HCL1)
        r = hcl1_parse(&p, ret);
    else
        r = parse_native(&p, ret);
    if (r == 0 && d->list.len > before)
        r = ERR_INVALID;
    d->syntax = d->syntax || r < 0;
    return r;
}

const struct hcl_attr *hcl_attr(const struct hcl_body *b, const char *name)
{
    for (size_t i = 0; b && i < b->items.len; i++)
        if (b->items.at[i].attr && str_eqc(b->items.at[i].attr->name, name))
            return b->items.at[i].attr;
    return NULL;
}

const struct hcl_block *hcl_next_block(const struct hcl_body *b, const char *type, size_t *i)
{
    while (b && *i < b->items.len) {
        const struct hcl_block *blk = b->items.at[(*i)++].block;

        if (blk && str_eqc(blk->type, type))
            return blk;
    }
    return NULL;
}
