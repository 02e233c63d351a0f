#include "cli/vault/remote_show.h"

#include <stdio.h>
#include <string.h>

#include "cli/vault/vault_priv.h"
#include "http/client.h"

static void put_quoted(struct str s)
{
    putchar('\'');
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] == '\'')
            fputs("'\"'\"'", stdout);
        else
            putchar(s.p[i]);
    putchar('\'');
}

static void put_tls_options(void)
{
    const struct vault_cli_options *o = &vault_cli_options;
    const struct {
        const char *option, *value;
    } files[] = {
        {"--cacert", o->ca_cert},
        {"--capath", o->ca_path},
        {"--cert", o->client_cert},
        {"--key", o->client_key},
    };

    if (o->skip_verify)
        printf("--insecure ");
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (files[i].value) {
            printf("%s ", files[i].option);
            put_quoted(str_of(files[i].value));
            putchar(' ');
        }
}

void remote_show_curl(const char *method, const char *url, const struct http_header *headers,
                      size_t n, struct str body)
{
    printf("curl ");
    put_tls_options();
    if (strcmp(method, "GET") != 0)
        printf("-X %s ", method);
    for (size_t i = 0; i < n; i++) /* the token itself has no place on a screen */
        printf("-H \"%s: %s\" ", headers[i].name,
               strcmp(headers[i].name, "X-Vault-Token") == 0 ? "$(vault print token)"
                                                             : headers[i].value);
    if (body.p) {
        printf("-d ");
        put_quoted(body);
        putchar(' ');
    }
    printf("%s\n", url);
}

/* Paths that need sudo beside the capability of the verb. `*`: anything. */
static const char *const sudo_paths[] = {
    "auth/token/accessors",
    "sys/audit",
    "sys/audit/*",
    "sys/auth/*",
    "sys/config/auditing/*",
    "sys/config/cors",
    "sys/config/ui/headers*",
    "sys/leases",
    "sys/leases/lookup/*",
    "sys/leases/revoke-force/*",
    "sys/leases/revoke-prefix/*",
    "sys/plugins/catalog/*",
    "sys/raw*",
    "sys/remount",
    "sys/revoke-force/*",
    "sys/revoke-prefix/*",
    "sys/rotate*",
    "sys/seal",
    "sys/step-down",
    "sys/storage/raft/snapshot-auto/config/*",
};

static bool needs_sudo(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(sudo_paths); i++)
        if (str_glob(str_of(sudo_paths[i]), str_of(path)))
            return true;
    return false;
}

static const char *capabilities(const char *method, const char *query)
{
    if (strcmp(method, "GET") == 0)
        return query && str_has(str_of(query), STR("list=true")) ? "\"list\"" : "\"read\"";
    if (strcmp(method, "DELETE") == 0)
        return "\"delete\"";
    if (strcmp(method, "PATCH") == 0)
        return "\"patch\"";
    return "\"create\", \"update\"";
}

void remote_show_policy(struct arena *a, const char *method, const char *path,
                        const char *query)
{
    const char *caps = capabilities(method, query);

    if (needs_sudo(path))
        caps = arena_printf(a, "%s, \"sudo\"", caps);
    printf("path \"%s\" {\n  capabilities = [%s]\n}\n", path, caps);
}
