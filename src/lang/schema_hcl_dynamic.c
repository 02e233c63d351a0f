#include <string.h>

#include "lang/schema_hcl.h"

/*
 * dynamic "port" {
 *   for_each = [80, 443]
 *   iterator = p              # default: the block's type
 *   labels   = ["p${p.key}"]
 *   content { static = p.value }
 * }
 * makes one block per item, each with a scope of its own in which the iterator has a key and a
 * value.
 */
struct dynamic {
    struct hcl_decoder *d;
    const struct hcl_block *block, *content;
    const struct hcl_attr *for_each, *labels, *iterator;
    const struct hcl_eval_ctx *ctx;
    struct str name; /* of the iterator */
    size_t n_labels;
};

static bool missing(const struct dynamic *dy, const char *name)
{
    hcl_decode_diag(dy->d, dy->block->body->end_at, "Missing required argument", NULL,
                    "The argument \"%s\" is required, but no definition was found.", name);
    return false;
}

static bool check_items(const struct dynamic *dy)
{
    bool good = true;

    list_each (&dy->block->body->items, it) {
        const struct hcl_attr *attr = it->attr;
        bool known = attr
                         ? str_eqc(attr->name, "for_each") || str_eqc(attr->name, "iterator") ||
                               (dy->n_labels && str_eqc(attr->name, "labels"))
                         : str_eqc(it->block->type, "content");

        if (known)
            continue;
        good = false;
        if (attr)
            hcl_decode_diag(dy->d, attr->name_at, "Unsupported argument", NULL,
                            "An argument named \"%.*s\" is not expected here.",
                            (int)str_upto(attr->name, 128).len, attr->name.p);
        else
            hcl_decode_diag(dy->d, it->block->type_at, "Unsupported block type", NULL,
                            "Blocks of type \"%.*s\" are not expected here.",
                            (int)str_upto(it->block->type, 128).len, it->block->type.p);
    }
    return good;
}

static bool read_content(struct dynamic *dy)
{
    size_t i = 0;
    const struct hcl_block *second;

    dy->content = hcl_next_block(dy->block->body, "content", &i);
    if (!dy->content) {
        hcl_decode_diag(dy->d, dy->block->body->end_at, "Missing dynamic content block", NULL,
                        "A dynamic block must have a nested block of type \"content\" to "
                        "describe the body of each generated block.");
        return false;
    }
    second = hcl_next_block(dy->block->body, "content", &i);
    if (second)
        hcl_decode_diag(dy->d, second->open_at, "Extraneous dynamic content block", NULL,
                        "Only one nested content block is allowed for each dynamic block.");
    return !second;
}

static bool read_iterator(struct dynamic *dy)
{
    dy->name = dy->block->labels[0].text;
    if (!dy->iterator)
        return true;
    if (dy->iterator->expr->kind != HCL_VARIABLE) {
        hcl_decode_diag(dy->d, dy->iterator->expr->at, "Invalid expression", NULL,
                        "Dynamic iterator must be a single variable name.");
        return false;
    }
    dy->name = dy->iterator->expr->name;
    return true;
}

static bool read_dynamic(struct dynamic *dy)
{
    dy->for_each = hcl_attr(dy->block->body, "for_each");
    dy->labels = hcl_attr(dy->block->body, "labels");
    dy->iterator = hcl_attr(dy->block->body, "iterator");
    if (!dy->for_each)
        return missing(dy, "for_each");
    if (dy->n_labels && !dy->labels)
        return missing(dy, "labels");
    return check_items(dy) && read_content(dy) && read_iterator(dy);
}

static const struct json *read_items(const struct dynamic *dy)
{
    const struct json *v = hcl_eval(dy->for_each->expr, dy->ctx, dy->d->arena, dy->d->diags);

    if (!v || v->type == JSON_ARRAY || v->type == JSON_OBJECT)
        return v;
    if (v->type == JSON_NULL)
        hcl_decode_diag(dy->d, dy->for_each->expr->at, "Invalid dynamic for_each value", NULL,
                        "Cannot use a null value in for_each.");
    else
        hcl_decode_diag(
            dy->d, dy->for_each->expr->at, "Invalid dynamic for_each value", NULL,
            "Cannot use a %s value in for_each. An iterable collection is required.",
            hcl_type_name(v));
    return NULL;
}

/* The scope of one item. */
static const struct hcl_eval_ctx *scope(const struct dynamic *dy, const struct json *items,
                                        uint32_t i)
{
    struct arena *a = dy->d->arena;
    struct hcl_eval_ctx *ctx = arena_new_of(a, struct hcl_eval_ctx);
    struct json *each = json_new_object(a);

    *ctx = (struct hcl_eval_ctx){.parent = dy->ctx, .vars = json_new_object(a)};
    if (dy->ctx) {
        ctx->flags = dy->ctx->flags;
        ctx->funcs = dy->ctx->funcs;
        ctx->budget = dy->ctx->budget;
    }
    if (items->type == JSON_ARRAY) {
        json_set(a, each, STR("key"), json_of_i64(a, i));
        json_set(a, each, STR("value"), items->items[i]);
    } else {
        json_set(a, each, STR("key"), json_of_str(items->members[i].key));
        json_set(a, each, STR("value"), items->members[i].value);
    }
    json_set(a, ctx->vars, dy->name, *each);
    return ctx;
}

static bool put_label(const struct dynamic *dy, const struct json *v, struct hcl_instance *in)
{
    const struct json *s = hcl_to_string(v, dy->d->arena);

    if (!s || s->type != JSON_STRING) {
        hcl_decode_diag(dy->d, dy->labels->expr->at, "Invalid dynamic block label", NULL,
                        "Cannot use this value as a dynamic block label: %s.",
                        s ? "null value is not allowed" : "string required");
        return false;
    }
    in->labels[in->n_labels++] = s->text;
    return true;
}

static bool read_labels(const struct dynamic *dy, struct hcl_instance *in)
{
    const struct json *v;

    if (dy->n_labels == 0)
        return true;
    v = hcl_eval(dy->labels->expr, in->ctx, dy->d->arena, dy->d->diags);
    if (!v)
        return false;
    if (v->type != JSON_ARRAY || v->len != dy->n_labels) {
        bool more = v->type == JSON_ARRAY && v->len > dy->n_labels;

        hcl_decode_diag(dy->d, dy->labels->expr->at,
                        more ? "Extraneous dynamic block label"
                             : "Insufficient dynamic block labels",
                        NULL, "Blocks of type \"%.*s\" require %zu label(s).",
                        (int)str_upto(dy->block->labels[0].text, 128).len,
                        dy->block->labels[0].text.p, dy->n_labels);
        return false;
    }
    for (uint32_t i = 0; i < v->len; i++)
        if (!put_label(dy, &v->items[i], in))
            return false;
    return true;
}

void hcl_unfold_dynamic(struct hcl_decoder *d, const struct hcl_block *dynamic, size_t n_labels,
                        const struct hcl_eval_ctx *ctx, struct hcl_instances *ret)
{
    struct dynamic dy = {.d = d, .block = dynamic, .ctx = ctx, .n_labels = n_labels};
    const struct json *items;

    if (n_labels > HCL_LABELS_MAX || !read_dynamic(&dy))
        return;
    items = read_items(&dy);
    for (uint32_t i = 0; items && i < items->len; i++) {
        struct hcl_instance in = {.at = dy.content->open_at, .body = dy.content->body};

        if (ret->len > d->blocks_left)
            return; /* said by who counts them */
        in.ctx = scope(&dy, items, i);
        if (!read_labels(&dy, &in))
            return;
        list_push(d->arena, ret, in);
    }
}
