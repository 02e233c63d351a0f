/*
 * hcl_funcs -- the functions of the configuration language
 *
 * A function is a row: its name, its parameters with their types, the C function. Number and
 * types of the arguments are checked before it is called, so it sees only what its row allows.
 * Tables are put together by who evaluates: hcl_funcs_add for everything that needs nothing but
 * its arguments, and rows of its own for what needs a hash, a random number or a file.
 *
 * What a function may cost: its arguments and its result are paid for by the evaluation. One
 * that makes more than it was given (format, setproduct, replace ...) asks with hcl_call_spend
 * *before* it does.
 *
 * Thread: any. Memory: the call's arena. Errors: said in the call's diagnostics, with the texts
 * users know; then the function returns NULL.
 */
#ifndef LANG_HCL_FUNCS_H
#define LANG_HCL_FUNCS_H

#include "lang/hcl.h"

enum hcl_want {
    HCL_ANY,
    HCL_STRING,
    HCL_NUMBER,
    HCL_BOOL,
    HCL_LIST, /* items of one type, whichever */
    HCL_LIST_STRING,
    HCL_SET,
};

struct hcl_param {
    const char *name; /* as errors call it */
    enum hcl_want want;
    bool null; /* null may be given */
};

enum { HCL_PARAMS_MAX = 4 };

struct hcl_function {
    const char *name;
    hcl_func *fn;
    struct hcl_param params[HCL_PARAMS_MAX];
    struct hcl_param rest; /* of any further arguments; without a name: there are none */
    bool raw;              /* takes expressions: n_args is 0, see expr */
};

/* The library: name -> struct hcl_function *. The map is the caller's to end (map_done). */
void hcl_funcs_add(struct map *funcs);
void hcl_funcs_add_rows(struct map *funcs, const struct hcl_function *rows, size_t n);

/* Report and return NULL. `Error in function call; Call to function "f" failed: ....` */
struct json *hcl_call_failed(const struct hcl_func_call *c, const char *fmt, ...)
    PRINTF_LIKE(2, 3);
/* `Invalid function argument; Invalid value for "param" parameter: ....` */
struct json *hcl_arg_invalid(const struct hcl_func_call *c, size_t arg, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* False: the budget is gone (said). */
bool hcl_call_spend(const struct hcl_func_call *c, size_t steps, size_t bytes);
/* The text as a value; NULL if it is too large (said). */
struct json *hcl_call_text(const struct hcl_func_call *c, const struct buf *b);
/* For `raw` functions: the value of an argument; NULL: said. */
const struct json *hcl_call_eval(const struct hcl_func_call *c, size_t arg);
/* A whole number that fits; false: said. */
bool hcl_call_i64(const struct hcl_func_call *c, size_t arg, int64_t *ret);

/* Results. */
struct json *hcl_result(const struct hcl_func_call *c, struct json v);
struct json *hcl_result_number(const struct hcl_func_call *c, struct str text);
struct json *hcl_result_i64(const struct hcl_func_call *c, int64_t v);
struct json *hcl_result_double(const struct hcl_func_call *c, double v); /* shortest text */
struct json *hcl_result_list(const struct hcl_func_call *c, enum hcl_kind kind, size_t room);

/* Items converted to the one type they have in common; *ret_why: what is required. */
struct json *hcl_to_list(const struct json *v, enum hcl_want want, struct arena *a,
                         const char **ret_why);
/* Sorted, nothing twice; becomes HCL_IS_SET. */
void hcl_make_set(struct json *v);
/* Sort members by key, as every object of the language has them; of equal keys the last one
 * stays, as later assignments win. */
void hcl_sort_members(struct json_member *at, uint32_t *len);

#endif
