#include "lang/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "lang/json.h"

#define SECOND INT64_C(1000000000)

enum { QUOTE_MAX = 256, DAY_S = 86400 };

/* As Go's time package quotes what it could not read; long text is cut. */
static const char *quoted(struct str s, char ret[QUOTE_MAX])
{
    size_t n = 0;

    ret[n++] = '"';
    for (size_t i = 0; i < s.len && n < QUOTE_MAX - 8; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '"' || c == '\\')
            ret[n++] = '\\';
        if (c < ' ' || c >= 0x80)
            n += (size_t)snprintf(ret + n, 5, "\\x%02x", c);
        else
            ret[n++] = (char)c;
    }
    ret[n++] = '"';
    ret[n] = '\0';
    return ret;
}

/*
 * Durations.
 */
static int bad_duration(struct str s, struct err *e)
{
    char q[QUOTE_MAX];

    return err_set(e, ERR_INVALID, "time: invalid duration %s", quoted(s, q));
}

static const struct unit {
    const char *name;
    uint64_t ns;
} duration_units[] = {
    {"ns", 1},           {"us", 1000},      {"\xC2\xB5s", 1000}, /* micro sign */
    {"\xCE\xBCs", 1000},                                         /* Greek mu */
    {"ms", 1000000},     {"s", 1000000000}, {"m", 60000000000},  {"h", 3600000000000},
};

static const struct unit *duration_unit(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(duration_units); i++)
        if (str_eqc(name, duration_units[i].name))
            return &duration_units[i];
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits before the point: false when they do not fit. */
static bool take_whole(struct str *s, uint64_t *ret)
{
    *ret = 0;
    for (; s->len && is_digit(s->p[0]); *s = str_from(*s, 1))
        if (__builtin_mul_overflow(*ret, 10u, ret) ||
            __builtin_add_overflow(*ret, (uint64_t)(s->p[0] - '0'), ret))
            return false;
    return *ret <= (uint64_t)INT64_MAX + 1;
}

/* Digits behind the point; what no longer fits is dropped. */
static uint64_t take_fraction(struct str *s, double *ret_scale)
{
    uint64_t v = 0;
    bool full = false;

    *ret_scale = 1;
    for (; s->len && is_digit(s->p[0]); *s = str_from(*s, 1)) {
        full = full || v > ((uint64_t)INT64_MAX - 9) / 10;
        if (full)
            continue;
        v = v * 10 + (uint64_t)(s->p[0] - '0');
        *ret_scale *= 10;
    }
    return v;
}

/* One "1.5h"; `all` is the text as given, for messages. */
static int take_term(struct str *s, struct str all, uint64_t *ret, struct err *e)
{
    char q[QUOTE_MAX], q_unit[QUOTE_MAX];
    const struct unit *unit;
    uint64_t v, fraction = 0;
    size_t before = s->len, n = 0;
    double scale = 1;
    bool any;

    if (!take_whole(s, &v))
        return bad_duration(all, e);
    any = s->len < before;
    if (s->len && s->p[0] == '.') {
        *s = str_from(*s, 1);
        before = s->len;
        fraction = take_fraction(s, &scale);
        any = any || s->len < before;
    }
    if (!any)
        return bad_duration(all, e);
    while (n < s->len && s->p[n] != '.' && !is_digit(s->p[n]))
        n++;
    if (n == 0)
        return err_set(e, ERR_INVALID, "time: missing unit in duration %s", quoted(all, q));
    unit = duration_unit(str_upto(*s, n));
    if (!unit)
        return err_set(e, ERR_INVALID, "time: unknown unit %s in duration %s",
                       quoted(str_upto(*s, n), q_unit), quoted(all, q));
    *s = str_from(*s, n);
    if (__builtin_mul_overflow(v, unit->ns, ret) || *ret > (uint64_t)INT64_MAX + 1)
        return bad_duration(all, e);
    *ret += (uint64_t)((double)fraction * ((double)unit->ns / scale));
    return *ret > (uint64_t)INT64_MAX + 1 ? bad_duration(all, e) : 0;
}

int duration_parse(struct str s, int64_t *ret_ns, struct err *e)
{
    struct str rest = s;
    uint64_t sum = 0, term;
    bool neg = false;
    int r;

    if (rest.len && (rest.p[0] == '-' || rest.p[0] == '+')) {
        neg = rest.p[0] == '-';
        rest = str_from(rest, 1);
    }
    if (str_eqc(rest, "0")) {
        *ret_ns = 0;
        return 0;
    }
    if (rest.len == 0)
        return bad_duration(s, e);
    while (rest.len) {
        r = take_term(&rest, s, &term, e);
        if (r < 0)
            return r;
        sum += term; /* both at most 2^63 */
        if (sum < term || sum > (uint64_t)INT64_MAX + neg)
            return bad_duration(s, e);
    }
    *ret_ns = neg ? (int64_t)(0 - sum) : (int64_t)sum;
    return 0;
}

