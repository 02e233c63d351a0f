#include <sys/socket.h>

#include "http/client.h"
#include "http/websocket.h"
#include "http_t.h"

static atomic_int served;

/* Sends back what it gets, until the peer closes. */
static void echo(struct websocket *ws, void *arg)
{
    auto_buf struct buf b = BUF_INIT(WS_MESSAGE_MAX);
    struct err e = ERR_INIT;
    int kind;

    (void)arg;
    while ((kind = ws_recv(ws, NULL, 0, &b, &e)) > 0)
        if (ws_send(ws, (enum ws_kind)kind, buf_str(&b), &e) < 0)
            break;
    ws_free(ws);
    atomic_fetch_add(&served, 1);
}

static void upgrade(struct http_exchange *x, void *arg)
{
    struct err e = ERR_INIT;
    int r;

    if (str_eq(http_path(x), STR("/denied"))) {
        http_reply(x, &(struct http_reply){.status = 403, .body = STR("Permission denied\n")});
        return;
    }
    r = http_upgrade(x, echo, arg, &e);
    if (r < 0)
        http_reply(x, &(struct http_reply){.status = err_http_status(&e),
                                           .body = arena_str(http_arena(x), str_of(e.msg))});
}

static struct http_client *client(uint16_t port)
{
    struct http_client *c;
    char address[64];
    struct http_client_opts o = {.address = address};
    struct err e = ERR_INIT;

    snprintf(address, sizeof address, "http://127.0.0.1:%u", port);
    T_OK(http_client_new(&o, &c, &e), &e);
    return c;
}

static struct t_server server(void)
{
    atomic_store(&served, 0);
    return t_server_start(&(struct http_server_opts){.handle = upgrade});
}

static struct websocket *dial(struct http_client *c)
{
    struct websocket *ws = NULL;
    struct err e = ERR_INIT;

    T_OK(http_client_websocket(c, &(struct http_request){.path = "/ws?a=b"}, &ws, &e), &e);
    return ws;
}

TEST(messages_of_every_size_come_back_whole)
{
    static const size_t sizes[] = {0, 1, 125, 126, 65535, 65536, WS_MESSAGE_MAX};
    auto_t_server struct t_server t = server();
    auto_http_client struct http_client *c = client(t.port);
    auto_buf struct buf b = BUF_INIT(WS_MESSAGE_MAX);
    static char data[WS_MESSAGE_MAX];
    struct websocket *ws = dial(c);
    struct err e = ERR_INIT;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 13);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        enum ws_kind kind = i % 2 ? WS_BINARY : WS_TEXT;
        struct str m = kind == WS_TEXT ? str_n(NULL, 0) : str_n(data, sizes[i]);
        auto_buf struct buf text = BUF_INIT(WS_MESSAGE_MAX);

        for (size_t k = 0; kind == WS_TEXT && k < sizes[i]; k++)
            buf_putc(&text, (char)('a' + k % 26));
        if (kind == WS_TEXT)
            m = buf_str(&text);
        T_OK(ws_send(ws, kind, m, &e), &e);
        T_INT_EQ(ws_recv(ws, NULL, clock_mono_ms() + T_PATIENCE_MS, &b, &e), kind);
        T_STRN_EQ(buf_str(&b), m);
    }
    ws_close(ws, 1000, "done");
    T_INT_EQ(ws_recv(ws, NULL, clock_mono_ms() + T_PATIENCE_MS, &b, &e), 0);
    ws_free(ws);
    T_UNTIL(atomic_load(&served) == 1);
}

TEST(a_peer_that_goes_away_ends_the_other_side)
{
    auto_t_server struct t_server t = server();
    auto_http_client struct http_client *c = client(t.port);

    ws_free(dial(c));
    T_UNTIL(atomic_load(&served) == 1);
}

TEST(a_wait_ends_with_its_deadline_or_its_stopper)
{
    auto_t_server struct t_server t = server();
    auto_http_client struct http_client *c = client(t.port);
    auto_buf struct buf b = BUF_INIT(100);
    struct websocket *ws = dial(c);
    struct stopper stop;
    struct err e = ERR_INIT;

    T_INT_EQ(ws_recv(ws, NULL, clock_mono_ms() + 10, &b, &e), ERR_TIMEOUT);
    T_OK(stopper_init(&stop, &e), &e);
    stopper_stop(&stop);
    T_INT_EQ(ws_recv(ws, &stop, 0, &b, &e), ERR_CANCELED);
    stopper_done(&stop);
    ws_free(ws);
}

TEST(messages_are_bounded_both_ways)
{
    auto_t_server struct t_server t = server();
    auto_http_client struct http_client *c = client(t.port);
    auto_buf struct buf small = BUF_INIT(10);
    static char data[WS_MESSAGE_MAX + 1];
    struct websocket *ws = dial(c);
    struct err e = ERR_INIT;

    T_INT_EQ(ws_send(ws, WS_BINARY, str_n(data, sizeof data), &e), ERR_TOOBIG);
    T_OK(ws_send(ws, WS_BINARY, str_n(data, 11), &e), &e);
    T_INT_EQ(ws_recv(ws, NULL, clock_mono_ms() + T_PATIENCE_MS, &small, &e), ERR_TOOBIG);
    ws_free(ws);
}

