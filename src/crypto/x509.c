#include "crypto/x509.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "crypto/crypto_priv.h"
#include "crypto/pkey.h"
#include "crypto/x509_priv.h"

struct cert {
    X509 *x;
    atomic_uint refs;
};

X509 *cert_x509(const struct cert *c)
{
    return c->x;
}

struct cert *cert_wrap(X509 *taken)
{
    struct cert *c = ossl_must(malloc(sizeof *c));

    c->x = taken;
    atomic_init(&c->refs, 1);
    return c;
}

struct cert *cert_ref(struct cert *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void cert_unref(struct cert *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    X509_free(c->x);
    free(c);
}

int cert_from_pem(struct str pem, struct cert **ret, struct err *e)
{
    auto_ossl_bio BIO *bio = NULL;
    X509 *x;

    if (pem.len > CERT_PEM_MAX)
        return err_set(e, ERR_TOOBIG, "a PEM certificate is larger than %d bytes",
                       CERT_PEM_MAX);
    bio = bio_of(pem);
    x = PEM_read_bio_X509(bio, NULL, NULL, (char *)"");
    if (!x)
        return ossl_err(e, ERR_INVALID, "not a PEM certificate");
    (void)X509_check_purpose(x, -1, 0); /* fills its caches while nobody else sees it */
    *ret = cert_wrap(x);
    return 0;
}

int cert_put_pem(const struct cert *c, struct buf *out, struct err *e)
{
    auto_ossl_bio BIO *bio = ossl_must(BIO_new(BIO_s_mem()));

    if (PEM_write_bio_X509(bio, c->x) != 1)
        return ossl_err(e, ERR_INTERNAL, "write a certificate");
    return bio_move(bio, out, e);
}

static const char *common_name_of(const X509_NAME *name, struct arena *a)
{
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    uint8_t *utf8 = NULL;
    struct str text;
    char *ret;
    int len;

    if (at < 0)
        return "";
    len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    text = str_n(utf8, len > 0 ? (size_t)len : 0);
    ret = str_is_printable(text) ? arena_cstr(a, text) : arena_strdup(a, "");
    OPENSSL_free(utf8);
    return ret;
}

const char *cert_common_name(const struct cert *c, struct arena *a)
{
    return common_name_of(X509_get_subject_name(c->x), a);
}

const char *cert_issuer_common_name(const struct cert *c, struct arena *a)
{
    return common_name_of(X509_get_issuer_name(c->x), a);
}

static const char *dns_of(const GENERAL_NAME *name, struct arena *a)
{
    struct str s = str_n(ASN1_STRING_get0_data(name->d.dNSName),
                         (size_t)ASN1_STRING_length(name->d.dNSName));

    return s.len && s.len <= CERT_NAME_MAX && str_is_printable(s) ? arena_cstr(a, s) : NULL;
}

static const char *ip_of(const GENERAL_NAME *name, struct arena *a)
{
    int len = ASN1_STRING_length(name->d.iPAddress);
    char text[INET6_ADDRSTRLEN];

    if ((len != 4 && len != 16) ||
        !inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress),
                   text, sizeof text))
        return NULL;
    return arena_strdup(a, text);
}

void cert_names(const struct cert *c, struct arena *a, struct strlist *ret_dns,
                struct strlist *ret_ips)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(c->x, NID_subject_alt_name, NULL, NULL);
    struct strlist dns = {0}, ips = {0};
    int n = names ? sk_GENERAL_NAME_num(names) : 0;

    for (int i = 0; i < n && i < CERT_NAMES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        const char *text = name->type == GEN_DNS     ? dns_of(name, a)
                           : name->type == GEN_IPADD ? ip_of(name, a)
                                                     : NULL;

        if (text && name->type == GEN_DNS)
            list_push(a, &dns, text);
        else if (text)
            list_push(a, &ips, text);
    }
    GENERAL_NAMES_free(names);
    if (ret_dns)
        *ret_dns = dns;
    if (ret_ips)
        *ret_ips = ips;
}

const char *cert_serial(const struct cert *c, struct arena *a)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(c->x);
    const uint8_t *p = ASN1_STRING_get0_data(serial);
    size_t len = (size_t)ASN1_STRING_length(serial);
    char *text = arena_alloc(a, len * 3 + 1);

    text[0] = '\0';
    for (size_t i = 0; i < len; i++)
        snprintf(text + i * 3, 4, "%02x%s", p[i], i + 1 < len ? ":" : "");
    return text;
}

static int64_t time_of(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

int64_t cert_not_before_s(const struct cert *c)
{
    return time_of(X509_get0_notBefore(c->x));
}

int64_t cert_not_after_s(const struct cert *c)
{
    return time_of(X509_get0_notAfter(c->x));
}

bool cert_is_ca(const struct cert *c)
{
    return X509_check_ca(c->x) > 0;
}

void cert_fingerprint(const struct cert *c, uint8_t ret_sha256[32])
{
    if (X509_digest(c->x, hash_md(HASH_SHA256), ret_sha256, NULL) != 1)
        abort();
}

int cert_public_key(const struct cert *c, struct pkey **ret, struct err *e)
{
    auto_ossl_pkey EVP_PKEY *evp = X509_get_pubkey(c->x);

    if (!evp)
        return ossl_err(e, ERR_INVALID, "the certificate's key cannot be read");
    return pkey_adopt(&evp, false, ret, e);
}

bool cert_has_dns(const struct cert *c, const char *name)
{
    unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    size_t len = strlen(name);

    return len && X509_check_host(c->x, name, len, flags, NULL) == 1;
}

static int verify_purposes(const struct cert *c, unsigned purposes, struct err *e)
{
    if ((purposes & CERT_FOR_SERVER) &&
        X509_check_purpose(c->x, X509_PURPOSE_SSL_SERVER, 0) != 1)
        return ossl_err(e, ERR_DENIED, "the certificate is not for servers");
    if ((purposes & CERT_FOR_CLIENT) &&
        X509_check_purpose(c->x, X509_PURPOSE_SSL_CLIENT, 0) != 1)
        return ossl_err(e, ERR_DENIED, "the certificate is not for clients");
    return 0;
}

int cert_verify(const struct cert *c, const struct cert *ca, unsigned purposes, int64_t now_s,
                struct err *e)
{
    X509_STORE *store;
    X509_STORE_CTX *ctx;
    int r;

    if (cert_is_ca(c))
        return err_set(e, ERR_DENIED, "the certificate is an authority's, not a leaf");
    store = ossl_must(X509_STORE_new());
    ctx = ossl_must(X509_STORE_CTX_new());
    if (X509_STORE_add_cert(store, ca->x) != 1 ||
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) != 1 ||
        X509_STORE_CTX_init(ctx, store, c->x, NULL) != 1)
        abort();
    X509_STORE_CTX_set_time(ctx, 0, (time_t)now_s);
    r = X509_verify_cert(ctx) == 1
            ? 0
            : ossl_err(e, ERR_DENIED, "the certificate is not trusted: %s",
                       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    return r < 0 ? r : verify_purposes(c, purposes, e);
}
