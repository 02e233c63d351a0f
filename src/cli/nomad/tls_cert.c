/* nomad tls cert: certificates of agents and of people, from the cluster's authority. */
#include "base/clock.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"
#include "cli/nomad/tls.h"

enum { CERT_DAYS = 365 };

static struct {
    const char *ca, *key, *domain, *region;
    struct flag_list dns, ips;
    int64_t days;
    bool server, client, cli;
} o = {.domain = "nomad", .region = "global", .days = CERT_DAYS};

static const struct flag create_flags[] = {
    {"additional-dnsname", FLAG_LIST, &o.dns, NULL,
     "one more name beside localhost; may be repeated"},
    {"additional-ipaddress", FLAG_LIST, &o.ips, NULL,
     "one more address beside 127.0.0.1; may be repeated"},
    {"ca", FLAG_STR, &o.ca, NULL, "the authority's certificate (DOMAIN-agent-ca.pem)"},
    {"cli", FLAG_BOOL, &o.cli, NULL, "for somebody at the command line"},
    {"client", FLAG_BOOL, &o.client, NULL, "for a client agent"},
    {"days", FLAG_INT, &o.days, NULL, "how long it is valid (365)"},
    {"domain", FLAG_STR, &o.domain, NULL, "of the cluster (nomad)"},
    {"key", FLAG_STR, &o.key, NULL, "the authority's key (DOMAIN-agent-ca-key.pem)"},
    {"region", FLAG_STR, &o.region, NULL, "of the agent (global)"},
    {"server", FLAG_BOOL, &o.server, NULL, "for a server agent"},
};

/* Agents are servers to each other, so their certificates serve for both ends. */
struct role {
    const char *name, *title;
    unsigned purposes;
    bool has_address;
};

static const struct role server_role = {"server", "Server", CERT_FOR_SERVER | CERT_FOR_CLIENT,
                                        true};
static const struct role client_role = {"client", "Client", CERT_FOR_SERVER | CERT_FOR_CLIENT,
                                        true};
static const struct role cli_role = {"cli", "Cli", CERT_FOR_CLIENT, false};

static const struct role *role_asked_for(void)
{
    if (o.server + o.client + o.cli != 1)
        return NULL;
    return o.server ? &server_role : o.client ? &client_role : &cli_role;
}

static struct cert_spec spec_of(struct cli_call *c, const struct role *role)
{
    int64_t now = clock_wall_s();
    struct cert_spec s = {.not_before_s = now,
                          .not_after_s = now + o.days * TLS_SECONDS_A_DAY,
                          .purposes = role->purposes};

    s.common_name = arena_printf(c->arena, "%s.%s.%s", role->name, o.region, o.domain);
    for (size_t i = 0; i < o.dns.len; i++)
        list_push(c->arena, &s.dns, o.dns.at[i]);
    list_push(c->arena, &s.dns, s.common_name);
    list_push(c->arena, &s.dns, "localhost");
    for (size_t i = 0; i < o.ips.len; i++)
        list_push(c->arena, &s.ips, o.ips.at[i]);
    if (role->has_address)
        list_push(c->arena, &s.ips, "127.0.0.1");
    return s;
}

/* With a new key; checked as those will do who meet it. */
static int issue(struct cli_call *c, const struct role *role, struct cert **ret,
                 struct pkey **ret_key)
{
    struct cert_spec spec = spec_of(c, role);
    auto_cert struct cert *ca = NULL, *cert = NULL;
    auto_pkey struct pkey *ca_key = NULL, *key = NULL;
    struct err e = ERR_INIT;
    int code = tls_read_cert(c, o.ca, &ca);

    if (code == CLI_EXIT_OK)
        code = tls_read_key(c, o.key, &ca_key);
    if (code != CLI_EXIT_OK)
        return code;
    if (pkey_generate(PKEY_EC_P256, 0, &key, &e) < 0 ||
        cert_issue(&spec, key, ca, ca_key, &cert, &e) < 0 ||
        cert_verify(cert, ca, role->purposes, clock_wall_s(), &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error creating the certificate: %s", e.msg);
    *ret = TAKE_PTR(cert);
    *ret_key = TAKE_PTR(key);
    return CLI_EXIT_OK;
}

static int check(struct cli_call *c, const struct role *role, const char *name)
{
    int code = CLI_EXIT_OK;

    if (!role)
        return usage_error(c, NOMAD_EXIT_FAILED,
                           "Please provide exactly one of -server, -client and -cli");
    code = tls_check_name("region", o.region);
    if (code == CLI_EXIT_OK)
        code = tls_check_name("domain", o.domain);
    if (code == CLI_EXIT_OK)
        code = tls_check_days(o.days);
    return code == CLI_EXIT_OK ? tls_files_free(c, name) : code;
}

static int create_run(struct cli_call *c)
{
    const struct role *role = role_asked_for();
    const char *name =
        arena_printf(c->arena, "%s-%s-%s", o.region, role ? role->name : "", o.domain);
    auto_cert struct cert *cert = NULL;
    auto_pkey struct pkey *key = NULL;
    int code = check(c, role, name);

    if (code != CLI_EXIT_OK)
        return code;
    o.ca = o.ca ? o.ca : arena_printf(c->arena, "%s-agent-ca.pem", o.domain);
    o.key = o.key ? o.key : arena_printf(c->arena, "%s-agent-ca-key.pem", o.domain);
    if (role == &server_role)
        fprintf(stderr, "==> WARNING: whoever has a server's certificate can become a server "
                        "and read all of the\n    cluster's state, its keys too. It belongs on "
                        "servers only.\n");
    printf("==> Using CA file %s and CA key %s\n", o.ca, o.key);
    code = issue(c, role, &cert, &key);
    if (code == CLI_EXIT_OK)
        code = tls_files_write(c, name, cert, key);
    if (code == CLI_EXIT_OK)
        printf("==> %s Certificate saved to %s.pem\n==> %s Certificate key saved to "
               "%s-key.pem\n",
               role->title, name, role->title, name);
    return code;
}

const struct cli_command nomad_cmd_tls_cert_create = {
    .name = "tls cert create",
    .synopsis = "Create a new certificate",
    .about = "Creates a certificate and its key, from the authority of `nomad tls ca create`, "
             "for a server, a client, or somebody who uses the command line: "
             "REGION-ROLE-DOMAIN.pem and REGION-ROLE-DOMAIN-key.pem.",
    .flags = CLI_FLAGS(create_flags),
    .args = {0, 0, "no arguments"},
    .run = create_run,
};

static int info_run(struct cli_call *c)
{
    struct tls_names names[] = {{"DNS Names", {0}}, {"IP Addresses", {0}}};
    auto_cert struct cert *cert = NULL;
    int code = tls_read_cert(c, c->argv[0], &cert);

    if (code != CLI_EXIT_OK)
        return code;
    cert_names(cert, c->arena, &names[0].list, &names[1].list);
    tls_print(c, cert, names, ARRAY_LEN(names));
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_tls_cert_info = {
    .name = "tls cert info",
    .usage = "nomad tls cert info <certificate file>",
    .synopsis = "Show certificate information",
    .about = "Shows what is in a certificate.",
    .args = {1, 1, "one argument: <certificate file>"},
    .guess = {cli_guess_files},
    .run = info_run,
};
