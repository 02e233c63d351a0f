/* vault operator rekey: new shares of the unseal key. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/operator_share.h"
#include "cli/vault/pgp_files.h"

static struct {
    bool init, cancel, status, verify, backup, backup_retrieve, backup_delete;
    int64_t shares, threshold;
    const char *nonce, *target;
    struct flag_list pgp_keys;
} o = {.shares = 5, .threshold = 3, .target = "barrier"};

static const struct flag flags[] = {
    {"init", FLAG_BOOL, &o.init, NULL, "begin"},
    {"cancel", FLAG_BOOL, &o.cancel, NULL, "give up, forget the shares given so far"},
    {"status", FLAG_BOOL, &o.status, NULL, "show how far it is"},
    {"key-shares", FLAG_INT, &o.shares, NULL,
     "in how many shares the key is split (default 5)"},
    {"n", FLAG_INT, &o.shares, NULL, "the same"},
    {"key-threshold", FLAG_INT, &o.threshold, NULL, "how many of them unseal (default 3)"},
    {"t", FLAG_INT, &o.threshold, NULL, "the same"},
    {"nonce", FLAG_STR, &o.nonce, NULL, "nonce of the operation the share is for"},
    {"target", FLAG_STR, &o.target, NULL, "barrier (the unseal key) or recovery"},
    {"verify", FLAG_BOOL, &o.verify, NULL,
     "with -init: new shares count only once they were given back; else: give one back"},
    {"pgp-keys", FLAG_LIST, &o.pgp_keys, NULL,
     "files with a public PGP key per share, with commas between them"},
    {"backup", FLAG_BOOL, &o.backup, NULL,
     "keep the encrypted shares on the server; with -pgp-keys"},
    {"backup-retrieve", FLAG_BOOL, &o.backup_retrieve, NULL, "show what was kept"},
    {"backup-delete", FLAG_BOOL, &o.backup_delete, NULL, "delete what was kept"},
};

static bool is_recovery(void)
{
    return strcmp(o.target, "recovery") == 0 || strcmp(o.target, "hsm") == 0;
}

static const char *path_of(struct cli_call *c, const char *last)
{
    return arena_printf(c->arena, "sys/%s/%s", is_recovery() ? "rekey-recovery-key" : "rekey",
                        last);
}

/* ---- status ----------------------------------------------------------------------------- */

static const char *ratio(struct arena *a, const struct json *s, const char *of)
{
    return arena_printf(a, "%s/%s", member_text(a, s, "progress"), member_text(a, s, of));
}

static void print_table_of(struct cli_call *c, const struct json *s)
{
    struct arena *a = c->arena;
    struct table t = TABLE_VAULT(a);

    table_add(&t, "Key", "Value", NULL);
    table_underline(&t);
    table_add(&t, "Nonce", member_text(a, s, "nonce"), NULL);
    table_add(&t, "Started", member_text(a, s, "started"), NULL);
    if (json_bool_or(json_get(s, "started"), false)) {
        table_add(&t, "Rekey Progress", ratio(a, s, "required"), NULL);
        table_add(&t, "New Shares", member_text(a, s, "n"), NULL);
        table_add(&t, "New Threshold", member_text(a, s, "t"), NULL);
        table_add(&t, "Verification Required", member_text(a, s, "verification_required"),
                  NULL);
        if (*member_text(a, s, "verification_nonce"))
            table_add(&t, "Verification Nonce", member_text(a, s, "verification_nonce"), NULL);
    }
    if (json_is(json_get(s, "pgp_fingerprints"), JSON_ARRAY)) {
        table_add(&t, "PGP Fingerprints", member_text(a, s, "pgp_fingerprints"), NULL);
        table_add(&t, "Backup", member_text(a, s, "backup"), NULL);
    }
    table_print(&t, stdout);
}

static void print_verification(struct cli_call *c, const struct json *s)
{
    struct arena *a = c->arena;
    struct table t = TABLE_VAULT(a);

    table_add(&t, "Key", "Value", NULL);
    table_underline(&t);
    table_add(&t, "Started", member_text(a, s, "started"), NULL);
    table_add(&t, "New Shares", member_text(a, s, "n"), NULL);
    table_add(&t, "New Threshold", member_text(a, s, "t"), NULL);
    table_add(&t, "Verification Nonce", member_text(a, s, "nonce"), NULL);
    table_add(&t, "Verification Progress", ratio(a, s, "t"), NULL);
    table_print(&t, stdout);
}

