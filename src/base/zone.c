#include "base/zone.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"

#define ZONE_DIR "/usr/share/zoneinfo"
#define ZONE_LOCAL "/etc/localtime"

enum { DAY_S = 86400, HOUR_S = 3600, HEADER_SIZE = 44, OFFSET_MAX_S = 26 * HOUR_S };

/* A day of the year on which a rule changes the offset, and when on it. */
struct rule_day {
    char kind; /* 'M': the week-th wday of a month; 'J': 1-365, no leap day; 'N': 0-365 */
    int month, week, wday, day;
    int32_t time_s; /* on the clock as it was until then */
};

struct rule {
    bool given, has_summer;
    int32_t normal_s, summer_s;
    struct rule_day begins, ends; /* of summer */
};

struct change {
    int64_t at_s;
    int32_t offset_s;
};

struct zone {
    int32_t first_offset_s; /* before the first change */
    struct rule rule;       /* behind the last one */
    size_t n;
    struct change changes[]; /* by time */
};

/* ---- the calendar ----------------------------------------------------------------------- */

/* Years begin in March here, so that the leap day is the last one; 400 years repeat. */
int64_t civil_to_days(int64_t year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1, era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400, from_march = (month + 9) % 12;
    int64_t of_year = (153 * from_march + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t from_march = (5 * of_year + 2) / 153;

    *day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = y + era * 400 + (*month <= 2);
}

int civil_weekday(int64_t days)
{
    return (int)(((days + 4) % 7 + 7) % 7);
}

int civil_month_days(int64_t year, int month)
{
    return (int)(civil_to_days(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) -
                 civil_to_days(year, month, 1));
}

/* ---- the rule of the footer: "CET-1CEST,M3.5.0,M10.5.0/3" ------------------------------- */

static bool take(struct str *s, char c)
{
    if (s->len == 0 || s->p[0] != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}

static bool take_number(struct str *s, int max, int *ret)
{
    int n = 0;
    size_t digits = 0;

    for (; digits < s->len && s->p[digits] >= '0' && s->p[digits] <= '9'; digits++) {
        n = n * 10 + (s->p[digits] - '0');
        if (n > max)
            return false;
    }
    *s = str_from(*s, digits);
    *ret = n;
    return digits > 0;
}

/* "<+03>" or letters. */
static bool skip_name(struct str *s)
{
    size_t n = 0;
    ptrdiff_t end;

    if (take(s, '<')) {
        end = str_chr(*s, '>');
        *s = str_from(*s, end < 0 ? s->len : (size_t)end + 1);
        return end > 0;
    }
    while (n < s->len && ((s->p[n] | 0x20) >= 'a' && (s->p[n] | 0x20) <= 'z'))
        n++;
    *s = str_from(*s, n);
    return n >= 3;
}

/* "-3", "3:30", "167:59:59" */
static bool take_hms(struct str *s, int max_hours, int32_t *ret)
{
    int sign = take(s, '-') ? -1 : 1, h, m = 0, sec = 0;

    if (sign > 0)
        take(s, '+');
    if (!take_number(s, max_hours, &h))
        return false;
    if (take(s, ':') && !take_number(s, 59, &m))
        return false;
    if (take(s, ':') && !take_number(s, 59, &sec))
        return false;
    *ret = sign * (h * HOUR_S + m * 60 + sec);
    return true;
}

static bool take_day(struct str *s, struct rule_day *d)
{
    bool ok;

    *d = (struct rule_day){.kind = 'N', .time_s = 2 * HOUR_S};
    if (take(s, 'M')) {
        d->kind = 'M';
        ok = take_number(s, 12, &d->month) && take(s, '.') && take_number(s, 5, &d->week) &&
             take(s, '.') && take_number(s, 6, &d->wday) && d->month >= 1 && d->week >= 1;
    } else {
        d->kind = take(s, 'J') ? 'J' : 'N';
        ok = take_number(s, 365, &d->day) && !(d->kind == 'J' && d->day == 0);
    }
    return ok && (!take(s, '/') || take_hms(s, 167, &d->time_s));
}

/* The names' signs are west of Greenwich, the offsets' east. */
static bool rule_parse(struct str s, struct rule *r)
{
    int32_t west;

    *r = (struct rule){0};
    if (s.len == 0)
        return true;
    if (!skip_name(&s) || !take_hms(&s, 24, &west))
        return false;
    r->given = true;
    r->normal_s = -west;
    if (s.len == 0)
        return true;
    r->has_summer = true;
    r->summer_s = r->normal_s + HOUR_S;
    if (!skip_name(&s))
        return false;
    if (s.len && s.p[0] != ',') {
        if (!take_hms(&s, 24, &west))
            return false;
        r->summer_s = -west;
    }
    return take(&s, ',') && take_day(&s, &r->begins) && take(&s, ',') &&
           take_day(&s, &r->ends) && s.len == 0;
}

static int64_t rule_day_of(const struct rule_day *d, int64_t year)
{
    int64_t first = civil_to_days(year, 1, 1), day;
    bool leap = civil_month_days(year, 2) == 29;

    if (d->kind == 'N')
        return first + d->day;
    if (d->kind == 'J')
        return first + d->day - 1 + (leap && d->day >= 60);
    first = civil_to_days(year, d->month, 1);
    day = first + (d->wday - civil_weekday(first) + 7) % 7 + 7 * (d->week - 1);
    while (day >= first + civil_month_days(year, d->month))
        day -= 7; /* week 5 is the last one */
    return day;
}

static int by_time(const void *a, const void *b)
{
    const struct change *x = a, *y = b;

    return (x->at_s > y->at_s) - (x->at_s < y->at_s);
}

/* Summer's end of one year may be the very moment of its next begin: the begin counts, so it is
 * put last among equals (the sort's input has the ends first, and six items are sorted by
 * insertion: stably). */
static void rule_span(const struct rule *r, int64_t at_s, struct zone_span *ret)
{
    struct change c[6];
    int64_t year;
    int month, day;

    *ret = (struct zone_span){INT64_MIN, INT64_MAX, r->normal_s};
    if (!r->has_summer)
        return;
    civil_from_days((at_s + r->normal_s) / DAY_S, &year, &month, &day);
    for (int i = 0; i < 3; i++) {
        c[i] = (struct change){rule_day_of(&r->ends, year - 1 + i) * DAY_S + r->ends.time_s -
                                   r->summer_s,
                               r->normal_s};
        c[3 + i] = (struct change){rule_day_of(&r->begins, year - 1 + i) * DAY_S +
                                       r->begins.time_s - r->normal_s,
                                   r->summer_s};
    }
    for (int i = 1; i < 6; i++)
        for (int k = i; k > 0 && by_time(&c[k - 1], &c[k]) > 0; k--) {
            struct change swap = c[k];

            c[k] = c[k - 1];
            c[k - 1] = swap;
        }
    for (int i = 0; i < 6; i++) {
        if (c[i].at_s > at_s) {
            ret->until_s = c[i].at_s;
            break;
        }
        ret->from_s = c[i].at_s;
        ret->offset_s = c[i].offset_s;
    }
}

/* ---- the file --------------------------------------------------------------------------- */

static uint64_t big_endian(const char *p, size_t width)
{
    uint64_t v = 0;

    for (size_t i = 0; i < width; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

struct header {
    char version;
    size_t n_ut, n_std, n_leap, n_change, n_type, n_char;
};

static bool take_header(struct str *s, struct header *h)
{
    size_t *const counts[] = {&h->n_ut,     &h->n_std,  &h->n_leap,
                              &h->n_change, &h->n_type, &h->n_char};

    if (s->len < HEADER_SIZE || memcmp(s->p, "TZif", 4) != 0)
        return false;
    h->version = s->p[4];
    for (size_t i = 0; i < 6; i++)
        *counts[i] = (size_t)big_endian(s->p + 20 + 4 * i, 4);
    *s = str_from(*s, HEADER_SIZE);
    return h->n_change <= ZONE_CHANGES_MAX && h->n_type >= 1 && h->n_type <= 256 &&
           h->n_char <= ZONE_FILE_MAX && h->n_leap == 0 && h->n_ut <= 256 && h->n_std <= 256;
}

static size_t block_size(const struct header *h, size_t width)
{
    return h->n_change * (width + 1) + h->n_type * 6 + h->n_char + h->n_std + h->n_ut;
}

static bool offset_of_type(const char *types, size_t type, int32_t *ret)
{
    int32_t v = (int32_t)(uint32_t)big_endian(types + 6 * type, 4);

    *ret = v;
    return v > -OFFSET_MAX_S && v < OFFSET_MAX_S;
}

static struct zone *zone_of_block(struct str s, const struct header *h, size_t width)
{
    const char *times = s.p, *kinds = times + h->n_change * width, *types = kinds + h->n_change;
    auto_zone struct zone *z = calloc(1, sizeof *z + h->n_change * sizeof z->changes[0]);

    if (!z)
        abort();
    z->n = h->n_change;
    if (!offset_of_type(types, 0, &z->first_offset_s))
        return NULL;
    for (size_t i = 0; i < z->n; i++) {
        struct change *c = &z->changes[i];
        uint64_t at = big_endian(times + i * width, width);

        c->at_s = width == 4 ? (int32_t)(uint32_t)at : (int64_t)at;
        if ((unsigned char)kinds[i] >= h->n_type || (i && c->at_s <= c[-1].at_s) ||
            !offset_of_type(types, (unsigned char)kinds[i], &c->offset_s))
            return NULL;
    }
    return TAKE_PTR(z);
}

int zone_parse(struct str bytes, struct zone **ret, struct err *e)
{
    auto_zone struct zone *z = NULL;
    struct str s = bytes, line;
    size_t width = 4;
    struct header h;

    if (!take_header(&s, &h))
        return err_set(e, ERR_CORRUPT, "no time zone file");
    if (h.version >= '2') { /* the first block is for readers that know no other */
        width = 8;
        s = str_from(s, block_size(&h, 4));
        if (!take_header(&s, &h))
            return err_set(e, ERR_CORRUPT, "time zone file: bad second header");
    }
    if (s.len < block_size(&h, width))
        return err_set(e, ERR_CORRUPT, "time zone file is cut off");
    z = zone_of_block(s, &h, width);
    if (!z)
        return err_set(e, ERR_CORRUPT, "time zone file: bad change");
    s = str_from(s, block_size(&h, width));
    if (width == 8 &&
        (!take(&s, '\n') || !str_split(&s, '\n', &line) || !rule_parse(line, &z->rule)))
        return err_set(e, ERR_CORRUPT, "time zone file: bad rule");
    *ret = TAKE_PTR(z);
    return 0;
}

void zone_free(struct zone *z)
{
    free(z);
}

void zone_span_at(const struct zone *z, int64_t at_s, struct zone_span *ret)
{
    size_t lo = 0, hi = z->n;

    while (lo < hi) { /* the first change behind at_s */
        size_t mid = lo + (hi - lo) / 2;

        if (z->changes[mid].at_s <= at_s)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == z->n && z->rule.given) {
        rule_span(&z->rule, at_s, ret);
        if (z->n && ret->from_s < z->changes[z->n - 1].at_s)
            ret->from_s = z->changes[z->n - 1].at_s;
        return;
    }
    *ret = (struct zone_span){
        .from_s = lo ? z->changes[lo - 1].at_s : INT64_MIN,
        .until_s = lo < z->n ? z->changes[lo].at_s : INT64_MAX,
        .offset_s = lo ? z->changes[lo - 1].offset_s : z->first_offset_s,
    };
}

/* ---- by name ---------------------------------------------------------------------------- */

/* Letters, digits and "+-_" between single slashes: no path that leads elsewhere. */
static bool name_ok(struct str name)
{
    if (name.len > ZONE_NAME_MAX || name.p[0] == '/' || str_ends(name, STR("/")) ||
        str_has(name, STR("//")))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];

        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '+' ||
              c == '-' || c == '_' || c == '/'))
            return false;
    }
    return true;
}

