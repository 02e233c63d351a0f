#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/kv_priv.h"

enum { TITLE_TABLE_EXTRA = 9 }; /* four blanks and "Value" */

const char *kv_mount;

const struct cli_command cmd_kv = {
    .name = "kv",
    .synopsis = "Values under names, with versions",
    .about = "Keeps values under names, with versions where the engine has them.",
};

/* ---- paths ------------------------------------------------------------------------------ */

static const char *below(const char *path, const char *mount)
{
    size_t len = strlen(mount);

    if (strncmp(path, mount, len) == 0)
        return path + len;
    if (len > 0 && strncmp(path, mount, len - 1) == 0 && path[len - 1] == '\0')
        return "";
    return path;
}

int kv_find(struct cli_call *c, struct kv_path *ret)
{
    const char *arg = c->argc > 0 ? clean_path(c->arena, c->argv[0]) : "";
    const char *asked = kv_mount && *kv_mount ? clean_path(c->arena, kv_mount) : arg;
    struct remote_request q = {
        .method = "GET",
        .path = arena_printf(c->arena, "sys/internal/ui/mounts/%s", asked),
        .aside = true,
    };
    struct remote_reply r;
    struct kv_path k = {.mount = ""};

    k.path =
        kv_mount && *kv_mount ? clean_path(c->arena, path_join(c->arena, asked, arg)) : arg;
    if (remote_do(c, &q, &r) < 0 &&
        r.status != 404) /* 404: a server from before there was v2 */
        return cli_fail(CLI_EXIT_FAILED, "%s", r.error);
    if (r.status < 400) {
        k.mount = member_text(c->arena, json_get(r.json, "data"), "path");
        k.v2 =
            str_eq(json_str_or(json_path(r.json, "data.options.version"), STR("")), STR("2"));
    }
    k.rest = below(k.path, k.mount);
    *ret = k;
    return 0;
}

const char *kv_api_path(struct cli_call *c, const struct kv_path *k, const char *word)
{
    if (!k->v2)
        return k->path;
    return clean_path(c->arena, arena_printf(c->arena, "%s%s/%s", k->mount, word, k->rest));
}

/* ---- titles ----------------------------------------------------------------------------- */

static void put_signs(size_t n)
{
    while (n-- > 0)
        putchar('=');
}

void kv_title(const char *title, size_t width)
{
    size_t words = strlen(title) + 2, signs = width > words ? width - words : 4;

    put_signs((signs + 1) / 2);
    printf(" %s ", title);
    put_signs((signs + 1) / 2);
    putchar('\n');
}

void kv_title_for(const char *title, const struct json *table)
{
    size_t widest = 0;

    for (uint32_t i = 0; json_is(table, JSON_OBJECT) && i < table->len; i++)
        if (table->members[i].key.len > widest)
            widest = table->members[i].key.len;
    kv_title(title, widest + TITLE_TABLE_EXTRA);
}

void kv_print_path(const char *title, const char *path)
{
    kv_title(title, strlen(path));
    printf("%s\n\n", path);
}

/* ---- answers ---------------------------------------------------------------------------- */

bool kv_shown_plainly(const struct vault_secret *s)
{
    return (vault_cli_options.field && *vault_cli_options.field) || !format_is_table() ||
           s->wrap_info;
}

static void kv_written(const char *path)
{
    if (format_is_table())
        printf("Success! Data written to: %s\n", path);
}

int kv_show_version(struct cli_call *c, const struct remote_reply *r, const char *path)
{
    struct vault_secret s;

    if (!secret_of(c, r, &s)) {
        kv_written(path);
        return CLI_EXIT_OK;
    }
    if (kv_shown_plainly(&s))
        return secret_print(c, &s);
    secret_print_warnings(c, &s);
    kv_print_path("Secret Path", path);
    kv_title_for("Metadata", s.data);
    secret_print_data(c, s.data);
    return CLI_EXIT_OK;
}

int kv_write_failed(struct cli_call *c, const struct remote_reply *r, const char *path)
{
    int code = remote_failed(r, "Error writing data to %s", path);
    struct vault_secret s;

    if (r->status == 404 && secret_of(c, r, &s))
        secret_print(c, &s);
    return code;
}

int kv_write(struct cli_call *c, const struct remote_request *q)
{
    struct vault_secret s;
    struct remote_reply r;

    if (remote_do(c, q, &r) < 0)
        return kv_write_failed(c, &r, q->path);
    if (secret_of(c, &r, &s))
        return secret_print(c, &s);
    kv_written(q->path);
    return CLI_EXIT_OK;
}

struct json *kv_versions(struct arena *a, const struct flag_list *l)
{
    struct json *v = json_new_array(a);

    for (size_t i = 0; i < l->len; i++) {
        struct str rest = str_of(l->at[i]), item;

        while (str_split(&rest, ',', &item))
            if (str_trim(item).len > 0)
                json_push(a, v, json_of_str(str_trim(item)));
    }
    return v;
}
