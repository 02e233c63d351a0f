#include "base/buf.h"
#include "t.h"
#include "vault/secrets/name_template.h"

#define DEFAULT                                                                             \
    "{{ if (eq .Type \"STS\") }}{{ printf \"vault-%s-%s\"  (unix_time) (random 20) | "      \
    "truncate 32 }}{{ else }}{{ printf \"vault-%s-%s-%s\" (printf \"%s-%s\" (.DisplayName)" \
    " (.PolicyName) | truncate 42) (unix_time) (random 20) | truncate 64 }}{{ end }}"

static int render(struct arena *a, const char *text, const char *type, const char **ret,
                  struct err *e)
{
    struct strmap fields = {0};
    struct name_input in = {&fields, 1700000000LL * 1000000000};

    strmap_set(a, &fields, "DisplayName", "token-web");
    strmap_set(a, &fields, "PolicyName", "s3 role");
    strmap_set(a, &fields, "Type", type);
    return name_render(str_of(text), &in, a, ret, e);
}

TEST(a_template_says_what_it_means)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"text", "plain", "plain"},
        {"nothing", "", ""},
        {"a field", "{{.DisplayName}}", "token-web"},
        {"a field in parentheses", "{{ (.DisplayName) }}", "token-web"},
        {"text around", "<{{ .Type }}>", "<IAM>"},
        {"a string", "{{ \"x\\\"y\\\\\" }}", "x\"y\\"},
        {"a raw string", "{{ `a\\b` }}", "a\\b"},
        {"a number", "{{ -12 }}", "-12"},
        {"a pipe", "{{ .DisplayName | truncate 5 }}", "token"},
        {"two pipes", "{{ .DisplayName | truncate 5 | uppercase }}", "TOKEN"},
        {"a pipe into printf", "{{ .Type | printf \"%s-%s\" \"a\" }}", "a-IAM"},
        {"printf", "{{ printf \"%s/%d/%v/%q/%x/%%\" .Type 7 8 \"q\" \"a\" }}",
         "IAM/7/8/\"q\"/61/%"},
        {"a function as an argument", "{{ printf \"%s\" unix_time }}", "1700000000"},
        {"milliseconds", "{{ unix_time_millis }}", "1700000000000"},
        {"a time", "{{ timestamp \"2006-01-02T15:04:05 06\" }}", "2023-11-14T22:13:20 23"},
        {"truncate more than there is", "{{ truncate 99 .Type }}", "IAM"},
        {"what is cut stays different", "{{ truncate_sha256 12 \"abcdefghijklmnop\" }}",
         "abcdc1bd5d19"},
        {"nothing to cut", "{{ truncate_sha256 12 \"abc\" }}", "abc"},
        {"replace", "{{ .PolicyName | replace \" \" \"_\" }}", "s3_role"},
        {"replace every one", "{{ replace \"a\" \"bb\" \"aXa\" }}", "bbXbb"},
        {"lower", "{{ lowercase \"AbC\" }}", "abc"},
        {"base64", "{{ base64 \"hello\" }}", "aGVsbG8="},
        {"sha256", "{{ sha256 \"\" | truncate 8 }}", "e3b0c442"},
        {"len", "{{ len .Type }}", "3"},
        {"print", "{{ print .Type 1 true }}", "IAM1true"},
        {"if", "{{ if true }}a{{ end }}b", "ab"},
        {"if not", "{{ if false }}a{{ end }}b", "b"},
        {"else", "{{ if eq .Type \"STS\" }}a{{ else }}b{{ end }}", "b"},
        {"else if",
         "{{ if eq .Type \"X\" }}a{{ else if eq .Type \"IAM\" }}b{{ else }}c{{ end }}", "b"},
        {"the first that fits", "{{ if true }}a{{ else if true }}b{{ else }}c{{ end }}", "a"},
        {"if in if", "{{ if true }}{{ if false }}a{{ else }}b{{ end }}{{ end }}", "b"},
        {"an empty string is false", "{{ if \"\" }}a{{ else }}b{{ end }}", "b"},
        {"what is not taken calls nothing", "{{ if false }}{{ truncate 0 \"x\" }}{{ end }}ok",
         "ok"},
        {"one of several", "{{ if eq .Type \"A\" \"IAM\" }}y{{ end }}", "y"},
        {"ne, not, and, or", "{{ if and (ne .Type \"A\") (not false) (or false 1) }}y{{ end }}",
         "y"},
        {"order", "{{ if and (lt 1 2) (le 2 2) (gt 3 2) (ge 2 2) }}y{{ end }}", "y"},
        {"trimming", "a  {{- \"b\" -}}  c", "abc"},
        {"a comment", "a{{/* no } here */}}b", "ab"},
        {"a comment that trims", "a {{- /* x */ -}} b", "ab"},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = NULL;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_OK(render(a, rows[i].text, "IAM", &got, &e), &e);
        T_STR_EQ(got, rows[i].want);
    }
    T_ROW("");
}

TEST(the_usual_template_makes_the_usual_names)
{
    auto_arena struct arena *a = arena_new(0);
    const char *iam = NULL, *sts = NULL;
    struct err e = ERR_INIT;

    T_OK(render(a, DEFAULT, "IAM", &iam, &e), &e);
    T_STR_HAS(iam, "vault-token-web-s3 role-1700000000-");
    T_INT_EQ(strlen(iam), strlen("vault-token-web-s3 role-1700000000-") + 20);
    T_OK(render(a, DEFAULT, "STS", &sts, &e), &e);
    T_STR_HAS(sts, "vault-1700000000-");
    T_INT_EQ(strlen(sts), 32);
}

