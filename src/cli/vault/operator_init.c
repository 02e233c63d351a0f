#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/pgp_files.h"

const struct cli_command cmd_operator = {
    .name = "operator",
    .synopsis = "Initialise, unseal, seal; keys",
    .about = "Initialises, unseals and seals the server, and looks after its keys.",
};

enum { SHARES_DEFAULT = 5, THRESHOLD_DEFAULT = 3 };

static struct {
    int64_t shares, threshold, recovery_shares, recovery_threshold, stored_shares;
    const char *root_token_pgp_key, *consul_service;
    bool status, has_shares, has_threshold, consul_auto;
    struct flag_list pgp_keys, recovery_pgp_keys;
} o;

static const struct flag flags[] = {
    {"key-shares", FLAG_INT, &o.shares, &o.has_shares,
     "in how many shares the unseal key is split (default 5)"},
    {"n", FLAG_INT, &o.shares, &o.has_shares, "the same"},
    {"key-threshold", FLAG_INT, &o.threshold, &o.has_threshold,
     "how many of them unseal (default 3)"},
    {"t", FLAG_INT, &o.threshold, &o.has_threshold, "the same"},
    {"pgp-keys", FLAG_LIST, &o.pgp_keys, NULL,
     "files with a public PGP key per share, with commas between them"},
    {"root-token-pgp-key", FLAG_STR, &o.root_token_pgp_key, NULL,
     "file with the public PGP key for the root token"},
    {"recovery-shares", FLAG_INT, &o.recovery_shares, NULL,
     "as -key-shares, with an auto-unseal"},
    {"recovery-threshold", FLAG_INT, &o.recovery_threshold, NULL,
     "as -key-threshold, with an auto-unseal"},
    {"recovery-pgp-keys", FLAG_LIST, &o.recovery_pgp_keys, NULL,
     "as -pgp-keys, with an auto-unseal"},
    {"stored-shares", FLAG_INT, &o.stored_shares, NULL, "accepted"},
    {"status", FLAG_BOOL, &o.status, NULL,
     "only say whether it is initialised: exit code 0 if it is, 2 if not"},
    {"consul-auto", FLAG_BOOL, &o.consul_auto, NULL, "not supported"},
    {"consul-service", FLAG_STR, &o.consul_service, NULL, "not supported"},
};

/* ---- -status ---------------------------------------------------------------------------- */

static int status_run(struct cli_call *c)
{
    struct remote_reply r;
    bool initialized;

    if (remote_call(c, "GET", "sys/init", NULL, &r) < 0)
        return r.shown ? CLI_EXIT_OK
                       : cli_fail(CLI_EXIT_USAGE, "Error checking initialization status: %s",
                                  r.error);
    initialized = json_bool_or(json_get(r.json, "initialized"), false);
    puts(initialized ? "Vault is initialized" : "Vault is not initialized");
    return initialized ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* ---- what is printed -------------------------------------------------------------------- */

static void print_keys(struct arena *a, const struct json *keys, const char *name)
{
    for (uint32_t i = 0; json_is(keys, JSON_ARRAY) && i < keys->len; i++)
        printf("%s Key %u: %s\n", name, i + 1, text_go_cstr(a, &keys->items[i]));
}

static void explain_shares(struct cli_call *c, int64_t shares, int64_t threshold)
{
    say(c, stdout,
        arena_printf(
            c->arena,
            "\nVault initialized with %lld key shares and a key threshold of %lld. Keep "
            "each of the shares above in a place of its own: whenever the server is "
            "sealed or restarted, %lld of them are needed before it answers requests.\n"
            "\nVault does not keep the key they make up. With fewer than %lld of them "
            "what it stores can never be read again.\n"
            "\nNew shares can be made while there are enough old ones: \"vault operator "
            "rekey\".",
            (long long)shares, (long long)threshold, (long long)threshold,
            (long long)threshold));
}

static struct json *init_tree(struct arena *a, const struct json *reply, bool recovery,
                              int64_t shares, int64_t threshold)
{
    static const struct {
        const char *from, *to;
    } lists[] = {
        {"keys_base64", "unseal_keys_b64"},
        {"keys", "unseal_keys_hex"},
        {"recovery_keys_base64", "recovery_keys_b64"},
        {"recovery_keys", "recovery_keys_hex"},
    };
    struct json *v = json_new_object(a);

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const struct json *list = json_get(reply, lists[i].from);

        if (i == 2) {
            set_int(a, v, "unseal_shares", recovery ? 1 : shares);
            set_int(a, v, "unseal_threshold", recovery ? 1 : threshold);
        }
        json_set(a, v, str_of(lists[i].to),
                 json_is(list, JSON_ARRAY) ? *list : *json_new_array(a));
    }
    set_int(a, v, "recovery_keys_shares", recovery ? shares : 0);
    set_int(a, v, "recovery_keys_threshold", recovery ? threshold : 0);
    set_str(a, v, "root_token", member_text(a, reply, "root_token"));
    return v;
}

