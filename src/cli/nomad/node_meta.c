/* nomad node meta read and apply, node config. */
#include <string.h>

#include "base/str.h"
#include "cli/common/text.h"
#include "cli/nomad/nomad_priv.h"

static struct {
    const char *node, *unset, *tmpl;
    bool json, servers, update;
} o;

static const struct flag read_flags[] = {
    {"node-id", FLAG_STR, &o.node, NULL, "of this node (the agent that is asked)"},
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

static const struct flag apply_flags[] = {
    {"node-id", FLAG_STR, &o.node, NULL, "of this node (the agent that is asked)"},
    {"unset", FLAG_STR, &o.unset, NULL, "keys to take away: a,b"},
};

static int meta_path(struct cli_call *c, const char **ret)
{
    const struct json *n;
    int code;

    *ret = "client/metadata";
    if (!o.node)
        return CLI_EXIT_OK;
    code = find_node(c, o.node, &n);
    if (code == CLI_EXIT_OK)
        *ret = pathf(c, "client/metadata?node_id=%s", text_at(c, n, "ID"));
    return code;
}

static void print_meta(struct cli_call *c, const char *title, const struct json *meta)
{
    const struct json *m = count_of(meta) ? text_sorted(c->arena, meta) : NULL;
    struct table t = {.arena = c->arena, .glue = " = ", .empty = "<none>"};

    printf("%s\n", title);
    for (size_t i = 0; i < count_of(m); i++)
        if (m->members[i].value.type != JSON_NULL)
            table_add(&t, arena_cstr(c->arena, m->members[i].key),
                      text_at(c, &m->members[i].value, ""), NULL);
    if (t.rows.len)
        table_print(&t, stdout);
    else
        printf("\n");
}

static int read_run(struct cli_call *c)
{
    struct nomad_reply r;
    const char *path;
    int code = meta_path(c, &path);

    if (code != CLI_EXIT_OK)
        return code;
    if (nomad_get(c, path, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error reading dynamic node metadata: %s", r.error);
    if (print_as_asked(c, r.json, o.json, o.tmpl, &code))
        return code;
    print_meta(c, "All Meta", at(r.json, "Meta"));
    print_meta(c, "\nDynamic Meta", at(r.json, "Dynamic"));
    print_meta(c, "\nStatic Meta", at(r.json, "Static"));
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_node_meta_read = {
    .name = "node meta read",
    .usage = "nomad node meta read [options]",
    .synopsis = "Read node metadata",
    .flags = CLI_FLAGS(read_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = read_run,
};

static int gather(struct cli_call *c, struct json *meta)
{
    struct str rest = str_of(o.unset ? o.unset : ""), key;

    while (rest.len && str_split(&rest, ',', &key))
        json_set(c->arena, meta, str_trim(key), (struct json){.type = JSON_NULL});
    for (int i = 0; i < c->argc; i++) {
        struct str value = str_of(c->argv[i]);

        if (!str_split(&value, '=', &key) || !value.p)
            return cli_fail(NOMAD_EXIT_FAILED, "Error parsing key=value \"%s\"", c->argv[i]);
        json_set(c->arena, meta, key, json_of_str(value));
    }
    if (meta->len == 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Must specify -unset or at least 1 key=value pair");
    return CLI_EXIT_OK;
}

static int apply_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena), *meta = json_new_object(c->arena);
    struct nomad_reply r;
    const char *path;
    int code = gather(c, meta);

    if (code == CLI_EXIT_OK)
        code = meta_path(c, &path);
    if (code != CLI_EXIT_OK)
        return code;
    json_set(c->arena, body, STR("Meta"), *meta);
    if (nomad_send(c, "POST", path, body, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error applying dynamic node metadata: %s", r.error);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_node_meta_apply = {
    .name = "node meta apply",
    .usage = "nomad node meta apply [options] <key>=<value>...",
    .synopsis = "Modify node metadata",
    .flags = CLI_FLAGS(apply_flags),
    .sets = SET_CLIENT,
    .run = apply_run,
};

/* ---- node config --------------------------------------------------------------------------
 */

static const struct flag config_flags[] = {
    {"servers", FLAG_BOOL, &o.servers, NULL, "print the servers the client knows"},
    {"update-servers", FLAG_BOOL, &o.update, NULL, "replace them by the arguments"},
};

static int config_run(struct cli_call *c)
{
    const char *path = "agent/servers";
    struct nomad_reply r;

    if (o.servers == o.update)
        return usage_error(c, NOMAD_EXIT_FAILED,
                           "Exactly one of '-servers' and '-update-servers' must be given");
    if (o.update) {
        if (c->argc == 0)
            return usage_error(c, NOMAD_EXIT_FAILED,
                               "If the '-update-servers' flag is set, at least one server "
                               "address must be provided");
        for (int i = 0; i < c->argc; i++)
            path = pathf(c, "%s%caddress=%s", path, i ? '&' : '?', path_part(c, c->argv[i]));
        if (nomad_send(c, "PUT", path, NULL, &r))
            return cli_fail(NOMAD_EXIT_FAILED, "Error updating server list: %s", r.error);
        printf("Updated server list\n");
        return CLI_EXIT_OK;
    }
    if (nomad_get(c, path, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying server list: %s", r.error);
    for (size_t i = 0; i < count_of(r.json); i++)
        printf("%.*s\n", STR_ARG(r.json->items[i].text));
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_node_config = {
    .name = "node config",
    .usage = "nomad node config [options]",
    .synopsis = "View or modify client configuration details",
    .flags = CLI_FLAGS(config_flags),
    .sets = SET_CLIENT,
    .run = config_run,
};
