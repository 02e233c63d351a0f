#include "base/err.h"
#include "lang/hcl_funcs.h"
#include "t.h"

/* Functions of the tests' own: what calling is. The library has tests of its own. */
static struct json *fn_join(const struct hcl_func_call *c)
{
    const char *s = "";

    for (size_t i = 0; i < c->n_args; i++)
        s = arena_printf(c->arena, "%s%.*s", s, STR_ARG(c->args[i]->text));
    return hcl_result(c, json_of_str(str_of(s)));
}

static struct json *fn_one(const struct hcl_func_call *c)
{
    return hcl_call_failed(c, "it always does");
}

static const struct hcl_function own[] = {
    {"join", fn_join, .rest = {"items", HCL_STRING}},
    {"fails", fn_one, {{"str", HCL_ANY}}},
};

static const char *evaluate(const char *expr, unsigned flags, struct hcl_budget *budget,
                            struct arena *a)
{
    static const char vars_text[] =
        "{\"n\":3,\"s\":\"str\",\"l\":[\"a\",\"b\"],\"o\":{\"k\":\"v\",\"a b\":2},\"nil\":null,"
        "\"os\":[{\"n\":1},{\"n\":2}]}";
    struct hcl_diags d = {.arena = a};
    struct map funcs = MAP_INIT;
    struct hcl_eval_ctx ctx = {.funcs = &funcs, .flags = flags, .budget = budget};
    auto_buf struct buf out = BUF_INIT(1 << 20);
    const char *text = arena_printf(a, "x = %s\n", expr);
    struct hcl_body *b;
    struct json *v;

    T_INT_EQ(json_parse(str_of(vars_text), NULL, 0, a, &ctx.vars, NULL), 0);
    if (hcl_parse(str_of(text), "t", HCL2, a, &b, &d) < 0)
        return hcl_diags_text(a, &d);
    hcl_funcs_add_rows(&funcs, own, ARRAY_LEN(own));
    v = hcl_eval(hcl_attr(b, "x")->expr, &ctx, a, &d);
    map_done(&funcs);
    if (!v || d.list.len > 0)
        return hcl_diags_text(a, &d);
    json_print(&out, v, NULL);
    return arena_cstr(a, buf_str(&out));
}

