/* Single fields, lists, warnings: the parts of an answer. */
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/common/term.h"
#include "cli/vault/vault_priv.h"

enum { WARNING_WIDTH = 78 };

void print_raw(struct cli_call *c, const char *text)
{
    (void)c;
    fputs(text, stdout);
    if (term_is_tty(STDOUT_FILENO))
        putchar('\n');
}

bool print_formatted(struct cli_call *c, const struct json *v, int *ret_exit)
{
    *ret_exit = CLI_EXIT_OK;
    switch (vault_cli_options.format) {
    case FORMAT_TABLE:
        return false;
    case FORMAT_PRETTY:
        *ret_exit = cli_fail(CLI_EXIT_USAGE, "Could not parse output: cannot use the pretty "
                                             "formatter for this type");
        return true;
    default:
        print_value(v, vault_cli_options.format, c->arena);
        return true;
    }
}

void secret_print_warnings(struct cli_call *c, const struct vault_secret *s)
{
    if (!s->warnings || !format_is_table())
        return;
    fprintf(stderr, "WARNING! The following warnings were returned from Vault:\n\n");
    for (uint32_t i = 0; i < s->warnings->len; i++) {
        char *text = arena_strdup(c->arena, text_go_cstr(c->arena, &s->warnings->items[i]));

        for (char *p = text; *p; p++)
            if (*p == '\n')
                *p = ' ';
        text = text_wrap(c->arena, arena_printf(c->arena, "* %s", text), WARNING_WIDTH, "  ");
        fprintf(stderr, "  %s\n\n", text);
    }
}

/* ---- one field -------------------------------------------------------------------------- */

static const struct {
    const char *field, *member;
} auth_fields[] = {
    {"token", "client_token"},
    {"token_accessor", "accessor"},
    {"token_duration", "lease_duration"},
    {"token_renewable", "renewable"},
    {"token_policies", "token_policies"},
    {"identity_policies", "identity_policies"},
    {"policies", "policies"},
};

static const struct {
    const char *field, *member;
} wrap_fields[] = {
    {"wrapping_token", "token"},
    {"wrapping_accessor", "accessor"},
    {"wrapping_token_ttl", "ttl"},
    {"wrapping_token_creation_time", "creation_time"},
    {"wrapping_token_creation_path", "creation_path"},
    {"wrapped_accessor", "wrapped_accessor"},
};

static const struct json *wrapper_field(const struct vault_secret *s, const char *field)
{
    for (size_t i = 0; s->auth && i < ARRAY_LEN(auth_fields); i++)
        if (strcmp(field, auth_fields[i].field) == 0)
            return json_get(s->auth, auth_fields[i].member);
    for (size_t i = 0; s->wrap_info && i < ARRAY_LEN(wrap_fields); i++)
        if (strcmp(field, wrap_fields[i].field) == 0)
            return json_get(s->wrap_info, wrap_fields[i].member);
    return NULL;
}

static const struct json *own_field(struct arena *a, const struct vault_secret *s,
                                    const char *field)
{
    const char *name = strcmp(field, "refresh_interval") == 0 ? "lease_duration" : field;
    static const char *const names[] = {"lease_id", "lease_duration", "request_id",
                                        "renewable"};

    if (strcmp(field, "data") == 0)
        return s->data;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0)
            return json_get(secret_tree(a, s), name);
    return NULL;
}

int secret_print_field(struct cli_call *c, const struct vault_secret *s, const char *field)
{
    static const struct json none = {.type = JSON_ARRAY};
    const struct json *v = json_get(s->data, field);
    auto_buf struct buf b = BUF_INIT(PRINT_MAX);

    if (json_is(v, JSON_NULL))
        return cli_fail(CLI_EXIT_USAGE, "Field \"%s\" not present in secret", field);
    if (!v)
        v = wrapper_field(s, field);
    if (json_is(v, JSON_NULL)) /* of the envelope only lists can be missing */
        v = &none;
    if (!v)
        v = own_field(c->arena, s, field);
    if (!v)
        return cli_fail(CLI_EXIT_USAGE, "Field \"%s\" not present in secret", field);
    b.secret = true;
    if (vault_cli_options.format == FORMAT_JSON)
        print_json(&b, text_sorted(c->arena, v));
    else if (vault_cli_options.format == FORMAT_YAML)
        print_yaml(&b, v, c->arena);
    else
        text_go_value(&b, v);
    print_raw(c, arena_cstr(c->arena, buf_str(&b)));
    return CLI_EXIT_OK;
}

/* ---- lists ------------------------------------------------------------------------------ */

static void print_detailed(struct cli_call *c, const struct strlist *keys,
                           const struct json *info)
{
    struct table t = TABLE_VAULT(c->arena);
    struct strlist columns = {0};
    const char *cells[TABLE_COLUMNS_MAX] = {"Keys"};

    for (uint32_t i = 0; i < info->len; i++)
        for (uint32_t k = 0; k < info->members[i].value.len; k++)
            if (info->members[i].value.type == JSON_OBJECT)
                list_push(c->arena, &columns,
                          arena_cstr(c->arena, info->members[i].value.members[k].key));
    strlist_sort_unique(&columns);
    if (columns.len >= TABLE_COLUMNS_MAX)
        columns.len = TABLE_COLUMNS_MAX - 1;
    for (size_t k = 0; k < columns.len; k++)
        cells[k + 1] = columns.at[k];
    table_add_cells(&t, cells, columns.len + 1);
    table_underline(&t);
    for (size_t i = 0; i < keys->len; i++) {
        cells[0] = keys->at[i];
        for (size_t k = 0; k < columns.len; k++)
            cells[k + 1] = member_text(c->arena, json_get(info, keys->at[i]), columns.at[k]);
        table_add_cells(&t, cells, columns.len + 1);
    }
    table_print(&t, stdout);
}

static void print_keys(struct cli_call *c, const struct strlist *keys)
{
    struct table t = TABLE_VAULT(c->arena);

    table_add(&t, "Keys", NULL);
    table_underline(&t);
    for (size_t i = 0; i < keys->len; i++)
        table_add(&t, keys->at[i], NULL);
    table_print(&t, stdout);
}

int secret_print_list(struct cli_call *c, const struct vault_secret *s)
{
    const struct json *keys = json_get(s->data, "keys"), *info = json_get(s->data, "key_info");
    struct json *sorted = json_new_array(c->arena);
    struct strlist names = {0};
    int r;

    for (uint32_t i = 0; json_is(keys, JSON_ARRAY) && i < keys->len; i++)
        list_push(c->arena, &names, text_go_cstr(c->arena, &keys->items[i]));
    strlist_sort_unique(&names);
    for (size_t i = 0; i < names.len; i++)
        json_push(c->arena, sorted, json_of_str(str_of(names.at[i])));
    if (vault_cli_options.format == FORMAT_RAW) {
        printf("%.*s\n", STR_ARG(s->raw));
        return CLI_EXIT_OK;
    }
    if (print_formatted(c, vault_cli_options.detailed ? s->data : sorted, &r))
        return r;
    secret_print_warnings(c, s);
    if (vault_cli_options.detailed && json_is(info, JSON_OBJECT))
        print_detailed(c, &names, info);
    else
        print_keys(c, &names);
    return CLI_EXIT_OK;
}
