#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "t.h"

static struct buf lines;
static int n_lines;

static void collect(void *arg, enum log_level level, struct str line)
{
    (void)arg;
    (void)level;
    buf_put_str(&lines, line);
    n_lines++;
}

/* 2026-11-24T16:00:00.123456Z, lines to the tap only. */
static int log_begin(bool json)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    clock_fake_start(INT64_C(1795536000123456000));
    clock_fake_advance(0);
    buf_done(&lines);
    buf_init(&lines, 1 << 20);
    n_lines = 0;
    log_set_fd(fd);
    log_set_json(json);
    log_set_level(LOG_TRACE);
    log_set_tap(collect, NULL);
    return fd;
}

static void log_end(int fd)
{
    log_set_tap(NULL, NULL);
    log_set_level(LOG_INFO);
    log_set_json(false);
    log_set_fd(2);
    clock_fake_stop();
    close(fd);
    buf_done(&lines);
}

TEST(log_text_has_the_usual_shape_and_one_line_per_event)
{
    int fd = log_begin(false);

    log_info("api", "listening address=%s", "127.0.0.1:8200");
    T_STR_EQ(lines.p,
             "2026-11-24T16:00:00.123Z [INFO]  api: listening address=127.0.0.1:8200\n");
    buf_reset(&lines);
    log_warn("api", "a\nb\tc\x1b[0m\xff");
    T_STR_EQ(lines.p, "2026-11-24T16:00:00.123Z [WARN]  api: a\\nb\\tc\\x1b[0m\\xff\n");
    buf_reset(&lines);
    log_error("store", "caf\xc3\xa9 \"quoted\"");
    T_STR_EQ(lines.p, "2026-11-24T16:00:00.123Z [ERROR] store: caf\xc3\xa9 \"quoted\"\n");
    log_end(fd);
}

TEST(log_json_is_json)
{
    int fd = log_begin(true);

    log_debug("api", "say \"hi\" \\ \n\x01");
    T_STR_EQ(lines.p, "{\"@level\":\"debug\",\"@message\":\"say \\\"hi\\\" \\\\ \\n\\u0001\","
                      "\"@module\":\"api\",\"@timestamp\":\"2026-11-24T16:00:00.123456Z\"}\n");
    buf_reset(&lines);
    log_debug("api", "\xff");
    T_STR_HAS(lines.p, "\"@message\":\"\\ufffd\"");
    log_end(fd);
}

TEST(log_levels_below_the_set_one_are_silent)
{
    int fd = log_begin(false);

    log_set_level(LOG_WARN);
    log_info("api", "quiet");
    T_INT_EQ(n_lines, 0);
    T_FALSE(log_enabled(LOG_INFO));
    log_warn("api", "heard");
    T_INT_EQ(n_lines, 1);
    log_set_level(LOG_OFF);
    log_error("api", "off");
    T_INT_EQ(n_lines, 1);
    log_end(fd);
}

TEST(log_repeats_are_held_back_and_counted)
{
    int fd = log_begin(false);

    for (int i = 0; i < LOG_BURST + 30; i++)
        log_warn("api", "again and again %d", i);
    T_INT_EQ(n_lines, LOG_BURST);
    log_warn("api", "something else");
    T_INT_EQ(n_lines, LOG_BURST + 1);
    buf_reset(&lines);
    clock_fake_advance(INT64_C(1000000000));
    log_info("api", "a third thing");
    T_STR_HAS(lines.p, "[WARN]  api: held back 30 more lines like: again and again %d\n");
    T_STR_HAS(lines.p, "a third thing");
    T_INT_EQ(n_lines, LOG_BURST + 3);
    log_warn("api", "again and again %d", 1);
    T_INT_EQ(n_lines, LOG_BURST + 4);
    log_end(fd);
}

TEST(log_long_lines_are_cut)
{
    int fd = log_begin(false);
    char wide[LOG_LINE_MAX * 2];

    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    log_info("api", "%s", wide);
    T_INT_EQ(n_lines, 1);
    T_TRUE(lines.len < LOG_LINE_MAX + 100);
    T_STR_HAS(lines.p, "ww...\n");
    log_end(fd);
}

TEST(log_lines_reach_the_descriptor)
{
    int fd = log_begin(false), fds[2];
    char got[200] = "";

    T_INT_EQ(pipe(fds), 0);
    log_set_fd(fds[1]);
    log_info("api", "through the pipe");
    T_TRUE(read(fds[0], got, sizeof got - 1) > 0);
    T_STR_HAS(got, "through the pipe\n");
    close(fds[0]);
    close(fds[1]);
    log_end(fd);
}

TEST(log_level_names_are_read_in_any_case)
{
    static const struct {
        const char *text;
        bool ok;
        enum log_level want;
    } rows[] = {
        {"trace", true, LOG_TRACE}, {"DEBUG", true, LOG_DEBUG}, {"Info", true, LOG_INFO},
        {"warn", true, LOG_WARN},   {"ERR", true, LOG_ERROR},   {"error", true, LOG_ERROR},
        {"loud", false, LOG_OFF},   {"", false, LOG_OFF},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].text);
        enum log_level level = LOG_OFF;

        T_INT_EQ(log_level_parse(str_of(rows[i].text), &level), rows[i].ok);
        T_INT_EQ(level, rows[i].want);
    }
}

TEST(log_esc_quotes_and_bounds_what_a_peer_sent)
{
    auto_arena struct arena *a = arena_new(0);
    char wide[600];

    T_STR_EQ(log_esc(a, STR("a\"b\\c\n\x7f")), "\"a\\\"b\\\\c\\n\\x7f\"");
    T_STR_EQ(log_esc(a, STR("x\0y")), "\"x\\x00y\"");
    T_STR_EQ(log_esc(a, STR("\xc3\xa9")), "\"\xc3\xa9\"");
    T_STR_EQ(log_esc(a, STR("\xc3")), "\"\\xc3\"");
    memset(wide, 'x', sizeof wide);
    T_INT_EQ(strlen(log_esc(a, str_n(wide, sizeof wide))), 256 + 5);
    memcpy(wide + 255, "\xc3\xa9", 2); /* not cut in two */
    T_INT_EQ(strlen(log_esc(a, str_n(wide, sizeof wide))), 255 + 5);
}
