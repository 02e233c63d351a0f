#include "cli/nomad/snippet.h"

#include <string.h>

#include "t.h"

/* What a job file's mistakes are shown as. */
static const char *shown(struct arena *a, const char *text, const char *file)
{
    struct hcl_diags d = {.arena = a, .dialect = HCL2};
    struct hcl_body *body = NULL;

    if (hcl_parse(str_of(text), "in.hcl", HCL2, a, &body, &d) == 0)
        list_each (&body->items, it)
            if (it->attr && str_starts(it->attr->name, STR("bad")))
                hcl_diag_add(&d, it->attr->name_at, "Unsupported argument", "%s", "");
    return snippets_text(a, &d, file, str_of(text));
}

TEST(the_line_of_a_mistake_is_shown_and_marked)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"none", "good = 1\n", ""},
        {"one", "good = 1\n  bad = 2\n", "\n    2 |   bad = 2\n      |   ^^^\n"},
        {"behind a tab", "\tbad = 2", "\n    1 |     bad = 2\n      |     ^^^\n"},
        {"two", "bad1 = 1\nbad2 = 2\n",
         "\n    1 | bad1 = 1\n      | ^^^^\n\n    2 | bad2 = 2\n      | ^^^^\n"},
        {"behind characters of several bytes", "/* \xC3\xA9\xE2\x82\xAC */ bad = 1",
         "\n    1 | /* \xC3\xA9\xE2\x82\xAC */ bad = 1\n      |          ^^^\n"},
        {"a terminal's codes", "bad = \"\x1b[31m\"",
         "\n    1 | bad = \"?[31m\"\n      | ^^^\n"},
        {"carriage return", "bad = 1\r\n", "\n    1 | bad = 1\n      | ^^^\n"},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        T_STR_EQ(shown(a, rows[i].text, "in.hcl"), rows[i].want);
        T_STR_EQ(shown(a, rows[i].text, "other.hcl"), "");
    }
    T_ROW("");
}

TEST(snippets_have_a_length_and_a_number)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(1 << 16);
    const char *text;
    size_t n = 0;

    buf_puts(&b, "bad = \"");
    for (int i = 0; i < SNIPPET_LINE_MAX * 2; i++)
        buf_putc(&b, 'x');
    buf_puts(&b, "\"\n");
    text = shown(a, buf_str(&b).p, "in.hcl");
    T_TRUE(strlen(text) < SNIPPET_LINE_MAX + 40);
    buf_reset(&b);
    for (int i = 0; i < SNIPPETS_MAX * 2; i++)
        buf_printf(&b, "bad%d = 1\n", i);
    for (text = shown(a, buf_str(&b).p, "in.hcl"); (text = strstr(text, "= 1")); text++)
        n++;
    T_INT_EQ(n, SNIPPETS_MAX);
}
