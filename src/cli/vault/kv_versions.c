/* vault kv delete, undelete, destroy: versions that go, come back, or go for ever. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"
#include "cli/vault/kv_priv.h"

static struct flag_list versions;

static const struct flag version_flags[] = {
    KV_MOUNT_FLAG,
    {"versions", FLAG_LIST, &versions, NULL, "numbers of versions: 1,2; may be repeated"},
};

static struct json *body_of(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);

    json_set(c->arena, body, STR("versions"), *kv_versions(c->arena, &versions));
    return body;
}

/* ---- delete ----------------------------------------------------------------------------- */

static int delete_run(struct cli_call *c)
{
    struct remote_request q = {.method = "DELETE"};
    struct kv_path k;
    struct remote_reply r;
    struct vault_secret s;
    const char *shown;
    int code = kv_find(c, &k);

    if (code)
        return code;
    shown = q.path = kv_api_path(c, &k, "data");
    if (k.v2 && versions.len > 0) {
        q.method = "PUT";
        q.path = kv_api_path(c, &k, "delete");
        q.body = body_of(c);
    }
    if (remote_do(c, &q, &r) < 0) {
        code = remote_failed(&r, "Error deleting %s", q.path);
        if (r.status == 404 && secret_of(c, &r, &s))
            secret_print(c, &s);
        return code;
    }
    if (format_is_table())
        printf("Success! Data deleted (if it existed) at: %s\n", shown);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_kv_delete = {
    .name = "kv delete",
    .usage = "vault kv delete [options] PATH",
    .synopsis = "Delete versions; they can come back",
    .about =
        "Deletes the current version, or those named. In version 2 they can be brought back "
        "with `vault kv undelete`.",
    .flags = CLI_FLAGS(version_flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {1, 1, "1"},
    .guess = {guess_key},
    .run = delete_run,
};

/* ---- undelete, destroy ------------------------------------------------------------------ */

static int change_versions(struct cli_call *c, const char *word, const char *title)
{
    struct remote_request q = {.method = "PUT"};
    struct kv_path k;
    int code;

    if (versions.len == 0)
        return cli_fail(
            CLI_EXIT_USAGE,
            "No versions provided, use the \"-versions\" flag to specify the version "
            "to %s.",
            word);
    code = kv_find(c, &k);
    if (code)
        return code;
    if (!k.v2)
        return cli_fail(CLI_EXIT_USAGE, "%s not supported on KV Version 1", title);
    q.path = kv_api_path(c, &k, word);
    q.body = body_of(c);
    return kv_write(c, &q);
}

static int undelete_run(struct cli_call *c)
{
    return change_versions(c, "undelete", "Undelete");
}

static int destroy_run(struct cli_call *c)
{
    return change_versions(c, "destroy", "Destroy");
}

const struct cli_command cmd_kv_undelete = {
    .name = "kv undelete",
    .usage = "vault kv undelete [options] KEY",
    .synopsis = "Bring versions back",
    .about = "Brings deleted versions back.",
    .flags = CLI_FLAGS(version_flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {1, 1, "1"},
    .guess = {guess_key},
    .run = undelete_run,
};

const struct cli_command cmd_kv_destroy = {
    .name = "kv destroy",
    .usage = "vault kv destroy [options] KEY",
    .synopsis = "Remove versions for good",
    .about = "Removes the data of versions for good.",
    .flags = CLI_FLAGS(version_flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {1, 1, "1"},
    .guess = {guess_key},
    .run = destroy_run,
};
