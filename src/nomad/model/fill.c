/* What one table-driven walk can do about fields that were not given. */
#include <string.h>

#include "nomad/model/model_priv.h"

static void *at_field(const void *obj, const struct schema_field *f)
{
    return (char *)(uintptr_t)obj + f->offset;
}

static bool is_scalar_ptr(const struct schema_field *f)
{
    return f->flags & FIELD_PTR && f->type >= F_INT && f->type <= F_TIME;
}

static size_t scalar_bytes(const struct schema_field *f)
{
    return f->type == F_BOOL ? sizeof(bool) : sizeof(int64_t);
}

void fill_from(const struct schema *s, void *obj, const void *other, struct arena *a)
{
    for (size_t i = 0; other && i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        void **to = at_field(obj, f);
        void *const *from = at_field(other, f);

        if (f->flags & FIELD_HCL_ONLY || (f->type != F_STR && !is_scalar_ptr(f)))
            continue;
        if (*to || !*from)
            continue;
        *to = *from;
        if (f->type != F_STR) {
            *to = arena_alloc(a, scalar_bytes(f));
            memcpy(*to, *from, scalar_bytes(f));
        }
    }
}

bool all_zero(const struct schema *s, const void *obj)
{
    static const char zero[sizeof(int64_t)];

    for (size_t i = 0; obj && i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        const void *p = *(void *const *)at_field(obj, f);

        if (f->flags & FIELD_HCL_ONLY || !p)
            continue;
        if (f->type == F_STR ? *(const char *)p != '\0'
                             : is_scalar_ptr(f) && memcmp(p, zero, scalar_bytes(f)) != 0)
            return false;
    }
    return true;
}

static void fill_field(const struct schema_field *f, void *at, struct arena *a)
{
    struct {
        char *at;
        size_t len;
    } *list = at;
    void **p = at;

    switch (f->type) {
    case F_STR:
        if (!*p)
            *(const char **)at = "";
        break;
    case F_OBJ:
        if (*p)
            fill_nulls(f->sub, *p, a);
        break;
    case F_EMBED:
        fill_nulls(f->sub, at, a);
        break;
    case F_LIST:
    case F_MAP:
        for (size_t i = 0; i < list->len; i++)
            fill_nulls(f->sub, list->at + i * f->sub->size, a);
        break;
    default:
        if (is_scalar_ptr(f) && !*p && !(f->flags & FIELD_NULLEMPTY))
            *p = arena_zalloc(a, sizeof(int64_t));
        break;
    }
}

void fill_nulls(const struct schema *s, void *obj, struct arena *a)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (!(s->fields[i].flags & FIELD_HCL_ONLY))
            fill_field(&s->fields[i], at_field(obj, &s->fields[i]), a);
}
