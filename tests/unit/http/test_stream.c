#include <sys/socket.h>

#include "http_t.h"

/* A handler that leaves its exchange to the test. */
static _Atomic(struct http_exchange *) handed;

static void hand(struct http_exchange *x, void *arg)
{
    (void)arg;
    atomic_store(&handed, x);
}

static struct http_exchange *wait_handed(void)
{
    struct http_exchange *x;

    T_UNTIL(atomic_load(&handed) != NULL);
    x = atomic_load(&handed);
    atomic_store(&handed, NULL);
    return x;
}

static struct http_stream *start(struct t_server *t, int *ret_fd, struct str ask)
{
    struct http_reply head = {.status = 200, .content_type = "text/plain", .body = STR("one ")};
    struct http_stream *s;
    struct err e = ERR_INIT;

    *ret_fd = t_connect(t->port);
    t_send(*ret_fd, ask);
    T_OK(http_stream_start(wait_handed(), &head, &s, &e), &e);
    return s;
}

#define GET STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n")

TEST(a_stream_is_chunked_and_the_connection_is_kept)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = hand});
    auto_buf struct buf b = BUF_INIT(65536);
    auto_fd int fd = -1;
    struct http_stream *s = start(&t, &fd, GET);
    struct err e = ERR_INIT;

    T_OK(http_stream_write(s, STR("two "), &e), &e);
    T_OK(http_stream_write(s, STR(""), &e), &e);
    T_OK(http_stream_write(s, STR("three"), &e), &e);
    http_stream_end(s);
    t_send_c(fd, "GET / HTTP/1.0\r\n\r\n");
    http_reply(wait_handed(), &(struct http_reply){.status = 404});
    t_read_all(fd, &b);
    T_STR_HAS(b.p, "Transfer-Encoding: chunked\r\n");
    T_STR_HAS(b.p, "\r\n\r\n4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\nHTTP/1.1 404 ");
}

TEST(a_stream_in_http_1_0_ends_with_the_connection)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = hand});
    auto_buf struct buf b = BUF_INIT(65536);
    auto_fd int fd = -1;
    struct http_stream *s = start(&t, &fd, STR("GET / HTTP/1.0\r\n\r\n"));
    struct err e = ERR_INIT;

    T_OK(http_stream_write(s, STR("two"), &e), &e);
    http_stream_end(s);
    t_read_all(fd, &b);
    T_TRUE(str_ends(buf_str(&b), STR("\r\n\r\none two")));
    T_TRUE(strstr(b.p, "chunked") == NULL);
}

TEST(a_slow_reader_bounds_the_stream_and_room_is_waited_for)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = hand});
    auto_buf struct buf b = BUF_INIT(256 << 20);
    static char piece[1 << 20];
    auto_fd int fd = -1;
    struct http_stream *s = start(&t, &fd, STR("GET / HTTP/1.0\r\n\r\n"));
    struct err e = ERR_INIT;
    size_t sent = 4;
    int r = 0;

    while (r == 0) { /* until neither the buffer nor the socket takes more */
        if (http_stream_write(s, str_n(piece, 64 << 10), &e) == 0)
            sent += 64 << 10;
        else
            r = http_stream_wait(s, clock_mono_ms() + 50, &e);
    }
    T_INT_EQ(r, ERR_TIMEOUT);
    T_INT_EQ(http_stream_write(s, str_n(piece, 1 << 20), &e), ERR_LIMIT);
    while (http_stream_wait(s, clock_mono_ms() + 1, &e) == ERR_TIMEOUT) {
        char *room = buf_reserve(&b, 65536);
        ssize_t n = recv(fd, room, 65536, 0);

        T_TRUE(n > 0);
        b.len += (size_t)n;
    }
    T_OK(http_stream_write(s, str_n(piece, 64 << 10), &e), &e);
    sent += 64 << 10;
    http_stream_end(s);
    t_read_all(fd, &b);
    T_INT_EQ(b.len - (size_t)(strstr(b.p, "\r\n\r\n") + 4 - b.p), sent);
}

TEST(a_stream_whose_reader_left_says_so)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = hand});
    int fd;
    struct http_stream *s = start(&t, &fd, GET);
    struct err e = ERR_INIT;

    close(fd);
    T_UNTIL(http_stream_is_gone(s));
    T_INT_EQ(http_stream_write(s, STR("x"), &e), ERR_CANCELED);
    T_INT_EQ(http_stream_wait(s, 0, &e), ERR_CANCELED);
    http_stream_end(s);
}

TEST(a_stream_that_waits_for_its_writer_has_no_deadline_but_for_its_reader_it_has)
{
    auto_t_server struct t_server t = t_server_start(
        &(struct http_server_opts){.handle = hand, .limits = {.write_timeout_ms = 30}});
    static char piece[1 << 20];
    auto_fd int fd = -1;
    struct http_stream *s = start(&t, &fd, GET);
    struct err e = ERR_INIT;
    int64_t quiet = clock_mono_ms() + 100;

    T_UNTIL(clock_mono_ms() > quiet);
    T_OK(http_stream_write(s, STR("still here"), &e), &e);
    while (http_stream_write(s, str_n(piece, sizeof piece), &e) != ERR_CANCELED)
        t_pause();
    http_stream_end(s);
}

static void write_many(void *arg)
{
    struct http_stream *s = arg;
    struct err e = ERR_INIT;

    for (int i = 0; i < 2000; i++)
        if (http_stream_write(s, STR("0123456789"), &e) == ERR_LIMIT)
            http_stream_wait(s, 0, &e);
}

TEST(writers_on_several_threads_lose_nothing)
{
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = hand});
    auto_buf struct buf b = BUF_INIT(1 << 20);
    auto_fd int fd = -1;
    struct http_stream *s = start(&t, &fd, STR("GET / HTTP/1.0\r\n\r\n"));
    struct thread threads[3] = {{0}};
    struct err e = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        T_OK(thread_start(&threads[i], "writer", write_many, s, &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        thread_join(&threads[i]);
    http_stream_end(s);
    t_read_all(fd, &b);
    T_INT_EQ(b.len - (size_t)(strstr(b.p, "\r\n\r\n") + 4 - b.p), 4 + 3 * 2000 * 10);
}