static int print_init(struct cli_call *c, const struct json *reply, bool recovery,
                      int64_t shares, int64_t threshold)
{
    int code;

    if (print_formatted(c, init_tree(c->arena, reply, recovery, shares, threshold), &code))
        return code;
    print_keys(c->arena, json_get(reply, "keys_base64"), "Unseal");
    print_keys(c->arena, json_get(reply, "recovery_keys_base64"), "Recovery");
    printf("\nInitial Root Token: %s\n", member_text(c->arena, reply, "root_token"));
    if (recovery)
        say(c, stdout,
            "\nSuccess! Vault is initialized. It unseals itself; the recovery keys "
            "above allow what needs the consent of several people.");
    else
        explain_shares(c, shares, threshold);
    return CLI_EXIT_OK;
}

/* ---- init ------------------------------------------------------------------------------- */

static struct json *init_body(struct cli_call *c, bool recovery, int64_t *ret_shares,
                              int64_t *ret_threshold)
{
    struct arena *a = c->arena;
    struct json *body = json_new_object(a);
    int64_t shares = recovery ? o.recovery_shares : o.shares;
    int64_t threshold = recovery ? o.recovery_threshold : o.threshold;

    if (shares == 0)
        shares = SHARES_DEFAULT;
    if (threshold == 0)
        threshold = THRESHOLD_DEFAULT;
    set_int(a, body, recovery ? "recovery_shares" : "secret_shares", shares);
    set_int(a, body, recovery ? "recovery_threshold" : "secret_threshold", threshold);
    if (o.stored_shares > 0)
        set_int(a, body, "stored_shares", o.stored_shares);
    if (!pgp_set_keys(c, body, "pgp_keys", &o.pgp_keys) ||
        !pgp_set_keys(c, body, "recovery_pgp_keys", &o.recovery_pgp_keys) ||
        !pgp_set_key(c, body, "root_token_pgp_key", o.root_token_pgp_key))
        return NULL;
    *ret_shares = shares;
    *ret_threshold = threshold;
    return body;
}

static int run(struct cli_call *c)
{
    struct remote_request seal = {.method = "GET", .path = "sys/seal-status", .aside = true};
    int64_t shares, threshold;
    struct json *body;
    struct remote_reply r;
    bool recovery;

    if (o.consul_auto || o.consul_service)
        return cli_fail(CLI_EXIT_USAGE, "-consul-auto is not supported: pass -address");
    if (o.status)
        return status_run(c);
    if (remote_do(c, &seal, &r) < 0)
        return remote_failed(&r, "Error initializing");
    recovery = json_bool_or(json_get(r.json, "recovery_seal"), false);
    body = init_body(c, recovery, &shares, &threshold);
    if (!body)
        return CLI_EXIT_USAGE;
    if (remote_call(c, "PUT", "sys/init", body, &r) < 0)
        return remote_failed(&r, "Error initializing");
    return print_init(c, r.json, recovery, shares, threshold);
}

const struct cli_command cmd_operator_init = {
    .name = "operator init",
    .usage = "vault operator init [options]",
    .synopsis = "Prepare a new server",
    .about = "Prepares a server's storage, once in its life, and prints the shares of the key "
             "that unseals it and the first root token. They are not kept anywhere else.",
    .flags = CLI_FLAGS(flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 0, "0"},
    .run = run,
};
