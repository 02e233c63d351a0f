#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *text;
    int status, exit_code;
} kinds[] = {
    [0] = {"ERR_OK", "success", 200, 0},
#define ERR_KIND(name, status, exit_code, text) \
    [name##_INDEX_] = {#name, text, status, exit_code},
#include "base/err_kinds.def"
#undef ERR_KIND
};

static size_t kind_index(int code)
{
    return code < 0 && code > -ERR_KINDS_END_ ? (size_t)-code : 0;
}

static void mark_cut(char *msg, int wanted)
{
    if (wanted >= ERR_MSG_SIZE)
        memcpy(msg + ERR_MSG_SIZE - 4, "...", 4);
}

static void set_msg(struct err *e, int code, int sys, int status, const char *fmt, va_list ap)
{
    char text[ERR_MSG_SIZE]; /* an argument may point into e->msg */

    if (!e)
        return;
    mark_cut(text, vsnprintf(text, sizeof text, fmt, ap));
    memcpy(e->msg, text, sizeof text);
    e->code = code;
    e->sys = sys;
    e->status = status;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set_msg(e, code, 0, 0, fmt, ap);
    va_end(ap);
    return code;
}

int err_set_status(struct err *e, int code, int status, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set_msg(e, code, 0, status, fmt, ap);
    va_end(ap);
    return code;
}

int err_set_errno(struct err *e, int code, const char *fmt, ...)
{
    int sys = errno;
    va_list ap;

    if (sys == ENOSPC || sys == EDQUOT)
        code = ERR_NOSPACE;
    else if (sys == EMFILE || sys == ENFILE)
        code = ERR_LIMIT;
    if (!e)
        return code;

    va_start(ap, fmt);
    set_msg(e, code, sys, 0, fmt, ap);
    va_end(ap);

    size_t len = strlen(e->msg);
    int n = snprintf(e->msg + len, sizeof e->msg - len, ": %s", strerrordesc_np(sys));
    mark_cut(e->msg, (int)len + n);
    return code;
}

int err_wrap(struct err *e, int code, const char *fmt, ...)
{
    char text[ERR_MSG_SIZE];
    va_list ap;
    int n;

    if (!e)
        return code;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < ERR_MSG_SIZE)
        n += snprintf(text + n, sizeof text - (size_t)n, ": %s",
                      e->msg[0] ? e->msg : err_kind_text(code));
    mark_cut(text, n);
    memcpy(e->msg, text, sizeof text);
    e->code = code;
    return code;
}

void err_reset(struct err *e)
{
    if (e) {
        e->code = e->sys = e->status = 0;
        e->msg[0] = '\0';
    }
}

int err_http_status(const struct err *e)
{
    return e->status ? e->status : err_kind_status(e->code);
}

int err_kind_status(int code)
{
    return kinds[kind_index(code)].status;
}

int err_exit_code(int code)
{
    return kinds[kind_index(code)].exit_code;
}

const char *err_kind_text(int code)
{
    return kinds[kind_index(code)].text;
}

const char *err_kind_name(int code)
{
    return kinds[kind_index(code)].name;
}
