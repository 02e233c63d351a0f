#include "base/buf.h"
#include "base/err.h"
#include "lang/hcl.h"
#include "t.h"

/* Texts and ranges as Nomad's users see them (recorded from its API, input.hcl). */
static const struct {
    const char *text, *want;
} syntax[] = {
    /* clang-format off */
    {"job \"a\" {",
     "input.hcl:1,9-10: Unclosed configuration block; There is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file."},
    {"job \"a\" {\n",
     "input.hcl:1,9-10: Unclosed configuration block; There is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file."},
    {"job \"a\" {\n}\n}",
     "input.hcl:3,1-2: Argument or block definition required; An argument or block definition is required here."},
    {"job \"a\" }",
     "input.hcl:1,9-10: Invalid block definition; Either a quoted string block label or an opening brace (\"{\") is expected here."},
    {"job \"a\" {\n name = \"x\n}",
     "input.hcl:2,11-3,1: Invalid multi-line string; Quoted strings may not be split over multiple lines. To produce a multi-line string, either use the \\n escape to represent a newline character or use the \"heredoc\" multi-line template syntax., and 1 other diagnostic(s)"},
    {"job \"a\" {\n name = \"x",
     "input.hcl:2,11-11: Unterminated template string; No closing marker was found for the string."},
    {"job \"a\" {\n name = <<EOF\nabc\n}",
     "input.hcl:4,2-2: Unterminated template string; No closing marker was found for the string."},
    {"job \"a\" {\n name = <<EOF abc\nEOF\n}",
     "input.hcl:2,9-10: Invalid expression; Expected the start of an expression, but found an invalid expression token., and 1 other diagnostic(s)"},
    {"job \"a\" {\n name = 'x'\n}",
     "input.hcl:2,9-10: Invalid character; Single quotes are not valid. Use double quotes (\") to enclose strings., and 1 other diagnostic(s)"},
    {"job \"a\" {\n name = \"${\"\n}",
     "input.hcl:2,13-3,1: Invalid multi-line string; Quoted strings may not be split over multiple lines. To produce a multi-line string, either use the \\n escape to represent a newline character or use the \"heredoc\" multi-line template syntax., and 1 other diagnostic(s)"},
    {"job \"a\" {\n name = \"${1 +}\"\n}",
     "input.hcl:2,15-16: Invalid expression; Expected the start of an expression, but found an invalid expression token."},
    {"job \"a\" {\n name = \"${upper(\"x\"}\"\n}",
     "input.hcl:2,21-22: Missing argument separator; A comma is required to separate each function argument from the next."},
    {"job \"a\" {\n name = \"%{ if true }x\"\n}",
     "input.hcl:2,23-24: Unexpected end of template; The if directive at input.hcl:2,10-22 is missing its corresponding endif directive."},
    {"job \"a\" {\n name = \"%{ bogus }x\"\n}",
     "input.hcl:2,13-18: Invalid template control keyword; \"bogus\" is not a valid template control keyword."},
    {"job \"a\" {\n name = \"%{ endif }\"\n}",
     "input.hcl:2,10-20: Unexpected endif directive; The control directives within this template are unbalanced."},
    {"job \"a\" {\n name =\n}",
     "input.hcl:2,8-3,1: Invalid expression; Expected the start of an expression, but found an invalid expression token."},
    {"job \"a\" {\n name\n}",
     "input.hcl:2,2-6: Argument or block definition required; An argument or block definition is required here. To set an argument, use the equals sign \"=\" to introduce the argument value."},
    {"job \"a\" {\n name \"x\"\n}",
     "input.hcl:2,10-3,1: Invalid block definition; A block definition must have block content delimited by \"{\" and \"}\", starting on the same line as the block header."},
    {"job \"a\" {\n = \"x\"\n}",
     "input.hcl:2,2-3: Argument or block definition required; An argument or block definition is required here."},
    {"job \"a\" {\n name = \"a\" \"b\"\n}",
     "input.hcl:2,13-14: Missing newline after argument; An argument definition must end with a newline."},
    {"job \"a\" {\n datacenters = [\"a\"\n}",
     "input.hcl:3,1-2: Missing item separator; Expected a comma to mark the beginning of the next item."},
    {"job \"a\" {\n datacenters = [\"a\" \"b\"]\n}",
     "input.hcl:2,21-22: Missing item separator; Expected a comma to mark the beginning of the next item."},
    {"job \"a\" {\n datacenters = [,]\n}",
     "input.hcl:2,17-18: Invalid expression; Expected the start of an expression, but found an invalid expression token."},
    {"job \"a\" {\n meta = { a = 1 b = 2 }\n}",
     "input.hcl:2,17-18: Missing attribute separator; Expected a newline or comma to mark the beginning of the next attribute."},
    {"job \"a\" {\n meta = { a 1 }\n}",
     "input.hcl:2,13-14: Missing key/value separator; Expected an equals sign (\"=\") to mark the beginning of the attribute value."},
    {"job \"a\" {\n /* open\n}",
     "input.hcl:2,2-3: Argument or block definition required; An argument or block definition is required here."},
    {"job \"a\" {\n name = \"\\q\"\n}",
     "input.hcl:2,10-12: Invalid escape sequence; The symbol \"q\" is not a valid escape sequence selector."},
    {"job \"a\" {\n name = \"\\u12\"\n}",
     "input.hcl:2,10-14: Invalid escape sequence; The \\u escape sequence must be followed by four hexadecimal digits."},
    {"job \"a\" {\n name = 5 +\n}",
     "input.hcl:2,12-3,1: Invalid expression; Expected the start of an expression, but found an invalid expression token."},
    {"job \"a\" {\n name = (1\n}",
     "input.hcl:3,1-2: Unbalanced parentheses; Expected a closing parenthesis to terminate the expression."},
    {"job \"a\" {\n name = true ? 1\n}",
     "input.hcl:2,17-3,1: Missing false expression in conditional; The conditional operator (...?...:...) requires a false expression, delimited by a colon."},
    {"job \"a\" {\n name = a..b\n}",
     "input.hcl:2,11-12: Invalid attribute name; An attribute name is required after a dot."},
    {"job \"a\" {\n name = [for x : x]\n}",
     "input.hcl:2,16-17: Invalid 'for' expression; For expression requires the 'in' keyword after its name declarations."},
    {"job \"a\" {\n name = @\n}",
     "input.hcl:2,9-10: Invalid character; This character is not used within the language., and 1 other diagnostic(s)"},
    {"job \"a\" { name = \"x\" type = \"y\" }",
     "input.hcl:1,22-26: Invalid single-argument block definition; A single-line block definition must end with a closing brace immediately after its single argument definition."},
    {"job \"a\" { name = \"x\"\n}",
     "input.hcl:1,21-2,1: Invalid single-argument block definition; An argument definition on the same line as its containing block creates a single-line block definition, which must also be closed on the same line. Place the block's closing brace immediately after the argument definition."},
    {"job \"a\" { group \"g\" {} }",
     "input.hcl:1,11-18: Argument definition required; A single-line block definition can contain only a single argument. If you meant to define argument \"group\", use an equals sign to assign it a value. To define a nested block, place it on a line of its own within its parent block."},
    {"job \"a\"\n{\n}",
     "input.hcl:1,8-2,1: Invalid block definition; A block definition must have block content delimited by \"{\" and \"}\", starting on the same line as the block header."},
    {"job \"a\" {\n  name = \"\303\251${\"\n}",
     "input.hcl:2,15-3,1: Invalid multi-line string; Quoted strings may not be split over multiple lines. To produce a multi-line string, either use the \\n escape to represent a newline character or use the \"heredoc\" multi-line template syntax., and 1 other diagnostic(s)"},
    {"{",
     "input.hcl:1,2-2: Missing value; The JSON data ends prematurely., and 2 other diagnostic(s)"},
    {"{\"job\":",
     "input.hcl:1,8-8: Missing value; The JSON data ends prematurely., and 2 other diagnostic(s)"},
    {"[]",
     "input.hcl:1,1-2: Argument or block definition required; An argument or block definition is required here."},
    {"\"x\"",
     "input.hcl:1,1-2: Invalid argument name; Argument names must not be quoted."},
    {"# top\n// second\n/* block\n comment */\njob \"c\" { # tail\n  datacenters = [\"dc1\", /* in list */ \"dc2\", # end\n  ]\n  group \"g\" { // g\n   task \"t\" { driver = \"raw_exec\" /* x */ }\n  }\n}\n# end",
     ""},
    {"job\"x\"{group\"g\"{task\"t\"{driver=\"raw_exec\"}}}",
     "input.hcl:1,8-14: Argument definition required; A single-line block definition can contain only a single argument. If you meant to define argument \"group\", use an equals sign to assign it a value. To define a nested block, place it on a line of its own within its parent block."},
    {"\357\273\277job \"bom\" { group \"g\" { task \"t\" { driver = \"raw_exec\" } } }",
     "input.hcl:1,13-20: Argument definition required; A single-line block definition can contain only a single argument. If you meant to define argument \"group\", use an equals sign to assign it a value. To define a nested block, place it on a line of its own within its parent block."},
    {"job \"crlf\" {\r\n  type = \"batch\"\r\n  meta {\r\n a = \"b\"\r\n }\r\n  group \"g\" {\r\n task \"t\" {\r\n driver = \"raw_exec\"\r\n }\r\n }\r\n}\r\n",
     ""},
    {"job bare { group g { task t { driver = \"raw_exec\" } } }",
     "input.hcl:1,12-19: Argument definition required; A single-line block definition can contain only a single argument. If you meant to define argument \"group\", use an equals sign to assign it a value. To define a nested block, place it on a line of its own within its parent block."},
    {"job \"\346\227\245\346\234\254\" { meta { \"\320\272\320\273\321\216\321\207\" = \"\320\267\320\275\320\260\321\207\320\265\320\275\320\270\320\265\" } group \"gr\303\274p\" { task \"t\" { driver = \"raw_exec\" } } }",
     "input.hcl:1,12-18: Argument definition required; A single-line block definition can contain only a single argument. If you meant to define argument \"meta\", use an equals sign to assign it a value. To define a nested block, place it on a line of its own within its parent block."},
    {"job \"\346\227\245\346\234\254\" {\n meta {\n \"\320\272\320\273\321\216\321\207\" = \"\320\267\320\275\320\260\321\207\320\265\320\275\320\270\320\265\"\n \320\270\320\274\321\217 = \"x\"\n }\n group \"gr\303\274p\" {\n task \"t\" {\n driver = \"raw_exec\"\n }\n }\n}",
     "input.hcl:3,2-3: Invalid argument name; Argument names must not be quoted."},
    {"job \"x\" {\n meta { a = \"1\"; b = \"2\" }\n}",
     "input.hcl:2,16-17: Invalid character; The \";\" character is not valid. Use newlines to separate arguments and blocks, and commas to separate items in collection values., and 1 other diagnostic(s)"},
    {"job \"x\" {\n meta { a = \"1\", b = \"2\" }\n}",
     "input.hcl:2,16-17: Invalid single-argument block definition; Single-line block syntax can include only one argument definition. To define multiple arguments, use the multi-line block syntax with one argument definition per line."},
    {"job \"x\" {\n type = \"batch\" priority = 3\n}",
     "input.hcl:2,17-25: Missing newline after argument; An argument definition must end with a newline."},
    {"job \"a-b_c.d/e f\" {\n}",
     ""},
    {"job \"sp\\\"q\\u0041\" {\n}",
     ""},
    /* clang-format on */
};

