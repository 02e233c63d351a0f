/* vault operator generate-root: a root token, made from a quorum of the key's shares. */
#include <string.h>

#include "base/codec.h"
#include "base/random.h"
#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/operator_share.h"
#include "cli/vault/pgp_files.h"

enum { OTP_CHARS = 28, OTP_CHARS_MAX = 4096, TOKEN_MAX = 64 << 10 };

static struct {
    bool init, cancel, status, generate_otp, dr_token, recovery_token;
    const char *decode, *otp, *pgp_key, *nonce;
} o;

static const struct flag flags[] = {
    {"init", FLAG_BOOL, &o.init, NULL, "begin"},
    {"cancel", FLAG_BOOL, &o.cancel, NULL, "give up, forget the shares given so far"},
    {"status", FLAG_BOOL, &o.status, NULL, "show how far it is"},
    {"decode", FLAG_STR, &o.decode, NULL, "the encoded token to decode; needs -otp"},
    {"generate-otp", FLAG_BOOL, &o.generate_otp, NULL, "print a password for -init -otp"},
    {"otp", FLAG_STR, &o.otp, NULL, "the one-time password that hides the token"},
    {"pgp-key", FLAG_STR, &o.pgp_key, NULL,
     "file of the public PGP key the token is encrypted for"},
    {"nonce", FLAG_STR, &o.nonce, NULL, "nonce of the operation the share is for"},
    {"dr-token", FLAG_BOOL, &o.dr_token, NULL, "make a disaster recovery operation token"},
    {"recovery-token", FLAG_BOOL, &o.recovery_token, NULL,
     "make a token for a server in recovery mode"},
};

static const char *base_path(void)
{
    if (o.dr_token)
        return "sys/replication/dr/secondary/generate-operation-token";
    return o.recovery_token ? "sys/generate-recovery-token" : "sys/generate-root";
}

static const char *path_of(struct cli_call *c, const char *last)
{
    return arena_printf(c->arena, "%s/%s", base_path(), last);
}

/* ---- one-time passwords ----------------------------------------------------------------- */

static int print_value_of(struct cli_call *c, const char *name, const char *value)
{
    struct json *tree = json_new_object(c->arena);
    int code;

    set_str(c->arena, tree, name, value);
    if (print_formatted(c, tree, &code))
        return code;
    print_raw(c, value);
    return CLI_EXIT_OK;
}

static int generate_otp(struct cli_call *c)
{
    struct remote_request q = {.method = "GET", .path = path_of(c, "attempt"), .aside = true};
    char otp[OTP_CHARS_MAX + 1];
    int64_t chars = 0;
    struct remote_reply r;

    if (remote_do(c, &q, &r) == 0)
        chars = json_i64_or(json_get(r.json, "otp_length"), 0);
    if (chars <= 0 || chars > OTP_CHARS_MAX)
        chars = OTP_CHARS;
    random_base62(otp, (size_t)chars);
    return print_value_of(c, "otp", otp);
}

/* The token is hidden by XOR with the password, byte for byte. */
static int decode(struct cli_call *c)
{
    auto_buf struct buf b = BUF_INIT(TOKEN_MAX);
    struct str text = str_trim_chars(str_of(o.decode), "="), otp = str_of(o.otp);
    struct err e = ERR_INIT;

    if (otp.len == 0)
        return cli_fail(CLI_EXIT_USAGE, "Missing otp: use -otp to supply it");
    b.secret = true;
    if (codec_base64_decode(&b, text, false, false, &e) < 0)
        return cli_fail(CLI_EXIT_USAGE, "Error decoding base64'd token: %s", e.msg);
    if (b.len != otp.len)
        return cli_fail(
            CLI_EXIT_USAGE,
            "Error xoring token: the token has %zu bytes, the password %zu: they do "
            "not belong together",
            b.len, otp.len);
    for (size_t i = 0; i < b.len; i++)
        b.p[i] = (char)(b.p[i] ^ otp.p[i]);
    return print_value_of(c, "token", arena_cstr(c->arena, buf_str(&b)));
}

