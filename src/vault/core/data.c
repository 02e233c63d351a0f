/* The parameters of a request: a JSON body, a form, or the query; and their decoding by schema.
 */
#include <stdio.h>
#include <string.h>

#include "http/server.h"
#include "vault/core/core_priv.h"

enum { FORM_FIELDS_MAX = 1000 };

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool form_decode(struct arena *a, struct str s, struct str *ret)
{
    char *p = arena_alloc(a, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '%') {
            if (i + 2 >= s.len || hex_value(s.p[i + 1]) < 0 || hex_value(s.p[i + 2]) < 0)
                return false;
            p[n++] = (char)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]));
            i += 2;
        } else {
            p[n++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    p[n] = '\0';
    *ret = str_n(p, n);
    return true;
}

static int read_form(struct req *r, struct str body, struct json *obj, struct err *e)
{
    struct str pair, name, value;
    size_t n = 0;

    while (body.len && str_split(&body, '&', &pair)) {
        struct str rest = pair;
        const struct json *old;

        if (!str_split(&rest, '=', &name) || ++n > FORM_FIELDS_MAX ||
            !form_decode(r->a, name, &name) ||
            !form_decode(r->a, rest.p ? rest : STR(""), &value) || !str_is_utf8(name) ||
            !str_is_utf8(value))
            return req_fail(e, "error parsing form data");
        old = json_get(obj, arena_cstr(r->a, name));
        if (old)
            value = str_of(arena_printf(r->a, "%.*s,%.*s", STR_ARG(old->text), STR_ARG(value)));
        json_set(r->a, obj, name, json_of_str(value));
    }
    return 0;
}

static bool is_form(const struct req *r, struct str body)
{
    struct str start = str_trim(body);

    return str_starts(call_header(r->call, "Content-Type"),
                      STR("application/x-www-form-urlencoded")) &&
           start.len && start.p[0] != '{' && start.p[0] != '[';
}

static int read_body(struct req *r, struct json *obj, struct err *e)
{
    struct str body = call_body(r->call);
    const struct json *v;
    int ret;

    if (is_form(r, body))
        return read_form(r, body, obj, e);
    ret = call_json(r->call, &v, e);
    if (ret == ERR_TOOBIG)
        return ret;
    if (ret < 0 || (v && v->type != JSON_OBJECT))
        return req_fail(e, "error parsing JSON");
    if (v)
        r->data = v;
    return 0;
}

/* All texts; a repeated parameter is a list. `help` and `list` are never data. */
static void read_query(struct req *r, struct json *obj)
{
    struct str name, value;

    for (size_t i = 0; call_query_at(r->call, i, &name, &value); i++) {
        const struct json *old;

        if (str_eqc(name, "help") || str_eqc(name, "list"))
            continue;
        old = json_get(obj, arena_cstr(r->a, name));
        if (old) {
            struct json *list = json_new_array(r->a);

            if (old->type == JSON_ARRAY)
                for (uint32_t k = 0; k < old->len; k++)
                    json_push(r->a, list, old->items[k]);
            else
                json_push(r->a, list, *old);
            json_push(r->a, list, json_of_str(value));
            json_set(r->a, obj, name, *list);
        } else {
            json_set(r->a, obj, name, json_of_str(value));
        }
    }
}

int req_read_data(struct req *r, struct err *e)
{
    static struct json empty = {.type = JSON_OBJECT};
    struct str name, value;
    struct json *obj;

    r->data = &empty;
    if (r->call->method & (M_WRITE | M_PATCH)) {
        if (call_body(r->call).len == 0)
            return 0;
        obj = json_new_object(r->a);
        r->data = obj;
        return read_body(r, obj, e);
    }
    if (call_query_at(r->call, 0, &name, &value)) {
        obj = json_new_object(r->a);
        r->data = obj;
        read_query(r, obj);
    }
    return 0;
}

bool req_has(const struct req *r, const char *field)
{
    const struct json *v = json_get(r->data, field);

    return v && v->type != JSON_NULL;
}

struct str req_param(const struct req *r, const char *name)
{
    return call_param(r->call, name);
}

/* A value as the API's messages show it (Go's %v): map[a:1], [1 2], text bare. */
static void show_value(struct buf *b, const struct json *v, int depth)
{
    enum { DEPTH_MAX = 8 };

    if (!v || v->type == JSON_NULL) {
        buf_puts(b, "<nil>");
    } else if (depth > DEPTH_MAX) {
        buf_puts(b, "...");
    } else if (v->type == JSON_BOOL) {
        buf_puts(b, v->b ? "true" : "false");
    } else if (v->type == JSON_ARRAY) {
        buf_putc(b, '[');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i)
                buf_putc(b, ' ');
            show_value(b, &v->items[i], depth + 1);
        }
        buf_putc(b, ']');
    } else if (v->type == JSON_OBJECT) {
        buf_puts(b, "map[");
        for (uint32_t i = 0; i < v->len; i++) {
            if (i)
                buf_putc(b, ' ');
            buf_put_str(b, v->members[i].key);
            buf_putc(b, ':');
            show_value(b, &v->members[i].value, depth + 1);
        }
        buf_putc(b, ']');
    } else {
        buf_put_str(b, v->text);
    }
}

void req_show_value(struct buf *b, const struct json *v)
{
    show_value(b, v, 0);
}

static const struct schema_field *field_named(const struct schema *s, const char *name)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (strcmp(s->fields[i].json, name) == 0)
            return &s->fields[i];
    return NULL;
}

