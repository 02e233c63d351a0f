#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/map.h"
#include "lang/schema_priv.h"
#include "lang/units.h"

/*
 * Fields are compared as texts, the way the API shows them: durations as a number of
 * nanoseconds, maps as "Meta[key]", free-form values flattened to "Config[args][0]"; a missing
 * one is "". Objects inside are objects of the diff. Items of a list are the same item when
 * their labels are; items without a label are the same only when they are equal, so a changed
 * one is one deleted and one added.
 */
enum { FLAT_BYTES_MAX = 16 << 20 };

struct differ {
    struct arena *arena;
    bool all;
    size_t flat_left; /* of FLAT_BYTES_MAX, for one free-form value */
};

static void diff_object(struct differ *d, const struct schema *s, const void *a, const void *b,
                        struct object_diff *ret);

static const char *diff_type(const char *old, const char *new)
{
    if (!old)
        return new ? "Added" : "None";
    return !new ? "Deleted" : strcmp(old, new) ? "Edited" : "None";
}

/* NULL stands for "not there". */
static void add_field(struct differ *d, struct object_diff *ret, const char *name,
                      const char *old, const char *new)
{
    const char *type = diff_type(old, new);

    if (!old && !new)
        return;
    if (!d->all && strcmp(type, "None") == 0)
        return;
    *list_add(d->arena, &ret->fields) =
        (struct field_diff){type, name, old ? old : "", new ? new : ""};
}

static const char *bytes_text(struct arena *a, struct str bytes)
{
    auto_buf struct buf b = BUF_INIT(bytes.len / 3 * 4 + 4);

    codec_base64_encode(&b, bytes, false, true);
    return arena_cstr(a, buf_str(&b));
}

static const char *number_text(struct arena *a, const struct schema_field *f, const void *v)
{
    auto_buf struct buf b = BUF_INIT(64);
    char text[TIME_TEXT_SIZE];
    struct json_out w;

    if (f->type == F_BOOL)
        return *(const bool *)v ? "true" : "false";
    if (f->type == F_TIME) {
        time_format_utc(*(const int64_t *)v, text);
        return *(const int64_t *)v ? arena_strdup(a, text) : "0001-01-01T00:00:00Z";
    }
    if (f->type == F_UINT)
        return arena_printf(a, "%llu", (unsigned long long)*(const uint64_t *)v);
    if (f->type != F_DOUBLE)
        return arena_printf(a, "%lld", (long long)*(const int64_t *)v);
    json_out_init(&w, &b, NULL);
    json_double(&w, *(const double *)v);
    return arena_cstr(a, buf_str(&b));
}

/* A plain field's text; `obj` NULL or an empty text: not there. */
static const char *field_text(struct arena *a, const struct schema_field *f, const void *obj)
{
    const void *at = obj ? field_at(obj, f) : NULL;

    if (!at)
        return NULL;
    if (f->type == F_STR)
        return field_is_empty(f, at) ? NULL : *(const char *const *)at;
    if (f->type == F_BYTES)
        return field_is_empty(f, at) ? NULL : bytes_text(a, *(const struct str *)at);
    at = scalar_at(at, f);
    return at ? number_text(a, f, at) : NULL;
}

static void diff_plain(struct differ *d, const struct schema_field *f, const void *a,
                       const void *b, struct object_diff *ret)
{
    const char *old = field_text(d->arena, f, a), *new = field_text(d->arena, f, b);

    if (a && b && !old && !new) /* there, and empty */
        old = new = "";
    add_field(d, ret, f->json, old, new);
}

static const struct strmap *map_of(const struct schema_field *f, const void *obj)
{
    static const struct strmap none;

    return obj ? field_at(obj, f) : &none;
}

static void diff_map(struct differ *d, const char *name, const struct strmap *a,
                     const struct strmap *b, struct object_diff *ret)
{
    size_t i = 0, j = 0;

    while (i < a->len || j < b->len) { /* both are sorted */
        int c = i == a->len ? 1 : j == b->len ? -1 : strcmp(a->at[i].key, b->at[j].key);
        const char *key = c <= 0 ? a->at[i].key : b->at[j].key;

        add_field(d, ret, arena_printf(d->arena, "%s[%s]", name, key),
                  c <= 0 ? a->at[i].val : NULL, c >= 0 ? b->at[j].val : NULL);
        i += c <= 0;
        j += c >= 0;
    }
}

