#include <stdlib.h>

#include "base/err.h"
#include "lang/hcl_funcs.h"
#include "lang/hcl_priv.h"

struct json *hcl_new_value(struct arena *a, struct json v)
{
    struct json *r = arena_new_of(a, struct json);

    *r = v;
    return r;
}

struct json *hcl_to_string(const struct json *v, struct arena *a)
{
    struct str text;

    switch (v->type) {
    case JSON_NULL:
        return hcl_new_value(a, *v);
    case JSON_STRING:
        return hcl_new_value(a, *v);
    case JSON_BOOL:
        return hcl_new_value(a, json_of_str(v->b ? STR("true") : STR("false")));
    case JSON_NUMBER:
        if (hcl_num_parse(v->text, a, &text) != HCL_NUM_OK)
            text = v->text;
        return hcl_new_value(a, json_of_str(text));
    default:
        return NULL;
    }
}

struct json *hcl_to_number(const struct json *v, struct arena *a)
{
    struct json n = {.type = JSON_NUMBER};

    if (v->type == JSON_NULL)
        return hcl_new_value(a, *v);
    if (v->type != JSON_NUMBER && v->type != JSON_STRING)
        return NULL;
    if (hcl_num_parse(v->text, a, &n.text) != HCL_NUM_OK)
        return NULL;
    return hcl_new_value(a, n);
}

struct json *hcl_to_bool(const struct json *v, struct arena *a)
{
    if (v->type == JSON_NULL || v->type == JSON_BOOL)
        return hcl_new_value(a, *v);
    if (v->type != JSON_STRING)
        return NULL;
    if (str_eqc(v->text, "true") || str_eqc(v->text, "1"))
        return hcl_new_value(a, json_of_bool(true));
    if (str_eqc(v->text, "false") || str_eqc(v->text, "0"))
        return hcl_new_value(a, json_of_bool(false));
    return NULL;
}

const char *hcl_type_name(const struct json *v)
{
#define NAMES(of)                                                                            \
    {                                                                                        \
        [JSON_NULL] = of "dynamic", [JSON_BOOL] = of "bool", [JSON_NUMBER] = of "number",    \
        [JSON_STRING] = of "string", [JSON_ARRAY] = of "tuple", [JSON_OBJECT] = of "object", \
    }
    static const char *const names[][JSON_OBJECT + 1] = {
        [HCL_AS_WRITTEN] = NAMES(""),
        [HCL_IS_LIST] = NAMES("list of "),
        [HCL_IS_SET] = NAMES("set of "),
        [HCL_IS_MAP] = NAMES("map of "),
    };
#undef NAMES
    enum json_type t = v->type;

    if (v->kind != HCL_AS_WRITTEN && v->len == 0)
        t = JSON_NULL;
    else if (v->kind == HCL_IS_MAP)
        t = v->members[0].value.type;
    else if (v->kind != HCL_AS_WRITTEN)
        t = v->items[0].type;
    return names[v->kind][t];
}

bool hcl_values_equal(const struct json *x, const struct json *y)
{
    if (x->type == JSON_NUMBER && y->type == JSON_NUMBER)
        return hcl_num_cmp(x->text, y->text) == 0;
    return json_eq(x, y);
}

static int cmp_members(const void *a, const void *b)
{
    const struct json_member *x = a, *y = b;

    return str_cmp(x->key, y->key);
}

/* Merge sort keeps equal keys in their order, which qsort does not promise. */
static void merge_sort(struct json_member *at, struct json_member *spare, size_t n)
{
    size_t half = n / 2, i = 0, k = half, out = 0;

    if (n < 2)
        return;
    merge_sort(at, spare, half);
    merge_sort(at + half, spare, n - half);
    memcpy(spare, at, n * sizeof *at);
    while (i < half && k < n)
        at[out++] = cmp_members(&spare[k], &spare[i]) < 0 ? spare[k++] : spare[i++];
    while (i < half)
        at[out++] = spare[i++];
    while (k < n)
        at[out++] = spare[k++];
}

