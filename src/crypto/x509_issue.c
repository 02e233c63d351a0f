#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/random.h"
#include "crypto/crypto_priv.h"
#include "crypto/pkey.h"
#include "crypto/x509_priv.h"

enum { COMMON_NAME_MAX = 64, SERIAL_BYTES = 16 }; /* RFC 5280: ub-common-name */

static bool is_dns_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= CERT_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*") ==
               len;
}

static int check_subject(const struct cert_spec *spec, struct err *e)
{
    const char *country = spec->subject[CERT_COUNTRY];

    for (size_t i = 0; i < CERT_SUBJECT_PARTS; i++) {
        struct str s = str_of(spec->subject[i]);

        if (s.len > CERT_SUBJECT_PART_MAX || !str_is_printable(s))
            return err_set(e, ERR_INVALID, "'%.64s' is not %d printable characters at most",
                           s.p, CERT_SUBJECT_PART_MAX);
    }
    if (country && *country && strlen(country) != 2)
        return err_set(e, ERR_INVALID, "a country has two letters, '%.64s' is none", country);
    return 0;
}

static int check_names(const struct strlist *names, struct err *e)
{
    for (size_t i = 0; i < names->len; i++)
        if (!is_dns_name(names->at[i]))
            return err_set(e, ERR_INVALID, "'%.64s' is not a DNS name", names->at[i]);
    return 0;
}

static int check_spec(const struct cert_spec *spec, struct err *e)
{
    const char *cn = spec->common_name;
    size_t n = cn ? strlen(cn) : 0;

    if (n == 0 || n > COMMON_NAME_MAX || !str_is_printable(str_of(cn)))
        return err_set(e, ERR_INVALID, "a common name has 1 to %d printable characters",
                       COMMON_NAME_MAX);
    if (spec->dns.len + spec->ips.len > CERT_NAMES_MAX ||
        spec->permitted_dns.len > CERT_NAMES_MAX)
        return err_set(e, ERR_TOOBIG, "more than %d names in a certificate", CERT_NAMES_MAX);
    if (check_names(&spec->dns, e) < 0 || check_names(&spec->permitted_dns, e) < 0 ||
        check_subject(spec, e) < 0)
        return ERR_INVALID;
    if (spec->not_after_s <= spec->not_before_s)
        return err_set(e, ERR_INVALID, "a certificate must end after it begins");
    return 0;
}

/* 128 random bits, positive, without a leading zero byte. */
static void set_serial(X509 *x)
{
    uint8_t raw[SERIAL_BYTES];
    auto_ossl_bn BIGNUM *n = NULL;

    random_bytes(raw, sizeof raw);
    raw[0] = (uint8_t)((raw[0] & 0x7f) | 0x40);
    n = ossl_must(BN_bin2bn(raw, sizeof raw, NULL));
    ossl_must(BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)));
}

/* From the largest to the smallest, as names are written. */
static int set_subject(X509 *x, const struct cert_spec *spec, struct err *e)
{
    static const int nids[CERT_SUBJECT_PARTS] = {
        [CERT_COUNTRY] = NID_countryName,         [CERT_PROVINCE] = NID_stateOrProvinceName,
        [CERT_LOCALITY] = NID_localityName,       [CERT_STREET] = NID_streetAddress,
        [CERT_POSTAL_CODE] = NID_postalCode,      [CERT_ORGANIZATION] = NID_organizationName,
        [CERT_UNIT] = NID_organizationalUnitName,
    };
    X509_NAME *name = X509_get_subject_name(x);

    for (size_t i = 0; i < CERT_SUBJECT_PARTS; i++) {
        const char *part = spec->subject[i];

        if (part && *part &&
            X509_NAME_add_entry_by_NID(name, nids[i], MBSTRING_UTF8, (const uint8_t *)part, -1,
                                       -1, 0) != 1)
            return ossl_err(e, ERR_INVALID, "'%.64s' cannot be part of a subject", part);
    }
    if (X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                   (const uint8_t *)spec->common_name, -1, -1, 0) != 1)
        return ossl_err(e, ERR_INVALID, "'%.64s' cannot be a common name", spec->common_name);
    return 0;
}

static void push_name(GENERAL_NAMES *names, int type, void *taken_value)
{
    GENERAL_NAME *name = ossl_must(GENERAL_NAME_new());

    GENERAL_NAME_set0_value(name, type, taken_value);
    if (sk_GENERAL_NAME_push(names, name) <= 0)
        abort();
}

static void names_freep(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

static int add_names(X509 *x, const struct cert_spec *spec, struct err *e)
{
    AUTO(names_freep) GENERAL_NAMES *names = ossl_must(GENERAL_NAMES_new());

    for (size_t i = 0; i < spec->dns.len; i++) {
        ASN1_IA5STRING *text = ossl_must(ASN1_IA5STRING_new());

        if (ASN1_STRING_set(text, spec->dns.at[i], -1) != 1)
            abort();
        push_name(names, GEN_DNS, text);
    }
    for (size_t i = 0; i < spec->ips.len; i++) {
        ASN1_OCTET_STRING *ip = a2i_IPADDRESS(spec->ips.at[i]);

        if (!ip)
            return ossl_err(e, ERR_INVALID, "'%.64s' is not an IP address", spec->ips.at[i]);
        push_name(names, GEN_IPADD, ip);
    }
    if (sk_GENERAL_NAME_num(names) > 0 &&
        X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0) != 1)
        abort();
    return 0;
}

