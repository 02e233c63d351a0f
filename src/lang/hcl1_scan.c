#include "base/buf.h"
#include "base/err.h"
#include "lang/hcl_priv.h"

/*
 * Positions follow the original's scanner to the column, since users see them: the column is
 * that of the character read last, reading the end of the text advances it too, and of several
 * lexical errors the last is shown. Lines may end in \r\n.
 */

enum { END = -1, BAD = 0xfffd };

static bool crlf_at(const struct hcl1_scanner *s, size_t i)
{
    return i + 1 < s->text.len && s->text.p[i] == '\r' && s->text.p[i + 1] == '\n';
}

static int32_t peek_at(const struct hcl1_scanner *s, size_t i)
{
    uint32_t cp;

    if (i >= s->text.len)
        return END;
    if (crlf_at(s, i))
        return '\n';
    return hcl_utf8(s->text, i, &cp) ? (int32_t)cp : BAD;
}

static int32_t peek(const struct hcl1_scanner *s)
{
    return peek_at(s, s->at.byte);
}

static void fail(struct hcl1_scanner *s, const char *what)
{
    s->error = what;
    s->error_at = s->at;
    if (s->at.col == 0) { /* the newline was the last one */
        s->error_at.line--;
        s->error_at.col = s->last_line_len;
    }
}

static int32_t next(struct hcl1_scanner *s)
{
    uint32_t cp = BAD;
    size_t n;

    s->at.col++;
    if (s->at.byte >= s->text.len)
        return END;
    if (crlf_at(s, s->at.byte))
        s->at.byte++;
    n = hcl_utf8(s->text, s->at.byte, &cp);
    s->at.byte += n ? (uint32_t)n : 1;
    if (n == 0) {
        fail(s, "illegal UTF-8 encoding");
        return BAD;
    }
    if (cp == '\0') {
        fail(s, "unexpected null character (0x00)");
        s->at.byte = (uint32_t)s->text.len;
        return END;
    }
    if (cp == '\n') {
        s->at.line++;
        s->last_line_len = s->at.col;
        s->at.col = 0;
    }
    return (int32_t)cp;
}

static bool is_letter(int32_t c)
{
    return c >= 0 && hcl_is_ident_start((uint32_t)c);
}

static bool is_digit(int32_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(int32_t c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static void scan_block_comment(struct hcl1_scanner *s)
{
    int32_t c = next(s), before;

    do {
        before = c;
        c = next(s);
        if (c == END) {
            fail(s, "comment not terminated");
            return;
        }
    } while (before != '*' || c != '/');
}

static void scan_comment(struct hcl1_scanner *s, int32_t c)
{
    if (c == '/' && peek(s) == '*') {
        next(s);
        if (peek(s) == END) {
            fail(s, "comment not terminated");
            return;
        }
        scan_block_comment(s);
        return;
    }
    if (c == '/' && peek(s) != '/') {
        fail(s, "expected '/' for comment");
        return;
    }
    while (c != '\n' && c != END)
        c = next(s);
}

/* `n` digits of the base are to follow. */
static void scan_digits(struct hcl1_scanner *s, bool (*is_ok)(int32_t), size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_ok(peek(s))) {
            next(s);
            fail(s, "illegal char escape");
            return;
        }
        next(s);
    }
}

static bool is_octal(int32_t c)
{
    return c >= '0' && c <= '7';
}

static void scan_escape(struct hcl1_scanner *s)
{
    int32_t c = next(s);

    if (c == 'x')
        scan_digits(s, is_hex, 2);
    else if (c == 'u')
        scan_digits(s, is_hex, 4);
    else if (c == 'U')
        scan_digits(s, is_hex, 8);
    else if (is_octal(c))
        scan_digits(s, is_octal, 2);
    else if (c == END || !strchr("abfnrtv\\\"", (char)c) || c > 0x7f)
        fail(s, "illegal char escape");
}

/* Inside ${ } quotes and newlines are part of the string. */
static void scan_string(struct hcl1_scanner *s)
{
    size_t braces = 0;

    for (;;) {
        int32_t c = next(s);

        if (c == END || (c == '\n' && braces == 0)) {
            fail(s, "literal not terminated");
            return;
        }
        if (c == '"' && braces == 0)
            return;
        if (braces == 0 && c == '$' && peek(s) == '{') {
            braces++;
            next(s);
        } else if (braces > 0 && c == '{') {
            braces++;
        } else if (braces > 0 && c == '}') {
            braces--;
        } else if (c == '\\') {
            scan_escape(s);
        }
    }
}

