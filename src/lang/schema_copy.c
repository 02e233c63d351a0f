#include <string.h>

#include "lang/json_scan.h"
#include "lang/schema_priv.h"

size_t scalar_size(const struct schema_field *f)
{
    return f->type == F_BOOL ? sizeof(bool) : sizeof(int64_t);
}

const max_align_t schema_given_empty;

void *items_new(struct arena *a, const struct schema *s, size_t len)
{
    return len ? arena_zalloc(a, json_room(len) * s->size) : SCHEMA_GIVEN_EMPTY;
}

static bool scalar_is_zero(const struct schema_field *f, const void *at)
{
    if (f->type == F_DOUBLE)
        return *(const double *)at == 0;
    return f->type == F_BOOL ? !*(const bool *)at : *(const int64_t *)at == 0;
}

bool field_is_empty(const struct schema_field *f, const void *at)
{
    switch ((enum field_type)f->type) {
    case F_STR:
        return !*(const char *const *)at || !**(const char *const *)at;
    case F_OBJ:
    case F_JSON:
        return !*(const void *const *)at;
    case F_STRLIST:
    case F_STRMAP:
    case F_LIST:
    case F_MAP:
        return ((const struct any_list *)at)->len == 0;
    case F_BYTES:
        return ((const struct str *)at)->len == 0;
    case F_EMBED:
        return false;
    case F_INT:
    case F_UINT:
    case F_DOUBLE:
    case F_BOOL:
    case F_DURATION:
    case F_TTL:
    case F_TIME:
        break;
    }
    return f->flags & FIELD_PTR ? !*(const void *const *)at : scalar_is_zero(f, at);
}

/*
 * Copy.
 */
static void copy_fields(const struct schema *s, const void *from, void *to, struct arena *a)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];

        field_copy(f, field_at(from, f), field_at(to, f), a);
    }
}

static void copy_scalar(const struct schema_field *f, const void *from, void *to,
                        struct arena *a)
{
    const void *v = scalar_at(from, f);
    void *box = to;

    if (f->flags & FIELD_PTR)
        *(void **)to = box = v ? arena_alloc(a, scalar_size(f)) : NULL;
    if (v)
        memcpy(box, v, scalar_size(f));
}

/* Nothing to copy: what is left is whether it was given. */
static bool copy_empty(const struct any_list *from, struct any_list *to)
{
    if (from->len == 0)
        *to = (struct any_list){from->at ? SCHEMA_GIVEN_EMPTY : NULL, 0};
    return from->len == 0;
}

static void copy_strlist(const struct strlist *from, struct strlist *to, struct arena *a)
{
    const char **at = arena_alloc(a, json_room(from->len) * sizeof *at);

    for (size_t i = 0; i < from->len; i++)
        at[i] = arena_strdup(a, from->at[i]);
    *to = (struct strlist){at, from->len};
}

static void copy_strmap(const struct strmap *from, struct strmap *to, struct arena *a)
{
    struct strpair *at = arena_alloc(a, json_room(from->len) * sizeof *at);

    for (size_t i = 0; i < from->len; i++)
        at[i] = (struct strpair){arena_strdup(a, from->at[i].key),
                                 arena_strdup(a, from->at[i].val)};
    *to = (struct strmap){at, from->len};
}

static void copy_items(const struct schema *s, const struct any_list *from, struct any_list *to,
                       struct arena *a)
{
    struct any_list fresh = {items_new(a, s, from->len), from->len};

    for (size_t i = 0; i < from->len; i++)
        copy_fields(s, item_at(from, s, i), item_at(&fresh, s, i), a);
    *to = fresh;
}

