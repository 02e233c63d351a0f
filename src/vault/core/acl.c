/*
 * Rules of several policies made into one, and asked. Pure.
 *
 * A path is decided by one rule, never by a union: the rule of exactly that path, else the best
 * of the matching patterns. Prefixes ("a/b*") are sorted by text, each knowing the longest
 * other that it begins with, so that the longest match is a binary search; patterns with a '+'
 * are sorted by priority, so that the first match is the best of them.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "vault/core/policy_priv.h"

struct acl_rule {
    struct str path;
    enum { EXACT, PREFIX, SEGMENTS } kind; /* SEGMENTS: has a '+' */
    bool prefix;
    unsigned caps;
    struct policy_params allowed, denied;
    struct strlist required;
    int64_t min_wrap_s, max_wrap_s;
    size_t wild_at, n_plus;         /* first '+' or '*'; segments that are '+' */
    const struct acl_rule *shorter; /* PREFIX: the longest other prefix of this one */
};

struct acl_rules {
    struct acl_rule *at;
    size_t len;
};

struct acl {
    bool root;
    struct acl_rules exact, prefixes, segments;
};

bool acl_is_root(const struct acl *acl)
{
    return acl->root;
}

/* ---- compiling -------------------------------------------------------------------------- */

static bool is_plus(struct str seg)
{
    return seg.len == 1 && seg.p[0] == '+';
}

/* Counts the segments that are '+'; *ret_first: where the first stands. */
static size_t count_plus(struct str path, size_t *ret_first)
{
    struct str rest = path, seg;
    size_t n = 0;

    while (str_split(&rest, '/', &seg))
        if (is_plus(seg) && n++ == 0)
            *ret_first = (size_t)(seg.p - path.p);
    return n;
}

static struct acl_rule compile(struct str path, const struct policy_rule *rule)
{
    struct acl_rule r = {.path = path,
                         .prefix = rule->prefix,
                         .caps = rule->caps,
                         .allowed = rule->allowed,
                         .denied = rule->denied,
                         .required = rule->required,
                         .min_wrap_s = rule->min_wrap_s,
                         .max_wrap_s = rule->max_wrap_s,
                         .wild_at = path.len};

    r.n_plus = count_plus(path, &r.wild_at);
    r.kind = r.n_plus ? SEGMENTS : r.prefix ? PREFIX : EXACT;
    return r;
}

static struct policy_param *find_param(const struct policy_params *ps, struct str name)
{
    for (size_t i = 0; i < ps->len; i++)
        if (str_eq(ps->at[i].name, name))
            return &ps->at[i];
    return NULL;
}

/* Both sets of names; no values at all (any value) wins over a list of them. */
static void merge_params(struct arena *a, struct policy_params *into,
                         const struct policy_params *more)
{
    LIST(struct policy_param) all = {0};

    if (more->len == 0)
        return;
    for (size_t i = 0; i < into->len; i++)
        list_push(a, &all, into->at[i]);
    for (size_t i = 0; i < more->len; i++) {
        struct policy_param *old =
            find_param(&(struct policy_params){all.at, all.len}, more->at[i].name);
        struct policy_param both = {more->at[i].name, {0}};

        if (!old) {
            list_push(a, &all, more->at[i]);
            continue;
        }
        if (old->values.len && more->at[i].values.len) {
            for (size_t k = 0; k < old->values.len; k++)
                list_push(a, &both.values, old->values.at[k]);
            for (size_t k = 0; k < more->at[i].values.len; k++)
                list_push(a, &both.values, more->at[i].values.at[k]);
        }
        *old = both;
    }
    *into = (struct policy_params){all.at, all.len};
}

static int64_t smaller_given(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a ? a : b;
    return a < b ? a : b;
}

static void merge_rule(struct arena *a, struct acl_rule *into, const struct acl_rule *more)
{
    struct strlist required = {0};

    if ((into->caps | more->caps) & CAP_DENY) {
        *into = (struct acl_rule){.path = into->path,
                                  .kind = into->kind,
                                  .prefix = into->prefix,
                                  .caps = CAP_DENY,
                                  .wild_at = into->wild_at,
                                  .n_plus = into->n_plus};
        return;
    }
    into->caps |= more->caps;
    merge_params(a, &into->allowed, &more->allowed);
    merge_params(a, &into->denied, &more->denied);
    for (size_t i = 0; i < into->required.len; i++)
        list_push(a, &required, into->required.at[i]);
    for (size_t i = 0; i < more->required.len; i++)
        list_push(a, &required, more->required.at[i]);
    into->required = required;
    into->min_wrap_s = smaller_given(into->min_wrap_s, more->min_wrap_s);
    into->max_wrap_s = smaller_given(into->max_wrap_s, more->max_wrap_s);
}

