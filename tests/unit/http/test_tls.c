#include "http/client.h"
#include "http/websocket.h"
#include "http_t.h"

static void reply_tls(struct http_exchange *x, void *arg)
{
    size_t len = str_eq(http_path(x), STR("/large")) ? 3 << 20 : 0;
    struct arena *a = http_arena(x);
    struct http_reply r = {.status = 200};

    (void)arg;
    r.body = len ? str_n(memset(arena_alloc(a, len), 'x', len), len)
                 : str_of(arena_printf(a, "tls=%d cert=%d [%zu]", http_is_tls(x),
                                       http_peer_cert(x).len > 0, http_body(x).len));
    http_reply(x, &r);
}

static uint16_t listen_tls(struct t_server *t, const struct http_tls *tls)
{
    struct http_listener_opts l = {.address = "127.0.0.1", .tls = tls};
    struct err e = ERR_INIT;
    uint16_t port;

    T_OK(http_server_listen(t->s, &l, &port, &e), &e);
    return port;
}

static struct http_client *tls_client(uint16_t port, struct http_client_opts o)
{
    struct http_client *c;
    char address[64];
    struct err e = ERR_INIT;

    snprintf(address, sizeof address, "https://127.0.0.1:%u", port);
    o.address = address;
    T_OK(http_client_new(&o, &c, &e), &e);
    return c;
}

static int ask(struct http_client *c, const char *path, struct arena *a,
               struct http_response *r, struct err *e)
{
    return http_do(c, &(struct http_request){.path = path}, a, r, e);
}

TEST(client_certificates_are_asked_for_and_checked_as_configured)
{
    struct t_pki mine = *t_pki("mine"), other = *t_pki("other");
    const struct http_tls none = {.cert_file = mine.cert, .key_file = mine.key};
    const struct http_tls asked = {
        .cert_file = mine.cert, .key_file = mine.key, .client_ca_file = mine.ca};
    const struct http_tls required = {.cert_file = mine.cert,
                                      .key_file = mine.key,
                                      .client_ca_file = mine.ca,
                                      .require_client_cert = true,
                                      .min_version = "tls13"};
    const struct {
        const char *label;
        const struct http_tls *tls;
        const char *cert, *key, *want; /* NULL: refused */
    } rows[] = {
        {"not asked for", &none, NULL, NULL, "tls=1 cert=0 [0]"},
        {"not asked for, shown", &none, mine.client_cert, mine.client_key, "tls=1 cert=0 [0]"},
        {"asked for, none", &asked, NULL, NULL, "tls=1 cert=0 [0]"},
        {"asked for, good", &asked, mine.client_cert, mine.client_key, "tls=1 cert=1 [0]"},
        {"asked for, of another CA", &asked, other.client_cert, other.client_key, NULL},
        {"required, none", &required, NULL, NULL, NULL},
        {"required, good", &required, mine.client_cert, mine.client_key, "tls=1 cert=1 [0]"},
        {"required, a server's", &required, mine.cert, mine.key, NULL},
        {"required, of another CA", &required, other.client_cert, other.client_key, NULL},
    };
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = reply_tls});

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint16_t port = listen_tls(&t, rows[i].tls);
        auto_http_client struct http_client *c = tls_client(
            port, (struct http_client_opts){
                      .ca_file = mine.ca, .cert_file = rows[i].cert, .key_file = rows[i].key});
        auto_arena struct arena *a = arena_new(0);
        struct http_response r;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        if (rows[i].want) {
            T_OK(ask(c, "/", a, &r, &e), &e);
            T_STRN_EQ(r.body, str_of(rows[i].want));
        } else {
            T_INT_EQ(ask(c, "/", a, &r, &e), ERR_UNAVAIL);
        }
    }
}