static GENERAL_SUBTREE *subtree_of(const char *domain)
{
    GENERAL_SUBTREE *tree = ossl_must(GENERAL_SUBTREE_new());
    ASN1_IA5STRING *text = ossl_must(ASN1_IA5STRING_new());

    if (ASN1_STRING_set(text, domain, -1) != 1)
        abort();
    GENERAL_NAME_set0_value(tree->base, GEN_DNS, text);
    return tree;
}

static void add_permitted(X509 *x, const struct strlist *domains)
{
    NAME_CONSTRAINTS *nc;

    if (domains->len == 0)
        return;
    nc = ossl_must(NAME_CONSTRAINTS_new());
    nc->permittedSubtrees = ossl_must(sk_GENERAL_SUBTREE_new_null());
    for (size_t i = 0; i < domains->len; i++)
        if (sk_GENERAL_SUBTREE_push(nc->permittedSubtrees, subtree_of(domains->at[i])) <= 0)
            abort();
    if (X509_add1_ext_i2d(x, NID_name_constraints, nc, 1, 0) != 1)
        abort();
    NAME_CONSTRAINTS_free(nc);
}

/* The values are ours: no text of a caller goes through OpenSSL's extension language. */
static void add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *ext;
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    ext = ossl_must(X509V3_EXT_conf_nid(NULL, &ctx, nid, value));
    if (X509_add_ext(x, ext, -1) != 1)
        abort();
    X509_EXTENSION_free(ext);
}

static void add_extensions(X509 *x, X509 *issuer, const struct cert_spec *spec)
{
    static const char *const eku[] = {
        NULL,
        "serverAuth",
        "clientAuth",
        "serverAuth,clientAuth",
    };

    add_ext(x, issuer, NID_basic_constraints,
            spec->ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE");
    add_ext(x, issuer, NID_key_usage,
            spec->ca ? "critical,keyCertSign,cRLSign,digitalSignature"
                     : "critical,digitalSignature,keyEncipherment");
    if (!spec->ca && eku[spec->purposes & 3])
        add_ext(x, issuer, NID_ext_key_usage, eku[spec->purposes & 3]);
    add_ext(x, issuer, NID_subject_key_identifier, "hash");
    add_ext(x, issuer, NID_authority_key_identifier, "keyid");
}

static const EVP_MD *md_for_signing(const struct pkey *k)
{
    switch (pkey_kind_of(k)) {
    case PKEY_EC_P384:
        return hash_md(HASH_SHA384);
    case PKEY_EC_P521:
        return hash_md(HASH_SHA512);
    case PKEY_ED25519:
        return NULL;
    default:
        return hash_md(HASH_SHA256);
    }
}

static int check_issuer(const struct cert *issuer, const struct pkey *signer, struct err *e)
{
    if (!pkey_has_private(signer))
        return err_set(e, ERR_DENIED, "the issuer's private key is not here");
    if (issuer && !cert_is_ca(issuer))
        return err_set(e, ERR_DENIED, "the issuing certificate is not an authority's");
    if (issuer && X509_check_private_key(cert_x509(issuer), pkey_evp(signer)) != 1)
        return ossl_err(e, ERR_DENIED, "the key is not the issuing certificate's");
    return 0;
}

int cert_issue(const struct cert_spec *spec, const struct pkey *key, const struct cert *issuer,
               const struct pkey *issuer_key, struct cert **ret, struct err *e)
{
    const struct pkey *signer = issuer ? issuer_key : key;
    auto_ossl_x509 X509 *x = ossl_must(X509_new());
    int r;

    r = check_spec(spec, e);
    if (r == 0)
        r = check_issuer(issuer, signer, e);
    if (r < 0)
        return r;
    set_serial(x);
    r = set_subject(x, spec, e);
    if (r < 0)
        return r;
    ossl_must(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)spec->not_before_s));
    ossl_must(ASN1_TIME_set(X509_getm_notAfter(x), (time_t)spec->not_after_s));
    if (X509_set_version(x, X509_VERSION_3) != 1 || X509_set_pubkey(x, pkey_evp(key)) != 1 ||
        X509_set_issuer_name(x, X509_get_subject_name(issuer ? cert_x509(issuer) : x)) != 1)
        abort();
    r = add_names(x, spec, e);
    if (r < 0)
        return r;
    add_extensions(x, issuer ? cert_x509(issuer) : x, spec);
    if (spec->ca)
        add_permitted(x, &spec->permitted_dns);
    if (X509_sign(x, pkey_evp(signer), md_for_signing(signer)) <= 0)
        return ossl_err(e, ERR_INTERNAL, "sign a certificate");
    (void)X509_check_purpose(x, -1, 0); /* fills its caches while nobody else sees it */
    *ret = cert_wrap(TAKE_PTR(x));
    return 0;
}
