/*
 * zone -- local time: which offset from UTC holds when
 *
 * A zone is a list of instants at which its offset changes, and a rule for the years behind the
 * last of them (RFC 9636: TZif, version 2 and later, with its footer). Neither the process's TZ
 * nor tzset are looked at, so any thread can convert between any zones.
 *
 * Thread:  any; a zone does not change once it is made.
 * Memory:  zone_free.
 * Errors:  ERR_INVALID (a name that is none), ERR_NOTFOUND (no such zone), ERR_CORRUPT.
 * Limits:  ZONE_FILE_MAX bytes, ZONE_NAME_MAX.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"

struct zone;

enum { ZONE_NAME_MAX = 64, ZONE_FILE_MAX = 64 << 10, ZONE_CHANGES_MAX = 4096 };

/* "", "UTC": without a file; "Local": the machine's; else a name of the zone database. */
int zone_load(const char *name, struct zone **ret, struct err *e);
/* The same from the bytes of a TZif file. */
int zone_parse(struct str bytes, struct zone **ret, struct err *e);
void zone_free(struct zone *z); /* NULL is fine */
DEFINE_AUTO(struct zone *, zone_free)
#define auto_zone AUTO(zone_freep)

/* The longest stretch around `at_s` that is known to have one offset: [from_s, until_s). */
struct zone_span {
    int64_t from_s, until_s; /* Unix time; INT64_MIN, INT64_MAX: open */
    int32_t offset_s;        /* local = UTC + offset */
};
void zone_span_at(const struct zone *z, int64_t at_s, struct zone_span *ret);

/* Days since 1970-01-01 of a date of the Gregorian calendar, and back. month 1-12, day 1-31. */
int64_t civil_to_days(int64_t year, int month, int day);
void civil_from_days(int64_t days, int64_t *year, int *month, int *day);
int civil_weekday(int64_t days); /* 0: Sunday */
int civil_month_days(int64_t year, int month);

#endif
