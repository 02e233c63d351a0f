#include "nomad/model/cron.h"
#include "nomad/model/validate.h"

/* NULL when it is one. */
static const char *cron_problem(const char *spec, struct arena *a)
{
    struct err why = ERR_INIT;
    struct cron c;

    return cron_parse(str_of(spec), &c, &why) < 0 ? arena_strdup(a, why.msg) : NULL;
}

/* A name as in the zone database: no path that leads elsewhere. Whether the zone exists is
 * asked where the database is (job_limits). */
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

    if (pd->specs.len > JOB_CRONS_MAX)
        bad(p, "Too many cron specs: %zu > %d", pd->specs.len, JOB_CRONS_MAX);
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

static bool zone_ok(const struct job_limits *lim, const char *zone)
{
    return zone_name_ok(zone) && (!lim->zone_known || lim->zone_known(zone));
}

void validate_periodic(const struct job *j, const struct job_limits *lim,
                       struct problem_list *p)
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
    if (!empty(pd->time_zone) && !zone_ok(lim, pd->time_zone))
        bad(&inner, "Invalid time zone \"%s\": unknown time zone %s", pd->time_zone,
            pd->time_zone);
    bad_below(p, &inner, "%s", "");
}