static const char *text_of(const char *text, enum hcl_dialect dialect, struct arena *a)
{
    struct hcl_diags d = {.arena = a};
    struct hcl_body *b;
    int r = hcl_parse(str_of(text), "input.hcl", dialect, a, &b, &d);

    T_INT_EQ(r, d.list.len ? ERR_INVALID : 0);
    return hcl_diags_text(a, &d);
}

TEST(hcl2_syntax_errors_are_those_users_know)
{
    for (size_t i = 0; i < ARRAY_LEN(syntax); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(syntax[i].text);
        T_STR_EQ(text_of(syntax[i].text, HCL2, a), syntax[i].want);
    }
}

/* What the recordings do not show; one message per row, seen by its beginning. */
TEST(hcl2_other_mistakes_are_named_and_placed)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"a = [for : x]",
         "input.hcl:1,10-11: Invalid 'for' expression; For expression requires"},
        {"a = [for x, in y : x]", "input.hcl:1,16-17: Invalid 'for' expression; For expression "
                                  "requires the 'in'"},
        {"a = [for x in y x]", "input.hcl:1,17-18: Invalid 'for' expression; For expression "
                               "requires a colon"},
        {"a = [for x in y : x => x]", "Key expression is not valid when building a tuple."},
        {"a = {for x in y : x}", "Key expression is required when building an object."},
        {"a = [for x in y : x...]", "Grouping ellipsis (...) cannot be used"},
        {"a = [for x in y : x z]", "Extra characters after the end of the 'for' expression."},
        {"a = f(x...,)", "Missing closing parenthesis"},
        {"a = f(x", "Unterminated function call"},
        {"a = [1", "Unterminated tuple constructor expression"},
        {"a = {x = 1", "Unterminated object constructor expression"},
        {"a = {x,}", "Missing attribute value"},
        {"a = {x.y = 1}", "Ambiguous attribute key"},
        {"a = b[1", "Missing close bracket on index"},
        {"a = b[*", "Missing close bracket on splat index"},
        {"a = b.1e3", "Invalid legacy index syntax"},
        {"a = \"%{for x y}${x}%{endfor}\"", "For directive requires 'in' keyword after names."},
        {"a = \"%{if x}a%{endfor}\"",
         "Unexpected endfor directive; Expecting an endif directive"},
        {"a = \"%{if x}a%{else}b%{else}c%{endif}\"", "Already in the else clause"},
        {"a = \"%{if x y}a%{endif}\"", "Extra characters in if marker"},
        {"a = \"${x y}\"", "Extra characters after interpolation expression"},
        {"a = \"${x", "Unclosed template interpolation sequence"},
        {"a = \"%{5}\"", "Invalid template directive"},
        {"a = x ** 2", "Exponentiation is not supported"},
        {"a = x & y", "Did you mean boolean AND"},
        {"a = `x`", "To create a multi-line string"},
        {"a = \342\200\234x\342\200\235", "\"Curly quotes\" are not valid here."},
        {"a = \"\xff\"", ""},
        {"\xff = 1", "Invalid character encoding"},
        {"a \"b\" = 1", "The equals sign \"=\" indicates an argument definition"},
        {"a = 1,\n", "Unexpected comma after argument"},
        {"a = 1e2000", "Invalid number literal"},
        {"a \"x", "Unterminated string literal"},
        {"a \"\\", "Backslash must be followed"},
        {"a = \"\\U0001\"", "must be followed by eight hexadecimal digits"},
        {"{\"a\" 1}", "Missing property value colon"},
        {"{a: 1}", "Invalid object property name"},
        {"{\"a\": 1,}", "Trailing comma"},
        {"{\"a\": nope}", "Invalid JSON value"},
        {"{\"a\": \"\\q\"}", "Invalid JSON string"},
        {"{\"a\": \"x", "Invalid JSON string"},
        {"{} x", "Extraneous data after value"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].text);
        T_STR_HAS(text_of(rows[i].text, HCL2, a), rows[i].want);
    }
}

