#include "cli/vault/guess.h"

#include <string.h>

#include "base/str.h"
#include "cli/vault/kv_priv.h"

/* ---- questions --------------------------------------------------------------------------- */

/* Only what the answer says counts: NULL for any failure. */
static const struct json *ask(struct cli_call *c, struct cli_guess *g, const char *path,
                              const char *query)
{
    struct remote_request q = {.method = "GET", .path = path, .query = query, .aside = true};
    struct remote_reply r;

    if (!cli_guess_ready(c, g) || remote_do(c, &q, &r) < 0)
        return NULL;
    return json_get(r.json, "data");
}

static const struct json *list(struct cli_call *c, struct cli_guess *g, const char *path)
{
    const struct json *keys = json_get(ask(c, g, path, "list=true"), "keys");

    return json_is(keys, JSON_ARRAY) ? keys : NULL;
}

enum { ALL, FOLDERS };

/* `front` + each name of a list. */
static void add_list(struct cli_call *c, struct cli_guess *g, const char *front,
                     const struct json *names, int which)
{
    for (uint32_t i = 0; names && i < names->len; i++) {
        struct str name = json_str_or(&names->items[i], STR(""));

        if (which == ALL || str_ends(name, STR("/")))
            cli_guess_add(g, arena_printf(c->arena, "%s%.*s", front, STR_ARG(name)));
    }
}

/* `front` + each member's name, of those that are of `type` if that is given. */
static void add_mounts(struct cli_call *c, struct cli_guess *g, const char *front,
                       const struct json *mounts, const char *type)
{
    for (uint32_t i = 0; json_is(mounts, JSON_OBJECT) && i < mounts->len; i++) {
        const struct json_member *m = &mounts->members[i];

        if (!type || str_eqc(json_str_or(json_get(&m->value, "type"), STR("")), type))
            cli_guess_add(g, arena_printf(c->arena, "%s%.*s", front, STR_ARG(m->key)));
    }
}

/* "a/b/c" -> "a/b/" */
static const char *folder_of(struct cli_call *c, const char *path)
{
    return arena_cstr(c->arena,
                      str_upto(str_of(path), (size_t)(str_rchr(str_of(path), '/') + 1)));
}

static void add_listed(struct cli_call *c, struct cli_guess *g, const char *front,
                       const char *api_path, int which)
{
    add_list(c, g, front, list(c, g, clean_path(c->arena, api_path)), which);
}

/* ---- mounts -------------------------------------------------------------------------------
 */

static const struct json *all_mounts(struct cli_call *c, struct cli_guess *g)
{
    return ask(c, g, "sys/internal/ui/mounts", NULL);
}

/* The one that a path is below. */
static const struct json_member *mount_of(const struct json *mounts, const char *path)
{
    const struct json_member *best = NULL;

    for (uint32_t i = 0; json_is(mounts, JSON_OBJECT) && i < mounts->len; i++) {
        const struct json_member *m = &mounts->members[i];

        if (str_starts(str_of(path), m->key) && (!best || m->key.len > best->key.len))
            best = m;
    }
    return best;
}

static bool has_versions(const struct json_member *mount)
{
    return str_eqc(json_str_or(json_path(&mount->value, "options.version"), STR("")), "2");
}

void guess_engine(struct cli_call *c, struct cli_guess *g)
{
    add_mounts(c, g, "", json_get(all_mounts(c, g), "secret"), NULL);
}

void guess_method(struct cli_call *c, struct cli_guess *g)
{
    add_mounts(c, g, "", json_get(all_mounts(c, g), "auth"), NULL);
}

void guess_device(struct cli_call *c, struct cli_guess *g)
{
    add_mounts(c, g, "", ask(c, g, "sys/audit", NULL), NULL);
}

/* ---- paths of the API ---------------------------------------------------------------------
 */

#define SYS_PATHS                                                                     \
    "sys/audit sys/auth sys/capabilities-self sys/config/ sys/health sys/host-info "  \
    "sys/internal/ui/mounts sys/key-status sys/leader sys/leases/lookup/ sys/mounts " \
    "sys/policies/acl/ sys/policy/ sys/rotate sys/seal-status sys/tools/hash "        \
    "sys/tools/random "                                                               \
    "sys/wrapping/lookup sys/wrapping/rewrap sys/wrapping/unwrap sys/wrapping/wrap"

/* The second version of kv has a word between the mount and what it lists. */
static void add_versioned(struct cli_call *c, struct cli_guess *g, const char *mount, int which)
{
    const char *rest = g->word + strlen(mount), *slash = strchr(rest, '/');
    const char *folder;

    if (!slash) {
        static const char *const words[] = {"data/",     "delete/",   "destroy/",
                                            "metadata/", "undelete/", "config"};
        size_t n = which == ALL ? ARRAY_LEN(words) : ARRAY_LEN(words) - 1;

        for (size_t i = 0; i < n; i++)
            cli_guess_add(g, arena_printf(c->arena, "%s%s", mount, words[i]));
        return;
    }
    folder = folder_of(c, slash + 1);
    add_listed(c, g,
               arena_printf(c->arena, "%s%.*s/%s", mount, (int)(slash - rest), rest, folder),
               arena_printf(c->arena, "%smetadata/%s", mount, folder), which);
}

