/*
 * client_t -- a client agent over a fake link, with a real shim
 *
 *     struct world w;
 *     world_start(&w, NULL);
 *     world_run(&w, ID, "\"args\":[\"-c\",\"echo hi\"]", NULL);
 *     world_wait(&w, ID, "complete");
 *     world_stop(&w);
 *
 * The fake server lives as long as the world; the client may be started anew over the same
 * directories (world_end_client, world_begin_client).
 */
#ifndef TESTS_UNIT_CLIENT_T_H
#define TESTS_UNIT_CLIENT_T_H

#include <poll.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/thread.h"
#include "nomad/client/client.h"
#include "t.h"

enum { FAKE_ALLOCS = 64 };

struct fake_alloc {
    char id[37];
    struct object *alloc;  /* as the server has it */
    struct object *update; /* what the client said last; NULL: nothing yet */
    unsigned n_updates;
};

struct fake_server {
    struct lock lock;
    struct cond changed;
    uint64_t index;
    struct fake_alloc allocs[FAKE_ALLOCS];
    size_t n;
    atomic_uint registers, heartbeats, derives;
    bool down;                 /* every call is ERR_UNAVAIL */
    bool hangs;                /* no call is answered while it is set */
    bool unknown;              /* heartbeats are ERR_DENIED until the next register */
    bool deny_watch;           /* the next parked request is ERR_DENIED */
    bool deploy;               /* allocs belong to a deployment from now on */
    unsigned derive_fails;     /* so many times "not now" first */
    const char *derive_error;  /* for good */
    const char *vault_address; /* in the tokens */
    bool first_expires;        /* only the first token has a TTL */
    int64_t token_ttl_s;       /* 0: never expires */
    struct object *node;       /* as registered last */
    struct server_link link;
};

struct world {
    char dir[256];
    struct fake_server server;
    struct nomad_client *client;
    struct nomad_client_opts opts;
    struct arena *arena;
};

#define ID1 "11111111-1111-1111-1111-111111111111"
#define ID2 "22222222-2222-2222-2222-222222222222"

/* `change` may set options before the client is made. */
void world_start(struct world *w, void (*change)(struct nomad_client_opts *o));
void world_stop(struct world *w); /* every task is ended and checked to be gone */
/* The same in two steps: the client, then the fake server. */
void world_close(struct world *w);
void world_done(struct world *w);
void world_end_client(struct world *w);
void world_begin_client(struct world *w);

/* A batch job of one raw_exec task "t" that runs /bin/sh -c `script`. `more`: further members
 * of the task, `group`: of the group, `job`: of the job (JSON, may be NULL). */
void world_run(struct world *w, const char *id, const char *script, const char *more,
               const char *group);
/* The whole job as JSON; its first group. */
void world_put(struct world *w, const char *id, const char *job_json);
void world_desire(struct world *w, const char *id, const char *desired); /* "stop" */
/* The server evicted `victim` for the alloc. */
void world_preempts(struct world *w, const char *id, const char *victim);
void world_forget(struct world *w, const char *id); /* the server has collected it */

/* Wait for what the client says. */
void world_wait(struct world *w, const char *id, const char *status);
void world_wait_task(struct world *w, const char *id, const char *task, const char *state);
/* The last update, copied; NULL: none. */
const struct alloc *world_alloc(struct world *w, const char *id);
const struct task_state *world_task(struct world *w, const char *id, const char *task);
/* "Received|Task Setup|..." */
const char *world_types(struct world *w, const char *id, const char *task);
const char *world_texts(struct world *w, const char *id, const char *task);
bool world_has_event(struct world *w, const char *id, const char *task, const char *type);

/* A file below the alloc's directory; "" when it is not there. */
const char *world_file(struct world *w, const char *id, const char *path);
const char *world_path(struct world *w, const char *id, const char *path);

#endif
