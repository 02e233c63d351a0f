#include "lang/hcl_format.h"

#include "base/err.h"
#include "base/vec.h"
#include "lang/hcl_priv.h"

/*
 * The text becomes pieces: tokens, and what the lexer skips or takes apart, comments and
 * heredocs. Pieces stand in lines. How many blanks stand before each piece depends on the
 * pieces alone, not on what stood there before; that is why the second time changes nothing.
 */
enum { PIECE_COMMENT = T_INVALID + 1, PIECE_HEREDOC, PIECE_TYPES };

struct piece {
    int type; /* hcl_tok_type or PIECE_* */
    struct str text;
    bool was_apart; /* there were blanks before it */
    size_t blanks;  /* and so many there will be */
};

/* Pieces [from, to) and the newline ("" at the end of the text). From `assign` on it is
 * "= value", from `comment` on a comment behind something; `to` if there is none. */
struct line {
    size_t from, assign, comment, to;
    struct str newline;
    bool tall; /* a piece of it has lines of its own */
};

struct layout {
    struct str text;
    VEC(struct piece) pieces;
    VEC(struct line) lines;
};

/* ---- pieces ----------------------------------------------------------------------------- */

/* A byte order mark stays in front; it is no piece. */
static size_t mark_length(struct str text)
{
    return str_starts(text, STR("\xef\xbb\xbf")) ? 3 : 0;
}

static void add_piece(struct layout *l, int type, size_t start, size_t end)
{
    char before = start > 0 ? l->text.p[start - 1] : '\n';
    bool apart = before == ' ' || before == '\t';

    vec_push(&l->pieces,
             ((struct piece){type, str_n(l->text.p + start, end - start), apart, 0}));
}

/* The comments in [start, end), where the lexer found no token. */
static void add_skipped(struct layout *l, size_t start, size_t end)
{
    while (start < end) {
        struct str rest = str_n(l->text.p + start, end - start);
        ptrdiff_t close = str_starts(rest, STR("/*")) ? str_find(rest, STR("*/")) : -1;
        size_t n = close < 0 ? rest.len : (size_t)close + 2;

        if (rest.p[0] == '#' || rest.p[0] == '/') {
            add_piece(l, PIECE_COMMENT, start, start + n);
            start += n;
        } else {
            start++;
        }
    }
}

static void end_line(struct layout *l, struct str newline)
{
    size_t from = l->lines.len ? l->lines.at[l->lines.len - 1].to : 0, to = l->pieces.len;

    vec_push(&l->lines, ((struct line){from, to, to, to, newline, false}));
}

/* A newline, and the comment that it may begin with. */
static void add_newline(struct layout *l, const struct hcl_tok *t)
{
    size_t start = t->start.byte, end = t->end.byte, newline = end - 1;

    if (newline > start && l->text.p[newline - 1] == '\r')
        newline--;
    if (newline > start)
        add_piece(l, PIECE_COMMENT, start, newline);
    end_line(l, str_n(l->text.p + newline, end - newline));
}

/* The index of the token that closes the heredoc of token i. */
static size_t heredoc_end(const struct hcl_tokens *toks, size_t i)
{
    size_t open = 0;

    for (; toks->at[i].type != T_EOF; i++) {
        if (toks->at[i].type == T_OHEREDOC)
            open++;
        else if (toks->at[i].type == T_CHEREDOC && --open == 0)
            break;
    }
    return i;
}

static void take_apart(struct layout *l, const struct hcl_tokens *toks)
{
    size_t at = mark_length(l->text);

    for (size_t i = 0; i < toks->len; i++) {
        const struct hcl_tok *t = &toks->at[i];
        size_t start = t->start.byte;

        add_skipped(l, at, start);
        if (t->type == T_OHEREDOC) {
            i = heredoc_end(toks, i);
            add_piece(l, PIECE_HEREDOC, start, toks->at[i].end.byte);
        } else if (t->type == T_NEWLINE) {
            add_newline(l, t);
        } else if (t->type != T_EOF) {
            add_piece(l, t->type, start, t->end.byte);
        }
        at = toks->at[i].end.byte;
    }
    end_line(l, STR(""));
}

static int bracket(const struct piece *p)
{
    switch (p->type) {
    case T_OBRACE:
    case T_OBRACK:
    case T_OPAREN:
    case T_INTERP:
    case T_CONTROL:
        return 1;
    case T_CBRACE:
    case T_CBRACK:
    case T_CPAREN:
    case T_SEQ_END:
        return -1;
    default:
        return 0;
    }
}

/* Brackets that [from, to) opens, less those it closes. */
static int brackets(const struct layout *l, size_t from, size_t to)
{
    int n = 0;

    for (size_t i = from; i < to; i++)
        n += bracket(&l->pieces.at[i]);
    return n;
}

/* Where a line's value and its comment begin. A value that goes on in the next line stands in
 * no column. */
