/* nomad tls ca: an authority of one's own. No agent is needed. */
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"
#include "cli/nomad/tls.h"

enum { CA_DAYS = 1825 };

static struct {
    const char *common_name, *domain;
    struct flag_list domains;
    int64_t days;
    bool constrain;
    const char *subject[CERT_SUBJECT_PARTS];
} o = {.domain = "nomad", .days = CA_DAYS};

static const struct flag create_flags[] = {
    {"additional-domain", FLAG_LIST, &o.domains, NULL,
     "with -name-constraint: one more domain; may be repeated"},
    {"common-name", FLAG_STR, &o.common_name, NULL, "the authority's name"},
    {"country", FLAG_STR, &o.subject[CERT_COUNTRY], NULL, "of the authority, two letters"},
    {"days", FLAG_INT, &o.days, NULL, "how long it is valid (1825)"},
    {"domain", FLAG_STR, &o.domain, NULL, "of the cluster (nomad)"},
    {"locality", FLAG_STR, &o.subject[CERT_LOCALITY], NULL, "of the authority"},
    {"name-constraint", FLAG_BOOL, &o.constrain, NULL,
     "what it issues is valid for localhost and the domains only"},
    {"organization", FLAG_STR, &o.subject[CERT_ORGANIZATION], NULL, "of the authority"},
    {"organizational-unit", FLAG_STR, &o.subject[CERT_UNIT], NULL, "of the authority"},
    {"postal-code", FLAG_STR, &o.subject[CERT_POSTAL_CODE], NULL, "of the authority"},
    {"province", FLAG_STR, &o.subject[CERT_PROVINCE], NULL, "of the authority"},
    {"street-address", FLAG_STR, &o.subject[CERT_STREET], NULL, "of the authority"},
};

static int check(struct cli_call *c, const char *name)
{
    int code = tls_check_name("domain", o.domain);

    if (code == CLI_EXIT_OK)
        code = tls_check_days(o.days);
    if (code == CLI_EXIT_OK && o.domains.len && !o.constrain)
        code = cli_fail(NOMAD_EXIT_FAILED,
                        "-additional-domain has a meaning with -name-constraint only");
    return code == CLI_EXIT_OK ? tls_files_free(c, name) : code;
}

static struct cert_spec spec_of(struct cli_call *c)
{
    int64_t now = clock_wall_s();
    struct cert_spec s = {.common_name = o.common_name,
                          .not_before_s = now,
                          .not_after_s = now + o.days * TLS_SECONDS_A_DAY,
                          .ca = true};

    memcpy(s.subject, o.subject, sizeof s.subject);
    if (!o.common_name) /* two authorities of one name could not be told apart */
        s.common_name =
            arena_printf(c->arena, "Nomad Agent CA %llu", (unsigned long long)random_u64());
    if (!o.constrain)
        return s;
    list_push(c->arena, &s.permitted_dns, o.domain);
    list_push(c->arena, &s.permitted_dns, "localhost");
    for (size_t i = 0; i < o.domains.len; i++)
        list_push(c->arena, &s.permitted_dns, o.domains.at[i]);
    return s;
}

static int create_run(struct cli_call *c)
{
    const char *name = arena_printf(c->arena, "%s-agent-ca", o.domain);
    auto_pkey struct pkey *key = NULL;
    auto_cert struct cert *ca = NULL;
    struct err e = ERR_INIT;
    struct cert_spec spec;
    int code = check(c, name);

    if (code != CLI_EXIT_OK)
        return code;
    spec = spec_of(c);
    if (pkey_generate(PKEY_EC_P256, 0, &key, &e) < 0 ||
        cert_issue(&spec, key, NULL, NULL, &ca, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error creating the authority: %s", e.msg);
    code = tls_files_write(c, name, ca, key);
    if (code == CLI_EXIT_OK)
        printf("==> CA Certificate saved to: %s.pem\n==> CA Certificate key saved to: "
               "%s-key.pem\n",
               name, name);
    return code;
}

const struct cli_command nomad_cmd_tls_ca_create = {
    .name = "tls ca create",
    .synopsis = "Create a certificate authority for Nomad",
    .about = "Creates an authority for the cluster's own TLS: DOMAIN-agent-ca.pem, which every "
             "agent needs, and DOMAIN-agent-ca-key.pem, with which certificates are made and "
             "which belongs in a safe place.",
    .flags = CLI_FLAGS(create_flags),
    .args = {0, 0, "no arguments"},
    .run = create_run,
};

static int info_run(struct cli_call *c)
{
    const char *path = c->argc ? c->argv[0] : "nomad-agent-ca.pem";
    struct tls_names permitted = {"Permitted DNS Domains", {0}};
    auto_cert struct cert *ca = NULL;
    int code = tls_read_cert(c, path, &ca);

    if (code != CLI_EXIT_OK)
        return code;
    if (!cert_is_ca(ca))
        return cli_fail(NOMAD_EXIT_FAILED, "%s is not the certificate of an authority", path);
    cert_permitted_dns(ca, c->arena, &permitted.list);
    tls_print(c, ca, &permitted, 1);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_tls_ca_info = {
    .name = "tls ca info",
    .usage = "nomad tls ca info [<CA file>]",
    .synopsis = "Show certificate authority information",
    .about = "Shows what is in an authority's certificate (nomad-agent-ca.pem).",
    .args = {0, 1, "either no arguments or one: <CA file>"},
    .guess = {cli_guess_files},
    .run = info_run,
};
