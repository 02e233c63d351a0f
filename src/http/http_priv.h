/*
 * http_priv -- what the files of the server share
 *
 * Thread:  a connection, its exchange and its timers belong to one worker thread; that worker
 * alone reads, writes, closes and frees them. Other threads leave word in the worker's mailbox
 * (struct post) and touch nothing else but what is said to be under worker.lock or
 * http_stream.lock. No two of this room's locks are ever held together.
 */
#ifndef HTTP_PRIV_H
#define HTTP_PRIV_H

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/vec.h"
#include "http/body.h"
#include "http/head.h"
#include "http/server.h"
#include "http/target.h"

enum {
    SCRATCH_BYTES = 64 << 10, /* a worker reads into this first */
    OUT_BYTES = 16 << 10,     /* reply heads, and what TLS puts into one record */
    ARENA_FIRST_BYTES = 3 << 10,
    ARENAS_KEPT = 128, /* per worker, for reuse */
    LINGER_MS = 2000,  /* read and drop after an early reply, so that it is not lost */
    ACCEPT_PAUSE_MS = 50,
    ACCEPT_BATCH = 64,
    LISTENERS_MAX = 64,
    PEER_TEXT_SIZE = INET6_ADDRSTRLEN,
};

/* Something for a worker's thread to do. Embedded; in the mailbox at most once at a time. */
struct post {
    struct post *next;
    void (*fn)(struct post *p);
    bool queued; /* worker.lock */
};

/* Deadlines of one kind: all have the same length, so the list is in order as it grows. */
struct timers {
    struct conn *first, *last;
    uint32_t ms;
};
enum timer_kind { TIMER_HEAD, TIMER_BODY, TIMER_WRITE, TIMER_IDLE, TIMER_LINGER, TIMER_KINDS };

struct worker {
    struct http_server *server;
    struct thread thread;
    unsigned index;
    int epoll_fd, wake_fd;
    struct lock lock;                     /* mailbox; gone and gone_fn of the exchanges */
    struct post *mail_first, **mail_last; /* lock */
    struct timers timers[TIMER_KINDS];
    struct conn *conns; /* all of this worker */
    size_t n_conns;
    struct conn *buried;  /* closed, freed at the end of the round */
    struct conn *running; /* its handler is on the stack */
    struct arena *arenas[ARENAS_KEPT];
    size_t n_arenas;
    char *scratch, *out;
    int64_t now_ms;
    int64_t date_s;
    char date[40]; /* "Tue, 24 Nov 2026 16:12:01 GMT" */
    struct listener *paused;
    int64_t paused_until_ms;
    bool quit;
    struct post stop_post, kill_post, quit_post;
    atomic_uint_fast32_t load; /* connections given to this worker */
    atomic_uint_fast64_t requests;
    atomic_int_fast64_t parked;
    atomic_uint_fast64_t refused;
};

struct listener {
    struct http_server *server;
    struct worker *w;
    int fd;
    unsigned tag;
    bool is_unix, is_tls;
    char *unix_path;
    struct tls_source *tls;
    struct post post;
    struct listener *next_paused;
};

struct http_server {
    struct http_server_opts opts;
    struct http_limits limits;
    struct worker *workers;
    unsigned n_workers;
    struct lock lock;
    size_t n_listening;               /* lock; listeners that may still accept */
    struct cond changed;              /* something that is_quiet looks at fell to 0 */
    VEC(struct listener *) listeners; /* lock */
    struct map peers;                 /* lock; struct peer_count by address */
    struct upgraded *sockets;         /* lock; websockets that run */
    size_t n_sockets;                 /* lock */
    bool sockets_stopped;             /* lock */
    atomic_int_fast64_t n_conns;
    atomic_bool stopping;
};

enum conn_state {
    CONN_TLS,    /* handshake */
    CONN_HEAD,   /* idle, or part of a head is there */
    CONN_BODY,   /* head read, body on its way */
    CONN_RUN,    /* the handler has it, or someone it was left to */
    CONN_WRITE,  /* the reply is being sent */
    CONN_STREAM, /* a streaming reply */
    CONN_LINGER, /* replied and shut down; what still comes is dropped */
    CONN_DEAD,   /* closed; waits for its exchange to be answered */
    CONN_MOVED,  /* closed here: a websocket has the descriptor now */
};

struct conn_peer {
    char text[PEER_TEXT_SIZE];
    uint16_t port;
};

struct conn {
    struct post post;
    struct worker *w;
    struct listener *l;
    struct http_exchange *x;
    struct tls_conn *tls;
    struct conn *prev, *next;   /* worker.conns */
    struct conn *tprev, *tnext; /* the timer's list */
    struct timers *timer;
    int64_t deadline_ms;
    char *in; /* bytes not yet used: in[in_off .. in_len) */
    size_t in_off, in_len, in_cap, in_scanned;
    struct str out[2]; /* what is left of the reply: head, body */
    struct peer_count *peer_count;
    int fd;
    uint8_t state;
    bool started, readable, writable, half_closed, in_is_scratch, close_after;
    struct conn_peer peer;
};

enum answer { ANSWER_NONE, ANSWER_REPLY, ANSWER_STREAM, ANSWER_UPGRADE };

struct http_exchange {
    struct conn *c;
    struct arena *arena;
    struct head head;
    struct target target;
    struct str raw_target;
    struct target_params *params; /* read when first asked for */
    struct body body;
    struct chunks chunks;
    size_t body_max;
    void *user;
    atomic_int answer;
    bool posted;       /* worker.lock: answered from outside, word is in the mailbox */
    bool answer_ready; /* the worker has taken note of the answer: set by it alone */
    bool parked;
    struct http_reply reply;
    struct http_stream *stream;
    struct upgraded *upgrade;
    atomic_bool gone;
    void (*gone_fn)(struct http_exchange *x, void *arg); /* worker.lock */
    void *gone_arg;
};

