#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lang/schema_hcl.h"

static void decode_body(struct hcl_decoder *d, const struct schema *s,
                        const struct hcl_body *body, const struct hcl_eval_ctx *ctx, void *obj);

void hcl_decode_diag(struct hcl_decoder *d, struct hcl_range at, const char *summary,
                     const char *legacy, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = arena_vprintf(d->diags->arena, fmt, ap);
    va_end(ap);
    if (d->diags->dialect == HCL1)
        hcl_diag_add(d->diags, at, legacy ? legacy : text, "%s", "");
    else
        hcl_diag_add(d->diags, at, summary, "%s", text);
}

/*
 * What a field is in HCL.
 */
static bool in_hcl(const struct schema_field *f)
{
    return f->hcl && !(f->flags & FIELD_JSON_ONLY);
}

static bool is_free_map(const struct schema_field *f)
{
    return f->type == F_STRMAP || f->type == F_JSON;
}

static bool is_nested(const struct schema_field *f)
{
    return f->type >= F_OBJ && f->type <= F_MAP;
}

static bool takes_argument(const struct hcl_decoder *d, const struct schema_field *f,
                           const struct hcl_body *body)
{
    if (!in_hcl(f) || f->flags & FIELD_LABEL || is_nested(f))
        return false;
    return !(f->flags & FIELD_BLOCK_ONLY) || body->loose || d->diags->dialect == HCL1;
}

static bool takes_block(const struct hcl_decoder *d, const struct schema_field *f)
{
    if (!in_hcl(f))
        return false;
    if (is_free_map(f))
        return f->flags & (FIELD_BLOCK | FIELD_BLOCK_ONLY) || d->diags->dialect == HCL1;
    return is_nested(f);
}

enum form { ARGUMENT, BLOCK };

static const struct schema_field *find(const struct hcl_decoder *d, const struct schema *s,
                                       const struct hcl_body *body, struct str name,
                                       enum form form)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        bool fits = form == BLOCK ? takes_block(d, f) : takes_argument(d, f, body);

        if (fits && str_eqc(name, f->hcl))
            return f;
    }
    return NULL;
}

/* The first name of that form that is two edits away at most. */
static const char *suggest(const struct hcl_decoder *d, const struct schema *s,
                           const struct hcl_body *body, struct str name, enum form form)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        bool fits = form == BLOCK ? takes_block(d, f) : takes_argument(d, f, body);

        if (fits && str_distance(name, str_of(f->hcl), 2) <= 2)
            return f->hcl;
    }
    return NULL;
}

static struct str cut(struct str name)
{
    return str_upto(name, 128);
}

static void unknown_argument(struct hcl_decoder *d, const struct schema *s,
                             const struct hcl_body *body, const struct hcl_attr *attr)
{
    const char *near = suggest(d, s, body, attr->name, ARGUMENT), *hint = "";
    struct arena *a = d->diags->arena;
    struct str name = cut(attr->name);

    if (body->loose && d->diags->dialect == HCL2) {
        near = near ? near : suggest(d, s, body, attr->name, BLOCK);
        hcl_decode_diag(d, attr->name_at, "Extraneous JSON object property", NULL,
                        "No argument or block type is named \"%.*s\".%s", STR_ARG(name),
                        near ? arena_printf(a, " Did you mean \"%s\"?", near) : "");
        return;
    }
    if (near)
        hint = arena_printf(a, " Did you mean \"%s\"?", near);
    else if (find(d, s, body, attr->name, BLOCK))
        hint =
            arena_printf(a, " Did you mean to define a block of type \"%.*s\"?", STR_ARG(name));
    hcl_decode_diag(d, attr->name_at, "Unsupported argument",
                    arena_printf(a, "invalid key: %.*s", STR_ARG(name)),
                    "An argument named \"%.*s\" is not expected here.%s", STR_ARG(name), hint);
}

static void unknown_block(struct hcl_decoder *d, const struct schema *s,
                          const struct hcl_body *body, struct str type, struct hcl_range at)
{
    const char *near = suggest(d, s, body, type, BLOCK), *hint = "";
    struct arena *a = d->diags->arena;
    struct str name = cut(type);

    if (near)
        hint = arena_printf(a, " Did you mean \"%s\"?", near);
    else if (find(d, s, body, type, ARGUMENT))
        hint = arena_printf(a,
                            " Did you mean to define argument \"%.*s\"? If so, use the equals "
                            "sign to assign it a value.",
                            STR_ARG(name));
    hcl_decode_diag(d, at, "Unsupported block type",
                    arena_printf(a, "invalid key: %.*s", STR_ARG(name)),
                    "Blocks of type \"%.*s\" are not expected here.%s", STR_ARG(name), hint);
}

static void check_names(struct hcl_decoder *d, const struct schema *s,
                        const struct hcl_body *body)
{
    bool loose = body->loose;

    list_each (&body->items, it) {
        const struct hcl_block *b = it->block;

        if (it->attr) {
            if (!find(d, s, body, it->attr->name, ARGUMENT) &&
                !(loose && find(d, s, body, it->attr->name, BLOCK)))
                unknown_argument(d, s, body, it->attr);
        } else if (hcl_is_dynamic(d, b)) {
            if (!find(d, s, body, b->labels[0].text, BLOCK))
                unknown_block(d, s, body, b->labels[0].text, b->labels[0].at);
        } else if (!find(d, s, body, b->type, BLOCK)) {
            unknown_block(d, s, body, b->type, b->type_at);
        }
    }
}

