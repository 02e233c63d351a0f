#include <stdlib.h>

#include "base/err.h"
#include "nomad/jobspec/jobspec_priv.h"

static const struct {
    const char *name;
    enum type_kind kind;
} primitives[] = {
    {"string", TYPE_STRING},
    {"number", TYPE_NUMBER},
    {"bool", TYPE_BOOL},
};

static const struct {
    const char *name;
    enum type_kind kind;
    const char *argument; /* what it requires one of */
} constructors[] = {
    {"list", TYPE_LIST, "specifying the element type"},
    {"set", TYPE_SET, "specifying the element type"},
    {"map", TYPE_MAP, "specifying the element type"},
    {"object", TYPE_OBJECT, "specifying the attribute types and values as a map"},
    {"tuple", TYPE_TUPLE, "specifying the element types as a list"},
};

static const struct var_type *parse(const struct hcl_expr *x, unsigned depth, struct arena *a,
                                    struct hcl_diags *d);

static const struct var_type *invalid(struct hcl_diags *d, struct hcl_range at,
                                      const char *detail)
{
    hcl_diag_add(d, at, "Invalid type specification", "%s", detail);
    return NULL;
}

static const struct var_type *keyword(const struct hcl_expr *x, struct arena *a,
                                      struct hcl_diags *d)
{
    struct var_type *t = arena_new_of(a, struct var_type);

    for (size_t i = 0; i < ARRAY_LEN(primitives); i++) {
        if (str_eqc(x->name, primitives[i].name)) {
            t->kind = primitives[i].kind;
            return t;
        }
    }
    if (str_eqc(x->name, "any"))
        return invalid(
            d, x->at,
            "The keyword \"any\" cannot be used in this type specification: an exact "
            "type is required.");
    for (size_t i = 0; i < ARRAY_LEN(constructors); i++)
        if (str_eqc(x->name, constructors[i].name))
            return invalid(d, x->at,
                           arena_printf(a, "The %s type constructor requires one argument %s.",
                                        constructors[i].name, constructors[i].argument));
    return invalid(d, x->at,
                   arena_printf(a, "The keyword \"%.*s\" is not a valid type specification.",
                                STR_ARG(x->name)));
}

/* object({name = type, ...}), tuple([type, ...]) */
static const struct var_type *members(struct var_type *t, const struct hcl_expr *arg,
                                      unsigned depth, struct arena *a, struct hcl_diags *d)
{
    bool is_object = t->kind == TYPE_OBJECT;
    const struct var_type **items;
    struct str *names;

    if (arg->kind != (is_object ? HCL_OBJECT : HCL_TUPLE))
        return invalid(d, arg->at,
                       is_object ? "Object type constructor requires a map whose keys are "
                                   "attribute names and whose values are the corresponding "
                                   "attribute types."
                                 : "Tuple type constructor requires a list of element types.");
    items = arena_array(a, const struct var_type *, arg->n_items + 1);
    names = arena_array(a, struct str, arg->n_items + 1);
    for (size_t i = 0; i < arg->n_items; i++) {
        if (is_object &&
            (arg->keys[i]->kind != HCL_LITERAL || arg->keys[i]->value->type != JSON_STRING))
            return invalid(d, arg->keys[i]->at,
                           "Object constructor map keys must be attribute names.");
        if (is_object)
            names[i] = arg->keys[i]->value->text;
        items[i] = parse(arg->items[i], depth + 1, a, d);
        if (!items[i])
            return NULL;
    }
    t->items = items;
    t->names = names;
    t->n_items = arg->n_items;
    return t;
}

static const struct var_type *constructor(const struct hcl_expr *x, unsigned depth,
                                          struct arena *a, struct hcl_diags *d)
{
    struct var_type *t = arena_new_of(a, struct var_type);

    for (size_t i = 0; i < ARRAY_LEN(constructors); i++) {
        if (!str_eqc(x->name, constructors[i].name))
            continue;
        t->kind = constructors[i].kind;
        if (x->n_items != 1)
            return invalid(d, x->at,
                           arena_printf(a, "The %s type constructor requires one argument %s.",
                                        constructors[i].name, constructors[i].argument));
        if (t->kind == TYPE_OBJECT || t->kind == TYPE_TUPLE)
            return members(t, x->items[0], depth, a, d);
        t->elem = parse(x->items[0], depth + 1, a, d);
        return t->elem ? t : NULL;
    }
    return invalid(
        d, x->name_at,
        arena_printf(a, "Keyword \"%.*s\" is not a valid type constructor.", STR_ARG(x->name)));
}

static const struct var_type *parse(const struct hcl_expr *x, unsigned depth, struct arena *a,
                                    struct hcl_diags *d)
{
    if (depth > JOBSPEC_TYPE_DEPTH_MAX)
        return invalid(d, x->at, "The type is nested too deeply.");
    if (x->kind == HCL_VARIABLE)
        return keyword(x, a, d);
    if (x->kind == HCL_CALL)
        return constructor(x, depth, a, d);
    return invalid(d, x->at,
                   "A type specification is either a primitive type keyword (bool, number, "
                   "string) or a complex type constructor call, like list(string).");
}

