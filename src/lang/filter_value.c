/* What selectors name: a walk down a schema. */
#include <string.h>

#include "base/err.h"
#include "lang/filter_priv.h"
#include "lang/schema_priv.h"

struct value value_struct(const struct schema *s, const void *obj)
{
    return (struct value){.kind = VALUE_STRUCT, .schema = s, .at = obj};
}

static struct value of_str(struct str s)
{
    return (struct value){.kind = VALUE_STR, .text = s};
}

static struct value of_json(const struct json *v)
{
    struct value ret = {.kind = VALUE_NONE};

    switch (v ? v->type : JSON_NULL) {
    case JSON_NULL:
        break;
    case JSON_BOOL:
        ret = (struct value){.kind = VALUE_BOOL, .b = v->b};
        break;
    case JSON_NUMBER:
        if (json_to_i64(v, &ret.i))
            ret.kind = VALUE_INT;
        else if (json_to_double(v, &ret.d))
            ret.kind = VALUE_DOUBLE;
        break;
    case JSON_STRING:
        ret = of_str(v->text);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        ret.kind = v->type == JSON_ARRAY ? VALUE_ARRAY : VALUE_OBJECT;
        ret.json = v;
        break;
    }
    return ret;
}

/* A scalar behind a pointer that is NULL is its type's zero. */
static struct value of_scalar(const struct schema_field *f, const void *field)
{
    static const union {
        int64_t i;
        double d;
    } zero;
    const void *at = scalar_at(field, f);

    at = at ? at : &zero;
    switch (f->type) {
    case F_UINT:
        return (struct value){.kind = VALUE_UINT, .u = *(const uint64_t *)at};
    case F_DOUBLE:
        return (struct value){.kind = VALUE_DOUBLE, .d = *(const double *)at};
    case F_BOOL:
        return (struct value){.kind = VALUE_BOOL, .b = *(const bool *)at};
    case F_TIME:
        return (struct value){.kind = VALUE_TIME, .i = *(const int64_t *)at};
    default:
        return (struct value){.kind = VALUE_INT, .i = *(const int64_t *)at};
    }
}

static struct value of_field(const struct schema_field *f, const void *obj)
{
    const void *at = field_at(obj, f);

    switch (f->type) {
    case F_STR:
        return of_str(str_of(*(const char *const *)at));
    case F_BYTES:
        return (struct value){.kind = VALUE_BYTES, .text = *(const struct str *)at};
    case F_STRLIST:
        return (struct value){.kind = VALUE_STRLIST, .strs = at};
    case F_STRMAP:
        return (struct value){.kind = VALUE_STRMAP, .pairs = at};
    case F_JSON:
        return of_json(*(struct json *const *)at);
    case F_OBJ:
        at = *(const void *const *)at;
        return (struct value){
            .kind = at ? VALUE_STRUCT : VALUE_NONE, .schema = f->sub, .at = at};
    case F_EMBED:
        return value_struct(f->sub, at);
    case F_LIST:
    case F_MAP:
        return (struct value){
            .kind = f->type == F_LIST ? VALUE_LIST : VALUE_MAP, .schema = f->sub, .at = at};
    default:
        return of_scalar(f, at);
    }
}

/* ---- lists and maps --------------------------------------------------------------------- */

bool value_has_len(const struct value *v)
{
    switch (v->kind) {
    case VALUE_STR:
    case VALUE_BYTES:
    case VALUE_STRLIST:
    case VALUE_STRMAP:
    case VALUE_LIST:
    case VALUE_MAP:
    case VALUE_ARRAY:
    case VALUE_OBJECT:
        return true;
    default:
        return false;
    }
}

size_t value_len(const struct value *v)
{
    switch (v->kind) {
    case VALUE_STR:
    case VALUE_BYTES:
        return v->text.len;
    case VALUE_STRLIST:
        return v->strs->len;
    case VALUE_STRMAP:
        return v->pairs->len;
    case VALUE_LIST:
    case VALUE_MAP:
        return ((const struct any_list *)v->at)->len;
    case VALUE_ARRAY:
    case VALUE_OBJECT:
        return v->json->len;
    default:
        return 0;
    }
}

static const void *struct_item(const struct value *v, size_t i)
{
    return item_at(v->at, v->schema, i);
}

static struct str map_key(const struct value *v, size_t i)
{
    if (v->kind == VALUE_STRMAP)
        return str_of(v->pairs->at[i].key);
    if (v->kind == VALUE_OBJECT)
        return v->json->members[i].key;
    return str_of(*(const char *const *)field_at(struct_item(v, i), v->schema->fields));
}

