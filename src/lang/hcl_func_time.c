/* Functions of times: RFC 3339 texts, their offset kept. */
#include "base/err.h"
#include "lang/hcl_eval_priv.h"
#include "lang/hcl_funcs.h"
#include "lang/units.h"

enum { DAY_S = 86400, YEAR_MAX = 9999 };

struct stamp {
    int year, month, day, hour, minute, second;
    int32_t nanos;
    int offset_s; /* east of UTC */
};

/* Days since 1970-01-01 of the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, struct stamp *t)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097,
            of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;

    t->day = (int)(of_year - (153 * m + 2) / 5 + 1);
    t->month = (int)(m < 10 ? m + 3 : m - 9);
    t->year = (int)(y + era * 400 + (t->month <= 2));
}

static int days_in(int year, int month)
{
    int next = month == 12 ? 1 : month + 1;

    return (int)(days_of(month == 12 ? year + 1 : year, next, 1) - days_of(year, month, 1));
}

/*
 * Reading. What is wrong is told as users know it: what stood where which part was expected.
 */

struct reader {
    struct arena *arena;
    struct str rest;
    const char *why; /* NULL: fine so far */
};

static void wrong(struct reader *r, const char *what)
{
    if (r->why)
        return;
    r->why = r->rest.len == 0
                 ? arena_printf(r->arena, "end of string before %s", what)
                 : arena_printf(r->arena, "cannot use \"%.*s\" as %s", STR_ARG(r->rest), what);
}

static int read_part(struct reader *r, size_t digits, int lo, int hi, const char *what)
{
    int v = 0;

    if (r->why)
        return lo;
    for (size_t i = 0; i < digits; i++) {
        char ch = i < r->rest.len ? r->rest.p[i] : '\0';

        if (ch < '0' || ch > '9') {
            wrong(r, what);
            return lo;
        }
        v = v * 10 + (ch - '0');
    }
    if (v < lo || v > hi) {
        r->why = arena_printf(r->arena, "%s out of range", what);
        return lo;
    }
    r->rest = str_from(r->rest, digits);
    return v;
}

static void read_mark(struct reader *r, char mark)
{
    if (r->why)
        return;
    if (r->rest.len > 0 && r->rest.p[0] == mark)
        r->rest = str_from(r->rest, 1);
    else if (mark == 'T')
        r->why = "missing required time introducer 'T'";
    else if (r->rest.len == 0)
        r->why = arena_printf(r->arena, "end of string where \"%c\" is expected", mark);
    else
        r->why = arena_printf(r->arena, "found \"%.*s\" where \"%c\" is expected",
                              STR_ARG(r->rest), mark);
}

static int32_t read_fraction(struct reader *r)
{
    int32_t v = 0, unit = 100000000;
    size_t n = 1;

    if (r->why || r->rest.len < 2 || (r->rest.p[0] != '.' && r->rest.p[0] != ','))
        return 0;
    for (; n < r->rest.len && r->rest.p[n] >= '0' && r->rest.p[n] <= '9'; n++) {
        v += (r->rest.p[n] - '0') * unit;
        unit /= 10;
    }
    r->rest = str_from(r->rest, n);
    return v;
}

static int read_offset(struct reader *r)
{
    char sign = r->rest.len > 0 ? r->rest.p[0] : '\0';
    int h, m;

    if (r->why)
        return 0;
    if (sign == 'Z') {
        r->rest = str_from(r->rest, 1);
        return 0;
    }
    if (sign != '+' && sign != '-') {
        wrong(r, "UTC offset");
        return 0;
    }
    r->rest = str_from(r->rest, 1);
    h = read_part(r, 2, 0, 24, "UTC offset");
    read_mark(r, ':');
    m = read_part(r, 2, 0, 59, "UTC offset");
    return (sign == '-' ? -60 : 60) * (h * 60 + m);
}

