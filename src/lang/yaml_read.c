#include <stdlib.h>

#include "base/err.h"
#include "lang/hcl_priv.h"
#include "lang/yaml.h"

/*
 * One pass. Where a collection stands is the column of its first character; what belongs to it
 * stands at that column (its items) or further right (what is in them).
 */

struct anchor {
    struct str name;
    struct json value;
    uint32_t nodes, height;
};

struct reader {
    struct str text;
    size_t at, line_start;
    uint32_t line, depth, nodes;
    struct arena *arena;
    struct err *err;
    LIST(struct anchor) anchors;
};

/* 0, or the error that was set. `min`: the first column that still belongs to the value;
 * `in_line`: a key stands before it on its line, so no block may begin here. */
static int read_block(struct reader *r, size_t min, bool in_line, struct json *ret);
static int read_flow(struct reader *r, struct json *ret);

static int fail(struct reader *r, const char *what)
{
    return err_set(r->err, ERR_INVALID, "on line %u, column %zu: %s", r->line + 1,
                   r->at - r->line_start + 1, what);
}

static int too_big(struct reader *r)
{
    return err_set(r->err, ERR_TOOBIG, "YAML has more than %d values or %d levels",
                   YAML_NODES_MAX, YAML_DEPTH_MAX);
}

static char peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->text.len ? r->text.p[r->at + ahead] : '\0';
}