static int print_status(struct cli_call *c, const struct json *s, bool verification)
{
    static const char *const order[] = {"nonce",
                                        "started",
                                        "t",
                                        "n",
                                        "progress",
                                        "required",
                                        "pgp_fingerprints",
                                        "backup",
                                        "verification_required",
                                        "verification_nonce"};
    int code;

    if (print_formatted(c, in_order(c->arena, s, order, ARRAY_LEN(order)), &code))
        return code;
    if (verification)
        print_verification(c, s);
    else
        print_table_of(c, s);
    return CLI_EXIT_OK;
}

static int status(struct cli_call *c, bool verification)
{
    struct remote_reply r;

    if (remote_call(c, "GET", path_of(c, verification ? "verify" : "init"), NULL, &r) < 0)
        return remote_failed(&r, "Error getting rekey status");
    return print_status(c, r.json, verification);
}

/* ---- init, cancel ----------------------------------------------------------------------- */

static void warn_of_loss(struct cli_call *c)
{
    if (!format_is_table() || (o.pgp_keys.len > 0 && o.backup))
        return;
    say(c, stderr,
        o.pgp_keys.len > 0
            ? "WARNING! If you lose the keys after they are returned, there is no recovery. "
              "Consider canceling this operation and re-running with -backup to allow recovery "
              "of "
              "the encrypted unseal keys in case of emergency. You can delete the stored keys "
              "later using the -delete flag."
            : "WARNING! If you lose the keys after they are returned, there is no recovery. "
              "Consider canceling this operation and re-initializing with the -pgp-keys flag "
              "to "
              "protect the returned unseal keys along with -backup to allow recovery of the "
              "encrypted keys in case of emergency. You can delete the stored keys later using "
              "the -delete flag.");
    putchar('\n');
}

static int init(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    struct remote_reply r;

    set_int(c->arena, body, "secret_shares", o.shares);
    set_int(c->arena, body, "secret_threshold", o.threshold);
    set_bool(c->arena, body, "backup", o.backup);
    set_bool(c->arena, body, "require_verification", o.verify);
    if (!pgp_set_keys(c, body, "pgp_keys", &o.pgp_keys))
        return CLI_EXIT_USAGE;
    if (remote_call(c, "PUT", path_of(c, "init"), body, &r) < 0)
        return remote_failed(&r, "Error initializing rekey");
    warn_of_loss(c);
    return status(c, false);
}

static int cancel(struct cli_call *c)
{
    struct remote_reply r;

    if (remote_call(c, "DELETE", path_of(c, o.verify ? "verify" : "init"), NULL, &r) < 0)
        return remote_failed(&r, "Error canceling rekey");
    printf("Success! Canceled %s (if it was started)\n",
           o.verify ? "rekey verification" : "rekeying");
    return CLI_EXIT_OK;
}

/* ---- giving a share --------------------------------------------------------------------- */

static void print_shares(struct cli_call *c, const struct json *reply)
{
    const struct json *keys = json_get(reply, "keys_base64");
    const struct json *prints = json_get(reply, "pgp_fingerprints");

    putchar('\n');
    for (uint32_t i = 0; json_is(keys, JSON_ARRAY) && i < keys->len; i++) {
        printf("Key %u", i + 1);
        if (json_is(prints, JSON_ARRAY) && i < prints->len)
            printf(" fingerprint: %s; value", text_go_cstr(c->arena, &prints->items[i]));
        printf(": %s\n", text_go_cstr(c->arena, &keys->items[i]));
    }
    printf("\nOperation nonce: %s\n", member_text(c->arena, reply, "nonce"));
}

static void explain(struct cli_call *c, int64_t shares, int64_t threshold, bool pending)
{
    say(c, stdout,
        arena_printf(
            c->arena,
            "\nThe unseal key is split anew, into %lld shares of which %lld unseal. %sKeep "
            "each of the shares above in a place of its own: whenever the server is "
            "sealed or restarted, %lld of them are needed before it answers requests.",
            (long long)shares, (long long)threshold,
            pending ? "They do not count until they were given back for verification. " : "",
            (long long)threshold));
    if (pending)
        say(c, stderr,
            "Again, these key shares are _not_ valid until verification is performed. Do not "
            "lose "
            "or discard your current key shares until after verification is complete or you "
            "will "
            "be unable to unseal Vault. If you cancel the rekey process or seal Vault before "
            "verification is complete the new shares will be discarded and the current shares "
            "will remain valid.\nThe current verification status, including initial nonce, is "
            "shown below.");
}

