/* vault operator unseal, seal, step-down. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/seal_status.h"

/* ---- unseal ----------------------------------------------------------------------------- */

static bool reset, migrate;

static const struct flag unseal_flags[] = {
    {"reset", FLAG_BOOL, &reset, NULL, "forget the shares given so far"},
    {"migrate", FLAG_BOOL, &migrate, NULL, "the share is for moving to another kind of seal"},
};

static int ask_key(struct cli_call *c, const char **ret)
{
    struct err e = ERR_INIT;
    char *typed;

    if (input_hidden(c->arena, stdout, "Unseal Key (will be hidden): ", &typed, &e) < 0) {
        say(c, stderr,
            arena_printf(
                c->arena,
                "An error occurred attempting to ask for an unseal key. The raw error "
                "message is shown below, but usually this is because you attempted to "
                "pipe a value into the unseal command or you are executing outside of a "
                "terminal (tty). You should run the unseal command from a terminal for "
                "maximum security. If this is not an option, the unseal key can be "
                "provided as the first argument to the unseal command. The raw error "
                "was:  %s",
                e.msg));
        return CLI_EXIT_USAGE;
    }
    *ret = typed;
    return 0;
}

static int unseal_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    const char *key = c->argc > 0 ? arena_cstr(c->arena, str_trim(str_of(c->argv[0]))) : NULL;
    struct remote_reply r;

    if (!reset && !key && ask_key(c, &key) != 0)
        return CLI_EXIT_USAGE;
    if (!reset)
        set_str(c->arena, body, "key", key);
    set_bool(c->arena, body, "reset", reset);
    set_bool(c->arena, body, "migrate", migrate);
    if (remote_call(c, "PUT", "sys/unseal", body, &r) < 0)
        return remote_failed(&r, reset ? "Error resetting unseal process" : "Error unsealing");
    return seal_status_print(c, r.json);
}

const struct cli_command cmd_operator_unseal = {
    .name = "operator unseal",
    .usage = "vault operator unseal [options] [KEY]",
    .synopsis = "Give a share of the key",
    .about = "Gives the server one share of its key; when it has enough it opens. Without an "
             "argument the share is asked for, which keeps it out of the shell's history.",
    .flags = CLI_FLAGS(unseal_flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 1, "0-1"},
    .run = unseal_run,
};

/* ---- seal ------------------------------------------------------------------------------- */

static bool is_sealed(struct cli_call *c)
{
    struct remote_request q = {.method = "GET", .path = "sys/seal-status", .aside = true};
    struct remote_reply r;

    return remote_do(c, &q, &r) == 0 && json_bool_or(json_get(r.json, "sealed"), false);
}

static int seal_run(struct cli_call *c)
{
    struct remote_reply r;

    if (remote_call(c, "PUT", "sys/seal", NULL, &r) < 0 && !(r.status == 503 && is_sealed(c)))
        return remote_failed(&r, "Error sealing");
    puts("Success! Vault is sealed.");
    return CLI_EXIT_OK;
}

const struct cli_command cmd_operator_seal = {
    .name = "operator seal",
    .usage = "vault operator seal [options]",
    .synopsis = "Close the server",
    .about =
        "Makes the server forget its key; nothing it keeps can be read until it is unsealed.",
    .sets = SET_HTTP,
    .args = {0, 0, "0"},
    .run = seal_run,
};

/* ---- step-down -------------------------------------------------------------------------- */

static int step_down_run(struct cli_call *c)
{
    struct remote_reply r;

    if (remote_call(c, "PUT", "sys/step-down", NULL, &r) < 0)
        return remote_failed(&r, "Error stepping down");
    printf("Success! Stepped down: %s\n", remote_address());
    return CLI_EXIT_OK;
}

const struct cli_command cmd_operator_step_down = {
    .name = "operator step-down",
    .usage = "vault operator step-down [options]",
    .synopsis = "Let another server be active",
    .about = "Makes the active server of a cluster a standby.",
    .sets = SET_HTTP,
    .args = {0, 0, "0"},
    .run = step_down_run,
};
