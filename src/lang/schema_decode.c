#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/err.h"
#include "lang/json_scan.h"
#include "lang/schema_priv.h"
#include "lang/units.h"

typedef bool decode_fn(struct schema_decoder *d, const struct schema_field *f,
                       const struct json *v, struct schema_at *where, void *at);

static void decode_object(struct schema_decoder *d, const struct schema *s,
                          const struct json *v, const struct schema_at *up, void *obj);

static struct arena *arena_of(const struct schema_decoder *d)
{
    return d->problems->arena;
}

static bool lenient(const struct schema_decoder *d)
{
    return d->flags & SCHEMA_LENIENT;
}

static bool wrong_type(struct schema_decoder *d, const struct schema_at *where,
                       const char *wanted, const struct json *v)
{
    schema_problem(d->problems, where, "must be %s, not %s", wanted, json_type_name(v->type));
    return false;
}

/*
 * Strings.
 */
static bool text_of(struct schema_decoder *d, const struct json *v,
                    const struct schema_at *where, struct str *ret)
{
    if (v->type == JSON_STRING || (v->type == JSON_NUMBER && lenient(d)))
        *ret = v->text;
    else if (v->type == JSON_BOOL && lenient(d))
        *ret = v->b ? STR("1") : STR("0"); /* as Vault's weak typing has it */
    else
        return wrong_type(d, where, "a string", v);
    if (ret->len && memchr(ret->p, '\0', ret->len)) {
        schema_problem(d->problems, where, "must not contain a NUL character");
        return false;
    }
    return true;
}

static bool decode_str(struct schema_decoder *d, const struct schema_field *f,
                       const struct json *v, struct schema_at *where, void *at)
{
    size_t max = bytes_max(f);
    struct str text;

    if (!text_of(d, v, where, &text))
        return false;
    if (text.len > max && !(d->flags & SCHEMA_STORED)) {
        schema_problem(d->problems, where, "must not be longer than %zu bytes", max);
        return false;
    }
    *(const char **)at = arena_cstr(arena_of(d), text);
    return true;
}

static bool decode_bytes(struct schema_decoder *d, const struct schema_field *f,
                         const struct json *v, struct schema_at *where, void *at)
{
    size_t max = bytes_max(f);
    auto_buf struct buf b = BUF_INIT(max);
    struct err e = ERR_INIT;

    b.secret = f->flags & FIELD_SECRET;
    if (v->type != JSON_STRING)
        return wrong_type(d, where, "a string in base64", v);
    if (codec_base64_decode(&b, v->text, false, true, &e) < 0) {
        schema_problem(d->problems, where, "must be base64: %s", e.msg);
        return false;
    }
    *(struct str *)at = arena_str(arena_of(d), buf_str(&b));
    return true;
}

/*
 * Scalars.
 */
static bool decode_int(struct schema_decoder *d, const struct schema_field *f,
                       const struct json *v, struct schema_at *where, void *at)
{
    int64_t *to = at;

    (void)f;
    if (json_to_i64(v, to))
        return true;
    if (lenient(d) && v->type == JSON_BOOL) {
        *to = v->b;
        return true;
    }
    if (lenient(d) && v->type == JSON_STRING) {
        if (v->text.len == 0 || str_to_i64(v->text, 0, to))
            return true;
        schema_problem(d->problems, where, "must be a whole number, not \"%.*s\"",
                       (int)(v->text.len < 64 ? v->text.len : 64), v->text.p);
        return false;
    }
    if (v->type == JSON_NUMBER) {
        schema_problem(d->problems, where, "must be a whole number of at most 64 bits");
        return false;
    }
    return wrong_type(d, where, "a number", v);
}

static bool decode_uint(struct schema_decoder *d, const struct schema_field *f,
                        const struct json *v, struct schema_at *where, void *at)
{
    int64_t i = 0;

    if (v->type == JSON_NUMBER && str_to_u64(v->text, 10, at))
        return true;
    if (lenient(d) && v->type == JSON_STRING && v->text.len && str_to_u64(v->text, 0, at))
        return true;
    if (!decode_int(d, f, v, where, &i))
        return false;
    if (i < 0) {
        schema_problem(d->problems, where, "must not be negative");
        return false;
    }
    *(uint64_t *)at = (uint64_t)i;
    return true;
}

