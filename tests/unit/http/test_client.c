#include <arpa/inet.h>
#include <sys/socket.h>

#include "http/client.h"
#include "http_t.h"

static struct http_client *client(uint16_t port, struct http_client_opts o)
{
    struct http_client *c;
    char address[64];
    struct err e = ERR_INIT;

    snprintf(address, sizeof address, "http://127.0.0.1:%u", port);
    o.address = address;
    T_OK(http_client_new(&o, &c, &e), &e);
    return c;
}

/* Answers with what the client sent: first line, chosen headers, body. */
static void mirror(struct http_exchange *x, void *arg)
{
    struct arena *a = http_arena(x);
    struct str m = http_method(x), t = http_target(x), b = http_body(x);
    struct str type = http_header(x, "Content-Type"), own = http_header(x, "X-Own");
    struct http_field *f = arena_new_of(a, struct http_field);

    (void)arg;
    *f = (struct http_field){"X-Reply", "yes"};
    http_reply(
        x, &(struct http_reply){
               .status = str_eq(http_path(x), STR("/missing")) ? 404 : 200,
               .fields = f,
               .n_fields = 1,
               .body = str_of(arena_printf(a, "%.*s %.*s own=%.*s type=%.*s expect=%d [%.*s]",
                                           STR_ARG(m), STR_ARG(t), STR_ARG(own), STR_ARG(type),
                                           http_header(x, "Expect").p != NULL, STR_ARG(b)))});
}

TEST(a_request_goes_out_as_it_was_given)
{
    static const struct http_header own = {"X-Own", "1"};
    static const struct {
        struct http_request q;
        int status;
        const char *want;
    } rows[] = {
        {{.path = "/a"}, 200, "GET /a own= type= expect=0 []"},
        {{.path = "/missing"}, 404, "GET /missing own= type= expect=0 []"},
        {{.path = "/a/../b?c=%20"}, 200, "GET /a/../b?c=%20 own= type= expect=0 []"},
        {{.method = "LIST", .path = "/a", .headers = &own, .n_headers = 1},
         200,
         "LIST /a own=1 type= expect=0 []"},
        {{.method = "PUT", .path = "/a", .body = {"hi", 2}},
         200,
         "PUT /a own= type= expect=0 [hi]"},
        {{.method = "POST", .path = "/a"}, 200, "POST /a own= type= expect=0 []"},
        {{.method = "DELETE", .path = "/a"}, 200, "DELETE /a own= type= expect=0 []"},
        {{.method = "HEAD", .path = "/a"}, 200, ""},
    };
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = mirror});
    auto_http_client struct http_client *c = client(t.port, (struct http_client_opts){0});

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct http_response r;
        struct err e = ERR_INIT;

        T_ROW(rows[i].q.path);
        T_OK(http_do(c, &rows[i].q, a, &r, &e), &e);
        T_INT_EQ(r.status, rows[i].status);
        T_STRN_EQ(r.body, str_of(rows[i].want));
        T_STR_EQ(http_response_header(&r, "x-reply"), "yes");
        T_TRUE(http_response_header(&r, "nope") == NULL);
    }
}

TEST(connections_are_used_again)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = mirror});
    auto_http_client struct http_client *c = client(t.port, (struct http_client_opts){0});
    struct http_server_stats stats;
    struct err e = ERR_INIT;

    for (int i = 0; i < 10; i++) {
        auto_arena struct arena *a = arena_new(0);
        struct http_response r;

        T_OK(http_do(c, &(struct http_request){.path = "/"}, a, &r, &e), &e);
    }
    http_server_stats(t.s, &stats);
    T_INT_EQ(stats.connections, 1);
    T_INT_EQ(stats.requests, 10);
}

/* A port of this machine where nobody listens. */
static uint16_t closed_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    T_INT_EQ(bind(fd, (struct sockaddr *)&a, len), 0);
    T_INT_EQ(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    return ntohs(a.sin_port);
}