static size_t column(const struct reader *r)
{
    return r->at - r->line_start;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

/* The end of a word: white space or the end of the text. */
static bool ends(const struct reader *r, size_t ahead)
{
    return r->at + ahead >= r->text.len || is_blank(peek(r, ahead)) || is_break(peek(r, ahead));
}

static void skip_spaces(struct reader *r)
{
    while (is_blank(peek(r, 0)))
        r->at++;
}

static void next_line(struct reader *r)
{
    if (peek(r, 0) == '\r')
        r->at++;
    if (peek(r, 0) == '\n')
        r->at++;
    r->line++;
    r->line_start = r->at;
}

static void skip_line(struct reader *r)
{
    while (r->at < r->text.len && !is_break(peek(r, 0)))
        r->at++;
}

/* White space, comments, ends of lines. */
static void skip_blank(struct reader *r)
{
    for (;;) {
        skip_spaces(r);
        if (peek(r, 0) == '#' &&
            (r->at == 0 || ends(&(struct reader){.text = r->text, .at = r->at - 1}, 0)))
            skip_line(r);
        if (!is_break(peek(r, 0)))
            return;
        next_line(r);
    }
}

static bool at_marker(const struct reader *r, const char *marker)
{
    return column(r) == 0 && str_starts(str_from(r->text, r->at), str_of(marker)) && ends(r, 3);
}

static bool at_end(const struct reader *r)
{
    return r->at >= r->text.len || at_marker(r, "---") || at_marker(r, "...");
}

static bool count_node(struct reader *r)
{
    return ++r->nodes <= YAML_NODES_MAX;
}

/*
 * Scalars
 */

/* -1: not quoted; else it was, and the text is what it says. */
static bool is_number(struct str s)
{
    size_t digits = 0, i = 0;
    bool point = false;

    if (i < s.len && (s.p[i] == '-' || s.p[i] == '+'))
        i++;
    for (; i < s.len; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';

        if (!digit && (s.p[i] != '.' || point))
            break;
        digits += digit;
        point = point || !digit;
    }
    if (digits == 0 || i == s.len)
        return digits > 0;
    if (s.p[i] != 'e' && s.p[i] != 'E')
        return false;
    i++;
    if (i < s.len && (s.p[i] == '-' || s.p[i] == '+'))
        i++;
    for (digits = 0; i < s.len && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        digits++;
    return digits > 0 && i == s.len;
}

static bool is_among(struct str s, const char *const *words)
{
    for (; *words; words++)
        if (str_eqc(s, *words))
            return true;
    return false;
}

/* What a plain text is: null, a bool, a number or text. */
static struct json plain_value(struct reader *r, struct str s)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    uint64_t v;

    if (is_among(s, nulls))
        return (struct json){.type = JSON_NULL};
    if (is_among(s, yes) || is_among(s, no))
        return json_of_bool(is_among(s, yes));
    if (is_number(s))
        return (struct json){.type = JSON_NUMBER, .text = s.p[0] == '+' ? str_from(s, 1) : s};
    if ((str_starts(s, STR("0x")) && str_to_u64(str_from(s, 2), 16, &v)) ||
        (str_starts(s, STR("0o")) && str_to_u64(str_from(s, 2), 8, &v)))
        return (struct json){.type = JSON_NUMBER,
                             .text =
                                 str_of(arena_printf(r->arena, "%llu", (unsigned long long)v))};
    return json_of_str(s);
}

/* The rest of a plain scalar on this line. */
static struct str plain_line(struct reader *r, bool flow)
{
    size_t from = r->at, end = from;

    for (; r->at < r->text.len && !is_break(peek(r, 0)); r->at++) {
        char c = peek(r, 0);

        if (c == ':' && (ends(r, 1) || (flow && strchr(",[]{}", peek(r, 1)))))
            break;
        if (c == '#' && r->at > from && is_blank(r->text.p[r->at - 1]))
            break;
        if (flow && strchr(",[]{}", c))
            break;
        if (!is_blank(c))
            end = r->at + 1;
    }
    return str_n(r->text.p + from, end - from);
}

/* Is there a key at `at`: a scalar and a colon on one line? */
static bool key_follows(const struct reader *from)
{
    struct reader r = *from;
    char quote = peek(&r, 0);

    if (quote != '"' && quote != '\'') {
        (void)plain_line(&r, false);
        return peek(&r, 0) == ':';
    }
    for (r.at++; r.at < r.text.len && peek(&r, 0) != quote; r.at++) {
        if (is_break(peek(&r, 0)))
            return false;
        r.at += quote == '"' && peek(&r, 0) == '\\';
    }
    r.at++;
    skip_spaces(&r);
    return peek(&r, 0) == ':' && ends(&r, 1);
}

/* Ends of lines within a scalar: one is a blank, more are one less. */
static void fold(struct buf *b, unsigned breaks)
{
    if (breaks == 1)
        buf_putc(b, ' ');
    for (; breaks > 1; breaks--)
        buf_putc(b, '\n');
}

/* A plain scalar goes on on lines that are indented enough and hold no key. */
static struct json read_plain(struct reader *r, size_t min, bool flow)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    struct str first = plain_line(r, flow);
    bool more = false;

    buf_put_str(&b, first);
    while (is_break(peek(r, 0))) {
        struct reader ahead = *r;
        unsigned breaks = 0;

        while (is_break(peek(&ahead, 0))) {
            next_line(&ahead);
            skip_spaces(&ahead);
            breaks++;
        }
        if (at_end(&ahead) || column(&ahead) < min || peek(&ahead, 0) == '#' ||
            (!flow && key_follows(&ahead)))
            break;
        if (flow && strchr(",[]{}:", peek(&ahead, 0)))
            break;
        *r = ahead;
        fold(&b, breaks);
        buf_put_str(&b, plain_line(r, flow));
        more = true;
    }
    return more ? json_of_str(arena_str(r->arena, buf_str(&b))) : plain_value(r, first);
}

static void fold_quoted(struct reader *r, struct buf *b)
{
    unsigned breaks = 0;

    while (b->len > 0 && is_blank(b->p[b->len - 1]))
        b->len--;
    while (is_break(peek(r, 0))) {
        next_line(r);
        skip_spaces(r);
        breaks++;
    }
    fold(b, breaks);
}

