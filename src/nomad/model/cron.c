#include "nomad/model/cron.h"

#include <ctype.h>

#include "base/vec.h"

enum { DAY_S = 86400, FIELDS = 7 };

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

static const struct field {
    const char *name;
    int min, max;
    const char *const *names; /* from min on */
    size_t n_names;
} fields[FIELDS] = {
    {"second", 0, 59, NULL, 0},
    {"minute", 0, 59, NULL, 0},
    {"hour", 0, 23, NULL, 0},
    {"day-of-month", 1, 31, NULL, 0},
    {"month", 1, 12, month_names, ARRAY_LEN(month_names)},
    {"day-of-week", 0, 7, day_names, ARRAY_LEN(day_names)},
    {"year", CRON_YEAR_FIRST, CRON_YEAR_LAST, NULL, 0},
};

enum { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, YEAR };

static const struct {
    const char *name, *text;
} macros[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

/* ---- reading ---------------------------------------------------------------------------- */

/* What one field says: bits from 0 on for its values, or for years from the first. */
struct set {
    uint64_t bits[3];
};

static void set_add(struct set *s, int bit)
{
    s->bits[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* A number, or a name: whole, or its first three letters. */
static bool value_of(const struct field *f, struct str s, int *ret)
{
    int64_t n;

    for (size_t i = 0; i < f->n_names; i++) {
        struct str name = str_of(f->names[i]);

        if (str_eq_nocase(s, name) || str_eq_nocase(s, str_upto(name, 3))) {
            *ret = f->min + (int)i;
            return true;
        }
    }
    for (size_t i = 0; i < s.len; i++)
        if (!isdigit((unsigned char)s.p[i]))
            return false;
    if (!str_to_i64(s, 10, &n) || n < f->min || n > f->max)
        return false;
    *ret = (int)n;
    return true;
}

static bool ends_in(struct str s, char letter)
{
    return s.len && toupper((unsigned char)s.p[s.len - 1]) == letter;
}

/* "L", "LW", "15W": 1 if it is one of them, -1 if it ought to be one and is wrong. */
static int day_special(struct cron *c, struct str s)
{
    int day;

    if (str_eq_nocase(s, STR("L"))) {
        c->last_day = true;
        return 1;
    }
    if (str_eq_nocase(s, STR("LW"))) {
        c->last_working_day = true;
        return 1;
    }
    if (!ends_in(s, 'W'))
        return 0;
    if (!value_of(&fields[DAY], str_upto(s, s.len - 1), &day))
        return -1;
    c->near |= UINT32_C(1) << day;
    return 1;
}

/* "5L", "FRI#3"; 1, -1 and 0 as above. */
static int weekday_special(struct cron *c, struct str s)
{
    ptrdiff_t hash = str_chr(s, '#');
    int day;
    int64_t n;

    if (hash >= 0) {
        if (!value_of(&fields[WEEKDAY], str_upto(s, (size_t)hash), &day) ||
            !str_to_i64(str_from(s, (size_t)hash + 1), 10, &n) || n < 1 || n > 5)
            return -1;
        c->nth[n] |= (uint8_t)(1 << day % 7);
        return 1;
    }
    if (!ends_in(s, 'L'))
        return 0;
    if (!value_of(&fields[WEEKDAY], str_upto(s, s.len - 1), &day))
        return -1;
    c->last |= (uint8_t)(1 << day % 7);
    return 1;
}

/* "*", "a", "a-b", each with "/n"; "a/n" goes on to the field's end. */
static bool range_item(const struct field *f, struct str s, struct set *set)
{
    struct str range, low;
    int from = f->min, to = f->max;
    int64_t step = 1;
    bool stepped = str_chr(s, '/') >= 0;

    if (!str_split(&s, '/', &range))
        return false;
    if (stepped && (!str_to_i64(s, 10, &step) || step < 1))
        return false;
    if (!str_eqc(range, "*") && !str_eqc(range, "?")) {
        bool is_range = str_chr(range, '-') >= 0;

        if (!str_split(&range, '-', &low) || !value_of(f, low, &from))
            return false;
        if (is_range && (!value_of(f, range, &to) || to < from))
            return false;
        if (!is_range && !stepped)
            to = from;
    } else if (f == &fields[WEEKDAY]) {
        to = 6; /* Sunday once */
    }
    for (int64_t v = from; v <= to; v += step) {
        int bit = f == &fields[WEEKDAY] ? (int)v % 7
                  : f == &fields[YEAR]  ? (int)v - f->min
                                        : (int)v;

        set_add(set, bit);
        if (step > to)
            break;
    }
    return true;
}

static bool read_item(struct cron *c, size_t field, struct str s, struct set *set)
{
    int special = field == DAY       ? day_special(c, s)
                  : field == WEEKDAY ? weekday_special(c, s)
                                     : 0;

    return special ? special > 0 : range_item(&fields[field], s, set);
}

static void keep(struct cron *c, size_t field, const struct set *set, bool any)
{
    uint64_t low = set->bits[0];

    switch (field) {
    case SECOND:
        c->seconds = low;
        break;
    case MINUTE:
        c->minutes = low;
        break;
    case HOUR:
        c->hours = (uint32_t)low;
        break;
    case DAY:
        c->days = (uint32_t)low;
        c->any_day = any;
        break;
    case MONTH:
        c->months = (uint32_t)low;
        break;
    case WEEKDAY:
        c->weekdays = (uint8_t)low;
        c->any_weekday = any;
        break;
    default:
        for (size_t i = 0; i < 3; i++)
            c->years[i] = set->bits[i];
        break;
    }
}

static int read_field(struct cron *c, size_t field, struct str text, struct err *e)
{
    bool any = str_eqc(text, "*") || str_eqc(text, "?");
    bool good = text.p[text.len - 1] != ',';
    struct str rest = text, item;
    struct set set = {0};

    while (good && str_split(&rest, ',', &item))
        good = read_item(c, field, item, &set);
    if (!good)
        return err_set(e, ERR_INVALID, "syntax error in %s field: '%.*s'", fields[field].name,
                       STR_ARG(text));
    keep(c, field, &set, any);
    return 0;
}

static struct str macro_text(struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(macros); i++)
        if (str_eqc(text, macros[i].name))
            return str_of(macros[i].text);
    return text;
}

static size_t split_fields(struct str text, struct str *ret, size_t max)
{
    struct str word;
    size_t n = 0;

    while (str_split(&text, ' ', &word)) {
        if (word.len == 0)
            continue;
        if (n == max)
            return max + 1;
        ret[n++] = word;
    }
    return n;
}

int cron_parse(struct str text, struct cron *ret, struct err *e)
{
    struct cron c = {.seconds = 1, .years = {UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    struct str words[FIELDS];
    size_t n, first;

    if (text.len > CRON_TEXT_MAX)
        return err_set(e, ERR_INVALID, "longer than %d bytes", CRON_TEXT_MAX);
    n = split_fields(macro_text(str_trim(text)), words, FIELDS);
    if (n < 5)
        return err_set(e, ERR_INVALID, "missing field(s)");
    if (n > FIELDS)
        return err_set(e, ERR_INVALID, "too many fields");
    first = n == FIELDS ? SECOND : MINUTE;
    for (size_t i = 0; i < n; i++) {
        int r = read_field(&c, first + i, words[i], e);

        if (r < 0)
            return r;
    }
    *ret = c;
    return 0;
}

/* ---- which days ------------------------------------------------------------------------- */

struct date {
    int64_t days, year;
    int month, day;
};

/* The working day nearest to `day`, in its month; 0: the month has no such day. */
static int working_day_near(const struct date *d, int day)
{
    int len = civil_month_days(d->year, d->month), wday;

    if (day > len)
        return 0;
    wday = civil_weekday(d->days - d->day + day);
    if (wday == 6)
        return day > 1 ? day - 1 : day + 2;
    if (wday == 0)
        return day < len ? day + 1 : day - 2;
    return day;
}

static bool month_day_due(const struct cron *c, const struct date *d)
{
    int len = civil_month_days(d->year, d->month);

    if (c->days >> d->day & 1)
        return true;
    if (c->last_day && d->day == len)
        return true;
    if (c->last_working_day && d->day == working_day_near(d, len))
        return true;
    for (int day = 1; c->near && day <= 31; day++)
        if ((c->near >> day & 1) && working_day_near(d, day) == d->day)
            return true;
    return false;
}

static bool weekday_due(const struct cron *c, const struct date *d)
{
    int wday = civil_weekday(d->days);

    if (c->weekdays >> wday & 1)
        return true;
    if ((c->last >> wday & 1) && d->day + 7 > civil_month_days(d->year, d->month))
        return true;
    return c->nth[(d->day + 6) / 7] >> wday & 1;
}

static bool day_due(const struct cron *c, const struct date *d)
{
    if (c->any_day && c->any_weekday)
        return true;
    if (c->any_day)
        return weekday_due(c, d);
    if (c->any_weekday)
        return month_day_due(c, d);
    return month_day_due(c, d) || weekday_due(c, d);
}

static bool year_due(const struct cron *c, int64_t year)
{
    int64_t bit = year - CRON_YEAR_FIRST;

    return year >= CRON_YEAR_FIRST && year <= CRON_YEAR_LAST &&
           (c->years[bit / 64] >> (bit % 64) & 1);
}

/* ---- the next one ----------------------------------------------------------------------- */

/* The lowest bit from `from` on, -1: none. */
static int bit_from(uint64_t bits, int from)
{
    bits = from > 63 ? 0 : bits >> from << from;
    return bits ? __builtin_ctzll(bits) : -1;
}

/* The first due second of a day from `from` on, -1: none. */
static int64_t second_of_day(const struct cron *c, int64_t from)
{
    int h = (int)(from / 3600), m = (int)(from / 60 % 60), s = (int)(from % 60);
    int hour = bit_from(c->hours, h), minute, second;

    if (hour < 0)
        return -1;
    if (hour > h)
        m = s = 0;
    minute = bit_from(c->minutes, m);
    if (minute < 0)
        return hour < 23 ? second_of_day(c, (hour + 1) * 3600) : -1;
    if (minute > m)
        s = 0;
    second = bit_from(c->seconds, s);
    if (second >= 0)
        return hour * 3600 + minute * 60 + second;
    from = hour * 3600 + (minute + 1) * 60;
    return from < DAY_S ? second_of_day(c, from) : -1;
}

/* Days on which nothing can be due are passed a month or a year at a time. */
static int64_t skip_to(const struct cron *c, const struct date *d)
{
    if (!year_due(c, d->year))
        return civil_to_days(d->year + 1, 1, 1);
    if (!(c->months >> d->month & 1))
        return d->days - d->day + 1 + civil_month_days(d->year, d->month);
    return day_due(c, d) ? d->days : d->days + 1;
}

static int64_t floor_days(int64_t s)
{
    return (s >= 0 ? s : s - (DAY_S - 1)) / DAY_S;
}

/* On a clock that neither jumps nor repeats: the first due time in [from, until). */
static int64_t next_local(const struct cron *c, int64_t from, int64_t until)
{
    struct date d = {.days = floor_days(from)};

    while (d.days * DAY_S < until) {
        int64_t next, second;

        civil_from_days(d.days, &d.year, &d.month, &d.day);
        if (d.year > CRON_YEAR_LAST)
            return CRON_NEVER;
        next = skip_to(c, &d);
        if (next != d.days) {
            d.days = next;
            continue;
        }
        second = second_of_day(c, from > d.days * DAY_S ? from - d.days * DAY_S : 0);
        if (second >= 0)
            return d.days * DAY_S + second < until ? d.days * DAY_S + second : CRON_NEVER;
        d.days++;
    }
    return CRON_NEVER;
}

/* Stretch by stretch of one offset: in each the clock runs evenly. */
int64_t cron_next(const struct cron *c, const struct zone *z, int64_t after_s)
{
    int64_t end = civil_to_days(CRON_YEAR_LAST + 1, 1, 2) * DAY_S, at;

    if (after_s >= end)
        return CRON_NEVER;
    at = after_s < 0 ? -DAY_S : after_s + 1; /* nothing is due before 1970 anywhere */
    while (at < end) {
        struct zone_span span = {.until_s = end};
        int64_t until, found;

        if (z)
            zone_span_at(z, at, &span);
        until = span.until_s < end ? span.until_s : end;
        found = next_local(c, at + span.offset_s, until + span.offset_s);
        if (found != CRON_NEVER)
            return found - span.offset_s;
        at = until;
    }
    return CRON_NEVER;
}

int64_t crons_next(const struct crons *c, int64_t after_s)
{
    int64_t first = CRON_NEVER;

    for (size_t i = 0; i < c->len; i++) {
        int64_t t = cron_next(&c->at[i], c->zone, after_s);

        if (t < first)
            first = t;
    }
    return first;
}

/* Halving what is left: something is due behind `lo`, nothing behind `hi`. */
int64_t crons_latest(const struct crons *c, int64_t after_s, int64_t until_s)
{
    int64_t lo = crons_next(c, after_s), hi = until_s;

    if (lo > until_s)
        return CRON_NEVER;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2, next = crons_next(c, mid);

        if (next <= hi)
            lo = next;
        else if (mid == lo)
            return lo;
        else
            hi = mid;
    }
    return lo;
}
