#include <string.h>

#include "base/err.h"
#include "lang/regex.h"
#include "t.h"

TEST(patterns_match_what_they_say)
{
    static const struct {
        const char *pattern, *text;
        bool want;
    } rows[] = {
        {"lin", "linux", true},
        {"^lin[a-z]+$", "linux", true},
        {"^lin[a-z]+$", "linux6", false},
        {"a|b", "xbx", true},
        {"^(a|b)$", "ab", false},
        {"^(a|b)*$", "abba", true},
        {"a.c", "abc", true},
        {"a.c", "a\nc", false},
        {"(?s)a.c", "a\nc", true},
        {"(?i)LINUX", "linux", true},
        {"(?i:L)inux", "LINUX", false},
        {"^\\d{3}$", "123", true},
        {"^\\d{3}$", "1234", false},
        {"^\\d{2,3}$", "1", false},
        {"^\\d{2,}$", "12345", true},
        {"^[^0-9]+$", "abc", true},
        {"^[^0-9]+$", "ab1", false},
        {"[[:upper:]]", "abC", true},
        {"^[\\w.-]+$", "a_b.c-d", true},
        {"^\\S+$", "a b", false},
        {"\\bfoo\\b", "a foo b", true},
        {"\\bfoo\\b", "afoo", false},
        {"^\xc3\xa4.$", "\xc3\xa4\xc3\xb6", true}, /* characters, not bytes */
        {"a{,2}", "a{,2}", true},                  /* no counts: plain text */
        {"^a??$", "a", true},
        {"", "anything", true},
        {"^$", "", true},
        {"^x*$", "", true},
        {"\\.", "a", false},
        {"\\x41", "A", true},
        {"(?m)^b$", "a\nb\nc", true},
        {"^b$", "a\nb\nc", false},
        {"[]a]", "]", true},
        {"[a-]", "-", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;

        T_ROW(rows[i].pattern);
        T_OK(regexp_check(rows[i].pattern, &e), &e);
        T_INT_EQ(regexp_matches(rows[i].pattern, rows[i].text), rows[i].want);
    }
}

TEST(bad_patterns_say_where)
{
    static const struct {
        const char *pattern, *want;
    } rows[] = {
        {"[", "error parsing regexp: missing closing ]: `[`"},
        {"(a", "error parsing regexp: missing closing ): `(a`"},
        {"a)", "error parsing regexp: unexpected ): `a`"},
        {"*a", "error parsing regexp: missing argument to repetition operator: `*`"},
        {"a**", "error parsing regexp: invalid nested repetition operator: `**`"},
        {"\\", "error parsing regexp: trailing backslash at end of expression: ``"},
        {"[b-a]", "error parsing regexp: invalid character class range: `[b-a`"},
        {"(?<x>a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?`"},
        {"\\pL", "error parsing regexp: invalid escape sequence: `\\p`"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;

        T_ROW(rows[i].pattern);
        T_INT_EQ(regexp_check(rows[i].pattern, &e), ERR_INVALID);
        T_STR_EQ(e.msg, rows[i].want);
    }
}

TEST(patterns_that_ruin_others_are_harmless)
{
    struct err e = ERR_INIT;
    char text[4000];

    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    T_FALSE(regexp_matches("^(a+)+$b", text));
    T_FALSE(regexp_matches("^(a|aa)*c$", text));
    T_INT_EQ(regexp_check("((((((a{1000}){1000}){1000}){1000}){1000}){1000})", &e), ERR_TOOBIG);
    T_INT_EQ(regexp_check("(((((((){1000}){1000}){1000}){1000}){1000}){1000})", &e),
             ERR_TOOBIG);
    text[REGEX_PATTERN_MAX + 1] = '\0';
    T_INT_EQ(regexp_check(text, &e), ERR_TOOBIG);
}
