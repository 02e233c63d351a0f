/*
 * From an expression's text to its tree.
 *
 *     or      := and ( _ "or" _ and )*
 *     and     := not ( _ "and" _ not )*
 *     not     := "not" _ not | group
 *     group   := "(" _? or _? ")" | each | match
 *     each    := ( "any" | "all" ) _ selector _ "as" _ names _? "{" _? or _? "}"
 *     names   := name | name _? "," _? name           "_" binds nothing
 *     match   := selector ( "==" | "!=" | contains | not contains | matches | not matches )
 * value | selector is (not) empty | value (not) in selector value   := selector | number |
 * string
 *
 * The language is a PEG: alternatives are tried in order, and an expression that does not
 * parse is told by what could have stood at the farthest place any of them reached. So every
 * primitive that fails notes what it wanted (`miss`).
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "lang/filter_priv.h"
#include "lang/regex.h"

enum { WANTED_MAX = 32, SAID_MAX = 512 };

struct parser {
    struct str text;
    size_t at;
    struct arena *arena;
    struct filter *filter;
    size_t far; /* the farthest place where something was wanted */
    const char *wanted[WANTED_MAX];
    size_t n_wanted;
    struct buf said;  /* errors of what is clearly meant but wrong */
    const char *over; /* a limit: nothing more is parsed */
    int depth;
};

/* ---- primitives ------------------------------------------------------------------------- */

static bool miss(struct parser *p, const char *want)
{
    if (p->at < p->far)
        return false;
    if (p->at > p->far)
        p->n_wanted = 0;
    p->far = p->at;
    for (size_t i = 0; i < p->n_wanted; i++)
        if (strcmp(p->wanted[i], want) == 0)
            return false;
    if (p->n_wanted < WANTED_MAX)
        p->wanted[p->n_wanted++] = want;
    return false;
}

static bool more(const struct parser *p)
{
    return p->at < p->text.len && !p->over;
}

/* `quoted`: the literal with its quotes, as a miss shows it. */
static bool literal(struct parser *p, const char *quoted)
{
    struct str word = str_n(quoted + 1, strlen(quoted) - 2);

    if (word.len == 2 && word.p[0] == '\\')
        word = str_from(word, 1);
    if (!str_starts(str_from(p->text, p->at), word) || p->over)
        return miss(p, quoted);
    p->at += word.len;
    return true;
}

/* One character of a set; `want`: how the set is called. */
static bool one_of(struct parser *p, const char *set, const char *want)
{
    if (!more(p) || p->text.p[p->at] == '\0' || !strchr(set, p->text.p[p->at]))
        return miss(p, want);
    p->at++;
    return true;
}

static bool some_of(struct parser *p, const char *set, const char *want)
{
    bool any = one_of(p, set, want);

    while (any && one_of(p, set, want))
        ;
    return any;
}

static bool space(struct parser *p)
{
    return some_of(p, " \t\r\n", "[ \\t\\r\\n]");
}

