#include <fcntl.h>
#include <gnutls/x509.h>

#include "base/err.h"
#include "base/path.h"
#include "http/http_priv.h"

enum { PEM_MAX = 1 << 20 };

/* What handshakes use. A connection keeps the one it began with; a reload makes the next. */
struct tls_creds {
    atomic_int refs;
    gnutls_certificate_credentials_t cred;
    gnutls_priority_t priority;
    gnutls_certificate_request_t ask;
};

/* A listener's files and what was last read from them. */
struct tls_source {
    struct lock lock;
    struct tls_creds *now; /* lock */
    struct http_tls files; /* own copies */
};

struct tls_conn {
    gnutls_session_t session;
    struct tls_creds *creds;
    char *peer_cert;
    size_t peer_cert_len;
    bool is_up;   /* the handshake is done */
    bool pending; /* a record was taken by gnutls but not yet by the socket */
};

static void creds_unref(struct tls_creds *c)
{
    if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
        return;
    if (c->cred)
        gnutls_certificate_free_credentials(c->cred);
    if (c->priority)
        gnutls_priority_deinit(c->priority);
    free(c);
}
DEFINE_AUTO(struct tls_creds *, creds_unref)

static int read_pem(const char *file, struct buf *b, gnutls_datum_t *ret, struct err *e)
{
    int r = path_read_file(AT_FDCWD, file, b, e);

    if (r < 0)
        return err_wrap(e, r, "TLS file %s", file);
    *ret = (gnutls_datum_t){(unsigned char *)b->p, (unsigned)b->len};
    return 0;
}

static int load_pair(struct tls_creds *c, const struct http_tls *t, struct err *e)
{
    auto_buf struct buf cert = BUF_INIT(PEM_MAX), key = BUF_INIT(PEM_MAX);
    gnutls_datum_t cert_pem, key_pem;
    int r;

    key.secret = true;
    if ((r = read_pem(t->cert_file, &cert, &cert_pem, e)) < 0 ||
        (r = read_pem(t->key_file, &key, &key_pem, e)) < 0)
        return r;
    r = gnutls_certificate_set_x509_key_mem2(c->cred, &cert_pem, &key_pem, GNUTLS_X509_FMT_PEM,
                                             NULL, 0);
    if (r < 0)
        return err_set(e, ERR_INVALID, "certificate %s with key %s: %s", t->cert_file,
                       t->key_file, gnutls_strerror(r));
    return 0;
}

static int load_client_ca(struct tls_creds *c, const struct http_tls *t, struct err *e)
{
    auto_buf struct buf ca = BUF_INIT(PEM_MAX);
    gnutls_datum_t pem;
    int r;

    c->ask = GNUTLS_CERT_IGNORE;
    if (!t->client_ca_file)
        return 0;
    c->ask = t->require_client_cert ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST;
    if ((r = read_pem(t->client_ca_file, &ca, &pem, e)) < 0)
        return r;
    r = gnutls_certificate_set_x509_trust_mem(c->cred, &pem, GNUTLS_X509_FMT_PEM);
    if (r <= 0)
        return err_set(e, ERR_INVALID, "client CA %s: %s", t->client_ca_file,
                       r < 0 ? gnutls_strerror(r) : "no certificate in it");
    return 0;
}

static int set_versions(struct tls_creds *c, const struct http_tls *t, struct err *e)
{
    bool only13 = t->min_version && strcmp(t->min_version, "tls13") == 0;

    if (t->min_version && !only13 && strcmp(t->min_version, "tls12") != 0)
        return err_set(e, ERR_INVALID, "TLS version '%s' is not \"tls12\" or \"tls13\"",
                       t->min_version);
    if (gnutls_priority_init(&c->priority,
                             only13 ? "NORMAL:-VERS-ALL:+VERS-TLS1.3"
                                    : "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
                             NULL) < 0)
        return err_set(e, ERR_INTERNAL, "TLS priorities");
    return 0;
}

static int creds_load(const struct http_tls *t, struct tls_creds **ret, struct err *e)
{
    AUTO(creds_unrefp) struct tls_creds *c = calloc(1, sizeof *c);
    int r;

    if (!c || gnutls_certificate_allocate_credentials(&c->cred) < 0)
        abort();
    atomic_init(&c->refs, 1);
    if ((r = set_versions(c, t, e)) < 0 || (r = load_pair(c, t, e)) < 0 ||
        (r = load_client_ca(c, t, e)) < 0)
        return r;
    *ret = TAKE_PTR(c);
    return 0;
}

static char *copy(const char *s)
{
    char *p = s ? strdup(s) : NULL;

    if (s && !p)
        abort();
    return p;
}

int tls_source_new(const struct http_tls *t, struct tls_source **ret, struct err *e)
{
    struct tls_creds *now = NULL;
    struct tls_source *s;
    int r;

    if (!t->cert_file || !t->key_file)
        return err_set(e, ERR_INVALID, "TLS needs a certificate file and a key file");
    r = creds_load(t, &now, e);
    if (r < 0)
        return r;
    s = calloc(1, sizeof *s);
    if (!s)
        abort();
    lock_init(&s->lock, "http tls", RANK_HTTP);
    s->now = now;
    s->files = (struct http_tls){
        .cert_file = copy(t->cert_file),
        .key_file = copy(t->key_file),
        .client_ca_file = copy(t->client_ca_file),
        .require_client_cert = t->require_client_cert,
        .min_version = copy(t->min_version),
    };
    *ret = s;
    return 0;
}