void hcl_sort_members(struct json_member *at, uint32_t *len)
{
    auto_free struct json_member *spare = NULL;
    uint32_t n = 0;

    if (*len < 2)
        return;
    spare = malloc(*len * sizeof *spare);
    if (!spare)
        abort();
    merge_sort(at, spare, *len);
    for (uint32_t i = 0; i < *len; i++) {
        if (n > 0 && str_eq(at[n - 1].key, at[i].key))
            n--;
        at[n++] = at[i];
    }
    *len = n;
}

/*
 * Lists and sets
 */

int hcl_values_cmp(const struct json *x, const struct json *y)
{
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    if (x->type == JSON_STRING)
        return str_cmp(x->text, y->text);
    if (x->type == JSON_NUMBER)
        return hcl_num_cmp(x->text, y->text);
    if (x->type == JSON_BOOL)
        return (int)x->b - (int)y->b;
    for (uint32_t i = 0; x->type >= JSON_ARRAY && i < x->len && i < y->len; i++) {
        bool list = x->type == JSON_ARRAY;
        int c = list ? 0 : str_cmp(x->members[i].key, y->members[i].key);

        if (c == 0)
            c = list ? hcl_values_cmp(&x->items[i], &y->items[i])
                     : hcl_values_cmp(&x->members[i].value, &y->members[i].value);
        if (c != 0)
            return c;
    }
    return x->type < JSON_ARRAY ? 0 : (x->len > y->len) - (x->len < y->len);
}

static int cmp_items(const void *x, const void *y)
{
    return hcl_values_cmp(x, y);
}

void hcl_make_set(struct json *v)
{
    uint32_t n = 0;

    if (v->len > 1)
        qsort(v->items, v->len, sizeof *v->items, cmp_items);
    for (uint32_t i = 0; i < v->len; i++)
        if (n == 0 || hcl_values_cmp(&v->items[n - 1], &v->items[i]) != 0)
            v->items[n++] = v->items[i];
    v->len = n;
    v->kind = HCL_IS_SET;
}

/* The type that all items can have: of different primitive ones it is text. False: none. */
static bool common_type(const struct json *v, enum json_type *ret)
{
    bool text = false;

    *ret = JSON_NULL;
    for (uint32_t i = 0; i < v->len; i++) {
        enum json_type t = v->items[i].type;

        text = text || t == JSON_STRING;
        if (t == JSON_NULL || t == *ret)
            continue;
        if (*ret == JSON_NULL)
            *ret = t;
        else if (t > JSON_STRING || *ret > JSON_STRING)
            return false;
        else
            *ret = JSON_ARRAY; /* mixed */
    }
    if (*ret != JSON_ARRAY || v->len == 0 || v->items[0].type == JSON_ARRAY)
        return true;
    *ret = JSON_STRING;
    return text;
}

struct json *hcl_to_list(const struct json *v, enum hcl_want want, struct arena *a,
                         const char **ret_why)
{
    struct json r = {.type = JSON_ARRAY, .kind = want == HCL_SET ? HCL_IS_SET : HCL_IS_LIST};
    enum json_type type = JSON_STRING;

    *ret_why = want == HCL_SET           ? "set of any single type required"
               : want == HCL_LIST_STRING ? "list of string required"
                                         : "list of any single type required";
    if (v->type == JSON_NULL)
        return hcl_new_value(a, *v);
    if (v->type != JSON_ARRAY || (want != HCL_LIST_STRING && !common_type(v, &type)))
        return NULL;
    r.items = arena_array(a, struct json, v->len + 1);
    for (; r.len < v->len; r.len++) {
        const struct json *item = &v->items[r.len];

        if (type == JSON_STRING)
            item = hcl_to_string(item, a);
        if (!item) {
            *ret_why = arena_printf(a, "element %u: string required", r.len);
            return NULL;
        }
        r.items[r.len] = *item;
    }
    if (want == HCL_SET)
        hcl_make_set(&r);
    return hcl_new_value(a, r);
}
