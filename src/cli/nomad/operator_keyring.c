/* nomad operator root keyring list, rotate, remove. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    bool verbose, full, now, force;
    int64_t prepublish_ns;
} o;

static const struct flag list_flags[] = {
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

static void add_key(struct cli_call *c, struct table *t, const struct json *key)
{
    int64_t publish = number_at(key, "PublishTime");

    table_add(t, short_id(c, text_at(c, key, "KeyID"), o.verbose), text_at(c, key, "State"),
              time_text(c, number_at(key, "CreateTime")),
              publish ? time_text(c, publish) : "<none>", NULL);
}

static int list_run(struct cli_call *c)
{
    struct table t = TABLE_NOMAD(c->arena);
    struct nomad_reply r;

    if (nomad_get(c, "operator/keyring/keys", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "error: %s", r.error);
    table_add(&t, "Key", "State", "Create Time", "Publish Time", NULL);
    for (size_t i = 0; i < count_of(r.json); i++)
        add_key(c, &t, &r.json->items[i]);
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_root_keyring_list = {
    .name = "operator root keyring list",
    .synopsis = "Lists the root encryption keys",
    .flags = CLI_FLAGS(list_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = list_run,
};

static const struct flag rotate_flags[] = {
    {"full", FLAG_BOOL, &o.full, NULL, "seal all variables anew with the new key"},
    {"now", FLAG_BOOL, &o.now, NULL, "make the new key the active one at once"},
    {"prepublish", FLAG_CALL, &CLI_DURATION(&o.prepublish_ns), NULL,
     "make it the active one only after this time"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

static int rotate_run(struct cli_call *c)
{
    struct table t = TABLE_NOMAD(c->arena);
    const char *query = o.full ? "?full=true" : "";
    struct nomad_reply r;

    if (o.now && o.prepublish_ns)
        return usage_error(c, NOMAD_EXIT_FAILED, "-now and -prepublish exclude each other");
    if (o.prepublish_ns)
        query = pathf(c, "%s%cpublish_time=%lld", query, *query ? '&' : '?',
                      (long long)(clock_wall_ns() + o.prepublish_ns));
    if (nomad_send(c, "PUT", pathf(c, "operator/keyring/rotate%s", query), NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "error: %s", r.error);
    table_add(&t, "Key", "State", "Create Time", "Publish Time", NULL);
    add_key(c, &t, at(r.json, "Key"));
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_root_keyring_rotate = {
    .name = "operator root keyring rotate",
    .usage = "nomad operator root keyring rotate [options]",
    .synopsis = "Rotates the root encryption key",
    .flags = CLI_FLAGS(rotate_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = rotate_run,
};

static const struct flag remove_flags[] = {
    {"force", FLAG_BOOL, &o.force, NULL, "also if variables or allocations depend on it"},
};

static int remove_run(struct cli_call *c)
{
    struct nomad_reply r;

    if (nomad_send(c, "DELETE",
                   pathf(c, "operator/keyring/key/%s%s", path_part(c, c->argv[0]),
                         o.force ? "?force=true" : ""),
                   NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "error: %s", r.error);
    printf("Removed encryption key %s\n", c->argv[0]);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_root_keyring_remove = {
    .name = "operator root keyring remove",
    .usage = "nomad operator root keyring remove [options] <key ID>",
    .synopsis = "Removes a root encryption key",
    .flags = CLI_FLAGS(remove_flags),
    .sets = SET_CLIENT,
    .args = {1, 1, "one argument: <key ID>"},
    .run = remove_run,
};
