#include "crypto/x509.h"

#include "base/arena.h"
#include "c.h"
#include "crypto/pkey.h"
#include "fixtures.h"

enum { FROM = 1700000000, TO = 1800000000, NOW = 1750000000 };

struct authority {
    struct pkey *key;
    struct cert *cert;
};

static struct authority authority(const char *name)
{
    struct cert_spec spec = {
        .common_name = name, .not_before_s = FROM, .not_after_s = TO, .ca = true};
    struct authority ret = {0};
    struct err e = ERR_INIT;

    T_OK(pkey_generate(PKEY_EC_P256, 0, &ret.key, &e), &e);
    T_OK(cert_issue(&spec, ret.key, NULL, NULL, &ret.cert, &e), &e);
    return ret;
}

static void authority_done(struct authority *a)
{
    pkey_unref(a->key);
    cert_unref(a->cert);
}
#define auto_authority AUTO(authority_done)

static struct cert_spec server_spec(void)
{
    static const char *dns[] = {"server.global.nomad", "localhost", "*.wild.example"};
    static const char *ips[] = {"127.0.0.1", "::1"};

    return (struct cert_spec){.common_name = "server.global.nomad",
                              .dns = {dns, 3},
                              .ips = {ips, 2},
                              .not_before_s = FROM,
                              .not_after_s = TO,
                              .purposes = CERT_FOR_SERVER | CERT_FOR_CLIENT};
}

static struct cert *leaf_of(const struct authority *ca, const struct cert_spec *spec)
{
    auto_pkey struct pkey *key = NULL;
    struct cert *c = NULL;
    struct err e = ERR_INIT;

    T_OK(pkey_generate(PKEY_EC_P256, 0, &key, &e), &e);
    T_OK(cert_issue(spec, key, ca->cert, ca->key, &c, &e), &e);
    return c;
}

TEST(x509_leaf_says_what_was_asked_for)
{
    auto_authority struct authority ca = authority("the authority");
    struct cert_spec spec = server_spec();
    auto_cert struct cert *leaf = leaf_of(&ca, &spec), *again = NULL;
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf pem = BUF_INIT(8000);
    struct strlist dns, ips;
    struct err e = ERR_INIT;
    uint8_t one[32], two[32];

    T_OK(cert_put_pem(leaf, &pem, &e), &e);
    T_OK(cert_from_pem(buf_str(&pem), &again, &e), &e);
    T_STR_EQ(cert_common_name(again, a), "server.global.nomad");
    cert_names(again, a, &dns, &ips);
    T_INT_EQ(dns.len, 3);
    T_STR_EQ(dns.at[0], "server.global.nomad");
    T_INT_EQ(ips.len, 2);
    T_STR_EQ(ips.at[0], "127.0.0.1");
    T_STR_EQ(ips.at[1], "::1");
    T_INT_EQ(cert_not_before_s(again), FROM);
    T_INT_EQ(cert_not_after_s(again), TO);
    T_FALSE(cert_is_ca(again));
    T_TRUE(cert_is_ca(ca.cert));
    T_INT_EQ(strlen(cert_serial(again, a)), 16 * 3 - 1);
    cert_fingerprint(leaf, one);
    cert_fingerprint(again, two);
    T_INT_EQ(memcmp(one, two, 32), 0);
    cert_unref(cert_ref(leaf));
    cert_unref(NULL);
}

TEST(x509_names_are_matched_as_tls_does)
{
    static const struct {
        const char *name;
        bool want;
    } rows[] = {
        {"server.global.nomad", true},
        {"SERVER.Global.nomad", true},
        {"client.global.nomad", false},
        {"a.wild.example", true},
        {"a.b.wild.example", false},
        {"wild.example", false},
        {"", false},
        {"xserver.global.nomad", false},
        {"server.global.nomad.x", false},
    };
    auto_authority struct authority ca = authority("the authority");
    struct cert_spec spec = server_spec();
    auto_cert struct cert *leaf = leaf_of(&ca, &spec);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].name);
        T_INT_EQ(cert_has_dns(leaf, rows[i].name), rows[i].want);
    }
}

TEST(x509_common_name_alone_is_no_dns_name)
{
    auto_authority struct authority ca = authority("the authority");
    struct cert_spec spec = server_spec();

    spec.dns.len = spec.ips.len = 0;
    auto_cert struct cert *leaf = leaf_of(&ca, &spec);

    T_FALSE(cert_has_dns(leaf, "server.global.nomad"));
}