/* ---- status ----------------------------------------------------------------------------- */

static void add_some(struct table *t, const char *name, const char *value)
{
    if (*value && strcmp(value, "0") != 0)
        table_add(t, name, value, NULL);
}

static int print_status(struct cli_call *c, const struct json *s)
{
    static const char *const order[] = {
        "nonce",    "started",       "progress",           "required",
        "complete", "encoded_token", "encoded_root_token", "pgp_fingerprint",
        "otp",      "otp_length"};
    struct arena *a = c->arena;
    struct table t = TABLE_VAULT(a);
    int code;

    if (print_formatted(c, in_order(a, s, order, ARRAY_LEN(order)), &code))
        return code;
    table_add(&t, "Nonce", member_text(a, s, "nonce"), NULL);
    table_add(&t, "Started", member_text(a, s, "started"), NULL);
    table_add(
        &t, "Progress",
        arena_printf(a, "%s/%s", member_text(a, s, "progress"), member_text(a, s, "required")),
        NULL);
    table_add(&t, "Complete", member_text(a, s, "complete"), NULL);
    add_some(&t, "PGP Fingerprint", member_text(a, s, "pgp_fingerprint"));
    add_some(&t, "Encoded Token", member_text(a, s, "encoded_token"));
    add_some(&t, "OTP", member_text(a, s, "otp"));
    add_some(&t, "OTP Length", member_text(a, s, "otp_length"));
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

static int status(struct cli_call *c)
{
    struct remote_reply r;

    if (remote_call(c, "GET", path_of(c, "attempt"), NULL, &r) < 0)
        return remote_failed(&r, "Error getting root generation status");
    return print_status(c, r.json);
}

/* ---- the operation ---------------------------------------------------------------------- */

static int init(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    struct remote_reply r;

    set_str(c->arena, body, "otp", o.otp);
    set_str(c->arena, body, "pgp_key", "");
    if (!pgp_set_key(c, body, "pgp_key", o.pgp_key))
        return CLI_EXIT_USAGE;
    if (remote_call(c, "PUT", path_of(c, "attempt"), body, &r) < 0)
        return remote_failed(&r, "Error initializing root generation");
    if (*member_text(c->arena, r.json, "otp") && format_is_table())
        say(c, stderr,
            "A One-Time-Password has been generated for you and is shown in the OTP "
            "field. You will need this value to decode the resulting root token, so "
            "keep it safe.");
    return print_status(c, r.json);
}

static int cancel(struct cli_call *c)
{
    struct remote_reply r;

    if (remote_call(c, "DELETE", path_of(c, "attempt"), NULL, &r) < 0)
        return remote_failed(&r, "Error canceling root token generation");
    puts("Success! Root token generation canceled (if it was started)");
    return CLI_EXIT_OK;
}

static int provide(struct cli_call *c)
{
    struct share s;
    struct remote_reply r;
    int code = share_of(c, o.nonce, path_of(c, "attempt"), "root generation", &s);

    if (code)
        return code;
    if (remote_call(c, "PUT", path_of(c, "update"), share_body(c->arena, &s), &r) < 0)
        return remote_failed(&r, "Error posting unseal key");
    return print_status(c, r.json);
}

static int run(struct cli_call *c)
{
    if (o.generate_otp)
        return generate_otp(c);
    if (o.decode)
        return decode(c);
    if (o.cancel)
        return cancel(c);
    if (o.init)
        return init(c);
    return o.status ? status(c) : provide(c);
}

const struct cli_command cmd_operator_generate_root = {
    .name = "operator generate-root",
    .usage = "vault operator generate-root [options] [KEY]",
    .synopsis = "A root token from a quorum of shares",
    .about =
        "Makes a root token when enough holders of a share agree: one begins with -init, each "
        "gives a share, the last answer has the token, hidden by the one-time password; "
        "-decode shows it.",
    .flags = CLI_FLAGS(flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 1, "0-1"},
    .run = run,
};
