/*
 * hcl -- HashiCorp's configuration language, both generations, one parser
 *
 * HCL2 is what job files are written in; HCL1 is what policies and agent configurations are
 * (bare keys with dots and dashes, `block "a" "b" {}` and `key = {}` alike, repeated keys,
 * comments of all three kinds, no expressions). Both give the same tree: a body of attributes
 * and blocks in source order; an attribute's value is an expression. Text templates ("a ${b}
 * c") stay expressions.
 *
 * Evaluation (hcl_eval) turns an expression into a `struct json` value. With HCL_EVAL_RUNTIME
 * every reference whose root is not known is written back as the text "${source}", as job files
 * need.
 *
 * Memory: the arena's; names and source pieces point into the text, which must outlive the
 * tree. Errors: collected in `struct hcl_diags`; the *texts* are those users know from Nomad
 * (HCL2: "file:line,col-col: Summary; Detail") and Vault (HCL1: "At 1:15: expected '/' for
 * comment"). Limits: HCL_*_MAX below.
 */
#ifndef LANG_HCL_H
#define LANG_HCL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "lang/json.h"

struct err;

enum {
    HCL_TEXT_MAX = 4 << 20, /* bytes of one file */
    HCL_DEPTH_MAX = 64,     /* blocks and expressions within each other */
    HCL_NODES_MAX = 200000, /* a block counts four times */
    HCL_DIAGS_MAX = 50,
    HCL_LABELS_MAX = 8,
    HCL_EVAL_STEPS_MAX = 1000000,
    HCL_EVAL_BYTES_MAX = 16 << 20,
};

enum hcl_dialect { HCL1, HCL2 };

struct hcl_pos {
    uint32_t line, col; /* from 1; col counts characters (HCL2) */
    uint32_t byte;      /* from 0 */
};

struct hcl_range {
    const char *file;
    struct hcl_pos start, end; /* end is after the last character */
};

struct hcl_diag {
    struct hcl_range at;
    const char *summary, *detail; /* detail may be "" */
};

struct hcl_diags {
    struct arena *arena;
    enum hcl_dialect dialect;
    bool syntax; /* set when parsing failed: the text is then the first one and a count */
    const char *prefix; /* put in front of the text; NULL: nothing */
    LIST(struct hcl_diag) list;
};

void hcl_diag_add(struct hcl_diags *d, struct hcl_range at, const char *summary,
                  const char *detail_fmt, ...) PRINTF_LIKE(4, 5);
/* "job.hcl:1,5-9: Summary; Detail", several joined by newlines, but of syntax errors "first,
 * and N other diagnostic(s)"; a range without a file is "<nil>". HCL1: "At 1:15: text" (first
 * only).
 */
char *hcl_range_text(struct arena *a, struct hcl_range r); /* "job.hcl:1,5-9" */
char *hcl_diags_text(struct arena *a, const struct hcl_diags *d);
int hcl_diags_to_err(const struct hcl_diags *d,
                     struct err *e); /* ERR_INVALID, or 0 when empty */

enum hcl_expr_kind {
    HCL_LITERAL,  /* null, bool, number, plain string: .value */
    HCL_TEMPLATE, /* parts joined: strings, interpolations, directives */
    HCL_TUPLE,    /* [a, b] : items */
    HCL_OBJECT,   /* {k = v} : keys[i], items[i] */
    HCL_VARIABLE, /* a name: .name */
    HCL_ATTR,     /* items[0] . name */
    HCL_INDEX,    /* items[0] [ items[1] ] */
    HCL_SPLAT, /* items[0] .* or [*], then items[1] with the each-value as its root (HCL_EACH)
                */
    HCL_EACH,
    HCL_CALL,   /* name(items...), expand: last argument had "..." */
    HCL_UNARY,  /* op items[0]; op '-' or '!' */
    HCL_BINARY, /* items[0] op items[1] */
    HCL_COND,   /* items[0] ? items[1] : items[2] */
    HCL_FOR,    /* see .for_ */
    HCL_PAREN,  /* (items[0]) */
    HCL_IF,     /* template directive: %{if items[0]} items[1] %{else} items[2] */
};

struct hcl_expr;

struct hcl_for {
    struct str key_var, val_var; /* key_var empty: none */
    struct hcl_expr *in, *key, *val,
        *cond;     /* key NULL: a list (or a template's for); cond NULL: none */
    bool group;    /* val... */
    bool template; /* %{for} : results are joined as text */
};

struct hcl_expr {
    enum hcl_expr_kind kind;
    struct hcl_range at;
    struct hcl_range start_at; /* what to point at when the value has the wrong type */
    struct hcl_range name_at;  /* HCL_CALL: its name; HCL_ATTR, HCL_INDEX: the last step */
    struct str source;         /* exactly as written (for a template part: without ${ }) */
    struct str name;
    char op[3];
    bool expand, heredoc;
    struct json *value;
    struct hcl_expr **items, **keys;
    size_t n_items;
    struct hcl_for *for_;
    struct hcl_body *body; /* HCL_OBJECT of HCL1 and of JSON syntax: the same as a body */
};