/* Behind a backslash. */
static int read_escape(struct reader *r, struct buf *b)
{
    static const char from[] = "0abtnvfre \"/\\N_LP";
    static const uint32_t to[] = {0,   7,   8,   9,    10,   11,   12,     13,    27,
                                  ' ', '"', '/', '\\', 0x85, 0xA0, 0x2028, 0x2029};
    char c = peek(r, 0), utf8[4];
    const char *known = c ? strchr(from, c) : NULL;
    size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint64_t cp = known ? to[known - from] : 0;

    if (is_break(c)) {
        next_line(r);
        skip_spaces(r);
        return 0;
    }
    if (!known && (digits == 0 || r->at + digits >= r->text.len ||
                   !str_to_u64(str_n(r->text.p + r->at + 1, digits), 16, &cp)))
        return fail(r, "found unknown escape character");
    r->at += 1 + digits;
    buf_put(b, utf8, hcl_utf8_put((uint32_t)cp, utf8));
    return 0;
}

static int read_quoted(struct reader *r, struct json *ret)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    char quote = peek(r, 0);
    int e = 0;

    for (r->at++; e == 0;) {
        char c = peek(r, 0);

        if (r->at >= r->text.len)
            return fail(r, "found unexpected end of stream in a quoted scalar");
        if (is_break(c)) {
            fold_quoted(r, &b);
            continue;
        }
        r->at++;
        if (c == '\\' && quote == '"') {
            e = read_escape(r, &b);
        } else if (c != quote) {
            buf_putc(&b, c);
        } else if (quote == '\'' && peek(r, 0) == '\'') {
            buf_putc(&b, '\'');
            r->at++;
        } else {
            break;
        }
    }
    *ret = json_of_str(arena_str(r->arena, buf_str(&b)));
    return e;
}

/* The header of "|" and ">": how it ends, how deep it stands (0: as its first line). */
static int block_header(struct reader *r, char *ret_chomp, size_t *ret_indent)
{
    *ret_chomp = '\0';
    *ret_indent = 0;
    for (r->at++; !ends(r, 0); r->at++) {
        char c = peek(r, 0);

        if (c == '-' || c == '+')
            *ret_chomp = c;
        else if (c >= '1' && c <= '9')
            *ret_indent = (size_t)(c - '0');
        else
            return fail(r, "did not find expected comment or line break");
    }
    skip_spaces(r);
    if (peek(r, 0) == '#')
        skip_line(r);
    if (r->at < r->text.len && !is_break(peek(r, 0)))
        return fail(r, "did not find expected comment or line break");
    next_line(r);
    return 0;
}

/* Spaces at the line's beginning, up to `max`. */
static size_t skip_indent(struct reader *r, size_t max)
{
    size_t n = 0;

    while (n < max && peek(r, 0) == ' ') {
        r->at++;
        n++;
    }
    return n;
}

static size_t find_indent(const struct reader *from, size_t min)
{
    struct reader r = *from;

    for (;;) {
        skip_indent(&r, SIZE_MAX);
        if (!is_break(peek(&r, 0)))
            return column(&r) < min ? min : column(&r);
        next_line(&r);
    }
}

static int read_block_scalar(struct reader *r, size_t min, struct json *ret)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    bool folded = peek(r, 0) == '>', was_deeper = false, any = false;
    size_t indent, breaks = 0;
    char chomp;
    int e = block_header(r, &chomp, &indent);

    if (e < 0)
        return e;
    indent = indent ? indent + (min ? min - 1 : 0) : find_indent(r, min);
    while (r->at < r->text.len) {
        size_t from, got = skip_indent(r, indent);
        bool deeper;

        if (is_break(peek(r, 0))) {
            next_line(r);
            breaks++;
            continue;
        }
        if (got < indent || at_end(r) || (r->at >= r->text.len)) {
            r->at = r->line_start;
            break;
        }
        deeper = is_blank(peek(r, 0));
        if (folded && any && !deeper && !was_deeper) {
            fold(&b, (unsigned)breaks);
        } else {
            for (; breaks > 0; breaks--)
                buf_putc(&b, '\n');
        }
        from = r->at;
        skip_line(r);
        buf_put_str(&b, str_upto(str_from(r->text, from), r->at - from));
        any = true;
        was_deeper = deeper;
        breaks = r->at < r->text.len;
        if (breaks)
            next_line(r);
    }
    for (; chomp == '+' && breaks > 0; breaks--)
        buf_putc(&b, '\n');
    if (chomp == '\0' && any)
        buf_putc(&b, '\n');
    *ret = json_of_str(arena_str(r->arena, buf_str(&b)));
    return 0;
}