static void divide(const struct layout *l, struct line *line)
{
    for (size_t i = line->from; i < line->to; i++)
        line->tall = line->tall || str_chr(l->pieces.at[i].text, '\n') >= 0;
    if (line->to - line->from > 1 && l->pieces.at[line->to - 1].type == PIECE_COMMENT)
        line->comment--;
    line->assign = line->comment;
    for (size_t i = line->from + 1; i < line->comment; i++) {
        if (l->pieces.at[i].type != T_EQUAL)
            continue;
        if (brackets(l, i, line->comment) == 0)
            line->assign = i;
        break;
    }
}

/* ---- blanks between pieces -------------------------------------------------------------- */

enum {
    CLINGS_LEFT = 1 << 0,  /* no blank before it */
    CLINGS_RIGHT = 1 << 1, /* none behind it */
    NO_VALUE = 1 << 2,     /* a minus behind it is a sign */
    INDEXED = 1 << 3,      /* a [ behind it takes something out of it */
};

static const unsigned char manners[PIECE_TYPES] = {
    [T_IDENT] = INDEXED,
    [T_NUMBER] = INDEXED,
    [T_OQUOTE] = CLINGS_RIGHT,
    [T_CQUOTE] = CLINGS_LEFT,
    [T_LITERAL] = CLINGS_LEFT | CLINGS_RIGHT,
    [T_INTERP] = CLINGS_RIGHT | NO_VALUE,
    [T_CONTROL] = CLINGS_RIGHT | NO_VALUE,
    [T_SEQ_END] = CLINGS_LEFT | CLINGS_RIGHT,
    [T_OBRACE] = NO_VALUE,
    [T_CBRACE] = INDEXED,
    [T_OBRACK] = CLINGS_RIGHT | NO_VALUE,
    [T_CBRACK] = CLINGS_LEFT | INDEXED,
    [T_OPAREN] = CLINGS_RIGHT | NO_VALUE,
    [T_CPAREN] = CLINGS_LEFT | INDEXED,
    [T_DOT] = CLINGS_LEFT | CLINGS_RIGHT,
    [T_COMMA] = CLINGS_LEFT | NO_VALUE,
    [T_COLON] = NO_VALUE,
    [T_DCOLON] = CLINGS_LEFT | CLINGS_RIGHT,
    [T_EQUAL] = NO_VALUE,
    [T_FATARROW] = NO_VALUE,
    [T_ELLIPSIS] = CLINGS_LEFT,
    [T_QUESTION] = NO_VALUE,
    [T_OR] = NO_VALUE,
    [T_AND] = NO_VALUE,
    [T_EQ] = NO_VALUE,
    [T_NE] = NO_VALUE,
    [T_LT] = NO_VALUE,
    [T_GT] = NO_VALUE,
    [T_LE] = NO_VALUE,
    [T_GE] = NO_VALUE,
    [T_PLUS] = NO_VALUE,
    [T_MINUS] = NO_VALUE,
    [T_STAR] = NO_VALUE,
    [T_SLASH] = NO_VALUE,
    [T_PERCENT] = NO_VALUE,
    [T_BANG] = CLINGS_RIGHT | NO_VALUE,
};

static bool is_in_of_for(const struct piece *p, const struct piece *before)
{
    return p->type == T_IDENT && str_eqc(p->text, "in") && before && before->type == T_IDENT;
}

/* Two digits with a dot between them would become one number. */
static bool might_become_number(int left, int right)
{
    return (left == T_NUMBER && right == T_DOT) || (left == T_DOT && right == T_NUMBER);
}

/* A blank between the braces and what they hold, none between `{}`. */
static bool brace_has_blank(int left, int right)
{
    return !(left == T_OBRACE && right == T_CBRACE);
}

/* Does a blank stand between two pieces of a line? `before` is what stands left of them. */
static bool has_blank(const struct piece *before, const struct piece *l, const struct piece *r)
{
    int left = l->type, right = r->type;

    if (might_become_number(left, right))
        return r->was_apart;
    if (left == T_COMMA)
        return right != T_COMMA;
    if (left == T_IDENT && right == T_OPAREN)
        return false;
    if (right == T_OBRACK && (manners[left] & INDEXED))
        return is_in_of_for(l, before);
    if (left == T_MINUS && (!before || (manners[before->type] & NO_VALUE)))
        return false;
    if (left == T_OBRACE || right == T_CBRACE)
        return brace_has_blank(left, right);
    if (((left == T_INTERP || left == T_CONTROL) && right == T_OBRACE) ||
        (left == T_CBRACE && right == T_SEQ_END))
        return true;
    return !(manners[left] & CLINGS_RIGHT) && !(manners[right] & CLINGS_LEFT);
}

static void space_line(struct layout *l, const struct line *line)
{
    struct piece *p = l->pieces.at;

    for (size_t i = line->from + 1; i < line->to; i++)
        p[i].blanks = has_blank(i - line->from > 1 ? &p[i - 2] : NULL, &p[i - 1], &p[i]);
}

