#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/thread.h"

enum {
    LOG_ESC_MAX = 256,
    STAMP_SIZE = 40,
    BURST_SLOTS = 256,
    BURST_PROBES = 8,
    BURST_WINDOW_MS = 1000
};

static const struct {
    const char *text, *name;
} levels[] = {
    [LOG_TRACE] = {"[TRACE]", "trace"}, [LOG_DEBUG] = {"[DEBUG]", "debug"},
    [LOG_INFO] = {"[INFO] ", "info"},   [LOG_WARN] = {"[WARN] ", "warn"},
    [LOG_ERROR] = {"[ERROR]", "error"},
};

static atomic_int min_level = LOG_INFO;
static atomic_int tap_level = LOG_OFF;
static atomic_bool as_json;
static atomic_int out_fd = 2;

/* How often a line was written within its second, by its format string. */
struct burst {
    const char *fmt, *room;
    enum log_level level;
    int64_t start_ms;
    unsigned count, held_back;
};

static struct lock lock = LOCK_INIT("log", RANK_LOG);
static struct burst bursts[BURST_SLOTS];                              /* under lock */
static unsigned slots_holding;                                        /* under lock */
static void (*tap)(void *arg, enum log_level level, struct str line); /* under lock */
static void *tap_arg;                                                 /* under lock */

void log_set_level(enum log_level level)
{
    atomic_store(&min_level, (int)level);
}

bool log_level_parse(struct str text, enum log_level *ret)
{
    if (str_eq_nocase(text, STR("err"))) {
        *ret = LOG_ERROR;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (str_eq_nocase(text, str_of(levels[i].name))) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_json(bool json)
{
    atomic_store(&as_json, json);
}

void log_set_fd(int fd)
{
    atomic_store(&out_fd, fd);
}

void log_set_tap(void (*fn)(void *arg, enum log_level level, struct str line), void *arg)
{
    auto_lock struct lock *held = lock_scope(&lock);

    tap = fn;
    tap_arg = arg;
}

void log_set_tap_level(enum log_level level)
{
    atomic_store(&tap_level, (int)level);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&min_level, memory_order_relaxed) ||
           (int)level >= atomic_load_explicit(&tap_level, memory_order_relaxed);
}

static void put_stamp(struct buf *b, bool micros)
{
    int64_t ns = clock_wall_ns();
    time_t s = ns / 1000000000;
    int us = (int)(ns % 1000000000 / 1000);
    char text[STAMP_SIZE];
    struct tm tm;

    gmtime_r(&s, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (micros)
        buf_printf(b, "%s.%06dZ", text, us);
    else
        buf_printf(b, "%s.%03dZ", text, us / 1000);
}

enum escape { ESC_TEXT, ESC_QUOTED, ESC_JSON };

static void put_escaped_byte(struct buf *b, unsigned char c, enum escape how)
{
    if (how != ESC_TEXT && (c == '"' || c == '\\'))
        buf_printf(b, "\\%c", c);
    else if (c == '\n')
        buf_puts(b, "\\n");
    else if (c == '\t')
        buf_puts(b, "\\t");
    else if (c == '\r')
        buf_puts(b, "\\r");
    else if (how == ESC_JSON && c >= 0x80)
        buf_puts(b, "\\ufffd");
    else if (how == ESC_JSON)
        buf_printf(b, "\\u%04x", c);
    else
        buf_printf(b, "\\x%02x", c);
}

/* Control characters must not end a line or move a terminal, whoever let them in. */
static void put_escaped(struct buf *b, struct str s, enum escape how)
{
    bool utf8 = str_is_utf8(s);

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool quote = how != ESC_TEXT && (c == '"' || c == '\\');

        if (c < 0x20 || c == 0x7F || (c >= 0x80 && !utf8) || quote)
            put_escaped_byte(b, c, how);
        else
            buf_putc(b, (char)c);
    }
}

static void put_line(struct buf *b, enum log_level level, const char *room, struct str msg)
{
    bool json = atomic_load(&as_json);

    if (!json) {
        put_stamp(b, false);
        buf_printf(b, " %s %s: ", levels[level].text, room);
        put_escaped(b, msg, ESC_TEXT);
    } else {
        buf_printf(b, "{\"@level\":\"%s\",\"@message\":\"", levels[level].name);
        put_escaped(b, msg, ESC_JSON);
        buf_printf(b, "\",\"@module\":\"%s\",\"@timestamp\":\"", room);
        put_stamp(b, true);
        buf_puts(b, "\"}");
    }
    buf_putc(b, '\n');
}

/* A logger that fails has nobody to tell; a reader that is slow makes us wait. */
static void write_line(struct str line)
{
    int fd = atomic_load(&out_fd);

    while (line.len) {
        ssize_t n = write(fd, line.p, line.len);

        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};

            (void)poll(&p, 1, -1);
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        line = str_from(line, (size_t)n);
    }
}

