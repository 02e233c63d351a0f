#include "cli/nomad/template.h"

#include <string.h>

#include "base/err.h"
#include "cli/common/text.h"

enum { DEPTH_MAX = 32, WORDS_MAX = 16 };

struct tmpl {
    struct str text;
    size_t at;
    const struct json *root;
    struct arena *arena;
    struct buf *out;
    struct err *e;
    bool trim_next; /* "-}}" was seen */
    int depth;      /* of parentheses */
};

/* ---- actions ---------------------------------------------------------------------------- */

/* What stands between {{ and }}; text before it is written when `live`. 0: the end of the text.
 */
static int next_action(struct tmpl *t, bool live, struct str *ret)
{
    struct str rest = str_from(t->text, t->at), text, inner;
    ptrdiff_t open = str_find(rest, STR("{{")), close;

    text = open < 0 ? rest : str_upto(rest, (size_t)open);
    if (open >= 0 && (size_t)open + 2 < rest.len && rest.p[open + 2] == '-')
        while (text.len && strchr(" \t\r\n", text.p[text.len - 1]))
            text.len--;
    if (t->trim_next)
        while (text.len && strchr(" \t\r\n", text.p[0]))
            text = str_from(text, 1);
    t->trim_next = false;
    if (live)
        buf_put_str(t->out, text);
    if (open < 0) {
        t->at = t->text.len;
        return 0;
    }
    inner = str_from(rest, (size_t)open + 2);
    close = str_find(inner, STR("}}"));
    if (close < 0)
        return err_set(t->e, ERR_INVALID, "template: :1: unclosed action");
    t->at += (size_t)open + 2 + (size_t)close + 2;
    inner = str_upto(inner, (size_t)close);
    if (inner.len && inner.p[0] == '-')
        inner = str_from(inner, 1);
    if (inner.len && inner.p[inner.len - 1] == '-') {
        inner.len--;
        t->trim_next = true;
    }
    *ret = str_trim(inner);
    return 1;
}

/* ---- values ----------------------------------------------------------------------------- */

static bool truth(const struct json *v)
{
    if (!v || v->type == JSON_NULL)
        return false;
    if (v->type == JSON_BOOL)
        return v->b;
    if (v->type == JSON_NUMBER)
        return !str_eqc(v->text, "0");
    return v->type == JSON_STRING ? v->text.len > 0 : v->len > 0;
}

/* ".A.B" from dot. */
static int field(struct tmpl *t, struct str path, const struct json *dot,
                 const struct json **ret)
{
    struct str part, rest = str_from(path, 1);
    const struct json *v = dot;

    while (rest.len && str_split(&rest, '.', &part)) {
        const char *name = arena_cstr(t->arena, part);

        if (!json_is(v, JSON_OBJECT))
            return err_set(t->e, ERR_INVALID,
                           "template: :1: executing \"\" at <%.*s>: can't evaluate field %s",
                           STR_ARG(path), name);
        v = json_get(v, name);
        if (!v) {
            static const struct json null = {.type = JSON_NULL};

            v = &null;
        }
    }
    *ret = v;
    return 0;
}

/* Where the parenthesis that opens at `i` is closed; the end if it is not. */
static size_t closing(struct str s, size_t i)
{
    int open = 0;

    for (; i < s.len; i++) {
        open += (s.p[i] == '(') - (s.p[i] == ')');
        if (open == 0)
            return i;
    }
    return s.len;
}

static size_t words(struct str action, struct str ret[WORDS_MAX])
{
    size_t n = 0, i = 0;

    while (i < action.len && n < WORDS_MAX) {
        size_t start = i;

        if (action.p[i] == ' ') {
            i++;
            continue;
        }
        if (action.p[i] == '"') {
            for (i++; i < action.len && action.p[i] != '"'; i++)
                ;
            i++;
        } else {
            if (action.p[i] == '(')
                i = closing(action, i);
            while (i < action.len && action.p[i] != ' ')
                i++;
        }
        ret[n++] = str_n(action.p + start, (i < action.len ? i : action.len) - start);
    }
    return n;
}

