/*
 * units -- durations, sizes and times as people and the two APIs write them
 *
 * Errors: ERR_INVALID with Go's texts where clients see them: `time: invalid duration "zz"`,
 * `time: missing unit in duration "10"`, `time: unknown unit "d" in duration "2d3h"`.
 */
#ifndef LANG_UNITS_H
#define LANG_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct buf;
struct json;

/* Go's time.ParseDuration: "1h30m", "-1.5s", "300ms"; ns us µs ms s m h. Result in ns. */
int duration_parse(struct str s, int64_t *ret_ns, struct err *e);
/* Go's Duration.String: "1h30m0s", "1.5s", "300ms", "0s". `ret` holds DURATION_TEXT_SIZE. */
enum { DURATION_TEXT_SIZE = 32 };
void duration_format(int64_t ns, char *ret);

/* Vault's duration fields: number of seconds (JSON or text), Go duration, "1d" (a whole number
 * of days),
 * "" = 0. Result in seconds, fractions cut. */
int ttl_parse(struct str s, int64_t *ret_s, struct err *e);
int ttl_from_json(const struct json *v, int64_t *ret_s, struct err *e);
/* How Vault's command line shows seconds: "768h", "1h30m", "20s"; 0 is "0s". */
void ttl_format_human(int64_t seconds, char *ret); /* DURATION_TEXT_SIZE */

/* "10", "10KiB", "1 MB", "512m": bytes. */
int size_parse(struct str s, int64_t *ret_bytes, struct err *e);
/* Binary prefixes as in Nomad's tables: "300 MiB", "1.2 GiB", "12 B". */
enum { SIZE_TEXT_SIZE = 32 };
void size_format_iec(uint64_t bytes, char *ret);

/* RFC 3339 with up to nine fractional digits, trailing zeros cut (Go's RFC3339Nano). */
enum { TIME_TEXT_SIZE = 48 };
void time_format_utc(int64_t unix_ns, char *ret);   /* ...Z */
void time_format_local(int64_t unix_ns, char *ret); /* with the server's zone, Z when UTC */
int time_parse_rfc3339(struct str s, int64_t *ret_unix_ns, struct err *e);

#endif
