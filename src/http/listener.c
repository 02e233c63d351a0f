#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/err.h"
#include "http/http_priv.h"

enum { BACKLOG = 4096, KEEP_IDLE_S = 30, KEEP_INTERVAL_S = 10, KEEP_PROBES = 3 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
};

static int parse_address(const struct http_listener_opts *o, union address *ret,
                         socklen_t *ret_len, struct err *e)
{
    *ret = (union address){0};
    if (o->unix_path) {
        if (strlen(o->unix_path) >= sizeof ret->un.sun_path)
            return err_set(e, ERR_INVALID, "listen unix %s: the path is longer than %zu bytes",
                           o->unix_path, sizeof ret->un.sun_path - 1);
        ret->un.sun_family = AF_UNIX;
        memcpy(ret->un.sun_path, o->unix_path, strlen(o->unix_path) + 1);
        *ret_len = sizeof ret->un;
        return 0;
    }
    if (!o->address)
        return err_set(e, ERR_INVALID, "listen: no address");
    if (inet_pton(AF_INET, o->address, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons(o->port);
        *ret_len = sizeof ret->v4;
        return 0;
    }
    if (inet_pton(AF_INET6, o->address, &ret->v6.sin6_addr) == 1) {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = htons(o->port);
        *ret_len = sizeof ret->v6;
        return 0;
    }
    return err_set(e, ERR_INVALID, "listen tcp: '%s' is not an IPv4 or IPv6 address",
                   o->address);
}

/* A socket file that nobody listens on any more is in the way: remove it. */
static void remove_stale(const union address *a)
{
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct stat st;

    if (fd < 0 || lstat(a->un.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return;
    if (connect(fd, &a->any, sizeof a->un) < 0 && errno == ECONNREFUSED)
        unlink(a->un.sun_path);
}

static void set_tcp_options(int fd, const union address *a)
{
    const int on = 1, off = 0, idle = KEEP_IDLE_S, every = KEEP_INTERVAL_S, n = KEEP_PROBES;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr))
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    /* Accepted sockets inherit these: one call instead of one per connection. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &n, sizeof n);
}

static int bind_error(const struct http_listener_opts *o, struct err *e)
{
    char where[160];

    if (o->unix_path)
        snprintf(where, sizeof where, "unix %s", o->unix_path);
    else
        snprintf(where, sizeof where, strchr(o->address, ':') ? "tcp [%s]:%u" : "tcp %s:%u",
                 o->address, o->port);
    if (errno == EADDRINUSE)
        return err_set(e, ERR_EXISTS, "listen %s: bind: address already in use", where);
    if (errno == EADDRNOTAVAIL)
        return err_set(e, ERR_INVALID, "listen %s: bind: cannot assign requested address",
                       where);
    return err_set_errno(e, errno == EACCES ? ERR_DENIED : ERR_IO, "listen %s: bind", where);
}

/* The mode is set before the name exists, so there is no moment when others may connect. */
static int open_socket(const struct http_listener_opts *o, uint16_t *ret_port, struct err *e)
{
    mode_t mode = o->unix_mode ? o->unix_mode : 0600;
    union address a;
    socklen_t len;
    auto_fd int fd = -1;
    int r = parse_address(o, &a, &len, e);

    if (r < 0)
        return r;
    fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set_errno(e, ERR_IO, "socket");
    if (o->unix_path) {
        remove_stale(&a);
        fchmod(fd, mode);
    } else {
        set_tcp_options(fd, &a);
    }
    if (bind(fd, &a.any, len) < 0 || listen(fd, BACKLOG) < 0)
        return bind_error(o, e);
    if (o->unix_path && chmod(o->unix_path, mode) < 0)
        return err_set_errno(e, ERR_IO, "chmod %s", o->unix_path);
    if (!o->unix_path && getsockname(fd, &a.any, &len) == 0 && ret_port)
        *ret_port = ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
    return TAKE_FD(fd);
}

static void watch(struct listener *l)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = (char *)l + 1};

    if (l->fd >= 0)
        epoll_ctl(l->w->epoll_fd, EPOLL_CTL_ADD, l->fd, &ev);
}

/* Nothing is accepted any more: whoever stops the server waits for this before it looks whether
 * connections are left. */
static void end_listening(struct listener *l)
{
    struct http_server *s = l->server;

    if (l->fd < 0)
        return;
    listener_close(l);
    lock_take(&s->lock);
    if (--s->n_listening == 0)
        cond_broadcast(&s->changed);
    lock_drop(&s->lock);
}

static void on_post(struct post *p)
{
    struct listener *l = (struct listener *)((char *)p - offsetof(struct listener, post));

    if (atomic_load(&l->server->stopping))
        end_listening(l);
    else
        watch(l);
}