/* Does the line that starts at byte `at` consist of the marker? *ret_end: after it. */
static bool is_marker_line(const struct hcl1_scanner *s, size_t at, struct str marker,
                           bool indented, size_t *ret_end)
{
    struct str rest = str_from(s->text, at);
    size_t blank = 0;

    while (indented && blank < rest.len && strchr(" \t", rest.p[blank]) && rest.p[blank])
        blank++;
    rest = str_from(rest, blank);
    *ret_end = at + blank + marker.len;
    if (!str_starts(rest, marker))
        return false;
    rest = str_from(rest, marker.len);
    return rest.len == 0 || rest.p[0] == '\n' || str_starts(rest, STR("\r\n"));
}

static void scan_heredoc_lines(struct hcl1_scanner *s, struct str marker, bool indented)
{
    size_t end;

    while (!is_marker_line(s, s->at.byte, marker, indented, &end)) {
        int32_t c;

        do {
            c = next(s);
        } while (c != '\n' && c != END);
        if (c == END) {
            fail(s, "heredoc not terminated");
            return;
        }
    }
    while (s->at.byte < end)
        next(s);
}

static void scan_heredoc(struct hcl1_scanner *s)
{
    size_t start;
    bool indented;
    struct str marker;
    int32_t c;

    if (next(s) != '<') {
        fail(s, "heredoc expected second '<', didn't see it");
        return;
    }
    indented = peek(s) == '-';
    if (indented)
        next(s);
    start = s->at.byte;
    while (is_letter(peek(s)) || is_digit(peek(s)))
        next(s);
    marker = str_n(s->text.p + start, s->at.byte - start);
    c = next(s);
    if (c == END)
        fail(s, "heredoc not terminated");
    else if (c != '\n')
        fail(s, "invalid characters in heredoc anchor");
    else if (marker.len == 0)
        fail(s, "zero-length heredoc anchor");
    else
        scan_heredoc_lines(s, marker, indented);
}

static void scan_run(struct hcl1_scanner *s, bool (*is_ok)(int32_t))
{
    while (is_ok(peek(s)))
        next(s);
}

static enum hcl1_tok_type scan_fraction(struct hcl1_scanner *s, enum hcl1_tok_type type)
{
    if (peek(s) == '.') {
        next(s);
        scan_run(s, is_digit);
        type = H1_FLOAT;
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        next(s);
        if (peek(s) == '+' || peek(s) == '-')
            next(s);
        scan_run(s, is_digit);
        type = type == H1_FLOAT ? H1_FLOAT : H1_NUMBER;
    }
    return type;
}

/* A word or number that touches the end of the text reads it too. */
static void touch_end(struct hcl1_scanner *s)
{
    if (peek(s) == END)
        next(s);
}

static enum hcl1_tok_type scan_number(struct hcl1_scanner *s, int32_t first)
{
    enum hcl1_tok_type type;

    if (first == '0' && (peek(s) == 'x' || peek(s) == 'X')) {
        next(s);
        if (!is_hex(peek(s)))
            fail(s, "illegal hexadecimal number");
        scan_run(s, is_hex);
        touch_end(s);
        return H1_NUMBER;
    }
    scan_run(s, is_digit);
    type = scan_fraction(s, H1_NUMBER);
    touch_end(s);
    return type;
}

static enum hcl1_tok_type scan_ident(struct hcl1_scanner *s, size_t start)
{
    struct str text;

    while (is_letter(peek(s)) || is_digit(peek(s)) || peek(s) == '-' || peek(s) == '.')
        next(s);
    text = str_n(s->text.p + start, s->at.byte - start);
    touch_end(s);
    return str_eqc(text, "true") || str_eqc(text, "false") ? H1_BOOL : H1_IDENT;
}

static enum hcl1_tok_type scan_punctuation(struct hcl1_scanner *s, int32_t c)
{
    static const char chars[] = "[{,]}=+";
    static const enum hcl1_tok_type types[] = {H1_LBRACK, H1_LBRACE, H1_COMMA, H1_RBRACK,
                                               H1_RBRACE, H1_ASSIGN, H1_ADD};
    const char *hit = c > 0 && c < 0x80 ? strchr(chars, (char)c) : NULL;

    if (hit)
        return types[hit - chars];
    if (c == '-' && is_digit(peek(s)))
        return scan_number(s, next(s));
    if (c == '-')
        return H1_SUB;
    if (c == '.' && is_digit(peek(s))) {
        scan_run(s, is_digit);
        scan_fraction(s, H1_FLOAT);
        touch_end(s);
        return H1_FLOAT;
    }
    if (c == '.')
        return H1_PERIOD;
    fail(s, "illegal char");
    return H1_ILLEGAL;
}

static enum hcl1_tok_type scan_token(struct hcl1_scanner *s, int32_t c, size_t start)
{
    if (is_letter(c))
        return scan_ident(s, start);
    if (is_digit(c))
        return scan_number(s, c);
    if (c == '"') {
        scan_string(s);
        return H1_STRING;
    }
    if (c == '<') {
        scan_heredoc(s);
        return H1_HEREDOC;
    }
    return scan_punctuation(s, c);
}