static bool decode_double(struct schema_decoder *d, const struct schema_field *f,
                          const struct json *v, struct schema_at *where, void *at)
{
    (void)f;
    if (json_to_double(v, at))
        return true;
    if (lenient(d) && v->type == JSON_STRING && str_to_double(v->text, at))
        return true;
    if (v->type == JSON_NUMBER) {
        schema_problem(d->problems, where, "is too large a number");
        return false;
    }
    return wrong_type(d, where, "a number", v);
}

static bool decode_bool(struct schema_decoder *d, const struct schema_field *f,
                        const struct json *v, struct schema_at *where, void *at)
{
    bool *to = at;
    double n;

    (void)f;
    if (v->type == JSON_BOOL) {
        *to = v->b;
        return true;
    }
    if (lenient(d) && json_to_double(v, &n)) {
        *to = n != 0;
        return true;
    }
    if (lenient(d) && v->type == JSON_STRING && (v->text.len == 0 || str_to_bool(v->text, to)))
        return true;
    return wrong_type(d, where, "true or false", v);
}

static bool decode_duration(struct schema_decoder *d, const struct schema_field *f,
                            const struct json *v, struct schema_at *where, void *at)
{
    struct err e = ERR_INIT;

    if (v->type != JSON_STRING || !lenient(d))
        return decode_int(d, f, v, where, at);
    if (str_to_i64(v->text, 10, at) || duration_parse(v->text, at, &e) == 0)
        return true;
    schema_problem(d->problems, where, "%s", e.msg);
    return false;
}

static bool decode_ttl(struct schema_decoder *d, const struct schema_field *f,
                       const struct json *v, struct schema_at *where, void *at)
{
    struct err e = ERR_INIT;

    (void)f;
    if (ttl_from_json(v, at, &e) == 0)
        return true;
    schema_problem(d->problems, where, "%s", e.msg);
    return false;
}

static bool decode_time(struct schema_decoder *d, const struct schema_field *f,
                        const struct json *v, struct schema_at *where, void *at)
{
    struct err e = ERR_INIT;

    (void)f;
    if (v->type != JSON_STRING)
        return wrong_type(d, where, "a time as in \"2006-01-02T15:04:05Z\"", v);
    if (str_eqc(v->text, "0001-01-01T00:00:00Z")) {
        *(int64_t *)at = 0;
        return true;
    }
    if (time_parse_rfc3339(v->text, at, &e) == 0)
        return true;
    schema_problem(d->problems, where, "%s", e.msg);
    return false;
}

/*
 * Lists and maps of strings.
 */
static bool too_many(struct schema_decoder *d, const struct schema_field *f,
                     const struct schema_at *where, size_t n)
{
    size_t max = items_max(f);

    if (n <= max || d->flags & SCHEMA_STORED)
        return false;
    schema_problem(d->problems, where, "must not have more than %zu items", max);
    return true;
}

static bool split_list(struct schema_decoder *d, const struct schema_field *f,
                       const struct json *v, const struct schema_at *where, struct strlist *to)
{
    struct str rest, item;

    if (!text_of(d, v, where, &rest))
        return false;
    while (str_split(&rest, ',', &item)) {
        item = str_trim(item);
        if (item.len == 0)
            continue;
        if (too_many(d, f, where, to->len + 1))
            return false;
        list_push(arena_of(d), to, arena_cstr(arena_of(d), item));
    }
    return true;
}

static bool decode_strlist(struct schema_decoder *d, const struct schema_field *f,
                           const struct json *v, struct schema_at *where, void *at)
{
    struct strlist list = {SCHEMA_GIVEN_EMPTY, 0};
    struct str text;

    if (v->type != JSON_ARRAY) {
        bool one = lenient(d) && v->type != JSON_OBJECT;

        if (f->flags & FIELD_CSL && (v->type == JSON_STRING || one)) {
            if (!split_list(d, f, v, where, &list))
                return false;
        } else if (one) {
            if (!text_of(d, v, where, &text))
                return false;
            list_push(arena_of(d), &list, arena_cstr(arena_of(d), text));
        } else {
            return wrong_type(d, where, "a list of strings", v);
        }
        *(struct strlist *)at = list;
        return true;
    }
    if (too_many(d, f, where, v->len))
        return false;
    if (v->len)
        list.at = arena_alloc(arena_of(d), json_room(v->len) * sizeof *list.at);
    for (where->index = 0; where->index < v->len; where->index++) {
        if (!text_of(d, &v->items[where->index], where, &text))
            return false;
        list.at[list.len++] = arena_cstr(arena_of(d), text);
    }
    where->index = (size_t)NO_INDEX;
    *(struct strlist *)at = list;
    return true;
}

