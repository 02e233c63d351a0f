#include "cli/vault/hcl_layout.h"

#include "t.h"

enum { TEXT_MAX = 1 << 16 };

TEST(a_file_gets_the_usual_layout)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"blocks",
         "path \"x\"   {capabilities=[\"read\",\"list\"]\n}\n"
         "path \"y\" {\n   capabilities = [\"deny\"]   # c\n}\n",
         "path \"x\" {\n  capabilities = [\"read\", \"list\"]\n}\n\n"
         "path \"y\" {\n  capabilities = [\"deny\"] # c\n}\n"},
        {"equal signs of neighbours stand in a column", "a=1\nlong = 2\n\nb=3",
         "a    = 1\nlong = 2\n\nb = 3\n"},
        {"comments stay where they are", "# top\n\na = 1 // why\n/* two\nlines */\nb=2\n",
         "# top\n\na = 1 // why\n/* two\nlines */\nb = 2\n"},
        {"a list over several lines", "a = [1,\n 2 ]", "a = [\n  1,\n  2,\n]\n"},
        {"braces and marks in a string are text", "a = \"{ # ] \\\" =\"",
         "a = \"{ # ] \\\" =\"\n"},
        {"an empty block", "path \"x\" { }", "path \"x\" {}\n"},
        {"a heredoc as it is", "a = <<EOT\n  x {\nEOT\n", "a = <<EOT\n  x {\nEOT\n"},
        {"nothing", " \n", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf once = BUF_INIT(TEXT_MAX), twice = BUF_INIT(TEXT_MAX);
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_OK(hcl_layout(str_of(rows[i].text), &once, &e), &e);
        T_STRN_EQ(buf_str(&once), str_of(rows[i].want));
        T_OK(hcl_layout(buf_str(&once), &twice, &e), &e);
        T_STRN_EQ(buf_str(&twice), buf_str(&once)); /* and keeps it */
    }
}

TEST(what_is_no_hcl_is_refused_in_words)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"open string", "a = \"x", "not closed"},
        {"open comment", "/* x", "not closed"},
        {"open heredoc", "a = <<X\nb", "not closed"},
        {"open list", "a = [1", "not closed"},
        {"open block", "a {", "not closed"},
        {"a brace too many", "}", "too many"},
        {"no value", "a = }", "a value is missing"},
        {"no name", "= 1", "is no name"},
        {"no equal sign", "a", "'=' or '{' is missing"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf b = BUF_INIT(TEXT_MAX);
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_INT_EQ(hcl_layout(str_of(rows[i].text), &b, &e), ERR_INVALID);
        T_STR_HAS(e.msg, rows[i].want);
    }
}

TEST(nesting_has_a_maximum)
{
    auto_buf struct buf text = BUF_INIT(TEXT_MAX), out = BUF_INIT(TEXT_MAX);
    struct err e = ERR_INIT;

    for (int i = 0; i <= HCL_LAYOUT_DEPTH_MAX; i++)
        buf_puts(&text, "a {");
    T_INT_EQ(hcl_layout(buf_str(&text), &out, &e), ERR_TOOBIG);
    buf_reset(&text);
    buf_puts(&text, "a = ");
    for (int i = 0; i < HCL_LAYOUT_DEPTH_MAX * 2; i++)
        buf_puts(&text, "[");
    T_TRUE(hcl_layout(buf_str(&text), &out, &e) < 0);
}