/* v / scale with up to `digits` decimals, trailing zeros cut. */
static size_t put_decimal(char *to, uint64_t v, uint64_t scale, int digits)
{
    size_t n = (size_t)snprintf(to, 24, "%llu", (unsigned long long)(v / scale));
    uint64_t rest = v % scale;

    if (rest == 0)
        return n;
    n += (size_t)snprintf(to + n, 16, ".%0*llu", digits, (unsigned long long)rest);
    while (to[n - 1] == '0')
        to[--n] = '\0';
    return n;
}

void duration_format(int64_t ns, char *ret)
{
    uint64_t v = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    size_t n = 0;

    if (ns < 0)
        ret[n++] = '-';
    if (v == 0 || v >= (uint64_t)SECOND) {
        uint64_t minutes = v / 60000000000u;

        if (minutes >= 60)
            n += (size_t)snprintf(ret + n, 16, "%lluh", (unsigned long long)minutes / 60);
        if (minutes)
            n += (size_t)snprintf(ret + n, 8, "%um", (unsigned)(minutes % 60));
        n += put_decimal(ret + n, v % 60000000000u, (uint64_t)SECOND, 9);
        snprintf(ret + n, 2, "s");
        return;
    }
    if (v < 1000)
        snprintf(ret + n, 16, "%uns", (unsigned)v);
    else if (v < 1000000)
        snprintf(ret + n + put_decimal(ret + n, v, 1000, 3), 4, "\xC2\xB5s");
    else
        snprintf(ret + n + put_decimal(ret + n, v, 1000000, 6), 4, "ms");
}

/* Whole numbers are seconds. One that would not fit in ns is the largest that does: callers cap
 * it anyway, and may multiply. */
static bool whole_seconds(struct str s, int64_t unit_s, int64_t *ret)
{
    const int64_t max = INT64_MAX / SECOND;
    bool neg = s.len && s.p[0] == '-';
    struct str digits = neg || (s.len && s.p[0] == '+') ? str_from(s, 1) : s;
    int64_t v = max;

    if (digits.len == 0 || digits.len > 19)
        return false;
    for (size_t i = 0; i < digits.len; i++)
        if (!is_digit(digits.p[i]))
            return false;
    if (!str_to_i64(digits, 10, &v))
        return false;
    if (v > max / unit_s)
        v = max;
    else
        v *= unit_s;
    *ret = neg ? -v : v;
    return true;
}

int ttl_parse(struct str s, int64_t *ret_s, struct err *e)
{
    int64_t ns;
    int r;

    if (s.len == 0) {
        *ret_s = 0;
        return 0;
    }
    if (whole_seconds(s, 1, ret_s))
        return 0;
    if (s.p[s.len - 1] == 'd' && whole_seconds(str_upto(s, s.len - 1), DAY_S, ret_s))
        return 0;
    r = duration_parse(s, &ns, e);
    if (r < 0)
        return r;
    *ret_s = ns / SECOND;
    return 0;
}

int ttl_from_json(const struct json *v, int64_t *ret_s, struct err *e)
{
    switch (v ? v->type : JSON_NULL) {
    case JSON_NULL:
        *ret_s = 0;
        return 0;
    case JSON_NUMBER:
    case JSON_STRING:
        return ttl_parse(v->text, ret_s, e);
    default:
        return err_set(e, ERR_INVALID, "could not parse duration from input: got %s",
                       json_type_name(v->type));
    }
}

static void cut_tail(char *text, const char *tail, size_t keep)
{
    size_t n = strlen(text), m = strlen(tail);

    if (n >= m && strcmp(text + n - m, tail) == 0)
        text[n - m + keep] = '\0';
}

void ttl_format_human(int64_t seconds, char *ret)
{
    if (seconds > INT64_MAX / SECOND)
        seconds = INT64_MAX / SECOND;
    if (seconds < INT64_MIN / SECOND)
        seconds = INT64_MIN / SECOND;
    duration_format(seconds * SECOND, ret);
    cut_tail(ret, "m0s", 1);
    cut_tail(ret, "h0m", 1);
}

/*
 * Sizes.
 */
