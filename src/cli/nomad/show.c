/* Values, times and lists as Nomad's command line shows them. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/common/text.h"
#include "cli/nomad/nomad_priv.h"
#include "cli/nomad/template.h"
#include "lang/units.h"

const struct json *at(const struct json *v, const char *dotted)
{
    return !v || !*dotted ? v : json_path(v, dotted);
}

const char *text_at(struct cli_call *c, const struct json *v, const char *dotted)
{
    const struct json *x = at(v, dotted);

    if (!x || x->type == JSON_NULL)
        return "";
    return x->type == JSON_STRING || x->type == JSON_NUMBER ? arena_cstr(c->arena, x->text)
                                                            : text_go_cstr(c->arena, x);
}

int64_t number_at(const struct json *v, const char *dotted)
{
    return json_i64_or(at(v, dotted), 0);
}

bool bool_at(const struct json *v, const char *dotted)
{
    return json_bool_or(at(v, dotted), false);
}

size_t count_of(const struct json *v)
{
    return v && (v->type == JSON_ARRAY || v->type == JSON_OBJECT) ? v->len : 0;
}

const char *short_id(struct cli_call *c, const char *id, bool verbose)
{
    return verbose ? id : arena_cstr(c->arena, str_upto(str_of(id), SHORT_ID));
}

int64_t time_at(const struct json *v, const char *dotted)
{
    const struct json *x = at(v, dotted);
    int64_t ns = 0;

    if (!x)
        return 0;
    if (x->type == JSON_NUMBER)
        return json_i64_or(x, 0);
    if (x->type == JSON_STRING && time_parse_rfc3339(x->text, &ns, NULL) == 0 && ns > 0)
        return ns;
    return 0;
}

const char *time_text(struct cli_call *c, int64_t unix_ns)
{
    char text[TIME_TEXT_SIZE];

    if (unix_ns <= 0)
        return "N/A";
    time_format_local(unix_ns / 1000000000 * 1000000000, text);
    return arena_strdup(c->arena, text);
}

/* The two greatest units; a day has 24 hours, a month 30 days, a year 12 months. */
const char *ago(struct cli_call *c, int64_t unix_ns)
{
    static const struct {
        const char *unit;
        int64_t seconds;
    } units[] = {{"y", 31104000}, {"mo", 2592000}, {"d", 86400},
                 {"h", 3600},     {"m", 60},       {"s", 1}};
    int64_t left = (clock_wall_ns() - unix_ns) / 1000000000;
    bool future = left < 0;
    const char *text = "";
    int shown = 0;

    if (unix_ns == 0)
        return "";
    left = future ? -left : left;
    for (size_t i = 0; i < ARRAY_LEN(units) && shown < 2; i++) {
        int64_t n = left / units[i].seconds;

        if (n == 0 && shown == 0)
            continue;
        left -= n * units[i].seconds;
        shown++;
        if (n)
            text = pathf(c, "%s%lld%s", text, (long long)n, units[i].unit);
    }
    if (!*text)
        text = "0s";
    return pathf(c, "%s %s", text, future ? "from now" : "ago");
}

const char *bytes_text(struct cli_call *c, double n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;

    for (; n >= 1024 && u + 1 < ARRAY_LEN(units); u++)
        n /= 1024;
    return u && n < 10 ? pathf(c, "%.1f %s", n, units[u]) : pathf(c, "%.0f %s", n, units[u]);
}

void print_kv(struct cli_call *c, const struct kv_line *lines, size_t n)
{
    struct table t = {.arena = c->arena, .glue = " = ", .empty = "<none>"};

    for (size_t i = 0; i < n; i++)
        if (lines[i].key)
            table_add(&t, lines[i].key, lines[i].value, NULL);
    table_print(&t, stdout);
}

static void print_go_json(const struct json *v)
{
    struct buf b = BUF_INIT(PRINT_MAX);
    struct json_out w;

    json_out_init(&w, &b, "    ");
    w.escape_html = true;
    json_value(&w, v);
    printf("%.*s\n", STR_ARG(buf_str(&b)));
    buf_done(&b);
}

int print_as_asked(struct cli_call *c, const struct json *v, bool as_json, const char *tmpl,
                   int *ret)
{
    struct buf b = BUF_INIT(PRINT_MAX);
    struct err e = ERR_INIT;

    *ret = CLI_EXIT_OK;
    if (as_json && tmpl) {
        *ret = cli_fail(NOMAD_EXIT_FAILED, "Both json and template formatting are not allowed");
        return 1;
    }
    if (as_json)
        print_go_json(v);
    if (!tmpl)
        return as_json;
    if (template_print(tmpl, v, c->arena, &b, &e) < 0)
        *ret = cli_fail(NOMAD_EXIT_FAILED, "Error formatting the data: %s", e.msg);
    else
        printf("%.*s\n", STR_ARG(buf_str(&b)));
    buf_done(&b);
    return 1;
}

int usage_error(const struct cli_call *c, int exit_code, const char *what)
{
    return cli_fail(exit_code, "%s\nFor additional help try 'nomad %s -help'", what,
                    c->command->name);
}

const char *whole_path(struct cli_call *c, const char *path)
{
    char here[PATH_MAX];

    if (*path == '/' || !getcwd(here, sizeof(here)))
        return path;
    return pathf(c, "%s/%s", here, path);
}