static int evaluate(struct tmpl *t, struct str action, const struct json *dot,
                    const struct json **ret);

/* "(index .A 0).B" */
static int parenthesized(struct tmpl *t, struct str w, const struct json *dot,
                         const struct json **ret)
{
    size_t end = closing(w, 0);
    int r;

    if (end == w.len || ++t->depth > DEPTH_MAX)
        return err_set(t->e, ERR_INVALID, "template: :1: unclosed left paren");
    r = evaluate(t, str_trim(str_n(w.p + 1, end - 1)), dot, ret);
    t->depth--;
    w = str_from(w, end + 1);
    return r == 0 && w.len ? field(t, w, *ret, ret) : r;
}

static int operand(struct tmpl *t, struct str w, const struct json *dot,
                   const struct json **ret)
{
    struct json *v = arena_new_of(t->arena, struct json);

    if (w.len && w.p[0] == '.')
        return field(t, w, dot, ret);
    if (w.len && w.p[0] == '(')
        return parenthesized(t, w, dot, ret);
    if (w.len >= 2 && w.p[0] == '$')
        return field(t, str_from(w, 1), t->root, ret);
    if (w.len >= 2 && w.p[0] == '"')
        *v = json_of_str(str_n(w.p + 1, w.len - 2));
    else if (w.len && strspn(w.p, "-0123456789.") >= w.len)
        *v = (struct json){.type = JSON_NUMBER, .text = w};
    else
        return err_set(t->e, ERR_INVALID, "template: :1: function \"%.*s\" not defined",
                       STR_ARG(w));
    *ret = v;
    return 0;
}

static int call_len(struct tmpl *t, const struct json *v, const struct json **ret)
{
    struct json *n = arena_new_of(t->arena, struct json);

    *n = json_of_i64(t->arena, !v || v->type < JSON_STRING ? 0
                               : v->type == JSON_STRING    ? (int64_t)v->text.len
                                                           : v->len);
    *ret = n;
    return 0;
}

static int call_index(struct tmpl *t, const struct json *v, const struct json *key,
                      const struct json **ret)
{
    static const struct json null = {.type = JSON_NULL};
    int64_t i;

    *ret = &null;
    if (json_is(v, JSON_OBJECT) && json_get(v, arena_cstr(t->arena, key->text)))
        *ret = json_get(v, arena_cstr(t->arena, key->text));
    else if (json_is(v, JSON_ARRAY) && json_to_i64(key, &i) && i >= 0 && i < v->len)
        *ret = &v->items[i];
    return 0;
}

/* %v, %s, %d, %q are all the value's text. */
static int call_printf(struct tmpl *t, const struct str *w, size_t n, const struct json *dot,
                       const struct json **ret)
{
    struct buf b = BUF_INIT(1 << 20);
    struct str fmt = n > 1 ? str_n(w[1].p + 1, w[1].len - 2) : STR("");
    struct json *v = arena_new_of(t->arena, struct json);
    size_t next = 2;
    int r = 0;

    for (size_t i = 0; r == 0 && i < fmt.len; i++) {
        const struct json *x;

        if (fmt.p[i] != '%' || i + 1 == fmt.len) {
            buf_putc(&b, fmt.p[i]);
            continue;
        }
        i++;
        if (fmt.p[i] == '%' || next >= n) {
            buf_putc(&b, '%');
            continue;
        }
        r = operand(t, w[next++], dot, &x);
        if (r == 0)
            text_go_value(&b, x);
    }
    *v = json_of_str(arena_str(t->arena, buf_str(&b)));
    *ret = v;
    buf_done(&b);
    return r;
}