static void maybe_space(struct parser *p)
{
    (void)space(p);
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Line and column count as Go's parser does: a line's end belongs to the next line. */
static void place_of(const struct parser *p, size_t at, size_t *ret_line, size_t *ret_column)
{
    size_t line = 1, column = 0;

    for (size_t i = 0; i <= at; i++) {
        if (i < p->text.len && ((unsigned char)p->text.p[i] & 0xc0) == 0x80)
            continue; /* inside a character */
        column++;
        if (i < p->text.len && p->text.p[i] == '\n') {
            line++;
            column = 0;
        }
    }
    *ret_line = line;
    *ret_column = column;
}

/* What is clearly meant but wrong; always false. */
static bool say(struct parser *p, size_t at, const char *rule, const char *what)
{
    auto_buf struct buf one = BUF_INIT(SAID_MAX);
    size_t line, column;

    place_of(p, at, &line, &column);
    buf_printf(&one, "%zu:%zu (%zu): rule \"%s\": %s", line, column, at, rule, what);
    if (!str_has(str_n(p->said.p, p->said.len), str_n(one.p, one.len)))
        buf_printf(&p->said, "%s%s", p->said.len ? "\n" : "", one.p);
    return false;
}

static bool enter(struct parser *p)
{
    if (++p->depth > FILTER_DEPTH_MAX)
        p->over = "filter expression is nested too deeply";
    return !p->over;
}

static struct filter_node *node_new(struct parser *p, enum filter_op op)
{
    struct filter_node *n = arena_new_of(p->arena, struct filter_node);

    n->op = op;
    if (p->filter->nodes.len >= FILTER_NODES_MAX)
        p->over = "filter expression has too many parts";
    else
        list_push(p->arena, &p->filter->nodes, n);
    return n;
}

/* ---- strings ---------------------------------------------------------------------------- */

static void put_utf8(struct buf *b, uint32_t c)
{
    if (c < 0x80) {
        buf_putc(b, (char)c);
    } else if (c < 0x800) {
        buf_putc(b, (char)(0xc0 | c >> 6));
        buf_putc(b, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_putc(b, (char)(0xe0 | c >> 12));
        buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_putc(b, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_putc(b, (char)(0xf0 | c >> 18));
        buf_putc(b, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_putc(b, (char)(0x80 | (c & 0x3f)));
    }
}

static bool take_digits(struct str *rest, size_t n, int base, uint64_t *ret)
{
    bool ok = rest->len >= n && str_to_u64(str_upto(*rest, n), base, ret);

    *rest = str_from(*rest, n);
    return ok;
}

/* What stands behind a backslash. */
static bool unescape(struct str *rest, struct buf *b)
{
    static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
    char c = rest->len ? rest->p[0] : '\0';
    const char *simple = c ? strchr(from, c) : NULL;
    uint64_t code;

    if (simple) {
        *rest = str_from(*rest, 1);
        buf_putc(b, to[simple - from]);
        return true;
    }
    if (c >= '0' && c <= '7') {
        if (!take_digits(rest, 3, 8, &code) || code > 255)
            return false;
        buf_putc(b, (char)code);
        return true;
    }
    *rest = str_from(*rest, 1);
    if (!take_digits(rest,
                     c == 'x'   ? 2
                     : c == 'u' ? 4
                                : 8,
                     16, &code) ||
        !(c == 'x' || c == 'u' || c == 'U') || code > 0x10ffff ||
        (code >= 0xd800 && code < 0xe000))
        return false;
    if (c == 'x')
        buf_putc(b, (char)code);
    else
        put_utf8(b, (uint32_t)code);
    return true;
}

/* Between double quotes, as Go reads it. */
static bool unquote(struct parser *p, struct str in, struct str *ret)
{
    auto_buf struct buf b = BUF_INIT(FILTER_TEXT_MAX * 4);

    while (in.len) {
        char c = in.p[0];

        in = str_from(in, 1);
        if (c == '\n' || (c == '\\' && !unescape(&in, &b)))
            return false;
        if (c != '\\')
            buf_putc(&b, c);
    }
    *ret = arena_str(p->arena, str_n(b.p, b.len));
    return true;
}

static bool string(struct parser *p, struct str *ret)
{
    size_t start = p->at, end;
    bool raw = literal(p, "\"`\"");
    struct str in;

    if (!raw && !literal(p, "\"\\\"\""))
        return false;
    for (end = p->at; end < p->text.len && p->text.p[end] != (raw ? '`' : '"'); end++)
        ;
    in = str_n(p->text.p + p->at, end - p->at);
    p->at = start;
    if (end == p->text.len)
        return say(p, end, "string", "Unterminated string literal");
    if (raw)
        *ret = in;
    else if (!unquote(p, in, ret))
        return say(p, start, "string", "invalid syntax");
    p->at = end + 1;
    return true;
}

/* ---- selectors and values --------------------------------------------------------------- */

static bool name(struct parser *p, struct str *ret)
{
    size_t start = p->at;

    if (!one_of(p, LETTERS, "[a-zA-Z]"))
        return false;
    while (one_of(p, LETTERS DIGITS "_/", "[a-zA-Z0-9_/]"))
        ;
    *ret = str_n(p->text.p + start, p->at - start);
    return true;
}

static bool add_part(struct parser *p, struct filter_selector *sel, struct str part)
{
    if (sel->parts.len >= FILTER_PARTS_MAX)
        p->over = "filter expression has a selector of too many parts";
    else
        list_push(p->arena, &sel->parts, part);
    return !p->over;
}

static bool bracket(struct parser *p, struct str *ret)
{
    size_t start = p->at;

    if (!literal(p, "\"[\""))
        return false;
    maybe_space(p);
    if (!string(p, ret)) {
        say(p, p->at, "index", "Invalid index");
    } else {
        maybe_space(p);
        if (literal(p, "\"]\""))
            return true;
        say(p, p->at, "index", "Unclosed index expression");
    }
    p->at = start;
    return false;
}

static bool dotted(struct parser *p, struct str *ret)
{
    size_t start = p->at, digits;

    if (!literal(p, "\".\""))
        return false;
    if (name(p, ret))
        return true;
    digits = p->at;
    if (some_of(p, DIGITS, "[0-9]")) {
        *ret = str_n(p->text.p + digits, p->at - digits);
        return true;
    }
    p->at = start;
    return false;
}

/* ~1 is a slash, ~0 a tilde. */
static struct str pointer_part(struct parser *p, struct str s)
{
    char *to = arena_cstr(p->arena, s);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        bool escape = to[i] == '~' && i + 1 < s.len && (to[i + 1] == '0' || to[i + 1] == '1');

        to[n++] = !escape ? to[i] : to[i + 1] == '1' ? '/' : '~';
        i += escape;
    }
    return str_n(to, n);
}

static bool pointer_char(unsigned char c)
{
    return c >= 0x80 || (c && strchr(LETTERS DIGITS "-_.~:|", c));
}

/* "/Meta/a.b" */
static bool pointer(struct parser *p, struct filter_selector *sel)
{
    size_t start = p->at;

    if (!literal(p, "\"\\\"\""))
        return false;
    while (more(p) && literal(p, "\"/\"")) {
        size_t from = p->at;

        while (more(p) && pointer_char((unsigned char)p->text.p[p->at]))
            p->at++;
        if (p->at == from) {
            miss(p, "[\\pL\\pN-_.~:|]");
            break;
        }
        if (!add_part(p, sel, pointer_part(p, str_n(p->text.p + from, p->at - from))))
            break;
    }
    if (literal(p, "\"\\\"\"")) {
        sel->text = arena_strndup(p->arena, p->text.p + start + 1, p->at - start - 2);
        return true;
    }
    p->at = start;
    return false;
}

static bool selector(struct parser *p, struct filter_selector *sel)
{
    struct str part;

    *sel = (struct filter_selector){0};
    if (!name(p, &part))
        return pointer(p, sel);
    sel->text = arena_cstr(p->arena, part);
    do {
        if (!add_part(p, sel, part))
            return false;
        if (sel->parts.len > 1)
            sel->text = arena_printf(p->arena, "%s.%.*s", sel->text, STR_ARG(part));
    } while (dotted(p, &part) || bracket(p, &part));
    return true;
}

static bool number(struct parser *p, struct str *ret)
{
    size_t start = p->at;

    (void)literal(p, "\"-\"");
    if (!literal(p, "\"0\"")) {
        if (!one_of(p, "123456789", "[1-9]")) {
            p->at = start;
            return false;
        }
        while (one_of(p, DIGITS, "[0-9]"))
            ;
    }
    if (literal(p, "\".\"") && !some_of(p, DIGITS, "[0-9]"))
        p->at--;
    *ret = str_n(p->text.p + start, p->at - start);
    if (!more(p) || strchr(" \t\r\n)}", p->text.p[p->at]))
        return true;
    say(p, p->at, "number", "Invalid number literal");
    p->at = start;
    return false;
}

static bool value(struct parser *p, struct str *ret)
{
    struct filter_selector sel;

    if (selector(p, &sel)) {
        *ret = str_of(sel.text);
        return true;
    }
    return number(p, ret) || string(p, ret);
}

/* ---- comparisons ------------------------------------------------------------------------ */

/* Words with spaces around and between. */
static bool words(struct parser *p, const char *const quoted[3])
{
    size_t start = p->at;

    for (size_t i = 0; i < 3 && quoted[i]; i++)
        if (!space(p) || !literal(p, quoted[i])) {
            p->at = start;
            return false;
        }
    return true;
}

/* "==" and "!=" need no spaces. */
static bool sign(struct parser *p, const char *quoted)
{
    size_t start = p->at;

    maybe_space(p);
    if (!literal(p, quoted)) {
        p->at = start;
        return false;
    }
    maybe_space(p);
    return true;
}

static bool word_operator(struct parser *p, const char *const quoted[3])
{
    size_t start = p->at;

    if (words(p, quoted) && space(p))
        return true;
    p->at = start;
    return false;
}

static const struct comparison {
    enum filter_op op;
    bool negated;
    const char *words[3];
} before_value[] =
    {
        {FILTER_IN, false, {"\"contains\""}},
        {FILTER_IN, true, {"\"not\"", "\"contains\""}},
        {FILTER_MATCHES, false, {"\"matches\""}},
        {FILTER_MATCHES, true, {"\"not\"", "\"matches\""}},
},
  alone[] =
      {
          {FILTER_EMPTY, false, {"\"is\"", "\"empty\""}},
          {FILTER_EMPTY, true, {"\"is\"", "\"not\"", "\"empty\""}},
},
  before_selector[] = {
      {FILTER_IN, false, {"\"in\""}},
      {FILTER_IN, true, {"\"not\"", "\"in\""}},
};

static bool operator_of(struct parser *p, const struct comparison *rows, size_t n, bool last,
                        struct filter_node *ret)
{
    for (size_t i = 0; i < n; i++)
        if (last ? words(p, rows[i].words) : word_operator(p, rows[i].words)) {
            ret->op = rows[i].op;
            ret->negated = rows[i].negated;
            return true;
        }
    return false;
}

static bool equality(struct parser *p, struct filter_node *ret)
{
    ret->op = FILTER_EQUAL;
    ret->negated = false;
    if (sign(p, "\"==\""))
        return true;
    ret->negated = true;
    return sign(p, "\"!=\"");
}

static bool compile_pattern(struct parser *p, struct filter_node *n, size_t at)
{
    struct err e = ERR_INIT;

    if (n->op == FILTER_MATCHES && regex_compile(n->value, p->arena, &n->regex, &e) < 0)
        return say(p, at, "match", e.msg);
    return true;
}

static bool selector_first(struct parser *p, struct filter_node *ret)
{
    size_t start = p->at, end, at;

    if (!selector(p, &ret->of))
        return false;
    end = p->at;
    if (equality(p, ret) || operator_of(p, before_value, ARRAY_LEN(before_value), false, ret)) {
        at = p->at;
        if (value(p, &ret->value))
            return compile_pattern(p, ret, at);
    }
    p->at = end;
    if (operator_of(p, alone, ARRAY_LEN(alone), true, ret))
        return true;
    p->at = start;
    return false;
}

static bool value_first(struct parser *p, struct filter_node *ret)
{
    size_t start = p->at;

    if (value(p, &ret->value) &&
        operator_of(p, before_selector, ARRAY_LEN(before_selector), false, ret)) {
        if (selector(p, &ret->of))
            return true;
        say(p, p->at, "match", "Invalid selector");
    }
    p->at = start;
    return false;
}

static struct filter_node *comparison(struct parser *p)
{
    struct filter_node n = {0}, *ret;

    if (!selector_first(p, &n) && !value_first(p, &n))
        return NULL;
    ret = node_new(p, n.op);
    *ret = n;
    return ret;
}

/* ---- the tree --------------------------------------------------------------------------- */

static struct filter_node *either(struct parser *p);

static bool bound_name(struct parser *p, struct str *ret)
{
    if (literal(p, "\"_\"")) {
        *ret = (struct str){0};
        return true;
    }
    return name(p, ret);
}

static bool bound_names(struct parser *p, struct filter_node *n)
{
    size_t end;

    if (!bound_name(p, &n->item))
        return false;
    n->one_name = true;
    end = p->at;
    maybe_space(p);
    if (!literal(p, "\",\"")) {
        p->at = end;
        return true;
    }
    maybe_space(p);
    n->key = n->item;
    n->one_name = false;
    return bound_name(p, &n->item);
}

static bool each_head(struct parser *p, struct filter_node *n)
{
    if (literal(p, "\"any\""))
        n->op = FILTER_ANY;
    else if (literal(p, "\"all\""))
        n->op = FILTER_ALL;
    else
        return false;
    if (!space(p) || !selector(p, &n->of) || !space(p) || !literal(p, "\"as\"") || !space(p) ||
        !bound_names(p, n))
        return false;
    maybe_space(p);
    return literal(p, "\"{\"");
}

static struct filter_node *each(struct parser *p)
{
    struct filter_node n = {0}, *ret = NULL;
    size_t start = p->at;

    if (enter(p) && each_head(p, &n)) {
        maybe_space(p);
        n.a = either(p);
        maybe_space(p);
        if (n.a && literal(p, "\"}\"")) {
            ret = node_new(p, n.op);
            *ret = n;
        }
    }
    if (!ret)
        p->at = start;
    p->depth--;
    return ret;
}

static struct filter_node *parentheses(struct parser *p)
{
    struct filter_node *inner = NULL;
    size_t start = p->at;

    if (enter(p) && literal(p, "\"(\"")) {
        maybe_space(p);
        inner = either(p);
        maybe_space(p);
        if (inner && !literal(p, "\")\"")) {
            say(p, p->at, "grouping", "Unmatched parentheses");
            inner = NULL;
        }
    }
    if (!inner)
        p->at = start;
    p->depth--;
    return inner;
}

static struct filter_node *group(struct parser *p)
{
    struct filter_node *n = parentheses(p);

    if (!n)
        n = each(p);
    return n ? n : comparison(p);
}

static struct filter_node *negation(struct parser *p)
{
    struct filter_node *inner = NULL, *n;
    size_t start = p->at;

    if (enter(p) && literal(p, "\"not\"") && space(p))
        inner = negation(p);
    p->depth--;
    if (!inner) {
        p->at = start;
        return group(p);
    }
    n = node_new(p, FILTER_NOT);
    n->a = inner;
    return n;
}

/* One or more of the next lower kind with a word between them. */
static struct filter_node *chain(struct parser *p, enum filter_op op, const char *const word[3],
                                 struct filter_node *(*part)(struct parser *p))
{
    struct filter_node *left = part(p);

    while (left && !p->over) {
        size_t end = p->at;
        struct filter_node *right = word_operator(p, word) ? part(p) : NULL, *n;

        if (!right) {
            p->at = end;
            break;
        }
        n = node_new(p, op);
        n->a = left;
        n->b = right;
        left = n;
    }
    return left;
}

static struct filter_node *both(struct parser *p)
{
    return chain(p, FILTER_AND, (const char *const[3]){"\"and\""}, negation);
}

static struct filter_node *either(struct parser *p)
{
    return chain(p, FILTER_OR, (const char *const[3]){"\"or\""}, both);
}

/* ---- the door --------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "-", "0", [a-z] or EOF */
static int no_match(struct parser *p, struct err *e)
{
    auto_buf struct buf list = BUF_INIT(ERR_MSG_SIZE);
    size_t line, column, n = p->n_wanted;
    bool end = false;

    for (size_t i = 0; i < n; i++)
        if (strcmp(p->wanted[i], "EOF") == 0) {
            p->wanted[i] = p->wanted[--n];
            end = true;
        }
    qsort(p->wanted, n, sizeof *p->wanted, by_text);
    if (end)
        p->wanted[n++] = "EOF";
    for (size_t i = 0; i < n; i++)
        buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", p->wanted[i]);
    place_of(p, p->far, &line, &column);
    return err_set(e, ERR_INVALID, "%zu:%zu (%zu): no match found, expected: %s", line, column,
                   p->far, list.p ? list.p : "");
}

static bool at_end(struct parser *p)
{
    return p->at == p->text.len || miss(p, "EOF");
}

static int check_text(struct str text, struct err *e)
{
    if (text.len > FILTER_TEXT_MAX)
        return err_set(e, ERR_TOOBIG, "filter expression is longer than %d bytes",
                       FILTER_TEXT_MAX);
    if (!str_is_utf8(text) || memchr(text.p, '\0', text.len))
        return err_set(e, ERR_INVALID, "filter expression is not UTF-8 text");
    return 0;
}

int filter_parse(struct str text, struct arena *a, struct filter **ret, struct err *e)
{
    struct filter *f = arena_new_of(a, struct filter);
    struct parser p = {.text = text, .arena = a, .filter = f, .said = BUF_INIT(SAID_MAX)};
    int r = check_text(text, e);

    if (r < 0)
        return r;
    maybe_space(&p);
    f->root = either(&p);
    f->steps = FILTER_STEPS_MAX;
    if (f->root) {
        maybe_space(&p);
        if (!at_end(&p))
            f->root = NULL;
    }
    if (p.over)
        r = err_set(e, ERR_TOOBIG, "%s", p.over);
    else if (p.said.len)
        r = err_set(e, ERR_INVALID, "%s", p.said.p);
    else if (!f->root)
        r = no_match(&p, e);
    buf_done(&p.said);
    if (r == 0)
        *ret = f;
    return r;
}
