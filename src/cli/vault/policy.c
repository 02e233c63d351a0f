/* vault policy list, read, write, delete. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"

const struct cli_command cmd_policy = {
    .name = "policy",
    .synopsis = "Rules of what tokens may do",
    .about = "Writes, shows and deletes the rules of what tokens may do.",
};

static const char *policy_path(struct cli_call *c, const char *name)
{
    return arena_printf(c->arena, "sys/policies/acl/%s", name);
}

/* ---- list ------------------------------------------------------------------------------- */

static int list_run(struct cli_call *c)
{
    struct remote_request q = {
        .method = "GET", .path = "sys/policies/acl", .query = "list=true"};
    const struct json *names;
    struct remote_reply r;
    int code;

    if (remote_do(c, &q, &r) < 0)
        return remote_failed(&r, "Error listing policies");
    names = json_path(r.json, "data.keys");
    if (print_formatted(c, names, &code))
        return code;
    for (uint32_t i = 0; json_is(names, JSON_ARRAY) && i < names->len; i++)
        puts(text_go_cstr(c->arena, &names->items[i]));
    return CLI_EXIT_OK;
}

const struct cli_command cmd_policy_list = {
    .name = "policy list",
    .usage = "vault policy list [options]",
    .synopsis = "Names of all",
    .about = "Lists the names of the policies.",
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 0, "0"},
    .run = list_run,
};

/* ---- read ------------------------------------------------------------------------------- */

static int read_run(struct cli_call *c)
{
    const char *name = arena_cstr(c->arena, str_trim(str_of(c->argv[0])));
    struct json *tree = json_new_object(c->arena);
    struct str text;
    struct remote_reply r;
    int code;

    if (remote_call(c, "GET", policy_path(c, name), NULL, &r) < 0 && r.status != 404)
        return remote_failed(&r, "Error reading policy named %s", name);
    text = json_str_or(json_path(r.json, "data.policy"), STR(""));
    if (text.len == 0)
        return cli_fail(CLI_EXIT_FAILED, "No policy named: %s", name);
    json_set(c->arena, tree, STR("policy"), json_of_str(text));
    if (print_formatted(c, tree, &code))
        return code;
    printf("%.*s\n", STR_ARG(str_trim(text)));
    return CLI_EXIT_OK;
}

const struct cli_command cmd_policy_read = {
    .name = "policy read",
    .usage = "vault policy read [options] [NAME]",
    .synopsis = "Show one",
    .about = "Shows the text of a policy.",
    .sets = SET_HTTP | SET_FORMAT,
    .args = {1, 1, "1"},
    .guess = {guess_policy},
    .run = read_run,
};

/* ---- write ------------------------------------------------------------------------------ */

static char *lower(struct arena *a, const char *name)
{
    char *s = arena_cstr(a, str_trim(str_of(name)));

    for (char *p = s; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return s;
}

static int write_run(struct cli_call *c)
{
    const char *name = lower(c->arena, c->argv[0]), *file = c->argv[1];
    struct json *body = json_new_object(c->arena);
    struct err e = ERR_INIT;
    struct str text;
    struct remote_reply r;

    if (strcmp(name, c->argv[0]) != 0)
        cli_fail(0, "Policy name was converted from \"%s\" to \"%s\"", c->argv[0], name);
    if (input_file_or_stdin(c->arena, file, &text, &e) < 0)
        return cli_fail(CLI_EXIT_FAILED, "Error %s: %s",
                        strcmp(file, "-") == 0 ? "reading from stdin" : "opening policy file",
                        e.msg);
    json_set(c->arena, body, STR("policy"), json_of_str(text));
    if (remote_call(c, "PUT", policy_path(c, name), body, &r) < 0)
        return remote_failed(&r, "Error uploading policy");
    printf("Success! Uploaded policy: %s\n", name);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_policy_write = {
    .name = "policy write",
    .usage = "vault policy write [options] NAME PATH",
    .synopsis = "Keep a file's text as one",
    .about = "Keeps the text of a file (\"-\": standard input) as a policy.",
    .sets = SET_HTTP,
    .args = {2, 2, "2"},
    .guess = {guess_policy, cli_guess_files},
    .run = write_run,
};

/* ---- delete ----------------------------------------------------------------------------- */

static int delete_run(struct cli_call *c)
{
    const char *name = lower(c->arena, c->argv[0]);
    struct remote_reply r;

    if (remote_call(c, "DELETE", policy_path(c, name), NULL, &r) < 0)
        return remote_failed(&r, "Error deleting %s", name);
    printf("Success! Deleted policy: %s\n", name);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_policy_delete = {
    .name = "policy delete",
    .usage = "vault policy delete [options] NAME",
    .synopsis = "Delete one",
    .about = "Deletes a policy; tokens that name it lose what it allowed.",
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {guess_policy},
    .run = delete_run,
};