TEST(errors_are_in_go_s_words_and_tell_no_secret)
{
    static const struct http_header token = {"X-Vault-Token", "hvs.SECRET"};
    uint16_t port = closed_port();
    char refused[64], want_refused[96];
    struct {
        const char *address;
        int want;
        const char *text;
    } rows[] = {
        {refused, ERR_UNAVAIL, want_refused},
        {"http://nobody.invalid:1", ERR_UNAVAIL,
         "dial tcp: lookup nobody.invalid: no such host"},
        {"unix:///nowhere/x.sock", ERR_UNAVAIL,
         "dial unix /nowhere/x.sock: connect: no such file or directory"},
    };

    snprintf(refused, sizeof refused, "http://127.0.0.1:%u", port);
    snprintf(want_refused, sizeof want_refused,
             "dial tcp 127.0.0.1:%u: connect: connection refused", port);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_http_client struct http_client *c = NULL;
        struct http_client_opts o = {.address = rows[i].address};
        struct http_request q = {
            .path = "/x?secret=hvs.SECRET", .headers = &token, .n_headers = 1};
        struct http_response r;
        struct err e = ERR_INIT;

        T_ROW(rows[i].address);
        T_OK(http_client_new(&o, &c, &e), &e);
        T_INT_EQ(http_do(c, &q, a, &r, &e), rows[i].want);
        T_STR_EQ(e.msg, rows[i].text);
        T_TRUE(strstr(e.msg, "SECRET") == NULL);
    }
}

TEST(wrong_addresses_are_refused)
{
    static const char *const rows[] = {
        "",           "127.0.0.1:8200x",    "ftp://x",    "http://", "unix://", "http://u:p@x",
        "http://x/y", "file:///etc/passwd", "http://x:0y"};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_client_opts o = {.address = rows[i]};
        struct http_client *c = NULL;
        struct err e = ERR_INIT;

        T_ROW(rows[i]);
        T_INT_EQ(http_client_new(&o, &c, &e), ERR_INVALID);
        T_TRUE(strstr(e.msg, "u:p") == NULL);
    }
}

static _Atomic(struct http_exchange *) held_back;

static void never(struct http_exchange *x, void *arg)
{
    (void)arg;
    atomic_store(&held_back, x);
}

static void let_go(void)
{
    struct http_exchange *x;

    T_UNTIL(atomic_load(&held_back) != NULL);
    x = atomic_exchange(&held_back, NULL);
    http_reply(x, &(struct http_reply){.status = 200});
}

TEST(a_server_that_does_not_answer_runs_into_the_deadline)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = never});
    auto_http_client struct http_client *c = client(t.port, (struct http_client_opts){0});
    auto_arena struct arena *a = arena_new(0);
    struct http_response r;
    struct err e = ERR_INIT;

    T_INT_EQ(http_do(c, &(struct http_request){.path = "/", .timeout_ms = 50}, a, &r, &e),
             ERR_TIMEOUT);
    T_STR_EQ(e.msg, "context deadline exceeded");
    let_go();
}

static void stop_when_asked(void *arg)
{
    struct stopper *s = arg;

    for (int64_t until = clock_mono_ms() + T_PATIENCE_MS;
         !atomic_load(&held_back) && clock_mono_ms() < until;)
        t_pause();
    stopper_stop(s);
}

TEST(a_request_is_canceled_at_once)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = never});
    auto_http_client struct http_client *c = client(t.port, (struct http_client_opts){0});
    auto_arena struct arena *a = arena_new(0);
    struct http_response r;
    struct thread thread = {0};
    struct stopper stop;
    struct err e = ERR_INIT;

    T_OK(stopper_init(&stop, &e), &e);
    T_OK(thread_start(&thread, "stop", stop_when_asked, &stop, &e), &e);
    T_INT_EQ(http_do(c,
                     &(struct http_request){
                         .path = "/", .stop = &stop, .timeout_ms = HTTP_NO_TIMEOUT},
                     a, &r, &e),
             ERR_CANCELED);
    thread_join(&thread);
    stopper_done(&stop);
    let_go();
}

TEST(a_reply_above_the_limit_is_an_error)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = mirror});
    auto_http_client struct http_client *c =
        client(t.port, (struct http_client_opts){.reply_max = 10});
    auto_arena struct arena *a = arena_new(0);
    struct http_response r;
    struct err e = ERR_INIT;

    T_INT_EQ(http_do(c, &(struct http_request){.path = "/"}, a, &r, &e), ERR_TOOBIG);
}

static void stream_three(struct http_exchange *x, void *arg)
{
    struct http_reply head = {.status = str_eq(http_path(x), STR("/bad")) ? 500 : 200};
    struct http_stream *s;
    struct err e = ERR_INIT;

    (void)arg;
    T_OK(http_stream_start(x, &head, &s, &e), &e);
    for (int i = 0; i < 3; i++)
        http_stream_write(s, STR("abc"), &e);
    http_stream_end(s);
}

struct collected {
    char text[64];
    size_t len, max;
};

