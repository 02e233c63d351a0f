#include "fake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

static int serve(struct call *c, struct err *e)
{
    struct fake *f = c->service->ctx;
    unsigned allowed;
    int r;

    c->route = router_find(f->router, c->method, c->path, &c->params, &allowed);
    if (!c->route)
        return err_set(e, allowed ? ERR_METHOD : ERR_NOTFOUND, "no route for %.*s",
                       STR_ARG(c->path));
    if ((c->route->flags & ROUTE_BLOCKING) && (r = call_claim_pool(c, e)) < 0)
        return r;
    return c->route->handle(c, e);
}

static void render_error(struct call *c, const struct err *e)
{
    buf_printf(c->body, "error: %s", e->msg);
    call_reply(c, err_http_status(e), "text/plain");
}

static void finished(struct call *c)
{
    struct fake *f = c->service->ctx;

    if (f->finished)
        f->finished(c);
}

void fake_start_with(struct fake *f, const struct route *routes, size_t n,
                     const struct api_opts *o)
{
    struct api_opts opts = o ? *o : (struct api_opts){0};
    struct err e = ERR_INIT;

    log_set_level(LOG_OFF); /* what is provoked here is checked, not read */
    *f = (struct fake){.store = opts.store};
    if (!f->store)
        T_OK(store_open(&(struct store_opts){0}, &f->store, &e), &e);
    opts.store = f->store;
    T_OK(api_new(&opts, &f->api, &e), &e);
    f->router = router_new(routes, n);
    f->arena = arena_new(0);
    f->svc = (struct api_service){.name = "fake",
                                  .serve = serve,
                                  .render_error = render_error,
                                  .finished = finished,
                                  .ctx = f};
}

void fake_start(struct fake *f, const struct route *routes, size_t n)
{
    fake_start_with(f, routes, n, NULL);
}

void fake_stop(struct fake *f)
{
    api_stop(f->api);
    if (f->http) {
        http_server_stop(f->http, clock_mono_ms() + 5000);
        http_server_free(f->http);
    }
    api_free(f->api);
    router_free(f->router);
    arena_free(f->arena);
    store_close(f->store);
}

void fake_listen(struct fake *f)
{
    struct http_server_opts o = {.workers = 2, .handle = api_handle, .arg = &f->mount};
    struct http_listener_opts l = {.address = "127.0.0.1"};
    struct err e = ERR_INIT;

    f->mount = (struct api_mount){f->api, &f->svc};
    T_OK(http_server_new(&o, &f->http, &e), &e);
    T_OK(http_server_listen(f->http, &l, &f->port, &e), &e);
}

struct api_response ask_in(struct fake *f, struct arena *a, const char *method,
                           const char *path, const char *body)
{
    struct api_request q = {.method = method, .path = path, .body = str_of(body)};
    struct api_response ret = {0};
    struct err e = ERR_INIT;

    T_OK(api_call(f->api, &f->svc, &q, a, &ret, &e), &e);
    return ret;
}

struct api_response ask(struct fake *f, const char *method, const char *path, const char *body)
{
    return ask_in(f, f->arena, method, path, body);
}

const char *fake_value(struct fake *f, const char *key)
{
    struct txn *t;
    struct record rec;
    struct err e = ERR_INIT;
    const char *ret = NULL;

    T_OK(txn_begin(f->store, TXN_READ_ONLY, &t, &e), &e);
    if (txn_get(t, str_of(key), &rec, NULL) >= 0)
        ret = arena_cstr(f->arena, rec.value);
    txn_drop(t);
    return ret;
}

void fake_write(struct fake *f, const char *key, const char *value)
{
    struct txn *t;
    struct err e = ERR_INIT;

    T_OK(txn_begin(f->store, 0, &t, &e), &e);
    T_OK(txn_put(t, str_of(key), str_of(value), &e), &e);
    T_OK(txn_commit_wait(t, NULL, &e), &e);
}

int wire_open(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    T_TRUE(fd >= 0);
    T_INT_EQ(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void wire_send(int fd, const char *text)
{
    size_t len = strlen(text);

    T_INT_EQ(send(fd, text, len, MSG_NOSIGNAL), len);
}

static size_t whole_length(const char *reply, size_t have)
{
    const char *end = strstr(reply, "\r\n\r\n"), *len = strcasestr(reply, "content-length:");
    uint64_t n = 0;

    if (!end)
        return have + 1;
    if (len && len < end)
        T_TRUE(str_to_u64(str_trim(str_n(len + 15, strcspn(len + 15, "\r"))), 10, &n));
    return (size_t)(end + 4 - reply) + n;
}

void wire_read(int fd, char *ret, size_t size)
{
    size_t have = 0;

    ret[0] = '\0';
    while (have < whole_length(ret, have)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        T_INT_EQ(poll(&p, 1, 20000), 1);
        ssize_t n = recv(fd, ret + have, size - 1 - have, 0);

        if (n <= 0)
            t_fail(__FILE__, __LINE__, "the connection ended after \"%s\"", ret);
        have += (size_t)n;
        ret[have] = '\0';
    }
}

int wire_status(const char *reply)
{
    int64_t n = 0;

    T_TRUE(str_to_i64(str_upto(str_from(str_of(reply), 9), 3), 10, &n));
    return (int)n;
}
