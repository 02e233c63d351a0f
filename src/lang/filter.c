/* Does an object match? */
#include "lang/filter.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "lang/filter_priv.h"
#include "lang/regex.h"

struct match {
    struct filter *filter;
    struct value root;
    struct err *e;
};

static int decide(struct match *m, const struct filter_node *n, const struct binding *names);

static int spend(struct match *m, size_t steps)
{
    m->filter->steps -= (int64_t)steps + 1;
    if (m->filter->steps < 0)
        return err_set(m->e, ERR_TOOBIG,
                       "filter expression looks at too much; ask for less, for example with "
                       "a prefix or a namespace");
    return 0;
}

/* ---- equality --------------------------------------------------------------------------- */

static int bad_value(struct match *m, const char *as, struct str text)
{
    return err_set(m->e, ERR_INVALID,
                   "error getting match value in expression: strconv.Parse%s: parsing "
                   "\"%.*s\": invalid syntax",
                   as, STR_ARG(str_upto(text, 200)));
}

static int equal_double(struct match *m, double have, struct str text)
{
    double want;

    return str_to_double(text, &want) ? !(have < want) && !(have > want)
                                      : bad_value(m, "Float", text);
}

static int equal(struct match *m, const struct value *v, struct str text)
{
    uint64_t u;
    int64_t i;
    bool b;

    switch (v->kind) {
    case VALUE_STR:
        return str_eq(v->text, text);
    case VALUE_INT:
        return str_to_i64(text, 0, &i) ? v->i == i : bad_value(m, "Int", text);
    case VALUE_UINT:
        return str_to_u64(text, 0, &u) ? v->u == u : bad_value(m, "Uint", text);
    case VALUE_DOUBLE:
        return equal_double(m, v->d, text);
    case VALUE_BOOL:
        return str_to_bool(text, &b) ? v->b == b : bad_value(m, "Bool", text);
    default:
        return err_set(m->e, ERR_INVALID,
                       "unable to find suitable primitive comparison function for matching");
    }
}

/* ---- the other comparisons -------------------------------------------------------------- */

static int bad_kind(struct match *m, const struct filter_node *n, const struct value *v,
                    const char *what)
{
    return err_set(m->e, ERR_INVALID,
                   "Cannot perform %s operations on type %s for selector: \"%.200s\"", what,
                   value_kind_name(v), n->of.text);
}

/* A map's keys, a list's items. */
static int among(struct match *m, const struct filter_node *n, const struct value *v)
{
    bool map = v->kind == VALUE_STRMAP || v->kind == VALUE_MAP || v->kind == VALUE_OBJECT;
    struct value key, item;
    int r = spend(m, value_len(v));

    for (size_t i = 0; i < value_len(v) && r == 0; i++) {
        value_item(v, i, &key, &item);
        if (map || item.kind != VALUE_NONE)
            r = equal(m, map ? &key : &item, n->value);
    }
    return r;
}

static int contains(struct match *m, const struct filter_node *n, const struct value *v)
{
    int r;

    if (v->kind == VALUE_STR) {
        r = spend(m, v->text.len / 16);
        return r < 0 ? r : str_has(v->text, n->value);
    }
    if (v->kind == VALUE_BYTES || !value_has_len(v))
        return bad_kind(m, n, v, "in/contains");
    return among(m, n, v);
}

static int is_empty(struct match *m, const struct filter_node *n, const struct value *v)
{
    if (!value_has_len(v))
        return bad_kind(m, n, v, "is empty");
    return value_len(v) == 0;
}

static int matches(struct match *m, const struct filter_node *n, const struct value *v)
{
    int r;

    if (v->kind != VALUE_STR && v->kind != VALUE_BYTES)
        return err_set(m->e, ERR_INVALID, "Value of type %s is not convertible to []byte",
                       value_kind_name(v));
    r = spend(m, v->text.len * regex_size(n->regex) / 8);
    return r < 0 ? r : regex_matches(n->regex, v->text);
}

static int compare(struct match *m, const struct filter_node *n, const struct binding *names)
{
    struct value v;
    int r = value_select(m->root, names, &n->of, &v, m->e);

    if (r == 0) /* not there */
        return (n->op == FILTER_EMPTY) != n->negated;
    if (r > 0)
        r = n->op == FILTER_EQUAL   ? equal(m, &v, n->value)
            : n->op == FILTER_IN    ? contains(m, n, &v)
            : n->op == FILTER_EMPTY ? is_empty(m, n, &v)
                                    : matches(m, n, &v);
    return r < 0 ? r : (r > 0) != n->negated;
}

/* ---- any, all --------------------------------------------------------------------------- */

static int decide_item(struct match *m, const struct filter_node *n,
                       const struct binding *names, const struct value *v, size_t i)
{
    bool map = v->kind == VALUE_STRMAP || v->kind == VALUE_MAP || v->kind == VALUE_OBJECT;
    struct binding key = {.up = names, .name = n->key};
    struct binding item = {.up = &key, .name = n->item};

    value_item(v, i, &key.value, &item.value);
    if (n->one_name && map)
        item.value = key.value;
    return decide(m, n->a, &item);
}

static int each(struct match *m, const struct filter_node *n, const struct binding *names)
{
    bool all = n->op == FILTER_ALL;
    struct value v;
    int r = value_select(m->root, names, &n->of, &v, m->e);

    if (r <= 0)
        return r < 0 ? r : all;
    if (v.kind == VALUE_STR || v.kind == VALUE_BYTES || !value_has_len(&v))
        return bad_kind(m, n, &v, "any/all");
    for (size_t i = 0; i < value_len(&v); i++) {
        r = decide_item(m, n, names, &v, i);
        if (r < 0 || (r > 0) != all)
            return r;
    }
    return all;
}

/* ---- the tree --------------------------------------------------------------------------- */

static int decide(struct match *m, const struct filter_node *n, const struct binding *names)
{
    int r = spend(m, 0);

    if (r < 0)
        return r;
    switch (n->op) {
    case FILTER_AND:
        r = decide(m, n->a, names);
        return r <= 0 ? r : decide(m, n->b, names);
    case FILTER_OR:
        r = decide(m, n->a, names);
        return r != 0 ? r : decide(m, n->b, names);
    case FILTER_NOT:
        r = decide(m, n->a, names);
        return r < 0 ? r : !r;
    case FILTER_ANY:
    case FILTER_ALL:
        return each(m, n, names);
    default:
        return compare(m, n, names);
    }
}

int filter_match(struct filter *f, const struct schema *s, const void *obj, struct err *e)
{
    struct match m = {.filter = f, .root = value_struct(s, obj), .e = e};

    return decide(&m, f->root, NULL);
}

bool filter_asks(const struct filter *f, struct str ending)
{
    list_each (&f->nodes, it)
        if ((*it)->of.parts.len && str_ends((*it)->of.parts.at[0], ending))
            return true;
    return false;
}