#define ASK(key, version)                                                        \
    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Version: " version "\r\nSec-WebSocket-Key: " key "\r\n\r\n"
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

TEST(the_handshake_is_that_of_rfc_6455)
{
    auto_t_server struct t_server t = server();
    auto_buf struct buf b = BUF_INIT(65536);

    /* An early close frame ends it, so that the reply can be read to its end. */
    T_INT_EQ(t_ask_raw(t.port, STR(ASK(KEY, "13") "\x88\x80\x00\x00\x00\x00"), &b), 101);
    T_STR_HAS(b.p, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
}

TEST(what_is_no_websocket_request_is_not_upgraded)
{
    static const struct {
        const char *label;
        struct str ask;
    } rows[] = {
        {"plain", STR("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")},
        {"old version", STR(ASK(KEY, "8"))},
        {"short key", STR(ASK("abc", "13"))},
    };
    auto_t_server struct t_server t = server();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf b = BUF_INIT(65536);
        auto_fd int fd = t_connect(t.port);

        T_ROW(rows[i].label);
        t_send(fd, rows[i].ask);
        T_INT_EQ(t_read_reply(fd, &b), 400);
    }
}

TEST(bad_frames_end_the_connection)
{
    static const struct {
        const char *label;
        struct str frames;
    } rows[] = {
        {"unmasked", STR("\x82\x01"
                         "a")},
        {"reserved bit", STR("\xf2\x81\x00\x00\x00\x00"
                             "a")},
        {"reserved opcode", STR("\x83\x81\x00\x00\x00\x00"
                                "a")},
        {"fragmented ping", STR("\x09\x80\x00\x00\x00\x00")},
        {"too large", STR("\x82\xff\x00\x00\x00\x00\x00\x10\x00\x01\x00\x00\x00\x00"
                          "aaaa")},
        {"absurdly large", STR("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"
                               "aaaa")},
        {"text that is not UTF-8", STR("\x81\x81\x00\x00\x00\x00\xff")},
    };
    auto_t_server struct t_server t = server();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf b = BUF_INIT(65536);
        auto_fd int fd = t_connect(t.port);

        T_ROW(rows[i].label);
        t_send_c(fd, ASK(KEY, "13"));
        T_INT_EQ(t_read_reply(fd, &b), 101);
        t_send(fd, rows[i].frames);
        t_read_all(fd, &b); /* whatever it says, it ends */
        T_UNTIL(atomic_load(&served) == (int)i + 1);
    }
}

TEST(a_refused_handshake_tells_the_status_and_the_reason)
{
    auto_t_server struct t_server t = server();
    auto_http_client struct http_client *c = client(t.port);
    struct websocket *ws = NULL;
    struct err e = ERR_INIT;

    T_INT_EQ(http_client_websocket(c, &(struct http_request){.path = "/denied"}, &ws, &e),
             ERR_UPSTREAM);
    T_INT_EQ(e.status, 403);
    T_STR_HAS(e.msg, "bad handshake: 403");
}

TEST(a_stop_ends_websockets_that_nobody_closes)
{
    struct t_server t = server();
    auto_http_client struct http_client *c = client(t.port);
    auto_buf struct buf b = BUF_INIT(100);
    struct websocket *ws = dial(c);
    struct err e = ERR_INIT;

    t_server_stop(&t); /* waits for the thread */
    T_INT_EQ(atomic_load(&served), 1);
    T_INT_EQ(ws_recv(ws, NULL, clock_mono_ms() + T_PATIENCE_MS, &b, &e), ERR_CANCELED);
    ws_free(ws);
}

static void send_many(void *arg)
{
    struct err e = ERR_INIT;

    for (int i = 0; i < 200; i++)
        T_OK(ws_send(arg, WS_TEXT, STR("0123456789"), &e), &e);
}

TEST(writers_on_several_threads_do_not_mix_their_messages)
{
    auto_t_server struct t_server t = server();
    auto_http_client struct http_client *c = client(t.port);
    auto_buf struct buf b = BUF_INIT(100);
    struct websocket *ws = dial(c);
    struct thread threads[3] = {{0}};
    struct err e = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        T_OK(thread_start(&threads[i], "writer", send_many, ws, &e), &e);
    for (int i = 0; i < 600; i++) {
        T_INT_EQ(ws_recv(ws, NULL, clock_mono_ms() + T_PATIENCE_MS, &b, &e), WS_TEXT);
        T_STRN_EQ(buf_str(&b), STR("0123456789"));
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        thread_join(&threads[i]);
    ws_free(ws);
}
