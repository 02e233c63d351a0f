#include "lang/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "lang/json_scan.h"

/* Objects with more members than this are compared by hash, not member by member. */
enum { SMALL_OBJECT = 16 };

static struct json_member *find(const struct json *obj, struct str key)
{
    if (!obj || obj->type != JSON_OBJECT)
        return NULL;
    for (uint32_t i = 0; i < obj->len; i++)
        if (str_eq(obj->members[i].key, key))
            return &obj->members[i];
    return NULL;
}

const struct json *json_get(const struct json *obj, const char *key)
{
    const struct json_member *m = find(obj, str_of(key));

    return m ? &m->value : NULL;
}

const struct json *json_get_nocase(const struct json *obj, const char *key)
{
    const struct json *exact = json_get(obj, key);

    if (exact || !json_is(obj, JSON_OBJECT))
        return exact;
    for (uint32_t i = 0; i < obj->len; i++)
        if (str_eq_nocase(obj->members[i].key, str_of(key)))
            return &obj->members[i].value;
    return NULL;
}

static const struct json *step(const struct json *v, struct str name)
{
    const struct json_member *m;
    uint64_t i;

    if (json_is(v, JSON_ARRAY))
        return str_to_u64(name, 10, &i) && i < v->len ? &v->items[i] : NULL;
    m = find(v, name);
    return m ? &m->value : NULL;
}

const struct json *json_path(const struct json *v, const char *dotted)
{
    struct str rest = str_of(dotted), name;

    while (v && str_split(&rest, '.', &name))
        v = step(v, name);
    return v;
}

struct str json_str_or(const struct json *v, struct str other)
{
    return json_is(v, JSON_STRING) ? v->text : other;
}

const char *json_cstr_or(struct arena *a, const struct json *v, const char *other)
{
    return json_is(v, JSON_STRING) ? arena_cstr(a, v->text) : other;
}

int64_t json_i64_or(const struct json *v, int64_t other)
{
    int64_t n;

    return json_to_i64(v, &n) ? n : other;
}

bool json_bool_or(const struct json *v, bool other)
{
    return json_is(v, JSON_BOOL) ? v->b : other;
}

/* Forms with a point or an exponent ("1e3", "5.0") go through a double, which is exact up to
 * 2^53. */
bool json_to_i64(const struct json *v, int64_t *ret)
{
    const double exact = 9007199254740992.0;
    double d;

    if (!json_is(v, JSON_NUMBER))
        return false;
    if (str_to_i64(v->text, 10, ret))
        return true;
    if (!str_to_double(v->text, &d) || d != floor(d) || fabs(d) > exact)
        return false;
    *ret = (int64_t)d;
    return true;
}

bool json_to_double(const struct json *v, double *ret)
{
    return json_is(v, JSON_NUMBER) && str_to_double(v->text, ret);
}

static bool is_integer(struct str text)
{
    return str_chr(text, '.') < 0 && str_chr(text, 'e') < 0 && str_chr(text, 'E') < 0;
}

static bool number_eq(struct str a, struct str b)
{
    double x, y;

    if (str_eq(a, b))
        return true;
    if (is_integer(a) && is_integer(b)) /* equal texts but for "-0" */
        return str_eq(str_trim_chars(a, "-"), STR("0")) &&
               str_eq(str_trim_chars(b, "-"), STR("0"));
    return str_to_double(a, &x) && str_to_double(b, &y) && x == y;
}

static bool big_object_eq(const struct json *a, const struct json *b)
{
    struct map in_b = MAP_INIT;
    bool same = true;

    for (uint32_t i = 0; i < b->len; i++)
        map_put(&in_b, b->members[i].key, &b->members[i].value);
    for (uint32_t i = 0; same && i < a->len; i++) {
        const struct json *other = map_get(&in_b, a->members[i].key);

        same = other && json_eq(&a->members[i].value, other);
    }
    map_done(&in_b);
    return same;
}

