/* Functions of lists, tuples and sets. */
#include <stdlib.h>

#include "base/err.h"
#include "lang/hcl_eval_priv.h"
#include "lang/hcl_funcs.h"

enum { RANGE_MAX = 1024 };

static struct json *list_of(const struct hcl_func_call *c, enum hcl_kind kind,
                            const struct json *items, uint32_t n)
{
    struct json *r = hcl_result_list(c, kind, n);

    for (; r->len < n; r->len++)
        r->items[r->len] = items[r->len];
    return r;
}

static struct json *no_arguments(const struct hcl_func_call *c)
{
    return hcl_call_failed(c, "at least one argument is required");
}

/* A tuple stays one only if everything in it is. */
static enum hcl_kind kind_of_all(const struct hcl_func_call *c)
{
    for (size_t i = 0; i < c->n_args; i++)
        if (c->args[i]->kind == HCL_AS_WRITTEN)
            return HCL_AS_WRITTEN;
    return HCL_IS_LIST;
}

static struct json *fn_chunklist(const struct hcl_func_call *c)
{
    const struct json *list = c->args[0];
    struct json *r;
    int64_t size;

    if (!hcl_call_i64(c, 1, &size))
        return NULL;
    if (size < 0)
        return hcl_arg_invalid(c, 1, "the size argument must be positive");
    if (size == 0)
        size = list->len;
    r = hcl_result_list(c, HCL_IS_LIST, list->len);
    for (uint32_t at = 0; at < list->len; at += (uint32_t)size) {
        uint32_t n = list->len - at < size ? list->len - at : (uint32_t)size;

        r->items[r->len++] = *list_of(c, HCL_IS_LIST, list->items + at, n);
    }
    return r;
}

static struct json *fn_coalescelist(const struct hcl_func_call *c)
{
    if (c->n_args == 0)
        return no_arguments(c);
    for (size_t i = 0; i < c->n_args; i++) {
        if (c->args[i]->type != JSON_NULL && c->args[i]->type != JSON_ARRAY)
            return hcl_arg_invalid(c, i, "coalescelist arguments must be lists or tuples");
        if (c->args[i]->type == JSON_ARRAY && c->args[i]->len > 0)
            return hcl_result(c, *c->args[i]);
    }
    return hcl_call_failed(c, "no non-null arguments");
}

static struct json *fn_compact(const struct hcl_func_call *c)
{
    struct json *r = hcl_result_list(c, HCL_IS_LIST, c->args[0]->len);

    for (uint32_t i = 0; i < c->args[0]->len; i++) {
        const struct json *item = &c->args[0]->items[i];

        if (item->type != JSON_NULL && item->text.len > 0)
            r->items[r->len++] = *item;
    }
    return r;
}

static struct json *fn_concat(const struct hcl_func_call *c)
{
    struct json *r;
    size_t n = 0;

    if (c->n_args == 0)
        return no_arguments(c);
    for (size_t i = 0; i < c->n_args; i++) {
        if (c->args[i]->type != JSON_ARRAY)
            return hcl_arg_invalid(c, i, "all arguments must be lists or tuples; got %s",
                                   hcl_type_name(c->args[i]));
        n += c->args[i]->len;
    }
    if (!hcl_call_spend(c, n, n * sizeof(struct json)))
        return NULL;
    r = hcl_result_list(c, kind_of_all(c), n);
    for (size_t i = 0; i < c->n_args; i++)
        for (uint32_t k = 0; k < c->args[i]->len; k++)
            r->items[r->len++] = c->args[i]->items[k];
    return r;
}

static struct json *fn_contains(const struct hcl_func_call *c)
{
    const struct json *list = c->args[0];

    if (list->type != JSON_ARRAY)
        return hcl_arg_invalid(c, 0, "argument must be list, tuple, or set");
    for (uint32_t i = 0; i < list->len; i++)
        if (list->items[i].type == c->args[1]->type &&
            hcl_values_equal(&list->items[i], c->args[1]))
            return hcl_result(c, json_of_bool(true));
    return hcl_result(c, json_of_bool(false));
}

