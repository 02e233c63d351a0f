#include <string.h>

#include "nomad/model/expr.h"
#include "nomad/model/model_priv.h"

enum operand {
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_DISTINCT,
    OP_REGEXP,
    OP_VERSION,
    OP_SEMVER,
    OP_SET,
    OP_SET_ANY,
    OP_IS_SET,
    OP_IS_NOT_SET,
    OP_UNKNOWN,
};

static const struct {
    const char *text;
    enum operand op;
} operands[] = {
    {"=", OP_EQ},
    {"==", OP_EQ},
    {"is", OP_EQ},
    {"!=", OP_NE},
    {"not", OP_NE},
    {"<", OP_LT},
    {"<=", OP_LE},
    {">", OP_GT},
    {">=", OP_GE},
    {"distinct_hosts", OP_DISTINCT},
    {"distinct_property", OP_DISTINCT},
    {"regexp", OP_REGEXP},
    {"version", OP_VERSION},
    {"semver", OP_SEMVER},
    {"set_contains", OP_SET},
    {"set_contains_all", OP_SET},
    {"set_contains_any", OP_SET_ANY},
    {"is_set", OP_IS_SET},
    {"is_not_set", OP_IS_NOT_SET},
};

static enum operand operand_of(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(operands); i++)
        if (strcmp(text, operands[i].text) == 0)
            return operands[i].op;
    return OP_UNKNOWN;
}

bool constraint_operand_ok(const char *operand)
{
    return operand_of(operand) != OP_UNKNOWN;
}

/* As whole numbers, else as decimal ones, else as texts. */
static bool ordered(enum operand op, const char *l, const char *r)
{
    struct str ls = str_of(l), rs = str_of(r);
    int64_t li, ri;
    double ld, rd;
    int c;

    if (str_to_i64(ls, 10, &li) && str_to_i64(rs, 10, &ri))
        c = li < ri ? -1 : li > ri;
    else if (str_to_double(ls, &ld) && str_to_double(rs, &rd))
        c = ld < rd ? -1 : ld > rd;
    else
        c = str_cmp(ls, rs);
    switch (op) {
    case OP_LT:
        return c < 0;
    case OP_LE:
        return c <= 0;
    case OP_GT:
        return c > 0;
    default:
        return c >= 0;
    }
}

static bool set_has(const char *set, struct str item)
{
    struct str rest = str_of(set), part;

    while (str_split(&rest, ',', &part))
        if (str_eq(str_trim(part), item))
            return true;
    return false;
}

static bool set_contains(const char *set, const char *wanted, bool any)
{
    struct str rest = str_of(wanted), part;

    while (str_split(&rest, ',', &part))
        if (set_has(set, str_trim(part)) == any)
            return any;
    return !any;
}

bool constraint_holds(const char *operand, const char *l, bool l_found, const char *r,
                      bool r_found)
{
    enum operand op = operand_of(operand);

    if (op == OP_DISTINCT)
        return true;
    if (op == OP_IS_SET || op == OP_IS_NOT_SET)
        return l_found == (op == OP_IS_SET);
    if (op == OP_NE)
        return l_found != r_found || (l_found && strcmp(l, r) != 0);
    if (!l_found || !r_found)
        return false;
    switch (op) {
    case OP_EQ:
        return strcmp(l, r) == 0;
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
        return ordered(op, l, r);
    case OP_REGEXP:
        return regexp_matches(r, l);
    case OP_VERSION:
    case OP_SEMVER:
        return version_matches(l, r, op == OP_SEMVER);
    case OP_SET:
    case OP_SET_ANY:
        return set_contains(l, r, op == OP_SET_ANY);
    default:
        return false;
    }
}

/*
 * A constraint's side.
 */
const char *node_name_value(const struct node *n, struct str name)
{
    static const struct {
        const char *name;
        size_t offset;
    } fixed[] = {
        {"node.unique.id", offsetof(struct node, id)},
        {"node.unique.name", offsetof(struct node, name)},
        {"node.datacenter", offsetof(struct node, datacenter)},
        {"node.class", offsetof(struct node, node_class)},
        {"node.pool", offsetof(struct node, node_pool)},
    };
    bool attr = str_starts(name, STR("attr."));
    char key[512];

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (str_eqc(name, fixed[i].name))
            return str_or_empty(*(const char *const *)((const char *)n + fixed[i].offset));
    if (!attr && !str_starts(name, STR("meta.")))
        return NULL;
    name = str_from(name, 5);
    if (name.len >= sizeof key)
        return NULL;
    memcpy(key, name.p, name.len);
    key[name.len] = '\0';
    return strmap_get(attr ? &n->attributes : &n->meta, key);
}

const char *node_target(const struct node *n, const char *target, struct arena *a)
{
    struct str t = str_of(target);

    (void)a;
    if (!str_starts(t, STR("${")))
        return target;
    if (!str_ends(t, STR("}")))
        return NULL;
    return node_name_value(n, (struct str){t.p + 2, t.len - 3});
}

bool target_is_unique(const char *target)
{
    struct str t = str_of(target);

    return str_starts(t, STR("${")) && str_has(t, STR("unique."));
}
