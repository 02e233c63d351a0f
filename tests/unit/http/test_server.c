#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "http_t.h"

#define CLOSE "Connection: close\r\n"

TEST(any_verb_gets_its_answer_and_the_connection_is_kept)
{
    static const char *const verbs[] = {"GET",    "LIST",  "POST",    "PUT",
                                        "DELETE", "PATCH", "OPTIONS", "FOO"};
    auto_t_server struct t_server t = t_server_start(NULL);
    auto_fd int fd = t_connect(t.port);

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        auto_buf struct buf ask = BUF_INIT(256), want = BUF_INIT(256), got = BUF_INIT(256);

        T_ROW(verbs[i]);
        buf_printf(&ask, "%s /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
                   verbs[i]);
        buf_printf(&want, "%s /a b=c [hi]", verbs[i]);
        t_send(fd, buf_str(&ask));
        T_INT_EQ(t_read_reply(fd, &got), 200);
        T_STRN_EQ(buf_str(&got), buf_str(&want));
    }
}

TEST(pipelined_requests_are_answered_in_order)
{
    auto_t_server struct t_server t = t_server_start(NULL);
    auto_buf struct buf b = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);
    auto_fd int fd = t_connect(t.port);

    for (int i = 0; i < 1000; i++)
        buf_printf(&b,
                   i % 3 ? "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
                         : "PUT /%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "1\r\nx\r\n0\r\n\r\n",
                   i);
    t_send(fd, buf_str(&b));
    for (int i = 0; i < 1000; i++) {
        char want[32];

        snprintf(want, sizeof want, i % 3 ? "GET /%d  []" : "PUT /%d  [x]", i);
        T_INT_EQ(t_read_reply(fd, &got), 200);
        T_STRN_EQ(buf_str(&got), str_of(want));
    }
}

TEST(a_request_may_come_one_byte_at_a_time)
{
    auto_t_server struct t_server t = t_server_start(NULL);
    auto_buf struct buf got = BUF_INIT(256);
    auto_fd int fd = t_connect(t.port);
    struct str ask = STR("\r\nPUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "2;e\r\nab\r\n1\r\nc\r\n0\r\nT: v\r\n\r\n");

    for (size_t i = 0; i < ask.len; i++)
        t_send(fd, str_n(ask.p + i, 1));
    T_INT_EQ(t_read_reply(fd, &got), 200);
    T_STRN_EQ(buf_str(&got), STR("PUT /x  [abc]"));
}

TEST(replies_are_framed_as_method_status_and_version_ask)
{
    auto_t_server struct t_server t = t_server_start(NULL);
    static const struct {
        const char *label;
        struct str ask;
        const char *has, *has_not;
    } rows[] = {
        {"head has the length but no body", STR("HEAD /a HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n"),
         "Content-Length: 11\r\n", "HEAD /a"},
        {"1.0 closes", STR("GET /a HTTP/1.0\r\n\r\n"), "Connection: close\r\n", "keep-alive"},
        {"1.1 close is repeated", STR("GET /a HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n"),
         "Connection: close\r\n", "keep-alive"},
        {"there is a date", STR("GET /a HTTP/1.0\r\n\r\n"), " GMT\r\n", "chunked"},
        {"the connection is not told to others", STR("GET /a HTTP/1.0\r\n\r\n"),
         "Content-Type: text/plain\r\n", "Server:"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf b = BUF_INIT(1 << 20);

        T_ROW(rows[i].label);
        T_INT_EQ(t_ask_raw(t.port, rows[i].ask, &b), 200);
        T_STR_HAS(b.p, rows[i].has);
        T_TRUE(strstr(b.p, rows[i].has_not) == NULL);
    }
}

TEST(a_connection_of_http_1_0_is_kept_if_asked)
{
    auto_t_server struct t_server t = t_server_start(NULL);
    auto_buf struct buf b = BUF_INIT(256);
    auto_fd int fd = t_connect(t.port);

    for (int i = 0; i < 3; i++) {
        t_send_c(fd, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        T_INT_EQ(t_read_reply(fd, &b), 200);
    }
}

static void reply_no_content(struct http_exchange *x, void *arg)
{
    static const struct http_field fields[] = {{"Location", "/a\r\nX-Evil: 1"}};

    (void)arg;
    http_reply(x, &(struct http_reply){.status = 204, .fields = fields, .n_fields = 1});
}

TEST(a_204_has_no_length_and_no_header_value_splits_the_reply)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = reply_no_content});
    auto_buf struct buf b = BUF_INIT(65536);

    T_INT_EQ(t_ask_raw(t.port, STR("GET / HTTP/1.0\r\n\r\n"), &b), 204);
    T_TRUE(strstr(b.p, "Content-Length") == NULL);
    T_TRUE(strstr(b.p, "\nX-Evil") == NULL);
    T_STR_HAS(b.p, "Location: /a  X-Evil: 1\r\n");
}

