/* What several policies together allow. */
#include <stdlib.h>

#include "nomad/model/acl_priv.h"

/* A variable's rule has its namespace's pattern, a separator that no name holds, the path's. */
#define BETWEEN "\x1f"

struct named_right {
    const char *pattern;
    uint64_t caps;
};

typedef LIST(struct named_right) right_list;

struct rights {
    bool everything;
    right_list of[ACL_KINDS]; /* by pattern, each once */
    enum acl_level areas[AREAS];
};

/* ---- making ----------------------------------------------------------------------------- */

static void add(right_list *l, const char *pattern, uint64_t caps, struct arena *a)
{
    struct named_right one = {pattern, caps};

    list_push(a, l, one);
}

static uint64_t caps_of(const struct strlist *names, enum acl_kind kind)
{
    uint64_t caps = 0;

    for (size_t i = 0; i < names->len; i++)
        caps |= acl_cap_bit(kind, names->at[i]);
    return caps;
}

static void add_area(struct rights *r, enum acl_area area, const struct acl_area_rule *rule)
{
    enum acl_level level = rule ? acl_level_of(rule->policy) : LEVEL_NONE;

    if (level > r->areas[area])
        r->areas[area] = level;
}

static void add_rules(struct rights *r, const struct acl_rules *p, struct arena *a)
{
    list_each (&p->namespaces, n) {
        add(&r->of[KIND_NAMESPACE], n->name, caps_of(&n->capabilities, KIND_NAMESPACE), a);
        if (n->variables)
            list_each (&n->variables->paths, v)
                add(&r->of[KIND_VARIABLE], arena_printf(a, "%s" BETWEEN "%s", n->name, v->path),
                    caps_of(&v->capabilities, KIND_VARIABLE), a);
    }
    list_each (&p->node_pools, n)
        add(&r->of[KIND_POOL], n->name, caps_of(&n->capabilities, KIND_POOL), a);
    list_each (&p->host_volumes, n)
        add(&r->of[KIND_VOLUME], n->name, caps_of(&n->capabilities, KIND_VOLUME), a);
    add_area(r, AREA_AGENT, p->agent);
    add_area(r, AREA_NODE, p->node);
    add_area(r, AREA_OPERATOR, p->operator);
    add_area(r, AREA_QUOTA, p->quota);
    add_area(r, AREA_PLUGIN, p->plugin);
}

static int by_pattern(const void *a, const void *b)
{
    return strcmp(((const struct named_right *)a)->pattern,
                  ((const struct named_right *)b)->pattern);
}

/* Rules of one pattern become one; whose caps hold a deny allow nothing. */
static void settle(right_list *l)
{
    size_t n = 0;

    if (l->len == 0)
        return;
    qsort(l->at, l->len, sizeof *l->at, by_pattern);
    for (size_t i = 0; i < l->len; i++) {
        if (n && strcmp(l->at[n - 1].pattern, l->at[i].pattern) == 0)
            l->at[n - 1].caps |= l->at[i].caps;
        else
            l->at[n++] = l->at[i];
    }
    l->len = n;
    for (size_t i = 0; i < n; i++)
        if (l->at[i].caps & ACL_DENY)
            l->at[i].caps = 0;
}

const struct rights *rights_new(const struct acl_rules *const *rules, size_t n, struct arena *a)
{
    struct rights *r = arena_new_of(a, struct rights);

    for (size_t i = 0; i < n; i++)
        add_rules(r, rules[i], a);
    for (unsigned k = 0; k < ACL_KINDS; k++)
        settle(&r->of[k]);
    return r;
}

const struct rights *rights_everything(void)
{
    static const struct rights all = {.everything = true};

    return &all;
}

bool rights_is_management(const struct rights *r)
{
    return r->everything;
}

/* ---- asking ----------------------------------------------------------------------------- */

/* How many characters of the name the pattern leaves to its stars, and one for each star. */
static size_t looseness(struct str pattern, struct str name)
{
    size_t stars = 0;

    for (size_t i = 0; i < pattern.len; i++)
        stars += pattern.p[i] == '*';
    return name.len + 2 * stars - pattern.len;
}

