/*
 * What the files that answer /v1/client/... share.
 *
 * A request runs on a thread of its own (bounded: CLIENT_REQUESTS_MAX), whoever asked: an HTTP
 * exchange of this agent, a server over the websocket, a server in this process. It writes its
 * answer through a `struct answer`; where that goes is the asker's business.
 */
#ifndef NOMAD_CLIENT_SERVE_H
#define NOMAD_CLIENT_SERVE_H

#include "nomad/client/client_priv.h"

/* Where the answer goes. head once, then any number of pieces; both may block. */
struct answer {
    int (*head)(struct answer *w, int status, const char *type, struct err *e);
    /* Everything at once, instead of head and pieces. */
    int (*whole)(struct answer *w, int status, const char *type, struct str body,
                 struct err *e);
    int (*piece)(struct answer *w, struct str data, struct err *e); /* ERR_CANCELED: gone */
    bool (*is_gone)(struct answer *w);
    int wake_fd;    /* readable once it is gone; -1: is_gone is to be asked now and then */
    bool follows;   /* a stream may go on and on */
    bool head_sent; /* by answer_head */
};

struct ask {
    struct nomad_client *c;
    struct arena *a;
    const char *method; /* "GET" */
    struct str path;    /* decoded, normalised */
    const struct target_params *params;
    const struct call *call; /* an inner call's parameters; then params is NULL */
    struct str body;
    struct answer *w;
    struct str id; /* of the alloc: from the path */
};

void serve_init(struct nomad_client *c);
void serve_stop(struct nomad_client *c); /* no new requests; waits for those under way */
void serve_done(struct nomad_client *c);
void stream_loop(void *c); /* stream_ws.c */

/* Run a request to its end on this thread. */
void serve_run(struct nomad_client *c, const char *method, struct str target, struct str body,
               struct answer *w);
/* Run fn on a thread of its own, one of those that serve_stop waits for. ERR_LIMIT: too many;
 * ERR_UNAVAIL: stopping. */
int serve_spawn(struct nomad_client *c, void (*fn)(void *arg), void *arg, struct err *e);

/* For handlers. */
bool ask_param(const struct ask *q, const char *name, struct str *ret);
const char *ask_cstr(const struct ask *q, const char *name); /* "" when absent */
int answer_head(struct answer *w, int status, const char *type, struct err *e);
int answer_whole(struct answer *w, int status, const char *type, struct str body,
                 struct err *e);
#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"
/* The alloc that the path names: a reference. ERR_NOTFOUND "Unknown allocation ...". */
int ask_alloc(const struct ask *q, struct alloc_run **ret, struct err *e);

/* fs.c */
int serve_ls(struct ask *q, struct err *e);
int serve_stat(struct ask *q, struct err *e);
int serve_cat(struct ask *q, struct err *e);
int serve_readat(struct ask *q, struct err *e);
/* "/a/../b" -> "b"; "" is the alloc's directory. ERR_DENIED: it would lead out. */
int fs_clean(struct arena *a, struct str path, const char **ret, struct err *e);
/* May its bytes be shown? ERR_DENIED for what lies in secrets/ and private/. */
int fs_check_readable(const char *clean, struct err *e);
/* Open a cleaned path below the alloc's directory; links are not followed. */
int fs_open(const struct alloc_run *ar, const char *clean, int flags, struct err *e);

/* logs.c */
int serve_stream(struct ask *q, struct err *e);
int serve_logs(struct ask *q, struct err *e);

/* serve_alloc.c, host_stats.c */
int serve_alloc_stats(struct ask *q, struct err *e);
int serve_alloc_restart(struct ask *q, struct err *e);
int serve_alloc_signal(struct ask *q, struct err *e);
int serve_alloc_checks(struct ask *q, struct err *e);
int serve_alloc_gc(struct ask *q, struct err *e);
int serve_gc(struct ask *q, struct err *e);
int serve_metadata(struct ask *q, struct err *e);
int serve_host_stats(struct ask *q, struct err *e);

/* monitor.c */
int serve_monitor(struct ask *q, struct err *e);

#endif