/*
 * Anchors, aliases, tags
 */

static struct str read_name(struct reader *r)
{
    size_t from = r->at;

    while (!ends(r, 0) && !strchr(",[]{}", peek(r, 0)))
        r->at++;
    return str_n(r->text.p + from, r->at - from);
}

static void weigh(const struct json *v, uint32_t *nodes, uint32_t depth, uint32_t *height)
{
    ++*nodes;
    *height = depth > *height ? depth : *height;
    for (uint32_t i = 0; v->type >= JSON_ARRAY && i < v->len; i++)
        weigh(v->type == JSON_ARRAY ? &v->items[i] : &v->members[i].value, nodes, depth + 1,
              height);
}

static int add_anchor(struct reader *r, struct str name, const struct json *v)
{
    struct anchor *a;

    if (r->anchors.len >= YAML_ANCHORS_MAX)
        return err_set(r->err, ERR_TOOBIG, "YAML has more than %d anchors", YAML_ANCHORS_MAX);
    a = list_add(r->arena, &r->anchors);
    *a = (struct anchor){.name = name, .value = *v};
    weigh(v, &a->nodes, 1, &a->height);
    /* Looking at it took as long as making it. */
    r->nodes += a->nodes;
    return r->nodes > YAML_NODES_MAX ? too_big(r) : 0;
}

static int read_alias(struct reader *r, struct json *ret)
{
    struct str name;

    r->at++;
    name = read_name(r);
    for (size_t i = r->anchors.len; i-- > 0;) {
        const struct anchor *a = &r->anchors.at[i];

        if (!str_eq(a->name, name))
            continue;
        r->nodes += a->nodes;
        if (r->nodes > YAML_NODES_MAX || r->depth + a->height > YAML_DEPTH_MAX)
            return too_big(r);
        *ret = a->value;
        return 0;
    }
    return fail(r, "reference to undefined anchor");
}

struct properties {
    struct str anchor, tag;
    bool has_anchor;
};

static void read_properties(struct reader *r, struct properties *p)
{
    *p = (struct properties){0};
    for (;;) {
        if (peek(r, 0) == '&') {
            r->at++;
            p->anchor = read_name(r);
            p->has_anchor = true;
        } else if (peek(r, 0) == '!') {
            p->tag = read_name(r);
        } else {
            return;
        }
        skip_spaces(r);
    }
}

static int apply_tag(struct reader *r, struct str tag, struct json *v)
{
    const struct json *conv = NULL;

    if (tag.len == 0)
        return 0;
    if (str_eqc(tag, "!!str") || str_eqc(tag, "!"))
        conv = v->type == JSON_NULL ? &(const struct json){.type = JSON_STRING, .text = {"", 0}}
                                    : hcl_to_string(v, r->arena);
    else if (str_eqc(tag, "!!int") || str_eqc(tag, "!!float"))
        conv = hcl_to_number(v, r->arena);
    else if (str_eqc(tag, "!!bool"))
        conv = hcl_to_bool(v, r->arena);
    else if (str_eqc(tag, "!!null") && v->type == JSON_NULL)
        conv = v;
    else if ((str_eqc(tag, "!!map") && v->type == JSON_OBJECT) ||
             (str_eqc(tag, "!!seq") && v->type == JSON_ARRAY))
        conv = v;
    if (!conv)
        return fail(r, "unsupported tag, or a value that it does not fit");
    *v = *conv;
    return 0;
}

static int finish(struct reader *r, const struct properties *p, struct json *v)
{
    int e = apply_tag(r, p->tag, v);

    return e < 0 || !p->has_anchor ? e : add_anchor(r, p->anchor, v);
}

/*
 * Flow collections
 */

