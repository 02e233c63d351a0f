/*
 * http_t -- a server to test, and raw sockets to talk to it
 */
#ifndef HTTP_T_H
#define HTTP_T_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/thread.h"
#include "http/server.h"
#include "t.h"

struct t_server {
    struct http_server *s;
    uint16_t port;
};

/* A server on a free port of 127.0.0.1. `opts` may be NULL; its handler too: t_echo. */
struct t_server t_server_start(const struct http_server_opts *opts);
void t_server_stop(struct t_server *t);
static inline void t_server_stopp(struct t_server *t)
{
    t_server_stop(t);
}
#define auto_t_server AUTO(t_server_stopp)

/* Answers "METHOD PATH QUERY [BODY]". */
void t_echo(struct http_exchange *x, void *arg);

int t_connect(uint16_t port);
void t_send(int fd, struct str s);
#define t_send_c(fd, text) t_send((fd), STR(text))
/* Reads until the peer closes (or resets), or the time is over, which fails the test. */
void t_read_all(int fd, struct buf *b);
/* Reads one reply with a Content-Length: its status; the body into `b`. 0: closed instead. */
int t_read_reply(int fd, struct buf *b);
/* Send, read until closed. The status of the first reply, 0: none. */
int t_ask_raw(uint16_t port, struct str request, struct buf *b);

/* A certificate authority and what it signed, as PEM files below t_tmpdir(). */
struct t_pki {
    char ca[128], cert[128], key[128], client_cert[128], client_key[128];
};
/* `name`: its folder; the server's certificate is for localhost and 127.0.0.1. */
const struct t_pki *t_pki(const char *name);
void t_copy_file(const char *from, const char *to);

#endif