struct hcl_attr {
    struct str name;
    struct hcl_range name_at, at;
    struct hcl_expr *expr;
};

struct hcl_label {
    struct str text;
    struct hcl_range at;
    bool quoted;
};

struct hcl_block {
    struct str type;
    struct hcl_label labels[HCL_LABELS_MAX];
    size_t n_labels;
    struct hcl_range type_at, open_at, at; /* open_at: type and labels, without the brace */
    struct hcl_range brace_at;             /* the opening brace: where a label is missing */
    struct hcl_body *body;
};

/* Source order across attributes and blocks. */
struct hcl_item {
    struct hcl_attr *attr; /* exactly one of the two */
    struct hcl_block *block;
};

struct hcl_body {
    LIST(struct hcl_item) items;
    struct hcl_range at; /* for a block: what stands between the braces */
    struct hcl_range
        end_at; /* where a missing item is reported: no width, before the opening brace */
    bool loose; /* of HCL1 or JSON syntax: blocks may stand as attributes, see hcl_blocks */
};

/* On failure (diagnostics in d) *ret is what could be read, possibly NULL. Returns 0 or
 * ERR_INVALID / ERR_TOOBIG. A text whose first character is '{' is read as JSON syntax of the
 * same tree. */
int hcl_parse(struct str text, const char *file, enum hcl_dialect dialect, struct arena *a,
              struct hcl_body **ret, struct hcl_diags *d);

/* First attribute of that name, NULL: none. */
const struct hcl_attr *hcl_attr(const struct hcl_body *b, const char *name);
/* for (size_t i = 0; (blk = hcl_next_block(body, "task", &i));) */
const struct hcl_block *hcl_next_block(const struct hcl_body *b, const char *type, size_t *i);

/*
 * All blocks of one type with `n_labels` labels each, in source order. Where labels are written
 * as nested objects they are unfolded: JSON syntax of either dialect ({"path": {"a": {...}}}, a
 * list of objects for several), and HCL1's `path = {}` and `path { "a" {} }`. `label_name` is
 * how errors call the first label ("name"). HCL2 native blocks are returned as they are,
 * whatever their labels.
 */
struct hcl_blocks {
    const struct hcl_block **at;
    size_t len;
};
void hcl_blocks(const struct hcl_body *b, const char *type, size_t n_labels,
                const char *label_name, struct arena *a, struct hcl_diags *d,
                struct hcl_blocks *ret);

/*
 * Evaluation. A value is a `struct json`; its `kind` says what JSON has no word for: [1] and
 * {a = 1} as written are a tuple and an object (HCL_AS_WRITTEN), conversions make the others.
 */
enum hcl_kind { HCL_AS_WRITTEN, HCL_IS_LIST, HCL_IS_SET, HCL_IS_MAP };

struct hcl_function;
struct hcl_ev;

/* One call of a function: its arguments are there, in the number and types that its row asks
 * for. */
struct hcl_func_call {
    const struct hcl_function *fn;
    const struct hcl_eval_ctx *ctx;
    struct arena *arena;
    const struct json *const *args;
    size_t n_args;
    const struct hcl_expr *expr;
    struct hcl_diags *diags;
    struct hcl_ev *ev; /* the budget */
};

/* A function of the language: NULL when it failed (and said so in diags). */
typedef struct json *hcl_func(const struct hcl_func_call *c);

enum hcl_eval_flags { HCL_EVAL_RUNTIME = 1 << 0 };

struct hcl_budget {
    uint32_t steps_left;
    size_t bytes_left;
};

struct hcl_eval_ctx {
    const struct hcl_eval_ctx *parent; /* scopes: for and dynamic iterators */
    struct json *vars;                 /* object: root name -> value; NULL: none */
    const struct map *funcs; /* name -> struct hcl_function *, see hcl_funcs.h; NULL: none */
    unsigned flags;
    struct hcl_budget *budget; /* shared by all scopes; NULL: the maxima */
};

/* NULL when it failed (said in d). Numbers are exact text; "${x}" alone keeps x's type. */
struct json *hcl_eval(const struct hcl_expr *x, const struct hcl_eval_ctx *ctx, struct arena *a,
                      struct hcl_diags *d);
/* The language's conversions. NULL: not convertible. Null stays null. Numbers come in canonical
 * text ("5.50" is "5.5", "1e3" is "1000"). */
struct json *hcl_to_string(const struct json *v, struct arena *a);
struct json *hcl_to_number(const struct json *v, struct arena *a);
struct json *hcl_to_bool(const struct json *v, struct arena *a);
/* What the language calls a value's type: "string", "tuple", "list of string", ... */
const char *hcl_type_name(const struct json *v);
/* A body as plain JSON: attributes evaluated, blocks as {type: [{label: [{...}]}]} (HCL1's
 * decoding). */
struct json *hcl_body_to_json(const struct hcl_body *b, const struct hcl_eval_ctx *ctx,
                              struct arena *a, struct hcl_diags *d);

#endif