struct hcl1_tok hcl1_scan(struct hcl1_scanner *s)
{
    struct hcl1_tok t = {H1_EOF};
    size_t start;
    int32_t c;

    for (;;) {
        start = s->at.byte;
        c = next(s);
        if (c == '#' || c == '/')
            scan_comment(s, c);
        else if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            break;
    }
    t.start = s->at;
    t.start.byte = (uint32_t)start;
    if (c != END)
        t.type = scan_token(s, c, start);
    t.text = str_n(s->text.p + start, s->at.byte - start);
    t.end = s->at;
    t.end.col++;
    return t;
}

const char *hcl1_tok_name(enum hcl1_tok_type type)
{
    static const char *const names[] = {
        "EOF",     "IDENT",  "NUMBER", "FLOAT", "BOOL",    "STRING",
        "HEREDOC", "LBRACK", "LBRACE", "COMMA", "PERIOD",  "RBRACK",
        "RBRACE",  "ASSIGN", "ADD",    "SUB",   "ILLEGAL",
    };

    return names[type];
}

/* The bytes that the escape behind the backslash at q[i] takes. */
static size_t put_escape(struct str q, size_t i, struct buf *b)
{
    static const char codes[] = "abfnrtv\\\"'", values[] = "\a\b\f\n\r\t\v\\\"'";
    const char *code = strchr(codes, q.p[i + 1]);
    size_t n = q.p[i + 1] == 'x' ? 2 : q.p[i + 1] == 'u' ? 4 : q.p[i + 1] == 'U' ? 8 : 0;
    char utf8[4];
    uint32_t cp = 0;

    if (n > 0 && i + 2 + n <= q.len && hcl_hex(q.p + i + 2, n, &cp)) {
        if (n == 2)
            buf_putc(b, (char)cp);
        else
            buf_put(b, utf8, hcl_utf8_put(cp, utf8));
        return 2 + n;
    }
    if (is_octal(q.p[i + 1]) && i + 4 <= q.len) {
        for (n = 1; n < 4 && is_octal(q.p[i + n]); n++)
            cp = cp << 3 | (uint32_t)(q.p[i + n] - '0');
        buf_putc(b, (char)cp);
        return n;
    }
    if (code && *code)
        buf_putc(b, values[code - codes]);
    return 2;
}

struct str hcl1_string_value(struct str quoted, struct arena *a)
{
    struct str q = quoted.len >= 2 ? str_n(quoted.p + 1, quoted.len - 2) : STR("");
    auto_buf struct buf b = BUF_INIT(HCL_TEXT_MAX);
    size_t i = 0, braces = 0;

    if (str_chr(q, '\\') < 0)
        return q;
    while (i < q.len) {
        if (braces == 0 && q.p[i] == '\\' && i + 1 < q.len) {
            i += put_escape(q, i, &b);
            continue;
        }
        if (q.p[i] == '{' && (braces > 0 || (i > 0 && q.p[i - 1] == '$')))
            braces++;
        else if (q.p[i] == '}' && braces > 0)
            braces--;
        buf_putc(&b, q.p[i++]); /* between ${ } everything stays as it is */
    }
    return arena_str(a, buf_str(&b));
}

static bool all_indented(struct str body, struct str prefix)
{
    struct str line;

    while (body.len > 0 && str_split(&body, '\n', &line))
        if (!str_starts(line, prefix))
            return false;
    return true;
}

/* `<<-`: what stands before the marker is cut from every line, if all of them have it. */
struct str hcl1_heredoc_value(struct str text, struct arena *a)
{
    struct str body = str_from(text, (size_t)(str_chr(text, '\n') + 1)), prefix, line;
    size_t end = (size_t)(str_rchr(body, '\n') + 1); /* where the marker's line begins */
    auto_buf struct buf b = BUF_INIT(HCL_TEXT_MAX);
    bool flush = text.len > 2 && text.p[2] == '-';

    prefix = str_from(body, end);
    while (prefix.len > 0 && prefix.p[prefix.len - 1] != ' ' &&
           prefix.p[prefix.len - 1] != '\t')
        prefix.len--;
    body = str_upto(body, end);
    if (!flush || prefix.len == 0 || !all_indented(body, prefix))
        prefix.len = 0;
    while (body.len > 0 && str_split(&body, '\n', &line)) {
        struct str cut = str_from(line, prefix.len);

        if (cut.len > 0 && cut.p[cut.len - 1] == '\r')
            cut.len--;
        buf_put_str(&b, cut);
        buf_putc(&b, '\n');
    }
    return arena_str(a, buf_str(&b));
}