/* NULL: no pattern matches. */
static const struct named_right *most_specific(const right_list *l, const char *name)
{
    const struct named_right *best = NULL;
    size_t least = 0;

    list_each (l, it)
        if (strcmp(it->pattern, name) == 0)
            return it;
    list_each (l, it) {
        struct str pattern = str_of(it->pattern);
        size_t loose;

        if (str_chr(pattern, '*') < 0 || !str_glob(pattern, str_of(name)))
            continue;
        loose = looseness(pattern, str_of(name));
        if (!best || loose < least) {
            best = it;
            least = loose;
        }
    }
    return best;
}

static uint64_t caps_for(const struct rights *r, enum acl_kind kind, const char *name)
{
    const struct named_right *n = most_specific(&r->of[kind], name);

    return n ? n->caps : 0;
}

static bool is_every(const char *ns)
{
    return strcmp(ns, "*") == 0;
}

static uint64_t caps_anywhere(const right_list *l)
{
    uint64_t caps = 0;

    list_each (l, it)
        caps |= it->caps;
    return caps;
}

bool rights_namespace(const struct rights *r, const char *ns, enum acl_cap cap)
{
    uint64_t caps;

    if (r->everything)
        return true;
    caps =
        is_every(ns) ? caps_anywhere(&r->of[KIND_NAMESPACE]) : caps_for(r, KIND_NAMESPACE, ns);
    return (caps >> cap) & 1;
}

bool rights_any_in_namespace(const struct rights *r, const char *ns)
{
    if (r->everything)
        return true;
    return (is_every(ns) ? caps_anywhere(&r->of[KIND_NAMESPACE])
                         : caps_for(r, KIND_NAMESPACE, ns)) != 0 ||
           rights_any_variable(r, ns, VAR_LIST);
}

static const char *variable_name(struct arena *a, const char *ns, const char *path)
{
    return arena_printf(a, "%s" BETWEEN "%s", ns, path);
}

bool rights_variable(const struct rights *r, const char *ns, const char *path,
                     enum acl_var_cap cap)
{
    auto_arena struct arena *a = NULL;

    if (r->everything)
        return true;
    if (r->of[KIND_VARIABLE].len == 0 || str_has(str_of(ns), STR(BETWEEN)) ||
        str_has(str_of(path), STR(BETWEEN)))
        return false;
    a = arena_new(0);
    return (caps_for(r, KIND_VARIABLE, variable_name(a, ns, path)) >> cap) & 1;
}

bool rights_any_variable(const struct rights *r, const char *ns, enum acl_var_cap cap)
{
    if (r->everything)
        return true;
    list_each (&r->of[KIND_VARIABLE], it) {
        struct str rest = str_of(it->pattern), of;

        if (!((it->caps >> cap) & 1) || !str_split(&rest, *BETWEEN, &of))
            continue;
        if (is_every(ns) || str_glob(of, str_of(ns)))
            return true;
    }
    return false;
}

bool rights_node_pool(const struct rights *r, const char *pool, enum acl_pool_cap cap)
{
    return r->everything || ((caps_for(r, KIND_POOL, pool) >> cap) & 1);
}

bool rights_host_volume(const struct rights *r, const char *volume, enum acl_volume_cap cap)
{
    return r->everything || ((caps_for(r, KIND_VOLUME, volume) >> cap) & 1);
}

bool rights_area(const struct rights *r, enum acl_area area, enum acl_level level)
{
    return r->everything || (r->areas[area] != LEVEL_DENY && r->areas[area] >= level);
}

bool rights_none(const struct rights *r)
{
    uint64_t caps = 0;

    for (unsigned k = 0; k < ACL_KINDS; k++)
        caps |= caps_anywhere(&r->of[k]);
    for (unsigned i = 0; i < AREAS; i++)
        caps |= r->areas[i] != LEVEL_NONE && r->areas[i] != LEVEL_DENY;
    return !r->everything && caps == 0;
}