/* In the order of first appearance: what the sorted copy has once. */
static struct json *fn_distinct(const struct hcl_func_call *c)
{
    struct json *r = hcl_result_list(c, HCL_IS_LIST, c->args[0]->len);
    struct map seen = MAP_INIT;
    auto_buf struct buf key = BUF_INIT(HCL_EVAL_BYTES_MAX);

    for (uint32_t i = 0; i < c->args[0]->len; i++) {
        const struct json *item = &c->args[0]->items[i];

        buf_reset(&key);
        hcl_put_json(&key, item, c->arena);
        if (!buf_ok(&key) || map_put(&seen, arena_str(c->arena, buf_str(&key)), r))
            continue;
        r->items[r->len++] = *item;
    }
    map_done(&seen);
    return r;
}

static struct json *fn_element(const struct hcl_func_call *c)
{
    const struct json *list = c->args[0];
    int64_t i;

    if (list->type != JSON_ARRAY || list->kind == HCL_IS_SET)
        return hcl_arg_invalid(c, 0, "cannot read elements from %s", hcl_type_name(list));
    if (!hcl_call_i64(c, 1, &i))
        return NULL;
    if (i < 0)
        return hcl_call_failed(c, "cannot use element function with a negative index");
    if (list->len == 0)
        return hcl_call_failed(c, "cannot use element function with an empty list");
    return hcl_result(c, list->items[i % list->len]);
}

/* Depth-first, as deep as the value is (which evaluation bounds). */
static void flatten(struct arena *a, const struct json *v, struct json *r, size_t *room)
{
    for (uint32_t i = 0; i < v->len; i++) {
        if (v->items[i].type == JSON_ARRAY) {
            flatten(a, &v->items[i], r, room);
            continue;
        }
        if (r->len == *room) {
            struct json *more = arena_array(a, struct json, *room * 2);

            memcpy(more, r->items, r->len * sizeof *more);
            r->items = more;
            *room *= 2;
        }
        r->items[r->len++] = v->items[i];
    }
}

static struct json *fn_flatten(const struct hcl_func_call *c)
{
    size_t room = 16;
    struct json *r = hcl_result_list(c, HCL_AS_WRITTEN, room);

    if (c->args[0]->type != JSON_ARRAY)
        return hcl_call_failed(c, "can only flatten lists, sets and tuples");
    flatten(c->arena, c->args[0], r, &room);
    return r;
}

static struct json *fn_length(const struct hcl_func_call *c)
{
    const struct json *v = c->args[0];

    if (v->type != JSON_ARRAY && v->kind != HCL_IS_MAP)
        return hcl_call_failed(c, "collection must be a list, a map or a tuple");
    return hcl_result_i64(c, v->len);
}

static struct json *index_map(const struct hcl_func_call *c)
{
    const struct json *map = c->args[0], *key = c->args[1];

    if (key->type != JSON_STRING)
        return hcl_call_failed(c, "key for map must be string");
    for (uint32_t i = 0; i < map->len; i++)
        if (str_eq(map->members[i].key, key->text))
            return hcl_result(c, map->members[i].value);
    return hcl_call_failed(c, "invalid index");
}

static struct json *fn_index(const struct hcl_func_call *c)
{
    const struct json *of = c->args[0];
    bool tuple = of->kind == HCL_AS_WRITTEN;
    int64_t i;

    if (of->type == JSON_OBJECT && of->kind == HCL_IS_MAP)
        return index_map(c);
    if (of->type != JSON_ARRAY || of->kind == HCL_IS_SET)
        return hcl_call_failed(c, "collection must be a list, a map or a tuple");
    if (c->args[1]->type != JSON_NUMBER)
        return hcl_call_failed(c, "key for %s must be number", tuple ? "tuple" : "list");
    if (str_to_i64(c->args[1]->text, 10, &i) && i >= 0 && i < of->len)
        return hcl_result(c, of->items[i]);
    if (tuple)
        return hcl_call_failed(c, "key must be between 0 and %u inclusive", of->len);
    return hcl_call_failed(c, "invalid index");
}