/* A key's text. */
static int key_of(struct reader *r, const struct json *v, struct str *ret)
{
    const struct json *s = v->type == JSON_NULL ? NULL : hcl_to_string(v, r->arena);

    if (!s)
        return fail(r, "only texts may be keys");
    *ret = s->text;
    return 0;
}

/* What may stand in a list or before a colon; *ret_colon: a colon follows. */
static int read_flow_item(struct reader *r, struct json *ret, bool *ret_colon)
{
    bool quoted = peek(r, 0) == '"' || peek(r, 0) == '\'';
    int e = read_flow(r, ret);

    if (e < 0)
        return e;
    skip_blank(r);
    *ret_colon = peek(r, 0) == ':' && (quoted || ends(r, 1) || strchr(",[]{}", peek(r, 1)));
    if (*ret_colon)
        r->at++;
    return 0;
}

static int read_flow_value(struct reader *r, struct json *ret)
{
    skip_blank(r);
    *ret = (struct json){.type = JSON_NULL};
    return strchr(",]}", peek(r, 0)) && r->at < r->text.len ? 0 : read_flow(r, ret);
}

/* "[": items, of which "a: b" is an object of its own; "{": members. */
static int read_flow_collection(struct reader *r, struct json *ret)
{
    bool list = peek(r, 0) == '[';
    LIST(struct json) items = {0};
    LIST(struct json_member) members = {0};
    char closer = list ? ']' : '}';
    int e;

    for (r->at++;;) {
        struct json_member m = {.value = {.type = JSON_NULL}};
        struct json key;
        bool colon;

        skip_blank(r);
        if (peek(r, 0) == closer)
            break;
        if ((e = read_flow_item(r, &key, &colon)) < 0)
            return e;
        if ((colon || !list) && (e = key_of(r, &key, &m.key)) < 0)
            return e;
        if (colon && (e = read_flow_value(r, &m.value)) < 0)
            return e;
        if (list && colon) {
            key = (struct json){.type = JSON_OBJECT, .len = 1};
            key.members = arena_new_of(r->arena, struct json_member);
            key.members[0] = m;
        }
        if (list)
            list_push(r->arena, &items, key);
        else
            list_push(r->arena, &members, m);
        skip_blank(r);
        if (peek(r, 0) == ',')
            r->at++;
        else if (peek(r, 0) != closer)
            return fail(r, "did not find expected ',' or the end of the collection");
    }
    r->at++;
    *ret =
        list ? (struct json){.type = JSON_ARRAY, .len = (uint32_t)items.len, .items = items.at}
             : (struct json){
                   .type = JSON_OBJECT, .len = (uint32_t)members.len, .members = members.at};
    return 0;
}

static int read_flow_node(struct reader *r, struct json *ret)
{
    char c = peek(r, 0);

    if (c == '[' || c == '{')
        return read_flow_collection(r, ret);
    if (c == '"' || c == '\'')
        return read_quoted(r, ret);
    if (c == '*')
        return read_alias(r, ret);
    if (r->at >= r->text.len || strchr(",]}|>@`%", c))
        return fail(r, "did not find expected node content");
    *ret = read_plain(r, 0, true);
    return 0;
}

static int read_flow(struct reader *r, struct json *ret)
{
    struct properties p;
    int e;

    if (!count_node(r) || ++r->depth > YAML_DEPTH_MAX)
        return too_big(r);
    read_properties(r, &p);
    e = read_flow_node(r, ret);
    r->depth--;
    return e < 0 ? e : finish(r, &p, ret);
}

/*
 * Block collections
 */

static bool at_dash(const struct reader *r)
{
    return peek(r, 0) == '-' && ends(r, 1);
}

static int read_block_list(struct reader *r, size_t col, struct json *ret)
{
    LIST(struct json) items = {0};

    while (!at_end(r) && column(r) == col && at_dash(r)) {
        struct json v;
        int e;

        r->at++;
        e = read_block(r, col + 1, false, &v);
        if (e < 0)
            return e;
        list_push(r->arena, &items, v);
        skip_blank(r);
    }
    *ret = (struct json){.type = JSON_ARRAY, .len = (uint32_t)items.len, .items = items.at};
    return 0;
}

