#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "lang/hcl_priv.h"

/*
 * A template is literals, ${interpolations} and %{directives}. The directives if and for hold
 * templates again. A `~` at either brace trims the literal beside it: whether one is there can
 * be seen on the neighbouring tokens, so no state is carried along.
 */

/* The directive that ended a run of parts. */
enum part_end { END_CLOSER, END_ELSE, END_ENDIF, END_ENDFOR, END_BROKEN };

struct stop {
    enum part_end kind;
    struct hcl_range at;
};

static struct hcl_range here(struct hcl_parser *p)
{
    return hcl_tok_range(p, hcl_peek(p));
}

/*
 * Literals
 */

/* The range of `len` bytes of a token, `offset` bytes in (no newline is inside). */
static struct hcl_range sub_range(struct hcl_parser *p, const struct hcl_tok *t, size_t offset,
                                  size_t len)
{
    struct str text = hcl_tok_text(p, t);
    struct hcl_range r = {p->file, t->start, t->start};

    for (size_t i = 0; i < offset + len && i < text.len; i++) {
        uint32_t step = ((uint8_t)text.p[i] & 0xc0) != 0x80;

        r.end.col += step;
        r.end.byte++;
        if (i < offset)
            r.start = r.end;
    }
    return r;
}

static size_t hex_run(struct str s, size_t from, size_t max)
{
    size_t n = 0;
    uint32_t unused;

    while (n < max && from + n < s.len && hcl_hex(s.p + from + n, 1, &unused))
        n++;
    return n;
}

/* \uXXXX, \UXXXXXXXX at text[i]; returns the bytes it takes. */
static size_t put_unicode(struct hcl_parser *p, const struct hcl_tok *t, size_t i,
                          struct buf *b)
{
    struct str text = hcl_tok_text(p, t);
    size_t want = text.p[i + 1] == 'u' ? 4 : 8, n = hex_run(text, i + 2, want);
    char utf8[4];
    uint32_t cp = 0;

    if (n < want) {
        hcl_diag_add(p->diags, sub_range(p, t, i, 2 + n), "Invalid escape sequence",
                     "The \\%c escape sequence must be followed by %s hexadecimal digits.",
                     text.p[i + 1], want == 4 ? "four" : "eight");
        return 2 + n;
    }
    hcl_hex(text.p + i + 2, want, &cp);
    buf_put(b, utf8, hcl_utf8_put(cp, utf8));
    return 2 + want;
}

/* A backslash at text[i]; returns the bytes it takes. */
static size_t put_escape(struct hcl_parser *p, const struct hcl_tok *t, size_t i, struct buf *b)
{
    static const char codes[] = "ntr\"\\", values[] = "\n\t\r\"\\";
    struct str text = hcl_tok_text(p, t);
    const char *code;
    uint32_t cp;
    size_t n;

    if (i + 1 >= text.len) {
        hcl_diag_add(p->diags, sub_range(p, t, i, 1), "Invalid escape sequence",
                     "Backslash must be followed by an escape sequence selector character.");
        return 1;
    }
    code = text.p[i + 1] ? strchr(codes, text.p[i + 1]) : NULL;
    if (code) {
        buf_putc(b, values[code - codes]);
        return 2;
    }
    if (text.p[i + 1] == 'u' || text.p[i + 1] == 'U')
        return put_unicode(p, t, i, b);
    n = hcl_utf8(text, i + 1, &cp);
    n = n ? n : 1;
    hcl_diag_add(p->diags, sub_range(p, t, i, 1 + n), "Invalid escape sequence",
                 "The symbol \"%.*s\" is not a valid escape sequence selector.", (int)n,
                 text.p + i + 1);
    return 1 + n;
}

static void put_literal(struct hcl_parser *p, const struct hcl_tok *t, bool quoted,
                        struct buf *b)
{
    struct str s = hcl_tok_text(p, t);
    size_t i = 0;

    while (i < s.len) {
        if (i + 2 < s.len && (s.p[i] == '$' || s.p[i] == '%') && s.p[i + 1] == s.p[i] &&
            s.p[i + 2] == '{') {
            buf_put(b, s.p + i + 1, 2);
            i += 3;
        } else if (quoted && s.p[i] == '\\') {
            i += put_escape(p, t, i, b);
        } else {
            buf_putc(b, s.p[i++]);
        }
    }
}