static const struct {
    const char *expr, *want;
} values[] = {
    /* numbers */
    {"1 + 2 * 3", "7"},
    {"(1 + 2) * 3", "9"},
    {"7 - 10", "-3"},
    {"10 / 4", "2.5"},
    {"10 % 3", "1"},
    {"-7 % 3", "-1"},
    {"5.50", "5.5"},
    {"007", "7"},
    {"1e3", "1000"},
    {"1e-3", "0.001"},
    {"0.1 + 0.2", "0.3"},
    {"2 * 0.1", "0.2"},
    {"1 / 8", "0.125"},
    {"10 / 3",
     "3.3333333333333333333333333333333333333333333333333333333333333333333333333333333"
     "333333333333333333333333333333333333333333333333333333333333333333333333332"},
    {"12345678901234567890123 + 1", "12345678901234567890124"},
    {"9007199254740993 * 9007199254740993", "81129638414606699710187514626049"},
    {"9223372036854775807 + 1", "9223372036854775808"},
    {"-9223372036854775807 - 5", "-9223372036854775812"},
    {"123456789.125 - 123456789", "0.125"},
    {"1e100 / 1e99", "10"},
    {"1 / 0", "\"+Inf\""},
    {"-1 / 0", "\"-Inf\""},
    {"-(-n)", "3"},
    {"\"5\" + 1", "6"},
    /* comparison and logic */
    {"1 == 1.0", "true"},
    {"1 == \"1\"", "false"},
    {"[1, 2] == [1, 2]", "true"},
    {"{a = 1} == {a = 2}", "false"},
    {"null == null", "true"},
    {"nil != null", "false"},
    {"1 < 2 && 2 <= 2 || false", "true"},
    {"!true || 3 > 2", "true"},
    {"2 >= 3", "false"},
    {"0.1 < 0.2", "true"},
    {"-1 < -0.5", "true"},
    /* conditions */
    {"n == 3 ? \"t\" : \"f\"", "\"t\""},
    {"true ? 1 : \"x\"", "\"1\""},
    {"false ? 1 : null", "null"},
    {"nil == null ? \"none\" : nil.x", "\"none\""},
    {"true ? false ? 1 : 2 : 3", "2"},
    /* collections */
    {"[1, \"a\", null, [2],]", "[1,\"a\",null,[2]]"},
    {"{b = 1, \"a c\" : 2, (s) = 3, true = 4}", "{\"a c\":2,\"b\":1,\"str\":3,\"true\":4}"},
    {"{a = 1\n b = 2\n}", "{\"a\":1,\"b\":2}"},
    {"{a = 1, a = 2}", "{\"a\":2}"},
    {"l[1]", "\"b\""},
    {"l[\"1\"]", "\"b\""},
    {"l.1", "\"b\""},
    {"[[1, 2], [3]].0.1", "2"},
    {"o.k", "\"v\""},
    {"o[\"a b\"]", "2"},
    {"os[*].n", "[1,2]"},
    {"os.*.n", "[1,2]"},
    {"os[*][\"n\"]", "[1,2]"},
    {"o[*].k", "[\"v\"]"},
    {"nil[*].k", "[]"},
    {"os.*.n[0]", "1"},
    /* for */
    {"[for x in l : \"${x}!\"]", "[\"a!\",\"b!\"]"},
    {"[for i, x in l : \"${i}${x}\"]", "[\"0a\",\"1b\"]"},
    {"[for k, v in {z = 1, a = 2} : k]", "[\"a\",\"z\"]"},
    {"[for x in [1, 2, 3, 4] : x if x % 2 == 0]", "[2,4]"},
    {"{for x in os : x.n => x}", "{\"1\":{\"n\":1},\"2\":{\"n\":2}}"},
    {"{for x in [1, 2, 3] : x % 2 => x...}", "{\"0\":[2],\"1\":[1,3]}"},
    {"[for x in [[1, 2], [3]] : [for y in x : y * n]]", "[[3,6],[9]]"},
    {"{for x in [3, 1, 2] : x => x}", "{\"1\":1,\"2\":2,\"3\":3}"},
    /* templates */
    {"\"a ${n} b\"", "\"a 3 b\""},
    {"\"${n}\"", "3"},
    {"\"${l}\"", "[\"a\",\"b\"]"},
    {"\"$${n} %%{n} $n 100%\"", "\"${n} %{n} $n 100%\""},
    {"\"a\\tb\\n\\\"\\\\ \\u00e9\\U0001F600\"",
     "\"a\\tb\\n\\\"\\\\ \303\251\360\237\230\200\""},
    {"\"a ${~ \"trim\" ~} b\"", "\"atrimb\""},
    {"\"%{ if n == 3 }yes%{ else }no%{ endif }\"", "\"yes\""},
    {"\"%{ if false }yes%{ endif }\"", "\"\""},
    {"\"%{ for x in l }${x};%{ endfor }\"", "\"a;b;\""},
    {"\"%{ for i, x in l ~} ${i}=${x} %{ endfor ~}\"", "\"0=a 1=b \""},
    {"\"${\"in ${\"side\"}\"}\"", "\"in side\""},
    {"\"${true} ${1.50}\"", "\"true 1.5\""},
    {"<<EOF\nplain\n  in ${1 + 1} \\n $${x}\nEOF", "\"plain\\n  in 2 \\\\n ${x}\\n\""},
    {"<<EOF\nEOF", "\"\""},
    {"<<-EOF\n    four\n      six\n\n    four ${n}\n  EOF", "\"four\\n  six\\n\\nfour 3\\n\""},
    {"<<-EOF\n  a\n${n}\n  EOF", "\"  a\\n3\\n\""},
    {"<<EOF\n%{ for x in l ~}\nitem ${x}\n%{ endfor ~}\nend\nEOF",
     "\"item a\\nitem b\\nend\\n\""},
    {"[<<EOF\nx\nEOF\n, 1]", "[\"x\\n\",1]"},
    /* calls */
    {"join(\"a\", 1, true)", "\"a1true\""},
    {"join([\"a\", \"b\"]...)", "\"ab\""},
    {"join(\"x\", l...)", "\"xab\""},
    {"join(\n1,\n2,\n)", "\"12\""},
    {"try(o.nope, \"d\")", "\"d\""},
    {"can(o.nope)", "false"},
    {"can(o.k)", "true"},
};

TEST(expressions_have_the_values_of_the_language)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(values[i].expr);
        T_STR_EQ(evaluate(values[i].expr, 0, NULL, a), values[i].want);
    }
}

