#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "http/client_priv.h"

/*
 * Errors in the words of Go's net/http, which scripts and people around Vault and Nomad know.
 * They are made of the address, the certificate and errno, never of the request: no header, no
 * query, no credential can get into them.
 */
static const char *errno_text(long sys)
{
    switch (sys) {
    case ECONNREFUSED:
        return "connection refused";
    case ENETUNREACH:
        return "network is unreachable";
    case EHOSTUNREACH:
        return "no route to host";
    case ETIMEDOUT:
        return "connection timed out";
    case ECONNRESET:
        return "connection reset by peer";
    case ENOENT:
        return "no such file or directory";
    case EACCES:
        return "permission denied";
    case EADDRNOTAVAIL:
        return "cannot assign requested address";
    default:
        return "connection failed";
    }
}

static int connect_error(const struct slot *s, struct err *e)
{
    const struct http_client *c = s->client;
    long sys = 0;
    int r;

    curl_easy_getinfo(s->easy, CURLINFO_OS_ERRNO, &sys);
    if (c->unix_path)
        r = err_set(e, ERR_UNAVAIL, "dial unix %s: connect: %s", c->unix_path, errno_text(sys));
    else if (s->dialed[0])
        r = err_set(e, ERR_UNAVAIL, "dial tcp %s: connect: %s", s->dialed, errno_text(sys));
    else
        r = err_set(e, ERR_UNAVAIL, "dial tcp %s:%s: connect: %s", c->host, c->port,
                    errno_text(sys));
    if (e)
        e->sys = (int)sys;
    return r;
}

static int timeout_error(const struct slot *s, struct err *e)
{
    double connected = 0;

    curl_easy_getinfo(s->easy, CURLINFO_CONNECT_TIME, &connected);
    if (connected > 0 || !s->dialed[0])
        return err_set(e, ERR_TIMEOUT, "context deadline exceeded");
    return err_set(e, ERR_TIMEOUT, "dial tcp %s: i/o timeout", s->dialed);
}

/* OpenSSL's X509_V_ERR_*, as CURLINFO_SSL_VERIFYRESULT gives them. */
static const struct {
    long code;
    const char *text;
} verify_texts[] = {
    {2, "certificate signed by unknown authority"},
    {9, "certificate has expired or is not yet valid"},
    {10, "certificate has expired or is not yet valid"},
    {18, "certificate signed by unknown authority"},
    {19, "certificate signed by unknown authority"},
    {20, "certificate signed by unknown authority"},
    {21, "certificate signed by unknown authority"},
    {24, "certificate is not authorized to sign other certificates"},
    {26, "certificate specifies an incompatible key usage"},
    {79, "certificate is not authorized to sign other certificates"},
};

static int verify_error(const struct slot *s, struct err *e)
{
    const struct http_client *c = s->client;
    long code = 0;

    curl_easy_getinfo(s->easy, CURLINFO_SSL_VERIFYRESULT, &code);
    for (size_t i = 0; i < ARRAY_LEN(verify_texts); i++)
        if (verify_texts[i].code == code)
            return err_set(e, ERR_UNAVAIL, "tls: failed to verify certificate: x509: %s",
                           verify_texts[i].text);
    if (code == 62 || code == 64 || strstr(s->error, "subject name"))
        return err_set(e, ERR_UNAVAIL,
                       "tls: failed to verify certificate: x509: certificate is not valid for "
                       "%s",
                       c->o.server_name ? c->o.server_name : c->host);
    return err_set(e, ERR_UNAVAIL, "tls: failed to verify certificate: %s", s->error);
}

static int handshake_error(const struct slot *s, struct err *e)
{
    if (strstr(s->error, "wrong version number") || strstr(s->error, "http request") ||
        strstr(s->error, "packet length too long"))
        return err_set(e, ERR_UNAVAIL, "http: server gave HTTP response to HTTPS client");
    if (strstr(s->error, "alert certificate required") ||
        strstr(s->error, "certificate required"))
        return err_set(e, ERR_UNAVAIL, "remote error: tls: certificate required");
    if (strstr(s->error, "bad certificate"))
        return err_set(e, ERR_UNAVAIL, "remote error: tls: bad certificate");
    return err_set(e, ERR_UNAVAIL, "tls: handshake failure: %s", s->error);
}

static int transfer_error(const struct slot *s, struct err *e)
{
    long sys = 0;

    if (strstr(s->error, "bad certificate") || strstr(s->error, "certificate required"))
        return handshake_error(s, e); /* TLS 1.3: the refusal comes with the first read */
    curl_easy_getinfo(s->easy, CURLINFO_OS_ERRNO, &sys);
    if (sys)
        return err_set(e, ERR_UNAVAIL, "read tcp %s: %s", s->dialed, errno_text(sys));
    return err_set(e, ERR_UNAVAIL, "unexpected EOF");
}

int client_error(const struct slot *s, CURLcode code, struct err *e)
{
    switch (code) {
    case CURLE_OK:
        return 0;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return err_set(e, ERR_INVALID, "the address is not a valid URL");
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return err_set(e, ERR_INVALID, "tls: %s", s->error);
    case CURLE_COULDNT_RESOLVE_HOST:
        return err_set(e, ERR_UNAVAIL, "dial tcp: lookup %s: no such host", s->client->host);
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return err_set(e, ERR_UNAVAIL, "proxyconnect tcp: %s", curl_easy_strerror(code));
    case CURLE_COULDNT_CONNECT:
        return connect_error(s, e);
    case CURLE_OPERATION_TIMEDOUT:
        return timeout_error(s, e);
    case CURLE_PEER_FAILED_VERIFICATION:
        return verify_error(s, e);
    case CURLE_SSL_CONNECT_ERROR:
        return handshake_error(s, e);
    case CURLE_GOT_NOTHING:
        return err_set(e, ERR_UNAVAIL, "EOF");
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return transfer_error(s, e);
    case CURLE_WEIRD_SERVER_REPLY:
        return err_set(e, ERR_UNAVAIL, "malformed HTTP response");
    default:
        return err_set(e, ERR_UNAVAIL, "%s", curl_easy_strerror(code));
    }
}