static int by_kind_and_path(const void *x, const void *y)
{
    const struct acl_rule *a = x, *b = y;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->prefix != b->prefix)
        return a->prefix ? 1 : -1;
    return str_cmp(a->path, b->path);
}

/* Which of two patterns decides when both match: < 0: a. */
static int priority(const struct acl_rule *a, const struct acl_rule *b)
{
    if (a->wild_at != b->wild_at)
        return a->wild_at > b->wild_at ? -1 : 1;
    if (a->prefix != b->prefix)
        return a->prefix ? 1 : -1;
    if (a->n_plus != b->n_plus)
        return a->n_plus < b->n_plus ? -1 : 1;
    if (a->path.len != b->path.len)
        return a->path.len > b->path.len ? -1 : 1;
    return -str_cmp(a->path, b->path);
}

static int by_priority(const void *x, const void *y)
{
    return priority(x, y);
}

/* Sorted by text, so that what begins with a prefix stands right behind it. */
static void link_prefixes(struct acl_rules *prefixes)
{
    const struct acl_rule *open = NULL;

    for (size_t i = 0; i < prefixes->len; i++) {
        while (open && !str_starts(prefixes->at[i].path, open->path))
            open = open->shorter;
        prefixes->at[i].shorter = open;
        open = &prefixes->at[i];
    }
}

/* Equal keys are neighbours in `all`: one rule each. */
static void merge_equal(struct arena *a, struct acl_rules *all)
{
    size_t n = 0;

    for (size_t i = 0; i < all->len; i++) {
        if (n && by_kind_and_path(&all->at[n - 1], &all->at[i]) == 0)
            merge_rule(a, &all->at[n - 1], &all->at[i]);
        else
            all->at[n++] = all->at[i];
    }
    all->len = n;
}

static struct acl_rules of_kind(const struct acl_rules *all, int kind)
{
    struct acl_rules r = {all->at, 0};

    for (size_t i = 0; i < all->len; i++) {
        if ((int)all->at[i].kind < kind)
            r.at = &all->at[i + 1];
        r.len += (int)all->at[i].kind == kind;
    }
    return r;
}

struct acl *acl_new(struct arena *a, const struct policy *const *policies, size_t n,
                    const struct policy_identity *id, bool root)
{
    struct acl *acl = arena_new_of(a, struct acl);
    LIST(struct acl_rule) list = {0};
    struct acl_rules all;

    acl->root = root;
    for (size_t i = 0; i < n && !root; i++) {
        for (size_t k = 0; k < policies[i]->rules.len; k++) {
            const struct policy_rule *rule = &policies[i]->rules.at[k];
            struct str path = rule->path;

            if (policy_is_templated(path) && !policy_template_fill(a, path, id, &path))
                continue;
            list_push(a, &list, compile(path, rule));
        }
    }
    all = (struct acl_rules){list.at, list.len};
    if (all.len)
        qsort(all.at, all.len, sizeof *all.at, by_kind_and_path);
    merge_equal(a, &all);
    acl->exact = of_kind(&all, EXACT);
    acl->prefixes = of_kind(&all, PREFIX);
    acl->segments = of_kind(&all, SEGMENTS);
    link_prefixes(&acl->prefixes);
    if (acl->segments.len)
        qsort(acl->segments.at, acl->segments.len, sizeof *acl->segments.at, by_priority);
    return acl;
}

/* ---- finding the rule ------------------------------------------------------------------- */