TEST(expressions_that_fail_say_where_and_why)
{
    static const struct {
        const char *expr, *want;
    } rows[] = {
        {"o.nope", "t:1,6-11: Unsupported attribute; This object does not have an attribute "
                   "named \"nope\"."},
        {"s.b", "t:1,6-8: Unsupported attribute; Can't access attributes on a primitive-typed "
                "value (string)."},
        {"nil.b", "t:1,8-10: Attempt to get attribute from null value; This value is null, so "
                  "it does not have any attributes."},
        {"l.b", "t:1,6-8: Unsupported attribute; This value does not have any attributes."},
        {"[\"a\"][3]",
         "t:1,10-13: Invalid index; The given key does not identify an element in "
         "this collection value."},
        {"{a = 1}[\"b\"]",
         "t:1,12-17: Invalid index; The given key does not identify an element "
         "in this collection value."},
        {"n[0]", "Invalid index; This value does not have any indices."},
        {"nil[0]", "Attempt to index null value"},
        {"l[nil]", "Can't use a null value as an indexing key."},
        {"l[\"x\"]", "number required."},
        {"o[[]]", "string required."},
        {"1 + \"a\"", "t:1,9-12: Invalid operand; Unsuitable value for right operand: a number "
                      "is required."},
        {"!\"x\"", "t:1,6-9: Invalid operand; Unsuitable value for unary operand: a bool is "
                   "required."},
        {"1 + nil", "Operation failed; Error during operation: argument must not be null."},
        {"0 / 0", "can't divide zero by zero"},
        {"1e900 * 1e900", "the result is too large"},
        {"true ? 1 : [2]",
         "t:1,12-19: Inconsistent conditional result types; The true and false result "
         "expressions must have consistent types. The 'true' value is number, but the 'false' "
         "value is tuple."},
        {"\"x\" ? 1 : 2", "t:1,5-8: Incorrect condition type; The condition expression must be "
                          "of type bool."},
        {"nil ? 1 : 2", "Null condition"},
        {"\"a${[1]}\"", "t:1,9-12: Invalid template interpolation value; Cannot include the "
                        "given value in a string template: string required."},
        {"\"a${null}\"",
         "t:1,9-13: Invalid template interpolation value; The expression result "
         "is null. Cannot include a null value in a string template."},
        {"[for x in 5 : x]", "t:1,15-16: Iteration over non-iterable value; A value of type "
                             "number cannot be used as the collection in a 'for' expression."},
        {"[for x in nil : x]", "Iteration over null value"},
        {"[for x in l : x if nil]", "Condition is null"},
        {"[for x in l : x if []]", "Invalid 'for' condition"},
        {"{for x in [\"a\", \"a\"] : x => x}",
         "t:1,28-29: Duplicate object key; Two different items produced the key \"a\" in this "
         "'for' expression. If duplicates are expected, use the ellipsis (...) after the value "
         "expression to enable grouping by key."},
        {"{(nil) = 1}", "Null value as key"},
        {"{([]) = 1}", "Incorrect key type"},
        {"nosuch(\"x\")", "t:1,5-11: Call to unknown function; There is no function named "
                          "\"nosuch\"."},
        {"fails()", "t:1,11-12: Not enough function arguments; Function \"fails\" expects 1 "
                    "argument(s). Missing value for \"str\"."},
        {"fails(\"a\", \"b\")", "t:1,17-18: Too many function arguments; Function \"fails\" "
                                "expects only 1 argument(s)."},
        {"fails(1)", "t:1,5-11: Error in function call; Call to function \"fails\" failed: it "
                     "always does."},
        {"join([])", "t:1,10-11: Invalid function argument; Invalid value for \"items\" "
                     "parameter: string required."},
        {"join(1...)", "must be of a tuple, list, or set type."},
        {"try(o.nope)", "Call to function \"try\" failed: no expression succeeded."},
        {"[o.x, o.y]", "named \"x\".\nt:1,12-14: Unsupported attribute"},
        {"nosuch", "t:1,5-11: Unknown variable; There is no variable named \"nosuch\"."},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].expr);
        T_STR_HAS(evaluate(rows[i].expr, 0, NULL, a), rows[i].want);
    }
}