static void emit(enum log_level level, const char *room, struct str msg)
{
    auto_buf struct buf b = BUF_INIT(LOG_LINE_MAX * 6 + 256);

    lock_assert_held(&lock);
    put_line(&b, level, room, msg);
    if (!buf_ok(&b))
        return;
    if ((int)level >= atomic_load_explicit(&min_level, memory_order_relaxed))
        write_line(buf_str(&b));
    if (tap)
        tap(tap_arg, level, buf_str(&b));
}

/* Close the second of a slot; a line tells what it held back. */
static void burst_end(struct burst *s)
{
    if (s->held_back) {
        char msg[160];
        int n = snprintf(msg, sizeof msg, "held back %u more lines like: %.80s", s->held_back,
                         s->fmt);

        slots_holding--;
        emit(s->level, s->room,
             str_n(msg, (size_t)n < sizeof msg ? (size_t)n : sizeof msg - 1));
    }
    *s = (struct burst){0};
}

static void burst_end_old(int64_t now_ms)
{
    for (size_t i = 0; slots_holding && i < BURST_SLOTS; i++)
        if (bursts[i].held_back && now_ms - bursts[i].start_ms >= BURST_WINDOW_MS)
            burst_end(&bursts[i]);
}

/* The format's slot, else a free or past one near its place, else the oldest of those. */
static struct burst *burst_of(const char *fmt, int64_t now_ms)
{
    size_t start = ((uintptr_t)fmt * UINT64_C(0x9E3779B97F4A7C15)) >> 56;
    struct burst *best = NULL;

    _Static_assert(BURST_SLOTS == 1 << (64 - 56), "the hash takes the top bits");
    for (size_t i = 0; i < BURST_PROBES; i++) {
        struct burst *s = &bursts[(start + i) % BURST_SLOTS];

        if (s->fmt == fmt && now_ms - s->start_ms < BURST_WINDOW_MS)
            return s;
        if (s->fmt == fmt || !best || (best->fmt != fmt && s->start_ms < best->start_ms))
            best = s;
    }
    burst_end(best);
    *best = (struct burst){.fmt = fmt, .start_ms = now_ms};
    return best;
}

static bool burst_allows(enum log_level level, const char *room, const char *fmt)
{
    int64_t now_ms = clock_mono_ms();
    struct burst *s;

    burst_end_old(now_ms);
    s = burst_of(fmt, now_ms);
    if (++s->count <= LOG_BURST)
        return true;
    if (s->held_back++ == 0) {
        s->level = level;
        s->room = room;
        slots_holding++;
    }
    return false;
}

void log_write(enum log_level level, const char *room, const char *fmt, ...)
{
    char msg[LOG_LINE_MAX];
    int saved = errno;
    va_list ap;
    int n;

    if (!log_enabled(level) || level >= LOG_OFF)
        return;
    va_start(ap, fmt);
    n = vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof msg) {
        n = sizeof msg - 1;
        memcpy(msg + n - 3, "...", 3);
    }
    auto_lock struct lock *held = lock_scope(&lock);

    if (burst_allows(level, room, fmt))
        emit(level, room, str_n(msg, (size_t)n));
    errno = saved;
}

const char *log_esc(struct arena *a, struct str s)
{
    auto_buf struct buf b = BUF_INIT(LOG_ESC_MAX * 4 + 8);
    size_t len = s.len < LOG_ESC_MAX ? s.len : LOG_ESC_MAX;

    while (len < s.len && len > 0 && ((unsigned char)s.p[len] & 0xC0) == 0x80)
        len--; /* do not cut a character in two */
    struct str shown = str_upto(s, len);

    buf_putc(&b, '"');
    put_escaped(&b, shown, ESC_QUOTED);
    buf_puts(&b, s.len > shown.len ? "...\"" : "\"");
    return arena_str(a, buf_str(&b)).p;
}
