#include <assert.h>

#include "base/err.h"
#include "base/vec.h"
#include "lang/hcl_priv.h"

/*
 * The text is in one of three modes; sequences inside strings open NORMAL again, so they stack:
 *   NORMAL   configuration and expressions; `braces` counts the open ones of this level
 *   QUOTED   between double quotes
 *   HEREDOC  between <<MARK and a line that is MARK
 */
enum mode_kind { NORMAL, QUOTED, HEREDOC };

struct mode {
    enum mode_kind kind;
    uint32_t braces;
    struct str marker; /* HEREDOC */
    bool bare;         /* HEREDOC that is the whole text: no marker, no lines */
};

/* What is said once per text only. */
enum told {
    TOLD_BITWISE = 1 << 0,
    TOLD_EXPONENT = 1 << 1,
    TOLD_BACKTICK = 1 << 2,
    TOLD_APOSTROPHE = 1 << 3,
    TOLD_SEMICOLON = 1 << 4,
    TOLD_UTF8 = 1 << 5,
    TOLD_CURLY = 1 << 6,
};

struct lexer {
    struct str text;
    const char *file;
    struct hcl_pos at;
    struct hcl_tokens *toks;
    struct hcl_diags *diags;
    unsigned told;
    struct mode modes[HCL_MODES_MAX];
    size_t depth; /* modes[depth] is current */
    bool too_big;
};

size_t hcl_utf8(struct str s, size_t at, uint32_t *ret)
{
    const uint8_t *p = (const uint8_t *)s.p + at;
    size_t left = s.len - at, n;
    uint32_t cp;

    if (left == 0)
        return 0;
    if (p[0] < 0x80) {
        *ret = p[0];
        return 1;
    }
    n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n > left)
        return 0;
    cp = p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        cp = cp << 6 | (p[i] & 0x3f);
    }
    if ((n == 3 && cp < 0x800) || (n == 4 && (cp < 0x10000 || cp > 0x10ffff)) ||
        (cp >= 0xd800 && cp <= 0xdfff))
        return 0;
    *ret = cp;
    return n;
}

