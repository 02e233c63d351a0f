#include <fcntl.h>
#include <gnutls/x509.h>
#include <sys/stat.h>

#include "base/path.h"
#include "http_t.h"

/* Keys and certificates made by GnuTLS as the test runs, so that none expires in the tree. */
static void must(int r)
{
    if (r < 0)
        t_fail(__FILE__, __LINE__, "gnutls: %s", gnutls_strerror(r));
}

struct pair {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t cert;
};

static void pair_done(struct pair *p)
{
    gnutls_x509_crt_deinit(p->cert);
    gnutls_x509_privkey_deinit(p->key);
}

static struct pair make(const char *name, const struct pair *issuer, const char *purpose)
{
    static unsigned char serial;
    struct pair p;
    time_t now = time(NULL);

    must(gnutls_x509_privkey_init(&p.key));
    must(gnutls_x509_privkey_generate(p.key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    must(gnutls_x509_crt_init(&p.cert));
    must(gnutls_x509_crt_set_version(p.cert, 3));
    serial++;
    must(gnutls_x509_crt_set_serial(p.cert, &serial, 1));
    must(gnutls_x509_crt_set_dn_by_oid(p.cert, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                       (unsigned)strlen(name)));
    must(gnutls_x509_crt_set_activation_time(p.cert, now - 60));
    must(gnutls_x509_crt_set_expiration_time(p.cert, now + 3600));
    must(gnutls_x509_crt_set_key(p.cert, p.key));
    must(gnutls_x509_crt_set_basic_constraints(p.cert, !issuer, -1));
    if (purpose) {
        must(gnutls_x509_crt_set_key_purpose_oid(p.cert, purpose, 0));
        must(gnutls_x509_crt_set_subject_alt_name(p.cert, GNUTLS_SAN_DNSNAME, "localhost", 9,
                                                  GNUTLS_FSAN_SET));
        must(gnutls_x509_crt_set_subject_alt_name(p.cert, GNUTLS_SAN_IPADDRESS, "\x7f\0\0\1", 4,
                                                  GNUTLS_FSAN_APPEND));
    }
    must(gnutls_x509_crt_sign2(p.cert, issuer ? issuer->cert : p.cert,
                               issuer ? issuer->key : p.key, GNUTLS_DIG_SHA256, 0));
    return p;
}

static void save(const char *path, const gnutls_datum_t *pem)
{
    struct err e = ERR_INIT;

    T_OK(path_write_atomic(AT_FDCWD, path, str_n(pem->data, pem->size), 0600, &e), &e);
    gnutls_free(pem->data);
}

static void save_cert(const struct pair *p, const char *path)
{
    gnutls_datum_t pem;

    must(gnutls_x509_crt_export2(p->cert, GNUTLS_X509_FMT_PEM, &pem));
    save(path, &pem);
}

static void save_key(const struct pair *p, const char *path)
{
    gnutls_datum_t pem;

    must(gnutls_x509_privkey_export2(p->key, GNUTLS_X509_FMT_PEM, &pem));
    save(path, &pem);
}

const struct t_pki *t_pki(const char *name)
{
    static struct t_pki p;
    struct pair ca = make(name, NULL, NULL);
    struct pair server = make("server", &ca, GNUTLS_KP_TLS_WWW_SERVER);
    struct pair client = make("client", &ca, GNUTLS_KP_TLS_WWW_CLIENT);
    const struct {
        char *path;
        const char *file;
    } files[] = {{p.ca, "ca"},
                 {p.cert, "cert"},
                 {p.key, "key"},
                 {p.client_cert, "client-cert"},
                 {p.client_key, "client-key"}};

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        snprintf(files[i].path, sizeof p.ca, "%s/%s-%s.pem", t_tmpdir(), name, files[i].file);
    save_cert(&ca, p.ca);
    save_cert(&server, p.cert);
    save_key(&server, p.key);
    save_cert(&client, p.client_cert);
    save_key(&client, p.client_key);
    pair_done(&ca);
    pair_done(&server);
    pair_done(&client);
    return &p;
}
