/* {{identity...}} in the paths of policies. Pure. */
#include "vault/core/policy_priv.h"

enum { FILLED_PATH_MAX = 8192 };

bool policy_template_is_balanced(struct str path)
{
    ptrdiff_t open, close;

    while ((open = str_find(path, STR("{{"))) >= 0) {
        if (str_has(str_upto(path, (size_t)open), STR("}}")))
            return false;
        path = str_from(path, (size_t)open + 2);
        close = str_find(path, STR("}}"));
        if (close < 0 || str_has(str_upto(path, (size_t)close), STR("{{")))
            return false;
        path = str_from(path, (size_t)close + 2);
    }
    return !str_has(path, STR("}}"));
}

static const struct json *member(const struct json *obj, struct str name)
{
    if (!json_is(obj, JSON_OBJECT))
        return NULL;
    for (uint32_t i = 0; i < obj->len; i++)
        if (str_eq(obj->members[i].key, name))
            return &obj->members[i].value;
    return NULL;
}

/* "id", "name", "metadata.KEY", "custom_metadata.KEY" of an alias or group. */
static struct str attribute(const struct json *obj, struct str name)
{
    struct str rest = name, head;

    if (str_eqc(name, "id") || str_eqc(name, "name"))
        return json_str_or(member(obj, name), STR(""));
    if (!str_split(&rest, '.', &head) || !rest.p)
        return STR("");
    if (!str_eqc(head, "metadata") && !str_eqc(head, "custom_metadata"))
        return STR("");
    return json_str_or(member(member(obj, head), rest), STR(""));
}

/* Below "identity.entity.". */
static struct str entity_value(const struct policy_identity *id, struct str name)
{
    struct str rest, accessor;

    if (str_eqc(name, "id"))
        return str_of(id->entity_id);
    if (str_eqc(name, "name"))
        return str_of(id->entity_name);
    if (str_starts(name, STR("metadata.")))
        return attribute(id->entity, name);
    if (!str_starts(name, STR("aliases.")))
        return STR("");
    rest = str_from(name, strlen("aliases."));
    if (!str_split(&rest, '.', &accessor) || !rest.p)
        return STR("");
    return attribute(member(json_get(id->entity, "aliases"), accessor), rest);
}

/* Below "identity.groups.": ids.ID.ATTRIBUTE, names.NAME.ATTRIBUTE. */
static struct str group_value(const struct policy_identity *id, struct str name)
{
    struct str by, which;

    if (!str_split(&name, '.', &by) || !name.p || !str_split(&name, '.', &which) || !name.p)
        return STR("");
    if (!str_eqc(by, "ids") && !str_eqc(by, "names"))
        return STR("");
    return attribute(member(member(json_get(id->entity, "groups"), by), which), name);
}

static struct str value_of(const struct policy_identity *id, struct str name)
{
    if (str_starts(name, STR("identity.entity.")))
        return entity_value(id, str_from(name, strlen("identity.entity.")));
    if (str_starts(name, STR("identity.groups.")))
        return group_value(id, str_from(name, strlen("identity.groups.")));
    return STR("");
}

static bool is_literal_segment(struct str s)
{
    if (s.len == 0 || !str_is_printable(s) || str_eqc(s, ".") || str_eqc(s, ".."))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (strchr("/*+,{}", s.p[i]))
            return false;
    return true;
}

bool policy_template_fill(struct arena *a, struct str path, const struct policy_identity *id,
                          struct str *ret)
{
    auto_buf struct buf b = BUF_INIT(FILLED_PATH_MAX);
    ptrdiff_t open;

    if (!id)
        return false;
    while ((open = str_find(path, STR("{{"))) >= 0) {
        struct str after = str_from(path, (size_t)open + 2), value;
        ptrdiff_t close = str_find(after, STR("}}"));

        if (close < 0)
            return false;
        value = value_of(id, str_trim(str_upto(after, (size_t)close)));
        if (!is_literal_segment(value))
            return false;
        buf_put_str(&b, str_upto(path, (size_t)open));
        buf_put_str(&b, value);
        path = str_from(after, (size_t)close + 2);
    }
    buf_put_str(&b, path);
    if (!buf_ok(&b))
        return false;
    *ret = arena_str(a, buf_str(&b));
    return true;
}