/* How many shares there are to be; the reply that has them does not say. */
static void new_numbers(struct cli_call *c, int64_t *shares, int64_t *threshold)
{
    struct remote_request q = {.method = "GET", .path = path_of(c, "init"), .aside = true};
    struct remote_reply r;

    *shares = *threshold = 0;
    if (remote_do(c, &q, &r) == 0) {
        *shares = json_i64_or(json_get(r.json, "n"), 0);
        *threshold = json_i64_or(json_get(r.json, "t"), 0);
    }
}

static int complete(struct cli_call *c, const struct json *reply, int64_t shares,
                    int64_t threshold)
{
    bool pending = json_bool_or(json_get(reply, "verification_required"), false);
    int code;

    if (print_formatted(c, reply, &code))
        return code;
    print_shares(c, reply);
    explain(c, shares, threshold, pending);
    if (!pending)
        return CLI_EXIT_OK;
    printf("\n\n\n");
    return status(c, true);
}

static int provide(struct cli_call *c)
{
    int64_t shares, threshold;
    struct share s;
    struct remote_reply r;
    int code = share_of(c, o.nonce, path_of(c, "init"), "rekey", &s);

    if (code)
        return code;
    new_numbers(c, &shares, &threshold);
    if (remote_call(c, "PUT", path_of(c, "update"), share_body(c->arena, &s), &r) < 0)
        return remote_failed(&r, "Error posting unseal key");
    if (!json_bool_or(json_get(r.json, "complete"), false))
        return status(c, false);
    return complete(c, r.json, shares, threshold);
}

static int verify(struct cli_call *c)
{
    struct share s;
    struct remote_reply r;
    int code = share_of(c, o.nonce, path_of(c, "verify"), "rekey verification", &s);

    if (code)
        return code;
    if (remote_call(c, "PUT", path_of(c, "verify"), share_body(c->arena, &s), &r) < 0)
        return remote_failed(&r, "Error posting unseal key");
    if (!json_bool_or(json_get(r.json, "complete"), false))
        return status(c, true);
    if (!print_formatted(c, r.json, &code))
        say(c, stdout,
            "Rekey verification successful. The rekey operation is complete and the new "
            "keys are now active.");
    return CLI_EXIT_OK;
}

/* ---- backups ---------------------------------------------------------------------------- */

static const char *backup_path(void)
{
    return is_recovery() ? "sys/rekey/recovery-key-backup" : "sys/rekey/backup";
}

static int backup_retrieve(struct cli_call *c)
{
    struct remote_reply r;

    if (remote_call(c, "GET", backup_path(), NULL, &r) < 0)
        return remote_failed(&r, "Error retrieving rekey stored keys");
    return secret_print_reply(c, &r);
}

static int backup_delete(struct cli_call *c)
{
    struct remote_reply r;

    if (remote_call(c, "DELETE", backup_path(), NULL, &r) < 0)
        return remote_failed(&r, "Error deleting rekey stored keys");
    puts("Success! Delete stored keys (if they existed)");
    return CLI_EXIT_OK;
}

static int run(struct cli_call *c)
{
    if (strcmp(o.target, "barrier") != 0 && !is_recovery())
        return cli_fail(CLI_EXIT_USAGE, "Unknown target: %s", o.target);
    if (o.backup_delete)
        return backup_delete(c);
    if (o.backup_retrieve)
        return backup_retrieve(c);
    if (o.cancel)
        return cancel(c);
    if (o.init)
        return init(c);
    if (o.status)
        return status(c, o.verify);
    return o.verify ? verify(c) : provide(c);
}

const struct cli_command cmd_operator_rekey = {
    .name = "operator rekey",
    .usage = "vault operator rekey [options] [KEY]",
    .synopsis = "New shares of the unseal key",
    .about = "Makes new shares of the unseal key when enough holders of an old one agree: one "
             "begins with -init, each gives a share, the last answer has the new ones.",
    .flags = CLI_FLAGS(flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 1, "0-1"},
    .run = run,
};
