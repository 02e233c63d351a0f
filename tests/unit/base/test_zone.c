/* Time zones: names, files that are cut, the calendar. */
#include <fcntl.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/zone.h"
#include "t.h"

TEST(a_zone_is_found_by_its_name_or_said_to_be_unknown)
{
    static const struct {
        const char *name;
        int want;
    } rows[] = {
        {NULL, 0},
        {"", 0},
        {"UTC", 0},
        {"Local", 0},
        {"Nowhere/Town", ERR_NOTFOUND},
        {"Europe", ERR_NOTFOUND},
        {"../../../etc/passwd", ERR_INVALID},
        {"/etc/localtime", ERR_INVALID},
        {"Europe//Berlin", ERR_INVALID},
        {"Europe/Berlin/", ERR_INVALID},
        {"a name with more bytes than any zone has, and each of them is a fine one",
         ERR_INVALID},
        {"zone1970.tab", ERR_INVALID},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_zone struct zone *z = NULL;
        struct err e = ERR_INIT;

        T_ROW(rows[i].name ? rows[i].name : "(none)");
        T_INT_EQ(zone_load(rows[i].name, &z, &e), rows[i].want);
        T_TRUE(!z == (rows[i].want != 0));
        if (rows[i].want)
            T_STR_HAS(e.msg, "unknown time zone");
    }
}

TEST(utc_never_changes)
{
    auto_zone struct zone *z = NULL;
    struct zone_span s;

    T_INT_EQ(zone_load("UTC", &z, NULL), 0);
    zone_span_at(z, 1234567890, &s);
    T_INT_EQ(s.from_s, INT64_MIN);
    T_INT_EQ(s.until_s, INT64_MAX);
    T_INT_EQ(s.offset_s, 0);
}

/* A file without any change, of the second version: all comes from its rule. */
static struct str file_with_rule(struct buf *b, const char *rule)
{
    static const char block[] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" /* reserved */
                                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
                                "\0\0\0\0\0\0UTC";

    for (int i = 0; i < 2; i++) {
        buf_put(b, "TZif2", 5);
        buf_put(b, block, sizeof block); /* its own NUL ends "UTC" */
    }
    buf_puts(b, "\n");
    buf_puts(b, rule);
    buf_puts(b, "\n");
    return str_n(b->p, b->len);
}

TEST(a_rule_tells_every_later_year)
{
    static const struct {
        const char *label, *rule;
        int64_t at_s;
        int32_t want_offset_s;
        int64_t want_until_s;
    } rows[] = {
        {"no summer", "<+03>-3", 0, 10800, INT64_MAX},
        {"winter", "CET-1CEST,M3.5.0,M10.5.0/3", 1767225600, 3600, 1774746000},
        {"summer", "CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 7200, 1792890000},
        {"south: summer over new year", "AEST-10AEDT,M10.1.0,M4.1.0/3", 1767225600, 39600,
         1775318400},
        {"a day of the year", "ABC0DEF,J60/0,J300/0", 1772323200, 3600, 1793055600},
        {"a day that counts the leap day", "ABC0DEF,59/0,300/0", 1709164800, 3600, 1729983600},
        {"summer all year", "ABC3EDT4,0/0,J365/23", 1767225600, -14400, 1767236400},
        {"negative summer", "IST-1GMT0,M10.5.0,M3.5.0/1", 1767225600, 0, 1774746000},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_zone struct zone *z = NULL;
        auto_buf struct buf b;
        struct err e = ERR_INIT;
        struct zone_span s;

        T_ROW(rows[i].label);
        buf_init(&b, 4096);
        T_OK(zone_parse(file_with_rule(&b, rows[i].rule), &z, &e), &e);
        zone_span_at(z, rows[i].at_s, &s);
        T_INT_EQ(s.offset_s, rows[i].want_offset_s);
        T_INT_EQ(s.until_s, rows[i].want_until_s);
    }
}

TEST(a_rule_that_is_none_is_refused)
{
    static const char *const rules[] = {"X",
                                        "ABC",
                                        "ABC25",
                                        "<+03-3",
                                        "ABC0DEF",
                                        "ABC0DEF,M13.1.0,M1.1.0",
                                        "ABC0DEF,M3.6.0,M1.1.0",
                                        "ABC0DEF,J0,J1",
                                        "ABC0DEF,J1,J2,J3",
                                        "ABC0DEF,1/168,2"};

    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        auto_zone struct zone *z = NULL;
        auto_buf struct buf b;

        T_ROW(rules[i]);
        buf_init(&b, 4096);
        T_INT_EQ(zone_parse(file_with_rule(&b, rules[i]), &z, NULL), ERR_CORRUPT);
    }
}

TEST(a_file_cut_anywhere_is_refused)
{
    auto_buf struct buf b;

    buf_init(&b, ZONE_FILE_MAX);
    if (path_read_file(AT_FDCWD, "/usr/share/zoneinfo/Europe/Berlin", &b, NULL) < 0)
        file_with_rule(&b, "CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t len = 0; len < b.len; len++) {
        auto_free char *copy = malloc(len + 1); /* so that a sanitizer sees its end */
        auto_zone struct zone *z = NULL;

        memcpy(copy, b.p, len);
        /* without its last newline the rule is whole */
        if (zone_parse(str_n(copy, len), &z, NULL) == 0)
            T_TRUE(len >= b.len - 27);
    }
}

TEST(the_calendar_goes_both_ways)
{
    int64_t year;
    int month, day;

    for (int64_t d = -800000; d < 800000; d += 37) {
        civil_from_days(d, &year, &month, &day);
        T_INT_EQ(civil_to_days(year, month, day), d);
        T_TRUE(day >= 1 && day <= civil_month_days(year, month));
    }
    T_INT_EQ(civil_to_days(1970, 1, 1), 0);
    T_INT_EQ(civil_to_days(2000, 2, 29), 11016);
    T_INT_EQ(civil_weekday(0), 4);
    T_INT_EQ(civil_weekday(-5), 6);
    T_INT_EQ(civil_month_days(1900, 2), 28);
}