TEST(a_client_checks_the_server_and_says_what_is_wrong)
{
    struct t_pki mine = *t_pki("mine"), other = *t_pki("other");
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = reply_tls});
    uint16_t port =
        listen_tls(&t, &(struct http_tls){.cert_file = mine.cert, .key_file = mine.key});
    const struct {
        const char *label;
        struct http_client_opts o;
        uint16_t port;
        int want;
        const char *text;
    } rows[] = {
        {"good", {.ca_file = mine.ca}, port, 0, ""},
        {"another name", {.ca_file = mine.ca, .server_name = "localhost"}, port, 0, ""},
        {"skipped", {.skip_verify = true}, port, 0, ""},
        {"unknown authority",
         {.ca_file = other.ca},
         port,
         ERR_UNAVAIL,
         "x509: certificate signed by unknown authority"},
        {"wrong name",
         {.ca_file = mine.ca, .server_name = "example.com"},
         port,
         ERR_UNAVAIL,
         "x509: certificate is not valid for example.com"},
        {"no TLS there",
         {.ca_file = mine.ca},
         t.port,
         ERR_UNAVAIL,
         "server gave HTTP response to HTTPS client"},
        {"no such CA file", {.ca_file = "/nowhere.pem"}, port, ERR_INVALID, "/nowhere.pem"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_http_client struct http_client *c = tls_client(rows[i].port, rows[i].o);
        auto_arena struct arena *a = arena_new(0);
        struct http_response r;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_INT_EQ(ask(c, "/", a, &r, &e), rows[i].want);
        T_STR_HAS(e.msg, rows[i].text);
    }
}

TEST(large_bodies_pass_through_tls)
{
    struct t_pki mine = *t_pki("mine");
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = reply_tls});
    uint16_t port =
        listen_tls(&t, &(struct http_tls){.cert_file = mine.cert, .key_file = mine.key});
    auto_http_client struct http_client *c =
        tls_client(port, (struct http_client_opts){.ca_file = mine.ca});
    auto_arena struct arena *a = arena_new(0);
    static char body[1 << 20];
    struct http_request put = {.method = "PUT", .path = "/", .body = {body, sizeof body}};
    struct http_response r;
    struct err e = ERR_INIT;

    T_OK(ask(c, "/large", a, &r, &e), &e);
    T_INT_EQ(r.body.len, 3 << 20);
    T_OK(http_do(c, &put, a, &r, &e), &e);
    T_STRN_EQ(r.body, STR("tls=1 cert=0 [1048576]"));
}

TEST(certificates_are_reloaded_without_dropping_connections)
{
    struct t_pki one = *t_pki("one"), two = *t_pki("two");
    struct http_tls tls = {.cert_file = one.cert, .key_file = one.key};
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = reply_tls});
    uint16_t port = listen_tls(&t, &tls);
    auto_http_client struct http_client *old =
        tls_client(port, (struct http_client_opts){.ca_file = one.ca});
    auto_http_client struct http_client *new =
        tls_client(port, (struct http_client_opts){.ca_file = two.ca});
    auto_arena struct arena *a = arena_new(0);
    struct http_server_stats stats;
    struct http_response r;
    struct err e = ERR_INIT;
    char saved[160];

    T_OK(ask(old, "/", a, &r, &e), &e);
    T_INT_EQ(ask(new, "/", a, &r, &e), ERR_UNAVAIL);

    snprintf(saved, sizeof saved, "%s.old", one.cert);
    t_copy_file(one.cert, saved);
    t_copy_file(two.cert, one.cert); /* does not fit its key: the old pair stays */
    T_INT_EQ(http_server_reload_tls(t.s, &e), ERR_INVALID);
    T_OK(ask(old, "/", a, &r, &e), &e);

    t_copy_file(two.key, one.key);
    T_OK(http_server_reload_tls(t.s, &e), &e);
    T_OK(ask(new, "/", a, &r, &e), &e);
    T_OK(ask(old, "/", a, &r, &e), &e); /* on the connection it has */
    http_server_stats(t.s, &stats);
    T_INT_EQ(stats.connections, 2);
}