static int read_key(struct reader *r, struct str *ret)
{
    struct json v;
    int e = 0;

    if (peek(r, 0) == '"' || peek(r, 0) == '\'')
        e = read_quoted(r, &v);
    else
        v = json_of_str(plain_line(r, false));
    *ret = e < 0 ? (struct str){0} : v.text;
    skip_spaces(r);
    if (e == 0 && (peek(r, 0) != ':' || !ends(r, 1)))
        return fail(r, "could not find expected ':'");
    r->at++;
    return e;
}

/* A list may stand as deep as the key it belongs to. */
static int read_member(struct reader *r, size_t col, struct json *ret)
{
    struct reader ahead = *r;
    uint32_t line = r->line;

    skip_blank(&ahead);
    if (ahead.line != line && !at_end(&ahead) && column(&ahead) == col && at_dash(&ahead)) {
        *r = ahead;
        if (!count_node(r))
            return too_big(r);
        return read_block_list(r, col, ret);
    }
    return read_block(r, col + 1, true, ret);
}

static int read_block_map(struct reader *r, size_t col, struct json *ret)
{
    LIST(struct json_member) members = {0};

    while (!at_end(r) && column(r) == col && !at_dash(r)) {
        struct json_member m;
        int e = read_key(r, &m.key);

        if (e == 0)
            e = read_member(r, col, &m.value);
        if (e < 0)
            return e;
        list_push(r->arena, &members, m);
        skip_blank(r);
    }
    if (!at_end(r) && column(r) > col)
        return fail(r, "did not find expected key");
    *ret =
        (struct json){.type = JSON_OBJECT, .len = (uint32_t)members.len, .members = members.at};
    return 0;
}

static int read_block_node(struct reader *r, size_t min, bool in_line, struct json *ret)
{
    char c = peek(r, 0);

    if (c == '|' || c == '>')
        return read_block_scalar(r, min, ret);
    if (c == '?' && ends(r, 1))
        return fail(r, "complex keys are not supported");
    if (at_dash(r) || (c != '[' && c != '{' && c != '*' && key_follows(r))) {
        if (in_line)
            return fail(r, "mapping values are not allowed in this context");
        return at_dash(r) ? read_block_list(r, column(r), ret)
                          : read_block_map(r, column(r), ret);
    }
    if (c == '[' || c == '{')
        return read_flow_collection(r, ret);
    if (c == '*')
        return read_alias(r, ret);
    if (c == '"' || c == '\'')
        return read_quoted(r, ret);
    if (c && strchr("@`%,]}", c))
        return fail(r, "found character that cannot start any token");
    *ret = read_plain(r, min, false);
    return 0;
}

static int read_block(struct reader *r, size_t min, bool in_line, struct json *ret)
{
    uint32_t line = r->line;
    struct properties p;
    int e = 0;

    *ret = (struct json){.type = JSON_NULL};
    if (!count_node(r) || ++r->depth > YAML_DEPTH_MAX)
        return too_big(r);
    skip_blank(r);
    read_properties(r, &p);
    if (p.has_anchor || p.tag.len)
        skip_blank(r);
    if (!at_end(r) && column(r) >= min)
        e = read_block_node(r, min, in_line && r->line == line, ret);
    r->depth--;
    return e < 0 ? e : finish(r, &p, ret);
}

int yaml_parse(struct str text, struct arena *a, struct json **ret, struct err *e)
{
    struct reader r = {.text = text, .arena = a, .err = e};
    int code;

    *ret = arena_new_of(a, struct json);
    skip_blank(&r);
    if (at_marker(&r, "---"))
        r.at += 3;
    code = read_block(&r, 0, false, *ret);
    if (code < 0)
        return code;
    skip_blank(&r);
    if (at_marker(&r, "..."))
        r.at += 3;
    skip_blank(&r);
    return r.at < text.len ? fail(&r, "did not find expected end of the document") : 0;
}
