#include <ctype.h>
#include <string.h>

#include "base/err.h"
#include "nomad/model/expr.h"

/*
 * Versions as go-version reads them: "v1.2.3.4-beta.1+meta". Missing parts count as zero; the
 * number of those written matters to "~>".
 */
enum { SEGMENTS_MAX = 16 };

struct version {
    int64_t segments[SEGMENTS_MAX];
    size_t n;       /* written */
    struct str pre; /* "beta.1", empty: none */
};

static bool ident(struct str s, bool dots)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '-' && s.p[i] != '~' &&
            !(dots && s.p[i] == '.'))
            return false;
    return s.len > 0;
}

static bool parse_segments(struct str s, struct version *v)
{
    struct str part;

    while (str_split(&s, '.', &part)) {
        if (v->n == SEGMENTS_MAX || !str_to_i64(part, 10, &v->segments[v->n]) ||
            v->segments[v->n] < 0 || part.p[0] == '+')
            return false;
        v->n++;
    }
    return v->n > 0;
}

static bool parse_version(struct str s, bool semver, struct version *ret)
{
    ptrdiff_t plus, dash;
    size_t digits = 0;

    *ret = (struct version){0};
    s = str_trim(s);
    if (str_starts(s, STR("v")))
        s = str_from(s, 1);
    plus = str_chr(s, '+');
    if (plus >= 0) {
        if (!ident(str_from(s, (size_t)plus + 1), true))
            return false;
        s = str_upto(s, (size_t)plus);
    }
    dash = str_chr(s, '-');
    while (digits < s.len && (isdigit((unsigned char)s.p[digits]) || s.p[digits] == '.'))
        digits++;
    if (dash >= 0)
        ret->pre = str_from(s, (size_t)dash + 1);
    else if (digits < s.len && !semver) /* "1.2beta": the loose form */
        ret->pre = str_from(s, digits);
    if (dash >= 0 || digits < s.len)
        if (!ident(ret->pre, true) || (dash >= 0 && digits != (size_t)dash))
            return false;
    return parse_segments(str_upto(s, digits), ret);
}

static int cmp_i64(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int cmp_segments(const struct version *a, const struct version *b)
{
    for (size_t i = 0; i < SEGMENTS_MAX; i++)
        if (a->segments[i] != b->segments[i])
            return cmp_i64(a->segments[i], b->segments[i]);
    return 0;
}

/* Numbers sort before words, and by value; a list sorts after its beginning. */
static int cmp_pre_part(struct str a, struct str b)
{
    int64_t x, y;
    bool a_num = str_to_i64(a, 10, &x), b_num = str_to_i64(b, 10, &y);

    if (a_num && b_num)
        return cmp_i64(x, y);
    if (a_num != b_num)
        return a_num ? -1 : 1;
    return str_cmp(a, b);
}

static int cmp_pre(struct str a, struct str b)
{
    struct str x, y;

    if (a.len == 0 || b.len == 0)
        return (a.len == 0) - (b.len == 0); /* without one is later */
    for (;;) {
        bool more_a = str_split(&a, '.', &x), more_b = str_split(&b, '.', &y);
        int c;

        if (!more_a || !more_b)
            return more_a - more_b;
        c = cmp_pre_part(x, y);
        if (c)
            return c;
    }
}

static int cmp_versions(const struct version *a, const struct version *b)
{
    int c = cmp_segments(a, b);

    return c ? c : cmp_pre(a->pre, b->pre);
}

/*
 * Constraints: ">= 1.2, < 2".
 */
enum version_op { V_EQ, V_NE, V_GT, V_GE, V_LT, V_LE, V_PESSIMISTIC };

struct version_rule {
    enum version_op op;
    struct version version;
};

static const struct {
    const char *text;
    enum version_op op;
} version_ops[] = {
    {">=", V_GE}, {"<=", V_LE}, {"!=", V_NE}, {"~>", V_PESSIMISTIC},
    {">", V_GT},  {"<", V_LT},  {"=", V_EQ},
};

static bool parse_rule(struct str s, bool semver, struct version_rule *ret)
{
    s = str_trim(s);
    ret->op = V_EQ;
    for (size_t i = 0; i < ARRAY_LEN(version_ops); i++)
        if (str_starts(s, str_of(version_ops[i].text))) {
            ret->op = version_ops[i].op;
            s = str_from(s, strlen(version_ops[i].text));
            break;
        }
    return parse_version(s, semver, &ret->version);
}

/* Does a prerelease come into question at all? */
static bool prerelease_ok(const struct version *v, const struct version *c)
{
    if (v->pre.len == 0)
        return true;
    return c->pre.len && cmp_segments(v, c) == 0;
}

static bool pessimistic(const struct version *v, const struct version *c)
{
    if (cmp_versions(v, c) < 0)
        return false;
    for (size_t i = 0; i + 1 < c->n; i++)
        if (v->segments[i] != c->segments[i])
            return false;
    return v->segments[c->n - 1] >= c->segments[c->n - 1];
}

static bool rule_holds(const struct version_rule *r, const struct version *v, bool semver)
{
    int c = cmp_versions(v, &r->version);

    if (r->op == V_EQ || r->op == V_NE)
        return (c == 0) == (r->op == V_EQ);
    if (!semver && !prerelease_ok(v, &r->version))
        return false;
    switch (r->op) {
    case V_GT:
        return c > 0;
    case V_GE:
        return c >= 0;
    case V_LT:
        return c < 0;
    case V_LE:
        return c <= 0;
    default:
        return pessimistic(v, &r->version);
    }
}

int version_constraint_check(const char *text, bool semver, struct err *e)
{
    struct str rest = str_of(text), part;
    struct version_rule rule;
    size_t n = 0;

    while (str_split(&rest, ',', &part)) {
        if (++n > VERSION_CONSTRAINTS_MAX || !parse_rule(part, semver, &rule))
            return err_set(e, ERR_INVALID, "Malformed constraint: %.*s", STR_ARG(part));
    }
    if (n == 0)
        return err_set(e, ERR_INVALID, "Malformed constraint: ");
    return 0;
}

bool version_matches(const char *version, const char *constraint, bool semver)
{
    struct str rest = str_of(constraint), part;
    struct version_rule rule;
    struct version v;

    if (!parse_version(str_of(version), semver, &v) ||
        version_constraint_check(constraint, semver, NULL) < 0)
        return false;
    while (str_split(&rest, ',', &part))
        if (!parse_rule(part, semver, &rule) || !rule_holds(&rule, &v, semver))
            return false;
    return true;
}
