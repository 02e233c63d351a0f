/* Deadlines, connection limits, memory, and clients that leave. */
#include <arpa/inet.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "http_t.h"

static struct http_server_stats stats_of(struct t_server *t)
{
    struct http_server_stats s;

    http_server_stats(t->s, &s);
    return s;
}

/* One byte now and then would keep an idle timeout away for ever. */
static void drip(int fd, struct buf *b, struct str each)
{
    for (int64_t until = clock_mono_ms() + T_PATIENCE_MS; clock_mono_ms() < until; t_pause()) {
        char c;

        t_send(fd, each);
        if (recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) >= 0) {
            t_read_all(fd, b);
            return;
        }
    }
    t_fail(__FILE__, __LINE__, "a slow client is never dropped");
}

TEST(slow_heads_and_slow_bodies_are_dropped_however_busy_they_look)
{
    auto_t_server struct t_server t = t_server_start(
        &(struct http_server_opts){.limits = {.head_timeout_ms = 100, .body_timeout_ms = 100}});
    static const struct {
        const char *label;
        struct str first, each;
    } rows[] = {
        {"head", STR("GET / HTTP/1.1\r\nHost: x\r\n"), STR("A: b\r\n")},
        {"body", STR("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"), STR("b")},
        {"chunks", STR("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"),
         STR("1\r\nb\r\n")},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_buf struct buf b = BUF_INIT(65536);
        auto_fd int fd = t_connect(t.port);

        T_ROW(rows[i].label);
        t_send(fd, rows[i].first);
        drip(fd, &b, rows[i].each);
        T_STR_HAS(b.p, "HTTP/1.1 408 ");
    }
}

TEST(a_connection_that_says_nothing_is_closed)
{
    auto_t_server struct t_server t = t_server_start(
        &(struct http_server_opts){.limits = {.head_timeout_ms = 500, .idle_timeout_ms = 50}});
    auto_buf struct buf b = BUF_INIT(65536);
    auto_fd int silent = t_connect(t.port);
    auto_fd int kept = -1;

    t_read_all(silent, &b);
    T_INT_EQ(b.len, 0);
    kept = t_connect(t.port);
    t_send_c(kept, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    t_read_all(kept, &b);
    T_STR_HAS(b.p, "200 OK");
}

static void reply_large(struct http_exchange *x, void *arg)
{
    size_t len = 32 << 20;

    (void)arg;
    http_reply(x, &(struct http_reply){.status = 200,
                                       .body = str_n(arena_zalloc(http_arena(x), len), len)});
}

TEST(a_reader_that_does_not_read_is_dropped)
{
    auto_t_server struct t_server t = t_server_start(
        &(struct http_server_opts){.handle = reply_large, .limits = {.write_timeout_ms = 50}});
    auto_fd int fd = t_connect(t.port);

    t_send_c(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    T_UNTIL(stats_of(&t).requests == 1);
    T_UNTIL(stats_of(&t).connections == 0);
}

TEST(connections_are_limited_in_all)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.limits = {.connections = 3}});
    auto_buf struct buf b = BUF_INIT(65536);
    int fds[3];

    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = t_connect(t.port);
        t_send_c(fds[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        T_INT_EQ(t_read_reply(fds[i], &b), 200);
    }
    T_INT_EQ(t_ask_raw(t.port, STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), &b), 0);
    T_INT_EQ(stats_of(&t).refused, 1);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    T_UNTIL(stats_of(&t).connections == 0);
    T_INT_EQ(t_ask_raw(t.port, STR("GET / HTTP/1.0\r\n\r\n"), &b), 200);
}