/* NULL: fine. */
static const char *parse_stamp(struct str s, struct arena *a, struct stamp *t)
{
    struct reader r = {.arena = a, .rest = s};

    t->year = read_part(&r, 4, 0, YEAR_MAX, "year");
    read_mark(&r, '-');
    t->month = read_part(&r, 2, 1, 12, "month");
    read_mark(&r, '-');
    t->day = read_part(&r, 2, 1, 31, "day of month");
    read_mark(&r, 'T');
    t->hour = read_part(&r, 2, 0, 23, "hour");
    read_mark(&r, ':');
    t->minute = read_part(&r, 2, 0, 59, "minute");
    read_mark(&r, ':');
    t->second = read_part(&r, 2, 0, 59, "second");
    t->nanos = read_fraction(&r);
    t->offset_s = read_offset(&r);
    if (!r.why && r.rest.len > 0)
        r.why =
            arena_printf(a, "extra characters after the timestamp: \"%.*s\"", STR_ARG(r.rest));
    if (!r.why && t->day > days_in(t->year, t->month))
        r.why = "day of month out of range";
    return r.why ? arena_printf(a, "not a valid RFC3339 timestamp: %s", r.why) : NULL;
}

/*
 * timeadd
 */

static void put_offset(struct buf *b, int offset_s, const char *colon)
{
    int m = (offset_s < 0 ? -offset_s : offset_s) / 60;

    buf_printf(b, "%c%02d%s%02d", offset_s < 0 ? '-' : '+', m / 60, colon, m % 60);
}

static void put_zone(struct buf *b, int offset_s)
{
    if (offset_s == 0)
        buf_putc(b, 'Z');
    else
        put_offset(b, offset_s, ":");
}

static struct json *fn_timeadd(const struct hcl_func_call *c)
{
    auto_buf struct buf b = BUF_INIT(256);
    struct stamp t;
    struct err e = ERR_INIT;
    int64_t ns, s, days;
    const char *why = parse_stamp(c->args[0]->text, c->arena, &t);

    if (why)
        return hcl_call_failed(c, "%s", why);
    if (duration_parse(c->args[1]->text, &ns, &e) < 0)
        return hcl_call_failed(c, "%s", e.msg);
    s = days_of(t.year, t.month, t.day) * DAY_S + t.hour * 3600 + t.minute * 60 + t.second;
    s += ns / 1000000000;
    ns = ns % 1000000000 + t.nanos;
    s += ns >= 1000000000 ? 1 : ns < 0 ? -1 : 0;
    days = s / DAY_S - (s % DAY_S < 0);
    s -= days * DAY_S;
    date_of(days, &t);
    if (t.year < 0 || t.year > YEAR_MAX)
        return hcl_call_failed(c, "the result is out of the range of years");
    buf_printf(&b, "%04d-%02d-%02dT%02d:%02d:%02d", t.year, t.month, t.day, (int)(s / 3600),
               (int)(s / 60 % 60), (int)(s % 60));
    put_zone(&b, t.offset_s);
    return hcl_call_text(c, &b);
}

/*
 * formatdate
 */

static const char *const months[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};

static const char *const weekdays[] = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

/* One or two digits, as many letters as the verb has. */
static bool put_two(struct buf *b, size_t n, int v)
{
    if (n > 2)
        return false;
    buf_printf(b, n == 2 ? "%02d" : "%d", v);
    return true;
}

/* The name, cut to three letters for three. */
static bool put_name(struct buf *b, size_t n, const char *name)
{
    if (n != 3 && n != 4)
        return false;
    buf_put_str(b, str_upto(str_of(name), n == 3 ? 3 : SIZE_MAX));
    return true;
}

static bool put_year(struct buf *b, const struct stamp *t, size_t n)
{
    if (n != 2 && n != 4)
        return false;
    buf_printf(b, n == 2 ? "%02d" : "%04d", n == 2 ? t->year % 100 : t->year);
    return true;
}

static bool put_utc(struct buf *b, const struct stamp *t, size_t n)
{
    if (n == 1)
        put_zone(b, t->offset_s);
    else if (n == 3 && t->offset_s == 0)
        buf_puts(b, "UTC");
    else if (n >= 3 && n <= 5)
        put_offset(b, t->offset_s, n == 5 ? ":" : "");
    else
        return false;
    return true;
}

