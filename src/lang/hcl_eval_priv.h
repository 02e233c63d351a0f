/*
 * hcl_eval_priv -- what the files of the evaluation share
 *
 * hcl_eval.c walks the tree and keeps the budget, hcl_eval_coll.c makes lists and objects,
 * hcl_eval_ops.c computes, hcl_call.c calls functions, hcl_func_*.c are they. Each returns NULL
 * when it failed and has said so.
 */
#ifndef LANG_HCL_EVAL_PRIV_H
#define LANG_HCL_EVAL_PRIV_H

#include "base/buf.h"
#include "lang/hcl_priv.h"

struct hcl_ev {
    struct arena *arena;
    struct hcl_diags *diags;
    struct hcl_budget *budget;
    struct json *each; /* HCL_EACH */
    bool spent;
};

struct json *hcl_ev_eval(struct hcl_ev *ev, const struct hcl_expr *x,
                         const struct hcl_eval_ctx *ctx);
/* False: the budget is gone (said, with the expression's name). */
bool hcl_ev_spend(struct hcl_ev *ev, const struct hcl_expr *x, size_t steps, size_t bytes);
/* `v` is about to become part of a new value. */
bool hcl_ev_pay(struct hcl_ev *ev, const struct hcl_expr *x, const struct json *v);
struct json *hcl_ev_text(struct hcl_ev *ev, const struct hcl_expr *x, const struct buf *b);
/* A template's part as text; false: it is none (said). */
bool hcl_ev_append(struct hcl_ev *ev, struct buf *b, const struct hcl_expr *part,
                   const struct json *v);
int hcl_ev_condition(struct hcl_ev *ev, const struct hcl_expr *cond,
                     const struct hcl_eval_ctx *ctx); /* 0, 1; -1: said */

#define HCL_EVAL_FN(name)                                          \
    struct json *name(struct hcl_ev *ev, const struct hcl_expr *x, \
                      const struct hcl_eval_ctx *ctx)
HCL_EVAL_FN(hcl_eval_tuple);
HCL_EVAL_FN(hcl_eval_object);
HCL_EVAL_FN(hcl_eval_splat);
HCL_EVAL_FN(hcl_eval_for);
HCL_EVAL_FN(hcl_eval_cond);
HCL_EVAL_FN(hcl_eval_branch);
HCL_EVAL_FN(hcl_eval_binary);
HCL_EVAL_FN(hcl_eval_unary);
HCL_EVAL_FN(hcl_eval_call);
#undef HCL_EVAL_FN

/* The families of functions: each adds its rows. */
void hcl_funcs_numbers(struct map *funcs);
void hcl_funcs_texts(struct map *funcs);
void hcl_funcs_format(struct map *funcs);
void hcl_funcs_lists(struct map *funcs);
void hcl_funcs_maps(struct map *funcs);
void hcl_funcs_codecs(struct map *funcs);
void hcl_funcs_yaml(struct map *funcs);
void hcl_funcs_times(struct map *funcs);
void hcl_funcs_ip(struct map *funcs);

#endif