/* The numbers of range: start, end and step as they are meant. False: said. */
static bool range_bounds(const struct hcl_func_call *c, struct str *start, struct str *end,
                         struct str *step)
{
    bool down;

    if (c->n_args == 0 || c->n_args > 3) {
        hcl_call_failed(c, "must have one, two, or three arguments");
        return false;
    }
    *start = c->n_args > 1 ? c->args[0]->text : STR("0");
    *end = c->args[c->n_args > 1]->text;
    *step = hcl_num_cmp(*end, *start) < 0 ? STR("-1") : STR("1");
    if (c->n_args < 3)
        return true;
    *step = c->args[2]->text;
    down = hcl_num_cmp(*step, STR("0")) < 0;
    if (hcl_num_cmp(*step, STR("0")) == 0)
        hcl_arg_invalid(c, 2, "step must not be zero");
    else if (down && hcl_num_cmp(*end, *start) > 0)
        hcl_arg_invalid(c, 1, "end must be less than start when step is negative");
    else if (!down && hcl_num_cmp(*end, *start) < 0)
        hcl_arg_invalid(c, 1, "end must be greater than start when step is positive");
    else
        return true;
    return false;
}

static struct json *fn_range(const struct hcl_func_call *c)
{
    struct json *r = hcl_result_list(c, HCL_IS_LIST, RANGE_MAX);
    struct str at, end, step;
    int toward;

    if (!range_bounds(c, &at, &end, &step))
        return NULL;
    toward = hcl_num_cmp(step, STR("0"));
    while (hcl_num_cmp(at, end) == -toward) {
        if (r->len == RANGE_MAX)
            return hcl_call_failed(c,
                                   "more than %d values were generated; either decrease the "
                                   "difference between start and end or use a smaller step",
                                   RANGE_MAX);
        r->items[r->len++] = (struct json){.type = JSON_NUMBER, .text = at};
        if (!hcl_call_spend(c, 1 + at.len / 8, at.len + step.len) ||
            hcl_num_op('+', at, step, c->arena, &at) != HCL_NUM_OK)
            return NULL;
    }
    return r;
}

static struct json *fn_slice(const struct hcl_func_call *c)
{
    const struct json *list = c->args[0];
    int64_t start, end;

    if (list->type != JSON_ARRAY || list->kind == HCL_IS_SET)
        return hcl_arg_invalid(c, 0, "cannot slice a %s", hcl_type_name(list));
    if (!hcl_call_i64(c, 1, &start) || !hcl_call_i64(c, 2, &end))
        return NULL;
    if (start < 0)
        return hcl_arg_invalid(c, 1, "start index must not be less than zero");
    if (start > list->len)
        return hcl_arg_invalid(c, 1,
                               "start index must not be greater than the length of the list");
    if (end < 0)
        return hcl_arg_invalid(c, 2, "end index must not be less than zero");
    if (end > list->len)
        return hcl_arg_invalid(c, 2,
                               "end index must not be greater than the length of the list");
    if (start > end)
        return hcl_arg_invalid(c, 1, "start index must not be greater than end index");
    return list_of(c, list->kind, list->items + start, (uint32_t)(end - start));
}

/*
 * Sets
 */