static bool has_block(const struct hcl_decoder *d, const struct hcl_body *body,
                      const char *type)
{
    list_each (&body->items, it) {
        if (it->block &&
            (str_eqc(it->block->type, type) ||
             (hcl_is_dynamic(d, it->block) && str_eqc(it->block->labels[0].text, type))))
            return true;
    }
    return body->loose && hcl_attr(body, type);
}

static void check_required(struct hcl_decoder *d, const struct schema *s,
                           const struct hcl_body *body)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];

        if (!(f->flags & FIELD_REQUIRED) || !in_hcl(f) || f->flags & FIELD_LABEL)
            continue;
        if (hcl_attr(body, f->hcl) || (takes_block(d, f) && has_block(d, body, f->hcl)))
            continue;
        if (is_nested(f))
            hcl_decode_diag(d, body->end_at,
                            arena_printf(d->diags->arena, "Missing %s block", f->hcl), NULL,
                            "A %s block is required.", f->hcl);
        else
            hcl_decode_diag(d, body->end_at, "Missing required argument", NULL,
                            "The argument \"%s\" is required, but no definition was found.",
                            f->hcl);
    }
}

/*
 * Labels.
 */
static bool is_label(const struct schema_field *owner, size_t i)
{
    return owner->sub->fields[i].flags & FIELD_LABEL || (owner->type == F_MAP && i == 0);
}

/* Names of the labels, "name, kind"; *ret_first is that of label `missing`. */
static size_t label_names(struct arena *a, const struct schema_field *f, size_t missing,
                          const char **ret_all, const char **ret_missing)
{
    size_t n = 0;

    *ret_all = *ret_missing = "";
    for (size_t i = 0; f->sub && i < f->sub->n_fields; i++) {
        const char *name = f->sub->fields[i].hcl;

        if (!is_label(f, i))
            continue;
        name = name ? name : "";
        *ret_all = n ? arena_printf(a, "%s, %s", *ret_all, name) : name;
        if (n == missing)
            *ret_missing = name;
        n++;
    }
    return n;
}

static bool check_labels(struct hcl_decoder *d, const struct schema_field *f,
                         const struct hcl_block *b)
{
    const char *all, *missing;
    size_t n = label_names(d->diags->arena, f, b->n_labels, &all, &missing);

    if (b->n_labels == n)
        return true;
    if (b->n_labels < n)
        hcl_decode_diag(d, b->brace_at,
                        arena_printf(d->diags->arena, "Missing %s for %s", missing, f->hcl),
                        NULL, "All %s blocks must have %zu labels (%s).", f->hcl, n, all);
    else if (n == 0)
        hcl_decode_diag(d, b->labels[0].at,
                        arena_printf(d->diags->arena, "Extraneous label for %s", f->hcl), NULL,
                        "No labels are expected for %s blocks.", f->hcl);
    else
        hcl_decode_diag(d, b->labels[n].at,
                        arena_printf(d->diags->arena, "Extraneous label for %s", f->hcl), NULL,
                        "Only %zu labels (%s) are expected for %s blocks.", n, all, f->hcl);
    return false;
}

static void put_labels(struct hcl_decoder *d, const struct schema_field *f,
                       const struct hcl_instance *in, void *obj)
{
    size_t n = 0;

    for (size_t i = 0; i < f->sub->n_fields && n < in->n_labels; i++) {
        const struct schema_field *label = &f->sub->fields[i];

        if (!is_label(f, i))
            continue;
        if (label->type == F_STR)
            *(const char **)field_at(obj, label) =
                hcl_decode_text(d, label, in->labels[n], in->at);
        n++;
    }
}

/*
 * Blocks.
 */
static void add_block(struct hcl_decoder *d, const struct hcl_block *b,
                      const struct hcl_eval_ctx *ctx, struct hcl_instances *ret)
{
    struct hcl_instance *in = list_add(d->arena, ret);

    *in = (struct hcl_instance){.at = b->open_at, .body = b->body, .ctx = ctx};
    for (size_t i = 0; i < b->n_labels; i++)
        in->labels[in->n_labels++] = b->labels[i].text;
}

static void gather_loose(struct hcl_decoder *d, const struct schema_field *f,
                         const struct hcl_body *body, const struct hcl_eval_ctx *ctx,
                         struct hcl_instances *ret)
{
    struct hcl_blocks blocks = {0};
    const char *all, *first;
    size_t n = label_names(d->diags->arena, f, 0, &all, &first);

    hcl_blocks(body, f->hcl, n, first, d->arena, d->diags, &blocks);
    for (size_t i = 0; i < blocks.len; i++)
        if (check_labels(d, f, blocks.at[i]))
            add_block(d, blocks.at[i], ctx, ret);
}