static int evaluate(struct tmpl *t, struct str action, const struct json *dot,
                    const struct json **ret)
{
    struct str w[WORDS_MAX];
    const struct json *v, *key;
    size_t n = words(action, w);
    int r;

    if (n == 0)
        return err_set(t->e, ERR_INVALID, "template: :1: missing value for command");
    if (str_eqc(w[0], "printf"))
        return call_printf(t, w, n, dot, ret);
    if ((str_eqc(w[0], "len") || str_eqc(w[0], "not")) && n == 2) {
        r = operand(t, w[1], dot, &v);
        if (r < 0 || str_eqc(w[0], "len"))
            return r < 0 ? r : call_len(t, v, ret);
        struct json *b = arena_new_of(t->arena, struct json);

        *b = json_of_bool(!truth(v));
        *ret = b;
        return 0;
    }
    if (str_eqc(w[0], "index") && n == 3) {
        r = operand(t, w[1], dot, &v);
        if (r == 0)
            r = operand(t, w[2], dot, &key);
        return r < 0 ? r : call_index(t, v, key, ret);
    }
    if (n > 1)
        return err_set(t->e, ERR_INVALID, "template: :1: \"%.*s\" is not understood",
                       STR_ARG(action));
    return operand(t, w[0], dot, ret);
}

/* ---- blocks ----------------------------------------------------------------------------- */

static int block(struct tmpl *t, const struct json *dot, bool live, int depth,
                 struct str *ret_end);

/* Everything of one branch, from here; *ret_end is "end" or "else". */
static int branch(struct tmpl *t, const struct json *dot, bool live, int depth,
                  struct str *ret_end)
{
    int r = block(t, dot, live, depth + 1, ret_end);

    if (r == 0 && ret_end->len == 0)
        return err_set(t->e, ERR_INVALID, "template: :1: unexpected EOF");
    return r;
}

static int range(struct tmpl *t, const struct json *over, bool live, int depth,
                 struct str *ret_end)
{
    size_t start = t->at,
           n = json_is(over, JSON_ARRAY) || json_is(over, JSON_OBJECT) ? over->len : 0;
    int r;

    for (size_t i = 0; live && i < n; i++) {
        const struct json *item =
            over->type == JSON_ARRAY ? &over->items[i] : &over->members[i].value;

        t->at = start;
        r = branch(t, item, true, depth, ret_end);
        if (r < 0)
            return r;
    }
    if (live && n)
        return 0;
    return branch(t, over, false, depth, ret_end);
}

static int control(struct tmpl *t, struct str word, struct str expr, const struct json *dot,
                   bool live, int depth)
{
    const struct json *v = NULL;
    bool yes = false;
    struct str end;
    int r = live ? evaluate(t, expr, dot, &v) : 0;

    if (r < 0)
        return r;
    yes = live && truth(v);
    if (str_eqc(word, "range"))
        r = range(t, v, live, depth, &end);
    else
        r = branch(t, str_eqc(word, "with") ? v : dot, yes, depth, &end);
    if (r == 0 && str_eqc(end, "else"))
        r = branch(t, dot, live && !yes, depth, &end);
    return r;
}

static int block(struct tmpl *t, const struct json *dot, bool live, int depth,
                 struct str *ret_end)
{
    struct str action;
    int r;

    *ret_end = (struct str){0};
    if (depth > DEPTH_MAX)
        return err_set(t->e, ERR_TOOBIG, "template: more than %d blocks within each other",
                       DEPTH_MAX);
    while ((r = next_action(t, live, &action)) > 0) {
        struct str rest = action, word;
        const struct json *v;

        str_split(&rest, ' ', &word);
        if (str_eqc(action, "end") || str_eqc(action, "else")) {
            *ret_end = action;
            return 0;
        }
        if (str_eqc(word, "range") || str_eqc(word, "if") || str_eqc(word, "with")) {
            r = control(t, word, str_trim(rest), dot, live, depth);
        } else if (live && !str_starts(action, STR("/*"))) {
            r = evaluate(t, action, dot, &v);
            if (r == 0)
                text_go_value(t->out, v);
        } else {
            r = 0;
        }
        if (r < 0)
            return r;
    }
    return r;
}

int template_print(const char *text, const struct json *data, struct arena *a, struct buf *out,
                   struct err *e)
{
    struct tmpl t = {.text = str_of(text), .root = data, .arena = a, .out = out, .e = e};
    struct str end;
    int r = block(&t, data, true, 0, &end);

    if (r == 0 && end.len)
        return err_set(e, ERR_INVALID, "template: :1: unexpected {{%.*s}}", STR_ARG(end));
    return r < 0 ? r : buf_check(out, "the result", e);
}