TEST(names_known_only_at_run_time_stay_as_written)
{
    static const struct {
        const char *expr, *want;
    } rows[] = {
        {"\"${NOMAD_PORT_http}\"", "\"${NOMAD_PORT_http}\""},
        {"NOMAD_TASK_DIR", "\"${NOMAD_TASK_DIR}\""},
        {"attr.cpu.arch", "\"${attr.cpu.arch}\""},
        {"\"x ${env[\"HOME\"]} z\"", "\"x ${env[\\\"HOME\\\"]} z\""},
        {"\"${ NOMAD_IP_x }\"", "\"${ NOMAD_IP_x }\""},
        {"\"${NOMAD_ALLOC_INDEX}${1 + 1}\"", "\"${NOMAD_ALLOC_INDEX}2\""},
        {"\"${NOMAD_X == \"1\" ? \"a\" : \"b\"}\"", "\"b\""},
        {"join(NOMAD_X, \"/\")", "\"${NOMAD_X}/\""},
        {"\"$${meta.${s}}\"", "\"${meta.str}\""},
        {"o.nope", "Unsupported attribute"},
        {"attr.x + 1", "t:1,5-11: Invalid operand"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].expr);
        T_STR_HAS(evaluate(rows[i].expr, HCL_EVAL_RUNTIME, NULL, a), rows[i].want);
    }
}

TEST(without_names_and_functions_none_may_be_used)
{
    auto_arena struct arena *a = arena_new(0);
    struct hcl_diags d = {.arena = a};
    struct hcl_body *b;

    T_INT_EQ(hcl_parse(STR("a = var.b\nc = f()\n"), "t", HCL2, a, &b, &d), 0);
    T_TRUE(hcl_body_to_json(b, NULL, a, &d) == NULL);
    T_STR_EQ(hcl_diags_text(a, &d),
             "t:1,5-8: Variables not allowed; Variables may not be used here.\n"
             "t:2,5-6: Function calls not allowed; Functions may not be called here.");
}

TEST(an_expression_that_costs_too_much_is_named)
{
    static const struct {
        const char *label, *expr;
    } rows[] = {
        {"loops",
         "[for a in [1,2,3,4,5,6,7,8,9,10] : [for b in [1,2,3,4,5,6,7,8,9,10] : [for c "
         "in [1,2,3,4,5,6,7,8,9,10] : [for d in [1,2,3,4,5,6,7,8,9,10] : [for e in "
         "[1,2,3,4,5,6,7,8,9,10] : [for f in [1,2,3,4,5,6,7,8,9,10] : f]]]]]]"},
        {"a value many times",
         "[for a in [[l,l,l,l,l,l,l,l]] : [for b in [[a,a,a,a,a,a,a,a]] : "
         "[for c in [[b,b,b,b,b,b,b,b]] : [for d in [[c,c,c,c,c,c,c,c]] : "
         "[for e in [[d,d,d,d,d,d,d,d]] : [for f in [[e,e,e,e,e,e,e,e]] : "
         "[f,f,f,f,f,f,f,f]]]]]]]"},
        {"text that doubles", "[for a in [\"xxxxxxxxxxxxxxxx\"] : [for b in "
                              "[\"${a}${a}${a}${a}${a}${a}${a}${a}\"] : "
                              "[for c in [\"${b}${b}${b}${b}${b}${b}${b}${b}\"] : [for d in "
                              "[\"${c}${c}${c}${c}${c}${c}${c}${c}\"] : [for e in "
                              "[\"${d}${d}${d}${d}${d}${d}${d}${d}\"] : [for f in "
                              "[\"${e}${e}${e}${e}${e}${e}${e}${e}\"] : [for g in "
                              "[\"${f}${f}${f}${f}${f}${f}${f}${f}\"] : [for h in "
                              "[\"${g}${g}${g}${g}${g}${g}${g}${g}\"] : h]]]]]]]]"},
        {"behind try",
         "try([for a in [1,2,3,4,5,6,7,8,9,10] : [for b in [1,2,3,4,5,6,7,8,9,10] "
         ": [for c in [1,2,3,4,5,6,7,8,9,10] : [for d in [1,2,3,4,5,6,7,8,9,10] : "
         "[for e in [1,2,3,4,5,6,7,8,9,10] : [for f in [1,2,3,4,5,6,7,8,9,10] : "
         "f]]]]]], 1)"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].label);
        T_STR_HAS(evaluate(rows[i].expr, 0, NULL, a),
                  "Expression too expensive; Evaluating \"");
    }
}

TEST(a_budget_is_shared_by_several_expressions)
{
    auto_arena struct arena *a = arena_new(0);
    struct hcl_budget budget = {100, 1 << 20};

    T_STR_EQ(evaluate("[for x in [1,2,3] : x]", 0, &budget, a), "[1,2,3]");
    T_TRUE(budget.steps_left < 100);
    budget.steps_left = 3;
    T_STR_HAS(evaluate("[for x in [1,2,3] : x]", 0, &budget, a), "Expression too expensive");
}
