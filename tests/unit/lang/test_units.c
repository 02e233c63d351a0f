#include "lang/units.h"

#include <stdlib.h>
#include <time.h>

#include "lang/json.h"
#include "t.h"

TEST(duration_parse_reads_what_go_reads_and_says_what_go_says)
{
    static const struct {
        const char *text;
        int64_t want;
        const char *error;
    } rows[] = {
        {"0", 0, NULL},
        {"-0", 0, NULL},
        {"5s", 5000000000, NULL},
        {"1h30m", 5400000000000, NULL},
        {"-1.5s", -1500000000, NULL},
        {"+300ms", 300000000, NULL},
        {".5h", 1800000000000, NULL},
        {"1.h", 3600000000000, NULL},
        {"1us2\xC2\xB5s3\xCE\xBCs4ns", 6004, NULL},
        {"0.3333333333333333333h", 1200000000000, NULL},
        {"9223372036854775807ns", INT64_MAX, NULL},
        {"-9223372036854775808ns", INT64_MIN, NULL},
        {"2562047h47m16.854775807s", INT64_MAX, NULL},
        {"", 0, "time: invalid duration \"\""},
        {"-", 0, "time: invalid duration \"-\""},
        {"zz", 0, "time: invalid duration \"zz\""},
        {".s", 0, "time: invalid duration \".s\""},
        {"10", 0, "time: missing unit in duration \"10\""},
        {"1.5", 0, "time: missing unit in duration \"1.5\""},
        {"2d3h", 0, "time: unknown unit \"d\" in duration \"2d3h\""},
        {"1w", 0, "time: unknown unit \"w\" in duration \"1w\""},
        {"1h 2m", 0, "time: unknown unit \"h \" in duration \"1h 2m\""},
        {"9223372036854775808ns", 0, "time: invalid duration"},
        {"99999999h", 0, "time: invalid duration \"99999999h\""},
        {"99999999999999999999s", 0, "time: invalid duration"},
        {"1\"\xff", 0, "time: unknown unit \"\\\"\\xff\" in duration \"1\\\"\\xff\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;
        int64_t got = 42;

        T_ROW(rows[i].text);
        if (rows[i].error) {
            T_INT_EQ(duration_parse(str_of(rows[i].text), &got, &e), ERR_INVALID);
            T_STR_HAS(e.msg, rows[i].error);
            T_INT_EQ(got, 42);
        } else {
            T_OK(duration_parse(str_of(rows[i].text), &got, &e), &e);
            T_INT_EQ(got, rows[i].want);
        }
    }
}

TEST(duration_format_is_go_s_and_reads_back)
{
    static const struct {
        int64_t ns;
        const char *want;
    } rows[] = {
        {0, "0s"},
        {1, "1ns"},
        {1100, "1.1\xC2\xB5s"},
        {2200000, "2.2ms"},
        {300000000, "300ms"},
        {1500000000, "1.5s"},
        {60000000000, "1m0s"},
        {5400000000000, "1h30m0s"},
        {3600000000000, "1h0m0s"},
        {-1000000001, "-1.000000001s"},
        {INT64_MAX, "2562047h47m16.854775807s"},
        {INT64_MIN, "-2562047h47m16.854775808s"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;
        char text[DURATION_TEXT_SIZE];
        int64_t back;

        T_ROW(rows[i].want);
        duration_format(rows[i].ns, text);
        T_STR_EQ(text, rows[i].want);
        T_OK(duration_parse(str_of(text), &back, &e), &e);
        T_INT_EQ(back, rows[i].ns);
    }
}

TEST(ttl_parse_takes_seconds_durations_and_whole_days)
{
    static const struct {
        const char *text;
        int64_t want;
        const char *error;
    } rows[] = {
        {"", 0, NULL},
        {"3600", 3600, NULL},
        {"-5", -5, NULL},
        {"72h", 259200, NULL},
        {"1d", 86400, NULL},
        {"500ms", 0, NULL},
        {"1999ms", 1, NULL},
        {"99999999999", 9223372036, NULL},
        {"9223372036854775807", 9223372036, NULL},
        {"999999999d", 9223372036, NULL},
        {"1.5", 0, "time: missing unit in duration \"1.5\""},
        {"2d3h", 0, "time: unknown unit \"d\" in duration \"2d3h\""},
        {"d", 0, "time: invalid duration \"d\""},
        {"bogus", 0, "time: invalid duration \"bogus\""},
        {" 1h", 0, "time: invalid duration \" 1h\""},
        {" ", 0, "time: invalid duration \" \""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;
        int64_t got = 42;

        T_ROW(rows[i].text);
        if (rows[i].error) {
            T_INT_EQ(ttl_parse(str_of(rows[i].text), &got, &e), ERR_INVALID);
            T_STR_HAS(e.msg, rows[i].error);
        } else {
            T_OK(ttl_parse(str_of(rows[i].text), &got, &e), &e);
            T_INT_EQ(got, rows[i].want);
        }
    }
}

TEST(ttl_from_json_takes_numbers_and_texts_only)
{
    struct err e = ERR_INIT;
    int64_t got;
    struct json v = {.type = JSON_NUMBER, .text = STR("60")};

    T_OK(ttl_from_json(&v, &got, &e), &e);
    T_INT_EQ(got, 60);
    v = json_of_str(STR("1h"));
    T_OK(ttl_from_json(&v, &got, &e), &e);
    T_INT_EQ(got, 3600);
    T_OK(ttl_from_json(NULL, &got, &e), &e);
    T_INT_EQ(got, 0);
    v = json_of_bool(true);
    T_INT_EQ(ttl_from_json(&v, &got, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "bool");
}

TEST(ttl_format_human_leaves_out_zero_minutes_and_seconds)
{
    static const struct {
        int64_t s;
        const char *want;
    } rows[] = {{0, "0s"},
                {20, "20s"},
                {60, "1m"},
                {3600, "1h"},
                {5400, "1h30m"},
                {3601, "1h0m1s"},
                {768 * 3600, "768h"},
                {600, "10m"},
                {-3600, "-1h"},
                {INT64_MAX, "2562047h47m16s"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[DURATION_TEXT_SIZE];

        T_ROW(rows[i].want);
        ttl_format_human(rows[i].s, text);
        T_STR_EQ(text, rows[i].want);
    }
}

TEST(size_parse_knows_both_kinds_of_prefixes)
{
    static const struct {
        const char *text;
        int64_t want; /* -1: refused */
    } rows[] = {
        {"10", 10},
        {"10KiB", 10240},
        {"1 MB", 1000000},
        {"512m", 512000000},
        {"1.5GiB", 1610612736},
        {"100GB", 100000000000},
        {" 3 b ", 3},
        {"9223372036854775807", INT64_MAX},
        {"", -1},
        {"MB", -1},
        {"10 XB", -1},
        {"-1", -1},
        {"10000000TB", -1},
        {"1e3", -1},
        {"1.2.3KB", -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;
        int64_t got = 0;

        T_ROW(rows[i].text);
        if (rows[i].want < 0) {
            T_INT_EQ(size_parse(str_of(rows[i].text), &got, &e), ERR_INVALID);
            T_STR_HAS(e.msg, "invalid size");
        } else {
            T_OK(size_parse(str_of(rows[i].text), &got, &e), &e);
            T_INT_EQ(got, rows[i].want);
        }
    }
}

TEST(size_format_iec_has_one_decimal_below_ten)
{
    static const struct {
        uint64_t bytes;
        const char *want;
    } rows[] = {{0, "0 B"},
                {12, "12 B"},
                {1023, "1023 B"},
                {1024, "1.0 KiB"},
                {1288490189, "1.2 GiB"},
                {314572800, "300 MiB"},
                {UINT64_MAX, "16 EiB"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[SIZE_TEXT_SIZE];

        T_ROW(rows[i].want);
        size_format_iec(rows[i].bytes, text);
        T_STR_EQ(text, rows[i].want);
    }
}

TEST(times_are_read_and_written_as_rfc_3339)
{
    static const struct {
        const char *text;
        int64_t want;
        const char *utc;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
        {"2024-02-29T12:34:56.789Z", 1709210096789000000, "2024-02-29T12:34:56.789Z"},
        {"2024-02-29T12:34:56+02:00", 1709202896000000000, "2024-02-29T10:34:56Z"},
        {"1969-12-31T23:59:59.5Z", -500000000, "1969-12-31T23:59:59.5Z"},
        {"2000-01-01T00:00:00.123456789999Z", 946684800123456789,
         "2000-01-01T00:00:00.123456789Z"},
        {"1700-03-01T00:00:00-23:59", -8515152060000000000, "1700-03-01T23:59:00Z"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;
        char text[TIME_TEXT_SIZE];
        int64_t got;

        T_ROW(rows[i].text);
        T_OK(time_parse_rfc3339(str_of(rows[i].text), &got, &e), &e);
        T_INT_EQ(got, rows[i].want);
        time_format_utc(got, text);
        T_STR_EQ(text, rows[i].utc);
    }
}

TEST(bad_times_say_where_they_are_bad)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"zz", "parsing time \"zz\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"zz\" as "
               "\"2006\""},
        {"2024-13-01T00:00:00Z", "parsing time \"2024-13-01T00:00:00Z\": month out of range"},
        {"2023-02-29T00:00:00Z", "day out of range"},
        {"2024-01-01T24:00:00Z", "hour out of range"},
        {"2024-01-01", "cannot parse \"\" as \"T\""},
        {"2024-01-01T00:00:00", "cannot parse \"\" as \"Z07:00\""},
        {"2024-01-01T00:00:00+99:00", "time zone offset hour out of range"},
        {"2024-01-01T00:00:00Zx", "extra text: \"x\""},
        {"2024-01-01T00:00:00.Z", "cannot parse \".Z\" as \"Z07:00\""},
        {"0001-01-01T00:00:00Z", "outside of the years 1678 to 2261"},
        {"9999-01-01T00:00:00Z", "outside of the years 1678 to 2261"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;
        int64_t got;

        T_ROW(rows[i].text);
        T_INT_EQ(time_parse_rfc3339(str_of(rows[i].text), &got, &e), ERR_INVALID);
        T_STR_HAS(e.msg, rows[i].error);
    }
}

TEST(local_time_carries_the_zone)
{
    char text[TIME_TEXT_SIZE];

    setenv("TZ", "IST-05:30", 1);
    tzset();
    time_format_local(0, text);
    T_STR_EQ(text, "1970-01-01T05:30:00+05:30");
    setenv("TZ", "UTC", 1);
    tzset();
    time_format_local(1500000000, text);
    T_STR_EQ(text, "1970-01-01T00:00:01.5Z");
}
