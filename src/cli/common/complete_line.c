#include "cli/common/complete_line.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/common/complete.h"

struct str comp_line_cut(struct str text, const char *point)
{
    uint64_t chars;
    size_t i = 0;

    if (!point || !str_to_u64(str_of(point), 10, &chars))
        return text;
    for (; chars > 0 && i < text.len; chars--) {
        size_t n = str_utf8_at(text, i);

        i += n ? n : 1;
    }
    return str_upto(text, i);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* One word from text[*at]; quotes and backslashes as a shell takes them. */
static void take_word(struct str text, size_t *at, struct buf *word)
{
    char quote = 0;

    for (; *at < text.len; (*at)++) {
        char c = text.p[*at];

        if (quote && c == quote) {
            quote = 0;
        } else if (!quote && (c == '"' || c == '\'')) {
            quote = c;
        } else if (!quote && is_blank(c)) {
            return;
        } else {
            if (c == '\\' && quote != '\'' && *at + 1 < text.len)
                c = text.p[++*at];
            buf_putc(word, c);
        }
    }
}

bool comp_line_split(struct arena *a, struct str text, struct comp_line *ret)
{
    size_t at = 0;

    *ret = (struct comp_line){.arena = a};
    if (text.len > COMPLETE_LINE_MAX)
        return false;
    for (;;) {
        auto_buf struct buf word = BUF_INIT(COMPLETE_LINE_MAX + 1);

        while (at < text.len && is_blank(text.p[at]))
            at++;
        if (ret->words.len == COMPLETE_WORDS_MAX)
            return false;
        list_push(a, &ret->starts, at);
        take_word(text, &at, &word);
        list_push(a, &ret->words, arena_cstr(a, buf_str(&word)));
        if (at >= text.len)
            return true;
    }
}

static bool is_assignment(const char *word)
{
    size_t name =
        strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

    return name > 0 && word[name] == '=';
}

bool comp_line_of_env(struct arena *a, struct comp_line *ret)
{
    struct str text = comp_line_cut(str_of(getenv("COMP_LINE")), getenv("COMP_POINT"));
    size_t skip = 0;

    if (!comp_line_split(a, text, ret))
        return false;
    while (skip < ret->words.len && is_assignment(ret->words.at[skip]))
        skip++;
    ret->words.at += skip;
    ret->starts.at += skip;
    ret->words.len -= skip;
    ret->starts.len -= skip;
    return ret->words.len > 1; /* the program's own name is the shell's to complete */
}