void value_item(const struct value *v, size_t i, struct value *ret_key, struct value *ret)
{
    bool map = v->kind == VALUE_STRMAP || v->kind == VALUE_MAP || v->kind == VALUE_OBJECT;

    *ret_key = map ? of_str(map_key(v, i)) : (struct value){.kind = VALUE_INT, .i = (int64_t)i};
    switch (v->kind) {
    case VALUE_STRLIST:
        *ret = of_str(str_of(v->strs->at[i]));
        break;
    case VALUE_STRMAP:
        *ret = of_str(str_of(v->pairs->at[i].val));
        break;
    case VALUE_LIST:
    case VALUE_MAP:
        *ret = value_struct(v->schema, struct_item(v, i));
        break;
    case VALUE_ARRAY:
        *ret = of_json(&v->json->items[i]);
        break;
    case VALUE_OBJECT:
        *ret = of_json(&v->json->members[i].value);
        break;
    default:
        *ret = (struct value){.kind = VALUE_NONE};
        break;
    }
}

const char *value_kind_name(const struct value *v)
{
    static const char *const names[] = {
        [VALUE_NONE] = "ptr",    [VALUE_STR] = "string",     [VALUE_INT] = "int",
        [VALUE_UINT] = "uint64", [VALUE_DOUBLE] = "float64", [VALUE_BOOL] = "bool",
        [VALUE_TIME] = "struct", [VALUE_BYTES] = "slice",    [VALUE_STRLIST] = "slice",
        [VALUE_STRMAP] = "map",  [VALUE_STRUCT] = "struct",  [VALUE_LIST] = "slice",
        [VALUE_MAP] = "map",     [VALUE_ARRAY] = "slice",    [VALUE_OBJECT] = "map",
    };

    return names[v->kind];
}

/* ---- the walk --------------------------------------------------------------------------- */

/* Where in a selector something is wrong. */
struct step {
    const struct filter_selector *sel;
    size_t part;
};

static struct str part_of(const struct step *at)
{
    return at->sel->parts.at[at->part];
}

static void write_pointer(const struct filter_selector *sel, struct buf *b)
{
    list_each (&sel->parts, it)
        buf_printf(b, "/%.*s", STR_ARG(*it));
}

static int bad_path(const struct step *at, const char *sep, const char *what, struct err *e)
{
    auto_buf struct buf path = BUF_INIT(FILTER_TEXT_MAX);

    write_pointer(at->sel, &path);
    return err_set(e, ERR_INVALID, "error finding value in datum: %s%s at part %zu%s", path.p,
                   *sep == ',' ? ":" : "", at->part, what);
}

static int into_struct(const struct step *at, struct value *v, struct err *e)
{
    char what[256];

    for (size_t i = 0; i < v->schema->n_fields; i++) {
        const struct schema_field *f = &v->schema->fields[i];

        if (in_json(f) && !(f->flags & (FIELD_HIDDEN | FIELD_SECRET)) &&
            str_eqc(part_of(at), f->json)) {
            *v = of_field(f, v->at);
            return 1;
        }
    }
    snprintf(what, sizeof what, ": couldn't find key: struct field with name \"%.*s\"",
             STR_ARG(str_upto(part_of(at), 128)));
    return bad_path(at, "", what, e);
}

static int into_map(const struct step *at, struct value *v)
{
    struct value key, map = *v;

    for (size_t i = 0; i < value_len(&map); i++)
        if (str_eq(map_key(&map, i), part_of(at))) {
            value_item(&map, i, &key, v);
            return 1;
        }
    return 0;
}

static int into_list(const struct step *at, struct value *v, struct err *e)
{
    struct value key, list = *v;
    size_t len = value_len(v);
    char what[256];
    int64_t i;

    if (!str_to_i64(part_of(at), 10, &i)) {
        snprintf(what, sizeof what, ": couldn't convert value \"%.*s\" to int",
                 STR_ARG(str_upto(part_of(at), 128)));
        return bad_path(at, "", what, e);
    }
    if (i < 0 || (uint64_t)i >= len)
        return 0;
    value_item(&list, (size_t)i, &key, v);
    return 1;
}

static int into(const struct step *at, struct value *v, struct err *e)
{
    char what[64];

    switch (v->kind) {
    case VALUE_NONE:
        return 0;
    case VALUE_STRUCT:
        return into_struct(at, v, e);
    case VALUE_STRMAP:
    case VALUE_MAP:
    case VALUE_OBJECT:
        return into_map(at, v);
    case VALUE_STRLIST:
    case VALUE_LIST:
    case VALUE_ARRAY:
        return into_list(at, v, e);
    default:
        snprintf(what, sizeof what, ", invalid value kind: %s", value_kind_name(v));
        return bad_path(at, ",", what, e);
    }
}

int value_select(struct value root, const struct binding *names,
                 const struct filter_selector *sel, struct value *ret, struct err *e)
{
    struct step at = {.sel = sel};
    int r;

    *ret = root;
    for (const struct binding *n = names; n && sel->parts.len; n = n->up)
        if (str_eq(n->name, sel->parts.at[0])) {
            *ret = n->value;
            at.part = 1;
            break;
        }
    for (; at.part < sel->parts.len; at.part++) {
        r = into(&at, ret, e);
        if (r <= 0)
            return r;
    }
    return ret->kind != VALUE_NONE;
}
