#include <ctype.h>
#include <unistd.h>

#include "nomad/model/validate.h"

/*
 * Cron expressions: 5 fields, 6 with a year behind, 7 with seconds in front; or a macro.
 */
struct cron_field {
    int min, max;
    const char *names; /* three letters each, from min on */
};

static const struct cron_field cron_fields[] = {
    {0, 59, ""},
    {0, 59, ""},
    {0, 23, ""},
    {1, 31, ""},
    {1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {0, 7, "sunmontuewedthufrisat"},
    {1970, 2099, ""},
};

static bool cron_number(const struct cron_field *f, struct str s, int64_t *ret)
{
    for (size_t i = 0; f->names[i]; i += 3)
        if (str_eq_nocase(s, str_n(f->names + i, 3))) {
            *ret = f->min + (int)(i / 3);
            return true;
        }
    return str_to_i64(s, 10, ret) && *ret >= f->min && *ret <= f->max;
}

/* "*", "?", "5", "1-5", each with "/n"; "L", "15W", "5#3", "5L" in the two day fields. */
static bool cron_item(size_t field, struct str s)
{
    const struct cron_field *f = &cron_fields[field];
    struct str range, low;
    int64_t a, b, n;

    if (s.len == 0 || !str_split(&s, '/', &range))
        return false;
    if (s.len && (!str_to_i64(s, 10, &n) || n < 1))
        return false;
    if (str_eqc(range, "*") || str_eqc(range, "?"))
        return true;
    if ((field == 3 || field == 5) && range.len) {
        char last = (char)toupper((unsigned char)range.p[range.len - 1]);
        ptrdiff_t hash = str_chr(range, '#');

        if (range.len == 1 && last == 'L')
            return true;
        if (last == 'L' || last == 'W')
            return str_eq_nocase(range, STR("LW")) ||
                   cron_number(f, str_upto(range, range.len - 1), &a);
        if (hash > 0)
            return cron_number(f, str_upto(range, (size_t)hash), &a) &&
                   str_to_i64(str_from(range, (size_t)hash + 1), 10, &n) && n >= 1 && n <= 5;
    }
    if (!str_split(&range, '-', &low) || !cron_number(f, low, &a))
        return false;
    return range.len == 0 || (cron_number(f, range, &b) && a <= b);
}

static size_t cron_split(struct str spec, struct str *fields, size_t max)
{
    struct str word;
    size_t n = 0;

    while (str_split(&spec, ' ', &word)) {
        if (word.len == 0)
            continue;
        if (n == max)
            return max + 1;
        fields[n++] = word;
    }
    return n;
}

/* NULL when it is one. */
static const char *cron_problem(const char *spec, struct arena *a)
{
    static const char *const macros[] = {"@yearly", "@annually", "@monthly", "@weekly",
                                         "@daily",  "@midnight", "@hourly"};
    struct str fields[7];
    size_t n, first;

    for (size_t i = 0; i < ARRAY_LEN(macros); i++)
        if (same(spec, macros[i]))
            return NULL;
    n = cron_split(str_of(spec), fields, ARRAY_LEN(fields));
    if (n < 5)
        return "missing field(s)";
    if (n > 7)
        return "too many fields";
    first = n == 7 ? 0 : 1;
    for (size_t i = 0; i < n; i++) {
        struct str rest = fields[i], item;

        while (str_split(&rest, ',', &item))
            if (!cron_item(first + i, item))
                return arena_printf(a, "syntax error in field %zu: '%.*s'", i + 1,
                                    STR_ARG(fields[i]));
    }
    return NULL;
}

/* A name as in the zone database: no path that leads elsewhere. Whether the zone exists is
 * known where the job runs. */
static bool zone_name_ok(const char *zone)
{
    static const char *const areas[] = {"Africa/", "America/",  "Antarctica/", "Arctic/",
                                        "Asia/",   "Atlantic/", "Australia/",  "Europe/",
                                        "Indian/", "Pacific/",  "Etc/",        "US/",
                                        "Canada/", "Mexico/",   "Brazil/",     "Chile/"};

    if (strstr(zone, "..") || !str_is_printable(str_of(zone)))
        return false;
    if (!strchr(zone, '/'))
        return true; /* "UTC", "Local", "CET", ... */
    for (size_t i = 0; i < ARRAY_LEN(areas); i++)
        if (str_starts(str_of(zone), str_of(areas[i])))
            return true;
    return false;
}

static void validate_specs(const struct periodic *pd, struct problem_list *p)
{
    const char *why;

    if (!empty(pd->spec) && pd->specs.len) {
        bad(p, "Only cron or crons may be used");
        return;
    }
    if (empty(pd->spec) && pd->specs.len == 0)
        bad(p, "Must specify a spec");
    if (!empty(pd->spec) && (why = cron_problem(pd->spec, p->arena)))
        bad(p, "Invalid cron spec \"%s\": %s", pd->spec, why);
    list_each (&pd->specs, it)
        if ((why = cron_problem(*it, p->arena)))
            bad(p, "Invalid cron spec \"%s\": %s", *it, why);
}

void validate_periodic(const struct job *j, struct problem_list *p)
{
    const struct periodic *pd = j->periodic;
    struct problem_list inner = below(p);

    if (!pd || !OPT(pd->enabled))
        return;
    if (!same(j->type, "batch") && !same(j->type, "sysbatch")) {
        bad(p, "Periodic can only be used with \"batch\" or \"sysbatch\" scheduler");
        return;
    }
    if (!same(pd->spec_type, "cron") && !same(pd->spec_type, "_internal_test"))
        bad(&inner, "Unknown periodic specification type \"%s\"", pd->spec_type);
    else
        validate_specs(pd, &inner);
    if (!empty(pd->time_zone) && !zone_name_ok(pd->time_zone))
        bad(&inner, "Invalid time zone \"%s\": unknown time zone %s", pd->time_zone,
            pd->time_zone);
    bad_below(p, &inner, "%s", "");
}
