#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/err.h"
#include "lang/json_scan.h"
#include "lang/schema_hcl.h"
#include "lang/units.h"

/* What an argument's value is decoded for. */
struct value {
    struct hcl_decoder *d;
    const struct schema_field *field;
    struct hcl_range at; /* where errors point */
};

static bool unsuitable(const struct value *v, const char *fmt, ...) PRINTF_LIKE(2, 3);

static bool unsuitable(const struct value *v, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = arena_vprintf(v->d->diags->arena, fmt, ap);
    va_end(ap);
    hcl_decode_diag(v->d, v->at, "Unsuitable value type",
                    arena_printf(v->d->diags->arena, "%s: %s", v->field->hcl, text), "%s",
                    text);
    return false;
}

const char *hcl_decode_text(struct hcl_decoder *d, const struct schema_field *f,
                            struct str text, struct hcl_range at)
{
    size_t max = f->max > 0 && f->type == F_STR ? (size_t)f->max : SCHEMA_STR_MAX;
    const struct value v = {d, f, at};

    if (text.len > max) {
        unsuitable(&v, "Unsuitable value: must not be longer than %zu bytes", max);
        return NULL;
    }
    if (text.len && memchr(text.p, '\0', text.len)) {
        unsuitable(&v, "Unsuitable value: must not contain a NUL character");
        return NULL;
    }
    return arena_cstr(d->arena, text);
}

/* Text of a string, number or bool; NULL: said. `prefix` names the element it is in. */
static const char *to_text(const struct value *v, const struct json *j, const char *prefix)
{
    const struct json *s = hcl_to_string(j, v->d->arena);

    if (j->type == JSON_NULL)
        unsuitable(v, "Unsuitable value: null value is not allowed");
    else if (!s)
        unsuitable(v, "Unsuitable value: %sstring required", prefix);
    else
        return hcl_decode_text(v->d, v->field, s->text, v->at);
    return NULL;
}

static bool put_str(const struct value *v, const struct json *j, void *at)
{
    const char *text = to_text(v, j, "");

    if (text)
        *(const char **)at = text;
    return text;
}

static bool put_bytes(const struct value *v, const struct json *j, void *at)
{
    auto_buf struct buf b = BUF_INIT(SCHEMA_STR_MAX);
    const char *text = to_text(v, j, "");
    struct err e = ERR_INIT;

    if (!text)
        return false;
    if (codec_base64_decode(&b, str_of(text), false, true, &e) < 0)
        return unsuitable(v, "Unsuitable value: %s", e.msg);
    *(struct str *)at = arena_str(v->d->arena, buf_str(&b));
    return true;
}

static const struct json *to_number(const struct value *v, const struct json *j)
{
    const struct json *n = hcl_to_number(j, v->d->arena);

    if (!n)
        unsuitable(v, "Unsuitable value: %s",
                   j->type == JSON_STRING ? "a number is required" : "number required");
    return n;
}

static bool put_whole(const struct value *v, const struct json *n, void *at)
{
    uint64_t u;

    if (v->field->type == F_UINT && str_to_u64(n->text, 10, &u)) {
        *(uint64_t *)at = u;
        return true;
    }
    if (v->field->type == F_UINT)
        return unsuitable(v, "Unsuitable value: value must be a whole number, between 0 and "
                             "18446744073709551615");
    if (!json_to_i64(n, at))
        return unsuitable(v, "Unsuitable value: value must be a whole number, between "
                             "-9223372036854775808 and 9223372036854775807");
    return true;
}

static bool put_number(const struct value *v, const struct json *j, void *at)
{
    const struct json *n = to_number(v, j);

    if (!n)
        return false;
    if (v->field->type != F_DOUBLE)
        return put_whole(v, n, at);
    if (!json_to_double(n, at))
        return unsuitable(v, "Unsuitable value: number is too large");
    return true;
}

/* HCL1 configurations write 1 and "1" too. */
static bool loose_bool(const struct value *v, const struct json *j, void *at)
{
    bool number = j->type == JSON_NUMBER || j->type == JSON_STRING;

    return v->d->diags->dialect == HCL1 && number && str_to_bool(j->text, at);
}

static bool put_bool(const struct value *v, const struct json *j, void *at)
{
    const struct json *b = hcl_to_bool(j, v->d->arena);

    if (!b && loose_bool(v, j, at))
        return true;
    if (!b)
        return unsuitable(v, "Unsuitable value: %s",
                          j->type == JSON_STRING ? "a bool is required" : "bool required");
    *(bool *)at = b->b;
    return true;
}