static int cmp_pair(const void *a, const void *b)
{
    return strcmp(((const struct strpair *)a)->key, ((const struct strpair *)b)->key);
}

static bool has_nul(struct str s)
{
    return s.len && memchr(s.p, '\0', s.len);
}

/* "k=v", or several in a list or behind commas: Vault's other forms of a map. */
static bool decode_pairs(struct schema_decoder *d, const struct schema_field *f,
                         const struct json *v, const struct schema_at *where, struct strmap *to)
{
    struct strlist list = {0};
    struct schema_field as_list = *f;
    struct schema_at here = *where;

    as_list.flags |= FIELD_CSL;
    if (!decode_strlist(d, &as_list, v, &here, &list))
        return false;
    if (list.len > SCHEMA_ITEMS_MAX) {
        schema_problem(d->problems, where, "must not have more than %d items",
                       SCHEMA_ITEMS_MAX);
        return false;
    }
    list_each (&list, it) {
        const char *eq = strchr(*it, '=');

        if (!eq) {
            schema_problem(d->problems, where, "invalid key pair \"%.64s\"", *it);
            return false;
        }
        strmap_set(arena_of(d), to, arena_strndup(arena_of(d), *it, (size_t)(eq - *it)),
                   eq + 1);
    }
    return true;
}

static bool decode_strmap(struct schema_decoder *d, const struct schema_field *f,
                          const struct json *v, struct schema_at *where, void *at)
{
    struct strmap map = {SCHEMA_GIVEN_EMPTY, 0};
    struct str text;

    if (v->type != JSON_OBJECT) {
        if (!lenient(d))
            return wrong_type(d, where, "an object of strings", v);
        if (!decode_pairs(d, f, v, where, &map))
            return false;
        *(struct strmap *)at = map;
        return true;
    }
    if (too_many(d, f, where, v->len))
        return false;
    if (v->len)
        map.at = arena_alloc(arena_of(d), json_room(v->len) * sizeof *map.at);
    for (uint32_t i = 0; i < v->len; i++) {
        struct str key = v->members[i].key;

        if (has_nul(key)) {
            schema_problem(d->problems, where, "must not have a key with a NUL character");
            return false;
        }
        where->key = arena_cstr(arena_of(d), key);
        if (!text_of(d, &v->members[i].value, where, &text))
            return false;
        map.at[map.len++] = (struct strpair){where->key, arena_cstr(arena_of(d), text)};
    }
    where->key = NULL;
    if (map.len > 1)
        qsort(map.at, map.len, sizeof *map.at, cmp_pair);
    *(struct strmap *)at = map;
    return true;
}

static bool decode_json(struct schema_decoder *d, const struct schema_field *f,
                        const struct json *v, struct schema_at *where, void *at)
{
    (void)f;
    (void)where;
    *(struct json **)at = json_copy(arena_of(d), v);
    return true;
}

/*
 * Objects.
 */
static bool decode_obj(struct schema_decoder *d, const struct schema_field *f,
                       const struct json *v, struct schema_at *where, void *at)
{
    void *obj;

    if (v->type != JSON_OBJECT)
        return wrong_type(d, where, "an object", v);
    obj = arena_zalloc(arena_of(d), f->sub->size);
    if (!(d->flags & SCHEMA_NO_DEFAULTS))
        schema_defaults(f->sub, arena_of(d), obj);
    decode_object(d, f->sub, v, where, obj);
    *(void **)at = obj;
    return true;
}

static bool decode_embed(struct schema_decoder *d, const struct schema_field *f,
                         const struct json *v, struct schema_at *where, void *at)
{
    if (v->type != JSON_OBJECT)
        return wrong_type(d, where, "an object", v);
    decode_object(d, f->sub, v, where, at);
    return true;
}

static void decode_item(struct schema_decoder *d, const struct schema_field *f,
                        const struct json *v, struct schema_at *where, void *item)
{
    if (v->type != JSON_OBJECT) {
        wrong_type(d, where, "an object", v);
        return;
    }
    where->item = item;
    where->json = v;
    if (!(d->flags & SCHEMA_NO_DEFAULTS))
        schema_defaults(f->sub, arena_of(d), item);
    if (where->key)
        *(const char **)field_at(item, &f->sub->fields[0]) = where->key;
    decode_object(d, f->sub, v, where, item);
}

