/* vault kv put, patch, rollback: everything that makes a new version. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"
#include "cli/vault/kv_priv.h"

static struct {
    int64_t cas, version;
    bool has_cas;
    const char *method;
    struct flag_list remove_data;
} o;

/* {"data": ..., "options": {"cas": n}} */
static struct json *version_body(struct arena *a, const struct json *data, bool has_cas,
                                 int64_t cas)
{
    struct json *body = json_new_object(a), *options = json_new_object(a);

    if (has_cas)
        set_int(a, options, "cas", cas);
    json_set(a, body, STR("data"), *data);
    json_set(a, body, STR("options"), *options);
    return body;
}

/* The current (or another) version's data; NULL when it is deleted. Exit code. */
static int read_version(struct cli_call *c, const char *path, int64_t version,
                        const struct json **ret_data, int64_t *ret_version)
{
    struct remote_request q = {.method = "GET", .path = path, .aside = true};
    struct vault_secret s;
    struct remote_reply r;

    if (version > 0)
        q.query = arena_printf(c->arena, "version=%lld", (long long)version);
    if (remote_do(c, &q, &r) < 0 && r.status != 404)
        return remote_failed(&r, "Error doing pre-read at %s", path);
    if (!secret_of(c, &r, &s))
        return cli_fail(CLI_EXIT_FAILED, "No value found at %s", path);
    *ret_data = json_get(s.data, "data");
    if (!json_is(*ret_data, JSON_OBJECT))
        *ret_data = NULL;
    *ret_version = json_i64_or(json_path(s.data, "metadata.version"), 0);
    return 0;
}

/* ---- put -------------------------------------------------------------------------------- */

static const struct flag put_flags[] = {
    KV_MOUNT_FLAG,
    {"cas", FLAG_INT, &o.cas, &o.has_cas,
     "only if this is the current version; 0: only if there is none"},
};

static int put_run(struct cli_call *c)
{
    struct remote_request q = {.method = "PUT"};
    struct json *data;
    struct kv_path k;
    struct remote_reply r;
    int code;

    if (c->argc == 1)
        return cli_fail(CLI_EXIT_USAGE, "Must supply data");
    data = data_of(c, c->argc - 1, c->argv + 1);
    if (!data)
        return CLI_EXIT_USAGE;
    code = kv_find(c, &k);
    if (code)
        return code;
    q.path = kv_api_path(c, &k, "data");
    q.body = k.v2 ? version_body(c->arena, data, o.has_cas && o.cas >= 0, o.cas) : data;
    if (remote_do(c, &q, &r) < 0)
        return kv_write_failed(c, &r, q.path);
    return kv_show_version(c, &r, q.path);
}

const struct cli_command cmd_kv_put = {
    .name = "kv put",
    .usage = "vault kv put [options] KEY [DATA]",
    .synopsis = "Keep a secret",
    .about = "Keeps data under a name, in place of what was there. Data as for `vault write`.",
    .flags = CLI_FLAGS(put_flags),
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {1, -1, ">1"},
    .guess = {guess_key, guess_data},
    .run = put_run,
};

/* ---- patch ------------------------------------------------------------------------------ */

static const struct flag patch_flags[] = {
    KV_MOUNT_FLAG,
    {"cas", FLAG_INT, &o.cas, &o.has_cas, "only if this is the current version"},
    {"method", FLAG_STR, &o.method, NULL,
     "patch: let the server merge; rw: read, merge and write here; default: the first that "
     "works"},
    {"remove-data", FLAG_LIST, &o.remove_data, NULL,
     "name of a field to drop; may be repeated"},
};

static int patch_here(struct cli_call *c, const char *path, const struct json *changes)
{
    struct remote_request q = {.method = "PUT", .path = path};
    const struct json *old = NULL;
    struct json *merged;
    struct remote_reply r;
    int64_t version;
    int code = read_version(c, path, 0, &old, &version);

    if (code)
        return code;
    if (!old)
        return cli_fail(CLI_EXIT_FAILED, "No data found at %s", path);
    merged = json_copy(c->arena, old);
    for (uint32_t i = 0; i < changes->len; i++)
        json_set(c->arena, merged, changes->members[i].key, changes->members[i].value);
    for (size_t i = 0; i < o.remove_data.len; i++)
        json_unset(merged, o.remove_data.at[i]);
    q.body = version_body(c->arena, text_sorted(c->arena, merged), true,
                          o.has_cas && o.cas > 0 ? o.cas : version);
    if (remote_do(c, &q, &r) < 0)
        return kv_write_failed(c, &r, path);
    return kv_show_version(c, &r, path);
}

