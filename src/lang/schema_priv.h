/*
 * schema_priv -- what the files of the schema mechanism share
 *
 * schema.c: problems, prepared tables, defaults, committed objects. schema_decode.c: from JSON.
 * schema_hcl*.c: from HCL. schema_encode.c: to JSON. schema_check.c: limits. schema_copy.c:
 * copy and equality. schema_diff.c: differences.
 */
#ifndef LANG_SCHEMA_PRIV_H
#define LANG_SCHEMA_PRIV_H

#include "lang/schema.h"

/* Beyond the door's flags: what is decoded was checked when it was stored. */
enum { SCHEMA_STORED = 1 << 16, SCHEMA_VERSION = 1, SCHEMA_FIELDS_MAX = 256 };

/* A list's items as bytes: every LIST(T) has this shape. */
struct any_list {
    char *at;
    size_t len;
};

static inline bool is_list(const struct schema_field *f)
{
    return f->type == F_STRLIST || f->type == F_STRMAP || f->type == F_LIST || f->type == F_MAP;
}

static inline void *field_at(const void *obj, const struct schema_field *f)
{
    return (char *)(uintptr_t)obj + f->offset;
}

static inline void *item_at(const struct any_list *l, const struct schema *s, size_t i)
{
    return l->at + i * s->size;
}

/* The scalar itself; NULL when it stands behind a pointer that is NULL. */
static inline const void *scalar_at(const void *at, const struct schema_field *f)
{
    return f->flags & FIELD_PTR ? *(const void *const *)at : at;
}

static inline bool is_scalar(const struct schema_field *f)
{
    return f->type >= F_INT && f->type <= F_TIME;
}

static inline bool in_json(const struct schema_field *f)
{
    return f->json && !(f->flags & FIELD_HCL_ONLY);
}

/* Most items of a list or map. */
static inline size_t items_max(const struct schema_field *f)
{
    if (f->max > 0)
        return (size_t)f->max;
    return f->type == F_LIST || f->type == F_MAP ? SCHEMA_ITEMS_MAX : SCHEMA_LIST_MAX;
}

static inline size_t bytes_max(const struct schema_field *f)
{
    return f->max > 0 ? (size_t)f->max : SCHEMA_STR_MAX;
}

size_t scalar_size(const struct schema_field *f);
/* Room that a list of `len` items has in an arena, zeroed; for none, SCHEMA_GIVEN_EMPTY. */
void *items_new(struct arena *a, const struct schema *s, size_t len);
/* NULL, zero or empty. */
bool field_is_empty(const struct schema_field *f, const void *at);
void field_copy(const struct schema_field *f, const void *from, void *to, struct arena *a);
bool field_eq(const struct schema_field *f, const void *x, const void *y);

/*
 * A table prepared for speed, once per schema and process.
 */
struct prep_field {
    const char *name; /* JSON's; "" when it has none */
    size_t len;
};

struct prep {
    const struct schema *schema;
    struct arena *arena;
    struct prep_field *fields;
    void *image; /* an object with the defaults */
    const struct schema_field **defaults;
    size_t n_defaults;
};

const struct prep *schema_prep(const struct schema *s);

/*
 * Where we are, for messages; turned into text only when there is something to say.
 */
struct schema_at {
    const struct schema_at *up;
    const struct schema_field *field;
    size_t index; /* of a list's item, NO_INDEX: none */
    const char *key;
    const void *item; /* the object inside field, if it has a label */
    const struct json *json;
    const char *base; /* instead of a field: the caller's path */
};

enum { NO_INDEX = -1 };

const char *schema_path(struct arena *a, const struct schema_at *at);
void schema_problem(struct problems *p, const struct schema_at *at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* "Did you mean": the field's name nearest to `name`, NULL when none is near. */
const char *schema_nearest(const struct schema *s, struct str name);
/* Range, length and one_of of a field that is there. */
void schema_check_field(const struct schema_field *f, const void *at,
                        const struct schema_at *where, struct problems *p);
void schema_check_at(const struct schema *s, const void *obj, const struct schema_at *where,
                     struct problems *p);
/* Decode one field's value; false: said. */
struct schema_decoder {
    struct problems *problems;
    unsigned flags;
    int depth;
};
bool schema_decode_field(struct schema_decoder *d, const struct schema_field *f,
                         const struct json *v, struct schema_at *where, void *at);

#endif
