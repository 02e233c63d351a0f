/* nomad operator api: any request, with the address and the token of the others. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/common/input.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"
#include "http/client.h"

static struct {
    const char *method, *filter;
    struct flag_list headers;
    bool dry_run;
} o;

static const struct flag api_flags[] = {
    {"X", FLAG_STR, &o.method, NULL, "method (GET; POST when standard input is no terminal)"},
    {"H", FLAG_LIST, &o.headers, NULL, "Name: value of a header; may be repeated"},
    {"filter", FLAG_STR, &o.filter, NULL, "only what this expression is true of"},
    {"dryrun", FLAG_BOOL, &o.dry_run, NULL, "print a curl command that does the same"},
};

/* A pipe or a file, not a terminal and not /dev/null. */
static bool has_input(void)
{
    struct stat st;

    return fstat(STDIN_FILENO, &st) == 0 && !S_ISCHR(st.st_mode);
}

/* "http://host:1/v1/jobs" and "v1/jobs" are "/v1/jobs". */
static const char *path_of(struct cli_call *c, const char *given)
{
    struct str s = str_of(given);
    ptrdiff_t scheme = str_find(s, STR("://")), slash;
    const char *path = given;

    if (scheme >= 0) {
        s = str_from(s, (size_t)scheme + 3);
        slash = str_find(s, STR("/"));
        path = slash < 0 ? "/" : arena_cstr(c->arena, str_from(s, (size_t)slash));
    } else if (*given != '/') {
        path = pathf(c, "/%s", given);
    }
    if (o.filter)
        path = pathf(c, "%s%cfilter=%s", path, str_find(str_of(path), STR("?")) < 0 ? '?' : '&',
                     path_part(c, o.filter));
    return path;
}

static int read_headers(struct cli_call *c, struct http_header ret[NOMAD_HEADERS_MAX],
                        size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < o.headers.len; i++) {
        struct str value = str_of(o.headers.at[i]), name;

        if (!str_split(&value, ':', &name) || !value.p || *n == NOMAD_HEADERS_MAX)
            return cli_fail(NOMAD_EXIT_FAILED,
                            "Error parsing headers: \"%s\" is no \"Name: value\"",
                            o.headers.at[i]);
        ret[(*n)++] = (struct http_header){arena_cstr(c->arena, str_trim(name)),
                                           arena_cstr(c->arena, str_trim(value))};
    }
    return CLI_EXIT_OK;
}

static void print_curl(const char *method, const char *path)
{
    printf("curl \\\n");
    if (strcmp(method, "GET") != 0)
        printf("  -X %s \\\n", method);
    for (size_t i = 0; i < o.headers.len; i++)
        printf("  -H '%s' \\\n", o.headers.at[i]);
    if (nomad_options.token && *nomad_options.token)
        printf("  -H \"X-Nomad-Token: ${NOMAD_TOKEN}\" \\\n");
    printf("  %s%s\n", nomad_address(), path);
}

static int api_run(struct cli_call *c)
{
    struct http_header headers[NOMAD_HEADERS_MAX];
    const char *method = o.method, *path;
    struct str body = {0};
    struct err e = ERR_INIT;
    struct nomad_reply r;
    size_t n;
    int code;

    if (c->argc != 1)
        return usage_error(c, NOMAD_EXIT_FAILED, "A path or URL is required");
    if (!method)
        method = has_input() ? "POST" : "GET";
    path = path_of(c, c->argv[0]);
    if ((code = read_headers(c, headers, &n)) != CLI_EXIT_OK)
        return code;
    if (o.dry_run) {
        print_curl(method, path);
        return CLI_EXIT_OK;
    }
    if (has_input() && input_stdin(c->arena, &body, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error reading from standard input: %s", e.msg);
    if (nomad_raw(c, method, path, body.len ? body : (struct str){0}, headers, n, &r) &&
        r.status == 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error performing request: %s", r.error);
    printf("%.*s", STR_ARG(r.body));
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_api = {
    .name = "operator api",
    .usage = "nomad operator api [options] <path>",
    .synopsis = "Query Nomad's HTTP API",
    .about = "Asks the API for a path, as curl would, and prints what it answers, whatever it "
             "is.",
    .flags = CLI_FLAGS(api_flags),
    .sets = SET_CLIENT,
    .guess = {guess_api_path},
    .run = api_run,
};