/* worker.c */
int worker_start(struct worker *w, struct http_server *s, unsigned index, struct err *e);
void worker_join(struct worker *w);
/* `flag` (NULL: none) is set in the same moment: the worker acts on what stands behind it only
 * once it sees the flag, so whoever posts need not own `p` any more when this returns. */
void worker_post(struct worker *w, struct post *p, bool *flag);
bool worker_saw(struct worker *w, const bool *flag); /* reads it under the lock */
void worker_unpost(struct worker *w, struct post *p);
bool worker_is_self(const struct worker *w);
struct arena *worker_arena(struct worker *w);
void worker_arena_back(struct worker *w, struct arena *a);
const char *worker_date(struct worker *w);
void timer_set(struct conn *c, enum timer_kind kind);
void timer_clear(struct conn *c);

/* listener.c */
void listener_accept(struct listener *l);
void listener_close(struct listener *l); /* on its worker */
void listener_free(struct listener *l);
void listener_resume(struct worker *w);

/* peers.c: how many connections an address has */
struct peer_count *peer_take(struct http_server *s, const char *address); /* NULL: too many */
void peer_drop(struct http_server *s, struct peer_count *p);

/* conn.c. A connection that is closed stays in memory at least until the end of the round. */
void conn_new(struct listener *l, struct worker *w, int fd, const struct conn_peer *peer,
              struct peer_count *count);
void conn_event(struct conn *c, uint32_t events);
void conn_advance(struct conn *c);
void conn_close(struct conn *c);   /* DEAD, and buried unless an answer is owed */
void conn_moved(struct conn *c);   /* the same, but the descriptor lives on elsewhere */
void conn_release(struct conn *c); /* DEAD, and perhaps nothing is owed any more: bury */
void conn_free(struct conn *c);
void conn_shut(struct conn *c);      /* the server stops: only if nothing is going on */
void conn_timed_out(struct conn *c); /* its deadline has passed */
void conn_finished(struct conn *c);  /* the reply is out: next request or close */
void conn_linger(struct conn *c);    /* shut down our side, drop what still comes */
void conn_dispatch(struct conn *c);  /* the request is whole: run the handler */

/* conn_io.c: -1 in case of errors, 0 end of stream, or bytes; IO_AGAIN: not now */
enum { IO_AGAIN = -2 };
ptrdiff_t conn_recv(struct conn *c, void *p, size_t len);
/* Sends from c->out, forwards it. 1: all out, 0: not yet, -1: the connection is broken. */
int conn_flush(struct conn *c);
void conn_send_small(struct conn *c, struct str text); /* whole or not at all */
/* Room for at least one byte at in[in_len]; false: the limit is reached. */
bool conn_in_prepare(struct conn *c, size_t max);
void conn_in_settle(struct conn *c); /* keep what is left, give the scratch buffer back */
void conn_in_used(struct conn *c, size_t bytes);

/* request.c: from bytes to an exchange. */
enum { REQUEST_MORE = 0, REQUEST_DONE = 1, REQUEST_GONE = 2 }; /* or a status, and `*why` */
int request_head(struct conn *c, const char **why);
int request_body(struct conn *c, const char **why);
void exchange_free(struct http_exchange *x);

/* reply.c */
void reply_begin(struct conn *c); /* send x->reply */
/* A reply of the server's own, then close. */
void reply_refuse(struct conn *c, int status, const char *why);
const char *reply_status_text(int status);
enum reply_framing { FRAME_LENGTH, FRAME_CHUNKED, FRAME_UNTIL_CLOSE, FRAME_NONE };
/* Status line, headers and empty line; in the worker's out buffer or the arena. */
struct str reply_head(struct conn *c, const struct http_reply *r, enum reply_framing framing);
/* Mark the peer as gone and tell who asked (http_on_gone), once. */
void exchange_tell_gone(struct http_exchange *x);
/* The exchange is answered now; twice is a bug and aborts. */
void exchange_answer(struct http_exchange *x, enum answer how);
void answer_begin(struct conn *c); /* on the worker: start to send it */

/* stream.c */
void stream_pump(struct conn *c);
void stream_gone(struct http_stream *s);
bool stream_ended(struct http_stream *s);
void stream_free(struct http_stream *s);

/* upgrade.c */
void upgrade_begin(struct conn *c); /* 101, then the descriptor leaves the worker */
void upgrade_gone(struct http_exchange *x);
void upgrade_stop_all(struct http_server *s);

/* tls.c */
int tls_source_new(const struct http_tls *t, struct tls_source **ret, struct err *e);
void tls_source_free(struct tls_source *t);
int tls_source_reload(struct tls_source *t, struct err *e);
struct tls_conn *tls_conn_new(struct tls_source *t, int fd);
void tls_conn_free(struct tls_conn *t);
void tls_conn_bye(struct tls_conn *t);
/* 1: done, 0: goes on, -1: failed. */
int tls_handshake(struct tls_conn *t);
ptrdiff_t tls_recv(struct tls_conn *t, void *p, size_t len);
ptrdiff_t tls_send(struct tls_conn *t, const void *p, size_t len);
int tls_flush(struct tls_conn *t); /* as conn_flush */
struct str tls_peer_cert(const struct tls_conn *t);

#endif
