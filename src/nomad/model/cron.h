/*
 * cron -- when something that recurs is due
 *
 *     [second] minute hour day-of-month month day-of-week [year]
 *
 * Five fields; a sixth is the year behind them, a seventh the second before them. Lists,
 * ranges, steps ("5/15" goes on to the field's end), names of months and days, "?" for "*".
 * Days of the month also "L" (the last), "15W" (the working day nearest to it, of the same
 * month) and "LW"; days of the week also "5L" (the month's last Friday) and "5#3" (its third).
 * Are both day fields given, either is enough. "@hourly" and its like.
 *
 * An instant is due if the zone's clock shows a matching time then. So what falls into an hour
 * that a change to summer time skips does not happen that day, and what falls into the hour
 * that is repeated in autumn happens twice.
 *
 * Thread:  any; pure.
 * Errors:  ERR_INVALID, the message says which field and why.
 * Limits:  CRON_TEXT_MAX; years 1970-2099.
 */
#ifndef NOMAD_MODEL_CRON_H
#define NOMAD_MODEL_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/zone.h"

enum { CRON_TEXT_MAX = 512, CRON_YEAR_FIRST = 1970, CRON_YEAR_LAST = 2099 };

struct cron {
    uint64_t seconds, minutes;      /* one bit each, as in all that follow */
    uint32_t hours, days, months;   /* days from bit 1, months from bit 1 */
    uint32_t near;                  /* days "15W" */
    uint8_t weekdays, last, nth[6]; /* "5L"; nth[3]: "5#3" */
    bool last_day, last_working_day;
    bool any_day, any_weekday; /* the field says nothing */
    uint64_t years[3];         /* from CRON_YEAR_FIRST */
};

int cron_parse(struct str text, struct cron *ret, struct err *e);

#define CRON_NEVER INT64_MAX
/* The first instant behind `after_s` (Unix time) that is due; CRON_NEVER: none is left. */
int64_t cron_next(const struct cron *c, const struct zone *z, int64_t after_s);

/* Of several expressions the first. `zone` NULL: UTC. */
struct crons {
    const struct cron *at;
    size_t len;
    const struct zone *zone;
};
int64_t crons_next(const struct crons *c, int64_t after_s);
/* The last instant that is due in (after_s, until_s]; CRON_NEVER: none is. */
int64_t crons_latest(const struct crons *c, int64_t after_s, int64_t until_s);

#endif