static bool is_line_start(const struct hcl_parser *p, size_t i)
{
    const struct hcl_tok *prev = &p->toks.at[i - 1];

    return prev->type == T_OHEREDOC ||
           (prev->type == T_LITERAL && p->text.p[prev->end.byte - 1] == '\n');
}

static size_t indent_of(struct str s)
{
    size_t n = 0;

    while (n < s.len && (s.p[n] == ' ' || s.p[n] == '\t'))
        n++;
    return n;
}

static bool is_blank_line(struct str s)
{
    return str_eqc(s, "\n") || str_eqc(s, "\r\n");
}

/* What all lines of the heredoc whose first token is `i` have in common to the left. */
static size_t common_indent(const struct hcl_parser *p, size_t i)
{
    size_t min = SIZE_MAX, nested = 0;

    for (; p->toks.at[i].type != T_EOF; i++) {
        const struct hcl_tok *t = &p->toks.at[i];
        struct str s = hcl_tok_text(p, t);

        if (t->type == T_CHEREDOC && nested == 0)
            break;
        if (nested == 0 && is_line_start(p, i) && !is_blank_line(s)) {
            size_t n = t->type == T_LITERAL ? indent_of(s) : 0;

            min = n < min ? n : min;
        }
        if (t->type == T_OQUOTE || t->type == T_OHEREDOC)
            nested++;
        else if ((t->type == T_CQUOTE || t->type == T_CHEREDOC) && nested > 0)
            nested--;
    }
    return min == SIZE_MAX ? 0 : min;
}

