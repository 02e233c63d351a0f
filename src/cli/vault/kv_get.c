/* vault kv get, list, enable-versioning. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"
#include "cli/vault/kv_priv.h"

/* ---- get -------------------------------------------------------------------------------- */

static int64_t version;

static const struct flag get_flags[] = {
    KV_MOUNT_FLAG,
    {"version", FLAG_INT, &version, NULL, "this version instead of the latest"},
};

static void print_data(struct cli_call *c, const struct json *data)
{
    kv_title_for("Data", data);
    secret_print_data(c, data);
}

static int show_v1(struct cli_call *c, const struct vault_secret *s)
{
    if (s->data && s->data->len > 0)
        print_data(c, s->data);
    return CLI_EXIT_OK;
}

static int show_v2(struct cli_call *c, const struct vault_secret *s, const char *path)
{
    const struct json *metadata = json_get(s->data, "metadata");
    const struct json *data = json_get(s->data, "data");

    kv_print_path("Secret Path", path);
    if (json_is(metadata, JSON_OBJECT) && metadata->len > 0) {
        kv_title_for("Metadata", metadata);
        secret_print_data(c, metadata);
        putchar('\n');
    }
    if (json_is(data, JSON_OBJECT))
        print_data(c, data);
    return CLI_EXIT_OK;
}

/* A deleted version is a 404 with its metadata: that is an answer. Of version 2 a field means
 * one of the secret's own. */
static int show(struct cli_call *c, const struct kv_path *k, const char *path,
                struct vault_secret *s)
{
    const struct json *data = json_get(s->data, "data");

    if (k->v2 && vault_cli_options.field && *vault_cli_options.field && !s->wrap_info) {
        if (!json_is(data, JSON_OBJECT))
            return cli_fail(CLI_EXIT_FAILED, "No data found at %s", path);
        s->data = data;
        return secret_print_field(c, s, vault_cli_options.field);
    }
    if (kv_shown_plainly(s))
        return secret_print(c, s);
    secret_print_warnings(c, s);
    return k->v2 ? show_v2(c, s, path) : show_v1(c, s);
}

static int get_run(struct cli_call *c)
{
    struct kv_path k;
    struct remote_request q = {.method = "GET"};
    struct vault_secret s;
    struct remote_reply r;
    int code = kv_find(c, &k);

    if (code)
        return code;
    q.path = kv_api_path(c, &k, "data");
    if (k.v2 && version > 0)
        q.query = arena_printf(c->arena, "version=%lld", (long long)version);
    if (remote_do(c, &q, &r) < 0 && r.status != 404)
        return remote_failed(&r, "Error reading %s", q.path);
    if (!secret_of(c, &r, &s))
        return cli_fail(CLI_EXIT_FAILED, "No value found at %s", q.path);
    return show(c, &k, q.path, &s);
}

const struct cli_command cmd_kv_get = {
    .name = "kv get",
    .usage = "vault kv get [options] KEY",
    .synopsis = "Show a secret",
    .about = "Shows what is kept under a name, and of which version it is.",
    .flags = CLI_FLAGS(get_flags),
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {1, 1, "1"},
    .guess = {guess_key},
    .run = get_run,
};

/* ---- list ------------------------------------------------------------------------------- */

static const struct flag list_flags[] = {KV_MOUNT_FLAG};

static int no_keys(const char *path)
{
    if (vault_cli_options.format == FORMAT_JSON) {
        puts("{}");
        return CLI_EXIT_FAILED;
    }
    return cli_fail(CLI_EXIT_FAILED, "No value found at %s", path);
}

static int list_run(struct cli_call *c)
{
    static const struct cli_args one = {1, 1, "1"};
    struct remote_request q = {.method = "GET", .query = "list=true"};
    struct kv_path k;
    const struct json *keys;
    struct vault_secret s;
    struct remote_reply r;
    int code;

    if (!(c->argc == 0 && kv_mount) && !cli_count_args(c, &one))
        return CLI_EXIT_USAGE;
    code = kv_find(c, &k);
    if (code)
        return code;
    q.path = kv_api_path(c, &k, "metadata");
    if (remote_do(c, &q, &r) < 0 && r.status != 404)
        return remote_failed(&r, "Error listing %s", q.path);
    if (!secret_of(c, &r, &s))
        return no_keys(q.path);
    if (s.wrap_info)
        return secret_print(c, &s);
    keys = json_get(s.data, "keys");
    if (!json_is(keys, JSON_ARRAY) || keys->len == 0)
        return cli_fail(CLI_EXIT_FAILED, "No entries found at %s", q.path);
    return secret_print_list(c, &s);
}

const struct cli_command cmd_kv_list = {
    .name = "kv list",
    .usage = "vault kv list [options] PATH",
    .synopsis = "Names below a path",
    .about = "Lists the names below a path; those that end in a slash have names below "
             "themselves.",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_HTTP | SET_FORMAT | SET_DETAILED,
    .guess = {guess_key_folder},
    .run = list_run,
};

/* ---- enable-versioning ------------------------------------------------------------------ */

static int enable_versioning_run(struct cli_call *c)
{
    const char *mount = clean_path(c->arena, c->argv[0]);
    struct json *body = json_new_object(c->arena), *options = json_new_object(c->arena);
    struct remote_reply r;

    set_str(c->arena, options, "version", "2");
    json_set(c->arena, body, STR("options"), *options);
    set_str(c->arena, body, "default_lease_ttl", "");
    set_str(c->arena, body, "max_lease_ttl", "");
    set_bool(c->arena, body, "force_no_cache", false);
    if (remote_call(c, "POST", arena_printf(c->arena, "sys/mounts/%s/tune", mount), body, &r) <
        0)
        return remote_failed(&r, "Error tuning secrets engine %s/", mount);
    printf("Success! Tuned the secrets engine at: %s/\n", mount);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_kv_enable_versioning = {
    .name = "kv enable-versioning",
    .usage = "vault kv enable-versioning [options] PATH",
    .synopsis = "Make a version 1 engine version 2",
    .about =
        "Makes a version 1 engine a version 2 engine; its data stays, as version 1 of each.",
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {guess_engine},
    .run = enable_versioning_run,
};
