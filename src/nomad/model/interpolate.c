#include <string.h>

#include "nomad/model/expr.h"
#include "nomad/model/model_priv.h"

/* env["X"] and env['X'] as "env.X"; other names as they are. */
static struct str normal_name(struct str name, struct arena *a)
{
    struct str inside;

    name = str_trim(name);
    if (!str_starts(name, STR("env[")) || !str_ends(name, STR("]")))
        return name;
    inside = str_trim_chars((struct str){name.p + 4, name.len - 5}, "\"' ");
    return str_of(arena_printf(a, "env.%.*s", STR_ARG(inside)));
}

/* Where the name that begins at `start` (behind "${") ends; -1: nowhere. */
static ptrdiff_t name_end(struct str text, size_t start)
{
    return str_chr(str_from(text, start), '}');
}

char *interpolate(const char *text, interpolate_lookup *lookup, void *ctx, struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(INTERPOLATE_MAX);
    struct str rest = str_of(text);
    ptrdiff_t at;

    while ((at = str_find(rest, STR("${"))) >= 0) {
        ptrdiff_t len = name_end(rest, (size_t)at + 2);
        const char *value;

        if (len < 0)
            break;
        buf_put_str(&b, str_upto(rest, (size_t)at));
        value = lookup(ctx, normal_name(str_n(rest.p + at + 2, (size_t)len), a));
        if (value)
            buf_puts(&b, value);
        else
            buf_put_str(&b, str_n(rest.p + at, (size_t)len + 3));
        rest = str_from(rest, (size_t)at + (size_t)len + 3);
    }
    buf_put_str(&b, rest);
    /* Larger than anyone can want: left as it was written. */
    return buf_ok(&b) ? arena_cstr(a, buf_str(&b)) : arena_strdup(a, text);
}

static struct json walk(const struct json *v, interpolate_lookup *lookup, void *ctx,
                        struct arena *a)
{
    struct json out = *v;

    if (v->type == JSON_STRING) {
        out.text = str_of(interpolate(arena_cstr(a, v->text), lookup, ctx, a));
    } else if (v->type == JSON_ARRAY) {
        out.items = arena_array(a, struct json, v->len + 1);
        for (uint32_t i = 0; i < v->len; i++)
            out.items[i] = walk(&v->items[i], lookup, ctx, a);
    } else if (v->type == JSON_OBJECT) {
        out.members = arena_array(a, struct json_member, v->len + 1);
        for (uint32_t i = 0; i < v->len; i++) {
            out.members[i].key =
                str_of(interpolate(arena_cstr(a, v->members[i].key), lookup, ctx, a));
            out.members[i].value = walk(&v->members[i].value, lookup, ctx, a);
        }
    }
    return out;
}

struct json *interpolate_json(const struct json *v, interpolate_lookup *lookup, void *ctx,
                              struct arena *a)
{
    struct json *out;

    if (!v)
        return NULL;
    out = arena_new_of(a, struct json);
    *out = walk(v, lookup, ctx, a);
    return out;
}

const char *task_names_lookup(void *ctx, struct str name)
{
    const struct task_names *n = ctx;
    char key[512];

    if (str_eqc(name, "node.region"))
        return n->region;
    if (n->node && (str_starts(name, STR("node.")) || str_starts(name, STR("attr.")) ||
                    str_starts(name, STR("meta."))))
        return node_name_value(n->node, name);
    if (str_starts(name, STR("env.")))
        name = str_from(name, 4);
    if (!n->env || name.len >= sizeof key)
        return NULL;
    memcpy(key, name.p, name.len);
    key[name.len] = '\0';
    return strmap_get(n->env, key);
}