/* A server (or a policy) from before PATCH: read and write. */
static bool knows_no_patch(const struct remote_reply *r)
{
    return (r->status == 405 || r->status == 403) && !(o.method && *o.method);
}

static int patch_there(struct cli_call *c, const char *path, struct json *changes)
{
    struct remote_request q = {
        .method = "PATCH", .path = path, .content_type = "application/merge-patch+json"};
    struct json *with_removals = json_copy(c->arena, changes);
    struct remote_reply r;

    for (size_t i = 0; i < o.remove_data.len; i++)
        set_null(c->arena, with_removals, o.remove_data.at[i]);
    q.body = version_body(c->arena, with_removals, o.has_cas && o.cas >= 0, o.cas);
    if (remote_do(c, &q, &r) == 0)
        return kv_show_version(c, &r, path);
    if (knows_no_patch(&r))
        return patch_here(c, path, changes);
    return kv_write_failed(c, &r, path);
}

static int patch_run(struct cli_call *c)
{
    bool rw = o.method && strcmp(o.method, "rw") == 0;
    struct json *changes;
    struct kv_path k;
    const char *path;
    int code;

    if (o.method && *o.method && !rw && strcmp(o.method, "patch") != 0)
        return cli_fail(CLI_EXIT_FAILED, "Unsupported method provided to -method flag: %s",
                        o.method);
    if (c->argc == 1 && o.remove_data.len == 0)
        return cli_fail(CLI_EXIT_USAGE, "Must supply data");
    changes = data_of(c, c->argc - 1, c->argv + 1);
    if (!changes)
        return CLI_EXIT_USAGE;
    code = kv_find(c, &k);
    if (code)
        return code;
    if (!k.v2)
        return cli_fail(CLI_EXIT_FAILED,
                        "K/V engine mount must be version 2 for patch support");
    path = kv_api_path(c, &k, "data");
    return rw ? patch_here(c, path, changes) : patch_there(c, path, changes);
}

const struct cli_command cmd_kv_patch = {
    .name = "kv patch",
    .usage = "vault kv patch [options] KEY [DATA]",
    .synopsis = "Change some fields",
    .about =
        "Changes some fields of what is kept under a name; the others stay. Version 2 only.",
    .flags = CLI_FLAGS(patch_flags),
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {1, -1, ">1"},
    .guess = {guess_key, guess_data},
    .run = patch_run,
};

/* ---- rollback --------------------------------------------------------------------------- */

static const struct flag rollback_flags[] = {
    KV_MOUNT_FLAG,
    {"version", FLAG_INT, &o.version, NULL, "the version whose data becomes the current one"},
};

static int rollback_run(struct cli_call *c)
{
    struct remote_request q = {.method = "PUT"};
    const struct json *now, *then = NULL;
    int64_t current, old;
    struct kv_path k;
    struct remote_reply r;
    int code;

    if (o.version <= 0)
        return cli_fail(CLI_EXIT_USAGE, "Version flag must be specified");
    code = kv_find(c, &k);
    if (code)
        return code;
    if (!k.v2)
        return cli_fail(CLI_EXIT_FAILED,
                        "K/V engine mount must be version 2 for rollback support");
    q.path = kv_api_path(c, &k, "data");
    code = read_version(c, q.path, 0, &now, &current);
    if (code == 0)
        code = read_version(c, q.path, o.version, &then, &old);
    if (code)
        return code;
    if (!then)
        return cli_fail(CLI_EXIT_FAILED, "Cannot roll back to a version that has been deleted");
    q.body = version_body(c->arena, then, true, current);
    if (remote_do(c, &q, &r) < 0)
        return kv_write_failed(c, &r, q.path);
    return secret_print_reply(c, &r);
}

const struct cli_command cmd_kv_rollback = {
    .name = "kv rollback",
    .usage = "vault kv rollback [options] KEY",
    .synopsis = "Make an old version the current one",
    .about = "Makes a new version with the data of an old one.",
    .flags = CLI_FLAGS(rollback_flags),
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {1, 1, "1"},
    .guess = {guess_key},
    .run = rollback_run,
};