TEST(a_client_that_waits_for_100_continue_gets_it)
{
    auto_t_server struct t_server t = t_server_start(NULL);
    auto_buf struct buf b = BUF_INIT(65536);
    auto_fd int fd = t_connect(t.port);

    t_send_c(fd,
             "PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    T_INT_EQ(t_read_reply(fd, &b), 100);
    t_send_c(fd, "hi");
    T_INT_EQ(t_read_reply(fd, &b), 200);
    T_STRN_EQ(buf_str(&b), STR("PUT /a  [hi]"));
}

TEST(a_body_above_the_limit_is_refused_before_it_is_read)
{
    static const struct {
        const char *label;
        struct str ask;
        int want;
    } rows[] = {
        {"no token", STR("PUT / HTTP/1.1\r\nHost: x\r\n" CLOSE "Content-Length: 11\r\n\r\n"),
         413},
        {"no token, with expectation",
         STR("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n"),
         413},
        {"no token, within",
         STR("PUT / HTTP/1.1\r\nHost: x\r\n" CLOSE "Content-Length: 10\r\n\r\n0123456789"),
         200},
        {"a token",
         STR("PUT / HTTP/1.1\r\nHost: x\r\n" CLOSE
             "X-Vault-Token: t\r\nContent-Length: 11\r\n\r\n01234567890"),
         200},
        {"a token, above",
         STR("PUT / HTTP/1.1\r\nHost: x\r\nX-Nomad-Token: t\r\nContent-Length: 21\r\n\r\n"),
         413},
        {"chunked, above",
         STR("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
             "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n"),
         413},
        {"an absurd length",
         STR("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999999\r\n\r\n"), 413},
    };
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.limits = {.body_anon = 10, .body = 20}});

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf b = BUF_INIT(65536);

        T_ROW(rows[i].label);
        T_INT_EQ(t_ask_raw(t.port, rows[i].ask, &b), rows[i].want);
    }
}

static void count_body(struct http_exchange *x, void *arg)
{
    struct str body = http_body(x);
    uint32_t sum = 0;

    (void)arg;
    for (size_t i = 0; i < body.len; i++)
        sum = sum * 31 + (unsigned char)body.p[i];
    http_reply(x, &(struct http_reply){
                      .status = 200,
                      .body = str_of(arena_printf(http_arena(x), "%zu %u", body.len, sum))});
}

static void send_large(int fd, size_t len, bool chunked, uint32_t *ret_sum)
{
    auto_buf struct buf b = BUF_INIT(64 << 20);

    if (chunked)
        buf_puts(&b, "PUT / HTTP/1.1\r\nHost: x\r\nAuthorization: x\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n");
    else
        buf_printf(
            &b, "PUT / HTTP/1.1\r\nHost: x\r\nAuthorization: x\r\nContent-Length: %zu\r\n\r\n",
            len);
    *ret_sum = 0;
    for (size_t i = 0; i < len; i++) {
        if (chunked && i % 60000 == 0)
            buf_printf(&b, "%s%zx\r\n", i ? "\r\n" : "", len - i < 60000 ? len - i : 60000);
        buf_putc(&b, (char)(i * 7 + i / 1000));
        *ret_sum = *ret_sum * 31 + (unsigned char)(i * 7 + i / 1000);
    }
    if (chunked)
        buf_puts(&b, "\r\n0\r\n\r\n");
    t_send(fd, buf_str(&b));
}

TEST(large_bodies_arrive_whole)
{
    static const size_t lengths[] = {1023, 1024, 70000, 131071, 131072, 5 << 20};
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = count_body});
    auto_fd int fd = t_connect(t.port);

    for (size_t i = 0; i < ARRAY_LEN(lengths) * 2; i++) {
        auto_buf struct buf got = BUF_INIT(64);
        char want[64];
        uint32_t sum;

        send_large(fd, lengths[i / 2], i % 2, &sum);
        T_INT_EQ(t_read_reply(fd, &got), 200);
        snprintf(want, sizeof want, "%zu %u", lengths[i / 2], sum);
        T_STRN_EQ(buf_str(&got), str_of(want));
    }
}

static void reply_large(struct http_exchange *x, void *arg)
{
    size_t len = 8 << 20;
    char *p = arena_alloc(http_arena(x), len);

    (void)arg;
    for (size_t i = 0; i < len; i++)
        p[i] = (char)(i % 251);
    http_reply(x, &(struct http_reply){.status = 200, .body = str_n(p, len)});
}

TEST(a_large_reply_arrives_whole_at_a_slow_reader)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = reply_large});
    auto_buf struct buf b = BUF_INIT(16 << 20);
    auto_fd int fd = t_connect(t.port);

    for (int round = 0; round < 2; round++) {
        t_send_c(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        T_INT_EQ(t_read_reply(fd, &b), 200);
        T_INT_EQ(b.len, 8 << 20);
        for (size_t i = 0; i < b.len; i++)
            if (b.p[i] != (char)(i % 251))
                t_fail(__FILE__, __LINE__, "byte %zu is wrong", i);
    }
}

