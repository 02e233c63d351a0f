/*
 * fuzz_hcl -- any bytes as HCL of both generations, parsed and evaluated
 *
 * The first byte chooses the dialect and whether names known only at run time are allowed. What
 * parsed must be a whole tree, and is evaluated within a small budget.
 */
#include <assert.h>

#include "lang/hcl_funcs.h"

enum { FUZZ_BYTES_MAX = 64 << 10 };

/* Every tree the parser gives is whole. */
static void check_expr(const struct hcl_expr *x)
{
    assert(x->at.start.line >= 1 && x->at.start.col >= 1);
    assert(x->kind != HCL_LITERAL || x->value);
    for (size_t i = 0; i < x->n_items; i++)
        check_expr(x->items[i]);
}

static void check_body(const struct hcl_body *b)
{
    for (size_t i = 0; i < b->items.len; i++) {
        const struct hcl_item *it = &b->items.at[i];

        assert(!it->attr != !it->block);
        if (it->attr)
            check_expr(it->attr->expr);
        else
            check_body(it->block->body);
    }
}

static void find_blocks(const struct hcl_body *b, struct arena *a, struct hcl_diags *d)
{
    struct hcl_blocks found;

    for (size_t i = 0; i < b->items.len && i < 4; i++) {
        const struct hcl_item *it = &b->items.at[i];
        const char *type = arena_cstr(a, it->attr ? it->attr->name : it->block->type);

        hcl_blocks(b, type, i % 3, "name", a, d, &found);
        for (size_t k = 0; k < found.len; k++)
            assert(found.at[k]->body && found.at[k]->n_labels <= HCL_LABELS_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena *a = arena_new(0);
    struct hcl_budget budget = {20000, 1 << 20};
    struct json *vars = json_new_object(a);
    struct map funcs = MAP_INIT;
    struct hcl_eval_ctx ctx = {.vars = vars, .funcs = &funcs, .budget = &budget};
    struct hcl_diags d = {.arena = a}, eval_diags = {.arena = a};
    struct hcl_body *b;
    struct str text;
    int r;

    if (size < 1 || size > FUZZ_BYTES_MAX)
        return 0;
    text = str_n(data + 1, size - 1);
    ctx.flags = data[0] & 2 ? HCL_EVAL_RUNTIME : 0;
    hcl_funcs_add(&funcs);
    json_set(a, vars, STR("v"), json_of_i64(a, 5));
    r = hcl_parse(text, "f", data[0] & 1 ? HCL1 : HCL2, a, &b, &d);
    assert((r < 0) == (d.list.len > 0));
    (void)hcl_diags_text(a, &d);
    if (r == 0) {
        check_body(b);
        (void)hcl_body_to_json(b, &ctx, a, &eval_diags);
        find_blocks(b, a, &d);
    }
    (void)hcl_diags_text(a, &eval_diags);
    map_done(&funcs);
    return 0;
}
