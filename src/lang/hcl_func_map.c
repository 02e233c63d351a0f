/* Functions of maps and objects, and of values of any type. */
#include "base/err.h"
#include "lang/hcl_eval_priv.h"
#include "lang/hcl_funcs.h"

static const struct json *find_member(const struct json *v, struct str key)
{
    for (uint32_t i = 0; i < v->len; i++)
        if (str_eq(v->members[i].key, key))
            return &v->members[i].value;
    return NULL;
}

/* The first that is not null, in the type they all have in common. */
static struct json *fn_coalesce(const struct hcl_func_call *c)
{
    struct json all = {.type = JSON_ARRAY}, *list = NULL;
    const char *why;

    all.items = arena_array(c->arena, struct json, c->n_args + 1);
    for (; all.len < c->n_args; all.len++)
        all.items[all.len] = *c->args[all.len];
    if (c->n_args > 0)
        list = hcl_to_list(&all, HCL_LIST, c->arena, &why);
    if (!list)
        return hcl_call_failed(c, "all arguments must have the same type");
    for (uint32_t i = 0; i < list->len; i++)
        if (list->items[i].type != JSON_NULL)
            return hcl_result(c, list->items[i]);
    return hcl_call_failed(c, "no non-null arguments");
}

/* False: said. */
static bool is_map(const struct hcl_func_call *c)
{
    if (c->args[0]->type == JSON_OBJECT)
        return true;
    hcl_call_failed(c, "%s() requires a map as the first argument", c->fn->name);
    return false;
}

static struct json *fn_keys(const struct hcl_func_call *c)
{
    const struct json *v = c->args[0];
    struct json *r;

    if (!is_map(c))
        return NULL;
    r = hcl_result_list(c, v->kind == HCL_IS_MAP ? HCL_IS_LIST : HCL_AS_WRITTEN, v->len);
    for (; r->len < v->len; r->len++)
        r->items[r->len] = json_of_str(v->members[r->len].key);
    return r;
}

static struct json *fn_values(const struct hcl_func_call *c)
{
    const struct json *v = c->args[0];
    struct json *r;

    if (!is_map(c))
        return NULL;
    r = hcl_result_list(c, v->kind == HCL_IS_MAP ? HCL_IS_LIST : HCL_AS_WRITTEN, v->len);
    for (; r->len < v->len; r->len++)
        r->items[r->len] = v->members[r->len].value;
    return r;
}

static struct json *fn_lookup(const struct hcl_func_call *c)
{
    const struct json *v;

    if (!is_map(c))
        return NULL;
    v = find_member(c->args[0], c->args[1]->text);
    return hcl_result(c, v ? *v : *c->args[2]);
}

/* The result is a map if all arguments are, else an object; nulls do not count. */
static struct json *fn_merge(const struct hcl_func_call *c)
{
    struct json r = {.type = JSON_OBJECT, .kind = HCL_IS_MAP};
    size_t n = 0;

    for (size_t i = 0; i < c->n_args; i++) {
        if (c->args[i]->type == JSON_NULL)
            continue;
        if (c->args[i]->type != JSON_OBJECT)
            return hcl_call_failed(c, "arguments must be maps or objects, got \"%s\"",
                                   hcl_type_name(c->args[i]));
        if (c->args[i]->kind != HCL_IS_MAP)
            r.kind = HCL_AS_WRITTEN;
        n += c->args[i]->len;
    }
    if (n == 0)
        r.kind = HCL_AS_WRITTEN;
    if (n > UINT32_MAX || !hcl_call_spend(c, n, n * sizeof(struct json_member)))
        return NULL;
    r.members = arena_array(c->arena, struct json_member, n + 1);
    for (size_t i = 0; i < c->n_args; i++)
        for (uint32_t k = 0; c->args[i]->type == JSON_OBJECT && k < c->args[i]->len; k++)
            r.members[r.len++] = c->args[i]->members[k];
    hcl_sort_members(r.members, &r.len);
    return hcl_result(c, r);
}

static struct json *fn_zipmap(const struct hcl_func_call *c)
{
    const struct json *keys = c->args[0], *values = c->args[1];
    struct json r = {.type = JSON_OBJECT};

    if (values->type != JSON_ARRAY)
        return hcl_arg_invalid(c, 1, "values argument must be a list or tuple value");
    if (keys->len != values->len)
        return hcl_call_failed(c, "number of keys (%u) does not match number of values (%u)",
                               keys->len, values->len);
    r.kind = values->kind == HCL_AS_WRITTEN ? HCL_AS_WRITTEN : HCL_IS_MAP;
    r.members = arena_array(c->arena, struct json_member, keys->len + 1);
    for (; r.len < keys->len; r.len++) {
        if (keys->items[r.len].type == JSON_NULL)
            return hcl_arg_invalid(c, 0, "a key must not be null");
        r.members[r.len] = (struct json_member){keys->items[r.len].text, values->items[r.len]};
    }
    hcl_sort_members(r.members, &r.len);
    return hcl_result(c, r);
}

void hcl_funcs_maps(struct map *funcs)
{
    static const struct hcl_function rows[] = {
        {"coalesce", fn_coalesce, .rest = {"vals", HCL_ANY, true}},
        {"keys", fn_keys, {{"inputMap", HCL_ANY}}},
        {"lookup",
         fn_lookup,
         {{"inputMap", HCL_ANY}, {"key", HCL_STRING}, {"default", HCL_ANY, true}}},
        {"merge", fn_merge, .rest = {"maps", HCL_ANY, true}},
        {"values", fn_values, {{"mapping", HCL_ANY}}},
        {"zipmap", fn_zipmap, {{"keys", HCL_LIST_STRING}, {"values", HCL_ANY}}},
    };

    hcl_funcs_add_rows(funcs, rows, ARRAY_LEN(rows));
}
