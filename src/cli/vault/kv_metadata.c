/* vault kv metadata: settings of a name, and the list of its versions. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"
#include "cli/vault/kv_priv.h"

const struct cli_command cmd_kv_metadata = {
    .name = "kv metadata",
    .synopsis = "Settings and versions of a name",
    .about = "Settings of a name and all its versions. Version 2 only.",
};

static struct {
    int64_t max_versions, delete_version_after;
    bool has_max_versions, has_after, cas_required, has_cas_required;
    struct cli_pairs custom;
    struct flag_list remove_custom;
} o;

static const struct flag mount_flags[] = {KV_MOUNT_FLAG};

/* The metadata path, or the exit code in *ret_exit and NULL. */
static const char *metadata_path(struct cli_call *c, int *ret_exit)
{
    struct kv_path k;

    *ret_exit = kv_find(c, &k);
    if (*ret_exit)
        return NULL;
    if (!k.v2) {
        *ret_exit = cli_fail(CLI_EXIT_USAGE, "Metadata not supported on KV Version 1");
        return NULL;
    }
    return kv_api_path(c, &k, "metadata");
}

/* ---- get -------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    const struct json_member *x = a, *y = b;
    int64_t n = 0, m = 0;

    str_to_i64(x->key, 10, &n);
    str_to_i64(y->key, 10, &m);
    return (n > m) - (n < m);
}

static void print_versions(struct cli_call *c, const struct json *versions)
{
    struct json *v = json_copy(c->arena, versions);

    if (!json_is(v, JSON_OBJECT))
        return;
    if (v->len > 1)
        qsort(v->members, v->len, sizeof *v->members, by_number);
    for (uint32_t i = 0; i < v->len; i++) {
        putchar('\n');
        kv_title_for(arena_printf(c->arena, "Version %.*s", STR_ARG(v->members[i].key)),
                     &v->members[i].value);
        secret_print_data(c, &v->members[i].value);
    }
}

static int get_run(struct cli_call *c)
{
    struct remote_request q = {.method = "GET"};
    struct vault_secret s;
    struct json *settings;
    struct remote_reply r;
    int code;

    q.path = metadata_path(c, &code);
    if (!q.path)
        return code;
    if (remote_do(c, &q, &r) < 0 && r.status != 404)
        return remote_failed(&r, "Error reading %s", q.path);
    if (!secret_of(c, &r, &s))
        return cli_fail(CLI_EXIT_FAILED, "No value found at %s", q.path);
    if (kv_shown_plainly(&s))
        return secret_print(c, &s);
    secret_print_warnings(c, &s);
    settings = json_copy(c->arena, s.data);
    json_unset(settings, "versions");
    kv_print_path("Metadata Path", q.path);
    kv_title_for("Metadata", settings);
    secret_print_data(c, settings);
    print_versions(c, json_get(s.data, "versions"));
    return CLI_EXIT_OK;
}

const struct cli_command cmd_kv_metadata_get = {
    .name = "kv metadata get",
    .usage = "vault kv metadata get [options] KEY",
    .synopsis = "Show settings and versions",
    .about = "Shows the settings of a name and a table per version.",
    .flags = CLI_FLAGS(mount_flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {1, 1, "1"},
    .guess = {guess_key},
    .run = get_run,
};

/* ---- put, patch ------------------------------------------------------------------------- */

#define SETTING_FLAGS                                                               \
    KV_MOUNT_FLAG,                                                                  \
        {"max-versions", FLAG_INT, &o.max_versions, &o.has_max_versions,            \
         "how many versions are kept; 0: as the engine says"},                      \
        {"cas-required", FLAG_BOOL, &o.cas_required, &o.has_cas_required,           \
         "must a write say which version it replaces?"},                            \
        {"delete-version-after", FLAG_CALL, &CLI_DURATION(&o.delete_version_after), \
         &o.has_after, "how long a version lives"},                                 \
    {                                                                               \
        "custom-metadata", FLAG_CALL, &CLI_PAIRS(&o.custom), NULL,                  \
            "key=value of your own; may be repeated"                                \
    }

static const struct flag put_flags[] = {SETTING_FLAGS};
static const struct flag patch_flags[] = {
    SETTING_FLAGS,
    {"remove-custom-metadata", FLAG_LIST, &o.remove_custom, NULL,
     "key of your own to drop; may be repeated"},
};

static struct json *settings_body(struct arena *a)
{
    struct json *b = json_new_object(a);

    if (o.has_cas_required)
        set_bool(a, b, "cas_required", o.cas_required);
    if (o.custom.len > 0)
        set_pairs(a, b, "custom_metadata", &o.custom);
    if (o.has_after)
        set_str(a, b, "delete_version_after", seconds_text(a, o.delete_version_after));
    if (o.has_max_versions)
        set_int(a, b, "max_versions", o.max_versions);
    return b;
}

static int send_settings(struct cli_call *c, const char *method, const char *content_type,
                         const struct json *body)
{
    struct remote_request q = {.method = method, .body = body, .content_type = content_type};
    int code;

    q.path = metadata_path(c, &code);
    if (!q.path)
        return code;
    return kv_write(c, &q);
}

static int put_run(struct cli_call *c)
{
    return send_settings(c, "PUT", NULL, settings_body(c->arena));
}

static int patch_run(struct cli_call *c)
{
    struct json *body = settings_body(c->arena), *custom = json_new_object(c->arena);
    const struct json *set = json_get(body, "custom_metadata");

    if (set)
        custom = json_copy(c->arena, set);
    for (size_t i = 0; i < o.remove_custom.len; i++)
        set_null(c->arena, custom, o.remove_custom.at[i]);
    if (custom->len > 0)
        json_set(c->arena, body, STR("custom_metadata"), *custom);
    return send_settings(c, "PATCH", "application/merge-patch+json", body);
}

const struct cli_command cmd_kv_metadata_put = {
    .name = "kv metadata put",
    .usage = "vault kv metadata put [options] KEY",
    .synopsis = "Set the settings",
    .about =
        "Sets how a name's versions are kept, and metadata of your own in place of what was "
        "there.",
    .flags = CLI_FLAGS(put_flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {1, 1, "1"},
    .guess = {guess_key},
    .run = put_run,
};

const struct cli_command cmd_kv_metadata_patch = {
    .name = "kv metadata patch",
    .usage = "vault kv metadata patch [options] KEY",
    .synopsis = "Change some settings",
    .about = "Changes the settings that are given; the others stay.",
    .flags = CLI_FLAGS(patch_flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {1, 1, "1"},
    .guess = {guess_key},
    .run = patch_run,
};

/* ---- delete ----------------------------------------------------------------------------- */

static int delete_run(struct cli_call *c)
{
    struct remote_request q = {.method = "DELETE"};
    struct remote_reply r;
    int code;

    q.path = metadata_path(c, &code);
    if (!q.path)
        return code;
    if (remote_do(c, &q, &r) < 0)
        return remote_failed(&r, "Error deleting %s", q.path);
    printf("Success! Data deleted (if it existed) at: %s\n", q.path);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_kv_metadata_delete = {
    .name = "kv metadata delete",
    .usage = "vault kv metadata delete [options] PATH",
    .synopsis = "Remove a name with all versions",
    .about = "Removes a name with all its versions, for good.",
    .flags = CLI_FLAGS(mount_flags),
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {guess_key},
    .run = delete_run,
};