void listener_close(struct listener *l)
{
    if (l->fd < 0)
        return;
    close(l->fd);
    l->fd = -1;
    if (l->unix_path)
        unlink(l->unix_path);
}

void listener_free(struct listener *l)
{
    if (!l)
        return;
    listener_close(l);
    tls_source_free(l->tls);
    free(l->unix_path);
    free(l);
}

static int add(struct http_server *s, struct listener *l, struct err *e)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    if (s->listeners.len == LISTENERS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d listeners", LISTENERS_MAX);
    if (atomic_load(&s->stopping))
        return err_set(e, ERR_CANCELED, "the server is stopping");
    s->n_listening++;
    l->w = &s->workers[s->listeners.len % s->n_workers];
    vec_push(&s->listeners, l);
    return 0;
}

int http_server_listen(struct http_server *s, const struct http_listener_opts *o,
                       uint16_t *ret_port, struct err *e)
{
    struct listener *l = calloc(1, sizeof *l);
    int r;

    if (!l)
        abort();
    *l = (struct listener){.server = s, .fd = -1, .tag = o->tag, .is_unix = o->unix_path};
    l->post.fn = on_post;
    r = o->tls ? tls_source_new(o->tls, &l->tls, e) : 0;
    l->is_tls = o->tls;
    if (r == 0)
        r = l->fd = open_socket(o, ret_port, e);
    if (r >= 0) {
        l->unix_path = o->unix_path ? strdup(o->unix_path) : NULL;
        r = add(s, l, e);
    }
    if (r < 0) {
        listener_free(l);
        return r;
    }
    worker_post(l->w, &l->post, NULL);
    return 0;
}

static void peer_text(const union address *a, struct conn_peer *ret)
{
    if (a->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a->v4.sin_addr, ret->text, sizeof ret->text);
        ret->port = ntohs(a->v4.sin_port);
    } else if (a->any.sa_family == AF_INET6) {
        bool mapped = IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr);

        inet_ntop(mapped ? AF_INET : AF_INET6, a->v6.sin6_addr.s6_addr + (mapped ? 12 : 0),
                  ret->text, sizeof ret->text);
        ret->port = ntohs(a->v6.sin6_port);
    } else {
        *ret = (struct conn_peer){.text = "@"};
    }
}

static struct worker *least_loaded(struct http_server *s)
{
    struct worker *best = &s->workers[0];

    for (unsigned i = 1; i < s->n_workers; i++)
        if (atomic_load_explicit(&s->workers[i].load, memory_order_relaxed) <
            atomic_load_explicit(&best->load, memory_order_relaxed))
            best = &s->workers[i];
    return best;
}

static void tell_too_many(struct listener *l, int fd)
{
    const char *text = l->server->opts.too_many_text;
    char reply[1024];
    int n = snprintf(reply, sizeof reply,
                     "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\n"
                     "Content-Length: %zu\r\nConnection: close\r\n\r\n%.512s",
                     strnlen(text, 512), text);

    if (!l->is_tls)
        (void)!send(fd, reply, (size_t)n, MSG_NOSIGNAL);
}

static void take(struct listener *l, int fd, const union address *a)
{
    struct http_server *s = l->server;
    struct peer_count *count = NULL;
    struct conn_peer peer;

    if (atomic_load(&s->n_conns) >= s->limits.connections) {
        atomic_fetch_add(&l->w->refused, 1);
        close(fd);
        return;
    }
    peer_text(a, &peer);
    if (s->limits.connections_per_address && !l->is_unix) {
        count = peer_take(s, peer.text);
        if (!count) {
            atomic_fetch_add(&l->w->refused, 1);
            tell_too_many(l, fd);
        }
    }
    conn_new(l, least_loaded(s), fd, &peer, count);
}

/* Out of descriptors: the queue of the kernel holds them for a moment. */
static void pause_accept(struct listener *l)
{
    epoll_ctl(l->w->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL);
    l->next_paused = l->w->paused;
    l->w->paused = l;
    l->w->paused_until_ms = l->w->now_ms + ACCEPT_PAUSE_MS;
}

void listener_resume(struct worker *w)
{
    while (w->paused) {
        struct listener *l = w->paused;

        w->paused = l->next_paused;
        watch(l);
    }
}

void listener_accept(struct listener *l)
{
    for (int i = 0; i < ACCEPT_BATCH && l->fd >= 0; i++) {
        union address a = {0};
        socklen_t len = sizeof a;
        int fd = accept4(l->fd, &a.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            take(l, fd, &a);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accept(l);
            return;
        }
    }
}
