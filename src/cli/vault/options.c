/* The flags every command has, and the environment behind them. */
#include <string.h>

#include "base/str.h"
#include "cli/vault/vault_priv.h"

struct vault_cli_options vault_cli_options;

#define O vault_cli_options

static const struct flag http_flags[] = {
    {"address", FLAG_STR, &O.address, NULL,
     "address of the server, such as https://vault:8200 (VAULT_ADDR)"},
    {"agent-address", FLAG_STR, &O.agent_address, NULL,
     "address of an agent, before -address (VAULT_AGENT_ADDR)"},
    {"ca-cert", FLAG_STR, &O.ca_cert, NULL,
     "PEM file to verify the server with (VAULT_CACERT)"},
    {"ca-path", FLAG_STR, &O.ca_path, NULL, "directory of such files (VAULT_CAPATH)"},
    {"client-cert", FLAG_STR, &O.client_cert, NULL,
     "PEM file of our own certificate (VAULT_CLIENT_CERT)"},
    {"client-key", FLAG_STR, &O.client_key, NULL,
     "PEM file of the key that goes with it (VAULT_CLIENT_KEY)"},
    {"tls-server-name", FLAG_STR, &O.tls_server_name, NULL,
     "the name the server's certificate is for (VAULT_TLS_SERVER_NAME)"},
    {"tls-skip-verify", FLAG_BOOL, &O.skip_verify, &O.has_skip_verify,
     "do not verify the server: for experiments only (VAULT_SKIP_VERIFY)"},
    {"namespace", FLAG_STR, &O.namespace_, NULL, "namespace (VAULT_NAMESPACE)"},
    {"ns", FLAG_STR, &O.namespace_, NULL, "the same"},
    {"mfa", FLAG_LIST, &O.mfa, NULL, "second-factor credentials (VAULT_MFA); may be repeated"},
    {"policy-override", FLAG_BOOL, &O.policy_override, NULL,
     "override a soft-mandatory policy"},
    {"wrap-ttl", FLAG_CALL, &CLI_DURATION(&O.wrap_ttl_ns), NULL,
     "wrap the answer in a token that lives so long (VAULT_WRAP_TTL)"},
    {"header", FLAG_CALL, &CLI_PAIRS(&O.headers), NULL,
     "a header more, Name=value; may be repeated"},
    {"output-curl-string", FLAG_BOOL, &O.output_curl, NULL,
     "print the request as a curl command, do not send it"},
    {"output-policy", FLAG_BOOL, &O.output_policy, NULL,
     "print the policy that the request needs, do not send it"},
    {"non-interactive", FLAG_BOOL, &O.non_interactive, NULL, "never ask on the terminal"},
    {"disable-redirects", FLAG_BOOL, &O.disable_redirects, NULL,
     "do not follow redirects (VAULT_DISABLE_REDIRECTS)"},
    {"unlock-key", FLAG_STR, &O.unlock_key, NULL, "key of a locked namespace"},
};

static const struct flag field_flags[] = {
    {"field", FLAG_STR, &O.field, NULL, "print only this field, nothing around it"},
};

static const struct flag format_flags[] = {
    {"format", FLAG_STR, &O.format_name, NULL,
     "table, json, yaml, pretty or raw (VAULT_FORMAT)"},
};

static const struct flag detailed_flags[] = {
    {"detailed", FLAG_BOOL, &O.detailed, NULL, "show more columns (VAULT_DETAILED)"},
};

const struct cli_flags vault_flag_sets[4] = {
    {"HTTP Options", http_flags, ARRAY_LEN(http_flags)},
    {"Output Options", field_flags, ARRAY_LEN(field_flags)},
    {"Output Format", format_flags, ARRAY_LEN(format_flags)},
    {"Output Detail", detailed_flags, ARRAY_LEN(detailed_flags)},
};

/* The variable, NULL when it is not set or empty. */
static const char *env(const char *name)
{
    const char *v = getenv(name);

    return v && *v ? v : NULL;
}

static void or_env(const char **to, const char *name)
{
    if (!*to || !**to)
        *to = env(name);
}

static int bool_env(bool *to, const char *name)
{
    const char *v = env(name);

    if (v && !str_to_bool(str_of(v), to))
        return cli_fail(CLI_EXIT_USAGE, "%s must be true or false, it is \"%s\"", name, v);
    return 0;
}

static int http_environment(void)
{
    struct err e = ERR_INIT;
    int r = 0;

    or_env(&O.address, "VAULT_ADDR");
    or_env(&O.agent_address, "VAULT_AGENT_ADDR");
    or_env(&O.ca_cert, "VAULT_CACERT");
    or_env(&O.ca_path, "VAULT_CAPATH");
    or_env(&O.client_cert, "VAULT_CLIENT_CERT");
    or_env(&O.client_key, "VAULT_CLIENT_KEY");
    or_env(&O.tls_server_name, "VAULT_TLS_SERVER_NAME");
    or_env(&O.namespace_, "VAULT_NAMESPACE");
    if (O.wrap_ttl_ns == 0 && env("VAULT_WRAP_TTL") &&
        cli_parse_duration(&O.wrap_ttl_ns, env("VAULT_WRAP_TTL"), &e) < 0)
        return cli_fail(CLI_EXIT_USAGE, "VAULT_WRAP_TTL: %s", e.msg);
    if (!O.has_skip_verify)
        r = bool_env(&O.skip_verify, "VAULT_SKIP_VERIFY");
    if (r == 0 && !O.disable_redirects)
        r = bool_env(&O.disable_redirects, "VAULT_DISABLE_REDIRECTS");
    return r;
}

int vault_options_finish(unsigned sets)
{
    int r = 0;

    or_env(&O.format_name, "VAULT_FORMAT");
    if (sets & SET_FORMAT && !format_parse(O.format_name ? O.format_name : "", &O.format))
        return cli_fail(CLI_EXIT_USAGE, "Invalid output format: %s", O.format_name);
    if (!O.detailed)
        r = bool_env(&O.detailed, "VAULT_DETAILED");
    if (r == 0 && sets & SET_HTTP)
        r = http_environment();
    return r;
}