TEST(connections_are_limited_per_address_and_the_excess_is_told_so)
{
    auto_t_server struct t_server t = t_server_start(&(struct http_server_opts){
        .limits = {.connections_per_address = 2}, .too_many_text = "enough\n"});
    auto_buf struct buf b = BUF_INIT(65536);
    auto_fd int one = t_connect(t.port);
    auto_fd int two = t_connect(t.port);

    t_send_c(one, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    T_INT_EQ(t_read_reply(one, &b), 200);
    t_send_c(two, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    T_INT_EQ(t_read_reply(two, &b), 200);

    T_INT_EQ(t_ask_raw(t.port, STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), &b), 429);
    T_TRUE(str_starts(buf_str(&b), STR("HTTP/1.1 429 Too Many Requests\r\n")));
    T_STR_HAS(b.p, "Content-Type: text/plain\r\n");
    T_TRUE(str_ends(buf_str(&b), STR("\r\n\r\nenough\n")));

    close(two);
    two = -1;
    T_UNTIL(t_ask_raw(t.port, STR("GET / HTTP/1.0\r\n\r\n"), &b) == 200);
}

/* Handlers that park: the exchanges are kept here, to be answered from other threads. */
struct parking {
    struct lock lock;
    struct http_exchange *at[4096];
    size_t n;
    atomic_int gone;
};

static void on_gone(struct http_exchange *x, void *arg)
{
    struct parking *p = arg;

    (void)x;
    atomic_fetch_add(&p->gone, 1);
}

static void park(struct http_exchange *x, void *arg)
{
    struct parking *p = arg;

    http_on_gone(x, on_gone, p);
    lock_take(&p->lock);
    p->at[p->n++] = x;
    lock_drop(&p->lock);
}

static size_t parked(struct parking *p)
{
    auto_lock struct lock *held = lock_scope(&p->lock);

    return p->n;
}

static void answer_all(struct parking *p)
{
    for (;;) {
        struct http_exchange *x;

        lock_take(&p->lock);
        x = p->n ? p->at[--p->n] : NULL;
        lock_drop(&p->lock);
        if (!x)
            return;
        http_reply(x, &(struct http_reply){.status = 200, .body = STR("late")});
    }
}

TEST(a_parked_request_is_answered_from_another_thread)
{
    static struct parking p = {.lock = LOCK_INIT("parking", RANK_API)};
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = park, .arg = &p});
    auto_buf struct buf b = BUF_INIT(65536);
    auto_fd int fd = t_connect(t.port);

    for (int i = 0; i < 3; i++) {
        t_send_c(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        T_UNTIL(parked(&p) == 1);
        T_UNTIL(stats_of(&t).parked == 1);
        answer_all(&p);
        T_INT_EQ(t_read_reply(fd, &b), 200);
        T_STRN_EQ(buf_str(&b), STR("late"));
        T_UNTIL(stats_of(&t).parked == 0);
    }
    T_INT_EQ(p.gone, 0);
}

TEST(a_parked_client_that_leaves_is_noticed)
{
    static const struct {
        const char *label;
        bool reset;
    } rows[] = {{"closed", false}, {"reset", true}};
    static struct parking p = {.lock = LOCK_INIT("parking", RANK_API)};
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = park, .arg = &p});

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct linger now = {.l_onoff = 1};
        int fd = t_connect(t.port);

        T_ROW(rows[i].label);
        t_send_c(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        T_UNTIL(stats_of(&t).parked == 1);
        T_INT_EQ(p.gone, (int)i);
        if (rows[i].reset)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(fd);
        T_UNTIL(atomic_load(&p.gone) == (int)i + 1);
        T_TRUE(http_is_gone(p.at[0]));
        answer_all(&p);
        T_UNTIL(stats_of(&t).connections == 0);
    }
}

TEST(a_half_closed_client_still_gets_its_answer)
{
    static struct parking p = {.lock = LOCK_INIT("parking", RANK_API)};
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = park, .arg = &p});
    auto_buf struct buf b = BUF_INIT(65536);
    auto_fd int fd = t_connect(t.port);

    t_send_c(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(fd, SHUT_WR);
    T_UNTIL(atomic_load(&p.gone) == 1);
    answer_all(&p);
    T_INT_EQ(t_read_reply(fd, &b), 200);
    T_STRN_EQ(buf_str(&b), STR("late"));
}

static void answer_until_stopped(void *arg)
{
    struct {
        struct parking *p;
        atomic_bool stop;
    } *a = arg;

    while (!atomic_load(&a->stop))
        answer_all(a->p);
    answer_all(a->p);
}

TEST(answers_race_with_leaving_clients)
{
    static struct parking p = {.lock = LOCK_INIT("parking", RANK_API)};
    static struct {
        struct parking *p;
        atomic_bool stop;
    } a = {.p = &p};
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = park, .arg = &p});
    struct thread threads[2] = {{0}};
    struct err e = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        T_OK(thread_start(&threads[i], "answers", answer_until_stopped, &a, &e), &e);
    for (int i = 0; i < 400; i++) {
        auto_buf struct buf b = BUF_INIT(65536);
        int fd = t_connect(t.port);

        t_send_c(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
        if (i % 4 == 0)
            T_INT_EQ(t_read_reply(fd, &b), 200);
        close(fd);
    }
    /* Each was accepted and asked at least once; then it is over. */
    T_UNTIL(stats_of(&t).requests >= 400 && stats_of(&t).connections == 0);
    atomic_store(&a.stop, true);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        thread_join(&threads[i]);
    T_INT_EQ(p.n, 0);
}

TEST(a_stop_waits_for_running_requests_until_its_deadline)
{
    static struct parking p = {.lock = LOCK_INIT("parking", RANK_API)};
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = park, .arg = &p});
    auto_buf struct buf b = BUF_INIT(65536);
    auto_fd int idle = t_connect(t.port);
    auto_fd int busy = t_connect(t.port);

    t_send_c(busy, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    T_UNTIL(stats_of(&t).parked == 1 && stats_of(&t).connections == 2);
    http_server_stop(t.s, clock_mono_ms() + 50); /* nobody answers: it is cut off */
    t_read_all(idle, &b);
    t_read_all(busy, &b);
    T_INT_EQ(b.len, 0);
    T_UNTIL(atomic_load(&p.gone) == 1);
    answer_all(&p);
}