const struct var_type *type_parse(const struct hcl_expr *x, struct arena *a,
                                  struct hcl_diags *d)
{
    return parse(x, 0, a, d);
}

bool type_is_primitive(const struct var_type *t)
{
    return t->kind == TYPE_STRING || t->kind == TYPE_NUMBER || t->kind == TYPE_BOOL;
}

/*
 * Values
 */

/* "list of string" */
static const char *type_name(const struct var_type *t, struct arena *a)
{
    static const char *const names[] = {
        [TYPE_ANY] = "any type", [TYPE_STRING] = "string", [TYPE_NUMBER] = "number",
        [TYPE_BOOL] = "bool",    [TYPE_LIST] = "list of ", [TYPE_SET] = "set of ",
        [TYPE_MAP] = "map of ",  [TYPE_OBJECT] = "object", [TYPE_TUPLE] = "tuple",
    };

    return t->elem ? arena_printf(a, "%s%s", names[t->kind], type_name(t->elem, a))
                   : names[t->kind];
}

static int cmp_values(const void *x, const void *y)
{
    const struct json *a = x, *b = y;

    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->type == JSON_STRING)
        return str_cmp(a->text, b->text);
    if (a->type == JSON_NUMBER) {
        double p = 0, q = 0;

        json_to_double(a, &p);
        json_to_double(b, &q);
        return (p > q) - (p < q);
    }
    return 0;
}

/* A set is sorted and has no value twice. */
static void make_set(struct json *v)
{
    uint32_t n = 0;

    if (v->len > 1)
        qsort(v->items, v->len, sizeof *v->items, cmp_values);
    for (uint32_t i = 0; i < v->len; i++)
        if (n == 0 || !json_eq(&v->items[n - 1], &v->items[i]))
            v->items[n++] = v->items[i];
    v->len = n;
}

static const struct json *convert_list(const struct json *v, const struct var_type *t,
                                       struct arena *a, const char **ret_why)
{
    struct json *r = json_new_array(a);

    for (uint32_t i = 0; i < v->len; i++) {
        const struct var_type *elem = t->kind == TYPE_TUPLE ? t->items[i] : t->elem;
        const struct json *item = type_convert(&v->items[i], elem, a, ret_why);

        if (!item) {
            *ret_why = arena_printf(a, "element %u: %s", i, *ret_why);
            return NULL;
        }
        json_push(a, r, *item);
    }
    if (t->kind == TYPE_SET)
        make_set(r);
    return r;
}

static const struct json *convert_map(const struct json *v, const struct var_type *t,
                                      struct arena *a, const char **ret_why)
{
    struct json *r = json_new_object(a);

    for (uint32_t i = 0; i < v->len; i++) {
        const struct json *item = type_convert(&v->members[i].value, t->elem, a, ret_why);

        if (!item) {
            *ret_why =
                arena_printf(a, "element \"%.*s\": %s", STR_ARG(v->members[i].key), *ret_why);
            return NULL;
        }
        json_set(a, r, v->members[i].key, *item);
    }
    return r;
}

static const struct json *convert_object(const struct json *v, const struct var_type *t,
                                         struct arena *a, const char **ret_why)
{
    struct json *r = json_new_object(a);

    for (size_t i = 0; i < t->n_items; i++) {
        const struct json *item = json_get(v, arena_cstr(a, t->names[i]));

        if (!item) {
            *ret_why = arena_printf(a, "attribute \"%.*s\" is required", STR_ARG(t->names[i]));
            return NULL;
        }
        item = type_convert(item, t->items[i], a, ret_why);
        if (!item) {
            *ret_why =
                arena_printf(a, "attribute \"%.*s\": %s", STR_ARG(t->names[i]), *ret_why);
            return NULL;
        }
        json_set(a, r, t->names[i], *item);
    }
    return r;
}

const struct json *type_convert(const struct json *v, const struct var_type *t, struct arena *a,
                                const char **ret_why)
{
    if (v->type == JSON_NULL || t->kind == TYPE_ANY)
        return v;
    switch (t->kind) {
    case TYPE_STRING:
        *ret_why = "string required";
        return hcl_to_string(v, a);
    case TYPE_NUMBER:
        *ret_why = "a number is required";
        return hcl_to_number(v, a);
    case TYPE_BOOL:
        *ret_why = "a bool is required";
        return hcl_to_bool(v, a);
    case TYPE_TUPLE:
        if (v->type == JSON_ARRAY && v->len == t->n_items)
            return convert_list(v, t, a, ret_why);
        break;
    case TYPE_LIST:
    case TYPE_SET:
        if (v->type == JSON_ARRAY)
            return convert_list(v, t, a, ret_why);
        break;
    case TYPE_MAP:
        if (v->type == JSON_OBJECT)
            return convert_map(v, t, a, ret_why);
        break;
    default:
        if (v->type == JSON_OBJECT)
            return convert_object(v, t, a, ret_why);
    }
    *ret_why = arena_printf(a, "%s required", type_name(t, a));
    return NULL;
}