/* "", or why the verb is none; NULL: no such letter. */
static const char *put_verb(struct buf *b, const struct stamp *t, char letter, size_t n)
{
    int64_t weekday = (days_of(t->year, t->month, t->day) % 7 + 11) % 7;
    int h12 = t->hour % 12 ? t->hour % 12 : 12;
    bool pm = t->hour >= 12;

    switch (letter) {
    case 'Y':
        return put_year(b, t, n) ? "" : ": year must either be \"YY\" or \"YYYY\"";
    case 'M':
        return n <= 2 ? (put_two(b, n, t->month), "")
               : put_name(b, n, months[t->month - 1])
                   ? ""
                   : ": month must be \"M\", \"MM\", \"MMM\", or \"MMMM\"";
    case 'D':
        return put_two(b, n, t->day) ? "" : ": day of month must either be \"D\" or \"DD\"";
    case 'E':
        return put_name(b, n, weekdays[weekday])
                   ? ""
                   : ": day of week must either be \"EEE\" or \"EEEE\"";
    case 'h':
        return put_two(b, n, t->hour) ? "" : ": 24-hour must either be \"h\" or \"hh\"";
    case 'H':
        return put_two(b, n, h12) ? "" : ": 12-hour must either be \"H\" or \"HH\"";
    case 'A':
    case 'a':
        if (n != 2)
            return letter == 'A' ? ": must be \"AA\"" : ": must be \"aa\"";
        buf_puts(b, letter == 'A' ? (pm ? "PM" : "AM") : (pm ? "pm" : "am"));
        return "";
    case 'm':
        return put_two(b, n, t->minute) ? "" : ": minute must either be \"m\" or \"mm\"";
    case 's':
        return put_two(b, n, t->second) ? "" : ": second must either be \"s\" or \"ss\"";
    case 'Z':
        return put_utc(b, t, n) ? "" : ": timezone must be Z, ZZZ, ZZZZ, or ZZZZZ";
    default:
        return NULL;
    }
}

/* At a quote: text up to the next one; two of them are one. 0: not closed. */
static size_t put_quoted(struct buf *b, struct str s)
{
    size_t i = 1;

    for (; i < s.len; i++) {
        if (s.p[i] != '\'') {
            buf_putc(b, s.p[i]);
            continue;
        }
        if (i + 1 >= s.len || s.p[i + 1] != '\'')
            return i + 1;
        buf_putc(b, s.p[i++]);
    }
    return 0;
}

static struct json *fn_formatdate(const struct hcl_func_call *c)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    struct str f = c->args[0]->text;
    struct stamp t;
    const char *why = parse_stamp(c->args[1]->text, c->arena, &t);

    if (why)
        return hcl_arg_invalid(c, 1, "%s", why);
    for (size_t n; f.len > 0; f = str_from(f, n)) {
        char ch = f.p[0];

        n = 1;
        if (ch == '\'') {
            n = put_quoted(&b, f);
            if (n == 0)
                return hcl_arg_invalid(c, 0, "unterminated literal '");
        } else if ((ch | 32) >= 'a' && (ch | 32) <= 'z') {
            while (n < f.len && f.p[n] == ch)
                n++;
            why = put_verb(&b, &t, ch, n);
            if (!why || *why)
                return hcl_arg_invalid(c, 0, "invalid date format verb \"%.*s\"%s", (int)n, f.p,
                                       why ? why : "");
        } else {
            buf_putc(&b, ch);
        }
    }
    return hcl_call_text(c, &b);
}

void hcl_funcs_times(struct map *funcs)
{
    static const struct hcl_function rows[] = {
        {"formatdate", fn_formatdate, {{"format", HCL_STRING}, {"time", HCL_STRING}}},
        {"timeadd", fn_timeadd, {{"timestamp", HCL_STRING}, {"duration", HCL_STRING}}},
    };

    hcl_funcs_add_rows(funcs, rows, ARRAY_LEN(rows));
}