static const struct {
    const char *name;
    double bytes;
} size_units[] = {
    {"", 1},         {"b", 1},        {"k", 1e3},      {"kb", 1e3},     {"m", 1e6},
    {"mb", 1e6},     {"g", 1e9},      {"gb", 1e9},     {"t", 1e12},     {"tb", 1e12},
    {"p", 1e15},     {"pb", 1e15},    {"ki", 0x1p10},  {"kib", 0x1p10}, {"mi", 0x1p20},
    {"mib", 0x1p20}, {"gi", 0x1p30},  {"gib", 0x1p30}, {"ti", 0x1p40},  {"tib", 0x1p40},
    {"pi", 0x1p50},  {"pib", 0x1p50},
};

int size_parse(struct str s, int64_t *ret_bytes, struct err *e)
{
    char q[QUOTE_MAX];
    struct str text = str_trim(s), unit;
    size_t n = 0;
    double v;

    while (n < text.len && (is_digit(text.p[n]) || text.p[n] == '.'))
        n++;
    unit = str_trim(str_from(text, n));
    if (unit.len == 0 && str_to_i64(str_upto(text, n), 10, ret_bytes))
        return 0;
    if (!str_to_double(str_upto(text, n), &v))
        return err_set(e, ERR_INVALID, "invalid size %s: want a number, as in \"10MiB\"",
                       quoted(s, q));
    for (size_t i = 0; i < ARRAY_LEN(size_units); i++) {
        if (!str_eq_nocase(unit, str_of(size_units[i].name)))
            continue;
        v *= size_units[i].bytes;
        if (v >= 0x1p63)
            return err_set(e, ERR_INVALID, "invalid size %s: too large", quoted(s, q));
        *ret_bytes = (int64_t)v;
        return 0;
    }
    return err_set(e, ERR_INVALID, "invalid size %s: unknown unit, want KB, KiB, MB, MiB, ...",
                   quoted(s, q));
}

void size_format_iec(uint64_t bytes, char *ret)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t i = 0;
    double v = (double)bytes;

    if (bytes < 10) {
        snprintf(ret, SIZE_TEXT_SIZE, "%u B", (unsigned)bytes);
        return;
    }
    for (; v >= 1024 && i + 1 < ARRAY_LEN(names); i++)
        v /= 1024;
    v = floor(v * 10 + 0.5) / 10;
    snprintf(ret, SIZE_TEXT_SIZE, "%.*f %s", v < 10 ? 1 : 0, v, names[i]);
}

/*
 * Times.
 */
static int64_t floor_seconds(int64_t ns, uint32_t *ret_rest)
{
    int64_t s = ns / SECOND, rest = ns % SECOND;

    if (rest < 0) {
        rest += SECOND;
        s--;
    }
    *ret_rest = (uint32_t)rest;
    return s;
}

static size_t put_time(char *ret, const struct tm *tm, uint32_t ns)
{
    size_t n = (size_t)snprintf(ret, TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d",
                                tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday, tm->tm_hour,
                                tm->tm_min, tm->tm_sec);

    if (ns) {
        n += (size_t)snprintf(ret + n, TIME_TEXT_SIZE - n, ".%09u", ns);
        while (ret[n - 1] == '0')
            ret[--n] = '\0';
    }
    return n;
}

void time_format_utc(int64_t unix_ns, char *ret)
{
    uint32_t rest;
    time_t s = floor_seconds(unix_ns, &rest);
    struct tm tm;

    gmtime_r(&s, &tm);
    size_t n = put_time(ret, &tm, rest);

    snprintf(ret + n, TIME_TEXT_SIZE - n, "Z");
}

void time_format_local(int64_t unix_ns, char *ret)
{
    uint32_t rest;
    time_t s = floor_seconds(unix_ns, &rest);
    struct tm tm;

    localtime_r(&s, &tm);
    size_t n = put_time(ret, &tm, rest);
    long minutes = tm.tm_gmtoff / 60, size = minutes < 0 ? -minutes : minutes;

    if (minutes == 0)
        snprintf(ret + n, TIME_TEXT_SIZE - n, "Z");
    else
        snprintf(ret + n, TIME_TEXT_SIZE - n, "%c%02ld:%02ld", minutes < 0 ? '-' : '+',
                 size / 60, size % 60);
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar; March-based years put the leap day
 * last. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, in_era = year - era * 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

struct time_reader {
    struct str all, rest;
    struct err *e;
};

static int time_wants(const struct time_reader *t, const char *element)
{
    char q[QUOTE_MAX], q_rest[QUOTE_MAX];

    return err_set(
        t->e, ERR_INVALID,
        "parsing time %s as \"2006-01-02T15:04:05Z07:00\": cannot parse %s as \"%s\"",
        quoted(t->all, q), quoted(t->rest, q_rest), element);
}

static int time_range(const struct time_reader *t, const char *what)
{
    char q[QUOTE_MAX];

    return err_set(t->e, ERR_INVALID, "parsing time %s: %s out of range", quoted(t->all, q),
                   what);
}

static int take_number(struct time_reader *t, size_t n, const char *element, int *ret)
{
    int v = 0;

    for (size_t i = 0; i < n; i++) {
        if (i >= t->rest.len || !is_digit(t->rest.p[i]))
            return time_wants(t, element);
        v = v * 10 + (t->rest.p[i] - '0');
    }
    t->rest = str_from(t->rest, n);
    *ret = v;
    return 0;
}

static int take_char(struct time_reader *t, char c)
{
    const char element[2] = {c, '\0'};

    if (t->rest.len == 0 || t->rest.p[0] != c)
        return time_wants(t, element);
    t->rest = str_from(t->rest, 1);
    return 0;
}

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SEC, PARTS };