TEST(wrong_tls_files_are_refused_with_their_names)
{
    struct t_pki mine = *t_pki("mine"), other = *t_pki("other");
    const struct {
        const char *label;
        struct http_tls tls;
        int want;
        const char *text;
    } rows[] = {
        {"no such file",
         {.cert_file = "/nowhere", .key_file = mine.key},
         ERR_NOTFOUND,
         "/nowhere"},
        {"another key",
         {.cert_file = mine.cert, .key_file = other.key},
         ERR_INVALID,
         "other-key.pem"},
        {"no key", {.cert_file = mine.cert}, ERR_INVALID, "needs a certificate file and a key"},
        {"a key as CA",
         {.cert_file = mine.cert, .key_file = mine.key, .client_ca_file = mine.key},
         ERR_INVALID,
         "client CA"},
        {"a strange version",
         {.cert_file = mine.cert, .key_file = mine.key, .min_version = "tls11"},
         ERR_INVALID,
         "\"tls12\" or \"tls13\""},
    };
    auto_t_server struct t_server t = t_server_start(NULL);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_listener_opts l = {.address = "127.0.0.1", .tls = &rows[i].tls};
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_INT_EQ(http_server_listen(t.s, &l, NULL, &e), rows[i].want);
        T_STR_HAS(e.msg, rows[i].text);
    }
}

TEST(plain_http_on_a_tls_port_is_told_so)
{
    struct t_pki mine = *t_pki("mine");
    auto_t_server struct t_server t = t_server_start(NULL);
    uint16_t port =
        listen_tls(&t, &(struct http_tls){.cert_file = mine.cert, .key_file = mine.key});
    auto_buf struct buf b = BUF_INIT(65536);

    T_INT_EQ(t_ask_raw(port, STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), &b), 400);
    T_STR_HAS(b.p, "Client sent an HTTP request to an HTTPS server.\n");
}

TEST(a_handshake_that_stalls_is_dropped)
{
    struct t_pki mine = *t_pki("mine");
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.limits = {.head_timeout_ms = 50}});
    uint16_t port =
        listen_tls(&t, &(struct http_tls){.cert_file = mine.cert, .key_file = mine.key});
    auto_buf struct buf b = BUF_INIT(65536);
    auto_fd int fd = t_connect(port);

    t_send_c(fd, "\x16\x03\x01");
    t_read_all(fd, &b);
    T_INT_EQ(b.len, 0);
}

static void echo(struct websocket *ws, void *arg)
{
    auto_buf struct buf b = BUF_INIT(WS_MESSAGE_MAX);
    struct err e = ERR_INIT;

    (void)arg;
    while (ws_recv(ws, NULL, 0, &b, &e) > 0)
        if (ws_send(ws, WS_BINARY, buf_str(&b), &e) < 0)
            break;
    ws_free(ws);
}

static void upgrade(struct http_exchange *x, void *arg)
{
    struct err e = ERR_INIT;

    T_OK(http_upgrade(x, echo, arg, &e), &e);
}

TEST(websockets_work_over_tls)
{
    struct t_pki mine = *t_pki("mine");
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = upgrade});
    uint16_t port =
        listen_tls(&t, &(struct http_tls){.cert_file = mine.cert, .key_file = mine.key});
    auto_http_client struct http_client *c =
        tls_client(port, (struct http_client_opts){.ca_file = mine.ca});
    auto_buf struct buf b = BUF_INIT(WS_MESSAGE_MAX);
    static char data[300000];
    struct websocket *ws = NULL;
    struct err e = ERR_INIT;

    T_OK(http_client_websocket(c, &(struct http_request){.path = "/"}, &ws, &e), &e);
    for (int i = 0; i < 5; i++) {
        T_OK(ws_send(ws, WS_BINARY, str_n(data, sizeof data), &e), &e);
        T_INT_EQ(ws_recv(ws, NULL, clock_mono_ms() + T_PATIENCE_MS, &b, &e), WS_BINARY);
        T_INT_EQ(b.len, sizeof data);
    }
    ws_free(ws);
}
