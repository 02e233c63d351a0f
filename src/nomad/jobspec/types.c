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

static const struct json *convert_list(const struct json *v, const struct var_type *t,
                                       struct arena *a, const char **ret_why)
{
    struct json *r = arena_new_of(a, struct json);

    *r = (struct json){.type = JSON_ARRAY};
    r->items = arena_array(a, struct json, v->len + 1);
    for (; r->len < v->len; r->len++) {
        const struct var_type *elem = t->kind == TYPE_TUPLE ? t->items[r->len] : t->elem;
        const struct json *item = type_convert(&v->items[r->len], elem, a, ret_why);

        if (!item) {
            *ret_why = arena_printf(a, "element %u: %s", r->len, *ret_why);
            return NULL;
        }
        r->items[r->len] = *item;
    }
    if (t->kind == TYPE_SET)
        hcl_make_set(r);
    else if (t->kind == TYPE_LIST)
        r->kind = HCL_IS_LIST;
    return r;
}

static struct json *new_object(struct arena *a, size_t room)
{
    struct json *r = arena_new_of(a, struct json);

    *r = (struct json){.type = JSON_OBJECT};
    r->members = arena_array(a, struct json_member, room + 1);
    return r;
}

static const struct json *convert_map(const struct json *v, const struct var_type *t,
                                      struct arena *a, const char **ret_why)
{
    struct json *r = new_object(a, v->len);

    for (uint32_t i = 0; i < v->len; i++) {
        const struct json *item = type_convert(&v->members[i].value, t->elem, a, ret_why);

        if (!item) {
            *ret_why =
                arena_printf(a, "element \"%.*s\": %s", STR_ARG(v->members[i].key), *ret_why);
            return NULL;
        }
        r->members[r->len++] = (struct json_member){v->members[i].key, *item};
    }
    r->kind = HCL_IS_MAP;
    return r;
}

/* Members are sorted, as the language's objects are. */
static const struct json *find_member(const struct json *v, struct str name)
{
    uint32_t lo = 0, hi = v->len;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = str_cmp(v->members[mid].key, name);

        if (c == 0)
            return &v->members[mid].value;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static const struct json *convert_object(const struct json *v, const struct var_type *t,
                                         struct arena *a, const char **ret_why)
{
    struct json *r = new_object(a, t->n_items);

    for (size_t i = 0; i < t->n_items; i++) {
        const struct json *item = find_member(v, t->names[i]);

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
        r->members[r->len++] = (struct json_member){t->names[i], *item};
    }
    hcl_sort_members(r->members, &r->len);
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