static int take_parts(struct time_reader *t, int part[PARTS])
{
    static const struct {
        const char *element, *name;
        char after;
        int min, max;
    } rows[PARTS] = {
        {"2006", "year", '-', 0, 9999}, {"01", "month", '-', 1, 12},
        {"02", "day", 'T', 1, 31},      {"15", "hour", ':', 0, 23},
        {"04", "minute", ':', 0, 59},   {"05", "second", 0, 0, 59},
    };
    int r;

    for (int i = 0; i < PARTS; i++) {
        r = take_number(t, i == YEAR ? 4 : 2, rows[i].element, &part[i]);
        if (r < 0)
            return r;
        if (part[i] < rows[i].min || part[i] > rows[i].max)
            return time_range(t, rows[i].name);
        r = rows[i].after ? take_char(t, rows[i].after) : 0;
        if (r < 0)
            return r;
    }
    return part[DAY] > days_in_month(part[YEAR], part[MONTH]) ? time_range(t, "day") : 0;
}

/* Digits beyond the ninth are dropped. */
static int64_t take_nanoseconds(struct time_reader *t)
{
    int64_t ns = 0, unit = SECOND / 10;

    if (t->rest.len < 2 || t->rest.p[0] != '.' || !is_digit(t->rest.p[1]))
        return 0;
    t->rest = str_from(t->rest, 1);
    for (; t->rest.len && is_digit(t->rest.p[0]); t->rest = str_from(t->rest, 1)) {
        ns += (t->rest.p[0] - '0') * unit;
        unit /= 10;
    }
    return ns;
}

static int take_zone(struct time_reader *t, int64_t *ret_s)
{
    int sign, hours = 0, minutes = 0, r;

    *ret_s = 0;
    if (t->rest.len && t->rest.p[0] == 'Z') {
        t->rest = str_from(t->rest, 1);
        return 0;
    }
    if (t->rest.len == 0 || (t->rest.p[0] != '+' && t->rest.p[0] != '-'))
        return time_wants(t, "Z07:00");
    sign = t->rest.p[0] == '-' ? -1 : 1;
    t->rest = str_from(t->rest, 1);
    r = take_number(t, 2, "Z07:00", &hours);
    r = r < 0 ? r : take_char(t, ':');
    r = r < 0 ? r : take_number(t, 2, "Z07:00", &minutes);
    if (r < 0)
        return r;
    if (hours > 24 || minutes > 59)
        return time_range(t, hours > 24 ? "time zone offset hour" : "time zone offset minute");
    *ret_s = sign * (hours * 3600 + minutes * 60);
    return 0;
}

int time_parse_rfc3339(struct str s, int64_t *ret_unix_ns, struct err *e)
{
    struct time_reader t = {s, s, e};
    char q[QUOTE_MAX], q_rest[QUOTE_MAX];
    int part[PARTS], r;
    int64_t ns, zone, sec;

    r = take_parts(&t, part);
    if (r < 0)
        return r;
    ns = take_nanoseconds(&t);
    r = take_zone(&t, &zone);
    if (r < 0)
        return r;
    if (t.rest.len)
        return err_set(e, ERR_INVALID, "parsing time %s: extra text: %s", quoted(s, q),
                       quoted(t.rest, q_rest));
    sec = days_from_civil(part[YEAR], part[MONTH], part[DAY]) * DAY_S + part[HOUR] * 3600 +
          part[MINUTE] * 60 + part[SEC] - zone;
    /* The first second of the range is left out, so that adding ns cannot wrap. */
    if (sec <= INT64_MIN / SECOND || sec >= INT64_MAX / SECOND)
        return err_set(e, ERR_INVALID, "time %s is outside of the years 1678 to 2261",
                       quoted(s, q));
    *ret_unix_ns = sec * SECOND + ns;
    return 0;
}