static bool trims(const struct hcl_parser *p, const struct hcl_tok *t)
{
    return str_chr(hcl_tok_text(p, t), '~') >= 0;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* One literal token, with what `<<-` and `~` take away. */
static void put_trimmed(struct hcl_parser *p, bool quoted, struct buf *b)
{
    const struct hcl_tok *t = hcl_peek(p);
    size_t i = (size_t)(t - p->toks.at), from = b->len, cut;
    const struct hcl_tok *next = t + 1;
    struct str s;

    hcl_read(p);
    put_literal(p, t, quoted, b);
    s = str_from(buf_str(b), from);
    cut = i > 0 && is_line_start(p, i) ? indent_of(s) : 0;
    cut = cut < p->flush ? cut : p->flush;
    if (i > 0 && t[-1].type == T_SEQ_END && trims(p, t - 1))
        while (cut < s.len && is_space(s.p[cut]))
            cut++;
    if (cut > 0) {
        memmove(b->p + from, b->p + from + cut, s.len - cut);
        b->len -= cut;
    }
    if ((next->type == T_INTERP || next->type == T_CONTROL) && trims(p, next))
        while (b->len > from && is_space(b->p[b->len - 1]))
            b->len--;
}

/* A run of literal tokens (the lines of a heredoc) is one part. */
static struct hcl_expr *parse_literals(struct hcl_parser *p, bool quoted)
{
    struct hcl_range first = here(p), last = first;
    auto_buf struct buf b = BUF_INIT(HCL_TEXT_MAX);
    struct str value;

    while (hcl_next_type(p) == T_LITERAL) {
        last = here(p);
        put_trimmed(p, quoted, &b);
    }
    value = arena_str(p->arena, buf_str(&b));
    return hcl_new_string(p, value, hcl_range_between(first, last));
}

/*
 * Sequences
 */

static void set_inner_source(struct hcl_parser *p, struct hcl_expr *x, size_t from)
{
    size_t to = p->toks.at[p->prev].start.byte;

    if (to >= from)
        x->source = str_n(p->text.p + from, to - from);
}

static struct hcl_expr *parse_interpolation(struct hcl_parser *p)
{
    const struct hcl_tok *open = hcl_read(p);
    bool newlines = p->newlines;
    struct hcl_expr *x;

    p->newlines = false;
    x = hcl_parse_expr(p);
    if (hcl_next_type(p) == T_SEQ_END) {
        hcl_read(p);
        set_inner_source(p, x, open->end.byte);
    } else {
        if (hcl_next_type(p) == T_EOF)
            hcl_expected(
                p, hcl_tok_range(p, open), "Unclosed template interpolation sequence",
                "There is no closing brace for this interpolation sequence before the "
                "end of the file. This might be caused by incorrect nesting inside the "
                "given expression.");
        else
            hcl_expected(
                p, here(p), "Extra characters after interpolation expression",
                "Expected a closing brace to end the interpolation expression, but found extra "
                "characters.\n\nThis can happen when you include interpolation syntax for "
                "another language, such as shell scripting, but forget to escape the "
                "interpolation start token. If this is an embedded sequence for another "
                "language, escape it by starting with \"$${\" instead of just \"${\".");
        hcl_recover(p, T_SEQ_END);
    }
    p->newlines = newlines;
    return x;
}

static bool end_directive(struct hcl_parser *p, const char *keyword)
{
    if (hcl_next_type(p) == T_SEQ_END) {
        hcl_read(p);
        return true;
    }
    hcl_expected(p, here(p), arena_printf(p->arena, "Extra characters in %s marker", keyword),
                 "Expected a closing brace to end the sequence, but found extra characters.");
    hcl_recover(p, T_SEQ_END);
    return false;
}

static struct stop parse_parts(struct hcl_parser *p, enum hcl_tok_type closer,
                               struct hcl_expr *x);

static struct hcl_expr *new_parts(struct hcl_parser *p)
{
    struct hcl_range at = here(p);

    at.end = at.start;
    return hcl_new_expr(p, HCL_TEMPLATE, at);
}

/* A directive's inner template ended with something else than what it needs. */
static struct stop say_unbalanced(struct hcl_parser *p, struct stop s, const char *what,
                                  struct hcl_range started)
{
    const char *at = hcl_range_text(p->arena, started);

    if (s.kind == END_CLOSER)
        hcl_expected(p, s.at, "Unexpected end of template",
                     arena_printf(p->arena,
                                  "The %s directive at %s is missing its corresponding end%s "
                                  "directive.",
                                  what, at, what));
    else if (s.kind != END_BROKEN)
        hcl_expected(
            p, s.at,
            arena_printf(p->arena, "Unexpected %s directive",
                         s.kind == END_ELSE    ? "else"
                         : s.kind == END_ENDIF ? "endif"
                                               : "endfor"),
            s.kind == END_ELSE && *what == 'i'
                ? arena_printf(p->arena, "Already in the else clause for the if started at %s.",
                               at)
                : arena_printf(p->arena,
                               "Expecting an end%s directive for the %s started at %s.", what,
                               what, at));
    s.kind = END_BROKEN;
    return s;
}

/* `if` is read; its condition and both branches follow. */
static struct stop parse_if(struct hcl_parser *p, enum hcl_tok_type closer,
                            struct hcl_range open, struct hcl_expr *parent)
{
    struct hcl_expr *x = hcl_new_expr(p, HCL_IF, open), *branch;
    struct stop s = {END_BROKEN, open};

    hcl_add_item(p, x, hcl_parse_expr(p));
    if (!end_directive(p, "if"))
        return s;
    p->newlines = true;
    open = hcl_range_between(open, hcl_tok_range(p, &p->toks.at[p->prev]));
    branch = new_parts(p);
    s = parse_parts(p, closer, branch);
    hcl_add_item(p, x, branch);
    branch = new_parts(p);
    if (s.kind == END_ELSE)
        s = parse_parts(p, closer, branch);
    hcl_add_item(p, x, branch);
    if (s.kind != END_ENDIF)
        return say_unbalanced(p, s, "if", open);
    hcl_expr_ends(p, x, open);
    hcl_add_item(p, parent, x);
    return s;
}

static struct stop parse_for(struct hcl_parser *p, enum hcl_tok_type closer,
                             struct hcl_range open, struct hcl_expr *parent)
{
    struct hcl_expr *x = hcl_new_expr(p, HCL_FOR, open);
    struct stop s = {END_BROKEN, open};

    x->for_ = hcl_parse_for_intro(p, true);
    if (!x->for_) {
        hcl_recover(p, T_SEQ_END);
        return s;
    }
    if (!end_directive(p, "for"))
        return s;
    p->newlines = true;
    open = hcl_range_between(open, hcl_tok_range(p, &p->toks.at[p->prev]));
    x->for_->val = new_parts(p);
    s = parse_parts(p, closer, x->for_->val);
    if (s.kind != END_ENDFOR)
        return say_unbalanced(p, s, "for", open);
    hcl_expr_ends(p, x, open);
    hcl_add_item(p, parent, x);
    return s;
}

static enum part_end end_keyword(struct str word)
{
    if (str_eqc(word, "else"))
        return END_ELSE;
    if (str_eqc(word, "endif"))
        return END_ENDIF;
    if (str_eqc(word, "endfor"))
        return END_ENDFOR;
    return END_CLOSER;
}

/* From "%{" on. END_CLOSER: it was whole, go on with the parts. */
static struct stop parse_directive(struct hcl_parser *p, enum hcl_tok_type closer,
                                   struct hcl_expr *parent)
{
    struct hcl_range open = hcl_tok_range(p, hcl_read(p));
    struct stop s = {END_BROKEN, open};
    struct str word;

    p->newlines = false;
    if (hcl_next_type(p) != T_IDENT) {
        hcl_expected(p, here(p), "Invalid template directive",
                     "A template directive keyword (\"if\", \"for\", etc) is expected at the "
                     "beginning of a %{ sequence.");
        return s;
    }
    word = hcl_tok_text(p, hcl_peek(p));
    if (str_eqc(word, "if") || str_eqc(word, "for")) {
        hcl_read(p);
        s = word.len == 2 ? parse_if(p, closer, open, parent)
                          : parse_for(p, closer, open, parent);
        if (s.kind != END_BROKEN)
            s.kind = END_CLOSER;
        return s;
    }
    if (end_keyword(word) == END_CLOSER) {
        hcl_expected(p, here(p), "Invalid template control keyword",
                     arena_printf(p->arena, "\"%.*s\" is not a valid template control keyword.",
                                  STR_ARG(word)));
        return s;
    }
    hcl_read(p);
    if (end_directive(p, arena_cstr(p->arena, word)))
        s.kind = end_keyword(word);
    p->newlines = true;
    s.at = hcl_range_between(open, hcl_tok_range(p, &p->toks.at[p->prev]));
    return s;
}

/* Parts up to the closer (not read) or a directive that belongs to what is around. */
static struct stop parse_parts(struct hcl_parser *p, enum hcl_tok_type closer,
                               struct hcl_expr *x)
{
    struct stop s = {END_BROKEN, here(p)};

    if (!hcl_enter(p))
        return s;
    for (;;) {
        enum hcl_tok_type t = hcl_next_type(p);

        s = (struct stop){END_CLOSER, here(p)};
        if (t == closer)
            break;
        if (t == T_LITERAL) {
            hcl_add_item(p, x, parse_literals(p, closer == T_CQUOTE));
        } else if (t == T_QUOTED_NEWLINE) {
            hcl_read(p);
        } else if (t == T_INTERP) {
            hcl_add_item(p, x, parse_interpolation(p));
        } else if (t == T_CONTROL) {
            s = parse_directive(p, closer, x);
            if (s.kind != END_CLOSER)
                break;
        } else {
            hcl_expected(p, here(p), "Unterminated template string",
                         "No closing marker was found for the string.");
            s.kind = END_BROKEN;
            break;
        }
    }
    hcl_leave(p);
    return s;
}

/* A template without sequences is a plain string. */
static void simplify(struct hcl_parser *p, struct hcl_expr *x)
{
    bool plain = x->n_items == 0 || (x->n_items == 1 && x->items[0]->kind == HCL_LITERAL &&
                                     x->items[0]->value->type == JSON_STRING);

    if (x->n_items > 0)
        x->start_at = x->items[0]->start_at;
    if (!plain) {
        if (x->n_items == 1 && x->items[0]->kind != HCL_IF)
            x->start_at = x->at;
        return;
    }
    x->kind = HCL_LITERAL;
    x->value = arena_new_of(p->arena, struct json);
    *x->value = x->n_items ? *x->items[0]->value : json_of_str(STR(""));
    x->n_items = 0;
}

/* `closer` T_EOF: the whole text of the parser. */
static struct hcl_expr *parse_until(struct hcl_parser *p, enum hcl_tok_type closer,
                                    struct hcl_range open)
{
    struct hcl_expr *x = hcl_new_expr(p, HCL_TEMPLATE, open);
    struct stop s = parse_parts(p, closer, x);

    if (s.kind == END_CLOSER) {
        hcl_read(p);
    } else {
        if (s.kind != END_BROKEN)
            hcl_expected(p, s.at,
                         arena_printf(p->arena, "Unexpected %s directive",
                                      s.kind == END_ELSE    ? "else"
                                      : s.kind == END_ENDIF ? "endif"
                                                            : "endfor"),
                         "The control directives within this template are unbalanced.");
        hcl_recover(p, closer);
    }
    hcl_expr_ends(p, x, open);
    simplify(p, x);
    return x;
}

struct hcl_expr *hcl_parse_template(struct hcl_parser *p)
{
    const struct hcl_tok *open = hcl_read(p);
    bool newlines = p->newlines, heredoc = open->type == T_OHEREDOC;
    size_t flush = p->flush;
    struct hcl_expr *x;

    p->newlines = true;
    p->flush = 0;
    if (heredoc && p->text.p[open->start.byte + 2] == '-')
        p->flush = common_indent(p, p->next);
    x = parse_until(p, heredoc ? T_CHEREDOC : T_CQUOTE, hcl_tok_range(p, open));
    x->heredoc = heredoc;
    p->newlines = newlines;
    p->flush = flush;
    return x;
}

struct hcl_expr *hcl_template_of_text(struct hcl_parser *outer, struct str text,
                                      struct hcl_range at)
{
    struct hcl_parser p = *outer;
    struct hcl_pos start = at.start;
    struct hcl_expr *x;

    if (str_find(text, STR("${")) < 0 && str_find(text, STR("%{")) < 0)
        return hcl_new_string(outer, text, at);
    p.text = text;
    p.toks = (struct hcl_tokens){0};
    p.next = p.prev = 0;
    p.newlines = true;
    p.flush = 0;
    start.col++; /* the quote */
    if (hcl_lex_template(text, p.file, start, &p.toks, p.diags) < 0) {
        outer->spent = true;
        vec_done(&p.toks);
        return hcl_new_string(outer, text, at);
    }
    x = parse_until(&p, T_EOF, hcl_tok_range(&p, &p.toks.at[0]));
    x->at = at;
    vec_done(&p.toks);
    outer->nodes = p.nodes;
    outer->spent = outer->spent || p.spent;
    outer->recovering = outer->recovering || p.recovering;
    return x;
}

/*
 * Plain strings: labels
 */

struct str hcl_parse_plain_string(struct hcl_parser *p, struct hcl_range *ret_at)
{
    static const char summary[] = "Invalid string literal";
    struct hcl_range open = hcl_tok_range(p, hcl_read(p));
    auto_buf struct buf b = BUF_INIT(HCL_TEXT_MAX);

    for (;;) {
        const struct hcl_tok *t = hcl_read(p);
        struct hcl_range at = hcl_tok_range(p, t);

        *ret_at = hcl_range_between(open, at);
        if (t->type == T_CQUOTE)
            break;
        if (t->type == T_LITERAL) {
            put_literal(p, t, true, &b);
        } else if (t->type == T_INTERP || t->type == T_CONTROL) {
            char c = t->type == T_INTERP ? '$' : '%';

            hcl_expected(p, at, summary,
                         arena_printf(p->arena,
                                      "Template sequences are not allowed in this string. To "
                                      "include a literal \"%c\", double it (as \"%c%c\") to "
                                      "escape it.",
                                      c, c, c));
            hcl_recover(p, T_SEQ_END);
        } else if (t->type == T_EOF) {
            hcl_expected(p, at, "Unterminated string literal",
                         "Unable to find the closing quote mark before the end of the file.");
            break;
        } else if (t->type != T_QUOTED_NEWLINE) {
            hcl_expected(p, at, summary, "This item is not valid in a string literal.");
            hcl_recover(p, T_CQUOTE);
            break;
        }
    }
    return arena_str(p->arena, buf_str(&b));
}
