/*
 * log_follow -- reading the log while it is written, for `monitor`
 *
 * Each follower has a level of its own (also below the log's) and a buffer; what does not fit
 * is left out, with a line that counts it. Nobody who logs ever waits for a follower.
 *
 * Thread: any; one follower, one thread.
 * Errors: ERR_LIMIT.
 * Limits: LOG_FOLLOWERS_MAX, LOG_FOLLOW_BYTES each.
 */
#ifndef BASE_LOG_FOLLOW_H
#define BASE_LOG_FOLLOW_H

#include "base/buf.h"
#include "base/log.h"

enum { LOG_FOLLOWERS_MAX = 32, LOG_FOLLOW_BYTES = 256 << 10 };

struct log_follower;

int log_follow(enum log_level level, struct log_follower **ret, struct err *e);
/* Moves what has been logged since into `ret` (of LOG_FOLLOW_BYTES or more). False: nothing
 * was, until the deadline (clock_mono_ms). */
bool log_follow_next(struct log_follower *f, int64_t deadline_ms, struct buf *ret);
void log_unfollow(struct log_follower *f); /* NULL is fine */

#endif