static void add_object(struct differ *d, struct object_diff *ret, const char *name,
                       struct object_diff *child)
{
    if (strcmp(child->type, "None") == 0 && !d->all)
        return;
    child->name = name;
    *list_add(d->arena, &ret->objects) = *child;
}

static void set_of(const struct strlist *l, struct map *ret)
{
    for (size_t i = 0; i < l->len; i++)
        map_put(ret, str_of(l->at[i]), (void *)(uintptr_t)l->at[i]);
}

/* A list of strings is a set: an object with one field per element. */
static void diff_set(struct differ *d, const char *name, const struct strlist *a,
                     const struct strlist *b, struct object_diff *ret)
{
    struct map in_a = MAP_INIT, in_b = MAP_INIT;
    struct object_diff set = {.type = "None"};
    bool changed = false;

    set_of(a, &in_a);
    set_of(b, &in_b);
    for (size_t i = 0; i < a->len; i++) {
        bool kept = map_get(&in_b, str_of(a->at[i]));

        changed = changed || !kept;
        add_field(d, &set, name, a->at[i], kept ? a->at[i] : NULL);
    }
    for (size_t i = 0; i < b->len; i++) {
        if (map_get(&in_a, str_of(b->at[i])))
            continue;
        changed = true;
        add_field(d, &set, name, NULL, b->at[i]);
    }
    map_done(&in_a);
    map_done(&in_b);
    if (!changed)
        return;
    set.type = a->len == 0 ? "Added" : b->len == 0 ? "Deleted" : "Edited";
    add_object(d, ret, name, &set);
}

/* Free-form values, flattened into one map of texts. A name repeats those above it, so what all
 * of them may take is bounded: values beyond are not compared one by one. */
static void flatten(struct differ *d, const char *name, const struct json *v, struct strmap *to)
{
    struct arena *a = d->arena;
    const char *text;
    size_t bytes;

    if (!v || v->type == JSON_NULL)
        return;
    for (uint32_t i = 0; v->type == JSON_ARRAY && i < v->len && d->flat_left; i++)
        flatten(d, arena_printf(a, "%s[%u]", name, i), &v->items[i], to);
    for (uint32_t i = 0; v->type == JSON_OBJECT && i < v->len && d->flat_left; i++) {
        struct str key = v->members[i].key;

        flatten(d, arena_printf(a, *name ? "%s[%.*s]" : "%s%.*s", name, STR_ARG(key)),
                &v->members[i].value, to);
    }
    bytes = strlen(name) + 16;
    d->flat_left -= bytes < d->flat_left ? bytes : d->flat_left;
    if (v->type == JSON_ARRAY || v->type == JSON_OBJECT)
        return;
    text = v->type != JSON_BOOL ? arena_cstr(a, v->text) : v->b ? "true" : "false";
    list_push(a, to, ((struct strpair){name, text}));
}

static int cmp_pair(const void *a, const void *b)
{
    return strcmp(((const struct strpair *)a)->key, ((const struct strpair *)b)->key);
}

static void flat_map(struct differ *d, const struct schema_field *f, const void *obj,
                     struct strmap *to)
{
    *to = (struct strmap){0};
    d->flat_left = FLAT_BYTES_MAX;
    if (obj)
        flatten(d, "", *(struct json *const *)field_at(obj, f), to);
    if (to->len > 1)
        qsort(to->at, to->len, sizeof *to->at, cmp_pair);
}

static void diff_json(struct differ *d, const struct schema_field *f, const void *a,
                      const void *b, struct object_diff *ret)
{
    struct object_diff child = {.type = "None"};
    struct strmap old, new;

    flat_map(d, f, a, &old);
    flat_map(d, f, b, &new);
    for (size_t i = 0, j = 0; i < old.len || j < new.len;) {
        int c = i == old.len ? 1 : j == new.len ? -1 : strcmp(old.at[i].key, new.at[j].key);
        const char *x = c <= 0 ? old.at[i].val : NULL, *y = c >= 0 ? new.at[j].val : NULL;

        if (strcmp(diff_type(x, y), "None") != 0)
            child.type = "Edited";
        add_field(d, &child, c <= 0 ? old.at[i].key : new.at[j].key, x, y);
        i += c <= 0;
        j += c >= 0;
    }
    if (strcmp(child.type, "None") == 0)
        return;
    child.type = old.len == 0 ? "Added" : new.len == 0 ? "Deleted" : "Edited";
    add_object(d, ret, f->json, &child);
}

/*
 * Lists of objects.
 */
static const char *label_of(const struct schema *s, const void *item, bool map)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];

        if (f->type == F_STR && (f->flags & FIELD_LABEL || (map && i == 0)))
            return *(const char *const *)field_at(item, f);
    }
    return NULL;
}

