/* Flags that every command which asks a server takes, and their environment. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/nomad/nomad_priv.h"

struct nomad_options nomad_options;

static const struct flag client_flags[] = {
    {"address", FLAG_STR, &nomad_options.address, NULL, "address of the server (NOMAD_ADDR)"},
    {"region", FLAG_STR, &nomad_options.region, NULL, "region to ask (NOMAD_REGION)"},
    {"namespace", FLAG_STR, &nomad_options.namespace, NULL,
     "namespace to ask (NOMAD_NAMESPACE)"},
    {"token", FLAG_STR, &nomad_options.token, NULL, "ACL token (NOMAD_TOKEN)"},
    {"no-color", FLAG_BOOL, &nomad_options.no_color, NULL, "no colours"},
    {"force-color", FLAG_BOOL, &nomad_options.force_color, NULL, "colours even in a pipe"},
    {"ca-cert", FLAG_STR, &nomad_options.ca_cert, NULL, "CA certificate (NOMAD_CACERT)"},
    {"ca-path", FLAG_STR, &nomad_options.ca_path, NULL,
     "directory of CA certificates (NOMAD_CAPATH)"},
    {"client-cert", FLAG_STR, &nomad_options.client_cert, NULL,
     "client certificate (NOMAD_CLIENT_CERT)"},
    {"client-key", FLAG_STR, &nomad_options.client_key, NULL, "its key (NOMAD_CLIENT_KEY)"},
    {"tls-server-name", FLAG_STR, &nomad_options.tls_server_name, NULL,
     "name in the server's certificate"},
    {"tls-skip-verify", FLAG_BOOL, &nomad_options.tls_skip_verify, NULL,
     "do not verify it (NOMAD_SKIP_VERIFY)"},
};

const struct cli_flags nomad_flag_sets[1] = {
    {.title = "General Options", .at = client_flags, .len = ARRAY_LEN(client_flags)},
};

static void from_env(const char **to, const char *name, const char *other)
{
    const char *v = getenv(name);

    if (!*to || !**to)
        *to = v && *v ? v : other;
}

int nomad_options_finish(void)
{
    struct nomad_options *o = &nomad_options;
    const char *skip = getenv("NOMAD_SKIP_VERIFY");
    bool yes;

    from_env(&o->address, "NOMAD_ADDR", "http://127.0.0.1:4646");
    from_env(&o->region, "NOMAD_REGION", NULL);
    from_env(&o->namespace, "NOMAD_NAMESPACE", NULL);
    from_env(&o->token, "NOMAD_TOKEN", NULL);
    from_env(&o->ca_cert, "NOMAD_CACERT", NULL);
    from_env(&o->ca_path, "NOMAD_CAPATH", NULL);
    from_env(&o->client_cert, "NOMAD_CLIENT_CERT", NULL);
    from_env(&o->client_key, "NOMAD_CLIENT_KEY", NULL);
    from_env(&o->tls_server_name, "NOMAD_TLS_SERVER_NAME", NULL);
    if (skip && str_to_bool(str_of(skip), &yes) && yes)
        o->tls_skip_verify = true;
    return CLI_EXIT_OK;
}