/* All blocks of the field, in source order. */
static void gather(struct hcl_decoder *d, const struct schema_field *f,
                   const struct hcl_body *body, const struct hcl_eval_ctx *ctx,
                   struct hcl_instances *ret)
{
    const char *all, *missing;

    if (body->loose && !is_free_map(f)) {
        gather_loose(d, f, body, ctx, ret);
        return;
    }
    list_each (&body->items, it) {
        const struct hcl_block *b = it->block;

        if (!b)
            continue;
        if (hcl_is_dynamic(d, b) && str_eqc(b->labels[0].text, f->hcl))
            hcl_unfold_dynamic(d, b, label_names(d->diags->arena, f, 0, &all, &missing), ctx,
                               ret);
        else if (str_eqc(b->type, f->hcl) && check_labels(d, f, b))
            add_block(d, b, ctx, ret);
    }
}

static void decode_item(struct hcl_decoder *d, const struct schema_field *f,
                        const struct hcl_instance *in, void *obj)
{
    put_labels(d, f, in, obj);
    decode_body(d, f->sub, in->body, in->ctx, obj);
}

static void decode_items(struct hcl_decoder *d, const struct schema_field *f,
                         const struct hcl_instances *in, void *at)
{
    struct any_list *list = at;
    size_t max = items_max(f);

    if (in->len == 0)
        return;
    if (in->len > max) {
        hcl_decode_diag(d, in->at[max].at, "Too many blocks", NULL,
                        "No more than %zu %s blocks are allowed.", max, f->hcl);
        return;
    }
    *list = (struct any_list){items_new(d->arena, f->sub, in->len), in->len};
    for (size_t i = 0; i < in->len; i++) {
        void *item = item_at(list, f->sub, i);

        schema_defaults(f->sub, d->arena, item);
        decode_item(d, f, &in->at[i], item);
    }
}

static void duplicate(struct hcl_decoder *d, const struct schema_field *f,
                      const struct hcl_instances *in)
{
    for (size_t i = 1; i < in->len; i++)
        hcl_decode_diag(d, in->at[i].at,
                        arena_printf(d->diags->arena, "Duplicate %s block", f->hcl), NULL,
                        "Only one %s block is allowed. Another was defined at %s.", f->hcl,
                        hcl_range_text(d->diags->arena, in->at[0].at));
}

/* At most one block; HCL1 merges several, a later one on top. */
static void decode_single(struct hcl_decoder *d, const struct schema_field *f,
                          const struct hcl_instances *in, void *at)
{
    size_t n = d->diags->dialect == HCL1 || in->len == 0 ? in->len : 1;
    void *obj = at;

    duplicate(d, f, in->len > n ? in : &(struct hcl_instances){0});
    if (n && f->type == F_OBJ) {
        obj = arena_zalloc(d->arena, f->sub->size);
        schema_defaults(f->sub, d->arena, obj);
        *(void **)at = obj;
    }
    for (size_t i = 0; i < n; i++) {
        if (is_free_map(f))
            hcl_decode_map_block(d, f, &in->at[i], at);
        else
            decode_item(d, f, &in->at[i], obj);
    }
}

static void decode_blocks(struct hcl_decoder *d, const struct schema_field *f,
                          const struct hcl_body *body, const struct hcl_eval_ctx *ctx, void *at)
{
    struct hcl_instances in = {0};

    gather(d, f, body, ctx, &in);
    if (in.len > d->blocks_left) {
        hcl_decode_diag(d, body->at, "Too many blocks", NULL,
                        "Dynamic blocks make more than %d blocks.", HCL_NODES_MAX);
        d->blocks_left = 0;
        return;
    }
    d->blocks_left -= (uint32_t)in.len;
    if (f->type == F_LIST || f->type == F_MAP)
        decode_items(d, f, &in, at);
    else
        decode_single(d, f, &in, at);
}

/* Native syntax names each argument once; HCL1 lets the last one win. */
static void decode_arguments(struct hcl_decoder *d, const struct schema *s,
                             const struct hcl_body *body, const struct hcl_eval_ctx *ctx,
                             void *obj)
{
    list_each (&body->items, it) {
        const struct schema_field *f =
            it->attr ? find(d, s, body, it->attr->name, ARGUMENT) : NULL;

        if (f)
            hcl_decode_value(d, f, it->attr->expr, ctx, field_at(obj, f));
    }
}

static void decode_body(struct hcl_decoder *d, const struct schema *s,
                        const struct hcl_body *body, const struct hcl_eval_ctx *ctx, void *obj)
{
    check_required(d, s, body);
    check_names(d, s, body);
    decode_arguments(d, s, body, ctx, obj);
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];

        if (takes_block(d, f) && has_block(d, body, f->hcl))
            decode_blocks(d, f, body, ctx, field_at(obj, f));
    }
}

void schema_decode_hcl(const struct schema *s, const struct hcl_body *body,
                       const struct hcl_eval_ctx *ctx, struct arena *a, void *obj,
                       struct hcl_diags *d)
{
    struct hcl_decoder dec = {a, d, HCL_NODES_MAX};

    schema_defaults(s, a, obj);
    decode_body(&dec, s, body, ctx, obj);
}
