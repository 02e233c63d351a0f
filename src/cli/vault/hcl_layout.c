#include "cli/vault/hcl_layout.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"

/* ---- words ------------------------------------------------------------------------------ */

enum word_type { WORD, PUNCT, COMMENT, END };

struct word {
    enum word_type type;
    struct str text;
    unsigned lines_before; /* line ends between the word before and this one */
};

struct words {
    LIST(struct word) list;
    size_t next;
};

static size_t string_length(struct str s) /* of a quoted string at its head; 0: not closed */
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            return i + 1;
    }
    return 0;
}

static size_t heredoc_length(struct str s)
{
    struct str rest = s, line, mark;

    str_split(&rest, '\n', &line);
    mark = str_trim(str_trim_chars(str_from(line, 2), "-"));
    while (str_split(&rest, '\n', &line))
        if (str_eq(str_trim(line), mark))
            return (size_t)(line.p - s.p) + line.len;
    return 0;
}

static size_t line_length(struct str s)
{
    ptrdiff_t end = str_chr(s, '\n');

    return end < 0 ? s.len : (size_t)end;
}

static size_t word_length(struct str s)
{
    size_t n = strcspn(s.p, " \t\r\n{}[]=,\"#");

    return n < s.len ? n : s.len;
}

/* The length of what stands at the head of `s`, and what it is. */
static size_t measure(struct str s, enum word_type *ret)
{
    ptrdiff_t end;

    *ret = WORD;
    if (strchr("{}[]=,", s.p[0])) {
        *ret = PUNCT;
        return 1;
    }
    if (s.p[0] == '"')
        return string_length(s);
    if (str_starts(s, STR("<<")))
        return heredoc_length(s);
    if (s.p[0] == '#' || str_starts(s, STR("//"))) {
        *ret = COMMENT;
        return line_length(s);
    }
    if (str_starts(s, STR("/*"))) {
        *ret = COMMENT;
        end = str_find(s, STR("*/"));
        return end < 0 ? 0 : (size_t)end + 2;
    }
    return word_length(s);
}

static int split_words(struct str text, struct arena *a, struct words *w, struct err *e)
{
    unsigned lines = 0;

    text = arena_str(a, text); /* NUL behind it */
    while (text.len > 0) {
        enum word_type type;
        size_t n;

        if (strchr(" \t\r\n", text.p[0])) {
            lines += text.p[0] == '\n';
            text = str_from(text, 1);
            continue;
        }
        n = measure(text, &type);
        if (n == 0)
            return err_set(e, ERR_INVALID, "a string or comment is not closed");
        list_push(a, &w->list, ((struct word){type, str_trim(str_upto(text, n)), lines}));
        text = str_from(text, n);
        lines = 0;
    }
    list_push(a, &w->list, ((struct word){.type = END, .lines_before = 1}));
    return 0;
}

static const struct word *peek(const struct words *w)
{
    return &w->list.at[w->next];
}

static bool at_punct(const struct words *w, char c)
{
    return peek(w)->type == PUNCT && peek(w)->text.p[0] == c;
}

static const struct word *take(struct words *w)
{
    const struct word *word = peek(w);

    if (word->type != END)
        w->next++;
    return word;
}

/* ---- layout ----------------------------------------------------------------------------- */

/* One line (or block) of a body, before its neighbours say in which column its '=' stands. */
struct item {
    const char *head;    /* key, or a block's words; NULL: a comment alone */
    const char *value;   /* NULL: a comment alone */
    const char *comment; /* behind it, or the whole item; NULL: none */
    bool is_assignment, has_lines, empty_line_before;
};

struct layout {
    struct arena *arena;
    struct words words;
    struct err *e;
};

typedef LIST(struct item) items_t;

static int read_body(struct layout *l, unsigned depth, const char **ret);

static const char *indent_of(struct layout *l, unsigned depth)
{
    return arena_printf(l->arena, "%*s", (int)depth * 2, "");
}

static int read_value(struct layout *l, unsigned depth, const char **ret);