size_t hcl_utf8_put(uint32_t cp, char *ret)
{
    if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        cp = 0xfffd;
    if (cp < 0x80) {
        ret[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        ret[0] = (char)(0xc0 | cp >> 6);
        ret[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        ret[0] = (char)(0xe0 | cp >> 12);
        ret[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        ret[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    ret[0] = (char)(0xf0 | cp >> 18);
    ret[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    ret[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    ret[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

bool hcl_hex(const char *p, size_t n, uint32_t *ret)
{
    uint32_t v = 0;

    for (size_t i = 0; i < n; i++) {
        char c = p[i];

        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            v = v << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *ret = v;
    return true;
}

/* Beyond ASCII everything is a letter but punctuation, symbols, spaces and private characters.
 */
static bool is_symbol(uint32_t cp)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x80, 0xa9},       {0xab, 0xb4},        {0xb6, 0xb9},     {0xbb, 0xbf},
        {0xd7, 0xd7},       {0xf7, 0xf7},        {0x2000, 0x2070}, {0x2072, 0x207e},
        {0x2080, 0x208f},   {0x20a0, 0x20cf},    {0x2190, 0x2bff}, {0x2e00, 0x2e7f},
        {0x3000, 0x3004},   {0x3008, 0x3020},    {0xe000, 0xf8ff}, {0xfeff, 0xff0f},
        {0xff1a, 0xff20},   {0xff3b, 0xff40},    {0xff5b, 0xff65}, {0xffe0, 0xffff},
        {0x1f000, 0x1faff}, {0xe0000, 0x10ffff},
    };

    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (cp >= ranges[i].first && cp <= ranges[i].last)
            return true;
    return false;
}

bool hcl_is_ident_start(uint32_t cp)
{
    if (cp < 0x80)
        return (cp | 0x20) - 'a' < 26 || cp == '_';
    return !is_symbol(cp);
}

bool hcl_is_ident_part(uint32_t cp)
{
    return hcl_is_ident_start(cp) || cp - '0' < 10 || cp == '-';
}

static char byte_at(const struct lexer *l, size_t ahead)
{
    size_t i = l->at.byte + ahead;

    return i < l->text.len ? l->text.p[i] : '\0';
}

static bool at_end(const struct lexer *l)
{
    return l->at.byte >= l->text.len;
}

/* Move over `n` bytes, counting lines and characters ("\r\n" is one). */
static void advance(struct lexer *l, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)l->text.p[l->at.byte++];

        if (c == '\n') {
            l->at.line++;
            l->at.col = 1;
        } else if (c == '\r' && byte_at(l, 0) == '\n') {
            continue;
        } else if ((c & 0xc0) != 0x80) {
            l->at.col++;
        }
    }
}

static struct hcl_range range_from(const struct lexer *l, struct hcl_pos start)
{
    return (struct hcl_range){l->file, start, l->at};
}

static void stop(struct lexer *l, const char *detail)
{
    if (!l->too_big)
        hcl_diag_add(l->diags, range_from(l, l->at), "Configuration too large", "%s", detail);
    l->too_big = true;
}

static void emit(struct lexer *l, enum hcl_tok_type type, struct hcl_pos start)
{
    struct hcl_tokens *t = l->toks;

    if (t->len >= HCL_TOKENS_MAX) {
        stop(l, "The text has more tokens than are accepted in one file.");
        return;
    }
    vec_push(t, ((struct hcl_tok){type, start, l->at}));
}

static void take(struct lexer *l, enum hcl_tok_type type, size_t n)
{
    struct hcl_pos start = l->at;

    advance(l, n);
    emit(l, type, start);
}

static void push_mode(struct lexer *l, struct mode m)
{
    if (l->depth + 1 >= HCL_MODES_MAX) {
        stop(l, "Strings and sequences are nested too deeply.");
        return;
    }
    l->modes[++l->depth] = m;
}

static void say(struct lexer *l, struct hcl_pos start, const char *summary, const char *detail)
{
    hcl_diag_add(l->diags, range_from(l, start), summary, "%s", detail);
}

/* True the first time only. */
static bool untold(struct lexer *l, unsigned what)
{
    bool first = !(l->told & what);

    l->told |= what;
    return first;
}

static bool is_curly_quote(uint32_t cp)
{
    return cp >= 0x2018 && cp <= 0x201f;
}

static void say_bitwise(struct lexer *l, struct hcl_pos start, char c)
{
    static const struct {
        char op;
        const char *detail;
    } ops[] = {
        {'&', "Bitwise operators are not supported. Did you mean boolean AND (\"&&\")?"},
        {'|', "Bitwise operators are not supported. Did you mean boolean OR (\"||\")?"},
        {'~', "Bitwise operators are not supported. Did you mean boolean NOT (\"!\")?"},
        {'^', "Bitwise operators are not supported."},
    };

    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if (ops[i].op == c)
            say(l, start, "Unsupported operator", ops[i].detail);
}

/* A character that the language has no use for. */
static void take_invalid(struct lexer *l)
{
    struct hcl_pos start = l->at;
    char c = byte_at(l, 0);
    uint32_t cp = 0;
    size_t n = hcl_utf8(l->text, l->at.byte, &cp);

    advance(l, n ? n : 1);
    if (n == 0) {
        if (untold(l, TOLD_UTF8))
            say(l, start, "Invalid character encoding",
                "All input files must be UTF-8 encoded. Ensure that UTF-8 encoding is selected "
                "in your editor.");
    } else if (strchr("&|^~", c) && c) {
        if (untold(l, TOLD_BITWISE))
            say_bitwise(l, start, c);
    } else if (c == '\'') {
        if (untold(l, TOLD_APOSTROPHE))
            say(l, start, "Invalid character",
                "Single quotes are not valid. Use double quotes (\") to enclose strings.");
    } else if (c == '`') {
        if (untold(l, TOLD_BACKTICK))
            say(l, start, "Invalid character",
                "The \"`\" character is not valid. To create a multi-line string, use the "
                "\"heredoc\" syntax, like \"<<EOT\".");
    } else if (c == ';') {
        if (untold(l, TOLD_SEMICOLON))
            say(l, start, "Invalid character",
                "The \";\" character is not valid. Use newlines to separate arguments and "
                "blocks, and commas to separate items in collection values.");
    } else if (is_curly_quote(cp)) {
        if (untold(l, TOLD_CURLY))
            say(l, start, "Invalid character",
                "\"Curly quotes\" are not valid here. These can sometimes be inadvertently "
                "introduced when sharing code via documents or discussion forums. It might "
                "help to replace the character with a \"straight quote\".");
    } else {
        say(l, start, "Invalid character", "This character is not used within the language.");
    }
    emit(l, T_INVALID, start);
}

/* Bytes of the identifier at the cursor + `ahead`; 0: none. */
static size_t ident_len(const struct lexer *l, size_t ahead)
{
    size_t i = l->at.byte + ahead, n;
    uint32_t cp;

    while ((n = hcl_utf8(l->text, i, &cp)) > 0) {
        if (i == l->at.byte + ahead ? !hcl_is_ident_start(cp) : !hcl_is_ident_part(cp))
            break;
        i += n;
    }
    return i - l->at.byte - ahead;
}

static size_t digits_len(const struct lexer *l, size_t ahead)
{
    size_t n = 0;

    while (byte_at(l, ahead + n) >= '0' && byte_at(l, ahead + n) <= '9')
        n++;
    return n;
}

static size_t number_len(const struct lexer *l)
{
    size_t n = digits_len(l, 0), more;

    if (byte_at(l, n) == '.' && (more = digits_len(l, n + 1)) > 0)
        n += 1 + more;
    if ((byte_at(l, n) | 0x20) == 'e') {
        size_t sign = byte_at(l, n + 1) == '+' || byte_at(l, n + 1) == '-';

        more = digits_len(l, n + 1 + sign);
        if (more > 0)
            n += 1 + sign + more;
    }
    return n;
}

/* A single-line comment counts as the newline that ends it. */
static void skip_line_comment(struct lexer *l)
{
    struct hcl_pos start = l->at;
    const char *nl = memchr(l->text.p + l->at.byte, '\n', l->text.len - l->at.byte);

    if (!nl) {
        advance(l, l->text.len - l->at.byte);
        return;
    }
    advance(l, (size_t)(nl - l->text.p) + 1 - l->at.byte);
    emit(l, T_NEWLINE, start);
}

/* False: it does not end, so it is no comment. */
static bool skip_block_comment(struct lexer *l)
{
    struct str rest = str_from(l->text, l->at.byte + 2);
    ptrdiff_t end = str_find(rest, STR("*/"));

    if (end < 0)
        return false;
    advance(l, (size_t)end + 4);
    return true;
}

/* "<<MARK\n" or "<<-MARK\n": its length, 0 if it is none. */
static size_t heredoc_intro(const struct lexer *l, struct str *ret_marker)
{
    size_t dash = byte_at(l, 2) == '-', n = ident_len(l, 2 + dash), end = 2 + dash + n;

    if (n == 0)
        return 0;
    *ret_marker = str_n(l->text.p + l->at.byte + 2 + dash, n);
    if (byte_at(l, end) == '\r')
        end++;
    return byte_at(l, end) == '\n' ? end + 1 : 0;
}

static bool in_sequence(const struct lexer *l)
{
    return l->depth > 0 && l->modes[l->depth].braces == 0;
}

static void lex_close_brace(struct lexer *l)
{
    struct mode *m = &l->modes[l->depth];

    if (in_sequence(l)) {
        take(l, T_SEQ_END, 1);
        l->depth--;
        return;
    }
    if (m->braces > 0)
        m->braces--;
    take(l, T_CBRACE, 1);
}

static const struct {
    char text[4];
    enum hcl_tok_type type;
} operators[] = {
    /* the longer ones first */
    {"...", T_ELLIPSIS}, {"==", T_EQ},    {"!=", T_NE},      {"<=", T_LE},     {">=", T_GE},
    {"=>", T_FATARROW},  {"&&", T_AND},   {"||", T_OR},      {"::", T_DCOLON}, {"[", T_OBRACK},
    {"]", T_CBRACK},     {"(", T_OPAREN}, {")", T_CPAREN},   {".", T_DOT},     {",", T_COMMA},
    {":", T_COLON},      {"=", T_EQUAL},  {"?", T_QUESTION}, {"<", T_LT},      {">", T_GT},
    {"+", T_PLUS},       {"-", T_MINUS},  {"*", T_STAR},     {"/", T_SLASH},   {"%", T_PERCENT},
    {"!", T_BANG},
};

static bool lex_operator(struct lexer *l)
{
    struct str rest = str_from(l->text, l->at.byte);

    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (str_starts(rest, str_of(operators[i].text))) {
            take(l, operators[i].type, strlen(operators[i].text));
            return true;
        }
    }
    return false;
}

static bool lex_exponent(struct lexer *l)
{
    struct hcl_pos start = l->at;

    if (byte_at(l, 0) != '*' || byte_at(l, 1) != '*')
        return false;
    advance(l, 2);
    if (untold(l, TOLD_EXPONENT))
        say(l, start, "Unsupported operator",
            "\"**\" is not a supported operator. Exponentiation is not supported as an "
            "operator.");
    emit(l, T_INVALID, start);
    return true;
}

static void lex_word(struct lexer *l)
{
    size_t n = ident_len(l, 0);

    if (n > 0)
        take(l, T_IDENT, n);
    else if (digits_len(l, 0) > 0)
        take(l, T_NUMBER, number_len(l));
    else if (!lex_exponent(l) && !lex_operator(l))
        take_invalid(l);
}

static void lex_normal(struct lexer *l)
{
    char c = byte_at(l, 0), c2 = byte_at(l, 1);
    struct str marker;
    size_t n;

    if (c == ' ' || c == '\t') {
        advance(l, 1);
    } else if (c == '\n') {
        take(l, T_NEWLINE, 1);
    } else if (c == '\r' && c2 == '\n') {
        take(l, T_NEWLINE, 2);
    } else if (c == '#' || (c == '/' && c2 == '/')) {
        skip_line_comment(l);
    } else if (c == '/' && c2 == '*' && skip_block_comment(l)) {
        return;
    } else if (c == '"') {
        take(l, T_OQUOTE, 1);
        push_mode(l, (struct mode){.kind = QUOTED});
    } else if (c == '<' && c2 == '<' && (n = heredoc_intro(l, &marker)) > 0) {
        take(l, T_OHEREDOC, n);
        push_mode(l, (struct mode){.kind = HEREDOC, .marker = marker});
    } else if (c == '{') {
        l->modes[l->depth].braces++;
        take(l, T_OBRACE, 1);
    } else if (c == '}') {
        lex_close_brace(l);
    } else if (c == '~' && c2 == '}' && in_sequence(l)) {
        take(l, T_SEQ_END, 2);
        l->depth--;
    } else {
        lex_word(l);
    }
}

/* "${", "%{" open a sequence; doubled they are text. */
static bool opens_sequence(const struct lexer *l, size_t ahead)
{
    char c = byte_at(l, ahead);

    return (c == '$' || c == '%') && byte_at(l, ahead + 1) == '{';
}

static bool is_escaped_sequence(const struct lexer *l, size_t ahead)
{
    char c = byte_at(l, ahead);

    return (c == '$' || c == '%') && byte_at(l, ahead + 1) == c && byte_at(l, ahead + 2) == '{';
}

static void lex_sequence_start(struct lexer *l)
{
    enum hcl_tok_type type = byte_at(l, 0) == '$' ? T_INTERP : T_CONTROL;

    take(l, type, byte_at(l, 2) == '~' ? 3 : 2);
    push_mode(l, (struct mode){.kind = NORMAL});
}

static void lex_quoted(struct lexer *l)
{
    char c = byte_at(l, 0);
    size_t n = 0, left = l->text.len - l->at.byte;

    if (c == '"') {
        take(l, T_CQUOTE, 1);
        l->depth--;
    } else if (c == '\n' || (c == '\r' && byte_at(l, 1) == '\n')) {
        struct hcl_pos start = l->at;

        advance(l, c == '\n' ? 1 : 2);
        say(l, start, "Invalid multi-line string",
            "Quoted strings may not be split over multiple lines. To produce a multi-line "
            "string, either use the \\n escape to represent a newline character or use the "
            "\"heredoc\" multi-line template syntax.");
        emit(l, T_QUOTED_NEWLINE, start);
    } else if (opens_sequence(l, 0)) {
        lex_sequence_start(l);
    } else {
        while (n < left && !strchr("\"\n", byte_at(l, n)) && !opens_sequence(l, n)) {
            if (is_escaped_sequence(l, n))
                n += 3;
            else if (byte_at(l, n) == '\\' && n + 1 < left && byte_at(l, n + 1) != '\n')
                n += 2;
            else
                n++;
        }
        if (n > 1 && byte_at(l, n) == '\n' && byte_at(l, n - 1) == '\r')
            n--; /* part of the newline */
        take(l, T_LITERAL, n ? n : 1);
    }
}

/* At the start of a line: is it the marker alone? *ret_len: up to its newline. */
static bool heredoc_ends(const struct lexer *l, size_t *ret_len)
{
    struct str rest = str_from(l->text, l->at.byte), line;
    ptrdiff_t nl = str_chr(rest, '\n');

    line = nl < 0 ? rest : str_upto(rest, (size_t)nl);
    if (line.len > 0 && nl >= 0 && line.p[line.len - 1] == '\r')
        line.len--;
    *ret_len = line.len;
    return str_eq(str_trim(line), l->modes[l->depth].marker);
}

static bool after_newline(const struct lexer *l)
{
    return l->at.byte > 0 && l->text.p[l->at.byte - 1] == '\n';
}

static void lex_heredoc(struct lexer *l)
{
    size_t n = 0, left = l->text.len - l->at.byte;
    bool bare = l->modes[l->depth].bare;

    if (!bare && after_newline(l) && heredoc_ends(l, &n)) {
        take(l, T_CHEREDOC, n);
        l->depth--;
        return;
    }
    if (opens_sequence(l, 0)) {
        lex_sequence_start(l);
        return;
    }
    n = 0;
    while (n < left && !opens_sequence(l, n)) {
        if (!bare && byte_at(l, n) == '\n') {
            n++;
            break;
        }
        n += is_escaped_sequence(l, n) ? 3 : 1;
    }
    take(l, T_LITERAL, n);
}

static void lex_all(struct lexer *l)
{
    while (!at_end(l) && !l->too_big) {
        switch (l->modes[l->depth].kind) {
        case NORMAL:
            lex_normal(l);
            break;
        case QUOTED:
            lex_quoted(l);
            break;
        case HEREDOC:
            lex_heredoc(l);
            break;
        }
    }
    take(l, T_EOF, 0);
}

int hcl_lex_template(struct str text, const char *file, struct hcl_pos start,
                     struct hcl_tokens *ret, struct hcl_diags *d)
{
    struct lexer l = {.text = text, .file = file, .at = start, .toks = ret, .diags = d};

    l.at.byte = 0;
    l.modes[0] = (struct mode){.kind = HEREDOC, .bare = true};
    lex_all(&l);
    return l.too_big ? ERR_TOOBIG : 0;
}

int hcl_lex(struct str text, const char *file, struct hcl_tokens *ret, struct hcl_diags *d)
{
    struct lexer l = {.text = text, .file = file, .at = {1, 1, 0}, .toks = ret, .diags = d};

    assert(text.len <= HCL_TEXT_MAX);
    if (str_starts(text, STR("\xef\xbb\xbf")))
        l.at.byte = 3; /* a byte order mark is no column */
    lex_all(&l);
    if (l.too_big)
        return ERR_TOOBIG;
    return 0;
}