static int read_zone(int dirfd, const char *path, struct zone **ret, struct err *e)
{
    auto_buf struct buf b;
    int r;

    buf_init(&b, ZONE_FILE_MAX);
    r = path_read_file(dirfd, path, &b, e);
    return r < 0 ? r : zone_parse(str_n(b.p, b.len), ret, e);
}

static struct zone *utc(void)
{
    struct zone *z = calloc(1, sizeof *z);

    if (!z)
        abort();
    return z;
}

int zone_load(const char *name, struct zone **ret, struct err *e)
{
    struct err why = ERR_INIT;
    auto_fd int dir = -1;

    if (!name || !*name || strcmp(name, "UTC") == 0) {
        *ret = utc();
        return 0;
    }
    if (strcmp(name, "Local") == 0) {
        if (read_zone(AT_FDCWD, ZONE_LOCAL, ret, &why) < 0)
            *ret = utc(); /* a machine that says nothing */
        return 0;
    }
    if (!name_ok(str_of(name)))
        return err_set(e, ERR_INVALID, "unknown time zone %.*s", ZONE_NAME_MAX, name);
    dir = open(ZONE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || read_zone(dir, name, ret, &why) < 0)
        return err_set(e, ERR_NOTFOUND, "unknown time zone %s", name);
    return 0;
}
