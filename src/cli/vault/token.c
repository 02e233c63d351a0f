/* vault token lookup, renew, revoke, capabilities. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"

const struct cli_command cmd_token = {
    .name = "token",
    .synopsis = "Tokens",
    .about = "Makes, shows, renews and revokes tokens.",
};

static struct {
    bool accessor, self;
    const char *mode;
    int64_t increment;
} o;

/* ---- lookup ----------------------------------------------------------------------------- */

static const struct flag lookup_flags[] = {
    {"accessor", FLAG_BOOL, &o.accessor, NULL, "the argument is an accessor, not a token"},
};

static struct json *with_subject(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);

    set_str(c->arena, body, o.accessor ? "accessor" : "token", c->argv[0]);
    return body;
}

static bool accessor_is_there(struct cli_call *c)
{
    if (!o.accessor || c->argc == 1)
        return true;
    cli_fail(0, "Not enough arguments with -accessor (expected 1, got %d)", c->argc);
    return false;
}

static int lookup_run(struct cli_call *c)
{
    struct remote_reply r;
    int failed;

    if (!accessor_is_there(c))
        return CLI_EXIT_USAGE;
    if (c->argc == 0)
        failed = remote_call(c, "GET", "auth/token/lookup-self", NULL, &r);
    else
        failed = remote_call(c, "POST",
                             o.accessor ? "auth/token/lookup-accessor" : "auth/token/lookup",
                             with_subject(c), &r);
    if (failed)
        return remote_failed(&r, "Error looking up token");
    return secret_print_reply(c, &r);
}

const struct cli_command cmd_token_lookup = {
    .name = "token lookup",
    .usage = "vault token lookup [options] [TOKEN | ACCESSOR]",
    .synopsis = "Show one",
    .about = "Shows what is known about a token; without an argument, about the one in use.",
    .flags = CLI_FLAGS(lookup_flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 1, "0-1"},
    .run = lookup_run,
};

/* ---- renew ------------------------------------------------------------------------------ */

static const struct flag renew_flags[] = {
    {"accessor", FLAG_BOOL, &o.accessor, NULL, "the argument is an accessor, not a token"},
    {"increment", FLAG_CALL, &CLI_DURATION(&o.increment), NULL,
     "for how long from now; a wish the server may cut"},
    {"i", FLAG_CALL, &CLI_DURATION(&o.increment), NULL, "the same"},
};

static int renew_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    struct remote_reply r;
    int failed;

    if (!accessor_is_there(c))
        return CLI_EXIT_USAGE;
    if (o.accessor)
        set_str(c->arena, body, "accessor", c->argv[0]);
    set_int(c->arena, body, "increment", o.increment / NS_PER_S);
    if (c->argc == 0) {
        failed = remote_call(c, "PUT", "auth/token/renew-self", body, &r);
    } else if (o.accessor) {
        failed = remote_call(c, "POST", "auth/token/renew-accessor", body, &r);
    } else {
        set_str(c->arena, body, "token", c->argv[0]);
        failed = remote_call(c, "PUT", "auth/token/renew", body, &r);
    }
    if (failed)
        return remote_failed(&r, "Error renewing token");
    return secret_print_reply(c, &r);
}

const struct cli_command cmd_token_renew = {
    .name = "token renew",
    .usage = "vault token renew [options] [TOKEN]",
    .synopsis = "Prolong one",
    .about = "Prolongs a token; without an argument, the one in use.",
    .flags = CLI_FLAGS(renew_flags),
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {0, 1, "0-1"},
    .run = renew_run,
};

/* ---- revoke ----------------------------------------------------------------------------- */

static const struct flag revoke_flags[] = {
    {"accessor", FLAG_BOOL, &o.accessor, NULL, "the argument is an accessor, not a token"},
    {"self", FLAG_BOOL, &o.self, NULL, "revoke the token in use"},
    {"mode", FLAG_STR, &o.mode, NULL,
     "orphan: its children go on living; path: every token that came from this path of an auth "
     "method"},
};

static bool mode_is(const char *name)
{
    return o.mode && strcmp(o.mode, name) == 0;
}