static bool is_whole(const struct json *v)
{
    int64_t n;

    return v->type == JSON_NULL || json_to_i64(v, &n) ||
           (v->type == JSON_STRING && str_to_i64(v->text, 0, &n));
}

/* What the API says of a value of the wrong type, known by its field and its form. */
static bool type_error(struct buf *b, const struct schema_field *f, const struct json *v,
                       const char *index)
{
    bool compound = json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY);
    const char *type = f->type == F_BOOL ? "bool" : f->type == F_INT ? "int" : "string";

    if (compound && f->type != F_STRMAP) {
        buf_printf(b, "'%s' expected type '%s', got unconvertible type '%s', value: '", index,
                   type, v->type == JSON_ARRAY ? "[]interface {}" : "map[string]interface {}");
        show_value(b, v, 0);
        buf_putc(b, '\'');
    } else if ((f->type == F_INT && !is_whole(v)) ||
               (f->type == F_BOOL && v->type != JSON_NULL)) {
        buf_printf(b, "cannot parse '%s' as %s: strconv.Parse%s: parsing \"", index, type,
                   f->type == F_INT ? "Int" : "Bool");
        show_value(b, v, 0);
        buf_puts(b, "\": invalid syntax");
    } else if (f->type == F_STRMAP && v->type == JSON_STRING) {
        buf_printf(b, "'%s' expected a map, got 'string'", index);
    } else {
        return false;
    }
    return true;
}

/* A list's first item that is at fault. */
static bool list_error(struct buf *b, const struct schema_field *f, const struct json *v)
{
    for (uint32_t i = 0; f->type == F_STRLIST && json_is(v, JSON_ARRAY) && i < v->len; i++) {
        char index[24];

        if (v->items[i].type != JSON_OBJECT && v->items[i].type != JSON_ARRAY)
            continue;
        snprintf(index, sizeof index, "[%u]", i);
        buf_puts(b, "1 error(s) decoding:\n\n* ");
        return type_error(b, f, &v->items[i], index);
    }
    return false;
}

static int decode_error(const struct schema *s, const char *name, const char *text,
                        const struct json *all, struct err *e)
{
    auto_buf struct buf shown = BUF_INIT(ERR_MSG_SIZE), why = BUF_INIT(ERR_MSG_SIZE);
    const struct schema_field *f = field_named(s, name);
    const struct json *v = json_get(all, name);

    show_value(&shown, v, 0);
    if (!f || !v || (!list_error(&why, f, v) && !type_error(&why, f, v, "")))
        buf_puts(&why, text);
    return req_fail(
        e, "Field validation failed: error converting input %.*s for field \"%s\": %.*s",
        STR_ARG(buf_str(&shown)), name, STR_ARG(buf_str(&why)));
}

/* No duration among the parameters may be negative. */
static int check_durations(const struct schema *s, const void *obj, const struct json *all,
                           struct err *e)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];
        const struct json *v = f->type == F_TTL ? json_get(all, f->json) : NULL;
        char text[64];

        if (!v || f->flags & FIELD_PTR ||
            *(const int64_t *)((const char *)obj + f->offset) >= 0)
            continue;
        snprintf(text, sizeof text, "cannot provide negative value '%.*s'",
                 STR_ARG(str_upto(json_str_or(v, v->text), 32)));
        return decode_error(s, f->json, text, all, e);
    }
    return 0;
}

static bool is_known(const struct schema *s, struct str name)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (str_eqc(name, s->fields[i].json))
            return true;
    return false;
}

/* Parameters nobody knows, and those that the path overrides, are named in warnings. */
static void warn_ignored(struct req *r, const struct schema *s)
{
    struct strlist unknown = {0}, replaced = {0};

    for (uint32_t i = 0; i < r->data->len; i++) {
        struct str name = r->data->members[i].key;

        if (route_param(&r->call->params, arena_cstr(r->a, name)).len)
            list_push(r->a, &replaced, arena_cstr(r->a, name));
        else if (!is_known(s, name))
            list_push(r->a, &unknown, arena_cstr(r->a, name));
    }
    const struct {
        struct strlist *names;
        const char *text;
    } kinds[] = {
        {&unknown, "Endpoint ignored these unrecognized parameters: ["},
        {&replaced, "Endpoint replaced the value of these parameters with the values captured "
                    "from the endpoint's path: ["},
    };

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        auto_buf struct buf b = BUF_INIT(4096);

        if (kinds[k].names->len == 0)
            continue;
        strlist_sort_unique(kinds[k].names);
        for (size_t i = 0; i < kinds[k].names->len; i++)
            buf_printf(&b, "%s%s", i ? " " : "", kinds[k].names->at[i]);
        list_push(r->a, &r->priv->notes,
                  arena_printf(r->a, "%s%.*s]", kinds[k].text, STR_ARG(buf_str(&b))));
    }
}

int req_decode(struct req *r, const struct schema *s, void *obj, struct err *e)
{
    struct problems p = {.arena = r->a};
    const struct json *all = r->data;

    if (r->call->params.n) {
        struct json *with_path = json_copy(r->a, r->data);

        for (size_t i = 0; i < r->call->params.n; i++)
            json_set(r->a, with_path, r->call->params.name[i],
                     json_of_str(r->call->params.value[i]));
        all = with_path;
    }
    schema_decode_into(s, all, SCHEMA_LENIENT | SCHEMA_UNKNOWN_OK, NULL, obj, &p);
    if (p.list.len)
        return decode_error(s, p.list.at[0].path, p.list.at[0].text, all, e);
    int ret = check_durations(s, obj, all, e);

    if (ret < 0)
        return ret;
    warn_ignored(r, s);
    return 0;
}
