/* Reads and renders in one pass: there are no loops, so nothing is read twice. */
#include "vault/secrets/name_template.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

enum token_type { TOKEN_END, TOKEN_WORD, TOKEN_FIELD, TOKEN_STR, TOKEN_INT, TOKEN_PUNCT };

struct token {
    enum token_type type;
    struct str s; /* word, field's name, string's value */
    int64_t i;
    char punct; /* '(', ')', '|' */
    size_t at;
};

struct reader {
    struct arena *a;
    const struct name_input *in;
    struct str text;
    size_t at;
    struct token tok; /* the next one, inside an action */
    bool trim;        /* the action before ended in "-}}" */
    int depth;
    struct buf *out;
};

/* What ended a block of text and actions. */
enum block_end { BLOCK_EOF, BLOCK_ELSE, BLOCK_END };

static int wrong(const struct reader *r, size_t at, struct err *e, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static int wrong(const struct reader *r, size_t at, struct err *e, const char *fmt, ...)
{
    va_list ap;
    const char *text;

    va_start(ap, fmt);
    text = arena_vprintf(r->a, fmt, ap);
    va_end(ap);
    return err_set(e, ERR_INVALID, "character %zu: %s", at + 1, text);
}

/* ---- tokens ------------------------------------------------------------------------------ */

static char peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->text.len ? r->text.p[r->at + ahead] : '\0';
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static struct str read_word(struct reader *r)
{
    size_t start = r->at;

    while (is_word(peek(r, 0)))
        r->at++;
    return str_n(r->text.p + start, r->at - start);
}

static int read_escape(struct reader *r, struct buf *b, struct err *e)
{
    static const char from[] = "nrt\\\"'", to[] = "\n\r\t\\\"'";
    char c = peek(r, 1);
    const char *known = c ? strchr(from, c) : NULL;

    if (!known)
        return wrong(r, r->at, e, "this escape is not known in a string");
    buf_putc(b, to[known - from]);
    r->at += 2;
    return 0;
}

static int read_string(struct reader *r, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(NAME_VALUE_MAX);
    char quote = peek(r, 0);
    size_t start = r->at++;
    int ret = 0;

    while (ret == 0 && r->at < r->text.len && peek(r, 0) != quote) {
        if (quote == '"' && peek(r, 0) == '\\')
            ret = read_escape(r, &b, e);
        else if (quote == '"' && peek(r, 0) == '\n')
            return wrong(r, start, e, "a line ends inside a string");
        else
            buf_putc(&b, r->text.p[r->at++]);
    }
    if (ret < 0)
        return ret;
    if (r->at == r->text.len)
        return wrong(r, start, e, "this string has no end");
    r->at++;
    r->tok.type = TOKEN_STR;
    r->tok.s = arena_str(r->a, buf_str(&b));
    return buf_check(&b, "a string in the template", e);
}

static int read_int(struct reader *r, struct err *e)
{
    size_t start = r->at;

    if (peek(r, 0) == '-' || peek(r, 0) == '+')
        r->at++;
    read_word(r);
    r->tok.type = TOKEN_INT;
    if (!str_to_i64(str_n(r->text.p + start, r->at - start), 10, &r->tok.i))
        return wrong(r, start, e, "this is not a whole number");
    return 0;
}

static bool at_close(const struct reader *r)
{
    return peek(r, 0) == '}' && peek(r, 1) == '}';
}

/* Behind "}}" or " -}}". */
static void end_action(struct reader *r, bool trim)
{
    r->tok.type = TOKEN_END;
    r->trim = trim;
    r->at += trim ? 3 : 2;
}

static int read_field(struct reader *r, struct err *e)
{
    r->at++;
    r->tok.type = TOKEN_FIELD;
    r->tok.s = read_word(r);
    return r->tok.s.len ? 0 : wrong(r, r->tok.at, e, "a field's name is missing after '.'");
}

static int next_token(struct reader *r, struct err *e)
{
    bool blank = false;
    char c;

    while (isspace((unsigned char)peek(r, 0))) {
        blank = true;
        r->at++;
    }
    r->tok = (struct token){.at = r->at};
    c = peek(r, 0);
    if (r->at == r->text.len)
        return wrong(r, r->at, e, "an action has no end: \"}}\" is missing");
    if (at_close(r)) {
        end_action(r, false);
        return 0;
    }
    if (blank && c == '-' && peek(r, 1) == '}' && peek(r, 2) == '}') {
        end_action(r, true);
        return 0;
    }
    if (c == '"' || c == '`')
        return read_string(r, e);
    if (isdigit((unsigned char)c) || c == '-' || c == '+')
        return read_int(r, e);
    if (c == '.')
        return read_field(r, e);
    if (is_word(c)) {
        r->tok.type = TOKEN_WORD;
        r->tok.s = read_word(r);
        return 0;
    }
    if (c && strchr("()|", c)) {
        r->tok.type = TOKEN_PUNCT;
        r->tok.punct = c;
        r->at++;
        return 0;
    }
    return wrong(r, r->at, e, "'%c' is not understood here", c);
}

static bool is_punct(const struct reader *r, char c)
{
    return r->tok.type == TOKEN_PUNCT && r->tok.punct == c;
}

/* ---- values ------------------------------------------------------------------------------ */

static int eval_pipeline(struct reader *r, bool live, struct name_value *ret, struct err *e);

static int call(struct reader *r, const struct token *fn, bool live,
                const struct name_value *args, size_t n, struct name_value *ret, struct err *e)
{
    size_t min, max;
    name_fn *run = name_function(fn->s, &min, &max);
    struct name_call c = {.a = r->a, .now_ns = r->in->now_ns, .args = args, .n = n};
    int got;

    if (!run)
        return wrong(r, fn->at, e, "function \"%.*s\" is not known", STR_ARG(fn->s));
    if (n < min || n > max)
        return wrong(r, fn->at, e, "%.*s: wrong number of arguments: %zu", STR_ARG(fn->s), n);
    *ret = (struct name_value){.type = NAME_STR, .s = STR("")};
    if (!live)
        return 0;
    got = run(&c, ret, e);
    if (got < 0)
        return err_wrap(e, got, "character %zu: %.*s", fn->at + 1, STR_ARG(fn->s));
    if (ret->type == NAME_STR && ret->s.len > NAME_VALUE_MAX)
        return err_set(e, ERR_TOOBIG, "character %zu: %.*s: the result has more than %d bytes",
                       fn->at + 1, STR_ARG(fn->s), NAME_VALUE_MAX);
    return 0;
}

static int field(const struct reader *r, struct name_value *ret, struct err *e)
{
    const char *v = strmap_get(r->in->fields, arena_cstr(r->a, r->tok.s));

    if (!v)
        return wrong(r, r->tok.at, e, "there is no field .%.*s", STR_ARG(r->tok.s));
    *ret = (struct name_value){.type = NAME_STR, .s = str_of(v)};
    return 0;
}

static int eval_group(struct reader *r, bool live, struct name_value *ret, struct err *e)
{
    size_t start = r->tok.at;
    int got;

    if (++r->depth > NAME_DEPTH_MAX)
        return wrong(r, start, e, "more than %d levels", NAME_DEPTH_MAX);
    got = next_token(r, e);
    if (got == 0)
        got = eval_pipeline(r, live, ret, e);
    r->depth--;
    if (got < 0)
        return got;
    if (!is_punct(r, ')'))
        return wrong(r, start, e, "this parenthesis is not closed");
    return next_token(r, e);
}

/* One word of a command. A function's name standing as an argument is called without any. */
static int eval_operand(struct reader *r, bool live, struct name_value *ret, struct err *e)
{
    struct token word = r->tok;
    int got = 0;

    if (is_punct(r, '('))
        return eval_group(r, live, ret, e);
    if (word.type == TOKEN_STR)
        *ret = (struct name_value){.type = NAME_STR, .s = word.s};
    else if (word.type == TOKEN_INT)
        *ret = (struct name_value){.type = NAME_INT, .i = word.i};
    else if (word.type == TOKEN_FIELD)
        got = field(r, ret, e);
    else if (word.type == TOKEN_WORD && (str_eqc(word.s, "true") || str_eqc(word.s, "false")))
        *ret = (struct name_value){.type = NAME_BOOL, .i = str_eqc(word.s, "true")};
    else if (word.type == TOKEN_WORD)
        got = call(r, &word, live, NULL, 0, ret, e);
    else
        return wrong(r, word.at, e, "a value is missing");
    return got < 0 ? got : next_token(r, e);
}

static bool starts_operand(const struct reader *r)
{
    return r->tok.type != TOKEN_END && !is_punct(r, ')') && !is_punct(r, '|');
}

/* A function with its arguments (what comes through the pipe is the last one), or one value. */
static int eval_command(struct reader *r, bool live, const struct name_value *piped,
                        struct name_value *ret, struct err *e)
{
    struct token first = r->tok;
    struct name_value args[NAME_ARGS_MAX + 1];
    size_t n = 0;
    int got;

    if (first.type != TOKEN_WORD || str_eqc(first.s, "true") || str_eqc(first.s, "false")) {
        got = eval_operand(r, live, ret, e);
        if (got == 0 && (piped || starts_operand(r)))
            return wrong(r, first.at, e, "this is not a function, so it takes no arguments");
        return got;
    }
    got = next_token(r, e);
    while (got == 0 && starts_operand(r)) {
        if (n == NAME_ARGS_MAX)
            return wrong(r, first.at, e, "more than %d arguments", NAME_ARGS_MAX);
        got = eval_operand(r, live, &args[n++], e);
    }
    if (got < 0)
        return got;
    if (piped)
        args[n++] = *piped;
    return call(r, &first, live, args, n, ret, e);
}

static int eval_pipeline(struct reader *r, bool live, struct name_value *ret, struct err *e)
{
    struct name_value piped;
    int got = eval_command(r, live, NULL, ret, e);

    while (got == 0 && is_punct(r, '|')) {
        piped = *ret;
        got = next_token(r, e);
        if (got == 0)
            got = eval_command(r, live, &piped, ret, e);
    }
    return got;
}

/* A pipeline that fills the rest of the action. */
static int eval_action(struct reader *r, bool live, struct name_value *ret, struct err *e)
{
    int got = eval_pipeline(r, live, ret, e);

    if (got == 0 && r->tok.type != TOKEN_END)
        return wrong(r, r->tok.at, e, "'%c' is not understood here", r->tok.punct);
    return got;
}

/* ---- text and actions -------------------------------------------------------------------- */

static int render_block(struct reader *r, bool live, enum block_end *ret, struct err *e);

/* {{ if ... }} is read up to and with its {{ end }}; the first token is behind "if". */
static int render_if(struct reader *r, bool live, size_t start, struct err *e)
{
    bool taken = false, last = false;
    enum block_end end = BLOCK_ELSE;

    if (++r->depth > NAME_DEPTH_MAX)
        return wrong(r, start, e, "more than %d levels", NAME_DEPTH_MAX);
    while (end == BLOCK_ELSE) {
        struct name_value cond = {.type = NAME_BOOL, .i = 1};
        bool now;
        int got = last ? 0 : eval_action(r, live && !taken, &cond, e);

        if (got < 0)
            return got;
        now = live && !taken && name_is_true(&cond);
        got = render_block(r, now, &end, e);
        if (got < 0)
            return got;
        taken |= now;
        if (end == BLOCK_EOF)
            return wrong(r, start, e, "this if has no {{ end }}");
        if (end == BLOCK_ELSE && last)
            return wrong(r, r->tok.at, e, "an else after the else");
        if (end == BLOCK_ELSE && r->tok.type == TOKEN_END)
            last = true;
        else if (end == BLOCK_ELSE) { /* else if */
            if (r->tok.type != TOKEN_WORD || !str_eqc(r->tok.s, "if"))
                return wrong(r, r->tok.at, e, "only \"if\" may follow \"else\"");
            if ((got = next_token(r, e)) < 0)
                return got;
        }
    }
    r->depth--;
    return 0;
}

/* Text up to the next action, trimmed as the actions around it say. False: it was the last. */
static bool render_text(struct reader *r, bool live)
{
    struct str rest = str_from(r->text, r->at), text = rest;
    ptrdiff_t open = str_find(rest, STR("{{"));
    bool trim_end = false;

    if (open >= 0) {
        text = str_upto(rest, (size_t)open);
        r->at += (size_t)open + 2;
        trim_end = peek(r, 0) == '-' && isspace((unsigned char)peek(r, 1));
        r->at += trim_end;
    } else {
        r->at = r->text.len;
    }
    while (trim_end && text.len && isspace((unsigned char)text.p[text.len - 1]))
        text.len--;
    while (r->trim && text.len && isspace((unsigned char)text.p[0]))
        text = str_from(text, 1);
    r->trim = false;
    if (live)
        buf_put_str(r->out, text);
    return open >= 0;
}

static int skip_comment(struct reader *r, struct err *e)
{
    size_t start = r->at;
    ptrdiff_t end = str_find(str_from(r->text, start), STR("*/"));

    if (end < 0)
        return wrong(r, start, e, "this comment has no end");
    r->at += (size_t)end + 2;
    return next_token(r, e);
}

static bool at_comment(const struct reader *r)
{
    size_t i = 0;

    while (isspace((unsigned char)peek(r, i)))
        i++;
    return peek(r, i) == '/' && peek(r, i + 1) == '*';
}

static int render_action(struct reader *r, bool live, enum block_end *ret, bool *ret_ended,
                         struct err *e)
{
    static const char *const others[] = {"range", "with",  "define",  "template",
                                         "block", "break", "continue"};
    struct name_value v;
    struct token word = r->tok;
    int got;

    if (word.type == TOKEN_END)
        return wrong(r, word.at, e, "an action is empty");
    for (size_t i = 0; word.type == TOKEN_WORD && i < ARRAY_LEN(others); i++)
        if (str_eqc(word.s, others[i]))
            return wrong(r, word.at, e, "{{ %s }} is not supported in names", others[i]);
    if (word.type == TOKEN_WORD && (str_eqc(word.s, "end") || str_eqc(word.s, "else"))) {
        *ret = str_eqc(word.s, "end") ? BLOCK_END : BLOCK_ELSE;
        *ret_ended = true;
        got = next_token(r, e);
        if (got == 0 && *ret == BLOCK_END && r->tok.type != TOKEN_END)
            return wrong(r, r->tok.at, e, "nothing may follow \"end\"");
        return got;
    }
    if (word.type == TOKEN_WORD && str_eqc(word.s, "if")) {
        got = next_token(r, e);
        return got < 0 ? got : render_if(r, live, word.at, e);
    }
    got = eval_action(r, live, &v, e);
    if (got == 0 && live)
        buf_put_str(r->out, name_text(r->a, &v));
    return got;
}

static int render_block(struct reader *r, bool live, enum block_end *ret, struct err *e)
{
    bool ended = false;
    int got;

    *ret = BLOCK_EOF;
    while (!ended && render_text(r, live)) {
        if (at_comment(r)) {
            got = skip_comment(r, e);
            if (got == 0 && r->tok.type != TOKEN_END)
                return wrong(r, r->tok.at, e, "nothing may follow a comment");
        } else {
            got = next_token(r, e);
            if (got == 0)
                got = render_action(r, live, ret, &ended, e);
        }
        if (got < 0)
            return got;
    }
    return 0;
}

int name_render(struct str text, const struct name_input *in, struct arena *a, const char **ret,
                struct err *e)
{
    auto_buf struct buf out = BUF_INIT(NAME_VALUE_MAX);
    struct reader r = {.a = a, .in = in, .text = text, .out = &out};
    enum block_end end;
    int got;

    if (text.len > NAME_TEMPLATE_MAX)
        return err_set(e, ERR_TOOBIG, "the template has more than %d bytes", NAME_TEMPLATE_MAX);
    got = render_block(&r, true, &end, e);
    if (got < 0)
        return got;
    if (end != BLOCK_EOF)
        return wrong(&r, r.tok.at, e, "{{ %s }} without {{ if }}",
                     end == BLOCK_END ? "end" : "else");
    got = buf_check(&out, "the name", e);
    if (got < 0)
        return got;
    *ret = arena_cstr(a, buf_str(&out));
    return 0;
}