TEST(x509_verify_wants_issuer_purpose_and_time)
{
    auto_authority struct authority ca = authority("the authority");
    auto_authority struct authority other = authority("the authority");
    struct cert_spec both = server_spec(), server = server_spec(), client = server_spec();
    struct err e = ERR_INIT;

    server.purposes = CERT_FOR_SERVER;
    client.purposes = CERT_FOR_CLIENT;
    const struct {
        const char *label;
        const struct cert_spec *spec;
        const struct cert *ca;
        unsigned purposes;
        int64_t now_s;
        const char *msg; /* NULL: trusted */
    } rows[] = {
        {"good", &both, ca.cert, CERT_FOR_SERVER | CERT_FOR_CLIENT, NOW, NULL},
        {"no purpose asked", &client, ca.cert, 0, NOW, NULL},
        {"first second", &both, ca.cert, CERT_FOR_SERVER, FROM, NULL},
        {"too early", &both, ca.cert, CERT_FOR_SERVER, FROM - 1, "not yet valid"},
        {"too late", &both, ca.cert, CERT_FOR_SERVER, TO + 1, "expired"},
        {"client as server", &client, ca.cert, CERT_FOR_SERVER, NOW, "not for servers"},
        {"server as client", &server, ca.cert, CERT_FOR_CLIENT, NOW, "not for clients"},
        {"same name, other key", &both, other.cert, CERT_FOR_SERVER, NOW, "not trusted"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_cert struct cert *leaf = leaf_of(&ca, rows[i].spec);
        int r = cert_verify(leaf, rows[i].ca, rows[i].purposes, rows[i].now_s, &e);

        T_INT_EQ(r, rows[i].msg ? ERR_DENIED : 0);
        if (rows[i].msg)
            T_STR_HAS(e.msg, rows[i].msg);
    }
    T_ROW("the authority itself");
    T_INT_EQ(cert_verify(ca.cert, ca.cert, 0, NOW, &e), ERR_DENIED);
}

TEST(x509_key_of_a_certificate_is_its_subjects)
{
    auto_authority struct authority ca = authority("the authority");
    auto_pkey struct pkey *key = NULL, *from_pem = NULL;
    auto_buf struct buf pem = BUF_INIT(8000);
    struct err e = ERR_INIT;

    T_OK(cert_public_key(ca.cert, &key, &e), &e);
    T_TRUE(pkey_same_public(key, ca.key));
    T_FALSE(pkey_has_private(key));
    T_OK(cert_put_pem(ca.cert, &pem, &e), &e);
    T_OK(pkey_from_pem(buf_str(&pem), &from_pem, &e), &e);
    T_TRUE(pkey_same_public(from_pem, ca.key));
}

TEST(x509_issue_works_with_every_kind_of_key)
{
    static const enum pkey_kind kinds[] = {PKEY_RSA, PKEY_EC_P384, PKEY_EC_P521, PKEY_ED25519};
    struct cert_spec ca_spec = {
        .common_name = "ca", .not_before_s = FROM, .not_after_s = TO, .ca = true};
    struct cert_spec spec = server_spec();

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        auto_authority struct authority ca = {0};
        struct err e = ERR_INIT;

        T_OK(pkey_generate(kinds[i], 2048, &ca.key, &e), &e);
        T_OK(cert_issue(&ca_spec, ca.key, NULL, NULL, &ca.cert, &e), &e);
        auto_cert struct cert *leaf = leaf_of(&ca, &spec);

        T_OK(cert_verify(leaf, ca.cert, CERT_FOR_SERVER, NOW, &e), &e);
    }
}

TEST(x509_issue_refuses_names_that_cannot_be)
{
    static const char long_name[] =
        "12345678901234567890123456789012345678901234567890123456789012345";
    static const char *many[CERT_NAMES_MAX + 1];
    static const struct {
        const char *label, *cn, *dns, *ip;
        size_t names;
        int want;
        const char *msg;
    } rows[] = {
        {"no common name", "", NULL, NULL, 0, ERR_INVALID, "common name"},
        {"NULL common name", NULL, NULL, NULL, 0, ERR_INVALID, "common name"},
        {"long common name", long_name, NULL, NULL, 0, ERR_INVALID, "1 to 64"},
        {"line end", "a\nb", NULL, NULL, 0, ERR_INVALID, "common name"},
        {"UTF-8", "caf\xc3\xa9", NULL, NULL, 0, 0, ""},
        {"comma in DNS", "x", "a,DNS:b", NULL, 0, ERR_INVALID, "'a,DNS:b' is not a DNS name"},
        {"empty DNS", "x", "", NULL, 0, ERR_INVALID, "'' is not"},
        {"not an address", "x", NULL, "1.2.3", 0, ERR_INVALID, "'1.2.3' is not an IP"},
        {"too many names", "x", NULL, NULL, CERT_NAMES_MAX + 1, ERR_TOOBIG, "100 names"},
    };
    auto_authority struct authority ca = authority("ca");

    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = "x.example";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_cert struct cert *c = NULL;
        const char *dns = rows[i].dns, *ip = rows[i].ip;
        struct cert_spec spec = {
            .common_name = rows[i].cn, .not_before_s = FROM, .not_after_s = TO};
        struct err e = ERR_INIT;

        spec.dns = rows[i].names ? (struct strlist){many, rows[i].names}
                                 : (struct strlist){&dns, dns != NULL};
        spec.ips = (struct strlist){&ip, ip != NULL};
        T_INT_EQ(cert_issue(&spec, ca.key, ca.cert, ca.key, &c, &e), rows[i].want);
        T_STR_HAS(e.msg, rows[i].msg);
    }
}