/* The second listener is the second worker's, who gives the connection to the first: that one
 * must not be gone by then. */
TEST(a_stop_meets_connections_that_are_just_coming)
{
    struct http_listener_opts l = {.address = "127.0.0.1"};
    struct err e = ERR_INIT;

    for (int i = 0; i < 300; i++) {
        auto_t_server struct t_server t = t_server_start(NULL);
        uint16_t port;

        T_OK(http_server_listen(t.s, &l, &port, &e), &e);
        for (int n = 0; n < i % 3; n++)
            t_pause();
        close(t_connect(port));
    }
}

static size_t rss_bytes(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f || fscanf(f, "%*u %lu", &pages) != 1)
        t_fail(__FILE__, __LINE__, "/proc/self/statm");
    fclose(f);
    return pages * 4096;
}

enum { MANY = 2000, IDLE_MAX = 8192 };

static void allow_descriptors(void)
{
    struct rlimit r;

    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    if (r.rlim_cur < 2 * MANY + 100)
        skip();
}

/* Sanitizers have memory of their own per allocation. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MEASURES = 0 };
#else
enum { MEASURES = 1 };
#endif

TEST(two_thousand_idle_connections_cost_little)
{
    auto_t_server struct t_server t = t_server_start(NULL);
    auto_buf struct buf b = BUF_INIT(65536), head = BUF_INIT(65536);
    static int fds[MANY];
    size_t before, after;

    allow_descriptors();
    buf_puts(&head, "GET / HTTP/1.1\r\nHost: x\r\nX: ");
    while (head.len < 32000)
        buf_putc(&head, 'x');
    buf_puts(&head, "\r\n\r\n");
    before = rss_bytes();
    for (size_t i = 0; i < MANY; i++) {
        fds[i] = t_connect(t.port);
        t_send(fds[i], buf_str(&head));
        T_INT_EQ(t_read_reply(fds[i], &b), 200);
    }
    after = rss_bytes();
    T_INT_EQ(stats_of(&t).connections, MANY);
    if (MEASURES && after > before + (size_t)MANY * IDLE_MAX)
        t_fail(__FILE__, __LINE__, "an idle connection costs %zu bytes",
               (after - before) / MANY);
    for (size_t i = 0; i < MANY; i++)
        close(fds[i]);
}

TEST(two_thousand_parked_requests_cost_little_and_are_released_at_once)
{
    static struct parking p = {.lock = LOCK_INIT("parking", RANK_API)};
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = park, .arg = &p});
    auto_buf struct buf b = BUF_INIT(65536);
    static int fds[MANY];
    size_t before, after;

    allow_descriptors();
    before = rss_bytes();
    for (size_t i = 0; i < MANY; i++) {
        fds[i] = t_connect(t.port);
        t_send_c(fds[i], "GET /v1/jobs?index=1 HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    T_UNTIL(parked(&p) == MANY);
    after = rss_bytes();
    if (MEASURES && after > before + (size_t)MANY * IDLE_MAX)
        t_fail(__FILE__, __LINE__, "a parked request costs %zu bytes", (after - before) / MANY);
    answer_all(&p);
    for (size_t i = 0; i < MANY; i++) {
        T_INT_EQ(t_read_reply(fds[i], &b), 200);
        close(fds[i]);
    }
}

static void reply_length(struct http_exchange *x, void *arg)
{
    (void)arg;
    http_reply(x, &(struct http_reply){.status = http_body(x).len == 16 << 20 ? 200 : 500,
                                       .body = STR("ok")});
}

TEST(memory_of_large_bodies_is_given_back)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = reply_length});
    auto_buf struct buf ask = BUF_INIT(64 << 20), b = BUF_INIT(1024);
    auto_fd int fd = -1;
    size_t before;

    buf_printf(&ask,
               "PUT / HTTP/1.1\r\nHost: x\r\nAuthorization: x\r\nContent-Length: %d\r\n\r\n",
               16 << 20);
    for (int i = 0; i < 16 << 20; i++)
        buf_putc(&ask, 'x');
    fd = t_connect(t.port);
    before = rss_bytes();
    for (int i = 0; i < 3; i++) {
        t_send(fd, buf_str(&ask));
        T_INT_EQ(t_read_reply(fd, &b), 200);
    }
    if (MEASURES) /* the reply may be here a moment before the body is gone */
        T_UNTIL(rss_bytes() < before + (1 << 20));
}
