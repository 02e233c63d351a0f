#include "cli/vault/operator_share.h"

#include <string.h>

#include "base/str.h"

static int ask(struct cli_call *c, const char *status_path, const char *what, struct share *s)
{
    struct remote_request q = {.method = "GET", .path = status_path, .aside = true};
    struct err e = ERR_INIT;
    struct remote_reply r;
    char *typed;

    if (remote_do(c, &q, &r) < 0)
        return remote_failed(&r, "Error getting %s status", what);
    if (!json_bool_or(json_get(r.json, "started"), false))
        return cli_fail(CLI_EXIT_USAGE, "No %s is in progress. Start one with -init.", what);
    if (!s->nonce)
        s->nonce = member_text(c->arena, r.json, "nonce");
    fprintf(stderr, "Operation nonce: %s\n", s->nonce);
    if (input_hidden(c->arena, stderr, "Unseal Key (will be hidden): ", &typed, &e) < 0) {
        say(c, stderr,
            arena_printf(
                c->arena,
                "The share of the unseal key is asked for on a terminal: %s. Without one, "
                "pass it as the argument, or \"-\" to read it from standard input, and "
                "the nonce with -nonce.",
                e.msg));
        return CLI_EXIT_USAGE;
    }
    s->key = typed;
    return 0;
}

int share_of(struct cli_call *c, const char *nonce, const char *status_path, const char *what,
             struct share *ret)
{
    struct share s = {.nonce = nonce && *nonce ? nonce : NULL};
    struct err e = ERR_INIT;
    struct str text;
    int r = 0;

    if (c->argc == 0) {
        r = ask(c, status_path, what, &s);
    } else if (!s.nonce) {
        return cli_fail(CLI_EXIT_USAGE, "Missing nonce value: specify it via the -nonce flag");
    } else if (strcmp(c->argv[0], "-") == 0) {
        if (input_stdin(c->arena, &text, &e) < 0)
            return cli_fail(CLI_EXIT_USAGE, "Failed to read from stdin: %s", e.msg);
        s.key = arena_cstr(c->arena, str_trim(text));
    } else {
        s.key = arena_cstr(c->arena, str_trim(str_of(c->argv[0])));
    }
    if (r == 0)
        *ret = s;
    return r;
}

struct json *share_body(struct arena *a, const struct share *s)
{
    struct json *body = json_new_object(a);

    set_str(a, body, "key", s->key);
    set_str(a, body, "nonce", s->nonce);
    return body;
}
