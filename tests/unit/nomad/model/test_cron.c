/* Recurring times: what is due when, and every change of every zone's clock. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lang/units.h"
#include "nomad/model/cron.h"
#include "nomad/model/model_t.h"

#define T_FAIL(...) fail_msg(__VA_ARGS__)

static int64_t at(const char *text)
{
    int64_t ns;
    struct err e = ERR_INIT;

    if (time_parse_rfc3339(str_of(text), &ns, &e) < 0)
        T_FAIL("%s: %s", text, e.msg);
    return ns / 1000000000;
}

TEST(the_next_time_of_an_expression_is_known)
{
    static const struct {
        const char *label, *cron, *zone, *after, *want; /* NULL: never */
    } rows[] = {
        {"every minute", "* * * * *", "", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"},
        {"the very time is not behind itself", "0 0 1 1 *", "", "2026-01-01T00:00:00Z",
         "2027-01-01T00:00:00Z"},
        {"with a fraction's second before", "*/15 * * * *", "", "2026-05-05T10:14:59Z",
         "2026-05-05T10:15:00Z"},
        {"a start and a step", "5/20 * * * *", "", "2026-05-05T10:46:00Z",
         "2026-05-05T11:05:00Z"},
        {"six fields: a year", "0 0 1 1 * 2030", "", "2026-05-05T10:46:00Z",
         "2030-01-01T00:00:00Z"},
        {"a year that is over", "0 0 1 1 * 1980", "", "2026-05-05T10:46:00Z", NULL},
        {"seven fields: seconds", "*/10 * * * * * *", "", "2026-05-05T10:46:01Z",
         "2026-05-05T10:46:10Z"},
        {"a list and a range", "0,30 8-9 * * *", "", "2026-05-05T09:31:00Z",
         "2026-05-06T08:00:00Z"},
        {"hourly", "@hourly", "", "2026-05-05T09:31:00Z", "2026-05-05T10:00:00Z"},
        {"weekly", "@weekly", "", "2026-05-05T09:31:00Z", "2026-05-10T00:00:00Z"},
        {"names", "0 0 * feb MONDAY", "", "2026-05-05T09:31:00Z", "2027-02-01T00:00:00Z"},
        {"7 is Sunday", "0 0 * * 7", "", "2026-05-05T09:31:00Z", "2026-05-10T00:00:00Z"},
        {"a range up to 7", "0 0 * * 6-7", "", "2026-05-09T00:00:00Z", "2026-05-10T00:00:00Z"},
        {"either day field", "0 0 13 * 5", "", "2026-05-05T09:31:00Z", "2026-05-08T00:00:00Z"},
        {"the last day", "0 0 L 2 *", "", "2027-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
        {"no such day in most years", "0 0 29 2 *", "", "2026-05-05T09:31:00Z",
         "2028-02-29T00:00:00Z"},
        {"no such day ever", "0 0 31 4 *", "", "2026-05-05T09:31:00Z", NULL},
        {"near a Saturday", "0 0 15W * *", "", "2026-08-01T00:00:00Z", "2026-08-14T00:00:00Z"},
        {"near a Sunday", "0 0 15W * *", "", "2026-11-01T00:00:00Z", "2026-11-16T00:00:00Z"},
        {"near a first that is a Saturday", "0 0 1W * *", "", "2026-07-31T00:00:00Z",
         "2026-08-03T00:00:00Z"},
        {"near a last that is a Sunday", "0 0 31W * *", "", "2026-05-05T00:00:00Z",
         "2026-05-29T00:00:00Z"},
        {"the last working day", "0 0 LW * *", "", "2026-05-05T00:00:00Z",
         "2026-05-29T00:00:00Z"},
        {"the last Friday", "0 0 * * 5L", "", "2026-05-05T00:00:00Z", "2026-05-29T00:00:00Z"},
        {"the third Friday", "0 0 * * fri#3", "", "2026-05-05T00:00:00Z",
         "2026-05-15T00:00:00Z"},
        {"a fifth that is not in every month", "0 0 * * 5#5", "", "2026-05-30T00:00:00Z",
         "2026-07-31T00:00:00Z"},
        {"behind the last year", "* * * * *", "", "2099-12-31T23:59:00Z", NULL},
        {"a zone east", "0 9 * * *", "Asia/Kolkata", "2026-05-05T00:00:00Z",
         "2026-05-05T03:30:00Z"},
        {"skipped in spring", "0 2 11-13 3 * 2017", "America/Los_Angeles",
         "2017-03-11T10:00:00Z", "2017-03-13T09:00:00Z"},
        {"before the hour that is skipped", "30 1 * * *", "America/Los_Angeles",
         "2017-03-12T08:00:00Z", "2017-03-12T09:30:00Z"},
        {"the first of two in autumn", "30 1 * * *", "America/New_York", "2026-11-01T00:00:00Z",
         "2026-11-01T05:30:00Z"},
        {"the second of two in autumn", "30 1 * * *", "America/New_York",
         "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"},
        {"half an hour of summer", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T14:45:00Z",
         "2026-04-04T15:15:00Z"},
        {"by the rule behind the file's last year", "0 12 1 7 * 2090", "Europe/Berlin",
         "2026-01-01T00:00:00Z", "2090-07-01T10:00:00Z"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_zone struct zone *z = NULL;
        struct err e = ERR_INIT;
        struct cron c;

        T_ROW(rows[i].label);
        T_INT_EQ(cron_parse(str_of(rows[i].cron), &c, &e), 0);
        T_INT_EQ(zone_load(rows[i].zone, &z, &e), 0);
        T_INT_EQ(cron_next(&c, z, at(rows[i].after)),
                 rows[i].want ? at(rows[i].want) : CRON_NEVER);
    }
}

TEST(an_expression_that_is_none_says_which_field)
{
    static const struct {
        const char *cron, *want;
    } rows[] = {
        {"", "missing field(s)"},
        {"@never", "missing field(s)"},
        {"* * * *", "missing field(s)"},
        {"* * * * * * * *", "too many fields"},
        {"60 * * * *", "minute field: '60'"},
        {"* 24 * * *", "hour field: '24'"},
        {"* * 0 * *", "day-of-month field: '0'"},
        {"* * 32W * *", "day-of-month field: '32W'"},
        {"* * * 13 *", "month field: '13'"},
        {"* * * janu *", "month field: 'janu'"},
        {"* * * * 8", "day-of-week field: '8'"},
        {"* * * * 1#6", "day-of-week field: '1#6'"},
        {"* * * * * 2100", "year field: '2100'"},
        {"60 * * * * * *", "second field: '60'"},
        {"1, * * * *", "minute field: '1,'"},
        {",1 * * * *", "minute field: ',1'"},
        {"1- * * * *", "minute field: '1-'"},
        {"+1 * * * *", "minute field: '+1'"},
        {"*/-5 * * * *", "minute field: '*/-5'"},
        {"*/99999999999999999999 * * * *", "minute field"},
        {"L * * * *", "minute field: 'L'"},
    };
    struct cron c;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;

        T_ROW(rows[i].cron);
        T_INT_EQ(cron_parse(str_of(rows[i].cron), &c, &e), ERR_INVALID);
        T_STR_HAS(e.msg, rows[i].want);
    }
}

TEST(an_expression_has_a_longest_text)
{
    char text[CRON_TEXT_MAX + 2];
    struct err e = ERR_INIT;
    struct cron c;

    memset(text, '0', sizeof text);
    T_INT_EQ(cron_parse(str_n(text, sizeof text - 1), &c, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "longer than 512 bytes");
}

TEST(of_several_expressions_the_first_and_the_last_time_are_known)
{
    struct cron two[2];
    struct crons c = {two, 2, NULL};
    int64_t start = at("2026-01-01T00:00:00Z");

    T_INT_EQ(cron_parse(STR("0 6 * * *"), &two[0], NULL), 0);
    T_INT_EQ(cron_parse(STR("*/7 12 * * *"), &two[1], NULL), 0);
    T_INT_EQ(crons_next(&c, start), start + 6 * 3600);
    T_INT_EQ(crons_next(&c, start + 6 * 3600), start + 12 * 3600);
    T_INT_EQ(crons_latest(&c, start, start + 100), CRON_NEVER);
    T_INT_EQ(crons_latest(&c, start, start + 6 * 3600), start + 6 * 3600);
    T_INT_EQ(crons_latest(&c, start, start + 13 * 3600), start + 12 * 3600 + 56 * 60);
    T_INT_EQ(crons_latest(&c, start, at("2101-01-01T00:00:00Z")), at("2099-12-31T12:56:00Z"));
}

/* ---- every zone against the C library's own conversion ------------------------------------
 */

struct model {
    const char *cron;
    bool (*due)(const struct tm *tm);
};

static bool due_half_past_one(const struct tm *tm)
{
    return tm->tm_hour == 1 && tm->tm_min == 30;
}

static bool due_at_two(const struct tm *tm)
{
    return tm->tm_hour == 2 && tm->tm_min == 0;
}

static bool due_each_quarter(const struct tm *tm)
{
    return tm->tm_min % 15 == 0;
}

static bool due_at_midnight_on_sundays(const struct tm *tm)
{
    return tm->tm_hour == 0 && tm->tm_min == 0 && tm->tm_wday == 0;
}

static const struct model models[] = {
    {"30 1 * * *", due_half_past_one},
    {"0 2 * * *", due_at_two},
    {"*/15 * * * *", due_each_quarter},
    {"@weekly", due_at_midnight_on_sundays},
};

/* Each minute around a change: due by the model exactly when cron_next says so. */
static void walk(const char *name, const struct zone *z, int64_t change)
{
    int64_t from = (change - 5400) / 60 * 60, until = change + 5400;
    int64_t next[ARRAY_LEN(models)];
    struct cron c[ARRAY_LEN(models)];

    for (size_t i = 0; i < ARRAY_LEN(models); i++) {
        T_INT_EQ(cron_parse(str_of(models[i].cron), &c[i], NULL), 0);
        next[i] = cron_next(&c[i], z, from - 1);
    }
    for (int64_t t = from; t < until; t += 60) {
        time_t now = (time_t)t;
        struct tm tm;

        localtime_r(&now, &tm);
        if (tm.tm_sec != 0) /* an offset of odd seconds: no minute of ours begins with theirs */
            return;
        for (size_t i = 0; i < ARRAY_LEN(models); i++) {
            bool due = models[i].due(&tm);

            if (due != (next[i] == t))
                T_FAIL("%s, %s: %lld is %sdue", name, models[i].cron, (long long)t,
                       due ? "" : "not ");
            if (due)
                next[i] = cron_next(&c[i], z, t);
        }
    }
}

static void check_zone(const char *name)
{
    auto_zone struct zone *z = NULL;
    int64_t t = at("2000-01-01T00:00:00Z"), until = at("2041-01-01T00:00:00Z");
    struct zone_span span;
    struct err e = ERR_INIT;

    if (zone_load(name, &z, &e) < 0)
        T_FAIL("%s: %s", name, e.msg);
    setenv("TZ", name, 1);
    tzset();
    while (t < until) {
        zone_span_at(z, t, &span);
        if (span.from_s > 0)
            walk(name, z, span.from_s);
        if (span.until_s == INT64_MAX)
            break;
        t = span.until_s;
    }
}

static size_t check_zones_below(const char *dir, const char *prefix)
{
    struct dirent *d;
    DIR *all = opendir(dir);
    size_t n = 0;

    while (all && (d = readdir(all))) {
        char path[512], name[512];
        struct stat st;

        if (d->d_name[0] == '.' || !strcmp(d->d_name, "right") || !strcmp(d->d_name, "posix"))
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, d->d_name);
        snprintf(name, sizeof name, "%s%s", prefix, d->d_name);
        if (stat(path, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            snprintf(name, sizeof name, "%s%s/", prefix, d->d_name);
            n += check_zones_below(path, name);
        } else if (d->d_name[0] >= 'A' && d->d_name[0] <= 'Z' && !strchr(d->d_name, '.')) {
            check_zone(name);
            n++;
        }
    }
    if (all)
        closedir(all);
    return n;
}

TEST(around_every_change_of_every_zone_each_minute_is_due_when_the_clock_shows_it)
{
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) < 0) {
        T_ROW("no zone database on this machine");
        return;
    }
    T_TRUE(check_zones_below("/usr/share/zoneinfo", "") > 300);
    unsetenv("TZ");
    tzset();
}