static bool decode_list(struct schema_decoder *d, const struct schema_field *f,
                        const struct json *v, struct schema_at *where, void *at)
{
    bool one = lenient(d) && v->type == JSON_OBJECT;
    const struct json *items = one ? v : v->items;
    size_t n = one ? 1 : v->len;
    struct any_list list;

    if (v->type != JSON_ARRAY && !one)
        return wrong_type(d, where, "a list of objects", v);
    if (too_many(d, f, where, n))
        return false;
    list = (struct any_list){items_new(arena_of(d), f->sub, n), n};
    for (size_t i = 0; i < n; i++) {
        where->index = i;
        decode_item(d, f, &items[i], where, item_at(&list, f->sub, i));
    }
    *(struct any_list *)at = list;
    return true;
}

static bool decode_map(struct schema_decoder *d, const struct schema_field *f,
                       const struct json *v, struct schema_at *where, void *at)
{
    struct any_list list;

    if (v->type != JSON_OBJECT)
        return wrong_type(d, where, "an object of objects", v);
    if (too_many(d, f, where, v->len))
        return false;
    list = (struct any_list){items_new(arena_of(d), f->sub, v->len), v->len};
    for (uint32_t i = 0; i < v->len; i++) {
        if (has_nul(v->members[i].key)) {
            schema_problem(d->problems, where, "must not have a key with a NUL character");
            return false;
        }
        where->key = arena_cstr(arena_of(d), v->members[i].key);
        decode_item(d, f, &v->members[i].value, where, item_at(&list, f->sub, i));
    }
    *(struct any_list *)at = list;
    return true;
}

static decode_fn *const decoders[] = {
    [F_STR] = decode_str,       [F_INT] = decode_int,   [F_UINT] = decode_uint,
    [F_DOUBLE] = decode_double, [F_BOOL] = decode_bool, [F_DURATION] = decode_duration,
    [F_TTL] = decode_ttl,       [F_TIME] = decode_time, [F_STRLIST] = decode_strlist,
    [F_STRMAP] = decode_strmap, [F_JSON] = decode_json, [F_OBJ] = decode_obj,
    [F_EMBED] = decode_embed,   [F_LIST] = decode_list, [F_MAP] = decode_map,
    [F_BYTES] = decode_bytes,
};

/* Null is "not given" for what is a plain value in C, and empties what has an empty form. */
static void decode_null(const struct schema_field *f, void *at)
{
    if (f->flags & FIELD_PTR || f->type == F_OBJ || f->type == F_JSON)
        *(void **)at = NULL;
    else if (is_list(f))
        *(struct any_list *)at = (struct any_list){0};
    else if (f->type == F_STR && !f->def)
        *(const char **)at = NULL;
}

bool schema_decode_field(struct schema_decoder *d, const struct schema_field *f,
                         const struct json *v, struct schema_at *where, void *at)
{
    if (v->type == JSON_NULL) {
        decode_null(f, at);
        return true;
    }
    if (f->flags & FIELD_PTR && is_scalar(f)) {
        void *box = arena_zalloc(arena_of(d), scalar_size(f));

        if (!decoders[f->type](d, f, v, where, box))
            return false;
        *(void **)at = box;
    } else if (!decoders[f->type](d, f, v, where, at)) {
        return false;
    }
    if (!(d->flags & SCHEMA_STORED))
        schema_check_field(f, at, where, d->problems);
    return true;
}

/* Which field `key` is: usually the one after the last, since tables and texts agree in order.
 */
static size_t find_field(const struct prep *p, struct str key, unsigned flags, size_t next)
{
    size_t n = p->schema->n_fields;

    for (size_t k = 0, i = next < n ? next : 0; k < n; k++, i = i + 1 < n ? i + 1 : 0) {
        const struct prep_field *f = &p->fields[i];

        if (f->len == key.len && memcmp(f->name, key.p, key.len) == 0)
            return i;
    }
    for (size_t i = 0; flags & SCHEMA_NOCASE && i < n; i++) {
        const struct prep_field *f = &p->fields[i];

        if (f->len == key.len && str_eq_nocase(str_n(f->name, f->len), key))
            return i;
    }
    return n;
}