/* Does the list that was just opened span lines? */
static bool list_has_lines(const struct words *w)
{
    unsigned open = 0;

    for (size_t i = w->next; w->list.at[i].type != END; i++) {
        const struct word *word = &w->list.at[i];

        if (word->lines_before > 0 || word->type == COMMENT)
            return true;
        if (word->type == PUNCT && word->text.p[0] == '[')
            open++;
        if (word->type == PUNCT && word->text.p[0] == ']' && open-- == 0)
            break;
    }
    return false;
}

/* The next element (or comment) of a list behind what is in `b`. */
static int read_element(struct layout *l, unsigned depth, bool lines, struct buf *b)
{
    bool is_comment = peek(&l->words)->type == COMMENT;
    const char *v;
    int r = 0;

    if (peek(&l->words)->type == END)
        return err_set(l->e, ERR_INVALID, "a list is not closed");
    if (is_comment)
        v = arena_cstr(l->arena, take(&l->words)->text);
    else
        r = read_value(l, lines ? depth + 1 : depth, &v);
    if (r < 0)
        return r;
    if (lines)
        buf_printf(b, "\n%s%s%s", indent_of(l, depth + 1), v, is_comment ? "" : ",");
    else
        buf_printf(b, "%s%s", b->len > 1 ? ", " : "", v);
    return 0;
}

/* On one line as it came, or an element a line. */
static int read_list(struct layout *l, unsigned depth, const char **ret)
{
    auto_buf struct buf b = BUF_INIT(HCL_LAYOUT_TEXT_MAX);
    bool lines = list_has_lines(&l->words);

    buf_putc(&b, '[');
    while (!at_punct(&l->words, ']')) {
        int r = 0;

        if (at_punct(&l->words, ','))
            take(&l->words);
        else
            r = read_element(l, depth, lines, &b);
        if (r < 0)
            return r;
    }
    take(&l->words);
    if (lines)
        buf_printf(&b, "\n%s", indent_of(l, depth));
    buf_putc(&b, ']');
    *ret = arena_cstr(l->arena, buf_str(&b));
    return buf_check(&b, "a list", l->e);
}

static int read_block(struct layout *l, unsigned depth, const char **ret)
{
    const char *body;
    int r;

    if (depth >= HCL_LAYOUT_DEPTH_MAX)
        return err_set(l->e, ERR_TOOBIG, "blocks nest deeper than %d", HCL_LAYOUT_DEPTH_MAX);
    r = read_body(l, depth + 1, &body);
    if (r < 0)
        return r;
    if (!at_punct(&l->words, '}'))
        return err_set(l->e, ERR_INVALID, "a block is not closed");
    take(&l->words);
    *ret = *body ? arena_printf(l->arena, "{\n%s%s}", body, indent_of(l, depth)) : "{}";
    return 0;
}

static int read_value(struct layout *l, unsigned depth, const char **ret)
{
    const struct word *w = take(&l->words);

    if (w->type == PUNCT && w->text.p[0] == '[') {
        if (depth >= HCL_LAYOUT_DEPTH_MAX)
            return err_set(l->e, ERR_TOOBIG, "lists nest deeper than %d", HCL_LAYOUT_DEPTH_MAX);
        return read_list(l, depth, ret);
    }
    if (w->type == PUNCT && w->text.p[0] == '{')
        return read_block(l, depth, ret);
    if (w->type != WORD)
        return err_set(l->e, ERR_INVALID, "a value is missing before '%.*s'", STR_ARG(w->text));
    *ret = arena_cstr(l->arena, w->text);
    return 0;
}

static int read_item(struct layout *l, unsigned depth, struct item *it)
{
    const struct word *first = take(&l->words);

    it->head = arena_cstr(l->arena, first->text);
    if (first->type != WORD)
        return err_set(l->e, ERR_INVALID, "'%s' is no name", it->head);
    while (peek(&l->words)->type == WORD) { /* the labels of a block */
        struct str label = take(&l->words)->text;

        it->head = arena_printf(l->arena, "%s %.*s", it->head, STR_ARG(label));
    }
    it->is_assignment = at_punct(&l->words, '=');
    if (it->is_assignment)
        take(&l->words);
    else if (!at_punct(&l->words, '{'))
        return err_set(l->e, ERR_INVALID, "'=' or '{' is missing behind '%s'", it->head);
    return read_value(l, depth, &it->value);
}