/* The item of `in` that is `item`, among those not taken yet. */
static size_t find_same(const struct schema_field *f, const struct any_list *in,
                        const void *item, const bool *taken)
{
    const char *label = label_of(f->sub, item, f->type == F_MAP);

    for (size_t i = 0; i < in->len; i++) {
        const void *other = item_at(in, f->sub, i);
        const char *its = label_of(f->sub, other, f->type == F_MAP);

        if (taken[i])
            continue;
        if (label ? its && strcmp(label, its) == 0 : schema_eq(f->sub, item, other))
            return i;
    }
    return in->len;
}

static const char *object_name(const struct schema_field *f);

static void diff_pair(struct differ *d, const struct schema_field *f, const void *a,
                      const void *b, struct object_diff *ret)
{
    struct object_diff child = {0};

    if (!a && !b)
        return;
    diff_object(d, f->sub, a, b, &child);
    if (strcmp(child.type, "None") != 0)
        add_object(d, ret, object_name(f), &child);
}

static void diff_items(struct differ *d, const struct schema_field *f, const void *a,
                       const void *b, struct object_diff *ret)
{
    static const struct any_list none;
    const struct any_list *old = a ? field_at(a, f) : &none, *new = b ? field_at(b, f) : &none;
    bool *taken = arena_zalloc(d->arena, new->len + 1);

    for (size_t i = 0; i < old->len; i++) {
        const void *item = item_at(old, f->sub, i);
        size_t same = find_same(f, new, item, taken);

        if (same < new->len)
            taken[same] = true;
        diff_pair(d, f, item, same < new->len ? item_at(new, f->sub, same) : NULL, ret);
    }
    for (size_t i = 0; i < new->len; i++)
        if (!taken[i])
            diff_pair(d, f, NULL, item_at(new, f->sub, i), ret);
}

/* What the API calls an item of a list: "Constraints" holds a "Constraint". */
static const char *object_name(const struct schema_field *f)
{
    return f->diff_name ? f->diff_name : f->json;
}

static void diff_field(struct differ *d, const struct schema_field *f, const void *a,
                       const void *b, struct object_diff *ret)
{
    static const struct strlist none;

    switch (f->type) {
    case F_STRMAP:
        diff_map(d, f->json, map_of(f, a), map_of(f, b), ret);
        break;
    case F_STRLIST:
        diff_set(d, f->json, a ? field_at(a, f) : &none, b ? field_at(b, f) : &none, ret);
        break;
    case F_JSON:
        diff_json(d, f, a, b, ret);
        break;
    case F_OBJ:
        diff_pair(d, f, a ? *(const void *const *)field_at(a, f) : NULL,
                  b ? *(const void *const *)field_at(b, f) : NULL, ret);
        break;
    case F_EMBED:
        diff_pair(d, f, a ? field_at(a, f) : NULL, b ? field_at(b, f) : NULL, ret);
        break;
    case F_LIST:
    case F_MAP:
        diff_items(d, f, a, b, ret);
        break;
    default:
        diff_plain(d, f, a, b, ret);
        break;
    }
}

static int cmp_fields(const void *a, const void *b)
{
    return strcmp(((const struct field_diff *)a)->name, ((const struct field_diff *)b)->name);
}

static bool has_change(const struct object_diff *o)
{
    list_each (&o->fields, f)
        if (strcmp(f->type, "None") != 0)
            return true;
    return o->objects.len > 0; /* unchanged ones are not added */
}

static void diff_object(struct differ *d, const struct schema *s, const void *a, const void *b,
                        struct object_diff *ret)
{
    *ret = (struct object_diff){.type = "None", .name = s->name};
    for (size_t i = 0; i < s->n_fields; i++)
        if (!(s->fields[i].flags & FIELD_NODIFF) && in_json(&s->fields[i]))
            diff_field(d, &s->fields[i], a, b, ret);
    if (ret->fields.len > 1)
        qsort(ret->fields.at, ret->fields.len, sizeof *ret->fields.at, cmp_fields);
    if (!a || !b)
        ret->type = a ? "Deleted" : b ? "Added" : "None";
    else if (has_change(ret))
        ret->type = "Edited";
}

void schema_diff(const struct schema *s, const void *a, const void *b, bool all,
                 struct arena *ar, struct object_diff *ret)
{
    struct differ d = {.arena = ar, .all = all};

    diff_object(&d, s, a, b, ret);
}
