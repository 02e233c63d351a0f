/* vault namespace ...: for servers that have namespaces. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"

const struct cli_command cmd_namespace = {
    .name = "namespace",
    .synopsis = "Namespaces, where the server has them",
    .about = "Creates, lists and deletes namespaces, where the server has them.",
};

static const char *path_of(struct cli_call *c)
{
    return arena_printf(c->arena, "sys/namespaces/%s", clean_path(c->arena, c->argv[0]));
}

static int list_run(struct cli_call *c)
{
    struct remote_request q = {.method = "GET", .path = "sys/namespaces", .query = "list=true"};
    struct vault_secret s;
    struct remote_reply r;

    if (remote_do(c, &q, &r) < 0 && r.status != 404)
        return remote_failed(&r, "Error listing namespaces");
    if (!secret_of(c, &r, &s) || !json_is(json_get(s.data, "keys"), JSON_ARRAY))
        return cli_fail(CLI_EXIT_FAILED, "No namespaces found");
    return secret_print_list(c, &s);
}

const struct cli_command cmd_namespace_list = {
    .name = "namespace list",
    .synopsis = "Those below the current one",
    .about = "Lists the namespaces below the current one.",
    .sets = SET_HTTP | SET_FORMAT | SET_DETAILED,
    .args = {0, 0, "0"},
    .run = list_run,
};

static int create_run(struct cli_call *c)
{
    struct remote_reply r;

    if (remote_call(c, "PUT", path_of(c), NULL, &r) < 0)
        return remote_failed(&r, "Error creating namespace");
    return secret_print_reply(c, &r);
}

const struct cli_command cmd_namespace_create = {
    .name = "namespace create",
    .usage = "vault namespace create [options] PATH",
    .synopsis = "Make one",
    .about = "Makes a namespace below the current one.",
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {1, 1, "1"},
    .run = create_run,
};

static int lookup_run(struct cli_call *c)
{
    struct vault_secret s;
    struct remote_reply r;

    if (remote_call(c, "GET", path_of(c), NULL, &r) < 0 && r.status != 404)
        return remote_failed(&r, "Error looking up namespace");
    if (!secret_of(c, &r, &s))
        return cli_fail(CLI_EXIT_FAILED, "Namespace not found");
    return secret_print(c, &s);
}

const struct cli_command cmd_namespace_lookup = {
    .name = "namespace lookup",
    .usage = "vault namespace lookup [options] PATH",
    .synopsis = "Show one",
    .about = "Shows a namespace.",
    .sets = SET_HTTP | SET_FORMAT,
    .args = {1, 1, "1"},
    .run = lookup_run,
};

static int delete_run(struct cli_call *c)
{
    struct remote_reply r;

    if (remote_call(c, "DELETE", path_of(c), NULL, &r) < 0)
        return remote_failed(&r, "Error deleting namespace");
    printf("Success! Namespace deleted at: %s/\n", clean_path(c->arena, c->argv[0]));
    return CLI_EXIT_OK;
}

const struct cli_command cmd_namespace_delete = {
    .name = "namespace delete",
    .usage = "vault namespace delete [options] PATH",
    .synopsis = "Delete one",
    .about = "Deletes a namespace and what is in it.",
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .run = delete_run,
};
