#include "lang/regex_priv.h"

#include <ctype.h>
#include <string.h>

#include "base/err.h"

/*
 *   alt    = seq { "|" seq }
 *   seq    = { item [ "*" | "+" | "?" | "{n,m}" ] ["?"] }
 *   item   = char | "." | class | escape | "^" | "$" | "(" [flags] alt ")"
 */
struct parser {
    struct arena *arena;
    struct str text;
    size_t at;
    unsigned depth;
    bool fold, dot_nl, multi, lazy; /* (?i) (?s) (?m) (?U) */
    int groups;
    struct err *err;
};

static struct re_node *parse_alt(struct parser *p);

/* `what` and the piece of the pattern it is about: what was begun at `from`, up to here. */
static struct re_node *fail(struct parser *p, const char *what, size_t from)
{
    struct str piece = str_from(str_upto(p->text, p->at), from);

    err_set(p->err, ERR_INVALID, "error parsing regexp: %s: `%.*s`", what, STR_ARG(piece));
    return NULL;
}

static struct re_node *node(struct parser *p, enum re_kind kind)
{
    struct re_node *n = arena_new_of(p->arena, struct re_node);

    n->kind = kind;
    return n;
}

static bool more(const struct parser *p)
{
    return p->at < p->text.len;
}

static bool next_is(const struct parser *p, const char *s)
{
    return str_starts(str_from(p->text, p->at), str_of(s));
}

static bool take(struct parser *p, const char *s)
{
    if (!next_is(p, s))
        return false;
    p->at += strlen(s);
    return true;
}

uint32_t re_char(struct str s, size_t *at)
{
    size_t n = str_utf8_at(s, *at);
    const uint8_t *b = (const uint8_t *)s.p + *at;
    uint32_t c = b[0];

    *at += n ? n : 1;
    if (n == 2)
        c = (b[0] & 0x1fu) << 6 | (b[1] & 0x3fu);
    else if (n == 3)
        c = (b[0] & 0x0fu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);
    else if (n == 4)
        c = (b[0] & 0x07u) << 18 | (b[1] & 0x3fu) << 12 | (b[2] & 0x3fu) << 6 | (b[3] & 0x3fu);
    return c;
}

/*
 * Classes.
 */
static void add_range(struct parser *p, struct re_node *n, uint32_t lo, uint32_t hi)
{
    struct re_range r = {lo, hi};

    list_push(p->arena, &n->ranges, r);
    if (!p->fold)
        return;
    for (uint32_t c = lo; c <= hi && c < 128; c++)
        if (isalpha((int)c)) {
            uint32_t other = c ^ 0x20u;

            list_push(p->arena, &n->ranges, ((struct re_range){other, other}));
        }
}