/* ---- indentation ------------------------------------------------------------------------ */

/* One level for each line that opens more than it closes, however many brackets those are. */
struct levels {
    VEC(int) open; /* brackets that the line of each level has left open */
};

static void close_levels(struct levels *s, int n)
{
    while (n > 0 && s->open.len > 0) {
        int *top = &s->open.at[s->open.len - 1], closed = n < *top ? n : *top;

        *top -= closed;
        n -= closed;
        if (*top == 0)
            s->open.len--;
    }
}

static void indent(struct layout *l)
{
    struct levels s = {0};

    for (size_t i = 0; i < l->lines.len; i++) {
        const struct line *line = &l->lines.at[i];
        int n = brackets(l, line->from, line->to);

        if (n < 0)
            close_levels(&s, -n);
        if (line->from < line->to)
            l->pieces.at[line->from].blanks = 2 * s.open.len;
        if (n > 0)
            vec_push(&s.open, n);
    }
    vec_done(&s.open);
}

/* ---- columns ---------------------------------------------------------------------------- */

static size_t width(const struct layout *l, size_t from, size_t to)
{
    size_t n = 0;

    for (size_t i = from; i < to; i++) {
        struct str s = l->pieces.at[i].text;

        n += l->pieces.at[i].blanks;
        for (size_t k = 0; k < s.len; k++)
            n += (s.p[k] & 0xc0) != 0x80; /* characters, not bytes */
    }
    return n;
}

/* The piece of a line that stands in a column with those of its neighbours: `to` if none. */
typedef size_t column_fn(const struct line *line);

static size_t assign_of(const struct line *line)
{
    return line->assign < line->comment ? line->assign : line->to;
}

static size_t comment_of(const struct line *line)
{
    return line->comment;
}

/* One column for each run of lines that have such a piece. */
static void align(struct layout *l, column_fn *of)
{
    size_t next;

    for (size_t i = 0; i < l->lines.len; i = next) {
        size_t most = 0;

        for (next = i; next < l->lines.len; next++) {
            const struct line *line = &l->lines.at[next];
            size_t w = width(l, line->from, of(line));

            if (of(line) == line->to)
                break;
            most = w > most ? w : most;
            if (line->tall) {
                next++;
                break;
            }
        }
        for (size_t k = i; k < next; k++) {
            const struct line *line = &l->lines.at[k];

            l->pieces.at[of(line)].blanks = most + 1 - width(l, line->from, of(line));
        }
        next = next > i ? next : i + 1;
    }
}

/* ---- all of it -------------------------------------------------------------------------- */

static void write_out(const struct layout *l, struct buf *ret)
{
    buf_put_str(ret, str_upto(l->text, mark_length(l->text)));
    for (size_t i = 0; i < l->lines.len; i++) {
        const struct line *line = &l->lines.at[i];

        for (size_t k = line->from; k < line->to; k++) {
            buf_printf(ret, "%*s", (int)l->pieces.at[k].blanks, "");
            buf_put_str(ret, l->pieces.at[k].text);
        }
        buf_put_str(ret, line->newline);
    }
}

static void lay_out(struct str text, const struct hcl_tokens *toks, struct buf *ret)
{
    struct layout l = {.text = text};

    take_apart(&l, toks);
    for (size_t i = 0; i < l.lines.len; i++) {
        divide(&l, &l.lines.at[i]);
        space_line(&l, &l.lines.at[i]);
    }
    indent(&l);
    align(&l, assign_of);
    align(&l, comment_of);
    write_out(&l, ret);
    vec_done(&l.pieces);
    vec_done(&l.lines);
}

/* The text must parse, and as HCL: what begins with a brace is JSON to the parser. */
static int check(struct str text, const char *file, struct hcl_diags *d)
{
    auto_arena struct arena *a = arena_new(0);
    struct hcl_body *body;
    int r = hcl_parse(text, file, HCL2, a, &body, d);

    if (r == 0 && str_starts(str_trim(str_from(text, mark_length(text))), STR("{"))) {
        hcl_diag_add(d, (struct hcl_range){file, {1, 1, 0}, {1, 1, 0}}, "JSON syntax",
                     "There is a layout for HCL's own syntax only.");
        return ERR_INVALID;
    }
    return r;
}

int hcl_format(struct str text, const char *file, struct hcl_diags *d, struct buf *ret)
{
    struct hcl_tokens toks = {0};
    int r = check(text, file, d);

    if (r == 0)
        r = hcl_lex(text, file, &toks, d);
    if (r == 0)
        lay_out(text, &toks, ret);
    vec_done(&toks);
    if (r == 0 && !buf_ok(ret)) {
        hcl_diag_add(d, (struct hcl_range){file, {1, 1, 0}, {1, 1, 0}}, "Text too large",
                     "With its blanks it has more than %zu bytes.", ret->max);
        return ERR_TOOBIG;
    }
    return r;
}
