/*
 * fuzz_hcl_format -- any bytes laid out: what parsed still means the same, and a second time
 * changes nothing
 */
#include <assert.h>

#include "lang/hcl_format.h"

enum { FUZZ_BYTES_MAX = 64 << 10, FUZZ_OUT_MAX = 8 << 20 };

static void same_body(const struct hcl_body *a, const struct hcl_body *b);
static void same_expr(const struct hcl_expr *a, const struct hcl_expr *b);

static void same_for(const struct hcl_for *a, const struct hcl_for *b)
{
    assert(!a == !b);
    if (!a)
        return;
    assert(str_eq(a->key_var, b->key_var) && str_eq(a->val_var, b->val_var));
    assert(a->group == b->group && a->template == b->template);
    same_expr(a->in, b->in);
    same_expr(a->key, b->key);
    same_expr(a->val, b->val);
    same_expr(a->cond, b->cond);
}

/* All but where things stand. */
static void same_expr(const struct hcl_expr *a, const struct hcl_expr *b)
{
    assert(!a == !b);
    if (!a)
        return;
    assert(a->kind == b->kind && a->n_items == b->n_items && str_eq(a->name, b->name));
    assert(strcmp(a->op, b->op) == 0 && a->expand == b->expand && a->heredoc == b->heredoc);
    assert(!a->value == !b->value && (!a->value || json_eq(a->value, b->value)));
    assert(!a->keys == !b->keys && !a->body == !b->body);
    for (size_t i = 0; i < a->n_items; i++) {
        same_expr(a->items[i], b->items[i]);
        if (a->keys)
            same_expr(a->keys[i], b->keys[i]);
    }
    same_for(a->for_, b->for_);
    if (a->body)
        same_body(a->body, b->body);
}

static void same_block(const struct hcl_block *a, const struct hcl_block *b)
{
    assert(str_eq(a->type, b->type) && a->n_labels == b->n_labels);
    for (size_t i = 0; i < a->n_labels; i++)
        assert(str_eq(a->labels[i].text, b->labels[i].text) &&
               a->labels[i].quoted == b->labels[i].quoted);
    same_body(a->body, b->body);
}

static void same_body(const struct hcl_body *a, const struct hcl_body *b)
{
    assert(a->items.len == b->items.len);
    for (size_t i = 0; i < a->items.len; i++) {
        const struct hcl_item *x = &a->items.at[i], *y = &b->items.at[i];

        assert(!x->attr == !y->attr);
        if (x->attr) {
            assert(str_eq(x->attr->name, y->attr->name));
            same_expr(x->attr->expr, y->attr->expr);
        } else {
            same_block(x->block, y->block);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf once = BUF_INIT(FUZZ_OUT_MAX), twice = BUF_INIT(FUZZ_OUT_MAX);
    struct hcl_diags d = {.arena = a}, none = {.arena = a};
    struct hcl_body *before, *after;
    struct str text = str_n(data, size);

    if (size > FUZZ_BYTES_MAX)
        return 0;
    if (hcl_format(text, "f", &d, &once) < 0) {
        assert(d.list.len > 0);
        return 0;
    }
    assert(d.list.len == 0);
    assert(hcl_parse(text, "f", HCL2, a, &before, &none) == 0);
    assert(hcl_parse(buf_str(&once), "f", HCL2, a, &after, &none) == 0);
    same_body(before, after);
    assert(hcl_format(buf_str(&once), "f", &none, &twice) == 0);
    assert(str_eq(buf_str(&once), buf_str(&twice)));
    return 0;
}
