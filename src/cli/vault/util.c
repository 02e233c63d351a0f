#include <string.h>

#include "base/str.h"
#include "cli/vault/vault_priv.h"
#include "http/client.h"

enum { WRAP_WIDTH = 78, QUERY_MAX = 1 << 20 };

char *clean_path(struct arena *a, const char *path)
{
    return arena_cstr(a, str_trim_chars(str_trim(str_of(path)), "/"));
}

char *with_slash(struct arena *a, const char *path)
{
    return arena_printf(a, "%s/", clean_path(a, path));
}

struct json *data_of(struct cli_call *c, int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct json *v;

    if (kv_parse(c->arena, argc, argv, &v, &e) < 0) {
        cli_fail(0, "Failed to parse K=V data: %s", e.msg);
        return NULL;
    }
    return v;
}

static void put_parameter(struct arena *a, struct buf *b, struct str key,
                          const struct json *value)
{
    if (b->len > 0)
        buf_putc(b, '&');
    buf_puts(b, http_escape(a, key));
    buf_putc(b, '=');
    buf_puts(b, http_escape(a, str_of(text_go_cstr(a, value))));
}

const char *query_of(struct cli_call *c, int argc, char **argv)
{
    auto_buf struct buf b = BUF_INIT(QUERY_MAX);
    const struct json *v = data_of(c, argc, argv);
    struct err e = ERR_INIT;

    if (!v)
        return NULL;
    for (uint32_t i = 0; i < v->len; i++) {
        const struct json *value = &v->members[i].value;

        if (value->type != JSON_ARRAY)
            put_parameter(c->arena, &b, v->members[i].key, value);
        for (uint32_t k = 0; value->type == JSON_ARRAY && k < value->len; k++)
            put_parameter(c->arena, &b, v->members[i].key, &value->items[k]);
    }
    if (buf_check(&b, "the query", &e) < 0) {
        cli_fail(0, "Failed to parse K=V data: %s", e.msg);
        return NULL;
    }
    return arena_cstr(c->arena, buf_str(&b));
}

const char *seconds_text(struct arena *a, int64_t ns)
{
    char text[DURATION_TEXT_SIZE];

    duration_format(ns, text);
    return arena_strdup(a, text);
}

void set_str(struct arena *a, struct json *obj, const char *key, const char *value)
{
    json_set(a, obj, str_of(key), json_of_str(str_of(value)));
}

void set_bool(struct arena *a, struct json *obj, const char *key, bool value)
{
    json_set(a, obj, str_of(key), json_of_bool(value));
}

void set_int(struct arena *a, struct json *obj, const char *key, int64_t value)
{
    json_set(a, obj, str_of(key), json_of_i64(a, value));
}

void set_null(struct arena *a, struct json *obj, const char *key)
{
    json_set(a, obj, str_of(key), (struct json){.type = JSON_NULL});
}

void set_list(struct arena *a, struct json *obj, const char *key, const struct flag_list *l)
{
    struct json *v = json_new_array(a);

    for (size_t i = 0; i < l->len; i++)
        json_push(a, v, json_of_str(str_of(l->at[i])));
    json_set(a, obj, str_of(key), *v);
}

void set_pairs(struct arena *a, struct json *obj, const char *key, const struct cli_pairs *p)
{
    struct json *v = json_new_object(a);

    for (size_t i = 0; i < p->len; i++)
        json_set(a, v, str_of(p->at[i].key), json_of_str(str_of(p->at[i].val)));
    json_set(a, obj, str_of(key), *text_sorted(a, v));
}

const char *member_text(struct arena *a, const struct json *obj, const char *key)
{
    const struct json *v = json_get(obj, key);

    return v && v->type != JSON_NULL ? text_go_cstr(a, v) : "";
}

void say(struct cli_call *c, FILE *to, const char *text)
{
    fprintf(to, "%s\n", text_wrap(c->arena, text, WRAP_WIDTH, ""));
}

struct json *in_order(struct arena *a, const struct json *obj, const char *const *names,
                      size_t n)
{
    struct json *to = json_new_object(a);

    for (size_t i = 0; i < n; i++) {
        const struct json *v = json_get(obj, names[i]);

        if (v)
            json_set(a, to, str_of(names[i]), *v);
    }
    for (uint32_t i = 0; json_is(obj, JSON_OBJECT) && i < obj->len; i++)
        json_set(a, to, obj->members[i].key, obj->members[i].value);
    return to;
}