void field_copy(const struct schema_field *f, const void *from, void *to, struct arena *a)
{
    switch ((enum field_type)f->type) {
    case F_STR:
        *(char **)to = arena_strdup(a, *(const char *const *)from);
        break;
    case F_BYTES:
        *(struct str *)to = arena_str(a, *(const struct str *)from);
        break;
    case F_STRLIST:
        if (!copy_empty(from, to))
            copy_strlist(from, to, a);
        break;
    case F_STRMAP:
        if (!copy_empty(from, to))
            copy_strmap(from, to, a);
        break;
    case F_JSON:
        *(struct json **)to = json_copy(a, *(struct json *const *)from);
        break;
    case F_OBJ:
        *(void **)to = schema_copy(f->sub, *(const void *const *)from, a);
        break;
    case F_EMBED:
        copy_fields(f->sub, from, to, a);
        break;
    case F_LIST:
    case F_MAP:
        if (!copy_empty(from, to))
            copy_items(f->sub, from, to, a);
        break;
    case F_INT:
    case F_UINT:
    case F_DOUBLE:
    case F_BOOL:
    case F_DURATION:
    case F_TTL:
    case F_TIME:
        copy_scalar(f, from, to, a);
        break;
    }
}

void *schema_copy(const struct schema *s, const void *obj, struct arena *a)
{
    void *to;

    if (!obj)
        return NULL;
    to = arena_zalloc(a, s->size);
    copy_fields(s, obj, to, a);
    return to;
}

/*
 * Equality.
 */
static bool cstr_eq(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool scalar_eq(const struct schema_field *f, const void *x, const void *y)
{
    x = scalar_at(x, f);
    y = scalar_at(y, f);
    if (!x || !y)
        return x == y;
    if (f->type == F_DOUBLE)
        return *(const double *)x == *(const double *)y;
    return memcmp(x, y, scalar_size(f)) == 0;
}

static bool strlist_eq(const struct strlist *x, const struct strlist *y)
{
    for (size_t i = 0; i < x->len; i++)
        if (!cstr_eq(x->at[i], y->at[i]))
            return false;
    return true;
}

static bool strmap_eq(const struct strmap *x, const struct strmap *y)
{
    for (size_t i = 0; i < x->len; i++)
        if (!cstr_eq(x->at[i].key, y->at[i].key) || !cstr_eq(x->at[i].val, y->at[i].val))
            return false;
    return true;
}

static bool items_eq(const struct schema *s, const struct any_list *x, const struct any_list *y)
{
    for (size_t i = 0; i < x->len; i++)
        if (!schema_eq(s, item_at(x, s, i), item_at(y, s, i)))
            return false;
    return true;
}

bool field_eq(const struct schema_field *f, const void *x, const void *y)
{
    const struct any_list *lx = x, *ly = y;

    switch ((enum field_type)f->type) {
    case F_STR:
        return cstr_eq(*(const char *const *)x, *(const char *const *)y);
    case F_BYTES:
        return str_eq(*(const struct str *)x, *(const struct str *)y);
    case F_STRLIST:
        return lx->len == ly->len && strlist_eq(x, y);
    case F_STRMAP:
        return lx->len == ly->len && strmap_eq(x, y);
    case F_JSON:
        return json_eq(*(struct json *const *)x, *(struct json *const *)y);
    case F_OBJ:
        return schema_eq(f->sub, *(const void *const *)x, *(const void *const *)y);
    case F_EMBED:
        return schema_eq(f->sub, x, y);
    case F_LIST:
    case F_MAP:
        return lx->len == ly->len && items_eq(f->sub, x, y);
    case F_INT:
    case F_UINT:
    case F_DOUBLE:
    case F_BOOL:
    case F_DURATION:
    case F_TTL:
    case F_TIME:
        break;
    }
    return scalar_eq(f, x, y);
}

bool schema_eq(const struct schema *s, const void *a, const void *b)
{
    if (!a || !b || a == b)
        return a == b;
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];

        if (!(f->flags & FIELD_NODIFF) && !field_eq(f, field_at(a, f), field_at(b, f)))
            return false;
    }
    return true;
}
