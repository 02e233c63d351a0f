/* Values as text: sorted, type-checked, merged. */
#include <string.h>

#include "vault/secrets/kv.h"

/* ---- printing ---------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    const struct json_member *const *x = a, *const *y = b;

    return str_cmp((*x)->key, (*y)->key);
}

/* Depth is bounded by what the parser lets through. */
static void print(struct json_out *w, struct arena *a, const struct json *v);

static void print_object(struct json_out *w, struct arena *a, const struct json *v)
{
    const struct json_member **m = arena_array(a, const struct json_member *, v->len + 1);

    for (uint32_t i = 0; i < v->len; i++)
        m[i] = &v->members[i];
    if (v->len > 1)
        qsort(m, v->len, sizeof *m, by_key);
    json_obj(w);
    for (uint32_t i = 0; i < v->len; i++) {
        json_keyn(w, m[i]->key);
        print(w, a, &m[i]->value);
    }
    json_obj_end(w);
}

static void print(struct json_out *w, struct arena *a, const struct json *v)
{
    if (json_is(v, JSON_OBJECT)) {
        print_object(w, a, v);
    } else if (json_is(v, JSON_ARRAY)) {
        json_arr(w);
        for (uint32_t i = 0; i < v->len; i++)
            print(w, a, &v->items[i]);
        json_arr_end(w);
    } else {
        json_value(w, v);
    }
}

int kv_print(struct buf *b, const struct json *v, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct json_out w;

    arena_set_wipe(a);
    json_out_init(&w, b, NULL);
    w.escape_html = true;
    print(&w, a, v);
    return buf_check(b, "the secret", e);
}

/* ---- checking ---------------------------------------------------------------------------- */

static const char *kind_of(const struct json *v)
{
    switch (v->type) {
    case JSON_BOOL:
        return "bool";
    case JSON_ARRAY:
        return "slice";
    default: /* numbers are kept as text */
        return "string";
    }
}

int kv_object(struct req *r, const char *field, const struct json *v, const char *prefix,
              const struct json **ret, struct err *e)
{
    static const struct json empty = {.type = JSON_OBJECT};
    auto_buf struct buf shown = BUF_INIT(ERR_MSG_SIZE / 2);
    bool is_list = json_is(v, JSON_ARRAY);

    (void)r;
    *ret = v;
    if (!v || v->type == JSON_NULL || v->type == JSON_OBJECT)
        return 0;
    if (is_list && v->len == 0) {
        *ret = &empty;
        return 0;
    }
    req_show_value(&shown, v);
    return req_fail(e,
                    "%serror converting input %.*s for field \"%s\": %s'%s' expected a map, "
                    "got '%s'",
                    prefix, STR_ARG(buf_str(&shown)), field,
                    is_list ? "1 error(s) decoding:\n\n* " : "", is_list ? "[0]" : "",
                    kind_of(is_list ? &v->items[0] : v));
}

int kv_check_path(struct str path, struct err *e)
{
    if (path.len > KV_PATH_MAX)
        return req_fail(e, "the path of a secret may have at most %d bytes, not %zu",
                        KV_PATH_MAX, path.len);
    return 0;
}

int kv_decode(struct req *r, const struct schema *s, void *obj, struct err *e)
{
    struct str lead = STR("Field validation failed: ");
    struct err why = ERR_INIT;
    int ret = req_decode(r, s, obj, &why);

    if (ret < 0)
        return req_fail(e, "%s",
                        str_starts(str_of(why.msg), lead) ? why.msg + lead.len : why.msg);
    return 0;
}

/* ---- merging ----------------------------------------------------------------------------- */

struct json kv_merge(struct arena *a, const struct json *target, const struct json *patch)
{
    struct json *out;

    if (!json_is(patch, JSON_OBJECT))
        return *patch;
    out = json_new_object(a);
    for (uint32_t i = 0; json_is(target, JSON_OBJECT) && i < target->len; i++)
        json_set(a, out, target->members[i].key, target->members[i].value);
    for (uint32_t i = 0; i < patch->len; i++) {
        const struct json_member *m = &patch->members[i];
        const char *key = arena_cstr(a, m->key);

        if (m->value.type == JSON_NULL)
            json_unset(out, key);
        else
            json_set(a, out, m->key, kv_merge(a, json_get(out, key), &m->value));
    }
    return *out;
}
