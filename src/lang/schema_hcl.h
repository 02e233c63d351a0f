/*
 * schema_hcl -- what the files that decode HCL into structs share
 *
 * schema_hcl.c: bodies, blocks, labels. schema_hcl_value.c: what an expression's value becomes.
 * schema_hcl_dynamic.c: `dynamic` blocks.
 */
#ifndef LANG_SCHEMA_HCL_H
#define LANG_SCHEMA_HCL_H

#include "lang/hcl.h"
#include "lang/schema_priv.h"

struct hcl_decoder {
    struct arena *arena;
    struct hcl_diags *diags;
    uint32_t blocks_left; /* of HCL_NODES_MAX: what dynamic blocks may multiply into */
};

/* One block to decode: written in the text, or made by a dynamic block. */
struct hcl_instance {
    struct str labels[HCL_LABELS_MAX];
    size_t n_labels;
    struct hcl_range at; /* for duplicates */
    const struct hcl_body *body;
    const struct hcl_eval_ctx *ctx;
};

struct hcl_instances {
    struct hcl_instance *at;
    size_t len;
};

/* In HCL1 a diagnostic is one text; `legacy` is that text, NULL: the detail. */
void hcl_decode_diag(struct hcl_decoder *d, struct hcl_range at, const char *summary,
                     const char *legacy, const char *fmt, ...) PRINTF_LIKE(5, 6);

void hcl_decode_value(struct hcl_decoder *d, const struct schema_field *f,
                      const struct hcl_expr *x, const struct hcl_eval_ctx *ctx, void *at);
/* The block form of F_STRMAP and F_JSON. */
void hcl_decode_map_block(struct hcl_decoder *d, const struct schema_field *f,
                          const struct hcl_instance *block, void *at);
/* A text that a field takes: no NUL, not too long. NULL: said. */
const char *hcl_decode_text(struct hcl_decoder *d, const struct schema_field *f,
                            struct str text, struct hcl_range at);

/* Adds the instances that the dynamic block makes; `n_labels` each. */
void hcl_unfold_dynamic(struct hcl_decoder *d, const struct hcl_block *dynamic, size_t n_labels,
                        const struct hcl_eval_ctx *ctx, struct hcl_instances *ret);
static inline bool hcl_is_dynamic(const struct hcl_decoder *d, const struct hcl_block *b)
{
    return d->diags->dialect == HCL2 && str_eqc(b->type, "dynamic") && b->n_labels == 1;
}

#endif
