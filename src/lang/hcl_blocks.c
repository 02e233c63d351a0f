#include "base/err.h"
#include "lang/hcl_priv.h"

/*
 * Blocks as objects and objects as blocks: what HCL1 and JSON syntax leave open until it is
 * known how many labels a block has.
 */

static struct hcl_expr *string_expr(struct hcl_parser *p, struct str s, struct hcl_range at)
{
    struct hcl_expr *x = arena_new_of(p->arena, struct hcl_expr);

    x->kind = HCL_LITERAL;
    x->at = x->start_at = at;
    x->source = s;
    x->value = arena_new_of(p->arena, struct json);
    *x->value = json_of_str(s);
    return x;
}

/* A block's labels are objects around its body. */
static struct hcl_expr *block_as_expr(struct hcl_parser *p, const struct hcl_block *b)
{
    struct hcl_expr *x = arena_new_of(p->arena, struct hcl_expr);

    x->kind = HCL_OBJECT;
    x->at = x->start_at = b->brace_at;
    hcl_object_of_body(p, x, b->body);
    for (size_t i = b->n_labels; i-- > 0;) {
        struct hcl_expr *outer = arena_new_of(p->arena, struct hcl_expr);

        *outer =
            (struct hcl_expr){.kind = HCL_OBJECT, .at = b->brace_at, .start_at = b->brace_at};
        outer->keys = arena_array(p->arena, struct hcl_expr *, 1);
        outer->keys[0] = string_expr(p, b->labels[i].text, b->labels[i].at);
        hcl_add_item(p, outer, x);
        x = outer;
    }
    return x;
}

void hcl_object_of_body(struct hcl_parser *p, struct hcl_expr *x, struct hcl_body *b)
{
    x->body = b;
    x->keys = arena_array(p->arena, struct hcl_expr *, b->items.len);
    for (size_t i = 0; i < b->items.len; i++) {
        const struct hcl_item *it = &b->items.at[i];

        if (it->attr) {
            x->keys[i] = string_expr(p, it->attr->name, it->attr->name_at);
            hcl_add_item(p, x, it->attr->expr);
        } else {
            x->keys[i] = string_expr(p, it->block->type, it->block->type_at);
            hcl_add_item(p, x, block_as_expr(p, it->block));
        }
    }
}

/* What unfolding carries down: the block so far. */
struct unfold {
    struct hcl_block block;
    size_t n_labels;
    const char *label_name;
    struct arena *arena;
    struct hcl_diags *diags;
    LIST(const struct hcl_block *) found;
};

static void unfold_body(struct unfold *u, struct hcl_body *body, struct hcl_range open);

static void emit_block(struct unfold *u, struct hcl_body *body, struct hcl_range open)
{
    struct hcl_block *b = arena_new_of(u->arena, struct hcl_block);

    *b = u->block;
    b->body = body;
    b->brace_at = open;
    list_push(u->arena, &u->found, b);
}

static void say_no_object(struct unfold *u, const struct hcl_expr *x)
{
    hcl_diag_add(u->diags, x->start_at, "Incorrect JSON value type",
                 "Either a JSON object or a JSON array of objects is required here, to define "
                 "arguments and child blocks.");
}

static bool is_null(const struct hcl_expr *x)
{
    return x->kind == HCL_LITERAL && x->value->type == JSON_NULL;
}

/* An object, or a list of them. */
static void unfold_value(struct unfold *u, const struct hcl_expr *x)
{
    if (x->kind == HCL_OBJECT && x->body) {
        unfold_body(u, x->body, x->start_at);
    } else if (x->kind == HCL_TUPLE) {
        for (size_t i = 0; i < x->n_items; i++)
            unfold_value(u, x->items[i]);
    } else if (!is_null(x)) {
        say_no_object(u, x);
    }
}

static bool is_object_like(const struct hcl_item *it)
{
    const struct hcl_expr *x;

    if (it->block)
        return true;
    x = it->attr->expr;
    if (x->kind == HCL_TUPLE && x->n_items > 0)
        x = x->items[0];
    return x->kind == HCL_OBJECT && x->body;
}

/* HCL1: `path { capabilities = [] }` has no label, though one is expected. */
static bool has_no_labels(const struct unfold *u, const struct hcl_body *b)
{
    if (u->diags && u->diags->dialect == HCL2)
        return false;
    for (size_t i = 0; i < b->items.len; i++)
        if (!is_object_like(&b->items.at[i]))
            return true;
    return b->items.len == 0;
}

static void add_label(struct unfold *u, struct str text, struct hcl_range at)
{
    u->block.labels[u->block.n_labels++] = (struct hcl_label){text, at, true};
}

static void unfold_member(struct unfold *u, const struct hcl_item *it)
{
    struct hcl_block before = u->block;

    if (it->attr) {
        if (str_eqc(it->attr->name, "//"))
            return; /* a comment in JSON syntax */
        add_label(u, it->attr->name, it->attr->name_at);
        unfold_value(u, it->attr->expr);
    } else {
        const struct hcl_block *b = it->block;

        add_label(u, b->type, b->type_at);
        for (size_t i = 0; i < b->n_labels && u->block.n_labels < u->n_labels; i++)
            add_label(u, b->labels[i].text, b->labels[i].at);
        unfold_body(u, b->body, b->brace_at);
    }
    u->block = before;
}

static void unfold_body(struct unfold *u, struct hcl_body *body, struct hcl_range open)
{
    if (u->block.n_labels >= u->n_labels || has_no_labels(u, body)) {
        emit_block(u, body, open);
        return;
    }
    if (body->items.len == 0)
        hcl_diag_add(u->diags, open, "Missing block label",
                     "At least one object property is required, whose name represents the %.*s "
                     "block's %s.",
                     STR_ARG(u->block.type), u->label_name);
    for (size_t i = 0; i < body->items.len; i++)
        unfold_member(u, &body->items.at[i]);
}

static void unfold_item(struct unfold *u, const struct hcl_item *it)
{
    if (it->block) {
        u->block = *it->block;
        unfold_body(u, it->block->body, it->block->brace_at);
        return;
    }
    u->block = (struct hcl_block){
        .type = it->attr->name,
        .type_at = it->attr->name_at,
        .open_at = it->attr->name_at,
        .at = it->attr->at,
    };
    unfold_value(u, it->attr->expr);
}

void hcl_blocks(const struct hcl_body *b, const char *type, size_t n_labels,
                const char *label_name, struct arena *a, struct hcl_diags *d,
                struct hcl_blocks *ret)
{
    struct unfold u = {.n_labels = n_labels, .label_name = label_name, .arena = a, .diags = d};

    for (size_t i = 0; b && i < b->items.len; i++) {
        const struct hcl_item *it = &b->items.at[i];
        struct str name = it->block ? it->block->type : it->attr->name;

        if (!str_eqc(name, type))
            continue;
        if (b->loose)
            unfold_item(&u, it);
        else if (it->block)
            list_push(a, &u.found, it->block);
    }
    *ret = (struct hcl_blocks){u.found.at, u.found.len};
}
