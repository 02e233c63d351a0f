/*
 * lang/regex -- regular expressions whose time is bounded
 *
 * RE2's syntax without \p classes and named groups. Matching takes time in proportion to text
 * and pattern, whatever the pattern is. It searches; ^ and $ anchor.
 *
 * Thread: a compiled pattern is one thread's (it holds the room a match needs).
 * Errors: ERR_INVALID (with Go's texts), ERR_TOOBIG.
 * Limits: below.
 */
#ifndef LANG_REGEX_H
#define LANG_REGEX_H

#include "base/arena.h"
#include "base/str.h"

struct buf;
struct err;
struct regex;

enum {
    REGEX_PATTERN_MAX = 1024,
    REGEX_DEPTH_MAX = 50,      /* groups within each other */
    REGEX_REPEAT_MAX = 1000,   /* {n,m} */
    REGEX_PROGRAM_MAX = 8000,  /* instructions a pattern may become */
    REGEX_STEPS_MAX = 4000000, /* of one match; beyond it nothing matches */
    REGEX_GROUPS_MAX = 100,    /* that one replacement may remember */
};

/* Compiled once for many texts; lives in `a`. */
int regex_compile(struct str pattern, struct arena *a, struct regex **ret, struct err *e);
bool regex_matches(struct regex *re, struct str text);
size_t regex_size(const struct regex *re); /* a match's steps: at most this times the text's */

/* For one text. Why a pattern cannot be used: 0, ERR_INVALID or ERR_TOOBIG. */
int regexp_check(const char *pattern, struct err *e);
bool regexp_matches(const char *pattern, const char *text);

/*
 * Every match replaced, none overlapping, the leftmost and of those the first the pattern
 * prefers. In `with`, $1, ${1} are what a group matched, $0 all of it, $$ a dollar; groups that
 * are not there are nothing. Appends to `out`; *ret_steps grows by what it took. ERR_TOOBIG:
 * more than REGEX_STEPS_MAX.
 */
int regex_replace(struct str pattern, struct str text, struct str with, struct buf *out,
                  uint64_t *ret_steps, struct err *e);

#endif