TEST(an_argument_set_twice_names_the_first_place)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_EQ(text_of("a = 1\nb = 2\na = 3\n", HCL2, a),
             "input.hcl:3,1-2: Attribute redefined; The argument \"a\" was already set at "
             "input.hcl:1,1-2. Each argument may be set only once.");
}

TEST(a_nul_is_a_character_like_any_other_wrong_one)
{
    auto_arena struct arena *a = arena_new(0);
    struct hcl_diags d = {.arena = a};
    struct hcl_body *b;

    T_INT_EQ(hcl_parse(STR("\0"), "input.hcl", HCL2, a, &b, &d), ERR_INVALID);
    T_STR_EQ(hcl_diags_text(a, &d),
             "input.hcl:1,1-2: Invalid character; This character is not used within the "
             "language., and 1 other diagnostic(s)");
}

TEST(what_a_hostile_file_may_cost_is_bounded)
{
    static const struct {
        const char *label, *first, *part, *last, *want;
        int n;
        enum hcl_dialect dialect;
    } rows[] = {
        {"blocks", "", "a {\n", "", "nested too deeply", 100000, HCL2},
        {"lists", "a = ", "[", "", "nested too deeply", 100000, HCL2},
        {"objects", "a = ", "{a=", "", "nested too deeply", 100000, HCL2},
        {"parentheses", "a = ", "(", "", "nested too deeply", 100000, HCL2},
        {"signs", "a = ", "-", "1", "nested too deeply", 100000, HCL2},
        {"steps", "a = x", ".a", "", "nested too deeply", 100000, HCL2},
        {"a chain", "a = 1", "+ 1", "", "nested too deeply", 100000, HCL2},
        {"indexes", "a = x", "[x", "", "nested too deeply", 100000, HCL2},
        {"calls", "a = ", "f(", "", "nested too deeply", 100000, HCL2},
        {"strings in strings", "a = ", "\"${", "", "nested too deeply", 100000, HCL2},
        {"directives", "a = \"", "%{if x}", "", "nested too deeply", 100000, HCL2},
        {"conditions", "a = ", "1 ? 1 : ", "1", "nested too deeply", 100000, HCL2},
        {"nodes", "a = [", "1,", "]", "more blocks, arguments", 300000, HCL2},
        {"tokens", "", "\n", "", "more tokens", 900000, HCL2},
        {"bytes", "", "          ", "", "At most", 500000, HCL2},
        {"small blocks", "", "a{}\n", "", "more blocks, arguments", 60000, HCL2},
        {"long numbers", "a = [", "1e999,", "]", "more blocks, arguments", 20000, HCL2},
        {"labels", "a ", "b ", "{}", "too many labels", 20, HCL2},
        {"JSON", "", "{\"a\":", "", "nested too deeply", 100000, HCL2},
        {"JSON items", "{\"a\":[", "1,", "1]}", "more blocks, arguments", 300000, HCL2},
        {"HCL1 blocks", "", "a {\n", "", "nested more than", 100000, HCL1},
        {"HCL1 lists", "a = ", "[", "", "nested more than", 100000, HCL1},
        {"HCL1 items", "", "a=1\n", "", "more than 200000 items", 300000, HCL1},
        {"JSON numbers", "{\"a\":[", "1e999,", "1]}", "more blocks, arguments", 20000, HCL2},
        {"HCL1 numbers", "a = [", "1e999,", "]", "more than 200000 items", 20000, HCL1},
        {"HCL1 labels", "", "a ", "{}", "more than 8 labels", 20, HCL1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf text = BUF_INIT(8 << 20);
        struct hcl_diags d = {.arena = a};
        struct hcl_body *b;

        T_ROW(rows[i].label);
        buf_puts(&text, rows[i].first);
        for (int k = 0; k < rows[i].n; k++)
            buf_puts(&text, rows[i].part);
        buf_puts(&text, rows[i].last);
        T_TRUE(hcl_parse(buf_str(&text), "x", rows[i].dialect, a, &b, &d) < 0);
        T_STR_HAS(hcl_diags_text(a, &d), rows[i].want);
        T_TRUE(arena_bytes(a) < (size_t)128 << 20);
    }
}
