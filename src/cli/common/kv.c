#include "cli/common/kv.h"

#include <string.h>

#include "base/err.h"
#include "cli/common/input.h"
#include "cli/common/text.h"

struct kv {
    struct arena *arena;
    struct json *result;
    bool stdin_used;
};

static int take_stdin(struct kv *kv, struct str *ret, struct err *e)
{
    if (kv->stdin_used)
        return err_set(e, ERR_INVALID, "stdin already consumed");
    kv->stdin_used = true;
    return input_stdin(kv->arena, ret, e);
}

/* {"a": ...}: its members are put in place of those that are there. */
static int merge_json(struct kv *kv, struct str text, struct err *e)
{
    struct json *v;
    int r;

    if (str_trim(text).len == 0)
        return err_set(e, ERR_INVALID, "EOF");
    r = json_parse(text, NULL, JSON_TRAILING, kv->arena, &v, e);
    if (r < 0)
        return r;
    if (v->type != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "a JSON object is needed, this is a JSON %s",
                       json_type_name(v->type));
    for (uint32_t i = 0; i < v->len; i++)
        json_set(kv->arena, kv->result, v->members[i].key, v->members[i].value);
    return 0;
}

static void add(struct kv *kv, struct str key, struct str value)
{
    struct json *list, item = json_of_str(value);
    const struct json *old = NULL;

    for (uint32_t i = 0; i < kv->result->len; i++)
        if (str_eq(kv->result->members[i].key, key))
            old = &kv->result->members[i].value;
    if (!old) {
        json_set(kv->arena, kv->result, key, item);
        return;
    }
    if (old->type == JSON_ARRAY) {
        list = json_copy(kv->arena, old);
    } else {
        list = json_new_array(kv->arena);
        json_push(kv->arena, list, *old);
    }
    json_push(kv->arena, list, item);
    json_set(kv->arena, kv->result, key, *list);
}

static int add_pair(struct kv *kv, const char *arg, const char *eq, struct err *e)
{
    struct str key = str_n(arg, (size_t)(eq - arg)), value = str_of(eq + 1);
    int r = 0;

    if (eq[1] == '@') {
        r = input_file(kv->arena, eq + 2, &value, e);
        if (r < 0)
            return err_wrap(e, r, "error reading file");
    } else if (strncmp(eq + 1, "\\@", 2) == 0) {
        value = str_from(value, 1);
    } else if (strcmp(eq + 1, "-") == 0) {
        r = take_stdin(kv, &value, e);
        if (r < 0)
            return r;
    }
    add(kv, key, value);
    return 0;
}

static int one(struct kv *kv, const char *arg, struct err *e)
{
    struct str text;
    const char *eq;
    int r;

    if (strcmp(arg, "-") == 0) {
        r = take_stdin(kv, &text, e);
        return r < 0 ? r : merge_json(kv, text, e);
    }
    if (arg[0] == '@') {
        r = input_file(kv->arena, arg + 1, &text, e);
        return r < 0 ? r : merge_json(kv, text, e);
    }
    eq = strchr(arg, '=');
    if (!eq)
        return err_set(e, ERR_INVALID, "format must be key=value");
    return add_pair(kv, arg, eq, e);
}

int kv_parse(struct arena *a, int argc, char **argv, struct json **ret, struct err *e)
{
    struct kv kv = {.arena = a, .result = json_new_object(a)};

    if (argc > KV_ARGS_MAX)
        return err_set(e, ERR_TOOBIG, "more than %d arguments", KV_ARGS_MAX);
    for (int i = 0; i < argc; i++) {
        int r = argv[i][0] ? one(&kv, argv[i], e) : 0;

        if (r < 0)
            return err_wrap(e, r, "invalid key/value pair \"%.300s\"", argv[i]);
    }
    *ret = text_sorted(a, kv.result);
    return 0;
}

int kv_parse_strings(struct arena *a, int argc, char **argv, struct strmap *ret, struct err *e)
{
    struct json *v;
    int r = kv_parse(a, argc, argv, &v, e);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < v->len; i++) {
        const char *key = arena_cstr(a, v->members[i].key);
        const struct json *item = &v->members[i].value;

        if (item->type == JSON_ARRAY || item->type == JSON_OBJECT)
            return err_set(e, ERR_INVALID,
                           "key \"%.300s\" must have one value, not a list or map", key);
        strmap_set(a, ret, key, item->type == JSON_NULL ? "" : text_go_cstr(a, item));
    }
    return 0;
}