static bool collect(void *arg, struct str data)
{
    struct collected *c = arg;

    T_TRUE(c->len + data.len < sizeof c->text);
    memcpy(c->text + c->len, data.p, data.len);
    c->len += data.len;
    return c->len < c->max;
}

TEST(a_stream_is_given_piece_by_piece_until_the_caller_has_enough)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = stream_three});
    auto_http_client struct http_client *c = client(t.port, (struct http_client_opts){0});
    auto_arena struct arena *a = arena_new(0);
    struct collected all = {.max = 100}, some = {.max = 1}, none = {.max = 100};
    struct http_request q = {.path = "/", .on_data = collect};
    struct http_response r;
    struct err e = ERR_INIT;

    q.arg = &all;
    T_OK(http_do(c, &q, a, &r, &e), &e);
    T_STRN_EQ(str_n(all.text, all.len), STR("abcabcabc"));
    T_INT_EQ(r.body.len, 0);
    q.arg = &some;
    T_OK(http_do(c, &q, a, &r, &e), &e);
    T_TRUE(some.len >= 1);
    q.arg = &none; /* an error's text is for the caller, not for the stream */
    q.path = "/bad";
    T_OK(http_do(c, &q, a, &r, &e), &e);
    T_INT_EQ(r.status, 500);
    T_STRN_EQ(r.body, STR("abcabcabc"));
    T_INT_EQ(none.len, 0);
}

static void redirect(struct http_exchange *x, void *arg)
{
    struct http_field *f = arena_new_of(http_arena(x), struct http_field);
    struct str to = {0};

    if (str_eq(http_path(x), STR("/loop")))
        to = STR("/loop");
    else if (!http_param(x, "to", &to)) {
        mirror(x, arg);
        return;
    }
    *f = (struct http_field){"Location", arena_cstr(http_arena(x), to)};
    http_reply(x, &(struct http_reply){.status = 307, .fields = f, .n_fields = 1});
}

TEST(redirects_lead_only_where_they_may)
{
    static const char *const any[] = {"*", NULL};
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = redirect});
    auto_t_server struct t_server other =
        t_server_start(&(struct http_server_opts){.handle = mirror});
    char here[64], there[64];
    const struct {
        const char *label;
        const char *path;
        bool follow;
        const char *const *ok;
        int want;
    } rows[] = {
        {"not asked", "/?to=/b", false, NULL, 307},
        {"same host, relative", "/?to=/b", true, NULL, 200},
        {"same host, absolute", here, true, NULL, 200},
        {"another host", there, true, NULL, 307},
        {"another host, allowed", there, true, any, 200},
        {"for ever", "/loop?to=/loop", true, NULL, 307},
    };

    snprintf(here, sizeof here, "/?to=http://127.0.0.1:%u/b", t.port);
    snprintf(there, sizeof there, "/?to=http://127.0.0.1:%u/b", other.port);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_http_client struct http_client *c =
            client(t.port, (struct http_client_opts){.follow_redirects = rows[i].follow,
                                                     .redirect_ok = rows[i].ok});
        auto_arena struct arena *a = arena_new(0);
        struct http_request q = {.method = "PUT", .path = rows[i].path, .body = STR("hi")};
        struct http_response r;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_OK(http_do(c, &q, a, &r, &e), &e);
        T_INT_EQ(r.status, rows[i].want);
        if (r.status == 200)
            T_STRN_EQ(r.body, STR("PUT /b own= type= expect=0 [hi]"));
    }
}

TEST(text_is_escaped_for_paths_and_queries)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_EQ(http_escape(a, STR("a/b c+d\xff~")), "a%2Fb%20c%2Bd%FF~");
    T_STR_EQ(http_escape_path(a, STR("a/b c")), "a/b%20c");
    T_STR_EQ(http_escape(a, STR("")), "");
}

static void ask_many(void *arg)
{
    struct http_client *c = arg;

    for (int i = 0; i < 50; i++) {
        auto_arena struct arena *a = arena_new(0);
        struct http_response r;
        struct err e = ERR_INIT;

        T_OK(http_do(c, &(struct http_request){.path = "/"}, a, &r, &e), &e);
    }
}

TEST(a_client_serves_several_threads)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = mirror});
    auto_http_client struct http_client *c = client(t.port, (struct http_client_opts){0});
    struct thread threads[4] = {{0}};
    struct err e = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        T_OK(thread_start(&threads[i], "client", ask_many, c, &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        thread_join(&threads[i]);
}