static void add_paths(struct cli_call *c, struct cli_guess *g, int which)
{
    const struct json *mounts = all_mounts(c, g), *engines = json_get(mounts, "secret");
    const struct json_member *mount = mount_of(engines, g->word);
    const char *folder = folder_of(c, g->word);

    if (mount && has_versions(mount)) {
        add_versioned(c, g, arena_cstr(c->arena, mount->key), which);
        return;
    }
    if (*folder && strcmp(folder, "auth/") != 0 && strcmp(folder, "sys/") != 0)
        add_listed(c, g, folder, folder, which);
    if (mount)
        return;
    add_mounts(c, g, "", engines, NULL);
    add_mounts(c, g, "auth/", json_get(mounts, "auth"), NULL);
    if (which == ALL && strncmp(g->word, "sys/", 4) == 0)
        cli_guess_add_words(g, SYS_PATHS);
    else
        cli_guess_add(g, "sys/");
}

void guess_path(struct cli_call *c, struct cli_guess *g)
{
    add_paths(c, g, ALL);
}

void guess_folder(struct cli_call *c, struct cli_guess *g)
{
    add_paths(c, g, FOLDERS);
}

/* ---- kv ------------------------------------------------------------------------------------
 */

static void add_keys(struct cli_call *c, struct cli_guess *g, int which)
{
    const struct json *engines = json_get(all_mounts(c, g), "secret");
    const char *front =
        kv_mount && *kv_mount ? with_slash(c->arena, clean_path(c->arena, kv_mount)) : "";
    const char *whole = arena_printf(c->arena, "%s%s", front, g->word);
    const struct json_member *mount = mount_of(engines, whole);
    const char *folder = folder_of(c, g->word), *below;

    if (!mount) {
        add_mounts(c, g, "", engines, "kv");
        add_mounts(c, g, "", engines, "generic");
        return;
    }
    below = folder_of(c, whole) + mount->key.len;
    add_listed(c, g, folder,
               arena_printf(c->arena, "%.*s%s%s", STR_ARG(mount->key),
                            has_versions(mount) ? "metadata/" : "", below),
               which);
}

void guess_key(struct cli_call *c, struct cli_guess *g)
{
    add_keys(c, g, ALL);
}

void guess_key_folder(struct cli_call *c, struct cli_guess *g)
{
    add_keys(c, g, FOLDERS);
}

/* ---- other names ---------------------------------------------------------------------------
 */

void guess_policy(struct cli_call *c, struct cli_guess *g)
{
    add_listed(c, g, "", "sys/policies/acl", ALL);
}

void guess_lease(struct cli_call *c, struct cli_guess *g)
{
    const char *folder = folder_of(c, g->word);

    add_listed(c, g, folder, arena_printf(c->arena, "sys/leases/lookup/%s", folder), ALL);
}

void guess_token_role(struct cli_call *c, struct cli_guess *g)
{
    add_listed(c, g, "", "auth/token/roles", ALL);
}

#define GUESS_WORDS(name, words)                       \
    void name(struct cli_call *c, struct cli_guess *g) \
    {                                                  \
        (void)c;                                       \
        cli_guess_add_words(g, words);                 \
    }

GUESS_WORDS(guess_engine_type,
            "ad aws azure consul cubbyhole database gcp kubernetes kv kv-v2 ldap nomad pki "
            "rabbitmq ssh terraform totp transit")
GUESS_WORDS(
    guess_method_type,
    "approle aws azure cert gcp github jwt kerberos kubernetes ldap oci oidc okta radius "
    "userpass")
GUESS_WORDS(guess_device_type, "file socket syslog")
GUESS_WORDS(guess_plugin_type, "auth database secret")

/* The file behind '@', which the word's beginning stays in front of. */
void guess_data(struct cli_call *c, struct cli_guess *g)
{
    const char *at = strchr(g->word, '@'), *front;
    struct cli_guess file = *g;

    if (!at || (at != g->word && at[-1] != '='))
        return;
    file.word = at + 1;
    memset(&file.found, 0, sizeof file.found);
    cli_guess_files(c, &file);
    front = arena_strndup(c->arena, g->word, (size_t)(file.word - g->word));
    list_each (&file.found, it)
        cli_guess_add(g, arena_printf(c->arena, "%s%s", front, *it));
}

/* ---- flags ---------------------------------------------------------------------------------
 */

const struct cli_flag_guess vault_flag_guesses[] = {
    {"format", "table json yaml pretty raw"},
    {"policy", .guess = guess_policy},
    {"role", .guess = guess_token_role, .command = "token create"},
    {"type", "service batch default", .command = "token create"},
    {"token-type", "default-service default-batch service batch"},
    {"listing-visibility", "unauth hidden"},
    {"method", "patch rw", .command = "kv patch"},
    {"method", "approle cert github jwt kubernetes ldap okta radius token userpass",
     .command = "login"},
    {"mount", .guess = guess_engine},
    {"mounts", .guess = guess_engine},
    {"path", .guess = guess_method, .command = "login"},
    {"target", "barrier recovery", .command = "operator rekey"},
    {"log-level", "trace debug info warn error"},
    {"log-format", "standard json"},
    {"config", .guess = cli_guess_files},
    {"ca-cert", .guess = cli_guess_files},
    {"ca-path", .guess = cli_guess_files},
    {"client-cert", .guess = cli_guess_files},
    {"client-key", .guess = cli_guess_files},
    {"pgp-key", .guess = cli_guess_files},
    {"pgp-keys", .guess = cli_guess_files},
    {"root-token-pgp-key", .guess = cli_guess_files},
    {"recovery-pgp-keys", .guess = cli_guess_files},
    {NULL},
};
