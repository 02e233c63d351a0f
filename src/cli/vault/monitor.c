/* vault monitor: the server's log, as it is written. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"

static const char *log_level = "info", *log_format = "standard";

static const struct flag flags[] = {
    {"log-level", FLAG_STR, &log_level, NULL,
     "trace, debug, info (the default), warn or error"},
    {"log-format", FLAG_STR, &log_format, NULL, "standard (the default) or json"},
};

static bool print_piece(void *arg, struct str data)
{
    (void)arg;
    return fwrite(data.p, 1, data.len, stdout) == data.len && fflush(stdout) == 0;
}

static bool is_level(const char *name)
{
    static const char *const levels[] = {"trace", "debug", "info", "warn", "error"};

    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (str_eq_nocase(str_of(name), str_of(levels[i])))
            return true;
    return false;
}

static int run(struct cli_call *c)
{
    struct remote_request q = {.method = "GET", .path = "sys/monitor", .on_data = print_piece};
    struct remote_reply r;

    if (!is_level(log_level))
        return cli_fail(
            CLI_EXIT_USAGE,
            "%s is an unknown log level. Valid log levels are: [trace debug info warn "
            "error]",
            log_level);
    if (strcmp(log_format, "standard") != 0 && strcmp(log_format, "json") != 0)
        return cli_fail(CLI_EXIT_USAGE, "%s is an unknown log format: use standard or json",
                        log_format);
    q.query = arena_printf(c->arena, "log_format=%s&log_level=%s", log_format, log_level);
    if (remote_do(c, &q, &r) < 0)
        return remote_failed(&r, "Error starting monitor");
    return CLI_EXIT_OK;
}

const struct cli_command cmd_monitor = {
    .name = "monitor",
    .usage = "vault monitor [options]",
    .synopsis = "Follow the server's log",
    .about = "Shows the server's log as it is written, until it is interrupted.",
    .flags = CLI_FLAGS(flags),
    .sets = SET_HTTP,
    .args = {0, 0, "0"},
    .run = run,
};
