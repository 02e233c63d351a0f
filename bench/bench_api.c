/*
 * bench_api -- a small service behind the pipeline: what idea 2 costs on top of http and store
 *
 *     bench_api serve DIRECTORY        a durable store there; prints its port; ends with stdin
 *         GET /kv/:key      one tracked read, a JSON reply
 *         PUT /kv/:key      one durable write
 *         PUT /next         one durable write of a key of its own
 *         PUT /add          adds one to the only counter there is: all writers conflict
 *         GET /wait/:key    a blocking query (?index=)
 *     bench_api crowd PORT N           parks N connections on one key, writes it once, and
 * tells how long until the last of them has its reply
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "api/api.h"
#include "base/clock.h"

static struct router *router;
static atomic_uint_least64_t counter;

static void die(const char *what, const struct err *e)
{
    fprintf(stderr, "bench_api: %s: %s\n", what, e ? e->msg : "failed");
    exit(1);
}

static int get(struct call *c, struct err *e)
{
    struct record rec;
    int r = txn_get(c->txn, call_param(c, "key"), &rec, e);

    if (r < 0)
        return r;
    struct json_out *w = call_json_out(c, 200);

    json_obj(w);
    json_kv_u64(w, "rev", rec.mod_rev);
    json_kv_strn(w, "value", rec.value);
    json_obj_end(w);
    return 0;
}

static int put(struct call *c, struct err *e)
{
    call_reply(c, 204, NULL);
    return txn_put(c->txn, call_param(c, "key"), call_body(c), e);
}

static int put_next(struct call *c, struct err *e)
{
    char key[32];
    int n = snprintf(key, sizeof key, "next/%llu",
                     (unsigned long long)atomic_fetch_add(&counter, 1));

    call_reply(c, 204, NULL);
    return txn_put(c->txn, str_n(key, (size_t)n), call_body(c), e);
}

static int add(struct call *c, struct err *e)
{
    struct record rec = {0};
    uint64_t n = 0;
    char text[32];

    if (txn_get(c->txn, STR("counter"), &rec, NULL) >= 0)
        (void)str_to_u64(rec.value, 10, &n);
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)n + 1);

    call_reply(c, 204, NULL);
    return txn_put(c->txn, STR("counter"), str_n(text, (size_t)len), e);
}

static int wait_key(struct call *c, struct err *e)
{
    struct str key = call_param(c, "key");
    struct record rec = {0};
    int64_t deadline;
    bool park;
    int r;

    (void)txn_get(c->txn, key, &rec, NULL);
    if ((r = call_blocking_query(c, rec.mod_rev, &park, &deadline, e)) < 0)
        return r;
    if (park) {
        call_wait_on(c, key, true, rec.mod_rev);
        return call_park(c, deadline);
    }
    buf_puts(c->body, "new");
    call_reply(c, 200, "text/plain");
    return 0;
}

static int parked(struct call *c, struct err *e)
{
    struct api_stats s;

    (void)e;
    api_stats(c->api, &s);
    buf_printf(c->body, "%llu", (unsigned long long)s.parked);
    call_reply(c, 200, "text/plain");
    return 0;
}

static const struct route routes[] = {
    /* clang-format off */
    {M_GET, "/kv/:key",   0, get, NULL},
    {M_PUT, "/kv/:key",   0, put, NULL},
    {M_PUT, "/next",      0, put_next, NULL},
    {M_PUT, "/add",       0, add, NULL},
    {M_GET, "/wait/:key", 0, wait_key, NULL},
    {M_GET, "/parked",    0, parked, NULL},
    /* clang-format on */
};

static int serve_call(struct call *c, struct err *e)
{
    unsigned allowed;

    c->route = router_find(router, c->method, c->path, &c->params, &allowed);
    return c->route ? c->route->handle(c, e) : err_set(e, ERR_NOTFOUND, "no such path");
}

static void render_error(struct call *c, const struct err *e)
{
    buf_puts(c->body, e->msg);
    call_reply(c, err_http_status(e), "text/plain");
}

