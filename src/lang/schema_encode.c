#include <string.h>

#include "base/codec.h"
#include "lang/schema_priv.h"
#include "lang/units.h"

static void encode_time(struct json_out *w, int64_t unix_ns)
{
    char text[TIME_TEXT_SIZE];

    if (unix_ns == 0) {
        json_str(w, "0001-01-01T00:00:00Z");
        return;
    }
    time_format_utc(unix_ns, text);
    json_str(w, text);
}

static void encode_bytes(struct json_out *w, struct str bytes)
{
    auto_buf struct buf b = BUF_INIT(bytes.len / 3 * 4 + 4);

    b.secret = true;
    codec_base64_encode(&b, bytes, false, true);
    json_strn(w, buf_str(&b));
}

static void encode_scalar(const struct schema_field *f, const void *v, struct json_out *w)
{
    if (!v)
        json_null(w);
    else if (f->type == F_BOOL)
        json_bool(w, *(const bool *)v);
    else if (f->type == F_DOUBLE)
        json_double(w, *(const double *)v);
    else if (f->type == F_UINT)
        json_u64(w, *(const uint64_t *)v);
    else if (f->type == F_TIME)
        encode_time(w, *(const int64_t *)v);
    else
        json_i64(w, *(const int64_t *)v);
}

static void encode_list(const struct schema *s, const struct any_list *l, unsigned flags,
                        struct json_out *w)
{
    json_arr(w);
    for (size_t i = 0; i < l->len; i++)
        schema_encode(s, item_at(l, s, i), flags, w);
    json_arr_end(w);
}

/* The key stands in the item's first field, which is not repeated inside. */
static void encode_map(const struct schema *s, const struct any_list *l, unsigned flags,
                       struct json_out *w)
{
    json_obj(w);
    for (size_t i = 0; i < l->len; i++) {
        const void *item = item_at(l, s, i);
        const char *key = *(const char *const *)field_at(item, &s->fields[0]);

        json_key(w, key ? key : "");
        schema_encode(s, item, flags, w);
    }
    json_obj_end(w);
}

static void encode_value(const struct schema_field *f, const void *at, unsigned flags,
                         struct json_out *w)
{
    switch ((enum field_type)f->type) {
    case F_STR:
        json_str(w, *(const char *const *)at);
        break;
    case F_BYTES:
        encode_bytes(w, *(const struct str *)at);
        break;
    case F_STRLIST:
        json_strlist(w, at);
        break;
    case F_STRMAP:
        json_strmap(w, at);
        break;
    case F_JSON:
        json_value(w, *(struct json *const *)at);
        break;
    case F_OBJ:
        schema_encode(f->sub, *(const void *const *)at, flags, w);
        break;
    case F_EMBED:
        schema_encode(f->sub, at, flags, w);
        break;
    case F_LIST:
        encode_list(f->sub, at, flags, w);
        break;
    case F_MAP:
        encode_map(f->sub, at, flags, w);
        break;
    case F_INT:
    case F_UINT:
    case F_DOUBLE:
    case F_BOOL:
    case F_DURATION:
    case F_TTL:
    case F_TIME:
        encode_scalar(f, scalar_at(at, f), w);
        break;
    }
}

static bool empty_is_null(const struct schema_field *f, const void *at)
{
    if (!(f->flags & FIELD_NULLEMPTY))
        return false;
    if (is_list(f))
        return !((const struct any_list *)at)->at;
    return f->type != F_EMBED && !is_scalar(f);
}

static void encode_field(const struct schema_field *f, const void *at, unsigned flags,
                         struct json_out *w)
{
    bool empty =
        f->flags & (FIELD_NULLEMPTY | FIELD_OMITEMPTY | FIELD_SECRET) && field_is_empty(f, at);

    if (empty && empty_is_null(f, at))
        json_null(w);
    else if (!empty && f->flags & FIELD_SECRET && flags & SCHEMA_REDACT)
        json_str(w, "<redacted>");
    else
        encode_value(f, at, flags, w);
}

void schema_encode_fields(const struct schema *s, const void *obj, unsigned flags,
                          struct json_out *w)
{
    const struct prep *p = schema_prep(s);

    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        const void *at = field_at(obj, f);

        if (!in_json(f) || (f->flags & FIELD_HIDDEN && !(flags & SCHEMA_ALL)))
            continue;
        if (f->flags & FIELD_OMITEMPTY && field_is_empty(f, at))
            continue;
        json_keyn(w, str_n(p->fields[i].name, p->fields[i].len));
        encode_field(f, at, flags, w);
    }
}

void schema_encode(const struct schema *s, const void *obj, unsigned flags, struct json_out *w)
{
    if (!obj) {
        json_null(w);
        return;
    }
    json_obj(w);
    schema_encode_fields(s, obj, flags, w);
    json_obj_end(w);
}