/* What is wrong with the arguments, NULL: nothing. */
static const char *revoke_misuse(struct cli_call *c)
{
    bool has_mode = o.mode && *o.mode;

    if (has_mode && !mode_is("orphan") && !mode_is("path"))
        return arena_printf(c->arena, "Invalid mode: %s", o.mode);
    if (o.self && c->argc > 0)
        return arena_printf(c->arena, "Too many arguments with -self (expected 0, got %d)",
                            c->argc);
    if (!o.self && c->argc != 1)
        return arena_printf(c->arena, "%s arguments (expected 1 or -self, got %d)",
                            c->argc < 1 ? "Not enough" : "Too many", c->argc);
    if (o.self && o.accessor)
        return "Cannot use -self with -accessor!";
    if (o.self && has_mode)
        return arena_printf(c->arena, "Cannot use -self with -mode=%s!", o.mode);
    if (o.accessor && has_mode)
        return arena_printf(c->arena, "Cannot use -accessor with -mode=%s!", o.mode);
    return NULL;
}

static int revoke_call(struct cli_call *c, struct remote_reply *r)
{
    if (o.self)
        return remote_call(c, "PUT", "auth/token/revoke-self", NULL, r);
    if (o.accessor)
        return remote_call(c, "POST", "auth/token/revoke-accessor", with_subject(c), r);
    if (mode_is("orphan"))
        return remote_call(c, "PUT", "auth/token/revoke-orphan", with_subject(c), r);
    if (mode_is("path"))
        return remote_call(c, "PUT",
                           arena_printf(c->arena, "sys/leases/revoke-prefix/%s",
                                        clean_path(c->arena, c->argv[0])),
                           NULL, r);
    return remote_call(c, "PUT", "auth/token/revoke", with_subject(c), r);
}

static int revoke_run(struct cli_call *c)
{
    const char *misuse = revoke_misuse(c);
    struct remote_reply r;

    if (misuse)
        return cli_fail(CLI_EXIT_USAGE, "%s", misuse);
    if (revoke_call(c, &r) < 0)
        return remote_failed(&r, "Error revoking token");
    puts("Success! Revoked token (if it existed)");
    return CLI_EXIT_OK;
}

const struct cli_command cmd_token_revoke = {
    .name = "token revoke",
    .usage = "vault token revoke [options] [TOKEN | ACCESSOR]",
    .synopsis = "End one and its children",
    .about = "Ends a token, its children and what they were given.",
    .flags = CLI_FLAGS(revoke_flags),
    .sets = SET_HTTP,
    .run = revoke_run,
};

/* ---- capabilities ----------------------------------------------------------------------- */

static int capabilities_run(struct cli_call *c)
{
    const char *token = c->argc == 2 ? c->argv[0] : remote_token();
    struct json *body = json_new_object(c->arena);
    const struct json *list;
    struct strlist names = {0};
    struct remote_reply r;
    int code;

    set_str(c->arena, body, "path", c->argv[c->argc - 1]);
    set_str(c->arena, body, "token", token);
    if (remote_call(c, "POST", c->argc == 2 ? "sys/capabilities" : "sys/capabilities-self",
                    body, &r) < 0)
        return remote_failed(&r, "Error listing capabilities");
    list = json_path(r.json, "data.capabilities");
    if (!list)
        list = json_get(r.json, "capabilities");
    for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->len; i++)
        list_push(c->arena, &names, text_go_cstr(c->arena, &list->items[i]));
    if (print_formatted(c, list, &code))
        return code;
    strlist_sort_unique(&names);
    for (size_t i = 0; i < names.len; i++)
        printf("%s%s", i > 0 ? ", " : "", names.at[i]);
    putchar('\n');
    return CLI_EXIT_OK;
}

const struct cli_command cmd_token_capabilities = {
    .name = "token capabilities",
    .usage = "vault token capabilities [options] [TOKEN] PATH",
    .synopsis = "What a token may do at a path",
    .about = "Shows what a token may do at a path; without one, the token in use.",
    .sets = SET_HTTP | SET_FORMAT,
    .args = {1, 2, "1-2"},
    .guess = {guess_path, guess_path},
    .run = capabilities_run,
};