static int serve(const char *dir)
{
    static const struct api_service svc = {
        .name = "bench", .serve = serve_call, .render_error = render_error};
    struct api_mount mount = {.service = &svc};
    struct http_server_opts opts = {.handle = api_handle, .arg = &mount};
    struct http_listener_opts at = {.address = "127.0.0.1"};
    struct store *store;
    struct http_server *http;
    struct err e = ERR_INIT;
    uint16_t port;
    char c;

    if (store_open(&(struct store_opts){.dir = dir}, &store, &e) < 0)
        die(dir, &e);
    router = router_new(routes, ARRAY_LEN(routes));
    if (api_new(&(struct api_opts){.store = store}, &mount.api, &e) < 0 ||
        http_server_new(&opts, &http, &e) < 0 || http_server_listen(http, &at, &port, &e) < 0)
        die("start", &e);
    printf("%u\n", port);
    fflush(stdout);
    while (read(0, &c, 1) > 0)
        ;
    api_stop(mount.api);
    http_server_stop(http, clock_mono_ms() + 2000);
    http_server_free(http);
    api_free(mount.api);
    router_free(router);
    store_close(store);
    return 0;
}

/*
 * The crowd.
 */
static int dial(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        die("connect", NULL);
    return fd;
}

static void ask(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
        die("send", NULL);
}

/* One short reply; what follows `mark` in it, as a number. */
static uint64_t answer(int fd, const char *mark)
{
    char text[4096];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    uint64_t ret = 0;

    if (n <= 0)
        die("a connection was closed", NULL);
    text[n] = '\0';
    const char *at = strstr(text, mark);

    if (!at)
        die(text, NULL);
    at += strlen(mark);
    (void)str_to_u64(str_n(at, strspn(at, "0123456789")), 10, &ret);
    return ret;
}

static void put_value(int fd, char value)
{
    char text[128];

    snprintf(text, sizeof text,
             "PUT /kv/crowd HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n%c", value);
    ask(fd, text);
}

/* All but the writer's connection, answered. */
static void await(int ep, size_t n)
{
    struct epoll_event ev[512];

    while (n > 0) {
        int got = epoll_wait(ep, ev, 512, 60000);

        if (got <= 0)
            die("no reply for 60 s", NULL);
        for (int i = 0; i < got; i++)
            (void)answer(ev[i].data.fd, "HTTP/1.1 200");
        n -= (size_t)got;
    }
}

static int gather(uint16_t port, size_t n, uint64_t rev)
{
    int ep = epoll_create1(0);
    char text[128];

    snprintf(text, sizeof text, "GET /wait/crowd?index=%llu HTTP/1.1\r\nHost: a\r\n\r\n",
             (unsigned long long)rev);
    for (size_t i = 0; i < n; i++) {
        int fd = dial(port);
        struct epoll_event want = {.events = EPOLLIN, .data.fd = fd};

        ask(fd, text);
        (void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want);
    }
    return ep;
}

static int crowd(uint16_t port, size_t n)
{
    int writer = dial(port);

    put_value(writer, '1');
    (void)answer(writer, "HTTP/1.1 204");
    ask(writer, "GET /kv/crowd HTTP/1.1\r\nHost: a\r\n\r\n");
    int ep = gather(port, n, answer(writer, "\"rev\":"));

    do {
        poll(NULL, 0, 10);
        ask(writer, "GET /parked HTTP/1.1\r\nHost: a\r\n\r\n");
    } while (answer(writer, "\r\n\r\n") < n);
    int64_t start = clock_mono_ns();

    put_value(writer, '2');
    await(ep, n);
    printf("%.1f\n", (double)(clock_mono_ns() - start) / 1e6);
    return 0;
}

int main(int argc, char **argv)
{
    struct rlimit l;
    uint64_t port, n;

    getrlimit(RLIMIT_NOFILE, &l);
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    if (argc == 4 && strcmp(argv[1], "crowd") == 0 && str_to_u64(str_of(argv[2]), 10, &port) &&
        str_to_u64(str_of(argv[3]), 10, &n))
        return crowd((uint16_t)port, (size_t)n);
    fprintf(stderr, "usage: bench_api serve DIRECTORY | crowd PORT N\n");
    return 2;
}
