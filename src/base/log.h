/*
 * log -- one line per event: time level room: event key=value ...
 *
 * error = an operator must act; warn = degraded, says "..., retrying"; info = once per life of
 * something; debug, trace. Rooms below `api` return errors and log nothing above debug. Peer
 * text goes through log_esc. Equal lines (same format string) are held back above LOG_BURST per
 * second, with one line that counts them.
 *
 * In JSON: {"@level":"info","@message":"...","@module":room,"@timestamp":"..."}.
 * `room` and the format are string literals (they are kept by address).
 *
 * Thread: any.
 * Limits: a message is cut at LOG_LINE_MAX.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/str.h"

enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

enum { LOG_BURST = 20, LOG_LINE_MAX = 4096 };

struct err;
struct arena;

void log_set_level(enum log_level level);
bool log_level_parse(struct str text,
                     enum log_level *ret); /* trace debug info warn err error, any case */
void log_set_json(bool json);
/* Where lines go: a descriptor (default 2), not owned. */
void log_set_fd(int fd);
/* Tests, and `monitor`: each finished line, its '\n' included, also goes to fn; NULL removes
 * it. fn runs under the log's lock: it must not log, and takes only locks of RANK_LOG_TAP. Once
 * log_set_tap has returned, the former one is not running any more. */
void log_set_tap(void (*fn)(void *arg, enum log_level level, struct str line), void *arg);
/* The tap also gets lines from this level on that the log itself leaves out; LOG_OFF: none. */
void log_set_tap_level(enum log_level level);
bool log_enabled(enum log_level level);

void log_write(enum log_level level, const char *room, const char *fmt, ...) PRINTF_LIKE(3, 4);
#define log_trace(room, ...) log_if_(LOG_TRACE, room, __VA_ARGS__)
#define log_debug(room, ...) log_if_(LOG_DEBUG, room, __VA_ARGS__)
#define log_info(room, ...) log_if_(LOG_INFO, room, __VA_ARGS__)
#define log_warn(room, ...) log_if_(LOG_WARN, room, __VA_ARGS__)
#define log_error(room, ...) log_if_(LOG_ERROR, room, __VA_ARGS__)
#define log_if_(level, room, ...)                    \
    do {                                             \
        if (log_enabled(level))                      \
            log_write((level), (room), __VA_ARGS__); \
    } while (0)

/* Text from a peer: quoted, at most 256 bytes ("..." says that it was cut), control characters
 * and what is not UTF-8 escaped. */
const char *log_esc(struct arena *a, struct str s);

#endif