/* How the original prints a type it did not want: its internals. Clients have seen it. */
static void put_type(struct buf *b, const struct json *j)
{
    static const char kinds[] = {[JSON_BOOL] = 'B', [JSON_NUMBER] = 'N', [JSON_STRING] = 'S'};

    if (j->type == JSON_ARRAY) {
        buf_puts(b, "{{{} [");
        for (uint32_t i = 0; i < j->len; i++) {
            buf_puts(b, i ? " " : "");
            put_type(b, &j->items[i]);
        }
        buf_puts(b, "]}}");
    } else if (j->type == JSON_OBJECT) {
        buf_puts(b, "{{{} map[");
        for (uint32_t i = 0; i < j->len; i++) {
            buf_printf(b, "%s%.*s:", i ? " " : "", STR_ARG(j->members[i].key));
            put_type(b, &j->members[i].value);
        }
        buf_puts(b, "] map[]}}");
    } else {
        buf_printf(b, "{{{} %%!s(cty.primitiveTypeKind=%d)}}", kinds[j->type]);
    }
}

static bool put_duration(const struct value *v, const struct json *j, void *at)
{
    auto_buf struct buf b = BUF_INIT(1024);
    struct err e = ERR_INIT;

    if (j->type == JSON_NUMBER)
        return put_number(v, j, at);
    if (j->type != JSON_STRING) {
        put_type(&b, j);
        return unsuitable(v, "Unsuitable value: expected a string but found %s", buf_str(&b).p);
    }
    if (duration_parse(j->text, at, &e) < 0)
        return unsuitable(v, "Unsuitable duration value: %s", e.msg);
    return true;
}

static bool put_ttl(const struct value *v, const struct json *j, void *at)
{
    struct err e = ERR_INIT;

    if (ttl_from_json(j, at, &e) < 0)
        return unsuitable(v, "Unsuitable duration value: %s", e.msg);
    return true;
}

static bool put_time(const struct value *v, const struct json *j, void *at)
{
    const char *text = to_text(v, j, "");
    struct err e = ERR_INIT;

    if (!text)
        return false;
    if (time_parse_rfc3339(str_of(text), at, &e) < 0)
        return unsuitable(v, "Unsuitable value: %s", e.msg);
    return true;
}

/* HCL1, and fields that say so, take one text for a list. */
static bool put_one_item(const struct value *v, const struct json *j, struct strlist *to)
{
    struct str rest = j->text, item;
    const char *text;

    if (j->type != JSON_STRING ||
        !(v->field->flags & FIELD_CSL || v->d->diags->dialect == HCL1))
        return unsuitable(v, "Unsuitable value: list of string required");
    *to = (struct strlist){SCHEMA_GIVEN_EMPTY, 0};
    if (!(v->field->flags & FIELD_CSL)) {
        text = to_text(v, j, "");
        if (text)
            list_push(v->d->arena, to, text);
        return text;
    }
    while (str_split(&rest, ',', &item)) {
        item = str_trim(item);
        text = item.len ? hcl_decode_text(v->d, v->field, item, v->at) : NULL;
        if (text)
            list_push(v->d->arena, to, text);
    }
    return true;
}

static bool put_strlist(const struct value *v, const struct json *j, void *at)
{
    size_t max = items_max(v->field);
    struct strlist list = {SCHEMA_GIVEN_EMPTY, 0};
    char prefix[32];

    if (j->type != JSON_ARRAY)
        return put_one_item(v, j, at);
    if (j->len > max)
        return unsuitable(v, "Unsuitable value: must not have more than %zu items", max);
    if (j->len)
        list.at = arena_alloc(v->d->arena, json_room(j->len) * sizeof *list.at);
    for (uint32_t i = 0; i < j->len; i++) {
        snprintf(prefix, sizeof prefix, "element %u: ", i);
        list.at[i] = to_text(v, &j->items[i], prefix);
        if (!list.at[i])
            return false;
    }
    list.len = j->len;
    *(struct strlist *)at = list;
    return true;
}

/* Fewer than JSON may have: pairs are put in order one by one. */
static size_t pairs_max(const struct schema_field *f)
{
    size_t max = items_max(f);

    return max < SCHEMA_ITEMS_MAX ? max : SCHEMA_ITEMS_MAX;
}

static bool put_strmap(const struct value *v, const struct json *j, void *at)
{
    size_t max = pairs_max(v->field);
    struct arena *a = v->d->arena;
    struct strmap map = {SCHEMA_GIVEN_EMPTY, 0};

    if (j->type != JSON_OBJECT)
        return unsuitable(v, "Unsuitable value: map of string required");
    if (j->len > max)
        return unsuitable(v, "Unsuitable value: must not have more than %zu items", max);
    for (uint32_t i = 0; i < j->len; i++) {
        const char *key = hcl_decode_text(v->d, v->field, j->members[i].key, v->at);
        const char *text =
            key ? to_text(v, &j->members[i].value, arena_printf(a, "element \"%.64s\": ", key))
                : NULL;

        if (!text)
            return false;
        strmap_set(a, &map, key, text);
    }
    *(struct strmap *)at = map;
    return true;
}