static const struct re_named {
    const char *name;
    struct re_range ranges[4];
} named_classes[] = {
    {"d", {{'0', '9'}}},
    {"w", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
    {"s", {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}},
    {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
    {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
    {"ascii", {{1, 127}}}, /* a text has no NUL */
    {"blank", {{'\t', '\t'}, {' ', ' '}}},
    {"cntrl", {{1, 31}, {127, 127}}},
    {"digit", {{'0', '9'}}},
    {"graph", {{'!', '~'}}},
    {"lower", {{'a', 'z'}}},
    {"print", {{' ', '~'}}},
    {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
    {"space", {{'\t', '\r'}, {' ', ' '}}},
    {"upper", {{'A', 'Z'}}},
    {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
    {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};

static bool add_named(struct parser *p, struct re_node *n, struct str name, bool negate)
{
    for (size_t i = 0; i < ARRAY_LEN(named_classes); i++) {
        const struct re_named *c = &named_classes[i];
        uint32_t from = 0;

        if (!str_eqc(name, c->name))
            continue;
        for (size_t k = 0; k < ARRAY_LEN(c->ranges) && c->ranges[k].hi; k++) {
            if (!negate)
                add_range(p, n, c->ranges[k].lo, c->ranges[k].hi);
            else if (c->ranges[k].lo > from)
                add_range(p, n, from, c->ranges[k].lo - 1);
            from = c->ranges[k].hi + 1;
        }
        if (negate)
            add_range(p, n, from, UINT32_MAX);
        return true;
    }
    return false;
}

/* After a backslash: one character, or false. */
static bool escaped_char(struct parser *p, uint32_t *ret)
{
    static const char from[] = "ntrfva", to[] = "\n\t\r\f\v\a";
    uint32_t c = re_char(p->text, &p->at);
    const char *known = c < 128 && c ? strchr(from, (int)c) : NULL;

    if (known) {
        *ret = (uint8_t)to[known - from];
        return true;
    }
    if (c == 'x') {
        uint64_t v;
        bool braces = take(p, "{");
        ptrdiff_t end = braces ? str_chr(str_from(p->text, p->at), '}') : 2;
        struct str digits = str_upto(str_from(p->text, p->at), end < 0 ? 0 : (size_t)end);

        if (!digits.len || (!braces && digits.len < 2) || !str_to_u64(digits, 16, &v) ||
            v > 0x10FFFF)
            return false;
        p->at += digits.len + braces;
        *ret = (uint32_t)v;
        return true;
    }
    *ret = c;
    return c >= 128 || !isalnum((int)c);
}

static bool class_escape(struct parser *p, struct re_node *n, uint32_t *ret_char)
{
    char c = more(p) ? p->text.p[p->at] : '\0';
    char lower = (char)tolower((unsigned char)c);

    if (c && strchr("dDwWsS", c)) {
        p->at++;
        add_named(p, n, str_n(&lower, 1), c != lower);
        *ret_char = UINT32_MAX; /* was a class */
        return true;
    }
    return c && escaped_char(p, ret_char);
}

/* One character of a class, or a named class (then *ret is UINT32_MAX). */
static bool class_item(struct parser *p, struct re_node *n, uint32_t *ret)
{
    if (take(p, "[:")) {
        bool negate = take(p, "^");
        ptrdiff_t end = str_find(str_from(p->text, p->at), STR(":]"));

        if (end < 0 ||
            !add_named(p, n, str_upto(str_from(p->text, p->at), (size_t)end), negate))
            return false;
        p->at += (size_t)end + 2;
        *ret = UINT32_MAX;
        return true;
    }
    if (take(p, "\\"))
        return class_escape(p, n, ret);
    *ret = re_char(p->text, &p->at);
    return true;
}

static struct re_node *parse_class(struct parser *p)
{
    struct re_node *n = node(p, RE_CLASS);
    size_t from = p->at - 1;
    bool first = true;

    n->negate = take(p, "^");
    while (more(p) && (first || !next_is(p, "]"))) {
        uint32_t lo, hi;

        first = false;
        if (!class_item(p, n, &lo))
            return fail(p, "invalid character class", from);
        if (lo == UINT32_MAX)
            continue;
        hi = lo;
        if (next_is(p, "-") && !next_is(p, "-]")) {
            p->at++;
            if (!more(p) || !class_item(p, n, &hi) || hi == UINT32_MAX || hi < lo)
                return fail(p, "invalid character class range", from);
        }
        add_range(p, n, lo, hi);
    }
    return take(p, "]") ? n : fail(p, "missing closing ]", from);
}

/*
 * Items.
 */
static struct re_node *char_node(struct parser *p, uint32_t c)
{
    struct re_node *n = node(p, RE_CLASS);

    add_range(p, n, c, c);
    return n;
}

static struct re_node *parse_escape(struct parser *p)
{
    static const struct {
        char c;
        enum re_kind kind;
    } asserts[] = {
        {'A', RE_BEGIN_TEXT}, {'z', RE_END_TEXT}, {'b', RE_WORD}, {'B', RE_NOT_WORD}};
    struct re_node *n = node(p, RE_CLASS);
    size_t from = p->at - 1;
    uint32_t c;

    if (!more(p))
        return fail(p, "trailing backslash at end of expression", p->at);
    for (size_t i = 0; i < ARRAY_LEN(asserts); i++)
        if (p->text.p[p->at] == asserts[i].c) {
            p->at++;
            n->kind = asserts[i].kind;
            return n;
        }
    if (!class_escape(p, n, &c))
        return fail(p, "invalid escape sequence", from);
    if (c != UINT32_MAX)
        add_range(p, n, c, c);
    return n;
}

/* After "(?": flags that hold to the end of the group, or for the group that follows. */
static bool parse_flags(struct parser *p, bool *ret_group)
{
    bool on = true;

    for (; more(p); p->at++) {
        switch (p->text.p[p->at]) {
        case 'i':
            p->fold = on;
            break;
        case 's':
            p->dot_nl = on;
            break;
        case 'm':
            p->multi = on;
            break;
        case 'U':
            p->lazy = on;
            break;
        case '-':
            on = false;
            break;
        case ':':
        case ')':
            *ret_group = p->text.p[p->at++] == ':';
            return true;
        default:
            return false;
        }
    }
    return false;
}

static struct re_node *parse_group(struct parser *p)
{
    bool fold = p->fold, dot_nl = p->dot_nl, multi = p->multi, lazy = p->lazy;
    bool group = true, remembered = true;
    size_t from = p->at - 1;
    struct re_node *n, *outer;
    int number;

    if (take(p, "?")) {
        remembered = false;
        if (!parse_flags(p, &group))
            return fail(p, "invalid or unsupported Perl syntax", from);
    }
    if (!group)
        return node(p, RE_EMPTY);
    if (++p->depth > REGEX_DEPTH_MAX)
        return fail(p, "expression nests too deeply", from);
    number = remembered ? ++p->groups : 0;
    n = parse_alt(p);
    p->depth--;
    if (!n)
        return NULL;
    if (!take(p, ")"))
        return fail(p, "missing closing )", 0);
    p->fold = fold;
    p->dot_nl = dot_nl;
    p->multi = multi;
    p->lazy = lazy;
    if (!remembered)
        return n;
    outer = node(p, RE_GROUP);
    outer->a = n;
    outer->min = number;
    return outer;
}

static struct re_node *parse_item(struct parser *p)
{
    struct re_node *n;

    if (take(p, "("))
        return parse_group(p);
    if (take(p, "["))
        return parse_class(p);
    if (take(p, "\\"))
        return parse_escape(p);
    if (take(p, "^"))
        return node(p, p->multi ? RE_BEGIN_LINE : RE_BEGIN_TEXT);
    if (take(p, "$"))
        return node(p, p->multi ? RE_END_LINE : RE_END_TEXT);
    if (take(p, ".")) {
        n = node(p, RE_CLASS);
        n->negate = true;
        if (!p->dot_nl)
            list_push(p->arena, &n->ranges, ((struct re_range){'\n', '\n'}));
        return n;
    }
    if (strchr("*+?", p->text.p[p->at]))
        return p->at++, fail(p, "missing argument to repetition operator", p->at - 1);
    return char_node(p, re_char(p->text, &p->at));
}

/* "{n}", "{n,}", "{n,m}" behind an item; anything else is a plain character. */
static bool parse_counts(struct parser *p, int *min, int *max)
{
    struct str rest = str_from(p->text, p->at + 1), body, low;
    ptrdiff_t end = str_chr(rest, '}');
    int64_t lo, hi = -1;

    if (!next_is(p, "{") || end < 0)
        return false;
    body = str_upto(rest, (size_t)end);
    if (!str_split(&body, ',', &low) || !str_to_i64(low, 10, &lo) || lo < 0)
        return false;
    if (low.len == (size_t)end)
        hi = lo;
    else if (body.len && (!str_to_i64(body, 10, &hi) || hi < lo))
        return false;
    if (lo > REGEX_REPEAT_MAX || hi > REGEX_REPEAT_MAX)
        return false;
    *min = (int)lo;
    *max = (int)hi;
    p->at += (size_t)end + 2;
    return true;
}

static struct re_node *parse_repeat(struct parser *p, struct re_node *item)
{
    int min = 0, max = -1;
    size_t from = p->at;
    struct re_node *n;
    bool lazy;

    if (take(p, "+"))
        min = 1;
    else if (take(p, "?"))
        max = 1;
    else if (!take(p, "*") && !parse_counts(p, &min, &max))
        return item;
    lazy = take(p, "?") != p->lazy;
    if (more(p) && strchr("*+?", p->text.p[p->at]))
        return p->at++, fail(p, "invalid nested repetition operator", from);
    n = node(p, RE_REPEAT);
    n->min = min;
    n->max = max;
    n->a = item;
    n->lazy = lazy;
    return n;
}

static struct re_node *parse_seq(struct parser *p)
{
    struct re_node *seq = node(p, RE_EMPTY);

    while (more(p) && !next_is(p, "|") && !next_is(p, ")")) {
        struct re_node *item = parse_item(p), *both;

        if (item)
            item = parse_repeat(p, item);
        if (!item)
            return NULL;
        both = node(p, RE_CAT);
        both->a = seq;
        both->b = item;
        seq = both;
    }
    return seq;
}

static struct re_node *parse_alt(struct parser *p)
{
    struct re_node *n = parse_seq(p);

    while (n && take(p, "|")) {
        struct re_node *alt = node(p, RE_ALT);

        alt->a = n;
        alt->b = parse_seq(p);
        n = alt->b ? alt : NULL;
    }
    return n;
}

int re_parse(struct str pattern, struct arena *a, struct re_node **ret, int *ret_groups,
             struct err *e)
{
    struct parser p = {.arena = a, .text = pattern, .err = e};
    struct re_node *n;

    if (pattern.len > REGEX_PATTERN_MAX)
        return err_set(e, ERR_TOOBIG, "regexp is longer than %d bytes", REGEX_PATTERN_MAX);
    n = parse_alt(&p);
    if (n && more(&p))
        n = fail(&p, "unexpected )", 0);
    if (!n)
        return ERR_INVALID;
    *ret = n;
    *ret_groups = p.groups;
    return 0;
}
