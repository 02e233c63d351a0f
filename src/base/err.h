/*
 * err -- what went wrong, in a code for the program and a sentence for a person
 *
 * Functions that can fail return int: 0 or positive is good, negative is an ERR_* kind.
 * The details go into a caller-owned `struct err *e`, last parameter, NULL allowed. It is
 * set once at the cause (err_set), given context on the way up (err_wrap puts
 * "context: " in front), and logged or answered once, at the top. On success it is untouched.
 *
 * Memory: never allocates.
 * Limits: a message longer than ERR_MSG_SIZE - 1 is cut and ends in "...".
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/auto.h"

enum err_kind {
    ERR_OK = 0,
#define ERR_KIND(name, status, exit_code, text) name##_INDEX_,
    ERR_INDEX_BASE_ = 0,
#include "base/err_kinds.def"
#undef ERR_KIND
    ERR_KINDS_END_,
#define ERR_KIND(name, status, exit_code, text) name = -(name##_INDEX_),
#include "base/err_kinds.def"
#undef ERR_KIND
};

enum { ERR_MSG_SIZE = 1024 };

struct err {
    int code;   /* an ERR_*, 0 when nothing happened */
    int sys;    /* errno behind it, 0 if none */
    int status; /* HTTP status if it is not the kind's own, else 0 */
    char msg[ERR_MSG_SIZE];
};

#define ERR_INIT \
    {            \
        0        \
    }

/* Set code and message; return `code`, so that `return err_set(...)` reads well. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same with errno: the message ends in ": " and its text. ENOSPC and EDQUOT become
 * ERR_NOSPACE, EMFILE and ENFILE ERR_LIMIT, whatever `code` says. */
int err_set_errno(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same with an HTTP status of its own (the Vault and Nomad APIs are not always regular). */
int err_set_status(struct err *e, int code, int status, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Put "context: " in front of the message. Returns `code`. */
int err_wrap(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

void err_reset(struct err *e);

int err_http_status(const struct err *e); /* e->status or the kind's */
int err_kind_status(int code);
int err_exit_code(int code);
const char *err_kind_text(int code); /* "not found", ... */
const char *err_kind_name(int code); /* "ERR_NOTFOUND", ... */

#endif