TEST(x509_issue_refuses_the_wrong_issuer)
{
    auto_authority struct authority ca = authority("ca"), other = authority("other");
    struct cert_spec spec = server_spec();
    auto_cert struct cert *leaf = leaf_of(&ca, &spec), *c = NULL;
    auto_pkey struct pkey *public = NULL;
    struct err e = ERR_INIT;

    T_OK(cert_public_key(ca.cert, &public, &e), &e);
    T_INT_EQ(cert_issue(&spec, ca.key, ca.cert, public, &c, &e), ERR_DENIED);
    T_INT_EQ(cert_issue(&spec, ca.key, ca.cert, other.key, &c, &e), ERR_DENIED);
    T_INT_EQ(cert_issue(&spec, ca.key, leaf, ca.key, &c, &e), ERR_DENIED);
    T_INT_EQ(cert_issue(&spec, public, NULL, NULL, &c, &e), ERR_DENIED);
    spec.not_after_s = spec.not_before_s;
    T_INT_EQ(cert_issue(&spec, ca.key, ca.cert, ca.key, &c, &e), ERR_INVALID);
    T_TRUE(c == NULL);
}

TEST(x509_from_pem_refuses_what_is_none)
{
    static char big[CERT_PEM_MAX + 1];
    auto_cert struct cert *c = NULL;
    auto_buf struct buf tight = BUF_INIT(10);
    struct err e = ERR_INIT;

    T_INT_EQ(cert_from_pem(STR(""), &c, &e), ERR_INVALID);
    T_INT_EQ(cert_from_pem(STR(FIXTURE_EC_PUBLIC), &c, &e), ERR_INVALID);
    T_INT_EQ(cert_from_pem(
                 STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), &c, &e),
             ERR_INVALID);
    T_INT_EQ(cert_from_pem(str_n(big, sizeof big), &c, &e), ERR_TOOBIG);
    T_TRUE(c == NULL);
    auto_authority struct authority ca = authority("ca");

    T_INT_EQ(cert_put_pem(ca.cert, &tight, &e), ERR_TOOBIG);
}

TEST(x509_subject_and_permitted_domains_are_as_asked_for)
{
    static const char *domains[] = {"nomad", "localhost"}, *inside[] = {"server.global.nomad"},
                      *outside[] = {"server.example"};
    auto_arena struct arena *a = arena_new(0);
    struct cert_spec spec = {.common_name = "The CA",
                             .subject = {[CERT_COUNTRY] = "DE", [CERT_ORGANIZATION] = "A, B"},
                             .permitted_dns = {domains, 2},
                             .not_before_s = FROM,
                             .not_after_s = TO,
                             .ca = true};
    struct cert_spec leaf = server_spec();
    auto_authority struct authority ca = {0};
    struct strlist permitted;
    struct err e = ERR_INIT;

    T_OK(pkey_generate(PKEY_EC_P256, 0, &ca.key, &e), &e);
    T_OK(cert_issue(&spec, ca.key, NULL, NULL, &ca.cert, &e), &e);
    T_STR_EQ(cert_subject(ca.cert, a), "CN=The CA,O=A\\, B,C=DE");
    T_STR_EQ(cert_issuer_common_name(ca.cert, a), "The CA");
    T_TRUE(strspn(cert_serial_decimal(ca.cert, a), "0123456789") >= 38);
    cert_permitted_dns(ca.cert, a, &permitted);
    T_INT_EQ(permitted.len, 2);
    T_STR_EQ(permitted.at[0], "nomad");
    for (int in = 0; in <= 1; in++) {
        auto_cert struct cert *c = NULL;

        leaf.dns = (struct strlist){in ? inside : outside, 1};
        c = leaf_of(&ca, &leaf);
        T_INT_EQ(cert_verify(c, ca.cert, CERT_FOR_SERVER, NOW, &e), in ? 0 : ERR_DENIED);
    }
}

TEST(x509_subject_that_cannot_be_is_refused)
{
    static const struct {
        const char *label, *want;
        enum cert_subject_part part;
        const char *text;
    } rows[] = {
        {"a long country", "two letters", CERT_COUNTRY, "DEU"},
        {"a country that is no text", "cannot be part", CERT_COUNTRY, "\xc3\xa4"},
        {"a control character", "printable", CERT_LOCALITY, "a\nb"},
        {"too long", "40 printable", CERT_STREET, "12345678901234567890123456789012345678901"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cert_spec spec = {
            .common_name = "x", .not_before_s = FROM, .not_after_s = TO, .ca = true};
        auto_pkey struct pkey *key = NULL;
        auto_cert struct cert *c = NULL;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        spec.subject[rows[i].part] = rows[i].text;
        T_OK(pkey_generate(PKEY_EC_P256, 0, &key, &e), &e);
        T_INT_EQ(cert_issue(&spec, key, NULL, NULL, &c, &e), ERR_INVALID);
        T_STR_HAS(e.msg, rows[i].want);
    }
    T_ROW("");
}