/* Index of the first rule whose path is greater. */
static size_t upper(const struct acl_rules *rules, struct str path)
{
    size_t lo = 0, hi = rules->len;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (str_cmp(rules->at[mid].path, path) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static const struct acl_rule *find_exact(const struct acl *acl, struct str path)
{
    size_t i = upper(&acl->exact, path);

    return i > 0 && str_eq(acl->exact.at[i - 1].path, path) ? &acl->exact.at[i - 1] : NULL;
}

static const struct acl_rule *find_prefix(const struct acl *acl, struct str path)
{
    size_t i = upper(&acl->prefixes, path);
    const struct acl_rule *r = i > 0 ? &acl->prefixes.at[i - 1] : NULL;

    while (r && !str_starts(path, r->path))
        r = r->shorter;
    return r;
}

/* Segment by segment; the last one of a prefix is the beginning of a segment. */
static bool segments_match(const struct acl_rule *r, struct str path)
{
    struct str pattern, want, have;

    if (path.len < r->wild_at || memcmp(path.p, r->path.p, r->wild_at) != 0)
        return false;
    pattern = str_from(r->path, r->wild_at); /* begins with the first '+' */
    path = str_from(path, r->wild_at);
    while (str_split(&pattern, '/', &want)) {
        bool last = !pattern.p;

        if (!str_split(&path, '/', &have))
            return false;
        if (is_plus(want) || str_eq(want, have))
            continue;
        if (!(last && r->prefix && str_starts(have, want)))
            return false;
    }
    return r->prefix || !path.p;
}

static const struct acl_rule *find_pattern(const struct acl *acl, struct str path)
{
    const struct acl_rule *best = find_prefix(acl, path);

    for (size_t i = 0; i < acl->segments.len; i++) {
        const struct acl_rule *r = &acl->segments.at[i];

        if (best && priority(best, r) < 0)
            break;
        if (segments_match(r, path))
            return r;
    }
    return best;
}

/*
 * A list is asked with a '/' at its end, and rules may be written without: those are tried
 * first. But a pattern that only matches without must not get round a deny of what lies below
 * (it may list all, but "a" and below is denied).
 */
static const struct acl_rule *find_list_rule(const struct acl *acl, struct str path)
{
    struct str bare = str_upto(path, path.len - 1);
    const struct acl_rule *r = find_exact(acl, bare), *below;

    if (r)
        return r;
    r = find_pattern(acl, bare);
    below = find_pattern(acl, path);
    return !r || (below && below->caps & CAP_DENY) ? below : r;
}

static const struct acl_rule *find_rule(const struct acl *acl, struct str path, bool list)
{
    const struct acl_rule *r = find_exact(acl, path);

    if (r)
        return r;
    return list && str_ends(path, STR("/")) ? find_list_rule(acl, path)
                                            : find_pattern(acl, path);
}

/* ---- parameters ------------------------------------------------------------------------- */

/* '*' at either end of a pattern of two characters or more. */
static bool text_matches(struct str pattern, struct str s)
{
    bool front = pattern.len > 1 && pattern.p[0] == '*';
    bool back = pattern.len > 1 && pattern.p[pattern.len - 1] == '*';

    if (front)
        pattern = str_from(pattern, 1);
    if (back)
        pattern = str_upto(pattern, pattern.len - 1);
    if (front && back)
        return str_has(s, pattern);
    if (front)
        return str_ends(s, pattern);
    return back ? str_starts(s, pattern) : str_eq(s, pattern);
}

/* Numbers in a policy never equal those of a request, and no object equals another (they are of
 * different types in the program that the API is defined by). */
static bool value_matches(const struct json *rule, const struct json *v, bool globs)
{
    if (rule->type != v->type)
        return false;
    switch (rule->type) {
    case JSON_STRING:
        return globs ? text_matches(rule->text, v->text) : str_eq(rule->text, v->text);
    case JSON_BOOL:
        return rule->b == v->b;
    case JSON_ARRAY:
        if (rule->len != v->len)
            return false;
        for (uint32_t i = 0; i < v->len; i++)
            if (!value_matches(&rule->items[i], &v->items[i], false))
                return false;
        return true;
    default:
        return false;
    }
}

static bool param_matches(const struct policy_param *p, const struct json *v)
{
    for (size_t i = 0; i < p->values.len; i++)
        if (value_matches(p->values.at[i], v, true))
            return true;
    return p->values.len == 0;
}

static bool eq_lower(struct str lower, struct str s)
{
    if (lower.len != s.len)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (lower.p[i] != tolower((unsigned char)s.p[i]))
            return false;
    return true;
}

/* By a request's name, of any case. */
static const struct policy_param *param_of(const struct policy_params *ps, struct str name)
{
    for (size_t i = 0; i < ps->len; i++)
        if (eq_lower(ps->at[i].name, name))
            return &ps->at[i];
    return NULL;
}

static bool params_allowed(const struct acl_rule *r, const struct json *data)
{
    uint32_t n = json_is(data, JSON_OBJECT) ? data->len : 0;
    bool any;

    for (size_t i = 0; i < r->required.len; i++)
        if (!json_get(data, r->required.at[i]))
            return false;
    if (n && find_param(&r->denied, STR("*")))
        return false;
    any = r->allowed.len == 0 || find_param(&r->allowed, STR("*"));
    for (uint32_t i = 0; i < n; i++) {
        const struct json_member *m = &data->members[i];
        const struct policy_param *denied = param_of(&r->denied, m->key);
        const struct policy_param *allowed = param_of(&r->allowed, m->key);

        if (denied && param_matches(denied, &m->value))
            return false;
        if (allowed ? !param_matches(allowed, &m->value) : !any)
            return false;
    }
    return true;
}

/* ---- asking ----------------------------------------------------------------------------- */

static bool wrapping_allowed(const struct acl_rule *r, int64_t wrap_ttl_s)
{
    if (r->max_wrap_s > 0 && (wrap_ttl_s == 0 || wrap_ttl_s > r->max_wrap_s))
        return false;
    return r->min_wrap_s == 0 || wrap_ttl_s >= r->min_wrap_s;
}

bool acl_allows(const struct acl *acl, const struct acl_request *q)
{
    static const unsigned needs[] = {
        [OP_READ] = CAP_READ,     [OP_LIST] = CAP_LIST,     [OP_CREATE] = CAP_CREATE,
        [OP_UPDATE] = CAP_UPDATE, [OP_DELETE] = CAP_DELETE, [OP_PATCH] = CAP_PATCH,
    };
    const struct acl_rule *r;

    if (acl->root || q->op == OP_HELP)
        return true;
    r = find_rule(acl, q->path, q->op == OP_LIST);
    if (!r || (r->caps & CAP_DENY) || !(r->caps & needs[q->op]))
        return false;
    if (q->needs_sudo && !(r->caps & CAP_SUDO))
        return false;
    if (!wrapping_allowed(r, q->wrap_ttl_s))
        return false;
    return q->op == OP_LIST || q->op == OP_DELETE || params_allowed(r, q->data);
}

bool acl_has_sudo(const struct acl *acl, struct str path)
{
    const struct acl_rule *r = acl->root ? NULL : find_rule(acl, path, false);

    return acl->root || (r && (r->caps & CAP_SUDO));
}

unsigned acl_capabilities(const struct acl *acl, struct str path)
{
    const struct acl_rule *r;

    if (acl->root)
        return CAP_ROOT;
    r = find_rule(acl, path, true);
    return r && r->caps ? r->caps : CAP_DENY;
}

static bool grants(const struct acl_rule *r)
{
    return r && r->caps && !(r->caps & CAP_DENY);
}

/* Could a path that matches the pattern begin with `prefix`? */
static bool segments_reach(const struct acl_rule *r, struct str prefix)
{
    struct str pattern = r->path, want, have;

    while (str_split(&prefix, '/', &have)) {
        if (!prefix.p && have.len == 0)
            return true;
        if (!str_split(&pattern, '/', &want))
            return r->prefix;
        if (is_plus(want) || str_eq(want, have))
            continue;
        return !pattern.p && r->prefix && str_starts(have, want);
    }
    return true;
}

static bool any_begins_with(const struct acl_rules *rules, struct str prefix)
{
    for (size_t i = upper(rules, prefix); i < rules->len; i++) {
        if (!str_starts(rules->at[i].path, prefix))
            return false;
        if (grants(&rules->at[i]))
            return true;
    }
    return false;
}

bool acl_touches_prefix(const struct acl *acl, struct str prefix)
{
    if (acl->root || grants(find_rule(acl, prefix, true)))
        return true;
    if (any_begins_with(&acl->exact, prefix) || any_begins_with(&acl->prefixes, prefix))
        return true;
    for (size_t i = 0; i < acl->segments.len; i++)
        if (grants(&acl->segments.at[i]) && segments_reach(&acl->segments.at[i], prefix))
            return true;
    return false;
}

static void rules_json(const struct acl_rules *rules, struct json_out *w)
{
    json_obj(w);
    for (size_t i = 0; i < rules->len; i++) {
        unsigned caps = rules->at[i].caps ? rules->at[i].caps : CAP_DENY;
        auto_arena struct arena *a = arena_new(0);
        struct strlist names = {0};

        capability_names(caps, a, &names);
        json_keyn(w, rules->at[i].path);
        json_obj(w);
        json_key(w, "capabilities");
        json_strlist(w, &names);
        json_obj_end(w);
    }
    json_obj_end(w);
}

void acl_json_members(const struct acl *acl, struct json_out *w)
{
    if (!acl->root) {
        json_key(w, "exact_paths");
        rules_json(&acl->exact, w);
        json_key(w, "glob_paths");
        rules_json(&acl->prefixes, w);
    }
    json_kv_bool(w, "root", acl->root);
}