/* The column of '=' for the run of one-line assignments that item i is in. */
static size_t column_of(const items_t *items, size_t i)
{
    size_t from = i, column = 0;

    while (from > 0 && !items->at[from].empty_line_before &&
           items->at[from - 1].is_assignment && !items->at[from - 1].has_lines)
        from--;
    for (size_t k = from;
         k < items->len && items->at[k].is_assignment && !items->at[k].has_lines; k++) {
        if (k > from && items->at[k].empty_line_before)
            break;
        if (strlen(items->at[k].head) > column)
            column = strlen(items->at[k].head);
    }
    return column;
}

static const char *item_text(struct layout *l, const items_t *items, size_t i)
{
    const struct item *it = &items->at[i];
    const char *comment =
        it->comment ? arena_printf(l->arena, "%s%s", it->head ? " " : "", it->comment) : "";
    size_t column = it->is_assignment && !it->has_lines ? column_of(items, i) : 0;

    if (!it->head)
        return comment;
    return arena_printf(l->arena, "%-*s%s %s%s", (int)column, it->head,
                        it->is_assignment ? " =" : "", it->value, comment);
}

static int read_items(struct layout *l, unsigned depth, items_t *items)
{
    while (peek(&l->words)->type != END && !at_punct(&l->words, '}')) {
        struct item *it;
        unsigned lines = peek(&l->words)->lines_before;

        if (at_punct(&l->words, ',')) {
            take(&l->words);
            continue;
        }
        if (peek(&l->words)->type == COMMENT && lines == 0 && items->len > 0 &&
            !items->at[items->len - 1].comment) {
            items->at[items->len - 1].comment = arena_cstr(l->arena, take(&l->words)->text);
            continue;
        }
        it = list_add(l->arena, items);
        it->empty_line_before = lines > 1 && items->len > 1;
        if (peek(&l->words)->type == COMMENT)
            it->comment = arena_cstr(l->arena, take(&l->words)->text);
        else if (read_item(l, depth, it) < 0)
            return l->e ? l->e->code : ERR_INVALID;
        it->has_lines = it->value && strchr(it->value, '\n');
    }
    return 0;
}

/* An empty line stands around whatever has several lines; a comment belongs to what follows. */
static bool needs_empty_line(const items_t *items, size_t i)
{
    if (i == 0)
        return false;
    if (items->at[i].empty_line_before || items->at[i - 1].has_lines)
        return true;
    return items->at[i].has_lines && items->at[i - 1].head;
}

static int read_body(struct layout *l, unsigned depth, const char **ret)
{
    auto_buf struct buf b = BUF_INIT(HCL_LAYOUT_TEXT_MAX);
    items_t items = {0};
    int r = read_items(l, depth, &items);

    if (r < 0)
        return r;
    for (size_t i = 0; i < items.len; i++)
        buf_printf(&b, "%s%s%s\n", needs_empty_line(&items, i) ? "\n" : "", indent_of(l, depth),
                   item_text(l, &items, i));
    *ret = arena_cstr(l->arena, buf_str(&b));
    return buf_check(&b, "a block", l->e);
}

int hcl_layout(struct str text, struct buf *out, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct err own = ERR_INIT;
    struct layout l = {.arena = a, .e = e ? e : &own};
    const char *body;
    int r = split_words(text, a, &l.words, l.e);

    if (r == 0)
        r = read_body(&l, 0, &body);
    if (r < 0)
        return r;
    if (peek(&l.words)->type != END)
        return err_set(l.e, ERR_INVALID, "a '}' too many");
    buf_puts(out, body);
    return buf_check(out, "the formatted text", l.e);
}