static int connect_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    T_INT_EQ(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void reply_peer(struct http_exchange *x, void *arg)
{
    (void)arg;
    http_reply(x, &(struct http_reply){
                      .status = 200,
                      .body = str_of(arena_printf(
                          http_arena(x), "%s %s %u", http_peer_address(x),
                          http_peer_port(x) ? "port" : "none", http_listener_tag(x)))});
}

TEST(a_unix_socket_serves_with_its_mode_and_a_stale_file_is_no_obstacle)
{
    auto_buf struct buf path = BUF_INIT(100), b = BUF_INIT(256);
    struct http_listener_opts l = {.unix_mode = 0640, .tag = 7};
    struct stat st;
    struct err e = ERR_INIT;

    buf_printf(&path, "%s/http.sock", t_tmpdir());
    l.unix_path = path.p;
    for (int round = 0; round < 2; round++) {
        auto_t_server struct t_server t =
            t_server_start(&(struct http_server_opts){.handle = reply_peer});
        auto_fd int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (round == 1) { /* a file whose owner died */
            struct sockaddr_un a = {.sun_family = AF_UNIX};

            snprintf(a.sun_path, sizeof a.sun_path, "%s", path.p);
            T_INT_EQ(bind(stale, (struct sockaddr *)&a, sizeof a), 0);
            close(stale);
            stale = -1;
        }
        T_OK(http_server_listen(t.s, &l, NULL, &e), &e);
        T_INT_EQ(stat(path.p, &st), 0);
        T_INT_EQ(st.st_mode & 0777, 0640);
        T_INT_EQ(http_server_listen(t.s, &l, NULL, &e), ERR_EXISTS);

        auto_fd int fd = connect_unix(path.p);

        t_send_c(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        T_INT_EQ(t_read_reply(fd, &b), 200);
        T_STRN_EQ(buf_str(&b), STR("@ none 7"));
    }
    T_INT_EQ(stat(path.p, &st), -1); /* removed with its listener */
}

TEST(a_listener_that_cannot_be_says_why)
{
    auto_t_server struct t_server t = t_server_start(NULL);
    char longest[300];

    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    struct {
        const char *label;
        struct http_listener_opts l;
        int want;
        const char *text;
    } rows[] = {
        {"taken",
         {.address = "127.0.0.1", .port = t.port},
         ERR_EXISTS,
         "address already in use"},
        {"a name", {.address = "localhost"}, ERR_INVALID, "'localhost' is not an IPv4 or IPv6"},
        {"not ours", {.address = "192.0.2.1"}, ERR_INVALID, "cannot assign requested address"},
        {"a long path", {.unix_path = longest}, ERR_INVALID, "longer than 107 bytes"},
        {"nothing", {0}, ERR_INVALID, "no address"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_INT_EQ(http_server_listen(t.s, &rows[i].l, NULL, &e), rows[i].want);
        T_STR_HAS(e.msg, rows[i].text);
    }
}

static void reply_accessors(struct http_exchange *x, void *arg)
{
    struct str a = STR("-"), name, value;
    auto_buf struct buf b = BUF_INIT(1024);

    (void)arg;
    http_param(x, "a", &a);
    buf_printf(&b, "a=%.*s n=%zu ", STR_ARG(a), http_param_count(x));
    for (size_t i = 0; i < http_param_count(x); i++) {
        http_param_at(x, i, &name, &value);
        buf_printf(&b, "%.*s:%.*s ", STR_ARG(name), STR_ARG(value));
    }
    for (size_t i = 0; i < http_header_count(x); i++) {
        http_header_at(x, i, &name, &value);
        buf_printf(&b, "%.*s ", STR_ARG(name));
    }
    buf_printf(&b, "%s %.*s tls=%d", http_header(x, "nope").p ? "?" : "none",
               STR_ARG(http_target(x)), http_is_tls(x));
    http_reply(
        x, &(struct http_reply){.status = 200, .body = arena_str(http_arena(x), buf_str(&b))});
}

TEST(a_handler_sees_parameters_headers_and_target)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = reply_accessors});
    auto_buf struct buf b = BUF_INIT(1024);
    auto_fd int fd = t_connect(t.port);

    t_send_c(fd, "GET /%61?a=1+2&stale&a=3 HTTP/1.1\r\nHost: x\r\nX-B: c\r\n\r\n");
    T_INT_EQ(t_read_reply(fd, &b), 200);
    T_STRN_EQ(buf_str(&b), STR("a=1 2 n=3 a:1 2 stale: a:3 Host X-B none "
                               "/%61?a=1+2&stale&a=3 tls=0"));
}