void tls_source_free(struct tls_source *s)
{
    if (!s)
        return;
    creds_unref(s->now);
    free((char *)s->files.cert_file);
    free((char *)s->files.key_file);
    free((char *)s->files.client_ca_file);
    free((char *)s->files.min_version);
    lock_done(&s->lock);
    free(s);
}

int tls_source_reload(struct tls_source *s, struct err *e)
{
    struct tls_creds *fresh, *old;
    int r = creds_load(&s->files, &fresh, e);

    if (r < 0)
        return r;
    lock_take(&s->lock);
    old = s->now;
    s->now = fresh;
    lock_drop(&s->lock);
    creds_unref(old);
    return 0;
}

static struct tls_creds *source_creds(struct tls_source *s)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    atomic_fetch_add(&s->now->refs, 1);
    return s->now;
}

struct tls_conn *tls_conn_new(struct tls_source *s, int fd)
{
    static const gnutls_datum_t http11 = {(unsigned char *)"http/1.1", 8};
    struct tls_conn *t = calloc(1, sizeof *t);

    if (!t)
        abort();
    if (gnutls_init(&t->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
                                     GNUTLS_NO_TICKETS) < 0) {
        free(t);
        return NULL;
    }
    t->creds = source_creds(s);
    gnutls_priority_set(t->session, t->creds->priority);
    gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, t->creds->cred);
    gnutls_certificate_server_set_request(t->session, t->creds->ask);
    gnutls_alpn_set_protocols(t->session, &http11, 1, 0);
    gnutls_handshake_set_timeout(t->session, 0); /* the connection has its own deadline */
    gnutls_transport_set_int(t->session, fd);
    return t;
}

void tls_conn_free(struct tls_conn *t)
{
    if (!t)
        return;
    gnutls_deinit(t->session);
    creds_unref(t->creds);
    free(t->peer_cert);
    free(t);
}

void tls_conn_bye(struct tls_conn *t)
{
    if (t->is_up)
        gnutls_bye(t->session, GNUTLS_SHUT_WR); /* does not block; lost if the socket is full */
}

/* A certificate that was shown must be good, whether or not one was required. */
static bool check_peer(struct tls_conn *t)
{
    unsigned status = 0, n = 0;
    const gnutls_datum_t *certs = gnutls_certificate_get_peers(t->session, &n);
    gnutls_typed_vdata_st purpose = {GNUTLS_DT_KEY_PURPOSE_OID,
                                     (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT, 0};

    if (t->creds->ask == GNUTLS_CERT_IGNORE)
        return true;
    if (!certs || n == 0)
        return t->creds->ask != GNUTLS_CERT_REQUIRE;
    if (gnutls_certificate_verify_peers(t->session, &purpose, 1, &status) < 0 || status != 0) {
        gnutls_alert_send(t->session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
        return false;
    }
    t->peer_cert = malloc(certs[0].size);
    if (!t->peer_cert)
        abort();
    memcpy(t->peer_cert, certs[0].data, certs[0].size);
    t->peer_cert_len = certs[0].size;
    return true;
}

int tls_handshake(struct tls_conn *t)
{
    int r;

    do
        r = gnutls_handshake(t->session);
    while (r == GNUTLS_E_INTERRUPTED ||
           (r < 0 && r != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(r)));
    if (r == GNUTLS_E_AGAIN)
        return 0;
    if (r < 0) {
        gnutls_alert_send_appropriate(t->session, r);
        return -1;
    }
    if (!check_peer(t))
        return -1;
    t->is_up = true;
    return 1;
}

ptrdiff_t tls_recv(struct tls_conn *t, void *p, size_t len)
{
    ssize_t n;

    do
        n = gnutls_record_recv(t->session, p, len);
    while (n == GNUTLS_E_INTERRUPTED);
    if (n == GNUTLS_E_AGAIN)
        return IO_AGAIN;
    return n < 0 ? -1 : n;
}

int tls_flush(struct tls_conn *t)
{
    ssize_t n;

    if (!t->pending)
        return 1;
    do
        n = gnutls_record_send(t->session, NULL, 0);
    while (n == GNUTLS_E_INTERRUPTED);
    if (n == GNUTLS_E_AGAIN)
        return 0;
    t->pending = false;
    return n < 0 ? -1 : 1;
}

/* What gnutls has encrypted counts as sent, though the socket may not have it yet: the next
 * call finishes that first. */
ptrdiff_t tls_send(struct tls_conn *t, const void *p, size_t len)
{
    int flushed = tls_flush(t);
    size_t record = gnutls_record_get_max_size(t->session);
    ssize_t n;

    if (flushed <= 0)
        return flushed < 0 ? -1 : IO_AGAIN;
    if (len > record)
        len = record;
    do
        n = gnutls_record_send(t->session, p, len);
    while (n == GNUTLS_E_INTERRUPTED);
    if (n == GNUTLS_E_AGAIN) {
        t->pending = true;
        return (ptrdiff_t)len;
    }
    return n < 0 ? -1 : n;
}

struct str tls_peer_cert(const struct tls_conn *t)
{
    return t->peer_cert ? str_n(t->peer_cert, t->peer_cert_len) : STR("");
}
