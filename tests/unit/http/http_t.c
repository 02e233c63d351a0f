#include "http_t.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/path.h"

void t_echo(struct http_exchange *x, void *arg)
{
    struct arena *a = http_arena(x);
    struct str m = http_method(x), p = http_path(x), q = http_query(x), b = http_body(x);

    (void)arg;
    http_reply(x, &(struct http_reply){
                      .status = 200,
                      .content_type = "text/plain",
                      .body = str_of(arena_printf(a, "%.*s %.*s %.*s [%.*s]", STR_ARG(m),
                                                  STR_ARG(p), STR_ARG(q), STR_ARG(b)))});
}

struct t_server t_server_start(const struct http_server_opts *opts)
{
    struct http_server_opts o = opts ? *opts : (struct http_server_opts){0};
    struct http_listener_opts l = {.address = "127.0.0.1"};
    struct t_server t = {0};
    struct err e = ERR_INIT;

    if (!o.handle)
        o.handle = t_echo;
    if (!o.workers)
        o.workers = 2;
    T_OK(http_server_new(&o, &t.s, &e), &e);
    T_OK(http_server_listen(t.s, &l, &t.port, &e), &e);
    return t;
}

void t_server_stop(struct t_server *t)
{
    http_server_free(t->s);
    t->s = NULL;
}

int t_connect(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
        t_fail(__FILE__, __LINE__, "connect to port %u: %s", port, strerror(errno));
    return fd;
}

void t_send(int fd, struct str s)
{
    while (s.len) {
        ssize_t n = send(fd, s.p, s.len, MSG_NOSIGNAL);

        if (n < 0)
            return; /* closed: what was answered tells why */
        s = str_from(s, (size_t)n);
    }
}

/* > 0 bytes, 0 closed or reset. */
static size_t read_some(int fd, struct buf *b)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char *room = buf_reserve(b, 2048);
    ssize_t n;

    if (!room)
        t_fail(__FILE__, __LINE__, "the reply is larger than the test expects");
    if (poll(&p, 1, T_PATIENCE_MS) <= 0)
        t_fail(__FILE__, __LINE__, "no reply in time; so far: \"%.*s\"", (int)b->len,
               b->p ? b->p : "");
    n = recv(fd, room, 2048, 0);
    n = n < 0 ? 0 : n;
    b->len += (size_t)n;
    b->p[b->len] = '\0';
    return (size_t)n;
}

void t_read_all(int fd, struct buf *b)
{
    while (read_some(fd, b))
        ;
}

static int status_of(const struct buf *b)
{
    uint64_t n = 0;

    if (b->len < 12 || !str_starts(buf_str(b), STR("HTTP/1.")))
        return 0;
    str_to_u64(str_n(b->p + 9, 3), 10, &n);
    return (int)n;
}

/* One byte at a time up to the empty line, so that nothing of the next reply is taken. */
static bool read_head(int fd, struct buf *head)
{
    while (!str_ends(buf_str(head), STR("\r\n\r\n"))) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char c;

        if (poll(&p, 1, T_PATIENCE_MS) <= 0)
            t_fail(__FILE__, __LINE__, "no reply in time; so far: \"%s\"",
                   head->p ? head->p : "");
        if (recv(fd, &c, 1, 0) <= 0)
            return false;
        buf_putc(head, c);
    }
    return true;
}

int t_read_reply(int fd, struct buf *b)
{
    auto_buf struct buf head = BUF_INIT(1 << 20);
    const char *length;
    size_t left;

    buf_reset(b);
    if (!read_head(fd, &head))
        return 0;
    length = strstr(head.p, "Content-Length: ");
    left = length ? (size_t)strtoul(length + 16, NULL, 10) : 0;
    while (left) {
        char *room = buf_reserve(b, left);
        ssize_t n = recv(fd, room, left, 0);

        if (n <= 0)
            t_fail(__FILE__, __LINE__, "the reply's body is cut");
        b->len += (size_t)n;
        left -= (size_t)n;
    }
    return status_of(&head);
}

int t_ask_raw(uint16_t port, struct str request, struct buf *b)
{
    auto_fd int fd = t_connect(port);

    buf_reset(b);
    t_send(fd, request);
    t_read_all(fd, b);
    return status_of(b);
}

void t_copy_file(const char *from, const char *to)
{
    auto_buf struct buf b = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;

    T_OK(path_read_file(AT_FDCWD, from, &b, &e), &e);
    T_OK(path_write_atomic(AT_FDCWD, to, buf_str(&b), 0600, &e), &e);
}
