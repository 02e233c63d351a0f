#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "http/client_priv.h"

enum { WAIT_MS = 1000, CONNECTIONS_KEPT = 4 };

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_start(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

static struct slot *slot_new(struct http_client *c)
{
    struct slot *s = calloc(1, sizeof *s);

    pthread_once(&curl_once, curl_start);
    if (!s)
        abort();
    s->client = c;
    s->multi = curl_multi_init();
    s->easy = curl_easy_init();
    if (!s->multi || !s->easy)
        abort();
    curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    return s;
}

void slot_free(struct slot *s)
{
    if (!s)
        return;
    curl_easy_cleanup(s->easy);
    curl_multi_cleanup(s->multi);
    free(s);
}

struct slot *slot_take(struct http_client *c)
{
    struct slot *s;

    lock_take(&c->lock);
    s = c->idle;
    if (s) {
        c->idle = s->next;
        c->n_idle--;
    }
    lock_drop(&c->lock);
    return s ? s : slot_new(c);
}

void slot_back(struct slot *s)
{
    struct http_client *c = s->client;
    bool kept = false;

    curl_easy_reset(s->easy); /* forgets headers and credentials; connections stay */
    lock_take(&c->lock);
    if (c->n_idle < SLOTS_KEPT) {
        s->next = c->idle;
        c->idle = s;
        c->n_idle++;
        kept = true;
    }
    lock_drop(&c->lock);
    if (!kept)
        slot_free(s);
}

/* Note what is dialed, for the error's text. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct slot *s = arg;
    char ip[INET6_ADDRSTRLEN];

    (void)purpose;
    if (a->family == AF_INET) {
        const struct sockaddr_in *in = (const void *)&a->addr;

        inet_ntop(AF_INET, &in->sin_addr, ip, sizeof ip);
        snprintf(s->dialed, sizeof s->dialed, "%s:%u", ip, ntohs(in->sin_port));
    } else if (a->family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)&a->addr;

        inet_ntop(AF_INET6, &in->sin6_addr, ip, sizeof ip);
        snprintf(s->dialed, sizeof s->dialed, "[%s]:%u", ip, ntohs(in->sin6_port));
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static void set_tls(CURL *h, const struct http_client_opts *o)
{
    if (o->ca_file)
        curl_easy_setopt(h, CURLOPT_CAINFO, o->ca_file);
    if (o->ca_dir)
        curl_easy_setopt(h, CURLOPT_CAPATH, o->ca_dir);
    if (o->cert_file)
        curl_easy_setopt(h, CURLOPT_SSLCERT, o->cert_file);
    if (o->key_file)
        curl_easy_setopt(h, CURLOPT_SSLKEY, o->key_file);
    curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (o->skip_verify) {
        curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

void slot_prepare(struct slot *s, const char *url)
{
    const struct http_client *c = s->client;
    CURL *h = s->easy;

    s->error[0] = s->dialed[0] = '\0';
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, s->error);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, s);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)c->o.connect_timeout_ms);
    if (c->unix_path)
        curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, c->unix_path);
    if (c->unix_path || c->is_loopback)
        curl_easy_setopt(h, CURLOPT_PROXY, ""); /* as in Go: none to this machine */
    if (c->o.user_agent)
        curl_easy_setopt(h, CURLOPT_USERAGENT, c->o.user_agent);
    set_tls(h, &c->o);
}

static bool finished(struct slot *s, CURLcode *ret)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(s->multi, &left))) {
        if (m->msg == CURLMSG_DONE) {
            *ret = m->data.result;
            return true;
        }
    }
    return false;
}

int slot_perform(struct slot *s, struct stopper *stop, struct err *e)
{
    struct curl_waitfd also = {.fd = stop ? stop->fd : -1, .events = CURL_WAIT_POLLIN};
    CURLcode code = CURLE_FAILED_INIT;
    int running;

    if (curl_multi_add_handle(s->multi, s->easy) != CURLM_OK)
        return err_set(e, ERR_INTERNAL, "curl_multi_add_handle");
    for (;;) {
        if (stop && stopper_is_set(stop))
            return err_set(e, ERR_CANCELED, "context canceled");
        if (curl_multi_perform(s->multi, &running) != CURLM_OK)
            return err_set(e, ERR_INTERNAL, "curl_multi_perform");
        if (finished(s, &code))
            return client_error(s, code, e);
        if (curl_multi_poll(s->multi, &also, stop ? 1 : 0, WAIT_MS, NULL) != CURLM_OK)
            return err_set(e, ERR_INTERNAL, "curl_multi_poll");
    }
}
