#include <stdlib.h>

#include "base/err.h"
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
    static const char *const names[] = {
        [JSON_NULL] = "dynamic",  [JSON_BOOL] = "bool",   [JSON_NUMBER] = "number",
        [JSON_STRING] = "string", [JSON_ARRAY] = "tuple", [JSON_OBJECT] = "object",
    };

    return names[v->type];
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