TEST(random_parts_differ)
{
    auto_arena struct arena *a = arena_new(0);
    const char *one = NULL, *two = NULL;
    struct err e = ERR_INIT;

    T_OK(render(a, "{{ random 20 }}{{ uuid }}", "IAM", &one, &e), &e);
    T_OK(render(a, "{{ random 20 }}{{ uuid }}", "IAM", &two, &e), &e);
    T_INT_EQ(strlen(one), 20 + 36);
    T_TRUE(strcmp(one, two) != 0);
}

TEST(a_template_that_is_wrong_says_where)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"no end", "{{ bogus", "character 9: an action has no end"},
        {"unknown function", "ab{{ bogus }}", "character 6: function \"bogus\" is not known"},
        {"unknown even where it is not taken", "{{ if false }}{{ bogus }}{{ end }}",
         "function \"bogus\" is not known"},
        {"unknown field", "{{ .Nope }}", "there is no field .Nope"},
        {"nothing after the dot", "{{ . }}", "a field's name is missing"},
        {"empty", "{{ }}", "an action is empty"},
        {"too few", "{{ truncate 3 }}", "truncate: wrong number of arguments: 1"},
        {"too many", "{{ uuid 1 }}", "uuid: wrong number of arguments: 1"},
        {"not a number", "{{ truncate \"a\" \"b\" }}", "a whole number is expected"},
        {"12x", "{{ 12x }}", "this is not a whole number"},
        {"cut to nothing", "{{ truncate 0 \"b\" }}", "max length must be > 0 but was 0"},
        {"cut too short", "{{ truncate_sha256 8 \"b\" }}", "max length must be > 8"},
        {"an open string", "{{ \"a }}", "this string has no end"},
        {"a bad escape", "{{ \"\\z\" }}", "this escape is not known"},
        {"an open parenthesis", "{{ (uuid }}", "this parenthesis is not closed"},
        {"a closing one", "{{ uuid ) }}", "')' is not understood here"},
        {"nothing behind the pipe", "{{ uuid | }}", "a value is missing"},
        {"a value that is called", "{{ \"a\" \"b\" }}", "this is not a function"},
        {"a pipe into a value", "{{ uuid | \"b\" }}", "this is not a function"},
        {"if without end", "{{ if true }}a", "this if has no {{ end }}"},
        {"end without if", "a{{ end }}", "{{ end }} without {{ if }}"},
        {"else without if", "a{{ else }}", "{{ else }} without {{ if }}"},
        {"else after else", "{{ if true }}{{ else }}{{ else }}{{ end }}", "an else after"},
        {"range", "{{ range .X }}{{ end }}", "{{ range }} is not supported"},
        {"a variable", "{{ $x := 1 }}", "'$' is not understood here"},
        {"a verb", "{{ printf \"%f\" 1 }}", "may stand in the format"},
        {"a lonely percent", "{{ printf \"%\" }}", "lonely %"},
        {"too few for the format", "{{ printf \"%s\" }}", "more values than there are"},
        {"too many for the format", "{{ printf \"x\" 1 }}", "more values than the format"},
        {"replace nothing", "{{ replace \"\" \"x\" \"y\" }}", "must not be empty"},
        {"too random", "{{ random 5000 }}", "between 1 and 4096"},
        {"a layout", "{{ timestamp \"3\" }}", "may stand in the layout"},
        {"not to be compared", "{{ lt 1 \"a\" }}", "cannot be compared"},
        {"an open comment", "{{/* x", "this comment has no end"},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = NULL;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_INT_EQ(render(a, rows[i].text, "IAM", &got, &e), ERR_INVALID);
        T_STR_HAS(e.msg, rows[i].want);
    }
    T_ROW("");
}

TEST(a_template_has_its_limits)
{
    auto_arena struct arena *a = arena_new(0);
    struct buf b = BUF_INIT(100000);
    const char *got = NULL;
    struct err e = ERR_INIT;

    for (int i = 0; i < NAME_TEMPLATE_MAX + 1; i++)
        buf_putc(&b, 'x');
    T_INT_EQ(render(a, b.p, "IAM", &got, &e), ERR_TOOBIG);
    T_STR_HAS(e.msg, "the template has more than 8192 bytes");

    err_reset(&e);
    b.p[NAME_VALUE_MAX + 1] = '\0';
    T_INT_EQ(render(a, b.p, "IAM", &got, &e), ERR_TOOBIG);

    err_reset(&e);
    buf_reset(&b);
    buf_puts(&b, "{{ ");
    for (int i = 0; i <= NAME_DEPTH_MAX; i++)
        buf_putc(&b, '(');
    T_INT_EQ(render(a, b.p, "IAM", &got, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "more than 16 levels");

    err_reset(&e);
    buf_reset(&b);
    buf_puts(&b, "{{ print");
    for (int i = 0; i <= NAME_ARGS_MAX; i++)
        buf_puts(&b, " 1");
    buf_puts(&b, " }}");
    T_INT_EQ(render(a, b.p, "IAM", &got, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "more than 16 arguments");

    err_reset(&e);
    T_INT_EQ(render(a, "{{ replace \"x\" (random 4000) \"xx\" }}", "IAM", &got, &e),
             ERR_TOOBIG);
    buf_done(&b);
}
