#include "base/str.h"

#include "t.h"

TEST(str_compares_finds_and_cuts)
{
    struct str s = STR("one,two");

    T_TRUE(str_cmp(STR("a"), STR("ab")) < 0);
    T_TRUE(str_cmp(STR("b"), STR("ab")) > 0);
    T_INT_EQ(str_cmp(STR(""), STR("")), 0);
    T_TRUE(str_eq_nocase(STR("TeSt"), STR("tEsT")));
    T_FALSE(str_eq_nocase(STR("a"), STR("ab")));
    T_TRUE(str_starts(s, STR("one")) && str_ends(s, STR("two")) && str_has(s, STR(",")));
    T_TRUE(str_starts(s, STR("")) && str_ends(s, STR("")) && str_has(s, STR("")));
    T_FALSE(str_starts(STR("on"), STR("one")) || str_ends(STR("wo"), STR("two")));
    T_INT_EQ(str_find(s, STR("tw")), 4);
    T_INT_EQ(str_find(s, STR("x")), -1);
    T_INT_EQ(str_find(STR(""), STR("x")), -1);
    T_INT_EQ(str_chr(s, 'o'), 0);
    T_INT_EQ(str_rchr(s, 'o'), 6);
    T_STRN_EQ(str_from(s, 4), STR("two"));
    T_STRN_EQ(str_from(s, 99), STR(""));
    T_STRN_EQ(str_upto(s, 3), STR("one"));
    T_STRN_EQ(str_upto(s, 99), s);
    T_STRN_EQ(str_trim(STR(" \t x y \n")), STR("x y"));
    T_STRN_EQ(str_trim(STR("  ")), STR(""));
    T_STRN_EQ(str_trim_chars(STR("//a/"), "/"), STR("a"));
    T_STRN_EQ(str_of(NULL), STR(""));
}

TEST(str_split_gives_every_piece_also_empty_ones)
{
    static const struct {
        const char *label, *text, *want; /* pieces joined by '|' */
    } rows[] = {
        {"none", "abc", "abc|"},       {"two", "a,b", "a|b|"},      {"empty", "", "|"},
        {"empty pieces", ",,", "|||"}, {"at the end", "a,", "a||"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        struct str rest = str_of(rows[i].text), piece;
        char got[32] = "";
        size_t n = 0;

        while (str_split(&rest, ',', &piece)) {
            memcpy(got + n, piece.p, piece.len);
            n += piece.len;
            got[n++] = '|';
        }
        T_STRN_EQ(str_n(got, n), str_of(rows[i].want));
    }
}

TEST(str_to_i64_takes_whole_numbers_that_fit)
{
    static const struct {
        const char *text;
        int base;
        bool ok;
        int64_t want;
    } rows[] = {
        {"0", 10, true, 0},
        {"-9223372036854775808", 10, true, INT64_MIN},
        {"9223372036854775807", 10, true, INT64_MAX},
        {"9223372036854775808", 10, false, 0},
        {"-9223372036854775809", 10, false, 0},
        {"+5", 10, true, 5},
        {"", 10, false, 0},
        {"-", 10, false, 0},
        {"1x", 10, false, 0},
        {" 1", 10, false, 0},
        {"ff", 16, true, 255},
        {"0xFf", 0, true, 255},
        {"0o17", 0, true, 15},
        {"017", 0, true, 15},
        {"0b101", 0, true, 5},
        {"-0x10", 0, true, -16},
        {"0x", 0, false, 0},
        {"08", 0, false, 0},
        {"99999999999999999999999", 10, false, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].text);
        int64_t v = 0;

        T_INT_EQ(str_to_i64(str_of(rows[i].text), rows[i].base, &v), rows[i].ok);
        T_INT_EQ(v, rows[i].want);
    }

    uint64_t u;

    T_ROW("");
    T_TRUE(str_to_u64(STR("18446744073709551615"), 10, &u) && u == UINT64_MAX);
    T_FALSE(str_to_u64(STR("18446744073709551616"), 10, &u));
    T_FALSE(str_to_u64(STR("-1"), 10, &u));
}

TEST(str_to_double_and_bool_take_what_go_takes)
{
    double d = 0;
    bool b = false;

    T_TRUE(str_to_double(STR("1.5e3"), &d) && d > 1499.9 && d < 1500.1);
    T_FALSE(str_to_double(STR("nan"), &d));
    T_FALSE(str_to_double(STR("inf"), &d));
    T_FALSE(str_to_double(STR("0x10"), &d));
    T_FALSE(str_to_double(STR("1.5 "), &d));
    T_FALSE(str_to_double(STR("1e999"), &d));
    T_FALSE(str_to_double(STR(""), &d));
    T_TRUE(str_to_bool(STR("True"), &b) && b);
    T_TRUE(str_to_bool(STR("0"), &b) && !b);
    T_FALSE(str_to_bool(STR("yes"), &b));
    T_FALSE(str_to_bool(STR("tRUE"), &b));
}

TEST(str_is_utf8_follows_rfc_3629)
{
    static const struct {
        const char *label;
        struct str s;
        bool want;
    } rows[] = {
        {"ascii", STR("abc"), true},
        {"two bytes", STR("\xc3\xa9"), true},
        {"three bytes", STR("\xe2\x82\xac"), true},
        {"four bytes", STR("\xf0\x9f\x98\x80"), true},
        {"last code point", STR("\xf4\x8f\xbf\xbf"), true},
        {"above it", STR("\xf4\x90\x80\x80"), false},
        {"overlong slash", STR("\xc0\xaf"), false},
        {"overlong three", STR("\xe0\x80\xaf"), false},
        {"overlong four", STR("\xf0\x80\x80\xaf"), false},
        {"surrogate", STR("\xed\xa0\x80"), false},
        {"lone continuation", STR("\x80"), false},
        {"cut short", STR("\xe2\x82"), false},
        {"ff", STR("\xff"), false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        T_INT_EQ(str_is_utf8(rows[i].s), rows[i].want);
    }
    T_ROW("");
    T_TRUE(str_is_printable(STR("a \xc3\xa9")));
    T_FALSE(str_is_printable(STR("a\nb")));
    T_FALSE(str_is_printable(STR("a\x7f")));
}

TEST(str_glob_matches_stars_only)
{
    static const struct {
        const char *pattern, *text;
        bool want;
    } rows[] = {
        {"", "", true},        {"*", "", true},       {"a*", "abc", true},
        {"*c", "abc", true},   {"a*c", "abbc", true}, {"a*b*c", "a1b2b3c", true},
        {"a*b", "abc", false}, {"a?c", "abc", false}, {"", "a", false},
        {"**", "x", true},     {"a*a", "a", false},   {"*ab*ab", "abab", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].pattern);
        T_INT_EQ(str_glob(str_of(rows[i].pattern), str_of(rows[i].text)), rows[i].want);
    }
}

TEST(str_distance_counts_edits_up_to_the_maximum)
{
    T_INT_EQ(str_distance(STR("kitten"), STR("sitting"), 5), 3);
    T_INT_EQ(str_distance(STR("same"), STR("same"), 2), 0);
    T_INT_EQ(str_distance(STR("abc"), STR("xyz"), 2), 3);
    T_INT_EQ(str_distance(STR(""), STR("ab"), 2), 2);
}
