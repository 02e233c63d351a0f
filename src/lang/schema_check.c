#include <stdio.h>
#include <string.h>

#include "lang/schema_priv.h"
#include "lang/units.h"

/* A limit as people write the field. */
static void limit_text(const struct schema_field *f, int64_t v, char ret[DURATION_TEXT_SIZE])
{
    if (f->type == F_DURATION)
        duration_format(v, ret);
    else if (f->type == F_TTL)
        ttl_format_human(v, ret);
    else
        snprintf(ret, DURATION_TEXT_SIZE, "%lld", (long long)v);
}

static void check_range(const struct schema_field *f, const void *v,
                        const struct schema_at *where, struct problems *p)
{
    char text[DURATION_TEXT_SIZE];
    bool low, high;

    if (f->min >= f->max || f->type == F_BOOL)
        return;
    if (f->type == F_DOUBLE) {
        low = *(const double *)v < (double)f->min;
        high = *(const double *)v > (double)f->max;
    } else if (f->type == F_UINT) {
        low = f->min > 0 && *(const uint64_t *)v < (uint64_t)f->min;
        high = f->max < 0 || *(const uint64_t *)v > (uint64_t)f->max;
    } else {
        low = *(const int64_t *)v < f->min;
        high = *(const int64_t *)v > f->max;
    }
    if (!low && !high)
        return;
    limit_text(f, low ? f->min : f->max, text);
    schema_problem(p, where, "must be at %s %s", low ? "least" : "most", text);
}

/* "a|b|c" as `"a", "b" or "c"`. */
static void put_choices(struct buf *b, const char *one_of)
{
    struct str rest = str_of(one_of), item;

    for (bool first = true; str_split(&rest, '|', &item); first = false)
        buf_printf(b, "%s\"%.*s\"", first ? "" : rest.p ? ", " : " or ", STR_ARG(item));
}

static void check_one_of(const struct schema_field *f, const char *text,
                         const struct schema_at *where, struct problems *p)
{
    auto_buf struct buf b = BUF_INIT(1024);
    struct str rest = str_of(f->one_of), item;

    while (str_split(&rest, '|', &item))
        if (str_eqc(item, text))
            return;
    put_choices(&b, f->one_of);
    schema_problem(p, where, "must be %s, not \"%.64s\"", buf_str(&b).p, text);
}

static void check_len(size_t len, size_t max, const char *what, const struct schema_at *where,
                      struct problems *p)
{
    if (len > max)
        schema_problem(p, where, "must not have more than %zu %s", max, what);
}

void schema_check_field(const struct schema_field *f, const void *at,
                        const struct schema_at *where, struct problems *p)
{
    const char *text;

    if (is_scalar(f)) {
        if (scalar_at(at, f))
            check_range(f, scalar_at(at, f), where, p);
        return;
    }
    switch (f->type) {
    case F_STR:
        text = *(const char *const *)at;
        if (text && *text && f->one_of)
            check_one_of(f, text, where, p);
        if (text)
            check_len(strlen(text), bytes_max(f), "bytes", where, p);
        break;
    case F_BYTES:
        check_len(((const struct str *)at)->len, bytes_max(f), "bytes", where, p);
        break;
    case F_STRLIST:
    case F_STRMAP:
    case F_LIST:
    case F_MAP:
        check_len(((const struct any_list *)at)->len, items_max(f), "items", where, p);
        break;
    default:
        break;
    }
}

static void check_items(const struct schema_field *f, const struct any_list *l,
                        struct schema_at *where, struct problems *p)
{
    for (size_t i = 0; i < l->len && p->list.len < PROBLEMS_MAX; i++) {
        where->index = i;
        where->item = item_at(l, f->sub, i);
        if (f->type == F_MAP)
            where->key = *(const char *const *)field_at(where->item, &f->sub->fields[0]);
        schema_check_at(f->sub, where->item, where, p);
    }
}

static void check_below(const struct schema_field *f, const void *at, struct schema_at *where,
                        struct problems *p)
{
    if (f->type == F_OBJ && *(const void *const *)at)
        schema_check_at(f->sub, *(const void *const *)at, where, p);
    else if (f->type == F_EMBED)
        schema_check_at(f->sub, at, where, p);
    else if (f->type == F_LIST || f->type == F_MAP)
        check_items(f, at, where, p);
}

/* Zero means "not given", unless it takes somebody to write it. */
static bool may_be_absent(const struct schema_field *f, const void *at)
{
    return is_scalar(f) && !f->def && !(f->flags & FIELD_REQUIRED) && field_is_empty(f, at);
}

static bool is_missing(const struct schema_field *f, const void *at)
{
    bool plain = (is_scalar(f) && !(f->flags & FIELD_PTR)) || f->type == F_EMBED;

    return f->flags & FIELD_REQUIRED && !plain && field_is_empty(f, at);
}

void schema_check_at(const struct schema *s, const void *obj, const struct schema_at *where,
                     struct problems *p)
{
    size_t before = p->list.len;

    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        const void *at = field_at(obj, f);
        struct schema_at here = {.up = where, .field = f, .index = (size_t)NO_INDEX};

        if (is_missing(f, at))
            schema_problem(p, &here, "is required");
        else if (!may_be_absent(f, at))
            schema_check_field(f, at, &here, p);
        check_below(f, at, &here, p);
    }
    if (s->check && p->list.len == before)
        s->check(obj, schema_path(p->arena, where), p);
}

void schema_check(const struct schema *s, const void *obj, const char *path, struct problems *p)
{
    struct schema_at root = {.base = path ? path : ""};

    schema_check_at(s, obj, &root, p);
}
