#include "t.h"
#include "base/err.h"
#include "lang/hcl_format.h"

enum { OUT_MAX = 1 << 20 };

static const struct {
    const char *label, *text, *want;
} rows[] = {
    /* clang-format off */
    {"nothing", "", ""},
    {"empty lines stay", "\n\na = 1\n\n\n", "\n\na = 1\n\n\n"},
    {"no newline at the end stays away", "a=1", "a = 1"},
    {"blocks are indented by two",
     "job \"x\" {\n type=\"batch\"\n\tmeta {\na=\"b\"\n  }\n  }\n",
     "job \"x\" {\n  type = \"batch\"\n  meta {\n    a = \"b\"\n  }\n}\n"},
    {"the = of lines that follow each other stand in a column",
     "a = 1\nbbb = 2\n\ncc = 3\n", "a   = 1\nbbb = 2\n\ncc = 3\n"},
    {"a block ends the column", "a = 1\nbb {\n}\nccc = 2\nd = 3\n",
     "a = 1\nbb {\n}\nccc = 2\nd   = 3\n"},
    {"a value of several lines stands in no column", "a = {\nbbbb = 1\n}\ncc = 2\n",
     "a = {\n  bbbb = 1\n}\ncc = 2\n"},
    {"columns count characters", "\xc3\xa4 = 1\nbb = 2\n", "\xc3\xa4  = 1\nbb = 2\n"},
    {"comments behind lines stand in a column",
     "a = 1 # x\nbbb = \"long\"   # y\nc = 1\nd = 2 // z\n",
     "a   = 1      # x\nbbb = \"long\" # y\nc   = 1\nd   = 2 // z\n"},
    {"a comment alone is indented", "a {\n# x\n      // y\nb = 1\n}\n",
     "a {\n  # x\n  // y\n  b = 1\n}\n"},
    {"a comment at the very end", "a = 1\n   # x", "a = 1\n# x"},
    {"a comment within a line", "a = [ /* x */ 1 ,  /* y */2]\n", "a = [/* x */ 1, /* y */ 2]\n"},
    {"a comment of several lines is left as it is", "/* a\n     b */\nc  =  1\n",
     "/* a\n     b */\nc = 1\n"},
    {"lists", "a = [ 1,2 ,3 ]\nb = [\n1,\n2,\n]\n", "a = [1, 2, 3]\nb = [\n  1,\n  2,\n]\n"},
    {"objects", "a = {b=1,c = 2}\nd = { }\ne = {f : 1}\n",
     "a = { b = 1, c = 2 }\nd = {}\ne = { f : 1 }\n"},
    {"a block of one line", "a \"b\" {c=1}\nd {}\n", "a \"b\" { c = 1 }\nd {}\n"},
    {"lists of objects open one level", "a = [{\nb = 1\n}]\n", "a = [{\n  b = 1\n}]\n"},
    {"calls", "a = foo ( 1,bar( ) , x ... )\n", "a = foo(1, bar(), x...)\n"},
    {"operators", "a = 1+2*3-4 ==  5&&!b||c\nd = a?b:c\n",
     "a = 1 + 2 * 3 - 4 == 5 && !b || c\nd = a ? b : c\n"},
    {"a sign is no minus", "a = - 1\nb = [ -1, - c ]\nd = (- 1)\ne = f - 1\ng = 2 * - 3\n",
     "a = -1\nb = [-1, -c]\nd = (-1)\ne = f - 1\ng = 2 * -3\n"},
    {"traversals", "a = b . c [ 0 ] . d\ne = f() [0]\ng = h . * . i\nj = k[ * ].l\n",
     "a = b.c[0].d\ne = f()[0]\ng = h.*.i\nj = k[*].l\n"},
    {"dots between numbers keep their blank", "a = [b.0 .1, 5 .c]\n", "a = [b.0 .1, 5 .c]\n"},
    {"for", "a = [for k,v in [1]: v if k]\nb = {for k in c: k=>1...}\n",
     "a = [for k, v in [1] : v if k]\nb = { for k in c : k => 1... }\n"},
    {"templates", "a = \"x ${ b . c }  y ${~ d ~} %{ if e }f%{ endif }\"\n",
     "a = \"x ${b.c}  y ${~d~} %{if e}f%{endif}\"\n"},
    {"an object in a template", "a = \"${ { b = 1 } }\"\n", "a = \"${ { b = 1 } }\"\n"},
    {"heredocs are left as they are",
     "a {\nb = <<-EOT\n     x  ${  y }\n  EOT\nccc = 1\n}\n",
     "a {\n  b = <<-EOT\n     x  ${  y }\n  EOT\n  ccc = 1\n}\n"},
    {"a heredoc stands in the column of those before it", "aaa = 1\nb = <<X\nX\nc = 1\n",
     "aaa = 1\nb   = <<X\nX\nc = 1\n"},
    {"a heredoc in a call", "a = f(<<X\n  y\nX\n  , 2)\n", "a = f(<<X\n  y\nX\n, 2)\n"},
    {"line ends of Windows stay", "a=1 # x\r\nbb=2\r\n", "a  = 1 # x\r\nbb = 2\r\n"},
    {"a byte order mark stays", "\xef\xbb\xbf" "a=1\n", "\xef\xbb\xbf" "a = 1\n"},
    {"blanks at the end of lines go", "a = 1  \n\t\nb {  \n}\n", "a = 1\n\nb {\n}\n"},
    /* clang-format on */
};

TEST(text_gets_the_usual_layout_and_keeps_it)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf once = BUF_INIT(OUT_MAX), twice = BUF_INIT(OUT_MAX);
        struct hcl_diags d = {.arena = a};

        T_ROW(rows[i].label);
        if (hcl_format(str_of(rows[i].text), "f", &d, &once) < 0)
            t_fail(__FILE__, __LINE__, "%s", hcl_diags_text(a, &d));
        T_STRN_EQ(buf_str(&once), str_of(rows[i].want));
        T_INT_EQ(hcl_format(buf_str(&once), "f", &d, &twice), 0);
        T_STRN_EQ(buf_str(&twice), buf_str(&once));
    }
    T_ROW("");
}

TEST(what_does_not_parse_is_not_laid_out)
{
    static const struct {
        const char *label, *text, *want;
    } bad[] = {
        {"an open block", "a {\n", "f:1"},
        {"no value", "a =\n", "f:1,4"},
        {"an open string", "a = \"b\n", "f:1"},
        {"JSON", "{\"a\": 1}", "own syntax only"},
        {"JSON behind a mark", "\xef\xbb\xbf {\"a\": 1}", "own syntax only"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf out = BUF_INIT(OUT_MAX);
        struct hcl_diags d = {.arena = a};

        T_ROW(bad[i].label);
        T_INT_EQ(hcl_format(str_of(bad[i].text), "f", &d, &out), ERR_INVALID);
        T_INT_EQ(out.len, 0);
        T_STR_HAS(hcl_diags_text(a, &d), bad[i].want);
    }
    T_ROW("");
}

TEST(a_layout_larger_than_its_buffer_is_refused)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf out = BUF_INIT(16);
    struct hcl_diags d = {.arena = a};

    T_INT_EQ(hcl_format(STR("a {\nb {\nc {\nd {\n}\n}\n}\n}\n"), "f", &d, &out), ERR_TOOBIG);
    T_STR_HAS(hcl_diags_text(a, &d), "16 bytes");
}