static void unknown_member(struct schema_decoder *d, const struct schema *s, struct str key,
                           const struct schema_at *up)
{
    const char *near = schema_nearest(s, key);
    int len = (int)(key.len < 64 ? key.len : 64);

    if (near)
        schema_problem(d->problems, up, "unknown field \"%.*s\", did you mean \"%s\"?", len,
                       key.p, near);
    else
        schema_problem(d->problems, up, "unknown field \"%.*s\"", len, key.p);
}

/* A number may be zero if somebody wrote it; a text or a list may not be empty. */
static bool is_there(const struct schema_field *f, const void *obj, bool given)
{
    if ((is_scalar(f) && !(f->flags & FIELD_PTR)) || f->type == F_EMBED)
        return given;
    return !field_is_empty(f, field_at(obj, f));
}

static void check_required(struct schema_decoder *d, const struct schema *s, const void *obj,
                           const struct schema_at *up, const uint8_t *given)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        struct schema_at at = {.up = up, .field = f, .index = (size_t)NO_INDEX};

        if (!(f->flags & FIELD_REQUIRED) || !in_json(f))
            continue;
        if (f->flags & FIELD_HIDDEN && !(d->flags & SCHEMA_ALL))
            continue;
        if (!is_there(f, obj, given[i / 8] >> (i % 8) & 1))
            schema_problem(d->problems, &at, "is required");
    }
}

static void check_object(struct schema_decoder *d, const struct schema *s, const void *obj,
                         const struct schema_at *up, const uint8_t *given, size_t before)
{
    if (d->flags & SCHEMA_STORED)
        return;
    check_required(d, s, obj, up, given);
    if (s->check && d->problems->list.len == before)
        s->check(obj, schema_path(arena_of(d), up), d->problems);
}

static void decode_members(struct schema_decoder *d, const struct schema *s,
                           const struct json *v, const struct schema_at *up, void *obj,
                           uint8_t *given)
{
    const struct prep *p = schema_prep(s);
    size_t i = (size_t)-1;

    for (uint32_t k = 0; k < v->len; k++) {
        const struct json_member *m = &v->members[k];
        size_t found = m->key.len ? find_field(p, m->key, d->flags, i + 1) : s->n_fields;

        if (found == s->n_fields) {
            if (!(d->flags & SCHEMA_UNKNOWN_OK))
                unknown_member(d, s, m->key, up);
            continue;
        }
        i = found;
        const struct schema_field *f = &s->fields[i];
        struct schema_at at = {.up = up, .field = f, .index = (size_t)NO_INDEX};

        if (f->flags & FIELD_HIDDEN && !(d->flags & SCHEMA_ALL))
            continue;
        if (m->value.type != JSON_NULL)
            given[i / 8] |= (uint8_t)(1u << (i % 8));
        schema_decode_field(d, f, &m->value, &at, field_at(obj, f));
    }
}

static void decode_object(struct schema_decoder *d, const struct schema *s,
                          const struct json *v, const struct schema_at *up, void *obj)
{
    uint8_t given[SCHEMA_FIELDS_MAX / 8] = {0};
    size_t before = d->problems->list.len;

    if (d->depth >= SCHEMA_DEPTH_MAX) {
        schema_problem(d->problems, up, "is nested too deeply");
        return;
    }
    d->depth++;
    decode_members(d, s, v, up, obj, given);
    d->depth--;
    check_object(d, s, obj, up, given, before);
}

void schema_decode_into(const struct schema *s, const struct json *v, unsigned flags,
                        const char *path, void *obj, struct problems *p)
{
    struct schema_decoder d = {p, flags, 0};
    struct schema_at root = {.base = path ? path : ""};

    memset(obj, 0, s->size);
    if (!json_is(v, JSON_OBJECT)) {
        schema_problem(p, &root, "must be an object, not %s",
                       json_type_name(v ? v->type : JSON_NULL));
        return;
    }
    if (!(flags & SCHEMA_NO_DEFAULTS))
        schema_defaults(s, p->arena, obj);
    decode_object(&d, s, v, &root, obj);
}

int schema_decode(const struct schema *s, const struct json *v, unsigned flags, struct arena *a,
                  void *obj, struct err *e)
{
    struct problems p = {.arena = a};

    schema_decode_into(s, v, flags, NULL, obj, &p);
    return problems_to_err(&p, e);
}