static bool put_json(const struct value *v, const struct json *j, void *at)
{
    *(struct json **)at = json_copy(v->d->arena, j);
    return true;
}

static bool (*const putters[])(const struct value *v, const struct json *j, void *at) = {
    [F_STR] = put_str,       [F_INT] = put_number, [F_UINT] = put_number,
    [F_DOUBLE] = put_number, [F_BOOL] = put_bool,  [F_DURATION] = put_duration,
    [F_TTL] = put_ttl,       [F_TIME] = put_time,  [F_STRLIST] = put_strlist,
    [F_STRMAP] = put_strmap, [F_JSON] = put_json,  [F_OBJ] = NULL,
    [F_EMBED] = NULL,        [F_LIST] = NULL,      [F_MAP] = NULL,
    [F_BYTES] = put_bytes,
};

/* An expression that failed has said why; what it was for says that it cannot do without,
 * unless the failure still left a value behind. */
static void failed(const struct value *v)
{
    const struct hcl_diags *d = v->d->diags;
    const char *last = d->list.len ? d->list.at[d->list.len - 1].summary : "";

    if (d->dialect == HCL1 || strcmp(last, "Invalid template interpolation value") == 0)
        return;
    if (strcmp(last, "Duplicate object key") != 0)
        unsuitable(v, "Unsuitable value: value must be known");
    else if (v->field->type == F_STRLIST)
        unsuitable(v, "Unsuitable value: list of string required");
}

static void put_null(const struct value *v, struct hcl_range at)
{
    if (v->field->type == F_DURATION)
        hcl_decode_diag(v->d, at, "Unsuitable value", NULL, "Unsuitable duration value: nil");
}

/* Errors about a text point into its quotes; an empty one has nothing there, so behind them. */
static struct hcl_range value_at(const struct hcl_expr *x)
{
    struct hcl_range at = x->start_at;

    if (str_eqc(x->source, "\"\""))
        at.start = at.end = x->at.end;
    return at;
}

void hcl_decode_value(struct hcl_decoder *d, const struct schema_field *f,
                      const struct hcl_expr *x, const struct hcl_eval_ctx *ctx, void *at)
{
    const struct value v = {d, f, value_at(x)};
    const struct json *j = hcl_eval(x, ctx, d->arena, d->diags);
    void *box;

    if (!j) {
        failed(&v);
    } else if (j->type == JSON_NULL) {
        put_null(&v, x->at);
    } else if (f->flags & FIELD_PTR && is_scalar(f)) {
        box = arena_zalloc(d->arena, scalar_size(f));
        if (putters[f->type](&v, j, box))
            *(void **)at = box;
    } else {
        putters[f->type](&v, j, at);
    }
}

/*
 * Maps written as blocks.
 */
static void put_pair(struct hcl_decoder *d, const struct schema_field *f,
                     const struct hcl_attr *attr, const struct hcl_eval_ctx *ctx,
                     struct strmap *map)
{
    const struct value v = {d, f, value_at(attr->expr)};
    const struct json *j = hcl_eval(attr->expr, ctx, d->arena, d->diags);
    const char *key = hcl_decode_text(d, f, attr->name, attr->name_at), *text;

    if (!j) {
        failed(&v);
        return;
    }
    text = to_text(&v, j, "");
    if (map->len >= pairs_max(f))
        unsuitable(&v, "Unsuitable value: must not have more than %zu items", pairs_max(f));
    else if (key && text)
        strmap_set(d->arena, map, key, text);
}

void hcl_decode_map_block(struct hcl_decoder *d, const struct schema_field *f,
                          const struct hcl_instance *block, void *at)
{
    if (f->type == F_JSON) {
        const struct json *j = hcl_body_to_json(block->body, block->ctx, d->arena, d->diags);

        if (j)
            *(struct json **)at = json_copy(d->arena, j);
        return;
    }
    if (!((struct strmap *)at)->at)
        ((struct strmap *)at)->at = SCHEMA_GIVEN_EMPTY;
    list_each (&block->body->items, it) {
        if (it->attr) {
            put_pair(d, f, it->attr, block->ctx, at);
        } else {
            const struct value v = {d, f, it->block->brace_at};

            unsuitable(&v, "Unsuitable value: string required");
        }
    }
}