static bool object_eq(const struct json *a, const struct json *b)
{
    if (a->len > SMALL_OBJECT)
        return big_object_eq(a, b);
    for (uint32_t i = 0; i < a->len; i++) {
        const struct json_member *m = find(b, a->members[i].key);

        if (!m || !json_eq(&a->members[i].value, &m->value))
            return false;
    }
    return true;
}

bool json_eq(const struct json *a, const struct json *b)
{
    if (!a || !b || a->type != b->type || a->len != b->len)
        return a == b;
    switch (a->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->b == b->b;
    case JSON_NUMBER:
        return number_eq(a->text, b->text);
    case JSON_STRING:
        return str_eq(a->text, b->text);
    case JSON_OBJECT:
        return object_eq(a, b);
    case JSON_ARRAY:
        break;
    }
    for (uint32_t i = 0; i < a->len; i++)
        if (!json_eq(&a->items[i], &b->items[i]))
            return false;
    return true;
}

static struct json copy_value(struct arena *a, const struct json *v)
{
    struct json to = *v;

    if (v->type == JSON_STRING || v->type == JSON_NUMBER) {
        to.text = arena_str(a, v->text);
    } else if (v->type == JSON_ARRAY && v->len) {
        to.items = arena_alloc(a, json_room(v->len) * sizeof *to.items);
        for (uint32_t i = 0; i < v->len; i++)
            to.items[i] = copy_value(a, &v->items[i]);
    } else if (v->type == JSON_OBJECT && v->len) {
        to.members = arena_alloc(a, json_room(v->len) * sizeof *to.members);
        for (uint32_t i = 0; i < v->len; i++) {
            to.members[i].key = arena_str(a, v->members[i].key);
            to.members[i].value = copy_value(a, &v->members[i].value);
        }
    }
    return to;
}

struct json *json_copy(struct arena *a, const struct json *v)
{
    struct json *to;

    if (!v)
        return NULL;
    to = arena_alloc(a, sizeof *to);
    *to = copy_value(a, v);
    return to;
}

const char *json_type_name(enum json_type type)
{
    static const char *const names[] = {"null", "bool", "number", "string", "array", "object"};

    return (unsigned)type < ARRAY_LEN(names) ? names[type] : "unknown";
}

/*
 * Building by hand.
 */
struct json *json_new_object(struct arena *a)
{
    struct json *v = arena_new_of(a, struct json);

    v->type = JSON_OBJECT;
    return v;
}

struct json *json_new_array(struct arena *a)
{
    struct json *v = arena_new_of(a, struct json);

    v->type = JSON_ARRAY;
    return v;
}

struct json json_of_str(struct str s)
{
    return (struct json){.type = JSON_STRING, .text = s};
}

struct json json_of_bool(bool b)
{
    return (struct json){.type = JSON_BOOL, .b = b};
}

struct json json_of_i64(struct arena *a, int64_t v)
{
    return (struct json){.type = JSON_NUMBER,
                         .text = str_of(arena_printf(a, "%lld", (long long)v))};
}

void json_set(struct arena *a, struct json *obj, struct str key, struct json value)
{
    struct json_member *m = find(obj, key);

    assert(obj->type == JSON_OBJECT);
    if (!m) {
        obj->members = arena_list_grow_(a, obj->members, obj->len, sizeof *obj->members);
        m = &obj->members[obj->len++];
        m->key = key;
    }
    m->value = value;
}

bool json_unset(struct json *obj, const char *key)
{
    struct json_member *m = find(obj, str_of(key));

    if (!m)
        return false;
    memmove(m, m + 1, (size_t)(obj->members + obj->len - (m + 1)) * sizeof *m);
    obj->len--;
    return true;
}

void json_push(struct arena *a, struct json *arr, struct json value)
{
    assert(arr->type == JSON_ARRAY);
    arr->items = arena_list_grow_(a, arr->items, arr->len, sizeof *arr->items);
    arr->items[arr->len++] = value;
}