static bool set_has(const struct json *sorted, const struct json *item)
{
    uint32_t lo = 0, hi = sorted->len;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int cmp = hcl_values_cmp(&sorted->items[mid], item);

        if (cmp == 0)
            return true;
        if (cmp < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

static struct json *fn_setintersection(const struct hcl_func_call *c)
{
    struct json *r = hcl_result_list(c, HCL_IS_SET, c->args[0]->len);

    for (uint32_t i = 0; i < c->args[0]->len; i++) {
        bool everywhere = true;

        for (size_t k = 1; k < c->n_args && everywhere; k++)
            everywhere = set_has(c->args[k], &c->args[0]->items[i]);
        if (everywhere)
            r->items[r->len++] = c->args[0]->items[i];
    }
    return r;
}

static struct json *fn_setunion(const struct hcl_func_call *c)
{
    struct json all = {.type = JSON_ARRAY};
    const char *why;
    struct json *set;
    size_t n = 0;

    for (size_t i = 0; i < c->n_args; i++)
        n += c->args[i]->len;
    if (!hcl_call_spend(c, n, n * sizeof(struct json)))
        return NULL;
    all.items = arena_array(c->arena, struct json, n + 1);
    for (size_t i = 0; i < c->n_args; i++)
        for (uint32_t k = 0; k < c->args[i]->len; k++)
            all.items[all.len++] = c->args[i]->items[k];
    set = hcl_to_list(&all, HCL_SET, c->arena, &why);
    return set ? set : hcl_call_failed(c, "given sets must all have compatible element types");
}

static struct json *fn_setproduct(const struct hcl_func_call *c)
{
    struct json *r;
    size_t n = 1;

    if (c->n_args < 2)
        return hcl_call_failed(c, "at least two arguments are required");
    for (size_t i = 0; i < c->n_args; i++) {
        if (c->args[i]->type != JSON_ARRAY)
            return hcl_arg_invalid(c, i, "a set or a list is required");
        if (__builtin_mul_overflow(n, c->args[i]->len, &n))
            n = SIZE_MAX / 2;
    }
    if (n > HCL_EVAL_STEPS_MAX ||
        !hcl_call_spend(c, n * (c->n_args + 1), n * (c->n_args + 1) * sizeof(struct json))) {
        hcl_call_spend(c, SIZE_MAX, 0);
        return NULL;
    }
    r = hcl_result_list(c, HCL_IS_LIST, n);
    for (; r->len < n; r->len++) {
        struct json *row = hcl_result_list(c, HCL_AS_WRITTEN, c->n_args);
        size_t rest = r->len;

        row->len = (uint32_t)c->n_args;
        for (size_t i = c->n_args; i-- > 0; rest /= c->args[i]->len)
            row->items[i] = c->args[i]->items[rest % c->args[i]->len];
        r->items[r->len] = *row;
    }
    return r;
}

void hcl_funcs_lists(struct map *funcs)
{
    static const struct hcl_function rows[] = {
        {"chunklist", fn_chunklist, {{"list", HCL_LIST}, {"size", HCL_NUMBER}}},
        {"coalescelist", fn_coalescelist, .rest = {"vals", HCL_ANY, true}},
        {"compact", fn_compact, {{"list", HCL_LIST_STRING}}},
        {"concat", fn_concat, .rest = {"seqs", HCL_ANY}},
        {"contains", fn_contains, {{"list", HCL_ANY}, {"value", HCL_ANY, true}}},
        {"distinct", fn_distinct, {{"list", HCL_LIST}}},
        {"element", fn_element, {{"list", HCL_ANY}, {"index", HCL_NUMBER}}},
        {"flatten", fn_flatten, {{"list", HCL_ANY}}},
        {"index", fn_index, {{"collection", HCL_ANY}, {"key", HCL_ANY}}},
        {"length", fn_length, {{"collection", HCL_ANY}}},
        {"range", fn_range, .rest = {"params", HCL_NUMBER}},
        {"setintersection",
         fn_setintersection,
         {{"first_set", HCL_SET}},
         .rest = {"other_sets", HCL_SET}},
        {"setproduct", fn_setproduct, .rest = {"sets", HCL_ANY}},
        {"setunion", fn_setunion, {{"first_set", HCL_SET}}, .rest = {"other_sets", HCL_SET}},
        {"slice",
         fn_slice,
         {{"list", HCL_ANY}, {"start_index", HCL_NUMBER}, {"end_index", HCL_NUMBER}}},
    };

    hcl_funcs_add_rows(funcs, rows, ARRAY_LEN(rows));
}
