/* vault lease ...: what was given out, for how long. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"

const struct cli_command cmd_lease = {
    .name = "lease",
    .synopsis = "What was given out for a time",
    .about = "Shows, renews and revokes what was given out for a time.",
};

static struct {
    int64_t increment;
    bool force, prefix, sync;
} o;

static int missing_id(void)
{
    return cli_fail(CLI_EXIT_USAGE, "Missing ID!");
}

static bool id_of(struct cli_call *c, const char **ret)
{
    if (c->argc == 0)
        return false;
    *ret = clean_path(c->arena, c->argv[0]);
    return true;
}

/* ---- lookup ----------------------------------------------------------------------------- */

static int lookup_run(struct cli_call *c)
{
    static const struct cli_args one = {0, 1, "1"};
    struct json *body = json_new_object(c->arena);
    struct remote_reply r;
    const char *id;

    if (!id_of(c, &id))
        return missing_id();
    if (!cli_count_args(c, &one))
        return CLI_EXIT_USAGE;
    set_str(c->arena, body, "lease_id", id);
    if (remote_call(c, "PUT", "sys/leases/lookup", body, &r) < 0)
        return remote_failed(&r, "error looking up lease id %s", id);
    return secret_print_reply(c, &r);
}

const struct cli_command cmd_lease_lookup = {
    .name = "lease lookup",
    .usage = "vault lease lookup [options] ID",
    .synopsis = "Show a lease",
    .about = "Shows when a lease was given and when it ends.",
    .sets = SET_HTTP | SET_FORMAT,
    .guess = {guess_lease},
    .run = lookup_run,
};

/* ---- renew ------------------------------------------------------------------------------ */

static const struct flag renew_flags[] = {
    {"increment", FLAG_CALL, &CLI_DURATION(&o.increment), NULL,
     "for how long from now; a wish the server may cut"},
};

static int renew_run(struct cli_call *c)
{
    static const struct cli_args one = {0, 1, "1"};
    struct json *body = json_new_object(c->arena);
    struct remote_reply r;
    const char *id;

    if (!id_of(c, &id))
        return missing_id();
    if (!cli_count_args(c, &one))
        return CLI_EXIT_USAGE;
    set_int(c->arena, body, "increment", o.increment / NS_PER_S);
    set_str(c->arena, body, "lease_id", id);
    if (remote_call(c, "PUT", "sys/leases/renew", body, &r) < 0)
        return remote_failed(&r, "Error renewing %s", id);
    return secret_print_reply(c, &r);
}

const struct cli_command cmd_lease_renew = {
    .name = "lease renew",
    .usage = "vault lease renew [options] ID",
    .synopsis = "Prolong a lease",
    .about = "Prolongs a lease.",
    .flags = CLI_FLAGS(renew_flags),
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .guess = {guess_lease},
    .run = renew_run,
};

/* ---- revoke ----------------------------------------------------------------------------- */

static const struct flag revoke_flags[] = {
    {"force", FLAG_BOOL, &o.force, NULL,
     "forget the leases even if what was given cannot be taken back; with -prefix"},
    {"f", FLAG_BOOL, &o.force, NULL, "the same"},
    {"prefix", FLAG_BOOL, &o.prefix, NULL, "every lease whose ID begins so"},
    {"sync", FLAG_BOOL, &o.sync, NULL, "wait until it is done"},
};

static int revoke_call(struct cli_call *c, const char *id, struct remote_reply *r)
{
    struct json *body = json_new_object(c->arena);

    if (o.force)
        return remote_call(c, "PUT", arena_printf(c->arena, "sys/leases/revoke-force/%s", id),
                           NULL, r);
    set_bool(c->arena, body, "sync", o.sync);
    if (o.prefix)
        return remote_call(c, "PUT", arena_printf(c->arena, "sys/leases/revoke-prefix/%s", id),
                           body, r);
    set_str(c->arena, body, "lease_id", id);
    return remote_call(c, "PUT", "sys/leases/revoke", text_sorted(c->arena, body), r);
}

static int revoke_run(struct cli_call *c)
{
    const char *id = clean_path(c->arena, c->argv[0]);
    struct remote_reply r;

    if (o.force && !o.prefix)
        return cli_fail(CLI_EXIT_USAGE, "Specifying -force requires also specifying -prefix");
    if (o.force)
        say(c, stderr,
            "Warning! Force-removing leases can cause Vault to become out of sync with "
            "secret engines!");
    if (revoke_call(c, id, &r) < 0)
        return o.prefix ? remote_failed(&r, "error revoking leases with prefix %s", id)
                        : remote_failed(&r, "error revoking lease %s", id);
    if (o.force)
        printf("Success! Force revoked any leases with prefix: %s\n", id);
    else if (!o.sync)
        puts("All revocation operations queued successfully!");
    else if (o.prefix)
        printf("Success! Revoked any leases with prefix: %s\n", id);
    else
        printf("Success! Revoked lease: %s\n", id);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_lease_revoke = {
    .name = "lease revoke",
    .usage = "vault lease revoke [options] ID",
    .synopsis = "End leases",
    .about = "Ends a lease; what was given out is taken back.",
    .flags = CLI_FLAGS(revoke_flags),
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {guess_lease},
    .run = revoke_run,
};
